"""会话的通用请求：厂商的任何方法，都有期限，都分「查」「办」「异步办」三种说法报错。

`QmtSession` 带着它；动词（`easytrader.miniqmt.groups`）只用这里，不直接碰厂商的对象。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from easytrader.errors import (
    ClosedError,
    MissingDependencyError,
    NotConnectedError,
    OutcomeUnknownError,
    UsageError,
)
from easytrader.miniqmt.pending import AsyncReceipt, Pending
from easytrader.miniqmt.vendor_versions import missing_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.miniqmt.bounded import Replies
    from easytrader.miniqmt.loader import Vendor
    from easytrader.ordering import Receipt
    from easytrader.types import Outcome

_Row = TypeVar("_Row")

_MAX_PENDING: Final = 400
"""厂商的上行队列只有 512 格，写满时厂商会死等；没有应答的请求到了这个数，异步的就不再发。"""


class Requests:
    """见模块说明；``pending`` 是还没有应答的异步请求。"""

    pending: Pending

    if TYPE_CHECKING:
        _vendor: Vendor
        _trader: Any
        _account: Any
        _account_id: str
        _account_type: str
        _replies: Replies
        _lost_reason: str

        @property
        def timeout_s(self) -> float: ...  # noqa: D102
        def _call(self, method: Callable[..., Any], *args: Any, tag: str = "") -> Any: ...
        def _ask(self, what: str, query: Callable[..., Any], *args: Any) -> Any: ...
        def _still_alive(self) -> None: ...
        def _check_connected(self) -> None: ...

    @property
    def account(self) -> Any:
        """厂商的账号对象，作厂商方法的第一个参数。"""
        return self._account

    @property
    def account_type(self) -> str:
        """账号类型的名字，如 ``STOCK``。"""
        return self._account_type

    @property
    def account_id(self) -> str:
        """资金账号。"""
        return self._account_id

    def need(self, verb: str, *kinds: str) -> None:
        """这个动词只有这几种账号能用。

        Raises:
            UsageError: 账号类型不对，什么都没有发出。
        """
        if self._account_type not in kinds:
            wanted = "、".join(kinds)
            raise UsageError(
                "account_type",
                self._account_type,
                f"{verb} 只能用于 {wanted} 账号：connect(..., account_type='{kinds[0]}')",
            )

    def query(self, what: str, name: str, *args: Any) -> Any:
        """查：厂商的方法 ``name``，没有得到可信的回答一律 `QueryFailedError`。

        Args:
            what: 中文，说给人听的，如 ``银行信息``。
            name: 厂商的方法名。
            *args: 原样交给厂商。
        """
        method = self._method(name)

        def asked(*given: Any) -> Any:
            answer = method(*given)
            # 模拟柜台的失败要到看内容时才说
            return list(answer) if isinstance(answer, list) else answer

        found = self._ask(what, asked, *args)
        if not found:
            self._still_alive()
        return found

    def act(self, what: str, name: str, *args: Any) -> Any:
        """办：会改变东西的同步方法，只发一次；没有应答、厂商抛异常都是 `OutcomeUnknownError`。"""
        method = self._method(name)
        try:
            return self._call(method, *args)
        except (NotConnectedError, ClosedError):
            raise  # 这两种没有发出
        except Exception as exc:  # 厂商（或同形模块）抛什么都可能在发出之后
            raise OutcomeUnknownError(f"{what} {told(exc)}") from exc

    def confirm(self, what: str, name: str, *args: Any) -> Outcome:
        """办，厂商答 ``(成没成, 说明)`` 的那一类 → ``{'success': bool, 'message': str}``。"""
        answer = self.act(what, name, *args)
        try:
            success, message = answer
        except (TypeError, ValueError):
            raise OutcomeUnknownError(
                f"{what}：厂商返回 {answer!r}，结果未知，不要重发，请先核对"
            ) from None
        if not success and not message and self._lost_reason:
            # 没连着的时候厂商答空的失败：到底发没发出说不准
            raise OutcomeUnknownError(f"{what} 的时候断线了（{self._lost_reason}），结果未知")
        return {"success": bool(success), "message": str(message or "")}

    def start(
        self, what: str, build: Callable[[Any], _Row], name: str, *args: Any
    ) -> Receipt[_Row]:
        """异步办：发出去，返回回执。``build`` 把厂商的应答变成字典。"""
        self._check_connected()
        if self._replies.unanswered >= _MAX_PENDING:
            raise NotConnectedError(
                f"已有 {self._replies.unanswered} 个请求没有应答，疑似僵死；什么都没有发出"
            )
        receipt: AsyncReceipt[_Row] = AsyncReceipt(what, self.timeout_s)
        seq = self.act(what, name, *args)
        if not isinstance(seq, int) or isinstance(seq, bool) or seq <= 0:
            raise OutcomeUnknownError(
                f"{what}：厂商返回的序号是 {seq!r}，没有应答可等，结果未知，请先核对"
            )
        receipt.depart(seq)
        self.pending.add(receipt, build)
        return receipt

    def _method(self, name: str) -> Callable[..., Any]:
        method = getattr(self._trader, name, None)
        if method is None:
            self._check_connected()
            raise MissingDependencyError(missing_text(name, self._vendor.plug))
        return method  # type: ignore[no-any-return]


def told(exc: Exception) -> str:
    """厂商抛的异常怎么说给人听。"""
    if isinstance(exc, OutcomeUnknownError):
        return str(exc)
    return f"已交给厂商接口，它抛出 {exc!r}，结果未知，不要重发，请先核对"
