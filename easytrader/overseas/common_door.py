"""境外券商都用的：导入 SDK，认文档里的中文字段名。"""

from __future__ import annotations

import inspect
import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.basics import numbers
from easytrader.basics.keywords import unknown_told
from easytrader.basics.threads import call_aside
from easytrader.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_IMPORT_S: Final = 60.0


def load(module: str, package: str, extra: str) -> Any:
    """导入 SDK，在另一个线程上：有的 SDK 在主线程上导入时会改掉 Ctrl-C。

    Args:
        module: 模块名。
        package: 装它的包，给人看的。
        extra: 我们的可选依赖的名字。

    Raises:
        MissingDependencyError: 没有装，或装着而导入不了。
    """
    found = sys.modules.get(module)
    if found is not None and getattr(getattr(found, "__spec__", None), "_initializing", False):
        found = None  # 别的线程正导入到一半
    remedy = f'pip install "easytrader[{extra}]"'
    try:
        return found or call_aside(partial(import_module, module), _IMPORT_S)
    except ModuleNotFoundError as exc:
        raise MissingDependencyError(f"缺 {exc.name}（{package} 要的）：{remedy}") from exc
    except (Exception, SystemExit) as exc:  # 边界：别人的包导入时抛什么、退出都可能
        raise MissingDependencyError(f"{package} 导入不了（{exc!r}）：{remedy}") from exc


def named(
    verb: str, fields: Mapping[str, Any], aliases: Mapping[str, str], own: list[str]
) -> dict[str, Any]:
    """``**fields`` 里文档的中文字段名 → 我们的参数名。

    Args:
        verb: 哪个方法，给人看的。
        fields: 用户给的，多出来的那些。
        aliases: 认得的别名 → 参数名。
        own: 方法自己的参数名，用来猜想写的是哪一个。

    Raises:
        UsageError: 不认得的名字，或同一项给了两次。
    """
    found: dict[str, Any] = {}
    for each, value in fields.items():
        if each not in aliases:
            raise UsageError(each, "…", unknown_told(verb, each, [*own, *aliases]))
        if aliases[each] in found:
            raise UsageError(each, "…", f"{aliases[each]} 给了两次")
        found[aliases[each]] = value
    return found


def one(argument: str, own: object, given: Mapping[str, Any]) -> Any:
    """模拟还是实盘这样的事，两种叫法都写了而不一样的不收；一样的、只写了一个的就是它。

    Raises:
        UsageError: 两处说的不一样。
    """
    other = given.get(argument)
    if own is not None and other is not None and own != other:
        raise UsageError(argument, own, f"与另一个叫法说的 {other!r} 不一样，只写一个")
    return other if own is None else own


def parameters(function: Callable[..., Any]) -> list[str]:
    """一个方法自己的参数名，不算 ``self`` 与 ``**``。"""
    found = inspect.signature(function).parameters.values()
    return [each.name for each in found if each.kind is not each.VAR_KEYWORD][1:]


def port(argument: str, value: object) -> int:
    """端口；文档的配置里是字符串的也收。"""
    given = int(value) if isinstance(value, str) and value.isdecimal() else value
    number = numbers.whole(given)
    if number is None or not 0 < number < 65536:
        raise UsageError(argument, value, "应为 1–65535 的端口，如 11111")
    return number


def text(argument: str, value: object, form: str) -> str:
    """一行文字，前后的空白去掉；口令之类的名字出错时不写出值。"""
    if not isinstance(value, str) or not value.isprintable():
        raise UsageError(argument, value, form)
    return value.strip()


def choice(argument: str, value: object, choices: Mapping[str, str]) -> str:
    """几样里的一样：写法（大小写不论）→ 我们的值。"""
    key = value.strip().upper() if isinstance(value, str) else ""
    if key not in choices:
        raise UsageError(argument, value, "应为 " + "、".join(repr(each) for each in choices))
    return choices[key]


def seconds(value: object) -> float:
    """``timeout``。"""
    return arguments.seconds("timeout", value)
