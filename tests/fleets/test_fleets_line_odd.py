"""线上的怪事：记下了之后出的岔子，不许被当成「没有发出」。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from fleets.store_worlds import SqliteWorld, claimed, leased, outcome, soon

from easytrader.errors import OutcomeUnknownError
from easytrader.fleets.line import Ids, TableLine
from easytrader.fleets.words import PLACED, REFUSED, SENDING, UNKNOWN
from easytrader.remote.line import Asked, LateError
from easytrader.wire import errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Slow:
    """``post`` 记下了，到期才回答。"""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def post(self, wish: Any, deadline: float) -> Any:
        posted = self._inner.post(wish, deadline)
        while time.monotonic() < deadline:
            self._inner.wait("没有人叫的", 0.01)
        return posted


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SqliteWorld]:
    found = SqliteWorld(tmp_path)
    yield found
    found.close()


def _line(store: Any) -> TableLine:
    return TableLine(store, "A", "一份", "", Ids(), 5.0)


def _frame(request: str, verb: str = "buy") -> dict[str, Any]:
    kwargs = {"client_order_id": "c-1", "security": "600036", "price": 1.0, "amount": 100}
    return {"verb": verb, "args": [], "kwargs": kwargs, "request": request}


def _sent(world: SqliteWorld, state: str, **told: Any) -> Any:
    """``c-1`` 发过一次，成了这样。"""
    store = world.open()
    lease = leased(store)
    _line(store).tell(_frame("q1"), Asked(), soon())
    (command,) = claimed(store, [lease])
    store.settle([lease], [outcome(command, state, **told)], [], soon())
    return store


def test_an_unknown_order_asked_again_too_late_is_not_a_wrong_argument(world: SqliteWorld) -> None:
    store = _sent(world, UNKNOWN)
    line = _line(_Slow(store))
    asked = Asked()
    deadline = soon(0.1)
    number = line.tell(_frame("q2"), asked, deadline)
    with pytest.raises(LateError) as caught:
        line.wait(number, asked, deadline)
    assert caught.value.sent


@pytest.mark.parametrize("text", ["不是 JSON", "[]", "{}", '{"result"', "3", '{"x":1}'])
def test_an_answer_nobody_can_read_is_unknown(world: SqliteWorld, text: str) -> None:
    store = _sent(world, REFUSED, answer=text)
    row = store.find("A", "c-1", soon())
    from easytrader.fleets.line import said_of

    said = said_of(row)
    assert said is not None
    assert isinstance(errors.from_wire(said["error"]), OutcomeUnknownError)
    assert said_of(row._replace(state=PLACED, order_id="7")) == {"result": {"entrust_no": 7}}


@pytest.mark.parametrize("state", [SENDING, PLACED])
def test_an_order_sent_on_its_own_is_not_done_until_it_has_a_result(
    world: SqliteWorld, state: str
) -> None:
    """异步下的先说「发出了」：再用同步的要它、核对它的，等的是结果，不是那一句。"""
    store = world.open()
    lease = leased(store)
    line = _line(store)
    line.tell(_frame("q1", "buy_async"), Asked(lambda _: None), soon())
    (command,) = claimed(store, [lease])
    store.settle([lease], [outcome(command, SENDING)._replace(seq=24)], [], soon())
    settle = {"verb": "server.settle", "args": [], "kwargs": {"request": "q1"}}
    line.start()
    if state == PLACED:
        store.settle([lease], [outcome(command)], [], soon())
        assert line.ask(_frame("q2"), soon()) == {"entrust_no": 7}
        assert line.ask(settle, soon()) == {"state": "done", "result": {"entrust_no": 7}}
    else:
        with pytest.raises(LateError):
            line.ask(_frame("q2"), soon(0.1))
        with pytest.raises(OutcomeUnknownError):
            line.ask(settle, soon(0.2))
    line.fail("完了")
    line.join(5)
