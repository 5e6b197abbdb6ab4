"""``cancel``：返回值两头说谎，撤不成没有回调，51 → 54，晚上不理。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import ACCOUNT, eventually
from terminal_desk import DeskClient, desk_client

from easytrader.basics.beijing import moment
from easytrader.sim.terminal.client.manners import MANNERS

if TYPE_CHECKING:
    from pathlib import Path

INSTANT = MANNERS["instant"]
SIM = {"profile": "instant"}


def resting(client: DeskClient) -> str:
    """挂着的一笔的合同编号。"""
    client.order(100, round(client.last * 0.95, 2))
    client.wait(1)
    return str(client.rows()[-1].m_strOrderSysID)


def test_cancelled_through_51(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim=SIM) as client:
        sysid = resting(client)
        assert client.cancel(sysid) is True
        client.wait()
        assert client.statuses() == [(50, sysid), (51, sysid), (54, sysid)]
        [row] = client.rows()
        assert (row.m_nOrderStatus, row.m_dCancelAmount, row.m_nVolumeTotal) == (54, 100, 100)
        assert client.told("order")[1].m_dCancelAmount == 0


def test_a_slow_counter_stays_at_51(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim={"cancel_done_s": 0.3}) as client:
        sysid = resting(client)
        client.cancel(sysid)
        client.wait()
        assert client.rows()[-1].m_nOrderStatus == 51
        eventually(lambda: client.wait(0.1) or client.rows()[-1].m_nOrderStatus == 54)
        assert [status for status, _ in client.statuses()] == [50, 51, 54]


def test_a_build_that_does_not_show_51(tmp_path: Path) -> None:
    with desk_client(tmp_path, INSTANT.changed(shows_cancelling=False), sim=SIM) as client:
        client.cancel(resting(client))
        client.wait()
        assert [status for status, _ in client.statuses()] == [50, 54]


@pytest.mark.parametrize(
    ("says", "good", "bad"),
    [("truth", True, False), ("lies", False, True), ("true", True, True), ("false", False, False)],
)
def test_the_answer_proves_nothing(tmp_path: Path, says: str, good: bool, bad: bool) -> None:
    with desk_client(tmp_path, INSTANT.changed(cancel_returns=says), sim=SIM) as client:
        sysid = resting(client)
        assert client.cancel(sysid) is good
        assert client.cancel("20991231") is bad
        client.wait()
        assert client.rows()[-1].m_nOrderStatus == 54  # 不管它说什么


def test_a_refused_cancel_is_only_a_line_in_the_log(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim=SIM) as client:
        sysid = resting(client)
        client.cancel(sysid)
        client.wait()
        before = client.statuses()
        assert client.cancel(sysid) is True  # 信号发出去了；柜台不收是后来的事
        assert client.cancel("99") is False
        assert client.cancel("") is False
        client.wait(5)
        assert client.statuses() == before
        assert len(client.lines(f"[trade]cancel failed sysid={sysid} [COUNTER]")) == 1
        assert len(client.lines("[trade]cancel failed sysid=99")) == 1


@pytest.mark.parametrize(("clock", "works"), [("16:59:00", True), ("17:00:30", False)])
def test_in_the_evening_nothing_happens(tmp_path: Path, clock: str, works: bool) -> None:
    with desk_client(tmp_path, "evening", sim=SIM) as client:
        sysid = resting(client)
        client.clock.set_now(moment(f"2026-03-02 {clock}"))
        assert client.cancel(sysid) is True
        client.wait(1)
        assert client.rows()[-1].m_nOrderStatus == (54 if works else 50)


def test_letters_are_understood(tmp_path: Path) -> None:
    with desk_client(tmp_path, INSTANT.changed(sysid_style="letters"), sim=SIM) as client:
        sysid = resting(client)
        assert sysid.startswith("MM")
        assert client.cancel(sysid) is True
        client.wait()
        assert client.statuses()[-1] == (54, sysid)


def test_wrong_shapes_and_wrong_accounts(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim=SIM) as client:
        sysid = resting(client)
        context = client.strategy.context
        with pytest.raises(TypeError):
            client.call("cancel", 1, ACCOUNT, "STOCK", context)
        with pytest.raises(TypeError):
            client.call("cancel", sysid, ACCOUNT, "STOCK")
        assert client.call("cancel", sysid, ACCOUNT, "CREDIT", context) is False
        assert client.call("cancel", sysid, "880000009", "STOCK", context) is False
        client.wait()
        assert client.rows()[-1].m_nOrderStatus == 50


def test_a_mode_that_does_not_trade_does_not_cancel(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim=SIM) as client:
        sysid = resting(client)
        second = DeskClient(client.host, INSTANT, mode="sim")
        try:
            assert second.cancel(sysid) is False
        finally:
            second.terminal.stop()
        client.wait()
        assert client.rows()[-1].m_nOrderStatus == 50
