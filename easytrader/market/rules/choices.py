"""没有定论的几条怎样取：默认照表，文件夹里的 ``rules.json`` 可以改。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import date

    from easytrader.market.rules.bands import Rounding


class Choices(NamedTuple):
    """None 是照表。

    Attributes:
        bse_cage: 北交所价格笼子的边界怎样取整（C7）。
        convertible_first_call: 可转债上市首日的开盘集合竞价限于发行价 ±30%（N10）。
        sz_bonds_late: 深市的债券（不含可转债）也到 15:30，没有收盘集合竞价（A7、A8）。
        bse_after_hours: 北交所的盘后固定价格从哪天启用（H8）；None 为没有启用。
        bse_protected: 北交所的市价委托带保护限价（M8）。
        no_limit_calls: 不设涨跌幅的证券在集合竞价里有范围（N8、N9）。
        sz_repo_tick_li: 深市逆回购的最小变动价位，厘（T6）。
    """

    bse_cage: Rounding | None = None
    convertible_first_call: bool = True
    sz_bonds_late: bool = True
    bse_after_hours: date | None = None
    bse_protected: bool = True
    no_limit_calls: bool = True
    sz_repo_tick_li: int | None = None


BY_TABLE: Final = Choices()
