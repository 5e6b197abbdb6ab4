"""新股申购在柜台里的样子：申购日收单，T+2 早上摇号、日终缴款，上市日到股。

申购委托不经过撮合：当天一直是已报（50），日终成为已成（56），成交数量是申购的数量，没有成交回报、
不收费用。守恒律：缴了款、还没有上市的钱在 ``held_li`` 里，上市时成为持仓成本::

    cash + frozen + fees + Σ持仓成本 + held − 已实现盈亏 = 初始现金 + Σ初始成本

隔了几个交易日没有人看，就按日子的先后一天一天补做。
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.codes import PriceType
from easytrader.errors import SimulatorError
from easytrader.market.rules import issues
from easytrader.market.rules.fees import to_fen
from easytrader.market.rules.phases import Phase
from easytrader.market.rules.tables import STOCKS, Scope, pick
from easytrader.market.symbols import parse_security
from easytrader.sim.config.ipo import FILE_NAME
from easytrader.sim.ledger.events import Reject
from easytrader.sim.ledger.ledger import StillWay
from easytrader.sim.ledger.plugin import QuietBusiness, from_json, to_json
from easytrader.sim.market.noise import mix, salt_of

if TYPE_CHECKING:
    from easytrader.sim.config.ipo import Issue, Prospectus
    from easytrader.sim.exchange.hours import MarketHours
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.ledger import Surroundings
    from easytrader.sim.ledger.orders import SimOrder
    from easytrader.sim.ledger.plugin import Way


_STOCK_ACCOUNT: Final = 2
_KIND: Final = "subscription"
_MARKETS: Final = ("KCB", "SH", "SZ")
_NO_CANCEL: Final = Reject(251020, "申购委托不能撤单")


class SubscribeBusiness(QuietBusiness):
    """新股申购；满足 `Holder`。"""

    def __init__(self, seen: Surroundings, prospectus: Prospectus, seed: int) -> None:
        self._seen = seen
        self._ledger = seen.ledger
        self._issues = prospectus.issues
        self._pay_days = {each.code: _pay_day(each, seen.hours) for each in self._issues.values()}
        self._quotas = Quotas(seen, prospectus.quota)
        self._seed = seed
        self._ended = 0
        self._way = StillWay(seen.ledger)
        known = {
            (account_id, code): from_json(Subscription, body)
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
        if reject is not None:
            self._ledger.reject(order, reject)
            return
        order.limit_li = issue.price_li
        unit = issue.step if issue.bond and issue.listed.exchange == "SH" else 1
        won = draw(issue, account.account_id, order.volume, self._seed)
        kept = Subscription(
            order.order_id,
            issue.day,
            self._pay_days[issue.code],
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
                if number < day and kept.stage == WON and kept.pay <= number:
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
            if owner == account_id and each.stage == PAID
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
        if kept.stage == APPLIED and kept.pay <= number:
            kept.stage = WON if kept.won else LOST
        if kept.stage == PAID and kept.listing <= number:
            kept.stage = LISTED
            held = account.position(kept.listed_code)
            held.bring_in(kept.paid, kept.paid_li, self._ledger.today)
            held.yesterday += kept.paid
            self._ledger.touch(account, held)

    def _pay(self, account: Account, kept: Subscription) -> None:
        """日终缴款：够多少缴多少，不足的视为放弃。"""
        units = min(kept.won, account.cash_li // kept.price_li) // kept.unit
        kept.paid = units * kept.unit
        kept.paid_li = to_fen(kept.price_li * kept.paid)
        kept.stage = PAID if kept.paid else GIVEN_UP
        account.cash_li -= kept.paid_li
        self._ledger.touch(account)

    def _keep(self, account_id: str, code: str, kept: Subscription) -> None:
        self._known[account_id, code] = kept
        self._ledger.note(_KIND, account_id, code, to_json(kept))


def _pay_day(issue: Issue, hours: MarketHours) -> int:
    """缴款日；不写是申购日之后的第二个交易日。

    Raises:
        SimulatorError: 申购日不是交易日，或缴款日不在上市日之前。
    """
    try:
        trading = hours.following(hours.previous(issue.day)) == issue.day
        pay = issue.pay or hours.following(hours.following(issue.day))
    except SimulatorError:  # 交易日历开始以前的，谁也申购不到
        return issue.pay
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


_YEAR: Final = 365
_SZ_EARLY: Final = frozenset({Phase.OPEN_CALL, Phase.OPEN_CALL_FIXED, Phase.PRE_OPEN})


class Applicant(NamedTuple):
    """申购之前的情形。

    ``phase``：此刻的时段，不算收盘集合竞价；``quota``：还有多少额度，股（张）；``again``：这只已经申购过；
    ``give_ups``：历次没有足额缴款的缴款日，由早到晚。
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
    for first, last in zip(days, days[issues.GIVE_UPS - 1 :], strict=False):
        if last - first < _YEAR and last < facts.day <= last + issues.BAN_DAYS:
            return Reject(1229, "未通过限购检查", f"{issues.GIVE_UPS} 次中签未足额缴款")
    return None


_QUOTA_KIND: Final = "a_share_value"
_SCOPES: Final = {"KCB": Scope.STAR, "SH": Scope.SH_MAIN, "SZ": Scope.SZ_MAIN}


class Quotas:
    """各账户的额度。"""

    def __init__(self, seen: Surroundings, fixed: dict[str, int]) -> None:
        self._seen = seen
        self._fixed = fixed
        self._values: dict[str, dict[int, dict[str, int]]] = {}
        for (kind, account_id, key), body in seen.ledger.state.records.items():
            if kind == _QUOTA_KIND:
                self._values.setdefault(account_id, {})[int(key)] = json.loads(body)

    def of(self, account: Account, market: str, day: int) -> int:
        """``day`` 这天在 ``KCB``、``SH`` 或 ``SZ`` 能申购多少股。"""
        if market in self._fixed:
            return self._fixed[market]
        value = self._average(account, "SZ" if market == "SZ" else "SH", day)
        if value < issues.LEAST_VALUE_LI:
            return 0
        unit = pick(
            issues.UNITS, _SCOPES[market], date.fromordinal(day), issues.Unit(500, 5_000_000)
        )
        return value // unit.value_li * unit.shares

    def close(self, day: int) -> None:
        """记下 ``day`` 收市时的市值，忘掉用不着的。"""
        oldest = self._before(day, issues.AVERAGE_DAYS + 2)
        for account in self._seen.ledger.state.accounts.values():
            rows = self._values.setdefault(account.account_id, {})
            rows[day] = {name: self._now(account, name) for name in ("SH", "SZ")}
            self._note(account.account_id, day, rows[day])
            kept = max((each for each in rows if each <= oldest), default=0)
            for each in [each for each in rows if each < kept]:
                del rows[each]
                self._note(account.account_id, each, None)

    def _note(self, account_id: str, day: int, row: dict[str, int] | None) -> None:
        body = None if row is None else json.dumps(row)
        self._seen.ledger.note(_QUOTA_KIND, account_id, str(day), body)

    def _before(self, day: int, count: int) -> int:
        """往前数 ``count`` 个交易日。"""
        for _ in range(count):
            day = self._seen.hours.previous(day)
        return day

    def _average(self, account: Account, exchange: str, day: int) -> int:
        rows = self._values.get(account.account_id, {})
        found = []
        at = self._before(day, 2)
        for _ in range(issues.AVERAGE_DAYS):
            known = max((each for each in rows if each <= at), default=None)
            if known is None:
                break
            found.append(rows[known][exchange])
            at = self._seen.hours.previous(at)
        return sum(found) // len(found) if found else self._now(account, exchange)

    def _now(self, account: Account, exchange: str) -> int:
        """此刻的市值：只算 A 股与存托凭证；没有行情的按成本。"""
        total = 0
        for held in account.positions.values():
            security = parse_security(held.stock_code)
            if held.volume and security.exchange == exchange and security.kind in STOCKS:
                try:
                    total += held.volume * self._seen.quote(security).last_li
                except SimulatorError:
                    total += held.cost_li
        return total


APPLIED: Final = "applied"
LOST: Final = "lost"
WON: Final = "won"
PAID: Final = "paid"
GIVEN_UP: Final = "given_up"
LISTED: Final = "listed"


@dataclass(slots=True)
class Subscription:
    """日期都是序数；收下时就定下，``ipo.json`` 以后改了也不变。

    ``won``：中了多少，摇号之前已经算好，到缴款日早上才算数；``unit``：缴款不足时以多少股（张）为单位；
    ``paid``、``paid_li``：缴了多少股（张）的钱、多少钱。
    """

    order_id: int
    day: int
    pay: int
    listing: int
    listed_code: str
    price_li: int
    volume: int
    won: int
    unit: int
    stage: str = APPLIED
    paid: int = 0
    paid_li: int = 0

    @property
    def done(self) -> bool:
        """没有以后了。"""
        return self.stage in (LOST, GIVEN_UP, LISTED)

    @property
    def gave_up(self) -> bool:
        """中了签而没有足额缴款。"""
        return self.stage in (PAID, GIVEN_UP, LISTED) and self.paid < self.won


def draw(issue: Issue, account_id: str, volume: int, seed: int) -> int:
    """``volume`` 股（张）中了多少股：每个配号各自按中签率摇；``wins`` 写死的照写的。"""
    numbers = volume // issue.step
    if issue.wins is not None:
        return min(issue.wins, numbers) * issue.step
    salt = salt_of(seed, f"{issue.code}:{issue.day}:{account_id}")
    won = sum(mix(salt, number) % 1_000_000 < issue.rate_ppm for number in range(numbers))
    return won * issue.step
