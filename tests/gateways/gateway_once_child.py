"""在下单的某一处被杀死的进程；由 test_gateways_orders_once 启动：``python 本文件 柜台 哪一处``。"""

from __future__ import annotations

import os
import sys
from typing import Any

from gateway_orders_gear import STOCK, connected
from sim_gateway import SimCounter, SimGateway

from easytrader.gateways.exactly import Notes

DEAD = 37


def die(*_: Any) -> None:
    """像断电一样：什么都不收尾。"""
    os._exit(DEAD)


def main(name: str, where: str) -> None:
    """下一笔，死在 ``where``。"""
    counter = SimCounter(name, **{STOCK: 1000})
    counter.carries_reference = False
    real = SimGateway.send_order

    def sent_then_die(self: SimGateway, req: Any) -> str:
        real(self, req)
        counter.settle()
        die()
        return ""

    if where == "before":
        SimGateway.send_order = die  # type: ignore[assignment, method-assign]
    elif where == "inside":
        SimGateway.send_order = sent_then_die  # type: ignore[method-assign]
    elif where == "unwritten":
        Notes.sent = die  # type: ignore[assignment, method-assign]
    with connected(counter) as user:
        user.buy(STOCK, 39, 100, client_order_id="a", remark="第 3 格")
        die()


if __name__ == "__main__":
    main(*sys.argv[1:])
