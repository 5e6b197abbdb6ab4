"""账本写不进去、文件夹不让看的时候：说清楚，查询是失败而不是「没有」，委托是拒绝而不是「收下」。"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT

import easytrader
from easytrader.errors import QueryFailedError, UsageError
from easytrader.sim import AccountConfig
from easytrader.sim.host import hub

if TYPE_CHECKING:
    from pathlib import Path


def test_a_broken_ledger_is_never_an_empty_answer(sim_folder: Path) -> None:
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT)
        number = user.buy("600036", 32.5, 100)["entrust_no"]
        host: Any = hub.acquire(sim_folder)
        try:
            desk = host._dispatcher
            broken = dict.fromkeys(desk._verbs, _fail)
            working, desk._verbs = desk._verbs, broken
            for query in ("balance", "position", "today_entrusts", "today_trades"):
                with pytest.raises(QueryFailedError, match="磁盘满"):
                    getattr(user, query)
            with pytest.raises(QueryFailedError):
                user.find_entrust(number)
            answer = user.buy("600036", 32.5, 100)
            assert answer["entrust_no"] == -1
            assert "磁盘满" in answer["message"]
            assert user.cancel_entrust(number) == {"success": False, "message": "failed"}
            desk._verbs = working
            assert [each["order_id"] for each in user.today_entrusts] == [number]
        finally:
            hub.release(sim_folder, host)


def _fail(args: object) -> Any:
    raise easytrader.SimulatorError("写不进账本：磁盘满")


@pytest.mark.parametrize("backend", ["sim", "miniqmt"])
def test_a_folder_of_another_user_is_said_so(
    backend: str, sim_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root 什么都看得了
    with (
        easytrader.use(backend) as user,
        pytest.raises(UsageError, match="没有权限看这个文件夹"),
    ):
        user.connect(str(sim_folder), ACCOUNT)


def test_a_sim_account_that_cannot_be_written_down() -> None:
    with pytest.raises(UsageError, match="account_id"):
        AccountConfig("\ud800")
