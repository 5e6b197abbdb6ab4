from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest
from service_helpers import ACCOUNT, OTHER, Caller, RawClient, eventually
from service_process import Service, served

from easytrader.errors import SimulatorError
from easytrader.sim.host.faults import Faults, control
from easytrader.sim.host.host import Host
from easytrader.sim.host.lease import holder_of, is_served, service_of
from easytrader.sim.ledger.events import AccountQuery, OrdersQuery, SubmitOrder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.sim.config.folder import SimFolder

ACCOUNT_ARGS = AccountQuery(2, ACCOUNT)
RESTING = SubmitOrder(2, ACCOUNT, "600036.SH", 23, 100, 11, 1.0, "测试", "备注")


@pytest.fixture
def service(folder: SimFolder) -> Iterator[Service]:
    with served(folder.path) as service:
        yield service


def connect(folder: SimFolder, session_id: int = 7) -> RawClient:
    info = service_of(folder.path)
    assert info is not None
    client = RawClient(info, session_id)
    assert client.greeting[0] == "welcome"
    return client


def resting_order(client: RawClient, folder: SimFolder) -> SubmitOrder:
    """跌停价的买单：不会成交。"""
    from easytrader.market.symbols import parse_security
    from easytrader.sim.exchange.clock import WallClock
    from easytrader.sim.exchange.hours import hours_for
    from easytrader.sim.market.synthetic import SyntheticMarket

    market = SyntheticMarket(folder.config.seed, hours_for("always"))
    quote = market.quote(parse_security("600036.SH"), market.tick_at(WallClock().now()))
    return RESTING._replace(price=quote.limit_down_li / 1000)


def test_ready_line_and_sigterm(folder: SimFolder, service: Service) -> None:
    info = service_of(folder.path)
    assert info is not None
    for part in (str(folder.path), str(info.pid), str(info.port), ACCOUNT, OTHER):
        assert part in service.ready_line
    assert info.pid == service.process.pid
    client = connect(folder)
    service.process.terminate()
    if sys.platform == "win32":
        service.wait()
    else:
        assert service.wait() == 0
        assert client.eof()
        assert not folder.service_path.exists()
        assert service.line() == "已停止"
    assert not is_served(folder.path)
    client.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows 上 Ctrl-C 要整个控制台")
def test_ctrl_c_is_clean(folder: SimFolder, service: Service) -> None:
    service.process.send_signal(signal.SIGINT)
    assert service.wait() == 0
    assert service.errors() == ""
    assert holder_of(folder.path) is None


def test_a_second_owner_is_refused_and_told_who(folder: SimFolder, service: Service) -> None:
    with pytest.raises(SimulatorError, match=f"进程 {service.process.pid}（easytrader sim serve"):
        Host(folder)
    assert is_served(folder.path)


def test_nothing_acknowledged_is_lost_by_a_kill(folder: SimFolder, service: Service) -> None:
    client = connect(folder)
    answer = client.ask("submit", resting_order(client, folder))
    assert answer.order_id > 0
    service.process.kill()
    service.wait()
    assert client.eof()
    client.close()
    # 服务信息还在，占用者已经不在：不算数
    assert folder.service_path.exists()
    assert holder_of(folder.path) is None
    assert not is_served(folder.path)
    with served(folder.path):
        again = connect(folder)
        rows = again.ask("orders", OrdersQuery(2, ACCOUNT))
        assert [(row.order_id, row.order_remark) for row in rows] == [(answer.order_id, "备注")]
        again.close()


def test_a_stale_card_naming_a_live_process_is_still_stale(
    folder: SimFolder, service: Service
) -> None:
    import os

    info = service_of(folder.path)
    assert info is not None
    service.process.kill()
    service.wait()
    text = folder.service_path.read_text(encoding="utf-8")
    folder.service_path.write_text(text.replace(str(info.pid), str(os.getpid())), encoding="utf-8")
    assert service_of(folder.path) is None
    folder.service_path.write_text("{", encoding="utf-8")
    assert service_of(folder.path) is None
    Host(folder).close()


def test_probing_never_keeps_an_owner_out(folder: SimFolder) -> None:
    import threading

    stop = threading.Event()
    seen: set[bool] = set()

    def probe() -> None:
        while not stop.is_set():
            seen.add(is_served(folder.path))

    probes = [threading.Thread(target=probe) for _ in range(3)]
    # 留一份过期的服务信息，逼着探查去碰租约锁
    folder.service_path.write_text(
        '{"pid": 1, "port": 9, "token": "x", "started": 1, "kind": "serve"}', encoding="utf-8"
    )
    for thread in probes:
        thread.start()
    try:
        for _ in range(20):
            host = Host(folder)
            assert is_served(folder.path)
            host.close()
    finally:
        stop.set()
        for thread in probes:
            thread.join(30)
    assert seen == {True, False}


@pytest.mark.parametrize(("when", "rows"), [("before", 0), ("after", 1)])
def test_crash_mid_order(folder: SimFolder, service: Service, when: str, rows: int) -> None:
    client = connect(folder)
    Faults(folder.path).crash_on("submit", when=when)
    client.post("submit", resting_order(client, folder))
    assert client.eof()
    client.close()
    assert service.wait() == 137
    host = Host(folder)
    try:
        assert len(Caller(host).ask("orders", OrdersQuery(2, ACCOUNT))) == rows
    finally:
        host.close()


def test_crash_now(folder: SimFolder, service: Service) -> None:
    Faults(folder.path).crash()
    assert service.wait() == 137
    assert not is_served(folder.path)


def test_stop_over_the_control_connection(folder: SimFolder, service: Service) -> None:
    control(folder.path, "stop")
    assert service.wait() == 0
    assert not folder.service_path.exists()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="本平台不能冻结进程")
def test_a_frozen_owner_is_reported_within_the_deadline(
    folder: SimFolder, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from easytrader.sim.host import faults

    monkeypatch.setattr(faults, "_CONTROL_WAIT_S", 0.3)
    service.process.send_signal(signal.SIGSTOP)
    try:
        assert is_served(folder.path)
        with pytest.raises(SimulatorError, match="没有回应"):
            control(folder.path, "status")
    finally:
        service.process.send_signal(signal.SIGCONT)
    eventually(lambda: control(folder.path, "status"))
