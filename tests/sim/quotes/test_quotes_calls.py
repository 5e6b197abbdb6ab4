"""集合竞价里看得见什么：行情接口、订阅、K 线与柜台说的是同一回事（exchange_rules 9.1、5）。"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from support import SimProcess

import easytrader
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import AccountConfig, SimFolder, create
from easytrader.sim.counter.engine import Engine
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.quotes.board import Board, new_deadline
from easytrader.sim.quotes.details import lot_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHANGHAI = timezone(timedelta(hours=8))
STOCK, SH_BOND, SZ_BOND, REPO = "600036.SH", "113050.SH", "123107.SZ", "204001.SH"
DAY = "20261120"


def at(clock: str) -> float:
    return datetime.strptime(f"2026-11-20 {clock}", "%Y-%m-%d %H:%M:%S").replace(
        tzinfo=SHANGHAI
    ).timestamp()  # fmt: skip


def minute_lines() -> list[str]:
    """像真的一天：14:58、14:59 没有量，收盘价在 15:00 那一根里。"""
    lines = ["time,open,high,low,close,volume,preClose"]
    for index in range(240):
        minute = 9 * 60 + 31 + index if index < 120 else 13 * 60 + 1 + index - 120
        price = 35.0 + index % 9 / 100
        row = f"{price + 0.2:.2f},{price + 0.25:.2f},{price:.2f},{price + 0.1:.2f},2000"
        if index in (237, 238):
            row = "35.30,35.30,35.30,35.30,0"
        if index == 239:
            row = "35.40,35.40,35.40,35.40,9000"
        lines.append(f"{DAY}{minute // 60:02d}{minute % 60:02d}00,{row},34.90")
    return lines


@pytest.fixture(params=["synthetic", "1m", "5s"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> SimFolder:
    settings: dict[str, Any] = {"clock": "step", "start": "2026-11-20 09:00"}
    if request.param == "1m":
        data = tmp_path / "分钟线"
        data.mkdir()
        (data / f"{STOCK}.csv").write_text("\n".join(minute_lines()), encoding="utf-8")
        settings["replay"] = str(data)
    if request.param == "5s":
        settings["tick_s"] = 5.0
    return create(tmp_path / "盘", [AccountConfig("1")], **settings)


class Eyes:
    """同一刻从各处看。"""

    def __init__(self, folder: SimFolder) -> None:
        self.clock = ManualClock(at("09:00:00"))
        self.engine = Engine(folder, self.clock)
        self.board = Board(folder)

    def tick(self, clock: str, code: str = STOCK) -> dict[str, Any]:
        """快照；先与柜台看见的对上。"""
        self.clock.set(at(clock))
        while self.engine.advance().answer:
            pass
        security = parse_security(code)
        tick = self.board.snapshot([code], at(clock))[code]
        quote = self.engine._counter.quote(security)
        lot = lot_of(security)
        assert round(tick["lastPrice"] * 1000) == quote.last_li
        for side, levels in (("ask", quote.asks), ("bid", quote.bids)):
            shown = list(zip(tick[f"{side}Price"], tick[f"{side}Vol"], strict=True))
            own = [(level.price_li / 1000, level.volume // lot) for level in levels[:5]]
            assert shown == own + [(0.0, 0)] * (5 - len(own))
        return tick

    def bars(self, clock: str, period: str, code: str = STOCK) -> list[Any]:
        return self.board.bars(code, period, (DAY, DAY, -1), at(clock), new_deadline())


@pytest.fixture
def eyes(folder: SimFolder) -> Iterator[Eyes]:
    found = Eyes(folder)
    yield found
    found.engine.close()


MOVING = ("lastPrice", "open", "high", "low", "volume", "pvolume", "amount", "transactionNum")


def virtual(tick: dict[str, Any]) -> float:
    """核对 Level-1 的样子，返回虚拟成交价。"""
    asks, bids = tick["askPrice"], tick["bidPrice"]
    assert asks[0] == bids[0] > 0
    assert tick["askVol"][0] == tick["bidVol"][0] > 0
    assert asks[1:] == bids[1:] == [0.0] * 4
    assert tick["askVol"][2:] == tick["bidVol"][2:] == [0] * 3
    assert tick["askVol"][1] == 0 or tick["bidVol"][1] == 0  # 只有一边有剩的
    price: float = asks[0]
    return price


def test_the_opening_call(eyes: Eyes) -> None:
    """9:15–9:25 没有成交：最近价是昨收，量为零，盘口是虚拟价与匹配量；匹配量只增不减。"""
    before = eyes.tick("09:14:50")
    assert before["askPrice"] == before["bidPrice"] == [0.0] * 5
    matched = []
    for clock in ("09:15:00", "09:20:05", "09:24:55"):
        tick = eyes.tick(clock)
        virtual(tick)
        matched.append(tick["bidVol"][0])
        assert tick["lastPrice"] == tick["lastClose"]
        assert [tick[name] for name in MOVING[1:]] == [0.0] * 3 + [0] * 2 + [0.0, 0]
        assert tick["openInt"] == 12
        assert eyes.bars(clock, "1m") == eyes.bars(clock, "1d") == []
    assert matched == sorted(matched)
    assert matched[0] < matched[-1]
    assert virtual(eyes.tick("09:24:55")) == eyes.tick("09:25:00")["lastPrice"]


def test_the_price_of_925_is_the_open(eyes: Eyes) -> None:
    """9:25 起有开盘价、量与五档，站到 9:30；9:30 整盘口不空；开盘价一天都是它。"""
    opened = eyes.tick("09:25:00")
    price = opened["lastPrice"]
    assert [opened[name] for name in ("open", "high", "low")] == [price] * 3
    assert opened["volume"] > 0
    assert opened["bidPrice"][0] <= price <= opened["askPrice"][0]
    for clock in ("09:27:00", "09:29:55"):
        later = eyes.tick(clock)
        assert [later[name] for name in MOVING] == [opened[name] for name in MOVING]
        assert later["askPrice"] == opened["askPrice"]
        [daily] = eyes.bars(clock, "1d")
        assert daily.open_li == daily.close_li == round(price * 1000)
        assert eyes.bars(clock, "1m") == []
    half_past = eyes.tick("09:30:00")
    assert half_past["lastPrice"] == price
    assert half_past["askPrice"][0] > half_past["bidPrice"][0] > 0
    assert eyes.tick("10:00:00")["open"] == price
    first, *_ = eyes.bars("10:00:00", "1m")
    assert first.open_li == round(price * 1000)
    assert eyes.bars("16:00:00", "1d")[0].open_li == round(price * 1000)


def test_the_closing_call_stands_still(eyes: Eyes) -> None:
    """14:57–15:00 最近价、量、分钟线都不动；15:00 是收盘价，量一次加上去。"""
    eyes.tick("14:56:55")
    frozen = eyes.tick("14:57:00")
    for clock in ("14:57:05", "14:58:30", "14:59:55"):
        tick = eyes.tick(clock)
        virtual(tick)
        assert [tick[name] for name in MOVING] == [frozen[name] for name in MOVING]
        assert tick["openInt"] == 18
    last = eyes.bars("14:59:55", "1m")[-1]
    assert (last.volume, last.suspended) == (0, False)
    closed = eyes.tick("15:00:00")
    assert closed["volume"] > frozen["volume"]
    bars = eyes.bars("15:30:00", "1m")
    assert len(bars) == 240
    quiet, ending = bars[-3:-1], bars[-1]
    assert [bar.volume for bar in quiet] == [0, 0]
    assert {bar.close_li for bar in quiet} == {round(frozen["lastPrice"] * 1000)}
    assert ending.close_li == round(closed["lastPrice"] * 1000)
    assert ending.volume == closed["pvolume"] - frozen["pvolume"]
    assert sum(bar.volume for bar in bars) == closed["pvolume"]
    history = eyes.board.ticks(
        STOCK, (f"{DAY}145700", f"{DAY}145959", -1), at("16:00:00"), new_deadline()
    )
    assert len(history) > 30
    assert {row["lastPrice"] for row in history} == {frozen["lastPrice"]}


@pytest.mark.parametrize("folder", ["synthetic"], indirect=True)
@pytest.mark.parametrize(
    ("code", "calls"), [(STOCK, True), (SZ_BOND, True), (SH_BOND, False), (REPO, False)]
)
def test_without_a_closing_call_trading_goes_on(eyes: Eyes, code: str, calls: bool) -> None:
    """沪市可转债、逆回购没有收盘集合竞价（exchange_rules 5）。"""
    seen = [eyes.tick(f"14:5{minute}:30", code) for minute in (7, 8, 9)]
    assert (seen[0]["volume"] < seen[1]["volume"] < seen[2]["volume"]) is not calls
    for tick in seen:
        assert (tick["askPrice"][0] > tick["bidPrice"][0]) is not calls
        assert tick["openInt"] == (18 if calls else 13)


@pytest.mark.parametrize("folder", ["synthetic"], indirect=True)
def test_lunch_shows_the_end_of_the_morning(eyes: Eyes) -> None:
    morning, noon = eyes.tick("11:30:00"), eyes.tick("12:10:00")
    assert noon == morning


@pytest.mark.parametrize("folder", ["synthetic"], indirect=True)
def test_a_day_begins_with_a_book(
    folder: SimFolder, xtdata: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`next_day()` 落在 9:30 整：行情接口看得到盘口，市价委托成交；集合竞价里走到哪看到哪。"""
    monkeypatch.setenv("EASYTRADER_SIM", str(folder.path))
    user = easytrader.use("sim")
    user.connect(str(folder.path), "1")
    seen: list[Any] = []
    xtdata.subscribe_quote(STOCK, "tick", callback=seen.append)
    user.sim.goto("2026-11-20 09:20:03")
    called = xtdata.get_full_tick([STOCK])[STOCK]
    assert called["askPrice"][0] == called["bidPrice"][0] > 0
    assert called["lastPrice"] == called["lastClose"]
    assert f"{user.sim.next_day():%m-%d %H:%M:%S}" == "11-23 09:30:00"
    tick = xtdata.get_full_tick([STOCK])[STOCK]
    assert tick["askPrice"][0] > tick["bidPrice"][0] > 0
    assert tick["open"] == tick["lastPrice"] > 0
    number = user.market_buy("600036", 100)["entrust_no"]
    assert user.find_entrust(number)["order_status_name"] == "已成"
    user.close()


def test_replayed_snapshots_show_their_own_calls(tmp_path: Path) -> None:
    """快照数据里本来就有集合竞价的样子，原样给出。"""
    data = tmp_path / "快照"
    data.mkdir()
    rows = ["time,lastPrice,lastClose,volume,askPrice,bidPrice,askVol,bidVol"]
    for clock, last, volume, price in (
        ("091503", 0, 0, 35.2),
        ("092503", 35.3, 80, 35.3),
        ("093003", 35.3, 90, 35.31),
        ("145703", 35.4, 900, 35.5),
        ("150003", 35.5, 990, 35.5),
    ):
        sides = ",".join(f'"[{price}, 0, 0, 0, 0]"' for _ in range(2))
        sides += ',"[7, 2, 0, 0, 0]","[7, 0, 0, 0, 0]"'
        rows.append(f"{DAY}{clock},{last},34.9,{volume},{sides}")
    (data / f"{STOCK}_tick.csv").write_text("\n".join(rows), encoding="utf-8")
    settings = {"clock": "step", "start": "2026-11-20 09:00", "replay": str(data)}
    folder = create(tmp_path / "盘", [AccountConfig("1")], replay_period="tick", **settings)
    eyes = Eyes(folder)
    called = eyes.tick("09:20:00")
    assert (called["askPrice"][0], called["bidVol"][0]) == (35.2, 7)
    assert called["lastPrice"] == 34.9
    assert eyes.tick("09:26:00")["open"] == 35.3
    closing = eyes.tick("14:58:00")
    assert (closing["lastPrice"], closing["askPrice"][0]) == (35.4, 35.5)
    assert eyes.tick("15:01:00")["lastPrice"] == 35.5
    eyes.engine.close()


WIDE = "600519.SH"  # 买一卖一之间隔着许多个价位


@pytest.mark.parametrize("folder", ["synthetic"], indirect=True)
@pytest.mark.parametrize("served", [False, True], ids=["嵌入", "另一个进程"])
def test_resting_orders_are_in_the_book(
    folder: SimFolder, xtdata: Any, monkeypatch: pytest.MonkeyPatch, *, served: bool
) -> None:
    """一个账户的挂单，别人从行情接口看得见：买一就是它；集合竞价里它推动匹配量；吃掉的少了。"""
    monkeypatch.setenv("EASYTRADER_SIM", str(folder.path))
    process = SimProcess(folder.path)
    if served:
        process.start()
    user = easytrader.use("sim")
    user.connect(str(folder.path), "1")

    def look() -> dict[str, Any]:
        tick: dict[str, Any] = xtdata.get_full_tick([WIDE])[WIDE]
        return tick

    try:
        user.sim.goto("2026-11-20 09:16")
        before = look()
        user.buy("600519", before["askPrice"][0] + 1.0, 100)
        called = look()
        assert virtual(called) == before["askPrice"][0]
        assert (called["askVol"], called["bidVol"]) != (before["askVol"], before["bidVol"])
        user.sim.goto("2026-11-20 10:00")
        quiet = look()
        price = round(quiet["bidPrice"][0] + 0.02, 2)
        assert price < quiet["askPrice"][0]
        number = user.buy("600519", price, 300)["entrust_no"]
        seen = look()
        assert (seen["bidPrice"][0], seen["bidVol"][0]) == (price, 3)
        assert seen["bidPrice"][1:] == quiet["bidPrice"][:4]
        user.cancel_entrust(number)
        user.wait(number, timeout=5)
        assert look() == quiet
        lots = quiet["askVol"][0]
        user.buy("600519", quiet["askPrice"][0], 100 * (lots - 1))
        assert (look()["askPrice"][0], look()["askVol"][0]) == (quiet["askPrice"][0], 1)
    finally:
        user.close()
        process.kill()
