"""盘后固定价格：收盘之后按收盘价成交的半小时。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.codes import OrderType
from easytrader.errors import UsageError
from easytrader.market.symbols import Kind
from easytrader.miniqmt.groups.base import Group
from easytrader.orders import Extras, ticket
from easytrader.orders.verb import Ticket, order, order_verb

if TYPE_CHECKING:
    from easytrader import types
    from easytrader.market.symbols import Security
    from easytrader.orders.ticket import Wanted

_STOCKS: Final = frozenset({Kind.STOCK, Kind.CDR})
_MOST: Final = 1_000_000
"""单笔上限（上交所 STAR19、SSE26，深交所 CHINEXT20、SZSE26）。"""


class AfterHours(Group):
    """盘后固定价格：``user.after_hours``，只有普通账号能用。

    成交一律是收盘价，15:05 起；限价只说最差到哪里。沪市 9:30、深市 9:15 起就能报，报了不进竞价。
    送出的是厂商的委托类型 1043、1044；没有公开的样本说每家客户端都收它们，**先用最小的数量试**。
    校验、风控、``client_order_id`` 的「恰好一次」都与 `Trader.buy` 相同；撤单、查询也用同样的。
    """

    __slots__ = ()
    _kinds = ("STOCK",)

    @order_verb
    def buy(
        self, security: str, price: float, amount: int, *,
        strategy_name: str = "", remark: str = "", client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:  # fmt: skip
        """按收盘价买入；收盘价高于 ``price`` 就不成交。

        Args:
            security: 证券代码：沪深的 A 股、存托凭证、ETF。
            price: 最高肯出多少，元。
            amount: 数量，股/份，单笔不超过 100 万。
            strategy_name: 策略名，不超过 23 字节。
            remark: 备注。
            client_order_id: 自己取的委托 id，同 `Trader.buy`。

        Returns:
            同 `Trader.buy`：``{'entrust_no': int}``；当场被拒绝时 -1，另有 ``message``。

        Raises:
            UsageError: 参数或账号类型不对，没有盘后固定价格的品种。什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            RiskRefusedError: 风控不许，什么都没有发出。
            JournalError: 给了 ``client_order_id`` 而记录写不下来，什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答，**不可重试**，用 `find_entrust` 核对。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        return self._placing("buy", OrderType.AFTER_FIX_BUY, security, price, amount, extras)

    buy_async = buy.twin
    """同 `buy`，发出就返回回执。"""

    @order_verb
    def sell(
        self, security: str, price: float, amount: int, *,
        strategy_name: str = "", remark: str = "", client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:  # fmt: skip
        """按收盘价卖出；收盘价低于 ``price`` 就不成交。

        参数、返回、异常同 `buy`，``price`` 是最低肯收多少。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        return self._placing("sell", OrderType.AFTER_FIX_SELL, security, price, amount, extras)

    sell_async = sell.twin
    """同 `sell`，发出就返回回执。"""

    def _placing(
        self, verb: str, side: int, security: object, price: object, amount: object, extras: Extras
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        wanted = ticket.limit(side, security, price, amount, extras)
        _check(wanted)
        self._desk_for(verb)
        return order(self._ordering, wanted)


def _check(wanted: Wanted) -> None:
    if not _has(wanted.target):
        raise UsageError(
            "security",
            wanted.given,
            f"{wanted.target.kind.value}没有盘后固定价格：只有沪深的 A 股、存托凭证与 ETF",
        )
    if wanted.volume > _MOST:
        raise UsageError("amount", wanted.volume, f"盘后固定价格单笔不超过 {_MOST} 股（份）")


def _has(security: Security) -> bool:
    kind = security.kind
    return security.exchange in ("SH", "SZ") and (kind in _STOCKS or kind.value.endswith("ETF"))
