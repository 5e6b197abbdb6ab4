"""`Mt5Trader`。"""

from __future__ import annotations

from easytrader.trader import Trader


class Mt5Trader(Trader):
    """MetaTrader 5，经 ZeroMQ 桥。"""
