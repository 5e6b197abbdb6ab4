"""账号：信息、状态、股东账户、持仓统计。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.miniqmt.verbs.base import Verbs, checked
from easytrader.rows import account_status_row
from easytrader.rows.business import account_info_row, position_statistics_row, secu_account_row

if TYPE_CHECKING:
    from easytrader.types import AccountInfo, AccountStatus, PositionStatistics, SecuAccount


class AccountVerbs(Verbs):
    """见模块说明。"""

    def account_infos(self) -> list[AccountInfo]:
        """客户端里登录的全部资金账号，每个一个字典（包括别的账号）。

        Raises:
            QueryFailedError: 没有得到可信的回答。
            NotConnectedError: 没有可用会话。
        """
        found = self._desk.query("账号信息", "query_account_infos")
        return [account_info_row(each) for each in found or ()]

    def account_status(self) -> list[AccountStatus]:
        """客户端里全部资金账号的状态：``status_name`` 是「正常」才能交易。

        异常同 `account_infos`。
        """
        found = self._desk.query("账号状态", "query_account_status")
        return [account_status_row(each) for each in found or ()]

    def secu_accounts(self) -> list[SecuAccount]:
        """这个资金账号下的股东账户；``main`` 是不是主股东账户。异常同 `account_infos`。"""
        desk = self._desk
        found = desk.query("股东账户", "query_secu_account", desk.account)
        return checked("股东账户", found or (), secu_account_row)

    def position_statistics(self) -> list[PositionStatistics]:
        """持仓统计，每个合约一个字典。厂商为期货账号做的，别的账号多半为空。

        异常同 `account_infos`。
        """
        desk = self._desk
        found = desk.query("持仓统计", "query_position_statistics", desk.account)
        return [position_statistics_row(each) for each in found or ()]
