"""盘上与日志里的：秘密不外露，审计改不得，盘满了停委托不停撤单，时钟拨不动，两个服务器互相让开。

威胁模型那一页按名字引用这里的测试，改名要一起改。
"""

from __future__ import annotations

import errno
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from raw_ws import http, upgrade
from remote_serve import ServeProcess
from server_world import memory_world
from support import make_folder

from easytrader.server.audit import verify, verify_told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BANK_CANARY = "jsq-yinhang-77"
FUND_CANARY = "jsq-zijin-88"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServeProcess]:
    log = tmp_path / "home" / "serve.log"
    found = ServeProcess(
        make_folder(tmp_path / "userdata_mini"), tmp_path / "home",
        options=("--log-file", str(log), "--qka", "--debug"),
    )  # fmt: skip
    yield found
    found.kill()


# ---- 23 秘密在日志、错误、网址、命令行、盘上


def test_threat_23_no_secret_anywhere(server: ServeProcess) -> None:
    token = server.token("alice", "trade", "--scope", "funds")
    secret = token.split("_")[2]
    server.start()
    transfer = {"amount": 1, "bank_no": "1001", "bank_account": "6222", "bank_pwd": BANK_CANARY,
                "fund_pwd": FUND_CANARY}  # fmt: skip
    said: list[bytes] = []

    def ask(method: str, path: str, given: str | None, body: Any = None, **headers: str) -> None:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        more = {name.replace("_", "-"): each for name, each in headers.items()}
        raw = data.encode() if isinstance(data, str) else data
        said.append(repr(http(server.port, method, path, given, raw, more)).encode())

    for verb in ("bank.transfer_in", "bank.transfer_out", "bank.amount", "bank.info", "buy"):
        ask("POST", server.url(verb), token, transfer)
        ask("POST", server.url(verb), token, {**transfer, "amount": "x"})
        ask("POST", server.url(verb), token, {**transfer, "bank_pwd": {"a": BANK_CANARY}})
        ask("POST", server.url(verb), token, {**transfer, "fund_pwd": [FUND_CANARY] * 2})
    ask("POST", server.url("bank.transfer_in"), token, b'{"bank_pwd":"' + BANK_CANARY.encode())
    ask("GET", f"/v1/accounts?token={token}", token)
    ask("GET", f"{server.url('balance')}?bank_pwd={BANK_CANARY}", token)
    ask("GET", f"/{token}", None)
    ask("GET", f"/v1/accounts/{token}/{token}", token)
    ask("GET", "/v1/accounts", f"{token}x")
    ask("GET", "/v1/accounts", None, Authorization=f"Basic {token}")
    ask("POST", "/api/bank_transfer_in", None, transfer, X_Token=token)
    ask("POST", "/api/bank_transfer_in", None, transfer, X_Token=f"{token}x")
    ask("POST", "/session", None, {"token": f"{token}x"})
    with server.ws(token) as ws:
        wanted = ("bank.transfer_in", "bank.transfer_in_async", "nothing", token, "buy")
        told = [ws.call(each, request=f"w{at}", **transfer) for at, each in enumerate(wanted)]
        told.append(ws.call("bank.transfer_in", *transfer.values(), request="q1"))
        told.append(ws.call("bank.transfer_in", *transfer.values(), BANK_CANARY, request="q2"))
        said += [repr(each).encode() for each in told]
        ws.link.sendall(b"GET " + token.encode() + b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", server.port), 10) as link:
        link.sendall(upgrade(server.port, token, f"{token}x"))
        said.append(link.recv(65536))
    command = " ".join(psutil.Process(server.pid).cmdline())
    assert server.stop() == 0
    for canary in (BANK_CANARY, FUND_CANARY):
        assert [each for each in said if canary.encode() in each] == []
        assert canary not in command
    assert secret not in command
    files = [each for each in server.home.rglob("*") if each.is_file()]
    assert {"serve.log", "serve.out", "tokens.json"} <= {each.name for each in files}
    assert any(each.suffix == ".jsonl" for each in files)
    for file in files:
        data = file.read_bytes()
        for canary in (secret, BANK_CANARY, FUND_CANARY):
            assert canary.encode() not in data, (file, canary)
    listed = server.run("token", "list") + server.run("token", "list", "--json")
    assert secret not in listed


# ---- 24 改审计；盘满了


def test_threat_24_an_altered_audit_log_shows(server: ServeProcess) -> None:
    token = server.token("alice", "trade")
    server.start()
    with server.ws(token) as ws:
        for number in range(5):
            assert "result" in ws.call("buy", "600036", 32.5, 100, request=f"a{number}")
    server.kill()  # 被杀的也接得上
    server.start()
    with server.ws(token) as ws:
        assert "result" in ws.call("buy", "600036", 32.5, 100, request="b")
    assert server.stop() == 0
    (file,) = server.home.rglob("audit-*.jsonl")
    verdict = verify(file.parent)
    assert verdict.ok, verdict.problems
    whole = file.read_bytes()
    rows = [json.loads(line) for line in whole.splitlines()]
    bought = [each for each in rows if each.get("verb") == "buy"]
    assert {each["event"] for each in bought} == {"intent", "outcome"}
    assert {each["token"] for each in bought} == {"alice"}
    at = whole.index(b'"amount":100')
    file.write_bytes(whole[:at] + b'"amount":900' + whole[at + 12 :])
    assert "被改过" in verify_told(file.parent)
    lines = whole.splitlines(keepends=True)
    for gone in (0, len(lines) // 2, len(lines) - 1):
        file.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
        assert "不见了" in verify_told(file.parent), gone
    file.write_bytes(whole)
    assert verify(file.parent).ok


def test_threat_24_a_full_disk_stops_orders_but_not_cancels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with memory_world(tmp_path) as world:
        given = {"security": "BTC/USDT", "price": 9.5, "amount": 1}
        numbers = [world.call("a", "buy", **given)[1]["result"]["entrust_no"] for _ in range(3)]

        def full(handle: int, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("easytrader.server.audit._write_all", full)
        for verb in ("buy", "sell", "buy_async", "market_buy"):
            more = {"security": "BTC/USDT", "amount": 1} if verb == "market_buy" else given
            status, told = world.call("a", verb, **more)
            assert (status, told["error"]["type"]) == (503, "JournalError"), verb
            assert "什么都没有发出" in told["error"]["text"]
        assert len(world.brokers["a"].counter.orders) == 3
        assert world.call("a", "cancel_entrust", entrust_no=numbers[0])[1]["result"]["success"]
        assert world.call("a", "balance")[0] == 200
        assert len(world.call("a", "cancel_all")[1]["result"]) == 2
        monkeypatch.undo()
        assert world.call("a", "buy", **given)[0] == 200  # 腾出地方就接着来
    verdict = verify(tmp_path / "audit")
    assert verdict.ok, verdict.problems


# ---- 28 时钟往回拨；两个服务器


def test_threat_28_setting_the_clock_back_brings_nothing_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with memory_world(tmp_path) as world:
        given = {"security": "BTC/USDT", "price": 9.5, "amount": 1}
        capped = world.tokens.add("capped", ["trade"], max_day=20)
        brief = world.tokens.add("brief", ["trade"], expires=time.time() + 3600)
        for _ in range(2):
            assert world.call("a", "buy", capped, **given)[0] == 200
        assert world.call("a", "buy", capped, **given)[0] == 409
        with monkeypatch.context() as patch:
            patch.setattr(world.tokens, "_offset", world.tokens._offset + 7200)  # 走过两小时
            patch.setattr(world.caps, "_wall", lambda: time.time() - 86400)
            assert world.call("a", "balance", brief)[0] == 401  # 墙上的钟没有走，也过期了
            status, told = world.call("a", "buy", capped, **given)
            assert (status, told["error"]["rule"]) == (409, "token_max_day")
        assert len(world.brokers["a"].counter.orders) == 2


def test_threat_28_two_servers_on_one_account_exclude_each_other(
    server: ServeProcess, tmp_path: Path
) -> None:
    token = server.token("alice", "trade")
    server.start()
    for home in (server.home, tmp_path / "别处"):
        second = ServeProcess(server.folder, home)
        second.env["EASYTRADER_LOCKS"] = server.env["EASYTRADER_LOCKS"]
        second.log = tmp_path / "second.out"
        second.start(ready=False)
        assert psutil.Process(second.pid).wait(60) not in (0, None)
        assert "Traceback" not in second.said()
        second.kill()
    with server.ws(token) as ws:
        assert "result" in ws.call("buy", "600036", 32.5, 100, request="still")
