"""一队账号：几台机器、一个或几个策略、一份 PostgreSQL；只有一台机器的用不到它。

策略一头是 `trader`（``easytrader.use("fleet")``）与 `many`（一个心愿给许多账号）；
账号那一头是 `easytrader.agent`；两头之间是一张表：`store` 的约定，`postgres` 与 `sqlite` 两种存法。
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.errors import MissingDependencyError

if TYPE_CHECKING:
    from easytrader.fleets.trader import FleetTrader


def fleet_trader(debug: bool = False) -> FleetTrader:
    """`use('fleet')`。

    Raises:
        MissingDependencyError: 没有装 ``easytrader[fleet]``。
    """
    try:
        from easytrader.fleets.trader import FleetTrader
    except ImportError as exc:
        told = f"一队账号要另装几个包（{exc}）：pip install easytrader[fleet]"
        raise MissingDependencyError(told) from exc
    return FleetTrader(debug)
