"""盘后固定价格的委托怎么收、怎么撤。收下之后等着，由 `session` 撮合。"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import midnight
from easytrader.codes import AFTER_HOURS_TYPES, PriceType
from easytrader.sim.after_hours.session import within_close
from easytrader.sim.checks import NO_SUCH, Ticket, check
from easytrader.sim.events import Reject
from easytrader.sim.gate import CLOSED, NO_CANCEL
from easytrader.sim.phases import Phase
from easytrader.sim.rules.after_hours import MATCHING, has_after_hours, most, windows
from easytrader.sim.rules.quantities import Size
from easytrader.symbols import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.account import Account
    from easytrader.sim.ledger import Surroundings
    from easytrader.sim.orders import SimOrder
    from easytrader.sim.plugin import Way
    from easytrader.symbols import Security

__all__ = ["AfterHoursBusiness", "after_hours_business"]

_ALWAYS: Final = "clock=always没有盘后定价"
_NONE: Final = Reject(12314, "该证券没有盘后固定价格交易")
_LIMIT_ONLY: Final = Reject(1224, "盘后固定价格只收限价")
_BEYOND: Final = Reject(1221, "委托价格比收盘价差，不能按收盘价成交")


def after_hours_business() -> Callable[[Surroundings], AfterHoursBusiness]:
    """没有要读的文件。"""
    return AfterHoursBusiness


class AfterHoursBusiness:
    """满足 `Business`。

    守恒律同普通买卖：钱和券都在账户里，这项业务不另外拿着什么。
    """

    def __init__(self, seen: Surroundings) -> None:
        self._seen = seen
        self._ledger = seen.ledger

    def way(self, order: SimOrder) -> Way | None:
        """同普通买卖。"""
        return None

    def claims(self, order: SimOrder, account: Account) -> bool:
        """1043、1044。"""
        return order.order_type in AFTER_HOURS_TYPES

    def place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        """查一遍，收下，等着。"""
        order.limit_li = order.price_li
        reject = self._refused(order, account, whole, now)
        if reject is None:
            self._ledger.accept(order)
        else:
            self._ledger.reject(order, reject)

    def withdraw(self, order: SimOrder, now: float) -> Reject | None:
        """收单的时候都能撤。"""
        assert order.security is not None
        return None if self._second(order.security, now) is not None else NO_CANCEL

    def end_day(self, day: int) -> None:
        """没有成交的由柜台到期。"""

    def start_day(self, day: int) -> None:
        """没有要做的。"""

    def ask(self, verb: str, account: Account, args: tuple[Any, ...]) -> list[Any] | None:
        """没有自己的查询。"""
        return None

    def held_li(self, account_id: str) -> int:
        """没有账户的钱。"""
        return 0

    def _refused(self, order: SimOrder, account: Account, whole: bool, now: float) -> Reject | None:
        security = order.security
        if self._seen.hours.bells(self._today) is None:
            return CLOSED._replace(detail=_ALWAYS)
        if security is None or security.kind is Kind.OTHER or not security.tradable:
            return NO_SUCH
        if not has_after_hours(security, date.fromordinal(self._today)):
            return _NONE
        second = self._second(security, now)
        if second is None:
            return CLOSED._replace(detail=self._told(security, now))
        if order.price_type != PriceType.FIX:
            return _LIMIT_ONLY
        reject = check(self._ticket(order, security, account, whole))
        if reject is not None or second < MATCHING[0]:  # 收盘价还没有出来，或刚刚出来
            return reject
        close = self._seen.quote(security).last_li
        return None if within_close(order.is_buy, order.limit_li, close) else _BEYOND

    @property
    def _today(self) -> int:
        return self._ledger.state.progress.day

    def _second(self, security: Security, now: float) -> float | None:
        """此刻收这只证券的单：当日零点起的秒；不收（或不是交易日）为 None。"""
        second = now - midnight(self._today)
        spans = windows(security, date.fromordinal(self._today))
        return second if any(start <= second < end for start, end in spans) else None

    def _told(self, security: Security, now: float) -> str:
        """什么时候收。"""
        spans = windows(security, date.fromordinal(self._today))
        shown = "、".join(f"{_clock(start)}-{_clock(end)}" for start, end in spans)
        return self._seen.hours.closed_reason(now) or f"收单{shown}"

    def _ticket(self, order: SimOrder, security: Security, account: Account, whole: bool) -> Ticket:
        """同普通限价委托一样查；单笔上限另有规定，没有价格笼子（不在连续竞价）。"""
        instrument = self._ledger.instrument(security)
        assert instrument is not None
        size = most(security, date.fromordinal(self._today))
        way = self._ledger.way(order)
        return Ticket(
            order.is_buy,
            order.volume,
            order.price_type,
            order.price_li,
            whole,
            order.limit_li,
            False,
            replace(instrument.rules, size=Size(size, size)),
            self._seen.quote(security),
            instrument.rates(order.is_buy),
            account.cash_li,
            way.sellable(account, order),
            partial(way.cash, account, order),
            partial(way.shares, account, order),
            self._ledger.bought_today(order) if instrument.rules.buy_cap else 0,
            Phase.AFTER_HOURS,
        )


def _clock(second: int) -> str:
    return f"{second // 3600}:{second % 3600 // 60:02d}"
