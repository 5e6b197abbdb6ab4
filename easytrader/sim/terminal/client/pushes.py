"""柜台的变化怎样到策略那里：什么时候查得到、什么时候回调、几次、什么样子，都照脾气。

一笔委托的变化是一串「样子」：第一次没有合同编号，过一会儿才有；废单先是已报。样子按先后进缓存，
也按先后（脾气说打乱的除外）回调；缓存与回调谁先谁后没有约定。
"""

import threading

from . import objects
from .cache import ACCOUNT, DEAL, ORDER, POSITION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from random import Random
    from typing import Any, Callable

    from .cache import Account, Cache, Row
    from .manners import Manners, Span
    from .terminal import Terminal

_SUBMITTED, _REPORTED, _JUNK, _QUEUED = 48, 50, 57, 49
_CANCELLING = {53: 52, 54: 51}
"""撤完的样子 → 撤到之前的样子。"""
LETTERS_HEAD = "MM"

CALLBACKS = {
    ORDER: "order_callback",
    DEAL: "deal_callback",
    ACCOUNT: "account_callback",
    POSITION: "position_callback",
}
"""数据的种类 → 回调的名字。"""


class _Seen:
    """一笔委托说到哪里了。"""

    __slots__ = ("hidden", "named_at", "number", "row", "status")

    def __init__(self, row: "Row", named_at: float) -> None:
        self.row = row
        self.named_at = named_at
        self.status = -1
        self.number = 0
        self.hidden = False


class Pushes:
    """见模块说明。`event` 只在交易回调的线程上叫。

    Args:
        terminal: 客户端：脾气、钟、回调的线程。
        cache: 变化进它。
        random: 延迟的随机数。
        deliver: ``(账号, 回调的名字, 对象)``：交给策略。
    """

    def __init__(
        self,
        terminal: "Terminal",
        cache: "Cache",
        random: "Random",
        deliver: "Callable[[Account, str, Any], None]",
    ) -> None:
        self._terminal = terminal
        self._cache = cache
        self._random = random
        self._deliver = deliver
        self._orders = {}  # type: dict[int, _Seen]
        self._last = 0.0
        self._holding = threading.Lock()
        self._held = []  # type: list[tuple[Account, str, Row, _Seen | None, int]]
        self.cancelled = set()  # type: set[str]
        """发过撤单的合同编号。"""

    def event(self, kind: str, row: "Row") -> None:
        """柜台的一个变化：``order deal account position``。"""
        account = row["m_strAccountID"], row["_account_type"]
        if kind == "order":
            self._order(account, row)
        elif kind == "deal":
            self._show(account, DEAL, row)
        elif kind in ("account", "position"):
            self._show(account, kind.upper(), row)

    def loaded(self, row: "Row") -> None:
        """登录时取来的一笔委托：以前的事，不回调，编号早有了。"""
        seen = _Seen(row, 0.0)
        seen.status = row["m_nOrderStatus"]
        self._orders.setdefault(row["_order_id"], seen)

    def dressed(self, kind: str, row: "Row") -> "Row":
        """这个客户端给人看的样子：备注、来源、编号的写法。"""
        manners = self._manners
        shown = dict(row)
        if kind in (ORDER, DEAL):
            sysid = shown["m_strOrderSysID"]
            if sysid and manners.sysid_style == "letters":
                shown["m_strOrderSysID"] = LETTERS_HEAD + sysid
            if manners.remark_bytes:
                cut = shown["m_strRemark"].encode("gbk", "ignore")[: manners.remark_bytes]
                shown["m_strRemark"] = cut.decode("gbk", "ignore")
            if manners.source_is_model:
                shown["m_strSource"] = "model"
        if kind == DEAL:
            if not manners.deal_remark:
                shown["m_strRemark"] = ""
            if not manners.old_commission:
                shown["m_dCommission"], shown["m_dComssion"] = shown["m_dComssion"], 0.0
        return shown

    def dropped(self) -> None:
        """与柜台断了：查到的停住，回调攒着。"""
        self._cache.apply(self._terminal.clock.monotonic())
        with self._holding:
            self._cache.frozen = True

    def reconnected(self) -> None:
        """又连上了：攒着的回调补上；脾气如此的，当天的再来一遍。"""
        now = self._terminal.clock.monotonic()
        with self._holding:
            self._cache.frozen = False
            held, self._held = self._held, []
        self._cache.apply(now)
        for each in held:
            self._terminal.native.at(now, self._call, *each)
        if self._manners.repush:
            self._terminal.native.at(now, self._repush)

    def _repush(self) -> None:
        for seen in list(self._orders.values()):
            account = seen.row["m_strAccountID"], seen.row["_account_type"]
            self._call(account, ORDER, self._worn(seen), None, 0)
            for row in self._cache.rows(account, DEAL):
                if row["_order_id"] == seen.row["_order_id"]:
                    self._call(account, DEAL, row, None, 0)

    def clear(self) -> None:
        """换日。"""
        self._orders.clear()
        self._held = []
        self.cancelled.clear()

    @property
    def _manners(self) -> "Manners":
        return self._terminal.manners

    def _order(self, account: "Account", row: "Row") -> None:
        status = row["m_nOrderStatus"]
        wait = self._span(self._manners.sysid_s)
        seen = self._orders.get(row["_order_id"])
        if seen is None:
            now = self._terminal.clock.monotonic()
            seen = self._orders[row["_order_id"]] = _Seen(row, now + wait)
            if status == _JUNK:
                before = dict(
                    row,
                    m_nOrderStatus=_REPORTED,
                    m_nOrderSubmitStatus=_SUBMITTED,
                    m_strCancelInfo="",
                )
                self._version(account, seen, before)
        before_last = _CANCELLING.get(status)
        if before_last and before_last != seen.status and row["m_strOrderSysID"] in self.cancelled:
            pending = dict(row, m_nOrderStatus=before_last, m_dCancelAmount=0.0)
            if self._manners.shows_cancelling:
                self._version(account, seen, pending)
        if status in _CANCELLING.values() and not self._manners.shows_cancelling:
            return
        late = wait if status == _JUNK and seen.number == 1 else 0.0
        if late:
            due = self._terminal.clock.monotonic() + late
            self._terminal.native.at(due, self._version, account, seen, row)
        else:
            self._version(account, seen, row)

    def _version(self, account: "Account", seen: "_Seen", row: "Row") -> None:
        """委托的一个样子：编号该藏的藏，过后再来一次。"""
        now = self._terminal.clock.monotonic()
        seen.row, seen.status = row, row["m_nOrderStatus"]
        seen.number += 1
        nameless = not row["m_nVolumeTraded"] and seen.status not in (53, 54, 56, 57)
        seen.hidden = bool(nameless and row["m_strOrderSysID"] and now < seen.named_at)
        shown = self._worn(seen)
        self._show(account, ORDER, shown, seen)
        manners = self._manners
        often = manners.duplicate and (seen.status == _REPORTED or self._random.random() < 0.5)
        if often or (seen.status == _JUNK and manners.junk_twice):
            self._callback(account, ORDER, shown, seen)
        if seen.hidden:
            self._terminal.native.at(seen.named_at, self._name, account, seen)

    def _name(self, account: "Account", seen: "_Seen") -> None:
        """编号到了；其间已经有了带编号的样子，就不必。"""
        if seen.hidden:
            self._version(account, seen, seen.row)

    def _worn(self, seen: "_Seen") -> "Row":
        shown = self.dressed(ORDER, seen.row)
        if seen.hidden:
            shown["m_strOrderSysID"] = ""
        placeholder = self._manners.sysid_placeholder and seen.status in (_JUNK, _QUEUED)
        if placeholder and not shown["m_strOrderSysID"]:
            shown["m_strOrderSysID"] = "xt%d" % shown["m_nRef"]
        return shown

    def _show(self, account: "Account", kind: str, row: "Row", seen: "_Seen | None" = None) -> None:
        lag = getattr(self._manners, kind.lower() + "_lag_s")
        shown = row if seen is not None else self.dressed(kind, row)
        self._cache.put(account, kind, shown, self._terminal.clock.monotonic() + self._span(lag))
        self._callback(account, kind, shown, seen)
        if kind == DEAL and self._manners.duplicate and self._random.random() < 0.5:
            self._callback(account, kind, shown, seen)

    def _callback(self, account: "Account", kind: str, row: "Row", seen: "_Seen | None") -> None:
        manners = self._manners
        due = self._terminal.clock.monotonic() + self._span(manners.callback_lag_s)
        if not manners.reorder:
            due = self._last = max(due, self._last)
        number = seen.number if seen is not None else 0
        self._terminal.native.at(due, self._call, account, kind, row, seen, number)

    def _call(
        self, account: "Account", kind: str, row: "Row", seen: "_Seen | None", number: int
    ) -> None:
        with self._holding:
            if self._cache.frozen:
                self._held.append((account, kind, row, seen, number))
                return
        if seen is None or not self._manners.coalesce or number == seen.number:
            made = objects.make(kind, row, self._manners.missing_attributes)
            self._deliver(account, CALLBACKS[kind], made)

    def _span(self, span: "Span") -> float:
        return span[0] if span[0] == span[1] else self._random.uniform(*span)
