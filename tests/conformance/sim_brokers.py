"""一致性测试的把手：嵌在本进程里的模拟柜台、另一个进程里服务着的模拟柜台。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

from support import ACCOUNT, SimProcess, hurry, make_folder

import easytrader
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.host.faults import Faults
from easytrader.sim.quotes.board import Board
from easytrader.testing import Broker

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.trader import Trader


class SimBroker(Broker):
    """两种的共同部分。"""

    security = "600000"
    refused_amount = 10_000_000
    timeout_s = 1.5

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = make_folder(folder / "国金 QMT交易端" / "userdata_mini", **settings)
        self.query_lag_s = SimFolder.open(self.folder).config.broker.query_lag_s
        self.faults = Faults(self.folder)
        # 合成的价格天天不同：照此刻的盘口，离涨跌停和价格笼子都远
        code = f"{self.security}.SH"
        quote = Board(SimFolder.open(self.folder)).snapshot([code], time.time())[code]
        self.crossing_price = round(quote["askPrice"][0] + 0.05, 2)
        self.resting_price = round(quote["bidPrice"][0] - 0.5, 2)

    def break_link(self) -> None:
        self.faults.refuse_connect(1000)
        self.faults.disconnect()

    def restore_link(self) -> None:
        self.faults.clear()

    def lose_answer(self, verb: Literal["submit", "cancel", "query"]) -> None:
        self.faults.drop_answer(verb)

    def break_after_submit(self) -> None:
        self.faults.disconnect_on("submit", when="after")

    def _open(self, trader: Trader, callback: Any, options: dict[str, Any]) -> None:
        settings = {"timeout": 10, "reconnect_interval": 0.2, **options}
        trader.connect(str(self.folder), ACCOUNT, callback, **settings)
        hurry(trader, self.timeout_s)


class EmbeddedSim(SimBroker):
    """`use('sim')`：柜台嵌在本进程里；占着它，断线期间也在。"""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self._keeper = self.trader()
        self.connect(self._keeper)

    def trader(self) -> Trader:
        return easytrader.use("sim")

    def connect(self, trader: Trader, callback: Any = None, **options: Any) -> None:
        self._open(trader, callback, options)

    def close(self) -> None:
        self._keeper.close()


class ServedSim(SimBroker):
    """`use('miniqmt')` 连另一个进程里服务着的文件夹。"""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self._process = SimProcess(self.folder)
        self._process.start()

    def trader(self) -> Trader:
        return easytrader.use("miniqmt")

    def connect(self, trader: Trader, callback: Any = None, **options: Any) -> None:
        self._open(trader, callback, options)

    def close(self) -> None:
        self._process.kill()
