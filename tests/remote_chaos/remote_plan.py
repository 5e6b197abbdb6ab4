"""一个场景：线路、服务器、柜台出什么故障，谁做什么。只由（种子，序号）决定，重放时一样。"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from bad_proxy import DOWN, UP
from chaos_plan import Blow, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FAULTS", "TIMEOUT_S", "VERBS", "scenario"]

_Told: TypeAlias = "Callable[[random.Random, str], dict[str, Any]]"

TIMEOUT_S: Final = 1.5
"""每个调用的期限。"""

VERBS: Final = (
    "buy", "sell", "market_buy", "market_sell", "buy_async", "cancel_async", "cancel_entrust",
    "cancel_all", "balance", "position", "today_entrusts", "today_trades", "find_entrust", "wait",
    "same_id_two_threads", "same_id_after_unknown", "same_id_second_trader", "second_trader",
    "buy_in_callback", "client_killed",
)  # fmt: skip
_VERB_WEIGHTS: Final = {
    "client_killed": 0.3, "second_trader": 0.5, "same_id_second_trader": 0.7,
    "same_id_after_unknown": 2.0, "same_id_two_threads": 1.5, "buy_async": 1.5, "buy": 2.0,
}  # fmt: skip
_COSTLY: Final = frozenset({"client_killed", "second_trader", "same_id_second_trader"})

_LINE: Final = (
    "cut", "cut_reset", "cut_and_refuse", "delay_up", "delay_down", "late_up", "late_down",
    "held_up", "swallow_up", "swallow_down", "swallow_both", "swallow_fresh", "duplicate_up",
    "duplicate_down", "truncate_up", "truncate_down", "garble_up", "garble_down", "drip",
)  # fmt: skip
_SERVER: Final = ("server_kill", "server_stop", "server_suspend")
_COUNTER: Final = ("counter_kill", "counter_suspend", "counter_drop_answer", "counter_disconnect")
FAULTS: Final = ("none", *_LINE, *_SERVER, *_COUNTER)
_WEIGHTS: Final = {
    "none": 0.7, "server_kill": 2.5, "server_stop": 1.0, "counter_kill": 0.6, "server_suspend": 1.5,
}  # fmt: skip
_TRAFFIC: Final = 0.03
"""一次调用大约这么久：故障早一点，才打得着。"""


def scenario(seed: int, index: int) -> Scenario:
    """第 ``index`` 个场景。"""
    name = f"{seed}:{index}"
    dice = random.Random(f"remote:{name}")
    verb = dice.choices(VERBS, [_VERB_WEIGHTS.get(each, 1.0) for each in VERBS])[0]
    weights = [_WEIGHTS.get(each, 1.0) for each in FAULTS]
    faults = dice.choices(FAULTS, weights)
    if faults[0] != "none" and dice.random() < 0.3:
        second = dice.choices(FAULTS, weights)[0]
        faults += [second] if second not in ("none", faults[0]) else []
    blows = tuple(_blow(dice, each) for each in faults)
    threads = dice.choices((1, 2, 3, 8), (8, 8, 6, 1))[0]
    if verb in _COSTLY:
        threads = 1
    return Scenario(index, name, verb, blows, threads, dice.randint(0, 2))


def _blow(dice: random.Random, name: str) -> Blow:
    at_s = dice.uniform(0.0, _TRAFFIC)
    before = dice.random() < 0.6
    kind, _, way = name.rpartition("_")
    told = _DETAIL.get(name) or _DETAIL.get(kind)
    detail = told(dice, way) if told is not None else {}
    return Blow(name, -1.0 if before and name not in _MIDST else at_s, detail)


_MIDST: Final = frozenset({"cut", "cut_reset", "cut_and_refuse", *_SERVER, *_COUNTER[:2]})
"""只在当中出才有意思的。"""


def _slow(least_s: float, most_s: float) -> _Told:
    return lambda dice, way: {"way": way, "seconds": dice.uniform(least_s, most_s)}


def _times(dice: random.Random, way: str) -> dict[str, Any]:
    return {"way": way, "times": dice.randint(1, 3)}


def _frozen(dice: random.Random, way: str) -> dict[str, Any]:
    return {"seconds": dice.uniform(0.1, 2.0)}


_DETAIL: Final[dict[str, _Told]] = {
    "delay": _slow(0.02, 0.5),
    "late": _slow(TIMEOUT_S + 0.1, TIMEOUT_S + 1.0),
    "held": _slow(0.5, 2 * TIMEOUT_S),
    "duplicate": _times,
    "truncate": _times,
    "garble": _times,
    "swallow_both": lambda dice, way: {"ways": (UP, DOWN)},
    "swallow_fresh": lambda dice, way: {"ways": (dice.choice((UP, DOWN)),), "fresh": True},
    "swallow": lambda dice, way: {"ways": (way,)},
    "cut_and_refuse": lambda dice, way: {"times": dice.randint(1, 6)},
    "server_suspend": _frozen,
    "counter_suspend": _frozen,
    "server_kill": lambda dice, way: {"down_s": dice.choice((0.0, dice.uniform(0, 0.5), 3.0))},
    "counter_drop_answer": lambda dice, way: {
        "verb": dice.choice(("submit", "cancel", "any")), "times": dice.randint(1, 3)
    },
}  # fmt: skip
"""一个故障，或一类（名字去掉方向）：细节怎样掷。"""
