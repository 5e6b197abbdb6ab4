"""手册对照表：厂商的每个方法、每个回调都在，写的名字、测试都真有，文档页与表一致。"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from coverage_page import manual_text, mentioned, render
from coverage_table import CALLBACKS, METHODS, OLD_MANUAL, ORDER_TYPES, Row

from easytrader import codes
from easytrader.miniqmt import DefaultXtQuantTraderCallback, MiniqmtTrader
from easytrader.miniqmt.groups import every_group
from easytrader.miniqmt.vendor.versions import SINCE
from easytrader.push.table import TABLE

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "zh" / "reference" / "manual.md"
ADD = "在 tests/miniqmt/coverage_table.py 里添上它，想好交易口里叫什么、由哪个测试跑"

METHOD_ROWS = tuple(row for rows in METHODS.values() for row in rows)
GROUPS = {"": MiniqmtTrader, **{each.__name__.lower(): each for each in every_group()}}
ROWS = (*METHOD_ROWS, *CALLBACKS, *ORDER_TYPES)
NOT_API = {"MyXtQuantTraderCallback", "XtQuantTraderCallback"}


@cache
def vendor_class(name: str) -> frozenset[str]:
    """厂商类的公开方法；读源文件而不导入。"""
    spec = importlib.util.find_spec("xtquant")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(next(iter(spec.submodule_search_locations)))
    tree = ast.parse((folder / "xttrader.py").read_text(encoding="utf-8"))
    (found,) = [each for each in tree.body if getattr(each, "name", "") == name]
    assert isinstance(found, ast.ClassDef)
    functions = [each for each in found.body if isinstance(each, ast.FunctionDef)]
    return frozenset(each.name for each in functions if not each.name.startswith("_"))


def missing(names: frozenset[str] | set[str], rows: tuple[Row, ...]) -> list[str]:
    return sorted(names - {row.vendor for row in rows})


def test_every_method_of_the_installed_vendor_is_here() -> None:
    assert missing(vendor_class("XtQuantTrader"), METHOD_ROWS) == [], ADD


def test_every_callback_of_the_installed_vendor_is_here() -> None:
    assert missing(vendor_class("XtQuantTraderCallback"), CALLBACKS) == [], ADD


def test_a_new_vendor_method_is_told_by_name() -> None:
    grown = vendor_class("XtQuantTrader") | {"query_something_new"}
    assert missing(grown, METHOD_ROWS) == ["query_something_new"]


def test_everything_in_the_manuals_is_here() -> None:
    api = manual_text().split("## XtQuant API说明")[1]
    called = set(re.findall(r"^(?:\w+\.)?(\w+)\((?:\w|\)|$)", api, re.MULTILINE))
    called |= set(re.findall(r"def (on_\w+)\(", manual_text()))
    assert len(called) > 60
    own = {"print"} | NOT_API
    assert missing(called - own, (*METHOD_ROWS, *CALLBACKS)) == [], ADD
    assert missing(set(OLD_MANUAL), (*METHOD_ROWS, *CALLBACKS)) == []


def test_nothing_here_is_invented() -> None:
    methods = vendor_class("XtQuantTrader") | {"XtQuantTrader"}
    assert {row.vendor for row in METHOD_ROWS} == methods
    assert {row.vendor for row in CALLBACKS} == vendor_class("XtQuantTraderCallback")
    assert set(SINCE) <= {row.vendor for row in (*METHOD_ROWS, *CALLBACKS)}


def test_each_is_here_once() -> None:
    names = [row.vendor for row in ROWS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("row", [*METHOD_ROWS, *ORDER_TYPES], ids=lambda row: row.vendor)
def test_the_facade_has_it(row: Row) -> None:
    assert row.facade or row.note, "没有对应的，要说为什么"
    for name in row.facade.split():
        owner, _, method = name.rpartition(".")
        if owner == "trader":
            assert method in vendor_class("XtQuantTrader")
        else:
            assert hasattr(GROUPS[owner], method), name


@pytest.mark.parametrize("row", CALLBACKS, ids=lambda row: row.vendor)
def test_the_callback_is_an_event(row: Row) -> None:
    assert {each.callback: each.kind for each in TABLE}[row.vendor] == row.facade
    assert callable(getattr(DefaultXtQuantTraderCallback, row.vendor))


@cache
def written_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
    return frozenset(each.name for each in functions)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.vendor)
def test_the_test_is_there(row: Row) -> None:
    assert row.test
    for each in row.test.split():
        path, _, name = each.partition("::")
        assert name.startswith("test_")
        assert name in written_in(path), f"没有 tests/{each}"


def test_the_manuals_stock_and_credit_order_types_are_here() -> None:
    text = manual_text().split("### 委托类型(order_type)")[1].split("- 期货六键风格")[0]
    named = set(re.findall(r"xtconstant\.(\w+)", text))
    assert named == {row.vendor for row in ORDER_TYPES}
    assert named <= {name for each in codes.OrderType for name in each.vendor}


def test_mentioned() -> None:
    text = manual_text()
    assert mentioned(text, "query_stock_asset")
    assert not mentioned(text, "query_stock_asset_async")
    assert not mentioned(text, "common_op_sync_with_seq")


def test_the_page_is_the_table() -> None:
    told = "重新生成：python tests/miniqmt/coverage_page.py > docs/zh/reference/manual.md"
    assert PAGE.read_text(encoding="utf-8") == render(), told


def test_the_command_writes_the_page() -> None:
    command = [sys.executable, str(Path(__file__).parent / "coverage_page.py")]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert done.stdout.decode("utf-8").replace("\r\n", "\n") == render()


REPLACED = {
    "XtQuantTrader": "构造函数，连上了就是走到了",
    "run_forever": "只有示例程序用，在另一个进程里",
    "sleep": "子类里换掉了",
    "set_timeout": "子类里换掉了",
    "common_op_sync_with_seq": "子类里换掉了",
    "query_data": "交易口不用它，见表",
}
"""测试走不到厂商原来的那个方法的 → 原因。"""


@pytest.mark.soak
def test_the_tests_really_call_the_vendors_methods(tmp_path: Path) -> None:
    """把表里的测试都跑一遍，看厂商的每个方法是不是真的调用过。"""
    told = tmp_path / "called.json"
    tests = sorted({f"tests/{each}" for row in METHOD_ROWS for each in row.test.split()})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "coverage_trace", *tests],
        capture_output=True, timeout=600, cwd=ROOT, check=False,
        env={**os.environ, "COVERAGE_TRACE": str(told), "PYTHONPATH": str(Path(__file__).parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-3000:]
    called = json.loads(told.read_text(encoding="utf-8"))
    reached = {
        row.vendor: any(row.vendor in called.get(f"tests/{each}", ()) for each in row.test.split())
        for row in METHOD_ROWS
    }
    assert {name for name, found in reached.items() if not found} == set(REPLACED)
