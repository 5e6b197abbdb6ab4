"""合成行情里要来的难走的日子：各自的样子，首尾相接，同样的种子同样的日子。"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from market_data import at

from easytrader.basics.beijing import midnight
from easytrader.errors import UsageError
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import SimConfig
from easytrader.sim.exchange.hours import AlwaysOpen, ExchangeHours
from easytrader.sim.market.closes import BLOCK, Conditions, fate_of
from easytrader.sim.market.synthetic import SyntheticMarket

if TYPE_CHECKING:
    from collections.abc import Callable

CODES = ("600036.SH", "000001.SZ", "688981.SH", "300750.SZ", "920002.BJ", "510300.SH", "113050.SH")
HOURS = ExchangeHours()
EVERYTHING = Conditions(0.3, 0.2, 0.2, 0.3)
FIRST = date(2025, 9, 1).toordinal()


def days(first: int = FIRST, count: int = 250) -> list[int]:
    found = []
    number = first
    while len(found) < count:
        if HOURS.day(midnight(number)) == number:
            found.append(number)
        number += 1
    return found


def made(conditions: Conditions, seed: int = 5) -> SyntheticMarket:
    return SyntheticMarket(seed, HOURS, 3.0, conditions)


def ticks(market: SyntheticMarket, day: int) -> list[int]:
    """一天里隔十分钟看一眼。"""
    opened = midnight(day)
    seconds = [*range(34200, 41400, 600), *range(46800, 54000, 600), 53999]
    return [market.tick_at(opened + second) for second in seconds]


@pytest.mark.parametrize("code", CODES)
def test_closes_join_up_and_stay_in_the_band(code: str) -> None:
    """每天的前收盘就是上一天收盘后的价，收盘在涨跌停以内；问的先后不影响答案。"""
    market, security = made(EVERYTHING), parse_security(code)
    before = None
    for number in days():
        opened = market.quote(security, market.tick_at(midnight(number) + 34200))
        closed = market.quote(security, market.tick_at(midnight(number) + 15.1 * 3600))
        if before is not None:
            assert opened.pre_close_li == before
        assert opened.limit_down_li <= closed.last_li <= opened.limit_up_li
        before = closed.last_li
    for number in (FIRST + 200, FIRST + 30):
        fresh = made(EVERYTHING)
        tick = fresh.tick_at(midnight(number) + 36000)
        assert fresh.quote(security, tick) == market.quote(security, tick)


def found_days(
    conditions: Conditions, wanted: Callable[[Any], bool], code: str = "600036.SH"
) -> tuple[SyntheticMarket, list[int]]:
    market, security = made(conditions), parse_security(code)
    chosen = [day for day in days() if wanted(market._day_at(security, midnight(day) + 36000).fate)]
    assert chosen
    return market, chosen


def test_a_gap_opens_away_from_yesterdays_close() -> None:
    market, chosen = found_days(Conditions(gap_days=1.0), lambda fate: fate.gap)
    assert len(chosen) > 200
    security = parse_security("600036.SH")
    sizes = []
    for day in chosen:
        quote = market.quote(security, market.tick_at(midnight(day) + 34203))
        sizes.append(quote.last_li / quote.pre_close_li - 1)
    assert all(0.008 < abs(size) < 0.055 for size in sizes)
    assert min(sizes) < 0 < max(sizes)


def test_a_limit_day_seals_one_side_of_the_book() -> None:
    market, chosen = found_days(Conditions(limit_days=1.0), lambda fate: fate.seal is not None)
    security = parse_security("600036.SH")
    ups = downs = one_word = 0
    for day in chosen:
        tick = market.tick_at(midnight(day) + 53700)
        quote = market.quote(security, tick)
        if quote.last_li == quote.limit_up_li:
            ups += 1
            assert not quote.asks
            assert quote.bids[0].price_li == quote.limit_up_li
        else:
            downs += 1
            assert quote.last_li == quote.limit_down_li
            assert not quote.bids
            assert quote.asks[0].price_li == quote.limit_down_li
        assert market.prints(security, tick).volume == 0
        first = market.quote(security, market.tick_at(midnight(day) + 34203))
        one_word += first.last_li == quote.last_li
    assert ups > 20
    assert downs > 20
    assert 10 < one_word < len(chosen)


def test_a_suspended_day_has_no_market_at_all() -> None:
    market, chosen = found_days(Conditions(halt_days=0.5), lambda fate: fate.suspended)
    security = parse_security("600036.SH")
    for day in chosen:
        for tick in ticks(market, day):
            quote = market.quote(security, tick)
            assert quote.suspended
            assert quote.asks == quote.bids == ()
            assert quote.last_li == quote.pre_close_li
            assert market.prints(security, tick).volume == 0


def test_a_halt_in_the_day_freezes_the_price_and_then_trades_again() -> None:
    market, chosen = found_days(Conditions(halt_days=0.5), lambda fate: fate.halt)
    security = parse_security("600036.SH")
    for day in chosen[:40]:
        [(start, stop, _)] = market._day_at(security, midnight(day) + 36000).halts
        frozen = market.quote(security, start - 1).last_li
        assert market.path(security, start - 2, stop + 2)[2:-3] == [frozen] * (stop - start)
        middle = market.quote(security, (start + stop) // 2)
        assert middle.asks == middle.bids == ()
        assert not middle.suspended
        assert market.prints(security, stop - 1).volume == 0
        assert market.prints(security, stop + 1).volume > 0
        assert market.quote(security, stop).asks


def test_a_thin_book_is_thin_and_wide() -> None:
    security = parse_security("600036.SH")
    usual, thin = made(Conditions()), made(Conditions(thin_books=1.0))
    tick = usual.tick_at(at("10:00"))
    normal, sparse = usual.quote(security, tick), thin.quote(security, tick)
    assert sparse.asks[0].volume * 10 < normal.asks[0].volume
    assert sparse.asks[1].price_li - sparse.asks[0].price_li == 3 * (
        normal.asks[1].price_li - normal.asks[0].price_li
    )
    assert thin.prints(security, tick).volume * 10 < usual.prints(security, tick).volume


@pytest.mark.parametrize("code", CODES)
def test_span_and_path_hold_on_every_kind_of_day(code: str) -> None:
    market, security = made(EVERYTHING), parse_security(code)
    for day in days(count=60):
        for first in ticks(market, day)[::5]:
            last = first + 150
            path = market.path(security, first - 1, last)
            low, high = market.span(security, first, last)
            assert low <= min(path[1:])
            assert max(path[1:]) <= high
            for tick in (first, first + 77, last):
                assert market.quote(security, tick).last_li == path[tick - first + 1]


def test_no_conditions_is_the_old_market() -> None:
    plain = SyntheticMarket(5, AlwaysOpen())
    asked = SyntheticMarket(5, AlwaysOpen(), 3.0, Conditions(thin_books=0.0))
    for code in CODES:
        security = parse_security(code)
        for tick in range(plain.tick_at(at("10:00")), plain.tick_at(at("10:10"))):
            assert plain.quote(security, tick) == asked.quote(security, tick)


def test_shares_of_days_are_about_what_was_asked() -> None:
    fates = [
        fate_of(Conditions(0.2, 0.1, 0.1, 0.5), salt, day, quiet=False)
        for salt in range(100)
        for day in range(FIRST, FIRST + 100)
    ]
    total = len(fates)
    halts = sum(fate.suspended or fate.halt is not None for fate in fates) / total
    assert abs(halts - 0.1) < 0.01
    assert abs(sum(fate.seal is not None for fate in fates) / total - 0.09) < 0.01
    assert abs(sum(fate.gap != 0 for fate in fates) / total - 0.162) < 0.012
    assert abs(sum(fate.thin for fate in fates) / total - 0.5) < 0.02


def test_the_end_of_a_block_is_back_on_the_noise() -> None:
    """收盘价从一段的开头推起，所以一段的结尾必须回到噪声给出的价格。"""
    calm = made(Conditions())
    for conditions in (Conditions(1.0), Conditions(0.0, 1.0), Conditions(0.0, 0.0, 1.0)):
        market = made(conditions)
        for code in CODES:
            security = parse_security(code)
            for block in range(FIRST // BLOCK, FIRST // BLOCK + 3):
                last = HOURS.previous((block + 1) * BLOCK)
                tick = market.tick_at(midnight(last) + 15.1 * 3600)
                assert market.quote(security, tick).last_li == calm.quote(security, tick).last_li


@pytest.mark.parametrize("name", ["gap_days", "limit_days", "halt_days", "thin_books"])
@pytest.mark.parametrize("value", [-0.1, 1.5, "一半", True, float("nan")])
def test_shares_are_checked(name: str, value: object) -> None:
    with pytest.raises(UsageError, match="比例"):
        SimConfig(**{name: value})  # type: ignore[arg-type]
