"""代理在每一步上被杀、被停住：一笔不多，一笔不少，没有结果的都核对清楚。

每次只来几步；每一步，在两种存储上::

    pytest -m "chaos or not chaos" tests/agent/test_agent_killed.py     # 约两分钟
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from station_world import AMOUNT, CODE, RESTING, Strategy, wish, within
from support import eventually

from easytrader.fleets.address import open_store
from easytrader.fleets.words import ABSENT, FREE, PLACED

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.name == "nt", reason="要 fork 与 SIGSTOP")

STEPS = [
    "领前", "领后", "收到前", "记下前", "记下后", "关口后", "交出前", "柜台前", "柜台后",
    "记答案前", "记答案后", "待传前", "待传后", "结果前", "结果后",
]  # fmt: skip


ASLEEP = ["领后", "收到前", "记下前", "记下后", "关口前"]
"""停在这些地方的，醒来不许再发；停在最后一看与交给柜台之间的挡不住，只能报警。"""


_OFTEN = {"领后", "记下后", "交出前", "柜台后", "结果前"}
_OFTEN_ASLEEP = {"收到前", "关口前"}


def marked(steps: list[str], often: set[str]) -> list[Any]:
    """每次都来的照旧，别的只在 ``-m chaos``。"""
    return [
        each if each in often else pytest.param(each, marks=pytest.mark.chaos) for each in steps
    ]


class Zygote:
    """一次导入，之后一个代理只要一次 fork。"""

    def __init__(self) -> None:
        script = Path(__file__).with_name("agent_killed.py")
        tests = script.parents[1]
        path = os.pathsep.join(
            [str(tests), str(tests / "server"), os.environ.get("PYTHONPATH", "")]
        )
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self.pids: list[int] = []

    def start(self, **told: Any) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline())
        self.pids.append(pid)
        return pid

    def reap(self) -> None:
        for pid in self.pids:
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGKILL)
        self.pids.clear()

    def close(self) -> None:
        self.reap()
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Zygote]:
    found = Zygote()
    yield found
    found.close()


class Place:
    """一份存储、一个柜台。"""

    def __init__(self, nursery: Zygote, folder: Path, dsn: str = "") -> None:
        self.nursery = nursery
        self.folder = folder
        self.dsn = dsn or f"sqlite:///{folder / 'fleet.sqlite'}"
        self.counter = folder / f"counter-{folder.name}"
        self.store = open_store(self.dsn)
        self.strategy = Strategy(self.store)

    def agent(self, box: str = "box1", step: str = "", how: str = "kill", **told: Any) -> int:
        home = self.folder / box
        home.mkdir(exist_ok=True)
        return self.nursery.start(
            home=str(home), store=self.dsn, counter=str(self.counter), box=box, step=step, how=how,
            **told,
        )  # fmt: skip

    def owned(self, box: str = "box1") -> bool:
        return any(row.box == box for row in self.store.accounts(within(5), ["a"]))

    def ledger(self) -> Counter[str]:
        """标记 → 柜台上有几笔。"""
        if not self.counter.exists():
            return Counter()
        return Counter(
            each.order_remark for each in pickle.loads(self.counter.read_bytes()).values()
        )

    def close(self) -> None:
        self.nursery.reap()
        self.store.close()


@pytest.fixture
def place(nursery: Zygote, tmp_path: Path) -> Iterator[Place]:
    found = Place(nursery, tmp_path)
    yield found
    found.close()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid)


def check(place: Place, name: str) -> None:
    """有了结果；空着的再发一次；柜台上恰好一笔。"""
    row = place.strategy.until(place.store.find("a", name, within(5)))  # type: ignore[arg-type]
    assert row.state in FREE | {PLACED}, row
    assert sum(place.ledger().values()) == (row.state == PLACED), row
    if row.state != PLACED:
        row = place.strategy.do(wish("buy", CODE, RESTING, AMOUNT, command_id=name))
    assert row.state == PLACED
    assert list(place.ledger().values()) == [1]


def check_killed(place: Place, step: str) -> None:
    first = place.agent(step=step)
    eventually(place.owned)
    place.strategy.post(wish("buy", CODE, RESTING, AMOUNT, command_id="one", valid_s=20))
    eventually(lambda: gone(first))
    place.agent()
    check(place, "one")


def check_asleep(place: Place, step: str, how: str) -> None:
    first = place.agent("box1", step, how, takeover="auto")
    eventually(lambda: place.owned("box1"))
    place.strategy.post(wish("buy", CODE, RESTING, AMOUNT, command_id="one", valid_s=60))
    if how == "stop":
        eventually(lambda: psutil.Process(first).status() == psutil.STATUS_STOPPED)
    else:
        eventually((place.folder / "box1" / "asleep").exists)
    place.agent("box2", takeover="auto")
    row = place.strategy.until(place.store.find("a", "one", within(5)))  # type: ignore[arg-type]
    assert row.state == ABSENT
    assert place.ledger() == {}
    assert place.owned("box2")
    check(place, "one")  # 策略决定再发，由新的主人发
    os.kill(first, signal.SIGCONT if how == "stop" else signal.SIGUSR1)
    eventually(lambda: waiting(place.folder / "box1" / "spool" / "spool.sqlite"))
    assert list(place.ledger().values()) == [1]


@pytest.mark.parametrize("step", marked(STEPS, _OFTEN))
def test_killed_at_every_step_leaves_exactly_one_order(place: Place, step: str) -> None:
    check_killed(place, step)


@pytest.mark.parametrize("step", marked(ASLEEP, _OFTEN_ASLEEP))
def test_one_asleep_while_another_took_over_sends_nothing(place: Place, step: str) -> None:
    check_asleep(place, step, "doze")


def waiting(spool: Path) -> int:
    """待传的有几条：做完了，而账号已经不是它的，传不走。"""
    with contextlib.closing(sqlite3.connect(spool)) as db:
        found: int = db.execute("SELECT count(*) FROM record WHERE kind = ''").fetchone()[0]
        return found


@pytest.mark.chaos
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_every_step_on_postgres(
    nursery: Zygote, tmp_path: Path, pg_dsn: str, step: str
) -> None:
    with contextlib.closing(Place(nursery, tmp_path, pg_dsn)) as place:
        check_killed(place, step)


@pytest.mark.chaos
@pytest.mark.parametrize("step", ASLEEP)
def test_stopped_while_another_took_over_on_postgres(
    nursery: Zygote, tmp_path: Path, pg_dsn: str, step: str
) -> None:
    with contextlib.closing(Place(nursery, tmp_path, pg_dsn)) as place:
        check_asleep(place, step, "stop")
