"""银证转账：签约的银行、余额、流水、转入转出。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from easytrader.miniqmt.groups import checks
from easytrader.miniqmt.groups.base import Group
from easytrader.orders.verb import Ticket, order_verb
from easytrader.rows.business import bank_amount_row, bank_row, bank_stream_row

if TYPE_CHECKING:
    from datetime import date

    from easytrader import types


class Bank(Group):
    """银证转账：``user.bank``。转入、转出各有异步的（``transfer_in_async`` 等）。"""

    __slots__ = ()
    _kinds = ("STOCK", "CREDIT", "FUTURE", "STOCK_OPTION", "FUTURE_OPTION")

    def info(self) -> list[types.Bank]:
        """签约的银行，每个一个字典；``bank_no``、``bank_account`` 是其余几个方法要的。

        Raises:
            UsageError: 账号类型不对，什么都没有发出。
            QueryFailedError: 没有得到可信的回答，或柜台说不行。
            NotConnectedError: 没有可用会话。
        """
        return self._list(bank_row, "info", "银行信息", "query_bank_info")

    def amount(self, bank_no: str, bank_account: str, bank_pwd: str = "") -> list[types.BankAmount]:
        """银行卡里的余额，元。

        Args:
            bank_no: 银行编号，见 `info`。
            bank_account: 银行账号。
            bank_pwd: 银行密码。

        异常同 `info`。
        """
        given = *_bank(bank_no, bank_account), checks.secret("bank_pwd", bank_pwd)
        return self._list(bank_amount_row, "amount", "银行余额", "query_bank_amount", *given)

    def transfer_stream(
        self,
        start_date: str | date,
        end_date: str | date,
        bank_no: str = "",
        bank_account: str = "",
    ) -> list[types.BankStream]:
        """银证转账的流水，每笔一个字典。

        Args:
            start_date: 从哪天，``'20261101'``、``'2026-11-01'`` 或 ``date``；含这一天。
            end_date: 到哪天，含这一天。
            bank_no: 只看这个银行；空为全部。
            bank_account: 只看这个银行账号；空为全部。

        异常同 `info`。
        """
        start, end = checks.days(start_date, end_date)
        number = checks.text("bank_no", bank_no, "银行编号", empty=True)
        card = checks.text("bank_account", bank_account, "银行账号", empty=True)
        terms = "transfer_stream", "银行转账流水", "query_bank_transfer_stream"
        return self._list(bank_stream_row, *terms, start, end, number, card)

    @order_verb
    def transfer_in(
        self,
        bank_no: str,
        bank_account: str,
        amount: float,
        *,
        bank_pwd: str = "",
        fund_pwd: str = "",
    ) -> Ticket[types.Outcome, types.TransferResponse]:
        """银行转证券。

        Args:
            bank_no: 银行编号，见 `info`。
            bank_account: 银行账号。
            amount: 金额，元。
            bank_pwd: 银行密码；要不要看银行。
            fund_pwd: 资金密码；要不要看银行。

        Returns:
            ``{'success': bool, 'message': str}``；异步的回执给出 ``seq success message``，
            同一个应答也进 ``on_bank_transfer_async_response`` 和 `events`。

        Raises:
            UsageError: 参数或账号类型不对，什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答，**不可重发**，先用 `transfer_stream` 核对。
        """
        return self._transfer(
            "银行转证券", "transfer_in", bank_no, bank_account, amount, bank_pwd, fund_pwd
        )

    transfer_in_async = transfer_in.twin
    """同 `transfer_in`，发出就返回回执。"""

    @order_verb
    def transfer_out(
        self,
        bank_no: str,
        bank_account: str,
        amount: float,
        *,
        bank_pwd: str = "",
        fund_pwd: str = "",
    ) -> Ticket[types.Outcome, types.TransferResponse]:
        """证券转银行；其余同 `transfer_in`。"""
        return self._transfer(
            "证券转银行", "transfer_out", bank_no, bank_account, amount, bank_pwd, fund_pwd
        )

    transfer_out_async = transfer_out.twin
    """同 `transfer_out`，发出就返回回执。"""

    def _transfer(
        self, what: str, verb: str, *given: object
    ) -> Ticket[types.Outcome, types.TransferResponse]:
        arguments = _transfer(*given)
        desk = self._desk_for(verb)
        self._log.info("{} {:.2f} 元", what, arguments[2])
        return self._moving(what, f"bank_{verb}", desk.account, *arguments)


def _bank(bank_no: object, bank_account: object) -> tuple[str, str]:
    return (
        checks.text("bank_no", bank_no, "银行编号，见 user.bank.info()"),
        checks.text("bank_account", bank_account, "银行账号，见 user.bank.info()"),
    )


def _transfer(*given: Any) -> tuple[str, str, float, str, str]:
    bank_no, bank_account, amount, bank_pwd, fund_pwd = given
    return (
        *_bank(bank_no, bank_account),
        checks.money("amount", amount),
        checks.secret("bank_pwd", bank_pwd),
        checks.secret("fund_pwd", fund_pwd),
    )
