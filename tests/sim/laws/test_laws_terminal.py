"""同样的定律，委托从 MiniQMT 与完整版两边来：账还是平的，完整版听来的与柜台的一字不差。

长的：``python tests/sim/laws/run.py --both --runs 10000 --workers 2``。
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from laws_terminal import BothDesk, BothLaws
from laws_world import CASH, World

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)

BothLaws.TestCase.settings = settings(
    max_examples=3, stateful_step_count=40, deadline=None, derandomize=True
)
TestBothLaws = BothLaws.TestCase


def test_a_client_that_missed_an_event_is_noticed(tmp_path: Path) -> None:
    """定律有牙：少听一件事，下一次核对就看得出来。"""
    desk = BothDesk(tmp_path / "盘", World(date(2026, 11, 16), settings={"profile": "instant"}))
    try:
        desk.agree()
        desk.happened = []
        desk._submit(CASH, 23, "600036.SH", 100, 11, 30.0)
        desk.happened = []
        with pytest.raises(AssertionError):
            desk.agree()
    finally:
        desk.close()
