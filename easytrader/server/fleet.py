"""一队账号给 REST 与网页看：``GET /v1/fleet``；停单、放开：``POST /v1/fleet/stop``、``/allow``。

看的、按的都是存储里的（`fleets.view`），不经过各台机器；账号的查询与下单照旧走 ``/v1/accounts``。
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from loguru import logger
from starlette.responses import Response
from starlette.routing import Route

from easytrader import arguments
from easytrader.errors import NotConnectedError, RiskRefusedError, UsageError
from easytrader.fleets import view
from easytrader.fleets.words import FLEET, StoreDownError, StoreUnknownError
from easytrader.server.aside import aside
from easytrader.server.rest import JSON, Refused, read_object
from easytrader.wire import values, verbs, words

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from easytrader.fleets.store import Store
    from easytrader.fleets.view import Look
    from easytrader.fleets.words import Switch
    from easytrader.server.tokens import Grant

_THREAD: Final = "easytrader-serve-fleet"
_LIMIT_S: Final = 4.0
_FRESH_S: Final = 1.0
"""几个人一起看，这么久之内只问存储一次。"""
_LONGEST: Final = 200
_UNKNOWN: Final = "存储没有应答，停了没有不知道：再按一次，或在各台机器上停"
_ACCOUNT: Final = "account:"


class FleetView:
    """见模块说明。

    Args:
        store: 存储；归它关。
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._looked_at = float("-inf")
        self._found: Look | None = None

    def routes(self) -> list[BaseRoute]:
        """要令牌的路由。"""
        prefix = f"{words.PREFIX}/fleet"
        return [
            Route(prefix, self._list, methods=["GET"]),
            Route(f"{prefix}/stop", self._stop, methods=["POST"]),
            Route(f"{prefix}/allow", self._allow, methods=["POST"]),
        ]

    def close(self) -> None:
        """不看了。"""
        self._store.close()

    async def _list(self, request: Request) -> Response:
        grant: Grant = request.scope["state"]["pass"].grant
        found = await self._look()
        seen = [row for row in found.rows if grant.sees(row["account"], "")]
        names = {row["account"] for row in seen}
        shut = [each._asdict() for each in found.switches if _concerns(each, names, grant)]
        return _told({"accounts": seen, "switches": shut})

    async def _look(self) -> Look:
        async with self._lock:
            if self._found is None or time.monotonic() - self._looked_at >= _FRESH_S:
                limit = time.monotonic() + _LIMIT_S
                self._found = await aside(lambda: view.look(self._store, limit), _THREAD)
                self._looked_at = time.monotonic()
            return self._found

    async def _stop(self, request: Request) -> Response:
        return await self._turn(request, on=True)

    async def _allow(self, request: Request) -> Response:
        return await self._turn(request, on=False)

    async def _turn(self, request: Request, *, on: bool) -> Response:
        grant: Grant = request.scope["state"]["pass"].grant
        given = await read_object(request)
        known = {"scope", "reason", "cancel_open"} if on else {"scope"}
        for name in given.keys() - known:
            raise UsageError(name, given[name], f"没有这一项，有：{'、'.join(sorted(known))}")
        scope, reason = given.get("scope"), given.get("reason", "")
        cancel_open = arguments.flag("cancel_open", given.get("cancel_open", False))
        if not isinstance(scope, str) or not scope:
            raise UsageError("scope", scope, f"应为 {FLEET}（全部），或 account:账号、group:组")
        if not isinstance(reason, str) or len(reason) > _LONGEST or not reason.isprintable():
            raise UsageError("reason", reason, f"应为一句话，最多 {_LONGEST} 个字")
        _check(grant, scope, on=on)
        why = f"{reason or '没有写原因'}（令牌 {grant.name}）"

        def turn() -> None:
            limit = time.monotonic() + _LIMIT_S
            view.known(scope, self._store, limit)
            self._store.set_switch(scope, on, limit, why=why, cancel_open=cancel_open)

        try:
            await aside(turn, _THREAD)
        except StoreDownError as exc:
            raise view.down(self._store.where, exc) from exc
        except StoreUnknownError as exc:
            raise NotConnectedError(f"{_UNKNOWN}（{exc}）") from exc
        logger.warning("令牌 {} {} {}：{}", grant.name, "停单" if on else "放开", scope, reason)
        self._looked_at = float("-inf")
        return _told({"scope": scope, "stopped": on})


def _concerns(each: Switch, names: set[str], grant: Grant) -> bool:
    """这个令牌看得见的开关：限定了账号的，只看自己的与全部的。"""
    return not grant.accounts or each.scope == FLEET or each.scope[len(_ACCOUNT) :] in names


def _check(grant: Grant, scope: str, *, on: bool) -> None:
    """这个令牌能不能停（放开）它。

    停总是往安全的一边；放开不是一个账号的，要两种权限都有：这里的登录名是操作的人，
    只管买卖的令牌（一个策略的）不能借它放开人按下的。
    """
    told = ""
    if not grant.may(verbs.TRADE):
        told = f"没有 {verbs.TRADE} 权限"
    elif not on and not scope.startswith(_ACCOUNT) and not grant.may(verbs.FUNDS):
        told = f"没有 {verbs.FUNDS} 权限，只放得开一个账号（在命令行上：easytrader fleet resume）"
    elif grant.accounts and not (
        scope.startswith(_ACCOUNT) and grant.sees(scope[len(_ACCOUNT) :], "")
    ):
        told = f"只许用 {'、'.join(grant.accounts)}"
    if told:
        error = RiskRefusedError(
            f"令牌 {grant.name} {told}，不能{'停' if on else '放开'} {scope}", rule="token_scope"
        )
        raise Refused(403, error)


def _told(result: Any) -> Response:
    return Response(values.encode({"result": values.to_plain(result)}), media_type=JSON)
