"""厂商的 xttrader.py、替身、真的 Host 与真的柜台，嵌在本进程里。"""

from __future__ import annotations

import pytest
from native_desk import eventually, on_thread, sim_threads

from easytrader.errors import SimulatorError
from easytrader.sim.host import hub
from easytrader.sim.host.lease import holder_of, is_served

BUY = ("600036.SH", 23, 100, 11, 0.01)  # 低于跌停：柜台一定有话说


def test_a_day_in_process(folder, make_trader, account):
    hub.allow_embed(folder)
    first = make_trader(1)
    assert is_served(folder)
    assert on_thread(first.subscribe, account) == 0
    assert on_thread(first.query_stock_asset, account).cash > 0
    assert on_thread(first.query_stock_positions, account) == []
    [info] = on_thread(first.query_account_infos)
    assert info.account_id == account.account_id
    order_id = on_thread(first.order_stock, account, "600036.SH", 23, 100, 44, 0, "s", "备注一")
    assert order_id > 0
    seen = eventually(lambda: [c for c in first.callback.calls if c[0] == "on_stock_order"])
    assert seen[0][1].order_id == order_id
    [order] = on_thread(first.query_stock_orders, account)
    assert (order.order_id, order.order_remark) == (order_id, "备注一")
    on_thread(first.stop)
    eventually(lambda: sim_threads() == [])
    assert holder_of(folder) is None

    second = make_trader(2)
    [again] = on_thread(second.query_stock_orders, account)
    assert (again.order_id, again.order_sysid) == (order_id, order.order_sysid)


def test_two_sessions_share_one_embedded_counter(folder, make_trader, account):
    hub.allow_embed(folder)
    one, two = make_trader(1), make_trader(2)
    for trader in (one, two):
        assert on_thread(trader.subscribe, account) == 0
    order_id = on_thread(one.order_stock, account, "600036.SH", 23, 100, 44, 0)
    for trader in (one, two):
        eventually(lambda t=trader: "on_stock_order" in t.callback.names())
    assert on_thread(two.query_stock_order, account, order_id).order_id == order_id
    twin = make_trader(2, connect=False)
    assert on_thread(twin.connect) == -1


def test_the_order_error_carries_the_request_number(folder, make_trader, account):
    hub.allow_embed(folder)
    trader = make_trader(1)
    assert on_thread(trader.subscribe, account) == 0
    order_id = on_thread(trader.order_stock, account, "600036.SH", 24, 100, 44, 0)
    if order_id > 0:
        errors = eventually(lambda: [c for c in trader.callback.calls if c[0] == "on_order_error"])
        assert (errors[0][1].order_id, bool(errors[0][1].error_msg)) == (order_id, True)
    assert trader.queuing_order_seq == set()


def test_a_clean_stop_of_the_counter_is_a_disconnect(folder, make_trader, account):
    hub.allow_embed(folder)
    trader = make_trader(1)
    held = hub.acquire(folder)
    held.close()
    eventually(lambda: trader.callback.names() == ["on_disconnected"])
    with pytest.raises(AssertionError):
        assert on_thread(trader.order_stock, account, *BUY) != -1
    assert on_thread(make_trader(2).query_stock_orders, account) == []


def test_another_process_may_not_take_an_embedded_folder(folder, make_trader):
    from easytrader.sim.config.folder import SimFolder
    from easytrader.sim.host.host import Host

    hub.allow_embed(folder)
    make_trader(1)
    with pytest.raises(SimulatorError, match="已被占用"):
        Host(SimFolder.open(folder))
