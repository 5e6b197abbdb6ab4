"""威胁的测试住的房子：在跑的服务器，带着网页；请求一个字节一个字节地自己写。"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

from page_world import Site
from raw_ws import answer

from easytrader.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from pathlib import Path

ORDER = b'{"security":"BTC/USDT","price":9.5,"amount":1}'
LOOPBACK = "127.0.0.1"
BUY = "/v1/accounts/a/buy"


class House:
    """一个在跑的服务器，带着网页；柜台在内存里，看得见有没有委托。"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = MemoryBroker()
        self.trader = self.broker.trader()
        self.broker.connect(self.trader, timeout=5)
        self.site = Site(folder, {"a": self.trader})
        self.port = self.site.host.port
        self.trade, self.read = self.site.trade, self.site.read

    def close(self) -> None:
        self.site.close()
        self.trader.close()

    @property
    def orders(self) -> int:
        return len(self.broker.counter.orders)

    @property
    def here(self) -> str:
        return f"127.0.0.1:{self.port}"

    def open(self, method: str, path: str, *lines: str, body: bytes = b"") -> socket.socket:
        """发一个请求，不等应答；``lines`` 是所有的头。"""
        if body:
            lines = (*lines, f"Content-Length: {len(body)}")
        text = "\r\n".join((f"{method} {path} HTTP/1.1", *lines, "Connection: close", "", ""))
        link = socket.create_connection((LOOPBACK, self.port), 60)
        link.sendall(text.encode("latin-1") + body)
        return link

    def ask(self, method: str, path: str, *lines: str, body: bytes = b"") -> int:
        """发一个请求；状态码，没有应答就断了的是 0。"""
        return self.told(method, path, *lines, body=body)[0]

    def told(
        self, method: str, path: str, *lines: str, body: bytes = b""
    ) -> tuple[int, dict[str, str], Any]:
        with self.open(method, path, *lines, body=body) as link:
            try:
                status, headers, text = answer(link)
            except ConnectionError:
                return 0, {}, None
            return status, headers, json.loads(text) if text[:1] in (b"{", b"[") else text

    def buy(self, *lines: str, body: bytes = ORDER) -> int:
        """下一笔单，``lines`` 里没有的头一概不带。"""
        return self.ask("POST", BUY, *lines, body=body)

    def sign_in(self, token: str = "") -> tuple[str, str]:
        """从网页登录：(cookie, 网页自己保管的值)。"""
        status, headers, told = self.told(
            "POST", "/session", f"Host: {self.here}", f"Origin: http://{self.here}",
            "Content-Type: application/json",
            body=json.dumps({"token": token or self.trade}).encode(),
        )  # fmt: skip
        assert status == 200
        return headers["set-cookie"].partition(";")[0], told["session"]

    def audited(self) -> list[dict[str, Any]]:
        files = sorted((self.folder / "audit").glob("*.jsonl"))
        return [json.loads(line) for each in files for line in each.read_bytes().splitlines()]


JSON = "Content-Type: application/json"


def bearer(token: str) -> str:
    return f"Authorization: Bearer {token}"
