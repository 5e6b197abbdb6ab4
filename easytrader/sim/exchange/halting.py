"""盘中临时停牌从哪一跳到哪一跳：由一天的价格与规则（`rules.halts`）推出。纯计算。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.sim.exchange.depth import Halt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.market.rules.halts import Halting
    from easytrader.sim.exchange.depth import Market
    from easytrader.sim.exchange.screen import Ticks


def found_in(halts: Sequence[Halt], tick: int) -> Halt | None:
    """这一跳在哪一次停牌里；没有为 None。"""
    return next((each for each in halts if each.start <= tick < each.stop), None)


def reaches(halting: Halting, base_li: int, low_li: int, high_li: int) -> bool:
    """``low_li`` 到 ``high_li`` 的价格碰不碰得到第一档。"""
    most = max(base_li - low_li, high_li - base_li)
    return most * 10_000 >= base_li * halting.steps[0].bp


def halts_of(
    halting: Halting, base_li: int, path: Sequence[int], ticks: Ticks, market: Market
) -> tuple[Halt, ...]:
    """一天里的各次停牌；``path`` 是 9:30 起、14:57 以前各跳的成交价，没有停过的样子。"""
    found: list[Halt] = []
    first, index, done = ticks.continuous, 0, 0
    while index < len(path):
        tick = first + index
        if ticks.lunch < tick < ticks.afternoon:
            index = ticks.afternoon - first
            continue
        move = abs(path[index] - base_li) * 10_000
        reached = sum(move >= base_li * step.bp for step in halting.steps)
        if reached <= done:
            index += 1
            continue
        done = reached
        start = tick + 1 if index else tick  # 开盘价就到了的，开盘就停
        stop = _stop(halting.steps[reached - 1].seconds, start, ticks, market)
        if stop > start:
            found.append(Halt(start, stop, path[index]))
        index = max(stop - first, index + 1)
    return tuple(found)


def _stop(seconds: int, start: int, ticks: Ticks, market: Market) -> int:
    """停到哪一跳：午休不算，跨过 14:57 的到那时为止。"""
    if not seconds:
        return ticks.closing_start
    stop = market.first_tick(market.tick_time(start) + seconds)
    if start <= ticks.lunch < stop:
        stop += ticks.afternoon - ticks.lunch
    return min(stop, ticks.closing_start)
