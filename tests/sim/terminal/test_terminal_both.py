"""一个文件夹同时是 MiniQMT 与完整版：两边看着同一个账户。MiniQMT 那边走真正的厂商代码。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, Recorder, eventually

import easytrader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from terminal_socket import TerminalSocket

    from easytrader.brokers.sim import SimTrader
    from easytrader.sim.host.host import Host

CODE = "600036.SH"
MINE: dict[str, Any] = {"account_id": ACCOUNT, "account_type": 2}


@pytest.fixture
def mini(terminal_host: Host, recorder: Recorder) -> Iterator[SimTrader]:
    """同一个文件夹上的 MiniQMT：主机已经在了，接上去。"""
    trader = easytrader.use("sim")
    trader.connect(str(terminal_host.folder.path), ACCOUNT, recorder, timeout=10)
    yield trader
    trader.close()


def submit(client: TerminalSocket, price: float, volume: int, **changes: Any) -> Any:
    order = {"stock_code": CODE, "order_type": 23, "price_type": 11, "strategy": "大"}
    given = {**MINE, **order, "price": price, "volume": volume, "remark": "大 QMT", **changes}
    return client.ask("submit", **given)


def rows(client: TerminalSocket, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.ask("rows", **MINE, kind=kind)
    return found


def test_an_order_of_the_terminal_is_pushed_to_miniqmt(
    raw_terminal: TerminalSocket, mini: SimTrader, recorder: Recorder
) -> None:
    ask = raw_terminal.ask("full_tick", codes=[CODE])[CODE]["askPrice"][0]
    answer = submit(raw_terminal, ask, 200)
    [trade] = recorder.wait_for("trade")
    assert (trade.order_id, trade.order_remark) == (answer["order_id"], "大 QMT")
    [seen] = mini.today_entrusts
    assert seen["order_id"] == answer["order_id"]
    assert seen["order_sysid"] == answer["sysid"]


def test_an_order_of_miniqmt_reaches_the_terminal_and_is_cancelled_there(
    raw_terminal: TerminalSocket, mini: SimTrader
) -> None:
    order_id = mini.buy("600036", price=32.0, amount=100)["entrust_no"]
    row = raw_terminal.until("order")
    assert (row["_order_id"], row["m_nOrderStatus"]) == (order_id, 50)
    assert raw_terminal.ask("cancel", **MINE, sysid=row["m_strOrderSysID"]) == {"reason": ""}
    eventually(lambda: mini.today_entrusts[0]["order_status"] == 54)


def test_miniqmt_cancels_what_the_terminal_placed(
    raw_terminal: TerminalSocket, mini: SimTrader
) -> None:
    answer = submit(raw_terminal, 32.0, 100)
    mini.cancel_entrust(answer["order_id"])
    while raw_terminal.until("order")["m_nOrderStatus"] != 54:
        pass


def test_both_see_the_same_account(raw_terminal: TerminalSocket, mini: SimTrader) -> None:
    ask = raw_terminal.ask("full_tick", codes=[CODE])[CODE]["askPrice"][0]
    submit(raw_terminal, ask, 300)
    submit(raw_terminal, 31.99, 100)
    submit(raw_terminal, ask, 900_000)  # 柜台拒绝
    mini.buy("600036", price=ask, amount=200)
    [account] = rows(raw_terminal, "ACCOUNT")
    [balance] = mini.balance
    assert account["m_dAvailable"] == balance["cash"]
    assert account["m_dFrozenCash"] == balance["frozen_cash"] > 0
    [held] = rows(raw_terminal, "POSITION")
    [position] = mini.position
    assert held["m_nVolume"] == position["volume"] == 500
    assert held["m_nCanUseVolume"] == position["can_use_volume"] == 0
    mine = {row["_order_id"]: row["m_nOrderStatus"] for row in rows(raw_terminal, "ORDER")}
    theirs = {each["order_id"]: each["order_status"] for each in mini.today_entrusts}
    assert mine == theirs
    assert sorted(mine.values()) == [50, 56, 56, 57]
    deals = {row["m_strTradeID"]: row["m_nVolume"] for row in rows(raw_terminal, "DEAL")}
    assert deals == {each["traded_id"]: each["traded_volume"] for each in mini.today_trades}
