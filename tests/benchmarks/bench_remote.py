"""远程的性能：一条命令印出与参照的比值。手工运行，不是测试::

    python tests/benchmarks/bench_remote.py                # 除了长跑的全部，约三分钟
    python tests/benchmarks/bench_remote.py balance events # 只跑几项
    python tests/benchmarks/bench_remote.py soak --duration 1800

参照是裸的回声：asyncio，一行 JSON 来一行回。各在自己的进程里，一轮一轮交替着跑，
同一轮里相比，报各轮的中位数：机器忙的时候只有比值作数。
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent)]

from remote_listeners import stalled  # noqa: E402
from remote_serve import ServeProcess  # noqa: E402
from support import ACCOUNT, ROOT, in_li  # noqa: E402

from easytrader.sim.config.folder import create  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDS: Final = 15
_TIMES: Final = 100
_SECONDS: Final = 3.0
_FLAT: Final = 24 << 20


def show(name: str, value: str, target: str, good: bool) -> None:
    print(f"{'  ' if good else '✗ '}{name:<38} {value:<52} 目标 {target}", flush=True)
    if not good:
        _MISSED.append(name)


_MISSED: list[str] = []


class Worker:
    """一个客户端进程，见 `remote_worker`。"""

    def __init__(self, env: dict[str, str], **opened: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "remote_worker.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT,
        )  # fmt: skip
        self.ask(**opened)

    def send(self, **told: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert not said.get("error"), said
        assert not said.get("wrong"), said
        return said

    def ask(self, **told: Any) -> dict[str, Any]:
        self.send(**told)
        return self.read()

    def p50(self, what: str, times: int = _TIMES) -> float:
        return statistics.median(self.ask(do=what, times=times)["took"])

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


class Stage:
    """一个模拟账户的服务器、一个回声、几个客户端；用完全收。"""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="easytrader-bench-"))
        self._closing: list[Callable[[], Any]] = []

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *exc: object) -> None:
        for each in reversed(self._closing):
            each()
        shutil.rmtree(self.home, ignore_errors=True)

    def folder(self, name: str) -> Path:
        """一个有钱的模拟账户。"""
        folder = self.home / name / "userdata_mini"
        create(folder, (in_li(ACCOUNT, 2, 10**14),), connect_wait_s=0.3)
        return folder

    def server(self, name: str = "served") -> ServeProcess:
        server = ServeProcess(self.folder(name), self.home / name / "home")
        server.start()
        self._closing.append(server.kill)
        return server

    def worker(self, **opened: Any) -> Worker:
        home = self.home / f"worker-{len(self._closing)}"
        home.mkdir()
        env = {
            **os.environ, "PYTHONPATH": str(ROOT), "EASYTRADER_HOME": str(home),
            "EASYTRADER_LOCKS": str(home), "EASYTRADER_SIM_PROFILE": "instant",
        }  # fmt: skip
        worker = Worker(env, **opened)
        self._closing.append(worker.close)
        return worker

    def remote(self, server: ServeProcess, token: str) -> Worker:
        url = f"http://127.0.0.1:{server.port}"
        return self.worker(open="remote", url=url, token=token, account=server.account)

    def local(self, name: str = "local") -> Worker:
        return self.worker(open="local", path=str(self.folder(name)), account=ACCOUNT)

    def echo(self) -> Worker:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "remote_echo.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        port = int(process.stdout.readline())
        self._closing.append(lambda: (process.stdin.close(), process.wait(10)))  # type: ignore[union-attr]
        return self.worker(open="echo", port=port)

    def stub(self, rate: float = 0) -> Stub:
        stub = Stub(self.home / "stub", rate)
        self._closing.append(stub.close)
        return stub


class Stub:
    """服务着空后端的进程，见 `remote_stub`。"""

    account = "stub"

    def __init__(self, home: Path, rate: float) -> None:
        home.mkdir()
        env = {**os.environ, "PYTHONPATH": str(ROOT), "EASYTRADER_HOME": str(home),
               "EASYTRADER_LOCKS": str(home)}  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "remote_stub_serve.py"), str(rate)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
        )  # fmt: skip
        port, self.token = self._line().split()
        self.port = int(port)

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def say(self, word: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self._line().strip()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


def _rounds(count: int, *acts: Callable[[], float]) -> list[list[float]]:
    """各轮里每样的 p50；头一轮是热身。"""
    found = [[act() for act in acts] for _ in range(count + 1)]
    return found[1:]


def balance() -> None:
    """远程的减去本进程里的，与回声相比。"""
    with Stage() as stage:
        server = stage.server()
        remote, local = stage.remote(server, server.token("bench", "trade")), stage.local()
        echo = stage.echo()
        rows = _rounds(
            _ROUNDS,
            lambda: echo.p50("echo"),
            lambda: local.p50("balance"),
            lambda: remote.p50("balance"),
        )
    _ratio("balance 远程 − 本进程", rows, 2.5)


def _ratio(name: str, rows: list[list[float]], most: float) -> None:
    ratio = statistics.median((far - near) / echo for echo, near, far in rows)
    echo, near, far = (statistics.median(each) * 1e6 for each in zip(*rows, strict=True))
    told = f"({far:.0f} − {near:.0f}) / {echo:.0f} us = {ratio:.2f}"
    show(name, told, f"<= {most}", ratio <= most)


def buy() -> None:
    """远程的每一笔都带编号；与本进程里带编号的、不带的各比一次。"""
    with Stage() as stage:
        server = stage.server()
        remote, local = stage.remote(server, server.token("bench", "trade")), stage.local()
        echo = stage.echo()
        for what in ("buy_once", "buy"):
            rows = _rounds(
                _ROUNDS,
                lambda: echo.p50("echo"),
                lambda what=what: local.p50(what, 40),  # type: ignore[misc]
                lambda: remote.p50("buy", 40),
            )
            _ratio(f"buy 远程 − 本进程的 {what}", rows, 4)


def stub() -> None:
    """空的后端：一次 balance 全部的开销；八个客户端一共每秒多少笔。"""
    with Stage() as stage:
        served, echo = stage.stub(), stage.echo()
        opened: dict[str, Any] = {
            "open": "remote", "url": f"http://127.0.0.1:{served.port}", "token": served.token,
            "account": served.account, "code": "BTC/USDT", "price": 9.0,
        }  # fmt: skip
        remote = stage.worker(**opened)
        rows = _rounds(_ROUNDS, lambda: echo.p50("echo"), lambda: remote.p50("balance"))
        ratio = statistics.median(far / near for near, far in rows)
        near, far = (statistics.median(each) * 1e6 for each in zip(*rows, strict=True))
        show(
            "空后端 balance / 回声", f"{far:.0f} / {near:.0f} us = {ratio:.2f}", "<= 4", ratio <= 4
        )
        workers = [stage.worker(**opened) for _ in range(8)]
        best = max(_together(workers, "buy") for _ in range(3))
        show("空后端，8 个客户端", f"{best:.0f} 笔/秒", ">= 2000", best >= 2000)


def _together(workers: list[Worker], what: str, seconds: float = _SECONDS) -> float:
    for each in workers:
        each.send(do=what, seconds=seconds)
    return sum(said["done"] / said["took"] for said in [each.read() for each in workers])


def orders() -> None:
    """1,000 笔的当日委托。"""
    with Stage() as stage:
        server = stage.server()
        remote = stage.remote(server, server.token("bench", "trade"))
        remote.ask(do="buy", times=1000)
        remote.p50("orders", 5)
        took = remote.ask(do="orders", times=60)["took"]
        p50 = statistics.median(took) * 1e3
        show(
            "1,000 笔委托列一遍",
            f"p50 {p50:.1f} ms，最快 {min(took) * 1e3:.1f}",
            "<= 10 ms",
            p50 <= 10,
        )


def clients() -> None:
    """八个客户端进程，与本进程里八个线程相比；远程的每一笔都带编号，所以也与带编号的比。"""
    with Stage() as stage:
        server = stage.server()
        token = server.token("bench", "trade")
        workers = [stage.remote(server, token) for _ in range(8)]
        local = stage.local()
        for what in ("buy_once", "buy"):
            rows = []
            for _ in range(3):
                said = local.ask(do=what, seconds=_SECONDS, threads=8)
                rows.append((said["done"] / said["took"], _together(workers, "buy")))
            ratio = statistics.median(far / near for near, far in rows)
            near, far = (statistics.median(each) for each in zip(*rows, strict=True))
            told = f"{far:.0f} / {near:.0f} 笔/秒 = {ratio:.2f}"
            show(f"8 个客户端 / 8 个线程的 {what}", told, ">= 0.8", ratio >= 0.8)


def events(rate: float = 3000, listeners: int = 100, seconds: float = 10) -> None:
    """一百个听众，每秒三千条，一个从不读的。"""
    with Stage() as stage:
        served = stage.stub(rate)
        deaf = stalled(served.port, served.account, served.token)
        env = {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_TOKEN": served.token}
        groups = [
            subprocess.Popen(
                [sys.executable, str(HERE / "remote_listeners.py"), str(served.port),
                 served.account, str(listeners // 2), str(seconds + 4)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
            )
            for _ in range(2)
        ]  # fmt: skip
        for each in groups:
            assert each.stdout is not None
            assert each.stdout.readline().strip() == "ready"
        for each in groups:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        served.say("go")
        threading.Event().wait(seconds)
        made, rss, cpu = (float(each) for each in served.say("stop").split())
        told = [json.loads(each.communicate()[0]) for each in groups]
        deaf.close()
    ages = sorted(age for each in told for age in each["ages"])
    got = [count for each in told for count in each["events"]]
    p99 = ages[int(len(ages) * 0.99)] * 1e3
    all_told = all(count == made for count in got) and not any(each["cut"] for each in told)
    what = f"{listeners} 个听众 × {made / seconds:.0f} 条/秒"
    show(what, f"p99 {p99:.0f} ms，服务器 {cpu:.1f} s CPU，{rss:.0f} MB", "<= 100 ms", p99 <= 100)
    show("  每个都收齐", f"{min(got)}–{max(got)} / {made:.0f}", "全部", all_told)


def soak(seconds: float) -> None:
    """半小时：查询不停，委托慢慢下，听众来来去去；服务器的内存不涨。

    一笔委托要占几 kB（账、行、事件，当日都留着），所以下得少：看的是不该留的留没留。
    """
    with Stage() as stage:
        server = stage.server()
        token = server.token("bench", "trade")
        worker = stage.remote(server, token)
        worker.ask(do="buy", times=300)
        until, marks, turn = time.monotonic() + seconds, [], 0
        while time.monotonic() < until:
            turn += 1
            worker.ask(do="balance", times=300)
            worker.ask(do="orders", times=10)
            if turn % 10 == 1:
                worker.ask(do="buy", times=1)
            links = [server.ws(token) for _ in range(5)]
            for link in links:
                link.call("server.events", boot=link.hello["boot"], after=link.hello["last"])
                link.call("balance")
                link.close()
            if turn % 20 == 1:
                marks.append(server.rss)
                print(
                    f"  {turn} 轮 {server.rss >> 20} MB {server.descriptors} 个描述符", flush=True
                )
        first = marks[min(len(marks) // 5, len(marks) - 1)]
        grown = marks[-1] - first
    told = f"{first >> 20} → {marks[-1] >> 20} MB，{turn} 轮"
    show("长跑，服务器的内存", told, f"涨不过 {_FLAT >> 20} MB", grown <= _FLAT)


_ALL: Final[dict[str, Callable[[], None]]] = {
    "balance": balance, "stub": stub, "buy": buy, "orders": orders, "clients": clients,
    "events": events,
}  # fmt: skip


def main() -> int:
    """退出码：都达到为 0。"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(_ALL), help=f"{'、'.join(_ALL)}、soak")
    parser.add_argument("--duration", type=float, default=1800, help="长跑几秒")
    options = parser.parse_args()
    for name in options.names:
        if name == "soak":
            soak(options.duration)
        else:
            _ALL[name]()
    return 1 if _MISSED else 0


if __name__ == "__main__":
    sys.exit(main())
