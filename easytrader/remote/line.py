"""一条线：账号那一头在别处，这一头问、等、收事件；怎样连上（`Entrance`）。

`connection` 是服务器上的 WebSocket，`fleets.line` 是一张表；会话、调用只认这里写的。
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from easytrader.wire import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.wire.words import Hello


class LostError(Exception):
    """连接断了。

    Attributes:
        sent: 这一次可能已经到了对面。
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class LateError(Exception):
    """到期没有回答；``sent`` 同 `LostError`。"""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("到期没有回答")
        self.sent = sent


class Asked:
    """一次提问；``hear`` 不给的，等第一句话。

    Args:
        hear: 每来一句调用一次，断了是 None；在读的线程上，不得阻塞。
    """

    __slots__ = ("at", "hear", "is_done", "latch", "said")

    def __init__(self, hear: Callable[[dict[str, Any] | None], None] | None = None) -> None:
        self.hear = hear
        self.said: dict[str, Any] | None = None
        self.is_done = False
        self.at = time.monotonic()
        self.latch = threading.Lock()
        self.latch.acquire()

    def take(self, said: dict[str, Any] | None) -> None:
        """来了一句。"""
        if not self.is_done:
            self.said = said
            self.is_done = True
        self.wake()
        if self.hear is not None:
            self.hear(said)

    def wake(self) -> None:
        """叫醒等它的：有话了，或轮到它读了。"""
        with contextlib.suppress(RuntimeError):  # 已经叫过
            self.latch.release()


class Line(Protocol):
    """一条线；断了就不再复活。任何线程都可以用。"""

    on_events: Callable[[dict[str, Any]], None] | None
    """来了一批事件，在读的线程上，不得阻塞。"""
    on_lost: Callable[[str], None] | None
    """断了，一次。"""
    lost: str
    """为什么断的；没有断为空。"""

    def start(self) -> None:
        """开始读。"""

    def ask(
        self, frame: dict[str, Any], deadline: float, stopped: Callable[[], bool] | None = None
    ) -> Any:
        """问一句，等到结果，最晚到 ``deadline``。

        Raises:
            EasytraderError: 对面抛的。
            LostError: 断了，或 ``stopped``。
            LateError: 到期没有回答。
        """

    def tell(self, frame: dict[str, Any], asked: Asked, deadline: float) -> int:
        """问一句，不等；返回它的编号，不要了用 `forget`。"""

    def wait(
        self,
        number: int,
        asked: Asked,
        deadline: float,
        stopped: Callable[[], bool] | None = None,
    ) -> None:
        """等到它的第一句话。"""

    def forget(self, number: int) -> None:
        """不等它的回答了。"""

    def retire(self) -> None:
        """不再问新的；在途的都有了结果就断开。"""

    def fail(self, reason: str) -> None:
        """断开；可重复，任意线程，不阻塞。"""

    def join(self, limit_s: float) -> None:
        """断开之后等它的线程结束。"""


class Entered(NamedTuple):
    """进了门：还没有开始读的线，对面的第一句话。"""

    connection: Line
    hello: Hello


class Entrance(Protocol):
    """怎样连到别处的一个账号。"""

    account: str
    """账号在那里的名字。"""
    timeout_s: float
    """每个调用的期限，秒。"""

    @property
    def address(self) -> object:
        """连的是哪里，写出来给人看。"""

    @property
    def peer(self) -> str:
        """对面是什么：``服务器``、``代理``。"""

    def not_ready(self, state: str) -> str:
        """账号为什么不算连着，接在「账号 A 」的后面。"""

    def enter(self, deadline: float, stopped: Callable[[], bool]) -> Entered:
        """连上，听到第一句话。

        Args:
            deadline: 最晚到什么时候（``time.monotonic``）。
            stopped: 不要连了为真。

        Raises:
            ConnectFailedError: 没连上，什么都没有留下；``final`` 的再试也一样（令牌、账号不对）。
        """

    def accounts(self, limit_s: float) -> list[str]:
        """看得见的账号的名字。

        Raises:
            ConnectFailedError: 没连上；再试也一样的有 ``final``。
        """


def answer(said: dict[str, Any]) -> Any:
    """一句回答 → 结果；是异常的抛出。"""
    if "error" in said:
        raise errors.from_wire(said["error"])
    return said.get("result")
