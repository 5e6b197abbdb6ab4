"""在一次性的线程上调用：没有期限的东西（同形模块、行情接口、磁盘），到期只能丢下那个线程。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from easytrader.basics import waits

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

_SLICE_S: Final = 0.2
"""隔这么久问一次还要不要等。"""


class AbandonedError(TimeoutError):
    """到期（或被叫停）了还没有回来；那个线程已经丢下，可能过一会儿才做完。"""


class Aside(Generic[_T]):
    """一次调用。"""

    def __init__(self, call: Callable[[], _T], name: str = "easytrader-call") -> None:
        self._call = call
        self._results: list[_T] = []
        self._failures: list[BaseException] = []
        self._finished = threading.Event()
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Aside[_T]:
        """开始。

        Raises:
            RuntimeError: 系统开不出新线程，什么都没有做。
        """
        self.thread.start()
        return self

    def result(self, limit_s: float, stop: Callable[[], bool] | None = None) -> _T:
        """等它回来，最多 ``limit_s`` 秒，或 ``stop`` 为真为止；它抛的异常在这里再抛。

        Raises:
            AbandonedError: 没有等到。
        """
        if not waits.sliced(self._finished.wait, limit_s, stop=stop, slice_s=_SLICE_S):
            raise AbandonedError(f"{limit_s:.3g} 秒没有结果，不再等")
        if self._failures:
            raise self._failures[0]
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as exc:  # noqa: BLE001  带回调用者的线程再抛
            self._failures.append(exc)
        finally:
            self._finished.set()


def call_aside(
    call: Callable[[], _T],
    limit_s: float,
    *,
    stop: Callable[[], bool] | None = None,
    name: str = "easytrader-call",
) -> _T:
    """在一次性的线程上做完，最多 ``limit_s`` 秒；异常同 `Aside`。"""
    return Aside(call, name).start().result(limit_s, stop)
