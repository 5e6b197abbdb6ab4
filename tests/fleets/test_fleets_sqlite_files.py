"""SQLite 的存法自己的：几个进程一个文件、主人死了看得出、重新开机、文件不见了、磁盘满、版本。"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING, Any

import pytest
from fleets.store_worlds import (
    SqliteWorld,
    asking,
    claimed,
    event,
    held,
    leased,
    outcome,
    question,
    soon,
)
from support import ROOT, eventually, freeze

from easytrader.basics import boot_clock
from easytrader.errors import UsageError
from easytrader.fleets import sqlite
from easytrader.fleets.words import (
    ALARMS,
    QUEUED,
    SEND_BY_S,
    TTL_S,
    UNSENT,
    StoreDownError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHILD = """
import sys, time
sys.path[:0] = [{root!r}, {tests!r}]
from fleets.store_worlds import *
store = SqliteStore(sys.argv[1])
def say(word):
    print(word, flush=True)
{body}
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SqliteWorld]:
    folder = tmp_path / "交易 机"
    folder.mkdir()
    found = SqliteWorld(folder)
    yield found
    found.close()


def _child(world: SqliteWorld, body: str) -> subprocess.Popen[str]:
    code = _CHILD.format(root=str(ROOT), tests=str(ROOT / "tests"), body=textwrap.dedent(body))
    return subprocess.Popen(
        [sys.executable, "-c", code, str(world.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip


def _line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def _end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate(timeout=30)


def test_a_killed_owner_is_known_at_once_a_paused_one_is_not(world: SqliteWorld) -> None:
    body = """
        leased(store, owner="孩子", box="box1", takeover="auto")
        say("有了")
        sys.stdin.read()
    """
    child = _child(world, body)
    try:
        assert _line(child) == "有了"
        store = world.open()
        frozen = freeze(child.pid)
        held(store, owner="别的", box="box2", takeover="auto")
        frozen.kill()
        frozen.resume()
        child.wait(30)
        eventually(lambda: asking(store, owner="别的", box="box2", takeover="auto").account == "A")
        row = store.accounts(soon())[0]
        assert (row.box, row.epoch) == ("box2", 2)
    finally:
        _end(child)


def test_a_hint_comes_from_another_process(world: SqliteWorld) -> None:
    child = _child(
        world,
        """
        store.greet(soon())
        say("等着")
        while not store.wait("题目", 1.0):
            pass
        say("醒了")
        """,
    )
    try:
        store = world.open()
        assert _line(child) == "等着"
        store.hint(["别的"])
        store.hint(["题目"])
        assert _line(child) == "醒了"
    finally:
        _end(child)


def test_a_hint_of_another_topic_wakes_nobody(world: SqliteWorld) -> None:
    store, other = world.open(), world.open()
    store.greet(soon())
    other.hint(["别的"])
    assert not store.wait("题目", 0.1)
    assert store.wait("别的", 10)


def test_who_closed_without_a_word_keeps_the_lease(world: SqliteWorld) -> None:
    """关掉了存储不等于进程没有了：正在发的也许还在发。"""
    store, other = world.open(), world.open()
    leased(store, takeover="auto")
    store.close()
    held(other, owner="别的", box="box2", takeover="auto")
    world.advance(TTL_S + 1)
    leased(other, owner="别的", box="box2", takeover="auto")


def test_a_dead_owner_does_not_change_whose_turn_it_is(world: SqliteWorld) -> None:
    store, other = world.open(), world.open()
    leased(store, takeover="manual")
    world.kill(store)
    held(other, owner="别的", box="box2", takeover="auto")
    assert leased(other, owner="别的", box="box1").settle_after_s == 0


def test_opened_by_many_at_once(world: SqliteWorld) -> None:
    stores = [world.open() for _ in range(6)]
    told: list[Any] = []
    start = threading.Barrier(len(stores))

    def greet(store: Any) -> None:
        start.wait()
        told.append(store.greet(soon(20)))

    threads = [threading.Thread(target=greet, args=(each,)) for each in stores]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len({each.identity for each in told}) == 1
    assert len(told) == 6


@pytest.mark.parametrize("named", [True, False])
def test_after_a_reboot_everything_older_is_over(
    world: SqliteWorld, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    names = iter(["第一次", "第二次"]) if named else iter(["", ""])
    monkeypatch.setattr(boot_clock, "boot_name", lambda: next(names))
    store = world.open()
    leased(store, takeover="auto")
    wish = world.wish(valid_s=86000.0)
    store.post(wish, soon())
    number, _ = store.ask(question(left_s=80000.0), soon())
    store.close()
    world.ahead_s -= boot_clock.now() - 3.0  # 钟从头走，刚过了几秒
    again = world.open()
    lease = leased(again, owner="别的", box="box2", takeover="auto")
    assert lease.settle_after_s <= SEND_BY_S
    assert again.questions([lease], 9, soon()) == []
    again.reply({number: "{}"}, soon())
    assert claimed(again, [lease]) == []
    assert again.find("A", wish.command_id, soon()).state == UNSENT


def test_not_every_start_is_a_reboot(world: SqliteWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot_clock, "boot_name", lambda: "")
    store = world.open()
    lease = leased(store)
    store.post(world.wish(), soon())
    store.close()
    again = world.open()
    assert again.renew([lease], soon()).kept == {"A"}
    assert claimed(again, [lease])


def test_the_wall_clock_changes_nothing(world: SqliteWorld) -> None:
    store, other = world.open(), world.open()
    lease = leased(store, takeover="auto")
    store.post(world.wish(valid_s=2.0), soon())
    for ahead_s in (600.0, -600.0, 86400.0 * 30):
        world.wall_ahead_s = ahead_s
        held(other, owner="别的", box="box2", takeover="auto")
        assert store.accounts(soon())[0].alive
        assert store.commands(soon())[0].state == QUEUED
    assert len(claimed(store, [lease])) == 1


def test_old_events_are_let_go_and_the_reader_sees_it(tmp_path: Path) -> None:
    world = SqliteWorld(tmp_path, keep_events=10)
    store = world.open()
    lease = leased(store)
    for n in range(1, 31):
        store.settle([lease], [], [event(n)], soon())
    found = store.read("A", 5, 3, soon())
    assert [each.number for each in found] == [21, 22, 23]
    row = store.accounts(soon())[0]
    assert (row.first_no, row.last_no) == (21, 30)
    world.close()


def test_a_moved_file_is_told_and_nothing_counts(world: SqliteWorld) -> None:
    store = world.open()
    lease = leased(store)
    away = world.path.with_name("搬走的.sqlite")
    world.path.rename(away)
    for ask in (
        lambda: store.post(world.wish(), soon(0.2)),
        lambda: store.claim([lease], 9, soon(0.2)),
        lambda: store.settle([lease], [], [event(1)], soon(0.2)),
    ):
        with pytest.raises(StoreDownError, match="移走"):
            ask()
    away.rename(world.path)
    assert store.renew([lease], soon()).kept == {"A"}


def test_a_full_disk_is_told_and_gets_over(world: SqliteWorld) -> None:
    store = world.open()
    lease = leased(store)
    store.post(world.wish(), soon())
    (command,) = claimed(store, [lease])
    db = store._db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    big = [event(n, data="x" * 5000) for n in range(1, 20)]
    with pytest.raises(StoreDownError, match="full"):
        store.settle([lease], [outcome(command)], big, soon(0.3))
    assert store.find("A", command.command_id, soon()).state == "sending"
    assert store.bump("A", soon()) == 0
    db.execute("PRAGMA max_page_count = 1000000")
    assert store.settle([lease], [outcome(command)], big, soon()) == {"A": 19}


def test_what_must_be_on_disk_is(world: SqliteWorld) -> None:
    store = world.open()
    lease = leased(store)
    said: list[str] = []
    store._db.set_trace_callback(said.append)

    def mode(work: Any) -> str:
        said.clear()
        work()
        before = said[: next(n for n, each in enumerate(said) if each.startswith("BEGIN IMM"))]
        return next(each for each in reversed(before) if "synchronous" in each).split()[-1]

    assert mode(lambda: store.post(world.wish(), soon())) == "FULL"
    assert mode(lambda: store.claim([lease], 9, soon())) == "FULL"
    assert mode(lambda: store.settle([lease], [], [event(1)], soon())) == "FULL"
    assert mode(lambda: store.withdraw("A", "没有", soon())) == "FULL"
    assert mode(lambda: asking(store)) == "FULL"
    assert mode(lambda: store.set_switch("fleet", True, soon())) == "FULL"
    assert mode(lambda: store.take_over("A", "box1", soon())) == "FULL"
    assert mode(lambda: store.renew([lease], soon())) == "NORMAL"


def test_the_indexes_are_used(world: SqliteWorld) -> None:
    store = world.open()
    lease = leased(store)
    plans: list[str] = []
    store._db.set_trace_callback(plans.append)
    store.claim([lease], 9, soon())
    store.alarms(soon())
    store.accounts(soon())
    store.left_over(lease, soon())
    store.renew([lease], soon())
    asked = [each for each in plans if "FROM command" in each or "FROM event" in each]
    assert len(asked) >= 4
    for each in asked:
        rows = store._db.execute(f"EXPLAIN QUERY PLAN {each}").fetchall()
        told = [row[3] for row in rows if "command" in row[3] or "event" in row[3]]
        assert told
        assert all("INDEX" in one or "PRIMARY KEY" in one for one in told), (each, told)
    assert sqlite._ALARMS.count(",") == len(ALARMS) - 1


def test_somebody_elses_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "机 队.sqlite"
    world = SqliteWorld(tmp_path)
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE theirs (x)")
    db.close()
    for content, told in (
        (path.read_bytes(), "不是一队账号的存储"),
        (b"root:x:0" * 99, "不是 SQLite"),
    ):
        path.write_bytes(content)
        path.chmod(0o644)
        with pytest.raises(UsageError, match=told):
            world.open().greet(soon())
        assert path.read_bytes() == content
        if os.name != "nt":
            assert stat.S_IMODE(path.stat().st_mode) == 0o644
    world.close()


def test_a_newer_file_is_refused(world: SqliteWorld) -> None:
    world.open().greet(soon())
    db = sqlite3.connect(world.path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(UsageError, match="升级"):
        world.open().greet(soon())


def test_the_file_is_mine_alone_and_so_is_the_folder_it_makes(tmp_path: Path) -> None:
    world = SqliteWorld(tmp_path / "新 建" / "两层")
    greeting = world.open().greet(soon())
    assert greeting.kind.startswith("SQLite 3")
    assert set(greeting.roles) == {"agent", "strategy", "operator", "audit"}
    if os.name != "nt":
        assert stat.S_IMODE(world.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(world.path.parent.stat().st_mode) == 0o700
    world.close()


def test_a_restored_file_is_another_timeline(world: SqliteWorld) -> None:
    first = world.open()
    lease = leased(first)
    first.settle([lease], [], [event(1)], soon())
    told = first.greet(soon())
    first.close()
    copy = world.path.with_name("备份")
    shutil.copy(world.path, copy)
    copy.replace(world.path)
    again = world.open().greet(soon())
    assert again.identity == told.identity
    assert again.timeline != told.timeline


def test_the_audit_is_only_added_to(world: SqliteWorld) -> None:
    leased(world.open())
    db = sqlite3.connect(world.path)
    for sql in ("UPDATE audit SET login = 'x'", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="只能添"):
            db.execute(sql)
    db.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="要 fork")
def test_a_forked_child_may_not_use_it(world: SqliteWorld) -> None:
    child = _child(
        world,
        """
        import os
        lease = leased(store)
        if not os.fork():
            from easytrader.fleets.words import StoreDownError
            told = []
            for ask in (lambda: store.greet(soon()), lambda: store.wait("t", 0), lambda:
                        asking(store, owner="x")):
                try:
                    ask()
                except StoreDownError as exc:
                    told.append("fork" in str(exc))
            store.close()
            say(told)
            os._exit(0)
        os.wait()
        say(store.renew([lease], soon()).kept)
        store.close()
        """,
    )
    try:
        assert _line(child) == "[True, True, True]"
        assert _line(child) == "frozenset({'A'})"
    finally:
        _end(child)
