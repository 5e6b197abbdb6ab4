"""合成行情里的难走的日子：跳空、涨跌停、停牌、盘口稀薄。每一天都由种子、代码、日期定下。

涨跌停与跳空会改变收盘价，而次日的前收盘就是它：收盘价在一段（`BLOCK` 个日历日）之内从头推，
每段最后 `QUIET` 个交易日什么都不出，收盘回到噪声给出的价格，所以不必追到更早。
"""

from __future__ import annotations

from typing import Final, NamedTuple

from easytrader.sim.market.noise import hash01

__all__ = ["BLOCK", "QUIET", "Conditions", "Fate", "fate_of"]

BLOCK: Final = 128
QUIET: Final = 3
"""一字板连着停牌，最多离开噪声价两成，三个交易日的涨跌幅足够走回来。"""

_HALF_HOUR: Final = 1800
_HALT_STARTS: Final = (36000, 37800, 48600, 50400)  # 10:00、10:30、13:30、14:00


class Conditions(NamedTuple):
    """各种日子所占的比例，0 到 1；全是 0 就是一直平静的行情。"""

    gap_days: float = 0.0
    limit_days: float = 0.0
    halt_days: float = 0.0
    thin_books: float = 0.0

    @property
    def moves_closes(self) -> bool:
        """会改变收盘价：收盘价要从一段的开头推起。"""
        return bool(self.gap_days or self.limit_days or self.halt_days)


class Fate(NamedTuple):
    """一只证券某一天的遭遇。

    Attributes:
        gap: 开盘比前收盘高多少（比例），没有跳空为 0。
        seal: 走到一天的几分之几时封住涨跌停，0 为一字板；不是涨跌停的日子为 None。
        suspended: 全天停牌。
        halt: 盘中临时停牌从零点后几秒到几秒；没有为 None。
        thin: 盘口稀薄。
    """

    gap: float = 0.0
    seal: float | None = None
    suspended: bool = False
    halt: tuple[int, int] | None = None
    thin: bool = False


def fate_of(conditions: Conditions, salt: int, number: int, *, quiet: bool) -> Fate:
    """``number``（序数）这一天的遭遇；停牌先于涨跌停，涨跌停先于跳空。"""
    thin = hash01(salt ^ 0x71, number) < conditions.thin_books
    if quiet:
        return Fate(thin=thin)
    if hash01(salt ^ 0x72, number) < conditions.halt_days:
        if hash01(salt ^ 0x73, number) < 0.5:
            return Fate(suspended=True, thin=thin)
        start = _HALT_STARTS[int(hash01(salt ^ 0x74, number) * len(_HALT_STARTS))]
        return Fate(halt=(start, start + _HALF_HOUR), thin=thin)
    if hash01(salt ^ 0x75, number) < conditions.limit_days:
        when = hash01(salt ^ 0x76, number)
        return Fate(seal=0.0 if when < 0.3 else when * 0.8, thin=thin)
    if hash01(salt ^ 0x77, number) < conditions.gap_days:
        size = 0.01 + 0.04 * hash01(salt ^ 0x78, number)
        return Fate(gap=size if hash01(salt ^ 0x79, number) < 0.5 else -size, thin=thin)
    return Fate(thin=thin)
