"""五千多只证券、指数、板块、十年的历史：有内容，前后一致，谁取都一样。"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support import make_folder

from easytrader.basics.beijing import BEIJING, midnight
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.market import universe
from easytrader.sim.market.synthetic import SyntheticMarket
from easytrader.sim.quotes import indices
from easytrader.sim.quotes.board import Board, new_deadline
from easytrader.sim.quotes.indices import BASKET, INDICES, members
from easytrader.sim.quotes.tape import Paths

if TYPE_CHECKING:
    from pathlib import Path

FRIDAY = date(2026, 11, 20)


def at(hour: int, minute: int = 0, day: date = FRIDAY) -> float:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BEIJING).timestamp()


def board(tmp_path: Path, **settings: Any) -> Board:
    return Board(SimFolder.open(make_folder(tmp_path / "模拟", **settings)))


class TestListed:
    def test_five_thousand_stocks(self, tmp_path: Path) -> None:
        sectors = board(tmp_path).sectors
        stocks = sectors.members("沪深A股", FRIDAY)
        assert len(stocks) > 5000
        assert stocks == sorted(set(stocks))
        names = [universe.instrument_name(code) for code in stocks]
        assert len(set(names)) == len(names)
        assert all(3 <= len(name) <= 8 for name in names)
        assert {"600036.SH", "000001.SZ", "300750.SZ", "688981.SH"} <= set(stocks)

    def test_every_one_is_tradable_with_its_own_details(self, tmp_path: Path) -> None:
        quotes = board(tmp_path, clock="exchange")
        codes = quotes.sectors.members("沪深京A股", FRIDAY)[::41]
        codes += [quotes.sectors.members(name, FRIDAY)[-1] for name in ("沪深ETF", "沪深转债")]
        ticks = quotes.snapshot(codes, at(10))
        assert list(ticks) == codes
        for code in codes:
            detail = quotes.detail(code, at(10))
            assert detail is not None
            assert ticks[code]["bidPrice"][0] > 0
            assert detail["DownStopPrice"] < ticks[code]["lastPrice"] < detail["UpStopPrice"]
            assert 10_000 <= detail["FloatVolume"] <= detail["TotalVolume"]
            assert ticks[code]["pvolume"] < detail["FloatVolume"]
            assert 19901219 <= detail["OpenDate"] <= 20251231
            assert detail["ExpireDate"] == 99999999

    def test_what_is_written_wins(self, tmp_path: Path) -> None:
        folder = make_folder(tmp_path / "模拟", clock="exchange")
        (folder / "instruments.json").write_text(
            '{"600001.SH": {"listed": "2026-01-05"}, "600036.SH": {"delisted": "2027-01-04"}}',
            encoding="utf-8",
        )
        quotes = Board(SimFolder.open(folder))
        assert "600001.SH" in quotes.sectors.members("沪深A股", FRIDAY)
        new, old = quotes.detail("600001.SH", at(10)), quotes.detail("600036.SH", at(10))
        assert new is not None and old is not None  # noqa: PT018
        assert (new["OpenDate"], old["ExpireDate"]) == (20260105, 20270104)
        bars = quotes.bars("600001.SH", "1d", ("", "", -1), at(10), new_deadline())
        assert bars[0].time == midnight(date(2026, 1, 5).toordinal())

    @pytest.mark.parametrize(
        ("name", "size"),
        [("沪深300", 300), ("上证50", 50), ("中证500", 500), ("中证1000", 1000), ("科创50", 50)],
    )
    def test_weighed_sectors(self, tmp_path: Path, name: str, size: int) -> None:
        found = board(tmp_path).sectors.members(name, FRIDAY)
        assert len(set(found)) == len(found) == size

    @pytest.mark.parametrize(
        ("name", "least"),
        [
            ("沪深指数", 20), ("沪深ETF", 500), ("沪深转债", 300), ("沪深基金", 800),
            ("北证A股", 200), ("京市A股", 200), ("创业板", 1000), ("科创板", 400),
            ("上证A股", 2000), ("深证A股", 2000), ("SH", 2000), ("BJ", 200), ("京市指数", 1),
        ],
    )  # fmt: skip
    def test_standard_sectors(self, tmp_path: Path, name: str, least: int) -> None:
        assert len(board(tmp_path).sectors.members(name, FRIDAY)) >= least

    @pytest.mark.parametrize("name", ["中金所", "上期所", "大商所", "郑商所", "没有的", ""])
    def test_nothing_there(self, tmp_path: Path, name: str) -> None:
        assert board(tmp_path).sectors.members(name, FRIDAY) == []

    def test_a_sector_in_the_past_has_only_what_was_listed(self, tmp_path: Path) -> None:
        sectors = board(tmp_path).sectors
        then = sectors.members("沪深A股", date(2015, 6, 1))
        assert 1500 < len(then) < len(sectors.members("沪深A股", FRIDAY))
        assert not any(code.startswith("688") for code in then)


class TestIndices:
    @pytest.mark.parametrize("clock", ["always", "exchange"])
    def test_the_points_are_the_members(self, tmp_path: Path, clock: str) -> None:
        """涨跌幅就是篮子里各只按权重的涨跌幅。"""
        quotes = board(tmp_path, clock=clock, seed=3)
        now = at(15, 1) if clock == "exchange" else at(14)
        basket = list(members("000300.SH", 3)[:BASKET])
        ticks = quotes.snapshot(["000300.SH", *basket], now)
        caps = [universe.float_cap(parse_security(code), 3) for code in basket]
        index = ticks.pop("000300.SH")
        moves = [tick["lastPrice"] / tick["lastClose"] - 1 for tick in ticks.values()]
        expected = sum(c * m for c, m in zip(caps, moves, strict=True)) / sum(caps)
        move = index["lastPrice"] / index["lastClose"] - 1
        assert move == pytest.approx(expected, abs=2e-3)
        assert index["low"] <= index["lastPrice"] <= index["high"]
        assert index["askPrice"] == [0.0] * 5
        assert index["openInt"] in (13, 15)
        assert 5 < index["amount"] / index["pvolume"] < 15

    def test_all_are_there(self, tmp_path: Path) -> None:
        quotes = board(tmp_path)
        assert list(quotes.snapshot(list(INDICES), at(10))) == list(INDICES)

    @pytest.mark.parametrize("code", ["000001.SH", "399006.SZ", "000688.SH", "899050.BJ"])
    def test_each_has_a_quote_and_history(self, tmp_path: Path, code: str) -> None:
        quotes = board(tmp_path, clock="exchange")
        now = at(15, 30)
        tick = quotes.snapshot([code], now)[code]
        points = INDICES[code].points_li / 1000
        assert 0.9 * points < tick["lastPrice"] < 1.1 * points
        [before, today] = quotes.bars(code, "1d", ("", "", 2), now, new_deadline())
        assert today.close_li == round(tick["lastPrice"] * 1000)
        assert today.pre_close_li == before.close_li == round(tick["lastClose"] * 1000)
        minutes = quotes.bars(code, "1m", ("20261120", "", -1), now, new_deadline())
        assert len(minutes) == 240
        assert max(bar.high_li for bar in minutes) == today.high_li
        assert min(bar.low_li for bar in minutes) == today.low_li
        detail = quotes.detail(code, now)
        assert detail is not None
        assert detail["InstrumentName"] == INDICES[code].name


class TestTogether:
    @pytest.mark.parametrize("clock", ["always", "exchange"])
    @pytest.mark.parametrize("wild", [0.0, 0.3])
    def test_many_at_once_is_one_by_one(self, tmp_path: Path, clock: str, wild: float) -> None:
        settings = {"gap_days": wild, "limit_days": wild, "halt_days": wild, "thin_books": wild}
        one, all_ = (board(tmp_path / name, clock=clock, **settings) for name in "甲乙")
        codes = [*all_.sectors.members("沪深A股", FRIDAY)[::250], "000001.SH", "113050.SH",
                 "204001.SH", "511880.SH"]  # fmt: skip
        for now in (at(9, 31), at(9, 32), at(14, 59), at(15, 5)):
            together = all_.snapshot(codes, now)
            assert together == {code: one.snapshot([code], now)[code] for code in codes}

    @pytest.mark.parametrize("code", ["600036.SH", "920002.BJ", "511880.SH", "204001.SH"])
    def test_the_extremes_are_those_of_the_path(self, tmp_path: Path, code: str) -> None:
        quotes = board(tmp_path, clock="exchange")
        market: Any = quotes._past.market.inner
        assert type(market) is SyntheticMarket
        paths = Paths(market, quotes.calendar.pattern(), quotes.calendar.pattern(late=True))
        security = parse_security(code)
        for day in quotes.calendar.days(at(15))[:15]:
            for first, last in quotes._past.spans(security, day):
                path = market.path(security, first, last)
                assert paths.extremes(security, first, last) == (min(path), max(path))
        assert paths._trusted

    @pytest.mark.parametrize("wild", [0.0, 0.3])
    def test_the_reach_of_an_index_is_that_of_its_path(self, tmp_path: Path, wild: float) -> None:
        settings = {"gap_days": wild, "limit_days": wild, "halt_days": wild}
        quotes = board(tmp_path, clock="exchange", **settings)
        market: Any = quotes._past.market
        index = parse_security("000300.SH")
        paths = Paths(market, quotes.calendar.pattern())
        for day in quotes.calendar.days(at(15))[:5]:
            for first, last in [*quotes._past.spans(index, day), (market.tick_at(at(9, 20)),) * 2]:
                path = market.path(index, first, last)
                assert paths.extremes(index, first, last) == (min(path), max(path))

    def test_an_index_is_busier_on_some_days(self, tmp_path: Path) -> None:
        quotes = board(tmp_path, clock="exchange")
        bars = quotes.bars("000300.SH", "1d", ("", "", 20), at(15, 30), new_deadline())
        volumes = [bar.volume for bar in bars]
        assert len(set(volumes)) == 20
        assert max(volumes) < 2 * min(volumes)

    @pytest.mark.parametrize("wild", [0.0, 0.3])
    def test_an_index_without_numpy(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wild: float
    ) -> None:
        market: Any = board(
            tmp_path, clock="exchange", halt_days=wild, limit_days=wild
        )._past.market
        index = parse_security("000905.SH")
        span = market.tick_at(at(10)), market.tick_at(at(11))
        with_numpy = market.path(index, *span)
        monkeypatch.setattr(indices, "_numpy", lambda: None)
        assert market.path(index, *span) == with_numpy

    def test_every_process_sees_the_same(self, tmp_path: Path) -> None:
        folder = make_folder(tmp_path / "模拟", clock="exchange")
        script = (
            "import sys\n"
            "from easytrader.sim.config.folder import SimFolder\n"
            "from easytrader.sim.quotes.board import Board, new_deadline\n"
            "board = Board(SimFolder.open(sys.argv[1]))\n"
            f"print(board.bars('603311.SH', '5m', ('', '', 50), {at(14)}, new_deadline()))\n"
            f"print(board.snapshot(['000905.SH', '301818.SZ'], {at(14)}))\n"
        )
        seen = {
            subprocess.run(
                [sys.executable, "-c", script, str(folder)],
                capture_output=True, text=True, check=True, timeout=120,
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            ).stdout
            for seed in ("1", "2")
        }  # fmt: skip
        assert len(seen) == 1


class TestHistory:
    @pytest.mark.parametrize("clock", ["always", "exchange"])
    def test_ten_years_of_days_two_of_minutes(self, tmp_path: Path, clock: str) -> None:
        quotes = board(tmp_path, clock=clock)
        now = at(15, 30)
        days = quotes.calendar.days(now)
        assert date.fromordinal(days[-1]) <= date(2016, 11, 20)
        assert len(days) > 2400
        text = "20161121"
        [old] = quotes.bars("600036.SH", "1d", (text, text, -1), now, new_deadline())
        assert old.volume > 0
        text = "20241120"
        assert quotes.bars("600036.SH", "1m", (text, text, -1), now, new_deadline())
        assert quotes.ticks("600036.SH", (text, text, 3), now, new_deadline())
        assert not quotes.bars("600036.SH", "1m", ("20230103", "20230103", -1), now, new_deadline())

    def test_days_follow_each_other(self, tmp_path: Path) -> None:
        quotes = board(tmp_path, clock="exchange")
        bars = quotes.bars("600036.SH", "1d", ("20260101", "", -1), at(15, 30), new_deadline())
        assert len(bars) > 200
        assert [bar.pre_close_li for bar in bars[1:]] == [bar.close_li for bar in bars[:-1]]
        tick = quotes.snapshot(["600036.SH"], at(15, 30))["600036.SH"]
        assert tick["lastClose"] * 1000 == pytest.approx(bars[-2].close_li)

    def test_not_before_it_was_listed(self, tmp_path: Path) -> None:
        quotes = board(tmp_path, clock="exchange")
        security = parse_security("301818.SZ")
        bars = quotes.bars("301818.SZ", "1d", ("", "", -1), at(15, 30), new_deadline())
        assert bars[0].time == midnight(universe.opened(security.stock_code).toordinal())
        assert quotes._past._paths()._trusted

    @pytest.mark.parametrize("period", ["1w", "1mon"])
    def test_the_last_few_need_not_the_whole(self, tmp_path: Path, period: str) -> None:
        quotes = board(tmp_path, clock="exchange")
        some = quotes.bars("600036.SH", period, ("", "", 3), at(15, 30), new_deadline())
        many = quotes.bars("600036.SH", period, ("20260801", "", -1), at(15, 30), new_deadline())
        assert some == many[-3:]


ACTIONS = (
    '{"600036.SH": [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 1.5, "bonus": 1, '
    '"transfer": 2}]}'
)


def test_dividends_adjust_the_bars(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "模拟", clock="exchange")
    (folder / "corporate_actions.json").write_text(ACTIONS, encoding="utf-8")
    quotes = Board(SimFolder.open(folder))

    def closes(kind: str, period: str = "1d") -> list[float]:
        span = ("20261117", "20261119", -1)
        bars = quotes.bars("600036.SH", period, span, at(15, 30), new_deadline(), kind)
        return [bar.close_li / 1000 for bar in bars]

    [before, on, after] = closes("none")
    [factor] = quotes.factors("600036.SH", "", "", at(15, 30)).values()
    assert closes("front") == [pytest.approx((before - 1.5) / 1.3, abs=0.001), on, after]
    assert closes("front_ratio") == [pytest.approx(before / factor["dr"], abs=0.001), on, after]
    moved = [pytest.approx(close * 1.3 + 1.5, abs=0.001) for close in (on, after)]
    assert closes("back") == [before, *moved]
    moved = [pytest.approx(close * factor["dr"], abs=0.001) for close in (on, after)]
    assert closes("back_ratio") == [before, *moved]
    assert closes("front", "1m")[-1] == after
    assert closes("front", "1m")[0] < 0.8 * closes("none", "1m")[0]


@pytest.mark.parametrize("clock", ["always", "exchange", "step"])
def test_calendars_under_every_clock(tmp_path: Path, clock: str) -> None:
    settings = {"start": "2026-11-20 10:00"} if clock == "step" else {}
    calendar = board(tmp_path, clock=clock, **settings).calendar
    now = at(10)
    holidays = calendar.holidays(now)
    assert holidays == sorted(set(holidays))
    assert holidays[-1] // 10_000 >= 2026
    assert 20261120 not in holidays
    assert (20261001 in holidays) is (clock != "always")
    coming = calendar.coming(now, 3)
    assert coming[0] > FRIDAY.toordinal()
    after = date(2026, 11, 21) if clock == "always" else date(2026, 11, 23)
    assert date.fromordinal(coming[0]) == after


def test_calendars_beyond_what_is_announced(tmp_path: Path) -> None:
    """公布的休市只到今年：明年的日历照样问得到，厂商不会说「超出现有节假日数据」。"""
    calendar = board(tmp_path, clock="exchange").calendar
    assert calendar.holidays(at(10, day=date(2028, 3, 1)))[-1] == 20280101
