"""`IbTrader`。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.backend.capabilities import Capabilities
from easytrader.basics import numbers
from easytrader.basics.paths import AccountKey
from easytrader.errors import NotConnectedError, QueryFailedError, UsageError
from easytrader.overseas import common_door as door
from easytrader.overseas import common_securities as common
from easytrader.overseas.common_door import choice, named, text
from easytrader.overseas.ib import securities
from easytrader.overseas.ib.session import Address, IbConnector, IbSession
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.orders import Extras
    from easytrader.orders.verb import Ticket
    from easytrader.types import EntrustResult, Status

_ALIASES: Final = {
    "TWS地址": "host", "TWS端口": "port", "客户号": "client_id", "交易账户": "account",
}  # fmt: skip
_OWN: Final = ["host", "port", "client_id", "account", "callback", "market_data", "timeout"]
_DATA: Final = {"LIVE": "1", "FROZEN": "2", "DELAYED": "3", "DELAYED_FROZEN": "4"}
_MOST_CLIENTS: Final = 2**31 - 1


class IbTrader(Trader):
    """盈透证券，经 TWS 或 IB Gateway。

    证券写 ``AAPL.US``、``00700.HK``、``EURUSD.FX``、conId 等（见 `overseas.ib.securities`）；
    委托编号是字符串，盈透的 permId，重启之后不变。
    """

    capabilities = Capabilities(
        "盈透证券",
        tag_in="client_id",
        id_type=str,
        accounts=frozenset(),
        instruments=securities.INSTRUMENTS,
        day=common.day_at("US"),
        always_open=True,
    )

    def connect(
        self,
        host: str = "127.0.0.1",
        port: int | str = 7497,
        client_id: int = 1,
        account: str = "",
        callback: Any = None,
        *,
        market_data: str = "delayed",
        timeout: float = 10,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        heartbeat_interval: float = 30,
        wait: bool | float = False,
        on_health: Callable[[Status], None] | None = None,
        on_give_up: Callable[[Exception], None] | None = None,
        **fields: Any,
    ) -> None:
        """连到 TWS 或 IB Gateway。文档的字段名也收：``TWS地址 TWS端口 客户号 交易账户``。

        Args:
            host: TWS 在哪台机器上。
            port: TWS 的 API 端口：TWS 实盘 7496、模拟 7497，Gateway 实盘 4001、模拟 4002。
            client_id: 客户号，同时连着的程序各用一个；0 还管得着 TWS 里手工下的。
            account: 账户；登录名下只有一个的不必给。给了就一直给：委托记录按它存。
            callback: 回调对象。
            market_data: 行情：``live`` 实时（要订阅）、``delayed`` 延时，另有 ``frozen``、
                ``delayed_frozen``。
            timeout: 每个会阻塞的调用的期限，秒。
            reconnect_enabled: 断线后是否自动重连。
            reconnect_interval: 重连间隔，秒。
            max_reconnect_attempts: 一次断线最多重连几次，0 不限。
            heartbeat_interval: 心跳间隔，秒；0 不做心跳。
            wait: True 一直等到连上；秒数则最多等这么久；默认只试一次。
            on_health: 状况变了时调用。
            on_give_up: 不再重连时调用。
            **fields: 文档里的字段名。

        Raises:
            UsageError: 参数不对，什么都没有做。
            ConnectFailedError: 没连上：没有人在听、那不是 TWS、客户号有人用、没有这个账户……
            ClosedError: 这个 trader 已经关闭。
        """
        given: dict[str, Any] = {
            "host": host, "port": port, "client_id": client_id, "account": account,
        }  # fmt: skip
        given |= named("connect", fields, _ALIASES, _OWN)
        place = text("host", given["host"], "应为地址，如 '127.0.0.1'")
        if not place or any(each.isspace() or each == "/" for each in place):
            raise UsageError("host", given["host"], "应为地址，如 '127.0.0.1'")
        number = door.port("port", given["port"])
        client = given["client_id"]
        if isinstance(client, str) and client.isdecimal():
            client = int(client)
        who = numbers.whole(client)
        if who is None or not 0 <= who <= _MOST_CLIENTS:
            raise UsageError("client_id", given["client_id"], "应为不小于 0 的整数，如 1")
        wanted = text("account", given["account"], "应为账户，如 'DU1234567'")
        data_type = int(choice("market_data", market_data, _DATA))
        limit_s = arguments.seconds("timeout", timeout)
        address = Address(place, number, who, wanted, data_type)
        self._open(
            IbConnector(address, limit_s),
            AccountKey(f"ib://{address}", wanted or str(address)),
            path=str(address),
            callback=callback,
            reconnect_enabled=reconnect_enabled,
            reconnect_interval=reconnect_interval,
            max_reconnect_attempts=max_reconnect_attempts,
            heartbeat_interval=heartbeat_interval,
            wait=wait,
            on_health=on_health,
            on_give_up=on_give_up,
        )

    def contracts(self, search: str) -> list[dict[str, Any]]:
        """查询合约：代码、名字里有 ``search`` 的，最多十几个（TWS 定）。

        Returns:
            每个 ``{"stock_code": 代码, "con_id": conId, "symbol", "kind": 种类, "exchange",
            "currency", "name"}``；``stock_code`` 可以直接下单，拿不准的用 ``str(con_id)``。
        """
        session = self._session
        if not isinstance(session, IbSession):
            raise NotConnectedError("还没有连接：先调用 connect()")
        wanted = text("search", search, "应为代码或名字，如 'AAPL'")
        if not wanted:
            raise UsageError("search", search, "应为代码或名字，如 'AAPL'")
        found = [each.contract for each in session.search(wanted)]
        return [
            {
                "stock_code": securities.code_of(each),
                "con_id": each.conId,
                "symbol": each.symbol,
                "kind": each.secType,
                "exchange": each.primaryExchange,
                "currency": each.currency,
                "name": each.description,
            }
            for each in found
        ]

    # ---- 给引擎的

    def _limit(
        self, side: int, security: object, price: object, amount: object, extras: Extras
    ) -> Ticket[EntrustResult, EntrustResult]:
        return super()._limit(side, self._canonical(security), price, amount, extras)

    def _market(
        self, side: int, security: object, amount: object, ttype: object, extras: Extras
    ) -> Ticket[EntrustResult, EntrustResult]:
        return super()._market(side, self._canonical(security), amount, ttype, extras)

    def _canonical(self, security: object) -> str:
        """同一个合约在委托、行、记录里是同一个代码，用户怎么写的都一样。"""
        wanted = securities.parse(security).stock_code
        session = self._session
        if not isinstance(session, IbSession):
            return wanted
        try:
            return session.code(wanted)
        except QueryFailedError as exc:
            raise NotConnectedError(f"没有发出：{exc}") from exc
