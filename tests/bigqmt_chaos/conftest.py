"""核对、账本、记数与 `tests/chaos` 是同一份。"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "chaos"))
