"""坏网线上的混沌：``python tests/remote_chaos/run.py --scenarios 1000 --seed 1``。

重放一个：``python tests/remote_chaos/run.py --seed 1 --only 137``；一段：``--only 120-137``。
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[each]) for each in range(3)]
sys.path.insert(1, str(HERE.parents[1] / "chaos"))

from chaos_spread import main  # noqa: E402
from remote_run import RemoteRunner  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(HERE, __doc__, 1000, RemoteRunner))
