"""一段：几十条命令，与当中出的故障。只由（种子，序号，剧本）决定，重放时一样。"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FAULTS", "PLAYS", "Act", "Blow", "Job", "act"]

FAULTS: Final = (
    "server_kill", "server_restart", "server_pause",
    "agent_kill", "agent_pause", "agent_sleep",
    "strategy_kill",
    "strategy_cut", "strategy_delay", "strategy_swallow_up", "strategy_swallow_down",
    "strategy_truncate_up", "strategy_truncate_down",
    "agent_cut", "agent_delay", "agent_swallow_up", "agent_swallow_down",
    "agent_truncate_up", "agent_truncate_down",
    "counter_mute", "spool_full",
)  # fmt: skip
"""``pause`` 停一会儿就醒，``sleep`` 停到别的机器接了手才醒；
``swallow`` 是半开：这个方向再也不通，直到故障收了。"""

PLAYS: Final[dict[str, tuple[str, ...]]] = {
    "calm": (),
    "server": ("server_kill", "server_restart", "server_pause"),
    "agents": ("agent_kill",),
    "pauses": ("agent_pause", "agent_sleep"),
    "sleeps": ("agent_sleep",),
    "cuts": tuple(each for each in FAULTS if each.startswith(("strategy_", "agent_"))
                  and each not in ("agent_kill", "agent_pause", "agent_sleep", "strategy_kill")),
    "strategies": ("strategy_kill",),
    "counter": ("counter_mute",),
    "spool": ("spool_full",),
    "all": FAULTS,
}  # fmt: skip
"""剧本 → 出哪几种故障。"""

_WEIGHTS: Final = {"agent_kill": 4.0, "server_kill": 2.0, "agent_sleep": 0.5, "spool_full": 0.7}
_ALONE: Final = frozenset({"server_kill", "server_restart", "server_pause"})
"""只有一台服务器的（PostgreSQL）才有。"""


class Blow(NamedTuple):
    """一个故障：过多少秒出，多久，打在哪里（第几台机器、第几个策略）。"""

    name: str
    at_s: float
    seconds: float
    which: int


class Job(NamedTuple):
    """一笔：哪个账号、编号、价格；不清楚的再问不问；成了撤不撤。"""

    account: str
    cid: str
    price: float
    again: bool
    cancel: bool

    @property
    def told(self) -> dict[str, Any]:
        """说给策略进程的。"""
        return self._asdict()


class Act(NamedTuple):
    """一段。"""

    number: int
    jobs: tuple[Job, ...]
    blows: tuple[Blow, ...]


def act(
    seed: int, index: int, *, play: str, accounts: Sequence[str], size: int, embedded: bool = False
) -> Act:
    """第 ``index`` 段。

    Args:
        seed: 种子。
        index: 第几段，从 0 起。
        play: `PLAYS` 的名字。
        accounts: 账号。
        size: 多少条命令。
        embedded: 没有服务器（SQLite）。
    """
    dice = random.Random(f"fleet:{seed}:{index}:{play}")
    jobs = []
    for number in range(size):
        rests = dice.random() < 0.3
        price = round(dice.uniform(9.0, 9.9), 2) if rests else round(dice.uniform(10.0, 11.0), 2)
        jobs.append(Job(accounts[number % len(accounts)], f"{seed}-{index}-{number}", price,
                        dice.random() < 0.7, rests and dice.random() < 0.5))  # fmt: skip
    names = [each for each in PLAYS[play] if not (embedded and _impossible(each))]
    if not names:
        return Act(index, tuple(jobs), ())
    weights = [_WEIGHTS.get(each, 1.0) for each in names]
    picked = dice.choices(names, weights, k=dice.choice((1, 1, 2)))
    blows = tuple(
        Blow(each, dice.uniform(0.0, 0.03 * size), _lasts(dice, each), dice.randrange(8))
        for each in picked
    )
    return Act(index, tuple(jobs), tuple(sorted(blows, key=lambda blow: blow.at_s)))


def _impossible(name: str) -> bool:
    return (
        name in _ALONE
        or "_cut" in name
        or "_delay" in name
        or "_swallow" in name
        or ("_truncate" in name)
    )


def _lasts(dice: random.Random, name: str) -> float:
    if name == "agent_sleep":
        return dice.uniform(11.0, 14.0)
    if name.endswith("_delay"):
        return dice.uniform(0.05, 0.8)
    return dice.choice((0.0, dice.uniform(0.1, 1.0), dice.uniform(1.0, 3.0)))
