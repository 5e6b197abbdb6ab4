"""VeighNa 接口的下单与撤单：原因从日志里来，没有应答就是未知，回报一来就有结果。"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy")

from gateway_orders_gear import REBAR, STOCK, connected, counter_of
from sim_gateway import SimCounter, SimGateway
from support import eventually

from easytrader.errors import (
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    RiskRefusedError,
    UsageError,
)
from easytrader.gateways.package import load
from easytrader.gateways.trader import GatewayTrader
from easytrader.testing.broker import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.counters


@pytest.fixture
def counter() -> Iterator[SimCounter]:
    with counter_of() as made:
        yield made


@pytest.fixture
def user(counter: SimCounter) -> Iterator[Any]:
    with connected(counter) as made:
        yield made


def test_answer_is_the_gateways_number(user: Any, counter: SimCounter) -> None:
    row = user.buy(STOCK, 39, 100, strategy_name="网格", remark="第 3 格")
    assert row == {"entrust_no": "1_1"}
    found = user.find_entrust("1_1")
    assert found is not None
    assert (found["order_status_name"], found["order_type_name"]) == ("已报", "买入")
    assert (found["strategy_name"], found["order_remark"]) == ("网格", "第 3 格")
    (request,) = counter.sends
    assert (request.offset.name, request.type.name) == ("NONE", "LIMIT")


def test_refused_at_once_tells_what_the_log_says(user: Any, counter: SimCounter) -> None:
    counter.faults.refuse_sends = 1
    row = user.buy(STOCK, 39, 100)
    assert row["entrust_no"] == -1
    assert "网关说：委托被拒绝，原因：价格超出涨跌停" in row["message"]
    assert counter.sends == []


def test_rejected_order_has_its_own_reason(user: Any) -> None:
    good = user.buy(STOCK, 39, 100)["entrust_no"]
    bad = user.buy(STOCK, 39, 1_000_000)["entrust_no"]
    other = user.sell(STOCK, 41, 900_000)["entrust_no"]
    row, second = user.wait(bad, 5), user.wait(other, 5)
    assert (row["order_status_name"], second["order_status_name"]) == ("废单", "废单")
    assert "资金不足" in row["status_msg"]
    assert "可平的数量不足" not in row["status_msg"]
    assert "可平的数量不足" in second["status_msg"]
    found = user.find_entrust(good)
    assert found is not None
    assert found["status_msg"] == ""


def test_reason_survives_a_flood_of_logs(user: Any, counter: SimCounter) -> None:
    counter.faults.log_flood = 50
    bad = user.buy(STOCK, 39, 1_000_000)["entrust_no"]
    told = user.wait(bad, 5)["status_msg"]
    assert "资金不足" in told
    assert len(told) < 500


def test_rejection_is_pushed_with_its_reason(counter: SimCounter) -> None:
    recorder = Recorder()
    with connected(counter, recorder) as user:
        bad = user.buy(STOCK, 39, 1_000_000, remark="太大")["entrust_no"]
        (error,) = recorder.wait_for("order_error")
        assert error.order_id == bad
        assert "资金不足" in error.error_msg
        eventually(lambda: [each for each in recorder.of("order") if each.order_status == 57])
        assert {each.order_id for each in recorder.of("order")} == {bad}
        assert len(recorder.of("order_error")) == 1


def test_lost_answer_is_unknown_with_the_number(user: Any, counter: SimCounter) -> None:
    counter.faults.lose_order_acks = 1
    with pytest.raises(OutcomeUnknownError, match="1_1") as caught:
        user.buy(STOCK, 39, 100)
    found = user.find_entrust(caught.value.tag)
    assert found is not None
    assert found["order_id"] == "1_1"


def test_raising_send_is_unknown_and_never_sent_again(user: Any, counter: SimCounter) -> None:
    counter.faults.raise_in_send = KeyError("sysid")
    with pytest.raises(OutcomeUnknownError, match="KeyError"):
        user.buy(STOCK, 39, 100, client_order_id="a")
    with pytest.raises(OutcomeUnknownError, match="核对"):
        user.buy(STOCK, 39, 100, client_order_id="a")
    with pytest.raises(QueryFailedError, match="核对不清楚"):
        user.find_entrust("a")
    assert counter.sends == []
    assert "entrust_no" in user.buy(STOCK, 39, 100, client_order_id="b")


def test_send_that_hangs_is_bounded_and_not_repeated(user: Any, counter: SimCounter) -> None:
    counter.faults.send_blocks = threading.Event()
    for name in ("a", "a", "b"):
        began = time.monotonic()
        with pytest.raises(OutcomeUnknownError):
            user.buy(STOCK, 39, 100, client_order_id=name)
        assert time.monotonic() - began < 2 * 1.5 + 2
    counter.faults.send_blocks.set()
    eventually(lambda: len(counter.sends) == 1)
    counter.settle()
    number = user.buy(STOCK, 39, 100, client_order_id="a")["entrust_no"]
    assert number == "1_1"
    assert len(counter.sends) == 1


def test_many_at_once_each_has_its_own(user: Any, counter: SimCounter) -> None:
    receipts = [user.buy_async(STOCK, 30 + i, 100, remark=f"{i}") for i in range(10)]
    numbers = [each.result()["entrust_no"] for each in receipts]
    rows = {each["order_id"]: each for each in user.today_entrusts}
    assert [rows[each]["order_remark"] for each in numbers] == [f"{i}" for i in range(10)]
    assert all(each["success"] for each in user.cancel_all())
    assert {each["order_status_name"] for each in user.today_entrusts} == {"已撤"}


def test_dispatcher_death_in_mid_order_is_unknown(
    counter: SimCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with connected(counter, reconnect_enabled=False) as user:
        counter.faults.delay_s = 0.2
        engine = user.trader.event_engine

        def die(_: Any) -> None:
            raise SystemExit

        engine.register("eDie", die)
        receipt = user.buy_async(STOCK, 39, 100)
        eventually(lambda: user.trader.get_order("SIM.1_1"))
        engine.put(load().Event("eDie"))
        with pytest.raises(OutcomeUnknownError):
            receipt.result()
        engine._thread.join(5)
        with pytest.raises(NotConnectedError):
            user.buy(STOCK, 39, 100)
        eventually(lambda: len(counter.sends) == 1)


def test_handler_that_raises_does_not_lose_the_order(user: Any) -> None:
    def bad(_: Any) -> None:
        raise ValueError("用户自己的处理函数")

    user.trader.event_engine.register("eOrder.", bad)
    assert user.buy(STOCK, 39, 100) == {"entrust_no": "1_1"}


# ---- 撤单


def test_cancel_waits_for_the_counter(user: Any) -> None:
    number = user.buy(STOCK, 39, 100)["entrust_no"]
    assert user.cancel_entrust(number) == {"success": True, "message": "success"}
    found = user.find_entrust(number)
    assert found is not None
    assert found["order_status_name"] == "已撤"


def test_failed_cancel_tells_why(user: Any, counter: SimCounter) -> None:
    number = user.buy(STOCK, 39, 100)["entrust_no"]
    counter.faults.cancel_fails = 1
    row = user.cancel_entrust(number)
    assert row["success"] is False
    assert "网关说：交易撤单失败" in row["message"]
    assert user.cancel_entrust(number)["success"] is True


def test_finished_order_says_so(user: Any) -> None:
    number = user.buy(STOCK, 40, 100)["entrust_no"]
    user.wait(number, 5)
    row = user.cancel_entrust(number)
    assert row == {"success": False, "message": "委托已经是已成，没有可撤的"}


def test_unknown_number_is_a_usage_error(user: Any) -> None:
    with pytest.raises(UsageError, match="没有这个编号"):
        user.cancel_entrust("9_9")


def test_raising_and_silent_cancels_are_unknown(user: Any, counter: SimCounter) -> None:
    number = user.buy(STOCK, 39, 100)["entrust_no"]
    counter.faults.cancel_raises = RuntimeError("sysid None")
    with pytest.raises(OutcomeUnknownError, match="RuntimeError"):
        user.cancel_entrust(number)
    counter.faults.cancel_raises = None
    counter.faults.lose_cancel_acks = 1
    with pytest.raises(OutcomeUnknownError) as caught:
        user.cancel_entrust(number)
    assert caught.value.entrust_no == number


def test_late_log_of_an_earlier_cancel_is_not_this_ones(user: Any, counter: SimCounter) -> None:
    first = user.buy(STOCK, 39, 100)["entrust_no"]
    second = user.buy(STOCK, 38, 100)["entrust_no"]
    counter.faults.delay_s = 0.3
    receipt = user.cancel_entrust_async(second)
    for gateway in counter.gateways:
        gateway.write_log(f"交易撤单失败，代码：26，信息：报单已全成交或已撤销 {first}")
    assert receipt.result()["success"] is True
    assert user.wait(second, 5)["order_status_name"] == "已撤"


# ---- 价格类型


def test_market_and_immediate_orders(user: Any, counter: SimCounter) -> None:
    number = user.market_buy(STOCK, 100)["entrust_no"]
    assert user.wait(number, 5)["price_type_name"] == "市价"
    gone = user.buy(STOCK, 39, 100, ttype="FAK")["entrust_no"]
    assert user.wait(gone, 5)["order_status_name"] == "已撤"
    assert [each.type.name for each in counter.sends] == ["MARKET", "FAK"]
    for call in (
        lambda: user.buy(STOCK, 39, 100, ttype="MARKET"),
        lambda: user.market_buy(STOCK, 100, ttype="FOK"),
        lambda: user.market_buy(STOCK, 100, ttype="对手方最优价格委托"),
        lambda: user.buy(STOCK, 39, 100, offset="平今"),
        lambda: user.short(STOCK, 39, 100),
        lambda: user.cover(STOCK, 39, 100),
        lambda: user.buy("999999", 39, 100),
        lambda: user.short(REBAR, 3500, 1, offset="平仓"),
    ):
        with pytest.raises(UsageError):
            call()
    assert len(counter.sends) == 2


class _Sloppy(SimGateway):
    """一个写得随便的接口：编号返回成什么样的都有。"""

    said: Any = None

    def send_order(self, req: Any) -> Any:
        told = super().send_order(req)
        if self.said is None:
            assert self.counter is not None
            self.counter.settle()  # 柜台已经收下了
        return self.said if self.said is None else self.said(told)


@pytest.mark.parametrize("said", [lambda told: told.split(".")[1], None])
def test_sloppy_number_is_still_that_order(counter: SimCounter, said: Any) -> None:
    kind = type("Sloppy", (_Sloppy,), {"said": staticmethod(said) if said else None})
    with GatewayTrader(gateway=kind) as user:
        user.connect(config={"柜台": counter.name}, timeout=1.5)
        number: Any = user.buy(STOCK, 39, 100, client_order_id="a")["entrust_no"]
        assert number != -1
        assert user.buy(STOCK, 39, 100, client_order_id="a")["entrust_no"] == number
        assert len(counter.sends) == 1


def test_nothing_returned_and_nothing_heard_is_unknown(counter: SimCounter) -> None:
    kind = type("Mute", (_Sloppy,), {"send_order": lambda self, req: None})
    with GatewayTrader(gateway=kind) as user:
        user.connect(config={"柜台": counter.name}, timeout=1.5)
        with pytest.raises(OutcomeUnknownError, match="没有返回编号"):
            user.buy(STOCK, 39, 100)


def test_guard_counts_whole_contracts(counter: SimCounter) -> None:
    with counter_of(rb2510=10) as futures, connected(futures) as user:
        user.guard = {"max_order_value": 50_000}
        user.buy(REBAR, 3500, 1)  # 一手 10 吨，35,000
        with pytest.raises(RiskRefusedError, match="乘数 10"):
            user.buy(REBAR, 3500, 2)


def test_block_list_is_known_however_it_is_written(counter: SimCounter) -> None:
    with GatewayTrader(gateway=SimGateway) as user:
        user.guard = {"block": ["RB2510.SHFE"]}
        user.connect(config={"柜台": counter.name}, timeout=1.5)
        with pytest.raises(RiskRefusedError, match="rb2510"):
            user.buy(REBAR, 3500, 1)
