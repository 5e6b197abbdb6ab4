from __future__ import annotations

import pytest
from native_desk import ACCOUNT, FakeHost, Recorder, eventually, on_thread, sim_threads

from easytrader.sim import install
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.host import hub


def pytest_configure(config):
    # 厂商的 xtbson 在 3.12 起导入时有弃用警告，与我们无关
    config.addinivalue_line(
        "filterwarnings", "ignore:.*utcfromtimestamp.*:DeprecationWarning:xtquant"
    )


@pytest.fixture(autouse=True)
def no_thread_left():
    before = set(sim_threads())
    yield
    eventually(lambda: set(sim_threads()) <= before)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "用户 数据" / "userdata_mini"
    create(path, [AccountConfig(ACCOUNT)], connect_wait_s=0.3)
    return str(path)


@pytest.fixture
def own_hub(monkeypatch):
    """一个只属于本测试的 Hub，柜台是假的。"""
    made = hub.Hub(lambda path, clock: FakeHost(path, clock))
    monkeypatch.setattr(hub, "open_link", made.open_link)
    yield made
    made.close_all()


@pytest.fixture
def host(own_hub, folder):
    """嵌在本进程里的假柜台。"""
    own_hub.allow_embed(folder)
    found = own_hub.acquire(folder)
    yield found
    own_hub.release(folder, found)


@pytest.fixture
def xttrader():
    install.install()
    from xtquant import xttrader

    return xttrader


@pytest.fixture
def account(xttrader):
    from xtquant.xttype import StockAccount

    return StockAccount(ACCOUNT)


@pytest.fixture
def make_trader(xttrader, folder):
    """造厂商的 XtQuantTrader；用完停下、关掉它的事件循环。"""
    made = []

    def make(session=1, path=folder, *, start=True, connect=True):
        def build():
            trader = xttrader.XtQuantTrader(str(path), session, Recorder())
            trader.oldloop = None  # 厂商的 __del__ 在主线程里要用它
            made.append(trader)
            if start:
                trader.start()
            if start and connect:
                assert trader.connect() == 0
            return trader

        return on_thread(build)

    yield make
    for trader in made:
        if trader.executor is not None:
            on_thread(trader.stop)
        trader.async_client.stop()
        trader.loop.close()
