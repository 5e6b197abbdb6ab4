"""连到哪里、断了怎样、柜台僵死怎样：每个调用都有期限，从不挂住。"""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, SimProcess, eventually, make_folder

import easytrader
from easytrader.errors import SimulatorError
from easytrader.sim.config.folder import SimFolder, default_folder
from easytrader.sim.host import hub
from easytrader.sim.host.faults import Faults
from easytrader.sim.native import quote_connection

if TYPE_CHECKING:
    from pathlib import Path

CODE = ["600036.SH"]


def place(xtdata: Any) -> str:
    return xtdata.get_client().get_data_dir()


class TestWhichFolder:
    def test_the_default_one_is_made_like_use_sim(self, xtdata: Any) -> None:
        assert xtdata.get_full_tick(CODE)
        assert place(xtdata) == str(default_folder())
        assert SimFolder.open(default_folder()).config.accounts[0].account_id == "1000000001"

    def test_the_latest_connected(self, xtdata: Any, sim_folder: Path, tmp_path: Path) -> None:
        other = make_folder(tmp_path / "另一个")
        with easytrader.use("sim") as first, easytrader.use("sim") as second:
            first.connect(str(other), ACCOUNT)
            second.connect(str(sim_folder), ACCOUNT)
            assert xtdata.get_full_tick(CODE)
            assert place(xtdata) == str(sim_folder)
            xtdata.disconnect()

    def test_the_environment_says(
        self, xtdata: Any, sim_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub.HUB, "latest", "/没有")
        monkeypatch.setenv("EASYTRADER_SIM", str(sim_folder))
        assert xtdata.get_full_tick(CODE)
        assert place(xtdata) == str(sim_folder)

    def test_the_environment_says_wrong(
        self, xtdata: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: list[str]
    ) -> None:
        monkeypatch.setenv("EASYTRADER_SIM", str(tmp_path))
        with pytest.raises(Exception, match="无法连接xtquant服务"):
            xtdata.get_full_tick(CODE)
        assert any("不是模拟 MiniQMT 的文件夹" in line for line in logged)

    def test_addresses(self, market: Any, logged: list[str]) -> None:
        assert market.connect(port=58611).is_connected()
        market.disconnect()
        with pytest.raises(Exception, match="无法连接xtquant服务"):
            market.connect("192.0.2.1", 58610)
        assert any("只在本机" in line for line in logged)

    def test_same_market_as_the_counter(self, xtdata: Any, sim_folder: Path) -> None:
        with easytrader.use("sim") as user:
            user.connect(str(sim_folder), ACCOUNT)
            held = {row["stock_code"]: row for row in user.position}["600000.SH"]
            tick = xtdata.get_full_tick(["600000.SH"])["600000.SH"]
            price = held["market_value"] / held["volume"]
            assert tick["lastPrice"] == pytest.approx(price, rel=0.01)
            xtdata.disconnect()


class TestGone:
    def test_killed_then_back(self, process: SimProcess, xtdata: Any) -> None:
        assert xtdata.get_full_tick(CODE)
        client = xtdata.get_client()
        process.kill()
        eventually(lambda: not client.is_connected())
        process.start()
        assert xtdata.get_full_tick(CODE)
        assert xtdata.get_client() is not client

    def test_killed_in_the_middle_of_a_call(
        self, process: SimProcess, xtdata: Any, sim_folder: Path
    ) -> None:
        assert xtdata.get_full_tick(CODE)
        Faults(sim_folder).hang(60)
        failures: list[BaseException] = []

        def ask() -> None:
            try:
                xtdata.get_full_tick(CODE)
            except BaseException as exc:
                failures.append(exc)

        client = xtdata.get_client()
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        eventually(lambda: client._connection._asking)
        process.kill()
        thread.join(30)
        assert isinstance(failures[0], SimulatorError)
        assert "行情服务连接断开" in str(failures[0])

    def test_a_frozen_service(
        self,
        process: SimProcess,
        xtdata: Any,
        sim_folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        client = xtdata.get_client()
        Faults(sim_folder).hang(600)
        for ask in ("now", "books"):
            method = getattr(quote_connection.QuoteConnection, ask)
            monkeypatch.setattr(method, "__defaults__", (0.2,))
        with pytest.raises(SimulatorError, match=r"0\.2 秒内没有回答"):
            client.get_full_tick(CODE)

    def test_run_says_it_is_gone(
        self, process: SimProcess, xtdata: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        got: list[Any] = []
        xtdata.subscribe_whole_quote(CODE, got.append)
        eventually(lambda: got)
        client = xtdata.get_client()

        def killing(_: float) -> None:
            process.kill()
            eventually(lambda: not client.is_connected())

        monkeypatch.setattr(xtdata, "_TIME_", SimpleNamespace(sleep=killing))
        with pytest.raises(Exception, match="行情服务连接断开"):
            xtdata.run()

    def test_nothing_to_connect_to(
        self, process: SimProcess, xtdata: Any, sim_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert xtdata.get_full_tick(CODE)
        process.kill()
        monkeypatch.delenv("EASYTRADER_SIM")
        monkeypatch.setattr(hub.HUB, "latest", str(sim_folder))
        monkeypatch.setattr(hub.HUB, "_entries", {})
        with pytest.raises(Exception, match=r"无法连接xtquant服务|行情服务连接断开"):
            xtdata.get_full_tick(CODE)

    def test_connection_faults_are_for_traders(
        self, process: SimProcess, xtdata: Any, sim_folder: Path
    ) -> None:
        Faults(sim_folder).refuse_connect(times=1)
        assert xtdata.get_full_tick(CODE)
        assert Faults(sim_folder).active()

    def test_the_clock_fault_moves_the_quotes(
        self, process: SimProcess, xtdata: Any, sim_folder: Path
    ) -> None:
        before = xtdata.get_full_tick(CODE)["600036.SH"]["time"]
        Faults(sim_folder).clock_jump(3600)
        after = xtdata.get_full_tick(CODE)["600036.SH"]["time"]
        assert 3_590_000 <= after - before <= 3_700_000
