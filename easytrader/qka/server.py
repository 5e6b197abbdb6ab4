"""`QMTServer`：QKA 的服务器，里面是 ``easytrader serve --qka``。"""

from __future__ import annotations

import hmac
import re
from typing import Final

from easytrader import arguments
from easytrader.errors import UsageError
from easytrader.profiles import AccountSpec
from easytrader.server import check_installed
from easytrader.server.config import LOOPBACK, ServerConfig
from easytrader.server.tokens import Grant, Tokens, default_file
from easytrader.wire import verbs

__all__ = ["QMTServer"]

_TOKEN: Final = re.compile(r"[!-~]{16,512}")


class QMTServer:
    """把本机的一个 MiniQMT 账号给 QKA 的客户端用。

    与 QKA 的不同：默认只有本机连得到（别的机器要先 ``easytrader serve init`` 做证书）；
    令牌是随机的，只显示一次；只有列出来的方法；转账要有 ``funds`` 权限的令牌
    （``easytrader token add``）。限额、多个账号、反向代理用 ``easytrader serve --qka``。

    Args:
        account_id: 资金账号。
        mini_qmt_path: 客户端的 userdata_mini 文件夹；模拟文件夹也可以。
        host: 听在哪个地址。
        port: 端口。
        token: 自己定的令牌，至少 16 个字符；不给就发一个随机的，权限是看与买卖。

    Raises:
        UsageError: 参数不对。
        MissingDependencyError: 没有装 ``easytrader[server]``。
    """

    def __init__(
        self,
        account_id: str,
        mini_qmt_path: str,
        host: str = LOOPBACK,
        port: int = 8000,
        token: str | None = None,
    ) -> None:
        check_installed()
        self.account_id = arguments.account(account_id)
        connect = {"miniqmt_path": mini_qmt_path, "stock_account": self.account_id}
        spec = AccountSpec("miniqmt", connect=connect)
        self._config = ServerConfig((spec,), host=host, port=port, qka=True, page=False)
        self._tokens = (
            Tokens(default_file()) if token is None else _OwnToken(token, self.account_id)
        )

    def start(self) -> None:
        """启动，一直跑到 Ctrl-C 或 ``easytrader serve --stop``；令牌写在屏幕上。

        Raises:
            UsageError: 路径、地址不对。
            EasytraderError: 端口或账号有别人占着，或服务器自己停了。
        """
        from easytrader.server import foreground  # 没有装它要的包，也导入得了这个模块

        foreground.run(self._config, self._tokens, self._token)

    def _token(self) -> str:
        """令牌怎么说；第一次启动的发一个。"""
        if isinstance(self._tokens, _OwnToken):
            return "令牌：自己定的那一个"
        name = f"qka-{self.account_id[-4:]}"
        if any(
            each.name == name and self.account_id in each.accounts for each in self._tokens.grants()
        ):
            return f"令牌 {name} 以前发过；忘了就 easytrader token revoke {name}，再启动"
        from easytrader.server import foreground

        return foreground.issued(self._tokens, name, self.account_id)


class _OwnToken(Tokens):
    """令牌的文件之外，另认一个用户自己定的，只在这个进程里。"""

    def __init__(self, token: object, account_id: str) -> None:
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            form = "应为 16 到 512 个字母、数字、符号，没有空白；不写就发一个随机的"
            raise UsageError("token", "（不显示）", form)
        super().__init__(default_file())
        self._token = token.encode()
        self._grant = Grant("qka", "qka", (verbs.TRADE,), (account_id,))

    def check(self, token: object) -> Grant | None:
        """见 `Tokens.check`。"""
        given = token.encode() if isinstance(token, str) else b""
        return self._grant if hmac.compare_digest(given, self._token) else super().check(token)

    def alive(self, grant: Grant) -> bool:
        """见 `Tokens.alive`。"""
        return grant is self._grant or super().alive(grant)
