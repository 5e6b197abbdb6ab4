"""智能算法：参数、下单、任务、撤销。"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.basics import tags
from easytrader.codes import OrderType
from easytrader.errors import QueryFailedError, UsageError
from easytrader.miniqmt.groups import checks
from easytrader.miniqmt.groups.base import STOCKS, Group
from easytrader.rows import empties
from easytrader.rows.business import param_row, smart_order_row, smart_task_row, task_row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from easytrader import types
    from easytrader.orders import Receipt

_SIDES: Final = {int(OrderType.BUY): "买入", int(OrderType.SELL): "卖出"}
_FIX: Final = 11
_MARKET: Final = 12
_MOST_ALGOS: Final = 100
_PARAMS: Final = "应为字典 {参数名: 数或字符串}，参数名见 user.algo.params()"


class Algo(Group):
    """智能算法：``user.algo``。"""

    __slots__ = ()
    _kinds = STOCKS

    def params(self, algo_names: str | Iterable[str]) -> dict[str, list[types.SmartAlgoParam]]:
        """智能算法有哪些参数。

        Args:
            algo_names: 算法名，如 ``'VWAP'``，或一批。

        Returns:
            ``{算法名: [参数, …]}``；参数的 ``key`` 是下单时 ``algo_param`` 里的键。

        Raises:
            UsageError: 参数不对。
            QueryFailedError: 没有得到可信的回答（老的客户端没有智能算法）。
            NotConnectedError: 没有可用会话。
        """
        found = self._desk.query("智能算法参数", "get_smart_algo_param", _algo_names(algo_names))
        return {
            name: [param_row(each) for each in params]
            for name, params in _mapping("智能算法参数", found).items()
        }

    def order_async(
        self,
        side: types.SideName | int,
        security: str,
        amount: int,
        price: float | None,
        algo_name: str,
        start_time: str,
        end_time: str,
        algo_param: Mapping[str, Any],
        *,
        strategy_name: str = "",
        remark: str = "",
    ) -> Receipt[types.SmartAlgoOrderResponse]:
        """智能算法下单：一个母单，由客户端按算法拆成小单。

        Args:
            side: ``'买入'``、``'卖出'``，或 23、24。
            security: 证券代码。
            amount: 总数量，股/张。
            price: 限价，元；None 为市价。
            algo_name: 算法名，如 ``'VWAP'``。
            start_time: 从几点，``'10:25:00'``；是本机的今天。
            end_time: 到几点，``'14:50:00'``。
            algo_param: 算法参数，键见 `params`。
            strategy_name: 策略名，不超过 23 字节。
            remark: 备注，不超过 23 字节。

        Returns:
            回执：``result(timeout)`` 返回 ``seq task_id error_msg account_id …``，
            ``task_id`` 不大于 0 是没有成功，原因在 ``error_msg``；同一个应答也进
            ``on_smart_algo_order_async_response`` 和 `events`。

        Raises:
            UsageError: 参数或账号类型不对，什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            OutcomeUnknownError: 交给厂商接口时出错，**不可重发**，先用 `tasks` 核对。
        """
        order = _order(side, security, amount, price)
        name = checks.text("algo_name", algo_name, "算法名")
        start, end = checks.clock("start_time", start_time), checks.clock("end_time", end_time)
        if start >= end:
            raise UsageError("end_time", end_time, f"应晚于 start_time（{start}）")
        params = checks.plain("algo_param", algo_param, _PARAMS)
        strategy = "" if strategy_name is None else tags.check_strategy_name(strategy_name)
        note = checks.text("remark", remark, "备注", tags.SHORT_BYTES, empty=True)
        desk = self._desk_for("order_async")
        return desk.start(
            "智能算法下单",
            smart_order_row,
            "smart_algo_order_async",
            desk.account,
            *order,
            strategy,
            note,
            name,
            start,
            end,
            params,
        )

    def tasks(self) -> list[types.SmartAlgoTask]:
        """智能算法任务，每个一个字典。

        Raises:
            UsageError: 账号类型不对，什么都没有发出。
            QueryFailedError: 没有得到可信的回答。
            NotConnectedError: 没有可用会话。
        """
        desk = self._desk_for("tasks")
        found = desk.query("智能算法任务", "query_smart_algo_task", desk.account)
        if not isinstance(found, (list, tuple, type(None))):
            raise QueryFailedError(f"查询智能算法任务失败：{_reason(found)}")
        return empties.noted("algo.tasks", [task_row(each) for each in found or ()])

    def cancel_task_async(self, task_id: int) -> Receipt[types.SmartTaskResponse]:
        """撤销智能算法任务。

        Args:
            task_id: 任务编号，见 `tasks`。

        Returns:
            回执：``result(timeout)`` 返回 ``seq success task_id operate_reason error_msg``；
            同一个应答也进 ``on_operate_smart_task_async_response`` 和 `events`。

        异常同 `order_async`。
        """
        number = checks.number("task_id", task_id)
        desk = self._desk_for("cancel_task_async")
        return desk.start(
            "撤销智能算法任务", smart_task_row, "cancel_smart_algo_task_async", desk.account, number
        )


def _order(
    side: object, security: object, amount: object, price: object
) -> tuple[str, int, int, int, float]:
    """厂商的次序：代码、方向、数量、报价类型、价格。"""
    code = checks.choice("side", side, _SIDES)
    target = arguments.security(security)
    volume = arguments.amount(amount)
    if price is None:
        return target.stock_code, code, volume, _MARKET, 0.0
    return target.stock_code, code, volume, _FIX, arguments.price(price, target)


def _algo_names(value: object) -> list[str]:
    given = arguments.several(
        "algo_names", value, "应为算法名，如 'VWAP'，或一批算法名", _MOST_ALGOS
    )
    return [checks.text("algo_names", each, "算法名") for each in given]


def _mapping(what: str, found: Any) -> dict[str, Any]:
    good = isinstance(found, Mapping) and all(isinstance(each, list) for each in found.values())
    if not good:
        raise QueryFailedError(f"查询{what}失败：{_reason(found)}")
    return dict(found)


def _reason(found: Any) -> str:
    error = found.get("error", found) if isinstance(found, Mapping) else found
    if isinstance(error, Mapping):
        error = error.get("msg") or error.get("errorMsg") or error.get("ErrorMsg") or error
    return str(error)
