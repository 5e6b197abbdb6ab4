"""一个客户端：一个主线程，跑它的全部策略。

主线程上做的事（`step`）：到点的定时器、主图的一跳、行情的回调；做完才轮到下一件，所以一个策略站住，
别的都站住。交易的回调在另一个线程（`threads`）。策略看得见的东西在 `sandbox`，下单在 `trading`。
"""

import collections
import itertools
import os
import sys
import threading
import traceback

from . import manners as _manners
from .bars import MARKET, Chart, Quotes
from .context import ContextInfo
from .link import Killed, LinkError
from .sandbox import Sandbox
from .threads import NativeThread, hold_gil
from .timers import Agenda, RealClock, Timer, beijing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, List, Optional, Set, Tuple

    from .manners import Manners
    from .timers import Clock

LIVE, SIM, EDITOR, BACKTEST = "live", "sim", "editor", "backtest"
MODES = (LIVE, SIM, EDITOR, BACKTEST)
"""模型交易的实盘、模拟；编辑器里的「运行」、「回测」。"""
FOREVER = 3600.0
_IDLE_S = 0.5
_WAIT_S = 120.0
_STOP_S = 10.0
_CLOCK_S = 5.0


class LoadError(Exception):
    """策略没有跑起来；文字是客户端给的（带调用栈）。"""


class Log:
    """客户端写的两种日志，在 ``<folder>/userdata/log/``，GBK；每行写完就落盘。

    Attributes:
        lines: 写过的（种类, 文字），种类是 ``formula`` 或 ``output``；最近一万行。
    """

    def __init__(self, folder: str, clock: "Clock") -> None:
        self._clock = clock
        self._folder = os.path.join(folder, "userdata", "log") if folder else ""
        self._writing = threading.Lock()
        self.lines: "Deque[Tuple[str, str]]" = collections.deque(maxlen=10000)
        if self._folder:
            os.makedirs(self._folder, exist_ok=True)

    def formula(self, text: str) -> None:
        """策略引擎的日志。"""
        self._write("formula", "XtClient_Formula", text)

    def output(self, text: str) -> None:
        """策略打印的。"""
        self._write("output", "XtClient_FormulaOutput", text)

    def _write(self, kind: str, name: str, text: str) -> None:
        self.lines.append((kind, text))
        if not self._folder:
            return
        at = beijing(self._clock.now())
        line = "%s.%03d %s\n" % (at.strftime("%Y-%m-%d %H:%M:%S"), at.microsecond // 1000, text)
        path = os.path.join(self._folder, "%s_%s.log" % (name, at.strftime("%Y%m%d")))
        with self._writing, open(path, "ab") as file:
            file.write(line.encode("gbk", "replace"))


class Strategy:
    """跑着的一个策略。

    Attributes:
        phase: ``load`` ``init`` ``after_init`` ``replay`` ``live`` ``stopped``。
        accounts: ``set_account`` 过的账号。
        in_handlebar: 正在实盘的 ``handlebar`` 里。
        new_bar: 这一跳是一根 K 线的第一跳。
    """

    def __init__(
        self, terminal: "Terminal", source: bytes, name: str, settings: "_Settings"
    ) -> None:
        self.terminal = terminal
        self.source = source
        self.name = name
        self.settings = settings
        self.mode = settings.mode
        self.account = settings.account
        self.account_type = settings.account_type
        self.period = settings.period
        self.code = settings.code
        self.phase = "load"
        self.accounts: "Set[str]" = set()
        self.in_handlebar = False
        self.new_bar = False
        self.globals: "Dict[str, Any]" = {}
        self.chart = Chart(self.period, settings.replay_bars, terminal.clock.now())
        self.context = ContextInfo(self)
        self._saved: "Dict[str, Any]" = {}
        self._timers: "Dict[int, Timer]" = {}
        self._numbers = itertools.count(1)

    @property
    def trading(self) -> bool:
        """下的单真的发得出去：实盘，没有停，账号按这个版本的要求设过。"""
        if self.mode != LIVE or self.phase in ("load", "stopped"):
            return False
        return bool(self.accounts) or self.terminal.manners.needs_account != _manners.TRADING

    def start(self) -> None:
        """从头跑起来：源代码 → ``init`` → ``after_init`` → 回放 → 实时。

        Raises:
            LoadError: 源代码、``init`` 或 ``after_init`` 出错。
        """
        space: "Dict[str, Any]" = {"__name__": "__main__"}
        space["__builtins__"] = self.terminal.sandbox.builtins()
        if self.mode in (LIVE, SIM):
            space.update(account=self.account, accountType=self.account_type)
        given = dict(MARKET, **self.terminal.desk.globals_for(self))
        for each in self.terminal.manners.missing_globals:
            given.pop(each, None)
        space.update(given)
        self.globals = space
        try:
            exec(compile(_stored(self.source), "<string>", "exec"), space)
            for self.phase in ("init", "after_init"):
                if callable(space.get(self.phase)):
                    space[self.phase](self.context)
        except (Exception, SystemExit):  # 策略是别人写的；客户端把调用栈打在面板上
            text = _stack()
            self.terminal.log.output(text)
            self.stop(say=False)
            raise LoadError(text) from None
        self._saved = self.context.snapshot()
        self._replay()
        if self.phase != "stopped":
            self._go_live()

    def _replay(self) -> None:
        self.phase = "replay"
        if not self._driven():
            return
        for position in range(len(self.chart.times) - (self.mode != BACKTEST)):
            self.chart.position, self.new_bar = position, True
            self.call("handlebar")
            if self.phase == "stopped":
                return
        self._saved = self.context.snapshot()

    def _go_live(self) -> None:
        if self.mode == BACKTEST:
            self.stop()
            return
        self.phase = "live"
        self.chart.tick(self.terminal.clock.now())
        if self.mode == SIM:
            self.terminal.log.formula("[trade]signal only mode")
        elif self.trading:
            self.terminal.log.formula("[trade]start trading mode")

    def call(self, what: "Any", *args: "Any") -> None:
        """主线程上叫策略的一个函数（名字或函数），``ContextInfo`` 在最前面；没有就算了。"""
        self.call_with(
            self.globals.get(what) if isinstance(what, str) else what, self.context, *args
        )

    def call_with(self, call: "Any", *args: "Any") -> None:
        """主线程上叫一个函数，参数照给；抛出来的照客户端的规矩处置。"""
        if not callable(call):
            return
        try:
            call(*args)
        except (Exception, SystemExit):  # 策略是别人写的，什么都可能抛
            self.terminal.log.output(_stack())
            self._failed()

    def call_back(self, name: str, *args: "Any") -> None:
        """交易回调的线程上叫策略的一个函数。

        只在实盘、``set_account`` 过之后有；抛出来的只有一行日志，没有调用栈。
        """
        call = self.globals.get(name)
        if self.mode != LIVE or self.phase in ("load", "stopped") or not callable(call):
            return
        if not self.accounts and self.terminal.manners.needs_account != _manners.NO:
            return
        try:
            call(self.context, *args)
        except (Exception, SystemExit):  # 策略是别人写的；C++ 的线程上看不到是什么
            self.terminal.log.formula(
                "[callback]%s SystemError: error return without exception set" % name
            )
            self._failed()

    def _failed(self) -> None:
        if self.terminal.manners.uncaught == _manners.STOP and self.phase != "stopped":
            self.terminal.log.formula("[strategy]%s stopped by exception" % self.name)
            self.terminal.soon(self.stop)

    def tick(self) -> None:
        """主图的一跳。"""
        if self.phase != "live":
            return
        desk = self.terminal.desk
        self.new_bar = self.chart.tick(self.terminal.clock.now())
        if self.new_bar:
            self._saved = self.context.snapshot()
            desk.bar_closed(self)
        if not self._driven():
            return
        self.context.restore(self._saved)
        desk.new_tick(self)
        self.in_handlebar = True
        try:
            self.call("handlebar")
        finally:
            self.in_handlebar = False

    def _driven(self) -> bool:
        """``handlebar`` 调不调：有的版本把脚本当作定时器驱动的，从来不调。"""
        wanted = self.terminal.manners.handlebar != _manners.NEVER
        return wanted and callable(self.globals.get("handlebar"))

    def next_timer(self) -> int:
        """``schedule_run`` 的下一个号。"""
        return next(self._numbers)

    def add_timer(self, timer: Timer, ahead_s: float) -> None:
        """登记一个定时器，``ahead_s`` 秒之后响第一次；回测没有以后，所以从来不响。"""
        timer.due = self.terminal.clock.monotonic() + ahead_s
        if timer.number:
            self._timers[timer.number] = timer
        self.terminal.later(timer.due, self._ring, timer)

    def cancel_timer(self, which: "Any") -> bool:
        """取消 ``schedule_run`` 的（号或名字）；没有的为 False。"""
        found = [
            each for each in self._timers.values() if which in (each.number, each.name or None)
        ]
        for each in found:
            each.cancelled = True
            del self._timers[each.number]
        return bool(found)

    def _ring(self, timer: Timer) -> None:
        if timer.cancelled or self.phase == "stopped":
            return
        self.call(timer.call)
        timer.left -= 1 if timer.left > 0 else 0
        if timer.left:
            timer.due = timer.next_after(self.terminal.clock.monotonic())
            self.terminal.later(timer.due, self._ring, timer)
        else:
            self._timers.pop(timer.number, None)

    def stop(self, say: bool = True) -> None:
        """停：定时器、订阅都没了，交易的线先断，再叫 ``stop(C)``。可以重复叫。"""
        if self.phase == "stopped":
            return
        self.phase = "stopped"
        self._timers.clear()
        self.terminal.quotes.forget(self)
        self.terminal.desk.stopped(self)
        if say:
            self.call("stop")


class _Settings:
    """一个策略怎样跑。"""

    def __init__(
        self, mode: str, account: str, account_type: str, period: str, code: str, replay_bars: int
    ) -> None:
        if mode not in MODES:
            raise ValueError("mode 要是 %s 之一，得到 %r" % ("、".join(MODES), mode))
        self.mode = mode
        self.account = account
        self.account_type = account_type
        self.period = period
        self.code = code
        self.replay_bars = replay_bars


class Terminal:
    """一个客户端进程：主线程，全部策略。

    哪个线程第一个叫 `load`、`step`、`run`，哪个就是主线程；`run` 着的时候别的线程叫 `load`、
    `rerun` 是交给它做。手动的钟由 `step` 与 `advance` 一步一步走，走几次都一样。

    Args:
        link: 连着柜台的线（`link.Link`）。
        manners: 脾气；运行中可以整份换掉。
        desk: 由 ``desk(terminal)`` 造交易台。
        folder: 客户端的文件夹，日志写在里面；空的不写。
        clock: 钟；不给是真实的。

    Attributes:
        calls: 离开策略的每一次 ``passorder``：（``userOrderId``, 参数），先记再做别的。
        probe: 交易台在 ``before`` ``inside`` ``after`` 处叫它一次，测试在那里杀或卡住客户端。
    """

    def __init__(
        self,
        link: "Any",
        manners: "Manners",
        desk: "Callable[[Terminal], Any]",
        folder: str = "",
        clock: "Optional[Clock]" = None,
    ) -> None:
        self.link = link
        self.manners = manners
        self.clock = RealClock() if clock is None else clock
        self.folder = folder
        self.log = Log(folder, self.clock)
        self.calls: "List[Tuple[str, Tuple[Any, ...]]]" = []
        self.strategies: "List[Strategy]" = []
        self.why_ended = ""
        self._agenda = Agenda()
        self._commands: "Deque[Callable[[], None]]" = collections.deque()
        self._wake = threading.Event()
        self._dead = threading.Event()
        self._main = 0
        self._running = False
        self._ended = False
        self._killed = False
        self._hung_until = 0.0
        self._on_probe: "Optional[Callable[[str], None]]" = None
        self.native = NativeThread(self.clock, self._complain)
        self.sandbox = Sandbox(self)
        self.quotes = Quotes(self)
        self._ticking = False
        try:
            self.desk = desk(self)
            link.listen(self._event, self._lost)
            self._read_clock()
            self.desk.started()
        except BaseException:
            self._close()
            raise

    def load(
        self,
        source: bytes,
        name: str = "strategy",
        *,
        mode: str = LIVE,
        account: str = "",
        account_type: str = "STOCK",
        period: str = "1m",
        code: str = "000300.SH",
        replay_bars: int = 240,
    ) -> Strategy:
        """跑一个策略，走到实时才回来。

        Raises:
            LoadError: 没有跑起来，文字是客户端给的。
        """
        settings = _Settings(mode, account, account_type, period, code, replay_bars)
        started: Strategy = self._on_main(lambda: self._start(source, name, settings))
        return started

    def rerun(self, strategy: Strategy, source: "Optional[bytes]" = None) -> Strategy:
        """在同一个进程里再跑一遍（``source``：改过的）：``sys.modules``、套接字都还在。"""
        started: Strategy = self._on_main(lambda: self._rerun(strategy, source))
        return started

    def step(self) -> float:
        """主线程上到点的都做一遍，返回离下一件还有几秒。"""
        self._main = threading.get_ident()
        while self._commands:
            self._commands.popleft()()
        if self.clock.manual:
            self.native.pump()
        now = self.clock.monotonic()
        if now < self._hung_until:
            return self._hung_until - now
        due = self._agenda.due(now)
        for do, args in due:
            try:
                do(*args)
            except LinkError as error:  # 柜台断了，客户端还在
                self._complain(error)
            self._check()
        if self.clock.manual:
            self.native.pump()
        if self._agenda.next_due() > self.clock.monotonic():
            self.desk.idle()
        return max(0.0, min(self._agenda.next_due() - self.clock.monotonic(), FOREVER))

    def advance(self, seconds: float) -> None:
        """手动的钟：走过 ``seconds`` 秒，两个线程上到点的都做。"""
        end = self.clock.monotonic() + seconds
        while True:
            ahead = min(self.step(), self.native.next_due() - self.clock.monotonic())
            left = end - self.clock.monotonic()
            if left <= 0:
                return
            self.clock.wait(min(max(ahead, 0.0), left))

    def run(self) -> None:
        """一直走，到 `stop`、`kill` 或与柜台断开。"""
        self._main = threading.get_ident()
        self._running = True
        try:
            while not self._ended:
                self._idle(self.step())
        except Killed:
            pass
        finally:
            self._running = False
            while self._commands:
                self._commands.popleft()()

    def stop(self) -> None:
        """正常退出：每个策略都叫 ``stop(C)``。可以重复叫。"""
        try:
            if not self._ended:
                self._on_main(self._stop, _STOP_S)
        finally:  # 策略占着主线程不放，也要走
            self._close()

    def kill(self) -> None:
        """像进程被杀：谁也不通知，套接字都断，正在跑的策略代码断在下一次下单或查询。"""
        self._killed = True
        self._dead.set()
        self.link.kill()
        self._close()

    def hang(self, seconds: float) -> None:
        """主线程站住这么多秒，套接字都还连着。哪个线程都可以叫。"""
        self._hung_until = self.clock.monotonic() + seconds
        if self.on_main() and self.clock.manual:
            self.clock.wait(seconds)
        elif self.on_main():
            self._dead.wait(seconds)
            self._check()

    def soon(self, do: "Callable[[], Any]") -> None:
        """主线程手上的做完就做。哪个线程都可以叫。"""
        self._commands.append(do)
        self._wake.set()

    def later(self, due: float, do: "Callable[..., None]", *args: "Any") -> None:
        """单调钟走到 ``due`` 时在主线程上做。哪个线程都可以叫。"""
        self._agenda.at(due, do, *args)
        if not self.on_main():
            self._wake.set()

    def on_main(self) -> bool:
        """现在是不是主线程。"""
        return threading.get_ident() == self._main

    def probe(self, where: str) -> None:
        """下单走到了 ``where``。杀掉了的断在这里。"""
        self._check()
        if self._on_probe is not None:
            self._on_probe(where)
            self._check()

    def set_probe(self, on_probe: "Optional[Callable[[str], None]]") -> None:
        """此后下单每走到一处叫一次 ``on_probe(where)``；None 是不叫。"""
        self._on_probe = on_probe

    def popup(self, text: str) -> None:
        """弹一个窗：策略不知道，日志里有一行。"""
        self.log.formula("[popup]%s" % text)

    def _start(self, source: bytes, name: str, settings: _Settings) -> Strategy:
        self._check()
        if self._ended:
            raise LoadError("客户端已经退出")
        strategy = Strategy(self, source, name, settings)
        self.strategies.append(strategy)
        try:
            strategy.start()
        except LoadError:
            self.strategies.remove(strategy)
            raise
        self._introduce(strategy)
        if not self._ticking:
            self._ticking = True
            self.later(self.clock.monotonic() + self.manners.tick_s, self._tick)
        return strategy

    def _introduce(self, strategy: Strategy) -> None:
        """告诉柜台自己是谁，`easytrader sim status` 看得到。"""
        version = "%d.%d.%d" % sys.version_info[:3]
        manners = [name for name, each in _manners.MANNERS.items() if each is self.manners]
        told = {
            "strategy": strategy.name,
            "mode": strategy.mode,
            "python": version,
            "manners": "".join(manners[:1]) or "custom",
        }
        try:
            self.link.ask("about", **told)
        except LinkError as error:
            self.log.formula("[link]%s" % error)

    def _rerun(self, strategy: Strategy, source: "Optional[bytes]" = None) -> Strategy:
        strategy.stop()
        if strategy in self.strategies:
            self.strategies.remove(strategy)
        fresh = strategy.source if source is None else source
        return self._start(fresh, strategy.name, strategy.settings)

    def _rerun_all(self) -> None:
        for each in [one for one in self.strategies if one.phase != "stopped"]:
            self._restart(each)

    def _restart(self, strategy: Strategy) -> None:
        try:
            self._rerun(strategy)
        except LoadError as error:
            self.log.formula("[strategy]%s not restarted: %s" % (strategy.name, error))

    def _tick(self) -> None:
        if not self.quotes.dropped:
            for each in list(self.strategies):
                each.tick()
            self.quotes.deliver()
        self.later(self.clock.monotonic() + max(0.001, self.manners.tick_s), self._tick)

    def _read_clock(self) -> None:
        """柜台的钟与这台机器的不一定一样。"""
        try:
            self.clock.set_now(float(self.link.ask("now")))
        except LinkError as error:
            self.log.formula("[clock]%s" % error)
        if not self.clock.manual:  # 柜台不动的时候，卡住的也不是主线程
            self.native.at(self.clock.monotonic() + _CLOCK_S, self._read_clock)

    def _event(self, kind: str, row: "Any") -> None:
        if kind == "control":
            self.soon(lambda: self._control(row))
        else:
            self.native.at(self.clock.monotonic(), self.desk.event, kind, row)

    def _control(self, told: "Dict[str, Any]") -> None:
        """``easytrader sim fault`` 说的。"""
        what = told.get("do")
        self.log.formula("[fault]%s" % told)
        try:
            self._fault(what, told)
        except (KeyError, TypeError, ValueError) as error:
            self.log.formula("[fault]%r" % error)

    def _fault(self, what: "Any", told: "Dict[str, Any]") -> None:
        if what == "profile":
            self.manners = _manners.MANNERS[told["name"]]
        elif what == "set":
            self.manners = self.manners.changed(**told["fields"])
        elif what == "hang":
            self._hung_until = self.clock.monotonic() + float(told["seconds"])
        elif what == "kill":
            self.why_ended = "killed"
            self.kill()
        elif what in ("rerun", "relogin"):
            self._rerun_all()
        elif what == "day":
            self.desk.new_day()
            self._rerun_all()
        elif what == "counter":
            (self.desk.reconnected if told["up"] else self.desk.dropped)()
        elif what == "quotes":
            back = self.quotes.dropped and told["up"]
            self.quotes.dropped = not told["up"]
            if back:  # 行情重新连上，客户端把策略都重跑一遍
                self._rerun_all()

    def _lost(self, why: str) -> None:
        if not self._ended:
            self.why_ended = "lost"
            self.log.formula("[link]%s" % why)
            self._ended = True
            self._wake.set()

    def _stop(self) -> None:
        for each in list(self.strategies):
            each.stop()
        self._ended = True
        self._wake.set()

    def _close(self) -> None:
        self._ended = True
        self._wake.set()
        self.sandbox.close()
        self.native.stop()
        self.link.close()
        self._agenda.clear()

    def _complain(self, error: BaseException) -> None:
        self.log.formula("[client]%r" % error)

    def _check(self) -> None:
        if self._killed:
            raise Killed

    def _idle(self, seconds: float) -> None:
        if self.manners.gil == _manners.HELD and not self._commands:
            hold_gil(min(seconds, self.manners.gil_tick_s))
            self._wake.wait(0.0005)
        else:
            self._wake.wait(min(seconds, _IDLE_S))
        self._wake.clear()

    def _on_main(self, do: "Callable[[], Any]", within_s: float = _WAIT_S) -> "Any":
        """在主线程上做完，交回结果；没有在 `run` 的就在这个线程上做。"""
        if not self._running or self.on_main():
            self._main = threading.get_ident()
            return do()
        done = threading.Event()
        came: "List[Any]" = []

        def work() -> None:
            try:
                came.append((True, do()))
            except (Exception, Killed) as error:  # 交回给叫的那个线程去抛
                came.append((False, error))
            done.set()

        self.soon(work)
        if not done.wait(within_s):
            raise LinkError("主线程 %d 秒没有空" % within_s)
        good, value = came[0]
        if not good:
            raise value
        return value


def _stack() -> str:
    """正在处置的异常的调用栈，从策略自己的那一层起。"""
    kind, error, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    return "".join(traceback.format_exception(kind, error, trace))


def _stored(source: bytes) -> bytes:
    """编辑器存下来的字节：按第一行的编码读，按本机的代码页（GBK）存。

    所以 UTF-8 的文件里只要有一个汉字，存下来就与第一行说的对不上，编译时报错。
    """
    import io
    import tokenize

    source = source[3:] if source.startswith(b"\xef\xbb\xbf") else source
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        return source
    try:
        return text.encode("gbk")
    except UnicodeEncodeError as error:
        raise SyntaxError("(unicode error) %s" % error) from error
