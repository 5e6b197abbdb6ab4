"""`CryptoTrader`：加密货币交易所的交易口。"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from easytrader import arguments
from easytrader.backend.capabilities import ANY_INSTRUMENTS, Capabilities
from easytrader.basics import paths
from easytrader.basics.paths import AccountKey
from easytrader.crypto import fields, table
from easytrader.crypto.client import Client, library
from easytrader.crypto.ledger import UTC_DAY, Ledger
from easytrader.crypto.markets import Shelf
from easytrader.crypto.session import CryptoConnector, Desk
from easytrader.errors import ConnectFailedError, UnsupportedError, UsageError
from easytrader.orders.ticket import limit, market
from easytrader.orders.verb import order
from easytrader.trader import Trader

if TYPE_CHECKING:
    from easytrader import types
    from easytrader.backend.session import Connector
    from easytrader.orders.ticket import Extras, Wanted
    from easytrader.orders.verb import Ticket

_NEEDED: Final = ("createOrder", "cancelOrder", "fetchBalance", "fetchOpenOrders", "fetchMyTrades")
_KINDS: Final = ("spot", "swap", "future")
_CREDENTIALS: Final = {
    "apiKey": "api_key", "secret": "secret", "password": "password", "uid": "uid",
    "walletAddress": "wallet_address", "privateKey": "private_key",
}  # fmt: skip
_OWN: Final = {"maxRetriesOnFailure", "maxRetriesOnFailureDelay", "defaultType", "sandboxMode"}
"""``options`` 里不许改的：重试会多出一笔委托，另外几样有自己的参数。"""
_FIRST: Final = frozenset(
    {"api_key", "secret", "password", "sandbox", "market_type", "proxy", "options", "symbols"}
)


class CryptoTrader(Trader):
    """加密货币交易所的交易口，REST，经 ccxt；``use("okx")``、``use("ccxt", exchange=…)``。

    数量、价格都是 ``Decimal``；合约的数量是张，一张是多少见 `contracts`。没有推送，每 2 秒查一次。

    Args:
        debug: 是否记 DEBUG 日志。
        exchange: ccxt 里的名字。
        base_url: 自己的服务器，如 ``http://127.0.0.1:8080``；不给就是交易所的。
    """

    settle_s = 2.0
    """交易所收下的委托，最慢几秒后查得到：结果未知的隔这么久再看一眼。"""
    capabilities = Capabilities(
        "加密货币",
        pushes=False,
        poll_s=2.0,
        tag_in="none",
        id_type=str,
        accounts=frozenset(),
        instruments=ANY_INSTRUMENTS,
        day=UTC_DAY,
        always_open=True,
    )

    def __init__(self, debug: bool = False, *, exchange: str, base_url: str | None = None) -> None:
        self._exchange = _checked_exchange(exchange)
        self._base_url = _checked_url(base_url)
        self._table = table.of(self._exchange)
        self._shelf = Shelf()
        self.capabilities = replace(
            type(self).capabilities,
            name=f"加密货币（{self._exchange}）",
            tag_in="client_id" if self._table.tagged else "none",
            instruments=replace(ANY_INSTRUMENTS, security=self._shelf.security),
        )
        super().__init__(debug)

    def connect(
        self,
        api_key: str = "",
        secret: str = "",
        password: str = "",
        trader_callback: Any = None,
        *,
        sandbox: bool | None = None,
        market_type: str = "spot",
        currency: str = "USDT",
        proxy: str | None = None,
        symbols: list[str] | tuple[str, ...] = (),
        account: str = "",
        uid: str = "",
        wallet_address: str = "",
        private_key: str = "",
        options: Mapping[str, Any] | None = None,
        timeout: float = 10,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        heartbeat_interval: float = 30,
        wait: bool | float = False,
        on_health: Any = None,
        on_give_up: Any = None,
        **others: Any,
    ) -> None:
        """连上交易所：读交易对，拿密钥问一次资金。

        Args:
            api_key: API Key；``API秘钥`` 等旧文档里的叫法也收（``connect(**{"API秘钥": …})``）。
            secret: Secret Key。
            password: Passphrase，okx、kucoin、bitget 要。
            trader_callback: 回调对象。
            sandbox: 用交易所的模拟盘（默认实盘）；没有模拟盘的拒绝。
            market_type: ``spot`` 现货，``swap`` 永续，``future`` 交割；一个交易口只做一种。
            currency: `balance` 的第一项是哪种货币，总资产折成它。
            proxy: 代理，如 ``http://127.0.0.1:7890``；不看环境变量。
            symbols: 查委托要给交易对的交易所（binance、kucoin、mexc……），还要看哪些；
                这里买卖过的会记住。
            account: 给账户取的名字：换了密钥，委托记录还是同一份。默认由 ``api_key`` 算出。
            uid: 个别交易所要。
            wallet_address: 个别交易所要。
            private_key: 个别交易所要。
            options: 原样给 ccxt 的 ``options``。
            timeout: 每个调用的期限，秒。
            reconnect_enabled: 见「连接」，以下各项同。
            reconnect_interval: 同上。
            max_reconnect_attempts: 同上。
            heartbeat_interval: 同上。
            wait: 同上。
            on_health: 同上。
            on_give_up: 同上。
            **others: 旧文档里的字段名。

        Raises:
            UsageError: 参数不对、少了密钥，什么都没有发出。
            UnsupportedError: 这家交易所做不到。
            MissingDependencyError: 没有装 ccxt。
            ConnectFailedError: 没有连上，或密钥不对。
        """
        given = fields.fold(others, _FIRST)
        for name, own in (("api_key", api_key), ("secret", secret), ("password", password)):
            if own and given.get(name, own) != own:
                raise UsageError(name, "（不写出来）", "与另一个叫法说的不一样，只写一个")
        keys = {
            "apiKey": given.get("api_key", api_key), "secret": given.get("secret", secret),
            "password": given.get("password", password), "uid": uid,
            "walletAddress": wallet_address, "privateKey": private_key,
        }  # fmt: skip
        credentials = {
            each: fields.text(_CREDENTIALS[each], keys[each], secret=True) for each in keys
        }
        told = given.get("sandbox", sandbox)
        if sandbox is not None and told != sandbox:
            raise UsageError("sandbox", sandbox, "与「服务器」说的不是一个：模拟盘还是实盘？")
        sandbox = arguments.flag("sandbox", False if told is None else told)
        seconds = arguments.seconds("timeout", timeout)
        kind = self._checked_kind(market_type)
        config = self._config(kind, credentials, given.get("proxy", proxy), options, seconds)
        # 引擎拿着它：不能拿着这个交易口，不然没有人要了也不断开
        make = partial(_client, self._exchange, self._base_url, config, sandbox=sandbox)
        probe = make()
        self._check_offers(probe, credentials)
        needs, spare = _needs_symbols(probe, kind), [probe]
        key = self._key(credentials, account, kind, sandbox=sandbox)
        ledger = Ledger(paths.key_folder(key) / "symbols.txt" if needs else None)
        desk = Desk(
            self._exchange, self._table, kind, fields.text("currency", currency).upper(),
            key.account_id, lambda: spare.pop() if spare else make(), ledger, self.settle_s,
            self._shelf, self._log,
        )  # fmt: skip
        for each in arguments.several("symbols", symbols, _SYMBOLS, 1000) if symbols else ():
            ledger.begin(fields.text("symbols", each))
        connector = cast("Connector", CryptoConnector(desk, seconds))
        before, self._shelf.loaded = self._shelf.loaded, None
        try:
            self._open(
                connector,
                key,
                path=self._base_url or self._exchange,
                callback=trader_callback,
                reconnect_enabled=reconnect_enabled,
                reconnect_interval=reconnect_interval,
                max_reconnect_attempts=max_reconnect_attempts,
                heartbeat_interval=heartbeat_interval,
                wait=wait,
                on_health=on_health,
                on_give_up=on_give_up,
            )
        except (UsageError, ConnectFailedError):
            self._shelf.loaded = before
            raise

    def contracts(self, text: str = "") -> list[dict[str, Any]]:
        """这里能买卖的交易对，连上之后才有。

        Args:
            text: 只要名字里有它的，如 ``BTC``、``eth/usdt``。

        Returns:
            每个一个字典：``stock_code exchange_code product currency contract_size price_step
            amount_step min_amount min_value active``；数都是 ``Decimal``，没有规定的为 0。
            ``contract_size`` 是一张合约多少个币（反向合约是多少钱），现货为 1。

        Raises:
            NotConnectedError: 没有连接过。
        """
        loaded = self._shelf.loaded
        if loaded is None:
            self._session  # noqa: B018  没有连接过、已关闭的说清楚
            return []
        return loaded.markets.rows(fields.text("text", text))

    # ---- 校验：交易对、最小变动、最小金额，都在发出之前

    def _limit(
        self, side: int, security: object, price: object, amount: object, extras: Extras
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        rules = self.capabilities.instruments
        wanted = limit(side, security, price, amount, extras, rules)
        return order(self._ordering, self._exact(wanted, priced=True))

    def _market(
        self, side: int, security: object, amount: object, ttype: object, extras: Extras
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        rules = self.capabilities.instruments
        wanted = market(side, security, amount, ttype, extras, rules)
        return order(self._ordering, self._exact(wanted, priced=False))

    def _exact(self, wanted: Wanted, *, priced: bool) -> Wanted:
        """数量、价格成为十进制的，合乎交易所的规定。"""
        loaded = self._shelf.loaded
        if loaded is None:
            return wanted
        given = wanted.price if priced else None
        volume, price = loaded.markets.check(wanted.target.stock_code, wanted.volume, given)
        return wanted._replace(volume=volume, price=price if priced else wanted.price)

    # ---- 连接

    def _checked_kind(self, market_type: object) -> str:
        kind = market_type.strip().lower() if isinstance(market_type, str) else ""
        if kind not in _KINDS:
            raise UsageError("market_type", market_type, f"应为 {'、'.join(_KINDS)}")
        if self._table.kinds and kind not in self._table.kinds:
            have = "、".join(sorted(self._table.kinds))
            raise UnsupportedError(f"{self._exchange} 这里只做 {have}，没有做 {kind}")
        return kind

    def _config(
        self, kind: str, credentials: dict[str, str], proxy: object, options: Any, timeout_s: float
    ) -> dict[str, Any]:
        from decimal import Decimal

        if options is not None and not isinstance(options, Mapping):
            raise UsageError("options", options, "应为字典，原样给 ccxt 的 options")
        own = dict(options or {})
        for each in own.keys() & _OWN:
            raise UsageError("options", each, f"{each} 不能在这里改")
        config: dict[str, Any] = {
            **{each: value for each, value in credentials.items() if value},
            "options": {
                **self._table.options,
                **self._table.only.get(kind, {}),
                "defaultType": kind,
                **own,
            },
            "enableRateLimit": self._base_url is None,
            "timeout": int(timeout_s * 1000),
            "number": Decimal,
        }
        if proxy:
            where = fields.text("proxy", proxy)
            scheme = urlsplit(where).scheme
            if scheme not in ("http", "https", "socks5", "socks5h"):
                raise UsageError("proxy", "（不写出来）", "应如 http://127.0.0.1:7890、socks5://…")
            plain = (self._base_url or "").startswith("http:")
            kind_of = "httpProxy" if plain else "httpsProxy"  # ccxt 按网址的协议认代理
            config["socksProxy" if scheme.startswith("socks") else kind_of] = where
        return config

    def _check_offers(self, probe: Client, credentials: Mapping[str, str]) -> None:
        """这一家在 ccxt 里做不做得到，密钥给全了没有：连上之前就知道。"""
        exchange = probe.exchange
        lacks = [each for each in _NEEDED if not exchange.has.get(each)]
        history = ("fetchOrders", "fetchClosedOrders", "fetchOrder")
        if not any(exchange.has.get(each) is True for each in history):
            lacks.append("fetchOrder")
        if lacks:
            raise UnsupportedError(f"ccxt 的 {self._exchange} 没有 {'、'.join(lacks)}，做不了")
        for each, needed in exchange.requiredCredentials.items():
            if needed and each not in _CREDENTIALS:
                raise UnsupportedError(f"{self._exchange} 要 {each}，这里没有做")
            if needed and not credentials.get(each):
                name = _CREDENTIALS[each]
                raise UsageError(name, "（没有给）", f"{self._exchange} 要 {name}")

    def _key(
        self, credentials: Mapping[str, str], account: str, kind: str, *, sandbox: bool
    ) -> AccountKey:
        whose = credentials["apiKey"] or credentials["walletAddress"]
        name = fields.text("account", account)
        digest = hashlib.blake2b(whose.encode(), digest_size=6).hexdigest()
        place = self._base_url or self._exchange
        return AccountKey(f"ccxt:{place}:{kind}{':sandbox' if sandbox else ''}", name or digest)


def _client(name: str, base_url: str | None, config: Mapping[str, Any], *, sandbox: bool) -> Client:
    """造一个 ccxt 的对象。"""
    secrets = [config.get(each, "") for each in _CREDENTIALS]
    client = Client(name, config, table.of(name).refused, secrets)
    exchange = client.exchange
    exchange.number = config["number"]
    if sandbox:
        try:
            exchange.set_sandbox_mode(True)
        except Exception:  # noqa: BLE001  没有的交易所，ccxt 抛什么的都有
            client.close()
            raise UnsupportedError(f"{name} 没有模拟盘（ccxt 里没有）") from None
    if base_url is not None:  # 要在 set_sandbox_mode 之后，它会换掉网址
        _point_at(exchange, base_url)
    return client


_SYMBOLS: Final = '应为交易对的列表，如 ["BTC/USDT"]'


def _needs_symbols(probe: Client, kind: str) -> bool:
    """查委托、成交要给交易对。"""
    group = (probe.exchange.features or {}).get(kind) or {}
    if kind != "spot":
        group = group.get("linear") or group.get("inverse") or {}
    names = ("fetchOpenOrders", "fetchOrders", "fetchClosedOrders", "fetchMyTrades")
    return any((group.get(each) or {}).get("symbolRequired") for each in names)


def _point_at(exchange: Any, base_url: str) -> None:
    """网址都换成自己的服务器；htx 把主机名也签进去。"""
    where = urlsplit(base_url)

    def moved(found: Any) -> Any:
        if isinstance(found, dict):
            return {name: moved(each) for name, each in found.items()}
        path = urlsplit(found).path if isinstance(found, str) else ""
        return base_url + ("" if path == "/" else path)

    exchange.urls["api"] = moved(exchange.urls["api"])
    exchange.hostname = where.netloc
    if "hostnames" in exchange.urls:
        exchange.urls["hostnames"] = dict.fromkeys(exchange.urls["hostnames"], where.netloc)


def _checked_exchange(exchange: object) -> str:
    if not isinstance(exchange, str) or not exchange.strip():
        raise UsageError("exchange", exchange, 'ccxt 里的名字，如 "okx"、"binance"')
    name = table.canonical(exchange)
    if name not in table.KNOWN:  # 常用的不必为了认名字就导入 ccxt
        names = library().exchanges
        if name not in names:
            near = get_close_matches(name, [*names, *table.ALIASES], 3, 0.6)
            asked = f"是不是 {'、'.join(near)}？" if near else ""
            raise UsageError("exchange", exchange, f"ccxt 里没有这一家。{asked}")
    return name


def _checked_url(base_url: object) -> str | None:
    if base_url is None:
        return None
    where = urlsplit(base_url) if isinstance(base_url, str) else None
    if where is None or where.scheme not in ("http", "https") or not where.netloc:
        raise UsageError("base_url", base_url, '应如 "http://127.0.0.1:8080"')
    return cast("str", base_url).rstrip("/")
