"""经厂商原样的 xttrader.py：1043、1044 下单、推送、查询、撤单；服务进程被杀。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, Recorder, SimProcess, eventually

import easytrader
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.host.stepping import Stepper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Open = Callable[..., Any]

SH, STAR = "600036.SH", "688981.SH"


@pytest.fixture
def open_user(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """单步时钟的模拟账户。"""
    opened = []

    def make(start: str, recorder: Recorder | None = None) -> Any:
        path = tmp_path / f"盘后 {len(opened)}"
        account = AccountConfig(ACCOUNT, cash=10**9, positions=((SH, 2000, 30),))
        create(path, [account], clock="step", start=start)
        user = easytrader.use("sim")
        user.connect(str(path), ACCOUNT, recorder, timeout=5)
        opened.append(user)
        return user

    yield make
    for user in opened:
        user.close()


def place(user: Any, code: str, side: int, volume: int, price: float) -> int:
    """厂商的 order_stock，限价。"""
    found: int = user.trader.order_stock(user.account, code, side, volume, 11, price, "策略", "")
    return found


def test_the_constants_are_the_vendors() -> None:
    from xtquant import xtconstant

    from easytrader import codes

    assert codes.OrderType.AFTER_FIX_BUY == xtconstant.OPT_AFTER_FIX_BUY
    assert codes.OrderType.AFTER_FIX_SELL == xtconstant.OPT_AFTER_FIX_SELL


def test_a_day_of_after_hours(open_user: Open) -> None:
    from xtquant import xtconstant

    recorder = Recorder()
    user = open_user("2026-11-20 14:50", recorder)
    limit_up = user.quote(STAR)[STAR]["limit_up"]
    bought = place(user, STAR, xtconstant.OPT_AFTER_FIX_BUY, 400, limit_up)
    sold = place(user, SH, xtconstant.OPT_AFTER_FIX_SELL, 1000, user.quote(SH)[SH]["limit_down"])
    waiting = place(user, SH, xtconstant.OPT_AFTER_FIX_BUY, 100, user.quote(SH)[SH]["limit_down"])
    assert bought > 0
    assert sold > 0
    frozen = user.trader.query_stock_asset(user.account).frozen_cash
    assert frozen > 400 * limit_up

    user.sim.goto("2026-11-20 15:04:59")
    assert user.today_trades == []
    user.sim.goto("2026-11-20 15:30")
    rows = {row["order_id"]: row for row in user.today_entrusts}
    assert rows[bought]["order_type_name"] == "盘后定价买入"
    assert rows[sold]["order_type_name"] == "盘后定价卖出"
    assert rows[bought]["offset_flag_name"] == "买入"
    assert rows[sold]["order_status_name"] == "已成"
    assert rows[waiting]["order_status_name"] == "已报"
    for row in user.today_trades:
        assert row["traded_price"] == user.quote(row["stock_code"])[row["stock_code"]]["last"]
        assert row["order_type"] in (1043, 1044)
    pushed = recorder.wait_for("trade", len(user.today_trades))
    assert {each.order_type for each in pushed} == {
        each["order_type"] for each in user.today_trades
    }
    user.sim.next_day()
    assert user.trader.query_stock_asset(user.account).frozen_cash == 0.0


def test_cancel_and_refusals(open_user: Open) -> None:
    recorder = Recorder()
    user = open_user("2026-11-20 15:05:10", recorder)
    last = user.quote(SH)[SH]["last"]
    order_id = place(user, SH, 1043, 100, last)
    assert order_id > 0
    assert user.trader.cancel_order_stock(user.account, order_id) == 0
    assert user.wait(order_id)["order_status_name"] == "已撤"
    refused = place(user, SH, 1043, 100, round(last - 0.01, 2))
    assert user.wait(refused)["order_status_name"] == "废单"
    assert "比收盘价差" in recorder.wait_for("order_error")[0].error_msg
    user.sim.goto("2026-11-20 15:30")
    late = place(user, SH, 1044, 100, last)
    assert user.wait(late)["order_status_name"] == "废单"
    assert "当前时间不允许此类证券交易" in recorder.wait_for("order_error", 2)[1].error_msg


def test_a_kill_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    """服务进程在 15:10 被 kill -9：接着走完，与没有被杀的一样。"""
    found = []
    for killed in (False, True):
        path = tmp_path / f"被杀 {killed}"
        account = AccountConfig(ACCOUNT, cash=10**10)
        create(path, [account], clock="step", start="2026-11-20 14:50", connect_wait_s=0.3)
        process = SimProcess(path)
        process.start()
        try:
            with easytrader.use("miniqmt") as user:
                user.connect(str(path), ACCOUNT, None, timeout=5, reconnect_interval=0.2)
                limit_up = user.quote(STAR)[STAR]["limit_up"]
                assert place(user, STAR, 1043, 200_000, limit_up) > 0
                Stepper(path).goto("2026-11-20 15:10")
                if killed:
                    process.kill()
                    eventually(lambda: user.state != "已连接")
                    process.start()
                    eventually(lambda: user.state == "已连接")
                Stepper(path).goto("2026-11-20 15:31")
                found.append((user.today_entrusts, user.today_trades, user.balance))
        finally:
            process.kill()
    assert found[0] == found[1]
    assert found[0][1]
