"""使用者自己补充的文件：证券清单、交易日历的改正；写错了说得出错在哪里。"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from rules_desk import TODAY, Case, at, refusal
from support import VendorEngine as Engine

from easytrader.basics.paths import home
from easytrader.errors import SimulatorError
from easytrader.market import calendar
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.config.instruments import FILE_NAME, RULES_NAME, load_instruments
from easytrader.sim.exchange.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rules_desk import RuleDesk

    Open = Callable[..., RuleDesk]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "不是合法的 JSON"),
        ("[]", "最外层应为对象"),
        ('{"600036.SH": {}, "600036.SH": {}}', "600036.SH 出现了两次"),
        ('{"600036.SH": {}, "600036": {}}', "600036.SH 出现了两次"),
        ('{"招商银行": {}}', "证券代码 '招商银行'"),
        ('{"900901.SH": {}}', "不交易这个品种（B股）"),
        ('{"600036.SH": []}', "应为对象"),
        ('{"600036.SH": {"st": true}}', "没有 'st' 这一项"),
        ('{"600036.SH": {"listed": "2026/11/20"}}', 'listed："2026/11/20"'),
        ('{"600036.SH": {"listed": "2026-02-30"}}', "应为 2026-11-20 这样的日期"),
        ('{"600036.SH": {"listed": 20261120}}', "应为 2026-11-20 这样的日期"),
        ('{"600036.SH": {"listed": "0001-01-01"}}', "应为 1990 年以后的日期"),
        ('{"600036.SH": {"suspended": "2026-11-20"}}', "应为若干段"),
        ('{"600036.SH": {"suspended": [["2026-11-20"]]}}', "应为若干段"),
        ('{"600036.SH": {"suspended": [["2026-11-20", "2026-11-19"]]}}', "末日在首日之前"),
        ('{"600036.SH": {"coupon": {"rate": 3, "starts": "2024-01-01"}}}', "没有 coupon"),
        ('{"113050.SH": {"coupon": {"rate": 3, "starts": "2024-01-01"}}}', "没有 coupon"),
        ('{"019547.SH": {"coupon": 3}}', "应为对象"),
        ('{"019547.SH": {"coupon": {"rate": 3}}}', "要有 rate"),
        ('{"019547.SH": {"coupon": {"rate": -1, "starts": "2024-01-01"}}}', "0–50"),
        (
            '{"019547.SH": {"coupon": {"rate": 3, "starts": "2024-01-01", "per_year": 3}}}',
            "1、2 或 4",
        ),
        ('{"600036.SH": {"listed": "2026-11-20", "delisted": "2026-11-20"}}', "不在 listed 之后"),
    ],
)
def test_a_bad_instrument_list_stops_the_engine(tmp_path: Path, text: str, told: str) -> None:
    folder = create(tmp_path / "模拟 盘", [AccountConfig("1")])
    (folder.path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(SimulatorError) as caught:
        Engine(folder, ManualClock(at(TODAY, "10:00")))
    assert FILE_NAME in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "应为对象"),
        ('{"bse": 1}', "没有 'bse' 这一项"),
        ('{"bse_cage": "截断"}', "half_up"),
        ('{"sz_bonds_late": 1}', "应为 true 或 false"),
    ],
)
def test_a_bad_choice_stops_the_engine(tmp_path: Path, text: str, told: str) -> None:
    folder = create(tmp_path / "盘", [AccountConfig("1")])
    (folder.path / RULES_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(SimulatorError) as caught:
        Engine(folder, ManualClock(at(TODAY, "10:00")))
    assert RULES_NAME in str(caught.value)
    assert told in str(caught.value)


def test_no_list_and_a_list_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert load_instruments(tmp_path) == {}
    (tmp_path / FILE_NAME).write_text('{"600036": {"listed": "2002-04-09"}}', encoding="utf-8-sig")
    assert load_instruments(tmp_path)["600036.SH"].listed == date(2002, 4, 9)


def test_a_suspended_day_stands_still(open_desk: Open) -> None:
    """停牌的日子价格不动、没有盘口，前收盘连得上。"""
    case = Case(
        "清单",
        "600036.SH",
        "买",
        100,
        35.0,
        day="2026-11-17",
        facts={"suspended": [["2026-11-18", "2026-11-19"]]},
    )
    desk = open_desk(case)
    desk.clock.set(at("2026-11-17", "23:59:59"))
    close = desk.quote().last_li
    for day in ("2026-11-18", "2026-11-19"):
        desk.clock.set(at(day, "10:00"))
        quote = desk.quote()
        assert quote.suspended
        assert (quote.asks, quote.bids) == ((), ())
        assert quote.last_li == quote.pre_close_li
        assert abs(quote.last_li - close) <= 20  # 收盘价与最后一跳差一两分
        number, text = refusal(desk.submit("买", 100, "last"))
        assert number == 1232
        assert "证券停牌" in text
    frozen = desk.quote().last_li
    desk.clock.set(at("2026-11-20", "10:00"))
    assert desk.quote().pre_close_li == frozen
    assert refusal(desk.submit("买", 100, "last"))[0] == 0


@pytest.fixture
def write_days() -> Iterator[Callable[[Any], None]]:
    def write(body: Any) -> None:
        path = home() / calendar.FILE_NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        calendar.reload()

    yield write
    (home() / calendar.FILE_NAME).unlink(missing_ok=True)
    calendar.reload()


SAID = {"source": "示例：沪深北 2027 年休市安排", "as_of": "2026-12-20"}


def test_the_next_year_from_a_file(write_days: Callable[[Any], None]) -> None:
    assert calendar.is_trading_day(date(2027, 1, 4)) is None
    write_days(
        {
            **SAID,
            "covers": ["2027-01-01", "2027-12-31"],
            "closed": ["2027-01-01", ["2027-02-05", "2027-02-11"]],
        }
    )
    answers = {
        date(2026, 12, 31): True,
        date(2027, 1, 1): False,
        date(2027, 1, 2): False,  # 周六
        date(2027, 1, 4): True,
        date(2027, 2, 5): False,
        date(2027, 2, 12): True,
        date(2028, 1, 3): None,
    }
    assert {day: calendar.is_trading_day(day) for day in answers} == answers
    assert calendar.last_trading_day(date(2027, 1, 3)) == date(2026, 12, 31)
    known = calendar.coverage()
    assert known is not None
    assert known[1] == date(2027, 12, 31)
    assert "2027-12-31" in calendar.explain(date(2028, 1, 3))


def test_one_day_changed(write_days: Callable[[Any], None]) -> None:
    assert calendar.is_trading_day(date(2026, 11, 23)) is True
    write_days({**SAID, "closed": ["2026-11-23"], "open": ["2026-11-22"]})
    assert calendar.is_trading_day(date(2026, 11, 23)) is False
    assert calendar.is_trading_day(date(2026, 11, 22)) is True
    assert calendar.last_trading_day(date(2026, 11, 23)) == date(2026, 11, 22)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{", "不是合法的 JSON"),
        ([], "最外层应为对象"),
        ({**SAID, "holidays": []}, "只能有"),
        ({"as_of": "2026-12-20", "closed": []}, "要有 source"),
        ({"source": "文号", "as_of": "去年"}, "as_of 里的 '去年'"),
        ({**SAID, "closed": ["2027-1-1"]}, "closed 里的 '2027-1-1'"),
        ({**SAID, "closed": "2026-11-23"}, "closed 应为一串日子"),
        ({**SAID, "closed": [["2026-11-23"]]}, "[首日, 末日]"),
        ({**SAID, "closed": ["2027-01-01"]}, "2027-01-01 在日历覆盖之外"),
        ({**SAID, "covers": ["2027-12-31", "2027-01-01"]}, "首日在前"),
        ({**SAID, "covers": ["2027-06-01", "2027-12-31"]}, "要接着内置的日历"),
        ({**SAID, "closed": ["2026-11-23"], "open": ["2026-11-23"]}, "既在 closed 又在 open"),
    ],
)
def test_a_bad_calendar_is_no_calendar(
    write_days: Callable[[Any], None], tmp_path: Path, body: Any, told: str
) -> None:
    write_days(body)
    assert calendar.is_trading_day(date(2026, 11, 20)) is None
    assert told in calendar.explain(date(2026, 11, 20))
    folder = create(tmp_path / "盘", [AccountConfig("1")], clock="exchange")
    with pytest.raises(SimulatorError) as caught:
        Engine(folder, ManualClock(at(TODAY, "10:00")))
    assert told in str(caught.value)


def test_a_named_file_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(calendar.PATH_VARIABLE, str(tmp_path / "没有.json"))
    calendar.reload()
    try:
        assert "指的文件不存在" in calendar.explain(date(2026, 11, 20))
    finally:
        monkeypatch.undo()
        calendar.reload()


def test_past_the_calendar_weekdays_trade(open_desk: Open) -> None:
    desk = open_desk(Case("日历", "600036.SH", "买", 100, 35.0, day="2027-01-04", hours="exchange"))
    assert refusal(desk.submit("买", 100, 35.0))[0] == 0
