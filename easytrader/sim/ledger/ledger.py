"""记账：委托的每一步改哪些数、记哪些改动、发生了什么事件。"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import AccountType, OrderStatus
from easytrader.market.rules import RuleBook, Rules
from easytrader.market.rules.accrual import interest_li
from easytrader.market.rules.fees import to_fen
from easytrader.sim.exchange.hours import day_code
from easytrader.sim.ledger import events
from easytrader.sim.ledger.checks import LIMIT_TYPES, Ticket, enough_cash, enough_shares
from easytrader.sim.ledger.orders import SimOrder, SimTrade
from easytrader.sim.ledger.plugin import Cashier, QuietBusiness
from easytrader.sim.ledger.state import CANCELLING_KIND, Changes, CounterState

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.market.rules.fees import FeeRates, FeeSchedule
    from easytrader.market.rules.phases import Phase
    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.depth import Quote
    from easytrader.sim.exchange.hours import MarketHours
    from easytrader.sim.ledger.account import Account, Position
    from easytrader.sim.ledger.plugin import Business, Way


_CREDIT: Final = AccountType.CREDIT


class Instrument(NamedTuple):
    """一只证券今天的规则与费率。"""

    rules: Rules
    buy: FeeRates
    sell: FeeRates

    def rates(self, buy: bool) -> FeeRates:
        """某个方向的费率。"""
        return self.buy if buy else self.sell


class Ledger:
    """账。改状态的唯一地方；改动攒在 ``changes``，事件攒在 ``events``。"""

    def __init__(
        self, state: CounterState, fees: FeeSchedule, book: RuleBook | None = None
    ) -> None:
        self.state = state
        self._book = RuleBook() if book is None else book
        self.changes = Changes()
        self.events: list[events.Event] = []
        self._fees = fees
        self._instruments: dict[str, Instrument | None] = {}
        self._date = date.fromordinal(state.progress.day)
        self.today = day_code(state.progress.day)
        self.businesses: tuple[Business, ...] = ()
        self.refused_locally: tuple[int, ...] = ()
        """这些编号的拒绝由客户端当场退回：没有记录，没有推送。"""
        self._cashiers: tuple[Cashier, ...] = ()
        self.claimants: tuple[Business, ...] = ()
        """会把委托接过去自己办的。"""
        self._ways: tuple[Callable[[SimOrder], Way | None], ...] = ()
        self._cash_way = CashWay(self)

    def engage(self, businesses: tuple[Business, ...]) -> None:
        """这些业务上任。谁管着什么只在这里认一次：按协议认一个对象要十来微秒。"""
        self.businesses = businesses
        self.claimants = tuple(
            each for each in businesses if type(each).claims is not QuietBusiness.claims
        )
        self._ways = tuple(
            each.way for each in businesses if type(each).way is not QuietBusiness.way
        )
        self._cashiers = tuple(each for each in businesses if isinstance(each, Cashier))

    def take_events(self) -> tuple[events.Event, ...]:
        """取走攒下的事件。"""
        taken = tuple(self.events)
        self.events.clear()
        return taken

    def instrument(self, security: Security) -> Instrument | None:
        """今天的规则与费率；模拟柜台不做的品种为 None。"""
        try:
            return self._instruments[security.stock_code]
        except KeyError:
            pass
        rules = self._book.rules(security, self._date)
        found = None
        if rules is not None:
            rates = (self._fees.rates(security, buy, self._date) for buy in (True, False))
            found = Instrument(rules, *rates)
        self._instruments[security.stock_code] = found
        return found

    def rules(self, security: Security) -> Rules:
        """今天的规则；只用于收下过委托的证券。"""
        instrument = self.instrument(security)
        assert instrument is not None
        return instrument.rules

    def bought_today(self, order: SimOrder) -> int:
        """这个账号今天买入这只证券的数量：成交了的加上还挂着的。"""
        return sum(
            each.traded_volume + (each.remaining if each.is_working else 0)
            for each in self.state.orders_of[order.account_id]
            if each.is_buy and each.stock_code == order.stock_code
        )

    def ticket(
        self,
        order: SimOrder,
        account: Account,
        instrument: Instrument,
        quote: Quote,
        whole: bool,
        phase: Phase,
    ) -> Ticket:
        """下单前检查要看的，见 `checks`。"""
        buy, rules, way = order.is_buy, instrument.rules, self.way(order)
        return Ticket(
            buy,
            order.volume,
            order.price_type,
            order.price_li,
            whole,
            order.limit_li,
            rules.protects,
            rules,
            quote,
            instrument.rates(buy),
            account.cash_li,
            way.sellable(account, order),
            partial(way.cash, account, order),
            partial(way.shares, account, order),
            self.bought_today(order) if rules.buy_cap else 0,
            phase,
            order.price_type in LIMIT_TYPES,
        )

    def touch(self, account: Account, held: Position | None = None) -> None:
        """账户（与一只持仓）改过了。"""
        self.changes.accounts[account.account_id] = account
        if held is not None:
            self.changes.positions[account.account_id, held.stock_code] = held

    def _update(self, order: SimOrder, status: int) -> None:
        """改状态，记改动。"""
        order.status = int(status)
        order.touch()
        self.changes.orders[order.order_id] = order

    def next_order_id(self) -> int:
        """新的委托编号。"""
        self.state.progress.order_id += 1
        return self.state.progress.order_id

    def reject(self, order: SimOrder, reject: events.Reject) -> None:
        """废单；客户端自己就拒绝的不留下。"""
        order.reason = str(reject)
        if order.order_id in self.state.orders:
            self.state.queued.pop(order.order_id, None)
        elif reject.code in self.refused_locally:
            return
        else:
            self.state.add_order(order)
        self._update(order, OrderStatus.JUNK)
        self.events.append(events.Refused(order.shown, reject))

    def accept(self, order: SimOrder) -> None:
        """收下：给合同编号，冻结资金或股份。"""
        progress, queued = self.state.progress, order.order_id in self.state.orders
        progress.sysid += 1
        order.sysid = str(progress.sysid)
        if queued:
            self.state.queued.pop(order.order_id, None)
            self.state.by_sysid[order.sysid] = order
        else:
            self.state.add_order(order)
        self.way(order).freeze(self.state.accounts[order.account_id], order)
        self._update(order, OrderStatus.REPORTED)
        self.events.append(events.Accepted(order.shown, queued))

    def queue(self, order: SimOrder, due: float) -> None:
        """先收下，``due`` 那一刻再报：冻结，没有合同编号。"""
        if order.order_id not in self.state.orders:
            self.state.add_order(order)
        self.state.queued[order.order_id] = due
        self.way(order).freeze(self.state.accounts[order.account_id], order)
        self._update(order, OrderStatus.WAIT_REPORTING)
        self.events.append(events.Queued(order.shown))

    def thaw(self, order: SimOrder) -> None:
        """存着的先解冻：换日、报出去之前，照那时的样子重来。"""
        self.way(order).release(self.state.accounts[order.account_id], order)

    def freeze_again(self, order: SimOrder) -> None:
        """换日之后接着存着，成了今天的委托。"""
        self.way(order).freeze(self.state.accounts[order.account_id], order)
        self.changes.orders[order.order_id] = order

    def complete(self, order: SimOrder) -> None:
        """没有成交记录就了结：数量算全部，没有价格。"""
        order.traded_volume = order.volume
        self._update(order, OrderStatus.SUCCEEDED)
        self.events.append(events.Completed(order.shown))

    def reprice(self, order: SimOrder, limit_li: int) -> None:
        """市价委托转成限价：按新的限价重算冻结。"""
        order.limit_li = limit_li
        self.changes.orders[order.order_id] = order
        if order.is_buy:
            self.way(order).freeze(self.state.accounts[order.account_id], order)

    def fill(
        self, order: SimOrder, price_li: int, volume: int, ts: float, tick: int, *, passive: bool
    ) -> None:
        """一笔成交：付钱交货，收「累计应收」与「已收」之差的费用。"""
        assert order.security is not None
        assert 0 < volume <= order.remaining, f"成交 {volume} 超过剩余 {order.remaining}"
        instrument = self.instrument(order.security)
        assert instrument is not None
        account = self.state.accounts[order.account_id]
        way = self.way(order)
        exact = price_li * volume
        worth = order.traded_worth_li + order.worth_li(price_li, volume)
        due = instrument.rates(order.is_buy).total(worth) - order.fees_li
        interest = self._interest(order, volume)
        settled = order.settled_li(price_li, volume) + interest
        due = way.settle(account, order, settled, due, volume)
        order.traded_volume += volume
        order.traded_amount_li += exact
        order.fees_li += due
        way.freeze(account, order)
        progress = self.state.progress
        progress.trade += 1
        traded_id = f"{self.today[4:]}{progress.trade % 10**12:012d}"
        trade = SimTrade(
            progress.trade,
            order,
            traded_id,
            int(ts),
            price_li,
            volume,
            due,
            tick,
            passive,
            interest,
        )
        self.changes.trades.append(trade)
        shown = self.state.add_trade(trade)
        done = order.remaining == 0
        if done:
            order.leaving = False
            self._update(order, OrderStatus.SUCCEEDED)
        else:
            leaving = order.leaving
            self._update(order, OrderStatus.PARTSUCC_CANCEL if leaving else OrderStatus.PART_SUCC)
        self.events.append(events.Filled(order.shown, shown))

    def request_cancel(self, order: SimOrder) -> None:
        """撤单收下了：部成待撤，或已报待撤。"""
        part = order.traded_volume > 0
        self._update(order, OrderStatus.PARTSUCC_CANCEL if part else OrderStatus.REPORTED_CANCEL)
        self.events.append(events.CancelRequested(order.shown))

    def leave(self, order: SimOrder, due: float) -> None:
        """撤单上路，``due`` 撤到；此前还挂着。"""
        order.leaving = True
        self.state.leaving[order.order_id] = due
        self.note(CANCELLING_KIND, order.account_id, str(order.order_id), repr(due))

    def arrive(self, order_id: int) -> SimOrder | None:
        """撤单撤到了；不是在路上的，或那一天已经过去，为 None。"""
        if self.state.leaving.pop(order_id, None) is None:
            return None
        order = self.state.orders[order_id]
        self.note(CANCELLING_KIND, order.account_id, str(order_id), None)
        return order

    def refuse_cancel(self, order: SimOrder, reject: events.Reject) -> None:
        """撤不了。"""
        self.events.append(events.CancelRefused(order.shown, reject))

    def finish(self, order: SimOrder) -> None:
        """撤掉剩余：解冻，部撤或已撤。"""
        self.state.forget_late(order)
        self.state.queued.pop(order.order_id, None)
        order.leaving = False
        self.way(order).release(self.state.accounts[order.account_id], order)
        part = order.traded_volume > 0
        self._update(order, OrderStatus.PART_CANCEL if part else OrderStatus.CANCELED)
        self.events.append(events.Cancelled(order.shown))

    def start_day(self, day: int) -> None:
        """换日：持仓解锁，清掉零持仓的行，委托归档。挂单须已全部了结，存着的须已解冻。"""
        for account in self.state.accounts.values():
            for code in account.roll():
                self.changes.positions[account.account_id, code] = None
            for held in account.positions.values():
                self.touch(account, held)
            self.touch(account)
        for key in [each for each in self.state.records if each[0] == CANCELLING_KIND]:
            self.note(*key, None)
        kept = [self.state.orders[number] for number in self.state.queued]
        self.state.start_day(day)
        for order in kept:
            order.day = day
            self.state.add_order(order)
        self._instruments.clear()
        self._date, self.today = date.fromordinal(day), day_code(day)
        for business in self.businesses:
            business.start_day(day)
        self.changes.progress = True

    def amount_of_rest(self, order: SimOrder) -> int:
        """剩余按限价成交时的金额（债券含应计利息），厘。"""
        return to_fen(order.limit_li * order.remaining) + self._interest(order, order.remaining)

    def cost_of_rest(self, order: SimOrder) -> int:
        """买单的剩余要多少钱：`amount_of_rest` 加上全部成交后还要补收的费用，厘。"""
        rest = order.limit_li * order.remaining
        if not rest:
            return 0
        assert order.security is not None
        instrument = self.instrument(order.security)
        assert instrument is not None
        fees = instrument.buy.total(order.traded_amount_li + rest) - order.fees_li
        return self.amount_of_rest(order) + fees

    def _interest(self, order: SimOrder, volume: int) -> int:
        """再成交 ``volume`` 的应计利息：各次加起来正好是整笔的，所以取累计之差。"""
        assert order.security is not None
        each = self.rules(order.security).accrued_e8
        if not each:
            return 0
        done = order.traded_volume
        return interest_li(each, done + volume) - interest_li(each, done)

    def coupon_e8(self, security: Security, after: date, until: date) -> int:
        """``after``（不含）到 ``until``（含）之间付的利息，一张，亿分之一元。"""
        return self._book.coupon_e8(security, after, until)

    def note(self, kind: str, account_id: str, key: str, body: str | None) -> None:
        """记一条某项业务的记录；None 是删掉。"""
        where = (kind, account_id, key)
        if body is None:
            self.state.records.pop(where, None)
        else:
            self.state.records[where] = body
        self.changes.records[where] = body

    def fetch_li(self, account: Account) -> int:
        """可取资金，厘；有的业务（两融）另有限制。"""
        told = (each.fetch_li(account) for each in self._cashiers)
        return min([account.fetch_li, *(most for most in told if most is not None)])

    def way(self, order: SimOrder) -> Way:
        """这笔委托的钱和券怎样走。"""
        if not (order.off_book or order.account_type == _CREDIT or order.is_repo):
            return self._cash_way  # 普通账号经过撮合的买卖：没有哪项业务来管，不必一项项问
        for way in self._ways:
            found = way(order)
            if found is not None:
                return found
        return self._cash_way


class CashWay:
    """普通买卖（信用账户里是担保品买卖）：现金买，现券卖。"""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def sellable(self, account: Account, order: SimOrder) -> int:
        """持仓里没有锁定、没有冻结的。"""
        held = account.positions.get(order.stock_code)
        return held.sellable if held else 0

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> events.Reject | None:
        """可用数量。"""
        return enough_shares(ticket)

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> events.Reject | None:
        """可用资金。"""
        return enough_cash(ticket)

    def freeze(self, account: Account, order: SimOrder) -> None:
        """买单冻结剩余数量按限价成交时的金额，加上全部成交后还要补收的费用；卖单冻结股份。"""
        if order.is_buy:
            need = self._ledger.cost_of_rest(order)
            account.freeze(need - order.frozen_li)
            order.frozen_li = need
            self._ledger.touch(account)
        elif order.traded_volume == 0:
            held = account.position(order.stock_code)
            held.frozen += order.volume
            self._ledger.touch(account, held)

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """从冻结里付钱收券，或交券收钱。"""
        held = account.position(order.stock_code)
        if order.is_buy:
            account.buy(held, amount_li, fee_li, volume, self._ledger.today)
            order.frozen_li -= amount_li + fee_li
            assert order.security is not None
            if not self._ledger.rules(order.security).same_day_sale:
                held.locked += volume
        else:
            fee_li = account.sell(held, amount_li, fee_li, volume)
        self._ledger.touch(account, held)
        return fee_li

    def release(self, account: Account, order: SimOrder) -> None:
        """退回剩余的冻结。"""
        if order.is_buy:
            account.freeze(-order.frozen_li)
            order.frozen_li = 0
            self._ledger.touch(account)
        else:
            held = account.position(order.stock_code)
            held.frozen -= order.remaining
            assert held.frozen >= 0, f"{order.stock_code} 冻结变成负数"
            self._ledger.touch(account, held)


class StillWay(CashWay):
    """当场了结的（直接还券、还款），与不收付的（申购）：没有什么要冻结、放开的。"""

    def freeze(self, account: Account, order: SimOrder) -> None:
        """什么都不冻结。"""

    def release(self, account: Account, order: SimOrder) -> None:
        """什么都不用放开。"""


class Surroundings(NamedTuple):
    """一项业务看得见的柜台。

    Attributes:
        ledger: 账：改状态、记改动、推送。
        quote: 一只证券此刻的盘口。
        hours: 交易日与时段。
    """

    ledger: Ledger
    quote: Callable[[Security], Quote]
    hours: MarketHours
