"""划拨、转账、约券等业务的请求 → 柜台的动作与参数。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from easytrader.sim.wire import BusinessArgs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BUSINESS"]

_Verb = tuple[str, "Callable[[Any], tuple[Any, ...]]"]


def _native(verb: str, fields: str = "") -> _Verb:
    """字段名是 ``m_…`` 的请求；一项写成 ``名字=厂商的字段``，老版本填别的再加 ``|老字段``。"""
    return verb, _reader("m_nAccountType", "m_strAccountID", fields)


def _snake(verb: str, fields: str = "") -> _Verb:
    """银行的请求：字段名是小写的。"""
    return verb, _reader("account_type", "account_id", fields)


def _reader(kind: str, account: str, fields: str) -> Callable[[Any], BusinessArgs]:
    wanted = []
    for word in fields.split():
        name, _, field = word.partition("=")
        field, _, older = (field or name).partition("|")
        wanted.append((name, field, older or field))

    def read(request: Any) -> BusinessArgs:
        body = {
            name: getattr(request, field) or getattr(request, older)
            for name, field, older in wanted
        }
        shown = json.dumps(body, ensure_ascii=False) if body else ""
        return BusinessArgs(getattr(request, kind), getattr(request, account), shown)

    return read


BUSINESS: Final[dict[str, _Verb]] = {
    "transfer": _native(
        "transfer",
        "direction=m_nOrderType price=m_dPrice stock_code=m_strStockCode1|m_strStockCode "
        "volume=m_nOrderVolume transfer_type=m_nCreditTransferType",
    ),
    "queryComFund": _native("com_fund"),
    "queryComPosition": _native("com_position"),
    "queryPositionStatistics": _native("position_statistics"),
    "bankTransfer": _snake(
        "bank_transfer", "direction bank_no bank_account bank_pwd fund_pwd balance"
    ),
    "queryBankInfo": _snake("bank_info"),
    "queryBankAmount": _snake("bank_amount", "bank_no bank_account bank_pwd"),
    "queryBankTransferStream": _snake("bank_stream", "start_date end_date bank_no bank_account"),
    "querySecuAccount": _snake("secu_accounts"),
    "smtQueryQuoter": _native("smt_quoters"),
    "smtQueryOrder": _native("smt_orders"),
    "smtQueryCompact": _native("smt_compacts"),
    "smtNegotiateOrder": _native(
        "smt_negotiate",
        "src_group_id=m_strSrcGroupID code=m_strOrderCode days=m_nDate amount=m_nAmount "
        "rate=m_dApplyRate preend_rate=m_dSubFareRate fine_rate=m_dFineRate",
    ),
    "smtAppointmentOrder": _native(
        "smt_appointment",
        "code=m_strOrderCode days=m_nDate amount=m_nAmount rate=m_dApplyRate",
    ),
    "smtAppointmentCancel": _native("smt_cancel", "apply_id=m_strApplyID"),
    "smtCompactRenewal": _native(
        "smt_renewal",
        "compact_id=m_strCompactID code=m_strOrderCode defer_days=m_nDeferDays "
        "defer_num=m_nDeferNum apply_rate=m_dApplyRate",
    ),
    "smtCompactReturn": _native(
        "smt_return",
        "compact_id=m_strCompactID code=m_strOrderCode amount=m_nOccurAmount",
    ),
}
"""原生名 →（柜台的动作, 读参数的函数）。"""
