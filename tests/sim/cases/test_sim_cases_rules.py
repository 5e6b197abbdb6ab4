"""手写的规则用例逐条跑：期望是照交易所规则的事实表打的字，不是程序算的。"""

from __future__ import annotations

import os
from typing import Any

import pytest
from case_reader import Case, everything, worlds
from case_runner import play

CASES = everything()
_WORLD = {case.name: world for world in worlds(CASES) for case in world}
_RESULTS: dict[str, str] = {}


def _marked(case: Case) -> Any:
    marks = [pytest.mark.xfail(strict=True, reason=case.open)] if case.open else []
    return pytest.param(case, id=case.name, marks=marks)


def _result(case: Case) -> str:
    """同一个世界里的一次跑完，其余的记着。"""
    if case.name not in _RESULTS:
        _RESULTS.update(play(_WORLD[case.name]))
    return _RESULTS[case.name]


@pytest.mark.parametrize("case", [_marked(case) for case in CASES])
def test_case(case: Case) -> None:
    wrong = _result(case)
    assert not wrong, f"{case.name} {case.line}\n  {wrong}"


def test_there_are_enough_cases() -> None:
    """少了说明文件没有读进来。"""
    assert len(CASES) >= int(os.environ.get("CASES_AT_LEAST", "400"))
