"""交易口的测试：都走真正的厂商代码（xttrader.py），柜台是模拟的。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, Recorder

import easytrader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def user(sim_folder: Path, recorder: Recorder) -> Iterator[easytrader.brokers.sim.SimTrader]:
    """嵌在本进程里的模拟账户。"""
    trader = easytrader.use("sim")
    trader.connect(str(sim_folder), ACCOUNT, recorder, timeout=5)
    yield trader
    trader.close()


@pytest.fixture
def connect(sim_folder: Path) -> Iterator[Callable[..., Any]]:
    """按真实用法连接被服务的文件夹：use('miniqmt')。"""
    opened = []

    def open_(callback: Any = None, **options: Any) -> Any:
        trader = easytrader.use("miniqmt")
        opened.append(trader)
        settings = {"reconnect_interval": 0.2, "timeout": 5, **options}
        trader.connect(str(sim_folder), ACCOUNT, callback, **settings)
        return trader

    yield open_
    for trader in opened:
        trader.close()
