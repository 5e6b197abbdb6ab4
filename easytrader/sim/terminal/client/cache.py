"""客户端的缓存：策略查得到的是它，不是柜台。

柜台的变化各种数据各晚各的（`Manners.order_lag_s` …）；同一种里先来的先见。行在变化时就造好对象，
查询只是给出一张表：几千笔委托也是几毫秒。
"""

import heapq
import itertools
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable

    Account = tuple[str, int]
    """（资金账号，账号类型的数）。"""
    Row = dict[str, Any]

ACCOUNT, POSITION, ORDER, DEAL, TASK = "ACCOUNT", "POSITION", "ORDER", "DEAL", "TASK"
LOADED = (ACCOUNT, POSITION, ORDER, DEAL)
"""登录时从柜台取来的。"""

RANK = {48: 0, 49: 1, 50: 2, 55: 3, 51: 4, 52: 5, 53: 9, 54: 9, 56: 9, 57: 9}
"""委托的状态只往前走。"""


def key_of(kind: str, row: "Row") -> "Any":
    """一行是谁。"""
    if kind == ORDER:
        return row["_order_id"]
    if kind == DEAL:
        return row["m_strTradeID"], row["_order_id"]
    if kind == POSITION:
        return row["m_strInstrumentID"], row["m_strExchangeID"]
    return row["m_nTaskId"] if kind == TASK else ""


def is_older(row: "Row", known: "Row") -> bool:
    """委托的这一行比知道的旧：晚到的不能盖掉新的。"""
    mine = row["m_nVolumeTraded"], RANK.get(row["m_nOrderStatus"], -1)
    return bool(mine < (known["m_nVolumeTraded"], RANK.get(known["m_nOrderStatus"], -1)))


class _Entry:
    """一行与它的对象。"""

    __slots__ = ("made", "row")

    def __init__(self, row: "Row", made: "Any") -> None:
        self.row = row
        self.made = made


class Cache:
    """见模块说明。哪个线程都可以用。

    Args:
        make: ``(种类, 行) → 对象``。
    """

    def __init__(self, make: "Callable[[str, Row], Any]") -> None:
        self._make = make
        self._lock = threading.Lock()
        self._tables = {}  # type: dict[tuple[Account, str], dict[Any, _Entry]]
        self._lists = {}  # type: dict[tuple[Account, str, str], list[Any]]
        self._waiting = []  # type: list[tuple[float, int, Account, str, Row]]
        self._whole = {}  # type: dict[int, list[Row]]
        self._last = {}  # type: dict[tuple[Account, str], float]
        self._numbers = itertools.count()
        self.frozen = False
        """与柜台断着：什么也不变。"""

    def load(self, account: "Account", kind: str, rows: "Iterable[Row]") -> None:
        """立刻换成这些行（登录、换日）；委托里已经有更新的，留着更新的。"""
        with self._lock:
            self._replace(account, kind, list(rows))

    def knows(self, account: "Account") -> bool:
        """这个账号取过了没有。"""
        return (account, ACCOUNT) in self._tables

    def put(self, account: "Account", kind: str, row: "Row", due: float) -> float:
        """一行到 ``due`` 才看得见；同一种里不插到前面的前面。给出真正看得见的时刻。"""
        with self._lock:
            return self._wait(account, kind, row, due, None)

    def put_all(self, account: "Account", kind: str, rows: "list[Row]", due: float) -> None:
        """同上，整张表。"""
        with self._lock:
            self._wait(account, kind, {}, due, rows)

    def _wait(
        self, account: "Account", kind: str, row: "Row", due: float, whole: "list[Row] | None"
    ) -> float:
        due = max(due, self._last.get((account, kind), due))
        self._last[account, kind] = due
        number = next(self._numbers)
        if whole is not None:
            self._whole[number] = whole
        heapq.heappush(self._waiting, (due, number, account, kind, row))
        return due

    def apply(self, now: float) -> float:
        """到时候的看得见了；下一个是什么时候，没有为 inf。"""
        with self._lock:
            while not self.frozen and self._waiting and self._waiting[0][0] <= now:
                _, number, account, kind, row = heapq.heappop(self._waiting)
                whole = self._whole.pop(number, None)
                if whole is not None:
                    self._replace(account, kind, whole)
                else:
                    self._set(account, kind, row)
            return self._waiting[0][0] if self._waiting and not self.frozen else float("inf")

    def objects_of(self, account: "Account", kind: str, strategy: str = "") -> "list[Any]":
        """对象的表；``strategy`` 不空时只有这个策略名的委托、成交。"""
        with self._lock:
            key = account, kind, strategy
            found = self._lists.get(key)
            if found is None:
                entries = self._tables.get((account, kind), {}).values()
                found = self._lists[key] = [
                    each.made
                    for each in entries
                    if not strategy or each.row.get("_strategy", "") == strategy
                ]
            return found[:]

    def rows(self, account: "Account", kind: str) -> "list[Row]":
        """看得见的行。"""
        with self._lock:
            return [each.row for each in self._tables.get((account, kind), {}).values()]

    def row(self, account: "Account", kind: str, key: "Any") -> "Row | None":
        """看得见的一行。"""
        with self._lock:
            found = self._tables.get((account, kind), {}).get(key)
            return None if found is None else found.row

    def clear(self) -> None:
        """换日、掉线：都不算了。"""
        with self._lock:
            self._tables.clear()
            self._lists.clear()
            self._waiting = []
            self._whole.clear()
            self._last.clear()

    def _replace(self, account: "Account", kind: str, rows: "list[Row]") -> None:
        old = self._tables.get((account, kind), {})
        table = {}  # type: dict[Any, _Entry]
        for row in rows:
            key = key_of(kind, row)
            known = old.get(key)
            if known is not None and (
                known.row == row or (kind == ORDER and is_older(row, known.row))
            ):
                table[key] = known
            else:
                table[key] = _Entry(row, self._make(kind, row))
        if kind in (ORDER, DEAL):  # 只多不少：应答在路上时来的推送不丢
            for key, known in old.items():
                table.setdefault(key, known)
        self._tables[account, kind] = table
        self._changed(account, kind)

    def _set(self, account: "Account", kind: str, row: "Row") -> None:
        table = self._tables.setdefault((account, kind), {})
        key = key_of(kind, row)
        known = table.get(key)
        if known is not None and kind == ORDER and is_older(row, known.row):
            return
        table[key] = _Entry(row, self._make(kind, row))
        self._changed(account, kind)

    def _changed(self, account: "Account", kind: str) -> None:
        for key in [each for each in self._lists if each[:2] == (account, kind)]:
            del self._lists[key]
