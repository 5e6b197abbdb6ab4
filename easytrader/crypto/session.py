"""一次会话：下单、撤单走一条连接，查询走另一条，谁卡住了都不耽误另一个。"""

from __future__ import annotations

import re
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from easytrader.backend.records import Side, SubmitAnswer
from easytrader.codes import PriceType
from easytrader.crypto import convert, table
from easytrader.crypto.client import CallFailedError
from easytrader.crypto.ledger import UTC_DAY
from easytrader.crypto.markets import Loaded, Markets, decimal, plain
from easytrader.errors import (
    ConnectFailedError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
)
from easytrader.link.line import LineSession
from easytrader.orders.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from decimal import Decimal

    from easytrader.backend import records
    from easytrader.backend.session import Listener, Reply
    from easytrader.basics.log import Log
    from easytrader.crypto.client import Client
    from easytrader.crypto.ledger import Ledger
    from easytrader.crypto.markets import Shelf

_T = TypeVar("_T")

_SAME_ID: Final = re.compile(
    r'duplicat|already (?:exist|been used)|"51016"|client-order-id', re.IGNORECASE
)
"""被拒绝的理由是客户编号重了（各家的说法；51016 是 okx 的）：那一笔可能早就收下了。"""
_LIKE: Final = {"fetchCanceledOrders": "fetchClosedOrders"}
"""ccxt 没有单独说的，与谁一样。"""
_PAGE: Final = 100
_MOST_PAGES: Final = 100
_OVERLAP_S: Final = 300.0
"""看过一遍之后，下一次只看这么久以前的：时钟有差，查询会慢。"""
_DEPTH: Final = 20
"""各家都收的盘口档数。"""


class Desk(NamedTuple):
    """一个账号：连哪家，怎么连，见过什么。几次会话共用。

    Attributes:
        name: ccxt 的名字。
        exchange: 见 `table.Exchange`。
        kind: 哪一种市场。
        main: 资金的第一项，总资产折成它。
        account_id: 账号。
        client: 造一个 ccxt 的对象。
        ledger: 见过的。
        lag_s: 交易所收下的委托，最慢几秒后查得到。
        shelf: 读好的交易对。
        log: 日志口。
    """

    name: str
    exchange: table.Exchange
    kind: str
    main: str
    account_id: str
    client: Callable[[], Client]
    ledger: Ledger
    lag_s: float
    shelf: Shelf
    log: Log


class CryptoSession(LineSession):
    """见模块说明。"""

    account_type = "CRYPTO"

    def __init__(self, desk: Desk, timeout_s: float) -> None:
        super().__init__(timeout_s, "easytrader-crypto-orders")
        self._desk, self._ledger = desk, desk.ledger
        self.cache_lag_s = desk.lag_s
        self._orders_client = desk.client()
        both = desk.exchange.concurrent
        self._queries = desk.client() if both else self._orders_client
        self._reader: LineSession = self
        if both:
            self._reader = LineSession(timeout_s, "easytrader-crypto-queries")
        self._looked = {"orders": 0.0, "trades": 0.0}
        self.raw_trader = self._orders_client.exchange
        self.raw_account = desk.account_id

    # ---- 连接

    def start(self) -> None:
        """读交易对，问一次资金：密钥不对当场就知道。"""
        shelf = self._desk.shelf
        loaded = shelf.fresh() or self._query("交易对", self._load)
        shelf.loaded = loaded
        self.markets = loaded.markets
        strange = [each for each in self._ledger.scope() if each not in self.markets.all]
        if strange:
            self._desk.log.warning("没有这样的交易对，查委托时不看：{}", "、".join(strange[:10]))
        for each in (self._orders_client, self._queries):
            if not each.exchange.markets:
                each.exchange.set_markets(list(loaded.raw.values()))
        self.asset()

    def _load(self, until: float) -> Loaded:
        _only(self._queries.exchange, self._desk.kind)
        found = self._queries.call("load_markets", until=until)
        mode = self._queries.exchange.precisionMode
        return Loaded(Markets(found, self._desk.kind, mode), found, time.monotonic())

    # ---- 查询

    def asset(self) -> records.Asset:
        """资金：折成 `Desk.main` 的。"""
        return self.assets()[0]

    def assets(self) -> list[records.Asset]:
        """资金，一种货币一项。"""
        return self._query("资金", self._assets)

    def _assets(self, until: float) -> list[records.Asset]:
        balance = self._queries.call("fetch_balance", until=until)
        own, main, account = _currencies(balance), self._desk.main, self._desk.account_id
        total = self._equity(balance, own, until)
        found = [convert.asset_of(main, own.pop(main, {}), total, account)]
        return found + [
            convert.asset_of(each, own[each], None, account)
            for each in sorted(own)
            if decimal(own[each].get("total"))
        ]

    def _equity(self, balance: Any, own: dict[str, Any], until: float) -> Decimal | None:
        """整个账户值多少：okx 自己说；别家照此刻的价格算，没有价格的不算在内。"""
        info = balance.get("info")
        if self._desk.name in ("okx", "okxus", "myokx") and self._desk.main == "USDT":
            rows = info.get("data") or [{}]
            return decimal(rows[0].get("totalEq") or None) or None
        if self._desk.kind != "spot":
            return None
        prices = self._prices([each for each in own if decimal(own[each].get("total"))], until)
        worth = sum(prices[each] * decimal(own[each]["total"]) for each in prices)
        return decimal(own.get(self._desk.main, {}).get("total")) + worth

    def positions(self) -> list[records.Position]:
        """持仓：现货是主要货币以外的币，合约是合约。"""
        return self._query("持仓", self._positions)

    def _positions(self, until: float) -> list[records.Position]:
        account = self._desk.account_id
        if self._desk.kind != "spot":
            rows = self._queries.call("fetch_positions", until=until)
            return [
                convert.position_of(each, self.markets, account)
                for each in rows
                if decimal(each.get("contracts"))
            ]
        own = _currencies(self._queries.call("fetch_balance", until=until))
        own.pop(self._desk.main, None)
        held = {each: row for each, row in sorted(own.items()) if decimal(row.get("total"))}
        prices, none = self._prices(list(held), until), decimal(0)
        return [
            convert.holding_of(
                self._pair(each) or each, row, prices.get(each, none), self._desk.main, account
            )
            for each, row in held.items()
        ]

    def _pair(self, currency: str) -> str:
        """一种币对主要货币的交易对；没有为空。"""
        symbol = f"{currency}/{self._desk.main}"
        return symbol if symbol in self.markets.all else ""

    def _prices(self, currencies: Sequence[str], until: float) -> dict[str, Decimal]:
        pairs = {each: pair for each in currencies if (pair := self._pair(each))}
        if not pairs or not self._queries.exchange.has.get("fetchTickers"):
            return {}
        tickers = self._queries.call("fetch_tickers", list(pairs.values()), until=until)
        return {each: decimal((tickers.get(pair) or {}).get("last"))
                for each, pair in pairs.items()}  # fmt: skip

    def orders(self) -> list[records.Order]:
        """今天（UTC）的委托，和以前下的、还挂着的。"""
        return self._query("当日委托", self._all_orders)

    def order(self, order_id: Any) -> records.Order | None:
        """一笔委托。"""
        symbol = self._ledger.symbols.get(str(order_id))
        if symbol is None:
            return next((each for each in self.orders() if each.order_id == order_id), None)
        return self._query("委托", partial(self._one_order, str(order_id), symbol))

    def _one_order(self, number: str, symbol: str, until: float) -> records.Order | None:
        if self._queries.exchange.has.get("fetchOrder"):
            self._refresh({number: symbol}, until)
        else:
            self._all_orders(until)
        return self._ledger.order(number)

    def _all_orders(self, until: float) -> list[records.Order]:
        began = time.time()
        since = self._since("orders")
        # 先看挂着的：它随后完了，后面的列表里有；反过来就会两边都没有
        rows = self._pages("fetch_open_orders", None, until)
        for method in self._history():
            rows += self._pages(method, since, until)
        seen = {str(each["id"]) for each in rows}
        self._meet(rows)
        missing = {n: s for n, s in self._ledger.unfinished().items() if n not in seen}
        if missing and self._queries.exchange.has.get("fetchOrder"):
            self._refresh(missing, until)
        if self._desk.exchange.by_client:
            for tag, symbol in self._ledger.doubts().items():
                self._find(self._queries, tag, symbol, until)
        self._looked["orders"] = began
        return self._ledger.orders()

    def _history(self) -> tuple[str, ...]:
        has = self._queries.exchange.has
        if has.get("fetchOrders") is True:
            return ("fetch_orders",)
        both = ("fetchClosedOrders", "fetch_closed_orders"), (
            "fetchCanceledOrders", "fetch_canceled_orders",
        )  # fmt: skip
        return tuple(method for name, method in both if has.get(name) is True)

    def _refresh(self, wanted: dict[str, str], until: float) -> None:
        """一笔一笔地问：列表里没有的。"""
        for number, symbol in wanted.items():
            if not self._found(self._queries, number, symbol, {}, until):
                self._ledger.missing(number)

    def _find(self, client: Client, tag: str, symbol: str, until: float) -> str:
        """按客户编号找一笔；没有为空。"""
        params = {"clientOrderId": table.client_id(tag)}
        return self._found(client, None, symbol, params, until)

    def _found(
        self, client: Client, number: str | None, symbol: str, params: dict[str, Any], until: float
    ) -> str:
        """问一笔，记下来，返回编号；没有为空。"""
        try:
            row = client.call("fetch_order", number, symbol, params, until=until)
        except CallFailedError as exc:
            if not exc.missing:
                raise
            return ""
        self._meet([row])
        return str(row["id"])

    def _meet(self, rows: Sequence[Any]) -> None:
        markets, account = self.markets, self._desk.account_id
        mine = [each for each in rows if each.get("side") and each.get("symbol") in markets.all]
        self._ledger.met(convert.order_of(each, markets, account) for each in mine)

    def trades(self) -> list[records.Trade]:
        """今天（UTC）的成交。"""
        return self._query("当日成交", self._all_trades)

    def _all_trades(self, until: float) -> list[records.Trade]:
        began = time.time()
        rows = self._pages("fetch_my_trades", self._since("trades"), until)
        markets, account, ledger = self.markets, self._desk.account_id, self._ledger
        ledger.traded_in(
            convert.trade_of(each, markets, account, ledger.order(str(each.get("order"))))
            for each in rows
            if each.get("side") and each.get("symbol") in markets.all
        )
        self._looked["trades"] = began
        return ledger.trades()

    def _since(self, what: str) -> int:
        return int(max(UTC_DAY.began(time.time()), self._looked[what] - _OVERLAP_S) * 1000)

    def _pages(self, method: str, since: int | None, until: float) -> list[Any]:
        """一页一页地问完；问不完整就不答。"""
        found: list[Any] = []
        for symbol in self._scope(method):
            found += self._of_symbol(method, symbol, since, until)
        return found

    def _scope(self, method: str) -> Sequence[str | None]:
        """要给交易对的，一个一个地问买卖过的；不要的问一次。"""
        needed = self._feature(method).get("symbolRequired")
        if not needed:
            return (None,)
        # 写错了的、下架了的，问了就全都查不出来
        return tuple(each for each in self._ledger.scope() if each in self.markets.all)

    def _feature(self, method: str) -> dict[str, Any]:
        name = re.sub(r"_(\w)", lambda match: match[1].upper(), method)
        features = self._queries.exchange.features or {}
        group = features.get(self._desk.kind) or {}
        if self._desk.kind != "spot":
            group = group.get("linear") or group.get("inverse") or {}
        return group.get(name) or group.get(_LIKE.get(name, "")) or {}

    def _of_symbol(
        self, method: str, symbol: str | None, since: int | None, until: float
    ) -> list[Any]:
        found: dict[Any, Any] = {}
        most = self._feature(method).get("limit")
        whole = method == "fetch_open_orders" and not most  # 没有说一页多少的，挂着的一次给全
        limit = None if whole else min(most or _PAGE, _PAGE)

        def ask(start: int | None, params: dict[str, Any]) -> Sequence[Any]:
            page: Sequence[Any] = self._queries.call(
                method, symbol, start, limit, params, until=until
            )
            found.update({(each.get("symbol"), str(each["id"])): each for each in page})
            return page

        first = ask(since, {})
        if not limit or len(first) < limit:
            return list(found.values())
        for further in self._ways(method, since):
            page = first
            for _ in range(_MOST_PAGES):
                before = len(found)
                page = ask(*further(page))
                if len(page) < limit:
                    break
                if len(found) == before:
                    raise CallFailedError(f"{method} 翻了页也不完整：同一毫秒里的超过一页")
            else:
                raise CallFailedError(f"{method} 翻了页也不完整：超过 {_MOST_PAGES} 页")
        return list(found.values())

    def _ways(
        self, method: str, since: int | None
    ) -> list[Callable[[Sequence[Any]], tuple[int | None, dict[str, Any]]]]:
        """往哪边翻：(从什么时候起, 别的参数)。

        按时间翻的两边都翻：有的（okx）一页是最近的，有的（binance 给了 ``startTime``）是最早的，
        只翻一边会少了最近的。
        """
        if self._desk.exchange.pages != "after":
            step = 1000 if self._desk.exchange.pages == "seconds" else 1
            return [
                lambda page: (max(each["timestamp"] for each in page), {}),
                # 只认到秒的，零头会被去掉：多要这一秒
                lambda page: (
                    since,
                    {"until": -(-min(each["timestamp"] for each in page) // step) * step},
                ),
            ]
        name = "billId" if method == "fetch_my_trades" else ""
        return [
            lambda page: (
                since,
                {"after": min((e["info"][name] if name else e["id"] for e in page), key=int)},
            )
        ]

    def multiplier(self, stock_code: str) -> Decimal:
        """一张合约多少个币；反向合约一张是多少钱，按价格乘会大得多，宁可多算。"""
        return decimal((self.markets.all.get(stock_code) or {}).get("contractSize")) or decimal(1)

    def last_price(self, stock_code: str) -> float | None:
        """最新价。"""
        ticker = self._query("最新价", lambda until: self._ticker(stock_code, until))
        value = ticker.get("last")
        return None if value is None else float(value)

    def quotes(self, stock_codes: list[str]) -> list[records.Quote]:
        """行情；一个交易对问两次（ticker、order book）。"""
        return self._query("行情", lambda until: list(self._quotes(stock_codes, until)))

    def _quotes(self, stock_codes: list[str], until: float) -> Iterator[records.Quote]:
        for symbol in stock_codes:
            ticker = self._ticker(symbol, until)
            book = self._queries.call("fetch_order_book", symbol, _DEPTH, until=until)
            yield convert.quote_of(symbol, ticker, book)

    def _ticker(self, symbol: str, until: float) -> Any:
        return self._queries.call("fetch_ticker", symbol, until=until)

    # ---- 下单、撤单

    def submit(self, request: records.OrderRequest, reply: Reply[SubmitAnswer]) -> None:
        """下单。"""
        until = time.monotonic() + self.timeout_s
        symbol = request.security.stock_code
        try:
            self._ledger.begin(symbol)
        except OSError as exc:
            told = f"{symbol} 记不进 {self._ledger.path}（{exc}），什么都没有发出"
            raise NotConnectedError(told) from exc
        self._ledger.wrote(request.tag, request.remark, request.strategy_name)
        self.send(reply, lambda: self._place(request, symbol, until), request.tag)

    def _place(self, request: records.OrderRequest, symbol: str, until: float) -> SubmitAnswer:
        tag = request.tag
        failure = self._create(request, symbol, until)
        if isinstance(failure, SubmitAnswer):
            return failure
        told = str(failure)
        tagged = self._desk.exchange.tagged
        if failure.kind == "refused" and tagged and _SAME_ID.search(told):
            self._ledger.doubt(tag, symbol)
            number = self._earlier(tag, symbol, until)
            if number:
                return SubmitAnswer(number)
            failure = CallFailedError(f"{told}（带这个客户编号的可能已经收下）")
        if failure.kind != "unknown" and not failure.missing:
            return SubmitAnswer("", told)
        self._ledger.doubt(tag, symbol)
        raise OutcomeUnknownError(str(failure))

    def _create(
        self, request: records.OrderRequest, symbol: str, until: float
    ) -> SubmitAnswer | CallFailedError:
        client, market = self._orders_client, self.markets.all[symbol]
        side = "buy" if request.side is Side.BUY else "sell"
        limit = request.price_type == PriceType.FIX
        price = _text(request.price) if limit else None
        params: dict[str, Any] = {}
        if self._desk.exchange.tagged:
            params["clientOrderId"] = table.client_id(request.tag)
        try:
            if not limit and side == "buy" and market.get("spot") and self._by_cost:
                price = _text(client.call("fetch_ticker", symbol, until=until)["last"])
            kind, amount = "limit" if limit else "market", _text(request.volume)
            order = client.call(
                "create_order", symbol, kind, side, amount, price, params, until=until
            )
        except CallFailedError as exc:
            return exc
        number = str(order.get("id") or "")
        if order.get("status") == "rejected":
            return SubmitAnswer("", client.told(order.get("info")))
        if not number:
            return CallFailedError(f"应答里没有委托编号：{client.told(order.get('info'))}")
        self._ledger.placed(number, symbol)
        return SubmitAnswer(number)

    def _earlier(self, tag: str, symbol: str, until: float) -> str:
        """带这个标记的委托早就收下了：它的编号；找不到为空。"""
        if not self._desk.exchange.by_client:
            return ""
        return self._find(self._orders_client, tag, symbol, until)

    @property
    def _by_cost(self) -> bool:
        """市价买入说的是花多少钱，不是买多少：要现价来算。"""
        found = self._orders_client.exchange.options.get("createMarketBuyOrderRequiresPrice")
        return bool(found)

    def cancel(self, target: Any, reply: Reply[bool]) -> None:
        """撤单。"""
        until = time.monotonic() + self.timeout_s
        self.send(reply, lambda: self._cancel(str(target), until))

    def _cancel(self, number: str, until: float) -> bool:
        client = self._orders_client
        symbol = self._ledger.symbols.get(number) or self._symbol_of(number, until)
        if not symbol:
            self._desk.log.warning("撤单 {}：没有这一笔挂着的委托", number)
            return False
        try:
            client.call("cancel_order", number, symbol, until=until)
        except CallFailedError as exc:
            if exc.pending:
                return True
            if exc.missing or exc.kind != "unknown":
                self._desk.log.warning("撤单 {} 没有收下：{}", number, exc)
                return False
            raise OutcomeUnknownError(str(exc)) from None
        return True

    def _symbol_of(self, number: str, until: float) -> str:
        """别的程序、重启之前下的：从挂着的里面找。"""
        scope = self._scope("fetch_open_orders")
        for symbol in scope:
            for each in self._orders_client.call("fetch_open_orders", symbol, until=until):
                if str(each["id"]) == number:
                    return str(each["symbol"])
        return ""

    # ---- 线路

    def _query(self, what: str, work: Callable[[float], _T]) -> _T:
        """在查询的线路上做，等到应答。"""
        receipt: Receipt[_T] = Receipt(what, self.timeout_s, awaited=True)
        receipt.blame = lambda error: QueryFailedError(f"查询{what}没有得到回答：{error}")
        self.depart(receipt)
        serve, latest = self._serve, self._latest(receipt)
        self._reader.later(serve, receipt, lambda: work(receipt.deadline), "", latest)
        return receipt.value()

    def close(self, limit_s: float = 3.0) -> None:
        """收尾。"""
        self._reader.later(self._queries.close)
        self.later(self._orders_client.close)
        super().close(limit_s)
        if self._reader is not self:
            self._reader.close(limit_s)


class CryptoConnector:
    """怎样开一次会话。"""

    session_id = 0

    def __init__(self, desk: Desk, timeout_s: float) -> None:
        self.desk, self.timeout_s = desk, timeout_s
        self._cancelled = False
        self._opening: CryptoSession | None = None

    def open(self, listener: Listener, deadline: float) -> CryptoSession:
        """连上：读交易对，问一次资金。"""
        session = self._opening = CryptoSession(self.desk, self.timeout_s)
        try:
            if self._cancelled:
                raise NotConnectedError("已取消")
            with session.until(deadline):
                session.start()
        except (QueryFailedError, NotConnectedError) as exc:
            session.close()
            raise ConnectFailedError(f"{self.desk.name} 没有连上：{exc}") from None
        except BaseException:
            session.close()
            raise
        finally:
            self._opening = None
        return session

    def cancel(self) -> None:
        """不连了。"""
        self._cancelled = True
        opening = self._opening
        if opening is not None:
            opening.lose("已取消")


def _currencies(balance: Any) -> dict[str, Any]:
    """每种货币的 ``free used total``。"""
    return {each: dict(balance[each]) for each in balance.get("total") or {}}


def _only(exchange: Any, kind: str) -> None:
    """只读要用的：币种表要密钥的读权限而用不到，别的市场的交易对又是几次请求。"""
    exchange.has["fetchCurrencies"] = False
    options = exchange.options.get("fetchMarkets")
    types = options.get("types") if isinstance(options, dict) else None
    if isinstance(types, list) and kind in types:
        options["types"] = [kind]
    elif isinstance(types, dict) and kind in types:  # htx 的写法
        options["types"] = {each: each == kind for each in types}


def _text(value: Any) -> str:
    """一个数写给 ccxt：不用科学记数，不经过浮点。"""
    return plain(decimal(value))
