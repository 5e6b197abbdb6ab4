"""信用账号：担保品买卖、融资、融券、还款、还券，以及五项查询。"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.codes import CashgroupProp, CompactType, OrderType, PriceType
from easytrader.errors import QueryFailedError, UsageError
from easytrader.miniqmt.groups import checks
from easytrader.miniqmt.groups.base import Group
from easytrader.orders import Extras
from easytrader.orders.ticket import Wanted, checked
from easytrader.orders.verb import Ticket, order, order_verb
from easytrader.rows import business

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader import types
    from easytrader.market.symbols import Security
    from easytrader.miniqmt.session import QmtSession

_PLACEHOLDER: Final = "000001.SZ"
"""直接还款不看证券，厂商的例子填这个。"""

_PLACEHOLDER_VOLUME: Final = 100
_PRICE: Final = "应为大于 0 的数（元），如 35.5；市价委托把 price 写成 None，另给 ttype"

_MAYBE: Final = "；客户端的查询可能慢几秒，确知欠着的写 check_debt=False。什么都没有发出"

_SPECIAL: Final[dict[int, int]] = {
    OrderType.FIN_BUY: OrderType.FIN_BUY_SPECIAL,
    OrderType.SLO_SELL: OrderType.SLO_SELL_SPECIAL,
    OrderType.BUY_SECU_REPAY: OrderType.BUY_SECU_REPAY_SPECIAL,
    OrderType.DIRECT_SECU_REPAY: OrderType.DIRECT_SECU_REPAY_SPECIAL,
    OrderType.SELL_SECU_REPAY: OrderType.SELL_SECU_REPAY_SPECIAL,
    OrderType.DIRECT_CASH_REPAY: OrderType.DIRECT_CASH_REPAY_SPECIAL,
}


class Credit(Group):
    """信用账号：``user.credit``。只有信用账号能用（``connect(account_type='CREDIT')``）。

    校验、风控、``client_order_id`` 的「恰好一次」都与 `Trader.buy` 相同；每个下单的动词都有异步的
    （``fin_buy_async`` 等），还款还券的发出之前先查一次合约。
    """

    __slots__ = ()
    _kinds = ("CREDIT",)

    @order_verb
    def buy(
        self, security: str, price: float | None, amount: int, *,
        ttype: types.MarketTypeName | int | None = None,
        strategy_name: str = "", remark: str = "", client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:  # fmt: skip
        """担保品买入：用自己的钱买。`Trader.buy` 在信用账号上也是它。

        Args:
            security: 证券代码。
            price: 委托价，元；市价写 None。
            amount: 数量，股/份/张。
            ttype: 市价类型，同 `market_buy`；限价不写。
            strategy_name: 策略名，不超过 23 字节。
            remark: 备注。
            client_order_id: 自己取的委托 id，同 `Trader.buy`。

        Returns:
            同 `Trader.buy`：``{'entrust_no': int}``；当场被拒绝时 -1，另有 ``message``。

        Raises:
            UsageError: 参数或账号类型不对；还款还券时不欠、还多了。什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            RiskRefusedError: 风控不许，什么都没有发出。
            JournalError: 给了 ``client_order_id`` 而记录写不下来，什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答，**不可重试**，用 `find_entrust` 核对。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        terms = security, price, amount, ttype
        return order(self._ordering, _priced("buy", OrderType.BUY, terms, extras))

    buy_async = buy.twin
    """同 `buy`，发出就返回回执。"""

    @order_verb
    def sell(
        self, security: str, price: float | None, amount: int, *,
        ttype: types.MarketTypeName | int | None = None,
        strategy_name: str = "", remark: str = "", client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:  # fmt: skip
        """担保品卖出。`Trader.sell` 在信用账号上也是它。

        参数、返回、异常同 `buy`。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        terms = security, price, amount, ttype
        return order(self._ordering, _priced("sell", OrderType.SELL, terms, extras))

    sell_async = sell.twin
    """同 `sell`，发出就返回回执。"""

    @order_verb
    def fin_buy(
        self, security: str, price: float | None, amount: int, *,
        ttype: types.MarketTypeName | int | None = None, special: bool = False,
        strategy_name: str = "", remark: str = "", client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:  # fmt: skip
        """融资买入：借钱买，成交之后多一份融资合约（见 `compacts`）。

        ``special`` 用专项头寸。其余的参数、返回、异常同 `buy`。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        terms = security, price, amount, ttype
        return order(self._ordering, _priced("fin_buy", OrderType.FIN_BUY, terms, extras, special))

    fin_buy_async = fin_buy.twin
    """同 `fin_buy`，发出就返回回执。"""

    @order_verb
    def slo_sell(
        self, security: str, price: float | None, amount: int, *,
        ttype: types.MarketTypeName | int | None = None, special: bool = False,
        strategy_name: str = "", remark: str = "", client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:  # fmt: skip
        """融券卖出：借券卖，成交之后多一份融券合约。不能用市价，``ttype`` 只收 ``最新价``。

        ``special`` 用专项头寸。其余的参数、返回、异常同 `buy`。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        terms = security, price, amount, ttype
        return order(
            self._ordering, _priced("slo_sell", OrderType.SLO_SELL, terms, extras, special)
        )

    slo_sell_async = slo_sell.twin
    """同 `slo_sell`，发出就返回回执。"""

    @order_verb
    def buy_secu_repay(
        self, security: str, price: float | None, amount: int, *,
        ttype: types.MarketTypeName | int | None = None, special: bool = False,
        check_debt: bool = True,
        strategy_name: str = "", remark: str = "", client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:  # fmt: skip
        """买券还券：买来直接还融券合约。

        ``special`` 还专项的合约，``check_debt`` 发出之前查一次合约，不欠、还多了就不发；
        查不到的由柜台判断。其余的参数、返回、异常同 `buy`。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        terms = security, price, amount, ttype
        return order(
            self._ordering,
            _priced("buy_secu_repay", OrderType.BUY_SECU_REPAY, terms, extras, special, check_debt),
        )

    buy_secu_repay_async = buy_secu_repay.twin
    """同 `buy_secu_repay`，发出就返回回执。"""

    @order_verb
    def sell_secu_repay(
        self, security: str, price: float | None, amount: int, *,
        ttype: types.MarketTypeName | int | None = None, special: bool = False,
        check_debt: bool = True,
        strategy_name: str = "", remark: str = "", client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:  # fmt: skip
        """卖券还款：卖持仓，所得直接还融资合约。

        ``special`` 还专项的合约，``check_debt`` 发出之前查一次合约，不欠、还多了就不发；
        查不到的由柜台判断。其余的参数、返回、异常同 `buy`。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        terms = security, price, amount, ttype
        return order(
            self._ordering,
            _priced(
                "sell_secu_repay", OrderType.SELL_SECU_REPAY, terms, extras, special, check_debt
            ),
        )

    sell_secu_repay_async = sell_secu_repay.twin
    """同 `sell_secu_repay`，发出就返回回执。"""

    @order_verb
    def direct_secu_repay(
        self, security: str, amount: int, *, special: bool = False, check_debt: bool = True,
        strategy_name: str = "", remark: str = "", client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:  # fmt: skip
        """直接还券：从持仓里拿出来还融券合约。

        ``special`` 还专项的合约，``check_debt`` 发出之前查一次合约，不欠、还多了就不发；
        查不到的由柜台判断。其余的参数、返回、异常同 `buy`。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        wanted = _secu_repay(security, amount, extras, special, check_debt)
        return order(self._ordering, wanted)

    direct_secu_repay_async = direct_secu_repay.twin
    """同 `direct_secu_repay`，发出就返回回执。"""

    @order_verb
    def direct_cash_repay(
        self, amount: float, *, amount_in: types.AmountIn = "volume",
        security: str = _PLACEHOLDER, special: bool = False, check_debt: bool = True,
        strategy_name: str = "", remark: str = "", client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:  # fmt: skip
        """直接还款：用现金还融资合约（和融券的息费），给多了只收欠的。

        厂商的委托里没有金额这一项，各家柜台读的地方不同，先问清楚：

        Args:
            amount: 还多少，元。
            amount_in: 金额写在哪里：``volume`` 写在数量里（厂商的例子，只能是整数元），
                ``price`` 写在价格里（可以带分）。写错了地方，还的就不是这个数。
            security: 占位的证券代码，柜台不看；有的柜台要求是账户里有的。
            special: 还专项的合约。
            check_debt: 发出之前查一次合约，不欠、超过欠的（进到整数元）就不发。
            strategy_name: 策略名。
            remark: 备注。
            client_order_id: 委托 id。

        返回与异常同 `buy`。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        wanted = _cash_repay(amount, extras, amount_in, security, special, check_debt)
        return order(self._ordering, wanted)

    direct_cash_repay_async = direct_cash_repay.twin
    """同 `direct_cash_repay`，发出就返回回执。"""

    def detail(self) -> types.CreditDetail:
        """信用资产，元：负债、保证金、额度、维持担保比例。

        Raises:
            UsageError: 不是信用账号，什么都没有发出。
            QueryFailedError: 没有得到可信的回答。
            NotConnectedError: 没有可用会话。
        """
        found = self._list(business.credit_detail_row, "detail", "信用资产", "query_credit_detail")
        if not found:
            raise QueryFailedError("查询信用资产没有结果：账号没有登录，或没有开通信用业务")
        mine = [each for each in found if each["account_id"] == self._desk.account_id]
        return (mine or found)[0]

    def compacts(self) -> list[types.Compact]:
        """负债合约，融资的与融券的，每份一个字典；没有为空。异常同 `detail`。"""
        return self._list(business.compact_row, "compacts", "负债合约", "query_stk_compacts")

    def subjects(self) -> list[types.CreditSubject]:
        """融资融券标的与保证金比例（1 就是 100%）。异常同 `detail`。"""
        terms = "subjects", "融资融券标的", "query_credit_subjects"
        return self._list(business.credit_subject_row, *terms)

    def slo_codes(self) -> list[types.SloCode]:
        """能融到的券和数量，普通、专项头寸各一行。异常同 `detail`。"""
        return self._list(business.slo_code_row, "slo_codes", "可融券", "query_credit_slo_code")

    def assure(self) -> list[types.CreditAssure]:
        """担保品与折算率（0.7 就是 70%）。异常同 `detail`。"""
        return self._list(business.credit_assure_row, "assure", "担保品", "query_credit_assure")


def _priced(
    verb: str,
    side: int,
    terms: tuple[object, object, object, object],
    extras: Extras,
    special: object = False,
    check_debt: object = False,
) -> Wanted:
    """到交易所去的六种。

    Args:
        verb: 动词，错误里用。
        side: 普通头寸的委托类型。
        terms: (证券, 价格, 数量, 市价类型)。
        extras: 可以不给的几项。
        special: 专项头寸。
        check_debt: 发出之前核对负债（只有两种还的）。
    """
    given, price, amount, ttype = terms
    target = arguments.security(given)
    price_type, value = PriceType.FIX, 0.0
    if ttype is None:
        value = arguments.price(price, target, _PRICE)
    else:
        price_type = _market(side, target, price, ttype)
    volume = arguments.amount(amount)
    group = arguments.flag("special", special)
    precheck: Callable[[Any], None] | None = None
    if arguments.flag("check_debt", check_debt):
        if side == OrderType.BUY_SECU_REPAY:
            precheck = partial(_check_shares, target, volume, group, round_up=True)
        else:
            precheck = partial(_check_fin, group)
    kind = _SPECIAL[side] if group else side
    told = f"credit.{verb}"
    return Wanted(
        kind, given, target, price_type, value, volume, checked(extras), told, precheck=precheck
    )


def _secu_repay(
    security: object, amount: object, extras: Extras, special: object, check_debt: object
) -> Wanted:
    """直接还券：不成交，没有价格。"""
    verb = "credit.direct_secu_repay"
    target = arguments.security(security)
    volume = arguments.amount(amount)
    group = arguments.flag("special", special)
    side = OrderType.DIRECT_SECU_REPAY
    precheck: Callable[[Any], None] | None = None
    if arguments.flag("check_debt", check_debt):
        precheck = partial(_check_shares, target, volume, group, round_up=False)
    kind, price_type = _SPECIAL[side] if group else side, PriceType.LATEST
    return Wanted(
        kind, security, target, price_type, 0.0, volume, checked(extras), verb, precheck=precheck
    )


def _cash_repay(
    amount: object, extras: Extras, amount_in: object, security: object, special: object,
    check_debt: object,
) -> Wanted:  # fmt: skip
    """直接还款：金额写在数量或价格里，另一项与证券是占位的。"""
    money = checks.money("amount", amount)
    target = arguments.security(security)
    group = arguments.flag("special", special)
    where = amount_in if isinstance(amount_in, str) else ""
    if where == "volume":
        if money != int(money) or money > arguments.MAX_VOLUME:
            raise UsageError(
                "amount",
                amount,
                f"写在数量里只能是整数元，至多 {arguments.MAX_VOLUME}：给多一点只收欠的；"
                "柜台认价格的写 amount_in='price'",
            )
        price_type, price, volume = PriceType.LATEST, 0.0, int(money)
    elif where == "price":
        if money > arguments.MAX_PRICE:
            raise UsageError("amount", amount, f"写在价格里至多 {arguments.MAX_PRICE} 元，分几笔还")
        price_type, price, volume = PriceType.FIX, money, _PLACEHOLDER_VOLUME
    else:
        form = "应为 'volume'（金额写在数量里，整数元）或 'price'（写在价格里，可以带分）"
        raise UsageError("amount_in", amount_in, form)
    checking = arguments.flag("check_debt", check_debt)
    precheck = partial(_check_money, money, group) if checking else None
    side = OrderType.DIRECT_CASH_REPAY
    terms = _SPECIAL[side] if group else side, security, target, price_type, price, volume
    return Wanted(*terms, checked(extras), "credit.direct_cash_repay", money, precheck)


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


# ---- 还款还券之前看一眼欠多少：不欠、还多了，不发出去。
# 在风控之前、认出重复的 ``client_order_id`` 之后做。查不到的由柜台判断（`Router._precheck`）


def _compacts(desk: QmtSession) -> list[types.Compact]:
    """负债合约。"""
    found = desk.query("负债合约", "query_stk_compacts", desk.account)
    return [business.compact_row(each) for each in found or ()]


def _check_shares(
    target: Security, volume: int, special: bool, desk: QmtSession, *, round_up: bool
) -> None:
    """还的券不超过欠的；``round_up``：买来还的，可以进到一个数量单位。

    Raises:
        UsageError: 不欠，或还多了。
    """
    # 能融的券六位代码不会重：不看市场，各家的市场代码没有样本
    owing = [
        each
        for each in _compacts(desk)
        if each["compact_type"] == CompactType.SLO and each["security"] == target.code
    ]
    owed = sum(each["real_compact_vol"] or 0 for each in _group(owing, special))
    if owed <= 0:
        what = f"没有欠 {target.stock_code} 的{_name(special)}融券合约"
        raise UsageError("security", target.stock_code, what + _other(owing, special) + _MAYBE)
    most = owed
    if round_up:
        from easytrader.market.units import units_of  # 规则表不轻，用到才导入

        lot, step, _ = units_of(target)
        most = max(lot, lot + math.ceil((owed - lot) / step) * step)
    if volume > most:
        form = f"{_name(special)}融券合约一共欠 {target.stock_code} {owed}，至多 {most}"
        raise UsageError("amount", volume, form + _MAYBE)


def _check_fin(special: bool, desk: QmtSession) -> None:
    """有没有融资负债可还。

    Raises:
        UsageError: 没有。
    """
    owing = [each for each in _compacts(desk) if each["compact_type"] == CompactType.FIN]
    if _money(_group(owing, special)) <= 0:
        what = f"没有{_name(special)}融资负债可还，要卖请用 user.credit.sell"
        raise UsageError("special", special, what + _other(owing, special) + _MAYBE)


def _check_money(money: float, special: bool, desk: QmtSession) -> None:
    """还的钱不超过欠的（进到整数元）。

    Raises:
        UsageError: 不欠，或还多了。
    """
    found = _compacts(desk)
    owed = _money(_group(found, special))
    if owed <= 0:
        what = f"没有{_name(special)}负债可还"
        raise UsageError("amount", money, what + _other(found, special) + _MAYBE)
    most = math.ceil(round(owed, 2))
    if money > most:
        form = f"{_name(special)}合约一共欠 {owed:.2f} 元（本金与息费），至多 {most}"
        raise UsageError("amount", money, form + _MAYBE)


def _group(found: list[types.Compact], special: bool) -> list[types.Compact]:
    wanted = CashgroupProp.SPECIAL
    return [each for each in found if (each["cashgroup_prop"] == wanted) is special]


def _money(found: list[types.Compact]) -> float:
    """融资的本金与息费，融券的息费；老版本没有的字段当作 0。"""
    fares = sum(each["real_compact_fare"] or 0.0 for each in found)
    return fares + sum(
        each["real_compact_balance"] or 0.0
        for each in found
        if each["compact_type"] == CompactType.FIN
    )


def _name(special: bool) -> str:
    return "专项" if special else "普通"


def _other(found: list[Any], special: bool) -> str:
    """另一种头寸欠着的，提一句。"""
    owing = [each for each in _group(found, not special) if each["real_compact_vol"]]
    return f"（{_name(not special)}的欠着：special={not special}）" if owing else ""
