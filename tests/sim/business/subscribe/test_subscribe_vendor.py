"""全程经过厂商自己的 ``xttrader.py``：查新股、申购、到股、卖出；分红送股也在同一个账户上。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from subscribe_desk import ACCOUNT, BOND, SHENZHEN, STAR, bond, shenzhen, star
from support import SimProcess

import easytrader
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUY, SELL, FIX_PRICE = 23, 24, 11


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = create(
        tmp_path / "用户 数据",
        [AccountConfig(ACCOUNT, 2, 200_000, (("600036.SH", 1000, 30),))],
        clock="step",
        start="2026-11-16 09:31",
    )
    issues = {STAR: star(wins=2), SHENZHEN: shenzhen(date="2026-11-17"), BOND: bond()}
    (made.path / "ipo.json").write_text(json.dumps({"issues": issues}), encoding="utf-8")
    actions = {"600036.SH": [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 1, "bonus": 5}]}
    (made.path / "corporate_actions.json").write_text(json.dumps(actions), encoding="utf-8")
    return made.path


@pytest.fixture
def user(folder: Path) -> Iterator[Any]:
    trader = easytrader.use("sim")
    trader.connect(str(folder))
    yield trader
    trader.close()


def test_the_whole_way(user: Any) -> None:
    raw, account = user.trader, user.account
    assert raw.query_ipo_data() == {
        STAR: {
            "name": "模拟星辰", "type": "STOCK", "maxPurchaseNum": 9000, "minPurchaseNum": 500,
            "purchaseDate": "20261116", "issuePrice": 25.6,
        },
        BOND: {
            "name": "模拟发债", "type": "BOND", "maxPurchaseNum": 10000, "minPurchaseNum": 10,
            "purchaseDate": "20261116", "issuePrice": 100.0,
        },
    }  # fmt: skip
    limits = raw.query_new_purchase_limit(account)
    assert list(limits) == ["KCB", "SH", "SZ"]
    assert 2000 < limits["KCB"] == limits["SH"] < 5000, "1000 股、三十几元的市值"
    assert limits["SZ"] == 0

    order_id = raw.order_stock(account, STAR, BUY, 2000, FIX_PRICE, 25.6, "打新", "")
    assert order_id > 0
    order = raw.query_stock_order(account, order_id)
    assert (order.order_status, order.price_type, order.traded_volume) == (50, 54, 0)
    assert raw.order_stock(account, STAR, BUY, 500, FIX_PRICE, 25.6, "", "") > 0
    again = raw.query_stock_orders(account)[-1]
    assert again.order_status == 57
    assert again.status_msg.startswith("[COUNTER][1229]")
    assert raw.cancel_order_stock(account, order_id) == 0
    assert raw.query_stock_order(account, order_id).order_status == 50

    user.sim.goto("2026-11-18 09:31")
    position = raw.query_stock_position(account, "600036.SH")
    assert (position.volume, position.can_use_volume) == (1500, 1500)
    assert raw.query_stock_asset(account).cash == 201_000.0
    user.sim.goto("2026-11-19 09:31")
    assert raw.query_stock_asset(account).cash == 201_000.0 - 25_600.0
    user.sim.goto("2026-11-23 09:31")
    position = raw.query_stock_position(account, "688801.SH")
    assert (position.volume, position.can_use_volume, position.open_price) == (1000, 1000, 25.6)
    quote = user.quote("688801.SH")["688801.SH"]
    assert quote["pre_close"] == 25.6
    price = quote["bids"][4][0]
    sold = raw.order_stock(account, "688801.SH", SELL, 1000, FIX_PRICE, price, "", "")
    assert raw.query_stock_order(account, sold).order_status == 56


def test_the_facade_subscribes_too(user: Any) -> None:
    answer = user.buy(STAR, price=25.6, amount=500)
    [row] = user.today_entrusts
    assert row["order_id"] == answer["entrust_no"]
    assert row["order_status_name"] == "已报"
    assert row["price_type_name"] == "申购"


def test_the_async_queries_answer(user: Any) -> None:
    from concurrent.futures import Future

    data: Future[Any] = Future()
    limit: Future[Any] = Future()
    user.trader.query_ipo_data_async(data.set_result)
    user.trader.query_new_purchase_limit_async(user.account, limit.set_result)
    assert [each.m_strIPOCode for each in data.result(30)] == [STAR, BOND]
    assert [each.m_strNewPurchaseLimitKey for each in limit.result(30)] == ["KCB", "SH", "SZ"]


def test_reconnecting_in_between(folder: Path) -> None:
    for when, held in (
        ("2026-11-16 09:40", 0),
        ("2026-11-19 09:40", 0),
        ("2026-11-23 09:40", 1000),
    ):
        trader: Any = easytrader.use("sim")
        trader.connect(str(folder))
        try:
            if when < "2026-11-17":
                args = (STAR, BUY, 2000, FIX_PRICE, 25.6, "", "")
                assert trader.trader.order_stock(trader.account, *args) > 0
            trader.sim.goto(when)
            position = trader.trader.query_stock_position(trader.account, "688801.SH")
            assert (position.volume if position else 0) == held
        finally:
            trader.close()


def test_a_killed_process_neither_forgets_nor_repeats(folder: Path) -> None:
    """下完申购就杀（不打招呼），以后每过一天杀一次。"""
    process = SimProcess(folder)
    cash, held, statuses = [], [], []
    for when in ("16", "18", "19", "23"):
        process.start()
        trader: Any = easytrader.use("sim")
        try:
            trader.connect(str(folder), ACCOUNT, reconnect_enabled=False)
            raw, account = trader.trader, trader.account
            if when == "16":
                assert raw.order_stock(account, STAR, BUY, 2000, FIX_PRICE, 25.6, "", "") > 0
            else:
                trader.sim.goto(f"2026-11-{when} 09:40")
            statuses += [each.order_status for each in raw.query_stock_orders(account)]
            cash.append(raw.query_stock_asset(account).cash)
            position = raw.query_stock_position(account, "688801.SH")
            held.append(position.volume if position else 0)
        finally:
            process.kill()
            trader.close()
    assert statuses == [50]
    assert cash == [200_000.0, 201_000.0, 175_400.0, 175_400.0]
    assert held == [0, 0, 0, 1000]
