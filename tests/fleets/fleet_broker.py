"""机队的交易口，隔着真的存储、真的代理：一致性测试的把手，别的测试也用。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.server_world import World

import easytrader
from easytrader.agent.station import Station
from easytrader.fleets.address import open_store
from easytrader.testing import eventually
from easytrader.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.fleets.store import Store

__all__ = ["FleetMemory", "sqlite_dsn"]


def sqlite_dsn(folder: Path) -> str:
    """这个文件夹里的一份存储。"""
    return f"sqlite:///{(folder / '机队 一' / 'fleet.sqlite').as_posix()}"


class FleetMemory(MemoryBroker):
    """内存柜台在代理里，代理在本进程里；断的是代理与柜台之间。"""

    timeout_s = 3.0
    finds_out = True

    def __init__(self, folder: Path, dsn: str) -> None:
        super().__init__()
        self.folder, self.dsn = folder, dsn
        self.inner = super().trader()
        super().connect(self.inner, timeout=1, reconnect_interval=0.02)
        self.world = World(folder, {"main": self.inner})
        self.box = "box-1"
        self.station = self.start_station()

    def start_station(self, store: Store | None = None) -> Station:
        """起一个代理。"""
        given = open_store(self.dsn) if store is None else store
        station = Station(
            given, self.world.desks, box=self.box, groups=("a",), folder=self.folder / self.box
        )
        station.start()
        return station

    def trader(self) -> Any:
        return easytrader.use("fleet")

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        given = {"timeout": self.timeout_s, "reconnect_interval": 0.05, "wait": 10, **options}
        trader.connect(self.dsn, callback, account="main", **given)

    def restore_link(self) -> None:
        super().restore_link()
        eventually(lambda: self.inner.state == "已连接")

    def close(self) -> None:
        self.station.close()
        self.world.close()
        self.inner.close()
