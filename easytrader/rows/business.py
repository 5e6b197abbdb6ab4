"""买卖之外的：异步应答、账号、新股、划拨与银行、约券、智能算法、信用账号的查询。

一种字典一行声明：从厂商的记录（对象或字典）里按名单取字段，给代码添上中文名。名单里一个字段写成
``键`` 或 ``键=厂商的字段``；老版本没有的字段为 None，解不出的文字为空串。
厂商的字段一个不漏，信用的对照在文档页「信用查询的字段」。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from easytrader import codes
from easytrader.basics import tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from easytrader import types

_Row = TypeVar("_Row")


class Build(Generic[_Row]):
    """厂商的一条记录 → 一种字典。

    Args:
        listed: 名单，见模块说明。
        names: 键 → 它的代码表：紧跟着添上 ``…_name``，没见过的代码是「未知」，没有值为空串。
    """

    def __init__(self, listed: str, **names: Mapping[Any, str]) -> None:
        words = [word.partition("=") for word in listed.split()]
        self.fields = tuple((key, source or key) for key, _, source in words)
        """（键, 厂商的字段）。"""
        self._names = names

    def __call__(self, record: Any) -> _Row:
        """一条记录。"""
        return cast("_Row", self._named(self._pick(record)))

    def _pick(self, record: Any) -> dict[str, Any]:
        if isinstance(record, dict):
            return {key: record.get(source) for key, source in self.fields}
        return {key: _read(record, source) for key, source in self.fields}

    def _named(self, picked: dict[str, Any]) -> dict[str, Any]:
        row = {}
        for key, value in picked.items():
            row[key] = value
            names = self._names.get(key)
            if names is not None:
                row[f"{key}_name"] = (
                    "" if value in (None, "") else names.get(value, codes.UNKNOWN_NAME)
                )
        return row


def _read(record: Any, name: str, default: Any = None) -> Any:
    try:
        return getattr(record, name, default)
    except UnicodeDecodeError:
        return ""


def failure(record: Any) -> str:
    """带 ``success`` 的记录说的失败原因；成功、没有这一项都为空。"""
    if isinstance(record, dict):
        success, message = record.get("success", True), record.get("error")
    else:
        success = _read(record, "success", True)
        message = _read(record, "error_msg", "")
    return "" if success else str(message or "没有说明原因")


# ---- 异步下单、撤单的应答

_ordered: Final[Build[types.OrderResponse]] = Build(
    "seq order_id error_msg strategy_name order_remark account_id"
)
_cancelled: Final[Build[types.CancelResponse]] = Build(
    "seq order_id order_sysid cancel_result error_msg account_id"
)


def order_response_row(response: Any) -> types.OrderResponse:
    """异步下单的应答 → ``seq order_id error_msg strategy_name order_remark account_id``。"""
    row = _ordered(response)
    row["order_remark"] = tags.split(row["order_remark"] or "")[1]
    row["error_msg"] = row["error_msg"] or ""
    return row


def cancel_response_row(response: Any) -> types.CancelResponse:
    """异步撤单的应答 → ``seq order_id order_sysid cancel_result error_msg account_id``。"""
    row = _cancelled(response)
    row["error_msg"] = row["error_msg"] or ""  # 老版本的应答没有这一项
    return row


# ---- 账号、股东账户、持仓统计、新股

account_info_row: Final[Build[types.AccountInfo]] = Build(
    "account_id account_type login_status broker_type broker_id broker_name platform_id "
    "product_id product_name product_code",
    account_type=codes.ACCOUNT_TYPE_NAMES,
    login_status=codes.ACCOUNT_STATUS_NAMES,
)
"""一个资金账号。"""

secu_account_row: Final[Build[types.SecuAccount]] = Build("market secu_account main")
"""一个股东账户。"""

position_statistics_row: Final[Build[types.PositionStatistics]] = Build(
    "account_id exchange_id exchange_name product_id instrument_id instrument_name direction "
    "hedge_flag position yesterday_position today_position can_close_vol position_cost "
    "avg_price position_profit float_profit open_price used_margin used_commission "
    "frozen_margin frozen_commission instrument_value open_times open_volume cancel_times "
    "last_price rise_ratio product_name royalty expire_date assest_weight "
    "increase_by_settlement margin_ratio float_profit_divide_by_used_margin "
    "float_profit_divide_by_balance today_profit_loss yesterday_init_position frozen_royalty "
    "today_close_profit_loss close_profit ft_product_name open_cost",
    direction=codes.DIRECTION_NAMES,
    hedge_flag=codes.HEDGE_FLAG_NAMES,
)
"""一个合约的持仓统计。"""

_issue: Final[Build[dict[str, Any]]] = Build(
    "name type min_purchase_num=minPurchaseNum max_purchase_num=maxPurchaseNum "
    "purchase_date=purchaseDate issue_price=issuePrice",
    type=codes.IPO_TYPE_NAMES,
)


def ipo_row(stock_code: str, issue: dict[str, Any]) -> types.IpoIssue:
    """一只新股或新债；``stock_code`` 是申购代码。"""
    code = stock_code.partition(".")[0]
    return cast("types.IpoIssue", {"security": code, "stock_code": stock_code, **_issue(issue)})


# ---- 划拨与银证转账

com_fund_row: Final[Build[types.ComFund]] = Build(
    "current_balance=currentBalance enable_balance=enableBalance fetch_balance=fetchBalance "
    "interest asset_balance=assetBalance fetch_cash=fetchCash market_value=marketValue debt"
)
"""普通柜台的资金，元。"""

_com_position: Final[Build[dict[str, Any]]] = Build(
    "stock_code=stockCode stock_name=stockName exchange_type=exchangeType "
    "secu_account=stockAccount total_amount=totalAmt enable_amount=enableAmount "
    "last_price=lastPrice cost_price=costPrice income income_rate=incomeRate "
    "market_value=marketValue cost_balance=costBalance on_the_way_volume=bsOnTheWayVol "
    "pr_enable_volume=prEnableVol"
)


def com_position_row(position: dict[str, Any]) -> types.ComPosition:
    """普通柜台的一只持仓。"""
    row = _com_position(position)
    code = str(position.get("stockCode1") or row["stock_code"] or "")
    row = {"security": code.partition(".")[0], **row, "stock_code": code}
    return cast("types.ComPosition", row)


bank_row: Final[Build[types.Bank]] = Build(
    "bank_no bank_name bank_account money_type", money_type=codes.MONEY_TYPE_NAMES
)
"""一个签约的银行。"""

bank_amount_row: Final[Build[types.BankAmount]] = Build(
    "account_id bank_account money_type balance enable_balance", money_type=codes.MONEY_TYPE_NAMES
)
"""银行卡的余额，元。"""

bank_stream_row: Final[Build[types.BankStream]] = Build(
    "date time transfer_no transfer_direction bank_no bank_name bank_account money_type "
    "account_id balance remark transfer_status",
    transfer_direction=codes.BANK_TRANSFER_DIRECTION_NAMES,
    money_type=codes.MONEY_TYPE_NAMES,
)
"""一条银行转账流水。"""

transfer_response_row: Final[Build[types.TransferResponse]] = Build("seq success message=msg")
"""银证转账、期权期货内转的异步应答 → ``seq success message``。"""

# ---- 约券

smt_quoter_row: Final[Build[types.SmtQuoter]] = Build(
    "code code_name=codeName exchange_type=exchangeType src_group_id=srcGroupId "
    "apply_mode=applyMode date low_date=lowDate init_date=initDate end_date=endDate "
    "enable_slo_amount_t0=enableSloAmountT0 enable_slo_amount_t3=enableSloAmountT3 "
    "fin_type=finType stock_type=stockType occupied_rate=fsmpOccupedRate fine_rate=fineRate "
    "preend_rate=fsmpreendRate used_rate=usedRate unused_rate=unUusedRate",
    apply_mode=codes.SMT_APPLY_MODE_NAMES,
)
"""一条券源行情；利率是年利率，数量是股。"""

smt_order_row: Final[Build[types.SmtOrder]] = Build(
    "apply_id=applyId code code_name=codeName exchange_type=exchangeType "
    "src_group_id=srcGroupId com_group_id=comGroupId cash_compact_id=cashcompactId "
    "apply_mode=applyMode apply_status=applyStatus entrust_no=entrustNo init_date=initDate "
    "curr_date=currDate curr_time=currTime date apply_rate=applyRate "
    "entrust_amount=entrustAmount entrust_balance=entrustBalance "
    "business_amount=businessAmount business_balance=businessBalance valid_date=validDate "
    "date_clear=dateClear fin_type=finType used_rate=usedRate unused_rate=unUusedRate",
    apply_mode=codes.SMT_APPLY_MODE_NAMES,
)
"""一笔约券申请；``apply_status`` 厂商没有给出代码表，原样。"""

smt_compact_row: Final[Build[types.SmtCompact]] = Build(
    "cash_compact_id=cashcompactId ori_cash_compact_id=oriCashcompactId apply_id=applyId "
    "code code_name=codeName exchange_type=exchangeType src_group_id=srcGroupId "
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
    "repaid_date=repaidDate fin_type=finType",
    apply_mode=codes.SMT_APPLY_MODE_NAMES,
    compact_status=codes.SMT_COMPACT_STATUS_NAMES,
    postpone_status=codes.SMT_POSTPONE_STATUS_NAMES,
)
"""一张约券合约。"""

smt_response_row: Final[Build[types.SmtResponse]] = Build("seq success message=msg apply_id")
"""约券的异步应答 → ``seq success message apply_id``。"""

# ---- 智能算法

task_row: Final[Build[types.SmartAlgoTask]] = Build(
    "task_id task_status task_msg start_time end_time cancel_time order_num business_num "
    "group_id algo_id account_id account_type strategy_name order_remark order_id_list"
)
"""一个智能算法任务；``start_time``、``end_time`` 是 Unix 秒。"""

param_row: Final[Build[types.SmartAlgoParam]] = Build(
    "key name data_type=dataType value_range=valueRange default_value=defaultValue "
    "enum_name=enumName enum_value=enumValue unit value_range_by_name=valueRangeByName "
    "default_value_by_name=defaultValueByName"
)
"""一个算法参数；``key`` 是下单时 ``algo_param`` 里要写的名字。"""

smart_order_row: Final[Build[types.SmartAlgoOrderResponse]] = Build(
    "seq task_id error_msg account_id strategy_name order_remark"
)
"""智能算法下单的异步应答。"""

smart_task_row: Final[Build[types.SmartTaskResponse]] = Build(
    "seq success task_id operate_reason error_msg"
)
"""智能算法任务操作的异步应答。"""

# ---- 信用账号


class _Listed(Build[_Row]):
    """厂商的代码没有后缀，市场另在 ``exchange_id``：拼成 ``600036.SH``，紧跟在代码后面。"""

    def __init__(self, listed: str, **names: Mapping[Any, str]) -> None:
        listed = f"security=instrument_id exchange_id {listed} account_type account_id"
        names |= {"exchange_id": codes.MARKET_NAMES, "account_type": codes.ACCOUNT_TYPE_NAMES}
        super().__init__(listed, **names)

    def _pick(self, record: Any) -> dict[str, Any]:
        picked = super()._pick(record)
        code, market = picked.pop("security"), picked["exchange_id"]
        known = market in codes.MARKET_NAMES
        full = f"{code}.{codes.Market(market).name}" if known else code
        return {"security": code, "stock_code": full, **picked}


credit_detail_row: Final[Build[types.CreditDetail]] = Build(
    "status=m_nStatus update_time=m_nUpdateTime calc_config=m_nCalcConfig balance=m_dBalance "
    "available=m_dAvailable frozen_cash=m_dFrozenCash fetch_balance=m_dFetchBalance "
    "market_value=m_dMarketValue stock_value=m_dStockValue fund_value=m_dFundValue "
    "position_profit=m_dPositionProfit assure_asset=m_dAssureAsset total_debt=m_dTotalDebt "
    "enable_bail_balance=m_dEnableBailBalance per_assurescale_value=m_dPerAssurescaleValue "
    "fin_debt=m_dFinDebt fin_deal_avl=m_dFinDealAvl fin_fee=m_dFinFee slo_debt=m_dSloDebt "
    "slo_market_value=m_dSloMarketValue slo_fee=m_dSloFee other_fare=m_dOtherFare "
    "fin_max_quota=m_dFinMaxQuota fin_enable_quota=m_dFinEnableQuota "
    "fin_used_quota=m_dFinUsedQuota slo_max_quota=m_dSloMaxQuota "
    "slo_enable_quota=m_dSloEnableQuota slo_used_quota=m_dSloUsedQuota "
    "slo_sell_balance=m_dSloSellBalance used_slo_sell_balance=m_dUsedSloSellBalance "
    "surplus_slo_sell_balance=m_dSurplusSloSellBalance account_type account_id",
    status=codes.ACCOUNT_STATUS_NAMES,
    account_type=codes.ACCOUNT_TYPE_NAMES,
)
"""信用资产，元。"""

compact_row: Final[_Listed[types.Compact]] = _Listed(
    "compact_id compact_type cashgroup_prop open_date "
    "ret_end_date business_vol real_compact_vol business_balance real_compact_balance "
    "business_fare=businessFare real_compact_fare repaid_fare repaid_balance position_str",
    compact_type=codes.COMPACT_TYPE_NAMES,
    cashgroup_prop=codes.CASHGROUP_PROP_NAMES,
)
"""一份负债合约。"""

credit_subject_row: Final[_Listed[types.CreditSubject]] = _Listed(
    "fin_status fin_ratio slo_status slo_ratio",
    fin_status=codes.SUBJECT_STATUS_NAMES,
    slo_status=codes.SUBJECT_STATUS_NAMES,
)
"""一只融资融券标的。"""

slo_code_row: Final[_Listed[types.SloCode]] = _Listed(
    "cashgroup_prop enable_amount", cashgroup_prop=codes.CASHGROUP_PROP_NAMES
)
"""一只可融的券、一种头寸。"""

credit_assure_row: Final[_Listed[types.CreditAssure]] = _Listed(
    "assure_status assure_ratio", assure_status=codes.SUBJECT_STATUS_NAMES
)
"""一只担保品。"""
