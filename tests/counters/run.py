"""一条命令：装好别家的包，跑 ``counters`` 那一组：``python tests/counters/run.py [测试]``。

装不上的（没有网、没有这个 Python 的包）退出码 3，什么都没有跑。
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOMS = ("counters", "gateways", "veighna", "crypto", "overseas")
INSTALL_S = 300.0
NOT_INSTALLED = 3


def main() -> int:
    """pytest 的退出码。"""
    install = [sys.executable, str(HERE / "install.py")]
    try:
        installed = subprocess.run(install, timeout=INSTALL_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        installed = False
        sys.stderr.write(f"过了 {INSTALL_S:g} 秒还没有装完\n")
    if not installed:
        return NOT_INSTALLED
    group = ["-q", "-n", "4", "-m", "counters and not soak and not chaos"]  # 多数在等对面
    rooms = sys.argv[1:] or [f"tests/{each}" for each in ROOMS]  # 别的房间不必收集
    command = [sys.executable, "-m", "pytest", *group, *rooms]
    return subprocess.run(command, cwd=HERE.parents[1], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
