"""`IbSession`、`IbConnector`：到 TWS（或 IB Gateway）的一次会话。

一个线程、一个自己的事件循环：脚本、笔记本、已经在跑的循环都不受影响，也不打 nest_asyncio 的补丁。
TWS 的消息在那个线程上收，请求也在那里发，先进先出。
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
import time
from collections import deque
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from loguru import logger

from easytrader.backend import records
from easytrader.backend.records import Side, SubmitAnswer
from easytrader.backend.session import BaseSession
from easytrader.basics import tags
from easytrader.basics.log import masked
from easytrader.basics.numbers import exact
from easytrader.codes import Direction, OtherAccountType
from easytrader.errors import (
    ConnectFailedError,
    NotConnectedError,
    QueryFailedError,
    UsageError,
)
from easytrader.orders.receipt import Receipt
from easytrader.overseas.common_door import load
from easytrader.overseas.ib import securities, words
from easytrader.overseas.ib.book import Book, Known, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.session import Listener, Reply

_T = TypeVar("_T")

ib_async: Any = load("ib_async", "ib_async", "ib")
# 它往标准库的 logging 里写；没有人收的时候不要打到屏幕上
logging.getLogger("ib_async").addHandler(logging.NullHandler())

_SUMMARY: Final = "NetLiquidation,AvailableFunds,GrossPositionValue,InitMarginReq,$LEDGER:ALL"
_TRY_SHARE: Final = 0.3
"""有一样就够的，等期限的这么多。"""
_QUOTE_S: Final = 0.3
"""报价有了最新价之后，再等买卖价这么久：没有全的时候 TWS 要十来秒才说完。"""


class Address:
    """TWS 在哪里，用几号客户，哪个账户。"""

    def __init__(self, host: str, port: int, client_id: int, account: str, data_type: int) -> None:
        self.host, self.port, self.client_id = host, port, client_id
        self.account, self.data_type = account, data_type

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Contracts:
    """问清楚了的合约，几次会话公用。"""

    def __init__(self) -> None:
        self.details: dict[str, Any] = {}
        """代码 → ``ib_async.ContractDetails``。"""
        self.named: dict[int, str] = {}
        """conId → 它的代码，怎么问的都一样。"""


class IbSession(BaseSession):
    """一次会话；``_on_`` 开头的是 TWS 说的话，都在循环的线程上。"""

    account_type = "OVERSEAS"
    cache_lag_s = 1.0

    def __init__(
        self, address: Address, listener: Listener, timeout_s: float, contracts: Contracts
    ) -> None:
        super().__init__(timeout_s)
        self.listener, self.contracts = listener, contracts
        self.account = ""
        self._address = address
        self._open = False
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._book = Book(self._push, contracts.named)
        self._client: Any = ib_async.Client(_Ear(self))
        self.raw_trader, self.raw_account = self._client, ""
        self._ready: asyncio.Future[None] | None = None
        self._accounts: list[str] = []
        # 请求号 → 收应答的
        self._asked: dict[int, _Asking] = {}
        # 没有请求号的请求，先问的先答
        self._turns: dict[str, deque[_Asking]] = {}
        # 会话里的编号 → 等着的委托、撤单
        self._placing: dict[int, tuple[Reply[SubmitAnswer], str]] = {}
        self._cancelling: dict[int, Reply[bool]] = {}
        # 会话里的编号 → 拒绝的原因：委托的样子可能后到
        self._refused: dict[int, str] = {}
        # TWS 收下了而还没有给 permId 的标记（在等人点确认）：查不到不等于没有到
        self._unnamed: set[str] = set()
        self._mute: set[str] = set()
        self._summaries = threading.Lock()
        self._summary = 0
        self._thread = threading.Thread(target=self._run, name="easytrader-ib", daemon=True)
        self._thread.start()

    # ---- 连接

    def connect(self, deadline: float) -> None:
        """连上 TWS，认准账户。

        Raises:
            ConnectFailedError: 没连上，说出原因。
        """
        left_s = max(0.0, deadline - time.monotonic())
        future = asyncio.run_coroutine_threadsafe(self._connect(left_s), self._loop)
        try:
            future.result(left_s + 0.5)
        except ConnectFailedError:
            raise
        except Exception as exc:
            told = f"连不上 TWS（{self._address}）：{_why(exc)}"
            raise ConnectFailedError(told) from exc
        finally:
            future.cancel()

    async def _connect(self, left_s: float) -> None:
        self._ready = self._loop.create_future()
        self._client.conn.disconnected += self._shut
        where = self._address
        connecting = asyncio.ensure_future(
            self._client.connectAsync(where.host, where.port, where.client_id, left_s)
        )
        try:
            await asyncio.wait({connecting, self._ready}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                self._ready.result()
            await connecting
        finally:
            self._ready.cancel()
            connecting.cancel()
            await asyncio.gather(connecting, self._ready, return_exceptions=True)
        self.account = _chosen(self._accounts, where.account)
        self.raw_account = self._book.account = self.account
        self._open = True
        if where.client_id == 0:  # 手工下的也归它管
            self._client.reqAutoOpenOrders(True)
        self._client.reqMarketDataType(where.data_type)
        self._client.reqAccountUpdates(True, self.account)

    def _shut(self, _: str) -> None:
        self._failed("没有握完手它就断开了：那不是 TWS，或 TWS 的设置里不允许这台机器连")

    def _failed(self, message: str) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(
                ConnectFailedError(f"连不上 TWS（{self._address}）：{message}")
            )

    # ---- 查询

    def asset(self) -> records.Asset:
        """全部资产折成账户的货币。"""
        return self.assets()[0]

    def assets(self) -> list[records.Asset]:
        """第一项是全部资产折成账户的货币；后面每种别的货币一项，是那种货币的现金与市值。"""
        if not self._summaries.acquire(timeout=self.timeout_s):  # TWS 同时只许两个
            raise QueryFailedError("查询资金没有得到回答：前一次还没有答")
        try:
            found: dict[tuple[str, str], str] = self._ask("资金", self._ask_summary)
        finally:
            self._summaries.release()
        return _assets(found, self.account)

    def positions(self) -> list[records.Position]:
        """持仓。"""
        held: list[tuple[Any, float, float]] = self._ask(
            "持仓", self._turn("position", "reqPositions")
        )
        self._learn([each[0] for each in held])
        return [self._position(*each) for each in held if each[1]]

    def orders(self) -> list[records.Order]:
        """挂着的（各个客户号、手工的都有）、完了的，与它们的成交。

        完了的有两处：完成的委托、当日成交。有的 TWS 从来不说其中一样（见 erdewit/ib_insync 的
        issue 355、224，ib_async 的 82），有一样就够：成交过的都在里面。
        """
        self._unnamed.clear()  # 还在的，下面会再说一遍
        self._ask("挂单", self._turn("open", "reqAllOpenOrders"))
        completed = self._try("完成的委托", self._turn("completed", "reqCompletedOrders", False))
        executed = self._try("当日成交", self._ask_executions)
        if not completed and not executed:
            self._mute.clear()
            raise QueryFailedError("查询当日委托没有得到回答：完成的委托、当日成交 TWS 都没有说")
        self._learn(self._on_loop(self._book.contracts))
        return self._on_loop(self._book.rows)

    def _try(self, what: str, begin: Callable[[_Asking], object]) -> bool:
        """问一声，只等一会儿；这次会话里不答的不再问。"""
        if what in self._mute:
            return False
        try:
            with self.until(time.monotonic() + self.timeout_s * _TRY_SHARE):
                self._ask(what, begin)
        except QueryFailedError:
            if self.is_lost:
                raise
            logger.warning("TWS 没有说{}，这次连着的时候不再问", what)
            self._mute.add(what)
            return False
        return True

    def order(self, order_id: Any) -> records.Order | None:
        """一笔：TWS 推来过的，问一声时间（先进先出）就知道是新的；没有的才全部查一遍。"""
        if str(order_id).isdigit() and int(order_id) in self._book.known:
            self._ask("时间", self._turn("time", "reqCurrentTime"))
            rows = self._on_loop(self._book.rows)
        else:
            rows = self.orders()
        return next((each for each in rows if each.order_id == order_id), None)

    def trades(self) -> list[records.Trade]:
        """当日成交；TWS 从来不说的（日志里有），是这次连上以后听到的。"""
        self._try("当日成交", self._ask_executions)
        return self._on_loop(lambda: list(self._book.trades.values()))

    def multiplier(self, stock_code: str) -> Any:
        """合约乘数；下单之前都问清楚过合约。"""
        known = self.contracts.details.get(stock_code)
        return 1 if known is None else exact(number(float(known.contract.multiplier or 1))) or 1

    def last_price(self, stock_code: str) -> Any:
        """最新价；没有为 None。"""
        try:
            return self.quotes([stock_code])[0].last
        except (QueryFailedError, UsageError):
            return None

    def quotes(self, stock_codes: list[str]) -> list[records.Quote]:
        """报价，一只问一次快照；没有实时行情的权限时是延时的。"""
        found = []
        for code in stock_codes:
            ticks = self._ask(
                f"{code} 的行情", partial(self._ask_quote, self.qualify(code).contract)
            )
            found.append(_quote(code, ticks))
        return found

    def qualify(self, stock_code: str) -> Any:
        """代码 → 唯一的合约（``ContractDetails``），问过的不再问。

        Raises:
            UsageError: TWS 没有这个合约，或不止一个（列出来）。
            QueryFailedError: 没有应答。
        """
        known = self.contracts.details.get(stock_code)
        if known is not None:
            return known
        wanted = ib_async.Contract(**securities.wanted(stock_code))
        found: list[Any] = self._ask(
            f"合约 {stock_code}", partial(self._by_id, "reqContractDetails", wanted)
        )
        if wanted.exchange == "SMART":
            for each in found:
                each.contract.exchange = "SMART"
        found.sort(key=lambda each: each.contract.exchange == "SMART")
        unique = {each.contract.conId: each for each in found}  # 各个交易所的是同一个，要 SMART 的
        if not unique:
            raise UsageError("security", stock_code, "TWS 没有这个合约；用 user.contracts('…') 找")
        if len(unique) > 1:
            told = "、".join(
                securities.told(each.contract, each.longName) for each in [*unique.values()][:5]
            )
            raise UsageError("security", stock_code, f"不止一个合约，请用 conId 说是哪一个：{told}")
        (details,) = unique.values()
        if wanted.conId and not details.contract.exchange:
            details.contract.exchange = "SMART"
        self.contracts.named[details.contract.conId] = self._canonical(stock_code, details.contract)
        self.contracts.details[stock_code] = details
        return details

    def code(self, stock_code: str) -> str:
        """用户写的 → 行里的代码：同一个合约，怎么写的都一样。异常同 `qualify`。"""
        return self.contracts.named[self.qualify(stock_code).contract.conId]

    def _canonical(self, asked: str, contract: Any) -> str:
        """一个合约的代码；照简写问回去不是它的，用 conId。"""
        code = securities.code_of(contract)
        if asked.endswith(".US") and not code.endswith(".US"):
            told = f"不是美股，在 {contract.primaryExchange} 上市；写 {code} 或 {contract.conId}"
            raise UsageError("security", asked, told)
        if code == asked or code == str(contract.conId):
            return code
        try:
            same = self.qualify(code).contract.conId == contract.conId
        except UsageError:
            same = False
        return code if same else str(contract.conId)

    def _learn(self, contracts: list[Any]) -> None:
        """没有见过的合约问清楚在哪里上市：TWS 说持仓、委托的时候不说，美元计价的不一定是美股。"""
        for each in contracts:
            if each.secType == "STK" and each.conId not in self.contracts.named:
                with contextlib.suppress(UsageError):
                    self.qualify(str(each.conId))

    def search(self, text: str) -> list[Any]:
        """名字、代码里有 ``text`` 的合约（``ib_async.ContractDescription``）。"""
        found: list[Any] = self._ask("合约", partial(self._by_id, "reqMatchingSymbols", text))
        return found

    # ---- 下单、撤单

    def submit(self, request: records.OrderRequest, reply: Reply[SubmitAnswer]) -> None:
        """下单；``orderRef`` 里是标记。"""
        code = request.security.stock_code
        try:
            details = self.qualify(code)
        except QueryFailedError as exc:
            raise NotConnectedError(f"没有发出：{exc}") from exc
        step = exact(number(details.sizeIncrement))
        if step and exact(request.volume) % step:
            raise UsageError("amount", request.volume, f"{code} 的数量是 {step} 的倍数")
        price = request.price
        order = ib_async.Order(
            action="BUY" if request.side is Side.BUY else "SELL",
            totalQuantity=f"{exact(request.volume):f}",
            orderType="LMT" if price else "MKT",
            tif="DAY",
            account=self.account,
            orderRef=f"~{request.tag}~",
        )
        if price:
            order.lmtPrice = f"{exact(price):f}"
        self.depart(reply)
        self._soon(self._place, details.contract, order, reply)

    def still_sending(self, tag: str) -> bool:
        """TWS 收下了，还没有给编号：随时可能报出去。"""
        return tag in self._unnamed

    def cancel(self, target: Any, reply: Reply[bool]) -> None:
        """撤单：只撤得了这个客户号下的（客户号 0 还有手工的）。"""
        self.depart(reply)
        self._soon(self._cancel, str(target), reply)

    # ---- 收尾

    def lose(self, reason: str) -> None:
        """断了。"""
        super().lose(reason)
        self._open = False
        with contextlib.suppress(RuntimeError):  # 循环已经关了
            self._loop.call_soon_threadsafe(self._ending.set)

    def close(self, limit_s: float = 3.0) -> None:
        """收尾：线程自己断开、关掉循环。"""
        super().close(limit_s)
        if self._thread is not threading.current_thread():
            self._thread.join(limit_s)

    # ---- 事件循环的线程上的

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._live())
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()

    async def _live(self) -> None:
        """到收尾为止；断开，让套接字关完。"""
        await self._ending.wait()
        with contextlib.suppress(Exception):  # 断开的时候抛什么都一样
            self._client.disconnect()
        mine = asyncio.current_task()
        others = [each for each in asyncio.all_tasks() if each is not mine]
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)

    def _soon(self, call: Callable[..., object], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(self._safely, call, *args)
        except RuntimeError:
            raise NotConnectedError("会话已断开，什么都没有发出") from None

    def _safely(self, call: Callable[..., object], *args: Any) -> None:
        try:
            call(*args)
        except Exception:  # noqa: BLE001  边界：一件事出错，循环还在；等着的到期
            logger.exception("在盈透的线路上出错")

    def _on_loop(self, call: Callable[[], _T]) -> _T:
        """在循环的线程上算一下：账只在那里改。"""
        found: _T = self._ask("", lambda asking: asking.put(call()))
        return found

    def _ask(self, what: str, begin: Callable[[_Asking], object]) -> Any:
        receipt: Receipt[Any] = Receipt(what, self.timeout_s, awaited=True)
        receipt.blame = lambda error: (
            error if isinstance(error, QueryFailedError)
            else QueryFailedError(f"查询{what}没有得到回答：{error!r}")
        )  # fmt: skip
        self.depart(receipt)
        self._soon(self._begin, _Asking(receipt), begin)
        return receipt.value()

    def _begin(self, asking: _Asking, begin: Callable[[_Asking], object]) -> None:
        try:
            begin(asking)
        except Exception as exc:  # noqa: BLE001  边界：发不出去的是没有应答
            asking.fail(repr(exc))

    def _turn(self, kind: str, method: str, *args: Any) -> Callable[[_Asking], None]:
        """没有请求号的请求：排队。"""

        def begin(asking: _Asking) -> None:
            self._turns.setdefault(kind, deque()).append(asking)
            getattr(self._client, method)(*args)

        return begin

    def _turned(self, kind: str) -> _Asking | None:
        """轮到谁了；到期没有人等的跳过。"""
        turns = self._turns.get(kind)
        while turns and turns[0].done:
            turns.popleft()
        return turns[0] if turns else None

    def _end_turn(self, kind: str) -> None:
        asking = self._turned(kind)
        if asking is not None:
            self._turns[kind].popleft()
            asking.put(asking.found)

    def _by_id(self, method: str, *args_and_asking: Any) -> int:
        *args, asking = args_and_asking
        for each in [each for each, one in self._asked.items() if one.done]:  # 到期没有人等的
            del self._asked[each]
        number_of_it: int = self._client.getReqId()
        self._asked[number_of_it] = asking
        getattr(self._client, method)(number_of_it, *args)
        return number_of_it

    def _end(self, request: int) -> None:
        asking = self._asked.pop(request, None)
        if asking is not None:
            asking.put(asking.found)

    def _ask_executions(self, asking: _Asking) -> None:
        self._by_id("reqExecutions", ib_async.ExecutionFilter(acctCode=self.account), asking)

    def _ask_summary(self, asking: _Asking) -> None:
        if self._summary:  # 前一次没有答完：不退掉，几次之后 TWS 就不再答
            self._client.cancelAccountSummary(self._summary)
        asking.found = {}
        self._summary = self._by_id("reqAccountSummary", "All", _SUMMARY, asking)

    def _ask_quote(self, contract: Any, asking: _Asking) -> None:
        asking.found = {}
        self._by_id("reqMktData", contract, "", True, False, [], asking)

    def _place(self, contract: Any, order: Any, reply: Reply[SubmitAnswer]) -> None:
        if not self._sendable(reply):
            return
        order_id = self._client.getReqId()
        self._placing[order_id] = reply, str(order.orderRef)
        self._client.placeOrder(order_id, contract, order)

    def _sendable(self, reply: Reply[Any]) -> bool:
        """还发得出去；已经说了结果未知的不再发。"""
        if not reply.done() and not (self._open and self._client.isReady()):
            reply.fail(NotConnectedError("会话已断开，什么都没有发出"))
        return not reply.done()

    def _cancel(self, target: str, reply: Reply[bool]) -> None:
        if not self._sendable(reply):
            return
        one = self._book.known.get(int(target)) if target.isdigit() else None
        own = one is not None and one.client_id == self._address.client_id
        if one is None or not own or not one.order_id:
            why = "没有这笔委托" if one is None else f"它是客户号 {one.client_id} 下的"
            logger.warning("盈透的委托 {} 撤不了：{}", target, why)
            reply.put(False)
            return
        self._cancelling[one.order_id] = reply
        self._client.cancelOrder(one.order_id)

    def _push(self, event: records.PushEvent) -> None:
        self.listener.pushed(self, event)

    # ---- TWS 说的；名字是 EWrapper 的，见 `_Ear`

    def _on_managed_accounts(self, accounts: str) -> None:
        """这个登录名管的账户。"""
        self._accounts = [each for each in accounts.split(",") if each]

    def _on_connection_closed(self) -> None:
        """TWS 断开了。"""
        if self._open:
            self.listener.lost(self, "TWS 断开了连接")

    def _on_error(self, request: int, code: int, text: str, advanced: str = "") -> None:
        """错误与提醒：关于一次查询、一笔委托、一次撤单，或整个连接。"""
        told = words.reason(code, f"{text} {advanced}" if advanced else text)
        if code == words.CLIENT_IN_USE:
            self._failed(
                f"客户号 {self._address.client_id} 正被别的程序用着，换一个 client_id（{code}）"
            )
        elif code in words.LINK_LOST and self._open:
            self.listener.lost(self, f"TWS 与盈透的连接有变：{told}")
        elif request in self._asked:
            self._query_failed(request, code, told)
        elif request in self._cancelling and code in {*words.NOT_CANCELLED, words.CANCELLED}:
            self._cancelling.pop(request).put(code == words.CANCELLED)
            if code in words.NOT_CANCELLED:
                logger.warning("撤单没有成：{}", told)
        elif request in self._placing:
            reply, _ = self._placing[request]
            if words.refuses(code):
                del self._placing[request]
                self._refused[request] = told
                reply.put(SubmitAnswer("", told))
            else:
                logger.warning("盈透的提醒：{}", told)
        else:
            one = self._book.by_order(self._address.client_id, request)
            if one is not None and code not in words.NOT_CANCELLED:
                self._book.blamed(one, told, refused=words.refuses(code))
            else:
                logger.debug("TWS：{}", told)

    def _query_failed(self, request: int, code: int, told: str) -> None:
        asking = self._asked[request]
        if code == 200:  # 没有这个合约
            self._end(request)
        elif code < 2100 or code in (10089, 10090, 10168, 10186, 10197):  # 行情没有权限
            del self._asked[request]
            asking.fail(told)

    def _on_open_order(self, order_id: int, contract: Any, order: Any, state: Any) -> None:
        """一笔委托的内容。"""
        if not order.whatIf:
            self._client.updateReqId(order_id + 1)  # 不与见过的任何编号重
            if order.clientId == self._address.client_id and order_id in self._refused:
                order.orderRef = ""  # 说过拒绝了，同一个标记可以再下：不要认成那一笔
            tag = tags.split(str(order.orderRef or ""))[0]
            self._unnamed.discard(tag) if order.permId else self._unnamed.add(tag)
            self._acknowledged(self._book.opened(contract, order, state.status))

    def _on_order_status(
        self, order_id: int, status: str, filled: float, remaining: float,
        average: float, perm_id: int, parent: int, last: float, client_id: int,
        why: str = "", cap: float = 0.0,
    ) -> None:  # fmt: skip
        """一笔委托的状态。"""
        known = self._book.by_order(client_id, order_id)
        perm_id = perm_id or (known.perm_id if known else 0)
        self._acknowledged(self._book.moved(perm_id, status, filled, average))

    def _acknowledged(self, one: Known | None) -> None:
        """TWS 收下了这笔：等着的下单、撤单有了应答。"""
        if one is None or one.client_id != self._address.client_id:
            return
        if one.order_id in self._refused:
            self._book.blamed(one, self._refused[one.order_id], refused=True)
        placing = self._placing.get(one.order_id)
        if placing is not None and placing[1] == f"~{one.tag}~":
            del self._placing[one.order_id]
            placing[0].put(SubmitAnswer(str(one.perm_id)))
        if one.status in ("PendingCancel", "Cancelled", "ApiCancelled"):
            cancelling = self._cancelling.pop(one.order_id, None)
            if cancelling is not None:
                cancelling.put(True)

    def _on_open_order_end(self) -> None:
        """挂着的说完了。"""
        self._end_turn("open")

    def _on_completed_order(self, contract: Any, order: Any, state: Any) -> None:
        """一笔完了的委托。"""
        self._book.completed(contract, order, state)

    def _on_completed_orders_end(self) -> None:
        """完了的说完了。"""
        self._end_turn("completed")

    def _on_current_time(self, moment: int) -> None:
        """TWS 的时间。"""
        self._end_turn("time")

    def _on_exec_details(self, request: int, contract: Any, execution: Any) -> None:
        """一笔成交。"""
        self._book.executed(contract, execution)

    def _on_exec_details_end(self, request: int) -> None:
        """成交说完了。"""
        self._end(request)

    def _on_position(self, account: str, contract: Any, size: float, cost: float) -> None:
        """一只持仓。"""
        asking = self._turned("position")
        if asking is not None and account == self.account:
            asking.found.append((contract, size, cost))

    def _on_position_end(self) -> None:
        """持仓说完了。"""
        self._end_turn("position")

    def _on_update_portfolio(
        self, contract: Any, size: float, price: float, value: float,
        cost: float, unrealized: float, realized: float, account: str,
    ) -> None:  # fmt: skip
        """一只持仓的市值。"""
        if account == self.account:
            self._book.values[contract.conId] = value, size

    def _on_account_summary(
        self, request: int, account: str, tag: str, value: str, currency: str
    ) -> None:
        """一项资金。"""
        asking = self._asked.get(request)
        if asking is not None and account == self.account:
            asking.found[tag, currency] = value

    def _on_account_summary_end(self, request: int) -> None:
        """资金说完了。"""
        self._client.cancelAccountSummary(request)
        self._summary = 0
        self._end(request)

    def _on_contract_details(self, request: int, details: Any) -> None:
        """一个合约。"""
        asking = self._asked.get(request)
        if asking is not None:
            asking.found.append(details)

    _on_bond_contract_details = _on_contract_details

    def _on_contract_details_end(self, request: int) -> None:
        """合约说完了。"""
        self._end(request)

    def _on_symbol_samples(self, request: int, found: list[Any]) -> None:
        """找到的合约。"""
        asking = self._asked.pop(request, None)
        if asking is not None:
            asking.put(found)

    def _on_price_size_tick(self, request: int, kind: int, price: float, size: float) -> None:
        """一个报价，连同它的数量。"""
        name = words.TICKS.get(kind, "")
        asking = self._asked.get(request)
        if asking is None or not name or price <= 0:
            return
        asking.found[name] = price
        if name in words.SIZE_OF:
            asking.found[words.SIZE_OF[name]] = size
        if name == "last":
            self._loop.call_later(_QUOTE_S, self._end, request)

    def _on_tick_size(self, request: int, kind: int, size: float) -> None:
        """一个数量。"""
        asking, name = self._asked.get(request), words.TICKS.get(kind, "")
        if asking is not None and name in ("bid_size", "ask_size", "volume"):
            asking.found[name] = size

    def _on_tick_snapshot_end(self, request: int) -> None:
        """快照说完了。"""
        self._end(request)

    def _position(self, contract: Any, size: float, cost: float) -> records.Position:
        value, _ = self._book.values.get(contract.conId, (0.0, 0.0))
        volume: Any = abs(exact(number(size)))
        multiplier = exact(number(float(contract.multiplier or 1))) or 1
        price = exact(number(cost)) / multiplier  # 盈透的成本是乘过乘数的
        return records.Position(
            stock_code=self._book.code(contract),
            volume=volume,
            open_price=price,
            avg_price=price,
            market_value=number(value),
            direction=(Direction.SHORT if size < 0 else Direction.LONG).value,
            account_id=self.account,
            account_type=OtherAccountType.OVERSEAS.value,
            currency=contract.currency,
        )


class _Ear:
    """``ib_async.Client`` 要的 EWrapper：``openOrder`` 交给 ``_on_open_order``，没有的不看。"""

    defaultTimezone = None  # noqa: N815  ib_async 的名字：成交的时刻转成本机的
    ib = SimpleNamespace(TimezoneTWS="")

    def __init__(self, session: IbSession) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        handler = re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)
        found = getattr(self._session, f"_on_{handler}", _ignored)
        setattr(self, name, found)
        return found


class _Asking:
    """一次查询：收着的应答，与等它的人。"""

    def __init__(self, receipt: Receipt[Any]) -> None:
        self.found: Any = []
        self._receipt = receipt

    @property
    def done(self) -> bool:
        """有结果了，或到期了。"""
        return self._receipt.done()

    def put(self, found: Any) -> None:
        """说完了。"""
        self._receipt.put(found)

    def fail(self, why: str) -> None:
        """TWS 说问不到。"""
        self._receipt.fail(QueryFailedError(f"TWS 说：{why}"))


class IbConnector:
    """怎样开一次会话。"""

    session_id = 0

    def __init__(self, address: Address, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._address, self._contracts = address, Contracts()
        self._opening: IbSession | None = None
        self._cancelled = False

    def open(self, listener: Listener, deadline: float) -> IbSession:
        """连上、认准账户。"""
        if self._cancelled:
            raise ConnectFailedError("取消了这次连接")
        session = IbSession(self._address, listener, self.timeout_s, self._contracts)
        self._opening = session
        try:
            session.connect(deadline)
        except BaseException:
            session.close()
            raise
        return session

    def cancel(self) -> None:
        """正在连的马上失败。"""
        self._cancelled = True
        if (opening := self._opening) is not None:
            opening.lose("取消了")


def _ignored(*_: Any) -> None:
    """不看的消息。"""


def _why(exc: BaseException) -> str:
    if isinstance(exc, ConnectionRefusedError):
        return "没有人在听：TWS（或 IB Gateway）开着吗，设置里允许 API 连接了吗，端口对吗"
    if isinstance(exc, (TimeoutError, asyncio.TimeoutError)):
        return "到期没有握上手：那不是 TWS，或 TWS 正弹着窗口等人点"
    if isinstance(exc, OSError) and exc.strerror:
        return f"{exc.strerror}：host 对吗，网络通吗"
    return repr(exc)


def _chosen(accounts: list[str], wanted: str) -> str:
    shown = "、".join(masked(each) for each in accounts)
    if wanted:
        if wanted not in accounts:
            raise ConnectFailedError(f"这个登录名没有账户 {masked(wanted)}；有的：{shown}")
        return wanted
    if len(accounts) != 1:
        raise ConnectFailedError(f"这个登录名有几个账户，请给 account：{shown}")
    return accounts[0]


def _assets(found: dict[tuple[str, str], str], account: str) -> list[records.Asset]:
    base = next((money for tag, money in found if tag == "NetLiquidation"), "")
    if not base:
        raise QueryFailedError("TWS 的资金里没有净值（NetLiquidation）")
    whose: Any = {"account_id": account, "account_type": OtherAccountType.OVERSEAS.value}

    def of(tag: str, money: str) -> Any:
        return number(found.get((tag, money)) or 0)

    rows = [
        records.Asset(
            total_asset=of("NetLiquidation", base),
            cash=of("AvailableFunds", base),
            market_value=of("GrossPositionValue", base),
            frozen_cash=of("InitMarginReq", base),
            currency=base,
            **whose,
        )
    ]
    others = sorted({money for tag, money in found if tag == "CashBalance"} - {base, "BASE", ""})
    rows += [
        records.Asset(
            total_asset=of("NetLiquidationByCurrency", money),
            cash=of("CashBalance", money),
            market_value=of("StockMarketValue", money),
            currency=money,
            **whose,
        )
        for money in others
    ]
    return rows


def _quote(code: str, ticks: dict[str, float]) -> records.Quote:
    def of(name: str) -> Any:
        return number(ticks.get(name) or 0) or None

    if not {"last", "bid", "ask", "pre_close"} & ticks.keys():
        raise QueryFailedError(f"没有 {code} 的行情：TWS 没有给出价格")
    sides = [[(of(s), of(f"{s}_size") or 0)] if of(s) else [] for s in ("bid", "ask")]
    return records.Quote(
        stock_code=code, last=of("last"), open=of("open"), high=of("high"), low=of("low"),
        pre_close=of("pre_close"), limit_up=None, limit_down=None, volume=of("volume") or 0,
        amount=0, time=int(time.time()), bids=sides[0], asks=sides[1],
    )  # fmt: skip
