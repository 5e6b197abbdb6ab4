"""挡不住的那个洞：查完了、就要交给柜台时被停住，别人接手说没有，它醒来委托出去了——报警、停掉账号。

在 PostgreSQL 上真的停住（SIGSTOP）：``pytest -m chaos tests/agent/test_agent_alarms_hole.py``。
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from station_world import AMOUNT, CODE, RESTING, wish, within
from support import eventually
from test_agent_killed import Place, Zygote

from easytrader.fleets.words import ABSENT, UNSENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.fleets.words import StoredEvent

pytestmark = pytest.mark.skipif(os.name == "nt", reason="要 fork 与 SIGSTOP")

LOOKS: dict[str, Any] = {"heartbeat_interval": 0.5}
"""柜台的推送只到自己的进程：别人下的靠心跳时的补查。"""


@pytest.fixture
def cradle() -> Iterator[Zygote]:
    found = Zygote()
    yield found
    found.close()


def alarms(place: Place) -> list[StoredEvent]:
    found = place.store.read("a", 0, 1000, within(5))
    assert [each.number for each in found] == list(range(1, len(found) + 1))
    return [each for each in found if each.kind == "late_order"]


def check_hole(place: Place, how: str) -> None:
    first = place.agent("box1", "柜台前", how, takeover="auto", options=LOOKS)
    eventually(lambda: place.owned("box1"))
    place.strategy.post(wish("buy", CODE, RESTING, AMOUNT, command_id="one", valid_s=60))
    if how == "stop":
        eventually(lambda: psutil.Process(first).status() == psutil.STATUS_STOPPED)
    else:
        eventually((place.folder / "box1" / "asleep").exists)
    place.agent("box2", takeover="auto", options=LOOKS)
    row = place.strategy.until(place.store.find("a", "one", within(5)))  # type: ignore[arg-type]
    assert (row.state, place.ledger()) == (ABSENT, {})
    assert place.owned("box2")
    assert alarms(place) == []

    os.kill(first, signal.SIGCONT if how == "stop" else signal.SIGUSR1)
    eventually(lambda: sum(place.ledger().values()))
    eventually(lambda: alarms(place))
    (alarm,) = alarms(place)
    assert alarm.command_id == "one"
    (switch,) = place.store.switches(within(5))
    assert switch.scope == "account:a"
    assert "late_order" in switch.why
    # 停住了：策略照着「没有」再发一次，出不去
    row = place.strategy.do(wish("buy", CODE, RESTING, AMOUNT, command_id="one"))
    assert (row.state, row.reason) == (UNSENT, "switch")
    assert sum(place.ledger().values()) == 1


def test_the_order_nobody_could_stop_raises_the_alarm(cradle: Zygote, tmp_path: Path) -> None:
    with contextlib.closing(Place(cradle, tmp_path)) as place:
        check_hole(place, "doze")


@pytest.mark.chaos
def test_the_order_nobody_could_stop_on_postgres(
    cradle: Zygote, tmp_path: Path, pg_dsn: str
) -> None:
    with contextlib.closing(Place(cradle, tmp_path, pg_dsn)) as place:
        check_hole(place, "stop")
