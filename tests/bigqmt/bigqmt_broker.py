"""一致性测试的把手：完整版客户端在本进程的线程里，或是真的 3.6 进程。"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from bad_proxy import BadProxy
from big_client import Inside, Served
from support import ACCOUNT, eventually, make_folder

import easytrader
from easytrader.bigqmt import agentfile
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.host.faults import Faults
from easytrader.sim.host.host import Host
from easytrader.sim.quotes.board import Board
from easytrader.sim.terminal.client.manners import MANNERS
from easytrader.testing import Broker

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.bigqmt.agentfile import Settings
    from easytrader.sim.terminal.client.manners import Manners
    from easytrader.trader import Trader

__all__ = ["InsideBroker", "ServedBroker", "hurried"]

_PERIOD_MS = 5
_LATE_S = 0.4
"""丢了应答的：行比期限晚这么多才出现。"""


def hurried(trader: Any, timeout_s: float) -> None:
    """连上之后把期限改短：机器再忙也要连得上，丢了应答的又不必久等。"""
    trader._engine._connector.timeout_s = timeout_s
    trader._session._limit_s = timeout_s


class _BigBroker(Broker):
    """两种的共同部分；中转与交易口之间有一条会断的线。"""

    security = "600000"
    refused_amount = 10_000_000
    timeout_s = 1.2

    def __init__(self, place: Path, **settings: Any) -> None:
        self.folder = make_folder(place / "国金 QMT 完整版", **settings)
        code = f"{self.security}.SH"
        quote = Board(SimFolder.open(self.folder)).snapshot([code], time.time())[code]
        self.crossing_price = round(quote["askPrice"][0] + 0.05, 2)
        self.resting_price = round(quote["bidPrice"][0] - 0.5, 2)
        found = agentfile.settings_for(ACCOUNT)._replace(
            allow_orders=True, period_ms=_PERIOD_MS, spool="", pipe=""
        )
        self.agent = self._write(place / "agent.py", found)
        self.proxy = BadProxy(found.ports[0])
        outside = found._replace(ports=(self.proxy.port, 0, 0, 0, 0))
        self.outside = self._write(place / "outside.py", outside)

    def trader(self) -> Trader:
        return easytrader.use("bigqmt")

    def connect(self, trader: Trader, callback: Any = None, **options: Any) -> None:
        wait_s = self.timeout_s + 2 * _LATE_S
        settings = {"timeout": 10, "reconnect_interval": 0.2, "row_wait": wait_s, **options}
        trader.connect(str(self.folder), ACCOUNT, callback, agent=self.outside, **settings)
        hurried(trader, self.timeout_s)

    def break_link(self) -> None:
        self.proxy.refuse(1000)
        self.proxy.cut()

    def restore_link(self) -> None:
        self.proxy.calm()

    def close(self) -> None:
        self.proxy.close()

    def _write(self, path: Path, settings: Settings) -> Path:
        path.write_text(agentfile.render(settings), "ascii")
        return path


class InsideBroker(_BigBroker):
    """客户端在本进程的一个线程里，钟是真的。"""

    def __init__(self, place: Path, manners: Manners = MANNERS["instant"], **settings: Any) -> None:
        super().__init__(place, **settings)
        self.manners = manners
        self.host = Host(SimFolder.open(self.folder), kind="serve")
        self.client = Inside(self.folder, self.agent, manners, bars=1)
        self.client.start()

    def lose_answer(self, verb: Literal["submit", "cancel", "query"]) -> None:
        if verb == "query":
            self.client.hang(self.timeout_s + _LATE_S)
            return
        self.query_lag_s = lag_s = self.timeout_s + _LATE_S
        self.client.behave(self.manners.changed(order_lag_s=lag_s, callback_lag_s=lag_s))

    def break_after_submit(self) -> None:
        terminal = self.client._terminal
        assert terminal is not None

        def cut(where: str) -> None:
            if where == "after":
                terminal.set_probe(lambda _: None)
                self.proxy.cut()

        terminal.set_probe(cut)

    def close(self) -> None:
        super().close()
        self.client.kill()
        self.host.close()


class ServedBroker(_BigBroker):
    """``easytrader sim serve … --terminal big``：真的 3.6 进程（找得到的话）。"""

    timeout_s = 2.0

    def __init__(self, place: Path, python: str | None = None, **settings: Any) -> None:
        super().__init__(place, **settings)
        self.client = Served(self.folder, self.agent, python, manners="instant")
        self.client.start()
        eventually(self._is_listening)
        self.faults = Faults(self.folder)

    def _is_listening(self) -> bool:
        """中转装好了，在听。"""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.proxy.target), 1.0):
            return True
        return False

    def lose_answer(self, verb: Literal["submit", "cancel", "query"]) -> None:
        if verb == "query":
            self.faults.terminal("hang", seconds=self.timeout_s + _LATE_S)
            return
        self.query_lag_s = lag_s = self.timeout_s + _LATE_S
        self.faults.terminal("set", fields={"order_lag_s": lag_s, "callback_lag_s": lag_s})

    def close(self) -> None:
        super().close()
        self.client.kill()
