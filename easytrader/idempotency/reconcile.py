"""悬案：发出了而没有应答的委托，一笔一笔核对清楚。

核对靠备注里的标记：查得到就是它。查不到要在同一个活着的会话上、隔着 ``cache_lag_s`` 看两次都没有，
才认定没有到柜台：请求在一个会话里先进先出，查询答了，之前发的委托就一定处理过了；
隔一段时间是因为客户端的查询是缓存。今天见过的委托不在列表里，说明列表不全（客户端刚重启，还在装载），
那一眼不算。
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from easytrader import rows
from easytrader.basics.days import A_SHARES
from easytrader.errors import ClosedError, JournalError, NotConnectedError, QueryFailedError
from easytrader.records import storage as marks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.backend.records import OrderLike
    from easytrader.backend.session import Session
    from easytrader.basics.days import DayBoundary
    from easytrader.basics.log import Log
    from easytrader.basics.numbers import OrderId
    from easytrader.idempotency.records import Records
    from easytrader.records.storage import Intent

_T = TypeVar("_T")

_RETRY_S: Final = 0.05
"""断线、列表不全时，隔这么久再看。"""
_PATIENCE_S: Final = 0.5
"""连接时为读委托记录最多等这么久。"""
_SHOWN: Final = 5
_STRANGERS: Final = 1000
_NEVER: Final = float("inf")
"""后端说再看也核对不清楚：不必等。"""


class OtherDayError(Exception):
    """不是今天发的，今天的委托里查不到不等于没有到：核对不了。"""


class Verdict(NamedTuple):
    """核对的结果：``order`` 是找到的；没有找到而 ``absent`` 为真是确实没有，为假是还不清楚。"""

    order: OrderLike | None
    absent: bool = False


class _Look(NamedTuple):
    session: Session
    at: float


class _Seen(NamedTuple):
    """一次查询：在哪个会话上、什么时候问的、答了什么。"""

    session: Session
    asked: float
    orders: list[OrderLike]


class Doubts:
    """一个账号的悬案，和柜台上见过的标记。

    Args:
        records: 委托记录。
        get_session: 此刻可用的会话，没有则抛 `NotConnectedError`。
        log: 日志口。
        day: 后端的一天从何时算起。
    """

    def __init__(
        self,
        records: Records,
        get_session: Callable[[], Session],
        log: Log,
        day: DayBoundary = A_SHARES,
    ) -> None:
        self._records = records
        self._get_session = get_session
        self._log = log
        self.day_of = day.text
        """Unix 秒 → 哪一天，如 ``2026-11-30``。"""
        self._began = day.began
        # 标记 → 委托编号：柜台上见过的，别的机器、别的程序下的也在内
        self._seen: dict[str, OrderId] = {}
        # 标记 → 意向（没有给 client_order_id 的为 None）
        self._open: dict[str, Intent | None] = {}
        # 标记 → 第一次没有查到
        self._looks: dict[str, _Look] = {}
        # 记录里没有的：一次问的期限不够看两眼，下次接着看
        self._strangers: dict[tuple[str, ...], _Look] = {}
        self.stale: set[str] = set()
        """往日的悬案，核对不了。"""
        # 标记 → 哪一天发的
        self._days: dict[str, str] = {}
        # 标记 → 今天核对完的是几时发的：补查读委托记录时还悬着、读完已经核对完的，不再挂上去
        self._ended: dict[str, float] = {}
        # 今天见过的某一笔委托：它都不在列表里，列表就不全
        self._witness: OrderId = 0
        self._day = ""

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, tag: str) -> bool:
        return tag in self._open

    def seen(self, tag: str) -> OrderId | None:
        """柜台上带这个标记的委托编号。"""
        return self._seen.get(tag)

    def intent(self, tag: str) -> Intent | None:
        """悬案的意向。"""
        return self._open.get(tag)

    def add(self, tag: str, intent: Intent | None) -> None:
        """一笔发出了而没有应答。"""
        self._ended.pop(tag, None)
        number = self._seen.get(tag)
        if number is None:
            self._hold(tag, intent)
            number = self._seen.get(tag)  # 推送可能正好在这时到
        if number is not None:
            self._found(tag, intent, number)

    def met(self, tag: str, order_id: OrderId) -> None:
        """柜台上见到了带这个标记的委托。任何线程。"""
        if self._seen.get(tag) == order_id:
            return
        today = self.day_of(time.time())
        if today != self._day:
            self._new_day(today)
        self._seen[tag] = self._witness = order_id
        if tag in self._open:
            self._found(tag, self._open.get(tag), order_id)

    def _hold(self, tag: str, intent: Intent | None) -> None:
        self._days.setdefault(tag, self.day_of(intent.created if intent else time.time()))
        self._open.setdefault(tag, intent)
        # 挂上之后再看：另一个线程先记下核对完，再放下
        if intent is not None and self._ended.get(tag) == intent.created:
            self._drop(tag)

    def _end(self, tag: str, intent: Intent | None) -> None:
        if intent is not None:
            self._ended[tag] = intent.created
        self._drop(tag)

    def _drop(self, tag: str) -> None:
        self._open.pop(tag, None)
        self._looks.pop(tag, None)
        self._days.pop(tag, None)

    def _found(self, tag: str, intent: Intent | None, order_id: OrderId) -> None:
        self._end(tag, intent)
        if intent is not None:
            self._records.settle(intent, marks.PLACED, order_id)
            self._log.info("委托 {} 已到柜台，编号 {}", intent.client_order_id, order_id)
        else:
            self._records.tell()

    def hurry(self) -> None:
        """断线了：正在等着看第二眼的不必再等。"""
        self._records.tell()

    # ---- 核对

    def settle(
        self, tag: str, intent: Intent | None, deadline: float, *, patient: bool = False
    ) -> Verdict:
        """看到它、看满两次都没有、或到期为止。

        Args:
            tag: 标记。
            intent: 意向。
            deadline: 最晚到什么时候（``time.monotonic``）。
            patient: 断线、查询失败时等着再看；否则原样抛出。

        Raises:
            OtherDayError: 核对不了。
        """
        while True:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return Verdict(None)
            try:
                verdict, pause_s = self._ask(deadline, lambda seen: self._judge(seen, tag, intent))
            except (NotConnectedError, QueryFailedError):
                if not patient:
                    raise
                verdict, pause_s = Verdict(None), _RETRY_S
            if verdict.absent or verdict.order is not None or pause_s == _NEVER:
                return verdict
            self._records.wait(min(pause_s, max(0.0, deadline - time.monotonic())))

    def settle_stranger(self, wanted: tuple[str, ...], deadline: float) -> Verdict:
        """记录里没有的标记（别的机器、别的程序的）：同样看满两次才说没有。"""
        while deadline > time.monotonic():
            seen = self._ask(deadline, lambda seen: seen)
            for tag in wanted:
                order = with_tag(seen.orders, tag)
                if order is not None:
                    self.met(tag, order.order_id)
                    return Verdict(order)
            pause_s = _RETRY_S
            if self._complete(seen.orders) and not any(tag in self._seen for tag in wanted):
                first = self._strangers.get(wanted)
                if first is None or first.session is not seen.session:
                    first = self._strangers[wanted] = _Look(seen.session, time.monotonic())
                    if len(self._strangers) > _STRANGERS:
                        del self._strangers[next(iter(self._strangers))]
                pause_s = first.at + seen.session.cache_lag_s - seen.asked
                if pause_s <= 0:
                    return Verdict(None, absent=True)
            self._records.wait(min(pause_s + 0.001, max(0.0, deadline - time.monotonic())))
        return Verdict(None)

    def _ask(self, deadline: float, judge: Callable[[_Seen], _T]) -> _T:
        """查一次当日委托。"""
        session = self._get_session()
        asked = time.monotonic()
        with session.until(deadline):
            return judge(_Seen(session, asked, list(session.orders())))

    def _judge(self, seen: _Seen, tag: str, intent: Intent | None) -> tuple[Verdict, float]:
        """看一次：(结论, 还没有结论时隔几秒再看)。"""
        session, asked, orders = seen
        order = with_tag(orders, tag)
        if order is not None:
            self.met(tag, order.order_id)
            if tag in self._open:  # 早就见过，met 没有动它
                self._found(tag, intent, order.order_id)
            return Verdict(order), 0.0
        if tag in self._seen or not self._complete(orders) or session.still_sending(tag):
            self._looks.pop(tag, None)
            cannot_tell = getattr(session, "cannot_tell", None)  # 不从 `BaseSession` 来的可以没有
            never = cannot_tell is not None and cannot_tell(tag)
            return Verdict(None), _NEVER if never else _RETRY_S
        day = self._days.get(tag)
        if day is None:  # 另一个线程刚核对完：没有
            return Verdict(None, absent=True), 0.0
        if day != self.day_of(time.time()):
            raise OtherDayError
        first = self._looks.get(tag)
        if first is None or first.session is not session:
            self._looks[tag] = _Look(session, time.monotonic())
            return Verdict(None), session.cache_lag_s + 0.001
        left_s = first.at + session.cache_lag_s - asked
        if left_s > 0:
            return Verdict(None), left_s + 0.001
        self._gone(session, tag, intent)
        return Verdict(None, absent=True), 0.0

    def _complete(self, orders: Iterable[OrderLike]) -> bool:
        if not self._witness or self._day != self.day_of(time.time()):
            return True
        return any(each.order_id == self._witness for each in orders)

    def _new_day(self, today: str) -> None:
        self._seen.clear()
        self._ended.clear()
        self._witness = 0
        self._day = today

    def _gone(self, session: Session, tag: str, intent: Intent | None) -> None:
        self._end(tag, intent)
        if intent is not None:
            self._records.settle(intent, marks.ABSENT)
            told = "委托 {} 没有到柜台；"
            if getattr(session, "tags_once", False):  # 不从 `BaseSession` 来的可以没有
                told += "可能已经交给过客户端，同一个 client_order_id 不会再交；要再下请换一个"
            else:
                told += "可以用同一个 client_order_id 重新下"
            self._log.warning(told, intent.client_order_id)

    # ---- 连上之后

    def resync(self, session: Session, orders: Iterable[OrderLike]) -> None:
        """认出柜台上的，悬着的看第一眼。主人已经不在的悬案归我们。"""
        held = list(orders)
        today = self.day_of(time.time())
        if today != self._day:
            self._new_day(today)
        for intent in self._orphans():
            self._hold(intent.tag, intent)
        for order in held:
            tag = rows.tag_of(order)
            if tag:
                self.met(tag, order.order_id)
        if self._complete(held):
            now = time.monotonic()
            for tag in self._open.copy():
                look = self._looks.get(tag)
                if look is None or look.session is not session:
                    self._looks[tag] = _Look(session, now)

    def finish(self, deadline: float) -> None:
        """把悬着的核对完，一次查询看全部；期限内没有结论的留着。出错只记日志。"""
        why = "时间用完了"
        while self._open and time.monotonic() < deadline:
            try:
                pause_s = self._ask(deadline, self._judge_all)
            except (NotConnectedError, QueryFailedError, ClosedError) as exc:
                why = str(exc)
                break
            if not self._open:
                return
            if pause_s == _NEVER:
                why = "柜台那边认不出来"
                break
            self._records.wait(min(pause_s, max(0.0, deadline - time.monotonic())))
        if self._open:
            names = [intent.client_order_id if intent else tag for tag, intent in self._left()]
            shown = "、".join(names[:_SHOWN]) + ("…" if len(names) > _SHOWN else "")
            self._log.warning("还有 {} 笔委托没有核对清楚：{}（{}）", len(names), shown, why)

    def _judge_all(self, seen: _Seen) -> float:
        """全部看一次；返回隔几秒再看，再看也没有用的为 `_NEVER`。"""
        pauses: list[float] = []
        for tag, intent in self._left():
            try:
                verdict, pause_s = self._judge(seen, tag, intent)
            except OtherDayError:
                self._drop(tag)
                self.stale.add(tag)
                name = intent.client_order_id if intent is not None else tag
                self._log.warning("委托 {} 不是今天发的，核对不了，请看历史委托", name)
                continue
            if verdict == Verdict(None):
                pauses.append(pause_s)
        later = [each for each in pauses if each != _NEVER]
        return max(later, default=_NEVER if pauses else 0.0)

    def _left(self) -> list[tuple[str, Intent | None]]:
        return list(self._open.copy().items())

    def _orphans(self) -> list[Intent]:
        if not self._records.exist:
            return []
        try:
            deadline = time.monotonic() + _PATIENCE_S
            journal, owner = self._records.open(deadline)
            found = [
                intent
                for intent in journal.unsettled(deadline)
                if intent.state == marks.UNKNOWN or not owner.is_alive(intent.owner, intent.created)
            ]
            if found and not self._witness:
                self._witness = journal.placed_since(self._began(time.time()), deadline)
            return found
        except (JournalError, ClosedError) as exc:
            self._log.warning("读不了委托记录，没有核对上次的委托：{}", exc)
            return []


def with_tag(orders: Iterable[OrderLike], tag: str) -> OrderLike | None:
    """带这个标记的委托。"""
    for order in orders:
        if rows.tag_of(order) == tag:
            return order
    return None
