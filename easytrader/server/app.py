"""网络接口的应用：认人，找账号，交给 REST 或 WebSocket。

没有有效的令牌，除了 ``/healthz`` 什么也不答。
"""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Final

from loguru import logger
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route, Router, WebSocketRoute

from easytrader.errors import EasytraderError, UsageError
from easytrader.server import rest
from easytrader.server.rest import Refused
from easytrader.server.ws import CLOSE_STOPPING, Connection
from easytrader.wire import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocket

    from easytrader.server.desk import Desk
    from easytrader.server.lanes import Mailbox
    from easytrader.server.tokens import Grant, Tokens

_SWEEP_S: Final = 0.5
_WRONG_TOKEN: Final = "没有给令牌，或令牌不对、过期、吊销了"  # noqa: S105  是说明
_NOT_FOUND: Final = "没有这个路径，或不能用这个方法"


class App:
    """一个服务器的应用（ASGI）。

    Args:
        desks: 名字 → 账号。
        tokens: 令牌。
    """

    def __init__(self, desks: Mapping[str, Desk], tokens: Tokens) -> None:
        self.desks = dict(desks)
        self.tokens = tokens
        self.connections: set[Connection] = set()
        """开着的 WebSocket。"""
        self._sweeping: asyncio.Task[None] | None = None
        prefix = words.PREFIX
        routes: Sequence[BaseRoute] = (
            Route(f"{prefix}/accounts", self._accounts, methods=["GET"]),
            Route(f"{prefix}/accounts/{{name}}/{{verb}}", self._verb, methods=["GET", "POST"]),
            WebSocketRoute(f"{prefix}/accounts/{{name}}/ws", self._socket),
        )
        self._inner: ASGIApp = Router(routes=list(routes), redirect_slashes=False)

    # ---- 开与关，在循环的线程上

    def open(self, mailbox: Mailbox) -> None:
        """循环开始了。"""
        for desk in self.desks.values():
            desk.open(mailbox)
        self._sweeping = asyncio.ensure_future(self._sweep())

    async def stop(self, limit_s: float) -> None:
        """不再收新的委托；做完手上的，最多 ``limit_s`` 秒；告诉订阅的人，断开。"""
        for desk in self.desks.values():
            desk.stopping = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while any(desk.flying for desk in self.desks.values()) and loop.time() < deadline:
            await asyncio.sleep(0.01)
        if self._sweeping is not None:
            self._sweeping.cancel()
        for each in list(self.connections):
            each.leave()
            each.cut(CLOSE_STOPPING, "服务器停了")

    def close(self) -> None:
        """循环结束之后：收起各个账号的线程。"""
        for desk in self.desks.values():
            desk.close()

    async def _sweep(self) -> None:
        """令牌吊销了的连接马上断，读得太慢的也断。"""
        while True:
            await asyncio.sleep(_SWEEP_S)
            for each in list(self.connections):
                each.still_good()
            for desk in self.desks.values():
                desk.feed.sweep()

    # ---- 每个请求

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI。"""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._serve(scope, receive, watched)
        except Refused as exc:
            await _reply(scope, receive, send, rest.refused(exc.error, exc.status, exc.headers))
        except HTTPException as exc:  # 没有这个路径、方法不对
            error = UsageError("path", scope["path"], _NOT_FOUND)
            await _reply(scope, receive, send, rest.refused(error, exc.status_code, exc.headers))
        except EasytraderError as exc:
            await _reply(scope, receive, send, rest.refused(exc))
        except Exception:  # noqa: BLE001  边界：哪里没有想到的，也不给人看 500 与回溯
            told = traceback.format_exc()  # 不用 loguru 的：它会印出局部变量，里面有令牌
            logger.error("服务器出了意外的错：{} {}\n{}", scope["type"], scope["path"], told)
            if not started:
                failed = EasytraderError("服务器上出了意外的错，详情在服务器的日志里")
                await _reply(scope, receive, send, rest.refused(failed))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        if scope["type"] == "http" and scope["path"] == "/healthz":
            await JSONResponse({"ok": True})(scope, receive, send)
            return
        scope["app"] = self  # 有它，路由的 404、405 才抛出来
        scope["state"]["grant"] = self._authenticate(scope)
        scope["state"]["door"].trust()
        await self._inner(scope, receive, send)

    def _authenticate(self, scope: Scope) -> Grant:
        given = Headers(scope=scope).get("authorization", "")
        scheme, _, token = given.partition(" ")
        grant = self.tokens.check(token.strip()) if scheme.lower() == "bearer" else None
        if grant is None:
            told = UsageError("token", _Hidden(), _WRONG_TOKEN)
            raise Refused(401, told, {"WWW-Authenticate": "Bearer"})
        return grant

    def _desk(self, name: str, grant: Grant) -> Desk:
        """按名字，或按资金账号。"""
        found = self.desks.get(name)
        if found is None:
            found = next((each for each in self.desks.values() if each.account_id == name), None)
        if found is None or not found.seen_by(grant):
            told = UsageError("account", name, "服务器上没有这个账号，或这个令牌看不到它")
            raise Refused(404, told)
        return found

    async def _accounts(self, request: Request) -> Response:
        grant: Grant = request.scope["state"]["grant"]
        seen = [each.summary() for each in self.desks.values() if each.seen_by(grant)]
        return rest.answered(seen)

    async def _verb(self, request: Request) -> Response:
        grant: Grant = request.scope["state"]["grant"]
        desk = self._desk(request.path_params["name"], grant)
        return await rest.do(desk, request, grant, _address(request.scope))

    async def _socket(self, socket: WebSocket) -> None:
        scope = socket.scope
        grant: Grant = scope["state"]["grant"]
        desk = self._desk(socket.path_params["name"], grant)
        await socket.accept()
        connection = Connection(
            desk, grant, scope["state"]["door"], lambda: self.tokens.alive(grant), "ws",
            _address(scope),
        )  # fmt: skip
        self.connections.add(connection)
        try:
            connection.greet()
            await _listen(socket, connection)
        finally:
            self.connections.discard(connection)
            connection.leave()


async def _listen(socket: WebSocket, connection: Connection) -> None:
    """听到断开为止；文本帧不从这里走。"""
    socket.scope["state"]["door"].hear = connection.heard
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        if "text" in message:
            connection.heard(message["text"].encode())  # 刚连上就发的
        else:
            connection.cut(1003, "只收文本帧")


class _Hidden:
    """令牌不写在错误里。"""

    def __repr__(self) -> str:
        return "（不写出来）"


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return "" if client is None else str(client[0])


async def _reply(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    """应答；WebSocket 还没有握手的也能应答。"""
    if scope["type"] == "http":
        await response(scope, receive, send)
        return
    start = {"status": response.status_code, "headers": response.raw_headers}
    await send({"type": "websocket.http.response.start", **start})
    await send({"type": "websocket.http.response.body", "body": response.body})
