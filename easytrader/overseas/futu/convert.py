"""富途的协议消息 → 我们的记录。枚举的值与意思出自 futu-api 带着的 ``Trd_Common.proto``。"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend import records
from easytrader.backend.records import Side
from easytrader.basics.numbers import exact
from easytrader.codes import Direction, OrderStatus, OtherAccountType
from easytrader.overseas.common_securities import CURRENCIES, made

if TYPE_CHECKING:
    from easytrader.basics.numbers import Number

_STATUSES: Final = {
    -1: OrderStatus.UNKNOWN,
    0: OrderStatus.UNREPORTED,  # 未提交
    1: OrderStatus.WAIT_REPORTING,  # 等待提交
    2: OrderStatus.WAIT_REPORTING,  # 提交中
    3: OrderStatus.JUNK,  # 提交失败
    4: OrderStatus.UNKNOWN,  # 处理超时，结果未知
    5: OrderStatus.REPORTED,  # 已提交，等待成交
    10: OrderStatus.PART_SUCC,  # 部分成交
    11: OrderStatus.SUCCEEDED,  # 全部已成
    12: OrderStatus.PARTSUCC_CANCEL,  # 正在撤单，部分已成交
    13: OrderStatus.REPORTED_CANCEL,  # 正在撤单，没有成交
    14: OrderStatus.PART_CANCEL,  # 部分成交，剩余已撤
    15: OrderStatus.CANCELED,  # 全部已撤
    21: OrderStatus.JUNK,  # 下单失败，服务拒绝
    22: OrderStatus.UNREPORTED,  # 已失效：在客户端里还能让它生效，不是终态
    23: OrderStatus.CANCELED,  # 已删除，没有成交的才能删
    24: OrderStatus.JUNK,  # 成交被撤销，成了废单
}

_SIDES: Final = {1: Side.BUY, 2: Side.SELL, 3: Side.SELL, 4: Side.BUY}
"""3 卖空、4 买回是美股柜台返回的：下单时只有买、卖。"""

_MARKETS: Final = {1: "HK", 2: "US", 31: "SH", 32: "SZ"}
"""``TrdSecMarket`` → 我们的市场。"""

SEC_MARKETS: Final = {name: number for number, name in _MARKETS.items()}
QOT_MARKETS: Final = {"HK": 1, "US": 11, "SH": 21, "SZ": 22}
"""市场 → ``QotMarket``。"""

_CURRENCIES: Final = {
    1: "HKD", 2: "USD", 3: "CNH", 4: "JPY", 5: "SGD", 6: "AUD", 7: "CAD", 8: "MYR", 9: "NZD",
}  # fmt: skip
CURRENCY_NUMBERS: Final = {name: number for number, name in _CURRENCIES.items()}

_MARKET_ORDER: Final = 2
_CANCELLED_FILL: Final = 1
_SHORT: Final = 1


def number(value: float) -> Number:
    """富途的数量都是双精度：整的给整数，有零头的给 Decimal。"""
    return int(value) if value.is_integer() else Decimal(repr(value))


def _code(message: Any) -> str:
    market = _MARKETS.get(message.secMarket, "")
    return made(message.code, market).stock_code if market else str(message.code)


def _currency(message: Any, code: str) -> str:
    named = _CURRENCIES.get(message.currency) if message.HasField("currency") else None
    return named or CURRENCIES.get(code.rpartition(".")[2], "")


def order_no(message: Any) -> str:
    """委托编号：富途的扩展订单号，换一台 OpenD 也不变。"""
    return str(message.orderIDEx or message.orderID)


def asset(funds: Any, account_id: str, currency: str) -> records.Asset:
    """资金；``cash`` 是不用融资能买多少（没有就是现金减去冻结）。"""
    cash = funds.netCashPower if funds.HasField("netCashPower") else funds.cash - funds.frozenCash
    return records.Asset(
        total_asset=funds.totalAssets,
        cash=min(max(cash, 0.0), max(funds.totalAssets, 0.0)),
        market_value=funds.marketVal,
        frozen_cash=funds.frozenCash,
        account_type=OtherAccountType.OVERSEAS.value,
        account_id=account_id,
        currency=_CURRENCIES.get(funds.currency, "") if funds.HasField("currency") else currency,
    )


def position(message: Any, account_id: str) -> records.Position:
    """持仓；成本是摊薄成本，没有就是平均成本。"""
    code, volume = _code(message), number(abs(message.qty))
    diluted = message.dilutedCostPrice if message.HasField("dilutedCostPrice") else 0.0
    average = message.averageCostPrice if message.HasField("averageCostPrice") else 0.0
    usable = number(abs(message.canSellQty))
    short = message.positionSide == _SHORT
    return records.Position(
        stock_code=code,
        volume=volume,
        can_use_volume=usable,
        frozen_volume=max(exact(volume) - exact(usable), 0),
        open_price=average or diluted or message.costPrice,
        avg_price=diluted or average or message.costPrice,
        market_value=message.val,
        direction=(Direction.SHORT if short else Direction.LONG).value,
        account_type=OtherAccountType.OVERSEAS.value,
        account_id=account_id,
        currency=_currency(message, code),
    )


def order(message: Any, account_id: str) -> records.Order:
    """委托；市价委托的 ``price`` 是 0。"""
    code = _code(message)
    market = message.orderType == _MARKET_ORDER
    return records.Order(
        stock_code=code,
        order_id=order_no(message),
        side=_SIDES.get(message.trdSide, Side.BUY),
        order_volume=number(message.qty),
        order_status=_STATUSES.get(message.orderStatus, OrderStatus.UNKNOWN),
        order_time=int(message.createTimestamp),
        price=None if market else message.price,
        traded_volume=number(message.fillQty),
        traded_price=message.fillAvgPrice,
        order_remark=message.remark,
        status_msg=message.lastErrMsg,
        account_type=OtherAccountType.OVERSEAS.value,
        account_id=account_id,
        currency=_currency(message, code),
    )


def trade(message: Any, account_id: str) -> records.Trade | None:
    """成交；被取消的为 None。"""
    if message.status == _CANCELLED_FILL:
        return None
    code = _code(message)
    return records.Trade(
        stock_code=code,
        order_id=order_no(message),
        side=_SIDES.get(message.trdSide, Side.BUY),
        traded_id=str(message.fillIDEx or message.fillID),
        traded_time=int(message.createTimestamp),
        traded_price=message.price,
        traded_volume=number(message.qty),
        account_type=OtherAccountType.OVERSEAS.value,
        account_id=account_id,
        currency=CURRENCIES.get(code.rpartition(".")[2], ""),
    )


def quote(basic: Any, stock_code: str) -> records.Quote:
    """快照 → 行情；只有买一、卖一，没有涨跌停。"""

    def level(price: float, volume: int) -> list[tuple[Number, Number]]:
        return [(price, volume)] if price > 0 else []

    return records.Quote(
        stock_code=stock_code,
        last=basic.curPrice or None,
        open=basic.openPrice or None,
        high=basic.highPrice or None,
        low=basic.lowPrice or None,
        pre_close=basic.lastClosePrice or None,
        limit_up=None,
        limit_down=None,
        volume=basic.volume,
        amount=basic.turnover,
        time=int(basic.updateTimestamp),
        bids=level(basic.bidPrice, basic.bidVol),
        asks=level(basic.askPrice, basic.askVol),
    )
