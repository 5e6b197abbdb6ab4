"""完整版客户端的口：能办的事、行里的毛病、事件的次序、说错话。"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from credit_helpers import CREDIT, credit_folder
from support import ACCOUNT, eventually
from terminal_socket import TerminalSocket

from easytrader.sim.config.folder import SimFolder
from easytrader.sim.gateway.terminal_rows import order_row
from easytrader.sim.host.host import Host
from easytrader.sim.ledger.events import OrderSnapshot

if TYPE_CHECKING:
    from pathlib import Path

CODE = "600036.SH"
MINE: dict[str, Any] = {"account_id": ACCOUNT, "account_type": 2}


def ask_price(client: TerminalSocket) -> float:
    return float(client.ask("full_tick", codes=[CODE])[CODE]["askPrice"][0])


def submit(client: TerminalSocket, price: float, volume: int = 300, **changes: Any) -> Any:
    order = {"stock_code": CODE, "order_type": 23, "price_type": 11, "strategy": "s", "remark": "r"}
    return client.ask("submit", **{**MINE, **order, "price": price, "volume": volume, **changes})


def rows(client: TerminalSocket, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.ask("rows", **MINE, kind=kind)
    return found


def test_a_wrong_token_is_refused(terminal_host: Host) -> None:
    client = TerminalSocket(terminal_host.info, token="0" * 32)
    assert client.greeting[0] == "refused"
    client.close()


def test_it_knows_its_accounts_and_the_time(
    raw_terminal: TerminalSocket, terminal_host: Host
) -> None:
    assert raw_terminal.ask("accounts") == [{**MINE, "type": "STOCK"}]
    assert abs(raw_terminal.ask("now") - terminal_host.now()) < 60


def test_an_order_is_answered_before_what_it_caused(raw_terminal: TerminalSocket) -> None:
    answer = submit(raw_terminal, ask_price(raw_terminal))
    assert answer["order_id"] > 0
    assert answer["sysid"]
    assert not answer["reason"]
    assert not raw_terminal.events  # 应答之前什么都没有来
    first = raw_terminal.until("order")
    assert (first["m_nOrderStatus"], first["m_strOrderSysID"]) == (50, answer["sysid"])
    deal = raw_terminal.until("deal")
    assert deal["m_nVolume"] == 300
    assert raw_terminal.until("account")["m_dAvailable"] < 1_000_000
    assert raw_terminal.until("position")["m_nVolume"] == 300


def test_rows_have_the_names_and_the_lies_of_the_real_client(raw_terminal: TerminalSocket) -> None:
    price = ask_price(raw_terminal)
    submit(raw_terminal, price)
    resting = submit(raw_terminal, round(price * 0.95, 2), 200)
    raw_terminal.ask("cancel", **MINE, sysid=resting["sysid"])
    filled, gone = rows(raw_terminal, "ORDER")
    assert filled["m_strInstrumentID"] == "600036"  # 不带交易所
    assert (filled["m_nVolumeTotalOriginal"], filled["m_nVolumeTotal"]) == (300, 0)
    assert filled["m_dLimitPrice"] != price
    assert round(filled["m_dLimitPrice"], 3) == price
    assert filled["m_nErrorID"] == 2**31 - 1
    assert filled["m_dFrozenMargin"] == sys.float_info.max
    assert (gone["m_nOrderStatus"], gone["m_dCancelAmount"]) == (54, 200.0)
    assert gone["m_strRemark"] == "r"
    [deal] = rows(raw_terminal, "DEAL")
    assert deal["m_dComssion"] > 0
    assert deal["m_dCommission"] == 0
    [account] = rows(raw_terminal, "ACCOUNT")
    assert account["m_strStatus"] == "登录成功"
    [held] = rows(raw_terminal, "POSITION")
    assert (held["m_nVolume"], held["m_nCanUseVolume"], held["m_nDirection"]) == (300, 0, 48)
    [shown] = rows(raw_terminal, "POSITION_STATISTICS")
    assert shown["m_nPosition"] == 300
    assert rows(raw_terminal, "TASK") == []


def test_a_sell_is_seen_by_its_offset_only(raw_terminal: TerminalSocket) -> None:
    submit(raw_terminal, 1.0, order_type=24)  # 没有持仓：废单
    [row] = rows(raw_terminal, "ORDER")
    assert (row["m_nOffsetFlag"], row["m_nDirection"], row["m_nOpType"]) == (49, 48, 24)


def test_a_refusal_of_the_counter_is_a_row_and_a_reason(raw_terminal: TerminalSocket) -> None:
    answer = submit(raw_terminal, ask_price(raw_terminal), 900_000)
    assert answer["order_id"] > 0
    row = raw_terminal.until("order")
    assert row["m_nOrderStatus"] == 57
    assert row["m_strCancelInfo"].startswith("[COUNTER][260200][可用资金不足]")
    refused = raw_terminal.until("order_refused")
    assert (refused["_code"], refused["_order_id"]) == (260200, answer["order_id"])


def test_a_refused_cancel_is_an_event_and_nothing_else(raw_terminal: TerminalSocket) -> None:
    answer = submit(raw_terminal, ask_price(raw_terminal))
    raw_terminal.until("position")
    assert raw_terminal.ask("cancel", **MINE, sysid=answer["sysid"]) == {"reason": ""}
    assert raw_terminal.until("cancel_refused")["m_strOrderSysID"] == answer["sysid"]
    assert "没有找到" in raw_terminal.ask("cancel", **MINE, sysid="999999")["reason"]


def test_the_wrong_account_type_is_one_row_of_zeros(raw_terminal: TerminalSocket) -> None:
    [row] = raw_terminal.ask("rows", account_id=ACCOUNT, account_type=3, kind="ACCOUNT")
    assert row["m_strAccountID"] == ACCOUNT
    assert not any(value for name, value in row.items() if name != "m_strAccountID")
    assert raw_terminal.ask("rows", account_id=ACCOUNT, account_type=3, kind="TASK") == []
    assert raw_terminal.ask("rows", account_id="9", account_type=2, kind="ACCOUNT") == []


def test_a_resting_order_has_nothing_cancelled_and_is_an_ordinary_one(
    raw_terminal: TerminalSocket,
) -> None:
    submit(raw_terminal, 32.0, 200)
    [row] = rows(raw_terminal, "ORDER")
    assert (row["m_nVolumeTotal"], row["m_dCancelAmount"]) == (200, 0.0)
    assert row["m_eEntrustType"] == 48


def test_the_average_price_is_not_rounded() -> None:
    money_li = 3_001_000
    order = OrderSnapshot(
        2, ACCOUNT, CODE, "SH", 1, 0, 23, 300, 11, 10_000, 300, money_li, 56, "1", "", "", "", False
    )  # fmt: skip
    assert order_row(order)["m_dTradedPrice"] == 3001 / 300


def test_a_stock_account_can_do_nothing_on_margin(raw_terminal: TerminalSocket) -> None:
    asked = {"codes": [CODE], "order_type": 23, "price_type": 11, "price": 35.0}
    assert raw_terminal.ask("opvolume", **MINE, **asked) == {CODE: 0}


def test_what_is_paid_off_moves_to_the_closed_compacts(tmp_path: Path) -> None:
    host = Host(SimFolder.open(credit_folder(tmp_path)))
    client = TerminalSocket(host.info)
    mine = {"account_id": CREDIT, "account_type": 3}
    price = ask_price(client)
    submit(client, price, 100, order_type=27, **mine)
    assert len(client.ask("compacts", **mine)) == 1
    assert client.ask("closed_compacts", **mine) == []
    owing = {"codes": [CODE], "order_type": 30, "price_type": 11, "price": price}
    assert client.ask("opvolume", **mine, **owing) == {CODE: 0}  # 欠的是钱，没有券可还
    submit(client, 100_000.0, 100_000, order_type=32, **mine)
    assert client.ask("compacts", **mine) == []
    assert len(client.ask("closed_compacts", **mine)) == 1
    client.close()
    host.close()


@pytest.mark.parametrize(
    ("verb", "args", "told"),
    [
        ("nope", {}, "没有这个动作"),
        ("submit", {"account_type": 2}, "account_id"),
        ("rows", {**MINE, "kind": "FOO"}, "FOO"),
        ("cancel", MINE, "sysid"),
        ("full_tick", {}, "codes"),
        ("submit", {**MINE, "stock_code": CODE, "order_type": "x"}, "参数不对"),
    ],
)
def test_a_bad_request_is_answered_and_the_line_stays(
    raw_terminal: TerminalSocket, verb: str, args: dict[str, Any], told: str
) -> None:
    with pytest.raises(LookupError, match=told):
        raw_terminal.ask(verb, **args)
    assert raw_terminal.ask("now") > 0


def test_quotes_come_from_the_same_market(raw_terminal: TerminalSocket) -> None:
    tick = raw_terminal.ask("full_tick", codes=[CODE, "不是代码"])
    assert list(tick) == [CODE]
    detail = raw_terminal.ask("detail", code=CODE)
    assert detail["PreClose"] == tick[CODE]["lastClose"]
    assert raw_terminal.ask("detail", code="999999.SH") is None
    bars = raw_terminal.ask("bars", code=CODE, period="1d", count=2)
    assert [bar["time"] for bar in bars] == sorted(bar["time"] for bar in bars)
    dates = raw_terminal.ask("trading_dates", code=CODE, start="", end="", count=3)
    assert len(dates) == 3
    assert raw_terminal.ask("trading_dates", code="SH", count=3) == []  # 要证券代码
    assert CODE in raw_terminal.ask("sector", name="沪深A股")
    assert raw_terminal.ask("sector", name="没有这个") == []


def test_own_orders_are_on_the_screen_of_the_terminal(raw_terminal: TerminalSocket) -> None:
    before = raw_terminal.ask("full_tick", codes=[CODE])[CODE]
    inside = round(before["askPrice"][0] - 0.01, 2)
    submit(raw_terminal, inside, 100)
    after = raw_terminal.ask("full_tick", codes=[CODE])[CODE]
    assert after["bidPrice"][0] >= inside or after["time"] > before["time"]


def test_orders_from_elsewhere_reach_the_terminal(
    raw_terminal: TerminalSocket, terminal_host: Host
) -> None:
    other = TerminalSocket(terminal_host.info)
    answer = submit(other, 32.0)
    assert raw_terminal.until("order")["_order_id"] == answer["order_id"]
    other.ask("cancel", **MINE, order_id=answer["order_id"])
    while raw_terminal.until("order")["m_nOrderStatus"] != 54:
        pass
    other.close()
    eventually(lambda: len(terminal_host.control("status")["terminals"]) == 1)


def test_only_the_positions_that_were_touched_are_told(raw_terminal: TerminalSocket) -> None:
    submit(raw_terminal, ask_price(raw_terminal))
    raw_terminal.until("position")
    other = raw_terminal.ask("full_tick", codes=["000001.SZ"])["000001.SZ"]["askPrice"][0]
    submit(raw_terminal, other, 100, stock_code="000001.SZ")
    raw_terminal.ask("now")
    codes = [row["m_strInstrumentID"] for kind, row in raw_terminal.events if kind == "position"]
    assert set(codes) == {"000001"}


def test_a_client_that_could_not_be_told_is_cut_off_and_the_order_lives(
    raw_terminal: TerminalSocket, terminal_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = terminal_host.call(lambda: terminal_host._live.desk.engine)

    def broken(*_: Any) -> Any:
        raise RuntimeError("说不出来")

    monkeypatch.setattr(engine, "positions_now", broken)
    assert submit(raw_terminal, 32.0)["order_id"] > 0  # 应答在出错之前
    with pytest.raises((EOFError, ConnectionError)):
        raw_terminal.until("control")
    monkeypatch.undo()
    again = TerminalSocket(terminal_host.info)
    assert rows(again, "ORDER")
    again.close()


def test_status_tells_who_is_connected(raw_terminal: TerminalSocket, terminal_host: Host) -> None:
    raw_terminal.ask("about", strategy="s.py", mode="live", python="3.6.15")
    [shown] = terminal_host.control("status")["terminals"]
    assert (shown["strategy"], shown["mode"]) == ("s.py", "live")


def test_the_host_stops_and_the_terminal_sees_it(
    raw_terminal: TerminalSocket, terminal_host: Host
) -> None:
    terminal_host.close()
    with pytest.raises((EOFError, ConnectionError)):
        raw_terminal.until("order")
