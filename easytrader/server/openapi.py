"""OpenAPI 3.1 的说明：从动词表与交易口上方法的签名、说明生成，没有第二份清单。"""

from __future__ import annotations

import builtins
import collections.abc
import datetime as dt
import inspect
import types as builtin_types
import typing
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin, get_type_hints

from easytrader import types
from easytrader._version import __version__
from easytrader.orders.receipt import Receipt
from easytrader.server.desk import CONTROLS, ONLY_SOCKET
from easytrader.wire import errors, values, verbs, words
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from easytrader.errors import EasytraderError
    from easytrader.server.desk import Desk
    from easytrader.trader import Trader
    from easytrader.wire.verbs import Verb

Schema = dict[str, Any]

_NAMES: Final[dict[str, Any]] = {
    **vars(builtins),
    **{name: vars(typing)[name] for name in ("Any", "Literal", "Union", "Optional")},
    **{
        name: vars(collections.abc)[name]
        for name in ("Iterable", "Mapping", "Sequence", "Callable")
    },
    "types": types,
    "Decimal": Decimal,
    "Receipt": Receipt,
    "date": dt.date,
    "datetime": dt.datetime,
}
"""签名里写的名字；它们在那边只为类型导入，运行时没有。"""

_TAGGED: Final[Schema] = {
    "type": "object",
    "description": "JSON 说不出的值：十进制数、NaN、日期、元组……",
    "properties": {"$": {"type": "string"}, "v": {}},
    "required": ["$", "v"],
}
_NUMBER: Final[Schema] = {"anyOf": [{"type": "number"}, {"$ref": "#/components/schemas/Tagged"}]}
_PLAIN: Final[dict[Any, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: _NUMBER,
    Decimal: _NUMBER,
    type(None): {"type": "null"},
    dt.date: {"$ref": "#/components/schemas/Tagged"},
    dt.datetime: {"$ref": "#/components/schemas/Tagged"},
}
_EXTRA: Final = {
    400: "请求本身读不懂",
    401: "没有给令牌，或令牌不对",
    403: "令牌没有这种权限；Host、Origin 不对",
    404: "没有这个账号、这个动词",
    405: "不能用这个方法",
    413: "请求体太大",
    415: "请求体应为 application/json",
    431: "请求的头太大",
}
"""走不到动词的状态码。"""


class Document:
    """这个服务器的说明。

    Args:
        desks: 名字 → 账号。
    """

    def __init__(self, desks: Mapping[str, Desk]) -> None:
        self._desks = desks
        self._made: tuple[tuple[str, ...], bytes] = ((), b"")

    def body(self) -> bytes:
        """写好的 JSON；账号多了才重写。"""
        names = tuple(self._desks)
        if self._made[0] != names:
            traders = [each.trader for each in self._desks.values()]
            self._made = (names, values.encode(document(traders)))
        return self._made[1]


def document(traders: Iterable[Trader]) -> Schema:
    """这几个交易口的说明；同名的动词以先有的为准。"""
    made = _Schemas()
    owners: dict[str, tuple[Trader, Verb]] = {}
    for trader in traders:
        for verb in verbs.offered(trader):
            owners.setdefault(verb.name, (trader, verb))
    paths: Schema = {
        "/healthz": {"get": _health()},
        f"{words.PREFIX}/openapi.json": {"get": _fixed("openapi", "这份说明", {"type": "object"})},
        f"{words.PREFIX}/accounts": {
            "get": _fixed("accounts", "令牌看得见的账号", _answer({"type": "array"}))
        },
    }
    for trader, verb in owners.values():
        if verb.name not in ONLY_SOCKET:
            paths[f"{words.PREFIX}/accounts/{{account}}/{verb.name}"] = _path(trader, verb, made)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "easytrader serve",
            "version": __version__,
            "description": "一个动词一个路径；事件与更快的调用走 WebSocket。",
        },
        "paths": paths,
        "security": [{"token": []}],
        "components": {
            "schemas": {"Tagged": _TAGGED, "Error": _error(), **made.found},
            "responses": _responses(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _path(trader: Trader, verb: Verb, made: _Schemas) -> Schema:
    account = {"name": "account", "in": "path", "required": True, "schema": {"type": "string"},
               "description": "账号在服务器上的名字，或资金账号"}  # fmt: skip
    parameters, result, told = _described(trader, verb, made)
    operation: Schema = {
        "operationId": verb.name,
        "tags": [verb.group or "trader"],
        "summary": told.partition("\n")[0],
        "description": f"{told}\n\n权限：{verb.scope}。",
        "parameters": [*_headers(verb)],
        "requestBody": {
            "required": bool(parameters["required"]),
            "content": {"application/json": {"schema": parameters}},
        },
        "responses": {"200": _ok(result, verb), **_failures()},
    }
    found: Schema = {"parameters": [account], "post": operation}
    if verb.effect is Effect.QUERY and not parameters["required"]:
        plain = {key: each for key, each in operation.items() if key != "requestBody"}
        found["get"] = {**plain, "operationId": f"get.{verb.name}"}
    return found


def _described(trader: Trader, verb: Verb, made: _Schemas) -> tuple[Schema, Schema, str]:
    """(请求体, 结果, 说明)。"""
    if verb.group == verbs.SERVER:
        control = CONTROLS[verb.name]
        needed = [each for each in control.names if each not in control.optional]
        return _object({each: {} for each in control.names}, needed), {}, control.told
    signature, told = verbs.signature_of(trader, verb)
    properties: Schema = {}
    required = []
    for each in signature.parameters.values():
        if each.name == "self" or each.kind in (each.VAR_KEYWORD, each.VAR_POSITIONAL):
            continue
        properties[each.name] = made.of(each.annotation)
        if each.default is inspect.Parameter.empty:
            required.append(each.name)
    return _object(properties, required), made.of(signature.return_annotation), told


class _Schemas:
    """Python 的类型 → JSON Schema；字典的类型各写一份，别处引用。"""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def of(self, annotation: Any) -> Schema:
        """写在签名里的（多半是文字）。"""
        if annotation is inspect.Parameter.empty:
            return {}
        holder = builtin_types.new_class("Holder")
        holder.__annotations__ = {"it": annotation}
        return self._of(get_type_hints(holder, _NAMES)["it"])

    def _of(self, kind: Any) -> Schema:
        if kind in _PLAIN:
            return _PLAIN[kind]
        if typing.is_typeddict(kind):
            return self._dict(kind)
        return self._generic(get_origin(kind), get_args(kind))

    def _generic(self, origin: Any, inner: tuple[Any, ...]) -> Schema:
        if origin is Literal:
            return {"enum": list(inner)}
        if origin in (typing.Union, builtin_types.UnionType):
            return {"anyOf": [self._of(each) for each in inner]}
        if origin is Receipt:
            return self._of(inner[0])
        if origin is dict:
            return {"type": "object", "additionalProperties": self._of(inner[1])}
        if origin is tuple:
            return {"anyOf": [{"type": "array"}, {"$ref": "#/components/schemas/Tagged"}]}
        if origin in (list, collections.abc.Iterable, collections.abc.Sequence):
            return {"type": "array", "items": self._of(inner[0])}
        return {}

    def _dict(self, kind: Any) -> Schema:
        name = kind.__name__
        if name not in self.found:
            self.found[name] = {}  # 自己里面有自己的
            hints = get_type_hints(kind)
            properties = {key: _nullable(self._of(each)) for key, each in hints.items()}
            required = sorted(kind.__required_keys__)
            self.found[name] = {
                "type": "object",
                "description": inspect.cleandoc(kind.__doc__ or ""),
                "properties": properties,
                "required": required,
            }
        return {"$ref": f"#/components/schemas/{name}"}


def _nullable(schema: Schema) -> Schema:
    """老版本的客户端没有的字段是 null。"""
    return {"anyOf": [schema, {"type": "null"}]} if schema else {}


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required,
            "additionalProperties": False}  # fmt: skip


def _answer(result: Schema) -> Schema:
    return {"type": "object", "properties": {"result": result}, "required": ["result"]}


def _ok(result: Schema, verb: Verb) -> Schema:
    found: Schema = {
        "description": "做了；异步的动词等到有了结果才答",
        "content": {"application/json": {"schema": _answer(result)}},
    }
    if verb.effect.changes:
        told = {"description": "请求号", "schema": {"type": "string"}}
        found["headers"] = {words.REQUEST_HEADER: told}
    return found


def _fixed(name: str, told: str, schema: Schema) -> Schema:
    return {
        "operationId": name,
        "summary": told,
        "responses": {
            "200": {"description": told, "content": {"application/json": {"schema": schema}}},
            **_failures(),
        },
    }


def _health() -> Schema:
    schema = {"type": "object", "properties": {"ok": {"const": True}}, "required": ["ok"]}
    found = _fixed("healthz", "活着；不要令牌", schema)
    return {**found, "security": []}


def _headers(verb: Verb) -> list[Schema]:
    deadline = {
        "name": words.DEADLINE_HEADER, "in": "header", "description": "最多等多少毫秒",
        "schema": {"type": "integer", "minimum": 1, "maximum": words.MOST_MS,
                   "default": words.DEFAULT_MS},
    }  # fmt: skip
    if not verb.effect.changes:
        return [deadline]
    told = "请求号：同一个号只做一次，断了拿它来问（server.settle）；不给由服务器取一个"
    number = {
        "name": words.REQUEST_HEADER, "in": "header", "description": told,
        "schema": {"type": "string", "pattern": f"^[A-Za-z0-9_-]{{1,{words.MAX_REQUEST}}}$"},
    }  # fmt: skip
    return [deadline, number]


def _statuses() -> dict[int, str]:
    """状态码 → 什么时候。"""
    told: dict[int, list[str]] = {}
    for kind, each in errors.KINDS.items():
        told.setdefault(each.status, []).append(_title(kind))
    return _EXTRA | {status: "；".join(each) for status, each in told.items()}


def _title(kind: type[EasytraderError]) -> str:
    first = inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]
    return f"{kind.__name__}：{first}"


def _failures() -> Schema:
    return {
        str(status): {"$ref": f"#/components/responses/E{status}"} for status in sorted(_statuses())
    }


def _responses() -> Schema:
    schema = {"$ref": "#/components/schemas/Error"}
    content = {"application/json": {"schema": schema}}
    return {
        f"E{status}": {"description": told, "content": content}
        for status, told in sorted(_statuses().items())
    }


def _error() -> Schema:
    kinds = [each.__name__ for each in errors.KINDS]
    inner = {
        "type": "object",
        "properties": {"type": {"enum": kinds}, "text": {"type": "string"}},
        "required": ["type", "text"],
    }
    return {"type": "object", "properties": {"error": inner}, "required": ["error"]}
