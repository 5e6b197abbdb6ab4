"""普通买卖之外的全部动词。"""

from __future__ import annotations

from easytrader.miniqmt.verbs.accounts import AccountVerbs
from easytrader.miniqmt.verbs.bank import BankVerbs
from easytrader.miniqmt.verbs.credit import CreditOrders
from easytrader.miniqmt.verbs.credit_async import CreditAsyncOrders
from easytrader.miniqmt.verbs.credit_queries import CreditQueries
from easytrader.miniqmt.verbs.export import ExportVerbs
from easytrader.miniqmt.verbs.ipo import IpoVerbs
from easytrader.miniqmt.verbs.smart import SmartVerbs
from easytrader.miniqmt.verbs.smt import SmtVerbs
from easytrader.miniqmt.verbs.transfers import TransferVerbs


class ManualVerbs(
    CreditOrders,
    CreditAsyncOrders,
    CreditQueries,
    AccountVerbs,
    IpoVerbs,
    TransferVerbs,
    BankVerbs,
    SmtVerbs,
    SmartVerbs,
    ExportVerbs,
):
    """见模块说明。"""
