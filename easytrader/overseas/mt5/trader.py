"""`Mt5Trader`。"""

from __future__ import annotations

from datetime import timezone
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.backend.capabilities import ANY_INSTRUMENTS, Capabilities
from easytrader.basics import numbers
from easytrader.basics.days import DayBoundary
from easytrader.basics.paths import AccountKey
from easytrader.errors import NotConnectedError, UsageError
from easytrader.overseas.common_door import named, port, text
from easytrader.overseas.mt5.book import Book
from easytrader.overseas.mt5.session import Address, Mt5Connector, Mt5Session
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.types import Status

_ALIASES: Final = {
    "通讯地址": "server_host", "请求端口": "req_port", "订阅端口": "sub_port",
    "Server Host": "server_host", "REQ Port": "req_port", "SUB Port": "sub_port",
}  # fmt: skip
_OWN: Final = ["server_host", "req_port", "sub_port", "callback", "account", "currency", "timeout"]
_UNKNOWN: Final = "未知"
_MOST_HOURS: Final = 14


class Mt5Trader(Trader):
    """MetaTrader 5，经 VeighNa 的 ZeroMQ 桥 EA。

    证券是终端里的品种名，如 ``EURUSD``；数量是手，可以有小数。编号是字符串：我们发的是备注里的
    9 个字，别处发的是 MT5 的单号。
    """

    capabilities = Capabilities(
        "MT5",
        tag_in="client_id",
        id_type=str,
        accounts=frozenset(),
        instruments=ANY_INSTRUMENTS,
        day=DayBoundary(timezone.utc),
        always_open=True,
    )

    def connect(
        self,
        server_host: str = "localhost",
        req_port: int | str = 6888,
        sub_port: int | str = 8666,
        callback: Any = None,
        *,
        account: str = "",
        currency: str = "",
        server_utc_offset: float = 0,
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
        """连到终端里的 EA。VeighNa 的字段名也收：``**{"Server Host": …}``、``通讯地址=…``。

        Args:
            server_host: 终端在哪台机器上。
            req_port: EA 的请求端口。
            sub_port: EA 的推送端口。
            callback: 回调对象。
            account: 应该是哪个账户（推送里的 ``name``），不对就不连；空是不核对。
            currency: 账户的货币，如 ``USD``：EA 不说的时候用。
            server_utc_offset: 交易服务器的钟比 UTC 快几小时：MT5 说的时刻都是服务器的时间。
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
            ConnectFailedError: 没连上；信息里说是请求没有应答，还是推送没有声音。
            ClosedError: 这个 trader 已经关闭。
        """
        given = {"server_host": server_host, "req_port": req_port, "sub_port": sub_port}
        given |= named("connect", fields, _ALIASES, _OWN)
        host = text("server_host", given["server_host"], "应为地址，如 'localhost'")
        if not host or not set(host) <= _HOST:
            raise UsageError("server_host", host, "应为地址，如 'localhost'、'192.168.1.5'")
        requests, pushes = port("req_port", given["req_port"]), port("sub_port", given["sub_port"])
        if requests == pushes:
            raise UsageError("sub_port", pushes, "推送端口与请求端口不是同一个")
        wanted = text("account", account, "应为账户的名字")
        money = text("currency", currency, "应为货币，如 'USD'").upper() or _UNKNOWN
        hours = numbers.real(server_utc_offset)
        if hours is None or abs(hours) > _MOST_HOURS:
            raise UsageError("server_utc_offset", server_utc_offset, "应为 -14 到 14 的小时数")
        connector = Mt5Connector(
            Address(host, requests, pushes),
            arguments.seconds("timeout", timeout),
            wanted,
            partial(Book, money, hours * 3600),
        )
        place = f"{host}:{requests}"
        self._open(
            connector,
            AccountKey(f"mt5://{place}", wanted or place),
            path=place,
            callback=callback,
            reconnect_enabled=reconnect_enabled,
            reconnect_interval=reconnect_interval,
            max_reconnect_attempts=max_reconnect_attempts,
            heartbeat_interval=heartbeat_interval,
            wait=wait,
            on_health=on_health,
            on_give_up=on_give_up,
        )

    def contracts(self, search: str = "") -> list[dict[str, Any]]:
        """终端里的品种，名字里有 ``search`` 的（大小写不论）。

        Returns:
            每个 ``{"stock_code": 品种名, "multiplier": 一手多少, "price_tick": 最小变动价位,
            "min_volume": 最少几手}``。
        """
        session = self._session
        if not isinstance(session, Mt5Session):
            raise NotConnectedError("还没有连接：先调用 connect()")
        wanted = text("search", search, "应为品种名里的几个字").upper()
        return [
            {
                "stock_code": code,
                "multiplier": row.get("lot_size"),
                "price_tick": 10.0 ** -int(row.get("digits", 0)),
                "min_volume": row.get("min_lot"),
            }
            for code, row in sorted(session.contracts().items())
            if wanted in code.upper()
        ]


_HOST: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:")
