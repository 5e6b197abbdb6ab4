"""中转文件怎样写出来：一个账号一份设置，谁先要都是同一份；命令行的字节与说明。"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.basics import paths
from easytrader.bigqmt.agentfile import read_settings, render, settings_for
from easytrader.cli import main
from easytrader.errors import UsageError

if TYPE_CHECKING:
    from easytrader.bigqmt.agentfile import Settings

ACCOUNT = "1000000365"


def test_the_same_settings_every_time() -> None:
    first = settings_for(ACCOUNT)
    assert settings_for(ACCOUNT) == first
    assert settings_for("2000000365") != first
    assert len(first.token) == 64
    assert len(set(first.ports)) == 5
    assert all(20000 <= port < 32000 for port in first.ports)
    assert first.pipe.startswith(r"\\.\pipe\easytrader-")
    assert Path(first.spool).parent == paths.home() / "bigqmt"


def test_a_new_token_comes_with_new_ports() -> None:
    first = settings_for(ACCOUNT)
    second = settings_for(ACCOUNT, new_token=True)
    assert second.token != first.token
    assert second.pipe != first.pipe
    assert set(second.ports) != set(first.ports)
    assert second.account_type == first.account_type
    assert settings_for(ACCOUNT) == second


def test_the_account_type_is_remembered() -> None:
    assert settings_for(ACCOUNT).account_type == "STOCK"
    assert settings_for(ACCOUNT, "CREDIT").account_type == "CREDIT"
    assert settings_for(ACCOUNT).account_type == "CREDIT"


def test_many_at_once_get_the_same() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: settings_for(ACCOUNT).token, range(16)))
    assert len(found) == 1


def test_only_the_owner_may_read_them() -> None:
    settings_for(ACCOUNT)
    folder = paths.home() / "bigqmt"
    if os.name != "nt":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / f"{ACCOUNT}.json").stat().st_mode) == 0o600


def test_the_token_is_not_in_the_repr() -> None:
    told = settings_for(ACCOUNT)
    assert told.token not in repr(told)
    assert told.token not in f"{told}"
    assert ACCOUNT not in repr(told)


@pytest.mark.parametrize("account", ["", "  ", "1\n2", None, 1000000365])
def test_a_wrong_account(account: Any) -> None:
    with pytest.raises(UsageError) as caught:
        settings_for(account)
    assert caught.value.argument == "account"


def test_a_wrong_type() -> None:
    with pytest.raises(UsageError) as caught:
        settings_for(ACCOUNT, "股票")
    assert caught.value.argument == "account_type"


def test_a_broken_settings_file_is_named() -> None:
    settings_for(ACCOUNT)
    (paths.home() / "bigqmt" / f"{ACCOUNT}.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="删掉"):
        settings_for(ACCOUNT)


# ---- 写出、读回


@pytest.fixture
def told() -> Settings:
    """一份什么都有的设置。"""
    plain = settings_for(ACCOUNT)
    caps = {"max_value": 1e4, "codes": ["600036.SH"]}
    return plain._replace(allow_orders=True, spool="C:\\用户\\a b", caps=caps)


def test_what_was_written_is_read_back(told: Settings, tmp_path: Path) -> None:
    file = tmp_path / "中转.py"
    file.write_bytes(render(told).encode("ascii"))
    assert read_settings(file) == told
    file.write_bytes(b"\xef\xbb\xbf" + render(told).replace("\n", "\r\n").encode("ascii"))
    assert read_settings(str(file)) == told


@pytest.mark.parametrize("what", ["missing", "other", "half", "code", "folder"])
def test_a_file_that_is_not_an_agent(told: Settings, tmp_path: Path, what: str) -> None:
    file = tmp_path / "x.py"
    text = {
        "other": "print(1)\n",
        "half": render(told).replace("TOKEN = ", "KEY = "),
        "code": render(told).replace("PERIOD_MS = 100", "PERIOD_MS = print(1)"),
    }.get(what, "")
    if what == "folder":
        file.mkdir()
    elif what != "missing":
        file.write_text(text, encoding="ascii")
    with pytest.raises(UsageError) as caught:
        read_settings(file)
    assert caught.value.argument == "agent"
    assert told.token not in str(caught.value)


# ---- 命令行


def _run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-m", "easytrader", "bigqmt", *arguments],
        env={**env, **options},
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_the_file_goes_to_stdout_and_the_words_to_stderr() -> None:
    done = _run("agent", "--account", ACCOUNT, PYTHONIOENCODING="gbk")
    assert done.returncode == 0
    assert done.stdout == render(settings_for(ACCOUNT)).encode("ascii")
    told = done.stderr.decode("gbk")
    assert "只许查" in told
    assert "启动本地python" in told
    assert ACCOUNT not in told
    assert settings_for(ACCOUNT).token not in told


def test_a_file_is_written_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "中转 文件.py"
    limits = ["--max-value", "50000", "--max-per-minute", "30"]
    told = ["bigqmt", "agent", "--account", ACCOUNT, "--allow-orders", *limits, "-o", str(file)]
    assert main(told) == 0
    found = read_settings(file)
    assert found.allow_orders is True
    assert found.caps == {"max_value": 50000.0, "max_per_minute": 30}
    assert found.token == settings_for(ACCOUNT).token
    assert "50,000" in capsys.readouterr().err
    assert main([*told, "--type", "CREDIT", "--new-token"]) == 0
    assert read_settings(file).account_type == "CREDIT"
    assert read_settings(file).token != found.token
    monkeypatch.chdir(tmp_path)
    assert main(["bigqmt", "probe", "-o", "probe.py"]) == 0
    assert (tmp_path / "probe.py").read_bytes().startswith(b"#coding:gbk\n")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--account"),
        (["--account", ""], "--account"),
        (["--account", "1", "--type", "FUTURE"], "--type"),
        (["--account", "1", "--max-value", "5e3"], "--max-value"),
        (["--account", "1", "--max-value", "0"], "--max-value"),
        (["--account", "1", "--max-per-minute", "0"], "--max-per-minute"),
        (["--account", "1", "-o", "/nowhere/at/all/x.py"], "-o"),
        (["--account", "1", "-o", "."], "-o"),
    ],
)
def test_what_is_wrong_is_named(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bigqmt", "agent", *arguments]) == 2
    told = capsys.readouterr()
    assert named in told.err
    assert told.out == ""
