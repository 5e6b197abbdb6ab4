"""一笔总数怎样分给各个账号：权重从哪里来，各家至多多少，几股一手。"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader import arguments
from easytrader.basics import numbers, pace
from easytrader.basics.beijing import beijing_day
from easytrader.errors import UsageError
from easytrader.fleets.allocation import Part, split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from easytrader.basics.numbers import Number
    from easytrader.market.symbols import Security
    from easytrader.trader import Trader

EQUAL: Final = "equal"
ASSETS: Final = "assets"
EACH: Final = "each"
_WAYS: Final = {
    EQUAL: "一样多",
    ASSETS: "照总资产",
    EACH: "每家都是这个数",
}
_FORM: Final = (
    '应为 "equal"（一样多）、"assets"（照总资产）、"each"（每家都是这个数，不分），'
    '或各家的权重，如 {"A": 2, "B": 1}'
)


class Order(NamedTuple):
    """校验过的一笔，还没有分。

    Attributes:
        verb: ``buy sell market_buy market_sell``。
        code: 证券代码：A 股是 ``600036.SH``，别的照用户写的。
        target: A 股的证券；别的为 None。
        price: 限价，元；市价为 None。
        amount: 总数（``each``：每家的）。
        minimum: 一笔最少多少。
        step: 往上多少一档。
        most: 一笔最多多少；不知道为 None。
    """

    verb: str
    code: str
    target: Security | None
    price: Number | None
    amount: Number
    minimum: Number
    step: Number
    most: Number | None

    @property
    def buys(self) -> bool:
        """买。"""
        return self.verb.endswith("buy")


def order(verb: str, security: object, price: object, amount: object, lot: object) -> Order:
    """校验。

    Args:
        verb: 见 `Order`，下同。
        security: 同上。
        price: 同上。
        amount: 同上。
        lot: 最小的一份，或 (最少, 递增)；None 照 A 股的规则。

    Raises:
        UsageError: 参数不对；不是 A 股的代码而没有写 ``lot``。
    """
    unit = None if lot is None else _lot(lot)
    try:
        target = arguments.security(security)
    except UsageError as exc:
        if unit is None:
            told = f"{exc.expected}；别的市场的代码要写 lot=最小的一份，如 lot=0.001"
            raise UsageError("security", security, told) from None
        return _foreign(verb, security, price, amount, unit)
    from easytrader.market.rules import RuleBook  # 规则表不轻，用到才导入
    from easytrader.market.units import units_of

    found = units_of(target)
    rules = RuleBook().rules(target, beijing_day(pace.current().now()))
    limited = not verb.startswith("market_")
    size = None if rules is None else rules.size.limit if limited else rules.size.market
    minimum, step = unit or (found.minimum, found.step)
    limit = arguments.price(price, target) if limited else None
    volume = arguments.amount(amount)
    return Order(verb, target.stock_code, target, limit, volume, minimum, step, size)


def _foreign(
    verb: str, security: object, price: object, amount: object, unit: tuple[Number, Number]
) -> Order:
    code = arguments.symbol(security).stock_code
    limit = None if verb.startswith("market_") else arguments.quantity(price, "price")
    return Order(verb, code, None, limit, arguments.quantity(amount), *unit, None)


def _lot(value: object) -> tuple[Number, Number]:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return arguments.quantity(value[0], "lot"), arguments.quantity(value[1], "lot")
    one = arguments.quantity(value, "lot")
    return one, one


# ---- 权重


def way_of(allocate: object, names: Iterable[str]) -> str | dict[str, Number]:
    """怎样分。

    Raises:
        UsageError: 写得不对；表里有没有的账号，或有账号没有写。
    """
    if isinstance(allocate, str) and allocate in _WAYS:
        return allocate
    if not isinstance(allocate, Mapping) or not allocate:
        raise UsageError("allocate", allocate, _FORM)
    have = list(names)
    for name, weight in allocate.items():
        number = numbers.real(weight)
        if number is None or not 0 <= number <= 10**15:
            raise UsageError("allocate", weight, f"{name} 的权重应为不小于 0 的数，如 2")
        if name not in have:
            raise UsageError("allocate", name, f"没有这个账号，有：{'、'.join(have)}")
    if lacking := [name for name in have if name not in allocate]:
        told = f"{'、'.join(lacking)} 没有写权重；不给它的写 0"
        raise UsageError("allocate", allocate, told)
    return dict(allocate)


class Facts(NamedTuple):
    """一家此刻的；没有问的为 None。

    Attributes:
        total: 总资产，元。
        cash: 可用资金，元。
        usable: 这只可卖多少。
    """

    total: Decimal | None = None
    cash: Decimal | None = None
    usable: Decimal | None = None


def look(user: Trader, code: str, *, money: bool, held: bool) -> Facts:
    """问一家。

    Args:
        user: 交易口。
        code: 证券代码。
        money: 要资金。
        held: 要持仓。
    """
    found = Facts()
    if money:
        asset = user.balance[0]
        found = found._replace(total=_decimal(asset["total_asset"]), cash=_decimal(asset["cash"]))
    if held:
        rows = [each for each in user.position if code in (each["stock_code"], each["security"])]
        usable = sum((_decimal(each["can_use_volume"]) for each in rows), Decimal(0))
        found = found._replace(usable=max(usable, Decimal(0)))
    return found


def _decimal(value: Any) -> Decimal:
    return Decimal(numbers.exact(value or 0))


# ---- 分


class Shared(NamedTuple):
    """分好的。

    Attributes:
        amounts: 账号 → 多少。
        left: 没有分出去的。
        notes: 要人知道的话：谁到了顶、剩下的为什么。
    """

    amounts: dict[str, Number]
    left: Number
    notes: list[str]


def shared(
    wanted: Order,
    way: str | Mapping[str, Number],
    facts: Mapping[str, Facts],
    *,
    within_cash: bool = False,
    within_position: bool = True,
    spill: bool = True,
) -> Shared:
    """分。同样的输入，结果一样。

    Args:
        wanted: 总数。
        way: 见 `way_of`。
        facts: 账号 → 此刻的；分给这些账号。
        within_cash: 买的不超过可用资金。
        within_position: 卖的不超过可卖的。
        spill: 到顶了的，多出来的分给别人。
    """
    if way == EACH:
        return Shared(dict.fromkeys(sorted(facts), wanted.amount), 0, [])
    scale = _scale(wanted.amount, wanted.minimum, wanted.step)
    caps = {
        name: _cap(wanted, each, scale, cash=within_cash, held=within_position)
        for name, each in facts.items()
    }
    sells = within_position and not wanted.buys
    parts = [
        Part(name, _weight(way, name, facts[name]), cap, sells and cap is not None)
        for name, cap in caps.items()
    ]
    total, minimum, step = (
        _scaled(each, scale) for each in (wanted.amount, wanted.minimum, wanted.step)
    )
    found = split(total, parts, minimum, step, spill=spill)
    amounts = {name: _unscaled(each, scale) for name, each in found.amounts.items()}
    left = _unscaled(found.left, scale)
    full = [
        name
        for name, each in found.amounts.items()
        if (cap := caps[name]) is not None and cap - each < step
    ]
    return Shared(amounts, left, _notes(wanted, left, full))


def _notes(wanted: Order, left: Number, full: list[str]) -> list[str]:
    notes = []
    if full:
        what = "钱只够这么多，或到了一笔的上限" if wanted.buys else "可卖的只有这么多"
        notes.append(f"{'、'.join(full)} 到顶了：{what}")
    if left:
        notes.append(
            f"有 {left} 没有分出去：不足一手（{wanted.minimum} 起，{wanted.step} 递增），或都到顶了"
        )
    return notes


def _weight(way: str | Mapping[str, Number], name: str, facts: Facts) -> Fraction:
    if isinstance(way, Mapping):
        return Fraction(numbers.exact(way[name]))
    return Fraction(1) if way == EQUAL else Fraction(max(facts.total or Decimal(0), Decimal(0)))


def _cap(wanted: Order, facts: Facts, scale: int, *, cash: bool, held: bool) -> int | None:
    """至多多少，``scale`` 分之一。"""
    caps = [] if wanted.most is None else [_scaled(wanted.most, scale)]
    if not wanted.buys and held:
        caps.append(_scaled(facts.usable or 0, scale))
    if wanted.buys and cash:
        caps.append(_affordable(wanted, facts.cash or Decimal(0), scale))
    return min(caps, default=None)


def _affordable(wanted: Order, cash: Decimal, scale: int) -> int:
    """连费用，这么多钱能买多少。"""
    assert wanted.price is not None  # 市价的进来时就不收
    price = _decimal(wanted.price)
    most = int(max(cash, Decimal(0)) * scale // price)
    if wanted.target is None:
        return most
    from easytrader.market.rules.fees import FeeSchedule

    rates = FeeSchedule().rates(wanted.target, True, beijing_day(pace.current().now()))
    price_li, cash_li = int(price * 1000), int(cash * 1000)

    def cost(volume: int) -> int:
        amount = volume * price_li // scale
        return amount + rates.total(amount)

    return max(bisect_right(range(most + 1), cash_li, key=cost) - 1, 0)


def _scale(*values: Number) -> int:
    """都乘以它就是整数。"""
    places = [-int(_decimal(each).normalize().as_tuple().exponent) for each in values]
    return int(10 ** max(0, *places))


def _scaled(value: Number, scale: int) -> int:
    return int(_decimal(value) * scale)


def _unscaled(value: int, scale: int) -> Number:
    return value if scale == 1 else Decimal(value) / scale
