"""存储协议的规矩：占住是原子的，结果只改得动自己的，主人的死活说得清。"""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.errors import JournalError
from easytrader.records import dayfile, lease, memory
from easytrader.records import storage as marks
from easytrader.records.sqlite import SqliteStorage
from easytrader.records.storage import (
    Counted,
    Counters,
    DayFull,
    Events,
    Intent,
    Intents,
    Kept,
    Owner,
    SecondFull,
    Storage,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Opened = tuple[Intents, Owner]


def soon() -> float:
    return time.monotonic() + 10


def wish(name: str, owner: Owner, **changes: Any) -> Intent:
    made = Intent(name, f"标记{name}", "600036.SH", 23, 11, 33.0, 100, owner.name)
    return made._replace(**changes)


class TestIntents:
    def test_first_come_first_served(self, opened: Opened) -> None:
        intents, owner = opened
        assert intents.begin(wish("一", owner), soon()) is None
        found = intents.begin(wish("一", owner, volume=200), soon())
        assert found is not None
        assert (found.state, found.volume, found.attempt) == (marks.SENDING, 100, 1)
        assert found.created == pytest.approx(time.time(), abs=60)

    def test_many_threads_and_programs_claim_one_id_once(
        self, another: Callable[[], Storage]
    ) -> None:
        programs = [another().open(soon()) for _ in range(4)]
        gate = threading.Barrier(16)

        def go(number: int) -> list[bool]:
            intents, owner = programs[number % 4]
            gate.wait()
            return [intents.begin(wish(f"{n}", owner), soon()) is None for n in range(30)]

        with ThreadPoolExecutor(16, thread_name_prefix="racer") as pool:
            won = list(pool.map(go, range(16)))
        assert [sum(column) for column in zip(*won, strict=True)] == [1] * 30
        for intents, owner in programs:
            intents.close()
            owner.close()

    @pytest.mark.parametrize("state", sorted(marks.STATES - {marks.SENDING}))
    def test_outcomes_are_told_to_everyone(
        self, opened: Opened, another: Callable[[], Storage], state: str
    ) -> None:
        intents, owner = opened
        intents.begin(wish("一", owner), soon())
        intents.settle(wish("一", owner), state, 7 if state == marks.PLACED else 0)
        mine = intents.find("一", soon())
        assert mine is not None
        assert mine.state == state
        intents.close()
        other, theirs = another().open(soon())
        found = other.find("一", soon())
        assert found is not None
        assert (found.state, found.order_id) == (state, 7 if state == marks.PLACED else 0)
        assert [each.client_order_id for each in other.unsettled(soon())] == (
            ["一"] if state in marks.OPEN else []
        )
        other.close()
        theirs.close()

    def test_a_tag_finds_it_too(self, opened: Opened) -> None:
        intents, owner = opened
        intents.begin(wish("一", owner, tag="ABCDEFGHI"), soon())
        assert intents.find("ABCDEFGHI", soon()) == intents.find("一", soon())
        assert intents.find("ABCDEFGHJ", soon()) is None

    def test_an_outcome_is_final(self, opened: Opened, another: Callable[[], Storage]) -> None:
        intents, owner = opened
        intents.begin(wish("一", owner), soon())
        intents.settle(wish("一", owner), marks.PLACED, 7)
        intents.settle(wish("一", owner), marks.UNKNOWN)
        intents.close()
        other, theirs = another().open(soon())
        found = other.find("一", soon())
        assert found is not None
        assert (found.state, found.order_id) == (marks.PLACED, 7)
        other.close()
        theirs.close()

    def test_an_unknown_becomes_known(self, opened: Opened) -> None:
        intents, owner = opened
        intents.begin(wish("一", owner), soon())
        for state in (marks.UNKNOWN, marks.PLACED):
            intents.settle(wish("一", owner), state, 7)
            found = intents.find("一", soon())
            assert found is not None
            assert found.state == state

    def test_only_its_owner_and_its_attempt_can_settle(
        self, opened: Opened, another: Callable[[], Storage]
    ) -> None:
        intents, owner = opened
        other, theirs = another().open(soon())
        intents.begin(wish("一", owner), soon())
        other.settle(wish("一", theirs), marks.UNSENT)
        other.settle(wish("一", owner, attempt=2), marks.UNSENT)
        other.close()
        theirs.close()
        third, owner_of_third = another().open(soon())
        found = third.find("一", soon())
        assert found is not None
        assert (found.state, found.owner) == (marks.SENDING, owner.name)
        third.close()
        owner_of_third.close()

    def test_a_free_id_is_reopened_by_one(
        self, opened: Opened, another: Callable[[], Storage]
    ) -> None:
        intents, owner = opened
        intents.begin(wish("一", owner), soon())
        intents.settle(wish("一", owner), marks.ABSENT)
        found = intents.begin(wish("一", owner), soon())
        assert found is not None
        other, theirs = another().open(soon())
        assert intents.reopen(found, wish("一", owner, price=34.0), soon())
        assert not intents.reopen(found, wish("一", owner), soon())
        assert not other.reopen(found, wish("一", theirs), soon())
        again = other.find("一", soon())
        assert again is not None
        assert (again.state, again.attempt, again.price) == (marks.SENDING, 2, 34.0)
        intents.settle(wish("一", owner, attempt=1), marks.PLACED, 5)  # 上一次的，晚了
        other.close()
        theirs.close()

    def test_a_settled_outcome_between_find_and_reopen_wins(self, opened: Opened) -> None:
        intents, owner = opened
        intents.begin(wish("一", owner), soon())
        intents.settle(wish("一", owner), marks.UNSENT)
        found = intents.find("一", soon())
        assert found is not None
        assert intents.reopen(found, wish("一", owner), soon())
        intents.settle(wish("一", owner, attempt=2), marks.PLACED, 9)
        now = intents.find("一", soon())
        assert now is not None
        assert not intents.reopen(now._replace(state=marks.UNSENT), wish("一", owner), soon())
        assert (now.state, now.order_id, now.attempt) == (marks.PLACED, 9, 2)

    def test_unsettled_in_order_and_placed_since(self, opened: Opened) -> None:
        intents, owner = opened
        before = time.time() - 1
        assert intents.placed_since(before, soon()) == 0
        for name in "甲乙丙":
            intents.begin(wish(name, owner), soon())
        intents.settle(wish("乙", owner), marks.PLACED, 3)
        assert [each.client_order_id for each in intents.unsettled(soon())] == ["甲", "丙"]
        intents.close()

    def test_placed_since(self, opened: Opened, another: Callable[[], Storage]) -> None:
        intents, owner = opened
        before = time.time() - 1
        intents.begin(wish("甲", owner), soon())
        intents.settle(wish("甲", owner), marks.PLACED, 3)
        intents.close()
        other, theirs = another().open(soon())
        assert other.placed_since(before, soon()) == 3
        assert other.placed_since(time.time() + 60, soon()) == 0
        other.close()
        theirs.close()

    def test_nothing_is_made_before_it_is_opened(self, another: Callable[[], Storage]) -> None:
        storage = another()
        assert not storage.has_intents()
        intents, owner = storage.open(soon())
        intents.begin(wish("一", owner), soon())
        assert another().has_intents()
        intents.close()
        owner.close()
        intents.close()
        owner.close()


class TestOwners:
    def test_alive_until_closed(
        self,
        opened: Opened,
        another: Callable[[], Storage],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(lease, "_YOUNG_S", 0.0)
        owner = opened[1]
        intents, theirs = another().open(soon())
        assert owner.name != theirs.name
        assert owner.is_alive(owner.name)
        assert owner.is_alive(theirs.name)
        assert theirs.is_alive(owner.name)
        theirs.close()
        theirs.close()
        assert not owner.is_alive(theirs.name)
        assert not owner.is_alive("从来没有过")
        intents.close()

    def test_whom_we_cannot_look_at_is_taken_for_alive(
        self, opened: Opened, another: Callable[[], Storage], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner, (intents, theirs) = opened[1], another().open(soon())
        if isinstance(owner, lease.FileOwner):

            def broken(*args: Any, **how: Any) -> None:
                raise PermissionError("看不了")

            with monkeypatch.context() as patch:
                patch.setattr(lease.FileLock, "acquire", broken)
                assert owner.is_alive(theirs.name)
        intents.close()
        theirs.close()
        if isinstance(theirs, lease.FileOwner):
            assert not theirs._lock.is_locked

    def test_who_just_acted_is_taken_for_alive(self, opened: Opened) -> None:
        """锁文件可能还没来得及看见。"""
        owner = opened[1]
        if isinstance(owner, lease.FileOwner):
            assert owner.is_alive("没见过", time.time())
            assert not owner.is_alive("没见过", time.time() - 60)


class Wall:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def counters(storage: Storage, wall: Wall) -> Any:
    made = storage.counters(wall)
    yield made
    made.close()


class TestCounters:
    def test_day_and_second(self, counters: Counters, wall: Wall) -> None:
        day = int((wall.now + 8 * 3600) // 86400)
        assert counters.read(soon()) == Counted(day, 0, 0)
        assert counters.add(2, 3, soon()) == Counted(day, 1, 1)
        assert counters.add(2, 3, soon()) == Counted(day, 2, 2)
        full = counters.add(2, 3, soon())
        assert isinstance(full, SecondFull)
        assert 0 < full.wait_s <= 1.1
        wall.now += full.wait_s + 0.01
        assert counters.add(2, 3, soon()) == Counted(day, 3, counters.read(soon()).second)
        wall.now += 2
        assert counters.add(2, 3, soon()) == DayFull(3)
        assert counters.read(soon()) == Counted(day, 3, 0)
        wall.now += 86400
        assert counters.add(2, 3, soon()) == Counted(day + 1, 1, 1)

    def test_seed_only_raises(self, counters: Counters) -> None:
        counters.seed(5, soon())
        counters.seed(3, soon())
        assert counters.read(soon()).today == 5

    def test_the_last_slot_is_taken_once(self, another: Callable[[], Storage], wall: Wall) -> None:
        shared = [another().counters(wall) for _ in range(4)]
        locks = [threading.Lock() for _ in shared]

        def go(number: int) -> int:
            with locks[number % 4]:
                return sum(
                    isinstance(shared[number % 4].add(None, 50, soon()), Counted) for _ in range(20)
                )

        with ThreadPoolExecutor(8, thread_name_prefix="racer") as pool:
            assert sum(pool.map(go, range(8))) == 50
        for each in shared:
            each.close()


class TestEvents:
    def test_numbers_only_grow_and_old_ones_go(
        self, storage: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(memory, "EARLY", 3)
        events: Events = storage.events()
        numbers = [events.append("order", float(n), {"n": n}, soon()) for n in range(5)]
        assert numbers == [1, 2, 3, 4, 5]
        assert events.read(0, 0, soon()) == []
        kept = events.read(0, 2, soon())
        assert [(each.number, each.at, each.row) for each in kept] == [
            (3, 2.0, {"n": 2}), (4, 3.0, {"n": 3}),
        ]  # fmt: skip
        assert [each.number for each in events.read(4, 10, soon())] == [5]
        assert events.read(5, 10, soon()) == []
        assert events.append("trade", 9.0, {}, soon()) == 6
        assert [each.kind for each in events.read(5, 1, soon())] == ["trade"]

    def test_everyone_who_opens_them_gets_their_own(self, another: Callable[[], Storage]) -> None:
        one, two = another().events(), another().events()
        one.append("trade", 1.0, {}, soon())
        assert two.read(0, 1, soon()) == []


class TestBetween:
    def test_sent_in_that_span(self, opened: Opened) -> None:
        intents, owner = opened
        began = time.time()
        for name in ("一", "二"):
            intents.begin(wish(name, owner), soon())
        intents.settle(wish("二", owner), marks.PLACED, 7)
        found = intents.between(began - 1, time.time() + 1, soon())
        assert [(each.client_order_id, each.state, each.order_id) for each in found] == [
            ("一", marks.SENDING, 0),
            ("二", marks.PLACED, 7),
        ]
        assert found[1].created == pytest.approx(began, abs=60)
        assert intents.between(0, began - 1, soon()) == []
        [only] = intents.between(found[1].created, found[1].created + 60, soon())
        assert only.client_order_id == "二"
        assert intents.between(0, found[0].created, soon()) == []


def kept(key: str, rank: str = "1", day: str = "2026-11-30", at: float = 1.0, **data: Any) -> Kept:
    return Kept(day, "order", key, rank, at, data)


class TestDays:
    def test_the_newer_stays(self, another: Callable[[], Storage]) -> None:
        one, two = another().days(), another().days()
        one.put([kept("甲", "2", note="成"), kept("乙", "2", note="旧")], soon())
        two.put([kept("甲", "1", note="报"), kept("乙", "2", note="新")], soon())
        for days in (one, two):
            found = days.read("2026-11-30", "2026-11-30", soon())
            assert {each.key: each.data["note"] for each in found} == {"甲": "成", "乙": "新"}
            days.close()

    def test_days_and_order(self, storage: Storage) -> None:
        days = storage.days()
        days.put([kept("三", at=3.0), kept("一", day="2026-11-27"), kept("二", at=2.0)], soon())
        assert [each.key for each in days.read("2026-11-27", "2026-11-30", soon())] == [
            "一", "二", "三",
        ]  # fmt: skip
        assert [each.key for each in days.read("2026-11-28", "2026-12-01", soon())] == ["二", "三"]
        assert days.read("2026-12-01", "2026-12-31", soon()) == []
        days.close()

    def test_values_come_back(self, storage: Storage) -> None:
        days = storage.days()
        data = {"price": Decimal("0.10"), "id": "007", "text": "半个\ud800代理", "none": None}
        days.put([kept("甲", **data)], soon())
        days.close()
        [found] = days.read("2026-11-30", "2026-11-30", soon())
        assert found.data == data
        assert isinstance(found.data["price"], Decimal)
        days.close()


class TestDayFile:
    def test_nothing_is_made_by_reading(self, tmp_path: Path) -> None:
        days = SqliteStorage(tmp_path / "没有").days()
        assert days.read("2026-01-01", "2026-12-31", soon()) == []
        assert not (tmp_path / "没有").exists()

    def test_only_the_recent_rows_are_kept(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dayfile, "KEEP_ROWS", 4)
        days = SqliteStorage(tmp_path).days()
        for day in ("2026-11-26", "2026-11-27", "2026-11-30"):
            days.put([kept("甲", day=day), kept("乙", day=day)], soon())
        days.close()
        found = days.read("2026-01-01", "2026-12-31", soon())  # 打开时丢掉最早的整天
        assert [each.day for each in found] == ["2026-11-27"] * 2 + ["2026-11-30"] * 2
        days.close()

    def test_a_foreign_or_newer_file(self, tmp_path: Path) -> None:
        path = tmp_path / "days.sqlite"
        for pragma, told in (("application_id = 7", "不是"), ("user_version = 99", "较新的版本")):
            path.unlink(missing_ok=True)
            with closing(sqlite3.connect(path)) as db:
                db.execute(f"PRAGMA {pragma}")
            days = SqliteStorage(tmp_path).days()
            with pytest.raises(JournalError, match=told):
                days.put([kept("甲")], soon())
            days.close()

    def test_a_broken_file(self, tmp_path: Path) -> None:
        (tmp_path / "days.sqlite").write_bytes(b"x" * 5000)
        days = SqliteStorage(tmp_path).days()
        with pytest.raises(JournalError, match="写不进去"):
            days.put([kept("甲")], soon())
        with pytest.raises(JournalError, match="读不出来"):
            days.read("2026-01-01", "2026-12-31", soon())

    def test_moved_away_while_open(self, tmp_path: Path) -> None:
        days = SqliteStorage(tmp_path / "记录").days()
        days.put([kept("甲")], soon())
        (tmp_path / "记录").rename(tmp_path / "旧的")
        days.put([kept("乙")], soon())
        assert [each.key for each in days.read("2026-01-01", "2026-12-31", soon())] == ["乙"]
        days.close()

    def test_too_much_for_the_deadline(self, tmp_path: Path) -> None:
        days = SqliteStorage(tmp_path).days()
        days.put([kept(str(number)) for number in range(2000)], soon())
        with pytest.raises(JournalError, match="期限内没有读完"):
            days.read("2026-01-01", "2026-12-31", time.monotonic() - 1)
        days.close()
