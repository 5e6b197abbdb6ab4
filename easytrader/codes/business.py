"""各项业务：划拨、银证转账、信用、约券、新股、期货。

划拨的常量在 ``xtconstant`` 里；其余的厂商只在文档里写了含义，没有常量。
"""

from __future__ import annotations

from typing import Final

from easytrader.codes.base import Code, TextCode, names, text_names


class TransferDirection(Code):
    """划拨方向：资金、节点资金、股份。"""

    FUNDS_NORMAL_TO_SPEED = 510, "资金划拨-普通柜台到极速柜台", "FUNDS_TRANSFER_NORMAL_TO_SPEED"
    FUNDS_SPEED_TO_NORMAL = 511, "资金划拨-极速柜台到普通柜台", "FUNDS_TRANSFER_SPEED_TO_NORMAL"
    NODE_FUNDS_SH_TO_SZ = 512, "节点资金划拨-上海节点到深圳节点", "NODE_FUNDS_TRANSFER_SH_TO_SZ"
    NODE_FUNDS_SZ_TO_SH = 513, "节点资金划拨-深圳节点到上海节点", "NODE_FUNDS_TRANSFER_SZ_TO_SH"
    SECU_NORMAL_TO_SPEED = 520, "股份划拨-普通柜台到极速柜台", "SECU_TRANSFER_NORMAL_TO_SPEED"
    SECU_SPEED_TO_NORMAL = 521, "股份划拨-极速柜台到普通柜台", "SECU_TRANSFER_SPEED_TO_NORMAL"


class TransferType(Code):
    """股份划拨类型。"""

    SHARE = 0, "股票账户客户划拨", "TRANS_TRANSFER_SHARE"
    SPECIAL_POSITIONS = 1, "融资融券账户专项头寸划拨", "TRANS_TRANSFER_SPECIAL_POSITIONS"
    CREDIT_SHARE = 2, "融资融券账户客户划拨", "TRANS_TRANSFER_CREDIT_SHARE"


class BankTransferDirection(TextCode):
    """银证转账流水的方向。"""

    IN = "1", "银行转证券"
    OUT = "2", "证券转银行"
    QUERY = "5", "查询"


class MoneyType(TextCode):
    """币种。厂商给的是柜台的字符，这是通行的取法；别的柜台不同时显示为「未知」。"""

    CNY = "0", "人民币"
    USD = "1", "美元"
    HKD = "2", "港币"


class CompactType(Code):
    """负债合约类型。"""

    ALL = 32, "不限制"
    FIN = 48, "融资"
    SLO = 49, "融券"


class CompactStatus(Code):
    """负债合约状态。``query_stk_compacts`` 不返回它，大 QMT 导出的数据里有。"""

    ALL = 32, "不限制"
    UNDONE = 48, "未归还"
    PART_DONE = 49, "部分归还"
    DONE = 50, "已归还"
    DONE_BY_SELF = 51, "自行了结"
    DONE_BY_HAND = 52, "手工了结"
    NOT_DEBT = 53, "未形成负债"
    EXPIRED = 54, "已过期"


class CashgroupProp(Code):
    """头寸来源。"""

    ALL = 32, "不限制"
    NORMAL = 48, "普通头寸"
    SPECIAL = 49, "专项头寸"


class SubjectStatus(Code):
    """融资状态、融券状态、担保品状态。"""

    NORMAL = 48, "正常"
    PAUSE = 49, "暂停"
    VOID = 50, "作废"


class HedgeFlag(Code):
    """投保标志（期货）。"""

    SPECULATION = 49, "投机"
    ARBITRAGE = 50, "套利"
    HEDGE = 51, "套保"


class SmtApplyMode(TextCode):
    """约券的资券申请方式。"""

    STOCK = "1", "库存券"
    SPECIAL = "2", "专项券"


class SmtCompactStatus(TextCode):
    """约券合约状态。"""

    UNDONE = "0", "未归还"
    PART_DONE = "1", "部分归还"
    EARLY = "2", "提前了结"
    DUE = "3", "到期了结"
    OVERDUE_DONE = "4", "逾期了结"
    OVERDUE = "5", "逾期"
    VOID = "9", "已作废"


class SmtPostponeStatus(TextCode):
    """约券合约展期状态。"""

    PENDING = "0", "未审核"
    PASSED = "1", "审核通过"
    CANCELED = "2", "已撤销"
    REFUSED = "3", "审核不通过"


class PurchaseMarket(TextCode):
    """新股申购额度的品种类型。"""

    KCB = "KCB", "科创板"
    SH = "SH", "上海"
    SZ = "SZ", "深圳"


class IpoType(TextCode):
    """新股信息的品种类型。"""

    STOCK = "STOCK", "股票"
    BOND = "BOND", "债券"


TRANSFER_DIRECTION_NAMES: Final = names(TransferDirection)
TRANSFER_TYPE_NAMES: Final = names(TransferType)
COMPACT_TYPE_NAMES: Final = names(CompactType)
COMPACT_STATUS_NAMES: Final = names(CompactStatus)
CASHGROUP_PROP_NAMES: Final = names(CashgroupProp)
SUBJECT_STATUS_NAMES: Final = names(SubjectStatus)
HEDGE_FLAG_NAMES: Final = names(HedgeFlag)
BANK_TRANSFER_DIRECTION_NAMES: Final = text_names(BankTransferDirection)
MONEY_TYPE_NAMES: Final = text_names(MoneyType)
SMT_APPLY_MODE_NAMES: Final = text_names(SmtApplyMode)
SMT_COMPACT_STATUS_NAMES: Final = text_names(SmtCompactStatus)
SMT_POSTPONE_STATUS_NAMES: Final = text_names(SmtPostponeStatus)
PURCHASE_MARKET_NAMES: Final = text_names(PurchaseMarket)
IPO_TYPE_NAMES: Final = text_names(IpoType)
