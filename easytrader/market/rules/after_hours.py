"""盘后固定价格交易（15:05–15:30，按收盘价）：哪些证券从哪天起有，什么时候收单，单笔上限。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.market.rules.choices import BY_TABLE, Choices
from easytrader.market.rules.tables import (
    BSE,
    CHINEXT,
    CHINEXT_REFORM,
    ETFS,
    FUNDS,
    MAIN,
    RULES_2026,
    STAR,
    STAR_OPENED,
    STOCKS,
    Dated,
    Scope,
    find,
    pick,
    scope_of,
)

if TYPE_CHECKING:
    from datetime import date

    from easytrader.market.symbols import Kind, Security


_SH: Final = (Scope.STAR, Scope.SH_MAIN, Scope.SH_FUND)
_SZ: Final = (Scope.CHINEXT, Scope.SZ_MAIN, Scope.SZ_FUND)

KINDS: Final[tuple[Dated[frozenset[Kind]], ...]] = (
    Dated("H1", STAR, STAR_OPENED, STOCKS, "STAR19", ""),
    Dated("H2", CHINEXT, CHINEXT_REFORM, STOCKS, "CHINEXT20", ""),
    Dated("H3", MAIN, RULES_2026, STOCKS, "SSE26 SZSE26", "扩大到全部 A 股与存托凭证"),
    Dated("H8", BSE, RULES_2026, STOCKS, "BSE26", sure=False).noted(
        "3.7.1–3.7.10 写进了规则，没有启用；启用那天写进 `rules.json` 的 bse_after_hours"
    ),
    Dated("H4", FUNDS, RULES_2026, ETFS, "SSE26 SZSE26").noted("扩大到 ETF；LOF、REIT 不在其列"),
)
"""有盘后固定价格的品种。"""

Spans = tuple[tuple[int, int], ...]
"""当日零点起的秒，左闭右开。"""

WINDOWS: Final[tuple[Dated[Spans], ...]] = (
    Dated("H5", _SH, STAR_OPENED, ((34200, 41400), (46800, 55800)), "STAR19 SSE26", ""),
    Dated("H9", BSE, RULES_2026, ((33300, 41400), (46800, 55800)), "BSE26", "同深市"),
    Dated("H6", _SZ, CHINEXT_REFORM, ((33300, 41400), (46800, 55800)), "CHINEXT20 SZSE26").noted(
        "9:20–9:25、14:57–15:00 不能撤的是竞价的申报，与它无关"
    ),
)
"""收单的时候；没成交的在同样的时候可以撤。"""

SIZES: Final = (
    Dated("H7", (*_SH, *_SZ), STAR_OPENED, 1_000_000, "STAR19 CHINEXT20 SSE26 SZSE26", ""),
    Dated("H10", BSE, RULES_2026, 1_000_000, "公开整理", "同沪深，没有核到", sure=False),
)
"""单笔上限；最少多少、多少递增与竞价交易相同。"""

MATCHING: Final = (54300, 55800)
"""15:05–15:30 撮合，当日零点起的秒。"""


def has_after_hours(security: Security, day: date, choices: Choices = BY_TABLE) -> bool:
    """``day`` 这一天这只证券有没有盘后固定价格交易。"""
    scope = scope_of(security)
    started = choices.bse_after_hours
    if scope is Scope.BSE and (started is None or day < started):
        return False
    row = None if scope is None else find(KINDS, scope, day)
    return row is not None and security.kind in row.value


def windows(security: Security, day: date) -> Spans:
    """什么时候收单。"""
    scope = scope_of(security)
    return () if scope is None else pick(WINDOWS, scope, day, ())


def most(security: Security, day: date) -> int:
    """单笔上限。"""
    scope = scope_of(security)
    return 0 if scope is None else pick(SIZES, scope, day, 0)
