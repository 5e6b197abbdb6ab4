"""网络接口的应用：看从哪里来，认人，找账号，交给 REST 或 WebSocket。

没有有效的令牌，除了 ``/healthz``（与网页自己的几个文件）什么也不答。
"""

from __future__ import annotations

import asyncio
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from loguru import logger
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route, Router, WebSocketRoute

from easytrader.errors import EasytraderError, NotConnectedError, UsageError
from easytrader.server import openapi, qka_wire, rest
from easytrader.server.calls import BEAT_S, Pulse
from easytrader.server.origins import Front, is_loopback_name, plain_address
from easytrader.server.rest import Refused
from easytrader.server.throttle import Throttle
from easytrader.server.ws import CLOSE_STOPPING, Connection
from easytrader.wire import values, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import Message, Receive, Scope, Send
    from starlette.websockets import WebSocket

    from easytrader.server.audit import Audit
    from easytrader.server.calls import Source
    from easytrader.server.desk import Desk
    from easytrader.server.lanes import Mailbox
    from easytrader.server.origins import Caller
    from easytrader.server.sessions import Sessions
    from easytrader.server.tokens import Grant, Tokens

MOST_SOCKETS: Final = 200
"""一个令牌最多同时开这么多条 WebSocket。"""
MOST_HEADERS: Final = 16 << 10
"""一个请求的头最多这么多字节。"""
_SWEEP_S: Final = 0.5
_LOOK_S: Final = 0.01
_AGAIN_S: Final = 1.0
_EVERY: Final = 100
"""同一个地址上错的令牌，第一次与每一百次写一行日志、一行审计。"""
_WRONG_TOKEN: Final = "没有给令牌，或令牌不对、过期、吊销了"  # noqa: S105  是说明
_BEARER: Final = {"WWW-Authenticate": "Bearer"}
_NOT_FOUND: Final = "没有这个路径，或不能用这个方法"
_NO_QKA: Final = "没有这个方法，或这台服务器没有给 QKA 用：easytrader serve 加上 --qka"
_PLAIN: Final = "别的机器来的要走 https；或在服务器上用 --proxy 声明你前面的反向代理"
_BROKEN: Final = "服务器上出了意外的错，详情在服务器的日志里"


class Pass(NamedTuple):
    """认出来的人。

    Attributes:
        grant: 令牌许可的。
        source: 从哪里来。
        alive: 还算数没有。
    """

    grant: Grant
    source: Source
    alive: Callable[[], bool]


class App:
    """一个服务器的应用（ASGI）。

    Args:
        desks: 名字 → 账号；`add` 往里放。
        tokens: 令牌。
        audit: 审计记录；None 不记（只有测试这样）。
        throttle: 错的令牌答得多慢。
        hosts: 声明过的名字，Host 头里认它们。
        proxies: 声明过的反向代理的地址，只信它们转发的头。
        sessions: 网页的会话；None 没有网页。
        routes: 自己认人的路由（网页）；Host、Origin 照样先查过。
        more: 另外几条要令牌的路由。
        qka: 也说 QKA 的话。
    """

    def __init__(
        self,
        desks: dict[str, Desk],
        tokens: Tokens,
        *,
        audit: Audit | None = None,
        throttle: Throttle | None = None,
        hosts: Iterable[str] = (),
        proxies: Iterable[str] = (),
        sessions: Sessions | None = None,
        routes: Sequence[BaseRoute] = (),
        more: Sequence[BaseRoute] = (),
        qka: bool = False,
    ) -> None:
        self.desks = desks
        self.tokens = tokens
        self.sessions = sessions
        self.connections: set[Connection] = set()
        """开着的 WebSocket。"""
        self._audit = audit
        self._throttle = throttle or Throttle()
        self._front = Front.of(hosts, proxies)
        self._stopping = False
        self._mailbox: Mailbox | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.pulse = Pulse()
        self._jobs: list[Callable[[], Any]] = [self._beat, self._sweep]
        self._api = openapi.Document(self.desks)
        ours = qka_wire.routes(self.desks, self.authenticate) if qka else ()
        self._open = [*routes, *ours]
        """自己认人的。"""
        prefix = words.PREFIX
        account = f"{prefix}/accounts/{{name}}"
        self._closed = Router(
            routes=[
                Route(f"{prefix}/openapi.json", self._openapi, methods=["GET"]),
                Route(f"{prefix}/accounts", self._accounts, methods=["GET"]),
                WebSocketRoute(f"{account}/ws", self._socket),
                Route(f"{account}/{{verb}}", self._verb, methods=["GET", "POST"]),
                *more,
            ],
            redirect_slashes=False,
            default=_nowhere,
        )
        """要令牌的。"""

    # ---- 开与关，在循环的线程上

    def every(self, job: Callable[[], Any]) -> None:
        """循环开始之后一直跑的协程函数，停的时候取消。"""
        self._jobs.append(job)

    def add(self, desk: Desk) -> None:
        """多给出一个账号；在循环的线程上，循环已经开始。"""
        assert self._mailbox is not None
        desk.open(self._mailbox)
        self.desks[desk.name] = desk
        self._api = openapi.Document(self.desks)

    def open(self, mailbox: Mailbox) -> None:
        """循环开始了。"""
        self._mailbox = mailbox
        for desk in self.desks.values():
            desk.open(mailbox)
        self._tasks = [asyncio.ensure_future(_forever(each)) for each in self._jobs]

    async def stop(self, limit_s: float) -> None:
        """不再收新的委托；做完手上的，最多 ``limit_s`` 秒；告诉订阅的人，断开。"""
        self._stopping = True
        for desk in self.desks.values():
            desk.stopping = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while any(desk.flying for desk in self.desks.values()) and loop.time() < deadline:
            await asyncio.sleep(_LOOK_S)
        for task in self._tasks:
            task.cancel()
        for each in list(self.connections):
            each.leave()
            each.cut(CLOSE_STOPPING, "服务器停了")

    def close(self) -> None:
        """循环结束之后：收起各个账号的线程。"""
        for desk in self.desks.values():
            desk.close()

    async def _beat(self) -> None:
        """服务器停住过，醒来要知道。"""
        while True:
            self.pulse.beat()
            await asyncio.sleep(BEAT_S)

    async def _sweep(self) -> None:
        """令牌吊销了的连接马上断，读得太慢的也断。"""
        while True:
            await asyncio.sleep(_SWEEP_S)
            for each in list(self.connections):
                each.sweep()
            for desk in self.desks.values():
                desk.feed.sweep()

    # ---- 每个请求

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI。"""
        if scope["type"] not in ("http", "websocket"):
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._serve(scope, receive, watched)
        except Exception as exc:  # noqa: BLE001  边界：没有想到的也不给人看 500 与回溯
            answer = await _answer_to(exc, scope)
            if not started:
                await _reply(scope, receive, send, answer)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["state"]
        if scope["type"] == "http" and scope["path"] == "/healthz":
            await _health(scope, receive, send)
            return
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADERS:
            error = UsageError("headers", "", f"请求的头一共最多 {MOST_HEADERS} 字节")
            raise Refused(431, error, {"Connection": "close"})
        state["caller"] = self._examine(scope)
        scope["app"] = self  # 有它，路由的 404、405 才抛出来
        for route in self._open:
            matched, more = route.matches(scope)
            if matched is not Match.NONE:
                scope.update(more)
                await route.handle(scope, receive, send)
                return
        state["pass"] = self._identify(scope)
        await self._closed(scope, receive, send)

    def _examine(self, scope: Scope) -> Caller:
        """从哪里来的：Host、Origin、转发的头。"""
        peer, local = (str((scope.get(each) or ("",))[0]) for each in ("client", "server"))
        secure, proxies = scope["scheme"] in ("https", "wss"), self._front.proxies
        try:
            known = is_loopback_name(plain_address(peer)) or plain_address(peer) in proxies
            if not secure and not known:
                raise UsageError("scheme", scope["scheme"], _PLAIN)
            return self._front.examine(
                scope["headers"],
                peer=peer,
                local=local,
                secure=secure,
                method=scope.get("method", "GET"),
                websocket=scope["type"] == "websocket",
            )
        except UsageError as exc:
            raise Refused(403, exc, {"Connection": "close"}) from None

    # ---- 认人

    def authenticate(self, token: str, scope: Scope) -> Grant:
        """这个令牌许可的。

        Raises:
            Refused: 401；答之前要等 ``wait_s`` 秒。
        """
        grant = self.tokens.check(token)
        if grant is None:
            raise self._denied(scope)
        scope["state"]["door"].trust()
        return grant

    def _identify(self, scope: Scope) -> Pass:
        """``Authorization`` 头，没有的看网页的会话。"""
        given = Headers(scope=scope).getlist("authorization")
        if not given and self.sessions is not None:
            session = self.sessions.of(scope)
            if session is not None:
                self._check_page(scope)
                scope["state"]["door"].trust()
                scope["state"]["session"] = session
                alive = partial(self.sessions.alive, session)
                return Pass(session.grant, "page", alive)
        scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        theirs = Headers(scope=scope).getlist("x-token")
        if not given and len(theirs) == 1 and scope["path"].startswith("/api/"):
            self.authenticate(theirs[0], scope)
            raise Refused(404, UsageError("path", scope["path"], _NO_QKA))
        if not given:
            raise Refused(401, UsageError("token", _Hidden(), _WRONG_TOKEN), _BEARER)
        if scheme.lower() != "bearer":
            raise self._denied(scope)
        grant = self.authenticate(token.strip(), scope)
        source: Source = "ws" if scope["type"] == "websocket" else "rest"
        return Pass(grant, source, partial(self.tokens.alive, grant))

    def _check_page(self, scope: Scope) -> None:
        """网页的会话只给自己的网页用：会改变什么的请求，浏览器一定带 Origin。"""
        safe = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        caller: Caller = scope["state"]["caller"]
        if not safe and not caller.origin:
            raise Refused(403, UsageError("Origin", "", "网页的会话只给自己的网页用"))

    def _denied(self, scope: Scope) -> Refused:
        address = _address(scope)
        wait_s = self._throttle.failed(address)
        if self._throttle.times(address) % _EVERY == 1:
            logger.warning("{} 用了不对的令牌", address)
            self._note(event="denied", address=address, path=scope["path"])
        told = UsageError("token", _Hidden(), _WRONG_TOKEN)
        return Refused(401, told, _BEARER, wait_s)

    def _note(self, **fields: Any) -> None:
        """写一行审计，在别的线程上；写不下去的只记日志。"""
        desk = next(iter(self.desks.values()), None)
        if self._audit is not None and desk is not None:
            desk.later(partial(_written, self._audit, fields))

    # ---- 各个路径

    def _desk(self, name: str, grant: Grant) -> Desk:
        """按名字，或按资金账号。"""
        found = self.desks.get(name)
        if found is None:
            found = next((each for each in self.desks.values() if each.account_id == name), None)
        if found is None or not found.seen_by(grant):
            told = UsageError("account", name, "服务器上没有这个账号，或这个令牌看不到它")
            raise Refused(404, told)
        return found

    async def _openapi(self, request: Request) -> Response:
        return Response(self._api.body(), media_type=rest.JSON)

    async def _accounts(self, request: Request) -> Response:
        grant: Grant = request.scope["state"]["pass"].grant
        seen = [each.summary() for each in self.desks.values() if each.seen_by(grant)]
        return Response(values.encode({"result": seen}), media_type=rest.JSON)

    async def _verb(self, request: Request) -> Response:
        known: Pass = request.scope["state"]["pass"]
        desk = self._desk(request.path_params["name"], known.grant)
        return await rest.do(desk, request, known.grant, known.source, _address(request.scope))

    async def _socket(self, socket: WebSocket) -> None:
        scope = socket.scope
        known: Pass = scope["state"]["pass"]
        desk = self._desk(socket.path_params["name"], known.grant)
        if self._stopping:
            raise NotConnectedError("服务器正在停止")
        if sum(each.grant.id == known.grant.id for each in self.connections) >= MOST_SOCKETS:
            raise NotConnectedError(f"这个令牌已经开着 {MOST_SOCKETS} 条连接")
        session = scope["state"].get("session")
        await socket.accept(None if session is None else _page_protocol(scope))
        connection = Connection(
            desk,
            known.grant,
            scope["state"]["door"],
            known.alive,
            known.source,
            _address(scope),
            self.pulse,
        )
        self.connections.add(connection)
        who = {"token": known.grant.name, "account": desk.name, "address": _address(scope)}
        self._note(event="open", source=known.source, **who)
        try:
            connection.greet()
            await _listen(socket, connection)
        finally:
            self.connections.discard(connection)
            connection.leave()
            self._note(event="close", source=known.source, **who)


async def _forever(job: Callable[[], Any]) -> None:
    """一直跑；出了没有想到的错，过一会儿再来：看令牌的停了，吊销就不管用了。"""
    while True:
        try:
            await job()
        except Exception:  # noqa: BLE001  边界：一次出错不能让它停下
            logger.error("服务器一直在跑的活出错，再来：\n{}", traceback.format_exc())
        await asyncio.sleep(_AGAIN_S)


async def _listen(socket: WebSocket, connection: Connection) -> None:
    """听到断开为止；文本帧不从这里走。"""
    socket.scope["state"]["door"].hear = connection.heard
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        if "text" in message:
            connection.heard(message["text"].encode())  # 刚连上就发的
        else:
            connection.cut(1003, "只收文本帧")


def _written(audit: Audit, fields: dict[str, Any]) -> None:
    try:
        audit.write(**fields)
    except OSError as exc:
        logger.error("审计记录写不下去：{}", exc)


async def _health(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        raise Refused(405, UsageError("method", scope["method"], _NOT_FOUND), {"Allow": "GET"})
    await JSONResponse({"ok": True})(scope, receive, send)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    raise Refused(404, UsageError("path", scope["path"], _NOT_FOUND))


async def _answer_to(exc: Exception, scope: Scope) -> Response:
    """异常 → 应答；该慢的慢。"""
    if isinstance(exc, Refused):
        if exc.wait_s:
            await asyncio.sleep(exc.wait_s)
        return rest.refused(exc.error, exc.status, exc.headers)
    if isinstance(exc, EasytraderError):
        return rest.refused(exc)
    if isinstance(exc, HTTPException):  # 没有这个路径、方法不对
        error = UsageError("path", scope["path"], _NOT_FOUND)
        return rest.refused(error, exc.status_code, exc.headers)
    # 不用 loguru 自己的：它会印出局部变量，里面有令牌
    told = "".join(traceback.format_tb(exc.__traceback__))
    kind = type(exc).__name__
    logger.error("服务器出了意外的错：{} {}：{}\n{}", scope["type"], scope["path"], kind, told)
    return rest.refused(EasytraderError(_BROKEN))


async def _reply(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    """应答；WebSocket 还没有握手的也能应答。"""
    if scope["type"] == "http":
        await response(scope, receive, send)
        return
    start = {"status": response.status_code, "headers": response.raw_headers}
    await send({"type": "websocket.http.response.start", **start})
    await send({"type": "websocket.http.response.body", "body": response.body})


def _page_protocol(scope: Scope) -> str | None:
    """网页的 WebSocket 选哪个子协议：不带值的那一个。"""
    return next((each for each in scope["subprotocols"] if "." not in each), None)


class _Hidden:
    """令牌不写在错误里。"""

    def __repr__(self) -> str:
        return "（不写出来）"


def _address(scope: Scope) -> str:
    caller: Caller = scope["state"]["caller"]
    return caller.address
