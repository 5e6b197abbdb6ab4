"""信用账号的字典。

老版本的 ``xtquant`` 没有的字段，值是 None（类型里不写）。
"""

from __future__ import annotations

from typing import Literal, TypedDict

from easytrader.codes import AccountStatusName

AmountIn = Literal["volume", "price"]
"""直接还款的金额写在委托的哪一项：数量（整数元）还是价格。"""


class CreditDetail(TypedDict):
    """信用资产，元：`user.credit.detail` 的返回。"""

    status: int
    status_name: AccountStatusName
    update_time: int
    calc_config: int
    balance: float
    available: float
    frozen_cash: float
    fetch_balance: float
    market_value: float
    stock_value: float
    fund_value: float
    position_profit: float
    assure_asset: float
    total_debt: float
    enable_bail_balance: float
    per_assurescale_value: float
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
    account_type: int
    account_type_name: str
    account_id: str


class Compact(TypedDict):
    """一份负债合约：`user.credit.compacts` 的一项。"""

    security: str
    stock_code: str
    exchange_id: int
    exchange_id_name: str
    compact_id: str
    compact_type: int
    compact_type_name: str
    cashgroup_prop: int
    cashgroup_prop_name: str
    open_date: int
    ret_end_date: int
    business_vol: int
    real_compact_vol: int
    business_balance: float
    real_compact_balance: float
    business_fare: float
    real_compact_fare: float
    repaid_fare: float
    repaid_balance: float
    position_str: str
    account_type: int
    account_type_name: str
    account_id: str


class CreditSubject(TypedDict):
    """一只融资融券标的：`user.credit.subjects` 的一项。"""

    security: str
    stock_code: str
    exchange_id: int
    exchange_id_name: str
    fin_status: int
    fin_status_name: str
    fin_ratio: float
    slo_status: int
    slo_status_name: str
    slo_ratio: float
    account_type: int
    account_type_name: str
    account_id: str


class SloCode(TypedDict):
    """一只可融的券、一种头寸：`user.credit.slo_codes` 的一项。"""

    security: str
    stock_code: str
    exchange_id: int
    exchange_id_name: str
    cashgroup_prop: int
    cashgroup_prop_name: str
    enable_amount: int
    account_type: int
    account_type_name: str
    account_id: str


class CreditAssure(TypedDict):
    """一只担保品：`user.credit.assure` 的一项。"""

    security: str
    stock_code: str
    exchange_id: int
    exchange_id_name: str
    assure_status: int
    assure_status_name: str
    assure_ratio: float
    account_type: int
    account_type_name: str
    account_id: str
