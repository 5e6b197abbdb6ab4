"""信用账号的五项查询：厂商的记录 → 用户看到的字典。

厂商的字段一个不漏，对照在文档页「信用查询的字段」。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.codes import (
    ACCOUNT_STATUS_NAMES,
    ACCOUNT_TYPE_NAMES,
    CASHGROUP_PROP_NAMES,
    COMPACT_TYPE_NAMES,
    MARKET_NAMES,
    SUBJECT_STATUS_NAMES,
    Market,
)
from easytrader.rows.picking import fields, named, pick

if TYPE_CHECKING:
    from easytrader import types

_ACCOUNT: Final = " account_type account_id"

DETAIL_FIELDS: Final = fields(
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
    "surplus_slo_sell_balance=m_dSurplusSloSellBalance" + _ACCOUNT
)
COMPACT_FIELDS: Final = fields(
    "security=instrument_id exchange_id compact_id compact_type cashgroup_prop open_date "
    "ret_end_date business_vol real_compact_vol business_balance real_compact_balance "
    "business_fare=businessFare real_compact_fare repaid_fare repaid_balance position_str"
    + _ACCOUNT
)
SUBJECT_FIELDS: Final = fields(
    "security=instrument_id exchange_id fin_status fin_ratio slo_status slo_ratio" + _ACCOUNT
)
SLO_CODE_FIELDS: Final = fields(
    "security=instrument_id exchange_id cashgroup_prop enable_amount" + _ACCOUNT
)
ASSURE_FIELDS: Final = fields(
    "security=instrument_id exchange_id assure_status assure_ratio" + _ACCOUNT
)


def credit_detail_row(detail: Any) -> types.CreditDetail:
    """信用资产，元。"""
    row = pick(detail, DETAIL_FIELDS)
    named(row, "status", ACCOUNT_STATUS_NAMES)
    named(row, "account_type", ACCOUNT_TYPE_NAMES)
    return cast("types.CreditDetail", row)


def compact_row(compact: Any) -> types.Compact:
    """一份负债合约。"""
    row = _listed(compact, COMPACT_FIELDS)
    named(row, "compact_type", COMPACT_TYPE_NAMES)
    named(row, "cashgroup_prop", CASHGROUP_PROP_NAMES)
    return cast("types.Compact", row)


def credit_subject_row(subject: Any) -> types.CreditSubject:
    """一只融资融券标的。"""
    row = _listed(subject, SUBJECT_FIELDS)
    named(row, "fin_status", SUBJECT_STATUS_NAMES)
    named(row, "slo_status", SUBJECT_STATUS_NAMES)
    return cast("types.CreditSubject", row)


def slo_code_row(slo_code: Any) -> types.SloCode:
    """一只可融的券、一种头寸。"""
    row = _listed(slo_code, SLO_CODE_FIELDS)
    named(row, "cashgroup_prop", CASHGROUP_PROP_NAMES)
    return cast("types.SloCode", row)


def credit_assure_row(assure: Any) -> types.CreditAssure:
    """一只担保品。"""
    row = _listed(assure, ASSURE_FIELDS)
    named(row, "assure_status", SUBJECT_STATUS_NAMES)
    return cast("types.CreditAssure", row)


def _listed(record: Any, wanted: Any) -> dict[str, Any]:
    """厂商的代码没有后缀，市场另在 ``exchange_id``：拼成 ``600036.SH``，紧跟在代码后面。"""
    picked = pick(record, wanted)
    code, market = picked.pop("security"), picked["exchange_id"]
    known = market in MARKET_NAMES
    full = f"{code}.{Market(market).name}" if known else code
    row = {"security": code, "stock_code": full, **picked}
    named(row, "exchange_id", MARKET_NAMES)
    named(row, "account_type", ACCOUNT_TYPE_NAMES)
    return row
