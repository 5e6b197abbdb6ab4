"""一笔申购的一生：申购 → 摇号（缴款日早上）→ 缴款（缴款日日终）→ 上市。"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

__all__ = ["APPLIED", "GIVEN_UP", "LISTED", "LOST", "PAID", "WON", "Subscription"]

APPLIED: Final = "applied"
LOST: Final = "lost"
WON: Final = "won"
PAID: Final = "paid"
GIVEN_UP: Final = "given_up"
LISTED: Final = "listed"


@dataclass(slots=True)
class Subscription:
    """日期都是序数；收下时就定下，``ipo.json`` 以后改了也不变。

    Attributes:
        order_id: 委托编号。
        day: 申购日。
        pay: 缴款日。
        listing: 上市首日。
        listed_code: 上市代码。
        price_li: 发行价，厘。
        volume: 申购了多少。
        won: 中了多少；摇号之前已经算好，到缴款日早上才算数。
        unit: 缴款不足时以多少股（张）为单位。
        stage: 走到哪一步。
        paid: 缴了多少股（张）的钱。
        paid_li: 缴了多少钱，厘。
    """

    order_id: int
    day: int
    pay: int
    listing: int
    listed_code: str
    price_li: int
    volume: int
    won: int
    unit: int
    stage: str = APPLIED
    paid: int = 0
    paid_li: int = 0

    @property
    def done(self) -> bool:
        """没有以后了。"""
        return self.stage in (LOST, GIVEN_UP, LISTED)

    @property
    def gave_up(self) -> bool:
        """中了签而没有足额缴款。"""
        return self.stage in (PAID, GIVEN_UP, LISTED) and self.paid < self.won

    def dump(self) -> str:
        """记录的文字。"""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def load(cls, body: str) -> Subscription:
        """读回来。"""
        return cls(**json.loads(body))
