"""`GatewaySession`：一次会话。查的是推来的账，下单、撤单交给 `orders.OrderDesk`。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.numbers import exact
from easytrader.basics.threads import AbandonedError, call_aside
from easytrader.codes import AccountType, OtherAccountType
from easytrader.errors import NotConnectedError, QueryFailedError
from easytrader.gateways import convert
from easytrader.gateways.book import trade_key
from easytrader.gateways.ready import login_of
from easytrader.link.line import LineSession

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.backend import records
    from easytrader.backend.session import Listener, Reply
    from easytrader.basics.days import DayBoundary
    from easytrader.basics.numbers import Number
    from easytrader.gateways.book import Book
    from easytrader.gateways.engine import Desk
    from easytrader.gateways.logs import LogLine
    from easytrader.gateways.orders import OrderDesk
    from easytrader.gateways.ready import Ready

_FRESH_S: Final = 5.0
"""资金比这新的直接给：多数接口每 2–4 秒自己查一次。"""
_POSITION_S: Final = 4.5
"""成交之后，持仓最慢这么久才推来（资金与持仓轮着查，各 2 秒）。"""
_QUOTE_S: Final = 5.0
_SURE: Final = 2
_TRY_S: Final = 1.0
"""不知道问了推不推的（RPC 的接口问了什么都不做），等这么久。"""
_CASH_ACCOUNTS: Final = (AccountType.STOCK, OtherAccountType.OVERSEAS)


class GatewaySession(LineSession):
    """一次会话。

    Args:
        listener: 推送、断线告诉谁。
        timeout_s: 每个调用的期限，秒。
        day: 一天从何时算起：昨天的委托不要。
    """

    cache_lag_s = 2.0

    def __init__(self, listener: Listener, timeout_s: float, day: DayBoundary) -> None:
        super().__init__(timeout_s, "easytrader-vnpy-line")
        self.listener = listener
        self.kind = int(AccountType.STOCK)
        """资金行的账号类型。"""
        self.desk: Desk
        self.ready: Ready
        self.let_go: Callable[[], None] = _nothing
        """关了之后放手：一个进程里只能有一个账号的接口。"""
        self._day = day
        self._words: OrderDesk | None = None
        self._traded_at = float("-inf")
        self.answers = 0
        """问资金，几次之内就推来：两次以上的，以后问了不推就是没有应答。"""
        self.cash_is_balance = False
        """见 `convert.asset`。"""
        self.knows_login = False
        """接口自己记着登录状态，而且登录好的时候为真：断没断以它为准。"""
        self._subscribed: set[tuple[str, str]] = set()

    def opened(self, words: OrderDesk, kind: int) -> None:
        """登录好了：从此往上报。

        Args:
            words: 委托的路。
            kind: 资金行的账号类型。
        """
        self.kind = kind
        self.book.is_open = True
        self.account_type = _name_of(kind)
        self.raw_trader, self.raw_account = self.desk.main, self.desk.gateway
        self._words = words

    @property
    def book(self) -> Book:
        """推来的东西。"""
        return self.desk.book

    @property
    def logged_in(self) -> bool:
        """接口说登录着；它自己不记的，当作登录着。"""
        return not self.knows_login or login_of(self.desk.gateway) is True

    # ---- 接口推来的（在 VeighNa 的事件线程上）

    def heard(self, kind: str, data: Any) -> None:
        """推来一样。"""
        if kind == "trade":
            self._traded_at = time.monotonic()
        words = self._words
        if words is None or kind not in ("order", "trade"):
            return
        heard = words.heard_order if kind == "order" else words.heard_trade
        for event in heard(data):
            self.listener.pushed(self, event)

    def heard_log(self, line: LogLine) -> None:
        """接口写了一行日志：登录失败、断线、撤单失败只在这里说。"""
        words = self._words
        if words is None:
            self.ready.heard(line.text)
            return
        words.heard_log(line.seq, line.text)
        # 知道登录状态的以它为准：断了行情、又连上了的那些行，不算断
        if self.ready.is_lost(line.text) and not (self.knows_login and self.logged_in):
            self._break(line.text)

    def ticked(self) -> None:
        """每秒一次：登录状态变了，而日志什么都没说的。"""
        if self._words is not None:
            self._words.ticked()
        if self._words is not None and not self.logged_in:
            self._break("接口的登录状态变成了没有登录")

    def died(self) -> None:
        """事件线程没了：不是这边关的，就是断了。"""
        self._break("VeighNa 的事件线程没了")

    def _break(self, reason: str) -> None:
        if not self.is_lost and self._words is not None:
            self.listener.lost(self, reason)

    # ---- 查询

    def asset(self) -> records.Asset:
        """资金。"""
        return self.assets()[0]

    def assets(self) -> list[records.Asset]:
        """资金，一种货币一项。"""
        self._refresh()
        value = 0.0
        if self.kind in _CASH_ACCOUNTS:
            held = (each for each in self._positions() if each.account_type == self.kind)
            value = float(sum(exact(each.market_value) for each in held))
        accounts = list(self.book.accounts.values())
        if not accounts:
            raise QueryFailedError("接口没有推来资金")
        account = self.desk.account_id
        odd = self.cash_is_balance
        return [
            convert.asset(each, self.kind, value, account, cash_is_balance=odd) for each in accounts
        ]

    def positions(self) -> list[records.Position]:
        """持仓；刚成交的，等新的持仓推来。"""
        self.desk.check(waits=False)
        traded_at = self._traded_at
        if self.book.position_at < traded_at and not self.desk.is_here:
            self._ask("query_position", self.desk.gateway.query_position)
            limit_s = min(self.timeout_s, _POSITION_S)
            deadline = min(traded_at + _POSITION_S, time.monotonic() + limit_s)
            self.book.wait_for(lambda: self.book.position_at >= traded_at, deadline)
            self._traded_at = min(self._traded_at, self.book.position_at)  # 没有持仓就什么都不推
        return self._positions()

    def orders(self) -> Sequence[records.Order]:
        """当日委托。"""
        self.desk.check(waits=False)
        today = self._today()
        found = [
            each
            for each in self.desk.orders()
            if each.is_active() or self._is_today(each.orderid, each, today)
        ]
        return self._words_now.rows(found)

    def order(self, order_id: Any) -> records.Order | None:
        """一笔当日委托。"""
        self.desk.check(waits=False)
        return self._words_now.find(order_id)

    def trades(self) -> Sequence[records.Trade]:
        """当日成交。"""
        self.desk.check(waits=False)
        today, words = self._today(), self._words_now
        return [
            words.trade_row(each)
            for each in list(self.book.trades.values())
            if self._is_today(trade_key(each), each, today)
        ]

    def multiplier(self, stock_code: str) -> Number:
        """合约的 ``size``。"""
        contract = self.book.contract(*self._place(stock_code))
        return 1 if contract is None else contract.size or 1

    def last_price(self, stock_code: str) -> float | None:
        """最新价；没有订阅过的订阅，等到第一笔。"""
        seen = self._seen_price(stock_code)
        if seen is not None:
            return seen
        try:
            found = self.quotes([stock_code])[0].last
        except QueryFailedError:
            return None
        return None if found is None else float(found)

    def _seen_price(self, stock_code: str) -> float | None:
        """订阅过的最新价；没有的不等：查持仓、资金时一只一只地等，几十只就过了期限。"""
        tick = self.book.ticks.get(self._place(stock_code))
        return None if tick is None else convert.price(tick.last_price) or None

    def quotes(self, stock_codes: list[str]) -> list[records.Quote]:
        """订阅，等到第一笔行情。"""
        self.desk.check()
        places = {code: self._place(code) for code in stock_codes}
        deadline = time.monotonic() + min(self.timeout_s, _QUOTE_S)
        for code, place in places.items():
            if place not in self._subscribed:
                self._subscribe(code, place, deadline)
        ticks = self.book.ticks
        self.book.wait_for(
            lambda: self.is_lost or all(place in ticks for place in places.values()), deadline
        )
        missing = "、".join(code for code, place in places.items() if place not in ticks)
        if missing:
            raise QueryFailedError(f"订阅了行情，到期没有推来：{missing}；行情那边多半没有登录")
        return [convert.quote(ticks[place]) for place in places.values()]

    def names(self) -> dict[str, str]:
        """合约的名称。"""
        found = list(self.book.contracts.items())
        return {convert.stock_code(*place): contract.name for place, contract in found}

    # ---- 下单

    def submit(self, request: records.OrderRequest, reply: Reply[records.SubmitAnswer]) -> None:
        """下单；没有登录的接口照样给编号，所以先看。"""
        self._check_login()
        self._words_now.submit(request, reply)

    def cancel(self, target: Any, reply: Reply[Any]) -> None:
        """撤单。"""
        self._check_login()
        self._words_now.cancel(target, reply)

    def still_sending(self, tag: str) -> bool:
        """可能还没有真正发出去。"""
        words = self._words
        return super().still_sending(tag) or (words is not None and words.still_sending(tag))

    def cannot_tell(self, tag: str) -> bool:
        """再看也核对不清楚。"""
        return self._words is not None and self._words.cannot_tell(tag)

    # ---- 生命周期

    def lose(self, reason: str) -> None:
        """断了。"""
        super().lose(reason)
        if self._words is not None:
            self._words.lost()
        if hasattr(self, "desk"):
            self.book.wake()

    def close(self, limit_s: float = 3.0) -> None:
        """收尾；VeighNa 关得慢，最多等 ``limit_s`` 秒。"""
        super().close(limit_s)
        if hasattr(self, "desk"):
            self.desk.close(limit_s)
        self.let_go()

    # ---- 内部

    @property
    def _words_now(self) -> OrderDesk:
        if self._words is None:
            raise NotConnectedError("还没有登录好；什么都没有发出")
        return self._words

    def _check_login(self) -> None:
        self.desk.check()
        if not self.logged_in:
            raise NotConnectedError("接口此刻没有登录；什么都没有发出")

    def _refresh(self) -> None:
        """资金旧了就问一次；以前问了推来、现在不推的，是没有应答。"""
        self.desk.check(waits=False)
        book = self.book
        asked_at = time.monotonic()
        if self.desk.is_here or asked_at - book.account_at < _FRESH_S:
            return
        self._ask("query_account", self.desk.gateway.query_account)
        sure = self.answers >= _SURE
        limit_s = self.timeout_s if sure else min(_TRY_S, self.timeout_s)
        came = book.wait_for(
            lambda: self.is_lost or book.account_at >= asked_at, asked_at + limit_s
        )
        if self.is_lost:
            raise NotConnectedError("会话已断开；什么都没有发出")
        if came:
            self.answers += 1
        elif sure:
            raise QueryFailedError(f"查询资金，{limit_s:.3g} 秒没有推来")

    def _ask(self, what: str, query: Callable[[], object]) -> None:
        try:
            call_aside(lambda: self.desk.call(query), self.timeout_s, name="easytrader-vnpy-call")
        except AbandonedError as exc:
            raise QueryFailedError(f"接口的 {what} 没有返回：{exc}") from None
        except NotConnectedError:
            raise
        except Exception as exc:
            raise QueryFailedError(f"接口的 {what} 出错：{exc!r}") from exc

    def _positions(self) -> list[records.Position]:
        book = self.book
        account = self.desk.account_id
        found: list[records.Position] = []
        # 一直在轮着查的接口：两轮都没有再推来，而资金还在推，就是没有了
        sure = self.answers >= _SURE and time.monotonic() - book.account_at < _POSITION_S
        for each in book.positions(time.monotonic() - 2 * _POSITION_S if sure else float("-inf")):
            place = each.symbol, each.exchange.name
            last = self._seen_price(convert.stock_code(*place)) or 0.0
            found.append(convert.position(each, book.contracts.get(place), account, last))
        return found

    def _place(self, stock_code: str) -> tuple[str, str]:
        symbol, _, market = stock_code.rpartition(".")
        return symbol, convert.exchange_of(market)

    def _subscribe(self, code: str, place: tuple[str, str], deadline: float) -> None:
        vt = self.desk.vt
        try:
            request = vt.SubscribeRequest(place[0], vt.Exchange[place[1]])
        except KeyError:
            raise QueryFailedError(f"{code}：VeighNa 没有交易所 {place[1]}") from None
        left_s = max(0.0, deadline - time.monotonic())
        try:
            call_aside(
                lambda: self.desk.call(self.desk.gateway.subscribe, request),
                left_s,
                name="easytrader-vnpy-call",
            )
        except AbandonedError:
            raise QueryFailedError(f"订阅 {code} 的行情，接口没有返回") from None
        except NotConnectedError:
            raise
        except Exception as exc:
            raise QueryFailedError(f"订阅 {code} 的行情出错：{exc!r}") from exc
        self._subscribed.add(place)

    def _today(self) -> int:
        return self._day.day_of(time.time())

    def _is_today(self, key: Any, data: Any, today: int) -> bool:
        """接口自己写的时间只用来认出登录时补来的旧的：当着面来的，以这边的钟为准。"""
        at = self.book.live.get(key)
        if at is None:
            at = convert.epoch(data.datetime, self.book.seen_at.get(key, 0.0))
        return not at or self._day.day_of(at) == today


def _name_of(kind: int) -> str:
    for codes in (AccountType, OtherAccountType):
        for each in codes:
            if each == kind:
                return str(each.name)
    return "STOCK"


def _nothing() -> None:
    """什么都没有占着。"""
