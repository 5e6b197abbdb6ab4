"""跑场景：布置故障，几个线程一起做，平静下来，核对，记数。"""

from __future__ import annotations

import gc
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import psutil
from chaos_check import check_calls, check_events, check_wishes
from chaos_ledger import Ledger, read_ledger
from chaos_plan import Scenario, scenario
from chaos_verbs import PRIMARY, Lane, background, primary
from chaos_world import ACCOUNT, World, pause

from easytrader.errors import EasytraderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chaos_check import Wish
    from chaos_tally import Tally
    from chaos_verbs import Action

__all__ = ["Runner", "descriptors", "our_threads"]

_ROTATE: Final = 40
"""一个文件夹用这么多个场景就换：查询、核对都不会越来越慢。"""
_SETTLE_S: Final = 10.0
_HUNG_S: Final = 60.0
_POOL: Final = 16
"""一个账号最多用这么多个会话 id。"""


class Runner:
    """跑一串场景；``root`` 是它自己的目录。"""

    settle_s = _SETTLE_S
    plan: ClassVar[Callable[[int, int], Scenario]] = staticmethod(scenario)
    """（种子，序号）→ 场景。"""
    lane: ClassVar[type[Lane]] = Lane
    specials: ClassVar[Mapping[str, Action]] = PRIMARY

    def __init__(self, root: Path, tally: Tally) -> None:
        self._root = root
        self._tally = tally
        self._folders = 0
        self._used = 0
        self._world: World | None = None
        self._retire = False
        self._baseline: tuple[int, set[str]] | None = None

    def run(self, seed: int, indices: Iterable[int], budget_s: float = float("inf")) -> None:
        """跑这些场景；``budget_s`` 用完就收。"""
        began = time.monotonic()
        try:
            for index in indices:
                if time.monotonic() - began > budget_s:
                    break
                self.one(self.plan(seed, index))
        finally:
            self.close()

    def one(self, plan: Scenario) -> None:
        """一个场景，从布置到核对。"""
        world = self._open()
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
        self._retire = self._used >= _ROTATE or any("midnight" in b.name for b in plan.blows)
        if found:
            self._tally.fail(plan, [*found, *self.last_words(world)])
            self._retire = True  # 一处错了，后面的场景不受它连累
        if self._retire:
            self.close()

    def close(self) -> None:
        """关掉现在的世界，看有没有漏。"""
        world, self._world = self._world, None
        if world is None:
            return
        found = world.close()
        sessions = len(list(world.folder.glob("down_queue_win_*[0-9]")))
        if sessions > _POOL:
            found.append(f"用了 {sessions} 个会话 id，池子只有 {_POOL} 个")
        shutil.rmtree(world.folder.parent, ignore_errors=True)
        found += self._leaks()
        if found:
            self._tally.fail(world.current, found)

    def _open(self) -> World:
        if self._world is None:
            if self._baseline is None:
                self._warm_up()
            self._used = 0
            self._folders += 1
            place = self._root / f"f{self._folders}"
            self._world = self.new_world(place, self._folders)
        return self._world

    # ---- 别的混沌换掉的

    def new_world(self, place: Path, number: int) -> Any:
        """第 ``number`` 个世界，都在 ``place`` 里。"""
        return World(place / "userdata_mini", events=number % 2 == 0)

    def also(self, world: Any) -> list[str]:
        """对完账，还有什么不对。"""
        return []

    def last_words(self, world: Any) -> list[str]:
        """没有过的时候，附在后面给人看的。"""
        return []

    # ---- 做

    def _act(self, world: World, plan: Scenario) -> None:
        for blow in plan.blows:
            if blow.at_s < 0:
                world.blow(blow.name, dict(blow.detail))
        jobs: list[Callable[[], Any]] = [
            lambda b=blow: (pause(b.at_s), world.blow(b.name, dict(b.detail)))  # type: ignore[misc]
            for blow in plan.blows
            if blow.at_s >= 0
        ]
        for number in range(plan.threads):
            lane = self.lane(world, f"{plan.seed}.p{number}")
            jobs.append(lambda lane=lane: _start(lane, plan.verb, self.specials))  # type: ignore[misc]
        for number in range(plan.background):
            lane = self.lane(world, f"{plan.seed}.b{number}")
            jobs.append(lambda lane=lane: background(lane))  # type: ignore[misc]
        _together(jobs, str(plan))

    # ---- 平静下来，核对

    def settle(self, world: World) -> list[str]:
        """故障全收、连回来、核对悬案、撤干净、事件收齐，然后对账。"""
        world.calm()
        user, ears = world.user, world.ears
        # 问得到才算连着：刚才那一下断开，客户端可能还没有来得及说
        if not ears.wait_until(lambda: _answers(world), self.settle_s):
            return [f"{self.settle_s:g} 秒还没有连回来：{user.state}"]
        if not ears.wait_until(lambda: not ears.reacting, _HUNG_S):
            return ["回调里的调用一直没有返回"]
        found = [text for wish in list(world.wishes.values()) for text in _resolve(world, wish)]
        ledger = self._cancel_rest(world)
        if ledger.open_orders:
            found.append(f"撤不掉：{ledger.open_orders}")
        wishes = dict(world.wishes)
        found += check_wishes(wishes, ledger.orders, frozenset())
        listeners = [("回调", ears.heard)]
        if world.reader is not None:
            listeners.append(("events()", world.reader.heard))
        for who, heard in listeners:
            quiet = ears.wait_until(
                lambda heard=heard: _is_complete(ledger, heard),  # type: ignore[misc]
                self.settle_s,
            )
            if not quiet:
                found.append(f"{who}：{self.settle_s:g} 秒还没有收齐")
            found += check_events(ledger.orders, ledger.trades, list(heard), who)
        return found + self.also(world)

    def _cancel_rest(self, world: World) -> Ledger:
        deadline = time.monotonic() + self.settle_s
        while True:
            ledger = read_ledger(world.folder, ACCOUNT)
            if not ledger.open_orders or time.monotonic() > deadline:
                return ledger
            world.call("settle", world.timeout_s * 50, world.user.cancel_all, keep=False)

    # ---- 漏没漏

    def _warm_up(self) -> None:
        """先空跑一遍：第一次用到的模块、连接池、线程都算进基线。"""
        world = self.new_world(self._root / "warm", 0)
        lane = self.lane(world, "warm")
        for verb in ("buy", "second_trader"):
            primary(lane, verb, self.specials)
        self.settle(world)
        world.close()
        shutil.rmtree(world.folder.parent, ignore_errors=True)
        gc.collect()
        self._baseline = descriptors(), our_threads()

    def _leaks(self) -> list[str]:
        assert self._baseline is not None
        most, before = self._baseline[0] + 2, self._baseline[1]
        deadline = time.monotonic() + 5
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
    if world.user.state != "已连接":
        return False
    call, _ = world.call("settle", world.timeout_s, lambda: world.user.balance, keep=False)
    return call.outcome == "ok"


def _start(lane: Lane, verb: str, specials: Mapping[str, Action]) -> None:
    """错开一点再动手：有的在故障之前，有的正在当中，有的在之后。"""
    pause(lane.dice.choice((0.0, lane.dice.uniform(0, 0.03))))
    primary(lane, verb, specials)


def _together(jobs: list[Callable[[], Any]], what: str) -> None:
    """各用一个线程一起做，做完为止；测试自己的错照样抛出。"""
    failed: list[BaseException] = []

    def guarded(job: Callable[[], Any]) -> None:
        try:
            job()
        except BaseException as exc:
            failed.append(exc)

    threads = [
        threading.Thread(target=guarded, args=(job,), name="chaos-lane", daemon=True)
        for job in jobs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_HUNG_S)
        if thread.is_alive():
            raise AssertionError(f"场景 {what} 的线程 {_HUNG_S:g} 秒还没有结束")
    if failed:
        raise failed[0]


def _resolve(world: World, wish: Wish) -> list[str]:
    """结果未知的：核对到有准信为止。"""
    if not wish.in_doubt or wish.settled is not None:
        return []
    deadline = time.monotonic() + _SETTLE_S
    name = wish.cid or wish.tag
    while True:
        call, row = world.call(
            "find_entrust", world.timeout_s, lambda: world.user.find_entrust(name)
        )
        if call.outcome == "ok":
            wish.settled = row["order_id"] if row else 0
            return []
        if time.monotonic() > deadline:
            return [f"{wish.key} 核对不出来：{call.error}"]
        if not isinstance(row, EasytraderError):
            return [f"{wish.key} 核对时抛了 {call.error}"]
        pause(0.02)


def _is_complete(ledger: Ledger, heard: list[Any]) -> bool:
    told = Counter(
        each.kind if each.kind == "trade" else "final"
        for each in list(heard)
        if each.kind == "trade" or (each.kind == "order" and each.status in (53, 54, 56, 57))
    )
    return told["final"] >= len(ledger.orders) and told["trade"] >= len(ledger.trades)


def our_threads() -> set[str]:
    """本库与厂商执行器的线程。"""
    names = ("easytrader", "ThreadPoolExecutor", "chaos")
    return {
        f"{each.name}-{each.ident}" for each in threading.enumerate() if each.name.startswith(names)
    }


def descriptors() -> int:
    """打开着的文件描述符（Windows 上是句柄）。"""
    process = psutil.Process()
    return process.num_handles() if sys.platform == "win32" else process.num_fds()


def workplace() -> Path:
    """一个临时的工作目录。"""
    return Path(tempfile.mkdtemp(prefix="chaos-"))
