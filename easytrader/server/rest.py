"""REST：``/v1`` 下的路径；请求体、应答的样子。"""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from easytrader.errors import EasytraderError, RiskRefusedError, UsageError
from easytrader.server.calls import Answer, Call, deadlines
from easytrader.server.desk import ONLY_SOCKET
from easytrader.server.ws import arguments, checked_request, milliseconds
from easytrader.wire import errors, values, verbs, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from easytrader.server.calls import Source
    from easytrader.server.desk import Desk
    from easytrader.server.tokens import Grant
    from easytrader.trader import Trader
    from easytrader.wire.verbs import Verb

JSON: Final = "application/json"


class Refused(Exception):  # noqa: N818  不是错误：一个 HTTP 的应答
    """没有走到动词：状态码与话。"""

    def __init__(
        self,
        status: int,
        error: EasytraderError,
        headers: Mapping[str, str] | None = None,
        wait_s: float = 0.0,
    ) -> None:
        super().__init__(str(error))
        self.status = status
        self.error = error
        self.headers = headers
        self.wait_s = wait_s
        """答之前等这么久。"""


async def read_object(request: Request) -> dict[str, Any]:
    """请求体：不超过界限的一个 JSON 对象。

    Raises:
        Refused: 413 太大，415 不是 JSON 的类型，422 不是 JSON 对象。
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Refused(415, UsageError("Content-Type", kind, f"应为 {JSON}"))
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refused(415, UsageError("Content-Encoding", "", "不收压缩过的"))
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > words.MAX_FRAME:
            form = f"请求体最多 {words.MAX_FRAME} 字节"
            raise Refused(413, UsageError("body", len(body), form), {"Connection": "close"})
    try:
        found = values.decode(bytes(body) or b"{}")
    except ValueError as exc:
        raise Refused(422, UsageError("body", "", str(exc))) from None
    if not isinstance(found, dict):
        raise Refused(422, UsageError("body", "", "应为 JSON 对象：参数名 → 值"))
    return found


def refused(
    error: EasytraderError, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """``{"error": …}``。"""
    body = values.encode({"error": errors.to_wire(error)})
    return Response(body, status or status_of(error), headers, media_type=JSON)


def status_of(error: EasytraderError) -> int:
    """状态码；没有权限是 403。"""
    scope = isinstance(error, RiskRefusedError) and error.rule == "token_scope"
    return 403 if scope else errors.status_of(error)


def call_of(
    request: Request,
    verb: Verb,
    kwargs: dict[str, Any],
    grant: Grant,
    source: Source,
    address: str,
    work: Callable[[Trader], Any] | None = None,
) -> Call:
    """一个请求 → 一次调用：请求号、期限在头里。"""
    number = _request_of(request, verb)
    left_ms = request.headers.get(words.DEADLINE_HEADER, str(words.DEFAULT_MS))
    whole = int(left_ms) if left_ms.isascii() and left_ms.isdigit() else left_ms
    lost_s = request.app.pulse.lost_s()
    deadline, latest = deadlines(milliseconds(words.DEADLINE_HEADER, whole), lost_s)
    return Call(verb, [], kwargs, number, deadline, grant, source, address, None, latest, work)


async def do(desk: Desk, request: Request, grant: Grant, source: Source, address: str) -> Response:
    """``GET``、``POST /v1/accounts/{name}/{verb}``。"""
    verb = verbs.find(request.path_params["verb"])
    if verb is None:
        raise Refused(404, UsageError("verb", request.path_params["verb"], "没有这个动词"))
    if verb.name in ONLY_SOCKET:
        raise Refused(422, UsageError("verb", verb.name, "只能在 WebSocket 上用"))
    if request.method == "POST":
        given = await read_object(request)
    elif verb.effect.changes:
        told = UsageError("method", request.method, f"{verb.name} 会改变账户，用 POST")
        raise Refused(405, told, {"Allow": "POST"})
    else:
        given = {}
    if request.url.query:
        raise UsageError("query", "", "参数不写在网址里；用 POST，写在请求体里")
    _, kwargs = arguments({"verb": verb.name, "kwargs": given})
    call = call_of(request, verb, kwargs, grant, source, address)
    headers = {words.REQUEST_HEADER: call.request} if call.request else {}
    answer = await desk.answer(call, partial(_shaped, desk, call))
    if answer.error is not None:
        return refused(answer.error, headers=headers)
    return Response(answer.result, media_type=JSON, headers=headers)


def _shaped(desk: Desk, call: Call, answer: Answer) -> Answer:
    """在道上：结果写成请求体。"""
    if answer.error is not None or answer.seq is not None:
        return answer
    return answer._replace(result=b'{"result":%s}' % desk.encoded(call.verb, answer.result))


def _request_of(request: Request, verb: Verb) -> str:
    if not verb.effect.changes:
        return ""
    given = request.headers.get(words.REQUEST_HEADER)
    if given is None:
        return secrets.token_hex(16)
    return checked_request(words.REQUEST_HEADER, given)
