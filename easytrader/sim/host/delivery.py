"""会话与投递：连着的会话，给它们的东西按什么次序送。只由主机线程使用，`Session` 的收发除外。

次序的规矩：一个请求先送它的应答，再送它引起的推送，各隔多久照券商的脾气（`pacing`）；同一笔委托的推送次序
就是事件的次序，什么都不等时全部的推送都是。应答被故障拖住时，
这个会话的推送排在它后面一起等，别的会话和别的应答照常。故障要求对调时，一条推送扣在会话手里，
等下一条先走；没有下一条，过一会儿也送，从不丢。
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.errors import SimulatorError
from easytrader.sim.gateway.wire import Message, Request
from easytrader.sim.host.pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.sim.gateway.rows import Row
    from easytrader.sim.gateway.wire import Push
    from easytrader.sim.host.faults import FaultPlan


_REMEMBERED_SUBMITS: Final = 4096
"""为下单失败推送记住的「委托编号 → 请求序号」条数；失败推送紧跟着委托，不必记全天的。"""

_SWAP_WAIT_S: Final = 0.2
"""要对调的推送等下一条等多久。"""


class ConnectRefusedError(SimulatorError):
    """会话连不上：会话号正在用、刚用过还没冷却，或故障计划要求拒绝。"""


class Session:
    """一个连接在主机这一侧的样子。"""

    def __init__(
        self,
        session_id: int,
        pid: int,
        deliver: Callable[[Message], None],
        lost: Callable[[], None],
        post: Callable[[Any], None],
    ) -> None:
        self.session_id = session_id
        self.pid = pid
        self.since = time.time()
        self.alive = True
        self.cut = False
        """被断开（不是自己离开）：还排着的请求作废。"""
        self.accounts: set[tuple[int, str]] = set()
        self.submits: dict[int, int] = {}
        self.owed = 0
        self.held: deque[Message] = deque()
        self.swapped: Message | None = None
        """等着与下一条对调的推送。"""
        self._deliver = deliver
        self._lost = lost
        self._post = post

    def send(self, request: Request) -> None:
        """交一个请求，立刻返回；会话已经断了就当没有发生。任何线程都可以调。"""
        if self.alive:
            self._post((self, request))

    def detach(self) -> None:
        """主动离开（不会再有 ``lost()``）；之前交的请求照旧办完。任何线程都可以调，可重复。"""
        if self.alive:
            self.alive = False
            self._post((self, None))

    def hand(self, message: Message) -> None:
        """送一条；对方的回调出错只断开这一个会话。"""
        if not self.alive:
            return
        try:
            self._deliver(message)
        except Exception:  # noqa: BLE001  边界：会话一方的代码
            logger.exception("会话 {} 收消息时出错，断开它", self.session_id)
            self.notify_lost()

    def notify_lost(self) -> None:
        """告诉对方断了；至多一次，此后什么都不再送。"""
        if not self.alive:
            return
        self.alive = False
        self.cut = True
        self.held.clear()
        try:
            self._lost()
        except Exception:  # noqa: BLE001  边界：会话一方的代码
            logger.exception("会话 {} 处理断线时出错", self.session_id)


class Delivery:
    """会话的登记与投递。"""

    def __init__(
        self, quarantine_s: float = 0.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._pacer = Pacer(now)
        self._quarantine_s = quarantine_s
        self._sessions: dict[int, Session] = {}
        self._ended: dict[int, float] = {}
        self._delayed: list[tuple[float, int, Session, Message]] = []
        self._swaps: deque[tuple[float, Session, Message]] = deque()
        self._order = itertools.count()
        self.handed = 0
        """一共送出了多少条，应答与推送都算：没有变就是什么都没有送过。"""
        self.pushed = 0
        """其中的推送。"""

    # 登记 ------------------------------------------------------------

    def enter(self, session: Session) -> None:
        """登记一个会话；会话号用不得时抛 ConnectRefusedError。"""
        number = session.session_id
        current = self._sessions.get(number)
        if current is not None and current.alive:
            raise ConnectRefusedError(f"会话号 {number} 正被进程 {current.pid} 使用，换一个会话号")
        left = self._ended.get(number, float("-inf")) + self._quarantine_s - time.monotonic()
        if self._quarantine_s > 0 and left > 0:
            raise ConnectRefusedError(f"会话号 {number} 刚断开，{left:.1f} 秒后才能再用")
        self._sessions[number] = session

    def leave(self, session: Session, *, lost: bool) -> None:
        """注销；``lost`` 为真时先告诉对方。"""
        if lost:
            session.notify_lost()
        session.alive = False
        session.held.clear()
        if self._sessions.get(session.session_id) is session:
            del self._sessions[session.session_id]
            if self._quarantine_s > 0:
                self._ended[session.session_id] = time.monotonic()

    def lose_all(self, *, tell: bool = True) -> None:
        """断开所有会话；``tell`` 为假时不告诉它们。"""
        for session in list(self._sessions.values()):
            self.leave(session, lost=tell)
        self._delayed.clear()
        self._swaps.clear()
        self._pacer.clear()

    def sessions(self) -> list[Session]:
        """此刻连着的。"""
        return [session for session in self._sessions.values() if session.alive]

    # 投递 ------------------------------------------------------------

    def answer(
        self,
        session: Session,
        request: Request,
        payload: Any,
        delay_s: float,
        usual_s: float = 0.0,
    ) -> None:
        """送应答，或记下来晚些送。

        ``delay_s`` 是故障要拖的，这个会话的推送都等它；``usual_s`` 是平常的。
        """
        message = Message("answer", request.seq, payload)
        if delay_s > 0:
            due = time.monotonic() + delay_s
            heapq.heappush(self._delayed, (due, next(self._order), session, message))
            session.owed += 1
        elif usual_s > 0:
            hand = partial(self._hand, session, message)
            self._pacer.answer(payload.order_id, usual_s, hand)
        else:
            self._hand(session, message)

    def remember(self, session: Session, seq: int, answer: Row) -> None:
        """记下委托编号是哪个请求来的，好填下单失败推送的 ``seq``。"""
        if answer.order_id > 0:
            submits = session.submits
            submits[answer.order_id] = seq
            if len(submits) > _REMEMBERED_SUBMITS:
                del submits[next(iter(submits))]

    def publish(self, events: Iterable[Push], plan: FaultPlan | None, after_s: float = 0.0) -> None:
        """按事件的次序送给订阅了该账号的会话，到了时候的现在就送。

        Args:
            events: 推送。
            plan: 每条送几遍、要不要与下一条对调。
            after_s: 引起它们的请求几秒后才应答。
        """
        pacer = self._pacer
        for event in events:
            if pacer.at_once(event.order_id, after_s, event.lag_s):
                self._spread(event, plan)
            else:
                send = partial(self._spread, event, plan)
                pacer.push(event.order_id, after_s, event.lag_s, send)

    def _spread(self, event: Push, plan: FaultPlan | None) -> None:
        account = (event.account_type, event.account_id)
        targets = [s for s in self._sessions.values() if account in s.accounts and s.alive]
        if not targets:
            return
        message = Message(event.kind, 0, event.row)
        copies = 1
        if plan is not None:
            swapping = any(session.swapped is not None for session in targets)
            if not swapping and plan.reorders(event.kind):
                for session in targets:
                    self._keep_back(session, message)
                return
            copies = plan.copies(event.kind)
        for _ in range(copies):
            for session in targets:
                self._push(session, message)

    def _keep_back(self, session: Session, message: Message) -> None:
        session.swapped = message
        self._swaps.append((time.monotonic() + _SWAP_WAIT_S, session, message))

    def _push(self, session: Session, message: Message) -> None:
        swapped = session.swapped
        if swapped is None:
            self._put(session, message)
            return
        session.swapped = None
        self._put(session, message)
        self._put(session, swapped)

    def _put(self, session: Session, message: Message) -> None:
        if message.kind == "order_error":
            row = message.payload
            message = Message(
                message.kind, 0, row._replace(seq=session.submits.get(row.order_id, 0))
            )
        if session.owed:
            session.held.append(message)
        else:
            self._hand(session, message)
        self.pushed += 1  # 送到了才算：回放看着这个数等推送

    def _hand(self, session: Session, message: Message) -> None:
        self.handed += 1
        session.hand(message)

    # 到点的 ----------------------------------------------------------

    def next_due_s(self) -> float | None:
        """离最近一个晚到的应答、没到时候的推送还有几秒。"""
        now = time.monotonic()
        dues = [queue[0][0] - now for queue in (self._delayed, self._swaps) if queue]
        paced = self._pacer.next_due_s()
        if paced is not None:
            dues.append(paced)
        return max(0.0, min(dues)) if dues else None

    def release_due(self) -> None:
        """送出到点的：晚到的应答，连同排在它后面的推送；没有等到下一条的推送；平常要等的。"""
        self._pacer.release()
        while self._delayed and self._delayed[0][0] <= time.monotonic():
            _, _, session, message = heapq.heappop(self._delayed)
            session.owed -= 1
            self._hand(session, message)
            while session.held and not session.owed:
                self._hand(session, session.held.popleft())
        while self._swaps and self._swaps[0][0] <= time.monotonic():
            _, session, message = self._swaps.popleft()
            if session.swapped is message:
                session.swapped = None
                self._put(session, message)
