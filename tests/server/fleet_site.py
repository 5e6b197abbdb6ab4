"""一个没有自己的账号、只看机队的服务器；存储里三个账号，没有代理在跑。"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx

from easytrader.fleets.sqlite import SqliteStore
from easytrader.server.config import ServerConfig
from easytrader.server.serve import Serving
from easytrader.server.tokens import Tokens

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("成长一号", "价值二号", "量化三号")


def soon() -> float:
    return time.monotonic() + 5


class Site:
    """见模块说明。"""

    def __init__(self, folder: Path) -> None:
        file = folder / "队 里" / "fleet.sqlite"
        self.store = SqliteStore(file)
        self.leases: list[Any] = []
        for number, name in enumerate(NAMES):
            self._own(name, number)
        self.tokens = Tokens(folder / "tokens.json")
        self.trade = self.tokens.add("alice", ["trade"])
        self.all = self.tokens.add("boss", ["trade", "funds"])
        self.read = self.tokens.add("bob", ["read"])
        self.mine = self.tokens.add("carol", ["trade"], accounts=["成长一号"])
        config = ServerConfig((), port=0, fleet=f"sqlite:///{file.as_posix()}")
        self.server = Serving(config, tokens=self.tokens)
        self.server.start()

    def _own(self, name: str, number: int) -> None:
        lease: Any = self.store.acquire(
            name, owner=f"o{number}", box=f"WIN-{number}", broker="miniqmt",
            groups=["成长"] if number == 0 else ["别的"], takeover="manual", previous="",
            address="", deadline=soon(),
        )  # fmt: skip
        glance = json.dumps({"total_asset": 1_234_567.89, "orders": 12, "spooled": 3})
        self.store.publish(lease, json.dumps({"state": "已连接"}), glance, soon())
        if number == 2:
            self.store.release([lease], soon())
        else:
            self.leases.append(lease)

    def ask(self, token: str, path: str = "", body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.server.url}/v1/fleet{path}"
        if body is None:
            return httpx.get(url, headers=headers)
        return httpx.post(url, headers=headers, json=body)

    def seen(self, token: str) -> dict[str, Any]:
        self.store.renew(self.leases, soon())  # 机器再慢，租约也没有过期
        found: dict[str, Any] = self.ask(token).json()["result"]
        return found

    def close(self) -> None:
        self.server.stop()
        self.store.close()
