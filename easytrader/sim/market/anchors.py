"""每只证券的价格围着哪里走、走多远、盘口有多厚。"""

from __future__ import annotations

from typing import Final, NamedTuple

from easytrader.market.rules.repo import TERMS
from easytrader.market.symbols import Board, Kind, Security
from easytrader.sim.market.noise import hash01

_KNOWN: Final = {
    "600036.SH": (35_500, "招商银行"),
    "600000.SH": (10_500, "浦发银行"),
    "600519.SH": (1_450_000, "贵州茅台"),
    "601318.SH": (55_000, "中国平安"),
    "601398.SH": (7_500, "工商银行"),
    "688981.SH": (90_000, "中芯国际"),
    "688111.SH": (300_000, "金山办公"),
    "000001.SZ": (11_500, "平安银行"),
    "000002.SZ": (6_500, "万科A"),
    "000858.SZ": (120_000, "五粮液"),
    "300750.SZ": (260_000, "宁德时代"),
    "300059.SZ": (23_000, "东方财富"),
    "002594.SZ": (100_000, "比亚迪"),
    "920002.BJ": (30_000, ""),
    "162411.SZ": (618, "华宝油气"),
    "159915.SZ": (2_900, "创业板ETF"),
    "510300.SH": (4_000, "沪深300ETF"),
    "510050.SH": (2_900, "上证50ETF"),
    "518880.SH": (8_500, "黄金ETF"),
    "513100.SH": (1_700, "纳指ETF"),
    "588000.SH": (1_300, "科创50ETF"),
    "511880.SH": (100_000, "银华日利"),
    "511990.SH": (100_000, "华宝添益"),
    "113050.SH": (115_000, "南银转债"),
    "123107.SZ": (128_000, ""),
    "128136.SZ": (118_000, ""),
}
"""文档例子里用到的代码：放在 2026-11-20 的市价（厘）附近，名称。"""

ANCHORS_LI: Final = {code: price_li for code, (price_li, _) in _KNOWN.items()}
NAMES: Final = {
    **{code: name for code, (_, name) in _KNOWN.items() if name},
    **{code: term.name for code, term in TERMS.items()},
}


class Profile(NamedTuple):
    """走法。

    ``drift``：各日收盘偏离锚价的最大比例；``swing``：日内再偏离的最大比例；
    ``depth_li``：一档大约多少钱（厘）。
    """

    anchor_li: int
    drift: float
    swing: float
    depth_li: int


_KIND_RANGES: Final = {
    Kind.ETF: (600, 4_500),
    Kind.CROSS_BORDER_ETF: (600, 2_500),
    Kind.COMMODITY_ETF: (800, 2_000),
    Kind.GOLD_ETF: (8_000, 9_000),
    Kind.MONEY_ETF: (100_000, 100_000),
    Kind.BOND_ETF: (100_000, 130_000),
    Kind.LOF: (500, 2_500),
    Kind.CLOSED_FUND: (700, 1_500),
    Kind.REIT: (2_000, 7_000),
    Kind.CONVERTIBLE: (105_000, 160_000),
    Kind.BOND: (98_000, 104_000),
    Kind.REPO: (1_500, 2_000),  # 年利率 1.5%–2%
}
_BOARD_RANGES: Final = {
    Board.STAR: (15_000, 150_000),
    Board.CHINEXT: (8_000, 120_000),
    Board.BSE: (6_000, 60_000),
}
_STOCKS: Final = (3_500, 60_000)

_CALM: Final = {
    Kind.MONEY_ETF: (0.0002, 0.00005),
    Kind.BOND: (0.004, 0.0008),
    Kind.BOND_ETF: (0.005, 0.001),
    Kind.REPO: (0.15, 0.03),
}
_LIVELY: Final = (0.05, 0.012)


def profile_of(security: Security, salt: int) -> Profile:
    """锚价取自上面的表；表里没有的由代码散列到该品种合理的范围里（偏向便宜的一头）。"""
    low, high = _KIND_RANGES.get(security.kind) or _BOARD_RANGES.get(security.board, _STOCKS)
    unit = hash01(salt, 1)
    anchor = ANCHORS_LI.get(security.stock_code) or int(low + (high - low) * unit * unit)
    drift, swing = _CALM.get(security.kind, _LIVELY)
    thickness = hash01(salt, 2)
    depth = int(200_000_000 + 1_300_000_000 * thickness * thickness)  # 20 万到 150 万元一档
    if security.board is Board.BSE:
        depth //= 4
    return Profile(anchor, drift, swing, depth)
