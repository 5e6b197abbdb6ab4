"""``easytrader run``：把一个脚本当作定时任务跑：开不开市、只跑一份、期限、日志、通知、退出码。"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

from easytrader.basics import paths, waits
from easytrader.basics.log import Log
from easytrader.basics.private import private_file, private_folder
from easytrader.cli.account_options import (
    PROFILE_VARIABLE,
    add_account_options,
    chosen,
    is_told,
)
from easytrader.cli.job_frame import (
    add_job_options,
    carry_out,
    gate_of,
    locked,
    not_begun,
    shut,
)
from easytrader.cli.output import complain, say
from easytrader.cli.parser import seconds
from easytrader.cli.run_script import passed_on
from easytrader.cli.script_child import BUSY
from easytrader.errors import EasytraderError, UsageError
from easytrader.jobs import child, codes
from easytrader.jobs.lock import lock_file
from easytrader.jobs.logfile import to_file
from easytrader.jobs.outcome import Outcome
from easytrader.profiles import AccountSpec, Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.cli.job_frame import Frame
    from easytrader.cli.parser import Rooms
    from easytrader.jobs.outcome import Result

_JOB: Final = "run"
_TIMEOUT_S: Final = 6 * 3600.0
_DUMP_S: Final = 2.0
"""到期以后先让脚本说停在哪一行，过这么久再停掉它。"""
_PIPES_S: Final = 2.0
"""脚本完了，它的子孙还占着输出的，最多再读这么久。"""
_LINE: Final = 65_536
_TAIL: Final = 20
_MOST_CODE: Final = 255
_FRAME: Final = re.compile(r'  File ".*", line \d+ in ')
_ESCAPED: Final = re.compile(r"\\u([0-9a-f]{4})")
_RESULTS: Final[dict[int, Result]] = {
    codes.DONE: "done", codes.CLOSED: "closed", codes.PARTLY: "partly",
}  # fmt: skip


def register(rooms: Rooms) -> None:
    """挂上 ``run``。"""
    parser = rooms.add_parser(
        "run",
        description="像 python SCRIPT ARGS 那样跑一个脚本，加上定时任务要的：不开市不跑、\n"
        "只跑一份、到期停掉、日志、通知。脚本里用 easytrader.profiles.open() 打开账号。\n"
        "例：easytrader run monthly.py --profile main\n"
        "SCRIPT 后面不是这里的选项的，都是脚本自己的参数；同名的写在 -- 后面。\n"
        "退出码：脚本自己的；没有跑的：2 用法不对，3 不开市；1 到期停掉了、崩溃了、上一次还在跑。",
    )
    _add_options(parser)
    add = parser.add_argument
    add("script", metavar="SCRIPT", help="脚本文件")
    add(
        "arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="原样交给脚本的参数"
    ).required = False
    parser.set_defaults(fail=parser.error)
    parser.runs(_run)


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_account_options(parser, timeout=False)
    add_job_options(parser)
    told = f"脚本最多跑这么久，秒，到期连子孙一起停掉（默认 {_TIMEOUT_S:g}）"
    parser.add_argument("--timeout", metavar="S", type=seconds, help=told)
    parser.add_argument("--no-lock", action="store_true", help="同一个脚本可以同时跑几份")


class _Late(argparse.ArgumentParser):
    """写在 SCRIPT 后面的选项。"""

    def __init__(self, fail: Callable[[str], NoReturn]) -> None:
        super().__init__(add_help=False, allow_abbrev=False)
        self._fail = fail
        _add_options(self)

    def error(self, message: str) -> NoReturn:
        self._fail(message)


def own_arguments(arguments: argparse.Namespace) -> list[str]:
    """脚本自己的参数；``--`` 之前这里认得的选项，照写在 SCRIPT 前面的算。"""
    rest = passed_on(arguments.given, arguments.arguments)
    cut = rest.index("--") if "--" in rest else len(rest)
    _, left = _Late(arguments.fail).parse_known_args(rest[:cut], arguments)
    return [*left, *rest[cut + 1 :]]


def _run(arguments: argparse.Namespace) -> int:
    rest = own_arguments(arguments)
    try:
        return _carried_out(arguments, rest)
    except EasytraderError as exc:
        return not_begun(_JOB, arguments, exc)


def _carried_out(arguments: argparse.Namespace, rest: list[str]) -> int:
    # 没有说账号的：脚本自己连，开不开市照沪深北的日历
    profile = chosen(arguments) if is_told(arguments) else Profile("", AccountSpec("miniqmt"))
    limit_s = arguments.timeout
    if limit_s is None:
        limit_s = float(profile.job.get("timeout", _TIMEOUT_S))

    def work(frame: Frame) -> Outcome:
        script = Path(arguments.script)
        if not script.is_file():
            raise UsageError("SCRIPT", arguments.script, "没有这个文件；写脚本的路径")
        if arguments.no_lock:
            return _gated(frame, arguments, limit_s, ["-", f"{limit_s}", arguments.script, *rest])
        place = paths.canonical(script)
        with locked(frame, arguments, place):
            inner = str(lock_file("script", place))
            return _gated(frame, arguments, limit_s, [inner, f"{limit_s}", arguments.script, *rest])

    return carry_out(_JOB, profile, arguments, work, limit_s=None)


def _gated(frame: Frame, arguments: argparse.Namespace, limit_s: float, told: list[str]) -> Outcome:
    """开市才跑；``told`` 是 `script_child` 的参数。"""
    gate = gate_of(frame.profile, arguments)
    if not gate.open:
        return shut(frame, gate)
    command = [
        sys.executable, "-u", "-X", "faulthandler", "-m", "easytrader.cli.script_child", *told,
    ]  # fmt: skip
    with _environment(arguments, frame.profile) as env:
        return _supervised(frame, arguments, command, env, limit_s)


def _supervised(
    frame: Frame,
    arguments: argparse.Namespace,
    command: list[str],
    env: dict[str, str],
    limit_s: float,
) -> Outcome:
    """起子进程，看着它到完。"""
    log = Log()
    process = child.start(command, out=subprocess.PIPE, err=subprocess.PIPE, env=env)
    log.info("开始：{}  进程 {}", arguments.script, process.pid)
    pipes = _Pipes(process, complain if arguments.json else say)
    try:
        code = child.wait(process, limit_s)
        if code is None:
            log.error("脚本过了 {:g} 秒还没有跑完，停掉它", limit_s)
            child.wait(process, _DUMP_S)
            child.end(process)
    except BaseException:  # 被叫停：脚本也停
        child.end(process)
        raise
    finally:
        pipes.finish()
    return _judged(frame, code, limit_s, pipes.tail)


@dataclass(frozen=True)
class _Ran(Outcome):
    """跑完了的脚本：退出码是它自己的。"""

    code: int = codes.FAILED

    @property
    def exit_code(self) -> int:
        """脚本自己的。"""
        return self.code


def _judged(frame: Frame, code: int | None, limit_s: float, tail: list[str]) -> Outcome:
    """子进程的下场 → 结果。"""
    details: dict[str, Any] = {"script_exit_code": code, "lines": tail if code != 0 else []}
    if code is None:
        told = f"脚本过了 {limit_s:g} 秒还没有跑完，已停掉；停在哪一行见日志"
        return frame.outcome("timeout", told, **details)
    if code == BUSY:
        return frame.outcome("busy", "上一次留下的脚本还在跑；等它跑完，或先停掉它")
    if not 0 <= code <= _MOST_CODE:
        return frame.outcome("failed", f"脚本崩溃了（{_crash(code)}）", **details)
    result = _RESULTS.get(code, "failed")
    told = "" if code == codes.DONE else f"脚本的退出码是 {code}"
    plain = frame.outcome(result, told, **details)
    return _Ran(**{each.name: getattr(plain, each.name) for each in fields(plain)}, code=code)


def _crash(code: int) -> str:
    if code >= 0:
        return f"0x{code:08X}"  # Windows 的异常码
    try:
        return f"信号 {signal.Signals(-code).name}"
    except ValueError:
        return f"信号 {-code}"


@contextmanager
def _environment(arguments: argparse.Namespace, profile: Profile) -> Iterator[dict[str, str]]:
    """脚本的环境变量：``profiles.open()`` 打开的是命令行说的账号。"""
    env = {**os.environ, "PYTHONIOENCODING": "utf-8:backslashreplace"}
    env.pop("PYTHONWARNINGS", None)
    if not is_told(arguments):
        yield env
        return
    if profile.file is not None:
        yield {**env, PROFILE_VARIABLE: str(profile.file)}
        return
    # 命令行上写的账号：给脚本一份只有本人读得到的设置，用完就删
    file = private_folder(paths.home() / "jobs") / f"{secrets.token_hex(8)}.toml"
    rows = [f"broker = {json.dumps(profile.broker, ensure_ascii=False)}", "[connect]"]
    rows += [f"{key} = {json.dumps(str(told), ensure_ascii=False)}"
             for key, told in profile.connect.items()]  # fmt: skip
    private_file(file)
    try:
        file.write_text("\n".join(rows) + "\n", encoding="utf-8")
        yield {**env, PROFILE_VARIABLE: str(file)}
    finally:
        file.unlink(missing_ok=True)


def _readable(text: str) -> str:
    """回溯（faulthandler 写的）的一帧：路径里的汉字是转义的，写回汉字。"""
    if not _FRAME.match(text):
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


class _Pipes:
    """脚本的两路输出：一行一行地写到屏幕上，也写进日志文件。"""

    def __init__(self, process: subprocess.Popen[bytes], out: Callable[[str], object]) -> None:
        self.tail: list[str] = []
        """最后几行。"""
        assert process.stdout is not None
        assert process.stderr is not None
        self._threads = [
            threading.Thread(target=self._read, args=each, name="easytrader-run", daemon=True)
            for each in ((process.stdout, out), (process.stderr, complain))
        ]
        for each in self._threads:
            each.start()

    def _read(self, pipe: IO[bytes], show: Callable[[str], object]) -> None:
        with pipe:
            while line := pipe.readline(_LINE):
                text = _readable(line.decode("utf-8", errors="replace").rstrip("\r\n"))
                show(text)
                to_file(text)
                self.tail = [*self.tail[-_TAIL + 1 :], text]

    def finish(self) -> None:
        """读完；子孙还占着的不等了。"""
        for each in self._threads:
            waits.join(each, _PIPES_S)
