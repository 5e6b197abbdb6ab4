"""自己的 OpenD：在本机上说它的协议（44 字节的头，protobuf 的身），管着钱与委托，会出故障。"""

from __future__ import annotations

import hashlib
import itertools
import socket
import struct
import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

from easytrader.overseas.futu.wire import sdk

KIT: Final = sdk()
_SEALS: Any = import_module("Crypto.Cipher.AES"), import_module("Crypto.Cipher.PKCS1_v1_5")
AES, RSA = _SEALS  # futu-api 要的包
_IDS: Final = KIT.utils.ProtoId
_HEAD: Final = struct.Struct("<1s1sI2B2I20s8s")
_NAMES: Final = {
    getattr(_IDS, name): name
    for name in (
        *("InitConnect", "GetGlobalState", "KeepAlive", "Trd_GetAccList", "Trd_UnlockTrade"),
        *("Trd_SubAccPush", "Trd_GetFunds", "Trd_GetPositionList", "Trd_GetOrderList"),
        *("Trd_GetOrderFillList", "Trd_PlaceOrder", "Trd_ModifyOrder", "Qot_GetStaticInfo"),
        "Qot_GetSecuritySnapshot",
    )
}
HK, US = 1, 2
_AES: Final = b"0123456789abcdef"
PASSWORD: Final = "s3cret-交易"


class OpenD:
    """一个 OpenD：一个实盘账户、一个模拟账户（``accounts`` 里可以再加）。"""

    def __init__(self) -> None:
        self.accounts = [(1, 281756480000001111, 1), (0, 9053218, 1)]
        """(环境, 业务账号, 账户分类)。"""
        self.prices = {"00700": 320.0, "AAPL": 200.0}
        self.lots = {"00700": 100, "AAPL": 1}
        self.cash, self.held = 10_000_000.0, {"00700": 10_000.0}
        self.orders: dict[str, Any] = {}
        self.fills: list[Any] = []
        self.requests: list[tuple[str, Any]] = []
        self.logged_in, self.up = True, True
        self.silent: set[str] = set()
        """照办而不应答一次的。"""
        self.answers: dict[str, int] = {}
        """协议 → 下一次不办，只答这个 retType。"""
        self.break_after_submit = False
        self.key: Any = None
        """RSA 私钥（``Crypto.PublicKey.RSA``）：给了就加密。"""
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._peers: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept, "opend")

    # ---- 线路

    def close(self) -> None:
        """关掉，等线程都结束。"""
        self.up = False
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()
        for each in self._threads.copy():
            each.join(5)

    def drop(self) -> None:
        """把连着的都断开。"""
        for peer in self._peers.copy():
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def _start(self, work: Any, name: str, *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            if not self.up:
                peer.close()
                continue
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers.add(peer)
            self._start(self._serve, "opend-peer", peer)

    def _serve(self, peer: socket.socket) -> None:
        try:
            while (head := _exactly(peer, _HEAD.size)) is not None:
                fields = _HEAD.unpack(head)
                body = _exactly(peer, fields[6])
                if body is None:
                    return
                self._take(peer, fields[2], fields[5], body)
        except (OSError, ValueError):  # 断了，或解不开
            pass
        finally:
            self._peers.discard(peer)
            peer.close()

    def _take(self, peer: socket.socket, proto_id: int, serial: int, body: bytes) -> None:
        name = _NAMES[proto_id]
        module = KIT.pb(name)
        request = module.Request.FromString(self._opened(proto_id, body))
        self.requests.append((name, request))
        answer = module.Response(retType=0)
        if name in self.answers:
            answer.retType, answer.retMsg = self.answers.pop(name), "测试里说的"
        else:
            with self._lock:
                told = getattr(self, f"_on_{name}")(request.c2s, answer.s2c)
            if told:
                answer.retType, answer.retMsg = -1, told
                answer.ClearField("s2c")
        if name == "Trd_PlaceOrder" and self.break_after_submit:
            self.break_after_submit = False
            self.drop()
        elif name in self.silent:
            self.silent.discard(name)
        else:
            answer.s2c.SetInParent() if answer.retType == 0 else None
            self._write(peer, proto_id, serial, answer)
        self._match()

    def _write(self, peer: socket.socket, proto_id: int, serial: int, message: Any) -> None:
        body = message.SerializeToString()
        digest = hashlib.sha1(body, usedforsecurity=False).digest()
        body = self._sealed(proto_id, body)
        head = _HEAD.pack(b"F", b"T", proto_id, 0, 0, serial, len(body), digest, b"\0" * 8)
        with suppress(OSError), self._lock:
            peer.sendall(head + body)

    def _opened(self, proto_id: int, body: bytes) -> bytes:
        """解开：第一个请求用 RSA，后面的用 AES。"""
        if self.key is None:
            return body
        if proto_id == _IDS.InitConnect:
            pieces = (body[start : start + 128] for start in range(0, len(body), 128))
            return b"".join(RSA.new(self.key).decrypt(each, b"") for each in pieces)
        plain: bytes = AES.new(_AES, AES.MODE_CBC, iv=_AES).decrypt(body)
        return plain[: -plain[-1]]

    def _sealed(self, proto_id: int, body: bytes) -> bytes:
        if self.key is None:
            return body
        if proto_id == _IDS.InitConnect:
            pieces = (body[start : start + 100] for start in range(0, len(body), 100))
            return b"".join(RSA.new(self.key).encrypt(each) for each in pieces)
        short = 16 - len(body) % 16
        sealed: bytes = AES.new(_AES, AES.MODE_CBC, iv=_AES).encrypt(body + bytes([short]) * short)
        return sealed

    # ---- 协议

    def _on_InitConnect(self, ask: Any, told: Any) -> str:  # noqa: N802  协议的名字，下同
        told.serverVer, told.loginUserID, told.connID = 1011, 1, next(self._numbers)
        told.connAESKey, told.keepAliveInterval = _AES.decode(), 10
        told.aesCBCiv = _AES.decode()
        return ""

    def _on_GetGlobalState(self, ask: Any, told: Any) -> str:  # noqa: N802
        for each in ("marketHK", "marketUS", "marketSH", "marketSZ", "marketHKFuture"):
            setattr(told, each, 3)
        told.qotLogined, told.trdLogined = True, self.logged_in
        told.serverVer, told.serverBuildNo, told.time = 1011, 7108, int(time.time())
        return ""

    def _on_KeepAlive(self, ask: Any, told: Any) -> str:  # noqa: N802
        told.time = int(time.time())
        return ""

    def _on_Trd_GetAccList(self, ask: Any, told: Any) -> str:  # noqa: N802
        for env, number, role in self.accounts:
            made = told.accList.add(trdEnv=env, accID=number, accRole=role, simAccType=1 - env)
            made.trdMarketAuthList.extend([HK, US])
            made.accStatus = 0
            if env:
                made.securityFirm = 1
        return ""

    def _on_Trd_UnlockTrade(self, ask: Any, told: Any) -> str:  # noqa: N802
        right = hashlib.md5(PASSWORD.encode(), usedforsecurity=False).hexdigest()
        return "" if (ask.pwdMD5, ask.securityFirm) == (right, 1) else "交易密码错误，还可以试 4 次"

    def _on_Trd_SubAccPush(self, ask: Any, told: Any) -> str:  # noqa: N802
        return ""

    def _on_Trd_GetFunds(self, ask: Any, told: Any) -> str:  # noqa: N802
        told.header.CopyFrom(ask.header)
        frozen = sum(each.price * each.qty for each in self._resting() if each.trdSide == 1)
        value = sum(self.prices[code] * held for code, held in self.held.items())
        told.funds.power = told.funds.cash = self.cash
        told.funds.totalAssets, told.funds.marketVal = self.cash + value, value
        told.funds.frozenCash, told.funds.debtCash = frozen, 0
        told.funds.avlWithdrawalCash, told.funds.netCashPower = self.cash, self.cash - frozen
        told.funds.currency = ask.currency
        return ""

    def _on_Trd_GetPositionList(self, ask: Any, told: Any) -> str:  # noqa: N802
        told.header.CopyFrom(ask.header)
        for number, (code, held) in enumerate(self.held.items()):
            price = self.prices[code]
            told.positionList.add(
                positionID=number, positionSide=0, code=code, name=code, qty=held, canSellQty=held,
                price=price, val=price * held, plVal=0, dilutedCostPrice=300, averageCostPrice=301,
                currency=_market(code), secMarket=_market(code),
            )  # fmt: skip
        return ""

    def _on_Trd_GetOrderList(self, ask: Any, told: Any) -> str:  # noqa: N802
        told.header.CopyFrom(ask.header)
        told.orderList.extend(self.orders.values())
        return ""

    def _on_Trd_GetOrderFillList(self, ask: Any, told: Any) -> str:  # noqa: N802
        told.header.CopyFrom(ask.header)
        if ask.header.trdEnv == 0:
            return "模拟交易不支持成交查询"
        told.orderFillList.extend(self.fills)
        return ""

    def _on_Trd_PlaceOrder(self, ask: Any, told: Any) -> str:  # noqa: N802
        told.header.CopyFrom(ask.header)
        price = ask.price if ask.orderType == 1 else self.prices[ask.code]
        if ask.trdSide == 1 and price * ask.qty > self.cash:
            return "购买力不足"
        if ask.trdSide == 2 and ask.qty > self.held.get(ask.code, 0):
            return "可卖数量不足"
        if ask.qty % self.lots[ask.code]:
            return "数量不是整手"
        number = f"FT{next(self._numbers):08}"
        order = KIT.pb("Trd_Common").Order(
            trdSide=ask.trdSide, orderType=ask.orderType, orderStatus=5, orderID=int(number[2:]),
            orderIDEx=number, code=ask.code, name=ask.code, qty=ask.qty, price=ask.price,
            createTime="2026-11-30 10:00:00", updateTime="2026-11-30 10:00:00", fillQty=0,
            secMarket=ask.secMarket, createTimestamp=time.time(), remark=ask.remark,
            currency=_market(ask.code),
        )  # fmt: skip
        self.orders[number] = order
        told.orderID, told.orderIDEx = order.orderID, number
        self._changed(order, ask.header)
        return ""

    def _on_Trd_ModifyOrder(self, ask: Any, told: Any) -> str:  # noqa: N802
        told.header.CopyFrom(ask.header)
        told.orderID, told.orderIDEx = 0, ask.orderIDEx
        for each in self._resting():
            if each.orderIDEx == ask.orderIDEx:
                each.orderStatus = 14 if each.fillQty else 15
                self._changed(each, ask.header)
                return ""
        return "此订单不能撤"

    def _on_Qot_GetStaticInfo(self, ask: Any, told: Any) -> str:  # noqa: N802
        for each in ask.securityList:
            if each.code not in self.lots:
                return "未知股票"
            basic = told.staticInfoList.add().basic
            basic.security.CopyFrom(each)
            basic.id, basic.lotSize, basic.secType = 1, self.lots[each.code], 3
            basic.name, basic.listTime = each.code, ""
        return ""

    def _on_Qot_GetSecuritySnapshot(self, ask: Any, told: Any) -> str:  # noqa: N802
        for each in ask.securityList:
            if each.code not in self.prices:
                return "未知股票"
            last = self.prices[each.code]
            basic = told.snapshotList.add().basic
            basic.security.CopyFrom(each)
            basic.type, basic.isSuspend, basic.listTime, basic.updateTime = 3, False, "", ""
            basic.lotSize, basic.priceSpread = self.lots[each.code], 0.2
            for name in ("highPrice", "openPrice", "lowPrice", "lastClosePrice", "curPrice"):
                setattr(basic, name, last)
            basic.volume, basic.turnover, basic.turnoverRate = 1000, 320_000, 1
            basic.updateTimestamp, basic.askPrice, basic.askVol = time.time(), last + 0.2, 500
            basic.bidPrice, basic.bidVol = last, 400
        return ""

    # ---- 柜台

    def fill(self, number: str, qty: float, price: float) -> None:
        """成交这么多。"""
        with self._lock:
            order = self.orders[number]
            paid = order.fillAvgPrice * order.fillQty + price * qty
            order.fillQty += qty
            order.fillAvgPrice = paid / order.fillQty
            order.orderStatus = 11 if order.fillQty == order.qty else 10
            signed = qty if order.trdSide == 1 else -qty
            self.cash -= price * signed
            self.held[order.code] = self.held.get(order.code, 0) + signed
            made = KIT.pb("Trd_Common").OrderFill(
                trdSide=order.trdSide, fillID=next(self._numbers), fillIDEx="", code=order.code,
                orderIDEx=number, name=order.code, qty=qty, price=price, createTime="",
                createTimestamp=time.time(), secMarket=order.secMarket, status=0,
            )  # fmt: skip
            self.fills.append(made)
            for env, account, _ in self.accounts:
                if env:
                    push = KIT.pb("Trd_UpdateOrderFill").Response(retType=0)
                    push.s2c.header.trdEnv, push.s2c.header.accID = env, account
                    push.s2c.header.trdMarket = HK
                    push.s2c.orderFill.CopyFrom(made)
                    self._tell(_IDS.Trd_UpdateOrderFill, push)
            self._changed(order)

    def _match(self) -> None:
        with self._lock:
            for each in self._resting():
                last = self.prices[each.code]
                crosses = each.price >= last if each.trdSide == 1 else each.price <= last
                if each.orderType == 2 or crosses:
                    self.fill(each.orderIDEx, each.qty - each.fillQty, last)

    def _resting(self) -> list[Any]:
        return [each for each in self.orders.values() if each.orderStatus in (5, 10)]

    def _changed(self, order: Any, header: Any = None) -> None:
        for env, account, _ in self.accounts:
            if header is not None and header.accID != account:
                continue
            push = KIT.pb("Trd_UpdateOrder").Response(retType=0)
            push.s2c.header.trdEnv, push.s2c.header.accID = env, account
            push.s2c.header.trdMarket = HK
            push.s2c.order.CopyFrom(order)
            self._tell(_IDS.Trd_UpdateOrder, push)

    def _tell(self, proto_id: int, message: Any) -> None:
        for peer in self._peers.copy():
            self._write(peer, proto_id, next(self._numbers), message)


def _market(code: str) -> int:
    return HK if code.isdigit() else US


def _exactly(peer: socket.socket, size: int) -> bytes | None:
    found = b""
    while len(found) < size:
        piece = peer.recv(size - len(found))
        if not piece:
            return None
        found += piece
    return found
