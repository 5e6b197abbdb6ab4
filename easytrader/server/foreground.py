"""在脚本里起一个服务器，前台跑到被叫停：``server.run``、QKA 的 ``QMTServer``。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.server import serve
from easytrader.wire import verbs

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.server.config import ServerConfig
    from easytrader.server.tokens import Tokens


def run(config: ServerConfig, tokens: Tokens, token: Callable[[], str]) -> None:
    """启动，一直跑到 Ctrl-C 或 ``easytrader serve --stop``。

    Args:
        config: 设置。
        tokens: 认谁。
        token: 起来之后问它令牌怎么说；写在屏幕上，不进日志。

    Raises:
        EasytraderError: 起不来，或自己停了。
    """

    def announce(serving: serve.Serving) -> None:
        lines = [f"就绪：{serving.url}", *(each.describe() for each in serving.accounts)]
        if serving.fingerprint:
            lines.append(f"证书的指纹：{serving.fingerprint}")
        print(*lines, token(), sep="\n", flush=True)  # noqa: T201  令牌不进日志

    failure = serve.run(serve.Serving(config, tokens=tokens), announce)
    if failure is not None:
        raise failure


def issued(tokens: Tokens, name: str, *accounts: str) -> str:
    """发一个看与买卖的令牌；返回怎么说。"""
    token = tokens.add(name, [verbs.TRADE], accounts=accounts)
    return f"令牌 {name}（只显示这一次）：{token}"
