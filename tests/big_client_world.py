"""测试用的：本进程里一个模拟的完整版客户端，跑着真的中转；同一个文件夹 MiniQMT 也连得上。"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from easytrader.bigqmt import agentfile
from easytrader.sim.host import hub
from easytrader.sim.terminal.client.link import Link
from easytrader.sim.terminal.client.manners import MANNERS
from easytrader.sim.terminal.client.terminal import Terminal
from easytrader.sim.terminal.client.trading import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PERIOD_MS = 10


@contextmanager
def big_client(
    folder: Path,
    account: str,
    account_type: str = "STOCK",
    *,
    manners: str = "instant",
    orders: bool = True,
    **options: Any,
) -> Iterator[Terminal]:
    """客户端开着、中转在里面跑着，直到离开。"""
    settings = agentfile.settings_for(account, account_type)
    settings = settings._replace(allow_orders=orders, period_ms=PERIOD_MS)
    host = hub.acquire(folder)
    try:
        link = Link("127.0.0.1", host.info.port, host.info.token)
        terminal = Terminal(link, MANNERS[manners], Desk, folder=str(folder))
        source = agentfile.render(settings).encode("ascii")
        terminal.load(source, account=account, account_type=account_type, replay_bars=3, **options)
        thread = threading.Thread(target=terminal.run, name="big-client-main")
        thread.start()
        try:
            yield terminal
        finally:
            terminal.stop()
            thread.join(10)
    finally:
        hub.release(folder, host)
