"""``user.trader``：厂商 XtQuantTrader 的样子，同名的方法、同样的返回，期限照旧。"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from big_client_world import big_client
from support import ACCOUNT, Recorder, eventually, make_folder

import easytrader
from easytrader.bigqmt.shaped import ShapedTrader, StockAccount
from easytrader.errors import OutcomeUnknownError, QueryFailedError, UnsupportedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Responses(Recorder):
    """连异步的应答也记。"""

    def on_order_stock_async_response(self, response: Any) -> None:
        self._take("order_response", response)

    def on_cancel_order_stock_async_response(self, response: Any) -> None:
        self._take("cancel_response", response)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    folder = make_folder(tmp_path / "完整版 QMT")
    with big_client(folder, ACCOUNT) as terminal, easytrader.use("bigqmt") as user:
        user.connect(str(folder), ACCOUNT, timeout=5, reconnect_interval=0.2, row_wait=1)
        yield user, terminal


def test_a_script_of_xttrader_runs_on_it(world: tuple[Any, Any]) -> None:
    user, terminal = world
    trader, account = user.trader, user.account
    assert (account.account_id, account.account_type) == (ACCOUNT, 2)
    trader.start()
    assert (trader.connect(), trader.subscribe(account)) == (0, 0)
    price = user.quote("600036")["600036"]["limit_down"]
    number = trader.order_stock(account, "600036.SH", 23, 100, 11, price, "均线", "第一批")
    assert number > 0
    [order] = trader.query_stock_orders(account, cancelable_only=True)
    assert (order.order_id, order.stock_code, order.order_type, order.order_volume) == (
        number, "600036.SH", 23, 100,
    )  # fmt: skip
    assert trader.query_stock_order(account, number).order_sysid
    assert trader.cancel_order_stock(account, number) == 0
    assert user.wait(number)["order_status_name"] == "已撤"
    assert trader.cancel_order_stock(account, number) == 0  # 已经撤了的
    assert trader.query_stock_orders(account, True) == []
    assert user.find_entrust(number)["order_remark"] == "第一批"

    bought = trader.order_stock(account, "600036.SH", 23, 100, 44, 0)
    user.wait(bought)
    [trade] = trader.query_stock_trades(account)
    assert (trade.order_id, trade.traded_volume) == (bought, 100)
    assert trader.query_stock_position(account, "600036.SH").volume == 100
    asset = trader.query_stock_asset(account)
    assert asset.cash == user.balance[0]["cash"] < 1_000_000
    assert [args[0] for _, args in terminal.calls] == [23, 23]
    assert isinstance(trader.query_new_purchase_limit(account), dict)
    assert trader.query_ipo_data() == {}


def test_the_usual_restart_guard_of_a_script_still_guards(world: tuple[Any, Any]) -> None:
    """按备注认自己下过的：备注要原样回来，多一个标记就会再买一遍。"""
    user, terminal = world
    recorder, mine = Responses(), "今天第一批"
    user.trader.register_callback(recorder)
    price = user.quote("600036")["600036"]["last"]

    def once() -> None:
        trader, account = user.trader, user.account
        if any(each.order_remark == mine for each in trader.query_stock_orders(account)):
            return
        trader.order_stock(account, "600036.SH", 23, 100, 11, price + 0.05, "均线", mine)

    once()
    once()
    [order] = user.trader.query_stock_orders(user.account)
    user.wait(order.order_id)
    assert len(list(terminal.calls)) == 1
    assert user.trader.query_stock_order(user.account, order.order_id).order_remark == mine
    assert [each.order_remark for each in user.trader.query_stock_trades(user.account)] == [mine]
    recorder.wait_for("trade")
    seen = recorder.of("order") + recorder.of("trade")
    assert {each.order_remark for each in seen} == {mine}


def test_callbacks_and_the_asynchronous_calls(world: tuple[Any, Any]) -> None:
    user, _ = world
    recorder, found, done = Responses(), [], threading.Event()
    trader, account = user.trader, user.account
    trader.register_callback(recorder)
    price = user.quote("600036")["600036"]["limit_down"]
    seq = trader.order_stock_async(account, "600036.SH", 23, 100, 11, price)
    eventually(lambda: recorder.of("order_response"))
    [response] = recorder.of("order_response")
    assert (response.seq, response.order_id > 0) == (seq, True)
    seq = trader.cancel_order_stock_async(account, response.order_id)
    eventually(lambda: recorder.of("cancel_response"))
    assert recorder.of("cancel_response")[0].seq == seq
    eventually(lambda: 54 in [each.order_status for each in recorder.of("order")])

    def heard(orders: Any) -> None:
        found.extend(orders)
        done.set()

    assert trader.query_stock_orders_async(account, heard) > 0
    assert done.wait(10)
    assert [each.order_id for each in found] == [response.order_id]


def test_other_accounts_and_bad_terms_send_nothing(world: tuple[Any, Any]) -> None:
    user, terminal = world
    trader, account = user.trader, user.account
    with pytest.raises(UsageError, match="account") as caught:
        trader.order_stock(StockAccount("1234567890"), "600036.SH", 23, 100, 11, 35.0)
    assert "1234567890" not in str(caught.value)
    for terms in (
        ("没有", 23, 100, 11, 35.0),
        ("600036.SH", "买", 100, 11, 35.0),
        ("600036.SH", 23, 0, 11, 35.0),
        ("600036.SH", 23, 100, "限价", 35.0),
        ("600036.SH", 23, 100, 11, float("nan")),
    ):
        with pytest.raises(UsageError):
            trader.order_stock(account, *terms)
    with pytest.raises(UnsupportedError):
        trader.order_stock(account, "600036.SH", 40, 100, 11, 35.0)
    assert list(terminal.calls) == []


def test_deadlines_hold_while_the_client_hangs(world: tuple[Any, Any]) -> None:
    user, terminal = world
    session = user._session
    session._limit_s = 0.5
    trader, account = user.trader, user.account
    terminal.hang(2.0)
    with pytest.raises(QueryFailedError):
        trader.query_stock_asset(account)
    with pytest.raises(OutcomeUnknownError) as caught:
        trader.order_stock(account, "600036.SH", 23, 100, 11, 35.0)
    assert caught.value.tag
    eventually(lambda: user.state == "已连接" and user._session is not session)
    assert user.find_entrust(caught.value.tag) is None
    assert list(terminal.calls) == []  # 挂着的时候期限过了：醒来也不下


@pytest.mark.parametrize("end", ["stop", "close"])
def test_run_forever_ends_with_the_session(world: tuple[Any, Any], end: str) -> None:
    user, _ = world
    trader = user.trader
    waiter = threading.Thread(target=trader.run_forever, daemon=True)
    waiter.start()
    getattr(trader if end == "stop" else user, end)()
    waiter.join(10)
    assert not waiter.is_alive()


def test_every_method_of_the_vendor_is_here_or_says_why() -> None:
    easytrader.use("sim")
    from xtquant.xttrader import XtQuantTrader

    shaped = ShapedTrader.__new__(ShapedTrader)
    shaped._line = None  # type: ignore[assignment]
    inner = {"common_op_sync_with_seq", "common_op_async_with_seq"}
    for name in dir(XtQuantTrader):
        if name.startswith("_") or name in inner:
            continue
        assert name in dir(ShapedTrader) or _answers(name), name


def _answers(name: str) -> bool:
    from easytrader.bigqmt import shaped

    return (
        name.removesuffix("_async") in shaped._QUERIES
        or name.startswith(shaped._MISSING)
        or (name.endswith("_async") and name.removesuffix("_async") in dir(ShapedTrader))
    )


def test_it_needs_no_xtquant(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys; sys.modules['xtquant'] = None\n"
        "import easytrader\n"
        "user = easytrader.use('bigqmt')\n"
        "import easytrader.bigqmt.session, easytrader.miniqmt.groups.credit\n"
        "print('ok')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "ok", done.stderr
