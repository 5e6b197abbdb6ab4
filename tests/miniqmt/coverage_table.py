"""厂商手册里的每个方法、每个回调 → 交易口的哪一个 → 经真正的厂商代码的哪个测试。

文档页 ``docs/zh/reference/manual.md`` 由它写出（见 `coverage_page`），
`test_miniqmt_manual` 逐项核对。
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["CALLBACKS", "METHODS", "OLD_MANUAL", "ORDER_TYPES", "Row"]


class Row(NamedTuple):
    """一行。

    Attributes:
        vendor: 厂商的名字。
        facade: 交易口的名字，空格隔开；经厂商对象用的写 ``trader.厂商的方法``。空的要有 ``note``。
        test: ``文件::测试``（从 tests 起），空格隔开。
        note: 说明；没有对应或没有测试的，这里是原因。
    """

    vendor: str
    facade: str
    test: str
    note: str = ""


_RAW: Final = "要异步的查询用厂商对象；交易口的同步查询可以在任意线程里跑"
_INSIDE: Final = "厂商内部用的，手册没有写；交易口在它的子类里加上期限"
_CREDIT: Final = "miniqmt/groups/test_groups_credit_queries.py::test_rows_through_the_vendor"
_ASYNC: Final = "miniqmt/test_miniqmt_raw_queries.py::test_async_queries_of_a_stock_account"
_ASYNC_ALL: Final = "miniqmt/test_miniqmt_raw_queries.py::test_async_queries_of_all_accounts"
_ASYNC_CREDIT: Final = "miniqmt/test_miniqmt_raw_queries.py::test_async_queries_of_a_credit_account"
_ASYNC_IPO: Final = "miniqmt/test_miniqmt_raw_queries.py::test_async_queries_of_new_shares"
_SAME: Final = "发的是同一个原生请求；厂商自己的写法经 `user.trader` 照常能用"
_SPECIAL: Final = "同一个动词，`special=True`"

METHODS: Final[dict[str, tuple[Row, ...]]] = {
    "连接与系统": (
        Row("XtQuantTrader", "connect", "link/test_link_sessions.py::test_kill_and_restart",
            "会话 id 自己挑，断线自动重连"),
        Row("register_callback", "connect trader.register_callback",
            "facade/test_facade_trading.py::"
            "test_callback_registered_later_on_the_vendor_object_is_dispatched",
            "`connect(trader_callback=…)`"),
        Row("start", "connect", "link/test_link_sessions.py::test_connect_logs_as_documented"),
        Row("connect", "connect",
            "link/test_link_sessions.py::test_connect_fails_with_reasons_and_leaves_nothing"),
        Row("subscribe", "connect",
            "link/test_link_sessions.py::test_connect_logs_as_documented"),
        Row("unsubscribe", "", "miniqmt/test_miniqmt_raw_queries.py::test_unsubscribe",
            "一个交易口一个账号：不要了就 `close()`"),
        Row("stop", "close", "link/test_link_sessions.py::test_close_inside_a_callback"),
        Row("run_forever", "events", "link/test_link_liveness.py::test_events_in_a_loop "
            "vendor_samples/test_vendor_samples.py::test_sample_program_on_a_served_folder",
            "不用阻塞主线程：收事件用 `events()`，命令行用 `easytrader run`"),
        Row("sleep", "", "miniqmt/test_miniqmt_raw_queries.py::test_sleep_returns",
            "用 `time.sleep`；厂商的从不返回，`user.trader.sleep` 修好了"),
        Row("set_timeout", "connect",
            "miniqmt/test_miniqmt_raw_queries.py::test_set_timeout_changes_nothing",
            "`connect(timeout=…)`：厂商的超时把委托编号变成 0、把撤单变成「成功」，不用它"),
        Row("set_relaxed_response_order_enabled", "connect",
            "facade/test_facade_trading.py::test_ordering_cancelling_and_querying_inside_callbacks "
            "miniqmt/test_miniqmt_raw_queries.py::test_relaxed_order_is_accepted",
            "不用开：回调在自己的线程上，里面可以下单、撤单、查询"),
        Row("common_op_sync_with_seq", "", "link/test_link_sessions.py::"
            "test_a_hung_client_never_hangs_the_caller", _INSIDE),
        Row("common_op_async_with_seq", "", _ASYNC, _INSIDE),
    ),
    "下单、撤单": (
        Row("order_stock", "buy sell market_buy market_sell",
            "facade/test_facade_trading.py::test_a_limit_order_that_fills",
            "信用的委托类型见下面「委托类型」"),
        Row("order_stock_async", "buy_async sell_async market_buy_async market_sell_async",
            "orders/test_async_orders.py::test_a_receipt_gives_what_the_sync_verb_gives "
            "orders/test_async_orders.py::test_the_vendors_own_async_call_still_answers", _SAME),
        Row("cancel_order_stock", "cancel_entrust cancel_all",
            "facade/test_facade_trading.py::test_cancel"),
        Row("cancel_order_stock_async", "cancel_entrust_async",
            "orders/test_async_orders.py::test_the_other_verbs "
            "miniqmt/test_miniqmt_raw_queries.py::test_async_cancels", _SAME),
        Row("cancel_order_stock_sysid", "client.cancel_sysid",
            "orders/test_async_sysid.py::test_cancel_by_contract_number"),
        Row("cancel_order_stock_sysid_async", "client.cancel_sysid_async",
            "orders/test_async_sysid.py::test_cancel_by_contract_number_async "
            "miniqmt/test_miniqmt_raw_queries.py::test_async_cancels", _SAME),
    ),
    "资金、持仓、委托、成交": (
        Row("query_stock_asset", "balance", "facade/test_facade_trading.py::"
            "test_rows_have_the_documented_keys_in_the_documented_order"),
        Row("query_stock_asset_async", "trader.query_stock_asset_async", _ASYNC, _RAW),
        Row("query_stock_positions", "position", "facade/test_facade_trading.py::"
            "test_selling_what_was_there_before_today"),
        Row("query_stock_positions_async", "trader.query_stock_positions_async", _ASYNC, _RAW),
        Row("query_stock_position", "position",
            "miniqmt/test_miniqmt_raw_queries.py::test_one_position_is_one_of_the_list",
            "从 `position` 的列表里挑"),
        Row("query_stock_orders", "today_entrusts", "facade/test_facade_trading.py::"
            "test_rows_have_the_documented_keys_in_the_documented_order",
            "只要可撤的：看 `order_status_name`，或直接 `cancel_all()`"),
        Row("query_stock_orders_async", "trader.query_stock_orders_async", _ASYNC, _RAW),
        Row("query_stock_order", "find_entrust",
            "facade/test_facade_trading.py::test_a_limit_order_that_fills"),
        Row("query_stock_trades", "today_trades", "facade/test_facade_trading.py::"
            "test_rows_have_the_documented_keys_in_the_documented_order"),
        Row("query_stock_trades_async", "trader.query_stock_trades_async", _ASYNC, _RAW),
        Row("query_position_statistics", "client.position_statistics",
            "miniqmt/groups/test_groups_accounts.py::test_position_statistics"),
    ),
    "账号": (
        Row("query_account_infos", "client.account_infos",
            "miniqmt/groups/test_groups_accounts.py::test_account_infos"),
        Row("query_account_infos_async", "trader.query_account_infos_async", _ASYNC_ALL, _RAW),
        Row("query_account_status", "client.account_status",
            "miniqmt/groups/test_groups_accounts.py::test_account_status"),
        Row("query_account_status_async", "trader.query_account_status_async", _ASYNC_ALL, _RAW),
        Row("query_secu_account", "client.secu_accounts",
            "miniqmt/groups/test_groups_accounts.py::test_secu_accounts"),
    ),
    "信用": (
        Row("query_credit_detail", "credit.detail", _CREDIT),
        Row("query_credit_detail_async", "trader.query_credit_detail_async", _ASYNC_CREDIT, _RAW),
        Row("query_stk_compacts", "credit.compacts", _CREDIT),
        Row("query_stk_compacts_async", "trader.query_stk_compacts_async", _ASYNC_CREDIT, _RAW),
        Row("query_credit_subjects", "credit.subjects", _CREDIT),
        Row("query_credit_subjects_async", "trader.query_credit_subjects_async", _ASYNC_CREDIT,
            _RAW),
        Row("query_credit_slo_code", "credit.slo_codes", _CREDIT),
        Row("query_credit_slo_code_async", "trader.query_credit_slo_code_async", _ASYNC_CREDIT,
            _RAW),
        Row("query_credit_assure", "credit.assure", _CREDIT),
        Row("query_credit_assure_async", "trader.query_credit_assure_async", _ASYNC_CREDIT, _RAW),
    ),
    "新股申购": (
        Row("query_new_purchase_limit", "ipo.limits ipo.subscribe_all",
            "miniqmt/groups/test_groups_ipo.py::test_data_and_limits"),
        Row("query_new_purchase_limit_async", "trader.query_new_purchase_limit_async", _ASYNC_IPO,
            f"{_RAW}；它给的是厂商的结构，同步的是字典"),
        Row("query_ipo_data", "ipo.data ipo.subscribe_all",
            "miniqmt/groups/test_groups_ipo.py::test_data_and_limits"),
        Row("query_ipo_data_async", "trader.query_ipo_data_async", _ASYNC_IPO,
            f"{_RAW}；它给的是厂商的结构，同步的是字典"),
    ),
    "划拨与银证转账": (
        Row("fund_transfer", "transfer.fund",
            "miniqmt/groups/test_groups_transfer.py::test_funds_move_between_the_counters"),
        Row("secu_transfer", "transfer.secu",
            "miniqmt/groups/test_groups_transfer.py::test_shares_move_between_the_counters"),
        Row("query_com_fund", "transfer.com_fund",
            "miniqmt/groups/test_groups_transfer.py::test_com_fund"),
        Row("query_com_position", "transfer.com_position",
            "miniqmt/groups/test_groups_transfer.py::test_com_position",
            "厂商忘了绑定它的应答，永远等不到；交易口里修好了"),
        Row("bank_transfer_in", "bank.transfer_in",
            "miniqmt/groups/test_groups_bank.py::test_money_moves_and_none_is_lost"),
        Row("bank_transfer_in_async", "bank.transfer_in_async",
            "miniqmt/groups/test_groups_bank.py::"
            "test_async_answers_reach_the_receipt_the_callback_and_the_events"),
        Row("bank_transfer_out", "bank.transfer_out",
            "miniqmt/groups/test_groups_bank.py::test_money_moves_and_none_is_lost"),
        Row("bank_transfer_out_async", "bank.transfer_out_async",
            "miniqmt/groups/test_groups_bank.py::"
            "test_async_answers_reach_the_receipt_the_callback_and_the_events"),
        Row("query_bank_info", "bank.info", "miniqmt/groups/test_groups_bank.py::test_bank_info"),
        Row("query_bank_amount", "bank.amount",
            "miniqmt/groups/test_groups_bank.py::test_passwords"),
        Row("query_bank_transfer_stream", "bank.transfer_stream",
            "miniqmt/groups/test_groups_bank.py::test_money_moves_and_none_is_lost"),
        Row("ctp_transfer_option_to_future", "transfer.option_to_future",
            "miniqmt/groups/test_groups_transfer.py::test_ctp_transfers"),
        Row("ctp_transfer_option_to_future_async", "transfer.option_to_future_async",
            "miniqmt/groups/test_groups_transfer.py::test_ctp_transfers_async"),
        Row("ctp_transfer_future_to_option", "transfer.future_to_option",
            "miniqmt/groups/test_groups_transfer.py::test_ctp_transfers"),
        Row("ctp_transfer_future_to_option_async", "transfer.future_to_option_async",
            "miniqmt/groups/test_groups_transfer.py::test_ctp_transfers_async"),
    ),
    "约券": (
        Row("smt_query_quoter", "lending.quoters",
            "miniqmt/groups/test_groups_lending.py::test_quoters"),
        Row("smt_query_order", "lending.orders", "miniqmt/groups/test_groups_lending.py::"
            "test_negotiate_makes_a_compact_and_takes_the_source"),
        Row("smt_query_compact", "lending.compacts", "miniqmt/groups/test_groups_lending.py::"
            "test_negotiate_makes_a_compact_and_takes_the_source"),
        Row("smt_negotiate_order_async", "lending.negotiate_order_async",
            "miniqmt/groups/test_groups_lending.py::"
            "test_negotiate_makes_a_compact_and_takes_the_source"),
        Row("smt_appointment_order_async", "lending.appointment_order_async",
            "miniqmt/groups/test_groups_lending.py::"
            "test_appointments_wait_can_be_cancelled_and_settle_overnight"),
        Row("smt_appointment_cancel_async", "lending.appointment_cancel_async",
            "miniqmt/groups/test_groups_lending.py::"
            "test_appointments_wait_can_be_cancelled_and_settle_overnight",
            "厂商写错了变量名，一调就抛异常；交易口里修好了"),
        Row("smt_compact_renewal_async", "lending.compact_renewal_async",
            "miniqmt/groups/test_groups_lending.py::test_renewal_and_return",
            "厂商写错了字段名，一调就抛异常；交易口里修好了"),
        Row("smt_compact_return_async", "lending.compact_return_async",
            "miniqmt/groups/test_groups_lending.py::test_renewal_and_return", "同上"),
    ),
    "智能算法": (
        Row("get_smart_algo_param", "algo.params",
            "miniqmt/groups/test_groups_algo.py::test_params"),
        Row("smart_algo_order_async", "algo.order_async",
            "miniqmt/groups/test_groups_algo.py::test_an_order"),
        Row("query_smart_algo_task", "algo.tasks",
            "miniqmt/groups/test_groups_algo.py::test_tasks"),
        Row("cancel_smart_algo_task_async", "algo.cancel_task_async",
            "miniqmt/groups/test_groups_algo.py::test_cancelling_a_task"),
    ),
    "导出与录入": (
        Row("export_data", "client.export_data",
            "miniqmt/groups/test_groups_export.py::test_export"),
        Row("query_data", "client.query_data",
            "miniqmt/groups/test_groups_export.py::test_query_data_keeps_every_character",
            "不用厂商的（它经 pandas 读，账号开头的 0 会丢）：`export_data` 到临时文件再读"),
        Row("sync_transaction_from_external", "client.sync_transaction_from_external",
            "miniqmt/groups/test_groups_export.py::test_deals_from_outside"),
    ),
}  # fmt: skip
"""标题 → 厂商的方法。"""

CALLBACKS: Final = (
    Row("on_connected", "connected", "link/test_link_sessions.py::test_kill_and_restart",
        "厂商从不调用；每次连上（包括重连）由 easytrader 调用"),
    Row("on_disconnected", "disconnected",
        "link/test_link_sessions.py::test_kill_and_restart", "之后自动重连，不用做什么"),
    Row("on_account_status", "account_status",
        "miniqmt/groups/test_groups_accounts.py::test_status_pushed_by_a_fault_reaches_everything"),
    Row("on_stock_asset", "asset",
        "miniqmt/test_miniqmt_callbacks.py::test_asset_and_position_pushes",
        "厂商目前不推送"),
    Row("on_stock_position", "position",
        "miniqmt/test_miniqmt_callbacks.py::test_asset_and_position_pushes", "厂商目前不推送"),
    Row("on_stock_order", "order", "link/test_link_liveness.py::test_events_in_a_loop"),
    Row("on_stock_trade", "trade", "link/test_link_liveness.py::test_events_in_a_loop"),
    Row("on_order_error", "order_error",
        "link/test_link_liveness.py::test_events_of_refusals"),
    Row("on_cancel_error", "cancel_error",
        "link/test_link_liveness.py::test_events_of_refusals"),
    Row("on_order_stock_async_response", "order_response",
        "orders/test_async_orders.py::test_events_carry_the_responses_once"),
    Row("on_cancel_order_stock_async_response", "cancel_response",
        "orders/test_async_orders.py::test_events_carry_the_responses_once"),
    Row("on_smt_appointment_async_response", "smt_response",
        "miniqmt/groups/test_groups_lending.py::"
        "test_negotiate_makes_a_compact_and_takes_the_source"),
    Row("on_bank_transfer_async_response", "bank_transfer_response",
        "miniqmt/groups/test_groups_bank.py::"
        "test_async_answers_reach_the_receipt_the_callback_and_the_events"),
    Row("on_ctp_internal_transfer_async_response", "ctp_transfer_response",
        "miniqmt/groups/test_groups_transfer.py::test_ctp_transfers_async"),
    Row("on_smart_algo_order_async_response", "smart_algo_order_response",
        "miniqmt/groups/test_groups_algo.py::test_an_order"),
    Row("on_operate_smart_task_async_response", "smart_task_response",
        "miniqmt/groups/test_groups_algo.py::test_cancelling_a_task"),
)  # fmt: skip
"""厂商的回调 → 事件的种类（`events()` 的 ``event``）。"""

_SENT: Final = "miniqmt/groups/test_groups_credit_orders.py::test_every_verb_sends_its_order_type"


def _credit(vendor: str, verb: str, note: str = "") -> Row:
    return Row(vendor, f"{verb} {verb}_async", _SENT, note)


ORDER_TYPES: Final = (
    Row("STOCK_BUY", "buy", "facade/test_facade_trading.py::test_a_limit_order_that_fills"),
    Row("STOCK_SELL", "sell",
        "facade/test_facade_trading.py::test_selling_what_was_there_before_today"),
    _credit("CREDIT_BUY", "credit.buy"),
    _credit("CREDIT_SELL", "credit.sell"),
    _credit("CREDIT_FIN_BUY", "credit.fin_buy"),
    _credit("CREDIT_SLO_SELL", "credit.slo_sell"),
    _credit("CREDIT_BUY_SECU_REPAY", "credit.buy_secu_repay"),
    _credit("CREDIT_DIRECT_SECU_REPAY", "credit.direct_secu_repay"),
    _credit("CREDIT_SELL_SECU_REPAY", "credit.sell_secu_repay"),
    _credit("CREDIT_DIRECT_CASH_REPAY", "credit.direct_cash_repay"),
    _credit("CREDIT_FIN_BUY_SPECIAL", "credit.fin_buy", _SPECIAL),
    _credit("CREDIT_SLO_SELL_SPECIAL", "credit.slo_sell", _SPECIAL),
    _credit("CREDIT_BUY_SECU_REPAY_SPECIAL", "credit.buy_secu_repay", _SPECIAL),
    _credit("CREDIT_DIRECT_SECU_REPAY_SPECIAL", "credit.direct_secu_repay", _SPECIAL),
    _credit("CREDIT_SELL_SECU_REPAY_SPECIAL", "credit.sell_secu_repay", _SPECIAL),
    _credit("CREDIT_DIRECT_CASH_REPAY_SPECIAL", "credit.direct_cash_repay", _SPECIAL),
)  # fmt: skip
"""手册「委托类型」里股票与信用的 → 动词。"""

_OLD_MANUAL: Final = """
register_callback start connect stop run_forever subscribe unsubscribe order_stock
order_stock_async cancel_order_stock cancel_order_stock_async cancel_order_stock_sysid
cancel_order_stock_sysid_async query_stock_asset query_stock_order query_stock_orders
query_stock_position query_stock_positions query_stock_trades query_credit_detail
query_stk_compacts query_credit_subjects query_credit_slo_code query_credit_assure
XtQuantTrader on_disconnected on_stock_asset on_stock_order on_stock_trade
on_stock_position on_order_error on_cancel_error on_order_stock_async_response
"""
OLD_MANUAL: Final = frozenset(_OLD_MANUAL.split())
"""老手册（v1.0.4，2020 年）写到的方法与回调；当前的手册在装着的包里，测试去读。"""
