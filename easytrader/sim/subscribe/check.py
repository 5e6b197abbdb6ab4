"""收不收一笔申购：一串小问题，第一个不满足的就是废单的理由。

申购被拒的原话没有见过 QMT 的样本，用同类柜台（宽睿 OES）的编号与说法。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import PriceType
from easytrader.sim.events import Reject
from easytrader.sim.phases import Phase
from easytrader.sim.rules.issues import BAN_DAYS, GIVE_UPS

if TYPE_CHECKING:
    from easytrader.sim.orders import SimOrder
    from easytrader.sim.subscribe.issues import Issue

__all__ = ["Applicant", "examine"]

_YEAR: Final = 365
_SZ_EARLY: Final = frozenset({Phase.OPEN_CALL, Phase.OPEN_CALL_FIXED, Phase.PRE_OPEN})


class Applicant(NamedTuple):
    """申购之前的情形。

    Attributes:
        day: 今天（序数）。
        phase: 此刻的时段，不算收盘集合竞价。
        closed: 休市的特别原因。
        credit: 信用账户。
        quota: 还有多少额度，股（张）。
        again: 这只已经申购过。
        give_ups: 历次没有足额缴款的缴款日，由早到晚。
    """

    day: int
    phase: Phase
    closed: str
    credit: bool
    quota: int
    again: bool
    give_ups: list[int]


def examine(order: SimOrder, issue: Issue, whole: bool, facts: Applicant) -> Reject | None:
    """不收的理由；收为 None。"""
    return (
        _when(issue, facts)
        or _who(order, facts)
        or _how(order, issue, whole, facts)
        or _once(facts)
    )


def _when(issue: Issue, facts: Applicant) -> Reject | None:
    open_now = facts.phase is Phase.CONTINUOUS
    if issue.listed.exchange == "SZ" and facts.phase in _SZ_EARLY:
        open_now = True
    if facts.day == issue.day and open_now:
        return None
    reason = "不是申购日" if facts.day != issue.day else facts.closed
    return Reject(12313, "当前时间不允许此类证券交易", reason)


def _who(order: SimOrder, facts: Applicant) -> Reject | None:
    if not order.is_buy:
        return Reject(251005, "证券可用数量不足", f"v_stock_code={order.stock_code[:6]}")
    if facts.credit:
        return Reject(1229, "未通过限购检查", "信用账户不能申购")
    return None


def _how(order: SimOrder, issue: Issue, whole: bool, facts: Applicant) -> Reject | None:
    if order.price_type != PriceType.FIX:
        return Reject(1224, "该证券不支持市价委托", "申购用限价，价格是发行价")
    if not whole or order.price_li != issue.price_li:
        return Reject(1221, "价格不在合法区间内", f"issue_price={issue.price_li / 1000:.2f}")
    if not issue.least <= order.volume <= issue.most:
        return Reject(1218, "委托数量不在合法区间内", f"{issue.least}-{issue.most}")
    if order.volume % issue.step:
        return Reject(-150904070, "委托数量必须是每手股(张)数的倍数", f"{issue.step}")
    if order.volume > facts.quota:
        return Reject(1229, "未通过限购检查", f"申购额度={facts.quota}")
    return None


def _once(facts: Applicant) -> Reject | None:
    if facts.again:
        return Reject(1229, "未通过限购检查", "重复申购")
    days = facts.give_ups
    for first, last in zip(days, days[GIVE_UPS - 1 :], strict=False):
        if last - first < _YEAR and last < facts.day <= last + BAN_DAYS:
            return Reject(1229, "未通过限购检查", f"{GIVE_UPS} 次中签未足额缴款")
    return None
