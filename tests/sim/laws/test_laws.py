"""随机的世界、随机的委托与日子、随时重开：账是平的，T+1 没有破，终态不变，再做一遍一模一样。

这里是短的一份；长的：``python tests/sim/laws/run.py --runs 10000 --workers 2``。
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from laws import Laws

pytestmark = pytest.mark.timeout(600)

Laws.TestCase.settings = settings(
    max_examples=6, stateful_step_count=40, deadline=None, derandomize=True
)
TestLaws = Laws.TestCase
