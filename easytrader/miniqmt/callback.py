"""默认的回调：把推送写进日志。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.log import Log
from easytrader.codes import ORDER_STATUS_NAMES, UNKNOWN_NAME
from easytrader.errors import UsageError

if TYPE_CHECKING:
    from easytrader.backend.records import OrderLike, TradeLike


class DefaultXtQuantTraderCallback:
    """把推送写进日志；方法名与厂商的 ``XtQuantTraderCallback`` 相同，参数是厂商的对象。

    自定义回调可以继承厂商的类，也可以继承这个类，只写关心的方法即可。
    回调在 easytrader 自己的线程上执行：里面可以下单、撤单、查询；抛出的异常会记进日志。
    """

    log = Log()
    """类上也有一份：子类的 ``__init__`` 忘了调用这里的也能用。"""

    def __init__(self, debug: bool = False) -> None:
        self.log = Log(debug)

    def on_connected(self) -> None:
        """连上了（包括每次重连成功）。厂商自己从不触发，由 easytrader 补上。"""

    def on_disconnected(self) -> None:
        """连接断开。重连由 easytrader 负责，这里不用做什么。"""

    def on_account_status(self, status: Any) -> None:
        """账号状态变动。"""
        self.log.info(
            "账号状态回调: account_type={}, status={}", status.account_type, status.status
        )

    def on_stock_asset(self, asset: Any) -> None:
        """资金变动（厂商目前不推送）。"""
        self.log.debug("资金变动回调: cash={}, total_asset={}", asset.cash, asset.total_asset)

    def on_stock_position(self, position: Any) -> None:
        """持仓变动（厂商目前不推送）。"""
        self.log.debug("持仓变动回调: {}, volume={}", position.stock_code, position.volume)

    def on_stock_order(self, order: OrderLike) -> None:
        """委托状态变动。"""
        self.log.debug(
            "委托回调: {}, order_id={}, 状态={}, 已成交 {}/{}",
            order.stock_code, order.order_id,
            ORDER_STATUS_NAMES.get(order.order_status, UNKNOWN_NAME),
            order.traded_volume, order.order_volume,
        )  # fmt: skip

    def on_stock_trade(self, trade: TradeLike) -> None:
        """成交。"""
        self.log.info(
            "成交回调: {}, order_id={}, 价格 {}, 数量 {}",
            trade.stock_code, trade.order_id, trade.traded_price, trade.traded_volume,
        )  # fmt: skip

    def on_order_error(self, order_error: Any) -> None:
        """下单失败。"""
        self.log.warning(
            "下单失败回调: order_id={}, error_id={}, error_msg={}",
            order_error.order_id, order_error.error_id, order_error.error_msg,
        )  # fmt: skip

    def on_cancel_error(self, cancel_error: Any) -> None:
        """撤单失败。"""
        self.log.warning(
            "撤单失败回调: order_id={}, error_id={}, error_msg={}",
            cancel_error.order_id, cancel_error.error_id, cancel_error.error_msg,
        )  # fmt: skip

    def on_order_stock_async_response(self, response: Any) -> None:
        """异步下单的应答：``buy_async`` 等，或经 `user.trader`。"""
        self.log.debug("异步下单回调: order_id={}, seq={}", response.order_id, response.seq)

    def on_cancel_order_stock_async_response(self, response: Any) -> None:
        """异步撤单的应答：``cancel_entrust_async`` 等，或经 `user.trader`。"""
        self.log.debug("异步撤单回调: order_id={}, seq={}", response.order_id, response.seq)

    def on_smt_appointment_async_response(self, response: Any) -> None:
        """约券异步接口的应答。"""
        self.log.debug("约券异步回调: seq={}", response.seq)

    def on_bank_transfer_async_response(self, response: Any) -> None:
        """银证转账异步接口的应答。"""
        self.log.debug("银证转账异步回调: seq={}", response.seq)

    def on_ctp_internal_transfer_async_response(self, response: Any) -> None:
        """期权期货内转异步接口的应答。"""
        self.log.debug("内转异步回调: seq={}", response.seq)

    def on_smart_algo_order_async_response(self, response: Any) -> None:
        """智能算法下单异步接口的应答。"""
        self.log.debug("智能算法下单异步回调: seq={}", response.seq)

    def on_operate_smart_task_async_response(self, response: Any) -> None:
        """智能算法任务操作异步接口的应答。"""
        self.log.debug("智能算法任务异步回调: seq={}", response.seq)


_CALLBACK_NAMES: Final = tuple(
    name for name in vars(DefaultXtQuantTraderCallback) if name.startswith("on_")
)


def check_callback(callback: Any) -> None:
    """回调对象；None 是没有给。"""
    if callback is None:
        return
    if isinstance(callback, type):
        raise UsageError(
            "trader_callback", callback, "应为回调对象，不是类：加上括号，如 MyCallback()"
        )
    if not any(callable(getattr(callback, name, None)) for name in _CALLBACK_NAMES):
        raise UsageError(
            "trader_callback",
            callback,
            "应为带 on_stock_order 等方法的对象（XtQuantTraderCallback 的子类）",
        )
