"""用户写的字段 → 接口要的字段：叫法、默认值、选项、类型。纯计算，不导入 VeighNa。"""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.counters.shape import Field
from easytrader.errors import UsageError, is_secret

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from easytrader.counters.shape import Counter

_UNTOLD: Final = "…"
"""可能是密码的值在错误里的样子。"""
_MOST_BYTES: Final = 1_000_000


def resolve(
    given: Mapping[str, object],
    counter: Counter | None = None,
    default_setting: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """用户写的 → 交给 ``gateway.connect`` 的字典，键照接口的顺序，一个不少。

    Args:
        given: 字段名（现在的、文档里的都行）→ 值。
        counter: 登记的哪一家；没有登记的为 None。
        default_setting: 接口类自己的 ``default_setting``；给了就以它的键为准（装的版本可能不同）。

    Raises:
        UsageError: 不认得的字段，选项、类型不对，少了必要的，一个字段给了两次。
    """
    wanted = fields_of(counter, default_setting)
    dropped = {each.name: each for each in counter.dropped} if counter is not None else {}
    exact = {_canonical(each.name) for each in wanted}
    taken: dict[str, tuple[str, object]] = {}
    for name, value in sorted(given.items(), key=lambda item: _canonical(item[0]) not in exact):
        places = _places(name, wanted, taken)
        if not places and name in dropped:
            _value(dropped[name], name, value)  # 不能照做的值不收
            continue
        if not places:
            raise UsageError(str(name), _UNTOLD, _unknown_told(str(name), wanted, dropped.values()))
        for each in places:
            if each.name in taken:
                told = f"与 {taken[each.name][0]} 是一回事，只写一个"
                raise UsageError(name, _UNTOLD, told)
            taken[each.name] = name, value
    _check_required(wanted, taken)
    return {
        each.name: _value(each, *taken[each.name]) if each.name in taken else each.default
        for each in wanted
    }


def fields_of(
    counter: Counter | None, default_setting: Mapping[str, object] | None = None
) -> tuple[Field, ...]:
    """接口收哪些字段：登记的；给了 ``default_setting`` 的照它，登记里有的加上叫法与必要。"""
    known = counter.fields if counter is not None else ()
    if default_setting is None:
        return known
    return tuple(_field(name, value, known) for name, value in default_setting.items())


def known_names(counter: Counter) -> frozenset[str]:
    """这一家认得的字段名，叫法也在里面。"""
    every = (*counter.fields, *counter.dropped)
    return frozenset(name for each in every for name in (each.name, *each.aliases))


def secrets_of(fields: Iterable[Field], values: Mapping[str, object]) -> list[str]:
    """`resolve` 的结果里哪些是密码；日志里要遮住它们。"""
    return [str(values[each.name]) for each in fields if each.secret and values.get(each.name, "")]


def read_config(config: str | os.PathLike[str]) -> dict[str, object]:
    """VeighNa 的 ``connect_xxx.json`` → 字段名 → 值。

    Args:
        config: 路径；只是一个名字的，先看这里的 ``.vntrader``，再看用户目录的 ``.vntrader``。

    Raises:
        UsageError: 没有这个文件、读不了、不是一个 JSON 对象。
    """
    file = find_config(config)
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise UsageError("config", str(file), "太大了，不像 connect_xxx.json")
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except UsageError:
        raise
    except (OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else f"不是 UTF-8 的 JSON（{_where(exc)}）"
        raise UsageError("config", str(file), f"读不了：{why}") from None
    if not isinstance(found, dict):
        raise UsageError("config", str(file), '应为一个对象：{"用户名": "…", "密码": "…"}')
    return found


def find_config(config: str | os.PathLike[str]) -> Path:
    """见 `read_config`。

    Raises:
        UsageError: 没有；说看了哪些地方。
    """
    if not isinstance(config, (str, Path)) or not str(config).strip() or "\0" in str(config):
        raise UsageError("config", config, "应为 connect_xxx.json 的名字或路径，或一个字典")
    told = Path(config).expanduser()
    places = [told]
    if len(told.parts) == 1:
        folders = (Path(".vntrader"), Path.home() / ".vntrader")
        places += [folder / told for folder in folders]
    for each in places:
        if each.is_file():
            return each.absolute()
    seen = "、".join(str(each.absolute()) for each in places)
    raise UsageError("config", str(config), f"没有这个文件，看过：{seen}")


def described(counter: Counter) -> dict[str, dict[str, object]]:
    """字段名 → ``default choices secret required aliases``。"""
    return {
        each.name: {
            "default": each.default,
            "choices": list(each.choices),
            "secret": each.secret,
            "required": each.required,
            "aliases": list(each.aliases),
        }
        for each in counter.fields
    }


def _field(name: str, value: object, known: Sequence[Field]) -> Field:
    """``default_setting`` 的一项。"""
    found = next((each for each in known if each.name == name), None)
    found = found or next((each for each in known if name in each.aliases), None)
    choices = tuple(value) if isinstance(value, (list, tuple)) else ()
    default: Any = choices[0] if choices else value
    if not isinstance(default, (str, int)) or isinstance(default, bool):
        default = str(default)
    if found is None:
        return Field(name, default, choices, secret=looks_secret(name))
    aliases = tuple(dict.fromkeys((found.name, *found.aliases)))
    return found._replace(
        name=name, default=default, choices=choices,
        aliases=tuple(each for each in aliases if each != name),
    )  # fmt: skip


def _places(
    name: str, wanted: Sequence[Field], taken: Mapping[str, tuple[str, object]]
) -> list[Field]:
    """这个名字说的是哪些字段：就是它的名字，否则是叫法（``密码`` 可以是两个）。"""
    plain = _canonical(name)
    exact = [each for each in wanted if _canonical(each.name) == plain]
    if exact:
        return exact
    found = [each for each in wanted if plain in map(_canonical, each.aliases)]
    spare = [each for each in found if each.name not in taken]
    return spare or found


def _value(field: Field, name: str, value: object) -> object:
    """类型、选项对的值。"""
    shown = _UNTOLD if field.secret else value
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        form = "整数" if _is_number(field) else "文字"
        raise UsageError(name, shown, f"应为{form}")
    if str(value).strip() == "" and not field.secret:  # VeighNa 存的文件里，没有填的是空的
        return field.default
    if field.choices:
        return _choice(field, name, value)
    if not _is_number(field):
        return str(value).strip() if not field.secret else str(value)
    try:
        return int(value)
    except ValueError:
        raise UsageError(name, shown, "应为整数") from None


def _choice(field: Field, name: str, value: str | int) -> object:
    plain = _canonical(str(value))
    for each in field.choices:
        if plain == _canonical(str(each)):
            return each
    for told, meant in field.words:
        if plain == _canonical(told):
            return meant
    listed = "、".join(map(str, field.choices))
    raise UsageError(name, _UNTOLD if field.secret else value, f"可选：{listed}")


def _check_required(wanted: Sequence[Field], taken: Mapping[str, tuple[str, object]]) -> None:
    for each in wanted:
        if each.required and str(taken.get(each.name, ("", ""))[1]).strip() == "":
            needed = "、".join(one.name for one in wanted if one.required)
            raise UsageError(each.name, _Absent(), f"要给；必要的是：{needed}")


def _unknown_told(name: str, wanted: Sequence[Field], dropped: Iterable[Field]) -> str:
    known = {each.name: each.name for each in wanted}
    for each in wanted:
        known.update(dict.fromkeys(each.aliases, each.name))
    near = get_close_matches(name, known, 1, 0.5)
    asked = f"是不是 {known[near[0]]}？" if near else ""
    names = "、".join([each.name for each in wanted] + [each.name for each in dropped])
    return f"没有这个字段。{asked}有的是：{names or '（一个也没有）'}"


def _canonical(name: str) -> str:
    return "".join(each for each in str(name).casefold() if each.isalnum())


def _is_number(field: Field) -> bool:
    return isinstance(field.default, int)


def looks_secret(name: str) -> bool:
    """看名字像密码、密钥。"""
    return is_secret(name) or name.casefold().endswith("key")


def _where(exc: ValueError) -> str:
    return f"第 {exc.lineno} 行" if isinstance(exc, json.JSONDecodeError) else "编码不对"


class _Absent:
    def __repr__(self) -> str:
        return "没有给"
