"""一队账号的混沌::

    python tests/fleets_chaos/run.py --commands 5000 --seed 1
    python tests/fleets_chaos/run.py --commands 5000 --seed 1 --play agents     # 只杀代理
    python tests/fleets_chaos/run.py --commands 5000 --seed 1 --play all --skewed
    python tests/fleets_chaos/run.py --seed 1 --only 17                          # 重放一段
    python tests/fleets_chaos/run.py --store sqlite --play agents --commands 500

柜台过 5 到 100 毫秒才应答，它的账判对错：0 笔下两次，0 笔丢，说不清的都有名有姓、后来都核对清楚，
事件从 1 到最后一条不缺。每段收了故障之后核对一次。
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2]), str(HERE.parent), str(HERE.parents[1]),
]  # fmt: skip

from fleet_judge import judge, judge_events, judge_told  # noqa: E402
from fleet_plan import PLAYS, Act, act  # noqa: E402
from fleet_world import DURABLE, World  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet_judge import Event


class Show:
    """一个世界里一段接一段。"""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults: Counter[str] = Counter()
        self.worst_late_s = 0.0
        self.alarms: Counter[str] = Counter()
        self._seen: dict[str, list[Event]] = {name: [] for name in world.accounts}
        self._judged: set[tuple[str, int]] = set()

    def play(self, one: Act, within_s: float = 120.0) -> list[str]:
        """演一段，返回不对的。"""
        world = self.world
        for blow in one.blows:
            self.faults[blow.name] += 1
            world.blow(blow)
        for job in one.jobs:
            world.give(job)
        pause, deadline = threading.Event(), time.monotonic() + within_s
        while not world.idle and time.monotonic() < deadline:
            pause.wait(0.05)
            if not world.blowing:
                world.calm()
        world.calm()
        return self.check(one, world.settle())

    def check(self, one: Act, open_: list[str]) -> list[str]:
        """核对到此刻为止。"""
        world = self.world
        wishes = [world.wishes[job.account, job.cid] for job in one.jobs]
        world.look(wishes)
        ledger = world.ledger()
        fresh = [each for each in ledger if (each.account, each.order_id) not in self._judged]
        self._judged |= {(each.account, each.order_id) for each in fresh}
        found, alarms = list(open_), []
        for account in world.accounts:
            found += self._check_events(account, ledger)
            alarms += world.alarms(account, self._seen[account])
        self.alarms = Counter(each.kind for each in alarms)
        everyone = {(each.account, each.tag): each for each in world.wishes.values()}
        asked = {(each.account, each.tag) for each in wishes}
        relevant = [each for each in ledger if (each.account, each.tag) in asked]
        strange = [each for each in fresh if (each.account, each.tag) not in everyone]
        late = [each for each in fresh if (each.account, each.tag) in everyone
                and (each.account, each.tag) not in asked]  # fmt: skip
        found += judge(wishes, [*relevant, *strange], alarms)
        found += [f"早先的一笔这时才到：{each}" for each in late]
        self.worst_late_s = max(
            [self.worst_late_s, *(call.late_s for wish in wishes for call in wish.calls)]
        )
        return found

    def _check_events(self, account: str, ledger: list[Any]) -> list[str]:
        seen = self._seen[account]
        fresh, last_no = self.world.events(account, seen[-1].number if seen else 0)
        seen += fresh
        return judge_events(account, seen, last_no, ledger)


def stage(given: argparse.Namespace, place: Path) -> tuple[World, Any]:
    """搭好一个世界；返回它与 PostgreSQL（SQLite 的没有）。"""
    small = "spool_full" in PLAYS[given.play] and _may_mount()
    options: dict[str, Any] = {
        "skewed": given.skewed, "small_spool": small, "delays_ms": (given.least, given.most),
        "boxes": given.boxes, "threads": given.threads,
    }  # fmt: skip
    seed = f"{given.seed}"
    if given.store == "sqlite":
        return World(place, seed, dsn=f"sqlite:///{place / 'fleet.db'}", **options), None
    from fleets.pg_server import PgServer

    server = PgServer(settings=DURABLE)
    server.start()
    return World(place, seed, dsn=server.fresh(), server=server, **options), server


def _may_mount() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


def _numbers(given: argparse.Namespace) -> Iterable[int]:
    if given.only is None:
        return range(-(-given.commands // given.size))
    first, _, last = given.only.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--commands", type=int, default=500)
    add("--seed", type=int, default=1)
    add("--play", choices=PLAYS, default="all")
    add("--only", help="只演这一段，或几段：17、17-20")
    add("--size", type=int, default=100, help="一段多少条命令")
    add("--store", choices=("postgres", "sqlite"), default="postgres")
    add("--skewed", action="store_true", help="两台机器的墙钟各差十分钟，一前一后")
    add("--boxes", type=int, default=2)
    add("--threads", type=int, default=1, help="每个账号几个线程一起下")
    add("--least", type=float, default=5)
    add("--most", type=float, default=100)
    add("--keep", help="留下现场，放在这里")
    given = parser.parse_args()
    place = Path(given.keep or tempfile.mkdtemp(prefix="fleet-chaos-"))
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o755)
    world, server = stage(given, place)
    show, bad, began = Show(world), 0, time.monotonic()
    try:
        world.start()
        for index in _numbers(given):
            one = act(given.seed, index, play=given.play, accounts=world.accounts,
                      size=given.size, embedded=server is None)  # fmt: skip
            found = show.play(one)
            if index % 5 == 4:
                took_s = time.monotonic() - began
                print(f"…第 {index} 段，{took_s:.0f} 秒", file=sys.stderr, flush=True)
            for each in found:
                print(f"第 {index} 段：{each}", flush=True)
            if found:
                bad += 1
                print(f"   故障：{[tuple(blow) for blow in one.blows]}", flush=True)
                if bad == 1:
                    print(world.last_words(), flush=True)
    finally:
        world.close()
        if server is not None:
            server.remove()
    took_s = time.monotonic() - began
    told = judge_told(world.wishes.values())
    never = sum(all(call.outcome != "placed" for call in each.calls)
                and each.state != "placed" for each in world.wishes.values())  # fmt: skip
    print(
        f"{len(world.wishes)} 条命令，{took_s:.0f} 秒；错的 {bad} 段；听到 {dict(told)}；"
        f"最后也没有下成 {never} 笔；"
        f"故障 {dict(show.faults)}；警报 {dict(show.alarms)}；"
        f"最多比期限晚 {show.worst_late_s:.2f} 秒；"
        f"代理起了 {sum(each.starts for each in world.boxes)} 次"
    )
    return min(1, bad)


if __name__ == "__main__":
    sys.exit(main())
