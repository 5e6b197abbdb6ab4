"""贴进客户端的文件：3.6 装得进去、全是 ASCII、不做不许做的事；在真的 3.6 里跑一遍。"""

from __future__ import annotations

import ast
import contextlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from agent_world import Outside, TcpEnd, settings, submit

from easytrader.bigqmt import agentfile
from easytrader.sim.terminal import python36

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Rigs

PRODUCTS = {
    "agent": lambda: agentfile.render(settings()),
    "probe": agentfile.probe_text,
}
ALLOWED = {
    "agent": "hashlib json time sys collections operator datetime os socket ctypes typing",
    "probe": "typing",
}
FORBIDDEN_CALLS = {"exec", "eval", "compile", "__import__", "input", "breakpoint", "setattr"}
FORBIDDEN_NAMES = {"threading", "_thread", "subprocess", "multiprocessing", "asyncio", "select"}
FORBIDDEN_NAMES |= {"base64", "zlib", "codecs", "importlib", "pickle", "marshal", "urllib"}
FORBIDDEN_ATTRIBUTES = {"sleep", "system", "popen", "spawn", "Thread", "kill", "wait"}


@pytest.fixture(params=sorted(PRODUCTS))
def product(request: pytest.FixtureRequest) -> tuple[str, str]:
    """名字与全文。"""
    return request.param, PRODUCTS[request.param]()


def test_the_first_line_and_the_bytes(product: tuple[str, str]) -> None:
    _, text = product
    assert text.startswith("#coding:gbk\n")
    assert text.isascii()
    assert "\r" not in text
    assert "\t" not in text
    assert text.endswith("\n")
    assert "__file__" not in text.replace('"__file__"', "")


def test_the_grammar_is_that_of_3_6(product: tuple[str, str]) -> None:
    name, text = product
    assert python36.complaints(text.encode("ascii"), name) == []


def test_the_settings_of_a_path_with_chinese_stay_ascii(
    world: Rigs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # Windows 的路径在别处是一个相对的名字
    told = settings(spool="C:\\用户 数据\\é", pipe="\\\\.\\pipe\\x", caps={"codes": ["600036.SH"]})
    text = agentfile.render(told)
    assert text.isascii()
    assert python36.complaints(text.encode("ascii")) == []
    assert world.rig(told).module["SPOOL"] == told.spool


def _functions(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """(所在的类或函数的名字, 节点)，从外到里。"""

    def walk(node: ast.AST, where: str) -> Iterator[tuple[str, ast.AST]]:
        for child in ast.iter_child_nodes(node):
            name = getattr(child, "name", "") if isinstance(child, _SCOPES) else ""
            inside = f"{where}.{name}" if name else where
            yield inside, child
            yield from walk(child, inside)

    yield from walk(tree, "")


_SCOPES = (ast.FunctionDef, ast.ClassDef)


def test_only_what_is_allowed_is_imported_and_only_while_loading(
    product: tuple[str, str],
) -> None:
    name, text = product
    for where, node in _functions(ast.parse(text)):
        if isinstance(node, ast.Import):
            found = {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found = {str(node.module).split(".")[0]}
        else:
            continue
        assert where == "", f"{where} 里还在导入 {found}"
        assert found <= set(ALLOWED[name].split())


def test_the_agent_does_nothing_forbidden() -> None:
    for where, node in _functions(ast.parse(PRODUCTS["agent"]())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS, f"{where}：{node.func.id}"
            if node.func.id == "open":
                assert where.startswith((".SpoolWire", ".SpoolLink")), where
            if node.func.id == "print":
                assert where == "._say", f"{where}：热路径里不打印"
            if node.func.id == "_say":
                assert where in ("._start", ".init"), f"{where}：热路径里不打印"
        if isinstance(node, ast.Name):
            assert node.id not in FORBIDDEN_NAMES, f"{where}：{node.id}"
        if isinstance(node, ast.Attribute):
            assert node.attr not in FORBIDDEN_ATTRIBUTES, f"{where}：{node.attr}"
            kept = isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name)
            assert not (kept and node.value.id == "context"), f"{where}：记在 ContextInfo 上"


def test_the_agent_listens_on_this_machine_only() -> None:
    text = PRODUCTS["agent"]()
    binds = [
        node
        for _, node in _functions(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("bind", "connect", "connect_ex")
    ]
    assert [ast.unparse(each.args[0]) for each in binds] == ["('127.0.0.1', port)"]
    assert "0.0.0.0" not in text


def test_the_probe_orders_nothing() -> None:
    called = {
        node.func.id
        for _, node in _functions(ast.parse(PRODUCTS["probe"]()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"passorder", "cancel", "exec", "eval", "compile", "algo_passorder"}


# ---- 在 3.6 里

_HARNESS = r"""
import json, sys, time
told = json.loads(sys.stdin.readline())
calls = []
class Row(object):
    pass
def order(number):
    row = Row()
    row.m_strOrderSysID, row.m_nOrderStatus, row.m_strRemark = str(number), 50, u"\u62db"
    return row
orders = [order(n) for n in range(5000)]
class Context(object):
    request_id = "1"
    def set_account(self, account): pass
    def run_time(self, name, period, start): self.name = name
module = {"account": told["account"], "accountType": "STOCK", "__name__": "__main__",
          "passorder": lambda *args: calls.append(args[:-1]),
          "get_trade_detail_data": lambda *args: orders if args[2] == "ORDER" else []}
with open(told["file"], "rb") as file:
    exec(compile(file.read(), "<string>", "exec"), module)
context = Context()
module["init"](context)
sys.stdout.write("ready\n"); sys.stdout.flush()
longest = 0
while not (calls and calls[-1][9] == "~last~"):
    before = time.perf_counter()
    module[context.name](context)
    longest = max(longest, time.perf_counter() - before)
    time.sleep(0.002)
for _ in range(5):
    module[context.name](context)
module["stop"](context)
print(json.dumps({"calls": calls, "longest": longest, "python": list(sys.version_info[:2])}))
"""


class _Still:
    """另一个进程里的终端：这里不拨它的定时器。"""

    def __init__(self, told: agentfile.Settings) -> None:
        import time

        self.settings = told
        self.ports = told.ports
        self.clock = time.monotonic

    @property
    def now(self) -> float:
        return self.clock()

    def tick(self, count: int = 1) -> None:
        """它自己在走。"""


def test_it_runs_in_a_real_client_interpreter(tmp_path: Path) -> None:
    told = settings()
    file = tmp_path / "中转 文件.py"
    file.write_bytes(agentfile.render(told).encode("ascii"))
    found = python36.find()
    process = subprocess.Popen(
        [found.path, "-E", "-s", "-c", _HARNESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process, contextlib.ExitStack() as cleanup:
        cleanup.callback(lambda: process.poll() is None and process.kill())
        process.stdin.write(json.dumps({"file": str(file), "account": told.account}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        while line.strip() != "ready":
            assert line, "没有起来"
            line = process.stdout.readline()
        outside = Outside(_Still(told), TcpEnd(told.ports))  # type: ignore[arg-type]
        assert outside.enter()["t"] == "ok"
        assert outside.greeting["python"].startswith("3.6" if found.real else "3.")
        assert outside.ask("submit", by=1e12, **submit())["v"]["state"] == "dispatched"
        assert outside.ask("submit", by=1e12, **submit())["v"]["again"] is True
        assert outside.ask("rows", by=1e12, kind="ORDER")["v"]["count"] == 5000
        assert sum(len(part["rows"]) for part in outside.parts) == 5000
        outside.post("submit", by=1e12, **submit(tag="~last~"))
        said: dict[str, Any] = json.loads(process.stdout.readlines()[-1])
        assert process.wait(60) == 0
        outside.close()
    assert [call[9] for call in said["calls"]] == ["~000000001~", "~last~"]
    assert said["python"][0] == 3
