"""交易口返回的每一种字典的类型：``from easytrader.types import Entrust``。

都是 `TypedDict`：运行时就是普通的 ``dict``，写错了键、拿错了类型由 mypy、编辑器指出来。
各个键的含义见文档页「字典的键与代码」。测试拿模拟 MiniQMT 上真的产生的字典逐键核对。

老版本的 ``xtquant`` 没有的字段，值是 None（类型里不写）。
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal, TypedDict

from easytrader.codes import (
    AccountStatusName,
    AccountTypeName,
    DirectionName,
    FundsTransferName,
    MarketTypeName,
    OffsetFlagName,
    OrderStatusName,
    OrderTypeName,
    PriceTypeName,
    SecuTransferName,
    SideName,
    TransferTypeName,
)

__all__ = [
    "AccountInfo", "AccountStatus", "AccountStatusEvent", "AccountStatusName", "AccountTypeName",
    "AmountIn", "Asset", "AssetEvent", "Bank", "BankAmount", "BankStream",
    "BankTransferResponseEvent", "BulkCancel", "CancelError", "CancelErrorEvent",
    "CancelResponse", "CancelResponseEvent", "CancelResult", "CheckName", "CheckResult",
    "CheckVerdict", "ComFund", "ComPosition", "Compact", "ConnectOptions", "ConnectedEvent",
    "CreditAssure", "CreditDetail", "CreditSubject", "CtpTransferResponseEvent", "DirectionName",
    "DisconnectedEvent", "Entrust", "EntrustResult", "Event", "EventName", "FundsTransferName",
    "Gap", "GapEvent", "GiveUp", "GiveUpEvent", "GuardStatus", "History", "IpoIssue", "IpoResult",
    "Legacy", "MarketTypeName", "Nothing", "OffsetFlagName", "OrderError", "OrderErrorEvent",
    "OrderEvent", "OrderResponse", "OrderResponseEvent", "OrderStatusName", "OrderTypeName",
    "Outcome", "PastAsset", "PastEntrust", "PastTrade", "Position", "PositionEvent",
    "PositionStatistics", "PriceTypeName", "Quote", "SecuAccount", "SecuTransferName", "SideName",
    "SloCode", "SmartAlgoOrderResponse", "SmartAlgoOrderResponseEvent", "SmartAlgoParam",
    "SmartAlgoTask", "SmartTaskResponse", "SmartTaskResponseEvent", "SmtCompact", "SmtOrder",
    "SmtQuoter", "SmtResponse", "SmtResponseEvent", "StateName", "Status", "Trade", "TradeEvent",
    "TransferResponse", "TransferTypeName",
]  # fmt: skip


class Legacy(TypedDict, total=False):
    """旧版的下单参数：只收不改变意思的值（限价的 ``entrust_prop="limit"`` 等）。"""

    entrust_prop: Any
    volume: Literal[0] | None
    limit_price: None


class ConnectOptions(TypedDict, total=False):
    """`MiniqmtTrader.connect` 只能写名字的参数。"""

    account_type: AccountTypeName
    session_id: int | None
    timeout: float
    wait: bool | float
    heartbeat_interval: float
    xtquant: ModuleType | str | None
    on_health: Callable[[Status], None] | None
    on_give_up: Callable[[Exception], None] | None


# ---- 查询


class _Coded(TypedDict):
    security: str
    stock_code: str


class _Listed(_Coded):
    exchange_id: int
    exchange_id_name: str


class _InCurrency(TypedDict, total=False):
    currency: str  # 计价的货币，如 HKD、USDT；人民币的没有这个键


class Asset(_InCurrency):
    """资金：`user.balance` 的一项。"""

    total_asset: float
    market_value: float
    cash: float
    frozen_cash: float
    account_type: int
    account_id: str


class Position(_InCurrency, _Coded):
    """持仓：`user.position` 的一项；后端不知道的名称为空、盈亏为 None。"""

    volume: int
    can_use_volume: int
    open_price: float
    market_value: float
    frozen_volume: int
    on_road_volume: int
    yesterday_volume: int
    avg_price: float
    direction: int
    account_type: int
    account_id: str
    security_name: str
    profit: float | None
    profit_ratio: float | None


class Entrust(_InCurrency, _Coded):
    """委托：`user.today_entrusts` 的一项，`find_entrust`、`wait` 的返回。"""

    order_id: int
    order_sysid: str
    order_time: int
    order_type: int
    order_type_name: OrderTypeName
    order_volume: int
    price_type: int
    price_type_name: PriceTypeName
    price: float
    traded_volume: int
    traded_price: float
    order_status: int
    order_status_name: OrderStatusName
    status_msg: str
    offset_flag: int
    offset_flag_name: OffsetFlagName
    strategy_name: str
    order_remark: str
    direction: int
    direction_name: DirectionName
    account_type: int
    account_id: str


class Trade(_InCurrency, _Coded):
    """成交：`user.today_trades` 的一项。"""

    traded_id: str
    traded_time: int
    traded_price: float
    traded_volume: int
    traded_amount: float
    order_id: int
    order_type: int
    order_type_name: OrderTypeName
    offset_flag: int
    offset_flag_name: OffsetFlagName
    account_id: str
    account_type: int
    order_sysid: str
    strategy_name: str
    order_remark: str


class PastEntrust(Entrust):
    """往日的委托：`user.history` 的 ``orders`` 的一项；``source`` 是谁说的。"""

    day: str
    source: Literal["记录", "柜台"]


class PastTrade(Trade):
    """往日的成交：`user.history` 的 ``trades`` 的一项。"""

    day: str
    source: Literal["记录", "柜台"]


class PastAsset(Asset):
    """往日的资金：`user.history` 的 ``assets`` 的一项；``time`` 是哪一刻的样子，Unix 秒。"""

    day: str
    time: float
    source: Literal["记录", "柜台"]


class History(TypedDict):
    """往日的委托、成交、资金：`user.history` 的返回；``notes`` 是缺了什么、为什么。"""

    orders: list[PastEntrust]
    trades: list[PastTrade]
    assets: list[PastAsset]
    notes: list[str]


class Quote(_Coded):
    """行情：`user.quote` 的一项；没有的价格为 None。"""

    last: float | None
    open: float | None
    high: float | None
    low: float | None
    pre_close: float | None
    limit_up: float | None
    limit_down: float | None
    volume: int
    amount: float
    time: int
    bids: list[tuple[float, int]]
    asks: list[tuple[float, int]]


# ---- 下单、撤单


class _Numbered(TypedDict):
    entrust_no: int


class EntrustResult(_Numbered, total=False):
    """下单的结果。``entrust_no`` 为 -1 是当场被拒绝，``message`` 是原因；收下了的通常没有它。"""

    message: str


class CancelResult(TypedDict):
    """撤单的结果：``user.cancel_entrust`` 的返回。"""

    success: bool
    message: str


class BulkCancel(_Numbered, CancelResult):
    """`user.cancel_all` 的一项。"""


# ---- 状态、体检

StateName = Literal["未连接", "连接中", "已连接", "已断开", "已关闭"]
"""`user.state`。"""


class GuardStatus(TypedDict):
    """风控此刻的样子：``user.status["guard"]``。计数读不出来时为 None，原因在 ``meter_error``。"""

    limits: dict[str, Any]
    kill_switch: bool
    orders_this_minute: int
    sent_this_second: int | None
    sent_today: int | None
    day: str | None
    second_used: float | None
    day_used: float | None
    meter_file: str
    meter_error: str
    refused: int
    last_refusal: str


class Status(TypedDict):
    """健康状况：`user.status`。"""

    state: StateName
    since: float
    attempts: int
    reconnects: int
    gave_up: bool
    last_error: str
    heartbeat_failures: int
    queue_depth: int
    queue_lag_s: float
    queue_merged: int
    behind: bool
    last_answer: float
    unanswered: int
    latency_ms: dict[str, float]
    open_intents: int
    guard: GuardStatus | None
    account_id: str
    path: str
    session_id: int


CheckName = Literal[
    "python", "packages", "path", "permission", "session", "disk", "clock", "trading_day",
    "connect", "locale", "native", "fields", "ports",
]  # fmt: skip
"""体检的各项；最后四项是登记的柜台的。"""

CheckVerdict = Literal["正常", "注意", "有问题", "跳过"]
"""体检一项的结论。"""


class CheckResult(TypedDict):
    """体检的一项：`easytrader.doctor` 的返回里的一项。"""

    check: CheckName
    title: str
    status: CheckVerdict
    detail: str
    fix: str


# ---- `user.events()`：按 ``event`` 区分的联合


class OrderError(TypedDict):
    """下单失败。"""

    order_id: int
    error_id: int
    error_msg: str
    strategy_name: str
    order_remark: str
    account_id: str
    account_type: int


class CancelError(TypedDict):
    """撤单失败。"""

    order_id: int
    order_sysid: str
    error_id: int
    error_msg: str
    account_id: str
    account_type: int


class AccountStatus(TypedDict):
    """账号状态。"""

    status: int
    status_name: AccountStatusName
    account_id: str
    account_type: int


class OrderResponse(TypedDict):
    """异步下单的应答；``order_id`` 不大于 0 是没有收下，原因在 ``error_msg``。"""

    seq: int
    order_id: int
    error_msg: str
    strategy_name: str
    order_remark: str
    account_id: str


class CancelResponse(TypedDict):
    """异步撤单的应答；``cancel_result`` 为 0 是收下了。"""

    seq: int
    order_id: int
    order_sysid: str
    cancel_result: int
    error_msg: str
    account_id: str


class SmtResponse(TypedDict):
    """约券的异步应答。"""

    seq: int
    success: bool
    message: str
    apply_id: str


class TransferResponse(TypedDict):
    """银证转账、期权期货内转的异步应答。"""

    seq: int
    success: bool
    message: str


class SmartAlgoOrderResponse(TypedDict):
    """智能算法下单的异步应答。"""

    seq: int
    task_id: int
    error_msg: str
    account_id: str
    strategy_name: str
    order_remark: str


class SmartTaskResponse(TypedDict):
    """智能算法任务操作的异步应答。"""

    seq: int
    success: bool
    task_id: int
    operate_reason: str
    error_msg: str


class Nothing(TypedDict):
    """空的。"""


class GiveUp(TypedDict):
    """放弃重连：最后一次的原因。"""

    error: str


class Gap(TypedDict):
    """没有人取、留不住而丢掉的条数。"""

    missed: int


class OrderEvent(TypedDict):
    """委托状态变动。"""

    event: Literal["order"]
    event_name: Literal["委托"]
    time: float
    data: Entrust


class TradeEvent(TypedDict):
    """成交。"""

    event: Literal["trade"]
    event_name: Literal["成交"]
    time: float
    data: Trade


class OrderErrorEvent(TypedDict):
    """下单失败。"""

    event: Literal["order_error"]
    event_name: Literal["下单失败"]
    time: float
    data: OrderError


class CancelErrorEvent(TypedDict):
    """撤单失败。"""

    event: Literal["cancel_error"]
    event_name: Literal["撤单失败"]
    time: float
    data: CancelError


class OrderResponseEvent(TypedDict):
    """异步下单的应答。"""

    event: Literal["order_response"]
    event_name: Literal["异步下单应答"]
    time: float
    data: OrderResponse


class CancelResponseEvent(TypedDict):
    """异步撤单的应答。"""

    event: Literal["cancel_response"]
    event_name: Literal["异步撤单应答"]
    time: float
    data: CancelResponse


class AccountStatusEvent(TypedDict):
    """账号状态变动。"""

    event: Literal["account_status"]
    event_name: Literal["账号状态"]
    time: float
    data: AccountStatus


class AssetEvent(TypedDict):
    """资金变动。"""

    event: Literal["asset"]
    event_name: Literal["资金变动"]
    time: float
    data: Asset


class PositionEvent(TypedDict):
    """持仓变动。"""

    event: Literal["position"]
    event_name: Literal["持仓变动"]
    time: float
    data: Position


class SmtResponseEvent(TypedDict):
    """约券的异步应答。"""

    event: Literal["smt_response"]
    event_name: Literal["约券应答"]
    time: float
    data: SmtResponse


class BankTransferResponseEvent(TypedDict):
    """银证转账的异步应答。"""

    event: Literal["bank_transfer_response"]
    event_name: Literal["银证转账应答"]
    time: float
    data: TransferResponse


class CtpTransferResponseEvent(TypedDict):
    """期权期货内转的异步应答。"""

    event: Literal["ctp_transfer_response"]
    event_name: Literal["期权期货内转应答"]
    time: float
    data: TransferResponse


class SmartAlgoOrderResponseEvent(TypedDict):
    """智能算法下单的异步应答。"""

    event: Literal["smart_algo_order_response"]
    event_name: Literal["智能算法下单应答"]
    time: float
    data: SmartAlgoOrderResponse


class SmartTaskResponseEvent(TypedDict):
    """智能算法任务操作的异步应答。"""

    event: Literal["smart_task_response"]
    event_name: Literal["智能算法任务应答"]
    time: float
    data: SmartTaskResponse


class ConnectedEvent(TypedDict):
    """连上了。"""

    event: Literal["connected"]
    event_name: Literal["已连接"]
    time: float
    data: Nothing


class DisconnectedEvent(TypedDict):
    """断开了。"""

    event: Literal["disconnected"]
    event_name: Literal["已断开"]
    time: float
    data: Nothing


class GiveUpEvent(TypedDict):
    """重连次数用完，不再重连。"""

    event: Literal["give_up"]
    event_name: Literal["放弃重连"]
    time: float
    data: GiveUp


class GapEvent(TypedDict):
    """有事件没有留住。"""

    event: Literal["gap"]
    event_name: Literal["有遗漏"]
    time: float
    data: Gap


Event = (
    OrderEvent | TradeEvent | OrderErrorEvent | CancelErrorEvent | OrderResponseEvent
    | CancelResponseEvent | AccountStatusEvent | AssetEvent | PositionEvent | SmtResponseEvent
    | BankTransferResponseEvent | CtpTransferResponseEvent | SmartAlgoOrderResponseEvent
    | SmartTaskResponseEvent | ConnectedEvent | DisconnectedEvent | GiveUpEvent | GapEvent
)  # fmt: skip
"""`user.events()` 的一项；判断了 ``event["event"]``，``event["data"]`` 的类型就定了。"""

EventName = Literal[
    "order", "trade", "order_error", "cancel_error", "order_response", "cancel_response",
    "account_status", "asset", "position", "smt_response", "bank_transfer_response",
    "ctp_transfer_response", "smart_algo_order_response", "smart_task_response", "connected",
    "disconnected", "give_up", "gap",
]  # fmt: skip
"""事件的种类。"""

# ---- 信用账号

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


class Compact(_Listed):
    """一份负债合约：`user.credit.compacts` 的一项。"""

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


class CreditSubject(_Listed):
    """一只融资融券标的：`user.credit.subjects` 的一项。"""

    fin_status: int
    fin_status_name: str
    fin_ratio: float
    slo_status: int
    slo_status_name: str
    slo_ratio: float
    account_type: int
    account_type_name: str
    account_id: str


class SloCode(_Listed):
    """一只可融的券、一种头寸：`user.credit.slo_codes` 的一项。"""

    cashgroup_prop: int
    cashgroup_prop_name: str
    enable_amount: int
    account_type: int
    account_type_name: str
    account_id: str


class CreditAssure(_Listed):
    """一只担保品：`user.credit.assure` 的一项。"""

    assure_status: int
    assure_status_name: str
    assure_ratio: float
    account_type: int
    account_type_name: str
    account_id: str


# ---- 账号、新股、划拨、银证转账、约券、智能算法


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


class IpoIssue(_Coded):
    """一只新股或新债：`user.ipo.data` 的一项。"""

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


class ComPosition(_Coded):
    """普通柜台的一只持仓：`user.transfer.com_position` 的一项。"""

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
