"""一致性测试的全部内容；怎样跑见 `easytrader.testing`。

每个类是一组承诺，只经交易口的公开面：不管后端在本进程、别的进程还是别的机器上都一样跑。
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from easytrader import errors
from easytrader.testing import recorder, user  # 放进本模块：工程自己的同名 fixture 顶替不了
from easytrader.testing.broker import Broker, Recorder, Unsupported, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.trader import Trader

__all__ = [
    "TestBadInput", "TestCancel", "TestClose", "TestConnect", "TestEvents", "TestExactlyOnce",
    "TestOrders", "TestQueries", "TestReconnect", "TestThreads", "TestUnknownOutcome",
    "recorder", "user",
]  # fmt: skip

_FINAL: Final = ("已撤", "部撤", "已成", "废单")
_ASSET_KEYS: Final = {"total_asset", "market_value", "cash", "frozen_cash", "account_id"}
_ORDER_KEYS: Final = {
    "stock_code",
    "order_id",
    "order_time",
    "order_type_name",
    "order_volume",
    "price",
    "traded_volume",
    "traded_price",
    "order_status",
    "order_status_name",
    "status_msg",
    "order_remark",
    "account_id",
}
_TRADE_KEYS: Final = {
    "stock_code",
    "order_id",
    "traded_id",
    "traded_time",
    "traded_price",
    "traded_volume",
    "traded_amount",
    "account_id",
}


def _try(act: Callable[[], None]) -> None:
    """出一个故障；后端没有这个把手的，测试跳过。"""
    try:
        act()
    except Unsupported as exc:
        pytest.skip(str(exc))


def _lost(broker: Broker, act: Callable[[], object]) -> errors.OutcomeUnknownError | None:
    """做一件应答会丢的事：说「结果未知」；自己会核对的也可以有了结果，为 None。"""
    try:
        act()
    except errors.OutcomeUnknownError as exc:
        return exc
    assert broker.finds_out, "应答丢了，没有抛 OutcomeUnknownError"
    return None


def _buy(user: Trader, broker: Broker, price: Any = None, **options: Any) -> Any:
    """挂一笔不成交的，返回编号。"""
    price = broker.resting_price if price is None else price
    row = user.buy(broker.security, price, broker.amount, **options)
    assert row["entrust_no"] not in (-1, 0, ""), row
    return row["entrust_no"]


def _needs_once(user: Trader) -> None:
    if user.capabilities.tag_in == "none":
        pytest.skip("这个后端的委托带不了标记，没有 client_order_id")


@contextlib.contextmanager
def _opened(broker: Broker, callback: Any = None, **options: Any) -> Iterator[Trader]:
    trader = broker.trader()
    try:
        broker.connect(trader, callback, **options)
        yield trader
    finally:
        trader.close()


class TestConnect:
    """连接。"""

    def test_before_connecting_nothing_is_sent(self, broker: Broker) -> None:
        user = broker.trader()
        try:
            assert user.state == "未连接"
            with pytest.raises(errors.NotConnectedError):
                user.buy(broker.security, broker.resting_price, broker.amount)
            with pytest.raises(errors.NotConnectedError):
                _ = user.balance
        finally:
            user.close()

    def test_connected_says_so(self, user: Trader) -> None:
        assert user.state == "已连接"
        assert user.status["state"] == "已连接"

    def test_status_and_repr_hide_the_account(self, user: Trader) -> None:
        account = user.balance[0]["account_id"]
        if len(account) <= 4:
            pytest.skip("账号太短，没有什么可藏的")
        assert account not in repr(user)
        assert account not in user.status["account_id"]

    def test_connecting_again_keeps_working(self, user: Trader, broker: Broker) -> None:
        broker.connect(user)
        assert user.state == "已连接"
        _buy(user, broker)

    def test_unknown_option_is_a_usage_error(self, broker: Broker) -> None:
        user = broker.trader()
        try:
            with pytest.raises((errors.UsageError, TypeError)):
                broker.connect(user, no_such_option=1)
            assert user.state == "未连接"
        finally:
            user.close()

    def test_failing_to_connect_raises_and_leaves_it_usable(self, broker: Broker) -> None:
        _try(broker.break_link)
        user = broker.trader()
        try:
            with pytest.raises(errors.ConnectFailedError):
                broker.connect(user)
            assert user.status["state"] == "未连接"
            broker.restore_link()
            broker.connect(user)
            assert user.state == "已连接"
        finally:
            user.close()

    def test_with_statement_closes(self, broker: Broker) -> None:
        with broker.trader() as user:
            broker.connect(user)
        assert user.state == "已关闭"


class TestQueries:
    """查询。"""

    def test_balance(self, user: Trader) -> None:
        row, *_ = user.balance  # 几种货币的，第一项是总的
        assert set(row) >= _ASSET_KEYS
        assert row["total_asset"] >= row["cash"] >= 0

    def test_rows_are_plain_dictionaries(self, user: Trader, broker: Broker) -> None:
        number = _buy(user, broker, broker.crossing_price)
        user.wait(number, timeout=10)
        for rows in (user.balance, user.position, user.today_entrusts, user.today_trades):
            assert rows
            json.dumps(rows, default=str)
            assert all(type(each) is dict for each in rows)

    def test_position_has_what_was_bought(self, user: Trader, broker: Broker) -> None:
        def held() -> Any:
            return sum(
                each["volume"] for each in user.position if _same(each["stock_code"], broker)
            )

        before = held()
        number = _buy(user, broker, broker.crossing_price)
        user.wait(number, timeout=10)
        eventually(lambda: held() == before + broker.amount)

    def test_entrust_and_its_row_agree(self, user: Trader, broker: Broker) -> None:
        number = _buy(user, broker)
        eventually(lambda: user.find_entrust(number) is not None)
        (row,) = [each for each in user.today_entrusts if each["order_id"] == number]
        assert set(row) >= _ORDER_KEYS
        assert user.find_entrust(number) == row

    def test_unknown_number_has_no_row(self, user: Trader, broker: Broker) -> None:
        number = _buy(user, broker)
        other: Any = number + 987_654 if isinstance(number, int) else f"{number}-none"
        assert user.find_entrust(other) is None


class TestOrders:
    """下单。"""

    def test_limit_buy_rests(self, user: Trader, broker: Broker) -> None:
        number = _buy(user, broker)
        eventually(lambda: user.find_entrust(number) is not None)
        row = user.find_entrust(number)
        assert row is not None
        assert _same(row["stock_code"], broker)
        assert row["order_volume"] == broker.amount
        assert math.isclose(row["price"], broker.resting_price)
        assert row["order_type_name"] in ("买入", "买")
        assert row["order_status_name"] not in _FINAL

    def test_crossing_buy_trades(self, user: Trader, broker: Broker) -> None:
        number = _buy(user, broker, broker.crossing_price)
        row = user.wait(number, timeout=10)
        assert row["order_status_name"] == "已成"
        assert row["traded_volume"] == broker.amount

        def trades() -> list[Any]:
            return [each for each in user.today_trades if each["order_id"] == number]

        # 有的柜台（VeighNa 的接口）先推委托、后推成交
        eventually(lambda: sum(each["traded_volume"] for each in trades()) == broker.amount)
        assert all(set(each) >= _TRADE_KEYS for each in trades())

    def test_sell_is_a_sell(self, user: Trader, broker: Broker) -> None:
        price = broker.crossing_price * 1
        row = user.sell(broker.security, price, broker.amount)
        number = row["entrust_no"]
        assert number not in (-1, 0, ""), row
        eventually(lambda: user.find_entrust(number) is not None)
        found = user.find_entrust(number)
        assert found is not None
        assert found["order_type_name"] in ("卖出", "卖")

    def test_market_buy(self, user: Trader, broker: Broker) -> None:
        if "market" not in user.capabilities.kinds:
            pytest.skip("这个后端没有市价委托")
        row = user.market_buy(broker.security, broker.amount)
        assert user.wait(row["entrust_no"], timeout=10)["traded_volume"] == broker.amount

    def test_remark_comes_back_as_given(self, user: Trader, broker: Broker) -> None:
        if user.capabilities.tag_in != "remark":
            pytest.skip("这个后端不带备注")
        number = _buy(user, broker, remark="网格 3")
        eventually(lambda: user.find_entrust(number) is not None)
        row = user.find_entrust(number)
        assert row is not None
        assert row["order_remark"] == "网格 3"

    def test_refusal_is_told_with_its_reason(self, user: Trader, broker: Broker) -> None:
        if broker.refused_amount is None:
            pytest.skip("没有给 refused_amount")
        row = user.buy(broker.security, broker.resting_price, broker.refused_amount)
        if row["entrust_no"] == -1:
            assert row["message"]
            return
        found = user.wait(row["entrust_no"], timeout=10)
        assert found["order_status_name"] == "废单"
        assert found["status_msg"]

    def test_receipt_gives_the_same_answer(self, user: Trader, broker: Broker) -> None:
        receipt = user.buy_async(broker.security, broker.resting_price, broker.amount)
        number = receipt.result()["entrust_no"]
        eventually(lambda: user.find_entrust(number) is not None)

    def test_wait_says_when_it_is_not_over(self, user: Trader, broker: Broker) -> None:
        number = _buy(user, broker)
        eventually(lambda: user.find_entrust(number) is not None)
        with pytest.raises(errors.WaitTimeoutError) as caught:
            user.wait(number, timeout=0.2)
        assert caught.value.row is not None


class TestCancel:
    """撤单。"""

    def test_cancelled(self, user: Trader, broker: Broker) -> None:
        number = _buy(user, broker)
        assert user.cancel_entrust(number)["success"] is True
        assert user.wait(number, timeout=10)["order_status_name"] == "已撤"

    def test_finished_order_is_not_cancelled(self, user: Trader, broker: Broker) -> None:
        number = _buy(user, broker, broker.crossing_price)
        user.wait(number, timeout=10)
        user.cancel_entrust(number)  # 说成没成各家不同，但不许抛别的、不许改变它
        row = user.find_entrust(number)
        assert row is not None
        assert row["order_status_name"] == "已成"

    def test_cancel_all(self, user: Trader, broker: Broker) -> None:
        numbers = {_buy(user, broker) for _ in range(3)}
        eventually(lambda: numbers <= {each["order_id"] for each in user.today_entrusts})
        assert {each["entrust_no"] for each in user.cancel_all()} >= numbers
        for number in numbers:
            assert user.wait(number, timeout=10)["order_status_name"] == "已撤"

    def test_cancel_receipt(self, user: Trader, broker: Broker) -> None:
        number = _buy(user, broker)
        assert user.cancel_entrust_async(number).result()["success"] is True


class TestUnknownOutcome:
    """发出而没有应答：未知，不是失败。"""

    def test_lost_answer_is_unknown_and_sent_once(self, user: Trader, broker: Broker) -> None:
        _try(lambda: broker.lose_answer("submit"))
        lost = _lost(broker, lambda: user.buy(broker.security, broker.resting_price, broker.amount))
        assert len(broker.orders_at_counter()) == 1
        if lost is not None and user.capabilities.tag_in != "none":
            found = user.find_entrust(lost.tag)
            assert found is not None

    def test_unknown_outcome_is_nothing_people_retry_on(self) -> None:
        assert not issubclass(errors.OutcomeUnknownError, (OSError, TimeoutError, ValueError))

    def test_lost_cancel_is_unknown(self, user: Trader, broker: Broker) -> None:
        number = _buy(user, broker)
        _try(lambda: broker.lose_answer("cancel"))
        lost = _lost(broker, lambda: user.cancel_entrust(number))
        assert lost is None or lost.entrust_no == number

    def test_lost_query_is_a_failed_query(self, user: Trader, broker: Broker) -> None:
        _try(lambda: broker.lose_answer("query"))
        with pytest.raises(errors.QueryFailedError):
            _ = user.today_entrusts
        assert user.today_entrusts == []

    def test_receipt_of_a_lost_answer(self, user: Trader, broker: Broker) -> None:
        _try(lambda: broker.lose_answer("submit"))
        receipt = user.buy_async(broker.security, broker.resting_price, broker.amount)
        _lost(broker, receipt.result)
        assert len(broker.orders_at_counter()) == 1


class TestExactlyOnce:
    """``client_order_id``：恰好一次。"""

    def test_without_a_tag_it_is_refused(self, user: Trader, broker: Broker) -> None:
        if user.capabilities.tag_in != "none":
            pytest.skip("这个后端的委托带标记")
        with pytest.raises(errors.UsageError, match="client_order_id"):
            _buy(user, broker, client_order_id="a")

    def test_same_id_is_one_order(self, user: Trader, broker: Broker) -> None:
        _needs_once(user)
        first = _buy(user, broker, client_order_id="2026-11-30-1")
        assert _buy(user, broker, client_order_id="2026-11-30-1") == first
        assert len(broker.orders_at_counter()) == 1

    def test_same_id_from_many_threads(self, user: Trader, broker: Broker) -> None:
        _needs_once(user)
        numbers = _together(8, lambda _: _buy(user, broker, client_order_id="together"))
        assert len(set(numbers)) == 1
        assert len(broker.orders_at_counter()) == 1

    def test_same_id_from_another_trader(self, user: Trader, broker: Broker) -> None:
        _needs_once(user)
        first = _buy(user, broker, client_order_id="two programs")
        with _opened(broker) as other:
            assert _buy(other, broker, client_order_id="two programs") == first
        assert len(broker.orders_at_counter()) == 1

    def test_lost_answer_then_the_same_id(self, user: Trader, broker: Broker) -> None:
        _needs_once(user)
        _try(lambda: broker.lose_answer("submit"))
        lost = _lost(broker, lambda: _buy(user, broker, client_order_id="again"))
        assert lost is None or lost.client_order_id == "again"
        number = _buy(user, broker, client_order_id="again")
        (row,) = broker.orders_at_counter()
        assert row["order_id"] == number

    def test_same_id_for_another_order_is_refused(self, user: Trader, broker: Broker) -> None:
        _needs_once(user)
        _buy(user, broker, client_order_id="mine")
        with pytest.raises(errors.UsageError, match="client_order_id"):
            user.sell(broker.security, broker.crossing_price, broker.amount, client_order_id="mine")
        assert len(broker.orders_at_counter()) == 1

    def test_found_by_its_id(self, user: Trader, broker: Broker) -> None:
        _needs_once(user)
        number = _buy(user, broker, client_order_id="find me")
        threading.Event().wait(broker.query_lag_s)
        row = user.find_entrust("find me")
        assert row is not None
        assert row["order_id"] == number


class TestEvents:
    """事件：各恰好一次，次序对，用户的代码拖不垮它。"""

    def test_order_and_trades_once_each(
        self, user: Trader, broker: Broker, recorder: Recorder
    ) -> None:
        number = _buy(user, broker, broker.crossing_price)
        user.wait(number, timeout=10)
        eventually(lambda: _traded(recorder, number) == broker.amount)
        eventually(lambda: _last_status(recorder, number) == _status(user, number))
        ids = [each.traded_id for each in recorder.of("trade") if each.order_id == number]
        assert len(ids) == len(set(ids))

    def test_loop_gets_the_same(self, user: Trader, broker: Broker) -> None:
        number = _buy(user, broker, broker.crossing_price)
        traded = 0
        for event in user.events(timeout=10):
            if event["event"] == "trade" and event["data"]["order_id"] == number:
                traded += event["data"]["traded_volume"]
            if traded == broker.amount:
                break
        assert traded == broker.amount

    def test_raising_callback_does_not_stop_the_next(
        self, user: Trader, broker: Broker, recorder: Recorder
    ) -> None:
        def fail(_: Any) -> None:
            raise RuntimeError("用户的回调出错")

        recorder.doing["order"] = fail
        first = _buy(user, broker)
        eventually(lambda: first in {each.order_id for each in recorder.of("order")})
        second = _buy(user, broker)
        eventually(lambda: second in {each.order_id for each in recorder.of("order")})

    def test_callback_may_trade(self, user: Trader, broker: Broker, recorder: Recorder) -> None:
        placed: list[Any] = []

        def follow(_: Any) -> None:
            if not placed:
                placed.append(None)
                placed[0] = _buy(user, broker)

        recorder.doing["trade"] = follow
        user.wait(_buy(user, broker, broker.crossing_price), timeout=10)
        eventually(lambda: placed and placed[0] is not None)
        eventually(lambda: user.find_entrust(placed[0]) is not None)


class TestReconnect:
    """断线与重连。"""

    def test_lost_link_is_told_and_comes_back(
        self, user: Trader, broker: Broker, recorder: Recorder
    ) -> None:
        _try(broker.break_link)
        eventually(lambda: user.state in ("已断开", "连接中"))
        with pytest.raises(errors.NotConnectedError):
            user.buy(broker.security, broker.resting_price, broker.amount)
        with pytest.raises((errors.NotConnectedError, errors.QueryFailedError)):
            _ = user.balance
        broker.restore_link()
        eventually(lambda: user.state == "已连接", within_s=20)
        recorder.wait_for("disconnected")
        recorder.wait_for("connected", 2)
        assert broker.orders_at_counter() == []
        _buy(user, broker)

    def test_what_happened_while_away_arrives_once(
        self, user: Trader, broker: Broker, recorder: Recorder
    ) -> None:
        _try(broker.break_after_submit)
        _lost(broker, lambda: user.buy(broker.security, broker.crossing_price, broker.amount))
        recorder.wait_for("disconnected")
        eventually(lambda: user.state == "已连接", within_s=20)
        (row,) = broker.orders_at_counter()
        number = row["order_id"]
        eventually(lambda: _traded(recorder, number) == broker.amount, within_s=20)
        again = _buy(user, broker)  # 后来的推送到了，前面补交的也都到了
        eventually(lambda: again in {each.order_id for each in recorder.of("order")})
        assert _traded(recorder, number) == broker.amount
        seen = [_state(each) for each in recorder.of("order") if each.order_id == number]
        assert len(seen) == len(set(seen))

    def test_stopping_reconnection_keeps_the_session(self, user: Trader, broker: Broker) -> None:
        user.stop_reconnect()
        assert user.state == "已连接"
        _buy(user, broker)

    def test_stopped_reconnection_stays_lost(self, user: Trader, broker: Broker) -> None:
        user.stop_reconnect()
        _try(broker.break_link)
        eventually(lambda: user.state == "已断开")
        broker.restore_link()
        broker.connect(user)  # 手工再连
        assert user.state == "已连接"


class TestClose:
    """关闭。"""

    def test_closed_is_for_good(self, user: Trader, broker: Broker) -> None:
        user.close()
        user.close()
        assert user.state == "已关闭"
        with pytest.raises(errors.ClosedError):
            user.buy(broker.security, broker.resting_price, broker.amount)
        with pytest.raises(errors.ClosedError):
            _ = user.balance
        with pytest.raises(errors.ClosedError):
            broker.connect(user)

    def test_closing_in_a_callback(self, user: Trader, broker: Broker, recorder: Recorder) -> None:
        recorder.doing["order"] = lambda _: user.close()
        with contextlib.suppress(errors.ClosedError, errors.OutcomeUnknownError):
            user.buy(broker.security, broker.resting_price, broker.amount)
        eventually(lambda: user.state == "已关闭")

    def test_closing_while_reconnecting(self, user: Trader, broker: Broker) -> None:
        _try(broker.break_link)
        eventually(lambda: user.state in ("已断开", "连接中"))
        user.close()
        assert user.state == "已关闭"

    def test_closing_ends_the_event_loop(self, user: Trader) -> None:
        done = threading.Event()

        def read() -> None:
            for _ in user.events(timeout=60):
                pass
            done.set()

        threading.Thread(target=read, name="reader", daemon=True).start()
        user.close()
        assert done.wait(10)


_HOSTILE_AMOUNTS: Final[tuple[Any, ...]] = (
    0,
    -100,
    1.5,
    math.nan,
    math.inf,
    "",
    "abc",
    None,
    True,
    [],
    10**30,
)
_HOSTILE_PRICES: Final[tuple[Any, ...]] = (
    0,
    -1.0,
    math.nan,
    math.inf,
    "",
    "abc",
    None,
    True,
    [],
    1e300,
)


class TestBadInput:
    """参数不对：什么都没有发出，说清楚是哪个参数。"""

    @pytest.mark.parametrize("amount", _HOSTILE_AMOUNTS, ids=repr)
    def test_amount(self, user: Trader, broker: Broker, amount: Any) -> None:
        if amount == 1.5 and isinstance(broker.amount, (float, Decimal)):
            pytest.skip("这个后端的数量可以有小数")
        with pytest.raises(errors.UsageError, match="amount"):
            user.buy(broker.security, broker.resting_price, amount)
        assert user.today_entrusts == []

    def test_huge_decimal_amount(self, user: Trader, broker: Broker) -> None:
        with pytest.raises(errors.UsageError, match="amount"):
            user.buy(broker.security, broker.resting_price, Decimal("1E+200000"))

    @pytest.mark.parametrize("price", _HOSTILE_PRICES, ids=repr)
    def test_price(self, user: Trader, broker: Broker, price: Any) -> None:
        with pytest.raises(errors.UsageError, match="price"):
            user.buy(broker.security, price, broker.amount)
        assert user.today_entrusts == []

    @pytest.mark.parametrize("security", ["", " ", None, 600036.0, [], "不是代码 \n"], ids=repr)
    def test_security(self, user: Trader, broker: Broker, security: Any) -> None:
        with pytest.raises(errors.UsageError, match="security"):
            user.buy(security, broker.resting_price, broker.amount)
        assert user.today_entrusts == []

    def test_misspelt_argument(self, user: Trader, broker: Broker) -> None:
        with pytest.raises((errors.UsageError, TypeError), match="client_order_id"):
            _buy(user, broker, clientorder_id="a")
        assert user.today_entrusts == []

    @pytest.mark.parametrize("number", [None, 1.5, math.nan, [], -5, True], ids=repr)
    def test_number(self, user: Trader, number: Any) -> None:
        with pytest.raises(errors.UsageError, match="entrust_no"):
            user.cancel_entrust(number)

    @pytest.mark.parametrize("seconds", [-1, math.nan, "long", None], ids=repr)
    def test_wait_seconds(self, user: Trader, broker: Broker, seconds: Any) -> None:
        number = _buy(user, broker)
        with pytest.raises(errors.UsageError, match="timeout"):
            user.wait(number, timeout=seconds)


class TestThreads:
    """多个线程同时用。"""

    def test_orders_from_many_threads_are_all_there(self, user: Trader, broker: Broker) -> None:
        numbers = _together(8, lambda _: [_buy(user, broker) for _ in range(5)])
        flat = [each for some in numbers for each in some]
        assert len(set(flat)) == 40
        eventually(lambda: len(user.today_entrusts) == 40)

    def test_queries_beside_orders(self, user: Trader, broker: Broker) -> None:
        def work(number: int) -> object:
            if number % 2:
                return _buy(user, broker)
            return [user.balance, user.position, user.today_entrusts]

        _together(8, work)
        eventually(lambda: len(user.today_entrusts) == 4)

    def test_guard_refuses_before_sending(self, user: Trader, broker: Broker) -> None:
        user.guard = {"max_order_value": 0.01}
        with pytest.raises(errors.RiskRefusedError):
            user.buy(broker.security, broker.resting_price, broker.amount)
        user.guard = None
        assert user.today_entrusts == []


def _same(stock_code: str, broker: Broker) -> bool:
    return stock_code.partition(".")[0] == broker.security.partition(".")[0]


def _state(order: Any) -> tuple[Any, ...]:
    return order.order_status, order.traded_volume, order.order_sysid


def _traded(recorder: Recorder, number: Any) -> Any:
    return sum(each.traded_volume for each in recorder.of("trade") if each.order_id == number)


def _last_status(recorder: Recorder, number: Any) -> Any:
    found = [each.order_status for each in recorder.of("order") if each.order_id == number]
    return found[-1] if found else None


def _status(user: Trader, number: Any) -> Any:
    row = user.find_entrust(number)
    return None if row is None else row["order_status"]


def _together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """几个线程一起做，收齐结果；有一个出错就抛。"""
    results: list[Any] = [None] * count
    failures: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            results[number] = work(number)
        except BaseException as exc:  # noqa: BLE001  带回主线程再抛
            failures.append(exc)

    threads = [
        threading.Thread(target=run, args=(each,), name=f"suite-{each}") for each in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]
    return results
