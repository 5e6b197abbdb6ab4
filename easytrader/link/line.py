"""`LineSession`：一条线路的会话：柜台的接口是会阻塞的普通函数时，后端照它写，不用自己管线程。"""

from __future__ import annotations

import math
import threading
import time
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

from loguru import logger

from easytrader.backend.session import BaseSession
from easytrader.basics import boot_clock
from easytrader.errors import QueryFailedError
from easytrader.orders.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.session import Reply

_T = TypeVar("_T")

_sending: Final[set[str]] = set()
"""正卡在柜台接口里的委托的标记：会话断了、换了一个，它还可能真的发出去。"""


class NoAnswerError(Exception):
    """线路上的活抛它：柜台没有应答，等到期限为止（应答也许以后还来，那就不算了）。"""


class LineSession(BaseSession):
    """请求、应答、推送都在一个线程上，先进先出；调用的人只等到期限为止。

    Args:
        timeout_s: 每个调用的期限，秒。
        name: 线程名。
    """

    def __init__(self, timeout_s: float, name: str = "easytrader-line") -> None:
        super().__init__(timeout_s)
        # 守护线程：柜台的接口卡住了，解释器照样退得出去
        self._line: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def ask(self, what: str, work: Callable[[], _T]) -> _T:
        """查询，等到应答。

        Args:
            what: 查什么，给人看的。
            work: 在线路上做的，返回应答。

        Raises:
            QueryFailedError: 没有应答，或 ``work`` 抛了异常。
            NotConnectedError: 已经断了，什么都没有发出。
        """
        receipt: Receipt[_T] = Receipt(what, self.timeout_s, awaited=True)
        receipt.blame = lambda error: QueryFailedError(f"查询{what}没有得到回答：{error!r}")
        self.send(receipt, work)
        return receipt.value()

    def send(self, reply: Reply[Any], work: Callable[[], Any], tag: str = "") -> None:
        """下单（带上 ``request.tag``）、撤单：排到线路上就返回。``work`` 抛异常是结果未知。"""
        self.depart(reply)
        self.later(self._serve, reply, work, tag, self._latest(reply))

    @staticmethod
    def _latest(reply: Reply[Any]) -> float:
        """最晚什么时候开始办，开机时钟。"""
        return boot_clock.now() + getattr(reply, "deadline", math.inf) - time.monotonic()

    def still_sending(self, tag: str) -> bool:
        """正卡在柜台接口里，哪怕是断了的那个会话的。"""
        return tag in _sending

    def later(self, work: Callable[..., object], *args: Any) -> None:
        """在线路上做一件事，如报一条推送；已经收尾的不做了。任何线程，不阻塞。"""
        self._line.put(partial(work, *args))

    def close(self, limit_s: float = 3.0) -> None:
        """收尾；线路上正在做的做完为止，不等它。"""
        super().close(limit_s)
        self._line.put(None)

    def _run(self) -> None:
        while (work := self._line.get()) is not None:
            try:
                work()
            except Exception:  # noqa: BLE001, PERF203  边界：一件事出错，线路还在
                logger.exception("线路上出错，接着做后面的")

    def _serve(self, reply: Reply[Any], work: Callable[[], Any], tag: str, latest: float) -> None:
        _sending.add(tag)
        try:
            # 排着的时候到期、断线的不再发：已经说了结果未知，会被核对、重下。
            # 钟自己看：进程停住、机器睡着的，醒来时看期限的线程也许还没有轮到
            if not reply.done() and boot_clock.now() < latest:
                reply.put(work())
        except NoAnswerError:
            pass
        except Exception as exc:  # noqa: BLE001  边界：柜台的接口抛什么都是没有应答
            reply.fail(exc)
        finally:
            _sending.discard(tag)
