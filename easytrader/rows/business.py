"""委托、成交之外的：账号、新股、划拨与银行、约券、智能算法，以及各种异步应答。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.basics import tags
from easytrader.codes import (
    ACCOUNT_STATUS_NAMES,
    ACCOUNT_TYPE_NAMES,
    BANK_TRANSFER_DIRECTION_NAMES,
    DIRECTION_NAMES,
    HEDGE_FLAG_NAMES,
    IPO_TYPE_NAMES,
    MONEY_TYPE_NAMES,
    SMT_APPLY_MODE_NAMES,
    SMT_COMPACT_STATUS_NAMES,
    SMT_POSTPONE_STATUS_NAMES,
)
from easytrader.rows.picking import fields, named, pick

if TYPE_CHECKING:
    from easytrader import types

# ---- 异步下单、撤单的应答

_ORDERED_FIELDS: Final = fields("seq order_id error_msg strategy_name order_remark account_id")
_CANCELLED_FIELDS: Final = fields("seq order_id order_sysid cancel_result error_msg account_id")


def order_response_row(response: Any) -> types.OrderResponse:
    """异步下单的应答 → ``seq order_id error_msg strategy_name order_remark account_id``。"""
    row = pick(response, _ORDERED_FIELDS)
    row["order_remark"] = tags.split(row["order_remark"] or "")[1]
    row["error_msg"] = row["error_msg"] or ""
    return cast("types.OrderResponse", row)


def cancel_response_row(response: Any) -> types.CancelResponse:
    """异步撤单的应答 → ``seq order_id order_sysid cancel_result error_msg account_id``。"""
    row = pick(response, _CANCELLED_FIELDS)
    row["error_msg"] = row["error_msg"] or ""  # 老版本的应答没有这一项
    return cast("types.CancelResponse", row)


# ---- 账号、股东账户、持仓统计、新股

ACCOUNT_FIELDS: Final = fields(
    "account_id account_type login_status broker_type broker_id broker_name platform_id "
    "product_id product_name product_code"
)
SECU_FIELDS: Final = fields("market secu_account main")
STATISTICS_FIELDS: Final = fields(
    "account_id exchange_id exchange_name product_id instrument_id instrument_name direction "
    "hedge_flag position yesterday_position today_position can_close_vol position_cost avg_price "
    "position_profit float_profit open_price used_margin used_commission frozen_margin "
    "frozen_commission instrument_value open_times open_volume cancel_times last_price rise_ratio "
    "product_name royalty expire_date assest_weight increase_by_settlement margin_ratio "
    "float_profit_divide_by_used_margin float_profit_divide_by_balance today_profit_loss "
    "yesterday_init_position frozen_royalty today_close_profit_loss close_profit ft_product_name "
    "open_cost"
)
IPO_FIELDS: Final = fields(
    "name type min_purchase_num=minPurchaseNum max_purchase_num=maxPurchaseNum "
    "purchase_date=purchaseDate issue_price=issuePrice"
)


def account_info_row(info: Any) -> types.AccountInfo:
    """一个资金账号。"""
    row = pick(info, ACCOUNT_FIELDS)
    named(row, "account_type", ACCOUNT_TYPE_NAMES)
    named(row, "login_status", ACCOUNT_STATUS_NAMES)
    return cast("types.AccountInfo", row)


def secu_account_row(account: Any) -> types.SecuAccount:
    """一个股东账户。"""
    return cast("types.SecuAccount", pick(account, SECU_FIELDS))


def position_statistics_row(statistics: Any) -> types.PositionStatistics:
    """一个合约的持仓统计。"""
    row = pick(statistics, STATISTICS_FIELDS)
    named(row, "direction", DIRECTION_NAMES)
    named(row, "hedge_flag", HEDGE_FLAG_NAMES)
    return cast("types.PositionStatistics", row)


def ipo_row(stock_code: str, issue: dict[str, Any]) -> types.IpoIssue:
    """一只新股或新债；``stock_code`` 是申购代码。"""
    row = {"security": stock_code.partition(".")[0], "stock_code": stock_code}
    row.update(pick(issue, IPO_FIELDS))
    named(row, "type", IPO_TYPE_NAMES)
    return cast("types.IpoIssue", row)


# ---- 划拨与银证转账

COM_FUND_FIELDS: Final = fields(
    "current_balance=currentBalance enable_balance=enableBalance fetch_balance=fetchBalance "
    "interest asset_balance=assetBalance fetch_cash=fetchCash market_value=marketValue debt"
)
COM_POSITION_FIELDS: Final = fields(
    "stock_code=stockCode stock_name=stockName exchange_type=exchangeType "
    "secu_account=stockAccount total_amount=totalAmt enable_amount=enableAmount "
    "last_price=lastPrice cost_price=costPrice income income_rate=incomeRate "
    "market_value=marketValue cost_balance=costBalance on_the_way_volume=bsOnTheWayVol "
    "pr_enable_volume=prEnableVol"
)
BANK_FIELDS: Final = fields("bank_no bank_name bank_account money_type")
BANK_AMOUNT_FIELDS: Final = fields("account_id bank_account money_type balance enable_balance")
STREAM_FIELDS: Final = fields(
    "date time transfer_no transfer_direction bank_no bank_name bank_account money_type "
    "account_id balance remark transfer_status"
)
TRANSFER_RESPONSE_FIELDS: Final = fields("seq success message=msg")


def com_fund_row(fund: dict[str, Any]) -> types.ComFund:
    """普通柜台的资金，元。"""
    return cast("types.ComFund", pick(fund, COM_FUND_FIELDS))


def com_position_row(position: dict[str, Any]) -> types.ComPosition:
    """普通柜台的一只持仓。"""
    row = pick(position, COM_POSITION_FIELDS)
    code = str(position.get("stockCode1") or row["stock_code"] or "")
    return cast(
        "types.ComPosition", {"security": code.partition(".")[0], **row, "stock_code": code}
    )


def bank_row(bank: Any) -> types.Bank:
    """一个签约的银行。"""
    row = pick(bank, BANK_FIELDS)
    named(row, "money_type", MONEY_TYPE_NAMES)
    return cast("types.Bank", row)


def bank_amount_row(amount: Any) -> types.BankAmount:
    """银行卡的余额，元。"""
    row = pick(amount, BANK_AMOUNT_FIELDS)
    named(row, "money_type", MONEY_TYPE_NAMES)
    return cast("types.BankAmount", row)


def bank_stream_row(entry: Any) -> types.BankStream:
    """一条银行转账流水。"""
    row = pick(entry, STREAM_FIELDS)
    named(row, "transfer_direction", BANK_TRANSFER_DIRECTION_NAMES)
    named(row, "money_type", MONEY_TYPE_NAMES)
    return cast("types.BankStream", row)


def transfer_response_row(response: Any) -> types.TransferResponse:
    """银证转账、期权期货内转的异步应答 → ``seq success message``。"""
    return cast("types.TransferResponse", pick(response, TRANSFER_RESPONSE_FIELDS))


# ---- 约券

SMT_QUOTER_FIELDS: Final = fields(
    "code code_name=codeName exchange_type=exchangeType src_group_id=srcGroupId "
    "apply_mode=applyMode date low_date=lowDate init_date=initDate end_date=endDate "
    "enable_slo_amount_t0=enableSloAmountT0 enable_slo_amount_t3=enableSloAmountT3 "
    "fin_type=finType stock_type=stockType occupied_rate=fsmpOccupedRate fine_rate=fineRate "
    "preend_rate=fsmpreendRate used_rate=usedRate unused_rate=unUusedRate"
)
SMT_ORDER_FIELDS: Final = fields(
    "apply_id=applyId code code_name=codeName exchange_type=exchangeType "
    "src_group_id=srcGroupId com_group_id=comGroupId cash_compact_id=cashcompactId "
    "apply_mode=applyMode apply_status=applyStatus entrust_no=entrustNo init_date=initDate "
    "curr_date=currDate curr_time=currTime date apply_rate=applyRate "
    "entrust_amount=entrustAmount entrust_balance=entrustBalance "
    "business_amount=businessAmount business_balance=businessBalance valid_date=validDate "
    "date_clear=dateClear fin_type=finType used_rate=usedRate unused_rate=unUusedRate"
)
SMT_COMPACT_FIELDS: Final = fields(
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
SMT_RESPONSE_FIELDS: Final = fields("seq success message=msg apply_id")


def smt_quoter_row(quoter: dict[str, Any]) -> types.SmtQuoter:
    """一条券源行情；利率是年利率，数量是股。"""
    row = pick(quoter, SMT_QUOTER_FIELDS)
    named(row, "apply_mode", SMT_APPLY_MODE_NAMES)
    return cast("types.SmtQuoter", row)


def smt_order_row(order: dict[str, Any]) -> types.SmtOrder:
    """一笔约券申请；``apply_status`` 厂商没有给出代码表，原样。"""
    row = pick(order, SMT_ORDER_FIELDS)
    named(row, "apply_mode", SMT_APPLY_MODE_NAMES)
    return cast("types.SmtOrder", row)


def smt_compact_row(compact: dict[str, Any]) -> types.SmtCompact:
    """一张约券合约。"""
    row = pick(compact, SMT_COMPACT_FIELDS)
    named(row, "apply_mode", SMT_APPLY_MODE_NAMES)
    named(row, "compact_status", SMT_COMPACT_STATUS_NAMES)
    named(row, "postpone_status", SMT_POSTPONE_STATUS_NAMES)
    return cast("types.SmtCompact", row)


def smt_response_row(response: Any) -> types.SmtResponse:
    """约券的异步应答 → ``seq success message apply_id``。"""
    return cast("types.SmtResponse", pick(response, SMT_RESPONSE_FIELDS))


# ---- 智能算法

TASK_FIELDS: Final = fields(
    "task_id task_status task_msg start_time end_time cancel_time order_num business_num group_id "
    "algo_id account_id account_type strategy_name order_remark order_id_list"
)
PARAM_FIELDS: Final = fields(
    "key name data_type=dataType value_range=valueRange default_value=defaultValue "
    "enum_name=enumName enum_value=enumValue unit value_range_by_name=valueRangeByName "
    "default_value_by_name=defaultValueByName"
)
SMART_ORDER_FIELDS: Final = fields("seq task_id error_msg account_id strategy_name order_remark")
SMART_TASK_FIELDS: Final = fields("seq success task_id operate_reason error_msg")


def task_row(task: dict[str, Any]) -> types.SmartAlgoTask:
    """一个智能算法任务；``start_time``、``end_time`` 是 Unix 秒。"""
    return cast("types.SmartAlgoTask", pick(task, TASK_FIELDS))


def param_row(param: dict[str, Any]) -> types.SmartAlgoParam:
    """一个算法参数；``key`` 是下单时 ``algo_param`` 里要写的名字。"""
    return cast("types.SmartAlgoParam", pick(param, PARAM_FIELDS))


def smart_order_row(response: Any) -> types.SmartAlgoOrderResponse:
    """智能算法下单的异步应答。"""
    return cast("types.SmartAlgoOrderResponse", pick(response, SMART_ORDER_FIELDS))


def smart_task_row(response: Any) -> types.SmartTaskResponse:
    """智能算法任务操作的异步应答。"""
    return cast("types.SmartTaskResponse", pick(response, SMART_TASK_FIELDS))
