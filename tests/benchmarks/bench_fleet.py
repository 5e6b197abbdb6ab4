"""一队账号的性能：一条命令印出与参照的比值。手工运行，不是测试::

    python tests/benchmarks/bench_fleet.py                  # 全部，约三分钟
    python tests/benchmarks/bench_fleet.py round burst      # 只跑几项
    python tests/benchmarks/bench_fleet.py idle --seconds 60

真的 PostgreSQL、真的代理（柜台马上应答，另一组过 5 毫秒）、真的策略进程，都在这台机器上。
参照在同一次里量：裸的回声、``SELECT 1``、C（一条落盘的插入）。机器忙的时候只有比值作数。
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path[:0] = [str(HERE), str(TESTS / "fleets_chaos"), str(TESTS),
                str(TESTS.parent)]  # fmt: skip

from fleet_world import DURABLE, World, environment  # noqa: E402
from fleets.pg_server import PgServer  # noqa: E402
from support import ROOT  # noqa: E402

from easytrader.fleets.address import open_store  # noqa: E402
from easytrader.fleets.words import POLL_S, RENEW_S, Lease  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

_TIMES: Final = 400
_SECONDS: Final = 6.0
_BOXES, _EACH = 20, 50


def show(name: str, value: str, target: str = "", good: bool = True) -> None:
    print(f"{'  ' if good else '✗ '}{name:<34} {value:<56} {target}", flush=True)


def at(values: list[float], share: float) -> float:
    """分位数。"""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Worker:
    """一个策略进程，见 `fleet_worker`。"""

    def __init__(self, world: World, accounts: tuple[str, ...]) -> None:
        home = Path(tempfile.mkdtemp(dir=world.place))
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "fleet_worker.py"), world.dsn, ",".join(accounts)],
            env=environment(home, home), cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.read()

    def send(self, **told: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


class References:
    """同一次里的参照：回声、``SELECT 1``、落盘的插入；返回各自的中位数，秒。"""

    def __init__(self, server: PgServer) -> None:
        import psycopg

        self._link = psycopg.connect(server.fresh(), autocommit=True)
        self._link.execute("CREATE TABLE bench_row (id bigserial PRIMARY KEY, told jsonb)")
        self._link.execute("SET synchronous_commit = on")
        self._echo = subprocess.Popen(
            [sys.executable, str(HERE / "remote_echo.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._echo.stdout is not None
        from remote_worker import Echo

        self._bare = Echo(int(self._echo.stdout.readline()))

    def measure(self, times: int = 200) -> tuple[float, float, float]:
        told = '{"verb": "buy", "args": ["600036", 10.5, 100]}'
        insert = "INSERT INTO bench_row (told) VALUES (%s)"
        return (
            self._p50(self._bare.echo, times),
            self._p50(lambda: self._link.execute("SELECT 1").fetchall(), times),
            self._p50(lambda: self._link.execute(insert, (told,)), times),
        )

    def close(self) -> None:
        self._link.close()
        self._echo.kill()
        self._echo.wait(10)

    @staticmethod
    def _p50(work: Callable[[], Any], times: int) -> float:
        took = []
        for _ in range(times):
            began = time.perf_counter()
            work()
            took.append(time.perf_counter() - began)
        return statistics.median(took)


class Stage:
    """一个 PostgreSQL；各项各开一个库、一个世界。"""

    def __init__(self, place: Path, seconds: float) -> None:
        self.place, self.seconds = place, seconds
        self.server = PgServer(settings=DURABLE)
        self.server.start()
        self.references = References(self.server)

    def world(self, name: str, delays_ms: tuple[float, float]) -> World:
        place = self.place / name
        place.mkdir()
        world = World(place, "1", dsn=self.server.fresh(), server=self.server,
                      delays_ms=delays_ms, boxes=1, strategies=0)  # fmt: skip
        world.boxes[0] = _direct(world)
        world.start()
        return world

    def close(self) -> None:
        self.references.close()
        self.server.remove()


def _direct(world: World) -> Any:
    """代理不经坏网线。"""
    from fleet_world import Box

    return Box("direct", world.place / "direct", world.dsn, world.port, world.accounts,
               world.place / "entry")  # fmt: skip


def bench_round(stage: Stage) -> None:
    """一条命令的来回：柜台马上应答；过 5 毫秒应答。"""
    for name, delays, floor_s in (("马上应答", (0, 0), 0.0), ("过 5 毫秒", (5, 5), 0.005)):
        world = stage.world(f"round{floor_s:g}", delays)
        worker = Worker(world, world.accounts[:1])
        try:
            worker.send(times=50)
            worker.read()
            echo_s, select_s, c_s = stage.references.measure()
            took: list[float] = []
            for _ in range(4):
                worker.send(times=_TIMES // 4)
                took += worker.read()["took"]
                again = stage.references.measure(50)
                c_s = statistics.mean((c_s, again[2]))
            p50, p99 = at(took, 0.5), at(took, 0.99)
            own_s = p50 - floor_s
            show(f"一条命令，柜台{name}",
                 f"p50 {p50 * 1e3:.2f} p99 {p99 * 1e3:.2f} 毫秒 = {own_s / c_s:.1f} C，"
                 f"{own_s / select_s:.0f} × SELECT 1，{own_s / echo_s:.0f} × 回声",
                 f"≤ 10 C（C = {c_s * 1e3:.2f} 毫秒）", own_s <= 10 * c_s)  # fmt: skip
        finally:
            worker.close()
            world.close()


def _throughput(stage: Stage, name: str, threads: int, target: str, least: float) -> None:
    world = stage.world(name, (0, 0))
    workers = [Worker(world, world.accounts) for _ in range(8)]
    try:
        for each in workers:
            each.send(times=8)
        for each in workers:
            each.read()
        for each in workers:
            each.send(seconds=stage.seconds, threads=threads)
        found = [each.read() for each in workers]
        rate = sum(each["done"] / each["took"] for each in found)
        show(
            f"8 个策略 × 4 个账号，各 {threads} 笔在途", f"{rate:.0f} 条/秒", target, rate >= least
        )
    finally:
        for each in workers:
            each.close()
        world.close()


def bench_throughput(stage: Stage) -> None:
    """每个策略在每个账号上一笔接一笔。"""
    _throughput(stage, "throughput", 1, "≥ 366（事实表 366–725）", 366)


def bench_burst(stage: Stage) -> None:
    """每个策略在每个账号上四笔在途：领一批、结一批。"""
    _throughput(stage, "burst", 4, "≥ 638（事实表 638–695）", 638)


def bench_replay(stage: Stage) -> None:
    """从头读事件。"""
    world = stage.world("replay", (0, 0))
    worker = Worker(world, world.accounts[:1])
    try:
        worker.send(seconds=stage.seconds, threads=8)
        worker.read()
        began, found = time.perf_counter(), 0
        after = 0
        while rows := world.store.read("A", after, 1000, time.monotonic() + 10):
            found += len(rows)
            after = rows[-1].number
        show("从头读事件", f"{found / (time.perf_counter() - began):.0f} 条/秒（{found} 条）",
             "事实表 31,000")  # fmt: skip
    finally:
        worker.close()
        world.close()


class IdleBox:
    """一台闲着的机器：续租；每隔一会儿看一眼有没有活，同 `agent.station`。"""

    def __init__(self, dsn: str, number: int, closed: threading.Event) -> None:
        self._name, self._closed = f"box{number}", closed
        self.store = open_store(dsn)
        self._leases = [self._take(f"a{number}-{each}") for each in range(_EACH)]
        self._threads = [
            threading.Thread(target=each, daemon=True) for each in (self._renewing, self._looking)
        ]

    def start(self) -> None:
        for each in self._threads:
            each.start()

    def close(self) -> None:
        self.store.close()
        for each in self._threads:
            each.join(10)

    def _take(self, account: str) -> Lease:
        lease = self.store.acquire(
            account, owner=self._name, box=self._name, broker="slow", groups=(),
            takeover="manual", previous="", address="", deadline=_soon(),
        )  # fmt: skip
        assert isinstance(lease, Lease)
        return lease

    def _renewing(self) -> None:
        while not self._closed.wait(RENEW_S):
            self.store.renew(self._leases, _soon())

    def _looking(self) -> None:
        while not self._closed.is_set():
            self.store.claim(self._leases, 32, _soon())
            self.store.questions(self._leases, 64, _soon())
            self.store.idle(self._leases, _soon())
            while not self._closed.is_set() and not self.store.wait(self._name, POLL_S):
                pass  # 没有人叫：续租的回答里会说有没有活


def _soon() -> float:
    return time.monotonic() + 10


def bench_idle(stage: Stage) -> None:
    """一千个闲着的账号，二十台机器。"""
    dsn, closed = stage.server.fresh(), threading.Event()
    boxes = [IdleBox(dsn, number, closed) for number in range(_BOXES)]
    for each in boxes:
        each.start()
    closed.wait(3)
    began, before = time.perf_counter(), stage.server.cpu_s()
    closed.wait(max(20.0, stage.seconds))
    share = (stage.server.cpu_s() - before) / (time.perf_counter() - began)
    closed.set()
    for each in boxes:
        each.close()
    show("1,000 个闲着的账号，20 台机器", f"服务器 {share:.1%} 个核", "≤ 5 %", share <= 0.05)


_BENCHES: Final = {
    "round": bench_round,
    "throughput": bench_throughput,
    "burst": bench_burst,
    "replay": bench_replay,
    "idle": bench_idle,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", nargs="*", choices=[*_BENCHES, []], default=[])
    parser.add_argument("--seconds", type=float, default=_SECONDS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-fleet-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        place.chmod(0o755)
        stage = Stage(place, given.seconds)
        try:
            for name in given.which or _BENCHES:
                _BENCHES[name](stage)
        finally:
            stage.close()


if __name__ == "__main__":
    main()
