"""远程的交易口，隔着真的服务器、真的端口：一致性测试的把手，别的测试也用。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bad_proxy import BadProxy
from server.server_world import World
from tenacity import Retrying, retry_if_exception, stop_after_attempt

import easytrader
from easytrader.errors import ConnectFailedError
from easytrader.testing import eventually
from easytrader.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from pathlib import Path

MANY = 1_000_000
_TRIES = 10


def _queued(exc: BaseException) -> bool:
    """期限只有半秒，机器忙时第一次补查在服务器上可能轮不到：不是这里要测的。"""
    return isinstance(exc, ConnectFailedError) and "还没有轮到" in str(exc)


class RemoteMemory(MemoryBroker):
    """内存柜台在服务器里，服务器在本进程里；断的是服务器与柜台之间。"""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.inner = super().trader()
        super().connect(self.inner, timeout=3, reconnect_interval=0.02)
        self.world = World(folder, {"main": self.inner})
        self.port = self.world.port

    def trader(self) -> Any:
        return easytrader.use("remote")

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        given = {"timeout": self.timeout_s, "reconnect_interval": 0.05, **options}
        where = f"http://127.0.0.1:{self.port}"
        patient = Retrying(
            stop=stop_after_attempt(_TRIES), retry=retry_if_exception(_queued), reraise=True
        )
        patient(trader.connect, where, callback, token=self.world.token, account="main", **given)

    def restore_link(self) -> None:
        super().restore_link()
        eventually(lambda: self.inner.state == "已连接")

    def close(self) -> None:
        self.world.close()
        self.inner.close()


class RemoteWire(RemoteMemory):
    """断的是这里与服务器之间。"""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.proxy = BadProxy(self.port)
        self.port = self.proxy.port

    def break_link(self) -> None:
        self.proxy.refuse(MANY)
        self.proxy.cut()

    def restore_link(self) -> None:
        self.proxy.calm()

    def orders_at_counter(self) -> list[dict[str, Any]]:
        return [dict(each) for each in self.inner.today_entrusts]

    def close(self) -> None:
        self.proxy.close()
        super().close()
