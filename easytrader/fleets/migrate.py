"""建表与升级：包里编了号的 SQL 文件，一个文件一个事务，执行过的记在 ``fleet.schema_version``。

几台机器同时升级也只做一次（每个事务先拿同一把咨询锁）。**先扩、再换、后收**：

- 平常的文件只添（列、函数、视图）：旧一版的代理、策略照样能用，机器一台一台换；
- 头一行写着 ``-- contract`` 的才去掉旧的东西：有租约的代理都换过来了才执行，
  否则停在那里，说是哪台机器。

写过的文件不改（记着摘要），要改就再添一个。SQLite 的表由它自己建，这里没有事做。
"""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.errors import EasytraderError, UsageError
from easytrader.fleets import address, admin, roles
from easytrader.fleets.words import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from psycopg import Connection

_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK: Final = 0x666C656574  # 「fleet」：谁在改表
_WAIT_S: Final = 60
"""别人正在改表，最多等这么久。"""
_LOCK_S: Final = 5
"""改一张表要等正在用它的，最多这么久：等久了会把下单的也堵在后面。"""

_BOOK: Final = """
CREATE TABLE IF NOT EXISTS schema_version (
    version integer PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by_login text NOT NULL DEFAULT session_user
);
CREATE TABLE IF NOT EXISTS identity (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    created timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO identity DEFAULT VALUES ON CONFLICT DO NOTHING
"""


class Step(NamedTuple):
    """一个 SQL 文件。

    Attributes:
        version: 第几个。
        name: 文件名。
        text: 内容，Windows 的换行已经换掉。
    """

    version: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """内容的 SHA-256。"""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def contracts(self) -> bool:
        """去掉旧的东西：全队都换过来了才执行。"""
        return self.text.startswith("-- contract")


def packaged(folder: Path | None = None) -> list[Step]:
    """包里的 SQL 文件，照号。

    Args:
        folder: 别的文件夹，测试用。
    """
    where = folder or resources.files("easytrader.fleets") / "schema"
    found = []
    for each in where.iterdir():
        named = _NAME.fullmatch(each.name)
        if named is not None:
            text = each.read_bytes().decode().replace("\r\n", "\n")
            found.append(Step(int(named[1]), each.name, text))
    found.sort()
    numbers = [each.version for each in found]
    assert numbers == list(range(1, len(found) + 1)), f"SQL 文件的号不连续：{numbers}"
    return found


def prepare(
    dsn: str, *, tell: Callable[[str], object] = lambda _: None, steps: Sequence[Step] | None = None
) -> int:
    """建好身份（角色）、schema 与表；都有了的只升级。返回此刻是第几版。

    Args:
        dsn: 管理员的地址：要能在这个库里建 schema、能建角色（``CREATEROLE``），不必是超级用户。
        tell: 每做一步说一句；没有密码。
        steps: 要执行的文件，测试用。

    Raises:
        UsageError: 地址不对，权限不够（说缺哪一个、怎么给），服务器太旧，表比这里的新。
        ConnectFailedError: 连不上，别人正在改表。
        MissingDependencyError: 没有装 psycopg。
    """
    if admin.postgres_of(dsn) is None:
        tell("SQLite 的表由它自己建，没有要做的")
        return 0
    with admin.opened(dsn) as connection:
        roles.ensure(connection, tell)
        return _apply(connection, packaged() if steps is None else steps, tell)


def upgrade(
    dsn: str, *, tell: Callable[[str], object] = lambda _: None, steps: Sequence[Step] | None = None
) -> int:
    """把已经建好的升到这里的版本；异常、返回同 `prepare`，还没有建的也抛 `UsageError`。"""
    if admin.postgres_of(dsn) is None:
        tell("SQLite 的表由它自己建，没有要做的")
        return 0
    with admin.opened(dsn) as connection:
        if version(connection) is None:
            told = "这个库里还没有一队账号的表：先 easytrader fleet init"
            raise UsageError("dsn", address.where(dsn), told)
        return _apply(connection, packaged() if steps is None else steps, tell)


def version(connection: Connection[Any]) -> int | None:
    """表是第几版；没有建过为 None。"""
    row = connection.execute("SELECT to_regclass('fleet.schema_version') IS NOT NULL").fetchone()
    assert row is not None
    if not row[0]:
        return None
    row = connection.execute(
        "SELECT coalesce(max(version), 0) FROM fleet.schema_version"
    ).fetchone()
    assert row is not None
    return int(row[0])


def _apply(
    connection: Connection[Any], steps: Sequence[Step], tell: Callable[[str], object]
) -> int:
    with connection.transaction():
        _enter(connection)
        connection.execute(_BOOK)
        done = _done(connection)
    _check(done, steps)
    for step in steps:
        if step.version not in done:
            _run(connection, step, tell)
    with connection.transaction():
        _enter(connection)
        roles.grant(connection)
    here = steps[-1].version if steps else 0
    tell(f"表是第 {here} 版（{admin.server(connection)}），权限已照身份给好")
    return here


def _run(connection: Connection[Any], step: Step, tell: Callable[[str], object]) -> None:
    with admin.told(f"{step.name} 没有执行，整个文件已撤回"), connection.transaction():
        _enter(connection)
        if step.version in _done(connection):  # 等锁的时候别人做了
            return
        if step.contracts:
            _check_all_moved(connection, step)
        connection.execute(step.text.encode())
        connection.execute(
            "INSERT INTO schema_version (version, name, digest) VALUES (%s, %s, %s)",
            (step.version, step.name, step.digest),
        )
    tell(f"已执行 {step.name}")


def _enter(connection: Connection[Any]) -> None:
    """一个事务的开头：只有一个人在改表，用主人的身份，锁不久等。"""
    local = "SELECT set_config(%s, %s, true)"
    connection.execute(local, ("lock_timeout", f"{_WAIT_S}s"))
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    connection.execute(local, ("lock_timeout", f"{_LOCK_S}s"))
    connection.execute("SET LOCAL ROLE fleet_owner")
    connection.execute("SET LOCAL search_path = fleet, pg_temp")


def _done(connection: Connection[Any]) -> dict[int, tuple[str, str]]:
    rows = connection.execute("SELECT version, name, digest FROM schema_version").fetchall()
    return {number: (name, digest) for number, name, digest in rows}


def _check(done: dict[int, tuple[str, str]], steps: Sequence[Step]) -> None:
    """Raises UsageError: 表比这里的新，执行过的文件与这里的不同。"""
    newest = max(done, default=0)
    if newest > len(steps):
        raise UsageError(
            "dsn", f"第 {newest} 版的表",
            f"这里的 easytrader 只认得到第 {len(steps)} 版（{done[newest][0]} 不认识）："
            "先升级这台机器的 easytrader；表没有动",
        )  # fmt: skip
    for step in steps:
        if step.version in done and done[step.version] != (step.name, step.digest):
            raise UsageError(
                "dsn", f"{done[step.version][0]}",
                f"已经执行过的第 {step.version} 个文件与这里的 {step.name} 不一样：不是同一个发行版"
                "建的表；表没有动",
            )  # fmt: skip


def _check_all_moved(connection: Connection[Any], step: Step) -> None:
    rows = connection.execute(
        "SELECT account_id, box, protocol FROM account"
        " WHERE lease_until > clock_timestamp() AND protocol < %s ORDER BY 1 LIMIT 5",
        (PROTOCOL,),
    ).fetchall()
    if rows:
        old = "、".join(f"{account}（{box} 说第 {said} 版）" for account, box, said in rows)
        raise EasytraderError(
            f"{step.name} 要去掉旧的东西，这些账号的代理还没有换：{old}；"
            "换了再来，前面的文件已经好了"
        )
