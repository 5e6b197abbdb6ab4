"""``quickTrade`` × 什么时候：回放、实时、日线，定时器与初始化里。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import ACCOUNT
from terminal_desk import BUY, CODE, SOURCE, DeskClient, desk_client

from easytrader.sim.terminal.client.manners import MANNERS

if TYPE_CHECKING:
    from pathlib import Path

_CHEAP = 1.0  # 远离盘口：柜台不收，可是看得到它来过
MARK = b"todo = []"


def one(quick: int, tag: str = "t") -> tuple[object, ...]:
    return BUY, 1101, ACCOUNT, CODE, 11, _CHEAP, 100, "s", quick, tag


def placed(client: DeskClient) -> list[str]:
    """到了柜台的委托的备注，按先后。"""
    client.wait()
    return [row.m_strRemark for row in client.rows()]


@pytest.mark.parametrize("quick", [0, 1, 2])
@pytest.mark.parametrize("replay_orders", [False, True])
def test_replay_sends_nothing(tmp_path: Path, quick: int, replay_orders: bool) -> None:
    """厂商说 2 在回放里也发；别人没有见过。"""
    manners = MANNERS["instant"].changed(replay_orders=replay_orders)
    source = SOURCE.replace(MARK, b"todo = [%r]" % (one(quick),))
    with desk_client(tmp_path, manners, source=source) as client:
        bars = client.strategy.globals["ticks"]
        assert bars
        assert not any(bars)
        expected = len(bars) if replay_orders and quick == 2 else 0
        assert len(placed(client)) == expected
        assert len(client.terminal.calls) == len(bars)
        assert len(client.lines("isLastBar:false")) == len(bars) - expected


def test_live_ticks(tmp_path: Path) -> None:
    """0 只在 K 线走完时发最后一跳的，1 和 2 每一跳都发。"""
    with desk_client(tmp_path) as client:
        client.clock.set_now(client.clock.now() // 60 * 60 + 65)  # 这几秒里没有一根走完的
        todo = client.strategy.globals["todo"]
        todo[:] = [one(0, "zero"), one(1, "one"), one(2, "two")]
        client.terminal.advance(3.0)
        assert placed(client) == ["one", "two"]
        client.terminal.advance(3.0)
        assert placed(client) == ["one", "two"] * 2
        client.terminal.advance(60.0)  # 一根 1 分钟的 K 线一定走完了
        found = placed(client)
        assert found.count("zero") == 1
        assert found.count("one") == found.count("two") == sum(client.strategy.globals["ticks"])


def test_a_daily_chart_never_closes(tmp_path: Path) -> None:
    with desk_client(tmp_path, period="1d") as client:
        client.strategy.globals["todo"][:] = [one(0, "zero"), one(2, "two")]
        client.terminal.advance(120.0)
        client.desk.bar_closed(client.strategy)  # 第二天的第一跳也不发
        assert set(placed(client)) == {"two"}


def test_outside_handlebar_only_two_is_sure(tmp_path: Path) -> None:
    """定时器、回调、after_init 里：0 永远不发；1 看最后一根 K 线到了没有。"""
    todo = f"todo_after_init = [{one(0, 'zero')!r}, {one(1, 'one')!r}, {one(2, 'two')!r}]"
    source = SOURCE.replace(b"todo_after_init = []", todo.encode())
    source = source.replace(
        b"def init(C):\n",
        b"def init(C):\n    C.run_time('timer', '1nSecond', '2020-01-01 00:00:00')\n",
    )
    source += b"\ndef timer(C):\n    passorder(*(%r + (C,)))\n" % (one(0, "timer0"),)
    with desk_client(tmp_path, source=source) as client:
        client.terminal.advance(130.0)
        assert placed(client) == ["two"]
        assert len(client.lines("remark=timer0 quickTrade=0 isLastBar:false")) > 100


def test_backtest_functions_are_swallowed(tmp_path: Path) -> None:
    with desk_client(tmp_path) as client:
        client.call("order_shares", CODE, 100, "fix", 30.0, client.strategy.context, ACCOUNT)
        client.call("order_lots", CODE, 1, client.strategy.context, ACCOUNT)
        assert placed(client) == []
        assert len(client.lines("skip order_")) == 2
