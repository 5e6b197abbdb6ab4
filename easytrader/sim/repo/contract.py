"""一笔逆回购：什么时候到期、占款几天、本息多少。纯计算，日历由调用者给。"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

from easytrader.sim.rules.repo import FACE_LI

if TYPE_CHECKING:
    from easytrader.sim.sessions import MarketHours

__all__ = ["RepoContract", "Schedule", "schedule"]


class Schedule(NamedTuple):
    """一笔逆回购的日子，都是交易日的序数。

    Attributes:
        due: 到期日：本息回来，当日可用。
        free: 到期交收日：可以取。
        days: 实际占款天数，从首次交收日到到期交收日。
    """

    due: int
    free: int
    days: int


def schedule(hours: MarketHours, day: int, term: int) -> Schedule:
    """``day`` 成交、``term`` 天期的日子。

    首次交收在次一交易日；到期日是 ``day + term``，休市则顺延；到期交收在到期日的次一交易日。

    Raises:
        SimulatorError: 交易日历没有那么远。
    """
    start = hours.following(day)
    due = hours.following(day + term - 1)
    free = hours.following(due)
    return Schedule(due, free, free - start)


@dataclass(slots=True)
class RepoContract:
    """一笔委托借出去的，各次成交合在一起。

    Attributes:
        account_id: 资金账号。
        order_id: 委托编号。
        stock_code: 代码。
        day: 成交日（序数）。
        due: 本息回来、当日可用的交易日。
        free: 可以取的交易日。
        days: 实际占款天数。
        volume: 张数。
        interest_li: 各次成交的利息之和，每次四舍五入到分。
    """

    account_id: str
    order_id: int
    stock_code: str
    day: int
    due: int
    free: int
    days: int
    volume: int = 0
    interest_li: int = 0

    @property
    def principal_li(self) -> int:
        """本金。"""
        return FACE_LI * self.volume

    def dump(self) -> str:
        """记录里的样子。"""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def load(cls, body: str) -> RepoContract:
        """`dump` 的反面。"""
        return cls(**json.loads(body))
