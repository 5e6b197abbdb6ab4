"""信用账号的异步下单：与 `credit` 一一对应，发出就返回一张回执。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.codes import OrderType
from easytrader.miniqmt.verbs import credit_terms as terms
from easytrader.trader import Trader

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from easytrader.ordering import Receipt
    from easytrader.types import AmountIn, EntrustResult, MarketTypeName, OrderOptions


class CreditAsyncOrders(Trader):
    """混进 `MiniqmtTrader`。参数同 `CreditOrders` 里去掉 ``_async`` 的那个，回执同 `buy_async`。

    发出之前的校验、风控、委托记录都在调用的线程上做，不许时当场抛同样的异常；还款还券的要先查一次合约。
    """

    def credit_buy_async(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        **options: Unpack[OrderOptions],
    ) -> Receipt[EntrustResult]:
        """同 `credit_buy`，发出就返回回执。"""
        order = security, price, amount, ttype
        wanted = terms.priced("credit_buy", OrderType.BUY, order, options)
        return self._ordering.start(wanted)

    def credit_sell_async(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        **options: Unpack[OrderOptions],
    ) -> Receipt[EntrustResult]:
        """同 `credit_sell`，发出就返回回执。"""
        order = security, price, amount, ttype
        wanted = terms.priced("credit_sell", OrderType.SELL, order, options)
        return self._ordering.start(wanted)

    def fin_buy_async(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        special: bool = False,
        **options: Unpack[OrderOptions],
    ) -> Receipt[EntrustResult]:
        """同 `fin_buy`，发出就返回回执。"""
        order = security, price, amount, ttype
        wanted = terms.priced("fin_buy", OrderType.FIN_BUY, order, options, special=special)
        return self._ordering.start(wanted)

    def slo_sell_async(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        special: bool = False,
        **options: Unpack[OrderOptions],
    ) -> Receipt[EntrustResult]:
        """同 `slo_sell`，发出就返回回执。"""
        order = security, price, amount, ttype
        wanted = terms.priced("slo_sell", OrderType.SLO_SELL, order, options, special=special)
        return self._ordering.start(wanted)

    def buy_secu_repay_async(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        special: bool = False,
        check_debt: bool = True,
        **options: Unpack[OrderOptions],
    ) -> Receipt[EntrustResult]:
        """同 `buy_secu_repay`，发出就返回回执。"""
        order = security, price, amount, ttype
        wanted = terms.priced(
            "buy_secu_repay",
            OrderType.BUY_SECU_REPAY,
            order,
            options,
            special=special,
            check_debt=check_debt,
        )
        return self._ordering.start(wanted)

    def sell_secu_repay_async(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        special: bool = False,
        check_debt: bool = True,
        **options: Unpack[OrderOptions],
    ) -> Receipt[EntrustResult]:
        """同 `sell_secu_repay`，发出就返回回执。"""
        order = security, price, amount, ttype
        wanted = terms.priced(
            "sell_secu_repay",
            OrderType.SELL_SECU_REPAY,
            order,
            options,
            special=special,
            check_debt=check_debt,
        )
        return self._ordering.start(wanted)

    def direct_secu_repay_async(
        self,
        security: str,
        amount: int,
        *,
        special: bool = False,
        check_debt: bool = True,
        **options: Unpack[OrderOptions],
    ) -> Receipt[EntrustResult]:
        """同 `direct_secu_repay`，发出就返回回执。"""
        wanted = terms.secu_repay(security, amount, options, special=special, check_debt=check_debt)
        return self._ordering.start(wanted)

    def direct_cash_repay_async(
        self,
        amount: float,
        *,
        amount_in: AmountIn = "volume",
        security: str = terms.PLACEHOLDER,
        special: bool = False,
        check_debt: bool = True,
        **options: Unpack[OrderOptions],
    ) -> Receipt[EntrustResult]:
        """同 `direct_cash_repay`，发出就返回回执。"""
        wanted = terms.cash_repay(
            amount,
            options,
            amount_in=amount_in,
            security=security,
            special=special,
            check_debt=check_debt,
        )
        return self._ordering.start(wanted)
