"""摇号：中几签只由种子、哪只新股、哪个账户定下，重下一遍、重启一遍都一样。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.sim.market.noise import mix, salt_of

if TYPE_CHECKING:
    from easytrader.sim.subscribe.issues import Issue

__all__ = ["draw"]


def draw(issue: Issue, account_id: str, volume: int, seed: int) -> int:
    """``volume`` 股（张）中了多少股：每个配号各自按中签率摇；``wins`` 写死的照写的。"""
    numbers = volume // issue.step
    if issue.wins is not None:
        return min(issue.wins, numbers) * issue.step
    salt = salt_of(seed, f"{issue.code}:{issue.day}:{account_id}")
    won = sum(mix(salt, number) % 1_000_000 < issue.rate_ppm for number in range(numbers))
    return won * issue.step
