"""``easytrader.use("remote")``：账号在别的机器上（那里跑着 ``easytrader serve``），脚本在这里。

`trader` 是交易口；一次调用怎样走在 `calls`，怎样连在 `door`，一条连接在 `connection`。
线上的话见 `easytrader.wire`。
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.errors import MissingDependencyError

if TYPE_CHECKING:
    from easytrader.remote.trader import RemoteTrader


def remote_trader(debug: bool = False) -> RemoteTrader:
    """`use('remote')`。

    Raises:
        MissingDependencyError: 没有装 ``easytrader[remote]``。
    """
    try:
        from easytrader.remote.trader import RemoteTrader
    except ImportError as exc:
        told = f"远程要另装两个小的包（{exc}）：pip install easytrader[remote]"
        raise MissingDependencyError(told) from exc
    return RemoteTrader(debug)
