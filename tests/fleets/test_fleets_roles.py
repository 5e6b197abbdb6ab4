"""身份与登录名：每一种身份在自己的、别人的账号上，每一件事许不许；绕过去的办法一样也不通。"""

from __future__ import annotations

import itertools
import json
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest
from fleets.pg_server import execute, missing
from support import eventually

from easytrader.errors import UsageError
from easytrader.fleets import admin, roles
from easytrader.fleets.address import open_store
from easytrader.fleets.words import ALARMS, FencedError, Lease, NewEvent, Outcome, Question, Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.fleets.store import Store
    from easytrader.fleets.words import Command

LOGINS = {
    "agent_a": ("agent", ["A"], []),
    "agent_b": ("agent", ["B"], []),
    "trader_a": ("strategy", ["A"], ["trade"]),
    "trader_b": ("strategy", ["B"], ["trade", "funds"]),
    "reader_a": ("strategy", ["A"], ["read"]),
    "boss": ("operator", [roles.EVERY], []),
    "boss_a": ("operator", ["A"], []),
    "eye": ("audit", [roles.EVERY], []),
    "eye_a": ("audit", ["A"], []),
}

ALLOWED: dict[str, str] = {
    "accounts bump read switches budgets greet": "agent strategy operator audit",
    "may has_role is_admin scopes visible operates": "agent strategy operator audit",
    "as_json as_number": "agent strategy operator audit",
    "post withdraw keep": "strategy",
    "ask replies": "strategy operator",
    "outcomes": "strategy operator",
    "find": "strategy agent operator",
    "list_commands": "strategy agent operator audit",
    "list_alarms": "strategy agent operator audit",
    "acquire renew release publish claim left_over settle questions reply idle draw": "agent",
    "set_switch": "agent strategy operator",
    "set_budget take_over decide": "operator",
}
"""函数 → 许哪些身份调用；不在这里的一个也不许。"""


def soon() -> float:
    return time.monotonic() + 10.0


def wish(account: str, number: str, **more: Any) -> Wish:
    arguments = json.dumps({"args": ["600036", 35.5, 100], "kwargs": {}})
    given: dict[str, Any] = {
        "account": account, "command_id": number, "request": f"r-{account}-{number}",
        "verb": "buy", "effect": "order", "arguments": arguments, "digest": number, "valid_s": 60.0,
    }  # fmt: skip
    return Wish(**{**given, **more})


class Stores(dict[str, Any]):
    """登录名 → 存储，用到才开。"""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def __missing__(self, login: str) -> Store:
        self[login] = open_store(self._dsn.replace("postgres@", f"{login}@"))
        found: Store = self[login]
        return found


class World(NamedTuple):
    """建好了的一队：两个账号，各一个代理、一条排着的命令；`LOGINS` 里每个登录名一个存储。"""

    dsn: str
    stores: dict[str, Store]
    leases: dict[str, Lease]
    commands: dict[str, Command]

    def url(self, login: str) -> str:
        return self.dsn.replace("postgres@", f"{login}@")


def acquired(stores: dict[str, Store], account: str) -> Lease:
    got = stores[f"agent_{account.lower()}"].acquire(
        account, owner=f"owner-{account}", box=f"box-{account}", broker="sim", groups=["g"],
        takeover="manual", previous="", address="", deadline=soon(),
    )  # fmt: skip
    assert isinstance(got, Lease)
    return got


@pytest.fixture(scope="module")
def crew(pg_session: Callable[[], Any]) -> Iterator[Any]:
    """有登录名、账号、命令、事件的一个库，当模子。"""
    told = missing()
    if told:
        pytest.skip(told)
    server = pg_session()
    dsn = server.fresh()
    with admin.opened(dsn) as connection:
        for name, (role, accounts, may) in LOGINS.items():
            roles.add(connection, name, role, accounts, may)
    stores = Stores(dsn)
    for account in ("A", "B"):
        lease = acquired(stores, account)
        stores[f"trader_{account.lower()}"].post(wish(account, "1", valid_s=900.0), soon())
        event = NewEvent(account, "duplicate", "{}", "s", 1)
        stores[f"agent_{account.lower()}"].settle([lease], [], [event], soon())
    yield dsn, stores
    for store in stores.values():
        store.close()
    with admin.opened(dsn) as connection:
        for each in roles.listed(connection):
            roles.remove(connection, each.name)
    server.drop(dsn)


_names = itertools.count(1)


@pytest.fixture
def world(crew: Any) -> Iterator[World]:
    """同一个库：每次新拿租约，用完开关、额度都放回去。"""
    dsn, stores = crew
    execute(dsn, "UPDATE fleet.account SET ended_at = clock_timestamp(), takeover_to = ''")
    leases = {account: acquired(stores, account) for account in ("A", "B")}
    commands = {
        account: stores[f"agent_{account.lower()}"].find(account, "1", soon())
        for account in ("A", "B")
    }
    yield World(dsn, stores, leases, commands)
    boss = stores["boss"]
    for switch in boss.switches(soon()):
        boss.set_switch(switch.scope, False, soon())
    for budget in boss.budgets(soon()):
        boss.set_budget(budget.scope, budget.kind, None, soon())


# ---- 函数的权限


def test_exactly_the_listed_functions_may_be_called(world: World) -> None:
    expected = {
        (name, role)
        for names, allowed in ALLOWED.items()
        for name in names.split()
        for role in allowed.split()
    }
    found = execute(
        world.dsn,
        "SELECT DISTINCT p.proname, r.role FROM pg_proc p, unnest(%s::text[]) AS r(role)"
        " WHERE p.pronamespace = 'fleet'::regnamespace"
        " AND has_function_privilege('fleet_' || r.role, p.oid, 'EXECUTE')",
        list(roles.ROLES),
    )
    assert set(found) == expected


def test_nobody_but_the_owner_touches_tables(world: World) -> None:
    rows = execute(
        world.dsn,
        "SELECT c.relname, r.login FROM pg_class c, unnest(%s::text[]) AS r(login)"
        " WHERE c.relnamespace = 'fleet'::regnamespace AND c.relkind IN ('r', 'p', 'S', 'v')"
        " AND (c.relkind <> 'v' AND has_table_privilege(r.login, c.oid, 'SELECT')"
        "  OR has_table_privilege(r.login, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES'))",
        list(LOGINS),
    )
    assert rows == []
    unforced = execute(
        world.dsn,
        "SELECT relname FROM pg_class WHERE relnamespace = 'fleet'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)",
    )
    assert unforced == []


def test_granting_select_by_mistake_still_shows_no_row(world: World) -> None:
    execute(world.dsn, "GRANT SELECT ON fleet.command TO eye")
    assert execute(world.url("eye"), "SELECT * FROM fleet.command") == []
    execute(world.dsn, "REVOKE SELECT ON fleet.command FROM eye")


FORBIDDEN = (
    "UPDATE fleet.event SET kind = 'x'",
    "DELETE FROM fleet.command",
    "UPDATE fleet.v_events SET kind = 'x'",
    "DELETE FROM fleet.v_audit",
    "INSERT INTO fleet.member VALUES ('trader_a', 'B', '{trade}')",
    "TRUNCATE fleet.audit",
    "ALTER TABLE fleet.event DISABLE ROW LEVEL SECURITY",
    "CREATE TABLE fleet.mine_own (x int)",
    "SET ROLE fleet_owner",
    "SELECT fleet.grant_all()",
    "SELECT fleet.begin_write(true)",
    "ALTER ROLE eye SUPERUSER",
)


def test_direct_changes_are_refused(world: World) -> None:
    refusals = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
    for login in ("agent_a", "trader_a", "boss", "eye"):
        with psycopg.connect(world.url(login), autocommit=True) as connection:
            for sql in FORBIDDEN:
                with pytest.raises(refusals):
                    connection.execute(sql)


def test_the_audit_trail_cannot_be_changed_even_by_the_owner(world: World) -> None:
    assert execute(world.dsn, "SELECT count(*) FROM fleet.audit") != [(0,)]
    for sql in ("DELETE FROM fleet.audit", "UPDATE fleet.audit SET login = 'x'",
                "TRUNCATE fleet.audit"):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="只能添"):
            execute(world.dsn, sql)


# ---- 自己的、别人的账号


def _posted(world: World, account: str) -> Command:
    """新的一条排着的命令。"""
    trader = world.stores[f"trader_{account.lower()}"]
    return trader.post(wish(account, f"n{next(_names)}"), soon()).command


def _unknown(world: World, account: str) -> Command:
    """新的一条结果未知的命令。"""
    made = _posted(world, account)
    agent, lease = world.stores[f"agent_{account.lower()}"], [world.leases[account]]
    agent.claim(lease, 50, soon())
    unknown = Outcome(account, made.command_id, 1, "unknown")
    agent.settle(lease, [unknown], [], soon())
    return made


def _settle(store: Store, world: World, account: str) -> Any:
    made = _unknown(world, account)
    outcome = Outcome(account, made.command_id, 1, "absent")
    event = NewEvent(account, "k", "{}", f"s{made.number}", 1)
    return store.settle([world.leases[account]], [outcome], [event], soon())


def _draw(store: Store, world: World, account: str) -> Any:
    world.stores["boss"].set_budget(f"account:{account}", "orders", 99, soon())
    return store.draw(f"account:{account}", "orders", 1, 1, "h", soon())


def _claim(store: Store, world: World, account: str) -> Any:
    _posted(world, account)
    return store.claim([world.leases[account]], 50, soon())


def _switch(store: Store, world: World, account: str) -> Any:
    store.set_switch(f"account:{account}", True, soon(), why="试")
    world.stores["boss"].set_switch(f"account:{account}", False, soon())
    return True


def _unswitch(store: Store, world: World, account: str) -> bool:
    store.set_switch(f"account:{account}", False, soon())
    return True


def _switch_the_fleet(store: Store, world: World, account: str) -> bool:
    store.set_switch("fleet", False, soon())
    return True


def _budget(store: Store, world: World, account: str) -> bool:
    store.set_budget(f"account:{account}", "orders", 9, soon())
    return True


def _acquire(store: Store, world: World, account: str) -> Any:
    return store.acquire(
        account, owner=f"thief{next(_names)}", box=f"box-{account}", broker="sim", groups=[],
        takeover="auto", previous="", address="", deadline=soon(),
    )  # fmt: skip


ACTIONS: dict[str, tuple[Callable[[Store, World, str], Any], str]] = {
    "post": (lambda s, w, a: s.post(wish(a, f"p{next(_names)}"), soon()), "trader_a"),
    "withdraw": (lambda s, w, a: s.withdraw(a, _posted(w, a).request, soon()), "trader_a"),
    "outcomes": (
        lambda s, w, a: s.outcomes([w.commands[a].number], soon()),
        "trader_a reader_a boss boss_a",
    ),
    "find": (lambda s, w, a: s.find(a, "1", soon()), "agent_a trader_a reader_a boss boss_a"),
    "ask": (
        lambda s, w, a: s.ask(Question(0, a, "balance", "{}", "h", 5.0), soon()),
        "trader_a reader_a boss boss_a",
    ),
    "read": (
        lambda s, w, a: s.read(a, 0, 10, soon()),
        "agent_a trader_a reader_a boss boss_a eye eye_a",
    ),
    "bump": (
        lambda s, w, a: s.bump(a, soon()),
        "agent_a trader_a reader_a boss boss_a eye eye_a",
    ),
    "accounts": (
        lambda s, w, a: s.accounts(soon(), [a]),
        "agent_a trader_a reader_a boss boss_a eye eye_a",
    ),
    "commands": (
        lambda s, w, a: s.commands(soon(), account=a),
        "agent_a trader_a reader_a boss boss_a eye eye_a",
    ),
    "alarms": (
        lambda s, w, a: [x for x in s.alarms(soon()) if x.account == a],
        "agent_a trader_a reader_a boss boss_a eye eye_a",
    ),
    "claim": (_claim, "agent_a"),
    "renew": (lambda s, w, a: s.renew([w.leases[a]], soon()).kept, "agent_a"),
    "left_over": (lambda s, w, a: [s.left_over(w.leases[a], soon())], "agent_a"),
    "settle": (_settle, "agent_a"),
    "draw": (_draw, "agent_a"),
    "switch": (_switch, "agent_a trader_a boss boss_a"),
    "unswitch": (_unswitch, "trader_a boss boss_a"),
    "switch the fleet": (_switch_the_fleet, "boss"),
    "budget": (_budget, "boss boss_a"),
    "decide": (
        lambda s, w, a: s.decide(a, _unknown(w, a).command_id, "absent", soon(), why="看过"),
        "boss boss_a",
    ),
    "acquire": (_acquire, "agent_a"),
    "take_over": (lambda s, w, a: s.take_over(a, "box-x", soon(), force=True), "boss boss_a"),
}
"""事 → 怎么做，在账号 A 上许哪些登录名；B 上都不许，除了管全部的 ``boss`` 与看全部的 ``eye``。"""


def _works(
    call: Callable[[Store, World, str], Any], login: str, world: World, account: str
) -> bool:
    """做成了，或看到了东西。"""
    try:
        return bool(call(world.stores[login], world, account) or 0)
    except (UsageError, FencedError):
        return False


def test_each_login_on_its_own_and_on_a_foreign_account(world: World) -> None:
    told = {}
    for action, (call, allowed) in ACTIONS.items():
        own = {login for login in LOGINS if _works(call, login, world, "A")}
        others = [login for login in LOGINS if not login.endswith("_b")]
        foreign = {login for login in others if _works(call, login, world, "B")}
        expected = set(allowed.split())
        told[action] = (own ^ expected, foreign ^ (expected & {"boss", "eye"}))
    told["switch the fleet"] = (told["switch the fleet"][0], set())
    assert {action: each for action, each in told.items() if any(each)} == {}


def test_a_login_of_another_fleet_can_do_nothing(world: World) -> None:
    execute(world.dsn, "DROP ROLE IF EXISTS other_fleet")
    execute(world.dsn, "CREATE ROLE other_fleet LOGIN IN ROLE fleet_operator, fleet_agent")
    store = open_store(world.url("other_fleet"))
    try:
        with pytest.raises(UsageError, match="没有身份"):
            store.greet(soon())
        with pytest.raises(UsageError):
            store.set_switch("fleet", True, soon())
        assert store.accounts(soon()) == []
    finally:
        store.close()
        execute(world.dsn, "DROP ROLE other_fleet")


def test_a_strategy_releases_only_what_it_stopped_itself(world: World) -> None:
    boss, trader = world.stores["boss"], world.stores["trader_a"]
    trader.set_switch("account:A", True, soon(), why="自己停的")
    trader.set_switch("account:A", False, soon())
    assert boss.switches(soon()) == []
    boss.set_switch("account:A", True, soon(), why="出事了")
    trader.set_switch("account:A", True, soon(), why="再按一次就成了我的")
    with pytest.raises(UsageError, match="放不开"):
        trader.set_switch("account:A", False, soon())
    assert [each.why for each in boss.switches(soon())] == ["出事了"]
    boss.set_switch("account:A", False, soon())
    trader.set_switch("account:A", True, soon(), why="自己停的")
    world.stores["agent_a"].set_switch("account:A", True, soon(), why="两笔")  # 报警按下的
    with pytest.raises(UsageError, match="放不开"):
        trader.set_switch("account:A", False, soon())
    boss.set_switch("account:A", False, soon())


def test_releasing_races_with_somebody_else_pressing(world: World) -> None:
    """策略放开的时候还没有人按下，放到一半操作的人按下了：按下的算数。"""
    boss, trader = world.stores["boss"], world.stores["trader_a"]
    trader.greet(soon())
    release = threading.Thread(target=trader.set_switch, args=("account:A", False, soon()))
    with psycopg.connect(world.dsn) as half:
        half.execute("LOCK TABLE fleet.switch IN SHARE MODE")  # 看得了，删不了
        release.start()
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted"
        eventually(lambda: execute(world.dsn, waiting) or not release.is_alive())
        half.execute("INSERT INTO fleet.switch VALUES ('account:A', true, '出事了', 'boss', now())")
        half.commit()
    release.join(10)
    assert [each.why for each in boss.switches(soon())] == ["出事了"]
    boss.set_switch("account:A", False, soon())


# ---- 绕过去的办法


def test_an_agent_records_nothing_on_a_foreign_account(world: World) -> None:
    """不给租约，或只给自己的，直接调用函数：别的账号上一条事件也写不进去。"""
    lease = world.leases["A"]
    before = world.stores["boss"].bump("B", soon())
    for own in ([], [], []), (["A"], [lease.epoch], [lease.owner]):
        with pytest.raises(psycopg.Error) as caught:
            execute(
                world.url("agent_a"),
                "SELECT * FROM fleet.settle(%s::text[], %s::int[], %s::text[], '{}', '{}', '{}',"
                " '{}', '{}', '{}', '{}', '{}', '{B}', '{trade}', '{x}', '{假}', '{1}', '{\"\"}')",
                *own,
            )
        assert caught.value.sqlstate == "FT002"
    assert world.stores["boss"].bump("B", soon()) == before


def test_forged_temporary_tables_and_search_path_change_nothing(world: World) -> None:
    with psycopg.connect(world.url("trader_a"), autocommit=True) as connection:
        for (name,) in execute(
            world.dsn,
            "SELECT relname FROM pg_class WHERE relnamespace = 'fleet'::regnamespace"
            " AND relkind IN ('r', 'p') AND relname !~ '^event_'",
        ):
            connection.execute(
                f"CREATE TABLE pg_temp.{name} (login text, account_id text, may text[])"
            )
        connection.execute("INSERT INTO pg_temp.member VALUES ('trader_a', 'B', '{trade}')")
        connection.execute(
            "CREATE FUNCTION pg_temp.may(a text, b text) RETURNS boolean LANGUAGE sql"
            " AS 'SELECT true'"
        )
        connection.execute(
            "CREATE FUNCTION pg_temp.has_role(r text) RETURNS boolean LANGUAGE sql AS 'SELECT true'"
        )
        connection.execute("SET search_path = pg_temp, fleet")
        row = connection.execute(
            "SELECT fleet.may('B', 'trade'), fleet.has_role('operator'),"
            " fleet.scopes('B'), ARRAY(SELECT fleet.visible('read'))"
        ).fetchone()
        assert row == (False, False, [], ["A"])
        with pytest.raises(psycopg.Error) as caught:
            connection.execute("SELECT fleet.withdraw('B', 'r-B-1')")
        assert caught.value.sqlstate == "FT001"
        seen = connection.execute("SELECT DISTINCT account FROM fleet.v_commands").fetchall()
        assert seen == [("A",)]


def test_every_function_pins_its_search_path_and_builds_no_sql_from_arguments(crew: Any) -> None:
    rows = execute(
        crew[0],
        "SELECT p.proname, p.proconfig, p.prosrc, p.prosecdef, EXISTS (SELECT"
        " FROM unnest(%s::text[]) r WHERE has_function_privilege('fleet_' || r, p.oid, 'EXECUTE'))"
        " FROM pg_proc p WHERE p.pronamespace = 'fleet'::regnamespace",
        list(roles.ROLES),
    )
    assert len(rows) > 30
    for name, config, source, owners, others in rows:
        paths = [each for each in config or [] if each.startswith("search_path=")]
        # 只在里面用的跟着调用它的那一个：那一个钉住了
        assert all(each.endswith(", pg_temp") for each in paths), name
        assert paths or not (owners or others), name
        assert owners or not others or source.count("fleet.") == 0, name
        assert not (others and "EXECUTE" in source), name


NASTY = (
    "x'; DROP TABLE fleet.command; --",
    'x"; DELETE FROM fleet.command; --',
    "$$; UPDATE fleet.member SET may = '{trade}'; $$",
    "\\'; SELECT pg_sleep(9); --",
    "{}%s%I%L",
    "'||(SELECT current_user)||'",
)


def test_text_arguments_are_only_text(world: World) -> None:
    for text in NASTY:
        _goes_through_as_text(world, text)
    assert execute(
        world.dsn, "SELECT count(*) FROM fleet.command WHERE command_id = ANY(%s)", list(NASTY)
    ) == [(len(NASTY),)]
    assert execute(world.dsn, "SELECT may FROM fleet.member WHERE login = 'reader_a'") == [
        (["read"],)
    ]


def _goes_through_as_text(world: World, text: str) -> None:
    trader, agent, boss = (world.stores[each] for each in ("trader_a", "agent_a", "boss"))
    posted = trader.post(
        wish("A", text, request=text, digest=text, strategy=text, host=text, limits=text), soon()
    ).command
    assert (posted.command_id, posted.request, posted.strategy) == (text, text, text)
    found = trader.find("A", text, soon())
    assert found is not None
    assert found._replace(left_s=0.0) == posted._replace(left_s=0.0)
    assert trader.keep(text, text, soon()) == text
    trader.ask(Question(0, "A", "balance", text, text, 5.0), soon())
    lease = world.leases["A"]
    agent.publish(lease, text, text, soon())
    claimed = {each.command_id for each in agent.claim([lease], 10, soon())}
    assert text in claimed
    outcome = Outcome("A", text, 1, "refused", text, text, text)
    agent.settle([lease], [outcome], [NewEvent("A", text, text, text, 1, text)], soon())
    event = agent.read("A", 0, 10, soon())[-1]
    assert (event.kind, event.data, event.command_id) == (text, text, text)
    boss.set_switch(f"strategy:{text}", True, soon(), why=text)
    assert [each.why for each in boss.switches(soon())] == [text]
    boss.set_switch(f"strategy:{text}", False, soon())
    boss.set_budget(f"group:{text}", "orders", 1, soon())
    assert [each.scope for each in boss.budgets(soon())] == [f"group:{text}"]
    boss.set_budget(f"group:{text}", "orders", None, soon())
    for refused in (
        lambda: boss.take_over(text, text, soon()),
        lambda: boss.decide("A", text, "absent", soon(), why=text),
        lambda: trader.withdraw(text, text, soon()),
        lambda: trader.read(text, 0, 1, soon()),
    ):
        with pytest.raises(UsageError):
            refused()
    rows = execute(world.url("eye"), "SELECT command_id, state FROM fleet.v_commands ORDER BY 1")
    assert (text, "refused") in rows


# ---- 登录名


def test_add_update_list_and_remove(crew: Any) -> None:
    pg_dsn = crew[0]
    with admin.opened(pg_dsn) as connection:
        first = roles.add(connection, "win_one", "agent", ["A", "账号 二"])
        assert len(first) >= 24
        with pytest.raises(UsageError, match="已经有"):
            roles.add(connection, "win_one", "agent", ["A"])
        with pytest.raises(UsageError, match="身份是 agent"):
            roles.add(connection, "win_one", "audit", ["A"], update=True)
        assert roles.add(connection, "win_one", "agent", ["B"], update=True) == ""
        [found] = [each for each in roles.listed(connection) if each.name == "win_one"]
        assert found == ("win_one", "agent", {"B": ("agent", "read")}, 0, 10)
        told = execute(pg_dsn, "SELECT rolpassword FROM pg_authid WHERE rolname = 'win_one'")
        assert str(told[0][0]).startswith("SCRAM-SHA-256$")
        settings = execute(pg_dsn, "SELECT rolconfig FROM pg_roles WHERE rolname = 'win_one'")
        assert {"statement_timeout=5s", "lock_timeout=2s"} <= set(settings[0][0])
        with psycopg.connect(pg_dsn.replace("postgres@", "win_one@"), autocommit=True) as open_one:
            path = open_one.execute("SHOW search_path").fetchone()
            assert path == ("fleet, pg_temp",)
            roles.remove(connection, "win_one")
            with pytest.raises(psycopg.OperationalError):
                open_one.execute("SELECT 1")
        assert {each.name for each in roles.listed(connection)} == set(LOGINS)
        with pytest.raises(UsageError, match="没有这个登录名"):
            roles.remove(connection, "win_one")
        with pytest.raises(UsageError, match="不是这一队的"):
            roles.add(connection, "postgres", "agent", ["A"])


WRONG: tuple[tuple[str, str, list[str], list[str], str, str], ...] = (
    ("Win", "agent", ["A"], [], "", "NAME"),
    ("fleet_x", "agent", ["A"], [], "", "NAME"),
    ('a"; DROP ROLE x; --', "agent", ["A"], [], "", "NAME"),
    ("a", "boss", ["A"], [], "", "--role"),
    ("a", "agent", [], [], "", "--account"),
    ("a", "agent", ["A\x00"], [], "", "--account"),
    ("a", "agent", ["A"], ["trade"], "", "--may"),
    ("a", "strategy", ["A"], [], "", "--may"),
    ("a", "strategy", ["A"], ["all"], "", "--may"),
    ("a", "agent", ["A"], [], "short", "--password"),
)


def test_wrong_logins_are_told_before_anything_is_done(crew: Any) -> None:
    pg_dsn = crew[0]
    with admin.opened(pg_dsn) as connection:
        for name, role, accounts, may, password, argument in WRONG:
            with pytest.raises(UsageError) as caught:
                roles.add(connection, name, role, accounts, may, password=password)
            assert caught.value.argument == argument
            assert "short" not in str(caught.value)
        assert {each.name for each in roles.listed(connection)} == set(LOGINS)


# ---- 留底


def test_who_changed_what_is_on_record(world: World) -> None:
    boss = world.stores["boss"]
    ((before,),) = execute(world.dsn, "SELECT coalesce(max(audit_no), 0) FROM fleet.audit")
    boss.set_switch("account:A", True, soon(), why="看不懂", cancel_open=True)
    boss.set_switch("account:A", False, soon())
    boss.set_budget("fleet", "yuan", 5, soon())
    boss.take_over("A", "box-2", soon(), force=True)
    log = execute(
        world.url("eye"),
        "SELECT login, scope, stopped, why, cancel_open FROM fleet.v_switch_log ORDER BY at",
    )
    assert log[-2:] == [
        ("boss", "account:A", True, "看不懂", True),
        ("boss", "account:A", False, "", False),
    ]
    actions = execute(
        world.url("eye"),
        "SELECT login, action, scope, data -> 'now' ->> 'takeover_to' FROM fleet.v_audit"
        " WHERE audit_no > %s ORDER BY audit_no",
        before - 2,
    )
    assert actions == [
        ("agent_a", "owner", "account:A", ""),
        ("agent_b", "owner", "account:B", ""),
        ("boss", "switch", "account:A", None),
        ("boss", "switch", "account:A", None),
        ("boss", "budget", "fleet", None),
        ("boss", "take_over", "account:A", "box-2"),
    ]
    assert "owner-A" not in str(execute(world.url("eye"), "SELECT data FROM fleet.v_audit"))


def test_operators_word_settles_an_unknown_command_and_is_on_record(world: World) -> None:
    boss, agent = world.stores["boss"], world.stores["agent_a"]
    name = _posted(world, "A").command_id
    with pytest.raises(UsageError, match="此刻是 queued"):
        boss.decide("A", name, "absent", soon(), why="看过")
    agent.claim([world.leases["A"]], 50, soon())
    with pytest.raises(UsageError, match="那台机器还在"):
        boss.decide("A", name, "absent", soon(), why="看过")
    agent.settle([world.leases["A"]], [Outcome("A", name, 1, "unknown")], [], soon())
    with pytest.raises(UsageError):
        boss.decide("A", name, "placed", soon(), why="看过")
    done = boss.decide("A", name, "placed", soon(), why="在客户端看到", order_id="123456")
    assert (done.state, done.reason, done.order_id) == ("placed", "operator", "123456")
    assert json.loads(done.answer) == {"result": {"entrust_no": 123456}}
    late = Outcome("A", name, 1, "absent")
    agent.settle([world.leases["A"]], [late], [], soon())
    [same] = world.stores["trader_a"].outcomes([done.number], soon())
    assert same.state == "placed"
    rows = execute(
        world.url("eye"),
        "SELECT login, data FROM fleet.v_audit WHERE data ->> 'command_id' = %s",
        name,
    )
    assert [(login, data["why"], data["now"]) for login, data in rows] == [
        ("boss", "在客户端看到", "placed")
    ]


# ---- 视图


def test_views_show_only_what_may_be_read(world: World) -> None:
    views = [
        name
        for (name,) in execute(
            world.dsn,
            "SELECT relname FROM pg_class WHERE relnamespace = 'fleet'::regnamespace"
            " AND relkind = 'v'",
        )
    ]
    assert len(views) >= 9
    for view in views:
        columns = [c for (c,) in execute(
            world.dsn,
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
            f"fleet.{view}",
        )]  # fmt: skip
        if "account" not in columns or view == "v_logins":
            continue
        told = {
            login: {a for (a,) in execute(world.url(login), f"SELECT account FROM fleet.{view}")}
            for login in ("trader_a", "boss", "eye", "eye_a")
        }
        assert told == {"trader_a": {"A"}, "boss": {"A", "B"}, "eye": {"A", "B"}, "eye_a": {"A"}}
    for view in ("v_audit", "v_switch_log", "v_logins"):
        for login in ("trader_a", "agent_a"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                execute(world.url(login), f"SELECT * FROM fleet.{view}")


def test_orders_view_takes_the_arguments_apart_and_survives_rubbish(world: World) -> None:
    trader = world.stores["trader_a"]
    decimal = {"args": [], "kwargs": {"security": "00700.HK", "amount": 5,
               "price": {"$": "decimal", "v": "318.200"}}}  # fmt: skip
    trader.post(wish("A", "v2", arguments=json.dumps(decimal)), soon())
    market = {"args": ["510300", 1000], "kwargs": {}}
    trader.post(wish("A", "v3", verb="market_sell", arguments=json.dumps(market)), soon())
    trader.post(wish("A", "v4", arguments='{"args": ["\\u0000", "很多", "一点"]}'), soon())
    rows = execute(
        world.url("eye"),
        "SELECT client_order_id, security, price::text, amount::text FROM fleet.v_orders"
        " WHERE account = 'A' AND client_order_id ~ '^(1|v[0-9])$' ORDER BY 1",
    )
    assert rows == [
        ("1", "600036", "35.5", "100"),
        ("v2", "00700.HK", "318.200", "5"),
        ("v3", "510300", None, "1000"),
        ("v4", None, None, None),
    ]


def test_alarm_kinds_in_sql_are_the_ones_in_words(crew: Any) -> None:
    pg_dsn = crew[0]
    text = execute(pg_dsn, "SELECT pg_get_viewdef('fleet.v_alarms'::regclass)")[0][0]
    source = execute(pg_dsn, "SELECT prosrc FROM pg_proc WHERE proname = 'list_alarms'")[0][0]
    index = execute(pg_dsn, "SELECT indexdef FROM pg_indexes WHERE indexname = 'event_alarm'")[0][0]
    for each in (text, source, index):
        assert {kind for kind in ALARMS if f"'{kind}'" in each} == ALARMS
        assert each.count("'clock'") == 1
