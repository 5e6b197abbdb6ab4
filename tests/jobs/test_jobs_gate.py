"""开不开市：日历、几点、不知道的一天；模拟账户天天开市，按交易所时钟走的照日历。"""

from __future__ import annotations

import json
import threading
from datetime import date
from typing import TYPE_CHECKING

import pytest
from support import ACCOUNT, make_folder

from easytrader.backend.capabilities import Capabilities
from easytrader.basics import beijing, pace
from easytrader.basics.days import DayBoundary
from easytrader.jobs import gate
from easytrader.jobs.gate import account_gate, market_gate, profile_gate
from easytrader.market import calendar
from easytrader.miniqmt.vendor import client_calendar
from easytrader.profiles import AccountSpec, Profile
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MONDAY = "2026-11-30"
MIDNIGHT = "2026-11-30 00:30"
UNKNOWN = "2031-03-05 10:00"


@pytest.fixture(autouse=True)
def _fresh_calendar() -> Iterator[None]:
    calendar.reload()
    yield
    calendar.reload()


def at(text: str) -> float:
    return beijing.moment(text)


@pytest.mark.parametrize(
    ("clock", "state", "opened"),
    [
        ("09:14:59", "未开盘", False), ("09:15:00", "集合竞价", True),
        ("09:22:00", "集合竞价", True), ("09:27:00", "集合竞价", False),
        ("09:30:00", "连续竞价", True), ("11:29:59", "连续竞价", True),
        ("11:30:00", "午休", False), ("12:59:59", "午休", False), ("13:00:00", "连续竞价", True),
        ("14:57:00", "集合竞价", True), ("14:59:59", "集合竞价", True),
        ("15:00:00", "收盘", False), ("15:10:00", "收盘", False), ("23:00:00", "收盘", False),
    ],
)  # fmt: skip
def test_hours_of_a_trading_day(clock: str, state: str, opened: bool) -> None:
    found = market_gate(at(f"{MONDAY} {clock}"))
    assert (found.state, found.open, found.known) == (state, opened, True)
    assert MONDAY in found.reason
    assert clock in found.reason
    if opened:
        assert "SSE26" in found.source
    assert market_gate(at(f"{MONDAY} {clock}"), hours=False).open


@pytest.mark.parametrize("day", ["2026-11-29", "2026-10-01"])
def test_closed_days_name_the_next_one(day: str) -> None:
    for options in ({}, {"hours": False}, {"assume_open": True}):
        found = market_gate(at(f"{day} 10:00"), **options)
        assert (found.open, found.state, found.known) == (False, "休市", True)
        assert "下一个交易日是 2026-" in found.reason


def test_an_unknown_day_is_refused_with_the_remedy() -> None:
    found = market_gate(at(UNKNOWN))
    assert (found.open, found.known, found.state) == (False, False, "不知道")
    assert str(calendar.override_path()) in found.reason
    assert "--assume-open" in found.reason
    holiday = market_gate(at("2031-01-01 10:00"), assume_open=True)  # 元旦：不用等公布
    assert (holiday.open, holiday.known) == (False, True)
    allowed = market_gate(at(UNKNOWN), assume_open=True)
    assert (allowed.open, allowed.known, allowed.state) == (True, False, "连续竞价")
    assert not market_gate(at("2031-03-05 16:00"), assume_open=True).open


def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: object) -> None:
    file = tmp_path / "days.json"
    file.write_text(body if isinstance(body, str) else json.dumps(body), encoding="utf-8")
    monkeypatch.setenv(calendar.PATH_VARIABLE, str(file))


def test_the_override_file_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert market_gate(at(f"{MONDAY} 10:00")).open
    body = {"source": "公告", "as_of": "2026-11-29", "closed": [MONDAY]}
    told(tmp_path, monkeypatch, body)  # 排程一直开着：改了马上用
    assert market_gate(at(f"{MONDAY} 10:00")).state == "休市"
    told(tmp_path, monkeypatch, "不是 JSON")
    found = market_gate(at(f"{MONDAY} 10:00"))
    assert (found.open, found.known) == (False, False)
    assert "days.json" in found.reason


def test_what_the_client_says_fills_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    days, closed = next_year()
    trading = [day for day in days if day.weekday() < 5]
    monkeypatch.setattr(calendar, "_learned", None)
    assert not market_gate(at(f"{trading[5]} 10:00")).known
    assert calendar.learn(days[0], days[-1], [day for day in trading if day not in closed])
    assert market_gate(at(f"{trading[5]} 10:00")).open
    assert market_gate(at(f"{closed[0]} 10:00")).state == "休市"


def next_year() -> tuple[list[date], list[date]]:
    """内置的日历以后的一年：每一天，与编出来的休市日。"""
    known = calendar.coverage()
    assert known is not None
    first, last = date(known[1].year + 1, 1, 1), date(known[1].year + 1, 12, 31)
    days = [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
    return days, [day for day in days if day.weekday() < 5][100:118]


@pytest.mark.parametrize("answers", [True, False])
def test_an_unknown_day_is_asked_of_the_client(
    sim_folder: Path, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    """真的客户端的样子：连上之后在旁边问，问到了记进日历。"""
    days, closed = next_year()
    open_days = [day for day in days if day.weekday() < 5 and day not in closed]
    asked: list[int] = []

    def answer(*_: object) -> None:
        asked.append(1)
        if answers:
            pause = threading.Event()
            pause.wait(0.1)
            calendar.learn(days[0], days[-1], open_days)

    def ask_soon(*_: object) -> None:
        thread = threading.Thread(target=answer, name="easytrader-calendar")
        monkeypatch.setattr(client_calendar, "_asking", thread)
        thread.start()

    monkeypatch.setattr(calendar, "_learned", None)
    monkeypatch.setattr(client_calendar, "ask_soon", ask_soon)
    monkeypatch.setattr(gate, "_simulated_clock", lambda _: "")
    connect = {"miniqmt_path": str(sim_folder), "stock_account": ACCOUNT, "timeout": 5}
    profile = Profile("main", AccountSpec("sim", connect=connect))
    monkeypatch.setattr(gate, "_CLIENTS", frozenset({"sim"}))  # 嵌着的当作真的客户端
    found = profile_gate(profile, at(f"{open_days[5]} 10:00"))
    assert (found.open, found.known) == (answers, answers)
    holiday = profile_gate(profile, at(f"{closed[0]} 10:00"), assume_open=True)
    assert (holiday.open, holiday.known) == (not answers, answers)
    assert len(asked) == (1 if answers else 2)


def test_a_client_that_cannot_be_reached_leaves_it_unknown(
    sim_folder: Path, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr(gate, "_simulated_clock", lambda _: "")
    connect = {"miniqmt_path": str(sim_folder), "stock_account": ACCOUNT, "timeout": 1}
    profile = Profile("main", AccountSpec("miniqmt", connect=connect), wait=0)
    found = profile_gate(profile, at(UNKNOWN))
    assert (found.open, found.state) == (False, "不知道")
    assert any("没有连上" in line for line in logged)
    assert profile_gate(profile, at(UNKNOWN), assume_open=True).open


def test_now_comes_from_the_pace() -> None:
    class Then(pace.Pace):
        def now(self) -> float:
            return at(f"{MONDAY} 14:50")

    with pace.replaced(Then()):
        found = market_gate()
    assert (found.now, found.state) == (at(f"{MONDAY} 14:50"), "连续竞价")


# ---- 账号


def test_the_default_simulated_account_is_always_open(sim_folder: Path) -> None:
    for spec in (
        AccountSpec("sim"),  # 还没有建
        AccountSpec("sim", connect={"miniqmt_path": str(sim_folder)}),
        AccountSpec("miniqmt", connect={"miniqmt_path": str(sim_folder)}),
    ):
        found = account_gate(spec, at(MIDNIGHT))
        assert (found.open, found.state) == (True, "随时")
        assert account_gate(spec, at(UNKNOWN)).open


def test_a_step_clock_is_always_open(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "step", clock="step", start=f"{MONDAY} 09:00")
    assert account_gate(
        AccountSpec("sim", connect={"miniqmt_path": str(folder)}), at(MIDNIGHT)
    ).open


def test_an_exchange_clock_follows_the_calendar(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "exchange", clock="exchange")
    spec = AccountSpec("sim", connect={"miniqmt_path": str(folder)})
    assert account_gate(spec, at(MIDNIGHT)).state == "未开盘"
    assert account_gate(spec, at("2026-11-29 10:00")).state == "休市"
    assert account_gate(spec, at(f"{MONDAY} 10:00")).open
    assert account_gate(spec, at(UNKNOWN)).open  # 模拟盘：末日之后周一至周五都算


@pytest.mark.parametrize("broker", ["miniqmt", "remote"])
def test_real_accounts_follow_the_calendar(broker: str, tmp_path: Path) -> None:
    spec = AccountSpec(broker, connect={"miniqmt_path": str(tmp_path)})
    assert not account_gate(spec, at(MIDNIGHT)).open
    assert account_gate(spec, at(f"{MONDAY} 14:50")).open


def test_a_path_in_the_environment(sim_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMT_PATH", str(sim_folder))
    spec = AccountSpec("miniqmt", connect={"miniqmt_path": "env:QMT_PATH"})
    assert account_gate(spec, at(MIDNIGHT)).state == "随时"


@pytest.mark.parametrize(
    ("able", "opened"),
    [
        (Capabilities("币", always_open=True), True),
        (Capabilities("期货", day=DayBoundary(begins=20)), True),
        (Capabilities("另一家 A 股"), False),
    ],
)
def test_brokers_of_other_packages(
    able: Capabilities, opened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(Trader):
        capabilities = able

    monkeypatch.setattr("easytrader.api.use", lambda *_, **__: Other())
    assert account_gate(AccountSpec("other"), at(MIDNIGHT)).open is opened
