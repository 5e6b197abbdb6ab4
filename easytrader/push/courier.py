"""交付：推送从后端来，去重、理顺次序之后，交给用户的回调和 `events()`，各恰好一次。"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend.records import (
    CallbackReplaced,
    HealthChanged,
    OrderChanged,
    OrderRefused,
    Traded,
)
from easytrader.basics import waits
from easytrader.basics.days import A_SHARES
from easytrader.basics.numbers import exact
from easytrader.errors import ClosedError
from easytrader.push.dispatch import Dispatcher
from easytrader.push.ledger import DeliveryLedger
from easytrader.push.sequence import HOLD_S, Sequencer
from easytrader.push.table import callback_name, contents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from easytrader.backend.records import OrderLike, PushEvent, TradeLike
    from easytrader.basics.log import Log
    from easytrader.basics.numbers import OrderId

LOST_S: Final = 1.9
"""查得到、这么久还没有收到推送，就是漏了。"""

KEEP_S: Final = 15.0
"""成交查得到而委托还查不到，最多压这么久。"""

_NO_QUEUE: Final[dict[str, Any]] = {
    "queue_depth": 0,
    "queue_lag_s": 0.0,
    "queue_merged": 0,
    "behind": False,
}


class Courier:
    """一个 trader 的交付口。

    Args:
        log: 日志口。
        delivered: 一条推送要交付了（在分发线程上，回调之前）。
        met: 第一次见到一笔委托（在分发线程上）。
        status: 此刻的健康状况，作 ``on_health`` 的参数。
        day_of: Unix 秒 → 哪一天，见 `DeliveryLedger`。
        spread_s: 委托与它的成交，先后最多差几秒，见 `Sequencer`。
    """

    def __init__(
        self,
        log: Log,
        *,
        delivered: Callable[[PushEvent], None],
        met: Callable[[OrderLike], None],
        status: Callable[[], Mapping[str, Any]],
        day_of: Callable[[float], int] = A_SHARES.day_of,
        spread_s: float = HOLD_S,
    ) -> None:
        self._log = log
        self._delivered = delivered
        self._met = met
        self._status = status
        self.callback: Any = None
        """用户的回调对象。"""
        self._hooks: Mapping[str, Callable[..., None] | None] = {}
        self._lock = threading.Lock()
        self._dispatcher: Dispatcher | None = None
        self._ledger = DeliveryLedger(day_of)
        self._sequencer = Sequencer(self._ledger, spread_s)
        self._primed = False
        self.handed = 0
        """交付了多少条。"""
        # 查得到而没有收到推送的 → 从何时起
        self._lacking: dict[Any, float] = {}

    def start(self, callback: Any, hooks: Mapping[str, Callable[..., None] | None]) -> None:
        """开始交付；已经开始的换一个回调。"""
        self.callback = callback
        self._hooks = hooks
        with self._lock:
            if self._dispatcher is None:
                self._dispatcher = Dispatcher(
                    self._log,
                    self._hand_over,
                    self._sequencer,
                    lambda: self.deliver(HealthChanged()),
                )
                self._dispatcher.start()  # 先放好：被 Ctrl-C 打断在这里，close() 也关得掉

    def deliver(self, event: PushEvent) -> None:
        """来了一条推送。任何线程，不阻塞。"""
        dispatcher = self._dispatcher
        if dispatcher is None:
            return
        if isinstance(event, CallbackReplaced):
            self.callback = event.callback
        else:
            dispatcher.put(event)

    def catch_up(self, orders: list[Any], trades: list[Any]) -> None:
        """连上之后查到的全部委托与成交：第一次只记下，以后把错过的补交。

        Raises:
            ClosedError: 已经关闭。
        """
        dispatcher = self._dispatcher
        if dispatcher is None:
            raise ClosedError("这个 trader 已经关闭")
        if self._primed:
            dispatcher.put(lambda: self._replay(orders, trades))
        else:
            self._primed = True
            dispatcher.put(lambda: self._prime(orders, trades))

    def settle(self, timeout_s: float, *, last: bool = False) -> bool:
        """等已经来的都交付完，见 `Dispatcher.settle`。"""
        dispatcher = self._dispatcher
        return dispatcher is None or dispatcher.settle(timeout_s, last=last)

    def run(self, job: Callable[[], None], timeout_s: float) -> bool:
        """在分发线程上、两个回调之间做一件事；到期没有轮到、正在回调里、没有开始交付的为假。"""
        dispatcher = self._dispatcher
        if dispatcher is None or dispatcher.on_this_thread:
            return False
        done = threading.Event()
        dispatcher.put(job)
        dispatcher.put(done.set)
        return waits.event(done, timeout_s)

    @property
    def in_callback(self) -> bool:
        """当前是不是正在回调里。"""
        dispatcher = self._dispatcher
        return dispatcher is not None and dispatcher.on_this_thread

    def reconcile(self, orders: list[Any], trades: list[Any]) -> None:
        """连着的时候查到的全部委托与成交：推送漏了的补交。

        刚发生的推送可能还在路上，所以过了 ``LOST_S`` 还没有收到的才算漏了，免得抢在推送前面。
        """
        dispatcher = self._dispatcher
        if dispatcher is not None and self._primed:
            dispatcher.put(lambda: self._reconcile(orders, trades))

    def facts(self) -> dict[str, Any]:
        """给 `user.status`：队列的深浅。"""
        dispatcher = self._dispatcher
        return dict(_NO_QUEUE) if dispatcher is None else dispatcher.facts()

    def close(self, timeout_s: float) -> bool:
        """交付完已经来的，结束；False 表示某个回调还没有返回。可重复调用。"""
        dispatcher = self._dispatcher
        if dispatcher is None:
            return True
        done = dispatcher.close(timeout_s)  # 被 Ctrl-C 打断的，再来一次接着等
        with self._lock:
            if self._dispatcher is dispatcher:
                self._dispatcher = None
        return done

    # ---- 在分发线程上

    def _hand_over(self, event: PushEvent) -> None:
        """去重后交给用户。"""
        if not self._is_new(event):
            return
        self.handed += 1
        try:
            self._delivered(event)
        except Exception:  # noqa: BLE001  边界：别人写的存储抛什么都不能耽误回调
            self._log.exception("事件没有记下来，events() 会说有遗漏；回调照常")
        name = callback_name(event)
        args = (self._status(),) if isinstance(event, HealthChanged) else contents(event)
        try:
            hook = self._hooks.get(name)
            if hook is not None:
                hook(*args)
        finally:
            method = getattr(self.callback, name, None)
            if method is not None:
                method(*args)

    def _is_new(self, event: PushEvent) -> bool:
        if isinstance(event, OrderChanged):
            if not self._ledger.knows(event.order.order_id):
                self._met(event.order)
            return self._ledger.is_new_order_state(event.order)
        if isinstance(event, Traded):
            return self._ledger.is_new_trade(event.trade)
        if isinstance(event, OrderRefused):
            return self._ledger.is_new_rejection(event.error.order_id)
        return True

    def _prime(self, orders: list[Any], trades: list[Any]) -> None:
        """连接之前的委托、成交不算事件。"""
        for order in orders:
            self._ledger.is_new_order_state(order)
        for trade in trades:
            self._ledger.is_new_trade(trade)

    def _reconcile(self, orders: list[Any], trades: list[Any]) -> None:
        ledger = self._ledger
        trades_left = {_trade_key(each): each for each in trades if not ledger.has_trade(each)}
        orders_left = {_order_key(each): each for each in orders if ledger.lacks_state(each)}
        now, before = time.monotonic(), self._lacking
        self._lacking = {key: before.get(key, now) for key in (*trades_left, *orders_left)}
        lost = {key for key, since in self._lacking.items() if now - since >= LOST_S}
        lost_trades = [each for key, each in trades_left.items() if key in lost]
        lost_orders = [each for key, each in orders_left.items() if key in lost]
        if lost_trades or lost_orders:
            told = "客户端漏推了 {} 笔成交、{} 个委托状态，补交"
            self._log.info(told, len(lost_trades), len(lost_orders))
            self._replay(lost_orders, lost_trades)

    def _in_order(self, orders: list[Any], trades: list[Any]) -> list[PushEvent]:
        """查到的状态与成交，每笔委托按该交的次序。

        委托与成交是先后两次查询，成交可能比状态新：状态里算到的成交在它之前，其余在它之后。
        连委托都还查不到的成交、成交还查不到的状态先压着，等另一半来了一起交：查询是缓存。
        """
        of_order: dict[OrderId, list[TradeLike]] = {}
        for trade in trades:
            of_order.setdefault(trade.order_id, []).append(trade)
        events: list[PushEvent] = []
        for order in orders:
            found = of_order.pop(order.order_id, [])
            fresh = [Traded(each) for each in found if not self._ledger.has_trade(each)]
            if self._sequencer.is_short(order, fresh):
                for trade in fresh:
                    self._sequencer.keep(trade, self._sequencer.spread_s)
                self._sequencer.keep(OrderChanged(order), self._sequencer.spread_s)
                continue
            early, late, pushed = self._sequencer.pop(order.order_id)
            mine = {_trade_key(each): each for each in found}
            mine.update((_trade_key(each.trade), each.trade) for each in pushed)
            before, after = self._split(order, list(mine.values()))
            events += [*early, *before, *late, OrderChanged(order), *after]
        for number, rest in of_order.items():
            for trade in rest:
                event = Traded(trade)
                if self._ledger.knows(number):
                    events.append(event)
                elif not self._ledger.has_trade(trade):
                    self._sequencer.keep(event, KEEP_S)
        return events

    def _split(
        self, order: OrderLike, trades: list[TradeLike]
    ) -> tuple[list[Traded], list[Traded]]:
        """没有交付过的成交：状态里算到的，和比状态新的。"""
        counted = self._ledger.traded(order.order_id)
        whole = exact(order.traded_volume)
        before: list[Traded] = []
        after: list[Traded] = []
        for trade in trades:
            if self._ledger.has_trade(trade):
                continue
            (before if counted < whole else after).append(Traded(trade))
            counted += exact(trade.traded_volume)
        return before, after

    def _replay(self, orders: list[Any], trades: list[Any]) -> None:
        """补交错过的；压着等前后文的推送，连同一起理顺。"""
        events = self._in_order(orders, trades)
        for event in events:
            try:
                self._hand_over(event)
            except BaseException:  # noqa: BLE001, PERF203  边界：一条回调出错不能吞掉后面补交的
                self._log.exception("回调出错，已跳过，后续回调照常")


def _order_key(order: OrderLike) -> tuple[Any, ...]:
    return (order.order_id, order.order_status, order.traded_volume)


def _trade_key(trade: TradeLike) -> tuple[Any, ...]:
    return (trade.order_id, trade.traded_id, trade.traded_time, trade.traded_volume, "trade")
