"""网页的会话：令牌只交一次，此后是一个 cookie 加一个页面自己保管的值，缺一不可。

cookie 不分端口：本机别的端口上的网页服务也收得到它；它自己没有那个值，光有 cookie 什么也做不了。
值放在 ``X-Session`` 头里；WebSocket 加不了头，放在子协议里（不放地址里：地址会进日志）。
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from easytrader.server.tokens import Grant

HEADER: Final = "X-Session"
"""页面的每个请求都带上，读的也带。"""
SUBPROTOCOL: Final = "easytrader"
"""会话的 WebSocket 用的子协议，服务器要选它。"""
IDLE_S: Final = 30 * 60.0
"""页面没有打开（没有请求）这么久就到期。"""
MOST_S: Final = 12 * 3600.0
"""登录之后最多用这么久。"""

_VALUE_PREFIX: Final = f"{SUBPROTOCOL}.session."
_BYTES: Final = 32
_MOST: Final = 200
"""同时最多这么多个；再多，最久没有用的先退出。"""
_MOST_COOKIES: Final = 16
_HEADER: Final = HEADER.lower().encode()


class Grants(Protocol):
    """要用到的令牌簿（`tokens.Tokens`）。"""

    def alive(self, grant: Grant, /) -> bool:
        """没有收回、没有过期。"""


class Session:
    """一次登录。

    Attributes:
        grant: 登录用的令牌许可的。
        value: 页面保管的值。
    """

    __slots__ = ("grant", "opened", "seen", "value")

    def __init__(self, grant: Grant, now: float) -> None:
        self.grant = grant
        self.value = secrets.token_urlsafe(_BYTES)
        self.opened = self.seen = now

    def __repr__(self) -> str:
        return f"<Session {self.grant.name}>"


class Sessions:
    """存在内存里：重启服务器要重新登录。所有方法可以在任意线程上调用。

    Args:
        tokens: 令牌簿。
        port: 本机上的端口；cookie 的名字里有它，几个服务器互不相扰。
        secure: 浏览器看到的是 https（自己的证书，或声明过的代理）。
        clock: 单调时钟，秒。
    """

    def __init__(
        self,
        tokens: Grants,
        *,
        port: int,
        secure: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = tokens
        self._secure = secure
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[bytes, Session] = {}
        self.cookie: Final = f"__Host-easytrader-{port}" if secure else f"easytrader-{port}"

    def open(self, grant: Grant) -> tuple[Session, str]:
        """登录：会话，与 ``Set-Cookie`` 的值。"""
        text = secrets.token_urlsafe(_BYTES)
        session = Session(grant, self._clock())
        with self._lock:
            self._forget()
            while len(self._open) >= _MOST:
                del self._open[min(self._open, key=lambda each: self._open[each].seen)]
            self._open[_digest(text)] = session
        return session, self._set_cookie(text)

    def close(self, session: Session) -> str:
        """退出：收走 cookie 的 ``Set-Cookie``。"""
        with self._lock:
            self._open = {key: each for key, each in self._open.items() if each is not session}
        return self._set_cookie("", "; Max-Age=0")

    def of(self, scope: Mapping[str, Any]) -> Session | None:
        """这个请求（ASGI 的 scope）的会话；cookie 与值对不上、到期、令牌收回了为 None。"""
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        value = _value_of(scope, headers)
        for text in _cookies(headers, self.cookie):
            with self._lock:
                session = self._open.get(_digest(text))
            if session is not None and hmac.compare_digest(session.value.encode(), value):
                return session if self.alive(session, used=True) else None
        return None

    def alive(self, session: Session, *, used: bool = False) -> bool:
        """还算数：没有退出、没有到期，令牌还在；便宜，长连接上常看。

        Args:
            session: 会话。
            used: 用户用了一次，从现在起重新算没有用的时间。
        """
        with self._lock:
            known = any(each is session for each in self._open.values())
            now = self._clock()
            if not known or self._over(session, now):
                return False
            if used:
                session.seen = now
        return self._tokens.alive(session.grant)

    def left_s(self, session: Session) -> float:
        """还能用多少秒，一直在用的话。"""
        return max(0.0, session.opened + MOST_S - self._clock())

    def _over(self, session: Session, now: float) -> bool:
        return now - session.seen > IDLE_S or now - session.opened > MOST_S

    def _forget(self) -> None:
        now = self._clock()
        self._open = {key: each for key, each in self._open.items() if not self._over(each, now)}

    def _set_cookie(self, text: str, more: str = "") -> str:
        secure = "; Secure" if self._secure else ""
        return f"{self.cookie}={text}; Path=/; HttpOnly; SameSite=Strict{secure}{more}"


def _digest(text: str) -> bytes:
    """存的是摘要：按它查，快慢看不出 cookie 的内容。"""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _value_of(scope: Mapping[str, Any], headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    if scope["type"] == "websocket":
        offered: Iterable[str] = scope.get("subprotocols", ())
        found = [each for each in offered if each.startswith(_VALUE_PREFIX)]
        return found[0][len(_VALUE_PREFIX) :].encode() if len(found) == 1 else b""
    values = [value for name, value in headers if name == _HEADER]
    return values[0] if len(values) == 1 else b""


def _cookies(headers: Iterable[tuple[bytes, bytes]], name: str) -> Iterator[str]:
    """这个名字的 cookie，可能不止一个：别的端口上的页面也写得了同名的。"""
    text = "; ".join(value.decode("latin-1") for key, value in headers if key == b"cookie")
    pairs = (pair.strip().partition("=") for pair in text.split(";"))
    return islice((value for key, _, value in pairs if key == name), _MOST_COOKIES)
