"""网页上填表连接一个后端（``--page-connect``，默认不能）：多给出一个账号。

填的东西会变成这台机器上打开的路径、连过去的地址，所以收得很紧：只有装着的后端、它的 ``connect()``
签名里的文字、数、开关；路径要是本机已有的文件夹，网络路径不收；要填主机地址的后端不在表上。
谁能填见 `may_connect`。
"""

from __future__ import annotations

import inspect
import re
import typing
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, get_args, get_origin

from easytrader import types
from easytrader.api import use
from easytrader.basics import numbers
from easytrader.basics.references import is_reference
from easytrader.brokers.registry import installed
from easytrader.errors import EasytraderError, UsageError, is_secret
from easytrader.profiles.account import OURS, AccountSpec
from easytrader.server.origins import is_loopback_name
from easytrader.wire import verbs

if TYPE_CHECKING:
    from easytrader.server.origins import Caller
    from easytrader.server.tokens import Grant

FieldKind = Literal["text", "secret", "folder", "number", "flag", "choice"]

_PLACES: Final = re.compile(r"path|dir|folder|file|文件夹|目录")
_HOSTS: Final = re.compile(
    r"(^|_)(host|url|uri|server|addr|address|ip|port|gateway|endpoint|td|md)"
)
_KINDS: Final[dict[object, FieldKind]] = {
    str: "text", int: "number", float: "number", bool: "flag",
}  # fmt: skip
_LONGEST: Final = 260
_MOST_FIELDS: Final = 40
_ARGUMENT: Final = re.compile(r"^ +(\w+): (.+)$", re.MULTILINE)


class Field(TypedDict):
    """表上的一格。"""

    name: str
    kind: FieldKind
    default: str | int | float | bool | None
    required: bool
    choices: list[str]
    told: str


class Form(TypedDict):
    """一个后端的表。"""

    broker: str
    fields: list[Field]


def may_connect(grant: Grant, caller: Caller) -> bool:
    """能不能填：``trade`` 权限、没有限定账号的令牌，坐在这台机器前面（两头都是本机的地址）。"""
    here = is_loopback_name(caller.host) and is_loopback_name(caller.address)
    return grant.may(verbs.TRADE) and not grant.accounts and here


@lru_cache(maxsize=1)
def forms() -> list[Form]:
    """装着的、能填表连的后端；导入不了的、要填主机地址的不在里面。第一次可能慢。"""
    found = (_form(each.name) for each in installed())
    return [each for each in found if each is not None]


def spec_of(broker: object, name: object, values: object) -> AccountSpec:
    """填好的表 → 要给出去的账号。

    Raises:
        UsageError: 哪一格不对；什么都没有打开。
    """
    form = next((each for each in forms() if each["broker"] == broker), None)
    if form is None:
        have = "、".join(each["broker"] for each in forms())
        raise UsageError("broker", broker, f"能填表连的后端：{have}")
    if not isinstance(values, dict) or len(values) > _MOST_FIELDS:
        raise UsageError("fields", type(values).__name__, "应为 {格子: 值}")
    known = {each["name"]: each for each in form["fields"]}
    unknown = [each for each in values if each not in known]
    if unknown:
        raise UsageError("fields", unknown[0], f"没有这一格；有的：{'、'.join(known)}")
    given = {key: _checked(known[key], value) for key, value in values.items()}
    connect = {key: value for key, value in given.items() if value is not None}
    for field in form["fields"]:
        if field["required"] and field["name"] not in connect:
            raise UsageError(field["name"], None, "这一格要填")
    if name in (None, ""):
        return AccountSpec(str(broker), connect=connect)
    return AccountSpec(str(broker), name if isinstance(name, str) else repr(name), connect)


# ---- 表从签名里来


def _form(broker: str) -> Form | None:
    try:
        trader = use(broker)
    except EasytraderError:
        return None
    try:
        fields = _fields(trader.connect)
    finally:
        trader.close()
    return None if fields is None else {"broker": broker, "fields": fields}


def _fields(connect: Any) -> list[Field] | None:
    """签名里填得了的；有一样必填而不能在网页上填的为 None。"""
    told = dict(_ARGUMENT.findall(inspect.getdoc(connect) or ""))
    found: list[Field] = []
    for each in inspect.signature(connect).parameters.values():
        if each.kind is inspect.Parameter.VAR_KEYWORD:
            options = _options(each.annotation)
            found += [field for name in options if (field := _field(name, options[name], None))]
        elif each.kind is not inspect.Parameter.VAR_POSITIONAL:
            required = each.default is inspect.Parameter.empty
            field = _field(each.name, _type_of(each.annotation), None if required else each.default)
            if field is not None:
                field["required"] = required
                found.append(field)
            elif required:
                return None
    for field in found:
        field["told"] = told.get(field["name"], "")
    return found


def _field(name: str, kind: object, default: Any) -> Field | None:
    if name in OURS or _HOSTS.search(name):
        return None
    choices: list[str] = []
    if get_origin(kind) is Literal:
        choices = [str(each) for each in get_args(kind)]
    elif kind not in _KINDS:
        return None
    shown: FieldKind = "choice" if choices else _KINDS[kind]
    if shown == "text" and (is_secret(name) or name.endswith(("key", "auth_code"))):
        shown, default = "secret", None
    elif shown == "text" and _PLACES.search(name):
        shown = "folder"
    plain = default if isinstance(default, (str, int, float, bool)) else None
    return {
        "name": name, "kind": shown, "default": plain, "required": False,
        "choices": choices, "told": "",
    }  # fmt: skip


def _type_of(annotation: object) -> object:
    """``str``、``int | None`` 这样的 → 类型；别的（函数、模块……）原样，填不了。"""
    if isinstance(annotation, str):
        text = annotation.replace(" | None", "").strip()
        plain = {"str": str, "int": int, "float": float, "bool": bool}.get(text)
        return plain or getattr(types, text.removeprefix("types."), annotation)
    return _without_none(annotation)


def _without_none(kind: object) -> object:
    kinds = [each for each in get_args(kind) if each is not type(None)]
    optional = type(None) in get_args(kind)
    return kinds[0] if optional and len(kinds) == 1 else kind


def _options(annotation: object) -> dict[str, object]:
    """``**options: Unpack[types.ConnectOptions]`` 里的各项；别的写法不认。"""
    match = re.fullmatch(r"Unpack\[(?:types\.)?(\w+)\]", str(annotation))
    table = getattr(types, match[1], None) if match else None
    if table is None:
        return {}
    return {name: _without_none(kind) for name, kind in typing.get_type_hints(table).items()}


# ---- 填的值


def _checked(field: Field, value: object) -> Any:
    """一格的值；没有填为 None。"""
    name, kind = field["name"], field["kind"]
    if value is None or value == "":
        return None
    if kind == "flag":
        if not isinstance(value, bool):
            raise UsageError(name, value, "应为 true 或 false")
        return value
    if kind == "number":
        number = numbers.whole(value)
        found = numbers.real(value) if number is None else number
        if found is None:
            raise UsageError(name, value, "应为数")
        return found
    shown = "***" if kind == "secret" else str(value)
    if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST:
        raise UsageError(name, shown, f"应为一行文字，最多 {_LONGEST} 个字")
    if is_reference(value):  # 不替网页上的人去取这台机器上的密码
        raise UsageError(name, shown, "网页上不能写 env:、keyring:，直接填")
    if kind == "choice" and value not in field["choices"]:
        raise UsageError(name, value, f"可以是：{'、'.join(field['choices'])}")
    return _folder(name, value) if kind == "folder" else _not_a_place(name, value, shown)


def _not_a_place(name: str, value: str, shown: str) -> str:
    """不是路径的格子里，也不收网络路径、网址。"""
    if value.startswith(("\\\\", "//")) or "://" in value:
        raise UsageError(name, shown, "网页上不能填网络路径、网址")
    return value


def _folder(name: str, value: str) -> str:
    _not_a_place(name, value, value)
    path = Path(value)
    # 先看写的是什么，再去碰它：碰一下网络路径，凭据就送出去了
    if not path.is_absolute() or ".." in path.parts:
        raise UsageError(name, value, "应为本机上一个已有的文件夹的完整路径")
    real = path.resolve()
    if str(real).startswith(("\\\\", "//")) or not real.is_dir():
        raise UsageError(name, value, "应为本机上一个已有的文件夹的完整路径")
    return str(path)
