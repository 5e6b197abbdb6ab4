"""``XtQuantAsyncClient`` 的替身：与厂商的原生客户端同样的方法、同样的脾气。

回调从不在调用者的线程里执行；没有连接时给默认应答；断线时在途的请求永远没有回音；
同一个对象断线之后不能再连。这些都是真实客户端的行为，脚本在这里学到的就是在那里会遇到的。
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
import weakref
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout
from loguru import logger

from easytrader.basics import replaying
from easytrader.errors import SimulatorError
from easytrader.sim.config.folder import UP_QUEUE, SimConfig, SimFolder, is_sim_folder
from easytrader.sim.gateway.verbs import UNSUPPORTED
from easytrader.sim.gateway.wire import MARKET_TIME, QuoteArgs, Request
from easytrader.sim.host import hub
from easytrader.sim.host.links import Link, RefusedError, UnreachableError
from easytrader.sim.native.calls import BINDERS, CALLS, COMMON_BINDER, Call, reader_of
from easytrader.sim.native.io_thread import IoThread, call_quietly
from easytrader.sim.native.structs import build_pushed, renamed, set_strict_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.gateway.wire import Message
    from easytrader.sim.quotes.board import Board


_CONNECT_WAIT_S: Final = 3.0
_AWAKE_S: Final = 1.0
_POLL_S: Final = 0.03

_PUSHES: Final = {
    "order": ("StockOrder", "XtOrder"),
    "trade": ("StockTrade", "XtTrade"),
    "asset": ("StockAsset", "XtAsset"),
    "position": ("StockPosition", "XtPosition"),
    "order_error": ("OrderError", "XtOrderError"),
    "cancel_error": ("CancelError", "XtCancelError"),
    "account_status": ("UpdateAccountStatus", "XtAccountStatus"),
}


class XtQuantAsyncClient:
    """一个会话。方法名是厂商的；``…WithSeq`` 与 ``bindOn…Callback`` 由表生成。

    Attributes:
        connect_failure: 最近一次 ``connect()`` 为什么返回 -1（厂商没有这个属性，给人看的）。
        cache_lag_s: 柜台收下的委托最慢几秒后查得到（厂商没有这个属性）：文件夹的 ``query_lag_s``，
            再留一秒给僵死之后醒来、还有旧会话的请求没有处理完的情形。
    """

    def __init__(self, path: str | bytes, name: str, session: int) -> None:
        if not isinstance(session, int):
            raise TypeError(f"session 需要 int，得到 {type(session).__name__}：{session!r}")
        self._path = path.decode("gb18030") if isinstance(path, bytes) else os.fspath(path)
        self._replay = replaying.current()
        self._asked = ""
        """回放时，脚本把账号叫作什么。"""
        if self._replay is not None:
            self._path = self._replay.folder
            self._replay.clients.append(self.stop)
        self._session = session
        self.cache_lag_s = _AWAKE_S
        self._seq = itertools.count(1)
        self._gate = threading.Lock()
        self._stopping = threading.Event()
        self._running = False
        self._connected = False
        self._lost_early = False
        self._dead = False
        self._link: Link | None = None
        self._send: Callable[[Request], None] | None = None
        self._timeout_s = 0.0
        self._callbacks: dict[str, Callable[..., None]] = {}
        self._pending: dict[int, tuple[Call, Any]] = {}
        self._asking: dict[int, SimpleQueue[Any]] = {}
        self._lost_s = 0.0
        self._deaf = False
        self._lock: FileLock | None = None
        self._quotes: Board | None = None
        self._io = self._new_io()
        self.connect_failure = ""

    # 控制 -------------------------------------------------------------

    def init(self) -> None:
        """真实客户端在这里建下行队列的文件；这里建同名的空文件。路径不对不报错，也是真的。"""
        if is_sim_folder(self._path):
            for form in ("down_queue_win_{}", "down_queue_win_{}__mutex"):
                with suppress(OSError):
                    self._file(form).touch()

    def _file(self, form: str) -> Path:
        return Path(self._path).expanduser() / form.format(self._session)

    def start(self) -> None:
        """开始。没有 ``stop()`` 就再次 ``start()``，真实客户端会终止整个进程；这里抛错。"""
        with self._gate:
            if self._running:
                raise RuntimeError("start() 已经调用过：真实客户端在这里会终止整个进程")
            self._running = True
            if self._stopping.is_set():
                self._stopping.clear()
                self._io = self._new_io()

    def stop(self) -> None:
        """干净地离开；绑定的回调一并放下，对象可以被回收。可重复调用。"""
        with self._gate:
            self._stopping.set()
            self._running = False
            link, self._link, self._send = self._link, None, None
            self._pending.clear()
            self._give_up_asking()
            self._callbacks.clear()
            lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
        if link is not None:
            link.close()
        self._io.stop()

    def connect(self) -> int:
        """0 连上了，-1 没有（等满 ``connect_wait_s``，默认 3 秒）。断过线的对象再也连不上。"""
        if self._connected:
            return 0  # 包括 stop() 之后再 start() 的假 0：真实客户端不清这个标志
        config = self._config()
        wait_s = config.connect_wait_s
        broker = config.broker
        self.cache_lag_s = _AWAKE_S + broker.query_lag_s
        self._lost_s = broker.lost_s
        if broker.strict_text:
            set_strict_text(True)
        reason = self._why_not()
        if not reason:
            reason = self._try_until(time.monotonic() + wait_s)
            if not reason:
                return 0
        else:
            self._stopping.wait(wait_s)
        self.connect_failure = reason
        logger.trace("会话 {} 连接 {} 失败：{}", self._session, self._path, reason)
        if not is_sim_folder(self._path):
            sys.stderr.write(f"模拟 MiniQMT：{reason}\n")
        return -1

    def nextSeq(self) -> int:  # noqa: N802  厂商的名字
        """下一个请求序号，从 1 起。"""
        return next(self._seq)

    def last_price(self, stock_code: str, timeout_s: float) -> float | None:
        """最新价，元；没有连接、到期没有回答、柜台说不出来都是 None。厂商没有这个方法。"""
        price = self._ask_price(stock_code, timeout_s)
        return float(price) if isinstance(price, (int, float)) else None

    def names(self) -> dict[str, str]:
        """代码 → 名称：模拟的市场里的全部。厂商没有这个方法。"""
        from easytrader.sim.market import universe

        return universe.names()

    def quotes(self, codes: list[str], timeout_s: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """快照与合约信息，厂商的样子；只问柜台一次「行情走到几点」。厂商没有这个方法。

        Raises:
            SimulatorError: 没有连接、到期没有回答，或有的品种没有模拟行情。
        """
        now = self._ask_price(MARKET_TIME, timeout_s)
        if not isinstance(now, (int, float)):
            raise SimulatorError(f"模拟 MiniQMT {timeout_s:.3g} 秒内没有回答行情。")
        if self._quotes is None:
            # 回放时每天都是新的客户端，行情板还是那一块
            self._quotes = (_board if self._replay is None else _replay_board)(self._path)
        board = self._quotes
        ticks = board.snapshot(codes, now)
        return ticks, {code: board.detail(code, now) for code in ticks}

    def _ask_price(self, stock_code: str, timeout_s: float) -> Any:
        answer: SimpleQueue[Any] = SimpleQueue()
        seq = next(self._seq)
        with self._gate:
            send = self._send
            if send is None:
                return None
            self._asking[seq] = answer
        send(Request("quote", seq, QuoteArgs(stock_code)))
        try:
            return answer.get(timeout=max(0.0, timeout_s))
        except Empty:
            return None
        finally:
            self._asking.pop(seq, None)

    def setTimeout(self, timeout: int) -> None:  # noqa: N802  厂商的名字
        """每个请求的超时，毫秒；0 和负数不起作用，也就关不掉。"""
        if timeout > 0:
            self._timeout_s = timeout / 1000

    # 连接 -------------------------------------------------------------

    def _new_io(self) -> IoThread:
        io = IoThread(f"easytrader-sim-io-{self._session}")
        weakref.finalize(self, io.ask_stop).atexit = False
        return io

    def _config(self) -> SimConfig:
        try:
            return SimFolder.open(self._path).config
        except SimulatorError:
            return SimConfig(connect_wait_s=_CONNECT_WAIT_S)

    def _why_not(self) -> str:
        """不用试就知道连不上的原因；没有为空。"""
        if not self._running:
            return "connect() 要在 start() 之后"
        if self._dead:
            return "这个对象断过线，不能再连；请新建 XtQuantTrader，用另一个会话号"
        if not Path(self._path).expanduser().exists():
            return (
                f"文件夹不存在：{self._path}；"
                f'先建一个：easytrader sim init "{self._path}" --account 账号 --cash 1000000'
            )
        try:
            SimFolder.open(self._path)
        except SimulatorError as error:
            return str(error)
        if not (Path(self._path).expanduser() / UP_QUEUE).exists():
            return f"没有 {UP_QUEUE}：真的客户端里是账号没有开通 API（策略交易）权限"
        return ""

    def _try_until(self, deadline: float) -> str:
        """反复试到期限；连上了返回空，否则返回原因。

        拒绝过的柜台不再问（真实客户端只问一次），但它若在期限内换了一个，还要问新的。
        """
        refused_by: set[object] = set()
        refusal = reason = ""
        while True:
            left_s = deadline - time.monotonic()
            try:
                link = hub.open_link(
                    self._path, self._session, self._deliver, self._on_lost, left_s, refused_by
                )
            except RefusedError as error:
                refusal = str(error)
            except UnreachableError as error:
                reason = str(error)
            else:
                if self._adopt(link):
                    return ""
                reason = "连上的同时断线或被 stop() 了"  # 柜台刚好换手：期限内接着试
            pause_s = min(_POLL_S, deadline - time.monotonic())
            if pause_s <= 0 or self._stopping.wait(pause_s):
                break
        return refusal or reason

    def _adopt(self, link: Link) -> bool:
        with self._gate:
            lost, self._lost_early = self._lost_early, False
            if not lost and not self._stopping.is_set():
                self._link, self._send, self._connected = link, link.send, True
                self._take_lock()
                return True
        link.close()
        return False

    def _take_lock(self) -> None:
        """连上之后拿着这个会话的锁，离开或死掉时放开；拿不到也算连上，真的也是。"""
        lock = FileLock(str(self._file("lock_down_queue_win_{}")), thread_local=False)
        with suppress(Timeout, OSError):
            lock.acquire(timeout=0)
            self._lock = lock

    def _on_lost(self) -> None:
        """连接断了（连接自己的线程上）。在途的请求从此没有回音。"""
        with self._gate:
            if not self._connected and not self._dead:
                self._lost_early = True  # 还没接管就断了：不算断线，连接的那边会再试
                return
            late = self._lost_s > 0 and not self._deaf
            if late:
                # 心跳还没有发觉：交的请求石沉大海，谁也不知道
                self._deaf, self._send = True, _swallow
        if late:
            self._io.post(self._lose, self._lost_s)
        else:
            self._lose()

    def _lose(self) -> None:
        with self._gate:
            known, self._connected, self._dead = self._connected, False, True
            self._send = None
            self._pending.clear()
            self._give_up_asking()
            callback = self._callbacks.get("Disconnected")
        if known and callback is not None:
            call_quietly(callback)

    def _give_up_asking(self) -> None:
        """在问价的都不会有回答了。"""
        for answer in list(self._asking.values()):
            answer.put(None)

    # 请求与应答 ---------------------------------------------------------

    def _request(self, seq: int, call: Call, raw: Any, verb: str, args: tuple[Any, ...]) -> int:
        """交给柜台；``raw`` 是不模拟的请求的原物，模拟的为 None。"""
        send = self._send
        if send is None:
            self._io.post(lambda: self._respond(seq, call, call.default()))
            return seq
        if self._replay is not None:
            args = self._as_replayed(args, self._replay.account_id)
        self._pending[seq] = (call, raw)
        if self._timeout_s and call.timed:
            self._io.post(lambda: self._expire(seq), self._timeout_s)
        send(Request(verb, seq, args))
        return seq

    def _expire(self, seq: int) -> None:
        # 断线之后连超时也没有：真实客户端把它一起丢了
        waiting = self._pending.pop(seq, None)
        if waiting is not None and self._connected:
            self._respond(seq, waiting[0], waiting[0].expired())

    def _respond(self, seq: int, call: Call, answer: Any) -> None:
        callbacks = self._callbacks
        callback = callbacks.get(call.binder) or callbacks.get(COMMON_BINDER)
        if callback is not None:
            call_quietly(callback, seq, answer)

    def _deliver(self, message: Message) -> None:
        """柜台送来一条（连接自己的线程上）。"""
        kind, seq, payload = message
        if kind == "answer":
            waiting = self._pending.pop(seq, None)
            if waiting is not None:
                call, raw = waiting
                if self._asked:
                    payload = self._as_asked(call, payload)
                answer = call.answer(payload) if raw is None else call.not_simulated(raw)
                self._respond(seq, call, answer)
            elif (asking := self._asking.get(seq)) is not None:
                asking.put(payload)
            return
        binder, struct = _PUSHES[kind]
        callback = self._callbacks.get(binder)
        if callback is not None:
            if self._asked:
                payload = renamed(struct, payload, self._asked)
            call_quietly(callback, build_pushed(struct, payload))

    # 回放：脚本写的是真的账号，柜台里只有回放的账户 ----------------------------

    def _as_replayed(self, args: tuple[Any, ...], account_id: str) -> tuple[Any, ...]:
        """请求里的账号换成回放的账户。"""
        told = getattr(args, "account_id", "")
        if not told or told == account_id:
            return args
        self._asked = told
        return args._replace(account_id=account_id)  # type: ignore[attr-defined,no-any-return]

    def _as_asked(self, call: Call, payload: Any) -> Any:
        """应答里的账号换回脚本写的。"""
        if call.shape == "list" and isinstance(payload, list):
            return [renamed(call.struct, row, self._asked) for row in payload]
        return renamed(call.struct, payload, self._asked) if call.shape == "one" else payload


def _board(path: str) -> Board:
    from easytrader.sim.quotes.board import Board

    return Board(SimFolder.open(path))


_replay_board: Final = lru_cache(maxsize=1)(_board)


def _swallow(request: Request) -> None:
    """没有人收。"""


def _with_seq(call: Call) -> Callable[[XtQuantAsyncClient, int, Any], int]:
    wanted = call.request if call.request[0].isupper() else ""
    verb = call.name
    to_args = None if verb == UNSUPPORTED else reader_of(call)

    def method(self: XtQuantAsyncClient, seq: int, request: Any, *more: Any) -> int:
        if request is None:
            return 0
        # 按名字认：Windows 上请求对象可能来自真实的原生模块
        if wanted and type(request).__name__ != wanted:
            raise TypeError(f"{call.native}WithSeq 需要 {wanted}，得到 {type(request).__name__}")
        if to_args is None:
            return self._request(seq, call, request, verb, (call.native,))
        return self._request(seq, call, None, verb, to_args(request))

    method.__name__ = method.__qualname__ = f"{call.native}WithSeq"
    method.__doc__ = f"请求 {call.vendor}；应答走 bindOn{call.binder}Callback。"
    return method


def _binder(name: str) -> Callable[[XtQuantAsyncClient, Any], None]:
    def method(self: XtQuantAsyncClient, callback: Callable[..., None]) -> None:
        if not callable(callback):
            raise TypeError(f"bindOn{name}Callback 需要一个函数，得到 {callback!r}")
        self._callbacks[name] = callback

    method.__name__ = method.__qualname__ = f"bindOn{name}Callback"
    method.__doc__ = f"绑定 {name}；再次绑定以后来的为准。"
    return method


for _call in CALLS.values():
    setattr(XtQuantAsyncClient, f"{_call.native}WithSeq", _with_seq(_call))
for _name in BINDERS:
    setattr(XtQuantAsyncClient, f"bindOn{_name}Callback", _binder(_name))
