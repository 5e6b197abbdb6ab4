"""`TigerTrader`。"""

from __future__ import annotations

from easytrader.trader import Trader


class TigerTrader(Trader):
    """老虎证券，经 tigeropen。"""
