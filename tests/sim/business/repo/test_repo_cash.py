"""可取资金：当天到账的能用不能取，花出去先花它；冻结着的从来不能取。

依据：卖出的钱当日可用、次一交易日可取；GC001 的本息 T+1 可用、T+2 可取。
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from counter_desk import DAY, kinds
from repo_helpers import GC001, go, interest, lend, yuan

if TYPE_CHECKING:
    from collections.abc import Callable

    from counter_desk import Desk

    Make = Callable[..., Desk]

HELD = (("600036.SH", 1000, 35_000_000),)


def sold(desk: Desk, volume: int) -> Decimal:
    """卖出后净到账多少。"""
    before = yuan(desk.asset().cash)
    price = desk.quote("600036.SH").bids[4].price_li / 1000
    assert desk.sell("600036.SH", volume, price).events[-1].row.order_status == 56
    return yuan(desk.asset().cash) - before


def fetch(desk: Desk) -> Decimal:
    return yuan(desk.asset().fetch_balance)


def test_proceeds_are_usable_today_and_withdrawable_tomorrow(make_repo: Make) -> None:
    desk = make_repo(clock="always", cash_li=0, positions=HELD)
    got = sold(desk, 1000)
    assert (yuan(desk.asset().cash), fetch(desk)) == (got, Decimal(0))
    price = desk.quote("000001.SZ").asks[4].price_li / 1000
    assert desk.buy("000001.SZ", 100, price).events[-1].row.order_status == 56, "可以再买"
    assert fetch(desk) == 0
    left = yuan(desk.asset().cash)
    desk.clock.advance(DAY)
    assert fetch(desk) == left


def test_spending_takes_the_proceeds_first(make_repo: Make) -> None:
    """原有 1 万元可取；卖出到账的再花掉，可取的一分不少。"""
    desk = make_repo(clock="always", cash_li=10_000_000, positions=HELD)
    got = sold(desk, 1000)
    assert fetch(desk) == 10_000
    price = desk.quote("000001.SZ").asks[4].price_li / 1000
    assert desk.buy("000001.SZ", 1000, price).events[-1].row.order_status == 56
    assert fetch(desk) == 10_000
    rest = yuan(desk.asset().cash) - 10_000
    assert 0 < rest < got
    assert lend(desk, GC001, int(rest) // 1000 * 10)
    assert fetch(desk) == 10_000, "借出去的也先花到账的"
    lend(desk, GC001, 50)
    assert fetch(desk) < 10_000, "到账的花完了才动原有的"
    assert fetch(desk) <= yuan(desk.asset().cash)


def test_frozen_money_is_never_withdrawable(make_repo: Make) -> None:
    desk = make_repo(clock="always", cash_li=20_000_000)
    placed = desk.buy("600036.SH", 200, desk.quote("600036.SH").limit_down_li / 1000)
    assert kinds(placed) == [50]
    row = desk.asset()
    assert row.frozen_cash > 0
    assert row.fetch_balance == row.cash
    assert row.current_balance == 20_000.0
    desk.cancel(placed.answer.order_id)
    assert fetch(desk) == 20_000


def test_a_resting_buy_eats_the_proceeds_before_the_rest(make_repo: Make) -> None:
    desk = make_repo(clock="always", cash_li=10_000_000, positions=HELD)
    got = sold(desk, 1000)
    down = desk.quote("000001.SZ").limit_down_li / 1000
    placed = desk.buy("000001.SZ", 500, down)
    frozen = yuan(desk.asset().frozen_cash)
    assert 0 < frozen < got
    assert fetch(desk) == 10_000
    desk.cancel(placed.answer.order_id)
    assert fetch(desk) == 10_000


def test_a_returned_repo_is_usable_then_withdrawable(make_repo: Make) -> None:
    """周四的 GC001：周五能用（再借一天），周一能取。"""
    desk = make_repo("2026-11-19 10:00")
    first = lend(desk, GC001, 5000)
    paid = Decimal(1_000_000) - 500_000 - 5
    assert fetch(desk) == paid
    go(desk, "2026-11-20 10:00")
    back = 500_000 + interest(first, 3)
    assert (yuan(desk.asset().cash), fetch(desk)) == (paid + back, paid)
    second = lend(desk, GC001, 5000)
    assert fetch(desk) == paid, "再借先花回来的，原有的一分不动"
    go(desk, "2026-11-23 10:00")
    assert fetch(desk) == paid - 5 + interest(first, 3)
    go(desk, "2026-11-24 10:00")
    assert fetch(desk) == paid - 5 + interest(first, 3) + 500_000 + interest(second, 1)
