"""`Mt5Session`、`Mt5Connector`：到 EA 的一次会话。

请求走一个 REQ，在线路上，一次一个；没有应答的 REQ 再也用不了，换一个新的。推送走 SUB，在自己的
线程上；它断开就是会话断了。
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.backend.records import SubmitAnswer
from easytrader.errors import (
    ConnectFailedError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    UsageError,
)
from easytrader.link.line import LineSession, NoAnswerError
from easytrader.overseas.common_door import load
from easytrader.overseas.mt5 import words

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from easytrader.backend import records
    from easytrader.backend.session import Listener, Reply
    from easytrader.overseas.mt5.book import Book

    _T = TypeVar("_T")

zmq: Any = load("zmq", "pyzmq", "mt5")
_monitor: Any = load("zmq.utils.monitor", "pyzmq", "mt5")

_SLICE_MS: Final = 50
_SETTLE_S: Final = 0.5
"""挂单里刚没有了的，等它的推送这么久。"""
_MOST_BYTES: Final = 64 * 2**20


class Address:
    """EA 在哪里。"""

    def __init__(self, host: str, req_port: int, sub_port: int) -> None:
        place = f"[{host}]" if ":" in host else host
        self.req, self.sub = f"tcp://{place}:{req_port}", f"tcp://{place}:{sub_port}"


class Mt5Session(LineSession):
    """一次会话。"""

    account_type = "CFD"
    cache_lag_s = 0.3

    def __init__(self, address: Address, listener: Listener, timeout_s: float, book: Book) -> None:
        super().__init__(timeout_s, "easytrader-mt5")
        self.book, self.listener = book, listener
        self.raw_trader, self.raw_account = self, address.req
        self._address = address
        self._req: Any = None
        self._stop = threading.Event()
        self._heard_at = 0.0
        # 标记 → 交给 EA 的时刻
        self._handed: dict[str, float] = {}
        self._asked: set[str] = set()
        threading.Thread(target=self._listen, name="easytrader-mt5-push", daemon=True).start()

    # ---- 查询

    def asset(self) -> records.Asset:
        """资金：EA 答得了话，才拿它推来的。"""
        self._rows()
        return self._pushed("资金", self.book.asset)

    def positions(self) -> list[records.Position]:
        """持仓，同上。"""
        self._rows()
        return self._pushed("持仓", self.book.positions)

    def orders(self) -> list[records.Order]:
        """挂单，连同这次会话里听到的。"""
        rows = self._rows()
        return self.book.open_orders(rows, min(_SETTLE_S, self.timeout_s))

    def trades(self) -> list[records.Trade]:
        """这次会话里听到的成交。"""
        self._rows()
        with self.book.changed:
            return list(self.book.trades.values())

    def contracts(self) -> dict[str, dict[str, Any]]:
        """全部品种，EA 的原样：``symbol lot_size digits min_lot``。"""
        rows = self.ask("品种", lambda: self._answer({"type": words.CONTRACTS}))
        found = {str(each["symbol"]): each for each in _listed("品种", rows)}
        self.book.contracts = found
        return found

    def multiplier(self, stock_code: str) -> Any:
        """一手多少。"""
        return (self.book.contracts.get(stock_code) or {}).get("lot_size") or 1

    def last_price(self, stock_code: str) -> Any:
        """最新的中间价（有成交价的是成交价）；等不到为 None。"""
        try:
            return self.quotes([stock_code])[0].last
        except QueryFailedError:
            return None

    def quotes(self, stock_codes: list[str]) -> list[records.Quote]:
        """报价：没有订阅过的先订阅，等第一次推送。"""
        deadline = time.monotonic() + self.timeout_s
        for code in stock_codes:
            if code not in self.book.contracts:
                raise QueryFailedError(f"MT5 没有这个品种：{code}；有哪些见 user.contracts()")
            if code not in self._asked:
                request = {"type": words.SUBSCRIBE, "symbol": code}
                self.ask("行情", partial(self._answer, request))
                self._asked.add(code)
        with self.book.changed:
            self.book.changed.wait_for(
                lambda: self.is_lost or set(stock_codes) <= self.book.prices.keys(),
                max(0.0, deadline - time.monotonic()),
            )
        found = [self.book.quote(each) for each in stock_codes]
        missing = [c for c, q in zip(stock_codes, found, strict=True) if q is None]
        if missing:
            raise QueryFailedError(f"没有等到报价：{'、'.join(missing[:5])}")
        return [each for each in found if each is not None]

    # ---- 下单、撤单

    def submit(self, request: records.OrderRequest, reply: Reply[SubmitAnswer]) -> None:
        """下单；备注里是标记。"""
        code = request.security.stock_code
        contract = self.book.contracts.get(code)
        if contract is None:
            raise UsageError("security", code, "MT5 没有这个品种；有哪些见 user.contracts()")
        least = contract.get("min_lot") or 0
        if request.volume < least:
            raise UsageError("amount", request.volume, f"{code} 最少 {least} 手")
        sell, limit = request.side.name == "SELL", bool(request.price)
        cmd = words.BUY + sell + (words.BUY_LIMIT if limit else 0)
        asked = {
            "type": words.SEND,
            "symbol": code,
            "cmd": cmd,
            "price": request.price or 0.0,
            "volume": request.volume,
            "comment": f"~{request.tag}~",
        }
        self._handed[request.tag] = time.monotonic()  # 排着而到期的不再发，也算交过
        self.send(reply, lambda: self._submit(asked, request), request.tag)

    def cancel(self, target: Any, reply: Reply[bool]) -> None:
        """撤单：要知道 MT5 的单号。"""
        self.send(reply, lambda: self._cancel(str(target)))

    def still_sending(self, tag: str) -> bool:
        """挂单里没有，不等于没有到：成交了的也没有。

        只有从这次会话发出、之后还收得到推送的，到了 EA 一定听得到，没有听到才是没有到。
        """
        handed = self._handed.get(tag)
        return super().still_sending(tag) or handed is None or self._heard_at <= handed

    def cannot_tell(self, tag: str) -> bool:
        """以前的会话发的：成交了也不在挂单里，再看也不清楚。"""
        return tag not in self._handed

    # ---- 收尾

    def lose(self, reason: str) -> None:
        """断了：等推送的也不必再等。"""
        super().lose(reason)
        self._stop.set()
        with self.book.changed:
            self.book.changed.notify_all()

    def close(self, limit_s: float = 3.0) -> None:
        """收尾：两个插座各由自己的线程关。"""
        self.lose("会话已关闭")
        self.later(self._hang_up)
        super().close(limit_s)

    # ---- 线路上的

    def _rows(self) -> list[dict[str, Any]]:
        return _listed("挂单", self.ask("挂单", lambda: self._answer({"type": words.ORDERS})))

    def _submit(self, asked: dict[str, Any], request: records.OrderRequest) -> SubmitAnswer:
        self.book.sending(request)
        self._handed[request.tag] = time.monotonic()
        said = self._answer(asked)
        data = said.get("data")
        if not isinstance(data, dict) or not isinstance(data.get("result"), bool):
            raise OutcomeUnknownError(f"EA 的应答看不懂：{str(said)[:80]}")
        self.book.answered(request.tag, data["result"])
        if not data["result"]:
            return SubmitAnswer("", str(data.get("comment") or "EA 没有说原因"))
        return SubmitAnswer(request.tag)

    def _cancel(self, number: str) -> bool:
        ticket = self.book.ticket_of(number)
        if not ticket:  # 推送还没有来，或是以前的会话下的：挂单里有
            rows = _listed("挂单", self._answer({"type": words.ORDERS}))
            self.book.open_orders(rows, 0.0)
            ticket = self.book.ticket_of(number)
        if not ticket.isdigit():
            return False
        data = self._answer({"type": words.CANCEL, "ticket": int(ticket)}).get("data")
        if not isinstance(data, dict) or not isinstance(data.get("result"), bool):
            raise OutcomeUnknownError("EA 的应答看不懂")
        accepted: bool = data["result"]
        return accepted

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """一问一答，最多等一个期限。

        Raises:
            NoAnswerError: 没有应答；这个 REQ 不能再用，已经丢了。
            ValueError: 应答不是 JSON。
        """
        if self.is_lost:
            raise NotConnectedError("会话已断开")
        if self._req is None:
            self._req = zmq.Context.instance().socket(zmq.REQ)
            self._req.setsockopt(zmq.LINGER, 0)
            self._req.setsockopt(zmq.MAXMSGSIZE, _MOST_BYTES)
            self._req.connect(self._address.req)
        req, deadline = self._req, time.monotonic() + self._limit_s
        try:
            req.send(words.packed(request), zmq.NOBLOCK)
            while not self.is_lost and time.monotonic() < deadline:
                if req.poll(_SLICE_MS):
                    return words.unpacked(req.recv(zmq.NOBLOCK))
        except (zmq.ZMQError, ValueError):
            self._hang_up()
            raise
        self._hang_up()
        raise NoAnswerError

    def _hang_up(self) -> None:
        if self._req is not None:
            self._req.close(0)
            self._req = None

    # ---- 收推送的线程

    def _listen(self) -> None:
        sub = zmq.Context.instance().socket(zmq.SUB)
        sub.setsockopt(zmq.LINGER, 0)
        sub.setsockopt(zmq.MAXMSGSIZE, _MOST_BYTES)
        sub.setsockopt(zmq.SUBSCRIBE, b"")
        monitor = sub.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            sub.connect(self._address.sub)
            poller = zmq.Poller()
            poller.register(sub, zmq.POLLIN)
            poller.register(monitor, zmq.POLLIN)
            while not self._stop.is_set():
                ready = dict(poller.poll(_SLICE_MS))
                if sub in ready:
                    self._hear(sub.recv(zmq.NOBLOCK))
                elif monitor in ready:  # 断开之前收到的先处理完
                    _monitor.recv_monitor_message(monitor)
                    self.listener.lost(self, "EA 断开了：它停了，或者终端关了")
        except Exception as exc:  # noqa: BLE001  边界：收不了推送，会话就没有用了
            logger.exception("收 MT5 的推送时出错")
            self.listener.lost(self, f"收不了推送：{exc!r}")
        finally:
            sub.disable_monitor()
            monitor.close(0)
            sub.close(0)

    def _hear(self, raw: bytes) -> None:
        """一条推送；坏的丢掉，接着听。"""
        try:
            events = self.book.take(words.unpacked(raw))
        except Exception as exc:  # noqa: BLE001  边界：EA 推来什么都可能
            logger.warning("看不懂 MT5 的一条推送：{!r} {!r}", exc, raw[:200])
            return
        self._heard_at = time.monotonic()
        for each in events:
            self.listener.pushed(self, each)

    def _pushed(self, what: str, get: Callable[[], _T | None]) -> _T:
        """推来的；还没有的等到期限。"""
        with self.book.changed:
            self.book.changed.wait_for(lambda: self.is_lost or get() is not None, self.timeout_s)
            found = get()
        if found is None:
            told = f"没有收到 MT5 的{what}推送：订阅端口 {self._address.sub} 没有声音"
            raise QueryFailedError(told)
        return found


class Mt5Connector:
    """怎样开一次会话。

    Args:
        address: EA 在哪里。
        timeout_s: 每个调用的期限，秒。
        account: 应该是哪个账户；空是不核对。
        make_book: 造一本空账。
    """

    session_id = 0

    def __init__(
        self, address: Address, timeout_s: float, account: str, make_book: Callable[[], Book]
    ) -> None:
        self.timeout_s = timeout_s
        self._address, self._account, self._make_book = address, account, make_book
        self._cancelled = threading.Event()
        self._opening: Mt5Session | None = None

    def open(self, listener: Listener, deadline: float) -> Mt5Session:
        """连上、问到品种、听到账户，才算连上。"""
        session = Mt5Session(self._address, listener, self.timeout_s, self._make_book())
        self._opening = session
        try:
            with session.until(deadline):
                self._greet(session)
        except BaseException:
            session.close()
            raise
        return session

    def cancel(self) -> None:
        """正在连的马上失败。"""
        self._cancelled.set()
        if (opening := self._opening) is not None:
            opening.lose("取消了")

    def _greet(self, session: Mt5Session) -> None:
        if self._cancelled.is_set():
            raise ConnectFailedError("取消了这次连接")
        try:
            session.contracts()
        except (QueryFailedError, NotConnectedError) as exc:
            told = f"MT5 的 EA 没有应答（{self._address.req}）：终端开着、EA 挂在图表上、端口对吗"
            heard = "" if "内没有应答" in str(exc) else f"；{exc}"
            raise ConnectFailedError(told + heard) from exc
        try:
            asset = session.asset()
        except (QueryFailedError, NotConnectedError) as exc:
            raise ConnectFailedError(f"EA 答得了话，但{exc}；端口对吗？") from exc
        if self._account and asset.account_id != self._account:
            told = f"终端里登录的是另一个账户（尾号 {asset.account_id[-4:]}），不是要连的那个"
            raise ConnectFailedError(told)


def _listed(what: str, said: dict[str, Any]) -> list[dict[str, Any]]:
    """应答里的那一列；没有 ``data`` 是空的，不是列表的不可信。"""
    rows = said.get("data") or []
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise QueryFailedError(f"{what}的应答看不懂：{str(said)[:80]}")
    return rows
