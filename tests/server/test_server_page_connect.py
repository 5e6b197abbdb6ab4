"""网页上填表连接：默认关着；开了，谁能填、能填什么。"""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT

from easytrader import sim
from easytrader.errors import UsageError
from easytrader.profiles import AccountSpec
from easytrader.server.config import ServerConfig
from easytrader.server.connecting import forms, may_connect, spec_of
from easytrader.server.origins import Caller
from easytrader.server.serve import Serving
from easytrader.server.tokens import Grant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HERE = Caller("127.0.0.1", False, "127.0.0.1", 7788, "http://127.0.0.1:7788")
OTHER = "2000000888"
OPEN = Grant("1", "alice", ("trade",))


@pytest.mark.parametrize(
    ("grant", "caller", "may"),
    [
        (OPEN, HERE, True),
        (OPEN, HERE._replace(address="::1", host="localhost"), True),
        (Grant("1", "bob", ("read",)), HERE, False),
        (Grant("1", "carol", ("funds",)), HERE, False),
        (Grant("1", "dave", ("trade",), accounts=("main",)), HERE, False),
        (OPEN, HERE._replace(address="192.168.1.5"), False),
        (OPEN, HERE._replace(host="win-box"), False),
        (OPEN, HERE._replace(host="127.evil.com"), False),
    ],
)
def test_who_may_fill_the_form(grant: Grant, caller: Caller, may: bool) -> None:
    assert may_connect(grant, caller) is may


def test_forms_come_from_the_signatures() -> None:
    found = {each["broker"]: {f["name"]: f for f in each["fields"]} for each in forms()}
    assert {"miniqmt", "sim"} <= set(found)
    fields = found["miniqmt"]
    assert fields["miniqmt_path"]["kind"] == "folder"
    assert fields["miniqmt_path"]["required"]
    assert fields["stock_account"]["kind"] == "text"
    assert fields["reconnect_enabled"]["default"] is True
    assert "CREDIT" in fields["account_type"]["choices"]
    # 模块、函数、由服务器定的，都不在表上；要填地址的后端整个不在
    for each in found.values():
        assert not {"xtquant", "wait", "on_health", "trader_callback"} & set(each)
    assert "remote" not in found


@pytest.mark.parametrize(
    "path",
    [
        r"\\server\share",
        r"\\?\C:\x",
        r"\\.\pipe\x",
        "//server/share",
        "http://192.168.1.1/x",
        "file:///etc",
        "relative",
        "/tmp/..",
        "/nonexistent-folder",
        "/etc/passwd",
        "a\nb",
        "x" * 300,
        7,
        ["/tmp"],
        "",
        None,
    ],
)
def test_only_existing_local_folders(path: Any) -> None:
    fields = {"miniqmt_path": path, "stock_account": "10001"}
    with pytest.raises(UsageError) as caught:
        spec_of("miniqmt", "", fields)
    assert caught.value.argument == "miniqmt_path"


@pytest.mark.parametrize(
    ("broker", "fields", "argument"),
    [
        ("os.system", {}, "broker"),
        ("remote", {"url": "http://10.0.0.1"}, "broker"),
        (None, {}, "broker"),
        ("sim", {"xtquant": "evil"}, "fields"),
        ("sim", {"host": "10.0.0.1"}, "fields"),
        ("sim", "x", "fields"),
        ("sim", {"stock_account": r"\\server\share"}, "stock_account"),
        ("sim", {"stock_account": "http://x"}, "stock_account"),
        ("sim", {"stock_account": "env:HOME"}, "stock_account"),
        ("sim", {"stock_account": "keyring:a/b"}, "stock_account"),
        ("sim", {"timeout": "5"}, "timeout"),
        ("sim", {"timeout": float("nan")}, "timeout"),
        ("sim", {"reconnect_enabled": 1}, "reconnect_enabled"),
        ("sim", {"account_type": "OTHER"}, "account_type"),
        ("miniqmt", {"stock_account": "1"}, "miniqmt_path"),
    ],
)
def test_what_is_not_on_the_form_is_refused(broker: Any, fields: Any, argument: str) -> None:
    with pytest.raises(UsageError) as caught:
        spec_of(broker, "", fields)
    assert caught.value.argument == argument


def test_a_good_form(tmp_path: Path) -> None:
    fields = {"miniqmt_path": str(tmp_path), "stock_account": "10001", "timeout": 5}
    spec = spec_of("sim", "二号", fields)
    assert (spec.broker, spec.name) == ("sim", "二号")
    assert spec.connect == fields


# ---- 在跑的服务器


class Client:
    """登录了的页面做的事，不用浏览器。"""

    def __init__(self, serving: Serving, token: str) -> None:
        self.port = serving.port
        self.cookie = self.value = ""
        told = self.ask("POST", "/session", {"token": token})[1]
        self.value = told["session"]

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"X-Session": self.value, "Cookie": self.cookie}
        if body is not None:
            headers["Content-Type"] = "application/json"
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            text = None if body is None else json.dumps(body)
            line.request(method, path, text, headers)
            answer = line.getresponse()
            told = json.loads(answer.read())
            cookie = answer.getheader("Set-Cookie")
            self.cookie = cookie.partition(";")[0] if cookie else self.cookie
            return answer.status, told
        finally:
            line.close()


@pytest.fixture
def serve(tmp_path: Path, sim_folder: Path) -> Iterator[Callable[..., Serving]]:
    started: list[Serving] = []

    def serve_(page_connect: bool) -> Serving:
        connect = {"miniqmt_path": str(sim_folder), "stock_account": ACCOUNT}
        spec = AccountSpec("sim", "main", connect)
        started.append(Serving(ServerConfig((spec,), port=0, page_connect=page_connect)))
        started[-1].start()
        return started[-1]

    yield serve_
    for each in started:
        each.stop()


def test_off_unless_switched_on(serve: Callable[..., Serving]) -> None:
    serving = serve(False)
    client = Client(serving, serving.tokens.add("alice", ["trade"]))
    assert client.ask("GET", "/session")[1]["connect"] is False
    for method, path in (("GET", "/session/forms"), ("POST", "/session/connect")):
        status, told = client.ask(method, path, {} if method == "POST" else None)
        assert status == 403
        assert "page-connect" in told["error"]["text"]
    assert [each.name for each in serving.accounts] == ["main"]


def test_connected_account_is_served(serve: Callable[..., Serving], tmp_path: Path) -> None:
    serving = serve(True)
    client = Client(serving, serving.tokens.add("alice", ["trade"]))
    assert client.ask("GET", "/session")[1]["connect"] is True
    second = tmp_path / "第二个"
    sim.create(second, [sim.AccountConfig(OTHER)])
    form = {"broker": "sim", "name": "二号", "fields": {"miniqmt_path": str(second)}}
    status, told = client.ask("POST", "/session/connect", form)
    assert (status, told) == (200, {"name": "二号"})
    names = [each["name"] for each in client.ask("GET", "/v1/accounts")[1]["result"]]
    assert names == ["main", "二号"]
    status, told = client.ask("GET", f"/v1/accounts/{'%E4%BA%8C%E5%8F%B7'}/balance")
    assert status == 200
    assert told["result"][0]["account_id"] == OTHER
    status, told = client.ask("POST", "/session/connect", form)  # 同一个账号再来
    assert status >= 400
    assert len(serving.accounts) == 2


def test_only_with_the_page_value(serve: Callable[..., Serving]) -> None:
    serving = serve(True)
    client = Client(serving, serving.tokens.add("alice", ["trade"]))
    client.value = ""
    assert client.ask("GET", "/session/forms")[0] == 401
    assert client.ask("POST", "/session/connect", {})[0] == 401


def test_read_token_and_narrow_token_may_not(serve: Callable[..., Serving]) -> None:
    serving = serve(True)
    for token in (
        serving.tokens.add("bob", ["read"]),
        serving.tokens.add("carol", ["trade"], accounts=["main"]),
    ):
        client = Client(serving, token)
        assert client.ask("GET", "/session")[1]["connect"] is False
        assert client.ask("POST", "/session/connect", {"broker": "sim"})[0] == 403
    assert len(serving.accounts) == 1
