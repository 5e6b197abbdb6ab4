"""信用账号的五项查询。只读。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.codes import MARKET_CODES
from easytrader.sim.credit.contracts import ORDINARY, SPECIAL
from easytrader.sim.market.anchors import ANCHORS_LI
from easytrader.sim.orders import yuan
from easytrader.sim.rows_credit import (
    CreditAssureRow,
    CreditDetailRow,
    CreditSloCodeRow,
    CreditSubjectRow,
    StkCompactRow,
)
from easytrader.sim.sessions import day_code
from easytrader.symbols import parse_security

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.sim.account import Account
    from easytrader.sim.credit.desk import CreditDesk
    from easytrader.sim.rules import Rules
    from easytrader.symbols import Security

__all__ = ["ANSWERS", "compacts", "detail", "withdrawable"]

_NORMAL: Final = 48
_VOID: Final = 50
_PPM: Final = 1_000_000


def withdrawable(desk: CreditDesk, account: Account) -> int:
    """可取，厘。"""
    figures = desk.scales.weigh(account)
    return figures.withdrawable(account.fetch_li, desk.policy.withdraw_ppm(desk.today))


def detail(desk: CreditDesk, account: Account) -> list[Any]:
    """XtCreditDetail。"""
    found, settings = desk.scales.weigh(account), desk.policy.settings
    fin_used, slo_used = found.fin_left + found.fin_working, found.slo_left + found.slo_working
    return [
        CreditDetailRow(
            account_type=account.account_type,
            account_id=account.account_id,
            status=0,
            update_time=int(desk.ledger.state.progress.now),
            calc_config=0,
            frozen_cash=yuan(found.frozen),
            balance=yuan(found.assets),
            available=yuan(found.cash),
            position_profit=yuan(found.market - found.cost),
            market_value=yuan(found.market),
            fetch_balance=yuan(withdrawable(desk, account)),
            stock_value=yuan(found.stocks),
            fund_value=yuan(found.funds),
            total_debt=yuan(found.debts),
            enable_bail_balance=yuan(found.bail),
            per_assurescale_value=found.ratio,
            assure_asset=yuan(found.assets - found.debts),
            fin_debt=yuan(found.fin_left + found.fin_fare),
            fin_deal_avl=yuan(found.fin_left),
            fin_fee=yuan(found.fin_fare),
            slo_debt=yuan(found.slo_value + found.slo_fare),
            slo_market_value=yuan(found.slo_value),
            slo_fee=yuan(found.slo_fare),
            other_fare=0.0,
            fin_max_quota=yuan(settings.fin_quota_li),
            fin_enable_quota=yuan(max(settings.fin_quota_li - fin_used, 0)),
            fin_used_quota=yuan(fin_used),
            slo_max_quota=yuan(settings.slo_quota_li),
            slo_enable_quota=yuan(max(settings.slo_quota_li - slo_used, 0)),
            slo_used_quota=yuan(slo_used),
            slo_sell_balance=yuan(found.pool + found.used_pool),
            used_slo_sell_balance=yuan(found.used_pool),
            surplus_slo_sell_balance=yuan(found.pool),
        )
    ]


def compacts(desk: CreditDesk, account: Account) -> list[Any]:
    """StkCompacts：没有了结的，和今天了结的。"""
    return [
        StkCompactRow(
            account_type=account.account_type,
            account_id=account.account_id,
            compact_type=each.kind,
            cashgroup_prop=each.group,
            exchange_id=_exchange_id(parse_security(each.stock_code)),
            open_date=int(day_code(each.opened)),
            business_vol=each.volume,
            real_compact_vol=each.left_volume,
            ret_end_date=int(day_code(each.due)),
            business_balance=yuan(each.amount_li),
            business_fare=yuan(each.fare_li),
            real_compact_balance=yuan(each.left_li),
            real_compact_fare=yuan(each.left_fare_li),
            repaid_fare=yuan(each.repaid_fare_li),
            repaid_balance=yuan(each.repaid_li),
            instrument_id=each.stock_code.partition(".")[0],
            compact_id=each.compact_id,
            position_str=each.compact_id,
        )
        for each in desk.book.contracts(account.account_id)
    ]


def subjects(desk: CreditDesk, account: Account) -> list[Any]:
    """CreditSubjects。不是这一种标的的，状态是作废。"""
    rows = []
    for security, rules in _known(desk, account):
        fin = desk.policy.can_finance(security, rules)
        slo = desk.policy.can_short(security, rules)
        if fin or slo:
            rows.append(
                CreditSubjectRow(
                    account.account_type,
                    account.account_id,
                    _NORMAL if slo else _VOID,
                    _NORMAL if fin else _VOID,
                    _exchange_id(security),
                    desk.policy.slo_margin(security, desk.today) / _PPM,
                    desk.policy.fin_margin(security, desk.today) / _PPM,
                    security.code,
                )
            )
    return rows


def slo_codes(desk: CreditDesk, account: Account) -> list[Any]:
    """CreditSloCode：有券源的融券标的，普通与专项各一行。"""
    return [
        CreditSloCodeRow(
            account.account_type,
            account.account_id,
            _exchange_id(security),
            group,
            desk.scales.short_left(account, security.stock_code, group),
            security.code,
        )
        for security, rules in _known(desk, account)
        for group in (ORDINARY, SPECIAL)
        if desk.policy.pool(security.stock_code, group) and desk.policy.can_short(security, rules)
    ]


def assures(desk: CreditDesk, account: Account) -> list[Any]:
    """CreditAssure：担保品与折算率。"""
    return [
        CreditAssureRow(
            account.account_type,
            account.account_id,
            _exchange_id(security),
            _NORMAL,
            ratio / _PPM,
            security.code,
        )
        for security, rules in _known(desk, account)
        if (ratio := desk.policy.haircut(security, rules))
    ]


def _known(desk: CreditDesk, account: Account) -> Iterator[tuple[Security, Rules]]:
    """名单里列得出的证券：常见的、``credit.json`` 写到的、账户里有的。"""
    contracts = desk.book.contracts(account.account_id)
    codes = {
        *ANCHORS_LI,
        *desk.policy.settings.codes,
        *account.positions,
        *(each.stock_code for each in contracts),
    }
    for code in sorted(codes):
        security = parse_security(code)
        found = desk.ledger.instrument(security)
        if found is not None and found.rules.exists:
            yield security, found.rules


def _exchange_id(security: Security) -> int:
    return next(number for name, number in MARKET_CODES.items() if name == security.exchange)


ANSWERS: Final[dict[str, Callable[[CreditDesk, Account], list[Any]]]] = {
    "credit_detail": detail,
    "stk_compacts": compacts,
    "credit_subjects": subjects,
    "credit_slo_code": slo_codes,
    "credit_assure": assures,
}
