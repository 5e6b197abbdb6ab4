"""柜台里的委托与成交。"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import BUY_TYPES, OrderStatus
from easytrader.errors import UsageError
from easytrader.market.rules.fees import to_fen
from easytrader.market.rules.repo import worth_li
from easytrader.market.symbols import Kind, parse_security
from easytrader.sim.ledger.events import OrderSnapshot, TradeSnapshot

if TYPE_CHECKING:
    from easytrader.market.symbols import Security


WORKING: Final = frozenset(
    {OrderStatus.WAIT_REPORTING, OrderStatus.REPORTED, OrderStatus.PART_SUCC}
)
"""冻结着、还会成交的状态；待报的在柜台手里，还没有挂到市场上。"""
CANCELLING: Final = frozenset({OrderStatus.REPORTED_CANCEL, OrderStatus.PARTSUCC_CANCEL})
"""撤单收下了，还没有了结。"""


_REPO: Final = Kind.REPO  # 每笔委托问好几次，而取一个枚举的成员比比较它贵得多
_shown: Final = attrgetter(*OrderSnapshot._fields)


@dataclass(slots=True, eq=False)
class SimOrder:
    """一笔委托。``price_li`` 是报的价，``limit_li`` 是实际起作用的限价（市价委托由柜台推出）。

    ``ahead``：同一价位上前面排着的别人，从这个价位当天已经走掉的数量算起（见 `resting`）。
    ``waiting``：主机 9:30 才处理的申报或撤单。
    ``off_book``：不经过撮合，由一项业务自己办（见 `plugin`）。
    ``leaving``：撤单在路上，还挂着，撤到之前可能先成交。
    ``traded_amount_li`` 是各笔成交价格 × 数量之和，不取整：均价用它，收付的钱各笔取整到分；
    费用用 ``traded_worth_li``，只有逆回购（价是利率，值的是本金）两者不同。
    """

    order_id: int
    day: int
    account_id: str
    account_type: int
    stock_code: str
    security: Security | None
    order_type: int
    volume: int
    price_type: int
    price_li: int
    order_time: int
    strategy_name: str
    order_remark: str
    limit_li: int = 0
    sysid: str = ""
    status: int = int(OrderStatus.REPORTED)
    reason: str = ""
    traded_volume: int = 0
    traded_amount_li: int = 0
    fees_li: int = 0
    frozen_li: int = 0
    ahead: int = 0
    waiting: bool = False
    off_book: bool = False
    leaving: bool = False
    _snapshot: OrderSnapshot | None = field(default=None, repr=False)

    @property
    def exchange(self) -> str:
        """哪个交易所；不是证券为空。"""
        return self.security.exchange if self.security else ""

    @property
    def is_buy(self) -> bool:
        """买入。"""
        return self.order_type in BUY_TYPES

    @property
    def remaining(self) -> int:
        """还没成交的数量。"""
        return self.volume - self.traded_volume

    @property
    def is_repo(self) -> bool:
        """债券回购：价是利率，值的是本金。"""
        return self.security is not None and self.security.kind is _REPO

    def worth_li(self, price_li: int, volume: int) -> int:
        """以这个价成交 ``volume`` 值多少钱，不取整。"""
        return worth_li(self.security, price_li, volume)

    @property
    def traded_worth_li(self) -> int:
        """已经成交的值多少钱。"""
        return self.worth_li(0, self.traded_volume) if self.is_repo else self.traded_amount_li

    def settled_li(self, price_li: int, volume: int) -> int:
        """交给走法（`Way`）收付的：清算金额；逆回购是利率 × 张数，算利息用，不取整。"""
        exact = price_li * volume
        return exact if self.is_repo else to_fen(exact)

    @property
    def is_working(self) -> bool:
        """还挂着，或等着报出去。"""
        return self.status in WORKING or self.leaving

    @property
    def is_queued(self) -> bool:
        """在柜台手里，还没有报出去。"""
        return self.status == OrderStatus.WAIT_REPORTING

    @property
    def snapshot(self) -> OrderSnapshot:
        """此刻的样子；没有变化时是同一个对象。"""
        if self._snapshot is None:
            self._snapshot = OrderSnapshot(*_shown(self))
        return self._snapshot

    @property
    def shown(self) -> OrderSnapshot:
        """同 `snapshot` 而不留着：一天几万笔里多数没有人再问，留着的每次回收都要看一遍。"""
        return self._snapshot or OrderSnapshot(*_shown(self))

    def touch(self) -> None:
        """内容变了。"""
        self._snapshot = None


class SimTrade(NamedTuple):
    """一笔成交。``tick`` 与 ``passive`` 用来在重启后知道这一跳的盘口已经被自己吃掉多少。

    ``interest_li``：价格之外另付的应计利息（债券）。
    """

    number: int
    order: SimOrder
    traded_id: str
    traded_time: int
    price_li: int
    volume: int
    fees_li: int
    tick: int
    passive: bool
    interest_li: int = 0

    def is_other_side(self, other: SimTrade) -> bool:
        """``other`` 是紧接着的、两个账户互相成交的另一方。"""
        return (
            self.passive
            and other.passive
            and other.number == self.number + 1
            and (other.tick, other.price_li, other.volume)
            == (self.tick, self.price_li, self.volume)
            and other.order.stock_code == self.order.stock_code
            and other.order.is_buy is not self.order.is_buy
        )

    @property
    def amount_li(self) -> int:
        """清算金额：价格 × 数量，四舍五入到分。基金、债券的价格有三位小数，零股卖出时不是整分。

        逆回购是本金；债券含应计利息。
        """
        return to_fen(self.order.worth_li(self.price_li, self.volume)) + self.interest_li

    @property
    def snapshot(self) -> TradeSnapshot:
        """给外面看的样子。"""
        order = self.order
        return TradeSnapshot(
            order.account_type,
            order.account_id,
            order.stock_code,
            order.exchange,
            order.order_id,
            order.order_type,
            order.sysid,
            order.strategy_name,
            order.order_remark,
            self.traded_id,
            self.traded_time,
            self.price_li,
            self.volume,
            self.amount_li,
            self.fees_li,
        )


def security_of(stock_code: str) -> Security | None:
    """只认厂商写法 ``600036.SH``；认不出为 None。"""
    try:
        security = parse_security(stock_code)
    except UsageError:
        return None
    return security if security.stock_code == stock_code else None
