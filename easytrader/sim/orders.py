"""柜台里的委托与成交，以及它们变成厂商的行。"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import BROKER_PRICE_TYPES, BUY_TYPES, OrderStatus, OrderType
from easytrader.sim.fees import to_fen
from easytrader.sim.market.anchors import NAMES
from easytrader.sim.rules.repo import worth_li
from easytrader.sim.wire import OrderRow, TradeRow
from easytrader.symbols import Kind

if TYPE_CHECKING:
    from easytrader.symbols import Security

__all__ = [
    "WORKING",
    "SimOrder",
    "SimTrade",
    "clip_bytes",
    "instrument_name",
    "offset_flag",
    "secu_account",
    "trade_row",
    "yuan",
]

WORKING: Final = frozenset({OrderStatus.REPORTED, OrderStatus.PART_SUCC})
"""挂在市场上、还会成交的状态。"""

STATUS_BYTES: Final = 23
"""厂商 ``status_msg`` 缓冲区 24 字节，客户端在字符边界截断。"""
LONG: Final = 48
_BUY_FLAG: Final = 48
_SUBSCRIBE: Final = 54
_SELL_FLAG: Final = 49


def yuan(li: int) -> float:
    """厘 → 元。"""
    return li / 1000


def clip_bytes(text: str, limit: int) -> str:
    """按 UTF-8 字节数截断，不切开一个字符。"""
    return text.encode()[:limit].decode(errors="ignore")


def secu_account(account_id: str, exchange: str) -> str:
    """股东账号：沪市 A 开头，深、北 0 开头，由资金账号推出。"""
    number = zlib.crc32(account_id.encode()) % 1_000_000_000
    return f"{'A' if exchange == 'SH' else '0'}{number:09d}"


def instrument_name(stock_code: str) -> str:
    """证券名称；不认识的用代码代替。"""
    return NAMES.get(stock_code, stock_code)


def offset_flag(order_type: int) -> int:
    """48 买入，49 卖出。"""
    return _BUY_FLAG if order_type in BUY_TYPES else _SELL_FLAG


@dataclass(slots=True, eq=False)
class SimOrder:
    """一笔委托。``price_li`` 是报的价，``limit_li`` 是实际起作用的限价（市价委托由柜台推出）。

    ``ahead``：同一价位上前面排着的别人，从这个价位当天已经走掉的数量算起（见 `resting`）。
    ``waiting``：主机 9:30 才处理的申报或撤单。
    ``off_book``：不经过撮合，由一项业务自己办（见 `lines`）。
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
    status: int = OrderStatus.REPORTED
    status_msg: str = ""
    traded_volume: int = 0
    traded_amount_li: int = 0
    fees_li: int = 0
    frozen_li: int = 0
    ahead: int = 0
    waiting: bool = False
    off_book: bool = False
    _row: OrderRow | None = field(default=None, repr=False)

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
        return self.security is not None and self.security.kind is Kind.REPO

    def worth_li(self, price_li: int, volume: int) -> int:
        """以这个价成交 ``volume`` 值多少钱，不取整。"""
        return worth_li(self.security, price_li, volume)

    @property
    def traded_worth_li(self) -> int:
        """已经成交的值多少钱。"""
        return self.worth_li(0, self.traded_volume) if self.is_repo else self.traded_amount_li

    def settled_li(self, price_li: int, volume: int) -> int:
        """交给走法（`ways`）收付的：清算金额；逆回购是利率 × 张数，算利息用，不取整。"""
        exact = price_li * volume
        return exact if self.is_repo else to_fen(exact)

    @property
    def is_working(self) -> bool:
        """还挂着。"""
        return self.status in WORKING

    @property
    def row(self) -> OrderRow:
        """厂商的行；没有变化时是同一个对象。"""
        if self._row is None:
            self._row = self._build_row()
        return self._row

    @property
    def _broker_price_type(self) -> int:
        """柜台返回的报价类型：不经过撮合的买入是申购。"""
        if self.off_book and self.order_type == OrderType.BUY:
            return _SUBSCRIBE
        return BROKER_PRICE_TYPES[self.price_type]

    def touch(self) -> None:
        """内容变了：下次要行时重新生成。"""
        self._row = None

    def _build_row(self) -> OrderRow:
        traded = self.traded_volume
        exchange = self.security.exchange if self.security else ""
        return OrderRow(
            self.account_type,
            self.account_id,
            self.stock_code,
            self.order_id,
            self.order_time,
            self.order_type,
            self.volume,
            self._broker_price_type,
            yuan(self.price_li),
            traded,
            round(self.traded_amount_li / traded / 1000, 6) if traded else 0.0,
            int(self.status),
            self.sysid,
            clip_bytes(self.status_msg, STATUS_BYTES) if self.status_msg else "",
            self.strategy_name,
            self.order_remark,
            LONG,
            offset_flag(self.order_type),
            secu_account(self.account_id, exchange) if exchange else "",
            instrument_name(self.stock_code),
        )


class SimTrade(NamedTuple):
    """一笔成交。``tick`` 与 ``passive`` 用来在重启后知道这一跳的盘口已经被自己吃掉多少。"""

    number: int
    order: SimOrder
    traded_id: str
    traded_time: int
    price_li: int
    volume: int
    fees_li: int
    tick: int
    passive: bool

    @property
    def amount_li(self) -> int:
        """清算金额：价格 × 数量，四舍五入到分。基金、债券的价格有三位小数，零股卖出时不是整分。

        逆回购是本金。
        """
        return to_fen(self.order.worth_li(self.price_li, self.volume))


def trade_row(trade: SimTrade) -> TradeRow:
    """成交 → 厂商的行。``commission`` 是这笔成交收的全部费用（佣金、印花税、过户费）。"""
    order = trade.order
    exchange = order.security.exchange if order.security else ""
    return TradeRow(
        order.account_type,
        order.account_id,
        order.stock_code,
        trade.traded_id,
        trade.traded_time,
        yuan(trade.price_li),
        trade.volume,
        yuan(trade.amount_li),
        order.order_id,
        order.order_type,
        order.sysid,
        order.strategy_name,
        order.order_remark,
        LONG,
        offset_flag(order.order_type),
        yuan(trade.fees_li),
        secu_account(order.account_id, exchange),
        instrument_name(order.stock_code),
    )
