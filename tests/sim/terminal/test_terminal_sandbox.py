"""禁令的几种：导入、文件、回环、ctypes；与同一个进程里的别的客户端互不相干。"""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest
from terminal_stubs import manual, printed

from easytrader.sim.terminal.client.terminal import LoadError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """#coding:gbk
kept = []
def tried(what, *args):
    try:
        kept.append(what(*args))
        print('ok', type(kept[-1]).__name__)
    except Exception as error:
        print(type(error).__name__, error)
"""
FILES = "PermissionError Foribdden FileIO"
ILLEGAL = "PermissionError 非法IP:127.0.0.1"


def outcome(profile: str, source: str, **fields: object) -> list[str]:
    terminal = manual(profile, **fields)
    try:
        terminal.load((HEAD + source).encode("gbk"))
        return printed(terminal)
    finally:
        terminal.kill()


def forbidden(module: str) -> str:
    return f"ImportError Forbidden: Module<{module}> not in whitelist!"


def test_open_profile_refuses_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "中文 文件.txt")
    source = f"""
import socket, ctypes, ctypes.wintypes, os, tempfile
def listen():
    server = socket.socket()
    server.bind(('127.0.0.1', 0))
    server.listen(1)
    client = socket.create_connection(server.getsockname())
    kept.extend((server, client))
    return server.accept()[0]
tried(listen)
def write():
    with open({path!r}, 'w') as file:
        return file
tried(write)
tried(os.listdir, '.')
print(hasattr(ctypes.wintypes, 'HANDLE'), tempfile.gettempdir() != '')
"""
    assert outcome("open", source) == ["ok socket", "ok TextIOWrapper", "ok list", "True True"]


@pytest.mark.parametrize("module", ["redis", "subprocess", "urllib.request", "my_own_module"])
def test_import_whitelist(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_module.py").write_text("x = 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    source = f"""
import json, socket, hmac
def direct(): import {module}
def by_name(): __import__({module!r})
def by_importlib():
    import importlib
    importlib.import_module({module!r})
tried(direct)
tried(by_name)
"""
    top = module.partition(".")[0]
    assert outcome("whitelist", source) == [forbidden(top)] * 2
    allowed = "importlib json socket hmac"
    said = outcome("open", source + "tried(by_importlib)", imports=tuple(allowed.split()))
    assert said == [forbidden(top)] * 3


def test_import_refused_at_the_top_fails_the_load_with_the_clients_text() -> None:
    terminal = manual("whitelist")
    with pytest.raises(LoadError, match="Forbidden: Module<redis> not in whitelist!"):
        terminal.load(b"import redis\n")
    terminal.stop()


@pytest.mark.parametrize(
    "what",
    [
        "open, 'x.txt', 'w'",
        "open, 'x.txt'",
        "io.open, 'x.txt', 'w'",
        "os.open, 'x.txt', 0",
        "os.mkdir, 'x'",
        "os.rename, 'x', 'y'",
        "os.listdir, '.'",
        "pathlib.Path, 'x'",
        "tempfile.mkstemp",
        "shutil.rmtree, 'x'",
        "lambda: __import__('my_own_module')",
    ],
)
@pytest.mark.parametrize("profile", ["nofile", "locked"])
def test_no_file_io(
    profile: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_own_module.py").write_text("x = 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    source = f"import io, os, pathlib, tempfile, shutil\ntried({what})\n"
    assert outcome(profile, source) == [FILES]
    assert [each.name for each in tmp_path.iterdir()] == ["my_own_module.py"]


@pytest.mark.parametrize(
    ("loopback", "bind", "connect"),
    [
        ("open", "ok NoneType", "ok NoneType"),
        ("bind", ILLEGAL, "ok NoneType"),
        ("connect", "ok NoneType", ILLEGAL),
        ("none", ILLEGAL, ILLEGAL),
    ],
)
def test_loopback(loopback: str, bind: str, connect: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = f"""
import socket
PORT = {server.getsockname()[1]}
server, client, other = socket.socket(), socket.socket(), socket.socket()
tried(server.bind, ('127.0.0.1', 0))
tried(client.connect, ('127.0.0.1', PORT))
tried(socket.create_connection, ('127.0.0.1', PORT))
tried(other.connect_ex, ('127.0.0.1', PORT))
"""
        said = outcome("open", source, loopback=loopback)
    asked = ILLEGAL if connect == ILLEGAL else "ok"
    assert said[:2] == [bind, connect]
    assert [each.startswith(asked) for each in said[2:]] == [True, True]


def test_local_names_are_loopback_too() -> None:
    source = """
import socket
s = socket.socket()
for host in ('localhost', '127.1.2.3', '', '0.0.0.0', '::1'):
    tried(s.bind, (host, 0))
"""
    said = outcome("noloopback", source)
    assert [each.split(" ")[0] for each in said] == ["PermissionError"] * 5
    assert said[0].endswith("非法IP:localhost")


def test_patched_wintypes() -> None:
    source = """
import ctypes
import ctypes.wintypes
from ctypes import wintypes
import ctypes.wintypes as renamed
for each in (ctypes.wintypes, wintypes, renamed):
    print(hasattr(each, 'HANDLE'), hasattr(each, 'BOOL'), hasattr(each, 'DWORD'))
print(ctypes.sizeof(ctypes.c_int))
"""
    assert outcome("open", source, ctypes="patched") == ["False False True"] * 3 + ["4"]
    assert outcome("open", source) == ["True True True"] * 3 + ["4"]


def test_locked_leaves_no_wire() -> None:
    source = """
def ctypes(): import ctypes
def wintypes(): from ctypes import wintypes
import socket
s = socket.socket()
tried(ctypes)
tried(wintypes)
tried(s.bind, ('127.0.0.1', 0))
tried(s.connect, ('127.0.0.1', 1))
tried(open, 'x', 'w')
"""
    assert outcome("locked", source) == [forbidden("ctypes")] * 2 + [ILLEGAL] * 2 + [FILES]


def test_ban_can_appear_overnight() -> None:
    terminal = manual("open")
    source = """
import socket
server = socket.socket()
def init(C): C.run_time('ring', '1nSecond', '2020-01-01 00:00:00')
def ring(C):
    tried(open, 'x')
    tried(server.bind, ('127.0.0.1', -1))
"""
    terminal.load((HEAD + source).encode("gbk"))
    terminal.step()
    terminal.link.push("control", {"do": "profile", "name": "locked"})
    terminal.advance(1)
    before, bound, *after = printed(terminal)
    assert before.startswith("FileNotFoundError")
    assert bound.startswith("OverflowError")
    assert after[:2] == [FILES, ILLEGAL]
    terminal.kill()


def test_two_clients_in_one_process_share_nothing() -> None:
    source = b"""
import sys
print('mine' in sys.modules, sys.modules.get('mine'), 'json' in sys.modules)
sys.modules['mine'] = name
import mine
print(mine, sys.modules['mine'])
sys.stdout.write('half ')
sys.stdout.write('line\\n')
"""
    one, two = manual(), manual()
    for terminal, name in ((one, "one"), (two, "two"), (one, "again")):
        terminal.desk.globals_for = lambda _strategy, name=name: {"name": name}
        terminal.load(source)
    assert "mine" not in sys.modules
    assert printed(one)[:3] == ["False None True", "one one", "half line"]
    assert printed(two) == ["False None True", "two two", "half line"]
    assert printed(one)[3:5] == ["True one True", "again again"]
    one.stop()
    two.stop()


def test_what_the_process_prints_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    source = """
import sys
print('a', 'b', sep='-')
print('c', end='!')
print('to', file=sys.stderr)
"""
    assert outcome("open", source) == ["a-b", "c!", "to"]
    assert capsys.readouterr().out == ""
