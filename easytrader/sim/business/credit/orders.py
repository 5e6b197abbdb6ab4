"""两融各种委托的钱券走法：担保品买卖、融资买入、卖券还款，融券卖出、买券还券；

和不经过撮合的直接还券、直接还款（当场了结，没有成交记录）。怎样检查也在走法里：
`Way.shares` 查券与名单，`Way.cash` 查钱与保证金。

拒绝的文字照业务规则的说法（没有 QMT 柜台的样本），编号是这里自己排的（26xxxx 一段），判断请用状态。
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from easytrader.codes import OrderType
from easytrader.market.rules.credit import has_price_floor, returns_next_day
from easytrader.market.rules.fees import to_fen
from easytrader.market.rules.phases import CALL_PHASES
from easytrader.market.rules.tables import scope_of
from easytrader.sim.business.credit.contracts import FIN, ORDINARY, SLO, SPECIAL, CreditContract
from easytrader.sim.business.credit.margin import part_of
from easytrader.sim.ledger.checks import (
    NO_SUCH,
    enough_cash,
    enough_shares,
    money_short,
    shares_short,
)
from easytrader.sim.ledger.events import Reject
from easytrader.sim.ledger.ledger import CashWay

if TYPE_CHECKING:
    from easytrader.market.symbols import Security
    from easytrader.sim.business.credit.contracts import Debts
    from easytrader.sim.business.credit.margin import Figures, Policy, Scales
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.checks import Ticket
    from easytrader.sim.ledger.ledger import Ledger
    from easytrader.sim.ledger.orders import SimOrder


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


def _money(need_li: int, has_li: int, name: str) -> str:
    return f"p_occur_balance={need_li / 1000:.2f},{name}={has_li / 1000:.2f}"


_SPECIALS: Final = frozenset(range(OrderType.FIN_BUY_SPECIAL, OrderType.FIN_BUY_SPECIAL + 6))


def group_of(order: SimOrder) -> int:
    """头寸来源。"""
    return SPECIAL if order.order_type in _SPECIALS else ORDINARY


class CreditContext:
    """走法们共用的：账、合约、名单、秤。"""

    def __init__(self, ledger: Ledger, debts: Debts, policy: Policy, scales: Scales) -> None:
        self.ledger = ledger
        self.debts = debts
        self.policy = policy
        self.scales = scales

    @property
    def day(self) -> int:
        """今天（序数）。"""
        return self.ledger.state.progress.day

    @property
    def today(self) -> date:
        """今天。"""
        return date.fromordinal(self.day)

    def fresh_day(self, security: Security) -> int | None:
        """当天融的不能当天还时，是今天；否则 None。"""
        scope = scope_of(security)
        assert scope is not None
        return self.day if returns_next_day(scope, self.today) else None

    def no_new_debt(self, account: Account, figures: Figures) -> Reject | None:
        """不能再融资融券的理由。"""
        settings = self.policy.settings
        if figures.below(settings.warn_ppm):
            return below_line(settings.warn_ppm, figures.ratio)
        contracts = self.debts.contracts(account.account_id)
        overdue = any(each.due < self.day and not each.closed for each in contracts)
        return OVERDUE if overdue and settings.overdue_blocks else None

    def contract(
        self, account: Account, order: SimOrder, kind: int, margin_ppm: int
    ) -> CreditContract:
        """这笔委托的合约；第一笔成交时开。"""
        key = f"{self.ledger.today}{order.order_id}"
        found = self.debts.find(account.account_id, key)
        if found is None:
            due = self.day + self.policy.term_days(self.today)
            code, group = order.stock_code, group_of(order)
            found = CreditContract(
                key, kind, group, code, self.day, due, margin_ppm, accrued_to=self.day
            )
        return found


class _CreditWay(CashWay):
    """没有另说的，同普通买卖。"""

    def __init__(self, context: CreditContext) -> None:
        super().__init__(context.ledger)
        self._context = context


class ShortWay(_CreditWay):
    """融券卖出：借来的券卖掉，所得扣了费用冻结着，只能买券还券、付息费。"""

    def sellable(self, account: Account, order: SimOrder) -> int:
        """没有零股可以一次卖完。"""
        return 0

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """融券标的、限价、报价不低于最新价、券源。"""
        assert order.security is not None
        security, context = order.security, self._context
        if not context.policy.can_short(security, ticket.rules, context.today):
            return NOT_SLO
        if not ticket.is_limit:
            return SLO_LIMIT_ONLY
        if ticket.phase in CALL_PHASES and not context.policy.settings.slo_in_auction:
            return AUCTION
        scope = scope_of(security)
        assert scope is not None
        last = ticket.quote.last_li
        if ticket.price_li < last and has_price_floor(scope, context.today):
            return price_floor(last)
        left = context.scales.short_left(account, order.stock_code, group_of(order))
        if ticket.volume > left:
            return pool_short(ticket.volume, left)
        return context.no_new_debt(account, context.scales.weigh(account))

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """额度、保证金。"""
        assert order.security is not None
        context = self._context
        figures, need = context.scales.weigh(account), ticket.amount_li
        left = context.policy.settings.slo_quota_li - figures.slo_left - figures.slo_working
        if need > left:
            return over_quota("融券", need, max(left, 0))
        bail = part_of(need, context.policy.slo_margin(order.security, context.today))
        return bail_short(bail, figures.bail) if bail > figures.bail else None

    def freeze(self, account: Account, order: SimOrder) -> None:
        """占的是保证金与券源，不冻结现金与持仓。"""

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """所得扣了费用放进融券所得。"""
        assert order.security is not None
        context = self._context
        fee_li = min(fee_li, amount_li)
        margin = context.policy.slo_margin(order.security, context.today)
        contract = context.contract(account, order, SLO, margin)
        contract.volume += volume
        contract.amount_li += amount_li
        contract.proceeds_li += amount_li - fee_li
        context.debts.save(account.account_id, contract)
        context.debts.add_pool(account.account_id, amount_li - fee_li)
        account.fees_li += fee_li
        context.ledger.touch(account)
        return fee_li

    def release(self, account: Account, order: SimOrder) -> None:
        """没有冻结过什么。"""


class RepayBuyWay(_CreditWay):
    """买券还券：先用融券所得，不够再用现金；买到的券直接还掉，多出来的零头进持仓。"""

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """不超过可还的数量，按数量单位进上去。"""
        owed = self._owed(account, order)
        minimum, step = ticket.rules.lot
        most = max(minimum, -(-(owed - minimum) // step) * step + minimum) if owed > 0 else 0
        if ticket.volume <= most:
            return None
        return return_too_much(ticket.volume, max(owed, 0))

    def _owed(self, account: Account, order: SimOrder) -> int:
        """可还的，减去别的买券还券正在买的。"""
        assert order.security is not None
        context, group = self._context, group_of(order)
        fresh = context.fresh_day(order.security)
        owed = context.debts.returnable(account.account_id, order.stock_code, group, fresh)
        return owed - sum(
            each.remaining
            for each in context.ledger.state.orders_of[account.account_id]
            if each.is_working
            and each.order_type == order.order_type
            and each.stock_code == order.stock_code
        )

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """融券所得加现金够。"""
        has = account.cash_li + self._context.debts.pool(account.account_id)
        return enough_cash(ticket._replace(cash_li=has))

    def freeze(self, account: Account, order: SimOrder) -> None:
        """补：先融券所得，再现金。退：先退现金。"""
        context, name = self._context, account.account_id
        delta = context.ledger.cost_of_rest(order) - order.frozen_li
        part = context.debts.part(name, order.order_id)
        if delta > 0:
            taken = min(delta, context.debts.pool(name))
        else:
            taken = -min(part, max(-delta - (order.frozen_li - part), 0))
        self._move(account, order, taken)
        account.freeze(delta)
        order.frozen_li += delta
        if delta < 0:
            context.debts.free_pool(account)
        context.ledger.touch(account)

    def _move(self, account: Account, order: SimOrder, taken: int) -> None:
        """融券所得经现金进出冻结。"""
        context, name = self._context, account.account_id
        context.debts.add_pool(name, -taken)
        account.cash_li += taken
        account.proceeds_li = max(account.proceeds_li + taken, 0)
        context.debts.set_part(
            name, order.order_id, context.debts.part(name, order.order_id) + taken
        )

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """付钱（先用融券所得），还券；还不掉的进持仓。"""
        assert order.security is not None
        context, name = self._context, account.account_id
        spent, part = amount_li + fee_li, context.debts.part(name, order.order_id)
        context.debts.set_part(name, order.order_id, part - min(part, spent))
        fresh = context.fresh_day(order.security)
        owed = context.debts.returnable(name, order.stock_code, group_of(order), fresh)
        back = min(volume, owed)
        used = amount_li if back == volume else to_fen(amount_li * back // volume)
        self._pay(account, order, (used, amount_li - used, fee_li), volume - back)
        if back:
            code, group = order.stock_code, group_of(order)
            account.realized_li += context.debts.give_back(account, code, group, back, fresh) - used
        context.ledger.touch(account)
        return fee_li

    def _pay(
        self, account: Account, order: SimOrder, money: tuple[int, int, int], kept: int
    ) -> None:
        """``money``：还掉的、进持仓的成交金额，费用。"""
        used, rest, fee_li = money
        account.pay(used, 0)
        order.frozen_li -= used
        if kept:
            super().settle(account, order, rest, fee_li, kept)
            return
        account.pay(0, fee_li)
        order.frozen_li -= fee_li

    def release(self, account: Account, order: SimOrder) -> None:
        """现金归现金，融券所得归融券所得。"""
        context, name = self._context, account.account_id
        part = context.debts.part(name, order.order_id)
        account.freeze(-order.frozen_li)
        order.frozen_li = 0
        self._move(account, order, -part)
        context.debts.free_pool(account)
        context.ledger.touch(account)


class CollateralWay(_CreditWay):
    """担保品买入、卖出。"""

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """买：在担保品名单里，没有跌破平仓线。卖：可用数量。"""
        assert order.security is not None
        if not ticket.buy:
            return enough_shares(ticket)
        context = self._context
        if not context.policy.haircut(order.security, ticket.rules, context.today):
            return NOT_COLLATERAL
        line = context.policy.settings.close_ppm
        figures = context.scales.weigh(account)
        return below_line(line, figures.ratio) if figures.below(line) else None

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """卖到了融资买入的那部分，所得先还它的合约。"""
        context, before = self._context, account.position(order.stock_code).volume
        fee_li = super().settle(account, order, amount_li, fee_li, volume)
        if order.is_buy or not context.policy.settings.sell_repays:
            return fee_li
        contracts = [
            each
            for each in context.debts.contracts(account.account_id, FIN)
            if each.stock_code == order.stock_code
        ]
        financed = volume - (before - sum(each.left_volume for each in contracts))
        if financed > 0:
            share = to_fen((amount_li - fee_li) * min(financed, volume) // volume)
            _repay_from_sale(context, account, share, contracts)
        return fee_li


class FinBuyWay(_CreditWay):
    """融资买入：借来的钱付成交金额（与费用），现金不动。"""

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """融资标的；账户还能再借。"""
        assert order.security is not None
        context = self._context
        if not context.policy.can_finance(order.security, ticket.rules, context.today):
            return NOT_FIN
        return context.no_new_debt(account, context.scales.weigh(account))

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """额度、保证金；费用不计入合约时还有现金。"""
        assert order.security is not None
        context = self._context
        figures, need = context.scales.weigh(account), context.scales.fin_need(order)
        left = context.policy.settings.fin_quota_li - figures.fin_left - figures.fin_working
        if need > left:
            return over_quota("融资", need, max(left, 0))
        bail = part_of(need, context.policy.fin_margin(order.security, context.today))
        fees = self._fees(order)
        if bail + fees > figures.bail:
            return bail_short(bail + fees, figures.bail)
        return money_short(fees, account.cash_li) if fees > account.cash_li else None

    def _fees(self, order: SimOrder) -> int:
        """剩余要用现金付的费用。"""
        if self._context.policy.settings.fees_on_debt:
            return 0
        ledger = self._context.ledger
        return ledger.cost_of_rest(order) - ledger.amount_of_rest(order)

    def freeze(self, account: Account, order: SimOrder) -> None:
        """只冻结要用现金付的费用。"""
        need = max(self._fees(order), 0)
        account.freeze(need - order.frozen_li)
        order.frozen_li = need
        self._context.ledger.touch(account)

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """借到的钱进现金、冻结，再照现金买入付掉；合约长这么多。

        费用没有冻结现金的才借：``fees_on_debt`` 改了，改之前挂着的委托照原来的付。
        """
        assert order.security is not None
        context = self._context
        lent = amount_li + max(fee_li - order.frozen_li, 0)
        margin = context.policy.fin_margin(order.security, context.today)
        contract = context.contract(account, order, FIN, margin)
        contract.volume += volume
        contract.amount_li += lent
        context.debts.save(account.account_id, contract)
        account.cash_li += lent
        account.proceeds_li += lent  # 马上付掉，别动用今天卖出的
        account.freeze(lent)
        order.frozen_li += lent
        return super().settle(account, order, amount_li, fee_li, volume)


class RepaySellWay(_CreditWay):
    """卖券还款：卖持仓，所得扣了费用依次还融资合约，余下是现金。"""

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """有融资负债，可用数量够。"""
        if not self._context.debts.fin_debt(account.account_id, group_of(order)):
            return NO_FIN_DEBT
        return enough_shares(ticket)

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """卖，再还。"""
        fee_li = super().settle(account, order, amount_li, fee_li, volume)
        contracts = self._context.debts.contracts(account.account_id, FIN, group_of(order))
        _repay_from_sale(self._context, account, amount_li - fee_li, contracts)
        return fee_li


def _repay_from_sale(
    context: CreditContext, account: Account, money_li: int, contracts: list[CreditContract]
) -> None:
    """卖出所得还款。"""
    money = max(min(money_li, account.cash_li), 0)
    context.debts.repay(account, money, contracts, context.policy.settings.interest_first)


SECU_REPAYS: Final = frozenset({OrderType.DIRECT_SECU_REPAY, OrderType.DIRECT_SECU_REPAY_SPECIAL})
CASH_REPAYS: Final = frozenset({OrderType.DIRECT_CASH_REPAY, OrderType.DIRECT_CASH_REPAY_SPECIAL})
OFF_BOOK: Final = SECU_REPAYS | CASH_REPAYS


def return_shares(context: CreditContext, order: SimOrder, account: Account) -> Reject | None:
    """直接还券：从持仓里拿出来还。拒绝的理由，收下并办完为 None。"""
    if order.security is None or scope_of(order.security) is None:
        return NO_SUCH
    held, volume = account.positions.get(order.stock_code), order.volume
    sellable = held.sellable if held else 0
    if held is None or volume > sellable:
        return shares_short(volume, sellable)
    group, fresh = group_of(order), context.fresh_day(order.security)
    most = context.debts.returnable(account.account_id, order.stock_code, group, fresh)
    if volume > most:
        return return_too_much(volume, most)
    context.ledger.accept(order)
    removed = held.take_out(volume)
    worth = context.debts.give_back(account, order.stock_code, group, volume, fresh)
    account.realized_li += worth - removed
    context.ledger.touch(account, held)
    context.ledger.complete(order)
    return None


def repay_cash(context: CreditContext, order: SimOrder, account: Account) -> Reject | None:
    """直接还款：先还融资合约，再还融券的息费；给多了只收欠的。拒绝的理由，办完为 None。"""
    settings, group = context.policy.settings, group_of(order)
    contracts = [
        *context.debts.contracts(account.account_id, FIN, group),
        *(
            each
            for each in context.debts.contracts(account.account_id, SLO, group)
            if each.left_fare_li
        ),
    ]
    owed = sum(each.left_fare_li + (each.left_li if each.kind == FIN else 0) for each in contracts)
    if not owed:
        return NO_FIN_DEBT
    said = order.price_li if settings.repay_by == "price" else order.volume * 1000
    money = min(said // 10 * 10, owed)
    if money <= 0:
        return Reject(263014, "还款金额不合法", f"entrust_balance={said / 1000:.2f}")
    if money > account.cash_li:
        return money_short(money, account.cash_li)
    context.ledger.accept(order)
    context.debts.repay(account, money, contracts, settings.interest_first)
    context.ledger.complete(order)
    return None
