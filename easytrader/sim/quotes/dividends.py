"""除权数据：厂商 ``get_divid_factors`` 里一次除权除息的字典。"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from easytrader.basics.beijing import midnight
from easytrader.sim.rules.exrights import reference_price

if TYPE_CHECKING:
    from easytrader.sim.config.corporate_actions import Action

__all__ = ["to_factor"]

_SHARE = 10_000_000


def to_factor(action: Action, close_li: int, tick_li: int) -> tuple[str, dict[str, float]]:
    """除权除息日与它的各项；``dr`` 是前一天的收盘价除以参考价。"""
    after, before = action.split or (_SHARE, _SHARE)
    gift = (
        action.gift - action.bonus if action.split is None else (after - before) * _SHARE / before
    )
    return f"{date.fromordinal(action.ex):%Y%m%d}", {
        "time": midnight(action.ex) * 1000.0,
        "interest": action.cash_micro / 1_000_000,
        "stockBonus": action.bonus / _SHARE,
        "stockGift": gift / _SHARE,
        "allotNum": 0.0,
        "allotPrice": 0.0,
        "gugai": 0.0,
        "dr": round(close_li / reference_price(close_li, action.change, tick_li), 6),
    }
