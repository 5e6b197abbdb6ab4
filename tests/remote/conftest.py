"""远程的交易口，隔着真的服务器、会坏的网线。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from remote_brokers import RemoteWire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import Recorder


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[RemoteWire]:
    """服务器上一个内存柜台的账号 ``main``；到它的网线会坏。"""
    one = RemoteWire(tmp_path / "server")
    yield one
    one.close()


@pytest.fixture
def remote(wire: RemoteWire, recorder: Recorder) -> Iterator[Any]:
    """连好了的远程交易口，期限 3 秒。"""
    trader = wire.trader()
    wire.connect(trader, recorder, timeout=3)
    yield trader
    trader.close()
