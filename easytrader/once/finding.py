"""按 ``client_order_id`` 或标记找委托。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from easytrader import tags
from easytrader.errors import QueryFailedError
from easytrader.once.doubts import Doubts, OtherDayError, Verdict, with_tag
from easytrader.records import storage as marks

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.broker import Session
    from easytrader.model import OrderLike
    from easytrader.once.records import Records
    from easytrader.records.storage import Intent

_PEEK_S: Final = 0.02
"""等别的进程的结果时，隔多久看一眼记录。"""
_RETRY_S: Final = 0.1


class Finder:
    """`Once` 里找的那一半。"""

    if TYPE_CHECKING:
        get_session: Callable[[], Session]
        doubts: Doubts
        _account_id: str
        _records: Records
        _busy: dict[str, Any]

    def find(self, name: str, timeout_s: float) -> OrderLike | None:
        """按 ``client_order_id`` 或标记找委托；None 表示确实没有到柜台。

        Raises:
            QueryFailedError: 期限内核对不清楚，或是往日的委托。
            NotConnectedError: 没有可用会话。
        """
        deadline = time.monotonic() + timeout_s
        tag = tags.tag_for(self._account_id, name)
        while True:
            intent = self._records.find(name, deadline)
            if intent is not None and self._being_sent(intent):
                if time.monotonic() >= deadline:
                    raise QueryFailedError(f"{name} 正在发，还没有结果；请稍后再问")
                self._records.wait(_PEEK_S)
                continue
            if intent is not None:
                tag = intent.tag
            elif name in self.doubts or name in self.doubts.stale:
                tag, intent = name, self.doubts.intent(name)
            if tag in self.doubts.stale:
                raise QueryFailedError(_OTHER_DAY.format(name))
            if tag not in self.doubts and (intent is None or intent.state not in marks.OPEN):
                return self._find_known(name, tag, intent, deadline)
            if intent is not None:
                self.doubts.add(tag, intent)
            order = self._find_doubt(name, tag, intent, deadline)
            settled = self._records.find(name, deadline)  # 核对的这会儿，别的程序可能又发了一次
            if order is not None or settled is None or settled.state in marks.FREE:
                return order

    def _being_sent(self, intent: Intent) -> bool:
        """此刻有人正在发它：没有查到不说明什么。"""
        if intent.state != marks.SENDING:
            return False
        owner = self._records.open()[1]
        if intent.owner == owner.name:
            return intent.client_order_id in self._busy
        return owner.is_alive(intent.owner, intent.created)

    def _find_doubt(
        self, name: str, tag: str, intent: Intent | None, deadline: float
    ) -> OrderLike | None:
        try:
            verdict = self.doubts.settle(tag, intent, deadline)
        except OtherDayError:
            raise QueryFailedError(_OTHER_DAY.format(name)) from None
        return _known(name, verdict)

    def _find_known(
        self, name: str, tag: str, intent: Intent | None, deadline: float
    ) -> OrderLike | None:
        """没有悬着的疑问。"""
        if intent is None:  # 没有记录：可能是标记，可能是别的机器下的
            return _known(name, self.doubts.settle_stranger((tag, name), deadline))
        while True:
            session = self.get_session()
            with session.until(deadline):
                order = with_tag(session.orders(), tag)
            if order is not None or intent.state != marks.PLACED:
                return order
            day = self.doubts.day_of(intent.created)
            if day != self.doubts.day_of(time.time()) or time.monotonic() >= deadline:
                raise QueryFailedError(
                    f"{name} 在 {day} 已经成为委托 {intent.order_id}，"
                    "但当日委托里还查不到、或已经查不到它"
                )
            self._records.wait(min(_RETRY_S, deadline - time.monotonic()))  # 查询是缓存


_OTHER_DAY: Final = "{} 不是今天发的，现在核对不了；请看历史委托"


def _known(name: str, verdict: Verdict) -> OrderLike | None:
    if verdict == Verdict(None):
        raise QueryFailedError(
            f"{name} 还核对不清楚：要隔几秒看两次都没有，才能认定它没有到柜台；请稍后再问"
        )
    return verdict.order
