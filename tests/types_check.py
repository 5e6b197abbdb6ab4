"""拿真的字典与 `TypedDict` 逐键核对：不缺、不多、次序相同，值的类型对（嵌套的也看）。"""

from __future__ import annotations

from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict


def check(value: Any, kind: Any, where: str = "") -> None:
    """值是不是这个类型；不是就说出在哪里。"""
    origin = get_origin(kind)
    if kind is Any:
        return
    if is_typeddict(kind):
        _check_dict(value, kind, where)
    elif origin is Literal:
        assert value in get_args(kind), f"{where}：{value!r} 不在 {get_args(kind)} 里"
    elif origin in (Union, UnionType):
        assert any(_fits(value, each) for each in get_args(kind)), f"{where}：{value!r} 不是 {kind}"
    elif origin in (list, dict, tuple):
        assert type(value) is origin, f"{where}：{value!r} 不是 {origin.__name__}"
        _check_inside(value, origin, get_args(kind), where)
    else:
        assert type(value) is kind, f"{where}：{value!r} 是 {type(value).__name__}，不是 {kind}"


def _check_inside(value: Any, origin: Any, inner: tuple[Any, ...], where: str) -> None:
    if origin is dict:
        for key, each in value.items():
            check(key, inner[0], f"{where} 的键")
            check(each, inner[1], f"{where}[{key!r}]")
    else:
        kinds = [inner[0]] * len(value) if origin is list else inner
        for each, kind in zip(value, kinds, strict=True):
            check(each, kind, f"{where}[]")


def _check_dict(value: Any, kind: Any, where: str) -> None:
    hints = get_type_hints(kind)
    assert type(value) is dict, f"{where}：{value!r} 不是普通的字典"
    missing = kind.__required_keys__ - value.keys()
    assert not missing, f"{kind.__name__} 说有而没有：{missing}"
    extra = value.keys() - hints.keys()
    assert not extra, f"{kind.__name__} 里没有写：{extra}"
    assert list(value) == [key for key in hints if key in value], f"{kind.__name__} 的次序"
    for key, each in value.items():
        check(each, hints[key], f"{kind.__name__}[{key!r}]")


def _fits(value: Any, kind: Any) -> bool:
    try:
        check(value, kind)
    except AssertionError:
        return False
    return True
