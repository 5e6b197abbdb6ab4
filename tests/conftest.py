"""公用：隔离的用户目录、线程泄漏检查、模拟 MiniQMT 的文件夹与进程、连着它们的交易口。

交易口都走真正的厂商代码（xttrader.py），柜台是模拟的。
"""

from __future__ import annotations

import gc
import itertools
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from credit_helpers import CREDIT, credit_folder
from hypothesis import HealthCheck, settings
from loguru import logger
from support import ACCOUNT, Recorder, SimProcess, hurry, make_folder

import easytrader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.brokers.sim import SimTrader

pytest_plugins = ["easytrader.testing"]

# 环境说了不写字节码的，四个工作进程与几百个子进程每个都要从头编译一遍：测试要慢两成
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# 后台跑的（``nohup … &``）Ctrl-C 是被忽略的，说 Ctrl-C 的测试要它管用
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "ci",
    max_examples=30,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30
_numbers = itertools.count()


def _own_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """pytest 自己的每次都把已有的几千个文件夹数一遍，一万多个测试要数掉一分钟。"""
    path = factory.getbasetemp() / f"{name}-{next(_numbers)}"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """这个测试自己的文件夹。"""
    return _own_folder(tmp_path_factory, re.sub(r"\W", "_", request.node.name)[:30])


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """默认的模拟账户不落在开发者自己的目录里。"""
    home = _own_folder(tmp_path_factory, "home")
    monkeypatch.setenv("EASYTRADER_HOME", str(home))
    # 什么都不用等的柜台；脾气的测试自己指名。手工拿别的脾气跑：EASYTRADER_TEST_PROFILE=push
    profile = os.environ.get("EASYTRADER_TEST_PROFILE", "instant")
    monkeypatch.setenv("EASYTRADER_SIM_PROFILE", profile)
    # 会话 id 的锁文件也不与别的测试共用，子进程要看到同一个
    monkeypatch.setenv("EASYTRADER_LOCKS", str(home / "locks"))
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setattr(tempfile, "tempdir", None)


_LONG = (
    # 要别家的包的那一组里的
    *("gateways/test_gateways_rpc", "veighna/test_veighna_conformance", "test_crypto_conformance"),
    *("test_overseas_tiger", "test_overseas_futu", "test_gateways_core", "test_gateways_conf"),
    *("docs/test_docs_blocks", "rebalance_chaos/", "conformance/test_conformance_served"),
    *("cli/test_cli_serve", "server/test_server_page_browser", "link/test_link_engine"),
    *("sim/programs/", "docs/test_docs_examples", "cli/test_cli_rebalance", "sim/cases/"),
    *("conformance/", "sim/laws/", "credit/test_credit_stateful", "chaos/", "notebook/", "cli/"),
)
"""要跑很久的文件，最久的在前：先跑，不然最后只剩一个进程在跑它。"""


def pytest_configure(config: pytest.Config) -> None:
    """按下面排的次序分给各进程：xdist 自己的排法（个数多的文件先）会把它打乱。"""
    config.option.loadscopereorder = False
    # 落盘（fsync）要等盘：内存里放得下就放内存里。要放在盘上：PYTEST_DEBUG_TEMPROOT=/tmp
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


_DEEP = (
    # 同样的事在别的参数、别的进程里默认就有一遍的：只在 ``-m soak`` 里
    *("test_a_holiday_check[Asia", "test_a_holiday_check[UTC-exchange"),
    *("in_the_band[0", "in_the_band[1", "in_the_band[3", "in_the_band[5"),
    *("kind_of_day[0", "kind_of_day[1", "kind_of_day[3", "kind_of_day[5"),
    *("as_attended[15:40", "as_attended[15:18-14:58", "as_attended[15:18-15:02"),
    *("as_attended[2026-11-23 09:10-14:58", "as_attended[2026-11-23 09:10-15:02"),
    *("conformance/test_conformance_served", "conformance/test_conformance_external"),
    *("test_kill_and_reconnect[True", "test_slicing_changes_nothing", "rows/test_rows_mypy"),
    *("quotes/test_quotes_universe", "quotes/test_quotes_fast", "conformance/test_conformance_sim"),
    *("test_a_gateway_collecting_sectors", "test_the_whole_market_with_indices"),
    *(
        "test_fleets_trader_above.py::test_profile",
        "test_fleets_trader_above.py::test_command_line",
    ),
    *("test_columns_can_be_chosen", "test_search_by_initials", "test_sell_from_the_position"),
    *("test_server_killed_and_started_again", "test_counter_lost_is_not_the_page_lost"),
    *("test_narrow_screen_never", "test_every_control_has_a_name", "test_connect_form"),
    *(f"{one}-after]" for one in ("-close", "-tell", "_claim", "_start_order", "-begin", "-open")),
)


@pytest.hookimpl(tryfirst=True)  # 在 ``-m`` 挑之前
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """长的排在前面，其余的次序不变；`_DEEP` 的归 soak。"""
    for item in items:
        if any(part in item.nodeid for part in _DEEP):
            item.add_marker(pytest.mark.soak)

    def rank(item: pytest.Item) -> int:
        return next((at for at, part in enumerate(_LONG) if part in item.nodeid), len(_LONG))

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """一万多个测试不再被回收器翻看：同一个账号再连一次都有一次 ``gc.collect()``，本来半秒。"""
    gc.collect()
    gc.freeze()


def _our_threads() -> set[threading.Thread]:
    names = ("easytrader", "ThreadPoolExecutor")
    return {each for each in threading.enumerate() if each.name.startswith(names)}


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """每个测试结束后不许留下本库或厂商执行器的线程。"""
    before = _our_threads()
    yield
    deadline = time.monotonic() + 20
    pause = threading.Event()
    while (left := _our_threads() - before) and time.monotonic() < deadline:
        pause.wait(0.02)
    assert not left, f"留下了线程：{[each.name for each in left]}"


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """收集日志：每条一个 ``LEVEL - 文字``。"""
    lines: list[str] = []
    handler = logger.add(lines.append, format="{level} - {message}", level="DEBUG")
    yield lines
    logger.remove(handler)


@pytest.fixture
def sim_folder(tmp_path: Path) -> Path:
    """一个模拟 MiniQMT 文件夹：路径带空格和汉字，连接失败只等 0.3 秒。"""
    return make_folder(tmp_path / "国金 QMT交易端" / "userdata_mini")


@pytest.fixture
def served(sim_folder: Path) -> Iterator[SimProcess]:
    """正在服务 `sim_folder` 的进程。"""
    process = SimProcess(sim_folder)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def user(sim_folder: Path, recorder: Recorder) -> Iterator[SimTrader]:
    """嵌在本进程里的模拟账户。"""
    trader = easytrader.use("sim")
    trader.connect(str(sim_folder), ACCOUNT, recorder, timeout=5)
    yield trader
    trader.close()


@pytest.fixture
def connect(sim_folder: Path) -> Iterator[Callable[..., Any]]:
    """按真实用法连接被服务的文件夹：use('miniqmt')。"""
    opened = []

    def open_(callback: Any = None, **options: Any) -> Any:
        trader = easytrader.use("miniqmt")
        opened.append(trader)
        settings = {"reconnect_interval": 0.2, "timeout": 5, **options}
        wanted_s = settings["timeout"]
        settings["timeout"] = max(wanted_s, 10)
        trader.connect(str(sim_folder), ACCOUNT, callback, **settings)
        hurry(trader, wanted_s)
        return trader

    yield open_
    for trader in opened:
        trader.close()


@pytest.fixture
def credit_user(tmp_path: Path, recorder: Recorder) -> Iterator[SimTrader]:
    """嵌在本进程里的信用账户：600036 有券源，单步的时钟。"""
    trader = easytrader.use("sim")
    folder = credit_folder(tmp_path)
    trader.connect(str(folder), CREDIT, recorder, account_type="CREDIT", timeout=5)
    yield trader
    trader.close()


@pytest.fixture
def credit_served(tmp_path: Path) -> Iterator[SimProcess]:
    """另一个进程里的信用账户，可以杀。"""
    process = SimProcess(credit_folder(tmp_path))
    process.start()
    yield process
    process.kill()
