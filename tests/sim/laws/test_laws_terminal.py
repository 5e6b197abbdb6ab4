"""同样的定律，委托从 MiniQMT 与完整版两边来：账还是平的，完整版听来的与柜台的一字不差。

长的：``python tests/sim/laws/run.py --both --runs 10000 --workers 2``。
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from laws_terminal import BothLaws

pytestmark = pytest.mark.timeout(600)

BothLaws.TestCase.settings = settings(
    max_examples=6, stateful_step_count=40, deadline=None, derandomize=True
)
TestBothLaws = BothLaws.TestCase
