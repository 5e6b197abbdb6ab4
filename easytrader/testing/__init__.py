"""后端一致性测试：写了新后端的人，拿它证明自己守得住交易口的承诺。

在自己的 ``conftest.py`` 里写一个名叫 ``broker`` 的 fixture，返回 `Broker` 的子类的实例::

    pytest_plugins = ["easytrader.testing"]


    @pytest.fixture
    def broker(tmp_path):
        yield (one := MyBroker(tmp_path))
        one.close()

然后跑整套::

    pytest --pyargs easytrader.testing.suite

或在测试文件里写 ``from easytrader.testing.suite import *``。后端做不到的（断不了线、丢不了应答），
对应的测试跳过并说明缺什么；`Broker` 里列着要给的和可以给的。
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

pytest.register_assert_rewrite("easytrader.testing.suite", "easytrader.testing.broker")

from easytrader.testing.broker import Broker, Recorder, Unsupported, eventually  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.trader import Trader

__all__ = ["Broker", "Recorder", "Unsupported", "eventually"]


@pytest.fixture
def recorder() -> Recorder:
    """记下收到的每个回调的回调对象。"""
    return Recorder()


@pytest.fixture
def user(broker: Broker, recorder: Recorder) -> Iterator[Trader]:
    """连好了的交易口。"""
    trader = broker.trader()
    try:
        broker.connect(trader, recorder)
        yield trader
    finally:
        trader.close()


@pytest.fixture(autouse=True)
def _easytrader_leaves_no_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """用了 ``broker`` 的测试，结束后不许留下名字以 ``easytrader`` 开头的线程。"""
    if "broker" not in request.fixturenames:
        yield
        return
    before = set(threading.enumerate())
    yield

    def left() -> list[str]:
        ours = set(threading.enumerate()) - before
        return [each.name for each in ours if each.name.startswith("easytrader")]

    eventually(lambda: not left(), f"留下了线程：{left()}", within_s=5.0)
