"""起一个完整版客户端：找 3.6，查 3.6 认不认，自己开主机或接上去，谁没了都不留孤儿。"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from support import ACCOUNT, ROOT, eventually

from easytrader.errors import SimulatorError, UsageError
from easytrader.sim.host.lease import service_of
from easytrader.sim.ledger.events import OrdersQuery
from easytrader.sim.terminal import python36
from easytrader.sim.terminal.launch import TerminalProcess
from easytrader.sim.terminal.python36 import VARIABLE, Interpreter, complaints, find
from easytrader.sim.terminal.serve import Served, serve_terminal, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.sim.config.folder import SimFolder
    from easytrader.sim.host.host import Host

STRATEGY = """#coding:gbk
# 中文
def init(C):
    C.set_account(account)
    passorder(23, 1101, account, '600036.SH', 11, 30.0, 100, 's', 2, '~in~', C)

def stop(C):
    print('bye')
"""
RUNNING = Interpreter(sys.executable, ".".join(map(str, sys.version_info[:3])))


@pytest.fixture
def strategy(tmp_path: Path) -> Path:
    path = tmp_path / "策略 一.py"
    path.write_text(STRATEGY, encoding="gbk")
    return path


@pytest.fixture(params=["3.6", "代替的"])
def interpreter(request: pytest.FixtureRequest) -> Interpreter:
    """真的 3.6（没有就跳过），与正在跑的。"""
    if request.param == "代替的":
        return RUNNING
    found = find()
    if not found.real:
        pytest.skip("这台机器上没有 CPython 3.6")
    return found


# 找 ---------------------------------------------------------------------


def test_a_named_python_with_odd_letters_in_its_path_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "带 空格 的"
    folder.mkdir()
    link = folder / Path(sys.executable).name
    try:
        link.symlink_to(sys.executable)
    except OSError:
        pytest.skip("不许建链接")
    monkeypatch.setenv(VARIABLE, str(link))
    found = find()
    assert found.version == RUNNING.version
    assert not found.real
    assert "代替 3.6" in found.describe()


def test_none_means_do_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "none")
    assert find() == RUNNING


def test_a_python_of_pyenv_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    name = "python.exe" if sys.platform == "win32" else "bin/python3.6"
    place = tmp_path / "versions" / "3.6.8" / name
    place.parent.mkdir(parents=True)
    place.touch()
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert next(python36._candidates()) == [str(place)]


@pytest.mark.parametrize("named", ["没有这个文件", __file__])
def test_a_named_python_that_does_not_run_is_told(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="--python"):
        find(named)
    monkeypatch.setenv(VARIABLE, named)
    with pytest.raises(UsageError, match=VARIABLE):
        find()


# 3.6 认不认 ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("if (n := 3): pass", "第 2 行"),
        ("def f(a, /): pass", "第 2 行"),
        ("from __future__ import annotations", "__future__.annotations"),
        ("import dataclasses", "模块 dataclasses"),
        ("from contextvars import ContextVar", "模块 contextvars"),
        ("import asyncio\nasyncio.run(f())", "第 3 行：3.6 没有 asyncio.run"),
        ("from functools import cached_property", "functools.cached_property"),
        ("import time\ntime.time_ns()", "time.time_ns"),
        ("def f(x: list[int]): pass", "list[…]"),
        ("def f(x: int | None): pass", "X | Y"),
        ("'ab'.removeprefix('a')", "removeprefix"),
        ("import subprocess\nsubprocess.run([], capture_output=True)", "capture_output"),
    ],
)
def test_what_3_6_lacks_is_named_with_its_line(source: str, told: str) -> None:
    [found] = complaints(f"#coding:gbk\n{source}\n".encode())
    assert told in found


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import dataclasses\nexcept ImportError:\n    dataclasses = None",
        "x: 'list[int]' = []",
        "def f(x: 'int | None' = None) -> 'dict[str, int]': return {}",
        "f'{1}'; print('中文')",
    ],
)
def test_what_3_6_knows_is_left_alone(source: str) -> None:
    assert complaints(f"#coding:gbk\n{source}\n".encode("gbk")) == []


def test_bytes_that_do_not_fit_the_cookie_are_told() -> None:
    assert complaints("#coding:utf-8\nx = '中'\n".encode("gbk"))


# 一个进程 -----------------------------------------------------------------


@contextlib.contextmanager
def process(
    host: Host, interpreter: Interpreter, strategy: Path, **changes: Any
) -> Iterator[TerminalProcess]:
    settings = settings_for(host.folder, str(strategy), manners="instant")._replace(**changes)
    made = TerminalProcess(interpreter, host.info, settings)
    try:
        yield made
    finally:
        made.stop()


def remarks(host: Host) -> list[str]:
    """柜台上有的委托。"""
    found = host.call(lambda: host._live.desk.engine.orders(OrdersQuery(2, ACCOUNT)))
    return [each.order_remark for each in found.answer]


def test_a_strategy_trades_and_is_told_to_stop(
    terminal_host: Host, interpreter: Interpreter, strategy: Path
) -> None:
    with process(terminal_host, interpreter, strategy) as client:
        assert client.loaded["python"] == interpreter.version
        eventually(lambda: remarks(terminal_host) == ["~in~"])
        shown = psutil.Process(client.pid)
        assert terminal_host.info.token not in " ".join(shown.cmdline())
        client.stop()
        assert client.exit_code == 0
    output = list(terminal_host.folder.path.glob("userdata/log/XtClient_FormulaOutput_*.log"))
    assert "bye" in output[0].read_text(encoding="gbk")
    eventually(lambda: not terminal_host.control("status")["terminals"])


def test_a_broken_strategy_says_why(
    terminal_host: Host, interpreter: Interpreter, tmp_path: Path
) -> None:
    broken = tmp_path / "坏.py"
    broken.write_text("#coding:gbk\nimport no_such_module\n", encoding="gbk")
    with (
        pytest.raises(SimulatorError, match=r"(?s)没有装进去.*no_such_module"),
        process(terminal_host, interpreter, broken),
    ):
        pass


def test_what_only_new_pythons_know_is_refused_without_a_3_6_too(
    terminal_host: Host, tmp_path: Path
) -> None:
    modern = tmp_path / "新.py"
    modern.write_text("#coding:gbk\nimport dataclasses\n", encoding="gbk")
    with (
        pytest.raises(SimulatorError, match=r"第 2 行：3\.6 没有 模块 dataclasses"),
        process(terminal_host, RUNNING, modern),
    ):
        pass


def test_the_host_goes_and_the_client_goes(
    terminal_host: Host, interpreter: Interpreter, strategy: Path
) -> None:
    with process(terminal_host, interpreter, strategy) as client:
        terminal_host.close()
        assert client.wait(30)
        assert client.exit_code == 3


def test_an_interpreter_that_is_no_python_is_told(
    terminal_host: Host, strategy: Path, tmp_path: Path
) -> None:
    nothing = Interpreter(str(tmp_path / "没有"), "3.6.8")
    with (
        pytest.raises(SimulatorError, match="起不来"),
        process(terminal_host, nothing, strategy),
    ):
        pass


# 前台服务 -----------------------------------------------------------------


class Serving:
    """在一个线程上 `serve_terminal`。"""

    def __init__(self, folder: SimFolder, strategy: Path) -> None:
        self.stop: SimpleQueue[int] = SimpleQueue()
        self.served: list[Served] = []
        self.error: BaseException | None = None
        settings = settings_for(folder, str(strategy), manners="instant")

        def run() -> None:
            try:
                serve_terminal(folder, settings, self.served.append, signals=self._signals)
            except SimulatorError as error:
                self.error = error

        self.thread = threading.Thread(target=run, name="serving", daemon=True)
        self.thread.start()
        eventually(lambda: self.served or self.error)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[SimpleQueue[int]]:
        yield self.stop

    def join(self) -> None:
        self.thread.join(30)
        assert not self.thread.is_alive()


def test_without_a_host_it_opens_one(terminal_folder: SimFolder, strategy: Path) -> None:
    serving = Serving(terminal_folder, strategy)
    assert not serving.served[0].joined
    assert service_of(terminal_folder.path) == serving.served[0].service
    serving.stop.put(2)
    serving.join()
    assert serving.error is None
    assert service_of(terminal_folder.path) is None


def test_with_a_host_it_joins_and_leaves_it_alone(terminal_host: Host, strategy: Path) -> None:
    serving = Serving(terminal_host.folder, strategy)
    assert serving.served[0].joined
    serving.stop.put(2)
    serving.join()
    assert not terminal_host.closed


def test_a_client_that_dies_ends_the_service(terminal_folder: SimFolder, strategy: Path) -> None:
    serving = Serving(terminal_folder, strategy)
    psutil.Process(serving.served[0].process.pid).kill()
    serving.join()
    assert isinstance(serving.error, SimulatorError)
    assert service_of(terminal_folder.path) is None


def test_no_orphan_is_left_when_the_launcher_is_killed(
    terminal_folder: SimFolder, strategy: Path
) -> None:
    command = [sys.executable, "-m", "easytrader", "sim", "serve", str(terminal_folder.path)]
    more = ["--terminal", "big", "--strategy", str(strategy), "--manners", "instant"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen([*command, *more], stdout=subprocess.PIPE, env=environment) as launcher:
        assert launcher.stdout is not None
        line = launcher.stdout.readline().decode()
        assert line.startswith("策略已加载：策略 一.py"), line
        client = psutil.Process(int(line.split("进程 ")[1].split()[0]))
        launcher.kill()
        client.wait(30)


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"strategy": "没有.py"}, "--strategy"),
        ({"manners": "unknown"}, "--manners"),
        ({"mode": "paper"}, "--mode"),
        ({"account": "99999"}, "--account"),
    ],
)
def test_bad_settings_are_named_before_anything_starts(
    terminal_folder: SimFolder, strategy: Path, changes: dict[str, Any], argument: str
) -> None:
    given = {"strategy": str(strategy), **changes}
    with pytest.raises(UsageError, match=argument):
        settings_for(terminal_folder, given.pop("strategy"), **given)
