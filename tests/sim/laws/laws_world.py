"""一次运行的世界：从哪天开始、什么样的行情、两个账户各有什么、会发生哪些公司行为与新股。"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from easytrader.market.calendar import is_trading_day

CASH, CREDIT = "880000001", "660000001"
KINDS = {CASH: 2, CREDIT: 3}
MONEY = {CASH: 3_000_000_000, CREDIT: 800_000_000}
"""厘。"""

STOCKS = ("600036.SH", "000001.SZ", "688981.SH", "300750.SZ", "920002.BJ")
FUNDS = ("159915.SZ", "511880.SH")
BONDS = ("113050.SH", "127045.SZ")
REPOS = ("204001.SH", "204003.SH", "204007.SH", "131810.SZ")
APPLICATIONS = ("787801.SH", "730801.SH", "301801.SZ", "754801.SH")
LISTINGS = ("688801.SH", "600801.SH", "301801.SZ", "113801.SH")
STRANGERS = ("600000.SZ", "999999.SH", "600036", "118801.SH")
T_ZERO = frozenset({"511880.SH", "113050.SH", "127045.SZ", "113801.SH"})
RIGHTS_CODES = ("700036.SH", "080001.SZ")
CONVERTED = ("113050.SH", "600919.SH")
SCRIPTED = ("600036.SH", "000001.SZ", "159915.SZ")
"""会有公司行为的。"""

HELD = {
    CASH: (
        ("600036.SH", 1055, 35_000_000),
        ("000001.SZ", 20_000, 220_000_000),
        ("688981.SH", 450, 40_000_000),
        ("159915.SZ", 1037, 600_000),
        ("113050.SH", 128, 14_000_000),
    ),
    CREDIT: (("600036.SH", 6000, 210_000_000), ("300750.SZ", 301, 60_000_000)),
}
STARTS = (
    date(2026, 11, 16),  # 平常的一周
    date(2026, 11, 13),  # 周五
    date(2026, 9, 28),  # 国庆之前
    date(2026, 9, 23),  # 中秋之前
    date(2026, 7, 2),  # 跨过 2026-07-06，那天起规则变了
    date(2026, 4, 29),  # 劳动节之前
)
LONGEST_DAYS = 24


def trading_day(start: date, count: int) -> date:
    """``start`` 之后第 ``count`` 个交易日；0 是它自己（`STARTS` 都是交易日）。"""
    day = start
    while count:
        day += timedelta(1)
        count -= is_trading_day(day) is True
    return day


@dataclass(frozen=True)
class World:
    """`Desk` 照着它建文件夹。

    Attributes:
        start: 第一天。
        clock: 从几点开始。
        patient: 下单之前先等到开市；否则休市也下，多半被拒。
    """

    start: date
    clock: str = "10:00"
    patient: bool = True
    settings: dict[str, Any] = field(default_factory=dict)
    credit: dict[str, Any] | None = None
    actions: dict[str, Any] | None = None
    ipo: dict[str, Any] | None = None
    bonds: dict[str, Any] | None = None


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """随机的世界。"""
    start = draw(st.sampled_from(STARTS))
    odd = st.sampled_from([0.0, 0.0, 0.4])
    settings = {
        "seed": draw(st.integers(0, 10**6)),
        "profile": "instant",
        "queues_when_closed": draw(st.booleans()),
        "cancel_done_s": draw(st.sampled_from([0.0, 0.067, 30.0])),
        **{name: draw(odd) for name in ("gap_days", "limit_days", "halt_days", "thin_books")},
    }
    return World(
        start,
        draw(st.sampled_from(["10:00", "10:00", "13:30", "09:00", "14:50"])),
        draw(st.sampled_from([True, True, True, False])),
        {name: value for name, value in settings.items() if value or name == "seed"},
        draw(_credit()),
        draw(_actions(start)),
        draw(_ipo(start)),
        draw(_bonds(start)),
    )


@st.composite
def _credit(draw: st.DrawFn) -> dict[str, Any]:
    names = ("fees_on_debt", "interest_first", "sell_repays", "overdue_blocks")
    found: dict[str, Any] = {name: draw(st.booleans()) for name in names}
    found["term_days"] = draw(st.sampled_from([3, 180]))
    found["fin_rate"] = draw(st.sampled_from([0.06, 0.9]))
    found["repay_by"] = draw(st.sampled_from(["volume", "price"]))
    found["slo_volume"] = {
        "600036.SH": [draw(st.sampled_from([300, 50_000])), 1000],
        "000001.SZ": 20_000,
        "159915.SZ": 100_000,
    }
    if draw(st.booleans()):
        found |= {"warn_ratio": 2.5, "close_ratio": 2.0}
    elif draw(st.booleans()):  # 一借就要追保：看强制平仓
        found |= {"warn_ratio": 9.9, "close_ratio": 9.5, "call_days": draw(st.integers(1, 2))}
    return found


@st.composite
def _actions(draw: st.DrawFn, start: date) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {code: {} for code in SCRIPTED}
    for _ in range(draw(st.integers(0, 4))):
        code = draw(st.sampled_from(SCRIPTED))
        record = start + timedelta(draw(st.integers(-2, 9)))
        ex = record + timedelta(draw(st.integers(1, 4)))
        entry: dict[str, Any] = {"ex": str(ex)}
        if code != "159915.SZ" and draw(st.integers(0, 3)) == 0:
            until = record + timedelta(draw(st.integers(1, 6)))
            ex = until + timedelta(draw(st.integers(1, 3)))
            entry = {"ex": str(ex), "record": str(record), "until": str(until)}
            entry |= {"rights": draw(st.sampled_from([1, 3, 2.57])), "rights_price": 8.5}
            entry["listing"] = str(ex + timedelta(draw(st.integers(0, 3))))
        elif code == "159915.SZ" and draw(st.booleans()):
            entry["split"] = draw(st.sampled_from([[2, 1], [1, 4], [7, 3], [1, 2000]]))
        else:
            pay = ex + timedelta(draw(st.integers(0, 4)))
            entry |= {"record": str(record), "pay": str(pay)}
            entry["cash"] = draw(st.sampled_from([0.35, 0.000001, 1.234567]))
            if code != "159915.SZ":
                entry["bonus"] = draw(st.sampled_from([0, 3, 4.96, 10]))
                tax = draw(st.sampled_from([None, None, 0, 200_000]))
                entry |= {} if tax is None else {"tax_ppm": tax}
        found[code][entry["ex"]] = entry
    return {code: list(rows.values()) for code, rows in found.items()}


@st.composite
def _bonds(draw: st.DrawFn, start: date) -> dict[str, Any] | None:
    """可转债：从第一天起能转股，过几天回售、赎回。"""
    if not draw(st.booleans()):
        return None
    day = [str(start + timedelta(draw(st.integers(low, low + 2)))) for low in (0, 3, 6, 9, 12, 15)]
    terms: dict[str, Any] = {"stock": "600919.SH", "convert_from": day[0], "convert_price": 5.48}
    if draw(st.booleans()):
        terms["put"] = {"from": day[0], "until": day[2], "pay": day[3], "price": 100.437}
    if draw(st.booleans()):
        terms["redeem"] = {"last_trade": day[3], "record": day[4], "pay": day[5], "price": 101.2}
    return {"113050.SH": terms}


@st.composite
def _ipo(draw: st.DrawFn, start: date) -> dict[str, Any]:
    issues = {}
    for code, listed in zip(APPLICATIONS, LISTINGS, strict=True):
        if not draw(st.booleans()):
            continue
        first = draw(st.integers(0, 3))
        bond = code == "754801.SH"
        issue: dict[str, Any] = {
            "name": "模拟",
            "listed_code": listed,
            "price": 100 if bond else draw(st.sampled_from([6.66, 25.6, 88.0])),
            "date": str(trading_day(start, first)),
            "max": 1000 if bond else 9000,
            "listing": str(trading_day(start, first + draw(st.integers(4, 8)))),
        }
        if draw(st.booleans()):
            issue["pay"] = str(trading_day(start, first + draw(st.integers(1, 3))))
        chance = draw(st.sampled_from([("wins", 1), ("wins", 3), ("rate_ppm", 300_000)]))
        issue[chance[0]] = chance[1]
        issues[code] = issue
    return {"issues": issues, "quota": {"SH": 9000, "SZ": 9000, "KCB": 9000}}
