"""文件夹的设置 → 行情：合成的，或回放的。"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from easytrader.errors import SimulatorError
from easytrader.market.symbols import parse_security
from easytrader.sim.config.corporate_actions import changes_of, load_actions
from easytrader.sim.config.ipo import FILE_NAME as ISSUES_NAME
from easytrader.sim.config.ipo import listings_of, load_issues
from easytrader.sim.market.closes import Conditions
from easytrader.sim.market.script import Script
from easytrader.sim.market.synthetic import SyntheticMarket

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.market.rules import RuleBook
    from easytrader.sim.config.folder import SimConfig
    from easytrader.sim.exchange.depth import Market
    from easytrader.sim.exchange.hours import MarketHours
    from easytrader.sim.market.library import Library


def market_for(
    config: SimConfig, folder: Path, hours: MarketHours, book: RuleBook | None = None
) -> Market:
    """``folder`` 这个模拟文件夹的行情。

    Raises:
        SimulatorError: 回放数据不在那里，或读不懂；公司行为、新股的文件写得不对。
    """
    script = script_of(folder)
    if config.replay:
        from easytrader.sim.market.bar_model import BarModel
        from easytrader.sim.market.replay import ReplayMarket

        library = library_of(config, folder)
        _check_listings(library, script)
        model = BarModel(config.bar_path, config.bar_share, config.bar_queue)
        return ReplayMarket(
            library, config.replay_period, hours, config.tick_s, book, script, model
        )
    return SyntheticMarket(
        config.seed, hours, config.tick_s, conditions_of(config), book=book, script=script
    )


def script_of(folder: Path) -> Script:
    """文件夹里写明的除权除息与新股上市。

    Raises:
        SimulatorError: 哪个文件写得不对。
    """
    return Script(changes_of(load_actions(folder)), listings_of(load_issues(folder)))


def _check_listings(library: Library, script: Script) -> None:
    """上市以后没有行情的新股，会让资金都算不出来。"""
    for code in script.listed_codes:
        if library.tape(parse_security(code)) is None:
            raise SimulatorError(
                f"{ISSUES_NAME} 里的 {code} 没有回放数据：上市以后要有它的行情，"
                "补上，或去掉这一只。"
            )


def conditions_of(config: SimConfig) -> Conditions:
    """设置里要了哪些难走的日子。"""
    return Conditions(config.gap_days, config.limit_days, config.halt_days, config.thin_books)


def library_of(config: SimConfig, folder: Path) -> Library:
    """回放数据；相对路径从模拟文件夹算起。"""
    return library_at(folder / config.replay, config.replay_period, config.replay_volume)


def library_at(root: Path, period: str, unit: str) -> Library:
    """一处回放数据；参数与异常同 `Library`。"""
    from easytrader.sim.market.library import Library

    if not root.is_file():
        return Library(root, period, unit)
    seen = root.stat()  # 整张的表读进来要紧：柜台与行情板看同一份
    return _table(root, period, unit, (seen.st_mtime_ns, seen.st_size, seen.st_ino))


@lru_cache(maxsize=1)
def _table(root: Path, period: str, unit: str, stamp: tuple[int, int, int]) -> Library:
    from easytrader.sim.market.library import Library

    return Library(root, period, unit)
