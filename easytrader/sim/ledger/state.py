"""柜台记得的一切，和自上次落盘以来改了什么。"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from easytrader.codes import AFTER_HOURS_TYPES
from easytrader.sim.exchange.depth import Printed
from easytrader.sim.ledger.orders import CANCELLING
from easytrader.sim.ledger.resting import Queue, QueueKey, RestingBook

if TYPE_CHECKING:
    from easytrader.sim.ledger.account import Account, Position
    from easytrader.sim.ledger.closing import Closing
    from easytrader.sim.ledger.events import TradeSnapshot
    from easytrader.sim.ledger.orders import SimOrder, SimTrade


FIRST_ORDER_ID: Final = 1082130433
"""真实客户端见过的编号段；int32，只增不减，换日不归零。"""


CANCELLING_KIND: Final = "cancelling"
"""在路上的撤单也记成一条业务记录：什么时候撤到。"""
RecordKey = tuple[str, str, str]
"""各项业务自己的记录：（业务，资金账号，编号）。"""


@dataclass(slots=True)
class Progress:
    """走到哪里了。

    Attributes:
        day: 当前交易日（序数）。
        tick: 挂单已经撮合到的那一跳。
        now: 见过的最晚时刻；时钟倒流时以它为准。
        order_id: 最后用掉的委托编号。
        sysid: 当日最后用掉的合同编号。
        trade: 最后用掉的成交序号（不归零）。
        first_order_id: 当日第一笔委托的编号不小于它。
        first_trade: 当日第一笔成交的序号不小于它。
    """

    day: int
    tick: int
    now: float
    order_id: int = FIRST_ORDER_ID - 1
    sysid: int = 0
    trade: int = 0
    first_order_id: int = FIRST_ORDER_ID
    first_trade: int = 1


@dataclass(slots=True)
class Changes:
    """还没落盘的改动；同一对象改多次只写一次。"""

    orders: dict[int, SimOrder] = field(default_factory=dict)
    trades: list[SimTrade] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    positions: dict[tuple[str, str], Position | None] = field(default_factory=dict)
    queues: dict[tuple[str, QueueKey], tuple[int, Queue]] = field(default_factory=dict)
    records: dict[RecordKey, str | None] = field(default_factory=dict)
    closings: list[Closing] = field(default_factory=list)
    progress: bool = False

    def __bool__(self) -> bool:
        return self.progress or bool(
            self.orders or self.accounts or self.positions or self.queues or self.records
        )

    @property
    def only_progress(self) -> bool:
        """只有走到哪里变了。"""
        return self.progress and not (
            self.orders
            or self.accounts
            or self.positions
            or self.queues
            or self.records
            or self.trades
            or self.closings
        )

    @property
    def one_order(self) -> bool:
        """只有一笔委托与它的账户变了。"""
        return len(self.orders) == len(self.accounts) == 1 and not (
            self.positions or self.queues or self.records or self.trades or self.closings
        )

    def clear(self) -> None:
        """已经落盘。"""
        self.orders.clear()
        self.accounts.clear()
        self.progress = False
        for rest in (self.trades, self.positions, self.queues, self.records, self.closings):
            if rest:
                rest.clear()


class CounterState:
    """当日的账户、委托、成交、挂单。

    ``queues``：今天各价位上已经走掉的别人，证券 → 价位 → 数量。
    ``leaving``：在路上的撤单，委托编号 → 什么时候撤到，按先后。
    ``queued``：在柜台手里的委托，编号 → 什么时候报出去，按先后。
    ``records``：各项业务（`plugin`）的合约、申购、回购等，各自解释，一条一段 JSON。
    ``late``：等盘后固定价格（`after_hours`）的委托，证券 → 编号 → 委托，按收下的先后。
    ``consumed``：今天自己吃掉的盘口，证券 → {(吃的是卖盘, 价格): [(哪一跳, 数量)]}。
    ``printed``：今天文件夹里各账户在市场上成交的，证券 → `Printed`。
    """

    __slots__ = (
        "_before",
        "accounts",
        "by_sysid",
        "consumed",
        "late",
        "leaving",
        "orders",
        "orders_of",
        "printed",
        "progress",
        "queued",
        "queues",
        "records",
        "resting",
        "trades_of",
    )

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.accounts: dict[str, Account] = {}
        self.orders: dict[int, SimOrder] = {}
        self.by_sysid: dict[str, SimOrder] = {}
        self.orders_of: dict[str, list[SimOrder]] = {}
        self.trades_of: dict[str, list[TradeSnapshot]] = {}
        self.resting: dict[str, RestingBook] = {}
        self.queues: dict[str, dict[QueueKey, Queue]] = {}
        self.late: dict[str, dict[int, SimOrder]] = {}
        self.leaving: dict[int, float] = {}
        self.queued: dict[int, float] = {}
        self.records: dict[RecordKey, str] = {}
        self.consumed: dict[str, dict[tuple[bool, int], list[tuple[int, int]]]] = {}
        self.printed: dict[str, Printed] = {}
        self._before: SimTrade | None = None  # 上一笔记进 `printed` 的

    def add_account(self, account: Account) -> None:
        """开户。"""
        self.accounts[account.account_id] = account
        self.orders_of.setdefault(account.account_id, [])
        self.trades_of.setdefault(account.account_id, [])

    def add_order(self, order: SimOrder) -> None:
        """记下当日的一笔委托。"""
        self.orders[order.order_id] = order
        self.orders_of[order.account_id].append(order)
        if order.sysid:
            self.by_sysid[order.sysid] = order
            if order.order_type in AFTER_HOURS_TYPES and order.is_working:
                self.late.setdefault(order.stock_code, {})[order.order_id] = order

    def book(self, order: SimOrder) -> RestingBook:
        """这只证券的挂单；没有就立一个。"""
        assert order.security is not None
        book = self.resting.get(order.stock_code)
        if book is None:
            queues = self.queues.setdefault(order.stock_code, {})
            book = self.resting[order.stock_code] = RestingBook(order.security, queues)
        return book

    def rest(self, order: SimOrder, crowd: int | None = None) -> None:
        """挂到市场上，前面排着 ``crowd`` 个别人；从账本里读回来的已经有自己的位置，不给。"""
        book = self.book(order)
        if crowd is not None:
            book.queue_up(order, crowd)
        book.add(order)

    def wait(self, order: SimOrder) -> None:
        """等主机到 9:30 再处理的申报或撤单。"""
        order.waiting = True
        self.book(order).waiting.append(order)

    def prune(self, stock_code: str) -> None:
        """没有挂单的证券不必再盯行情。"""
        book = self.resting.get(stock_code)
        if book is not None and book.empty:
            del self.resting[stock_code]

    def put_back(self, order: SimOrder) -> None:
        """从账本里读回来的，放回它原来的地方。"""
        if order.waiting:
            self.wait(order)
        elif order.is_queued:
            self.queued[order.order_id] = self.progress.now
        elif order.is_working and not order.off_book:
            self.rest(order)
        elif order.status in CANCELLING and not order.off_book:
            order.leaving = True
            self.rest(order)

    def forget_late(self, order: SimOrder) -> None:
        """不再等盘后的：成交完了、撤了。"""
        waiting = self.late.get(order.stock_code, {})
        waiting.pop(order.order_id, None)
        if not waiting:
            self.late.pop(order.stock_code, None)

    def add_trade(self, trade: SimTrade) -> TradeSnapshot:
        """记下一笔成交；主动成交还要记下吃掉的盘口。"""
        shown = trade.snapshot
        self.trades_of[trade.order.account_id].append(shown)
        self._print(trade)
        if not trade.passive:
            self.consume(trade)
        return shown

    def _print(self, trade: SimTrade) -> None:
        """自己的成交也是市场的成交；两个账户互相成交的两笔只算一次，盘后的不算。"""
        order, before = trade.order, self._before
        if order.order_type in AFTER_HOURS_TYPES:
            return
        if before is not None and before.is_other_side(trade):
            self._before = None
            return
        self._before = trade
        price_li, code = trade.price_li, order.stock_code
        known = self.printed.get(code) or Printed(0, 0, price_li, price_li, 0, 0)
        self.printed[code] = Printed(
            known.volume + trade.volume,
            known.worth_li + order.worth_li(price_li, trade.volume),
            min(known.low_li, price_li),
            max(known.high_li, price_li),
            price_li,
            trade.tick,
        )

    def consume(self, trade: SimTrade) -> None:
        """同样的显示数量不能再吃第二次。"""
        used = self.consumed.setdefault(trade.order.stock_code, {})
        parts = used.setdefault((trade.order.is_buy, trade.price_li), [])
        before = parts.pop()[1] if parts and parts[-1][0] == trade.tick else 0
        parts.append((trade.tick, before + trade.volume))

    def taken(self, stock_code: str, tick: int, recovery: int) -> dict[tuple[bool, int], int]:
        """到第 ``tick`` 跳还没有补回来的：``recovery`` 跳里均匀地补回来，尾数当作还没有补。"""
        used = self.consumed.get(stock_code)
        if not used:
            return {}
        found = {}
        for key, parts in list(used.items()):
            parts[:] = [part for part in parts if tick - part[0] < recovery]
            if not parts:
                del used[key]
                continue
            left = sum(volume * (recovery - tick + at) for at, volume in parts)
            found[key] = -(-left // recovery)
        return found

    def start_day(self, day: int) -> None:
        """换日：昨天的委托与成交归档（账本里还在），查询里不再出现。"""
        self.progress.day = day
        self.progress.sysid = 0
        self.progress.first_order_id = min(self.queued, default=self.progress.order_id + 1)
        self.progress.first_trade = self.progress.trade + 1
        self.orders.clear()
        self.by_sysid.clear()
        self.resting.clear()
        self.late.clear()
        self.leaving.clear()
        self.queues.clear()
        self.consumed.clear()
        self.printed.clear()
        self._before = None
        for account_id in self.accounts:
            self.orders_of[account_id] = []
            self.trades_of[account_id] = []
