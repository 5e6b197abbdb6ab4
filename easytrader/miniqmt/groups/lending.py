"""约券：券源行情、申请、合约、展期、归还。只有信用账号能用。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.miniqmt.groups import checks
from easytrader.miniqmt.groups.base import Group
from easytrader.rows import business

if TYPE_CHECKING:
    from easytrader import types
    from easytrader.orders import Receipt

_ID_BYTES: Final = 23


class Lending(Group):
    """约券：``user.lending``。

    五个会改变东西的方法都只有异步的：当场返回回执，``result(timeout)`` 等到应答，返回
    ``seq success message apply_id``；同一个应答也进 ``on_smt_appointment_async_response``
    和 `events`。
    """

    __slots__ = ()
    _kinds = ("CREDIT",)

    def quoters(self) -> list[types.SmtQuoter]:
        """券源行情：能约哪些券、多少、什么利率。

        Raises:
            UsageError: 不是信用账号，什么都没有发出。
            QueryFailedError: 没有得到可信的回答，或柜台说不行。
            NotConnectedError: 没有可用会话。
        """
        return self._list(business.smt_quoter_row, "quoters", "券源行情", "smt_query_quoter")

    def orders(self) -> list[types.SmtOrder]:
        """约券申请。异常同 `quoters`。"""
        return self._list(business.smt_order_row, "orders", "约券申请", "smt_query_order")

    def compacts(self) -> list[types.SmtCompact]:
        """约券合约。异常同 `quoters`。"""
        return self._list(business.smt_compact_row, "compacts", "约券合约", "smt_query_compact")

    def negotiate_order_async(
        self,
        security: str,
        amount: int,
        days: int,
        apply_rate: float,
        *,
        src_group_id: str = "",
        sub_fare_rate: float | None = None,
        fine_rate: float | None = None,
    ) -> Receipt[types.SmtResponse]:
        """库存券约券申请。

        Args:
            security: 证券代码。
            amount: 数量，股。
            days: 期限，天。
            apply_rate: 资券申请利率，年利率，0.05 是 5%。
            src_group_id: 来源组编号，见 `quoters`。
            sub_fare_rate: 提前归还利率；不给就由柜台定。
            fine_rate: 罚息利率；不给就由柜台定。

        Returns:
            回执，见类的说明。

        Raises:
            UsageError: 参数或账号类型不对，什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            OutcomeUnknownError: 交给厂商接口时出错，**不可重发**，先用 `orders` 核对。
        """
        group = checks.text("src_group_id", src_group_id, "来源组编号", _ID_BYTES, empty=True)
        code, date, volume, rate = _appointment(security, days, amount, apply_rate)
        extra = {}
        if sub_fare_rate is not None:
            extra["subFareRate"] = checks.rate("sub_fare_rate", sub_fare_rate)
        if fine_rate is not None:
            extra["fineRate"] = checks.rate("fine_rate", fine_rate)
        return self._start(
            "库存券约券", "smt_negotiate_order_async", group, code, date, volume, rate, extra
        )

    def appointment_order_async(
        self, security: str, amount: int, days: int, apply_rate: float
    ) -> Receipt[types.SmtResponse]:
        """专项券约券申请；参数、返回、异常同 `negotiate_order_async`。"""
        given = _appointment(security, days, amount, apply_rate)
        return self._start("专项券约券", "smt_appointment_order_async", *given)

    def appointment_cancel_async(self, apply_id: str) -> Receipt[types.SmtResponse]:
        """撤销约券申请。

        Args:
            apply_id: 资券申请编号：申请的应答、`orders` 里都有。

        返回与异常同 `negotiate_order_async`。
        """
        given = checks.text("apply_id", apply_id, "资券申请编号", _ID_BYTES)
        return self._start("约券撤单", "smt_appointment_cancel_async", given)

    def compact_renewal_async(
        self,
        cash_compact_id: str,
        security: str,
        defer_days: int,
        defer_amount: int,
        apply_rate: float,
    ) -> Receipt[types.SmtResponse]:
        """约券合约展期。

        Args:
            cash_compact_id: 头寸合约编号，见 `compacts`。
            security: 证券代码。
            defer_days: 展期天数。
            defer_amount: 展期数量，股。
            apply_rate: 资券申请利率，年利率。

        返回与异常同 `negotiate_order_async`，核对用 `compacts`。
        """
        return self._start(
            "约券展期",
            "smt_compact_renewal_async",
            checks.text("cash_compact_id", cash_compact_id, "头寸合约编号", _ID_BYTES),
            arguments.security(security).stock_code,
            checks.number("defer_days", defer_days, "（天）"),
            checks.number("defer_amount", defer_amount, "（股）"),
            checks.rate("apply_rate", apply_rate),
        )

    def compact_return_async(
        self, cash_compact_id: str, security: str, amount: int, *, src_group_id: str = ""
    ) -> Receipt[types.SmtResponse]:
        """约券合约归还。

        Args:
            cash_compact_id: 头寸合约编号，见 `compacts`。
            security: 证券代码。
            amount: 归还数量，股。
            src_group_id: 来源组编号，见 `compacts`。

        返回与异常同 `compact_renewal_async`。
        """
        group = checks.text("src_group_id", src_group_id, "来源组编号", _ID_BYTES, empty=True)
        return self._start(
            "约券归还",
            "smt_compact_return_async",
            group,
            checks.text("cash_compact_id", cash_compact_id, "头寸合约编号", _ID_BYTES),
            arguments.security(security).stock_code,
            checks.number("amount", amount, "（股）"),
        )

    def _start(self, what: str, name: str, *given: Any) -> Receipt[types.SmtResponse]:
        desk = self._desk_for(name.removeprefix("smt_"))
        return desk.start(what, business.smt_response_row, name, desk.account, *given)


def _appointment(
    security: object, days: object, amount: object, apply_rate: object
) -> tuple[str, int, int, float]:
    return (
        arguments.security(security).stock_code,
        checks.number("days", days, "（天）"),
        checks.number("amount", amount, "（股）"),
        checks.rate("apply_rate", apply_rate),
    )
