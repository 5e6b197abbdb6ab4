"""`FleetTrader`：账号在一队里的交易口。"""

from __future__ import annotations

from easytrader.remote.trader import RemoteTrader


class FleetTrader(RemoteTrader):
    """账号在一队里：``easytrader.use("fleet")``。"""
