"""在途的委托与撤单：交给了中转，还不知道怎样了。

会话断了、换了一个，委托还要接着看：它可能后来才出现，那时更正以前的推断。
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend.records import ContractNumber, Refusal
from easytrader.basics import tags
from easytrader.codes import AccountType

if TYPE_CHECKING:
    from easytrader.backend.records import OrderRequest, SubmitAnswer
    from easytrader.backend.session import Reply

CERTAIN: Final = frozenset(
    {"expired", "busy", "readonly", "mode", "account", "args", "caps", "missing", "sealed"}
)
"""中转这样说的，肯定没有调用下单的函数。"""

_GAP_S: Final = 3.0
"""两次快照隔了这么久，终端停过：从头数。"""
_MOST: Final = 10_000


@dataclass(slots=True)
class Flight:
    """一笔委托。

    Attributes:
        request: 要的。
        number: 我们给的编号。
        reply: 等它的。
        boot: 交给了哪一次启动的中转。
        by: 中转的钟过了这时，就不会再下它。
        answered: 中转回过话了。
        dispatched: 中转说下单的函数调用过了。
        inferred: 已经推断它没有下成。
        twin: 有一笔一样的委托，备注不是我们写的：说不准是不是它，不推断。
        began: 何时交给中转的（``time.monotonic``）。
    """

    request: OrderRequest
    number: int
    reply: Reply[SubmitAnswer]
    boot: str
    by: float
    answered: bool = False
    dispatched: bool = False
    inferred: bool = False
    twin: int = 0
    began: float = field(default_factory=time.monotonic)
    _first: float | None = None
    _last: float = 0.0

    def missing_since(self, at: float) -> float:
        """又一次快照里没有它；返回第一次没有的那一刻（中转的钟，一直有新的快照才算）。"""
        if self._first is None or at - self._last > _GAP_S:
            self._first = at
        self._last = at
        return self._first

    def refusal(self, why: str, account: tuple[str, str]) -> Refusal:
        """「下单失败」的内容。"""
        return Refusal(
            order_id=self.number,
            error_msg=why,
            order_remark=self.request.remark,
            strategy_name=self.request.strategy_name,
            account_id=account[0],
            account_type=AccountType[account[1]].value,
        )


class Watch:
    """一个账号看着的委托，跨会话。"""

    def __init__(self) -> None:
        self.flights: dict[str, Flight] = {}
        """标记 → 委托。"""
        self.seq = 0
        """到这一条为止的事件都收到了（或没有了）。"""
        self._boot = ""
        # 比它新的、收到了的：补来的与新来的会交错
        self._seen: set[int] = set()

    def add(self, flight: Flight) -> None:
        """就要发出。"""
        self.flights[flight.request.tag] = flight
        while len(self.flights) > _MOST:
            self.flights.pop(next(iter(self.flights)), None)

    def take(self, tag: str) -> Flight | None:
        """有下文了。"""
        return self.flights.pop(tag, None)

    def meet(self, boot: str, seq: int) -> bool:
        """连上了一次启动的中转，它的事件到了 ``seq``；还是上一次那个为真，漏了的可以补。"""
        if boot == self._boot:
            return True
        self._boot, self.seq = boot, seq
        self._seen.clear()
        return False

    def accept(self, seq: int) -> bool:
        """来了一条事件；收到过的为假。"""
        if seq <= self.seq or seq in self._seen:
            return False
        self._seen.add(seq)
        while self.seq + 1 in self._seen:
            self.seq += 1
            self._seen.discard(self.seq)
        if len(self._seen) > _MOST:  # 中转自己丢了的，等不来
            self.caught_up(max(self._seen) - _MOST // 2)
        return True

    def caught_up(self, seq: int) -> None:
        """到这一条为止的不会再来了。"""
        self.seq = max(self.seq, seq)
        self._seen = {each for each in self._seen if each > self.seq}

    def still_sending(self, tag: str, boot: str, beat: float) -> bool:
        """查不到不说明什么：下单的函数调用过了，此刻还可能被下出去，或有一笔说不准是不是它。

        Args:
            tag: 标记。
            boot: 现在连着的中转。
            beat: 它最近一拍的时刻。
        """
        flight = self.flights.get(tag)
        if flight is None:
            return False
        if flight.twin:
            return True
        # 中转肯定地说没有下的已经不在这里了
        return flight.boot == boot and (flight.answered or beat <= flight.by)


@dataclass(slots=True)
class CancelFlight:
    """一笔撤单。

    Attributes:
        target: 用户要撤的。
        reply: 等它的。
        deadline: 最晚到什么时候（``time.monotonic``）。
        sent: 交给中转了。
        before: 开始时终端的 ``m_nOrderSubmitStatus``。
    """

    target: Any
    reply: Reply[bool]
    deadline: float
    sent: bool = False
    before: int = -1

    @property
    def number(self) -> int:
        """我们给的编号；按合同编号撤的为 0。"""
        return 0 if isinstance(self.target, ContractNumber) else int(self.target)


def wire_tag(tag: str) -> str:
    """标记 → 送给终端的 ``userOrderId``：23 字节里放不下用户的备注。"""
    return tags.tagged(tag, "")
