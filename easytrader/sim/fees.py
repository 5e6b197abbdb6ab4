"""费用的带日期表。整数运算，单位厘；每一项四舍五入到分。

佣金「全佣」：已含经手费与证管费，印花税与过户费另收。同一笔委托的多次成交合并计费，
所以最低佣金一笔委托只收一次：每次成交收「到目前为止应收」与「已收」之差。
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from easytrader.symbols import Kind, Security

__all__ = ["FeeRates", "FeeSchedule", "to_fen"]


class FeeRates(NamedTuple):
    """一只证券一个方向一天的费率，百万分之几。"""

    commission_ppm: int
    commission_min_li: int
    stamp_ppm: int
    transfer_ppm: int

    def total(self, amount_li: int) -> int:
        """一笔委托累计成交 ``amount_li`` 应收的全部费用，厘。"""
        if amount_li <= 0:
            return 0
        commission = 0
        if self.commission_ppm or self.commission_min_li:
            commission = max(_part(amount_li, self.commission_ppm), self.commission_min_li)
        return commission + _part(amount_li, self.stamp_ppm) + _part(amount_li, self.transfer_ppm)


def to_fen(amount_li: int) -> int:
    """四舍五入到分：清算金额以分为单位（中国结算的结算规则）。"""
    return (amount_li + 5) // 10 * 10


def _part(amount_li: int, ppm: int) -> int:
    """按费率取一项，四舍五入到分。"""
    return (amount_li * ppm + 5_000_000) // 10_000_000 * 10


_STAMP: Final = (
    # 财政部 税务总局公告 2023 年第 39 号；此前 2008-09-19 起单边 0.1%
    (date(2023, 8, 28), 500),
    (date(2008, 9, 19), 1000),
)
_TRANSFER: Final = (
    # 中国结算 2022-04-29 起 0.001% 双边；2015-08-01 起 0.002%
    (date(2022, 4, 29), 10),
    (date(2015, 8, 1), 20),
)

BOND_COMMISSION_PPM: Final = 50
BOND_COMMISSION_MIN_LI: Final = 1000
"""可转债与债券佣金：各家不同，取常见的 0.005%，最低 1 元。"""

_SHARES: Final = frozenset({Kind.STOCK, Kind.CDR})
_BONDS: Final = frozenset({Kind.CONVERTIBLE, Kind.BOND})


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """柜台的收费标准。

    Attributes:
        commission_ppm: 股票与基金佣金，百万分之几（250 = 0.025%）。
        commission_min_li: 每笔委托最低佣金，厘（5000 = 5 元）。
    """

    commission_ppm: int = 250
    commission_min_li: int = 5000

    def rates(self, security: Security, buy: bool, day: date) -> FeeRates:
        """某只证券某个方向某一天的费率。"""
        if security.kind in _BONDS:
            return FeeRates(BOND_COMMISSION_PPM, BOND_COMMISSION_MIN_LI, 0, 0)
        if security.kind is Kind.MONEY_ETF:  # 货币基金各家普遍免佣
            return FeeRates(0, 0, 0, 0)
        if security.kind not in _SHARES:
            return FeeRates(self.commission_ppm, self.commission_min_li, 0, 0)
        stamp = 0 if buy else _since(_STAMP, day)
        return FeeRates(self.commission_ppm, self.commission_min_li, stamp, _since(_TRANSFER, day))


def _since(rows: tuple[tuple[date, int], ...], day: date) -> int:
    return next((value for since, value in rows if day >= since), 0)
