"""厂商的行：字段与次序取自字段表（`fields`），价格与金额是 float 元，时间是 Unix 秒。

名字都是小写的；造的时候没有给的字段是零值。
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any, Final

from easytrader.sim.gateway.fields import ZEROS, row_names, structs

Row = Any
"""下面这些类的一个对象；字段由表造出来，静态检查看不见。"""


def _row(name: str, struct: str) -> Any:
    zeros = [ZEROS[field.code] for field in structs()[struct]]
    return namedtuple(name, row_names(struct), defaults=zeros)


OrderAnswer: Final = _row("OrderAnswer", "OrderStockResp")
"""``order_id`` > 0 只表示客户端给了编号；-1 是客户端当场拒绝。"""
CancelAnswer: Final = _row("CancelAnswer", "CancelOrderStockResp")
"""``cancel_result``：0 已发出，-1 失败。"""
AssetRow: Final = _row("AssetRow", "XtAsset")
OrderRow: Final = _row("OrderRow", "XtOrder")
TradeRow: Final = _row("TradeRow", "XtTrade")
PositionRow: Final = _row("PositionRow", "XtPosition")
OrderErrorRow: Final = _row("OrderErrorRow", "XtOrderError")
"""``seq`` 是下单请求的序号，由送达一侧填。"""
CancelErrorRow: Final = _row("CancelErrorRow", "XtCancelError")
AccountInfoRow: Final = _row("AccountInfoRow", "XtAccountInfo")
AccountStatusRow: Final = _row("AccountStatusRow", "XtAccountStatus")
CreditDetailRow: Final = _row("CreditDetailRow", "XtCreditDetail")
StkCompactRow: Final = _row("StkCompactRow", "StkCompacts")
CreditSubjectRow: Final = _row("CreditSubjectRow", "CreditSubjects")
CreditSloCodeRow: Final = _row("CreditSloCodeRow", "CreditSloCode")
CreditAssureRow: Final = _row("CreditAssureRow", "CreditAssure")
NewPurchaseLimitRow: Final = _row("NewPurchaseLimitRow", "NewPurchaseLimitInfo")
"""``KCB``、``SH``、``SZ`` 与能申购的股数。"""
IPODataRow: Final = _row("IPODataRow", "IPOData")
"""``ipo_type``：``STOCK`` 或 ``BOND``；``purchase_date``：``YYYYMMDD``。"""
TransferRow: Final = _row("TransferRow", "TransferResp")
BankTransferRow: Final = _row("BankTransferRow", "BankTransferResp")
BankRow: Final = _row("BankRow", "BankInfo")
BankAmountRow: Final = _row("BankAmountRow", "BankAmount")
BankStreamRow: Final = _row("BankStreamRow", "BankTransferStream")
ComFundRow: Final = _row("ComFundRow", "ComFund")
ComPositionRow: Final = _row("ComPositionRow", "ComPosition")
"""``account_id`` 是股东账号。"""
SecuAccountRow: Final = _row("SecuAccountRow", "SecuAccount")
PositionStatisticsRow: Final = _row("PositionStatisticsRow", "PositionStatistics")
SmtAnswerRow: Final = _row("SmtAnswerRow", "SmtAppointmentResp")
SmtQuoterRow: Final = _row("SmtQuoterRow", "SmtQuoter")
SmtOrderRow: Final = _row("SmtOrderRow", "SmtOrder")
SmtCompactRow: Final = _row("SmtCompactRow", "SmtCompact")
