"""随机的一串：发、再发、来问、迟到、断线、丢应答、崩掉、重启、换日子；柜台上的是真相。

崩掉：委托走到柜台的那一刻，把盘上的样子抄一份，再从抄的那一份起来；走到柜台之前、之后各有一种。
"""

from __future__ import annotations

import copy
import shutil
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from once_world import CODE, Desk, new_request

from easytrader.basics import tags
from easytrader.errors import EasytraderError, NotConnectedError, OutcomeUnknownError, UsageError
from easytrader.wire import errors

FAULTS: Final = ("", "", "lost", "drop", "refuse", "crash before", "crash after")
_TOO_MUCH: Final = Decimal(10) ** 7


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> float:
        return time.time() + self.ahead.total_seconds()


class Sent:
    """一个请求号，和说过的话。"""

    def __init__(self, request: str, wish: dict[str, Any]) -> None:
        self.request = request
        self.wish = wish
        self.own = wish.get("client_order_id") or f"r-{request}"
        self.number: Any = None
        """说过的委托编号。"""
        self.never = False
        """说过什么都没有做、以后也不会做。"""


class Story(RuleBasedStateMachine):
    requests: Any = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(mkdtemp(prefix="once-machine-"))
        self.lives = 0
        self.all: list[Sent] = []
        self.clock = Clock()
        self.desk = Desk(self.root / "0", wall=self.clock)
        assert self.desk.broker is not None
        self.broker = self.desk.broker
        self.broker.timeout_s = 30.0

    # ---- 做

    @rule(
        target=requests,
        own=st.sampled_from([None, None, "甲", "乙"]),
        amount=st.sampled_from([Decimal(1), Decimal(2)]),
        fault=st.sampled_from(FAULTS),
    )
    def send(self, own: str | None, amount: Decimal, fault: str) -> Sent:
        wish: dict[str, Any] = {"security": CODE, "price": 9.5, "amount": amount}
        if fault == "refuse":
            wish["amount"] = _TOO_MUCH
        if own is not None:
            wish["client_order_id"] = own
        sent = Sent(new_request(), wish)
        self.all.append(sent)
        self._do(sent, fault)
        return sent

    @rule(target=requests, amount=st.sampled_from([Decimal(1), Decimal(2)]))
    def ask_before_it_comes(self, amount: Decimal) -> Sent:
        """先来问的，再迟到。"""
        sent = Sent(new_request(), {"security": CODE, "price": 9.5, "amount": amount})
        self.all.append(sent)
        assert self.desk.settle(sent.request) == {"state": "never"}
        sent.never = True
        self._do(sent, "")
        return sent

    @rule(sent=requests, fault=st.sampled_from(["", "lost", "drop", "crash after"]))
    def resend(self, sent: Sent, fault: str) -> None:
        self._do(sent, fault)

    @rule(sent=requests)
    def use_it_for_something_else(self, sent: Sent) -> None:
        attempts = len(self.desk.counter.attempts)
        with pytest.raises((UsageError, NotConnectedError, OutcomeUnknownError)):
            self.desk.call("buy", request=sent.request, **{**sent.wish, "price": 9.4})
        assert len(self.desk.counter.attempts) == attempts

    @rule(sent=requests)
    def ask(self, sent: Sent) -> None:
        try:
            story = self.desk.settle(sent.request)
        except OutcomeUnknownError:
            return
        if story["state"] == "never":
            self._never(sent)
        elif "error" in story:
            self._refused(sent, errors.from_wire(story["error"]))
        else:
            self._told(sent, story["result"])

    @rule()
    def restart(self) -> None:
        self.desk.restart()
        self.desk.mutations.recover(float("inf"))

    @rule(days=st.sampled_from([1, 1, 5]))
    def another_day(self, days: int) -> None:
        self.clock.ahead += timedelta(days=days)

    # ---- 内部

    def _do(self, sent: Sent, fault: str) -> None:
        counter, crashed = self.desk.counter, False
        counter.before = counter.after = None
        self.broker.faults.clear()
        if fault in ("lost", "drop"):
            self.broker.faults.add(fault)
        if fault.startswith("crash"):

            def snapshot(_: Any) -> None:
                nonlocal crashed
                crashed = True
                self._copy()

            setattr(counter, fault.split()[1], snapshot)
        try:
            answer = self.desk.call("buy", request=sent.request, **sent.wish)
        except EasytraderError as exc:
            if not crashed and not isinstance(exc, OutcomeUnknownError):
                self._refused(sent, exc)
        else:
            if not crashed:
                self._told(sent, answer)
        counter.before = counter.after = None
        if fault == "crash before" and crashed:
            # 抄的时候还没有到柜台：那一份里它没有发生
            self._undo_last()
        if crashed:
            self._crash()

    def _undo_last(self) -> None:
        counter = self.desk.counter
        if counter.orders:
            counter.orders.popitem()
        counter.attempts.pop()

    def _copy(self) -> None:
        """此刻盘上的样子；交易口自己的记录也在内。"""
        shutil.copytree(self.desk.folder, self.root / str(self.lives + 1))
        self.rows = copy.deepcopy(self.desk.counter.storage._intents.rows)

    def _crash(self) -> None:
        """从抄的那一份起来：发出去的人已经不在。"""
        before = self.desk
        self.lives += 1
        before.mutations.close()
        before.trader.close()
        before.audit.close()
        before.caps.close()
        storage = self.broker.counter.storage
        storage._owners.clear()
        storage._intents.rows = self.rows
        self.desk = Desk(self.root / str(self.lives), wall=self.clock, broker=self.broker)

    def _tagged(self, sent: Sent) -> list[Any]:
        tag = tags.tag_for(self.desk.counter.key.account_id, sent.own)
        orders = self.desk.counter.orders.values()
        return [each.order_id for each in orders if tags.split(each.order_remark)[0] == tag]

    def _told(self, sent: Sent, answer: dict[str, Any]) -> None:
        number = answer["entrust_no"]
        assert not sent.never
        assert sent.number in (None, number), "改口了"
        sent.number = number
        if number == -1:
            assert sent.wish["amount"] == _TOO_MUCH
        else:
            assert self._tagged(sent) == [number]

    def _never(self, sent: Sent) -> None:
        assert sent.number is None
        sent.never = True
        if "client_order_id" not in sent.wish:
            assert self._tagged(sent) == []

    def _refused(self, sent: Sent, error: EasytraderError) -> None:
        """什么都没有发出的那几种。"""
        assert isinstance(error, (UsageError, NotConnectedError)), error
        if isinstance(error, NotConnectedError):
            self._never(sent)
        else:  # 同一个自己的号，另一笔
            assert error.argument == "client_order_id"

    # ---- 随时都成立

    @invariant()
    def one_order_at_most(self) -> None:
        attempts = Counter(each.tag for each in self.desk.counter.attempts)
        for sent in self.all:
            assert len(self._tagged(sent)) <= 1
            if "client_order_id" not in sent.wish:  # 被拒绝的也只试一次
                tag = tags.tag_for(self.desk.counter.key.account_id, sent.own)
                assert attempts[tag] <= (0 if sent.never else 1)

    def teardown(self) -> None:
        self.desk.close()
        shutil.rmtree(self.root, ignore_errors=True)


class TestStory(Story.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=20, stateful_step_count=20, deadline=None)


@pytest.mark.soak
@pytest.mark.timeout(3000)
class TestLongStory(Story.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=1000, stateful_step_count=40, deadline=None, derandomize=False)
