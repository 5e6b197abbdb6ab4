"""任务的结果：异常 → 结果与退出码，一份 JSON。"""

from __future__ import annotations

import json

import pytest

from easytrader.errors import ConnectFailedError, UsageError
from easytrader.jobs import outcome
from easytrader.jobs.gate import market_gate
from easytrader.jobs.lock import JobBusyError
from easytrader.jobs.outcome import Outcome
from easytrader.jobs.watchdog import JobExpired


@pytest.mark.parametrize(
    ("error", "result", "code"),
    [
        (UsageError("a", 1, "b"), "usage", 2),
        (ConnectFailedError("没连上"), "failed", 1),
        (JobBusyError("正在跑"), "busy", 1),
        (JobExpired("到期"), "timeout", 1),
        (KeyboardInterrupt(), "interrupted", 130),
        (ValueError("第一行\n第二行"), "failed", 1),
    ],
)
def test_errors_have_a_result_and_a_code(error: BaseException, result: str, code: int) -> None:
    found = outcome.of_error("rebalance", error, 1.0, profile="main")
    assert (found.result, found.exit_code, found.profile) == (result, code, "main")
    assert not found.ok
    assert "第二行" not in found.reason
    assert json.loads(found.to_json())["exit_code"] == code


def test_done_partly_and_closed() -> None:
    assert (Outcome("a", "done").exit_code, Outcome("a", "partly").exit_code) == (0, 4)
    assert Outcome("a", "done").ok
    assert not Outcome("a", "partly").ok
    shut = outcome.closed("a", market_gate(0.0))
    assert (shut.exit_code, shut.ok) == (3, True)
    assert shut.reason


def test_the_document() -> None:
    made = Outcome(
        "rebalance", "partly", "token=hunter2", 100.0, 160.0, "****0365", "主",
        {"report": {"left": 1}, "exit_code": "盖不掉"},
    )  # fmt: skip
    found = json.loads(made.to_json())
    assert found == {
        "job": "rebalance", "result": "partly", "result_name": "办成了一部分", "exit_code": 4,
        "reason": "token=***", "profile": "主", "account": "****0365",
        "started": 100.0, "ended": 160.0, "report": {"left": 1},
    }  # fmt: skip
    assert "用时 60 秒" in str(made)
    assert "hunter2" not in str(made)
