"""请求记录：一个号一行，谁先插进去谁算数；重启之后还在；太旧的说太旧，写不下去的说写不下去。"""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from support import ROOT

from easytrader.basics.beijing import BEIJING
from easytrader.errors import JournalError
from easytrader.market import calendar
from easytrader.server import requests
from easytrader.server.requests import DONE, FORGOTTEN, PASSED_ON, TOMBSTONE, Requests, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def soon() -> float:
    return time.monotonic() + 5


class Clock:
    """北京时间的墙上钟。"""

    def __init__(self, text: str = "2026-11-20 10:00") -> None:
        self.set(text)

    def set(self, text: str) -> None:
        self.now = datetime.fromisoformat(text).replace(tzinfo=BEIJING).timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "服务 器" / "0123456789abcdef"


@pytest.fixture
def open_table(folder: Path, clock: Clock) -> Iterator[Callable[[], Requests]]:
    made = []

    def make() -> Requests:
        made.append(Requests(folder, clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


def row(request: str = "r1", **changes: Any) -> Row:
    given = {"token": "甲", "digest": b"d", "verb": "buy", "client_order_id": "x", "boot": "b1"}
    return Row(**{**given, "request": request, **changes})


def test_the_first_one_is_new_and_the_second_gets_its_row(
    open_table: Callable[[], Requests], clock: Clock
) -> None:
    table = open_table()
    first = row(entrust_no="007")
    assert table.begin(first, soon()) is None
    assert table.begin(row(digest=b"other"), soon()) == first._replace(created=clock.now)
    table.finish(first, DONE, b'{"result":1}')
    found = table.begin(row(), soon())
    assert found is not None
    assert (found.state, found.answer, found.entrust_no) == (DONE, b'{"result":1}', "007")


def test_the_rows_outlive_the_process(open_table: Callable[[], Requests]) -> None:
    table = open_table()
    table.begin(row(), soon())
    table.begin(row("r2"), soon(), durable=True)
    table.finish(row("r2"), DONE, b"2", durable=True)
    table.close()
    again = open_table()
    assert [each.request for each in again.unknown(soon())] == ["r1"]
    found = again.find("甲", "r2", soon())
    assert found is not None
    assert found.answer == b"2"


def test_requests_of_two_tokens_do_not_meet(open_table: Callable[[], Requests]) -> None:
    table = open_table()
    assert table.begin(row(), soon()) is None
    assert table.begin(row(token="乙"), soon()) is None
    table.finish(row(), DONE, b"1")
    other = table.find("乙", "r1", soon())
    assert other is not None
    assert other.state == PASSED_ON


def test_a_tombstone_is_for_ever(open_table: Callable[[], Requests]) -> None:
    table = open_table()
    assert table.forbid(row(digest=b"", verb=""), soon()) is None
    late = table.begin(row(), soon())
    assert late is not None
    assert late.state == TOMBSTONE
    assert table.forbid(row(), soon()) is None
    table.close()
    late = open_table().begin(row(), soon())
    assert late is not None
    assert late.state == TOMBSTONE


def test_no_tombstone_over_a_request_that_came(open_table: Callable[[], Requests]) -> None:
    table = open_table()
    table.begin(row(), soon())
    found = table.forbid(row(digest=b"", verb=""), soon())
    assert found is not None
    assert (found.state, found.verb) == (PASSED_ON, "buy")


def test_an_answer_is_not_overwritten(open_table: Callable[[], Requests]) -> None:
    table = open_table()
    table.begin(row(), soon())
    table.finish(row(), PASSED_ON, b"unknown")
    table.finish(row(), DONE, b"first")
    table.finish(row(), TOMBSTONE)
    table.finish(row(), DONE, b"second")
    found = table.find("甲", "r1", soon())
    assert found is not None
    assert (found.state, found.answer) == (DONE, b"first")


def test_threads_racing_for_one_request(open_table: Callable[[], Requests]) -> None:
    """做的和作废的抢同一个号：恰好一个赢。"""
    table, gate = open_table(), threading.Barrier(8)
    won: list[tuple[int, str]] = []

    def go(number: int) -> None:
        gate.wait()
        for n in range(50):
            if number % 2:
                if table.begin(row(f"r{n}", boot=str(number)), soon()) is None:
                    won.append((n, "做"))
            elif table.begin(row(f"r{n}", state=TOMBSTONE), soon()) is None:
                won.append((n, "作废"))

    threads = [threading.Thread(target=go, args=(n,)) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(n for n, _ in won) == list(range(50))
    for n, what in won:
        found = table.find("甲", f"r{n}", soon())
        assert found is not None
        assert found.state == (PASSED_ON if what == "做" else TOMBSTONE)


RACER = """
import sys, time
from pathlib import Path
from easytrader.server.requests import Requests, Row
table = Requests(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for n in range(100):
    row = Row("甲", f"r{n}", b"d", "buy", boot=sys.argv[2])
    print(int(table.begin(row, time.monotonic() + 30) is None))
table.close()
"""


def test_processes_racing_for_one_request(folder: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(folder), str(n)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)},
        )
        for n in range(2)
    ]
    for each in racers:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in racers:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    won = [each.communicate(timeout=60)[0].split() for each in racers]
    assert [each.returncode for each in racers] == [0, 0]
    assert [int(a) + int(b) for a, b in zip(*won, strict=True)] == [1] * 100


# ---- 两个交易日


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("2026-11-20 23:59", True),  # 周五当天
        ("2026-11-22 10:00", True),  # 周日
        ("2026-11-23 23:59", True),  # 周一：第二个交易日
        ("2026-11-24 00:00", False),
        ("2027-03-01 10:00", False),
    ],
)
def test_kept_for_two_trading_days_then_too_old(
    open_table: Callable[[], Requests], clock: Clock, asked: str, kept: bool
) -> None:
    table = open_table()
    table.begin(row(), soon())
    table.finish(row(), DONE, b"1")
    table.forbid(row("dead"), soon())
    clock.set(asked)
    found, dead = table.begin(row(), soon()), table.begin(row("dead"), soon())
    assert found is not None
    assert dead is not None
    assert found.state == (DONE if kept else FORGOTTEN)
    assert dead.state == (TOMBSTONE if kept else FORGOTTEN)
    looked = table.find("甲", "r1", soon())
    assert looked is not None
    assert looked.state == (DONE if kept else FORGOTTEN)
    assert table.begin(row("new"), soon()) is None


def test_too_old_is_remembered_after_a_restart(
    open_table: Callable[[], Requests], clock: Clock
) -> None:
    table = open_table()
    table.begin(row(), soon())
    clock.set("2026-12-01 10:00")
    table.begin(row("new"), soon())
    table.close()
    again = open_table()
    found = again.forbid(row(), soon())
    assert found is not None
    assert found.state == FORGOTTEN
    assert again.begin(row(token="乙"), soon()) is None


def test_a_clock_set_back_forgets_nothing(open_table: Callable[[], Requests], clock: Clock) -> None:
    table = open_table()
    table.begin(row(), soon())
    clock.set("2020-01-02 10:00")
    found = table.begin(row(), soon())
    assert found is not None
    assert found.state == PASSED_ON


def test_an_unreadable_calendar_keeps_two_weeks(
    open_table: Callable[[], Requests],
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = open_table()
    table.begin(row(), soon())
    monkeypatch.setenv(calendar.PATH_VARIABLE, str(tmp_path / "没有这个文件.json"))
    calendar.reload()
    try:
        clock.set("2026-12-03 10:00")
        found = table.begin(row(), soon())
        assert found is not None
        assert found.state == PASSED_ON
        clock.set("2026-12-05 10:00")
        found = table.begin(row(), soon())
        assert found is not None
        assert found.state == FORGOTTEN
    finally:
        monkeypatch.undo()
        calendar.reload()


# ---- 写不下去


def fill(table: Requests, pages: int) -> None:
    """盘满：SQLite 自己的上限，报的是同一个错。"""
    assert table._opened is not None
    table._opened[0].execute(f"PRAGMA max_page_count={pages}")


def test_a_full_disk_refuses_new_requests_and_remembers_answers(
    open_table: Callable[[], Requests], logged: list[str]
) -> None:
    table = open_table()
    table.begin(row(), soon())
    fill(table, 1)
    with pytest.raises(JournalError, match="写不进去"):
        table.begin(row("r2", answer=b"x" * 10_000), soon())
    big = b'{"result":"' + b"y" * 10_000 + b'"}'
    table.finish(row(), DONE, big)
    assert any("暂时只在内存里" in line for line in logged)
    with pytest.raises(JournalError):
        table.begin(row("r3", answer=b"x" * 10_000), soon())
    found = table.find("甲", "r1", soon())
    assert found is not None
    assert (found.state, found.answer) == (DONE, big)
    assert "r1" not in [each.request for each in table.unknown(soon())]
    fill(table, 100_000)
    table.begin(row("r4"), soon())  # 腾出了地方：先补上
    table.close()
    found = open_table().find("甲", "r1", soon())
    assert found is not None
    assert found.answer == big


def test_another_program_holding_the_file_is_waited_for_until_the_deadline(
    open_table: Callable[[], Requests],
) -> None:
    table = open_table()
    table.begin(row(), soon())
    with closing(sqlite3.connect(table.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="locked"):
            table.begin(row("r2"), time.monotonic() + 0.2)
        assert table.find("甲", "r1", time.monotonic() + 0.2) is not None
        other.execute("ROLLBACK")
    assert table.begin(row("r2"), soon()) is None


@pytest.mark.parametrize("what", ["垃圾", "截断", "别的文件", "新版本"])
def test_a_broken_file_refuses_and_says_what_to_do(
    open_table: Callable[[], Requests], what: str
) -> None:
    table = open_table()
    for n in range(300):
        table.begin(row(f"r{n}", answer=b"x" * 100), soon())
    table.close()
    if what == "垃圾":
        table.path.write_bytes(b"\0garbage" * 1000)
    elif what == "截断":
        data = table.path.read_bytes()
        table.path.write_bytes(data[: len(data) // 2])
    else:
        with closing(sqlite3.connect(table.path)) as db:
            change = "application_id=7" if what == "别的文件" else "user_version=99"
            db.execute(f"PRAGMA {change}")
    broken = open_table()
    with pytest.raises(JournalError, match=r"移走|升级"):
        broken.begin(row("new"), soon())


def test_a_file_moved_away_is_noticed(open_table: Callable[[], Requests]) -> None:
    if os.name == "nt":
        pytest.skip("Windows 上打开着的文件移不走")
    table = open_table()
    table.begin(row(), soon())
    table.path.rename(table.path.with_suffix(".bak"))
    with pytest.raises(JournalError, match="什么都没有发出"):
        table.begin(row("r2"), soon())


def test_a_closed_table_refuses(open_table: Callable[[], Requests]) -> None:
    table = open_table()
    table.begin(row(), soon())
    table.close()
    table.close()
    with pytest.raises(JournalError, match="已经关闭"):
        table.begin(row("r2"), soon())


def test_the_file_is_private(open_table: Callable[[], Requests]) -> None:
    if os.name == "nt":
        pytest.skip("Windows 上用户目录本来就只有本人能看")
    table = open_table()
    table.begin(row(), soon())
    for path in table.path.parent.iterdir():
        if path.suffix != ".lock":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(table.path.parent.stat().st_mode) == 0o700


def test_transfers_wait_for_the_disk(
    open_table: Callable[[], Requests], monkeypatch: pytest.MonkeyPatch
) -> None:
    """转账的行要落了盘才算：那一步是 FULL，之后又是 NORMAL。"""
    told: list[str] = []
    real = requests.connect

    def traced(path: Any) -> sqlite3.Connection:
        db = real(path)
        db.set_trace_callback(told.append)
        return db

    monkeypatch.setattr(requests, "connect", traced)
    table = open_table()
    table.begin(row(), soon())
    assert not any("synchronous=FULL" in each for each in told)
    table.begin(row("r2"), soon(), durable=True)
    full = next(n for n, each in enumerate(told) if "synchronous=FULL" in each)
    assert told[full + 1].startswith("INSERT")
    assert "synchronous=NORMAL" in told[full + 2]
