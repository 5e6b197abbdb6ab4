"""照 OpenAPI 的说明造请求：服务器说过的话要算数。"""

from __future__ import annotations

import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from raw_ws import http

if TYPE_CHECKING:
    from remote_serve import ServeProcess

__all__ = ["description", "examine"]

_TIMEOUT_S: Final = 10.0
_PUBLIC: Final = ("/healthz",)


def description(server: ServeProcess, token: str) -> dict[str, Any]:
    """``/v1/openapi.json``。"""
    status, _, body = http(server.port, "GET", "/v1/openapi.json", token)
    assert status == 200, (status, body[:300])
    told: dict[str, Any] = json.loads(body)
    return told


def examine(
    server: ServeProcess,
    told: dict[str, Any],
    token: str,
    each: int,
    seed: int,
    *,
    valid: bool,
    every: int = 1,
) -> tuple[int, list[str]]:
    """每个操作造 ``each`` 个请求（一半合规矩，一半不合）：(打了多少, 毛病)。

    ``valid``：令牌是不是认得的；不认得的，除了 /healthz 都该是 401，答得慢，所以一起打。
    ``every``：每这么多个操作打一个。
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis
        from schemathesis import GenerationMode

        schema = schemathesis.openapi.from_dict(told)
        made: list[Any] = []
        for result in list(schema.get_all_operations())[::every]:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                made += _cases(result.ok(), mode, max(each // 2, 1), seed)
        with ThreadPoolExecutor(4 if valid else 48) as pool:
            found = list(pool.map(lambda case: _judge(server, case, token, valid=valid), made))
    return len(made), [text for each_found in found for text in each_found]


def _cases(operation: Any, mode: Any, count: int, seed: int) -> list[Any]:
    """这个操作的 ``count`` 个请求。"""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis.errors import Unsatisfiable

    made: list[Any] = []
    with suppress(Unsatisfiable):  # 没有参数的造不出不合规矩的
        test = given(case=operation.as_strategy(generation_mode=mode))(
            lambda case: made.append(case)
        )
        test = settings(
            max_examples=count, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck), derandomize=False,
        )(test)  # fmt: skip
        seeded(seed)(test)()
    return made


def _judge(server: ServeProcess, case: Any, token: str, *, valid: bool) -> list[str]:
    headers = {"Host": f"127.0.0.1:{server.port}"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    case.headers = {
        name: value
        for name, value in (case.headers or {}).items()
        if name.lower() not in ("authorization", "cookie", "host")
    }
    case.cookies = {}
    about = f"{case.method} {case.path}"
    try:
        answer = case.call(
            base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=_TIMEOUT_S
        )
    except (ValueError, UnicodeError):
        return []  # 客户端的库自己就不肯发
    found = []
    if answer.status_code >= 500 and answer.status_code not in (501, 502, 503, 504):
        found.append(f"{about}：{answer.status_code} {answer.content[:200]!r}")
    if (
        not valid
        and case.path not in _PUBLIC
        and answer.status_code not in (400, 401, 404, 405, 429)
    ):
        found.append(f"{about}：没有好的令牌而是 {answer.status_code} {answer.content[:200]!r}")
    if valid or case.path in _PUBLIC:
        found += [f"{about}：{text}" for text in _conforms(case, answer)]
    return found


def _conforms(case: Any, answer: Any) -> list[str]:
    """状态码、内容类型、样子都在说明里。"""
    from schemathesis.checks import not_a_server_error  # noqa: F401  先登记
    from schemathesis.core.failures import Failure, FailureGroup
    from schemathesis.specs.openapi import checks

    asked = [
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    try:
        case.validate_response(answer, checks=asked)
    except FailureGroup as group:
        return [str(each)[:600] for each in group.exceptions]
    except Failure as failure:
        return [str(failure)[:600]]
    return []
