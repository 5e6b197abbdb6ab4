"""两融的拒绝：文字与编号。

没有见过 QMT 柜台的样本：文字照业务规则的说法，编号是这里自己排的（26xxxx 一段），判断请用状态。
"""

from __future__ import annotations

from typing import Final

from easytrader.sim.ledger.events import Reject

__all__ = [
    "AUCTION",
    "NOT_COLLATERAL",
    "NOT_FIN",
    "NOT_SLO",
    "NO_FIN_DEBT",
    "OVERDUE",
    "SLO_LIMIT_ONLY",
    "bail_short",
    "below_line",
    "money_short",
    "over_quota",
    "pool_short",
    "price_floor",
    "return_too_much",
]

NOT_COLLATERAL: Final = Reject(263001, "该证券不是担保品，不能买入")
NOT_FIN: Final = Reject(263002, "该证券不是融资标的")
NOT_SLO: Final = Reject(263003, "该证券不是融券标的")
SLO_LIMIT_ONLY: Final = Reject(263004, "融券卖出只能用限价委托")
AUCTION: Final = Reject(263005, "集合竞价时段不能融券卖出")
OVERDUE: Final = Reject(263006, "有到期未了结的合约，不能再融资融券")
NO_FIN_DEBT: Final = Reject(263007, "没有可以归还的融资负债")


def price_floor(last_li: int) -> Reject:
    """融券卖出报得太低。"""
    return Reject(263008, "融券委托价格不得低于最新成交价", f"last_price={last_li / 1000:.3f}")


def pool_short(wanted: int, left: int) -> Reject:
    """券源不够。"""
    return Reject(263009, "融券可用数量不足", f"entrust_amount={wanted},enable_amount={left}")


def bail_short(need_li: int, bail_li: int) -> Reject:
    """保证金不够。"""
    return Reject(263010, "保证金可用余额不足", _money(need_li, bail_li, "enable_bail_balance"))


def over_quota(what: str, need_li: int, left_li: int) -> Reject:
    """额度不够。"""
    return Reject(263011, f"超过{what}授信额度", _money(need_li, left_li, "enable_quota"))


def below_line(line_ppm: int, ratio: float) -> Reject:
    """维持担保比例太低。"""
    return Reject(263012, f"维持担保比例低于{line_ppm / 10_000:g}%", f"ratio={ratio:.4f}")


def return_too_much(wanted: int, most: int) -> Reject:
    """还的比欠的多；当天融的还不能还。"""
    return Reject(263013, "还券数量超过可还数量", f"entrust_amount={wanted},enable_amount={most}")


def money_short(need_li: int, has_li: int) -> Reject:
    """钱不够（买券还券、直接还款）；编号与普通买入的一样。"""
    return Reject(260200, "可用资金不足", _money(need_li, has_li, "v_enable_balance_t"))


def _money(need_li: int, has_li: int, name: str) -> str:
    return f"p_occur_balance={need_li / 1000:.2f},{name}={has_li / 1000:.2f}"
