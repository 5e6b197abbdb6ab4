"""一切数字代码和它们的中文名；不导入厂商包（测试会与装着的 xtquant 逐个核对）。

数值出处：xtquant 250807 的 ``xtconstant.py``；柜台返回的价格类型见厂商文档「EBrokerPriceType」。
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Literal

Exchange = Literal["SH", "SZ", "BJ"]

UNKNOWN_NAME: Final = "未知"


class AccountType(IntEnum):
    """资金账号类型（xtconstant ``ACCOUNT_TYPE_DICT``）。"""

    FUTURE = 1
    STOCK = 2
    CREDIT = 3
    FUTURE_OPTION = 5
    STOCK_OPTION = 6
    HUGANGTONG = 7
    INCOME_SWAP = 8
    NEW3BOARD = 10
    SHENGANGTONG = 11
    OFFSITEBANKING = 13
    OUTTER_FUTURE = 1001
    IB = 1002
    NS_TRUSTBANK = 15001
    INTERBANK = 15002
    BANK = 15003
    OTC = 15005


class OrderStatus(IntEnum):
    """委托状态（xtconstant ``ORDER_*``）。"""

    UNREPORTED = 48
    WAIT_REPORTING = 49
    REPORTED = 50
    REPORTED_CANCEL = 51
    PARTSUCC_CANCEL = 52
    PART_CANCEL = 53
    CANCELED = 54
    PART_SUCC = 55
    SUCCEEDED = 56
    JUNK = 57
    UNKNOWN = 255


ORDER_STATUS_NAMES: Final[dict[int, str]] = {
    48: "未报",
    49: "待报",
    50: "已报",
    51: "已报待撤",
    52: "部成待撤",
    53: "部撤",
    54: "已撤",
    55: "部成",
    56: "已成",
    57: "废单",
    255: UNKNOWN_NAME,
}

FINAL_STATUSES: Final[frozenset[int]] = frozenset({53, 54, 56, 57})
"""终态：不会再变。"""

CANCELLABLE_STATUSES: Final[frozenset[int]] = frozenset({48, 49, 50, 55})
"""可撤：已报待撤、部成待撤已经有一笔撤单在路上，不再算。"""

ACCOUNT_STATUS_NAMES: Final[dict[int, str]] = {
    -1: "无效",
    0: "正常",
    1: "连接中",
    2: "登录中",
    3: "失败",
    4: "初始化中",
    5: "数据校正中",
    6: "收盘后",
    7: "副链接断开",
    8: "系统停用",
    9: "用户停用",
}
"""账号状态（xtconstant ``ACCOUNT_STATUS_*``）。"""

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


class OrderType(IntEnum):
    """委托类型（xtconstant ``STOCK_BUY`` …）；股票与担保品买卖同值。"""

    BUY = 23
    SELL = 24
    FIN_BUY = 27
    SLO_SELL = 28
    BUY_SECU_REPAY = 29
    DIRECT_SECU_REPAY = 30
    SELL_SECU_REPAY = 31
    DIRECT_CASH_REPAY = 32
    FIN_BUY_SPECIAL = 40
    SLO_SELL_SPECIAL = 41
    BUY_SECU_REPAY_SPECIAL = 42
    DIRECT_SECU_REPAY_SPECIAL = 43
    SELL_SECU_REPAY_SPECIAL = 44
    DIRECT_CASH_REPAY_SPECIAL = 45
    AFTER_FIX_BUY = 1043
    AFTER_FIX_SELL = 1044


AFTER_HOURS_TYPES: Final = frozenset({OrderType.AFTER_FIX_BUY, OrderType.AFTER_FIX_SELL})
"""盘后固定价格（xtconstant ``OPT_AFTER_FIX_BUY``、``OPT_AFTER_FIX_SELL``）。

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
"""到交易所去买的委托类型；其余的是卖，或不经过交易所。"""

ORDER_TYPE_NAMES: Final[dict[int, str]] = {
    23: "买入",
    24: "卖出",
    27: "融资买入",
    28: "融券卖出",
    29: "买券还券",
    30: "直接还券",
    31: "卖券还款",
    32: "直接还款",
    40: "专项融资买入",
    41: "专项融券卖出",
    42: "专项买券还券",
    43: "专项直接还券",
    44: "专项卖券还款",
    45: "专项直接还款",
    1043: "盘后定价买入",
    1044: "盘后定价卖出",
}


class PriceType(IntEnum):
    """下单时送的报价类型（xtconstant ``FIX_PRICE`` …）。"""

    LATEST = 5
    FIX = 11
    SH_CONVERT_5_CANCEL = 42
    SH_CONVERT_5_LIMIT = 43
    PEER_PRICE_FIRST = 44
    MINE_PRICE_FIRST = 45
    SZ_INSTBUSI_RESTCANCEL = 46
    SZ_CONVERT_5_CANCEL = 47
    SZ_FULL_OR_CANCEL = 48


PRICE_TYPE_NAMES: Final[dict[int, str]] = {
    # 柜台返回的价格类型（EBrokerPriceType），与下单时送的不同
    49: "市价",
    50: "限价",
    51: "最优价",
    52: "配股",
    53: "转托",
    54: "申购",
    55: "回购",
    56: "配售",
    57: "指定",
    58: "转股",
    59: "回售",
    60: "股息",
    68: "深圳配售确认",
    69: "配售放弃",
    70: "无冻质押",
    71: "冻结质押",
    72: "无冻解押",
    73: "解冻解押",
    75: "投票",
    77: "预售要约解除",
    78: "基金设红",
    79: "基金申赎",
    80: "跨市转托",
    81: "ETF申购",
    83: "权证行权",
    84: "对手方最优价格",
    85: "最优五档即时成交剩余转限价",
    86: "本方最优价格",
    87: "即时成交剩余撤销",
    88: "最优五档即时成交剩余撤销",
    89: "全额成交并撤单",
    90: "基金拆合",
    91: "债转股",
    92: "港股通竞价限价",
    93: "港股通增强限价",
    94: "港股通零股限价",
    101: "直接还券",
    107: "担保品划转",
    # 有的客户端原样返回下单时的代码
    5: "最新价",
    11: "限价",
    42: "最优五档即时成交剩余撤销",
    43: "最优五档即时成交剩余转限价",
    44: "对手方最优价格",
    45: "本方最优价格",
    46: "即时成交剩余撤销",
    47: "最优五档即时成交剩余撤销",
    48: "全额成交或撤销",
}

BROKER_PRICE_TYPES: Final[dict[int, int]] = {
    5: 50,
    11: 50,
    42: 88,
    43: 85,
    44: 84,
    45: 86,
    46: 87,
    47: 88,
    48: 89,
}
"""送出的报价类型 → 柜台返回的价格类型。"""

_PEER: Final = "对手方最优价格委托"
_MINE: Final = "本方最优价格委托"
_REST_CANCEL: Final = "即时成交剩余撤销委托"
_FIVE_CANCEL: Final = "最优五档即时成交剩余撤销"
_FIVE_LIMIT: Final = "最优五档即时成交剩转限价"
_FULL_OR_CANCEL: Final = "全额成交或撤销委托"

DEFAULT_MARKET_TYPE: Final = _PEER

MARKET_ORDER_TYPES: Final[dict[Exchange, dict[str, int]]] = {
    # 深市：page 004 与 xtconstant「仅深圳」的三种
    "SZ": {
        _PEER: PriceType.PEER_PRICE_FIRST,
        _MINE: PriceType.MINE_PRICE_FIRST,
        _REST_CANCEL: PriceType.SZ_INSTBUSI_RESTCANCEL,
        _FIVE_CANCEL: PriceType.SZ_CONVERT_5_CANCEL,
        _FULL_OR_CANCEL: PriceType.SZ_FULL_OR_CANCEL,
    },
    # 沪市、北交所：xtconstant 注明 42–45 适用于上海、北京
    "SH": {
        _PEER: PriceType.PEER_PRICE_FIRST,
        _FIVE_CANCEL: PriceType.SH_CONVERT_5_CANCEL,
        _FIVE_LIMIT: PriceType.SH_CONVERT_5_LIMIT,
        _MINE: PriceType.MINE_PRICE_FIRST,
    },
    "BJ": {
        _PEER: PriceType.PEER_PRICE_FIRST,
        _FIVE_CANCEL: PriceType.SH_CONVERT_5_CANCEL,
        _FIVE_LIMIT: PriceType.SH_CONVERT_5_LIMIT,
        _MINE: PriceType.MINE_PRICE_FIRST,
    },
}

DIRECTION_NAMES: Final[dict[int, str]] = {48: "多", 49: "空"}

OFFSET_FLAG_NAMES: Final[dict[int, str]] = {
    48: "买入",
    49: "卖出",
    50: "强平",
    51: "平今",
    52: "平昨",
    53: "强减",
    54: "本地强平",
    66: "质押出库",
    67: "配股",
    81: "质押入库",
}

MARKET_CODES: Final[dict[Exchange, int]] = {"SH": 0, "SZ": 1, "BJ": 70}
"""厂商的交易市场整数代码。"""
