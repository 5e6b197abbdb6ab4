"""约券：厂商的字典 → 用户看到的字典。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.codes import (
    SMT_APPLY_MODE_NAMES,
    SMT_COMPACT_STATUS_NAMES,
    SMT_POSTPONE_STATUS_NAMES,
)
from easytrader.picking import fields, named, pick

if TYPE_CHECKING:
    from easytrader import types

QUOTER_FIELDS: Final = fields(
    "code code_name=codeName exchange_type=exchangeType src_group_id=srcGroupId "
    "apply_mode=applyMode date low_date=lowDate init_date=initDate end_date=endDate "
    "enable_slo_amount_t0=enableSloAmountT0 enable_slo_amount_t3=enableSloAmountT3 "
    "fin_type=finType stock_type=stockType occupied_rate=fsmpOccupedRate fine_rate=fineRate "
    "preend_rate=fsmpreendRate used_rate=usedRate unused_rate=unUusedRate"
)
ORDER_FIELDS: Final = fields(
    "apply_id=applyId code code_name=codeName exchange_type=exchangeType "
    "src_group_id=srcGroupId com_group_id=comGroupId cash_compact_id=cashcompactId "
    "apply_mode=applyMode apply_status=applyStatus entrust_no=entrustNo init_date=initDate "
    "curr_date=currDate curr_time=currTime date apply_rate=applyRate "
    "entrust_amount=entrustAmount entrust_balance=entrustBalance "
    "business_amount=businessAmount business_balance=businessBalance valid_date=validDate "
    "date_clear=dateClear fin_type=finType used_rate=usedRate unused_rate=unUusedRate"
)
COMPACT_FIELDS: Final = fields(
    "cash_compact_id=cashcompactId ori_cash_compact_id=oriCashcompactId apply_id=applyId code "
    "code_name=codeName exchange_type=exchangeType src_group_id=srcGroupId "
    "src_group_name=srcGroupName com_group_id=comGroupId apply_mode=applyMode "
    "compact_type=compactType compact_status=compactStatus create_date=createDate date "
    "begin_compact_amount=beginCompacAmount begin_compact_balance=beginCompacBalance "
    "compact_amount=compacAmount compact_balance=compacBalance return_amount=returnAmount "
    "return_balance=returnBalance real_buy_amount=realBuyAmount used_amount=usedAmount "
    "used_balance=usedBalance occupied_rate=fsmpOccupedRate used_rate=usedRate "
    "unused_rate=unUusedRate fine_rate=fineRate preend_rate=preendRate "
    "compact_interest=compactInterest compact_fine_interest=compactFineInterest "
    "repaid_interest=repaidInterest repaid_fine_interest=repaidFineInterest "
    "pre_occupied_interest=preOccupedInterest total_interest=compactInterestx "
    "postpone_times=postponeTimes postpone_status=postponeStatus "
    "enable_postpone_amount=enPostponeAmount last_interest_date=lastInterestDate "
    "interest_end_date=interestEndDate valid_date=validDate date_clear=dateClear "
    "repaid_date=repaidDate fin_type=finType"
)
RESPONSE_FIELDS: Final = fields("seq success message=msg apply_id")


def smt_quoter_row(quoter: dict[str, Any]) -> types.SmtQuoter:
    """一条券源行情；利率是年利率，数量是股。"""
    row = pick(quoter, QUOTER_FIELDS)
    named(row, "apply_mode", SMT_APPLY_MODE_NAMES)
    return cast("types.SmtQuoter", row)


def smt_order_row(order: dict[str, Any]) -> types.SmtOrder:
    """一笔约券申请；``apply_status`` 厂商没有给出代码表，原样。"""
    row = pick(order, ORDER_FIELDS)
    named(row, "apply_mode", SMT_APPLY_MODE_NAMES)
    return cast("types.SmtOrder", row)


def smt_compact_row(compact: dict[str, Any]) -> types.SmtCompact:
    """一张约券合约。"""
    row = pick(compact, COMPACT_FIELDS)
    named(row, "apply_mode", SMT_APPLY_MODE_NAMES)
    named(row, "compact_status", SMT_COMPACT_STATUS_NAMES)
    named(row, "postpone_status", SMT_POSTPONE_STATUS_NAMES)
    return cast("types.SmtCompact", row)


def smt_response_row(response: Any) -> types.SmtResponse:
    """约券的异步应答 → ``seq success message apply_id``。"""
    return cast("types.SmtResponse", pick(response, RESPONSE_FIELDS))
