"""文件夹的设置 → 行情：合成的，或回放的。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.sim.market.conditions import Conditions
from easytrader.sim.market.synthetic import SyntheticMarket

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.sim.folder import SimConfig
    from easytrader.sim.market.base import Market
    from easytrader.sim.market.library import Library
    from easytrader.sim.rules import RuleBook
    from easytrader.sim.sessions import MarketHours

__all__ = ["library_of", "market_for"]


def market_for(
    config: SimConfig, folder: Path, hours: MarketHours, book: RuleBook | None = None
) -> Market:
    """``folder`` 这个模拟文件夹的行情。

    Raises:
        SimulatorError: 回放数据不在那里，或读不懂。
    """
    if config.replay:
        from easytrader.sim.market.replay import ReplayMarket

        library = library_of(config, folder)
        return ReplayMarket(library, config.replay_period, hours, config.tick_s, book)
    return SyntheticMarket(config.seed, hours, config.tick_s, conditions_of(config), book=book)


def conditions_of(config: SimConfig) -> Conditions:
    """设置里要了哪些难走的日子。"""
    return Conditions(config.gap_days, config.limit_days, config.halt_days, config.thin_books)


def library_of(config: SimConfig, folder: Path) -> Library:
    """回放数据；相对路径从模拟文件夹算起。"""
    from easytrader.sim.market.library import Library

    return Library(folder / config.replay, config.replay_period, config.replay_volume)
