"""一天的时段：哪个时候是什么，收不收委托，收不收撤单。一条一例，注明依据。"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from counter_desk import Desk, kinds, yuan
from day_helpers import at, error_of, jump

from easytrader.market.rules.after_hours import has_after_hours
from easytrader.market.rules.phases import WINDOWS, Phase
from easytrader.market.symbols import parse_security
from easytrader.sim.exchange.hours import AlwaysOpen, ExchangeHours

Make = Callable[..., Desk]
SH, SZ, BJ, SH_BOND, SZ_BOND, ETF = (
    "600036.SH", "000001.SZ", "920002.BJ", "113050.SH", "123107.SZ", "510300.SH",
)  # fmt: skip


@pytest.mark.parametrize(
    ("clock", "phase", "for_bonds"),
    [
        ((9, 14, 59), Phase.CLOSED, None),
        ((9, 15), Phase.OPEN_CALL, None),
        ((9, 19, 59), Phase.OPEN_CALL, None),
        ((9, 20), Phase.OPEN_CALL_FIXED, None),
        ((9, 25), Phase.PRE_OPEN, None),
        ((9, 30), Phase.CONTINUOUS, None),
        ((11, 30), Phase.LUNCH, None),
        ((13, 0), Phase.CONTINUOUS, None),
        ((14, 57), Phase.CLOSE_CALL, Phase.CONTINUOUS),
        ((15, 0), Phase.CLOSED, None),
        ((15, 5), Phase.AFTER_HOURS, Phase.CLOSED),
        ((15, 30), Phase.CLOSED, None),
    ],
)
def test_phases_of_a_day(clock: tuple[int, ...], phase: Phase, for_bonds: Phase | None) -> None:
    """SSE26 2.4.2、3.4.1，SZSE26 2.3.2、3.3.1，BSE26 2.3.2、3.3.1。"""
    hours = ExchangeHours()
    assert hours.phase(at(*clock), True, True) is phase
    assert hours.phase(at(*clock)) is (for_bonds or phase)
    assert hours.phase(at(*clock, day=21), True, True) is Phase.CLOSED  # 周六
    assert AlwaysOpen().phase(at(*clock), True, True) is Phase.CONTINUOUS


def test_every_window_names_its_source() -> None:
    assert all(each.source and each.since for each in WINDOWS)
    assert [each.start for each in WINDOWS] == sorted(each.start for each in WINDOWS)


@pytest.mark.parametrize(
    ("code", "day", "has"),
    [
        ("688981.SH", date(2019, 7, 21), False),
        ("688981.SH", date(2019, 7, 22), True),
        ("300750.SZ", date(2020, 8, 24), True),
        (SH, date(2026, 7, 5), False),
        (SH, date(2026, 7, 6), True),
        (SZ, date(2026, 7, 6), True),
        (ETF, date(2026, 7, 6), True),
        ("162411.SZ", date(2026, 11, 20), False),  # LOF 不在其列
        (SH_BOND, date(2026, 11, 20), False),
        (BJ, date(2026, 11, 20), False),  # BSE26 3.7.1–3.7.10 未启用
    ],
)
def test_after_hours(code: str, day: date, has: bool) -> None:
    assert has_after_hours(parse_security(code), day) is has


@pytest.mark.parametrize(
    ("code", "clock", "accepted"),
    [
        *((code, (9, 14, 59), False) for code in (SH, SZ, BJ)),
        *((code, (9, 15), True) for code in (SH, SZ, BJ, SH_BOND, SZ_BOND, ETF)),
        *((code, (9, 24, 59), True) for code in (SH, SZ, BJ)),
        (SH, (9, 25), False),  # SSE 主机 9:15–9:25、9:30–11:30、13:00–15:00 接受申报
        (SZ, (9, 25), True),  # SZSE26 3.3.1：接受，9:30 才处理
        (BJ, (9, 29, 59), False),
        *((code, (11, 30), False) for code in (SH, SZ, BJ)),
        *((code, (13, 0), True) for code in (SH, SZ, BJ)),
        *((code, (14, 57), True) for code in (SH, SZ, BJ, SH_BOND, SZ_BOND, ETF)),
        *((code, (15, 0), False) for code in (SH, SZ, BJ, SH_BOND)),
        *((code, (15, 10), False) for code in (SH, SZ, BJ)),
    ],
)
def test_when_a_limit_order_is_taken(
    make_day: Make, code: str, clock: tuple[int, ...], accepted: bool
) -> None:
    desk = make_day(*clock)
    outcome = desk.buy(code, 1000, yuan(desk.quote(code).limit_down_li))
    if accepted:
        assert kinds(outcome) == [50]
    else:
        assert kinds(outcome) == ["order_error", 57]
        assert "[12313][当前时间不允许此类证券交易]" in error_of(outcome)


def test_after_hours_has_its_own_order_types(make_day: Make) -> None:
    """盘后固定价格（SSE26、SZSE26，2026-07-06）有自己的委托类型，那时普通限价不收。"""
    outcome = make_day(15, 10).buy(SH, 100, 35.0)
    assert "盘后请用1043、1044" in error_of(outcome)


@pytest.mark.parametrize(
    ("clock", "accepted"),
    [
        ((9, 16), False),
        ((9, 21), False),
        ((9, 26), False),
        ((9, 30), True),
        ((14, 56, 59), True),
        ((14, 57), False),
    ],
)
def test_market_orders_only_in_continuous_trading(
    make_day: Make, clock: tuple[int, ...], accepted: bool
) -> None:
    """SSE26 3.3.4、SZSE26 3.3.4：市价申报只用于连续竞价；文字取自 OES 1224。"""
    desk = make_day(*clock)
    outcome = desk.buy(SZ, 100, 0.0, 44)
    if accepted:
        assert kinds(outcome) == [50, "trade", 56]
    else:
        assert kinds(outcome) == ["order_error", 57]
        assert "[1224][当前时段不支持市价委托]" in error_of(outcome)


@pytest.mark.parametrize(
    ("code", "placed", "clock", "accepted"),
    [
        (SH, (9, 15), (9, 19, 59), True),
        (SZ, (9, 15), (9, 19, 59), True),
        (SH, (9, 15), (9, 20), False),  # SSE26 3.4.1
        (SZ, (9, 15), (9, 24, 59), False),  # SZSE26 3.3.1
        (BJ, (9, 15), (9, 22), False),  # BSE26 3.3.1
        (SH, (9, 21), (9, 22), False),
        (SH, (9, 15), (9, 27), False),
        (SH, (9, 31), (9, 32), True),
        (SH, (9, 31), (11, 45), False),  # 午休主机不收
        (SH, (14, 0), (14, 56, 59), True),
        (SH, (14, 0), (14, 57), False),
        (SZ, (14, 58), (14, 59), False),
        (BJ, (14, 0), (14, 59, 59), False),
        (ETF, (14, 0), (14, 58), False),  # SSE26 2.4.2，2026-07-06 起
        (SZ_BOND, (14, 0), (14, 58), False),
        (SH_BOND, (14, 0), (14, 58), True),  # 沪市可转债没有收盘集合竞价
        (SH, (14, 0), (15, 1), False),
    ],
)
def test_when_a_cancel_is_taken(
    make_day: Make, code: str, placed: tuple[int, ...], clock: tuple[int, ...], accepted: bool
) -> None:
    desk = make_day(*placed)
    order_id = desk.buy(code, 1000, yuan(desk.quote(code).limit_down_li)).answer.order_id
    jump(desk, at(*clock))
    outcome = desk.cancel(order_id)
    assert outcome.answer.cancel_result == 0
    if accepted:
        assert kinds(outcome) == [51, 54]
    else:
        assert kinds(outcome) == ["cancel_error"]
        assert "[-990297020][当前时间不允许做该项业务]" in error_of(outcome)
        assert desk.order(order_id).order_status == 50


def test_a_cancel_in_the_quiet_minutes_of_shenzhen_waits(make_day: Make) -> None:
    """SZSE26 3.3.1：9:25–9:30 收下撤单，9:30 才处理；其间重启也不丢。"""
    desk = make_day(9, 15)
    low = yuan(desk.quote(SZ).limit_down_li)
    old = desk.buy(SZ, 1000, low).answer.order_id
    jump(desk, at(9, 26))
    late = desk.buy(SZ, 1000, low).answer.order_id
    assert kinds(desk.cancel(old)) == [51]
    assert kinds(desk.cancel(late)) == [51]
    again = desk.cancel(late)
    assert kinds(again) == ["cancel_error"]
    assert "[old_entrust_status=3]" in error_of(again)
    before = desk.snapshot(), desk.internals()
    desk.reopen()
    assert (desk.snapshot(), desk.internals()) == before
    assert desk.asset().frozen_cash > 0
    assert desk.engine.next_wakeup() == 240
    seen = jump(desk, at(9, 30))
    assert [(each.row.order_id, each.row.order_status) for each in seen] == [(old, 54), (late, 54)]
    assert desk.asset().frozen_cash == 0
    assert desk.engine.next_wakeup() is None


def test_an_order_in_the_quiet_minutes_of_shenzhen_trades_at_half_past(make_day: Make) -> None:
    desk = make_day(9, 27)
    opening = desk.quote(SZ)
    outcome = desk.buy(SZ, 1000, yuan(opening.asks[0].price_li))
    assert kinds(outcome) == [50]
    desk.reopen()
    assert jump(desk, at(9, 29, 57)) == []
    seen = jump(desk, at(9, 30))
    assert [each.kind for each in seen] == ["trade", "order"]
    assert seen[0].row.traded_time == at(9, 30)
    assert seen[0].row.traded_price == yuan(opening.asks[0].price_li)
    assert seen[1].row.order_status == 56
