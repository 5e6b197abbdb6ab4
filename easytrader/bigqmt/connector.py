"""怎样连：试每一种线，认人，看它是不是实盘、账号登没登录。什么都不发出。"""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from easytrader.basics.log import masked
from easytrader.basics.threads import AbandonedError, Aside
from easytrader.bigqmt import convert, place
from easytrader.bigqmt.flights import Watch
from easytrader.bigqmt.line import ImpostorError, SilentError, greet
from easytrader.bigqmt.session import BigqmtSession
from easytrader.bigqmt.wires import WireError, ways
from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    EasytraderError,
    NotConnectedError,
    QueryFailedError,
    UnsupportedError,
)
from easytrader.miniqmt.diagnose import big_client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.backend.session import Listener
    from easytrader.basics.log import Log
    from easytrader.bigqmt.agentfile import Settings
    from easytrader.bigqmt.ids import Numbering
    from easytrader.bigqmt.line import Line
    from easytrader.bigqmt.wires import Wire

_SHARE: Final = 0.5
"""一种线最多用掉剩下的期限的这么多。"""
_OTHER_S: Final = 2.0
"""管道、文件夹：中转一格（约 0.1 秒）看一次，这么久没有人应就是没有。"""
_LATE_S: Final = 0.3
"""到期的自己会说为什么，等它说完。"""
_OTHERS_S: Final = 0.4
"""认到一个之后，再等别的端口这么久：两个中转同时在，要说出来。"""
_GLANCE_S: Final = 0.02
"""隔这么久看一眼：是不是都没有结果了。"""

_MODES: Final = {
    "editor": "中转是在策略编辑器里点「运行」起来的，下的单不会出去",
    "backtest": "中转在回测里",
}
_RUN_LIVE: Final = "到「模型交易」里新建、选中转那个模型与账号、改成「实盘」，再运行"
_HOW: Final = (
    "先写出中转：easytrader bigqmt agent --account {account} --allow-orders -o agent.py；"
    "贴进客户端的模型，在「模型交易」里以实盘运行。查一遍：easytrader doctor"
)


class BigqmtConnector:
    """实现 `backend.session.Connector`。

    Args:
        settings: 中转的设置（端口、令牌），每次连都重新读。
        path: 客户端的文件夹。
        account: （资金账号，类型）。
        numbering: 委托的编号。
        timeout_s: 期限，秒。
        row_wait_s: 下单之后最慢几秒看得到，秒。
        log: 日志口。
    """

    session_id = 0

    def __init__(
        self,
        settings: Callable[[], Settings],
        path: Path,
        account: tuple[str, str],
        numbering: Numbering,
        timeout_s: float,
        row_wait_s: float,
        log: Log,
    ) -> None:
        self.timeout_s = timeout_s
        self._settings = settings
        self._path = path
        self._account = account
        self._numbering = numbering
        self._row_wait_s = row_wait_s
        self._log = log
        self._watch = Watch()
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """让正在进行的 `open` 立刻失败。"""
        self._cancelled.set()

    def open(self, listener: Listener, deadline: float) -> BigqmtSession:
        """开一次会话。"""
        line = self._reach(deadline)
        try:
            self._check(line)
            session = BigqmtSession(
                line,
                self._account,
                self._numbering,
                self._watch,
                listener,
                self._log,
                self.timeout_s,
                self._row_wait_s,
            )
        except BaseException:
            line.fail("没有连成")
            raise
        try:
            session.start()
            self._check_account(session, deadline)
        except BaseException as exc:
            session.lose("没有连成")
            session.close(1.0)
            if isinstance(exc, (NotConnectedError, QueryFailedError, UnsupportedError)):
                raise ConnectFailedError(f"接上了中转，但{exc}") from exc
            raise
        account_id = masked(self._account[0])
        self._log.info("✓ 成功连接到完整版 QMT（{}），账号: {}", line.name, account_id)
        if not line.hello.get("orders"):
            self._log.info("客户端里的中转只许看：可以查询，不能下单")
        return session

    # ---- 内部

    def _reach(self, deadline: float) -> Line:
        """认到的那一个中转。"""
        settings = self._settings()
        told: list[str] = []
        silent = False
        for kind, wires in ways(settings.ports, settings.pipe, settings.spool):
            left_s = (deadline - time.monotonic()) * _SHARE
            until = time.monotonic() + max(0.1, left_s if kind == "TCP" else min(left_s, _OTHER_S))
            lines, errors = self._greet(wires, settings.token, until)
            if self._cancelled.is_set():
                _drop(lines)
                raise ClosedError("这次连接被取消：trader 已经 close()，或又调用了一次 connect()")
            if lines:
                if told:
                    self._log.info("走的是「{}」这条线；{}", kind, "；".join(told))
                return self._only(lines)
            for error in errors:
                if isinstance(error, ConnectFailedError) and not isinstance(error, ImpostorError):
                    raise error  # 中转自己说的
                silent = silent or isinstance(error, SilentError)
            told.append(f"{kind}：{_most_telling(errors)}")
        raise ConnectFailedError(self._why(told, silent=silent))

    def _greet(
        self, wires: list[Callable[[float], Wire]], token: str, until: float
    ) -> tuple[list[Line], list[Exception]]:
        """一种线的几处同时试；认到一个之后稍等一等别的。"""
        stop, met = threading.Event(), threading.Event()
        greeted: list[Line] = []

        def stopped() -> bool:
            return stop.is_set() or self._cancelled.is_set()

        def attempt(way: Callable[[float], Wire]) -> Line:
            line = greet(way(until), token, self._account[0], until, stopped)
            greeted.append(line)
            met.set()
            if stop.is_set():  # 没有人等它了
                line.fail("用不着")
            return line

        asides = [Aside(partial(attempt, way), "easytrader-wire") for way in wires]
        try:
            for each in asides:
                each.start()
        except RuntimeError as exc:
            stop.set()
            raise ConnectFailedError(f"系统开不出新线程，没有连接：{exc}") from exc
        lines: list[Line] = []
        errors: list[Exception] = []
        _await_first(asides, met, until, stopped)
        limit = min(until + _LATE_S, time.monotonic() + _OTHERS_S)
        for each in asides:
            try:
                left_s = max(0.0, limit - time.monotonic())
                lines.append(each.result(left_s, self._cancelled.is_set))
            except AbandonedError:  # noqa: PERF203  几个端口，各有各的结果
                pass
            except (EasytraderError, OSError) as exc:
                errors.append(exc)
        stop.set()
        _drop([each for each in greeted.copy() if each not in lines])
        return lines, errors

    def _only(self, lines: list[Line]) -> Line:
        boots = {line.boot: line for line in lines}
        if len(boots) > 1:
            named = "；".join(
                f"{line.name}（{line.hello.get('place', '?')}，启动号 {boot[:6]}）"
                for boot, line in boots.items()
            )
            _drop(lines)
            raise ConnectFailedError(
                f"有两个中转同时在给账号 {masked(self._account[0])} 办事：{named}。"
                "什么都没有发出；停掉一个（同一个模型不要运行两遍），再连"
            )
        _drop(lines[1:])
        return lines[0]

    def _check(self, line: Line) -> None:
        hello, kind = line.hello, self._account[1]
        places = [str(hello.get(each) or "") for each in ("cwd", "place")]
        other = place.elsewhere(self._path, places)
        if other:
            raise ConnectFailedError(f"{other}。什么都没有发出；把路径写成那个客户端的，或核对账号")
        told = _MODES.get(str(hello.get("mode")))
        if told is not None:
            raise ConnectFailedError(f"{told}。{_RUN_LIVE}；什么都没有发出")
        if hello.get("account_type") != kind:
            raise ConnectFailedError(
                f"账号类型不对：客户端里的中转是 {hello.get('account_type')}，这里要的是 {kind}。"
                "改 connect(..., account_type=...)，或照它重新写一份中转贴进去"
            )
        seen = big_client.read_log(self._path, near=_moment(hello.get("loaded")))
        if seen.mode == "sim":
            raise ConnectFailedError(
                f"中转在「模拟」里运行（日志 {seen.name}：signal only mode）：只出信号，"
                f"下的单不会出去。{_RUN_LIVE}；什么都没有发出"
            )

    def _check_account(self, session: BigqmtSession, deadline: float) -> None:
        with session.until(deadline):
            rows = session.table("ACCOUNT")
            if not rows:
                raise ConnectFailedError(
                    f"资金账号 {masked(self._account[0])} 没有在客户端里登录"
                    "（终端没有给出资金）：登录以后再连"
                )
            down = convert.trouble(rows[0])
            if down:
                raise ConnectFailedError(f"客户端与柜台还没有连好（{down}）：等它连上")
            session.asset()

    def _why(self, told: list[str], *, silent: bool) -> str:
        """一个中转都没有找到。"""
        first = f"没有找到账号 {masked(self._account[0])} 的中转，什么都没有发出"
        if silent:
            first = "接得通中转，而它一直不说话：客户端卡住了（或端口被别的程序占着）"
        lines = [first, *(f"  {each}" for each in told)]
        with contextlib.suppress(OSError):
            refusals = big_client.read_log(self._path).refusals
            if refusals:
                lines.append("客户端的日志里说（原话）：")
                lines += [f"  {each}" for each in refusals]
                lines.append("券商锁住了的，这里不绕过去：问券商能不能开")
        if not silent:
            lines.append(_HOW.format(account="资金账号"))
        return "\n".join(lines)


def _moment(value: object) -> float | None:
    return value if isinstance(value, float) else None


def _await_first(
    asides: list[Aside[Line]], met: threading.Event, until: float, stopped: Callable[[], bool]
) -> None:
    """等到认出一个，或都没有指望了。"""
    while any(each.thread.is_alive() for each in asides):
        if stopped() or time.monotonic() >= until or met.wait(_GLANCE_S):
            return


def _most_telling(errors: list[Exception]) -> str:
    """几处各有各的结果，说得最明白的那一句：有人占着、接得通而不说话，比接不通要紧。"""
    if not errors:
        return "到期没有结果"
    return str(max(errors, key=lambda each: isinstance(each, (ImpostorError, SilentError))))


def _drop(lines: list[Line]) -> None:
    for line in lines:
        with contextlib.suppress(WireError):
            line.fail("用不着")
