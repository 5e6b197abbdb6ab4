"""承诺页、十五条、二十八条里点名的测试都真的在。"""

from __future__ import annotations

import re

import pytest
from docs_helpers import DOCS, ROOT

TEXT = (DOCS / "promises.md").read_text(encoding="utf-8")
CONFORMANCE = (DOCS / "conformance.md").read_text(encoding="utf-8")
TERMINAL = (DOCS / "terminal.md").read_text(encoding="utf-8")
PAGES = TEXT + CONFORMANCE + TERMINAL
NAMED = sorted(set(re.findall(r"`(tests/[^`:\s]+\.py)(?:::(\w+))?`", PAGES)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_named_test_exists(file: str, name: str) -> None:
    source = (ROOT / file).read_text(encoding="utf-8")
    assert f"def {name}(" in source if name else "def test_" in source


def test_every_promise_names_a_test() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith("| 承诺")]
    assert len(promises) > 20
    assert all("`tests/" in row.split("|")[3] for row in promises)


def test_all_fifteen_points_name_a_test() -> None:
    rows = [line.split("|") for line in CONFORMANCE.splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(row[1]) for row in rows] == list(range(1, 16))
    assert all("`tests/" in row[3] for row in rows)


def test_all_twenty_eight_points_of_the_terminal_name_a_test() -> None:
    rows = [line.split("|") for line in TERMINAL.splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(row[1]) for row in rows] == list(range(1, 29))
    assert all("`tests/" in row[3] for row in rows)
