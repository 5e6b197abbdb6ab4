"""一条 WebSocket：一个令牌、一个账号；帧的样子见 `wire.words`。都在循环的线程上。"""

from __future__ import annotations

import time
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.basics.log import masked
from easytrader.errors import EasytraderError, UsageError
from easytrader.server.calls import Answer, Call, deadlines
from easytrader.server.desk import busy
from easytrader.server.doors import CLOSE_SLOW
from easytrader.server.events import BEHIND_S
from easytrader.wire import errors, values, verbs, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.risk import GuardPost
    from easytrader.server.calls import Pulse, Source
    from easytrader.server.desk import Desk
    from easytrader.server.doors import SocketDoor
    from easytrader.server.tokens import Grant
    from easytrader.wire.verbs import Verb

MOST_FLYING: Final = 256
"""一条连接上最多这么多个还没有回答的。"""
CLOSE_REVOKED: Final = 4401
"""WebSocket 的关闭码：令牌吊销、过期了，会话退出了。"""
CLOSE_STOPPING: Final = 1012
"""WebSocket 的关闭码：服务器停了。"""
FEATURES: Final = ("events", "settle", "guard", "preview", "search", "stop")
_KEYS: Final = frozenset({"id", "verb", "args", "kwargs", "request", "ms"})
_MOST_ID: Final = 2**53
_FRESH_S: Final = 0.001
_BROKEN: Final = "服务器上出了意外的错，详情在服务器的日志里"


class Connection:
    """一条连接。

    Args:
        desk: 哪个账号。
        grant: 令牌。
        door: 连接本身。
        alive: 令牌（或会话）还有效没有；每条消息都问。
        source: 从哪里来。
        address: 对面的地址。
        pulse: 服务器停住过没有。
    """

    def __init__(
        self,
        desk: Desk,
        grant: Grant,
        door: SocketDoor,
        alive: Callable[[], bool],
        source: Source,
        address: str,
        pulse: Pulse,
    ) -> None:
        self.desk = desk
        self.grant = grant
        self.alive = alive
        self._door = door
        self._source = source
        self._address = address
        self._pulse = pulse
        self._flying: set[object] = set()
        self._seen_at = 0.0
        # 对面还没有读走的字节数，从何时起没有少过
        self._backlog = (0, 0.0)
        self._guard: GuardPost | None = None
        door.resumed = lambda: desk.feed.resume(self)
        self.write: Callable[[bytes], None] = door.write
        self.push: Callable[[bytes], None] = door.push
        self.cut: Callable[[int, str], None] = door.cut

    def __repr__(self) -> str:
        port = self._door.client[1] if self._door.client else ""
        return f"<连接 账号 {self.desk.name} 令牌 {self.grant.name} {self._address}:{port}>"

    @property
    def ready(self) -> bool:
        """发得出去。"""
        return self._door.ready

    def greet(self) -> None:
        """连上先说的。"""
        desk, last = self.desk, self.desk.feed.last  # 先看编号再看状态：之后的变化另有事件
        hello: words.Hello = {
            "api": words.API,
            "features": list(FEATURES),
            "boot": desk.feed.boot,
            "server_time": time.time(),
            "account": desk.name,
            "account_id": masked(desk.account_id),
            "account_key": desk.account_key,
            "backend": desk.backend(),
            "verbs": desk.verbs_for(self.grant),
            "state": desk.trader.state,
            "last": last,
            "limits": {
                "frame": words.MAX_FRAME,
                "events": words.EVENTS_KEPT,
                "ms": words.MOST_MS,
                "flying": MOST_FLYING,
            },
        }
        self.write(values.encode({"hello": hello}))

    def still_good(self, fresh_s: float = _FRESH_S) -> bool:
        """令牌还有效；不然断开。``fresh_s`` 秒里看过的不再看；会改变什么的每次都看。"""
        now = time.monotonic()
        if now - self._seen_at < fresh_s:
            return True
        if self.alive():
            self._seen_at = now
            return True
        self.leave()
        self.cut(CLOSE_REVOKED, "令牌已经吊销或过期")
        return False

    def sweep(self) -> None:
        """隔一会儿看一遍：令牌吊销了的、回答一直没有人读的，断开。"""
        if not self.still_good():
            return
        now, backlog = time.monotonic(), self._door.backlog
        if not backlog or backlog < self._backlog[0]:
            self._backlog = (backlog, now)
        elif now - self._backlog[1] >= BEHIND_S:
            logger.warning("{} {:g} 秒没有读走一个字节，断开它", self, BEHIND_S)
            self.leave()
            self.cut(CLOSE_SLOW, "回答没有人读")
        else:
            self._backlog = (backlog, self._backlog[1])

    def leave(self) -> None:
        """不再收事件。"""
        self.desk.feed.detach(self)

    def heard(self, text: bytes) -> None:
        """来了一帧。"""
        if not self.still_good():
            return
        number: Any = None
        try:
            frame = _frame(text)
            number = frame.get("id")
            self._take(number, frame)
        except EasytraderError as exc:
            self.write(told(number, Answer(error=exc), b""))
        except Exception:  # noqa: BLE001  边界：没有想到的也要有个回答，连接照用
            logger.error("WebSocket 的一帧出了意外的错：\n{}", traceback.format_exc())
            self.write(told(number, Answer(error=EasytraderError(_BROKEN)), b""))

    def _take(self, number: int, frame: dict[str, Any]) -> None:
        if type(number) is not int or not 0 <= number < _MOST_ID:
            raise UsageError("id", number, "应为不小于 0 的整数")
        call = self._call(frame)
        if call.verb.effect.changes and not self.still_good(0.0):
            return
        if call.verb.name == "server.events":
            self._subscribe(number, call)
            return
        if len(self._flying) >= MOST_FLYING:
            raise busy(call, f"这条连接上已经有 {MOST_FLYING} 个没有回答的")
        # 同一个编号来了两次（线上重了）的也都做、都答：会改变什么的认得出是同一个请求
        seat = object()
        self._flying.add(seat)
        self.desk.submit(call, partial(self._answer, number, call.verb, seat))

    def _answer(self, number: int, verb: Verb, seat: object, answer: Answer) -> None:
        """有了回答；多半在道上。"""
        result = b""
        if answer.seq is None:
            if verb.name == "server.guard" and answer.error is None:
                post: GuardPost | None = answer.result
                self._guard = post
                answer = Answer(None if post is None else post.guard.limits())
            if answer.error is None:
                result = self.desk.encoded(verb, answer.result)
            self._flying.discard(seat)
        self.write(told(number, answer, result))

    def _call(self, frame: dict[str, Any]) -> Call:
        verb = verbs.find(frame.get("verb"))
        if verb is None:
            raise UsageError("verb", frame.get("verb"), "没有这个动词")
        args, kwargs = arguments(frame)
        left_ms = milliseconds("ms", frame.get("ms", words.DEFAULT_MS))
        deadline, latest = deadlines(left_ms, self._pulse.lost_s())
        return Call(
            verb, args, kwargs, request_of(verb, frame), deadline, self.grant, self._source,
            self._address, self._guard, latest,
        )  # fmt: skip

    def _subscribe(self, number: int, call: Call) -> None:
        refusal = self.desk.refusal(call)
        if refusal is not None:
            raise refusal
        wanted = call.kwargs
        if call.args or wanted.keys() - {"boot", "after"}:
            raise UsageError("server.events", wanted, "参数：boot、after")
        found = self.desk.feed.attach(self, wanted.get("boot"), wanted.get("after"))
        gap = found.pop("gap", None)
        self.write(told(number, Answer(), values.encode(found)))
        if gap is not None:
            self.write(values.encode({"boot": found["boot"], "gap": values.to_plain(gap)}))


def told(number: int | None, answer: Answer, result: bytes) -> bytes:
    """一个回答的帧；``result`` 是写好的结果。任何线程。"""
    if answer.error is not None:
        return values.encode({"id": number, "error": errors.to_wire(answer.error)})
    if answer.seq is not None:
        return values.encode({"seq": answer.seq, "id": number})
    return b'{"id":%d,"result":%s}' % (number or 0, result)


def _frame(text: bytes) -> dict[str, Any]:
    try:
        found = values.decode(text)
    except ValueError as exc:
        raise UsageError("frame", text[:80], str(exc)) from None
    if not isinstance(found, dict):
        raise UsageError("frame", text[:80], "应为 JSON 对象")
    return found


def arguments(frame: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """``args``、``kwargs``，还原成 Python 的值。"""
    args, kwargs = frame.get("args", []), frame.get("kwargs", {})
    if not args and not kwargs and args == [] and kwargs == {}:
        return [], {}
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise UsageError("args", args, "args 应为列表，kwargs 应为对象")
    try:
        plain = values.from_plain([args, list(kwargs.values())])
    except ValueError as exc:
        raise UsageError("args", frame.get("verb"), str(exc)) from None
    return plain[0], dict(zip(kwargs, plain[1], strict=True))


def milliseconds(argument: str, value: object) -> int:
    """还剩多少毫秒。"""
    if type(value) is not int or not 0 < value <= words.MOST_MS:
        raise UsageError(argument, value, f"应为 1 到 {words.MOST_MS} 的整数，毫秒")
    return value


def request_of(verb: Verb, frame: dict[str, Any]) -> str:
    """请求号；会改变什么的要给，也不许有不认识的键。"""
    given = frame.get("request")
    if not verb.effect.changes:
        return ""
    unknown = frame.keys() - _KEYS
    if unknown:
        raise UsageError(
            "frame", sorted(unknown), f"不认识的键；认识的：{'、'.join(sorted(_KEYS))}"
        )
    return checked_request("request", given)


def checked_request(argument: str, given: object) -> str:
    """校验过的请求号。"""
    form = f"应为请求号：1 到 {words.MAX_REQUEST} 个字母、数字、- 或 _，一次调用一个"
    right = isinstance(given, str) and 0 < len(given) <= words.MAX_REQUEST and given.isascii()
    if not right or not str(given).replace("-", "").replace("_", "").isalnum():
        raise UsageError(argument, given, form)
    return str(given)
