"""几台机器：从一份存储领额度，一笔一笔发，手上还有没有花完的时候杀掉自己。"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from easytrader.agent.budgets import Budgets
from easytrader.backend.records import OrderRequest
from easytrader.codes import OrderType, PriceType
from easytrader.fleets.address import open_store
from easytrader.market.symbols import parse_security

if TYPE_CHECKING:
    from easytrader.basics.numbers import Number

PLACES = ("fleet", "group:g", "account:a", "strategy:s")
SENT = 37


class View:
    """行情。"""

    top: Number | None = None
    last: float | None = None

    def multiplier(self, stock_code: str) -> int:
        return 1

    def limit_up(self, stock_code: str) -> Number | None:
        return self.top

    def last_price(self, stock_code: str) -> float | None:
        return self.last

    def total_asset(self) -> Number:
        raise AssertionError("不该问")


def order(volume: Any = 100, price: Any = 10.0) -> OrderRequest:
    kind = PriceType.LATEST if price == 0 else PriceType.FIX
    return OrderRequest(parse_security("600036"), OrderType.BUY, volume, kind, price, "", "", "tag")


def box(dsn: str, name: str) -> None:
    budgets = Budgets(open_store(dsn, 10), name)
    for number in range(SENT):
        budgets.admit(f"k{number}", PLACES, order(), View(), time.monotonic() + 10)
        os.write(1, b"x")
    os.kill(os.getpid(), signal.SIGKILL)


def main(dsn: str, *names: str) -> None:
    """一次导入，一台机器 fork 一个。"""
    pids = []
    for name in names:
        pid = os.fork()
        if not pid:
            box(dsn, name)
        pids.append(pid)
    for pid in pids:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


if __name__ == "__main__":
    main(*sys.argv[1:])
