"""`Reach`：够得着服务器上的一个账号：怎样连，跨会话记着什么，另开的一条连接。

交易口换了账号、换了服务器，是另一个；旧的请求认着旧的，不会去问错人。
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final

from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
)
from easytrader.remote.line import LateError, LostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.basics.log import Log
    from easytrader.remote.line import Entrance, Line

_DOUBTS: Final = 1000
_DOUBT_S: Final = 1.5
"""核对一个最多这么久。"""
_AGAIN_S: Final = 0.1
"""没有连上，隔这么久再连。"""


class Place:
    """一个账号跨会话记着的。

    Attributes:
        boot: 事件要到对面的哪一次启动；还没有要过为空。
        seq: 要到几号。
        doubts: 说过「结果未知」、还没有问到的请求号 → 给人看的。请求也许还在路上：
            每条新的连接先去问，没有到的从此作废，用户再查到的「没有」才是真的没有。
    """

    def __init__(self) -> None:
        self.boot = ""
        self.seq = 0
        self.doubts: dict[str, str] = {}

    def doubt(self, request: str, shown: str) -> None:
        """这一次结果未知。"""
        self.doubts[request] = shown
        while len(self.doubts) > _DOUBTS:
            self.doubts.pop(next(iter(self.doubts)), None)

    def settle(self, connection: Line, deadline: float, log: Log) -> None:
        """在这条连接上一个个问过来。

        Raises:
            QueryFailedError: 没有问完。
        """
        for request, shown in list(self.doubts.items()):
            limit = min(deadline, time.monotonic() + _DOUBT_S)
            frame = {"verb": "server.settle", "args": [], "kwargs": {"request": request}}
            try:
                told = connection.ask(frame, limit)
            except OutcomeUnknownError as exc:  # 到了，还说不清：不会再晚到
                log.warning("{}：还是未知（{}）", shown, exc)
            except (LostError, LateError, QueryFailedError, NotConnectedError) as exc:
                raise QueryFailedError(f"先前结果未知的 {shown} 还没有核对完（{exc}）") from None
            except EasytraderError as exc:
                log.warning("{}：核对不了（{}）", shown, exc)
            else:
                done = isinstance(told, dict) and told.get("state") == "done"
                log.info("先前结果未知的 {}：{}", shown, "做了" if done else "没有做，以后也不做")
            self.doubts.pop(request, None)


class Reach:
    """见模块说明。

    Args:
        door: 怎样连。
        place: 跨会话记着的。
        closed: 交易口关了没有。
        log: 日志口。
    """

    def __init__(self, door: Entrance, place: Place, closed: Callable[[], bool], log: Log) -> None:
        self.door = door
        self.place = place
        self._closed = closed
        self._log = log
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._connection: Line | None = None
        self._users = 0

    def settle_doubts(self, connection: Line, deadline: float) -> None:
        """先前结果未知的，先问过来；异常同 `Place.settle`。"""
        self.place.settle(connection, deadline, self._log)

    @contextlib.contextmanager
    def aside(self, deadline: float) -> Iterator[Line]:
        """另开的一条：会话的断了，等不及它重连的都用它；没有人用就断开。最晚到 ``deadline``。

        Raises:
            LateError: 没有连上。
            ConnectFailedError: 再连也一样。
            ClosedError: 交易口关了。
        """
        with self._lock:
            self._users += 1
        try:
            yield self._connected(deadline)
        finally:
            with self._lock:
                self._users -= 1
                last = None if self._users else self._connection
                if last is not None:
                    self._connection = None
            if last is not None:
                last.fail("用完了")
                last.join(max(_AGAIN_S, min(1.0, deadline - time.monotonic())))

    def _connected(self, deadline: float) -> Line:
        while True:
            left_s = deadline - time.monotonic()
            if self._closed():
                raise ClosedError("这个 trader 已经关闭")
            if left_s <= 0:
                raise LateError(sent=True)
            if not self._opening.acquire(timeout=min(left_s, _AGAIN_S)):
                continue
            try:
                found = self._connection
                if found is not None and not found.lost:
                    return found
                made = self._try(deadline)
                if made is not None:
                    with self._lock:
                        self._connection = made
                    return made
            finally:
                self._opening.release()
            pause(deadline)

    def _try(self, deadline: float) -> Line | None:
        try:
            made = self.door.enter(deadline, self._closed).connection
        except ConnectFailedError as exc:
            if getattr(exc, "final", False):
                raise
            return None
        made.start()
        try:
            self.settle_doubts(made, deadline)
        except QueryFailedError:
            made.fail("没有核对完")
            return None
        return made


def pause(deadline: float) -> None:
    """再试之前歇一会儿，不歇过期限。"""
    threading.Event().wait(max(0.0, min(_AGAIN_S, deadline - time.monotonic())))
