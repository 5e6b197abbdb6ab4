"""身份与登录名：四种身份是没有登录的角色，人与机器各有自己的登录名。

``fleet_owner`` 是表的主人，只有管理员扮得了；``fleet_agent``、``fleet_strategy``、
``fleet_operator``、``fleet_audit`` 各能调用哪些函数，由函数的说明（``COMMENT``）冒号前面的
名字决定。
哪个登录名管得到哪个账号记在 ``fleet.member``；角色是整个服务器的，`member` 是这个库的：
同一台服务器上别的队的登录名在这里什么都做不了。
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

OWNER: Final = "fleet_owner"
ROLES: Final = ("agent", "strategy", "operator", "audit")
"""身份，数据库里的角色名前面加 ``fleet_``。"""


def ensure(connection: psycopg.Connection[Any], tell: Callable[[str], None]) -> None:
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
            "DSN", me,
            f"要建角色 {'、'.join(missing)}，这个登录名没有 CREATEROLE。让管理员执行："
            f'ALTER ROLE "{me}" CREATEROLE;（托管的服务器用它给的管理员登录名）',
        )  # fmt: skip
    if not has_schema and not creates_schemas:
        raise UsageError(
            "DSN", me,
            f"要在库 {database} 里建 schema，这个登录名没有 CREATE。让管理员执行："
            f'GRANT CREATE ON DATABASE "{database}" TO "{me}";',
        )  # fmt: skip
    for each in missing:
        _create(connection, each)
        tell(f"已建角色 {each}（不能登录）")
    _join_owner(connection, me)
    if not has_schema:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS fleet AUTHORIZATION {OWNER}")
        tell(f"已在库 {database} 里建 schema fleet")


def grant(connection: psycopg.Connection[Any]) -> None:
    """照函数的说明把权限给各个身份；要在主人的身份下、一个事务里。"""
    found = connection.execute("SELECT to_regprocedure('fleet.grant_all()') IS NOT NULL").fetchone()
    if found is not None and found[0]:
        connection.execute("SELECT fleet.grant_all()")


def _create(connection: psycopg.Connection[Any], role: str) -> None:
    from psycopg import errors

    with suppress(errors.DuplicateObject, errors.UniqueViolation):  # 别人同时在建
        connection.execute(f"CREATE ROLE {role} NOLOGIN")


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
            "DSN", me,
            f"角色 {OWNER} 是别的登录名建的，这个扮不了。用当初 init 的那个登录名，或让它执行："
            f'GRANT {OWNER} TO "{me}";',
        ) from None  # fmt: skip
