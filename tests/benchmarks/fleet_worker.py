"""一队账号的性能对比里的一个策略进程：``python fleet_worker.py 地址 账号,账号…``。

从标准输入一行一个 JSON 命令，做完回一行：
``{"times": 200}`` 一笔接一笔，轮着各个账号，回 ``{"took": [秒, …]}``；
``{"seconds": 3, "threads": 4}`` 每个账号几个线程一起做这么久，回 ``{"done": …, "took": 秒}``。
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any


def main(dsn: str, accounts: str) -> None:
    from loguru import logger

    import easytrader
    from easytrader.fleets.address import open_store

    logger.remove()
    store = open_store(dsn, 10)  # 几个账号合用：一个进程两三条连接
    users = []
    for account in accounts.split(","):
        user: Any = easytrader.use("fleet")
        user.connect(store, account=account, timeout=10, wait=60)
        users.append(user)
    numbers = itertools.count()

    def buy(user: Any) -> bool:
        """机器忙，轮到的时候晚了的不发：不算。"""
        with suppress(easytrader.NotConnectedError):
            user.buy("600036", 10.5, 100, client_order_id=f"{os.getpid()}-{next(numbers)}")
            return True
        return False

    def timed(user: Any) -> float:
        began = time.perf_counter()
        buy(user)
        return time.perf_counter() - began

    print("{}", flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        if "times" in told:
            found = {"took": [timed(users[n % len(users)]) for n in range(told["times"])]}
        else:
            found = _together(users, told["threads"], told["seconds"], buy)
        print(json.dumps(found), flush=True)
    for user in users:
        user.close()
    store.close()


def _together(users: list[Any], threads: int, seconds: float, buy: Any) -> dict[str, Any]:
    began = time.perf_counter()
    end = began + seconds
    counts = []

    def run(user: Any) -> None:
        done = 0
        while time.perf_counter() < end:
            done += buy(user)
        counts.append(done)

    crowd = [threading.Thread(target=run, args=(user,)) for user in users for _ in range(threads)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    return {"done": sum(counts), "took": time.perf_counter() - began}


if __name__ == "__main__":
    main(*sys.argv[1:])
