"""`IbTrader`。"""

from __future__ import annotations

from easytrader.trader import Trader


class IbTrader(Trader):
    """盈透证券，经 ib_async。"""
