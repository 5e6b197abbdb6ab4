"""各组动词的底子：此刻的会话、下单口、日志。"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from easytrader.basics.keywords import guarded_class
from easytrader.errors import QueryFailedError
from easytrader.orders.verb import Ticket
from easytrader.rows import empties
from easytrader.rows.business import failure, transfer_response_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader import types
    from easytrader.basics.log import Log
    from easytrader.miniqmt.session import QmtSession
    from easytrader.orders import Router

_Row = TypeVar("_Row")

STOCKS: Final = ("STOCK", "CREDIT")
"""股票账号：普通与信用。"""


class Group:
    """`MiniqmtTrader` 的一组动词。

    Args:
        desk: 此刻可用的会话；没有则抛 `NotConnectedError`。
        ordering: 下单口。
        log: 日志口。
    """

    __slots__ = ("_get_desk", "_log", "_ordering")

    _kinds: ClassVar[tuple[str, ...]] = ()
    """只有这几种账号能用（`client` 不限，不查它）。"""
    _name: ClassVar[str] = ""
    """`user` 上叫什么。"""

    def __init_subclass__(cls) -> None:
        guarded_class(cls)
        cls._name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, desk: Callable[[], QmtSession], ordering: Router, log: Log) -> None:
        self._get_desk = desk
        self._ordering = ordering
        self._log = log

    def __repr__(self) -> str:
        names = [name for name in dir(self) if not name.startswith("_")]
        return f"<{type(self).__name__}：{'、'.join(names)}>"

    @property
    def _desk(self) -> QmtSession:
        return self._get_desk()

    def _desk_for(self, verb: str) -> QmtSession:
        """此刻的会话，账号类型也对。"""
        desk = self._desk
        desk.need(f"{self._name}.{verb}", *self._kinds)
        return desk

    def _list(
        self, build: Callable[[Any], _Row], verb: str, what: str, name: str, *given: Any
    ) -> list[_Row]:
        """查一批记录：厂商的方法 ``name``；记录里说没有成功的，整个查询算失败。"""
        desk = self._desk_for(verb)
        found = checked(what, desk.query(what, name, desk.account, *given) or (), build)
        return empties.noted(f"{self._name}.{verb}", found)

    def _moving(
        self, what: str, name: str, *given: Any
    ) -> Ticket[types.Outcome, types.TransferResponse]:
        """挪钱的事：厂商的同步方法 ``name`` 与异步方法 ``name_async``。"""
        desk = self._desk
        return Ticket(
            partial(desk.confirm, what, name, *given),
            partial(desk.start, what, transfer_response_row, f"{name}_async", *given),
        )


def checked(what: str, records: Iterable[Any], build: Callable[[Any], _Row]) -> list[_Row]:
    """一批记录 → 字典；记录里说没有成功的，整个查询算失败。

    Raises:
        QueryFailedError: 见上。
    """
    rows = []
    for record in records:
        why = failure(record)
        if why:
            raise QueryFailedError(f"查询{what}失败：{why}")
        rows.append(build(record))
    return rows
