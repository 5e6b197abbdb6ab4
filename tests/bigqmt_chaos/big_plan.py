"""一个场景：客户端、线、柜台出什么岔子，谁做什么。只由（种子，序号）决定，重放时一样。"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from bad_proxy import DOWN, UP
from chaos_plan import Blow, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FAULTS", "ROW_WAIT_S", "SERVED", "TIMEOUT_S", "VERBS", "scenario", "served_scenario"]

_Told: TypeAlias = "Callable[[random.Random, str], dict[str, Any]]"

TIMEOUT_S: Final = 1.2
"""每个调用的期限。"""
ROW_WAIT_S: Final = 0.8
"""叫出去了而行不出现，等这么久才推断没有进去；比最慢的缓存久。"""

VERBS: Final = (
    "buy", "sell", "market_buy", "market_sell", "buy_async", "cancel_async", "cancel_entrust",
    "cancel_all", "cancel_race", "balance", "position", "today_entrusts", "today_trades",
    "find_entrust", "wait", "same_id_two_threads", "same_id_after_unknown",
    "same_id_second_trader", "second_trader", "buy_in_callback", "sdk_killed", "sdk_restart",
    "foreign", "short_of_stock",
)  # fmt: skip
_VERB_WEIGHTS: Final = {
    "sdk_killed": 0.25, "second_trader": 0.5, "same_id_second_trader": 0.8, "sdk_restart": 0.6,
    "same_id_after_unknown": 2.0, "same_id_two_threads": 1.5, "buy_async": 1.5, "buy": 2.5,
    "foreign": 0.7,
}  # fmt: skip
_COSTLY: Final = frozenset({"sdk_killed", "sdk_restart", "second_trader", "same_id_second_trader"})

_CLIENT: Final = (
    "killed_before", "killed_inside", "killed_after", "client_kill", "client_rerun",
    "rerun_inside", "client_hang", "client_hang_long",
)  # fmt: skip
_MANNERS: Final = (
    "manners_lagging", "manners_late", "manners_lying", "manners_duplicate", "manners_slow",
    "manners_popup",
)  # fmt: skip
_LINE: Final = (
    "cut", "cut_reset", "cut_and_refuse", "delay_up", "delay_down", "late_up", "late_down",
    "held_up", "swallow_up", "swallow_down", "swallow_both", "swallow_fresh", "duplicate_up",
    "duplicate_down", "truncate_up", "truncate_down", "garble_up", "garble_down", "drip",
    "forge_up", "forge_down", "squatter",
)  # fmt: skip
_COUNTER: Final = ("counter_restart", "counter_hang", "counter_drop")
_SDK: Final = ("queue_full", "slow_callback")
FAULTS: Final = ("none", *_CLIENT, *_MANNERS, *_LINE, *_COUNTER, *_SDK)
SERVED: Final = ("none", *_LINE, "client_kill", "client_suspend", "serve_kill", "slow_callback")
"""真的进程上出得了的。"""
_WEIGHTS: Final = {
    "none": 0.7, "killed_before": 2.0, "killed_inside": 3.0, "killed_after": 2.5,
    "client_kill": 2.0, "client_rerun": 2.0, "rerun_inside": 2.0, "client_hang": 1.5,
    "client_hang_long": 3.0, "manners_lagging": 1.5, "manners_late": 1.5, "manners_lying": 1.5,
    "manners_duplicate": 1.5, "manners_popup": 1.5, "counter_restart": 1.5, "queue_full": 1.2,
    "serve_kill": 2.0, "client_suspend": 3.0, "squatter": 0.7,
}  # fmt: skip
_TRAFFIC: Final = 0.05
"""一次调用大约这么久：故障早一点，才打得着。"""


def scenario(seed: int, index: int) -> Scenario:
    """第 ``index`` 个场景：一切在一个进程里。"""
    return _scenario(seed, index, FAULTS, VERBS)


def served_scenario(seed: int, index: int) -> Scenario:
    """第 ``index`` 个场景：真的进程。"""
    return _scenario(seed, index, SERVED, VERBS)


def _scenario(seed: int, index: int, faults: tuple[str, ...], verbs: tuple[str, ...]) -> Scenario:
    name = f"{seed}:{index}"
    dice = random.Random(f"bigqmt:{name}")
    verb = dice.choices(verbs, [_VERB_WEIGHTS.get(each, 1.0) for each in verbs])[0]
    weights = [_WEIGHTS.get(each, 1.0) for each in faults]
    picked = dice.choices(faults, weights)
    if picked[0] != "none" and dice.random() < 0.3:
        second = dice.choices(faults, weights)[0]
        picked += [second] if second not in ("none", picked[0]) else []
    blows = tuple(_blow(dice, each) for each in picked)
    threads = dice.choices((1, 2, 3, 8), (8, 8, 6, 1))[0]
    if verb in _COSTLY:
        threads = 1
    return Scenario(index, name, verb, blows, threads, dice.randint(0, 2))


_MIDST: Final = frozenset(
    {
        "cut", "cut_reset", "cut_and_refuse", "client_kill", "client_rerun", "serve_kill",
        "client_suspend", *_COUNTER,
    }
)  # fmt: skip
"""只在当中出才有意思的。"""


def _blow(dice: random.Random, name: str) -> Blow:
    at_s = dice.uniform(0.0, _TRAFFIC)
    before = dice.random() < 0.6
    kind, _, way = name.rpartition("_")
    told = _DETAIL.get(name) or _DETAIL.get(kind)
    detail = told(dice, way) if told is not None else {}
    return Blow(name, -1.0 if before and name not in _MIDST else at_s, detail)


def _slow(least_s: float, most_s: float) -> _Told:
    return lambda dice, way: {"way": way, "seconds": dice.uniform(least_s, most_s)}


def _times(dice: random.Random, way: str) -> dict[str, Any]:
    return {"way": way, "times": dice.randint(1, 3)}


def _down(dice: random.Random, way: str) -> dict[str, Any]:
    return {"down_s": dice.choice((0.0, dice.uniform(0, 0.4), dice.uniform(1.0, 2.5)))}


def _trip(dice: random.Random, way: str) -> dict[str, Any]:
    """从现在起第几次 passorder 上。"""
    return {"call": dice.randint(1, 3), **_down(dice, way)}


def _seconds(least_s: float, most_s: float) -> _Told:
    return lambda dice, way: {"seconds": dice.uniform(least_s, most_s)}


_DETAIL: Final[Mapping[str, _Told]] = {
    "killed": _trip,
    "client_kill": _down,
    "serve_kill": _down,
    "rerun_inside": lambda dice, way: {"call": dice.randint(1, 3)},
    "client_hang": _seconds(0.05, 0.5 * TIMEOUT_S),
    "client_hang_long": _seconds(TIMEOUT_S, 2.5 * TIMEOUT_S),
    "client_suspend": _seconds(0.1, 2.5 * TIMEOUT_S),
    "manners": lambda dice, way: {"name": way},
    "delay": _slow(0.02, 0.5),
    "late": _slow(TIMEOUT_S + 0.1, TIMEOUT_S + 1.0),
    "held": _slow(0.5, 2 * TIMEOUT_S),
    "duplicate": _times,
    "truncate": _times,
    "garble": _times,
    "forge": _times,
    "swallow_both": lambda dice, way: {"ways": (UP, DOWN)},
    "swallow_fresh": lambda dice, way: {"ways": (dice.choice((UP, DOWN)),), "fresh": True},
    "swallow": lambda dice, way: {"ways": (way,)},
    "cut_and_refuse": lambda dice, way: {"times": dice.randint(1, 6)},
    "counter_restart": _down,
    "counter_hang": _seconds(0.1, 1.5 * TIMEOUT_S),
    "queue_full": lambda dice, way: {"count": dice.choice((300, 600, 2000))},
    "slow_callback": _seconds(0.01, 0.15),
}
"""一个故障，或一类（名字去掉最后一截）：细节怎样掷。"""
