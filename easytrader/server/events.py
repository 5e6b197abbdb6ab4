"""一个账号的事件：编号、留着最近的、发给订阅的人。

写成字节只有一次；订阅的人各有一个读到几号的游标，跟得上的共用同一帧。读得慢的先不发，
落后太久、要的已经不在了，就断开它：谁也不为它等，内存不随它长。
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from loguru import logger

from easytrader.push import table
from easytrader.push.event_log import EVENT_NAMES
from easytrader.server.doors import CLOSE_SLOW, framed
from easytrader.wire import values, words

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from easytrader.backend.records import PushEvent
    from easytrader.server.lanes import Mailbox

TICK_S: Final = 0.01
"""两批之间至少隔这么久：事件多的时候一帧多带几条。"""
BEHIND_S: Final = 10.0
"""落后这么久还没有追上的断开。"""
_MOST: Final = 2000
"""一帧最多这么多条。"""


class Listener(Protocol):
    """一个订阅的人；都在循环的线程上调用。"""

    @property
    def ready(self) -> bool:
        """发得出去：前面的没有堵着。"""

    def push(self, frame: bytes) -> None:
        """发一个写好的帧。"""

    def cut(self, code: int, reason: str) -> None:
        """断开。"""


class _Seat:
    """一个订阅的人读到哪里。"""

    __slots__ = ("after", "behind_since")

    def __init__(self, after: int) -> None:
        self.after = after
        self.behind_since: float | None = None


class Feed:
    """一个账号的事件。`heard` 在交付的线程上，其余在循环的线程上。

    Args:
        kept: 留着最近这么多条。
    """

    def __init__(self, kept: int = words.EVENTS_KEPT) -> None:
        self.boot = secrets.token_hex(8)
        """这一次启动；编号只在同一次启动里有意义。"""
        self.last = 0
        """最近一条的编号。"""
        self._kept = kept
        self._ring: list[bytes] = []
        self._lock = threading.Lock()
        self._mailbox: Mailbox | None = None
        self._rung = False
        self._timer: asyncio.TimerHandle | None = None
        self._flushed_at = 0.0
        self._seats: dict[Listener, _Seat] = {}
        self.also: Callable[[dict[str, Any], PushEvent | None], None] | None = None
        """另给它一份，按次序：(只有 JSON 类型的字典, 原来的那一条)；不得阻塞、抛异常、改它。"""

    def open(self, mailbox: Mailbox) -> None:
        """循环开始了。"""
        self._mailbox = mailbox

    def heard(self, event: PushEvent) -> None:
        """来了一条（交付的线程上，不阻塞）。"""
        known = table.of(event)
        if known is None or not known.kind:
            return
        build: Any = known.row
        told = {
            "event": known.kind,
            "event_name": known.title,
            "time": time.time(),
            "data": {} if build is None else build(*table.contents(event)),
        }
        self.add(told, event)

    def add(self, told: dict[str, Any], event: PushEvent | None = None) -> None:
        """记下一条写好了的，叫醒循环。任何线程。"""
        plain = values.to_plain(told)
        with self._lock:
            number = self.last + 1
            data = values.encode({**plain, "seq": number})
            if len(self._ring) < self._kept:
                self._ring.append(data)
            else:
                self._ring[(number - 1) % self._kept] = data
            self.last = number
            if self.also is not None:
                self.also(plain, event)
        if not self._rung and self._mailbox is not None:
            self._rung = True
            self._mailbox.put(self._wake)

    def skip(self) -> None:
        """有一条写不出来：说有遗漏。任何线程。"""
        told = {"event": "gap", "event_name": EVENT_NAMES["gap"], "time": time.time()}
        self.add({**told, "data": {"missed": 1}})

    # ---- 订阅

    def attach(self, listener: Listener, boot: object, after: object) -> dict[str, Any]:
        """从 ``after`` 之后接着给；返回 ``{"boot", "after"}``，缺了的另有 ``gap``。

        ``boot`` 没有给的只要以后的。补发与以后的之间没有缝。
        """
        last = self.last
        told: dict[str, Any] = {"boot": self.boot, "after": last}
        if boot:
            known = boot == self.boot and type(after) is int and self._first - 1 <= after <= last
            if known:
                told["after"] = after
            else:
                told["gap"] = {"after": after, "next": last + 1}
        self._seats[listener] = _Seat(told["after"])
        if self._mailbox is not None:
            self._mailbox.loop.call_soon(self._soon)  # 让回答先走
        return told

    def detach(self, listener: Listener) -> None:
        """不要了。"""
        self._seats.pop(listener, None)

    def resume(self, listener: Listener) -> None:
        """前面堵着的发出去了：接着给。"""
        seat = self._seats.get(listener)
        if seat is not None:
            self._catch_up(listener, seat, time.monotonic())

    def sweep(self) -> None:
        """隔一会儿看一遍：落后太久的断开。"""
        now = time.monotonic()
        for listener, seat in list(self._seats.items()):
            self._catch_up(listener, seat, now)

    @property
    def listeners(self) -> int:
        """几个订阅的人。"""
        return len(self._seats)

    # ---- 内部，都在循环的线程上

    @property
    def _first(self) -> int:
        return self.last - len(self._ring) + 1

    def _wake(self) -> None:
        self._rung = False
        self._soon()

    def _soon(self) -> None:
        if self._timer is not None or self._mailbox is None:
            return
        loop = self._mailbox.loop
        wait_s = self._flushed_at + TICK_S - loop.time()
        if wait_s <= 0:
            self._flush()
        else:
            self._timer = loop.call_later(wait_s, self._flush)

    def _flush(self) -> None:
        self._timer = None
        now = time.monotonic()
        self._flushed_at = now
        frames: dict[int, tuple[bytes, int]] = {}
        for listener, seat in list(self._seats.items()):
            self._catch_up(listener, seat, now, frames)

    def _catch_up(
        self,
        listener: Listener,
        seat: _Seat,
        now: float,
        frames: dict[int, tuple[bytes, int]] | None = None,
    ) -> None:
        """把它没有读到的给它；``frames`` 是这一批里写好的帧，同一个起点的共用。"""
        while seat.after < self.last:
            if not listener.ready:
                self._judge(listener, seat, now)
                return
            if seat.after < self._first - 1:
                self._cut(listener, "要的事件已经不在了")
                return
            made = None if frames is None else frames.get(seat.after)
            if made is None:
                made = self._frame(seat.after)
                if frames is not None:
                    frames[seat.after] = made
            listener.push(made[0])
            seat.after = made[1]
        seat.behind_since = None

    def _judge(self, listener: Listener, seat: _Seat, now: float) -> None:
        if seat.behind_since is None:
            seat.behind_since = now
        if seat.after < self._first - 1:
            self._cut(listener, "要的事件已经不在了")
        elif now - seat.behind_since >= BEHIND_S:
            self._cut(listener, f"落后了 {BEHIND_S:g} 秒")

    def _cut(self, listener: Listener, why: str) -> None:
        self.detach(listener)
        logger.warning("{} 读事件太慢（{}），断开它", listener, why)
        listener.cut(CLOSE_SLOW, f"读事件太慢：{why}；请重新连接、重新订阅")

    def _frame(self, after: int) -> tuple[bytes, int]:
        """``after`` 之后的一帧，与它的最后一个编号。"""
        with self._lock:
            end = min(self.last, after + _MOST)
            ring, kept = self._ring, self._kept
            found = [ring[number % kept] for number in range(after, end)]
        text = b'{"boot":"%s","events":[%s]}' % (self.boot.encode(), b",".join(found))
        return framed(text), end
