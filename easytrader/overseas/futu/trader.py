"""`FutuTrader`。"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend.capabilities import Capabilities
from easytrader.basics.paths import AccountKey
from easytrader.errors import UsageError
from easytrader.overseas import common_door as door
from easytrader.overseas.common_securities import INSTRUMENTS, MARKETS, day_at
from easytrader.overseas.futu import convert
from easytrader.overseas.futu.session import FutuConnector, Wanted
from easytrader.overseas.futu.wire import Place, sdk
from easytrader.trader import Trader

if TYPE_CHECKING:
    from easytrader import types
    from easytrader.orders import Extras
    from easytrader.orders.verb import Ticket

_FIELDS: Final = {
    "密码": "password", "地址": "host", "端口": "port", "市场": "market", "环境": "env",
    "账号": "account", "交易密码": "password",
}  # fmt: skip
"""VeighNa 文档里的字段名。"""

_ENVS: Final = {"SIMULATE": "SIMULATE", "REAL": "REAL", "模拟": "SIMULATE", "实盘": "REAL"}
_MARKETS: Final = {
    "HK": "HK", "US": "US", "SH": "SH", "SZ": "SZ", "港股": "HK", "美股": "US", "A股": "SH",
}  # fmt: skip
_REMARK_BYTES: Final = 64
"""富途的备注最长这么多（``Trd_PlaceOrder.proto``）。"""
_TAG_BYTES: Final = 14
"""标记占去的，见 `basics.tags`。"""


class FutuTrader(Trader):
    """富途证券，经 OpenD 与 futu-api。"""

    capabilities = Capabilities(
        "富途",
        push_spread_s=0.3,
        id_type=str,
        markets=MARKETS,
        accounts=frozenset({"OVERSEAS"}),
        instruments=INSTRUMENTS,
        day=day_at("HK"),
    )

    def connect(
        self,
        host: str = "127.0.0.1",
        port: int = 11111,
        *,
        market: str = "HK",
        env: str | None = None,
        password: str = "",
        account: str = "",
        currency: str = "",
        rsa_file: str | os.PathLike[str] = "",
        timeout: float = 10,
        trader_callback: Any = None,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        heartbeat_interval: float = 30,
        wait: bool | float = False,
        **fields: Any,
    ) -> None:
        """连到 OpenD（要先装好、登录好）。

        Args:
            host: OpenD 的地址。
            port: OpenD 的 API 端口。
            market: 用能交易哪个市场的账户：``HK US SH SZ``；也定一天从何时算起。
            env: ``SIMULATE`` 模拟（默认），``REAL`` 实盘。
            password: 交易密码，实盘解锁用；在 OpenD 里解锁了的不用给。
            account: 业务账号；合适的只有一个时不用给（要 ``wait`` 的要给）。
            currency: 资金用什么货币算，如 ``HKD``；默认是那个市场的。
            rsa_file: OpenD 开了加密：与它同一个的 RSA 私钥文件。
            timeout: 每个调用最多等几秒。
            trader_callback: 回调对象。
            reconnect_enabled: 断线后自动重连。
            reconnect_interval: 重连间隔，秒。
            max_reconnect_attempts: 一次断线最多重连几次，0 不限。
            heartbeat_interval: 心跳间隔，秒；0 不做。
            wait: True 一直等到连上，秒数则最多等这么久。
            **fields: VeighNa 文档里的字段名也认：``密码 地址 端口 市场 环境``。

        Raises:
            UsageError: 参数不对，什么都没有做。
            MissingDependencyError: 没有装 futu-api。
            ConnectFailedError: 没连上，什么都没有留下。
        """
        given = door.named("connect", fields, _FIELDS, door.parameters(type(self).connect))
        market = door.choice("market", given.get("market", market), _MARKETS)
        place = Place(
            door.text("host", given.get("host", host), "应为 OpenD 的地址，如 '127.0.0.1'"),
            door.port("port", given.get("port", port)),
            _key_file(rsa_file),
        )
        wanted = Wanted(
            place,
            market,
            door.choice("env", door.one("env", env, given) or "SIMULATE", _ENVS),
            door.text("account", given.get("account", account), "应为业务账号，数字的字符串"),
            door.text("password", given.get("password", password), "应为交易密码，字符串"),
        )
        if wanted.account and not wanted.account.isdecimal():
            raise UsageError("account", wanted.account, "应为业务账号，数字的字符串")
        known = {name: name for name in convert.CURRENCY_NUMBERS}
        currency = door.choice("currency", currency, known) if currency else ""
        sdk()  # 导入要几秒，不算在期限里
        connector = FutuConnector(wanted, currency, door.seconds(timeout))
        account = wanted.account or connector.find_account()
        own = replace(type(self).capabilities, day=day_at(market))
        self.capabilities = self._engine.capabilities = own
        self._open(
            connector,
            AccountKey(f"futu:{wanted.env}", account),
            path=f"OpenD {place}",
            callback=trader_callback,
            reconnect_enabled=reconnect_enabled,
            reconnect_interval=reconnect_interval,
            max_reconnect_attempts=max_reconnect_attempts,
            heartbeat_interval=heartbeat_interval,
            wait=wait,
        )

    def _limit(
        self, side: int, security: object, price: object, amount: object, extras: Extras
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        _check_remark(extras)
        return super()._limit(side, security, price, amount, extras)

    def _market(
        self, side: int, security: object, amount: object, ttype: object, extras: Extras
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        _check_remark(extras)
        return super()._market(side, security, amount, ttype, extras)


def _check_remark(extras: Extras) -> None:
    """富途的备注比别家的短。"""
    most = _REMARK_BYTES - _TAG_BYTES
    if isinstance(extras.remark, str) and len(extras.remark.encode(errors="replace")) > most:
        raise UsageError("remark", extras.remark, f"富途的备注最多 {most} 字节（UTF-8）")


def _key_file(value: str | os.PathLike[str]) -> str:
    if not value:
        return ""
    if not isinstance(value, (str, os.PathLike)) or not Path(value).is_file():
        raise UsageError("rsa_file", value, "应为 RSA 私钥文件的路径")
    return str(value)
