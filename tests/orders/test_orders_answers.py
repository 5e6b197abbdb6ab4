"""后端说得更细的应答：撤不了的原因、只报出一部分、到期时已经知道的编号、再也核对不清楚的。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from easytrader import errors
from easytrader.backend.records import CancelAnswer, OrderRequest, SubmitAnswer
from easytrader.testing.memory import Counter, MemoryConnector, MemorySession, MemoryTrader

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = "BTC/USDT"


class Telling(MemorySession):
    """照 ``says`` 答的会话。"""

    says = ""
    requests: list[OrderRequest]

    def submit(self, request: OrderRequest, reply: Any) -> None:
        self.requests.append(request)
        if self.says == "partly":
            self.depart(reply)
            reply.put(SubmitAnswer("a", "另有 1 没有报出：前一笔被拒"))
        elif self.says == "silent":
            self.depart(reply)
            reply.known = "接口给的编号是 a"
        else:
            super().submit(request, reply)

    def cancel(self, target: Any, reply: Any) -> None:
        self.depart(reply)
        reply.put(CancelAnswer(False, "委托已经是已成，没有可撤的"))

    def cannot_tell(self, tag: str) -> bool:
        return True

    def still_sending(self, tag: str) -> bool:
        return True


class Connector(MemoryConnector):
    session_type = Telling


class Trader(MemoryTrader):
    connector_type = Connector


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    monkeypatch.setattr(Telling, "says", "")
    monkeypatch.setattr(Telling, "requests", [], raising=False)
    return Counter("answers", 1e9, {CODE: 10}, {})


@pytest.fixture
def user(counter: Counter) -> Iterator[Trader]:
    with Trader() as made:
        made.connect(counter, timeout=0.5)
        yield made


def test_refused_cancel_says_why(user: Trader) -> None:
    told = {"success": False, "message": "委托已经是已成，没有可撤的"}
    assert user.cancel_entrust("a") == told
    assert user.cancel_entrust_async("a").result() == told


def test_partly_sent_order_says_so(user: Trader) -> None:
    Telling.says = "partly"
    row = user.buy(CODE, 9, 1)
    assert row == {"entrust_no": "a", "message": "另有 1 没有报出：前一笔被拒"}


def test_unknown_outcome_tells_what_is_known(user: Trader) -> None:
    Telling.says = "silent"
    with pytest.raises(errors.OutcomeUnknownError, match="没有应答；接口给的编号是 a"):
        user.buy(CODE, 9, 1)


def test_request_says_whether_it_has_an_id(user: Trader) -> None:
    user.buy(CODE, 9, 1)
    user.buy(CODE, 9, 1, client_order_id="x")
    assert [each.once for each in Telling.requests] == [False, True]


def test_what_nobody_can_tell_is_not_waited_for(counter: Counter) -> None:
    Telling.says = "silent"
    with Trader() as user:
        user.connect(counter, timeout=0.5)
        with pytest.raises(errors.OutcomeUnknownError):
            user.buy(CODE, 9, 1, client_order_id="x")
    with Trader() as user:
        began = time.monotonic()
        user.connect(counter, timeout=60)  # 不等到期限
        with pytest.raises(errors.OutcomeUnknownError, match="什么都没有发出"):
            user.buy(CODE, 9, 1, client_order_id="x")
        with pytest.raises(errors.QueryFailedError):
            user.find_entrust("x")
        assert time.monotonic() - began < 30
        assert len(Telling.requests) == 1
