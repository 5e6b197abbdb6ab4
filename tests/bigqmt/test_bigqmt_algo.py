"""智能算法：照任务表里带着标记的一行断定成没成。"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from big_client_world import big_client
from support import ACCOUNT, eventually, make_folder

import easytrader
from easytrader.basics.beijing import beijing_now
from easytrader.errors import OrdersNotAllowedError

if TYPE_CHECKING:
    from pathlib import Path

DAY = ("09:30:00", "15:00:00", {})


def place(user: Any, name: str = "TWAP", **more: Any) -> Any:
    price = user.quote("600036")["600036"]["last"]
    return user.algo.order_async("买入", "600036", 500, price, name, *DAY[:2], {"a": 1}, **more)


def test_one_task_from_order_to_cancel(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "完整版 QMT")
    with big_client(folder, ACCOUNT), easytrader.use("bigqmt") as user:
        user.connect(str(folder), ACCOUNT, timeout=5)
        assert {row["key"] for row in user.algo.params("TWAP")["TWAP"]} >= {"startTime"}
        receipt = place(user, strategy_name="均线", remark="第一批")
        placed = receipt.result()
        assert (placed["seq"], placed["task_id"] > 0, placed["error_msg"]) == (
            receipt.seq,
            True,
            "",
        )
        assert (placed["strategy_name"], placed["order_remark"]) == ("均线", "第一批")
        with easytrader.use("bigqmt") as other:  # 别的程序也看得到备注
            other.connect(str(folder), ACCOUNT, timeout=5)
            assert other.algo.tasks()[0]["order_remark"] == "第一批"
        [task] = user.algo.tasks()
        assert task["account_type"] == 2
        assert (task["task_id"], task["order_num"]) == (placed["task_id"], 500)
        assert task["order_remark"] == "第一批"

        second = place(user, remark="第二批").result()  # 认自己的标记，不认先来的
        assert second["task_id"] not in (0, placed["task_id"])
        assert user.algo.tasks()[1]["order_remark"] == "第二批"

        refused = place(user, "没有这个").result()
        assert refused["task_id"] == -1
        assert "没有这个" in refused["error_msg"]

        gone = user.algo.cancel_task_async(placed["task_id"]).result()
        assert (gone["success"], gone["task_id"], gone["error_msg"]) == (
            True,
            placed["task_id"],
            "",
        )
        missing = user.algo.cancel_task_async(99).result()
        assert (missing["success"], missing["error_msg"]) == (False, "没有这个任务")

        kinds: list[str] = []

        def told() -> bool:
            kinds.extend(each["event"] for each in user.events(timeout=0.1))
            return kinds.count("smart_task_response") == 2

        eventually(told)
        assert kinds.count("smart_algo_order_response") == 3


def test_the_slices_are_orders_of_their_own(tmp_path: Path) -> None:
    """小单都带着任务的标记：各是一笔，不并成一笔；换一次会话，任务的备注还在。"""
    folder = make_folder(tmp_path / "完整版 QMT")
    with big_client(folder, ACCOUNT), easytrader.use("bigqmt") as user:
        user.connect(str(folder), ACCOUNT, timeout=5)
        now = beijing_now()
        span = f"{now:%H:%M:%S}", f"{now + timedelta(seconds=1):%H:%M:%S}"
        low = user.quote("600036")["600036"]["limit_down"]
        terms = "买入", "600036", 300, low, "TWAP", *span, {"a": 1}
        if span[0] < span[1]:  # 正跨过零点的那一秒不试
            user.algo.order_async(*terms, strategy_name="均线", remark="母单").result()
            eventually(lambda: len(user.today_entrusts) == 3)
            rows = user.today_entrusts
            assert len({row["order_id"] for row in rows}) == 3
            assert {row["order_volume"] for row in rows} == {100}
    with big_client(folder, ACCOUNT), easytrader.use("bigqmt") as user:
        user.connect(str(folder), ACCOUNT, timeout=5)
        assert len({row["order_id"] for row in user.today_entrusts}) == len(user.today_entrusts)


def test_a_read_only_agent_places_nothing(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "完整版 QMT")
    with (
        big_client(folder, ACCOUNT, orders=False) as terminal,
        easytrader.use("bigqmt") as user,
    ):
        user.connect(str(folder), ACCOUNT, timeout=5)
        with pytest.raises(OrdersNotAllowedError):
            place(user)
        with pytest.raises(OrdersNotAllowedError):
            user.algo.cancel_task_async(1)
        assert list(terminal.calls) == []
