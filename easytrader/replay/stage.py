"""台子：回放时的时间怎样走，脚本等的时候别人做什么。

时间只在脚本的主线程等的时候走（``time.sleep``、`user.wait`、`user.events`、``Event.wait``、
``Queue.get``、``Thread.join``）；算得再久也不走。等一段，就把柜台的钟一截一截拨过去：有挂单的一跳
一截，没有的一步到头；每一截之后先等推送都交到回调手里。别的线程里的等，等主线程把时间走到。
"""

from __future__ import annotations

import asyncio
import functools
import math
import os
import queue
import sys
import threading
import time
from concurrent.futures import TimeoutError as LateError
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import pace
from easytrader.basics.beijing import moment
from easytrader.errors import MissingDependencyError, SimulatorError
from easytrader.sim.host import hub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.basics.replaying import Replaying
    from easytrader.sim.config.folder import SimFolder

_SETTLE_S: Final = 10.0
"""回调做完最多等这么久（真的秒）。"""
_LOOK_S: Final = 0.02
"""等别的线程时，隔这么久（真的秒）看一眼。"""
_WAKE_S: Final = 1.0
"""叫醒的线程最多让它做这么久（真的秒）再往前走。"""
_ZONE: Final = "Asia/Shanghai"
_REAL_SLEEP: Final = time.sleep  # noqa: TID251  接管之前的那个
_REAL_WAIT: Final = threading.Event.wait
_REAL_JOIN: Final = threading.Thread.join
_REAL_GET: Final = queue.Queue.get


class DayOverError(BaseException):
    """这一天已经走完，脚本还在等：像 kill 一样停下它，所以不是 Exception。"""


class Stage(pace.Pace):
    """一次回放的时间。

    Args:
        folder: 模拟文件夹，单步的。
        replay: 谁连着它。
        user_code: 一个源文件是不是用户的：用户写的等才按模拟的时间走。
    """

    def __init__(
        self, folder: SimFolder, replay: Replaying, user_code: Callable[[str], bool]
    ) -> None:
        self._replay = replay
        self._user_code = functools.lru_cache(maxsize=None)(user_code)
        hub.allow_embed(folder.path)
        self._path = folder.path
        self._host = hub.acquire(folder.path)
        self.refusals: list[Any] = []
        """当场退回的委托，见 `Host.refusals`。"""
        self._host.refusals = self.refusals
        self._now = float(self._host.control("step", {})["now"])
        self._limit = math.inf
        self._traveller: Any = None
        self._driver: int | None = None
        self._turn = threading.Condition()
        self._day = 0
        self._dozing: dict[int, float] = {}
        self._vendors: list[Any] = []
        """今天的脚本开始了的 ``XtQuantTrader``。"""
        self._quiet = -1

    def close(self) -> None:
        """柜台放手。"""
        hub.release(self._path, self._host)
        self._host.close()  # 厂商的行情接口还连着的，也断开

    # ---- 时间

    def now(self) -> float:
        """回放走到了几点，Unix 秒。"""
        return self._now

    def monotonic(self) -> float:
        """同 `now`：模拟的时间不往回走。"""
        return self._now

    def goto(self, when: str | float) -> None:
        """走到 ``when``，没有人看着；已经过了的不动。"""
        at = moment(when) if isinstance(when, str) else when
        if at > self._now:
            self._walk(at)

    def until(
        self,
        step: Callable[[float], bool],
        limit_s: float,
        *,
        stop: Callable[[], bool] | None = None,
        slice_s: float = 0.5,
    ) -> bool:
        """等到 ``step`` 为真；主线程等就走时间，别的线程等着主线程走。"""
        deadline = self._now + limit_s
        driving = threading.get_ident() == self._driver
        if driving:
            self._host.owes()  # 脚本刚交的都办完，推送都送出，时间才走
        while True:
            if driving:
                self.settle()
            left_s = max(0.0, deadline - self._now)
            if step(0.0 if driving or not left_s else _LOOK_S):
                return True
            if left_s <= 0 or (stop is not None and stop()):
                return False
            if driving:
                self._pass(left_s)
            else:
                self._doze(deadline, _LOOK_S)

    def sleep(self, seconds: float, *, stop: Callable[[], bool] | None = None) -> None:
        """过这么久。"""
        self.until(lambda _: False, seconds, stop=stop)

    def _pass(self, seconds: float) -> None:
        """主线程：往前走一截，至多 ``seconds`` 秒；到下一件会发生的事为止。"""
        if self._now >= self._limit:
            raise DayOverError
        wakes = [at for at in self._dozing.values() if at > self._now]
        to = min(self._now + seconds, self._limit, *wakes)
        self._arrive(self._host.stroll(to))
        self._rouse()

    def _walk(self, to: float) -> None:
        answer = self._host.control("step", {"to": to})
        while answer["more"]:
            answer = self._host.control("step", {"to": answer["to"]})
        self._arrive(to)

    def _arrive(self, at: float) -> None:
        self._now = at
        if self._traveller is not None:
            self._traveller.move_to(at)

    def _rouse(self) -> None:
        """到点的线程醒来，等它们又睡下、做完，或到了 `_WAKE_S`。"""
        due = [thread for thread, at in self._dozing.items() if at <= self._now]
        if not due:
            return
        deadline = time.monotonic() + _WAKE_S
        with self._turn:
            self._turn.notify_all()
            while time.monotonic() < deadline:
                alive = {each.ident for each in threading.enumerate()}
                if not any(
                    each in alive and self._dozing.get(each, 0.0) <= self._now for each in due
                ):
                    return
                self._turn.wait(_LOOK_S)

    def _doze(self, wake: float, limit_s: float = math.inf) -> None:
        """别的线程：等主线程把时间走到 ``wake``；最多真的等 ``limit_s`` 秒。"""
        me, day = threading.get_ident(), self._day
        deadline = time.monotonic() + limit_s
        with self._turn:
            self._dozing[me] = wake
            self._turn.notify_all()
            try:
                while self._now < wake and day == self._day and time.monotonic() < deadline:
                    self._turn.wait(min(0.5, limit_s))
            finally:
                if day != self._day or self._now >= wake:
                    self._dozing.pop(me, None)
        if day != self._day:
            raise SystemExit  # 这一天的进程已经结束，它的线程也结束

    # ---- 推送

    def settle(self) -> None:
        """等送出的推送都交到了回调手里；回调自己在等时间的不算。

        Raises:
            SimulatorError: 回调十秒（真的）还没有做完。
        """
        deadline = time.monotonic() + _SETTLE_S
        while not self._is_quiet():
            if time.monotonic() > deadline:
                raise SimulatorError(f"脚本在等，而它的回调 {_SETTLE_S:g} 秒还没有做完。")

    def _is_quiet(self) -> bool:
        pushed = self._host.pushed
        if pushed == self._quiet:
            return True
        if not all(map(_empty, self._alive())):
            return bool(self._dozing)
        guests = self._replay.guests
        settled = sum(each.settle(_LOOK_S, False) for each in guests) == len(guests)
        if not settled and self._dozing:
            return True
        owes = self._host.owes()  # 送推送的是主机线程：回调里交的请求到这时都办了
        if self._host.pushed != pushed:
            return False
        if settled:
            self._quiet = pushed
        elif not owes:
            for each in guests:
                each.settle(_LOOK_S, True)
        return settled

    def _alive(self) -> list[Any]:
        return [one for each in self._vendors for one in _executors(each) if one is not None]

    # ---- 一天

    def open(self, limit: float) -> None:
        """一天开始：当前线程是脚本的主线程，时间至多走到 ``limit``。"""
        self._limit = limit
        self._driver = threading.get_ident()

    def leave(self) -> None:
        """进程结束：连接都断开，还在等的线程都结束。"""
        self._driver = None
        with self._turn:
            dozing = set(self._dozing)
            self._day += 1
            self._dozing.clear()
            self._turn.notify_all()
        for thread in threading.enumerate():
            if thread.ident in dozing:  # 分发线程里的也在内：下面关连接要等它
                _REAL_JOIN(thread, _WAKE_S)
        for guest in self._replay.guests:
            guest.close()
        self._replay.guests.clear()
        for stop in self._replay.clients:
            stop()
        self._replay.clients.clear()
        for vendor in self._vendors:
            _dismiss(vendor)
        self._vendors.clear()
        self._limit = math.inf

    # ---- 接管

    @contextmanager
    def taken_over(self) -> Iterator[None]:
        """在这一段里，进程的时间就是回放的时间。

        Raises:
            MissingDependencyError: 没有装 time-machine。
        """
        travel = _travel()
        with ExitStack() as stack:
            stack.enter_context(_shanghai())
            stack.enter_context(pace.replaced(self))
            self._traveller = stack.enter_context(travel(self._now, tick=False))
            stack.callback(setattr, self, "_traveller", None)
            for owner, name, made in (
                (time, "sleep", self._sleep),
                (threading.Event, "wait", self._event_wait()),
                (threading.Thread, "join", self._thread_join()),
                (queue.Queue, "get", self._queue_get()),
                (os, "fsync", _nothing),  # 回放的账不怕断电
                (threading, "excepthook", _excepthook(threading.excepthook)),
                *self._vendor(),
            ):
                stack.callback(setattr, owner, name, getattr(owner, name))
                setattr(owner, name, made)
            yield

    def _vendor(self) -> list[tuple[Any, str, Any]]:
        """厂商的执行器：回调在里面跑，走时间之前等它空下来。"""
        kind = getattr(sys.modules.get("xtquant.xttrader"), "XtQuantTrader", None)
        if kind is None:
            return []
        start, vendors = kind.start, self._vendors

        def started(trader: Any) -> Any:
            found = start(trader)
            vendors.append(trader)
            return found

        return [(kind, "start", started)]

    def _mine(self) -> bool:
        """调用的人（隔一层）是脚本的主线程上用户写的代码。"""
        if threading.get_ident() != self._driver:
            return False
        return self._user_code(sys._getframe(2).f_code.co_filename)  # noqa: SLF001  要的就是谁叫的

    def _sleep(self, seconds: float) -> None:
        """``time.sleep``。"""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        if threading.get_ident() == self._driver:
            self.sleep(float(seconds))
        elif self._driver is None:
            _REAL_SLEEP(seconds)
        else:
            self._doze(self._now + float(seconds))

    def _event_wait(self) -> Any:
        stage = self

        def wait(self: threading.Event, timeout: float | None = None) -> bool:
            if not stage._mine():
                return _REAL_WAIT(self, timeout)
            stage.until(lambda s: self.is_set(), math.inf if timeout is None else timeout)
            return self.is_set()

        return wait

    def _thread_join(self) -> Any:
        stage = self

        def join(self: threading.Thread, timeout: float | None = None) -> None:
            if not stage._mine():
                _REAL_JOIN(self, timeout)
                return
            limit_s = math.inf if timeout is None else timeout

            def ended(_: float) -> bool:
                stage.let_work(self)
                return not self.is_alive()

            stage.until(ended, limit_s)

        return join

    def let_work(self, thread: threading.Thread) -> None:
        """让一个线程做到它等时间，或结束；最多真的等 `_WAKE_S`。"""
        deadline = time.monotonic() + _WAKE_S
        while (
            thread.is_alive()
            and self._dozing.get(thread.ident or 0, 0.0) <= self._now
            and time.monotonic() < deadline
        ):
            _REAL_JOIN(thread, _LOOK_S / 10)

    def _queue_get(self) -> Any:
        stage = self

        def get(self: Any, block: bool = True, timeout: float | None = None) -> Any:
            if not block or not stage._mine():
                return _REAL_GET(self, block, timeout)
            found: list[Any] = []

            def take(_: float) -> bool:
                with suppress(queue.Empty):
                    found.append(_REAL_GET(self, False))
                return bool(found)

            if not stage.until(take, math.inf if timeout is None else timeout):
                raise queue.Empty
            return found[0]

        return get


def _excepthook(before: Any) -> Any:
    """一天完了，还在等的线程以 SystemExit 结束：不算出错。"""

    def hook(told: Any) -> None:
        if told.exc_type is not SystemExit:
            before(told)

    return hook


def _executors(vendor: Any) -> tuple[Any, ...]:
    return vendor.executor, vendor.relaxed_resp_executor


def _dismiss(vendor: Any) -> None:
    """脚本没有 ``stop()`` 的：线程与事件循环也收掉，不留到明天。"""
    for executor in _executors(vendor):
        if executor is not None:
            executor.shutdown(wait=False)
    if not vendor.loop.is_running():
        vendor.loop.close()
    before = getattr(vendor, "oldloop", None)
    if before is not None:  # 厂商在析构里做的
        asyncio.set_event_loop(before)


def _empty(executor: Any) -> bool:
    """一个执行器里排着的都做完了；关了的也算。"""
    try:
        executor.submit(_nothing).result(_LOOK_S)
    except LateError:
        return False
    except RuntimeError:
        return True
    return True


def _nothing(*_: object) -> None:
    """排在执行器里的推送都做完了的记号。"""


def _travel() -> Any:
    try:
        from time_machine import travel
    except ImportError:
        raise MissingDependencyError(
            '回放要把脚本的时间换成那一天的：pip install "easytrader[replay]"（time-machine）'
        ) from None
    return travel


@contextmanager
def _shanghai() -> Iterator[None]:
    """本机的时区在这一段里是上海；Windows 上换不了，就是本机的。"""
    reset: Callable[[], None] | None = getattr(time, "tzset", None)
    if reset is None:
        yield
        return
    before = os.environ.get("TZ")
    os.environ["TZ"] = _ZONE
    reset()
    try:
        yield
    finally:
        os.environ.pop("TZ", None)
        if before is not None:
            os.environ["TZ"] = before
        reset()
