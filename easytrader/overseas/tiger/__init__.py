"""老虎证券，经 tigeropen。"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from easytrader.overseas.tiger.trader import TigerTrader


def tiger_trader(debug: bool = False) -> TigerTrader:
    """``use("tiger")``；没有装 tigeropen 的，`connect` 时说。"""
    from easytrader.overseas.tiger.trader import TigerTrader

    return TigerTrader(debug)
