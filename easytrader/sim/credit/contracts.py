"""一份两融合约：欠多少、还了多少、息费怎样长。整数厘，没有 I/O。"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from easytrader.sim.fees import to_fen

if TYPE_CHECKING:
    from easytrader.sim.corporate.actions import Action

__all__ = ["FIN", "ORDINARY", "SLO", "SPECIAL", "CreditContract"]

FIN: Final = 48
"""融资合约（厂商的合约类型）。"""
SLO: Final = 49
"""融券合约。"""
ORDINARY: Final = 48
"""普通头寸。"""
SPECIAL: Final = 49
"""专项头寸。"""

_PPM: Final = 1_000_000


@dataclass(slots=True, eq=False)
class CreditContract:
    """一笔融资买入或融券卖出委托的合约，各笔成交并在一起。

    Attributes:
        compact_id: 合约编号：开仓日加委托编号。
        kind: `FIN` 或 `SLO`。
        group: `ORDINARY` 或 `SPECIAL`。
        opened: 开仓日（序数）。
        due: 到期日（序数）。
        margin_ppm: 开仓时的保证金比例；以后比例变了也不变。
        volume: 合约的证券数量。
        amount_li: 合约金额：融资是借到的钱，融券是卖出的金额（未扣费用）。
        repaid_li: 已还的本金；融券是已还的股份对应的卖出金额。
        returned: 已还的股份（融券）。
        proceeds_li: 融券卖出所得，扣了费用。
        accrual: 还没有记进息费的尾数，厘 × 百万分之几 × 天；取整时进上去的是负数。
        accrued_to: 计息到哪一天（序数）。
        interest_li: 到现在的利息（融券费用），取整到分。
        fare_li: 到现在应付的息费：利息，加上融券的现金红利补偿。
        repaid_fare_li: 已付的息费。
    """

    compact_id: str
    kind: int
    group: int
    stock_code: str
    opened: int
    due: int
    margin_ppm: int
    volume: int = 0
    amount_li: int = 0
    repaid_li: int = 0
    returned: int = 0
    proceeds_li: int = 0
    accrual: int = 0
    accrued_to: int = 0
    interest_li: int = 0
    fare_li: int = 0
    repaid_fare_li: int = 0

    @property
    def left_li(self) -> int:
        """未还的合约金额。"""
        return self.amount_li - self.repaid_li

    @property
    def left_fare_li(self) -> int:
        """未付的息费。"""
        return self.fare_li - self.repaid_fare_li

    @property
    def left_volume(self) -> int:
        """未还的数量；融资按未还的金额折算，不足一股的进上去。"""
        if self.kind == SLO:
            return self.volume - self.returned
        return -(-self.volume * self.left_li // self.amount_li) if self.amount_li else 0

    @property
    def closed(self) -> bool:
        """本金（股份）与息费都清了。"""
        return self.left_li == 0 and self.left_volume == 0 and self.left_fare_li == 0

    def accrue(self, day: int, base_li: int, rate_ppm: int, year_days: int) -> int:
        """计息到 ``day``，本金（市值）``base_li``；返回新增的息费。"""
        self.accrual += base_li * rate_ppm * (day - self.accrued_to)
        self.accrued_to = day
        year = _PPM * year_days
        grown = max(to_fen(self.accrual // year), 0)
        self.accrual -= grown * year  # 留下尾数：改了一年的天数，已经记的息费不重算
        self.interest_li += grown
        self.fare_li += grown
        return grown

    def adjust(self, change: Action) -> int:
        """除权除息：数量照变，融券欠着的现金红利记进息费；返回新增的息费。"""
        after, before = change.change.after, change.change.before
        if self.kind == FIN:
            self.volume = self.volume * after // before
            return 0
        owed = self.left_volume
        compensation = change.cash_li(owed)
        self.volume = self.returned + owed * after // before
        self.fare_li += compensation
        return compensation

    def pay(self, money_li: int, interest_first: bool) -> int:
        """还款；返回用掉的钱。融券合约只还息费。"""
        start = money_li
        if interest_first or self.kind == SLO:
            money_li -= self._pay_fare(money_li)
        if self.kind == FIN:
            principal = min(money_li, self.left_li)
            self.repaid_li += principal
            money_li -= principal
        money_li -= self._pay_fare(money_li)
        return start - money_li

    def _pay_fare(self, money_li: int) -> int:
        paid = min(money_li, self.left_fare_li)
        self.repaid_fare_li += paid
        return paid

    def give_back(self, volume: int) -> int:
        """还券；返回这些股份当初卖出的金额。"""
        assert 0 < volume <= self.left_volume, f"还券 {volume} 超过未还 {self.left_volume}"
        if volume == self.left_volume:
            worth = self.left_li
        else:
            worth = min(to_fen(self.left_li * volume // self.left_volume), self.left_li)
        self.returned += volume
        self.repaid_li += worth
        return worth

    def dump(self) -> str:
        """一段 JSON。"""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def load(cls, body: str) -> CreditContract:
        """`dump` 的反面。"""
        return cls(**json.loads(body))
