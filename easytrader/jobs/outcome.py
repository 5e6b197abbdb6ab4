"""一个任务的结果：一份 JSON，一个退出码。"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from easytrader.basics import beijing, pace
from easytrader.basics.scrub import scrubbed
from easytrader.errors import EasytraderError, UsageError
from easytrader.jobs import codes
from easytrader.jobs.lock import JobBusyError
from easytrader.jobs.watchdog import JobExpired

if TYPE_CHECKING:
    from collections.abc import Mapping

    from easytrader.jobs.gate import Gate

Result = Literal[
    "done", "partly", "closed", "failed", "usage", "busy", "timeout", "interrupted"
]  # fmt: skip
_CODES: Final[dict[Result, int]] = {
    "done": codes.DONE,
    "partly": codes.PARTLY,
    "closed": codes.CLOSED,
    "usage": codes.USAGE,
    "failed": codes.FAILED,
    "busy": codes.FAILED,
    "timeout": codes.FAILED,
    "interrupted": codes.INTERRUPTED,
}
RESULT_NAMES: Final[dict[Result, str]] = {
    "done": "办成了",
    "partly": "办成了一部分",
    "closed": "没有开市",
    "usage": "用法不对",
    "failed": "没有办成",
    "busy": "另一份正在跑",
    "timeout": "到了期限",
    "interrupted": "被打断",
}
"""结果 → 中文。"""


@dataclass(frozen=True)
class Outcome:
    """一个任务的结果。

    Args:
        job: 任务的名字，如 ``rebalance``。
        result: ``done partly closed failed usage busy timeout interrupted`` 之一。
        reason: 为什么；办成了可以为空。
        started: 何时开始，Unix 秒。
        ended: 何时结束，Unix 秒；0 是还没有填。
        account: 账号，只露末四位。
        profile: 账号设置的名字；没有用设置为空。
        details: 另外的，如调仓的报告；要能写成 JSON。
    """

    job: str
    result: Result
    reason: str = ""
    started: float = 0.0
    ended: float = field(default_factory=lambda: pace.current().now())
    account: str = ""
    profile: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """退出码，见 `codes`。"""
        return _CODES[self.result]

    @property
    def ok(self) -> bool:
        """不必叫人来看：办成了，或没有开市。"""
        return self.result in ("done", "closed")

    def to_dict(self) -> dict[str, Any]:
        """一份 JSON 文档。

        键：``job result result_name exit_code reason profile account started ended`` 与 ``details``
        里的；时间是 Unix 秒。
        """
        return {
            **self.details,
            "job": self.job,
            "result": self.result,
            "result_name": RESULT_NAMES[self.result],
            "exit_code": self.exit_code,
            "reason": scrubbed(self.reason),
            "profile": self.profile,
            "account": self.account,
            "started": self.started,
            "ended": self.ended,
        }

    def to_json(self) -> str:
        """一行 JSON；写不成 JSON 的值写成文字。"""
        return json.dumps(self.to_dict(), ensure_ascii=False, default=str)

    def __str__(self) -> str:
        took = f"，用时 {self.ended - self.started:.0f} 秒" if self.started else ""
        at = beijing.stamp(self.ended, "%Y-%m-%d %H:%M:%S")
        why = f"：{scrubbed(self.reason)}" if self.reason else ""
        return f"{self.job} {RESULT_NAMES[self.result]}{why}（{at}{took}）"


def closed(job: str, gate: Gate, **more: Any) -> Outcome:
    """没有开市。"""
    return Outcome(job, "closed", gate.reason, gate.now, account=more.pop("account", ""), **more)


def of_error(job: str, error: BaseException, started: float, **more: Any) -> Outcome:
    """抛出来的 → 结果。

    Args:
        job: 任务的名字。
        error: 异常；不是本库的也行，只说它的类型与第一行。
        started: 何时开始，Unix 秒。
        **more: `Outcome` 的其余各项。
    """
    result: Result = "failed"
    if isinstance(error, UsageError):
        result = "usage"
    elif isinstance(error, JobBusyError):
        result = "busy"
    elif isinstance(error, JobExpired):
        result = "timeout"
    elif isinstance(error, KeyboardInterrupt):
        result = "interrupted"
    told = str(error)
    if not isinstance(error, (EasytraderError, JobExpired)):
        first = told.splitlines()[0] if told else ""
        told = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return Outcome(job, result, told, started, **more)
