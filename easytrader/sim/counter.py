"""柜台：命令进，应答与推送出。没有 I/O、没有线程、不读时钟；同样的命令得到同样的结果。

委托的一生（厂商的次序）：应答（编号 > 0）→ 委托 50 → 每笔成交 + 委托 55/56 → 终态。
柜台拒绝：应答（编号 > 0）→ order_error → 委托 57。撤单：应答 0 → 委托 51/52 → 53/54。
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from easytrader.codes import OrderStatus, PriceType
from easytrader.errors import SimulatorError
from easytrader.sim import views
from easytrader.sim.answers import CANCEL_ERROR_ID, market_of, not_yet, order_answer
from easytrader.sim.checks import NO_SUCH, Reject, Ticket, check, working_limit
from easytrader.sim.closing import Outside
from easytrader.sim.floor import Floor
from easytrader.sim.gate import cancel_refused, order_refused
from easytrader.sim.intake import clean, find_account, read_price, refusal, security_of
from easytrader.sim.ledger import Ledger
from easytrader.sim.lines import Cashier, Debtor, Holder, Surroundings
from easytrader.sim.orders import SimOrder
from easytrader.sim.phases import Phase
from easytrader.sim.rollover import Rollover
from easytrader.sim.rules.after_hours import has_after_hours
from easytrader.sim.wire import (
    CancelAnswer,
    CancelArgs,
    CancelErrorRow,
    OrderAnswer,
    Outcome,
    SubmitArgs,
)
from easytrader.symbols import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.sim.account import Account
    from easytrader.sim.fees import FeeSchedule
    from easytrader.sim.ledger import Instrument
    from easytrader.sim.lines import Line
    from easytrader.sim.market.base import Market
    from easytrader.sim.market.book import Quote
    from easytrader.sim.rules import RuleBook
    from easytrader.sim.sessions import MarketHours
    from easytrader.sim.state import Changes, CounterState
    from easytrader.sim.sweep import Budget
    from easytrader.sim.wire import AssetRow, Event
    from easytrader.symbols import Security

__all__ = ["Counter"]

_CODE_BYTES: Final = 63

# 恒生柜台的委托状态，出现在撤单失败的文字里
_OLD_STATUS: Final = {
    OrderStatus.REPORTED_CANCEL: 3,
    OrderStatus.PARTSUCC_CANCEL: 4,
    OrderStatus.PART_CANCEL: 5,
    OrderStatus.CANCELED: 6,
    OrderStatus.SUCCEEDED: 8,
    OrderStatus.JUNK: 9,
}


class Counter:
    """柜台。``now`` 由调用者给；每条命令先把市场推进到那一刻。"""

    def __init__(
        self,
        state: CounterState,
        market: Market,
        hours: MarketHours,
        fees: FeeSchedule,
        book: RuleBook | None = None,
        lines: Sequence[Callable[[Surroundings], Line]] = (),
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
        self.lines = self._ledger.lines = tuple(line(seen) for line in lines)
        self.lagging = False
        """补撮合还没有做到现在：账上是做到的那一刻的样子。"""

    @property
    def changes(self) -> Changes:
        """还没落盘的改动。"""
        return self._ledger.changes

    def handle(self, command: SubmitArgs | CancelArgs, now: float, budget: Budget) -> Outcome:
        """执行一条命令；市场还没有追上现在就不受理，什么都不留下。"""
        now = self._sync(now, budget)
        answer: OrderAnswer | CancelAnswer
        if self.lagging:
            answer = not_yet(command)
        elif isinstance(command, SubmitArgs):
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

    def _submit(self, args: SubmitArgs, now: float) -> OrderAnswer:
        account = find_account(self.state.accounts, args.account_type, args.account_id)
        refused = refusal(args, account)
        if refused or account is None:
            return order_answer(args, -1, refused)
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
        return order_answer(args, order.order_id, "")

    def _place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        for line in self._ledger.lines:
            if line.claims(order, account):
                order.off_book = True
                line.place(order, account, whole, now)
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

    def _cancel(self, args: CancelArgs, now: float) -> CancelAnswer:
        order = self._find(args)
        if order is None:
            shown = args.order_id or args.order_sysid
            return CancelAnswer(
                args.account_type,
                args.account_id,
                -1,
                args.order_id,
                args.order_sysid,
                CANCEL_ERROR_ID,
                f"没有找到委托 {clean(str(shown))}",
            )
        if order.is_working:
            self._withdraw(order, now)
        else:
            status = _OLD_STATUS.get(OrderStatus(order.status), 0)
            self._refuse_cancel(
                order, Reject(251020, "委托状态错误不能撤单"), f" [old_entrust_status={status}]"
            )
        return CancelAnswer(
            args.account_type, args.account_id, 0, order.order_id, order.sysid, 0, ""
        )

    def _find(self, args: CancelArgs) -> SimOrder | None:
        if args.order_id:
            order = self.state.orders.get(args.order_id)
        else:
            order = self.state.by_sysid.get(args.order_sysid)
            if order is not None and args.market not in (-1, market_of(order)):
                order = None
        if order is None or order.account_id != args.account_id:
            return None
        return order if order.account_type == args.account_type else None

    def _withdraw(self, order: SimOrder, now: float) -> None:
        """撤挂着的委托：这个时段不接受就推一条撤单失败，静默期里等到 9:30。"""
        if order.off_book:
            self._withdraw_off_book(order, now)
            return
        assert order.security is not None
        instrument = self._ledger.instrument(order.security)
        assert instrument is not None
        phase = self._phase(order.security, instrument, now)
        refused = cancel_refused(phase, order.security.exchange)
        if refused is not None:
            self._refuse_cancel(order, refused)
            return
        part = order.traded_volume > 0
        self._ledger.update(
            order, OrderStatus.PARTSUCC_CANCEL if part else OrderStatus.REPORTED_CANCEL
        )
        if phase is Phase.PRE_OPEN:
            self._floor.wait(order)
            return
        self._ledger.finish(order)
        self.state.prune(order.stock_code)

    def _withdraw_off_book(self, order: SimOrder, now: float) -> None:
        """撤不经过撮合的委托：能不能撤由那项业务说。"""
        account = self.state.accounts[order.account_id]
        line = next(each for each in self._ledger.lines if each.claims(order, account))
        refused = line.withdraw(order, now)
        if refused is not None:
            self._refuse_cancel(order, refused)
            return
        part = order.traded_volume > 0
        self._ledger.update(
            order, OrderStatus.PARTSUCC_CANCEL if part else OrderStatus.REPORTED_CANCEL
        )
        self._ledger.finish(order)

    def ask(self, verb: str, args: Any) -> list[Any]:
        """某项业务的查询：厂商的行；没有这个账号为空。"""
        account = find_account(self.state.accounts, args.account_type, args.account_id)
        if not args.account_id:  # 不问账号的查询（当日新股）：谁的都一样
            account = next(iter(self.state.accounts.values()), None)
        if account is None:
            return []
        for line in self._ledger.lines:
            rows = line.ask(verb, account, args)
            if rows is not None:
                return rows
        raise SimulatorError(f"模拟柜台没有 {verb} 这项查询")

    def asset(self, account: Account) -> AssetRow:
        """资金。"""
        row = views.asset(account, self.quote, self._outside(account).worth_li)
        for line in self._ledger.lines:
            fetch_li = line.fetch_li(account) if isinstance(line, Cashier) else None
            if fetch_li is not None:
                row = row._replace(fetch_balance=fetch_li / 1000)
        return row

    def _outside(self, account: Account) -> Outside:
        """在各项业务手里的：算进总资产的（借出的逆回购）与欠着的。"""
        lines = self._ledger.lines
        worth = sum(each.worth_li(account.account_id) for each in lines if isinstance(each, Holder))
        owed = sum(each.owed_li(account.account_id) for each in lines if isinstance(each, Debtor))
        return Outside(worth, owed)

    def _refuse_cancel(self, order: SimOrder, reject: Reject, tail: str = "") -> None:
        error = CancelErrorRow(
            order.account_type,
            order.account_id,
            order.order_id,
            CANCEL_ERROR_ID,
            market_of(order),
            order.sysid,
            reject.message + tail,
        )
        self._ledger.push("cancel_error", order, error)
