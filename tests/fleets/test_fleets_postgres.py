"""PostgreSQL 自己的事：服务器死了、冻住了、重启，迟到的语句，落盘，锁的先后，提示断了再连。"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from fleets.pg_server import PgServer, binaries, missing  # noqa: E402
from support import eventually  # noqa: E402

from easytrader.basics import boot_clock  # noqa: E402
from easytrader.basics.threads import Aside  # noqa: E402
from easytrader.errors import UsageError  # noqa: E402
from easytrader.fleets.address import open_store  # noqa: E402
from easytrader.fleets.postgres import _Clock  # noqa: E402
from easytrader.fleets.words import (  # noqa: E402
    FencedError,
    Lease,
    NewEvent,
    Outcome,
    Question,
    StoreDownError,
    StoreUnknownError,
    Wish,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_S = 20.0


def soon(seconds: float = LONG_S) -> float:
    return time.monotonic() + seconds


def wish(command_id: str = "c1", request: str = "r1", **changed: Any) -> Wish:
    given = {"digest": "d", "valid_s": 60.0, "host": "H", **changed}
    return Wish("A", command_id, request, "buy", "order", '{"args":[],"kwargs":{}}', **given)


def own(store: Any, owner: str = "o1", previous: str = "") -> Lease:
    lease = store.acquire(
        "A", owner=owner, box="box", broker="sim", groups=["g"], takeover="auto",
        previous=previous, address="", deadline=soon(),
    )  # fmt: skip
    assert isinstance(lease, Lease), lease
    return lease


@pytest.fixture
def stores() -> Iterator[list[Any]]:
    """开过的，最后都关上。"""
    opened: list[Any] = []
    yield opened
    for each in opened:
        each.close()


@pytest.fixture
def store(pg_dsn: str, stores: list[Any]) -> Any:
    stores.append(open_store(pg_dsn))
    return stores[0]


@pytest.fixture(scope="module")
def mortal() -> Iterator[PgServer]:
    """一个杀得的；默认不落盘，写预写日志的进程睡得久：没有说要落盘的，一杀就没有了。"""
    if missing() or binaries() is None:
        pytest.skip(missing() or "现成的服务器杀不得")
    settings = {"synchronous_commit": "off", "wal_writer_delay": "10000"}
    with PgServer(settings=settings) as server:
        yield server


@pytest.fixture
def doomed(mortal: PgServer, stores: list[Any]) -> Any:
    stores.append(open_store(mortal.fresh()))
    return stores[0]


@contextmanager
def unfinished(dsn: str, sql: str, *given: object) -> Iterator[Any]:
    """一个做了而还没有提交的事务。"""
    with psycopg.connect(dsn) as other:
        other.execute(sql, given)
        yield other


def blocked(store: Any, call: Any) -> Aside[Any]:
    """在别的线程上做，等到它真的被锁挡住；等锁只等半秒，没有等到的再来。"""

    def again() -> Any:
        deadline = soon()
        while True:
            with suppress(StoreDownError):
                return call()
            assert time.monotonic() < deadline

    aside = Aside(again).start()
    sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    sql += " AND datname = current_database()"
    eventually(lambda: store._call(sql, (), soon(), writes=False)[0][0] > 0)
    return aside


# ---- 死了、冻住了、重启


def test_the_server_compiles_nothing_for_a_row_or_two(pg_dsn: str, store: Any) -> None:
    """发行版默认开着即时编译：没有分析过的表，领一次要编译几百毫秒。"""
    with psycopg.connect(pg_dsn, autocommit=True) as connection:
        name = connection.execute("SELECT current_database()").fetchone()
        connection.execute(f'ALTER DATABASE "{name[0]}" SET jit = on')  # type: ignore[index]
    with psycopg.connect(pg_dsn) as connection:
        assert connection.execute("SHOW jit").fetchone() == ("on",)
    assert store._call("SELECT current_setting('jit')", (), soon(), writes=False) == [("off",)]


def test_a_server_killed_in_mid_call_leaves_the_call_unknown_and_the_next_one_works(
    mortal: PgServer, doomed: Any
) -> None:
    own(doomed)
    doomed.post(wish(), soon())
    dsn = mortal.dsn(doomed._call("SELECT current_database()", (), soon())[0][0])
    held = psycopg.connect(dsn)
    held.execute("SELECT pg_advisory_xact_lock(71002, hashtext('r2'))")
    try:
        aside = blocked(doomed, lambda: doomed.post(wish("c2", "r2"), soon()))
        mortal.kill()
        with pytest.raises(StoreUnknownError):
            aside.result(LONG_S)
    finally:
        held.close()
        mortal.start()
    assert doomed.find("A", "c2", soon()) is None
    assert doomed.post(wish("c2", "r2"), soon()).fresh


def test_what_has_returned_survives_a_kill_whatever_the_default_is(
    mortal: PgServer, doomed: Any
) -> None:
    lease = own(doomed)
    doomed.post(wish(), soon())
    doomed.post(wish("c2", "r2"), soon())
    assert doomed.withdraw("A", "r3", soon()) is None
    (first, _) = doomed.claim([lease], 9, soon())
    doomed.settle([lease], [Outcome("A", first.command_id, 1, "placed", "", "7")],
                  [NewEvent("A", "trade", "{}", "s", 1)], soon())  # fmt: skip
    mortal.kill()
    mortal.start()
    assert [doomed.find("A", each, soon()).state for each in ("c1", "c2")] == ["placed", "sending"]
    assert doomed.bump("A", soon()) == 1
    with pytest.raises(StoreDownError):  # 作废的还是作废的
        doomed.post(wish("c3", "r3"), soon())


def test_a_clean_restart_costs_no_unknown(mortal: PgServer, doomed: Any) -> None:
    own(doomed)
    mortal.restart()
    assert doomed.post(wish(), soon()).fresh


def test_a_frozen_server_hangs_nobody_and_a_late_insert_is_not_recorded(
    mortal: PgServer, doomed: Any
) -> None:
    own(doomed)
    mortal.pause()
    try:
        began = time.monotonic()
        with pytest.raises(StoreUnknownError):
            doomed.post(wish(valid_s=0.3), soon(0.4))
        with pytest.raises(StoreDownError):  # 只读的没有「不知道」；新的连接也连不上
            doomed.bump("A", soon(0.3))
        assert time.monotonic() - began < LONG_S
    finally:
        mortal.resume()
    # 那一条语句还在路上，这时才执行
    mortal_says = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> "
    mortal_says += "pg_backend_pid() AND query LIKE '%%fleet.post%%'"
    eventually(lambda: doomed._call(mortal_says, (), soon(), writes=False)[0][0] == 0)
    assert doomed.find("A", "c1", soon()) is None
    assert doomed.post(wish(request="r2"), soon()).fresh


def test_a_port_that_never_answers_is_given_up_at_the_deadline() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        store = open_store(f"postgresql://x@127.0.0.1:{deaf.getsockname()[1]}/x")
        with pytest.raises(StoreDownError, match="连不上"):
            store.greet(soon(0.3))
        store.close()


def test_hints_come_back_after_a_restart(mortal: PgServer, doomed: Any) -> None:
    eventually(lambda: doomed.wait("box", 0.2))  # 开始听了
    mortal.restart()
    eventually(lambda: doomed.wait("box", 0.2))  # 断着的时候也许有人叫过

    def told() -> bool:
        doomed.hint(["box"])
        return bool(doomed.wait("box", 1.0))

    eventually(told)


# ---- 谁先谁后


def test_withdraw_waits_for_the_post_of_the_same_request(pg_dsn: str, store: Any) -> None:
    own(store)
    post = "SELECT fleet.post('A','c1','r1','buy','order','{}','d',%s,'','H','')"
    with unfinished(pg_dsn, post, time.time() + 600) as other:
        aside = blocked(store, lambda: store.withdraw("A", "r1", soon()))
        other.commit()
        assert aside.result(LONG_S).state == "unsent"


def test_going_to_sleep_waits_for_a_post_that_did_not_see_it(pg_dsn: str, store: Any) -> None:
    lease = own(store)
    post = "SELECT fleet.post('A','c1','r1','buy','order','{}','d',%s,'','H','')"
    with unfinished(pg_dsn, post, time.time() + 600) as other:
        aside = blocked(store, lambda: store.idle([lease], soon()))
        other.commit()
        assert aside.result(LONG_S), "记下了、没有人叫、代理却睡了"
    store.claim([lease], 9, soon())
    assert not store.idle([lease], soon())
    assert store.post(wish("c2", "r2"), soon()).box == "box"


def test_a_new_owner_waits_for_a_claim_and_inherits_it(pg_dsn: str, store: Any) -> None:
    lease = own(store)
    store.post(wish(), soon())
    claim = "SELECT fleet.claim(%s, %s, %s, 9, '{}')"
    with unfinished(pg_dsn, claim, ["A"], [lease.epoch], [lease.owner]) as other:
        aside = blocked(store, lambda: own(store, "o2", previous="o1"))
        other.commit()
        heir = aside.result(LONG_S)
    assert [each.state for each in store.left_over(heir, soon())] == ["unknown"]
    acquire = "SELECT fleet.acquire('A','o3','box','sim','{}','auto','o2','',1,10,7)"
    with unfinished(pg_dsn, acquire) as other:
        news = [NewEvent("A", "x", "{}", "s", 1)]
        aside = blocked(store, lambda: store.settle([heir], [], news, soon()))
        other.rollback()  # 没有接成：还是它的
        assert aside.result(LONG_S) == {"A": 1}
    with unfinished(pg_dsn, acquire) as other:
        aside = blocked(store, lambda: store.settle([heir], [], news, soon()))
        other.commit()
        with pytest.raises(FencedError):
            aside.result(LONG_S)


def test_event_numbers_wait_for_the_one_before_and_take_its_place(pg_dsn: str, store: Any) -> None:
    lease = own(store)
    settle = (
        "SELECT fleet.settle('{A}', ARRAY[%s], ARRAY[%s], '{}','{}','{}','{}','{}','{}','{}','{}',"
        " '{A}','{x}','{1}','{s}','{1}',ARRAY[''])"
    )
    with unfinished(pg_dsn, settle, lease.epoch, lease.owner) as other:
        news = [NewEvent("A", "y", "{}", "t", 1)]
        aside = blocked(store, lambda: store.settle([lease], [], news, soon()))
        other.rollback()
        assert aside.result(LONG_S) == {"A": 1}
    assert [(each.number, each.kind) for each in store.read("A", 0, 9, soon())] == [(1, "y")]


# ---- 快慢不看统计


def test_the_hot_path_reads_only_what_is_open(pg_dsn: str, store: Any) -> None:
    """一个账号两万条历史，没有统计过：领、续、睡、看账号都不去翻它。"""
    lease = own(store)
    store._call(
        "INSERT INTO fleet.command (account_id, command_id, request, verb, effect, arguments,"
        " digest, strategy, host, limits, login, may, state, epoch, valid_until)"
        " SELECT 'A', 'h' || i, 'h' || i, 'buy', 'order', '', 'd', '', '', '', '', '{}', 'placed',"
        " 1, now() FROM generate_series(1, 20000) i", (), soon(),
    )  # fmt: skip

    def rows_read() -> tuple[int, int]:
        store._call("SELECT pg_stat_force_next_flush()", (), soon())
        sql = "SELECT seq_scan, idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables"
        sql += " WHERE relname = 'command'"
        found: tuple[int, int] = store._call(sql, (), soon(), writes=False)[0]
        return found

    if store._call("SHOW server_version_num", (), soon())[0][0] < "150000":
        pytest.skip("统计是另一个进程收的，晚到")
    before = rows_read()
    for turn in range(8):
        store.post(wish(f"c{turn}", f"r{turn}"), soon())
        found = store.claim([lease], 9, soon())
        store.settle([lease], [Outcome("A", found[0].command_id, 1, "placed")], [], soon())
        store.renew([lease], soon())
        store.idle([lease], soon())
        store.accounts(soon(), ["A"])
        store.left_over(lease, soon())
    after = rows_read()
    assert after[0] == before[0], "扫了整张表"
    assert after[1] - before[1] < 8 * 40


# ---- 线


def test_more_threads_than_lines_all_get_through(store: Any) -> None:
    own(store)
    calls = [
        Aside(lambda n=n: store.post(wish(f"c{n}", f"r{n}"), soon())).start()  # type: ignore[misc]
        for n in range(40)
    ]
    assert {each.result(LONG_S).command.command_id for each in calls} == {
        f"c{n}" for n in range(40)
    }
    assert len(store._lines._idle) <= 12


def test_a_pooler_that_forgets_prepared_statements_is_noticed(store: Any) -> None:
    own(store)
    for _ in range(3):
        store.bump("A", soon())
    store._call(
        "DO 'BEGIN EXECUTE ''DEALLOCATE ALL''; END'", (), soon()
    )  # pgbouncer 换了一条后面的连接，就是这样
    assert store.bump("A", soon()) == 0
    assert not store._lines.prepares


def test_a_read_only_server_is_left(pg_dsn: str, store: Any) -> None:
    own(store)
    store._call("SET default_transaction_read_only = on", (), soon())
    with pytest.raises(StoreDownError):
        store.post(wish(), soon())
    assert store.post(wish(), soon()).fresh  # 那条连接扔掉了


def test_a_database_without_tables_says_what_to_do(pg_session: Any, stores: list[Any]) -> None:
    if missing():
        pytest.skip(missing())
    stores += [open_store(pg_session().empty()), open_store(pg_session().dsn("nowhere"))]
    with pytest.raises(UsageError, match="fleet init"):
        stores[0].greet(soon())
    with pytest.raises(UsageError, match="登录不了"):
        stores[1].greet(soon())


def test_an_answer_of_a_question_goes_to_who_asked(store: Any) -> None:
    lease = own(store)
    number, box = store.ask(Question(0, "A", "balance", "{}", "H", 30.0), soon())
    assert box == ""
    assert [each.number for each in store.questions([lease], 9, soon())] == [number]
    store.reply({number: "1", number + 1: "2"}, soon())
    assert store.replies([number, number + 1], soon()) == {number: "1"}
    assert store.replies([number], soon()) == {}


def test_closing_wakes_who_waits(pg_dsn: str) -> None:
    store = open_store(pg_dsn)
    waits = Aside(lambda: [store.wait("x", 600.0) for _ in range(3)]).start()
    eventually(lambda: bool(store._listener._topics))  # type: ignore[attr-defined]
    store.close()
    waits.result(LONG_S)
    with pytest.raises(StoreDownError):
        store.greet(soon())


# ---- 对钟


def test_the_clock_never_runs_ahead_and_follows_a_step() -> None:
    clock = _Clock()
    clock.take(100.0, 1000.5, 101.0)  # 差在 899.5 与 900.5 之间
    assert clock.at(101.0) == 1000.5
    clock.take(101.0, 1001.2, 101.4)
    assert 1001.19 < clock.at(101.4) <= 1001.2
    clock.take(102.0, 1002.0, 104.0)  # 慢的回答不让它变松
    assert 1003.79 < clock.at(104.0) <= 1003.8
    clock.take(104.0, 500.0, 104.1)  # 往回拨过
    assert clock.at(104.1) == 500.0


def test_deadlines_are_of_the_store_whatever_the_wall_says(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = own(store)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 600)
    store.post(wish(valid_s=30.0), soon())
    (found,) = store.claim([lease], 9, soon())
    assert 0 < found.left_s <= 30.0
    assert boot_clock.now() > 0


def test_threads_end_with_the_store(pg_dsn: str) -> None:
    store = open_store(pg_dsn)
    store.wait("x", 0.01)
    store.hint(["x"])
    store.close()
    eventually(lambda: not [
        each for each in threading.enumerate()
        if each.name in ("easytrader-fleet-hint", "easytrader-fleet-listen")
    ])  # fmt: skip
