"""下单的时候 Ctrl-C：委托可能已经到了柜台，标记不能丢，也不能再也下不了同一个 id。"""

from __future__ import annotations

import _thread
import re
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from support import eventually

from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[Callable[[], object]], None]]:
    """等到条件成立时按一次 Ctrl-C（后台跑的测试，SIGINT 本来是忽略的）。"""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threads: list[threading.Thread] = []

    def arm(when: Callable[[], object]) -> None:
        def press() -> None:
            eventually(when)
            _thread.interrupt_main()

        threads.append(threading.Thread(target=press))
        threads[-1].start()

    yield arm
    for each in threads:
        each.join(15)
    signal.signal(signal.SIGINT, before)


def told_tag(logged: list[str]) -> str:
    (line,) = [each for each in logged if each.startswith("WARNING") and "被打断" in each]
    found = re.search(r"find_entrust\('(\w+)'\)", line)
    assert found is not None, line
    return found[1]


def test_interrupted_while_waiting_for_the_answer(
    user: Any, sim_folder: Path, logged: list[str], ctrl_c: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubts = user._ordering.once.doubts
    added: list[str] = []
    add = doubts.add
    monkeypatch.setattr(doubts, "add", lambda tag, intent: added.append(tag) or add(tag, intent))
    Faults(sim_folder).drop_answer("submit")
    ctrl_c(lambda: user._session._replies._waiting)
    with pytest.raises(KeyboardInterrupt):
        user.buy("600036", 33.0, 100, remark="打断")
    tag = told_tag(logged)
    assert added == [tag], "和别的结果未知的一样核对"
    assert user.find_entrust(tag)["order_remark"] == "打断"
    assert user.status["open_intents"] == 0
    assert len(user.today_entrusts) == 1


def test_interrupted_while_handing_it_over(
    user: Any, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = user._session
    submit = session.submit

    def interrupted(request: Any, reply: Any) -> None:
        submit(request, reply)
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        user.buy("600036", 33.0, 100)
    monkeypatch.undo()
    (row,) = user.today_entrusts
    assert any(str(row["order_id"]) in each for each in logged if "被打断" in each)


def test_the_same_id_goes_on_after_an_interrupt(user: Any, sim_folder: Path, ctrl_c: Any) -> None:
    Faults(sim_folder).drop_answer("submit")
    ctrl_c(lambda: user._session._replies._waiting)
    with pytest.raises(KeyboardInterrupt):
        user.buy("600036", 33.0, 100, client_order_id="一")
    number = user.buy("600036", 33.0, 100, client_order_id="一")["entrust_no"]
    assert [each["order_id"] for each in user.today_entrusts] == [number]


def test_interrupted_before_anything_is_sent_leaves_no_doubt(
    user: Any, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    user.guard = True
    monkeypatch.setattr(user._ordering, "_admit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        user.buy("600036", 33.0, 100)
    assert user.status["open_intents"] == 0
    assert not [each for each in logged if "被打断" in each]
