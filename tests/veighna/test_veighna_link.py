"""连接：断了自动重连并说出来，断着的时候不发，连不上的接着连，关得了，几扇门都一样。"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy.trader.gateway")

from remote_serve import ServeProcess
from support import ACCOUNT, eventually
from veighna_floor import EasytraderGateway, Status, sim_setting

import easytrader
from easytrader.profiles import profile
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from pathlib import Path

    from support import SimProcess

pytestmark = pytest.mark.counters
DEADLINE_S = 15.0


def test_a_break_is_told_and_mended_and_nothing_is_missed(floor: Any, sim_folder: Path) -> None:
    """vnpy_qmt 的断线回调是 pass，vnpy_xt 在回调里重连一次。"""
    hand = easytrader.use("sim")
    hand.connect(str(sim_folder), ACCOUNT, reconnect_interval=0.2)
    text = f"broker = 'sim'\n[connect]\nminiqmt_path = '{sim_folder}'\nreconnect_interval = 0.2\n"
    profile.create("main", text)
    gateway = floor.add({"账号设置": "main", "合约": "600036"})
    price = round(hand.quote("600036")["600036"]["bids"][0][0] - 0.5, 2)
    faults = Faults(sim_folder)
    faults.refuse_connect(3)
    faults.disconnect()
    floor.hears("连接断开")
    number = floor.send("600036.SH", 100, price)
    order = floor.until(number, Status.REJECTED)
    assert order.extra["message"]
    faults.clear()
    floor.hears("连接已恢复")
    eventually(lambda: hand.state == "已连接")
    done = hand.buy("600036", price, 200)["entrust_no"]
    floor.until(f"QMT.{done}", Status.NOTTRADED)
    assert [each["order_volume"] for each in hand.today_entrusts] == [200]
    again = floor.send("600036.SH", 300, price)
    floor.until(again, Status.NOTTRADED)
    assert gateway.user.state == "已连接"
    hand.close()


def test_miniqmt_through_the_vendors_own_code(
    floor: Any, served: SimProcess, sim_folder: Path
) -> None:
    """``后端`` 是 miniqmt：厂商的 xttrader，对面是另一个进程。"""
    floor.add({
        "后端": "miniqmt", "路径": str(sim_folder), "资金账号": ACCOUNT, "账号类型": "STOCK",
        "合约": "600036",
    })  # fmt: skip
    number = floor.send("600036.SH", 100, None)
    floor.until(number, Status.ALLTRADED)
    eventually(lambda: floor.position("600036.SH"))
    served.kill()
    floor.hears("连接断开")


def test_an_account_on_another_machine(floor: Any, sim_folder: Path, tmp_path: Path) -> None:
    """``后端`` 是 remote：真的 serve 进程，令牌。推送里没有标记，靠应答认。"""
    server = ServeProcess(sim_folder, tmp_path / "home")
    token = server.token("veighna")
    server.start()
    try:
        floor.add({
            "后端": "remote", "服务器地址": f"http://127.0.0.1:{server.port}", "令牌": token,
            "资金账号": ACCOUNT, "合约": "600036",
        })  # fmt: skip
        gateway = floor.main.get_gateway("QMT")
        price = round(gateway.user.quote("600036")["600036"]["bids"][0][0] - 0.5, 2)
        numbers = [floor.send("600036.SH", 100, price) for _ in range(5)]
        floor.cancel(numbers[0], "600036.SH")
        floor.until(numbers[0], Status.CANCELLED)
        for number in numbers[1:]:
            floor.until(number, Status.NOTTRADED)
        assert len(floor.main.get_all_orders()) == 5
        bought = floor.send("600036.SH", 100, None)
        floor.until(bought, Status.ALLTRADED)
        eventually(lambda: floor.main.get_all_trades())
        assert floor.main.get_all_trades()[0].vt_orderid == bought
        assert not floor.told(token)
    finally:
        floor.main.get_gateway("QMT").close()
        server.kill()


def test_it_keeps_trying_until_the_client_is_there(floor: Any, sim_folder: Path) -> None:
    setting = {"后端": "miniqmt", "路径": str(sim_folder), "资金账号": ACCOUNT, "合约": "600036"}
    gateway = floor.add(setting, ready=False)
    floor.hears("连接失败，每隔")
    gateway.connect(setting)
    floor.hears("已经连着（或正在连）")
    number = floor.send("600036.SH", 100, 9.5)
    assert "还没有连接好" in floor.until(number, Status.REJECTED).extra["message"]
    began = time.monotonic()
    gateway.close()
    assert time.monotonic() - began < DEADLINE_S
    assert not gateway.connected


def test_a_wrong_account_stops_trying_and_can_be_mended(floor: Any, sim_folder: Path) -> None:
    gateway = floor.add(sim_setting(sim_folder / "没有这个"), ready=False)
    floor.hears("连接失败，不再连")
    eventually(lambda: gateway._clerk.dead)
    gateway.connect(sim_setting(sim_folder))
    eventually(lambda: gateway.connected)


def test_close_ends_every_thread_and_again_is_nothing(qmt: Any) -> None:
    gateway = qmt.main.get_gateway("QMT")
    qmt.subscribe("600036.SH")
    eventually(lambda: qmt.seen["tick"])
    gateway.close()
    gateway.close()
    names = [each.name for each in threading.enumerate()]
    assert not [each for each in names if each.startswith("easytrader-veighna")]
    number = qmt.send("600036.SH", 100, 9.5)
    qmt.until(number, Status.REJECTED)
    gateway.query_account()
    qmt.subscribe("600000.SH")


def test_close_before_connecting(floor: Any) -> None:
    floor.main.add_gateway(EasytraderGateway, "QMT").close()
