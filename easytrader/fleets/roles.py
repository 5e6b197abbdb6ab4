"""身份与登录名：四种身份是没有登录的角色，人与机器各有自己的登录名。

``fleet_owner`` 是表的主人，只有管理员扮得了；``fleet_agent``、``fleet_strategy``、
``fleet_operator``、``fleet_audit`` 各能调用哪些函数，由函数的说明（``COMMENT``）冒号前面的
名字决定。
哪个登录名管得到哪个账号记在 ``fleet.member``；角色是整个服务器的，`member` 是这个库的：
同一台服务器上别的队的登录名在这里什么都做不了。
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics import scrub
from easytrader.errors import EasytraderError, UsageError
from easytrader.fleets import checks
from easytrader.wire.verbs import SCOPES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import psycopg

OWNER: Final = "fleet_owner"
ROLES: Final = ("agent", "strategy", "operator", "audit")
"""身份，数据库里的角色名前面加 ``fleet_``。"""
EVERY: Final = "*"
"""全部账号，以后才有的也在内。"""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RESERVED: Final = ("fleet_", "pg_")
_SHORTEST: Final = 12
_OWN: Final = {"agent": ("agent", "read"), "operator": ("operate", "read"), "audit": ("read",)}
"""身份自己带着的权限；策略的是 ``read trade funds`` 里给的。"""
_LIMITS: Final[dict[str, tuple[int, dict[str, str]]]] = {
    "agent": (10, {"statement_timeout": "5s", "lock_timeout": "2s", "jit": "off"}),
    "strategy": (30, {"statement_timeout": "5s", "lock_timeout": "2s", "jit": "off"}),
    "operator": (10, {"statement_timeout": "15s", "lock_timeout": "5s", "jit": "off"}),
    "audit": (5, {"statement_timeout": "60s", "lock_timeout": "2s",
                  "default_transaction_read_only": "on"}),
}  # fmt: skip
"""身份 → 至多几个连接，与一句话、一把锁最多等多久：一个登录名拖不垮整个服务器。"""
_IDLE: Final = {"idle_in_transaction_session_timeout": "5s", "search_path": "fleet, pg_temp"}


class Login(NamedTuple):
    """一个登录名。

    Attributes:
        name: 登录名。
        role: 身份；不在四种里为空。
        accounts: 账号 → 权限（``read trade funds agent operate``）。
        connections: 此刻几个连接。
        most: 最多几个。
    """

    name: str
    role: str
    accounts: dict[str, tuple[str, ...]]
    connections: int
    most: int


def ensure(connection: psycopg.Connection[Any], tell: Callable[[str], object]) -> None:
    """建好角色与 schema；已经有的不动。

    Raises:
        UsageError: 权限不够：说缺哪一个、怎么给。
    """
    groups = (OWNER, *(f"fleet_{each}" for each in ROLES))
    row = connection.execute(
        "SELECT rolsuper, rolcreaterole, has_database_privilege(current_database(), 'CREATE'),"
        " current_database(), to_regnamespace('fleet') IS NOT NULL,"
        " ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%s))"
        " FROM pg_roles WHERE rolname = current_user",
        (list(groups),),
    ).fetchone()
    assert row is not None
    is_super, creates_roles, creates_schemas, database, has_schema, present = row
    me = connection.info.user
    missing = [each for each in groups if each not in present]
    if missing and not (is_super or creates_roles):
        raise UsageError(
            "dsn", me,
            f"要建角色 {'、'.join(missing)}，这个登录名没有 CREATEROLE。让管理员执行："
            f'ALTER ROLE "{me}" CREATEROLE;（托管的服务器用它给的管理员登录名）',
        )  # fmt: skip
    if not has_schema and not creates_schemas:
        raise UsageError(
            "dsn", me,
            f"要在库 {database} 里建 schema，这个登录名没有 CREATE。让管理员执行："
            f'GRANT CREATE ON DATABASE "{database}" TO "{me}";',
        )  # fmt: skip
    for each in missing:
        _create(connection, each)
        tell(f"已建角色 {each}（不能登录）")
    _join_owner(connection, me)
    if not has_schema:
        _create_schema(connection)
        tell(f"已在库 {database} 里建 schema fleet")


def grant(connection: psycopg.Connection[Any]) -> None:
    """照函数的说明把权限给各个身份；要在主人的身份下、一个事务里。"""
    found = connection.execute("SELECT to_regprocedure('fleet.grant_all()') IS NOT NULL").fetchone()
    if found is not None and found[0]:
        connection.execute("SELECT fleet.grant_all()")


def add(
    connection: psycopg.Connection[Any],
    name: str,
    role: str,
    accounts: Sequence[str],
    may: Sequence[str] = (),
    *,
    password: str = "",
    update: bool = False,
) -> str:
    """加一个登录名；返回它的密码（没有给就取一个），密码的摘要在这里算，明文不到服务器上去。

    Args:
        connection: 管理员的。
        name: 登录名：小写字母、数字、下划线。
        role: `ROLES` 里的一种。
        accounts: 管得到的账号；`EVERY` 是全部。
        may: 策略的权限，`wire.verbs.SCOPES`；别的身份不写。
        password: 密码；空着就取一个新的（``update`` 时空着是不换，返回空）。
        update: 改一个已经有的：账号、权限换成这次写的；身份不能换。

    Raises:
        UsageError: 哪一样不对；什么都没有做。
    """
    scopes = _checked(name, role, accounts, may, password)
    present = {each.name: each for each in listed(connection)}
    _check_present(connection, name, role, present.get(name), update)
    if not password and not update:
        password = secrets.token_urlsafe(24)
    if password:
        scrub.remember(password)
    with connection.transaction():
        if not update:
            _make(connection, name, role)
        if password:
            _set_password(connection, name, password)
        _as_owner(connection)
        connection.execute("DELETE FROM fleet.member WHERE login = %s", (name,))
        connection.cursor().executemany(
            "INSERT INTO fleet.member (login, account_id, may) VALUES (%s, %s, %s)",
            [(name, each, list(scopes)) for each in dict.fromkeys(accounts)],
        )
    return password


def remove(connection: psycopg.Connection[Any], name: str) -> None:
    """去掉一个登录名：权限马上没有，开着的连接断掉，角色删掉。

    Raises:
        UsageError: 没有这个登录名，或它不是一队账号的。
    """
    from psycopg import errors, sql

    if name not in {each.name for each in listed(connection)}:
        raise UsageError("NAME", name, "没有这个登录名（看有哪些：easytrader fleet login list）")
    with connection.transaction():
        _as_owner(connection)
        connection.execute("DELETE FROM fleet.member WHERE login = %s", (name,))
    connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(name)))
    with suppress(errors.InsufficientPrivilege):  # 断不掉的也什么都做不了：不在 member 里了
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (name,)
        )
    try:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
    except errors.DependentObjectsStillExist:
        raise EasytraderError(
            f"{name} 已经不能登录、没有权限，但它还有别的库里的东西，角色没有删：看 \\du {name}"
        ) from None


def listed(connection: psycopg.Connection[Any]) -> list[Login]:
    """这个库的登录名。"""
    with connection.transaction():
        _as_owner(connection)
        rows = connection.execute(
            "SELECT m.login, coalesce((SELECT substr(g.rolname, 7) FROM pg_auth_members a"
            "   JOIN pg_roles g ON g.oid = a.roleid AND g.rolname = ANY(%s)"
            "   WHERE a.member = r.oid LIMIT 1), ''), m.account_id, m.may,"
            " (SELECT count(*) FROM pg_stat_activity s WHERE s.usename = m.login),"
            " coalesce(r.rolconnlimit, 0)"
            " FROM fleet.member m LEFT JOIN pg_roles r ON r.rolname = m.login ORDER BY 1, 3",
            ([f"fleet_{each}" for each in ROLES],),
        ).fetchall()
    found: dict[str, Login] = {}
    for name, role, account, may, connections, most in rows:
        login = found.setdefault(name, Login(name, role, {}, connections, most))
        login.accounts[account] = tuple(may)
    return list(found.values())


def _checked(
    name: str, role: str, accounts: Sequence[str], may: Sequence[str], password: str
) -> tuple[str, ...]:
    """参数都对：给出要记下的权限。"""
    if not _NAME.fullmatch(name) or name.startswith(_RESERVED):
        told = "应为小写字母开头，小写字母、数字、下划线，40 个以内；不以 fleet_、pg_ 开头"
        raise UsageError("NAME", name, told)
    if role not in ROLES:
        raise UsageError("--role", role, f"应为 {'、'.join(ROLES)} 之一")
    if not accounts:
        raise UsageError("--account", None, "至少写一个账号；全部账号写 --all")
    for each in accounts:
        if each != EVERY:
            checks.name("--account", each)
    if password and len(password) < _SHORTEST:
        raise UsageError("--password", "…", f"密码至少 {_SHORTEST} 个字符；不写就取一个新的")
    if role != "strategy":
        if may:
            raise UsageError("--may", ",".join(may), f"只有策略要写；{role} 的权限是定好的")
        return _OWN[role]
    wrong = [each for each in may if each not in SCOPES]
    if wrong or not may:
        raise UsageError("--may", ",".join(may), f"应为 {'、'.join(SCOPES)}，可以几样，逗号隔开")
    return tuple(each for each in SCOPES if each in may or each == "read")


def _check_present(
    connection: psycopg.Connection[Any], name: str, role: str, found: Login | None, update: bool
) -> None:
    if update:
        if found is None:
            raise UsageError("NAME", name, "没有这个登录名，不能改；去掉 --update 就是新加一个")
        if found.role != role:
            told = f"它的身份是 {found.role}；要换身份，先 login remove 再 login add"
            raise UsageError("--role", role, told)
        return
    if found is not None:
        raise UsageError("NAME", name, "已经有这个登录名；改它的账号、权限、密码加上 --update")
    row = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
    if row is not None:
        raise UsageError("NAME", name, "这台服务器上已经有这个角色，不是这一队的：换一个名字")


def _make(connection: psycopg.Connection[Any], name: str, role: str) -> None:
    from psycopg import sql

    most, limits = _LIMITS[role]
    login = sql.Identifier(name)
    connection.execute(sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT {}").format(login, most))
    group = sql.Identifier(f"fleet_{role}")
    connection.execute(sql.SQL("GRANT {} TO {}").format(group, login))
    for setting, value in {**limits, **_IDLE}.items():
        alter = sql.SQL("ALTER ROLE {} SET {} = {}")
        words = sql.SQL(", ").join(map(sql.Literal, value.split(", ")))
        connection.execute(alter.format(login, sql.Identifier(setting), words))


def _set_password(connection: psycopg.Connection[Any], name: str, password: str) -> None:
    from psycopg import sql

    digest = connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    ).decode()
    alter = sql.SQL("ALTER ROLE {} PASSWORD {}")
    connection.execute(alter.format(sql.Identifier(name), sql.Literal(digest)))


def _as_owner(connection: psycopg.Connection[Any]) -> None:
    connection.execute(f"SET LOCAL ROLE {OWNER}")


def _create(connection: psycopg.Connection[Any], role: str) -> None:
    from psycopg import errors

    with suppress(errors.DuplicateObject, errors.UniqueViolation):  # 别人同时在建
        connection.execute(f"CREATE ROLE {role} NOLOGIN")


def _create_schema(connection: psycopg.Connection[Any]) -> None:
    from psycopg import errors

    # IF NOT EXISTS 看不见别人还没有提交的：等到了才说重复
    with suppress(errors.DuplicateSchema, errors.UniqueViolation):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS fleet AUTHORIZATION {OWNER}")


def _join_owner(connection: psycopg.Connection[Any], me: str) -> None:
    """自己扮得了主人。"""
    from psycopg import errors

    # 16 起建角色的自动有它的 ADMIN 而扮不了它
    way = "SET" if connection.info.server_version >= 160_000 else "MEMBER"
    row = connection.execute("SELECT pg_has_role(%s, %s)", (OWNER, way)).fetchone()
    assert row is not None
    if row[0]:
        return
    try:
        connection.execute(f"GRANT {OWNER} TO CURRENT_USER")
    except errors.InsufficientPrivilege:
        raise UsageError(
            "dsn", me,
            f"角色 {OWNER} 是别的登录名建的，这个扮不了。用当初 init 的那个登录名，或让它执行："
            f'GRANT {OWNER} TO "{me}";',
        ) from None  # fmt: skip
