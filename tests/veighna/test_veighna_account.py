"""资金与持仓：可用是现金，今天买的卖不了，卖光了的报 0，盈亏没有乘 100。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy.trader.gateway")

from support import ACCOUNT, eventually
from veighna_floor import Direction, Status, sim_setting

import easytrader

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.counters


def test_available_is_the_cash(qmt: Any) -> None:
    """vnpy_qmt 把持仓也当现金（总资产减冻结），vnpy_tora 减两次冻结。"""
    (account,) = qmt.main.get_all_accounts()
    (row,) = qmt.main.get_gateway("QMT").user.balance
    assert account.accountid == ACCOUNT
    assert account.available == row["cash"] == 1_000_000
    assert account.balance == pytest.approx(row["total_asset"], rel=0.01)  # 价格在动
    assert account.available < account.balance


def test_the_account_follows_the_trades(qmt: Any) -> None:
    before = qmt.main.get_all_accounts()[0].available
    number = qmt.send("600036.SH", 100, None)
    cost = qmt.until(number, Status.ALLTRADED).extra["average_price"] * 100
    eventually(lambda: qmt.main.get_all_accounts()[0].available <= before - cost)


def test_what_was_bought_today_is_frozen(qmt: Any) -> None:
    """vnpy_qmt 的持仓没有可用数，看不出 T+1。"""
    held = qmt.position("600000.SH")
    assert (held.direction, held.volume, held.frozen, held.yd_volume) == (
        Direction.NET, 1000, 0, 1000,
    )  # fmt: skip
    assert held.price == 10
    qmt.until(qmt.send("600000.SH", 200, None), Status.ALLTRADED)
    eventually(lambda: qmt.position("600000.SH").volume == 1200)
    held = qmt.position("600000.SH")
    assert (held.frozen, held.yd_volume) == (200, 1000)


def test_profit_counts_each_share_once(qmt: Any) -> None:
    """vnpy_qmt 的合约 ``size`` 是 100，盈亏也乘了 100。"""
    assert qmt.main.get_contract("600000.SSE").size == 1
    held = qmt.position("600000.SH")
    last = qmt.main.get_gateway("QMT").user.quote("600000")["600000"]["last"]
    assert held.pnl == pytest.approx((last - held.price) * held.volume, abs=100)


def test_sold_out_is_told_as_zero(qmt: Any) -> None:
    qmt.until(qmt.send("000001.SZ", 500, None, sells=True), Status.ALLTRADED)
    eventually(lambda: qmt.position("000001.SZ").volume == 0)
    assert qmt.position("000001.SZ").frozen == 0


def test_a_holding_that_vanishes_is_told_as_zero(qmt: Any) -> None:
    """有的柜台卖光了就不再列出来，VeighNa 又从不丢掉持仓。"""
    gateway = qmt.main.get_gateway("QMT")
    rows = [each for each in gateway.user.position if each["stock_code"] != "000001.SZ"]
    gateway._desk.positions(rows)
    eventually(lambda: qmt.position("000001.SZ").volume == 0)
    assert qmt.position("600000.SH").volume == 1000


def test_asking_answers(qmt: Any) -> None:
    counts = [len(qmt.seen[kind]) for kind in ("account", "position")]
    gateway = qmt.main.get_gateway("QMT")
    gateway.query_account()
    gateway.query_position()
    eventually(lambda: len(qmt.seen["account"]) > counts[0])
    eventually(lambda: len(qmt.seen["position"]) > counts[1])


class Cached:
    """查询是缓存的交易口：第一次查到的还是旧的。"""

    def __init__(self, user: Any) -> None:
        self.user = user
        self.old = [user.position]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.user, name)

    @property
    def position(self) -> Any:
        return self.old.pop() if self.old else self.user.position


def test_a_counter_whose_queries_lag_is_asked_again(qmt: Any) -> None:
    """刚成交时查到的还是旧的：缓存过了再查一次，不等到下一个半分钟。"""
    clerk = qmt.main.get_gateway("QMT")._clerk
    clerk._lag_s = 0.5
    clerk.user = Cached(clerk.user)
    qmt.until(qmt.send("600036.SH", 100, None), Status.ALLTRADED)
    eventually(lambda: qmt.position("600036.SH"), within_s=10)
    assert clerk.user.old == []


def test_two_accounts_in_one_engine(floor: Any, sim_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "另一个 账户"
    other.mkdir()
    hand = easytrader.use("sim")
    hand.connect(str(other), "2000000001")
    floor.add(sim_setting(sim_folder), "主账户")
    floor.add(sim_setting(other, 资金账号="2000000001"), "副账户")
    bought = floor.send("600036.SH", 100, None, name="副账户")
    floor.until(bought, Status.ALLTRADED)
    assert bought.startswith("副账户.")
    eventually(lambda: floor.position("600036.SH", "副账户"))
    assert floor.position("600036.SH", "主账户") is None
    assert {each.gateway_name for each in floor.main.get_all_accounts()} == {"主账户", "副账户"}
    assert hand.position[0]["volume"] == 100
    hand.close()
