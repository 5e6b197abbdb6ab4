"""`Desk`：一次会话的 VeighNa 那一半：不要窗口的 ``MainEngine`` 与一个接口。

每次会话都是新的：VeighNa 的缓存从不清理，密码错过一次的 CTP 接口也不会再登录。
"""

from __future__ import annotations

import inspect
import os
import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from loguru import logger

from easytrader.basics.threads import Aside, call_aside
from easytrader.errors import NotConnectedError, UsageError
from easytrader.gateways import convert
from easytrader.gateways.book import Book, trade_key
from easytrader.gateways.mends import mended
from easytrader.gateways.package import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend import records
    from easytrader.gateways.logs import Logs

_KINDS: Final = {
    "EVENT_ACCOUNT": "account", "EVENT_CONTRACT": "contract", "EVENT_ORDER": "order",
    "EVENT_POSITION": "position", "EVENT_TICK": "tick", "EVENT_TRADE": "trade",
}  # fmt: skip
_DRAIN: Final = "eEasytraderDrain"
_IN_FLIGHT_S: Final = 35.0
"""关之前最多等还在接口里面的调用这么久：RPC 的一个请求最多 30 秒。"""
_building: Final = threading.Lock()


class Heard(Protocol):
    """接口推来东西时告诉谁；都在 VeighNa 的事件线程上，不得阻塞。"""

    def heard(self, kind: str, data: Any) -> None:
        """推来一样，`Book` 已经记下。"""

    def heard_log(self, line: Any) -> None:
        """接口写了一行日志。"""

    def ticked(self) -> None:
        """又过了一秒。"""

    def died(self) -> None:
        """事件线程没了：什么都不会再推来。"""


class Desk:
    """一个接口与它的事件线程。

    Args:
        gateway_type: ``BaseGateway`` 的子类；老的构造函数只收一个参数，也行。
        logs: 它写的日志放在这里。
        heard: 推来东西时告诉它。

    Raises:
        UsageError: 接口造不出来。
    """

    def __init__(self, gateway_type: type[Any], logs: Logs, heard: Heard) -> None:
        self.vt = load()
        self.logs = logs
        self._heard = heard
        self._closing: Aside[None] | None = None
        self._idle = threading.Condition()
        self._calls = 0
        """正在接口里面的调用。"""
        self.events = _events_type()()
        self.events.died = heard.died
        # 不是守护线程的话，脚本没有 close() 就出错时，进程永远退不出去
        for each in (self.events._thread, self.events._timer):  # noqa: SLF001  没有公开的名字
            each.daemon = True
            each.name = "easytrader-vnpy"
        self.main = _main_engine(self.vt, self.events)
        try:
            self.gateway = self._new_gateway(gateway_type)
        except BaseException:
            self.close(0)
            raise
        self.account_id = ""
        """资金账号；登录之后放上。"""
        self.name: str = self.gateway.gateway_name
        self.book = Book(self.name)
        for name, kind in _KINDS.items():
            self.events.register(getattr(self.vt, name), self._taker(kind))
        self.events.register(self.vt.EVENT_LOG, self._take_log)
        self.events.register(self.vt.EVENT_TIMER, lambda _: heard.ticked())
        self.events.register(_DRAIN, lambda event: event.data.set())

    @property
    def changed(self) -> threading.Condition:
        """推来东西就通知。"""
        return self.book.changed

    # ---- 给委托的

    def send(self, request: Any) -> Any:
        """下单，返回 ``vt_orderid``；本地拒绝的返回空串。写得随便的接口返回什么都可能。"""
        return self.call(self.gateway.send_order, request)

    def cancel(self, request: Any) -> None:
        """撤单。"""
        self.call(self.gateway.cancel_order, request)

    def call(self, verb: Callable[..., Any], *arguments: Any) -> Any:
        """调用接口的一个动词：关了之后不再调，关的时候等它回来。

        Raises:
            NotConnectedError: 已经关闭；什么都没有发出。
        """
        with self._idle:
            if self._closing is not None:
                raise NotConnectedError("这个接口已经关闭；什么都没有发出")
            self._calls += 1
        try:
            return verb(*arguments)
        finally:
            with self._idle:
                self._calls -= 1
                self._idle.notify_all()

    def convert(self, request: Any) -> list[Any]:
        """按持仓拆开平今、平昨；要平的比有的多，返回空的。"""
        found: list[Any] = self.main.convert_order_request(request, self.name, False, False)
        return found

    def order(self, orderid: str) -> Any | None:
        """一笔委托，按不带接口名的编号。"""
        return self.book.orders.get(orderid)

    def orders(self) -> list[Any]:
        """推来过的全部委托。"""
        return list(self.book.orders.values())

    def contract(self, symbol: str, exchange: str) -> Any | None:
        """一个合约，交易所写名字。"""
        return self.book.contract(symbol, exchange)

    def row(self, order: Any) -> records.Order:
        """一笔 ``OrderData`` 自己的样子。"""
        place, book = (order.symbol, order.exchange.name), self.book
        return convert.order(
            order,
            book.contracts.get(place),
            self.account_id,
            seen_at=book.seen_at.get(order.orderid, 0.0),
            average=book.average_of(order.orderid),
        )

    def deal(self, trade: Any) -> records.Trade:
        """一笔 ``TradeData``。"""
        place = trade.symbol, trade.exchange.name
        seen_at = self.book.seen_at.get(trade_key(trade), 0.0)
        return convert.trade(trade, self.book.contracts.get(place), self.account_id, seen_at)

    def positions(self, symbol: str, exchange: str) -> list[Any]:
        """一个合约的持仓，多空各一项。"""
        return [
            each
            for each in self.book.positions()
            if each.symbol == symbol and each.exchange.name == exchange
        ]

    def log_mark(self) -> int:
        """此刻最后一行日志的序号。"""
        return self.logs.mark()

    def log_since(self, mark: int) -> list[str]:
        """这个序号之后的日志。"""
        return self.logs.since(mark)

    def drain(self, timeout_s: float) -> bool:
        """等事件线程做完此刻排着的；到期、在事件线程自己上返回 False。"""
        if self.is_here:
            return False
        done = threading.Event()
        self.events.put(self.vt.Event(_DRAIN, done))
        return done.wait(timeout_s)

    def alive(self) -> bool:
        """事件线程还在。"""
        return bool(self.events._thread.is_alive())  # noqa: SLF001

    @property
    def is_here(self) -> bool:
        """正在事件线程上。"""
        return threading.current_thread() is self.events._thread  # noqa: SLF001

    # ---- 给会话的

    def check(self, *, waits: bool = True) -> None:
        """还能用，而且不在它自己的事件线程上。

        Args:
            waits: 接下来要等它推来什么；只看已经推来的为 False。

        Raises:
            NotConnectedError: 不能；什么都没有发出。
        """
        if waits and self.is_here:
            told = "不能在 VeighNa 的事件线程（event_engine 的处理函数）里等应答：它等的正是自己"
            raise NotConnectedError(f"{told}；请放到别的线程上。什么都没有发出")
        if self._closing is not None:
            raise NotConnectedError("这个接口已经关闭；什么都没有发出")
        if not self.alive():
            raise NotConnectedError("VeighNa 的事件线程没了，接口推不出东西来；什么都没有发出")

    def connect(self, setting: dict[str, Any], deadline: float) -> None:
        """让接口去连：到期就不等了，有的接口连不通会卡到永远。

        Raises:
            AbandonedError: 到期还没有返回。
        """
        limit_s = max(0.0, deadline - time.monotonic())
        call_aside(lambda: self.gateway.connect(setting), limit_s, name="easytrader-vnpy-connect")

    def close(self, limit_s: float) -> None:
        """收尾，最多等这么久；VeighNa 自己要一秒，卡住的接口丢在守护线程上。可重复调用。"""
        with self._idle:
            first = self._closing is None
            if first:
                self._closing = Aside(self._close, "easytrader-vnpy-close")
        closing = self._closing
        assert closing is not None
        if first:
            try:
                closing.start()
            except RuntimeError:  # 解释器正在退出，开不出线程：连接跟着进程断
                return
        if limit_s > 0 and not self.is_here:
            closing.thread.join(limit_s)

    # ---- 内部

    def _close(self) -> None:
        # CTP 一类的接口关了之后，谁再调它一下（包括它自己的定时查询）就是空指针，整个进程没了：
        # 先停事件线程，等里面的调用都回来，再关
        self.events.quit()
        self.events._thread.join(_IN_FLIGHT_S)  # noqa: SLF001  没有公开的名字
        with self._idle:
            self._idle.wait_for(lambda: not self._calls, _IN_FLIGHT_S)
        gateway = getattr(self, "gateway", None)
        if gateway is not None:
            self.main.gateways.pop(gateway.gateway_name, None)
        for close in (*(() if gateway is None else (gateway.close,)), self.main.close):
            try:
                close()
            except Exception as exc:  # noqa: BLE001, PERF203  边界：接口怎么关都不碍着别的
                logger.warning("关 VeighNa 的接口时出错：{!r}", exc)

    def _new_gateway(self, gateway_type: type[Any]) -> Any:
        name = str(getattr(gateway_type, "default_name", "") or gateway_type.__name__)
        name = name.replace(".", "_")  # VeighNa 自己按点切开编号，接口的名字里不能有
        try:
            parameters = inspect.signature(gateway_type).parameters
            gateway = mended(gateway_type)(*(self.events, name)[: min(2, len(parameters))])
        except Exception as exc:
            form = f"这个接口造不出来：{exc!r}"
            raise UsageError("gateway", gateway_type.__name__, form) from exc
        self.main.gateways[gateway.gateway_name] = gateway
        for each in getattr(gateway, "exchanges", ()):
            if each not in self.main.exchanges:
                self.main.exchanges.append(each)
        return gateway

    def _taker(self, kind: str) -> Callable[[Any], None]:
        def take(event: Any) -> None:
            if self.book.take(kind, event.data):
                self._heard.heard(kind, event.data)

        return take

    def _take_log(self, event: Any) -> None:
        if event.data.gateway_name == self.name:
            self._heard.heard_log(self.logs.take(event.data.msg))
            self.book.wake()


@lru_cache(maxsize=1)
def _events_type() -> type[Any]:
    """处理函数抛异常打不死的事件线程：VeighNa 自己的，一个异常就永远不再推送。"""
    return type("GuardedEvents", (_Guarded, load().EventEngine), {})


if TYPE_CHECKING:
    _Base = Any
else:
    _Base = object


class _Guarded(_Base):  # type: ignore[misc]
    """``EventEngine`` 之上的一层，见 `_events_type`。"""

    died: Callable[[], None] | None = None

    def __init__(self) -> None:
        super().__init__()
        self._told: set[tuple[str, type[BaseException]]] = set()
        self._stopping = threading.Event()

    def _process(self, event: Any) -> None:
        if self._stopping.is_set():
            return
        for handler in (*self._handlers.get(event.type, ()), *self._general_handlers):
            try:
                handler(event)
            except Exception as exc:  # noqa: BLE001, PERF203  边界：接口推来什么都可能
                self._tell(event, handler, exc)

    def _tell(self, event: Any, handler: Any, error: Exception) -> None:
        name = getattr(handler, "__qualname__", repr(handler))
        if (name, type(error)) not in self._told:  # 一样的只说一次
            self._told.add((name, type(error)))
            told = "VeighNa 的 {} 事件，{} 处理时出错，跳过：{!r}"
            logger.opt(exception=error).warning(told, event.type, name, error)

    def _run(self) -> None:
        try:
            super()._run()
        except BaseException as exc:  # noqa: BLE001  处理函数里的 SystemExit 之类
            logger.error("VeighNa 的事件线程退出了：{!r}", exc)
        if self.died is not None:
            self.died()

    def _run_timer(self) -> None:
        # 原来的每轮睡一秒，关的时候要等它醒
        while not self._stopping.wait(self._interval):
            self.put(_timer())

    def quit(self) -> None:
        """就要停了，不等它。"""
        self._stopping.set()
        self._active = False
        self.put(_timer())  # 叫醒正等着的

    def stop(self) -> None:
        """停下，不等下一秒。"""
        self.quit()
        super().stop()


def _timer() -> Any:
    vt = load()
    return vt.Event(vt.EVENT_TIMER)


class _StayHere:
    """``os``，只是不换工作目录。"""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @staticmethod
    def chdir(_: object) -> None:
        """``MainEngine()`` 要换到用户目录去：脚本里的相对路径就都错了。"""


def _main_engine(vt: Any, events: Any) -> Any:
    with _building:
        vt.engine.os = _StayHere()
        try:
            return vt.MainEngine(events)
        finally:
            vt.engine.os = os
