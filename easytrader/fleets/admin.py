"""管理员的连接：建表、发登录名、维护用它；平常的读写在 `postgres`。"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import (
    ConnectFailedError,
    EasytraderError,
    MissingDependencyError,
    QueryFailedError,
    UsageError,
)
from easytrader.fleets import address
from easytrader.fleets.address import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

_CONNECT_S: Final = 10
_OLDEST: Final = 14
"""PostgreSQL 最旧第几版。"""


def postgres_of(dsn: object) -> Postgres | None:
    """PostgreSQL 的地址；SQLite 的为 None。

    Raises:
        UsageError: 不是地址。
    """
    found = address.resolved(dsn)
    return found if isinstance(found, Postgres) else None


@contextmanager
def opened(dsn: object) -> Iterator[psycopg.Connection[Any]]:
    """连上，自动提交；用完关掉。里面抛出的数据库错误都换成本库的。

    Raises:
        UsageError: 地址不对，不是 PostgreSQL，服务器太旧，权限不够。
        ConnectFailedError: 连不上。
        QueryFailedError: 别的。
        MissingDependencyError: 没有装 psycopg。
    """
    found = postgres_of(dsn)
    if found is None:
        told = "这个命令只有 PostgreSQL 要；SQLite 只有一台机器、一个人，不用它"
        raise UsageError("dsn", address.where(dsn), told)
    try:
        import psycopg
    except ImportError as exc:
        raise MissingDependencyError('要另装：pip install "easytrader[fleet]"') from exc
    try:
        connection = psycopg.connect(
            found.uri, autocommit=True, connect_timeout=_CONNECT_S,
            application_name="easytrader fleet",
        )  # fmt: skip
    except psycopg.OperationalError as exc:
        raise ConnectFailedError(f"连不上 {found.where}：{_line(exc)}") from None
    except psycopg.ProgrammingError as exc:
        raise UsageError("dsn", found.where, f"地址不对：{_line(exc)}") from None
    with connection:
        if connection.info.server_version < _OLDEST * 10_000:
            told = f"要 PostgreSQL {_OLDEST} 以上，这是 {server(connection)}"
            raise UsageError("dsn", found.where, told)
        with told_as(found.where):
            yield connection


@contextmanager
def told(what: str) -> Iterator[None]:
    """数据库的错误换成本库的，前面加一句 ``what``。"""
    with told_as("", what):
        yield


@contextmanager
def told_as(place: str, what: str = "") -> Iterator[None]:
    """见 `told`。"""
    import psycopg

    try:
        yield
    except psycopg.Error as exc:
        raise _ours(exc, place, f"{what}：" if what else "") from exc


def _ours(exc: psycopg.Error, place: str, what: str) -> EasytraderError:
    from psycopg import errors

    line = _line(exc)
    if isinstance(exc, errors.InsufficientPrivilege):
        return UsageError("dsn", place, f"{what}这个登录名权限不够：{line}")
    if isinstance(exc, (errors.LockNotAvailable, errors.QueryCanceled)):
        return ConnectFailedError(f"{what}等不到锁，表正忙，过一会儿再来：{line}")
    if isinstance(exc, (errors.ObjectInUse, errors.DependentObjectsStillExist)):
        return QueryFailedError(f"{what}还有东西在用它：{line}")
    if isinstance(exc, errors.OperationalError):
        return ConnectFailedError(f"{what}连接断了：{line}")
    return QueryFailedError(f"{what}{exc.sqlstate or type(exc).__name__} {line}")


def server(connection: psycopg.Connection[Any]) -> str:
    """``PostgreSQL 15.18``。"""
    number = connection.info.server_version
    return f"PostgreSQL {number // 10_000}.{number % 10_000}"


def _line(exc: Exception) -> str:
    """错误的第一行。"""
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]


def address_for(dsn: object, login: str) -> str:
    """同一个库，换一个登录名的地址；没有密码。"""
    found = postgres_of(dsn)
    assert found is not None
    options = {**found.options, "user": login}
    options.pop("password", None)
    place = Postgres(options, "").uri
    host, port = options.pop("host", ""), options.pop("port", "")
    name = options.pop("dbname", "")
    del options["user"]
    if "," in host or host.startswith("/"):
        return place
    query = Postgres(options, "").uri.partition("?")[2]
    tail = f"?{query}" if query else ""
    return f"postgresql://{login}@{host}{f':{port}' if port else ''}/{name}{tail}"
