"""交易回调的线程、解释器锁、从别的线程叫客户端。"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from support import eventually
from terminal_stubs import StubDesk, StubLink, formula, manual, printed

from easytrader.sim.terminal.client.link import Killed
from easytrader.sim.terminal.client.manners import MANNERS
from easytrader.sim.terminal.client.terminal import LoadError, Terminal
from easytrader.sim.terminal.client.threads import NativeThread
from easytrader.sim.terminal.client.timers import ManualClock, RealClock

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = "#coding:gbk\ndef init(C): C.set_account('1')\n"
RARE = "colorsys"
"""平常没有谁导入的标准库模块。"""
LOST = "[callback]order_callback SystemError: error return without exception set"


@contextmanager
def running(profile: str = "instant", **fields: object) -> Iterator[Terminal]:
    """真实的钟，自己的线程上跑着的客户端。"""
    terminal = Terminal(StubLink(), MANNERS[profile].changed(**fields), StubDesk)
    main = threading.Thread(target=terminal.run, name="easytrader-test-main")
    main.start()
    try:
        yield terminal
    finally:
        terminal.stop()
        main.join(30)
        assert not main.is_alive()


def test_trade_callbacks_come_on_another_thread_in_order() -> None:
    terminal = manual()
    source = "import threading\ndef order_callback(C, o): print(o, threading.get_ident())\n"
    terminal.load((ACCOUNT + source).encode(), account="1")
    for number in range(20):
        terminal.link.push("order", number)
    terminal.step()
    said = [each.split() for each in printed(terminal)]
    assert [int(number) for number, _ in said] == list(range(20))
    (thread,) = {int(thread) for _, thread in said}
    assert thread != threading.get_ident()
    terminal.stop()


def test_import_of_an_unloaded_module_in_a_trade_callback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, RARE, raising=False)
    terminal = manual()
    source = f"""
def order_callback(C, order):
    import json
    print('loaded is fine')
    import {RARE}
    print('never here')
def deal_callback(C, deal): print('the thread lives')
"""
    terminal.load((ACCOUNT + source).encode(), account="1")
    terminal.link.push("order", 1)
    terminal.link.push("deal", 1)
    terminal.step()
    assert printed(terminal) == ["loaded is fine", "the thread lives"]
    assert formula(terminal)[-1] == LOST
    terminal.manners = terminal.manners.changed(callback_imports=True)
    terminal.link.push("order", 1)
    terminal.step()
    assert printed(terminal)[-1] == "never here"
    terminal.stop()


@pytest.mark.parametrize("policy", ["log", "stop"])
def test_exception_in_a_trade_callback_has_no_stack(policy: str) -> None:
    terminal = manual(uncaught=policy)
    source = "def order_callback(C, order): raise KeyError('secret reason')\n"
    strategy = terminal.load((ACCOUNT + source).encode(), account="1")
    terminal.link.push("order", 1)
    terminal.step()
    terminal.step()
    assert LOST in formula(terminal)
    assert not any("secret reason" in text for _, text in terminal.log.lines)
    assert (strategy.phase == "stopped") == (policy == "stop")
    terminal.stop()


def test_main_thread_is_told_apart() -> None:
    """别的线程查交易为空靠的是这个；行情在别的线程照样有。"""
    terminal = manual(link=StubLink(full_tick={"600000.SH": {"lastPrice": 9.5}}))
    source = """
import threading
def look(who): print(who, on_main(), C_.get_full_tick(['600000.SH'])['600000.SH']['lastPrice'])
def init(C):
    global C_
    C_ = C
    C.set_account('1')
    look('main')
    worker = threading.Thread(target=look, args=('worker',))
    worker.start()
    worker.join()
def order_callback(C, order): look('callback')
"""
    terminal.desk.globals_for = lambda _strategy: {"on_main": terminal.on_main}
    terminal.load(source.encode(), account="1")
    terminal.link.push("order", 1)
    terminal.step()
    terminal.stop()
    assert printed(terminal) == ["main True 9.5", "worker False 9.5", "callback False 9.5"]


WORKER = """#coding:gbk
import threading
done, ticks, steps = threading.Event(), [], []
def work():
    while not done.wait(0.0005):
        steps.append(1)
def init(C):
    C.run_time('tick', '50nMilliSecond', '2020-01-01 00:00:00')
    threading.Thread(target=work, name='easytrader-test-worker', daemon=True).start()
def tick(C):
    ticks.append(len(steps))
    if len(ticks) == 12:
        done.set()
"""


def steps_per_tick(gil: str) -> float:
    with running(gil=gil) as terminal:
        strategy = terminal.load(WORKER.encode())
        eventually(strategy.globals["done"].is_set)
        ticks = strategy.globals["ticks"]
    return (ticks[-1] - ticks[1]) / (len(ticks) - 2)


def test_worker_thread_moves_once_per_tick_while_the_main_thread_holds_the_lock() -> None:
    assert 0 < steps_per_tick("held") < steps_per_tick("free") / 3


def test_commands_from_other_threads_run_on_the_main_thread() -> None:
    with running() as terminal:
        source = b"import threading\ndef init(C): print(threading.get_ident())\n"
        strategy = terminal.load(source)
        again = terminal.rerun(strategy, source + b"print('edited')\n")
        first, edited, second = printed(terminal)
        assert first == second != str(threading.get_ident())
        assert edited == "edited"
        assert (strategy.phase, again.phase) == ("stopped", "live")
        with pytest.raises(LoadError, match="ZeroDivisionError"):
            terminal.load(b"1 / 0")


def test_killed_strategy_code_breaks_at_its_next_call() -> None:
    """杀在下单之前：断在那里，谁也没有通知，后面的一句也没有走到。"""
    with running() as terminal:

        def die(where: str) -> None:
            if where == "before":
                terminal.kill()

        terminal.set_probe(die)
        source = b"""
def init(C): C.run_time('once', '60nSecond', '2020-01-01 00:00:00')
def once(C):
    print('in')
    try:
        probe('before')
    except Exception:
        print('swallowed')
    print('out')
def stop(C): print('stop')
"""
        terminal.desk.globals_for = lambda _strategy: {"probe": terminal.probe}
        terminal.load(source)
        eventually(lambda: terminal.link.state == "killed")
    assert printed(terminal) == ["in"]


def test_hang_inside_a_call_ends_with_a_kill() -> None:
    with running() as terminal:
        terminal.set_probe(lambda _where: terminal.hang(3600))
        source = b"""
def init(C): C.run_time('once', '60nSecond', '2020-01-01 00:00:00')
def once(C):
    print('in')
    probe('inside')
    print('out')
"""
        terminal.desk.globals_for = lambda _strategy: {"probe": terminal.probe}
        terminal.load(source)
        eventually(lambda: printed(terminal) == ["in"])
        terminal.kill()
    assert printed(terminal) == ["in"]


def test_native_thread_survives_what_it_runs() -> None:
    clock, complaints, done = ManualClock(), [], []

    def killed() -> None:
        raise Killed

    native = NativeThread(clock, complaints.append)
    native.at(clock.monotonic(), killed)
    native.at(clock.monotonic(), lambda: 1 // 0)
    native.at(clock.monotonic() + 5, done.append, "later")
    native.at(clock.monotonic(), done.append, "now")
    native.pump()
    assert done == ["now"]
    assert [type(each) for each in complaints] == [ZeroDivisionError]
    assert native.next_due() == clock.monotonic() + 5
    native.stop()


def test_native_thread_on_the_real_clock_needs_nobody() -> None:
    done: list[str] = []
    native = NativeThread(RealClock(), lambda _error: None)
    now = RealClock().monotonic()
    native.at(now + 0.02, done.append, "second")
    native.at(now, done.append, "first")
    eventually(lambda: done == ["first", "second"])
    native.stop()
