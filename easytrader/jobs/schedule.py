"""排程：一行一个任务，只在交易日跑；钟是 APScheduler 的，哪天跑是这里算的。

::

    14:50 rebalance targets.csv --profile main
    month-start 09:35:30 rebalance monthly.csv --profile main
    每周首个交易日 09:31 run weekly.py
    周五 15:30 reconcile --profile main

每个任务是一个子进程，输出各写各的文件：排程自己停了、崩了，在跑的照样跑完。
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import sys
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import beijing, waits
from easytrader.basics.log import Log
from easytrader.basics.paths import home
from easytrader.basics.private import private_folder
from easytrader.errors import MissingDependencyError, UsageError
from easytrader.jobs import child
from easytrader.market import calendar

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Sequence

_FORM: Final = (
    "写成 [哪天] 时:分[:秒] 命令 参数…，例如 14:50 rebalance targets.csv --profile main；"
    "哪天可以是 month-start（每月首个交易日）、month-end、week-start、week-end、"
    "mon 到 fri（周一到周五），不写是每个交易日"
)
_DAY, _WEEKDAY, _MONTH_START, _MONTH_END, _WEEK_START, _WEEK_END = (
    "每个交易日", "周", "每月首个交易日", "每月末个交易日", "每周首个交易日", "每周末个交易日",
)  # fmt: skip
_WHICH: Final = {
    **dict.fromkeys(("daily", _DAY), (_DAY, -1)),
    **dict.fromkeys(("month-start", "monthly-first", _MONTH_START), (_MONTH_START, -1)),
    **dict.fromkeys(("month-end", "monthly-last", _MONTH_END), (_MONTH_END, -1)),
    **dict.fromkeys(("week-start", "weekly-first", _WEEK_START), (_WEEK_START, -1)),
    **dict.fromkeys(("week-end", "weekly-last", _WEEK_END), (_WEEK_END, -1)),
    **{
        name: (_WEEKDAY, number)
        for number, names in enumerate(
            zip(("mon", "tue", "wed", "thu", "fri"), "一二三四五", strict=True)
        )
        for name in (names[0], f"周{names[1]}", f"星期{names[1]}")
    },
}
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_FAR: Final = 400
"""往后找这么多天里的下一次。"""
_KEEP: Final = 200
"""任务的输出留最近这么多个文件。"""
_TAIL: Final = 20
"""没做成的任务，输出的最后几行写进日志。"""
_TAIL_BYTES: Final = 16_384
_TICK_S: Final = 10.0
"""每这么久看一次钟：机器睡过一觉，不能等到睡之前算好的那个时候。"""
_NEW_DAY: Final = {"hour": 3, "minute": 33, "second": 33}
"""每天这个时候重读日历。"""
_numbers = count(1)
"""同一秒里开始的两个任务，输出也不写进一个文件。"""


@dataclass(frozen=True)
class Line:
    """一行：哪天、几点、跑什么。用 `parse` 得到。

    Attributes:
        text: 原样的一行。
        which: 哪些交易日，中文的说法。
        weekday: 0 周一到 4 周五；不按星期几的为 -1。
        at: 北京时间几点。
        arguments: easytrader 的命令与参数。
    """

    text: str
    which: str
    weekday: int
    at: clock_time
    arguments: tuple[str, ...]

    @property
    def command(self) -> str:
        """跑什么，给人看的：这一行去掉哪天、几点。"""
        first, _, rest = self.text.partition(" ")
        return rest.strip() if _TIME.fullmatch(first) else rest.strip().partition(" ")[2].strip()

    @property
    def told(self) -> str:
        """什么时候跑，给人看的。"""
        day = f"周{'一二三四五'[self.weekday]}（交易日）" if self.which == _WEEKDAY else self.which
        return f"{day} {self.at:%H:%M:%S}"

    def is_due(self, day: date, *, assume_open: bool = False) -> bool | None:
        """这一天跑不跑；不知道这天、旁边的日子是否开市为 None。

        Args:
            day: 北京时间的日期。
            assume_open: 日历不知道的周一至周五当作开市。
        """
        if self.which == _WEEKDAY and day.weekday() != self.weekday:
            return False
        opens = _opens(day, assume_open)
        if not opens or self.which in (_DAY, _WEEKDAY):
            return opens
        step = timedelta(days=1 if self.which in (_MONTH_END, _WEEK_END) else -1)
        other = day + step
        while _same(self.which, day, other):
            opens = _opens(other, assume_open)
            if opens is not False:
                return None if opens is None else False
            other += step
        return True

    def next(self, after: datetime, *, assume_open: bool = False) -> datetime | None:
        """``after`` 之后（不含）的下一次；一年多里都没有为 None。

        日历知道的都是交易日；日历之外的算周一至周五，到时候再问一次。``assume_open`` 同 `is_due`。
        """
        day = after.astimezone(beijing.BEIJING).date()
        for _ in range(_FAR):
            moment = datetime.combine(day, self.at, beijing.BEIJING)
            if moment > after and self.is_due(day, assume_open=assume_open) is not False:
                return moment
            day += timedelta(days=1)
        return None


def _opens(day: date, assume_open: bool) -> bool | None:
    opens = calendar.is_trading_day(day)
    if opens is None and calendar.never_opens(day):
        return False
    return True if opens is None and assume_open else opens


def _same(which: str, day: date, other: date) -> bool:
    """两天在同一个月、同一周。"""
    if which in (_MONTH_START, _MONTH_END):
        return (day.year, day.month) == (other.year, other.month)
    return day.isocalendar()[:2] == other.isocalendar()[:2]


def parse(text: str, check: Callable[[Sequence[str]], str]) -> Line:
    """一行文字 → 任务。反斜杠就是反斜杠，带空格的路径用引号。

    Args:
        text: 一行。
        check: 命令与参数 → 哪里不对；对的为空。

    Raises:
        UsageError: 时刻、日子、命令不对。
    """
    try:
        words = _words(text)
    except ValueError:
        raise UsageError("任务", text, "引号要成对") from None
    which, weekday = _DAY, -1
    if words and words[0].lower() in _WHICH:
        which, weekday = _WHICH[words[0].lower()]
        words = words[1:]
    found = _TIME.fullmatch(words[0]) if words else None
    if found is None:
        raise UsageError("任务", text, _FORM)
    try:
        hour, minute, second = (int(each or 0) for each in found.groups())
        at = clock_time(hour, minute, second)
    except ValueError:
        raise UsageError("任务", text, "时刻应为 00:00:00 到 23:59:59，北京时间") from None
    if len(words) == 1:
        raise UsageError("任务", text, f"少了命令。{_FORM}")
    wrong = check(words[1:])
    if wrong:
        raise UsageError("任务", text, wrong)
    return Line(text, which, weekday, at, tuple(words[1:]))


def read(path: str | os.PathLike[str]) -> list[str]:
    """文件里的各行；空行与 ``#`` 开头的不算。

    Raises:
        UsageError: 读不了，或不是 UTF-8、GBK。
    """
    file = Path(path).expanduser()
    try:
        data = file.read_bytes()
    except OSError as exc:
        raise UsageError("FILE", str(path), f"应为读得了的文件：{exc.strerror or exc}") from None
    for encoding in ("utf-8-sig", "gbk"):
        try:
            lines = data.decode(encoding).splitlines()
        except UnicodeDecodeError:
            continue
        return [line.strip() for line in lines if line.strip() and line.lstrip()[0] != "#"]
    raise UsageError("FILE", str(path), "应为 UTF-8 编码的文本")


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = lexer.escape = ""
    return list(lexer)


class Schedule:
    """排着的任务，从 `run` 到被叫停。

    Args:
        lines: 任务。
        timeout_s: 一个任务最多跑这么久，秒；到期连子孙一起停掉。
        grace_s: 晚了这么多秒以内的还跑，再晚的（机器睡着了）就错过了。
        stop_s: 被叫停以后，在跑的最多等这么久；还没有跑完的不杀，说出来。
        assume_open: 日历不知道的日子也跑。
        failed: 一个任务没做成（退出码不是 0、3，或超时、错过）时：任务，为什么。
    """

    def __init__(
        self,
        lines: Sequence[Line],
        *,
        timeout_s: float,
        grace_s: float,
        stop_s: float,
        assume_open: bool = False,
        failed: Callable[[Line, str], None] | None = None,
    ) -> None:
        self._lines = lines
        self._timeout_s, self._grace_s, self._stop_s = timeout_s, grace_s, stop_s
        self._assume_open = assume_open
        self._failed = failed or (lambda _line, _why: None)
        self._log = Log()
        self._asked: SimpleQueue[str] = SimpleQueue()  # put 可以在信号处理里
        self._stopping = False
        self._running: dict[int, tuple[Line, subprocess.Popen[bytes]]] = {}
        self._guard = Lock()

    def ask(self, who: str) -> None:
        """叫它停；什么时候、哪个线程、信号处理里都可以。"""
        self._asked.put(who)

    def run(self) -> bool:
        """跑到被叫停。

        Returns:
            在跑的都跑完了；还有没跑完的（没有杀它）为假。

        Raises:
            MissingDependencyError: 没有装 APScheduler。
        """
        scheduler = _scheduler(len(self._lines) + 1)
        for number, line in enumerate(self._lines):
            self._add(scheduler, number, line)
        # 不只交易日：改正文件改过了、日历快用完了，都在这时候知道
        renew = partial(self._new_day, scheduler)
        scheduler.add_job(renew, "cron", id="日历", misfire_grace_time=None, **_NEW_DAY)
        self._tell_calendar()
        scheduler.add_listener(self._hear, _events())
        scheduler.start()
        try:
            while not self._is_asked(_TICK_S):
                scheduler.wakeup()
        finally:
            with self._guard:
                self._stopping = True  # 从此不起新的
            scheduler.shutdown(wait=False)
        return self._finish()

    # ---- 到点

    def _add(self, scheduler: Any, number: int, line: Line) -> None:
        scheduler.add_job(
            self.fire,
            _trigger(line),
            args=(line,),
            id=str(number),
            name=line.text,
            misfire_grace_time=max(1, int(self._grace_s)),
            coalesce=True,
            max_instances=1,
        )

    def fire(self, line: Line) -> int | None:
        """到点了：今天该跑就跑完它，返回退出码；没有跑为 None。"""
        calendar.reload()
        today = beijing.beijing_now().date()
        due = line.is_due(today, assume_open=self._assume_open)
        if due is None:
            self._not_done(line, f"没有跑：{calendar.explain(today) or calendar.remedy()}")
            return None
        if due is False:
            self._log.info("今天不跑（不是{}）：{}", line.which, line.text)
            return None
        return self._spawn(line)

    def _spawn(self, line: Line) -> int | None:
        output = _output_file(line)
        command = [sys.executable, "-m", "easytrader", *line.arguments]
        env = {**os.environ, "PYTHONIOENCODING": "utf-8:backslashreplace"}
        started = time.monotonic()
        try:
            with output.open("wb") as out, self._guard:
                if self._stopping:
                    return None
                process = child.start(command, out=out, env=env)
                self._running[process.pid] = line, process
        except OSError as exc:
            self._not_done(line, f"起不来：{exc}")
            return None
        self._log.info("开始：{}  进程 {}  输出在 {}", line.text, process.pid, output)
        try:
            code = child.wait(process, self._timeout_s, self._gave_up)
            if code is None and not self._stopping:
                child.end(process)
                self._not_done(line, f"过了 {self._timeout_s:g} 秒还没有跑完，已停掉", output)
                return process.returncode
        finally:
            if process.poll() is not None:
                with self._guard:
                    self._running.pop(process.pid, None)
        if code is not None:
            self._tell_end(line, code, time.monotonic() - started, output)
        return code

    def _tell_end(self, line: Line, code: int, seconds: float, output: Path) -> None:
        if code in (0, 3):
            done = "做完了" if code == 0 else "不开市，没有做"
            self._log.info("{}：{}  退出码 {}，{:.1f} 秒", done, line.text, code, seconds)
            return
        self._not_done(line, f"退出码 {code}，{seconds:.1f} 秒", output)

    def _not_done(self, line: Line, why: str, output: Path | None = None) -> None:
        self._log.error("没有做成：{}  {}", line.text, why)
        for each in [] if output is None else _tail(output):
            self._log.error("  | {}", each)
        self._failed(line, why)

    def _hear(self, event: Any) -> None:
        """APScheduler 说的：错过了、上一次还没有跑完。"""
        line = self._lines[int(event.job_id)] if event.job_id.isdecimal() else None
        if line is None:
            return
        if hasattr(event, "scheduled_run_times"):
            self._not_done(line, "没有跑：上一次还没有跑完")
            return
        late_s = time.time() - event.scheduled_run_time.timestamp()
        self._not_done(line, f"错过了：晚了 {late_s:.0f} 秒，不再补跑（--grace {self._grace_s:g}）")

    def _new_day(self, scheduler: Any) -> None:
        calendar.reload()
        self._tell_calendar()
        for number, line in enumerate(self._lines):
            scheduler.reschedule_job(str(number), trigger=_trigger(line))

    def _tell_calendar(self) -> None:
        wrong = warning(beijing.beijing_now().date())
        if wrong:
            self._log.warning("{}", wrong)

    # ---- 停

    def _is_asked(self, seconds: float) -> bool:
        def step(slice_s: float) -> bool:
            try:
                who = self._asked.get(block=slice_s > 0, timeout=slice_s)
            except Empty:
                return False
            self._log.info("停止：{}", who)
            return True

        return waits.sliced(step, seconds)

    def _gave_up(self) -> bool:
        """排程已经停了，不再等在跑的。"""
        return self._stopping

    def _finish(self) -> bool:
        with self._guard:
            left = list(self._running.values())
        if not left:
            return True
        self._log.info("还有 {} 个在跑，最多等 {:g} 秒", len(left), self._stop_s)
        deadline = time.monotonic() + self._stop_s
        clean = True
        for line, process in left:
            code = child.wait(process, max(0.0, deadline - time.monotonic()), self._asked_again)
            if code is None:
                clean = False
                told = "还在跑，没有杀它，它会自己跑完：{}  进程 {}"
                self._log.warning(told, line.text, process.pid)
            else:
                self._log.info("跑完了：{}  退出码 {}", line.text, code)
        return clean

    def _asked_again(self) -> bool:
        return not self._asked.empty()


def warning(today: date) -> str:
    """日历快用完了、写错了；没有为空。"""
    last = calendar.ending(today)
    if last is None:
        return calendar.trouble()
    return f"交易日历只到 {last}，之后的日子不会跑；{calendar.remedy()}"


def upcoming(
    lines: Iterable[Line], now: datetime, count: int = 3, *, assume_open: bool = False
) -> list[tuple[datetime, Line]]:
    """接下来的几次，按时间；``count`` 是每个任务几次，``assume_open`` 同 `Line.is_due`。"""
    found: list[tuple[datetime, Line]] = []
    for line in lines:
        start = len(found)
        moment = line.next(now, assume_open=assume_open)
        while moment is not None and count > len(found) - start:
            found.append((moment, line))
            moment = line.next(moment, assume_open=assume_open)
    return sorted(found, key=lambda each: each[0])


# ---- APScheduler


def check_installed() -> None:
    """装了 APScheduler 3。

    Raises:
        MissingDependencyError: 没有装。
    """
    try:
        import_module("apscheduler.schedulers.background")
    except ImportError as exc:
        told = '排程要 APScheduler：pip install "easytrader[schedule]"'
        raise MissingDependencyError(told) from exc


def _scheduler(workers: int) -> Any:
    check_installed()
    from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped,unused-ignore]
    from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped,unused-ignore]

    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # 要说的由 Schedule 说
    executors = {"default": ThreadPoolExecutor(workers)}
    return BackgroundScheduler(executors=executors, timezone=beijing.BEIJING)


def _events() -> int:
    from apscheduler import events  # type: ignore[import-untyped,unused-ignore]

    return int(events.EVENT_JOB_MISSED | events.EVENT_JOB_MAX_INSTANCES)


def _trigger(line: Line) -> Any:
    from apscheduler.triggers.base import BaseTrigger  # type: ignore[import-untyped,unused-ignore]

    class Trading(BaseTrigger):  # type: ignore[misc]  # APScheduler 没有类型
        """`Line.next` 说了算。"""

        def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
            return line.next(now if previous is None else previous)

    return Trading()


# ---- 输出


def _output_file(line: Line) -> Path:
    """这一次的输出写在哪里；旧的只留最近的一些。"""
    folder = private_folder(home() / "logs" / "schedule", tighten=True)
    for each in sorted(folder.glob("*.log"))[: -_KEEP + 1]:
        each.unlink(missing_ok=True)
    at = beijing.stamp(time.time(), "%Y%m%d-%H%M%S")
    return folder / f"{at}-{line.arguments[0]}-{os.getpid()}-{next(_numbers)}.log"


def _tail(output: Path) -> list[str]:
    try:
        with output.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [each.rstrip() for each in text.splitlines()[-_TAIL:]]
