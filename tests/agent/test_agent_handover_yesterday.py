"""上一任留下的、不是今天的委托：今天的委托里没有它，不等于没有到柜台。"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import pytest

from easytrader.agent.handover import judge
from easytrader.errors import OutcomeUnknownError
from easytrader.fleets.words import ABSENT, UNKNOWN, Command

if TYPE_CHECKING:
    from station_world import StationWorld

DAY_S = 86_400.0


def left(created_at: float) -> Command:
    request = secrets.token_hex(16)
    return Command(
        "a", f"r-{request}", request, "buy", "order", '{"args":[],"kwargs":{}}', "d", 1,
        login="z", may=("read", "trade"), state=UNKNOWN, created_at=created_at,
    )  # fmt: skip


def test_an_order_of_another_day_is_never_declared_absent(fleet: StationWorld) -> None:
    """本机没有它的记录（换过机器、恢复过主目录）；说没有到，同一个编号就能再下一笔。"""
    desk = fleet.server.desks["a"]
    now = time.time()
    found = judge(desk, left(now), time.monotonic() + 10)
    assert found is not None
    assert found.state == ABSENT
    with pytest.raises(OutcomeUnknownError, match="历史委托"):
        judge(desk, left(now - 2 * DAY_S), time.monotonic() + 10)
