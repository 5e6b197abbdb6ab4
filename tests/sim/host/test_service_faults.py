from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from service_helpers import ACCOUNT, OTHER, Caller, RawClient, TinyEngine, eventually, submit_args

from easytrader.errors import SimulatorError, UsageError
from easytrader.sim.host.faults import Faults
from easytrader.sim.host.host import ConnectRefusedError, Host
from easytrader.sim.ledger.events import AccountQuery, OrdersQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.config.folder import SimFolder


@pytest.fixture
def faults(folder: SimFolder, host: Host) -> Faults:
    return Faults(folder.path)


def test_drop_answer(faults: Faults, caller: Caller) -> None:
    faults.drop_answer("submit")
    caller.post("submit", submit_args())
    assert caller.kinds(2) == ["order", "trade"]
    assert caller.ask("submit", submit_args()).order_id == 1002
    assert faults.active() == []


def test_drop_answer_only_hits_its_verb(faults: Faults, caller: Caller) -> None:
    faults.drop_answer("query", times=2)
    assert caller.ask("submit", submit_args()).order_id == 1001
    assert caller.kinds(2) == ["order", "trade"]
    caller.post("asset", AccountQuery(2, ACCOUNT))
    caller.post("trades", AccountQuery(2, ACCOUNT))
    assert caller.ask("asset", AccountQuery(2, ACCOUNT)) == []


def test_delay_answer_holds_back_the_pushes_of_that_session_only(
    faults: Faults, host: Host, caller: Caller
) -> None:
    other = Caller(host, 2)
    other.subscribe()
    faults.delay_answer("submit", 2)
    start = time.monotonic()
    slow = caller.post("submit", submit_args())
    assert other.kinds(2) == ["order", "trade"]
    assert other.ask("submit", submit_args()).order_id == 1002
    assert other.kinds(2) == ["order", "trade"]
    quick = caller.post("account_infos")
    first = caller.next()
    assert (first.kind, first.seq) == ("answer", quick)  # 别的应答不等
    second = caller.next()
    assert (second.kind, second.seq) == ("answer", slow)
    assert time.monotonic() - start >= 2
    assert [m.payload.order_id for m in (caller.next() for _ in range(4))] == [
        1001, 1001, 1002, 1002,
    ]  # fmt: skip


def test_a_delayed_answer_outlives_its_session_quietly(faults: Faults, host: Host) -> None:
    leaver = Caller(host, 2)
    faults.delay_answer("submit", 0.05)
    leaver.post("submit", submit_args())
    leaver.session.detach()
    watcher = Caller(host, 3)
    eventually(lambda: watcher.ask("orders", OrdersQuery(2, ACCOUNT)))
    assert leaver.quiet()


def test_refuse_connect(
    faults: Faults, host: Host, caller: Caller, raw_client: Callable[..., RawClient]
) -> None:
    faults.refuse_connect(times=2)
    with pytest.raises(ConnectRefusedError, match="故障"):
        Caller(host, 2)
    assert raw_client(8).greeting[0] == "refused"
    assert raw_client(8).greeting[0] == "welcome"
    assert caller.ask("account_infos") == []


def test_disconnect_now(
    faults: Faults, host: Host, caller: Caller, raw_client: Callable[..., RawClient]
) -> None:
    remote = raw_client()
    faults.disconnect()
    assert caller.lost.wait(30)
    assert remote.eof()
    caller.post("submit", submit_args())
    Caller(host, 1).subscribe()
    assert caller.losses == 1
    assert caller.quiet()


def test_disconnect_after_n_calls(faults: Faults, host: Host, caller: Caller) -> None:
    other = Caller(host, 2)
    faults.disconnect_after(3)
    caller.ask("account_infos")
    assert faults.active() == [{"kind": "disconnect_after", "calls": 2}]
    caller.ask("account_infos")
    caller.ask("submit", submit_args())  # 第三个照样有应答
    assert caller.lost.wait(30)
    assert caller.kinds(2) == ["order", "trade"]
    assert other.ask("account_infos") == []


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
def test_disconnect_mid_order(
    faults: Faults, host: Host, caller: Caller, engine: TinyEngine, when: str, accepted: int
) -> None:
    watcher = Caller(host, 2)
    watcher.subscribe()
    faults.disconnect_on("submit", when=when)
    caller.post("submit", submit_args())
    caller.post("submit", submit_args())  # 断线之后的请求作废
    assert caller.lost.wait(30)
    assert caller.quiet()
    assert len(engine.rows) == accepted
    assert watcher.kinds(2 * accepted) == ["order", "trade"] * accepted


def test_duplicate_push(faults: Faults, caller: Caller) -> None:
    faults.duplicate_push("trade")
    caller.ask("submit", submit_args())
    assert caller.kinds(3) == ["order", "trade", "trade"]
    caller.ask("submit", submit_args())
    assert caller.kinds(2) == ["order", "trade"]


def test_duplicate_any_push_counts_pushes_not_sessions(
    faults: Faults, host: Host, caller: Caller
) -> None:
    watcher = Caller(host, 2)
    watcher.subscribe()
    faults.duplicate_push(times=2)
    caller.ask("submit", submit_args())
    assert caller.kinds(4) == watcher.kinds(4) == ["order", "order", "trade", "trade"]
    assert faults.active() == []


def test_reorder_push_swaps_with_the_next_one(faults: Faults, caller: Caller) -> None:
    faults.reorder_push("order")
    caller.ask("submit", submit_args())
    assert caller.kinds(2) == ["trade", "order"]
    caller.ask("submit", submit_args())
    assert caller.kinds(2) == ["order", "trade"]
    faults.reorder_push(times=2)
    caller.ask("submit", submit_args("废单"))
    assert caller.kinds(2) == ["order", "order_error"]
    caller.ask("submit", submit_args())
    assert caller.kinds(2) == ["trade", "order"]
    assert faults.active() == []


def test_a_push_with_nothing_after_it_is_only_late(faults: Faults, caller: Caller) -> None:
    faults.reorder_push("trade")
    caller.ask("submit", submit_args())
    assert caller.next().kind == "order"
    assert caller.quiet()
    trade = caller.next()
    assert (trade.kind, trade.payload.order_id) == ("trade", 1001)


def test_reordering_is_per_session(
    faults: Faults, host: Host, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("easytrader.sim.host.delivery._SWAP_WAIT_S", 5.0)
    other = Caller(host, 2, OTHER)
    other.subscribe()
    faults.reorder_push("trade")
    caller.ask("submit", submit_args())
    other.ask("submit", submit_args(account=OTHER))
    assert caller.next().kind == "order"
    assert other.kinds(2) == ["order", "trade"]
    caller.ask("submit", submit_args())
    kept = [caller.next() for _ in range(3)]
    assert [(m.kind, m.payload.order_id) for m in kept] == [
        ("order", 1003), ("trade", 1001), ("trade", 1003),
    ]  # fmt: skip


def test_a_push_kept_back_goes_with_its_session(faults: Faults, host: Host, caller: Caller) -> None:
    faults.reorder_push("trade")
    caller.ask("submit", submit_args())
    faults.disconnect()
    assert caller.lost.wait(30)
    assert Caller(host, 1).ask("account_infos") == []
    assert caller.next().kind == "order"
    assert caller.quiet()


def test_hang_answers_nothing_until_it_is_over(
    faults: Faults, caller: Caller, raw_client: Callable[..., RawClient]
) -> None:
    remote = raw_client()
    faults.hang(0.3)
    start = time.monotonic()
    remote.post("account_infos")
    caller.ask("submit", submit_args())
    assert time.monotonic() - start > 0.2
    assert remote.next("account_infos").payload == []
    assert not caller.lost.is_set()
    assert faults.active() == []


def test_clear_and_close_end_a_hang(faults: Faults, host: Host, caller: Caller) -> None:
    start = time.monotonic()
    faults.hang(600)
    faults.clear()
    assert caller.ask("account_infos") == []
    faults.clear()  # 没有停住时叫醒，不影响下一次
    faults.hang(0.2)
    caller.ask("account_infos")
    assert time.monotonic() - start > 0.15
    faults.hang(600)
    host.close()


def test_pushes_nobody_hears_do_not_use_up_the_fault(
    faults: Faults, host: Host, caller: Caller
) -> None:
    faults.duplicate_push("order")
    caller.ask("submit", submit_args(account=OTHER))
    assert len(faults.active()) == 1


def test_clear_and_active(faults: Faults) -> None:
    faults.drop_answer("cancel", times=3)
    faults.crash_on("any", when="after")
    assert faults.active() == [
        {"kind": "drop_answer", "verb": "cancel", "times": 3},
        {"kind": "crash_on", "verb": "any", "when": "after", "times": 1},
    ]
    faults.clear()
    assert faults.active() == []


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda f: f.drop_answer("buy"), "verb"),
        (lambda f: f.drop_answer("submit", times=0), "times"),
        (lambda f: f.drop_answer("submit", times=1.5), "times"),
        (lambda f: f.drop_answer("submit", times=True), "times"),
        (lambda f: f.delay_answer("submit", 0), "seconds"),
        (lambda f: f.delay_answer("submit", float("nan")), "seconds"),
        (lambda f: f.disconnect_on("submit", when="during"), "when"),
        (lambda f: f.disconnect_after(-1), "calls"),
        (lambda f: f.duplicate_push("asset!"), "push"),
        (lambda f: f.reorder_push("asset"), "push"),
        (lambda f: f.reorder_push(times=0), "times"),
        (lambda f: f.disk_full(times=-1), "times"),
        (lambda f: f.disk_full(times=True), "times"),
        (lambda f: f.hang(0), "seconds"),
        (lambda f: f.hang(True), "seconds"),
        (lambda f: f.clock_jump(0), "seconds"),
        (lambda f: f.clock_jump(float("inf")), "seconds"),
        (lambda f: f.add({"kind": "clock_jump"}), "seconds"),
        (lambda f: f.add({"kind": "explode"}), "kind"),
        (lambda f: f.add({"kind": "delay_answer"}), "seconds"),
        (lambda f: f.add({"kind": "refuse_connect", "verb": "any"}), "verb"),
        (lambda f: f.add({"kind": "crash", "times": 2}), "kind"),
    ],
)
def test_bad_faults_are_refused_before_anything_is_sent(
    tmp_path: object, call: Callable[[Faults], None], argument: str
) -> None:
    with pytest.raises(UsageError) as caught:
        call(Faults("没有这个文件夹"))
    assert caught.value.argument == argument


def test_faults_need_a_served_folder(folder: SimFolder) -> None:
    with pytest.raises(SimulatorError, match="没有人服务"):
        Faults(folder.path).clear()


def test_the_host_checks_faults_too(host: Host) -> None:
    with pytest.raises(UsageError):
        host.control("fault", {"kind": "drop_answer", "verb": "??"})
    with pytest.raises(SimulatorError, match="不认识"):
        host.control("format-disk")


def test_status_and_stop_over_the_control_connection(
    faults: Faults, host: Host, caller: Caller
) -> None:
    from easytrader.sim.host.faults import control

    status = control(faults.path, "status")
    assert [a["account_id"] for a in status["accounts"]] == [ACCOUNT, OTHER]
    assert [(s["session_id"], s["accounts"]) for s in status["sessions"]] == [(1, [ACCOUNT])]
    assert status["kind"] == "embedded"
    with pytest.raises(SimulatorError, match="不认识"):
        control(faults.path, "nonsense")
    control(faults.path, "stop")
    assert host.stopped.wait(30)
    assert caller.lost.is_set()
