"""费用的带日期表。整数运算，单位厘；每一项四舍五入到分。

佣金「全佣」：已含经手费与证管费，印花税与过户费另收。同一笔委托的多次成交合并计费，
所以最低佣金一笔委托只收一次：每次成交收「到目前为止应收」与「已收」之差。
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from easytrader.market.rules.repo import FEES as REPO_FEES
from easytrader.market.rules.repo import fee_ppm
from easytrader.market.rules.tables import (
    BONDS,
    BOURSES,
    BSE,
    BSE_OPENED,
    FUNDS,
    SHARES,
    STOCKS,
    Dated,
    Note,
    Scope,
    pick,
    scope_of,
)
from easytrader.market.symbols import Kind, Security


def yuan(li: int) -> float:
    """厘 → 元。"""
    return li / 1000


class FeeRates(NamedTuple):
    """一只证券一个方向一天的费率，百万分之几；``commission_cap_li`` 为 0 是不封顶。"""

    commission_ppm: int
    commission_min_li: int
    stamp_ppm: int
    transfer_ppm: int
    commission_cap_li: int = 0

    def total(self, amount_li: int) -> int:
        """一笔委托累计成交 ``amount_li`` 应收的全部费用，厘。"""
        if amount_li <= 0:
            return 0
        rate, least, stamp, transfer, cap = self
        fees = 0
        if rate or least:
            fees = max(_part(amount_li, rate), least)
            if cap:
                fees = min(fees, cap)
        if stamp:
            fees += _part(amount_li, stamp)
        if transfer:
            fees += _part(amount_li, transfer)
        return fees


def to_fen(amount_li: int) -> int:
    """四舍五入到分：清算金额以分为单位（中国结算的结算规则）。"""
    return (amount_li + 5) // 10 * 10


def _part(amount_li: int, ppm: int) -> int:
    """按费率取一项，四舍五入到分。"""
    return (amount_li * ppm + 5_000_000) // 10_000_000 * 10


STAMPS: Final = (
    Dated("F1", SHARES, date(2023, 8, 28), 500, "STAMP23", "只收卖出，股票与存托凭证，0.05%"),
    Dated("F2", SHARES, date(2008, 9, 19), 1000, "STAMP08", "只收卖出，0.1%；此前的不回溯"),
)
"""印花税，百万分之几。"""

_SH_SZ: Final = (Scope.SH_MAIN, Scope.STAR, Scope.SZ_MAIN, Scope.CHINEXT)

TRANSFERS: Final = (
    Dated("F3", SHARES, date(2022, 4, 29), 10, "CSDC22", "沪、深、北双边 0.001%"),
    Dated("F4", _SH_SZ, date(2015, 8, 1), 20, "CSDC15", "沪、深双边 0.002%；此前的不回溯"),
    Dated("F12", BSE, BSE_OPENED, 25, "公开整理", "北交所双边 0.0025%，到 2022-04-28"),
)
"""过户费，百万分之几；基金、可转债、债券不收。"""

COMMISSION_CAP: Final = Dated("F5", SHARES + FUNDS, date(2002, 5, 1), 3000, "CSRC02").noted(
    "佣金不超过千分之三；默认万分之 2.5、每笔最低 5 元，可以设"
)

BOND_COMMISSION_MIN_LI: Final = 1000
BOND_COMMISSION: Final = Dated("F6", BONDS, BOURSES, 50, "公开整理", sure=False).noted(
    "可转债与债券：各家不同，取常见的 0.005%，最低 1 元"
)
MONEY_FUND_COMMISSION: Final = Dated(
    "F7", FUNDS, BOURSES, 0, "公开整理", "货币 ETF：各家普遍免佣", sure=False
)

INCLUDED: Final = (
    Note("F8", _SH_SZ, date(2023, 8, 28), "0.00341%", "公开整理", "经手费，双边 0.00341%"),
    Note("F9", BSE, date(2023, 8, 28), "0.0125%", "公开整理", "经手费，双边 0.0125%"),
    Note("F10", SHARES, BOURSES, "0.002%", "公开整理", "证管费，双边 0.002%"),
)
"""已经含在佣金（全佣）里的，不另收；列出来是为了说明白。"""

_BOND_KINDS: Final = frozenset({Kind.CONVERTIBLE, Kind.BOND})


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
        if security.kind in _BOND_KINDS:
            return FeeRates(BOND_COMMISSION.value, BOND_COMMISSION_MIN_LI, 0, 0)
        if security.kind is Kind.REPO:
            return FeeRates(fee_ppm(security), 0, 0, 0, REPO_FEES.value.cap_li)
        if security.kind is Kind.MONEY_ETF:
            return FeeRates(MONEY_FUND_COMMISSION.value, 0, 0, 0)
        if security.kind not in STOCKS:
            return FeeRates(self.commission_ppm, self.commission_min_li, 0, 0)
        scope = scope_of(security)
        if scope is None:  # B 股等模拟柜台不做的
            return FeeRates(self.commission_ppm, self.commission_min_li, 0, 0)
        stamp = 0 if buy else pick(STAMPS, scope, day, 0)
        transfer = pick(TRANSFERS, scope, day, 0)
        return FeeRates(self.commission_ppm, self.commission_min_li, stamp, transfer)
