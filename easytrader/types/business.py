"""账号、新股、划拨、银证转账、约券、智能算法的字典。

老版本的 ``xtquant`` 没有的字段，值是 None（类型里不写）。
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from easytrader.codes import AccountStatusName, DirectionName


class AccountInfo(TypedDict):
    """一个资金账号：`user.client.account_infos` 的一项。"""

    account_id: str
    account_type: int
    account_type_name: str
    login_status: int
    login_status_name: AccountStatusName
    broker_type: int
    broker_id: str
    broker_name: str
    platform_id: int
    product_id: int
    product_name: str
    product_code: str


class SecuAccount(TypedDict):
    """一个股东账户：`user.client.secu_accounts` 的一项。"""

    market: str
    secu_account: str
    main: bool


class PositionStatistics(TypedDict):
    """一个合约的持仓统计：`user.client.position_statistics` 的一项。"""

    account_id: str
    exchange_id: str
    exchange_name: str
    product_id: str
    instrument_id: str
    instrument_name: str
    direction: int
    direction_name: DirectionName
    hedge_flag: int
    hedge_flag_name: str
    position: int
    yesterday_position: int
    today_position: int
    can_close_vol: int
    position_cost: float
    avg_price: float
    position_profit: float
    float_profit: float
    open_price: float
    used_margin: float
    used_commission: float
    frozen_margin: float
    frozen_commission: float
    instrument_value: float
    open_times: int
    open_volume: int
    cancel_times: int
    last_price: float
    rise_ratio: float
    product_name: str
    royalty: float
    expire_date: str
    assest_weight: float
    increase_by_settlement: float
    margin_ratio: float
    float_profit_divide_by_used_margin: float
    float_profit_divide_by_balance: float
    today_profit_loss: float
    yesterday_init_position: int
    frozen_royalty: float
    today_close_profit_loss: float
    close_profit: float
    ft_product_name: str
    open_cost: float


class IpoIssue(TypedDict):
    """一只新股或新债：`user.ipo.data` 的一项。"""

    security: str
    stock_code: str
    name: str
    type: str
    type_name: str
    min_purchase_num: int
    max_purchase_num: int
    purchase_date: str
    issue_price: float


class IpoResult(TypedDict):
    """一只新股的申购结果：`user.ipo.subscribe_all` 的一项。"""

    stock_code: str
    name: str
    type: str
    type_name: str
    issue_price: float
    volume: int
    status: Literal["placed", "already", "skipped", "refused", "unknown", "not_sent"]
    status_name: Literal["已申购", "早已申购", "跳过", "被拒绝", "结果未知", "没有发出"]
    entrust_no: int | None
    message: str


class Outcome(TypedDict):
    """划拨、转账、导出的结果；没有成功时 ``message`` 是原因。"""

    success: bool
    message: str


class ComFund(TypedDict):
    """普通柜台的资金：`user.transfer.com_fund` 的返回。"""

    current_balance: float
    enable_balance: float
    fetch_balance: float
    interest: float
    asset_balance: float
    fetch_cash: float
    market_value: float
    debt: float


class ComPosition(TypedDict):
    """普通柜台的一只持仓：`user.transfer.com_position` 的一项。"""

    security: str
    stock_code: str
    stock_name: str
    exchange_type: str
    secu_account: str
    total_amount: float
    enable_amount: float
    last_price: float
    cost_price: float
    income: float
    income_rate: float
    market_value: float
    cost_balance: float
    on_the_way_volume: int
    pr_enable_volume: int


class Bank(TypedDict):
    """一个签约的银行：`user.bank.info` 的一项。"""

    bank_no: str
    bank_name: str
    bank_account: str
    money_type: str
    money_type_name: str


class BankAmount(TypedDict):
    """银行卡的余额：`user.bank.amount` 的一项。"""

    account_id: str
    bank_account: str
    money_type: str
    money_type_name: str
    balance: float
    enable_balance: float


class BankStream(TypedDict):
    """一条银行转账流水：`user.bank.transfer_stream` 的一项。"""

    date: str
    time: str
    transfer_no: str
    transfer_direction: str
    transfer_direction_name: str
    bank_no: str
    bank_name: str
    bank_account: str
    money_type: str
    money_type_name: str
    account_id: str
    balance: float
    remark: str
    transfer_status: str


class SmtQuoter(TypedDict):
    """一条券源行情：`user.lending.quoters` 的一项。"""

    code: str
    code_name: str
    exchange_type: str
    src_group_id: str
    apply_mode: str
    apply_mode_name: str
    date: int
    low_date: int
    init_date: int
    end_date: int
    enable_slo_amount_t0: float
    enable_slo_amount_t3: float
    fin_type: str
    stock_type: str
    occupied_rate: float
    fine_rate: float
    preend_rate: float
    used_rate: float
    unused_rate: float


class SmtOrder(TypedDict):
    """一笔约券申请：`user.lending.orders` 的一项。"""

    apply_id: str
    code: str
    code_name: str
    exchange_type: str
    src_group_id: str
    com_group_id: str
    cash_compact_id: str
    apply_mode: str
    apply_mode_name: str
    apply_status: str
    entrust_no: str
    init_date: int
    curr_date: int
    curr_time: int
    date: int
    apply_rate: float
    entrust_amount: float
    entrust_balance: float
    business_amount: float
    business_balance: float
    valid_date: int
    date_clear: int
    fin_type: str
    used_rate: float
    unused_rate: float


class SmtCompact(TypedDict):
    """一张约券合约：`user.lending.compacts` 的一项。"""

    cash_compact_id: str
    ori_cash_compact_id: str
    apply_id: str
    code: str
    code_name: str
    exchange_type: str
    src_group_id: str
    src_group_name: str
    com_group_id: str
    apply_mode: str
    apply_mode_name: str
    compact_type: str
    compact_status: str
    compact_status_name: str
    create_date: int
    date: int
    begin_compact_amount: float
    begin_compact_balance: float
    compact_amount: float
    compact_balance: float
    return_amount: float
    return_balance: float
    real_buy_amount: float
    used_amount: float
    used_balance: float
    occupied_rate: float
    used_rate: float
    unused_rate: float
    fine_rate: float
    preend_rate: float
    compact_interest: float
    compact_fine_interest: float
    repaid_interest: float
    repaid_fine_interest: float
    pre_occupied_interest: float
    total_interest: float
    postpone_times: int
    postpone_status: str
    postpone_status_name: str
    enable_postpone_amount: float
    last_interest_date: int
    interest_end_date: int
    valid_date: int
    date_clear: int
    repaid_date: int
    fin_type: str


class SmartAlgoParam(TypedDict):
    """一个算法参数：`user.algo.params` 的一项。"""

    key: str
    name: str
    data_type: str
    value_range: Any
    default_value: Any
    enum_name: Any
    enum_value: Any
    unit: str
    value_range_by_name: Any
    default_value_by_name: Any


class SmartAlgoTask(TypedDict):
    """一个智能算法任务：`user.algo.tasks` 的一项。"""

    task_id: int
    task_status: str
    task_msg: str
    start_time: int
    end_time: int
    cancel_time: int
    order_num: int
    business_num: str
    group_id: str
    algo_id: str
    account_id: str
    account_type: int
    strategy_name: str
    order_remark: str
    order_id_list: list[Any]
