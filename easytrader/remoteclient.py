"""原来的 easytrader 的 ``remoteclient.use(...)``：调用不变，底下是 ``easytrader.use("remote")``。

服务器那头是 ``easytrader.server.run(port=1430)`` 或 ``easytrader serve``；比原来多一个令牌::

    from easytrader import remoteclient

    user = remoteclient.use("ths", host="127.0.0.1", port=1430, token="et_…")
    user.buy("600036", price=35.5, amount=100)

令牌也可以放在环境变量 ``EASYTRADER_TOKEN`` 里。新的脚本直接用 ``easytrader.use("remote")``。
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader import api, arguments
from easytrader.codes import CANCELLABLE_STATUSES
from easytrader.errors import UsageError
from easytrader.remote.address import Address

if TYPE_CHECKING:
    from easytrader import types
    from easytrader.remote.trader import RemoteTrader

__all__ = ["RemoteClient", "use"]

_SIMULATED: Final = ("sim", "模拟")


def use(
    broker: str,
    host: str,
    port: int | str = 1430,
    *,
    token: str | None = None,
    ssl: bool | None = None,
    fingerprint: str | None = None,
    **legacy: Any,
) -> RemoteClient:
    """得到一个远程的交易口；第一次用到时才连。

    Args:
        broker: 原来的脚本写的客户端类型；服务的是哪个账号由服务器定，这里只认一样：
            写了 ``sim`` 的，服务器上的不是模拟账号就不连。
        host: 服务器的地址。
        port: 端口。
        token: 令牌：服务器打印的，或 ``easytrader token add`` 发的；
            不给就取环境变量 ``EASYTRADER_TOKEN``。
        ssl: 用不用 https；不给就是：本机不用，别的机器用（明文只能连本机）。
        fingerprint: 服务器证书的指纹（``easytrader serve init`` 打印的）。
        **legacy: 原来的 ``user passwd auth``（HTTP basic）不再收：用令牌。

    Raises:
        UsageError: 参数不对。
    """
    for name in legacy:
        raise UsageError(name, "（不显示）", "不收；登录用 token=，账号写在 prepare(user=...)")
    if not isinstance(broker, str):
        raise UsageError("broker", broker, "应为客户端类型的名字，如 'miniqmt'")
    number = f"{port}".strip()
    if not isinstance(host, str) or not number.isascii() or not number.isdigit():
        raise UsageError("host", f"{host}:{port}", "应为地址与端口，如 host='127.0.0.1', port=1430")
    bare = host.strip("[] ")
    authority = f"[{bare}]:{number}" if ":" in bare else f"{bare}:{number}"
    address = Address.of(f"https://{authority}")
    secure = not address.is_loopback if ssl is None else arguments.flag("ssl", ssl)
    url = f"{'https' if secure else 'http'}://{authority}"
    Address.of(url)
    return RemoteClient(broker, url, token, fingerprint)


class RemoteClient:
    """远程的交易口，原来的名字；别的动词（``wait``、``events``、``credit``）在 `trader` 上。

    异常见 `easytrader.errors`：原来抛 ``Exception`` 的地方，抛的是它的子类。

    Args:
        broker: 同 `use`，以下各项也是。
        url: 服务器的网址。
        token: 令牌。
        fingerprint: 证书的指纹。
    """

    def __init__(self, broker: str, url: str, token: str | None, fingerprint: str | None) -> None:
        self._broker = broker
        self._url = url
        self._token = token
        self._fingerprint = fingerprint
        self._lock = threading.Lock()
        self._account: str | None = None
        """`prepare` 说过的；没有连上的，以后也还是它。"""
        self._trader: RemoteTrader | None = None

    def prepare(
        self,
        config_path: str | None = None,
        user: str | None = None,
        password: str | None = None,
        exe_path: str | None = None,
        comm_password: str | None = None,
        **kwargs: Any,
    ) -> dict[str, str]:
        """连上服务器；客户端是服务器登录的，密码、路径等都不看，也不送出去。

        Args:
            config_path: 原来的配置文件（JSON），只取 ``user``。
            user: 资金账号，或账号在服务器上的名字；不给就是令牌看得见的那一个。
            password: 不看。
            exe_path: 不看。
            comm_password: 不看。
            **kwargs: 不看。

        Raises:
            UsageError: 参数、令牌不对，服务器上没有这个账号。
            ConnectFailedError: 没连上。
        """
        account = user if config_path is None else _user_of(config_path)
        with self._lock:
            self._account = account
            self._open()
        return {"msg": "login success"}

    @property
    def trader(self) -> RemoteTrader:
        """``easytrader.use("remote")`` 的交易口；还没有连的先连上。"""
        with self._lock:
            return self._trader or self._open()

    def _open(self) -> RemoteTrader:
        before, self._trader = self._trader, None
        if before is not None:
            before.close()
        trader = api.use("remote")
        try:
            trader.connect(
                self._url, token=self._token, account=self._account, fingerprint=self._fingerprint
            )
            if self._broker in _SIMULATED and not trader.server.status()["simulated"]:
                told = "服务器上的账号不是模拟的：真的要连它，这里写别的，如 'miniqmt'"
                raise UsageError("broker", self._broker, told)
        except BaseException:
            trader.close()
            raise
        self._trader = trader
        return trader

    @property
    def balance(self) -> list[types.Asset]:
        """资金，同 `Trader.balance`。"""
        return self.trader.balance

    @property
    def position(self) -> list[types.Position]:
        """持仓，同 `Trader.position`。"""
        return self.trader.position

    @property
    def today_entrusts(self) -> list[types.Entrust]:
        """当日委托，同 `Trader.today_entrusts`。"""
        return self.trader.today_entrusts

    @property
    def today_trades(self) -> list[types.Trade]:
        """当日成交，同 `Trader.today_trades`。"""
        return self.trader.today_trades

    @property
    def cancel_entrusts(self) -> list[types.Entrust]:
        """当日可撤的委托。"""
        found = self.trader.today_entrusts
        return [each for each in found if each["order_status"] in CANCELLABLE_STATUSES]

    def buy(self, security: str, price: float, amount: float, **kwargs: Any) -> types.EntrustResult:
        """限价买入，同 `Trader.buy`。"""
        return self.trader.buy(security, price, amount, **kwargs)

    def sell(
        self, security: str, price: float, amount: float, **kwargs: Any
    ) -> types.EntrustResult:
        """限价卖出，同 `Trader.sell`。"""
        return self.trader.sell(security, price, amount, **kwargs)

    def market_buy(self, security: str, amount: float, **kwargs: Any) -> types.EntrustResult:
        """市价买入，同 `Trader.market_buy`。"""
        return self.trader.market_buy(security, amount, **kwargs)

    def market_sell(self, security: str, amount: float, **kwargs: Any) -> types.EntrustResult:
        """市价卖出，同 `Trader.market_sell`。"""
        return self.trader.market_sell(security, amount, **kwargs)

    def cancel_entrust(self, entrust_no: int) -> types.CancelResult:
        """撤单，同 `Trader.cancel_entrust`。"""
        return self.trader.cancel_entrust(entrust_no)

    def auto_ipo(self) -> list[types.IpoResult]:
        """申购当日全部新股新债，同 ``user.ipo.subscribe_all()``。"""
        return self.trader.ipo.subscribe_all()

    def exit(self) -> dict[str, str]:
        """断开；服务器与它的客户端照常。"""
        with self._lock:
            trader, self._trader = self._trader, None
        if trader is not None:
            trader.close()
        return {"msg": "exit success"}

    def __repr__(self) -> str:
        return f"<RemoteClient {self._url}>"


def _user_of(config_path: object) -> str:
    form = "应为 JSON 文件的路径，里面有 user"
    try:
        told = json.loads(Path(str(config_path)).read_text(encoding="utf-8-sig"))
        user = told["user"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError("config_path", config_path, form) from None
    if not isinstance(user, str):
        raise UsageError("config_path", config_path, f"{form}（资金账号，字符串）")
    return user
