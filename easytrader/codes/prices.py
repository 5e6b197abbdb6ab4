"""报价类型：下单时送的是一套，柜台返回的是另一套。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.codes.base import Code, names

if TYPE_CHECKING:
    from easytrader.codes.accounts import Exchange


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


PRICE_TYPE_NAMES: Final[dict[int, str]] = {**names(BrokerPriceType), **names(PriceType)}
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
