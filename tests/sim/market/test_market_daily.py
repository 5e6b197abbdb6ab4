"""日线作回放：价格在一天里怎样走，往不利的一边取；停在哪一刻都与数据对得上。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_data import BUY, CODE, SECURITY, SELL, Desk, at, market, write

from easytrader.errors import SimulatorError
from easytrader.market.symbols import parse_security
from easytrader.sim.exchange.hours import ExchangeHours
from easytrader.sim.market.replay import ReplayMarket
from easytrader.sim.quotes.board import Board, new_deadline

if TYPE_CHECKING:
    from pathlib import Path

BOND = "113050.SH"
ROWS = ("20260302,35.10,36.00,34.50,35.60,20000,35.00", "20260303,35.60,35.90,35.20,35.30,30000,")
HEADER = "time,open,high,low,close,volume,preClose"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "日线"
    root.mkdir()
    write(root / f"{CODE}_1d.csv", ROWS, HEADER)
    write(root / f"{BOND}_1d.csv", ["20260302,110,112,108,111,90000,110"], HEADER)
    return root


def replayed(data: Path, tick_s: float = 3.0) -> ReplayMarket:
    return market(data, "1d", tick_s)


def test_the_four_prices_of_a_day(data: Path) -> None:
    """T+1 的先低后高：上午到最低，下午到最高，14:57 之前到收盘；开盘价 9:25 就有。"""
    days = replayed(data)
    seen = {
        clock: days.quote(SECURITY, days.tick_at(at(clock))).last_li
        for clock in ("09:24:00", "09:25", "09:30", "10:49:00", "13:39:00", "14:56:57", "15:00")
    }
    assert seen["09:24:00"] == 35_000
    assert seen["09:25"] == seen["09:30"] == 35_100
    assert seen["10:49:00"] == 34_500
    assert seen["13:39:00"] > 35_900
    assert seen["14:56:57"] == seen["15:00"] == 35_600
    first, last = days.tick_at(at("09:30")), days.tick_at(at("15:00"))
    path = days.path(SECURITY, first, last)
    assert (min(path), max(path)) == (34_500, 36_000)
    assert path.index(34_500) < path.index(36_000)
    lunch = days.path(SECURITY, days.tick_at(at("11:30")), days.tick_at(at("13:00")))
    assert len(set(lunch)) == 1
    assert days.quote(SECURITY, first).asks
    assert days.quote(SECURITY, days.tick_at(at("13:00"))).bids
    tomorrow = days.quote(SECURITY, days.tick_at(at("10:00", "2026-03-03")))
    assert tomorrow.pre_close_li == 35_600


def test_same_day_kinds_go_high_first(data: Path) -> None:
    """当日可以回转的先高后低：低买高卖的来回做不成。"""
    days = replayed(data)
    bond = parse_security(BOND)
    path = days.path(bond, days.tick_at(at("09:30:03")), days.tick_at(at("15:00")))
    assert path.index(112_000) < path.index(108_000)


@given(first=st.integers(1, 5990), length=st.integers(0, 3000))
def test_the_span_covers_the_path(first: int, length: int) -> None:
    days = _fixed()
    start = days.tick_at(at("09:20"))
    a, b = start + first, min(start + first + length, days.tick_at(at("15:00")))
    if a > b:
        return
    path = days.path(SECURITY, a - 1, b)
    low, high = days.span(SECURITY, a, b)
    assert low <= min(path)
    assert max(path) <= high


def _fixed() -> ReplayMarket:
    """不经过文件的一天。"""
    from easytrader.sim.market.columns import Bar

    bar = Bar(int(at("00:00")), 35_100, 36_000, 34_500, 35_600, 2_000_000, 35_000)

    class Tape:
        def day(self, number: int) -> list[Bar]:
            return [bar]

        def last_before(self, number: int) -> None:
            return None

    class Library:
        def tape(self, security: object) -> Tape:
            return Tape()

    return ReplayMarket(Library(), "1d", ExchangeHours())  # type: ignore[arg-type]


def test_orders_on_daily_bars(tmp_path: Path, data: Path) -> None:
    """挂单穿过才成交，在自己的价；到不了的收盘到期；委托与成交不会超过那一份量。"""
    desk = Desk(tmp_path / "盘", data, replay_period="1d", positions=((CODE, 10_000, 35 * 10**7),))
    desk.go("09:31")
    low = desk.submit(BUY, 1000, 34.8).answer.order_id
    never = desk.submit(BUY, 1000, 34.5).answer.order_id
    high = desk.submit(SELL, 1000, 35.9).answer.order_id
    desk.go("14:59")
    prices = {row.order_id: row.traded_price for row in desk.trades()}
    assert prices == {low: 34.8, high: 35.9}
    desk.go("09:31", "2026-03-03")
    assert never not in {row.order_id for row in desk.trades()}
    board = Board(desk.folder)
    bars = board.bars(CODE, "1d", ("20260302", "20260302", -1), at("16:00"), new_deadline())
    [bar] = bars
    assert bar[1:6] == (35_100, 36_000, 34_500, 35_600, 2_000_000)
    desk.engine.close()


def test_a_day_without_volume_is_a_suspension(tmp_path: Path) -> None:
    rows = [ROWS[0], "20260303,35.6,35.6,35.6,35.6,0,35.6"]
    write(tmp_path / f"{CODE}.csv", rows, HEADER)
    days = replayed(tmp_path)
    assert days.quote(SECURITY, days.tick_at(at("10:00", "2026-03-03"))).suspended


def test_a_book_all_day(data: Path) -> None:
    """一天的量摊到几千跳还是看得见盘口；挂单分到的合起来不超过一半的一份。"""
    days = replayed(data)
    first, last = days.tick_at(at("09:30")), days.tick_at(at("14:57"))
    for tick in range(first, last, 37):
        quote = days.quote(SECURITY, tick)
        assert quote.asks or quote.bids
    passed = sum(days.prints(SECURITY, tick).volume for tick in range(first, last))
    assert 0 < passed <= 20_000 * 100 // 8


def test_two_bars_of_a_day_are_refused(tmp_path: Path) -> None:
    write(tmp_path / f"{CODE}.csv", [ROWS[0], "20260302150000,35,36,34.5,35,1,35"], HEADER)
    days = replayed(tmp_path)
    with pytest.raises(SimulatorError, match=r"600036.SH 2026-03-02 有 2 根日线"):
        days.quote(SECURITY, days.tick_at(at("10:00")))


def test_parquet_of_daily_bars(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    millis = int(at("00:00") * 1000)
    table = pyarrow.table(
        {
            "code": [CODE], "time": [millis], "open": [35.1], "high": [36.0], "low": [34.5],
            "close": [35.6], "volume": [20000], "preClose": [35.0],
        }
    )  # fmt: skip
    parquet.write_table(table, tmp_path / "all.parquet")
    days = replayed(tmp_path / "all.parquet")
    assert days.quote(SECURITY, days.tick_at(at("15:00"))).last_li == 35_600
