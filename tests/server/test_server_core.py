"""核心：认人、调用、异步、错误的样子，REST 与 WebSocket。"""

from __future__ import annotations

import json
import socket
from decimal import Decimal
from typing import TYPE_CHECKING

from server_world import memory_world

from easytrader.server.desk import Rows

if TYPE_CHECKING:
    from pathlib import Path

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
    with world.socket("a") as line:
        assert line.hello["api"] == 1
        assert line.hello["state"] == "已连接"
        assert "buy" in line.hello["verbs"]
        assert line.ask("balance")["result"][0]["frozen_cash"] == 0
        placed = line.order("buy", "BTC/USDT", 9.5, 1)["result"]
        rows = line.ask("today_entrusts")["result"]
        assert [each["order_id"] for each in rows] == [placed["entrust_no"]]
        assert line.ask("nothing")["error"]["argument"] == "verb"
        assert line.ask("balance", 1)["error"]["type"] == "UsageError"


def test_async_says_seq_then_result(world: World) -> None:
    with world.socket("a") as line:
        line.send(id=7, verb="buy_async", args=["BTC/USDT", 9.5, 1], kwargs={}, request="r" * 8)
        first, second = line.read(), line.read()
        assert first["id"] == second["id"] == 7
        assert first["seq"] >= 0
        assert second["result"]["entrust_no"]


def test_events_arrive_once_and_replay(world: World) -> None:
    with world.socket("a") as line:
        assert line.ask("server.events")["result"]["after"] == 0
        line.order("buy", "BTC/USDT", 10.5, 1)
        seen = line.events(3)
    assert [each["event"] for each in seen] == ["order", "trade", "order"]
    assert [each["seq"] for each in seen] == [1, 2, 3]
    with world.socket("a") as line:
        boot = line.hello["boot"]
        assert line.hello["last"] == 3
        line.send(id=1, verb="server.events", kwargs={"boot": boot, "after": 1})
        assert line.read()["result"] == {"boot": boot, "after": 1}
        assert line.events(2) == seen[1:]
        line.send(id=2, verb="server.events", kwargs={"boot": "other", "after": 1})
        assert line.read()["result"]["after"] == 3
        assert line.read()["gap"] == {"after": 1, "next": 4}


def test_a_token_sees_only_its_accounts(tmp_path: Path) -> None:
    with memory_world(tmp_path / "server", 2) as world:
        mine = world.tokens.add("mine", ["trade"], accounts=["a"])
        seen = world.http("GET", "/v1/accounts", token=mine)[1]["result"]
        assert [each["name"] for each in seen] == ["a"]
        assert world.call("a", "balance", mine)[0] == 200
        for name in ("b", world.desks["b"].account_id, "nothing"):
            status, told = world.call(name, "balance", mine)
            assert (status, told["error"]["argument"]) == (404, "account")
        by_id = world.desks["a"].account_id
        assert world.call(by_id, "balance", mine)[0] == 200


def test_rows_are_written_again_only_when_they_changed() -> None:
    rows, row = Rows("order_id"), {"order_id": 1, "price": 9.5, "state": "已报"}
    first = rows.encode([row, {**row, "order_id": 2}])
    assert json.loads(first) == [row, {**row, "order_id": 2}]
    kept = rows._known[1][1]
    assert rows.encode([dict(row)]) == b"[%s]" % kept
    assert rows._known.keys() == {1}
    assert rows._known[1][1] is kept
    assert json.loads(rows.encode([{**row, "state": "已成"}]))[0]["state"] == "已成"
    odd = {"order_id": 1, "price": float("nan"), "value": Decimal("1.10")}
    assert json.loads(rows.encode([odd]))[0]["value"] == {"$": "decimal", "v": "1.10"}


def test_two_tokens_in_one_request_are_none(world: World) -> None:
    with socket.create_connection(("127.0.0.1", world.port), 30) as link:
        head = f"Authorization: Bearer {world.token}\r\n" * 2
        first = "GET /v1/accounts HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        link.sendall(f"{first}{head}\r\n".encode())
        assert b" 401 " in link.recv(100)
