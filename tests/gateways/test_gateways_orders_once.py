"""VeighNa 接口的恰好一次：几个线程、几个程序、死在半路，一个 id 只有一笔，说不清就说不清。"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("vnpy")

import gateway_once_child
from gateway_orders_gear import STOCK, connected, counter_of
from sim_gateway import BEIJING, SimCounter
from support import eventually
from vnpy.trader.constant import Direction, Exchange, OrderType, Status
from vnpy.trader.object import OrderData

from easytrader.errors import OutcomeUnknownError, QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.counters

CHILD = Path(gateway_once_child.__file__)


@pytest.fixture
def counter() -> Iterator[SimCounter]:
    with counter_of() as made:
        yield made


def _killed(name: str, where: str) -> None:
    """另一个进程用 id ``a`` 下一笔，死在 ``where``。"""
    tests = os.fspath(CHILD.parent.parent)
    path = os.pathsep.join((os.fspath(CHILD.parent.parent.parent), tests, os.fspath(CHILD.parent)))
    done = subprocess.run(
        [sys.executable, os.fspath(CHILD), name, where],
        env=os.environ | {"PYTHONPATH": path, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == gateway_once_child.DEAD, done.stderr


def _later_counter(name: str, *, has_it: bool) -> SimCounter:
    """同一个柜台，那个进程死了之后；``has_it``：那一笔在柜台上。"""
    counter = SimCounter(name, **{STOCK: 1000})
    counter.carries_reference = False
    if has_it:
        counter.orders["1_1"] = OrderData(
            symbol=STOCK, exchange=Exchange.SSE, orderid="1_1", direction=Direction.LONG,
            type=OrderType.LIMIT, price=39, volume=100, status=Status.NOTTRADED,
            datetime=datetime.now(BEIJING), gateway_name="?",
        )  # fmt: skip
    counter._sessions = itertools.count(7)
    return counter


def test_same_id_from_threads_and_traders(counter: SimCounter) -> None:
    with (
        connected(counter) as user,
        connected(counter) as other,
        ThreadPoolExecutor(8) as pool,
    ):

        def buy(index: int) -> object:
            trader = (user, other)[index % 2]
            return trader.buy(STOCK, 39, 100, client_order_id="a")["entrust_no"]

        assert len(set(pool.map(buy, range(8)))) == 1
        assert len(counter.sends) == 1
        for each in (user, other):
            row = each.find_entrust("a")
            assert row is not None
            assert row["order_remark"] == ""


def test_another_programs_remark_is_seen(counter: SimCounter) -> None:
    with connected(counter) as user, connected(counter) as other:
        number = user.buy(STOCK, 39, 100, remark="第 3 格", strategy_name="网格")["entrust_no"]
        eventually(lambda: [row for row in other.today_entrusts if row["order_remark"]])  # 一秒一写
        (row,) = other.today_entrusts
        assert (row["order_id"], row["order_remark"]) == (number, "第 3 格")
        assert row["strategy_name"] == "网格"


def test_after_reconnecting_the_order_is_known(counter: SimCounter) -> None:
    with connected(counter) as user:
        number = user.buy(STOCK, 39, 100, client_order_id="a", remark="第 3 格")["entrust_no"]
    with connected(counter) as user:
        assert user.buy(STOCK, 39, 100, client_order_id="a", remark="第 3 格") == {
            "entrust_no": number
        }
        row = user.find_entrust("a")
        assert row is not None
        assert (row["order_id"], row["order_remark"]) == (number, "第 3 格")
    assert len(counter.sends) == 1


def test_refused_at_once_may_be_tried_again(counter: SimCounter) -> None:
    with connected(counter) as user:
        counter.faults.refuse_sends = 1
        assert user.buy(STOCK, 39, 100, client_order_id="a")["entrust_no"] == -1
        assert user.buy(STOCK, 39, 100, client_order_id="a")["entrust_no"] != -1
    assert len(counter.sends) == 1


@pytest.mark.parametrize(
    ("where", "has_it"),
    [
        ("inside", True),
        pytest.param("before", False, marks=pytest.mark.soak),  # -m "counters and soak"
        pytest.param("unwritten", True, marks=pytest.mark.soak),
    ],
)
def test_killed_inside_sending_is_never_sent_again(where: str, has_it: bool) -> None:
    name = f"killed-{where}"
    _killed(name, where)
    counter = _later_counter(name, has_it=has_it)
    try:
        with connected(counter, timeout=1) as user:
            with pytest.raises(OutcomeUnknownError):
                user.buy(STOCK, 39, 100, client_order_id="a", remark="第 3 格")
            with pytest.raises(QueryFailedError):
                user.find_entrust("a")
            assert counter.sends == []
            assert user.buy(STOCK, 39, 100, client_order_id="b")["entrust_no"] == "7_1"
        assert len(counter.sends) == 1
    finally:
        counter.close()


def test_killed_after_sending_is_the_same_order() -> None:
    _killed("killed-after", "after")
    counter = _later_counter("killed-after", has_it=True)
    try:
        with connected(counter) as user:
            again = user.buy(STOCK, 39, 100, client_order_id="a", remark="第 3 格")
            assert again == {"entrust_no": "1_1"}
            row = user.find_entrust("a")
            assert row is not None
            assert row["order_remark"] == "第 3 格"
        assert counter.sends == []
    finally:
        counter.close()
