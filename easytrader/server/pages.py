"""网页的路由：静态文件、登录与退出、当日曲线。账号的查询与下单走 ``/v1``，这里没有第二份。

文件启动时读进内存，按名字给，类型自己写：Windows 的注册表可能说 ``.js`` 是纯文本，模块就不跑了。
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from loguru import logger
from starlette.responses import Response
from starlette.routing import Route

from easytrader.errors import UsageError
from easytrader.server import connecting, rest
from easytrader.server.aside import aside
from easytrader.server.calls import Call, deadlines
from easytrader.server.curve import Curves
from easytrader.server.rest import JSON, Refused
from easytrader.server.sessions import Sessions
from easytrader.server.tokens import Grant
from easytrader.wire import values, verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from easytrader.profiles import AccountSpec
    from easytrader.server.desk import Desk
    from easytrader.server.sessions import Grants, Session

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""网页的每个应答都带的头。"""
_SIGNED_OUT: Final = "没有登录，或会话到期了"
_LONGEST_TOKEN: Final = 512
_ASK_MS: Final = 10_000
_THREAD: Final = "easytrader-serve-form"
_NO_FORM: Final = "这个服务器不能在网页上填表连接；要能，启动时加 --page-connect"
_NOT_HERE: Final = "填表连接要在服务器那台机器的浏览器上，用有 trade 权限、没有限定账号的令牌"
_OURSELVES: Final = Grant("", "（曲线）", (verbs.READ,))


@lru_cache(maxsize=1)
def files() -> dict[str, tuple[bytes, str]]:
    """网页的文件：名字 → (内容, 类型)。"""
    folder = resources.files("easytrader.server") / "page"
    return {
        each.name: (each.read_bytes(), kind)
        for each in folder.iterdir()
        if (kind := _TYPES.get(each.name.rpartition(".")[2])) is not None
    }


class Pages:
    """网页：会话、曲线、路由。

    用法：``pages = Pages(...)``，``App(..., sessions=pages.sessions, routes=pages.routes())``，
    ``app.every(pages.curves.run)``。

    Args:
        desks: 名字 → 账号。
        tokens: 令牌簿。
        port: 本机上的端口。
        secure: 浏览器看到的是 https。
        add: 多给出一个账号，返回它的名字，可以慢；None 不能在网页上填表连接。
        fleet: 有一队账号给看。
    """

    def __init__(
        self,
        desks: Mapping[str, Desk],
        tokens: Grants,
        *,
        port: int,
        secure: bool,
        add: Callable[[AccountSpec], str] | None = None,
        fleet: bool = False,
    ) -> None:
        self._desks = desks
        self._fleet = fleet
        self._add = add
        self.sessions = Sessions(tokens, port=port, secure=secure)
        self.curves = Curves(desks, self._balance)

    def routes(self) -> list[BaseRoute]:
        """交给应用的路由，自己认人；Host、Origin 由应用查过了。"""
        return [
            Route("/", self._index, methods=["GET"]),
            Route("/page/{name}", self._file, methods=["GET"]),
            Route("/session", self._session_route, methods=["GET", "POST", "DELETE"]),
            Route("/session/curve/{name}", self._curve, methods=["GET"]),
            Route("/session/forms", self._forms, methods=["GET"]),
            Route("/session/connect", self._connect, methods=["POST"]),
        ]

    async def _index(self, request: Request) -> Response:
        return _sent("index.html")

    async def _file(self, request: Request) -> Response:
        return _sent(request.path_params["name"])

    async def _session_route(self, request: Request) -> Response:
        if request.method == "POST":
            return await self._sign_in(request)
        session = self._session(request)
        if request.method == "DELETE":
            return _told({}, self.sessions.close(session))
        about = self._about(session)
        caller = request.scope["state"]["caller"]
        may = self._add is not None and connecting.may_connect(session.grant, caller)
        return _told({**about, "connect": may, "fleet": self._fleet})

    async def _sign_in(self, request: Request) -> Response:
        given = (await rest.read_object(request)).get("token")
        if not isinstance(given, str) or not 0 < len(given) <= _LONGEST_TOKEN:
            raise Refused(422, UsageError("token", _Hidden(), "应为令牌，文字"))
        grant = request.app.authenticate(given.strip(), request.scope)
        session, cookie = self.sessions.open(grant)
        return _told({**self._about(session), "session": session.value}, cookie)

    async def _curve(self, request: Request) -> Response:
        grant = self._session(request).grant
        name = request.path_params["name"]
        desk = self._desks.get(name)
        if desk is None or not desk.seen_by(grant):
            raise Refused(404, UsageError("account", name, "没有这个账号，或这个令牌看不到它"))
        return _told(self.curves.points(name))

    async def _forms(self, request: Request) -> Response:
        self._connector(request)
        return _told(await aside(connecting.forms, _THREAD))

    async def _connect(self, request: Request) -> Response:
        grant, add = self._connector(request)
        given = await rest.read_object(request)
        wanted = (given.get("broker"), given.get("name"), given.get("fields"))
        name = await aside(lambda: add(connecting.spec_of(*wanted)), _THREAD)
        logger.info("令牌 {} 在网页上连接了一个账号：{}", grant.name, name)
        return _told({"name": name})

    def _connector(self, request: Request) -> tuple[Grant, Callable[[AccountSpec], str]]:
        """能填表连接的；不能的说为什么。"""
        grant = self._session(request).grant
        if self._add is None:
            raise Refused(403, UsageError("page_connect", "关着", _NO_FORM))
        if not connecting.may_connect(grant, request.scope["state"]["caller"]):
            raise Refused(403, UsageError("page_connect", grant.name, _NOT_HERE))
        return grant, self._add

    async def _balance(self, name: str) -> Any:
        """问一次资金；没有连着的抛异常。"""
        verb = verbs.find("balance")
        assert verb is not None
        deadline, latest = deadlines(_ASK_MS)
        call = Call(verb, [], {}, "", deadline, _OURSELVES, "page", "", None, latest)
        return await self._desks[name].call(call)

    def _session(self, request: Request) -> Session:
        session = self.sessions.of(request.scope)
        if session is None:
            raise Refused(401, UsageError("session", _Hidden(), _SIGNED_OUT))
        return session

    def _about(self, session: Session) -> dict[str, Any]:
        grant = session.grant
        return {
            "name": grant.name,
            "scopes": [each for each in verbs.SCOPES if grant.may(each)],
            "left_s": round(self.sessions.left_s(session)),
        }


class _Hidden:
    """不写在错误里的值。"""

    def __repr__(self) -> str:
        return "（不写出来）"


def _sent(name: str) -> Response:
    found = files().get(name)
    if found is None:
        raise Refused(404, UsageError("path", name, "没有这个文件"))
    body, kind = found
    return Response(body, headers={**HEADERS, "Content-Type": kind})


def _told(plain: Any, cookie: str = "") -> Response:
    answer = Response(values.encode(plain), headers=HEADERS, media_type=JSON)
    if cookie:
        answer.raw_headers.append((b"set-cookie", cookie.encode("latin-1")))
    return answer
