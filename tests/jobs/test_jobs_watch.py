"""旁听：成交、断线、恢复都通知，用户自己的回调与 `events()` 一条不少。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hook_server import HookServer
from support import ACCOUNT, Recorder, SimProcess, eventually

from easytrader.jobs import notify
from easytrader.jobs.notify import Notifier, hook_of
from easytrader.jobs.watch import Watcher
from easytrader.trader import engine_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.brokers.sim import SimTrader


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[HookServer, Notifier]]:
    monkeypatch.setattr(notify, "LINGER_S", 0.1)
    server = HookServer()
    events = ["fill", "disconnect"]
    notifier = Notifier([hook_of({"kind": "webhook", "url": server.url, "on": events})], job="run")
    yield server, notifier
    notifier.close()
    server.close()


def test_fills_are_told_and_the_user_still_gets_them(
    user: SimTrader, recorder: Recorder, told: tuple[HookServer, Notifier]
) -> None:
    server, notifier = told
    other: list[Any] = []
    leave = engine_of(user).tap(other.append)  # 服务器也在听
    with Watcher(user, notifier):
        number = user.market_buy("600036", 100)["entrust_no"]
        user.wait(number)
        recorder.wait_for("trade")
        body = server.wait_for(1)[0].body
    leave()
    assert body["event"] == "fill"
    row = body["data"]["fills"][0]
    assert (row["stock_code"], row["traded_volume"]) == ("600036.SH", 100)
    assert "买入 600036.SH 100 @ " in body["text"]
    assert ACCOUNT not in f"{body}"
    assert any(each["event"] == "trade" for each in user.events(timeout=0))
    assert other
    user.wait(user.market_buy("600036", 100)["entrust_no"])
    recorder.wait_for("trade", 2)
    notifier.close()
    assert len(server.received) == 1  # 走出来就不听了


def test_a_lost_connection_and_its_return(
    served: SimProcess, connect: Callable[..., Any], told: tuple[HookServer, Notifier]
) -> None:
    server, notifier = told
    user = connect()
    with Watcher(user, notifier):
        served.kill()
        lost = server.wait_for(1)[0].body
        assert lost["event"] == "disconnect"
        assert "断线" in lost["title"]
        served.start()
        eventually(lambda: user.state == "已连接")
        back = server.wait_for(2)[-1].body
    assert back["event"] == "reconnect"
    assert back["data"]["seconds"] >= 0
    assert ACCOUNT not in f"{lost} {back}"


def test_what_cannot_be_written_does_not_stop_the_callbacks(
    user: SimTrader, recorder: Recorder, logged: list[str]
) -> None:
    class Broken(Notifier):
        def wants(self, event: str) -> bool:
            raise RuntimeError(event)

    with Watcher(user, Broken()):
        user.wait(user.market_buy("600036", 100)["entrust_no"])
        recorder.wait_for("trade")
    assert any("没有通知出去：RuntimeError" in line for line in logged)
