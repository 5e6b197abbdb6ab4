"""服务器的设置：文件与命令行说的是一回事；写错的，说出哪里、正确的写法。"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.cli import serve_command
from easytrader.cli.parser import Parser
from easytrader.errors import UsageError
from easytrader.profiles import AccountSpec
from easytrader.risk import Guard
from easytrader.server.config import ServerConfig, is_loopback, read

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

FILE = r"""
host = "0.0.0.0"
port = 9000
public_hosts = "trade.example.com"
page = false

[[account]]
name = "主账户"
broker = "miniqmt"
guard = { max_order_value = 50000 }
[account.connect]
miniqmt_path = 'D:\国金 QMT\userdata_mini'
stock_account = "12345678"

[[account]]
broker = "sim"
"""


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "服务器 设置.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def parsed(*words: str) -> argparse.Namespace:
    parser = Parser(prog="easytrader")
    serve_command.register(parser.add_commands())
    return parser.parse_args(["serve", *words])


def config_of(*words: str) -> ServerConfig:
    return serve_command.config_of(parsed(*words))


def test_file_gives_accounts_and_settings(tmp_path: Path) -> None:
    config = read(written(tmp_path, FILE))
    assert (config.host, config.port, config.page) == ("0.0.0.0", 9000, False)
    assert config.public_hosts == ("trade.example.com",)
    first, second = config.accounts
    assert (first.name, first.broker) == ("主账户", "miniqmt")
    assert first.connect["miniqmt_path"] == r"D:\国金 QMT\userdata_mini"
    assert first.guard == Guard(max_order_value=50000)
    assert (second.name, second.broker, second.connect, second.guard) == (None, "sim", {}, None)


def test_notepad_writes_a_mark_in_front(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(FILE, encoding="utf-8-sig")
    assert read(file).port == 9000


def test_command_line_wins_over_the_file(tmp_path: Path) -> None:
    file = str(written(tmp_path, FILE))
    config = config_of(
        "--config", file, "--port", "9001", "--page", "--broker", "sim", "--name", "b"
    )
    assert (config.port, config.page, config.host) == (9001, True, "0.0.0.0")
    assert [each.name for each in config.accounts] == ["主账户", None, "b"]


def test_each_broker_begins_an_account() -> None:
    config = config_of(
        *("--account", "1", "--broker", "sim", "--path", "a"),
        *("--broker", "sim", "--path", "a", "--account", "2", "--type", "CREDIT"),
        *("--broker", "qmt", "--name", "third", "--path", "b", "--account", "3"),
        *("--guard", "max_order_value=50000", "--guard", "block=600036,000001"),
    )
    told = [(each.broker, each.name, dict(each.connect)) for each in config.accounts]
    second = {"miniqmt_path": "a", "stock_account": "2", "account_type": "CREDIT"}
    assert told == [
        ("sim", None, {"miniqmt_path": "a", "stock_account": "1"}),
        ("sim", None, second),
        ("qmt", "third", {"miniqmt_path": "b", "stock_account": "3"}),
    ]
    guard = Guard(max_order_value=50000, block=("600036", "000001"))
    assert all(each.guard == guard for each in config.accounts)


def test_an_option_twice_in_one_account_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """猜错了，委托就到了别的账号上。"""
    with pytest.raises(SystemExit) as caught:
        parsed("--broker", "sim", "--account", "1", "--account", "2")
    assert caught.value.code == 2
    assert "从 --broker 写起" in capsys.readouterr().err


def test_defaults_are_loopback_with_a_page() -> None:
    config = config_of("--broker", "sim")
    assert config == ServerConfig((AccountSpec("sim"),))
    assert config.is_local
    assert (config.host, config.port, config.qka, config.page) == ("127.0.0.1", 7788, False, True)
    assert config.page_connect is False


def test_guard_on_counts_only() -> None:
    assert config_of("--broker", "sim", "--guard", "on").accounts[0].guard == Guard()


@pytest.mark.parametrize(
    ("words", "argument"),
    [
        ((), "account"),
        (("--account", "1"), "--broker"),
        (("--broker", "sim", "--guard", "max_order_value"), "--guard"),
        (("--broker", "sim", "--guard", "max_ordre_value=1"), "guard"),
        (("--broker", "sim", "--guard", "max_order_value=abc"), "max_order_value"),
        (("--broker", "sim", "--name", "a/b"), "name"),
        (("--broker", "sim", "--name", "a", "--broker", "sim", "--name", "A"), "name"),
        (("--broker", "sim", "--port", "65536"), "port"),
        (("--broker", "sim", "--host", " "), "host"),
        (("--broker", "sim", "--cert", "a.pem"), "key"),
        (("--broker", "sim", "--proxy", "caddy", "--public-host", "a.b"), "proxy"),
        (("--broker", "sim", "--proxy", "127.0.0.1"), "public_host"),
        (("--broker", "sim", "--public-host", "http://a.b:1"), "public_host"),
    ],
)
def test_wrong_options_say_what_would_be_right(words: tuple[str, ...], argument: str) -> None:
    with pytest.raises(UsageError) as caught:
        config_of(*words)
    assert caught.value.argument == argument


def test_guard_without_an_account_of_its_own(tmp_path: Path) -> None:
    """文件里的账号不悄悄没有风控。"""
    with pytest.raises(UsageError, match="它自己那一段"):
        config_of("--config", str(written(tmp_path, FILE)), "--guard", "max_order_value=1")


@pytest.mark.parametrize(
    ("text", "argument", "told"),
    [
        ("prot = 1", "prot", "是不是 port"),
        ("[[account]]\nbrokre = 'sim'", "account.brokre", "是不是 broker"),
        ("[[account]]\nname = 'a'", "account.broker", "miniqmt"),
        ("[account]\nbroker = 'sim'", "account", "[[account]]"),
        ("[[account]]\nbroker = 'sim'\nconnect = 3", "account.connect", "[account.connect]"),
        ("port = '9000'\n[[account]]\nbroker = 'sim'", "port", "整数"),
        ("page = 1\n[[account]]\nbroker = 'sim'", "page", "True"),
        ("proxies = 3\n[[account]]\nbroker = 'sim'", "proxies", "列表"),
        ("host = 3\n[[account]]\nbroker = 'sim'", "host", "地址"),
        ("cert = 3\n[[account]]\nbroker = 'sim'", "cert", "路径"),
        ("port = ", "config", "TOML"),
        ("", "account", "--broker"),
        ("[[account]]\nbroker='sim'\n[account.connect]\nwait=true", "connect.wait", "自己定"),
    ],
)
def test_wrong_file_says_where(tmp_path: Path, text: str, argument: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(written(tmp_path, text))
    assert caught.value.argument == argument
    assert told in caught.value.expected


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("brokre = 'sim'", "第 2 个 [[account]]"),
        ("name = '备用'", "第 2 个 [[account]]：备用"),
        (
            "name = '备用'\nbroker = 'sim'\nguard = { max_ordre_value = 1 }",
            "第 2 个 [[account]]：备用",
        ),
        ("name = 'a/b'\nbroker = 'sim'", "第 2 个 [[account]]：a/b"),
    ],
)
def test_wrong_sections_are_named(tmp_path: Path, second: str, told: str) -> None:
    text = f"[[account]]\nbroker = 'sim'\n[[account]]\n{second}"
    with pytest.raises(UsageError) as caught:
        read(written(tmp_path, text))
    assert told in str(caught.value)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="读得了"):
        read(tmp_path / "没有.toml")
    file = tmp_path / "gbk.toml"
    file.write_bytes("名字 = '账户'".encode("gbk"))
    with pytest.raises(UsageError, match="UTF-8"):
        read(file)


@pytest.mark.skipif(os.name == "nt", reason="Windows 上看文件夹的权限")
def test_a_password_in_a_file_others_can_read_is_refused(tmp_path: Path) -> None:
    text = "[[account]]\nbroker = 'sim'\n[account.connect]\nfund_pwd = 'hunter2'"
    with pytest.raises(UsageError, match="chmod 600") as caught:
        read(written(tmp_path, text, 0o644))
    assert "hunter2" not in str(caught.value)
    config = read(written(tmp_path, text, 0o600))
    assert "hunter2" not in repr(config)
    reference = text.replace("hunter2", "env:FUND_PWD")
    assert read(written(tmp_path, reference, 0o644)).accounts


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *((each, True) for each in ("127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost")),
        *((each, False) for each in ("0.0.0.0", "::", "192.168.1.8", "没有这台.invalid")),
    ],
)
def test_loopback_is_decided_by_the_address(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    ("found", "local"),
    [(["127.0.0.1", "192.0.2.1"], False), (["127.0.0.1", "::1"], True), ([], False)],
)
def test_a_name_is_local_when_every_address_is(
    monkeypatch: pytest.MonkeyPatch, found: list[str], local: bool
) -> None:
    told = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: told)
    assert is_loopback("box.example") is local


def test_settings_are_checked_when_built_in_code() -> None:
    bad: Any = {"port": "1"}
    with pytest.raises(UsageError):
        ServerConfig((AccountSpec("sim"),), **bad)


_WITHOUT = """
import importlib.util, sys

found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "cryptography" else found(name)
import easytrader
from easytrader import server
from easytrader.qka.server import QMTServer

for call in (server.run, lambda: QMTServer("1", "D:/qmt")):
    try:
        call()
    except easytrader.MissingDependencyError as error:
        print(error)
from easytrader.cli import main

for given in (["serve", "--broker", "sim"], ["serve", "init"], ["serve", "audit"]):
    print(main(given))
"""


def test_without_its_packages_it_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT],
        capture_output=True, encoding="utf-8", timeout=60, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert [line for line in lines if "pip install" in line and "cryptography" in line] == lines[:2]
    assert lines[2:] == ["1", "1", "1"], done.stderr
    assert done.stderr.count("pip install") == 3
    assert "内部错误" not in done.stderr
