"""信用账号的五项查询，整数厘。只读。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.market.symbols import Security, parse_security
from easytrader.sim.business.credit.contracts import ORDINARY, SPECIAL
from easytrader.sim.market.anchors import ANCHORS_LI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.sim.business.credit.context import CreditContext
    from easytrader.sim.business.credit.contracts import CreditContract
    from easytrader.sim.business.credit.margin import Figures
    from easytrader.sim.config.credit import CreditSettings
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.rules import Rules

__all__ = ["ANSWERS", "Collateral", "ShortSource", "Statement", "Subject", "withdrawable"]


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
            policy.can_finance(security, rules),
            policy.can_short(security, rules),
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
        and context.policy.can_short(security, rules)
    ]


def collaterals(context: CreditContext, account: Account) -> list[Collateral]:
    """担保品与折算率。"""
    return [
        Collateral(security, ratio)
        for security, rules in _known(context, account)
        if (ratio := context.policy.haircut(security, rules))
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
