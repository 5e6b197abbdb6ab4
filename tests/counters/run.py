"""一条命令：装好别家的包，跑 ``counters`` 那一组：``python tests/counters/run.py [选项]``。

装不上的（没有网、没有这个 Python 的包）退出码 3，什么都没有跑。
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
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
    command = [sys.executable, "-m", "pytest", *group, *sys.argv[1:]]
    return subprocess.run(command, cwd=HERE.parents[1], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
