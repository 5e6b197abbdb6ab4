"""`Line`：一条线上与中转说话：认人，然后一问一答，中转另外还会推事件、打拍子。

认人是双向的：中转要看到令牌，我们也要看到它有令牌（端口可能被别的程序占着）。
时刻以中转的钟为准：每个请求带着「最晚到它的几点」，终端卡住过、醒来才读到的，它不会再办。
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import waits
from easytrader.bigqmt.agent import (
    AGENT_VERSION,
    PROTOCOL,
    FrameError,
    Framer,
    agent_proof,
    sdk_proof,
    session_key,
)
from easytrader.bigqmt.wires import WireError
from easytrader.errors import ConnectFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.bigqmt.wires import Wire

Message = dict[str, Any]

_BEATS: Final = 100
"""半分钟：两边的钟走得不一样快，太早的不算。"""
_SEND_S: Final = 3.0
"""对面不收，一帧最多写这么久。"""

_NO: Final = {
    "token": "令牌不对：客户端里的中转不是这台机器上这个账号的，重新写一份贴进去"
    "（easytrader bigqmt agent --account 资金账号 --allow-orders）",
    "full": "中转上的连接已经满了：关掉别的用这个账号的程序",
}
_OLDER: Final = (
    "客户端里的中转比这里的 easytrader 旧（版本 {theirs}，这里要 {ours}）：重新写一份贴进去，"
    "再运行一遍模型（easytrader bigqmt agent --account 资金账号 --allow-orders）"
)
_NEWER: Final = (
    "客户端里的中转比这里的 easytrader 新（版本 {theirs}，这里要 {ours}）：请升级 easytrader，"
    "或用这里的重新写一份贴进去（easytrader bigqmt agent --account 资金账号 --allow-orders）"
)
_OURS: Final = f"{AGENT_VERSION}、协议 {PROTOCOL}"


class RefusedError(Exception):
    """中转回了「不」。

    Attributes:
        code: 中转的代码，如 ``expired``。
        words: 终端的原话。
        more: 别的，如 ``wait_s``。
    """

    def __init__(self, code: str, words: str, more: Message) -> None:
        super().__init__(f"{code}：{words}" if words else code)
        self.code = code
        self.words = words
        self.more = more


class Clock:
    """中转的钟，从它打的拍子估：只会估慢，不会估快。"""

    def __init__(self, mono: float) -> None:
        self._ahead: deque[float] = deque(maxlen=_BEATS)
        self.beat(mono)

    def beat(self, mono: float) -> None:
        """来了一拍：路上花的时间使它看起来慢，取最近看起来最快的一拍。"""
        self._ahead.append(mono - time.monotonic())

    def at(self, local: float) -> float:
        """本机的时刻（``time.monotonic``）→ 中转的，至少这么晚。"""
        return max(self._ahead.copy()) + local


class Asked:
    """一次提问。

    Args:
        heard: 最后一句来了（或断了）的时候调用，在读的线程上，不得阻塞、不得抛异常。
    """

    __slots__ = ("_latch", "error", "heard", "parts", "value")

    def __init__(self, heard: Callable[[Asked], None] | None = None) -> None:
        self.heard = heard
        self.parts: list[Any] = []
        self.value: Any = None
        self.error: Exception | None = None
        self._latch = threading.Event()

    def wait(self, limit_s: float) -> bool:
        """等最后一句。"""
        return waits.event(self._latch, limit_s)

    def finish(self) -> None:
        """来了（或不会来了）。"""
        if self.heard is not None:
            self.heard(self)
        self._latch.set()


class Line:
    """认过人的一条线。一个线程 `receive`，许多线程 `ask`。

    Args:
        wire: 线。
        framer: 到此为止的编号与钥匙。
        hello: 中转的 ``ok``。
    """

    def __init__(self, wire: Wire, framer: Framer, hello: Message) -> None:
        self.hello = hello
        self.boot: str = hello["boot"]
        self.name = wire.name
        self.clock = Clock(float(hello["mono"]))
        self._wire = wire
        self._framer = framer
        self._out = threading.Lock()
        self._numbers = itertools.count(1)
        self._asked: dict[int, Asked] = {}
        self._lost = ""

    def ask(self, method: str, args: Message, deadline: float, asked: Asked | None = None) -> Asked:
        """问一句，不等。

        Args:
            method: 中转的方法。
            args: 参数。
            deadline: 过了这时（``time.monotonic``）中转就不必办了。
            asked: 应答放在哪里。

        Raises:
            WireError: 线断了；至多半句到了对面，半句它读不出来，不会办。
        """
        asked = Asked() if asked is None else asked
        number = next(self._numbers)
        by = self.clock.at(deadline)
        message = {"t": "q", "id": number, "m": method, "a": args, "by": by}
        self._asked[number] = asked
        limit = min(deadline, time.monotonic() + _SEND_S)
        if not waits.acquire(self._out, limit - time.monotonic()):
            self._asked.pop(number, None)
            raise WireError(f"{self.name}：别的请求还没有写完")
        try:
            if self._lost:
                raise WireError(self._lost)
            self._wire.send(self._framer.pack(message), max(limit, time.monotonic() + 0.05))
        except BaseException as exc:
            self._asked.pop(number, None)
            if not self._lost:  # 半帧对面读不出来，编号也对不上了
                self.fail(str(exc))
            raise
        finally:
            self._out.release()
        return asked

    def receive(self, limit_s: float) -> Iterator[Message]:
        """读一次：应答在这里交出去，拍子与事件一条一条给出，都照来的先后。

        Raises:
            WireError: 断了，或对面说了读不懂的话。
        """
        self._framer.feed(self._wire.receive(limit_s))
        yield from self.drain()

    def drain(self) -> Iterator[Message]:
        """已经来了的，见 `receive`。"""
        while (message := self._next()) is not None:
            kind = message.get("t")
            if kind == "e" or kind == "b":
                yield message

    def _next(self) -> Message | None:
        try:
            message: Message | None = self._framer.take()
            if message is not None:
                self._hear(message)
        except (FrameError, KeyError, TypeError, ValueError) as exc:
            raise WireError(f"{self.name}：对面说了读不懂的话（{exc!r}）") from exc
        return message

    def _hear(self, message: Message) -> None:
        kind = message["t"]
        if kind == "b":
            self.clock.beat(float(message["mono"]))
        elif kind == "p":
            asked = self._asked.get(message["id"])
            if asked is not None:
                asked.parts.append(message["v"])
        elif kind == "r":
            asked = self._asked.pop(message["id"], None)
            if asked is not None:
                if message["ok"]:
                    asked.value = message["v"]
                else:
                    asked.error = RefusedError(
                        str(message["code"]), str(message.get("msg") or ""), message
                    )
                asked.finish()

    def forget(self, asked: Asked) -> None:
        """不等它的应答了。"""
        for number, each in list(self._asked.items()):
            if each is asked:
                self._asked.pop(number, None)

    def fail(self, reason: str) -> None:
        """断开：等着的都不会有应答了。可重复，任意线程。"""
        self._lost = self._lost or reason
        self._wire.close()
        for number in list(self._asked):
            asked = self._asked.pop(number, None)
            if asked is not None:
                asked.error = WireError(self._lost)
                asked.finish()


def greet(
    wire: Wire, token: str, account: str, deadline: float, stopped: Callable[[], bool]
) -> Line:
    """认人；不成的线已经关了。

    Args:
        wire: 接通的线。
        token: 令牌。
        account: 资金账号。
        deadline: 最晚到什么时候。
        stopped: 为真就不等了。

    Raises:
        WireError: 没有等到中转说话，或对面不是中转。
        ConnectFailedError: 中转说了不，或它不是我们的。
    """
    try:
        return _greet(wire, token, account, deadline, stopped)
    except BaseException:
        wire.close()
        raise


def _greet(
    wire: Wire, token: str, account: str, deadline: float, stopped: Callable[[], bool]
) -> Line:
    framer = Framer(False)
    hello = _next(wire, framer, deadline, stopped)
    theirs, mine = str(hello.get("nonce")), os.urandom(16).hex()
    if hello.get("t") == "no":
        raise ConnectFailedError(_refusal(wire, hello))
    if hello.get("t") != "hello":
        raise WireError(f"{wire.name}：对面不是中转")
    version, protocol = hello.get("agent"), hello.get("v")
    if (protocol, version) != (PROTOCOL, AGENT_VERSION):
        newer = (_whole(protocol), _whole(version)) > (PROTOCOL, AGENT_VERSION)
        theirs = f"{version}、协议 {protocol}"
        raise ConnectFailedError((_NEWER if newer else _OLDER).format(theirs=theirs, ours=_OURS))
    # 账号不说出来，只证明知道：占着端口的可能是别的程序
    auth = {"t": "auth", "v": PROTOCOL, "nonce": mine, "who": sdk_proof(token, theirs, mine, "")}
    auth["proof"] = sdk_proof(token, theirs, mine, account)
    wire.send(framer.pack(auth), deadline)
    ok = _next(wire, framer, deadline, stopped)
    if ok.get("t") == "no":
        raise ConnectFailedError(_refusal(wire, ok))
    if ok.get("t") != "ok" or ok.get("proof") != agent_proof(token, mine, theirs):
        raise ImpostorError(
            f"{wire.name} 上的不是这个账号的中转（它拿不出令牌）：可能被别的程序占着端口。"
            "没有发出任何东西；用 easytrader bigqmt agent --new-token 换一组端口，再贴一次"
        )
    framer.key = session_key(token, theirs, mine)
    return Line(wire, framer, {**ok, "boot": str(hello.get("boot")), "agent": version})


def _next(wire: Wire, framer: Framer, deadline: float, stopped: Callable[[], bool]) -> Message:
    while True:
        try:
            message: Message | None = framer.take()
        except FrameError as exc:
            raise WireError(f"{wire.name}：对面不是中转（{exc}）") from exc
        if message is not None:
            return message
        left_s = deadline - time.monotonic()
        if left_s <= 0 or stopped():
            raise SilentError(f"{wire.name} 接得通，而里面没有人说话")
        framer.feed(wire.receive(min(left_s, 0.2)))


class ImpostorError(ConnectFailedError):
    """对面拿不出令牌：端口上是别的程序，我们的也许在别的线上。"""


class SilentError(WireError):
    """接通了，对面一直不说话：终端卡住了，或端口上是别的程序。"""


def _refusal(wire: Wire, said: Message) -> str:
    code, words = str(said.get("code")), str(said.get("msg") or "")
    if code == "account":
        return f"账号不对：客户端里的中转是给另一个账号的（{words}）"
    if code == "version":
        return _OLDER.format(theirs="不明", ours=_OURS) + f"（{words}）"
    return _NO.get(code, f"{wire.name} 上的中转说不：{code} {words}")


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
