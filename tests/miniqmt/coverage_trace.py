"""对照表里写的测试，真的走到了厂商的那个方法没有：pytest 的插件，跑完写下每个测试调用过什么。

由 `test_miniqmt_manual` 的 soak 测试用；结果写到环境变量 COVERAGE_TRACE 说的文件里。
"""

from __future__ import annotations

import functools
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.miniqmt.vendor import mends
from easytrader.sim.install import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_called: dict[str, set[str]] = defaultdict(set)
_current = [""]


def _watched(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **options: Any) -> Any:
        _called[_current[0]].add(name)
        return method(*args, **options)

    return call


def pytest_configure() -> None:
    install()
    from xtquant.xttrader import XtQuantTrader

    for name, method in list(vars(XtQuantTrader).items()):
        if callable(method) and not name.startswith("_"):
            setattr(XtQuantTrader, name, _watched(name, method))
    for name, method in mends._FIXED.items():  # 厂商写错的，走的是补上的
        mends._FIXED[name] = _watched(name, method)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _current[0] = item.nodeid.partition("[")[0]
    return (yield)


def pytest_sessionfinish() -> None:
    told = {test: sorted(names) for test, names in _called.items()}
    Path(os.environ["COVERAGE_TRACE"]).write_text(json.dumps(told), encoding="utf-8")
