"""名单与比例：一只证券今天能不能融资、融券、当担保品，各按多少算。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.market.symbols import Board, Kind
from easytrader.sim.business.credit.contracts import SPECIAL
from easytrader.sim.rules.credit import FIN_MARGINS, SLO_MARGINS, TERMS, WITHDRAWALS
from easytrader.sim.rules.tables import Scope, pick, scope_of

if TYPE_CHECKING:
    from datetime import date

    from easytrader.market.symbols import Security
    from easytrader.sim.config.credit import CreditSettings, Subject
    from easytrader.sim.rules import Rules
    from easytrader.sim.rules.tables import Dated

__all__ = ["Policy"]

_WHOLE: Final = 1_000_000
_SUBJECTS: Final = frozenset({Scope.SH_MAIN, Scope.STAR, Scope.SZ_MAIN, Scope.CHINEXT})
_ETFS: Final = frozenset(
    {
        Kind.ETF,
        Kind.BOND_ETF,
        Kind.MONEY_ETF,
        Kind.GOLD_ETF,
        Kind.CROSS_BORDER_ETF,
        Kind.COMMODITY_ETF,
    }
)
_TREASURIES: Final = {
    "SH": ("009", "010", "018", "019", "020"),
    "SZ": ("100", "101", "102", "103", "107", "108"),
}
_SHARE_HAIRCUT: Final = 700_000
_ETF_HAIRCUT: Final = 900_000
_TREASURY_HAIRCUT: Final = 950_000
_OTHER_HAIRCUT: Final = 800_000


class Policy:
    """某一天的名单与比例。"""

    def __init__(self, settings: CreditSettings) -> None:
        self.settings = settings

    def can_finance(self, security: Security, rules: Rules) -> bool:
        """融资标的。"""
        listed = self.settings.subjects
        if listed is None:
            return self._ordinary_subject(security, rules)
        return security.stock_code in listed and listed[security.stock_code].fin

    def can_short(self, security: Security, rules: Rules) -> bool:
        """融券标的。"""
        listed = self.settings.subjects
        if listed is None:
            return self._ordinary_subject(security, rules)
        return security.stock_code in listed and listed[security.stock_code].slo

    def fin_margin(self, security: Security, day: date) -> int:
        """融资保证金比例，百万分之几。"""
        own = self._subject(security)
        said = own.fin_margin_ppm if own else None
        if said is None:
            said = self.settings.fin_margin_ppm
        return _by_rule(FIN_MARGINS, security, day) if said is None else said

    def slo_margin(self, security: Security, day: date) -> int:
        """融券保证金比例，百万分之几。"""
        own = self._subject(security)
        said = own.slo_margin_ppm if own else None
        if said is None:
            said = self.settings.slo_margin_ppm
        return _by_rule(SLO_MARGINS, security, day) if said is None else said

    def haircut(self, security: Security, rules: Rules | None) -> int:
        """折算率，百万分之几；不是担保品为 0。"""
        listed = self.settings.collateral
        if listed is not None:
            return listed.get(security.stock_code, 0)
        if rules is None or rules.risk_warned:
            return 0
        if security.kind in (Kind.STOCK, Kind.CDR):
            return _SHARE_HAIRCUT
        if security.kind in _ETFS:
            return _ETF_HAIRCUT
        treasury = security.board is Board.BOND and security.code.startswith(
            _TREASURIES.get(security.exchange, ("?",))
        )
        return _TREASURY_HAIRCUT if treasury else _OTHER_HAIRCUT

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

    def _subject(self, security: Security) -> Subject | None:
        return (self.settings.subjects or {}).get(security.stock_code)

    def _ordinary_subject(self, security: Security, rules: Rules) -> bool:
        return scope_of(security) in _SUBJECTS and not rules.risk_warned


def _by_rule(rows: tuple[Dated[int], ...], security: Security, day: date) -> int:
    scope = scope_of(security)
    assert scope is not None
    return pick(rows, scope, day, _WHOLE)
