"""PostgreSQL：领到一半断了的照样说「不知道」；它的钟拨过之后，下一条就记得下。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("psycopg")

from easytrader.errors import UsageError
from easytrader.fleets.address import open_store
from easytrader.fleets.words import (
    SEND_BY_S,
    Lease,
    Question,
    StoreDownError,
    StoreUnknownError,
    Wish,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_S = 20.0


def soon() -> float:
    return time.monotonic() + LONG_S


def wish(n: int, **changed: Any) -> Wish:
    return Wish(
        "A", f"c{n}", f"r{n}", "buy", "order", '{"args":[],"kwargs":{}}', "d", 60.0, host="H",
        **changed,
    )  # fmt: skip


def own(store: Any, owner: str = "o1", box: str = "box") -> Lease:
    lease = store.acquire(
        "A", owner=owner, box=box, broker="sim", groups=[], takeover="auto", previous="",
        address="", deadline=soon(),
    )  # fmt: skip
    assert isinstance(lease, Lease), lease
    return lease


@pytest.fixture
def store(pg_dsn: str) -> Iterator[Any]:
    found = open_store(pg_dsn)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("error", "is_told"),
    [
        (StoreUnknownError("断了"), True),
        (StoreDownError("倒了"), False),
        (UsageError("dsn", "", "没有权限了"), False),
    ],
)
def test_a_claim_cut_in_its_second_look_is_told_when_something_may_be_lost(
    store: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, is_told: bool
) -> None:
    """头一眼有过期的，又去看第二眼：那一眼也许领走了几条，不说就再也没有人核对它们。"""
    lease = own(store)
    for n in range(4):
        store.post(wish(n), soon())
    store._call(
        "UPDATE fleet.command SET valid_until = now() - interval '1s' WHERE command_id = 'c0'",
        (), soon(),
    )  # fmt: skip
    real, calls = store._commands, []

    def cut(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        found = real(*args, **kwargs)
        if len(calls) == 2:
            raise error
        return found

    monkeypatch.setattr(store, "_commands", cut)
    if is_told:
        with pytest.raises(StoreUnknownError):
            store.claim([lease], 2, soon())
    else:
        assert [each.command_id for each in store.claim([lease], 2, soon())] == ["c1"]
    assert len(calls) == 2


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_clock_that_was_set_costs_one_call_not_all(store: Any, step_s: float) -> None:
    own(store)
    store.post(wish(0), soon())
    clock = store._clock
    clock._low -= step_s  # 存储的钟往前（后）拨了一小时，这里还不知道
    clock._high -= step_s
    if step_s > 0:
        with pytest.raises(StoreDownError):
            store.post(wish(1), soon())
    assert store.post(wish(2), soon()).fresh
    assert 0 < store.find("A", "c2", soon()).left_s <= (60.0 if step_s > 0 else 3700.0)
    question = Question(0, "A", "balance", '{"args":[],"kwargs":{}}', "H", 5.0)
    clock._low -= step_s
    clock._high -= step_s
    if step_s > 0:
        with pytest.raises(StoreDownError):
            store.ask(question, soon())
    store.ask(question, soon())


def test_the_next_owner_waits_even_when_the_clock_jumped_over_the_lease(store: Any) -> None:
    """存储的钟一下子走了一小时：上一任不知道，手里的一秒之内还会发。"""
    lease = own(store)
    store.post(wish(0), soon())
    assert store.claim([lease], 1, soon())
    store._call("UPDATE fleet.holder SET lease_until = lease_until - interval '1 hour'", (), soon())
    heir = own(store, "o2", "box2")
    assert heir.settle_after_s == pytest.approx(SEND_BY_S)


def test_nothing_is_compiled_before_it_runs(store: Any) -> None:
    """服务器默认编译估得贵的：领一次要几百毫秒，委托来不及发。"""
    sql = "SELECT setting, source FROM pg_settings WHERE name = 'jit'"
    assert store._call(sql, (), soon(), writes=False) == [("off", "client")]
