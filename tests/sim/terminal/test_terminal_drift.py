"""厂商的包里有一份在外面跑策略的 Python（`xtquant.qmttools`）：名字与它对着看：只读源码。"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from easytrader.sim.terminal.client.passorder import Arguments
from easytrader.sim.terminal.client.pushes import CALLBACKS


def vendor(name: str) -> ast.Module:
    spec = importlib.util.find_spec("xtquant")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("没有装 xtquant")
    [where] = spec.submodule_search_locations
    path = Path(where) / "qmttools" / name
    if not path.is_file():
        pytest.skip("这个版本的 xtquant 没有 qmttools")
    return ast.parse(path.read_text("utf-8"))


def function(module: ast.Module, name: str) -> ast.FunctionDef:
    [found] = [
        node for node in ast.walk(module) if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    return found


def names(node: ast.FunctionDef) -> list[str]:
    return [each.arg.lower() for each in node.args.args]


def test_passorder_has_these_arguments_in_this_order() -> None:
    *ours, context = names(function(vendor("functions.py"), "passorder"))
    mine = [name.lower() for name in Arguments.__slots__]
    assert [{"modelvolume": "volume"}.get(name, name) for name in mine] == ours
    assert context == "c"


def test_details_are_asked_for_like_this() -> None:
    found = function(vendor("functions.py"), "get_trade_detail_data")
    assert names(found) == ["accountid", "accounttype", "datatype", "strategyname"]
    assert [ast.literal_eval(each) for each in found.args.defaults] == [""]


def test_callbacks_have_these_names() -> None:
    told = function(vendor("contextinfo.py"), "trade_callback")
    called = {
        node.func.attr
        for node in ast.walk(told)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert {each for each in called if each.endswith("_callback")} == {
        *CALLBACKS.values(),
        "orderError_callback",
    }
