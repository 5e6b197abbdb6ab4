"""客户端的样子：文件与锁，权限，死了多久才知道，文字怎样截，断了又好再推一遍。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock, Timeout
from manners_desk import ACCOUNT, BUY, CODE, FIX, PEER, Desk

from easytrader.sim import native
from easytrader.sim.config.folder import UP_QUEUE
from easytrader.sim.gateway.wire import Request
from easytrader.sim.host.lease import UP_LOCK
from easytrader.sim.ledger.events import AccountQuery, SubmitOrder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Sit = Callable[..., Desk]

LONG = "汉" * 60


@pytest.fixture
def _clean_text() -> Iterator[None]:
    yield
    native.set_strict_text(False)


def is_held(path: Path) -> bool:
    lock = FileLock(str(path))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def test_the_queue_the_mutex_and_the_locks(sit: Sit) -> None:
    desk = sit()
    folder = desk.folder.path
    names = {each.name for each in folder.iterdir()}
    assert {"down_queue_win_1", "down_queue_win_1__mutex", "lock_down_queue_win_1"} <= names
    assert {UP_QUEUE, UP_LOCK} <= names
    assert is_held(folder / "lock_down_queue_win_1"), "连着的程序拿着"
    assert is_held(folder / UP_LOCK), "客户端活着就拿着"
    desk.trader.stop()
    assert not is_held(folder / "lock_down_queue_win_1")
    desk.host.close()
    assert not is_held(folder / UP_LOCK)
    assert (folder / "down_queue_win_1").exists(), "文件留在那里"


def test_sequence_numbers(sit: Sit) -> None:
    desk = sit()
    client = native.XtQuantAsyncClient(str(desk.folder.path), "xtquant", 5)
    assert [client.nextSeq(), client.nextSeq()] == [1, 2]
    for name in (each for each in dir(client) if each.endswith("WithSeq")):
        assert getattr(client, name)(7, None) == 0


def test_no_connection_without_the_permission(sit: Sit) -> None:
    desk = sit()
    desk.trader.stop()
    (desk.folder.path / UP_QUEUE).unlink()
    other = native.XtQuantAsyncClient(str(desk.folder.path), "xtquant", 5)
    other.init()
    other.start()
    assert other.connect() == -1
    assert "权限" in other.connect_failure
    other.stop()


def test_a_dead_client_is_noticed_late(sit: Sit) -> None:
    desk = sit(profile="push", lost_s=0.3)
    lost = threading.Event()
    desk.heard.on_disconnected = lost.set  # type: ignore[attr-defined]
    gone: list[int] = []
    client = desk.trader.async_client
    real = client._lose
    client._lose = lambda: (gone.append(len(client._pending)), real())
    desk.host.close()
    desk.trader.order_stock_async(desk.account, CODE, BUY, 100, FIX, 30.0, "s", "r")
    assert lost.wait(30)
    assert gone == [1], "其间交的请求石沉大海，没有默认的应答"
    desk.trader.order_stock_async(desk.account, CODE, BUY, 100, FIX, 30.0, "s", "r")
    done = threading.Event()
    desk.trader.query_stock_orders_async(desk.account, lambda _: done.set())
    assert done.wait(30)
    assert desk.heard.told == [("R", False)], "断线之后才是当场的 -1"
    assert desk.trader.connect() == -1


def remarked(desk: Desk, remark: str) -> Any:
    desk.trader.order_stock_async(desk.account, CODE, BUY, 100, PEER, 0, "s", remark)
    desk.settled()
    desk.wait(5)
    [row] = desk.trader.query_stock_orders(desk.account)
    return row


@pytest.mark.parametrize(("long", "kept"), [(True, 42), (False, 7)])
def test_remarks_are_cut_by_bytes(sit: Sit, long: bool, kept: int) -> None:
    desk = sit(profile="instant", long_remark=long)
    row = remarked(desk, LONG)
    assert row.order_remark == "汉" * kept, "127 字节，或 23 字节"
    assert row.m_strOrderRemark == "汉" * 7
    [trade] = desk.trader.query_stock_trades(desk.account)
    assert trade.order_remark == "汉" * kept
    told = [each.order_remark for each in desk.heard.rows if hasattr(each, "traded_id")]
    assert told == ["汉" * kept]


@pytest.mark.usefixtures("_clean_text")
def test_a_cut_through_a_character_raises_when_strict(sit: Sit) -> None:
    desk = sit(profile="instant", long_remark=False, strict_text=True)
    row = remarked(desk, LONG)
    for name in ("order_remark", "m_strOrderRemark"):
        with pytest.raises(UnicodeDecodeError):
            getattr(row, name)
    [trade] = desk.trader.query_stock_trades(desk.account)
    with pytest.raises(UnicodeDecodeError):
        trade.order_remark  # noqa: B018
    desk.order(BUY, 10**6, desk.ask)
    junk = desk.trader.query_stock_orders(desk.account)[-1]
    assert junk.order_status == 57
    with pytest.raises(UnicodeDecodeError):
        junk.status_msg  # noqa: B018


def test_the_day_is_told_again_after_the_counter_recovers(sit: Sit) -> None:
    desk = sit(profile="poll", answer_s=0)
    desk.order(BUY, 100, 0, PEER)
    desk.go(10)
    before = len(desk.heard.told)
    desk.host.control("fault", {"kind": "account_status", "status": 2})
    desk.host.control("fault", {"kind": "account_status", "status": 0})
    assert desk.settled()[before:] == [("O", 56), ("T", 100)]
    quiet = sit("quiet", profile="push", answer_s=0)
    quiet.order(BUY, 100, 0, PEER)
    quiet.go(10)
    before = len(quiet.heard.told)
    quiet.host.control("fault", {"kind": "account_status", "status": 2})
    quiet.host.control("clear")
    assert quiet.settled()[before:] == []


@pytest.mark.parametrize("answer_s", [0.0, 0.02])
def test_the_error_may_overtake_the_answer(sit: Sit, answer_s: float) -> None:
    desk = sit(profile="push", error_before_answer=True, answer_s=answer_s)
    kinds: list[str] = []
    session = desk.host.attach(99, 1, lambda message: kinds.append(message.kind), lambda: None)
    session.send(Request("subscribe", 1, AccountQuery(2, ACCOUNT)))
    desk.host.call(lambda: None)
    args = SubmitOrder(2, ACCOUNT, CODE, BUY, 10**6, FIX, desk.ask, "s", "r")
    session.send(Request("submit", 2, args))
    desk.host.call(lambda: None)
    for _ in range(4):
        desk.wait(0.02)
    assert kinds == ["answer", "order_error", "answer", "order"]
    session.detach()
