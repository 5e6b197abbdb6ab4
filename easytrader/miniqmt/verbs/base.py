"""各组动词的底子：拿到会话的通用请求。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from easytrader.errors import QueryFailedError
from easytrader.rows.picking import failure
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.miniqmt.requests import Requests

_Row = TypeVar("_Row")

STOCKS: Final = ("STOCK", "CREDIT")
"""股票账号：普通与信用。"""


class Verbs(Trader):
    """混进 `MiniqmtTrader` 的一组动词。"""

    @property
    def _desk(self) -> Requests:
        """此刻可用的会话；没有则抛 `NotConnectedError`。"""
        return cast("Requests", self._session)


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
