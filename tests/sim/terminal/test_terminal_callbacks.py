"""回调：几次、次序、编号什么时候有，与查得到没有先后的约定；断线与重推。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import ACCOUNT
from terminal_desk import SELL, SOURCE, desk_client

from easytrader.sim.terminal.client.manners import MANNERS

if TYPE_CHECKING:
    from pathlib import Path

INSTANT = MANNERS["instant"]
SIM = {"profile": "instant"}


def test_the_number_comes_with_the_second_look(tmp_path: Path) -> None:
    with desk_client(tmp_path, "open", sim=SIM) as client:
        client.order(100, round(client.last * 0.95, 2))
        client.wait(0.04)
        assert client.statuses() == [(50, "")]
        assert client.rows() == []  # 回调比查得到早
        client.wait(0.01)
        assert [row.m_strOrderSysID for row in client.rows()] == [""]
        client.wait(0.5)
        assert client.statuses() == [(50, ""), (50, "1")]
        assert [row.m_strOrderSysID for row in client.rows()] == ["1"]


def test_a_row_can_be_there_before_its_callback(tmp_path: Path) -> None:
    with desk_client(tmp_path, INSTANT.changed(callback_lag_s=2.0), sim=SIM) as client:
        client.order(100, round(client.last * 0.95, 2))
        client.wait()
        assert len(client.rows()) == 1
        assert client.seen == []
        client.wait(2.0)
        assert len(client.statuses()) == 1


def test_a_fill_brings_the_number_at_once(tmp_path: Path) -> None:
    """没有等到编号就成交了：成交的那一行有编号，没有编号的样子不再出现。"""
    with desk_client(tmp_path, INSTANT.changed(sysid_s=5.0), sim=SIM) as client:
        client.order(200, round(client.last * 0.99, 2), op=SELL)
        client.wait(10)
        assert client.statuses() == [(50, ""), (56, "1")]
        assert [deal.m_strOrderSysID for deal in client.told("deal")] == ["1"]


def test_coalesced(tmp_path: Path) -> None:
    manners = INSTANT.changed(callback_lag_s=0.1, coalesce=True)
    with desk_client(tmp_path, manners, sim=SIM) as client:
        client.order(200, round(client.last * 0.99, 2), op=SELL)
        client.wait(1)
        assert client.statuses() == [(56, "1")]


def test_letters_and_placeholders(tmp_path: Path) -> None:
    manners = INSTANT.changed(sysid_style="letters", sysid_placeholder=True)
    with desk_client(tmp_path, manners, sim=SIM) as client:
        client.order(200, round(client.last * 0.99, 2), op=SELL)
        client.order(100_000, client.last)
        client.wait(1)
        good, junk = client.rows()
        assert good.m_strOrderSysID == client.rows("DEAL")[0].m_strOrderSysID == "MM1"
        assert junk.m_strOrderSysID == f"xt{junk.m_nRef}"
        assert junk.m_nOrderStatus == 57


def test_duplicates_say_the_same(tmp_path: Path) -> None:
    manners = INSTANT.changed(duplicate=True, seed=7)
    with desk_client(tmp_path, manners, sim=SIM) as client:
        client.order(100, round(client.last * 0.95, 2))
        client.wait()
        assert client.statuses() == [(50, "1"), (50, "1")]
        for _ in range(8):
            client.order(100, round(client.last * 0.99, 2), op=SELL)
        client.wait(1)
        deals = [deal.m_strTradeID for deal in client.told("deal")]
        assert len(set(deals)) == 8 < len(deals)
        assert len(client.rows("DEAL")) == 8


def test_reordered(tmp_path: Path) -> None:
    manners = INSTANT.changed(callback_lag_s=(0.0, 0.5), reorder=True, seed=3)
    with desk_client(tmp_path, manners, sim=SIM) as client:
        for _ in range(8):
            client.order(100, round(client.last * 0.99, 2), op=SELL)
        client.wait(1)
        found = [status for status, _ in client.statuses()]
        assert sorted(found) == [50] * 8 + [56] * 8
        by_order: dict[str, list[int]] = {}
        for row in client.told("order"):
            by_order.setdefault(row.m_strOrderRef, []).append(row.m_nOrderStatus)
        assert [56, 50] in by_order.values()
        assert {row.m_nOrderStatus for row in client.rows()} == {56}


@pytest.mark.parametrize("repush", [False, True])
def test_reconnecting_to_the_counter(tmp_path: Path, repush: bool) -> None:
    """断着的时候查到的停住、回调攒着；好了以后补上，脾气如此的当天的再来一遍。"""
    with desk_client(tmp_path, INSTANT.changed(repush=repush), sim=SIM) as client:
        client.order(100, round(client.last * 0.95, 2), tag="~before~")
        client.wait()
        assert client.rows("ACCOUNT")[0].m_strStatus == "登录成功"
        client.desk.dropped()
        assert client.rows("ACCOUNT")[0].m_strStatus == "连接中"
        client.order(200, round(client.last * 0.99, 2), op=SELL, tag="~during~")
        client.wait(5)
        assert [row.m_strRemark for row in client.rows()] == ["~before~"]
        assert len(client.statuses()) == 1
        assert client.rows("ACCOUNT")[0].m_strStatus == "连接中"
        client.desk.reconnected()
        assert client.rows("ACCOUNT")[0].m_strStatus == "登录成功"
        client.wait(1)
        assert [row.m_strRemark for row in client.rows()] == ["~before~", "~during~"]
        again = [(50, "1"), (56, "2")] if repush else []
        assert client.statuses() == [(50, "1"), (50, "2"), (56, "2"), *again]
        assert len(client.told("deal")) == (2 if repush else 1)


def test_money_and_positions_are_told_too(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim=SIM) as client:
        client.order(200, round(client.last * 0.99, 2), op=SELL)
        client.wait(1)
        assert client.told("position")[-1].m_nVolume == 800
        assert client.told("account")[-1].m_dAvailable > 1_000_000


@pytest.mark.parametrize(("needs", "called"), [("callbacks", False), ("no", True)])
def test_without_set_account(tmp_path: Path, needs: str, called: bool) -> None:
    source = SOURCE.replace(b"    C.set_account", b"    str")
    with desk_client(tmp_path, INSTANT.changed(needs_account=needs), source=source) as client:
        client.order(100, client.last)
        client.wait(1)
        assert len(client.rows()) == 1
        assert bool(client.seen) is called


def test_set_account_may_be_needed_to_trade_at_all(tmp_path: Path) -> None:
    source = SOURCE.replace(b"    C.set_account", b"    str")
    manners = INSTANT.changed(needs_account="trading")
    with desk_client(tmp_path, manners, source=source) as client:
        client.order(100, client.last)
        client.wait(1)
        assert (client.rows(), client.seen) == ([], [])
        assert not client.lines("start trading mode")


def test_every_strategy_of_the_account_is_called(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim=SIM) as client:
        second = client.terminal.load(SOURCE, "second", account=ACCOUNT)
        client.order(100, round(client.last * 0.95, 2))
        client.wait()
        assert len(client.statuses()) == 1
        assert [each[0] for each in second.globals["seen"] if each[0] == "order"] == ["order"]
        second.stop()
        client.order(100, round(client.last * 0.95, 2))
        client.wait()
        assert len(client.statuses()) == 2
        assert len([each for each in second.globals["seen"] if each[0] == "order"]) == 1


def test_an_argument_error_is_only_the_callers(tmp_path: Path) -> None:
    with desk_client(tmp_path) as client:
        second = client.terminal.load(SOURCE, "second", account=ACCOUNT)
        client.order(100, 0.0)
        client.wait(1)
        assert [each[0] for each in client.seen] == ["error"]
        assert second.globals["seen"] == []
