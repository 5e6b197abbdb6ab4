"""线上的事件 → 回调里的对象 → 再做成行，一字不差。"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from easytrader.backend import records as backend
from easytrader.backend.records import Order, Position, Refusal, Side, Trade
from easytrader.basics import tags
from easytrader.push import table
from easytrader.remote.records import Record, pushed
from easytrader.wire import values

WHOSE: dict[str, Any] = {"account_id": "1000000365", "account_type": 2}
ASKED: dict[str, Any] = {"seq": 7, "account_id": "1000000365", "strategy_name": "网格"}
ORDER = Order(
    stock_code="600000.SH", order_id=12, side=Side.BUY, order_volume=100, price=9.5,
    order_status=50, order_time=1_796_000_000, order_remark="~abcdefghi~备注", **WHOSE,
)  # fmt: skip

RECORDS: dict[str, Any] = {
    "order": ORDER,
    "trade": Trade(
        stock_code="600000.SH", order_id=12, side=Side.SELL, traded_id="T1",
        traded_time=1_796_000_000, traded_price=9.5, traded_volume=100,
        order_remark="~abcdefghi~", **WHOSE,
    ),
    "order_error": Refusal(
        order_id=12, error_msg="资金不足", order_remark="~abcdefghi~备注", **WHOSE
    ),
    "cancel_error": Refusal(order_id=12, order_sysid="S1", error_msg="已成", **WHOSE),
    "order_response": SimpleNamespace(
        **ASKED, order_id=12, error_msg="", order_remark="~abcdefghi~b"
    ),
    "cancel_response": SimpleNamespace(
        seq=7, account_id="1000000365", order_id=12, order_sysid="S1", cancel_result=0,
        error_msg="",
    ),
    "account_status": SimpleNamespace(status=0, **WHOSE),
    "asset": backend.Asset(total_asset=100.5, cash=50, **WHOSE),
    "position": SimpleNamespace(
        **{name: getattr(Position(stock_code="600000.SH", volume=100, **WHOSE), name)
           for name in Position.__slots__},
        instrument_name="浦发银行", float_profit=1.5, profit_rate=0.01,
    ),
    "smt_response": SimpleNamespace(seq=7, success=True, msg="好", apply_id="A1"),
    "bank_transfer_response": SimpleNamespace(seq=7, success=False, msg="余额不足"),
    "ctp_transfer_response": SimpleNamespace(seq=7, success=True, msg=""),
    "smart_algo_order_response": SimpleNamespace(
        **ASKED, task_id="K1", error_msg="", order_remark="x"
    ),
    "smart_task_response": SimpleNamespace(
        seq=7, success=True, task_id="K1", operate_reason="", error_msg=""
    ),
}  # fmt: skip


def over_the_wire(data: Any) -> Any:
    return values.from_plain(values.decode(values.encode(values.to_plain(data))))


def kind_of(name: str) -> table.Kind:
    (found,) = [each for each in table.TABLE if each.kind == name]
    return found


def test_every_kind_with_contents_is_here() -> None:
    assert {each.kind for each in table.TABLE if each.row is not None} - {"give_up"} == set(RECORDS)


@pytest.mark.parametrize("name", RECORDS)
def test_the_row_comes_back_the_same(name: str) -> None:
    kind = kind_of(name)
    assert kind.row is not None
    row: Any = kind.row(RECORDS[name])
    event = pushed({"event": name, "data": over_the_wire(row), "seq": 3})
    assert type(event) is kind.event
    assert table.of(event) is kind
    (record,) = table.contents(event)
    assert kind.row(record) == row


@pytest.mark.parametrize("name", RECORDS)
def test_the_object_has_the_vendors_names(name: str) -> None:
    kind = kind_of(name)
    assert kind.row is not None
    row: Any = kind.row(RECORDS[name])
    (record,) = table.contents(pushed({"event": name, "data": over_the_wire(row)}))  # type: ignore[arg-type]
    given = RECORDS[name]
    for attribute in getattr(type(given), "__slots__", None) or vars(given):
        if attribute == "side" or (attribute == "order_sysid" and attribute not in row):
            continue  # 造记录的时候才用的、这一种的行里没有的
        value = getattr(given, attribute)
        if attribute == "order_remark":
            value = tags.split(value)[1]
        assert getattr(record, attribute) == value, attribute


@pytest.mark.parametrize("remark", ["", "网格 3", "~", "~abcdefghi~像带着标记的", "~~~~abcdefghi~"])
def test_a_remark_that_looks_tagged(remark: str) -> None:
    record = Order(
        **{name: getattr(ORDER, name) for name in Order.__slots__ if name != "order_remark"},
        order_remark=tags.tagged("123456789", remark),
    )
    row: Any = kind_of("order").row(record)  # type: ignore[misc]
    assert row["order_remark"] == remark
    assert kind_of("order").row(Record(row)) == row  # type: ignore[misc]


@pytest.mark.parametrize(
    "event",
    [
        *({}, {"event": "connected", "data": {}}, {"event": "give_up", "data": {"error": "x"}}),
        *({"event": "disconnected", "data": {}}, {"event": "tomorrow", "data": {}}),
        *({"event": [], "data": {}}, {"event": "order", "data": None}, {"event": "order"}),
    ],
    ids=repr,
)
def test_what_is_not_for_us(event: Any) -> None:
    try:
        assert pushed(event) is None
    except TypeError:
        assert event["event"] == []  # 列表不能查表：连接当它读不懂，断开


def test_a_new_field_is_an_attribute() -> None:
    assert Record({"order_id": 1, "tomorrow": 2}).tomorrow == 2
