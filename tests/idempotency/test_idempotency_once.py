"""恰好一次：同一个 client_order_id 只成为一笔委托，不管应答丢了、断线了，还是进程没了。"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, ROOT, Recorder, SimProcess, eventually, hurry, make_folder

import easytrader
from easytrader.basics import tags
from easytrader.errors import (
    JournalError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    UsageError,
)
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def ids_on_counter(user: Any) -> list[str]:
    """柜台上每笔委托带的标记。"""
    session = user._session
    return [tags.split(order.order_remark)[0] for order in session.orders()]


def buy(user: Any, name: str, **changes: Any) -> Any:
    wish = {"price": 33.0, "amount": 100, **changes}
    return user.buy("600036", client_order_id=name, **wish)


def test_same_id_is_one_order(user: Any) -> None:
    first = buy(user, "第一笔")
    assert buy(user, "第一笔") == first
    assert buy(user, "第一笔", remark="备注不同也是它", strategy_name="甲") == first
    assert buy(user, "第二笔") != first
    assert len(user.today_entrusts) == 2


@pytest.mark.parametrize(
    "change", [{"price": 33.01}, {"amount": 200}, {"security": "600000"}, {"verb": "sell"}]
)
def test_same_id_for_another_order_is_refused(user: Any, change: dict[str, Any]) -> None:
    wish = {"security": "600000", "price": 10.0, "amount": 100}
    verb = change.pop("verb", "buy")
    first = {**wish, "security": "600036", "price": 33.0}
    user.buy(**first, client_order_id="一")
    with pytest.raises(UsageError) as caught:
        getattr(user, verb)(**{**first, **change}, client_order_id="一")
    assert caught.value.argument == "client_order_id"
    assert "买入 600036.SH 100 @ 33" in str(caught.value)
    assert len(user.today_entrusts) == 1


def test_a_market_order_and_a_limit_order_are_not_the_same(user: Any) -> None:
    user.market_buy("600036", 100, client_order_id="一")
    assert len(user.today_entrusts) == 1
    assert user.market_buy("600036", 100, client_order_id="一")["entrust_no"] > 0
    with pytest.raises(UsageError, match="市价"):
        buy(user, "一")
    assert len(user.today_entrusts) == 1


@pytest.mark.parametrize("bad", ["", " 一", "一 ", "a\nb", "字" * 22, 5, b"a", "\ud800"])
def test_bad_ids_are_refused_before_anything_is_sent(user: Any, bad: Any) -> None:
    with pytest.raises(UsageError) as caught:
        buy(user, bad)
    assert caught.value.argument == "client_order_id"
    assert user.today_entrusts == []


def test_threads_with_one_id_place_one_order(user: Any) -> None:
    gate = threading.Barrier(32)
    answers: list[Any] = []

    def go(number: int) -> None:
        gate.wait()
        answers.extend(buy(user, f"轮 {round_}")["entrust_no"] for round_ in range(10))

    threads = [threading.Thread(target=go, args=(n,)) for n in range(32)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(answers) == 320
    assert len(set(answers)) == 10 == len(user.today_entrusts)


SCRIPT = """
import sys
import easytrader
from loguru import logger
logger.remove()
path, account, count = sys.argv[1:]
user = easytrader.use("miniqmt")
user.connect(path, account, timeout=8)
print("ready", flush=True)
sys.stdin.readline()
for n in range(int(count)):
    print(user.buy("600036", 33.0, 100, client_order_id=f"id {n}")["entrust_no"], flush=True)
user.close()
"""


def script(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)},
    )


def test_processes_with_one_id_place_one_order(
    served: SimProcess, connect: Callable[..., Any]
) -> None:
    scripts = [script(SCRIPT, str(served.folder), ACCOUNT, "10") for _ in range(3)]
    for each in scripts:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    answers = []
    for each in scripts:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    for each in scripts:
        out, _ = each.communicate(timeout=60)
        assert each.returncode == 0
        answers.append(out.split())
    assert answers[0] == answers[1] == answers[2]
    assert len(connect().today_entrusts) == 10


KILLED = """
import os, sys, threading
import easytrader
from easytrader.sim.host.faults import Faults
from loguru import logger
logger.remove()
path, account, when = sys.argv[1:]
user = easytrader.use("miniqmt")
user.connect(path, account, timeout=8)
Faults(path).drop_answer("submit")
if when == "before":  # 意向落了盘，还没有发出就没了
    from easytrader.miniqmt.session import QmtSession
    QmtSession.submit = lambda self, request, reply: os._exit(9)
threading.Timer(1.0, os._exit, [9]).start()
user.buy("600036", 33.0, 100, client_order_id="半路")
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_script_is_settled_at_the_next_connect(
    served: SimProcess, connect: Callable[..., Any], when: str, logged: list[str]
) -> None:
    dying = script(KILLED, str(served.folder), ACCOUNT, when)
    dying.communicate(timeout=60)
    assert dying.returncode == 9
    Faults(served.folder).clear()
    user = connect()
    told = "".join(logged)
    assert ("委托 半路 已到柜台" if when == "after" else "委托 半路 没有到柜台") in told
    found = user.find_entrust("半路")
    assert (found is not None) is (when == "after")
    number = buy(user, "半路")["entrust_no"]
    assert [row["order_id"] for row in user.today_entrusts] == [number]
    assert found is None or found["order_id"] == number


def test_lost_answer_then_the_same_id(
    served: SimProcess, connect: Callable[..., Any], sim_folder: Path
) -> None:
    user = connect(timeout=0.5)
    Faults(sim_folder).drop_answer("submit")
    with pytest.raises(OutcomeUnknownError) as caught:
        buy(user, "一")
    assert caught.value.client_order_id == "一"
    number = buy(user, "一")["entrust_no"]
    assert [row["order_id"] for row in user.today_entrusts] == [number]
    assert user.find_entrust("一")["order_id"] == number
    assert user.find_entrust(caught.value.tag)["order_id"] == number


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("blow", ["crash_on", "disconnect_on"])
def test_broken_mid_order_then_the_same_id(
    served: SimProcess, connect: Callable[..., Any], when: str, blow: str
) -> None:
    recorder = Recorder()
    user = connect(recorder)
    getattr(Faults(served.folder), blow)("submit", when=when)
    with pytest.raises(OutcomeUnknownError):
        buy(user, "一")
    if blow == "crash_on":
        served.kill()
        served.start()
    recorder.wait_for("connected", 2)
    number = buy(user, "一")["entrust_no"]
    assert ids_on_counter(user) == [tags.tag_for(ACCOUNT, "一")]
    assert user.find_entrust("一")["order_id"] == number


def test_find_is_none_only_after_two_looks(
    user: Any, sim_folder: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """第一眼没有不等于没有：真实客户端的查询是缓存。"""
    Faults(sim_folder).disconnect_on("submit", when="before")
    user._engine.supervisor._finish = lambda deadline: None  # 不让后台先核对完
    with pytest.raises(OutcomeUnknownError) as caught:
        buy(user, "一")
    recorder.wait_for("connected", 2)
    looks = []
    session = user._session
    monkeypatch.setattr(session, "orders", lambda: looks.append(1) or [])
    assert user.find_entrust("一") is None
    assert looks  # 补查是第一眼，这是第二眼
    assert user.status["open_intents"] == 0
    assert user.find_entrust(caught.value.tag) is None


def test_settled_while_the_journal_was_read(
    user: Any, sim_folder: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """补查读到它还悬着，读完时别的线程已经核对完：不再挂上去。"""
    Faults(sim_folder).disconnect_on("submit", when="before")
    user._engine.supervisor._finish = lambda deadline: None
    with pytest.raises(OutcomeUnknownError):
        buy(user, "一")
    recorder.wait_for("connected", 2)
    doubts = user._ordering.once.doubts
    eventually(doubts._orphans)  # 稍后才落盘
    read = doubts._orphans()
    assert [intent.client_order_id for intent in read] == ["一"]
    monkeypatch.setattr(user._session, "orders", list)
    assert user.find_entrust("一") is None
    monkeypatch.setattr(doubts, "_orphans", lambda: read)
    doubts.resync(user._session, [])
    assert user.status["open_intents"] == 0
    # 别的程序用同一个 id 再发的一次是另一回事
    again = read[0]._replace(attempt=2, created=read[0].created + 1)
    monkeypatch.setattr(doubts, "_orphans", lambda: [again])
    doubts.resync(user._session, [])
    assert user.status["open_intents"] == 1


def test_find_says_when_it_cannot_know(
    served: SimProcess, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = connect(timeout=1)
    Faults(served.folder).drop_answer("submit")
    monkeypatch.setattr(user._session._trader.async_client, "cache_lag_s", 30.0, raising=False)
    monkeypatch.setattr(user._engine.courier, "_met", lambda order: None)
    with pytest.raises(OutcomeUnknownError):
        buy(user, "一")
    session = user._session
    monkeypatch.setattr(session, "orders", list)
    with pytest.raises(QueryFailedError, match="核对不清楚"):
        user.find_entrust("一")
    with pytest.raises(OutcomeUnknownError, match="什么都没有发出"):
        buy(user, "一")


def test_without_an_id_the_tag_is_settled_too(
    served: SimProcess, connect: Callable[..., Any], sim_folder: Path
) -> None:
    user = connect(timeout=0.5)
    Faults(sim_folder).drop_answer("submit")
    with pytest.raises(OutcomeUnknownError) as caught:
        user.buy("600036", 33.0, 100)
    assert caught.value.client_order_id == ""
    assert user.find_entrust(caught.value.tag)["order_volume"] == 100
    assert user.status["open_intents"] == 0


def test_refused_and_unsent_ids_can_be_used_again(user: Any, sim_folder: Path) -> None:
    from easytrader.backend.records import SubmitAnswer
    from easytrader.miniqmt.session import QmtSession

    original = QmtSession.submit
    try:
        QmtSession.submit = lambda self, request, reply: reply.put(  # type: ignore[method-assign,assignment]
            SubmitAnswer(-1, "不收")
        )
        assert buy(user, "一") == {"entrust_no": -1, "message": "不收"}
        QmtSession.submit = _not_connected  # type: ignore[method-assign,assignment]
        with pytest.raises(NotConnectedError):
            buy(user, "一")
    finally:
        QmtSession.submit = original  # type: ignore[method-assign]
    number = buy(user, "一", price=33.5)["entrust_no"]  # 没有委托存在：价格也可以改
    assert [row["order_id"] for row in user.today_entrusts] == [number]
    assert buy(user, "一", price=33.5)["entrust_no"] == number


def _not_connected(self: Any, request: Any, reply: Any) -> Any:
    raise NotConnectedError("会话已断开，什么都没有发出")


def test_interrupted_mid_order_is_unknown_not_lost(user: Any, sim_folder: Path) -> None:
    from easytrader.miniqmt.session import QmtSession

    original = QmtSession.submit

    def interrupted(self: Any, request: Any, reply: Any) -> Any:
        original(self, request, reply)
        raise KeyboardInterrupt

    QmtSession.submit = interrupted  # type: ignore[method-assign]
    try:
        with pytest.raises(KeyboardInterrupt):
            buy(user, "一")
    finally:
        QmtSession.submit = original  # type: ignore[method-assign]
    number = buy(user, "一")["entrust_no"]
    assert [row["order_id"] for row in user.today_entrusts] == [number]


def test_an_order_of_another_machine_is_recognised(
    served: SimProcess, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """别的机器没有我们的委托记录；标记在柜台上，照样认得。"""
    from easytrader.records.sqlite import SqliteStorage

    here = connect()
    elsewhere = tmp_path / "另一台"
    monkeypatch.setattr(
        "easytrader.brokers.sim._storage_of", lambda key: SqliteStorage(elsewhere / key.account_id)
    )
    recorder = Recorder()
    there = connect(recorder)
    number = buy(here, "一")["entrust_no"]
    eventually(lambda: number in recorder.numbers())
    assert buy(there, "一")["entrust_no"] == number
    second = buy(here, "二")["entrust_no"]
    eventually(lambda: second in recorder.numbers())
    with pytest.raises(UsageError, match="柜台上带这个 id 的是委托"):
        buy(there, "二", amount=200)
    assert len(here.today_entrusts) == 2


def test_ids_survive_restart_and_are_per_account_folder(sim_folder: Path, user: Any) -> None:
    number = buy(user, "一")["entrust_no"]
    user.close()
    again = easytrader.use("sim")
    again.connect(str(sim_folder), ACCOUNT)
    assert buy(again, "一") == {"entrust_no": number}
    again.close()


def test_a_full_disk_refuses_before_sending(user: Any) -> None:
    buy(user, "一")
    journal = user._ordering.once._records.open()[0]
    journal.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (pages,) = journal.db.execute("PRAGMA page_count").fetchone()
    journal.db.execute(f"PRAGMA max_page_count={pages}")

    def fill() -> None:
        for n in range(100):
            buy(user, f"长长的名字让一页很快写满 {n}")

    with pytest.raises(JournalError, match=r"orders\.sqlite"):
        fill()
    assert len(user.today_entrusts) == 1 + written(journal)
    assert user.buy("600036", 33.0, 100)["entrust_no"] > 0  # 不给 id 的不受影响


def written(journal: Any) -> int:
    (count,) = journal.db.execute("SELECT count(*) FROM intents").fetchone()
    return int(count) - 1


def test_a_broken_record_file_is_named(sim_folder: Path, user: Any) -> None:
    folder = sim_folder / "easytrader_records" / ACCOUNT
    folder.mkdir(parents=True)
    (folder / "orders.sqlite").write_bytes(b"not a database, not at all" * 50)
    with pytest.raises(JournalError, match=r"orders\.sqlite"):
        buy(user, "一")
    assert user.today_entrusts == []


def test_no_files_without_ids(sim_folder: Path, user: Any) -> None:
    user.buy("600036", 33.0, 100)
    assert user.find_entrust("没有过的") is None
    user.close()
    kept = [each.name for each in (sim_folder / "easytrader_records").glob("*/*")]
    assert [name for name in kept if not name.startswith("days.sqlite")] == []  # 只有往日的账


def test_an_incomplete_list_proves_nothing(
    served: SimProcess, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """客户端刚重启，还在装载当天的委托：先前那一笔都不在列表里，就不能说这一笔没有到。"""
    recorder = Recorder()
    user = connect(recorder, timeout=1.5)
    buy(user, "先前的一笔")
    recorder.wait_for("order")
    Faults(served.folder).disconnect_on("submit", when="after")
    user._engine.supervisor._finish = lambda deadline: None
    monkeypatch.setattr(user._engine.courier, "_met", lambda order: None)

    def loading(session: Any) -> None:
        session.whole, session.orders = session.orders, list
        user._engine._resync(user._engine.courier, session)

    user._engine.supervisor._resync = loading
    with pytest.raises(OutcomeUnknownError):
        buy(user, "一")
    recorder.wait_for("connected", 2)
    with pytest.raises(OutcomeUnknownError, match="什么都没有发出"):
        buy(user, "一")
    with pytest.raises(QueryFailedError, match="核对不清楚"):
        user.find_entrust("一")
    user._session.orders = user._session.whole
    assert buy(user, "一")["entrust_no"] == user.find_entrust("一")["order_id"]
    assert len(user.today_entrusts) == 2


def test_an_open_question_of_yesterday_cannot_be_settled(
    served: SimProcess, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = connect(timeout=0.5)
    monkeypatch.setattr(user._engine.courier, "_met", lambda order: None)
    Faults(served.folder).drop_answer("submit")
    with pytest.raises(OutcomeUnknownError):
        buy(user, "一")
    from easytrader.idempotency import reconcile

    real = reconcile.time.time
    later = SimpleNamespace(time=lambda: real() + 86400, monotonic=reconcile.time.monotonic)
    monkeypatch.setattr(reconcile, "time", later)
    user._ordering.once.doubts._seen.clear()
    monkeypatch.setattr(user._session, "orders", list)
    with pytest.raises(OutcomeUnknownError, match="换一个 client_order_id"):
        buy(user, "一")
    with pytest.raises(QueryFailedError, match="不是今天发的"):
        user.find_entrust("一")


def test_find_waits_for_whoever_is_sending(
    user: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """正在发的时候没有查到，不说明什么。"""
    from easytrader.miniqmt.session import QmtSession

    gate, sending = threading.Event(), threading.Event()
    original = QmtSession.submit

    def slow(self: Any, request: Any, reply: Any) -> Any:
        sending.set()
        gate.wait(60)
        return original(self, request, reply)

    monkeypatch.setattr(QmtSession, "submit", slow)
    user._session._replies._timeout_s = 60.0
    buyer = threading.Thread(target=lambda: buy(user, "一"))
    buyer.start()
    sending.wait(30)
    other = easytrader.use("sim")
    other.connect(user.status["path"], ACCOUNT, timeout=30)
    other._session._replies._timeout_s = 0.5
    for each in (user, other):
        session = each._session
        with (
            session.until(time.monotonic() + 0.5),
            pytest.raises(QueryFailedError, match="正在发"),
        ):
            each.find_entrust("一")
    with pytest.raises(OutcomeUnknownError, match="正在发"):
        buy(other, "一")
    gate.set()
    buyer.join(60)
    other._session._replies._timeout_s = 30.0
    number = user.find_entrust("一")["order_id"]
    assert other.find_entrust("一")["order_id"] == buy(other, "一")["entrust_no"] == number
    assert len(user.today_entrusts) == 1
    other.close()


def test_a_cached_query_that_misses_the_order_does_not_double_it(tmp_path: Path) -> None:
    """真实客户端的查询是缓存：断线重连之后第一眼没有看到，不等于没有。"""
    folder = make_folder(tmp_path / "userdata_mini", query_lag_s=1.0)
    process = SimProcess(folder)
    process.start()
    user = easytrader.use("miniqmt")
    recorder = Recorder()
    try:
        user.connect(str(folder), ACCOUNT, recorder, reconnect_interval=0.1, timeout=5)
        Faults(folder).disconnect_on("submit", when="after")
        with pytest.raises(OutcomeUnknownError):
            buy(user, "一")
        recorder.wait_for("connected", 2)
        number = buy(user, "一")["entrust_no"]
        assert user.find_entrust("一")["order_id"] == number
        assert [row["order_id"] for row in user.today_entrusts] == [number]
    finally:
        user.close()
        process.kill()


def test_a_placed_order_the_cache_does_not_show_yet_is_said_so(tmp_path: Path) -> None:
    """缓存比期限还慢：说它已经成为哪一笔，不说客户端没有应答。"""
    folder = make_folder(tmp_path / "userdata_mini", query_lag_s=30.0)
    with easytrader.use("sim") as user:
        user.connect(str(folder), ACCOUNT)
        number = buy(user, "一")["entrust_no"]
        hurry(user, 0.4)
        with pytest.raises(QueryFailedError, match=f"已经成为委托 {number}.*还查不到"):
            user.find_entrust("一")
        assert user.status["unanswered"] == 0


def test_a_stranger_is_settled_even_by_short_calls(
    served: SimProcess, connect: Callable[..., Any]
) -> None:
    """期限比缓存还短：一次问不清楚，多问几次总能问清楚。"""
    user = connect(timeout=0.3)

    def settled() -> bool:
        try:
            return user.find_entrust("从来没有过") is None
        except QueryFailedError:
            return False

    eventually(settled, 5)
