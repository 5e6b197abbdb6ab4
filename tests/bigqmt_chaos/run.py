"""完整版 QMT 的混沌：``python tests/bigqmt_chaos/run.py --scenarios 3000 --seed 1``。

一切在一个进程里；真的进程的那一份在 run_served.py。
重放一个：``python tests/bigqmt_chaos/run.py --seed 1 --only 137``；一段：``--only 120-137``。
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[each]) for each in range(3)]
sys.path.insert(1, str(HERE.parents[1] / "chaos"))

from big_run import InsideRunner  # noqa: E402
from chaos_spread import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(HERE, __doc__, 3000, InsideRunner))
