"""客户端进程：标准输入给设置，标准输出说跑没跑起来；起它的人走了、柜台没了，它也走。"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import eventually

from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.gateway import wire
from easytrader.sim.host.host import Host
from easytrader.sim.terminal import client
from easytrader.sim.terminal.client import link
from easytrader.sim.terminal.python36 import find

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = "10001"
FOUND = find()
PYTHON = FOUND.path
NO_36 = pytest.mark.skipif(not FOUND.real, reason="没有 CPython 3.6")
PYTHONS = [
    pytest.param(sys.executable, id="running"),
    pytest.param(PYTHON, id="3.6", marks=NO_36),
]
STRATEGY = """#coding:gbk
import sys, os
print('中文', '%d.%d' % sys.version_info[:2], '__file__' in globals(), os.getcwd())
def init(C):
    C.set_account(account)
    C.run_time('once', '3600nSecond', '2020-01-01 00:00:00')
def once(C):
    rows = get_trade_detail_data(account, accountType, 'ACCOUNT')
    print('cash', [each.m_dAvailable for each in rows])
    open('rang', 'w').close()
def stop(C): print('stopped')
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(create(tmp_path / "大 QMT", [AccountConfig(ACCOUNT, cash=1e6)]))
    yield made
    made.close()


@contextmanager
def started(
    host: Host, python: str, source: bytes, **settings: Any
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    folder = host_folder(host)
    path = folder / "策略 一.py"
    path.write_bytes(source)
    command = [python, "-E", "-s", "-B", "-u", str(Path(client.__file__).parent)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    told = {
        "host": "127.0.0.1",
        "port": host.info.port,
        "token": host.info.token,
        "folder": str(folder),
        "strategy": str(path),
        "account": ACCOUNT,
        "replay_bars": 2,
        **settings,
    }
    process.stdin.write(json.dumps(told).encode() + b"\n")
    process.stdin.flush()
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait(30)
        process.stdin.close()
        process.stdout.close()


def printed(host: Host) -> str:
    logs = (host_folder(host) / "userdata" / "log").glob("XtClient_FormulaOutput_*.log")
    return "".join(log.read_bytes().decode("gbk") for log in logs)


def host_folder(host: Host) -> Path:
    return Path(host.folder.path)


@pytest.mark.parametrize("python", PYTHONS)
def test_runs_until_its_parent_goes(host: Host, python: str) -> None:
    with started(host, python, STRATEGY.encode("gbk")) as (process, told):
        assert told["loaded"]
        assert told["pid"] == process.pid
        eventually(lambda: (host_folder(host) / "rang").exists())
        process.stdin.close()
        assert process.wait(30) == 0
    version = ".".join(told["python"].split(".")[:2])
    lines = [line.split(" ", 2)[2] for line in printed(host).splitlines()]
    assert lines == [f"中文 {version} False {host_folder(host)}", "cash [1000000.0]", "stopped"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("#coding:utf-8\nx = '中'\n".encode(), "SyntaxError"),
        (b"def init(C): nothing_here\n", "NameError"),
    ],
)
def test_says_why_it_did_not_load(host: Host, source: bytes, why: str) -> None:
    with started(host, PYTHON, source) as (process, told):
        assert not told["loaded"]
        assert why in told["why"]
        assert process.wait(30) == 2


def test_wrong_token_says_so_without_the_token(host: Host) -> None:
    with started(host, PYTHON, b"", token="guess-me") as (process, told):
        assert not told["loaded"]
        assert "柜台不收" in told["why"]
        assert "guess-me" not in told["why"]
        assert process.wait(30) == 2


def test_leaves_when_the_counter_is_gone(host: Host) -> None:
    with started(host, PYTHON, STRATEGY.encode("gbk")) as (process, _):
        host.close()
        assert process.wait(30) == 3


def test_strategy_that_never_returns_does_not_outlive_its_parent(host: Host) -> None:
    source = b"""
def init(C): C.run_time('stay', '1nSecond', '2020-01-01 00:00:00')
def stay(C):
    import threading
    print('stuck')
    threading.Event().wait()
"""
    with started(host, PYTHON, source) as (process, _):
        eventually(lambda: "stuck" in printed(host))
        process.stdin.close()
        assert process.wait(30) == 0


def test_speaks_the_hosts_protocol_version() -> None:
    assert link.PROTOCOL_VERSION == wire.PROTOCOL_VERSION


BANNED = """#coding:gbk
def tried(what, *args):
    try:
        what(*args)
        print('ok')
    except Exception as error:
        print(type(error).__name__, error)
def ctypes(): import ctypes
def wintypes(): from ctypes import wintypes
def redis(): import redis
import socket
server = socket.socket()
print(server.getsockname()[1] if server.family == socket.AF_INET else 'family')
for each in (ctypes, wintypes, redis):
    tried(each)
tried(server.bind, ('127.0.0.1', 0))
tried(socket.create_connection, ('127.0.0.1', 1))
tried(open, 'x', 'w')
"""


@pytest.mark.parametrize("python", PYTHONS)
def test_bans_are_the_same_in_every_python(host: Host, python: str) -> None:
    with started(host, python, BANNED.encode("gbk"), manners="locked") as (_, told):
        assert told["loaded"]
    said = [line.split(" ", 2)[2] for line in printed(host).splitlines()]
    assert said == [
        "0",
        *["ImportError Forbidden: Module<ctypes> not in whitelist!"] * 2,
        "ModuleNotFoundError No module named 'redis'",
        *["PermissionError 非法IP:127.0.0.1"] * 2,
        "PermissionError Foribdden FileIO",
    ]
