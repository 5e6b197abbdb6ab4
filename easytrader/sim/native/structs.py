"""厂商原生模块的类：两种写法、按字节截断、类型不对抛 TypeError、只读、没有 ``__dict__``。

没赋过值的字段读出零值。都由字段表造；``XtOrder`` 一类由柜台的行成批造出来，
读小写名字就是普通的槽位读取。
"""

from __future__ import annotations

from dataclasses import make_dataclass
from functools import cache
from operator import attrgetter, index
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from easytrader.sim.gateway.fields import ZEROS, Field, structs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class _TextMode:
    strict = False


def set_strict_text(on: bool) -> None:
    """截断出半个汉字时怎么办（进程级，只影响此后写入的文本）。

    默认丢掉那半个字；``True`` 时像厂商那样在读取时抛 UnicodeDecodeError。
    """
    _TextMode.strict = bool(on)


def strict_text() -> bool:
    """此刻是不是厂商那样的严格解码。"""
    return _TextMode.strict


def fit(text: str, size: int) -> str | bytes:
    """按字节截到 ``size - 1``；严格模式下截出半个字时返回字节。"""
    limit = size - 1
    if not text.isascii() and any("\udc80" <= each <= "\udcff" for each in text):
        raw = text.encode("utf-8", "surrogateescape")  # 柜台已经截成了半个字
        return raw if _TextMode.strict else raw.decode("utf-8", "ignore")
    if len(text) * 3 <= limit or (len(text) <= limit and text.isascii()):
        return text
    raw = text.encode("utf-8", "replace")[:limit]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw if _TextMode.strict else raw.decode("utf-8", "ignore")


class NativeStruct:
    """一切原生结构的基类。"""

    __slots__ = ("__weakref__", "_cut")

    _zeros: ClassVar[dict[str, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        """槽位没有值：没赋过的是零值，截坏的文本在这里解码（抛 UnicodeDecodeError）。"""
        if name != "_cut":
            try:
                return self._cut[name].decode("utf-8")
            except (AttributeError, KeyError):
                pass
            if name in self._zeros:
                return self._zeros[name]
        raise AttributeError(f"{type(self).__name__} 没有属性 {name}")


SHAPES: Final[dict[str, type[Any]]] = {
    name: make_dataclass(
        f"_{name}",
        [(field.name, Any) for field in structs()[name]],
        bases=(NativeStruct,),
        slots=True,
        eq=False,
        repr=False,
    )
    for name in ("XtOrder", "XtTrade", "XtPosition")
}
"""造得最多的几种：由一行直接造，不逐个字段检查；文字由柜台截过。"""

_MODULE: Final = "xtquant.xtpythonclient"
_BITS: Final = {"i": 32, "q": 64}
_ENTRIES: Final[dict[str, tuple[Any, ...]]] = {}
_set_class: Final = object.__dict__["__class__"].__set__


def _refuse(label: str, value: Any, wanted: str) -> NoReturn:
    raise TypeError(f"{label} 需要 {wanted}，得到 {type(value).__name__}：{value!r}")


def _integer(label: str, bits: int) -> Callable[[Any], Any]:
    bound = 1 << (bits - 1)

    def convert(value: Any) -> int:
        number = value
        if type(number) is not int:
            try:
                number = index(value)
            except TypeError:
                _refuse(label, value, "int")
        if not -bound <= number < bound:
            _refuse(label, value, f"int{bits} 范围内的整数")
        return number

    return convert


def _number(label: str) -> Callable[[Any], Any]:
    def convert(value: Any) -> float:
        if type(value) is float:
            return value
        if not hasattr(value, "__float__") and not hasattr(value, "__index__"):
            _refuse(label, value, "float")
        return float(value)

    return convert


def _flag(label: str) -> Callable[[Any], Any]:
    def convert(value: Any) -> bool:
        if value is not None and not hasattr(type(value), "__bool__"):
            _refuse(label, value, "bool")
        return bool(value)

    return convert


def _text(label: str, size: int) -> Callable[[Any], Any]:
    def convert(value: Any) -> str | bytes:
        text = value
        if isinstance(text, (bytes, bytearray)):
            text = bytes(text).decode("utf-8", "ignore")
        elif not isinstance(text, str):
            _refuse(label, value, "str")
        return fit(text.partition("\0")[0] if "\0" in text else text, size)

    return convert


def _converter(struct: str, field: Field) -> Callable[[Any], Any]:
    """把赋给字段的值换成存的值；收不下的抛 TypeError。"""
    label = f"{struct}.{field.name}"
    if field.code == "s":
        return _text(label, field.size)
    if field.code in _BITS:
        return _integer(label, _BITS[field.code])
    return _number(label) if field.code == "d" else _flag(label)


def _guard(struct: str, setters: dict[str, Any]) -> Callable[[Any, str, Any], None]:
    """类的 ``__setattr__``：每个可写的名字对应（槽位，转换，槽位名，多长的英文放得下）。"""

    def assign(self: Any, name: str, value: Any) -> None:
        try:
            put, convert, slot, short = setters[name]
        except KeyError:
            raise AttributeError(f"{struct} 没有可写的属性 {name}") from None
        if type(value) is str and len(value) <= short and value.isascii() and "\0" not in value:
            put(self, value)  # 多数是短的英文与数字，不必再绕一层
            return
        stored = convert(value)
        if type(stored) is bytes:
            keep_cut(self, slot, stored)
        else:
            put(self, stored)

    return assign


def keep_cut(self: Any, slot: str, raw: bytes) -> None:
    """记下截坏的文本：槽位留空，读取时由 ``NativeStruct.__getattr__`` 解码，于是抛错。"""
    member = getattr(type(self), slot)
    member.__set__(self, None)
    member.__delete__(self)
    cuts = NativeStruct.__dict__["_cut"]
    try:
        cuts.__get__(self)[slot] = raw
    except AttributeError:
        cuts.__set__(self, {slot: raw})


def _short_reader(name: str, size: int) -> property:
    """只读的短缓冲区写法：读的时候才截。"""

    def read(self: Any) -> str:
        text = fit(getattr(self, name), size)
        return text if isinstance(text, str) else text.decode("utf-8")

    return property(read)


def _no_arguments(self: Any) -> None:
    """对外的构造不带参数；字段由 ``build`` 填。"""


def _make(struct: str, fields: tuple[Field, ...]) -> type[NativeStruct]:
    shape = SHAPES.get(struct)
    body: dict[str, Any] = {
        "__slots__": () if shape else tuple(field.name for field in fields),
        "__module__": _MODULE,
        "__doc__": f"原生结构 {struct}。",
        "_zeros": {field.name: ZEROS[field.code] for field in fields},
    }
    if shape:
        body["__init__"] = _no_arguments
    for field in fields:
        body.update({other: property(attrgetter(field.name)) for other in field.spellings})
        if field.short:
            body[field.short[0]] = _short_reader(field.name, field.short[1])
    made = type(struct, (shape or NativeStruct,), body)
    setters: dict[str, Any] = {}
    every: list[Any] = []
    for field in fields:
        short = field.size - 1 if field.code == "s" else -1
        entry = (getattr(made, field.name).__set__, _converter(struct, field), field.name, short)
        every.append(entry)
        if not field.readonly:
            setters.update(dict.fromkeys((field.name, *field.spellings), entry))
    type.__setattr__(made, "__setattr__", _guard(struct, setters))
    _ENTRIES[struct] = tuple(every)
    return made


STRUCTS: Final[dict[str, type[NativeStruct]]] = {
    name: _make(name, fields) for name, fields in structs().items()
}
"""全部 98 个类。"""


def build(struct: str, row: Sequence[Any]) -> Any:
    """由一行造一个对象；行里字段的次序就是结构里的次序。"""
    made: Any = STRUCTS[struct]()
    for (put, convert, slot, short), value in zip(_ENTRIES[struct], row, strict=True):
        if type(value) is str and len(value) <= short and value.isascii() and "\0" not in value:
            put(made, value)
            continue
        stored = convert(value)
        if type(stored) is bytes:
            keep_cut(made, slot, stored)
        else:
            put(made, stored)
    return made


@cache
def _account_at(struct: str) -> int | None:
    """一行里账号在第几个；没有为 None。"""
    names = [field.name for field in structs()[struct]]
    return next((at for at, name in enumerate(names) if name in _ACCOUNT), None)


_ACCOUNT: Final = ("account_id", "m_strAccountID")


def renamed(struct: str, row: Any, account_id: str) -> Any:
    """一行里的账号换成 ``account_id``；不是这个结构的行（失败的说明）原样。"""
    at = _account_at(struct)
    if at is None or not isinstance(row, (tuple, list)) or len(row) != len(structs()[struct]):
        return row
    return (*row[:at], account_id, *row[at + 1 :])


def build_many(struct: str, rows: Iterable[Sequence[Any]]) -> list[Any]:
    """成批造：委托、成交、持仓、资产走快路，不逐个字段检查（行是柜台自己造的）。"""
    shape = SHAPES.get(struct)
    if shape is None or strict_text():
        return [build(struct, row) for row in rows]
    final = STRUCTS[struct]
    made = []
    for row in rows:
        one = shape(*row)
        _set_class(one, final)
        made.append(one)
    return made


def build_pushed(struct: str, row: Sequence[Any]) -> Any:
    """推送来的一个，快路同 `build_many`。"""
    shape = SHAPES.get(struct)
    if shape is None or _TextMode.strict:
        return build(struct, row)
    made = shape(*row)
    _set_class(made, STRUCTS[struct])
    return made
