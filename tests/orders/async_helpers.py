"""异步下单的测试共用的：记下异步应答的回调，挂一笔成交不了的买单。"""

from __future__ import annotations

from typing import Any

from support import Recorder

RESTING = 32.5
"""600036 的跌停价附近：挂得住，成交不了。"""


class AsyncRecorder(Recorder):
    """也记异步下单、撤单的应答。"""

    def on_order_stock_async_response(self, response: Any) -> None:
        self._take("order_response", response)

    def on_cancel_order_stock_async_response(self, response: Any) -> None:
        self._take("cancel_response", response)


def rest(user: Any, **options: Any) -> Any:
    """异步地挂一笔。"""
    return user.buy_async("600036", RESTING, 100, **options)


def remarks(user: Any) -> list[str]:
    """当日委托的备注。"""
    return [each["order_remark"] for each in user.today_entrusts]
