"""厂商的行：字段与次序同厂商的结构，价格与金额是 float 元，时间是 Unix 秒。"""

from __future__ import annotations

from typing import NamedTuple


class OrderAnswer(NamedTuple):
    """submit 的应答。``order_id`` > 0 只表示客户端给了编号；-1 是客户端当场拒绝。"""

    account_type: int
    account_id: str
    order_id: int
    strategy_name: str
    order_remark: str
    error_id: int
    error_msg: str


class CancelAnswer(NamedTuple):
    """cancel 的应答。``cancel_result``：0 已发出，-1 失败。"""

    account_type: int
    account_id: str
    cancel_result: int
    order_id: int
    order_sysid: str
    error_id: int
    error_msg: str


class AssetRow(NamedTuple):
    """XtAsset。"""

    account_type: int
    account_id: str
    cash: float
    frozen_cash: float
    market_value: float
    total_asset: float
    fetch_balance: float
    current_balance: float


class OrderRow(NamedTuple):
    """XtOrder。"""

    account_type: int
    account_id: str
    stock_code: str
    order_id: int
    order_time: int
    order_type: int
    order_volume: int
    price_type: int
    price: float
    traded_volume: int
    traded_price: float
    order_status: int
    order_sysid: str
    status_msg: str
    strategy_name: str
    order_remark: str
    direction: int
    offset_flag: int
    secu_account: str
    instrument_name: str


class TradeRow(NamedTuple):
    """XtTrade。"""

    account_type: int
    account_id: str
    stock_code: str
    traded_id: str
    traded_time: int
    traded_price: float
    traded_volume: int
    traded_amount: float
    order_id: int
    order_type: int
    order_sysid: str
    strategy_name: str
    order_remark: str
    direction: int
    offset_flag: int
    commission: float
    secu_account: str
    instrument_name: str


class PositionRow(NamedTuple):
    """XtPosition。"""

    account_type: int
    account_id: str
    stock_code: str
    volume: int
    can_use_volume: int
    open_price: float
    market_value: float
    frozen_volume: int
    on_road_volume: int
    yesterday_volume: int
    avg_price: float
    direction: int
    float_profit: float
    last_price: float
    profit_rate: float
    secu_account: str
    instrument_name: str
    open_date: str
    position_profit: float


class OrderErrorRow(NamedTuple):
    """XtOrderError。``seq`` 是下单请求的序号，由送达一侧填。"""

    account_type: int
    account_id: str
    order_id: int
    error_id: int
    error_msg: str
    strategy_name: str
    order_remark: str
    seq: int = 0


class CancelErrorRow(NamedTuple):
    """XtCancelError。"""

    account_type: int
    account_id: str
    order_id: int
    error_id: int
    market: int
    order_sysid: str
    error_msg: str


class AccountInfoRow(NamedTuple):
    """XtAccountInfo。"""

    account_type: int
    account_id: str
    broker_type: int
    platform_id: int
    broker_id: str
    product_name: str
    product_id: int
    broker_name: str
    product_code: str
    login_status: int


class AccountStatusRow(NamedTuple):
    """XtAccountStatus。"""

    account_type: int
    account_id: str
    status: int


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


class NewPurchaseLimitRow(NamedTuple):
    """NewPurchaseLimitInfo：``KCB``、``SH``、``SZ`` 与能申购的股数。"""

    new_purchase_limit_key: str
    new_purchase_limit_value: int


class IPODataRow(NamedTuple):
    """IPOData。``ipo_type``：``STOCK`` 或 ``BOND``；``purchase_date``：``YYYYMMDD``。"""

    ipo_code: str
    ipo_name: str
    ipo_type: str
    max_purchase_num: int
    min_purchase_num: int
    purchase_date: str
    issue_price: float


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


class SmtAnswerRow(NamedTuple):
    """SmtAppointmentResp。"""

    success: bool
    msg: str
    apply_id: str


class SmtQuoterRow(NamedTuple):
    """SmtQuoter。"""

    success: bool
    msg: str
    fin_type: str
    stock_type: str
    date: int
    code: str
    code_name: str
    exchange_type: str
    fsmp_occuped_rate: float
    fine_rate: float
    fsmpreend_rate: float
    used_rate: float
    un_uused_rate: float
    init_date: int
    end_date: int
    enable_slo_amount_t0: float
    enable_slo_amount_t3: float
    src_group_id: str
    apply_mode: str
    low_date: int


class SmtOrderRow(NamedTuple):
    """SmtOrder。"""

    success: bool
    msg: str
    init_date: int
    curr_date: int
    curr_time: int
    apply_id: str
    src_group_id: str
    cashcompact_id: str
    apply_mode: str
    fin_type: str
    exchange_type: str
    code: str
    code_name: str
    date: int
    apply_rate: float
    entrust_balance: float
    entrust_amount: float
    business_balance: float
    business_amount: float
    valid_date: int
    date_clear: int
    entrust_no: str
    apply_status: str
    used_rate: float
    un_uused_rate: float
    com_group_id: str


class SmtCompactRow(NamedTuple):
    """SmtCompact。"""

    success: bool = True
    msg: str = ""
    create_date: int = 0
    cashcompact_id: str = ""
    ori_cashcompact_id: str = ""
    apply_id: str = ""
    src_group_id: str = ""
    com_group_id: str = ""
    fin_type: str = ""
    exchange_type: str = ""
    code: str = ""
    code_name: str = ""
    date: int = 0
    begin_compac_amount: float = 0.0
    begin_compac_balance: float = 0.0
    compac_amount: float = 0.0
    compac_balance: float = 0.0
    return_amount: float = 0.0
    return_balance: float = 0.0
    real_buy_amount: float = 0.0
    fsmp_occuped_rate: float = 0.0
    compact_interest: float = 0.0
    compact_fine_interest: float = 0.0
    repaid_interest: float = 0.0
    repaid_fine_interest: float = 0.0
    fine_rate: float = 0.0
    preend_rate: float = 0.0
    compact_type: str = ""
    postpone_times: int = 0
    compact_status: str = ""
    last_interest_date: int = 0
    interest_end_date: int = 0
    valid_date: int = 0
    date_clear: int = 0
    used_amount: float = 0.0
    used_balance: float = 0.0
    used_rate: float = 0.0
    un_uused_rate: float = 0.0
    src_group_name: str = ""
    repaid_date: int = 0
    pre_occuped_interest: float = 0.0
    compact_interestx: float = 0.0
    en_postpone_amount: float = 0.0
    postpone_status: str = ""
    apply_mode: str = ""
