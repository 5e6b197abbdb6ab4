"""下单前的检查：一串小问题，第一个不满足的就是废单的理由。

柜台的编号与文字取自公开的真实记录；没有见过 QMT 样本的（数量、价位、上限、市价类型）
用同类柜台的编号，文字照抄含义。``error_id`` 是客户端的编号，恒为 -61。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import PriceType
from easytrader.sim.fees import to_fen

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.fees import FeeRates
    from easytrader.sim.market.book import Quote
    from easytrader.sim.rules import Rules

__all__ = ["LIMIT_TYPES", "ORDER_ERROR_ID", "Reject", "Ticket", "check", "working_limit"]

ORDER_ERROR_ID: Final = -61
LIMIT_TYPES: Final = frozenset({PriceType.FIX, PriceType.LATEST})


class Reject(NamedTuple):
    """废单的理由：柜台编号、文字、附带的数字。"""

    code: int
    text: str
    detail: str = ""

    @property
    def message(self) -> str:
        """``[COUNTER] [260200][可用资金不足][…]``。"""
        tail = f"[{self.detail}]" if self.detail else ""
        return f"[COUNTER] [{self.code}][{self.text}]{tail}"


class Ticket(NamedTuple):
    """一笔待检查的委托。

    Attributes:
        price_li: 报的价，厘；报价不是整厘时 ``whole`` 为假。
        limit_li: 实际起作用的限价，见 `working_limit`。
        protects: 该交易所的市价委托带保护限价（沪、北）。
    """

    buy: bool
    volume: int
    price_type: int
    price_li: int
    whole: bool
    limit_li: int
    protects: bool
    rules: Rules
    quote: Quote
    rates: FeeRates
    cash_li: int
    sellable: int

    @property
    def is_limit(self) -> bool:
        """限价委托（最新价由客户端换成限价）。"""
        return self.price_type in LIMIT_TYPES


def working_limit(price_type: int, buy: bool, price_li: int, protects: bool, quote: Quote) -> int:
    """不能越过的价格：限价取报价，最新价取最新价，市价取保护限价（没有则涨跌停价）。"""
    if price_type == PriceType.FIX:
        return price_li
    if price_type == PriceType.LATEST:
        return quote.last_li
    edge = quote.limit_up_li if buy else quote.limit_down_li
    if not protects or price_li <= 0:
        return edge
    return min(price_li, edge) if buy else max(price_li, edge)


def _market_type(ticket: Ticket) -> Reject | None:
    if ticket.is_limit or ticket.price_type in ticket.rules.market_types:
        return None
    if not ticket.rules.market_types:
        return Reject(1224, "该证券不支持市价委托")
    return Reject(1224, "该市场不支持此市价委托方式", f"price_type={ticket.price_type}")


def _lot(ticket: Ticket) -> Reject | None:
    minimum, step = ticket.rules.lot
    volume = ticket.volume
    if volume >= minimum and (volume - minimum) % step == 0:
        return None
    if not ticket.buy and _clears_odd_lot(volume, ticket.sellable, minimum, step):
        return None
    if volume < minimum:
        return Reject(-150904070, f"委托数量不能少于{minimum}", f"entrust_amount={volume}")
    return Reject(-150904070, f"委托数量必须是每手股(张)数{step}的倍数", f"entrust_amount={volume}")


def _clears_odd_lot(volume: int, sellable: int, minimum: int, step: int) -> bool:
    """不足一手的零头只能一次卖完；100 股一手的可以和整手一起卖。"""
    if step > 1:
        odd = sellable % step
        return odd > 0 and volume % step == odd
    return sellable < minimum and volume == sellable


def _size(ticket: Ticket) -> Reject | None:
    most = ticket.rules.size.limit if ticket.is_limit else ticket.rules.size.market
    if ticket.volume <= most:
        return None
    return Reject(1218, f"委托数量超过单笔上限{most}", f"entrust_amount={ticket.volume}")


def _has_price(ticket: Ticket) -> bool:
    """报价有意义：限价委托，或带保护限价的市价委托。"""
    if ticket.price_type == PriceType.LATEST:
        return False
    return ticket.is_limit or (ticket.protects and ticket.price_li > 0)


def _tick(ticket: Ticket) -> Reject | None:
    tick = ticket.rules.tick_li
    if not _has_price(ticket) or (ticket.whole and ticket.price_li % tick == 0):
        return None
    digits = 2 if tick % 10 == 0 else 3
    return Reject(1222, f"委托价格的小数价格应为{digits}位")


def _band(ticket: Ticket) -> Reject | None:
    if not _has_price(ticket):
        return None
    low, high = ticket.quote.limit_down_li, ticket.quote.limit_up_li
    price = ticket.price_li
    # 市价委托的保护限价：买高于涨停、卖低于跌停无妨，按涨跌停冻结；反方向越界才无效
    if price > high and (ticket.is_limit or not ticket.buy):
        return Reject(-990265060, "委托价格超过涨停价格", f"up_limit={high / 1000:.3f}")
    if price < low and (ticket.is_limit or ticket.buy):
        return Reject(-990265060, "委托价格超过跌停价格", f"down_limit={low / 1000:.3f}")
    return None


def _cash(ticket: Ticket) -> Reject | None:
    if not ticket.buy:
        return None
    amount = ticket.limit_li * ticket.volume
    need = to_fen(amount) + ticket.rates.total(amount)
    if need <= ticket.cash_li:
        return None
    return Reject(
        260200,
        "可用资金不足",
        f"p_occur_balance={need / 1000:.2f},v_enable_balance_t={ticket.cash_li / 1000:.2f}",
    )


def _shares(ticket: Ticket) -> Reject | None:
    if ticket.buy or ticket.volume <= ticket.sellable:
        return None
    return Reject(
        251005,
        "证券可用数量不足",
        f"v_occur_amount={ticket.volume}.00,p_enable_amount={ticket.sellable}.00",
    )


_CHAIN: Final[tuple[Callable[[Ticket], Reject | None], ...]] = (
    _market_type,
    _size,
    _tick,
    _band,
    _shares,
    _lot,
    _cash,
)


def check(ticket: Ticket) -> Reject | None:
    """依次检查；全部通过为 None。"""
    for question in _CHAIN:
        reject = question(ticket)
        if reject is not None:
            return reject
    return None
