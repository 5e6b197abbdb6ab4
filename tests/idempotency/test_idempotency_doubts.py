"""对账：看到才算有，同一个活着的会话上隔着缓存看满两次都没有才算没有，列表不全的那一眼不算。"""

from __future__ import annotations

import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.basics.log import Log
from easytrader.errors import NotConnectedError, QueryFailedError
from easytrader.idempotency import reconcile as module
from easytrader.idempotency.reconcile import Doubts, OtherDayError, Verdict
from easytrader.idempotency.records import Records
from easytrader.records import memory
from easytrader.records import storage as marks
from easytrader.records.memory import MemoryStorage
from easytrader.records.storage import Intent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LAG_S = 3.0
TAG = "abcdefghi"
OTHER = "123456789"
UNCLEAR = Verdict(None)
ABSENT = Verdict(None, absent=True)


class Clock:
    """单调时钟与墙上的时钟；睡就是往前走。"""

    def __init__(self) -> None:
        self.now = 1000.0
        self.offset = 1_800_072_000.0 - 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now + self.offset


def order(number: int, tag: str = "") -> Any:
    return SimpleNamespace(order_id=number, order_remark=f"~{tag}~备注" if tag else "")


class Session:
    """假的会话：查询答什么由测试定，记下每次是什么时候问的。"""

    cache_lag_s = LAG_S

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.held: list[Any] = []
        self.asked: list[float] = []
        self.sending: set[str] = set()
        self.before: Callable[[], object] = lambda: None

    def orders(self) -> list[Any]:
        self.asked.append(self.clock.now)
        self.before()
        return list(self.held)

    def still_sending(self, tag: str) -> bool:
        return tag in self.sending

    @contextmanager
    def until(self, deadline: float | None) -> Iterator[None]:
        yield


class World:
    """一个账号的对账，会话可以换。"""

    def __init__(self, clock: Clock, storage: MemoryStorage) -> None:
        self.clock = clock
        self.storage = storage
        self.session = Session(clock)
        self.records = Records(storage)
        self.records.wait = self._wait  # type: ignore[method-assign]
        self.doubts = Doubts(self.records, lambda: self.session, Log())  # type: ignore[arg-type,return-value]
        self.naps: list[float] = []

    def _wait(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.clock.now += max(seconds, 0.001)

    def reconnect(self) -> Session:
        old, self.session = self.session, Session(self.clock)
        self.session.held = old.held
        return self.session

    def intent(self, name: str = "一", tag: str = TAG, state: str = marks.UNKNOWN) -> Intent:
        """记下的一笔悬案。"""
        intents, owner = self.records.open()
        made = Intent(name, tag, "600036.SH", 23, 11, 33.0, 100, owner.name, created=0.0)
        assert intents.begin(made, 0.0) is None
        made = made._replace(created=self.clock.time())
        if state != marks.SENDING:
            intents.settle(made, state)
        return made

    def settle(
        self, tag: str = TAG, within_s: float = 60.0, intent: Intent | None = None
    ) -> Verdict:
        return self.doubts.settle(tag, intent, self.clock.now + within_s)

    def state(self, name: str = "一") -> str:
        found = self.records.open()[0].find(name, 0.0)
        assert found is not None
        return found.state


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    monkeypatch.setattr(memory, "time", made)
    return made


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock, MemoryStorage())


class TestTwoLooks:
    def test_absent_after_two_looks_a_cache_apart(self, world: World) -> None:
        intent = world.intent()
        world.doubts.add(TAG, intent)
        assert world.settle(intent=intent) == ABSENT
        first, second = world.session.asked
        assert second - first > LAG_S
        assert world.state() == marks.ABSENT
        assert len(world.doubts) == 0

    def test_one_look_is_not_enough(self, world: World) -> None:
        world.doubts.add(TAG, None)
        assert world.settle(within_s=LAG_S * 0.9) == UNCLEAR
        assert TAG in world.doubts

    def test_the_first_look_is_remembered_between_calls(self, world: World) -> None:
        world.doubts.add(TAG, None)
        world.settle(within_s=LAG_S * 0.9)
        world.clock.now += LAG_S
        before = len(world.session.asked)
        assert world.settle(within_s=0.5) == ABSENT
        assert len(world.session.asked) == before + 1

    def test_the_second_look_counts_from_the_end_of_the_first(self, world: World) -> None:
        """第一次查询答得慢：隔着的时间从它答完算起。"""
        world.doubts.add(TAG, None)
        world.session.before = lambda: setattr(world.clock, "now", world.clock.now + 2.0)
        assert world.settle() == ABSENT
        first, second = world.session.asked
        assert second - (first + 2.0) > LAG_S

    def test_between_calls_too(self, world: World) -> None:
        world.doubts.add(TAG, None)
        world.session.before = lambda: setattr(world.clock, "now", world.clock.now + 2.0)
        assert world.settle(within_s=0.5) == UNCLEAR  # 问了 2 秒才答完
        world.session.before = lambda: None
        world.clock.now += LAG_S - 1.0
        assert world.settle(within_s=0.5) == UNCLEAR

    def test_a_second_look_on_another_session_does_not_count(self, world: World) -> None:
        world.doubts.add(TAG, None)
        assert world.settle(within_s=0.5) == UNCLEAR
        world.clock.now += LAG_S * 2
        new = world.reconnect()
        assert world.settle(within_s=0.5) == UNCLEAR
        assert TAG in world.doubts
        world.clock.now += LAG_S
        assert world.settle(within_s=0.5) == ABSENT
        assert len(new.asked) == 2

    def test_seen_on_the_second_look_is_placed(self, world: World) -> None:
        """客户端的查询是缓存：第一眼没有，第二眼才有。"""
        intent = world.intent()
        world.doubts.add(TAG, intent)
        world.settle(within_s=0.5, intent=intent)
        world.clock.now += LAG_S
        world.session.held = [order(5, TAG)]
        assert world.settle(intent=intent).order is world.session.held[0]
        assert world.state() == marks.PLACED
        assert world.doubts.seen(TAG) == 5

    def test_while_it_is_being_sent_no_look_counts(self, world: World) -> None:
        world.doubts.add(TAG, None)
        world.session.sending.add(TAG)
        assert world.settle(within_s=LAG_S * 3) == UNCLEAR
        world.session.sending.clear()
        asked = len(world.session.asked)
        assert world.settle() == ABSENT
        assert len(world.session.asked) - asked == 2

    def test_a_push_in_between_settles_it(self, world: World) -> None:
        intent = world.intent()
        world.doubts.add(TAG, intent)
        world.settle(within_s=0.5, intent=intent)
        world.doubts.met(TAG, 8)
        assert world.state() == marks.PLACED
        world.clock.now += LAG_S
        assert world.settle(within_s=1.0, intent=intent) == UNCLEAR  # 列表里还没有，不等于没有
        world.doubts.met(OTHER, 9)
        world.session.held = [order(9)]  # 列表是全的，只是缓存里还没有它
        assert world.settle(within_s=LAG_S * 2, intent=intent) == UNCLEAR

    def test_a_push_before_the_doubt_settles_it_at_once(self, world: World) -> None:
        world.doubts.met(TAG, 8)
        intent = world.intent()
        world.doubts.add(TAG, intent)
        assert TAG not in world.doubts
        assert world.state() == marks.PLACED


class TestIncompleteLists:
    """今天见过的一笔不在列表里：列表不全，那一眼什么也不说明。"""

    def test_nothing_is_concluded(self, world: World) -> None:
        world.doubts.met(OTHER, 3)
        world.doubts.add(TAG, None)
        assert world.settle(within_s=LAG_S * 4) == UNCLEAR
        world.session.held = [order(99)]  # 有别的，没有见过的那一笔
        assert world.settle(within_s=LAG_S * 4) == UNCLEAR
        world.session.held = [order(3)]
        assert world.settle() == ABSENT

    def test_an_incomplete_look_between_two_starts_over(self, world: World) -> None:
        world.doubts.met(OTHER, 3)
        world.session.held = [order(3)]
        world.doubts.add(TAG, None)
        world.settle(within_s=0.5)
        world.clock.now += LAG_S
        world.session.held = []
        world.settle(within_s=0.01)
        world.session.held = [order(3)]
        assert world.settle(within_s=0.5) == UNCLEAR
        assert world.settle() == ABSENT

    def test_resync_on_an_incomplete_list_is_not_a_first_look(self, world: World) -> None:
        world.doubts.met(OTHER, 3)
        world.doubts.add(TAG, None)
        world.doubts.resync(world.session, [])  # type: ignore[arg-type]
        world.session.held = [order(3)]
        world.clock.now += LAG_S * 2
        assert world.settle(within_s=0.5) == UNCLEAR

    def test_resync_on_a_whole_list_is_a_first_look(self, world: World) -> None:
        world.doubts.met(OTHER, 3)
        world.doubts.add(TAG, None)
        world.doubts.resync(world.session, [order(3)])  # type: ignore[arg-type]
        world.session.held = [order(3)]
        world.clock.now += LAG_S * 2
        assert world.settle(within_s=0.5) == ABSENT

    def test_resync_of_an_older_session_is_replaced(self, world: World) -> None:
        world.doubts.add(TAG, None)
        world.doubts.resync(world.session, [])  # type: ignore[arg-type]
        world.reconnect()
        world.doubts.resync(world.session, [])  # type: ignore[arg-type]
        assert world.settle(within_s=0.5) == UNCLEAR
        world.clock.now += LAG_S
        assert world.settle(within_s=0.5) == ABSENT

    def test_yesterdays_order_need_not_be_listed(self, world: World) -> None:
        world.doubts.met(OTHER, 3)
        world.clock.offset += 86400
        world.doubts.add(TAG, None)
        assert world.settle() == ABSENT

    def test_an_order_placed_today_by_an_earlier_run_must_be_listed(self, world: World) -> None:
        intents = world.records.open()[0]
        world.intent("先前", OTHER, marks.SENDING)
        placed = intents.find("先前", 0.0)
        assert placed is not None
        intents.settle(placed, marks.PLACED, 44)
        world.intent()
        world.doubts.resync(world.session, [])  # type: ignore[arg-type]
        assert world.settle(within_s=LAG_S * 3) == UNCLEAR
        world.session.held = [order(44)]
        assert world.settle() == ABSENT

    def test_strangers_too(self, world: World) -> None:
        world.doubts.met(OTHER, 3)
        deadline = world.clock.now + LAG_S * 3
        assert world.doubts.settle_stranger((TAG,), deadline) == UNCLEAR
        world.session.held = [order(3)]
        deadline = world.clock.now + LAG_S * 3
        assert world.doubts.settle_stranger((TAG,), deadline) == ABSENT


class TestStrangers:
    def test_two_looks_on_one_session(self, world: World) -> None:
        wanted = (TAG, "另一个标记")
        assert world.doubts.settle_stranger(wanted, world.clock.now + 0.5) == UNCLEAR
        world.clock.now += LAG_S * 2
        world.reconnect()
        assert world.doubts.settle_stranger(wanted, world.clock.now + 0.5) == UNCLEAR
        world.clock.now += LAG_S
        assert world.doubts.settle_stranger(wanted, world.clock.now + 0.5) == ABSENT

    def test_any_of_the_tags_will_do(self, world: World) -> None:
        world.session.held = [order(5, TAG)]
        found = world.doubts.settle_stranger(("没有的标记", TAG), world.clock.now + 0.5)
        assert found.order is world.session.held[0]
        assert world.doubts.seen(TAG) == 5

    def test_seen_once_it_is_never_absent(self, world: World) -> None:
        world.doubts.met(TAG, 5)
        deadline = world.clock.now + LAG_S * 3
        world.session.held = [order(5)]
        assert world.doubts.settle_stranger((TAG,), deadline) == UNCLEAR


class TestOtherDays:
    def test_yesterdays_doubt_cannot_be_settled(self, world: World) -> None:
        world.doubts.add(TAG, None)
        world.clock.offset += 86400
        with pytest.raises(OtherDayError):
            world.settle()

    def test_finish_puts_it_aside_and_says_so(self, world: World, logged: list[str]) -> None:
        world.doubts.add(TAG, world.intent())
        world.clock.offset += 86400
        world.doubts.finish(world.clock.now + 60)
        assert len(world.doubts) == 0
        assert TAG in world.doubts.stale
        assert any("不是今天发的" in line for line in logged)
        assert world.state() == marks.UNKNOWN


class TestFinish:
    def test_all_at_once_with_two_queries(self, world: World) -> None:
        world.doubts.add(TAG, world.intent("甲", TAG))
        world.doubts.add(OTHER, world.intent("乙", OTHER))
        world.session.held = [order(6, OTHER)]
        world.doubts.finish(world.clock.now + 60)
        assert (world.state("甲"), world.state("乙")) == (marks.ABSENT, marks.PLACED)
        assert len(world.session.asked) == 2
        assert len(world.doubts) == 0

    def test_out_of_time_it_names_what_is_left(self, world: World, logged: list[str]) -> None:
        for number in range(7):
            world.doubts.add(f"标记 {number}", world.intent(f"id {number}", f"标记 {number}"))
        world.doubts.finish(world.clock.now + 1)
        told = next(line for line in logged if "没有核对清楚" in line)
        assert "7 笔" in told
        assert "id 4…" in told
        assert "id 5" not in told

    def test_a_failed_query_leaves_them_open(self, world: World, logged: list[str]) -> None:
        world.doubts.add(TAG, world.intent())

        def broken() -> None:
            raise QueryFailedError("断了")

        world.session.before = broken
        world.doubts.finish(world.clock.now + 60)
        assert TAG in world.doubts
        assert any("断了" in line for line in logged)

    def test_patient_callers_wait_for_the_connection(self, world: World) -> None:
        world.doubts.add(TAG, None)
        left = [3]

        def broken() -> None:
            if left[0]:
                left[0] -= 1
                raise NotConnectedError("断了")

        world.session.before = broken
        with pytest.raises(NotConnectedError):
            world.settle()
        deadline = world.clock.now + 60
        assert world.doubts.settle(TAG, None, deadline, patient=True) == ABSENT


class TestOrphans:
    """上一次运行留下的：主人还在发的不碰，主人不在的、说不清的接过来。"""

    def other(self, world: World) -> World:
        return World(world.clock, world.storage)

    def test_of_the_dead_are_adopted(self, world: World) -> None:
        world.intent(state=marks.SENDING)
        world.records.close()
        heir = self.other(world)
        heir.doubts.resync(heir.session, [])  # type: ignore[arg-type]
        assert TAG in heir.doubts
        heir.doubts.finish(heir.clock.now + 60)
        assert heir.state() == marks.ABSENT

    def test_of_the_living_are_left_alone(self, world: World) -> None:
        world.intent(state=marks.SENDING)
        heir = self.other(world)
        heir.doubts.resync(heir.session, [])  # type: ignore[arg-type]
        assert TAG not in heir.doubts

    def test_unknown_ones_are_anyones(self, world: World) -> None:
        world.intent()
        heir = self.other(world)
        heir.doubts.resync(heir.session, [order(9, "")])  # type: ignore[arg-type]
        assert TAG in heir.doubts

    def test_found_on_the_counter_they_are_placed(self, world: World) -> None:
        world.intent(state=marks.SENDING)
        world.records.close()
        heir = self.other(world)
        heir.doubts.resync(heir.session, [order(9, TAG)])  # type: ignore[arg-type]
        assert heir.state() == marks.PLACED
        assert TAG not in heir.doubts

    def test_nothing_recorded_nothing_opened(self, world: World) -> None:
        world.doubts.resync(world.session, [])  # type: ignore[arg-type]
        assert world.records._opened is None


def test_real_waiting_is_woken_by_an_outcome() -> None:
    """没有假时钟：等着的线程在结果到来时醒，不必等到期。"""
    import threading

    records = Records(MemoryStorage())
    woken = threading.Event()

    def wait() -> None:
        while not records._closed:
            records.wait(30)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    deadline = time.monotonic() + 10
    while not records._waiters and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    records.close()
    assert woken.wait(30)
    thread.join(30)
