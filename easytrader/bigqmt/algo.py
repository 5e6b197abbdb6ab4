"""智能算法：下单、撤任务。终端当场什么都不说，照 ``TASK`` 里带着我们标记的那一行断定。"""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from easytrader.backend.records import Answered
from easytrader.basics import tags
from easytrader.bigqmt.flights import CERTAIN
from easytrader.bigqmt.line import RefusedError
from easytrader.bigqmt.operations import op_terms
from easytrader.errors import (
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    UnsupportedError,
)
from easytrader.orders import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from easytrader.backend.records import PushEvent
    from easytrader.backend.session import Reply

_T = TypeVar("_T")

_MARK: Final = "et-algo-"
"""算法的标记这样开头：拆出来的小单都带着它，不能与一笔委托的标记混了，不然几笔并成一笔。"""
_LOOK_S: Final = 0.2
"""隔这么久看一次任务表。"""
_DONE: Final = 7
_CANCELLED: Final = (8, 9, 10)
_ORDERED: Final = "smart_algo_order_response"
_OPERATED: Final = "smart_task_response"


class AlgoLine(Protocol):
    """要用会话的这几样。"""

    @property
    def account_id(self) -> str:
        """资金账号。"""

    @property
    def account_type(self) -> str:
        """账号类型的名字。"""

    @property
    def timeout_s(self) -> float:
        """期限，秒。"""

    def may_order(self) -> None:
        """能不能下单；不能的抛异常，什么都没有发出。"""

    def depart(self, reply: Reply[Any]) -> None:
        """登记一个就要发出的请求。"""

    def until(self, deadline: float | None) -> AbstractContextManager[None]:
        """这一段里、本线程上的调用最晚到这时。"""

    def ask(self, method: str, args: dict[str, Any], what: str = "") -> Any:
        """问中转一句。"""

    def table(self, kind: str) -> list[dict[str, Any]]:
        """客户端的一张表。"""

    def note_task(self, tag: str, strategy: str, remark: str) -> None:
        """记下这个标记是谁的；记不下来抛 `JournalError`。"""

    def noted_task(self, tag: str) -> tuple[str, str] | None:
        """记下的（策略名，备注）；没有为 None。"""

    def push(self, event: PushEvent) -> None:
        """往上报一件事。"""


class Algos:
    """一次会话里的智能算法。"""

    def __init__(self, line: AlgoLine) -> None:
        self._line = line
        self._waiting: dict[str, Callable[[str], None]] = {}
        """在等的：送出的标记 → 终端不收时告诉谁。"""

    def order(
        self,
        what: str,
        build: Callable[[Any], _T],
        account: object,
        code: str,
        side: int,
        volume: int,
        price_type: int,
        price: float,
        strategy: str,
        remark: str,
        algo_name: str,
        start_time: str,
        end_time: str,
        params: Mapping[str, Any],
    ) -> Receipt[_T]:
        """下一个母单：参数的次序与厂商的 ``smart_algo_order_async`` 相同。"""
        self._line.may_order()
        op, pr = op_terms(side, price_type, self._line.account_type)
        tag = _MARK + tags.new_tag()
        asked = {
            "tag": tag, "op": op, "order_type": 1101, "account": self._line.account_id,
            "account_type": self._line.account_type, "code": code, "pr": pr, "price": price,
            "volume": volume, "strategy": strategy,
            "rest": [algo_name, start_time, end_time, dict(params)],
        }  # fmt: skip
        self._line.note_task(tag, strategy, remark)
        receipt = self._receipt(what, build)

        def answer(task_id: int, why: str) -> None:
            response = self._response(receipt, task_id=task_id, error_msg=why)
            response.strategy_name, response.order_remark = strategy, remark
            if receipt.put(response):
                self._line.push(Answered(_ORDERED, response))

        def placed() -> bool:
            mine = [row for row in self._line.table("TASK") if row.get("m_strRemark") == tag]
            if mine:
                answer(int(mine[0]["m_nTaskId"]), "")
            return bool(mine)

        self._waiting[tag] = lambda why: answer(-1, why)
        self._begin(receipt, "algo", asked, what, placed, lambda why: answer(-1, why), tag)
        return receipt

    def cancel(
        self, what: str, build: Callable[[Any], _T], account: object, task_id: int
    ) -> Receipt[_T]:
        """撤一个任务；成没成看它的状态。"""
        self._line.may_order()
        receipt = self._receipt(what, build)

        def answer(success: bool, why: str) -> None:
            error_msg = "" if success else why
            response = self._response(receipt, task_id=task_id, error_msg=error_msg)
            response.success, response.operate_reason = success, why
            if receipt.put(response):
                self._line.push(Answered(_OPERATED, response))

        def cancelled() -> bool:
            tasks = (row for row in self._line.table("TASK") if row.get("m_nTaskId") == task_id)
            row = next(tasks, None)
            status = None if row is None else row.get("m_eStatus")
            if row is None:
                answer(False, "没有这个任务")
            elif status == _DONE:
                answer(False, str(row.get("m_strMsg") or "已经完成"))
            elif status in _CANCELLED:
                answer(True, str(row.get("m_strMsg") or ""))
            return receipt.done()

        asked = {
            "do": "cancel", "id": task_id, "account": self._line.account_id,
            "account_type": self._line.account_type,
        }  # fmt: skip
        self._begin(receipt, "task", asked, what, cancelled, lambda why: answer(False, why))
        return receipt

    def noted(self, tag: object) -> tuple[str, str] | None:
        """带这个标记的任务，用户写的（策略名，备注）：终端里放不下；别处下的为 None。"""
        text = str(tag or "")
        return self._line.noted_task(text) if text.startswith(_MARK) else None

    def hear_refusal(self, value: Mapping[str, Any]) -> bool:
        """``orderError_callback`` 说的是不是这里的一笔。任何线程，不阻塞。"""
        told = self._waiting.pop(str(value.get("tag") or ""), None)
        if told is not None:
            told(str(value.get("msg") or "终端不收，没有说明原因"))
        return told is not None

    # ---- 内部

    def _receipt(self, what: str, build: Callable[[Any], _T]) -> Receipt[_T]:
        receipt: Receipt[_T] = Receipt(what, self._line.timeout_s)
        receipt.build = build
        self._line.depart(receipt)
        return receipt

    def _response(self, receipt: Receipt[Any], **fields: Any) -> SimpleNamespace:
        return SimpleNamespace(seq=receipt.seq, account_id=self._line.account_id, **fields)

    def _begin(
        self,
        receipt: Receipt[Any],
        method: str,
        args: dict[str, Any],
        what: str,
        seen: Callable[[], bool],
        refused: Callable[[str], None],
        tag: str = "",
    ) -> None:
        """在一次性的线程上发出，再看着任务表，到期为止。"""

        def run() -> None:
            try:
                with self._line.until(receipt.deadline):
                    self._line.ask(method, args, what)
                    self._watch(receipt, seen)
            except UnsupportedError as exc:
                receipt.fail(exc)
            except EasytraderError as exc:
                cause = exc.__cause__
                if isinstance(cause, RefusedError) and cause.code in CERTAIN:
                    refused(f"中转没有办（{cause}）")
                elif isinstance(exc, NotConnectedError):
                    receipt.fail(exc)
                else:
                    receipt.fail(OutcomeUnknownError(str(exc)))
            finally:
                self._waiting.pop(tag, None)

        threading.Thread(target=run, name="easytrader-algo", daemon=True).start()

    def _watch(self, receipt: Receipt[Any], seen: Callable[[], bool]) -> None:
        pause = threading.Event()
        while not receipt.done():
            try:
                if seen():
                    return
            except QueryFailedError:  # 到期了，或慢了一次
                if self._line.timeout_s <= 0:
                    receipt.expire()
            if self._line.timeout_s <= 0:
                receipt.expire()
            pause.wait(_LOOK_S)
