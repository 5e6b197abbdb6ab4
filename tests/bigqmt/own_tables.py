"""`session_world.Site` 上再方便一些：下单时做什么、卡住、换进程、列表一句话写完，用完一起收掉。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import session_world
from session_world import Site
from session_world import account as account_row

from easytrader.basics import waits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent_world import Row

    from easytrader.trader import Trader

__all__ = ["CODE", "OwnTables", "account_row", "deal", "order"]

CODE = "600036"


def order(number: int, tag: str = "", **changes: Any) -> Row:
    """一笔今天的委托；``tag`` 是备注。"""
    return session_world.order(number, **{"m_strRemark": tag, **changes})


def deal(trade: str, number: int, **changes: Any) -> Row:
    """一笔今天的成交，``number`` 是委托的合同编号。"""
    return session_world.deal(trade, str(number), **changes)


class OwnTables(Site):
    """见模块说明。

    Attributes:
        paused: 为真时定时器不响：客户端卡住了。
    """

    def __init__(self, place: Path, **told: Any) -> None:
        self.paused = False
        self._users: list[Trader] = []
        super().__init__(place, **told)

    def user(self, callback: Any = None, **options: Any) -> Trader:
        """连好的交易口。"""
        made: Trader = self.connect(callback, **{"timeout": 3, "row_wait": 0.4, **options})
        self._users.append(made)
        return made

    def says(self, name: str, *args: Any) -> None:
        """终端的回调。"""
        with self._gate:
            self.call_back(name, *args)

    def shows(self, *rows: Row, kind: str = "ORDER") -> None:
        """列表里现在有这些。"""
        with self._gate:
            self.tables[kind] = list(rows)

    def restart(self) -> None:
        """客户端没了又起来：换一个进程，什么都不记得。"""
        with self._gate:
            super().restart()

    def answer_with(self, act: Callable[[str], Any]) -> None:
        """每次下单时做什么；参数是标记（终端的 ``userOrderId``）。"""
        self.on_passorder = lambda: act(self.tag)

    def close(self) -> None:
        for trader in self._users:
            trader.close()
        super().close()

    def _ring(self) -> None:
        while not waits.event(self._over, session_world.PERIOD_S):
            if not self.paused:
                with self._gate:
                    self.module["_et_tick"](self.context)
