"""一条命令从记下到有结果：两种存储，`store.py` 里的每一句话。"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from fleets.store_worlds import asking, claimed, event, leased, outcome, soon
from support import eventually

from easytrader.errors import RiskRefusedError, UsageError
from easytrader.fleets.words import (
    ABSENT,
    DONE,
    PLACED,
    QUEUED,
    REFUSED,
    SENDING,
    UNKNOWN,
    UNSENT,
    FencedError,
    StoreDownError,
)
from easytrader.wire import errors

if TYPE_CHECKING:
    from fleets.store_worlds import World


def test_a_posted_wish_is_queued_and_said_back(world: World) -> None:
    store = world.open()
    leased(store, groups=["g"])
    wish = world.wish(
        strategy="动量 z", limits='{"max_order_value":1}', arguments='{"args":["测"]}'
    )
    posted = store.post(wish, soon())
    command = posted.command
    assert posted.fresh
    assert posted.box == ""  # 没有说过要去等提示
    assert command.state == QUEUED
    for name in ("account", "command_id", "request", "verb", "effect", "arguments", "digest",
                 "strategy", "host", "limits"):  # fmt: skip
        assert getattr(command, name) == getattr(wish, name)
    assert command.number >= 1
    assert command.attempt == 1
    assert command.epoch == 0
    assert command.login
    assert set(command.may) == {"read", "trade", "funds"}
    assert 0 < command.left_s <= 30
    assert command.created_at > 0
    assert (command.settled_at, command.order_id, command.answer, command.seq) == (0, "", "", None)
    assert store.find("A", wish.command_id, soon())._replace(left_s=0) == command._replace(left_s=0)
    assert store.find("A", "没有", soon()) is None


def test_the_same_request_again_gives_the_same_row(world: World) -> None:
    store, other = world.open(), world.open()
    leased(store)
    wish = world.wish()
    first = store.post(wish, soon())
    again = other.post(wish, soon())
    assert not again.fresh
    assert again.command.number == first.command.number
    assert len(store.commands(soon())) == 1


def test_another_request_of_an_open_or_placed_command_gives_the_row(world: World) -> None:
    store = world.open()
    lease = leased(store)
    wish = world.wish()
    first = store.post(wish, soon()).command
    again = wish._replace(request="another")
    for state in (QUEUED, SENDING, UNKNOWN, PLACED):
        if state == SENDING:
            claimed(store, [lease])
        elif state in (UNKNOWN, PLACED):
            store.settle([lease], [outcome(first, state)], [], soon())
        posted = store.post(again, soon())
        assert (posted.fresh, posted.command.state) == (False, state)
        assert (posted.command.request, posted.command.attempt) == (wish.request, 1)


def test_another_wish_with_the_same_id_is_an_error(world: World) -> None:
    store = world.open()
    lease = leased(store)
    wish = world.wish()
    store.post(wish, soon())
    other = wish._replace(digest="另一件事", request="r-other")
    with pytest.raises(UsageError, match="client_order_id"):
        store.post(other, soon())
    (command,) = claimed(store, [lease])
    store.settle([lease], [outcome(command, REFUSED)], [], soon())
    with pytest.raises(UsageError, match="client_order_id"):  # 空着的也不许换成另一件事
        store.post(other, soon())
    with pytest.raises(UsageError, match="request"):
        store.post(world.wish(request=wish.request), soon())


@pytest.mark.parametrize("free", [REFUSED, UNSENT, ABSENT])
def test_a_free_command_can_be_sent_again(world: World, free: str) -> None:
    store = world.open()
    lease = leased(store)
    wish = world.wish()
    store.post(wish, soon())
    (command,) = claimed(store, [lease])
    if free == ABSENT:
        store.settle([lease], [outcome(command, UNKNOWN)], [], soon())
    store.settle([lease], [outcome(command, free, reason="x", answer="{}", seq=3)], [], soon())
    again = wish._replace(request="r-2", host="H2")
    posted = store.post(again, soon())
    fresh = posted.command
    assert posted.fresh
    assert (fresh.state, fresh.attempt, fresh.request, fresh.host) == (QUEUED, 2, "r-2", "H2")
    assert (fresh.reason, fresh.answer, fresh.order_id, fresh.seq) == ("", "", "", None)
    assert (fresh.epoch, fresh.settled_at) == (0, 0)
    assert fresh.number == command.number
    # 上一次的请求迟到了：原样给它那一次的样子，不会变成第三次
    late = store.post(wish, soon())
    assert (late.fresh, late.command.state, late.command.attempt) == (False, free, 1)
    assert store.withdraw("A", wish.request, soon()).attempt == 1
    (got,) = claimed(store, [lease])
    assert (got.attempt, got.request) == (2, "r-2")
    # 上一次的结果迟到了：不算
    store.settle([lease], [outcome(command, PLACED)], [], soon())
    assert store.find("A", wish.command_id, soon()).state == SENDING


def test_many_posts_of_one_id_record_one(world: World) -> None:
    stores = [world.open() for _ in range(4)]
    leased(stores[0])
    wish = world.wish()
    fresh: list[bool] = []
    start = threading.Barrier(len(stores))

    def post(store: Any, request: str) -> None:
        start.wait()
        fresh.append(store.post(wish._replace(request=request), soon()).fresh)

    _together([lambda s=s, n=n: post(s, f"q{n}") for n, s in enumerate(stores)])
    assert sorted(fresh) == [False, False, False, True]
    assert len(stores[0].commands(soon())) == 1


def test_an_unknown_account_is_an_error_everywhere(world: World) -> None:
    store = world.open()
    leased(store)
    for ask in (
        lambda: store.post(world.wish("没有的"), soon()),
        lambda: store.withdraw("没有的", "r", soon()),
        lambda: store.bump("没有的", soon()),
        lambda: store.take_over("没有的", "b", soon()),
    ):
        with pytest.raises(UsageError, match="account"):
            ask()
    assert [each.account for each in store.accounts(soon(), ["A", "没有的"])] == ["A"]


def test_withdrawn_before_it_is_claimed(world: World) -> None:
    store = world.open()
    lease = leased(store)
    wish = world.wish()
    store.post(wish, soon())
    found = store.withdraw("A", wish.request, soon())
    assert (found.state, found.reason, found.answer) == (UNSENT, "withdrawn", "")
    assert found.settled_at > 0
    assert store.withdraw("A", wish.request, soon()).state == UNSENT
    assert claimed(store, [lease]) == []
    assert store.post(wish, soon()).command.state == UNSENT  # 同一个请求不会再来一次


def test_withdrawn_after_it_is_claimed(world: World) -> None:
    store = world.open()
    lease = leased(store)
    wish = world.wish()
    store.post(wish, soon())
    (command,) = claimed(store, [lease])
    assert store.withdraw("A", wish.request, soon()).state == SENDING
    store.settle([lease], [outcome(command)], [], soon())
    assert store.withdraw("A", wish.request, soon()).state == PLACED


def test_withdrawn_before_it_came(world: World) -> None:
    store = world.open()
    leased(store)
    wish = world.wish()
    assert store.withdraw("A", wish.request, soon()) is None
    assert store.withdraw("A", wish.request, soon()) is None
    with pytest.raises(StoreDownError):
        store.post(wish, soon())
    assert store.find("A", wish.command_id, soon()) is None
    assert store.post(wish._replace(request="新的"), soon()).fresh


def test_post_and_withdraw_race_to_one_result(world: World) -> None:
    strategy, other = world.open(), world.open()
    lease = leased(strategy)
    for _ in range(12):
        wish = world.wish()
        told: dict[str, Any] = {}
        start = threading.Barrier(2)

        def post(wish: Any = wish, told: Any = told, start: Any = start) -> None:
            start.wait()
            try:
                told["post"] = strategy.post(wish, soon()).command.state
            except StoreDownError:
                told["post"] = None

        def withdraw(wish: Any = wish, told: Any = told, start: Any = start) -> None:
            start.wait()
            found = other.withdraw("A", wish.request, soon())
            told["withdraw"] = None if found is None else found.state

        _together([post, withdraw])
        assert (told["post"], told["withdraw"]) in [(None, None), (QUEUED, UNSENT)]
    assert claimed(strategy, [lease]) == []


def test_late_on_the_way_is_not_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    store = world.open()
    leased(store)
    store.greet(soon())
    free = world.hold()
    wish = world.wish(valid_s=0.05)
    timer = threading.Timer(0.3, free)
    timer.start()
    with pytest.raises(StoreDownError):
        store.post(wish, soon())
    timer.join()
    assert store.find("A", wish.command_id, soon()) is None


def test_outcomes_of_several(world: World) -> None:
    store = world.open()
    lease = leased(store)
    numbers = [store.post(world.wish(), soon()).command.number for _ in range(3)]
    (first, *_) = claimed(store, [lease], 1)
    store.settle([lease], [outcome(first)], [], soon())
    found = {each.number: each.state for each in store.outcomes([*numbers, 10**9], soon())}
    assert found == dict(zip(numbers, [PLACED, QUEUED, QUEUED], strict=True))
    assert store.outcomes([], soon()) == []
    assert numbers == sorted(set(numbers))


# ---- 领


def test_claimed_cancels_first_then_in_order(world: World) -> None:
    store = world.open()
    leases = [leased(store), leased(store, "B")]
    wishes = [
        world.wish(command_id="o1"),
        world.wish("B", command_id="o2"),
        world.wish(command_id="x1", verb="cancel_entrust", effect="cancel"),
        world.wish(command_id="o3"),
        world.wish("B", command_id="x2", verb="cancel_entrust", effect="cancel"),
        world.wish(command_id="m1", verb="bank.transfer_in", effect="move"),
    ]
    for wish in wishes:
        store.post(wish, soon())
    first = claimed(store, leases, 3)
    assert [each.command_id for each in first] == ["x1", "x2", "o1"]
    assert {each.state for each in first} == {SENDING}
    assert [each.epoch for each in first] == [1, 1, 1]
    assert all(each.left_s > 0 for each in first)
    assert [each.command_id for each in claimed(store, leases)] == ["o2", "o3", "m1"]
    assert claimed(store, leases) == []


def test_only_cancels_of_a_busy_account(world: World) -> None:
    store = world.open()
    leases = [leased(store), leased(store, "B")]
    for wish in (
        world.wish(command_id="o1"),
        world.wish(command_id="x1", verb="cancel_entrust", effect="cancel"),
        world.wish("B", command_id="o2"),
    ):
        store.post(wish, soon())
    assert [each.command_id for each in claimed(store, leases, busy=["A"])] == ["x1", "o2"]
    assert store.find("A", "o1", soon()).state == QUEUED
    assert [each.command_id for each in claimed(store, leases)] == ["o1"]


def test_expired_commands_are_not_sent(world: World) -> None:
    store = world.open()
    lease = leased(store)
    old = [world.wish(valid_s=4.0), world.wish(verb="cancel_entrust", effect="cancel", valid_s=4.0)]
    for wish in old:
        store.post(wish, soon())
    world.advance(5.0)
    fresh = world.wish()
    store.post(fresh, soon())
    assert [each.command_id for each in claimed(store, [lease], 1)] == [fresh.command_id]
    for wish in old:
        found = store.find("A", wish.command_id, soon())
        assert (found.state, found.reason, found.answer) == (UNSENT, "expired", "")


@pytest.mark.parametrize("scope", ["fleet", "group:g2", "account:A", "strategy:z"])
def test_a_switch_stops_its_orders_and_no_cancel(world: World, scope: str) -> None:
    store = world.open()
    leases = [leased(store, groups=["g1", "g2"]), leased(store, "B", groups=["g1"])]
    for each in ("group:没有的组", "account:别的", "strategy:别的"):
        store.set_switch(each, True, soon())
    store.set_switch(scope, True, soon(), why="演练")
    wishes = {
        "o": world.wish(strategy="z"),
        "m": world.wish(verb="bank.transfer_in", effect="move", strategy="z"),
        "x": world.wish(verb="cancel_entrust", effect="cancel", strategy="z"),
        "other": world.wish("B"),
    }
    for wish in wishes.values():
        store.post(wish, soon())
    got = {each.command_id for each in claimed(store, leases)}
    assert wishes["x"].command_id in got
    assert (wishes["other"].command_id in got) == (scope != "fleet")
    for name in ("o", "m"):
        found = store.find("A", wishes[name].command_id, soon())
        assert (found.state, found.reason) == (UNSENT, "switch")
        told = errors.from_wire(json.loads(found.answer)["error"])
        assert isinstance(told, RiskRefusedError)
        assert told.rule == "fleet_switch"
        assert "演练" in str(told)
    store.set_switch(scope, False, soon())
    assert store.post(wishes["o"]._replace(request="again"), soon()).fresh
    assert [each.attempt for each in claimed(store, leases)] == [2]


def test_who_waits_is_woken_when_it_is_not_sent(world: World) -> None:
    store, strategy = world.open(), world.open()
    lease = leased(store)
    eventually(lambda: not strategy.wait("H", 0.05))
    store.set_switch("account:A", True, soon())
    for valid_s in (30.0, 2.0):
        strategy.post(world.wish(valid_s=valid_s), soon())
        world.advance(3.0)
        assert claimed(store, [lease]) == []
        assert strategy.wait("H", 10.0)


def test_nothing_for_who_lost_the_lease(world: World) -> None:
    store, other = world.open(), world.open()
    old = leased(store)
    kept = leased(store, "B", owner="另一个")  # 一个主人的几个账号，租约一起续
    world.advance(11.0)
    for account in ("A", "B"):
        store.post(world.wish(account), soon())
    assert claimed(store, [old, kept]) == []  # 过期了，谁都还没有接
    assert store.renew([kept], soon()).kept == {"B"}
    world.advance(11.0)
    store.renew([kept], soon())
    new = leased(other, box="box1")
    assert new.epoch == 2
    for account in ("A", "B"):
        store.post(world.wish(account), soon())
    assert {each.account for each in claimed(store, [old, kept])} <= {"B"}
    assert {each.account for each in claimed(other, [new])} <= {"A"}
    assert claimed(store, [old]) == []


def test_two_claimers_never_get_the_same(world: World) -> None:
    store = world.open()
    lease = leased(store)
    count = 30
    for _ in range(count):
        store.post(world.wish(), soon())
    got: list[Any] = []

    def claim() -> None:
        mine = world.open()
        while found := claimed(mine, [lease], 4):
            got.extend(found)

    _together([claim, claim, claim])
    assert len(got) == len({each.number for each in got}) == count


# ---- 结果


def test_outcomes_and_events_come_together(world: World) -> None:
    store = world.open()
    lease = leased(store)
    store.post(world.wish(), soon())
    (command,) = claimed(store, [lease])
    last = store.settle([lease], [outcome(command)], [event(1), event(2)], soon())
    assert last == {"A": 2}
    found = store.find("A", command.command_id, soon())
    assert (found.state, found.order_id, found.epoch) == (PLACED, "7", 1)
    assert found.answer == '{"result":{"entrust_no":7}}'
    assert found.settled_at >= found.created_at
    assert [each.number for each in store.read("A", 0, 10, soon())] == [1, 2]


def test_the_sequence_number_comes_first(world: World) -> None:
    store = world.open()
    lease = leased(store)
    store.post(world.wish(verb="buy_async"), soon())
    (command,) = claimed(store, [lease])
    store.settle([lease], [outcome(command, SENDING, seq=12)], [], soon())
    found = store.find("A", command.command_id, soon())
    assert (found.state, found.seq, found.settled_at) == (SENDING, 12, 0)
    store.settle([lease], [outcome(command)], [], soon())
    found = store.find("A", command.command_id, soon())
    assert (found.state, found.seq) == (PLACED, 12)
    store.settle([lease], [outcome(command, SENDING, seq=99)], [], soon())
    assert store.find("A", command.command_id, soon()).seq == 12


@pytest.mark.parametrize("final", [PLACED, DONE, REFUSED, UNSENT, ABSENT])
def test_a_result_stays(world: World, final: str) -> None:
    store = world.open()
    lease = leased(store)
    store.post(world.wish(), soon())
    (command,) = claimed(store, [lease])
    store.settle([lease], [outcome(command, UNKNOWN)], [], soon())
    found = store.find("A", command.command_id, soon())
    assert (found.state, found.settled_at) == (UNKNOWN, 0)
    store.settle([lease], [outcome(command, final, reason="第一次")], [], soon())
    for state in (PLACED, UNKNOWN, REFUSED):
        store.settle([lease], [outcome(command, state, reason="后来")], [], soon())
    found = store.find("A", command.command_id, soon())
    assert (found.state, found.reason) == (final, "第一次")


def test_queued_is_not_settled_by_anybody(world: World) -> None:
    store = world.open()
    lease = leased(store)
    command = store.post(world.wish(), soon()).command
    store.settle([lease], [outcome(command)], [], soon())
    assert store.find("A", command.command_id, soon()).state == QUEUED


def test_a_fenced_settle_writes_nothing_at_all(world: World) -> None:
    store, other = world.open(), world.open()
    lost, kept = leased(store), leased(store, "B", owner="另一个")
    for account in ("A", "B"):
        store.post(world.wish(account), soon())
    commands = claimed(store, [lost, kept])
    world.advance(11.0)
    store.renew([kept], soon())
    new = leased(other, owner="别的")
    with pytest.raises(FencedError):
        store.settle(
            [lost, kept], [outcome(each) for each in commands], [event(1, "B"), event(1)], soon()
        )
    assert {each.state for each in store.commands(soon())} == {SENDING}
    assert store.bump("A", soon()) == store.bump("B", soon()) == 0
    with pytest.raises(FencedError):
        store.settle([lost], [], [event(1)], soon())
    # 接手的人没有先核对（left_over），也改不动上一任领走的
    mine = next(each for each in commands if each.account == "A")
    other.settle([new], [outcome(mine)], [event(1)], soon())
    assert other.find("A", mine.command_id, soon()).state == SENDING


def test_what_earlier_owners_left(world: World) -> None:
    store, other = world.open(), world.open()
    lease = leased(store)
    wishes = [world.wish() for _ in range(4)]
    for wish in wishes:
        store.post(wish, soon())
    commands = claimed(store, [lease], 3)
    store.settle([lease], [outcome(commands[0]), outcome(commands[1], UNKNOWN)], [], soon())
    assert [each.command_id for each in store.left_over(lease, soon())] == [commands[1].command_id]
    assert store.find("A", commands[2].command_id, soon()).state == SENDING  # 自己这一任领的
    world.advance(11.0)
    new = leased(other, owner="新的")
    for _ in range(2):  # 回答丢了再问一次，还是这些
        left = other.left_over(new, soon())
        assert [each.command_id for each in left] == [each.command_id for each in commands[1:]]
        assert {(each.state, each.epoch) for each in left} == {(UNKNOWN, 2)}
    with pytest.raises(FencedError):
        store.left_over(lease, soon())
    other.settle([new], [outcome(left[0]), outcome(left[1], ABSENT)], [], soon())
    assert [store.find("A", each.command_id, soon()).state for each in left] == [PLACED, ABSENT]
    assert other.left_over(new, soon()) == []
    assert [each.command_id for each in claimed(other, [new])] == [wishes[3].command_id]


# ---- 给人看的，给人定的


def test_commands_newest_first(world: World) -> None:
    store = world.open()
    leases = [leased(store), leased(store, "B")]
    for account in ("A", "B", "A"):
        store.post(world.wish(account), soon())
    claimed(store, leases, 1)
    numbers = [each.number for each in store.commands(soon())]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 3
    assert [each.account for each in store.commands(soon(), account="A", most=1)] == ["A"]
    assert len(store.commands(soon(), states=[QUEUED])) == 2
    assert len(store.commands(soon(), states=[QUEUED, SENDING], account="A")) == 2
    assert store.commands(soon(), states=[DONE]) == []


def test_a_person_decides_what_nobody_knows(world: World) -> None:
    store = world.open()
    lease = leased(store)
    wishes = [world.wish() for _ in range(3)]
    for wish in wishes:
        store.post(wish, soon())
    first, second = claimed(store, [lease], 2)
    store.settle([lease], [outcome(first, UNKNOWN)], [], soon())
    told = store.decide("A", first.command_id, PLACED, soon(), order_id="31", why="柜台上看到")
    assert (told.state, told.reason, told.order_id) == (PLACED, "operator", "31")
    assert json.loads(told.answer) == {"result": {"entrust_no": 31}}
    assert told.settled_at > 0
    for command_id in (first.command_id, second.command_id, wishes[2].command_id, "没有"):
        with pytest.raises(UsageError):
            store.decide("A", command_id, ABSENT, soon(), why="x")
    world.advance(11.0)
    assert store.decide("A", second.command_id, ABSENT, soon(), why="没有").state == ABSENT
    for state, order_id in ((QUEUED, ""), (PLACED, ""), (ABSENT, "3"), ("乱写", "")):
        with pytest.raises(UsageError):
            store.decide("A", wishes[2].command_id, state, soon(), order_id=order_id, why="x")


def test_a_number_written_with_zeros_in_front_stays_text(world: World) -> None:
    """编号是文字的柜台：变成数，就撤不到它了。"""
    store = world.open()
    lease = leased(store)
    store.post(world.wish(), soon())
    (row,) = claimed(store, [lease])
    store.settle([lease], [outcome(row, UNKNOWN)], [], soon())
    told = store.decide("A", row.command_id, PLACED, soon(), order_id="0031", why="柜台上看到")
    assert json.loads(told.answer) == {"result": {"entrust_no": "0031"}}


def test_a_kept_text_never_changes(world: World) -> None:
    store, other = world.open(), world.open()
    store.greet(soon())
    kept = [(each.keep("n", f"{n}", soon())) for n, each in enumerate([store, other, store])]
    assert kept == ["0", "0", "0"]
    assert other.keep("另一份", "话", soon()) == "话"


def test_history_and_audit_by_sql_are_the_same(world: World) -> None:
    """几张 ``v_`` 视图的列同名；同一段历史，两种存储查出来一样。"""
    store = world.open()
    lease = leased(store, groups=["g"])
    for wish in (world.wish(strategy="z"), world.wish(), world.wish("A", valid_s=1.0)):
        store.post(wish, soon())
    world.advance(2.0)
    first, second = claimed(store, [lease])
    store.settle([lease], [outcome(first), outcome(second, UNKNOWN)], [event(1)], soon())
    store.settle([lease], [], [event(2, kind="duplicate", command_id="c1")], soon())
    store.set_switch("fleet", True, soon(), why="演练")
    store.set_switch("fleet", False, soon())
    store.set_budget("fleet", "orders", 5, soon())
    store.decide("A", second.command_id, ABSENT, soon(), why="看过")
    store.take_over("A", "box2", soon(), force=True)
    assert world.select(
        "SELECT account, command_id, attempt, request, verb, effect, strategy, host, state, reason,"
        " epoch, order_id, claimed_at IS NULL, settled_at IS NULL, created_at IS NULL,"
        " login = '' FROM v_commands ORDER BY command_no"
    ) == [
        ("A", "c1", 1, "r1", "buy", "order", "z", "H", "placed", "", 1, "7", 0, 0, 0, 0),
        ("A", "c2", 1, "r2", "buy", "order", "", "H", "absent", "operator", 1, "", 0, 0, 0, 0),
        ("A", "c3", 1, "r3", "buy", "order", "", "H", "unsent", "expired", 0, "", 1, 0, 0, 0),
    ]
    assert world.select("SELECT event_no, kind, command_id FROM v_events ORDER BY event_no") == [
        (1, "order", ""),
        (2, "duplicate", "c1"),
    ]
    assert world.select("SELECT account, event_no, kind FROM v_alarms") == [("A", 2, "duplicate")]
    assert world.select("SELECT scope FROM v_switches") == []
    told = world.select("SELECT action, scope, data, login FROM v_audit ORDER BY audit_no")
    assert [row[:2] for row in told if row[0] != "owner"] == [
        ("switch", "fleet"),
        ("switch", "fleet"),
        ("budget", "fleet"),
        ("decide", "account:A"),
        ("take_over", "account:A"),
    ]
    on, off = (json.loads(row[2]) for row in told if row[0] == "switch")
    assert (on["now"]["why"], "was" in on, off["was"]["why"], "now" in off) == (
        "演练", False, "演练", False,
    )  # fmt: skip
    (decided,) = (json.loads(row[2]) for row in told if row[0] == "decide")
    assert (decided["was"], decided["now"], decided["why"]) == (UNKNOWN, ABSENT, "看过")
    assert all(row[3] for row in told)


def test_the_losing_owner_is_told(world: World) -> None:
    assert "租约" in asking(_owned(world), owner="别人").why


def _owned(world: World) -> Any:
    store = world.open()
    leased(store, owner="我")
    return store


def _together(works: list[Any]) -> None:
    failures: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            work()
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=run, args=(each,)) for each in works]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert not failures, failures
