"""规则、费用、日历与时间：一张张表。"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from easytrader.errors import SimulatorError
from easytrader.market.calendar import coverage, is_trading_day, last_trading_day
from easytrader.market.rules import Lot, Rules, price_limits, rules_for
from easytrader.market.rules.fees import FeeSchedule
from easytrader.market.symbols import parse_security
from easytrader.sim.exchange.hours import AlwaysOpen, ExchangeHours, day_code

TODAY = date(2026, 11, 20)
SHANGHAI = timezone(timedelta(hours=8))


def at(*parts: int) -> float:
    return datetime(*parts, tzinfo=SHANGHAI).timestamp()


def rules(code: str, day: date = TODAY) -> Rules:
    found = rules_for(parse_security(code), day)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("code", "tick", "lot", "band", "same_day", "market_types"),
    [
        ("600036.SH", 10, Lot(100, 100), 1000, False, {42, 43, 44, 45}),
        ("688981.SH", 10, Lot(200, 1), 2000, False, {42, 43, 44, 45}),
        ("000001.SZ", 10, Lot(100, 100), 1000, False, {44, 45, 46, 47, 48}),
        ("300750.SZ", 10, Lot(100, 100), 2000, False, {44, 45, 46, 47, 48}),
        ("920002.BJ", 10, Lot(100, 1), 3000, False, {42, 43, 44, 45}),
        ("510300.SH", 1, Lot(100, 100), 1000, False, {42, 43, 44, 45}),
        ("588000.SH", 1, Lot(100, 100), 2000, False, {42, 43, 44, 45}),
        ("162411.SZ", 1, Lot(100, 100), 1000, True, {44, 45, 46, 47, 48}),
        ("511880.SH", 1, Lot(100, 100), 1000, True, {42, 43, 44, 45}),
        ("513100.SH", 1, Lot(100, 100), 1000, True, {42, 43, 44, 45}),
        ("113050.SH", 1, Lot(10, 10), 2000, True, set()),
        ("123107.SZ", 1, Lot(10, 10), 2000, True, set()),
        ("019547.SH", 1, Lot(1000, 1000), None, True, set()),
    ],
)
def test_rules_by_board(
    code: str, tick: int, lot: Lot, band: int | None, same_day: bool, market_types: set[int]
) -> None:
    found = rules(code)
    assert (found.tick_li, found.lot, found.band_bp) == (tick, lot, band)
    assert found.same_day_sale is same_day
    assert found.market_types == market_types


@pytest.mark.parametrize(
    ("code", "day", "band"),
    [
        ("300750.SZ", date(2020, 8, 23), 1000),
        ("300750.SZ", date(2020, 8, 24), 2000),
        ("113050.SH", date(2022, 7, 31), None),
        ("113050.SH", date(2022, 8, 1), 2000),
    ],
)
def test_rules_change_on_their_date(code: str, day: date, band: int | None) -> None:
    assert rules(code, day).band_bp == band


@pytest.mark.parametrize(
    ("code", "day", "call"),
    [
        ("600036.SH", TODAY, True),
        ("600036.SH", date(2018, 8, 19), False),
        ("688981.SH", TODAY, True),
        ("510300.SH", date(2026, 7, 5), False),
        ("510300.SH", date(2026, 7, 6), True),
        ("000001.SZ", TODAY, True),
        ("300750.SZ", TODAY, True),
        ("162411.SZ", TODAY, True),
        ("123107.SZ", TODAY, True),
        ("920002.BJ", TODAY, True),
        ("113050.SH", TODAY, False),
        ("019547.SH", TODAY, False),
    ],
)
def test_closing_call_auction(code: str, day: date, call: bool) -> None:
    assert rules(code, day).closing_call is call
    before, after = at(2026, 11, 20, 14, 56, 59), at(2026, 11, 20, 14, 57)
    assert ExchangeHours().is_open(before, call)
    assert ExchangeHours().is_open(after, call) is not call
    assert AlwaysOpen().is_open(after, call)


@pytest.mark.parametrize("code", ["900901.SH", "200002.SZ", "000300.SH", "730001.SH"])
def test_not_simulated(code: str) -> None:
    assert rules_for(parse_security(code), TODAY) is None


@pytest.mark.parametrize(
    ("code", "pre_close", "limits"),
    [
        ("600036.SH", 35_500, (31_950, 39_050)),
        ("600036.SH", 3_050, (2_750, 3_360)),  # 2.745 与 3.355：四舍五入，不是银行家舍入
        ("600036.SH", 40, (30, 50)),  # 不足一个价位的取一个价位
        ("600036.SH", 10, (10, 20)),  # 不会跌到 0
        ("688981.SH", 90_000, (72_000, 108_000)),
        ("162411.SZ", 618, (556, 680)),
        ("920002.BJ", 30_010, (21_010, 39_010)),
    ],
)
def test_price_limits(code: str, pre_close: int, limits: tuple[int, int]) -> None:
    assert price_limits(pre_close, rules(code)) == limits


@pytest.mark.parametrize(
    ("code", "buy", "amount", "fee"),
    [
        ("600036.SH", True, 3_550_000, 5_000 + 40),  # 最低 5 元 + 过户费 0.0355 → 0.04
        ("600036.SH", False, 3_550_000, 5_000 + 40 + 1_780),  # 印花税 1.775 → 1.78
        ("600036.SH", True, 100_000_000, 25_000 + 1_000),
        ("600036.SH", False, 100_000_000, 25_000 + 1_000 + 50_000),
        ("162411.SZ", False, 61_800, 5_000),  # 基金没有印花税与过户费
        ("511880.SH", True, 10_000_000, 0),
        ("113050.SH", False, 115_000_000, 5_750),
        ("113050.SH", True, 1_150_000, 1_000),
        ("600036.SH", True, 0, 0),
    ],
)
def test_fees(code: str, buy: bool, amount: int, fee: int) -> None:
    rates = FeeSchedule().rates(parse_security(code), buy, TODAY)
    assert rates.total(amount) == fee


def test_stamp_duty_halved_in_2023() -> None:
    security = parse_security("600036.SH")
    before, after = (
        FeeSchedule().rates(security, False, day) for day in (date(2023, 8, 27), date(2023, 8, 28))
    )
    assert (before.stamp_ppm, after.stamp_ppm) == (1000, 500)


def test_fees_never_fall_as_the_order_fills() -> None:
    rates = FeeSchedule().rates(parse_security("600036.SH"), False, TODAY)
    totals = [rates.total(amount) for amount in range(0, 60_000_000, 333_330)]
    assert totals == sorted(totals)


@pytest.mark.parametrize(
    ("day", "known"),
    [
        (date(2026, 11, 20), True),
        (date(2026, 11, 21), False),
        (date(2026, 2, 14), False),  # 调休补班的周六不开市
        (date(2026, 10, 1), False),
        (date(2026, 12, 31), True),
        (date(2027, 1, 4), None),
        (date(2000, 1, 3), False),
        (date(1999, 12, 31), None),
    ],
)
def test_trading_days(day: date, known: bool | None) -> None:
    assert is_trading_day(day) is known


def test_calendar_coverage() -> None:
    known = coverage()
    assert known is not None
    assert known == (date(2000, 1, 1), date(2026, 12, 31))
    assert last_trading_day(date(2026, 11, 22)) == TODAY
    assert last_trading_day(date(2030, 1, 1)) == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("ts", "opened", "day"),
    [
        (at(2026, 11, 20, 9, 29, 59), False, "20261120"),
        (at(2026, 11, 20, 9, 30, 0), True, "20261120"),
        (at(2026, 11, 20, 11, 30, 0), False, "20261120"),
        (at(2026, 11, 20, 13, 0, 0), True, "20261120"),
        (at(2026, 11, 20, 15, 0, 0), False, "20261120"),
        (at(2026, 11, 21, 10, 0, 0), False, "20261120"),
        (at(2026, 11, 23, 10, 0, 0), True, "20261123"),
        (at(2027, 1, 4, 10, 0, 0), True, "20270104"),  # 末日之后：周一至周五
        (at(2027, 1, 9, 10, 0, 0), False, "20270108"),
    ],
)
def test_exchange_hours(ts: float, opened: bool, day: str) -> None:
    hours = ExchangeHours()
    assert hours.is_open(ts) is opened
    assert day_code(hours.day(ts)) == day


def test_exchange_hours_say_when_the_calendar_begins() -> None:
    assert "2000-01-01" in ExchangeHours().closed_reason(at(1999, 1, 4, 10))
    assert ExchangeHours().closed_reason(at(2027, 1, 9, 10)) == ""
    assert ExchangeHours().closed_reason(at(2026, 11, 21, 10)) == ""
    with pytest.raises(SimulatorError, match="交易日历"):
        ExchangeHours().day(at(1999, 1, 4, 10))


def test_day_boundaries() -> None:
    always, exchange = AlwaysOpen(), ExchangeHours()
    midnight = at(2026, 11, 21)
    assert day_code(always.day(midnight)) == "20261121"
    assert day_code(always.day(midnight - 1)) == "20261120"
    assert always.day_end(always.day(midnight - 1)) == midnight == always.next_change(midnight - 1)
    assert exchange.day_end(exchange.day(midnight)) == at(2026, 11, 20, 15)
    assert exchange.next_change(at(2026, 11, 20, 12)) == at(2026, 11, 20, 13)
    assert exchange.next_change(at(2026, 11, 20, 16)) == midnight
    assert exchange.progress(at(2026, 11, 20, 12), exchange.day(midnight)) == 0.5
