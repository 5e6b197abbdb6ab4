"""厂商原生模块的全部结构：98 个类，每个字段的两种写法、类型、缓冲区大小、是否只读。

字段表按 xtquant 250807 的原生模块逐个列出；测试拿装着的二进制和 ``xttrader.py`` 核对名字。

一行一个类，写法::

    类名: 字段 字段 …          类名后带「-」的，字段只有 m_ 一种写法
    nOrderID                   m_nOrderID 与 order_id；n、e 为 int32，d 为 float，b 为 bool
    nOrderID:q                 int64
    strMsg:128                 128 字节的缓冲区，能用 127
    strStockCode:16^64         m_strStockCode 读短缓冲区；stock_code 读长的
    strOrderSysID:24=x         另一种写法不能由名字推出来时写明
    balance:d                  只有这一种写法
    末尾的 !                   Python 里只读
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, NamedTuple

REQUESTS: Final = """
ConnectReq: nSessionID:q nPID
SubscribeReq: nAccountType strAccountID:24 nMetaType
UnsubscribeReq: nAccountType strAccountID:24
OrderStockReq: nAccountType strAccountID:24 strStockCode:16 nOrderType nOrderVolume nPriceType
  dPrice strStrategyName:24 strOrderRemark:24 strOrderRemarkNew:128=order_remark1 dOrderAmount
  strStockCode1:64 strAccountID1:128
CancelOrderStockReq: nAccountType strAccountID:24 nOrderID:q nMarket
  strOrderSysID:24=order_sysid strMarket:12=market1
QueryStockAssetReq: nAccountType strAccountID:24
QueryAccountInfosReq:
QueryAccountStatusReq:
QueryCreditDetailReq: nAccountType strAccountID:24 nStartDate nEndDate
QueryStockOrdersReq: nAccountType strAccountID:24 nOrderID:q bCanCancel
QueryStockTradesReq: nAccountType strAccountID:24
QueryStockPositionsReq: nAccountType strAccountID:24 strStockCode:16 strStockCode1:64
QueryStkCompactsReq: nAccountType strAccountID:24
QueryCreditSubjectsReq: nAccountType strAccountID:24
QueryCreditSloCodeReq: nAccountType strAccountID:24
QueryCreditAssureReq: nAccountType strAccountID:24
ModelOrderWithCmdReq: nAccountType strAccountID:24 nOrderType nOrderVolume nPriceType dPrice
  strStockCode:16 strStrategyName:24 strOrderRemark:24 nCmdId strStockCode1:64
ModelCancelOrderWithCmdReq: nAccountType strAccountID:24 nOrderID:q nMarket strOrderSysID:24
  nCmdId
ModelStrategyCmdStockParam: nAccountType strAccountID:24 strStockCode:16 strStrategyName:64
  nBuyVolume:q nSellVolume:q strStockCode1:64
ModelCreateCmdReq: nAccountType strAccountID:24 strStrategyName:64 strOrderRemark:128
ModelCancelCmdReq: nAccountType strAccountID:24 strStrategyName:64 nCmdId
ModelQueryCmdReq:
OrderStockImmediateReq: nAccountType strAccountID:24 nOrderType nOrderVolume nPriceType dPrice
  strStockCode:16 strStrategyName:24 strOrderRemark:24 strStockCode1:64
CancelOrderStockImmediateReq: nAccountType strAccountID:24 nOrderID:q nMarket strOrderSysID:24
QueryOrdersReq: nAccountType strAccountID:24 nStartDate nEndDate
QueryTradesReq: nAccountType strAccountID:24 nStartDate nEndDate
QueryPositionsReq: nAccountType strAccountID:24 nStartDate nEndDate
QueryProductNetValueReq: nProductId nPeriod nTradeDate
QueryIPOLuckyInfoReq: nAccountType strAccountID:24 nStartDate nEndDate
QueryNewPurchaseLimitReq: strAccountID:24 nAccountType
QueryIPODataReq: strIPOType:8
TransferParam-: nAccountType strAccountID:24 nOrderType dPrice strStockCode:16 nOrderVolume
  nCreditTransferType strStockCode1:64
QueryComFundReq-: nAccountType strAccountID:24
QueryComPositionReq-: nAccountType strAccountID:24
SmtQueryQuoterReq: strAccountID:24 nAccountType
SmtQueryOrderReq: strAccountID:24 nAccountType
SmtQueryCompactReq: strAccountID:24 nAccountType
SmtNegotiateOrderReq-: nAccountType strAccountID:24 strSrcGroupID:24 strOrderCode:16 nDate
  nAmount dApplyRate dSubFareRate dFineRate
SmtAppointmentOrderReq-: nAccountType strAccountID:24 strOrderCode:16 nDate nAmount dApplyRate
SmtAppointmentCancelReq-: nAccountType strAccountID:24 strApplyID:24
SmtCompactRenewalReq-: nAccountType strAccountID:24 strCompactID:24 strOrderCode:16 nDeferDays
  nDeferNum dApplyRate
SmtCompactReturnReq-: nAccountType strAccountID:24 strSrcGroupID:24 strCompactID:24
  strOrderCode:16 nOccurAmount
OperateSmartAlgoTaskReq-: strAccountID:24 nAccountType nTaskId nOperateType
SubSwitchReq: nAccountType strAccountID:24 bSub=operate
QueryPositionStatisticsReq-: nAccountType strAccountID:24
BankTransferReq: account_type:i account_id:128 direction:i bank_account:64 bank_no:64
  bank_pwd:64 balance:d fund_pwd:64
QueryBankInfoReq: account_type:i account_id:128
QueryBankAmountReq: account_type:i account_id:128 bank_no:64 bank_account:64 bank_pwd:64
QueryBankTransferStreamReq: account_type:i account_id:128 start_date:16 end_date:16 bank_no:64
  bank_account:64
QuerySecuAccountReq: account_type:i account_id:128
CtpInternalTransferReq: opt_account_id:128 ft_account_id:128 direction:i balance:d
"""

RESPONSES: Final = """
ConnectResp: nSessionID
WakeUp:
QuantError: nErrorID
SubscribeResp: nAccountType strAccountID:24! nSubscribeResult
UnsubscribeResp: nAccountType strAccountID:24! nUnsubscribeResult
OrderStockResp: nAccountType strAccountID:24! nOrderID:q strStrategyName:24!
  strOrderRemark:24^128! nErrorID strErrorMsg:128!
CancelOrderStockResp: nAccountType strAccountID:24! nCancelResult:q nOrderID:q
  strOrderSysID:24=order_sysid! nErrorID strErrorMsg:128!
XtAccountInfo: nAccountType strAccountID:24 nBrokerType nPlatformID strBrokerID:16
  strProductName:64 nProductID strBrokerName:32 strProductCode:16 nStatus=login_status
XtAsset: nAccountType strAccountID:24! dCash dFrozenCash dMarketValue dTotalAsset dFetchBalance
  dCurrentBalance
XtOrder: nAccountType strAccountID:24! strStockCode:16^64! nOrderID nOrderTime:q nOrderType
  nOrderVolume nPriceType dPrice nTradedVolume dTradedPrice nOrderStatus
  strOrderSysID:24=order_sysid! strStatusMsg:24! strStrategyName:24! strOrderRemark:24^128!
  nDirection nOffsetFlag secu_account:64! instrument_name:24!
XtTrade: nAccountType strAccountID:24! strStockCode:16^64! strTradedID:24^64! nTradedTime:q
  dTradedPrice nTradedVolume dTradedAmount nOrderID nOrderType strOrderSysID:24=order_sysid!
  strStrategyName:24! strOrderRemark:24^128! nDirection nOffsetFlag dCommission
  strSecuAccount:64! strInstrumentName:24!
XtPosition: nAccountType strAccountID:24! strStockCode:16^64! nVolume:q nCanUseVolume:q
  dOpenPrice dMarketValue nFrozenVolume:q nOnRoadVolume:q nYesterdayVolume:q dAvgPrice
  nDirection dFloatProfit last_price:d profit_rate:d secu_account:64! instrument_name:24!
  open_date:32! position_profit:d
XtCreditDetail: nAccountType strAccountID:24 nStatus nUpdateTime nCalcConfig dFrozenCash
  dBalance dAvailable dPositionProfit dMarketValue dFetchBalance dStockValue dFundValue
  dTotalDebt dEnableBailBalance dPerAssurescaleValue dAssureAsset dFinDebt dFinDealAvl dFinFee
  dSloDebt dSloMarketValue dSloFee dOtherFare dFinMaxQuota dFinEnableQuota dFinUsedQuota
  dSloMaxQuota dSloEnableQuota dSloUsedQuota dSloSellBalance dUsedSloSellBalance
  dSurplusSloSellBalance
XtOrderError: nAccountType strAccountID:24! nOrderID nErrorID strErrorMsg:128!
  strStrategyName:24! strOrderRemark:24^128! nSeq
XtCancelError: nAccountType strAccountID:24! nOrderID nErrorID nMarket
  strOrderSysID:24=order_sysid! strErrorMsg:128!
StkCompacts: nAccountType strAccountID:24 eCompactType eCashgroupProp nExchangeID nOpenDate
  nBusinessVol nRealCompactVol nRetEndDate dBusinessBalance dBusinessFare=businessFare
  dRealCompactBalance dRealCompactFare dRepaidFare dRepaidBalance strInstrumentID:16
  strCompactId:24 strPositionStr:24
CreditSubjects: nAccountType strAccountID:24 eSloStatus eFinStatus nExchangeID dSloRatio
  dFinRatio strInstrumentID:16
CreditSloCode: nAccountType strAccountID:24 nExchangeID eCashgroupProp nEnableAmount:q
  strInstrumentID:16
CreditAssure: nAccountType strAccountID:24 nExchangeID eAssureStatus dAssureRatio
  strInstrumentID:16
XtAccountStatus: nAccountType strAccountID:24 nStatus
ModelStrategyCmdStockParamResp: bSuccess strMsg:128
ModelCreateCmdResp: bSuccess strMsg:128 nCmdId
ModelCancelCmdResp: bSuccess strMsg:128 nCmdId
ModelStrategyCmd: nCmdId nStatus strStrategyName:64 nBrokerType strAccountKey:100 strRemark:128
XtOrderA: strAccountID:24 strBrokerID:16 nBrokerType nPlatformID nAccountType nVolumeTotal
  nVolumeTotalOriginal nTradedVolume nCancelVolume nErrorID nOrderTime eOffsetFlag eOrderStatus
  eEntrustType nHedgeFlag nOrderPriceType nDirection nOrderRef strExchangeID:16
  strInstrumentID:16 dLimitPrice strOrderSysID:24 dCancelAmount dFrozenMargin dFrozenCommission
  dAveragePrice dTradeAmount strErrorMsg:24 nTaskId:q nGroupID:q strRemark:24 nSecuAccount:q
  dRefRate
XtTradeA: strAccountID:24 strBrokerID:16 nBrokerType nPlatformID nAccountType nVolume nTradeTime
  eOffsetFlag eEntrustType nHedgeFlag nDirection strExchangeID:16 strInstrumentID:16
  strTradeID:24 strOrderSysID:24 dAveragePrice dComssion dAmount nTaskId:q nGroupID:q
  strRemark:24 nSecuAccount:q dRefRate
XtPositionA: strAccountID:24 strBrokerID:16 nBrokerType nPlatformID nAccountType
  strExchangeID:16 strInstrumentID:16 nVolume:q dSettlementPrice dMarketValue dFloatProfit
  dProfitRate nFrozenVolume:q nCanUseVolume:q nOnRoadVolume:q nYesterdayVolume:q dOpenPrice
  nHedgeFlag nDirection nDate dMargin dOpenCost dPositionCost dPositionProfit nSecuAccount:q
  dRefRate covered_volume:q real_hold_margin:d enable_exercise_volume:q side_flag:i
XTProductNetValue: nProductId nPeriod nUpdateTime dNetValue dAccumulateNetAssetValue nTradeDate
  dTotalNetValue total_other:d balance:d option_balance:d hgt_balance:d sgt_balance:d
XTCIPOLuckyInfo: strAccountID:24 strBrokerID:16 nBrokerType nPlatformID nAccountType
  strExchangeID:16 strInstrumentID:16 nLuckyVolume dLuckyAmount dLuckyPrice nCancelVolume
  strLuckyNo:32 strPurchaseDate:16 nBizDate
NewPurchaseLimitInfo: strNewPurchaseLimitKey:24 nNewPurchaseLimitValue
IPOData: strIPOCode:16 strIPOName:32 strIPOType:8 nMaxPurchaseNum nMinPurchaseNum
  strPurchaseDate:24 dIssuePrice
TransferResp-: strAccountID:24 bSuccess strMsg:128
ComFund-: bSuccess strMsg:128 strMoneyType:16 dCurrentBalance dEnableBalance dFetchBalance
  dInterest dAssetBalance dFetchCash dMarketValue dDebt
ComPosition-: bSuccess strMsg:128 strAccountID:24 strHandFlag:16 strExchangeType:16
  strStockCode:16 strStockName:24 dTotalAmt dEnableAmount dLastPrice dCostPrice dIncome
  dIncomeRate dMarketValue dCostBalance nBsOnTheWayVol nPrEnableVol bIsutfInterface
  strStockCode1:64
SmtQuoter-: bSuccess strMsg:64 strFinType:16 strStockType:16 nDate strCode:16 strCodeName:24
  strExchangeType:16 dFsmpOccupedRate dFineRate dFsmpreendRate dUsedRate dUnUusedRate nInitDate
  nEndDate dEnableSloAmountT0 dEnableSloAmountT3 strSrcGroupID:24 strApplyMode:16 nLowDate
SmtOrder-: bSuccess strMsg:64 nInitDate nCurrDate nCurrTime strApplyID:24 strSrcGroupID:24
  strCashcompactID:24 strApplyMode:16 strFinType:16 strExchangeType:16 strCode:16 strCodeName:24
  nDate dApplyRate dEntrustBalance dEntrustAmount dBusinessBalance dBusinessAmount nValidDate
  nDateClear strEntrustNo:24 strApplyStatus:16 dUsedRate dUnUusedRate strComGroupID:24
SmtCompact-: bSuccess strMsg:48 nCreateDate strCashcompactID:24 strOriCashcompactID:24
  strApplyID:24 strSrcGroupID:24 strComGroupID:24 strFinType:12 strExchangeType:12 strCode:12
  strCodeName:16 nDate dBeginCompacAmount dBeginCompacBalance dCompacAmount dCompacBalance
  dReturnAmount dReturnBalance dRealBuyAmount dFsmpOccupedRate dCompactInterest
  dCompactFineInterest dRepaidInterest dRepaidFineInterest dFineRate dPreendRate
  strCompactType:12 nPostponeTimes strCompactStatus:12 nLastInterestDate nInterestEndDate
  nValidDate nDateClear dUsedAmount dUsedBalance dUsedRate dUnUusedRate strSrcGroupName:16
  nRepaidDate dPreOccupedInterest dCompactInterestx dEnPostponeAmount strPostponeStatus:12
  strApplyMode:12
SmtAppointmentResp-: bSuccess strMsg:128 strApplyID:24
OperateSmartAlgoTaskResp: success:b task_id:q reason:32 error_msg:128
SubSwitchResp: nAccountType strAccountID:24! nSubscribeResult
PositionStatistics: strAccountID:24 strExchangeID:12 strExchangeName:16 strProductID:16
  strInstrumentID:16 strInstrumentName:24 nDirection nHedgeFlag nPosition:q
  nYestodayPosition:q=yesterday_position nTodayPosition:q nCanCloseVol:q dPositionCost dAvgPrice
  dPositionProfit dFloatProfit dOpenPrice dUsedMargin dUsedCommission dFrozenMargin
  dFrozenCommission dInstrumentValue nOpenTimes nOpenVolume:q nCancelTimes dLastPrice dRiseRatio
  strProductName:16 dRoyalty strExpireDate:16 dAssestWeight dIncreaseBySettlement dMarginRatio
  dFloatProfitDivideByUsedMargin dFloatProfitDivideByBalance dTodayProfitLoss
  nYestodayInitPosition:q=yesterday_init_position dFrozenRoyalty dTodayCloseProfitLoss
  dCloseProfit strFtProductName:16 dOpenCost
BankTransferResp: account_id:128 success:b error_msg:128
BankInfo: success:b error_msg:128 money_type:16 bank_no:64 bank_account:64 bank_name:64
BankAmount: success:b error_msg:128 account_id:128 bank_account:64 money_type:16 balance:d
  enable_balance:d
BankTransferStream: success:b error_msg:128 date:32 time:32 transfer_no:64 transfer_direction:16
  bank_no:64 bank_name:64 bank_account:64 money_type:16 account_id:128 balance:d remark:128
  transfer_status:16
SecuAccount: main:b market:32 secu_account:64
CtpInternalTransferResp: opt_account_id:128 ft_account_id:128 success:b error_msg:128
"""

# 厂商 xttrader.py 自己写错的字段名（真的会抛 AttributeError）：认下来，好让应答走到「暂不支持」
_EXTRA_SPELLINGS: Final[dict[tuple[str, str], str]] = {
    ("SmtCompactRenewalReq", "m_strCompactID"): "m_strCompactId",
    ("SmtCompactReturnReq", "m_strCompactID"): "m_strCompactId",
    ("SmtCompactReturnReq", "m_strSrcGroupID"): "m_strSrcGroupId",
    ("SmtAppointmentCancelReq", "m_strApplyID"): "m_strApplyId",
}

_TOKEN: Final = re.compile(r"(\w+?)(?::(\w+))?(?:\^(\d+))?(?:=(\w+))?(!)?")
_HUNGARIAN: Final = re.compile(r"(str|n|e|d|b)([A-Z]\w*)")
ZEROS: Final[dict[str, Any]] = {"i": 0, "q": 0, "d": 0.0, "b": False, "s": ""}
"""没有赋过值的字段读出什么。"""
_CODES: Final = {"n": "i", "e": "i", "d": "d", "b": "b"}


class Field(NamedTuple):
    """一个字段。

    Attributes:
        name: 存取用的名字：有小写写法就用小写的。
        spellings: 等价的其他写法。
        code: ``i`` int32，``q`` int64，``d`` float，``b`` bool，``s`` 文本。
        size: 文本缓冲区的字节数（含结尾的 NUL），其余为 0。
        readonly: Python 里只读。
        short: 只读短缓冲区的写法与它的字节数；没有为 None。
    """

    name: str
    spellings: tuple[str, ...]
    code: str
    size: int
    readonly: bool
    short: tuple[str, int] | None


@cache
def structs() -> dict[str, tuple[Field, ...]]:
    """类名 → 字段（按结构里的次序）。"""
    found: dict[str, tuple[Field, ...]] = {}
    for line in re.sub(r"\n +", " ", REQUESTS.strip() + RESPONSES).strip().splitlines():
        head, _, rest = line.partition(":")
        name, bare = head.rstrip("-"), head.endswith("-")
        found[name] = tuple(_field(name, token, bare) for token in rest.split())
    return found


def _field(struct: str, token: str, bare: bool) -> Field:
    match = _TOKEN.fullmatch(token)
    assert match is not None, token
    word, kind, long, alias, readonly = match.groups()
    size = int(kind) if kind and kind.isdigit() else 0
    hungarian = _HUNGARIAN.fullmatch(word)
    if hungarian is None:
        return Field(word, (), "s" if size else kind, size, bool(readonly), None)
    prefix, stem = hungarian.groups()
    code = "s" if size else kind or _CODES[prefix]
    native = f"m_{word}"
    snake = native if bare else alias or _snake(stem)
    if long:
        return Field(snake, (), code, int(long), bool(readonly), (native, size))
    spellings = () if snake == native else (native,)
    extra = _EXTRA_SPELLINGS.get((struct, native))
    return Field(
        snake, (*spellings, extra) if extra else spellings, code, size, bool(readonly), None
    )


def _snake(stem: str) -> str:
    """OrderSysID → order_sys_id。"""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", stem)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", parted).lower()


def row_names(struct: str) -> list[str]:
    """行里的名字：与字段一一对应，都是小写的。"""
    names = (field.name for field in structs()[struct])
    return [_snake(re.sub(r"^m_(str|[nedb])", "", name)) for name in names]
