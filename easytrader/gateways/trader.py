"""`GatewayTrader`：VeighNa 接口的交易口。"""

from __future__ import annotations

import difflib
import hashlib
import inspect
import re
import weakref
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments, counters
from easytrader.backend.capabilities import Capabilities
from easytrader.basics.days import A_SHARES, DayBoundary
from easytrader.basics.paths import AccountKey
from easytrader.counters import fields as counter_fields
from easytrader.counters import locale, status
from easytrader.errors import ClosedError, NotConnectedError, UsageError
from easytrader.gateways import convert, instruments, offsets, package
from easytrader.gateways.connector import SETTLE_S, GatewayConnector, Plan
from easytrader.gateways.exactly import Notes
from easytrader.gateways.offsets import OrderPolicy, market_types
from easytrader.orders import Extras, ticket
from easytrader.orders.verb import Ticket, order, order_verb
from easytrader.trader import Trader

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from decimal import Decimal

    from typing_extensions import Unpack

    from easytrader import types
    from easytrader.counters.shape import Counter
    from easytrader.gateways.book import Book
    from easytrader.gateways.offsets import OffsetName, TypeName
    from easytrader.orders.ticket import Wanted

_RPC_RECIPE: Final = f"这样装：{package.RECIPE} && pip install --no-deps vnpy_rpcservice"
_FUTURES_DAY: Final = DayBoundary(begins=20, weekends=False)
_ANY_TYPES: Final = frozenset(("LIMIT", "MARKET", "FAK", "FOK", "STOP"))
_PLACE: Final = re.compile(
    r"经纪商|营业部|环境|柜台|子账号|broker|^服务器$|^server$", re.IGNORECASE
)
"""说明是哪个柜台的字段。地址、端口、日志级别等换了，还是同一个账号。"""
_ACCOUNT_NAMES: Final = ("用户名", "账号", "账户", "user", "account")
"""哪个字段是账号，先写的先看。"""


class GatewayTrader(Trader):
    """VeighNa 接口的交易口：``easytrader.use("vnpy", gateway="XTP")``。

    Args:
        debug: 是否记 DEBUG 日志。
        gateway: 登记的名字（``XTP``、``中泰XTP``），或一个 ``BaseGateway`` 的子类；
            ``RPC`` 是 VeighNa 自己的 RPC 接口。

    Raises:
        UsageError: 没有登记这个名字，或不是接口的类。
        MissingDependencyError: 要 RPC，而没有装 vnpy_rpcservice。
        UnsupportedError: 那一家关了，或这个系统上没有。
    """

    connector_type = GatewayConnector

    def __init__(self, debug: bool = False, *, gateway: str | type[Any]) -> None:
        self._gateway_type: type[Any] | None = None
        if isinstance(gateway, str) and gateway.strip().upper() == "RPC":
            gateway = package.gateway_class("vnpy_rpcservice", "RpcGateway", _RPC_RECIPE)
        if isinstance(gateway, type):
            self._gateway_type = _checked_class(gateway)
            self._counter = _registered(gateway)
        else:
            self._counter = counters.gateway(gateway)
        self._title = _title(self._counter, self._gateway_type)
        self._policy = _policy(self._counter, self._gateway_type)
        me = weakref.ref(self)  # 引擎拿着规矩，规矩不能拿着交易口
        self.capabilities = _capabilities(
            self._title, self._policy, _day(self._counter, self._gateway_type), partial(_book, me)
        )
        super().__init__(debug)

    def connect(
        self,
        config: str | os.PathLike[str] | Mapping[str, object] | None = None,
        trader_callback: Any = None,
        *,
        timeout: float = 10,
        login_timeout: float = 60,
        settle: float = SETTLE_S,
        wait: bool | float = False,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        heartbeat_interval: float = 30,
        on_health: Callable[[types.Status], None] | None = None,
        on_give_up: Callable[[Exception], None] | None = None,
        **fields: object,
    ) -> None:
        """连接：``connect(用户名="…", 密码="…", …)`` 或 ``connect("connect_xtp.json")``。

        Args:
            config: VeighNa 的配置文件（只写名字的，先看这里的 ``.vntrader``，再看用户目录的），
                或一个字典；与下面的名字重了的字段写在这里。
            trader_callback: 回调对象。
            timeout: 每个调用的期限，秒。
            login_timeout: 登录的期限，秒；CTP 要查完全部合约，十几秒。
            settle: 登录之后最多等多久持仓，秒：没有持仓的账户什么都不推，只能等到期。
            wait: 见 `Trader`，以下各项也是。
            reconnect_enabled: 断线后是否自动重连。
            reconnect_interval: 重连间隔，秒。
            max_reconnect_attempts: 一次断线最多重连几次，0 不限。
            heartbeat_interval: 心跳间隔，秒；0 不做心跳。
            on_health: 状况变了时调用。
            on_give_up: 不再重连时调用。
            **fields: 接口自己的字段，如 ``用户名=``；覆盖 ``config`` 里的。

        Raises:
            UsageError: 字段不对，什么都没有做。
            MissingDependencyError: 没有装 VeighNa 或这个接口；信息里有要执行的命令。
            ConnectFailedError: 没连上；信息里有接口最后的日志。密码不对的不再自动重试。
        """
        self._engine.check_usable()
        seconds = arguments.seconds("timeout", timeout)
        login_s = arguments.seconds("login_timeout", login_timeout)
        settle_s = arguments.seconds("settle", settle, allow_zero=True)
        _check_names(fields)
        given = {**_config(config), **fields}
        kind = self._load()
        default_setting = _default_setting(kind)
        setting = counter_fields.resolve(given, self._counter, default_setting)
        known = counter_fields.fields_of(self._counter, default_setting)
        key = _key(self._title, setting, {each.name for each in known if each.secret})
        day = self.capabilities.day
        notes = Notes(
            self._engine.storage(key).numbers(),
            key.account_id,
            lambda: self._engine.today,
            self._log,
            self._policy.ids_last,
        )
        self._engine.hold(notes.close)
        plan = Plan(
            title=self._title,
            gateway_type=kind,
            setting=setting,
            secrets=counter_fields.secrets_of(known, setting),
            counter=self._counter,
            key=key,
            policy=self._policy,
            notes=notes,
            day=day,
            timeout_s=seconds,
            login_s=login_s,
            settle_s=settle_s,
        )
        self._open(
            self.connector_type(plan, self._log),
            key,
            callback=trader_callback,
            reconnect_enabled=reconnect_enabled,
            reconnect_interval=reconnect_interval,
            max_reconnect_attempts=max_reconnect_attempts,
            heartbeat_interval=heartbeat_interval,
            wait=wait,
            on_health=on_health,
            on_give_up=on_give_up,
        )

    def contracts(self, text: str = "") -> list[dict[str, Any]]:
        """查询合约：接口登录时推来的全部，不发请求。

        Args:
            text: 只要代码以它开头的，或名称里有它的（``"IF"``、``"螺纹"``）；空为全部。

        Returns:
            按代码排的字典：``security stock_code name product_name exchange size pricetick
            min_volume max_volume stop_supported net_position``，期权的还有
            ``option_type_name``（认购、认沽）``option_strike option_underlying option_expiry``
            （``2025-12-19``），别的品种这几项为空。合约要订阅才推来的接口（IB）只有订阅过的。

        Raises:
            UsageError: 不是文字。
            NotConnectedError: 没有连接。
        """
        if not isinstance(text, str):
            raise UsageError("text", text, "应为文字，如 'IF'、'螺纹'")
        session: Any = self._session
        wanted = text.strip().lower()
        found = [
            each
            for each in list(session.book.contracts.values())
            if each.symbol.lower().startswith(wanted) or wanted in str(each.name).lower()
        ]
        found.sort(key=lambda each: (each.symbol, each.exchange.name))
        return [convert.contract_row(each) for each in found]

    # ---- 下单

    @order_verb
    def buy(
        self,
        security: str,
        price: float | Decimal,
        amount: float | Decimal,
        *,
        offset: OffsetName = "auto",
        ttype: TypeName | None = None,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **legacy: Unpack[types.Legacy],
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """限价买入；讲开平的（期货、期权）是买入开仓。

        Args:
            security: 证券：``600036``、``rb2510.SHFE``。
            price: 委托价。
            amount: 数量，股、手。
            offset: 讲开平的才用：``auto`` 照动词（``buy short`` 开，``sell cover`` 平，
                上期所、能源中心的平仓自动拆成平今、平昨，先平今）；``open close close_today
                close_yesterday`` 或 ``开仓 平仓 平今 平昨`` 写明是哪一种。
            ttype: 价格类型：``LIMIT`` 限价（默认）、``FAK`` 即成剩撤、``FOK`` 全成或撤、
                ``STOP`` 止损；接口没有的拒绝并列出有的。
            strategy_name: 策略名。
            remark: 备注。
            client_order_id: 自己取的委托 id，恰好一次，见 `Trader.buy`；柜台不带我们的标记，
                靠我们记下的编号认。进程死在发出的半路，到没到柜台说不清的，同一个 id 不再发。
            **legacy: 同 `Trader.buy`。

        Returns:
            ``{'entrust_no': str}``，接口的编号。拆成几笔的是一个编号 ``"a+b"``：查询是一行，
            撤单一起撤；后面的没有报出去时还有 ``message``，说另有多少没有报、为什么。
            当场被拒绝（包括要平的多于可平的）时 ``{'entrust_no': -1, 'message': 原因}``。
            柜台后来拒绝的是「废单」，原因在 ``status_msg``：取自接口的日志。

        异常同 `Trader.buy`。
        """
        extras = Extras(strategy_name, remark, client_order_id)
        side = offsets.order_type("buy", offset)
        return self._limit(side, security, price, amount, extras, ttype)

    buy_async = buy.twin
    """同 `buy`，发出就返回回执。"""

    @order_verb
    def sell(
        self,
        security: str,
        price: float | Decimal,
        amount: float | Decimal,
        *,
        offset: OffsetName = "auto",
        ttype: TypeName | None = None,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **legacy: Unpack[types.Legacy],
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """限价卖出；讲开平的是卖出平仓（平多）。参数、返回同 `buy`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        side = offsets.order_type("sell", offset)
        return self._limit(side, security, price, amount, extras, ttype)

    sell_async = sell.twin
    """同 `sell`，发出就返回回执。"""

    @order_verb
    def short(
        self,
        security: str,
        price: float | Decimal,
        amount: float | Decimal,
        *,
        offset: OffsetName = "auto",
        ttype: TypeName | None = None,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """限价卖出开仓（开空）；不讲开平的（股票、净持仓）没有。参数、返回同 `buy`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        side = offsets.order_type("short", offset)
        return self._limit(side, security, price, amount, extras, ttype)

    short_async = short.twin
    """同 `short`，发出就返回回执。"""

    @order_verb
    def cover(
        self,
        security: str,
        price: float | Decimal,
        amount: float | Decimal,
        *,
        offset: OffsetName = "auto",
        ttype: TypeName | None = None,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """限价买入平仓（平空）；不讲开平的没有。参数、返回同 `buy`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        side = offsets.order_type("cover", offset)
        return self._limit(side, security, price, amount, extras, ttype)

    cover_async = cover.twin
    """同 `cover`，发出就返回回执。"""

    @order_verb
    def market_buy(
        self,
        security: str,
        amount: float | Decimal,
        ttype: types.MarketTypeName | int | None = None,
        *,
        offset: OffsetName = "auto",
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **legacy: Unpack[types.Legacy],
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """市价买入；讲开平的是买入开仓。``ttype`` 不给或 ``MARKET``，其余同 `buy`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        side = offsets.order_type("buy", offset)
        return self._market(side, security, amount, ttype, extras)

    market_buy_async = market_buy.twin
    """同 `market_buy`，发出就返回回执。"""

    @order_verb
    def market_sell(
        self,
        security: str,
        amount: float | Decimal,
        ttype: types.MarketTypeName | int | None = None,
        *,
        offset: OffsetName = "auto",
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
        **legacy: Unpack[types.Legacy],
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """市价卖出；讲开平的是卖出平仓。其余同 `market_buy`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        side = offsets.order_type("sell", offset)
        return self._market(side, security, amount, ttype, extras)

    market_sell_async = market_sell.twin
    """同 `market_sell`，发出就返回回执。"""

    @order_verb
    def market_short(
        self,
        security: str,
        amount: float | Decimal,
        ttype: str | None = None,
        *,
        offset: OffsetName = "auto",
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """市价卖出开仓；不讲开平的没有。其余同 `market_buy`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        side = offsets.order_type("short", offset)
        return self._market(side, security, amount, ttype, extras)

    market_short_async = market_short.twin
    """同 `market_short`，发出就返回回执。"""

    @order_verb
    def market_cover(
        self,
        security: str,
        amount: float | Decimal,
        ttype: str | None = None,
        *,
        offset: OffsetName = "auto",
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """市价买入平仓；不讲开平的没有。其余同 `market_buy`。"""
        extras = Extras(strategy_name, remark, client_order_id)
        side = offsets.order_type("cover", offset)
        return self._market(side, security, amount, ttype, extras)

    market_cover_async = market_cover.twin
    """同 `market_cover`，发出就返回回执。"""

    # ---- 内部

    @classmethod
    def _is_gated(cls, verb: str) -> bool:
        return True  # 动词都经 `_place`，与 `Trader` 的同一条路

    def _limit(
        self,
        side: int,
        security: object,
        price: object,
        amount: object,
        extras: Extras,
        ttype: object = None,
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        price_type = offsets.limit_type(ttype, self._policy.types)
        rules = self.capabilities.instruments
        wanted = ticket.limit(side, security, price, amount, extras, rules)
        return self._place(wanted._replace(price_type=price_type))

    def _market(
        self, side: int, security: object, amount: object, ttype: object, extras: Extras
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        rules = self.capabilities.instruments
        return self._place(ticket.market(side, security, amount, ttype, extras, rules))

    def _place(self, wanted: Wanted) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """照合约核对过再下；合约是登录时推来的，不必等到就要发出。"""
        book = _book_of(self)
        contract = None if book is None else book.contract(*convert.vt_symbol(wanted.target))
        if contract is not None:
            instruments.check(wanted.target, wanted.side, wanted.price, wanted.volume, contract)
        return order(self._ordering, wanted)

    def _load(self) -> type[Any]:
        """接口的类；没有装的说怎样装。"""
        counter = self._counter
        if self._gateway_type is not None:
            package.load()
            return self._gateway_type
        assert counter is not None
        installed = status.is_installed(counter, through_veighna=True)
        if counter.locale and installed and locale.is_needed():
            locale.ensure()  # 没有的话，导入或登录时整个进程会被终止
        lines = status.install_lines(counter, through_veighna=True)
        recipe = f"这样装：{' && '.join(lines)}；easytrader doctor --broker {counter.name} 逐样看"
        found = package.gateway_class(counter.module, counter.class_name, recipe)
        if counter.locale:
            package.check_flow_folder(counter.name)
        return found


def _checked_class(gateway: type[Any]) -> type[Any]:
    missing = [
        each for each in ("connect", "send_order", "cancel_order") if not hasattr(gateway, each)
    ]
    if missing or inspect.isabstract(gateway):
        raise UsageError("gateway", gateway, "应为登记的名字，或 BaseGateway 的子类（要写全）")
    return gateway


def _registered(gateway: type[Any]) -> Counter | None:
    """给了类的，是登记的哪一家；不是为 None。"""
    found = counters.find(gateway.__name__)
    if found is None or not found.module:
        return None
    return found if gateway.__module__.partition(".")[0] == found.module.partition(".")[0] else None


def _title(counter: Counter | None, gateway: type[Any] | None) -> str:
    if counter is not None:
        return counter.name
    return str(getattr(gateway, "default_name", "") or getattr(gateway, "__name__", "VeighNa"))


def _policy(counter: Counter | None, gateway: type[Any] | None) -> OrderPolicy:
    if counter is None:
        # 自己写的接口，柜台会把 ``reference`` 带回来的，在类上说一声
        return OrderPolicy("none", _ANY_TYPES, bool(getattr(gateway, "reference_back", False)))
    return OrderPolicy(
        counter.offset,
        frozenset(counter.order_types),
        counter.tag_back,
        counter.ids_last,
        counter.phantom,
    )


def _day(counter: Counter | None, gateway: type[Any] | None) -> DayBoundary:
    """有夜盘的算到下一个交易日。"""
    names = {str(getattr(each, "name", each)) for each in getattr(gateway, "exchanges", ())}
    overnight = bool(names & convert.FUTURE_EXCHANGES)
    if counter is not None:
        overnight = counter.is_overnight
    return _FUTURES_DAY if overnight else A_SHARES


def _capabilities(
    title: str, policy: OrderPolicy, day: DayBoundary, book: Callable[[], Book | None]
) -> Capabilities:
    kinds = {"limit"} | ({"market"} if "MARKET" in policy.types else set())
    rules = instruments.instruments_of(book)
    return Capabilities(
        title,
        id_type=str,
        kinds=frozenset(kinds),
        accounts=frozenset(),
        instruments=replace(rules, market_type=market_types(policy.types)),
        day=day,
    )


def _book(trader: weakref.ref[GatewayTrader]) -> Book | None:
    """此刻的账；没有连接为 None。"""
    user = trader()
    return None if user is None else _book_of(user)


def _book_of(user: GatewayTrader) -> Book | None:
    try:
        session: Any = user._session  # noqa: SLF001  就是它自己的
    except (NotConnectedError, ClosedError):
        return None
    book: Book = session.book
    return book


def _config(config: Any) -> dict[str, object]:
    if config is None:
        return {}
    if isinstance(config, Mapping):
        return {str(name): value for name, value in config.items()}
    return counter_fields.read_config(config)


def _default_setting(kind: type[Any]) -> dict[str, object]:
    found = getattr(kind, "default_setting", {})
    return dict(found) if isinstance(found, Mapping) else {}


_OWN: Final = tuple(
    name
    for name in inspect.signature(GatewayTrader.connect).parameters
    if name not in ("self", "fields")
)


def _check_names(fields: Mapping[str, object]) -> None:
    """``timeuot=5`` 不是接口的字段，是写错了的自己的。"""
    for name in fields:
        near = difflib.get_close_matches(name, _OWN, 1, 0.75)
        if near:
            raise UsageError(name, "…", f"connect 没有这个参数，是不是 {near[0]}？")


def _key(title: str, setting: Mapping[str, object], secret: set[str]) -> AccountKey:
    """连的是谁：柜台与账号；没有账号字段的（只有密钥、地址），取全部字段的摘要。"""
    plain = {name: str(value) for name, value in setting.items() if name not in secret and value}
    named = [
        name
        for word in _ACCOUNT_NAMES
        for name in plain
        if word in name.lower() and not _PLACE.search(name)
    ]
    place = "|".join(f"{name}={plain[name]}" for name in sorted(plain) if _PLACE.search(name))
    if named:
        return AccountKey(f"vnpy:{title}:{place}", plain[named[0]])
    every = "|".join(f"{name}={setting[name]}" for name in sorted(setting))
    return AccountKey(
        f"vnpy:{title}:{place}", hashlib.blake2b(every.encode(), digest_size=4).hexdigest()
    )
