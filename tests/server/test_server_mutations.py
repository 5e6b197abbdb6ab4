"""一次会改变什么的调用：只做一次，答案记着；断了来问，没有来过的从此作废。"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from once_world import CODE, EVERYTHING, Desk, Heard, in_flight, new_request
from support import ACCOUNT, eventually

from easytrader.basics import tags
from easytrader.errors import (
    EasytraderError,
    JournalError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    RiskRefusedError,
    UsageError,
)
from easytrader.orders.receipt import Receipt
from easytrader.risk import Guard
from easytrader.server.tokens import Grant
from easytrader.testing.memory import MemoryTrader
from easytrader.trader import engine_of
from easytrader.wire import errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader

OTHER = Grant("00000002", "别人", ("trade",))
REFUSED_AMOUNT = 10_000_000


class Clock:
    """墙上钟：真的，加上几天。"""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> float:
        return time.time() + self.ahead.total_seconds()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    found = Desk(tmp_path / "服务 器", wall=clock)
    yield found
    found.close()


def told(answer: dict[str, Any]) -> EasytraderError:
    """`settle` 带回来的异常。"""
    assert answer["state"] == "done"
    return errors.from_wire(answer["error"])


# ---- 同一个请求号


def test_an_order_goes_out_once_and_the_answer_stays(desk: Desk) -> None:
    r = new_request()
    first = desk.buy(r)
    assert first == {"entrust_no": desk.orders[0].order_id}
    assert desk.buy(r) == first
    assert desk.settle(r) == {"state": "done", "result": first}
    assert len(desk.counter.attempts) == 1
    assert desk.trader.find_entrust(f"r-{r}")["order_id"] == first["entrust_no"]


def test_the_answer_survives_a_restart(desk: Desk) -> None:
    r, refused = new_request(), new_request()
    first = desk.buy(r)
    no = desk.buy(refused, amount=REFUSED_AMOUNT)
    desk.restart()
    assert desk.buy(r) == first
    assert desk.settle(r) == {"state": "done", "result": first}
    assert desk.buy(refused, amount=REFUSED_AMOUNT) == no
    assert len(desk.counter.attempts) == 2


@pytest.mark.parametrize(
    "change", [{"amount": Decimal("0.6")}, {"price": 9.4}, {"remark": "另一个"}, {"verb": "sell"}]
)
def test_the_same_request_for_something_else_is_refused(desk: Desk, change: dict[str, Any]) -> None:
    r, given = new_request(), {"security": CODE, "price": 9.5, "amount": Decimal("0.5")}
    first = desk.call("buy", request=r, **given)
    verb = change.pop("verb", "buy")
    with pytest.raises(UsageError, match="什么都没有发出") as caught:
        desk.call(verb, request=r, **{**given, **change})
    assert caught.value.argument == "request"
    assert len(desk.orders) == 1
    assert desk.settle(r) == {"state": "done", "result": first}


def test_by_position_or_by_name_is_the_same_thing(desk: Desk) -> None:
    r = new_request()
    first = desk.call("buy", CODE, 9.5, Decimal("0.5"), request=r)
    assert desk.call("buy", CODE, amount=Decimal("0.5"), price=9.5, request=r) == first
    with pytest.raises(UsageError):
        desk.call("buy", CODE, Decimal("0.5"), 9.5, request=r)


def test_a_refusal_at_the_counter_is_the_answer_for_ever(desk: Desk) -> None:
    """记录里「被拒绝的 id 可以再用」：同一个请求号再来，不能因此再发一次。"""
    r = new_request()
    first = desk.buy(r, amount=REFUSED_AMOUNT)
    assert first["entrust_no"] == -1
    desk.counter.cash = Decimal(10) ** 12  # 现在收得下了
    assert desk.buy(r, amount=REFUSED_AMOUNT) == first
    assert desk.settle(r) == {"state": "done", "result": first}
    assert len(desk.counter.attempts) == 1
    assert desk.orders == []


def test_a_refused_client_order_id_may_be_used_by_a_new_request(desk: Desk) -> None:
    first = desk.buy(client_order_id="我的", amount=REFUSED_AMOUNT)
    assert first["entrust_no"] == -1
    desk.counter.cash = Decimal(10) ** 12
    again = desk.buy(client_order_id="我的", amount=REFUSED_AMOUNT)
    assert again["entrust_no"] == desk.orders[0].order_id


def test_one_client_order_id_in_two_requests_is_one_order(desk: Desk) -> None:
    r, s = new_request(), new_request()
    assert desk.buy(r, client_order_id="我的") == desk.buy(s, client_order_id="我的")
    assert len(desk.orders) == 1
    assert desk.settle(r)["result"] == desk.settle(s)["result"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({"price": -1}, UsageError), ({"client_order_id": " 空白"}, UsageError),
     ({"amonut": 3}, UsageError)],
)  # fmt: skip
def test_an_error_is_an_answer_too(desk: Desk, changes: dict[str, Any], kind: Any) -> None:
    r, errors_ = new_request(), []
    for _ in range(2):
        with pytest.raises(kind) as caught:
            desk.buy(r, **changes)
        errors_.append(str(caught.value))
    stored = told(desk.settle(r))
    assert type(stored) is kind
    assert {*errors_, str(stored)} == {errors_[0]}
    assert desk.counter.attempts == []


def test_no_session_is_an_answer_and_a_new_request_may_try_again(desk: Desk) -> None:
    r = new_request()
    assert desk.broker is not None
    desk.broker.break_link()
    eventually(lambda: desk.trader.state != "已连接")
    with pytest.raises(NotConnectedError):
        desk.buy(r)
    desk.broker.restore_link()
    eventually(lambda: desk.trader.state == "已连接")
    with pytest.raises(NotConnectedError):
        desk.buy(r)
    assert desk.orders == []
    desk.buy()
    assert len(desk.orders) == 1


@pytest.mark.parametrize("bad", ["", "有汉字", "a b", "x" * 65, "a\n", 7, None, b"r"])
def test_bad_request_ids(desk: Desk, bad: Any) -> None:
    call = replace(desk.call_of("buy", CODE, 9.5, 1), request=bad)
    heard = Heard()
    desk.mutations.run(call, heard)
    with pytest.raises(UsageError) as caught:
        heard.result()
    assert caught.value.argument == "request"
    with pytest.raises(UsageError):
        desk.settle(bad)
    assert desk.orders == []


def test_request_ids_of_people_fit_in_a_client_order_id(desk: Desk) -> None:
    one, two = desk.buy("x" * 64), desk.call("buy", CODE, 9.5, 1, request="x" * 64, grant=OTHER)
    assert one != two
    assert len(desk.orders) == 2


def test_nothing_connected_yet(tmp_path: Path) -> None:
    desk = Desk(tmp_path, MemoryTrader())
    desk.mutations._folder = None
    try:
        with pytest.raises(NotConnectedError, match="什么都没有发出"):
            desk.buy()
        with pytest.raises(QueryFailedError):
            desk.settle(new_request())
        desk.mutations.recover(0)
    finally:
        desk.close()


# ---- 还在办的


def test_the_same_request_in_flight_waits_for_its_answer(desk: Desk) -> None:
    r, go = new_request(), threading.Event()
    desk.counter.before = lambda _: go.wait(30)
    first = desk.start_call("buy", CODE, 9.5, 1, request=r)
    in_flight(desk, r)
    others = [desk.start_call("buy", CODE, 9.5, 1, request=r) for _ in range(3)]
    asked: list[Any] = []
    asker = threading.Thread(target=lambda: asked.append(desk.settle(r, within_s=30)))
    asker.start()
    go.set()
    row = first.result()
    assert [each.result() for each in others] == [row] * 3
    asker.join(30)
    assert asked == [{"state": "done", "result": row}]
    assert len(desk.counter.attempts) == 1


def test_another_wish_while_the_first_is_in_flight_is_refused(desk: Desk) -> None:
    r, go = new_request(), threading.Event()
    desk.counter.before = lambda _: go.wait(30)
    first = desk.start_call("buy", CODE, 9.5, 1, request=r)
    in_flight(desk, r)
    other = desk.start_call("sell", CODE, 10.5, 1, request=r)
    go.set()
    row = first.result()
    with pytest.raises(UsageError, match="什么都没有发出"):
        other.result()
    assert desk.settle(r) == {"state": "done", "result": row}
    assert len(desk.counter.attempts) == 1


def test_waiting_ends_at_the_deadline_with_unknown(desk: Desk) -> None:
    r, go = new_request(), threading.Event()
    desk.counter.before = lambda _: go.wait(30)
    first = desk.start_call("buy", CODE, 9.5, 1, request=r)
    in_flight(desk, r)
    with pytest.raises(OutcomeUnknownError) as caught:
        desk.call("buy", CODE, 9.5, 1, request=r, within_s=0.1)
    assert caught.value.client_order_id == f"r-{r}"
    with pytest.raises(OutcomeUnknownError) as caught:
        desk.settle(r, within_s=0.1)
    assert caught.value.client_order_id == f"r-{r}"
    with pytest.raises(OutcomeUnknownError):  # 交易口的期限：1 秒
        first.result()
    go.set()
    eventually(lambda: desk.orders)
    assert desk.settle(r)["result"] == {"entrust_no": desk.orders[0].order_id}


def test_another_wish_in_flight_does_not_become_the_story(desk: Desk) -> None:
    """号错用在另一件事上，正被拒绝的那一刻来问：说的还是先前那一件。"""
    r = new_request()
    first = desk.buy(r)
    wrong = desk.call_of("buy", CODE, 9.4, 1, request=r)
    stop = threading.Event()

    def bother() -> None:
        while not stop.is_set():
            desk.mutations.run(wrong, Heard())

    threads = [threading.Thread(target=bother) for _ in range(2)]
    for each in threads:
        each.start()
    try:
        for _ in range(200):
            assert desk.settle(r) == {"state": "done", "result": first}
    finally:
        stop.set()
        for each in threads:
            each.join(30)


# ---- 来问的


def test_a_request_never_seen_is_dead_from_then_on(desk: Desk) -> None:
    r = new_request()
    assert desk.settle(r) == {"state": "never"}
    for _ in range(2):
        with pytest.raises(NotConnectedError, match="什么都没有发出"):
            desk.buy(r)
        assert desk.settle(r) == {"state": "never"}
        desk.restart()
    assert desk.counter.attempts == []


def test_a_late_arrival_racing_with_the_question(desk: Desk) -> None:
    """来问的与迟到的撞在一起：说「没有」的就真的没有，做了的就说做了。"""
    seen = set()
    for n in range(120):
        r, gate, told_ = new_request(), threading.Barrier(2), []

        def ask(r: str = r, gate: Any = gate, told_: list[Any] = told_) -> None:
            gate.wait()
            told_.append(desk.settle(r))

        asker = threading.Thread(target=ask)
        asker.start()
        heard = Heard()
        call = desk.call_of("buy", CODE, 9.5, 1, request=r)
        before = len(desk.counter.attempts)
        gate.wait()
        if n % 3:
            threading.Event().wait(n % 3 * 0.0002)
        desk.mutations.run(call, heard)
        asker.join(30)
        (answer,) = told_
        seen.add(answer["state"])
        if answer["state"] == "never":
            with pytest.raises(NotConnectedError):
                heard.result()
            assert len(desk.counter.attempts) == before
        else:
            assert answer["result"] == heard.result()
            assert len(desk.counter.attempts) == before + 1
    assert seen == {"never", "done"}


def test_past_the_deadline_it_is_not_done_and_stays_so(desk: Desk) -> None:
    r = new_request()
    with pytest.raises(NotConnectedError, match="什么都没有发出"):
        desk.buy(r, within_s=-0.01)
    assert isinstance(told(desk.settle(r)), NotConnectedError)
    with pytest.raises(NotConnectedError):
        desk.buy(r)
    assert desk.orders == []


def test_other_tokens_learn_nothing_and_change_nothing(desk: Desk) -> None:
    r = new_request()
    first = desk.buy(r)
    doubts = engine_of(desk.trader).orders.once.doubts
    tag = tags.tag_for(desk.counter.key.account_id, f"r-{r}")
    eventually(lambda: doubts.seen(tag) is not None)  # 柜台上看得见它，也不说给别人
    assert desk.settle(r, OTHER) == {"state": "never"}
    assert desk.settle(r) == {"state": "done", "result": first}
    again = replace(EVERYTHING, id="00000009")  # 吊销了再发的，名字相同
    assert desk.settle(r, again) == {"state": "done", "result": first}


def test_a_reader_leaves_nothing_on_the_disk(desk: Desk) -> None:
    """只能看的令牌问多少次都不写盘；它的请求本来就做不了。"""
    reader = replace(EVERYTHING, scopes=("read",))
    done, unseen = new_request(), new_request()
    first = desk.buy(done)
    assert desk.settle(done, reader) == {"state": "done", "result": first}
    assert desk.settle(unseen, reader) == {"state": "never"}
    assert desk.mutations._table().find(EVERYTHING.name, unseen, time.monotonic() + 5) is None


# ---- 结果未知的


def test_a_lost_answer_is_found_at_the_counter(desk: Desk) -> None:
    r = new_request()
    assert desk.broker is not None
    desk.broker.faults.add("lost")
    with pytest.raises(OutcomeUnknownError) as caught:
        desk.buy(r)
    assert caught.value.client_order_id == f"r-{r}"
    (order,) = desk.orders
    assert desk.settle(r) == {"state": "done", "result": {"entrust_no": order.order_id}}
    assert desk.buy(r) == {"entrust_no": order.order_id}
    assert len(desk.counter.attempts) == 1


@pytest.mark.parametrize("resend", [False, True])
def test_an_order_that_never_arrived_is_dead(desk: Desk, resend: bool) -> None:
    r = new_request()
    assert desk.broker is not None
    desk.broker.faults.add("drop")
    with pytest.raises(OutcomeUnknownError):
        desk.buy(r)
    if resend:
        with pytest.raises(NotConnectedError, match="什么都没有发出"):
            desk.buy(r)
    assert desk.settle(r) == {"state": "never"}
    with pytest.raises(NotConnectedError):
        desk.buy(r)
    assert desk.orders == []


def test_what_was_said_stays_said(desk: Desk) -> None:
    """说过「没有」的，后来同一个自己的号下成了也不改口；找到过的，断了线也还说得出。"""
    gone, lost = new_request(), new_request()
    assert desk.broker is not None
    for r, own, fault in ((gone, "甲", "drop"), (lost, "乙", "lost")):
        desk.broker.faults.add(fault)
        with pytest.raises(OutcomeUnknownError):
            desk.buy(r, client_order_id=own)
    assert desk.settle(gone) == {"state": "never"}
    found = desk.settle(lost)
    assert found["result"] == {"entrust_no": desk.orders[0].order_id}
    assert desk.buy(client_order_id="甲")["entrust_no"] != -1
    assert desk.settle(gone) == {"state": "never"}
    desk.broker.break_link()
    eventually(lambda: desk.trader.state != "已连接")
    assert desk.settle(gone) == {"state": "never"}
    assert desk.settle(lost) == found


def test_waiting_for_an_answer_that_is_lost_ends_at_the_counter(desk: Desk) -> None:
    r, go, asked = new_request(), threading.Event(), list[Any]()
    assert desk.broker is not None
    desk.broker.faults.add("lost")
    desk.counter.before = lambda _: go.wait(30)
    first = desk.start_call("buy", CODE, 9.5, 1, request=r)
    in_flight(desk, r)
    held = desk.mutations._flying[EVERYTHING.name, r]
    waiting = threading.Event()
    wait = held.over.wait
    held.over.wait = lambda timeout=None: waiting.set() or wait(timeout)  # type: ignore[method-assign]
    asker = threading.Thread(target=lambda: asked.append(desk.settle(r, within_s=30)))
    asker.start()
    assert waiting.wait(30)
    go.set()
    with pytest.raises(OutcomeUnknownError):
        first.result()
    asker.join(30)
    assert asked == [{"state": "done", "result": {"entrust_no": desk.orders[0].order_id}}]


def test_unknown_stays_unknown_while_nobody_can_tell(desk: Desk) -> None:
    r = new_request()
    assert desk.broker is not None
    desk.broker.break_after_submit()
    desk.counter.after = lambda _: setattr(desk.counter, "up", False)
    with pytest.raises(OutcomeUnknownError):
        desk.buy(r)
    eventually(lambda: desk.trader.state != "已连接")
    for ask in (desk.settle, desk.buy):
        with pytest.raises(OutcomeUnknownError) as caught:
            ask(r)
        assert caught.value.client_order_id == f"r-{r}"
        tag = tags.tag_for(desk.counter.key.account_id, f"r-{r}")
        assert caught.value.tag == tag
    desk.counter.after = None
    desk.broker.restore_link()
    eventually(lambda: desk.trader.state == "已连接")
    assert desk.settle(r) == {"state": "done", "result": {"entrust_no": desk.orders[0].order_id}}


@pytest.mark.parametrize("resend", [False, True])
def test_rows_lost_in_a_power_cut(desk: Desk, resend: bool) -> None:
    """整机断电丢了最后几行：委托在柜台上，标记认得出来，不说「没有」，也不再下一笔。"""
    r = new_request()
    first = desk.buy(r)
    desk.mutations.close()
    desk.trader.close()
    shutil.rmtree(desk.folder / "requests")
    desk.counter.storage._intents.rows.clear()
    desk.start()
    if resend:
        assert desk.buy(r) == first
    for _ in range(2):
        assert desk.settle(r) == {"state": "done", "result": first}
        assert desk.buy(r) == first
    assert len(desk.orders) == 1


def test_yesterdays_order_that_cannot_be_found_is_not_called_never(
    desk: Desk, clock: Clock
) -> None:
    r = new_request()
    assert desk.broker is not None
    desk.broker.faults.add("drop")
    with pytest.raises(OutcomeUnknownError):
        desk.buy(r)
    clock.ahead = timedelta(days=1)
    with pytest.raises(OutcomeUnknownError, match="不是今天的"):
        desk.settle(r)
    clock.ahead = timedelta(days=30)
    with pytest.raises(OutcomeUnknownError, match="两个交易日"):
        desk.settle(r)
    with pytest.raises(OutcomeUnknownError, match="两个交易日"):
        desk.buy(r)
    assert desk.orders == []


def test_a_lost_cancel_stays_unknown_and_may_be_repeated(desk: Desk) -> None:
    number, r = desk.buy()["entrust_no"], new_request()
    assert desk.broker is not None
    desk.broker.lose_answer("cancel")
    with pytest.raises(OutcomeUnknownError):
        desk.call("cancel_entrust", number, request=r)
    with pytest.raises(OutcomeUnknownError) as caught:
        desk.settle(r)
    assert caught.value.entrust_no == number
    assert desk.call("cancel_entrust", number)["success"] is False  # 已经撤了


class Bank:
    """会挪钱的一组，只有参数与真的相同。"""

    def __init__(self) -> None:
        self.moved: list[Any] = []
        self.breaks = False

    def transfer_in(
        self, bank_no: str, bank_account: str, amount: float, *, bank_pwd: str = "",
        fund_pwd: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        self.moved.append((bank_no, bank_account, amount, bank_pwd, fund_pwd))
        if self.breaks:
            raise RuntimeError(f"厂商的接口坏了 {bank_pwd}")
        return {"success": True, "message": "success"}

    def transfer_in_async(self, bank_no: str, bank_account: str, amount: float) -> Any:
        """发出了，永远没有应答。"""
        receipt: Receipt[Any] = Receipt("银行转证券", 0.1)
        receipt.depart(7)
        return receipt


class Banker(MemoryTrader):
    """内存柜台，另有银行。"""

    @property
    def bank(self) -> Bank:
        return self.__dict__.setdefault("_bank", Bank())


@pytest.fixture
def banker(desk: Desk) -> Desk:
    assert desk.broker is not None
    desk.broker.trader_type = Banker  # type: ignore[assignment]
    desk.restart()
    return desk


def test_a_transfer_happens_once_and_passwords_are_nowhere(banker: Desk) -> None:
    r, secret = new_request(), "4711-8088"
    given = {"bank_no": "1", "bank_account": "6222", "amount": 5.0, "bank_pwd": secret}
    for other in (secret, "另一个"):  # 密码不算要做的事：摘要里有它，就试得出它
        answer = banker.call("bank.transfer_in", request=r, fund_pwd=other, **given)
        assert answer == {"success": True, "message": "success"}
    assert len(banker.trader.bank.moved) == 1
    with pytest.raises(UsageError):
        banker.call("bank.transfer_in", request=r, **{**given, "amount": 6.0})
    bad = new_request()  # 写错了地方的密码也不记
    with pytest.raises(OutcomeUnknownError):
        banker.call("bank.transfer_in", "1", "6222", 5.0, secret, request=bad)
    for path in banker.folder.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_a_backend_that_throws_leaves_the_outcome_unknown(banker: Desk, logged: list[str]) -> None:
    r = new_request()
    banker.trader.bank.breaks = True
    for _ in range(2):
        with pytest.raises(OutcomeUnknownError, match="RuntimeError"):
            banker.call("bank.transfer_in", "1", "6222", 5.0, request=r, bank_pwd="4711-8088")
        with pytest.raises(OutcomeUnknownError, match="先核对"):
            banker.settle(r)
        banker.restart()
    assert any("厂商的接口坏了 ***" in line for line in logged)
    assert not any("4711-8088" in line for line in logged)


# ---- 限额、停单、审计、盘


def test_caps_are_given_back_only_when_surely_nothing_was_sent(desk: Desk) -> None:
    grant = replace(EVERYTHING, name="限额", scopes=("trade",), max_day=Decimal(100))
    assert desk.broker is not None

    def buy(amount: Any, r: str = "") -> Any:
        return desk.call("buy", CODE, 10, amount, request=r, grant=grant)

    r = new_request()
    buy(1, r)
    buy(1, r)
    assert desk.caps.spent(grant) == 10
    with pytest.raises(RiskRefusedError) as caught:
        buy(10)
    assert caught.value.rule == "token_max_day"
    desk.counter.cash = Decimal(0)
    assert buy(2)["entrust_no"] == -1
    assert desk.caps.spent(grant) == 10
    desk.counter.cash = Decimal(1000)
    lost, gone = new_request(), new_request()
    desk.broker.faults.add("lost")
    with pytest.raises(OutcomeUnknownError):
        buy(3, lost)
    desk.broker.faults.add("drop")
    with pytest.raises(OutcomeUnknownError):
        buy(4, gone)
    assert desk.caps.spent(grant) == 10 + 30 + 40
    assert desk.settle(lost, grant)["state"] == "done"
    assert desk.settle(gone, grant) == {"state": "never"}
    assert desk.caps.spent(grant) == 10 + 30


def test_a_limited_token_may_not_do_what_cannot_be_counted(banker: Desk) -> None:
    grant = replace(EVERYTHING, name="限额", max_day=Decimal(100))
    with pytest.raises(RiskRefusedError):
        banker.call("bank.transfer_in", "1", "6222", 5.0, grant=grant)
    assert banker.trader.bank.moved == []


def test_the_stop_switch_stops_orders_and_transfers_but_no_cancel(banker: Desk) -> None:
    number = banker.buy()["entrust_no"]
    banker.stop.stop("甲", "出事了", "测试")
    for verb, args in (("buy", (CODE, 9.5, 1)), ("bank.transfer_in", ("1", "6222", 5.0))):
        with pytest.raises(RiskRefusedError) as caught:
            banker.call(verb, *args)
        assert caught.value.rule == "stop_switch"
    assert banker.trader.bank.moved == []
    assert len(banker.orders) == 1
    assert banker.call("cancel_entrust", number)["success"]
    assert banker.call("cancel_all") == []


def test_the_connections_own_guard_is_asked(desk: Desk) -> None:
    grant = replace(EVERYTHING, name="限额", scopes=("trade",), max_day=Decimal(100))
    post = engine_of(desk.trader).new_post(Guard(max_order_value=5))
    with pytest.raises(RiskRefusedError) as caught:
        desk.call("buy", CODE, 9.5, 1, guard=post, grant=grant)
    assert caught.value.rule == "max_order_value"
    assert desk.caps.spent(grant) == 0
    desk.call("buy", CODE, 9.5, 1, grant=grant)


def test_the_audit_has_the_wish_and_the_outcome(desk: Desk) -> None:
    r = new_request()
    desk.buy(r)
    desk.buy(r)
    with pytest.raises(UsageError):
        desk.buy("bad", price=-1)
    wish, outcome, bad, error = (line for line in desk.lines() if "verb" in line)
    assert (wish["event"], wish["verb"], wish["token"], wish["request"]) == (
        "intent", "buy", "全权", r,
    )  # fmt: skip
    assert wish["arguments"]["security"] == CODE
    assert outcome["event"] == "outcome"
    assert outcome["outcome"]["result"] == {"entrust_no": desk.orders[0].order_id}
    assert bad["arguments"]["price"] == -1
    assert error["outcome"]["error"]["type"] == "UsageError"


def test_without_audit_no_order_but_every_cancel(desk: Desk, logged: list[str]) -> None:
    number = desk.buy()["entrust_no"]
    desk.audit.close()
    r = new_request()
    for _ in range(2):
        with pytest.raises(JournalError, match="审计"):
            desk.buy(r)
    assert len(desk.orders) == 1
    assert desk.call("cancel_entrust", number)["success"]
    assert any("撤单照常" in line for line in logged)


def test_without_the_table_no_order_but_every_cancel(desk: Desk, logged: list[str]) -> None:
    number = desk.buy()["entrust_no"]
    desk.mutations.close()
    path = desk.folder / "requests" / "requests.sqlite"
    path.write_bytes(b"\0" * 8192)
    desk.restart()
    r = new_request()
    with pytest.raises(JournalError, match="请求记录"):
        desk.buy(r)
    with pytest.raises(OutcomeUnknownError, match="作废不了"):
        desk.settle(r)
    assert len(desk.orders) == 1
    assert desk.call("cancel_entrust", number)["success"]
    assert any("撤单照常" in line for line in logged)


def test_while_another_program_holds_the_table_what_is_known_can_still_be_told(desk: Desk) -> None:
    done, dead = new_request(), new_request()
    first = desk.buy(done)
    assert desk.settle(dead) == {"state": "never"}
    path = desk.folder / "requests" / "requests.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert desk.settle(done, within_s=0.1) == {"state": "done", "result": first}
        assert desk.settle(dead, within_s=0.1) == {"state": "never"}
        with pytest.raises(OutcomeUnknownError, match="作废不了"):
            desk.settle(new_request(), within_s=0.1)
        with pytest.raises(JournalError) as caught:
            desk.buy(within_s=1)
        assert str(desk.folder) not in str(caught.value)  # 只在日志里
        with pytest.raises(NotConnectedError, match="过了期限"):
            desk.buy(within_s=0.05)
        assert desk.call("cancel_entrust", first["entrust_no"], within_s=1)["success"]
        other.execute("ROLLBACK")
    assert len(desk.orders) == 1


# ---- 异步、一批


def test_an_async_order_tells_its_number_first_and_the_answer_stays(desk: Desk) -> None:
    r, go = new_request(), threading.Event()
    desk.counter.before = lambda _: go.wait(30)
    heard = Heard()
    desk.mutations.run(desk.call_of("buy_async", CODE, 9.5, 1, request=r), heard)
    assert len(heard.seqs) == 1
    assert not heard.answers
    again = desk.start_call("buy_async", CODE, 9.5, 1, request=r)
    go.set()
    row = heard.result()
    assert row["entrust_no"] == desk.orders[0].order_id
    assert again.result() == row
    assert desk.settle(r) == {"state": "done", "result": row}
    desk.restart()
    assert desk.call("buy_async", CODE, 9.5, 1, request=r) == row
    assert len(desk.counter.attempts) == 1


def test_an_async_order_without_an_answer(desk: Desk) -> None:
    r, heard = new_request(), Heard()
    assert desk.broker is not None
    desk.broker.faults.add("lost")
    desk.mutations.run(desk.call_of("buy_async", CODE, 9.5, 1, request=r), heard)
    with pytest.raises(OutcomeUnknownError):
        heard.result()
    assert desk.settle(r)["result"] == {"entrust_no": desk.orders[0].order_id}


def test_an_async_order_that_is_not_sent(desk: Desk) -> None:
    heard = Heard()
    desk.mutations.run(desk.call_of("buy_async", CODE, -1, 1), heard)
    with pytest.raises(UsageError):
        heard.result()
    assert heard.seqs == []


def test_an_async_answer_after_close_is_still_told_and_kept(desk: Desk) -> None:
    r, go = new_request(), threading.Event()
    desk.call("buy_async", CODE, 9.5, 1)
    desk.counter.before = lambda _: go.wait(30)
    heard = Heard()
    desk.mutations.run(desk.call_of("buy_async", CODE, 9.5, 1, request=r), heard)
    desk.mutations._clerk.close(1)
    go.set()
    row = heard.result()
    eventually(lambda: not desk.mutations._flying)
    assert desk.settle(r) == {"state": "done", "result": row}


def test_two_async_requests_with_one_client_order_id_both_get_their_answer(desk: Desk) -> None:
    """交易口给第二个的是同一张回执：两个请求都要有下文。"""
    go, hearing, requests = threading.Event(), [Heard(), Heard()], [new_request(), new_request()]
    desk.counter.before = lambda _: go.wait(30)
    for r, heard in zip(requests, hearing, strict=True):
        call = desk.call_of("buy_async", CODE, 9.5, 1, request=r, client_order_id="我的")
        desk.mutations.run(call, heard)
    go.set()
    rows = [each.result() for each in hearing]
    assert rows[0] == rows[1] == {"entrust_no": desk.orders[0].order_id}
    for r in requests:
        assert desk.settle(r) == {"state": "done", "result": rows[0]}
    assert len(desk.counter.attempts) == 1


def test_an_async_transfer_that_nobody_answers_ends_at_its_deadline(banker: Desk) -> None:
    r, heard = new_request(), Heard()
    call = banker.call_of("bank.transfer_in_async", "1", "6222", 5.0, request=r)
    banker.mutations.run(call, heard)
    assert heard.seqs == [7]
    with pytest.raises(OutcomeUnknownError):
        heard.result()
    with pytest.raises(OutcomeUnknownError):
        banker.settle(r)


def test_cancel_all_is_one_request(desk: Desk) -> None:
    numbers = [desk.buy()["entrust_no"] for _ in range(3)]
    r = new_request()
    first = desk.call("cancel_all", request=r)
    assert sorted(each["entrust_no"] for each in first) == sorted(numbers)
    later = desk.buy()["entrust_no"]
    assert desk.call("cancel_all", request=r) == first
    assert desk.trader.find_entrust(later)["order_status_name"] == "已报"


# ---- 模拟的 MiniQMT：真的交易口


def test_on_the_simulated_client(tmp_path: Path, user: SimTrader) -> None:
    desk = Desk(tmp_path / "server", user)
    try:
        r = new_request()
        first = desk.call("buy", "600036", 33.0, 100, request=r)
        assert desk.call("buy", "600036", 33.0, 100, request=r) == first
        assert [each["order_id"] for each in user.today_entrusts] == [first["entrust_no"]]
        never = new_request()
        assert desk.settle(never) == {"state": "never"}
        with pytest.raises(NotConnectedError):
            desk.call("buy", "600036", 33.0, 100, request=never)
        with pytest.raises(UsageError, match="account_type"):
            desk.call("credit.fin_buy", "600036", 33.0, 100)
        assert desk.call("cancel_entrust", first["entrust_no"])["success"]
        assert len(user.today_entrusts) == 1
        assert ACCOUNT not in str(desk.lines())
    finally:
        desk.close()
