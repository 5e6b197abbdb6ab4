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

    success: bool = True
    msg: str = ""
    create_date: int = 0
    cashcompact_id: str = ""
    ori_cashcompact_id: str = ""
    apply_id: str = ""
    src_group_id: str = ""
    com_group_id: str = ""
    fin_type: str = ""
    exchange_type: str = ""
    code: str = ""
    code_name: str = ""
    date: int = 0
    begin_compac_amount: float = 0.0
    begin_compac_balance: float = 0.0
    compac_amount: float = 0.0
    compac_balance: float = 0.0
    return_amount: float = 0.0
    return_balance: float = 0.0
    real_buy_amount: float = 0.0
    fsmp_occuped_rate: float = 0.0
    compact_interest: float = 0.0
    compact_fine_interest: float = 0.0
    repaid_interest: float = 0.0
    repaid_fine_interest: float = 0.0
    fine_rate: float = 0.0
    preend_rate: float = 0.0
    compact_type: str = ""
    postpone_times: int = 0
    compact_status: str = ""
    last_interest_date: int = 0
    interest_end_date: int = 0
    valid_date: int = 0
    date_clear: int = 0
    used_amount: float = 0.0
    used_balance: float = 0.0
    used_rate: float = 0.0
    un_uused_rate: float = 0.0
    src_group_name: str = ""
    repaid_date: int = 0
    pre_occuped_interest: float = 0.0
    compact_interestx: float = 0.0
    en_postpone_amount: float = 0.0
    postpone_status: str = ""
    apply_mode: str = ""
