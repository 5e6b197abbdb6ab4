"""最小的 TWS：一个账户，有钱、有委托，会出故障；说的是真的线路协议（服务器版本 178）。

消息的次序照 ib_async 2.1.0 的解码器；盈透自己的 TWS 没有在这里看过。
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Any

VERSION = 178


@dataclass(frozen=True)
class Listed:
    """一个合约。"""

    con_id: int
    symbol: str
    kind: str = "STK"
    exchange: str = "SMART"
    primary: str = "NASDAQ"
    currency: str = "USD"
    local: str = ""
    multiplier: str = ""
    name: str = ""
    step: str = "1"

    def wire(self) -> list[Any]:
        """委托、成交、持仓里的合约。"""
        return [self.con_id, self.symbol, self.kind, "", "0", "?", self.multiplier, self.exchange,
                self.currency, self.local or self.symbol, self.symbol]  # fmt: skip


LISTED = [
    Listed(265598, "AAPL", name="APPLE INC", step="0.0001"),
    Listed(2747, "700", exchange="SEHK", primary="SEHK", currency="HKD", name="TENCENT"),
    Listed(12087792, "EUR", "CASH", "IDEALPRO", "", "USD", "EUR.USD", step="0.01"),
    Listed(495512563, "ES", "FUT", "CME", "", "USD", "ESZ6", "50"),
    Listed(111, "TWIN", exchange="SMART", primary="NYSE", name="TWIN ONE"),
    Listed(222, "TWIN", exchange="SMART", primary="ARCA", name="TWIN TWO"),
    Listed(444, "VUSD", primary="LSEETF", name="VANGUARD"),
    Listed(333, "BRK B", primary="NYSE", name="BERKSHIRE"),
]


class Link:
    """一个连着的客户。"""

    def __init__(self, conn: socket.socket) -> None:
        self.conn, self.client_id, self.lock = conn, -1, threading.Lock()

    def send(self, *fields: Any) -> None:
        body = "".join(f"{each}\0" for each in fields).encode()
        with contextlib.suppress(OSError), self.lock:
            self.conn.sendall(struct.pack(">I", len(body)) + body)

    def drop(self) -> None:
        with contextlib.suppress(OSError):
            self.conn.shutdown(socket.SHUT_RDWR)


class TwsServer:
    """一个 TWS。

    Attributes:
        faults: 接下来要出的故障，出一次就没了：``lose-submit lose-cancel lose-query`` 照办而不答，
            ``break-submit`` 收下委托就断线，``silent`` 握手不答，
            ``no-completed``、``no-executions`` 从来不说这一样（这三个一直如此）。
        refuse: 下一笔委托用这个错误编号拒绝，如 321；``notice`` 是提醒。
    """

    def __init__(self, *, cash: float = 1_000_000.0, accounts: str = "DU7788112,") -> None:
        self.accounts, self.account = accounts, accounts.split(",")[0]
        self.cash = {"USD": cash}
        self.prices = {265598: 200.0, 222: 5.0, 333: 480.0, 444: 110.0, 2747: 400.0}
        self.prices |= {12087792: 1.1, 495512563: 6000.0}
        self.held: dict[int, float] = {265598: 1_000.0}
        self.orders: list[dict[str, Any]] = []
        self.fills: list[dict[str, Any]] = []
        self.faults: set[str] = set()
        self.refuse = 0
        self.notice = 0
        self.links: list[Link] = []
        self.placed = 0
        self._perm = itertools.count(1_900_000_001)
        self._exec = itertools.count(1)
        self._lock = threading.RLock()
        self.port = 0
        self._door: socket.socket | None = None
        self.start()

    # ---- 起停

    def start(self) -> None:
        """开门；再开时还是那个端口。"""
        door = socket.create_server(("127.0.0.1", self.port))
        self.port, self._door = door.getsockname()[1], door
        threading.Thread(target=self._accept, args=(door,), name="tws-door", daemon=True).start()

    def stop(self) -> None:
        """关门，连着的都断开；账还在。"""
        door, self._door = self._door, None
        if door is not None:
            with contextlib.suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)
            door.close()
        self.drop()

    close = stop

    def drop(self) -> None:
        """连着的都断开，门还开着。"""
        with self._lock:
            for link in self.links.copy():
                link.drop()

    def _accept(self, door: socket.socket) -> None:
        while True:
            try:
                conn, _ = door.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), name="tws-link", daemon=True).start()

    # ---- 一个客户

    def _serve(self, conn: socket.socket) -> None:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(conn)
        stream = conn.makefile("rb")
        try:
            if stream.read(4) != b"API\0":
                return
            self._read(stream)
            if "silent" in self.faults:
                stream.read(1)
                return
            link.send(VERSION, time.strftime("%Y%m%d %H:%M:%S UTC"))
            while (fields := self._read(stream)) is not None:
                with self._lock:
                    if not self._take(link, fields):
                        return
        except OSError:
            pass
        finally:
            with self._lock:
                if link in self.links:
                    self.links.remove(link)
            stream.close()
            conn.close()

    @staticmethod
    def _read(stream: Any) -> list[str] | None:
        head = stream.read(4)
        if len(head) < 4:
            return None
        body = stream.read(struct.unpack(">I", head)[0])
        return body.decode().split("\0")[:-1]  # type: ignore[no-any-return]

    def _take(self, link: Link, fields: list[str]) -> bool:
        kind, rest = int(fields[0]), fields[1:]
        if kind == 71:
            return self._hello(link, int(rest[1]))
        if kind == 3:
            return self._place(link, rest)
        if kind in (16, 99, 7, 61, 62, 49) and "lose-query" in self.faults:
            self.faults.discard("lose-query")
            return True
        if (kind == 99 and "no-completed" in self.faults) or (
            kind == 7 and "no-executions" in self.faults
        ):
            return True
        doing: dict[int, Any] = {
            4: lambda: self._cancel(link, int(rest[1])),
            7: lambda: self._tell_fills(link, int(rest[1])),
            9: lambda: self._tell_contracts(link, int(rest[1]), rest[2:]),
            16: lambda: self._tell_open(link),
            49: lambda: link.send(49, 1, int(time.time())),
            61: lambda: self._tell_positions(link),
            62: lambda: self._tell_summary(link, int(rest[1])),
            6: lambda: self._tell_portfolio(link),
            81: lambda: self._tell_samples(link, int(rest[0]), rest[1]),
            99: lambda: self._tell_completed(link),
            1: lambda: self._tell_quote(link, int(rest[1]), int(rest[2])),
        }
        if kind in doing:
            doing[kind]()
        return True

    def _hello(self, link: Link, client_id: int) -> bool:
        if any(each.client_id == client_id for each in self.links):
            self.error(link, -1, 326, "Unable to connect as the client id is already in use.")
            return False
        link.client_id = client_id
        self.links.append(link)
        link.send(15, 1, self.accounts)
        link.send(9, 1, max([each["order_id"] for each in self.orders], default=0) + 1)
        return True

    def error(self, link: Link, request: int, code: int, text: str) -> None:
        link.send(4, 2, request, code, text, "")

    # ---- 委托

    def _place(self, link: Link, rest: list[str]) -> bool:
        self.placed += 1
        order_id, con_id = int(rest[0]), int(rest[1])
        action, total, kind, limit = rest[15], float(rest[16]), rest[17], rest[18]
        if self.refuse:
            code, self.refuse = self.refuse, 0
            self.error(link, order_id, code, "The API interface is currently in Read-Only mode.")
            return True
        order = {
            "order_id": order_id, "client_id": link.client_id, "perm_id": next(self._perm),
            "contract": next(each for each in LISTED if each.con_id == con_id),
            "action": action, "total": total, "kind": kind, "limit": limit, "tif": rest[20],
            "account": rest[22] or self.account, "ref": rest[25], "status": "Submitted",
            "filled": 0.0, "average": 0.0, "why": "",
        }  # fmt: skip
        faults = self.faults & {"lose-submit", "break-submit"}
        self.faults -= faults
        to = None if faults else link
        cost = float(limit or self.prices[con_id]) * total
        self.orders.append(order)
        if action == "BUY" and cost > self.free:
            order["status"], order["why"] = "Inactive", "Order rejected - reason: no money"
            if to is not None:
                self.error(to, order_id, 201, order["why"])
            self._tell(order, to)
            return True
        if self.notice:
            self.error(link, order_id, self.notice, "Order Message: held until the open")
            self.notice = 0
        self._tell(order, to)
        if "lose-submit" not in faults:
            self._match(order, to)
        if "break-submit" in faults:
            link.drop()
            return False
        return True

    @property
    def free(self) -> float:
        """还能用的钱。"""
        resting = [
            each
            for each in self.orders
            if each["status"] == "Submitted" and each["action"] == "BUY"
        ]
        return self.cash["USD"] - sum(float(each["limit"] or 0) * each["total"] for each in resting)

    def _match(self, order: dict[str, Any], to: Link | None) -> None:
        last, buys = self.prices[order["contract"].con_id], order["action"] == "BUY"
        limit = float(order["limit"] or last)
        if order["status"] == "Submitted" and (limit >= last if buys else limit <= last):
            self._fill(order, last, order["total"] - order["filled"], to)

    def _fill(self, order: dict[str, Any], price: float, size: float, to: Link | None) -> None:
        con, buys = order["contract"].con_id, order["action"] == "BUY"
        self.cash["USD"] -= price * size * (1 if buys else -1)
        self.held[con] = self.held.get(con, 0.0) + size * (1 if buys else -1)
        spent = order["average"] * order["filled"] + price * size
        order["filled"] += size
        order["average"] = spent / order["filled"]
        if order["filled"] >= order["total"]:
            order["status"] = "Filled"
        now = time.strftime("%Y%m%d %H:%M:%S UTC", time.gmtime())
        number = f"0000e0d5.{next(self._exec):08x}.01.01"
        fill = {"order": order, "id": number, "price": price, "size": size, "time": now}
        self.fills.append(fill)
        if to is not None:
            self._tell_fill(to, -1, fill)
        self._tell(order, to)

    def _cancel(self, link: Link, order_id: int) -> None:
        who = (link.client_id, order_id)
        mine = [each for each in self.orders if (each["client_id"], each["order_id"]) == who]
        if not mine:
            self.error(
                link,
                order_id,
                10147,
                f"OrderId {order_id} that needs to be cancelled is not found.",
            )
            return
        order = mine[-1]
        if order["status"] != "Submitted":
            self.error(
                link,
                order_id,
                161,
                f"Cancel attempted when order is not in a cancellable state. {order['status']}",
            )
            return
        order["status"] = "Cancelled"
        if "lose-cancel" in self.faults:
            self.faults.discard("lose-cancel")
            return
        self._tell(order, link)
        self.error(link, order_id, 202, "Order Canceled - reason:")

    # ---- 说给客户

    def _tell(self, order: dict[str, Any], to: Link | None) -> None:
        if to is None:
            return
        to.send(*_open_order(order))
        left = order["total"] - order["filled"]
        to.send(3, order["order_id"], order["status"], order["filled"], left, order["average"],
                order["perm_id"], 0, order["average"], order["client_id"], "", 0)  # fmt: skip

    def _tell_open(self, link: Link) -> None:
        for order in self.orders:
            if order["status"] in ("Submitted", "PreSubmitted"):
                self._tell(order, link)
        link.send(53, 1)

    def _tell_completed(self, link: Link) -> None:
        for order in self.orders:
            if order["status"] not in ("Submitted", "PreSubmitted"):
                link.send(*_completed_order(order))
        link.send(102)

    def _tell_fill(self, link: Link, request: int, fill: dict[str, Any]) -> None:
        order = fill["order"]
        side = "BOT" if order["action"] == "BUY" else "SLD"
        link.send(
            11, request, order["order_id"], *order["contract"].wire(), fill["id"], fill["time"],
            order["account"], "ISLAND", side, fill["size"], fill["price"], order["perm_id"],
            order["client_id"], 0, order["filled"], order["average"], order["ref"],
            "", "", "", 1, 0,
        )  # fmt: skip

    def _tell_fills(self, link: Link, request: int) -> None:
        for fill in self.fills:
            self._tell_fill(link, request, fill)
        link.send(55, 1, request)

    def _tell_positions(self, link: Link) -> None:
        for con, size in self.held.items():
            contract = next(each for each in LISTED if each.con_id == con)
            link.send(61, 3, self.account, *contract.wire(), size, self.prices[con])
        link.send(62, 1)

    def _tell_portfolio(self, link: Link) -> None:
        for con, size in self.held.items():
            each = next(one for one in LISTED if one.con_id == con)
            price = self.prices[con]
            link.send(7, 8, each.con_id, each.symbol, each.kind, "", 0, "?", each.multiplier,
                      each.primary, each.currency, each.symbol, each.symbol,
                      size, price, size * price, price, 0, 0, self.account)  # fmt: skip
        link.send(54, 1, self.account)

    def _tell_summary(self, link: Link, request: int) -> None:
        value = sum(size * self.prices[con] for con, size in self.held.items())
        rows = [("NetLiquidation", self.cash["USD"] + value, "USD"),
                ("AvailableFunds", self.free, "USD"), ("GrossPositionValue", value, "USD"),
                ("InitMarginReq", 0, "USD")]  # fmt: skip
        for money, cash in self.cash.items():
            rows += [("CashBalance", cash, money), ("NetLiquidationByCurrency", cash, money)]
        rows.append(("CashBalance", sum(self.cash.values()), "BASE"))
        for tag, number, money in rows:
            link.send(63, 1, request, self.account, tag, number, money)
        link.send(64, 1, request)

    def _tell_contracts(self, link: Link, request: int, asked: list[str]) -> None:
        con_id, symbol, kind, place, money, local = (
            int(asked[0]), asked[1], asked[2], asked[7], asked[9], asked[10],
        )  # fmt: skip
        found = [
            each for each in LISTED
            if each.con_id == con_id
            or (not con_id and each.kind == kind and place in (each.exchange, each.primary)
                and each.currency == money and (each.symbol == symbol or each.local == local != ""))
        ]  # fmt: skip
        if not found:
            self.error(link, request, 200, "No security definition has been found for the request")
            return
        for each in found:
            link.send(
                10, request, each.symbol, each.kind, "", 0, "", each.exchange, each.currency,
                each.local or each.symbol, each.symbol, each.symbol, each.con_id, 0.01,
                each.multiplier, "LMT,MKT", each.exchange, 1, 0, each.name, each.primary, "", "",
                "", "", "US/Eastern", "", "", "", "", 0, 1, "", "", "26", "", "COMMON",
                each.step, each.step, each.step,
            )  # fmt: skip
        link.send(52, 1, request)

    def _tell_samples(self, link: Link, request: int, pattern: str) -> None:
        wanted = pattern.upper()
        found = [each for each in LISTED if wanted in each.symbol or wanted in each.name]
        rows: list[Any] = []
        for each in found:
            rows += [each.con_id, each.symbol, each.kind, each.primary or each.exchange,
                     each.currency, 0, each.name, ""]  # fmt: skip
        link.send(79, request, len(found), *rows)

    def _tell_quote(self, link: Link, request: int, con_id: int) -> None:
        if con_id not in self.prices:
            self.error(link, request, 354, "Requested market data is not subscribed.")
            return
        price = self.prices[con_id]
        for kind, number, size in (
            (66, price - 0.01, 300),
            (67, price + 0.01, 200),
            (68, price, 10),
        ):
            link.send(1, 6, request, kind, number, size, 0)
        link.send(1, 6, request, 75, price - 1, 0, 0)
        link.send(57, 1, request)

    # ---- 给测试的

    def shout(self, code: int, text: str) -> None:
        """对连着的都说一个与请求无关的错误。"""
        with self._lock:
            for link in self.links:
                self.error(link, -1, code, text)

    def tell(self, order: dict[str, Any], code: int, text: str) -> None:
        """对下这笔的客户说它的状态与一个错误。"""
        with self._lock:
            for link in [each for each in self.links if each.client_id == order["client_id"]]:
                self._tell(order, link)
                self.error(link, order["order_id"], code, text)

    def fill(self, order: dict[str, Any], price: float, size: float) -> None:
        """挂着的成交一部分，告诉下它的客户。"""
        with self._lock:
            to = [each for each in self.links if each.client_id == order["client_id"]]
            self._fill(order, price, size, to[0] if to else None)


def _open_order(o: dict[str, Any]) -> list[Any]:
    return [
        5, o["order_id"], *o["contract"].wire(), o["action"], o["total"], o["kind"],
        o["limit"] or 0.0, 0.0, o["tif"], "", o["account"], "O", 0, o["ref"], o["client_id"],
        o["perm_id"], 0, 0, 0, "", "", "", "", "",
        *[""] * 29,  # modelCode … deltaNeutralAuxPrice
        *[""] * 7, 0, 0, 0, *[""] * 3, "",  # continuousUpdate … hedgeType
        0, "", "", 0, 0, "",  # optOutSmartRouting … algoStrategy
        0, 0, o["status"], *[""] * 14, 0, 0, 0,  # solicited … 条件的个数
        *[""] * 16, "", "", "", *[""] * 5,
    ]  # fmt: skip


def _completed_order(o: dict[str, Any]) -> list[Any]:
    return [
        101, *o["contract"].wire(), o["action"], o["total"], o["kind"], o["limit"] or 0.0, 0.0,
        o["tif"], "", o["account"], "O", 0, o["ref"], o["perm_id"], 0, 0, 0, "", "", "", "",
        *[""] * 23,  # modelCode … deltaNeutralAuxPrice
        *[""] * 5, 0, 0, 0, *[""] * 3, "",  # continuousUpdate … hedgeType
        "", "", 0, 0, "",  # clearingAccount … algoStrategy
        0, o["status"], 0, 0, 0,  # solicited … 条件的个数
        *[""] * 6, o["filled"], *[""] * 6, "20261130 09:30:00 America/New_York", o["why"],
        *[""] * 5,
    ]  # fmt: skip
