"""服务器管的账号：占住、连上、不对的选项当场说、关得掉。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, SimProcess, eventually

import easytrader
from easytrader.basics.claims import TakenError
from easytrader.errors import ClosedError, EasytraderError, UsageError
from easytrader.miniqmt.session_ids import survey
from easytrader.profiles import AccountSpec
from easytrader.server.accounts import Account
from easytrader.server.config import ServerConfig
from easytrader.server.serve import Serving
from easytrader.trader import engine_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def never() -> bool:
    return False


def spec_of(folder: Path, account: str = ACCOUNT, **more: Any) -> AccountSpec:
    return AccountSpec(
        "sim", connect={"miniqmt_path": str(folder), "stock_account": account}, **more
    )


@pytest.fixture
def opened() -> Iterator[list[Account]]:
    found: list[Account] = []
    yield found
    for each in found:
        each.close()


def test_the_second_one_does_not_even_open_a_session(
    sim_folder: Path, opened: list[Account]
) -> None:
    """每个用过的会话 id 在客户端的文件夹里留下 75 MB。"""
    first, second = Account(spec_of(sim_folder)), Account(spec_of(sim_folder))
    opened += [first, second]
    first.start(never)
    with pytest.raises(TakenError):
        second.start(never)
    eventually(lambda: first.trader.state == "已连接")
    assert [each.held for each in survey(str(sim_folder))] == [True]
    first.close()
    third = Account(spec_of(sim_folder))
    opened.append(third)
    third.start(never)  # 放开了


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"miniqmt_path": "没有这里"}, "miniqmt_path"),
        ({"stock_account": 5.5}, "stock_account"),
        ({"stock_acount": ACCOUNT}, "stock_acount"),
        ({"account_type": "FUTURE"}, "account_type"),
        ({"timeout": "x"}, "timeout"),
    ],
)
def test_wrong_options_fail_at_once(
    sim_folder: Path, opened: list[Account], options: dict[str, Any], argument: str
) -> None:
    given = {"miniqmt_path": str(sim_folder), "stock_account": ACCOUNT, **options}
    account = Account(AccountSpec("sim", connect=given))
    opened.append(account)
    with pytest.raises(UsageError) as caught:
        account.start(never)
    assert argument in str(caught.value)
    assert "（账号 sim）" in str(caught.value)


def test_secrets_are_fetched_when_connecting(
    sim_folder: Path, opened: list[Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    early, account = (Account(spec_of(sim_folder, "env:SERVED_ACCOUNT")) for _ in range(2))
    opened += [early, account]
    with pytest.raises(UsageError, match=r"SERVED_ACCOUNT.*账号 sim"):
        early.start(never)
    monkeypatch.setenv("SERVED_ACCOUNT", ACCOUNT)
    account.start(never)
    eventually(lambda: account.trader.state == "已连接")
    assert account.account_id == ACCOUNT


def test_it_connects_when_the_client_comes_up(sim_folder: Path, opened: list[Account]) -> None:
    options = {"miniqmt_path": str(sim_folder), "stock_account": ACCOUNT, "reconnect_interval": 0.2}
    account = Account(AccountSpec("miniqmt", name="主账户", connect=options))
    opened.append(account)
    account.start(never)
    account.await_attempt(time.monotonic() + 30, never)
    assert account.trader.state in ("连接中", "已断开")
    assert account.describe().startswith("主账户：miniqmt ******0365，")
    client = SimProcess(sim_folder)
    client.start()
    try:
        eventually(lambda: account.trader.state == "已连接")
        assert account.failure is None
    finally:
        client.kill()


def test_asked_to_stop_while_nothing_is_known(sim_folder: Path, opened: list[Account]) -> None:
    account = Account(spec_of(sim_folder))
    opened.append(account)
    engine_of(account.trader).claim(lambda key: _wait_for(account))
    with pytest.raises(ClosedError):
        account.start(lambda: True)


def _wait_for(account: Account) -> None:
    account._closing.wait(30)


def test_another_account_releases_the_first(sim_folder: Path, opened: list[Account]) -> None:
    """网页上换了一个账号连：占的也跟着换。"""
    from easytrader.sim.config.folder import AccountConfig, create

    create(sim_folder, [AccountConfig("20002")])
    account = Account(spec_of(sim_folder))
    opened.append(account)
    account.start(never)
    eventually(lambda: account.trader.state == "已连接")
    account.trader.connect(str(sim_folder), "20002")
    assert account.account_id == "20002"
    other = Account(spec_of(sim_folder))
    opened.append(other)
    other.start(never)
    third = Account(spec_of(sim_folder, "20002"))
    opened.append(third)
    with pytest.raises(TakenError):
        third.start(never)


def test_nothing_is_left_behind_when_the_second_account_is_wrong(sim_folder: Path) -> None:
    accounts = (spec_of(sim_folder), spec_of(sim_folder, name="又一次"))
    with pytest.raises(EasytraderError):
        Serving(ServerConfig(accounts, port=0)).start()
    user = easytrader.use("sim")
    user.connect(str(sim_folder), ACCOUNT)
    user.close()
    with Serving(ServerConfig(accounts[:1], port=0)) as serving:
        assert serving.url.startswith("http://127.0.0.1:")
        assert not serving.wait(0.0)
        serving.ask("测试")
        assert serving.wait(30)
    assert serving.failure is None
