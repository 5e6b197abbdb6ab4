"""行情订阅：一个线程看着行情，变了就把新的交给各个回调。用到才启动，没有订阅就停。"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.errors import SimulatorError
from easytrader.sim.native.io_thread import call_quietly

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Feed", "QuotePump"]

_LOOK_S: Final = 0.2
"""隔多久看一眼行情走了没有。"""
_JOIN_S: Final = 2.0


@dataclass(slots=True)
class Feed:
    """一个订阅。

    ``callback``：交给谁，None 只占一个订阅号；``latest``：取最近几根 K 线，None 为快照。
    ``past``：先交的历史；``listed``：每只证券交的是列表（单股订阅），还是一个字典（全推）；``seen``：各代码上一次交的。
    """

    codes: list[str]
    callback: Callable[[Any], None] | None
    latest: Callable[[int], list[dict[str, Any]]] | None = None
    past: list[dict[str, Any]] = field(default_factory=list)
    listed: bool = False
    seen: dict[str, Any] = field(default_factory=dict)

    def news(self, ticks: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """与上一次相比变了的。"""
        found: dict[str, Any] = {}
        for code in self.codes:
            now = ticks.get(code)
            if now is None or self.seen.get(code) == now["time"]:
                continue
            self.seen[code] = now["time"]
            rows = [dict(now)] if self.latest is None else self.latest(1)
            found[code] = rows if self.listed else rows[0]
        return found


class QuotePump:
    """``snapshot(codes)`` 取快照；连接断了抛 `SimulatorError`，线程随之结束。"""

    def __init__(self, snapshot: Callable[[list[str]], dict[str, dict[str, Any]]]) -> None:
        self._snapshot = snapshot
        self._numbers = itertools.count(1)
        self._feeds: dict[int, Feed] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._nudge = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, feed: Feed) -> int:
        """订阅；返回大于 0 的号。第一次交付在行情线程上，很快就来。"""
        with self._lock:
            number = next(self._numbers)
            self._feeds[number] = feed
            if feed.callback is not None and self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="easytrader-sim-quotes", daemon=True
                )
                self._thread.start()
        self._nudge.set()
        return number

    def remove(self, number: int) -> None:
        """退订。"""
        with self._lock:
            self._feeds.pop(number, None)

    def close(self) -> None:
        """停下；在回调里调用不等。"""
        self._stop.set()
        self._nudge.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                feeds = [
                    (number, feed)
                    for number, feed in self._feeds.items()
                    if feed.callback is not None
                ]
            if feeds and not self._look(feeds):
                return
            self._nudge.wait(_LOOK_S)
            self._nudge.clear()

    def _look(self, feeds: list[tuple[int, Feed]]) -> bool:
        """看一眼；断了为假。"""
        codes = list(dict.fromkeys(code for _, feed in feeds for code in feed.codes))
        try:
            ticks = self._snapshot(codes)
            for number, feed in feeds:
                self._give(number, feed, ticks)
        except SimulatorError as error:
            if not self._stop.is_set():
                logger.warning("行情订阅停止：{}", error)
            return False
        return True

    def _give(self, number: int, feed: Feed, ticks: dict[str, dict[str, Any]]) -> None:
        past, feed.past = feed.past, []
        assert feed.callback is not None
        if past:
            call_quietly(feed.callback, {feed.codes[0]: past})
        news = feed.news(ticks)
        if news and number in self._feeds and not self._stop.is_set():
            call_quietly(feed.callback, news)
