"""资金对账：从上一次看到的资金到这一次，成交、费用、转账、逆回购到期各是多少，还差多少说不清。

钱用 Decimal，元；费用照 `market.rules.fees`，以厘计。
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics.numbers import exact
from easytrader.errors import UsageError
from easytrader.market.calendar import is_trading_day, next_trading_day
from easytrader.market.rules import repo
from easytrader.market.rules.fees import FeeSchedule
from easytrader.market.symbols import Kind, Security, parse_security

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from easytrader.history.facts import Deal, Facts, Snapshot

CENT: Final = Decimal("0.01")
_LI: Final = 1000


class Cash(NamedTuple):
    """资金对账，元。

    Attributes:
        before: 上一次的现金（可用加冻结）；``before_at`` 是那一刻，Unix 秒。
        now: 这一次的；``now_at`` 是那一刻。
        bought: 买入付出的；逆回购借出的也在里面。
        sold: 卖出得到的。
        fees: 费用；``fees_from`` 说是怎样来的。
        transfers: 银证转账，转入为正；柜台没有说的为 0。
        matured: 逆回购到期的本息。
        unexplained: 说不清的：多出来的为正。
    """

    before: Decimal
    before_at: float
    now: Decimal
    now_at: float
    bought: Decimal
    sold: Decimal
    fees: Decimal
    fees_from: str
    transfers: Decimal
    matured: Decimal
    unexplained: Decimal


def cash_of(facts: Facts) -> Cash | None:
    """资金对得上多少；没有前一次或这一次的资金、信用账号（有负债）为 None。"""
    before, now = facts.asset_before, facts.asset
    if before is None or now is None or facts.credit:
        return None
    deals = facts.between(before, now)
    bought = sum((_worth(each) for each in deals if _pays(each)), Decimal(0))
    sold = sum((_worth(each) for each in deals if each.side < 0 and not _pays(each)), Decimal(0))
    moved = sum((each.amount for each in facts.transfers or ()), Decimal(0))
    back = _matured(facts.trades, before.day, now.day)
    left = _money(now) - (_money(before) - bought + sold + moved + back)  # 应是付掉的费用
    fees, how = _fees(facts, deals, before, left)
    return Cash(
        _money(before), before.at, _money(now), now.at, bought, sold, fees, how, moved, back,
        (left + fees).quantize(CENT),
    )  # fmt: skip


def _money(asset: Snapshot) -> Decimal:
    row = asset.rows[0]
    return (Decimal(exact(row["cash"])) + Decimal(exact(row["frozen_cash"]))).quantize(CENT)


def security_of(stock_code: str) -> Security | None:
    """认不得的代码为 None。"""
    try:
        return parse_security(stock_code)
    except UsageError:
        return None


def is_repo(deal: Deal) -> bool:
    """逆回购。"""
    found = security_of(deal.row["stock_code"])
    return found is not None and found.kind is Kind.REPO


def _pays(deal: Deal) -> bool:
    """付钱的：买入，和借出的逆回购（它是卖出）。"""
    return deal.side > 0 or (deal.side < 0 and is_repo(deal))


def _worth(deal: Deal) -> Decimal:
    if is_repo(deal):
        return Decimal(repo.FACE_LI * int(deal.volume)) / _LI
    return Decimal(exact(deal.row["traded_amount"])).quantize(CENT)


# ---- 费用


def _fees(
    facts: Facts, deals: Sequence[Deal], before: Snapshot, left: Decimal
) -> tuple[Decimal, str]:
    """(费用, 怎样来的)。

    不知道费率的：柜台说的、默认费率算的，取对得上的那一个；都对不上而差额在税费与默认费率之间，
    差的就是佣金打了折。再多的不算费用，是说不清的。
    """
    numbers = {(each.day, each.row["order_id"]) for each in deals}
    slack = CENT * (1 + len(numbers))
    whole = [each for each in facts.trades if (each.day, each.row["order_id"]) in numbers]

    def estimate(schedule: FeeSchedule, least: bool = False) -> Decimal:
        paid = [each for each in whole if not each.after(before.at)]
        now = [*paid, *deals]
        return _charged(now, schedule, least) - _charged(paid, schedule, least)

    if facts.fees is not None:
        return estimate(facts.fees), "按给的费率"
    told = sum((Decimal(exact(each.fee)) for each in deals), Decimal(0)).quantize(CENT)
    default, least = estimate(FeeSchedule()), estimate(FeeSchedule(0, 0), least=True)
    choices = [(default, "按默认的费率（万分之 2.5，最低 5 元）"), (least, "只有税费")]
    if told:
        choices = [
            (told, "柜台说的"),
            (told + least, "柜台说的，另加税费"),
            *choices,
        ]
    best = min(choices, key=lambda each: abs(left + each[0]))
    if abs(left + best[0]) > slack and least <= -left <= default:
        return -left, f"推算的：税费 {least} 元，其余是佣金"
    return best


def _charged(deals: Iterable[Deal], schedule: FeeSchedule, least: bool) -> Decimal:
    """这些成交一共应收的，同一笔委托合并计费。"""
    amounts: defaultdict[tuple[str, Any, str, bool], int] = defaultdict(int)
    for each in deals:
        if each.side:
            key = each.day, each.row["order_id"], each.row["stock_code"], each.side > 0
            amounts[key] += int(_worth(each) * _LI)
    total = 0
    for (day, _, code, buy), amount in amounts.items():
        security = security_of(code)
        if security is not None:
            rates = schedule.rates(security, buy, date.fromisoformat(day))
            if least:
                rates = rates._replace(commission_ppm=0, commission_min_li=0)
            total += rates.total(amount)
    return Decimal(total) / _LI


# ---- 逆回购到期


def _matured(deals: Iterable[Deal], after: str, until: str) -> Decimal:
    """``after`` 之后、到 ``until`` 为止到期的本息。"""
    total = 0
    for each in deals:
        term = repo.TERMS.get(each.row["stock_code"])
        if term is None or each.side >= 0:
            continue
        found = _schedule(date.fromisoformat(each.day), term.days)
        if found is not None and after < found[0].isoformat() <= until:
            volume = int(each.volume)
            rate_li = int(Decimal(exact(each.row["traded_price"])) * _LI)
            total += repo.FACE_LI * volume + repo.interest_li(rate_li * volume, found[1])
    return Decimal(total) / _LI


def _schedule(day: date, term: int) -> tuple[date, int] | None:
    """(到期日, 实际占款天数)，同 `market.rules.repo.DAY_COUNT`；日历不知道为 None。"""
    due: date | None = day + timedelta(days=term)
    if due is not None and not is_trading_day(due, past_end=True):
        due = next_trading_day(due, past_end=True)
    start = next_trading_day(day, past_end=True)
    free = None if due is None else next_trading_day(due, past_end=True)
    if due is None or start is None or free is None:
        return None
    return due, (free - start).days
