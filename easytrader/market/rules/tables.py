"""表的样子：一行一条规则，有编号、适用范围、从哪天起、值、出处；按日期取最近的一行。"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Final, Generic, TypeVar

from easytrader.market.symbols import Board, Kind, Security

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Scope(Enum):
    """规则按什么分：板块为主，债券再分可转债与其他。"""

    SH_MAIN = "沪主板"
    STAR = "科创板"
    SZ_MAIN = "深主板"
    CHINEXT = "创业板"
    BSE = "北交所"
    SH_FUND = "沪基金"
    SZ_FUND = "深基金"
    CONVERTIBLE = "可转债"
    BOND = "其他债券"
    SH_REPO = "沪逆回购"
    SZ_REPO = "深逆回购"


_STARTS: Final[set[date]] = set()
_SORTED: Final[list[date]] = []


@dataclass(frozen=True, slots=True)
class Dated(Generic[T_co]):
    """一条规则。

    Attributes:
        rule: 编号，测试与文档都用它。
        scopes: 适用范围。
        since: 从这天起，直到同一范围更晚的一行。
        value: 值。
        source: `sources.SOURCES` 里的缩写，空格分开。
        note: 条文号，或说明。
        sure: 没有定论的为假，文档里标出来。
    """

    rule: str
    scopes: tuple[Scope, ...]
    since: date
    value: T_co
    source: str
    note: str = ""
    sure: bool = True

    def __post_init__(self) -> None:
        """记下起始日，见 `era`。"""
        _STARTS.add(self.since)

    def noted(self, note: str) -> Dated[T_co]:
        """写上说明。"""
        return replace(self, note=note)


def era(day: date) -> date | None:
    """各行的起始日里不晚于 ``day`` 的最后一个：同一个 `era` 里的日子，适用的行都一样。"""
    if len(_SORTED) != len(_STARTS):
        _SORTED[:] = sorted(_STARTS)
    place = bisect_right(_SORTED, day)
    return _SORTED[place - 1] if place else None


@dataclass(frozen=True, slots=True)
class Note(Dated[str]):
    """只给人看的一条：值是一句话，程序不读它（照它做的代码另有常量，或另有别的行）。"""


BOURSES: Final = date(1990, 12, 19)
"""沪市开市：查不到起始日、一向如此的规则从这天起。"""
SHARES: Final = (Scope.SH_MAIN, Scope.STAR, Scope.SZ_MAIN, Scope.CHINEXT, Scope.BSE)
FUNDS: Final = (Scope.SH_FUND, Scope.SZ_FUND)
BONDS: Final = (Scope.CONVERTIBLE, Scope.BOND)
REPOS: Final = (Scope.SH_REPO, Scope.SZ_REPO)
MAIN: Final = (Scope.SH_MAIN, Scope.SZ_MAIN)
STAR: Final = (Scope.STAR,)
CHINEXT: Final = (Scope.CHINEXT,)
BSE: Final = (Scope.BSE,)
CONVERTIBLE: Final = (Scope.CONVERTIBLE,)

STOCKS: Final = frozenset({Kind.STOCK, Kind.CDR})
ETFS: Final = frozenset(
    {
        Kind.ETF,
        Kind.CROSS_BORDER_ETF,
        Kind.COMMODITY_ETF,
        Kind.GOLD_ETF,
        Kind.MONEY_ETF,
        Kind.BOND_ETF,
    }
)

STAR_OPENED: Final = date(2019, 7, 22)
CHINEXT_REFORM: Final = date(2020, 8, 24)
"""创业板注册制。"""
BSE_OPENED: Final = date(2021, 11, 15)
BOND_RULES: Final = date(2022, 5, 16)
"""沪深债券交易规则：匹配成交、净价、到 15:30。"""
MAIN_REFORM: Final = date(2023, 4, 10)
"""主板注册制。"""
RULES_2026: Final = date(2026, 7, 6)
"""三家交易所 2026 年的交易规则。"""

_SCOPES: Final = {
    Board.SH_MAIN: Scope.SH_MAIN,
    Board.STAR: Scope.STAR,
    Board.SZ_MAIN: Scope.SZ_MAIN,
    Board.CHINEXT: Scope.CHINEXT,
    Board.BSE: Scope.BSE,
}


def scope_of(security: Security) -> Scope | None:
    """证券归哪一类；模拟柜台不做的（B 股、指数、申购代码）为 None。"""
    if not security.tradable:
        return None
    if security.board is Board.FUND:
        return Scope.SH_FUND if security.exchange == "SH" else Scope.SZ_FUND
    if security.board is Board.BOND:
        return Scope.CONVERTIBLE if security.kind is Kind.CONVERTIBLE else Scope.BOND
    if security.board is Board.REPO:
        return Scope.SH_REPO if security.exchange == "SH" else Scope.SZ_REPO
    return _SCOPES.get(security.board)


def find(rows: tuple[Dated[T], ...], scope: Scope, day: date) -> Dated[T] | None:
    """``day`` 这天适用的那一行；没有为 None。"""
    best: Dated[T] | None = None
    for row in rows:
        if scope in row.scopes and row.since <= day and (best is None or row.since > best.since):
            best = row
    return best


def pick(rows: tuple[Dated[T], ...], scope: Scope, day: date, default: T) -> T:
    """`find` 的值；没有那一行为 ``default``。"""
    row = find(rows, scope, day)
    return default if row is None else row.value
