"""把别家的包装进正在跑的这个 Python：``python tests/counters/install.py [--more] [--native]``。

VeighNa 的都不带依赖（它的依赖里有 974 MB 的窗口），要的另外写。``--more`` 还装它的 OKX、盈透；
``--native`` 还从源码编译几家 C++ 的（要编译器，几分钟）。每一步有期限；装不上的说出是哪一步，
退出码 1。
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time

PLAIN = (
    *("numpy", "ta-lib", "loguru", "requests", "tzlocal", "pyzmq"),  # VeighNa 的最小依赖
    *("ccxt>=4.5.80", "ib_async>=2.0", "futu-api>=10.10", "tigeropen>=3.8"),
    *("pandas", "importlib_metadata", "websocket-client"),  # VeighNa 的几个应用、vnpy_evo
)
BARE = (
    *("vnpy==4.5.0", "vnpy_rpcservice==1.1.0", "vnpy_mt5==2024.3.12", "vnpy_evo"),
    *("vnpy_scripttrader==1.2.0", "vnpy_portfoliomanager==1.1.0", "vnpy_paperaccount==1.0.6"),
)
MORE = (
    ["--no-deps", "vnpy_okx", "vnpy_rest", "vnpy_websocket", "vnpy_ib", "ibapi-stable"],
    ["protobuf==5.29.5"],
)
NATIVE = ("vnpy_xtp", "vnpy_ctp", "vnpy_mini", "vnpy_sopt")
"""Linux 上编译得了的四家。"""
STEP_S = 600.0
BUILD_S = 1200.0


def main() -> int:
    """全部装好为 0。"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--more", action="store_true", help="也装 VeighNa 的 OKX 与盈透")
    parser.add_argument("--native", action="store_true", help="也编译 C++ 的")
    told = parser.parse_args()
    native = told.native
    if not pip("带依赖的", ["--prefer-binary", *PLAIN], STEP_S) or not pip(
        "VeighNa", ["--no-deps", *BARE], STEP_S
    ):
        return 1
    for arguments in MORE if told.more else ():
        if not pip("VeighNa 的 OKX、盈透", arguments, STEP_S):
            return 1
    if native and sys.platform == "win32":
        sys.stdout.write("Windows 上 C++ 的有 wheel：只有 3.10 与 3.13 的\n")
    for package in NATIVE if native else ():
        if not pip(package, ["--no-deps", package], BUILD_S):
            return 1
    missing = [
        each for each in ("vnpy", "ccxt", "ib_async", "futu", "tigeropen") if not is_there(each)
    ]
    if missing:
        sys.stderr.write(f"装完了还找不到：{'、'.join(missing)}\n")
    return 1 if missing else 0


def pip(title: str, arguments: list[str], limit_s: float) -> bool:
    """装一组；装不上的把 pip 的最后几行印出来。"""
    begun = time.monotonic()
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q"]
    try:
        done = subprocess.run(
            [*command, *arguments],
            capture_output=True, stdin=subprocess.DEVNULL, timeout=limit_s, check=False,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"{title}：过了 {limit_s:g} 秒还没有装完\n")
        return False
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-15:])
        sys.stderr.write(f"{title}：装不上（{' '.join(arguments)}）\n{tail}\n")
        return False
    sys.stdout.write(f"{title}：好了，{time.monotonic() - begun:.0f} 秒\n")
    sys.stdout.flush()
    return True


def is_there(module: str) -> bool:
    """找得到，不导入。"""
    return importlib.util.find_spec(module) is not None


if __name__ == "__main__":
    sys.exit(main())
