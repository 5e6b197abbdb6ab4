"""委托与成交：状态、委托类型、报价类型（送出的、柜台返回的）、多空、交易操作。"""

from __future__ import annotations

from typing import Final

from easytrader.codes.accounts import OPEN_CLOSE_ACCOUNTS, AccountType
from easytrader.codes.base import UNKNOWN_NAME, Code, names


class OrderStatus(Code):
    """委托状态。"""

    UNREPORTED = 48, "未报", "ORDER_UNREPORTED"
    WAIT_REPORTING = 49, "待报", "ORDER_WAIT_REPORTING"
    REPORTED = 50, "已报", "ORDER_REPORTED"
    REPORTED_CANCEL = 51, "已报待撤", "ORDER_REPORTED_CANCEL"
    PARTSUCC_CANCEL = 52, "部成待撤", "ORDER_PARTSUCC_CANCEL"
    PART_CANCEL = 53, "部撤", "ORDER_PART_CANCEL"
    CANCELED = 54, "已撤", "ORDER_CANCELED"
    PART_SUCC = 55, "部成", "ORDER_PART_SUCC"
    SUCCEEDED = 56, "已成", "ORDER_SUCCEEDED"
    JUNK = 57, "废单", "ORDER_JUNK"
    UNKNOWN = 255, UNKNOWN_NAME, "ORDER_UNKNOWN"


FINAL_STATUSES: Final[frozenset[int]] = frozenset({53, 54, 56, 57})
"""终态：不会再变。"""

CANCELLABLE_STATUSES: Final[frozenset[int]] = frozenset({48, 49, 50, 55})
"""可撤：已报待撤、部成待撤已经有一笔撤单在路上，不再算。"""

STATUS_RANK: Final[dict[int, int]] = {
    48: 0,
    49: 1,
    50: 2,
    55: 3,
    51: 4,
    52: 5,
    53: 9,
    54: 9,
    56: 9,
    57: 9,
    255: -1,
}
"""状态只许向前走；推送可能重复、乱序，合并时按它判断先后。"""


class OrderType(Code):
    """委托类型。股票买卖与信用账户的担保品买卖同值，名字按账号类型分，见 `order_type_name`。"""

    FUTURE_OPEN_LONG = 0, "开多", "FUTURE_OPEN_LONG"
    FUTURE_CLOSE_LONG_HISTORY = 1, "平昨多", "FUTURE_CLOSE_LONG_HISTORY"
    FUTURE_CLOSE_LONG_TODAY = 2, "平今多", "FUTURE_CLOSE_LONG_TODAY"
    FUTURE_OPEN_SHORT = 3, "开空", "FUTURE_OPEN_SHORT"
    FUTURE_CLOSE_SHORT_HISTORY = 4, "平昨空", "FUTURE_CLOSE_SHORT_HISTORY"
    FUTURE_CLOSE_SHORT_TODAY = 5, "平今空", "FUTURE_CLOSE_SHORT_TODAY"
    FUTURE_CLOSE_LONG_TODAY_FIRST = 6, "平多，优先平今", "FUTURE_CLOSE_LONG_TODAY_FIRST"
    FUTURE_CLOSE_LONG_HISTORY_FIRST = 7, "平多，优先平昨", "FUTURE_CLOSE_LONG_HISTORY_FIRST"
    FUTURE_CLOSE_SHORT_TODAY_FIRST = 8, "平空，优先平今", "FUTURE_CLOSE_SHORT_TODAY_FIRST"
    FUTURE_CLOSE_SHORT_HISTORY_FIRST = 9, "平空，优先平昨", "FUTURE_CLOSE_SHORT_HISTORY_FIRST"
    FUTURE_CLOSE_LONG_TODAY_HISTORY_THEN_OPEN_SHORT = (
        10,
        "卖出，如有多仓，优先平仓，优先平今，如有余量，再开空",
        "FUTURE_CLOSE_LONG_TODAY_HISTORY_THEN_OPEN_SHORT",
    )
    FUTURE_CLOSE_LONG_HISTORY_TODAY_THEN_OPEN_SHORT = (
        11,
        "卖出，如有多仓，优先平仓，优先平昨，如有余量，再开空",
        "FUTURE_CLOSE_LONG_HISTORY_TODAY_THEN_OPEN_SHORT",
    )
    FUTURE_CLOSE_SHORT_TODAY_HISTORY_THEN_OPEN_LONG = (
        12,
        "买入，如有空仓，优先平仓，优先平今，如有余量，再开多",
        "FUTURE_CLOSE_SHORT_TODAY_HISTORY_THEN_OPEN_LONG",
    )
    FUTURE_CLOSE_SHORT_HISTORY_TODAY_THEN_OPEN_LONG = (
        13,
        "买入，如有空仓，优先平仓，优先平昨，如有余量，再开多",
        "FUTURE_CLOSE_SHORT_HISTORY_TODAY_THEN_OPEN_LONG",
    )
    FUTURE_OPEN = 14, "买入，不优先平仓", "FUTURE_OPEN"
    FUTURE_CLOSE = 15, "卖出，不优先平仓", "FUTURE_CLOSE"
    FUTURE_ARBITRAGE_OPEN = 16, "套利开仓", "FUTURE_ARBITRAGE_OPEN"
    FUTURE_ARBITRAGE_CLOSE_HISTORY_FIRST = (
        17, "套利平仓，优先平昨", "FUTURE_ARBITRAGE_CLOSE_HISTORY_FIRST"
    )  # fmt: skip
    FUTURE_ARBITRAGE_CLOSE_TODAY_FIRST = (
        18, "套利平仓，优先平今", "FUTURE_ARBITRAGE_CLOSE_TODAY_FIRST"
    )  # fmt: skip
    FUTURE_RENEW_LONG_CLOSE_HISTORY_FIRST = (
        19, "展期看多，优先平昨", "FUTURE_RENEW_LONG_CLOSE_HISTORY_FIRST"
    )  # fmt: skip
    FUTURE_RENEW_LONG_CLOSE_TODAY_FIRST = (
        20, "展期看多，优先平今", "FUTURE_RENEW_LONG_CLOSE_TODAY_FIRST"
    )  # fmt: skip
    FUTURE_RENEW_SHORT_CLOSE_HISTORY_FIRST = (
        21, "展期看空，优先平昨", "FUTURE_RENEW_SHORT_CLOSE_HISTORY_FIRST"
    )  # fmt: skip
    FUTURE_RENEW_SHORT_CLOSE_TODAY_FIRST = (
        22, "展期看空，优先平今", "FUTURE_RENEW_SHORT_CLOSE_TODAY_FIRST"
    )  # fmt: skip
    BUY = 23, "买入", "STOCK_BUY", "CREDIT_BUY"
    SELL = 24, "卖出", "STOCK_SELL", "CREDIT_SELL"
    FIN_BUY = 27, "融资买入", "CREDIT_FIN_BUY"
    SLO_SELL = 28, "融券卖出", "CREDIT_SLO_SELL"
    BUY_SECU_REPAY = 29, "买券还券", "CREDIT_BUY_SECU_REPAY"
    DIRECT_SECU_REPAY = 30, "直接还券", "CREDIT_DIRECT_SECU_REPAY"
    SELL_SECU_REPAY = 31, "卖券还款", "CREDIT_SELL_SECU_REPAY"
    DIRECT_CASH_REPAY = 32, "直接还款", "CREDIT_DIRECT_CASH_REPAY"
    FIN_BUY_SPECIAL = 40, "专项融资买入", "CREDIT_FIN_BUY_SPECIAL"
    SLO_SELL_SPECIAL = 41, "专项融券卖出", "CREDIT_SLO_SELL_SPECIAL"
    BUY_SECU_REPAY_SPECIAL = 42, "专项买券还券", "CREDIT_BUY_SECU_REPAY_SPECIAL"
    DIRECT_SECU_REPAY_SPECIAL = 43, "专项直接还券", "CREDIT_DIRECT_SECU_REPAY_SPECIAL"
    SELL_SECU_REPAY_SPECIAL = 44, "专项卖券还款", "CREDIT_SELL_SECU_REPAY_SPECIAL"
    DIRECT_CASH_REPAY_SPECIAL = 45, "专项直接还款", "CREDIT_DIRECT_CASH_REPAY_SPECIAL"
    STOCK_OPTION_BUY_OPEN = 48, "买入开仓", "STOCK_OPTION_BUY_OPEN"
    STOCK_OPTION_SELL_CLOSE = 49, "卖出平仓", "STOCK_OPTION_SELL_CLOSE"
    STOCK_OPTION_SELL_OPEN = 50, "卖出开仓", "STOCK_OPTION_SELL_OPEN"
    STOCK_OPTION_BUY_CLOSE = 51, "买入平仓", "STOCK_OPTION_BUY_CLOSE"
    STOCK_OPTION_COVERED_OPEN = 52, "备兑开仓", "STOCK_OPTION_COVERED_OPEN"
    STOCK_OPTION_COVERED_CLOSE = 53, "备兑平仓", "STOCK_OPTION_COVERED_CLOSE"
    STOCK_OPTION_CALL_EXERCISE = 54, "认购行权", "STOCK_OPTION_CALL_EXERCISE"
    STOCK_OPTION_PUT_EXERCISE = 55, "认沽行权", "STOCK_OPTION_PUT_EXERCISE"
    STOCK_OPTION_SECU_LOCK = 56, "证券锁定", "STOCK_OPTION_SECU_LOCK"
    STOCK_OPTION_SECU_UNLOCK = 57, "证券解锁", "STOCK_OPTION_SECU_UNLOCK"
    OPTION_FUTURE_OPTION_EXERCISE = 100, "期货期权行权", "OPTION_FUTURE_OPTION_EXERCISE"
    COMPOSE_OPEN_LONG = 110, "组合开多", "COMPOSE_OPEN_LONG"
    COMPOSE_OPEN_SHORT = 111, "组合开空", "COMPOSE_OPEN_SHORT"
    COMPOSE_CLOSE_LONG_TODAY_FIRST = 112, "组合平多，优先平今", "COMPOSE_CLOSE_LONG_TODAY_FIRST"
    COMPOSE_CLOSE_LONG_HISTORY_FIRST = 113, "组合平多，优先平昨", "COMPOSE_CLOSE_LONG_HISTORY_FIRST"
    COMPOSE_CLOSE_SHORT_TODAY_FIRST = 114, "组合平空，优先平今", "COMPOSE_CLOSE_SHORT_TODAY_FIRST"
    COMPOSE_CLOSE_SHORT_HISTORY_FIRST = (
        115, "组合平空，优先平昨", "COMPOSE_CLOSE_SHORT_HISTORY_FIRST"
    )  # fmt: skip
    COMPOSE_ONEKEY_FUTURE_TODAY_FIRST = (
        116, "一键期货，优先平今", "COMPOSE_ONEKEY_FUTURE_TODAY_FIRST"
    )  # fmt: skip
    COMPOSE_ONEKEY_FUTURE_HISTORY_FIRST = (
        117, "一键期货，优先平昨", "COMPOSE_ONEKEY_FUTURE_HISTORY_FIRST"
    )  # fmt: skip
    COMPOSE_FUTURE_ADJUST_TODAY_FIRST = (
        118, "组合调仓，优先平今", "COMPOSE_FUTURE_ADJUST_TODAY_FIRST"
    )  # fmt: skip
    COMPOSE_FUTURE_ADJUST_HISTORY_FIRST = (
        119, "组合调仓，优先平昨", "COMPOSE_FUTURE_ADJUST_HISTORY_FIRST"
    )  # fmt: skip
    ETF_PURCHASE = 134, "ETF申购", "ETF_PURCHASE"
    ETF_REDEMPTION = 135, "ETF赎回", "ETF_REDEMPTION"
    COMPOSE_OPTION_COMB_EXERCISE = 137, "组合行权", "COMPOSE_OPTION_COMB_EXERCISE"
    COMPOSE_OPTION_BUILD_COMB_STRATEGY = (
        138, "构建组合策略", "COMPOSE_OPTION_BUILD_COMB_STRATEGY"
    )  # fmt: skip
    COMPOSE_OPTION_RELEASE_COMB_STRATEGY = (
        139, "解除组合策略", "COMPOSE_OPTION_RELEASE_COMB_STRATEGY"
    )  # fmt: skip
    FUTURE_HEDGE = 400, "期货套利", "FUTURE_HEDGE"
    AFTER_FIX_BUY = 1043, "盘后定价买入", "OPT_AFTER_FIX_BUY"
    AFTER_FIX_SELL = 1044, "盘后定价卖出", "OPT_AFTER_FIX_SELL"


AFTER_HOURS_TYPES: Final = frozenset({OrderType.AFTER_FIX_BUY, OrderType.AFTER_FIX_SELL})
"""盘后固定价格。

厂商把它们列作操作类型，没有公开的样本说真的客户端的 ``order_stock`` 收它们；模拟柜台这样约定。
"""

BUY_TYPES: Final = frozenset(
    {
        OrderType.BUY,
        OrderType.FIN_BUY,
        OrderType.BUY_SECU_REPAY,
        OrderType.FIN_BUY_SPECIAL,
        OrderType.BUY_SECU_REPAY_SPECIAL,
        OrderType.AFTER_FIX_BUY,
    }
)
"""股票、信用账户到交易所去买的委托类型；其余的是卖，或不经过交易所。"""


class Direction(Code):
    """多空方向，股票不需要（恒为 48）。"""

    LONG = 48, "多", "DIRECTION_FLAG_LONG"
    SHORT = 49, "空", "DIRECTION_FLAG_SHORT"


class OffsetFlag(Code):
    """交易操作。48、49 在股票是买入、卖出，在期货、期权是开仓、平仓，见 `offset_flag_name`。

    66、67、81 不在 ``xtconstant`` 里，出自厂商的大 QMT 文档。
    """

    OPEN = 48, "买入", "OFFSET_FLAG_OPEN"
    CLOSE = 49, "卖出", "OFFSET_FLAG_CLOSE"
    FORCECLOSE = 50, "强平", "OFFSET_FLAG_FORCECLOSE"
    CLOSETODAY = 51, "平今", "OFFSET_FLAG_CLOSETODAY"
    CLOSEYESTERDAY = 52, "平昨", "OFFSET_FLAG_ClOSEYESTERDAY"
    FORCEOFF = 53, "强减", "OFFSET_FLAG_FORCEOFF"
    LOCALFORCECLOSE = 54, "本地强平", "OFFSET_FLAG_LOCALFORCECLOSE"
    PLEDGE_OUT = 66, "质押出库"
    ALLOTMENT = 67, "配股"
    PLEDGE_IN = 81, "质押入库"


ORDER_STATUS_NAMES: Final = names(OrderStatus)
ORDER_TYPE_NAMES: Final = names(OrderType)
DIRECTION_NAMES: Final = names(Direction)
OFFSET_FLAG_NAMES: Final = names(OffsetFlag)

CREDIT_ORDER_TYPE_NAMES: Final[dict[int, str]] = {
    **ORDER_TYPE_NAMES,
    23: "担保品买入",
    24: "担保品卖出",
}
"""信用账户：23、24 是担保品买卖，与融资买入、融券卖出区别开。"""

OPEN_CLOSE_FLAG_NAMES: Final[dict[int, str]] = {**OFFSET_FLAG_NAMES, 48: "开仓", 49: "平仓"}
"""期货、期权账户的交易操作。"""


def order_type_name(order_type: int, account_type: int = AccountType.STOCK) -> str:
    """委托类型的中文名；信用账户的 23、24 是担保品买入、担保品卖出。"""
    credit = account_type == AccountType.CREDIT
    return (CREDIT_ORDER_TYPE_NAMES if credit else ORDER_TYPE_NAMES).get(order_type, UNKNOWN_NAME)


def offset_flag_name(offset_flag: int, account_type: int = AccountType.STOCK) -> str:
    """交易操作的中文名；期货、期权账户的 48、49 是开仓、平仓。"""
    futures = account_type in OPEN_CLOSE_ACCOUNTS
    return (OPEN_CLOSE_FLAG_NAMES if futures else OFFSET_FLAG_NAMES).get(offset_flag, UNKNOWN_NAME)
