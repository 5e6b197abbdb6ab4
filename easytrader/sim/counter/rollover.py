"""换日：一天一天地过，没有人看的日子也不跳过。

各项业务的到期、派息、缴款有先后：逆回购今天还的钱，明天才够缴款。所以每个交易日都收一次盘、
开一次盘，收盘的样子也都记下。
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from easytrader.sim.ledger.closing import closing

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.market.symbols import Security
    from easytrader.sim.counter.floor import Floor
    from easytrader.sim.counter.sweep import Budget
    from easytrader.sim.exchange.depth import Market, Quote
    from easytrader.sim.exchange.hours import MarketHours
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.closing import Outside
    from easytrader.sim.ledger.ledger import Ledger
    from easytrader.sim.ledger.orders import SimOrder


_DAY_WORK: Final = 100
"""过一天算多少活（见 `Budget`），约 1 毫秒。"""
_HELD_WORK: Final = 12
"""这一天每只持仓、每条业务记录（两融合约……）另算多少：要收盘价，要计息。"""


class Rollover:
    """收盘与开盘。只通过 `Ledger` 与 `Floor` 改状态。

    Args:
        quote: 一只证券走到的那一刻的盘口。
        outside: 一个账户在各项业务手里的：算进总资产的、欠着的。
        requeue: 存着的委托到了新的一天，再冻结一次，冻不住就废。
        enforce: 早上替账户下单（强制平仓），只走到给的那一跳；没有要下的为假。
    """

    def __init__(
        self,
        ledger: Ledger,
        floor: Floor,
        market: Market,
        hours: MarketHours,
        quote: Callable[[Security], Quote],
        outside: Callable[[Account], Outside],
        requeue: Callable[[SimOrder], None],
        enforce: Callable[[int], bool],
    ) -> None:
        self._requeue = requeue
        self._ledger = ledger
        self._floor = floor
        self._market = market
        self._hours = hours
        self._quote = quote
        self._outside = outside
        self._enforce = enforce

    def run(self, day: int, tick: int, budget: Budget) -> bool:
        """过到 ``day`` 的第 ``tick`` 跳；``budget`` 做完了先停下，返回假，下次接着过。"""
        progress = self._ledger.state.progress
        while progress.day < day:
            if budget.left <= 0 or not self._finish_day(budget):
                return False
            following = min(self._hours.following(progress.day), day)
            state = self._ledger.state
            queued = [state.orders[number] for number in state.queued]
            for order in queued:
                self._ledger.thaw(order)
            self._ledger.start_day(following)
            for order in queued:
                self._requeue(order)
            latest = tick if following == day else self._last_tick(following)
            if not self._enforce(latest):
                progress.tick = latest
            budget.left -= _DAY_WORK + _HELD_WORK * self._held()
        return self._floor.catch_up(tick, budget)

    def _held(self) -> int:
        """各账户一共多少只持仓、多少条业务记录。"""
        state = self._ledger.state
        positions = sum(len(each.positions) for each in state.accounts.values())
        return positions + len(state.records)

    def _last_tick(self, day: int) -> int:
        """``day`` 停止撮合之前的最后一跳。"""
        end = self._hours.day_end(day, self._floor.runs_late())
        last = self._market.tick_at(math.nextafter(end, -math.inf))
        return self._floor.rounds.last_tick(last)

    def _finish_day(self, budget: Budget) -> bool:
        """挂单撮合到收盘，余下的到期，记下这一天结束时的样子；没有做完为假。"""
        state = self._ledger.state
        last = self._last_tick(state.progress.day)
        if not self._floor.catch_up(max(last, state.progress.tick), budget):
            return False
        for business in self._ledger.businesses:
            business.end_day(state.progress.day)
        for order in list(state.orders.values()):
            if (order.is_working or order.waiting) and not order.is_queued:
                order.waiting = False
                self._ledger.finish(order)
        for account in state.accounts.values():
            found = closing(state.progress.day, account, self._outside(account), self._quote)
            self._ledger.changes.closings.append(found)
        return True
