"""代理：领命令、交给账号去做、把结果写回去。"""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from station_world import AMOUNT, CODE, RESTING, StationWorld, station_world, wish
from support import eventually

from easytrader.agent import errands
from easytrader.agent.errands import Errand, Rules
from easytrader.basics import boot_clock
from easytrader.errors import JournalError, NotConnectedError, RiskRefusedError, UsageError
from easytrader.fleets import checks
from easytrader.fleets.words import (
    DONE,
    PLACED,
    QUEUED,
    REFUSED,
    SENDING,
    UNSENT,
    Command,
    Question,
)
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_an_order_is_placed_and_its_number_comes_back(fleet: StationWorld) -> None:
    row = fleet.strategy.buy(command_id="one")
    assert row.state == PLACED
    (order,) = fleet.broker.orders_at_counter()
    assert json.loads(row.answer) == {"result": {"entrust_no": order["order_id"]}}
    assert row.order_id == str(order["order_id"])
    found = fleet.server.desks["a"].trader.find_entrust("one")  # 标记里就是这个编号
    assert found is not None
    assert found["order_id"] == order["order_id"]
    again = fleet.strategy.do(wish("buy", CODE, RESTING, AMOUNT, command_id="one"))
    assert again.order_id == row.order_id
    assert len(fleet.broker.orders_at_counter()) == 1


def test_refused_cancelled_and_wrong_ones_each_have_their_state(fleet: StationWorld) -> None:
    refused = fleet.strategy.buy(amount=fleet.broker.refused_amount)
    assert refused.state == REFUSED
    row = fleet.strategy.buy()
    done = fleet.strategy.do(wish("cancel_entrust", row.order_id, effect="cancel"))
    assert done.state == DONE
    assert json.loads(done.answer)["result"]["success"] is True
    wrong = fleet.strategy.buy(amount=-1)
    assert (wrong.state, wrong.reason) == (UNSENT, "usage")
    guarded = fleet.strategy.buy(limits={"max_order_value": 1})
    assert (guarded.state, guarded.reason) == (UNSENT, "guard")


@pytest.mark.parametrize(
    "changed",
    [
        {"limits": "{["},
        {"limits": '{"nothing":1}'},
        {"limits": '{"kill_switch":"/etc/passwd"}'},
        {"limits": "[1]"},
        {"arguments": "[]"},
        {"arguments": '{"args":5,"kwargs":{}}'},
        {"arguments": '{"args":[],"kwargs":{"price":{"$":"bad","v":1}}}'},
        {"arguments": "{"},
        {"effect": "cancel"},
    ],
)
def test_a_broken_one_harms_no_other(fleet: StationWorld, changed: dict[str, str]) -> None:
    good = wish("buy", CODE, RESTING, AMOUNT, valid_s=20)
    bad = wish("buy", CODE, RESTING, AMOUNT, valid_s=20)._replace(**changed)  # type: ignore[arg-type]
    with contextlib.suppress(UsageError):  # 存储先看过的
        row = fleet.strategy.do(bad)
        assert (row.state, row.reason) == (UNSENT, "usage")
    assert fleet.strategy.do(good).state == PLACED


def test_queries_are_answered(fleet: StationWorld) -> None:
    told = fleet.strategy.ask("balance")
    assert told["result"]
    assert fleet.strategy.ask("server.guard", None)["error"]["type"] == "UsageError"
    assert fleet.strategy.ask("find_entrust")["error"]


def test_an_answer_too_long_for_the_store_says_so(
    fleet: StationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "LONGEST_REPLY", 300)
    error = fleet.strategy.ask("server.status")["error"]
    assert (error["type"], "一次少问一些" in error["text"]) == ("QueryFailedError", True)


@pytest.mark.parametrize("verb", ["buy", "cancel_entrust", "server.events", "nothing"])
def test_a_question_changes_nothing(verb: str) -> None:
    with pytest.raises(UsageError, match="verb"):
        errands.query_of(Question(1, "a", verb, '{"args":[],"kwargs":{}}', "h", 5.0))


def errand(effect: Effect, left_s: float, **refusing: Exception) -> Errand:
    """一条命令的关口；``refusing`` 里的规则说不许。"""

    def rule(name: str) -> Any:
        def ask(*_: object) -> None:
            if name in refusing:
                raise refusing[name]

        return ask

    rules = Rules(*(rule(name) for name in Rules._fields))
    told = Command("a", "c", "r", "x", effect.value, "", "", 1, left_s=left_s, epoch=1)  # type: ignore[arg-type]
    return Errand(told, rules, boot_clock.now())


def test_the_last_look_refuses_late_fenced_stopped_but_never_cancels() -> None:
    errand(Effect.ORDER, 5).last(Effect.ORDER)
    for late in (errand(Effect.ORDER, -0.1), errand(Effect.MOVE, -0.1), errand(Effect.CANCEL, -1)):
        with pytest.raises(NotConnectedError):
            late.last(Effect(late.command.effect))
        assert late.why == "expired"
    slow = errand(Effect.ORDER, 60)
    slow._send_by = boot_clock.now() - 0.1
    with pytest.raises(NotConnectedError, match="太忙"):
        slow.last(Effect.ORDER)
    assert slow.why == "busy"
    no: dict[str, Exception] = {
        "lease": NotConnectedError("换了主人"), "switches": RiskRefusedError("停着", rule="x"),
        "sound": JournalError("满了"),
    }  # fmt: skip
    for name, error in no.items():
        for effect in (Effect.ORDER, Effect.MOVE):
            with pytest.raises(type(error)):
                errand(effect, 5, **{name: error}).last(effect)
    cancel = errand(Effect.CANCEL, 0.05, **no)
    cancel.last(Effect.CANCEL)
    threading.Event().wait(0.1)
    cancel.last(Effect.CANCEL)  # 一撤一批的，开始了就撤完


@pytest.fixture
def stuck(tmp_path: Path) -> Iterator[StationWorld]:
    """两个账号，``a`` 的柜台卡着不答，``b`` 的好好的。"""
    with station_world(tmp_path, count=2) as world:
        counter, free = world.server.brokers["a"].counter, threading.Event()
        real = counter.submit

        def submit(request: object) -> object:
            free.wait(30)
            return real(request)

        counter.submit = submit
        try:
            yield world
        finally:
            free.set()


def test_a_stuck_account_delays_neither_the_other_nor_its_own_cancels(stuck: StationWorld) -> None:
    post = stuck.strategy.post
    rows = [post(wish("buy", CODE, RESTING, AMOUNT, valid_s=30)).command for _ in range(48)]
    see = stuck.strategy.see
    eventually(lambda: sum(see(each).state == SENDING for each in rows) >= 16)
    assert stuck.strategy.buy(account="b").state == PLACED
    cancel = post(wish("cancel_entrust", "000001", effect="cancel")).command
    stuck.strategy.until(cancel, SENDING, DONE)
    assert [see(each).state for each in rows].count(QUEUED) >= 1  # 发不出去的不领


def test_late_or_withdrawn_ones_are_not_sent(stuck: StationWorld) -> None:
    """排在卡着的后面，轮到时晚了的不发。"""
    rows = [
        stuck.strategy.post(wish("buy", CODE, RESTING, AMOUNT, valid_s=30)).command
        for _ in range(12)
    ]
    late = stuck.strategy.until(rows[-1], UNSENT)
    assert late.reason in ("busy", "expired", "not_connected")


def test_idle_accounts_cost_next_to_nothing(tmp_path: Path) -> None:
    with station_world(tmp_path, count=8) as world:
        eventually(lambda: len(world.stations[0].held) == 8)
        process = psutil.Process()
        before, pause = process.cpu_times(), threading.Event()
        pause.wait(1.0)
        after = process.cpu_times()
        assert after.user + after.system - before.user - before.system < 0.5
