"""划拨：普通柜台与极速柜台之间、上海与深圳节点之间的资金和股份，期权与期货账号之间的资金。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader import arguments
from easytrader.codes import TRANSFER_DIRECTION_NAMES, TRANSFER_TYPE_NAMES, TransferType
from easytrader.errors import QueryFailedError, UsageError
from easytrader.miniqmt.groups import checks
from easytrader.miniqmt.groups.base import STOCKS, Group, checked
from easytrader.orders.verb import Ticket, order_verb
from easytrader.rows.business import com_fund_row, com_position_row

if TYPE_CHECKING:
    from easytrader import types

_FUNDS: Final = {code: name for code, name in TRANSFER_DIRECTION_NAMES.items() if code < 520}
_SECUS: Final = {code: name for code, name in TRANSFER_DIRECTION_NAMES.items() if code >= 520}
_CTP: Final = "期权期货内转"


class Transfer(Group):
    """划拨：``user.transfer``。"""

    __slots__ = ()
    _kinds = STOCKS

    def com_fund(self) -> types.ComFund:
        """普通柜台的资金，元。资金与股份分在两个柜台的券商才有。

        Raises:
            UsageError: 账号类型不对，什么都没有发出。
            QueryFailedError: 没有得到可信的回答，或柜台说没有这项业务。
            NotConnectedError: 没有可用会话。
        """
        desk = self._desk_for("com_fund")
        found = desk.query("普通柜台资金", "query_com_fund", desk.account)
        if not found:
            raise QueryFailedError("查询普通柜台资金没有结果：券商没有这项业务，或没有登录")
        return checked("普通柜台资金", [found], com_fund_row)[0]

    def com_position(self) -> list[types.ComPosition]:
        """普通柜台的持仓，每只证券一个字典。异常同 `com_fund`。"""
        return self._list(com_position_row, "com_position", "普通柜台持仓", "query_com_position")

    def fund(self, direction: types.FundsTransferName | int, amount: float) -> types.Outcome:
        """资金划拨。

        Args:
            direction: 划拨方向：510–513，或它的中文名。
            amount: 金额，元。

        Returns:
            ``{'success': bool, 'message': str}``；没有成功时 ``message`` 是柜台说的原因。

        Raises:
            UsageError: 参数或账号类型不对，什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答，**不可重发**，先用 `com_fund`、`balance` 核对。
        """
        code = checks.choice("direction", direction, _FUNDS)
        money = checks.money("amount", amount)
        desk = self._desk_for("fund")
        return desk.confirm("资金划拨", "fund_transfer", desk.account, code, money)

    def secu(
        self,
        direction: types.SecuTransferName | int,
        security: str,
        volume: int,
        transfer_type: types.TransferTypeName | int | None = None,
    ) -> types.Outcome:
        """股份划拨。

        Args:
            direction: 划拨方向：520、521，或它的中文名。
            security: 证券代码。
            volume: 数量，股/张。
            transfer_type: 划拨类型 0–2 或中文名；默认普通账号 0，信用账号 2。

        返回与异常同 `fund`，核对用 `com_position`、`position`。
        """
        code = checks.choice("direction", direction, _SECUS)
        target = arguments.security(security)
        amount = checks.number("volume", volume, "（股/张）")
        kind = None
        if transfer_type is not None:
            kind = checks.choice("transfer_type", transfer_type, TRANSFER_TYPE_NAMES)
        desk = self._desk_for("secu")
        credit = desk.account_type == "CREDIT"
        if kind is None:
            kind = TransferType.CREDIT_SHARE if credit else TransferType.SHARE
        elif credit == (kind == TransferType.SHARE):
            fit = "1、2" if credit else "0"
            raise UsageError(
                "transfer_type", transfer_type, f"{desk.account_type} 账号只能用 {fit}"
            )
        # 厂商的说明里这里的代码写成 SH600000，与别处不同
        spelled = f"{target.exchange}{target.code}"
        return desk.confirm(
            "股份划拨", "secu_transfer", desk.account, code, spelled, amount, int(kind)
        )

    @order_verb
    def option_to_future(
        self, opt_account_id: str, ft_account_id: str, amount: float
    ) -> Ticket[types.Outcome, types.TransferResponse]:
        """CTP 柜台的期权资金账号转到期货资金账号；两个账号要在同一个客户端里登录。

        Args:
            opt_account_id: 期权资金账号。
            ft_account_id: 期货资金账号。
            amount: 金额，元。

        返回与异常同 `fund`，核对用 `balance`；异步的回执给出 ``seq success message``。
        """
        given = _ctp(opt_account_id, ft_account_id, amount)
        return self._moving(_CTP, "ctp_transfer_option_to_future", *given)

    option_to_future_async = option_to_future.twin
    """同 `option_to_future`，发出就返回回执。"""

    @order_verb
    def future_to_option(
        self, opt_account_id: str, ft_account_id: str, amount: float
    ) -> Ticket[types.Outcome, types.TransferResponse]:
        """期货资金账号转到期权资金账号；其余同 `option_to_future`。"""
        given = _ctp(opt_account_id, ft_account_id, amount)
        return self._moving(_CTP, "ctp_transfer_future_to_option", *given)

    future_to_option_async = future_to_option.twin
    """同 `future_to_option`，发出就返回回执。"""


def _ctp(opt_account_id: object, ft_account_id: object, amount: object) -> tuple[str, str, float]:
    option = checks.text("opt_account_id", opt_account_id, "期权资金账号", 127)
    future = checks.text("ft_account_id", ft_account_id, "期货资金账号", 127)
    if option == future:
        raise UsageError("ft_account_id", ft_account_id, "不能与 opt_account_id 相同")
    return option, future, checks.money("amount", amount)
