"""柜台先存着的委托（事实表末节）：夜里、开盘前、午休报的，到点再报给交易所；存着的能撤。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from case_runner import QUIET
from support import eventually

import easytrader
from easytrader.sim import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY, NEXT = "2026-11-19", "2026-11-20"
QUEUED, REPORTED, CANCELLED, REFUSED = (48, 49), 50, 54, 57


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Any]:
    account = AccountConfig("10001", positions={"600036.SH": (1000, 30.0)})
    create(tmp_path, [account], clock="step", start=f"{DAY} 08:00", profile="push", **QUIET)
    with easytrader.use("sim") as user:
        user.connect(str(tmp_path), "10001", timeout=10)
        yield user


def _send(user: Any, code: str, volume: int = 200, below: float = 0.95) -> int:
    """低于昨收的买单，挂得住。"""
    quote = user.quote(code)[code]
    price = round(quote["pre_close"] * below, 2 if code[0] in "6039" else 3)
    number = user.trader.order_stock(user.account, code, 23, volume, 11, price, "", "")
    assert number > 0
    return int(number)


def _reaches(user: Any, number: int, *states: int) -> None:
    def status() -> int:
        return int(user.trader.query_stock_order(user.account, number).order_status)

    try:
        eventually(lambda: status() in states, 2)
    except AssertionError:
        raise AssertionError(f"状态 {status()}，应当 {states}") from None


@pytest.mark.parametrize(
    ("asked", "before", "after"),
    [
        (f"{DAY} 08:30", f"{DAY} 09:14:57", f"{DAY} 09:15:03"),
        (f"{DAY} 11:45", f"{DAY} 12:59:57", f"{DAY} 13:00:03"),
        (f"{DAY} 20:00", f"{NEXT} 09:14:57", f"{NEXT} 09:15:03"),
    ],
)
@pytest.mark.parametrize("code", ["600036.SH", "688981.SH", "000001.SZ", "920002.BJ", "510300.SH"])
def test_an_order_waits_for_the_exchange(
    desk: Any, code: str, asked: str, before: str, after: str
) -> None:
    desk.sim.goto(asked)
    number = _send(desk, code)
    _reaches(desk, number, *QUEUED)
    assert desk.trader.query_stock_asset(desk.account).frozen_cash > 0, "存着的也占钱"
    desk.sim.goto(before)
    _reaches(desk, number, *QUEUED)
    desk.sim.goto(after)
    _reaches(desk, number, REPORTED)


@pytest.mark.parametrize("code", ["600036.SH", "920002.BJ"])
def test_between_the_call_and_the_open(desk: Any, code: str) -> None:
    """9:25–9:30 沪、北的主机不收：柜台存到 9:30。"""
    desk.sim.goto(f"{DAY} 09:26")
    number = _send(desk, code)
    _reaches(desk, number, *QUEUED)
    desk.sim.goto(f"{DAY} 09:30:03")
    _reaches(desk, number, REPORTED)


@pytest.mark.parametrize("asked", [f"{DAY} 08:30", f"{DAY} 11:45", f"{DAY} 20:00"])
def test_a_waiting_order_can_be_withdrawn(desk: Any, asked: str) -> None:
    desk.sim.goto(asked)
    number = _send(desk, "600036.SH")
    desk.trader.cancel_order_stock(desk.account, number)
    _reaches(desk, number, CANCELLED)
    assert desk.trader.query_stock_asset(desk.account).frozen_cash == 0
    desk.sim.goto(f"{NEXT} 09:31")
    today = {order.order_id for order in desk.trader.query_stock_orders(desk.account)}
    assert number not in today or asked.endswith("20:00")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda user: (user.account, "600036.SH", 23, 150, 11, 30.0),
        lambda user: (user.account, "600036.SH", 24, 1100, 11, 35.0),
        lambda user: (user.account, "600036.SH", 23, 1_000_000, 11, 35.0),
        lambda user: (user.account, "600036.SH", 23, 100, 11, 99.0),
        lambda user: (user.account, "600036.SH", 23, 100, 11, 35.005),
    ],
    ids=["lot", "shares", "cash", "band", "tick"],
)
def test_a_wrong_order_is_never_reported(desk: Any, spoil: Callable[[Any], Any]) -> None:
    """存着的也要合规则：当场拒绝，或到点拒绝，总之不到交易所。"""
    desk.sim.goto(f"{DAY} 08:30")
    number = desk.trader.order_stock(*spoil(desk), "", "")
    if number > 0:
        _reaches(desk, number, REFUSED, *QUEUED)
        desk.sim.goto(f"{DAY} 09:15:03")
        _reaches(desk, number, REFUSED)
    assert desk.trader.query_stock_asset(desk.account).frozen_cash == 0
