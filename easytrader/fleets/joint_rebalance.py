"""几个账号一起调仓：各家照自己的计划，`rebalance.run` 原样跑，一家一个线程。"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from loguru import logger

from easytrader.errors import EasytraderError, NotConnectedError, UsageError
from easytrader.fleets.together import together
from easytrader.rebalance.report import RESULT_NAMES
from easytrader.rebalance.run import INTERRUPTED_S, run
from easytrader.rows import plain
from easytrader.rows.titles import Column, Kind, also

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from easytrader.fleets.together import Answer
    from easytrader.rebalance import Plan, Report
    from easytrader.rebalance.model import Facade
    from easytrader.trader import Trader

KIND: Final = Kind(
    "fleet_rebalance",
    "各账号的调仓",
    (
        Column("account", "账号"),
        Column("plan_id", "计划"),
        Column("result", "结果代码"),
        Column("result_name", "结果"),
        Column("planned_orders", "计划笔数", "count"),
        Column("filled_orders", "做完笔数", "count"),
        Column("bought", "买入", "money"),
        Column("sold", "卖出", "money"),
        Column("fees", "费用", "money"),
        Column("slippage_bp", "滑点（万分之）", "bp"),
        Column("message", "说明"),
    ),
    ("account", "result_name", "planned_orders", "filled_orders", "bought", "sold", "message"),
)
also(KIND)
_GRACE_S: Final = 2 * INTERRUPTED_S
"""Ctrl-C 之后等各家撤单，最多这么久。"""
_STOPPED: Final = "被打断，挂着的已经尽量撤了"
_NOT_BACK: Final = "被打断，还没有停下来：挂着的撤了没有不知道，看它的委托"


class JointRebalance:
    """各家调仓的结果；``str()`` 是一张表，笔记本里也是。

    Attributes:
        plans: 账号 → 计划；拿它们再 ``accounts.execute(report.plans)`` 就是接着做。
        reports: 账号 → 报告，见 `rebalance.Report`；没有做完的不在里面。
        errors: 账号 → 为什么没有做完。
    """

    def __init__(
        self, plans: Mapping[str, Plan], reports: Mapping[str, Report], errors: Mapping[str, str]
    ) -> None:
        self.plans = dict(plans)
        self.reports = dict(reports)
        self.errors = dict(errors)

    @property
    def ok(self) -> bool:
        """每一家都做完了，没有想调而做不了的。"""
        return not self.errors and all(
            each.result == "done" and not each.blocked for each in self.reports.values()
        )

    @property
    def rows(self) -> list[dict[str, Any]]:
        """一家一行：``account plan_id result result_name message``，与 ``Report.totals`` 的。"""
        return [self._row(name) for name in self.plans]

    def __getitem__(self, name: str) -> Report:
        return self.reports[name]

    def to_dict(self) -> dict[str, Any]:
        """普通的字典，能写成 JSON；``reports`` 里是各家的 `Report.to_dict`。"""
        reports = {name: each.to_dict() for name, each in self.reports.items()}
        return {"ok": self.ok, "rows": self.rows, "reports": reports}

    def to_markdown(self) -> str:
        """一页 Markdown。"""
        table = plain.piped(KIND.brief_columns, self.rows)
        return "\n".join([f"## 调仓：{self._said()}", "", *table]) + "\n"

    def __str__(self) -> str:
        return f"调仓：{self._said()}\n{plain.table(KIND.brief_columns, self.rows)}"

    def __repr__(self) -> str:
        return f"<JointRebalance {self._said()}>"

    def _repr_html_(self) -> str:
        from easytrader.rows import html

        colour = html.GREEN if self.ok else html.RED
        return html.box(html.headline("调仓", self._said(), colour), html.table(KIND, self.rows))

    def _said(self) -> str:
        done = sum(each.result == "done" for each in self.reports.values())
        lost = f"，{len(self.errors)} 家没有做完" if self.errors else ""
        stuck = sum(bool(each.blocked) for each in self.reports.values())
        left = f"，{stuck} 家有想调而做不了的" if stuck else ""
        return f"{done}/{len(self.plans)} 家做完了{lost}{left}"

    def _row(self, name: str) -> dict[str, Any]:
        plan_id, found = self.plans[name].plan_id, self.reports.get(name)
        if found is None:
            told = {"result": "failed", "result_name": "没有做完", "message": self.errors[name]}
            return {**dict.fromkeys(KIND.keys), "account": name, "plan_id": plan_id, **told}
        left = [each["why"] for each in found.rows if each["why"]]
        left += [f"{each['stock_code']} {each['reason']}" for each in found.blocked]
        return {
            "account": name,
            "plan_id": plan_id,
            "result": found.result,
            "result_name": RESULT_NAMES[found.result],
            **found.totals,
            "message": "；".join([*left, *found.notes]),
        }


def execute(
    users: Mapping[str, Trader | None],
    plans: Mapping[str, Plan],
    options: Mapping[str, Any],
    told: Callable[[JointRebalance], object],
) -> JointRebalance:
    """各家照自己的计划做；见 `many.Accounts.execute`。

    Args:
        users: 账号 → 交易口；没有连上的为 None。
        plans: 账号 → 计划。
        options: `rebalance.run` 的。
        told: 报告交给它，被打断的也交。
    """
    halt = threading.Event()
    jobs = {name: partial(_run, users[name], plan, halt, options) for name, plan in plans.items()}
    found: dict[str, Answer] = {}

    def report() -> JointRebalance:
        reports = {name: each.value for name, each in found.items() if each.value is not None}
        errors = {name: _why(each) for name, each in found.items() if each.value is None}
        made = JointRebalance(plans, reports, errors)
        told(made)
        return made

    try:
        together(jobs, float("inf"), found, stop=halt.set, grace_s=_GRACE_S)
    except KeyboardInterrupt:
        logger.error("被打断。{}", report())
        raise
    wrong = [each.error for each in found.values() if isinstance(each.error, UsageError)]
    if wrong and len(wrong) == len(found):  # 选项写错了：谁也没有发
        raise wrong[0]
    return report()


class _StoppedError(Exception):
    """这一家照着 Ctrl-C 停下来了。"""


class _Stoppable:
    """交易口；叫停之后第一次用到它就像 Ctrl-C，`rebalance.run` 撤掉挂着的再停，撤单照常。"""

    def __init__(self, user: Trader, halt: threading.Event) -> None:
        self._user = user
        self._halt = halt
        self._told = False

    def __getattr__(self, name: str) -> Any:
        if self._halt.is_set() and not self._told:
            self._told = True
            raise KeyboardInterrupt
        return getattr(self._user, name)


def _run(
    user: Trader | None, plan: Plan, halt: threading.Event, options: Mapping[str, Any]
) -> Report:
    if user is None:
        raise NotConnectedError("没有连上；什么都没有发出")
    try:
        return run(cast("Facade", _Stoppable(user, halt)), plan, **options)
    except KeyboardInterrupt:
        raise _StoppedError(_STOPPED) from None


def _why(answer: Answer) -> str:
    if not answer.back:
        return _NOT_BACK
    error = answer.error
    if error is not None and not isinstance(error, (EasytraderError, _StoppedError)):
        logger.opt(exception=error).error("调仓：没有料到的异常")
        return repr(error)
    return str(error) if error is not None else "还没有开始"
