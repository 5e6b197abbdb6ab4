"""`FutuTrader`。"""

from __future__ import annotations

from easytrader.trader import Trader


class FutuTrader(Trader):
    """富途证券，经 futu-api。"""
