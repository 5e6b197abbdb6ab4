"""``easytrader serve``：真的进程，从启动到停止。"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cli_helpers import ACCOUNT, DEADLINE_S, command, easytrader, environment
from support import eventually, freeze, sigint_restored

from easytrader.server.tokens import Tokens, default_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Served:
    """一个在跑的 ``easytrader serve``。"""

    def __init__(self, *arguments: object, **changes: str) -> None:
        with sigint_restored():
            self.process = subprocess.Popen(
                command("serve", *arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding=changes.get("PYTHONIOENCODING", "utf-8"),
                errors="replace",
                env=environment(**changes),
            )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for each in self._readers:
            each.start()
        self.port = 0

    def _read(self, stream: Any, lines: list[str]) -> None:
        with stream:
            for line in stream:
                lines.append(line)  # noqa: PERF402  一行一行地看得见

    def ready(self) -> Served:
        eventually(lambda: any("停：" in line for line in self.out) or not self.alive, 60)
        assert self.alive, "".join(self.err)
        self.port = int(self.out[0].split()[0].rpartition(":")[2])
        return self

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def ended(self) -> int:
        code = self.process.wait(DEADLINE_S)
        for each in self._readers:
            each.join(DEADLINE_S)
        return code


@contextmanager
def serving(*arguments: object, **changes: str) -> Iterator[Served]:
    served = Served(*arguments, **changes)
    try:
        yield served
    finally:
        served.process.kill()
        served.ended()


def sim(folder: Path, *more: object) -> tuple[object, ...]:
    return ("--broker", "sim", "--path", folder, "--account", ACCOUNT, "--port", 0, *more)


def get(port: int, path: str, token: str = "") -> tuple[int, Any]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        line.close()


def a_token(*accounts: str) -> str:
    return Tokens(default_file()).add("测试", ["trade"], accounts=accounts)


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
    with serving(
        "--broker", "miniqmt", "--path", dead_client(tmp_path), "--account", "1"
    ) as served:
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
    done = easytrader("serve", *arguments, cwd=tmp_path)
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


def test_without_any_output(folder: Path, tmp_path: Path) -> None:
    """pythonw：没有标准输出、标准错误；日志在文件里，--stop 停得掉。"""
    script = tmp_path / "任务.py"
    log = tmp_path / "日志" / "serve.log"
    arguments = ["serve", *map(str, sim(folder, "--log-file", log))]
    script.write_text(
        "import sys\nsys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None\n"
        f"from easytrader.cli import main\nsys.exit(main({arguments!r}))\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.DEVNULL, env=environment()
    )
    try:
        eventually(lambda: easytrader("serve", "--stop").returncode == 0, 60)
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait(DEADLINE_S)
    text = log.read_text(encoding="utf-8")
    assert "成功连接到 MiniQMT" in text
    assert "serve --stop" in text


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
