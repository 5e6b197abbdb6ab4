"""机队的交易口，真的进程：存储被杀、冻住，代理被杀、冻住，正在要的那一笔说的都是实话。

每次只冻住代理；别的要起 PostgreSQL，手工跑::

    pytest -m chaos tests/fleets/test_fleets_trader_killed.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from fleets.fleet_broker import sqlite_dsn
from fleets.pg_server import PgServer, pg_server
from support import ROOT, eventually

import easytrader
from easytrader import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pg_server"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="要 SIGSTOP")

CODE = "BTC/USDT"


class AgentProcess:
    """见 `fleet_agent_process`。"""

    def __init__(self, dsn: str, folder: Path) -> None:
        tests = str(ROOT / "tests")
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), tests]),
            "EASYTRADER_HOME": str(folder / "home"),
        }
        script = Path(__file__).with_name("fleet_agent_process.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), dsn, str(folder)], env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._line() == "ready"

    def ask(self, told: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(told + "\n")
        self.process.stdin.flush()
        return self._line()

    @property
    def orders(self) -> list[str]:
        return list(json.loads(self.ask("orders")))

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def pause(self) -> None:
        psutil.Process(self.process.pid).suspend()

    def resume(self) -> None:
        psutil.Process(self.process.pid).resume()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)
        for each in (self.process.stdin, self.process.stdout):
            assert each is not None
            each.close()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    """SQLite 的存储。"""
    one = AgentProcess(sqlite_dsn(tmp_path), tmp_path)
    yield one
    one.kill()


@pytest.fixture
def pg_agent(pg_server: PgServer, tmp_path: Path) -> Iterator[tuple[AgentProcess, str]]:
    dsn = pg_server.fresh()
    one = AgentProcess(dsn, tmp_path)
    yield one, dsn
    one.kill()


def _opened(dsn: str, **options: Any) -> Any:
    trader = easytrader.use("fleet")
    given = {"timeout": 3, "wait": 30, "reconnect_interval": 0.2, **options}
    trader.connect(dsn, account="main", **given)
    return trader


def _outcome(user: Any, name: str) -> str:
    """要一笔：``placed``，或异常的种类。"""
    try:
        return str(user.buy(CODE, 9.5, 0.5, client_order_id=name)["entrust_no"])
    except errors.EasytraderError as exc:
        return type(exc).__name__


@pytest.mark.chaos
def test_killed_agent_leaves_nothing_doubtful(agent: AgentProcess, tmp_path: Path) -> None:
    with _opened(sqlite_dsn(tmp_path)) as user:
        assert _outcome(user, "a") == agent.orders[0]
        agent.process.kill()
        agent.process.wait(30)
        assert _outcome(user, "b") == "NotConnectedError"  # 没有人领：撤回来了
        eventually(lambda: user.state != "已连接", within_s=30)
        assert user.fleet.settle("b")["state"] in ("unsent", "never")
        assert user.fleet.settle("a")["state"] == "placed"  # 存储里的还问得到


def test_paused_agent_wakes_and_sends_nothing_taken_back(
    agent: AgentProcess, tmp_path: Path
) -> None:
    with _opened(sqlite_dsn(tmp_path)) as user:
        agent.pause()
        told = _outcome(user, "a")
        agent.resume()
        assert told in ("NotConnectedError", "OutcomeUnknownError")
        eventually(lambda: _final(user, "a"), within_s=30)
        state = user.fleet.settle("a")["state"]
        assert (state == "placed") == bool(agent.orders)
        if told == "NotConnectedError":
            assert agent.orders == []
        number = _again(user, "a")
        assert agent.orders == [number]


@pytest.mark.chaos
def test_killed_store_between_post_and_answer(
    pg_agent: tuple[AgentProcess, str], pg_server: PgServer
) -> None:
    """柜台收下而不答的时候杀存储：到期是未知，起来之后同一个编号得到的是那一笔。"""
    agent, dsn = pg_agent
    with _opened(dsn) as user:
        assert agent.ask("hang") == "ok"
        told: list[str] = []
        asking = threading.Thread(target=lambda: told.append(_outcome(user, "a")))
        asking.start()
        eventually(lambda: agent.orders != [])
        pg_server.kill()
        asking.join(30)
        assert told == ["OutcomeUnknownError"]
        assert _outcome(user, "b") == "NotConnectedError"  # 存储倒着：什么都没有记下
        assert isinstance(errors.NotConnectedError("x"), ConnectionError)
        pg_server.start()
        number = _again(user, "a")
        assert agent.orders == [number]
        eventually(lambda: user.state == "已连接", within_s=30)
        assert _outcome(user, "b") == agent.orders[1]


@pytest.mark.chaos
def test_frozen_store_is_bounded_and_told(
    pg_agent: tuple[AgentProcess, str], pg_server: PgServer
) -> None:
    agent, dsn = pg_agent
    with _opened(dsn, timeout=2) as user:
        pg_server.pause()
        try:
            told = _outcome(user, "a")
            assert told in ("OutcomeUnknownError", "NotConnectedError")
            eventually(lambda: user.state != "已连接", within_s=30)
            assert _outcome(user, "b") == "NotConnectedError"
        finally:
            pg_server.resume()
        eventually(lambda: user.state == "已连接", within_s=30)
        number = _again(user, "a")
        assert agent.orders == [number]


def _final(user: Any, name: str) -> bool:
    return user.fleet.settle(name)["state"] not in ("queued", "sending", "unknown")


def _again(user: Any, name: str) -> str:
    """同一个编号一直要到有了委托。"""
    found: list[str] = []

    def asked() -> bool:
        told = _outcome(user, name)
        found.append(told)
        return not told.endswith("Error")

    eventually(asked, within_s=60)
    return found[-1]
