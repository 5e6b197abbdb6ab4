"""混沌长跑：``python tests/chaos/run.py --scenarios 10000 --workers 2 --json tally.json``。

重放一个：``python tests/chaos/run.py --seed 1 --only 137``；一段：``--only 120-137``。
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[each]) for each in range(3)]

from chaos_run import Runner  # noqa: E402
from chaos_spread import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(HERE, __doc__, 10_000, Runner))
