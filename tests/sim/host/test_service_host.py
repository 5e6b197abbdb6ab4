from __future__ import annotations

import json
import os
import threading

import pytest
from service_helpers import (
    ACCOUNT,
    OTHER,
    Caller,
    TinyEngine,
    eventually,
    order_row,
    submit_args,
)

from easytrader.errors import SimulatorError
from easytrader.sim.config.folder import AccountConfig, SimFolder, create
from easytrader.sim.gateway.wire import QUERY_FAILED, Push
from easytrader.sim.host.host import ConnectRefusedError, Host
from easytrader.sim.host.lease import is_served, service_of
from easytrader.sim.ledger.events import AccountQuery, CancelOrder, OrdersQuery


def test_answer_comes_before_its_pushes(caller: Caller, engine: TinyEngine) -> None:
    seq = caller.post("submit", submit_args())
    answer, order, trade = (caller.next() for _ in range(3))
    assert (answer.kind, answer.seq, answer.payload.order_id) == ("answer", seq, 1001)
    assert (order.kind, order.seq, order.payload) == ("order", 0, engine.rows[1001])
    assert (trade.kind, trade.payload.order_id) == ("trade", 1001)
    assert engine.thread == caller.thread == "easytrader-sim-host"


def test_pushes_go_to_all_subscribers_of_that_account_only(host: Host, caller: Caller) -> None:
    same, other, deaf = Caller(host, 2), Caller(host, 3, OTHER), Caller(host, 4)
    same.subscribe()
    other.subscribe()
    caller.ask("submit", submit_args())
    assert caller.kinds(2) == same.kinds(2) == ["order", "trade"]
    assert other.ask("orders", OrdersQuery(2, OTHER)) == []
    assert other.quiet()
    assert deaf.quiet()


def test_unsubscribed_sessions_get_nothing_more(caller: Caller) -> None:
    assert caller.ask("unsubscribe", AccountQuery(2, ACCOUNT)) == 0
    caller.ask("submit", submit_args())
    assert caller.ask("orders", OrdersQuery(2, ACCOUNT))
    assert caller.quiet()


def test_unknown_account_is_refused(host: Host) -> None:
    caller = Caller(host)
    assert caller.ask("subscribe", AccountQuery(2, "没有")) == -1
    assert caller.ask("subscribe", AccountQuery(3, ACCOUNT)) == -1


def test_order_error_carries_the_submitters_seq(host: Host, caller: Caller) -> None:
    watcher = Caller(host, 2)
    watcher.subscribe()
    seq = caller.post("submit", submit_args("废单"))
    answer, error, order = (caller.next() for _ in range(3))
    assert (answer.kind, error.kind, order.payload.order_status) == ("answer", "order_error", 57)
    assert error.payload.seq == seq
    assert watcher.next().payload.seq == 0


def test_not_simulated_call_says_so(caller: Caller) -> None:
    assert caller.ask("unsupported", ("smtQueryQuoter",)) == ("not_simulated", "smtQueryQuoter")


def test_a_burst_is_committed_together_and_delivered_after(
    caller: Caller, engine: TinyEngine
) -> None:
    engine.gate.clear()
    caller.post("submit", submit_args())
    assert engine.entered.wait(30)
    for _ in range(100):
        caller.post("submit", submit_args())
    engine.gate.set()
    assert caller.kinds(303).count("answer") == 101
    # 第一个独自提交；其余 100 个分两批：64 + 36
    assert engine.log.count("begin") == engine.log.count("commit") == 2
    assert engine.log[1] == "begin"
    assert engine.log.index("commit") == 1 + 1 + 64


def test_a_failed_commit_fails_the_batch_without_events(caller: Caller, engine: TinyEngine) -> None:
    engine.gate.clear()
    caller.post("submit", submit_args())
    assert engine.entered.wait(30)
    engine.commit_error = SimulatorError("磁盘满")
    caller.post("submit", submit_args())
    caller.post("orders", OrdersQuery(2, ACCOUNT))
    engine.gate.set()
    assert caller.kinds(3) == ["answer", "order", "trade"]
    submit, orders = caller.next(), caller.next()
    assert (submit.payload.order_id, submit.payload.error_msg) == (-1, "磁盘满")
    assert orders.payload[0] == QUERY_FAILED
    assert caller.ask("submit", submit_args()).order_id > 0


@pytest.mark.parametrize("remark", ["磁盘满", "程序错"])
def test_engine_errors_are_answered_and_the_host_lives(caller: Caller, remark: str) -> None:
    answer = caller.ask("submit", submit_args(remark))
    assert answer.order_id == -1
    assert answer.error_msg
    assert answer.order_remark == remark
    assert caller.ask("submit", submit_args()).order_id == 1001


def test_one_bad_request_does_not_take_its_batch_down(caller: Caller, engine: TinyEngine) -> None:
    engine.gate.clear()
    caller.post("submit", submit_args())
    assert engine.entered.wait(30)
    for remark in ("好", "程序错", "好"):
        caller.post("submit", submit_args(remark))
    engine.gate.set()
    messages = [caller.next() for _ in range(10)]
    ids = [m.payload.order_id for m in messages if m.kind == "answer"]
    assert [number > 0 for number in ids] == [True, True, False, True]
    assert len(messages) == 4 + 3 * 2


def test_malformed_requests_get_failure_answers(caller: Caller) -> None:
    assert caller.ask("cancel", CancelOrder(2, ACCOUNT, 1)).cancel_result == 0
    assert caller.ask("没有这个动作", ())[0] == QUERY_FAILED


def test_the_host_wakes_for_the_market(host: Host, caller: Caller, engine: TinyEngine) -> None:
    engine.pending = [Push("order", 2, ACCOUNT, order_row(1, submit_args()))]
    engine.wakeup = 0.02
    caller.ask("asset", AccountQuery(2, ACCOUNT))  # 让主机重新看一眼
    assert caller.next().kind == "order"
    assert engine.advanced == 1


def test_a_failing_market_does_not_spin(host: Host, caller: Caller, engine: TinyEngine) -> None:
    engine.advance_error = SimulatorError("磁盘满")
    engine.wakeup = 0.0
    caller.ask("asset", AccountQuery(2, ACCOUNT))
    eventually(lambda: engine.advanced)
    threading.Event().wait(0.2)
    assert engine.advanced <= 2
    assert caller.ask("submit", submit_args()).order_id == 1001


def test_manual_advance_delivers(host: Host, caller: Caller, engine: TinyEngine) -> None:
    engine.pending = [Push("order", 2, ACCOUNT, order_row(1, submit_args()))]
    host.advance()
    assert caller.next().kind == "order"


def test_session_ids_in_use_are_refused_and_free_after_detach(host: Host, caller: Caller) -> None:
    with pytest.raises(ConnectRefusedError, match=rf"会话号 1 正被进程 {os.getpid()} 使用"):
        Caller(host, 1)
    caller.session.detach()
    caller.session.detach()
    again = Caller(host, 1)
    again.subscribe()
    caller.post("submit", submit_args())
    assert again.ask("orders", OrdersQuery(2, ACCOUNT)) == []
    assert caller.quiet()
    assert not caller.lost.is_set()


def test_requests_sent_before_detach_are_done(
    host: Host, caller: Caller, engine: TinyEngine
) -> None:
    caller.post("submit", submit_args())
    caller.session.detach()
    watcher = Caller(host, 2)
    assert len(watcher.ask("orders", OrdersQuery(2, ACCOUNT))) == 1


def test_session_ids_rest_in_quarantine(tmp_path) -> None:  # type: ignore[no-untyped-def]
    folder = create(tmp_path / "q", [AccountConfig(ACCOUNT)], session_quarantine_s=0.3)
    host = Host(folder, engine_factory=TinyEngine)
    try:
        Caller(host, 5).session.detach()
        with pytest.raises(ConnectRefusedError, match="刚断开"):
            Caller(host, 5)
        Caller(host, 6)

        def free() -> bool:
            try:
                Caller(host, 5)
            except ConnectRefusedError:
                return False
            return True

        eventually(free)
    finally:
        host.close()


def test_a_broken_receiver_is_cut_off_alone(host: Host, caller: Caller) -> None:
    def explode(_: object) -> None:
        raise RuntimeError("接收方的错")

    gone = threading.Event()
    session = host.attach(9, 1, explode, gone.set)
    from easytrader.sim.gateway.wire import Request

    session.send(Request("account_infos", 1, ()))
    assert gone.wait(30)
    assert caller.ask("account_infos") == []
    Caller(host, 9)  # 会话号已经放出来


def test_close_is_clean_bounded_and_idempotent(
    folder: SimFolder, host: Host, caller: Caller, engine: TinyEngine
) -> None:
    assert is_served(folder.path)
    caller.post("submit", submit_args())
    host.close()
    host.close()
    assert caller.kinds(3) == ["answer", "order", "trade"]
    assert caller.lost.is_set()
    assert caller.losses == 1
    assert engine.closed
    assert service_of(folder.path) is None
    assert not folder.service_path.exists()
    caller.post("submit", submit_args())
    assert caller.quiet()
    with pytest.raises(SimulatorError, match="已经停止"):
        Caller(host, 2)
    Host(folder, engine_factory=TinyEngine).close()


def test_close_from_inside_a_delivery(host: Host, folder: SimFolder) -> None:
    session = host.attach(3, 1, lambda _: host.close(), lambda: None)
    from easytrader.sim.gateway.wire import Request

    session.send(Request("account_infos", 1, ()))
    assert host.stopped.wait(30)


def test_an_engine_that_cannot_open_leaves_nothing_behind(folder: SimFolder) -> None:
    def broken() -> TinyEngine:
        raise SimulatorError("账本坏了")

    with pytest.raises(SimulatorError, match="账本坏了"):
        Host(folder, engine_factory=broken)
    assert service_of(folder.path) is None
    Host(folder, engine_factory=TinyEngine).close()


def test_second_owner_is_told_who_holds_it(folder: SimFolder, host: Host) -> None:
    with pytest.raises(SimulatorError) as caught:
        Host(folder, engine_factory=TinyEngine)
    text = str(caught.value)
    assert f"进程 {os.getpid()}" in text
    assert f"端口 {host.info.port}" in text
    assert "自 20" in text
    assert host.info.token not in text
    assert is_served(folder.path)


def test_service_card_is_private(folder: SimFolder, host: Host) -> None:
    card = json.loads(folder.service_path.read_text(encoding="utf-8"))
    assert card["pid"] == os.getpid()
    assert len(card["token"]) >= 32
    if os.name == "posix":
        assert folder.service_path.stat().st_mode & 0o077 == 0


def test_many_threads_many_sessions(host: Host) -> None:
    def trade(number: int) -> None:
        caller = Caller(host, number)
        caller.subscribe()
        for _ in range(50):
            seq = caller.post("submit", submit_args())
            while (message := caller.next()).kind != "answer":
                pass
            assert message.seq == seq
            ids.append(message.payload.order_id)
        caller.session.detach()

    ids: list[int] = []
    threads = [threading.Thread(target=trade, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(ids) == list(range(1001, 1401))
