"""活着没有、看不看得见：状况、健康回调、事件循环、心跳、放弃重连。"""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, Recorder, SimProcess, eventually, freeze, make_folder

import easytrader
from easytrader.backend.records import Order, OrderChanged, Side, Trade, Traded
from easytrader.basics.log import Log
from easytrader.errors import EasytraderError, QueryFailedError, UsageError
from easytrader.link import heartbeat
from easytrader.link import heartbeat as vitals_room
from easytrader.link.heartbeat import Vitals
from easytrader.push.event_log import EventLog
from easytrader.records.memory import CAPACITY, EARLY
from easytrader.sim.host.faults import Faults
from easytrader.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Watcher(Recorder):
    """还记下健康回调。"""

    def on_health(self, status: Any) -> None:
        self._take("health", status)

    def on_give_up(self, error: Any) -> None:
        self._take("give_up", error)


# ---- user.status


def test_status_before_and_after(sim_folder: Path) -> None:
    user = easytrader.use("sim")
    before = user.status
    assert before["state"] == "未连接"
    assert before["last_answer"] == 0
    user.connect(str(sim_folder), ACCOUNT)
    user.buy("600036", 33.0, 100)
    user.cancel_entrust(user.today_entrusts[0]["order_id"])
    now = user.status
    assert list(now) == list(before)
    assert now["state"] == "已连接"
    assert now["account_id"] == "******0365"
    assert now["path"] == str(sim_folder)
    assert now["session_id"] > 0
    assert set(now["latency_ms"]) == {"query", "submit", "cancel"}
    assert now["unanswered"] == now["open_intents"] == now["attempts"] == 0
    assert now["since"] <= now["last_answer"]
    json.dumps(now, ensure_ascii=False)
    user.close()
    assert user.status["state"] == "已关闭"


def test_status_of_any_backend_knows_the_answers() -> None:
    broker = MemoryBroker()
    with broker.trader() as user:
        broker.connect(user, heartbeat_interval=0)
        assert set(user.status["latency_ms"]) == {"query"}
        at = user.status["last_answer"]
        assert at > 0
        number = user.buy(broker.security, broker.resting_price, broker.amount)["entrust_no"]
        assert set(user.status["latency_ms"]) == {"query", "submit"}
        user.cancel_entrust(number)
        assert set(user.status["latency_ms"]) == {"query", "submit", "cancel"}
        assert user.status["last_answer"] >= at
        broker.lose_answer("query")
        took = dict(user.status["latency_ms"])
        with pytest.raises(QueryFailedError):
            user.balance  # noqa: B018
        assert (user.status["unanswered"], user.status["latency_ms"]) == (1, took)
        broker.break_link()
        assert (user.status["unanswered"], user.status["latency_ms"]) == (1, took)


def test_status_tells_of_a_lost_connection(served: SimProcess, connect: Callable[..., Any]) -> None:
    user = connect(reconnect_interval=0.1)
    served.kill()
    eventually(lambda: user.status["attempts"] >= 2)
    now = user.status
    assert now["state"] in ("已断开", "连接中")
    assert "没有人服务" in now["last_error"] or "连接 MiniQMT 失败" in now["last_error"]
    served.start()
    eventually(lambda: user.state == "已连接")
    now = user.status
    assert now["reconnects"] == 1
    assert now["last_error"] == ""


# ---- 健康回调


def test_health_callbacks(served: SimProcess, connect: Callable[..., Any]) -> None:
    watcher = Watcher()
    told: list[Any] = []
    connect(watcher, on_health=told.append)
    watcher.wait_for("health", 1)
    served.kill()
    watcher.wait_for("health", 2)
    served.start()
    watcher.wait_for("connected", 2)
    watcher.wait_for("health", 3)
    assert next(each["reconnects"] for each in watcher.of("health")) == 0
    assert len(told) == len(watcher.of("health"))


def test_giving_up_is_told(served: SimProcess, connect: Callable[..., Any]) -> None:
    watcher = Watcher()
    told: list[Any] = []
    user = connect(
        watcher, max_reconnect_attempts=2, reconnect_interval=0.05, on_give_up=told.append
    )
    served.kill()
    [error] = watcher.wait_for("give_up")
    assert isinstance(error, easytrader.ConnectFailedError)
    eventually(lambda: told == [error])
    assert user.status["gave_up"] is True
    assert user.state == "已断开"
    kinds = [event["event"] for event in user.events(0)]
    assert kinds[-1] == "give_up"


@pytest.mark.parametrize("name", ["on_health", "on_give_up"])
def test_hooks_must_be_functions(sim_folder: Path, name: str) -> None:
    user = easytrader.use("sim")
    with pytest.raises(UsageError) as caught:
        user.connect(str(sim_folder), ACCOUNT, **{name: "函数名"})
    assert caught.value.argument == name


# ---- 事件循环


def until(user: Any, kind: str, status: str | None = None) -> list[Any]:
    """一直取到这一种事件（委托的这个状态）为止。"""
    taken: list[Any] = []
    for event in user.events(timeout=30):
        taken.append(event)
        if (event["event"], event["data"].get("order_status_name")) == (kind, status):
            return taken
    raise AssertionError(f"没有等到 {kind} {status}：{taken}")


def test_events_in_a_loop(user: Any) -> None:
    number = user.market_buy("600036", 100)["entrust_no"]
    events = [each for each in until(user, "order", "已成") if each["event"] != "connected"]
    assert {event["event"] for event in events} == {"order", "trade"}
    assert [event["data"]["order_id"] for event in events] == [number] * len(events)
    assert events[0]["data"]["order_status_name"] in ("未报", "已报")  # 各家不同
    assert events[0]["event_name"] == "委托"
    assert events[-1]["data"]["order_status_name"] == "已成"
    assert events[-1]["data"] == user.find_entrust(number)
    trades = [event["data"] for event in events if event["event"] == "trade"]
    assert trades == user.today_trades
    assert list(user.events(timeout=0)) == []


def test_events_of_refusals(user: Any) -> None:
    user.buy("600036", 1.0, 100)
    error = until(user, "order_error")[-1]
    assert error["event_name"] == "下单失败"
    assert "跌停" in error["data"]["error_msg"]
    done = user.market_buy("600036", 100)["entrust_no"]
    user.wait(done)
    user.cancel_entrust(done)
    error = until(user, "cancel_error")[-1]
    assert error["data"]["order_id"] == done


def test_events_wake_and_end_with_close(user: Any) -> None:
    seen: list[Any] = []
    reader = threading.Thread(target=lambda: seen.extend(user.events(timeout=60)))
    reader.start()
    number = user.buy("600036", 33.0, 100)["entrust_no"]
    eventually(lambda: any(each["event"] == "order" for each in seen))
    user.close()
    reader.join(30)
    assert not reader.is_alive()
    assert {e["data"]["order_id"] for e in seen if e["event"] == "order"} == {number}


@pytest.mark.parametrize("bad", [-1, "5", None, float("nan"), 10**9])
def test_events_timeout_is_checked(user: Any, bad: Any) -> None:
    with pytest.raises(UsageError) as caught:
        user.events(timeout=bad)
    assert caught.value.argument == "timeout"


def test_events_across_a_reconnect(served: SimProcess, connect: Callable[..., Any]) -> None:
    user = connect()
    other = connect()
    served.kill()
    served.start()
    # 客户端死了过几秒才知道：那几秒里还是「已连接」，发出的委托结果未知
    eventually(lambda: other.status["reconnects"] == 1)
    number = other.market_buy("600036", 100)["entrust_no"]
    other.wait(number)
    eventually(lambda: user.status["reconnects"] == 1)
    taken = [*until(user, "order", "已成"), *user.events(timeout=0)]
    kinds = [(each["event"], each["data"].get("order_status_name")) for each in taken]
    assert kinds[:1] == [("connected", None)]
    assert ("disconnected", None) in kinds
    assert kinds.count(("order", "已成")) == 1
    assert sum(kind == "trade" for kind, _ in kinds) == len(other.today_trades)


# ---- 落后的回调


def test_a_slow_callback_loses_no_trade_and_says_it_is_behind(
    user: Any, recorder: Recorder, logged: list[str]
) -> None:
    dispatcher = user._engine.courier._dispatcher
    dispatcher._backlog.capacity = 5
    gate = threading.Event()
    recorder.doing["order"] = lambda order: gate.wait(30)
    numbers = [user.market_buy("600036", 100)["entrust_no"] for _ in range(20)]
    for number in numbers:
        user.wait(number)  # 等待不靠回调
    eventually(lambda: user.status["behind"] and user.status["queue_depth"] > 5)
    assert any("回调跟不上推送" in line for line in logged)
    gate.set()
    recorder.wait_for("trade", len(user.today_trades))
    eventually(lambda: user.status["behind"] is False)

    def final() -> list[int]:
        return sorted(each.order_id for each in recorder.of("order") if each.order_status == 56)

    eventually(lambda: final() == sorted(numbers))
    traded = [each.traded_id for each in recorder.of("trade")]
    assert sorted(traded) == sorted(row["traded_id"] for row in user.today_trades)
    assert user.status["queue_merged"] > 0


# ---- 心跳


def test_a_hung_client_is_noticed_and_recovers(
    served: SimProcess, connect: Callable[..., Any]
) -> None:
    recorder = Recorder()
    user = connect(recorder, heartbeat_interval=0.2, timeout=0.5)
    assert served.process is not None
    process = freeze(served.process.pid)
    try:
        recorder.wait_for("disconnected")
        assert "心跳" in user.status["last_error"] or user.state != "已连接"
    finally:
        process.resume()
    recorder.wait_for("connected", 2)
    assert user.balance


def test_one_expired_call_makes_the_heartbeat_ask_at_once(
    served: SimProcess, connect: Callable[..., Any]
) -> None:
    """心跳间隔很长，也不必等它：有一个请求到期，马上问。"""
    recorder = Recorder()
    user = connect(recorder, heartbeat_interval=3600, timeout=0.4)
    assert served.process is not None
    process = freeze(served.process.pid)
    try:
        with pytest.raises(EasytraderError):
            _ask_twice(user)
        recorder.wait_for("disconnected")
    finally:
        process.resume()
    recorder.wait_for("connected", 2)


def _ask_twice(user: Any) -> None:
    """停下的那一刻可能还有一个应答在路上。"""
    assert user.balance
    assert user.balance


class Client:
    """心跳要问的客户端。"""

    def __init__(self, vitals: Vitals) -> None:
        self.vitals = vitals
        self.asked = 0
        self.hung = False

    def asset(self) -> None:
        self.asked += 1
        if self.hung:
            raise easytrader.QueryFailedError("没有应答")
        self.vitals.answered("asset", 0.001)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [1000.0]
    fake = SimpleNamespace(monotonic=lambda: clock[0], time=lambda: clock[0])
    monkeypatch.setattr(heartbeat, "time", fake)
    monkeypatch.setattr(vitals_room, "time", fake)
    return clock


def test_busy_means_no_heartbeat(now: list[float]) -> None:
    vitals = Vitals()
    beat = heartbeat.Heartbeat(30, vitals, Log())
    client: Any = Client(vitals)
    for _ in range(10):
        now[0] += 20
        vitals.answered("orderStockWithSeq", 0.001)
        assert beat.wait_s == pytest.approx(30)
        assert not beat.is_dead(client, lambda asked: True, suspect=False)
    assert client.asked == 0
    now[0] += 30
    assert not beat.is_dead(client, lambda asked: True, suspect=False)
    assert client.asked == 1


def test_two_missed_beats_are_death(now: list[float]) -> None:
    vitals = Vitals()
    beat = heartbeat.Heartbeat(30, vitals, Log())
    client: Any = Client(vitals)
    client.hung = True
    assert not beat.is_dead(client, lambda asked: True, suspect=True)
    assert beat.wait_s is not None
    assert beat.wait_s < 1  # 不等一整个间隔
    assert not beat.is_dead(client, lambda asked: False, suspect=False)  # 已经不是当前的会话
    assert beat.is_dead(client, lambda asked: True, suspect=False)
    beat.reset()
    client.hung = False
    assert not beat.is_dead(client, lambda asked: True, suspect=True)


def test_no_heartbeat_when_turned_off(now: list[float]) -> None:
    vitals = Vitals()
    beat = heartbeat.Heartbeat(0, vitals, Log())
    client: Any = Client(vitals)
    assert beat.wait_s is None
    assert not beat.is_dead(client, lambda asked: True, suspect=True)
    assert client.asked == 0


def test_a_dropped_answer_alone_does_not_disconnect(
    served: SimProcess, connect: Callable[..., Any]
) -> None:
    recorder = Recorder()
    user = connect(recorder, timeout=0.4)
    Faults(served.folder).drop_answer("asset")
    with pytest.raises(easytrader.QueryFailedError):
        assert user.balance
    assert user.balance
    assert recorder.of("disconnected") == []


def test_a_repeated_rejection_is_told_once(user: Any, recorder: Recorder, sim_folder: Path) -> None:
    Faults(sim_folder).duplicate_push("order_error")
    user.buy("600036", 1.0, 100)
    second = user.buy("600036", 1.0, 100)["entrust_no"]
    eventually(lambda: second in [each.order_id for each in recorder.of("order_error")])
    assert len(recorder.of("order_error")) == 2


AN_ORDER = Order(
    stock_code="600036.SH",
    order_id=0,
    side=Side.BUY,
    order_volume=100,
    order_status=50,
    order_time=0,
)
A_TRADE = Trade(
    stock_code="600036.SH", order_id=0, side=Side.BUY,
    traded_id="1", traded_time=0, traded_price=1, traded_volume=100,
)  # fmt: skip


def test_trades_outlive_other_events_until_someone_reads() -> None:
    log = EventLog()
    log.add(Traded(A_TRADE))
    for number in range(EARLY + 10):
        log.add(OrderChanged(replace(AN_ORDER, order_id=number)))
    first = log.take(0)
    assert first is not None
    assert (first["event"], first["data"]) == ("gap", {"missed": 10})
    kinds = [each["event"] for each in iter(lambda: log.take(0), None)]
    assert kinds == ["trade", *["order"] * EARLY]


def test_unread_events_are_merged_by_order_and_trades_are_kept() -> None:
    log = EventLog()
    log.read(0)
    for number in range(CAPACITY + 500):
        log.add(OrderChanged(replace(AN_ORDER, order_id=number % 7)))
        log.add(Traded(A_TRADE))
    kinds = [each["event"] for each in iter(lambda: log.take(0), None)]
    assert kinds.count("trade") == CAPACITY + 500
    assert kinds.count("order") <= CAPACITY / 2 + 7
    assert "gap" not in kinds


def test_lost_pushes_are_made_up_for_when_it_is_quiet(
    served: SimProcess, connect: Callable[..., Any]
) -> None:
    recorder = Recorder()
    user = connect(recorder, heartbeat_interval=0.3)
    deliver = user._engine.courier.deliver
    lost: list[type] = []

    def leaky(event: Any) -> None:
        if isinstance(event, OrderChanged | Traded):
            lost.append(type(event))
        else:
            deliver(event)

    user._engine.courier.deliver = leaky
    number = user.market_buy("600036", 100)["entrust_no"]
    user.wait(number)
    eventually(lambda: Traded in lost)
    user._engine.courier.deliver = deliver
    trades = recorder.wait_for("trade", len(user.today_trades))
    assert {each.order_id for each in trades} == {number}
    final = [o for o in recorder.wait_for("order") if o.order_status == 56]
    assert len(final) == 1


def test_a_cached_query_does_not_hide_what_happened_while_away(tmp_path: Path) -> None:
    """断线期间成交的，重连后第一次查询还没有：过一会儿的补查会补上。"""
    process = SimProcess(make_folder(tmp_path / "userdata_mini", query_lag_s=0.5))
    process.start()
    recorder = Recorder()
    user, other = easytrader.use("miniqmt"), easytrader.use("miniqmt")
    try:
        options = {"reconnect_interval": 0.1, "timeout": 5, "heartbeat_interval": 0}
        other.connect(str(process.folder), ACCOUNT, **options)
        user.connect(str(process.folder), ACCOUNT, recorder, **options)
        open_ = user._engine.supervisor._connector.open
        numbers: list[int] = []

        def after_an_order(*args: Any) -> Any:
            numbers.append(other.market_buy("600036", 100)["entrust_no"])
            return open_(*args)

        user._engine.supervisor._connector.open = after_an_order
        user._engine.supervisor.lost(user._session, "试一试")
        recorder.wait_for("connected", 2)
        recorder.wait_for("trade")
        eventually(lambda: 56 in [each.order_status for each in recorder.of("order")])
        assert {each.order_id for each in recorder.of("order")} == set(numbers)
    finally:
        user.close()
        other.close()
        process.kill()
