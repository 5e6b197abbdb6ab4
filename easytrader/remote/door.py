"""`Door`：怎样连到服务器上的一个账号：拨号、TLS、升级、听它说第一句话。"""

from __future__ import annotations

import http.client
import ssl
import time
from typing import TYPE_CHECKING, Any, Final, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from easytrader._version import __version__
from easytrader.basics.threads import AbandonedError, call_aside
from easytrader.errors import ConnectFailedError
from easytrader.remote.connection import Connection, silent
from easytrader.remote.line import Entered
from easytrader.remote.pins import context_of
from easytrader.remote.stream import Dial, Stream, tls_told
from easytrader.wire import errors, values, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.frames import Frame

    from easytrader.remote.address import Address
    from easytrader.wire.words import Hello

_PATIENCE: Final = 0.2
"""在途的请求这么多成的期限里没有声音，就问一声。"""
_LEAST_S: Final = 0.5
_BODY: Final = 1 << 20


def _for_good(told: str) -> ConnectFailedError:
    """再试也一样的：令牌、账号不对；看护线程见了它不再试。"""
    error = ConnectFailedError(told)
    error.final = True  # type: ignore[attr-defined]
    return error


class Door:
    """一个服务器上的一个账号；实现 `line.Entrance`。

    Args:
        address: 连哪里。
        pins: 认这几张证书；空的由系统认。
        token: 令牌。
        account: 账号在服务器上的名字，或资金账号。
        timeout_s: 每个调用的期限，秒。
    """

    peer = "服务器"

    def __init__(
        self,
        address: Address,
        pins: tuple[bytes, ...],
        token: str,
        account: str,
        timeout_s: float,
    ) -> None:
        self.address = address
        self.account = account
        self.timeout_s = timeout_s
        self._pins = pins
        self._token = token
        self._context: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"<Door {self.address}>"

    def not_ready(self, state: str) -> str:
        """账号为什么不算连着。"""
        return f"在服务器上是「{state}」：等它连上柜台"

    def enter(self, deadline: float, stopped: Callable[[], bool]) -> Entered:
        """连上，听到第一句话。

        Args:
            deadline: 最晚到什么时候（``time.monotonic``）。
            stopped: 不要连了为真。

        Raises:
            ConnectFailedError: 没连上，什么都没有留下；``final`` 的再试也一样（令牌、账号不对）。
        """
        dial = Dial(self.address, deadline, stopped)
        stream = dial.open(self._tls() if self.address.secure else None)
        try:
            protocol = ClientProtocol(
                parse_uri(self.address.websocket(self.account)),
                max_size=words.MAX_ANSWER,
                logger=silent,
            )
            request = protocol.connect()
            request.headers.update(self._headers())
            protocol.send_request(request)
            frames = self._upgrade(dial, stream, protocol)
            first, rest = frames[0], frames[1:]
            hello = _hello(bytes(first.data), self.address)
        except ConnectFailedError:
            stream.close()
            raise
        except OSError as exc:
            stream.close()
            raise ConnectFailedError(f"与 {self.address} 的连接断了：{exc}") from exc
        except BaseException:
            stream.close()
            raise
        patience_s = max(_LEAST_S, self.timeout_s * _PATIENCE)
        return Entered(Connection(stream, protocol, rest, patience_s), hello)

    def accounts(self, limit_s: float) -> list[str]:
        """令牌看得见的账号，在服务器上的名字。

        Raises:
            ConnectFailedError: 没连上；令牌不对的再试也一样。
        """
        try:
            status, body = call_aside(lambda: self._get("/accounts", limit_s), limit_s)
        except (AbandonedError, OSError, http.client.HTTPException) as exc:
            if isinstance(exc, ConnectFailedError):
                raise
            if isinstance(exc, ssl.SSLError):
                raise ConnectFailedError(tls_told(self.address, exc)) from exc
            raise ConnectFailedError(f"问不到 {self.address} 上有哪些账号：{exc!r}") from exc
        if status != http.client.OK:
            raise _refused(status, body, self.address)
        try:
            found = values.decode(body)
            rows = found["result"] if isinstance(found, dict) else found
            return [str(each["name"]) for each in rows]
        except (ValueError, KeyError, TypeError) as exc:
            raise _foreign(self.address) from exc

    # ---- 内部

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = context_of(self._pins)
        return self._context

    def _get(self, path: str, limit_s: float) -> tuple[int, bytes]:
        host, port = self.address.host, self.address.port
        asking: http.client.HTTPConnection
        if self.address.secure:
            asking = http.client.HTTPSConnection(host, port, timeout=limit_s, context=self._tls())
        else:
            asking = http.client.HTTPConnection(host, port, timeout=limit_s)
        try:
            asking.request("GET", words.PREFIX + path, headers=self._headers())
            got = asking.getresponse()
            return got.status, got.read(_BODY)
        finally:
            asking.close()

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._token}",
            "User-Agent": f"easytrader/{__version__}",
        }

    def _upgrade(self, dial: Dial, stream: Stream, protocol: ClientProtocol) -> list[Frame]:
        """送出请求，读到第一帧为止。"""
        ask = b"".join(protocol.data_to_send())
        if not stream.send(ask, time.monotonic() + dial.left_s):
            raise ConnectFailedError(f"{self.address} 不收")
        frames: list[Frame] = []
        while not frames:
            dial.wait(stream)
            data = stream.receive()
            if data is None:
                continue
            if data:
                protocol.receive_data(data)
            else:
                protocol.receive_eof()
            events = protocol.events_received()
            failed = protocol.handshake_exc
            if isinstance(failed, InvalidStatus):
                got = failed.response
                raise _refused(got.status_code, bytes(got.body or b""), self.address)
            if not data:
                raise ConnectFailedError(f"{self.address} 刚连上就断开了")
            if failed is not None:
                raise _foreign(self.address)
            frames = [each for each in cast("list[Any]", events) if hasattr(each, "opcode")]
            if protocol.state in (State.CLOSING, State.CLOSED) and not frames:
                raise ConnectFailedError(f"{self.address} 刚连上就断开了")
        if frames[0].opcode is Opcode.CLOSE:
            raise ConnectFailedError(f"{self.address} 不让连：{frames[0]}")
        return frames


def _hello(data: bytes, address: Address) -> Hello:
    try:
        said = values.decode(data)["hello"]
        if said["api"] != words.API:
            raise _for_good(
                f"{address} 说的是第 {said['api']} 版，这里是第 {words.API} 版："
                "两边的 easytrader 装成一样的版本"
            )
        checks = (
            isinstance(said["boot"], str),
            isinstance(said["state"], str),
            isinstance(said["last"], int),
            isinstance(said["account_key"], str),
            isinstance(said["backend"], dict),
            isinstance(said["verbs"], list),
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise _foreign(address) from exc
    if not all(checks):
        raise _foreign(address)
    return cast("Hello", said)


def _foreign(address: Address) -> ConnectFailedError:
    maybe = "" if address.secure else "，是不是 https"
    return ConnectFailedError(f"{address} 应答的不是 easytrader serve：地址、端口对不对{maybe}")


def _refused(status: int, body: bytes, address: Address) -> ConnectFailedError:
    """HTTP 的状态码 → 异常。"""
    told = _told(body)
    said = f"：{told}" if told else ""
    if status == http.client.UNAUTHORIZED:
        return _for_good(
            f"{address} 不认这个令牌{said}。到服务器上 easytrader token list 看它在不在、过没过期，"
            "没有的 easytrader token add"
        )
    if status == http.client.FORBIDDEN:
        return _for_good(f"{address} 不许这个令牌用这个账号（HTTP 403）{said}")
    if status == http.client.NOT_FOUND and told:
        return _for_good(f"{address} 上没有这个账号{said}。名字是 easytrader serve 里起的那个")
    if 300 <= status < 400:
        return ConnectFailedError(f"{address} 要转到别处去（HTTP {status}），不跟：写实际的地址")
    if status == http.client.SERVICE_UNAVAILABLE:
        return ConnectFailedError(f"{address} 此刻不接新的连接（HTTP 503）{said}")
    return ConnectFailedError(f"{address} 应答 HTTP {status}{said}：那里是不是 easytrader serve")


def _told(body: bytes) -> str:
    """我们的服务器说的原因；别人的（代理的网页）为空。"""
    try:
        error = values.decode(body)["error"]
        if isinstance(error, dict) and isinstance(error.get("text"), str):
            return str(errors.from_wire(error))
    except (ValueError, KeyError, TypeError):
        return ""
    return ""
