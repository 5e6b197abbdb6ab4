"""会话的看护：状态、重连线程、补查。

状态与合法的移动::

    未连接 → 连接中 → 已连接 → 已断开 → 连接中 …
    任何状态 → 已关闭（不再离开）

「已连接」指连上、订阅、补查都成了。断开只是一个标记：真正的工作都在看护线程上做，
厂商的线程和用户的回调都不做。不再重连的，看护线程照样做心跳与补查。

别人的代码（回调的排队、日志的去处）不在锁里跑：要交的先在锁里排进 ``_outbox``，出了锁再一条条交，
次序不变。
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend.records import Connected, Disconnected, GaveUp, HealthChanged
from easytrader.backend.session import BaseSession
from easytrader.basics import waits
from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    EasytraderError,
    MissingDependencyError,
    NotConnectedError,
    UsageError,
)
from easytrader.link.backoff import Pace, ReconnectOptions
from easytrader.link.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.capabilities import Capabilities
    from easytrader.backend.records import PushEvent
    from easytrader.backend.session import Connector, Session
    from easytrader.basics.log import Log
    from easytrader.link.heartbeat import Vitals

_ABANDON_S: Final = 0.2
"""没连成的会话，收尾最多等这么久，剩下的留给它自己的线程：不占 connect() 的期限。"""
_AGAIN_S: Final = 2.0
"""查得到而没有收到推送的，隔这么久再看一次还没有，才算漏了（见 `delivery.courier.LOST_S`）。"""
_REPLACED: Final = "又调用了一次 connect()，换了新的连接"
_CANCELLED: Final = "这次连接被取消：trader 已经 close()，或又调用了一次 connect()"


class State(Enum):
    """连接状态。"""

    IDLE = "未连接"
    CONNECTING = "连接中"
    CONNECTED = "已连接"
    LOST = "已断开"
    CLOSED = "已关闭"


class Supervisor:
    """看护一个账号的会话。

    Args:
        connector: 怎样开一次会话。
        options: 重连选项。
        capabilities: 后端的本事：不推送的，连着的时候要一直查。
        resync: 连上之后补查并交付断线期间的事件；抛异常表示这次没连成。
        recheck: 重连之后过一会儿再补查一次。
        finish: 连上之后还没有做完的核对，最晚到给定的时刻（``time.monotonic``）。
        deliver: 把一条推送交出去（不阻塞）。
        tend: 看护线程每次醒来先问：为真就收工（没有人要它了，已经关掉）。
        vitals: 脉搏。
        log: 日志口。
        account: 看护的是谁。
    """

    def __init__(
        self,
        connector: Connector,
        options: ReconnectOptions,
        capabilities: Capabilities,
        *,
        resync: Callable[[Session], None],
        recheck: Callable[[Session], None],
        finish: Callable[[float], None],
        deliver: Callable[[PushEvent], None],
        tend: Callable[[], bool],
        vitals: Vitals,
        log: Log,
        account: tuple[str, str],
    ) -> None:
        self.account = account
        """看护的是谁。"""
        self._connector = connector
        self._options = options
        self._capabilities = capabilities
        self._resync = resync
        self._recheck = recheck
        self._finish = finish
        self._deliver = deliver
        self._tend = tend
        self._log = log
        self._heartbeat = Heartbeat(options.heartbeat_s, vitals, log)
        self._vitals = vitals
        vitals.on_expired = self._suspect_it
        self._lock = threading.Lock()
        self._state = State.CONNECTING
        self._session: Session | None = None
        self._opening: Session | None = None
        # 正在开会话：它的推送（还没开完、我们还不认得它的时候就有）等补查交完了再交
        self._expecting = False
        self._early: list[tuple[Session, PushEvent]] = []
        # 排着要交的；正在交的还在里面，交完才拿掉
        self._outbox: deque[PushEvent] = deque()
        self._flushing = threading.Lock()
        # 关闭时要收尾的会话：收完才划掉，被 Ctrl-C 打断的下一次 close() 接着收
        self._ending: list[Session] = []
        # 断了的会话，等看护线程去收尾
        self._broken: list[Session] = []
        self._bell = waits.Bell()
        self._no_more = threading.Event()
        self._retrying: threading.Thread | None = None
        self._calm = threading.Event()
        self._polled_at = time.monotonic()
        self._thread: threading.Thread | None = None
        self._last_error = ""
        self._attempts = 0
        self._since = time.time()
        self._reconnects = 0
        self._gave_up = False
        self._suspect = False

    # ---- 给 Trader 的

    @property
    def state(self) -> State:
        """当前状态。"""
        return self._state

    @property
    def session(self) -> Session:
        """可用的会话。

        Raises:
            NotConnectedError: 此刻没有。
            ClosedError: 已经关闭。
        """
        session = self._session
        if session is not None:
            return session
        if self._state is State.CLOSED:
            raise ClosedError("这个 trader 已经关闭，请重新 easytrader.use(...)")
        raise NotConnectedError(self._why_not())

    def facts(self) -> dict[str, Any]:
        """给 `user.status` 的几项。"""
        return {
            "since": self._since,
            "attempts": self._attempts,
            "reconnects": self._reconnects,
            "gave_up": self._gave_up,
            "last_error": self._last_error,
            "heartbeat_failures": self._heartbeat.failures,
        }

    def connect(self, wait_s: float | None, spent_s: float = 0.0) -> None:
        """连接；成功后启动看护线程。

        Args:
            wait_s: None 只试一次；否则最多等这么多秒，期间按间隔重试。
            spent_s: 期限里已经花掉了多少秒；还是至少留一半来连。

        Raises:
            ConnectFailedError: 没连上。
            ClosedError: 期间被关闭。
        """
        limit_s = max(self._connector.timeout_s - spent_s, self._connector.timeout_s / 2)
        deadline = time.monotonic() + limit_s
        if wait_s is None:
            self._attempt(limit_s)
        else:
            self._keep_trying(wait_s)
            deadline = time.monotonic() + self._connector.timeout_s
        self._finish(deadline)
        thread = threading.Thread(target=self._watch, name="easytrader-watch", daemon=True)
        try:
            thread.start()
        except RuntimeError as exc:
            raise ConnectFailedError(f"系统开不出新线程，看护不了连接：{exc}") from exc
        self._thread = thread

    def ring(self) -> None:
        """叫醒看护线程。哪里都可以调用，包括垃圾回收的半当中。"""
        self._bell.ring()

    def stop_reconnect(self, join_s: float = 5.0) -> None:
        """不再自动重连，等待中的也立刻结束；现有会话、心跳、补查不受影响。"""
        self._no_more.set()
        self._bell.ring()
        thread = self._retrying
        if thread is not None and thread is not threading.current_thread():
            self._connector.cancel()  # 正在进行的尝试也不必等完
            waits.event(self._calm, join_s)

    def close(self, join_s: float = 5.0, *, replaced: bool = False) -> None:
        """关闭：可重复，可在任意线程、回调里、重连等待中调用；上一次没做完的接着做。

        Args:
            join_s: 每一步最多等几秒。
            replaced: 是因为又 connect() 了一次，不是关了 trader。
        """
        with self._lock:
            self._move(State.CLOSED)
            for session in (self._session, self._opening, *self._broken):
                if session is not None and session not in self._ending:
                    self._ending.append(session)
            self._session = None
            self._early = []
        self._no_more.set()
        self._bell.ring()
        self._connector.cancel()
        for session in list(self._ending):
            session.lose(_REPLACED if replaced else "已关闭")
            session.close(join_s)
            with contextlib.suppress(ValueError):  # 两个线程同时在关
                self._ending.remove(session)
        if self._thread is not None:
            waits.join(self._thread, join_s)

    # ---- 给会话的（Listener）

    def pushed(self, session: Session, event: PushEvent) -> None:
        """推送：旧会话迟到的不要；正在开的会话的，等补查交完再交。"""
        if session is self._session and not self._outbox:
            self._deliver(event)
            return
        with self._lock:
            if session is self._session:  # 前面还有排着的，跟在后面
                self._outbox.append(event)
            elif self._expecting:
                self._early.append((session, event))  # 补查的先交；不是它的，接管时不要
        self._flush()

    def lost(self, session: Session, reason: str) -> None:
        """会话断了：只做标记，重连由看护线程做。"""
        session.lose(reason)
        with self._lock:
            current = session is self._session
            if current:
                self._session = None
                self._broken.append(session)
                self._move(State.LOST)
                self._last_error = reason
                # 拿着锁排：与「已连接」谁先谁后，不会说反
                self._outbox += [Disconnected(), HealthChanged()]
        if current:
            self._bell.ring()
            self._flush()
            self._log.warning("{} 连接已断开", self._capabilities.name)
            if self._reconnecting:
                self._log.info("准备触发自动重连...")

    # ---- 内部

    @property
    def _reconnecting(self) -> bool:
        return self._options.enabled and not self._no_more.is_set()

    def _why_not(self) -> str:
        if self._state is State.CONNECTING and not self._attempts:
            return "正在连接，请稍后再试"
        told = f"（{self._last_error}）" if self._last_error else ""
        if self._thread is not None and self._thread.is_alive() and self._reconnecting:
            doing = f"正在自动重连，第 {self._attempts} 次{told}"
            return f"连接已断开，{doing}；什么都没有发出，请稍后再试"
        return f"连接已断开，没有自动重连{told}；请重新 connect()"

    def _flush(self) -> None:
        """把排着的交出去。同时只有一个线程在交，别的线程排的由它带走。"""
        while self._outbox and self._flushing.acquire(blocking=False):
            try:
                while self._outbox:
                    try:
                        self._deliver(self._outbox[0])
                    finally:
                        self._outbox.popleft()
            finally:
                self._flushing.release()

    def _move(self, state: State) -> None:
        """换状态（拿着锁）。"""
        if self._state is not state:
            self._state, self._since = state, time.time()

    def _suspect_it(self) -> None:
        """有请求到期没有应答：叫看护线程马上问一声。"""
        if threading.current_thread() is not self._thread:
            self._suspect = True
            self._bell.ring()

    def _attempt(self, limit_s: float = float("inf")) -> None:
        """开一次会话并补查，在一个期限之内；成功则成为当前会话。"""
        deadline = time.monotonic() + min(self._connector.timeout_s, limit_s)
        with self._lock:
            if self._state is State.CLOSED:
                raise ClosedError(_CANCELLED)
            self._move(State.CONNECTING)
            self._expecting = True
        session: Session | None = None
        try:
            session = self._connector.open(self, deadline)
            self._opening = session
            if isinstance(session, BaseSession):
                session.vitals = self._vitals
            with session.until(deadline):
                self._resync(session)
            self._adopt(session)
        except (ConnectFailedError, ClosedError, MissingDependencyError, UsageError) as exc:
            self._abandon(session, str(exc))
            raise
        except Exception as exc:
            self._abandon(session, str(exc))
            stage = "连接时" if session is None else "连上了，但补查资金、持仓、委托、成交时"
            raise ConnectFailedError(f"{stage}出错：{exc}") from exc
        except BaseException:
            self._abandon(session, "连接被中断")
            raise

    def _adopt(self, session: Session) -> None:
        with self._lock:
            if self._state is State.CLOSED:
                raise ClosedError(_CANCELLED)
            self._outbox += [Connected(), HealthChanged()]
            self._outbox += [event for whose, event in self._early if whose is session]
            self._early = []
            self._expecting = False
            self._session = session  # 排好了才露面：别的线程的推送只会跟在后面
            self._opening = None
            self._move(State.CONNECTED)
            self._attempts = 0
            self._last_error = ""
            self._gave_up = False
            self._heartbeat.reset()
            self._polled_at = time.monotonic()
        self._flush()
        if session.is_lost:  # 补查之后、接管之前断了：通知已经来过，自己补上
            self.lost(session, "刚连上就断开了")

    def _abandon(self, session: Session | None, reason: str) -> None:
        with self._lock:
            self._opening = None
            self._expecting = False
            self._early = []  # 下一次连上会补
            self._last_error = reason
            if self._state is not State.CLOSED and self._attempts:
                self._move(State.LOST)
        if session is not None:
            session.lose(reason)
            session.close(_ABANDON_S)

    def _keep_trying(self, wait_s: float) -> None:
        """connect(wait=…)：按间隔一直试，到期或关闭为止。"""
        try:
            self._retry(limit_s=wait_s)
        except ClosedError as exc:
            if self._state is State.CLOSED:
                raise
            raise ConnectFailedError("已调用 stop_reconnect()，不再尝试，没有连上") from exc

    def _sleep(self, seconds: float) -> None:
        """歇一会儿；不再重连、没有人要了就不歇了。"""
        deadline = time.monotonic() + seconds
        while not self._no_more.is_set() and not self._tend():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return
            self._bell.wait(min(left_s, waits.SLICE_S))

    def _watch(self) -> None:
        """看护线程：出什么意外都不能悄悄死掉，否则再也不会重连。"""
        while self._state is not State.CLOSED:
            try:
                self._watch_once()
            except Exception:  # noqa: BLE001, PERF203  边界：记下来，歇一会儿接着看护
                self._log.exception("看护连接的线程出错，稍后继续")
                self._bell.wait(self._options.interval_s)

    def _watch_once(self) -> None:
        """等一次唤醒、一次心跳或一次轮询。"""
        if self._tend():
            return
        if not self._suspect and not self._must_reconnect:
            self._bell.wait(self._next_look_s())
        if self._tend() or self._state is State.CLOSED:
            return
        self._close_broken()
        suspect, self._suspect = self._suspect, False
        if self._must_reconnect:
            self._reconnect()
            return
        session = self._session
        if session is None:
            return
        if not self._heartbeat.is_dead(
            session, lambda asked: asked is self._session, suspect=suspect
        ):
            # 推送漏了的，安静下来的时候补上；不推送的，到时候就看
            if self._heartbeat.asked or self._poll_left_s() == 0:
                self._recheck_quietly(session)
            return
        self.lost(session, "心跳没有应答，客户端可能僵死")
        session.close()

    def _close_broken(self) -> None:
        """断了的不会自己收尾；不等它，重连要紧。"""
        while self._broken:
            session = self._broken.pop()
            try:
                session.close(0.0)
            except Exception:  # noqa: BLE001  边界：旧会话怎么收尾都不能耽误重连
                self._log.exception("断了的会话收尾时出错")

    @property
    def _must_reconnect(self) -> bool:
        return self._state is State.LOST and self._reconnecting

    def _next_look_s(self) -> float | None:
        """多久以后再看一眼；None 等人来叫。"""
        if self._session is None:
            return None
        both = self._heartbeat.wait_s, self._poll_left_s()
        return min((each for each in both if each is not None), default=None)

    def _poll_left_s(self) -> float | None:
        """不推送的后端：多久以后再查一遍；会推送的为 None。"""
        if self._capabilities.pushes:
            return None
        return max(0.0, self._polled_at + self._capabilities.poll_s - time.monotonic())

    def _reconnect(self) -> None:
        options = self._options
        self._calm.clear()
        self._retrying = threading.current_thread()
        try:
            self._retry(options.max_attempts, reconnecting=True)
            self._reconnects += 1
            self._log.info("重连成功！")
            self._finish(time.monotonic() + self._connector.timeout_s)
            self._look_again()
        except ClosedError:
            return
        except ConnectFailedError as exc:
            if not self._no_more.is_set():
                self._log.error("重连失败 {} 次，不再尝试：{}", self._attempts, exc)
                self._gave_up = True
                self._no_more.set()
                with self._lock:
                    self._outbox += [GaveUp(exc), HealthChanged()]
                self._flush()
        finally:
            self._attempts = 0
            self._retrying = None
            self._calm.set()

    def _look_again(self) -> None:
        """客户端的查询是缓存：断线期间的事，刚连上时可能还查不到，过一会儿再补查一次。"""
        session = self._session
        if session is None:
            return
        for pause_s in (session.cache_lag_s, _AGAIN_S):  # 两次都没有收到推送的才补
            deadline = time.monotonic() + pause_s
            while (left_s := deadline - time.monotonic()) > 0:
                self._bell.wait(left_s)
                if session is not self._session or self._tend():
                    return  # 又断了：下一次重连会补
            self._recheck_quietly(session)

    def _recheck_quietly(self, session: Session) -> None:
        self._polled_at = time.monotonic()
        try:
            self._recheck(session)
        except EasytraderError as exc:
            if session is self._session:
                self._log.warning("补查委托与成交，没有查成：{}", exc)
                self._suspect = True

    def _retry(
        self,
        most: int = 0,
        *,
        limit_s: float = float("inf"),
        reconnecting: bool = False,
    ) -> None:
        """``most``：最多试几次，0 不限。"""
        from tenacity import Retrying, retry_if_exception  # 一次就连上的用不到，不必等它导入
        from tenacity.stop import stop_after_attempt, stop_never

        limit = stop_after_attempt(most) if most else stop_never
        pace = Pace(self._options, self._log, limit_s)

        def attempt() -> None:
            # tenacity 在等待被打断后还会再试一次
            if self._no_more.is_set() or self._tend():
                raise ClosedError("已停止重连")
            pace.started()
            if reconnecting:
                self._attempts += 1
                pace.say_attempt(self._attempts)
                if not pace.slow:
                    self._log.info("正在连接到 {}...", self._capabilities.name)
            self._attempt(pace.left_s)

        Retrying(
            retry=retry_if_exception(_may_pass),
            stop=lambda state: limit(state) or pace.is_over(),
            wait=pace.wait,
            sleep=self._sleep,
            after=pace.failed,
            reraise=True,
        )(attempt)


def _may_pass(error: BaseException) -> bool:
    """再试也许就连上了；``final`` 的再试也一样（令牌不对）。"""
    return isinstance(error, ConnectFailedError) and not getattr(error, "final", False)
