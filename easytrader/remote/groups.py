"""交易口上的动词照 `wire.verbs` 的表做出来：参数、说明取自在本机上做的那些类。"""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.errors import UsageError
from easytrader.remote.line import answer
from easytrader.rows import empties
from easytrader.wire import verbs

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.remote.calls import Calls
    from easytrader.wire.verbs import Verb

GROUPS: Final = tuple(dict.fromkeys(v.group for v in verbs.TABLE if v.group not in ("", "server")))


def mirrored(kind: type, group: str) -> dict[str, Any]:
    """``kind`` 上的动词，去服务器上做的。

    Args:
        kind: 参数、说明取自它。
        group: 表里的哪一组；交易口自己的为空。
    """
    return {
        verb.method: _member(kind, verb)
        for verb in verbs.TABLE
        if verb.group == group and hasattr(kind, verb.method)
    }


def _member(kind: type, verb: Verb) -> Any:
    found = inspect.getattr_static(kind, verb.method)
    if isinstance(found, property):
        told: Any = _method(verb)
        told.__annotations__ = dict(getattr(found.fget, "__annotations__", {}))
        return property(told, doc=found.__doc__)
    plain = getattr(kind, verb.method)
    made: Any = _method(verb)
    made.__signature__ = inspect.signature(plain)
    made.__name__ = verb.method
    made.__doc__ = plain.__doc__
    made.__qualname__ = f"Remote{kind.__name__}.{verb.method}"
    return made


def _method(verb: Verb) -> Callable[..., Any]:
    if verb.is_async:

        def begin(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            return self._calls.start(verb, args, kwargs)

        return begin
    if verb.effect.changes:

        def act(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            return self._calls.change(verb, args, kwargs)

        return act

    def ask(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        found = self._calls.query(verb.name, args, kwargs)
        return empties.noted(verb.name, found) if isinstance(found, list) else found

    return ask


@cache
def names_of(verb: Verb) -> tuple[str, ...]:
    """可以按位置给的参数的名字。"""
    from easytrader.trader import Trader

    kind: type = group_type(verb.group) if verb.group else Trader
    parameters = inspect.signature(getattr(kind, verb.method)).parameters.values()
    names = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    return tuple(each for each in names if each != "self")


class Group:
    """对面的一组动词；参数、说明与在本机上的一样。"""

    __slots__ = ("_calls",)

    _name = ""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        why = verbs.LEFT_OUT.get(f"{self._name}.{name}")
        if why is None:
            raise AttributeError(f"user.{self._name} 没有 {name}")
        raise UsageError(f"{self._name}.{name}", "remote", f"远程的用不了：{why}")

    def __repr__(self) -> str:
        return f"<user.{self._name}（远程）>"


@cache
def group_type(name: str) -> type[Group]:
    """一组动词的类。"""
    from easytrader.miniqmt import groups  # 用到了才带上它

    kind: type = getattr(groups, "".join(each.capitalize() for each in name.split("_")))
    own = {"__doc__": kind.__doc__, "__slots__": (), "_name": name, **mirrored(kind, name)}
    return type(kind.__name__, (Group,), own)


class Server:
    """服务器自己的：``user.server``。账号在服务器上断着的时候也能用。"""

    __slots__ = ("_calls",)

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def status(self) -> dict[str, Any]:
        """服务器上这个账号的样子：状态、停单开关、令牌的权限。"""
        return cast("dict[str, Any]", self._ask("status"))

    def search(self, text: str) -> list[dict[str, Any]]:
        """按代码、名称、拼音找证券。"""
        return cast("list[dict[str, Any]]", self._ask("search", text=text))

    def preview(self, verb: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        """一笔委托先看看：要多少钱、哪里不对、风控与令牌许不许；什么都不发出。

        Args:
            verb: 下单的动词，如 ``buy``。
            kwargs: 它的参数，与真的下单时一样。

        Returns:
            ``{'ok': bool, 'problems': [...], 'stock_code': ..., 'value': 元, 'fees': ..., ...}``；
            参数还不对时只有 ``ok`` 与 ``problems``。
        """
        return cast("dict[str, Any]", self._ask("preview", verb=verb, kwargs=kwargs))

    def stop_orders(self, reason: str) -> Any:
        """停单：这个账号从此不收新的委托，谁都一样，撤单照常；服务器重启了也还停着。

        Args:
            reason: 为什么，被拒绝的委托会说。
        """
        return self._ask("stop_orders", reason=reason)

    def allow_orders(self) -> Any:
        """不停了。"""
        return self._ask("allow_orders")

    def settle(self, request: str) -> dict[str, Any]:
        """结果未知的一次请求，到底成了没有；服务器没有见过的就此作废，以后再到也不做。

        Args:
            request: 请求号，`OutcomeUnknownError` 的话里有。

        Returns:
            ``{'state': 'done', 'result': 当时的结果}``；没有做的 ``{'state': 'never'}``。

        Raises:
            EasytraderError: 那一次抛的异常。
            OutcomeUnknownError: 还是不知道。
        """
        told = self._ask("settle", request=request)
        if isinstance(told, dict) and "error" in told:
            answer(told)
        return cast("dict[str, Any]", told)

    def __repr__(self) -> str:
        return "<user.server>"

    def _ask(self, name: str, **kwargs: Any) -> Any:
        return self._calls.query(f"server.{name}", (), kwargs, anyway=True)
