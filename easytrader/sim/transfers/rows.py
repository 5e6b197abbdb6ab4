"""划拨与转账的行，字段与次序同厂商的结构。"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "BankAmountRow",
    "BankRow",
    "BankStreamRow",
    "BankTransferRow",
    "ComFundRow",
    "ComPositionRow",
    "PositionStatisticsRow",
    "SecuAccountRow",
    "TransferRow",
]


class TransferRow(NamedTuple):
    """TransferResp。"""

    account_id: str
    success: bool
    msg: str


class BankTransferRow(NamedTuple):
    """BankTransferResp。"""

    account_id: str
    success: bool
    error_msg: str


class BankRow(NamedTuple):
    """BankInfo。"""

    success: bool
    error_msg: str
    money_type: str
    bank_no: str
    bank_account: str
    bank_name: str


class BankAmountRow(NamedTuple):
    """BankAmount。"""

    success: bool
    error_msg: str
    account_id: str
    bank_account: str
    money_type: str
    balance: float
    enable_balance: float


class BankStreamRow(NamedTuple):
    """BankTransferStream。"""

    success: bool
    error_msg: str
    date: str
    time: str
    transfer_no: str
    transfer_direction: str
    bank_no: str
    bank_name: str
    bank_account: str
    money_type: str
    account_id: str
    balance: float
    remark: str
    transfer_status: str


class ComFundRow(NamedTuple):
    """ComFund。"""

    success: bool
    msg: str
    money_type: str
    current_balance: float
    enable_balance: float
    fetch_balance: float
    interest: float
    asset_balance: float
    fetch_cash: float
    market_value: float
    debt: float


class ComPositionRow(NamedTuple):
    """ComPosition；``account_id`` 是股东账号。"""

    success: bool
    msg: str
    account_id: str
    hand_flag: str
    exchange_type: str
    stock_code: str
    stock_name: str
    total_amt: float
    enable_amount: float
    last_price: float
    cost_price: float
    income: float
    income_rate: float
    market_value: float
    cost_balance: float
    bs_on_the_way_vol: int
    pr_enable_vol: int
    is_utf_interface: bool
    stock_code1: str


class SecuAccountRow(NamedTuple):
    """SecuAccount。"""

    main: bool
    market: str
    secu_account: str


class PositionStatisticsRow(NamedTuple):
    """PositionStatistics；股票没有的（保证金、权利金等）是零值。"""

    account_id: str = ""
    exchange_id: str = ""
    exchange_name: str = ""
    product_id: str = ""
    instrument_id: str = ""
    instrument_name: str = ""
    direction: int = 0
    hedge_flag: int = 0
    position: int = 0
    yesterday_position: int = 0
    today_position: int = 0
    can_close_vol: int = 0
    position_cost: float = 0.0
    avg_price: float = 0.0
    position_profit: float = 0.0
    float_profit: float = 0.0
    open_price: float = 0.0
    used_margin: float = 0.0
    used_commission: float = 0.0
    frozen_margin: float = 0.0
    frozen_commission: float = 0.0
    instrument_value: float = 0.0
    open_times: int = 0
    open_volume: int = 0
    cancel_times: int = 0
    last_price: float = 0.0
    rise_ratio: float = 0.0
    product_name: str = ""
    royalty: float = 0.0
    expire_date: str = ""
    assest_weight: float = 0.0
    increase_by_settlement: float = 0.0
    margin_ratio: float = 0.0
    float_profit_divide_by_used_margin: float = 0.0
    float_profit_divide_by_balance: float = 0.0
    today_profit_loss: float = 0.0
    yesterday_init_position: int = 0
    frozen_royalty: float = 0.0
    today_close_profit_loss: float = 0.0
    close_profit: float = 0.0
    ft_product_name: str = ""
    open_cost: float = 0.0
