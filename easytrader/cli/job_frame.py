"""没有人看着的命令的框架：日志、锁、期限、通知、结果的 JSON 与退出码。"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics import pace, stopping
from easytrader.basics.log import Log, masked
from easytrader.cli.output import complain, say_json
from easytrader.cli.parser import seconds
from easytrader.errors import EasytraderError, UsageError
from easytrader.jobs import outcome as outcomes
from easytrader.jobs.gate import profile_gate
from easytrader.jobs.lock import key_of, only_one
from easytrader.jobs.logfile import logging_to, to_file
from easytrader.jobs.notify import Notifier
from easytrader.jobs.outcome import Outcome
from easytrader.jobs.watchdog import JobExpired, Watchdog

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from easytrader.jobs.gate import Gate
    from easytrader.profiles import Profile

_LAST_S: Final = 8.0
_GRACE_S: Final = 45.0
"""到了期限，撤单、查清下场最多再花这么久。"""


class Frame(NamedTuple):
    """一次任务。

    Attributes:
        job: 任务的名字。
        profile: 账号的设置。
        notifier: 通知。
        started: 何时开始，Unix 秒。
    """

    job: str
    profile: Profile
    notifier: Notifier
    started: float

    def outcome(self, result: outcomes.Result, reason: str = "", **details: Any) -> Outcome:
        """结果。"""
        return Outcome(
            self.job, result, reason, self.started, pace.current().now(), account_of(self.profile),
            _name_of(self.profile), details,
        )  # fmt: skip


def add_job_options(parser: argparse.ArgumentParser) -> None:
    """加上日志、锁、期限的选项。"""
    group = parser.add_argument_group("任务")
    add = group.add_argument
    add("--json", action="store_true", help="结果是标准输出上的一个 JSON，别的都写到标准错误")
    add("--log-file", metavar="FILE", help="日志也写进这个文件，写满 20 MB 换一个，留 10 个")
    told = "同一个账号的上一次还没有跑完，最多等这么多秒（默认不等，以 1 退出）"
    add("--lock-wait", metavar="S", type=seconds, help=told)
    add("--assume-open", action="store_true", help="日历不知道的一天当作开市；知道休市的不管")
    add("--ignore-hours", action="store_true", help="只看是不是交易日，不看几点")


def account_of(profile: Profile) -> str:
    """账号，只露末四位；设置里没有写的为空。"""
    told = profile.connect.get("stock_account", profile.connect.get("account", ""))
    return masked(str(told)) if ":" not in str(told) else ""


def log_file_of(arguments: argparse.Namespace, profile: Profile | None) -> Path | None:
    """日志文件：命令行上的，再就是设置里的（它的文件夹没有就建）。

    Raises:
        UsageError: 命令行上的，文件夹不存在。
    """
    if arguments.log_file is not None:
        return writable("--log-file", arguments.log_file)
    return None if profile is None else profile.log_file


def writable(option: str, told: str | Path) -> Path:
    """要写的文件；文件夹不替人建：多半是路径写错了，做完了才知道就晚了。

    Args:
        option: 是哪个选项。
        told: 写了的路径。

    Raises:
        UsageError: 它的文件夹不存在，或它自己是文件夹。
    """
    file = Path(told).expanduser().absolute()
    if file.is_dir():
        raise UsageError(option, str(told), "这是一个文件夹；要写到文件名")
    if not file.parent.is_dir():
        raise UsageError(option, str(told), f"没有 {file.parent} 这个文件夹；先建好它，或改对路径")
    return file


def gate_of(profile: Profile, arguments: argparse.Namespace) -> Gate:
    """此刻开不开市。

    Raises:
        UsageError: 没有这个后端。
    """
    assume_open = arguments.assume_open or bool(profile.job.get("assume_open", False))
    return profile_gate(profile, assume_open=assume_open, hours=gate_hours(profile, arguments))


def gate_hours(profile: Profile, arguments: argparse.Namespace) -> bool:
    """也看几点。"""
    return not arguments.ignore_hours and bool(profile.job.get("hours", True))


def shut(frame: Frame, gate: Gate, **details: Any) -> Outcome:
    """没有开市：3；不知道开不开市不是没有开市，要人来看：1。"""
    result: outcomes.Result = "failed" if gate.state == "不知道" else "closed"
    return frame.outcome(result, f"{gate.reason}；什么都没有发出", gate=gate.to_dict(), **details)


def carry_out(
    job: str,
    profile: Profile,
    arguments: argparse.Namespace,
    work: Callable[[Frame], Outcome],
    *,
    limit_s: float | None,
    so_far: Mapping[str, Any] = {},
) -> int:
    """做一次任务，返回退出码；抛出来的都成为结果，通知、日志、JSON 里说的是同一件事。

    Args:
        job: 任务的名字。
        profile: 账号的设置。
        arguments: 有 `add_job_options` 的那几项。
        work: 做什么；它自己决定在哪里占锁（`locked`）。
        limit_s: 总共最多多少秒；None 不限。
        so_far: JSON 里的键与做到此刻的值，``work`` 走一步填一步：有哪些键不看结果。

    Raises:
        UsageError: 日志文件写不了，通知的设置不对；什么都没有做。
    """
    started = pace.current().now()
    notifier = Notifier.of(profile, job)
    frame = Frame(job, profile, notifier, started)

    def last_words() -> None:
        why = "叫停以后还停不下来，进程硬退了；下次运行接着做"
        told = frame.outcome("timeout", why, **so_far)
        _tell(told, arguments)
        notifier.finished(told)
        notifier.close(_LAST_S)

    with logging_to(log_file_of(arguments, profile), debug=arguments.debug), notifier:
        try:
            with (
                stopping.interrupting(),
                Watchdog(limit_s, grace_s=_GRACE_S, last_words=last_words),
            ):
                found = work(frame)
        except (EasytraderError, KeyboardInterrupt) as exc:
            found = _failed(frame, exc)
        except Exception as exc:  # noqa: BLE001  边界：没有人看着，什么错都要通知出去
            Log().exception("{} 出了内部的错", job)
            found = _failed(frame, exc)
        found = replace(found, details={**so_far, **found.details})
        lines = tuple(str(each) for each in found.details.get("lines", ()))
        _tell(found, arguments)
        if not getattr(arguments, "dry_run", False):  # 手工试一下，不必惊动一群人
            notifier.finished(found, lines)
    return found.exit_code


def not_begun(
    job: str, arguments: argparse.Namespace, error: EasytraderError, blank: Mapping[str, Any] = {}
) -> int:
    """还没有开始就错了（没有这个账号的设置、通知写错了）：``--json`` 也给一份键齐全的，返回退出码。

    Raises:
        EasytraderError: 不要 JSON 的，照别的命令那样说。
    """
    if not arguments.json:
        raise error
    found = outcomes.of_error(job, error, pace.current().now())
    say_json({**blank, **found.to_dict()})
    complain(f"错误：{error}")
    return found.exit_code


def locked(frame: Frame, arguments: argparse.Namespace, what: str = "") -> Any:
    """占着这个账号的这个任务（``what``：另外再细分），用作 ``with``。

    Raises:
        JobBusyError: 另一份正在跑。
    """
    wait_s = arguments.lock_wait
    if wait_s is None:
        wait_s = float(frame.profile.job.get("lock_wait", 0.0))
    account = key_of(frame.profile.account) + (f"\0{what}" if what else "")
    command = ["easytrader", *arguments.given]
    return only_one(frame.job, account, wait_s=wait_s, command=command)


def _failed(frame: Frame, error: BaseException) -> Outcome:
    if isinstance(error, KeyboardInterrupt) and not isinstance(error, JobExpired):
        return frame.outcome("interrupted", str(error) or "收到 Ctrl-C")
    return outcomes.of_error(
        frame.job, error, frame.started, account=account_of(frame.profile),
        profile=_name_of(frame.profile),
    )  # fmt: skip


def _tell(found: Outcome, arguments: argparse.Namespace) -> None:
    """写到屏幕上：JSON 是一个文档，文字的结果写在标准错误，不混进管道。"""
    if arguments.json:
        document = found.to_dict()
        document.pop("lines", None)
        say_json(document)
    to_file(str(found))
    complain(f"错误：{found.reason}" if found.result == "usage" else str(found))


def _name_of(profile: Profile) -> str:
    return "" if profile.file is None else profile.name
