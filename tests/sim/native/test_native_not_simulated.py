"""不模拟的调用：每一个都有回音，都说清楚是哪一个不支持。"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest
from native_desk import ACCOUNT, Recorder, eventually, on_thread

from easytrader.errors import SimulatorError
from easytrader.sim import native
from easytrader.sim.gateway.fields import structs
from easytrader.sim.gateway.verbs import UNSUPPORTED
from easytrader.sim.native.calls import CALLS, FailedList

ARGUMENTS = {
    "transfer_direction": 510, "price": 1.0, "stock_code": "600036.SH", "volume": 100,
    "transfer_type": 0, "src_group_id": "1", "order_code": "600036.SH", "date": 1, "amount": 100,
    "apply_rate": 0.1, "apply_id": "1", "cash_compact_id": "1", "defer_days": 1, "defer_num": 1,
    "occur_amount": 1, "result_path": "x.csv", "data_type": "deal", "operation": "ADD",
    "deal_list": [{"a": 1}], "bank_no": "1", "bank_account": "2", "bank_pwd": "3", "balance": 1.0,
    "start_date": "20250101", "end_date": "20250102", "opt_account_id": "1", "ft_account_id": "2",
    "algo_name_list": ["TWAP"], "order_type": 23, "order_volume": 100, "price_type": 11,
    "strategy_name": "", "order_remark": "", "algo_name": "TWAP", "start_time": "09:30:00",
    "end_time": "10:00:00", "algo_param": {}, "task_id": 1,
}  # fmt: skip
LISTS: set[str] = set()  # 应答里没有地方写信息的：谁去看就在谁那里抛；现在一个也没有
RAISE: set[str] = set()
SIMULATED = {
    "register_callback", "set_timeout", "set_relaxed_response_order_enabled", "start", "stop",
    "connect", "sleep", "run_forever", "subscribe", "unsubscribe", "common_op_async_with_seq",
    "common_op_sync_with_seq", "order_stock", "order_stock_async", "cancel_order_stock",
    "cancel_order_stock_async", "cancel_order_stock_sysid", "cancel_order_stock_sysid_async",
    "query_account_infos", "query_account_info", "query_account_infos_async",
    "query_account_status", "query_account_status_async", "query_stock_asset",
    "query_stock_asset_async", "query_stock_order", "query_stock_orders",
    "query_stock_orders_async", "query_stock_trades", "query_stock_trades_async",
    "query_stock_position", "query_stock_positions", "query_stock_positions_async",
    "fund_transfer", "secu_transfer", "query_com_fund", "query_com_position",
    "smt_query_quoter", "smt_query_order", "smt_query_compact", "smt_negotiate_order_async",
    "smt_appointment_order_async", "smt_compact_renewal_async", "smt_compact_return_async",
    "query_position_statistics", "query_secu_account", "bank_transfer_in", "bank_transfer_out",
    "bank_transfer_in_async", "bank_transfer_out_async", "query_bank_info", "query_bank_amount",
    "query_bank_transfer_stream",
    "query_new_purchase_limit", "query_new_purchase_limit_async",
    "query_ipo_data", "query_ipo_data_async",
    "query_credit_detail", "query_credit_detail_async",
    "query_stk_compacts", "query_stk_compacts_async",
    "query_credit_subjects", "query_credit_subjects_async",
    "query_credit_slo_code", "query_credit_slo_code_async",
    "query_credit_assure", "query_credit_assure_async",
}  # fmt: skip
VENDOR_BUGS = {"smt_appointment_cancel_async": NameError}  # 厂商自己引用了不存在的变量


def vendor_methods():
    """读源文件而不导入：收集用例时不碰厂商的代码。"""
    found = importlib.util.find_spec("xtquant").submodule_search_locations[0]
    tree = ast.parse((Path(found) / "xttrader.py").read_text(encoding="utf-8"))
    [trader] = [node for node in tree.body if getattr(node, "name", "") == "XtQuantTrader"]
    names = [node.name for node in trader.body if isinstance(node, ast.FunctionDef)]
    return [name for name in names if not name.startswith("_") and name not in SIMULATED]


def call_with(trader, name, account, callback):
    method = getattr(trader, name)
    given = {**ARGUMENTS, "account": account, "callback": callback}
    wanted = [p.name for p in inspect.signature(method).parameters.values() if p.default is p.empty]
    return method(*(given[parameter] for parameter in wanted))


@pytest.mark.parametrize("name", vendor_methods())
def test_every_other_vendor_method_answers_clearly(host, make_trader, account, name):
    trader = make_trader()
    if name in VENDOR_BUGS:
        with pytest.raises(VENDOR_BUGS[name]):
            on_thread(call_with, trader, name, account, None)
        return
    got = Future()
    base = name.removesuffix("_async")
    if base in RAISE and base == name:
        with pytest.raises(SimulatorError, match=f"暂不支持 {name}"):
            on_thread(call_with, trader, name, account, None)
        return
    answer = on_thread(call_with, trader, name, account, got.set_result)
    if name.endswith("_async"):
        answer = asynchronous_answer(trader, got)
    if base in LISTS | RAISE:
        assert isinstance(answer, FailedList)
        with pytest.raises(SimulatorError, match=f"暂不支持 {base}"):
            list(answer)
    assert "模拟 MiniQMT 暂不支持" in text_of(answer)
    assert trader.cbs == {}


def asynchronous_answer(trader, got):
    eventually(lambda: got.done() or trader.callback.calls)
    return got.result() if got.done() else trader.callback.calls[0][1]


def text_of(answer):
    if isinstance(answer, list) and not isinstance(answer, FailedList):
        [answer] = answer
    slots = getattr(type(answer), "__slots__", ())
    return str([getattr(answer, slot) for slot in slots]) if slots else shown(answer)


def shown(answer):
    return str(vars(answer)) if hasattr(answer, "__dict__") else repr(answer)


@pytest.mark.parametrize(
    "name", sorted(each.native for each in CALLS.values() if each.name == UNSUPPORTED)
)
def test_every_native_request_answers_through_its_binder(host, folder, name):
    call = CALLS[name]
    client = native.XtQuantAsyncClient(folder, "xtquant", 5)
    got = Future()
    getattr(client, f"bindOn{call.binder}Callback")(lambda seq, resp: got.set_result((seq, resp)))
    client.start()
    assert on_thread(client.connect) == 0
    request = getattr(native, call.request)() if call.request[0].isupper() else b"x"
    assert getattr(client, f"{name}WithSeq")(3, request) == 3
    seq, answer = got.result(30)
    assert seq == 3
    assert answer == -1 if call.shape == "int" else "暂不支持" in text_of(answer)
    client.stop()


def test_an_unbound_binder_borrows_the_common_one(host, make_trader, account):
    host.replies["com_position"] = [refused_position("普通柜台没有登录")]
    trader = make_trader()
    [row] = on_thread(trader.query_com_position, account)
    assert row["success"] is False
    assert row["error"] == "普通柜台没有登录"


def refused_position(message):
    blank = {"i": 0, "q": 0, "d": 0.0, "b": False, "s": ""}
    row = [blank[field.code] for field in structs()["ComPosition"]]
    row[1] = message
    return tuple(row)


def test_struct_answers_say_no(host, make_trader, account):
    trader = make_trader()
    answer = on_thread(trader.ctp_transfer_option_to_future, "1", "2", 1.0)
    assert answer == (
        False,
        "模拟 MiniQMT 暂不支持 ctp_transfer_option_to_future/ctp_transfer_future_to_option",
    )
    assert on_thread(trader.fund_transfer, account, 510, 1.0) == (False, "测试的柜台不办 transfer")
    answer = on_thread(trader.query_data, account, "x.csv", "deal")
    assert "暂不支持 export_data" in answer["error"]["errorMsg"]
    answer = on_thread(trader.export_data, account, "x.csv", "deal")
    assert "暂不支持 export_data" in answer["error"]["errorMsg"]
    assert "暂不支持" in on_thread(trader.get_smart_algo_param, ["x"])["error"]["msg"]
    assert "暂不支持" in on_thread(trader.query_smart_algo_task, account)["error"]["msg"]


def test_smart_orders_name_the_account(host, make_trader, account):
    trader = make_trader()
    on_thread(call_with, trader, "smart_algo_order_async", account, None)
    eventually(lambda: trader.callback.calls)
    response = trader.callback.calls[0][1]
    assert (response.account_id, response.task_id) == (ACCOUNT, -1)
    assert "暂不支持 smart_algo_order_async" in response.error_msg


def test_a_not_simulated_list_never_passes_for_empty():
    answer = FailedList("模拟 MiniQMT 暂不支持 x")
    looks = [
        len, bool, list, iter, reversed, lambda a: a[0], lambda a: a[:], lambda a: 1 in a,
        lambda a: a == [], lambda a: a != [],
    ]  # fmt: skip
    for look in looks:
        with pytest.raises(SimulatorError, match="暂不支持 x"):
            look(answer)
    assert repr(answer) == "<模拟 MiniQMT 暂不支持 x>"
    assert isinstance(answer, list)


def test_callbacks_never_run_on_the_callers_thread(host, folder):
    client = native.XtQuantAsyncClient(folder, "xtquant", 6)
    seen = Recorder()
    client.bindOnQuerySecuAccountRespCallback(seen.on_answer)
    client.start()
    assert on_thread(client.connect) == 0
    client.querySecuAccountWithSeq(1, native.QuerySecuAccountReq())
    eventually(lambda: seen.calls)
    assert threading.current_thread().name not in seen.threads
    client.stop()
