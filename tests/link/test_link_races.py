"""几件事撞在一起：连接与关闭、换账号、别的进程锁着记录、厂商的调用迟迟不回。"""

from __future__ import annotations

import sqlite3
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, Recorder, SimProcess, eventually, make_folder

import easytrader
from easytrader.errors import (
    ClosedError,
    EasytraderError,
    JournalError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
)
from easytrader.records import lease
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def buy(user: Any, name: str, **changes: Any) -> Any:
    wish = {"price": 33.0, "amount": 100, **changes}
    return user.buy("600036", client_order_id=name, **wish)


def spawn(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """在别的线程上做，结果（或异常）放进列表。"""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as exc:
            results.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


# ---- 关闭、换账号


def test_close_in_the_middle_of_connect(user: Any, sim_folder: Path) -> None:
    inside, go = threading.Event(), threading.Event()
    replace = user._engine._replace

    def slow(*args: Any) -> None:
        replace(*args)
        inside.set()
        go.wait(30)

    user._engine._replace = slow
    connecting, outcome = spawn(lambda: user.connect(str(sim_folder), ACCOUNT, timeout=5))
    inside.wait(30)
    closing, _ = spawn(user.close)
    eventually(lambda: user._engine.closed)
    go.set()
    closing.join(30)
    connecting.join(30)
    assert isinstance(outcome[0], ClosedError)
    assert user.state == "已关闭"


def test_switching_accounts_mixes_nothing_up(tmp_path: Path) -> None:
    """两个客户端的委托编号是同一段：旧账号排着的推送不能算到新账号头上。"""
    first = make_folder(tmp_path / "甲" / "userdata_mini")
    second = make_folder(tmp_path / "乙" / "userdata_mini")
    gate = threading.Event()
    old, new = Recorder(), Recorder()
    old.doing["order"] = lambda order: gate.wait(30)
    user = easytrader.use("sim")
    user.connect(str(first), ACCOUNT, old, timeout=1)
    for _ in range(3):
        user.buy("600036", 33.0, 100)
    old.wait_for("order")
    user.connect(str(second), ACCOUNT, new, timeout=1)
    gate.set()
    numbers = [user.buy("600000", 10.0, 100)["entrust_no"] for _ in range(3)]
    eventually(lambda: new.numbers() == numbers)
    assert {each.stock_code for each in new.of("order")} == {"600000.SH"}
    old.wait_for("order", 3)
    assert {each.stock_code for each in old.of("order")} == {"600036.SH"}
    user.close()


def test_an_order_never_goes_to_another_account(sim_folder: Path, user: Any) -> None:
    create(sim_folder, (AccountConfig("2000000001"),))
    user.close()
    user = easytrader.use("sim")
    user.connect(str(sim_folder), ACCOUNT, timeout=5)
    once = user._ordering.once
    inside, go = threading.Event(), threading.Event()
    seen = once.doubts.seen

    def slow(tag: str) -> Any:
        inside.set()
        go.wait(30)
        return seen(tag)

    once.doubts.seen = slow
    buying, outcome = spawn(lambda: buy(user, "给甲的"))
    inside.wait(30)
    user.connect(str(sim_folder), "2000000001", timeout=5)
    go.set()
    buying.join(30)
    assert isinstance(outcome[0], (NotConnectedError, ClosedError))
    assert user.today_entrusts == []
    user.close()


def test_connected_is_told_before_its_own_disconnected(
    served: SimProcess, connect: Callable[..., Any]
) -> None:
    recorder = Recorder()
    user = connect(recorder)
    resync, rounds = user._engine.supervisor._resync, []

    def broken_once(session: Any) -> None:
        resync(session)
        rounds.append(session)
        if len(rounds) == 1:
            Faults(served.folder).disconnect()
            eventually(lambda: session.is_lost)

    user._engine.supervisor._resync = broken_once
    Faults(served.folder).disconnect()
    eventually(lambda: len(rounds) == 2 and user.state == "已连接")
    eventually(lambda: recorder.events[-1][0] == "connected")
    kinds = [kind for kind, _ in recorder.events if kind in ("connected", "disconnected")]
    assert kinds == ["connected", "disconnected"] * 2 + ["connected"]


# ---- 委托记录


@pytest.fixture
def locked(user: Any) -> Any:
    """别的进程锁着记录。"""
    buy(user, "先建起来")
    path = user._ordering.once._records.open()[0].path
    held = sqlite3.connect(path, isolation_level=None)
    eventually(lambda: user._ordering.once._records.open()[0]._fresh == {})
    held.execute("BEGIN EXCLUSIVE")
    yield held
    held.close()


def test_a_locked_record_does_not_outlast_the_deadline(user: Any, locked: Any) -> None:
    began = time.monotonic()
    with user._session.until(began + 0.5):
        works = [spawn(lambda n=n: _hurried(user, f"{n}")) for n in range(8)]
        for thread, _ in works:
            thread.join(30)
    assert all(isinstance(outcome[0], JournalError) for _, outcome in works)
    assert len(user.today_entrusts) == 1
    locked.execute("ROLLBACK")
    assert buy(user, "0")["entrust_no"] > 0


def _hurried(user: Any, name: str) -> Any:
    with user._session.until(time.monotonic() + 0.5):
        return buy(user, name)


def test_an_answered_order_does_not_wait_for_a_locked_record(user: Any, sim_folder: Path) -> None:
    """发出之后，记录写不下去也不耽误：编号照样返回，过后补上。"""
    buy(user, "先建起来")
    journal = user._ordering.once._records.open()[0]
    submit = user._session.submit
    held = sqlite3.connect(journal.path, isolation_level=None, check_same_thread=False)

    def locked_after(request: Any, reply: Any) -> None:
        build = reply.build

        def locked(answer: Any) -> Any:
            eventually(lambda: _locks(held))
            return build(answer)

        reply.build = locked
        submit(request, reply)

    user._session.submit = locked_after
    number = buy(user, "一")["entrust_no"]
    assert number > 0
    held.execute("ROLLBACK")
    held.close()
    user._session.submit = submit
    assert buy(user, "一")["entrust_no"] == number
    eventually(lambda: journal._fresh == {})


def _locks(held: sqlite3.Connection) -> bool:
    try:
        held.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    return True


def test_an_owner_we_cannot_look_at_is_not_dead(
    user: Any, sim_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """描述符用完了、没有权限：看不了不等于没有了。"""
    buy(user, "先建起来")
    gate, inside = threading.Event(), threading.Event()
    send = user._ordering._start_order

    def slow(*args: Any) -> Any:
        inside.set()
        gate.wait(30)
        return send(*args)

    monkeypatch.setattr(user._ordering, "_start_order", slow)
    buying, outcome = spawn(lambda: buy(user, "一"))
    inside.wait(30)
    other = easytrader.use("sim")
    other.connect(str(sim_folder), ACCOUNT, timeout=0.5)
    buy(other, "也建起来")

    class Broken:
        def __init__(self, *args: Any, **options: Any) -> None:
            pass

        def acquire(self, timeout: float) -> None:
            raise OSError(24, "Too many open files")

    monkeypatch.setattr(lease, "FileLock", Broken)
    with pytest.raises(OutcomeUnknownError, match="正在发"):
        buy(other, "一")
    gate.set()
    buying.join(30)
    assert buy(other, "一") == outcome[0]
    other.close()


def test_an_unreadable_record_folder_does_not_stop_connecting(
    sim_folder: Path, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.close()
    from pathlib import Path as AnyPath

    exists = AnyPath.exists

    def forbidden(self: Path) -> bool:
        if self.name == "orders.sqlite":
            raise PermissionError(13, "Permission denied")
        return exists(self)

    monkeypatch.setattr(AnyPath, "exists", forbidden)
    again = easytrader.use("sim")
    again.connect(str(sim_folder), ACCOUNT)
    assert again.balance
    again.close()


# ---- 找委托


def test_a_tag_seen_in_a_push_but_not_yet_in_queries_is_not_absent(
    tmp_path: Path,
) -> None:
    folder = make_folder(tmp_path / "userdata_mini", query_lag_s=1.5)
    recorder = Recorder()
    user = easytrader.use("sim")
    user.connect(str(folder), ACCOUNT, recorder, timeout=0.4)
    Faults(folder).drop_answer("submit")
    with pytest.raises(OutcomeUnknownError) as caught:
        user.buy("600036", 33.0, 100)
    recorder.wait_for("order")
    with pytest.raises(QueryFailedError):
        user.find_entrust(caught.value.tag)
    eventually(lambda: user.today_entrusts != [])
    assert user.find_entrust(caught.value.tag) is not None
    user.close()


def test_the_tag_of_an_order_with_an_id_finds_it_after_a_restart(
    served: SimProcess, connect: Callable[..., Any]
) -> None:
    first = connect(timeout=0.5)
    Faults(served.folder).drop_answer("submit")
    with pytest.raises(OutcomeUnknownError) as caught:
        buy(first, "一")
    first.close()
    again = connect()
    number = again.find_entrust("一")["order_id"]
    assert again.find_entrust(caught.value.tag)["order_id"] == number


def test_many_open_questions_take_one_query_per_look(
    served: SimProcess, connect: Callable[..., Any]
) -> None:
    first = connect()
    records = first._ordering.once._records
    journal, _ = records.open()
    deadline = time.monotonic() + 20
    for n in range(300):
        journal.begin(_orphan(f"孤儿 {n}"), deadline)
    first.close()
    user = connect(timeout=5)
    asked: list[int] = []
    orders = user._session.orders
    user._session.orders = lambda: asked.append(1) or orders()
    assert user.status["open_intents"] == 0
    assert journal.path.exists()
    user._engine._finish(time.monotonic() + 1)
    assert asked == []


def _orphan(name: str) -> Any:
    from easytrader.records.storage import Intent

    return Intent(name, f"{abs(hash(name)):09d}"[:9], "600036.SH", 23, 11, 33.0, 100, "没有这个人")


# ---- 同形模块：丢下的线程迟早会发出去


def test_an_abandoned_call_may_still_send(tmp_path: Path) -> None:
    from vendor_shim import ShimAccount, ShimTrader

    orders: list[Any] = []
    hang = threading.Event()

    class Slow(ShimTrader):
        def query_stock_orders(self, account: Any) -> list[Any]:
            return list(orders)

        def order_stock(self, account: Any, code: str, *rest: Any) -> int:
            hang.wait(30)
            orders.append(_vendor_order(1000 + len(orders), code, rest))
            return orders[-1].order_id

    shim = SimpleNamespace(
        xttrader=SimpleNamespace(XtQuantTrader=Slow, XtQuantTraderCallback=object),
        xttype=SimpleNamespace(StockAccount=ShimAccount),
        __name__="shim",
    )
    user = easytrader.use("miniqmt")
    user.connect(str(tmp_path), ACCOUNT, xtquant=_module(shim), timeout=0.5, heartbeat_interval=0)
    user._session._trader.async_client = SimpleNamespace(cache_lag_s=0.1)
    with pytest.raises(OutcomeUnknownError):
        buy(user, "一")
    with pytest.raises(QueryFailedError, match="核对不清楚"):
        user.find_entrust("一")
    with pytest.raises(OutcomeUnknownError, match="什么都没有发出"):
        buy(user, "一")
    hang.set()
    eventually(lambda: len(orders) == 1)
    assert buy(user, "一")["entrust_no"] == 1000
    assert len(orders) == 1
    user.close()


def _vendor_order(number: int, code: str, rest: tuple[Any, ...]) -> Any:
    order_type, volume, price_type, price, strategy, remark = rest
    return SimpleNamespace(
        order_id=number, stock_code=code, order_type=order_type, order_volume=volume,
        price_type=price_type, price=price, traded_volume=0, traded_price=0.0, order_status=50,
        status_msg="", order_remark=remark, strategy_name=strategy, order_time=int(time.time()),
        order_sysid="", offset_flag=48, direction=48, account_type=2, account_id=ACCOUNT,
    )  # fmt: skip


def _module(shim: Any) -> Any:
    from types import ModuleType

    module = ModuleType("slowqmt")
    module.xttrader, module.xttype = shim.xttrader, shim.xttype  # type: ignore[attr-defined]
    return module


# ---- 参数的边角


@pytest.mark.parametrize(
    "use",
    [
        lambda user: user.find_entrust("\ud800"),
        lambda user: user.find_entrust(" "),
        lambda user: user.events(timeout=10**400),
        lambda user: user.wait(1, timeout=10**400),
        lambda user: user.connect("/" + "x" * 5000, ACCOUNT),
        lambda user: user.connect("~nobody-at-all/qmt", ACCOUNT),
    ],
)
def test_odd_arguments_get_our_errors(user: Any, use: Callable[[Any], Any]) -> None:
    with pytest.raises(EasytraderError):
        use(user)
