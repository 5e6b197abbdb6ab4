"""柜台：命令进，回执与事件出。没有 I/O、没有线程、不读时钟；同样的命令得到同样的结果。

委托的一生：回执（编号 > 0）→ 收下 → 每笔成交 → 终态。柜台拒绝：回执（编号 > 0）→ 废单。
撤单：回执 → 撤单收下 → 撤掉，或撤不了。
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader.codes import PriceType
from easytrader.errors import SimulatorError
from easytrader.sim import views
from easytrader.sim.checks import NO_SUCH, Ticket, check, working_limit
from easytrader.sim.closing import Outside
from easytrader.sim.events import (
    BusinessQuery,
    CancelOrder,
    Done,
    Outcome,
    Receipt,
    Reject,
    SubmitOrder,
    Unanswered,
)
from easytrader.sim.floor import Floor
from easytrader.sim.gate import cancel_refused, order_refused
from easytrader.sim.intake import clean, find_account, read_price, refusal, security_of
from easytrader.sim.ledger import Ledger, Surroundings
from easytrader.sim.orders import SimOrder
from easytrader.sim.phases import Phase
from easytrader.sim.plugin import Cashier, Clerk, Debtor, Holder
from easytrader.sim.rollover import Rollover
from easytrader.sim.rules.after_hours import has_after_hours
from easytrader.symbols import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.sim.account import Account
    from easytrader.sim.events import AccountQuery, Event
    from easytrader.sim.fees import FeeSchedule
    from easytrader.sim.ledger import Instrument
    from easytrader.sim.market.base import Market
    from easytrader.sim.market.book import Quote
    from easytrader.sim.plugin import Business
    from easytrader.sim.rules import RuleBook
    from easytrader.sim.sessions import MarketHours
    from easytrader.sim.state import Changes, CounterState
    from easytrader.sim.sweep import Budget
    from easytrader.symbols import Security

__all__ = ["Counter"]

_CODE_BYTES: Final = 63

_LAGGING: Final = "模拟柜台正在补撮合没有人看的时候的行情，还没有做完；没有受理，稍后再试"
WRONG_STATUS: Final = Reject(251020, "委托状态错误不能撤单")


class Counter:
    """柜台。``now`` 由调用者给；每条命令先把市场推进到那一刻。"""

    def __init__(
        self,
        state: CounterState,
        market: Market,
        hours: MarketHours,
        fees: FeeSchedule,
        book: RuleBook | None = None,
        businesses: Sequence[Callable[[Surroundings], Business]] = (),
    ) -> None:
        self.state = state
        self._market = market
        self._hours = hours
        self._ledger = Ledger(state, fees, book)
        self._floor = Floor(self._ledger, market, hours)
        self._rollover = Rollover(
            self._ledger, self._floor, market, hours, self.quote, self._outside
        )
        seen = Surroundings(self._ledger, self.quote, hours)
        self.businesses = self._ledger.businesses = tuple(make(seen) for make in businesses)
        self.lagging = False
        """补撮合还没有做到现在：账上是做到的那一刻的样子。"""

    @property
    def changes(self) -> Changes:
        """还没落盘的改动。"""
        return self._ledger.changes

    def handle(self, command: SubmitOrder | CancelOrder, now: float, budget: Budget) -> Outcome:
        """执行一条命令；市场还没有追上现在就不受理，什么都不留下。"""
        now = self._sync(now, budget)
        if self.lagging:
            answer = Receipt(0, _LAGGING)
        elif isinstance(command, SubmitOrder):
            answer = self._submit(command, now)
        else:
            answer = self._cancel(command, now)
        return Outcome(answer, self._ledger.take_events())

    def advance(self, now: float, budget: Budget) -> tuple[Event, ...]:
        """把市场推进到 ``now``：挂单成交，换日。``budget`` 做完了就停下，见 `lagging`。"""
        self._sync(now, budget)
        return self._ledger.take_events()

    def quote(self, security: Security) -> Quote:
        """市场推进到的那一刻看得见的盘口。"""
        tick = self._floor.rounds.shown_tick(security, self.state.progress.tick)
        return self._market.quote(security, tick)

    def wakeup(self, now: float) -> float | None:
        """多少秒以后值得再推进一次；没有挂单就不必。"""
        if self.lagging:
            return 0.0
        resting = bool(self.state.resting)
        if not resting and not self.state.late:
            return None
        if resting and self._hours.is_open(now, late=self._floor.runs_late()):
            due = self._market.tick_time(self._market.tick_at(now) + 1)
        else:
            due = min(self._hours.next_change(now), self._floor.rounds.next_time(now))
        return max(due - now, 0.0)

    def _sync(self, now: float, budget: Budget) -> float:
        """推进市场；返回不倒流的现在。"""
        progress = self.state.progress
        now = max(now, progress.now)
        tick = self._market.tick_at(now)
        self.lagging = False
        if tick > progress.tick:
            day = self._hours.day(now)
            if day > progress.day:
                self.lagging = not self._rollover.run(day, tick, budget)
            else:
                self.lagging = not self._floor.catch_up(tick, budget)
        if self.lagging:  # 没有成交也要落盘：进程总在半途退出时，下次接着做而不是从头来
            self._ledger.changes.progress = True
        progress.now = now
        return now

    def _submit(self, args: SubmitOrder, now: float) -> Receipt:
        account = find_account(self.state.accounts, args.account_type, args.account_id)
        refused = refusal(args, account)
        if refused or account is None:
            return Receipt(0, refused)
        price_li, whole = read_price(args.price)
        order = SimOrder(
            self._ledger.next_order_id(),
            self.state.progress.day,
            account.account_id,
            account.account_type,
            clean(args.stock_code).encode()[:_CODE_BYTES].decode(errors="ignore"),
            security_of(args.stock_code),
            int(args.order_type),
            args.order_volume,
            int(args.price_type),
            price_li,
            int(now),
            clean(args.strategy_name),
            clean(args.order_remark),
        )
        self._place(order, account, whole, now)
        return Receipt(order.order_id, "", order.sysid)

    def _place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        for business in self._ledger.businesses:
            if business.claims(order, account):
                order.off_book = True
                business.place(order, account, whole, now)
                return
        instrument = self._ledger.instrument(order.security) if order.security else None
        known = order.security is not None and order.security.kind is not Kind.OTHER
        if order.security is None or not (known and order.security.tradable):
            self._ledger.reject(order, NO_SUCH)
        elif instrument is None:
            kind = order.security.kind.value
            self._ledger.reject(order, Reject(12314, f"模拟柜台暂不支持{kind}交易"))
        else:
            self._enter(order, order.security, account, instrument, whole, now)

    def _enter(
        self,
        order: SimOrder,
        security: Security,
        account: Account,
        instrument: Instrument,
        whole: bool,
        now: float,
    ) -> None:
        """模拟的品种：时间与检查都过了就收下，按时段成交、挂着或等着。"""
        phase = self._phase(security, instrument, now)
        quote = self.quote(security)
        reject = None
        if phase is not Phase.CONTINUOUS:
            reason = self._hours.closed_reason(now) if phase is Phase.CLOSED else ""
            reject = order_refused(phase, security.exchange, order.price_type, reason)
        if reject is None:
            reject = self._examine(order, account, instrument, quote, whole, phase)
        if reject is not None:
            self._ledger.reject(order, reject)
            return
        self._ledger.accept(order)
        if phase is Phase.CONTINUOUS:
            self._floor.arrive(order, quote, now)
        elif phase is Phase.PRE_OPEN:
            self._floor.wait(order)
        else:
            self._floor.join(order)

    def _phase(self, security: Security, instrument: Instrument, now: float) -> Phase:
        """此刻对这只证券来说是哪个时段。"""
        rules = instrument.rules
        phase = self._hours.phase(now, rules.closing_call, True, rules.late_close)
        if phase is Phase.AFTER_HOURS:
            today = date.fromordinal(self.state.progress.day)
            return phase if has_after_hours(security, today) else Phase.CLOSED
        return phase

    def _examine(
        self,
        order: SimOrder,
        account: Account,
        instrument: Instrument,
        quote: Quote,
        whole: bool,
        phase: Phase,
    ) -> Reject | None:
        """检查；顺带定下起作用的限价，最新价委托的报价也在这里换成实际价格。"""
        assert order.security is not None
        protects = instrument.rules.protects
        buy = order.is_buy
        order.limit_li = working_limit(order.price_type, buy, order.price_li, protects, quote)
        if order.price_type == PriceType.LATEST:
            order.price_li = order.limit_li
        way = self._ledger.way(order)
        return check(
            Ticket(
                buy,
                order.volume,
                order.price_type,
                order.price_li,
                whole,
                order.limit_li,
                protects,
                instrument.rules,
                quote,
                instrument.rates(buy),
                account.cash_li,
                way.sellable(account, order),
                partial(way.cash, account, order),
                partial(way.shares, account, order),
                self._ledger.bought_today(order) if instrument.rules.buy_cap else 0,
                Phase.CONTINUOUS if phase is Phase.PRE_OPEN else phase,  # 9:30 才到，照那时查
            )
        )

    def _cancel(self, args: CancelOrder, now: float) -> Receipt:
        order = self._find(args)
        if order is None:
            return Receipt(0, f"没有找到委托 {clean(str(args.order_id or args.sysid))}")
        if order.is_working:
            self._withdraw(order, now)
        else:
            self._ledger.refuse_cancel(order, WRONG_STATUS)
        return Receipt(order.order_id, "", order.sysid)

    def _find(self, args: CancelOrder) -> SimOrder | None:
        if args.order_id:
            order = self.state.orders.get(args.order_id)
        else:
            order = self.state.by_sysid.get(args.sysid)
            exchange = order.security.exchange if order and order.security else ""
            if args.exchange not in ("", exchange):
                order = None
        if order is None or order.account_id != args.account_id:
            return None
        return order if order.account_type == args.account_type else None

    def _withdraw(self, order: SimOrder, now: float) -> None:
        """撤挂着的委托：这个时段不接受就撤不了，静默期里等到 9:30。"""
        if order.off_book:
            self._withdraw_off_book(order, now)
            return
        assert order.security is not None
        instrument = self._ledger.instrument(order.security)
        assert instrument is not None
        phase = self._phase(order.security, instrument, now)
        refused = cancel_refused(phase, order.security.exchange)
        if refused is not None:
            self._ledger.refuse_cancel(order, refused)
            return
        self._ledger.request_cancel(order)
        if phase is Phase.PRE_OPEN:
            self._floor.wait(order)
            return
        self._ledger.finish(order)
        self.state.prune(order.stock_code)

    def _withdraw_off_book(self, order: SimOrder, now: float) -> None:
        """撤不经过撮合的委托：能不能撤由那项业务说。"""
        account = self.state.accounts[order.account_id]
        business = next(each for each in self._ledger.businesses if each.claims(order, account))
        refused = business.withdraw(order, now)
        if refused is not None:
            self._ledger.refuse_cancel(order, refused)
            return
        self._ledger.request_cancel(order)
        self._ledger.finish(order)

    def ask(self, verb: str, args: AccountQuery | BusinessQuery) -> list[Any]:
        """某项业务的查询，一项一个；没有这个账号为空。"""
        account = find_account(self.state.accounts, args.account_type, args.account_id)
        if not args.account_id:  # 不问账号的查询（当日新股）：谁的都一样
            account = next(iter(self.state.accounts.values()), None)
        if account is None:
            return []
        for business in self._ledger.businesses:
            rows = business.ask(verb, account, args)
            if rows is not None:
                return rows
        raise SimulatorError(f"模拟柜台没有 {verb} 这项查询")

    def act(self, verb: str, args: BusinessQuery, now: float, budget: Budget) -> Outcome:
        """委托之外的一件事（划拨、转账、约券）：`Done`；没有人办的 `Unanswered`，什么都不留下。"""
        events = self.advance(now, budget)
        answer: Any = Unanswered(_LAGGING)
        if not self.lagging:
            answer = self._act(verb, args, max(now, self.state.progress.now))
            events += self.advance(now, budget)  # 它引起的事件
        return Outcome(answer, events)

    def _act(self, verb: str, args: BusinessQuery, now: float) -> Done | Unanswered:
        account = find_account(self.state.accounts, args.account_type, args.account_id)
        if account is None:
            told = f"资金账号 {args.account_id} 不存在，或账号类型不是 {args.account_type}"
            return Unanswered(told)
        for business in self.businesses:
            done = business.act(verb, account, args, now) if isinstance(business, Clerk) else None
            if done is not None:
                return done
        return Unanswered(f"模拟柜台没有 {verb} 这项业务")

    def asset(self, account: Account) -> views.Asset:
        """资金。"""
        found = views.asset(account, self.quote, self._outside(account).worth_li)
        for business in self._ledger.businesses:
            fetch_li = business.fetch_li(account) if isinstance(business, Cashier) else None
            if fetch_li is not None:
                found = found._replace(fetch_li=fetch_li)
        return found

    def _outside(self, account: Account) -> Outside:
        """在各项业务手里的：算进总资产的（借出的逆回购）与欠着的。"""
        businesses = self._ledger.businesses
        worth = sum(
            each.worth_li(account.account_id) for each in businesses if isinstance(each, Holder)
        )
        owed = sum(
            each.owed_li(account.account_id) for each in businesses if isinstance(each, Debtor)
        )
        return Outside(worth, owed)
