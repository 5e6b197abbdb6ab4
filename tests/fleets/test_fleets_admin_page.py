"""「一队账号：管理」那一页：视图的表就是 SQL 里的说明，上限、期限就是代码里的。

重写那几张表：``python tests/fleets/test_fleets_admin_page.py``。
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from easytrader.fleets import migrate, roles, upkeep

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "zh" / "fleet_admin.md"
FOLDER = DOCS / "fleet"
BETWEEN = re.compile(r"(<!-- 视图：.*? -->\n)(.*?)(<!-- 视图完 -->)", re.DOTALL)
VIEW = re.compile(r"COMMENT ON VIEW fleet\.(\w+) IS\s+'([^']+)';")
COLUMN = re.compile(r"COMMENT ON COLUMN fleet\.(\w+)\.(\w+) IS\s+'([^']+)';")


def tables() -> str:
    """全部视图，一个一张表。"""
    text = "\n".join(step.text for step in migrate.packaged())
    columns: dict[str, list[tuple[str, str]]] = {}
    for view, column, told in COLUMN.findall(text):
        columns.setdefault(view, []).append((column, told))
    drawn = []
    for view, told in VIEW.findall(text):
        who, _, what = told.partition(":")
        lines = [f"### `fleet.{view}`", "", f"{what.strip()}（{'、'.join(who.split())}）。", ""]
        lines += ["| 列 | 是什么 |", "|---|---|"]
        lines += [f"| `{column}` | {each} |" for column, each in columns[view]]
        drawn.append("\n".join(lines))
    return "\n" + "\n\n".join(drawn) + "\n\n"


def test_the_tables_are_the_comments() -> None:
    found = BETWEEN.search(PAGE.read_text("utf-8"))
    assert found is not None
    assert found[2] == tables(), "python tests/fleets/test_fleets_admin_page.py 重写"


def test_limits_and_terms_are_the_ones_in_code() -> None:
    page = PAGE.read_text("utf-8")
    for role, (most, limits) in roles._LIMITS.items():
        statement, lock = (limits[key].rstrip("s") for key in ("statement_timeout", "lock_timeout"))
        assert f"| `{role}` | {most} | {statement} 秒 | {lock} 秒" in page
    assert f"事件留 {upkeep.MONTHS} 个月" in page
    assert f"记 {upkeep.DAYS} 天" in page


def test_every_column_of_every_view_is_documented(pg_dsn: str) -> None:
    from fleets.pg_server import execute

    rows = execute(
        pg_dsn,
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'fleet'::regnamespace AND c.relkind = 'v' AND a.attnum > 0"
        " AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)",
    )
    assert rows == []


def test_the_compose_file_mounts_what_the_settings_name() -> None:
    compose = (FOLDER / "compose.yaml").read_text("utf-8")
    conf = (FOLDER / "postgresql.conf").read_text("utf-8")
    for line in conf.splitlines():
        if "'/etc/fleet/" in line:
            path = line.split("'")[1]
            assert f":{path}:ro" in compose, path
            assert (FOLDER / Path(path).name).exists() or "server." in path
    services = pytest.importorskip("yaml").safe_load(compose)["services"]
    assert {each["image"] for each in services.values()} == {"postgres:16"}
    assert "archive:/var/lib/postgresql/archive" in services["postgres"]["volumes"]
    assert "archive-owner" in services["postgres"]["depends_on"]
    for word in ("synchronous_commit = on", "fsync = on", "ssl = on", "archive_mode = on"):
        assert word in conf


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    PAGE.write_text(BETWEEN.sub(lambda found: found[1] + tables() + found[3], text), "utf-8")
