"""一次调用：谁、在哪里、要做什么、最晚到什么时候。"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

from easytrader.wire import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.records import OrderRequest
    from easytrader.errors import EasytraderError
    from easytrader.risk import GuardPost
    from easytrader.risk.rules import MarketView
    from easytrader.server.tokens import Grant
    from easytrader.trader import Trader
    from easytrader.wire.verbs import Effect, Verb

Source = Literal["ws", "rest", "page", "qka", "fleet"]

BEAT_S: Final = 0.25
_STOPPED_S: Final = 1.0
"""这么久没有跳，就是停过。"""
_DRAIN_S: Final = 1.0
"""醒来这么久之内读到的，都当作停着的时候就到了。"""
_MARGIN: Final = 0.1
_MOST_MARGIN_S: Final = 0.5


class Permit(Protocol):
    """从别处领来的一次调用还许不许做；不许的抛异常，什么都没有发出。"""

    def admit(self, request: OrderRequest, view: MarketView, deadline: float) -> None:
        """一笔校验过的委托，最晚到 ``deadline``（``time.monotonic``）。"""

    def last(self, effect: Effect) -> None:
        """就要交给柜台的接口了。"""

    def not_sent(self) -> None:
        """确知没有发出；可能说几次。"""


@dataclass(frozen=True, slots=True)
class Call:
    """一次调用。

    Attributes:
        verb: 动词。
        args: 按位置给的参数。
        kwargs: 按名字给的参数。
        request: 请求号；只有会改变什么的才有，别的为空。
        deadline: 活最晚做到什么时候（``time.monotonic``）：比调用的人等的早一点，
            「结果未知」连同标记来得及送到。
        grant: 令牌。
        source: 从哪里来。
        address: 对面的地址。
        guard: 这条连接自己的风控；没有为 None。
        latest: 到这时候活还没有做完（卡住了），不再等它。
        work: 只给查询：不走动词，在同一条道上、同一个期限里做这个。
        permit: 从别处领来的，发出之前再问它；不是的为 None。
    """

    verb: Verb
    args: list[Any]
    kwargs: dict[str, Any]
    request: str
    deadline: float
    grant: Grant
    source: Source
    address: str
    guard: GuardPost | None = None
    latest: float = 0.0
    work: Callable[[Trader], Any] | None = None
    permit: Permit | None = None

    def __post_init__(self) -> None:
        """没有说的，期限过了一会儿就不等。"""
        if not self.latest:
            object.__setattr__(self, "latest", self.deadline + _MOST_MARGIN_S / 2)


class Pulse:
    """服务器停住过没有：合上盖子、虚拟机挂起、进程被停住。

    停着的时候到的请求在系统里排着，醒来才读到；期限要从它到的时候算，不然发的人早就不等了，委托还是下了。
    说不清它什么时候到的，就当作刚停就到了。

    Args:
        clock: 单调时钟，秒；挂起的时候也许不走。
        wall: Unix 秒；挂起的时候也走。
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._last: tuple[float, float] | None = None
        self._lost_s = self._until = 0.0

    def beat(self) -> None:
        """跳一下：循环上每 ``BEAT_S`` 秒一次。"""
        self.lost_s()
        self._last = self._clock(), self._wall()

    def lost_s(self) -> float:
        """此刻读到的请求，可能在系统里排了多少秒；没有停过为 0。"""
        now = self._clock()
        if self._last is not None:
            gap_s = max(now - self._last[0], self._wall() - self._last[1])
            if gap_s > _STOPPED_S:
                self._lost_s, self._until = gap_s, now + _DRAIN_S
                self._last = now, self._wall()
        return self._lost_s if now < self._until else 0.0


def deadlines(left_ms: float = words.DEFAULT_MS, lost_s: float = 0.0) -> tuple[float, float]:
    """还剩多少毫秒 → (`Call.deadline`, `Call.latest`)；``lost_s`` 见 `Pulse`。"""
    left_s = left_ms / 1000 - lost_s
    margin_s = min(_MOST_MARGIN_S, max(0.0, left_s) * _MARGIN)
    end = time.monotonic() + left_s
    return end - margin_s, end - margin_s / 3


class Answer(NamedTuple):
    """一次调用的一个回答。

    Attributes:
        result: 结果。
        error: 异常；没有为 None。
        seq: 异步的动词已经发出：请求的序号，结果以后再说一次；不是的为 None。
    """

    result: Any = None
    error: EasytraderError | None = None
    seq: int | None = None
