"""与厂商的 Python 那一半（`xtquant.qmttools`）核对：方法、参数、回调的名字。

厂商的文件只当文字读，不导入；没有装厂商包就不测。
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
from pathlib import Path
from typing import Any

import pytest

from easytrader.sim.terminal.client.bars import MARKET
from easytrader.sim.terminal.client.context import ContextInfo
from easytrader.sim.terminal.client.passorder import Arguments
from easytrader.sim.terminal.client.pushes import CALLBACKS

SPEC = importlib.util.find_spec("xtquant")
pytestmark = pytest.mark.skipif(SPEC is None, reason="没有厂商包")

_NOT_OURS = (
    "passorder trade_callback register_callback get_callback_cache set_auto_trade_callback "
    "__init__ init after_init handlebar stop on_backtest_finished"
)
NOT_OURS = frozenset(_NOT_OURS.split())
"""交易的方法在真的客户端里是全局函数；其余是厂商自己的框架。"""


def functions(file: str, inside: str = "") -> dict[str, list[str]]:
    """厂商的一个文件里的函数（``inside``：一个类的方法）→ 参数的名字。"""
    assert SPEC is not None
    assert SPEC.origin is not None
    text = (Path(SPEC.origin).parent / "qmttools" / file).read_text("utf-8")
    body = ast.parse(text).body
    if inside:
        (found,) = [each for each in body if isinstance(each, ast.ClassDef) and each.name == inside]
        body = found.body
    return {
        each.name: [argument.arg for argument in each.args.args]
        for each in body
        if isinstance(each, ast.FunctionDef)
    }


def names(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_methods_of_the_context_take_the_vendors_arguments() -> None:
    vendor = functions("contextinfo.py", "ContextInfo")
    shared = [each for each in vendor if callable(getattr(ContextInfo, each, None))]
    shared = [each for each in shared if each not in NOT_OURS]
    assert len(shared) >= 12
    for each in shared:
        wanted, ours = vendor[each][1:], names(getattr(ContextInfo, each))[1:]
        assert ours[: len(wanted)] == wanted, each


def test_passorder_takes_the_vendors_arguments_in_the_vendors_order() -> None:
    *vendor, context = functions("functions.py")["passorder"]
    assert context == "C"

    def plain(name: str) -> str:
        return name.lower().replace("model", "")

    ours = [plain(each) for each in Arguments.__slots__]
    assert ours == [plain(each) for each in vendor]


def test_callbacks_are_the_vendors() -> None:
    vendor = {
        each
        for each in functions("contextinfo.py", "ContextInfo")
        if each.endswith("_callback") and each not in NOT_OURS
    }
    assert vendor == {*CALLBACKS.values(), "orderError_callback"}


def test_functions_besides_trading_take_the_vendors_arguments() -> None:
    vendor = functions("functions.py")
    shared = [each for each in MARKET if each in vendor]
    assert len(shared) == 3
    for each in shared:
        assert names(MARKET[each]) == vendor[each], each
