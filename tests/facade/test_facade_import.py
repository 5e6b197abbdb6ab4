"""`import easytrader` 要轻；导出的就是声明的；依赖缺了说得清楚。"""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import easytrader
from easytrader.errors import MissingDependencyError, UsageError
from easytrader.miniqmt.vendor import loader


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_is_light() -> None:
    heavy = [
        "xtquant",
        "pandas",
        "numpy",
        "fastapi",
        "tenacity",
        "rich",
        "exchange_calendars",
        "sqlite3",
    ]
    code = f"import sys, easytrader; print([m for m in {heavy!r} if m in sys.modules])"
    assert run(code) == "[]"


def test_use_does_not_import_the_vendor_either() -> None:
    code = """
import sys, easytrader
easytrader.use('sim'); easytrader.use('miniqmt')
print([m for m in ('xtquant', 'pandas', 'numpy') if m in sys.modules])
"""
    assert run(code) == "[]"


def test_no_handler_is_installed() -> None:
    code = """
from loguru import logger
before = len(logger._core.handlers)
import easytrader; easytrader.use('sim')
print(len(logger._core.handlers) - before)
"""
    assert run(code) == "0"


def test_exports_are_what_is_declared() -> None:
    assert set(dir(easytrader)) == set(easytrader.__all__)
    for name in easytrader.__all__:
        assert getattr(easytrader, name) is not None
    with pytest.raises(AttributeError):
        _ = easytrader.nothing


def test_old_names_say_what_to_write_now() -> None:
    user = easytrader.use("sim")
    for owner, name, says in (
        (easytrader, "follower", "adjust_weights"),
        (user, "prepare", "connect"),
        (user, "cancel_all_entrusts", "cancel_all"),
        (user, "auto_ipo", "subscribe_all"),
        (user, "refresh", "不必刷新"),
        (user, "exit", "close"),
    ):
        with pytest.raises(AttributeError, match=rf"{name}.*{says}.*migrate"):
            getattr(owner, name)
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'$"):
        _ = user.nothing  # type: ignore[attr-defined]
    user.close()


@pytest.mark.parametrize("broker", ["xq", "", None, 5])
def test_unknown_broker(broker: object) -> None:
    with pytest.raises(UsageError, match="miniqmt"):
        easytrader.use(broker)  # type: ignore[call-overload]


def test_not_installed_and_no_binary_are_two_messages() -> None:
    code = """
import sys
from easytrader.miniqmt.vendor import loader
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] == 'xtquant':
            raise ModuleNotFoundError('No module named xtquant', name='xtquant')
sys.meta_path.insert(0, Block())
try:
    loader.load(None)
except loader.MissingDependencyError as exc:
    print(exc)
"""
    assert "pip install xtquant" in run(code)
    code = """
import sys
from easytrader.miniqmt.vendor import loader
sys.meta_path[:] = [each for each in sys.meta_path if 'sim.install' not in type(each).__module__]
try:
    loader.load(None)
except loader.MissingDependencyError as exc:
    print(exc)
"""
    if sys.platform != "win32":
        told = run(code)
        assert "Windows" in told
        assert "use('sim')" in told


def test_a_module_of_the_same_shape_is_a_plug() -> None:
    shim = ModuleType("my_shim")
    shim.XtQuantTrader = type("XtQuantTrader", (), {})  # type: ignore[attr-defined]
    shim.StockAccount = type("StockAccount", (), {})  # type: ignore[attr-defined]
    vendor = loader.load(shim)
    assert vendor.trader_class is shim.XtQuantTrader
    assert vendor.account_class is shim.StockAccount


@pytest.mark.parametrize("plug", [5, object(), ModuleType("empty"), "no_such_module_anywhere"])
def test_wrong_plugs(plug: object) -> None:
    with pytest.raises((UsageError, MissingDependencyError)) as caught:
        loader.load(plug)  # type: ignore[arg-type]
    assert "xtquant" in str(caught.value)
