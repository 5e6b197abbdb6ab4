"""一笔委托要什么：校验过的参数，还没有标记。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader import arguments
from easytrader.backend.capabilities import A_SHARE_INSTRUMENTS
from easytrader.backend.records import ContractNumber, OrderRequest
from easytrader.basics import tags
from easytrader.codes import PriceType

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.capabilities import Instruments
    from easytrader.basics.numbers import Number, OrderId
    from easytrader.market.symbols import Security


_PLAIN: Final = ""
"""没有给。空串在 CPython 里只有一个；不是它的，不过多校验一遍。"""


class Extras(NamedTuple):
    """下单时可以不给的几项，原样来自用户。"""

    strategy_name: str
    remark: str
    client_order_id: str | None


class Wanted(NamedTuple):
    """校验过的一笔委托。

    Attributes:
        side: 委托类型，23 买入、24 卖出等。
        given: 用户写的代码。
        target: 证券。
        price_type: 送出的报价类型。
        price: 委托价，元；市价为 0。
        volume: 数量。
        extras: 其余几项，也校验过。
        verb: 信用账号才有的动词，如 ``fin_buy``；普通的买卖为空。
        money: 见 `OrderRequest`。
        precheck: 见 `OrderRequest`。
    """

    side: int
    given: object
    target: Security
    price_type: int
    price: Number
    volume: Number
    extras: Extras
    verb: str = ""
    money: float | None = None
    precheck: Callable[[Any], None] | None = None

    @property
    def kind(self) -> str:
        """哪一种请求，见 `Reply.kind`。"""
        return "submit"

    @property
    def client_order_id(self) -> str | None:
        """用户给的委托 id。"""
        return self.extras.client_order_id

    def request(self, tag: str) -> OrderRequest:
        """带上标记，成为要送出的委托。"""
        name, remark, client_order_id = self.extras
        text = tags.tagged(tag, remark)
        terms = (self.target, self.side, self.volume, self.price_type, self.price, name, text, tag)
        return OrderRequest(*terms, self.money, self.precheck, client_order_id is not None)

    def __str__(self) -> str:
        return f"委托 {self.target.stock_code} {self.volume}"


class Cancel(NamedTuple):
    """一笔撤单：按委托编号，或按柜台合同编号。"""

    target: OrderId | ContractNumber

    @property
    def kind(self) -> str:
        """哪一种请求，见 `Reply.kind`。"""
        return "cancel"

    def __str__(self) -> str:
        return f"撤单 {self.target}"


def limit(
    side: int,
    security: object,
    price: object,
    amount: object,
    extras: Extras,
    rules: Instruments = A_SHARE_INSTRUMENTS,
) -> Wanted:
    """限价委托。"""
    target = arguments.tradable(rules.security(security), security)
    value = rules.price(price, target)
    volume = rules.amount(amount)
    return Wanted(side, security, target, PriceType.FIX, value, volume, checked(extras))


def market(
    side: int,
    security: object,
    amount: object,
    ttype: object,
    extras: Extras,
    rules: Instruments = A_SHARE_INSTRUMENTS,
) -> Wanted:
    """市价委托。"""
    target = arguments.tradable(rules.security(security), security)
    kind = rules.market_type(ttype, target)
    volume = rules.amount(amount)
    return Wanted(side, security, target, kind, 0.0, volume, checked(extras))


def checked(extras: Extras) -> Extras:
    """校验过的其余几项。"""
    name, remark, client_order_id = extras
    if name is _PLAIN and remark is _PLAIN and client_order_id is None:
        return extras
    return Extras(
        "" if name is None else tags.check_strategy_name(name),
        "" if remark is None else tags.check_remark(remark),
        None if client_order_id is None else tags.check_client_order_id(client_order_id),
    )
