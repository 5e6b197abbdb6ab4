"""卡住的、排着的：都在期限之内有准话，一个卡住别的照走。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from server_world import World, memory_world
from support import eventually

from easytrader.server.lanes import THREAD
from easytrader.testing.memory_broker import FaultySession, MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_freed = threading.Event()
_stuck = threading.Semaphore(0)
"""卡住了几个。"""


def _hang() -> None:
    """只卡住道上的线程；引擎自己的心跳、补查不卡。"""
    if threading.current_thread().name.startswith(THREAD):
        _stuck.release()
        _freed.wait(60)


class _Session(FaultySession):
    """资金查询、下单都卡在柜台的接口里，不理会期限。"""

    def asset(self) -> Any:
        _hang()
        return super().asset()

    def submit(self, request: Any, reply: Any) -> None:
        _hang()
        super().submit(request, reply)


class _Hanging(MemoryBroker):
    session_type = _Session


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[World]:
    """两个账号，资金与下单都卡着；测试结束时放开。"""
    _freed.clear()
    while _stuck.acquire(blocking=False):
        pass
    with memory_world(tmp_path / "server", 2, _Hanging) as world:
        yield world
        _freed.set()


def buy(socket: Any, number: int, ms: int) -> int:
    asked: int = socket.start("buy", "BTC/USDT", 9.5, 1, request=f"r{number:031x}", ms=ms)
    return asked


def test_a_hung_call_is_answered_in_time_and_the_others_go_on(hung: World) -> None:
    with hung.socket("a") as socket:
        number = socket.start("balance", ms=400)
        assert socket.ask("today_entrusts")["result"] == []
        error = socket.answer(number)["error"]
        assert error["type"] == "QueryFailedError"
        order = buy(socket, 1, 400)
        error = socket.answer(order)["error"]
        assert error["type"] == "OutcomeUnknownError"
        assert error["client_order_id"]


def test_a_lane_that_hangs_answers_at_once(hung: World) -> None:
    with hung.socket("a") as socket, hung.socket("b") as other:
        numbers = [socket.start("balance", ms=300) for _ in range(4)]
        assert all("error" in socket.answer(each) for each in numbers)
        error = socket.ask("position", ms=600_000)["error"]
        assert error["type"] == "QueryFailedError"
        assert "卡在" in error["text"]
        assert hung.http("GET", "/v1/accounts/a/position")[0] == 502
        # 撤单、另一个账号照走
        cancel = socket.start("cancel_entrust", "1", request="c" * 32)
        assert socket.answer(cancel)["result"]["success"] is False
        assert other.ask("position")["result"]
        _freed.set()
        eventually(lambda: "result" in socket.ask("balance"))


def test_expired_in_the_queue_was_never_sent(hung: World) -> None:
    with hung.socket("a") as socket:
        for number in range(8):
            buy(socket, number, 20_000)
        for _ in range(8):
            assert _stuck.acquire(timeout=30)
        queued = buy(socket, 99, 300)
        error = socket.answer(queued)["error"]
        assert error["type"] == "NotConnectedError"
        assert "什么都没有发出" in error["text"]
        _freed.set()
        counter = hung.brokers["a"].counter
        eventually(lambda: len(counter.orders) == 8)
        assert socket.ask("server.settle", f"r{99:031x}")["result"]["state"] in ("done", "never")
        assert len(counter.orders) == 8


def test_a_full_queue_says_so(hung: World) -> None:
    with hung.socket("a") as one, hung.socket("a") as two:
        for socket in (one, two):
            for _ in range(250):
                socket.start("balance", ms=30_000)
        last = two.start("balance", ms=30_000)
        error = two.answer(last)["error"]
        assert error["type"] == "QueryFailedError"
        assert "队满了" in error["text"]
        _freed.set()


def test_one_connection_cannot_ask_without_end(hung: World) -> None:
    with hung.socket("a") as socket:
        for _ in range(256):
            socket.start("balance", ms=30_000)
        last = socket.start("position", ms=30_000)
        assert "没有回答的" in socket.answer(last)["error"]["text"]
        _freed.set()


def test_stopping_refuses_orders_finishes_calls_and_tells_the_listeners(hung: World) -> None:
    with hung.socket("a") as socket:
        socket.start("balance", ms=30_000)
        assert _stuck.acquire(timeout=30)
        stopping = threading.Thread(target=hung.close)
        stopping.start()
        eventually(lambda: hung.desks["a"].stopping)
        order = buy(socket, 1, 5000)
        error = socket.answer(order)["error"]
        assert error["type"] == "NotConnectedError"
        assert "正在停止" in error["text"]
        _freed.set()
        assert socket.answer(1)["result"]
        assert socket.close_code() == 1012
        stopping.join(30)


def test_a_failure_that_nobody_foresaw(tmp_path: Path, logged: list[str]) -> None:
    class Broken(FaultySession):
        def positions(self) -> Any:
            if threading.current_thread().name.startswith(THREAD):
                raise KeyError("hunter2")
            return super().positions()

        def submit(self, request: Any, reply: Any) -> None:
            raise SystemExit("hunter2")

    class Broker(MemoryBroker):
        session_type = Broken

    with memory_world(tmp_path / "server", 1, Broker) as world:
        status, told, _ = world.http("GET", "/v1/accounts/a/position")
        assert status == 502
        assert "hunter2" not in str(told)
        with world.socket("a") as socket:
            order = socket.start("buy", "BTC/USDT", 9.5, 1, request="x" * 32)
            assert socket.answer(order)["error"]["type"] == "OutcomeUnknownError"
            assert socket.ask("today_entrusts")["result"] == []
    assert any("KeyError" in each for each in logged)
