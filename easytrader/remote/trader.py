"""`RemoteTrader`：账号在别的机器上、那里跑着 ``easytrader serve`` 的交易口：怎样连。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from easytrader import arguments
from easytrader.backend.capabilities import Capabilities
from easytrader.errors import UsageError
from easytrader.remote.address import Address, fingerprints, token_of
from easytrader.remote.door import Door
from easytrader.remote.served import ServedTrader, only_account
from easytrader.trader import seconds_to_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.types import Status


class RemoteTrader(ServedTrader):
    """账号在别的机器上：``easytrader.use("remote")``。

    那台机器上跑着 ``easytrader serve``。动词、参数、返回、异常、事件都与在那台机器上用的一样；
    委托记录、风控与程序化交易的计数在那里。断了线自动重连，断线期间的事补来。

    下单没有给 ``client_order_id`` 的，自动带一个；应答丢了的，在期限之内重新连上去问它成了没有，
    绝不再发一次：成了的照常返回，服务器没有收到的抛 `NotConnectedError`，
    问不到的才抛 `OutcomeUnknownError`。

    Args:
        debug: 是否记 DEBUG 日志。
    """

    _before = Capabilities("easytrader serve", journal=False)

    def connect(
        self,
        address: str,
        trader_callback: Any = None,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        *,
        token: str | None = None,
        account: str | None = None,
        fingerprint: str | Iterable[str] | None = None,
        timeout: float = 10,
        wait: bool | float = False,
        heartbeat_interval: float = 30,
        on_health: Callable[[Status], None] | None = None,
        on_give_up: Callable[[Exception], None] | None = None,
    ) -> None:
        """连接服务器上的一个账号。已经连着时先断开旧的再连。

        Args:
            address: 服务器的地址：``https://win-box:7788``；明文的 ``http://`` 只能连本机。
            trader_callback: 回调对象，同 `MiniqmtTrader.connect`，以下三项也是。
            reconnect_enabled: 断线后是否自动重连。
            reconnect_interval: 重连间隔，秒。
            max_reconnect_attempts: 一次断线最多重连几次，0 不限。
            token: 服务器上 ``easytrader token add`` 打印的令牌；不给就取环境变量
                ``EASYTRADER_TOKEN``。
            account: 账号在服务器上的名字，或资金账号；令牌只看得见一个账号的可以不写。
            fingerprint: 服务器证书的 SHA-256 指纹（``easytrader serve init`` 打印的），可以给几个；
                不给的话，证书要是系统认得的。
            timeout: 每个会阻塞的调用的期限，秒。
            wait: True 一直等到连上；秒数则最多等这么久；默认只试一次。
            heartbeat_interval: 心跳间隔，秒；0 不做心跳。
            on_health: 同 `MiniqmtTrader.connect`，下同。
            on_give_up: 同上；令牌失效了也会放弃。

        Raises:
            UsageError: 参数不对，什么都没有做。
            ConnectFailedError: 没连上；信息里有可能的原因。不会留下后台重连。
            ClosedError: 这个 trader 已经关闭。
        """
        from easytrader.miniqmt.callback import check_callback

        self._engine.check_usable()
        where = Address.of(address)
        pins = fingerprints(fingerprint)
        if pins and not where.secure:
            raise UsageError("fingerprint", fingerprint, "明文的 http 没有证书；去掉它，或用 https")
        check_callback(trader_callback)
        secret = token_of(token)
        timeout_s = arguments.seconds("timeout", timeout)
        interval_s = arguments.seconds("reconnect_interval", reconnect_interval)
        door = Door(where, pins, secret, "", timeout_s)
        if account is None:
            door.account = only_account(door, seconds_to_wait(wait), interval_s)
        else:
            door.account = _name(account)
        options = {
            "callback": trader_callback,
            "reconnect_enabled": reconnect_enabled,
            "reconnect_interval": reconnect_interval,
            "max_reconnect_attempts": max_reconnect_attempts,
            "heartbeat_interval": heartbeat_interval,
            "wait": wait,
            "on_health": on_health,
            "on_give_up": on_give_up,
        }
        self._enter(door, options)


def _name(value: object) -> str:
    form = "应为账号在服务器上的名字（easytrader serve 里起的），或资金账号"
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise UsageError("account", value, form)
    if any(each in value for each in "/\\?#%") or value.strip() in (".", ".."):
        raise UsageError("account", value, f"{form}；名字里没有 / \\ ? # %")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError("account", value, form) from None
    return value.strip()
