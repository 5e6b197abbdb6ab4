"""看得见的行情与成交的样子（事实表末节）：挂着的按自己的价成交，集合竞价里行情站着不动。"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from case_runner import QUIET

import easytrader
from easytrader.sim import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY = "2026-11-20"
CODES = ("600036.SH", "688981.SH", "000001.SZ", "300750.SZ", "920002.BJ", "510300.SH", "159919.SZ")


class Room:
    """嵌着的模拟柜台与它的行情，都经厂商的接口。"""

    def __init__(self, folder: Path, start: str, **settings: Any) -> None:
        held = dict.fromkeys(("600036.SH",) if "replay" in settings else CODES, (100_000, 10.0))
        account = AccountConfig("990001", cash=10**10, positions=held)
        create(folder, [account], clock="step", start=start, **QUIET, **settings)
        self.trades: list[Any] = []
        self.user = easytrader.use("sim")
        self.user.connect(str(folder), "990001", self, timeout=10)
        from xtquant import xtdata

        xtdata.enable_hello = False
        xtdata.disconnect()
        self.quotes = xtdata
        self.account, self.trader = self.user.account, self.user.trader

    def on_stock_trade(self, trade: Any) -> None:
        self.trades.append(trade)

    def order(self, code: str, side: int, volume: int, price: float) -> int:
        number = self.trader.order_stock(self.account, code, side, volume, 11, price, "q", "")
        return int(number)

    def tick(self, clock: str, code: str) -> dict[str, Any]:
        self.user.sim.goto(f"{DAY} {clock}")
        return dict(self.quotes.get_full_tick([code])[code])

    def close(self) -> None:
        self.quotes.disconnect()
        self.user.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Callable[..., Room]]:
    made: list[Room] = []

    def make(start: str = f"{DAY} 09:00", **settings: Any) -> Room:
        made.append(Room(tmp_path / "qmt", start, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


def _bars(path: Path, seed: int) -> dict[str, list[float]]:
    """随机的一小时分钟线：``{标的时刻: [开, 高, 低, 收, 量]}``。"""
    chance = random.Random(seed)
    lines, bars, last = ["time,open,high,low,close,volume,preClose"], {}, 3500
    for minute in range(31, 60):
        first = last
        last = max(3200, min(3800, last + chance.randint(-15, 15)))
        top = max(first, last) + chance.randint(0, 8)
        bottom = min(first, last) - chance.randint(0, 8)
        volume = chance.randint(1, 60)  # 手
        stamp = f"202611200{9}{minute:02d}00"
        prices = [first / 100, top / 100, bottom / 100, last / 100]
        lines.append(",".join([stamp, *(f"{each:.2f}" for each in prices), str(volume), "35.00"]))
        bars[f"09:{minute}:00"] = [*prices, volume * 100]
    path.mkdir()
    (path / "600036.SH_1m.csv").write_text("\n".join(lines), encoding="utf-8")
    return bars


@pytest.mark.parametrize("seed", range(4))
def test_a_resting_order_trades_at_its_own_price(
    tmp_path: Path, room: Callable[..., Room], seed: int
) -> None:
    """回放分钟线：挂在盘口之外的，成交价就是自己的限价；那根线的价要走到，量不能超过。"""
    bars = _bars(tmp_path / "bars", seed)
    desk = room(f"{DAY} 09:30", replay=str(tmp_path / "bars"), replay_period="1m")
    chance = random.Random(seed)
    asked: dict[int, tuple[int, float]] = {}
    passive = 0
    for clock, (_, top, bottom, close, volume) in bars.items():
        before = len(desk.trades)
        desk.user.sim.goto(f"{DAY} {clock}")
        done = {23: 0, 24: 0}
        for trade in desk.trades[before:]:
            side, price = asked[trade.order_id]
            assert trade.traded_price == pytest.approx(price, abs=1e-6), (
                clock,
                side,
                trade.order_id,
            )
            assert (bottom <= price) if side == 23 else (top >= price)
            done[side] += trade.traded_volume
            passive += 1
        assert max(done.values()) <= volume
        for side, sign in ((23, -1), (24, 1)):
            price = round(close + sign * chance.randint(6, 12) / 100, 2)
            count = len(desk.trades)
            number = desk.order("600036.SH", side, 100 * chance.randint(1, 5), price)
            if len(desk.trades) == count:  # 报上去就成交了的不是挂着的
                asked[number] = (side, price)
            else:
                desk.trader.cancel_order_stock(desk.account, number)
                asked[number] = (side, desk.trades[-1].traded_price)
    assert passive > 5


@pytest.mark.parametrize("code", CODES)
def test_the_opening_call_stands_still(room: Callable[..., Room], code: str) -> None:
    """9:15–9:25 没有成交：最新价、成交量不动，盘口是虚拟价与匹配量，不是开着的五档。"""
    desk = room()
    for clock in ("09:15:30", "09:18:00", "09:22:00", "09:24:57"):
        tick = desk.tick(clock, code)
        assert tick["volume"] == 0
        assert tick["lastPrice"] in (0, tick["lastClose"])
        bids, asks = tick["bidPrice"], tick["askPrice"]
        assert bids[0] == asks[0]
        assert bids[1:] == asks[1:] == [0, 0, 0, 0]
        assert tick["bidVol"][0] == tick["askVol"][0]


@pytest.mark.parametrize("code", CODES)
def test_the_virtual_price_shows_before_the_open(room: Callable[..., Room], code: str) -> None:
    desk = room()
    tick = desk.tick("09:24:57", code)
    assert tick["bidPrice"][0] == tick["askPrice"][0] > 0
    assert tick["bidVol"][0] == tick["askVol"][0] > 0


@pytest.mark.parametrize("code", CODES)
def test_the_open_is_the_price_of_the_call(room: Callable[..., Room], code: str) -> None:
    """9:25 的价从 9:25 起就是开盘价，一天不变；到 9:30 之前没有别的成交。"""
    desk = room()
    first = desk.tick("09:25:03", code)
    assert first["open"] > 0
    assert first["lastPrice"] == first["open"]
    for clock in ("09:27:00", "09:29:57"):
        tick = desk.tick(clock, code)
        assert (tick["open"], tick["lastPrice"]) == (first["open"], first["open"])
        assert tick["volume"] == first["volume"]
    for clock in ("09:35:00", "14:00:00", "15:01:00"):
        assert desk.tick(clock, code)["open"] == first["open"]


@pytest.mark.parametrize("code", CODES)
def test_the_book_is_there_at_half_past_nine(room: Callable[..., Room], code: str) -> None:
    """``next_day()`` 走到的就是 09:30:00。"""
    tick = room().tick("09:30:00", code)
    assert tick["bidPrice"][0] > 0
    assert tick["askPrice"][0] > tick["bidPrice"][0]


@pytest.mark.parametrize("code", CODES)
def test_the_closing_call_stands_still(room: Callable[..., Room], code: str) -> None:
    """14:57–15:00 最新价、量、高低不动；盘口是虚拟价。"""
    desk = room()
    before = desk.tick("14:57:00", code)
    for clock in ("14:57:30", "14:58:30", "14:59:57"):
        tick = desk.tick(clock, code)
        for name in ("lastPrice", "volume", "high", "low", "open"):
            assert tick[name] == before[name], (clock, name)
        assert tick["bidPrice"][0] == tick["askPrice"][0]
        assert tick["bidPrice"][1:] == tick["askPrice"][1:] == [0, 0, 0, 0]


@pytest.mark.parametrize("code", CODES)
def test_no_minute_bar_moves_in_the_closing_call(room: Callable[..., Room], code: str) -> None:
    desk = room()
    desk.user.sim.goto(f"{DAY} 15:01")
    frame = desk.quotes.get_market_data_ex(
        ["high", "low", "close", "volume"],
        [code],
        "1m",
        start_time="20261120145500",
        end_time="20261120145900",
    )[code]
    volumes = dict(zip(frame.index, frame["volume"], strict=True))
    assert volumes["20261120145700"] > 0
    for stamp in ("20261120145800", "20261120145900"):
        assert volumes.get(stamp, 0) == 0


def _days(path: Path, seed: int) -> dict[str, tuple[float, float, float, float, int]]:
    """随机的八个交易日的日线：``{日子: (开, 高, 低, 收, 股数)}``。"""
    chance, last, days = random.Random(seed), 3500, {}
    lines = ["time,open,high,low,close,volume,preClose"]
    for day in ("09", "10", "11", "12", "13", "16", "17", "18"):
        before = last
        first, last = (before + chance.randint(-60, 60) for _ in range(2))
        top = max(first, last) + chance.randint(0, 40)
        bottom = min(first, last) - chance.randint(0, 40)
        hands = chance.randint(50, 400)
        prices = [f"{each / 100:.2f}" for each in (first, top, bottom, last)]
        lines.append(",".join([f"202611{day}", *prices, str(hands), f"{before / 100:.2f}"]))
        figures = [float(each) for each in prices]
        days[f"2026-11-{day}"] = (figures[0], figures[1], figures[2], figures[3], hands * 100)
    path.mkdir()
    (path / "600036.SH_1d.csv").write_text("\n".join(lines), encoding="utf-8")
    return days


@pytest.mark.parametrize("seed", range(3))
def test_a_daily_bar_bounds_what_trades(
    tmp_path: Path, room: Callable[..., Room], seed: int
) -> None:
    """回放日线：9:25 是开盘价，成交不出高低、不超过量，挂着的在自己的价上，收盘价是它的收盘。"""
    days = _days(tmp_path / "days", seed)
    desk = room("2026-11-09 09:00", replay=str(tmp_path / "days"), replay_period="1d")
    chance, code = random.Random(seed), "600036.SH"
    for day, (first, top, bottom, close, volume) in days.items():
        desk.user.sim.goto(f"{day} 09:26")
        assert desk.quotes.get_full_tick([code])[code]["open"] == pytest.approx(first)
        desk.user.sim.goto(f"{day} 09:31")
        tick = desk.quotes.get_full_tick([code])[code]
        before = len(desk.trades)
        limits = {}
        for side, best, sign in ((23, tick["bidPrice"][0], -1), (24, tick["askPrice"][0], 1)):
            for _ in range(4):
                price = round(best + sign * chance.randint(1, 25) / 100, 2)
                limits[desk.order(code, side, 100 * chance.randint(1, 50), price)] = price
        assert len(desk.trades) == before
        desk.user.sim.goto(f"{day} 14:56:57")
        done = {23: 0, 24: 0}
        for trade in desk.trades[before:]:
            assert trade.traded_price == pytest.approx(limits[trade.order_id], abs=1e-6)
            assert bottom - 1e-6 <= trade.traded_price <= top + 1e-6
            done[trade.order_type] += trade.traded_volume
        assert max(done.values()) <= volume
        desk.user.sim.goto(f"{day} 15:01")
        tick = desk.quotes.get_full_tick([code])[code]
        assert tick["lastPrice"] == pytest.approx(close)
        assert (tick["high"], tick["low"]) == (pytest.approx(top), pytest.approx(bottom))
        assert tick["volume"] * 100 == pytest.approx(volume, rel=0.02)


@pytest.mark.parametrize(
    ("side", "code", "left"),
    [(23, "300750.SZ", 80_000), (23, "600036.SH", 900_000), (24, "300750.SZ", 100_000)],
)
def test_a_leftover_of_the_call_shows_at_the_top(
    room: Callable[..., Room], code: str, left: int, side: int
) -> None:
    """竞价剩下的大单碰得到对面：9:30 先吃盘口，剩下的是买一（卖一），盘口不交叉。"""
    desk = room()
    buy = side == 23
    sign = 1 if buy else -1
    tick = desk.tick("09:21:00", code)
    price = round(tick["bidPrice"][0] * (1 + 0.001 * sign), 2)
    desk.order(code, side, left, price)
    taken = []
    for clock in ("09:30:00", "09:30:30", "09:31:00", "09:40:00", "10:30:00"):
        tick = desk.tick(clock, code)
        bid, ask = tick["bidPrice"][0], tick["askPrice"][0]
        assert bid < ask or 0.0 in (bid, ask), clock  # 够大的把对面全抵掉了
        if clock == "09:30:00":
            rows = desk.trader.query_stock_trades(desk.account)
            taken = [row.traded_price for row in rows[1:]]
            assert sum(row.traded_volume for row in rows) < left
            assert (bid if buy else ask) == pytest.approx(price)
    assert taken
    assert all(each <= price if buy else each >= price for each in taken)


def test_a_small_bid_that_meets_the_ask_takes_its_part_of_it(room: Callable[..., Room]) -> None:
    """碰到对面、还没有轮到的小单：抵掉对面的那一点，不把整档藏起来，也不锁住盘口。"""
    desk, code = room(f"{DAY} 09:35"), "600036.SH"
    tick = desk.tick("09:35:00", code)
    limit = round(tick["bidPrice"][0] - 0.03, 2)
    desk.order(code, 23, 100, limit)
    for second in range(36 * 60, 59 * 60, 15):
        tick = desk.tick(f"09:{second // 60:02d}:{second % 60:02d}", code)
        assert tick["bidPrice"][0] < tick["askPrice"][0]


@pytest.mark.parametrize("seed", range(2))
def test_my_fills_of_a_tick_are_in_its_volume(room: Callable[..., Room], seed: int) -> None:
    """合成行情：一跳里吃单与挂单合计成交的，不超过那一跳显示的成交量。"""
    desk, chance = room(f"{DAY} 09:35"), random.Random(seed)
    codes = ("600036.SH", "300750.SZ", "113050.SH", "510300.SH")
    seen = {code: desk.tick("09:35:00", code) for code in codes}
    filled = dict.fromkeys(codes, 0)
    for second in range(3, 180, 3):
        clock = f"09:{35 + second // 60}:{second % 60:02d}"
        desk.user.sim.goto(f"{DAY} {clock}")
        for code in codes:
            tick = seen[code]
            side, sign = chance.choice(((23, -1), (24, 1)))
            if chance.random() < 0.3:
                price = tick["askPrice"][2] if side == 23 else tick["bidPrice"][2]
            else:
                price = round(tick["lastPrice"] * (1 + sign * 0.0004), 2)
            desk.order(code, side, 100 * chance.randint(1, 60), price)
        rows = desk.trader.query_stock_trades(desk.account)
        for code in codes:
            tick = desk.quotes.get_full_tick([code])[code]
            more = tick["pvolume"] - seen[code]["pvolume"]
            mine = sum(row.traded_volume for row in rows if row.stock_code == code)
            assert mine - filled[code] <= more, (clock, code)
            assert tick["low"] <= tick["lastPrice"] <= tick["high"]
            seen[code], filled[code] = tick, mine
    assert all(filled.values())
