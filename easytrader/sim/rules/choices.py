"""没有定论的几条怎样取：默认照表，文件夹里的 ``rules.json`` 可以改。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from easytrader.sim.rules.bands import Rounding


class Choices(NamedTuple):
    """None 是照表。

    Attributes:
        bse_cage: 北交所价格笼子的边界怎样取整（C7）。
        convertible_first_call: 可转债上市首日的开盘集合竞价限于发行价 ±30%（N10）。
        sz_bonds_late: 深市的债券（不含可转债）也到 15:30，没有收盘集合竞价（A7、A8）。
    """

    bse_cage: Rounding | None = None
    convertible_first_call: bool = True
    sz_bonds_late: bool = True


BY_TABLE: Final = Choices()
