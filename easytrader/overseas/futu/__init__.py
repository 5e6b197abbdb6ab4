"""富途证券，经 futu-api。"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from easytrader.overseas.futu.trader import FutuTrader


def futu_trader(debug: bool = False) -> FutuTrader:
    """``use("futu")``；没有装 futu-api 的，`connect` 时说。"""
    from easytrader.overseas.futu.trader import FutuTrader

    return FutuTrader(debug)
