"""异步下单、异步撤单，按柜台合同编号撤单。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.codes import OrderType
from easytrader.ordering import Extras, wanted
from easytrader.trader import Trader

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from easytrader.ordering import Receipt
    from easytrader.types import CancelResult, EntrustResult, Ignored, MarketTypeName


class AsyncOrders(Trader):
    """混进 `MiniqmtTrader`。

    异步的几个发出就返回一张回执（`easytrader.Receipt`），不等应答；发出之前的校验、风控、
    委托记录与同步的相同，不许、没有发出时当场抛同样的异常。
    """

    def buy_async(
        self,
        security: str,
        price: float,
        amount: int,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **ignored: Unpack[Ignored],
    ) -> Receipt[EntrustResult]:
        """限价买入，发出就返回；参数同 `buy`。

        Returns:
            回执：``seq`` 是请求序号，``done()`` 有没有结果，``result(timeout)`` 等到结果，
            返回的字典与 `buy` 相同。

        Raises:
            UsageError: 参数不对，什么都没有发出。
            NotConnectedError: 没有可用会话，或 256 笔在途而到期没有一笔有应答；什么都没有发出。
            RiskRefusedError: 风控不许，什么都没有发出。
            JournalError: 给了 ``client_order_id`` 而记录写不下来，什么都没有发出。
            OutcomeUnknownError: 交给厂商接口时它抛了异常；或同一个 ``client_order_id`` 以前发过，
                还没有核对清楚。发出之后没有应答的，由 ``result()`` 抛出。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        return self._ordering.start(wanted.limit(OrderType.BUY, security, price, amount, extras))

    def sell_async(
        self,
        security: str,
        price: float,
        amount: int,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **ignored: Unpack[Ignored],
    ) -> Receipt[EntrustResult]:
        """限价卖出，发出就返回；参数同 `sell`，返回、异常同 `buy_async`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        return self._ordering.start(wanted.limit(OrderType.SELL, security, price, amount, extras))

    def market_buy_async(
        self,
        security: str,
        amount: int,
        ttype: MarketTypeName | int | None = None,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **ignored: Unpack[Ignored],
    ) -> Receipt[EntrustResult]:
        """市价买入，发出就返回；参数同 `market_buy`，返回、异常同 `buy_async`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        return self._ordering.start(wanted.market(OrderType.BUY, security, amount, ttype, extras))

    def market_sell_async(
        self,
        security: str,
        amount: int,
        ttype: MarketTypeName | int | None = None,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **ignored: Unpack[Ignored],
    ) -> Receipt[EntrustResult]:
        """市价卖出，发出就返回；参数同 `market_sell`，返回、异常同 `buy_async`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        return self._ordering.start(wanted.market(OrderType.SELL, security, amount, ttype, extras))

    def cancel_entrust_async(self, entrust_no: int) -> Receipt[CancelResult]:
        """撤单，发出就返回；参数同 `cancel_entrust`。

        Returns:
            回执；``result()`` 返回的字典与 `cancel_entrust` 相同。

        Raises:
            UsageError: 编号不对，什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            RiskRefusedError: 风控不许，什么都没有发出。
        """
        return self._ordering.start(self._ordering.cancel(entrust_no))

    def cancel_entrust_sysid(
        self, order_sysid: str, market: str | int | None = None
    ) -> CancelResult:
        """按柜台合同编号撤单。

        Args:
            order_sysid: 柜台合同编号，`today_entrusts` 里的 ``order_sysid``。
            market: 交易所：``SH`` ``SZ`` ``BJ``、中文名（``上交所`` 等）或厂商的整数代码
                （0、1、70）；不给就先查当日委托，认出是哪个交易所的。

        Returns:
            同 `cancel_entrust`。

        Raises:
            UsageError: 编号、交易所不对；没有给交易所而当日委托里没有、或几个交易所都有这个编号。
                什么都没有发出。
            QueryFailedError: 没有给交易所，要查当日委托而查不到；什么都没有发出。
            RiskRefusedError: 风控不许，什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答。撤单可以放心再撤一次。
        """
        return self._ordering.run(self._ordering.cancel_sysid(order_sysid, market))

    def cancel_entrust_sysid_async(
        self, order_sysid: str, market: str | int | None = None
    ) -> Receipt[CancelResult]:
        """按柜台合同编号撤单，发出就返回；参数同 `cancel_entrust_sysid`。

        返回同 `cancel_entrust_async`。没有给交易所时要先查当日委托，所以不是当场返回。
        """
        return self._ordering.start(self._ordering.cancel_sysid(order_sysid, market))
