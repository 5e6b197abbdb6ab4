"""买得起多少：柜台说的现金为准，再记一本自己的账，防着柜台的查询是几秒前的。"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from easytrader.basics import numbers
from easytrader.market.rules.fees import FeeSchedule, to_fen
from easytrader.rebalance import slices

if TYPE_CHECKING:
    from datetime import date

    from easytrader.rebalance.model import Facade
    from easytrader.rebalance.progress import Attempt, Job

_LI: Final = 1000


class Purse:
    """一次执行的钱，元。

    Args:
        user: 交易口。
        floor: 要留的现金。
        day: 今天：费用的规则看日子。
        fees: 收费标准，与计划的一样。
    """

    def __init__(self, user: Facade, floor: float, day: date, fees: FeeSchedule) -> None:
        self._user, self._floor, self._day, self._fees = user, yuan(floor), day, fees
        self._own: Decimal | None = None

    def available(self, *, quiet: bool) -> Decimal:
        """现在能用来买的：柜台说的与自己算的取小的，再留出缓冲。

        Args:
            quiet: 没有委托在路上，也有一阵没有动静了：柜台说的不会是旧的，自己的账从它重新算起。
        """
        told = yuan(self._user.balance[0]["cash"])
        if self._own is None or quiet:
            self._own = told
        return min(told, self._own) - self._floor

    def reserve(self, job: Job, attempt: Attempt) -> None:
        """买单到了柜台：最多花这么多。"""
        if job.buy and self._own is not None:
            attempt.reserved = self.cost(job, attempt.worst_li or attempt.price_li, attempt.volume)
            self._own -= attempt.reserved

    def sold(self, job: Job, before: Decimal, after: Decimal) -> None:
        """卖单成交到 ``after`` 元：当天就能用来买。"""
        if not job.buy and self._own is not None:
            self._own += self._net(job, after) - self._net(job, before)

    def release(self, job: Job, attempt: Attempt) -> None:
        """买单到了终态：没有花的还回来。"""
        if self._own is not None and attempt.reserved:
            self._own += attempt.reserved - self._net(job, attempt.value)

    def cost(self, job: Job, each_li: int, volume: int) -> Decimal:
        """一股 ``each_li`` 厘，买这么多要多少钱，连费用。"""
        return self._net(job, Decimal(to_fen(each_li * volume)) / _LI)

    def most(self, job: Job, each_li: int, volume: int, cash: Decimal, held: int) -> int:
        """``cash`` 元最多买多少，不超过 ``volume``。"""
        volume = min(volume, max(0, int(cash * _LI / each_li)))
        while volume > 0:
            volume = slices.orderable(True, volume, job.left, job.lot, held)
            if not volume or self.cost(job, each_li, volume) <= cash:
                return volume
            volume -= job.lot.step
        return 0

    def fee(self, job: Job, value: Decimal) -> Decimal:
        """成交了 ``value`` 元的一笔委托，估的费用。"""
        amount = int((value * _LI).to_integral_value())
        rates = self._fees.rates(job.security, job.buy, self._day)
        return Decimal(rates.total(amount)) / _LI

    def _net(self, job: Job, value: Decimal) -> Decimal:
        """买的一共花多少，卖的一共得多少。"""
        return value + self.fee(job, value) if job.buy else value - self.fee(job, value)


def yuan(value: float) -> Decimal:
    """柜台说的数，按写出来的样子算。"""
    return Decimal(numbers.exact(value))
