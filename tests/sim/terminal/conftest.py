from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import ACCOUNT
from terminal_socket import TerminalSocket

from easytrader.sim.config.folder import AccountConfig, SimFolder, create
from easytrader.sim.host.host import Host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def terminal_folder(tmp_path: Path) -> SimFolder:
    return create(tmp_path / "大 QMT 模拟", [AccountConfig(ACCOUNT, cash=1_000_000)])


@pytest.fixture
def terminal_host(terminal_folder: SimFolder) -> Iterator[Host]:
    host = Host(terminal_folder)
    yield host
    host.close()


@pytest.fixture
def raw_terminal(terminal_host: Host) -> Iterator[TerminalSocket]:
    client = TerminalSocket(terminal_host.info)
    assert client.greeting[0] == "welcome"
    yield client
    client.close()
