"""盈透证券，经 ib_async。"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from easytrader.overseas.ib.trader import IbTrader


def ib_trader(debug: bool = False) -> IbTrader:
    """``use("ib")``。"""
    from easytrader.overseas.ib.trader import IbTrader

    return IbTrader(debug)
