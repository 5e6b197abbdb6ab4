from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from easytrader.sim import install
from easytrader.sim.host import hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import SimProcess


@pytest.fixture
def xtdata(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """厂商自己的 ``xtdata.py``，一行不改；用完断开。"""
    install.install()
    from xtquant import xtdata

    monkeypatch.setattr(xtdata, "enable_hello", False)
    monkeypatch.setattr(hub.HUB, "latest", "")
    monkeypatch.delenv("EASYTRADER_SIM", raising=False)
    xtdata.disconnect()
    yield xtdata
    xtdata.disconnect()


@pytest.fixture(params=["embedded", "served"])
def market(
    request: pytest.FixtureRequest,
    sim_folder: Path,
    xtdata: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """连着模拟文件夹的 xtdata：柜台嵌在本进程里，或在另一个进程里。"""
    if request.param == "served":
        request.getfixturevalue("served")
    monkeypatch.setenv("EASYTRADER_SIM", str(sim_folder))
    return xtdata


@pytest.fixture
def embedded(sim_folder: Path, xtdata: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """同 `market`，只嵌在本进程里。"""
    monkeypatch.setenv("EASYTRADER_SIM", str(sim_folder))
    return xtdata


@pytest.fixture
def process(
    served: SimProcess, sim_folder: Path, xtdata: Any, monkeypatch: pytest.MonkeyPatch
) -> SimProcess:
    """xtdata 连着的服务进程。"""
    monkeypatch.setenv("EASYTRADER_SIM", str(sim_folder))
    return served
