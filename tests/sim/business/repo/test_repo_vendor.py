"""经厂商原样的 xttrader.py 与 easytrader 的门面：借出、查资金、到期、可取。"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, Recorder, SimProcess, eventually

import easytrader
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Open = Callable[..., Any]


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """单步时钟的模拟账户。"""
    opened = []

    def make(start: str, recorder: Recorder | None = None, **settings: Any) -> Any:
        path = tmp_path / f"逆回购 {len(opened)}"
        account = AccountConfig(ACCOUNT)
        create(path, [account], clock="step", start=start, **settings)
        user = easytrader.use("sim")
        user.connect(str(path), ACCOUNT, recorder, timeout=5)
        opened.append(user)
        return user

    yield make
    for user in opened:
        user.close()


def asset(user: Any) -> Any:
    """厂商的 XtAsset。"""
    return user.trader.query_stock_asset(user.account)


def test_lend_over_a_weekend(walk: Open) -> None:
    recorder = Recorder()
    user = walk("2026-11-19 10:00", recorder)
    rate = user.quote("204001.SH")["204001.SH"]["bids"][0][0]
    placed = user.sell("204001", price=rate, amount=5000)
    done = user.wait(placed["entrust_no"])
    assert (done["order_status_name"], done["offset_flag_name"]) == ("已成", "卖出")
    [trade] = recorder.wait_for("trade")
    assert (trade.stock_code, trade.traded_amount, trade.commission) == (
        "204001.SH",
        500_000.0,
        5.0,
    )
    assert (trade.traded_price, trade.traded_volume) == (rate, 5000)
    [row] = user.today_trades
    assert row["traded_amount"] == 500_000.0
    assert user.position == [], "借出的钱不是持仓"

    row = asset(user)
    assert (row.cash, row.fetch_balance, row.market_value) == (499_995.0, 499_995.0, 0.0)
    assert row.total_asset == 999_995.0
    assert user.balance[0]["total_asset"] == 999_995.0

    # 周四借出一天：占款三天，周五可用，周一可取
    earned = Decimal(str(rate)) / 100 * 500_000 * 3 / 365
    user.sim.next_day()
    row = asset(user)
    assert row.cash == float(999_995 + round(earned, 2))
    assert row.total_asset == row.cash
    assert row.fetch_balance == 499_995.0
    assert user.today_entrusts == []
    user.sim.next_day()
    assert asset(user).fetch_balance == asset(user).cash


def test_refusals_reach_the_caller(walk: Open) -> None:
    recorder = Recorder()
    user = walk("2026-11-19 10:00", recorder)
    bad = ((1.502, 10, "0.005的整数倍"), (1.5, 15, "10的倍数"))
    for count, (price, amount, told) in enumerate(bad, 1):
        placed = user.sell("204001", price=price, amount=amount)
        row = user.wait(placed["entrust_no"])
        assert row["order_status_name"] == "废单"
        assert told in recorder.wait_for("order_error", count)[-1].error_msg
    placed = user.buy("131810", price=1.5, amount=10)
    assert user.wait(placed["entrust_no"])["order_status_name"] == "废单"
    assert "不做正回购" in recorder.wait_for("order_error", 3)[-1].error_msg


def test_the_quote_is_a_rate(walk: Open) -> None:
    user = walk("2026-11-19 10:00")
    for code in ("204001.SH", "131810.SZ", "204007.SH"):
        quote = user.quote(code)[code]
        assert 1.0 < quote["last"] < 2.5
        assert len(quote["bids"]) == 5
        assert quote["bids"][0][0] < quote["asks"][0][0]


def test_a_kill_loses_nothing(served: SimProcess) -> None:
    """服务进程借出之后被 kill -9：重启后钱还借着，委托还是已成。"""
    with easytrader.use("miniqmt") as user:
        user.connect(str(served.folder), ACCOUNT, None, timeout=5, reconnect_interval=0.2)
        rate = user.quote("204001.SH")["204001.SH"]["bids"][0][0]
        placed = user.sell("204001", price=rate - 0.05, amount=1000)
        assert user.wait(placed["entrust_no"])["order_status_name"] == "已成"
        [before] = user.balance
        served.kill()
        eventually(lambda: user.state != "已连接")
        served.start()
        eventually(lambda: user.state == "已连接")
        assert user.balance[0]["cash"] == before["cash"]
        [order] = user.today_entrusts
        assert order["order_status_name"] == "已成"
        lent = before["total_asset"] - before["cash"] - before["market_value"]
        assert round(lent, 2) == 100_000.0
        [after] = user.balance
        assert round(after["total_asset"] - after["cash"] - after["market_value"], 2) == 100_000.0
