"""只看推送记账：现金、冻结的下界、持仓，费率是手打的，不问产品要一个数。

委托与成交的推送里有的才算；逆回购到期、分红写在外面（`Ledger.receive`），因为没有推送说它们。
"""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")
FEN = ROUND_HALF_UP

# 2026 年的费率（事实表 §8）；佣金是本库的默认：万 2.5 最低 5，债券万 0.5 最低 1，货币基金免
STAMP = Decimal("0.0005")
TRANSFER = Decimal("0.00001")
COMMISSION, LEAST = Decimal("0.00025"), Decimal(5)
BOND_COMMISSION, BOND_LEAST = Decimal("0.00005"), Decimal(1)
REPO = {
    "204001.SH": ("0.00001", 1),
    "204002.SH": ("0.00002", 2),
    "204003.SH": ("0.00003", 3),
    "204007.SH": ("0.00005", 7),
    "131810.SZ": ("0.00001", 1),
    "131801.SZ": ("0.00005", 7),
}
REPO_MOST = Decimal(30)


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, FEN)


def sort_of(code: str) -> str:
    """只认这里用到的几只。"""
    if code in REPO:
        return "repo"
    if code[:2] in ("11", "12", "01"):
        return "bond"
    if code[:4] == "5118":
        return "money"
    return "fund" if code[0] in "15" else "share"


def fees(code: str, buy: bool, amount: Decimal) -> Decimal:
    """一笔委托累计成交额的费用，各项四舍五入到分。"""
    sort = sort_of(code)
    if not amount or sort == "money":
        return Decimal(0)
    if sort == "repo":
        return min(cents(amount * Decimal(REPO[code][0])), REPO_MOST)
    if sort == "bond":
        return max(cents(amount * BOND_COMMISSION), BOND_LEAST)
    total = max(cents(amount * COMMISSION), LEAST)
    if sort == "share":
        total += cents(amount * TRANSFER)
        total += Decimal(0) if buy else cents(amount * STAMP)
    return total


class Ledger:
    """由推送记的账；每个方法都可以在回调的线程里叫。"""

    def __init__(self, cash: Decimal, held: dict[str, int]) -> None:
        self.cash = cash
        self.accrued = Decimal(0)  # 今天每张债券的应计利息
        self.held = defaultdict(int, held)
        self.sides: dict[int, tuple[str, bool]] = {}
        self.amounts: dict[int, Decimal] = defaultdict(Decimal)
        self.paid: dict[int, Decimal] = defaultdict(Decimal)
        self.orders: dict[int, Any] = {}
        self.sold_today: dict[str, int] = defaultdict(int)
        self.lent: list[tuple[str, Decimal, Decimal]] = []
        self.seen: set[str] = set()
        self.market: set[int] = set()  # 市价委托的编号

    def order(self, order: Any) -> None:
        self.orders[order.order_id] = order

    def trade(self, trade: Any) -> None:
        if trade.traded_id in self.seen:
            return
        self.seen.add(trade.traded_id)
        code, buy = trade.stock_code, trade.order_type in (23, 1043)
        price = Decimal(str(trade.traded_price))
        volume = trade.traded_volume
        number = trade.order_id
        amount = Decimal(100 * volume) if code in REPO else cents(price * volume)
        self.amounts[number] += amount  # 佣金按净价算，应计利息不收
        if code.startswith("01"):
            amount = cents((price + self.accrued) * volume)
        fee = fees(code, buy, self.amounts[number])
        self.cash -= fee - self.paid[number]
        self.paid[number] = fee
        if code in REPO:
            self.cash -= amount
            self.lent.append((code, amount, price))
            return
        self.cash += -amount if buy else amount
        self.held[code] += volume if buy else -volume
        self.sold_today[code] += 0 if buy else volume

    def receive(self, amount: Decimal) -> None:
        """没有推送的进账。"""
        self.cash += cents(amount)

    def frozen(self) -> tuple[Decimal, Decimal | None]:
        """挂着的至少、至多冻住多少：限价的买单按限价，逆回购按本金；有市价的剩单时上限不知道。"""
        low, market, waiting = Decimal(0), False, 0
        for order in self.orders.values():
            pays = order.order_type in (23, 1043) or order.stock_code in REPO
            if order.order_status not in (48, 49, 50, 55) or not pays:
                continue
            left = order.order_volume - order.traded_volume
            unit = Decimal(100) if order.stock_code in REPO else Decimal(str(order.price))
            unit += self.accrued if order.stock_code.startswith("01") else 0
            waiting += 1
            if order.order_id in self.market:
                market = True
            else:
                low += unit * left
        return low, None if market else low * Decimal("1.01") + 31 * waiting
