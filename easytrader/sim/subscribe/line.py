"""新股申购在柜台里的样子：申购日收单，T+2 早上摇号、日终缴款，上市日到股。

申购委托不经过撮合：当天一直是已报（50），日终成为已成（56），成交数量是申购的数量，没有成交回报、
不收费用。守恒律：缴了款、还没有上市的钱在 ``held_li`` 里，上市时成为持仓成本::

    cash + frozen + fees + Σ持仓成本 + held − 已实现盈亏 = 初始现金 + Σ初始成本

隔了几个交易日没有人看，就按日子的先后一天一天补做。
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import SimulatorError
from easytrader.sim.events import Reject
from easytrader.sim.fees import to_fen
from easytrader.sim.folder import SimFolder
from easytrader.sim.subscribe import record
from easytrader.sim.subscribe.check import Applicant, examine
from easytrader.sim.subscribe.issues import FILE_NAME, load_issues
from easytrader.sim.subscribe.lottery import draw
from easytrader.sim.subscribe.quota import Quotas
from easytrader.sim.subscribe.record import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.sim.account import Account
    from easytrader.sim.ledger import Surroundings
    from easytrader.sim.orders import SimOrder
    from easytrader.sim.plugin import Way
    from easytrader.sim.sessions import MarketHours
    from easytrader.sim.subscribe.issues import Issue, Prospectus

__all__ = ["SubscribeBusiness", "subscribe_business"]

_STOCK_ACCOUNT: Final = 2
_KIND: Final = "subscription"
_MARKETS: Final = ("KCB", "SH", "SZ")
_BEYOND: Final = Reject(12313, "当前时间不允许此类证券交易", "缴款日超出交易日历")
_NO_CANCEL: Final = Reject(251020, "申购委托不能撤单")


class _Unfunded:
    """申购时不冻结、不收付。"""

    def sellable(self, account: Account, order: SimOrder) -> int:
        """没有可卖的。"""
        return 0

    def shares(self, account: Account, order: SimOrder, ticket: object) -> Reject | None:
        """不查。"""
        return None

    def cash(self, account: Account, order: SimOrder, ticket: object) -> Reject | None:
        """不查。"""
        return None

    def freeze(self, account: Account, order: SimOrder) -> None:
        """不冻结。"""

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """不会有成交。"""
        raise AssertionError(f"申购没有成交：{order.stock_code}")

    def release(self, account: Account, order: SimOrder) -> None:
        """没有冻结。"""


class SubscribeBusiness:
    """满足 `Business`。"""

    def __init__(self, seen: Surroundings, prospectus: Prospectus, seed: int) -> None:
        self._seen = seen
        self._ledger = seen.ledger
        self._issues = prospectus.issues
        self._pay_days = {each.code: _pay_day(each, seen.hours) for each in self._issues.values()}
        self._quotas = Quotas(seen, prospectus.quota)
        self._seed = seed
        self._ended = 0
        self._way = _Unfunded()
        known = {
            (account_id, code): Subscription.load(body)
            for (kind, account_id, code), body in self._ledger.state.records.items()
            if kind == _KIND
        }
        # 先申购的先缴款、先推送；重开之后也是这个次序
        self._known: dict[tuple[str, str], Subscription] = dict(
            sorted(known.items(), key=lambda each: each[1].order_id)
        )

    def way(self, order: SimOrder) -> Way | None:
        """自己收的申购。"""
        found = self._known.get((order.account_id, order.stock_code)) if order.off_book else None
        return self._way if found is not None and found.order_id == order.order_id else None

    def claims(self, order: SimOrder, account: Account) -> bool:
        """申购代码；深市新股的代码上市以前也是。"""
        if self.way(order) is not None:
            return True
        issue = self._issues.get(order.stock_code)
        if issue is None:
            return False
        own = issue.listed.stock_code == issue.code
        return not own or self._ledger.state.progress.day < issue.listing

    def place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        """查一遍，收下，记一笔申购。"""
        issue = self._issues[order.stock_code]
        reject = examine(order, issue, whole, self._applicant(account, issue, now))
        pay = self._pay_days[issue.code]
        if reject is None and pay is None:
            reject = _BEYOND
        if reject is not None or pay is None:
            self._ledger.reject(order, reject or _BEYOND)
            return
        order.limit_li = issue.price_li
        unit = issue.step if issue.bond and issue.listed.exchange == "SH" else 1
        won = draw(issue, account.account_id, order.volume, self._seed)
        kept = Subscription(
            order.order_id,
            issue.day,
            pay,
            issue.listing,
            issue.listed.stock_code,
            issue.price_li,
            order.volume,
            won,
            unit,
        )
        self._keep(account.account_id, issue.code, kept)
        self._ledger.accept(order)

    def withdraw(self, order: SimOrder, now: float) -> Reject | None:
        """都不能撤。"""
        return _NO_CANCEL

    def end_day(self, day: int) -> None:
        """当天的申购成为已成；记下收市时的市值。"""
        self._ended = day
        for subscription in self._known.values():
            order = self._ledger.state.orders.get(subscription.order_id)
            if order is not None and order.is_working:
                self._ledger.complete(order)
        if self._issues:
            self._quotas.close(day)

    def start_day(self, day: int) -> None:
        """上一天日终该缴的款先缴（卖出的钱已经到账），再按日子的先后摇号、上市。"""
        first = self._ended or day
        for number in self._dates(first, day):
            for (account_id, code), kept in list(self._known.items()):
                account = self._ledger.state.accounts[account_id]
                before = kept.stage, kept.paid
                if number > first:
                    self._morning(account, kept, number)
                if number < day and kept.stage == record.WON and kept.pay <= number:
                    self._pay(account, kept)
                if before != (kept.stage, kept.paid):
                    self._keep(account_id, code, kept)

    def ask(self, verb: str, account: Account, args: tuple[Any, ...]) -> list[Any] | None:
        """当日新股 `Issue`，申购额度（市场, 股数）。"""
        day = self._ledger.state.progress.day
        if verb == "ipo_data":
            return [each for each in self._issues.values() if each.day == day]
        if verb == "new_purchase_limit":
            return [(name, self._limit(account, name)) for name in _MARKETS]
        return None

    def held_li(self, account_id: str) -> int:
        """缴了款、还没有上市的。"""
        return sum(
            each.paid_li
            for (owner, _), each in self._known.items()
            if owner == account_id and each.stage == record.PAID
        )

    worth_li = held_li

    def subscriptions(self, account_id: str) -> dict[str, Subscription]:
        """一个账户的各笔申购：申购代码 → 走到了哪一步。"""
        return {code: each for (owner, code), each in self._known.items() if owner == account_id}

    def _limit(self, account: Account, market: str) -> int:
        """额度；信用账户没有。"""
        if account.account_type != _STOCK_ACCOUNT:
            return 0
        return self._quotas.of(account, market, self._ledger.state.progress.day)

    def _applicant(self, account: Account, issue: Issue, now: float) -> Applicant:
        """检查要用的事实。"""
        day = self._ledger.state.progress.day
        mine = self.subscriptions(account.account_id)
        quota = issue.most if issue.bond else self._limit(account, issue.market)
        return Applicant(
            day,
            self._seen.hours.phase(now),
            self._seen.hours.closed_reason(now),
            account.account_type != _STOCK_ACCOUNT,
            quota,
            issue.code in mine,
            sorted(each.pay for each in mine.values() if each.gave_up),
        )

    def _dates(self, first: int, day: int) -> list[int]:
        """``first`` 收市之后到 ``day`` 早上，有事要做的日子。"""
        found = {
            number
            for each in self._known.values()
            if not each.done
            for number in (each.pay, each.listing)
        }
        return sorted(each for each in found if first <= each <= day)

    def _morning(self, account: Account, kept: Subscription, number: int) -> None:
        if kept.stage == record.APPLIED and kept.pay <= number:
            kept.stage = record.WON if kept.won else record.LOST
        if kept.stage == record.PAID and kept.listing <= number:
            kept.stage = record.LISTED
            held = account.position(kept.listed_code)
            held.open_date = held.open_date if held.volume else self._ledger.today
            held.volume += kept.paid
            held.yesterday += kept.paid
            held.cost_li += kept.paid_li
            self._ledger.changes.positions[account.account_id, held.stock_code] = held
            self._ledger.changes.accounts[account.account_id] = account

    def _pay(self, account: Account, kept: Subscription) -> None:
        """日终缴款：够多少缴多少，不足的视为放弃。"""
        units = min(kept.won, account.cash_li // kept.price_li) // kept.unit
        kept.paid = units * kept.unit
        kept.paid_li = to_fen(kept.price_li * kept.paid)
        kept.stage = record.PAID if kept.paid else record.GIVEN_UP
        account.cash_li -= kept.paid_li
        self._ledger.changes.accounts[account.account_id] = account

    def _keep(self, account_id: str, code: str, kept: Subscription) -> None:
        self._known[account_id, code] = kept
        self._ledger.note(_KIND, account_id, code, kept.dump())


def _pay_day(issue: Issue, hours: MarketHours) -> int | None:
    """缴款日；不写是申购日之后的第二个交易日，日历不知道的为 None。

    Raises:
        SimulatorError: 申购日不是交易日，或缴款日不在上市日之前。
    """
    try:
        trading = hours.following(hours.previous(issue.day)) == issue.day
        pay = issue.pay or hours.following(hours.following(issue.day))
    except SimulatorError:
        return issue.pay or None
    if not trading:
        raise SimulatorError(
            f"{FILE_NAME} 里 {issue.code} 的 date：{date.fromordinal(issue.day)} 不是交易日。"
        )
    if pay >= issue.listing:
        raise SimulatorError(
            f"{FILE_NAME} 里 {issue.code} 的缴款日 {date.fromordinal(pay)} 不在上市日 "
            f"{date.fromordinal(issue.listing)} 之前：改 listing，或写明 pay。"
        )
    return pay


def subscribe_business(folder: Path) -> Callable[[Surroundings], SubscribeBusiness]:
    """``folder`` 里写明的新股。

    Raises:
        SimulatorError: ``ipo.json`` 写得不对。
    """
    seed = SimFolder.open(folder).config.seed
    return partial(SubscribeBusiness, prospectus=load_issues(folder), seed=seed)
