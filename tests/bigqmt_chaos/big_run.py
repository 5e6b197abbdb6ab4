"""跑场景：与本机的混沌一样布置、一样核对，另看 passorder 的次数、编号、伪造的。"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from big_plan import scenario, served_scenario
from big_verbs import BIG, BigLane
from big_world import PLAIN, InsideWorld, ServedWorld
from chaos_ledger import read_ledger
from chaos_run import Runner
from chaos_world import ACCOUNT, pause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos_ledger import Ledger
    from chaos_verbs import Action

__all__ = ["InsideRunner", "ServedRunner"]

PYTHON36: Final = Path("/root/.pyenv/versions/3.6.15/bin/python3.6")


_ARRIVES_S = 4.0
"""passorder 叫过以后，柜台最晚这么久记上。"""


class InsideRunner(Runner):
    """一切在本进程里。"""

    settle_s = 15.0
    plan = staticmethod(scenario)
    lane = BigLane
    specials: ClassVar[Mapping[str, Action]] = BIG

    def __init__(self, root: Path, tally: Any) -> None:
        super().__init__(root, tally)
        self._odd: list[str] = []

    def new_world(self, place: Path, number: int) -> Any:
        """脾气轮着来；偶数的另用 events() 收一遍。"""
        manners = PLAIN[number % len(PLAIN)]
        return InsideWorld(place / "大 QMT", events=number % 2 == 0, manners=manners)

    def settle(self, world: Any) -> list[str]:
        """叫过 passorder 而柜台没有的，交易口一直说「说不准」，不必等它核对出来。"""
        world.calm()
        world.ears.wait_until(lambda: not world.ears.reacting, self.settle_s)  # 回调里还有没下完的
        deadline = time.monotonic() + _ARRIVES_S
        while True:  # 柜台停住过、线断过的，晚一点才记上
            there = {order.tag for order in read_ledger(world.folder, ACCOUNT).orders}
            vain = list(world.called_in_vain(there))
            if not vain or time.monotonic() > deadline:
                break
            pause(0.05)
        for wish in vain:
            wish.settled = 0
        return super().settle(world)

    def _cancel_rest(self, world: Any) -> Ledger:
        ledger = super()._cancel_rest(world)
        deadline = time.monotonic() + self.settle_s
        while True:  # 客户端的缓存慢一点
            translated, self._odd = world.translated(ledger)
            if not self._odd or time.monotonic() > deadline:
                return translated
            pause(0.02)

    def also(self, world: Any) -> list[str]:
        """passorder 的次数、编号。"""
        found, self._odd = self._odd, []
        return [*found, *world.books()]


class ServedRunner(InsideRunner):
    """真的进程。"""

    plan = staticmethod(served_scenario)
    settle_s = 30.0

    def new_world(self, place: Path, number: int) -> Any:
        """一半真的 3.6（有的话），一半眼前的 Python。"""
        return ServedWorld(place / "大 QMT", events=number % 2 == 0, manners="open", python=None)
