"""``passorder`` 的参数：怎样才算对，换成柜台的委托是什么。纯计算，要问的（盘口、资金）从外面来。

参数不对有两种：形状不对（几个参数、什么类型）当场是 TypeError，像 Boost.Python 的；值不对的客户端
收下，再用 ``orderError_callback`` 说（`Refusal`）。
"""

import math
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

STOCK, CREDIT = 2, 3
ACCOUNT_TYPES = {
    "FUTURE": 1,
    "STOCK": STOCK,
    "CREDIT": CREDIT,
    "FUTURE_OPTION": 5,
    "STOCK_OPTION": 6,
    "HUGANGTONG": 7,
    "SHENGANGTONG": 11,
}
"""账号类型的名字 → 柜台的数。"""

BUY, SELL = 23, 24
DIRECT_CASH_REPAY = 32
REPAY_TYPES = (32, 45)
"""直接还款：数量是元，代码随便。"""
BUY_TYPES = (23, 27, 29, 40, 42, 80)

FIX, AFTER_HOURS = 11, 49
_LATEST, _LIMIT_PRICE, _OWN_BEST, _OTHER_BEST = 5, 12, 13, 14
_MARKET_KINDS = range(42, 49)
_LOT = 100

SHARES, MONEY, OF_ASSETS, OF_CASH = 1101, 1102, 1113, 1123

_CODE = re.compile(r"[0-9]{6}\.(SH|SZ|BJ)$")
_NAMES = (
    "opType",
    "orderType",
    "accountID",
    "orderCode",
    "prType",
    "modelPrice",
    "modelVolume",
    "strategyName",
    "quickTrade",
    "userOrderId",
)
_TYPES = (int, int, str, str, int, float, float, str, int, str)

_ON_STOCK = {23: 23, 24: 24, 80: 80, 81: 81}
_ON_CREDIT = {33: 23, 34: 24, 82: 80, 83: 81}
_ON_CREDIT.update((each, each) for each in range(27, 33))
_ON_CREDIT.update((each, each - 30) for each in range(70, 76))
"""操作类型 → 柜台的委托类型。"""


class Refusal(Exception):
    """客户端不收这一笔；文字是它的原话。"""


class Arguments:
    """一次 ``passorder`` 的参数，名字照厂商的 PassorderArguments；``quickTrade`` 之外。"""

    __slots__ = _NAMES

    def __init__(self, values: "tuple[Any, ...]") -> None:
        (
            self.opType,
            self.orderType,
            self.accountID,
            self.orderCode,
            self.prType,
            self.modelPrice,
            self.modelVolume,
            self.strategyName,
            self.quickTrade,
            self.userOrderId,
        ) = values

    def told(self) -> "dict[str, Any]":
        """``orderError_callback`` 里看到的：策略名后面跟着备注。"""
        row = {name: getattr(self, name) for name in _NAMES[:7]}  # type: dict[str, Any]
        row["strategyName"] = "%s_&&&_%s" % (self.strategyName, self.userOrderId)
        return row


def read(name: str, args: "tuple[Any, ...]") -> "tuple[Arguments, Any]":
    """全部参数 → （`Arguments`，最后的 ContextInfo）。

    8 个没有策略名以后的，9 个只多一个 ``quickTrade``，11 个是全的；10 个当作没有备注。

    Raises:
        TypeError: 个数、类型不对。
    """
    given = args[:-1]
    if len(given) == 7:
        given += ("", 0, "")
    elif len(given) == 8:
        given = (*given[:7], "", given[7], "")
    elif len(given) == 9:
        given += ("",)
    good = len(given) == len(_TYPES) and all(
        isinstance(value, (int, float) if kind is float else kind)
        for value, kind in zip(given, _TYPES)
    )
    if not good:
        raise TypeError(
            "Python argument types in\n    %s(%s)\ndid not match C++ signature"
            % (name, ", ".join(type(each).__name__ for each in args))
        )
    return Arguments(given), args[-1]


class Counterpart:
    """换算时要知道的，都是函数：用得着才问。

    Attributes:
        book: 代码 → 盘口（``get_full_tick`` 的一条），没有为空。
        detail: 代码 → 合约信息，没有为空。
        account: 资金的一行，没有为空。
        position: 代码 → 持仓的一行，没有为空。
    """

    def __init__(
        self,
        book: "Callable[[str], dict[str, Any]]",
        detail: "Callable[[str], dict[str, Any]]",
        account: "Callable[[], dict[str, Any]]",
        position: "Callable[[str], dict[str, Any]]",
    ) -> None:
        self.book = book
        self.detail = detail
        self.account = account
        self.position = position


def resolve(
    call: "Arguments", account_type: int, known: "Counterpart", plain_on_credit: bool
) -> "dict[str, Any]":
    """柜台的一笔委托：``stock_code order_type price_type price volume``。

    Args:
        call: 参数。
        account_type: 账号类型的数。
        known: 盘口与账户。
        plain_on_credit: 信用账户收不收 23、24（当作担保品买卖）。

    Raises:
        Refusal: 客户端不收。
    """
    code = call.orderCode.upper()
    op = _order_type(call, code, account_type, plain_on_credit)
    if op in REPAY_TYPES:
        return _order(code or "000001.SZ", op, FIX, 0.0, _whole(call, code, call.modelVolume))
    if not _CODE.match(code):
        raise _refuse(code, "证券代码")
    price_type, price, worth = _price(call, code, op in BUY_TYPES, known)
    if call.prType == AFTER_HOURS:
        if op not in (BUY, SELL):
            raise _refuse(code, "报价类型 [49]")
        op += 1020
    volume = _volume(call, code, op, worth, known)
    return _order(code, op, price_type, price, volume)


def _order(code: str, op: int, price_type: int, price: float, volume: int) -> "dict[str, Any]":
    return {
        "stock_code": code,
        "order_type": op,
        "price_type": price_type,
        "price": price,
        "volume": volume,
    }


def _order_type(call: "Arguments", code: str, account_type: int, plain: bool) -> int:
    table = _ON_STOCK if account_type == STOCK else {}
    if account_type == CREDIT:
        table = _ON_CREDIT.copy()
        if plain:
            table.update({BUY: BUY, SELL: SELL})
    if call.opType not in table:
        raise _refuse(code, "操作类型 [%d]" % call.opType)
    return table[call.opType]


def _price(
    call: "Arguments", code: str, buy: bool, known: "Counterpart"
) -> "tuple[int, float, float]":
    """送出的报价类型与价格，估价用的价格。"""
    kind, price = call.prType, float(call.modelPrice)
    if kind in (FIX, AFTER_HOURS):
        return FIX, _good(code, price), price
    if kind in _MARKET_KINDS:
        last = float(known.book(code).get("lastPrice") or 0.0)
        return kind, price if math.isfinite(price) and price > 0 else 0.0, last
    found = _good(code, _shown(kind, code, buy, known))
    return FIX, found, found


def _shown(kind: int, code: str, buy: bool, known: "Counterpart") -> float:
    """从盘口看来的价格；没有为 0。"""
    if kind == _LIMIT_PRICE:
        return float(known.detail(code).get("UpStopPrice" if buy else "DownStopPrice") or 0.0)
    tick = known.book(code)
    if kind == _LATEST:
        return float(tick.get("lastPrice") or 0.0)
    if kind in (_OWN_BEST, _OTHER_BEST):
        side, level = ("bidPrice" if buy == (kind == _OWN_BEST) else "askPrice"), 0
    elif 0 <= kind <= 4:
        side, level = "askPrice", 4 - kind
    elif 6 <= kind <= 10:
        side, level = "bidPrice", kind - 6
    else:
        raise _refuse(code, "报价类型 [%d]" % kind)
    prices = tick.get(side) or []
    return float(prices[level]) if level < len(prices) else 0.0


def _good(code: str, price: float) -> float:
    if not (math.isfinite(price) and price > 0):
        raise _refuse(code, "指定价")
    return price


def _volume(call: "Arguments", code: str, op: int, price: float, known: "Counterpart") -> int:
    kind, asked = call.orderType, float(call.modelVolume)
    if kind == SHARES:
        return _whole(call, code, asked)
    if kind not in (MONEY, OF_ASSETS, OF_CASH):
        raise _refuse(code, "下单方式 [%d]" % kind)
    if not math.isfinite(asked) or asked <= 0 or (kind != MONEY and asked > 1):
        raise _refuse(code, "下单数量")
    if kind == OF_CASH and op not in BUY_TYPES:
        shares = asked * float(known.position(code).get("m_nCanUseVolume", 0))
    else:
        field = {OF_ASSETS: "m_dBalance", OF_CASH: "m_dAvailable"}.get(kind)
        money = asked * (float(known.account().get(field, 0.0)) if field else 1.0)
        shares = money / price if price > 0 else 0.0
    volume = int(shares + 1e-6) // _LOT * _LOT
    if volume <= 0:
        raise _refuse(code, "下单数量")
    return volume


def _whole(call: "Arguments", code: str, asked: float) -> int:
    if not math.isfinite(asked) or asked <= 0 or asked != int(asked) or asked >= 2**31:
        raise _refuse(code, "下单数量")
    return int(asked)


def precheck(order: "dict[str, Any]", known: "Counterpart") -> str:
    """下单模块自己的检查：不够的弹什么窗，够为空。只看客户端自己的缓存。"""
    code, volume, price = order["stock_code"], order["volume"], order["price"]
    if order["order_type"] == BUY:
        detail = known.detail(code)
        top = detail.get("UpStopPrice") or 0.0
        if order["price_type"] == FIX and 0 < top < price:
            return "委托价格超过涨停价"
        if volume % _LOT and not code.startswith("688"):
            return "委托数量不是%d的整数倍" % _LOT
        need = (price or known.book(code).get("lastPrice") or 0.0) * volume
        if need > float(known.account().get("m_dAvailable", 0.0)):
            return "可用资金不足"
    elif order["order_type"] == SELL:
        low = known.detail(code).get("DownStopPrice") or 0.0
        if order["price_type"] == FIX and price < low:
            return "委托价格低于跌停价"
        if volume > int(known.position(code).get("m_nCanUseVolume", 0)):
            return "可用数量不足"
    return ""


def _refuse(code: str, what: str) -> "Refusal":
    bare, _, exchange = code.partition(".")
    return Refusal(
        "[函数交易] 函数: passorder, 证券 [%s%s] %s 无效, 无法下单!" % (exchange, bare, what)
    )


def not_logged_in(account: str) -> "Refusal":
    """账号没有登录。"""
    return Refusal("[函数交易] 函数: passorder, 账号 [%s] 未登录, 无法下单!" % account)
