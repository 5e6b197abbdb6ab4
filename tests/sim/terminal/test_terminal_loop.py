"""内置 Python 的一生：源代码怎样跑、先后、一个主线程、收线才留得下的状态、重跑。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from terminal_stubs import LAST_BAR, StubLink, formula, manual, printed

from easytrader.sim.terminal.client.terminal import LoadError, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COOKIE = b"#coding:gbk\n"


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = manual()
    yield made
    made.stop()


def test_runs_as_string_without_a_file_in_the_local_code_page(terminal: Terminal) -> None:
    source = "#coding:gbk\nimport sys\nprint('中文', '__file__' in globals())\n1 / 0"
    with pytest.raises(LoadError) as failed:
        terminal.load(source.encode("gbk"))
    _, where, *_, last = str(failed.value).splitlines()
    assert where.strip().startswith('File "<string>", line 4')
    assert last == "ZeroDivisionError: division by zero"
    assert printed(terminal)[0] == "中文 False"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("#coding:utf-8\nx = '§'\n".encode(), "utf-8"),
        ("x = '§'\n".encode(), "utf-8"),
        ("#coding:utf-8\nx = '\U0001f600'\n".encode(), "gbk"),
        (b"#coding:gbk\nx = '\xff\xff'\n", "gbk"),
    ],
)
def test_what_the_editor_cannot_store_does_not_load(
    terminal: Terminal, source: bytes, text: str
) -> None:
    with pytest.raises(LoadError, match=f"(?s)SyntaxError.*'{text}' codec"):
        terminal.load(source)
    assert terminal.strategies == []


def test_a_byte_order_mark_is_not_the_code_page(terminal: Terminal) -> None:
    """PowerShell 存的文件前面有它；编辑器读得懂，存下来没有。"""
    terminal.load(b"\xef\xbb\xbfprint('ascii')\n")
    with pytest.raises(LoadError, match="utf-8"):
        terminal.load("\ufeffprint('中')\n".encode())
    assert printed(terminal)[0] == "ascii"


def test_trade_functions_are_module_globals_not_methods_of_the_context(terminal: Terminal) -> None:
    strategy = terminal.load(COOKIE + b"def init(C): passorder(1, 'tag', C)\n")
    assert [tag for tag, _ in terminal.calls] == ["tag"]
    assert not {"passorder", "cancel"} & set(dir(strategy.context))


def test_order_of_a_life(terminal: Terminal) -> None:
    source = """
def say(C, what): print(what, C.barpos, C.is_last_bar())
def init(C): say(C, 'init')
def after_init(C): say(C, 'after_init')
def handlebar(C): say(C, 'bar')
def stop(C): say(C, 'stop')
"""
    strategy = terminal.load(COOKIE + source.encode(), replay_bars=3)
    terminal.advance(4)
    strategy.stop()
    life = [line.split() for line in printed(terminal)]
    assert [each[0] for each in life] == ["init", "after_init", "bar", "bar", "bar", "bar", "stop"]
    replayed, live = life[2:5], life[5]
    assert [each[1:] for each in replayed] == [["0", "False"], ["1", "False"], ["2", "False"]]
    assert live[1:] == ["3", "True"]
    assert not strategy.trading
    assert terminal.desk.told[-1] == "stopped"


def test_one_thread_for_all_strategies(terminal: Terminal) -> None:
    """一个站住五秒，另一个的定时器都停；错过的合并成一次，不排队。"""
    slow = """
import time
def init(C): C.run_time('nap', '60nSecond', '2026-03-02 09:30:01')
def nap(C): time.sleep(5)
"""
    quick = """
import time, threading
def init(C): C.run_time('tick', '500nMilliSecond', '2026-03-02 09:30:00')
def tick(C): print(round(time.monotonic(), 3), threading.get_ident())
"""
    start = terminal.clock.monotonic()
    terminal.load(COOKIE + slow.encode())
    terminal.load(COOKIE + quick.encode())
    terminal.advance(7.2)
    rung = [line.split() for line in printed(terminal)]
    at = [float(when) - start for when, _ in rung]
    assert at == [0, 0.5, 6, 6.5, 7]
    assert {int(thread) for _, thread in rung} == {threading.get_ident()}


@pytest.mark.parametrize(("policy", "rings"), [("log", 3), ("stop", 1)])
def test_uncaught_exception(policy: str, rings: int) -> None:
    terminal = manual(uncaught=policy)
    source = b"""
def init(C): C.run_time('tick', '1nSecond', '2020-01-01 00:00:00')
def tick(C): raise KeyError('x')
def stop(C): print('stopped')
"""
    strategy = terminal.load(COOKIE + source)
    terminal.advance(2.5)
    said = printed(terminal)
    assert sum("KeyError: 'x'" in each for each in said) == rings
    assert (strategy.phase == "stopped") == (policy == "stop") == ("stopped" in said)
    terminal.stop()


def test_rerun_in_the_same_process_keeps_modules_and_sockets(terminal: Terminal) -> None:
    source = """
import socket, sys
kept = sys.modules.get('kept_by_me')
if kept is None:
    kept = sys.modules['kept_by_me'] = socket.socket()
    kept.bind(('127.0.0.1', 0))
    kept.listen(1)
else:
    second = socket.socket()
    try:
        second.bind(kept.getsockname())
    except OSError as error:
        print('in use', kept.fileno() >= 0)
    second.close()
def init(C): print('init')
"""
    first = terminal.load(COOKIE + source.encode())
    second = terminal.rerun(first)
    assert printed(terminal) == ["init", "in use True", "init"]
    assert (first.phase, second.phase) == ("stopped", "live")
    assert first.globals is not second.globals
    (socket,) = {each for each in terminal.sandbox.sockets if each.fileno() >= 0}
    terminal.kill()
    assert socket.fileno() == -1


@pytest.mark.parametrize("told", [{"do": "day", "day": "20260303"}, {"do": "relogin"}])
def test_day_switch_and_morning_login_start_everything_again(told: dict[str, str]) -> None:
    link = StubLink()
    terminal = manual(link=link)
    source = b"def init(C): C.run_time('tick', '1nSecond', '2020-01-01 00:00:00'); print('init')\n"
    terminal.load(COOKIE + source + b"def tick(C): print('tick')\n")
    link.push("control", told)
    terminal.advance(0.5)
    assert printed(terminal) == ["init", "init", "tick"]
    assert ("new_day" in terminal.desk.told) == (told["do"] == "day")
    terminal.stop()


def test_quotes_coming_back_start_everything_again() -> None:
    link = StubLink()
    terminal = manual(link=link)
    terminal.load(COOKIE + b"def init(C): print('init')\ndef handlebar(C): print(C.barpos)\n")
    replayed = len(printed(terminal))
    link.push("control", {"do": "quotes", "up": False})
    terminal.advance(60)
    assert len(printed(terminal)) == replayed
    link.push("control", {"do": "quotes", "up": True})
    terminal.advance(1)
    assert printed(terminal)[replayed] == "init"
    terminal.stop()


def test_hang_stops_the_clockwork_not_the_sockets(terminal: Terminal) -> None:
    source = b"""
import socket
s = socket.socket()
def init(C): C.run_time('tick', '1nSecond', '2020-01-01 00:00:00')
def tick(C): print('tick')
"""
    terminal.load(COOKIE + source)
    terminal.step()
    terminal.link.push("control", {"do": "hang", "seconds": 30})
    terminal.advance(29)
    assert printed(terminal) == ["tick"]
    assert [each.fileno() >= 0 for each in terminal.sandbox.sockets] == [True]
    terminal.advance(2)
    assert len(printed(terminal)) == 3


def test_kill_tells_nobody(terminal: Terminal) -> None:
    terminal.load(COOKIE + b"def stop(C): print('stop')\n")
    terminal.kill()
    assert printed(terminal) == []
    assert terminal.link.state == "killed"


def test_state_on_the_context_lasts_only_from_the_closing_tick(terminal: Terminal) -> None:
    source = """
def init(C): C.seen = []
def handlebar(C):
    if not C.is_last_bar():
        return
    C.seen.append(C.barpos)
    print(C.seen)
"""
    terminal.load(COOKIE + source.encode(), replay_bars=LAST_BAR)
    terminal.advance(63.5)
    said = [eval(line) for line in printed(terminal)]
    first = LAST_BAR
    assert said == [[first]] * 19 + [[first, first + 1]] * 2
    assert terminal.desk.told.count("bar_closed") == 1
    assert terminal.desk.told.count("new_tick") == len(said)


def test_log_files_as_the_client_writes_them(tmp_path: Path) -> None:
    folder = tmp_path / "大 QMT"
    terminal = manual(folder=str(folder))
    terminal.load("#coding:gbk\nprint('你好')".encode("gbk"))
    terminal.stop()
    log = folder / "userdata" / "log"
    files = {each.name: each.read_bytes().decode("gbk") for each in log.iterdir()}
    assert files == {
        "XtClient_Formula_20260302.log": "2026-03-02 09:30:00.000 [trade]start trading mode\n",
        "XtClient_FormulaOutput_20260302.log": "2026-03-02 09:30:00.000 你好\n",
    }


def test_leaving_through_sys_exit_is_only_another_exception(terminal: Terminal) -> None:
    source = b"""
import sys
def init(C): C.run_time('leave', '1nSecond', '2020-01-01 00:00:00')
def leave(C): sys.exit(3)
"""
    terminal.load(COOKIE + source)
    terminal.advance(1.5)
    assert sum("SystemExit: 3" in each for each in printed(terminal)) == 2


def test_faults_that_make_no_sense_are_only_logged(terminal: Terminal) -> None:
    terminal.load(COOKIE)
    for told in (
        {"do": "set", "fields": {"no_such": 1}},
        {"do": "set"},
        {"do": "profile", "name": "no_such"},
        {"do": "hang", "seconds": "long"},
        {"do": "what"},
        {},
    ):
        terminal.link.push("control", told)
    terminal.advance(1)
    assert sum(each.startswith("[fault]") for each in formula(terminal)) == 10


def test_nothing_loads_after_the_end(terminal: Terminal) -> None:
    terminal.stop()
    with pytest.raises(LoadError, match="已经退出"):
        terminal.load(COOKIE)
    terminal.stop()


def test_functions_besides_trading(terminal: Terminal) -> None:
    source = b"""
print(timetag_to_datetime(1772415000000, '%Y-%m-%d %H:%M:%S'))
print(timetag_to_datetime(1772415000000), datetime_to_timetag('20260302093000'))
print(timetag_to_datetime(datetime_to_timetag('20260302')))
print(download_history_data('600036.SH', '1d', '', ''))
"""
    terminal.load(COOKIE + source)
    assert printed(terminal) == [
        "2026-03-02 09:30:00",
        "20260302093000 1772415000000.0",
        "20260302",
        "None",
    ]
    terminal.manners = terminal.manners.changed(missing_globals=["download_history_data"])
    with pytest.raises(LoadError, match=r"NameError.*download_history_data"):
        terminal.load(COOKIE + source)
