"""另一个进程里的计数：``risk_process.py 文件 动作 次数``。"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time

from easytrader.errors import RiskRefusedError
from easytrader.risk import Meter


def main() -> None:
    path, what, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    {"race": race, "pace": pace, "fork": fork, "hold": hold}[what](path, count)


def race(path: str, limit: int) -> None:
    """拿到拿不到为止，报告拿了几个。"""
    meter, got = Meter(path), 0
    try:
        while True:
            meter.take("order", None, limit, time.monotonic() + 10)
            got += 1
    except RiskRefusedError:
        print(got)
    meter.close()


def pace(path: str, count: int) -> None:
    """每秒 40 次，报告从什么时候到什么时候。"""
    meter, began = Meter(path), time.time()
    for _ in range(count):
        meter.take("order", 40, None, time.monotonic() + 60)
    print(began, time.time())
    meter.close()


def fork(path: str, count: int) -> None:
    """父子各拿 ``count`` 次。"""
    meter = Meter.open(path)
    for _ in range(count):
        meter.take("order", None, None, time.monotonic() + 10)
    child = os.fork()
    own = Meter.open(path) if child == 0 else meter
    assert (own is meter) == (child != 0)
    if child == 0:
        for _ in range(count):
            own.take("order", None, None, time.monotonic() + 10)
        own.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert meter.read()["today"] == 2 * count + 1
    meter.close()
    print("ok")


def hold(path: str, count: int) -> None:
    """占着写锁不放，等着被杀。"""
    meter = Meter(path)
    meter.seed(0)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    print("held", flush=True)
    threading.Event().wait(60)


if __name__ == "__main__":
    main()
