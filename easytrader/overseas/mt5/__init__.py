"""MetaTrader 5，经 ZeroMQ 桥：只要 pyzmq，不要 VeighNa。

`trader` 是交易口；`session` 是一次会话，`book` 是从推送里听来的，`words` 是桥上的话。
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.overseas.common_door import load

if TYPE_CHECKING:
    from easytrader.overseas.mt5.trader import Mt5Trader


def mt5_trader(debug: bool = False) -> Mt5Trader:
    """``use("mt5")``。

    Raises:
        MissingDependencyError: 没有装 pyzmq。
    """
    load("zmq", "pyzmq", "mt5")
    from easytrader.overseas.mt5.trader import Mt5Trader

    return Mt5Trader(debug)
