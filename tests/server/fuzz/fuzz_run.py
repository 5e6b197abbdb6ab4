"""一批一批地打，每一批之后看：还活着、好的客户端还能用、内存没有涨、账上没有不该有的委托。"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from fuzz_bytes import Target, case
from fuzz_shoot import shoot
from raw_ws import http

if TYPE_CHECKING:
    from collections.abc import Iterable

    from remote_serve import ServeProcess

__all__ = ["BATCH", "GROWTH", "TOKENS", "Fuzz"]

TOKENS: Final = ("", "read", "trade", "revoked")
"""没有、只读、上限很小的买卖、已经收回的。"""
_TURNS: Final = ("read", "trade", "", "trade", "read", "revoked")
"""一批一个令牌，轮着来：进得了门的多来几次。"""
MAX_ORDER, MAX_DAY = 5_000, 20_000
BATCH: Final = 500
GROWTH: Final = 48 << 20
"""内存：头两批之后最多再涨这么多字节。"""
_GOOD_S: Final = 5.0
_ORDERS: Final = "SELECT order_id, stock_code, volume, price_li, limit_li FROM orders"


class Placed(NamedTuple):
    """账上的一笔；``value`` 元，市价按涨停价。"""

    order_id: int
    stock_code: str
    value: float


class Fuzz:
    """对着一个跑着的服务器。"""

    def __init__(self, server: ServeProcess, workers: int = 12) -> None:
        self.server = server
        self.good = server.token("good", "read")
        self.tokens = {
            "": "",
            "read": server.token("fuzz-read", "read"),
            "trade": server.token(
                "fuzz-trade", "trade", "--max-order", str(MAX_ORDER), "--max-day", str(MAX_DAY)
            ),
            "revoked": server.token("fuzz-revoked", "trade"),
        }
        server.run("token", "revoke", "fuzz-revoked")
        self.count: Counter[str] = Counter()
        self.found: list[str] = []
        self._workers = workers
        self._rss: list[int] = []
        self._lock = threading.Lock()

    def run(self, seed: int, indices: Iterable[int]) -> list[str]:
        """打这些序号；返回找到的毛病。"""
        for _, batch in groupby(indices, lambda index: index // BATCH):
            self._batch(seed, list(batch))
        return self.found

    def _batch(self, seed: int, indices: list[int]) -> None:
        # 一批一个令牌：账上多了委托，看得出是谁的
        who = _TURNS[indices[0] // BATCH % len(_TURNS)]
        target = Target(self.server.port, self.server.account, self.tokens[who])
        before = {each.order_id for each in self.orders()}
        with ThreadPoolExecutor(self._workers, thread_name_prefix="fuzz") as pool:
            list(pool.map(lambda index: self._one(seed, index, target, who), indices))
        self.after(f"种子 {seed} 序号 {indices[0]}–{indices[-1]} 令牌 {who or '没有'}", who, before)

    def _one(self, seed: int, index: int, target: Target, who: str) -> None:
        made = case(seed, index, target)
        try:
            found = shoot(made, target, welcome=who in ("read", "trade"))
        except OSError as exc:
            found = [f"{made.name}：连不上 {exc!r}"]
        with self._lock:
            self.count[made.name] += 1
            self.found += [f"{seed}:{index} {who or '没有'} {each}" for each in found]

    def orders(self) -> list[Placed]:
        """直接读柜台的账。"""
        address = f"{(self.server.folder / 'easytrader_sim.sqlite3').as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=5)) as db:
            rows = db.execute(_ORDERS).fetchall()
        return [
            Placed(number, code, volume * (price or limit) / 1000)
            for number, code, volume, price, limit in rows
        ]

    # ---- 每一批之后

    def after(self, what: str, who: str, before: set[int]) -> None:
        """看服务器还好不好。"""
        found = []
        if not self.server.running:
            found.append(f"服务器退出了：{self.server.said()}")
            self.server.start()
        elif not self._eventually_healthy():
            found.append("/healthz 不说 200")
        found += self._good_client()
        found += self._strange_orders(who, before)
        found += self._memory()
        self.found += [f"{what} 之后：{each}" for each in found]

    def _eventually_healthy(self) -> bool:
        deadline = time.monotonic() + _GOOD_S
        while not self.server.healthy():
            if time.monotonic() > deadline:
                return False
        return True

    def _good_client(self) -> list[str]:
        """有令牌的，垃圾之后照样一问就答：HTTP 与 WebSocket。"""
        try:
            status, _, body = http(
                self.server.port, "GET", self.server.url("balance"), self.good, timeout=_GOOD_S
            )
            if status != 200 or "result" not in json.loads(body):
                return [f"好的客户端：{status} {body[:200]!r}"]
            with self.server.ws(self.good, timeout=_GOOD_S) as link:
                told = link.call("balance")
            return [] if "result" in told else [f"好的客户端：{told}"]
        except (OSError, ValueError, KeyError) as exc:
            return [f"好的客户端用不了了：{exc!r}"]

    def _strange_orders(self, who: str, before: set[int]) -> list[str]:
        """没有买卖权限的一笔也不许多；有的，一笔、一天都不超。"""
        rows = self.orders()
        fresh = [each for each in rows if each.order_id not in before]
        if who != "trade":
            return [f"{who or '没有'}令牌下出了委托 {each}" for each in fresh]
        found = [f"超过每笔的上限：{each}" for each in fresh if each.value > MAX_ORDER]
        total = sum(each.value for each in rows)
        return [*found, f"超过每天的上限：{total}"] if total > MAX_DAY else found

    def _memory(self) -> list[str]:
        self._rss.append(self.server.rss)
        if len(self._rss) < 3:
            return []
        grown = self._rss[-1] - self._rss[1]
        if grown <= GROWTH:
            return []
        self._rss = self._rss[-1:] * 2  # 说一次就够，接着看还涨不涨
        return [f"内存涨了 {grown >> 20} MB"]
