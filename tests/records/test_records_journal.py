"""SQLite 里的委托意向：还没落盘的也算数，移走了不许占住，坏了的打开时就说。"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from support import eventually

from easytrader.errors import JournalError
from easytrader.records import journal as module
from easytrader.records import storage as marks
from easytrader.records.journal import Journal
from easytrader.records.lease import FileOwner
from easytrader.records.sqlite import SqliteStorage
from easytrader.records.storage import Intent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

posix = pytest.mark.skipif(os.name == "nt", reason="Windows 上打开着的文件移不走")


def soon() -> float:
    return time.monotonic() + 10


def wish(name: str = "一", **changes: Any) -> Intent:
    made = Intent(name, "abcdefghi", "600036.SH", 23, 11, 33.0, 100, "我")
    return made._replace(**changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "账号" / "orders.sqlite"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[[], Journal]]:
    made: list[Journal] = []

    def open_() -> Journal:
        made.append(Journal(path, soon()))
        return made[-1]

    yield open_
    for each in made:
        each.close()


@pytest.fixture
def slow_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """结果先不落盘。"""
    monkeypatch.setattr(module, "_BATCH_S", 60.0)


def state(journal: Journal, name: str = "一") -> str:
    found = journal.find(name, soon())
    return "" if found is None else found.state


def on_disk(path: Path) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(path)
    try:
        return db.execute("SELECT state, order_id, attempt FROM intents").fetchall()
    finally:
        db.close()


@pytest.mark.usefixtures("slow_batches")
class TestNotYetOnDisk:
    def test_outcomes_count_at_once(self, opened: Callable[[], Journal], path: Path) -> None:
        journal = opened()
        journal.begin(wish(), soon())
        journal.settle(wish(), marks.PLACED, 7)
        assert on_disk(path) == [("sending", 0, 1)]
        again = journal.begin(wish(), soon())
        assert again is not None
        assert (again.state, again.order_id) == (marks.PLACED, 7)
        assert journal.unsettled(soon()) == []
        journal.close()
        assert on_disk(path) == [("placed", 7, 1)]

    def test_a_reopened_one_is_being_sent_again(
        self, opened: Callable[[], Journal], path: Path
    ) -> None:
        journal = opened()
        journal.begin(wish(), soon())
        journal.settle(wish(), marks.ABSENT)
        found = journal.begin(wish(), soon())
        assert found is not None
        assert journal.reopen(found, wish(), soon())
        assert state(journal) == marks.SENDING
        assert on_disk(path) == [("sending", 0, 2)]

    def test_unclear_does_not_cover_clear(self, opened: Callable[[], Journal]) -> None:
        journal = opened()
        journal.begin(wish(), soon())
        journal.settle(wish(), marks.PLACED, 7)
        journal.settle(wish(), marks.UNKNOWN)
        assert state(journal) == marks.PLACED


def test_an_outcome_that_comes_while_one_is_written_is_written_too(
    opened: Callable[[], Journal], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened()
    journal.begin(wish(), soon())
    real, left = module._transaction, [1]

    @contextmanager
    def transaction(db: sqlite3.Connection) -> Iterator[None]:
        with real(db):
            yield
        if left:
            left.pop()
            journal.settle(wish(), marks.PLACED, 7)

    monkeypatch.setattr(module, "_transaction", transaction)
    journal.settle(wish(), marks.UNKNOWN)
    eventually(lambda: on_disk(path) == [("placed", 7, 1)])


def test_on_disk_an_outcome_is_final(opened: Callable[[], Journal], path: Path) -> None:
    journal = opened()
    journal.begin(wish(), soon())
    journal.settle(wish(), marks.PLACED, 7)
    eventually(lambda: not journal._fresh)
    journal.settle(wish(), marks.UNSENT)
    eventually(lambda: not journal._fresh)
    assert on_disk(path) == [("placed", 7, 1)]


def test_a_locked_file_is_tried_again(
    opened: Callable[[], Journal], path: Path, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr(module, "_FLUSH_S", 0.05)
    monkeypatch.setattr(module, "_AGAIN_S", 0.01)
    journal = opened()
    journal.begin(wish(), soon())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal.settle(wish(), marks.PLACED, 7)
    eventually(lambda: any("稍后再试" in line for line in logged))
    with pytest.raises(JournalError, match="locked"):
        journal.begin(wish("二"), time.monotonic() + 0.05)
    other.execute("ROLLBACK")
    other.close()
    eventually(lambda: on_disk(path) == [("placed", 7, 1)])


def test_a_file_in_use_is_waited_for(opened: Callable[[], Journal], path: Path) -> None:
    journal = opened()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    freeing = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    freeing.start()
    assert journal.begin(wish(), soon()) is None
    freeing.join(30)
    other.close()


class TestOwnersFolder:
    def test_old_locks_of_the_dead_are_swept_those_of_the_living_stay(self, tmp_path: Path) -> None:
        living = FileOwner(tmp_path)
        dead, young = (living.path.with_name(f"{name}.lock") for name in ("dead", "young"))
        long_ago = time.time() - 2 * 86400
        for each in (living.path, dead, young):
            each.touch()
            os.utime(each, (long_ago, long_ago))
        young.touch()
        other = FileOwner(tmp_path)
        assert {each.name for each in living.path.parent.iterdir()} >= {
            living.path.name,
            young.name,
            other.path.name,
        }
        assert not dead.exists()
        living.close()
        other.close()
        assert not living.path.exists()


def test_a_transaction_left_open_by_an_interrupt_is_rolled_back(
    opened: Callable[[], Journal],
) -> None:
    journal, other = opened(), opened()
    journal.db.execute("BEGIN IMMEDIATE")
    assert journal.begin(wish(), soon()) is None
    assert other.begin(wish("二"), soon()) is None


def test_the_newest_rows_are_kept(
    opened: Callable[[], Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened()
    for number in range(8):
        journal.begin(wish(f"id {number}"), soon())
        if number:
            journal.settle(wish(f"id {number}"), marks.PLACED, number)
    journal.close()
    monkeypatch.setattr(module, "_KEEP_ROWS", 4)
    again = opened()
    left = [number for number in range(8) if again.find(f"id {number}", soon()) is not None]
    assert left[0] == 0, "结果还不知道的不丢"
    assert 3 <= len(left) <= 6
    assert left[-1] == 7


@posix
class TestMoved:
    def test_nothing_is_claimed(self, opened: Callable[[], Journal], path: Path) -> None:
        journal = opened()
        journal.begin(wish(), soon())
        journal.settle(wish(), marks.ABSENT)
        found = journal.find("一", soon())
        assert found is not None
        for each in path.parent.glob("orders.sqlite*"):
            each.unlink()
        with pytest.raises(JournalError, match="关掉每一个") as caught:
            journal.begin(wish("二"), soon())
        assert str(path) in str(caught.value)
        with pytest.raises(JournalError, match="什么都没有发出"):
            journal.reopen(found, wish(), soon())

    def test_closing_the_old_one_leaves_the_new_one_alone(
        self, opened: Callable[[], Journal], path: Path
    ) -> None:
        old = opened()
        old.begin(wish(), soon())
        wal = path.with_name("orders.sqlite-wal")
        wal.unlink()
        wal.write_bytes("别的程序的".encode())
        old.close()
        assert wal.read_bytes() == "别的程序的".encode()

    def test_the_lock_of_its_owner_is_watched(self, path: Path) -> None:
        journal, owner = SqliteStorage(path.parent).open(soon())
        owner.path.unlink()
        with pytest.raises(JournalError, match=r"owners.*\.lock"):
            journal.begin(wish(), soon())
        journal.close()
        owner.close()

    def test_private(self, opened: Callable[[], Journal], path: Path) -> None:
        mask = os.umask(0)
        try:
            opened().begin(wish(), soon())
        finally:
            os.umask(mask)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        for end in ("", "-wal", "-shm"):
            beside = path.with_name(path.name + end)
            assert stat.S_IMODE(beside.stat().st_mode) == 0o600


def poke(path: Path, at: int) -> None:
    body = bytearray(path.read_bytes())
    body[at] = 0xFF
    path.write_bytes(body)


def foreign(path: Path) -> None:
    path.unlink()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE theirs (x)")
    db.commit()
    db.close()


def newer(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 9")
    db.close()


def statement(path: Path, sql: str) -> None:
    db = sqlite3.connect(path)
    db.execute(sql)
    db.commit()
    db.close()


class TestDamage:
    @pytest.mark.parametrize(
        ("harm", "said"),
        [
            (lambda path: poke(path, 3), "打不开"),
            (lambda path: poke(path, path.read_bytes().index(b"CREATE TABLE") + 3), "打不开"),
            (lambda path: poke(path, path.read_bytes().index(b"client_order_id")), "打不开"),
            (lambda path: path.write_bytes(path.read_bytes()[:5000]), "检查没有通过"),
            (lambda path: path.write_bytes(b"\0not a database" * 900), "打不开"),
            (foreign, "不是 easytrader 的"),
            (newer, "请升级"),
        ],
    )
    def test_it_is_said_when_opening(
        self, opened: Callable[[], Journal], path: Path, harm: Callable[[Path], None], said: str
    ) -> None:
        journal = opened()
        journal.begin(wish(), soon())
        journal.close()
        harm(path)
        before = path.read_bytes()
        with pytest.raises(JournalError, match=said) as caught:
            opened()
        assert str(path) in str(caught.value)
        assert harm is newer or "先关掉每一个" in str(caught.value)
        assert path.read_bytes()[100:] == before[100:], "不认得的文件，不去改它"

    @pytest.mark.parametrize(
        "change",
        [
            "state = 'plaxed'",
            "owner = x'ff'",
            "tag = x'ff'",
            "created = 'x'",
            "attempt = 'x'",
            "order_id = x'00'",
            "price = 'x'",
        ],
    )
    def test_a_row_that_makes_no_sense(
        self, opened: Callable[[], Journal], path: Path, change: str
    ) -> None:
        journal = opened()
        journal.begin(wish(), soon())
        journal.begin(wish("二"), soon())
        journal.close()
        statement(path, f"UPDATE intents SET {change} WHERE client_order_id = '一'")
        again = opened()
        with pytest.raises(JournalError, match="读不懂"):
            again.begin(wish(), soon())
        assert again.begin(wish("二"), soon()) is not None
        assert again.begin(wish("三"), soon()) is None

    def test_a_text_that_is_not_text(self, opened: Callable[[], Journal], path: Path) -> None:
        journal = opened()
        journal.begin(wish(), soon())
        journal.close()
        statement(path, "UPDATE intents SET owner = CAST(x'ff' AS TEXT)")
        again = opened()
        with pytest.raises(JournalError, match="先关掉每一个"):
            again.find("一", soon())

    def test_a_folder_in_its_place(self, opened: Callable[[], Journal], path: Path) -> None:
        path.mkdir(parents=True)
        with pytest.raises(JournalError, match=r"orders\.sqlite"):
            opened()

    def test_a_file_where_the_folder_should_be(
        self, opened: Callable[[], Journal], path: Path
    ) -> None:
        path.parent.write_text("")
        with pytest.raises(JournalError, match=r"orders\.sqlite"):
            opened()
        assert not SqliteStorage(path.parent).has_intents()


def test_ctrl_c_while_it_opens_leaves_no_thread(
    path: Path, opened: Callable[[], Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    start, begun = threading.Thread.start, []

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        begun.append(thread)
        raise KeyboardInterrupt  # 等它起来的时候

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Journal(path, soon())
    eventually(lambda: not begun[0].is_alive())
    assert opened().begin(wish(), soon()) is None


@posix
def test_what_another_program_could_not_send_is_not_waited_for(
    opened: Callable[[], Journal], path: Path
) -> None:
    """移走之后：一个程序记下了、没有发；另一个也马上说文件被移走了，不当它正在发。"""
    mine, theirs = opened(), opened()
    assert mine.begin(wish("下好的"), soon()) is None
    mine.settle(wish("下好的"), marks.PLACED, 7)
    os.rename(path, f"{path}.old")  # noqa: PTH104
    for each in (mine, theirs):
        with pytest.raises(JournalError, match="移走"):
            each.begin(wish(), soon())
    found = mine.begin(wish("下好的"), soon())
    assert found is not None
    assert found.order_id == 7
