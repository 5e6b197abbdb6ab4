"""约券的行，字段与次序同厂商的结构。"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["SmtAnswerRow", "SmtCompactRow", "SmtOrderRow", "SmtQuoterRow"]


class SmtAnswerRow(NamedTuple):
    """SmtAppointmentResp。"""

    success: bool
    msg: str
    apply_id: str


class SmtQuoterRow(NamedTuple):
    """SmtQuoter。"""

    success: bool
    msg: str
    fin_type: str
    stock_type: str
    date: int
    code: str
    code_name: str
    exchange_type: str
    fsmp_occuped_rate: float
    fine_rate: float
    fsmpreend_rate: float
    used_rate: float
    un_uused_rate: float
    init_date: int
    end_date: int
    enable_slo_amount_t0: float
    enable_slo_amount_t3: float
    src_group_id: str
    apply_mode: str
    low_date: int


class SmtOrderRow(NamedTuple):
    """SmtOrder。"""

    success: bool
    msg: str
    init_date: int
    curr_date: int
    curr_time: int
    apply_id: str
    src_group_id: str
    cashcompact_id: str
    apply_mode: str
    fin_type: str
    exchange_type: str
    code: str
    code_name: str
    date: int
    apply_rate: float
    entrust_balance: float
    entrust_amount: float
    business_balance: float
    business_amount: float
    valid_date: int
    date_clear: int
    entrust_no: str
    apply_status: str
    used_rate: float
    un_uused_rate: float
    com_group_id: str


class SmtCompactRow(NamedTuple):
    """SmtCompact。"""

    success: bool
    msg: str
    create_date: int
    cashcompact_id: str
    ori_cashcompact_id: str
    apply_id: str
    src_group_id: str
    com_group_id: str
    fin_type: str
    exchange_type: str
    code: str
    code_name: str
    date: int
    begin_compac_amount: float
    begin_compac_balance: float
    compac_amount: float
    compac_balance: float
    return_amount: float
    return_balance: float
    real_buy_amount: float
    fsmp_occuped_rate: float
    compact_interest: float
    compact_fine_interest: float
    repaid_interest: float
    repaid_fine_interest: float
    fine_rate: float
    preend_rate: float
    compact_type: str
    postpone_times: int
    compact_status: str
    last_interest_date: int
    interest_end_date: int
    valid_date: int
    date_clear: int
    used_amount: float
    used_balance: float
    used_rate: float
    un_uused_rate: float
    src_group_name: str
    repaid_date: int
    pre_occuped_interest: float
    compact_interestx: float
    en_postpone_amount: float
    postpone_status: str
    apply_mode: str
