"""保留：后面几个月的分区，太旧的先存成 Parquet 再去掉，每天一个 SHA-256；给 cron 用。

事件按月分区，留 `MONTHS` 个月；命令留 `DAYS` 天，没有结果的一直留着：一个编号
（``client_order_id``）在这之内再来，得到的是原来那一笔，不会发第二次。留底（``fleet.audit``）不去掉。
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import MissingDependencyError, QueryFailedError, UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    import psycopg

MONTHS: Final = 13
DAYS: Final = 400
_MARK_DAYS: Final = 40
"""作废的请求、待传的记录传到了哪里，留这么久：一条命令最多有效一天，一份待传的记录早就传完了。"""
_SMALL: Final = (
    ("tombstone", "at", _MARK_DAYS),
    ("spool_mark", "at", _MARK_DAYS),
    ("question", "until", 1),
    ("note", "at", DAYS),
    ("taken", "day", DAYS),
    ("draw", "day", DAYS),
    ("past", "created_at", DAYS),
)
"""表、看哪一列、留几天。"""
_BATCH: Final = 5000
_COLUMNS: Final = (
    "account_id", "event_no", "day", "kind", "data", "command_id", "spool", "spool_no", "at",
)  # fmt: skip


def maintain(
    connection: psycopg.Connection[Any],
    *,
    ahead: int = 3,
    export: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    tell: Callable[[str], object] = lambda _: None,
) -> dict[str, Any]:
    """做一遍；可以随时再来，做过的不再做。

    Args:
        connection: 管理员的。
        ahead: 建好后面几个月的分区。
        export: 去掉的月份先存到这个文件夹；不写就不存，也不去掉。
        dry_run: 只说要做什么。
        tell: 每做一样说一句。

    Returns:
        ``{'dropped': [月份…], 'commands': 去掉几条, 'day': 昨天, 'digests': 见 `digest`,
        'remembered_days': 一个编号记几天}``。

    Raises:
        UsageError: 文件夹不对。
        MissingDependencyError: 要存而没有装 pyarrow。
        QueryFailedError: 数据库不肯；存下来的与表里的对不上。
    """
    folder = None if export is None else _folder(export)
    today = _one(connection, "SELECT fleet.today()")
    if not dry_run:
        with connection.transaction():
            _as_owner(connection)
            connection.execute("SELECT fleet.open_months(%s)", (ahead,))
            connection.execute("SELECT fleet.grant_all()")
        tell(f"后面 {ahead} 个月的分区都有了")
    dropped = []
    for month in _old_months(connection, today):
        if folder is None:
            tell(f"{month} 已过 {MONTHS} 个月；写了 --export DIR 才存下来、去掉")
        elif dry_run:
            tell(f"会把 {month} 存到 {folder}，再去掉")
        else:
            _drop(connection, month, folder, tell)
            dropped.append(month)
    commands = _forget(connection, today - timedelta(days=DAYS), dry_run)
    done = "会去掉" if dry_run else "去掉了"
    tell(f"{done} {commands} 条 {DAYS} 天以前的命令；一个编号记 {DAYS} 天")
    if not dry_run:
        _tidy(connection)
    yesterday = today - timedelta(days=1)
    digests = digest(connection, yesterday)
    for name, told in digests.items():
        tell(f"{yesterday} {name} {told['rows']} 行 sha256 {told['sha256']}")
    return {
        "dropped": dropped, "commands": commands, "day": str(yesterday), "digests": digests,
        "remembered_days": DAYS,
    }  # fmt: skip


def digest(connection: psycopg.Connection[Any], day: date) -> dict[str, dict[str, Any]]:
    """北京时间一天的事件、那一天为止的留底，各一个 SHA-256：以后算来不一样就是改过。

    一行一个 JSON 数组（``json.dumps(…, ensure_ascii=False)`` 加换行，UTF-8），照账号与编号。

    Returns:
        ``{'events': {'rows': 几行, 'sha256': …}, 'audit': 同}``。
    """
    events = (
        "SELECT account_id, event_no, kind, data, command_id, extract(epoch FROM at)::text"
        " FROM fleet.event WHERE day = %s ORDER BY account_id, event_no"
    )
    audit = (
        "SELECT audit_no, extract(epoch FROM at)::text, login, action, scope, data::text"
        " FROM fleet.audit WHERE at < (%s::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'"
        " ORDER BY audit_no"
    )
    return {
        "events": _digest(connection, events, day),
        "audit": _digest(connection, audit, day),
    }


def _digest(connection: psycopg.Connection[Any], query: str, day: date) -> dict[str, Any]:
    total, rows = hashlib.sha256(), 0
    for row in _streamed(connection, query, (day,)):
        total.update(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        rows += 1
    return {"rows": rows, "sha256": total.hexdigest()}


def _streamed(
    connection: psycopg.Connection[Any], query: Any, values: tuple[object, ...]
) -> Iterator[tuple[Any, ...]]:
    """一批一批地取：一天的事件也许装不进内存。"""
    with connection.transaction():
        _as_owner(connection)
        with connection.cursor("easytrader_upkeep") as cursor:
            cursor.itersize = _BATCH
            yield from cursor.execute(query, values)


def _old_months(connection: psycopg.Connection[Any], today: date) -> list[str]:
    """过了期的分区的月份，``202511`` 这样的，旧的在前。"""
    before = today.year * 12 + today.month - 1 - MONTHS
    oldest = f"{before // 12:04d}{before % 12 + 1:02d}"
    rows = connection.execute(
        "SELECT right(c.relname, 6) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'fleet.event'::regclass AND c.relname ~ '^event_[0-9]{6}$'"
        " AND right(c.relname, 6) < %s ORDER BY 1",
        (oldest,),
    ).fetchall()
    return [row[0] for row in rows]


def _drop(
    connection: psycopg.Connection[Any], month: str, folder: Path, tell: Callable[[str], object]
) -> None:
    from psycopg import sql

    table = sql.Identifier("fleet", f"event_{month}")
    rows = _save(connection, table, folder / f"event_{month}.parquet")
    with connection.transaction():
        _as_owner(connection)
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
        count = _one(connection, sql.SQL("SELECT count(*) FROM {}").format(table))
        if count != rows:
            raise QueryFailedError(
                f"{month} 存下了 {rows} 行，表里是 {count} 行：没有去掉，再来一次"
            )
        connection.execute(
            sql.SQL(
                "UPDATE fleet.tail t SET first_no = greatest(t.first_no, x.last + 1)"
                " FROM (SELECT account_id, max(event_no) AS last FROM {} GROUP BY 1) x"
                " WHERE t.account_id = x.account_id"
            ).format(table)
        )
        connection.execute(sql.SQL("DROP TABLE {}").format(table))
    tell(f"{month} 的 {rows} 条事件存到了 {folder / f'event_{month}.parquet'}，表里去掉了")


def _save(connection: psycopg.Connection[Any], table: Any, file: Path) -> int:
    """一个月存成 Parquet：先写在旁边，写完整个换上去。返回几行。"""
    from psycopg import sql

    try:
        pa = import_module("pyarrow")
        parquet = import_module("pyarrow.parquet")
    except ImportError as exc:
        raise MissingDependencyError("存成 Parquet 要另装：pip install pyarrow") from exc
    moment = pa.timestamp("us", "UTC")
    types = [pa.string(), pa.int64(), pa.date32(), *[pa.string()] * 4, pa.int64(), moment]
    schema = pa.schema(list(zip(_COLUMNS, types, strict=True)))
    query = sql.SQL("SELECT {} FROM {} ORDER BY account_id, event_no").format(
        sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)), table
    )
    beside = file.with_name(f"{file.name}.part")
    rows = 0
    try:
        with parquet.ParquetWriter(beside, schema) as writer:
            for batch in _batches(_streamed(connection, query, ())):
                columns = list(zip(*batch, strict=True))
                writer.write_table(pa.table(columns, schema=schema))
                rows += len(batch)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    return rows


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    batch: list[tuple[Any, ...]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _forget(connection: psycopg.Connection[Any], before: date, dry_run: bool) -> int:
    """去掉太旧的命令，一批一个事务；没有结果的留着。流水号越小越旧，照它走到不旧的为止。"""
    if dry_run:
        with connection.transaction():
            _as_owner(connection)
            return int(_one(
                connection,
                "SELECT count(*) FROM fleet.command WHERE created_at < %s"
                " AND state NOT IN ('queued', 'sending', 'unknown')", (before,),
            ))  # fmt: skip
    total, number, more = 0, -1, True
    while more:
        with connection.transaction():
            _as_owner(connection)
            row = connection.execute(
                "WITH batch AS (SELECT c.command_no, c.created_at FROM fleet.command c"
                "   WHERE c.command_no > %s ORDER BY c.command_no LIMIT %s),"
                " gone AS (DELETE FROM fleet.command c USING batch b"
                "   WHERE c.command_no = b.command_no AND c.created_at < %s"
                "   AND c.state NOT IN ('queued', 'sending', 'unknown') RETURNING 1)"
                " SELECT (SELECT count(*) FROM gone), max(command_no),"
                " coalesce(bool_or(created_at < %s), false) FROM batch",
                (number, _BATCH, before, before),
            ).fetchone()
            assert row is not None
            total, number, more = total + row[0], row[1], row[2]
    return total


def _tidy(connection: psycopg.Connection[Any]) -> None:
    """小的几样，一起去掉旧的。"""
    from psycopg import sql

    with connection.transaction():
        _as_owner(connection)
        for table, column, days in _SMALL:
            if _one(connection, "SELECT to_regclass(%s) IS NOT NULL", (f"fleet.{table}",)):
                connection.execute(
                    sql.SQL("DELETE FROM {} WHERE {} < now() - %s * interval '1 day'").format(
                        sql.Identifier("fleet", table), sql.Identifier(column)
                    ),
                    (days,),
                )


def _folder(export: str | os.PathLike[str]) -> Path:
    folder = Path(export)
    if not folder.is_dir():
        raise UsageError("--export", str(export), "没有这个文件夹；先建好")
    return folder


def _one(connection: psycopg.Connection[Any], query: Any, values: tuple[object, ...] = ()) -> Any:
    row = connection.execute(query, values).fetchone()
    assert row is not None
    return row[0]


def _as_owner(connection: psycopg.Connection[Any]) -> None:
    """主人的身份；锁不久等：等久了会把下单的也堵在后面。"""
    connection.execute("SET LOCAL ROLE fleet_owner")
    connection.execute("SET LOCAL lock_timeout = '5s'")
