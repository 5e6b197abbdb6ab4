"""原来的 easytrader 的脚本：``server.run(port)`` 与 ``remoteclient.use(...)``，只多一个令牌。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from qka_process import Running, run
from server.server_world import memory_world

from easytrader import remoteclient
from easytrader.errors import ConnectFailedError, UsageError
from easytrader.sim.config.folder import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = """
from easytrader import server

server.run(port=0)
"""

CLIENT = """
from easytrader import remoteclient

user = remoteclient.use('ths', host='127.0.0.1', port='{port}'{token})

user.prepare(user='{account}', password='明文密码')

print(user.balance)
print(user.buy('600036', price=35.5, amount=100))
print(user.sell('600036', price=35.5, amount=100))
"""


@pytest.fixture
def running() -> Iterator[Running]:
    server = Running(SERVER)
    yield server
    server.stop()


def test_the_scripts_of_the_original_page(running: Running) -> None:
    assert running.url.startswith("http://127.0.0.1:")
    token = running.token
    assert token.startswith("et_")
    given = {"port": running.port, "account": DEFAULT_ACCOUNT}
    done = run(CLIENT.format(token=f", token={token!r}", **given))
    assert done.returncode == 0, done.stderr
    assert "total_asset" in done.stdout
    assert done.stdout.count("entrust_no") == 2
    assert token not in done.stderr
    with pytest.raises(UsageError, match="令牌"):  # 没有就不行
        exec(CLIENT.format(token="", **given))
    running.stop()
    again = Running(SERVER)  # 令牌只写出一次
    assert "et_" not in again.ready + again.account + again.told
    again.stop()


def test_the_names_of_the_original_client(running: Running, tmp_path: Path) -> None:
    token = running.token
    user = remoteclient.use("yh_client", "127.0.0.1", running.port, token=token)
    low = user.trader.quote("600036")["600036"]["limit_down"]
    bought = user.buy("600036", low, 100, entrust_prop="limit")["entrust_no"]
    assert [row["order_id"] for row in user.cancel_entrusts] == [bought]
    assert user.cancel_entrust(bought)["success"]
    assert user.trader.wait(bought)["order_status_name"] == "已撤"
    assert user.cancel_entrusts == []
    number = user.market_buy("600036", 100)["entrust_no"]
    assert user.trader.wait(number)["order_status_name"] == "已成"
    assert user.today_trades[0]["order_id"] == number
    assert user.position[0]["stock_code"] == "600036.SH"
    assert user.market_sell("600036", 100)["entrust_no"]
    assert user.auto_ipo() == []
    # prepare 只看账号
    file = tmp_path / "yh_client.json"
    file.write_text(json.dumps({"user": "没有这个账号", "password": "x"}), encoding="utf-8")
    with pytest.raises(ConnectFailedError):
        user.prepare(str(file))
    with pytest.raises(ConnectFailedError):
        user.buy("600036", low, 100)  # 说过哪个账号，就不会悄悄换成另一个
    assert user.prepare(user=DEFAULT_ACCOUNT) == {"msg": "login success"}
    assert user.exit() == {"msg": "exit success"}
    assert token not in repr(user)


def test_who_says_sim_never_reaches_a_real_account(running: Running, tmp_path: Path) -> None:
    simulated = remoteclient.use("sim", "127.0.0.1", running.port, token=running.token)
    assert simulated.balance
    simulated.exit()
    with memory_world(tmp_path / "server") as world:  # 不是模拟的
        user = remoteclient.use("模拟", "127.0.0.1", world.port, token=world.token)
        for _ in range(2):
            with pytest.raises(UsageError, match="不是模拟的"):
                user.buy("600036", 35.5, 100)
        real = remoteclient.use("miniqmt", "127.0.0.1", world.port, token=world.token)
        assert real.balance
        assert real.today_entrusts == []
        real.exit()


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"host": "192.168.1.8", "ssl": False}, "address"),  # 明文只能连本机
        ({"user": "me", "passwd": "secret"}, "user"),
        ({"port": "abc"}, "host"),
        ({"host": None}, "host"),
        ({"broker": 7}, "broker"),
        ({"host": "a/b"}, "address"),
    ],
)
def test_bad_settings_are_refused(given: dict[str, Any], argument: str) -> None:
    wanted: dict[str, Any] = {"broker": "ths", "host": "127.0.0.1", **given}
    with pytest.raises(UsageError) as caught:
        remoteclient.use(**wanted)
    assert caught.value.argument == argument
    assert "secret" not in str(caught.value)


def test_other_machines_are_reached_by_https() -> None:
    assert repr(remoteclient.use("ths", "win-box")) == "<RemoteClient https://win-box:1430>"
    assert repr(remoteclient.use("ths", "localhost")) == "<RemoteClient http://localhost:1430>"
    assert "https://[::1]:7" in repr(remoteclient.use("ths", "::1", 7, ssl=True))
    with pytest.raises(UsageError, match="config_path"):
        remoteclient.use("ths", "localhost").prepare("没有这个文件.json")
