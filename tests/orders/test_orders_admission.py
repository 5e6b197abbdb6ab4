"""替别人下单时另加的关口，与旁听、回执的一声。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from support import Recorder, eventually

from easytrader import Guard
from easytrader.backend import records
from easytrader.errors import NotConnectedError, RiskRefusedError
from easytrader.orders import admission
from easytrader.orders.receipt import Receipt
from easytrader.trader import engine_of

if TYPE_CHECKING:
    from easytrader.brokers.sim import SimTrader


class _Gate:
    """记下问过什么；``no`` 里的一步不许。"""

    def __init__(self, no: str = "") -> None:
        self.no = no
        self.asked: list[tuple[str, Any]] = []

    def admit(self, request: Any, view: Any, deadline: float) -> None:
        self.asked.append(("admit", (request.security.stock_code, request.volume)))
        self._check("admit")

    def last(self, request: Any) -> None:
        self.asked.append(("last", None if request is None else request.volume))
        self._check("last")

    def _check(self, step: str) -> None:
        if step == self.no:
            raise RiskRefusedError(f"{step} 不许", rule=step)


def test_the_gate_sees_the_validated_order_of_every_kind(user: SimTrader) -> None:
    gate = _Gate()
    with admission.through(gate):
        number = user.buy("sh600036", 33.0, 100)["entrust_no"]
        user.market_buy("600036", 200)
        user.buy("600036.SH", 33.0, 300, client_order_id="a")
        user.buy_async("600036", 33.0, 400).result()
        user.cancel_entrust(number)
    assert [told for kind, told in gate.asked if kind == "admit"] == [
        ("600036.SH", 100), ("600036.SH", 200), ("600036.SH", 300), ("600036.SH", 400),
    ]  # fmt: skip
    assert [told for kind, told in gate.asked if kind == "last"] == [100, 200, 300, 400, None]
    user.buy("600036", 33.0, 100)
    assert len(gate.asked) == 9  # 出了这一段就不问了


@pytest.mark.parametrize("step", ["admit", "last"])
def test_what_the_gate_refuses_is_not_sent(user: SimTrader, step: str) -> None:
    with admission.through(_Gate(step)):
        for options in ({}, {"client_order_id": "b"}):
            with pytest.raises(RiskRefusedError, match=step):
                user.buy("600036", 33.0, 100, **options)  # type: ignore[arg-type]
        with pytest.raises(RiskRefusedError, match=step):
            user.buy_async("600036", 33.0, 100)
    assert user.today_entrusts == []


def test_the_own_guard_comes_between(user: SimTrader) -> None:
    gate = _Gate()
    user.guard = Guard(max_order_value=1)
    with admission.through(gate), pytest.raises(RiskRefusedError, match="max_order_value"):
        user.buy("600036", 33.0, 100)
    assert [kind for kind, _ in gate.asked] == ["admit"]


def test_a_cancel_asks_only_at_the_end(user: SimTrader) -> None:
    number = user.buy("600036", 33.0, 100)["entrust_no"]
    with admission.through(_Gate("last")), pytest.raises(RiskRefusedError):
        user.cancel_entrust(number)
    assert user.find_entrust(number)["order_status_name"] == "已报"  # type: ignore[index]


def test_the_gate_is_this_threads_own(user: SimTrader) -> None:
    done: list[Any] = []
    with admission.through(_Gate("admit")):
        other = threading.Thread(target=lambda: done.append(user.buy("600036", 33.0, 100)))
        other.start()
        other.join(10)
    assert done[0]["entrust_no"] > 0


def test_a_tap_hears_everything_once_before_the_callbacks(
    user: SimTrader, recorder: Recorder
) -> None:
    heard: list[Any] = []
    leave = engine_of(user).tap(heard.append)
    number = user.market_buy("600036", 100)["entrust_no"]
    user.wait(number)
    recorder.wait_for("trade")
    trades = [each for each in heard if isinstance(each, records.Traded)]
    assert len(trades) == 1
    assert any(each["event"] == "trade" for each in user.events(timeout=0))
    leave()
    before = len(heard)
    user.buy("600036", 33.0, 100)
    recorder.wait_for("order", 3)
    assert len(heard) == before


def test_another_post_shares_the_count(user: SimTrader) -> None:
    user.guard = Guard()
    user.buy("600036", 33.0, 100)
    post = engine_of(user).new_post(Guard(max_order_value=1))
    assert post.status()["sent_today"] == 1
    user.close()
    with pytest.raises(Exception, match="关闭"):
        engine_of(user).new_post(Guard())


def test_a_post_needs_a_connection() -> None:
    from easytrader.brokers.sim import sim_trader

    with pytest.raises(NotConnectedError):
        engine_of(sim_trader()).new_post(Guard())


def test_a_receipt_tells_once_whenever_it_is_asked(user: SimTrader) -> None:
    told: list[Any] = []
    receipt = user.buy_async("600036", 33.0, 100)
    receipt.then(told.append)
    eventually(lambda: told == [receipt])
    receipt.result()
    late: list[Any] = []
    receipt.then(late.append)
    assert late == [receipt]
    assert told == [receipt]


def test_a_receipt_tells_once_under_a_race() -> None:
    for _ in range(300):
        told: list[Any] = []
        receipt: Receipt[Any] = Receipt("委托", 5)
        gate = threading.Barrier(2)

        def put(receipt: Receipt[Any] = receipt, gate: threading.Barrier = gate) -> None:
            gate.wait(5)
            receipt.put({"entrust_no": 1})

        thread = threading.Thread(target=put)
        thread.start()
        gate.wait(5)
        receipt.then(told.append)
        thread.join(5)
        assert told == [receipt]
