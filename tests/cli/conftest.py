from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cli_helpers import ACCOUNT
from remote_brokers import RemoteMemory
from shell_helpers import Shell
from support import ACCOUNT as SIM_ACCOUNT

from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """已经建好、没有人服务的模拟文件夹（路径带空格和中文）。"""
    return create(tmp_path / "模拟 userdata_mini", [AccountConfig(ACCOUNT)]).path


@pytest.fixture
def shell(sim_folder: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """命令都用这一个模拟账户，嵌在本进程里。"""
    return Shell(capsys, "--broker", "sim", "--path", str(sim_folder), "--account", SIM_ACCOUNT)


@pytest.fixture
def live(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Shell, RemoteMemory]]:
    """真的账户：不是自带的模拟，隔着服务器，断得了、丢得了应答。"""
    broker = RemoteMemory(tmp_path / "server")
    monkeypatch.setenv("EASYTRADER_TOKEN", broker.world.token)
    where = ("--broker", "remote", "--path", f"http://127.0.0.1:{broker.port}")
    yield Shell(capsys, *where, "--account", "main", "--timeout", "2"), broker
    broker.close()
