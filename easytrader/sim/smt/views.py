"""约券的查询：记录 → 厂商的行。只读。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.sim.orders import clip_bytes, instrument_name, yuan
from easytrader.sim.smt.records import DONE, day_number
from easytrader.sim.smt.rows import SmtCompactRow, SmtOrderRow, SmtQuoterRow

if TYPE_CHECKING:
    from easytrader.sim.smt.pool import Quoter
    from easytrader.sim.smt.records import Application, Compact

__all__ = ["compact_row", "order_row", "quoter_row"]

_SECURITY: Final = "证券"
_STOCK_TYPE: Final = "0"


def _split(stock_code: str) -> tuple[str, str]:
    code, _, exchange = stock_code.partition(".")
    return code, exchange


def quoter_row(quoter: Quoter, left: int, today: int) -> SmtQuoterRow:
    """一条券源。"""
    code, exchange = _split(quoter.code)
    return SmtQuoterRow(
        True,
        "",
        _SECURITY,
        _STOCK_TYPE,
        quoter.days,
        code,
        instrument_name(quoter.code),
        exchange,
        quoter.rate,
        quoter.fine_rate,
        quoter.preend_rate,
        quoter.rate,
        quoter.rate,
        day_number(today),
        day_number(today + quoter.days),
        float(left),
        float(left),
        quoter.src_group_id,
        quoter.apply_mode,
        quoter.low_days,
    )


def order_row(order: Application, today: int) -> SmtOrderRow:
    """一笔申请。"""
    code, exchange = _split(order.code)
    balance = yuan(order.price_li * order.amount)
    done = order.status == DONE
    return SmtOrderRow(
        True,
        "",
        day_number(order.day),
        day_number(order.day),
        order.time,
        order.apply_id,
        order.src_group_id,
        order.compact_id,
        order.apply_mode,
        _SECURITY,
        exchange,
        code,
        instrument_name(order.code),
        order.days,
        order.rate,
        balance,
        float(order.amount),
        balance if done else 0.0,
        float(order.amount) if done else 0.0,
        day_number(order.day),
        day_number(today),
        order.apply_id,
        order.status,
        order.rate,
        order.rate,
        "",
    )


def compact_row(compact: Compact, today: int) -> SmtCompactRow:
    """一张合约。"""
    code, exchange = _split(compact.code)
    row = SmtCompactRow(
        create_date=day_number(compact.day),
        cashcompact_id=compact.compact_id,
        ori_cashcompact_id=compact.compact_id,
        apply_id=compact.apply_id,
        src_group_id=compact.src_group_id,
        fin_type=_SECURITY,
        exchange_type=exchange,
        code=code,
        code_name=instrument_name(compact.code),
        date=compact.days,
        begin_compac_amount=float(compact.amount),
        begin_compac_balance=yuan(compact.price_li * compact.amount),
        compac_amount=float(compact.left),
        compac_balance=yuan(compact.price_li * compact.left),
        return_amount=float(compact.returned),
        return_balance=yuan(compact.price_li * compact.returned),
        postpone_times=compact.postpones,
        compact_status=compact.status(today),
        src_group_name=clip_bytes(compact.src_group_id, 15),
        repaid_date=day_number(compact.repaid_day) if compact.repaid_day else 0,
        en_postpone_amount=float(compact.left),
        postpone_status="1" if compact.postpones else "",
        apply_mode=compact.apply_mode,
    )
    return _with_interest(row, compact, today)


def _with_interest(row: SmtCompactRow, compact: Compact, today: int) -> SmtCompactRow:
    """利率、利息与日期。"""
    interest_li, fine_li = compact.interest_li(today)
    interest, fine = yuan(interest_li), yuan(fine_li)
    done = not compact.left
    return row._replace(
        fsmp_occuped_rate=compact.rate,
        used_rate=compact.rate,
        un_uused_rate=compact.rate,
        fine_rate=compact.fine_rate,
        preend_rate=compact.preend_rate,
        compact_interest=interest,
        compact_fine_interest=fine,
        repaid_interest=interest if done else 0.0,
        repaid_fine_interest=fine if done else 0.0,
        pre_occuped_interest=interest,
        compact_interestx=yuan(interest_li + fine_li),
        last_interest_date=day_number(today),
        interest_end_date=day_number(compact.due),
        valid_date=day_number(compact.due),
    )
