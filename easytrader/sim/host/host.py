"""主机：一个线程独占一个柜台（Engine）。请求进，应答和推送出。

所有会话的请求进同一个队列；主机线程一次取走手边的（最多 64 个），放在一个数据库事务里做完，
**提交之后**才把应答和推送送出去。没有请求时睡到行情的下一跳。柜台不是线程安全的，别处谁也不碰它。
"""

from __future__ import annotations

import math
import os
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

from loguru import logger

from easytrader.errors import SimulatorError
from easytrader.sim.counter.engine import Engine
from easytrader.sim.exchange.clock import ManualClock, ShiftedClock, clock_for
from easytrader.sim.exchange.hours import hours_for, later_open, trading_time
from easytrader.sim.gateway.dispatch import Dispatcher
from easytrader.sim.gateway.translator import Translator
from easytrader.sim.gateway.wire import Push, Request, is_quote_session
from easytrader.sim.host.delivery import ConnectRefusedError, Delivery, Session
from easytrader.sim.host.faults import CALM, FaultPlan, parse_fault, parse_terminal_fault
from easytrader.sim.host.lease import Lease
from easytrader.sim.host.server import Server
from easytrader.sim.host.terminal_port import TerminalPort, Terminals
from easytrader.sim.ledger.events import (
    AccountQuery,
    AccountStatusChanged,
    OrdersQuery,
    Outcome,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from easytrader.sim.config.folder import SimFolder
    from easytrader.sim.exchange.clock import Clock
    from easytrader.sim.gateway.wire import Message
    from easytrader.sim.host.faults import Ruling
    from easytrader.sim.host.lease import ServiceInfo

T = TypeVar("T")

CRASH_EXIT_CODE: Final = 137
"""故障要求猝死时的退出码，与 ``kill -9`` 在 shell 里看到的相同。"""

_BATCH: Final = 64
_SOON_S: Final = 0.001
_MAX_SLEEP_S: Final = 60.0
"""再久也醒一次：休眠唤醒、改系统时间之后能及时跟上。"""
_RETRY_S: Final = 1.0
"""推进行情出错（磁盘满等）之后隔多久再试。"""
_START_WAIT_S: Final = 60.0
_CALL_WAIT_S: Final = 10.0
_STOP: Final = object()


class Host:
    """占有一个文件夹，开着柜台，直到 `close()`。

    Args:
        folder: 模拟 MiniQMT 的文件夹。
        clock: 柜台的时钟；None 为配置里的（真实时间，或单步）。
        kind: 服务信息里写的身份，``embedded`` 或 ``serve``。
        engine_factory: 造柜台的函数；None 为 `Engine`。
        pace: 应答与推送照哪个钟等（秒，只看差）；None 是真的时间，单步的市场照它自己的。

    Raises:
        SimulatorError: 文件夹已被占用（说出是谁），或柜台打不开。
    """

    def __init__(
        self,
        folder: SimFolder,
        clock: Clock | None = None,
        *,
        kind: str = "embedded",
        engine_factory: Callable[[], Translator] | None = None,
        pace: Callable[[], float] | None = None,
    ) -> None:
        self.folder = folder
        self.faults = FaultPlan()
        config = folder.config
        base = clock_for(config.clock, config.start) if clock is None else clock
        self._clock = ShiftedClock(base)
        self._walk = Walk(folder, base)
        self._stall = Stall()
        self._make = engine_factory or (lambda: open_engine(folder, self._clock, self.faults))
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        stepped = pace is None and isinstance(base, ManualClock)
        if pace is None:
            pace = base.now if stepped else time.monotonic
        self._terminals = Terminals(folder)
        self._delivery = Delivery(config.session_quarantine_s, pace)
        # 市场的时间由脚本来走时，应答不等：等着它的脚本走不了时间
        broker = config.broker
        self._early_error = broker.error_before_answer
        self._usual_s = (
            {} if stepped else {"submit": broker.answer_s, "cancel": broker.cancel_answer_s}
        )
        self._door = threading.Lock()
        self._closing = False
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._wakeup_failed = False
        self.stopped = threading.Event()
        self.refusals: list[tuple[float, tuple[Any, ...], str]] | None = None
        """当场退回、没有记录的委托：（时刻，请求，原因）；回放才记，平常为 None。"""
        self.crashed: BaseException | None = None
        self._lease = Lease(folder, kind)
        self._server: Server | None = None
        self._dispatcher: Dispatcher | None = None
        self._thread = threading.Thread(target=self._main, name="easytrader-sim-host", daemon=True)
        self._thread.start()
        self._wait_ready()

    @property
    def info(self) -> ServiceInfo:
        """服务信息：进程号、端口、起始时间。"""
        return self._lease.info

    @property
    def closed(self) -> bool:
        """已经停下或正在停：不能再用。"""
        return self._closing

    @property
    def handed(self) -> int:
        """一共送出了多少条应答与推送。任何线程都可以看。"""
        return self._delivery.handed

    @property
    def pushed(self) -> int:
        """一共送出了多少条推送。任何线程都可以看。"""
        return self._delivery.pushed

    def __repr__(self) -> str:
        state = "已停止" if self.stopped.is_set() else f"端口 {self.info.port}"
        return f"<Host {self.folder.path} {state}>"

    # 外面的线程调用 -----------------------------------------------------

    def attach(
        self,
        session_id: int,
        pid: int,
        deliver: Callable[[Message], None],
        lost: Callable[[], None],
    ) -> Session:
        """连上一个会话。``deliver`` 和 ``lost`` 在主机线程上调用，不许阻塞。

        Raises:
            ConnectRefusedError: 会话号用不得，或故障计划要求拒绝。
            SimulatorError: 主机已经停了。
        """
        session = Session(session_id, pid, deliver, lost, self._inbox.put)

        def enter() -> Session:
            if not is_quote_session(session_id) and self.faults.refuses_connect():
                raise ConnectRefusedError("按故障计划拒绝这次连接")
            self._delivery.enter(session)
            return session

        return self.call(enter)

    def attach_terminal(
        self, pid: int, deliver: Callable[[Any], None], lost: Callable[[], None]
    ) -> TerminalPort:
        """连上一个完整版客户端。两个函数都不许阻塞；走的时候 `detach_terminal`。"""
        port = TerminalPort(self, self._terminals, pid, deliver, lost)
        self.call(lambda: self._terminals.add(port, self._live.desk))
        return port

    def detach_terminal(self, port: TerminalPort) -> None:
        """这个客户端走了；主机已经停了就当没有发生。"""
        with suppress(SimulatorError):
            self.call(lambda: self._terminals.drop(port))

    def work(
        self,
        verb: str,
        function: Callable[[Translator], Outcome],
        told: Callable[[Any], None],
        hang_up: Callable[[], None],
    ) -> None:
        """替一个客户端在主机线程上办一件事：落盘，回答（``told``），再送出它引起的事。

        Args:
            verb: 故障认的名字。
            function: 向柜台要的；抛错就是没有办成，原样抛给调用者。
            told: 收应答；在主机线程上调用，应答要晚到时在调用者的线程上。
            hang_up: 故障要求断开它时调用。

        Raises:
            SimulatorError: 主机已停，或期限内没有轮到：肯定没有办。
        """
        late: list[tuple[float, Any]] = []

        def go() -> None:
            ruling = self.faults.rule(verb) if self.faults.armed else CALM
            if ruling.before:
                self._strike_terminal(ruling.before, hang_up)
                return
            outcome = function(self._live.desk)
            if ruling.after:
                self._strike_terminal(ruling.after, hang_up)
            elif ruling.delay_s and not ruling.drop:
                late.append((ruling.delay_s, outcome.answer))
            elif not ruling.drop:
                told(outcome.answer)
            self._publish(outcome)
            if ruling.hang_up:
                hang_up()

        self.call(go)
        for delay_s, answer in late:
            self.stopped.wait(delay_s)
            told(answer)

    def owes(self) -> bool:
        """还有没送出去的：晚到的应答、扣着的推送。等手边的请求都办了再看。"""
        return self.call(lambda: self._delivery.next_due_s() is not None)

    def stroll(self, to: float) -> float:
        """单步的时钟走一截：到 ``to``，或此前第一件会发生的事（挂着的可能成交，晚到的推送）。

        Returns:
            走到了哪一刻。
        """

        def go() -> dict[str, Any]:
            stirs = self._live.next_wakeup(), self._delivery.next_due_s()
            soon_s = min((each for each in stirs if each is not None), default=math.inf)
            until = min(to, self._clock.now() + max(soon_s, _SOON_S))
            return self._walk.go({"to": until}, self._live, self._publish)

        answer = self.call(go)
        while answer["more"]:
            answer = self.control("step", {"to": answer["to"]})
        return float(answer["to"])

    def advance(self) -> None:
        """把行情推进到时钟的此刻（手动时钟拨过之后用），推送都送出后返回。"""
        while self.call(self._advance):
            pass  # 隔了很久的补撮合分段做，段与段之间别的请求照办

    def call(self, function: Callable[[], T]) -> T:
        """在主机线程上执行并取回结果；主机已停、或期限内没有轮到时抛 SimulatorError。"""
        if threading.current_thread() is self._thread:
            return function()
        call = Handoff(function)
        with self._door:
            if self._closing:
                raise SimulatorError("模拟 MiniQMT 已经停止")
            self._inbox.put(call)
        if not call.wait(_CALL_WAIT_S) and call.take():
            raise SimulatorError(f"模拟 MiniQMT {_CALL_WAIT_S:g} 秒内没有回应")
        if call.error is not None:
            raise call.error
        return call.result  # type: ignore[no-any-return]

    def now(self) -> float:
        """柜台的钟，Unix 秒；不等主机线程。"""
        return self._clock.now()

    def control(self, command: str, spec: Mapping[str, Any] | None = None) -> Any:
        """控制命令：``status faults fault clear step stop``。"""
        if command == "stop":
            self.close(wait=False)
            return None
        delivery = self._delivery
        actions: dict[str, Callable[[], Any]] = {
            "status": lambda: {
                **describe(self.folder, self.info, delivery.sessions(), self._active()),
                "terminals": self._terminals.describe(),
            },
            "faults": self._active,
            "clear": self._clear,
            "fault": lambda: self._add_fault(spec or {}),
            "step": lambda: self._walk.go(spec or {}, self._live, self._publish),
        }
        if command not in actions:
            raise SimulatorError(f"不认识的控制命令：{command}")
        if command == "clear":
            self._stall.rouse()
        return self.call(actions[command])

    def close(self, *, wait: bool = True, timeout: float = 5.0) -> None:
        """停下：队列里已有的请求办完，会话收到断线，锁和服务信息收起。可重复调用，有期限。"""
        with self._door:
            if not self._closing:
                self._closing = True
                self._inbox.put(_STOP)
                self._stall.rouse()
        if not wait or threading.current_thread() is self._thread:
            return
        self._thread.join(timeout)
        if self._thread.is_alive():
            logger.warning("模拟 MiniQMT 的主机线程 {} 秒内没有停下：{}", timeout, self.folder.path)

    # 主机线程 ----------------------------------------------------------

    def _wait_ready(self) -> None:
        if not self._ready.wait(_START_WAIT_S):
            self._failure = SimulatorError(f"柜台 {_START_WAIT_S:g} 秒内没有打开")
            self.close(wait=False)
        if self._failure is not None:
            self._thread.join(5.0)
            raise self._failure

    def _main(self) -> None:
        try:
            self._open()
        except BaseException as error:  # noqa: BLE001  交给构造的线程去抛
            self._failure = error
            self._closing = True
        self._ready.set()
        try:
            if self._failure is None:
                self._loop()
        except Exception as error:  # noqa: BLE001  记下来，照样收拾
            self.crashed = error
            logger.exception("模拟 MiniQMT 的主机线程出错停止：{}", self.folder.path)
        finally:
            self._shut()

    def _open(self) -> None:
        self._dispatcher = Dispatcher(self._make())
        try:
            self._server = Server(self, self._lease.info.token)
        except OSError as error:
            raise SimulatorError(f"不能在本机监听：{error}") from error
        self._lease.announce(self._server.port)

    def _shut(self) -> None:
        with self._door:
            self._closing = True
        with suppress(Empty):
            while True:
                item = self._inbox.get_nowait()
                if isinstance(item, Handoff):
                    item.fail(SimulatorError("模拟 MiniQMT 已经停止"))
        # 解释器正在退出时，本进程的会话不必再听断线：它们的执行器已经关了，只会抛异常。
        # 别的进程的会话照样看到断线：下面关服务口时挂断
        self._delivery.lose_all(tell=threading.main_thread().is_alive())
        closers = [part.close for part in (self._server, self._dispatcher) if part is not None]
        for close in (*closers, self._lease.release):
            self._attempt(close)
        self.stopped.set()

    def _attempt(self, close: Callable[[], None]) -> None:
        try:
            close()
        except Exception:  # noqa: BLE001  一处收不好，其余的照样收
            logger.exception("停止模拟 MiniQMT 时出错：{}", self.folder.path)

    def _loop(self) -> None:
        while True:
            batch = self._take()
            self._delivery.release_due()
            if not batch:
                self._advance()
                continue
            posts: list[tuple[Session, Request]] = []
            for item in batch:
                if isinstance(item, tuple) and item[1] is not None:
                    posts.append(item)
                    continue
                self._serve(posts)
                posts = []
                if item is _STOP:
                    return
                if isinstance(item, Handoff):
                    item.run()
                    self._stall.pause()
                else:
                    self._delivery.leave(item[0], lost=False)
            self._serve(posts)

    def _take(self) -> list[Any]:
        inbox = self._inbox
        try:
            batch = [inbox.get(timeout=_SOON_S)]  # 忙的时候下一个马上就到，不必算睡到几时
        except Empty:
            try:
                batch = [inbox.get(timeout=self._nap_s())]
            except Empty:
                return []
        while len(batch) < _BATCH and not inbox.empty():
            batch.append(inbox.get_nowait())
        return batch

    def _nap_s(self) -> float:
        market = self._live.next_wakeup()
        if market is None or market > _MAX_SLEEP_S:
            market = _MAX_SLEEP_S
        elif self._wakeup_failed:
            market = max(market, _RETRY_S)
        due = self._delivery.next_due_s()
        # 至少睡一毫秒：柜台说「现在」而推进之后还说「现在」时，不空转
        return max(0.001, market if due is None else min(market, due))

    @property
    def _live(self) -> Dispatcher:
        assert self._dispatcher is not None
        return self._dispatcher

    def _advance(self) -> bool:
        """推进一段；还没有到此刻为真。"""
        try:
            outcome = self._live.advance()
        except Exception:  # noqa: BLE001  磁盘满等：主机要活着，过一会儿再试
            if not self._wakeup_failed:
                logger.exception("推进行情时出错，稍后再试")
            self._wakeup_failed = True
            return False
        self._wakeup_failed = False
        self._publish(outcome)
        return bool(outcome.answer)

    def _serve(self, posts: list[tuple[Session, Request]]) -> None:
        # 主动离开的会话之前交的请求照办；被断开的不办
        posts = [post for post in posts if not post[0].cut]
        if not posts:
            return
        if self.faults.armed:
            for session, request in posts:
                if not session.cut:
                    self._serve_struck(session, request)
            return
        dispatcher = self._dispatcher
        assert dispatcher is not None
        outcomes = dispatcher.handle([request for _, request in posts])
        for (session, request), outcome in zip(posts, outcomes, strict=True):
            self._reply_safely(session, request, outcome)

    def _reply_safely(self, session: Session, request: Request, outcome: Outcome) -> None:
        """一个会话送不出去，断开它，别的会话照常。"""
        try:
            self._reply(session, request, outcome, None)
        except Exception:  # noqa: BLE001  边界：一个连接的错不能带倒主机
            logger.exception("会话 {} 的应答送不出去，断开它", session.session_id)
            self._delivery.leave(session, lost=True)

    def _serve_struck(self, session: Session, request: Request) -> None:
        """有故障等着时一个一个办：柜台受理前、落盘后都可能出事。"""
        ruling = self.faults.rule(request.verb)
        if ruling.before:
            self._strike(ruling.before, session)
            return
        [outcome] = self._live.handle([request])
        if ruling.after:
            self._strike(ruling.after, session)
        self._reply(session, request, outcome, ruling)
        if ruling.hang_up:
            self._delivery.leave(session, lost=True)

    def _reply(
        self, session: Session, request: Request, outcome: Outcome, ruling: Ruling | None
    ) -> None:
        verb, seq, args = request
        answer = outcome.answer
        if verb == "submit":
            self._delivery.remember(session, seq, answer)
            if self.refusals is not None and answer.order_id <= 0:
                self.refusals.append((self._clock.now(), args, answer.error_msg))
        elif verb == "subscribe" and answer == 0:
            session.accounts.add((args[0], args[1]))
        elif verb == "unsubscribe":
            session.accounts.discard((args[0], args[1]))
        usual_s = self._usual_s.get(verb, 0.0)
        if verb == "submit" and self._early_error:
            early = tuple(each for each in outcome.events if each.kind == "order_error")
            if early:
                # 不算这笔委托的：算了就要排在它的应答后面
                ahead = tuple(each._replace(order_id=0, lag_s=0.0) for each in early)
                self._publish(Outcome(None, ahead), usual_s)
                left = tuple(each for each in outcome.events if each not in early)
                outcome = outcome._replace(events=left)
        if ruling is None:
            self._delivery.answer(session, request, answer, 0.0, usual_s)
        elif not ruling.drop:
            self._delivery.answer(session, request, answer, ruling.delay_s, usual_s)
        self._publish(outcome, usual_s)

    def _publish(self, outcome: Outcome, after_s: float = 0.0) -> None:
        if outcome.events:
            plan = self.faults if self.faults.armed else None
            self._delivery.publish(outcome.events, plan, after_s)
        self._delivery.release_due()
        if self._terminals:
            self._tell_terminals(outcome)

    def _tell_terminals(self, outcome: Outcome) -> None:
        try:
            self._terminals.tell(outcome.happened, self._live.desk)
        except Exception:  # noqa: BLE001  漏了一件事的客户端不能再信，断开；主机与会话照常
            logger.exception("完整版客户端没有送到，断开它们")
            self._terminals.lose_all()

    # 故障与状态 ---------------------------------------------------------

    def _strike(self, blow: str, session: Session | None) -> None:
        if blow == "crash":
            os._exit(CRASH_EXIT_CODE)  # 猝死就是什么都不收拾
        if session is None:
            self._delivery.lose_all()
        else:
            self._delivery.leave(session, lost=True)

    def _strike_terminal(self, blow: str, hang_up: Callable[[], None]) -> None:
        if blow == "crash":
            os._exit(CRASH_EXIT_CODE)
        hang_up()

    def _add_fault(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        kind = spec.get("kind")
        if kind in ("crash", "disconnect"):
            self._strike(kind, None)
        elif kind == "hang":
            self._stall.ask(parse_fault(spec).seconds)
        elif kind == "clock_jump":
            self._clock.offset_s += parse_fault(spec).seconds
            self._advance()
        elif kind == "account_status":
            status = parse_fault(spec).status
            again = self.folder.config.broker.repushes
            set_status(self.faults, self._live, self._publish, status, again=again)
        elif kind == "terminal":
            self._terminals.command(parse_terminal_fault(spec))
        else:
            return self.faults.add(spec)
        return dict(spec)

    def _active(self) -> list[dict[str, Any]]:
        offset_s = self._clock.offset_s
        return self.faults.active() + [{"kind": "clock_jump", "seconds": offset_s}] * bool(offset_s)

    def _clear(self) -> None:
        set_status(self.faults, self._live, self._publish, 0)
        self.faults.clear()
        self._clock.offset_s = 0.0


_NOT_STEP: Final = (
    "{} 的时钟不归脚本走：要单步，建文件夹时 --clock step --start '2026-03-02 09:30'"
    "（或改 easytrader_sim.json）"
)


class Walk:
    """一个文件夹的单步。"""

    def __init__(self, folder: SimFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._hours = hours_for(folder.config.clock)

    def go(
        self, spec: Mapping[str, Any], dispatcher: Dispatcher, publish: Callable[[Outcome], None]
    ) -> dict[str, Any]:
        """走一段，推送都送出；``more`` 为真时还没有走到 ``to``，应当再来。

        Args:
            spec: ``trading_s`` 走多久交易时间，``to`` 走到哪一刻，``next_day`` 下一个交易日开盘；
                空的只问现在。
            dispatcher: 柜台。
            publish: 送出推送。
        """
        clock = self._clock
        if not isinstance(clock, ManualClock):
            raise SimulatorError(_NOT_STEP.format(self._folder.path))
        now = clock.now()
        if not spec:
            return {"now": now, "to": now, "more": False}
        to = self._target(spec, now)
        if to < now:
            raise SimulatorError("时间不能倒着走：已经走过那一刻了。")
        clock.set(to)
        outcome = dispatcher.walk()
        publish(outcome)
        return {"now": to, "to": to, "more": bool(outcome.answer)}

    def _target(self, spec: Mapping[str, Any], now: float) -> float:
        if "trading_s" in spec:
            return trading_time(self._hours, now, float(spec["trading_s"]))
        if "next_day" in spec:
            return later_open(self._hours, now)
        return float(spec["to"])


def describe(
    folder: SimFolder, info: ServiceInfo, sessions: Iterable[Session], faults: list[dict[str, Any]]
) -> dict[str, Any]:
    """谁在服务、开着哪些账号、连着谁、还有哪些故障。"""
    return {
        "path": str(folder.path),
        "pid": info.pid,
        "port": info.port,
        "started": info.started,
        "kind": info.kind,
        "accounts": [
            {"account_id": account.account_id, "account_type": account.account_type}
            for account in folder.config.accounts
        ],
        "sessions": [
            {
                "session_id": session.session_id,
                "pid": session.pid,
                "since": session.since,
                "accounts": sorted(account_id for _, account_id in session.accounts),
            }
            for session in sessions
        ],
        "faults": faults,
    }


def set_status(
    faults: FaultPlan,
    dispatcher: Dispatcher,
    publish: Callable[[Outcome], None],
    status: int,
    *,
    again: bool = False,
) -> None:
    """账号状态变成 ``status``；变了才推。``again``：恢复正常时把当天的委托与成交再推一遍。"""
    if status == faults.status:
        return
    faults.status = status
    [outcome] = dispatcher.handle([Request("account_status", 0, ())])
    rows = outcome.answer if isinstance(outcome.answer, list) else []
    pushes = [Push("account_status", row[0], row[1], row) for row in rows]
    for row in rows if again and not status else ():
        account = row[0], row[1]
        for kind, args in (("order", OrdersQuery(*account)), ("trade", AccountQuery(*account))):
            [found] = dispatcher.handle([Request(f"{kind}s", 0, args)])
            if isinstance(found.answer, list):
                pushes += [Push(kind, *account, each) for each in found.answer]
    changed = tuple(AccountStatusChanged((row[0], row[1]), row[2]) for row in rows)
    publish(Outcome(None, tuple(pushes), changed))


class Handoff:
    """一件代办的事：办的线程调 `run`，请的线程 `wait`。走一步一件，所以用最轻的锁。"""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._taken = threading.Lock()
        self._pending = threading.Lock()
        self._pending.acquire()
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """办；请的一方已经不等了就不办。"""
        if not self.take():
            return
        try:
            self.result = self._function()
        except Exception as error:  # noqa: BLE001  交给请的线程去抛
            self.error = error
        self._pending.release()

    def wait(self, timeout_s: float) -> bool:
        """等办完，只由请的线程等一次；到期为假。"""
        return self._pending.acquire(timeout=timeout_s)

    def fail(self, error: BaseException) -> None:
        """不办了，说明原因。"""
        if self.take():
            self.error = error
            self._pending.release()

    def take(self) -> bool:
        """开始办（或作废）只能有一次：返回真的那一方说了算。"""
        return self._taken.acquire(blocking=False)


class Stall:
    """`ask` 与 `pause` 只由主机线程调用，`rouse` 谁都可以。"""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._roused = threading.Event()

    def ask(self, seconds: float) -> None:
        """下一次 `pause` 停这么久；先回答正在办的这条命令，再停。"""
        self._seconds = seconds

    def pause(self) -> None:
        """有人要求过就停住，到时或被叫醒为止。"""
        seconds, self._seconds = self._seconds, 0.0
        if seconds:
            self._roused.wait(seconds)
        self._roused.clear()

    def rouse(self) -> None:
        """叫醒。"""
        self._roused.set()


def open_engine(folder: SimFolder, clock: Clock, faults: FaultPlan) -> Translator:
    """真的柜台；故障计划管着它的磁盘。"""
    engine = Engine(folder, clock)
    engine.ask_disk(faults.disk_is_full)
    engine.ask_status(faults.account_status)
    return Translator(engine)
