"""自己的老虎网关：HTTP，核对 RSA 签名，管着钱与委托，会出故障。"""

from __future__ import annotations

import base64
import itertools
import json
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=1024)
PEM: Final = _KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
).decode()
TIGER_ID: Final = "20150001"
ACCOUNT: Final = "20190106192148007"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True
    allow_reuse_address = True
    gateway: Tiger

    def handle_error(self, request: Any, client_address: Any) -> None:
        """对面断了不必打印。"""


class Tiger:
    """一个网关、一个账户。"""

    def __init__(self) -> None:
        self.prices = {"AAPL": 200.0, "00700": 320.0}
        self.cash, self.held = 10_000_000.0, {"AAPL": 10_000}
        self.orders: dict[int, dict[str, Any]] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.bad_signatures = 0
        self.up = True
        self.silent: set[str] = set()
        """照办而不应答一次的。"""
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {}
        """接口 → 下一次不办，只答这个（HTTP 状态，正文）。"""
        self.page = 300
        self.break_after_submit = False
        self.lock = threading.RLock()
        self.released = threading.Event()
        self._numbers = itertools.count(40_130_901_147_389_952)
        self.peers: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.gateway = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/gateway"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="tiger", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """关掉，等线程都结束。"""
        self.released.set()
        self.drop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def drop(self) -> None:
        """把连着的都断开。"""
        for peer in self.peers.copy():
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def signed(self, params: dict[str, Any]) -> bool:
        """签名对不对：除 sign 以外的，按名字排好拼起来。"""
        sign = params.pop("sign", "")
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in params.items()}
        content = "&".join(f"{k}={texts[k]}" for k in sorted(texts)).encode()
        try:
            _KEY.public_key().verify(
                base64.b64decode(sign), content, padding.PKCS1v15(), hashes.SHA1()
            )
        except Exception:
            return False
        return bool(params["tiger_id"] == TIGER_ID)

    def answer(self, method: str, ask: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """办一件事：HTTP 状态与正文。"""
        self.requests.append((method, ask))
        if method in self.answers:
            return self.answers.pop(method)
        if ask.get("account") != ACCOUNT:
            return 200, {"code": 1010, "message": "biz param error(account)"}
        with self.lock:
            told = getattr(self, f"_on_{method}")(ask)
        self._match()
        if isinstance(told, str):
            return 200, {"code": 1300, "message": told}
        return 200, {"code": 0, "message": "success", "data": told}

    # ---- 接口

    def _on_prime_assets(self, ask: dict[str, Any]) -> Any:
        held = sum(self.prices[code] * volume for code, volume in self.held.items())
        segment = {
            "category": "S", "currency": "USD", "capability": "RegTMargin",
            "cashBalance": self.cash, "cashAvailableForTrade": self.cash,
            "grossPositionValue": held, "netLiquidation": self.cash + held, "lockedFunds": 0.0,
            "currencyAssets": [{"currency": "USD", "cashBalance": self.cash}],
        }  # fmt: skip
        return {"accountId": ACCOUNT, "updateTimestamp": 1, "segments": [segment]}

    def _on_assets(self, ask: dict[str, Any]) -> Any:
        row = {
            "account": ACCOUNT, "currency": "USD", "netLiquidation": self.cash,
            "availableFunds": self.cash / 2, "grossPositionValue": 0.0,
        }  # fmt: skip
        return {"items": [row]}

    def _on_positions(self, ask: dict[str, Any]) -> Any:
        rows = [
            {
                "account": ACCOUNT, **_contract(code), "position": volume, "averageCost": 150.0,
                "marketValue": volume * self.prices[code], "latestPrice": self.prices[code],
                "salableQty": volume, "positionScale": 0,
            }
            for code, volume in self.held.items()
        ]  # fmt: skip
        return {"items": rows}

    def _on_orders(self, ask: dict[str, Any]) -> Any:
        rows = [each for each in self.orders.values() if each["openTime"] >= ask["start_date"]]
        first = int(ask.get("page_token") or 0)
        last = first + min(self.page, ask["limit"])
        return {"items": rows[first:last], "nextPageToken": str(last) if rows[last:] else None}

    def _on_place_order(self, ask: dict[str, Any]) -> Any:
        code, volume = ask["symbol"], ask["total_quantity"]
        if code not in self.prices:
            return f"bad_request:We don't support trading of this stock now: {code}"
        price = ask.get("limit_price") or self.prices[code]
        if ask["action"] == "BUY" and price * volume > self.cash:
            return "bad_request:Insufficient buying power"
        if ask["action"] == "SELL" and volume > self.held.get(code, 0):
            return "bad_request:The order quantity exceeds your currently available position"
        number = next(self._numbers)
        self.orders[number] = {
            "id": number, "orderId": 0, "account": ACCOUNT, **_contract(code),
            "action": ask["action"], "orderType": ask["order_type"], "totalQuantity": volume,
            "totalQuantityScale": 0, "filledQuantity": 0, "filledQuantityScale": 0,
            "avgFillPrice": 0.0, "limitPrice": ask.get("limit_price"), "status": "Submitted",
            "openTime": int(time.time() * 1000), "latestTime": int(time.time() * 1000),
            "userMark": ask.get("user_mark", ""), "timeInForce": ask["time_in_force"],
        }  # fmt: skip
        return {"id": number, "orderId": 0, "subIds": [], "orders": []}

    def _on_cancel_order(self, ask: dict[str, Any]) -> Any:
        order = self.orders.get(ask["id"])
        if order is None or order["status"] != "Submitted":
            return "bad_request:The order can not be cancelled"
        order["status"] = "Cancelled"
        return {"id": order["id"]}

    # ---- 柜台

    def fill(self, number: int, volume: int, price: float) -> None:
        """成交这么多。"""
        with self.lock:
            order = self.orders[number]
            paid = order["avgFillPrice"] * order["filledQuantity"] + price * volume
            order["filledQuantity"] += volume
            order["avgFillPrice"] = paid / order["filledQuantity"]
            order["latestTime"] = int(time.time() * 1000)
            if order["filledQuantity"] == order["totalQuantity"]:
                order["status"] = "Filled"
            signed = volume if order["action"] == "BUY" else -volume
            self.cash -= price * signed
            self.held[order["symbol"]] = self.held.get(order["symbol"], 0) + signed

    def _match(self) -> None:
        with self.lock:
            for each in self.orders.values():
                if each["status"] != "Submitted":
                    continue
                last, price = self.prices[each["symbol"]], each["limitPrice"]
                buys = each["action"] == "BUY"
                if price is None or (price >= last if buys else price <= last):
                    self.fill(each["id"], each["totalQuantity"] - each["filledQuantity"], last)


def _contract(code: str) -> dict[str, Any]:
    hk = code.isdigit()
    return {
        "symbol": code, "secType": "STK", "market": "HK" if hk else "US",
        "currency": "HKD" if hk else "USD",
    }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = "HTTP/1.1", True
    server: _Server
    _named: ClassVar[dict[str, str]] = {"Content-Type": "application/json"}

    def setup(self) -> None:
        super().setup()
        self.server.gateway.peers.add(self.connection)

    def finish(self) -> None:
        self.server.gateway.peers.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def do_POST(self) -> None:
        """一个请求。"""
        gateway = self.server.gateway
        params = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not gateway.up:
            self.close_connection = True
            return
        if not gateway.signed(params):
            gateway.bad_signatures += 1
            told = {"code": 1000, "message": "common param error(failed to verify signature)"}
            self._write(200, told)
            return
        method = params["method"]
        status, told = gateway.answer(method, json.loads(params.get("biz_content") or "{}"))
        if method == "place_order" and gateway.break_after_submit:
            gateway.break_after_submit = False
            self.close_connection = True
        elif method in gateway.silent:
            gateway.silent.discard(method)
            self.close_connection = True
            gateway.released.wait(20)
        else:
            self._write(status, told)

    def _write(self, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        with suppress(OSError):
            self.send_response(status)
            for name, value in self._named.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """不记。"""
