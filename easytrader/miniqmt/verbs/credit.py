"""信用账号的下单：担保品买卖、融资、融券、还款、还券。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.codes import OrderType
from easytrader.miniqmt.verbs import credit_terms as terms
from easytrader.trader import Trader

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from easytrader.types import AmountIn, EntrustResult, MarketTypeName, OrderOptions


class CreditOrders(Trader):
    """混进 `MiniqmtTrader`。只有信用账号能用（``connect(account_type='CREDIT')``）。

    校验、风控、``client_order_id`` 的「恰好一次」都与 `buy` 相同。
    """

    def credit_buy(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        **options: Unpack[OrderOptions],
    ) -> EntrustResult:
        """担保品买入：用自己的钱买。`buy` 在信用账号上也是它。

        Args:
            security: 证券代码。
            price: 委托价，元；市价写 None。
            amount: 数量，股/份/张。
            ttype: 市价类型，同 `market_buy`；限价不写。
            **options: ``strategy_name remark client_order_id``，同 `buy`。

        Returns:
            同 `buy`：``{'entrust_no': int}``；当场被拒绝时 ``entrust_no`` 为 -1，另有 ``message``。

        Raises:
            UsageError: 参数或账号类型不对；还款还券时不欠、还多了。什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            RiskRefusedError: 风控不许，什么都没有发出。
            JournalError: 给了 ``client_order_id`` 而记录写不下来，什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答，**不可重试**，用 `find_entrust` 核对。
        """
        order = security, price, amount, ttype
        wanted = terms.priced("credit_buy", OrderType.BUY, order, options)
        return self._ordering.run(wanted)

    def credit_sell(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        **options: Unpack[OrderOptions],
    ) -> EntrustResult:
        """担保品卖出。`sell` 在信用账号上也是它。

        参数、返回、异常同 `credit_buy`。
        """
        order = security, price, amount, ttype
        wanted = terms.priced("credit_sell", OrderType.SELL, order, options)
        return self._ordering.run(wanted)

    def fin_buy(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        special: bool = False,
        **options: Unpack[OrderOptions],
    ) -> EntrustResult:
        """融资买入：借钱买，成交之后多一份融资合约（见 `compacts`）。

        Args:
            security: 证券代码。
            price: 委托价，元；市价写 None。
            amount: 数量，股/份/张。
            ttype: 同 `credit_buy`。
            special: 用专项头寸。
            **options: 同 `credit_buy`。

        返回与异常同 `credit_buy`。
        """
        order = security, price, amount, ttype
        wanted = terms.priced("fin_buy", OrderType.FIN_BUY, order, options, special=special)
        return self._ordering.run(wanted)

    def slo_sell(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        special: bool = False,
        **options: Unpack[OrderOptions],
    ) -> EntrustResult:
        """融券卖出：借券卖，成交之后多一份融券合约。不能用市价，``ttype`` 只收 ``最新价``。

        Args:
            security: 证券代码。
            price: 委托价，元；市价写 None。
            amount: 数量，股/份/张。
            ttype: 同 `credit_buy`。
            special: 用专项头寸。
            **options: 同 `credit_buy`。

        返回与异常同 `credit_buy`。
        """
        order = security, price, amount, ttype
        wanted = terms.priced("slo_sell", OrderType.SLO_SELL, order, options, special=special)
        return self._ordering.run(wanted)

    def buy_secu_repay(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        special: bool = False,
        check_debt: bool = True,
        **options: Unpack[OrderOptions],
    ) -> EntrustResult:
        """买券还券：买来直接还融券合约。

        Args:
            security: 证券代码。
            price: 委托价，元；市价写 None。
            amount: 数量，股/份/张。
            ttype: 同 `credit_buy`。
            special: 还专项的合约。
            check_debt: 发出之前查一次合约，不欠、还多了就不发；查不到的由柜台判断。
            **options: 同 `credit_buy`。

        返回与异常同 `credit_buy`。
        """
        order = security, price, amount, ttype
        wanted = terms.priced(
            "buy_secu_repay",
            OrderType.BUY_SECU_REPAY,
            order,
            options,
            special=special,
            check_debt=check_debt,
        )
        return self._ordering.run(wanted)

    def sell_secu_repay(
        self,
        security: str,
        price: float | None,
        amount: int,
        *,
        ttype: MarketTypeName | int | None = None,
        special: bool = False,
        check_debt: bool = True,
        **options: Unpack[OrderOptions],
    ) -> EntrustResult:
        """卖券还款：卖持仓，所得直接还融资合约。

        Args:
            security: 证券代码。
            price: 委托价，元；市价写 None。
            amount: 数量，股/份/张。
            ttype: 同 `credit_buy`。
            special: 还专项的合约。
            check_debt: 发出之前查一次合约，不欠、还多了就不发；查不到的由柜台判断。
            **options: 同 `credit_buy`。

        返回与异常同 `credit_buy`。
        """
        order = security, price, amount, ttype
        wanted = terms.priced(
            "sell_secu_repay",
            OrderType.SELL_SECU_REPAY,
            order,
            options,
            special=special,
            check_debt=check_debt,
        )
        return self._ordering.run(wanted)

    def direct_secu_repay(
        self,
        security: str,
        amount: int,
        *,
        special: bool = False,
        check_debt: bool = True,
        **options: Unpack[OrderOptions],
    ) -> EntrustResult:
        """直接还券：从持仓里拿出来还融券合约。

        Args:
            security: 证券代码。
            amount: 数量，股。
            special: 还专项的合约。
            check_debt: 同 `buy_secu_repay`。
            **options: 同 `credit_buy`。

        返回与异常同 `credit_buy`。
        """
        wanted = terms.secu_repay(security, amount, options, special=special, check_debt=check_debt)
        return self._ordering.run(wanted)

    def direct_cash_repay(
        self,
        amount: float,
        *,
        amount_in: AmountIn = "volume",
        security: str = terms.PLACEHOLDER,
        special: bool = False,
        check_debt: bool = True,
        **options: Unpack[OrderOptions],
    ) -> EntrustResult:
        """直接还款：用现金还融资合约（和融券的息费），给多了只收欠的。

        厂商的委托里没有金额这一项，各家柜台读的地方不同，先问清楚：

        Args:
            amount: 还多少，元。
            amount_in: 金额写在哪里：``volume`` 写在数量里（厂商的例子，只能是整数元），
                ``price`` 写在价格里（可以带分）。写错了地方，还的就不是这个数。
            security: 占位的证券代码，柜台不看；有的柜台要求是账户里有的。
            special: 还专项的合约。
            check_debt: 发出之前查一次合约，不欠、超过欠的（进到整数元）就不发。
            **options: 同 `credit_buy`。

        返回与异常同 `credit_buy`。
        """
        wanted = terms.cash_repay(
            amount,
            options,
            amount_in=amount_in,
            security=security,
            special=special,
            check_debt=check_debt,
        )
        return self._ordering.run(wanted)
