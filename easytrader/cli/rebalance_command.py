"""``easytrader rebalance``：把持仓调到一个文件里的目标；跑到一半被杀了，再跑一次接着做。

先后：选项与文件都读对 → 占住这个账号 → 开不开市 → 连接 → 计划（或接着做没做完的）→ 问一声 →
执行 → 报告、通知。前面的哪一步不对，后面的都不做，什么都没有发出。
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics import pace
from easytrader.basics.beijing import stamp
from easytrader.basics.log import Log
from easytrader.cli.account_options import add_account_options, chosen, opened
from easytrader.cli.job_frame import (
    add_job_options,
    carry_out,
    gate_of,
    locked,
    not_begun,
    shut,
    writable,
)
from easytrader.cli.output import complain, confirmed, is_terminal, say
from easytrader.cli.parser import seconds
from easytrader.errors import EasytraderError, JournalError, PlanStaleError, UsageError
from easytrader.jobs import unfinished
from easytrader.jobs.lock import check_free, key_of
from easytrader.jobs.watch import Watcher
from easytrader.rebalance import pricing, runlog, slices, targets
from easytrader.rebalance.hours import Deadline
from easytrader.rebalance.planfile import Plan
from easytrader.rebalance.planning import Options
from easytrader.rebalance.planning import plan as planned
from easytrader.rebalance.portfolio import look
from easytrader.rebalance.report import BLOCKING
from easytrader.rebalance.run import run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from easytrader.cli.job_frame import Frame
    from easytrader.cli.parser import Parser, Rooms
    from easytrader.jobs.outcome import Outcome
    from easytrader.jobs.unfinished import Unfinished
    from easytrader.profiles import Profile
    from easytrader.rebalance.model import Skipped
    from easytrader.rebalance.report import Report
    from easytrader.rebalance.targets import Target
    from easytrader.trader import Trader

_JOB: Final = "rebalance"
BLANK: Final[dict[str, Any]] = {
    "gate": None, "plan": None, "report": None, "resumed": False, "dry_run": False,
}  # fmt: skip
"""JSON 里另外的键，什么都还没有做时。"""
_PLAN_OPTIONS: Final = ("others", "cash_buffer", "min_turnover")
_RUN_OPTIONS: Final = ("price", "patience", "deadline", "slices")
_SHORT: Final = frozenset({"t1", "cash"})
"""差得多才算：做完以后价格动一点，也会有几股今天卖不了、差一点钱。"""
_MATERIAL: Final = 0.01
"""差总资产的这么多算多。"""
_SHOWN: Final = 10
_CANCEL: Final = "撤掉它们（easytrader cancel --all，账号的选项照写）"
_LINGER_S: Final = 0.5
"""要通知成交的：最后一笔的推送也许还在路上，等一等再断开。"""
_LOGGED: Final = {
    "send": "发出", "fill": "成交", "refused": "被退回", "cancel": "撤单", "unknown": "结果未知",
    "over": "到了终态", "offline": "断线", "online": "又连上了", "waiting": "等着",
}  # fmt: skip


def register(rooms: Rooms) -> None:
    """挂上 ``rebalance``。"""
    parser = rooms.add_parser(
        _JOB,
        description="目标文件是 CSV：第一行 code,weight（或 shares、value），权重 0 到 1。\n"
        "例：easytrader rebalance targets.csv --profile main --dry-run\n"
        "跑到一半被杀了，同样的命令再跑一次：接着做同一个计划，不多一笔，不少一笔。\n"
        "退出码：0 做完了，1 没有做成，2 用法不对，3 不开市，4 做了一部分；130 被打断。",
    )
    add = parser.add_argument
    add("targets", metavar="TARGETS", nargs="?", help="目标文件，.csv 或 .json")
    add_account_options(parser)
    _add_plan_options(parser)
    _add_run_options(parser)
    add_job_options(parser)
    parser.runs(_rebalance)


def _add_plan_options(parser: Parser) -> None:
    group = parser.add_argument_group("计划")
    add = group.add_argument
    add("--dry-run", action="store_true", help="印出计划与会先发的委托，什么都不发")
    add("--plan", metavar="FILE", help="把计划写进这个文件就停，什么都不发")
    add("--execute", metavar="FILE", help="执行 --plan 写的文件；账号、日子、持仓变了的不做")
    others = group.add_mutually_exclusive_group()
    told = "目标里没有写的持仓"
    others.add_argument(
        "--close", dest="others", action="store_const", const="close", help=f"{told}清掉（默认）"
    )
    others.add_argument(
        "--keep", dest="others", action="store_const", const="keep", help=f"{told}留着"
    )
    add("--cash-buffer", metavar="N", type=_number, help="要留的现金：小于 1 是比例，否则是元")
    told = "一只的金额不到这么多就不调：小于 1 是占总资产的比例，否则是元"
    add("--min-turnover", metavar="N", type=_number, help=told)
    add("--new", action="store_true", help="不接着做没做完的，另做一个；它的委托都完了才行")


def _add_run_options(parser: Parser) -> None:
    group = parser.add_argument_group("执行")
    add = group.add_argument
    add("--yes", action="store_true", help="真的账户也不问；没有终端时必须写")
    told = f"怎样报价：对手价、本方价、最新价，可加减几档，或市价类型（默认 {pricing.DEFAULT}）"
    add("--price", metavar="POLICY", help=told)
    add("--patience", metavar="S", type=seconds, help="这么多秒没有成交完就撤了重报（默认 10）")
    add("--deadline", metavar="TIME", help="做到几点，如 14:56；或从现在起多少秒（默认 15:00）")
    pieces = group.add_mutually_exclusive_group()
    pieces.add_argument("--slices", metavar="HOW", help='大单分片："twap 09:35-10:30 6"、"pov 0.1"')
    pieces.add_argument("--twap", metavar="HOW", help='同 --slices "twap …"，如 "30 6"')
    pieces.add_argument("--pov", metavar="SHARE", help="最多占成交量的几成，如 0.1")
    add("--report", metavar="FILE", help="报告也写成一页 Markdown")


def _rebalance(arguments: argparse.Namespace) -> int:
    so_far: dict[str, Any] = {**BLANK, "dry_run": arguments.dry_run}
    try:
        return _carried_out(arguments, so_far)
    except EasytraderError as exc:
        return not_begun(_JOB, arguments, exc, so_far)


def _carried_out(arguments: argparse.Namespace, so_far: dict[str, Any]) -> int:
    """``so_far``：JSON 里的键，走到哪一步填到哪一步；中途被打断的也说得出做到了哪里。"""
    profile = chosen(arguments, ordering=True)

    def work(frame: Frame) -> Outcome:
        wanted = _wanted(arguments, profile)
        _check_asking(arguments, profile)
        sending = not (arguments.dry_run or arguments.plan)
        with locked(frame, arguments) if sending else nullcontext():
            gate = gate_of(profile, arguments)
            if not gate.open and sending:
                return shut(frame, gate)
            so_far["gate"] = gate.to_dict()
            if not gate.open:
                complain(f"注意：{gate.reason}；此刻真的执行，什么也不会发出")
            with (
                opened(arguments, ordering=True, wait=None) as user,
                Watcher(user, frame.notifier),
            ):
                found = _Rebalance(frame, arguments, wanted, user, so_far).go()
                if sending and frame.notifier.wants("fill"):
                    pace.current().sleep(_LINGER_S)
                return found

    told = profile.job.get("timeout")
    limit_s = None if told is None else float(told)
    return carry_out(_JOB, profile, arguments, work, limit_s=limit_s, so_far=so_far)


# ---- 参数


class _Wanted(NamedTuple):
    """要做什么，都校验过了。"""

    goal: dict[str, Target] | None
    plan: Plan | None
    """``--execute`` 的。"""
    options: dict[str, Any]
    execution: dict[str, Any]
    purpose: str
    told: str


def _wanted(arguments: argparse.Namespace, profile: Profile) -> _Wanted:
    """选项与文件。

    Raises:
        UsageError: 哪一样不对。
    """
    execution = _execution(arguments, profile)
    for option, file in (("--plan", arguments.plan), ("--report", _report_of(arguments, profile))):
        if file is not None:
            writable(option, file)
    if arguments.execute is not None:
        for name in ("targets", "plan", *_PLAN_OPTIONS):
            value = getattr(arguments, name)
            if value is not None:
                option = name if name == "targets" else f"--{name.replace('_', '-')}"
                raise UsageError(option, value, "与 --execute 只能写一样：计划已经定了")
        plan = Plan.load(arguments.execute)
        return _Wanted(None, plan, {}, execution, f"plan {plan.plan_id}", str(arguments.execute))
    if arguments.targets is None:
        raise UsageError("TARGETS", None, "写目标文件，如 targets.csv；或 --execute 计划文件")
    options = _merged(arguments, profile, _PLAN_OPTIONS)
    with _as_options():
        Options(**options)
    goal = targets.read(arguments.targets)
    checked = targets.of(goal)
    codes = {code: f"{told.by} {told.amount:f}" for code, (_, told) in checked.items()}
    purpose = unfinished.purpose_of(codes, options)
    return _Wanted(goal, None, options, execution, purpose, str(arguments.targets))


def _execution(arguments: argparse.Namespace, profile: Profile) -> dict[str, Any]:
    """怎样执行。"""
    if arguments.twap is not None:
        arguments.slices = f"twap {arguments.twap}"
    if arguments.pov is not None:
        arguments.slices = f"pov {arguments.pov}"
    found = _merged(arguments, profile, _RUN_OPTIONS)
    told = found.get("deadline")
    if isinstance(told, str) and ":" not in told:
        found["deadline"] = _seconds(told)
    with _as_options():
        pricing.parse(found.get("price", pricing.DEFAULT))
        slices.parse(found.get("slices"))
        Deadline.of(found.get("deadline"))
    return found


def _report_of(arguments: argparse.Namespace, profile: Profile) -> str | None:
    found: str | None = arguments.report or profile.job.get("report")
    return found


def _merged(
    arguments: argparse.Namespace, profile: Profile, names: tuple[str, ...]
) -> dict[str, Any]:
    """命令行上的，再就是设置里的。"""
    found = {name: profile.job[name] for name in names if name in profile.job}
    given = {name: getattr(arguments, name) for name in names}
    return {**found, **{name: value for name, value in given.items() if value is not None}}


@contextmanager
def _as_options() -> Iterator[None]:
    """错误里说的是命令行上的名字。"""
    try:
        yield
    except UsageError as exc:
        option = f"--{exc.argument.replace('_', '-')}"
        raise UsageError(option, exc.value, exc.expected) from None


def _number(text: str) -> float:
    """数，可以写成百分数。"""
    share = text.endswith("%")
    number = float(text.removesuffix("%"))
    return number / 100 if share else number


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError("--deadline", text, "应为几点（14:56），或从现在起的秒数") from None


def _check_asking(arguments: argparse.Namespace, profile: Profile) -> None:
    """真的账户要问一声而没有终端：连接之前就说。"""
    import sys

    if arguments.yes or arguments.dry_run or arguments.plan or is_simulated(profile):
        return
    profile.account.make(guard=False).close()  # 后端、路径写错了的先说：加上 --yes 不是办法
    path = _path_of(profile)
    if path is not None and not path.is_dir():
        return
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        told = "真的账户要问一声，而没有终端可以问：加上 --yes 就是确定；先看看用 --dry-run"
        raise UsageError("--yes", None, told)


def is_simulated(profile: Profile) -> bool:
    """模拟账户：不必问一声。"""
    from easytrader.sim.config.folder import is_sim_folder

    if profile.broker in ("sim", "模拟"):
        return True
    path = _path_of(profile)
    return path is not None and is_sim_folder(path)


def _path_of(profile: Profile) -> Path | None:
    path = profile.account.options(profile.told).get("miniqmt_path")
    return None if path is None else Path(str(path)).expanduser()


# ---- 做


class _Rebalance:
    """连上以后的一次。"""

    def __init__(
        self,
        frame: Frame,
        arguments: argparse.Namespace,
        wanted: _Wanted,
        user: Trader,
        so_far: dict[str, Any],
    ) -> None:
        self._frame, self._arguments, self._wanted = frame, arguments, wanted
        self._user, self._so_far = user, so_far
        self._folder = runlog.folder_of(user)
        self._resumed = False
        self._log = Log()

    def go(self) -> Outcome:
        """计划、问一声、执行。"""
        plan = self._plan()
        self._so_far |= {"plan": plan.to_dict(), "resumed": self._resumed}
        self._show(str(plan))
        if self._arguments.plan is not None:
            plan.save(self._arguments.plan)
            return self._outcome("done", f"计划写进了 {self._arguments.plan}", plan)
        if self._arguments.dry_run:
            report = run(self._user, plan, dry_run=True, **self._wanted.execution)
            self._show(str(report))
            return self._outcome("done", "试算，什么都没有发出", plan, report)
        if not plan.orders:
            return self._nothing_to_do(plan)
        if not self._agreed(plan):
            return self._outcome("failed", "没有确认，什么都没有发出", plan)
        return self._run(plan)

    def _plan(self) -> Plan:
        """接着做没做完的，或另做一个。"""
        pending = self._pending()
        if pending is not None:
            self._resumed = True
            self._log.warning(
                "接着做 {} 开始而没有做完的计划 {}",
                stamp(pending.since, "%H:%M:%S"), pending.plan_id,
            )  # fmt: skip
            return Plan.load(pending.plan_file(self._folder))
        if self._wanted.plan is not None:
            self._wanted.plan.check(self._user, self._done_by_itself(self._wanted.plan))
            return self._wanted.plan
        assert self._wanted.goal is not None
        account, quotes = look(self._user, self._wanted.goal)
        self._check_known(quotes)
        now = pace.current().now()
        return planned(account, quotes, self._wanted.goal, now=now, **self._wanted.options)

    def _done_by_itself(self, plan: Plan) -> Mapping[str, int] | None:
        """这份计划执行过：持仓变了的由执行自己核对。"""
        if not runlog.read(runlog.file_of(self._folder, plan.plan_id)):
            return None
        held: dict[str, int] = {}
        for row in self._user.position:
            held[row["stock_code"]] = held.get(row["stock_code"], 0) + int(row["volume"])
        return {code: held.get(code, 0) for code in {*plan.holdings, *held}}

    def _check_known(self, quotes: Mapping[str, Any]) -> None:
        """目标里的都有行情；没有的多半是代码写错了，那就一笔都不发。"""
        assert self._wanted.goal is not None
        missing = [
            text for text, (security, told) in targets.of(self._wanted.goal).items()
            if told.amount and security.stock_code not in quotes
        ]  # fmt: skip
        if missing:
            listed = "、".join(missing[:_SHOWN])
            told = "没有行情：代码写错了、还没有上市、已经退市，都会这样；改好目标再来"
            raise UsageError("targets", listed, told)

    def _pending(self) -> Unfinished | None:
        """没做完的那一个，该接着做的；没有为 None。

        Raises:
            EasytraderError: 有，可是为了别的目标；或 ``--new`` 而它的委托还没有完。
            JobBusyError: 另一份正在做它。
        """
        looking = self._arguments.dry_run or self._arguments.plan is not None
        try:
            found = unfinished.find(self._folder)
        except JournalError:
            if not self._arguments.new or self._has_open_orders():
                raise
            found = None
            unfinished.finish(self._folder)
        if found is None:
            return None
        if found.day != stamp(pace.current().now(), "%Y-%m-%d"):
            self._log.warning("{} 的计划 {} 没有做完，委托都已经失效", found.day, found.plan_id)
            if not looking:
                unfinished.finish(self._folder)
            return None
        other = found.purpose != self._wanted.purpose
        if looking and (other or self._arguments.new):  # 看看的没有占着锁
            check_free(_JOB, key_of(self._frame.profile.account))
        if self._arguments.new:
            self._abandon(found, looking)
            return None
        if other:
            at = stamp(found.since, "%H:%M:%S")
            raise EasytraderError(
                f"上一个计划 {found.plan_id}（{at}，{found.told}）没有做完，这次的目标或选项不同："
                "用原来的命令接着做完；或加 --new 放弃它、另做一个。什么都没有发出"
            )
        return found

    def _abandon(self, found: Unfinished, looking: bool) -> None:
        alive = runlog.alive(self._user, found.plan_id)
        if alive:
            raise EasytraderError(
                f"计划 {found.plan_id} 还有 {len(alive)} 笔委托没有完（{'、'.join(alive[:3])}…），"
                f"照样会成交：先{_CANCEL}，再来。这一次什么都没有发出"
            )
        self._log.warning("放弃没有做完的计划 {}，另做一个", found.plan_id)
        if not looking:
            unfinished.finish(self._folder)

    def _has_open_orders(self) -> bool:
        from easytrader.codes import FINAL_STATUSES

        return any(row["order_status"] not in FINAL_STATUSES for row in self._user.today_entrusts)

    def _agreed(self, plan: Plan) -> bool:
        """真的账户、终端前有人：问一声。"""
        if self._arguments.yes or is_simulated(self._frame.profile):
            return True
        if self._arguments.json:
            complain(str(plan))
        return confirmed(f"执行这 {len(plan.orders)} 笔？")

    def _run(self, plan: Plan) -> Outcome:
        if not self._resumed:
            unfinished.begin(self._folder, plan, self._wanted.purpose, self._wanted.told)
        try:
            report = run(self._user, plan, on_step=self._stepped, **self._wanted.execution)
        except PlanStaleError as exc:
            if not self._resumed:
                unfinished.finish(self._folder)
                raise
            told = f"{exc}。没有做完的计划是 {plan.plan_id}：{self._way_out(plan.plan_id)}"
            raise PlanStaleError(told, rule=exc.rule, codes=exc.codes) from exc
        if report.result == "done" or not runlog.alive(self._user, plan.plan_id):
            unfinished.finish(self._folder)
        found = self._judged(plan, report)
        self._tell(plan, report)
        return found

    def _way_out(self, plan_id: str) -> str:
        """接不上的计划怎么办。"""
        try:
            alive = runlog.alive(self._user, plan_id)
        except EasytraderError as exc:
            return f"它的委托没有问到（{exc}），先到柜台上核对，再加 --new 另做一个"
        if alive:
            return f"它还有 {len(alive)} 笔委托没有完，照样会成交；{_CANCEL}，再加 --new 另做一个"
        return "它的委托都完了；加 --new 放弃它、另做一个"

    def _stepped(self, step: Mapping[str, Any]) -> None:
        """每一步进日志；被打断的，到那时的报告留着说。"""
        if step["event"] == "interrupted":
            self._so_far["report"] = step["report"]
        told = _LOGGED.get(step["event"])
        if told is None:
            return
        what = ""
        if "stock_code" in step:
            what = (
                f"{step['side_name']} {step['stock_code']} {step['volume']} @ {step['price']:g}"
                f"（{step['client_order_id']}）"
            )
        words = filter(None, (told, what, step.get("message")))
        self._log.info("{}", " ".join(words))

    # ---- 结果

    def _nothing_to_do(self, plan: Plan) -> Outcome:
        blocked = _blocked(plan)
        if blocked:
            return self._outcome("failed", f"一笔也做不了：{blocked}", plan)
        return self._outcome("done", "已经合乎目标，没有要下的单", plan)

    def _judged(self, plan: Plan, report: Report) -> Outcome:
        blocked = _blocked(plan)
        if report.result == "nothing":
            return self._outcome("failed", "一股也没有成交", plan, report)
        if report.result == "partly":
            left = sum(bool(row["left"]) for row in report.rows)
            return self._outcome("partly", f"还有 {left} 笔没有做完", plan, report)
        if blocked:
            return self._outcome("partly", f"计划里的都做完了；做不了的：{blocked}", plan, report)
        told = ""
        if report.ended < self._frame.started:
            told = "这个计划以前已经做完了，这次什么都没有发出"
        return self._outcome("done", told, plan, report)

    def _outcome(
        self, result: Any, reason: str, plan: Plan, report: Report | None = None
    ) -> Outcome:
        return self._frame.outcome(
            result,
            reason,
            report=None if report is None else report.to_dict(),
            lines=_lines(plan, report),
        )

    def _show(self, text: str) -> None:
        if not self._arguments.json:
            say(text)

    def _tell(self, plan: Plan, report: Report) -> None:
        """报告写到屏幕上、文件里；写不出来也不改已经做成的结果。"""
        try:
            self._show(str(report))
            self._write_report(plan, report)
        except Exception:  # noqa: BLE001  边界：单子已经做完了
            self._log.exception("报告没有写出来")

    def _write_report(self, plan: Plan, report: Report) -> None:
        told = _report_of(self._arguments, self._frame.profile)
        if told is None:
            return
        page = report.to_markdown()
        if plan.skipped:
            rows = [f"- {_skipped(each)}" for each in plan.skipped]
            page += "\n".join(["", "没有做或没有做足的：", "", *rows, ""])
        try:
            Path(told).expanduser().write_text(page, encoding="utf-8")
        except OSError as exc:  # 单子已经做完了：写不了报告不算没有做成
            self._log.error("报告写不了（{}）：{}", told, exc.strerror or exc)


def _blocked(plan: Plan) -> str:
    """做不了的那些，一句话；没有为空。"""
    rows = _obstacles(plan)
    more = f" 等 {len(rows)} 只" if len(rows) > _SHOWN else ""
    return "；".join(map(_skipped, rows[:_SHOWN])) + more


def _obstacles(plan: Plan) -> list[Skipped]:
    far = {
        row["stock_code"] for row in plan.weights
        if row["target"] is not None and abs(row["after"] - row["target"]) >= _MATERIAL
    }  # fmt: skip
    return [
        each for each in plan.skipped
        if each["rule"] in BLOCKING or (each["rule"] in _SHORT and each["stock_code"] in far)
    ]  # fmt: skip


def _skipped(row: Mapping[str, Any]) -> str:
    return f"{row['stock_code']} {row['reason']}"


def _lines(plan: Plan, report: Report | None) -> list[str]:
    """通知里的几行；写不出来也不改已经做成的结果。"""
    if report is None or report.dry_run:
        return [f"计划 {plan.plan_id}：{len(plan.orders)} 笔"]
    try:
        return _summed(plan, report)
    except Exception:  # noqa: BLE001  边界：单子已经做完了
        Log().exception("报告的合计没有写出来")
        return []


def _summed(plan: Plan, report: Report) -> list[str]:
    sums = report.totals
    lines = [
        f"完成 {sums['filled_orders']:.0f}/{sums['planned_orders']:.0f} 笔，"
        f"买入 {sums['bought']:,.2f} 元，卖出 {sums['sold']:,.2f} 元，"
        f"费用约 {sums['fees']:,.2f} 元，滑点 {sums['slippage_bp']:g} bp"
    ]
    for row in [each for each in report.rows if each["left"]][:_SHOWN]:
        told = f"{row['side_name']} {row['stock_code']} 还差 {row['left']}：{row['why']}"
        lines.append(told)
    return lines + [_skipped(each) for each in _obstacles(plan)][:_SHOWN]
