"""保留：分区建在前头，旧的月份存下来才去掉，命令过了期才忘，每天的摘要看得出谁改过。"""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fleets.pg_server import execute, missing

from easytrader.errors import QueryFailedError, UsageError
from easytrader.fleets import admin, upkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import psycopg

EVENT = (
    "INSERT INTO fleet.event"
    " (account_id, event_no, day, kind, data, command_id, spool, spool_no, at)"
    " VALUES (%s, %s, %s, 'order', %s, '', 's', %s, %s::date + interval '9 hours')"
)


@pytest.fixture(scope="module")
def database(pg_session: Callable[[], Any]) -> Iterator[str]:
    """这个文件自己的一个库；管理员的地址。"""
    told = missing()
    if told:
        pytest.skip(told)
    server = pg_session()
    dsn = server.fresh()
    yield dsn
    server.drop(dsn)


@pytest.fixture
def pg_dsn(database: str) -> str:
    """里面什么都没有，也没有测试自己建的月份。"""
    execute(database, "TRUNCATE fleet.event, fleet.command, fleet.tail, fleet.tombstone")
    return database


@pytest.fixture
def connection(pg_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with admin.opened(pg_dsn) as found:
        yield found


def today_of(dsn: str) -> date:
    found: date = execute(dsn, "SELECT fleet.today()")[0][0]
    return found


def months_ago(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 15)


def put(dsn: str, account: str, number: int, day: date, data: str = "{}") -> None:
    execute(dsn, EVENT, account, number, day, data, number, day)


def partitions(dsn: str) -> list[str]:
    return [
        name
        for (name,) in execute(
            dsn,
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'fleet.event'::regclass AND relname <> 'event_rest' ORDER BY 1",
        )
    ]


def test_next_months_are_ready_and_strays_move_into_their_month(
    pg_dsn: str, connection: psycopg.Connection[Any]
) -> None:
    today = today_of(pg_dsn)
    late, far = months_ago(today, 2), months_ago(today, -9)
    put(pg_dsn, "A", 1, late, '{"x": "早"}')
    put(pg_dsn, "A", 2, far)
    assert execute(pg_dsn, "SELECT count(*) FROM fleet.event_rest") == [(2,)]
    upkeep.maintain(connection, ahead=6)
    names = partitions(pg_dsn)
    for month in [late, far, *(months_ago(today, -n) for n in range(7))]:
        assert f"event_{month:%Y%m}" in names
    assert execute(pg_dsn, "SELECT count(*) FROM fleet.event_rest") == [(0,)]
    assert execute(pg_dsn, "SELECT data FROM fleet.event WHERE day = %s", late) == [
        ('{"x": "早"}',)
    ]
    secured = execute(pg_dsn, "SELECT bool_and(relforcerowsecurity) FROM pg_class"
                      " WHERE relkind = 'r' AND relname ~ '^event_[0-9]'")  # fmt: skip
    assert secured == [(True,)]
    upkeep.maintain(connection, ahead=6)
    assert partitions(pg_dsn) == names


def test_old_months_are_saved_before_they_go(
    pg_dsn: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    today = today_of(pg_dsn)
    old, kept = months_ago(today, upkeep.MONTHS + 1), months_ago(today, upkeep.MONTHS)
    execute(pg_dsn, "INSERT INTO fleet.tail (account_id, last_no) VALUES ('A', 3), ('乙', 1)")
    put(pg_dsn, "A", 1, old, '{"price": "1.10"}')
    put(pg_dsn, "A", 2, old)
    put(pg_dsn, "乙", 1, old)
    put(pg_dsn, "A", 3, kept)
    told: list[str] = []
    upkeep.maintain(connection, tell=told.append)
    assert any("--export" in each for each in told)
    assert execute(pg_dsn, "SELECT count(*) FROM fleet.event") == [(4,)]
    folder = tmp_path / "存 档"
    with pytest.raises(UsageError, match="没有这个文件夹"):
        upkeep.maintain(connection, export=folder)
    folder.mkdir()
    dry = upkeep.maintain(connection, export=folder, dry_run=True)
    assert (dry["dropped"], list(folder.iterdir())) == ([], [])
    report = upkeep.maintain(connection, export=folder)
    assert report["dropped"] == [f"{old:%Y%m}"]
    [file] = folder.iterdir()
    rows = parquet.read_table(file).to_pylist()
    assert [(r["account_id"], r["event_no"], r["data"]) for r in rows] == [
        ("A", 1, '{"price": "1.10"}'), ("A", 2, "{}"), ("乙", 1, "{}"),
    ]  # fmt: skip
    assert execute(pg_dsn, "SELECT account_id, first_no FROM fleet.tail ORDER BY 1") == [
        ("A", 3), ("乙", 2),
    ]  # fmt: skip
    assert execute(pg_dsn, "SELECT account_id, event_no FROM fleet.event") == [("A", 3)]
    assert upkeep.maintain(connection, export=folder)["dropped"] == []


def test_a_month_that_changed_while_it_was_saved_is_not_dropped(
    pg_dsn: str, connection: psycopg.Connection[Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    pytest.importorskip("pyarrow")
    old = months_ago(today_of(pg_dsn), upkeep.MONTHS + 2)
    put(pg_dsn, "A", 1, old)
    upkeep.maintain(connection)
    monkeypatch.setattr(upkeep, "_save", lambda *_: 0)
    with pytest.raises(QueryFailedError, match="没有去掉"):
        upkeep.maintain(connection, export=tmp_path)
    assert execute(pg_dsn, "SELECT count(*) FROM fleet.event") == [(1,)]


def test_an_id_is_remembered_for_the_promised_days(
    pg_dsn: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_BATCH", 2)
    insert = (
        "INSERT INTO fleet.command (account_id, command_id, request, verb, effect, arguments,"
        " digest, strategy, host, limits, login, may, state, valid_until, created_at) VALUES"
        " ('A', %s, %s, 'buy', 'order', '{}', '', '', '', '', '', '{}', %s, now(),"
        " now() - %s * interval '1 day')"
    )
    ages = [("a", "placed", 402), ("b", "unknown", 402), ("c", "refused", 401), ("d", "done", 399),
            ("e", "absent", 500), ("f", "queued", 500), ("g", "placed", 1)]  # fmt: skip
    for name, state, age in ages:
        execute(pg_dsn, insert, name, name, state, age)
    execute(pg_dsn, "INSERT INTO fleet.tombstone (request, at) VALUES ('old', now() -"
            " interval '41 days'), ('new', now())")  # fmt: skip
    dry = upkeep.maintain(connection, dry_run=True)
    assert dry["commands"] == 3
    report = upkeep.maintain(connection)
    assert (report["commands"], report["remembered_days"]) == (3, 400)
    left = execute(pg_dsn, "SELECT command_id FROM fleet.command ORDER BY 1")
    assert [each for (each,) in left] == ["b", "d", "f", "g"]
    assert execute(pg_dsn, "SELECT request FROM fleet.tombstone") == [("new",)]
    assert upkeep.maintain(connection)["commands"] == 0


def test_the_daily_digest_tells_when_anything_was_changed(
    pg_dsn: str, connection: psycopg.Connection[Any]
) -> None:
    day = today_of(pg_dsn) - timedelta(days=1)
    put(pg_dsn, "A", 1, day, '{"价": 1}')
    put(pg_dsn, "A", 2, day)
    put(pg_dsn, "A", 3, day + timedelta(days=1))
    first = upkeep.maintain(connection)["digests"]
    assert first["events"]["rows"] == 2
    at = execute(pg_dsn, "SELECT extract(epoch FROM at)::text FROM fleet.event WHERE day = %s"
                 " ORDER BY event_no", day)  # fmt: skip
    lines = [["A", 1, "order", '{"价": 1}', "", at[0][0]], ["A", 2, "order", "{}", "", at[1][0]]]
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in lines)
    assert first["events"]["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert upkeep.digest(connection, day) == first
    execute(pg_dsn, "UPDATE fleet.event SET data = '{\"价\": 2}' WHERE event_no = 1")
    second = upkeep.digest(connection, day)
    assert second["events"] != first["events"]
    assert second["audit"] == first["audit"]
    execute(pg_dsn, "INSERT INTO fleet.audit (at, action, scope, data) VALUES"
            " (now() - interval '2 days', 'x', 'y', '{}')")  # fmt: skip
    assert upkeep.digest(connection, day)["audit"] != first["audit"]
