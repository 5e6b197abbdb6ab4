"""``easytrader serve``：把这台机器上的账号给别的机器用。"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final

from easytrader.errors import MissingDependencyError

_PACKAGES: Final = ("starlette", "uvicorn", "h11", "websockets", "msgspec", "cryptography")


def check_installed() -> None:
    """服务器要的包都装着。

    Raises:
        MissingDependencyError: 没有装 ``easytrader[server]``。
    """
    missing = [each for each in _PACKAGES if find_spec(each) is None]
    if missing:
        told = f"服务器要的包没有装（{'、'.join(missing)}）"
        raise MissingDependencyError(f'{told}：pip install "easytrader[server]"')


def run(port: int = 1430, broker: str = "sim", *, host: str = "127.0.0.1", **connect: Any) -> None:
    r"""原来的 easytrader 的 ``server.run(port=1430)``：一直跑到 Ctrl-C；另一头用 `remoteclient`。

    一个令牌也没有的时候发一个，写在屏幕上（只这一次）；以后用 ``easytrader token`` 管。
    原来由客户端的 ``prepare`` 说登录哪个客户端，现在在这里说::

        server.run(1430)  # 自带的模拟账号
        server.run(1430, "miniqmt", miniqmt_path=r"D:\国金\userdata_mini", stock_account="账号")

    Args:
        port: 端口。
        broker: 后端，同 `easytrader.use`。
        host: 听在哪个地址；默认只有本机连得到，别的地址要先 ``easytrader serve init``。
        **connect: 交给后端的 ``connect()``。

    Raises:
        UsageError: 参数不对。
        MissingDependencyError: 没有装 ``easytrader[server]``。
        EasytraderError: 端口或账号有别人占着，或服务器自己停了。
    """
    check_installed()
    from easytrader.profiles import AccountSpec
    from easytrader.server import foreground  # 导入 easytrader.server 不牵出 starlette
    from easytrader.server.config import ServerConfig
    from easytrader.server.tokens import Tokens, default_file

    config = ServerConfig((AccountSpec(broker, connect=connect),), host=host, port=port)
    tokens = Tokens(default_file())

    def token() -> str:
        if any(tokens.alive(each) for each in tokens.grants()):
            return "令牌：以前发的照旧有效，见 easytrader token list"
        return foreground.issued(tokens, "remote")

    foreground.run(config, tokens, token)
