"""文档页「风控」的两张表与代码一致。"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from risk_helpers import Clock, post_of
from support import ROOT

from easytrader.risk import Guard

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "zh" / "guard.md").read_text(encoding="utf-8")


def table(title: str) -> list[list[str]]:
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_rule_with_its_default() -> None:
    assert [(row[0], row[1]) for row in table("规则")] == [
        (field.name, str(field.default)) for field in fields(Guard)
    ]


def test_every_key_of_the_status(meter_path: Path, clock: Clock) -> None:
    post = post_of(Guard(), meter_path, clock)
    assert [row[0] for row in table("看一眼")] == list(post.status())
    post.meter.close()


def test_the_numbers_in_the_text() -> None:
    guard = Guard()
    assert f"每秒 {guard.max_per_second} 次" in PAGE
    assert f"每天 {guard.max_per_day:,} 次" in PAGE
    assert f"委托到 {guard.max_orders_per_day:,} 次" in PAGE
