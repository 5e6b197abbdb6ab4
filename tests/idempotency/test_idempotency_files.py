"""委托记录的文件出了事：被移走、坏了、占着、关到一半被打断。账号照样能用，绝不重复下单。"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, ROOT, SimProcess

import easytrader
from easytrader.basics import tags
from easytrader.errors import JournalError, OutcomeUnknownError
from easytrader.idempotency.records import Records
from easytrader.records import journal as journals
from easytrader.records import lease
from easytrader.records.lease import FileOwner
from easytrader.records.memory import MemoryStorage
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

posix = pytest.mark.skipif(os.name == "nt", reason="Windows 上打开着的文件移不走")

RACER = """
import sys
import easytrader
from easytrader.errors import EasytraderError
from loguru import logger
logger.remove()
path, account, count = sys.argv[1:]
user = easytrader.use("miniqmt")
user.connect(path, account, timeout=8)
print(user.buy("600036", 33.0, 100, client_order_id="先前")["entrust_no"], flush=True)
sys.stdin.readline()
for n in range(int(count)):
    try:
        print(user.buy("600036", 33.0, 100, client_order_id=f"id {n}")["entrust_no"], flush=True)
    except EasytraderError as exc:
        print(type(exc).__name__, exc, flush=True)
user.close()
"""


def racer(folder: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RACER, str(folder), ACCOUNT, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)},
    )


def records_of(sim_folder: Path) -> Path:
    return sim_folder / "easytrader_records" / ACCOUNT


def buy(user: Any, name: str, **changes: Any) -> Any:
    return user.buy("600036", 33.0, 100, client_order_id=name, **changes)


def move(folder: Path) -> None:
    away = folder.with_name("away")
    away.mkdir()
    for each in folder.glob("orders.sqlite*"):
        each.rename(away / each.name)


def delete(folder: Path) -> None:
    for each in folder.glob("orders.sqlite*"):
        each.unlink()


def delete_beside(folder: Path) -> None:
    for each in folder.glob("orders.sqlite-*"):
        each.unlink()


def put_back_a_copy(folder: Path) -> None:
    copy = folder / "orders.copy"
    shutil.copyfile(folder / "orders.sqlite", copy)
    delete(folder)
    copy.rename(folder / "orders.sqlite")


def move_the_folder(folder: Path) -> None:
    folder.rename(folder.with_name("away"))


@posix
@pytest.mark.parametrize("harm", [move, delete, delete_beside, put_back_a_copy, move_the_folder])
def test_a_record_moved_while_open_never_doubles_an_order(
    served: SimProcess, connect: Callable[..., Any], harm: Callable[[Path], None]
) -> None:
    """两个程序各写各的文件，谁也看不见谁：拿着旧文件的那一个不许再发。"""
    old = racer(served.folder, 30)
    assert old.stdout is not None
    old.stdout.readline()
    harm(records_of(served.folder))
    new = racer(served.folder, 30)
    assert new.stdout is not None
    new.stdout.readline()
    for each in (old, new):
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    told, _ = old.communicate(timeout=60)
    new.communicate(timeout=60)
    session = connect()._session
    sent = Counter(tags.split(each.order_remark)[0] for each in session.orders())
    assert set(sent.values()) == {1}, "一个 id 两笔委托"
    refused = told.splitlines()
    assert len(refused) == 30
    assert all(line.startswith("JournalError") for line in refused)
    assert all("orders.sqlite" in line and "关掉每一个" in line for line in refused)


@posix
def test_put_back_where_it_was_it_works_again(sim_folder: Path, user: Any) -> None:
    buy(user, "一")
    folder = records_of(sim_folder)
    move(folder)
    with pytest.raises(JournalError, match="什么都没有发出"):
        buy(user, "二")
    assert user.buy("600036", 33.0, 100)["entrust_no"] > 0  # 不给 id 的不受影响
    away = folder.with_name("away")
    for each in away.iterdir():
        each.rename(folder / each.name)
    assert buy(user, "二")["entrust_no"] > 0
    assert len(user.today_entrusts) == 3


def header_byte(path: Path) -> None:
    _poke(path, 3, 0xFF)


def schema_byte(path: Path) -> None:
    """建表语句里的一个字节：不再是 UTF-8。"""
    _poke(path, path.read_bytes().index(b"CREATE TABLE") + 3, 0xFF)


def schema_word(path: Path) -> None:
    _poke(path, path.read_bytes().index(b"client_order_id"), ord("x"))


def state_of_a_row(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE intents SET state = 'plaxed', owner = x'00ff'")
    db.close()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def not_a_database(path: Path) -> None:
    path.write_bytes("不是数据库".encode() * 1000)


def another_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def not_readable(path: Path) -> None:
    path.chmod(0)


def _poke(path: Path, at: int, value: int) -> None:
    body = bytearray(path.read_bytes())
    body[at] = value
    path.write_bytes(body)


DAMAGES = [
    *(header_byte, schema_byte, schema_word, state_of_a_row, truncated, not_a_database),
    *(another_database, a_folder, not_readable),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_with_a_damaged_record_only_ids_are_refused(
    sim_folder: Path,
    connect: Callable[..., Any],
    served: SimProcess,
    damage: Callable[[Path], None],
    logged: list[str],
) -> None:
    if damage is not_readable and (os.name == "nt" or os.geteuid() == 0):
        pytest.skip("这个用户什么都读得了")
    first = connect()
    number = buy(first, "一")["entrust_no"]
    first.close()
    path = records_of(sim_folder) / "orders.sqlite"
    damage(path)
    user = connect()
    if damage is not state_of_a_row:
        assert any("WARNING" in line and "orders.sqlite" in line for line in logged)
    assert user.cancel_entrust(number)["success"]
    assert user.buy("600036", 33.0, 100)["entrust_no"] > 0
    with pytest.raises(JournalError) as caught:
        buy(user, "一")
    assert str(path) in str(caught.value)
    assert damage in (a_folder, not_readable) or "先关掉每一个" in str(caught.value)
    assert len(user.today_entrusts) == 2


def test_a_record_another_thread_holds_is_waited_for_only_to_the_deadline(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """磁盘卡住了一个线程，别的线程不能跟着无限期地等。"""
    buy(user, "一")
    journal = user._ordering.once._records.open()[0]
    stuck, free = threading.Event(), threading.Event()

    def hold(db: Any) -> None:
        stuck.set()
        free.wait(30)

    holder = threading.Thread(target=lambda: journal._do("", time.monotonic() + 30, hold))
    holder.start()
    stuck.wait(30)
    try:
        session = user._session
        with session.until(time.monotonic() + 0.5), pytest.raises(JournalError, match="占着"):
            buy(user, "二")
        assert holder.is_alive()
    finally:
        free.set()
        holder.join(30)
    assert buy(user, "二")["entrust_no"] > 0


class Blow:
    """本线程到这一步就来一次 Ctrl-C，只来一次。"""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, when: str) -> None:
        original, me = getattr(owner, name), threading.get_ident()
        self.left = 1

        def struck(*args: Any, **kwargs: Any) -> Any:
            mine = threading.get_ident() == me
            if self.left and mine and when == "before":
                self.left = 0
                raise KeyboardInterrupt
            found = original(*args, **kwargs)
            if self.left and mine:
                self.left = 0
                raise KeyboardInterrupt
            return found

        monkeypatch.setattr(owner, name, struck)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("owner", "name"),
    [(Records, "close"), (journals.Journal, "close"), (FileOwner, "close"), (Records, "tell")],
)
def test_a_second_close_finishes_an_interrupted_one(
    served: SimProcess,
    connect: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    when: str,
) -> None:
    """关到一半被打断：身份不放开，别的程序永远以为它还在发。"""
    monkeypatch.setattr(lease, "_YOUNG_S", 0.0)
    user = connect()
    buy(user, "一")
    intents, mine = user._ordering.once._records.open()
    row = intents.find("一", time.monotonic() + 1)
    sending = row._replace(client_order_id="二", tag=tags.tag_for(ACCOUNT, "二"))
    assert intents.begin(sending, time.monotonic() + 1) is None  # 正在发的一笔
    Blow(monkeypatch, owner, name, when)
    with pytest.raises(KeyboardInterrupt):
        user.close()
    user.close()
    assert not mine.path.exists()
    again = connect()
    assert buy(again, "二")["entrust_no"] > 0
    assert len(again.today_entrusts) == 2


STEPS = [
    ("easytrader.idempotency.submit", "Once", "_claim"),
    ("easytrader.idempotency.records", "Records", "open"),
    ("easytrader.records.journal", "Journal", "begin"),
    ("easytrader.idempotency.submit", "Once", "_leave"),
    ("easytrader.orders.router", "Router", "_start_order"),
    ("easytrader.orders.router", "Router", "_depart"),
    ("easytrader.orders.receipt", "Receipt", "value"),
    ("easytrader.miniqmt.session", "QmtSession", "submit"),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("module", "owner", "name"), STEPS)
def test_an_interrupted_first_buy_blocks_no_other_thread(
    user: Any, monkeypatch: pytest.MonkeyPatch, module: str, owner: str, name: str, when: str
) -> None:
    """Ctrl-C 落在第一次下单的两步之间：别的线程、别的 trader 用这个 id 照样有结果，只有一笔。"""
    Blow(monkeypatch, getattr(sys.modules[module], owner), name, when)
    with pytest.raises(KeyboardInterrupt):
        buy(user, "一")
    numbers: list[int] = []

    def go(trader: Any) -> None:
        numbers.append(buy(trader, "一")["entrust_no"])

    other = easytrader.use("sim")
    other.connect(user.status["path"], ACCOUNT, timeout=5)
    for trader in (other, user):
        thread = threading.Thread(target=go, args=(trader,))
        thread.start()
        thread.join(30)
    other.close()
    assert len(set(numbers)) == 1
    assert len(numbers) == 2
    assert [row["order_id"] for row in user.today_entrusts] == [numbers[0]]


def test_a_lock_left_by_an_interrupt_is_not_held_for_ever(user: Any) -> None:
    """拿到锁的那一刻被打断：别的线程照样拿得到。"""
    buy(user, "一")
    journal = user._ordering.once._records.open()[0]

    def interrupted(db: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal._do("", time.monotonic() + 1, interrupted)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(buy(user, "二")))
    thread.start()
    thread.join(30)
    assert found[0]["entrust_no"] > 0


def test_other_storages_will_do(
    served: SimProcess, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """记在别处（这里是内存）：恰好一次与核对照旧，一个文件也不建。"""
    shared = MemoryStorage()
    monkeypatch.setattr("easytrader.brokers.sim._storage_of", lambda key: shared)
    here, there = connect(timeout=2), connect(timeout=2)
    number = buy(here, "一")["entrust_no"]
    assert buy(there, "一")["entrust_no"] == number
    Faults(served.folder).drop_answer("submit")
    with pytest.raises(OutcomeUnknownError):
        buy(here, "二")
    Faults(served.folder).clear()
    found = there.find_entrust("二")
    assert buy(here, "二")["entrust_no"] == buy(there, "二")["entrust_no"] == found["order_id"]
    assert len(here.today_entrusts) == 2
    assert not records_of(served.folder).exists()


@posix
def test_records_are_private(sim_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = os.umask(0o022)
    try:
        user = easytrader.use("sim", guard=True)
        user.connect(str(sim_folder), ACCOUNT, timeout=5)
        buy(user, "一")
        folder = records_of(sim_folder)
        found = {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}
        kept = {n: m for n, m in found.items() if n.partition(".")[2].startswith("sqlite")}
        kept.pop("orders.sqlite.lock")  # 空的
        assert set(kept.values()) == {0o600}
        assert len(kept) == 6
        assert (
            stat.S_IMODE(folder.stat().st_mode)
            == stat.S_IMODE((folder / "owners").stat().st_mode)
            == 0o700
        )
        user.close()
    finally:
        os.umask(old)


@posix
def test_records_of_an_earlier_version_become_private(sim_folder: Path, user: Any) -> None:
    buy(user, "一")
    user.close()
    folder = records_of(sim_folder)
    folder.chmod(0o755)
    (folder / "orders.sqlite").chmod(0o644)
    again = easytrader.use("sim")
    again.connect(str(sim_folder), ACCOUNT, timeout=5)
    buy(again, "二")
    again.close()
    assert stat.S_IMODE((folder / "orders.sqlite").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
