"""分发线程：用户的回调只在这一个线程上跑。

回调里可以下单、撤单、查询、`close()`：应答在别的线程上收，这里怎么等都不会互相卡住。
回调抛异常记进日志（带回溯），分发继续。
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend.records import (
    AccountChanged,
    AssetChanged,
    HealthChanged,
    OrderChanged,
    PositionChanged,
)
from easytrader.basics import waits
from easytrader.push.table import callback_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.records import PushEvent
    from easytrader.basics.log import Log
    from easytrader.push.sequence import Sequencer

CAPACITY: Final = 10_000
_LATE_S: Final = 5.0
"""排了这么久还没轮到，就说一声落后了。"""

Item = tuple["PushEvent | Callable[[], None]", float]
"""(推送或要做的事, 入队时刻)"""

_ONE_OF_EACH: Final = (AssetChanged, AccountChanged, HealthChanged)


class Backlog:
    """等着交付的推送：先进先出，有上限，不丢成交。任何线程都可以放，一个线程取。

    上限以内原样排着。超过上限（用户的回调太慢）之后，同一笔委托只留最新的状态，账号、资金、持仓的
    推送也只留最新的；成交一条不丢。所以最多是上限 + 当天的委托数 + 当天的成交数。
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.merged = 0
        """合并掉多少条。"""
        self._items: OrderedDict[Any, Item] = OrderedDict()
        self._number = 0
        self._ready = threading.Condition(threading.Lock())
        self._waiting = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, what: PushEvent | Callable[[], None]) -> int:
        """放进去；返回现在排着几条。"""
        now = time.monotonic()
        with self._ready:
            self._number += 1
            key: Any = self._number
            depth = len(self._items)
            if depth >= self.capacity:
                key = _merge_key(what) or key
                if self._items.pop(key, None) is not None:
                    self.merged += 1
            self._items[key] = (what, now)
            if self._waiting:
                self._ready.notify()
            return depth + 1

    def take(self, timeout_s: float | None) -> Item | None:
        """取最早的一条；到期没有返回 None。"""
        with self._ready:
            if not self._items:
                self._waiting = True
                try:
                    self._ready.wait(timeout_s)
                finally:
                    self._waiting = False
            return self._items.popitem(last=False)[1] if self._items else None

    def oldest_at(self) -> float | None:
        """最早的一条是几时来的（``time.monotonic``）；没有排着的为 None。"""
        with self._ready:
            first = next(iter(self._items.values()), None)
        return None if first is None else first[1]

    def oldest_s(self) -> float:
        """最早的一条排了多久，秒。"""
        at = self.oldest_at()
        return 0.0 if at is None else time.monotonic() - at


def _merge_key(what: PushEvent | Callable[[], None]) -> Any:
    if isinstance(what, OrderChanged):
        return OrderChanged, what.order.order_id
    if isinstance(what, PositionChanged):
        return PositionChanged, what.position.stock_code
    return type(what) if isinstance(what, _ONE_OF_EACH) else None


class Dispatcher:
    """先进先出地交付推送、执行交给它的任务。

    Args:
        log: 日志口。
        hand_over: 交付一条推送（在分发线程上）。
        sequencer: 理顺次序的。
        on_behind: 开始落后、或赶上了，说一声（任何线程，不阻塞）。
        capacity: 队列超过这么多条就合并，见 `Backlog`。
    """

    def __init__(
        self,
        log: Log,
        hand_over: Callable[[PushEvent], None],
        sequencer: Sequencer,
        on_behind: Callable[[], None],
        capacity: int = CAPACITY,
    ) -> None:
        self._log = log
        self._hand_over = hand_over
        self._sequencer = sequencer
        self._on_behind = on_behind
        self._backlog = Backlog(capacity)
        self._closed = threading.Event()
        self._running: tuple[PushEvent | None, float] | None = None
        self.behind = False
        """回调跟不上推送。"""
        self._thread = threading.Thread(target=self._run, name="easytrader-callbacks", daemon=True)

    def start(self) -> None:
        """开始交付。"""
        self._thread.start()

    def put(self, what: PushEvent | Callable[[], None]) -> None:
        """排队；关闭之后忽略。不阻塞。"""
        if self._closed.is_set():
            return
        depth = self._backlog.put(what)
        if not self.behind and depth > 1:
            self._watch_depth(depth)

    def settle(self, timeout_s: float, *, last: bool = False) -> bool:
        """等已经排着的都交付完；到期、关了、或还压着一条等前后文的为假。

        ``last``：不会再有别的来了，压着的不必再等，也交。
        """
        done: list[bool] = []
        reached = threading.Event()

        def mark() -> None:
            if last:
                self._deliver(self._sequencer.flush())
            done.append(self._sequencer.next_due_s() is None)
            reached.set()

        self.put(mark)
        return reached.wait(timeout_s) and done[0]

    @property
    def on_this_thread(self) -> bool:
        """当前是不是正在回调里。"""
        return threading.current_thread() is self._thread

    def facts(self) -> dict[str, Any]:
        """给 `user.status`：``queue_depth queue_lag_s queue_merged behind``。"""
        running = self._running
        busy_s = 0.0 if running is None else time.monotonic() - running[1]
        return {
            "queue_depth": len(self._backlog),
            "queue_lag_s": round(max(self._backlog.oldest_s(), busy_s), 3),
            "queue_merged": self._backlog.merged,
            "behind": self.behind,
        }

    def close(self, timeout_s: float) -> bool:
        """做完已排队的任务后结束；在回调里调用时不等自己。

        Returns:
            线程是否已经（或即将，当在回调里调用时）结束；False 表示某个回调还没有返回。
        """
        if not self._closed.is_set():
            self._closed.set()
            self._backlog.put(_nothing)
        return waits.join(self._thread, timeout_s)

    # ---- 内部

    def _run(self) -> None:
        while True:
            item = self._backlog.take(self._sequencer.next_due_s())
            if item is not None:
                what = item[0]
                if callable(what):
                    self._do(what, None)
                else:
                    self._deliver(self._sequencer.offer(what))
                if self.behind:
                    self._caught_up()
            if self._closed.is_set() and not self._backlog:
                self._deliver(self._sequencer.flush())
                return
            # 等的也许早就来了，正排着：回调慢不算它没有来
            self._deliver(self._sequencer.due(self._backlog.oldest_at()))

    def _deliver(self, events: list[PushEvent]) -> None:
        for event in events:
            self._do(partial(self._hand_over, event), event)

    def _do(self, job: Callable[[], None], event: PushEvent | None) -> None:
        self._running = event, time.monotonic()
        try:
            job()
        except BaseException:  # noqa: BLE001  边界：用户的回调做什么（包括 sys.exit）分发都不停
            self._log.exception("回调出错，已跳过，后续回调照常")
        finally:
            self._running = None

    def _watch_depth(self, depth: int) -> None:
        running = self._running
        late_s = 0.0 if running is None else time.monotonic() - running[1]
        if depth < self._backlog.capacity and late_s < _LATE_S:
            return
        self.behind = True
        name = "" if running is None or running[0] is None else callback_name(running[0])
        doing = f"，{name} 已执行 {late_s:.1f} 秒" if name else ""
        self._log.warning(
            "回调跟不上推送：排着 {} 条{}；超过 {} 条之后同一笔委托只留最新状态，成交不丢",
            depth, doing, self._backlog.capacity,
        )  # fmt: skip
        self._on_behind()

    def _caught_up(self) -> None:
        if len(self._backlog) > self._backlog.capacity // 10 or self._backlog.oldest_s() > 1.0:
            return
        self.behind = False
        self._log.info("回调已经跟上推送，合并掉 {} 条", self._backlog.merged)
        self._on_behind()


def _nothing() -> None:
    """叫醒分发线程。"""
