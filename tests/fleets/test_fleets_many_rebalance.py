"""几个账号一起调仓、一句话下单：各家照自己的资产；接着做，被打断，选项写错。"""

from __future__ import annotations

import _thread
import threading
from typing import TYPE_CHECKING, Any

import pytest
from support import make_folder

import easytrader
from easytrader import UsageError
from easytrader.fleets.many import Accounts, Fleet
from easytrader.fleets.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader

CODE = "600036"


class World:
    """两个模拟账户，一份 SQLite 的存储。"""

    def __init__(self, folder: Path) -> None:
        self.users: dict[str, SimTrader] = {}
        for name in ("甲", "乙"):
            user = easytrader.use("sim")
            user.connect(str(make_folder(folder / name)), timeout=5)
            self.users[name] = user
        self.fleet = Fleet(SqliteStore(folder / "fleet.sqlite"), timeout=5.0)

    def accounts(self) -> Accounts:
        return Accounts(self.fleet, self.users, {}, "raise")

    def volumes(self, name: str) -> list[int]:
        rows = self.users[name].today_entrusts
        return [int(row["order_volume"]) for row in rows if row["stock_code"] == "600036.SH"]

    def close(self) -> None:
        self.fleet.close()
        for user in self.users.values():
            user.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    yield found
    found.close()


def test_one_line_orders_let_each_account_compute_its_own(world: World) -> None:
    accounts = world.accounts()
    report = accounts.order_target_percent(CODE, 0.1, client_order_id="一")
    again = accounts.order_target_percent(CODE, 0.1, client_order_id="一")
    assert report.ok
    assert [row["entrust_no"] for row in again.rows] == [row["entrust_no"] for row in report.rows]
    assert [row["asked"] for row in report.rows] == [None] * 2
    assert accounts.order_target(CODE, world.users["甲"].position[-1]["volume"] or 0).rows


def test_rebalance_runs_each_account_to_its_own_weights(world: World) -> None:
    accounts = world.accounts()
    targets = {CODE: 0.2}
    # 让价五档：不等它挂着不成、再改价
    report = accounts.rebalance(
        targets, others="keep", price="对手价+5", assume_open=True, deadline=60
    )
    assert report.ok, str(report)
    assert set(report.reports) == set(world.users)
    for row in accounts.position:
        if row["stock_code"] == "600036.SH":
            assert 0.18 < row["market_value"] / 1_015_890 < 0.21
    orders = [len(world.volumes(name)) for name in world.users]
    again = accounts.execute(report.plans, assume_open=True, deadline=60)  # 已经做完的，不再发
    assert again.ok
    assert [len(world.volumes(name)) for name in world.users] == orders
    assert all(name in str(report) + report.to_markdown() for name in world.users)


def test_a_wrong_option_of_rebalance_is_told_as_such(world: World) -> None:
    plans = world.accounts().plan({CODE: 0.1})
    with pytest.raises(UsageError, match="price"):
        world.accounts().execute(plans, price="随便")
    with pytest.raises(UsageError):
        world.accounts().plan({"不是代码": 0.1})


def test_ctrl_c_stops_every_rebalance_and_cancels_what_hangs(world: World) -> None:
    accounts = world.accounts()
    plans = accounts.plan({CODE: 0.2}, others="keep")
    hanging = threading.Event()

    def step(told: dict[str, Any]) -> None:
        if told["event"] == "placed":
            hanging.set()

    def interrupt() -> None:
        hanging.wait(20)
        _thread.interrupt_main()

    helper = threading.Thread(target=interrupt)
    helper.start()
    with pytest.raises(KeyboardInterrupt):
        accounts.execute(plans, price="本方价-9", patience=60, assume_open=True, on_step=step)
    helper.join()
    assert accounts.rebalanced is not None
    assert set(accounts.rebalanced.errors) == {"甲", "乙"}
    open_rows = [
        row for row in accounts.today_entrusts if row["order_status_name"] in ("已报", "部成")
    ]
    assert open_rows == []
