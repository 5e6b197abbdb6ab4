"""一天里的时刻、推进与比较。"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from counter_desk import Desk

SHANGHAI = timezone(timedelta(hours=8))


def at(*clock: int, day: int = 20) -> float:
    """2026-11-``day`` 的时、分、秒。"""
    return datetime(2026, 11, day, *clock, tzinfo=SHANGHAI).timestamp()


def walk(desk: Desk, until: float, step: float = 3.0) -> list[Any]:
    """一步一步走到 ``until``；返回这段时间的推送。"""
    seen: list[Any] = []
    while desk.clock.now() < until:
        desk.clock.set(min(desk.clock.now() + step, until))
        seen += desk.engine.advance().events
    return seen


def jump(desk: Desk, until: float) -> list[Any]:
    """一步跳到 ``until``，补撮合做完为止。"""
    desk.clock.set(until)
    seen: list[Any] = []
    while True:
        outcome = desk.engine.advance()
        seen += outcome.events
        if not outcome.answer:
            return seen


def stored(desk: Desk) -> list[Any]:
    """账本里的一切。"""
    db = sqlite3.connect(desk.folder.store_path)
    try:
        tables = ("orders", "trades", "accounts", "positions", "queues")
        return [db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    finally:
        db.close()


def error_of(outcome: Any) -> str:
    """推送里的第一条错误文字。"""
    return next(each.row.error_msg for each in outcome.events if "error" in each.kind)
