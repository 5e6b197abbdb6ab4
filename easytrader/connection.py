"""会话的看护：状态、重连线程、补查。

状态与合法的移动::

    未连接 → 连接中 → 已连接 → 已断开 → 连接中 …
    任何状态 → 已关闭（不再离开）

「已连接」指连上、订阅、补查都成了。断开只是一个标记：真正的工作都在重连线程上做，
厂商的线程和用户的回调都不做。
"""

from __future__ import annotations

import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from tenacity import RetryCallState, Retrying, retry_if_exception_type
from tenacity.stop import stop_after_attempt, stop_never

from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    EasytraderError,
    MissingDependencyError,
    NotConnectedError,
    UsageError,
)
from easytrader.heartbeat import Heartbeat
from easytrader.model import PushEvent
from easytrader.pace import Pace, ReconnectOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend import Capabilities
    from easytrader.broker import Connector, Session
    from easytrader.log import Log
    from easytrader.vitals import Vitals

_ABANDON_S: Final = 0.2
"""没连成的会话，收尾最多等这么久，剩下的留给它自己的线程：不占 connect() 的期限。"""
_AGAIN_S: Final = 2.0
"""查得到而没有收到推送的，隔这么久再看一次还没有，才算漏了（见 `delivery.courier.LOST_S`）。"""
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
        self._log = log
        self._heartbeat = Heartbeat(options.heartbeat_s, vitals, log)
        vitals.on_expired = self._suspect_it
        self._lock = threading.Lock()
        self._state = State.IDLE
        self._session: Session | None = None
        self._opening: Session | None = None
        # 正在开的会话的推送：补查交完了再交
        self._early: list[PushEvent] = []
        self._wake = threading.Event()
        self._stopped = threading.Event()
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

    def connect(self, wait_s: float | None) -> None:
        """连接；成功后（按选项）启动看护线程。

        Args:
            wait_s: None 只试一次；否则最多等这么多秒，期间按间隔重试。

        Raises:
            ConnectFailedError: 没连上。
            ClosedError: 期间被关闭。
        """
        deadline = time.monotonic() + self._connector.timeout_s
        if wait_s is None:
            self._attempt()
        else:
            self._keep_trying(wait_s)
            deadline = time.monotonic() + self._connector.timeout_s
        self._finish(deadline)
        if self._options.enabled:
            self._thread = threading.Thread(
                target=self._watch, name="easytrader-reconnect", daemon=True
            )
            self._thread.start()

    def stop_reconnect(self, join_s: float = 5.0) -> None:
        """不再自动重连：结束看护线程，等待中的也立刻结束；现有会话不受影响。"""
        self._stopped.set()
        self._wake.set()
        thread = self._thread
        if thread is not None and thread.is_alive():
            self._connector.cancel()  # 正在进行的尝试也不必等完
        if thread is not None and thread is not threading.current_thread():
            thread.join(join_s)

    def close(self, join_s: float = 5.0) -> None:
        """关闭：可重复，可在任意线程、回调里、重连等待中调用。"""
        with self._lock:
            self._move(State.CLOSED)
            sessions = [self._session, self._opening]
            self._session = None
        self._stopped.set()
        self._wake.set()
        self._connector.cancel()
        for session in sessions:
            if session is not None:
                session.lose("已关闭")
                session.close(join_s)
        self.stop_reconnect(join_s)

    # ---- 给会话的（Listener）

    def pushed(self, session: Session, event: PushEvent) -> None:
        """推送：旧会话迟到的不要；正在开的会话的，等补查交完再交。"""
        if session is self._session:
            self._deliver(event)
            return
        with self._lock:
            if session is self._opening:
                self._early.append(event)  # 补查的先交，它们跟在后面
            elif session is self._session:  # 正好在这时接管
                self._deliver(event)

    def lost(self, session: Session, reason: str) -> None:
        """会话断了：只做标记，重连由看护线程做。"""
        session.lose(reason)
        with self._lock:
            current = session is self._session
            if current:
                self._session = None
                self._move(State.LOST)
                self._last_error = reason
                # 拿着锁说：与「已连接」谁先谁后，不会说反
                self._announce("on_disconnected")
                self._announce("on_health")
        if current:
            self._log.warning("{} 连接已断开", self._capabilities.name)
            if self._reconnecting:
                self._log.info("准备触发自动重连...")
                self._wake.set()

    # ---- 内部

    @property
    def _reconnecting(self) -> bool:
        return self._options.enabled and not self._stopped.is_set()

    def _why_not(self) -> str:
        if self._state is State.IDLE:
            return "还没有连接：先调用 connect()"
        if self._state is State.CONNECTING and not self._attempts:
            return "正在连接，请稍后再试"
        told = f"（{self._last_error}）" if self._last_error else ""
        if self._thread is not None and self._thread.is_alive() and self._reconnecting:
            doing = f"正在自动重连，第 {self._attempts} 次{told}"
            return f"连接已断开，{doing}；什么都没有发出，请稍后再试"
        return f"连接已断开，没有自动重连{told}；请重新 connect()"

    def _announce(self, name: str, *args: Any) -> None:
        self._deliver(PushEvent(name, args))

    def _move(self, state: State) -> None:
        """换状态（拿着锁）。"""
        if self._state is not state:
            self._state, self._since = state, time.time()

    def _suspect_it(self) -> None:
        """有请求到期没有应答：叫看护线程马上问一声。"""
        if self._options.enabled and threading.current_thread() is not self._thread:
            self._suspect = True
            self._wake.set()

    def _attempt(self, limit_s: float = float("inf")) -> None:
        """开一次会话并补查，在一个期限之内；成功则成为当前会话。"""
        deadline = time.monotonic() + min(self._connector.timeout_s, limit_s)
        with self._lock:
            if self._state is State.CLOSED:
                raise ClosedError(_CANCELLED)
            self._move(State.CONNECTING)
        session: Session | None = None
        try:
            session = self._connector.open(self, deadline)
            self._opening = session
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
            self._announce("on_connected")
            self._announce("on_health")
            early, self._early = self._early, []
            for event in early:
                self._deliver(event)
            self._session = session
            self._opening = None
            self._move(State.CONNECTED)
            self._attempts = 0
            self._last_error = ""
            self._gave_up = False
            self._heartbeat.reset()
        if session.is_lost:  # 补查之后、接管之前断了：通知已经来过，自己补上
            self.lost(session, "刚连上就断开了")

    def _abandon(self, session: Session | None, reason: str) -> None:
        with self._lock:
            self._opening = None
            self._early = []  # 下一次连上会补
            self._last_error = reason
            if self._state is not State.CLOSED:
                self._move(State.LOST if self._attempts else State.IDLE)
        if session is not None:
            session.lose(reason)
            session.close(_ABANDON_S)

    def _keep_trying(self, wait_s: float) -> None:
        """connect(wait=…)：按间隔一直试，到期或关闭为止。"""
        try:
            self._retry(stop=stop_never, limit_s=wait_s)
        except ClosedError as exc:
            if self._state is State.CLOSED:
                raise
            raise ConnectFailedError("已调用 stop_reconnect()，不再尝试，没有连上") from exc

    def _sleep(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def _watch(self) -> None:
        """看护线程：出什么意外都不能悄悄死掉，否则再也不会重连。"""
        while not self._stopped.is_set():
            try:
                self._watch_once()
            except Exception:  # noqa: BLE001, PERF203  边界：记下来，歇一会儿接着看护
                self._log.exception("看护连接的线程出错，稍后继续")
                self._wake.set()
                self._stopped.wait(self._options.interval_s)

    def _watch_once(self) -> None:
        """等一次唤醒或一次心跳。"""
        self._wake.wait(self._heartbeat.wait_s)
        self._wake.clear()
        if self._stopped.is_set():
            return
        if self._state is State.LOST:
            self._reconnect()
            return
        suspect, self._suspect = self._suspect, False
        session = self._session
        if session is None:
            return
        if not self._heartbeat.is_dead(
            session, lambda asked: asked is self._session, suspect=suspect
        ):
            if self._heartbeat.asked:
                self._recheck_quietly(session)  # 推送漏了的，安静下来的时候补上
            return
        self.lost(session, "心跳没有应答，客户端可能僵死")
        session.close()

    def _reconnect(self) -> None:
        options = self._options
        limit = stop_after_attempt(options.max_attempts) if options.max_attempts else stop_never
        try:
            self._retry(stop=limit, reconnecting=True)
            self._reconnects += 1
            self._log.info("重连成功！")
            self._finish(time.monotonic() + self._connector.timeout_s)
            self._look_again()
        except ClosedError:
            return
        except ConnectFailedError as exc:
            if not self._stopped.is_set():
                self._log.error("重连失败 {} 次，不再尝试：{}", self._attempts, exc)
                self._gave_up = True
                self._stopped.set()
                self._announce("on_give_up", exc)
                self._announce("on_health")
        finally:
            self._attempts = 0

    def _look_again(self) -> None:
        """客户端的查询是缓存：断线期间的事，刚连上时可能还查不到，过一会儿再补查一次。"""
        session = self._session
        if session is None:
            return
        for pause_s in (session.cache_lag_s, _AGAIN_S):  # 两次都没有收到推送的才补
            deadline = time.monotonic() + pause_s
            while (left_s := deadline - time.monotonic()) > 0:
                self._wake.wait(left_s)
                if self._stopped.is_set() or session is not self._session:
                    return  # 又断了：下一次重连会补
                self._wake.clear()
            self._recheck_quietly(session)
        if self._suspect:
            self._wake.set()  # 马上问一声心跳

    def _recheck_quietly(self, session: Session) -> None:
        try:
            self._recheck(session)
        except EasytraderError as exc:
            if session is self._session:
                self._log.warning("补查委托与成交，没有查成：{}", exc)
                self._suspect = True

    def _retry(
        self,
        stop: Callable[[RetryCallState], bool],
        *,
        limit_s: float = float("inf"),
        reconnecting: bool = False,
    ) -> None:
        pace = Pace(self._options, self._log, limit_s)

        def attempt() -> None:
            if self._stopped.is_set():  # tenacity 在等待被打断后还会再试一次
                raise ClosedError("已停止重连")
            pace.started()
            if reconnecting:
                self._attempts += 1
                pace.say_attempt(self._attempts)
                if not pace.slow:
                    self._log.info("正在连接到 {}...", self._capabilities.name)
            self._attempt(pace.left_s)

        Retrying(
            retry=retry_if_exception_type(ConnectFailedError),
            stop=lambda state: stop(state) or pace.is_over(),
            wait=pace.wait,
            sleep=self._sleep,
            after=pace.failed,
            reraise=True,
        )(attempt)
