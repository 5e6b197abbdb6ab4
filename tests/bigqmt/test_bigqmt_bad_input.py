"""连不上、不该连、不许下单：各说清楚怎么办，柜台那边什么都没有收到。"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from big_client import Inside
from big_proxy import Squatter
from support import ACCOUNT, make_folder

import easytrader
from easytrader.bigqmt import agentfile
from easytrader.errors import ConnectFailedError, OrdersNotAllowedError, UsageError
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.host.host import Host
from easytrader.sim.terminal.client.manners import MANNERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUY = ("600036", 32.5, 100)


class Stage:
    """一个柜台，几个客户端，一个交易口。"""

    def __init__(self, place: Path) -> None:
        self.folder = make_folder(place / "国金 QMT 完整版")
        self.place = place
        self.host = Host(SimFolder.open(self.folder), kind="serve")
        self.clients: list[Inside] = []
        self.user = easytrader.use("bigqmt")

    def start(
        self,
        *,
        account: str = ACCOUNT,
        change: Callable[[str], str] = str,
        manners: str = "instant",
        mode: str = "live",
        **settings: Any,
    ) -> Inside:
        """一个装好中转的客户端；``change``：把中转的源码改一改。"""
        found = agentfile.settings_for(account)
        found = found._replace(**{"allow_orders": True, "period_ms": 5, **settings})
        agent = self.place / f"agent{len(self.clients)}.py"
        agent.write_text(change(agentfile.render(found)), "ascii")
        client = Inside(self.folder, agent, MANNERS[manners], mode=mode)
        self.clients.append(client)
        client.start()
        return client

    def connect(self, account: str = ACCOUNT, **options: Any) -> None:
        self.user.connect(str(self.folder), account, **{"timeout": 1, **options})

    def refused(self, error: type[Exception] = ConnectFailedError, **options: Any) -> str:
        """连不上；返回说了什么。"""
        with pytest.raises(error) as caught:
            self.connect(**options)
        return str(caught.value)

    def close(self) -> None:
        self.user.close()
        for client in self.clients:
            client.kill()
        self.nothing_sent()
        self.host.close()

    def nothing_sent(self) -> None:
        """没有叫过 passorder，柜台一笔也没有。"""
        assert not any(client.calls() for client in self.clients)
        trader = easytrader.use("miniqmt")
        trader.connect(str(self.folder), ACCOUNT, timeout=10)
        try:
            assert trader.today_entrusts == []
        finally:
            trader.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def test_the_stage_itself_connects(stage: Stage) -> None:
    stage.start()
    stage.connect(timeout=10)
    assert stage.user.balance[0]["cash"] > 0


def test_a_wrong_token(stage: Stage) -> None:
    stage.start(token="0" * 64)
    told = stage.refused()
    assert "令牌" in told
    assert "bigqmt agent" in told
    assert "没有找到" not in told  # 找到了，它说了不：别的线不必再试
    assert agentfile.settings_for(ACCOUNT).token not in told


def test_another_account(stage: Stage) -> None:
    stage.start()
    theirs = agentfile.settings_for(ACCOUNT)._replace(account="8888888888")
    other = stage.place / "other.py"
    other.write_text(agentfile.render(theirs), "ascii")
    told = stage.refused(account="8888888888", agent=str(other))
    assert "账号" in told
    assert ACCOUNT not in told


def test_another_kind_of_account(stage: Stage) -> None:
    stage.start(account_type="CREDIT")
    told = stage.refused()
    assert "CREDIT" in told
    assert "STOCK" in told


def test_simulated_trading(stage: Stage) -> None:
    stage.start(mode="sim")
    told = stage.refused()
    assert "模拟" in told
    assert "实盘" in told


def test_the_editor_is_not_trading_either(stage: Stage) -> None:
    stage.start(mode="editor")
    told = stage.refused()
    assert "模型交易" in told
    assert "实盘" in told


def test_an_agent_older_than_us(stage: Stage) -> None:
    stage.start(change=lambda text: text.replace("AGENT_VERSION = 1", "AGENT_VERSION = 0"))
    told = stage.refused()
    assert "旧" in told
    assert "bigqmt agent" in told


def test_an_agent_of_another_protocol(stage: Stage) -> None:
    stage.start(change=lambda text: text.replace("\nPROTOCOL = 1", "\nPROTOCOL = 99"))
    assert "bigqmt agent" in stage.refused()


def test_two_agents(stage: Stage) -> None:
    stage.start()
    stage.start()
    told = stage.refused()
    assert "两" in told or "2" in told


def test_an_account_not_logged_in(stage: Stage) -> None:
    stage.start(account="8888888888")
    told = stage.refused(account="8888888888")
    assert "登录" in told


def test_a_folder_without_the_client(stage: Stage) -> None:
    for path in (stage.place / "没有", stage.place):
        with pytest.raises(UsageError) as caught:
            stage.user.connect(str(path), ACCOUNT, timeout=1)
        assert caught.value.argument == "miniqmt_path"


def test_no_client_at_all(stage: Stage) -> None:
    told = stage.refused()
    assert "bigqmt agent" in told


def test_a_read_only_agent(stage: Stage) -> None:
    stage.start(allow_orders=False)
    stage.connect(timeout=10)
    assert stage.user.balance[0]["cash"] > 0
    for send in (stage.user.buy, stage.user.sell, stage.user.buy_async):
        with pytest.raises(OrdersNotAllowedError) as caught:
            send(*BUY)
        assert "--allow-orders" in str(caught.value)


def test_every_wire_is_closed(stage: Stage) -> None:
    stage.start(manners="locked")
    told = stage.refused()
    assert "非法IP" in told


def test_a_hung_client(stage: Stage) -> None:
    client = stage.start()
    client.hang(30)
    told = stage.refused()
    assert "没有" in told


@pytest.mark.parametrize("manner", ["silent", "impostor", "refuser"])
def test_another_program_on_our_port_does_not_stop_the_real_one(stage: Stage, manner: str) -> None:
    squatter = Squatter(random.Random(1), manner, agentfile.settings_for(ACCOUNT).ports[0])
    try:
        stage.start()
        stage.connect(timeout=10)
        assert stage.user.balance[0]["cash"] > 0
        assert squatter.met
    finally:
        squatter.close()


def test_only_another_program_on_our_port(stage: Stage) -> None:
    squatter = Squatter(random.Random(1), "impostor", agentfile.settings_for(ACCOUNT).ports[0])
    try:
        told = stage.refused()
    finally:
        squatter.close()
    assert "拿不出令牌" in told
    assert "别的程序" in told
