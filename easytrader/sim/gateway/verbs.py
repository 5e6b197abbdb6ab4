"""动作表：客户端能请求的一切，一个动作一行。原生请求、套接字上的帧、服务、故障都看这一张。"""

from __future__ import annotations

from typing import Final, NamedTuple

from easytrader.sim.gateway.wire import QuoteArgs
from easytrader.sim.ledger.events import (
    AccountQuery,
    BusinessQuery,
    CancelOrder,
    OrdersQuery,
    SubmitOrder,
)

UNSUPPORTED: Final = "unsupported"
"""不模拟的请求都归它。"""

# 动作 种类:参数 原生名 请求类 绑定 形状[:应答类] 厂商 Python 层的名字 [-]；不模拟的以「-」开头
# 形状：int、one 单个结构、list 结构的列表、json 文本。末尾的「-」：set_timeout 管不着
_TABLE: Final = """
subscribe session:account subscribe SubscribeReq SubscribeResp int subscribe
unsubscribe session:account unsubscribe UnsubscribeReq UnsubscribeResp int unsubscribe
submit order:submit orderStock OrderStockReq OrderStockResp one:OrderStockResp order_stock
cancel order:cancel cancelOrderStock CancelOrderStockReq CancelOrderStockResp \
one:CancelOrderStockResp cancel_order_stock
account_infos query:none queryAccountInfos QueryAccountInfosReq QueryAccountInfos \
list:XtAccountInfo query_account_infos
account_status query:none queryAccountStatus QueryAccountStatusReq QueryAccountStatus \
list:XtAccountStatus query_account_status
asset query:account queryStockAsset QueryStockAssetReq QueryStockAsset list:XtAsset \
query_stock_asset
orders query:orders queryStockOrders QueryStockOrdersReq QueryStockOrders list:XtOrder \
query_stock_orders
trades query:account queryStockTrades QueryStockTradesReq QueryStockTrades list:XtTrade \
query_stock_trades
positions query:account queryStockPositions QueryStockPositionsReq QueryStockPositions \
list:XtPosition query_stock_positions
credit_detail business:account queryCreditDetail QueryCreditDetailReq QueryCreditDetailResp \
list:XtCreditDetail query_credit_detail
stk_compacts business:account queryStkCompacts QueryStkCompactsReq QueryStkCompactsResp \
list:StkCompacts query_stk_compacts
credit_subjects business:account queryCreditSubjects QueryCreditSubjectsReq \
QueryCreditSubjectsResp list:CreditSubjects query_credit_subjects
credit_slo_code business:account queryCreditSloCode QueryCreditSloCodeReq QueryCreditSloCodeResp \
list:CreditSloCode query_credit_slo_code
credit_assure business:account queryCreditAssure QueryCreditAssureReq QueryCreditAssureResp \
list:CreditAssure query_credit_assure
new_purchase_limit business:account queryNewPurchaseLimit QueryNewPurchaseLimitReq \
QueryNewPurchaseLimit list:NewPurchaseLimitInfo query_new_purchase_limit
ipo_data business:account queryIPOData QueryIPODataReq QueryIPOData list:IPOData query_ipo_data
transfer action:body transfer TransferParam TransferResp one:TransferResp \
fund_transfer/secu_transfer
com_fund business:body queryComFund QueryComFundReq QueryComFundResp list:ComFund query_com_fund
com_position business:body queryComPosition QueryComPositionReq QueryComPositionResp \
list:ComPosition query_com_position
smt_quoters business:body smtQueryQuoter SmtQueryQuoterReq SmtQueryQuoterResp list:SmtQuoter \
smt_query_quoter
smt_orders business:body smtQueryOrder SmtQueryOrderReq SmtQueryOrderResp list:SmtOrder \
smt_query_order
smt_compacts business:body smtQueryCompact SmtQueryCompactReq SmtQueryCompactResp \
list:SmtCompact smt_query_compact
smt_negotiate action:body smtNegotiateOrder SmtNegotiateOrderReq SmtAppointmentResp \
one:SmtAppointmentResp smt_negotiate_order_async
smt_appointment action:body smtAppointmentOrder SmtAppointmentOrderReq SmtAppointmentResp \
one:SmtAppointmentResp smt_appointment_order_async
smt_cancel action:body smtAppointmentCancel SmtAppointmentCancelReq SmtAppointmentResp \
one:SmtAppointmentResp smt_appointment_cancel_async
smt_renewal action:body smtCompactRenewal SmtCompactRenewalReq SmtAppointmentResp \
one:SmtAppointmentResp smt_compact_renewal_async
smt_return action:body smtCompactReturn SmtCompactReturnReq SmtAppointmentResp \
one:SmtAppointmentResp smt_compact_return_async
- getSmartAlgoParam list GetSmartAlgoParamResp json:params get_smart_algo_param -
- smartOrderStock bytes SmartOrderStockResp json:order smart_algo_order_async -
- querySmartAlgoTask bytes QuerySmartAlgoTaskResp json:tasks query_smart_algo_task
- operateSmartAlgoTask OperateSmartAlgoTaskReq OperateSmartAlgoTaskResp \
one:OperateSmartAlgoTaskResp cancel_smart_algo_task_async
position_statistics business:body queryPositionStatistics QueryPositionStatisticsReq \
QueryPositionStatisticsResp list:PositionStatistics query_position_statistics
- exportData bytes ExportDataResp json:export export_data/query_data
- syncTransactionFromExternal bytes SyncTransactionFromExternalResp json:export \
sync_transaction_from_external
bank_transfer action:body bankTransfer BankTransferReq BankTransferResp one:BankTransferResp \
bank_transfer_in/bank_transfer_out
bank_info business:body queryBankInfo QueryBankInfoReq QueryBankInfoResp list:BankInfo \
query_bank_info
bank_amount business:body queryBankAmount QueryBankAmountReq QueryBankAmountResp list:BankAmount \
query_bank_amount -
bank_stream business:body queryBankTransferStream QueryBankTransferStreamReq \
QueryBankTransferStreamResp list:BankTransferStream query_bank_transfer_stream
secu_accounts business:body querySecuAccount QuerySecuAccountReq QuerySecuAccountResp \
list:SecuAccount query_secu_account
- ctpInternalTransfer CtpInternalTransferReq CtpInternalTransferResp one:CtpInternalTransferResp \
ctp_transfer_option_to_future/ctp_transfer_future_to_option -
- cancelCommand ModelCancelCmdReq CancelCommandResp one:ModelCancelCmdResp cancelCommand
- createCommand ModelCreateCmdReq CreateCommandResp one:ModelCreateCmdResp createCommand
- queryCommand ModelQueryCmdReq QueryCommandResp list:ModelStrategyCmd queryCommand
- setCommandOrderParam list SetCommandOrderParamResp one:ModelStrategyCmdStockParamResp \
setCommandOrderParam
- sendCommandOrderReq ModelOrderWithCmdReq OrderStockResp one:OrderStockResp sendCommandOrderReq
- sendCancelCommandOrderReq ModelCancelOrderWithCmdReq CancelOrderStockResp \
one:CancelOrderStockResp sendCancelCommandOrderReq
- orderStockImmediate OrderStockImmediateReq OrderStockResp one:OrderStockResp orderStockImmediate
- cancelOrderStockImmediate CancelOrderStockImmediateReq CancelOrderStockResp \
one:CancelOrderStockResp cancelOrderStockImmediate
- queryOrders QueryOrdersReq QueryOrders list:XtOrderA queryOrders
- queryTrades QueryTradesReq QueryTrades list:XtTradeA queryTrades
- queryPositions QueryPositionsReq QueryPositions list:XtPositionA queryPositions
- queryProductNetValues QueryProductNetValueReq QueryProductNetValues list:XTProductNetValue \
queryProductNetValues
- queryIPOLuckyInfo QueryIPOLuckyInfoReq QueryIPOLuckyInfo list:XTCIPOLuckyInfo queryIPOLuckyInfo
- subSwitch SubSwitchReq SubSwitchResp int subSwitch
quote query:quote
unsupported none:none
"""

_ARGS: Final[dict[str, type[tuple[object, ...]] | None]] = {
    "none": None,
    "account": AccountQuery,
    "orders": OrdersQuery,
    "submit": SubmitOrder,
    "cancel": CancelOrder,
    "body": BusinessQuery,
    "quote": QuoteArgs,
}


class Verb(NamedTuple):
    """一个动作。

    Attributes:
        name: 动作；故障也用这个名字。
        kind: ``session`` 订阅，``order`` 下单撤单，``query`` 查询，``business`` 各项业务的查询，
            ``action`` 委托之外要办的事，``none`` 不模拟。
        args: 参数的类；None 为没有（或原样的元组）。
        native: 原生名，方法是 ``<native>WithSeq``；空为厂商没有这个请求，下面各项也都空着。
        request: 第一个参数的类名。
        binder: 应答走 ``bindOn<binder>Callback`` 绑定的函数。
        shape: ``int`` ``one`` ``list`` ``json``。
        struct: 应答的类名；json 时是哪一种文本。
        vendor: 厂商 Python 层里用户看到的名字。
        timed: set_timeout 管不管。
    """

    name: str
    kind: str
    args: type[tuple[object, ...]] | None
    native: str = ""
    request: str = ""
    binder: str = ""
    shape: str = ""
    struct: str = ""
    vendor: str = ""
    timed: bool = True

    @property
    def is_query(self) -> bool:
        """只问不办。"""
        return self.kind in ("query", "business")


def _verb(line: str) -> Verb:
    name, *rest = line.split()
    kind, args = "none", "none"
    if name == "-":
        name = UNSUPPORTED
    else:
        kind, _, args = rest.pop(0).partition(":")
    if not rest:
        return Verb(name, kind, _ARGS[args])
    native, request, binder, answer, vendor, *untimed = rest
    shape, _, struct = answer.partition(":")
    return Verb(
        name, kind, _ARGS[args], native, request, binder, shape, struct, vendor, not untimed
    )


_LINES: Final = [_verb(line) for line in _TABLE.strip().splitlines()]
VERBS: Final = {verb.name: verb for verb in _LINES}
"""动作 → 它的一行。"""
CALLS: Final = {verb.native: verb for verb in _LINES if verb.native}
"""原生名 → 它的一行；全部 55 个请求，不模拟的也在里面。"""
