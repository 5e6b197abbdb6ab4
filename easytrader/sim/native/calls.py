"""原生客户端的全部请求：请求类型、应答走哪个绑定、应答的形状，以及不模拟的请求怎么回答。"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from loguru import logger

from easytrader.errors import SimulatorError
from easytrader.sim.native.fields import structs
from easytrader.sim.native.structs import STRUCTS, build, build_many
from easytrader.sim.wire import QUERY_FAILED

__all__ = ["BINDERS", "CALLS", "COMMON_BINDER", "Call", "FailedList"]

# 原生名  请求类  绑定  形状[:应答类]  厂商 Python 层的名字  [-]
# 形状：int、one 单个结构、list 结构的列表、json 文本。末尾的「-」：set_timeout 管不着
_TABLE: Final = """
subscribe SubscribeReq SubscribeResp int subscribe
unsubscribe UnsubscribeReq UnsubscribeResp int unsubscribe
orderStock OrderStockReq OrderStockResp one:OrderStockResp order_stock
cancelOrderStock CancelOrderStockReq CancelOrderStockResp one:CancelOrderStockResp \
cancel_order_stock
queryAccountInfos QueryAccountInfosReq QueryAccountInfos list:XtAccountInfo query_account_infos
queryAccountStatus QueryAccountStatusReq QueryAccountStatus list:XtAccountStatus \
query_account_status
queryStockAsset QueryStockAssetReq QueryStockAsset list:XtAsset query_stock_asset
queryStockOrders QueryStockOrdersReq QueryStockOrders list:XtOrder query_stock_orders
queryStockTrades QueryStockTradesReq QueryStockTrades list:XtTrade query_stock_trades
queryStockPositions QueryStockPositionsReq QueryStockPositions list:XtPosition query_stock_positions
queryCreditDetail QueryCreditDetailReq QueryCreditDetailResp list:XtCreditDetail query_credit_detail
queryStkCompacts QueryStkCompactsReq QueryStkCompactsResp list:StkCompacts query_stk_compacts
queryCreditSubjects QueryCreditSubjectsReq QueryCreditSubjectsResp list:CreditSubjects \
query_credit_subjects
queryCreditSloCode QueryCreditSloCodeReq QueryCreditSloCodeResp list:CreditSloCode \
query_credit_slo_code
queryCreditAssure QueryCreditAssureReq QueryCreditAssureResp list:CreditAssure query_credit_assure
queryNewPurchaseLimit QueryNewPurchaseLimitReq QueryNewPurchaseLimit list:NewPurchaseLimitInfo \
query_new_purchase_limit
queryIPOData QueryIPODataReq QueryIPOData list:IPOData query_ipo_data
transfer TransferParam TransferResp one:TransferResp fund_transfer/secu_transfer
queryComFund QueryComFundReq QueryComFundResp list:ComFund query_com_fund
queryComPosition QueryComPositionReq QueryComPositionResp list:ComPosition query_com_position
smtQueryQuoter SmtQueryQuoterReq SmtQueryQuoterResp list:SmtQuoter smt_query_quoter
smtQueryOrder SmtQueryOrderReq SmtQueryOrderResp list:SmtOrder smt_query_order
smtQueryCompact SmtQueryCompactReq SmtQueryCompactResp list:SmtCompact smt_query_compact
smtNegotiateOrder SmtNegotiateOrderReq SmtAppointmentResp one:SmtAppointmentResp \
smt_negotiate_order_async
smtAppointmentOrder SmtAppointmentOrderReq SmtAppointmentResp one:SmtAppointmentResp \
smt_appointment_order_async
smtAppointmentCancel SmtAppointmentCancelReq SmtAppointmentResp one:SmtAppointmentResp \
smt_appointment_cancel_async
smtCompactRenewal SmtCompactRenewalReq SmtAppointmentResp one:SmtAppointmentResp \
smt_compact_renewal_async
smtCompactReturn SmtCompactReturnReq SmtAppointmentResp one:SmtAppointmentResp \
smt_compact_return_async
getSmartAlgoParam list GetSmartAlgoParamResp json:params get_smart_algo_param -
smartOrderStock bytes SmartOrderStockResp json:order smart_algo_order_async -
querySmartAlgoTask bytes QuerySmartAlgoTaskResp json:tasks query_smart_algo_task
operateSmartAlgoTask OperateSmartAlgoTaskReq OperateSmartAlgoTaskResp one:OperateSmartAlgoTaskResp \
cancel_smart_algo_task_async
queryPositionStatistics QueryPositionStatisticsReq QueryPositionStatisticsResp \
list:PositionStatistics query_position_statistics
exportData bytes ExportDataResp json:export export_data/query_data
syncTransactionFromExternal bytes SyncTransactionFromExternalResp json:export \
sync_transaction_from_external
bankTransfer BankTransferReq BankTransferResp one:BankTransferResp \
bank_transfer_in/bank_transfer_out
queryBankInfo QueryBankInfoReq QueryBankInfoResp list:BankInfo query_bank_info
queryBankAmount QueryBankAmountReq QueryBankAmountResp list:BankAmount query_bank_amount -
queryBankTransferStream QueryBankTransferStreamReq QueryBankTransferStreamResp \
list:BankTransferStream query_bank_transfer_stream
querySecuAccount QuerySecuAccountReq QuerySecuAccountResp list:SecuAccount query_secu_account
ctpInternalTransfer CtpInternalTransferReq CtpInternalTransferResp one:CtpInternalTransferResp \
ctp_transfer_option_to_future/ctp_transfer_future_to_option -
cancelCommand ModelCancelCmdReq CancelCommandResp one:ModelCancelCmdResp cancelCommand
createCommand ModelCreateCmdReq CreateCommandResp one:ModelCreateCmdResp createCommand
queryCommand ModelQueryCmdReq QueryCommandResp list:ModelStrategyCmd queryCommand
setCommandOrderParam list SetCommandOrderParamResp one:ModelStrategyCmdStockParamResp \
setCommandOrderParam
sendCommandOrderReq ModelOrderWithCmdReq OrderStockResp one:OrderStockResp sendCommandOrderReq
sendCancelCommandOrderReq ModelCancelOrderWithCmdReq CancelOrderStockResp \
one:CancelOrderStockResp sendCancelCommandOrderReq
orderStockImmediate OrderStockImmediateReq OrderStockResp one:OrderStockResp orderStockImmediate
cancelOrderStockImmediate CancelOrderStockImmediateReq CancelOrderStockResp \
one:CancelOrderStockResp cancelOrderStockImmediate
queryOrders QueryOrdersReq QueryOrders list:XtOrderA queryOrders
queryTrades QueryTradesReq QueryTrades list:XtTradeA queryTrades
queryPositions QueryPositionsReq QueryPositions list:XtPositionA queryPositions
queryProductNetValues QueryProductNetValueReq QueryProductNetValues list:XTProductNetValue \
queryProductNetValues
queryIPOLuckyInfo QueryIPOLuckyInfoReq QueryIPOLuckyInfo list:XTCIPOLuckyInfo queryIPOLuckyInfo
subSwitch SubSwitchReq SubSwitchResp int subSwitch
"""

_PUSH_BINDERS: Final = (
    "Disconnected",
    "StockAsset",
    "StockOrder",
    "StockTrade",
    "StockPosition",
    "OrderError",
    "CancelError",
    "UpdateAccountStatus",
    "ProductNetValue",
)

COMMON_BINDER: Final = "QueryStockAsset"
"""厂商给这个绑定的是通用应答处理；它自己忘了绑的（query_com_position）借道于此，不致无声无息。"""


class FailedList(list[Any]):
    """没查成（或不模拟）的查询的应答：不是「没有数据」，谁去看就在谁的线程里抛 SimulatorError。"""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message

    def _refuse(self, *_: object) -> Any:
        raise SimulatorError(self.message)

    __len__ = __bool__ = __iter__ = __reversed__ = _refuse
    __getitem__ = __contains__ = __eq__ = __ne__ = _refuse
    __hash__ = None

    def __repr__(self) -> str:
        return f"<{self.message}>"


class Call(NamedTuple):
    """一个请求。

    Attributes:
        name: 原生名，方法是 ``<name>WithSeq``。
        request: 第一个参数的类名。
        binder: 应答走 ``bindOn<binder>Callback`` 绑定的函数。
        shape: ``int`` ``one`` ``list`` ``json``。
        struct: 应答的类名；json 时是哪一种文本。
        vendor: 厂商 Python 层里用户看到的名字。
        timed: set_timeout 管不管。
    """

    name: str
    request: str
    binder: str
    shape: str
    struct: str
    vendor: str
    timed: bool

    def answer(self, payload: Any) -> Any:
        """柜台的应答 → 厂商的对象。"""
        if self.shape in ("list", "one") and payload and payload[0] == QUERY_FAILED:
            if self.shape == "one":
                return self._with_message(str(payload[1]))
            return FailedList(f"{self.vendor} 失败：{payload[1]}")
        if self.shape == "list":
            return build_many(self.struct, payload)
        if self.shape == "one":
            return build(self.struct, payload)
        return payload

    def default(self) -> Any:
        """没有连接时的应答（facts：委托 -1、撤单 -1、订阅 -1、列表为空、其余零值）。"""
        return self._blank(-1, -1)

    def expired(self) -> Any:
        """set_timeout 到期的应答：委托 0、撤单 0（即「成功」）、订阅 -2、列表为空。"""
        return self._blank(-2, 0)

    def _blank(self, number: int, result: int) -> Any:
        if self.shape == "int":
            return number
        if self.shape == "list":
            return []
        if self.shape == "json":
            return _json_error(self.struct, "没有连接到模拟 MiniQMT，或等待应答超时", "")
        made: Any = STRUCTS[self.struct]()
        if self.struct == "OrderStockResp":
            made.order_id = result
        elif self.struct == "CancelOrderStockResp":
            made.cancel_result = result
        return made

    def not_simulated(self, request: Any) -> Any:
        """这个请求不模拟：按它自己的应答形状说清楚。"""
        message = f"模拟 MiniQMT 暂不支持 {self.vendor}"
        if self.shape == "int":
            logger.warning("{}", message)
            return -1
        if self.shape == "json":
            return _json_error(self.struct, message, _bson_text(request, b"account_id"))
        if self.shape == "one":
            return self._with_message(message)
        if any(field.name in _SUCCESS_FIELDS for field in structs()[self.struct]):
            return [self._with_message(message)]
        return FailedList(message)

    def _with_message(self, message: str) -> Any:
        blank: dict[str, Any] = dict.fromkeys(_MESSAGE_FIELDS, message)
        blank |= {"order_id": -1, "cancel_result": -1, "task_id": -1}
        row = [
            blank[field.name] if field.name in blank else _ZEROS[field.code]
            for field in structs()[self.struct]
        ]
        return build(self.struct, row)


_SUCCESS_FIELDS: Final = ("m_bSuccess", "success")
_MESSAGE_FIELDS: Final = ("m_strMsg", "msg", "error_msg")
_ZEROS: Final[dict[str, Any]] = {"i": 0, "q": 0, "d": 0.0, "b": False, "s": ""}


def _json_error(kind: str, message: str, account_id: str) -> str:
    """厂商代码解析之后能看到错误、又不抛 KeyError 的文本。"""
    error = {"error": {"msg": message}}
    shapes: dict[str, Any] = {
        "export": error,
        "params": {"datas": error},
        "tasks": {"error": {"msg": message, "datas": error}},
        "order": {
            "error": {
                "account_id": account_id,
                "task_id": -1,
                "strategy_name": "",
                "order_remark": "",
                "error_msg": message,
            }
        },
    }
    return json.dumps(shapes[kind], ensure_ascii=False)


def _bson_text(document: Any, key: bytes) -> str:
    """从 BSON 文档里取一个字符串字段；没有为空。"""
    if not isinstance(document, bytes):
        return ""
    _, found, rest = document.partition(b"\x02" + key + b"\0")
    size = int.from_bytes(rest[:4], "little")
    return rest[4 : 3 + size].decode("utf-8", "replace") if found and size > 0 else ""


def _call(line: str) -> Call:
    name, request, binder, answer, vendor, *untimed = line.split()
    shape, _, struct = answer.partition(":")
    return Call(name, request, binder, shape, struct, vendor, not untimed)


CALLS: Final[dict[str, Call]] = {
    call.name: call for call in map(_call, _TABLE.strip().splitlines())
}
"""全部 55 个请求。"""

BINDERS: Final = tuple(dict.fromkeys([*_PUSH_BINDERS, *(call.binder for call in CALLS.values())]))
"""全部 56 个绑定（``bindOn<名字>Callback``）。"""
