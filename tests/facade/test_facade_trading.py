"""主要的活：查、买、卖、撤、等；返回的字典与文档页逐键相同。"""

from __future__ import annotations

import threading
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support import ACCOUNT, Recorder, eventually

import easytrader
from easytrader.basics import tags
from easytrader.errors import (
    ClosedError,
    NotConnectedError,
    UsageError,
    WaitTimeoutError,
)
from easytrader.orders.wait import Waiting
from easytrader.rows import OrderRows, position_row

BALANCE = {
    "total_asset": float, "market_value": float, "cash": float, "frozen_cash": float,
    "account_type": int, "account_id": str,
}  # fmt: skip
POSITION = {
    "security": str, "stock_code": str, "volume": int, "can_use_volume": int, "open_price": float,
    "market_value": float, "frozen_volume": int, "on_road_volume": int, "yesterday_volume": int,
    "avg_price": float, "direction": int, "account_type": int, "account_id": str,
    "security_name": str, "profit": float, "profit_ratio": float,
}  # fmt: skip
ENTRUST = {
    "security": str, "stock_code": str, "order_id": int, "order_sysid": str, "order_time": int,
    "order_type": int, "order_type_name": str, "order_volume": int, "price_type": int,
    "price_type_name": str, "price": float, "traded_volume": int, "traded_price": float,
    "order_status": int, "order_status_name": str, "status_msg": str, "offset_flag": int,
    "offset_flag_name": str, "strategy_name": str, "order_remark": str, "direction": int,
    "direction_name": str, "account_type": int, "account_id": str,
}  # fmt: skip
TRADE = {
    "security": str, "stock_code": str, "traded_id": str, "traded_time": int, "traded_price": float,
    "traded_volume": int, "traded_amount": float, "order_id": int, "order_type": int,
    "order_type_name": str, "offset_flag": int, "offset_flag_name": str, "account_id": str,
    "account_type": int, "order_sysid": str, "strategy_name": str, "order_remark": str,
}  # fmt: skip


def shape(row: dict[str, Any]) -> dict[str, type]:
    return {key: type(value) for key, value in row.items()}


def resting(user: Any, **options: Any) -> int:
    """挂一笔暂时成交不了的买单：跌停价附近。"""
    return int(user.buy("600036", price=32.5, amount=100, **options)["entrust_no"])


def test_rows_have_the_documented_keys_in_the_documented_order(user: Any) -> None:
    number = user.market_buy("600036", amount=100)["entrust_no"]
    user.wait(number, 30)
    for rows, expected in (
        (user.balance, BALANCE),
        (user.position, POSITION),
        (user.today_entrusts, ENTRUST),
        (user.today_trades, TRADE),
    ):
        assert isinstance(rows, list)
        for row in rows:
            assert type(row) is dict
            assert list(row) == list(expected)
            assert shape(row) == expected


def test_a_limit_order_that_fills(user: Any) -> None:
    # 基金没有价格笼子：报得远也收，哪一天都成交得了
    answer = user.buy("510300", price=4.22, amount=100)
    assert list(answer) == ["entrust_no"]
    row = user.wait(answer["entrust_no"], 30)
    assert (row["order_status_name"], row["traded_volume"]) == ("已成", 100)
    assert (row["price_type"], row["price_type_name"], row["price"]) == (50, "限价", 4.22)
    assert row["traded_price"] <= 4.22
    assert (row["order_type_name"], row["offset_flag_name"], row["direction_name"]) == (
        "买入", "买入", "多",
    )  # fmt: skip
    trades = [each for each in user.today_trades if each["order_id"] == answer["entrust_no"]]
    assert sum(each["traded_volume"] for each in trades) == 100
    bought = next(each for each in user.position if each["security"] == "510300")
    assert (bought["volume"], bought["can_use_volume"]) == (100, 0), "T+1：当日买入不可卖"


def test_selling_what_was_there_before_today(user: Any) -> None:
    row = user.wait(user.market_sell("600000", amount=300)["entrust_no"], 30)
    assert (row["order_type_name"], row["offset_flag_name"]) == ("卖出", "卖出")
    assert row["order_status_name"] == "已成"
    left = next(each for each in user.position if each["security"] == "600000")
    assert (left["volume"], left["can_use_volume"]) == (700, 700)


@pytest.mark.parametrize(
    ("code", "ttype", "returned"),
    [
        ("600036", "对手方最优价格委托", 84),
        ("600036", "本方最优价格委托", 86),
        ("600036", "最优五档即时成交剩余撤销", 88),
        ("600036", "最优五档即时成交剩转限价", 85),
        ("000001", "对手方最优价格委托", 84),
        ("000001", "本方最优价格委托", 86),
        ("000001", "即时成交剩余撤销委托", 87),
        ("000001", "最优五档即时成交剩余撤销", 88),
        ("000001", "全额成交或撤销委托", 89),
        ("920002", "最优五档即时成交剩余撤销", 88),
    ],
)
def test_every_market_type_is_accepted(user: Any, code: str, ttype: str, returned: int) -> None:
    number = user.market_buy(code, amount=100, ttype=ttype)["entrust_no"]
    assert number > 0
    row = user.find_entrust(number)
    assert row["price_type"] == returned
    assert row["order_status_name"] != "废单"


def test_cancel(user: Any, recorder: Recorder) -> None:
    number = resting(user)
    assert user.find_entrust(number)["order_status_name"] == "已报"
    frozen = user.balance[0]["frozen_cash"]
    assert frozen >= 3250
    assert user.cancel_entrust(number) == {"success": True, "message": "success"}
    assert user.wait(number, 30)["order_status_name"] == "已撤"
    assert user.balance[0]["frozen_cash"] == 0.0


def test_cancel_of_an_unknown_order_fails_and_of_a_filled_one_reports(
    user: Any, recorder: Recorder
) -> None:
    assert user.cancel_entrust(99) == {"success": False, "message": "failed"}
    number = user.market_buy("600036", amount=100)["entrust_no"]
    user.wait(number, 30)
    user.cancel_entrust(number)
    (error,) = recorder.wait_for("cancel_error")
    assert error.order_id == number
    assert user.find_entrust(number)["order_status_name"] == "已成"


def test_cancel_all(user: Any) -> None:
    numbers = {resting(user), resting(user)}
    user.wait(user.market_buy("600036", amount=100)["entrust_no"], 30)
    results = user.cancel_all()
    assert {each["entrust_no"] for each in results} == numbers
    assert all(list(each) == ["entrust_no", "success", "message"] for each in results)
    assert {user.wait(number, 30)["order_status_name"] for number in numbers} == {"已撤"}
    assert user.cancel_all() == []


def test_rejected_by_the_counter(user: Any, recorder: Recorder) -> None:
    number = user.buy("600036", price=35.5, amount=10_000_000)["entrust_no"]
    assert number > 0
    (error,) = recorder.wait_for("order_error")
    assert error.order_id == number
    assert "COUNTER" in error.error_msg
    assert user.wait(number, 30)["order_status_name"] == "废单"


def test_board_rules_are_a_warning_not_a_refusal(user: Any, logged: list[str]) -> None:
    number = user.buy("688981", price=90.001, amount=150)["entrust_no"]
    assert number > 0
    warnings = [line for line in logged if line.startswith("WARNING") and "688981.SH" in line]
    assert any("200 起" in line for line in warnings)
    assert any("最小变动价位" in line for line in warnings)


def test_numbers_from_notebooks(user: Any) -> None:
    assert user.buy("600036", np.float64(33), np.int64(100))["entrust_no"] > 0
    assert user.buy("600036", Decimal("33.00"), Decimal(100))["entrust_no"] > 0
    number = np.int64(user.buy("600036", 33, 100.0)["entrust_no"])
    assert user.find_entrust(number) is not None
    assert user.cancel_entrust(number)["success"]


@pytest.mark.parametrize("remark", ["", "rebalance-7", "调仓第七批，卖出腾资金", "~", "x" * 100])
def test_the_users_remark_survives(user: Any, remark: str) -> None:
    number = user.buy("600036", 33.0, 100, remark=remark, strategy_name="双均线")["entrust_no"]
    row = user.find_entrust(number)
    assert (row["order_remark"], row["strategy_name"]) == (remark, "双均线")
    sent = user.trader.query_stock_order(user.account, number).order_remark
    tag = tags.split(sent)[0]
    assert user.find_entrust(tag)["order_id"] == number


def test_find_entrust_of_an_unknown_tag_is_none(user: Any) -> None:
    assert user.find_entrust("000000000") is None
    assert user.find_entrust(12345) is None


def test_wait_has_a_deadline_and_shows_the_row(user: Any) -> None:
    number = resting(user)
    with pytest.raises(WaitTimeoutError) as caught:
        user.wait(number, 0.1)
    assert caught.value.row is not None
    assert caught.value.row["order_id"] == number
    with pytest.raises(UsageError, match="entrust_no"):
        user.wait(12345, 1)


@pytest.mark.parametrize("number", [0, -1, "5", None, 1.5, True, {"entrust_no": 5}])
def test_wrong_entrust_numbers(user: Any, number: object) -> None:
    for call in (user.cancel_entrust, user.wait):
        with pytest.raises(UsageError, match="entrust_no"):
            call(number)
    if not isinstance(number, str):
        with pytest.raises(UsageError, match="key"):
            user.find_entrust(number)


def test_wrong_arguments_send_nothing(user: Any) -> None:
    before = len(user.today_entrusts)
    wrong = [
        lambda: user.buy("60003", 35.5, 100),
        lambda: user.buy("600036", -1, 100),
        lambda: user.buy("600036", 35.5, 0),
        lambda: user.sell("600036", float("nan"), 100),
        lambda: user.market_buy("600036", 100, "全额成交或撤销委托"),
        lambda: user.market_sell("000300", 100),
        lambda: user.buy("600036", 35.5, 100, remark="字" * 50),
        lambda: user.buy("600036", 35.5, 100, strategy_name="x" * 24),
    ]
    for call in wrong:
        with pytest.raises(UsageError):
            call()
    assert len(user.today_entrusts) == before


def test_vendor_objects_are_the_vendors(user: Any) -> None:
    from xtquant import xtconstant
    from xtquant.xttrader import XtQuantTrader
    from xtquant.xttype import StockAccount

    assert isinstance(user.trader, XtQuantTrader)
    assert isinstance(user.account, StockAccount)
    number = user.trader.order_stock(
        user.account,
        "600036.SH",
        xtconstant.STOCK_BUY,
        100,
        xtconstant.FIX_PRICE,
        33.0,
        "s",
        "原始备注",
    )
    assert user.find_entrust(number)["order_remark"] == "原始备注"


def test_ordering_cancelling_and_querying_inside_callbacks(user: Any, recorder: Recorder) -> None:
    done: list[Any] = []
    finished = threading.Event()

    def react(trade: Any) -> None:
        number = resting(user)
        done.append(user.cancel_entrust(number))
        done.append(user.wait(number, 30)["order_status_name"])
        done.append(user.balance[0]["account_id"])
        done.append(user.trader.query_stock_asset(user.account).account_id)
        finished.set()

    recorder.doing["trade"] = react
    user.market_buy("600036", amount=100)
    assert finished.wait(30)
    assert done == [{"success": True, "message": "success"}, "已撤", ACCOUNT, ACCOUNT]


def test_a_callback_that_raises_is_logged_and_the_next_still_come(
    user: Any, recorder: Recorder, logged: list[str]
) -> None:
    def fail(_: Any) -> None:
        raise ZeroDivisionError("用户的错")

    recorder.doing["order"] = fail
    user.wait(user.market_buy("600036", amount=100)["entrust_no"], 30)
    recorder.wait_for("trade")
    assert any("回调出错" in line and "用户的错" in line for line in logged)


def test_async_requests_through_the_vendor_object_reach_the_callback(
    sim_folder: Any, recorder: Recorder
) -> None:
    seen: list[Any] = []
    got = threading.Event()

    class Callback(easytrader.miniqmt.DefaultXtQuantTraderCallback):
        def on_order_stock_async_response(self, response: Any) -> None:
            seen.append(response)
            got.set()

    with easytrader.use("sim") as trader:
        trader.connect(str(sim_folder), ACCOUNT, Callback())
        seq = trader.trader.order_stock_async(trader.account, "600036.SH", 23, 100, 11, 33.0)
        assert got.wait(30)
        assert seen[0].seq == seq
        assert trader.find_entrust(seen[0].order_id)["price"] == 33.0


def test_callback_registered_later_on_the_vendor_object_is_dispatched(user: Any) -> None:
    later = Recorder()
    user.trader.register_callback(later)
    user.market_buy("600036", amount=100)
    later.wait_for("trade")


def test_before_connect_and_after_close(sim_folder: Any) -> None:
    trader = easytrader.use("sim")
    assert trader.state == "未连接"
    for ask in (
        lambda: trader.balance,
        lambda: trader.buy("600036", 1.0, 100),
        lambda: trader.trader,
    ):
        with pytest.raises(NotConnectedError, match="connect"):
            ask()
    trader.stop_reconnect()
    trader.close()
    trader.close()
    assert trader.state == "已关闭"
    with pytest.raises(ClosedError):
        trader.connect(str(sim_folder), ACCOUNT)
    with pytest.raises((ClosedError, NotConnectedError)):
        _ = trader.balance


def test_repr_shows_state_and_hides_the_account(user: Any) -> None:
    assert repr(user) == "<SimTrader 已连接 账号 ******0365>"


def test_sim_needs_nothing_prepared() -> None:
    with easytrader.use("sim") as trader:
        trader.connect()
        assert trader.balance[0]["total_asset"] == 1_000_000.0
        number = trader.market_buy("600036", amount=100)["entrust_no"]
        trader.wait(number, 30)
        left = trader.balance[0]["cash"]
    with easytrader.use("sim") as again:
        again.connect()
        assert again.find_entrust(number)["order_status_name"] == "已成"
        assert again.balance[0]["cash"] == left


def test_sim_refuses_to_write_into_a_strangers_folder(tmp_path: Any) -> None:
    (tmp_path / "up_queue_xtquant").touch()
    with pytest.raises(UsageError, match="sim init"):
        easytrader.use("sim").connect(str(tmp_path))


# ---- 废单的原因、持仓的名称与盈亏


def refused(user: Any) -> int:
    """一笔废单：卖没有的券，原因比厂商的 23 字节长。"""
    return int(user.sell("600036", 36.0, 10_000)["entrust_no"])


def test_a_refused_order_tells_the_whole_reason(user: Any, recorder: Recorder) -> None:
    number = refused(user)
    row = user.wait(number, 30)
    [error] = recorder.wait_for("order_error")
    assert row["order_status_name"] == "废单"
    assert len(error.error_msg.encode()) > 23
    assert row["status_msg"] == error.error_msg
    assert user.find_entrust(number)["status_msg"] == error.error_msg
    for _ in range(2):  # 第二次是没有重算的行
        [listed] = [each for each in user.today_entrusts if each["order_id"] == number]
        assert listed["status_msg"] == error.error_msg
    cut = next(each for each in user._session.orders() if each.order_id == number).status_msg
    assert len(cut.encode()) <= 23, "厂商那里是截断的"


def test_the_reason_comes_after_the_row_was_seen(user: Any) -> None:
    number = refused(user)
    known = user.wait(number, 30)["status_msg"]
    rows, orders = OrderRows(), user._session.orders()
    before = rows.rows(orders)[-1]["status_msg"]
    assert before != known
    rows.explain(SimpleNamespace(
        order_id=number, error_id=-61, error_msg=known, strategy_name="", order_remark="",
        account_id=ACCOUNT, account_type=2,
    ))  # fmt: skip
    assert rows.rows(orders)[-1]["status_msg"] == known


def test_a_reason_that_never_comes_does_not_hold_up_waiting(user: Any) -> None:
    number = refused(user)
    eventually(lambda: user._engine.order_rows.reason(number))
    user._engine.order_rows._reasons.clear()
    row = user.wait(number, 30)
    assert row["order_status_name"] == "废单"
    assert row["status_msg"]


def test_the_reason_arrives_while_waiting() -> None:
    """状态先到、原因后到：等它一下。"""
    reasons: dict[int, str] = {}
    junk = {"order_id": 7, "order_status": 57, "order_status_name": "废单", "status_msg": "[COUN"}

    def find(number: int, deadline: float | None) -> Any:
        threading.Timer(0, arrive).start()
        return dict(junk)

    def arrive() -> None:
        reasons[7] = "[COUNTER][251005][证券可用数量不足]"
        waiting.note_change()

    waiting = Waiting(find, (), lambda number: number, lambda number: reasons.get(number, ""))
    assert waiting.wait(7, 30)["status_msg"] == "[COUNTER][251005][证券可用数量不足]"


def test_reasons_do_not_pile_up() -> None:
    rows = OrderRows()
    for number in range(1, 3001):
        rows.explain(SimpleNamespace(
            order_id=number, error_id=-61, error_msg=f"原因 {number}", strategy_name="",
            order_remark="", account_id=ACCOUNT, account_type=2,
        ))  # fmt: skip
    assert len(rows._reasons) <= 1000
    assert rows.reason(3000) == "原因 3000"
    assert rows.reason(1) == ""


def test_positions_carry_name_and_profit(user: Any) -> None:
    by_code = {row["stock_code"]: row for row in user.position}
    row = by_code["600000.SH"]
    assert row["security_name"] == "浦发银行"
    cost = row["avg_price"] * row["volume"]
    assert row["profit"] == pytest.approx(row["market_value"] - cost, abs=0.01)
    assert row["profit_ratio"] == pytest.approx(row["profit"] / cost, abs=1e-4)


def test_a_backend_that_does_not_know_name_and_profit() -> None:
    fields = POSITION.keys() - {"security", "security_name", "profit", "profit_ratio"}
    old = SimpleNamespace(**dict.fromkeys(fields, 0) | {"stock_code": "600000.SH"})
    row = position_row(old)  # type: ignore[arg-type]
    assert (row["security_name"], row["profit"], row["profit_ratio"]) == ("", None, None)
    assert list(row) == list(POSITION)
