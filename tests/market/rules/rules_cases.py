"""每条规则收下的与拒绝的委托。出处在规则自己的行里，用例只写编号。"""

from __future__ import annotations

from typing import Any, Final

from rules_desk import LATEST, TODAY, Case

MAIN, SZ, GEM, STAR, BJ = "600036.SH", "000001.SZ", "300750.SZ", "688981.SH", "920002.BJ"
ETF, LOF, STAR_ETF, REIT = "510300.SH", "162411.SZ", "588000.SH", "508000.SH"
CB, SZ_CB, BOND, SZ_BOND = "113050.SH", "123107.SZ", "019547.SH", "102100.SZ"
GC, SZ_REPO = "204001.SH", "131810.SZ"
TICK, LOT, SIZE, BAND, CAGE, TYPE, FREE, CAP = (
    1222,
    -150904070,
    1218,
    -990265060,
    1024,
    1224,
    1223,
    1229,
)
OLD: Final = ("430047.BJ", "830799.BJ", "870204.BJ")
NEW: Final = {"listed": "2026-11-18"}
"""11-20 是上市第三天。"""


def _st(*period: str | None) -> dict[str, Any]:
    return {"risk_warning": [list(period)]}


ST: Final = _st("2025-01-02", None)

TICKS: Final = [
    Case("T1", MAIN, "买", 100, "last"),
    Case("T1", MAIN, "买", 100, 35.505, TICK, "应为2位"),
    Case("T1", BJ, "买", 100, 30.005, TICK, "应为2位"),
    Case("T2", LOF, "买", 100, "last"),
    Case("T2", LOF, "买", 100, 0.6185, TICK, "应为3位"),
    Case("T3", CB, "买", 10, "last"),
    Case("T3", CB, "买", 10, 115.0005, TICK, "应为3位"),
    Case("T4", CB, "买", 10, "last", day="2021-06-01"),
    Case("T4", CB, "买", 10, 115.0005, TICK, "应为3位", day="2021-06-01"),
]

LOTS: Final = [
    Case("L1", MAIN, "买", 200, "last"),
    Case("L1", MAIN, "买", 150, "last", LOT, "倍数"),
    Case("L1", MAIN, "卖", 32, "last", held=232),
    Case("L1", MAIN, "卖", 132, "last", held=232),
    Case("L1", GEM, "卖", 232, "last", held=232),
    Case("L1", MAIN, "卖", 50, "last", LOT, "不能少于", held=232),
    Case("L1", MAIN, "卖", 150, "last", LOT, "倍数", held=232),
    Case("L2", ETF, "买", 100, "last"),
    Case("L2", ETF, "买", 150, "last", LOT, "倍数"),
    Case("L3", STAR, "买", 201, "last"),
    Case("L3", STAR, "买", 199, "last", LOT, "不能少于200"),
    Case("L3", STAR, "卖", 200, "last", held=232),
    Case("L3", STAR, "卖", 185, "last", held=185),
    Case("L3", STAR, "卖", 32, "last", LOT, "不能少于200", held=232),
    Case("L3", STAR, "卖", 132, "last", LOT, "不能少于200", held=232),
    Case("L3", "689009.SH", "卖", 100, "last", LOT, "不能少于200", held=185),
    Case("L4", BJ, "买", 101, "last"),
    Case("L4", BJ, "买", 99, "last", LOT, "不能少于100"),
    Case("L4", BJ, "卖", 55, "last", held=55),
    Case("L5", CB, "买", 20, "last"),
    Case("L5", CB, "买", 15, "last", LOT, "倍数"),
    Case("L6", BOND, "买", 2000, "last"),
    Case("L6", BOND, "买", 1010, "last", LOT, "倍数"),
    Case("L7", BOND, "买", 1010, "last", day="2022-05-15"),
    Case("L7", BOND, "买", 1015, "last", LOT, "倍数", day="2022-05-15"),
]

SIZES: Final = [
    Case("S1", MAIN, "买", 1_000_000, "last"),
    Case("S1", MAIN, "买", 1_000_100, "last", SIZE, "上限1000000"),
    Case("S2", STAR, "买", 100_000, "last"),
    Case("S2", STAR, "买", 100_001, "last", SIZE, "上限100000"),
    Case("S2", STAR, "买", 50_000, 0.0, kind=42),
    Case("S2", STAR, "买", 50_001, 0.0, SIZE, "上限50000", kind=42),
    Case("S3", GEM, "买", 300_000, "last"),
    Case("S3", GEM, "买", 300_100, "last", SIZE, "上限300000"),
    Case("S3", GEM, "买", 150_000, 0.0, kind=44),
    Case("S3", GEM, "买", 150_100, 0.0, SIZE, "上限150000", kind=44),
    Case("S4", GEM, "买", 300_100, "last", day="2020-08-23"),
    Case("S4", GEM, "买", 1_000_100, "last", SIZE, "上限1000000", day="2020-08-23"),
    Case("S5", BJ, "买", 1_000_000, "last"),
    Case("S5", BJ, "买", 1_000_001, "last", SIZE, "上限1000000"),
    Case("S6", ETF, "买", 1_000_000, "last"),
    Case("S6", ETF, "买", 1_000_100, "last", SIZE, "上限1000000"),
    Case("S7", CB, "买", 1_000_000, "last"),
    Case("S7", CB, "买", 1_000_010, "last", SIZE, "上限1000000"),
    Case("S8", BOND, "买", 1_001_000, "last"),
    Case("S8", BOND, "买", 100_001_000, "last", SIZE, "上限100000000"),
]

CAPS: Final = [
    Case("P1", MAIN, "买", 500_000, "last", facts=ST),
    Case("P1", MAIN, "买", 500_100, "last", CAP, "未通过限购检查", facts=ST),
    Case("P1", MAIN, "买", 500_100, "last", note="不是风险警示"),
    Case("P1", MAIN, "卖", 500_100, "last", facts=ST, held=500_100),
    Case(
        "P1",
        MAIN,
        "买",
        500_100,
        "last",
        CAP,
        "未通过限购检查",
        facts=_st("2013-01-04", None),
        day="2013-01-04",
    ),
    Case("P1", MAIN, "买", 500_100, "last", facts=_st("2012-12-31", None), day="2012-12-31"),
    Case("P1", SZ, "买", 500_100, "last", CAP, "未通过限购检查", facts=ST),
    Case("P2", BJ, "买", 200_000, "last", facts=ST),
    Case("P2", BJ, "买", 200_001, "last", CAP, "未通过限购检查", facts=ST),
    Case("P2", BJ, "买", 200_001, "last", facts=ST, day="2026-08-30"),
]


def _band(rule: str, security: str, volume: int = 100, **more: Any) -> list[Case]:
    """涨停价往上、跌停价往下一个价位是废单；边上的收下（往远处报，不碰笼子）。"""
    return [
        Case(rule, security, "买", volume, "down", **more),
        Case(rule, security, "买", volume, "down-1", BAND, "超过跌停价格", **more),
        Case(rule, security, "卖", volume, "up", held=volume, **more),
        Case(rule, security, "卖", volume, "up+1", BAND, "超过涨停价格", held=volume, **more),
    ]


BANDS: Final = [
    *_band("B1", MAIN),
    *_band("B1", SZ),
    *_band("B2", STAR, 200),
    *_band("B2", STAR, 200, facts=ST, note="风险警示"),
    *_band("B3", GEM),
    *_band("B3", GEM, facts=ST, note="风险警示"),
    *_band("B4", GEM, day="2020-08-23"),
    *_band("B5", BJ),
    *_band("B6", ETF),
    *_band("B6", REIT),
    *_band("B7", CB, 10),
    *_band("B7", SZ_CB, 10),
    *_band("B8", MAIN, facts=ST, day="2026-07-06"),
    *_band("B9", MAIN, facts=ST, day="2026-07-05"),
    *_band("B10", STAR_ETF),
    *_band("B10", "159915.SZ", facts={"wide_band": "2020-08-24"}),
    *_band("B10", "159949.SZ"),
    *_band("B11", LOF),
    *_band("B12", BJ),
]

CAGES: Final = [
    case
    for rule, security, volume, more in (
        ("C1", MAIN, 100, {}),
        ("C1", SZ, 100, {}),
        ("C2", GEM, 100, {}),
        ("C3", GEM, 100, {"day": "2023-04-09"}),
        ("C4", STAR, 200, {}),
        ("C5", BJ, 100, {}),
        ("C1", MAIN, 100, {"facts": ST, "note": "风险警示"}),
        ("C1", MAIN, 100, {"facts": NEW, "note": "上市第三天"}),
    )
    for case in (
        Case(rule, security, "买", volume, "cage", **more),
        Case(rule, security, "买", volume, "cage+1", CAGE, "有效申报价格范围", **more),
        Case(rule, security, "卖", volume, "cage", held=volume, **more),
        Case(rule, security, "卖", volume, "cage-1", CAGE, "范围", held=volume, **more),
    )
]
_CAGE_EDGES: Final[list[tuple[str, str, int, dict[str, Any]]]] = [
    ("C6", MAIN, 100, {"day": "2026-11-19"}),
    ("C6", STAR, 200, {"day": "2026-11-19"}),
    ("C7", BJ, 100, {"day": "2026-11-19"}),
    ("C7", BJ, 100, {"choices": {"bse_cage": "inward"}, "note": "向里"}),
]
CAGES += [
    Case("C1", MAIN, "买", 100, "last", kind=LATEST, note="最新价"),
    Case("C1", MAIN, "买", 100, "up", day="2023-04-09", note="还没有笼子"),
    Case("C1", ETF, "买", 100, "up", note="基金没有笼子"),
    Case("C1", CB, "买", 10, "up", note="可转债没有笼子"),
    Case("C1", MAIN, "买", 100, "up", kind=42, note="市价不查"),
    Case("C1", MAIN, "买", 100, "up", clock="09:16", hours="exchange", note="集合竞价不查"),
    Case("C1", MAIN, "买", 100, "up", CAGE, "范围", clock="09:31", hours="exchange"),
    Case("C1", MAIN, "买", 100, "up", clock="14:58", hours="exchange", note="收盘竞价不查"),
    *(
        Case(rule, security, "买", volume, "cage", **more)
        for rule, security, volume, more in _CAGE_EDGES
    ),
    *(
        Case(rule, security, "买", volume, "cage+1", CAGE, "范围", **more)
        for rule, security, volume, more in _CAGE_EDGES
    ),
]


def _free(rule: str, security: str, day: str, facts: dict[str, Any], volume: int) -> list[Case]:
    """不设涨跌幅的这一天收，下一天不收。11-16 是周一，11-23 是下一个周一。"""
    late = {"hours": "exchange", "facts": facts, "held": volume}
    first, following = day.split("/")
    return [
        Case(rule, security, "卖", volume, "up+1", day=first, **late),
        Case(rule, security, "卖", volume, "up+1", BAND, "超过涨停", day=following, **late),
    ]


FREE_DAYS: Final = [
    *_free("N1", MAIN, "2026-11-20/2026-11-23", {"listed": "2026-11-16"}, 100),
    *_free("N1", SZ, "2026-11-16/2026-11-23", {"listed": "2026-11-16"}, 100),
    *_free("N2", STAR, "2026-11-20/2026-11-23", {"listed": "2026-11-16"}, 200),
    *_free("N3", GEM, "2026-11-20/2026-11-23", {"listed": "2026-11-16"}, 100),
    *_free("N4", BJ, "2026-11-16/2026-11-17", {"listed": "2026-11-16"}, 100),
    *_band("N5", CB, 10, facts={"listed": "2026-11-20"}),
    *_band("N6", REIT, facts={"listed": "2026-11-20"}),
    *_free("N7", MAIN, "2026-11-16/2026-11-17", {"delisting_period": [["2026-11-16", None]]}, 100),
    *_free("N7", STAR, "2026-11-16/2026-11-17", {"delisting_period": [["2026-11-16", None]]}, 200),
    *_free("N7", BJ, "2026-11-16/2026-11-17", {"delisting_period": [["2026-11-16", None]]}, 100),
    Case("N1", MAIN, "卖", 100, "up+1", BAND, "涨停", held=100, day="2023-04-07",
         facts={"listed": "2023-04-03"}, note="注册制以前"),
]  # fmt: skip

_CALL = {"hours": "exchange", "facts": {"listed": "2026-11-19"}}
CALLS: Final = [
    Case("N8", SZ, "买", 100, "pre+1", clock="09:16", **_CALL),
    Case("N8", SZ, "买", 100, 200.0, CAGE, "范围", clock="09:16", **_CALL),
    Case("N8", GEM, "卖", 100, "last-1", clock="14:58", held=100, **_CALL),
    Case("N8", GEM, "卖", 100, 100.0, CAGE, "范围", clock="14:58", held=100, **_CALL),
    Case("N9", MAIN, "买", 100, "pre+1", clock="09:16", **_CALL),
    Case("N9", MAIN, "买", 100, 10.0, CAGE, "范围", clock="09:16", **_CALL),
    Case("N9", STAR, "买", 200, "pre+1", clock="09:16", **_CALL),
    Case("N9", STAR, "买", 200, 1000.0, CAGE, "范围", clock="09:16", **_CALL),
]

_FIRST: Final = {"hours": "exchange", "facts": {"listed": TODAY}}
CALLS += [
    Case("N10", CB, "买", 10, "130%", clock="09:16", **_FIRST),
    Case("N10", CB, "买", 10, "130%+1", CAGE, "max=", clock="09:16", **_FIRST),
    Case("N10", SZ_CB, "卖", 10, "70%", clock="09:16", held=10, **_FIRST),
    Case("N10", SZ_CB, "卖", 10, "70%-1", CAGE, "min=", clock="09:16", held=10, **_FIRST),
    Case("N10", CB, "买", 10, "130%+1", clock="09:31", **_FIRST, note="连续竞价不查"),
    Case("N10", CB, "买", 10, "130%+1", clock="09:16", **_FIRST,
         choices={"convertible_first_call": False}, note="关掉"),
    Case("N10", CB, "买", 10, "up", clock="09:16", hours="exchange",
         facts={"listed": "2026-11-19"}, note="第二天"),
]  # fmt: skip

MARKET: Final = [
    *(Case("M1", MAIN, "买", 100, 0.0, kind=kind, note=str(kind)) for kind in (42, 43, 44, 45)),
    *(
        Case("M1", MAIN, "买", 100, 0.0, TYPE, "不支持", kind=kind, note=str(kind))
        for kind in (46, 47, 48)
    ),
    Case("M2", ETF, "买", 100, 0.0, kind=42, day="2023-04-09"),
    Case("M2", ETF, "买", 100, 0.0, TYPE, "不支持", kind=44, day="2023-04-09"),
    Case("M3", STAR, "买", 200, 0.0, kind=44, day="2019-07-22"),
    Case("M3", STAR, "买", 200, 0.0, TYPE, "不支持", kind=48),
    *(Case("M4", SZ, "买", 100, 0.0, kind=kind, note=str(kind)) for kind in (44, 45, 46, 47, 48)),
    *(
        Case("M4", SZ, "买", 100, 0.0, TYPE, "不支持", kind=kind, note=str(kind))
        for kind in (42, 43)
    ),
    Case("M4", SZ, "买", 100, 0.0, FREE, "无涨停价", kind=44, facts=NEW, note="不设涨跌幅"),
    Case("M4", SZ, "买", 100, 9999.0, kind=44, note="没有保护限价，报多少不看"),
    Case("M5", BJ, "买", 100, 0.0, kind=43),
    Case("M5", BJ, "买", 100, 0.0, TYPE, "不支持", kind=46),
    Case("M5", CB, "买", 10, 0.0, TYPE, "不支持市价", kind=44, note="可转债"),
    Case("M6", MAIN, "买", 100, "up+100", kind=42, note="买的保护价高于涨停"),
    Case("M6", MAIN, "卖", 100, "up+1", BAND, "涨停", kind=42, held=100, note="反向越界"),
    Case("M6", MAIN, "买", 100, "down-1", BAND, "跌停", kind=42, note="反向越界"),
    Case("M6", MAIN, "买", 100, "up", kind=42, facts=NEW, note="不设涨跌幅"),
    Case("M6", MAIN, "买", 100, 0.0, FREE, "无涨停价", kind=42, facts=NEW, note="不设涨跌幅"),
    Case("M7", STAR, "买", 200, "ask+10", kind=42, facts=NEW, note="不设涨跌幅"),
    Case("M7", STAR, "买", 200, 0.0, FREE, "无涨停价", kind=42, facts=NEW, note="不设涨跌幅"),
    Case("M8", BJ, "卖", 100, "down", kind=42, held=100),
    Case("M8", BJ, "卖", 100, "up+1", kind=42, held=100, choices={"bse_protected": False}),
    Case("N9", MAIN, "买", 100, 10.0, clock="09:16", **_CALL, choices={"no_limit_calls": False}),
    Case("T6", SZ_REPO, "卖", 10, 1.501, TICK, "0.005", choices={"sz_repo_tick": 0.005}),
    Case("T6", SZ_REPO, "卖", 10, 1.505, choices={"sz_repo_tick": 0.005}),
    Case("M8", BJ, "卖", 100, "up+1", BAND, "涨停", kind=42, held=100),
]

_LATE: Final = {"clock": "14:58", "hours": "exchange"}
SESSIONS: Final = [
    case
    for rule, security, volume, kind in (
        ("A1", MAIN, 100, 42),
        ("A1", STAR, 200, 42),
        ("A2", ETF, 100, 42),
        ("A3", SZ, 100, 44),
        ("A4", BJ, 100, 42),
    )
    for case in (
        Case(rule, security, "买", volume, 0.0, kind=kind, clock="14:56", hours="exchange"),
        Case(rule, security, "买", volume, 0.0, TYPE, "当前时段", kind=kind, **_LATE),
    )
]
SESSIONS += [
    Case("A2", ETF, "买", 100, 0.0, kind=42, day="2026-07-03", **_LATE, note="此前连续到 15:00"),
    Case("A5", SZ_CB, "买", 10, "last", **_LATE),
    Case("A5", SZ_CB, "买", 10, "last", 12313, "当前时间", clock="15:01", hours="exchange"),
    Case("A7", SZ_BOND, "买", 1000, "last", clock="15:01", hours="exchange"),
    Case("A7", SZ_BOND, "买", 1000, "last", 12313, "当前时间", clock="15:01", hours="exchange",
         choices={"sz_bonds_late": False}, note="照以前"),
    Case("A8", BOND, "买", 1000, "last", clock="15:29", hours="exchange"),
    Case("A8", BOND, "买", 1000, "last", 12313, "当前时间", clock="15:30", hours="exchange"),
    Case("A8", BOND, "买", 1000, "last", 12313, "当前时间", clock="15:01", hours="exchange",
         day="2022-05-13"),
    Case("A8", CB, "买", 10, "last", 12313, "当前时间", clock="15:01", hours="exchange"),
]  # fmt: skip

STATUS: Final = [
    *(Case("E1", old, "买", 100, "last", day="2025-09-30") for old in OLD),
    *(Case("E1", old, "买", 100, "last", -990221020, "无此证券", day="2025-10-09") for old in OLD),
    Case("E1", BJ, "买", 100, "last", day="2025-10-09"),
    Case("清单", MAIN, "买", 100, "pre", 1232, "停牌", facts={"suspended": [["2026-11-20", None]]}),
    Case("清单", MAIN, "买", 100, "last", facts={"suspended": [["2026-11-17", "2026-11-19"]]}),
    Case("清单", MAIN, "买", 100, "last", -990221020, "无此证券", facts={"listed": "2026-11-23"}),
    Case("清单", MAIN, "买", 100, "last", -990221020, "无此证券", facts={"delisted": "2026-11-20"}),
    Case("清单", MAIN, "买", 100, "last", facts={"delisted": "2026-11-23"}),
]  # fmt: skip

_AFTER: Final[dict[str, Any]] = {"clock": "15:10", "hours": "exchange"}
REPOS: Final = [
    Case("T5", GC, "卖", 10, 1.505),
    Case("T5", GC, "卖", 10, 1.501, TICK, "应为0.005的整数倍"),
    Case("T6", SZ_REPO, "卖", 10, 1.501),
    Case("T6", SZ_REPO, "卖", 10, 1.5005, TICK, "应为3位"),
    Case("L8", GC, "卖", 10, "last"),
    Case("L8", GC, "卖", 15, "last", LOT, "倍数"),
    Case("L8", GC, "卖", 5, "last", LOT, "不能少于10"),
    Case("L9", GC, "卖", 1000, "last", day="2022-05-13"),
    Case("L9", GC, "卖", 990, "last", LOT, "不能少于1000", day="2022-05-13"),
    Case("L10", SZ_REPO, "卖", 20, "last", day="2022-05-13"),
    Case("L10", SZ_REPO, "卖", 25, "last", LOT, "倍数"),
    Case("S9", GC, "卖", 90_000_000, "last"),
    Case("S9", GC, "卖", 100_000_010, "last", SIZE, "上限100000000"),
    Case("R1", GC, "卖", 1000, "last", day="2017-05-22"),
    Case("R1", GC, "卖", 1000, 2.0, 12314, "从2017-05-22起", day="2017-05-21"),
    Case("A6", GC, "卖", 10, 0.005, **_AFTER),
    Case("A6", SZ_REPO, "卖", 10, 0.001, clock="15:29:59", hours="exchange"),
    Case("A6", GC, "卖", 10, 0.005, 12313, "当前时间", clock="15:30", hours="exchange"),
    Case("A6", GC, "卖", 1000, 0.005, day="2019-01-21", **_AFTER),
    Case("A6", GC, "卖", 1000, 0.005, 12313, "当前时间", day="2019-01-18", **_AFTER),
    Case("A6", MAIN, "买", 100, "last", 12313, "当前时间", **_AFTER),
]
"""价都报得很低的，是为了不管行情怎样都能借出去。"""

CASES: Final = [
    *REPOS,
    *TICKS,
    *LOTS,
    *SIZES,
    *CAPS,
    *BANDS,
    *CAGES,
    *FREE_DAYS,
    *CALLS,
    *MARKET,
    *SESSIONS,
    *STATUS,
]
