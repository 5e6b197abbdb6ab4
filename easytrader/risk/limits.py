"""`Guard`：用户写的风控规则，构造时逐项校验。"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.basics import numbers
from easytrader.errors import UsageError
from easytrader.market.symbols import parse_security

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.market.symbols import Security

__all__ = ["Guard"]

MAX_PER_SECOND: Final = 299
MAX_PER_DAY: Final = 19_999
"""沪深北交易所《程序化交易管理实施细则》（2025-07-07 起施行）：单个账户每秒申报、撤单合计 300 笔，
或一日合计 20,000 笔起，认定为高频交易。"""

RATE_WAIT_S: Final = 1.5
"""同一刻发满一秒的量之后，下一个名额最慢 1.1 秒才空出来。"""

_MAX_YUAN: Final = 1e15
_FORM: Final = (
    "应为 easytrader.Guard(...)、True（只管程序化交易的次数）、规则的字典，或 None（不开）"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """风控规则；没有写的规则不管。

    Args:
        max_order_value: 一笔委托最多多少元。市价委托按最新价算，逆回购按每张 100 元算。
        max_order_share: 一笔委托最多占总资产的几成，0 到 1，如 0.2。
        max_price_distance: 限价离最新价最多几成，0 到 1，如 0.05。
        max_orders_per_minute: 任意 60 秒里这个 trader 最多几笔委托。
        block: 不许交易的证券代码，下单收的写法都可以；这个后端认不认得，开风控时看。
        kill_switch: 开关文件的路径；文件存在期间一切委托都不许，撤单照常。
        max_per_second: 任意一秒里这个账号的委托与撤单合计最多几次；None 不管。
        max_per_day: 一天（北京时间）里委托与撤单合计最多几次，最后 5 % 只留给撤单；None 不管。
        rate_wait: 一秒的量用完了，一笔委托最多等几秒；0 不等。撤单一直等到它自己的期限。

    Raises:
        UsageError: 某一项不对。
    """

    max_order_value: float | None = None
    max_order_share: float | None = None
    max_price_distance: float | None = None
    max_orders_per_minute: int | None = None
    block: tuple[str, ...] = ()
    kill_switch: str | None = None
    max_per_second: int | None = MAX_PER_SECOND
    max_per_day: int | None = MAX_PER_DAY
    rate_wait: float = RATE_WAIT_S

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check(name, value))
        object.__setattr__(self, "block", _codes(self.block))
        object.__setattr__(
            self, "rate_wait", arguments.seconds("rate_wait", self.rate_wait, allow_zero=True)
        )

    @classmethod
    def of(cls, value: object) -> Guard | None:
        """`use(..., guard=...)` 给的值 → 规则；None 是不开。

        Raises:
            UsageError: 不认得的值，或字典里有不认得的键。
        """
        if value is None or isinstance(value, cls):
            return value
        if value is True:
            return cls()
        if not isinstance(value, dict):
            raise UsageError("guard", value, _FORM)
        allowed = [field.name for field in fields(cls)]
        unknown = [key for key in value if key not in allowed]
        if unknown:
            raise UsageError("guard", unknown[0], f"没有这条规则；有的是：{'、'.join(allowed)}")
        return cls(**value)

    def limits(self) -> dict[str, Any]:
        """写了的规则：名字 → 限额。"""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        shown = {name: value for name, value in values.items() if value not in (None, ())}
        if "block" in shown:
            shown["block"] = list(self.block)
        return shown

    def blocked(self, parse: Callable[[object], Security]) -> frozenset[str]:
        """`block` 是后端的哪些证券。

        Args:
            parse: 后端怎样认代码（`Instruments.security`）。

        Raises:
            UsageError: 有它不认得的。
        """
        return frozenset(_parsed(parse, each) for each in map(_written, self.block))

    @property
    def max_orders_per_day(self) -> int | None:
        """一天里委托与撤单合计到了几次就不再收委托：余下的留给撤单。"""
        return None if self.max_per_day is None else orders_line(self.max_per_day)


def orders_line(per_day: int) -> int:
    """一天的量里委托用得到的部分：留下 5 %、至少一次给撤单。"""
    return per_day - math.ceil(per_day / 20)


def _yuan(name: str, value: object) -> float:
    return _number(name, value, _MAX_YUAN, "应为大于 0 的金额（元），如 100000")


def _share(name: str, value: object) -> float:
    return _number(name, value, 1.0, "应为大于 0、不超过 1 的比例，如 0.05 是百分之五")


def _number(name: str, value: object, most: float, form: str) -> float:
    number = numbers.real(value)
    if number is None or not 0 < number <= most:
        raise UsageError(name, value, form)
    return number


def _count(name: str, value: object) -> int:
    return arguments.whole(name, value, "（次），None 不管")


def _per_day(name: str, value: object) -> int:
    number = _count(name, value)
    if number < 2:
        raise UsageError(name, value, "至少 2：有一次要留给撤单")
    return number


def _path(name: str, value: object) -> str:
    form = '应为开关文件的路径，如 "D:/停止交易.txt"'
    if not isinstance(value, (str, os.PathLike)):
        raise UsageError(name, value, form)
    text = os.fspath(value)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise UsageError(name, value, form)
    # 定死在此刻的工作目录上：以后换了工作目录，看的还是这个文件
    return os.path.abspath(os.path.expanduser(text))  # noqa: PTH100, PTH111  不解开符号链接


def _codes(value: object) -> tuple[str, ...]:
    form = '应为证券代码的列表，如 ["600036", "000001.SZ"]'
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise UsageError("block", value, form)
    return tuple(dict.fromkeys(map(_Code, map(_written, value))))


class _Code(str):
    """名单里的一个：A 股的是厂商写法，别的原样；另记着用户怎样写的，后端各有各的认法。"""

    __slots__ = ("written",)
    written: str

    def __new__(cls, written: str) -> _Code:
        try:
            code = _parsed(parse_security, written)
        except UsageError:
            if not isinstance(written, str) or not written.isascii():
                raise
            code = _parsed(arguments.symbol, written)
        made = super().__new__(cls, code)
        made.written = written
        return made

    def __reduce__(self) -> tuple[type[_Code], tuple[str]]:
        return _Code, (self.written,)


def _written(code: str) -> str:
    return code.written if isinstance(code, _Code) else code


def _parsed(parse: Callable[[object], Security], value: object) -> str:
    try:
        return parse(value).stock_code
    except UsageError as exc:
        raise UsageError("block", value, exc.expected) from None


_CHECKS: Final[dict[str, Callable[[str, object], Any]]] = {
    "max_order_value": _yuan,
    "max_order_share": _share,
    "max_price_distance": _share,
    "max_orders_per_minute": _count,
    "kill_switch": _path,
    "max_per_second": _count,
    "max_per_day": _per_day,
}
