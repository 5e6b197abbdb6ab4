"""盘中临时停牌：涨跌到多少停多久。触发与复牌的时刻由行情的价格推出，见 `exchange.halting`。"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from easytrader.market.rules.tables import (
    BSE,
    BSE_OPENED,
    CHINEXT,
    CHINEXT_REFORM,
    CONVERTIBLE,
    MAIN,
    MAIN_REFORM,
    STAR,
    STAR_OPENED,
    Dated,
)


class Step(NamedTuple):
    """首次涨跌到万分之 ``bp``，停 ``seconds`` 秒；0 停到 14:57。"""

    bp: int
    seconds: int


class Halting(NamedTuple):
    """由小到大的几档；``from_open``：对当日开盘价，否则对前收盘（上市首日是发行价）。

    ``free_only``：只在不设涨跌幅的日子。跨过 14:57 的到那时为止；一步越过几档的只停最高那一档的。
    """

    steps: tuple[Step, ...]
    from_open: bool
    free_only: bool


_STOCK: Final = Halting((Step(3000, 600), Step(6000, 600)), from_open=True, free_only=True)
_BOND: Final = Halting((Step(2000, 1800), Step(3000, 0)), from_open=False, free_only=False)

HALTINGS: Final[tuple[Dated[Halting | None], ...]] = (
    Dated("V1", STAR, STAR_OPENED, _STOCK, "STAR19 SSE26", "较开盘价首次 ±30%、±60%，各停 10 分钟"),
    Dated("V1", CHINEXT, CHINEXT_REFORM, _STOCK, "CHINEXT20 SZSE26", "同上"),
    Dated("V1", BSE, BSE_OPENED, _STOCK, "BSE21 BSE26", "同上"),
    Dated("V1", MAIN, MAIN_REFORM, _STOCK, "SSE23 SZSE23 SSE26 SZSE26", "注册制起主板也有"),
    Dated("V2", CONVERTIBLE, date(2022, 8, 1), _BOND, "CB22").noted(
        "较前收盘首次 ±20% 停 30 分钟（平日就是涨跌停价），±30% 停到 14:57"
    ),
)
"""停牌期间收申报与撤单，复牌时先集中撮合一次（待核：只有二手来源）。"""
