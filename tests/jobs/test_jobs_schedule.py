"""排程的一行：哪天、几点、跑什么；到点了跑不跑。"""

from __future__ import annotations

import json
import threading
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support import eventually

from easytrader.basics.beijing import BEIJING, beijing_now
from easytrader.errors import UsageError
from easytrader.jobs import schedule
from easytrader.jobs.schedule import Line, Schedule, parse
from easytrader.market import calendar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def fine(_arguments: Sequence[str]) -> str:
    return ""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


@pytest.fixture(autouse=True)
def _fresh_calendar() -> Iterator[None]:
    calendar.reload()
    yield
    calendar.reload()


def override(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **told: Any) -> None:
    file = tmp_path / "交易日.json"
    file.write_text(json.dumps({"source": "测试", "as_of": "2026-01-01", **told}), encoding="utf-8")
    monkeypatch.setenv("EASYTRADER_TRADING_DAYS", str(file))
    calendar.reload()


@pytest.mark.parametrize(
    ("text", "told", "arguments"),
    [
        ("14:50 rebalance targets.csv", "每个交易日 14:50:00", ("rebalance", "targets.csv")),
        ("9:31:05 run a.py", "每个交易日 09:31:05", ("run", "a.py")),
        ("month-start 09:35 x", "每月首个交易日 09:35:00", ("x",)),
        ("monthly-first 09:35 x", "每月首个交易日 09:35:00", ("x",)),
        ("每月首个交易日 09:35 x", "每月首个交易日 09:35:00", ("x",)),
        ("每周首个交易日 09:35 x", "每周首个交易日 09:35:00", ("x",)),
        ("Fri 09:35 x", "周五（交易日） 09:35:00", ("x",)),
        ("周五 09:35 x", "周五（交易日） 09:35:00", ("x",)),
        (
            r'14:50 run "D:\我的 策略\a.py" --到 \\nas\b',
            "每个交易日 14:50:00",
            ("run", r"D:\我的 策略\a.py", "--到", r"\\nas\b"),
        ),
        ("14:50 run 'a b.py' #1", "每个交易日 14:50:00", ("run", "a b.py", "#1")),
    ],
)
def test_a_line(text: str, told: str, arguments: tuple[str, ...]) -> None:
    line = parse(text, fine)
    assert line.told == told
    assert line.arguments == arguments


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "写成"),
        ("rebalance targets.csv", "写成"),
        ("25:00 run a.py", "00:00:00 到 23:59:59"),
        ("14:60 run a.py", "00:00:00 到 23:59:59"),
        ("14:50", "少了命令"),
        ("sunday 14:50 run a.py", "写成"),
        ('14:50 run "a.py', "引号要成对"),
    ],
)
def test_a_bad_line_says_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(text, fine)


def test_the_command_is_checked_at_once() -> None:
    with pytest.raises(UsageError, match="没有这个命令"):
        parse("14:50 rebalanse a.csv", lambda _arguments: "没有这个命令")


@pytest.mark.parametrize(
    ("which", "after", "wanted"),
    [
        ("", "2026-01-01 12:00", "2026-01-05 14:50"),  # 元旦：周四、周五都不开市
        ("", "2026-01-05 14:49:59", "2026-01-05 14:50"),
        ("", "2026-01-05 14:50", "2026-01-06 14:50"),
        ("", "2026-01-09 15:00", "2026-01-12 14:50"),
        ("month-start", "2026-01-05 14:50", "2026-02-02 14:50"),
        ("month-start", "2025-12-31 15:00", "2026-01-05 14:50"),
        ("month-end", "2026-01-05 15:00", "2026-01-30 14:50"),
        ("week-start", "2026-01-01 00:00", "2026-01-05 14:50"),
        ("week-end", "2026-01-05 15:00", "2026-01-09 14:50"),
        ("周三", "2026-01-05 15:00", "2026-01-07 14:50"),
        ("周四", "2025-12-31 15:00", "2026-01-08 14:50"),  # 元旦那个周四不开市
    ],
)
def test_the_next_time(which: str, after: str, wanted: str) -> None:
    assert parse(f"{which} 14:50 x", fine).next(at(after)) == at(wanted)


def test_times_are_beijing_times() -> None:
    utc = datetime.fromisoformat("2026-01-05T06:49:00+00:00")
    assert parse("14:50 x", fine).next(utc) == at("2026-01-05 14:50")


def test_the_override_file_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    override(monkeypatch, tmp_path, closed=["2026-01-05"], open=["2026-01-10"])
    assert parse("14:50 x", fine).next(at("2026-01-03 00:00")) == at("2026-01-06 14:50")
    assert parse("14:50 x", fine).next(at("2026-01-09 15:00")) == at("2026-01-10 14:50")
    assert parse("month-start 14:50 x", fine).next(at("2026-01-01 00:00")) == at("2026-01-06 14:50")


def test_past_the_calendar_nothing_is_guessed() -> None:
    known = calendar.coverage()
    assert known is not None
    monday = date(known[1].year + 1, 6, 1)
    while monday.weekday():
        monday = monday.replace(day=monday.day + 1)
    line = parse("14:50 x", fine)
    assert line.is_due(monday) is None
    assert line.is_due(monday, assume_open=True) is True
    assert line.is_due(monday.replace(day=monday.day + 5)) is False  # 周六
    first = parse("week-start 14:50 x", fine)
    assert first.is_due(monday) is None
    assert first.is_due(monday, assume_open=True) is True
    assert first.is_due(monday.replace(day=monday.day + 1), assume_open=True) is False
    assert str(known[1]) in schedule.warning(monday)
    assert line.next(at(f"{monday} 00:00")) == at(f"{monday} 14:50")  # 到时候再问


def test_the_first_day_of_a_month_nobody_knows_comes_once() -> None:
    """当作开市也只有一个首日，而且不是元旦：做一次的事不能做两次。"""
    line = parse("month-start 09:35 x", fine)
    found = schedule.upcoming([line], at("2026-12-02 00:00"), 2, assume_open=True)
    assert [f"{moment:%m-%d}" for moment, _ in found] == ["01-04", "02-01"]
    assert line.is_due(date(2027, 1, 1), assume_open=True) is False


def test_the_days_that_never_open_never_did() -> None:
    known = calendar.coverage()
    assert known is not None
    days = (known[0] + timedelta(days=n) for n in range((known[1] - known[0]).days + 1))
    wrong = [each for each in days if calendar.never_opens(each) and calendar.is_trading_day(each)]
    assert [each for each in wrong if each.year >= 2025] == []
    assert {(each.month, each.day) for each in wrong} <= {(5, 2)}  # 2025 年才放这一天


def test_what_comes_next_is_sorted() -> None:
    lines = [parse("14:50 x", fine), parse("09:31 y", fine)]
    found = schedule.upcoming(lines, at("2026-01-05 10:00"), 2)
    assert [f"{moment:%d %H:%M}" for moment, _ in found] == [
        "05 14:50", "06 09:31", "06 14:50", "07 09:31",
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_file_of_lines(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "排程.txt"
    text = "# 每天\n\n14:50 run 甲.py\r\n  每月首个交易日 09:35 run b.py\n"
    file.write_bytes(text.encode(encoding))
    assert schedule.read(file) == ["14:50 run 甲.py", "每月首个交易日 09:35 run b.py"]
    with pytest.raises(UsageError, match="读得了的文件"):
        schedule.read(tmp_path)


class Running:
    """一个不等钟的排程：自己叫它到点。"""

    def __init__(self, *lines: str, **options: Any) -> None:
        self.failures: list[str] = []
        settings: dict[str, Any] = {"timeout_s": 30.0, "grace_s": 60.0, "stop_s": 20.0, **options}
        self.lines = [parse(each, fine) for each in lines]
        self.schedule = Schedule(self.lines, failed=self._failed, **settings)

    def _failed(self, _line: Line, why: str) -> None:
        self.failures.append(why)

    def fire(self, number: int = 0) -> int | None:
        return self.schedule.fire(self.lines[number])


@pytest.fixture
def open_today(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    today = beijing_now().date()
    known = calendar.coverage()
    assert known is not None
    covers = {"covers": [str(known[0]), f"{today.year}-12-31"]} if today > known[1] else {}
    override(monkeypatch, tmp_path, open=[str(today)], **covers)


@pytest.mark.usefixtures("open_today")
def test_a_job_runs_and_its_exit_code_is_told(logged: list[str]) -> None:
    running = Running("14:50 --version", "14:50 没有这个命令")
    assert running.fire() == 0
    assert not running.failures
    assert any("做完了：14:50 --version" in line for line in logged)
    assert running.fire(1) == 2
    assert "退出码 2" in running.failures[0]
    assert any("没有这个命令" in line and "  | " in line for line in logged)  # 输出的最后几行


def test_a_day_without_trading(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    today = str(beijing_now().date())
    override(monkeypatch, tmp_path, closed=[today])
    running = Running("14:50 --version")
    assert running.fire() is None
    assert not running.failures


def test_a_broken_calendar_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EASYTRADER_TRADING_DAYS", str(tmp_path / "没有.json"))
    running = Running("14:50 --version")
    assert running.fire() is None
    assert "没有跑" in running.failures[0]
    assert Running("14:50 --version", assume_open=True).fire() in (0, None)  # 周末仍不跑


@pytest.mark.usefixtures("open_today")
def test_too_long_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    running = Running("14:50 run 睡着.py", timeout_s=0.5)
    asleep(monkeypatch, tmp_path)
    assert running.fire() not in (0, None)
    assert "还没有跑完，已停掉" in running.failures[0]


@pytest.mark.usefixtures("open_today")
def test_stopping_waits_but_does_not_kill(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: list[str]
) -> None:
    running = Running("14:50 run 睡着.py", stop_s=0.2)
    asleep(monkeypatch, tmp_path)
    firing = threading.Thread(target=running.fire)
    firing.start()
    eventually(lambda: (tmp_path / "started").exists())
    running.schedule.ask("测试")
    assert running.schedule.run() is False
    firing.join(20)
    [(_, process)] = running.schedule._running.values()
    assert process.poll() is None
    assert any("没有杀它" in line for line in logged)
    process.kill()
    process.wait(20)


def asleep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """任务是一个一直睡着的子进程。"""
    text = f"import pathlib,threading;pathlib.Path({str(tmp_path)!r},'started').touch();"
    start = schedule.child.start

    def started(command: Sequence[str], **options: Any) -> Any:
        return start([command[0], "-c", text + "threading.Event().wait()"], **options)

    monkeypatch.setattr(schedule.child, "start", started)


@pytest.mark.usefixtures("open_today")
def test_it_runs_when_the_time_comes(logged: list[str]) -> None:
    soon = beijing_now() + timedelta(seconds=2)
    running = Running(f"{soon:%H:%M:%S} --version", f"{soon:%H:%M:%S} 没有这个命令")
    thread = threading.Thread(target=running.schedule.run)
    thread.start()
    eventually(lambda: any("做完了" in line for line in logged) and running.failures, 60)
    running.schedule.ask("测试")
    thread.join(30)
    assert not thread.is_alive()
    assert any("停止：测试" in line for line in logged)


def test_missed_and_overlapping_runs_are_told() -> None:
    from apscheduler import events

    running = Running("14:50 x")
    scheduled = beijing_now() - timedelta(seconds=90)
    missed = events.JobExecutionEvent(events.EVENT_JOB_MISSED, "0", "default", scheduled)
    running.schedule._hear(missed)
    busy = events.JobSubmissionEvent(events.EVENT_JOB_MAX_INSTANCES, "0", "default", [scheduled])
    running.schedule._hear(busy)
    assert "晚了 90 秒，不再补跑" in running.failures[0]
    assert "上一次还没有跑完" in running.failures[1]


def test_after_a_long_sleep_only_the_last_time_counts() -> None:
    """机器睡过几天：错过的一个个算过来，醒来时正好到点的照跑。"""
    trigger = schedule._trigger(parse("14:50 x", fine))
    times = [at("2026-01-05 14:50")]
    while (following := trigger.get_next_fire_time(times[-1], at("2026-01-07 14:50:20"))) <= at(
        "2026-01-07 14:50:20"
    ):
        times.append(following)
    assert times[-1] == at("2026-01-07 14:50")
