"""远程的几页：三条命令真的跑一遍，页里的代码对着真的服务器跑，服务的文件读得懂，威胁都有测试看着。"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from docs_helpers import DOCS, EXAMPLES, ROOT, blocks

from easytrader.server.config import read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNIT = EXAMPLES / "easytrader.service"
THREATS = (DOCS / "threats.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in THREATS.splitlines()
    if re.match(r"\| \d+ \|", line)
]
NAMED = sorted(set(re.findall(r"`(tests/[^`:\s]+\.py)(?:::(\w+))?`", THREATS)))


def commands() -> list[str]:
    [block] = [each for each in blocks(DOCS / "serve.md") if each.note == "三条命令"]
    return block.source.splitlines()


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """照读者的样子：激活了虚拟环境，``easytrader``、``python`` 都在路径上。"""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name, words in {"easytrader": " -m easytrader", "python": ""}.items():
        script = bin_ / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}"{words} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    path = f"{bin_}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}


def run(line: str, folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def served(line: str, folder: Path, env: dict[str, str], port: int) -> Iterator[None]:
    """第二条命令占着的终端。"""
    with subprocess.Popen(
        ["bash", "-c", f"exec {line} --port {port}"],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdout is not None
            assert "已就绪" in process.stdout.readline()
            yield
            run(f"easytrader serve --stop --port {port}", folder, env)
            assert process.wait(60) == 0
        finally:
            process.kill()


needs_bash = pytest.mark.skipif(
    os.name == "nt" or shutil.which("bash") is None, reason="命令是给 Linux 的终端写的"
)


@needs_bash
@pytest.mark.parametrize("client", ["嵌着", "单独"])
def test_three_commands(tmp_path: Path, shell: dict[str, str], port: int, client: str) -> None:
    """页上的三条命令，原样（换个端口）；客户端单独跑着也一样。"""
    init, serve, script = commands()
    run(init, tmp_path, shell)
    script = script.replace("docs/zh/examples", EXAMPLES.as_posix()).replace("7788", str(port))
    alone = _client(tmp_path, shell) if client == "单独" else _nothing()
    with alone, served(serve, tmp_path, shell, port):
        out = run(script, tmp_path, shell)
    assert "可用资金" in out
    assert "已成 100" in out
    assert "还是同一笔 True" in out


@contextmanager
def _client(folder: Path, env: dict[str, str]) -> Iterator[None]:
    with subprocess.Popen(
        ["bash", "-c", "exec easytrader sim serve my-qmt"],
        cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8",
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert "已就绪" in process.stdout.readline()
            yield
        finally:
            process.kill()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@needs_bash
def test_the_client_page_runs(tmp_path: Path, shell: dict[str, str], port: int) -> None:
    """remote.md 里的代码块，按页对着真的服务器跑。"""
    source = "\n".join(
        each.source for each in blocks(DOCS / "remote.md") if each.note == "对着服务器跑"
    )
    script = tmp_path / "页.py"
    script.write_text(source.replace("7788", str(port)), encoding="utf-8")
    init, serve, _ = commands()
    run(init, tmp_path, shell)
    with served(serve, tmp_path, shell, port):
        token = run("easytrader token add 页 --scope trade", tmp_path, shell).splitlines()[-1]
        out = run("python 页.py", tmp_path, {**shell, "EASYTRADER_TOKEN": token})
    assert out.startswith("1000000.0\n")
    assert "已成 100" in out
    assert "委托" in out
    assert "amount" in out


@needs_bash
@pytest.mark.skipif(shutil.which("curl") is None, reason="没有 curl")
def test_the_curl_lines_run(tmp_path: Path, shell: dict[str, str], port: int) -> None:
    lines = [
        line
        for each in blocks(DOCS / "serve.md")
        if each.language == "bash"
        for line in each.source.splitlines()
        if line.startswith("curl -s")
    ]
    assert len(lines) == 2
    init, serve, _ = commands()
    run(init, tmp_path, shell)
    with served(serve, tmp_path, shell, port):
        token = run("easytrader token add 页 --scope trade", tmp_path, shell).splitlines()[-1]
        env = {**shell, "EASYTRADER_TOKEN": token}
        query, order = (line.replace("7788", str(port)) for line in lines)
        order = order.replace("--json", "-H 'Content-Type: application/json' --data")  # 老的 curl
        assert "total_asset" in run(query, tmp_path, env)
        first = run(order, tmp_path, env)
        assert "entrust_no" in first
        assert run(order, tmp_path, env) == first  # 同一个请求号，同一笔


def test_the_settings_example_is_read() -> None:
    config = read(EXAMPLES / "serve.toml")
    assert [each.name for each in config.accounts] == ["main", "credit"]
    assert not config.is_local
    assert config.accounts[0].guard is not None


class _Unit(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr


def test_the_unit_is_hardened() -> None:
    """少一道收紧都看得出来。"""
    unit = _Unit(strict=False)
    unit.read(UNIT, encoding="utf-8")
    service = dict(unit["Service"])
    wanted = {
        "Type": "notify",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateDevices": "yes",
        "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
        "RestrictNamespaces": "yes",
        "LockPersonality": "yes",
        "CapabilityBoundingSet": "",
        "SystemCallFilter": "@system-service",
        "UMask": "0077",
        "LimitCORE": "0",
        "TimeoutStopSec": "20",
        "StateDirectory": "easytrader",
        "RestartPreventExitStatus": "2",
    }
    assert {name: service.get(name) for name in wanted} == wanted
    assert "MemoryMax" in service
    assert int(service["WatchdogSec"]) >= 10
    home = "/var/lib/" + service["StateDirectory"]
    assert f"Environment=EASYTRADER_HOME={home}\n" in UNIT.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="没有 systemd-analyze")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8")
    text = text.replace("/opt/easytrader/.venv/bin/easytrader", f"{sys.executable} -m easytrader")
    copy = tmp_path / UNIT.name
    copy.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="路径是 Linux 的")
def test_the_command_of_the_unit_parses() -> None:
    from easytrader.cli import build_parser

    [line] = re.findall(r"^ExecStart=\S+ (.+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert build_parser().parse_args(line.split()).config == "/etc/easytrader/serve.toml"


def test_the_windows_task_runs_at_logon_and_is_not_cut_off() -> None:
    from easytrader.cli import build_parser

    text = (EXAMPLES / "serve_task.ps1").read_text(encoding="utf-8")
    for told in (
        "-AtLogOn",
        "-LogonType Interactive",
        "-RunLevel Limited",
        "-ExecutionTimeLimit ([TimeSpan]::Zero)",
        "-AllowStartIfOnBatteries",
        "-DontStopIfGoingOnBatteries",
        "-MultipleInstances IgnoreNew",
        "-RestartCount",
        "pythonw.exe",
    ):
        assert told in text
    [line] = re.findall(r'-Argument "-m easytrader (.+)" `$', text, re.MULTILINE)
    build_parser().parse_args(re.sub(r'`"\$\w+`"', "FILE", line).split())


def test_the_firewall_rule_is_for_one_port_of_the_neighbours() -> None:
    [rule] = re.findall(r"New-NetFirewallRule .+", (DOCS / "serve.md").read_text(encoding="utf-8"))
    for told in ("-LocalPort 7788", "-RemoteAddress LocalSubnet", "-Profile Private"):
        assert told in rule


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_test_that_watches_a_threat_exists(file: str, name: str) -> None:
    source = (ROOT / file).read_text(encoding="utf-8")
    assert f"def {name}(" in source


def test_every_threat_names_a_test() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) >= 29
    assert all("`tests/" in row[3] and "::" in row[3] for row in ROWS)
