"""引擎与看护：推送与接管的次序、停重连、换连接、关闭、没有人要了的 trader。"""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import threading
import weakref
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, Recorder, SimProcess, eventually, freeze

import easytrader
from easytrader.backend.capabilities import Capabilities
from easytrader.backend.records import Connected, OrderChanged, PushEvent
from easytrader.basics.log import Log
from easytrader.basics.paths import AccountKey
from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    NotConnectedError,
    QueryFailedError,
    UsageError,
)
from easytrader.link.backoff import ReconnectOptions
from easytrader.link.heartbeat import Vitals
from easytrader.link.supervisor import State, Supervisor
from easytrader.miniqmt import session as session_room
from easytrader.miniqmt import session_ids
from easytrader.push.table import callback_name, contents
from easytrader.sim.host import hub
from easytrader.sim.host.faults import Faults
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Connect = Callable[..., Any]


# ---- 一个内存里的后端：会话只有委托和成交


class MemorySession:
    account_type = "STOCK"
    timeout_s = 5.0
    cache_lag_s = 0.0
    raw_trader = raw_account = None

    def __init__(self) -> None:
        self.is_lost = False
        self.rows: list[Any] = []
        self.closed = 0

    def asset(self) -> Any:
        if self.is_lost:
            raise QueryFailedError("断了")
        return SimpleNamespace(total_asset=1.0)

    def positions(self) -> list[Any]:
        return []

    def orders(self) -> list[Any]:
        return list(self.rows)

    def trades(self) -> list[Any]:
        return []

    def order(self, order_id: Any) -> Any:
        return next((each for each in self.rows if each.order_id == order_id), None)

    def until(self, deadline: float | None) -> Any:
        return contextlib.nullcontext()

    def lose(self, reason: str) -> None:
        self.is_lost = True

    def close(self, limit_s: float = 3.0) -> None:
        self.closed += 1

    def place(self, order_id: Any, status: int) -> None:
        row = SimpleNamespace(
            stock_code="600036.SH", order_id=order_id, order_sysid="", order_time=5, order_type=23,
            order_volume=100, price_type=50, price=35.5, traded_volume=0, traded_price=0.0,
            order_status=status, status_msg="", offset_flag=48, strategy_name="", direction=48,
            order_remark="", account_type=2, account_id="1",
        )  # fmt: skip
        self.rows = [each for each in self.rows if each.order_id != order_id] + [row]


class Memory:
    """怎样开会话：开的时候做什么可以指定。"""

    timeout_s = 5.0
    session_id = 0

    def __init__(self, while_opening: Callable[[Any, Any], None] = lambda *_: None) -> None:
        self.while_opening = while_opening
        self.sessions: list[MemorySession] = []
        self.cancelled = threading.Event()

    def open(self, listener: Any, deadline: float) -> MemorySession:
        session = MemorySession()
        self.sessions.append(session)
        self.while_opening(listener, session)
        return session

    def cancel(self) -> None:
        self.cancelled.set()


def watch(connector: Any, deliver: Callable[[PushEvent], None], **parts: Any) -> Supervisor:
    return Supervisor(
        connector,
        parts.pop("options", ReconnectOptions(interval_s=0.01, heartbeat_s=0)),
        parts.pop("capabilities", Capabilities("试")),
        resync=parts.pop("resync", lambda session: None),
        recheck=parts.pop("recheck", lambda session: None),
        finish=lambda deadline: None,
        deliver=deliver,
        tend=lambda: False,
        vitals=Vitals(),
        log=Log(),
        account=("", ""),
        **parts,
    )


# ---- 推送与接管


def change(row: Any = None) -> OrderChanged:
    return OrderChanged(row)


def test_pushes_before_the_session_is_ours_come_after_connected_in_their_order() -> None:
    """还没开完（我们还不认得它）和补查期间的推送：一条不少，跟在「已连接」后面。"""
    stranger = MemorySession()

    def early(listener: Any, session: Any) -> None:
        listener.pushed(session, change("开的时候"))
        listener.pushed(stranger, change("别的会话的"))

    got: list[PushEvent] = []
    watched = watch(
        Memory(early),
        got.append,
        resync=lambda session: watched.pushed(session, change("补查时")),
    )
    watched.connect(None)
    watched.pushed(watched.session, change("之后"))
    watched.close()
    told = [contents(each)[0] if contents(each) else callback_name(each) for each in got]
    assert told == ["on_connected", "on_health", "开的时候", "补查时", "之后"]


def test_a_loss_between_resync_and_adoption_is_not_missed() -> None:
    """补查完、还没接管时断了：通知早已来过，不会再来；要自己看出来，断开、重连。"""
    connector = Memory()
    losing = [True]

    def resync(session: MemorySession) -> None:
        if losing.pop() if losing else False:
            watched.lost(session, "就在这时断了")

    got: list[str] = []
    watched = watch(connector, lambda event: got.append(callback_name(event)), resync=resync)
    watched.connect(None)
    eventually(lambda: len(connector.sessions) == 2 and watched.state is State.CONNECTED)
    watched.close()
    names = [name for name in got if name != "on_health"]
    assert names == ["on_connected", "on_disconnected", "on_connected"]


def test_foreign_code_never_runs_under_the_lock() -> None:
    """交付时（日志的去处是用户的）不占着看护的锁，别的线程的推送不被卡住，次序不变。"""
    got: list[str] = []
    inside, go = threading.Event(), threading.Event()

    def deliver(event: PushEvent) -> None:
        assert not watched._lock.locked()
        if event == Connected():
            inside.set()
            go.wait(30)
        got.append(callback_name(event))

    watched = watch(Memory(), deliver, options=ReconnectOptions(enabled=False, heartbeat_s=0))
    connecting = threading.Thread(target=lambda: watched.connect(None))
    connecting.start()
    assert inside.wait(30)
    pushing = threading.Thread(target=lambda: watched.pushed(watched.session, change()))
    pushing.start()
    pushing.join(30)
    assert not pushing.is_alive()
    assert got == []
    go.set()
    connecting.join(30)
    watched.lost(watched.session, "断")
    watched.close()
    assert got == ["on_connected", "on_health", "on_stock_order", "on_disconnected", "on_health"]


@pytest.mark.parametrize("query", ["orders", "trades", "order"])
def test_an_empty_answer_of_a_session_lost_meanwhile_is_not_believed(
    user: Any, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """厂商对「没有」和「没连着」都答空。"""
    session = user._session
    name = {"orders": "query_stock_orders", "trades": "query_stock_trades"}.get(
        query, "query_stock_order"
    )

    def empty(*_: Any) -> Any:
        session._lost_reason = "正在这时断了"
        return None if query == "order" else []

    monkeypatch.setattr(session._trader, name, empty, raising=False)
    with pytest.raises(QueryFailedError, match="不可信"):
        session.order(5) if query == "order" else getattr(session, query)()
    session._lost_reason = ""


# ---- 停重连、换连接


def test_stopping_reconnects_leaves_the_heartbeat_on(served: SimProcess, connect: Connect) -> None:
    user = connect(timeout=0.5, heartbeat_interval=0.1)
    user.stop_reconnect()
    assert served.process is not None
    hung = freeze(served.process.pid)
    eventually(lambda: user.state == "已断开")
    hung.resume()
    with pytest.raises(NotConnectedError, match="没有自动重连"):
        _ = user.balance


def test_without_reconnecting_the_heartbeat_still_looks(
    served: SimProcess, connect: Connect
) -> None:
    user = connect(timeout=0.5, heartbeat_interval=0.1, reconnect_enabled=False)
    assert served.process is not None
    hung = freeze(served.process.pid)
    eventually(lambda: user.state == "已断开")
    hung.resume()


def test_stopping_reconnects_ends_the_attempt_under_way() -> None:
    """返回的时候，没有尝试还在半当中。"""
    trying, ended, pause = threading.Event(), threading.Event(), threading.Event()

    def refuse(listener: Any, session: Any) -> None:
        if len(connector.sessions) > 1:
            trying.set()
            connector.cancelled.wait(30)
            pause.wait(0.3)  # 出来还要一会儿
            ended.set()
            raise ConnectFailedError("被取消")

    connector = Memory(refuse)
    watched = watch(connector, lambda event: None)
    watched.connect(None)
    watched.lost(watched.session, "断")
    assert trying.wait(30)
    watched.stop_reconnect()
    assert ended.is_set()
    assert watched.state is State.LOST
    watched.close()
    assert len(connector.sessions) == 2


def test_connecting_again_looks_like_connecting_to_other_threads(
    served: SimProcess, connect: Connect
) -> None:
    user = connect()
    session, seen = user._session, []
    close = session.close

    def closing(limit_s: float = 3.0) -> None:
        try:
            _ = user.balance
        except Exception as exc:
            seen.append((user.state, type(exc)))
        close(limit_s)

    session.close = closing
    user.connect(str(served.folder), ACCOUNT, timeout=5)
    assert seen == [("连接中", NotConnectedError)]
    assert user.balance
    assert user._engine._old == [], "换下来的都关好了"


def test_a_failed_second_connect_leaves_no_connection(served: SimProcess, connect: Connect) -> None:
    user = connect()
    Faults(served.folder).refuse_connect(1)
    with pytest.raises(ConnectFailedError):
        user.connect(str(served.folder), ACCOUNT, timeout=5)
    assert user.state == "未连接"
    with pytest.raises(NotConnectedError):
        _ = user.balance


# ---- 会话 id 的归还


def held(folder: Path) -> list[int]:
    return [use.session_id for use in session_ids.survey(str(folder)) if use.held]


def test_a_session_thread_that_does_not_start_gives_its_id_back(
    sim_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def no_more(thread: threading.Thread) -> None:
        if thread.name.startswith("easytrader-session"):
            raise RuntimeError("can't start new thread")
        start(thread)

    with easytrader.use("sim") as user:
        monkeypatch.setattr(threading.Thread, "start", no_more)
        with pytest.raises(ConnectFailedError, match="新线程"):
            user.connect(str(sim_folder), ACCOUNT, timeout=5)
        assert held(sim_folder) == []
        monkeypatch.undo()


def test_a_vendors_stop_that_hangs_gives_the_id_back(
    user: Any, sim_folder: Path, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr(session_room, "_STUCK_S", 0.1)
    go, stop = threading.Event(), user.trader.stop
    user.trader.stop = lambda: (go.wait(30), stop())
    assert held(sim_folder)
    user.close()
    eventually(lambda: held(sim_folder) == [])
    assert any("stop()" in line for line in logged)
    go.set()


# ---- 关闭


@pytest.mark.parametrize("where", ["session", "courier", "once", "let_go"])
def test_a_close_cut_short_by_ctrl_c_is_finished_by_the_next(
    user: Any, sim_folder: Path, where: str
) -> None:
    engine = user._engine
    user.buy("600036", 33.0, 100, client_order_id="一")
    once = engine.orders.once
    holder, name = {
        "session": (user._session, "close"),
        "courier": (engine.courier._dispatcher, "close"),
        "once": (once, "close"),
        "let_go": (engine, "_let_go"),
    }[where]
    finish = getattr(holder, name)

    left = [1]

    def cut(*args: Any, **options: Any) -> Any:
        if left:
            left.clear()
            raise KeyboardInterrupt
        return finish(*args, **options)

    setattr(holder, name, cut)
    with pytest.raises(KeyboardInterrupt):
        user.close()
    user.close()
    assert held(sim_folder) == []
    assert once._records._opened is None
    assert hub.HUB.embedded(sim_folder) is None
    with pytest.raises(ClosedError):
        _ = user.balance


# ---- 没有人要了的 trader


def ours() -> int:
    return sum(each.name.startswith("easytrader") for each in threading.enumerate())


def test_a_trader_nobody_holds_is_closed(sim_folder: Path, logged: list[str]) -> None:
    before = ours()
    user = easytrader.use("sim")
    user.connect(str(sim_folder), ACCOUNT)
    del user
    gc.collect()
    eventually(lambda: ours() == before and held(sim_folder) == [])
    assert any("留着那个变量" in line for line in logged)


def test_a_loop_over_events_keeps_the_trader(sim_folder: Path) -> None:
    user = easytrader.use("sim")
    user.connect(str(sim_folder), ACCOUNT)
    alive, loop = weakref.ref(user), user.events(timeout=5)
    del user
    gc.collect()
    assert next(loop)["event"] == "connected"
    assert alive() is not None
    alive().close()  # type: ignore[union-attr]


def test_a_trader_with_a_callback_goes_on_until_the_account_is_connected_again(
    sim_folder: Path, recorder: Recorder, logged: list[str]
) -> None:
    first = easytrader.use("sim")
    first.connect(str(sim_folder), ACCOUNT, recorder)
    del first
    gc.collect()
    with easytrader.use("sim") as user:
        other, heard = easytrader.use("sim"), Recorder()
        other.connect(str(sim_folder), ACCOUNT, heard)
        number = user_buy(other)
        heard.wait_for("order")
        assert not recorder.of("order"), "再连同一个账号时，听着的那个关掉了"
        user.connect(str(sim_folder), ACCOUNT)  # 有人拿着的不动：照旧连着、听着
        assert user.find_entrust(number)["order_id"] == number
        other.cancel_entrust(number)
        eventually(lambda: heard.of("order")[-1].order_status == 54)
        other.close()
    assert sum("也没有人用了" in line for line in logged) == 1


def user_buy(user: Any) -> int:
    return int(user.buy("600036", 32.5, 100)["entrust_no"])


class Strategy(Recorder):
    """笔记本里常见的写法：回调拿着 trader，trader 拿着回调。"""

    user: Any = None


@pytest.mark.parametrize("style", ["没有回调", "有回调", "回调拿着 trader"])
def test_a_notebook_cell_run_again_and_again(sim_folder: Path, style: str) -> None:
    """同一格运行 20 遍（会话 id 只有 16 个）：旧的都关掉，线程不越来越多。"""
    user: Any = None
    most = 0
    for _ in range(20):
        callback = None if style == "没有回调" else Strategy()
        user = easytrader.use("sim")
        if style == "回调拿着 trader":
            assert callback is not None
            callback.user = user
        user.connect(str(sim_folder), ACCOUNT, callback, timeout=20)
        if callback is not None:
            number = user_buy(user)
            eventually(lambda: number in [each.order_id for each in callback.of("order")])  # noqa: B023
        most = max(most, len(held(sim_folder)))
    assert most <= 2
    user.close()


HOARD = """
import sys, easytrader
from loguru import logger
logger.remove()
path, account = sys.argv[1:]
traders = []
try:
    while True:
        traders.append(easytrader.use("sim"))
        traders[-1].connect(path, account, timeout=5)
except easytrader.ConnectFailedError as exc:
    print(len(traders), exc)
"""


def test_a_process_that_hoards_traders_is_told_so(sim_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOARD, str(sim_folder), ACCOUNT],
        capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("17 "), done.stderr
    assert "本进程" in done.stdout
    assert "close()" in done.stdout


# ---- 后端的本事


class MemoryTrader(Trader):
    capabilities = Capabilities(
        "内存", pushes=False, poll_s=0.02, tag_in="none", id_type=str,
        kinds=frozenset({"limit"}), markets=frozenset({"SH"}),
    )  # fmt: skip

    def connect(self, connector: Memory, callback: Any = None, **options: Any) -> None:
        self._open(connector, AccountKey("内存", "1"), callback=callback, **options)  # type: ignore[arg-type]


@pytest.fixture
def memory(recorder: Recorder) -> Iterator[tuple[MemoryTrader, MemorySession]]:
    connector = Memory()
    with MemoryTrader() as user:
        user.connect(connector, recorder, heartbeat_interval=0)
        yield user, connector.sessions[0]


def test_a_backend_that_never_pushes_is_polled(
    memory: tuple[MemoryTrader, MemorySession], recorder: Recorder
) -> None:
    user, session = memory
    session.place("甲-1", 50)
    recorder.wait_for("order")
    session.place("甲-1", 56)
    assert recorder.wait_for("order", 2)[1].order_status == 56
    assert user.wait("甲-1", 30)["order_status_name"] == "已成"  # type: ignore[arg-type]
    kinds = [each["event"] for each in user.events(timeout=0)]
    assert kinds == ["connected", "order", "order"]


def test_what_a_poll_finds_is_delivered_at_once(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """不推送的后端没有「推送可能还在路上」，查到就交。"""
    connector = Memory()
    rare = Capabilities("内存", pushes=False, poll_s=1000.0, id_type=str)
    monkeypatch.setattr(MemoryTrader, "capabilities", rare)
    with MemoryTrader() as user:
        user.connect(connector, recorder, heartbeat_interval=0)
        [session] = connector.sessions
        session.place("甲-1", 50)
        user._engine._recheck(user._engine.courier, session)  # type: ignore[arg-type]
        assert user._engine.courier.settle(10)
        assert [each.order_id for each in recorder.of("order")] == ["甲-1"]


def test_polling_goes_on_without_reconnecting(recorder: Recorder) -> None:
    connector = Memory()
    with MemoryTrader() as user:
        user.connect(connector, recorder, reconnect_enabled=False, heartbeat_interval=0)
        user.stop_reconnect()
        connector.sessions[0].place("甲-1", 50)
        recorder.wait_for("order")


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("client_order_id", lambda user: user.buy("600036", 35.5, 100, client_order_id="一")),
        ("ttype", lambda user: user.market_buy("600036", 100)),
        ("security", lambda user: user.buy("000001", 10.0, 100)),
        ("entrust_no", lambda user: user.cancel_entrust(5)),
        ("key", lambda user: user.find_entrust("")),
        ("key", lambda user: user.find_entrust(5)),
        ("entrust_no", lambda user: user.wait(5, 1)),
    ],
)
def test_what_the_backend_cannot_do_is_refused_before_anything_is_sent(
    memory: tuple[MemoryTrader, MemorySession], argument: str, call: Callable[[Any], Any]
) -> None:
    with pytest.raises(UsageError) as caught:
        call(memory[0])
    assert caught.value.argument == argument
