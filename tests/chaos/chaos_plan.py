"""一个场景：什么故障、什么动作、几个线程。只由（种子，序号）决定，重放时一样。"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["FAULTS", "VERBS", "Blow", "Scenario", "scenario"]

VERBS: Final = (
    "buy",
    "sell",
    "market_buy",
    "market_sell",
    "cancel_entrust",
    "cancel_all",
    "balance",
    "position",
    "today_entrusts",
    "today_trades",
    "find_entrust",
    "wait",
    "same_id_two_threads",
    "same_id_after_unknown",
    "same_id_second_trader",
    "second_trader",
    "buy_in_callback",
    "client_killed",
)
_VERB_WEIGHTS: Final = {
    "client_killed": 0.25,
    "second_trader": 0.6,
    "same_id_after_unknown": 2.0,
    "same_id_two_threads": 1.5,
}
"""要另起进程、另连一次的少来几次；最要紧的多来几次。"""
_COSTLY: Final = frozenset({"client_killed", "second_trader", "same_id_second_trader"})

FAULTS: Final = (
    "none",
    "drop_answer",
    "delay_answer",
    "delay_past_deadline",
    "refuse_connect",
    "disconnect",
    "disconnect_after",
    "disconnect_on_before",
    "disconnect_on_after",
    "duplicate_push",
    "reorder_push",
    "disk_full",
    "clock_jump_forward",
    "clock_jump_back",
    "clock_jump_midnight",
    "hang",
    "suspend",
    "kill",
    "kill_and_restart",
    "crash_on_before",
    "crash_on_after",
    "slow_callback",
)
_WEIGHTS: Final = {"clock_jump_midnight": 0.3, "none": 0.6, "suspend": 1.6, "hang": 1.6}
_ALONE: Final = frozenset({"none", "clock_jump_midnight"})
"""不与别的故障叠加：换日时若断着线，昨天的终态谁也补不回来（真实客户端也一样）。"""

_OF_VERB: Final = {
    "cancel_entrust": "cancel",
    "cancel_all": "cancel",
    "balance": "asset",
    "position": "positions",
    "today_entrusts": "orders",
    "today_trades": "trades",
    "find_entrust": "orders",
    "wait": "orders",
}
_PUSHES: Final = ("any", "order", "trade")


@dataclass(frozen=True)
class Blow:
    """一个故障：``at_s`` 秒时出。``at_s`` 小于 0 是在动作开始之前就布置好。"""

    name: str
    at_s: float
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """一个场景。"""

    index: int
    seed: str
    verb: str
    blows: tuple[Blow, ...]
    threads: int
    background: int

    def __str__(self) -> str:
        faults = " + ".join(f"{b.name}{b.detail or ''}@{b.at_s:.2f}" for b in self.blows)
        return f"{self.seed} {self.verb}×{self.threads} 背景×{self.background} {faults}"


def scenario(seed: int, index: int) -> Scenario:
    """第 ``index`` 个场景。"""
    name = f"{seed}:{index}"
    dice = random.Random(name)
    verb = dice.choices(VERBS, [_VERB_WEIGHTS.get(each, 1.0) for each in VERBS])[0]
    faults = _pick_faults(dice)
    blows = tuple(_blow(dice, each, verb) for each in faults)
    threads = dice.choices((1, 2, 3, 12), (8, 8, 8, 1))[0]
    if verb in _COSTLY:
        threads = min(threads, 2)
    return Scenario(index, name, verb, blows, threads, dice.randint(0, 2))


def _pick_faults(dice: random.Random) -> list[str]:
    weights = [_WEIGHTS.get(each, 1.0) for each in FAULTS]
    first = dice.choices(FAULTS, weights)[0]
    if first in _ALONE or dice.random() > 0.25:
        return [first]
    second = dice.choices(FAULTS, weights)[0]
    return [first] if second in _ALONE or second == first else [first, second]


def _blow(dice: random.Random, name: str, verb: str) -> Blow:
    target = dice.choice((_OF_VERB.get(verb, "submit"), _OF_VERB.get(verb, "submit"), "any"))
    times = dice.randint(1, 3)
    during = dice.uniform(0.0, 0.015)  # 一笔委托只要几毫秒：早一点，才打得着
    make = {
        "drop_answer": lambda: (-1, {"verb": target, "times": times}),
        "delay_answer": lambda: (-1, {"verb": target, "seconds": dice.uniform(0.05, 0.4)}),
        "delay_past_deadline": lambda: (-1, {"verb": target, "seconds": dice.uniform(0.7, 1.2)}),
        "refuse_connect": lambda: (during, {"times": times}),
        "disconnect": lambda: (during, {}),
        "disconnect_after": lambda: (-1, {"calls": dice.randint(1, 4)}),
        "disconnect_on_before": lambda: (-1, {"verb": target}),
        "disconnect_on_after": lambda: (-1, {"verb": target}),
        "duplicate_push": lambda: (-1, {"kind": dice.choice(_PUSHES), "times": 4 * times}),
        "reorder_push": lambda: (-1, {"kind": dice.choice(_PUSHES), "times": times}),
        "disk_full": lambda: (-1, {"times": dice.choice((0, 1, 2))}),
        "clock_jump_forward": lambda: (during, {"seconds": dice.uniform(1, 60)}),
        "clock_jump_back": lambda: (during, {"seconds": -dice.uniform(1, 30)}),
        "clock_jump_midnight": lambda: (during, {}),
        "hang": lambda: (during, {"seconds": dice.uniform(0.1, 1.5)}),
        "suspend": lambda: (during, {"seconds": dice.uniform(0.1, 1.5)}),
        "kill": lambda: (during, {}),
        "kill_and_restart": lambda: (during, {}),
        "crash_on_before": lambda: (-1, {"verb": target}),
        "crash_on_after": lambda: (-1, {"verb": target}),
        "slow_callback": lambda: (-1, {"seconds": dice.uniform(0.01, 0.15)}),
        "none": lambda: (-1, {}),
    }[name]
    at_s, detail = make()
    return Blow(name, at_s, detail)
