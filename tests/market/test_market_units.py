"""实盘的提醒与模拟的柜台看同一张规则表：数量单位、最小变动价位只有一个来处。"""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from easytrader.codes import OrderType
from easytrader.market.board_rules import board_doubts
from easytrader.market.rules import rules_for
from easytrader.market.symbols import parse_security
from easytrader.market.units import BIGGEST_TICK_LI, USUAL, units_of

CODES = [
    "600036", "688981", "000001", "300750", "920002", "510300", "159915", "501018", "508000",
    "113050", "123001", "019666", "204001", "131810",
]  # fmt: skip
DAYS = [date(2020, 1, 2), date(2023, 4, 10), date(2026, 7, 6), date(2026, 11, 30)]


@pytest.mark.parametrize("code", CODES)
def test_the_units_are_those_of_the_dated_rules(code: str) -> None:
    security = parse_security(code)
    for day in DAYS:
        rules = rules_for(security, day)
        assert rules is not None
        assert units_of(security, day.toordinal()) == (*rules.lot, rules.tick_li)


@pytest.mark.parametrize(
    ("code", "units"),
    [
        ("688981", (200, 1, 10)), ("920002", (100, 1, 10)), ("510300", (100, 100, 1)),
        ("113050", (10, 10, 1)), ("204001", (10, 10, 5)), ("019666", (1000, 1000, 1)),
        ("900901", (100, 100, 1)), ("200012", (100, 100, 10)), ("730001.SH", USUAL),
    ],
)  # fmt: skip
def test_today(code: str, units: tuple[int, int, int]) -> None:
    assert units_of(parse_security(code)) == units


def test_the_rules_of_the_day_are_used() -> None:
    bond = parse_security("019666")
    assert units_of(bond, date(2021, 1, 4).toordinal())[:2] == (10, 10)
    assert units_of(bond, date(2022, 5, 16).toordinal())[:2] == (1000, 1000)


def test_no_tick_is_bigger_than_what_the_price_check_skips() -> None:
    assert BIGGEST_TICK_LI == 10


def test_the_reminder_says_what_the_rules_say() -> None:
    star = parse_security("688981")
    assert board_doubts(OrderType.BUY, star, 50.0, 201) == []
    [doubt] = board_doubts(OrderType.BUY, star, 50.0, 199)
    assert "200 起、1 递增" in doubt
    [doubt] = board_doubts(OrderType.SELL, parse_security("200012"), 5.005, 100)
    assert "0.01" in doubt


def test_looking_needs_no_rules() -> None:
    """只看行情、持仓的程序不导入规则表。"""
    code = (
        "import sys, easytrader.trader, easytrader.backend.capabilities as c;"
        "c.A_SHARE_INSTRUMENTS.price(35.5, c.parse_security('600036'));"
        "sys.exit('easytrader.market.rules' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
