"""``easytrader token``：起进程的只有两处，别的在本进程里跑同一个入口。"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cli_helpers import easytrader, environment

from easytrader.cli import main
from easytrader.server.tokens import Tokens, default_file

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = re.compile(r"et_[0-9a-f]{8}_[0-9a-f]{64}")


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def token(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def run(*arguments: str) -> Done:
        code = main(["token", *arguments])
        return Done(code, *capsys.readouterr())

    return run


def test_the_token_stands_alone_on_the_last_line() -> None:
    done = easytrader("token", "add", "策略一", "--scope", "trade", "--accounts", "10001")
    assert done.returncode == 0, done.stderr
    token = done.stdout.splitlines()[-1]
    assert TOKEN.fullmatch(token)
    assert done.stdout == f"{token}\n"  # TOKEN=$(easytrader token add …) 拿到的只有它
    assert token not in done.stderr
    grant = Tokens(default_file()).check(token)
    assert grant is not None
    assert (grant.name, grant.scopes, grant.accounts) == ("策略一", ("trade",), ("10001",))


def test_every_limit_reaches_the_file(token: Callable[..., Done]) -> None:
    done = token(
        "add",
        "a",
        "--scope",
        "trade",
        "--scope",
        "read",
        "--accounts",
        "main,10002",
        "--accounts",
        "备用",
        "--codes",
        "600036，51*",
        "--codes",
        "*.sz",
        "--max-order",
        "50000",
        "--max-day",
        "500000.50",
        "--expires",
        "30d",
    )
    grant = Tokens(default_file()).check(done.stdout.strip())
    assert grant is not None
    assert grant.accounts == ("main", "10002", "备用")
    assert grant.codes == ("600036.SH", "51*", "*.SZ")
    assert (str(grant.max_order), str(grant.max_day)) == ("50000", "500000.50")
    assert grant.expires is not None
    for told in ("main", "600036.SH", "50,000", "500,000.50"):
        assert told in done.stderr


def test_list_shows_everything_but_the_secret(token: Callable[..., Done]) -> None:
    made = token(
        "add",
        "alice",
        "--scope",
        "trade",
        "--codes",
        "51*",
        "--max-order",
        "100",
        "--expires",
        "2h",
    ).stdout.strip()
    _, identity, secret = made.split("_")
    shown = token("list")
    assert shown.returncode == 0
    for told in ("alice", identity, "51*", "100"):
        assert told in shown.stdout
    rows = json.loads(token("list", "--json").stdout)
    assert rows[0]["name"] == "alice"
    assert rows[0]["max_order"] == 100
    assert rows[0]["expired"] is False
    for text in (shown.stdout, shown.stderr, json.dumps(rows)):
        assert not any(secret[at : at + 8] in text for at in range(len(secret) - 8))


def test_revoke(token: Callable[..., Done]) -> None:
    made = token("add", "a", "--scope", "read").stdout.strip()
    assert token("revoke", "a").returncode == 0
    assert Tokens(default_file()).check(made) is None
    again = token("revoke", "a")
    assert again.returncode == 2
    assert "NAME" in again.stderr
    assert json.loads(token("list", "--json").stdout) == []
    assert "一个令牌也没有" in token("list").stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["a b", "--scope", "read"], "NAME"),
        (["a"], "--scope"),
        (["a", "--scope", "admin"], "--scope"),
        (["a", "--scope", "trade", "--codes", "60003"], "--codes"),
        (["a", "--scope", "trade", "--max-order", "十万"], "--max-order"),
        (["a", "--scope", "trade", "--max-day", "-1"], "--max-day"),
        (["a", "--scope", "trade", "--expires", "tomorrow"], "--expires"),
        (["a", "--scope", "trade", "--expires", "2020-01-01"], "--expires"),
        (["a", "--scope", "trade", "--accounts", "a,,b"], "--accounts"),
        (["a", "--scope", "trade,funds", "--max-day", "1"], "--scope"),
    ],
)
def test_written_wrong(token: Callable[..., Done], given: list[str], told: str) -> None:
    done = token("add", *given)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""
    assert not default_file().exists()


def test_the_same_name_twice(token: Callable[..., Done]) -> None:
    first = token("add", "a", "--scope", "read").stdout.strip()
    second = token("add", "A", "--scope", "trade")
    assert second.returncode == 2
    assert second.stdout == ""
    assert "已经有这个名字" in second.stderr
    assert Tokens(default_file()).check(first) is not None


def test_a_broken_file_is_said(token: Callable[..., Done]) -> None:
    default_file().parent.mkdir(parents=True)
    default_file().write_text("{", encoding="utf-8")
    for given in (["add", "a", "--scope", "read"], ["list"], ["revoke", "a"]):
        done = token(*given)
        assert done.returncode == 1
        assert "读不懂" in done.stderr
        assert str(default_file()) in done.stderr


def test_a_gbk_console_and_no_accounts_folder() -> None:
    done = easytrader(
        "token",
        "add",
        "阿姨",
        "--scope",
        "trade",
        encoding="gbk",
        env=environment(PYTHONIOENCODING="gbk"),
    )
    assert done.returncode == 0
    assert "阿姨" in done.stderr
    listed = easytrader(
        "token", "list", encoding="ascii", env=environment(PYTHONIOENCODING="ascii")
    )
    assert listed.returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="Windows 靠用户目录")
def test_the_state_is_private(token: Callable[..., Done]) -> None:
    token("add", "a", "--scope", "read")
    assert default_file().stat().st_mode & 0o777 == 0o600
    assert default_file().is_relative_to(Path(os.environ["EASYTRADER_HOME"]))
