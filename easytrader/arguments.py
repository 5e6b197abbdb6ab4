"""用户参数的校验：不对就抛 `UsageError`，说出参数、给的值、正确的写法。

笔记本里常见的数都收：numpy 整数、``Decimal``、恰为整数的浮点。布尔和字符串不收。
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.basics import numbers
from easytrader.codes import (
    DEFAULT_MARKET_TYPE,
    MARKET_CODES,
    MARKET_ORDER_TYPES,
    AccountType,
    PriceType,
)
from easytrader.errors import UsageError
from easytrader.market.symbols import Board, Kind, Security, parse_security

if TYPE_CHECKING:
    from easytrader.basics.numbers import Number
    from easytrader.codes import Exchange

MAX_VOLUME: Final = 2**31 - 1
"""厂商的委托数量是 32 位整数。"""

MAX_PRICE: Final = 10_000_000
"""元。没有哪只证券这么贵；更大的数会让厂商或柜台的运算溢出。"""

MAX_SECONDS: Final = 4_000_000
"""约 46 天：Windows 上一次等待的上限是 49 天。"""

_NOT_SECURITIES: Final = {
    Kind.INDEX: "是指数，不能买卖；要买跟踪它的 ETF",
    Kind.NEEQ: "是股转系统（老三板）的代码，证券账户不能经 MiniQMT 交易",
}


def security(text: object) -> Security:
    """证券代码；指数之类不能买卖的拒绝。"""
    return tradable(parse_security(text), text)


def tradable(found: Security, text: object) -> Security:
    """能买卖的证券；``text`` 是用户写的。"""
    why = _NOT_SECURITIES.get(found.kind)
    if why is not None:
        raise UsageError("security", text, f"{found.stock_code} {why}")
    return found


_MAX_SYMBOL: Final = 64


def symbol(text: object) -> Security:
    """A 股以外的证券代码：随便什么文字，最后一个点之后是市场，如 ``rb2501.SHFE``。"""
    form = "应为证券代码，如 'BTC/USDT'、'rb2501.SHFE'，前后没有空白"
    if not isinstance(text, str) or not text or text != text.strip() or not text.isprintable():
        raise UsageError("security", text, form)
    if len(text) > _MAX_SYMBOL:
        raise UsageError("security", text, f"{form}，最多 {_MAX_SYMBOL} 个字")
    code, _, market = text.rpartition(".")
    return Security(code or text, market if code else "", Board.OTHER, Kind.OTHER, text)


MAX_CODES: Final = 6000
"""一次最多问这么多只：比全市场还多。"""


def codes(
    value: object, parse: Callable[[object], Security] = parse_security
) -> dict[str, Security]:
    """一只或一批证券代码：写的样子 → 证券。指数也可以（只看不买）。"""
    form = "应为一个代码，或代码的列表，如 '600036'、['600036', '000001.SZ']"
    found: dict[str, Security] = {}
    for text in several("codes", value, form, MAX_CODES):
        try:
            found[text] = parse(text)
        except UsageError as exc:  # noqa: PERF203
            raise UsageError("codes", text, exc.expected) from None
    return found


def several(argument: str, value: object, form: str, most: int) -> list[Any]:
    """一段文字，或一批东西；空的、多于 ``most`` 个的、数不出来的不收。"""
    if isinstance(value, str):
        return [value]
    if isinstance(value, (bytes, Mapping)) or not isinstance(value, Iterable):
        raise UsageError(argument, value, form)
    try:
        found = list(islice(value, most + 1))
    except Exception:  # noqa: BLE001  边界：用户的迭代器抛什么都可能，如没有维数的数组
        raise UsageError(argument, value, form) from None
    if len(found) > most:
        raise UsageError(argument, f"{most} 个以上", f"一次最多 {most} 个")
    if not found:
        raise UsageError(argument, value, form)
    return found


def whole(argument: str, value: object, unit: str = "") -> int:
    """一个正整数：int、numpy 整数、恰为整数的 float / Decimal。"""
    number = numbers.whole(value)
    if number is None or number <= 0:
        raise UsageError(argument, value, f"应为正整数{unit}，如 100")
    return number


def amount(value: object) -> int:
    """委托数量，股/份/张。"""
    if type(value) is int and 0 < value <= MAX_VOLUME:  # 绝大多数，不必细看
        return value
    number = whole("amount", value, "（股/份/张）")
    if number > MAX_VOLUME:
        raise UsageError("amount", value, f"一笔最多 {MAX_VOLUME}")
    return number


_MOST: Final = 10**15


def quantity(value: Any, argument: str = "amount") -> Number:
    """大于 0 的数，可以有小数；Decimal 原样保留，不经过浮点。"""
    number = numbers.real(value)
    if number is None or not 0 < number <= _MOST:
        raise UsageError(argument, value, f"应为大于 0、不超过 {_MOST:g} 的数，如 0.0015")
    if isinstance(value, Decimal):
        return value
    return int(number) if number.is_integer() and not isinstance(value, float) else number


_PRICE: Final = "应为大于 0 的数（元），如 35.5；市价委托请用 market_buy / market_sell"


def price(value: object, target: Security, form: str = _PRICE) -> float:
    """限价，元；有限，不小于这只证券的最小变动价位。"""
    # 绝大多数是普通的浮点数，不必细看
    plain = type(value) is float and 0 < value <= MAX_PRICE
    number = cast("float", value) if plain else numbers.real(value)
    if number is None or number <= 0:
        raise UsageError("price", value, form)
    if number > MAX_PRICE:
        raise UsageError("price", value, f"超过 {MAX_PRICE:g} 元，{form}")
    if number < _BIG_ENOUGH:
        _check_tick(number, value, target, form)
    return number


_BIG_ENOUGH: Final = 0.01
"""没有比这大的最小变动价位：绝大多数的价格不必去查规则。"""


def _check_tick(number: float, value: object, target: Security, form: str) -> None:
    from easytrader.market.units import units_of  # 规则表不轻，用到才导入

    tick_li = units_of(target).tick_li
    if number * 1000 < tick_li - 1e-6:
        told = f"{target.stock_code} 的最小变动价位是 {tick_li / 1000:g} 元，{form}"
        raise UsageError("price", value, told)


def market_type(ttype: object, target: Security) -> int:
    """市价类型 → 要送的代码；交易所没有的拒绝并列出有的。

    收中文名（`MARKET_ORDER_TYPES` 的、`PriceType` 的）、``xtconstant`` 里的名字、整数代码。
    """
    own = MARKET_ORDER_TYPES[cast("Exchange", target.exchange)]
    allowed = {*own.values(), PriceType.LATEST}
    name = DEFAULT_MARKET_TYPE if ttype is None else ttype
    if isinstance(name, str):
        number = own.get(name)
        if number is not None:
            return number
        found = {each for each in PriceType if name == each.label or name in each.vendor}
    else:
        number = numbers.whole(name)
        found = {each for each in PriceType if each == number}
    usable = found & allowed
    if usable:
        return int(usable.pop())
    if PriceType.FIX in found:
        raise UsageError("ttype", ttype, "限价委托请用 buy / sell，给出 price")
    choices = "、".join((*own, PriceType.LATEST.label))
    raise UsageError("ttype", ttype, f"{target.stock_code} 可用的市价类型：{choices}")


def only_market_type(ttype: object, target: Security) -> int:
    """只有一种市价委托的柜台。"""
    if ttype is not None:
        told = f"{target.stock_code} 只有一种市价委托，不要给 ttype"
        raise UsageError("ttype", ttype, told)
    return int(PriceType.LATEST)


_MARKETS: Final[dict[str, tuple[str, ...]]] = {
    "SH": ("上交所", "上海", "上海证券交易所", "沪市", "沪", "SSE", "SH_MARKET"),
    "SZ": ("深交所", "深圳", "深圳证券交易所", "深市", "深", "SZSE", "SZ_MARKET"),
    "BJ": ("北交所", "北京", "北京证券交易所", "京市", "京", "BSE", "MARKET_ENUM_BEIJING"),
}


def market(value: object) -> Exchange:
    """交易所：``SH`` ``SZ`` ``BJ``，中文名，或厂商的整数代码。"""
    if isinstance(value, str):
        name = value.strip().upper()
        for code, others in _MARKETS.items():
            if name == code or name in others:
                return cast("Exchange", code)
    else:
        number = numbers.whole(value)
        for exchange, code_number in MARKET_CODES.items():
            if code_number == number:
                return exchange
    form = "应为 'SH'（上交所）、'SZ'（深交所）、'BJ'（北交所），或厂商的整数代码 0、1、70"
    raise UsageError("market", value, form)


MAX_CONTRACT_BYTES: Final = 23
"""厂商的合同编号缓冲区。"""


def contract_number(value: object) -> str:
    """柜台合同编号：`today_entrusts` 的 ``order_sysid``，字符串。"""
    form = "应为 today_entrusts 里的 order_sysid，字符串（数字会丢掉开头的 0），如 '8129'"
    if not isinstance(value, str) or not value.strip():
        raise UsageError("order_sysid", value, form)
    text = value.strip()
    if not text.isprintable() or len(text.encode()) > MAX_CONTRACT_BYTES:
        raise UsageError("order_sysid", value, f"{form}，不超过 {MAX_CONTRACT_BYTES} 字节")
    return text


def seconds(argument: str, value: object, *, allow_zero: bool = False) -> float:
    """一段时间，秒。"""
    form = f"应为{'不小于' if allow_zero else '大于'} 0、不超过 {MAX_SECONDS} 的秒数，如 5"
    number = numbers.real(value)
    if number is None or not 0 <= number <= MAX_SECONDS or (number == 0 and not allow_zero):
        raise UsageError(argument, value, form)
    return number


def day(argument: str, value: object) -> date:
    """日期：``'2026-11-20'``、``'20261120'``、``date`` 或 ``datetime``。"""
    try:
        if isinstance(value, date):  # NaT 也算，它读不出年月日
            return date(value.year, value.month, value.day)
        if isinstance(value, str) and value.isascii() and len(value) in (8, 10):
            return datetime.strptime(value, "%Y%m%d" if len(value) == 8 else "%Y-%m-%d").date()  # noqa: DTZ007  只要日期
    except (TypeError, ValueError):
        pass
    raise UsageError(argument, value, "应为日期，写成 '2026-11-20'、'20261120'、date 或 datetime")


def flag(argument: str, value: object) -> bool:
    """True 或 False。"""
    numpy_bool = type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_")
    if not isinstance(value, bool) and not numpy_bool:
        raise UsageError(argument, value, "应为 True 或 False")
    return bool(value)


def count(argument: str, value: object) -> int:
    """不小于 0 的整数。"""
    number = numbers.whole(value)
    if number is None or number < 0:
        raise UsageError(argument, value, "应为不小于 0 的整数，0 表示不限")
    return number


def account(value: object) -> str:
    """资金账号：字符串。"""
    form = '应为资金账号字符串，如 "1234567890"（数字会丢掉开头的 0）'
    if not isinstance(value, str) or not value.strip():
        raise UsageError("stock_account", value, form)
    text = value.strip()
    if not text.isprintable() or len(text.encode()) > MAX_ACCOUNT_BYTES:
        raise UsageError("stock_account", value, f"{form}，不超过 {MAX_ACCOUNT_BYTES} 字节")
    return text


MAX_ACCOUNT_BYTES: Final = 23
"""厂商的账号缓冲区。"""


def account_type(value: object) -> str:
    """账号类型的名字，大小写不论。"""
    name = value.upper() if isinstance(value, str) else ""
    if name not in AccountType.__members__:
        choices = "、".join(AccountType.__members__)
        raise UsageError("account_type", value, f"可用的账号类型：{choices}")
    return name


def check_kinds(verb: str, account_type: str, kinds: tuple[str, ...]) -> None:
    """这个动词只有这几种账号能用。

    Raises:
        UsageError: 账号类型不对，什么都没有发出。
    """
    if account_type not in kinds:
        wanted = "、".join(kinds)
        raise UsageError(
            "account_type",
            account_type,
            f"{verb} 只能用于 {wanted} 账号：connect(..., account_type='{kinds[0]}')",
        )
