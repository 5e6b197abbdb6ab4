"""合成行情：确定、可随机访问、像样。"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from easytrader.market.rules import Rules, rules_for
from easytrader.market.symbols import parse_security
from easytrader.sim.exchange.hours import AlwaysOpen, ExchangeHours
from easytrader.sim.market.synthetic import SyntheticMarket

SHANGHAI = timezone(timedelta(hours=8))


def at(*parts: int) -> float:
    return datetime(*parts, tzinfo=SHANGHAI).timestamp()


def rules(code: str) -> Rules:
    found = rules_for(parse_security(code), date(2026, 11, 20))
    assert found is not None
    return found


CODES = [
    *("600036.SH", "600519.SH", "688981.SH", "000001.SZ", "300750.SZ", "920002.BJ"),
    *("162411.SZ", "510300.SH", "511880.SH", "113050.SH", "123107.SZ", "601988.SH"),
    *("002415.SZ", "603288.SH", "159949.SZ", "508000.SH", "019547.SH", "836149.BJ"),
]


@pytest.mark.parametrize("code", CODES)
def test_synthetic_quotes_are_plausible(code: str) -> None:
    security = parse_security(code)
    market = SyntheticMarket(7, AlwaysOpen())
    found = rules(code)
    for tick in range(market.tick_at(at(2026, 11, 20)), market.tick_at(at(2026, 11, 21)), 977):
        quote = market.quote(security, tick)
        assert quote.limit_down_li < quote.last_li < quote.limit_up_li
        asks, bids = [a.price_li for a in quote.asks], [b.price_li for b in quote.bids]
        assert len(asks) == len(bids) == 10
        assert asks == sorted(set(asks))
        assert bids == sorted(set(bids), reverse=True)
        assert bids[0] < asks[0]
        assert quote.last_li in (bids[0], asks[0])
        for price, volume in (*quote.asks, *quote.bids):
            assert price % found.tick_li == 0
            assert volume >= found.lot.minimum
            assert volume % max(found.lot.step, 10) == 0


@pytest.mark.parametrize("hours", [AlwaysOpen(), ExchangeHours()], ids=["always", "exchange"])
def test_yesterdays_close_is_todays_pre_close(hours: AlwaysOpen | ExchangeHours) -> None:
    market = SyntheticMarket(7, hours)
    for code in CODES:
        security = parse_security(code)
        end = hours.day_end(hours.day(at(2026, 11, 23, 10)))
        last = market.quote(security, market.tick_at(end - 0.001)).last_li
        opened = market.quote(security, market.tick_at(at(2026, 11, 24, 9, 31)))
        # 收盘前的最后一跳离收盘价只差盘口的宽度
        assert abs(last - opened.pre_close_li) <= 0.001 * last + 2 * rules(code).tick_li


def test_price_stands_still_after_the_close() -> None:
    market = SyntheticMarket(7, ExchangeHours())
    for code in CODES:
        security = parse_security(code)
        evening, saturday = (
            market.quote(security, market.tick_at(ts)).last_li
            for ts in (at(2026, 11, 20, 15, 30, 3), at(2026, 11, 21, 12))
        )
        monday = market.quote(security, market.tick_at(at(2026, 11, 23, 9, 0)))
        assert evening == saturday == monday.pre_close_li == monday.last_li
        assert market.prints(security, market.tick_at(at(2026, 11, 21, 12))).volume == 0


def test_same_seed_same_price_whatever_was_asked_before() -> None:
    hours = AlwaysOpen()
    security = parse_security("600036.SH")
    wandering, fresh = SyntheticMarket(3, hours), SyntheticMarket(3, hours)
    tick = fresh.tick_at(at(2026, 11, 20, 10))
    for other in (tick + 500_000, tick - 70_000, tick + 1):
        wandering.quote(security, other)
    assert wandering.quote(security, tick) == fresh.quote(security, tick)
    assert SyntheticMarket(4, hours).quote(security, tick) != fresh.quote(security, tick)


def test_price_stays_near_its_anchor_for_years() -> None:
    market = SyntheticMarket(1, AlwaysOpen())
    security = parse_security("600036.SH")
    for month in range(60):
        last = market.quote(security, market.tick_at(at(2026, 1, 1) + month * 30.5 * 86400)).last_li
        assert abs(last - 35_500) < 35_500 * 0.07


@pytest.mark.parametrize("code", CODES)
def test_span_covers_every_print(code: str) -> None:
    market = SyntheticMarket(11, AlwaysOpen())
    security = parse_security(code)
    start = market.tick_at(at(2026, 11, 20))
    for first in (start, start + 300, start + 14_000, start + 28_800 - 64):
        low, high = market.span(security, first, first + 63)
        for tick in range(first, first + 64):
            prints = market.prints(security, tick)
            assert low <= prints.low_li <= prints.high_li <= high


@pytest.mark.parametrize("hours", [AlwaysOpen(), ExchangeHours()], ids=["always", "exchange"])
def test_path_is_the_same_prices_tick_by_tick(hours: AlwaysOpen | ExchangeHours) -> None:
    market = SyntheticMarket(5, hours)
    for code in CODES:
        security = parse_security(code)
        start = market.tick_at(at(2026, 11, 20, 9, 25))
        path = market.path(security, start, start + 1300)
        for tick in range(start, start + 1300, 7):
            assert market.quote(security, tick).last_li == path[tick - start]
            known = market.printed(security, tick + 1, *path[tick - start : tick - start + 2])
            assert known == market.prints(security, tick + 1)


def test_half_a_print_is_still_whole_lots() -> None:
    market = SyntheticMarket(5, AlwaysOpen())
    for code, lot in (("113050.SH", 10), ("600036.SH", 100), ("019547.SH", 1000)):
        start = market.tick_at(at(2026, 11, 20))
        for tick in range(start, start + 200):
            assert market.prints(parse_security(code), tick).volume % (2 * lot) == 0


def test_anchor_golden() -> None:
    """跨平台、跨版本同一个数：改了算法这里会响。"""
    market = SyntheticMarket(20261121, AlwaysOpen())
    tick = market.tick_at(at(2026, 11, 20, 10))
    seen = {code: market.quote(parse_security(code), tick).last_li for code in CODES[:4]}
    assert seen == {
        "600036.SH": 35_100,
        "600519.SH": 1_454_100,
        "688981.SH": 90_110,
        "000001.SZ": 11_260,
    }
