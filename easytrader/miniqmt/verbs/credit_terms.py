"""信用委托：参数 → 校验过的一笔委托。同步的、异步的都用它。"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.codes import OrderType, PriceType
from easytrader.errors import UsageError
from easytrader.miniqmt.verbs import checks, credit_debts
from easytrader.ordering import Extras
from easytrader.ordering.wanted import Wanted, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PLACEHOLDER: Final = "000001.SZ"
"""直接还款不看证券，厂商的例子填这个。"""

_PLACEHOLDER_VOLUME: Final = 100
_PRICE: Final = "应为大于 0 的数（元），如 35.5；市价委托把 price 写成 None，另给 ttype"

_SPECIAL: Final[dict[int, int]] = {
    OrderType.FIN_BUY: OrderType.FIN_BUY_SPECIAL,
    OrderType.SLO_SELL: OrderType.SLO_SELL_SPECIAL,
    OrderType.BUY_SECU_REPAY: OrderType.BUY_SECU_REPAY_SPECIAL,
    OrderType.DIRECT_SECU_REPAY: OrderType.DIRECT_SECU_REPAY_SPECIAL,
    OrderType.SELL_SECU_REPAY: OrderType.SELL_SECU_REPAY_SPECIAL,
    OrderType.DIRECT_CASH_REPAY: OrderType.DIRECT_CASH_REPAY_SPECIAL,
}


def priced(
    verb: str,
    side: int,
    order: tuple[object, object, object, object],
    options: Mapping[str, Any],
    *,
    special: object = False,
    check_debt: object = False,
) -> Wanted:
    """到交易所去的六种。

    Args:
        verb: 动词，错误里用。
        side: 普通头寸的委托类型。
        order: (证券, 价格, 数量, 市价类型)。
        options: `order_options` 的参数。
        special: 专项头寸。
        check_debt: 发出之前核对负债（只有两种还的）。
    """
    given, price, amount, ttype = order
    target = arguments.security(given)
    price_type, value = PriceType.FIX, 0.0
    if ttype is None:
        value = _price(price)
    else:
        price_type = _market(side, target, price, ttype)
    volume = arguments.amount(amount)
    group = arguments.flag("special", special)
    precheck: Callable[[Any], None] | None = None
    if arguments.flag("check_debt", check_debt):
        if side == OrderType.BUY_SECU_REPAY:
            precheck = partial(credit_debts.check_shares, target, volume, group, round_up=True)
        else:
            precheck = partial(credit_debts.check_fin, group)
    kind = _SPECIAL[side] if group else side
    extras = checked(order_options(**options))
    return Wanted(
        kind, given, target, price_type, value, volume, extras, verb, precheck=precheck
    )  # fmt: skip


def secu_repay(
    security: object,
    amount: object,
    options: Mapping[str, Any],
    *,
    special: object,
    check_debt: object,
) -> Wanted:
    """直接还券：不成交，没有价格。"""
    verb = "direct_secu_repay"
    target = arguments.security(security)
    volume = arguments.amount(amount)
    group = arguments.flag("special", special)
    side = OrderType.DIRECT_SECU_REPAY
    precheck: Callable[[Any], None] | None = None
    if arguments.flag("check_debt", check_debt):
        precheck = partial(credit_debts.check_shares, target, volume, group, round_up=False)
    return Wanted(
        _SPECIAL[side] if group else side,
        security,
        target,
        PriceType.LATEST,
        0.0,
        volume,
        checked(order_options(**options)),
        verb,
        precheck=precheck,
    )


def cash_repay(
    amount: object,
    options: Mapping[str, Any],
    *,
    amount_in: object,
    security: object,
    special: object,
    check_debt: object,
) -> Wanted:
    """直接还款：金额写在数量或价格里，另一项与证券是占位的。"""
    money = checks.money("amount", amount)
    target = arguments.security(security)
    group = arguments.flag("special", special)
    if amount_in == "volume":
        if money != int(money) or money > arguments.MAX_VOLUME:
            raise UsageError(
                "amount",
                amount,
                f"写在数量里只能是整数元，至多 {arguments.MAX_VOLUME}：给多一点只收欠的；"
                "柜台认价格的写 amount_in='price'",
            )
        price_type, price, volume = PriceType.LATEST, 0.0, int(money)
    elif amount_in == "price":
        if money > arguments.MAX_PRICE:
            raise UsageError("amount", amount, f"写在价格里至多 {arguments.MAX_PRICE} 元，分几笔还")
        price_type, price, volume = PriceType.FIX, money, _PLACEHOLDER_VOLUME
    else:
        form = "应为 'volume'（金额写在数量里，整数元）或 'price'（写在价格里，可以带分）"
        raise UsageError("amount_in", amount_in, form)
    checking = arguments.flag("check_debt", check_debt)
    side = OrderType.DIRECT_CASH_REPAY
    return Wanted(
        _SPECIAL[side] if group else side,
        security,
        target,
        price_type,
        price,
        volume,
        checked(order_options(**options)),
        "direct_cash_repay",
        money,
        partial(credit_debts.check_money, money, group) if checking else None,
    )


def _price(price: object) -> float:
    try:
        return arguments.price(price)
    except UsageError:
        raise UsageError("price", price, _PRICE) from None


def _market(side: int, target: Any, price: object, ttype: object) -> PriceType:
    if price is not None:
        raise UsageError("ttype", ttype, "限价（price）与市价（ttype）只能给一个：另一个写成 None")
    fixed = (PriceType.FIX, PriceType.FIX.label, *PriceType.FIX.vendor)
    if isinstance(ttype, (str, int)) and ttype in fixed:  # 别的（如 sNaN）一比较就会抛异常
        raise UsageError("ttype", ttype, "限价委托不写 ttype，给出 price")
    kind = PriceType(arguments.market_type(ttype, target))
    if side == OrderType.SLO_SELL and kind is not PriceType.LATEST:
        raise UsageError("ttype", ttype, "融券卖出不能用市价：给出 price，或 ttype='最新价'")
    return kind


def order_options(
    strategy_name: str = "", remark: str = "", client_order_id: str | None = None
) -> Extras:
    """别的名字由 Python 自己报 `TypeError`。"""
    return Extras(strategy_name, remark, client_order_id)
