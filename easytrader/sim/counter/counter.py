"""柜台：命令进，回执与事件出。没有 I/O、没有线程、不读时钟；同样的命令得到同样的结果。

委托的一生：回执（编号 > 0）→ 收下 → 每笔成交 → 终态。柜台拒绝：回执（编号 > 0）→ 废单。
撤单：回执 → 撤单收下 → 撤掉，或撤不了；撤单走在路上的一会儿里可能先成交。
夜里、开盘前、午休：柜台先收下、冻结（待报），到点照那时的样子再查一遍，报出去（`queueing`）。
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from easytrader.codes import (
    AFTER_HOURS_TYPES,
    BOND_TYPES,
    BROKER_PRICE_TYPES,
    ORDER_TYPE_NAMES,
    AccountType,
    OrderStatus,
    OrderType,
    PriceType,
)
from easytrader.errors import SimulatorError
from easytrader.market.rules import RuleBook
from easytrader.market.rules.phases import Phase
from easytrader.market.symbols import Kind, Security, parse_security
from easytrader.sim.config.profile import PROFILES
from easytrader.sim.counter import views
from easytrader.sim.counter.floor import Floor
from easytrader.sim.counter.queueing import report_time
from easytrader.sim.counter.rollover import Rollover
from easytrader.sim.exchange.screen import Screen
from easytrader.sim.ledger.checks import (
    NO_SUCH,
    WRONG_STATUS,
    cancel_refused,
    check,
    order_refused,
    working_limit,
)
from easytrader.sim.ledger.closing import Outside
from easytrader.sim.ledger.events import (
    BusinessQuery,
    CancelOrder,
    Done,
    Outcome,
    Receipt,
    Reject,
    SubmitOrder,
    Unanswered,
)
from easytrader.sim.ledger.ledger import Ledger, Surroundings
from easytrader.sim.ledger.orders import SimOrder, security_of
from easytrader.sim.ledger.plugin import Clerk, Debtor, Enforcer, Holder
from easytrader.sim.ledger.state import CANCELLING_KIND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.market.rules.fees import FeeSchedule
    from easytrader.market.symbols import Security
    from easytrader.sim.config.profile import Profile
    from easytrader.sim.counter.sweep import Budget
    from easytrader.sim.exchange.depth import Market, Quote
    from easytrader.sim.exchange.hours import MarketHours
    from easytrader.sim.exchange.screen import Own
    from easytrader.sim.ledger.account import Account, Position
    from easytrader.sim.ledger.events import AccountQuery, Event
    from easytrader.sim.ledger.ledger import Instrument
    from easytrader.sim.ledger.plugin import Business
    from easytrader.sim.ledger.state import Changes, CounterState


_CODE_BYTES: Final = 63
# 每笔委托都问的：取一个枚举的成员比比较它贵得多
_CONTINUOUS: Final = Phase.CONTINUOUS
_PRE_OPEN: Final = Phase.PRE_OPEN
_AFTER_HOURS: Final = Phase.AFTER_HOURS
_LATEST: Final = PriceType.LATEST
_OTHER: Final = Kind.OTHER

FORCED: Final = Reject(263015, "强制平仓的委托不能撤单")

_LAGGING: Final = "模拟柜台正在补撮合没有人看的时候的行情，还没有做完；没有受理，稍后再试"


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
        broker: Profile | None = None,
        impact_s: float = 0.0,
    ) -> None:
        self._broker = PROFILES["instant"] if broker is None else broker
        self.state = state
        self._market = market
        self._hours = hours
        book = RuleBook(previous=hours.previous) if book is None else book
        self._ledger = Ledger(state, fees, book)
        self._ledger.refused_locally = self._broker.refused_locally
        self._floor = Floor(self._ledger, market, hours, Screen(market, hours, book), impact_s)
        self._rollover = Rollover(
            self._ledger,
            self._floor,
            market,
            hours,
            self.quote,
            self._outside,
            self._requeue,
            self._enforce,
        )
        seen = Surroundings(self._ledger, self.quote, hours)
        self.businesses = engaged = tuple(make(seen) for make in businesses)
        self._ledger.engage(engaged)
        self._holders = tuple(each for each in engaged if isinstance(each, Holder))
        self._debtors = tuple(each for each in engaged if isinstance(each, Debtor))
        self._enforcers = tuple(each for each in engaged if isinstance(each, Enforcer))
        self.lagging = False
        """补撮合还没有做到现在：账上是做到的那一刻的样子。"""
        for order_id in state.queued:
            order = state.orders[order_id]
            found = report_time(hours, order.order_time, order.exchange)
            state.queued[order_id] = state.progress.now if found is None else found
        for (kind, _, key), body in state.records.items():
            if kind == CANCELLING_KIND:
                state.leaving[int(key)] = float(body)

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
        return self._floor.quote(security)

    def books(self) -> dict[str, Own]:
        """各证券上文件夹里挂着的，与吃掉还没有补回来的：行情把它们画进盘口。"""
        return self._floor.books()

    def wakeup(self, now: float) -> float | None:
        """多少秒以后值得再推进一次；没有挂单就不必。"""
        if self.lagging:
            return 0.0
        resting = bool(self.state.resting)
        agenda = self._agenda()
        if not resting and not self.state.late:
            return None if agenda is None else max(agenda[0] - now, 0.0)
        if resting and self._hours.is_open(now, late=self._floor.runs_late()):
            due = self._market.tick_time(self._market.tick_at(now) + 1)
        else:
            due = min(self._hours.next_change(now), self._floor.rounds.next_time(now))
        if agenda is not None:
            due = min(due, agenda[0])
        return max(due - now, 0.0)

    def _agenda(self) -> tuple[float, int] | None:
        """下一件到点要办的：什么时候，哪笔委托（撤到，或报出去）。"""
        leaving, queued = self.state.leaving, self.state.queued
        if not leaving and not queued:
            return None
        firsts = [(held[number], number) for held in (leaving, queued) for number in held]
        return min(firsts)

    def _sync(self, now: float, budget: Budget) -> float:
        """推进市场，路上到点的一件一件办；返回不倒流的现在。"""
        state = self.state
        now = max(now, state.progress.now)
        if not state.leaving and not state.queued:
            self._reach(now, budget)
            return now
        while (agenda := self._agenda()) is not None and agenda[0] <= now:
            self._reach(max(agenda[0], self.state.progress.now), budget)
            if self.lagging:
                return now
            order = self._ledger.arrive(agenda[1])
            if order is not None:
                self._leave(order)
            elif self.state.queued.pop(agenda[1], None) is not None:
                self._report(self.state.orders[agenda[1]], self.state.progress.now)
        self._reach(now, budget)
        return now

    def _leave(self, order: SimOrder) -> None:
        """撤单撤到了：还挂着就撤掉，已经成交就撤不成。"""
        if order.is_working:
            self._ledger.finish(order)
            self.state.prune(order.stock_code)
        else:
            self._ledger.refuse_cancel(order, WRONG_STATUS)

    def _reach(self, now: float, budget: Budget) -> None:
        """把市场推进到 ``now``。"""
        progress = self.state.progress
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
        else:
            progress.now = now

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
            _code(args.stock_code),
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
        if order.order_id not in self.state.orders:
            return Receipt(0, order.reason)
        return Receipt(order.order_id, "", order.sysid)

    def _place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        for business in self._ledger.claimants:
            if business.claims(order, account):
                order.off_book = True
                business.place(order, account, whole, now)
                return
        instrument = self._ledger.instrument(order.security) if order.security else None
        known = order.security is not None and order.security.kind is not _OTHER
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
        if phase is not _CONTINUOUS and self._broker.queues_when_closed:
            due = report_time(self._hours, now, order.exchange)
            if due is not None:
                reject = self._examine_queued(order, account, instrument, quote, whole, due)
                if reject is None:
                    self._ledger.queue(order, due)
                else:
                    self._ledger.reject(order, reject)
                return
        reject = None
        bare = not quote.asks and not quote.bids
        if phase is _CONTINUOUS and bare and self._floor.halted(security):
            phase = Phase.HALTED
        if phase is not _CONTINUOUS:
            reason = self._hours.closed_reason(now) if phase is Phase.CLOSED else ""
            reject = order_refused(phase, security.exchange, order.price_type, reason)
        if reject is None:
            reject = self._examine(order, account, instrument, quote, whole, phase)
        if reject is not None:
            self._ledger.reject(order, reject)
            return
        self._ledger.accept(order)
        if phase is _CONTINUOUS:
            self._floor.arrive(order, quote, now)
        elif phase is Phase.PRE_OPEN:
            self._floor.wait(order)
        else:
            self._floor.join(order)

    def _enforce(self, latest: int) -> bool:
        """早上替账户下单（强制平仓）；下了为真，这天要从早上起撮合，不晚于 ``latest`` 这一跳。"""
        due = [each for each in self._enforcers if each.due()]
        if not due:
            return False
        progress = self.state.progress
        bells = self._hours.bells(progress.day)
        opened = self._market.tick_time(progress.tick + 1) if bells is None else bells.call_start
        progress.tick = min(self._market.tick_at(opened), latest)
        for business in due:
            for order in business.orders(opened, bells is not None):
                self._place(order, self.state.accounts[order.account_id], True, opened)
        return True

    def _examine_queued(
        self,
        order: SimOrder,
        account: Account,
        instrument: Instrument,
        quote: Quote,
        whole: bool,
        due: float,
    ) -> Reject | None:
        """先收下的：今天就报的照今天查；下一个交易日才报的，涨跌停与停牌到时候再看。"""
        today = self._hours.day(due) == self.state.progress.day
        phase = Phase.LUNCH if today else Phase.CLOSED
        return self._examine(order, account, instrument, quote, whole, phase)

    def _requeue(self, order: SimOrder) -> None:
        """存着的到了新的一天：钱券还够就接着存着。"""
        account = self.state.accounts[order.account_id]
        assert order.security is not None
        instrument = self._ledger.instrument(order.security)
        if instrument is None:
            self._ledger.reject(order, NO_SUCH)
            return
        order.status = OrderStatus.UNREPORTED  # 不算自己已经挂着
        quote, due = self.quote(order.security), self.state.queued[order.order_id]
        reject = self._examine_queued(order, account, instrument, quote, True, due)
        if reject is not None:
            self._ledger.reject(order, reject)
            return
        order.status = OrderStatus.WAIT_REPORTING
        self._ledger.freeze_again(order)

    def _report(self, order: SimOrder, now: float) -> None:
        """到点了：解冻，照此刻的样子查一遍，报给交易所。"""
        account = self.state.accounts[order.account_id]
        assert order.security is not None
        self._ledger.thaw(order)
        order.status = OrderStatus.UNREPORTED
        instrument = self._ledger.instrument(order.security)
        if instrument is None:
            self._ledger.reject(order, NO_SUCH)
        else:
            self._enter(order, order.security, account, instrument, True, now)

    def _phase(self, security: Security, instrument: Instrument, now: float) -> Phase:
        """此刻对这只证券来说是哪个时段。"""
        rules = instrument.rules
        phase = self._hours.phase(now, rules.closing_call, True, rules.late_close)
        if phase is _AFTER_HOURS:
            return phase if rules.after_hours else Phase.CLOSED
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
        protects = instrument.rules.protects
        order.limit_li = working_limit(
            order.price_type, order.is_buy, order.price_li, protects, quote
        )
        if order.price_type == _LATEST:
            if order.order_id in self.state.orders:  # 存着的，收下时就换成了限价
                order.limit_li = order.price_li
            order.price_li = order.limit_li
        if phase is _PRE_OPEN:
            phase = _CONTINUOUS  # 9:30 才到，照那时查
        return check(self._ledger.ticket(order, account, instrument, quote, whole, phase))

    def _cancel(self, args: CancelOrder, now: float) -> Receipt:
        order = self._find(args)
        if order is None:
            return Receipt(0, f"没有找到委托 {clean(str(args.order_id or args.sysid))}")
        if order.is_working and not order.leaving:
            self._withdraw(order, now)
        else:
            self._ledger.refuse_cancel(order, WRONG_STATUS)
        return Receipt(order.order_id, "", order.sysid)

    def _find(self, args: CancelOrder) -> SimOrder | None:
        if args.order_id:
            order = self.state.orders.get(args.order_id)
        else:
            order = self.state.by_sysid.get(args.sysid)
            if order is not None and args.exchange not in ("", order.exchange):
                order = None
        if order is None or order.account_id != args.account_id:
            return None
        return order if order.account_type == args.account_type else None

    def _withdraw(self, order: SimOrder, now: float) -> None:
        """撤挂着的委托：这个时段不接受就撤不了，静默期里等到 9:30。"""
        if any(each.forced(order) for each in self._enforcers):
            self._ledger.refuse_cancel(order, FORCED)
            return
        if order.off_book:
            self._withdraw_off_book(order, now)
            return
        if order.is_queued:  # 还在柜台手里
            self._ledger.finish(order)
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
        if self._broker.cancel_done_s:
            self._ledger.leave(order, now + self._broker.cancel_done_s)
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

    def break_even(self, held: Position) -> int:
        """卖掉全部持仓，扣了费用正好收回为它净付出的，要卖多少钱，厘。"""
        security = parse_security(held.stock_code)
        instrument = self._ledger.instrument(security)
        need = held.spent_li
        if instrument is not None and need > 0:
            for _ in range(3):  # 费用随金额变：几次就定下来
                need = held.spent_li + instrument.sell.total(need)
        return need

    def asset(self, account: Account) -> views.Asset:
        """资金。"""
        found = views.asset(account, self.quote, self._outside(account).worth_li)
        return found._replace(fetch_li=self._ledger.fetch_li(account))

    def _outside(self, account: Account) -> Outside:
        """在各项业务手里的：算进总资产的（借出的逆回购）与欠着的。"""
        worth = sum(each.worth_li(account.account_id) for each in self._holders)
        owed = sum(each.owed_li(account.account_id) for each in self._debtors)
        return Outside(worth, owed)


_INT32: Final = 2**31 - 1
_EVERYBODYS: Final = frozenset({OrderType.BUY, OrderType.SELL}) | BOND_TYPES
_DIRECT: Final = frozenset(
    {
        OrderType.DIRECT_SECU_REPAY,
        OrderType.DIRECT_CASH_REPAY,
        OrderType.DIRECT_SECU_REPAY_SPECIAL,
        OrderType.DIRECT_CASH_REPAY_SPECIAL,
    }
)
"""直接还券、直接还款：价格是占位的，厂商的例子里有 0 也有 -1。"""
_UNPRICED: Final = _DIRECT | BOND_TYPES

_CREDIT_TYPES: Final = frozenset({*range(27, 33), *range(40, 46)})
"""融资融券的委托：27 融资买入到 32 直接还款，40 到 45 是专项的。"""
_SOMEBODYS: Final = _CREDIT_TYPES | AFTER_HOURS_TYPES


def find_account(
    accounts: dict[str, Account], account_type: int, account_id: str
) -> Account | None:
    """账号与类型都对得上的账户。"""
    account = accounts.get(account_id)
    return account if account is not None and account.account_type == account_type else None


def refusal(args: SubmitOrder, account: Account | None) -> str:
    """客户端拒绝的理由；合法为空。"""
    if account is None:
        return f"资金账号 {args.account_id} 不存在，或账号类型不是 {args.account_type}"
    wrong = _wrong_type(args.order_type, account)
    if wrong:
        return wrong
    if args.price_type not in BROKER_PRICE_TYPES:
        return f"报价类型 {args.price_type} 不合法"
    if not 0 < args.order_volume <= _INT32:
        return f"委托数量 {args.order_volume} 不合法"
    if not math.isfinite(args.price) or abs(args.price) > 1e9:
        return f"委托价格 {args.price} 不合法"
    priced = args.price > 0 or args.price_type != PriceType.FIX or args.order_type in _UNPRICED
    if not priced:
        return f"限价委托的价格 {args.price} 应大于 0"
    return ""


def _wrong_type(order_type: int, account: Account) -> str:
    """这种账号没有这种委托的理由；有为空。"""
    if order_type in _EVERYBODYS:
        return ""
    if order_type not in _SOMEBODYS:
        return f"模拟柜台不支持委托类型 {order_type}"
    name = ORDER_TYPE_NAMES[order_type]
    credit = account.account_type == AccountType.CREDIT
    if order_type in AFTER_HOURS_TYPES:
        told = f"委托类型 {order_type}（{name}）：模拟柜台的信用账号不做盘后固定价格"
        return told if credit else ""
    if credit:
        return ""
    return (
        f"委托类型 {order_type}（{name}）只有信用账号（CREDIT）能用；"
        "普通账号只有 23 买入、24 卖出、80 转股、81 回售、1043 盘后定价买入、1044 盘后定价卖出"
    )


def read_price(price: float) -> tuple[int, bool]:
    """元 → （厘，是不是整厘）。"""
    li = round(price * 1000)
    return li, abs(price * 1000 - li) < 1e-4


def _code(text: str) -> str:
    if len(text) <= _CODE_BYTES and text.isascii():
        return text
    return clean(text).encode()[:_CODE_BYTES].decode(errors="ignore")


def clean(text: str) -> str:
    """去掉编不成 UTF-8 的字符（孤立代理项），免得账本写不进去。"""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
