"""要真柜台才看得出的故障：磁盘满、时钟跳。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from service_helpers import ACCOUNT, Caller, eventually, submit_args

import easytrader
from easytrader.codes import OrderStatus
from easytrader.errors import OutcomeUnknownError, SimulatorError
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.gateway.wire import QUERY_FAILED
from easytrader.sim.host.faults import Faults
from easytrader.sim.host.host import Host
from easytrader.sim.ledger.events import AccountQuery, OrdersQuery, SubmitOrder
from easytrader.sim.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.sim.config.folder import SimFolder

NOON = 1_790_000_000 // 86400 * 86400 + 4 * 3600.0  # 上海的正午
LIMIT = 11
DAY = 86400


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def real_host(folder: SimFolder, clock: ManualClock) -> Iterator[Host]:
    host = Host(folder, clock)
    yield host
    host.close()
    assert host.stopped.is_set()


@pytest.fixture
def real_caller(real_host: Host) -> Caller:
    caller = Caller(real_host)
    caller.subscribe()
    return caller


@pytest.fixture
def mishap(folder: SimFolder, real_host: Host) -> Faults:
    return Faults(folder.path)


def resting(remark: str = "") -> SubmitOrder:
    return SubmitOrder(2, ACCOUNT, "600036.SH", 23, 100, LIMIT, 32.5, "", remark)


def stored(folder: SimFolder) -> int:
    store = Store(folder.store_path)
    try:
        state = store.load()
        return len(state.orders) if state else 0
    finally:
        store.close()


def test_a_full_disk_refuses_and_keeps_nothing(
    folder: SimFolder, mishap: Faults, real_caller: Caller, real_host: Host, clock: ManualClock
) -> None:
    kept = real_caller.ask("submit", resting()).order_id
    assert real_caller.next().kind == "order"
    mishap.disk_full()
    for _ in range(3):
        refused = real_caller.ask("submit", resting())
        assert refused.order_id == -1
        assert "database or disk is full" in refused.error_msg
    assert mishap.active() == [{"kind": "disk_full", "times": 0}]
    rows = real_caller.ask("orders", OrdersQuery(2, ACCOUNT))  # 读不受影响
    assert [row.order_id for row in rows] == [kept]
    clock.advance(4)  # 行情走了一跳，没有成交：没有什么要写
    assert real_caller.ask("asset", AccountQuery(2, ACCOUNT))[0].cash > 0
    mishap.clear()
    assert real_caller.ask("submit", resting()).order_id == kept + 1
    assert real_caller.next().kind == "order"
    assert real_caller.quiet()
    real_host.close()
    assert stored(folder) == 2


def test_a_disk_full_a_number_of_times(mishap: Faults, real_caller: Caller) -> None:
    mishap.disk_full(times=2)
    answers = [real_caller.ask("submit", resting()).order_id for _ in range(2)]
    assert answers == [-1, -1]
    assert mishap.active() == []
    assert real_caller.ask("submit", resting()).order_id > 0


def test_a_query_that_has_something_to_write_fails_on_a_full_disk(
    mishap: Faults, real_caller: Caller, clock: ManualClock
) -> None:
    real_caller.ask("submit", submit_args()._replace(price=32.5))
    real_caller.next()
    mishap.disk_full()
    clock.advance(DAY)  # 换日要写
    assert real_caller.ask("orders", OrdersQuery(2, ACCOUNT))[0] == QUERY_FAILED
    mishap.clear()
    seq = real_caller.post("orders", OrdersQuery(2, ACCOUNT))
    answer = real_caller.next()
    assert (answer.kind, answer.seq, answer.payload) == ("answer", seq, [])
    assert real_caller.next().payload.order_status in (53, 54, 57)  # 昨天的挂单到期


def test_the_limit_is_lifted_after_each_failure(
    folder: SimFolder, mishap: Faults, real_caller: Caller
) -> None:
    mishap.disk_full(times=1)
    assert real_caller.ask("submit", resting()).order_id == -1
    for _ in range(300):  # 长出许多页
        assert real_caller.ask("submit", resting("备" * 30)).order_id > 0
        real_caller.next()
    assert folder.store_path.stat().st_size > 0


def test_the_clock_jumps_over_midnight(mishap: Faults, real_caller: Caller) -> None:
    number = real_caller.ask("submit", resting()).order_id
    assert real_caller.next().payload.order_status == OrderStatus.REPORTED
    mishap.clock_jump(DAY)
    last = real_caller.next()
    assert (last.kind, last.payload.order_id) == ("order", number)
    assert last.payload.order_status in (53, 54, 57)
    assert mishap.active() == [{"kind": "clock_jump", "seconds": float(DAY)}]
    assert real_caller.ask("orders", OrdersQuery(2, ACCOUNT)) == []
    new = real_caller.ask("submit", resting()).order_id
    assert new == number + 1
    assert real_caller.next().payload.order_time == NOON + DAY


def test_the_clock_jumps_back_and_the_counter_stands_still(
    mishap: Faults, real_caller: Caller, clock: ManualClock
) -> None:
    mishap.clock_jump(60)
    mishap.clock_jump(-3600)
    real_caller.ask("submit", resting())
    assert real_caller.next().payload.order_time == NOON + 60
    mishap.clear()
    assert mishap.active() == []
    clock.advance(100)
    real_caller.ask("submit", resting())
    assert real_caller.next().payload.order_time == NOON + 100


def test_a_ledger_left_days_ahead_is_refused_with_a_reason(
    folder: SimFolder, mishap: Faults, real_caller: Caller, real_host: Host
) -> None:
    mishap.clock_jump(3 * DAY)
    real_caller.ask("submit", resting())
    real_host.close()
    with pytest.raises(SimulatorError, match="换一个文件夹"):
        Host(folder, ManualClock(NOON))


def test_the_command_line_has_them_all(
    folder: SimFolder, mishap: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    from easytrader.cli import main

    for arguments in (
        ["reorder-push", "--push", "trade"], ["disk-full"], ["disk-full", "--times", "2"],
        ["hang", "--seconds", "0.05"], ["clock-jump", "--seconds=-60"],
    ):  # fmt: skip
        assert main(["sim", "fault", str(folder.path), *arguments]) == 0
    capsys.readouterr()
    assert main(["sim", "fault", str(folder.path), "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "reorder-push push=trade times=1",
        "disk-full times=0",
        "disk-full times=2",
        "clock-jump seconds=-60.0",
    ]
    assert main(["sim", "fault", str(folder.path), "hang", "--seconds", "-1"]) == 2
    assert main(["sim", "fault", str(folder.path), "disk-full", "--times", "-1"]) == 2


def test_a_hang_in_an_embedded_counter_only_stops_the_counter(folder: SimFolder) -> None:
    with easytrader.use("sim") as user:
        user.connect(str(folder.path), ACCOUNT, timeout=0.3, heartbeat_interval=0)
        faults = Faults(folder.path)
        faults.hang(30)
        with pytest.raises(OutcomeUnknownError) as caught:
            user.buy("600036", price=32.5, amount=100)
        faults.clear()
        eventually(lambda: user.find_entrust(caught.value.tag), "醒来之后照办了")
