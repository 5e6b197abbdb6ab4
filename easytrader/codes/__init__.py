"""一切代码和它们的中文名；不导入厂商包（测试与装着的 xtquant 逐个核对）。

每一种代码是一个枚举，成员带 ``label``（中文名）与 ``vendor``（``xtconstant`` 里的名字）；
``…_NAMES`` 是代码 → 中文名的字典。全部列在文档页「代码与中文名」，由 `easytrader.codes.page` 写出。
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

UNKNOWN_NAME: Final = "未知"
"""没见过的代码的中文名。"""


SAME: Final = "="
"""厂商的名字与成员的相同。"""


class Code(IntEnum):
    """整数代码。写成 ``名字 = 整数, "中文名", "xtconstant 里的名字", …``。

    Attributes:
        label: 中文名。
        vendor: 在 ``xtconstant`` 里的名字；厂商没有定义常量的为空。
    """

    _value_: int
    label: str
    _vendor: tuple[str, ...]

    def __new__(cls, value: int, label: str = "", *vendor: str) -> Self:
        """照着类里写的一行造出成员。"""
        member = int.__new__(cls, value)
        member._value_ = value
        member.label = label
        member._vendor = vendor  # noqa: SLF001  自己的成员
        return member

    @property
    def vendor(self) -> tuple[str, ...]:
        """``xtconstant`` 里的名字。"""
        return tuple(self.name if each == SAME else each for each in self._vendor)


class TextCode(str, Enum):
    """字符串代码；写法同 `Code`。"""

    _value_: str
    label: str
    vendor: tuple[str, ...]

    def __new__(cls, value: str, label: str = "", *vendor: str) -> Self:
        """照着类里写的一行造出成员。"""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        member.vendor = vendor
        return member

    def __str__(self) -> str:
        return self._value_  # 各版本的 Python 写法不一，统一成代码本身


def _names(members: Iterable[Code]) -> dict[int, str]:
    """代码 → 中文名。"""
    return {each.value: each.label for each in members}


def _text_names(members: Iterable[TextCode]) -> dict[str, str]:
    """字符串代码 → 中文名。"""
    return {each.value: each.label for each in members}


# ---- 账号与市场

Exchange = Literal["SH", "SZ", "BJ"]


class AccountType(Code):
    """资金账号类型。名字就是 ``connect(account_type=…)`` 用的。"""

    FUTURE = 1, "期货", "FUTURE_ACCOUNT"
    STOCK = 2, "股票", "SECURITY_ACCOUNT"
    CREDIT = 3, "信用", "CREDIT_ACCOUNT"
    FUTURE_OPTION = 5, "期货期权", "FUTURE_OPTION_ACCOUNT"
    STOCK_OPTION = 6, "股票期权", "STOCK_OPTION_ACCOUNT"
    HUGANGTONG = 7, "沪港通", "HUGANGTONG_ACCOUNT"
    INCOME_SWAP = 8, "收益互换", "INCOME_SWAP_ACCOUNT"
    NEW3BOARD = 10, "新三板", "NEW3BOARD_ACCOUNT"
    SHENGANGTONG = 11, "深港通", "SHENGANGTONG_ACCOUNT"
    OFFSITEBANKING = 13, "场外理财", "AT_OFFSITEBANKING"
    OUTTER_FUTURE = 1001, "外盘期货", "AT_OUTTER_FUTURE"
    IB = 1002, "IB", "AT_IB"
    NS_TRUSTBANK = 15001, "场外托管", "AT_NS_TRUSTBANK"
    INTERBANK = 15002, "银行间", "AT_INTERBANK"
    BANK = 15003, "银行", "AT_BANK"
    OTC = 15005, "场外柜台", "AT_OTC"


class OtherAccountType(Code):
    """厂商没有的账号类型：别的后端的字典里的 ``account_type``。"""

    OVERSEAS = 90001, "境外证券"
    CRYPTO = 90002, "加密货币"
    CFD = 90003, "差价合约"


OPEN_CLOSE_ACCOUNTS: Final[frozenset[int]] = frozenset(
    {
        AccountType.FUTURE,
        AccountType.FUTURE_OPTION,
        AccountType.STOCK_OPTION,
        AccountType.OUTTER_FUTURE,
    }
)
"""讲开仓、平仓的账号类型：``offset_flag`` 的 48、49 在这里是开仓、平仓，不是买入、卖出。"""


class AccountStatus(Code):
    """账号状态：``on_account_status`` 的 ``status``，账号信息的 ``login_status``。"""

    INVALID = -1, "无效", "ACCOUNT_STATUS_INVALID"
    OK = 0, "正常", "ACCOUNT_STATUS_OK"
    WAITING_LOGIN = 1, "连接中", "ACCOUNT_STATUS_WAITING_LOGIN"
    LOGGING_IN = 2, "登录中", "ACCOUNT_STATUSING"
    FAIL = 3, "失败", "ACCOUNT_STATUS_FAIL"
    INITING = 4, "初始化中", "ACCOUNT_STATUS_INITING"
    CORRECTING = 5, "数据校正中", "ACCOUNT_STATUS_CORRECTING"
    CLOSED = 6, "收盘后", "ACCOUNT_STATUS_CLOSED"
    ASSIS_FAIL = 7, "副链接断开", "ACCOUNT_STATUS_ASSIS_FAIL"
    DISABLEBYSYS = 8, "系统停用", "ACCOUNT_STATUS_DISABLEBYSYS"
    DISABLEBYUSER = 9, "用户停用", "ACCOUNT_STATUS_DISABLEBYUSER"


class Market(Code):
    """交易市场的整数代码：``exchange_id``、按柜台合同编号撤单的 ``market``。名字是代码后缀。"""

    SH = 0, "上交所", "SH_MARKET"
    SZ = 1, "深交所", "SZ_MARKET"
    BJ = 70, "北交所", "MARKET_ENUM_BEIJING"
    SF = 3, "上期所", "MARKET_ENUM_SHANGHAI_FUTURE"
    DF = 4, "大商所", "MARKET_ENUM_DALIANG_FUTURE"
    ZF = 5, "郑商所", "MARKET_ENUM_ZHENGZHOU_FUTURE"
    IF = 2, "中金所", "MARKET_ENUM_INDEX_FUTURE"
    INE = 6, "能源中心", "MARKET_ENUM_INTL_ENERGY_FUTURE"
    GF = 75, "广期所", "MARKET_ENUM_GUANGZHOU_FUTURE"
    SHO = 7, "上海期权", "MARKET_ENUM_SHANGHAI_STOCK_OPTION"
    SZO = 67, "深圳期权", "MARKET_ENUM_SHENZHEN_STOCK_OPTION"


class MarketSuffix(TextCode):
    """交易市场的字符串代码，即证券代码的后缀。"""

    SH = "SH", "上交所", "MARKET_SHANGHAI"
    SZ = "SZ", "深交所", "MARKET_SHENZHEN"
    BJ = "BJ", "北交所", "MARKET_BEIJING"
    SF = "SF", "上期所", "MARKET_SHANGHAI_FUTURE"
    DF = "DF", "大商所", "MARKET_DALIANG_FUTURE"
    ZF = "ZF", "郑商所", "MARKET_ZHENGZHOU_FUTURE"
    IF = "IF", "中金所", "MARKET_INDEX_FUTURE"
    INE = "INE", "能源中心", "MARKET_INTL_ENERGY_FUTURE"
    GF = "GF", "广期所", "MARKET_GUANGZHOU_FUTURE"
    SHO = "SHO", "上海期权", "MARKET_SHANGHAI_STOCK_OPTION"
    SZO = "SZO", "深圳期权", "MARKET_SHENZHEN_STOCK_OPTION"


ACCOUNT_TYPE_NAMES: Final = _names(AccountType)
ACCOUNT_STATUS_NAMES: Final = _names(AccountStatus)
MARKET_NAMES: Final = _names(Market)

MARKET_CODES: Final[dict[Exchange, int]] = {"SH": 0, "SZ": 1, "BJ": 70}
"""股票的三个交易所 → 厂商的整数代码。"""


# ---- 委托与成交


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
    FUTURE_ARBITRAGE_CLOSE_HISTORY_FIRST = 17, "套利平仓，优先平昨", SAME
    FUTURE_ARBITRAGE_CLOSE_TODAY_FIRST = 18, "套利平仓，优先平今", SAME
    FUTURE_RENEW_LONG_CLOSE_HISTORY_FIRST = 19, "展期看多，优先平昨", SAME
    FUTURE_RENEW_LONG_CLOSE_TODAY_FIRST = 20, "展期看多，优先平今", SAME
    FUTURE_RENEW_SHORT_CLOSE_HISTORY_FIRST = 21, "展期看空，优先平昨", SAME
    FUTURE_RENEW_SHORT_CLOSE_TODAY_FIRST = 22, "展期看空，优先平今", SAME
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
    BOND_CONVERT = 80, "转股"
    BOND_PUT = 81, "回售"
    COMPOSE_OPEN_LONG = 110, "组合开多", "COMPOSE_OPEN_LONG"
    COMPOSE_OPEN_SHORT = 111, "组合开空", "COMPOSE_OPEN_SHORT"
    COMPOSE_CLOSE_LONG_TODAY_FIRST = 112, "组合平多，优先平今", "COMPOSE_CLOSE_LONG_TODAY_FIRST"
    COMPOSE_CLOSE_LONG_HISTORY_FIRST = 113, "组合平多，优先平昨", "COMPOSE_CLOSE_LONG_HISTORY_FIRST"
    COMPOSE_CLOSE_SHORT_TODAY_FIRST = 114, "组合平空，优先平今", "COMPOSE_CLOSE_SHORT_TODAY_FIRST"
    COMPOSE_CLOSE_SHORT_HISTORY_FIRST = 115, "组合平空，优先平昨", SAME
    COMPOSE_ONEKEY_FUTURE_TODAY_FIRST = 116, "一键期货，优先平今", SAME
    COMPOSE_ONEKEY_FUTURE_HISTORY_FIRST = 117, "一键期货，优先平昨", SAME
    COMPOSE_FUTURE_ADJUST_TODAY_FIRST = 118, "组合调仓，优先平今", SAME
    COMPOSE_FUTURE_ADJUST_HISTORY_FIRST = 119, "组合调仓，优先平昨", SAME
    ETF_PURCHASE = 134, "ETF申购", "ETF_PURCHASE"
    ETF_REDEMPTION = 135, "ETF赎回", "ETF_REDEMPTION"
    COMPOSE_OPTION_COMB_EXERCISE = 137, "组合行权", "COMPOSE_OPTION_COMB_EXERCISE"
    COMPOSE_OPTION_BUILD_COMB_STRATEGY = 138, "构建组合策略", SAME
    COMPOSE_OPTION_RELEASE_COMB_STRATEGY = 139, "解除组合策略", SAME
    FUTURE_HEDGE = 400, "期货套利", "FUTURE_HEDGE"
    AFTER_FIX_BUY = 1043, "盘后定价买入", "OPT_AFTER_FIX_BUY"
    AFTER_FIX_SELL = 1044, "盘后定价卖出", "OPT_AFTER_FIX_SELL"


AFTER_HOURS_TYPES: Final = frozenset({OrderType.AFTER_FIX_BUY, OrderType.AFTER_FIX_SELL})
"""盘后固定价格。

厂商把它们列作操作类型，没有公开的样本说真的客户端的 ``order_stock`` 收它们；模拟柜台这样约定。
"""

BOND_TYPES: Final = frozenset({OrderType.BOND_CONVERT, OrderType.BOND_PUT})
"""可转债的转股、回售：数出自厂商大 QMT 的 ``opType``，``xtconstant`` 里没有；

没有公开的样本说真的 MiniQMT 的 ``order_stock`` 收它们；模拟柜台这样约定。
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


ORDER_STATUS_NAMES: Final = _names(OrderStatus)
ORDER_TYPE_NAMES: Final = _names(OrderType)
DIRECTION_NAMES: Final = _names(Direction)
OFFSET_FLAG_NAMES: Final = _names(OffsetFlag)

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


# ---- 报价类型：下单时送的是一套，柜台返回的是另一套


class PriceType(Code):
    """下单时送的报价类型。"""

    LATEST = 5, "最新价", "LATEST_PRICE"
    FIX = 11, "限价", "FIX_PRICE"
    MARKET = 12, "市价", "PRTP_MARKET"
    """只有智能算法下单用。"""
    MARKET_BEST = 18, "市价最优价", "MARKET_BEST"
    MARKET_CANCEL = 19, "市价即成剩撤", "MARKET_CANCEL"
    MARKET_CANCEL_ALL = 20, "市价全额成交或撤", "MARKET_CANCEL_ALL"
    MARKET_CANCEL_1 = 21, "市价最优一档即成剩撤", "MARKET_CANCEL_1"
    MARKET_CANCEL_5 = 22, "市价最优五档即成剩撤", "MARKET_CANCEL_5"
    MARKET_CONVERT_1 = 23, "市价最优一档即成剩转", "MARKET_CONVERT_1"
    MARKET_CONVERT_5 = 24, "市价最优五档即成剩转", "MARKET_CONVERT_5"
    SH_CONVERT_5_CANCEL = 42, "最优五档即时成交剩余撤销", "MARKET_SH_CONVERT_5_CANCEL"
    SH_CONVERT_5_LIMIT = 43, "最优五档即时成交剩余转限价", "MARKET_SH_CONVERT_5_LIMIT"
    PEER_PRICE_FIRST = 44, "对手方最优价格", "MARKET_PEER_PRICE_FIRST"
    MINE_PRICE_FIRST = 45, "本方最优价格", "MARKET_MINE_PRICE_FIRST"
    SZ_INSTBUSI_RESTCANCEL = 46, "即时成交剩余撤销", "MARKET_SZ_INSTBUSI_RESTCANCEL"
    SZ_CONVERT_5_CANCEL = 47, "最优五档即时成交剩余撤销", "MARKET_SZ_CONVERT_5_CANCEL"
    SZ_FULL_OR_CANCEL = 48, "全额成交或撤销", "MARKET_SZ_FULL_OR_CANCEL"


class OtherPriceType(Code):
    """厂商没有的报价类型：别的后端下单时送的。都有委托价。"""

    FAK = 90001, "限价即成剩撤"
    FOK = 90002, "限价全成或撤"
    STOP = 90003, "止损"


LIMIT_PRICES: Final[frozenset[int]] = frozenset({PriceType.FIX, *map(int, OtherPriceType)})
"""有委托价的报价类型；别的是市价。"""


class BrokerPriceType(Code):
    """柜台返回的报价类型（厂商文档「EBrokerPriceType」），``xtconstant`` 里没有。"""

    ANY = 49, "市价"
    LIMIT = 50, "限价"
    BEST = 51, "最优价"
    ALLOTMENT = 52, "配股"
    REFER = 53, "转托"
    SUBSCRIBE = 54, "申购"
    BUYBACK = 55, "回购"
    PLACING = 56, "配售"
    DECIDE = 57, "指定"
    EQUITY = 58, "转股"
    SELLBACK = 59, "回售"
    DIVIDEND = 60, "股息"
    SHENZHEN_PLACING = 68, "深圳配售确认"
    CANCEL_PLACING = 69, "配售放弃"
    PLEDGE_UNFROZEN = 70, "无冻质押"
    PLEDGE_FROZEN = 71, "冻结质押"
    UNPLEDGE_UNFROZEN = 72, "无冻解押"
    UNPLEDGE_FROZEN = 73, "解冻解押"
    VOTE = 75, "投票"
    PRESALE_RELEASE = 77, "预售要约解除"
    FUND_DIVIDEND = 78, "基金设红"
    FUND_ENTRUST = 79, "基金申赎"
    CROSS_MARKET = 80, "跨市转托"
    ETF = 81, "ETF申购"
    EXERCISE = 83, "权证行权"
    PEER_PRICE_FIRST = 84, "对手方最优价格"
    CONVERT_5_LIMIT = 85, "最优五档即时成交剩余转限价"
    MINE_PRICE_FIRST = 86, "本方最优价格"
    INSTBUSI_RESTCANCEL = 87, "即时成交剩余撤销"
    CONVERT_5_CANCEL = 88, "最优五档即时成交剩余撤销"
    FULL_OR_CANCEL = 89, "全额成交并撤单"
    FUND_SPLIT_MERGE = 90, "基金拆合"
    BOND_CONVERT = 91, "债转股"
    HK_AUCTION_LIMIT = 92, "港股通竞价限价"
    HK_ENHANCED_LIMIT = 93, "港股通增强限价"
    HK_ODD_LOT_LIMIT = 94, "港股通零股限价"
    DIRECT_SECU_REPAY = 101, "直接还券"
    COLLATERAL_TRANSFER = 107, "担保品划转"


PRICE_TYPE_NAMES: Final[dict[int, str]] = {**_names(BrokerPriceType), **_names(PriceType)}
"""两套合在一起（数值不重叠）：有的客户端原样返回下单时的代码。"""

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
"""送出的报价类型 → 柜台返回的报价类型。"""

_PEER: Final = "对手方最优价格委托"
_MINE: Final = "本方最优价格委托"
_REST_CANCEL: Final = "即时成交剩余撤销委托"
_FIVE_CANCEL: Final = "最优五档即时成交剩余撤销"
_FIVE_LIMIT: Final = "最优五档即时成交剩转限价"
_FULL_OR_CANCEL: Final = "全额成交或撤销委托"

DEFAULT_MARKET_TYPE: Final = _PEER

MARKET_ORDER_TYPES: Final[dict[Exchange, dict[str, int]]] = {
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
"""市价委托的 ``ttype`` → 送出的代码，按交易所。"""


# ---- 各项业务：划拨的常量在 ``xtconstant`` 里，其余的厂商只在文档里写了含义


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


TRANSFER_DIRECTION_NAMES: Final = _names(TransferDirection)
TRANSFER_TYPE_NAMES: Final = _names(TransferType)
COMPACT_TYPE_NAMES: Final = _names(CompactType)
COMPACT_STATUS_NAMES: Final = _names(CompactStatus)
CASHGROUP_PROP_NAMES: Final = _names(CashgroupProp)
SUBJECT_STATUS_NAMES: Final = _names(SubjectStatus)
HEDGE_FLAG_NAMES: Final = _names(HedgeFlag)
BANK_TRANSFER_DIRECTION_NAMES: Final = _text_names(BankTransferDirection)
MONEY_TYPE_NAMES: Final = _text_names(MoneyType)
SMT_APPLY_MODE_NAMES: Final = _text_names(SmtApplyMode)
SMT_COMPACT_STATUS_NAMES: Final = _text_names(SmtCompactStatus)
SMT_POSTPONE_STATUS_NAMES: Final = _text_names(SmtPostponeStatus)
PURCHASE_MARKET_NAMES: Final = _text_names(PurchaseMarket)
IPO_TYPE_NAMES: Final = _text_names(IpoType)


# ---- 中文名的 `Literal`：编辑器能补全，写错了 mypy 会说；测试核对它们与上面的表一致

MarketTypeName = Literal[
    "对手方最优价格委托", "本方最优价格委托", "即时成交剩余撤销委托", "最优五档即时成交剩余撤销",
    "全额成交或撤销委托", "最优五档即时成交剩转限价",
    # 报价类型的中文名也收
    "最新价", "对手方最优价格", "本方最优价格", "即时成交剩余撤销", "全额成交或撤销",
    "最优五档即时成交剩余转限价",
]  # fmt: skip
"""``market_buy``、``market_sell`` 的 ``ttype``；各交易所可用的不同。"""

SideName = Literal["买入", "卖出"]
"""智能算法下单的 ``side``。"""

FundsTransferName = Literal[
    "资金划拨-普通柜台到极速柜台", "资金划拨-极速柜台到普通柜台", "节点资金划拨-上海节点到深圳节点",
    "节点资金划拨-深圳节点到上海节点",
]  # fmt: skip
"""资金划拨的 ``direction``。"""

SecuTransferName = Literal["股份划拨-普通柜台到极速柜台", "股份划拨-极速柜台到普通柜台"]
"""股份划拨的 ``direction``。"""

TransferTypeName = Literal["股票账户客户划拨", "融资融券账户专项头寸划拨", "融资融券账户客户划拨"]
"""股份划拨的 ``transfer_type``。"""

AccountTypeName = Literal[
    "FUTURE", "STOCK", "CREDIT", "FUTURE_OPTION", "STOCK_OPTION", "HUGANGTONG", "INCOME_SWAP",
    "NEW3BOARD", "SHENGANGTONG", "OFFSITEBANKING", "OUTTER_FUTURE", "IB", "NS_TRUSTBANK",
    "INTERBANK", "BANK", "OTC",
]  # fmt: skip
"""``connect(account_type=…)`` 的名字。"""

OrderStatusName = Literal[
    "未报", "待报", "已报", "已报待撤", "部成待撤", "部撤", "已撤", "部成", "已成", "废单", "未知",
]  # fmt: skip
"""``order_status_name``。"""

OrderTypeName = Literal[
    "开多", "平昨多", "平今多", "开空", "平昨空", "平今空", "平多，优先平今", "平多，优先平昨",
    "平空，优先平今", "平空，优先平昨", "卖出，如有多仓，优先平仓，优先平今，如有余量，再开空",
    "卖出，如有多仓，优先平仓，优先平昨，如有余量，再开空",
    "买入，如有空仓，优先平仓，优先平今，如有余量，再开多",
    "买入，如有空仓，优先平仓，优先平昨，如有余量，再开多", "买入，不优先平仓", "卖出，不优先平仓",
    "套利开仓", "套利平仓，优先平昨", "套利平仓，优先平今", "展期看多，优先平昨",
    "展期看多，优先平今", "展期看空，优先平昨", "展期看空，优先平今", "买入", "卖出", "融资买入",
    "融券卖出", "买券还券", "直接还券", "卖券还款", "直接还款", "专项融资买入", "专项融券卖出",
    "专项买券还券", "专项直接还券", "专项卖券还款", "专项直接还款", "盘后定价买入", "盘后定价卖出",
    "转股", "回售",
    "买入开仓", "卖出平仓", "卖出开仓", "买入平仓", "备兑开仓", "备兑平仓", "认购行权", "认沽行权",
    "证券锁定", "证券解锁", "期货期权行权", "组合开多", "组合开空", "组合平多，优先平今",
    "组合平多，优先平昨", "组合平空，优先平今", "组合平空，优先平昨", "一键期货，优先平今",
    "一键期货，优先平昨", "组合调仓，优先平今", "组合调仓，优先平昨", "ETF申购", "ETF赎回",
    "组合行权", "构建组合策略", "解除组合策略", "期货套利", "担保品买入", "担保品卖出", "未知",
]  # fmt: skip
"""``order_type_name``。"""

PriceTypeName = Literal[
    "市价", "限价", "最优价", "配股", "转托", "申购", "回购", "配售", "指定", "转股", "回售",
    "股息", "深圳配售确认", "配售放弃", "无冻质押", "冻结质押", "无冻解押", "解冻解押", "投票",
    "预售要约解除", "基金设红", "基金申赎", "跨市转托", "ETF申购", "权证行权", "对手方最优价格",
    "最优五档即时成交剩余转限价", "本方最优价格", "即时成交剩余撤销", "最优五档即时成交剩余撤销",
    "全额成交并撤单", "基金拆合", "债转股", "港股通竞价限价", "港股通增强限价", "港股通零股限价",
    "直接还券", "担保品划转", "最新价", "市价最优价", "市价即成剩撤", "市价全额成交或撤",
    "市价最优一档即成剩撤", "市价最优五档即成剩撤", "市价最优一档即成剩转", "市价最优五档即成剩转",
    "全额成交或撤销", "未知",
]  # fmt: skip
"""``price_type_name``。"""

OffsetFlagName = Literal[
    "买入", "卖出", "强平", "平今", "平昨", "强减", "本地强平", "质押出库", "配股", "质押入库",
    "开仓", "平仓", "未知",
]  # fmt: skip
"""``offset_flag_name``。"""

DirectionName = Literal["多", "空", "未知"]
"""``direction_name``。"""

AccountStatusName = Literal[
    "无效", "正常", "连接中", "登录中", "失败", "初始化中", "数据校正中", "收盘后", "副链接断开",
    "系统停用", "用户停用", "未知",
]  # fmt: skip
"""账号状态的 ``status_name``。"""
