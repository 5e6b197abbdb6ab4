"""会话里发委托与撤单的那一半：同步的等应答，异步的把应答交给 ``landed``。

两种走的是厂商的同一个方法、同一个原生请求，只差等不等，所以结果的规矩也只写一遍。
"""

from __future__ import annotations

import itertools
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from easytrader.errors import (
    ClosedError,
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
)
from easytrader.miniqmt.flights import Flight
from easytrader.miniqmt.requests import Requests, told
from easytrader.model import Answered, ContractNumber, SubmitAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.broker import Landed, Listener
    from easytrader.log import Log
    from easytrader.miniqmt.aside import Strays
    from easytrader.miniqmt.bounded import Replies
    from easytrader.model import OrderRequest

_ORDERED = "order_response"
_CANCELLED = "cancel_response"


class SessionOrders(Requests):
    """见模块说明；混进 `QmtSession`。"""

    _own_seq = itertools.count(1)
    """同形模块的异步请求没有厂商的序号，自己数。"""

    if TYPE_CHECKING:
        _bounded: bool
        _replies: Replies
        _listener: Listener
        _log: Log
        _strays: Strays

    # ---- 同步

    def submit(self, request: OrderRequest) -> SubmitAnswer:
        """下单。"""
        try:
            order_id = self._call(self._trader.order_stock, *self._terms(request), tag=request.tag)
        except (NotConnectedError, ClosedError):
            raise  # 这两种没有发出
        except Exception as exc:  # 厂商（或同形模块）抛什么都可能在发出之后
            raise _order_unknown(request, exc) from exc
        return _answered(request, order_id, lambda: self._replies.last_message)

    def cancel(self, target: int | ContractNumber) -> bool:
        """撤单。"""
        method, arguments = self._cancel_call(target)
        try:
            result: int = self._call(method, *arguments)
        except (NotConnectedError, ClosedError):
            raise  # 这两种没有发出
        except Exception as exc:  # 厂商（或同形模块）抛什么都可能在发出之后
            raise _cancel_unknown(target, exc) from exc
        return self._cancelled(target, result, lambda: self._replies.last_message)

    # ---- 异步

    def submit_async(
        self, request: OrderRequest, departed: Callable[[int], None], landed: Landed[SubmitAnswer]
    ) -> None:
        """下单，不等应答。"""

        def arrived(value: Any, error: EasytraderError | None) -> None:
            if error is not None:
                landed(None, _order_unknown(request, error))
                return
            try:
                number = getattr(value, "order_id", value)
                answer = _answered(request, number, lambda: _message(value))
            except OutcomeUnknownError as exc:
                landed(None, exc)
            else:
                landed(answer, None)

        terms = self._terms(request)
        try:
            self._launch(self._trader.order_stock, terms, (departed, arrived), _ORDERED, request)
        except (NotConnectedError, ClosedError):
            raise  # 这两种没有发出
        except Exception as exc:  # 厂商（或同形模块）抛什么都可能在发出之后
            raise _order_unknown(request, exc) from exc

    def cancel_async(
        self,
        target: int | ContractNumber,
        departed: Callable[[int], None],
        landed: Landed[bool],
    ) -> None:
        """撤单，不等应答。"""

        def arrived(value: Any, error: EasytraderError | None) -> None:
            if error is not None:
                landed(None, _cancel_unknown(target, error))
                return
            result = getattr(value, "cancel_result", value)
            landed(self._cancelled(target, result, lambda: _message(value)), None)

        method, arguments = self._cancel_call(target)
        try:
            self._launch(method, arguments, (departed, arrived), _CANCELLED, target)
        except (NotConnectedError, ClosedError):
            raise  # 这两种没有发出
        except Exception as exc:  # 厂商（或同形模块）抛什么都可能在发出之后
            raise _cancel_unknown(target, exc) from exc

    # ---- 内部

    def _terms(self, request: OrderRequest) -> tuple[Any, ...]:
        return (
            self._account,
            request.security.stock_code,
            int(request.order_type),
            request.volume,
            int(request.price_type),
            request.price,
            request.strategy_name,
            request.remark,
        )

    def _cancel_call(
        self, target: int | ContractNumber
    ) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        if isinstance(target, ContractNumber):
            # 市场送整数：字符串的市场是后来的版本才认的
            where = (self._account, target.market, target.order_sysid)
            return self._method("cancel_order_stock_sysid"), where
        return self._trader.cancel_order_stock, (self._account, target)

    def _cancelled(
        self, target: int | ContractNumber, result: object, message: Callable[[], str]
    ) -> bool:
        if result != 0 and (why := message()):
            self._log.warning("撤单 {} 被拒绝：{}", target, why)
        return result == 0

    def _launch(
        self,
        method: Callable[..., Any],
        arguments: tuple[Any, ...],
        handlers: tuple[Callable[[int], None], Callable[[Any, EasytraderError | None], None]],
        kind: str,
        request: OrderRequest | int | ContractNumber,
    ) -> None:
        self._check_connected()
        replies = self._replies
        departed, arrived = handlers

        def heard(seq: int, value: Any) -> None:
            if not self._bounded:
                value = self._response(seq, request, value)
            self._listener.pushed(self, Answered(kind, value))  # type: ignore[arg-type]

        flight = Flight(departed, arrived, heard)
        if self._bounded:
            replies.launch(flight, lambda: method(*arguments))
        else:
            replies.launch(flight, lambda: self._launch_aside(flight, method, arguments, request))

    def _launch_aside(
        self,
        flight: Flight,
        method: Callable[..., Any],
        arguments: tuple[Any, ...],
        request: OrderRequest | int | ContractNumber,
    ) -> None:
        """同形模块没有可以只发不等的地方：在一次性的线程上等。"""

        def run() -> None:
            try:
                value = method(*arguments)
            except Exception as exc:  # noqa: BLE001  边界：同形模块抛什么都是「结果未知」
                self._replies.dropped(flight, OutcomeUnknownError(told(exc)))
            else:
                answered(value)

        name = getattr(method, "__name__", "请求")
        thread = threading.Thread(target=run, name="easytrader-call", daemon=True)
        tag = getattr(request, "tag", "")
        if tag:
            self._strays.add(tag, thread)  # 它回来之前，查不到这笔委托不说明什么
        answered = self._replies.depart(flight, name, next(self._own_seq))
        thread.start()

    def _response(
        self, seq: int, request: OrderRequest | int | ContractNumber, value: Any
    ) -> SimpleNamespace:
        """同形模块的同步方法只给编号：补成应答的样子。"""
        found = SimpleNamespace(account_id=self._account_id, seq=seq, error_msg="")
        if isinstance(request, ContractNumber):
            found.cancel_result, found.order_id = value, 0
            found.order_sysid = request.order_sysid
        elif isinstance(request, int):
            found.cancel_result, found.order_id, found.order_sysid = value, request, ""
        else:
            found.order_id, found.order_remark = value, request.remark
            found.strategy_name = request.strategy_name
        return found


def _answered(request: OrderRequest, order_id: object, message: Callable[[], str]) -> SubmitAnswer:
    """编号 0 是厂商 ``set_timeout`` 到期的假应答：结果未知。"""
    if not isinstance(order_id, int) or order_id == 0:
        raise OutcomeUnknownError(
            f"厂商返回的委托编号是 {order_id!r}，结果未知，不要重发："
            f"user.find_entrust('{request.tag}')",
            tag=request.tag,
        )
    return SubmitAnswer(order_id, "" if order_id > 0 else message())


def _order_unknown(request: OrderRequest, exc: Exception) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"委托 {request.security.stock_code} {request.volume} {told(exc)}："
        f"user.find_entrust('{request.tag}')",
        tag=request.tag,
    )


def _cancel_unknown(target: int | ContractNumber, exc: Exception) -> OutcomeUnknownError:
    number = target if isinstance(target, int) else None
    return OutcomeUnknownError(f"撤单 {target} {told(exc)}", entrust_no=number)


def _message(value: Any) -> str:
    try:
        return str(getattr(value, "error_msg", "") or "")
    except UnicodeDecodeError:
        return ""
