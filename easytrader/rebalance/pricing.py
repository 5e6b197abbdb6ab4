"""一笔委托报什么价：按策略看盘口，不越过涨跌停、最小变动价位与价格笼子。纯函数，价格以厘计。"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, cast, get_args

from easytrader import arguments
from easytrader.codes import DEFAULT_MARKET_TYPE, MarketTypeName
from easytrader.errors import UsageError
from easytrader.market.rules.cage import cage_limit, reference_price
from easytrader.market.units import units_of

if TYPE_CHECKING:
    from easytrader import types
    from easytrader.market.rules import Rules
    from easytrader.market.symbols import Security

DEFAULT: Final = "对手价"

_BASES: Final[dict[str, Literal["opposite", "own", "last"]]] = {
    "对手价": "opposite",
    "对手方": "opposite",
    "本方价": "own",
    "本方": "own",
    "最新价": "last",
    "最新": "last",
}
_WRITTEN: Final = re.compile(r"(\D+?)(?:\s*([+-]\s*\d{1,3})\s*档?)?")
_MARKET_TYPES: Final = tuple(name for name in get_args(MarketTypeName) if name not in _BASES)
_FORM: Final = (
    "应为 对手价、本方价、最新价，可以加减几档（最新价+2，+ 是让价：买高、卖低），"
    f"或市价类型：{'、'.join(_MARKET_TYPES)}"
)


class Policy(NamedTuple):
    """怎样报价。

    Attributes:
        text: 用户写的。
        base: 从盘口的哪里取价；市价类型报不了时也照它（``opposite``）。
        ticks: 让几个价位：正的买高卖低，负的相反。
        ttype: 市价类型的名字；限价为空。
    """

    text: str
    base: Literal["opposite", "own", "last"] = "opposite"
    ticks: int = 0
    ttype: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """看到的盘口，价格以厘计；没有的一边为空，没有涨跌停为 None。"""

    last: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    up: int | None
    down: int | None
    volume: int

    @classmethod
    def of(cls, quote: types.Quote) -> Book:
        """行情 → 盘口；没有最新价的取昨收。"""
        return cls(
            li(quote["last"] or quote["pre_close"] or 0.0),
            _side(quote["bids"]),
            _side(quote["asks"]),
            None if quote["limit_up"] is None else li(quote["limit_up"]),
            None if quote["limit_down"] is None else li(quote["limit_down"]),
            int(quote["volume"]),
        )


class Offer(NamedTuple):
    """报什么。

    Attributes:
        price_li: 限价，厘；市价为 0。
        ttype: 市价类型的名字；限价为空。
        worst_li: 一股最多花（最少得）多少，厘：算要冻结多少钱。
    """

    price_li: int
    ttype: str
    worst_li: int


def parse(text: object) -> Policy:
    """``对手价``、``最新价+2``、``最优五档即时成交剩余撤销`` → 策略。

    Raises:
        UsageError: 不认得。
    """
    if not isinstance(text, str):
        raise UsageError("price", text, _FORM)
    written = text.strip()
    found = _WRITTEN.fullmatch(written)
    if found is not None and found[1].strip() in _BASES:
        ticks = int(found[2].replace(" ", "")) if found[2] else 0
        return Policy(written, _BASES[found[1].strip()], ticks)
    if written == "市价":
        return Policy(written, ttype=DEFAULT_MARKET_TYPE)
    if written in _MARKET_TYPES:
        return Policy(written, ttype=written)
    raise UsageError("price", text, _FORM)


def offer(
    policy: Policy, buy: bool, book: Book, security: Security, rules: Rules | None, *, call: bool
) -> Offer | str:
    """此刻报什么价；现在报不了，返回为什么。

    Args:
        policy: 策略。
        buy: 买还是卖。
        book: 盘口。
        security: 证券。
        rules: 这只证券今天的规则；没有（不认得的品种）就只看盘口。
        call: 集合竞价：只收限价，没有笼子，两边可以都空着。
    """
    opposite, own = (book.asks, book.bids) if buy else (book.bids, book.asks)
    edge = book.up if buy else book.down
    if not book.asks and not book.bids and not call:
        return "没有盘口（停牌，或还没有开盘）"
    if edge is not None and not opposite and _sealed(buy, edge, own, book.last):
        return "涨停，没有卖盘" if buy else "跌停，没有买盘"
    worst = edge if edge is not None else (book.last * 2 if buy else 1)
    if policy.ttype and opposite and not call and _takes(policy.ttype, security, rules):
        return Offer(0, policy.ttype, worst)
    price = _price(policy, buy, book, opposite, own, units_of(security).tick_li)
    if not price:
        return "没有价格可以参照"
    price = _within(price, buy, book, security, rules, call=call)
    return Offer(price, "", price)


def li(yuan: float) -> int:
    """元 → 厘。"""
    return round(yuan * 1000)


def _side(levels: list[tuple[float, int]]) -> tuple[tuple[int, int], ...]:
    return tuple((li(price), volume) for price, volume in levels if price > 0)


def _sealed(buy: bool, edge: int, own: tuple[tuple[int, int], ...], last: int) -> bool:
    """封住了：自己这边已经排到涨停（跌停）价。"""
    best = own[0][0] if own else last
    return best >= edge if buy else best <= edge


def _takes(ttype: str, security: Security, rules: Rules | None) -> bool:
    """这只证券今天收不收这种市价委托；不收的改报对手价。"""
    try:
        number = arguments.market_type(ttype, security)
    except UsageError:
        return False
    return rules is None or (number in rules.market_types and rules.band is not None)


def _price(
    policy: Policy,
    buy: bool,
    book: Book,
    opposite: tuple[tuple[int, int], ...],
    own: tuple[tuple[int, int], ...],
    tick: int,
) -> int:
    """策略说的价，还没有看各种界限。"""
    levels = {"opposite": opposite, "own": own, "last": ()}[policy.base]
    base = levels[0][0] if levels else book.last
    return base + (tick if buy else -tick) * policy.ticks if base else 0


def _within(
    price: int, buy: bool, book: Book, security: Security, rules: Rules | None, *, call: bool
) -> int:
    """收进笼子、涨跌停与价位里。"""
    tick = rules.tick_li if rules is not None else units_of(security).tick_li
    if rules is not None and rules.cage is not None and not call:
        reference = reference_price(buy, book.asks, book.bids, book.last)
        bound = cage_limit(buy, reference, rules.cage, tick, rules.cage_rounding)
        price = min(price, bound) if buy else max(price, bound)
    price = price // tick * tick if buy else -(-price // tick) * tick
    if book.up is not None:
        price = min(price, book.up)
    if book.down is not None:
        price = max(price, book.down)
    return max(price, tick)


def market_name(ttype: str) -> MarketTypeName:
    """`Offer.ttype` → 动词收的名字。"""
    return cast("MarketTypeName", ttype)
