"""厂商的 xttrader.py（原封不动）跑在替身上：正常的来回，以及连不上、断线、停下时的脾气。"""

from __future__ import annotations

import gc
import threading
import time
import weakref
from concurrent.futures import Future
from pathlib import Path

import pytest
from native_desk import (
    ACCOUNT,
    ASSET,
    DESK_VERBS,
    ORDER,
    POSITION,
    TRADE,
    FakeHost,
    Recorder,
    eventually,
    on_thread,
    sim_threads,
)

from easytrader.sim import native
from easytrader.sim.config.folder import SimConfig
from easytrader.sim.gateway.rows import (
    AccountStatusRow,
    CancelAnswer,
    CancelErrorRow,
    OrderAnswer,
    OrderErrorRow,
)
from easytrader.sim.ledger.events import SubmitOrder

BUY = ("600036.SH", 23, 100, 11, 10.5)


def test_orders_cancels_and_queries(host, make_trader, account):
    trader = make_trader()
    assert on_thread(trader.subscribe, account) == 0
    order_id = on_thread(trader.order_stock, account, *BUY, "strat", "remark")
    assert order_id == 1001
    assert host.seen[-1].args == SubmitOrder(2, ACCOUNT, *BUY, "strat", "remark")
    assert on_thread(trader.cancel_order_stock, account, order_id) == 0
    assert host.seen[-1].args[:4] == (2, ACCOUNT, order_id, "SH")
    assert on_thread(trader.cancel_order_stock_sysid, account, "SZ", "77") == 0
    assert host.seen[-1].args == (2, ACCOUNT, 0, "SZ", "77")
    assert on_thread(trader.query_stock_asset, account).total_asset == ASSET.total_asset
    assert on_thread(trader.query_stock_orders, account, True)[0].order_sysid == ORDER.order_sysid
    assert host.seen[-1].args == (2, ACCOUNT, 0, True)
    assert on_thread(trader.query_stock_order, account, 9).m_nOrderID == ORDER.order_id
    assert host.seen[-1].args == (2, ACCOUNT, 9, False)
    assert on_thread(trader.query_stock_trades, account)[0].m_strTradedID == TRADE.traded_id
    assert on_thread(trader.query_stock_position, account, "600036.SH").volume == POSITION.volume
    assert host.seen[-1].args == (2, ACCOUNT, "600036.SH")
    [info] = on_thread(trader.query_account_infos)
    assert (info.account_id, info.login_status, info.m_nStatus) == (ACCOUNT, 0, 0)
    assert on_thread(trader.query_account_status)[0].status == 0
    assert on_thread(trader.unsubscribe, account) == 0


def test_credit_accounts_keep_their_type(host, make_trader):
    from xtquant.xttype import StockAccount

    trader = make_trader()
    on_thread(trader.order_stock, StockAccount(ACCOUNT, "CREDIT"), *BUY)
    assert host.seen[-1].args.account_type == 3
    host.replies["asset"] = [ASSET._replace(account_type=3)]
    assert on_thread(trader.query_stock_asset, StockAccount(ACCOUNT, "CREDIT")).account_type == 3


def test_every_push_reaches_its_callback_as_the_vendors_object(host, make_trader):
    trader = make_trader()
    pushes = [
        ("order", ORDER, "on_stock_order"),
        ("trade", TRADE, "on_stock_trade"),
        ("asset", ASSET, "on_stock_asset"),
        ("position", POSITION, "on_stock_position"),
        ("order_error", OrderErrorRow(2, ACCOUNT, 5, -61, "资金不足", "s", "r", 0),
         "on_order_error"),
        ("account_status", AccountStatusRow(2, ACCOUNT, 3), "on_account_status"),
    ]  # fmt: skip
    for kind, row, _ in pushes:
        host.push(kind, row)
    calls = trader.callback.calls
    eventually(lambda: len(calls) == len(pushes))
    for (_, row, name), (called, data) in zip(pushes, calls, strict=True):
        assert called == name
        assert {field: getattr(data, field) for field in row._fields} == row._asdict()
    assert not any("easytrader" in name for name in trader.callback.threads)


def test_async_orders_and_errors_come_in_the_vendors_order(host, make_trader, account):
    trader = make_trader()
    # 撤单失败推送只在收到过撤单应答之后才送达（厂商 Python 层的规矩）
    seq = on_thread(trader.order_stock_async, account, *BUY, "s", "r")
    eventually(lambda: trader.callback.names() == ["on_order_stock_async_response"])
    response = trader.callback.calls[0][1]
    assert (response.seq, response.order_id, response.order_remark) == (seq, 1001, "r")
    host.push("order_error", OrderErrorRow(2, ACCOUNT, 1001, -61, "不行", "s", "r", seq))
    on_thread(trader.cancel_order_stock_async, account, 1001)
    eventually(lambda: len(trader.callback.calls) == 3)
    host.push("cancel_error", CancelErrorRow(2, ACCOUNT, 1001, -54, 0, "", "不能撤"))
    eventually(lambda: len(trader.callback.calls) == 4)
    assert trader.callback.names()[1:] == [
        "on_order_error",
        "on_cancel_order_stock_async_response",
        "on_cancel_error",
    ]
    assert trader.callback.calls[-1][1].error_msg == "不能撤"
    assert (trader.cbs, trader.queuing_order_seq) == ({}, set())


def test_refusals_carry_their_reason(host, make_trader, account):
    trader = make_trader()
    host.replies["submit"] = OrderAnswer(2, ACCOUNT, -1, "", "", -61, "价格类型不对")
    host.replies["cancel"] = CancelAnswer(2, ACCOUNT, -1, 5, "", -54, "没有这笔委托")
    assert on_thread(trader.order_stock, account, *BUY) == -1
    on_thread(trader.order_stock_async, account, *BUY)
    on_thread(trader.cancel_order_stock_async, account, 5)
    eventually(lambda: len(trader.callback.calls) == 2)
    assert [call[1].error_msg for call in trader.callback.calls] == ["价格类型不对", "没有这笔委托"]


def test_wrong_types_raise_before_anything_is_sent(host, make_trader, account):
    trader = make_trader()
    for change in (("600036.SH", "23", 100, 11, 10.5), ("600036.SH", 23, 100, 11, "10.5")):
        with pytest.raises(TypeError):
            on_thread(trader.order_stock, account, *change)
    with pytest.raises(TypeError):
        trader.async_client.orderStockWithSeq(1, native.SubscribeReq())
    assert trader.async_client.orderStockWithSeq(1, None) == 0
    assert host.seen == []


# 没有连接 ------------------------------------------------------------------


def test_default_answers_without_a_connection(own_hub, make_trader, account):
    trader = make_trader(connect=False)
    assert on_thread(trader.subscribe, account) == -1
    assert on_thread(trader.unsubscribe, account) == -1
    assert on_thread(trader.order_stock, account, *BUY) == -1
    assert on_thread(trader.cancel_order_stock, account, 5) == -1
    assert on_thread(trader.query_stock_asset, account) is None
    assert on_thread(trader.query_stock_orders, account) == []
    assert on_thread(trader.query_credit_detail, account) == []
    assert on_thread(trader.fund_transfer, account, 510, 1.0) == (False, "")
    assert (
        "没有连接" in on_thread(trader.export_data, account, "x.csv", "deal")["error"]["errorMsg"]
    )


def test_default_answers_come_from_the_io_thread(own_hub, folder):
    client = native.XtQuantAsyncClient(folder.encode("gb18030"), "xtquant", 7)
    where = Future()
    client.bindOnSubscribeRespCallback(
        lambda seq, resp: where.set_result((threading.current_thread().name, seq, resp))
    )
    client.start()
    assert [client.nextSeq(), client.nextSeq()] == [1, 2]
    assert client.subscribeWithSeq(2, native.SubscribeReq()) == 2
    assert where.result(30) == ("easytrader-sim-io-7", 2, -1)
    client.stop()


def test_connect_fails_after_the_configured_wait(own_hub, make_trader, folder):
    trader = make_trader(connect=False)
    start = time.monotonic()
    assert on_thread(trader.connect) == -1
    assert time.monotonic() - start > 0.25
    assert "sim serve" in trader.async_client.connect_failure


def test_connect_before_start_fails(own_hub, make_trader, folder):
    own_hub.allow_embed(folder)
    trader = make_trader(start=False)
    assert on_thread(trader.connect) == -1
    assert "start()" in trader.async_client.connect_failure


def test_connect_keeps_trying_while_it_waits(own_hub, make_trader, folder):
    trader = make_trader(connect=False)
    threading.Timer(0.1, own_hub.allow_embed, (folder,)).start()
    assert on_thread(trader.connect) == 0
    assert on_thread(trader.connect) == 0


@pytest.mark.parametrize("what", ["missing", "plain"])
def test_a_wrong_path_is_not_detected_but_explained(
    make_trader, tmp_path, capfd, what, monkeypatch
):
    monkeypatch.setattr("easytrader.sim.native.client._CONNECT_WAIT_S", 0.2)
    path = tmp_path / what
    if what == "plain":
        path.mkdir()
    trader = make_trader(path=path, connect=False)
    assert on_thread(trader.connect) == -1
    [line] = capfd.readouterr().err.strip().splitlines()
    assert str(path) in line
    assert "easytrader sim init" in line
    assert not path.exists() or not any(path.iterdir())


def test_the_queue_file_of_each_session_is_left_behind(host, make_trader, folder):
    make_trader(41)
    make_trader(42)
    found = sorted(path.name for path in Path(folder).glob("down_queue*"))
    names = ["down_queue_win_41", "down_queue_win_42"]
    assert found == sorted(names + [f"{name}__mutex" for name in names])


def test_a_refused_session_waits_and_fails_without_asking_again(host, make_trader):
    host.refuse = 1
    trader = make_trader(connect=False)
    assert on_thread(trader.connect) == -1
    assert "测试要求拒绝" in trader.async_client.connect_failure
    assert host.refusals == 1
    assert on_thread(trader.connect) == 0


# 断线 ---------------------------------------------------------------------


def test_loss_is_told_once_and_pending_requests_stay_silent(host, make_trader, account):
    trader = make_trader()
    trader.set_timeout(50)
    host.mute |= {"submit"}
    on_thread(trader.order_stock_async, account, *BUY)
    eventually(lambda: host.seen)
    host.lose()
    host.lose()
    eventually(lambda: trader.callback.names() == ["on_disconnected"])
    assert on_thread(trader.query_stock_orders, account) == []
    assert on_thread(trader.order_stock, account, *BUY) == -1
    # 超时本该在 50 毫秒时到：断线之后连它也没有
    threading.Event().wait(0.1)
    assert trader.callback.names() == ["on_disconnected"]
    assert len(trader.cbs) == 1
    assert on_thread(trader.connect) == -1
    assert "断过线" in trader.async_client.connect_failure
    with pytest.raises(RuntimeError):
        on_thread(trader.start)


def test_a_new_object_reconnects(host, make_trader, account):
    first = make_trader(1)
    host.lose()
    eventually(lambda: first.callback.names() == ["on_disconnected"])
    second = make_trader(2)
    assert on_thread(second.subscribe, account) == 0
    host.push("order", ORDER)
    eventually(lambda: second.callback.names() == ["on_stock_order"])
    assert first.callback.names() == ["on_disconnected"]


def test_a_host_that_closes_is_a_loss(own_hub, make_trader, folder):
    own_hub.allow_embed(folder)
    trader = make_trader()
    held = own_hub.acquire(folder)
    held.close()
    eventually(lambda: trader.callback.names() == ["on_disconnected"])
    fresh = make_trader(2)
    assert isinstance(own_hub.acquire(folder), FakeHost)
    own_hub.release(folder)
    assert on_thread(fresh.query_account_status)[0].status == 0


# set_timeout ----------------------------------------------------------------


def test_the_timeout_table(host, make_trader, account):
    host.mute |= {"subscribe", "unsubscribe", "submit", "cancel", "asset", "orders", "positions"}
    host.mute |= {"unsupported", *DESK_VERBS}
    trader = make_trader()
    trader.set_timeout(0)
    trader.set_timeout(30)
    trader.set_timeout(-5)
    assert on_thread(trader.order_stock, account, *BUY) == 0
    assert on_thread(trader.cancel_order_stock, account, 5) == 0
    assert on_thread(trader.subscribe, account) == -2
    assert on_thread(trader.unsubscribe, account) == -2
    assert on_thread(trader.query_stock_orders, account) == []
    assert on_thread(trader.query_stock_asset, account) is None
    assert on_thread(trader.query_stock_position, account, "600036.SH") is None
    assert on_thread(trader.query_bank_info, account) == []
    on_thread(trader.order_stock_async, account, *BUY)
    eventually(lambda: trader.callback.calls)
    assert trader.callback.calls[0][1].order_id == 0


@pytest.mark.parametrize("name", ["query_bank_amount", "ctp", "algo_param", "algo_order"])
def test_some_requests_have_no_timer(host, make_trader, account, name):
    host.mute |= {"unsupported", "bank_amount"}
    trader = make_trader()
    trader.set_timeout(20)
    calls = {
        "query_bank_amount": lambda: trader.query_bank_amount(account, "1", "2", "3"),
        "ctp": lambda: trader.ctp_transfer_option_to_future("1", "2", 1.0),
        "algo_param": lambda: trader.get_smart_algo_param(["x"]),
        "algo_order": lambda: trader.async_client.smartOrderStockWithSeq(9, b"", b""),
    }
    answered = []
    if name == "algo_order":
        trader.cbs[9] = answered.append
        calls[name]()
    else:
        thread = threading.Thread(target=lambda: answered.append(calls[name]()), daemon=True)
        thread.start()
    eventually(lambda: host.seen)
    threading.Event().wait(0.1)
    assert answered == []


def test_a_late_answer_after_the_timeout_is_dropped(host, make_trader, account):
    trader = make_trader()
    trader.set_timeout(30)
    gate = threading.Event()

    def slow(args):
        gate.wait(30)
        return OrderAnswer(2, ACCOUNT, 1234, "", "", 0, "")

    host.replies["submit"] = slow
    assert on_thread(trader.order_stock, account, *BUY) == 0
    gate.set()
    assert on_thread(trader.query_account_status)
    assert trader.callback.calls == []


# 停下 ---------------------------------------------------------------------


def test_stop_is_clean_and_lets_the_object_go(host, make_trader, account):
    trader = make_trader()
    on_thread(trader.subscribe, account)
    client = weakref.ref(trader.async_client)
    on_thread(trader.stop)
    assert host.sessions == {}
    assert trader.async_client._callbacks == {}
    eventually(lambda: sim_threads() == ["easytrader-sim-fake"])
    trader.async_client.stop()
    trader.async_client = native.XtQuantAsyncClient("x", "xtquant", 1)
    gc.collect()
    assert client() is None


def test_a_forgotten_client_takes_its_io_thread_along(own_hub, folder):
    client = native.XtQuantAsyncClient(folder, "xtquant", 8)
    client.start()
    client.subscribeWithSeq(1, native.SubscribeReq())
    assert sim_threads() == ["easytrader-sim-io-8"]
    del client
    gc.collect()
    eventually(lambda: sim_threads() == [])


def test_stop_then_start_fakes_a_connection(host, make_trader):
    trader = make_trader()
    trader.async_client.stop()
    trader.async_client.start()
    assert on_thread(trader.connect) == 0
    assert host.sessions == {}


def test_double_start_raises_instead_of_aborting(host, make_trader):
    trader = make_trader()
    with pytest.raises(RuntimeError, match="终止"):
        trader.async_client.start()


def test_stop_ends_a_waiting_connect(own_hub, make_trader, folder, monkeypatch):
    trader = make_trader(connect=False)
    monkeypatch.setattr(trader.async_client, "_config", lambda: SimConfig(connect_wait_s=30.0))
    answer = []
    thread = threading.Thread(target=lambda: answer.append(trader.connect()))
    thread.start()
    eventually(lambda: thread.is_alive())
    trader.async_client.stop()
    thread.join(30)
    assert answer == [-1]


def test_pushes_after_the_executors_are_gone_do_not_hurt(host, make_trader, account):
    trader = make_trader()
    trader.executor.shutdown(wait=True)
    host.push("order", ORDER)
    host.push("trade", TRADE)
    assert host.thread.is_alive()
    other = make_trader(2)
    assert on_thread(other.subscribe, account) == 0


def test_requests_before_start_do_not_hurt(own_hub, make_trader, account):
    trader = make_trader(start=False)
    # executor 还是 None：厂商的 lambda 在 io 线程里抛 AttributeError
    trader.async_client.queryStockOrdersWithSeq(1, native.QueryStockOrdersReq())
    trader.cbs[1] = lambda resp: None
    eventually(lambda: trader.cbs == {} or True)
    trader.async_client.stop()


def test_the_clean_text_default_spares_the_vendors_hang(host, make_trader, account):
    trader = make_trader()
    assert on_thread(trader.order_stock, account, *BUY, "策略" * 9, "备注" * 9) == 1001
    host.replies["orders"] = lambda args: [ORDER._replace(order_remark="备注" * 9)]
    assert on_thread(trader.query_stock_orders, account)[0].order_remark == "备注" * 9


def test_the_strict_text_mode_reproduces_the_vendors_hang(host, make_trader, account):
    native.set_strict_text(True)
    try:
        trader = make_trader()
        host.replies["submit"] = OrderAnswer(2, ACCOUNT, 5, "", "汉" * 9, 0, "")
        with pytest.raises(AssertionError, match="没有返回"):
            on_thread(lambda: trader.order_stock(account, *BUY), timeout=0.3)
    finally:
        native.set_strict_text(False)
    assert trader.cbs == {}


def test_many_threads_share_one_trader(host, make_trader, account):
    trader = make_trader()
    ids = []

    def buy():
        ids.extend(trader.order_stock(account, *BUY) for _ in range(100))

    threads = [threading.Thread(target=buy) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(set(ids)) == 800
    assert trader.cbs == {}


def test_the_recorder_sees_nothing_it_should_not(host, make_trader):
    assert Recorder().names() == []
    with pytest.raises(TypeError):
        native.XtQuantAsyncClient(b"x", "xtquant", "1")
    with pytest.raises(TypeError):
        make_trader().async_client.bindOnDisconnectedCallback(None)
