"""`TigerTrader`。"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend.capabilities import Capabilities
from easytrader.basics.paths import AccountKey
from easytrader.errors import UsageError
from easytrader.overseas import common_door as door
from easytrader.overseas.common_securities import INSTRUMENTS, MARKETS, day_at
from easytrader.overseas.tiger import client
from easytrader.overseas.tiger.session import TigerConnector
from easytrader.trader import Trader

if TYPE_CHECKING:
    import os

_FIELDS: Final = {"服务器": "server", "账号": "account"}
_SERVERS: Final = {
    "标准": "standard", "环球": "global", "仿真": "paper",
    "STANDARD": "standard", "GLOBAL": "global", "PAPER": "paper",
}  # fmt: skip
_MARKETS: Final = {
    "US": "US", "HK": "HK", "SH": "SH", "SZ": "SZ", "美股": "US", "港股": "HK", "A股": "SH",
}  # fmt: skip
_PAPER_DIGITS: Final = 17


class TigerTrader(Trader):
    """老虎证券，经 tigeropen。"""

    capabilities = Capabilities(
        "老虎",
        pushes=False,
        poll_s=3.0,
        tag_in="client_id",
        id_type=str,
        markets=MARKETS,
        accounts=frozenset({"OVERSEAS"}),
        instruments=INSTRUMENTS,
        day=day_at("US"),
    )

    def connect(
        self,
        tiger_id: str = "",
        account: str = "",
        private_key: str | os.PathLike[str] = "",
        *,
        server: str | None = None,
        market: str = "US",
        base_url: str = "",
        timeout: float = 15,
        trader_callback: Any = None,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        heartbeat_interval: float = 30,
        wait: bool | float = False,
        **fields: Any,
    ) -> None:
        """连到老虎的开放平台。

        Args:
            tiger_id: 开发者 id。
            account: 资金账号：综合、模拟（17 位数字）或环球的。
            private_key: RSA 私钥的文字，或私钥文件的路径；哪里都不写出来。
            server: ``标准``（综合账户）、``环球``、``仿真``（模拟账户）。
            market: 主要做哪个市场：``US HK SH SZ``；定一天从何时算起。
            base_url: 自己的网关；不给就是老虎的。
            timeout: 每个调用最多等几秒。
            trader_callback: 回调对象。
            reconnect_enabled: 断线后自动重连。
            reconnect_interval: 重连间隔，秒。
            max_reconnect_attempts: 一次断线最多重连几次，0 不限。
            heartbeat_interval: 心跳间隔，秒；0 不做。
            wait: True 一直等到连上，秒数则最多等这么久。
            **fields: VeighNa 文档里的字段名也认：``服务器``。

        Raises:
            UsageError: 参数不对，什么都没有做。
            MissingDependencyError: 没有装 tigeropen。
            ConnectFailedError: 没连上，什么都没有留下。
        """
        given = door.named("connect", fields, _FIELDS, door.parameters(type(self).connect))
        tiger_id = door.text("tiger_id", tiger_id, "应为开发者 id，如 '20150001'")
        account = door.text("account", given.get("account", account), "应为资金账号，字符串")
        if not tiger_id:
            raise UsageError("tiger_id", tiger_id, "应为开发者 id，如 '20150001'")
        if not (account.isascii() and account.isalnum()):
            raise UsageError("account", account, "应为资金账号，字母与数字")
        kind = door.choice("server", door.one("server", server, given) or "标准", _SERVERS)
        if kind == "paper" and not (account.isdigit() and len(account) >= _PAPER_DIGITS):
            told = "老虎的仿真服务器没有了，现在用模拟账号（17 位数字），连的是同一个网关"
            raise UsageError("account", account, told)
        day = day_at(door.choice("market", market, _MARKETS))
        timeout_s = door.seconds(timeout)
        base_url = door.text("base_url", base_url, "应为网关的地址，如 'https://…/gateway'")
        kit = client.sdk()
        wanted = client.Wanted(
            tiger_id, account, client.private_key(private_key, kit), kind == "global", base_url
        )
        connector = TigerConnector(kit, wanted, day, timeout_s)
        self.capabilities = self._engine.capabilities = replace(type(self).capabilities, day=day)
        self._open(
            connector,
            AccountKey("tiger", account),
            path=base_url or "老虎开放平台",
            callback=trader_callback,
            reconnect_enabled=reconnect_enabled,
            reconnect_interval=reconnect_interval,
            max_reconnect_attempts=max_reconnect_attempts,
            heartbeat_interval=heartbeat_interval,
            wait=wait,
        )
