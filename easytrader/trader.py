"""`Trader`：用户面对的动词与属性，底下是一台引擎；后端只给 `Connector`。"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from easytrader import arguments, rows
from easytrader.backend.capabilities import Capabilities
from easytrader.basics import paths, tags
from easytrader.basics.keywords import OLD_NAMES, guarded_class, old_name_told
from easytrader.basics.log import Log, masked
from easytrader.codes import OrderType
from easytrader.errors import EasytraderError, RiskRefusedError, UsageError
from easytrader.history import daybook, past
from easytrader.link.backoff import ReconnectOptions
from easytrader.link.engine import Engine, Handlers
from easytrader.orders import Extras, admission, ticket
from easytrader.orders.verb import Ticket, cancel, order, order_verb
from easytrader.records.sqlite import SqliteStorage
from easytrader.rows import empties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date, datetime
    from decimal import Decimal
    from pathlib import Path

    from typing_extensions import Self, Unpack

    from easytrader import types
    from easytrader.backend.records import OrderRequest
    from easytrader.backend.session import Connector, Session
    from easytrader.basics.paths import AccountKey
    from easytrader.rebalance.portfolio import Portfolio
    from easytrader.rebalance.report import Report
    from easytrader.records.storage import Storage
    from easytrader.risk import Guard
    from easytrader.risk.rules import MarketView, Rules


class Trader:
    """一个账号的交易口。

    所有方法都可以在任意线程上调用，包括回调里；每个调用最多阻塞 ``timeout`` 秒（`wait` 自带期限）。

    会抛出的异常（见 `easytrader.errors`）：参数不对抛 `UsageError`，没有可用会话抛
    `NotConnectedError`，这两种什么都没有发出；查询没有应答抛 `QueryFailedError`，可以重试；
    下单、撤单发出后没有应答抛 `OutcomeUnknownError`，**不可重试**，先核对；
    开了风控（`guard`）而规则不许的抛 `RiskRefusedError`，什么都没有发出。

    写一个后端：继承它，给出 `capabilities`，写一个 ``connect()``，里面造好
    `backend.session.Connector` 再调用 `_open`。

    Args:
        debug: 是否记 DEBUG 日志。
        storage_of: 账号 → 委托记录、程序化交易计数、事件存在哪里；默认是用户数据目录下的
            SQLite 文件，事件在内存里。
    """

    capabilities: Capabilities = Capabilities("柜台")
    """后端的本事。"""

    def __init_subclass__(cls) -> None:
        guarded_class(cls)

    def __init__(
        self, debug: bool = False, *, storage_of: Callable[[AccountKey], Storage] | None = None
    ) -> None:
        self._log = Log(debug)
        self._engine = Engine(self.capabilities, self._log, storage_of=storage_of or _own_files)
        self._ordering = self._engine.orders
        # 引擎的线程不持有这个对象：没有人要它了，引擎自己会知道
        weakref.finalize(self, self._engine.abandon).atexit = False

    def connect(self, *args: Any, **options: Any) -> None:
        """连接；参数由各后端定。"""
        raise NotImplementedError(f"{type(self).__name__} 没有写 connect()")

    # ---- 查询

    @property
    def balance(self) -> list[types.Asset]:
        """资金，元：一个字典的列表。

        键：``total_asset market_value cash frozen_cash account_type account_id``。
        别的货币的账户还有 ``currency``，各种货币一项，数是那种货币的。
        """
        assets = self._session.assets()
        self._engine.saw(daybook.ASSET, assets[0])
        return [rows.asset_row(each) for each in assets]

    @property
    def position(self) -> list[types.Position]:
        """持仓：每只证券一个字典，数量为股/份/张，价格为元。"""
        held = self._engine.saw(daybook.POSITIONS, self._session.positions())
        return empties.noted("position", [rows.position_row(each) for each in held])

    @property
    def today_entrusts(self) -> list[types.Entrust]:
        """当日委托：每笔一个字典，``order_status_name`` 是中文状态，``order_time`` 是 Unix 秒。"""
        found = self._engine.saw(daybook.ORDER, self._session.orders())
        return empties.noted("today_entrusts", self._engine.order_rows.rows(found))

    @property
    def today_trades(self) -> list[types.Trade]:
        """当日成交：每笔一个字典，``traded_time`` 是 Unix 秒，金额为元。"""
        found = self._engine.saw(daybook.TRADE, self._session.trades())
        return empties.noted("today_trades", [rows.trade_row(each) for each in found])

    def find_entrust(self, key: int | str) -> types.Entrust | None:
        """找一笔当日委托：按委托编号，或按 ``client_order_id``、`OutcomeUnknownError.tag`。

        按后两样找，问的是柜台有没有收到：结果未知的那笔查不到时，会隔几秒（模拟 1 秒，
        真实客户端 6 秒：它的查询是缓存）再看一次才下结论，最多阻塞 ``timeout`` 秒。

        Args:
            key: 整数是委托编号，字符串是 ``client_order_id`` 或标记；
                编号是字符串的后端，先当编号找。

        Returns:
            与 `today_entrusts` 相同的行；没有这个编号、确实没有到柜台返回 None。

        Raises:
            UsageError: 两样都不是。
            QueryFailedError: 没有应答、期限内核对不清楚，或是往日的委托。
            NotConnectedError: 没有可用会话。
        """
        if self.capabilities.id_type is str:
            row = self._engine.find(self.capabilities.check_id(key, "key"))  # 先当编号找
            if row is not None or not self.capabilities.tags:
                return row
        elif not isinstance(key, str):
            return self._engine.find(self.capabilities.check_id(key, "key"))
        client_order_id = tags.check_client_order_id(key)
        self.capabilities.check_tag(client_order_id)
        session, once = self._session, self._ordering.once
        assert once is not None  # 有会话就有
        found = once.find(client_order_id, session.timeout_s)
        return None if found is None else self._engine.order_rows.row(found)

    def quote(self, codes: str | Iterable[str]) -> dict[str, types.Quote]:
        """此刻的行情，一次问完：``user.quote(["600036", "510300.SH"])``。

        Args:
            codes: 一个代码，或一批；指数也可以（模拟的没有指数）。

        Returns:
            ``{你写的代码: 字典}``，键见文档「行情」：最新价、开高低、昨收、涨跌停、成交、买卖五档。

        Raises:
            UsageError: 代码不对。
            QueryFailedError: 有的代码没有行情（信息里列出），或到期没有回答。
        """
        wanted = arguments.codes(codes, self.capabilities.instruments.security)
        found = self._session.quotes([each.stock_code for each in wanted.values()])
        return {text: rows.quote_row(each) for text, each in zip(wanted, found, strict=True)}

    def history(
        self, start: str | date | None = None, end: str | date | None = None
    ) -> types.History:
        """往日（连同今天）的委托、成交、资金：我们记下的，加上柜台还查得到的。

        Args:
            start: 从哪天，``'2026-11-01'``、``'20261101'`` 或 ``date``；默认 ``end`` 之前 30 天。
            end: 到哪天，含这一天；默认今天。

        Returns:
            ``{'orders': [...], 'trades': [...], 'assets': [...], 'notes': [...]}``：
            前两样的行同 `today_entrusts`、`today_trades`，第三样同 `balance` 另有 ``time``
            （Unix 秒，当时的样子）；都有 ``day``（``'2026-11-30'``）与 ``source``
            （``'记录'`` 是这台机器上记下的，``'柜台'`` 是柜台说的），旧的在前。
            ``notes`` 说缺了什么、为什么，不缺为空。

        Raises:
            UsageError: 不是日期，或 ``end`` 早于 ``start``。
            QueryFailedError: 连着，而今天的没有应答。
            NotConnectedError: 还没有连接过；只是此刻断着的照常给出记录，``notes`` 里说。
        """
        engine = self._engine
        if not engine.key.account_id:
            self._session  # noqa: B018  没有连接过、已关闭的说清楚
        today = engine.today
        return cast(
            "types.History",
            past.look(
                past.Span.of(start, end, today),
                today,
                book=engine.book,
                session=lambda: engine.session,
                order_rows=engine.order_rows.rows,
                counter=self._past,
            ),
        )

    # ---- 下单

    @order_verb
    def buy(
        self,
        security: str,
        price: float | Decimal,
        amount: float | Decimal,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **legacy: Unpack[types.Legacy],
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """限价买入，等到客户端给出委托编号为止。

        Args:
            security: 证券代码：``600036``、``600036.SH``、``sh600036`` 等。
            price: 委托价，元。
            amount: 数量，股/份/张。
            strategy_name: 策略名，不超过 23 字节。
            remark: 备注，原样出现在 `today_entrusts` 的 ``order_remark``。
            client_order_id: 自己取的、不会重复的委托 id，不超过 64 字节。给了就**恰好一次**：
                同一个 id 再下（同一个进程、重启之后、两个程序同时），只有一笔委托，返回同一个编号；
                当场被拒绝的、没有到柜台的，同一个 id 可以再下。
            **legacy: 旧版的 ``entrust_prop="limit"`` 等，见文档；别的名字、改变意思的值都不收。

        Returns:
            ``{'entrust_no': int}``。有编号不等于已被交易所接受，见 ``order_status_name``。
            当场被拒绝时 ``{'entrust_no': -1, 'message': 原因}``。

        Raises:
            UsageError: 参数不对，什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            RiskRefusedError: 风控不许，什么都没有发出。
            JournalError: 给了 ``client_order_id`` 而记录写不下来，什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答，**不可重试**，用 `find_entrust` 核对；
                给了 ``client_order_id`` 的可以用同一个 id 再下，不会重复。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        return self._limit(OrderType.BUY, security, price, amount, extras)

    buy_async = buy.twin
    """同 `buy`，发出就返回回执：``seq`` 请求序号，``done()``，``result(timeout)``。"""

    @order_verb
    def sell(
        self,
        security: str,
        price: float | Decimal,
        amount: float | Decimal,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **legacy: Unpack[types.Legacy],
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """限价卖出；参数、返回、异常同 `buy`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        return self._limit(OrderType.SELL, security, price, amount, extras)

    sell_async = sell.twin
    """同 `sell`，发出就返回回执：``seq`` 请求序号，``done()``，``result(timeout)``。"""

    @order_verb
    def market_buy(
        self,
        security: str,
        amount: float | Decimal,
        ttype: types.MarketTypeName | int | None = None,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **legacy: Unpack[types.Legacy],
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """市价买入。

        Args:
            security: 证券代码。
            amount: 数量，股/份。
            ttype: 市价类型，默认 ``对手方最优价格委托``；各交易所可用的见文档，不对时错误里会列出。
            strategy_name: 策略名。
            remark: 备注。
            client_order_id: 自己取的委托 id，同 `buy`。
            **legacy: 同 `buy`，``entrust_prop="market"`` 也收。

        返回与异常同 `buy`。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        return self._market(OrderType.BUY, security, amount, ttype, extras)

    market_buy_async = market_buy.twin
    """同 `market_buy`，发出就返回回执。"""

    @order_verb
    def market_sell(
        self,
        security: str,
        amount: float | Decimal,
        ttype: types.MarketTypeName | int | None = None,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **legacy: Unpack[types.Legacy],
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """市价卖出；参数、返回、异常同 `market_buy`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        return self._market(OrderType.SELL, security, amount, ttype, extras)

    market_sell_async = market_sell.twin
    """同 `market_sell`，发出就返回回执。"""

    # ---- 撤单、等待

    @order_verb
    def cancel_entrust(self, entrust_no: int) -> Ticket[types.CancelResult, types.CancelResult]:
        """撤单。

        Args:
            entrust_no: `buy` 等返回的委托编号（编号是字符串的后端，就是那个字符串）。

        Returns:
            ``{'success': True, 'message': 'success'}``：撤单已收下，撤没撤成看委托状态；
            ``{'success': False, 'message': 'failed'}``：当场被拒，原因在日志里。

        Raises:
            UsageError: 编号不对，什么都没有发出。
            RiskRefusedError: 风控不许（只有程序化交易的笔数会拦撤单），什么都没有发出。
            OutcomeUnknownError: 已发出而没有应答。撤单可以放心再撤一次。
        """
        return cancel(self._ordering, self._ordering.cancel(entrust_no))

    cancel_entrust_async = cancel_entrust.twin
    """同 `cancel_entrust`，发出就返回回执。"""

    def cancel_all(self) -> list[types.BulkCancel]:
        """撤掉当日所有可撤的委托。

        Returns:
            每笔一个 ``{'entrust_no': int, 'success': bool, 'message': str}``；没有可撤的为空。
            先都发出去，再一起等，所以几十笔也只要差不多一笔的时间。某一笔没有应答时其余照常撤，
            那一笔 ``success`` 为 False，``message`` 说明结果未知；有一笔发不出去之后，
            其余的一共最多再用 ``timeout`` 秒，来不及的不发，``message`` 说明。
        """
        return empties.noted("cancel_all", self._ordering.cancel_all())

    def wait(self, entrust_no: int, timeout: float = 30.0) -> types.Entrust:
        """等到委托到终态（已成、已撤、部撤、废单），返回它的行。

        Args:
            entrust_no: 委托编号。
            timeout: 最多等多少秒。

        Raises:
            UsageError: 参数不对，或当日没有这个编号。
            WaitTimeoutError: 到期仍未到终态；``row`` 是到期时的样子。
            NotConnectedError: 到期时还断着线（断线期间会等着重连）。
            QueryFailedError: 到期时客户端没有应答。
        """
        return self._engine.waiting.wait(entrust_no, timeout)

    # ---- 调仓

    @property
    def portfolio(self) -> Portfolio:
        """目标持仓：``plan``、``execute``，和 ``order_value``、``order_target_percent`` 等五个。"""
        from easytrader.rebalance.portfolio import Portfolio  # 用到时才导入，规则表不轻

        return Portfolio(self)

    def adjust_weights(
        self,
        weights: Mapping[str, float | Decimal],
        ignore_minor: float = 0.0,
        *,
        others: Literal["close", "keep"] = "close",
        cash_buffer: float = 0.0,
        price: str = "对手价",
        patience: float = 10.0,
        deadline: str | float | None = None,
        slices: str | None = None,
        dry_run: bool = False,
        assume_open: bool = False,
    ) -> Report:
        """调到这些权重：做计划，马上执行，做完（或到期）返回报告。

        Args:
            weights: ``{代码: 占总资产的比例}``，0–1，合计不超过 1。原来的 easytrader 用百分数，
                30% 在这里写 0.3；整数 1 说不清是 1% 还是全部，不收。
            ignore_minor: 一只的金额不到这么多就不调：小于 1 是占总资产的比例，不小于 1 是元。
            others: 没有写的持仓，``close`` 清掉，``keep`` 留着。
            cash_buffer: 要留的现金：小于 1 是占总资产的比例，不小于 1 是元。
            price: 怎样报价，见 `rebalance.run`，以下各项也是。
            patience: 报出去这么多秒没有成交完就重报。
            deadline: 做到什么时候，如 ``"14:56"``。
            slices: 大单分片。
            dry_run: 只算不发。
            assume_open: 当作一直开着市。

        Returns:
            报告，见 `rebalance.Report`；``str(report)`` 是一张表。要别的选项、要先看计划，
            用 ``user.portfolio``。

        Raises:
            UsageError: 权重、选项不对，什么都没有发出。
            QueryFailedError: 账户、行情没有应答，什么都没有发出。
            RebalanceBusyError: 这个账号正有一个在执行。
        """
        for security, weight in weights.items() if isinstance(weights, Mapping) else ():
            _check_not_percent(security, weight)
        return self.portfolio.order_target_portfolio(
            weights,
            min_turnover=ignore_minor,
            others=others,
            cash_buffer=cash_buffer,
            price=price,
            patience=patience,
            deadline=deadline,
            slices=slices,
            dry_run=dry_run,
            assume_open=assume_open,
        )

    def adjust_weight(
        self,
        security: str,
        weight: float | Decimal,
        *,
        price: str = "对手价",
        patience: float = 10.0,
        deadline: str | float | None = None,
    ) -> Report:
        """把一只调到总资产的这个比例，别的不动；做完（或到期）返回报告。

        Args:
            security: 证券代码。
            weight: 比例，0–1；0 是清掉。
            price: 同 `adjust_weights`，以下两项也是。
            patience: 同上。
            deadline: 同上。
        """
        return self.adjust_weights(
            {security: weight}, others="keep", price=price, patience=patience, deadline=deadline
        )

    # ---- 后端的对象

    @property
    def trader(self) -> Any:
        """后端的原始交易对象（厂商的 ``XtQuantTrader``）。经它的同步调用同样有期限。

        重连之后是新的对象，所以不要长期持有，用时再取。
        """
        return self._session.raw_trader

    @property
    def account(self) -> Any:
        """后端的账号对象（厂商的 ``StockAccount``）。"""
        return self._session.raw_account

    # ---- 生命周期

    @property
    def state(self) -> types.StateName:
        """连接状态：``未连接 连接中 已连接 已断开 已关闭``。"""
        return self._engine.state.value

    @property
    def status(self) -> types.Status:
        """此刻的健康状况：一个普通字典，随时可以取，不发任何请求。

        键（时间都是 Unix 秒）：

        - ``state``、``since``、``attempts``（这次断线重连了几次）、``reconnects``（成功过几次）、
          ``gave_up``、``last_error``；
        - ``last_answer``（最近一次应答，没有过为 0）、``unanswered``（连续多少个请求没有应答）、
          ``heartbeat_failures``、``latency_ms``（``submit cancel query`` 最近一次各花了几毫秒）；
        - ``queue_depth``（等着回调的推送）、``queue_lag_s``、``queue_merged``、``behind``；
        - ``open_intents``（结果还不知道的委托）、``guard``（风控，没有开为 None）；
        - ``account_id``（只露末四位）、``path``、``session_id``。
        """
        return self._engine.status()

    def events(self, timeout: float = 30.0) -> Iterator[types.Event]:
        """不写回调，用一个循环收事件：``for event in user.events(timeout=60): ...``。

        从连上开始就留着（第一次调用之前：成交最近 10,000 条，其余最近 1,000 条），取走一条少一条；
        几个循环同时取，各取各的一部分。回调照常执行，先后同一个次序。

        Args:
            timeout: 安静这么多秒就结束循环；`close()` 之后取完剩下的也结束。

        Yields:
            ``{'event': 种类, 'event_name': 中文名, 'time': 收到的时刻（Unix 秒）, 'data': 字典}``。
            ``order``、``trade`` 的 ``data`` 与 `today_entrusts`、`today_trades` 的行相同。

        Raises:
            UsageError: 秒数不对。
        """
        seconds = arguments.seconds("timeout", timeout, allow_zero=True)
        return self._engine.events.read(seconds, keep=self)

    def stop_reconnect(self) -> None:
        """停止自动重连；现有连接不受影响。没有连接过也可以调用。"""
        supervisor = self._engine.supervisor
        if supervisor is not None:
            supervisor.stop_reconnect()
            self._log.info("已停止自动重连")

    @property
    def guard(self) -> Guard | None:
        """风控规则，None 为没有开；随时可以换，马上生效。也收 True（只管笔数）和字典。"""
        return self._engine.guard

    @guard.setter
    def guard(self, value: Guard | dict[str, Any] | bool | None) -> None:
        self._engine.guard = value

    def close(self) -> None:
        """断开并收尾；可以重复调用，可以在任意线程、回调里、重连等待中调用。最多几秒。"""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __setattr__(self, name: str, value: object) -> None:
        """``user.gaurd = …`` 会让人以为风控开着：与能赋值的属性只差几个字母的名字不收。"""
        if not name.startswith("_") and not hasattr(type(self), name):
            from difflib import get_close_matches  # 写错了才用得到

            kind = type(self)
            settable = [each for each in dir(kind) if getattr(getattr(kind, each), "fset", None)]
            near = get_close_matches(name, settable, 1, 0.7)
            if near:
                raise UsageError(name, value, f"没有这个属性，是不是 {near[0]}？什么都没有改")
        super().__setattr__(name, value)

    if not TYPE_CHECKING:  # 不能让类型检查以为什么名字都有

        def __getattr__(self, name: str) -> Any:
            """原来的 easytrader 的名字：说现在怎样写。"""
            if name in OLD_NAMES:
                raise AttributeError(old_name_told(f"{type(self).__name__!r} object", name))
            return object.__getattribute__(self, name)  # 属性里面出的错照样抛出来

    def __repr__(self) -> str:
        account_id = self._engine.key.account_id
        account = f" 账号 {masked(account_id)}" if account_id else ""
        return f"<{type(self).__name__} {self.state}{account}>"

    def _repr_html_(self) -> str:
        """笔记本里的小卡片。"""
        from easytrader.rows import card  # 只有笔记本用得到

        return card.card(self)

    # ---- 给后端的

    def _past(self, first: date, last: date, deadline: float) -> past.Counter | None:
        """柜台自己的历史，这几天的（含两头，都在今天以前），最晚到 ``deadline``；没有为 None。"""
        return None

    def _limit(
        self, side: int, security: object, price: object, amount: object, extras: Extras
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """一笔限价委托；``order_verb`` 的动词返回它，买卖以外的方向（`Side`）也用它。"""
        rules = self.capabilities.instruments
        return order(self._ordering, ticket.limit(side, security, price, amount, extras, rules))

    def _market(
        self, side: int, security: object, amount: object, ttype: object, extras: Extras
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """一笔市价委托，同 `_limit`。"""
        rules = self.capabilities.instruments
        return order(self._ordering, ticket.market(side, security, amount, ttype, extras, rules))

    def _open(
        self,
        connector: Connector,
        key: AccountKey,
        *,
        path: str = "",
        callback: Any = None,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        heartbeat_interval: float = 30,
        wait: bool | float = False,
        on_health: Callable[[types.Status], None] | None = None,
        on_give_up: Callable[[Exception], None] | None = None,
        trading_day: Callable[[datetime], bool | None] | None = None,
    ) -> None:
        """后端的 ``connect()`` 在造好 `Connector` 之后调用；已经连着时先断开旧的再连。

        Args:
            connector: 怎样开一次会话。
            key: 连的是谁：同一个客户端（柜台）、同一个账号，永远是同一个键。
            path: 给人看的路径、地址。
            callback: 用户的回调对象。
            reconnect_enabled: 断线后是否自动重连。
            reconnect_interval: 重连间隔，秒。
            max_reconnect_attempts: 一次断线最多重连几次，0 不限。
            heartbeat_interval: 心跳间隔，秒；0 不做心跳。
            wait: True 一直等到连上；秒数则最多等这么久；默认只试一次。
            on_health: 状况变了时调用，参数是 `status`。
            on_give_up: 不再重连时调用，参数是最后一次的异常。
            trading_day: 时刻 → 是不是交易日，None 为不知道；不是交易日时重连放慢。

        Raises:
            UsageError: 参数不对，什么都没有做。
            ConnectFailedError: 没连上，什么都没有留下。
            ClosedError: 这个 trader 已经关闭。
        """
        self._engine.check_usable()
        wait_s = seconds_to_wait(wait)
        options = ReconnectOptions(
            enabled=arguments.flag("reconnect_enabled", reconnect_enabled),
            interval_s=arguments.seconds("reconnect_interval", reconnect_interval),
            max_attempts=arguments.count("max_reconnect_attempts", max_reconnect_attempts),
            heartbeat_s=arguments.seconds(
                "heartbeat_interval", heartbeat_interval, allow_zero=True
            ),
            trading_day=trading_day,
        )
        hooks = {"on_health": on_health, "on_give_up": on_give_up}
        for name, hook in hooks.items():
            if hook is not None and not callable(hook):
                raise UsageError(name, hook, "应为函数")
        listening = callback is not None
        self._handlers = Handlers(callback if listening else self._default_callback(), hooks)
        self._say_settings(path, key.account_id, options)
        self._engine.connect(
            connector,
            key,
            path=path,
            options=options,
            handlers=self._handlers,
            listening=listening or any(hooks.values()),
            wait_s=wait_s,
        )

    def _default_callback(self) -> Any:
        """用户没有给回调时用的；没有为 None。"""
        return None

    def _say_settings(self, path: str, account_id: str, options: ReconnectOptions) -> None:
        log, name = self._log, self.capabilities.name
        log.info("正在连接到 {}...", name)
        if path:
            log.info("{} 路径: {}", name, path)
        log.info("资金账号: {}", masked(account_id))
        log.info("自动重连: {}", "启用" if options.enabled else "禁用")
        if options.enabled:
            log.info("重连间隔: {:g} 秒", options.interval_s)
            log.info("最大重连次数: {}", options.max_attempts or "无限")

    @property
    def _session(self) -> Session:
        """此刻可用的会话，见 `Engine.session`。"""
        return self._engine.session

    def _refusal(self, verb: str, kwargs: dict[str, Any]) -> str:
        """风控会不会拒绝这一笔，为什么；不会的为空。校验过就停住，什么都不发出，什么都不占用。

        动词不是这里写的那一份的后端（发到别处去的）停不住，要自己写这个方法；没有写的答空。
        """
        post = self._engine.orders.post
        if post is None or not self._is_gated(verb):
            return ""
        from easytrader.risk.rules import Rules

        rules = Rules(post.guard, self.capabilities.instruments.security)
        try:
            with admission.through(_Asking(rules)):
                getattr(self, verb)(**kwargs)
        except (RiskRefusedError, UsageError) as exc:
            return str(exc)
        except _AskedError:
            return ""
        raise AssertionError(f"{verb} 没有经过关口")

    @classmethod
    def _is_gated(cls, verb: str) -> bool:
        """这个动词在本进程里过关口：`_refusal` 停得住它。"""
        return getattr(cls, verb) is getattr(Trader, verb)

    @property
    def _folder(self) -> Path:
        """这个账号自己的文件放在哪里，见 `Engine.folder`。"""
        return self._engine.folder

    @property
    def _path(self) -> str:
        return self._engine.path


class _AskedError(EasytraderError):
    """风控问过了，许；不再往下。"""


class _Asking:
    """一道谁也不放过的关口：问过风控为止。"""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def admit(self, request: OrderRequest, view: MarketView, deadline: float) -> None:
        """风控许的抛 `_AskedError`，不许的抛 `RiskRefusedError`。"""
        self._rules.check(request, view)
        raise _AskedError("只是问问")

    def last(self, request: OrderRequest | None) -> None:
        """走不到这里。"""
        raise _AskedError("只是问问")


def seconds_to_wait(wait: object) -> float | None:
    """``wait``：None 只试一次，否则最多等这么多秒。"""
    if wait is False:
        return None
    if wait is True:
        return float("inf")
    try:
        return arguments.seconds("wait", wait)
    except UsageError as exc:
        form = f"应为 True（一直等）、False（只试一次），或秒数：{exc.expected}"
        raise UsageError("wait", wait, form) from None


def _check_not_percent(security: object, weight: object) -> None:
    """原来的 ``adjust_weight("000001", 1)`` 是 1%：照搬过来会把全部的钱买进去。"""
    if type(weight) is int and weight == 1:
        told = f"{security}：全部写 1.0，1% 写 0.01（原来的 easytrader 用百分数，整数 1 是 1%）"
        raise UsageError("weight", weight, told)


def engine_of(user: Trader) -> Engine:
    """交易口底下的引擎：服务器要旁听它的推送、另设风控岗。"""
    return user._engine  # noqa: SLF001  就是给它们的


def _own_files(key: AccountKey) -> Storage:
    """默认：用户数据目录下，这个账号的文件夹。"""
    return SqliteStorage(paths.key_folder(key))


guarded_class(Trader)
