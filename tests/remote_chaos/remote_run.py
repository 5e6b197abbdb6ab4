"""跑场景：布置故障，几个线程一起做，平静下来，核对，记数。"""

from __future__ import annotations

import gc
import shutil
import time
from typing import TYPE_CHECKING, Any, Final

import psutil
from chaos_check import check_calls, check_events, check_wishes
from chaos_ledger import Ledger, read_ledger
from chaos_run import descriptors, is_complete, our_threads, resolve, together
from chaos_world import pause
from remote_plan import TIMEOUT_S, scenario
from remote_verbs import Lane, background, primary
from remote_world import World
from support import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from chaos_plan import Scenario
    from chaos_tally import Tally

__all__ = ["Runner"]

_ROTATE: Final = 25
"""一个文件夹用这么多个场景就换：查询、核对都不会越来越慢。"""
_SETTLE_S: Final = 15.0
_HUNG_S: Final = 60.0
_MEMORY: Final = 220 << 20
"""服务器的内存再多也不过这么多字节。"""
_SPARE: Final = 12
"""服务器平静时的描述符，比刚起来时最多多这么几个。"""


class Runner:
    """跑一串场景；``root`` 是它自己的目录。"""

    def __init__(self, root: Path, tally: Tally) -> None:
        self._root = root
        self._tally = tally
        self._folders = 0
        self._used = 0
        self._world: World | None = None
        self._baseline: tuple[int, set[str]] | None = None
        self._first: dict[int, int] = {}
        """服务器进程 → 刚起来平静时的描述符。"""

    def run(self, seed: int, indices: Iterable[int], budget_s: float = float("inf")) -> None:
        """跑这些场景；``budget_s`` 用完就收。"""
        began = time.monotonic()
        try:
            for index in indices:
                if time.monotonic() - began > budget_s:
                    break
                self.one(scenario(seed, index))
        finally:
            self.close()

    def one(self, plan: Scenario) -> None:
        """一个场景，从布置到核对。"""
        world = self._open(apart=plan.index // _ROTATE % 2 == 0)
        world.current = plan.index
        heard, calls = len(world.ears.heard), len(world.calls)
        try:
            self._act(world, plan)
            found = self.settle(world)
        except Exception as exc:
            found = [f"场景没有做完：{exc!r}"]
        calm = all(blow.name == "none" for blow in plan.blows)
        found += check_calls(world.calls[calls:], calm=calm)
        fresh = [wish for wish in world.wishes.copy().values() if wish.scenario == plan.index]
        self._tally.count(plan, world.calls[calls:], fresh, len(world.ears.heard) - heard)
        self._used += 1
        if found:
            self._tally.fail(plan, [*found, f"服务器说：{world.server.said()[-800:]}"])
        if found or self._used >= _ROTATE:
            self.close()  # 一处错了，后面的场景不受它连累

    def close(self) -> None:
        """关掉现在的世界，看有没有漏。"""
        world, self._world = self._world, None
        if world is None:
            return
        found = world.close()
        shutil.rmtree(world.folder.parent, ignore_errors=True)
        found += self._leaks()
        if found:
            self._tally.fail(world.current, found)

    def _open(self, *, apart: bool) -> World:
        if self._world is None:
            if self._baseline is None:
                self._warm_up()
            self._used = 0
            self._folders += 1
            self._world = self._new(
                f"f{self._folders}",
                events=self._folders % 2 == 0,
                apart=apart,
                secure=self._folders % 3 == 0,
            )
        return self._world

    def _new(self, name: str, **options: bool) -> World:
        place = self._root / name
        return World(place / "userdata_mini", place / "home", **options)

    # ---- 做

    @staticmethod
    def _act(world: World, plan: Scenario) -> None:
        for blow in plan.blows:
            if blow.at_s < 0:
                world.blow(blow.name, dict(blow.detail))
        jobs: list[Callable[[], Any]] = [
            lambda b=blow: (pause(b.at_s), world.blow(b.name, dict(b.detail)))  # type: ignore[misc]
            for blow in plan.blows
            if blow.at_s >= 0
        ]
        for number in range(plan.threads):
            lane = Lane(world, f"{plan.seed}.p{number}")
            jobs.append(lambda lane=lane: _start(lane, plan.verb))  # type: ignore[misc]
        for number in range(plan.background):
            lane = Lane(world, f"{plan.seed}.b{number}")
            jobs.append(lambda lane=lane: background(lane))  # type: ignore[misc]
        together(jobs, str(plan))

    # ---- 平静下来，核对

    def settle(self, world: World) -> list[str]:
        """故障全收、连回来、核对悬案、撤干净、事件收齐，然后对账。"""
        world.calm()
        user, ears = world.user, world.ears
        if not ears.wait_until(lambda: _answers(world), _SETTLE_S):
            return [f"{_SETTLE_S:g} 秒还没有连回来：{user.state}"]
        if not ears.wait_until(lambda: not ears.reacting, _HUNG_S):
            return ["回调里的调用一直没有返回"]
        found = [
            text for wish in list(world.wishes.values()) for text in resolve(world, wish, TIMEOUT_S)
        ]
        ledger = self._cancel_rest(world)
        if ledger.open_orders:
            found.append(f"撤不掉：{ledger.open_orders}")
        found += check_wishes(dict(world.wishes), ledger.orders, frozenset())
        listeners = [("回调", ears.heard)]
        if world.reader is not None:
            listeners.append(("events()", world.reader.heard))
        for who, heard in listeners:
            quiet = ears.wait_until(
                lambda heard=heard: is_complete(ledger, heard),  # type: ignore[misc]
                _SETTLE_S,
            )
            if not quiet:
                found.append(f"{who}：{_SETTLE_S:g} 秒还没有收齐")
            found += check_events(ledger.orders, ledger.trades, list(heard), who)
        return found + self._server_health(world)

    @staticmethod
    def _cancel_rest(world: World) -> Ledger:
        deadline = time.monotonic() + _SETTLE_S
        while True:
            ledger = read_ledger(world.folder, ACCOUNT)
            if not ledger.open_orders or time.monotonic() > deadline:
                return ledger
            world.call("settle", TIMEOUT_S * 50, world.user.cancel_all, keep=False)

    def _server_health(self, world: World) -> list[str]:
        """编号不漏不重；内存、描述符不涨。"""
        found, world.numbers.found = world.numbers.found, []
        try:
            pid, rss, now = world.server.pid, world.server.rss, world.server.descriptors
        except psutil.Error as exc:
            return [*found, f"服务器不在了：{exc!r}"]
        first = self._first.setdefault(pid, now)
        if rss > _MEMORY:
            found.append(f"服务器的内存到了 {rss >> 20} MB")
        if now > first + _SPARE:
            found.append(f"服务器的描述符从 {first} 到了 {now}")
        return found

    # ---- 漏没漏

    def _warm_up(self) -> None:
        """先空跑一遍：第一次用到的模块、连接池、线程都算进基线。"""
        world = self._new("warm", events=True, apart=True, secure=True)
        lane = Lane(world, "warm")
        for verb in ("buy", "second_client"):
            primary(lane, verb)
        self.settle(world)
        world.close()
        shutil.rmtree(world.folder.parent, ignore_errors=True)
        gc.collect()
        self._baseline = descriptors(), our_threads()

    def _leaks(self) -> list[str]:
        assert self._baseline is not None
        most, before = self._baseline[0] + 2, self._baseline[1]
        deadline = time.monotonic() + 8
        while True:
            gc.collect()
            extra = our_threads() - before
            count = descriptors()
            self._tally.descriptors = max(self._tally.descriptors, count - self._baseline[0])
            if not extra and count <= most:
                return []
            if time.monotonic() > deadline:
                return [f"漏了：线程 {sorted(extra)}，描述符 {count}（基线 {self._baseline[0]}）"]
            pause(0.05)


def _answers(world: World) -> bool:
    call, _ = world.call("settle", TIMEOUT_S, lambda: world.user.balance, keep=False)
    return call.outcome == "ok"


def _start(lane: Lane, verb: str) -> None:
    """错开一点再动手：有的在故障之前，有的正在当中，有的在之后。"""
    pause(lane.dice.choice((0.0, lane.dice.uniform(0, 0.03))))
    primary(lane, verb)
