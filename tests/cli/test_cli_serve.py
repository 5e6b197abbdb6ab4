"""``easytrader serve``：真的进程，从启动到停止。"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from cli_helpers import ACCOUNT, DEADLINE_S, command, easytrader, environment
from serve_helpers import a_token, get, post, serving, sim
from support import eventually, freeze

from easytrader.server.tokens import Tokens, default_file


def test_from_ready_to_stop(folder: Path) -> None:
    token = a_token(ACCOUNT)
    with serving(*sim(folder)) as served:
        served.ready()
        assert served.out[0].startswith("已就绪：http://127.0.0.1:")
        assert get(served.port, "/healthz") == (200, {"ok": True})
        assert get(served.port, "/v1/accounts")[0] == 401
        status, answer = get(served.port, f"/v1/accounts/{ACCOUNT}/balance", token)
        assert status == 200
        assert answer["result"][0]["account_id"] == ACCOUNT

        second = easytrader("serve", *sim(folder)[:-1], served.port)
        assert second.returncode == 1
        assert f"进程 {served.process.pid}" in second.stderr
        home = os.environ["EASYTRADER_HOME"] + "-另一个"
        other = easytrader("serve", *sim(folder), env=environment(EASYTRADER_HOME=home))
        assert other.returncode == 1
        assert f"进程 {served.process.pid}" in other.stderr
        assert "Traceback" not in second.stderr + other.stderr

        stopped = easytrader("serve", "--stop")
        assert stopped.returncode == 0, stopped.stderr
        assert str(served.process.pid) in stopped.stdout
        assert served.ended() == 0
        assert served.out[-1].strip() == "已停止"
        shown = "".join(served.out + served.err)
        assert token not in shown
        assert ACCOUNT not in shown.replace(str(folder), "")
    assert easytrader("serve", "--stop").returncode == 3
    assert easytrader("serve", "--stop", "--port", 7001).returncode == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows 上没有这些信号")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signals_stop_cleanly(folder: Path, name: str) -> None:
    with serving(*sim(folder)) as served:
        served.ready()
        served.process.send_signal(getattr(signal, name))
        assert served.ended() == 0
        assert f"收到 {name}" in "".join(served.err)
        assert easytrader("serve", "--stop").returncode == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows 上没有这些信号")
def test_a_signal_while_starting(tmp_path: Path, folder: Path) -> None:
    """客户端还没有起来，第一次连接还没有结果，就被叫停。"""
    path = dead_client(tmp_path)
    client = ("--broker", "miniqmt", "--path", path, "--account", "1", "--port", 0)
    with serving(*client) as served:
        eventually(lambda: any("正在尝试连接" in line for line in served.err), 60)
        served.process.send_signal(signal.SIGTERM)
        assert served.ended() == 0
        assert served.out == ["已停止\n"]


def dead_client(tmp_path: Path) -> Path:
    """一个没有开着的客户端的文件夹。"""
    folder = tmp_path / "没开的 userdata_mini"
    folder.mkdir()
    return folder


@pytest.mark.skipif(os.name == "nt", reason="Windows 上没有这些信号")
def test_the_second_signal_exits_at_once(folder: Path) -> None:
    """停不下来的（柜台卡住了）也走得掉。"""
    token = a_token(ACCOUNT)
    with subprocess.Popen(
        command("sim", "serve", folder), stdout=subprocess.PIPE, env=environment()
    ) as client:
        try:
            assert client.stdout is not None
            client.stdout.readline()
            with serving(*sim(folder)) as served:
                served.ready()
                freeze(client.pid)
                asking = threading.Thread(
                    target=lambda: _quietly(served.port, f"/v1/accounts/{ACCOUNT}/balance", token)
                )
                asking.start()
                asking.join(0.5)
                assert asking.is_alive()  # 柜台卡着，这一问在做
                served.process.send_signal(signal.SIGINT)
                eventually(lambda: any("收到 SIGINT" in line for line in served.err))
                served.process.send_signal(signal.SIGINT)
                assert served.ended() == 130
                asking.join(30)
        finally:
            client.kill()


def _quietly(port: int, path: str, token: str) -> None:
    try:
        get(port, path, token)
    except (OSError, http.client.HTTPException):
        return


def test_stopping_finishes_what_is_being_done(folder: Path) -> None:
    """在做的一笔等到应答；新的一笔说正在停，什么都没有发出；查询照常。"""
    token = a_token(ACCOUNT)
    place = f"/v1/accounts/{ACCOUNT}"
    order = {"security": "600036", "price": 35.5, "amount": 100}
    with subprocess.Popen(
        command("sim", "serve", folder), stdout=subprocess.PIPE, env=environment()
    ) as client:
        try:
            assert client.stdout is not None
            client.stdout.readline()
            with serving(*sim(folder)) as served:
                served.ready()
                slow = ("sim", "fault", folder, "delay-answer", "--seconds", 3)
                assert easytrader(*slow).returncode == 0
                answers: list[tuple[int, Any]] = []
                asking = threading.Thread(
                    target=lambda: answers.append(post(served.port, f"{place}/buy", token, order))
                )
                asking.start()
                eventually(lambda: in_flight(served.port, place, token))
                served.process.terminate()
                eventually(lambda: any("停止：" in line for line in served.err))
                status, told = post(served.port, f"{place}/buy", token, order)
                assert (status, told["error"]["type"]) == (503, "NotConnectedError")
                assert "什么都没有发出" in told["error"]["text"]
                asking.join(30)
                assert served.ended() == 0
            status, told = answers[0]
            assert status == 200
            assert told["result"]["entrust_no"] > 0
        finally:
            client.kill()


def in_flight(port: int, place: str, token: str) -> bool:
    """柜台已经收到那一笔，应答还没有回来。"""
    return len(get(port, f"{place}/today_entrusts", token)[1]["result"]) == 1


def test_a_killed_server_leaves_nothing_in_the_way(folder: Path) -> None:
    with serving(*sim(folder)) as served:
        served.ready()
        served.process.kill()
        served.ended()
        port = served.port
    assert easytrader("serve", "--stop").returncode == 3
    with serving(*sim(folder)[:-1], port) as again:
        again.ready()
        assert again.port == port


def test_the_client_is_not_up_yet(tmp_path: Path, folder: Path) -> None:
    """先起服务器后开客户端：服务器就绪，账号显示原因，客户端开了自己连上。"""
    token = a_token()
    with subprocess.Popen(
        command("sim", "serve", folder), stdout=subprocess.PIPE, env=environment()
    ) as client:
        assert client.stdout is not None
        client.stdout.readline()
        client.kill()
    arguments = ("--broker", "miniqmt", "--path", folder, "--account", ACCOUNT, "--port", 0)
    with serving(*arguments, "--name", "主账户") as served:
        served.ready()
        told = get(served.port, "/v1/accounts", token)[1]["result"]
        assert [each["name"] for each in told] == ["主账户"]
        assert told[0]["state"] in ("连接中", "已断开")
        assert any("主账户：miniqmt" in line for line in served.out)
        with subprocess.Popen(
            command("sim", "serve", folder), stdout=subprocess.PIPE, env=environment()
        ) as client:
            try:
                eventually(
                    lambda: (
                        get(served.port, "/v1/accounts", token)[1]["result"][0]["state"] == "已连接"
                    ),
                    60,
                )
            finally:
                client.kill()


def test_several_accounts_from_a_file(tmp_path: Path, folder: Path) -> None:
    easytrader("sim", "init", folder, "--account", "10002", "--credit")
    file = tmp_path / "设置.toml"
    file.write_text(
        f"""
port = 0
[[account]]
name = "普通"
broker = "sim"
guard = {{ max_order_value = 1000 }}
connect = {{ miniqmt_path = '{folder}', stock_account = "{ACCOUNT}" }}
[[account]]
name = "两融"
broker = "sim"
connect = {{ miniqmt_path = '{folder}', stock_account = "10002", account_type = "CREDIT" }}
""",
        encoding="utf-8",
    )
    token = a_token("两融")
    with serving("--config", file) as served:
        served.ready()
        told = get(served.port, "/v1/accounts", token)[1]["result"]
        assert [each["name"] for each in told] == ["两融"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--broker"),
        (("--broker", "sim", "--host", "0.0.0.0"), "serve init"),
        (("--broker", "sim", "--host", "203.0.113.9", "--proxy", "127.0.0.1"), "--public-host"),
        (("--broker", "sim", "--path", "没有这个"), "不存在"),
        (("--broker", "smi",), "sim"),
        (("--config", "没有.toml"), "读得了"),
        (("--stop", "--port", "x"), "--port"),
    ],
)  # fmt: skip
def test_wrong_usage_exits_with_2(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    port = () if "--port" in arguments else ("--port", 0)
    done = easytrader("serve", *arguments, *port, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_of_somebody_else(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = easytrader("serve", *sim(folder)[:-1], port)
    assert done.returncode == 1
    assert f"端口 {port} 已经有程序在用" in done.stderr
    assert "正在尝试连接" not in done.stderr  # 还没有连账号


def without_output(folder: Path, *arguments: object) -> subprocess.Popen[bytes]:
    """pythonw：没有标准输出、标准错误。"""
    script = folder / "任务.py"
    words = ["serve", *map(str, arguments)]
    script.write_text(
        "import sys\nsys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None\n"
        f"from easytrader.cli import main\nsys.exit(main({words!r}))\n",
        encoding="utf-8",
    )
    return subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.DEVNULL, env=environment()
    )


def test_without_any_output(folder: Path, tmp_path: Path) -> None:
    """日志在文件里，--stop 停得掉。"""
    log = tmp_path / "日志" / "serve.log"
    process = without_output(tmp_path, *sim(folder, "--log-file", log))
    try:
        eventually(lambda: easytrader("serve", "--stop").returncode == 0, 60)
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait(DEADLINE_S)
    text = log.read_text(encoding="utf-8")
    assert "成功连接到 MiniQMT" in text
    assert "serve --stop" in text


def test_why_it_did_not_start_is_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "serve.log"
    path = tmp_path / "没有"
    arguments = ("--broker", "sim", "--path", path, "--port", 0, "--log-file", log)
    process = without_output(tmp_path, *arguments)
    assert process.wait(DEADLINE_S) == 2
    assert "不存在" in log.read_text(encoding="utf-8")


def test_gbk_console(folder: Path) -> None:
    with serving(*sim(folder), PYTHONIOENCODING="gbk") as served:
        served.ready()
        assert served.out[0].startswith("已就绪")
        assert easytrader("serve", "--stop").returncode == 0
        assert served.ended() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="systemd 只在 Linux 上")
def test_under_systemd(folder: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(path)
        ear.settimeout(60)
        changes = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"}
        with serving(*sim(folder), **changes) as served:
            assert ear.recv(64) == b"READY=1"
            served.ready()
            assert get(served.port, "/healthz")[0] == 200
            assert ear.recv(64) == b"WATCHDOG=1"
            assert ear.recv(64) == b"WATCHDOG=1"
            served.process.send_signal(signal.SIGTERM)
            heard = b""
            while heard != b"STOPPING=1":
                heard = ear.recv(64)
            assert served.ended() == 0


# 证书、审计 ---------------------------------------------------------------


def fingerprints(text: str) -> list[str]:
    return re.findall(r"sha256:(?:[0-9a-f]{2}:){31}[0-9a-f]{2}", text)


def test_certificate_from_init_to_switch(folder: Path) -> None:
    """非本机的地址：没有证书不启动；出示的就是印出来的；备着的还不用，换了才用。"""
    exposed = sim(folder, "--host", "0.0.0.0")
    refused = easytrader("serve", *exposed)
    assert refused.returncode == 2
    assert "serve init" in refused.stderr
    [first] = fingerprints(easytrader("serve", "init", "--public-host", "win-box").stdout)
    again = easytrader("serve", "init")
    assert again.returncode == 2
    assert "--renew" in again.stderr
    old, fresh = fingerprints(easytrader("serve", "init", "--renew").stdout)
    assert old == first != fresh
    assert presented(exposed, "win-box") == (first, 200)
    assert fingerprints(easytrader("serve", "init", "--switch").stdout) == [fresh]
    assert presented(exposed, "evil.example") == (fresh, 403)
    assert easytrader("serve", "init", "--switch").returncode == 2


def presented(arguments: tuple[object, ...], name: str) -> tuple[str, int]:
    """起一个：它出示的证书的指纹，用这个名字问它的状态码。"""
    token = a_token()
    with serving(*arguments) as served:
        served.ready()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", served.port), 20) as raw,
            context.wrap_socket(raw) as line,
        ):
            der = line.getpeercert(binary_form=True)
            assert der is not None
            asked = f"GET /v1/accounts HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n"
            line.sendall(f"{asked}Authorization: Bearer {token}\r\n\r\n".encode())
            status = int(line.recv(4096).split()[1])
    Tokens(default_file()).revoke("测试")
    found = f"sha256:{hashlib.sha256(der).digest().hex(':')}"
    assert fingerprints("".join(served.out)) == [found]
    return found, status


def test_audit_notices_a_changed_line(folder: Path) -> None:
    assert easytrader("serve", "audit").returncode == 0
    token = a_token(ACCOUNT)
    with serving(*sim(folder)) as served:
        served.ready()
        for _ in range(3):
            get(served.port, f"/v1/accounts/{ACCOUNT}/balance", token)
        assert easytrader("serve", "audit").returncode == 0  # 开着的时候也可以
        assert easytrader("serve", "--stop").returncode == 0
    [file] = (Path(os.environ["EASYTRADER_HOME"]) / "server" / "audit").rglob("*.jsonl")
    assert token.rpartition("_")[2] not in file.read_text(encoding="utf-8")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    done = easytrader("serve", "audit")
    assert done.returncode == 1
    assert "有问题" in done.stdout
