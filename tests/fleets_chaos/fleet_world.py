"""一个世界：存储、慢的柜台、两台机器上的代理、两个策略进程、它们与存储之间的坏网线。全是真的进程。"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
from bad_proxy import DOWN, UP, BadProxy
from fleet_judge import Alarm, Entry, Event, Told, Wish
from slow_trader import CounterLine, register
from support import ROOT, eventually

from easytrader.basics.tags import tag_for
from easytrader.fleets.address import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleet_plan import Blow, Job

    from easytrader.fleets.store import Store

__all__ = ["ACCOUNTS", "DURABLE", "Box", "Disk", "Strategy", "World", "counter"]

HERE: Final = Path(__file__).resolve().parent
ACCOUNTS: Final = ("A", "B", "C", "D")
DURABLE: Final = {"fsync": "on", "full_page_writes": "on"}
"""真的落盘的 PostgreSQL。"""
SKEWS_S: Final = (600, -600)
"""剧本要钟不对的时候，两台机器的墙钟各差多少秒。"""
SPOOL_BYTES: Final = 192 << 20
_ALARMS: Final = ("duplicate", "late_order", "stale_lease", "spool_full", "stranger", "clock")


def counter(seed: str, least_ms: float, most_ms: float) -> tuple[subprocess.Popen[str], int]:
    """起一个慢的柜台。"""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "slow_counter.py"), seed, str(least_ms), str(most_ms)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def environment(home: Path, entry: Path) -> dict[str, str]:
    """子进程的环境：自己的家，认得 ``slow``。"""
    path = os.pathsep.join(map(str, (ROOT, HERE, entry)))
    return {
        **os.environ, "PYTHONPATH": path, "EASYTRADER_HOME": str(home),
        "EASYTRADER_LOCKS": str(home / "locks"), "PYTHONIOENCODING": "utf-8",
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


class Disk:
    """一个小盘，在一个文件里：拷走那个文件，就是拔了电的那块盘。要 root 的 Linux。"""

    def __init__(self, image: Path, mib: int = 400) -> None:
        self._image = image
        if not image.exists():
            with image.open("wb") as out:
                out.truncate(mib << 20)
            _run("mkfs.ext4", "-q", str(image))
        self._at: Path | None = None

    @staticmethod
    def possible() -> bool:
        """这里挂得上小盘。"""
        return sys.platform == "linux" and os.geteuid() == 0 and bool(shutil.which("mkfs.ext4"))

    def mount(self, at: Path) -> None:
        owner = at.stat()
        _run("mount", "-o", "loop", str(self._image), str(at))
        os.chown(at, owner.st_uid, owner.st_gid)
        self._at = at

    def sync(self) -> None:
        """此刻的都落盘。"""
        _run("sync", "-f", str(self._at))

    def cut(self, image: Path) -> Disk:
        """此刻盘上真的有的，另一块盘。"""
        shutil.copyfile(self._image, image)
        return Disk(image)

    def unmount(self) -> None:
        if self._at is not None:
            _run("umount", "-l", str(self._at))
            self._at = None


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


class Box:
    """一台机器：代理的进程，杀得掉、停得住、在自己的家里再起。

    Args:
        name: 机器名。
        home: 它的家；待传的记录、自己的记录都在里面。
        dsn: 从这台机器看过去的存储。
        port: 柜台的端口。
        accounts: 管哪几个账号。
        env: 另外的环境变量。
        takeover: ``auto`` 或 ``manual``。
    """

    def __init__(
        self, name: str, home: Path, dsn: str, port: int, accounts: Sequence[str],
        entry: Path, *, env: dict[str, str] | None = None, takeover: str = "auto",
    ) -> None:  # fmt: skip
        self.name, self.home, self.starts = name, home, 0
        self.stop_at = home / "stop-here"
        home.mkdir(parents=True, exist_ok=True)
        self._env = {**environment(home, entry), "EASYTRADER_TEST_STOP_AT": str(self.stop_at),
                     **(env or {})}  # fmt: skip
        toml = home / "agent.toml"
        toml.write_text(
            "".join(
                f'[[account]]\nname = "{each}"\nbroker = "slow"\n'
                f'connect = {{ address = "127.0.0.1:{port}", account = "{each}" }}\n'
                for each in accounts
            ),
            encoding="utf-8",
        )
        self._command = [
            *(sys.executable, "-m", "easytrader", "fleet", "agent", dsn, "--config", str(toml)),
            *("--box", name, "--takeover", takeover, "--port", "0"),
        ]
        self._log = home / "agent.out"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        with self._lock, self._log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command, env=self._env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                stderr=out,
            )  # fmt: skip
            self.starts += 1

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def process(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def kill(self) -> None:
        """kill -9。"""
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.wait(30)

    def stop(self) -> int:
        """好好地停；返回退出码。"""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def pause(self) -> None:
        with suppress(psutil.Error):
            self.process.suspend()

    def resume(self) -> None:
        with suppress(psutil.Error):
            self.process.resume()

    def ensure(self) -> None:
        """醒着、活着。"""
        if self.running:
            self.resume()
        else:
            self.start()

    def said(self, most: int = 3000) -> str:
        with suppress(OSError):
            return self._log.read_text(encoding="utf-8", errors="replace")[-most:]
        return ""


class Strategy:
    """一个策略进程；被杀了再起，没有听到结果的再说一遍，编号不变。"""

    def __init__(
        self, name: str, home: Path, dsn: str, accounts: Sequence[str], entry: Path,
        timeout_s: float, heard: Callable[[dict[str, Any]], None], threads: int = 1,
    ) -> None:  # fmt: skip
        home.mkdir(parents=True, exist_ok=True)
        self.name, self.accounts, self.starts = name, tuple(accounts), 0
        self._command = [sys.executable, str(HERE / "fleet_strategy.py"), dsn, str(timeout_s),
                         ",".join(accounts), str(threads)]  # fmt: skip
        self._env = environment(home, entry)
        self._heard = heard
        self._log = home / "strategy.out"
        self._lock = threading.RLock()
        self._left: dict[str, Job] = {}
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self.ready = threading.Event()

    def start(self) -> None:
        with self._lock, self._log.open("ab") as out:
            self.starts += 1
            self.ready.clear()
            self._process = subprocess.Popen(
                self._command, env=self._env, cwd=ROOT, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=out, text=True, bufsize=1,
            )  # fmt: skip
            self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
            self._reader.start()
            for each in self._left.values():
                self._tell(each)

    def give(self, job: Job) -> None:
        with self._lock:
            self._left[job.cid] = job
            self._tell(job)

    @property
    def idle(self) -> bool:
        with self._lock:
            return not self._left

    @property
    def left(self) -> list[str]:
        with self._lock:
            return list(self._left)

    def kill(self) -> None:
        with self._lock:
            process, reader = self._process, self._reader
            if process is None or reader is None:
                return
            process.kill()
            process.wait(30)
            with suppress(OSError):
                process.stdin.close()  # type: ignore[union-attr]
        reader.join(30)
        process.stdout.close()  # type: ignore[union-attr]

    def ensure(self) -> None:
        if self._process is None or self._process.poll() is not None:
            self.start()

    def said(self, most: int = 2000) -> str:
        with suppress(OSError):
            return self._log.read_text(encoding="utf-8", errors="replace")[-most:]
        return ""

    def _tell(self, job: Job) -> None:
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError, ValueError):
                process.stdin.write(json.dumps(job.told) + "\n")
                process.stdin.flush()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if "done" in said:
                with self._lock:
                    self._left.pop(said["done"], None)
            elif "ready" in said:
                self.ready.set()
            else:
                self._heard(said)


class World:
    """见模块说明。

    Args:
        place: 空的文件夹。
        seed: 种子：柜台的快慢。
        server: `pg_server.PgServer`，已经起来；None 是 SQLite。
        dsn: 直接连的地址；给了 ``server`` 的是其中一个新的库。
        skewed: 两台机器的墙钟不对。
        small_spool: 待传的记录放在一个小盘上（要 root）。
        delays_ms: 柜台最快、最慢。
        boxes: 几台机器。
        strategies: 几个策略进程。
        threads: 每个账号几个线程一起下。
    """

    timeout_s = 3.0

    def __init__(
        self, place: Path, seed: str, *, dsn: str, server: Any = None, skewed: bool = False,
        small_spool: bool = False, delays_ms: tuple[float, float] = (5, 100), boxes: int = 2,
        strategies: int = 2, accounts: Sequence[str] = ACCOUNTS, threads: int = 1,
    ) -> None:  # fmt: skip
        self.place, self.server, self.dsn = place, server, dsn
        self.accounts = tuple(accounts)
        self.wishes: dict[tuple[str, str], Wish] = {}
        self.cancels: list[dict[str, Any]] = []
        self.journal: list[tuple[float, str]] = []
        """什么时候出了什么故障。"""
        self._lock = threading.Lock()
        self._mounted: list[Path] = []
        self._blowing: list[threading.Thread] = []
        self.began = time.monotonic()
        entry = register(place / "entry")
        self._counter, self.port = counter(seed, *delays_ms)
        self._line = CounterLine(self.port)
        self._hands: dict[str, CounterLine] = {}
        self.store: Store = open_store(dsn)
        self.proxies: dict[str, BadProxy] = {}
        if server is not None:
            self.proxies = {each: BadProxy(server.port, f"{seed}-{each}")
                            for each in ("strategy", "agent")}  # fmt: skip
        skews = SKEWS_S if skewed else (0, 0)
        shim = _shim(place) if skewed else None
        self.boxes = [
            Box(f"box{number}", self._home(f"box{number}", small_spool), self.seen_from("agent"),
                self.port, self.accounts, entry, env=_shifted(shim, skews[number % 2]))
            for number in range(boxes)
        ]  # fmt: skip
        share = -(-len(self.accounts) // max(1, strategies))
        self.strategies = [
            Strategy(f"s{number}", place / f"s{number}", self.seen_from("strategy"),
                     self.accounts[number * share : (number + 1) * share], entry, self.timeout_s,
                     self._heard, threads)
            for number in range(strategies)
        ]  # fmt: skip

    def start(self) -> None:
        """全起来，账号都有主人、都连着柜台。"""
        for box in self.boxes:
            box.start()
        self.wait_served()
        for each in self.strategies:
            each.start()
        for each in self.strategies:
            eventually(each.ready.is_set, 90)

    def wait_served(self, within_s: float = 60.0) -> None:
        """每个账号都有活着的主人，连着。"""

        def served() -> bool:
            with suppress(Exception):
                rows = {each.account: each for each in self.store.accounts(time.monotonic() + 2)}
                return all(
                    name in rows and rows[name].alive and '"已连接"' in rows[name].hello
                    for name in self.accounts
                )
            return False

        try:
            eventually(served, within_s)
        except AssertionError:
            raise AssertionError(self.last_words()) from None

    def close(self) -> None:
        for each in self.strategies:
            each.kill()
        for box in self.boxes:
            box.kill()
        for proxy in self.proxies.values():
            proxy.close()
        self.store.close()
        for line in (self._line, *self._hands.values()):
            line.close()
        self._counter.kill()
        self._counter.communicate()
        for place in self._mounted:
            subprocess.run(["umount", "-l", str(place)], check=False)

    # ---- 下单

    def give(self, job: Job) -> None:
        """交给管这个账号的策略。"""
        self.wishes[job.account, job.cid] = Wish(
            job.account, job.cid, tag_for(job.account, job.cid)
        )
        next(each for each in self.strategies if job.account in each.accounts).give(job)

    @property
    def idle(self) -> bool:
        return all(each.idle for each in self.strategies)

    def _heard(self, said: dict[str, Any]) -> None:
        if "told" in said:
            wish = self.wishes[said["account"], said["told"]]
            wish.calls.append(
                Told(said["outcome"], said.get("number", 0), said["late_s"], said["text"])
            )
        elif "cancel" in said:
            self.cancels.append(said)

    # ---- 故障

    def blow(self, blow: Blow) -> None:
        """到时候出一个故障；不等它完。"""
        thread = threading.Thread(target=self._blow, args=(blow,), daemon=True)
        self._blowing.append(thread)
        thread.start()

    def _blow(self, blow: Blow) -> None:
        pause = threading.Event()
        pause.wait(blow.at_s)
        self.journal.append((time.monotonic() - self.began, f"{blow.name} {blow.seconds:.2f}s"))
        whose, _, what = blow.name.partition("_")
        act = _ACTS.get(blow.name)
        if act is not None:
            with self._lock:  # 一次一个：两个一起杀同一个进程说不清
                act(self, blow, pause)
            return
        proxy = self.proxies[whose]
        kind, _, way = what.partition("_")
        ways = {"up": UP, "down": DOWN}
        if kind == "cut":
            proxy.cut(rst=blow.which % 2 == 0)
        elif kind == "delay":
            proxy.delay(UP, blow.seconds)
            proxy.delay(DOWN, blow.seconds)
        elif kind == "swallow":
            proxy.swallow(ways[way], fresh=blow.which % 2 == 0)
        elif kind == "truncate":
            proxy.truncate(ways[way], 2)
        if kind != "cut":  # 坏一会儿再收
            pause.wait(0.5 + blow.seconds)
            proxy.calm()

    @property
    def blowing(self) -> bool:
        """还有故障没有出完。"""
        return any(each.is_alive() for each in self._blowing)

    def calm(self) -> None:
        """等故障出完，全收了，谁都醒着活着。"""
        for thread in self._blowing:
            thread.join(60)
        self._blowing.clear()
        for proxy in self.proxies.values():
            proxy.calm()
        self.mute(False)
        for box in self.boxes:
            (box.home / "ballast").unlink(missing_ok=True)
            box.stop_at.unlink(missing_ok=True)
            box.ensure()
        for each in self.strategies:
            each.ensure()

    def move(self, server: Any) -> None:
        """换到另一台服务器（备机）上：它升为主机，线都接到它。"""
        server.execute("SELECT pg_promote(true, 30)")
        before, self.store = self.store, open_store(server.dsn(self.dsn.rpartition("/")[2]))
        before.close()
        for proxy in self.proxies.values():
            proxy.target = server.port
            proxy.cut()

    def mute(self, on: bool) -> None:
        self._line.ask(5, do="mute", on=on)

    def counter_line(self, account: str) -> CounterLine:
        """另外一条到柜台的连接：别的程序、手工。"""
        if account not in self._hands:
            self._hands[account] = CounterLine(self.port)
            self._hands[account].ask(5, do="login", account=account)
        return self._hands[account]

    # ---- 看

    def settle(self, within_s: float = 60.0) -> list[str]:
        """等策略都听到、没有一条还开着；到期还开着的列出来。"""
        deadline = time.monotonic() + within_s
        pause = threading.Event()
        while time.monotonic() < deadline:
            if self.idle and not self._open():
                return []
            pause.wait(0.1)
        left = [f"{each.name} 没有做完：{each.left[:5]}" for each in self.strategies if each.left]
        return left + [f"还开着：{each}" for each in self._open()[:5]]

    def _open(self) -> list[str]:
        try:
            rows = self.store.accounts(time.monotonic() + 2)
        except Exception as exc:  # 还没有缓过来的也算开着
            return [repr(exc)]
        return [f"{each.account} {each.open}" for each in rows if each.open]

    def ledger(self) -> list[Entry]:
        """柜台的账。"""
        told = self._line.ask(30, do="everything")
        return [
            Entry(account, row["order_id"], row["tag"])
            for account, rows in told.items()
            for row in rows
        ]

    def look(self, wishes: Sequence[Wish]) -> None:
        """表上最后的样子。"""
        for wish in wishes:
            row = self.store.find(wish.account, wish.cid, time.monotonic() + 5)
            wish.state = "" if row is None else row.state
            wish.order_id = "" if row is None else row.order_id

    def events(self, account: str, after: int = 0) -> tuple[list[Event], int]:
        """``after`` 之后的事件，与最近一条的编号。"""
        found: list[Event] = []
        while True:
            batch = self.store.read(account, after, 1000, time.monotonic() + 10)
            if not batch:
                break
            found += [_event(each.number, each.kind, each.data) for each in batch]
            after = batch[-1].number
        return found, self.store.bump(account, time.monotonic() + 5)

    def alarms(self, account: str, events: Sequence[Event]) -> list[Alarm]:
        return [Alarm(account, each.kind, each.order_id) for each in events if each.kind in _ALARMS]

    def last_words(self) -> str:
        """各个进程最后说了什么。"""
        told = [f"--- {box.name}\n{box.said()}" for box in self.boxes]
        told += [f"--- {each.name}\n{each.said()}" for each in self.strategies]
        return "\n".join(told)

    # ---- 里面

    def seen_from(self, whose: str) -> str:
        """``strategy`` 或 ``agent`` 用的地址：经坏网线。"""
        if self.server is None:
            return self.dsn
        return self.dsn.replace(f":{self.server.port}/", f":{self.proxies[whose].port}/")

    def _home(self, name: str, small: bool) -> Path:
        home = self.place / name
        home.mkdir(parents=True, exist_ok=True)
        if small:
            size = f"size={SPOOL_BYTES}"
            subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(home)], check=True)
            self._mounted.append(home)
        return home


def _event(number: int, kind: str, data: str) -> Event:
    row = json.loads(data).get("data") or {}
    if not isinstance(row, dict):
        return Event(number, kind)
    order = row.get("order_id") or 0
    return Event(
        number, kind, int(order) if str(order).isdigit() else 0, str(row.get("traded_id", ""))
    )


def _shim(place: Path) -> Path | None:
    """编译出拨钟的那个；没有编译器的不拨。"""
    if shutil.which("cc") is None:
        return None
    built = place / "shifted_clock.so"
    source = HERE / "shifted_clock.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(built), str(source), "-ldl"], check=True)
    return built


def _shifted(shim: Path | None, seconds: int) -> dict[str, str]:
    if shim is None or not seconds:
        return {}
    return {"LD_PRELOAD": str(shim), "EASYTRADER_TEST_SHIFT_S": str(seconds)}


def _server(do: str) -> Callable[[World, Blow, threading.Event], None]:
    def act(world: World, blow: Blow, pause: threading.Event) -> None:
        if do == "pause":
            world.server.pause()
            pause.wait(blow.seconds)
            world.server.resume()
            return
        world.server.kill() if do == "kill" else world.server.stop()
        pause.wait(blow.seconds)
        world.server.start()

    return act


def _agent_kill(world: World, blow: Blow, pause: threading.Event) -> None:
    box = world.boxes[blow.which % len(world.boxes)]
    box.kill()
    pause.wait(min(blow.seconds, 0.5))
    box.start()


def _agent_pause(world: World, blow: Blow, pause: threading.Event) -> None:
    box = world.boxes[blow.which % len(world.boxes)]
    box.pause()
    pause.wait(blow.seconds)
    box.resume()


def _strategy_kill(world: World, blow: Blow, pause: threading.Event) -> None:
    strategy = world.strategies[blow.which % len(world.strategies)]
    strategy.kill()
    pause.wait(min(blow.seconds, 0.5))
    strategy.start()


def _counter_mute(world: World, blow: Blow, pause: threading.Event) -> None:
    world.mute(True)
    pause.wait(max(0.2, blow.seconds))
    world.mute(False)


def _spool_full(world: World, blow: Blow, pause: threading.Event) -> None:
    """盘占满，过一会儿腾出来。"""
    box = world.boxes[blow.which % len(world.boxes)]
    ballast = box.home / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as out:
        while True:
            out.write(b"\0" * 4096)
    pause.wait(max(0.5, blow.seconds))
    ballast.unlink(missing_ok=True)


_ACTS: Final = {
    "server_kill": _server("kill"),
    "server_restart": _server("stop"),
    "server_pause": _server("pause"),
    "agent_kill": _agent_kill,
    "agent_pause": _agent_pause,
    "agent_sleep": _agent_pause,
    "strategy_kill": _strategy_kill,
    "counter_mute": _counter_mute,
    "spool_full": _spool_full,
}
