"""往日的账：引擎看到的委托、成交、资金、持仓，按账号、按日子记下来。

记账不在委托的路上：看到的放进一个有上限的队列，一个后台线程攒一小会儿、一批写下去。
队列满了、磁盘坏了，就少记几条，说一声，交易照常；进程随时被杀，丢的是最后零点几秒。

一行怎样算新的（``rank``，按文字比）：委托看成交量与状态，到了终态的不会被旧的盖掉；
成交交付过的（`DELIVERED`）盖过只是查到的；快照晚的盖过早的，当天第一份资金另留着。
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from easytrader import rows
from easytrader.backend.records import (
    AssetChanged,
    Connected,
    Disconnected,
    OrderChanged,
    Traded,
)
from easytrader.basics import waits
from easytrader.basics.numbers import exact
from easytrader.codes import FINAL_STATUSES, STATUS_RANK, OrderStatus
from easytrader.errors import JournalError
from easytrader.push.ledger import trade_key
from easytrader.records.guarded import DeadlineLock
from easytrader.records.storage import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from easytrader.backend.records import (
        AssetLike,
        OrderLike,
        PositionLike,
        PushEvent,
        TradeLike,
    )
    from easytrader.basics.days import DayBoundary
    from easytrader.basics.log import Log
    from easytrader.records.storage import Intent, Storage

ORDER, TRADE, ASSET, POSITIONS, SPAN = "order", "trade", "asset", "positions", "span"
"""行的种类：``data`` 依次是 ``{"row", "tag"}``、``{"row", "fee"}``、``{"row"}``、``{"rows"}``、
``{"from", "to", "wall_from", "wall_to"}``（有程序连着的一段）。"""
SEEN, DELIVERED = "0", "1"
"""成交的 ``rank``：查到的；交给过回调与 `events()` 的。"""
FIRST: Final = "first"
"""当天第一份资金的 ``key``；其余的是第几分钟。"""

MOST: Final = 10_000
"""队列最多这么多条。"""
_BATCH_S: Final = 0.1
_LISTS_S: Final = 0.5
"""查到的一整批，隔这么久才看一次。"""
_SAME_S: Final = 60.0
"""数量没有变的持仓，隔这么久才再记一次。"""
_TICK_S: Final = 60.0
"""什么都没有的时候，隔这么久记一次「还连着」。"""
_WRITE_S: Final = 2.0
_AGAIN_S: Final = 1.0
"""没有写下去的，隔这么久再试。"""
_CLOSE_S: Final = 2.0
_AHEAD_S: Final = 3600.0
"""柜台的钟可以比本机快多少。"""
_REMEMBERED: Final = 50_000


class _Seen(NamedTuple):
    """看到的一样东西。"""

    kind: str
    what: Any
    at: float
    delivered: bool = False


class _Span(NamedTuple):
    """连着的一段：哪一天，从何时到何时，与那时的真的时间（模拟的钟走得不一样），Unix 秒。"""

    day: str
    since: float
    wall_since: float
    to: float
    wall_to: float


_APART: Final = _Span("", 0.0, 0.0, 0.0, 0.0)
"""没有连着。"""


class Daybook:
    """一个账号往日的账。记（`delivered`、`saw`）在任何线程上，不阻塞、不失败。

    Args:
        storage: 存在哪里。
        log: 日志口。
        day: 一天从几点算起。
        row_of: 委托 → 用户看到的行（带着废单的原因）。
        now: 柜台此刻是几点，Unix 秒；不得阻塞。
    """

    def __init__(
        self,
        storage: Storage,
        log: Log,
        day: DayBoundary,
        row_of: Callable[[OrderLike], Any],
        now: Callable[[], float],
    ) -> None:
        self.day = day
        self._storage = storage
        self._days = storage.days()
        self._log = log
        self._row_of = row_of
        self._now = now
        self._queue: deque[_Seen] = deque()
        # 种类 → 最近查到的一整批
        self._lists: dict[str, _Seen] = {}
        self._looked = 0.0
        # 没有写下去的，与什么时候再试
        self._left: list[Kept] = []
        self._again = 0.0
        self._stamp = 0.0
        self._lock = DeadlineLock()
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._resting = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._trouble = ""
        # 写过的：(种类, 键) → 样子
        self._written: dict[tuple[str, Any], Any] = {}
        self._held: tuple[Any, float] = (None, 0.0)
        self._token = secrets.token_hex(4)
        self._span = _APART

    # ---- 记

    def now(self) -> float:
        """柜台此刻是几点，Unix 秒；一次比一次大。"""
        try:
            now = self._now()
        except Exception:  # noqa: BLE001  边界：别人的钟（模拟的柜台正在关）坏了，不能耽误交易
            now = time.time()
        # 单步的时钟会停在一处：先后还是要分得出
        self._stamp = now if now > self._stamp or now < self._stamp - 1 else self._stamp + 1e-6
        return self._stamp

    def delivered(self, event: PushEvent) -> None:
        """一条就要交给回调的推送。"""
        if isinstance(event, OrderChanged):
            self._add(_Seen(ORDER, event.order, self.now()))
        elif isinstance(event, Traded):
            self._add(_Seen(TRADE, event.trade, self.now(), delivered=True))
        elif isinstance(event, AssetChanged):
            self._add(_Seen(ASSET, event.asset, self.now()))
        elif isinstance(event, (Connected, Disconnected)):
            what = isinstance(event, Connected), time.time()
            self._add(_Seen(SPAN, what, self.now()))

    def saw(self, kind: str, found: object) -> None:
        """查到的：一份资金，或全部的持仓、委托、成交。"""
        if kind == ASSET:
            self._add(_Seen(kind, found, self.now()))
        elif not self._closed:
            self._lists[kind] = _Seen(kind, list(cast("Sequence[Any]", found)), self.now())
            self._rouse()

    def close(self, *, final: bool = True) -> None:
        """写完（最多一小会儿），放手；可重复调用。``final`` 为假的以后还会再记。"""
        with self._starting:  # 别的线程正要开写的线程：要么看见关了，要么被我们停下
            self._closed = self._closed or final
            self._resting.set()
            thread = self._thread
        self._wake.set()
        if thread is not None and waits.join(thread, _CLOSE_S):
            self._thread = None

    # ---- 看

    def read(self, first: str, last: str, deadline: float) -> list[Kept]:
        """这几天（``2026-11-30``，含两头）记下的，连同还没有写的；最晚到 ``deadline``。

        Raises:
            JournalError: 读不出来。
        """

        def look() -> list[Kept]:
            self._write(deadline, everything=True)
            try:
                return self._days.read(first, last, deadline)
            finally:
                if self._thread is None:
                    self._days.close()

        try:
            return self._lock.run(deadline, look)
        except TimeoutError as exc:
            raise JournalError(f"往日的账读不出来：{exc}") from exc

    def intents(self, start_s: float, end_s: float, deadline: float) -> list[Intent]:
        """这一段里用 ``client_order_id`` 发的。

        Raises:
            JournalError: 读不出来。
        """
        if not self._storage.has_intents():
            return []
        found, owner = self._storage.open(deadline)
        try:
            return found.between(start_s, end_s, deadline)
        finally:
            found.close()
            owner.close()

    # ---- 内部

    def _add(self, seen: _Seen) -> None:
        if self._closed:
            return
        if len(self._queue) >= MOST:
            self._complain(f"写得太慢，排了 {MOST} 条")
            return
        self._queue.append(seen)
        self._rouse()

    def _rouse(self) -> None:
        if self._thread is None or self._resting.is_set():
            self._start()
        if not self._wake.is_set():
            self._wake.set()

    def _start(self) -> None:
        with self._starting:
            if self._closed or (self._thread is not None and self._thread.is_alive()):
                return  # 还在跑，或被磁盘拖住了还没有停下：不等它
            self._resting.clear()
            thread = threading.Thread(target=self._run, name="easytrader-daybook", daemon=True)
            try:
                thread.start()
            except RuntimeError as exc:  # 系统开不出新线程
                self._complain(str(exc))
                return
            self._thread = thread

    def _run(self) -> None:
        while True:
            quiet = not self._wake.wait(_TICK_S)
            self._wake.clear()  # 先清再看要不要停：停的那一声不会被清掉
            resting = self._resting.wait(_BATCH_S)
            until = time.monotonic() + _WRITE_S
            work = partial(self._write, until, everything=resting, even_nothing=quiet or resting)
            with suppress(TimeoutError):  # 有人正在读，它会替我们写
                self._lock.run(until, work)
            if resting:
                self._span = _APART
                self._days.close()
                return
            if self._left:
                self._resting.wait(_AGAIN_S)
            if self._lists or self._left:  # 还没有到看它们的时候，或上次没有写下去
                self._wake.set()

    def _write(self, deadline: float, *, everything: bool, even_nothing: bool = True) -> None:
        """把攒着的写下去（拿着锁）。写不下去的留着再试，说一声。

        ``everything``：也看查到的一整批；``even_nothing``：什么都没有也记一次「还连着」。
        """
        now = time.monotonic()
        if now < self._again and not everything:
            return
        batch: list[_Seen] = []
        if everything or now - self._looked >= _LISTS_S:
            self._looked = now
            batch += [self._lists.pop(kind) for kind in list(self._lists)]
        while self._queue:
            batch.append(self._queue.popleft())
        kept, self._left = self._left, []
        kept += self._kept(batch) if batch or even_nothing else []
        if not kept:
            return
        try:
            self._days.put(kept, deadline)
        except JournalError as exc:
            self._left = kept[-MOST:]  # 下次再写；太多的丢掉
            self._again = time.monotonic() + _AGAIN_S
            self._complain(str(exc))
        else:
            self._trouble = ""

    def _complain(self, why: str) -> None:
        if not self._trouble:
            self._log.warning("往日的账记不下来（{}）；交易不受影响", why)
        self._trouble = why

    def _kept(self, batch: Iterable[_Seen]) -> list[Kept]:
        found: list[Kept] = []
        if len(self._written) > _REMEMBERED:
            self._written.clear()
        for seen in batch:
            try:
                found += self._rows(seen)
            except Exception as exc:  # noqa: BLE001, PERF203  边界：后端的记录里什么都可能有
                self._complain(f"读不懂的记录：{exc!r}")
        if self._span.day:
            found += self._connected()
        return found

    def _rows(self, seen: _Seen) -> list[Kept]:
        kind, what = seen.kind, seen.what
        if kind == ORDER:
            orders = what if isinstance(what, list) else [what]
            return [row for each in orders for row in self._order(each, seen.at)]
        if kind == TRADE:
            trades = what if isinstance(what, list) else [what]
            return [row for each in trades for row in self._trade(each, seen)]
        if kind == ASSET:
            return self._asset(what, seen.at)
        if kind == POSITIONS:
            return self._positions(what, seen.at)
        found = self._connected(seen.at) if self._span.day else []
        self._span = _APART
        connected, wall = what
        if connected:
            self._token = secrets.token_hex(4)
            self._span = _Span(self.day.text(seen.at), seen.at, wall, seen.at, wall)
        return found

    def _order(self, order: OrderLike, at: float) -> list[Kept]:
        number = order.order_id
        filled, status = exact(order.traded_volume), order.order_status
        state: tuple[Any, ...] = (status, filled, order.order_time, order.traded_price)
        junk = status == OrderStatus.JUNK  # 为什么废了，可能晚一点才知道
        if self._written.get((ORDER, number)) == state and not junk:
            return []
        row = self._row_of(order)
        if junk:
            state = (*state, row["status_msg"])
            if self._written.get((ORDER, number)) == state:
                return []
        self._written[ORDER, number] = state
        rank = order_rank(row)
        data = {"row": row, "tag": rows.tag_of(order)}
        return [Kept(self._day(order.order_time, at), ORDER, str(number), rank, at, data)]

    def _trade(self, trade: TradeLike, seen: _Seen) -> list[Kept]:
        key = trade_key(trade)
        known = TRADE, (key, trade.traded_time)  # 成交编号只在当天唯一
        before = self._written.get(known)
        if before is not None and before >= seen.delivered:
            return []
        self._written[known] = seen.delivered
        data = {"row": rows.trade_row(trade), "fee": _fee(trade)}
        day = self._day(trade.traded_time, seen.at)
        rank = DELIVERED if seen.delivered else SEEN
        return [Kept(day, TRADE, _text(key), rank, seen.at, data)]

    def _asset(self, asset: AssetLike, at: float) -> list[Kept]:
        day, data = self.day.text(at), {"row": rows.asset_row(asset)}
        late, early = f"{at:020.6f}", f"{1e12 - at:020.6f}"
        found = [Kept(day, ASSET, f"{int(at // 60):010d}", late, at, data)]
        if self._written.get((ASSET, FIRST)) != day:
            self._written[ASSET, FIRST] = day
            found.append(Kept(day, ASSET, FIRST, early, at, data))
        return found

    def _positions(self, held: Sequence[PositionLike], at: float) -> list[Kept]:
        found = [rows.position_row(each) for each in held]
        volumes = self.day.text(at), [(each["stock_code"], each["volume"]) for each in found]
        if self._held[0] == volumes and 0 <= at - self._held[1] < _SAME_S:
            return []
        self._held = volumes, at
        return [Kept(volumes[0], POSITIONS, "last", f"{at:020.6f}", at, {"rows": found})]

    def _connected(self, at: float | None = None) -> list[Kept]:
        """连着的这一段，到此刻为止；过了零点另起一段，从上一次说话的时候接着。"""
        at = self.now() if at is None else at
        wall, day = time.time(), self.day.text(at)
        span, found = self._span, []
        if day != span.day:
            found.append(self._kept_span())
            self._span = _Span(day, span.to, span.wall_to, at, wall)
        else:
            self._span = span._replace(to=at, wall_to=wall)
        return [*found, self._kept_span()]

    def _kept_span(self) -> Kept:
        day, since, wall_since, to, wall_to = self._span
        data = {"from": since, "to": to, "wall_from": wall_since, "wall_to": wall_to}
        return Kept(day, SPAN, f"{self._token}-{day}", f"{to:020.6f}", since, data)

    def _day(self, epoch_s: float, at: float) -> str:
        """柜台说的时刻是哪一天；没有说、不可信的按看到的时候。"""
        return self.day.text(epoch_s if 0 < epoch_s <= at + _AHEAD_S else at)


def order_rank(row: Mapping[str, Any]) -> str:
    """一行委托有多新：终态、成交量、状态、有没有合同编号，按文字比。"""
    status = row["order_status"]
    return (
        f"{status in FINAL_STATUSES:d}{float(exact(row['traded_volume'])):020.4f}"
        f"{STATUS_RANK.get(status, -1) + 1:02d}{bool(row['order_sysid']):d}"
    )


def trade_text(row: Mapping[str, Any]) -> str:
    """一行成交在一天里的身份，作 ``key``。"""
    return _text(trade_key(cast("TradeLike", SimpleNamespace(**row))))


def _text(key: tuple[Any, ...]) -> str:
    return "|".join(map(str, key))


def _fee(trade: TradeLike) -> float:
    """柜台说的这笔成交的费用，元；没有说为 0。"""
    fee = getattr(trade, "commission", 0.0)
    return float(fee) if isinstance(fee, (int, float)) else 0.0
