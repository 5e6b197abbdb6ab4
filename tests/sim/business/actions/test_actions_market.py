"""合成行情里的除权与上市：与先问哪一天、有没有缓存无关；收盘价总在涨跌停以内。"""

from __future__ import annotations

import random
from datetime import date

import pytest

from easytrader.market.rules import RuleBook, price_limits
from easytrader.market.rules.exrights import Change
from easytrader.market.rules.facts import Facts
from easytrader.market.symbols import parse_security
from easytrader.sim.exchange.hours import ExchangeHours
from easytrader.sim.market.closes import Conditions
from easytrader.sim.market.script import Listing, Script
from easytrader.sim.market.synthetic import SyntheticMarket

HOURS = ExchangeHours()
OLD, NEW = parse_security("600036.SH"), parse_security("688801.SH")
LISTED = date(2026, 8, 12)
SHARE = 10**7


def ordinal(month: int, day: int) -> int:
    return date(2026, month, day).toordinal()


SCRIPT = Script(
    {
        OLD.stock_code: [
            Change(ordinal(6, 18), 1_200_000, SHARE, SHARE),
            Change(ordinal(6, 20), 0, 13 * 10**6, SHARE),  # 周六，与下一次一起在周一
            Change(ordinal(6, 22), 0, 15 * 10**6, SHARE),
            Change(ordinal(9, 1), 5_000_000, 2 * SHARE, SHARE),
        ],
        NEW.stock_code: [Change(ordinal(9, 15), 100_000, 12 * 10**6, SHARE)],
    },
    {NEW.stock_code: Listing(LISTED.toordinal(), 25_600)},
)
HARD = Conditions(0.2, 0.2, 0.2, 0.2)
DAYS = [
    number
    for number in range(ordinal(6, 1), ordinal(10, 31))
    if HOURS.following(HOURS.previous(number)) == number
]


def market(conditions: Conditions) -> SyntheticMarket:
    book = RuleBook({NEW.stock_code: Facts(listed=LISTED)}, HOURS.previous)
    return SyntheticMarket(7, HOURS, 3.0, conditions, book, SCRIPT)


def noon(market: SyntheticMarket, number: int) -> int:
    return market.tick_at(HOURS.day_end(number) - 7200)


@pytest.mark.parametrize("conditions", [Conditions(), HARD], ids=["平静", "难走"])
@pytest.mark.parametrize("security", [OLD, NEW], ids=["老股", "新股"])
def test_prices_do_not_depend_on_what_was_asked_before(
    security: object, conditions: Conditions
) -> None:
    assert security in (OLD, NEW)
    target = OLD if security is OLD else NEW
    known = market(conditions)
    in_order = [known.quote(target, noon(known, number)) for number in DAYS]
    shuffled = list(range(len(DAYS)))
    random.Random(3).shuffle(shuffled)
    other = market(conditions)
    for index in shuffled:
        assert other.quote(target, noon(other, DAYS[index])) == in_order[index]
    for index in shuffled[:12]:
        fresh = market(conditions)
        assert fresh.quote(target, noon(fresh, DAYS[index])) == in_order[index]


@pytest.mark.parametrize("conditions", [Conditions(), HARD], ids=["平静", "难走"])
def test_each_day_follows_from_the_one_before(conditions: Conditions) -> None:
    found = market(conditions)
    for security in (OLD, NEW):
        for number in DAYS:
            before = HOURS.previous(number)
            quote = found.quote(security, noon(found, number))
            close, last = found.closing(security, number), found.closing(security, before)
            carried = SCRIPT.carried(security.stock_code, last, before, number, 10)
            assert quote.pre_close_li == carried
            rules = found._rulebook.rules(security, date.fromordinal(number))
            assert rules is not None
            low, high = price_limits(carried, rules)
            assert low <= close <= high
            if security is NEW and number < LISTED.toordinal():
                assert (quote.last_li, quote.suspended, quote.asks) == (25_600, True, ())
    assert found.quote(NEW, noon(found, LISTED.toordinal())).pre_close_li == 25_600


def test_two_changes_on_one_morning_are_both_applied() -> None:
    found = market(Conditions())
    friday = found.closing(OLD, HOURS.previous(ordinal(6, 22)))
    quote = found.quote(OLD, noon(found, ordinal(6, 22)))
    first = round(friday / 10 / 1.3 + 1e-9)
    assert abs(quote.pre_close_li / 10 - first / 1.5) <= 0.5
