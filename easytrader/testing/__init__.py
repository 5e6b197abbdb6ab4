"""后端一致性测试：写了新后端的人，拿它证明自己守得住交易口的承诺。

写一个名叫 ``broker`` 的 fixture，返回 `Broker` 的子类的实例，连同整套放在一个测试文件里::

    import pytest
    from easytrader.testing.suite import *

    pytest_plugins = ["easytrader.testing"]


    @pytest.fixture
    def broker(tmp_path):
        yield (one := MyBroker(tmp_path))
        one.close()

或者写成插件 ``mybroker_plugin.py``，不写测试文件::

    pytest -p mybroker_plugin --pyargs easytrader.testing.suite

后端做不到的（断不了线、丢不了应答），对应的测试跳过并说明缺什么；`Broker` 里列着要给的和可以给的。
例子：`easytrader.testing.memory_broker`。

PYTEST_DONT_REWRITE：自己的测试文件先导入它，pytest 也不必警告。
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

pytest.register_assert_rewrite("easytrader.testing.suite", "easytrader.testing.broker")

from easytrader.basics.threads import AbandonedError, call_aside  # noqa: E402
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
        call_aside(trader.close, broker.limit_s)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """用了 ``broker`` 的测试在另一个线程上跑：后端卡住了算失败，不会把整套挂在那里。"""
    broker = pyfuncitem.funcargs.get("broker")
    if not isinstance(broker, Broker):
        return None
    names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001  pytest 自己也这样取
    given = {name: pyfuncitem.funcargs[name] for name in names}
    try:
        call_aside(lambda: pyfuncitem.obj(**given), broker.limit_s, name="suite-test")
    except AbandonedError:
        pytest.fail(f"{broker.limit_s:g} 秒还没有做完：有的调用没有期限", pytrace=False)
    return True


@pytest.fixture(autouse=True)
def _easytrader_leaves_nothing(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """用了 ``broker`` 的测试，结束后不许留下线程，也不在开发者自己的目录里留下记录。"""
    if "broker" not in request.fixturenames:
        yield
        return
    # 上一遍的 client_order_id 也不带到这一遍
    monkeypatch.setenv("EASYTRADER_HOME", str(tmp_path_factory.mktemp("home")))
    before = set(threading.enumerate())
    yield

    def left() -> list[str]:
        return [each.name for each in set(threading.enumerate()) - before]

    try:
        eventually(lambda: not left(), within_s=5.0)
    except AssertionError:
        pytest.fail(f"留下了线程：{left()}", pytrace=False)
