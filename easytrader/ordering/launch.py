"""异步的下单与撤单：发出之前的每一步都与同步的相同，在调用者的线程上做；之后只给一张回执。

结果由收应答的线程（或断线、到期时由看护的线程）送到回执里，没有一笔一个线程。
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from easytrader import tags
from easytrader.errors import OutcomeUnknownError
from easytrader.ordering import wanted
from easytrader.ordering.desk import latest
from easytrader.ordering.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.broker import Session
    from easytrader.model import ContractNumber, OrderRequest, SubmitAnswer
    from easytrader.ordering.desk import Ordering
    from easytrader.ordering.wanted import Extras, Wanted
    from easytrader.types import CancelResult, EntrustResult


class Launcher:
    """见模块说明。

    Args:
        desk: 同一个账号的下单口。
    """

    def __init__(self, desk: Ordering) -> None:
        self._desk = desk

    def limit(
        self, side: int, security: object, price: object, amount: object, extras: Extras
    ) -> Receipt[EntrustResult]:
        """限价委托。"""
        return self.place(wanted.limit(side, security, price, amount, extras))

    def market(
        self, side: int, security: object, amount: object, ttype: object, extras: Extras
    ) -> Receipt[EntrustResult]:
        """市价委托。"""
        return self.place(wanted.market(side, security, amount, ttype, extras))

    def cancel(self, entrust_no: object) -> Receipt[CancelResult]:
        """撤单。"""
        return self._cancel(self._desk.capabilities.check_id(entrust_no))

    def cancel_sysid(self, order_sysid: object, market: object) -> Receipt[CancelResult]:
        """按柜台合同编号撤单。"""
        return self._cancel(self._desk.contract(order_sysid, market))

    def place(self, order: Wanted) -> Receipt[EntrustResult]:
        """一笔校验过的委托。"""
        session = self._desk.opening(order)
        receipt: Receipt[EntrustResult] = Receipt(order, session.timeout_s)
        if order.client_order_id is not None:
            return self._place_once(session.timeout_s, order, order.client_order_id, receipt)
        request = order.request(tags.new_tag())

        def landed(answer: SubmitAnswer | None, error: OutcomeUnknownError | None) -> None:
            if error is not None:
                self._desk.doubt(request)
            self._finish(receipt, order, answer, error)

        try:
            self._send(session, request, receipt, landed, None)
        except OutcomeUnknownError:
            self._desk.doubt(request)
            raise
        return receipt

    # ---- 内部

    def _place_once(
        self,
        timeout_s: float,
        order: Wanted,
        client_order_id: str,
        receipt: Receipt[EntrustResult],
    ) -> Receipt[EntrustResult]:
        once = self._desk.journal()
        began = time.monotonic()

        def start(
            request: OrderRequest, recorded: Callable[[SubmitAnswer | None, Any], None]
        ) -> None:
            def landed(answer: SubmitAnswer | None, error: OutcomeUnknownError | None) -> None:
                recorded(answer, error)
                self._finish(receipt, order, answer, error)

            self._send(once.get_session(), request, receipt, landed, latest(began, timeout_s))

        try:
            launched = once.launch(client_order_id, order.request, receipt, start, timeout_s)
        except BaseException as exc:
            receipt.fail(exc)  # 这期间用同一个 id 再下的人拿着它
            raise
        if launched.earlier is not None:
            receipt.put(self._desk.earlier(client_order_id, launched.earlier))
            return receipt
        found: Receipt[EntrustResult] = launched.handle
        return found

    def _send(
        self,
        session: Session,
        request: OrderRequest,
        receipt: Receipt[EntrustResult],
        landed: Callable[[SubmitAnswer | None, OutcomeUnknownError | None], None],
        deadline: float | None,
    ) -> None:
        deadline = self._desk.admit(session, request, deadline)
        with session.until(deadline):
            session.submit_async(request, receipt.depart, landed)

    def _finish(
        self,
        receipt: Receipt[EntrustResult],
        order: Wanted,
        answer: SubmitAnswer | None,
        error: OutcomeUnknownError | None,
    ) -> None:
        if answer is not None:
            receipt.put(self._desk.row(order, answer))
        elif error is not None:
            receipt.fail(error)

    def _cancel(self, target: int | ContractNumber) -> Receipt[CancelResult]:
        session = self._desk.session()
        receipt: Receipt[CancelResult] = Receipt(f"撤单 {target}", session.timeout_s)

        def landed(done: bool | None, error: OutcomeUnknownError | None) -> None:
            if done is not None:
                receipt.put(self._desk.cancel_row(target, done))
            elif error is not None:
                receipt.fail(error)

        with session.until(self._desk.admit_cancel(session, target)):
            session.cancel_async(target, receipt.depart, landed)
        return receipt
