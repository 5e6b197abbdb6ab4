"""会话与重连：真实的模拟 MiniQMT 进程，隔着进程杀、停、重启、出故障。"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, ROOT, Recorder, SimProcess, eventually, freeze

import easytrader
from easytrader.basics.log import masked
from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    UsageError,
)
from easytrader.miniqmt.session import QmtSession
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Connect = Callable[..., Any]


def resting(user: Any) -> int:
    return int(user.buy("600036", price=32.5, amount=100)["entrust_no"])


def test_connect_logs_as_documented(
    served: SimProcess, connect: Connect, logged: list[str]
) -> None:
    connect()
    lines = [line.strip() for line in logged]
    wanted = [
        "INFO - 正在连接到 MiniQMT...",
        f"INFO - MiniQMT 路径: {served.folder}",
        f"INFO - 资金账号: {masked(ACCOUNT)}",
        "INFO - 自动重连: 启用",
        "INFO - 重连间隔: 0.2 秒",
        "INFO - 最大重连次数: 无限",
        "INFO - 创建 XtQuantTrader 实例，会话ID: ",
        "INFO - 正在尝试连接...",
        f"INFO - ✓ 成功连接到 MiniQMT, 账号: {masked(ACCOUNT)}",
        f"INFO - ✓ 已订阅账户: {masked(ACCOUNT)}",
    ]
    positions = [
        next(i for i, line in enumerate(lines) if line.startswith(each)) for each in wanted
    ]
    assert positions == sorted(positions)
    assert not any(line.startswith("DEBUG") for line in lines)


def test_kill_and_restart(
    served: SimProcess, connect: Connect, recorder: Recorder, logged: list[str]
) -> None:
    user = connect(recorder)
    number = resting(user)
    served.kill()
    recorder.wait_for("disconnected")
    with pytest.raises(NotConnectedError, match="重连"):
        user.buy("600036", 33.0, 100)
    assert user.state in ("已断开", "连接中")
    served.start()
    recorder.wait_for("connected", 2)
    assert user.state == "已连接"
    assert user.find_entrust(number)["order_status_name"] == "已报"
    assert resting(user) > number
    text = "".join(logged)
    for line in ("WARNING - MiniQMT 连接已断开", "INFO - 准备触发自动重连...",
                 "WARNING - 第 1 次重连尝试 (间隔 0.2 秒)...", "INFO - 重连成功！"):  # fmt: skip
        assert line in text


def test_what_happened_while_away_is_delivered_exactly_once(
    served: SimProcess, connect: Connect, recorder: Recorder
) -> None:
    user, other = connect(recorder), connect()
    before = user.market_buy("600036", amount=100)["entrust_no"]
    user.wait(before, 30)
    Faults(served.folder).refuse_connect(1)
    user.trader.async_client._link.close()  # 只断这一个会话
    user._engine.supervisor.lost(user._session, "测试断开")
    while_away = other.market_buy("600036", amount=200)["entrust_no"]
    other.wait(while_away, 30)
    recorder.wait_for("connected", 2)
    eventually(lambda: any(t.order_id == while_away for t in recorder.of("trade")))
    eventually(
        lambda: any(o.order_id == while_away and o.order_status == 56 for o in recorder.of("order"))
    )
    trades = [each.traded_id for each in recorder.of("trade")]
    assert len(trades) == len(set(trades))
    states = [(o.order_id, o.order_status, o.traded_volume) for o in recorder.of("order")]
    assert len(states) == len(set(states))
    assert {each["traded_id"] for each in user.today_trades} == set(trades)


def test_lost_answer_of_a_submit_is_unknown_and_found_by_its_tag(
    served: SimProcess, connect: Connect
) -> None:
    user = connect(timeout=0.5)
    Faults(served.folder).drop_answer("submit")
    with pytest.raises(OutcomeUnknownError, match="不要重发") as caught:
        user.buy("600036", price=32.5, amount=100)
    found = user.find_entrust(caught.value.tag)
    assert (found["price"], found["order_status_name"]) == (32.5, "已报")
    assert len(user.today_entrusts) == 1, "只发了一次"


@pytest.mark.parametrize(("when", "reached"), [("before", False), ("after", True)])
def test_disconnect_in_the_middle_of_an_order(
    served: SimProcess, connect: Connect, recorder: Recorder, when: str, reached: bool
) -> None:
    user = connect(recorder)
    Faults(served.folder).disconnect_on("submit", when=when)
    with pytest.raises(OutcomeUnknownError) as caught:
        user.buy("600036", price=32.5, amount=100)
    recorder.wait_for("connected", 2)
    assert (user.find_entrust(caught.value.tag) is not None) is reached
    assert len(user.today_entrusts) == int(reached)


@pytest.mark.parametrize("when", ["before", "after"])
def test_crash_in_the_middle_of_an_order_loses_nothing_accepted(
    served: SimProcess, connect: Connect, recorder: Recorder, when: str
) -> None:
    user = connect(recorder)
    first = resting(user)
    Faults(served.folder).crash_on("submit", when=when)
    with pytest.raises(OutcomeUnknownError) as caught:
        user.buy("600036", price=32.6, amount=100)
    served.kill()
    served.start()
    recorder.wait_for("connected", 2)
    assert user.find_entrust(first) is not None
    assert (user.find_entrust(caught.value.tag) is not None) is (when == "after")


def test_lost_answer_of_a_query_and_of_a_cancel(served: SimProcess, connect: Connect) -> None:
    user = connect(timeout=0.5)
    number = resting(user)
    faults = Faults(served.folder)
    faults.drop_answer("orders")
    with pytest.raises(QueryFailedError):
        _ = user.today_entrusts
    faults.drop_answer("cancel")
    with pytest.raises(OutcomeUnknownError) as caught:
        user.cancel_entrust(number)
    assert caught.value.entrust_no == number
    assert user.wait(number, 30)["order_status_name"] == "已撤"


def test_cancel_all_sends_all_and_waits_together(served: SimProcess, connect: Connect) -> None:
    """一笔没有应答不耽误别的：都发出去了，没有一笔因为等前面的而没有撤。"""
    user = connect(timeout=0.5)
    numbers = {resting(user) for _ in range(6)}
    Faults(served.folder).drop_answer("cancel", times=6)
    results = user.cancel_all()
    assert {each["entrust_no"] for each in results} == numbers
    assert not any(each["success"] for each in results)
    assert all("结果未知" in each["message"] for each in results)
    for number in numbers:
        assert user.wait(number, 30)["order_status_name"] == "已撤"


def test_events_before_the_first_resync_are_not_told_again(
    served: SimProcess, connect: Connect, recorder: Recorder
) -> None:
    """第一次连接的补查很慢，其间别的会话在成交：推来的不会在重连后再来一遍。"""
    other = connect()
    faults = Faults(served.folder)
    faults.delay_answer("trades", 0.6)
    trading = threading.Thread(
        target=lambda: [other.market_buy("600036", amount=100) for _ in range(5)]
    )
    user = easytrader.use("miniqmt")
    try:
        connecting = threading.Thread(
            target=lambda: user.connect(
                str(served.folder), ACCOUNT, recorder, timeout=5, reconnect_interval=0.2
            )
        )
        connecting.start()
        eventually(lambda: faults.active() == [])  # 成交的查询已经在路上
        trading.start()
        trading.join(30)
        connecting.join(30)
        faults.disconnect()
        recorder.wait_for("connected", 2)
        last = user.market_buy("600036", amount=100)["entrust_no"]
        user.wait(last, 30)
        eventually(lambda: any(each.order_id == last for each in recorder.of("trade")))
        trades = [each.traded_id for each in recorder.of("trade")]
        states = [(o.order_id, o.order_status, o.traded_volume) for o in recorder.of("order")]
        assert len(trades) == len(set(trades))
        assert len(states) == len(set(states))
    finally:
        user.close()


def test_sys_exit_in_a_callback_does_not_stop_the_others(
    served: SimProcess, connect: Connect, recorder: Recorder, logged: list[str]
) -> None:
    user = connect(recorder)
    recorder.doing["trade"] = lambda _: sys.exit(3)
    user.wait(user.market_buy("600036", amount=100)["entrust_no"], 30)
    recorder.wait_for("trade")
    user.wait(user.market_buy("600036", amount=100)["entrust_no"], 30)
    recorder.wait_for("trade", 2)
    assert any("回调出错" in line for line in logged)


def test_a_delayed_answer_beyond_the_deadline_is_reported_when_it_comes(
    served: SimProcess, connect: Connect, logged: list[str]
) -> None:
    user = connect(timeout=0.4)
    Faults(served.folder).delay_answer("submit", 0.8)
    with pytest.raises(OutcomeUnknownError):
        user.buy("600036", price=32.5, amount=100)
    eventually(lambda: any("迟到的应答" in line for line in logged))


def test_duplicated_pushes_arrive_once(
    served: SimProcess, connect: Connect, recorder: Recorder
) -> None:
    user = connect(recorder)
    Faults(served.folder).duplicate_push("any", times=20)
    user.wait(user.market_buy("600036", amount=100)["entrust_no"], 30)
    user.wait(user.market_buy("000001", amount=100)["entrust_no"], 30)
    eventually(lambda: len(recorder.of("trade")) >= 2)
    user.close()  # 把排队的都交完
    trades = [each.traded_id for each in recorder.of("trade")]
    states = [(o.order_id, o.order_status, o.traded_volume) for o in recorder.of("order")]
    assert len(trades) == len(set(trades))
    assert len(states) == len(set(states))


def test_a_hung_client_never_hangs_the_caller(
    served: SimProcess, connect: Connect, recorder: Recorder
) -> None:
    user = connect(recorder, timeout=0.5, heartbeat_interval=0.2)
    assert served.process is not None
    hung = freeze(served.process.pid)
    with pytest.raises((QueryFailedError, NotConnectedError)):
        _ = user.balance
    with pytest.raises((OutcomeUnknownError, NotConnectedError)):
        user.buy("600036", 33.0, 100)
    with pytest.raises((QueryFailedError, OutcomeUnknownError, NotConnectedError, ConnectionError)):
        user.trader.query_stock_orders(user.account)
    recorder.wait_for("disconnected")
    hung.resume()
    recorder.wait_for("connected", 2)
    assert user.balance


def test_connect_fails_with_reasons_and_leaves_nothing(connect: Connect, sim_folder: Path) -> None:
    for enabled in (True, False):
        with pytest.raises(ConnectFailedError) as caught:
            connect(reconnect_enabled=enabled)
        assert caught.value.code == -1
        text = str(caught.value)
        for told in (str(sim_folder), "极简模式", "没有运行"):
            assert told in text
        assert "session_id" not in text, "没有迹象的不当作事实说"


def test_a_deadline_over_before_connecting_says_so(
    served: SimProcess, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """机器忙得还没有开始连，期限就到了：不说「-0.3 秒内没有结果，客户端没有运行」。"""
    opened = QmtSession.open
    monkeypatch.setattr(QmtSession, "open", lambda self, _: opened(self, time.monotonic() - 1))
    with pytest.raises(ConnectFailedError, match="还没有开始连，期限就用完了"):
        connect()


def test_connect_waits_when_asked(connect: Connect, sim_folder: Path) -> None:
    process = SimProcess(sim_folder)
    box: list[Any] = []
    failed: list[BaseException] = []

    def wait() -> None:
        try:
            box.append(connect(wait=True))
        except BaseException as exc:
            failed.append(exc)

    waiting = threading.Thread(target=wait)
    waiting.start()
    process.start()
    waiting.join(30)
    try:
        assert not failed
        assert box[0].balance
    finally:
        process.kill()


def test_connect_waits_no_longer_than_asked(connect: Connect) -> None:
    began = time.monotonic()
    with pytest.raises(ConnectFailedError):
        connect(wait=0.8)
    assert time.monotonic() - began > 0.5


def test_subscribe_of_a_stranger_account(served: SimProcess, sim_folder: Path) -> None:
    with (
        easytrader.use("miniqmt") as user,
        pytest.raises(ConnectFailedError, match="没有在这个客户端登录"),
    ):
        user.connect(str(sim_folder), "9999999999")


def test_refused_connects_are_retried(
    served: SimProcess, connect: Connect, recorder: Recorder
) -> None:
    user = connect(recorder)
    faults = Faults(served.folder)
    faults.refuse_connect(2)
    faults.disconnect()
    recorder.wait_for("connected", 2)
    assert user.balance


def test_giving_up_after_the_last_attempt(
    served: SimProcess, connect: Connect, recorder: Recorder, logged: list[str]
) -> None:
    user = connect(recorder, max_reconnect_attempts=2, reconnect_interval=0.1)
    served.kill()
    eventually(lambda: any("不再尝试" in line for line in logged))
    with pytest.raises(NotConnectedError, match="没有自动重连"):
        _ = user.balance
    served.start()
    user.connect(str(served.folder), ACCOUNT, recorder)
    assert user.balance


def test_reconnect_disabled(served: SimProcess, connect: Connect, recorder: Recorder) -> None:
    user = connect(recorder, reconnect_enabled=False)
    served.kill()
    recorder.wait_for("disconnected")
    with pytest.raises(NotConnectedError, match="没有自动重连"):
        _ = user.balance
    assert user.state == "已断开"


def test_stop_reconnect_in_the_middle_of_waiting(
    served: SimProcess, connect: Connect, recorder: Recorder
) -> None:
    user = connect(recorder, reconnect_interval=600)
    served.kill()
    recorder.wait_for("disconnected")
    user.stop_reconnect()
    user.stop_reconnect()
    with pytest.raises(NotConnectedError):
        _ = user.balance


def test_close_during_a_reconnect_wait_and_twice(
    served: SimProcess, connect: Connect, recorder: Recorder
) -> None:
    user = connect(recorder, reconnect_interval=600)
    served.kill()
    recorder.wait_for("disconnected")
    user.close()
    user.close()
    assert user.state == "已关闭"


@pytest.mark.parametrize("event", ["trade", "disconnected"])
def test_close_inside_a_callback(
    served: SimProcess, connect: Connect, recorder: Recorder, event: str
) -> None:
    user = connect(recorder)
    closed = threading.Event()

    def close(_: Any) -> None:
        user.close()
        closed.set()

    recorder.doing[event] = close
    if event == "trade":
        user.market_buy("600036", amount=100)
    else:
        served.kill()
    assert closed.wait(8)
    assert user.state == "已关闭"


def test_connecting_again_inside_on_disconnected(
    served: SimProcess, connect: Connect, recorder: Recorder
) -> None:
    """老代码常在 on_disconnected 里自己重连：也要干净。"""
    user = connect(recorder, reconnect_enabled=False)
    again: list[str] = []
    done = threading.Event()

    def reconnect(_: Any) -> None:
        recorder.doing.clear()
        served.start()
        user.connect(str(served.folder), ACCOUNT, recorder, wait=10, reconnect_interval=0.2)
        again.append(user.state)
        done.set()

    recorder.doing["disconnected"] = reconnect
    served.kill()
    assert done.wait(15)
    assert again == ["已连接"]


def test_connecting_twice_replaces_the_first(
    served: SimProcess, connect: Connect, recorder: Recorder
) -> None:
    user = connect(recorder)
    first = user.trader
    user.connect(str(served.folder), ACCOUNT, recorder)
    assert user.trader is not first
    assert user.balance
    with pytest.raises(NotConnectedError):
        first.query_stock_asset(user.account)


def test_close_while_connect_is_waiting_in_another_thread(sim_folder: Path) -> None:
    user = easytrader.use("miniqmt")
    failed: list[BaseException] = []

    def wait() -> None:
        try:
            user.connect(str(sim_folder), ACCOUNT, wait=True, reconnect_interval=30)
        except BaseException as exc:
            failed.append(exc)

    waiting = threading.Thread(target=wait)
    waiting.start()
    eventually(lambda: user.state != "未连接")
    user.close()
    waiting.join(8)
    assert not waiting.is_alive()
    assert isinstance(failed[0], (ClosedError, ConnectFailedError))


def test_a_notebooks_loop_is_untouched(served: SimProcess, connect: Connect) -> None:
    async def cell() -> None:
        loop = asyncio.get_running_loop()
        user = connect()
        assert user.balance
        assert asyncio.get_running_loop() is loop
        await asyncio.sleep(0)
        user.close()
        assert asyncio.get_running_loop() is loop

    asyncio.run(cell())
    connect().close()  # asyncio.run 之后主线程没有事件循环：厂商自己在这里会抛异常


def test_session_ids_come_from_a_small_pool(
    served: SimProcess, connect: Connect, recorder: Recorder
) -> None:
    user = connect(recorder, reconnect_interval=0.05)
    for round_ in range(2, 12):
        Faults(served.folder).disconnect()
        recorder.wait_for("connected", round_)
    assert user.balance
    assert len(list(served.folder.glob("down_queue_win_*[0-9]"))) <= 16


def test_a_fixed_session_id_is_used_and_refused_while_taken(
    served: SimProcess, connect: Connect
) -> None:
    first = connect(session_id=424242)
    assert (served.folder / "down_queue_win_424242").exists()
    with pytest.raises(ConnectFailedError, match="424242"):
        connect(session_id=424242)
    assert first.balance


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("miniqmt_path", "/no/such/folder"), ("miniqmt_path", 5), ("miniqmt_path", ""),
        ("stock_account", 1234567890), ("stock_account", ""),
        ("reconnect_enabled", "yes"), ("reconnect_interval", 0), ("reconnect_interval", "5"),
        ("max_reconnect_attempts", -1), ("account_type", "股票"), ("session_id", 0),
        ("session_id", "5"), ("timeout", 0), ("timeout", float("inf")), ("wait", -1),
        ("heartbeat_interval", -1), ("trader_callback", Recorder), ("trader_callback", 5),
        ("xtquant", 5),
    ],
)  # fmt: skip
def test_wrong_connect_arguments(sim_folder: Path, argument: str, value: object) -> None:
    options: dict[str, Any] = {"miniqmt_path": str(sim_folder), "stock_account": ACCOUNT}
    options[argument] = value
    user = easytrader.use("miniqmt")
    with pytest.raises(UsageError) as caught:
        user.connect(**options)
    assert caught.value.argument == argument
    assert user.state == "未连接"
    assert not list(sim_folder.glob("down_queue*")), "什么都没有做"


def test_faults_work_on_the_embedded_counter_too(user: Any, recorder: Recorder) -> None:
    folder = user._path
    number = resting(user)
    faults = Faults(folder)
    faults.refuse_connect(1)
    faults.disconnect()
    recorder.wait_for("connected", 2)
    assert user.find_entrust(number)["order_status_name"] == "已报"


HOLDER = """
import sys, easytrader
user = easytrader.use('sim'); user.connect({path!r}, {account!r})
print(user.buy('600036', 32.5, 100)['entrust_no'], flush=True)
sys.stdin.read()
"""


def test_the_process_embedding_the_counter_dies_and_we_take_over(
    sim_folder: Path, recorder: Recorder
) -> None:
    """两个脚本共用一个模拟账户：先来的嵌着柜台，它死了后来的接手，什么都不丢。"""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(path=str(sim_folder), account=ACCOUNT)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, cwd=ROOT,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdin is not None
    try:
        number = int(holder.stdout.readline())
        with easytrader.use("sim") as user:
            user.connect(str(sim_folder), ACCOUNT, recorder, reconnect_interval=0.2)
            assert user.find_entrust(number)["order_status_name"] == "已报"
            mine = resting(user)
            holder.kill()
            recorder.wait_for("connected", 2)
            assert {each["order_id"] for each in user.today_entrusts} == {number, mine}
            assert user.cancel_all()
    finally:
        holder.kill()
        holder.wait(30)
        holder.stdout.close()
        holder.stdin.close()
