"""几个账号一起做：一家一个线程，谁慢谁自己等；总共有期限，到期没有回来的说是没有回来。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics.threads import AbandonedError, Aside

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

THREAD: Final = "easytrader-fleet"


class Answer(NamedTuple):
    """一家的。

    Attributes:
        value: 结果。
        error: 抛的异常；没有抛为 None。
        begun: 开始做了；系统开不出线程的没有。
        back: 做完了，有结果或异常；到期、被打断时还没有做完的不是。
    """

    value: Any = None
    error: BaseException | None = None
    begun: bool = True
    back: bool = True


def together(
    jobs: Mapping[str, Callable[[], Any]],
    limit_s: float,
    found: dict[str, Answer] | None = None,
    *,
    stop: Callable[[], object] | None = None,
    grace_s: float = 0.0,
) -> dict[str, Answer]:
    """都开始，再一家一家等，一共最多 ``limit_s`` 秒；次序照给的。

    Args:
        jobs: 名字 → 做什么。
        limit_s: 秒。
        found: 写在这里；Ctrl-C 的时候，这里面也有每一家那时的样子。
        stop: Ctrl-C 的时候叫做着的停下。
        grace_s: 叫了之后再等它们这么多秒。

    Raises:
        KeyboardInterrupt: 被打断；没有开始的不做。
    """
    found = {} if found is None else found
    ends = time.monotonic() + limit_s
    asides: dict[str, Aside[Any]] = {}
    try:
        for name, job in jobs.items():
            asides[name] = Aside(job, f"{THREAD}-{name}")
            _start(name, asides, found)
        for name, aside in asides.items():
            if name not in found:
                found[name] = _answer(aside, ends - time.monotonic())
    except KeyboardInterrupt:
        if stop is not None:
            stop()
        ends = time.monotonic() + grace_s
        for name in jobs:
            if name not in found:
                begun = name in asides and asides[name].thread.ident is not None
                left_s = ends - time.monotonic()
                found[name] = _answer(asides[name], left_s) if begun else Answer(begun=False)
        raise
    return found


def _start(name: str, asides: dict[str, Aside[Any]], found: dict[str, Answer]) -> None:
    try:
        asides[name].start()
    except RuntimeError as exc:
        found[name] = Answer(None, exc, begun=False)


def _answer(aside: Aside[Any], left_s: float) -> Answer:
    try:
        return Answer(aside.result(max(left_s, 0.0)))
    except AbandonedError as exc:
        return Answer(None, exc, back=False)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # noqa: BLE001  各家自己的异常，带回去一起说
        return Answer(None, exc)
