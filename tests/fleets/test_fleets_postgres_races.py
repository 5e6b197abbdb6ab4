"""PostgreSQL：另一个事务做到一半的时候来的，只有一个结果。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from fleets.store_worlds import PostgresWorld, claimed, event, leased, outcome, soon
from support import eventually

from easytrader.fleets.words import FencedError, StoreDownError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def world(pg_database: str) -> Iterator[PostgresWorld]:
    found = PostgresWorld(pg_database)
    yield found
    found.close()


@pytest.fixture
def half(world: PostgresWorld) -> Iterator[Any]:
    """另一条连接，事务开着。"""
    with psycopg.connect(world.dsn) as connection:
        yield connection


def _later(world: PostgresWorld, work: Callable[[], Any]) -> Callable[[], Any]:
    """在别的线程上做；等到它卡在锁上（或已经做完），返回取结果的办法。"""
    told: list[Any] = []

    def run() -> None:
        try:
            told.append(work())
        except Exception as exc:
            told.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    eventually(lambda: told or world.select("SELECT 1 FROM pg_locks WHERE NOT granted"))

    def result() -> Any:
        thread.join(30)
        return told[0]

    return result


def test_a_post_waits_for_its_withdrawal(world: PostgresWorld, half: Any) -> None:
    store = world.open()
    leased(store)
    wish = world.wish()
    half.execute("SELECT * FROM fleet.withdraw('A', %s)", (wish.request,))
    result = _later(world, lambda: store.post(wish, soon(20)))
    half.commit()
    assert isinstance(result(), StoreDownError)
    assert store.find("A", wish.command_id, soon()) is None


def test_a_claim_waits_for_who_takes_over(world: PostgresWorld, half: Any) -> None:
    store = world.open()
    lease = leased(store, takeover="auto")
    store.post(world.wish(), soon())
    half.execute(
        "SELECT * FROM fleet.acquire('A', '新的', 'box1', 'sim', '{}', 'auto', %s, '', 1, 10, 7)",
        (lease.owner,),
    )
    result = _later(world, lambda: claimed(store, [lease]))
    half.commit()
    assert result() == []
    assert [each.state for each in store.commands(soon())] == ["queued"]


def test_a_settle_waits_for_who_takes_over(world: PostgresWorld, half: Any) -> None:
    store = world.open()
    lease = leased(store, takeover="auto")
    store.post(world.wish(), soon())
    (command,) = claimed(store, [lease])
    half.execute(
        "SELECT * FROM fleet.acquire('A', '新的', 'box1', 'sim', '{}', 'auto', %s, '', 1, 10, 7)",
        (lease.owner,),
    )
    result = _later(world, lambda: store.settle([lease], [outcome(command)], [event(1)], soon(20)))
    half.commit()
    assert isinstance(result(), FencedError)
    assert store.bump("A", soon()) == 0


def test_a_restart_in_the_quiet_time_of_the_one_before_still_waits(world: PostgresWorld) -> None:
    """强接过来、马上又重新启动：自己的上一任不在了，再上一任手里的还会发出去。"""
    store = world.open()
    leased(store, owner="甲", box="box1")
    store.take_over("A", "box2", soon(), force=True)
    took = leased(store, owner="乙", box="box2")
    again = leased(store, owner="丙", box="box2", previous="乙")
    assert took.settle_after_s > 5
    assert again.settle_after_s == pytest.approx(took.settle_after_s, abs=1)


def test_events_wait_for_the_number_before_them(world: PostgresWorld, half: Any) -> None:
    """号照提交的先后：前一个还没有提交，后一个不先露面。"""
    store = world.open()
    lease = leased(store)
    half.execute(
        "SELECT * FROM fleet.settle(%(a)s, %(e)s, %(o)s, '{}', '{}', '{}', '{}', '{}', '{}', '{}',"
        " '{}', %(a)s, '{order}', '{x}', '{另一份}', '{1}', '{\"\"}')",
        {"a": ["A"], "e": [lease.epoch], "o": [lease.owner]},
    )
    result = _later(world, lambda: store.settle([lease], [], [event(1)], soon(20)))
    assert store.read("A", 0, 9, soon()) == []
    half.commit()
    assert result() == {"A": 2}
    assert [each.number for each in store.read("A", 0, 9, soon())] == [1, 2]
