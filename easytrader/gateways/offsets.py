"""开平：动词与 ``offset=`` 合成一个委托类型，再按接口与合约定出 VeighNa 的 ``Offset``。纯计算。

委托类型里有开平的全部，所以同一个 ``client_order_id`` 换了开平就是另一笔。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from easytrader.backend.records import Side
from easytrader.codes import OrderType, OtherPriceType, PriceType
from easytrader.errors import UsageError
from easytrader.gateways import convert

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.market.symbols import Security

Policy: TypeAlias = Literal["none", "required", "credit"]
OffsetName: TypeAlias = Literal[
    "auto", "open", "close", "close_today", "close_yesterday", "开仓", "平仓", "平今", "平昨"
]
TypeName: TypeAlias = Literal["LIMIT", "MARKET", "FAK", "FOK", "STOP"]

SPLIT_EXCHANGES: Final = frozenset({"SHFE", "INE"})
"""平仓要说清平今还是平昨的交易所（VeighNa 的转换器只拆这两家）。"""
_OPEN_CLOSE: Final = frozenset({"FUTURES", "OPTION", "SPREAD"})

_OFFSETS: Final = {
    "auto": "",
    "open": "OPEN",
    "close": "CLOSE",
    "close_today": "CLOSETODAY",
    "close_yesterday": "CLOSEYESTERDAY",
    "开仓": "OPEN",
    "平仓": "CLOSE",
    "平今": "CLOSETODAY",
    "平昨": "CLOSEYESTERDAY",
}
_CLOSES: Final = frozenset({"CLOSE", "CLOSETODAY", "CLOSEYESTERDAY"})
_VERBS: Final[dict[str, tuple[str, str, frozenset[str]]]] = {
    # 动词 → 买卖，默认的开平，许哪几种：short、cover 的开平就在名字里
    "buy": ("LONG", "OPEN", _CLOSES | {"OPEN"}),
    "sell": ("SHORT", "CLOSE", _CLOSES | {"OPEN"}),
    "short": ("SHORT", "OPEN", frozenset({"OPEN"})),
    "cover": ("LONG", "CLOSE", _CLOSES),
}
_CODES: Final[dict[tuple[str, str], int]] = {
    ("LONG", "OPEN"): Side.BUY.value,
    ("SHORT", "CLOSE"): Side.SELL.value,
    ("SHORT", "OPEN"): Side.SHORT.value,
    ("LONG", "CLOSE"): Side.COVER.value,
    ("SHORT", "CLOSETODAY"): OrderType.FUTURE_CLOSE_LONG_TODAY.value,
    ("SHORT", "CLOSEYESTERDAY"): OrderType.FUTURE_CLOSE_LONG_HISTORY.value,
    ("LONG", "CLOSETODAY"): OrderType.FUTURE_CLOSE_SHORT_TODAY.value,
    ("LONG", "CLOSEYESTERDAY"): OrderType.FUTURE_CLOSE_SHORT_HISTORY.value,
}
_TERMS: Final = {code: terms for terms, code in _CODES.items()}

_TYPES: Final[dict[str, int]] = {
    "LIMIT": PriceType.FIX.value,
    "MARKET": PriceType.LATEST.value,
    "FAK": OtherPriceType.FAK.value,
    "FOK": OtherPriceType.FOK.value,
    "STOP": OtherPriceType.STOP.value,
}
_TYPE_NAMES: Final = {code: name for name, code in _TYPES.items()}
_WORDS: Final = {
    "限价": "LIMIT",
    "市价": "MARKET",
    "即成剩撤": "FAK",
    "全成或撤": "FOK",
    "止损": "STOP",
}


class OrderPolicy(NamedTuple):
    """一个接口下单的规矩，取自登记的那一行。

    Attributes:
        offset: 没有开平可言的合约（股票、净持仓）怎样写：``none`` 不写；``required`` 不写不收，
            买是开、卖是平；``credit`` 现金账户不写（是两融账户的，给 ``required``）。
        types: 收哪些价格类型（VeighNa 的 ``OrderType`` 的名字）。
        tag_back: ``reference`` 柜台推回来、查回来时还在。
        ids_last: 重新登录之后，同一笔委托的编号不变。
        phantom: 这样的编号（正则，从头对）是没有报出去；空为没有这回事。
    """

    offset: Policy = "none"
    types: frozenset[str] = frozenset({"LIMIT"})
    tag_back: bool = False
    ids_last: bool = True
    phantom: str = ""


class Terms(NamedTuple):
    """买卖与开平，VeighNa 的名字：``LONG SHORT``，``OPEN CLOSE CLOSETODAY CLOSEYESTERDAY``。"""

    direction: str
    offset: str


_PLAIN: Final = {Terms("LONG", "OPEN"): "OPEN", Terms("SHORT", "CLOSE"): "CLOSE"}
"""不讲开平的合约只有买入、卖出。"""


def order_type(verb: str, offset: object = "auto") -> int:
    """动词与 ``offset=`` → 委托类型。

    Args:
        verb: ``buy sell short cover``。
        offset: ``auto open close close_today close_yesterday``，或 ``开仓 平仓 平今 平昨``。

    Raises:
        UsageError: 不认得，或与动词矛盾。
    """
    direction, usual, allowed = _VERBS[verb]
    name = _OFFSETS.get(offset) if isinstance(offset, str) else None
    if name is None:
        raise UsageError("offset", offset, f"应为 {' '.join(_OFFSETS)}")
    if (name or usual) not in allowed:
        opposite = {"short": "卖出平仓请用 sell", "cover": "买入开仓请用 buy"}[verb]
        raise UsageError("offset", offset, f"{verb} 就是{_words(direction, usual)}；{opposite}")
    return _CODES[direction, name or usual]


def terms(code: int) -> Terms:
    """委托类型 → 买卖与开平。

    Raises:
        UsageError: 不是这里的动词下的。
    """
    found = _TERMS.get(int(code))
    if found is None:
        raise UsageError("order_type", code, "VeighNa 的接口只有 buy sell short cover")
    return Terms(*found)


def has_offset(contract: Any) -> bool:
    """这个合约讲不讲开平：期货、期权，而且不是净持仓。"""
    return contract.product.name in _OPEN_CLOSE and not contract.net_position


def sent_offset(wanted: Terms, contract: Any, policy: OrderPolicy) -> str:
    """报出去写哪个 ``Offset``。

    Raises:
        UsageError: 这个合约不讲开平，而要的是卖空、平今之类。
    """
    if has_offset(contract):
        return wanted.offset
    plain = _PLAIN.get(wanted)
    if plain is None:
        kind = "净持仓的" if contract.product.name in _OPEN_CLOSE else "不讲开平的"
        code = convert.stock_code(contract.symbol, contract.exchange.name)
        told = f"{code} 是{kind}，没有{_words(*wanted)}；买卖请用 buy / sell"
        raise UsageError("offset", _words(*wanted), told)
    return plain if policy.offset == "required" else "NONE"


def limit_type(ttype: object, types: frozenset[str]) -> int:
    """限价动词的 ``ttype`` → 送出的报价类型；None 是普通的限价。

    Raises:
        UsageError: 这个接口没有，或是市价。
    """
    name = _type_name(ttype, "LIMIT", types)
    if name == "MARKET":
        raise UsageError("ttype", ttype, "市价委托请用 market_buy / market_sell，不要给 price")
    return _TYPES[name]


def market_types(types: frozenset[str]) -> Callable[[object, Security], int]:
    """`Instruments.market_type`：``ttype`` 只能不给，或 ``MARKET``。"""

    def market_type(ttype: object, target: Security) -> int:
        name = _type_name(ttype, "MARKET", types)
        if name != "MARKET":
            raise UsageError("ttype", ttype, f"{name} 要有价：buy(..., price, ..., ttype='{name}')")
        return _TYPES[name]

    return market_type


def sent_type(price_type: int) -> str:
    """报价类型 → VeighNa 的 ``OrderType`` 的名字。"""
    return _TYPE_NAMES.get(int(price_type), "LIMIT")


def _type_name(ttype: object, usual: str, types: frozenset[str]) -> str:
    name = usual if ttype is None else str(_WORDS.get(str(ttype), ttype)).upper()
    if name not in types:
        told = "、".join(each for each in _TYPES if each in types)
        raise UsageError("ttype", ttype or name, f"这个接口有的价格类型：{told}")
    return name


def _words(direction: str, offset: str) -> str:
    said = {"OPEN": "开仓", "CLOSE": "平仓", "CLOSETODAY": "平今", "CLOSEYESTERDAY": "平昨"}
    return f"{'买入' if direction == 'LONG' else '卖出'}{said[offset]}"
