"""柜台听的与说的：命令、查询，回执、发生了的事。

都是柜台自己的口径（整数厘、不截断的文字），哪一种前端都用得上；变成厂商的行与推送见 `translator`。
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


class SubmitOrder(NamedTuple):
    """下单。``price`` 是元，进柜台即换成整数厘。"""

    account_type: int
    account_id: str
    stock_code: str
    order_type: int
    order_volume: int
    price_type: int
    price: float
    strategy_name: str = ""
    order_remark: str = ""


class CancelOrder(NamedTuple):
    """撤单：按 ``order_id``；为 0 时按 ``exchange``（空为不限）+ 合同编号。"""

    account_type: int
    account_id: str
    order_id: int
    exchange: str = ""
    sysid: str = ""


class AccountQuery(NamedTuple):
    """一个账号；查持仓时还可以只要一只证券。"""

    account_type: int
    account_id: str
    stock_code: str = ""


class OrdersQuery(NamedTuple):
    """委托；``order_id`` 为 0 表示全部。"""

    account_type: int
    account_id: str
    order_id: int = 0
    cancelable_only: bool = False


class BusinessQuery(NamedTuple):
    """各项业务的查询、要办的事；``body`` 是其余各项的 JSON 对象。"""

    account_type: int
    account_id: str
    body: str = ""


class Reject(NamedTuple):
    """柜台不收的理由：编号、文字、附带的数字。"""

    code: int
    text: str
    detail: str = ""

    def __str__(self) -> str:
        return f"[{self.code}][{self.text}]" + (f"[{self.detail}]" if self.detail else "")


class Receipt(NamedTuple):
    """下单、撤单的回执。``order_id`` 为 0 是没有受理，``reason`` 说为什么。"""

    order_id: int
    reason: str = ""
    sysid: str = ""


class Done(NamedTuple):
    """委托之外的一件事办得怎样：``reason`` 为空是办成了；``key`` 是它的编号。"""

    reason: str
    key: str = ""


class Unanswered(NamedTuple):
    """没有查成、没有办：不是「没有」。"""

    reason: str


class OrderSnapshot(NamedTuple):
    """一笔委托某一刻的样子。``reason`` 是成为废单的理由，全文。"""

    account_type: int
    account_id: str
    stock_code: str
    exchange: str
    order_id: int
    order_time: int
    order_type: int
    volume: int
    price_type: int
    price_li: int
    traded_volume: int
    traded_amount_li: int
    status: int
    sysid: str
    reason: str
    strategy_name: str
    order_remark: str
    off_book: bool


class TradeSnapshot(NamedTuple):
    """一笔成交。``fees_li`` 是这笔成交收的全部费用（佣金、印花税、过户费）。"""

    account_type: int
    account_id: str
    stock_code: str
    exchange: str
    order_id: int
    order_type: int
    sysid: str
    strategy_name: str
    order_remark: str
    traded_id: str
    traded_time: int
    price_li: int
    volume: int
    amount_li: int
    fees_li: int


@dataclass(frozen=True, slots=True)
class _OrderEvent:
    order: OrderSnapshot

    @property
    def account(self) -> tuple[int, str]:
        """（账号类型，资金账号）。"""
        return self.order.account_type, self.order.account_id


@dataclass(frozen=True, slots=True)
class Queued(_OrderEvent):
    """柜台先收下，到点再报给交易所：没有合同编号，冻结了，可以撤。"""


@dataclass(frozen=True, slots=True)
class Accepted(_OrderEvent):
    """收下了：有了合同编号。``queued``：在柜台手里等过。"""

    queued: bool = False


@dataclass(frozen=True, slots=True)
class Filled(_OrderEvent):
    """成交一笔；``order`` 是成交之后的样子。"""

    trade: TradeSnapshot


@dataclass(frozen=True, slots=True)
class Completed(_OrderEvent):
    """没有成交记录而了结的：日终的申购，直接还券、还款。"""


@dataclass(frozen=True, slots=True)
class CancelRequested(_OrderEvent):
    """撤单收下了，还没有了结。"""


@dataclass(frozen=True, slots=True)
class Cancelled(_OrderEvent):
    """撤掉了剩余：撤单，日终到期，或市价委托的剩余。"""


@dataclass(frozen=True, slots=True)
class Refused(_OrderEvent):
    """废单。"""

    reject: Reject


@dataclass(frozen=True, slots=True)
class CancelRefused(_OrderEvent):
    """撤不了；委托还是原来的样子。"""

    reject: Reject


@dataclass(frozen=True, slots=True)
class AccountStatusChanged:
    """账号状态变了，见 `codes.ACCOUNT_STATUS_NAMES`。"""

    account: tuple[int, str]
    status: int


Event = (
    Queued
    | Accepted
    | Filled
    | Completed
    | CancelRequested
    | Cancelled
    | Refused
    | CancelRefused
    | AccountStatusChanged
)


class Outcome(NamedTuple):
    """一次调用的结果：给调用者的应答，和给所有订阅者的事件（按发生的先后，都在应答之后）。

    ``events`` 是柜台的事件，翻译之后是厂商的推送；翻译之后的 ``happened`` 里还是柜台的事件，
    给听柜台的话的前端。
    """

    answer: Any
    events: tuple[Any, ...] = ()
    happened: tuple[Any, ...] = ()
