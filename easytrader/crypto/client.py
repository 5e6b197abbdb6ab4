"""ccxt 的一个对象：每次调用有期限，出了错分得清没有发出、被拒绝、结果未知，说的话里没有密钥。"""

from __future__ import annotations

import logging
import math
import re
import time
from typing import TYPE_CHECKING, Any, Final, Literal

from easytrader.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LARGEST: Final = 64 * 2**20
"""应答最多这么大：全部交易对不过几 MB。"""
_LEAST_S: Final = 0.05
_SERVER_ERROR: Final = 500
_SHOWN: Final = 400
_UNCONNECTED: Final = frozenset(
    {"NewConnectionError", "ConnectTimeoutError", "NameResolutionError", "ConnectTimeout"}
)
"""连都没有连上（requests、urllib3 的类名）：什么都没有发出。"""
_SECRET: Final = 4
"""密钥至少这么长。"""
_QUERY: Final = re.compile(r"(https?://[^\s?]+)\?\S*")
"""网址里问号后面是签名。"""

_silent: Final = logging.getLogger("easytrader.ccxt")
_silent.disabled = True
"""它在 DEBUG 里写出请求头、网址。"""

Kind = Literal["unsent", "refused", "unknown"]


def library() -> Any:
    """ccxt；第一次导入约 0.8 秒，所以用到才导入。

    Raises:
        MissingDependencyError: 没有装。
    """
    try:
        import ccxt
    except ImportError as exc:
        told = f'加密货币交易所要另装 ccxt（{exc}）：pip install "easytrader[crypto]"'
        raise MissingDependencyError(told) from exc
    return ccxt


class CallFailedError(Exception):
    """一次调用没有成；不带原来的异常：那里面有网址、签名。

    Attributes:
        kind: ``unsent`` 什么都没有发出，``refused`` 交易所明说不收，``unknown`` 不知道。
        missing: 交易所说没有这一笔委托，或已经完了。
        pending: 交易所说已经在撤了。
        denied: 密钥不对，或没有权限。
    """

    def __init__(
        self,
        text: str,
        kind: Kind = "unknown",
        *,
        missing: bool = False,
        pending: bool = False,
        denied: bool = False,
    ) -> None:
        super().__init__(text)
        self.kind: Kind = kind
        self.missing, self.pending, self.denied = missing, pending, denied

    def __repr__(self) -> str:
        return str(self)


class _LateError(Exception):
    """到期了。"""


class Wire:
    """ccxt 用的 HTTP 会话：整个请求有期限（requests 的只管一次读），记下发出去没有。

    重试、重定向一概没有：委托不能在我们不知道的时候又发一次。
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self.cookies, self.headers = session.cookies, session.headers
        self.begin(math.inf)

    def begin(self, deadline: float) -> None:
        """一次调用开始了，最晚到 ``deadline``（``time.monotonic``）。"""
        self._deadline = deadline
        self.posted = False
        """发出了（或者说不好）一个不是查询的请求。"""
        self.status = 0
        self.is_object = False
        """应答是一个 JSON 对象：是交易所自己说的，不是中间的代理。"""

    def request(self, method: str, url: str, **options: Any) -> Any:
        """同 ``requests.Session.request``。"""
        left_s = self._left_s()
        options["timeout"] = max(_LEAST_S, min(options["timeout"], left_s))
        if method != "GET":
            self.posted = True
        try:
            response = self._session.request(
                method, url, **options, stream=True, allow_redirects=False
            )
        except Exception as exc:
            if _unconnected(exc):
                self.posted = False
            raise
        with response:
            self.status = response.status_code
            content = b"".join(self._body(response))
        self.is_object = content.lstrip()[:1] == b"{"
        response._content = content  # noqa: SLF001  requests 没有别的办法：读好了的正文
        return response

    def _body(self, response: Any) -> Iterable[bytes]:
        """正文：对面一个字一个字地来，也不过期限。"""
        size = 0
        # 旧的 urllib3 没有 read1：等的人照样到期就走，线路要等它说完
        read = getattr(response.raw, "read1", response.raw.read)
        while chunk := read(65536, decode_content=True):
            size += len(chunk)
            if size > _LARGEST:
                raise CallFailedError(f"应答超过 {_LARGEST >> 20} MB")
            self._left_s()
            yield chunk

    def _left_s(self) -> float:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise _LateError("到期了，没有等到应答")
        return left_s

    def close(self) -> None:
        """断开。``Session.close`` 只是放手：出过错的，连接要等垃圾回收才关。"""
        for adapter in self._session.adapters.values():
            for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
                for key in manager.pools.keys():  # noqa: SIM118  不是字典
                    if (pool := manager.pools.get(key)) is not None:
                        pool.close()
        self._session.close()


class Client:
    """一个 ccxt 的交易所对象，只在一个线程上用。

    Args:
        name: ccxt 的名字。
        config: 给 ccxt 的。
        refused: 见 `table.Exchange`。
        secrets: 绝不写出来的。
    """

    def __init__(
        self, name: str, config: Mapping[str, Any], refused: str, secrets: Iterable[str]
    ) -> None:
        self._errors = library()
        self.exchange: Any = getattr(self._errors, name)(dict(config))
        self.exchange.logger = _silent
        self.wire = Wire(self.exchange.session)
        self.exchange.session = self.wire
        self._refused = re.compile(refused) if refused else None
        # 一两个字的遮不得：它在哪句话里都有
        self._secrets = sorted((s for s in secrets if len(s) >= _SECRET), key=len, reverse=True)
        wrong = self._errors
        self._definite = (
            wrong.AuthenticationError, wrong.ArgumentsRequired, wrong.BadRequest,
            wrong.OperationRejected, wrong.InsufficientFunds, wrong.InvalidOrder,
            wrong.NotSupported,
        )  # fmt: skip
        # 交易所自己说的（不是代理的一页 429）才算：没有收
        self._turned_away = wrong.RateLimitExceeded, wrong.DDoSProtection, wrong.InvalidNonce
        self._missing = wrong.OrderNotFound, wrong.OrderNotCached

    def call(self, method: str, *args: Any, until: float, **params: Any) -> Any:
        """调用 ccxt 的一个方法，最晚到 ``until``。

        Raises:
            CallFailedError: 没有成。
        """
        self.wire.begin(until)
        try:
            return getattr(self.exchange, method)(*args, **params)
        except Exception as exc:  # noqa: BLE001  边界：对面给的东西读不出来，什么都可能抛
            failure = self._read(exc)
        raise failure  # 在外面抛：不带上原来的异常

    def told(self, text: object) -> str:
        """能写出来的样子：没有密钥、签名，不太长。"""
        shown = _QUERY.sub(r"\1?…", str(text))
        for each in self._secrets:
            shown = shown.replace(each, "***")
        return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"

    def close(self) -> None:
        """断开。"""
        self.wire.close()

    def _read(self, exc: Exception) -> CallFailedError:
        if isinstance(exc, CallFailedError):
            return exc
        name = "" if isinstance(exc, _LateError) else f"{type(exc).__name__}："
        return CallFailedError(
            self.told(f"{name}{exc}"),
            self._kind(exc),
            missing=isinstance(exc, self._missing),
            pending=isinstance(exc, self._errors.CancelPending),
            denied=isinstance(exc, self._errors.AuthenticationError),
        )

    def _kind(self, exc: Exception) -> Kind:
        if not self.wire.posted:
            return "unsent"
        if not 0 < self.wire.status < _SERVER_ERROR:
            return "unknown"
        if isinstance(exc, self._definite):
            return "refused"
        if not self.wire.is_object:
            return "unknown"
        if isinstance(exc, self._turned_away):
            return "refused"
        known = type(exc) is self._errors.ExchangeError and self._refused is not None
        return "refused" if known and self._refused.search(str(exc)) else "unknown"  # type: ignore[union-attr]


def _unconnected(exc: Exception) -> bool:
    """连都没有连上。"""
    first = exc.args[0] if exc.args else None
    reason = getattr(first, "reason", None)
    return type(exc).__name__ in _UNCONNECTED or type(reason).__name__ in _UNCONNECTED
