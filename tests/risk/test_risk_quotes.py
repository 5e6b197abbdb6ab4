"""最新价：模拟客户端的 quote（嵌入的、另一个进程的），真客户端的 xtdata。"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, eventually
from support import VendorEngine as Engine

import easytrader
from easytrader.miniqmt.quotes import last_price
from easytrader.miniqmt.vendor import loader
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.counter import engine as engine_module
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.gateway.wire import QuoteArgs
from easytrader.sim.host.faults import Faults
from easytrader.sim.ledger.events import AccountQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

UNKNOWN = ["999999.SH", "000300.SH", "600036", "乱写", "", "204001.XX", "700001.SH"]


@pytest.fixture
def connect(sim_folder: Path) -> Iterator[Callable[[str], Any]]:
    opened: list[Any] = []

    def open_(broker: str) -> Any:
        user = easytrader.use(broker)
        opened.append(user)
        user.connect(str(sim_folder), ACCOUNT, timeout=5, reconnect_interval=0.2)
        return user

    yield open_
    for user in opened:
        user.close()


def check_answers(user: Any) -> None:
    held = {row["stock_code"]: row for row in user.position}
    row = held["600000.SH"]
    price = last_price(user.trader, "600000.SH", 5, None)  # type: ignore[arg-type]
    assert price is not None
    assert price == pytest.approx(row["market_value"] / row["volume"], rel=0.05)
    for code in UNKNOWN:
        assert user.trader.async_client.last_price(code, 5) is None
    with ThreadPoolExecutor(8, thread_name_prefix="asking") as pool:
        asked = list(
            pool.map(lambda _: user.trader.async_client.last_price("000001.SZ", 5), range(40))
        )
    assert all(each and each > 0 for each in asked)
    assert user.buy("600000", price=price, amount=100)["entrust_no"] > 0


def test_embedded(connect: Callable[[str], Any]) -> None:
    check_answers(connect("sim"))


@pytest.mark.usefixtures("served")
def test_served(connect: Callable[[str], Any]) -> None:
    check_answers(connect("miniqmt"))


@pytest.mark.usefixtures("served")
def test_no_answer_does_not_hang(connect: Callable[[str], Any], sim_folder: Path) -> None:
    user = connect("miniqmt")
    Faults(sim_folder).drop_answer("any", times=1)
    client = user.trader.async_client
    began = time.monotonic()
    assert client.last_price("600000.SH", 0.2) is None
    assert time.monotonic() - began >= 0.19
    assert client.last_price("600000.SH", 5) > 0
    assert client._asking == {}


def test_a_lost_connection_answers_none_at_once(
    connect: Callable[[str], Any], served: Any, sim_folder: Path
) -> None:
    user = connect("miniqmt")
    client = user.trader.async_client
    Faults(sim_folder).delay_answer("any", 30, times=1)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(client.last_price("600000.SH", 30)))
    thread.start()
    eventually(lambda: client._asking)
    served.kill()
    thread.join(30)
    assert found == [None]
    assert client.last_price("600000.SH", 30) is None


def test_not_connected_and_stopped() -> None:
    from easytrader.sim.native import XtQuantAsyncClient

    client = XtQuantAsyncClient("不存在", "x", 1)
    assert client.last_price("600000.SH", 30) is None
    client.start()
    client.stop()
    assert client.last_price("600000.SH", 30) is None


class TestEngine:
    @pytest.fixture
    def engine(self, sim_folder: Path) -> Iterator[Engine]:
        made = Engine(SimFolder.open(sim_folder), ManualClock(1_800_000_000.0))
        yield made
        made.close()

    def test_is_the_price_of_the_positions(self, engine: Engine) -> None:
        for _ in range(5):
            price = engine.quote(QuoteArgs("600000.SH")).answer
            rows = engine.positions(AccountQuery(2, ACCOUNT)).answer
            [row] = [row for row in rows if row.stock_code == "600000.SH"]
            assert price == row.last_price
            engine.clock.advance(600)  # type: ignore[attr-defined]

    def test_moves_with_the_clock_and_repeats(self, engine: Engine, tmp_path: Path) -> None:
        first = [engine.quote(QuoteArgs("600036.SH")).answer]
        for _ in range(20):
            engine.clock.advance(300)  # type: ignore[attr-defined]
            first.append(engine.quote(QuoteArgs("600036.SH")).answer)
        assert len(set(first)) > 5

    def test_unknown_is_none_and_harmless(self, engine: Engine) -> None:
        for code in UNKNOWN:
            assert engine.quote(QuoteArgs(code)).answer is None
        assert engine.quote(QuoteArgs("600036.SH")).answer > 0

    def test_lagging_is_none(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        """补撮合没有做到现在：旧价不能当最新价。"""
        monkeypatch.setattr(engine_module, "_CALL_WORK", 1)
        counter = engine._counter
        monkeypatch.setattr(counter, "_sync", lambda now, budget: setattr(counter, "lagging", True))
        assert engine.quote(QuoteArgs("600036.SH")).answer is None


class _Xtdata:
    def __init__(self, ticks: Any) -> None:
        self.ticks = ticks
        self.asked: list[list[str]] = []
        self.threads: list[str] = []

    def get_full_tick(self, codes: list[str]) -> Any:
        self.asked.append(codes)
        self.threads.append(threading.current_thread().name)
        if isinstance(self.ticks, BaseException):
            raise self.ticks
        return self.ticks() if callable(self.ticks) else self.ticks


def vendor_with(xtdata: Any) -> loader.Vendor:
    plug = ModuleType("fake_qmt")
    plug.XtQuantTrader = type("XtQuantTrader", (), {})  # type: ignore[attr-defined]
    plug.StockAccount = object  # type: ignore[attr-defined]
    if xtdata is not None:
        plug.xtdata = xtdata  # type: ignore[attr-defined]
    return loader.load(plug)


REAL = SimpleNamespace(async_client=object())


class TestRealClient:
    def test_asks_xtdata_on_its_own_thread(self) -> None:
        xtdata = _Xtdata({"600036.SH": {"lastPrice": 35.5, "lastClose": 35.0}})
        assert last_price(REAL, "600036.SH", 5, vendor_with(xtdata)) == 35.5
        assert xtdata.asked == [["600036.SH"]]
        assert xtdata.threads == ["easytrader-quote"]

    @pytest.mark.parametrize(
        "ticks",
        [
            {},
            None,
            [],
            {"600036.SH": None},
            {"600036.SH": {}},
            *[
                {"600036.SH": {"lastPrice": price}}
                for price in (0, 0.0, -1, None, "35.5", True, float("nan"), float("inf"))
            ],
            Exception("无法连接行情服务！"),
            SystemExit(1),
        ],
    )
    def test_no_price(self, ticks: Any) -> None:
        assert last_price(REAL, "600036.SH", 5, vendor_with(_Xtdata(ticks))) is None

    def test_a_plug_without_quotes(self) -> None:
        assert last_price(REAL, "600036.SH", 5, vendor_with(None)) is None
        assert last_price(object(), "600036.SH", 5, vendor_with(None)) is None

    def test_blocked_for_ever(self) -> None:
        """行情服务没有起来：到期返回；丢下的线程有上限，醒来之后照常。"""
        gate = threading.Event()

        def stuck() -> Any:
            gate.wait(600)
            return {"600036.SH": {"lastPrice": 35.5}}

        xtdata = _Xtdata(stuck)
        vendor = vendor_with(xtdata)
        try:
            for _ in range(20):
                assert last_price(REAL, "600036.SH", 0.02, vendor) is None
            assert len(xtdata.asked) == 16
        finally:
            gate.set()
        eventually(lambda: last_price(REAL, "600036.SH", 5, vendor) == 35.5)
