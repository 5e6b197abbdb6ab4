"""交易日历：内置的表与库一致，客户端自己的日历接得上，快到头时说。"""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from datetime import date, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.basics.beijing import BEIJING
from easytrader.basics.log import Log
from easytrader.market import calendar, notice
from easytrader.miniqmt.vendor import client_calendar
from easytrader.miniqmt.vendor.loader import Vendor

if TYPE_CHECKING:
    from collections.abc import Iterator

END = date(2026, 12, 31)
NEW_YEAR = {date(2027, 1, 1)}
SPRING = {date(2027, 2, 5) + timedelta(days=n) for n in range(7)}
LABOUR = {date(2027, 5, n) for n in (3, 4, 5)}
AUTUMN = {date(2027, 10, n) for n in range(1, 8)}
CLOSED = NEW_YEAR | SPRING | LABOUR | AUTUMN  # 只是样子


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(calendar, "_learned", None)
    monkeypatch.setattr(client_calendar, "_asked_on", None)
    monkeypatch.setattr(notice, "_said", set())
    calendar.reload()
    yield
    monkeypatch.undo()
    calendar.reload()


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def trading(closed: set[date], year: int = 2027) -> list[date]:
    every = days(date(year, 1, 1), date(year, 12, 31))
    return [day for day in every if day.weekday() < 5 and day not in closed]


def test_the_table_agrees_with_the_library() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = pytest.importorskip("exchange_calendars").get_calendar(
            "XSHG", start="2000-01-01", end="2026-12-31"
        )
    sessions = {session.date() for session in library.sessions}
    found = {day for day in days(date(2000, 1, 1), END) if calendar.is_trading_day(day)}
    assert found == sessions


def test_the_table_is_closed_weekdays_with_a_source() -> None:
    table = calendar._built_in()
    assert table.covers == (date(2000, 1, 1), END)
    assert all(day.weekday() < 5 for day in table.closed)
    assert not table.opened


def test_the_calendar_needs_no_heavy_package() -> None:
    code = (
        "import sys; from datetime import date; from easytrader.market.calendar import *;"
        "assert is_trading_day(date(2026, 11, 20));"
        "print([m for m in ('pandas', 'numpy', 'exchange_calendars') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.parametrize(
    ("today", "left"),
    [(date(2026, 11, 1), None), (date(2026, 11, 2), END), (date(2027, 3, 1), END)],
)
def test_the_end_is_seen_sixty_days_before(today: date, left: date | None) -> None:
    assert calendar.ending(today) == left


# 客户端自己的日历 ----------------------------------------------------------


def test_a_client_fills_the_next_year_and_no_more() -> None:
    assert calendar.learn(date(2027, 1, 1), date(2027, 12, 31), trading(CLOSED))
    answers = {
        date(2026, 12, 31): True,
        date(2027, 1, 1): False,
        date(2027, 1, 4): True,
        date(2027, 2, 8): False,
        date(2027, 12, 31): True,
        date(2028, 1, 3): None,
    }
    assert {day: calendar.is_trading_day(day) for day in answers} == answers
    assert calendar.ending(date(2027, 3, 1)) is None


def test_a_client_does_not_overrule_the_table() -> None:
    told = [*trading(set(), 2026), *trading(CLOSED)]
    assert calendar.learn(date(2026, 1, 1), date(2027, 12, 31), told)
    assert calendar.is_trading_day(date(2026, 10, 1)) is False


@pytest.mark.parametrize(
    "told",
    [
        [],  # 整年不开市
        trading(set()),  # 一天也不休：节假日还没有下载
        trading(NEW_YEAR),  # 只知道元旦
        [*trading(CLOSED), date(2027, 2, 6)],  # 周六开市
    ],
)
def test_a_year_that_cannot_be_is_not_learned(told: list[date]) -> None:
    assert not calendar.learn(date(2027, 1, 1), date(2027, 12, 31), told)
    assert not calendar.learn(date(2028, 1, 1), date(2028, 12, 31), trading(CLOSED, 2028))
    assert calendar.is_trading_day(date(2027, 1, 4)) is None


def a_vendor(get_trading_calendar: Any, simulated: bool = False) -> Vendor:
    plug = ModuleType("plug")
    plug.xtdata = SimpleNamespace(  # type: ignore[attr-defined]
        get_trading_calendar=get_trading_calendar,
        get_client=lambda: SimpleNamespace(simulated=simulated),
    )
    return Vendor("plug", object, object, plug)


def at(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    now = datetime(day.year, day.month, day.day, 10, tzinfo=BEIJING)
    monkeypatch.setattr(client_calendar, "beijing_now", lambda: now)


def ask(vendor: Vendor, trader: object = None) -> bool:
    thread = client_calendar.ask_soon(trader, vendor, Log())
    if thread is not None:
        thread.join(30)
        assert not thread.is_alive()
    return thread is not None


def test_a_connected_client_is_asked_for_the_days_past_the_table(
    monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    asked: list[tuple[str, ...]] = []

    def told(*args: str) -> list[str]:
        asked.append(args)
        return [f"{day:%Y%m%d}" for day in trading(CLOSED)]

    at(monkeypatch, date(2026, 10, 20))
    assert not ask(a_vendor(told))  # 还够用
    at(monkeypatch, date(2026, 12, 1))
    simulated = SimpleNamespace(async_client=SimpleNamespace(last_price=lambda *_: 1.0))
    assert not ask(a_vendor(told), simulated)
    assert ask(a_vendor(told))
    assert asked == [("SH", "20270101", "")]
    assert calendar.is_trading_day(date(2027, 2, 8)) is False
    assert not any("WARNING" in line for line in logged)
    assert not ask(a_vendor(told))


def unknown(*_: str) -> list[str]:
    raise RuntimeError("end_time() 超出现有节假日数据(20261231)")


@pytest.mark.parametrize(
    "vendor",
    [
        a_vendor(unknown),
        a_vendor(lambda *_: []),
        a_vendor(lambda *_: None),
        a_vendor(lambda *_: ["明年"]),
        a_vendor(lambda *_: [f"{day:%Y%m%d}" for day in trading(CLOSED)], simulated=True),
        Vendor("plug", object, object, ModuleType("plug")),
    ],
    ids=["不知道", "空的", "None", "乱的", "模拟行情", "没有行情接口"],
)
def test_a_client_that_does_not_know_is_only_a_warning(
    monkeypatch: pytest.MonkeyPatch, logged: list[str], vendor: Vendor
) -> None:
    at(monkeypatch, date(2026, 12, 1))
    assert ask(vendor)
    assert calendar.is_trading_day(date(2027, 1, 4)) is None
    (said,) = [line for line in logged if line.startswith("WARNING")]
    assert "交易日历只到 2026-12-31" in said
    assert "trading_days.json" in said
    assert not ask(vendor)  # 一天问一次


def test_a_client_that_hangs_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    release = threading.Event()
    monkeypatch.setattr(client_calendar, "_LIMIT_S", 0.05)
    at(monkeypatch, date(2026, 12, 1))
    assert ask(a_vendor(lambda *_: release.wait()))
    assert any("交易日历只到" in line for line in logged)
    release.set()
