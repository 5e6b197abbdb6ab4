"""`Connection`：与服务器的一条 WebSocket，许多线程一起用。

谁在等回答，谁自己读套接字（少一次换线程，省几十微秒）；没有人等的时候，由它自己的线程读。
读的权利是一把锁：拿到的替大家读，读到别人的就叫醒别人；放手时叫下一个等着的接着读，
叫漏了也不要紧，它自己的线程会来读。

断了就不再复活。对面说了读不懂的话、有请求在途而久久没有声音，都算断了。
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

from loguru import logger
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from easytrader.basics import waits
from easytrader.remote.line import Asked, LateError, LostError, answer
from easytrader.wire import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.client import ClientProtocol

    from easytrader.remote.stream import Stream

_PARK_S: Final = 0.001
"""别人在读的时候，自己的线程歇这么久再看。"""
_TICK_S: Final = 1.0
_FLOWING: Final = 1 << 14
"""一帧还没有完，来了这么多也算有声音；零星的几个字节不算：长度坏了的一帧永远等不完。"""
_SEND_S: Final = 5.0
"""对面不收，一帧最多写这么久。"""
_VALUES: Final = {"result", "events"}
"""`values.to_plain` 过的；异常自己读。"""

silent: Final = logging.Logger("easytrader.remote", logging.CRITICAL + 1)  # noqa: LOG001  不进别人的树
"""给 websockets 的日志口：它会把带着令牌的头写出来，所以什么都不写。"""


class Connection:
    """一条连接。

    Args:
        stream: 连好的。
        protocol: 升级好的 WebSocket。
        frames: 握手时一起来的。
        patience_s: 有请求在途，这么久没有声音就问一声，再这么久还没有就算断了。
    """

    def __init__(
        self, stream: Stream, protocol: ClientProtocol, frames: list[Frame], patience_s: float
    ) -> None:
        self._stream = stream
        self._protocol = protocol
        self._frames = frames
        self._patience_s = patience_s
        self.on_events: Callable[[dict[str, Any]], None] | None = None
        """来了一批事件，在读的线程上，不得阻塞。"""
        self.on_lost: Callable[[str], None] | None = None
        """断了，一次。"""
        self.lost = ""
        """为什么断的；没有断为空。"""
        self._numbers = itertools.count(1)
        self._asked: dict[int, Asked] = {}
        self._waiting: dict[int, Asked] = {}
        """在等、而没有轮到读的。"""
        self._turn = threading.Lock()
        self._out = threading.Lock()
        self._control: list[bytes] = []
        self._parts: list[bytes] = []
        self._heard_at = self._pinged_at = time.monotonic()
        self._loose = 0
        self._retired = False
        self._gate = threading.Lock()
        self._rested = threading.Event()
        self._thread = threading.Thread(target=self._run, name="easytrader-remote", daemon=True)

    def start(self) -> None:
        """开始读。"""
        self._thread.start()

    # ---- 问

    def ask(
        self, frame: dict[str, Any], deadline: float, stopped: Callable[[], bool] | None = None
    ) -> Any:
        """问一句，等到结果，最晚到 ``deadline``。

        Raises:
            EasytraderError: 服务器抛的。
            LostError: 断了，或 ``stopped``。
            LateError: 到期没有回答。
        """
        asked = Asked()
        # 先占着读再发：回答来得快，别让自己的线程抢去，多换一次线程
        leads = self._turn.acquire(blocking=False)
        number = 0
        try:
            try:
                number = self.tell(frame, asked, deadline)
                if leads:
                    self._read_for(asked, min(deadline - asked.at, waits.SLICE_S))
            finally:
                if leads:
                    self._turn.release()
                    self._call_next()
            self.wait(number, asked, deadline, stopped)
        finally:
            self._asked.pop(number, None)
        return answer(asked.said or {})

    def tell(self, frame: dict[str, Any], asked: Asked, deadline: float) -> int:
        """问一句，不等；返回它的编号，不要了用 `forget`。"""
        number = next(self._numbers)
        frame["id"] = number
        left_ms = int((deadline - time.monotonic()) * 1000)
        if left_ms <= 0:
            raise LateError(sent=False)
        frame["ms"] = left_ms
        data = Frame(Opcode.TEXT, values.encode(frame)).serialize(mask=True)
        self._asked[number] = asked
        try:
            if self.lost:
                raise LostError(self.lost, sent=False)
            self._send(data, deadline)
        except BaseException as exc:
            self._asked.pop(number, None)
            if not isinstance(exc, (LostError, LateError)):
                self.fail(f"发到一半出错：{exc!r}")
            if isinstance(exc, OSError):  # 没有写完整的一帧，对面读不出来
                raise LostError(self.lost, sent=False) from exc
            raise
        return number

    def forget(self, number: int) -> None:
        """不等它的回答了。"""
        self._asked.pop(number, None)

    def wait(
        self,
        number: int,
        asked: Asked,
        deadline: float,
        stopped: Callable[[], bool] | None = None,
    ) -> None:
        """等到它的第一句话。"""
        while not asked.is_done:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise LateError(sent=True)
            if stopped is not None and stopped():
                raise LostError("已经关闭", sent=True)
            left_s = min(left_s, waits.SLICE_S)
            if self._turn.acquire(blocking=False):
                try:
                    self._read_for(asked, left_s)
                finally:
                    self._turn.release()
                    self._call_next()
            else:
                self._waiting[number] = asked
                try:
                    asked.latch.acquire(timeout=left_s)
                finally:
                    self._waiting.pop(number, None)
        if asked.said is None:
            raise LostError(self.lost, sent=True)

    def retire(self) -> None:
        """不再问新的；在途的都有了结果就断开。"""
        self._retired = True

    def fail(self, reason: str) -> None:
        """断开；可重复，任意线程，不阻塞。"""
        with self._gate:
            if self.lost:
                return
            self.lost = reason
        self._stream.shut()
        self._rested.set()
        for number in list(self._asked):
            asked = self._asked.pop(number, None)
            if asked is not None:
                asked.take(None)
        if self.on_lost is not None:
            self.on_lost(reason)

    def join(self, limit_s: float) -> None:
        """断开之后等它的线程结束。"""
        waits.join(self._thread, limit_s)

    # ---- 读：拿着 ``_turn``

    def _read_for(self, asked: Asked, limit_s: float) -> None:
        """替大家读，直到自己的来了、到期、断了。"""
        deadline = time.monotonic() + limit_s
        while not asked.is_done and not self.lost:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return
            if self._stream.readable(left_s):
                self._read()

    def _call_next(self) -> None:
        """不读了：叫一个等着的接着读；没有等着的而还有没回答的，叫自己的线程。"""
        for asked in list(self._waiting.values()):
            if not asked.is_done:
                asked.wake()
                return
        if self._asked:
            self._rested.set()

    def _read(self) -> None:
        """读一次。中途被打断的（Ctrl-C），读到哪里说不清了，这条连接也就断了。"""
        try:
            data = self._stream.receive()
            if data is None:
                return
            if not data:
                self.fail("服务器断开了连接")
                return
            self._protocol.receive_data(data)
            frames = self._protocol.events_received()
            self._loose += len(data)
            self._take(frames)
            # 说到一半的不算：少了结尾的一句，往后只有 pong
            if (frames and not self._parts) or self._loose >= _FLOWING:
                self._heard_at, self._loose = time.monotonic(), 0
            self._control += self._protocol.data_to_send()
            if self._control:
                self._flush_control()
            if self._protocol.state is not State.OPEN:
                self.fail(self._why())
        except Exception as exc:  # noqa: BLE001  边界：对面说什么都可能
            self.fail(f"服务器说了读不懂的话：{exc!r}")
        except BaseException as exc:
            self.fail(f"读到一半被打断：{exc!r}")
            raise

    def _why(self) -> str:
        close = self._protocol.close_rcvd
        if close is not None:
            told = f"：{close.reason}" if close.reason else ""
            return f"服务器断开了连接（{close.code}{told}）"
        return f"服务器说了读不懂的话：{self._protocol.parser_exc}"

    def _take(self, frames: list[Any]) -> None:
        for frame in frames:
            if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.CONT:
                self._parts.append(frame.data)
                if frame.fin:
                    whole = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
                    self._parts.clear()
                    self._said(bytes(whole))
            elif frame.opcode is Opcode.BINARY:
                raise ValueError("二进制的帧")

    def _said(self, data: bytes) -> None:
        said = values.decode(data)
        if not isinstance(said, dict):
            raise ValueError("不是对象")
        if b'"$"' in data or b"\\u0024" in data:  # 有 JSON 说不出的值
            for key in _VALUES & said.keys():
                said[key] = values.from_plain(said[key])
        number = said.get("id")
        if number is None:
            if self.on_events is not None and ("events" in said or "gap" in said):
                self.on_events(said)
            return
        asked = self._asked.get(number)
        if asked is not None:
            asked.take(said)
            if asked.hear is None or "seq" not in said:
                self._asked.pop(number, None)

    # ---- 写

    def _send(self, data: bytes, deadline: float) -> None:
        """写一帧。写不完的半帧对面读不出来，这条连接也就断了。"""
        limit = min(deadline, time.monotonic() + _SEND_S)
        free = self._out.acquire(blocking=False)
        if not free and not waits.acquire(self._out, limit - time.monotonic()):
            raise LateError(sent=False)
        try:
            if self.lost:
                raise LostError(self.lost, sent=False)
            if not self._stream.send(data, limit):
                raise TimeoutError("服务器不收")
        finally:
            self._out.release()
        if self._control:
            self._flush_control()

    def _flush_control(self) -> None:
        """回的 pong、问的 ping；正有人在写的由他带走。"""
        while self._control and self._out.acquire(blocking=False):
            try:
                data = b"".join(self._control)
                self._control.clear()
                if not self._stream.send(data, time.monotonic() + _SEND_S):
                    raise TimeoutError("服务器不收")
            finally:
                self._out.release()

    # ---- 自己的线程

    def _run(self) -> None:
        try:
            with self._turn:
                self._take_first()
            while not self.lost:
                self._run_once()
        except Exception as exc:  # noqa: BLE001  边界：这个线程没了，事件也就没有人读了
            # 不用 logger.exception：它会印出变量的值，里面可能有账户的东西
            logger.error("读连接的线程出错：\n{}", traceback.format_exc())
            self.fail(f"读连接的线程出错：{exc!r}")
        finally:
            # 没有人还在用，才放开套接字：号码马上会给别的文件
            for lock in (self._turn, self._out):
                waits.acquire(lock, 2 * _SEND_S)
            self._stream.close()

    def _take_first(self) -> None:
        """与握手一起来的。"""
        frames, self._frames = self._frames, []
        try:
            self._take(frames)
        except Exception as exc:  # noqa: BLE001  同 `_read`
            self.fail(f"服务器说了读不懂的话：{exc!r}")

    def _run_once(self) -> None:
        readable = self._stream.readable(min(_TICK_S, self._patience_s / 2))
        if readable and not self.lost:
            if self._turn.acquire(blocking=False):
                try:
                    if self._stream.readable(0.0):  # 也许刚被别人读走
                        self._read()
                finally:
                    self._turn.release()
                    self._call_next()
            else:
                self._rested.wait(_PARK_S)
                self._rested.clear()
                return
        self._look()

    def _look(self) -> None:
        """有请求在途而没有声音：问一声；退休的没有在途的了：断开。"""
        oldest = next(iter(list(self._asked.values())), None)
        if oldest is None:
            if self._retired:
                self.fail("换了新的连接")
            return
        now = time.monotonic()
        quiet_since = max(self._heard_at, oldest.at)
        if now - quiet_since < self._patience_s:
            return
        if self._pinged_at <= quiet_since:
            self._pinged_at = now
            self._control.append(Frame(Opcode.PING, b"").serialize(mask=True))
            self._flush_control()
        elif now - self._pinged_at >= self._patience_s:
            self.fail(f"服务器 {now - quiet_since:.1f} 秒没有声音")
