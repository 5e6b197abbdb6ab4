"""信用账号接进柜台。

守恒律（测试里逐步核对），比普通账号多一项 `CreditBusiness.held_li`::

    cash + frozen + fees + Σ持仓成本 + held_li − 已实现盈亏 = 初始现金 + Σ初始成本
    held_li = 没有动用的融券所得 − Σ未还的合约金额 − Σ未付的息费

- 融资合约的金额是借到的钱（还没还的是欠着的）；融券合约的金额是卖出的金额（未扣费用），
  还券时按当初卖出的金额了结，与买回花的（或还掉的持仓的成本）之差记已实现盈亏。
- 除权除息时，合约的数量照变，金额不变；融券欠着的现金红利算进息费。
- 息费在计提的那天记进账户的 ``fees``，付的时候不再记。
- 挂着的买券还券冻结的融券所得在账户的 ``frozen`` 里，不在 held_li 里。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.codes import AccountType, OrderStatus, OrderType
from easytrader.errors import SimulatorError
from easytrader.market.rules.fees import to_fen
from easytrader.market.rules.phases import Phase
from easytrader.market.rules.tables import REPOS, scope_of
from easytrader.market.symbols import Security, parse_security
from easytrader.sim.business.credit.calls import MarginCalls
from easytrader.sim.business.credit.contracts import FIN, ORDINARY, SLO, SPECIAL, Debts
from easytrader.sim.business.credit.margin import FIN_BUYS, SLO_SELLS, Policy, Scales
from easytrader.sim.business.credit.orders import (
    CASH_REPAYS,
    OFF_BOOK,
    CollateralWay,
    CreditContext,
    FinBuyWay,
    RepayBuyWay,
    RepaySellWay,
    ShortWay,
    repay_cash,
    return_shares,
)
from easytrader.sim.ledger.checks import WRONG_STATUS, order_refused
from easytrader.sim.ledger.ledger import StillWay
from easytrader.sim.ledger.plugin import QuietBusiness
from easytrader.sim.market.anchors import ANCHORS_LI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.market.rules import Rules
    from easytrader.sim.business.credit.contracts import CreditContract
    from easytrader.sim.business.credit.margin import Figures
    from easytrader.sim.config.corporate_actions import Action
    from easytrader.sim.config.credit import CreditSettings
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.events import Reject
    from easytrader.sim.ledger.ledger import Surroundings
    from easytrader.sim.ledger.orders import SimOrder
    from easytrader.sim.ledger.plugin import Way


class Statement(NamedTuple):
    """资产与负债。``now`` 是走到的时刻，Unix 秒。"""

    figures: Figures
    settings: CreditSettings
    withdrawable_li: int
    now: float


class Subject(NamedTuple):
    """一只标的：能不能融资、融券，保证金比例（百万分之几）。"""

    security: Security
    fin: bool
    slo: bool
    fin_margin_ppm: int
    slo_margin_ppm: int


class ShortSource(NamedTuple):
    """一只证券在一种头寸（`contracts.ORDINARY`、`contracts.SPECIAL`）里还能融多少券。"""

    security: Security
    group: int
    left: int


class Collateral(NamedTuple):
    """一只担保品与折算率（百万分之几）。"""

    security: Security
    ratio_ppm: int


def withdrawable(context: CreditContext, account: Account) -> int:
    """可取，厘。"""
    figures = context.scales.weigh(account)
    return figures.withdrawable(account.fetch_li, context.policy.withdraw_ppm(context.today))


def statement(context: CreditContext, account: Account) -> list[Statement]:
    """资产与负债。"""
    figures, now = context.scales.weigh(account), context.ledger.state.progress.now
    return [Statement(figures, context.policy.settings, withdrawable(context, account), now)]


def contracts(context: CreditContext, account: Account) -> list[CreditContract]:
    """没有了结的合约，和今天了结的。"""
    return context.debts.contracts(account.account_id)


def subjects(context: CreditContext, account: Account) -> list[Subject]:
    """标的。"""
    policy = context.policy
    found = [
        Subject(
            security,
            policy.can_finance(security, rules, context.today),
            policy.can_short(security, rules, context.today),
            policy.fin_margin(security, context.today),
            policy.slo_margin(security, context.today),
        )
        for security, rules in _known(context, account)
    ]
    return [each for each in found if each.fin or each.slo]


def short_sources(context: CreditContext, account: Account) -> list[ShortSource]:
    """有券源的融券标的，普通与专项各一个。"""
    return [
        ShortSource(security, group, context.scales.short_left(account, security.stock_code, group))
        for security, rules in _known(context, account)
        for group in (ORDINARY, SPECIAL)
        if context.policy.pool(security.stock_code, group)
        and context.policy.can_short(security, rules, context.today)
    ]


def collaterals(context: CreditContext, account: Account) -> list[Collateral]:
    """担保品与折算率。"""
    return [
        Collateral(security, ratio)
        for security, rules in _known(context, account)
        if (ratio := context.policy.haircut(security, rules, context.today))
    ]


def _known(context: CreditContext, account: Account) -> Iterator[tuple[Security, Rules]]:
    """名单里列得出的证券：常见的、``credit.json`` 写到的、账户里有的。"""
    codes = {
        *ANCHORS_LI,
        *context.policy.settings.codes,
        *account.positions,
        *(each.stock_code for each in context.debts.contracts(account.account_id)),
    }
    for code in sorted(codes):
        security = parse_security(code)
        found = context.ledger.instrument(security)
        if found is not None and found.rules.exists:
            yield security, found.rules


ANSWERS: Final[dict[str, Callable[[CreditContext, Account], Any]]] = {
    "credit_detail": statement,
    "stk_compacts": contracts,
    "credit_subjects": subjects,
    "credit_slo_code": short_sources,
    "credit_assure": collaterals,
}


_PLAIN: Final = frozenset({OrderType.BUY, OrderType.SELL})


class CreditBusiness(QuietBusiness):
    """两融。"""

    def __init__(
        self, settings: CreditSettings, actions: tuple[Action, ...], seen: Surroundings
    ) -> None:
        self._actions = actions
        self._ledger, self._quote, self._hours = seen.ledger, seen.quote, seen.hours
        self._settings = settings
        self._debts = Debts(seen.ledger)
        policy = Policy(settings)
        scales = Scales(seen.ledger, self._debts, policy, seen.quote)
        self._context = CreditContext(seen.ledger, self._debts, policy, scales)
        self._calls = MarginCalls(self._context, seen.quote)
        still, repay_buy = StillWay(seen.ledger), RepayBuyWay(self._context)
        self._ways: dict[int, Way] = {
            **dict.fromkeys(_PLAIN, CollateralWay(self._context)),
            **dict.fromkeys(FIN_BUYS, FinBuyWay(self._context)),
            **dict.fromkeys(SLO_SELLS, ShortWay(self._context)),
            **dict.fromkeys((OrderType.BUY_SECU_REPAY, 42), repay_buy),
            **dict.fromkeys((OrderType.SELL_SECU_REPAY, 44), RepaySellWay(self._context)),
            **dict.fromkeys(OFF_BOOK, still),
        }

    def held_li(self, account_id: str) -> int:
        """账号的钱有多少在这里，减去欠的，厘。"""
        return self._debts.held_li(account_id)

    def way(self, order: SimOrder) -> Way | None:
        """信用账号的委托；不做的品种（回购、申购代码）不归这里。"""
        if order.account_type != AccountType.CREDIT:
            return None
        if order.order_type in OFF_BOOK:
            return self._ways[order.order_type]
        if order.security is None or scope_of(order.security) in (None, *REPOS):
            return None
        return self._ways.get(order.order_type)

    def claims(self, order: SimOrder, account: Account) -> bool:
        """直接还券、直接还款。"""
        return account.account_type == AccountType.CREDIT and order.order_type in OFF_BOOK

    def place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        """当场办完。"""
        reject = self._closed(order, now)
        if reject is None:
            repays = order.order_type in CASH_REPAYS
            reject = (repay_cash if repays else return_shares)(self._context, order, account)
        if reject is not None:
            self._ledger.reject(order, reject)

    def _closed(self, order: SimOrder, now: float) -> Reject | None:
        """9:15–15:30 办，午休也办。"""
        if self._hours.phase(now, late=True) is not Phase.CLOSED:
            return None
        reason = self._hours.closed_reason(now)
        return order_refused(Phase.CLOSED, "SH", order.price_type, reason)

    def withdraw(self, order: SimOrder, now: float) -> Reject | None:
        """当场就了结了，没有可以撤的。"""
        assert order.status == OrderStatus.SUCCEEDED
        return WRONG_STATUS

    def end_day(self, day: int) -> None:
        """收盘：低于平仓线的追保，补到了的撤销。"""
        self._calls.end_day()

    def due(self) -> bool:
        """有到期没有补到的追保。"""
        return self._calls.due()

    def orders(self, now: float, in_call: bool) -> Iterator[SimOrder]:
        """强制平仓的委托。"""
        return self._calls.orders(now, in_call)

    def forced(self, order: SimOrder) -> bool:
        """是强制平仓的。"""
        return self._calls.forced(order)

    def start_day(self, day: int) -> None:
        """了结的合约不再留；没有了结的按过去的自然日计息。"""
        for account_id in self._debts.accounts():
            account = self._ledger.state.accounts[account_id]
            for contract in self._debts.contracts(account_id):
                if contract.closed:
                    self._debts.drop(account_id, contract)
                    continue
                seen = contract.accrued_to
                account.fees_li += self._accrue(contract, day)
                self._adjust(account, contract, seen, day)
                self._debts.save(account_id, contract)
            self._debts.free_pool(account)
            self._ledger.touch(account)

    def _accrue(self, contract: CreditContract, day: int) -> int:
        """息费：融资按未还的本金，融券按未还股份昨天收盘的市值。"""
        settings = self._settings
        if contract.kind == FIN:
            base, rate = contract.left_li, settings.fin_rate_ppm
        else:
            base, rate = self._worth(contract), settings.slo_rate_ppm
        return contract.accrue(day, base, rate, settings.year_days)

    def _adjust(self, account: Account, contract: CreditContract, seen: int, day: int) -> None:
        """``seen`` 之后到 ``day`` 的除权除息；登记日之后才开的合约不管。"""
        for action in self._actions:
            due = seen < action.ex <= day and contract.opened <= action.record
            if not due or action.rights or action.code != contract.stock_code:
                continue
            account.fees_li += contract.adjust(action)
            if contract.kind == SLO and not contract.left_volume and contract.left_li:
                account.realized_li += contract.left_li  # 合并之后不足一份，不用还了
                contract.repaid_li = contract.amount_li

    def _worth(self, contract: CreditContract) -> int:
        """换日时看到的还是昨天最后的盘口。"""
        try:
            last = self._quote(parse_security(contract.stock_code)).last_li
        except SimulatorError:  # 行情里没有这只证券了：按卖出时的
            return contract.left_li
        return to_fen(last * contract.left_volume)

    def worth_li(self, account_id: str) -> int:
        """总资产里的融券所得（没有动用的；动用的在冻结里）。"""
        return self._debts.pool(account_id)

    def owed_li(self, account_id: str) -> int:
        """总负债：融资本金、融券市值、息费。"""
        return sum(
            (each.left_li if each.kind == FIN else self._worth(each)) + each.left_fare_li
            for each in self._debts.contracts(account_id)
        )

    def fetch_li(self, account: Account) -> int | None:
        """信用账号可取的，受提取线与保证金限制。"""
        credit = account.account_type == AccountType.CREDIT
        return withdrawable(self._context, account) if credit else None

    def ask(self, verb: str, account: Account, args: tuple[Any, ...]) -> list[Any] | None:
        """五项信用查询；普通账号没有，为空。"""
        answer = ANSWERS.get(verb)
        if answer is None:
            return None
        credit = account.account_type == AccountType.CREDIT
        return answer(self._context, account) if credit else []
