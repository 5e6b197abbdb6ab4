"""MetaTrader 5，经 ZeroMQ 桥。"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from easytrader.overseas.mt5.trader import Mt5Trader


def mt5_trader(debug: bool = False) -> Mt5Trader:
    """``use("mt5")``。"""
    from easytrader.overseas.mt5.trader import Mt5Trader

    return Mt5Trader(debug)
