"""有真的行情模块时挑哪一个；已经导入了的换掉。"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from easytrader.sim import install
from easytrader.sim.host import hub
from easytrader.sim.native.quote_client import IPythonApiClient


class RealClient:
    """装作真的。"""


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = ModuleType("xtquant.datacenter")
    module.IPythonApiClient = RealClient
    module.rpc_init = lambda _: 7
    monkeypatch.setattr(hub.HUB, "latest", "")
    monkeypatch.delenv("EASYTRADER_SIM", raising=False)
    install._real_used.clear()
    yield module
    install._real_used.clear()


def test_which_client(real: Any, monkeypatch: pytest.MonkeyPatch, sim_folder: Any) -> None:
    module: Any = install._QuoteModule(real)
    assert module.rpc_init("") == 7
    assert isinstance(module.IPythonApiClient(), RealClient)
    monkeypatch.setattr(hub.HUB, "latest", str(sim_folder))
    assert isinstance(module.IPythonApiClient(), IPythonApiClient)
    install._real_used.set()  # 碰过真的客户端：实盘的程序拿不到模拟的价格
    assert isinstance(module.IPythonApiClient(), RealClient)
    monkeypatch.setenv("EASYTRADER_SIM", str(sim_folder))
    assert isinstance(module.IPythonApiClient(), IPythonApiClient)


def test_an_already_imported_real_one_is_wrapped(
    real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    center: Any = ModuleType("xtquant.xtdatacenter")
    center.__dict__["__dc"] = real
    center.RPCClient = RealClient
    monkeypatch.setitem(sys.modules, "xtquant.datacenter", real)
    monkeypatch.setitem(sys.modules, "xtquant.xtdatacenter", center)
    install.install()
    wrapped = sys.modules["xtquant.datacenter"]
    assert isinstance(wrapped, install._QuoteModule)
    assert center.__dict__["__dc"] is wrapped
    assert center.RPCClient is wrapped.IPythonApiClient
    install.install()
    assert sys.modules["xtquant.datacenter"] is wrapped
