"""`order_verb`：写一次参数与校验，得到同步的与异步的两个动词。

::

    @order_verb
    def buy(self, security: str, price: float, amount: int) -> Ticket[EntrustResult, EntrustResult]:
        return order(self._ordering, wanted.limit(...))


    buy_async = buy.twin

``buy`` 等到结果，``buy_async`` 发出就返回回执；参数、说明、补全都与写的那个相同。
"""

from __future__ import annotations

import inspect
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from easytrader.basics.keywords import guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.orders.receipt import Receipt
    from easytrader.orders.router import Router
    from easytrader.orders.ticket import Cancel, Wanted
    from easytrader.types import CancelResult, EntrustResult

_P = ParamSpec("_P")
_Owner = TypeVar("_Owner")
_Row = TypeVar("_Row")
_Later = TypeVar("_Later")
_Result = TypeVar("_Result")


class Ticket(Generic[_Row, _Later]):
    """校验过、还没有发出的一件事。

    Attributes:
        place: 发出，等到结果。
        start: 发出，给一张回执。
    """

    __slots__ = ("place", "start")

    def __init__(self, place: Callable[[], _Row], start: Callable[[], Receipt[_Later]]) -> None:
        self.place = place
        self.start = start


class Verb(Generic[_Owner, _P, _Result]):
    """一个动词：描述符，取出来就是普通的方法。"""

    def __init__(
        self, call: Callable[Concatenate[_Owner, _P], _Result], shown: inspect.Signature, told: str
    ) -> None:
        self._call = call
        call.__signature__ = shown  # type: ignore[attr-defined]  # 它是函数
        call.__annotations__ = {
            each.name: each.annotation for each in shown.parameters.values() if each.name != "self"
        } | {"return": shown.return_annotation}
        self.__doc__ = call.__doc__ = told

    def __set_name__(self, owner: type, name: str) -> None:
        self._call.__name__ = name
        self._call.__qualname__ = f"{owner.__qualname__}.{name}"
        self._call.__module__ = owner.__module__

    @overload
    def __get__(
        self, instance: None, owner: type
    ) -> Callable[Concatenate[_Owner, _P], _Result]: ...
    @overload
    def __get__(self, instance: _Owner, owner: type) -> Callable[_P, _Result]: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        return self._call.__get__(instance, owner)


class OrderVerb(Verb[_Owner, _P, _Row], Generic[_Owner, _P, _Row, _Later]):
    """同步的动词；``twin`` 是同样参数的异步的。"""

    def __init__(self, terms: Callable[Concatenate[_Owner, _P], Ticket[_Row, _Later]]) -> None:
        place, start = (guarded(terms, then=methodcaller(each)) for each in ("place", "start"))
        shown = inspect.signature(terms)
        row, _, later = str(shown.return_annotation)[len("Ticket[") : -1].partition(", ")
        told = inspect.cleandoc(terms.__doc__ or "")
        super().__init__(place, shown.replace(return_annotation=row), told)
        self.twin: Verb[_Owner, _P, Receipt[_Later]] = Verb(
            start,
            shown.replace(return_annotation=f"Receipt[{later}]"),
            f"同 `{terms.__name__}`，发出就返回回执（`Receipt`），不等应答。\n\n{told}",
        )


def order_verb(
    terms: Callable[Concatenate[_Owner, _P], Ticket[_Row, _Later]],
) -> OrderVerb[_Owner, _P, _Row, _Later]:
    """见模块说明。``terms`` 校验参数，返回 `Ticket`，什么都不发。"""
    return OrderVerb(terms)


def order(router: Router, wanted: Wanted) -> Ticket[EntrustResult, EntrustResult]:
    """一笔校验过的委托。"""
    return Ticket(partial(router.run, wanted), partial(router.start, wanted))


def cancel(router: Router, target: Cancel) -> Ticket[CancelResult, CancelResult]:
    """一次校验过的撤单。"""
    return Ticket(lambda: router.run(target), lambda: router.start(target))
