"""名单与比例（`Policy`），一个信用账号此刻的账（`Scales`）：资产、负债、保证金可用余额、维持担保比例、可取。整数厘。

保证金可用余额 = 现金 + Σ充抵保证金的证券市值×折算率 + Σ(融资买入市值−融资金额)×折算率
+ Σ(融券卖出金额−融券市值)×折算率 − Σ融券卖出金额 − Σ融资金额×保证金比例 − Σ融券市值×保证金比例
− 息费；浮亏按 100% 折算。挂着的融资、融券委托按委托金额占用保证金，买单冻结的现金不算现金。
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from easytrader.codes import OrderType
from easytrader.market.rules.credit import (
    ETF_SUBJECTS,
    FIN_MARGINS,
    HAIRCUTS,
    INDEX_MEMBERS,
    NO_EARNINGS,
    SLO_MARGINS,
    TERMS,
    WITHDRAWALS,
    Grade,
    grade_of,
    listed_on,
)
from easytrader.market.rules.fees import to_fen
from easytrader.market.rules.tables import Scope, pick, scope_of
from easytrader.market.symbols import Board, parse_security
from easytrader.sim.business.credit.contracts import FIN, SLO, SPECIAL
from easytrader.sim.config.credit import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.market.rules import Rules
    from easytrader.market.rules.tables import Dated
    from easytrader.market.symbols import Security
    from easytrader.sim.business.credit.contracts import CreditContract, Debts
    from easytrader.sim.config.credit import CreditSettings
    from easytrader.sim.exchange.depth import Quote
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.ledger import Ledger
    from easytrader.sim.ledger.orders import SimOrder


_WHOLE: Final = 1_000_000
_SUBJECTS: Final = frozenset({Scope.SH_MAIN, Scope.STAR, Scope.SZ_MAIN, Scope.CHINEXT})
_NOT_LISTED: Final = Subject(fin=False, slo=False)


class Policy:
    """某一天的名单与比例。"""

    def __init__(self, settings: CreditSettings) -> None:
        self.settings = settings

    def can_finance(self, security: Security, rules: Rules, day: date) -> bool:
        """融资标的。"""
        return self._subject(security, rules, day).fin

    def can_short(self, security: Security, rules: Rules, day: date) -> bool:
        """融券标的。"""
        return self._subject(security, rules, day).slo

    def _subject(self, security: Security, rules: Rules, day: date) -> Subject:
        """名单里的；没有名单时沪深 A 股（风险警示、退市整理的除外）与规则名单里的 ETF。"""
        listed = self.settings.subjects
        if listed is not None:
            return listed.get(security.stock_code, _NOT_LISTED)
        scope = scope_of(security)
        if scope in _SUBJECTS:
            return _NOT_LISTED if rules.risk_warned or rules.leaving else Subject()
        is_etf = security.stock_code in listed_on(ETF_SUBJECTS, scope, day)
        return Subject() if is_etf else _NOT_LISTED

    def fin_margin(self, security: Security, day: date) -> int:
        """融资保证金比例，百万分之几：名单里的，设置里的，规则的。"""
        own = (self.settings.subjects or {}).get(security.stock_code, _NOT_LISTED)
        return _first(own.fin_margin_ppm, self.settings.fin_margin_ppm, FIN_MARGINS, security, day)

    def slo_margin(self, security: Security, day: date) -> int:
        """融券保证金比例，同上。"""
        own = (self.settings.subjects or {}).get(security.stock_code, _NOT_LISTED)
        return _first(own.slo_margin_ppm, self.settings.slo_margin_ppm, SLO_MARGINS, security, day)

    def haircut(self, security: Security, rules: Rules | None, day: date) -> int:
        """折算率，百万分之几；不是担保品为 0。"""
        listed = self.settings.collateral
        if listed is not None:
            return listed.get(security.stock_code, 0)
        scope = scope_of(security)
        if rules is None or scope is None:
            return 0
        grades = [grade_of(security, lambda code: code in self._members(scope, day))]
        if rules.risk_warned or rules.leaving:
            grades.append(Grade.WARNED)
        if self._no_earnings(security.stock_code, scope, day):
            grades.append(Grade.NO_EARNINGS)
        return min(self._ceiling(grade, scope, day) for grade in grades)

    def _ceiling(self, grade: Grade, scope: Scope, day: date) -> int:
        """这一类的：规则的上限，券商的更低就用券商的；规则还没有说到的风险类别不管。"""
        extra = grade in (Grade.WARNED, Grade.NO_EARNINGS)
        rule = pick(HAIRCUTS[grade], scope, day, _WHOLE if extra else 0)
        return min(rule, self.settings.haircuts.get(grade, rule))

    def _members(self, scope: Scope, day: date) -> frozenset[str]:
        """指数成份股。"""
        said = self.settings.index_members
        return listed_on(INDEX_MEMBERS, scope, day) if said is None else said

    def _no_earnings(self, stock_code: str, scope: Scope, day: date) -> bool:
        """静态市盈率 300 倍以上或为负。"""
        said = self.settings.no_earnings.get(stock_code)
        return stock_code in listed_on(NO_EARNINGS, scope, day) if said is None else said

    def pool(self, stock_code: str, group: int) -> int:
        """券源总数。"""
        return self.settings.slo_volume.get(stock_code, (0, 0))[group == SPECIAL]

    def term_days(self, day: date) -> int:
        """合约期限，自然日。"""
        said = self.settings.term_days
        return pick(TERMS, Scope.SH_MAIN, day, 180) if said is None else said

    def withdraw_ppm(self, day: date) -> int:
        """提取线。"""
        said = self.settings.withdraw_ppm
        return pick(WITHDRAWALS, Scope.SH_MAIN, day, 3 * _WHOLE) if said is None else said


def _first(
    own: int | None, said: int | None, rows: tuple[Dated[int], ...], security: Security, day: date
) -> int:
    for found in (own, said):
        if found is not None:
            return found
    scope = scope_of(security)
    assert scope is not None
    return pick(rows, scope, day, _WHOLE)


FIN_BUYS: Final = frozenset({OrderType.FIN_BUY, OrderType.FIN_BUY_SPECIAL})
SLO_SELLS: Final = frozenset({OrderType.SLO_SELL, OrderType.SLO_SELL_SPECIAL})
_PPM: Final = 1_000_000

NO_DEBT_RATIO: Final = 999.0
"""没有负债时的维持担保比例：没有样本，取一个不会误触警戒的数。"""


def part_of(amount_li: int, ppm: int) -> int:
    """按比例取一部分，取整到分（向下）。"""
    return amount_li * ppm // (_PPM * 10) * 10


@dataclass(slots=True)
class Figures:
    """账上的数。``*_working``：挂着的委托的。"""

    cash: int = 0
    frozen: int = 0
    pool: int = 0
    used_pool: int = 0
    market: int = 0
    stocks: int = 0
    funds: int = 0
    cost: int = 0
    fin_left: int = 0
    fin_fare: int = 0
    slo_left: int = 0
    slo_value: int = 0
    slo_fare: int = 0
    fin_working: int = 0
    slo_working: int = 0
    bail: int = 0

    @property
    def assets(self) -> int:
        """总资产：现金（含冻结与融券所得）加证券市值。"""
        return self.cash + self.frozen + self.pool + self.market

    @property
    def debts(self) -> int:
        """总负债：融资本金、融券市值、息费。"""
        return self.fin_left + self.fin_fare + self.slo_value + self.slo_fare

    def below(self, line_ppm: int) -> bool:
        """维持担保比例低于 ``line_ppm``；没有负债不算。"""
        return self.debts > 0 and self.assets * _PPM < self.debts * line_ppm

    @property
    def ratio(self) -> float:
        """维持担保比例，如 2.5；没有负债为 `NO_DEBT_RATIO`。"""
        return round(self.assets / self.debts, 4) if self.debts else NO_DEBT_RATIO

    def withdrawable(self, cash_rule_li: int, line_ppm: int) -> int:
        """可取：先照普通账号的办法；不超过保证金可用余额，有负债时取后不低于提取线。"""
        found = min(cash_rule_li, self.bail)
        if self.debts:
            found = min(found, self.assets - -(-self.debts * line_ppm // _PPM))
        return max(found // 10 * 10, 0)


class Scales:
    """算 `Figures`。"""

    def __init__(
        self, ledger: Ledger, debts: Debts, policy: Policy, quote: Callable[[Security], Quote]
    ) -> None:
        self._ledger = ledger
        self._debts = debts
        self._policy = policy
        self._quote = quote

    @property
    def _today(self) -> date:
        return date.fromordinal(self._ledger.state.progress.day)

    def weigh(self, account: Account) -> Figures:
        """此刻的账。"""
        name = account.account_id
        found = Figures(account.cash_li, account.frozen_li)
        found.pool, found.used_pool = self._debts.pool(name), self._debts.used_pool(name)
        found.bail = found.cash + found.pool + found.used_pool
        financed = self._by_code(self._debts.contracts(name, FIN))
        for held in account.positions.values():
            if held.volume:
                own = held.volume - sum(
                    each.left_volume for each in financed.get(held.stock_code, ())
                )
                self._add_holding(found, held.stock_code, held.volume, max(own, 0), held.cost_li)
        for code, contracts in financed.items():
            row = account.positions.get(code)
            self._add_financed(found, code, row.volume if row else 0, contracts)
        for code, contracts in self._by_code(self._debts.contracts(name, SLO)).items():
            self._add_shorted(found, code, contracts)
        for order in self._ledger.state.orders_of[name]:
            if order.is_working:
                self._add_working(found, order)
        return found

    def short_left(self, account: Account, stock_code: str, group: int) -> int:
        """还能融多少券：券源减去没还的、挂着的。"""
        name = account.account_id
        owed = self._debts.returnable(name, stock_code, group, None)
        kind = OrderType.SLO_SELL_SPECIAL if group == SPECIAL else OrderType.SLO_SELL
        working = sum(
            each.remaining
            for each in self._ledger.state.orders_of[name]
            if each.is_working and each.order_type == kind and each.stock_code == stock_code
        )
        return max(self._policy.pool(stock_code, group) - owed - working, 0)

    def last(self, stock_code: str) -> int:
        """最新价，厘。"""
        return self._quote(parse_security(stock_code)).last_li

    def haircut(self, stock_code: str) -> int:
        """今天的折算率。"""
        security = parse_security(stock_code)
        found = self._ledger.instrument(security)
        return self._policy.haircut(security, found.rules if found else None, self._today)

    @staticmethod
    def _by_code(contracts: list[CreditContract]) -> dict[str, list[CreditContract]]:
        found: dict[str, list[CreditContract]] = {}
        for contract in contracts:
            if not contract.closed:
                found.setdefault(contract.stock_code, []).append(contract)
        return found

    def _add_holding(self, found: Figures, code: str, volume: int, own: int, cost: int) -> None:
        last, board = self.last(code), parse_security(code).board
        value = last * volume
        found.market += value
        found.cost += cost
        if board is Board.FUND:
            found.funds += value
        elif board is not Board.BOND:
            found.stocks += value
        found.bail += part_of(last * own, self.haircut(code))

    def _add_financed(
        self, found: Figures, code: str, held: int, contracts: list[CreditContract]
    ) -> None:
        """融资买入的：浮盈折算，浮亏照扣，占用按各合约自己的比例。"""
        left = sum(each.left_li for each in contracts)
        fare = sum(each.left_fare_li for each in contracts)
        volume = min(held, sum(each.left_volume for each in contracts))
        float_li = (to_fen(self.last(code) * volume) if volume else 0) - left
        found.fin_left += left
        found.fin_fare += fare
        found.bail += part_of(float_li, self.haircut(code)) if float_li > 0 else float_li
        found.bail -= sum(part_of(each.left_li, each.margin_ppm) for each in contracts) + fare

    def _add_shorted(self, found: Figures, code: str, contracts: list[CreditContract]) -> None:
        """融券卖出的：同上；卖出金额整个扣掉（所得在现金里）。"""
        last = self.last(code)
        left = sum(each.left_li for each in contracts)
        fare = sum(each.left_fare_li for each in contracts)
        value = to_fen(last * sum(each.left_volume for each in contracts))
        found.slo_left += left
        found.slo_value += value
        found.slo_fare += fare
        gain = left - value
        found.bail += part_of(gain, self.haircut(code)) if gain > 0 else gain
        used = sum(part_of(last * each.left_volume, each.margin_ppm) for each in contracts)
        found.bail -= left + used + fare

    def _add_working(self, found: Figures, order: SimOrder) -> None:
        assert order.security is not None
        if order.order_type in FIN_BUYS:
            need = self.fin_need(order)
            found.fin_working += need
            found.bail -= part_of(need, self._policy.fin_margin(order.security, self._today))
        elif order.order_type in SLO_SELLS:
            need = self._ledger.amount_of_rest(order)
            found.slo_working += need
            found.bail -= part_of(need, self._policy.slo_margin(order.security, self._today))

    def fin_need(self, order: SimOrder) -> int:
        """一笔融资买入的剩余要借多少。"""
        if self._policy.settings.fees_on_debt:
            return self._ledger.cost_of_rest(order)
        return self._ledger.amount_of_rest(order)
