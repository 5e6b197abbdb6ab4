"""``easytrader fleet agent``：真的进程，模拟的账号，从起来到停好。"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from station_world import Strategy, wish, within
from support import ACCOUNT, eventually

from easytrader.cli import main
from easytrader.fleets.address import open_store
from easytrader.fleets.words import PLACED

if TYPE_CHECKING:
    from pathlib import Path


def test_from_start_to_stop(sim_folder: Path, tmp_path: Path) -> None:
    dsn, out = f"sqlite:///{tmp_path / '队 里' / 'fleet.sqlite'}", tmp_path / "out.txt"
    command = [
        sys.executable, "-m", "easytrader", "fleet", "agent", dsn, "--box", "机器 1",
        "--group", "甲", "--broker", "sim", "--path", str(sim_folder), "--account", ACCOUNT,
        "--name", "a", "--port", "0",
    ]  # fmt: skip
    with out.open("wb") as file:
        agent = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONIOENCODING": "gbk:backslashreplace"},
        )  # fmt: skip
    try:
        store = open_store(dsn)
        strategy = Strategy(store)

        def owned() -> bool:
            return any(each.alive for each in store.accounts(within(5), ["a"]))

        eventually(owned, 60)
        row = strategy.do(wish("buy", "600036", price=35.5, amount=100, command_id="one"))
        assert row.state == PLACED
        (account,) = store.accounts(within(5))
        assert (account.box, account.groups, account.broker) == ("机器 1", ("甲",), "MiniQMT")
        port = account.address.rpartition(":")[2]
        assert main(["fleet", "agent", "--stop", "--port", port]) == 0
        assert agent.wait(30) == 0
        assert not owned()
        store.close()
    finally:
        agent.kill()
        agent.wait()
    told = out.read_bytes().decode("gbk")
    assert "已就绪" in told
    assert told.rstrip().endswith("已停止")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--dsn"),
        (["mysql://x", "--broker", "sim"], "dsn"),
        (["sqlite:///x.sqlite"], "account"),
        (["sqlite:///x.sqlite", "--broker", "fleet"], "--broker"),
        (["sqlite:///x.sqlite", "--broker", "sim", "--box", "a\nb"], "--box"),
        (["sqlite:///x.sqlite", "--broker", "sim", "--takeover", "yes"], "--takeover"),
    ],
)
def test_wrong_arguments_are_told_before_anything_starts(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EASYTRADER_FLEET", raising=False)
    assert main(["fleet", "agent", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
