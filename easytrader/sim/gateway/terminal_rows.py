"""柜台的样子 → 完整版客户端里的行：厂商的字段名，连同那些一直不变的毛病。

一行是一个字典：``m_`` 开头的是厂商的字段（``get_trade_detail_data`` 的对象上读得到的），
``_`` 开头的只给模拟的客户端自己用，不给策略看：

- ``_order_id`` 主机的委托编号（int），``_time`` Unix 秒，``_account_type`` 账号类型，
  ``_strategy`` 下单时的策略名，``_order_type`` 委托类型（23、24、27……）。

毛病（每一条都有用户吃过亏）：方向永远是 48，买卖要看 ``m_nOffsetFlag``；代码不带交易所；
``m_nVolumeTotal`` 是还剩多少；``m_dCancelAmount`` 是撤掉的数量；没有的数是 INT_MAX、DBL_MAX；
委托价带着浮点的尾巴，成交均价不取整；佣金的字段名拼错了。

什么时候看得到（晚几秒、先没有合同编号、重复、截断）不在这里，是客户端的脾气。
"""

from __future__ import annotations

import math
import sys
from functools import cache
from typing import Any, Final

from easytrader.basics.beijing import stamp
from easytrader.codes import (
    ACCOUNT_STATUS_NAMES,
    BROKER_PRICE_TYPES,
    BUY_TYPES,
    MARKET_CODES,
    AccountType,
    BrokerPriceType,
    OrderStatus,
    OrderType,
    order_type_name,
)
from easytrader.market.rules.fees import yuan
from easytrader.sim.counter.views import Asset, Holding
from easytrader.sim.gateway import rows
from easytrader.sim.gateway.fields import structs
from easytrader.sim.ledger.events import OrderSnapshot, TradeSnapshot
from easytrader.sim.market.universe import instrument_name

INT_MAX: Final = 2**31 - 1
"""没有填过的整数。"""
DBL_MAX: Final = sys.float_info.max
"""没有填过的浮点数。"""

LONG: Final = 48
BUY_FLAG: Final = 48
SELL_FLAG: Final = 49

_NORMAL: Final = 48
_FINANCING: Final = 54
_SHORTING: Final = 55
_COLLATERAL: Final = 57
_FINANCED: Final = frozenset({27, 31, 32, 40, 44, 45})
"""融资一边的：融资买入、卖券还款、直接还款。"""
_SHORTED: Final = frozenset({28, 29, 30, 41, 42, 43})
"""融券一边的：融券卖出、买券还券、直接还券。"""

_SUBMITTED: Final = 48
_CANCEL_SUBMITTED: Final = 49
_ACCEPTED: Final = 51
_REJECTED: Final = 52
_SUBMIT_STATUS: Final = {
    OrderStatus.UNREPORTED: _SUBMITTED,
    OrderStatus.WAIT_REPORTING: _SUBMITTED,
    OrderStatus.REPORTED_CANCEL: _CANCEL_SUBMITTED,
    OrderStatus.PARTSUCC_CANCEL: _CANCEL_SUBMITTED,
    OrderStatus.JUNK: _REJECTED,
}
_GONE: Final = (OrderStatus.PART_CANCEL, OrderStatus.CANCELED)
_LIMIT: Final = 50
_LOGGED_IN: Final = "登录成功"
_CNY: Final = "CNY"

Row = dict[str, Any]


def order_row(order: OrderSnapshot) -> Row:
    """COrderDetail。"""
    side = BUY_FLAG if order.order_type in BUY_TYPES else SELL_FLAG
    traded = order.traded_volume
    left = order.volume - traded
    subscribing = order.off_book and order.order_type == OrderType.BUY
    how = BROKER_PRICE_TYPES.get(order.price_type, _LIMIT)
    how = int(BrokerPriceType.SUBSCRIBE) if subscribing else how
    amount = order.traded_amount_li / 1000
    return {
        **_account(order.account_type, order.account_id),
        **_security(order.stock_code, order.exchange),
        "m_strOrderSysID": order.sysid,
        "m_nRef": order.order_id,
        "m_strOrderRef": str(order.order_id),
        "m_nTaskId": -1,
        "m_nOffsetFlag": side,
        "m_nDirection": LONG,
        "m_nOpType": int(OrderType.BUY if side == BUY_FLAG else OrderType.SELL),
        "m_eEntrustType": entrust_type(order.account_type, order.order_type),
        "m_strOptName": option_name(order.account_type, order.order_type, how),
        "m_nOrderPriceType": how,
        "m_dLimitPrice": noisy(order.price_li),
        "m_nVolumeTotalOriginal": order.volume,
        "m_nVolumeTraded": traded,
        "m_nVolumeTotal": left,
        "m_dCancelAmount": float(left if order.status in _GONE else 0),
        "m_dTradedPrice": amount / traded if traded else 0.0,
        "m_dTradeAmount": amount,
        "m_nOrderStatus": int(order.status),
        "m_nOrderSubmitStatus": _SUBMIT_STATUS.get(OrderStatus(order.status), _ACCEPTED),
        "m_nErrorID": INT_MAX,
        "m_strErrorMsg": "",
        "m_strCancelInfo": f"[COUNTER]{order.reason}" if order.reason else "",
        "m_strInsertDate": stamp(order.order_time, "%Y%m%d"),
        "m_strInsertTime": stamp(order.order_time, "%H%M%S"),
        "m_strRemark": order.order_remark,
        "m_strSource": order.strategy_name,
        "m_dFrozenMargin": DBL_MAX,
        "m_dFrozenCommission": DBL_MAX,
        "m_strXTTrade": "",
        "m_strCompactNo": "",
        "m_strLocalInfo": "",
        "m_xtTag": "",
        "_order_id": order.order_id,
        "_order_type": int(order.order_type),
        "_time": order.order_time,
        "_strategy": order.strategy_name,
    }


def deal_row(trade: TradeSnapshot, price_type: int = 0) -> Row:
    """CDealDetail。``price_type`` 是那笔委托送出时的报价类型。"""
    side = BUY_FLAG if trade.order_type in BUY_TYPES else SELL_FLAG
    how = BROKER_PRICE_TYPES.get(price_type, _LIMIT)
    return {
        **_account(trade.account_type, trade.account_id),
        **_security(trade.stock_code, trade.exchange),
        "m_strTradeID": trade.traded_id,
        "m_strOrderSysID": trade.sysid,
        "m_strOrderRef": str(trade.order_id),
        "m_nRef": trade.order_id,
        "m_nTaskId": -1,
        "m_nOffsetFlag": side,
        "m_nDirection": LONG,
        "m_dPrice": trade.price_li / 1000,
        "m_nVolume": trade.volume,
        "m_dTradeAmount": yuan(trade.amount_li),
        "m_strTradeDate": stamp(trade.traded_time, "%Y%m%d"),
        "m_strTradeTime": stamp(trade.traded_time, "%H%M%S"),
        "m_dComssion": yuan(trade.fees_li),
        "m_dCommission": 0.0,
        "m_strOptName": option_name(trade.account_type, trade.order_type, how),
        "m_eEntrustType": entrust_type(trade.account_type, trade.order_type),
        "m_nOrderPriceType": how,
        "m_strRemark": trade.order_remark,
        "m_strSource": trade.strategy_name,
        "_order_id": trade.order_id,
        "_order_type": int(trade.order_type),
        "_time": trade.traded_time,
        "_strategy": trade.strategy_name,
    }


def account_row(asset: Asset, status: int, now: float) -> Row:
    """CAccountDetail；信用账号再盖上 `credit_part`。``status``：账号状态，0 正常。"""
    return {
        **_no_credit(),
        **_account(asset.account_type, asset.account_id),
        "m_nBrokerType": int(asset.account_type),
        "m_dBalance": yuan(asset.total_li),
        "m_dAvailable": yuan(asset.cash_li),
        "m_dFrozenCash": yuan(asset.frozen_li),
        "m_dFrozenMargin": 0.0,
        "m_dFrozenCommission": 0.0,
        "m_dInstrumentValue": yuan(asset.market_li),
        "m_dStockValue": yuan(asset.market_li),
        "m_dFundValue": 0.0,
        "m_dLoanValue": 0.0,
        "m_dRepurchaseValue": yuan(asset.elsewhere_li),
        "m_dFetchBalance": yuan(asset.fetch_li),
        "m_dPositionProfit": 0.0,
        "m_dCloseProfit": 0.0,
        "m_dCommission": DBL_MAX,
        "m_dAssureAsset": yuan(asset.total_li),
        "m_dTotalDebit": 0.0,
        "m_dAssetBalance": yuan(asset.total_li),
        "m_dEntrustAsset": yuan(asset.frozen_li),
        "m_dPreBalance": DBL_MAX,
        "m_dInitBalance": DBL_MAX,
        "m_dBuyWaitMoney": yuan(asset.frozen_li),
        "m_dSellWaitMoney": 0.0,
        "m_strStatus": ACCOUNT_STATUS_NAMES.get(status, str(status)) if status else _LOGGED_IN,
        "m_strTradingDate": stamp(now, "%Y%m%d"),
        "m_strMoneyType": _CNY,
        "_status": status,
        "_time": int(now),
    }


def position_row(held: Holding, now: float) -> Row:
    """CPositionDetail。"""
    value = held.volume * held.last_li
    profit_li = value - held.basis_li
    average = held.basis_li / held.volume / 1000 if held.volume else 0.0
    return {
        **_account(held.account_type, held.account_id),
        **_security(held.stock_code, held.exchange),
        "m_nVolume": held.volume,
        "m_nCanUseVolume": held.sellable,
        "m_nFrozenVolume": held.frozen,
        "m_nOnRoadVolume": held.locked,
        "m_nYesterdayVolume": held.yesterday,
        "m_dOpenPrice": average,
        "m_dLastPrice": held.last_li / 1000,
        "m_dSettlementPrice": held.last_li / 1000,
        "m_dMarketValue": yuan(value),
        "m_dInstrumentValue": yuan(value),
        "m_dFloatProfit": yuan(profit_li),
        "m_dPositionProfit": yuan(profit_li),
        "m_dProfitRate": profit_li / held.basis_li if held.basis_li > 0 else 0.0,
        "m_dPositionCost": yuan(held.cost_li),
        "m_dAvgOpenPrice": DBL_MAX,
        "m_nDirection": LONG,
        "m_strStockHolder": "",
        "m_bIsToday": False,
        "m_strOpenDate": held.open_date,
        "m_dTotalCost": yuan(held.cost_li),
        "m_dSingleCost": average,
        "m_nPREnableVolume": held.sellable,
        "m_nCoveredVolume": 0,
        "m_eSideFlag": LONG,
        "_time": int(now),
    }


def vendor_row(row: Any, struct: str) -> Row:
    """厂商结构的一行（`rows` 里的）→ 用 ``m_`` 名字的字典；市场代码另给一个文字的。"""
    found: Row = {}
    for field, value in zip(structs()[struct], row, strict=True):
        names = (field.name, *field.spellings, *(field.short or ())[:1])
        found[next((str(each) for each in names if str(each).startswith("m_")), field.name)] = value
    market = found.get("m_nExchangeID")
    if market is not None:
        found["m_strExchangeID"] = MARKETS.get(market, "")
    return found


MARKETS: Final = {code: name for name, code in MARKET_CODES.items()}
"""厂商的整数市场代码 → 交易所。"""


def credit_part(row: Any) -> Row:
    """信用账号的 ACCOUNT 比普通的多出来的：`rows.CreditDetailRow` → 字典。"""
    found = vendor_row(row, "XtCreditDetail")
    for name in ("m_nAccountType", "m_nStatus", "m_nUpdateTime", "m_nCalcConfig"):
        del found[name]
    return {
        **found,
        "m_dTotalDebit": found["m_dTotalDebt"],
        "m_dInstrumentValue": found["m_dMarketValue"],
        "m_dUsedBailBalance": DBL_MAX,
        "m_dAssureEnbuyBalance": found["m_dAvailable"],
        "m_dFinEnbuyBalance": found["m_dFinEnableQuota"],
        "m_dSloEnrepaidBalance": found["m_dSurplusSloSellBalance"] + found["m_dAvailable"],
        "m_dFinEnrepaidBalance": found["m_dAvailable"],
        "m_dFinCompactBalance": found["m_dFinDealAvl"],
        "m_dFinCompactFare": found["m_dFinFee"],
        "m_dFinCompactInterest": found["m_dFinFee"],
        "m_dSloCompactBalance": found["m_dSloMarketValue"],
        "m_dSloCompactFare": found["m_dSloFee"],
        "m_dSloCompactInterest": found["m_dSloFee"],
        "m_dFinMarketValue": DBL_MAX,
        "m_nContractEndDate": INT_MAX,
    }


@cache
def _no_credit() -> Row:
    """普通账号的 ACCOUNT 上那些两融的字段：都有，都是零。"""
    return {name: type(value)() for name, value in credit_part(rows.CreditDetailRow()).items()}


def zero_row(kind: str, account_id: str) -> Row:
    """账号类型不对时厂商给的那一行：数都是零，文字都空着，账号是问的那个。"""
    blank = {name: type(value)() for name, value in _sample(kind).items()}
    return {**blank, "m_strAccountID": account_id}


@cache
def _sample(kind: str) -> Row:
    """这一种行的一个样子，只为有哪些字段。"""
    if kind == "ACCOUNT":
        return account_row(Asset(0, "", 0, 0, 0, 0, 0), 0, 0)
    if kind == "POSITION":
        return position_row(Holding(0, "", "", "", 0, 0, 0, 0, 0, 0, 0, 0, ""), 0)
    if kind == "ORDER":
        return order_row(_NO_ORDER)
    if kind == "DEAL":
        return deal_row(_NO_TRADE)
    return vendor_row(rows.PositionStatisticsRow(), "PositionStatistics")


_NO_ORDER: Final = OrderSnapshot(0, "", "", "", 0, 0, 0, 0, 0, 0, 0, 0, 50, "", "", "", "", False)
_NO_TRADE: Final = TradeSnapshot(0, "", "", "", 0, 0, "", "", "", "", 0, 0, 0, 0, 0)


def entrust_type(account_type: int, order_type: int) -> int:
    """委托类别：信用账号的委托是哪一种，只有它说得清。"""
    if account_type != AccountType.CREDIT:
        return _NORMAL
    if order_type in _FINANCED:
        return _FINANCING
    return _SHORTING if order_type in _SHORTED else _COLLATERAL


def option_name(account_type: int, order_type: int, broker_price_type: int) -> str:
    """买卖标记的文字：``限价买入``；两融的是业务的名字。"""
    if order_type not in (OrderType.BUY, OrderType.SELL):
        return order_type_name(order_type, account_type)
    how = "限价" if broker_price_type == _LIMIT else "市价"
    return f"{how}{order_type_name(order_type)}"


def noisy(price_li: int) -> float:
    """厂商的委托价：不是整元的，末位总差一点（10.04 读出来是 10.040000000000001）。"""
    price = price_li / 1000
    return price if price_li % 1000 == 0 else math.nextafter(price, math.inf)


def _account(account_type: int, account_id: str) -> Row:
    return {
        "m_strAccountID": account_id,
        "m_strAccountKey": f"{int(account_type)}____easytrader____{account_id}____49____",
        "_account_type": int(account_type),
    }


def _security(stock_code: str, exchange: str) -> Row:
    return {
        "m_strInstrumentID": stock_code.partition(".")[0],
        "m_strExchangeID": exchange,
        "m_strInstrumentName": instrument_name(stock_code),
    }
