"""真的进程上的混沌：``python tests/bigqmt_chaos/run_served.py --scenarios 100``。

杀的是真的：3.6 的进程、占着文件夹的主机、下单的脚本。重放一个：``--only 37``。
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[each]) for each in range(3)]
sys.path.insert(1, str(HERE.parents[1] / "chaos"))

from big_run import ServedRunner  # noqa: E402
from chaos_spread import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(HERE, __doc__, 100, ServedRunner))
