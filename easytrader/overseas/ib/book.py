"""从 TWS 听来的委托与成交：``ib_async.Client`` 解好的消息交到这里。只在它的事件循环的线程上用。

只用 ib_async 的线路（编码、解码、限速），不用它的 ``IB``、``Wrapper``：那里撤单失败的错误会把
活着的委托记成已撤，查询出错给空列表。
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend import records
from easytrader.backend.records import Side
from easytrader.basics import tags
from easytrader.basics.numbers import exact
from easytrader.codes import OtherAccountType
from easytrader.overseas.ib import securities, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from easytrader.basics.numbers import Number

_UNSET: Final = 1e300
"""TWS 没有给的浮点数是双精度的最大值。"""


@dataclass
class Known:
    """一笔委托：TWS 说过的，攒在一起。"""

    perm_id: int
    order_id: int = 0
    client_id: int = -1
    contract: Any = None
    action: str = ""
    total: Number = 0
    limit: Number | None = None
    tag: str = ""
    account: str = ""
    status: str = ""
    filled: Number = 0
    average: Number = 0
    reason: str = ""
    refused: bool = False
    guessed: bool = False
    at: int = field(default_factory=lambda: int(time.time()))


class Book:
    """委托按 permId：它是盈透给的，重启、换一个程序都不变。

    Args:
        push: 往上报一件事。
        named: conId → 用户问过的代码。
    """

    def __init__(self, push: Callable[[records.PushEvent], None], named: Mapping[int, str]) -> None:
        self.account = ""
        """只要这个账户的；空是都要。"""
        self.known: dict[int, Known] = {}
        self.trades: dict[str, records.Trade] = {}
        self.values: dict[int, tuple[float, float]] = {}
        """conId → (市值, 成本)。"""
        self._push, self._named = push, named
        self._perm: dict[tuple[int, int], int] = {}
        self._told: dict[int, records.Order] = {}

    # ---- 听来的

    def opened(self, contract: Any, order: Any, status: str) -> Known | None:
        """一笔委托的内容；别的账户的不要。"""
        if (self.account and order.account not in ("", self.account)) or not order.permId:
            return None
        one = self._of(order.permId)
        self._fill(one, contract, order)
        if one.guessed:
            one.guessed, one.status = False, ""
        if order.orderId > 0:
            one.order_id, one.client_id = order.orderId, order.clientId
            self._perm[order.clientId, order.orderId] = order.permId
        one.status = one.status or status
        self._changed(one)
        return one

    def moved(self, perm_id: int, status: str, filled: float, average: float) -> Known | None:
        """一笔委托的状态。"""
        one = self.known.get(perm_id)
        if one is None:
            return None
        one.status = status
        one.filled = max(exact(one.filled), exact(number(filled)))
        one.average = number(average) or one.average
        self._changed(one)
        return one

    def completed(self, contract: Any, order: Any, state: Any) -> None:
        """已经完了的委托；编号只有 permId。"""
        if (self.account and order.account not in ("", self.account)) or not order.permId:
            return
        one = self._of(order.permId)
        if one.contract is None or one.guessed:
            self._fill(one, contract, order)
            one.guessed = False
            if not exact(one.total):
                one.total = number(order.filledQuantity)
        one.filled = max(exact(one.filled), exact(number(order.filledQuantity)))
        one.status = state.status
        if state.status == "Inactive":
            one.tag = one.tag if exact(one.filled) else ""  # 拒绝了的，同一个标记可以再下
            one.reason = one.reason or state.completedStatus or "没有说原因"
            one.refused = True
        self._changed(one)

    def blamed(self, one: Known, reason: str, *, refused: bool) -> None:
        """关于一笔收下了的委托的错误、提醒：记下原因，状态等 TWS 说。"""
        one.reason, one.refused = reason, one.refused or refused
        self._changed(one)

    def executed(self, contract: Any, execution: Any) -> None:
        """一笔成交；更正的（末尾的序号变了）不算另一笔。"""
        if self.account and execution.acctNumber not in ("", self.account):
            return
        number_of_it = str(execution.execId).rpartition(".")[0] or str(execution.execId)
        if number_of_it in self.trades:
            return
        one = self.known.get(execution.permId)
        tag = tags.split(execution.orderRef)[0] or (one.tag if one else "")
        price, volume = number(execution.price), number(execution.shares)
        multiplier = number(float(contract.multiplier or 1))
        trade = records.Trade(
            stock_code=self.code(contract),
            order_id=str(execution.permId),
            side=Side.BUY if execution.side == "BOT" else Side.SELL,
            traded_id=number_of_it,
            traded_time=int(execution.time.timestamp()),
            traded_price=price,
            traded_volume=volume,
            traded_amount=exact(price) * exact(volume) * exact(multiplier),
            order_remark=tags.tagged(tag, "") if tag else "",
            account_id=execution.acctNumber,
            account_type=OtherAccountType.OVERSEAS.value,
            currency=contract.currency,
        )
        self.trades[number_of_it] = trade
        if one is None or one.contract is None or one.guessed:
            self._guess(self._of(execution.permId), contract, execution, tag)
        self._push(records.Traded(trade))

    def _guess(self, one: Known, contract: Any, execution: Any, tag: str) -> None:
        """只见过成交的委托：没有挂着的，成交了多少就是多少；TWS 说了它的样子再改。"""
        one.guessed, one.status, one.contract, one.tag = True, "Filled", contract, tag
        one.action = "BUY" if execution.side == "BOT" else "SELL"
        one.account, one.at = execution.acctNumber, int(execution.time.timestamp())
        one.total = one.filled = max(exact(one.filled), exact(number(execution.cumQty)))
        one.average = number(execution.avgPrice)
        if execution.orderId > 0:
            one.order_id, one.client_id = execution.orderId, execution.clientId

    def by_order(self, client_id: int, order_id: int) -> Known | None:
        """按会话里的编号找。"""
        return self.known.get(self._perm.get((client_id, order_id), 0))

    # ---- 给查询的

    def rows(self) -> list[records.Order]:
        """全部委托。"""
        return [self.row(each) for each in self.known.values() if each.contract is not None]

    def contracts(self) -> list[Any]:
        """委托里的合约。"""
        found = {
            each.contract.conId: each.contract for each in self.known.values() if each.contract
        }
        return list(found.values())

    def row(self, one: Known) -> records.Order:
        """一笔委托。"""
        status = words.status_of(one.status, one.filled, refused=one.refused)
        idle = one.status == "Inactive" and not one.refused
        return records.Order(
            stock_code=self.code(one.contract),
            order_id=str(one.perm_id),
            side=Side.BUY if one.action == "BUY" else Side.SELL,
            order_volume=one.total,
            price=one.limit,
            order_status=status.value,
            order_time=one.at,
            traded_volume=one.filled,
            traded_price=one.average if exact(one.average) else self._average(one),
            order_sysid=str(one.order_id) if one.order_id > 0 else "",
            order_remark=tags.tagged(one.tag, "") if one.tag else "",
            status_msg=f"{one.reason} {words.IDLE}".strip() if idle else one.reason,
            account_id=one.account,
            account_type=OtherAccountType.OVERSEAS.value,
            currency=one.contract.currency,
        )

    def code(self, contract: Any) -> str:
        """合约 → 代码。"""
        return self._named.get(contract.conId) or securities.code_of(contract)

    # ---- 内部

    def _of(self, perm_id: int) -> Known:
        return self.known.setdefault(perm_id, Known(perm_id))

    def _fill(self, one: Known, contract: Any, order: Any) -> None:
        one.contract, one.action, one.account = contract, order.action, order.account
        one.total = number(order.totalQuantity)
        is_limit = order.orderType in ("LMT", "STP LMT", "LOC", "REL")
        one.limit = number(order.lmtPrice) if is_limit else None
        one.tag = tags.split(str(order.orderRef or ""))[0]

    def _average(self, one: Known) -> Number:
        mine = [t for t in self.trades.values() if t.order_id == str(one.perm_id)]
        volume = sum(exact(each.traded_volume) for each in mine)
        spent = sum(exact(each.traded_price) * exact(each.traded_volume) for each in mine)
        return spent / volume if volume else 0

    def _changed(self, one: Known) -> None:
        if one.contract is None or not one.status:
            return
        row = self.row(one)
        old = self._told.get(one.perm_id)
        if old is None or replace(old, order_time=row.order_time) != row:
            self._told[one.perm_id] = row
            self._push(records.OrderChanged(row))


def number(value: Any) -> Number:
    """线路上解出来的浮点 → 整数，或写出来那样的 Decimal；没有给的是 0。"""
    found = float(value or 0)
    if not abs(found) < _UNSET:  # 没有给的，连同 nan
        return 0
    return int(found) if found.is_integer() else Decimal(repr(found))
