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

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

_CONNECT_S: Final = 10
_OLDEST: Final = 14
"""PostgreSQL 最旧第几版。"""
_SCHEMES: Final = ("postgresql://", "postgres://")


def is_postgres(dsn: object) -> bool:
    """是 PostgreSQL 的地址。"""
    return isinstance(dsn, str) and dsn.startswith(_SCHEMES)


@contextmanager
def opened(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """连上，自动提交；用完关掉。里面抛出的数据库错误都换成本库的。

    Raises:
        UsageError: 地址不对，服务器太旧，权限不够。
        ConnectFailedError: 连不上。
        QueryFailedError: 别的。
        MissingDependencyError: 没有装 psycopg。
    """
    try:
        import psycopg
    except ImportError as exc:
        raise MissingDependencyError("PostgreSQL 要另装：pip install easytrader[fleet]") from exc
    place = where(dsn)
    try:
        connection = psycopg.connect(
            dsn, autocommit=True, connect_timeout=_CONNECT_S, application_name="easytrader fleet"
        )
    except psycopg.OperationalError as exc:
        raise ConnectFailedError(f"连不上 {place}：{_line(exc)}") from None
    except psycopg.ProgrammingError as exc:
        raise UsageError("DSN", place, f"地址不对：{_line(exc)}") from None
    with connection:
        if connection.info.server_version < _OLDEST * 10_000:
            told = f"要 PostgreSQL {_OLDEST} 以上，这是 {server(connection)}"
            raise UsageError("DSN", place, told)
        with told_as(place):
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
        return UsageError("DSN", place, f"{what}这个登录名权限不够：{line}")
    if isinstance(exc, (errors.LockNotAvailable, errors.QueryCanceled)):
        return ConnectFailedError(f"{what}等不到锁，表正忙，过一会儿再来：{line}")
    if isinstance(exc, (errors.ObjectInUse, errors.DependentObjectsStillExist)):
        return QueryFailedError(f"{what}还有东西在用它：{line}")
    if isinstance(exc, errors.OperationalError):
        return ConnectFailedError(f"{what}连接断了：{line}")
    return QueryFailedError(f"{what}{exc.sqlstate or type(exc).__name__} {line}")


def where(dsn: str) -> str:
    """地址，没有密码、没有参数。"""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(dsn)
        host = parts.netloc.rpartition("@")[2]
        user = f"{parts.username}@" if parts.username else ""
    except ValueError:
        return "postgresql://…"
    return f"{parts.scheme}://{user}{host}{parts.path}"


def server(connection: psycopg.Connection[Any]) -> str:
    """``PostgreSQL 15.18``。"""
    number = connection.info.server_version
    return f"PostgreSQL {number // 10_000}.{number % 10_000}"


def _line(exc: Exception) -> str:
    """错误的第一行。"""
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
