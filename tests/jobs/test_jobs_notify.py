"""通知：真的服务器、真的命令；送不到只是一条警告，任务该多快还多快。"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import ssl
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hook_server import HookServer, Received
from support import eventually

from easytrader import profiles
from easytrader.basics import scrub
from easytrader.errors import UsageError
from easytrader.jobs import notify, robots
from easytrader.jobs.notify import Hook, Notifier, hook_of
from easytrader.jobs.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "k3y-of-the-robot"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(notify, "LINGER_S", 0.2)
    monkeypatch.setattr(notify, "AGAIN_S", 0.01)
    before = set(scrub._known)
    yield
    scrub._known.clear()
    scrub._known.update(before)


@pytest.fixture
def server() -> Iterator[HookServer]:
    made = HookServer()
    yield made
    made.close()


def hook(server: HookServer, kind: str = "webhook", **more: Any) -> Hook:
    path = {"企业微信": f"/send?key={KEY}", "钉钉": f"/robot/send?access_token={KEY}"}
    row = {"kind": kind, "url": server.url + path.get(kind, f"/bot/v2/hook/{KEY}"), **more}
    return hook_of({"on": list(notify.EVENTS), **row})


def notifier(*hooks: Hook) -> Notifier:
    return Notifier(hooks, job="rebalance", profile="main")


def fill(number: int) -> dict[str, Any]:
    return {"fills": [{"traded_id": str(number)}]}


# ---- 样子


def test_a_webhook_gets_one_json_each(server: HookServer) -> None:
    with notifier(hook(server, headers={"Authorization": "Bearer abcdef"})) as told:
        told.finished(Outcome("rebalance", "done", "", 1.0, 2.0, "****0365", "main"), ["买 3 笔"])
        told.say("disconnect", "断线", ["没有应答"], {"account": "****0365"})
    first, second = server.wait_for(2)
    assert first.body["event"] == "finish"
    assert first.body["title"] == "rebalance 办成了（main）"
    assert first.body["text"] == "账号 ****0365\n买 3 笔"
    assert (first.body["job"], first.body["profile"]) == ("rebalance", "main")
    assert first.body["data"]["exit_code"] == 0
    assert first.headers["Authorization"] == "Bearer abcdef"
    assert (second.body["event"], second.body["event_name"]) == ("disconnect", "断线")


@pytest.mark.parametrize(
    ("result", "event"),
    [("done", "finish"), ("partly", "failure"), ("failed", "failure"), ("busy", "failure"),
     ("timeout", "failure"), ("closed", "closed")],
)  # fmt: skip
def test_results_are_events(server: HookServer, result: Any, event: str) -> None:
    with notifier(hook(server)) as told:
        told.finished(Outcome("rebalance", result, "因为"))
    assert server.wait_for(1)[0].body["event"] == event


def test_wecom(server: HookServer) -> None:
    with notifier(hook(server, "企业微信")) as told:
        told.say("failure", "没有办成", ["第一行 <@all>", "第二行"])
    with notifier(hook(server, "wecom", format="text")) as told:
        told.say("failure", "没有办成", ["第一行"])
    first, second = server.wait_for(2)
    assert first.query == {"key": KEY}
    content = first.body["markdown"]["content"]
    assert first.body["msgtype"] == "markdown"
    assert content == "**没有办成**\n\n> 第一行 ＜@all>\n>\n> 第二行"
    assert second.body == {"msgtype": "text", "text": {"content": "没有办成\n第一行"}}


def test_dingtalk_signs_the_address(server: HookServer) -> None:
    with notifier(hook(server, "钉钉", secret="SEC123456")) as told:
        told.say("failure", "没有办成", ["第一行"])
    got = server.wait_for(1)[0]
    assert got.query["access_token"] == KEY
    stamp = got.query["timestamp"]
    assert abs(int(stamp) / 1000 - time.time()) < 3600
    text = f"{stamp}\nSEC123456".encode()
    sign = base64.b64encode(hmac.new(b"SEC123456", text, hashlib.sha256).digest()).decode()
    assert got.query["sign"] == sign
    assert got.body["msgtype"] == "markdown"
    assert got.body["markdown"]["title"] == "没有办成"
    assert "第一行" in got.body["markdown"]["text"]


def test_feishu_signs_the_body(server: HookServer) -> None:
    with notifier(hook(server, "飞书", secret="secret-9")) as told:
        told.say("failure", "没有办成", ["第一行", "第二行"])
    got = server.wait_for(1)[0]
    key = f"{got.body['timestamp']}\nsecret-9".encode()
    sign = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    assert got.body["sign"] == sign
    assert got.body["msg_type"] == "post"
    post = got.body["content"]["post"]["zh_cn"]
    assert post["title"] == "没有办成"
    assert [row[0]["text"] for row in post["content"]] == ["第一行", "第二行"]
    with notifier(hook(server, "feishu", format="text")) as told:
        told.say("failure", "没有办成")
    assert server.wait_for(2)[1].body["content"] == {"text": "没有办成"}


@pytest.mark.parametrize("kind", robots.ROBOTS)
@pytest.mark.parametrize("form", ["markdown", "text"])
def test_too_long_is_cut_by_bytes(kind: robots.Kind, form: robots.Format) -> None:
    lines = ["成交" * 40] * 400
    _, body = robots.request(kind, "https://a/b", "", "标题", lines, form, 0.0)
    text = json.dumps(body, ensure_ascii=False)
    assert "后面的没有发" in text
    assert len(text.encode()) < {"wecom": 4400, "dingtalk": 22000, "feishu": 20480}[kind]


# ---- 合在一起，不超过每分钟的条数


def test_a_burst_of_fills_is_one_message(server: HookServer) -> None:
    with notifier(hook(server), hook(server, "钉钉")) as told:
        for number in range(50):
            told.say("fill", "成交", [f"第 {number} 笔"], fill(number))
    robot = [each for each in server.received if each.path == "/robot/send"]
    plain = [each for each in server.received if each.path != "/robot/send"]
    assert 1 <= len(robot) <= 2
    assert "第 49 笔" in robot[-1].body["markdown"]["text"]
    told_ = [row["traded_id"] for each in plain for row in each.body["data"]["fills"]]
    assert told_ == [str(number) for number in range(50)]
    assert len(plain) <= 2


def test_a_robot_gets_no_more_than_it_takes(server: HookServer) -> None:
    """一条接一条：够了就攒着，任务结束时用留着的两条说完。"""
    beside = hook(server)  # 没有上限的那一处，看着一条一条地来
    with notifier(hook(server, "企业微信", format="text"), beside) as told:
        for number in range(40):
            told.say("disconnect", f"断线 {number}。")
            eventually(
                lambda n=number: any(  # type: ignore[misc]
                    each.body.get("title") == f"断线 {n}。" for each in server.received
                )
            )
            if number < 18:
                eventually(lambda n=number: len(to_robot(server)) > n)  # type: ignore[misc]
        assert len(to_robot(server)) == 18
    assert len(to_robot(server)) <= 20
    said = "".join(each.body["text"]["content"] for each in to_robot(server))
    assert all(f"断线 {number}。" in said for number in range(40))


def to_robot(server: HookServer) -> list[Received]:
    return [each for each in server.received if each.path == "/send"]


def test_after_a_minute_it_goes_on(server: HookServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "MINUTE_S", 0.3)
    with notifier(hook(server, "企业微信", format="text")) as told:
        for number in range(30):
            told.say("disconnect", f"断线 {number}。")
            eventually(
                lambda n=number: any(  # type: ignore[misc]
                    f"断线 {n}。" in each.body["text"]["content"] for each in server.received
                )
            )
    assert len(server.received) == 30


def test_a_full_queue_drops_fills_first(server: HookServer, logged: list[str]) -> None:
    server.answers = [(200, None)]
    made = hook(server, timeout=1)
    told = notifier(made)
    told.say("failure", "卡住的")
    server.wait_for(1)
    told.say("failure", "要紧的")
    for number in range(300):
        told.say("fill", "成交", [f"第 {number} 笔"], fill(number))
    told.close()
    titles = [each.body["title"] for each in server.received]
    assert "要紧的" in titles
    said = "".join(each.body["text"] for each in server.received)
    assert "第 299 笔" in said
    assert "丢了" in said


# ---- 送不到


def test_a_500_is_tried_again(server: HookServer, logged: list[str]) -> None:
    server.answers = [(500, ""), (503, "")]
    with notifier(hook(server)) as told:
        told.say("failure", "没有办成")
    assert len(server.received) == 3
    assert not logged


def test_a_400_is_not(server: HookServer, logged: list[str]) -> None:
    server.answers = [(404, "")]
    with notifier(hook(server)) as told:
        told.say("failure", "没有办成")
    assert len(server.received) == 1
    assert "HTTP 404" in logged[0]
    assert KEY not in "".join(logged)


def test_only_one_warning_while_it_fails(server: HookServer, logged: list[str]) -> None:
    server.answers = [(404, "")] * 5
    with notifier(hook(server)) as told:
        for number in range(5):
            told.say("failure", f"{number}")
    assert len(server.received) == 5
    assert len(logged) == 1


@pytest.mark.parametrize(
    ("kind", "answer", "tries"),
    [
        ("企业微信", '{"errcode":45009,"errmsg":"api freq out of limit"}', 3),
        ("企业微信", '{"errcode":93000,"errmsg":"invalid webhook url"}', 1),
        ("钉钉", '{"errcode":130101,"errmsg":"send too fast"}', 3),
        ("钉钉", '{"errcode":310000,"errmsg":"sign not match"}', 1),
        ("飞书", '{"code":11232,"msg":"frequency limited"}', 3),
        ("飞书", '{"code":19021,"msg":"sign match fail"}', 1),
        ("飞书", "不是 JSON", 1),
    ],
)
def test_a_robot_that_says_no(
    server: HookServer, logged: list[str], kind: str, answer: str, tries: int
) -> None:
    server.answers = [(200, answer)] * 5
    with notifier(hook(server, kind)) as told:
        told.say("failure", "没有办成")
    assert len(server.received) == tries
    assert len(logged) == 1
    assert kind in logged[0]


@pytest.mark.parametrize("answer", [(200, None), (200, ...)])
def test_a_server_that_hangs_is_left(
    server: HookServer, logged: list[str], answer: tuple[int, Any]
) -> None:
    server.answers = [answer] * 5
    with notifier(hook(server, timeout=0.2)) as told:
        told.say("failure", "没有办成")
    assert len(server.received) == 3
    assert "没有回答" in logged[0]
    server.closing.set()


def test_the_end_of_the_job_waits_only_so_long(server: HookServer, logged: list[str]) -> None:
    server.answers = [(200, None)] * 5
    told = notifier(hook(server, timeout=60))
    told.say("failure", "没有办成")
    server.wait_for(1)
    assert told.close(0.05) is False
    assert told.close(0.05) is False
    assert len(logged) == 1
    assert "没有送完" in logged[0]
    server.closing.set()


def test_nobody_listens(logged: list[str]) -> None:
    server = HookServer()
    server.close()
    with notifier(hook(server)) as told:
        told.say("failure", "没有办成")
    assert len(logged) == 1
    assert "没有送到" in logged[0]
    assert KEY not in logged[0]


def test_redirects_are_not_followed(server: HookServer, logged: list[str]) -> None:
    server.answers = [(302, "")]
    with notifier(hook(server)) as told:
        told.say("failure", "没有办成")
    assert [each.path for each in server.received] == [f"/bot/v2/hook/{KEY}"]
    assert "HTTP 302" in logged[0]


def test_a_wrong_certificate(tmp_path: Path, logged: list[str]) -> None:
    from easytrader.server import tls

    pair = tls.make(tmp_path, ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert)
    server = HookServer(context)
    try:
        with notifier(hook(server)) as told:
            told.say("failure", "没有办成")
        assert not server.received
        assert "证书不对" in logged[0]
    finally:
        server.close()


def test_a_proxy_from_the_environment(server: HookServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    made = hook_of({"kind": "webhook", "url": "http://hook.example/x", "on": "failure"})
    with notifier(made) as told:
        told.say("failure", "没有办成")
    assert server.received[0].headers["Host"] == "hook.example"


# ---- 命令


def command(tmp_path: Path, script: str, **more: Any) -> Hook:
    file = tmp_path / "通 知.py"
    file.write_text(script, encoding="utf-8")
    row = {"kind": "command", "command": [sys.executable, "-X", "utf8", str(file), "参数 一"]}
    return hook_of({"on": list(notify.EVENTS), **row, **more})


def test_a_command_gets_the_text_and_variables(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    script = (
        "import json, os, sys\n"
        f"told = {{k: v for k, v in os.environ.items() if k.startswith('EASYTRADER_')}}\n"
        f"open({str(out)!r}, 'w').write(json.dumps([sys.argv[1:], sys.stdin.read(), told]))\n"
    )
    with notifier(command(tmp_path, script)) as told:
        told.finished(Outcome("rebalance", "partly", "还差 100 股 token=hunter2"))
    argv, text, variables = json.loads(out.read_text())
    assert argv == ["参数 一"]
    assert text == "rebalance 办成了一部分\n还差 100 股 token=***\n"
    assert variables["EASYTRADER_EVENT"] == "failure"
    assert variables["EASYTRADER_TITLE"] == "rebalance 办成了一部分"
    assert (variables["EASYTRADER_RESULT"], variables["EASYTRADER_EXIT_CODE"]) == ("partly", "4")
    assert variables["EASYTRADER_JOB"] == "rebalance"


def test_a_command_that_fails_hangs_or_is_not_there(tmp_path: Path, logged: list[str]) -> None:
    hang = "import threading; threading.Event().wait(60)"
    for each in (
        lambda: command(tmp_path, "import sys; sys.exit('坏了')"),
        lambda: command(tmp_path, hang, timeout=0.3),
        lambda: hook_of({"kind": "命令", "command": ["/没有/这个"], "on": "failure"}),
    ):
        with notifier(each()) as told:
            told.say("failure", "没有办成")
    assert len(logged) == 3
    assert "坏了" in logged[0]
    assert "已杀掉" in logged[1]
    assert "起不来" in logged[2]


@pytest.mark.skipif(os.name == "nt", reason="sh 的写法")
def test_a_shell_only_when_asked(tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = hook_of({"kind": "command", "command": f"cat > '{out}'", "shell": True, "on": "failure"})
    with notifier(made) as told:
        told.say("failure", "没有办成", ["$(没有这个)"])
    assert out.read_text(encoding="utf-8") == "没有办成\n$(没有这个)\n"


# ---- 设置


@pytest.mark.parametrize(
    ("row", "argument", "told"),
    [
        ({}, "notify.kind", "企业微信"),
        ({"kind": "微信"}, "notify.kind", "钉钉"),
        ({"kind": "webhook"}, "notify.url", "https://"),
        ({"kind": "webhook", "url": "file:///etc/passwd"}, "notify.url", "https://"),
        ({"kind": "webhook", "url": "https://"}, "notify.url", "https://"),
        ({"kind": "webhook", "url": "https://a:x/"}, "notify.url", "https://"),
        ({"kind": "webhook", "url": "https://a/b c"}, "notify.url", "https://"),
        ({"kind": "webhook", "url": "https://a", "format": "text"}, "notify.format", "群机器人"),
        ({"kind": "钉钉", "url": "https://a", "format": "html"}, "notify.format", "markdown"),
        ({"kind": "钉钉", "url": "https://a", "secrte": "x"}, "notify.secrte", "是不是 secret"),
        (
            {"kind": "钉钉", "url": "https://a", "on": ["fils"]},
            "notify.on 里的 fils",
            "是不是 fill",
        ),
        ({"kind": "钉钉", "url": "https://a", "on": []}, "notify.on", "列表"),
        ({"kind": "钉钉", "url": "https://a", "timeout": 0}, "notify.timeout", "秒数"),
        ({"kind": "webhook", "url": "https://a", "headers": {"a": 1}}, "notify.headers", "表"),
        ({"kind": "webhook", "url": "https://a", "command": ["x"]}, "notify.command", "去掉"),
        ({"kind": "command", "command": "rm -rf /"}, "notify.command", "shell = true"),
        ({"kind": "command", "command": ["a"], "shell": True}, "notify.command", "列表"),
        ({"kind": "command", "command": ["a"], "url": "https://a"}, "notify.url", "去掉"),
        ({"kind": "webhook", "url": "env:没有这个变量"}, "notify.url", "环境变量"),
    ],
)
def test_wrong_sections(row: dict[str, Any], argument: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        hook_of(row, "账号设置 main 第 1 个 [[notify]]")
    assert caught.value.argument == argument
    assert told in caught.value.expected
    assert "第 1 个 [[notify]]" in str(caught.value)


def test_of_a_profile(server: HookServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", f"{server.url}/{KEY}-from-the-environment")
    rows = (
        {"kind": "webhook", "url": "env:HOOK_URL"},
        {"kind": "command", "command": ["x"], "on": "fill"},
    )
    profile = profiles.Profile("main", profiles.AccountSpec("sim"), notify=rows)
    with Notifier.of(profile, "rebalance") as told:
        assert told.wants("finish")
        assert told.wants("reconnect")
        assert told.wants("fill")
        assert not told.wants("closed")
        told.finished(Outcome("rebalance", "closed"))
        told.finished(Outcome("rebalance", "done"))
        assert KEY not in repr(told)
    assert len(server.received) == 1
    assert f"{KEY}-from" not in scrub.scrubbed(f"见 {server.url}/{KEY}-from-the-environment")
    bad = profiles.Profile("main", profiles.AccountSpec("sim"), notify=({}, {}))
    with pytest.raises(UsageError, match=r"账号设置 main 第 1 个 \[\[notify\]\]"):
        Notifier.of(bad, "rebalance")


def test_secrets_of_hooks_are_not_shown() -> None:
    made = hook_of(
        {"kind": "钉钉", "url": f"https://a.example/robot?access_token={KEY}", "secret": "SEC-hush"}
    )
    for text in (repr(made), scrub.scrubbed(f"{made.url} SEC-hush")):
        assert KEY not in text
        assert "hush" not in text


def test_without_hooks_nothing_is_started() -> None:
    told = Notifier()
    told.say("failure", "没有办成")
    assert not told.wants("failure")
    assert told.close()
