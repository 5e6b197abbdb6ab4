"""还不知道的那一条，为它另问的没有人答：到期就都不等了；记下之后出的岔子不说成没有发出。"""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from support import eventually

from easytrader.errors import UsageError
from easytrader.fleets import words
from easytrader.fleets.line import Ids, TableLine, _Wanted
from easytrader.fleets.words import Command, Posted, Question, StoreDownError, Wish
from easytrader.remote.line import Asked, LateError

ROW = Command("A", "c", "r" * 32, "buy", "order", "{}", "d", 7, state=words.UNKNOWN)


class Deaf:
    """记着一条结果未知的；没有代理，问什么都没有人答。"""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self._over = threading.Event()

    def post(self, wish: Wish, deadline: float) -> Posted:
        return Posted(ROW, False, "")

    def ask(self, question: Question, deadline: float) -> tuple[int, str]:
        if question.left_s <= 0:
            raise AssertionError("存储不收")
        self.asked.append(question)
        return len(self.asked), ""

    def outcomes(self, numbers: Any, deadline: float) -> list[Command]:
        return [ROW]

    def replies(self, numbers: Any, deadline: float) -> dict[int, str]:
        raise StoreDownError

    def wait(self, topic: str, timeout_s: float) -> bool:
        return self._over.wait(min(timeout_s, 0.01))

    def hint(self, topics: Any) -> None:
        """没有人听。"""


def frame() -> dict[str, Any]:
    kwargs = {"client_order_id": "c"}
    return {"verb": "buy", "args": ["600036", 1.0, 100], "kwargs": kwargs, "request": "q" * 32}


def test_a_question_nobody_answers_is_forgotten_with_its_order() -> None:
    store = Deaf()
    line = TableLine(store, "A", "i", "", Ids(), 5.0)  # type: ignore[arg-type]
    line.start()
    try:
        with pytest.raises(LateError):
            line.ask(frame(), time.monotonic() + 0.2)
        assert [each.verb for each in store.asked] == ["server.settle"]
        line.retire()
        eventually(lambda: line.lost)
    finally:
        line.fail("完了")
        line.join(5)


def test_what_goes_wrong_after_it_was_recorded_is_not_a_wrong_argument() -> None:
    """记下之后自己看的那一眼，权限刚好没有了：说成参数不对，就是说什么都没有发出。"""
    store = Deaf()
    line = TableLine(store, "A", "i", "", Ids(), 5.0)  # type: ignore[arg-type]

    def refused(numbers: Any, deadline: float) -> list[Command]:
        raise UsageError("dsn", "", "没有权限了")

    store.outcomes = refused  # type: ignore[method-assign]
    asked = Asked()
    line._glances = 1
    line._register(1, _Wanted(asked, 7, fresh=True, is_question=False), 0)
    assert not asked.is_done


@pytest.mark.parametrize(
    ("verb", "args", "kwargs"),
    [
        ("bank.transfer_in", ["01", "6222", 5.0], {"bank_pwd": "123456"}),
        ("bank.transfer_out", ["01", "6222", 5.0], {"fund_pwd": "123456"}),
        ("bank.transfer_in_async", ["01", "6222", 5.0], {"bank_pwd": "123456"}),
        ("bank.amount", ["01", "6222", "123456"], {}),
    ],
)
def test_a_password_never_reaches_the_store(
    verb: str, args: list[Any], kwargs: dict[str, Any]
) -> None:
    """存储里的一直留着，看得见这个账号的登录名、备份都看得见。"""
    store = Deaf()
    store.post = None  # type: ignore[assignment, method-assign]
    line = TableLine(store, "A", "i", "", Ids(), 5.0)  # type: ignore[arg-type]
    told = {"verb": verb, "args": args, "kwargs": kwargs, "request": "q" * 32}
    with pytest.raises(UsageError, match="密码不经过") as caught:
        line.tell(told, Asked(), time.monotonic() + 5)
    assert "123456" not in str(caught.value)
    assert store.asked == []
