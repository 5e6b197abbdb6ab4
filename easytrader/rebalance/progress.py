"""计划做到哪里了：每一笔报过哪几次，各成交了多少；照记录恢复，也写成报告的一行。"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from easytrader.errors import JournalError
from easytrader.market.rules import rules_for
from easytrader.market.rules.quantities import Lot
from easytrader.market.symbols import parse_security
from easytrader.market.units import units_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from easytrader.market.rules import Rules
    from easytrader.market.symbols import Security
    from easytrader.rebalance.model import PlanOrder
    from easytrader.rebalance.purse import Purse
    from easytrader.rebalance.report import FirstOrder, ReportRow
    from easytrader.rebalance.runlog import Record


@dataclass
class Attempt:
    """报过的一次。

    Attributes:
        name: ``client_order_id``。
        number: 这一笔的第几次，从 1 起。
        volume: 数量。
        price_li: 限价，厘；市价为 0。
        ttype: 市价类型的名字；限价为空。
        state: ``ready`` 记下了，还没有发（或查明没有到柜台，用同一个 id 再发）；``unknown``
            不知道到没到柜台；``open`` 到了柜台；``over`` 到了终态，或根本没有到柜台。
        entrust_no: 委托编号。
        filled: 成交了多少。
        value: 成交额，元。
        worst_li: 买的时候，一股最多占多少钱，厘。
        reserved: 在自己的账上占着多少钱，元；到了终态还回去。
        age_s: 开着市的时间里挂了多久，秒。
        asked: 上一次撤单是什么时候（单调的秒）；没有撤过为 None。
        settle_at: 什么时候再去查它的下场（单调的秒）。
    """

    name: str
    number: int
    volume: int
    price_li: int
    ttype: str
    state: Literal["ready", "unknown", "open", "over"] = "ready"
    entrust_no: int = 0
    filled: int = 0
    value: Decimal = Decimal(0)
    worst_li: int = 0
    reserved: Decimal = Decimal(0)
    age_s: float = 0.0
    asked: float | None = None
    settle_at: float = 0.0


@dataclass
class Job:
    """计划里的一笔做到哪里了。

    Attributes:
        order: 计划里的样子。
        security: 证券。
        rules: 它今天的规则；不认得的品种为 None。
        attempts: 报过的各次，先后为序；只有最后一次可以还没有下场。
        why: 不再做了的原因；还在做为空。
        hold: 此刻为什么没有发。
        told: 柜台（或风控）最后说的话。
        failures: 接连失败了几次。
        not_before: 最早什么时候再报（单调的秒）。
        arrival_li: 开始执行时的最新价，厘；不知道为 0。
        traded: 开始执行时市场已经成交的数量。
    """

    order: PlanOrder
    security: Security
    rules: Rules | None
    attempts: list[Attempt] = field(default_factory=list)
    why: str = ""
    hold: str = ""
    told: str = ""
    failures: int = 0
    not_before: float = 0.0
    arrival_li: int = 0
    traded: int = 0

    @classmethod
    def of(cls, order: PlanOrder, day: date) -> Job:
        """计划里的一笔，还没有开始。"""
        security = parse_security(order["stock_code"])
        return cls(order, security, rules_for(security, day))

    @property
    def code(self) -> str:
        """厂商写法的代码。"""
        return self.order["stock_code"]

    @property
    def buy(self) -> bool:
        """买还是卖。"""
        return self.order["side"] == "buy"

    @property
    def filled(self) -> int:
        """一共成交了多少。"""
        return sum(each.filled for each in self.attempts)

    @property
    def value(self) -> Decimal:
        """一共成交了多少元。"""
        return sum((each.value for each in self.attempts), Decimal(0))

    @property
    def left(self) -> int:
        """还差多少。"""
        return self.order["volume"] - self.filled

    @property
    def live(self) -> Attempt | None:
        """还没有下场的那一次；至多一次。"""
        last = self.attempts[-1] if self.attempts else None
        return last if last is not None and last.state != "over" else None

    @property
    def closed(self) -> bool:
        """没有要做的了。"""
        return self.live is None and (not self.left or bool(self.why))

    @property
    def lot(self) -> Lot:
        """数量单位。"""
        return Lot(*units_of(self.security)[:2]) if self.rules is None else self.rules.lot

    def record(self, attempt: Attempt) -> Record:
        """要发的一次 → 记录里的一行。"""
        return {
            "kind": "send",
            "client_order_id": attempt.name,
            "id": self.order["id"],
            "attempt": attempt.number,
            "stock_code": self.code,
            "side": self.order["side"],
            "volume": attempt.volume,
            "price_li": attempt.price_li,
            "ttype": attempt.ttype,
        }

    def first(self, attempt: Attempt) -> FirstOrder:
        """要发的一次 → 试算里的一行。"""
        return {
            "id": self.order["id"],
            "client_order_id": attempt.name,
            "stock_code": self.code,
            "side": self.order["side"],
            "side_name": self.order["side_name"],
            "volume": attempt.volume,
            "price": attempt.price_li / 1000,
            "ttype": attempt.ttype,
            "refused": "",
        }

    def row(self, purse: Purse) -> ReportRow:
        """报告里的一行。"""
        order, filled, value = self.order, self.filled, self.value
        arrival = Decimal(self.arrival_li) / 1000
        base = arrival * filled
        lost = (value - base) * (1 if self.buy else -1) if base else None
        return {
            "id": order["id"],
            "stock_code": order["stock_code"],
            "side": order["side"],
            "side_name": order["side_name"],
            "planned": order["volume"],
            "filled": filled,
            "left": self.left,
            "avg_price": round(float(value / filled), 4) if filled else None,
            "arrival_price": float(arrival) if arrival else None,
            "slippage_bp": None if lost is None else round(float(lost / base) * 10_000, 2) + 0.0,
            "slippage_value": 0.0 if lost is None else round(float(lost), 2) + 0.0,  # 不写 -0.0
            "fee": float(sum((purse.fee(self, each.value) for each in self.attempts), Decimal(0))),
            "attempts": len(self.attempts),
            "why": self.why if self.left else "",
        }


def restore(jobs: list[Job], records: Iterable[Record]) -> float | None:
    """照记录恢复；还没有开始过返回 None，否则是什么时候开始的，Unix 秒。

    发出之前记下的，没有下文就是不知道到没到柜台（``unknown``）。

    Raises:
        JournalError: 记录与这个计划对不上。
    """
    begun: float | None = None
    known: dict[str, Attempt] = {}
    try:
        for record in records:
            kind = record["kind"]
            if kind == "start":
                begun = float(record["begun"])
                for told in record["orders"]:
                    job = jobs[told["id"]]
                    job.arrival_li, job.traded = told["arrival_li"], told["traded"]
            elif kind == "send":
                names = ("client_order_id", "attempt", "volume", "price_li", "ttype")
                attempt = Attempt(*(record[name] for name in names))
                attempt.state = "unknown"
                known[attempt.name] = attempt
                jobs[record["id"]].attempts.append(attempt)
            elif kind == "placed":
                attempt = known[record["client_order_id"]]
                attempt.state, attempt.entrust_no = "open", record["entrust_no"]
            elif kind in ("unsent", "refused", "over"):
                attempt = known[record["client_order_id"]]
                attempt.state = "over"
                attempt.filled = record.get("filled", 0)
                attempt.value = Decimal(record.get("value", "0"))
    except (KeyError, IndexError, TypeError, ArithmeticError) as exc:
        raise JournalError(f"调仓的记录与这个计划对不上（{exc!r}），不敢接着做") from exc
    return begun
