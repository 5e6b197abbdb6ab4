"""别的市场的记录：期货的四个方向、加密货币的字符串编号与小数数量，一路走到用户手里。"""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from easytrader import rows
from easytrader.backend import records
from easytrader.backend.records import (
    Order,
    OrderChanged,
    OrderRefused,
    Refusal,
    Side,
    Trade,
    Traded,
)
from easytrader.basics.log import Log
from easytrader.basics.numbers import exact
from easytrader.codes import AccountType, Direction, OffsetFlag, OrderStatus, OrderType
from easytrader.push.courier import Courier
from easytrader.push.event_log import EventLog
from easytrader.push.ledger import DeliveryLedger
from easytrader.push.sequence import Sequencer
from easytrader.records.journal import Journal
from easytrader.records.storage import PLACED, Intent

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.backend.records import AssetLike, OrderLike, PositionLike, TradeLike

NOW = int(time.time())


def coin(status: OrderStatus, traded: str = "0", **more: Any) -> Order:
    return Order(
        stock_code="BTC/USDT",
        order_id="0f3a",
        side=Side.BUY,
        order_volume=Decimal("0.0015"),
        price=Decimal("61234.50"),
        traded_volume=Decimal(traded),
        order_status=status,
        order_time=NOW,
        **more,
    )


def coin_fill(name: str, volume: str) -> Trade:
    return Trade(
        stock_code="BTC/USDT",
        order_id="0f3a",
        side=Side.BUY,
        traded_id=name,
        traded_time=NOW,
        traded_price=Decimal("61234.50"),
        traded_volume=Decimal(volume),
    )


def future(side: Side = Side.SHORT, **more: Any) -> Order:
    terms: dict[str, Any] = {
        "stock_code": "rb2501.SHFE", "order_id": "1_7_000000000012", "side": side,
        "order_volume": 2, "price": 3480.0, "order_status": OrderStatus.REPORTED,
        "order_time": NOW, "account_type": AccountType.FUTURE, **more,
    }  # fmt: skip
    return Order(**terms)


def fits(
    order: OrderLike, trade: TradeLike, position: PositionLike, asset: AssetLike
) -> tuple[object, ...]:
    """类型检查：后端作者造的记录满足协议。"""
    return order, trade, position, asset


POSITION = records.Position(stock_code="BTC/USDT", volume=Decimal("0.0015"))
ASSET = records.Asset(total_asset=Decimal("1000.5"), cash=Decimal("900.25"))
assert fits(coin(OrderStatus.REPORTED), coin_fill("t", "0.0015"), POSITION, ASSET)


# ---- 字典


def test_the_rows_have_the_same_keys_and_plain_values() -> None:
    row = rows.order_row(coin(OrderStatus.PART_SUCC, "0.001"))
    assert (row["security"], row["stock_code"], row["order_id"]) == ("BTC/USDT", "BTC/USDT", "0f3a")
    assert (row["order_type"], row["order_type_name"]) == (23, "买入")
    assert (row["order_status"], row["order_status_name"]) == (55, "部成")
    assert (row["price_type"], row["price_type_name"]) == (50, "限价")
    assert (row["direction_name"], row["offset_flag_name"]) == ("多", "买入")
    for each in (*row.values(), *rows.trade_row(coin_fill("t", "1")).values()):
        assert type(each) in (str, int, float, Decimal)
    again = json.loads(json.dumps(row, default=str, ensure_ascii=False))
    assert again["order_volume"] == "0.0015"
    assert again["price"] == "61234.50"


def test_rows_without_decimals_are_json_as_they_are() -> None:
    order = future(order_status=OrderStatus.SUCCEEDED)
    trade = Trade(
        stock_code="rb2501.SHFE", order_id=order.order_id, side=Side.SHORT, traded_id="9",
        traded_time=NOW, traded_price=3480.0, traded_volume=2, traded_amount=69_600.0,
    )  # fmt: skip
    position = records.Position(stock_code="rb2501.SHFE", volume=2, direction=Direction.SHORT)
    asset = records.Asset(total_asset=100_000.0, cash=9.5)
    for row in (
        rows.order_row(order),
        rows.trade_row(trade),
        rows.position_row(position),
        rows.asset_row(asset),
        rows.order_error_row(Refusal(order_id="a", error_msg="资金不足")),
        rows.cancel_error_row(Refusal(order_id="a", error_msg="已成交")),
    ):
        assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize(
    ("side", "name", "plain", "futures", "direction"),
    [
        (Side.BUY, "买入", "买入", "开仓", "多"),
        (Side.SELL, "卖出", "卖出", "平仓", "多"),
        (Side.SHORT, "卖出开仓", "卖出", "开仓", "空"),
        (Side.COVER, "买入平仓", "买入", "平仓", "空"),
    ],
)
def test_the_four_sides_have_their_names(
    side: Side, name: str, plain: str, futures: str, direction: str
) -> None:
    row = rows.order_row(future(side))
    assert (row["order_type_name"], row["offset_flag_name"]) == (name, futures)
    assert row["direction_name"] == direction
    assert (row["order_type"], side.label) == (side.value, name)
    row = rows.order_row(future(side, account_type=AccountType.STOCK))
    assert (row["order_type_name"], row["offset_flag_name"]) == (name, plain)
    assert OrderType(side).label == side.label


def test_a_counter_that_knows_more_says_it() -> None:
    row = rows.order_row(
        future(
            Side.COVER,
            order_type=OrderType.FUTURE_CLOSE_SHORT_TODAY,
            offset_flag=OffsetFlag.CLOSETODAY,
        )
    )
    assert (row["order_type_name"], row["offset_flag_name"]) == ("平今空", "平今")


def test_a_market_order_has_no_price() -> None:
    row = rows.order_row(future(price=None))
    assert (row["price"], row["price_type_name"]) == (0.0, "市价")


def test_the_amount_of_a_trade_is_exact() -> None:
    assert coin_fill("t", "0.0015").traded_amount == Decimal("91.851750")
    plain = Trade(
        stock_code="600036.SH", order_id=1, side=Side.SELL, traded_id="1", traded_time=NOW,
        traded_price=35.1, traded_volume=300,
    )  # fmt: skip
    assert (plain.traded_amount, type(plain.traded_amount)) == (10_530.0, float)


def test_all_of_a_position_can_be_used_unless_it_is_said() -> None:
    assert POSITION.can_use_volume == Decimal("0.0015")
    assert records.Position(stock_code="x", volume=3, can_use_volume=0).can_use_volume == 0


def test_the_side_of_a_request() -> None:
    request: Any = records.OrderRequest(None, 51, 1, 11, 1.0, "", "", "")  # type: ignore[arg-type]
    assert request.side is Side.COVER
    with pytest.raises(ValueError, match="27"):
        _ = request._replace(order_type=27).side


def test_an_answer_is_accepted_when_it_has_a_number() -> None:
    taken = [1, "0f3a", "-1"]
    refused = [0, -1, ""]
    assert all(records.SubmitAnswer(each).accepted for each in taken)
    assert not any(records.SubmitAnswer(each).accepted for each in refused)


# ---- 去重、理顺、交付


def test_a_fraction_of_a_coin_waits_for_its_trade() -> None:
    """状态里算到的 0.001 个，成交还没有来：以前取整成 0，状态抢在了成交前面。"""
    ledger = DeliveryLedger()
    sequencer = Sequencer(ledger)
    [first] = sequencer.offer(OrderChanged(coin(OrderStatus.REPORTED)))
    assert isinstance(first, OrderChanged)
    assert ledger.is_new_order_state(first.order)
    late = OrderChanged(coin(OrderStatus.PART_SUCC, "0.001"))
    assert sequencer.offer(late) == []
    trade = Traded(coin_fill("t", "0.001"))
    assert sequencer.offer(trade) == [trade, late]


def test_the_sum_of_fills_has_no_binary_remainder() -> None:
    """0.7 + 0.1 + 0.2 的浮点和小于 1：全部成交的状态不能因此等一笔不存在的成交。"""
    ledger = DeliveryLedger()
    sequencer = Sequencer(ledger)
    order = future(order_volume=1.0)
    ledger.is_new_order_state(order)
    for name, volume in (("a", 0.7), ("b", 0.1), ("c", 0.2)):
        fill = Trade(
            stock_code="x", order_id=order.order_id, side=Side.SHORT, traded_id=name,
            traded_time=NOW, traded_price=1.0, traded_volume=volume,
        )  # fmt: skip
        ledger.is_new_trade(fill)
        ledger.is_new_order_state(
            future(order_status=55, traded_volume=float(ledger.traded(order.order_id)))
        )
    assert ledger.traded(order.order_id) == 1
    done = OrderChanged(future(order_status=OrderStatus.SUCCEEDED, traded_volume=1.0))
    assert sequencer.offer(done) == [done]


@pytest.mark.parametrize("value", [Decimal("NaN"), float("inf"), float("nan")])
def test_a_quantity_that_is_not_a_number_stops_nothing(value: Any) -> None:
    assert exact(value) == 0
    assert DeliveryLedger().is_new_order_state(future(traded_volume=value))


class Recorder:
    def __init__(self) -> None:
        self.told: list[str] = []

    def on_stock_order(self, order: Any) -> None:
        self.told.append(f"{order.order_status}:{order.traded_volume}")

    def on_stock_trade(self, trade: Any) -> None:
        self.told.append(trade.traded_id)

    def on_order_error(self, error: Any) -> None:
        self.told.append(error.error_msg)


def test_a_coin_order_is_delivered_once_and_in_order() -> None:
    recorder, log = Recorder(), EventLog()
    met: list[Any] = []
    courier = Courier(
        Log(), delivered=log.add, met=lambda order: met.append(order.order_id), status=dict
    )
    courier.start(recorder, {})
    courier.catch_up([], [])
    refused = OrderRefused(Refusal(order_id="", error_msg="没有编号的"))
    story = [
        Traded(coin_fill("b", "0.0005")),
        OrderChanged(coin(OrderStatus.SUCCEEDED, "0.0015")),
        OrderChanged(coin(OrderStatus.REPORTED)),
        Traded(coin_fill("a", "0.001")),
        OrderRefused(Refusal(order_id="9", error_msg="钱不够")),
    ]
    for each in (*story, *story, refused, refused):
        courier.deliver(each)
    assert courier.close(10)
    assert sorted(recorder.told) == sorted(
        ["50:0", "a", "b", "56:0.0015", "钱不够", "没有编号的", "没有编号的"]
    )
    at = recorder.told.index
    assert at("50:0") < at("a") < at("56:0.0015")
    assert at("50:0") < at("b") < at("56:0.0015")
    assert met == ["0f3a"]
    events = list(iter(lambda: log.take(0), None))
    assert [each["event"] for each in events].count("order") == 2
    orders = [each["data"] for each in events if each["event"] == "order"]
    assert [each["order_id"] for each in orders] == ["0f3a", "0f3a"]


@pytest.mark.parametrize("traded", ["0.001", "0.0015"])
def test_a_missed_coin_trade_is_replayed_around_its_state(traded: str) -> None:
    recorder = Recorder()
    courier = Courier(Log(), delivered=lambda event: None, met=lambda order: None, status=dict)
    courier.start(recorder, {})
    courier.catch_up([], [])
    courier.catch_up(
        [coin(OrderStatus.PART_SUCC, traded)], [coin_fill("a", "0.001"), coin_fill("b", "0.0005")]
    )
    assert courier.close(10)
    state = f"55:{traded}"
    told = {"0.001": ["a", state, "b"], "0.0015": ["a", "b", state]}
    assert recorder.told == told[traded]


def test_rows_of_coin_orders_are_remembered_by_their_text_number() -> None:
    known = rows.OrderRows()
    first, second = (
        known.rows([coin(OrderStatus.REPORTED)]),
        known.rows([coin(OrderStatus.REPORTED)]),
    )
    assert first == second
    [done] = known.rows([coin(OrderStatus.SUCCEEDED, "0.0015")])
    assert done["order_status_name"] == "已成"


# ---- 委托记录


def test_the_journal_gives_back_exactly_what_it_was_given(tmp_path: Path) -> None:
    """数字列会把 ``007`` 变成 7、``0.10`` 变成 0.1：编号、数量都不能变样。"""
    deadline = time.monotonic() + 30
    kept = Intent("a", "~tag", "BTC/USDT", 23, 11, Decimal("61234.50"), Decimal("0.00150"), "me")
    journal = Journal(tmp_path / "orders.sqlite", deadline)
    assert journal.begin(kept, deadline) is None
    journal.settle(kept, PLACED, "007")
    journal.close()
    journal = Journal(tmp_path / "orders.sqlite", deadline)
    found = journal.find("a", deadline)
    assert found is not None
    assert (found.order_id, found.wish) == ("007", kept.wish)
    assert str(found.volume) == "0.00150"
    assert journal.placed_since(0, deadline) == "007"
    journal.close()
