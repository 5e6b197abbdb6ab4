"""建表与升级：只做一次，几台机器同时来也是；不够的权限说得出；新的、改过的表不动。"""

from __future__ import annotations

import itertools
import os
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from fleets.pg_server import execute, missing
from support import eventually

from easytrader.errors import (
    ConnectFailedError,
    EasytraderError,
    QueryFailedError,
    UsageError,
)
from easytrader.fleets import migrate
from easytrader.fleets.migrate import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_numbers = itertools.count(1)

FIRST = Step(1, "0001_one.sql", "CREATE TABLE account (account_id text, box text, protocol int,"
             " lease_until timestamptz)")  # fmt: skip
SECOND = Step(2, "0002_two.sql", "CREATE TABLE two (x int); INSERT INTO two VALUES (1)")


@pytest.fixture(scope="module")
def database(pg_session: Callable[[], Any]) -> Iterator[str]:
    """这个文件自己的一个库；管理员的地址。"""
    told = missing()
    if told:
        pytest.skip(told)
    server = pg_session()
    dsn = server.empty()
    yield dsn
    server.drop(dsn)


@pytest.fixture
def empty(database: str) -> str:
    """里面还什么都没有。"""
    execute(database, "DROP SCHEMA IF EXISTS fleet CASCADE")
    return database


@pytest.fixture
def login(empty: str) -> Iterator[Callable[..., str]]:
    """建一个登录名，给出它在这个库的地址。"""
    made = []

    def make(*words: str) -> str:
        name = f"adm{os.getpid()}_{next(_numbers)}"
        made.append(name)
        execute(empty, f"CREATE ROLE {name} LOGIN {' '.join(words)}")
        return empty.replace("postgres@", f"{name}@")

    yield make
    for each in made:
        execute(empty, f"REASSIGN OWNED BY {each} TO postgres")
        execute(empty, f"DROP OWNED BY {each}")
        execute(empty, f"DROP ROLE {each}")


def test_the_packaged_files_run_twice_and_tell_every_step(empty: str) -> None:
    told: list[str] = []
    newest = len(migrate.packaged())
    assert migrate.prepare(empty, tell=told.append) == newest
    for step in migrate.packaged():
        assert f"已执行 {step.name}" in told
    told.clear()
    assert migrate.prepare(empty, tell=told.append) == newest
    assert migrate.upgrade(empty) == newest
    [only] = told
    assert f"第 {newest} 版" in only
    rows = execute(empty, "SELECT version, name FROM fleet.schema_version ORDER BY 1")
    assert rows == [(each.version, each.name) for each in migrate.packaged()]
    assert execute(empty, "SELECT count(*) FROM fleet.identity") == [(1,)]


def test_several_machines_at_once_run_each_file_once(empty: str) -> None:
    begin = threading.Barrier(3)
    failures: list[BaseException] = []

    def run() -> None:
        begin.wait(10)
        try:
            migrate.prepare(empty, steps=[FIRST, SECOND])
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert failures == []
    assert execute(empty, "SELECT x FROM fleet.two") == [(1,)]
    owners = execute(empty, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'fleet'")
    assert owners == [("fleet_owner",)]


def test_another_machine_is_just_making_the_schema(empty: str) -> None:
    migrate.prepare(empty, steps=[])
    execute(empty, "DROP SCHEMA fleet CASCADE")
    with psycopg.connect(empty) as other:
        other.execute("CREATE SCHEMA fleet AUTHORIZATION fleet_owner")
        failures: list[BaseException] = []

        def run() -> None:
            try:
                migrate.prepare(empty, steps=[FIRST])
            except BaseException as exc:
                failures.append(exc)

        thread = threading.Thread(target=run)
        thread.start()
        eventually(lambda: execute(empty, "SELECT 1 FROM pg_locks WHERE NOT granted"))
        other.commit()
        thread.join(60)
    assert failures == []
    assert execute(empty, "SELECT count(*) FROM fleet.schema_version") == [(1,)]


def test_a_failing_file_is_undone_whole_and_can_be_run_again(empty: str) -> None:
    bad = Step(2, "0002_bad.sql", "CREATE TABLE half (x int); SELECT 1/0")
    with pytest.raises(QueryFailedError, match=r"0002_bad\.sql 没有执行，整个文件已撤回.*22012"):
        migrate.prepare(empty, steps=[FIRST, bad])
    assert execute(empty, "SELECT to_regclass('fleet.half')") == [(None,)]
    assert migrate.prepare(empty, steps=[FIRST, SECOND]) == 2


def test_newer_or_changed_tables_are_refused_and_left_alone(empty: str) -> None:
    migrate.prepare(empty, steps=[FIRST, SECOND])
    with pytest.raises(UsageError, match=r"只认得到第 1 版.*0002_two\.sql"):
        migrate.upgrade(empty, steps=[FIRST])
    with pytest.raises(UsageError, match="不是同一个发行版"):
        migrate.upgrade(empty, steps=[FIRST, SECOND._replace(text="SELECT 1")])
    third = Step(3, "0003_three.sql", "CREATE TABLE three (x int)")
    with pytest.raises(UsageError):
        migrate.upgrade(empty, steps=[FIRST, SECOND._replace(text="SELECT 1"), third])
    assert execute(empty, "SELECT to_regclass('fleet.three')") == [(None,)]


def test_contracting_waits_until_every_living_agent_has_moved(empty: str) -> None:
    drop = Step(2, "0002_drop.sql", "-- contract\nALTER TABLE account DROP COLUMN box")
    migrate.prepare(empty, steps=[FIRST])
    insert = "INSERT INTO fleet.account VALUES (%s, %s, 0, clock_timestamp() + %s * interval '1 s')"
    execute(empty, insert, "旧的", "win-1", 60)
    execute(empty, insert, "早停了", "win-2", -60)
    with pytest.raises(EasytraderError, match=r"旧的（win-1 说第 0 版）；") as caught:
        migrate.upgrade(empty, steps=[FIRST, drop])
    assert "早停了" not in str(caught.value)
    execute(empty, "UPDATE fleet.account SET protocol = 1")
    assert migrate.upgrade(empty, steps=[FIRST, drop]) == 2


def test_no_superuser_is_needed_and_missing_rights_are_named(
    empty: str, login: Callable[..., str]
) -> None:
    database = empty.rpartition("/")[2]
    migrate.prepare(empty, steps=[])  # 角色有了：别的登录名扮不了主人
    plain = login()
    with pytest.raises(UsageError, match=r"扮不了.*GRANT fleet_owner TO"):
        migrate.prepare(plain, steps=[FIRST])
    execute(empty, "DROP SCHEMA fleet CASCADE")
    with pytest.raises(UsageError, match=f'GRANT CREATE ON DATABASE "{database}" TO'):
        migrate.prepare(plain, steps=[FIRST])
    helper = login("CREATEROLE")
    execute(
        empty, f'GRANT CREATE ON DATABASE "{database}" TO {helper.split("//")[1].split("@")[0]}'
    )
    ((version,),) = execute(empty, "SELECT current_setting('server_version_num')::int")
    if version < 160_000:  # 16 起别人建的角色自己给不了自己
        assert migrate.prepare(helper) == len(migrate.packaged())
        owner = execute(empty, "SELECT nspowner::regrole::text FROM pg_namespace"
                        " WHERE nspname = 'fleet'")  # fmt: skip
        assert owner == [("fleet_owner",)]


def test_missing_createrole_is_named(empty: str, login: Callable[..., str],
                                     monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    from easytrader.fleets import roles

    monkeypatch.setattr(roles, "ROLES", ("nobody_yet",))
    with pytest.raises(UsageError, match=r"fleet_nobody_yet.*ALTER ROLE .* CREATEROLE"):
        migrate.prepare(login(), steps=[])


def test_upgrading_what_was_never_built_says_init(empty: str) -> None:
    with pytest.raises(UsageError, match="easytrader fleet init"):
        migrate.upgrade(empty)


def test_waiting_behind_somebody_else_has_a_bound(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate.prepare(empty, steps=[FIRST])
    monkeypatch.setattr(migrate, "_LOCK_S", 0.2)
    change = Step(2, "0002_change.sql", "ALTER TABLE account ADD COLUMN more int")
    with psycopg.connect(empty) as busy:
        busy.execute("SELECT * FROM fleet.account")
        with pytest.raises(ConnectFailedError, match="等不到锁"):
            migrate.upgrade(empty, steps=[FIRST, change])
    assert migrate.upgrade(empty, steps=[FIRST, change]) == 2


def test_sqlite_and_wrong_addresses(tmp_path: Path) -> None:
    told: list[str] = []
    assert migrate.prepare(f"sqlite:///{tmp_path / 'f.db'}", tell=told.append) == 0
    assert "SQLite" in told[0]
    assert not (tmp_path / "f.db").exists()
    with pytest.raises(UsageError):
        migrate.prepare("mysql://x")
    with pytest.raises(ConnectFailedError) as caught:
        migrate.prepare("postgresql://u:geheim-9@127.0.0.1:1/x?connect_timeout=2")
    assert "geheim-9" not in str(caught.value)


def test_the_files_are_plain_ordered_and_same_with_windows_line_ends(tmp_path: Path) -> None:
    for step in migrate.packaged():
        (tmp_path / step.name).write_bytes(step.text.replace("\n", "\r\n").encode())
        for word in ("CREATE ROLE", "CREATE SCHEMA", "CREATE EXTENSION", "COMMIT;"):
            assert word not in step.text
    again = migrate.packaged(tmp_path)
    assert [each.digest for each in again] == [each.digest for each in migrate.packaged()]
    (tmp_path / "0009_gap.sql").write_text("SELECT 1", "utf-8")
    with pytest.raises(AssertionError, match="不连续"):
        migrate.packaged(tmp_path)
