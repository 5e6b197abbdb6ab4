"""按日子查以前的委托、成交、收盘的资金与持仓。"""

from __future__ import annotations

import shutil
import sqlite3
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from counter_desk import ACCOUNT, DAY, SELL, Desk

from easytrader import rows
from easytrader.errors import SimulatorError, UsageError
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.gateway import history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STOCK, REPO = "600036.SH", "204001.SH"
FIRST, SECOND = "2026-11-20", "2026-11-21"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def build(**settings: Any) -> Desk:
        desk = Desk(tmp_path / f"历史 #{len(made)}?", **settings)
        made.append(desk)
        return desk

    yield build
    for desk in made:
        desk.engine.close()


def traded_day(desk: Desk) -> None:
    """一天：买成一笔，废一笔，借出一笔，挂着一笔到期。"""
    quote = desk.quote(STOCK)
    desk.buy(STOCK, 200, quote.asks[4].price_li / 1000)
    desk.buy(STOCK, 100, 99.0)
    desk.sell(REPO, 1000, desk.quote(REPO).bids[0].price_li / 1000)
    desk.buy(STOCK, 100, quote.limit_down_li / 1000)


def test_yesterday_is_gone_from_the_queries_but_not_from_the_books(make: Any) -> None:
    desk = make()
    traded_day(desk)
    asked = [rows.order_row(row) for row in desk.orders()]
    fills = [rows.trade_row(row) for row in desk.trades()]
    path = desk.folder.path
    assert history.orders(path, FIRST) == asked, "今天的，此刻的样子"
    assert history.trades(path, FIRST) == fills
    desk.clock.advance(DAY)
    assert desk.orders() == desk.trades() == []
    kept = history.orders(path, FIRST)
    assert [row["order_status_name"] for row in kept] == ["已成", "废单", "已成", "已撤"]
    assert [dict(row, order_status=0, order_status_name="") for row in kept] == [
        dict(row, order_status=0, order_status_name="") for row in asked
    ]
    assert list(kept[0]) == list(asked[0]), "键与次序同当日的查询"
    assert history.trades(path, FIRST) == fills
    assert history.orders(path, SECOND) == history.trades(path, SECOND) == []
    assert history.orders(path, date(2026, 11, 20)) == kept
    assert history.days(path) == [FIRST]
    desk.engine.close()
    assert history.orders(path, FIRST) == kept, "没有人占着也能查"
    desk.reopen()
    assert history.orders(path, FIRST) == kept


def test_the_close_of_every_day(make: Any) -> None:
    desk = make(positions=(("000001.SZ", 300, 3_450_000),))
    path = desk.folder.path
    assert history.assets(path) == [], "还没有过完一天"
    traded_day(desk)
    last = desk.asset()
    fees = sum(trade.commission for trade in desk.trades())
    desk.clock.set(
        datetime(2026, 11, 20, 23, 59, 58, tzinfo=timezone(timedelta(hours=8))).timestamp()
    )
    close = {code: desk.quote(code).last_li / 1000 for code in (STOCK, "000001.SZ")}
    desk.clock.advance(DAY)
    desk.engine.advance()
    [row] = history.assets(path)
    market = 200 * close[STOCK] + 300 * close["000001.SZ"]
    assert row == {
        "date": FIRST,
        "total_asset": round(row["cash"] + market + 100_000, 3),
        "market_value": round(market, 3),
        "cash": round(last.cash + last.frozen_cash, 3),
        "frozen_cash": 0.0,
        "account_type": 2,
        "account_id": ACCOUNT,
        "lent": 100_000.0,
        "fees": round(fees, 3),
        "debt": 0.0,
    }
    held = history.positions(path, FIRST)
    assert [(each["stock_code"], each["volume"]) for each in held] == [
        ("000001.SZ", 300),
        (STOCK, 200),
    ]
    assert held[0] == {
        "date": FIRST,
        "account_id": ACCOUNT,
        "security": "000001",
        "stock_code": "000001.SZ",
        "volume": 300,
        "avg_price": 11.5,
        "last_price": close["000001.SZ"],
        "market_value": round(300 * close["000001.SZ"], 3),
    }
    for _ in range(3):
        desk.clock.advance(DAY)
        desk.engine.advance()
    curve = history.assets(path)
    days = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]
    assert [each["date"] for each in curve] == days
    assert [each["lent"] for each in curve] == [100_000.0, 0.0, 0.0, 0.0]
    assert len({each["total_asset"] for each in curve}) > 1, "价格在走，净值就在走"
    assert all(
        round(each["total_asset"] - each["cash"] - each["market_value"] - each["lent"], 3) == 0
        for each in curve
    )


def test_days_nobody_watched_are_closed_too(make: Any) -> None:
    desk = make()
    traded_day(desk)
    desk.clock.advance(5 * DAY)
    desk.engine.advance()
    desk.clock.advance(DAY)
    desk.engine.advance()
    days = [FIRST, *(f"2026-11-{day}" for day in range(21, 26))]
    assert history.days(desk.folder.path) == days


def test_several_accounts(tmp_path: Path) -> None:
    from support import VendorEngine as Engine

    from easytrader.sim.exchange.clock import ManualClock
    from easytrader.sim.ledger.events import SubmitOrder

    names = ("1_1", "121")
    folder = create(tmp_path / "两户", [AccountConfig(name) for name in names])
    clock = ManualClock(1795140000.0)
    engine = Engine(folder, clock)
    for name in names:
        engine.submit(SubmitOrder(2, name, REPO, SELL, 10, 11, 0.005, "", ""))
    clock.advance(DAY)
    engine.advance()
    assert len(history.orders(folder.path, FIRST)) == 2
    for name in names:
        [order] = history.orders(folder.path, FIRST, name)
        [asset] = history.assets(folder.path, name)
        assert order["account_id"] == asset["account_id"] == name
        assert history.trades(folder.path, FIRST, account_id=name)
        assert history.positions(folder.path, FIRST, name) == []
    with pytest.raises(UsageError, match="里有：121、1_1"):
        history.orders(folder.path, FIRST, "9")
    engine.close()


@pytest.mark.parametrize(
    "bad", ["", "20261120", "2026/11/20", "2026-02-30", "今天", 20261120, None]
)
def test_a_bad_date(make: Any, bad: Any) -> None:
    desk = make()
    for ask in (history.orders, history.trades, history.positions):
        with pytest.raises(UsageError, match="应为 2026-11-20 这样的日期"):
            ask(desk.folder.path, bad)


def test_a_day_that_has_not_come(make: Any) -> None:
    desk = make()
    with pytest.raises(SimulatorError, match=f"还没有到.*走到 {FIRST}"):
        history.orders(desk.folder.path, SECOND)


def test_wrong_places(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="不是模拟 MiniQMT 的文件夹"):
        history.orders(tmp_path / "没有", FIRST)
    with pytest.raises(SimulatorError, match="不是模拟 MiniQMT 的文件夹"):
        history.assets(tmp_path)
    folder = create(tmp_path / "新的", [AccountConfig("1")])
    with pytest.raises(SimulatorError, match="还没有账本"):
        history.days(folder.path)
    folder.store_path.write_bytes("不是数据库，但是要长一些".encode() * 100)
    with pytest.raises(SimulatorError, match="读不出来"):
        history.days(folder.path)
    folder.store_path.unlink()
    with sqlite3.connect(folder.store_path) as db:
        db.execute("CREATE TABLE other (x)")
    db.close()
    with pytest.raises(SimulatorError, match="不是模拟 MiniQMT 的账本"):
        history.days(folder.path)


@pytest.mark.parametrize(("version", "told"), [(4, "旧版本 4"), (99, "较新的版本 99")])
def test_other_versions(make: Any, version: int, told: str) -> None:
    desk = make()
    desk.engine.close()
    with sqlite3.connect(desk.folder.store_path) as db:
        db.execute(f"PRAGMA user_version={version}")
    db.close()
    with pytest.raises(SimulatorError, match=told):
        history.days(desk.folder.path)
    if version > 5:
        with pytest.raises(SimulatorError, match=told):
            desk.reopen()


def test_reading_changes_nothing(make: Any) -> None:
    desk = make()
    traded_day(desk)
    desk.engine.close()
    before = desk.folder.store_path.read_bytes()
    history.orders(desk.folder.path, FIRST)
    assert desk.folder.store_path.read_bytes() == before
    desk.reopen()
    assert len(desk.orders()) == 4
    desk.buy(STOCK, 100, 99.0)
    assert len(history.orders(desk.folder.path, FIRST)) == 5, "查过之后照样能用"


def test_an_older_store_is_brought_up(make: Any) -> None:
    """版本 3 的账本（没有收盘的两张表）：升级后照旧，从升级那天起有收盘。"""
    desk = make()
    traded_day(desk)
    for account in desk.engine._counter.state.accounts.values():
        for held in account.positions.values():
            held.spent_li = held.cost_li  # 旧账本没有它，从买入成本起算
    before = desk.snapshot(), desk.internals()
    desk.engine.close()
    with sqlite3.connect(desk.folder.store_path) as db:
        db.executescript(
            "ALTER TABLE positions DROP COLUMN spent_li;"
            "DROP TABLE closing_assets; DROP TABLE closing_positions;"
            "ALTER TABLE trades DROP COLUMN interest_li; PRAGMA user_version=3;"
        )
    db.close()
    desk.reopen()
    assert (desk.snapshot(), desk.internals()) == before
    desk.clock.advance(DAY)
    desk.engine.advance()
    assert [row["date"] for row in history.assets(desk.folder.path)] == [FIRST]


@pytest.mark.parametrize("version", [1, 2])
def test_much_older_stores(make: Any, version: int) -> None:
    desk = make()
    traded_day(desk)
    kept = history.orders(desk.folder.path, FIRST)
    desk.engine.close()
    steps = "DROP TABLE closing_assets; DROP TABLE closing_positions; DROP TABLE records;"
    steps += "ALTER TABLE orders DROP COLUMN off_book; ALTER TABLE trades DROP COLUMN interest_li;"
    steps += "ALTER TABLE positions DROP COLUMN spent_li;"
    if version == 1:
        steps += "DROP TABLE queues; ALTER TABLE orders DROP COLUMN waiting;"
        steps += "ALTER TABLE orders DROP COLUMN ahead;"
    with sqlite3.connect(desk.folder.store_path) as db:
        db.executescript(f"{steps} PRAGMA user_version={version};")
    db.close()
    desk.reopen()
    assert history.orders(desk.folder.path, FIRST) == kept


def test_the_close_is_in_the_same_step_as_the_roll(make: Any) -> None:
    """换日没有写成：什么都没有发生；再来一次，收盘只有一份。"""
    desk = make()
    traded_day(desk)
    full = True
    desk.engine.ask_disk(lambda: full)
    desk.clock.advance(DAY)
    with pytest.raises(SimulatorError):
        desk.engine.advance()
    assert history.assets(desk.folder.path) == []
    full = False
    desk.engine.advance()
    assert [row["date"] for row in history.assets(desk.folder.path)] == [FIRST]


def test_a_copy_of_the_folder(make: Any, tmp_path: Path) -> None:
    """正用着的时候拷走一份（带着 WAL），也查得到。"""
    desk = make()
    traded_day(desk)
    copied = tmp_path / "拷贝"
    shutil.copytree(desk.folder.path, copied)
    assert history.orders(copied, FIRST) == history.orders(desk.folder.path, FIRST)
