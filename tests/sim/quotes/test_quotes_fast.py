"""一起算的与一只一只、一天一天算的逐位相同；公式改了就不用它。"""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support import make_folder

from easytrader.basics.beijing import BEIJING, stamp
from easytrader.market.rules import RuleBook, rules_for
from easytrader.market.rules.choices import Choices
from easytrader.market.rules.tables import _STARTS, era
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.market.synthetic import SyntheticMarket
from easytrader.sim.native.frames import labels_of
from easytrader.sim.quotes import sheet
from easytrader.sim.quotes.board import Board, new_deadline

if TYPE_CHECKING:
    from pathlib import Path

FRIDAY = date(2026, 11, 20)
CODES = [
    "600036.SH", "600519.SH", "688111.SH", "000002.SZ", "300750.SZ", "301818.SZ", "920002.BJ",
    "430047.BJ", "510300.SH", "588000.SH", "589010.SH", "159915.SZ", "159901.SZ", "162411.SZ",
    "161005.SZ", "501018.SH", "501050.SH", "508001.SH", "511880.SH", "513100.SH", "518880.SH",
    "113050.SH", "123107.SZ", "019547.SH", "204001.SH", "131810.SZ", "204005.SH",
]  # fmt: skip


def at(hour: int, minute: int = 0, day: date = FRIDAY) -> float:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BEIJING).timestamp()


def board(tmp_path: Path, name: str = "模拟", **settings: Any) -> Board:
    return Board(SimFolder.open(make_folder(tmp_path / name, **settings)))


@pytest.mark.parametrize("choices", [Choices(), Choices(bse_after_hours=date(2026, 9, 1))])
def test_rules_of_the_same_era_are_the_same(choices: Choices) -> None:
    """每个起始日的前一天、当天、后一天，各类代码：合在一起查的与单独查的相同。"""
    book = RuleBook(choices=choices)
    for since, shift in itertools.product(sorted(_STARTS), (-1, 0, 1)):
        day = since + timedelta(days=shift)
        for code in CODES:
            security = parse_security(code)
            assert book.rules(security, day) == rules_for(security, day, choices=choices)


def test_eras() -> None:
    assert era(date(2026, 7, 5)) == era(date(2026, 6, 30)) != era(date(2026, 7, 6))
    assert era(date(1900, 1, 1)) is None


class TestQuotes:
    @pytest.mark.parametrize("clock", ["always", "exchange"])
    @pytest.mark.parametrize("thin", [0.0, 0.5])
    def test_together_is_one_by_one(self, tmp_path: Path, clock: str, thin: float) -> None:
        quotes = board(tmp_path, clock=clock, thin_books=thin)
        market: Any = quotes._live.market.inner
        assert type(market) is SyntheticMarket
        import numpy as np

        securities = [parse_security(code) for code in CODES if quotes.find(code)]
        for now in (at(9, 25), at(9, 31), at(11, 29), at(14, 56), at(14, 58), at(15)):
            tick = market.tick_at(now)
            for late in (False, True):  # 到 15:30 的另有时段
                found = [(each, market._day_at(each, now)) for each in securities]
                found = [each for each in found if each[1].rules.late_close is late]
                days = [day for _, day in found]
                assert days
                made = sheet.quotes(np, market, quotes.calendar.pattern(late), days, tick)
                assert made == [market.quote(each, tick) for each, _ in found]

    def test_a_changed_formula_is_noticed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        honest = board(tmp_path, "甲", clock="exchange")
        codes = honest.sectors.members("沪深A股", FRIDAY)[::200]
        expected = {code: honest.snapshot([code], at(14))[code] for code in codes}
        levels = SyntheticMarket._levels

        def doubled(self: Any, *args: Any) -> Any:
            return tuple(each._replace(volume=2 * each.volume) for each in levels(self, *args))

        monkeypatch.setattr(SyntheticMarket, "_levels", doubled)
        changed = board(tmp_path, "乙", clock="exchange").snapshot(codes, at(14))
        for code, tick in expected.items():
            assert changed[code]["bidVol"] == [2 * each for each in tick["bidVol"]]


class TestIndices:
    @pytest.mark.parametrize("wild", [0.0, 0.3])
    @pytest.mark.parametrize("clock", ["always", "exchange"])
    def test_a_day_together_is_tick_by_tick(
        self, tmp_path: Path, clock: str, wild: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = {"gap_days": wild, "limit_days": wild, "halt_days": wild}
        fast, slow = (board(tmp_path, name, clock=clock, **settings) for name in "甲乙")
        market: Any = slow._past.market
        monkeypatch.setattr(market, "_together", lambda *_: None)
        ask = "399006.SZ", "5m", ("", "", 5), at(14, 30), new_deadline()
        assert fast.bars(*ask) == slow.bars(*ask)

    def test_a_changed_formula_is_noticed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ask = "000300.SH", "1d", ("", "", 2), at(9, 50), new_deadline()
        honest = board(tmp_path, "甲", clock="exchange").bars(*ask)
        prices = sheet.prices
        monkeypatch.setattr(sheet, "prices", lambda *args: prices(*args) + 10)
        assert board(tmp_path, "乙", clock="exchange").bars(*ask) == honest


@pytest.mark.parametrize("wild", [0.0, 0.3])
@pytest.mark.parametrize("clock", ["always", "exchange"])
@pytest.mark.parametrize("code", ["600036.SH", "204001.SH"])
def test_history_is_the_path(
    tmp_path: Path, code: str, clock: str, wild: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """日线、分钟线：一次取许多天的，与不一起算、逐日逐跳问的相同。"""
    settings = {"gap_days": wild, "limit_days": wild, "halt_days": wild, "thin_books": wild}
    fast, slow = (board(tmp_path, name, clock=clock, **settings) for name in "甲乙")
    monkeypatch.setattr(slow._past._paths(), "_trusted", False)
    now = at(14, 41)
    for period, count in (("1d", 4), ("1m", 250)):
        ask = code, period, ("", "", count), now, new_deadline()
        assert fast.bars(*ask) == slow.bars(*ask)


def test_labels() -> None:
    times = [
        int(at(9, 31)),
        int(at(15)),
        int(at(0)),
        int(at(23, 59)),
        int(at(9, day=date(2020, 2, 29))),
    ]
    for form in ("%Y%m%d", "%Y%m%d%H%M%S"):
        assert labels_of(times, form) == [stamp(each, form) for each in times]
