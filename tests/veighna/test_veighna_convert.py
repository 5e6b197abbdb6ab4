"""我们的字典变成 VeighNa 的对象：每种状态、看不懂的、放不下的，都不丢、不断。"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

pytest.importorskip("vnpy.trader.gateway")

from support import ACCOUNT, ROOT, eventually
from veighna_floor import Direction, OrderType, Status

from easytrader import rows
from easytrader.backend.records import Order as Record
from easytrader.backend.records import OrderChanged, Side, Traded
from easytrader.backend.records import Trade as Deal
from easytrader.codes import ORDER_STATUS_NAMES, OrderStatus
from easytrader.codes import OrderType as Kind
from easytrader.veighna import convert

pytestmark = pytest.mark.counters
TIME = 1_764_554_400


def _record(number: int = 7, **facts: Any) -> Record:
    given: Any = {
        "stock_code": "600036.SH", "side": Side.BUY, "order_volume": 100, "price": 35.5,
        "order_status": OrderStatus.REPORTED, "order_time": TIME, "account_id": ACCOUNT, **facts,
    }  # fmt: skip
    return Record(order_id=number, **given)


def _order(**facts: Any) -> Any:
    return convert.order(rows.order_row(_record(**facts)), "7", "QMT")


def test_every_status_has_a_place_and_the_unknown_is_not_rejected() -> None:
    """vnpy_qmt 把没见过的状态当成废单。"""
    found = {code: _order(order_status=code).status for code in (*ORDER_STATUS_NAMES, 99)}
    assert found.pop(255) is Status.SUBMITTING
    assert found.pop(99) is Status.SUBMITTING
    finals = {code for code, status in found.items() if status.name in _FINAL}
    assert finals == {53, 54, 56, 57}
    assert found[OrderStatus.PARTSUCC_CANCEL] is Status.PARTTRADED


_FINAL = ("CANCELLED", "ALLTRADED", "REJECTED")


def test_market_and_odd_kinds() -> None:
    """vnpy_xt 丢掉不是限价的、没有备注的。"""
    market = _order(price=None)
    assert (market.type, market.price) == (OrderType.MARKET, 0)
    assert _order(order_type=Kind.FIN_BUY).direction is Direction.LONG
    assert _order(order_type=Kind.ETF_PURCHASE).direction is Direction.LONG
    assert _order(order_type=Kind.SELL_SECU_REPAY).direction is Direction.SHORT
    assert _order().datetime.isoformat() == "2025-12-01T10:00:00+08:00"
    assert _order(order_time=0).datetime is None


def test_what_veighna_cannot_hold_is_skipped_once_and_breaks_nothing(qmt: Any) -> None:
    desk = qmt.main.get_gateway("QMT")._desk
    for number, code in enumerate(("00700.HK", "00700.HK", ""), 1):
        desk.heard(OrderChanged(_record(number, stock_code=code)))
        deal = Deal(
            stock_code=code, order_id=number, side=Side.BUY, traded_id="1", traded_time=TIME,
            traded_price=1, traded_volume=1,
        )  # fmt: skip
        desk.heard(Traded(deal))
    desk.heard(OrderChanged(_record(9)))
    qmt.until("QMT.9", Status.NOTTRADED)
    assert len(qmt.told("跳过 00700.HK")) == len(qmt.told("跳过 没有证券的一笔")) == 1
    assert qmt.main.get_all_trades() == []


def test_a_broken_push_is_not_the_end(qmt: Any) -> None:
    desk = qmt.main.get_gateway("QMT")._desk
    desk.heard(OrderChanged(None))  # type: ignore[arg-type]  # 读不出来的
    desk.place(None)
    qmt.hears("交易台出错")
    desk.heard(OrderChanged(_record(9)))
    qmt.until("QMT.9", Status.NOTTRADED)


def test_a_number_used_again_on_another_day_is_another_order(qmt: Any) -> None:
    """委托编号只在当天唯一，而进程会一直开着。"""
    desk = qmt.main.get_gateway("QMT")._desk
    desk.heard(OrderChanged(_record(9, order_status=OrderStatus.SUCCEEDED, traded_volume=100)))
    qmt.until("QMT.9", Status.ALLTRADED)
    desk.heard(OrderChanged(_record(9, order_time=TIME + 86400)))
    eventually(lambda: len(qmt.main.get_all_orders()) == 2)
    assert qmt.main.get_order("QMT.9").status is Status.ALLTRADED
    (again,) = qmt.main.get_all_active_orders()
    qmt.cancel(again.vt_orderid, "600036.SH")
    eventually(lambda: qmt.told("撤单被拒") or qmt.told("的撤单"))


def test_a_push_without_its_tag_waits_for_the_answer(qmt: Any) -> None:
    """远程的推送里没有标记，又可能赶在应答前面：等编号来了才知道是哪一笔。"""
    gateway = qmt.main.get_gateway("QMT")
    user, desk, book = gateway.user, gateway._desk, gateway._book
    user.capabilities = replace(user.capabilities, journal=False)
    book.sent["ours"], book.pending["tag"] = _order(), "ours"
    desk.heard(OrderChanged(_record(9)))
    desk.heard(OrderChanged(_record(10, side=Side.SELL)))  # 不像它的不等
    qmt.until("QMT.10", Status.NOTTRADED)
    assert qmt.main.get_order("QMT.9") is None
    desk._inbox.put(partial(desk._bind, "ours", 9))
    qmt.until("QMT.ours", Status.NOTTRADED)
    assert qmt.main.get_order("QMT.9") is None


def test_going_backwards_is_not_told(qmt: Any) -> None:
    desk = qmt.main.get_gateway("QMT")._desk
    desk.heard(OrderChanged(_record(9, order_status=OrderStatus.SUCCEEDED, traded_volume=100)))
    desk.heard(OrderChanged(_record(9)))
    desk.heard(OrderChanged(_record(10)))
    qmt.until("QMT.10", Status.NOTTRADED)
    assert qmt.statuses("QMT.9") == [Status.ALLTRADED]


PROBE = """
import signal
from pathlib import Path

from loguru import logger

before = signal.getsignal(signal.SIGINT), Path.cwd(), list(logger._core.handlers)
import easytrader.veighna

assert before == (signal.getsignal(signal.SIGINT), Path.cwd(), list(logger._core.handlers))
assert not (Path.home() / ".vntrader").exists()
"""


def test_importing_it_changes_nothing_in_the_process(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    subprocess.run([sys.executable, "-c", PROBE], check=True, timeout=60, cwd=tmp_path)
