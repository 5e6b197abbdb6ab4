"""没有装 VeighNa：导入说怎样装，easytrader 本身不受影响。"""

from __future__ import annotations

import importlib
import sys

import pytest

import easytrader
from easytrader.errors import MissingDependencyError


def test_importing_without_veighna_says_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("easytrader.veighna")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "vnpy", None)
    for name in [each for each in sys.modules if each.startswith("vnpy.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingDependencyError, match=r"pip install --no-deps vnpy==") as caught:
        importlib.import_module("easytrader.veighna")
    assert isinstance(caught.value, ImportError)
    assert easytrader.use("sim").state == "未连接"
