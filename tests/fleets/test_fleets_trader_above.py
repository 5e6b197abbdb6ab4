"""做在交易口上面的，隔着机队照样用：调仓、往日的账、命令行、账号的设置。"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from fleets.fleet_broker import FleetMemory, sqlite_dsn
from server.server_world import World
from support import ROOT

import easytrader
from easytrader.agent.station import Station
from easytrader.fleets.address import open_store
from easytrader.profiles import AccountSpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def _over_the_table(trader: Any, folder: Path) -> Iterator[Any]:
    """``trader`` 在代理里；给出隔着存储的那一个。"""
    world = World(folder / "server", {"main": trader})
    dsn = sqlite_dsn(folder)
    station = Station(open_store(dsn), world.desks, box="box-1", folder=folder / "agent")
    station.start()
    far = easytrader.use("fleet")
    try:
        far.connect(dsn, account="main", timeout=5, wait=10, reconnect_interval=0.1)
        yield far
    finally:
        far.close()
        station.close()
        world.close()


def test_rebalance_runs_over_it(user: Any, tmp_path: Path) -> None:
    with _over_the_table(user, tmp_path) as far:
        before = far.balance[0]["total_asset"]
        looked = far.adjust_weights({"600036": 0.3}, dry_run=True, assume_open=True)
        assert user.today_entrusts == []
        assert looked
        report = far.adjust_weights({"600036": 0.3, "000001": 0.2}, assume_open=True)
        held = {each["stock_code"]: each["market_value"] for each in far.position}
        assert held["600036.SH"] == pytest.approx(0.3 * before, rel=0.05)
        assert held["000001.SZ"] == pytest.approx(0.2 * before, rel=0.05)
        assert str(report)
        for each in user.today_entrusts:
            assert far.fleet.settle(_tag_of(far, each))["state"] == "placed"


def _tag_of(far: Any, row: Any) -> str:
    """委托的客户编号：事件里没有，从命令里找。"""
    found = [
        each
        for each in _commands(far)
        if each["order_id"] == str(row["order_id"])
    ]  # fmt: skip
    assert len(found) == 1
    return str(found[0]["command_id"])


def _commands(far: Any) -> list[dict[str, Any]]:
    return list(far.fleet.commands())


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[FleetMemory]:
    one = FleetMemory(tmp_path, sqlite_dsn(tmp_path))
    yield one
    one.close()


def test_profile_opens_it(broker: FleetMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_DSN", broker.dsn)
    spec = AccountSpec("fleet", connect={"path": "env:FLEET_DSN", "account": "main"})
    trader = spec.make()
    with trader:
        trader.connect(**spec.options(), wait=10, reconnect_interval=0.1)
        assert trader.state == "已连接"
    assert "FLEET_DSN" not in repr(spec)


def test_command_line_without_a_terminal(broker: FleetMemory, tmp_path: Path) -> None:
    """一个新的进程，没有终端、几乎没有环境变量。"""
    with broker.trader() as waiting:
        broker.connect(waiting)  # 代理已经说过话
    where = ["--broker", "fleet", "--path", broker.dsn, "--account", "main"]
    done = _run(tmp_path, "balance", *where, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["cash"] == 1_000_000
    done = _run(tmp_path, "balance", "--broker", "fleet")
    assert done.returncode == 2
    assert "--path" in done.stderr
    done = _run(tmp_path, "balance", *where[:-1], "nobody", "--json")
    assert done.returncode == 1
    assert "nobody" in done.stderr
    assert "Traceback" not in done.stderr


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PYTHONPATH": str(ROOT), "EASYTRADER_HOME": str(folder / "home"), "LANG": "C.UTF-8"}
    if os.name == "nt":
        env["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "easytrader", *arguments],
        env=env, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
        timeout=60, check=False,
    )  # fmt: skip


def test_the_page_runs(
    user: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """fleet_user.md 里的代码块，按页对着真的代理跑。"""
    page = (ROOT / "docs" / "zh" / "fleet_user.md").read_text(encoding="utf-8")
    found = re.findall(r"<!-- 对着代理跑 -->\n```python\n(.*?)```", page, re.DOTALL)
    assert len(found) == page.count("```python") == 5
    monkeypatch.setenv("EASYTRADER_FLEET", sqlite_dsn(tmp_path))
    with _over_the_table(user, tmp_path):
        exec(compile("\n".join(found), "fleet_user.md", "exec"), {})
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "1000000.0"
    assert "placed" in told
    assert told[-1].startswith("读到 ")
    assert int(told[-1].split()[1]) > 0
