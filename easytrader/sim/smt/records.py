"""约券记得的两样：申请与合约；各一段 JSON，同委托一起落盘。"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

__all__ = ["Application", "Compact", "day_number"]

WAITING: Final = "待成交"
DONE: Final = "已成交"
CANCELED: Final = "已撤销"
REFUSED: Final = "已作废"

_YEAR_DAYS: Final = 360


def day_number(day: int) -> int:
    """序数 → ``20261120``。"""
    return int(f"{date.fromordinal(day):%Y%m%d}")


@dataclass(slots=True)
class Application:
    """一笔约券申请。

    Attributes:
        apply_id: 资券申请编号。
        code: 证券代码，厂商写法。
        amount: 数量，股。
        days: 期限，天。
        rate: 申请利率（年）。
        apply_mode: ``1`` 库存券，``2`` 专项券。
        src_group_id: 来源组；专项券没有成交以前为空。
        preend_rate: 提前归还利率。
        fine_rate: 罚息利率。
        day: 哪天申请的（序数）。
        time: ``HHMMSS``。
        status: 申请状态，中文（厂商没有给出代码）。
        compact_id: 成交之后的合约编号。
        price_li: 申请时的价格，厘。
    """

    apply_id: str
    code: str
    amount: int
    days: int
    rate: float
    apply_mode: str
    src_group_id: str
    preend_rate: float
    fine_rate: float
    day: int
    time: int
    price_li: int
    status: str = WAITING
    compact_id: str = ""

    def dump(self) -> str:
        """落盘的样子。"""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def load(cls, body: str) -> Application:
        """读回来。"""
        found: dict[str, Any] = json.loads(body)
        return cls(**found)


@dataclass(slots=True)
class Compact:
    """一张约券合约。

    Attributes:
        compact_id: 头寸合约编号。
        apply_id: 由哪笔申请来。
        quoter: 占着哪条券源（`Quoter.key`）。
        code: 证券代码，厂商写法。
        amount: 期初数量，股。
        returned: 已还数量，股。
        days: 期限，天，含展期。
        rate: 占用利率（年）。
        preend_rate: 提前归还利率。
        fine_rate: 罚息利率。
        apply_mode: 申请方式。
        src_group_id: 来源组。
        day: 哪天生效（序数）。
        price_li: 生效时的价格，厘。
        postpones: 展期次数。
        repaid_day: 还清的那天（序数），没有还清为 0。
    """

    compact_id: str
    apply_id: str
    quoter: str
    code: str
    amount: int
    days: int
    rate: float
    preend_rate: float
    fine_rate: float
    apply_mode: str
    src_group_id: str
    day: int
    price_li: int
    returned: int = 0
    postpones: int = 0
    repaid_day: int = 0

    @property
    def left(self) -> int:
        """未还数量。"""
        return self.amount - self.returned

    @property
    def due(self) -> int:
        """到期日（序数）。"""
        return self.day + self.days

    def status(self, today: int) -> str:
        """厂商的合约状态代码。"""
        if not self.left:
            if self.repaid_day < self.due:
                return "2"
            return "3" if self.repaid_day == self.due else "4"
        if today > self.due:
            return "5"
        return "1" if self.returned else "0"

    def interest_li(self, today: int) -> tuple[int, int]:
        """到今天的（利息, 罚息），厘，按期初金额、自然日、一年 360 天；只记数，不扣款。"""
        end = self.repaid_day or today
        balance = self.price_li * self.amount
        late = max(end - self.due, 0)
        days = max(min(end, self.due) - self.day, 0)
        return (
            round(balance * self.rate * days / _YEAR_DAYS),
            round(balance * self.fine_rate * late / _YEAR_DAYS),
        )

    def dump(self) -> str:
        """落盘的样子。"""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def load(cls, body: str) -> Compact:
        """读回来。"""
        found: dict[str, Any] = json.loads(body)
        return cls(**found)
