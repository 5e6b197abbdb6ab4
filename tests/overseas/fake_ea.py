"""假的 EA：VeighNa 的 MT5 桥的另一头，一个净额账户，有钱、有委托，会出故障。

说的话照 vnpy_mt5 2024.3.12 的源码：请求 ROUTER，推送 PUB，都是 JSON。
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from typing import Any

import zmq

from easytrader.testing import eventually

ADD, UPDATE, DELETE, DEAL, REQUEST = 0, 1, 2, 6, 10
PLACED, CANCELED, PARTIAL, FILLED = 1, 2, 3, 4


class FakeEa:
    """一个终端、一个账户；一手就是一份，没有杠杆。

    Attributes:
        faults: 接下来要出的故障，出一次就没了：``lose-submit lose-cancel lose-query`` 照办而不答，
            ``drop-submit`` 没有收到一样，``late-query`` 晚 ``late_s`` 秒才答，
            ``garbage-query`` 答一段不是 JSON 的，``break-submit`` 收下委托就断线。
        market_tells_comment: 市价单的新增推送带不带备注；真的 EA 据 vnpy_mt5 看是不带的。
        silent: 推送口不出声。
    """

    def __init__(self, prices: dict[str, float], *, cash: float = 1_000_000.0) -> None:
        self.account, self.cash = "DEMO-778812", cash
        self.prices = dict(prices)
        self.held: dict[str, float] = {}
        self.open: dict[int, dict[str, Any]] = {}
        self.everything: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.faults: set[str] = set()
        self.refuse_later = 0
        self.late_s = 0.3
        self.market_tells_comment = False
        self.silent = False
        self._numbers = itertools.count(50_000_001)
        self._lock = threading.RLock()
        self._context = zmq.Context()
        self._up = threading.Event()
        self._req: Any = None
        self._pub: Any = None
        self.req_port = self.sub_port = 0
        self._thread: threading.Thread | None = None
        self.start()

    # ---- 起停

    def start(self) -> None:
        """起来；再起时还是那两个端口。"""
        with self._lock:
            self._req, self._pub = self._bound(zmq.ROUTER, "req"), self._bound(zmq.PUB, "sub")
            self._up.set()
            self._thread = threading.Thread(target=self._serve, name="fake-ea", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """断线：两个口都关掉；账还在。"""
        self._up.clear()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(5)

    def close(self) -> None:
        self.stop()
        self._context.destroy(0)

    def _bound(self, kind: int, name: str) -> Any:
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        port = getattr(self, f"{name}_port")
        if port:
            eventually(lambda: self._again(socket, port))  # 关掉的端口过一小会儿才空出来
        else:
            setattr(self, f"{name}_port", socket.bind_to_random_port("tcp://127.0.0.1"))
        return socket

    def _again(self, socket: Any, port: int) -> bool:
        try:
            socket.bind(f"tcp://127.0.0.1:{port}")
        except zmq.ZMQError:
            return False
        return True

    # ---- 一问一答

    def _serve(self) -> None:
        told_at = 0.0
        while self._up.is_set():
            if self._req.poll(10):
                identity, _, raw = self._req.recv_multipart()
                self._take(identity, json.loads(raw))
            if time.monotonic() - told_at > 0.05:
                told_at = time.monotonic()
                self.tell_account()
        with self._lock:
            self._req.close(0)
            self._pub.close(0)

    def _take(self, identity: bytes, request: dict[str, Any]) -> None:
        self.requests.append(request)
        verb = {4: "submit", 5: "cancel"}.get(request["type"], "query")
        with self._lock:
            faults = {each.partition("-")[0] for each in self.faults if each.endswith(verb)}
            self.faults -= {f"{each}-{verb}" for each in faults}
            if "drop" in faults:
                return
            answer = self._do(request)
            if "break" in faults:
                self._up.clear()
                threading.Thread(target=self._restart, name="fake-ea-restart", daemon=True).start()
            if faults & {"break", "lose"}:
                return
            payload = b"{not json" if "garbage" in faults else json.dumps(answer).encode()
            if "late" in faults:
                later = threading.Timer(self.late_s, self._reply, (identity, payload))
                later.daemon = True
                later.start()
            else:
                self._reply(identity, payload)

    def _restart(self) -> None:
        self.stop()
        self.start()

    def _reply(self, identity: bytes, payload: bytes) -> None:
        with self._lock:
            if not self._req.closed:
                self._req.send_multipart([identity, b"", payload])

    def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        kind = request["type"]
        if kind == 0:
            data = [
                {"symbol": each, "lot_size": 1, "digits": 5, "min_lot": 0.01}
                for each in self.prices
            ]
            return {"data": data}
        if kind == 1:
            return {"data": [dict(each) for each in self.open.values()]}
        if kind == 3:
            self.tell_price(request["symbol"])
            return {"data": {"result": True}}
        if kind == 4:
            return {"data": self._submit(request)}
        if kind == 5:
            return {"data": {"result": self._cancel(request["ticket"])}}
        return {"result": -1}

    # ---- 柜台

    def _submit(self, request: dict[str, Any]) -> dict[str, Any]:
        symbol, volume, cmd = request["symbol"], request["volume"], request["cmd"]
        price = request["price"] if cmd >= 2 else self.prices[symbol]
        buys = cmd % 2 == 0
        if buys and price * volume > self.free:
            return {"result": False, "comment": "No money"}
        if self.refuse_later:
            code, self.refuse_later = self.refuse_later, 0
            self._tell_request(request, 0, code)
            return {"result": True, "comment": ""}
        ticket = next(self._numbers)
        order = {
            "order": ticket, "symbol": symbol, "order_type": cmd, "order_price": price,
            "order_volume_initial": volume, "order_volume_current": volume, "order_state": PLACED,
            "order_comment": request["comment"], "order_time_setup": int(time.time()),
        }  # fmt: skip
        self.open[ticket] = order
        self.everything.append(order)
        shown = order if cmd >= 2 or self.market_tells_comment else {**order, "order_comment": ""}
        self._tell_order(shown, ADD)
        if cmd < 2:
            deal = self._fill(order, self.prices[symbol], volume, shown)
            self._tell_request(request, ticket, 10009, deal, self.prices[symbol], volume)
        else:
            self._match(order)
        return {"result": True, "comment": ""}

    @property
    def free(self) -> float:
        """还能用的钱。"""
        return self.cash - self._margin()

    def _margin(self) -> float:
        resting = [each for each in self.open.values() if each["order_type"] % 2 == 0]
        return float(sum(each["order_price"] * each["order_volume_current"] for each in resting))

    def _match(self, order: dict[str, Any]) -> None:
        last, buys = self.prices[order["symbol"]], order["order_type"] % 2 == 0
        if last <= order["order_price"] if buys else last >= order["order_price"]:
            self._fill(order, last, order["order_volume_current"], order)

    def _fill(self, order: dict[str, Any], price: float, volume: float, shown: Any) -> int:
        buys = order["order_type"] % 2 == 0
        sign = 1 if buys else -1
        self.cash -= sign * price * volume
        symbol = order["symbol"]
        self.held[symbol] = round(self.held.get(symbol, 0) + sign * volume, 8)
        left = round(order["order_volume_current"] - volume, 8)
        order["order_volume_current"], order["order_state"] = left, PARTIAL if left else FILLED
        shown = {**shown, "order_volume_current": left}
        deal = next(self._numbers)
        self._tell_order(shown, DEAL, deal=deal, trans_price=price, trans_volume=volume)
        if left:
            self._tell_order(shown, UPDATE, trans_state=PARTIAL)
        else:
            del self.open[order["order"]]
            self._tell_order(shown, DELETE, trans_state=FILLED)
        self.tell_account()
        return deal

    def _cancel(self, ticket: int) -> bool:
        order = self.open.pop(ticket, None)
        if order is None:
            return False
        order["order_state"] = CANCELED
        self._tell_order(order, DELETE, trans_state=CANCELED)
        return True

    # ---- 给测试的

    def move(self, symbol: str, price: float) -> None:
        """现价变了：挂着的到价就成交。"""
        with self._lock:
            self.prices[symbol] = price
            for order in list(self.open.values()):
                if order["symbol"] == symbol:
                    self._match(order)
            self.tell_price(symbol)

    def fill(self, ticket: int, volume: float) -> None:
        """挂着的成交一部分。"""
        with self._lock:
            order = self.open[ticket]
            self._fill(order, order["order_price"], volume, order)

    def place_by_hand(self, symbol: str, price: float, volume: float) -> int:
        """终端里手工挂的一笔，没有备注。"""
        with self._lock:
            request = {"symbol": symbol, "price": price, "volume": volume, "cmd": 2, "comment": ""}
            self._submit(request)
            found: int = self.everything[-1]["order"]
            return found

    def push(self, raw: bytes) -> None:
        """推一段随便什么。"""
        with self._lock:
            if not self._pub.closed and not self.silent:
                self._pub.send(raw)

    def tell_account(self) -> None:
        """账户与持仓。"""
        with self._lock:
            margin = self._margin()
            value = sum(self.prices[each] * volume for each, volume in self.held.items())
            data = {"name": self.account, "balance": round(self.cash + value, 6), "margin": margin}
            self._push({"type": "account", "data": {**data, "margin_free": self.cash - margin}})
            held = [
                {"symbol": symbol, "type": 0 if volume > 0 else 1, "volume": abs(volume),
                 "price": self.prices[symbol], "current_profit": 0.0}
                for symbol, volume in self.held.items() if volume
            ]  # fmt: skip
            self._push({"type": "position", "data": held} if held else {"type": "position"})

    def tell_price(self, symbol: str) -> None:
        """一个品种的报价，外汇没有成交价。"""
        price = self.prices[symbol]
        bid, ask = round(price - 0.0001, 6), round(price + 0.0001, 6)
        row = {"symbol": symbol, "bid": bid, "ask": ask, "last": 0.0, "last_volume": 0,
               "last_high": 0.0, "last_low": 0.0, "bid_high": bid, "ask_high": ask,
               "bid_low": bid, "ask_low": ask}  # fmt: skip
        self._push({"type": "price", "data": [row]})

    def _tell_order(self, order: dict[str, Any], kind: int, **more: Any) -> None:
        told = {**order, "trans_type": kind, "trans_state": order["order_state"],
                "deal": 0, "trans_price": 0.0, "trans_volume": 0.0, **more}  # fmt: skip
        self._push({"type": "order", "data": told})

    def _tell_request(
        self, request: dict[str, Any], ticket: int, code: int,
        deal: int = 0, price: float = 0.0, volume: float = 0.0,
    ) -> None:  # fmt: skip
        data = {"order": 0, "trans_type": REQUEST, "request_comment": request["comment"],
                "result_order": ticket, "result_retcode": code, "result_deal": deal,
                "result_price": price, "result_volume": volume}  # fmt: skip
        self._push({"type": "order", "data": data})

    def _push(self, packet: dict[str, Any]) -> None:
        self.push(json.dumps(packet).encode())
