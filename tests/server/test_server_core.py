"""核心：认人、调用、异步、错误的样子，REST 与 WebSocket。"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server_world import World


def test_only_healthz_answers_without_a_token(world: World) -> None:
    assert world.http("GET", "/healthz", token=None)[:2] == (200, {"ok": True})
    for path in ("/", "/v1/accounts", "/v1/accounts/a/balance", "/nothing", "/v1/openapi.json"):
        status, told, headers = world.http("GET", path, token=None)
        assert status == 401
        assert headers["www-authenticate"] == "Bearer"
        assert told["error"]["argument"] == "token"


def test_rest_queries_and_orders(world: World) -> None:
    status, told, _ = world.http("GET", "/v1/accounts/a/balance")
    assert status == 200
    assert told["result"][0]["cash"] == 1_000_000
    status, told = world.call("a", "buy", security="BTC/USDT", price=9.5, amount=1)
    assert status == 200
    number = told["result"]["entrust_no"]
    status, told = world.call("a", "find_entrust", key=number)
    assert told["result"]["order_id"] == number
    assert world.call("a", "cancel_entrust", entrust_no=number)[1]["result"]["success"]


def test_rest_says_what_is_wrong(world: World) -> None:
    assert world.call("a", "buy", security="BTC/USDT", price="x", amount=1)[0] == 422
    assert world.call("a", "nothing")[0] == 404
    assert world.call("b", "balance")[0] == 404
    assert world.http("GET", "/v1/accounts/a/buy")[0] == 405
    assert world.http("POST", "/v1/accounts/a/buy", "x", Content_Type="text/plain")[0] == 415
    status, told = world.call("a", "buy", world.scoped["read"], security="X", price=1, amount=1)
    assert status == 403
    assert told["error"]["rule"] == "token_scope"


def test_websocket_calls(world: World) -> None:
    with world.socket("a") as socket:
        assert socket.hello["api"] == 1
        assert socket.hello["state"] == "已连接"
        assert "buy" in socket.hello["verbs"]
        assert socket.ask("balance")["result"][0]["frozen_cash"] == 0
        placed = socket.order("buy", "BTC/USDT", 9.5, 1)["result"]
        rows = socket.ask("today_entrusts")["result"]
        assert [each["order_id"] for each in rows] == [placed["entrust_no"]]
        assert socket.ask("nothing")["error"]["argument"] == "verb"
        assert socket.ask("balance", 1)["error"]["type"] == "UsageError"


def test_async_says_seq_then_result(world: World) -> None:
    with world.socket("a") as socket:
        socket.send(id=7, verb="buy_async", args=["BTC/USDT", 9.5, 1], kwargs={}, request="r" * 8)
        first, second = socket.read(), socket.read()
        assert first["id"] == second["id"] == 7
        assert first["seq"] >= 0
        assert second["result"]["entrust_no"]


def test_events_arrive_once_and_replay(world: World) -> None:
    with world.socket("a") as socket:
        assert socket.ask("server.events")["result"]["after"] == 0
        socket.order("buy", "BTC/USDT", 10.5, 1)
        seen = socket.events(3)
    assert [each["event"] for each in seen] == ["order", "trade", "order"]
    assert [each["seq"] for each in seen] == [1, 2, 3]
    with world.socket("a") as socket:
        boot = socket.hello["boot"]
        assert socket.hello["last"] == 3
        socket.send(id=1, verb="server.events", kwargs={"boot": boot, "after": 1})
        assert socket.read()["result"] == {"boot": boot, "after": 1}
        assert socket.events(2) == seen[1:]
        socket.send(id=2, verb="server.events", kwargs={"boot": "other", "after": 1})
        assert socket.read()["result"]["after"] == 3
        assert socket.read()["gap"] == {"after": 1, "next": 4}
