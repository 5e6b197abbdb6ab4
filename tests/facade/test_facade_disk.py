"""账本写不进去的时候：查询是失败而不是「没有」，委托是拒绝而不是「收下」。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT

import easytrader
from easytrader.errors import QueryFailedError
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
