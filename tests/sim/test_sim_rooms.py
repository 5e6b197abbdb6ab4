"""模拟器的房间：文件之间、房间之间都不成圈，只为类型的导入、函数里的导入也算。"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from support import ROOT

from easytrader import sim

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = ROOT / "easytrader"
DOOR = {"__init__", "install"}


@cache
def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


@cache
def imports() -> dict[str, set[str]]:
    """模块 → 它导入的模块，写在哪里的都算。"""
    known = modules()
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                inner = {f"{node.module}.{each.name}" for each in node.names}
                found |= inner & set(known) or {node.module}
        graph[name] = (found & set(known)) - {name}
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """去掉不再导入别人的、不再被导入的，剩下的就在圈上。"""
    left = {name: set(targets) for name, targets in graph.items()}
    while True:
        used = set().union(*left.values()) if left else set()
        gone = {name for name, targets in left.items() if not targets or name not in used}
        if not gone:
            return [sorted(left)] if left else []
        left = {name: targets - gone for name, targets in left.items() if name not in gone}


def of_sim(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    prefix = "easytrader.sim"
    inside = {name for name in graph if name == prefix or name.startswith(prefix + ".")}
    return {name: graph[name] & inside for name in inside}


def room_of(name: str) -> str:
    return ".".join(name.split(".")[:3])


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_file_of_the_simulator_is_on_a_circle() -> None:
    assert circles(of_sim(imports())) == []


def test_no_room_of_the_simulator_is_on_a_circle() -> None:
    rooms: dict[str, set[str]] = {}
    for name, targets in of_sim(imports()).items():
        found = rooms.setdefault(room_of(name), set())
        found |= {room_of(each) for each in targets} - {room_of(name)}
    assert circles(rooms) == []


def test_nothing_lies_flat_beside_the_door() -> None:
    assert {path.stem for path in (PACKAGE / "sim").glob("*.py")} == DOOR


def test_every_room_says_what_is_in_it() -> None:
    for path in (PACKAGE / "sim").rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_the_door_gives_what_users_need() -> None:
    for name in sim.__all__:
        assert getattr(sim, name) is not None
