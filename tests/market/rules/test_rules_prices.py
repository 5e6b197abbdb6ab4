"""取整、涨跌停、价格笼子：与定点小数的独立写法逐一相同；基准价按次序取。"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_desk import Case, at, refusal

from easytrader.market.rules import RuleBook, price_limits, rules_for
from easytrader.market.rules.bands import Rounding, bound
from easytrader.market.rules.cage import CAGES, cage_limit, reference_price
from easytrader.market.rules.choices import Choices
from easytrader.market.rules.facts import Facts, Period
from easytrader.market.symbols import Kind, parse_security
from easytrader.sim.exchange.depth import Level, Quote
from easytrader.sim.exchange.hours import AlwaysOpen
from easytrader.sim.market.synthetic import SyntheticMarket

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_desk import RuleDesk

    Open = Callable[..., RuleDesk]

TICKS = st.sampled_from([1, 10])
STEPS = st.integers(1, 5_000_000)
RATIOS = st.sampled_from([500, 1000, 2000, 3000, 4330, 5730, 200])


def _rounded(base_li: int, ratio: Decimal, tick: int) -> int:
    steps = (Decimal(base_li) * ratio / tick).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return int(steps) * tick


@settings(max_examples=300)
@given(STEPS, TICKS, RATIOS)
def test_bound_is_half_up_and_at_least_a_tick_away(steps: int, tick: int, bp: int) -> None:
    base = steps * tick
    ratio = Decimal(bp) / 10_000
    high, low = bound(base, 10_000 + bp, tick), bound(base, 10_000 - bp, tick)
    assert high == max(_rounded(base, 1 + ratio, tick), base + tick)
    assert low == max(min(_rounded(base, 1 - ratio, tick), base - tick), tick)
    assert high % tick == low % tick == 0
    assert tick <= low <= base < high


@settings(max_examples=300)
@given(STEPS, TICKS, st.sampled_from([row.value for row in CAGES]))
def test_cage_is_the_wider_of_percent_and_ticks(steps: int, tick: int, cage: object) -> None:
    ratio_bp, ticks = cage  # type: ignore[misc]
    base = steps * tick
    ratio = Decimal(ratio_bp) / 10_000
    high, low = (cage_limit(buy, base, cage, tick) for buy in (True, False))  # type: ignore[arg-type]
    assert high == max(_rounded(base, 1 + ratio, tick), base + max(ticks, 1) * tick)
    wide = min(_rounded(base, 1 - ratio, tick), base - max(ticks, 1) * tick)
    assert low == max(wide, tick)


@settings(max_examples=200)
@given(STEPS, st.sampled_from(["600036.SH", "688981.SH", "920002.BJ", "510300.SH", "113050.SH"]))
def test_limits_hold_the_pre_close(steps: int, code: str) -> None:
    rules = rules_for(parse_security(code), date(2026, 11, 20))
    assert rules is not None
    pre = steps * rules.tick_li
    low, high = price_limits(pre, rules)
    assert rules.tick_li <= low <= pre < high
    assert low < pre or pre == rules.tick_li


@pytest.mark.parametrize(
    ("code", "reference", "buy", "sell"),
    [
        ("600036.SH", 3_000, 3_100, 2_900),  # 2% 是 0.06，10 个价位是 0.10
        ("600036.SH", 35_500, 36_210, 34_790),
        ("688981.SH", 3_000, 3_060, 2_940),  # 科创板没有价位一项
        ("688981.SH", 20, 30, 10),
        ("920002.BJ", 1_000, 1_100, 900),
        ("920002.BJ", 30_000, 31_500, 28_500),
    ],
)
def test_cage_by_hand(code: str, reference: int, buy: int, sell: int) -> None:
    rules = rules_for(parse_security(code), date(2026, 11, 20))
    assert rules is not None
    assert rules.cage is not None
    assert cage_limit(True, reference, rules.cage, rules.tick_li) == buy
    assert cage_limit(False, reference, rules.cage, rules.tick_li) == sell


ASKS, BIDS = (Level(10_100, 500),), (Level(10_000, 500),)


@pytest.mark.parametrize(
    ("buy", "asks", "bids", "reference"),
    [
        (True, ASKS, BIDS, 10_100),
        (True, (), BIDS, 10_000),
        (True, (), (), 9_900),
        (False, ASKS, BIDS, 10_000),
        (False, ASKS, (), 10_100),
        (False, (), (), 9_900),
    ],
)
def test_reference_falls_back_in_order(
    open_desk: Open,
    buy: bool,
    asks: tuple[Level, ...],
    bids: tuple[Level, ...],
    reference: int,
) -> None:
    """盘口钉住，走引擎：恰好到边界收下，多一个价位拒绝。"""
    assert reference_price(buy, asks, bids, 9_900) == reference
    side = "买" if buy else "卖"
    desk = open_desk(Case("C1", "600036.SH", side, 100, 0.0, held=1000))
    tick = desk.quote().tick
    pinned = Quote(tick, 9_900, 9_900, 8_910, 10_890, asks, bids)
    desk.engine._market.quote = lambda security, tick: pinned  # type: ignore[method-assign]
    edge = (reference * (102 if buy else 98) // 100 + 5) // 10 * 10
    beyond = edge + 10 if buy else edge - 10
    assert refusal(desk.submit(side, 100, edge / 1000))[0] == 0
    number, text = refusal(desk.submit(side, 100, beyond / 1000))
    assert number == 1024
    assert f"{edge / 1000:.3f}" in text


def test_new_listing_counts_trading_sessions() -> None:
    """上市日落在假期前：数的是交易日，不是日历日。"""
    book = RuleBook({"600036.SH": Facts(listed=date(2026, 9, 30))}, _previous)
    security = parse_security("600036.SH")
    free = [
        day
        for day in map(date.fromordinal, range(_ORDINAL, _ORDINAL + 25))
        if (rules := book.rules(security, day)) is not None and rules.band is None
    ]
    assert free[0] == date(2026, 9, 30)
    sessions = [day for day in free if _is_session(day)]
    assert sessions == [
        date(2026, 9, 30),
        date(2026, 10, 8),
        date(2026, 10, 9),
        date(2026, 10, 12),
        date(2026, 10, 13),
    ]


_ORDINAL = date(2026, 9, 30).toordinal()


def _is_session(day: date) -> bool:
    return day.weekday() < 5 and not date(2026, 10, 1) <= day <= date(2026, 10, 7)


def _previous(number: int) -> int:
    number -= 1
    while not _is_session(date.fromordinal(number)):
        number -= 1
    return number


def test_facts_outside_their_period_change_nothing() -> None:
    security = parse_security("600036.SH")
    facts = Facts(risk_warning=(Period(date(2026, 1, 5), date(2026, 3, 31)),))
    for day, band in ((date(2026, 1, 4), 1000), (date(2026, 3, 31), 500), (date(2026, 4, 1), 1000)):
        rules = rules_for(security, day, facts)
        assert rules is not None
        assert rules.band_bp == band
        assert rules.risk_warned is (band == 500)


def test_shanghai_commodity_etf_is_same_day_since_2020() -> None:
    """D5：代码段里还没有这样的基金，换一个品种来问。"""
    fund = replace(parse_security("510300.SH"), kind=Kind.COMMODITY_ETF)
    for day, same in ((date(2020, 1, 19), False), (date(2020, 1, 20), True)):
        rules = rules_for(fund, day)
        assert rules is not None
        assert rules.same_day_sale is same


ST = {"risk_warning": (Period(date(2020, 1, 1)),)}
FIRST = {"listed": date(2026, 11, 20)}
LEAVING = {"delisting_period": (Period(date(2020, 12, 30)),)}


@pytest.mark.parametrize(
    ("rule", "code", "day", "facts", "limits"),
    [
        ("B1", "600036.SH", "2026-11-20", {}, (9_000, 11_000)),
        ("B1", "000001.SZ", "2026-11-20", {}, (9_000, 11_000)),
        ("B2", "688981.SH", "2026-11-20", {}, (8_000, 12_000)),
        ("B2", "688981.SH", "2026-07-05", ST, (8_000, 12_000)),
        ("B3", "300750.SZ", "2026-07-05", ST, (8_000, 12_000)),
        ("B4", "300750.SZ", "2020-08-23", {}, (9_000, 11_000)),
        ("B5", "920002.BJ", "2026-07-05", ST, (7_000, 13_000)),
        ("B10", "159967.SZ", "2026-11-20", {}, (8_000, 12_000)),
        ("B10", "159783.SZ", "2020-08-23", {}, (9_000, 11_000)),
        ("B6", "511880.SH", "2026-11-20", {}, (9_000, 11_000)),
        ("B7", "113050.SH", "2026-11-20", {}, (8_000, 12_000)),
        ("B8", "600036.SH", "2026-07-06", ST, (9_000, 11_000)),
        ("B9", "600036.SH", "2026-07-05", ST, (9_500, 10_500)),
        ("B9", "000001.SZ", "2026-07-05", ST, (9_500, 10_500)),
        ("B10", "588000.SH", "2020-08-20", {}, (9_000, 11_000)),
        ("B10", "588000.SH", "2020-08-21", {}, (8_000, 12_000)),
        ("B10", "159915.SZ", "2026-11-20", {}, (8_000, 12_000)),
        ("B10", "159901.SZ", "2026-11-20", {"wide_band": date(2020, 8, 24)}, (8_000, 12_000)),
        ("N5", "113050.SH", "2026-11-20", FIRST, (5_670, 15_730)),
        ("N6", "508000.SH", "2026-11-20", FIRST, (7_000, 13_000)),
        # 施行以前上市（进入整理期）的，施行以后还在头几天里也不放开
        ("N1", "600036.SH", "2023-04-10", {"listed": date(2023, 4, 7)}, (9_000, 11_000)),
        ("N3", "300750.SZ", "2020-08-24", {"listed": date(2020, 8, 21)}, (8_000, 12_000)),
        ("N7", "600036.SH", "2020-12-31", LEAVING, (9_000, 11_000)),
        ("N7", "688981.SH", "2023-04-10", LEAVING, (8_000, 12_000)),
        # 退市整理期按板块的幅度，清单里风险警示没有写末日也一样
        ("N7", "600036.SH", "2026-07-02", ST | LEAVING, (9_000, 11_000)),
    ],
)
def test_limits_by_hand(
    rule: str, code: str, day: str, facts: dict[str, Any], limits: tuple[int, int]
) -> None:
    """前收盘（首日是发行价）10 元。"""
    book = RuleBook({code: Facts(**facts)})
    rules = book.rules(parse_security(code), date.fromisoformat(day))
    assert rules is not None
    assert price_limits(10_000, rules) == limits, rule


@pytest.mark.parametrize("number", range(600000, 600030))
def test_the_day_after_a_long_suspension_stays_within_its_limits(number: int) -> None:
    """停了几个月，复牌那天的收盘仍在涨跌幅之内，再一天的前收盘就是它。"""
    security = parse_security(f"{number}.SH")
    facts = Facts(suspended=(Period(date(2026, 1, 5), date(2026, 5, 20)),), **ST)
    hours = AlwaysOpen()
    book = RuleBook({security.stock_code: facts}, hours.previous)
    market = SyntheticMarket(20261121, hours, book=book)
    resumed, after = (
        market.quote(security, market.tick_at(at(day, "10:00")))
        for day in ("2026-05-21", "2026-05-22")
    )
    assert resumed.limit_down_li <= after.pre_close_li <= resumed.limit_up_li


@pytest.mark.parametrize(
    ("pre", "up", "down"),
    [
        (84_630, 110_010, 59_250),
        (17_090, 22_210, 11_970),
        (31_460, 40_890, 22_030),
        (2_850, 3_700, 2_000),
        (20, 30, 10),  # 至少一个价位
        (10, 20, 10),
    ],
)
def test_beijing_limits_are_rounded_inward(pre: int, up: int, down: int) -> None:
    """B12：前四个是真实的封板价。"""
    rules = rules_for(parse_security("920002.BJ"), date(2026, 11, 20))
    assert rules is not None
    assert price_limits(pre, rules) == (down, up)


def test_the_beijing_cage_is_a_choice() -> None:
    """C7：默认四舍五入，选向里的少一个价位。"""
    security = parse_security("920002.BJ")
    day = date(2026, 11, 20)
    for choice, edges in ((None, (32_240, 29_170)), (Rounding.INWARD, (32_230, 29_170))):
        rules = RuleBook(choices=Choices(bse_cage=choice)).rules(security, day)
        assert rules is not None
        assert rules.cage is not None
        found = tuple(
            cage_limit(buy, 30_700, rules.cage, rules.tick_li, rules.cage_rounding)
            for buy in (True, False)
        )
        assert found == edges
