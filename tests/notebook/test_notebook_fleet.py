"""一队账号的表：空的也有列，账号在最前面，报告是它自己的那种表。"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import easytrader
from easytrader.fleets import joint_rebalance, joint_report, view
from easytrader.fleets.door import TableDoor
from easytrader.fleets.joint_rebalance import JointRebalance
from easytrader.fleets.joint_report import JointReport
from easytrader.fleets.many import Accounts, Fleet
from easytrader.fleets.sqlite import SqliteStore
from easytrader.fleets.trader import Fleet as Asked
from easytrader.rebalance.report import Report
from easytrader.rows import titles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.rebalance.model import Skipped


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    row = dict.fromkeys(titles.KINDS["balance"].keys, 1.0)
    user: Any = SimpleNamespace(position=[], balance=[row], cancel_all=list)
    with Fleet(SqliteStore(tmp_path / "fleet.sqlite")) as fleet:
        yield Accounts(fleet, {"甲": user}, {}, "raise")


def _shown(rows: object) -> list[str]:
    return list(easytrader.frame(rows, names="zh").columns)


def test_an_empty_table_of_several_accounts_has_its_columns(accounts: Accounts) -> None:
    assert _shown(accounts.position)[:2] == ["代码", "证券代码"]
    assert _shown(accounts.cancel_all())[0] == "委托编号"


def test_the_account_comes_first_as_in_the_rows(accounts: Accounts) -> None:
    assert _shown(accounts.balance)[:2] == ["账号", "总资产"]
    assert list(easytrader.frame(accounts.balance).columns) == list(accounts.balance[0])


def test_the_joint_report_is_its_own_table() -> None:
    row = joint_report.row("甲", "600036.SH", 100, "placed", entrust_no=7)
    report = JointReport("buy", "一", [row])
    assert _shown(report) == [each.title for each in joint_report.KIND.columns]
    assert _shown(report.rows) == _shown(report)


def test_the_joint_rebalance_is_its_own_table_and_says_what_was_left_out() -> None:
    skipped: Skipped = {
        "stock_code": "600036.SH", "security": "600036", "side": "buy", "wanted": 100,
        "reason": "还有没完的委托，先撤掉或等它做完", "rule": "open_order",
    }  # fmt: skip
    plans: Any = {"甲": SimpleNamespace(plan_id="p1"), "乙": SimpleNamespace(plan_id="p2")}
    done = Report("p2", "done", [], 0.0, 0.0, skipped=[skipped])
    report = JointRebalance(plans, {"乙": done}, {"甲": "断了"})
    columns = [each.title for each in joint_rebalance.KIND.columns]
    assert _shown(report)[: len(columns)] == columns
    assert "600036.SH 还有没完的委托" in str(report)
    assert "1 家有想调而做不了的" in str(report)


def test_the_status_and_the_commands_are_tables(tmp_path: Path) -> None:
    assert _shown([dict.fromkeys(view.KIND.keys)])[0] == "账号"
    store = SqliteStore(tmp_path / "fleet.sqlite")
    assert _shown(Asked(TableDoor(store, "甲", 5.0)).commands())[:2] == ["流水号", "编号"]
    store.close()
