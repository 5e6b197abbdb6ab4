"""两家走 ZeroMQ 的接口（VeighNa 的 RPC、MT5）自己的毛病，造的时候补上。

原样的：应答一次没有等到，请求口就永远卡住；收推送的线程一个异常就没了，此后什么都不推；
对面没了只在屏幕上打印一行；关要等三十秒。核对过的是 vnpy_rpcservice 1.1.0、vnpy_mt5 2024.3.12
的源码，对着真的 RPC 服务与假的 EA 跑过。
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.errors import NotConnectedError

if TYPE_CHECKING:
    _Base = Any
else:
    _Base = object

_HERE: Final = ("127.", "localhost", "[::1]")
_SLICE_MS: Final = 100
_SILENT_S: Final = 30.0
"""RPC 服务每 10 秒一次心跳，这么久没有就是断了：vnpy 自己也是 30 秒。"""
_CALLS: Final = (
    "subscribe", "send_order", "cancel_order", "query_history", "get_all_contracts",
    "get_all_accounts", "get_all_positions", "get_all_orders", "get_all_trades",
)  # fmt: skip
_ADDED: Final = 0
_PLACED: Final = 1
"""MQL5 的 ``TRADE_TRANSACTION_ORDER_ADD``、``ORDER_STATE_PLACED``。"""
_ACTIVE: Final = ("SUBMITTING", "NOTTRADED", "PARTTRADED")


def mended(kind: type[Any]) -> type[Any]:
    """补好了的接口类；别家的原样。"""
    for each in kind.__mro__:
        make = _MENDS.get(each.__module__.partition(".")[0])
        if make is not None:
            bases: tuple[type[Any], ...] = (make, kind)
            return type(kind.__name__, bases, {"__module__": kind.__module__})
    return kind


class Mended(_Base):  # type: ignore[misc]
    """两家共有的：有期限的请求口，打不死的接收线程。"""

    limit_s = 10.0
    """一次请求最多等这么久，秒。"""

    def _mend(self, client: Any, context: Any, request: Any, pushes: Any) -> None:
        zmq = _module("zmq")
        for each in (request, pushes):
            each.setsockopt(zmq.LINGER, 0)
        self._context = context
        self._told: set[str] = set()
        client.run = partial(self._receive, client, request, pushes)

    def close(self) -> None:
        """关；没有连过的也关干净。"""
        super().close()
        self._context.destroy(0)

    def _receive(self, client: Any, request: Any, pushes: Any) -> None:
        """收推送，到关为止；对面没了说一声。"""
        zmq, monitor = _module("zmq"), _module("zmq.utils.monitor")
        gone = request.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        poller = zmq.Poller()
        for each in (gone, pushes):
            poller.register(each, zmq.POLLIN)
        heard_at, is_told = time.monotonic(), False
        try:
            while self._is_active(client):
                ready = dict(poller.poll(_SLICE_MS))
                if gone in ready:
                    monitor.recv_monitor_message(gone)
                    self.write_log("对面断开了连接（disconnected）")
                if pushes in ready:
                    heard_at, is_told = time.monotonic(), False
                    self._take(pushes.recv_multipart(zmq.NOBLOCK))
                elif self.beats and not is_told and time.monotonic() - heard_at > _SILENT_S:
                    is_told = True
                    self.write_log(f"对面 {_SILENT_S:g} 秒没有心跳，当作断开了（disconnected）")
        finally:
            request.disable_monitor()
            for each in (gone, request, pushes):
                each.close(0)

    def _take(self, frames: list[bytes]) -> None:
        try:
            self._pushed(frames)
        except Exception as exc:  # noqa: BLE001  边界：推来什么都可能，线程不能没了
            told = repr(exc)[:200]
            if told not in self._told:
                self._told.add(told)
                self.write_log(f"推来的一样看不懂，跳过：{told}")


class _Rpc(Mended):
    """VeighNa 的 RPC：推来的合约记下归谁；资金、持仓问得到；语言不一样的说出来。"""

    beats = True

    def __init__(self, events: Any, name: str) -> None:
        super().__init__(events, name)
        zmq = _module("zmq")
        client = self.client
        request, pushes = client._socket_req, client._socket_sub  # noqa: SLF001
        # 没有等到的应答不要了，下一个请求照样发；晚到的应答不会当成下一个的
        request.setsockopt(zmq.REQ_RELAXED, 1)
        request.setsockopt(zmq.REQ_CORRELATE, 1)
        self._mend(client, client._context, request, pushes)  # noqa: SLF001
        self._seen: dict[str, tuple[bool, float]] = {}

    def connect(self, setting: dict[str, Any]) -> None:
        """连接；期限是每个请求各自的。"""
        for each in _CALLS:
            call = getattr(self.client, each)
            setattr(self.client, each, partial(call, timeout=int(self.limit_s * 1000)))
        far = [each for each in setting.values() if not _is_here(str(each))]
        if far:
            told = "{} 不是本机：VeighNa 的 RPC 用 pickle，没有口令，谁连得上谁就能执行代码；"
            self.write_log(f"警告：{told.format('、'.join(map(str, far)))}只在信得过的网络里用")
        try:
            super().connect(setting)
        except ValueError as exc:
            told = "两边的语言要一样（环境变量 LANG、LANGUAGE），Python、vnpy 的版本也最好一样"
            raise ValueError(f"看不懂 RPC 服务推来的：{exc}。{told}") from exc

    def query_account(self) -> None:
        """再问一次资金，连同委托、成交：推送多的时候 ZeroMQ 会丢。"""
        for account in self.client.get_all_accounts():
            account.gateway_name = self.gateway_name
            account.__post_init__()
            self.on_account(account)
        for verb, found in (
            (self.on_order, self.client.get_all_orders()),
            (self.on_trade, self.client.get_all_trades()),
        ):
            for each in found:
                each.gateway_name = self.gateway_name
                each.__post_init__()
                verb(each)

    def query_position(self) -> None:
        """再问一次持仓。"""
        for position in self.client.get_all_positions():
            position.gateway_name = self.gateway_name
            position.__post_init__()
            self.on_position(position)

    def on_order(self, order: Any) -> None:
        """问来的委托：推送已经更新的，不退回去。"""
        if self._is_news(order):
            super().on_order(order)

    def client_callback(self, topic: str, event: Any) -> None:
        """推来的一样。"""
        data = event.data
        if hasattr(data, "pricetick"):  # 连上之后才来的合约，原来的不记它归谁
            self.symbol_gateway_map[data.vt_symbol] = data.gateway_name
        elif hasattr(data, "is_active") and hasattr(data, "traded"):
            self._is_news(data)
        super().client_callback(topic, event)

    def _is_news(self, order: Any) -> bool:
        over, traded = order.status.name not in _ACTIVE, float(order.traded)
        was_over, was_traded = self._seen.get(order.orderid, (False, -1.0))
        if (was_over and not over) or traded < was_traded:
            return False
        self._seen[order.orderid] = over, traded
        return True

    def _pushed(self, frames: list[bytes]) -> None:
        import pickle

        topic, payload = frames
        if topic.decode() != "heartbeat":
            event = pickle.loads(payload)  # noqa: S301  VeighNa 的协议就是它
            if event is not None:
                self.client_callback(topic.decode(), event)

    @staticmethod
    def _is_active(client: Any) -> bool:
        return bool(client._active)  # noqa: SLF001


class _Mt5(Mended):
    """MT5：请求有期限；``ZoneInfo`` 没有 ``localize``，第一个委托事件就打死了接收线程。"""

    beats = False

    def __init__(self, events: Any, *name: str) -> None:
        super().__init__(events, *name)
        module = sys.modules[_package_of(type(self), "vnpy_mt5").__module__]
        module.generate_local_datetime = partial(_at, module.CHINA_TZ)  # type: ignore[attr-defined]
        # 推送比 send_order 的应答先到的，等它把委托记下再看，不然就丢了
        self._gate = threading.RLock()
        client = self.client
        self._mend(client, client.context, client.socket_req, client.socket_sub)
        client.send_request = self._ask

    def send_order(self, req: Any) -> str:
        """下单。"""
        with self._gate:
            return str(super().send_order(req))

    def on_order_info(self, packet: dict[str, Any]) -> None:
        """委托变了；原来的收到「新增」不往上报，一直停在提交中。"""
        with self._gate:
            super().on_order_info(packet)
            self._look(packet)

    def on_trade(self, trade: Any) -> None:
        """成交；编号原来是整数。"""
        trade.tradeid = str(trade.tradeid)
        trade.__post_init__()
        super().on_trade(trade)

    def _look(self, packet: dict[str, Any]) -> None:
        data = packet["data"]
        order = self.orders.get(self.sys_local_map.get(str(data["order"]), ""))
        is_new = data["trans_type"] == _ADDED and data["order_state"] == _PLACED
        if is_new and order is not None and order.status.name == "SUBMITTING":
            order.status = type(order.status)["NOTTRADED"]
            self.on_order(order)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        client = self.client
        if not client.active:  # 原来的给一个空的，变成 KeyError
            raise NotConnectedError("与 EA 的连接已断开；什么都没有发出")
        with client.lock:  # 原来的有锁而不用
            client.socket_req.send_json(request)
            if not client.socket_req.poll(int(self.limit_s * 1000)):
                # 请求口从此不能用了：当作断了，重连时换一个新的
                told = f"EA {self.limit_s:g} 秒没有应答"
                self.write_log(f"{told}，当作断开了（disconnected）")
                client.active = False
                raise TimeoutError(told)
            return cast("dict[str, Any]", client.socket_req.recv_json())

    def _pushed(self, frames: list[bytes]) -> None:
        import json

        self.client.callback(json.loads(frames[0]))

    @staticmethod
    def _is_active(client: Any) -> bool:
        return bool(client.active)


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _at(zone: Any, timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, zone)


def _package_of(kind: type[Any], package: str) -> type[Any]:
    """祖先里这个包的那个类；补过的类在前面，略过。"""
    found = [each for each in kind.__mro__ if each.__module__.partition(".")[0] == package]
    return found[-1]


def _is_here(address: str) -> bool:
    return address.partition("://")[2].startswith(_HERE)


_MENDS: Final[dict[str, type[Any]]] = {"vnpy_rpcservice": _Rpc, "vnpy_mt5": _Mt5}
