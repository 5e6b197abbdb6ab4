"""账号与市场：账号类型、账号状态、市场代码。"""

from __future__ import annotations

from typing import Final, Literal

from easytrader.codes.base import Code, TextCode, names

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


ACCOUNT_TYPE_NAMES: Final = names(AccountType)
ACCOUNT_STATUS_NAMES: Final = names(AccountStatus)
MARKET_NAMES: Final = names(Market)

MARKET_CODES: Final[dict[Exchange, int]] = {"SH": 0, "SZ": 1, "BJ": 70}
"""股票的三个交易所 → 厂商的整数代码。"""
