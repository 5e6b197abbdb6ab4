"""信用查询的行：字段与次序同厂商的结构。"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "CreditAssureRow",
    "CreditDetailRow",
    "CreditSloCodeRow",
    "CreditSubjectRow",
    "StkCompactRow",
]


class CreditDetailRow(NamedTuple):
    """XtCreditDetail。"""

    account_type: int
    account_id: str
    status: int
    update_time: int
    calc_config: int
    frozen_cash: float
    balance: float
    available: float
    position_profit: float
    market_value: float
    fetch_balance: float
    stock_value: float
    fund_value: float
    total_debt: float
    enable_bail_balance: float
    per_assurescale_value: float
    assure_asset: float
    fin_debt: float
    fin_deal_avl: float
    fin_fee: float
    slo_debt: float
    slo_market_value: float
    slo_fee: float
    other_fare: float
    fin_max_quota: float
    fin_enable_quota: float
    fin_used_quota: float
    slo_max_quota: float
    slo_enable_quota: float
    slo_used_quota: float
    slo_sell_balance: float
    used_slo_sell_balance: float
    surplus_slo_sell_balance: float


class StkCompactRow(NamedTuple):
    """StkCompacts。"""

    account_type: int
    account_id: str
    compact_type: int
    cashgroup_prop: int
    exchange_id: int
    open_date: int
    business_vol: int
    real_compact_vol: int
    ret_end_date: int
    business_balance: float
    business_fare: float
    real_compact_balance: float
    real_compact_fare: float
    repaid_fare: float
    repaid_balance: float
    instrument_id: str
    compact_id: str
    position_str: str


class CreditSubjectRow(NamedTuple):
    """CreditSubjects。"""

    account_type: int
    account_id: str
    slo_status: int
    fin_status: int
    exchange_id: int
    slo_ratio: float
    fin_ratio: float
    instrument_id: str


class CreditSloCodeRow(NamedTuple):
    """CreditSloCode。"""

    account_type: int
    account_id: str
    exchange_id: int
    cashgroup_prop: int
    enable_amount: int
    instrument_id: str


class CreditAssureRow(NamedTuple):
    """CreditAssure。"""

    account_type: int
    account_id: str
    exchange_id: int
    assure_status: int
    assure_ratio: float
    instrument_id: str
