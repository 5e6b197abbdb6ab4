"""`use('名字')`：别的包登记的后端、登记坏了的、旧名字、写错的名字。"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import easytrader
from easytrader.brokers import installed
from easytrader.errors import MissingDependencyError, UsageError
from easytrader.testing.memory import MemoryTrader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]

POINTS = """
[easytrader.brokers]
memory-demo = demo_broker:DemoTrader
sim = demo_broker:DemoTrader
no-module = no_such_module_here:Trader
no-name = demo_broker:NoSuchName
raising = demo_raising:Trader
not-a-trader = demo_broker:not_a_trader
not-callable = demo_broker:VERSION
refusing = demo_broker:refusing
"""
MODULE = """
from easytrader.testing.memory import Counter, MemoryTrader

VERSION = "1.0"
COUNTER = Counter("demo", 100_000, {"BTC/USDT": 10}, {"BTC/USDT": 100})


class DemoTrader(MemoryTrader):
    def connect(self, callback=None, **options):
        super().connect(COUNTER, callback, **options)


def not_a_trader(debug):
    return {"debug": debug}


def refusing():
    return DemoTrader()
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """装着一个别人写的包：`demo_broker`。"""
    site = tmp_path / "site"
    info = site / "demo_broker-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo-broker\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    (site / "demo_broker.py").write_text(MODULE, encoding="utf-8")
    (site / "demo_raising.py").write_text("raise RuntimeError('许可证过期')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    yield site
    for name in ("demo_broker", "demo_raising"):
        sys.modules.pop(name, None)


def _says(call: Callable[[], Any]) -> str:
    with pytest.raises(UsageError) as caught:
        call()
    return str(caught.value)


@pytest.mark.usefixtures("package")
class TestInstalled:
    def test_another_package_is_found(self) -> None:
        with easytrader.use(" Memory-Demo ") as user:
            assert isinstance(user, MemoryTrader)
            user.connect()
            assert user.buy("BTC/USDT", 9.5, 0.5) == {"entrust_no": "000001"}

    def test_it_is_listed_and_the_built_in_names_are_ours(self) -> None:
        found = {each.name: each for each in installed()}
        assert found["memory-demo"].package == "demo-broker"
        assert found["sim"].package == "easytrader"
        assert type(easytrader.use("sim")).__module__.startswith("easytrader.")

    def test_unknown_name_lists_what_is_installed(self) -> None:
        told = _says(lambda: easytrader.use("memory_demo"))
        assert "是不是 'memory-demo'" in told
        assert "'miniqmt'、'sim'" in told

    @pytest.mark.parametrize("name", ["no-module", "no-name", "raising"])
    def test_what_cannot_be_imported_says_which(self, name: str) -> None:
        with pytest.raises(MissingDependencyError, match=name):
            easytrader.use(name)

    @pytest.mark.parametrize("name", ["not-a-trader", "not-callable", "refusing"])
    def test_what_gives_no_trader_says_so(self, name: str) -> None:
        with pytest.raises(MissingDependencyError, match=f"{name}.*Trader"):
            easytrader.use(name)


@pytest.mark.parametrize("name", ["ht_client", "ths", "yh", "universal_client", "华泰客户端"])
def test_old_clients_are_told_where_to_go(name: str) -> None:
    assert "use('miniqmt')" in _says(lambda: easytrader.use(name))


@pytest.mark.parametrize("name", ["xq", "雪球", "joinquant"])
def test_old_followers_are_told_where_to_go(name: str) -> None:
    assert "跟单" in _says(lambda: easytrader.use(name))


@pytest.mark.parametrize("name", [None, 1, [], "", b"sim", float("nan")])
def test_not_a_name(name: Any) -> None:
    assert "broker" in _says(lambda: easytrader.use(name))


def test_import_brings_no_testing() -> None:
    code = "import sys, easytrader; easytrader.use; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


PROJECT = """
import pytest
from demo_broker import DemoTrader
from easytrader.testing.memory_broker import MemoryBroker

pytest_plugins = ["easytrader.testing"]


class DemoBroker(MemoryBroker):
    trader_type = lambda self: __import__("easytrader").use("memory-demo")

    def connect(self, trader, callback=None, **options):
        import demo_broker
        demo_broker.COUNTER = self.counter
        given = {"timeout": self.timeout_s, "reconnect_interval": 0.05, **options}
        trader.connect(callback, **given)


@pytest.fixture
def broker():
    yield (one := DemoBroker())
    one.close()
"""


@pytest.mark.parametrize(
    ("name", "head", "arguments"),
    [
        ("test_mine.py", "from easytrader.testing.suite import *\n", ["test_mine.py"]),
        ("my_plugin.py", "", ["-p", "my_plugin", "--pyargs", "easytrader.testing.suite"]),
    ],
)
def test_the_suite_runs_from_another_project(
    package: Path, tmp_path: Path, name: str, head: str, arguments: list[str]
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / name).write_text(head + PROJECT, encoding="utf-8")
    (project / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -W error\n")
    chosen = "Connect or Orders or Cancel or ExactlyOnce"
    done = subprocess.run(
        [
            *(sys.executable, "-X", "utf8", "-m", "pytest", "-q", "--rootdir", str(project)),
            *("-c", "pytest.ini", "-k", chosen, *arguments),
        ],
        cwd=project,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(package), str(project)]),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
