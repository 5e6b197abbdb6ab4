"""被测后端的把手：一致性测试经它造交易口、看柜台、出故障。"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.trader import Trader

_WITHIN_S: Final = 10.0


class Unsupported(Exception):  # noqa: N818  不是错误：这个后端没有这个把手，测试因此跳过
    """后端没有这个把手；信息里说缺什么。"""


class Broker(ABC):
    """一个后端、一个可以随便下单的账号，每个测试一个新的。

    Attributes:
        security: 可以买卖的证券，账号里有 ``held`` 那么多可卖。
        amount: 一笔的数量。
        resting_price: 限价买单挂着不成交的价格。
        crossing_price: 限价买单马上成交的价格。
        refused_amount: 数量合法而柜台会拒绝的（钱不够）。
        timeout_s: 测试里每个调用的期限，秒。
        limit_s: 一个测试最多做这么久，秒；没有做完算失败。
        query_lag_s: 新委托最慢多久才查得到，秒；查询是缓存的柜台要给。
        finds_out: 应答丢了的，后端自己会去柜台上核对：可以给出真的结果，不一定说「结果未知」。
    """

    security: str
    amount: Any = 100
    resting_price: Any
    crossing_price: Any
    refused_amount: Any = None
    timeout_s: float = 3.0
    limit_s: float = 60.0
    query_lag_s: float = 0.0
    finds_out: bool = False

    # ---- 一定要给的

    @abstractmethod
    def trader(self) -> Trader:
        """一个新的、还没有连接的交易口。"""

    @abstractmethod
    def connect(self, trader: Trader, callback: Any = None, **options: Any) -> None:
        """连到这个账号；``options`` 原样交给交易口的 ``connect``。"""

    # ---- 可以给的：没有的，用到它的测试跳过

    def break_link(self) -> None:
        """断线，并且在 `restore_link` 之前连不上。"""
        self._lacks("断线")

    def restore_link(self) -> None:
        """又能连上了。"""
        self._lacks("恢复连接")

    def lose_answer(self, verb: Literal["submit", "cancel", "query"]) -> None:
        """下一个这种请求，柜台照办而没有应答。"""
        self._lacks(f"丢掉 {verb} 的应答")

    def break_after_submit(self) -> None:
        """下一笔委托，柜台收下之后、应答之前断线；马上就能重连。"""
        self._lacks("收下委托之后断线")

    def close(self) -> None:  # noqa: B027  可以不给
        """收尾。"""

    # ---- 给测试用的

    def orders_at_counter(self) -> list[dict[str, Any]]:
        """柜台上当日的全部委托，从一个新的交易口看。"""
        watcher = self.trader()
        try:
            self.connect(watcher)
            threading.Event().wait(self.query_lag_s)
            return [dict(each) for each in watcher.today_entrusts]
        finally:
            watcher.close()

    def _lacks(self, what: str) -> NoReturn:
        raise Unsupported(f"{type(self).__name__} 没有这个把手：{what}")


class Recorder:
    """记下每个回调的回调对象；``doing`` 指定某个回调里做什么。"""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.doing: dict[str, Callable[[Any], None]] = {}
        self._changed = threading.Condition()

    def of(self, name: str) -> list[Any]:
        """收到的某一种回调的参数。"""
        with self._changed:
            return [argument for kind, argument in self.events if kind == name]

    def wait_for(self, name: str, count: int = 1, within_s: float = _WITHIN_S) -> list[Any]:
        """等到某一种回调来了 ``count`` 次。"""
        with self._changed:
            arrived = self._changed.wait_for(
                lambda: sum(kind == name for kind, _ in self.events) >= count, within_s
            )
            assert arrived, f"没有等到 {count} 个 {name}：{[kind for kind, _ in self.events]}"
        return self.of(name)

    def _take(self, name: str, argument: Any = None) -> None:
        with self._changed:
            self.events.append((name, argument))
            self._changed.notify_all()
        doing = self.doing.get(name)
        if doing is not None:
            doing(argument)

    def on_connected(self) -> None:
        """连上了。"""
        self._take("connected")

    def on_disconnected(self) -> None:
        """断开了。"""
        self._take("disconnected")

    def on_stock_order(self, order: Any) -> None:
        """委托变动。"""
        self._take("order", order)

    def on_stock_trade(self, trade: Any) -> None:
        """成交。"""
        self._take("trade", trade)

    def on_order_error(self, error: Any) -> None:
        """下单失败。"""
        self._take("order_error", error)


def eventually(check: Callable[[], object], told: str = "", within_s: float = _WITHIN_S) -> None:
    """等一个条件成立；到期就失败。只用在另一个线程、进程要做完一件事的地方。"""
    pause = threading.Event()
    deadline = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < deadline, told or f"{within_s:g} 秒内没有等到 {check}"
        pause.wait(0.01)
