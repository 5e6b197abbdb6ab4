"""事件：没有缺的编号、重复的不再记、从哪里读起；问题、额度、开关、提示。两种存储一样。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from fleets.store_worlds import asking, claimed, event, leased, outcome, question, soon
from support import eventually

from easytrader.errors import UsageError
from easytrader.fleets.words import Lease, Outcome, StoreDownError, StoreUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleets.store_worlds import World


def test_events_are_read_from_any_number(world: World) -> None:
    store, reader = world.open(), world.open()
    lease = leased(store)
    store.settle([lease], [], [event(n, command_id=f"c{n}") for n in range(1, 6)], soon())
    found = reader.read("A", 0, 10, soon())
    assert [each.number for each in found] == [1, 2, 3, 4, 5]
    assert [each.data for each in found] == [f'{{"n":{n}}}' for n in range(1, 6)]
    assert [each.command_id for each in found] == [f"c{n}" for n in range(1, 6)]
    assert {(each.account, each.kind) for each in found} == {("A", "order")}
    assert all(each.at > 0 for each in found)
    assert [each.number for each in reader.read("A", 2, 2, soon())] == [3, 4]
    assert reader.read("A", 5, 10, soon()) == []
    assert reader.read("A", 0, 0, soon()) == []
    assert reader.bump("A", soon()) == 5
    row = reader.accounts(soon())[0]
    assert (row.first_no, row.last_no) == (1, 5)


def test_a_spooled_event_is_recorded_once(world: World) -> None:
    store = world.open()
    lease = leased(store)
    assert store.settle([lease], [], [event(1), event(2)], soon()) == {"A": 2}
    assert store.settle([lease], [], [event(1), event(2), event(3)], soon()) == {"A": 3}
    other = [event(n, spool="另一份") for n in (1, 2, 2, 1)]
    assert store.settle([lease], [], other, soon()) == {"A": 5}
    world.advance(11)
    new = leased(store, owner="新的")
    assert new.last_no == 5
    assert store.settle([new], [], [event(3), event(4)], soon()) == {"A": 6}  # 换了任也认得
    assert [each.number for each in store.read("A", 0, 99, soon())] == [1, 2, 3, 4, 5, 6]
    assert store.settle([], [], [], soon()) == {}


def test_each_account_has_its_own_numbers(world: World) -> None:
    store = world.open()
    leases = [leased(store), leased(store, "B")]
    told = store.settle(leases, [], [event(1), event(1, "B"), event(2, "B")], soon())
    assert told == {"A": 1, "B": 2}
    with pytest.raises(UsageError, match="account"):
        store.settle(leases[:1], [], [event(9, "B")], soon())
    with pytest.raises(UsageError, match="account"):
        store.settle(leases[:1], [outcome(store.post(world.wish("B"), soon()).command)], [], soon())


def test_no_gap_and_none_missed_with_four_writers_and_a_reader(world: World) -> None:
    """读的人只问「比上次大的」：编号照提交的先后给，一条也不会漏。"""
    store = world.open()
    lease = leased(store)
    each_writes, writers = 15, 4
    seen: list[int] = []
    done = threading.Event()
    failures: list[BaseException] = []

    def write(who: int) -> None:
        mine = world.open()
        for n in range(1, each_writes + 1):
            mine.settle([lease], [], [event(n, spool=f"s{who}")], soon(20))

    def read() -> None:
        mine = world.open()
        while True:
            last = done.is_set()
            found = mine.read("A", seen[-1] if seen else 0, 7, soon(20))
            seen.extend(each.number for each in found)
            if last and not found:
                return

    threads = [
        threading.Thread(target=_guarded(write, failures), args=(w,)) for w in range(writers)
    ]
    reader = threading.Thread(target=_guarded(read, failures))
    for each in (*threads, reader):
        each.start()
    for each in threads:
        each.join(60)
    done.set()
    reader.join(60)
    assert not failures, failures
    assert seen == list(range(1, each_writes * writers + 1))


def _guarded(work: Callable[..., None], failures: list[BaseException]) -> Callable[..., None]:
    def run(*given: Any) -> None:
        try:
            work(*given)
        except BaseException as exc:
            failures.append(exc)

    return run


def test_alarms_are_found_again(world: World) -> None:
    store = world.open()
    leases = [leased(store), leased(store, "B")]
    store.settle(leases, [], [event(1), event(2, kind="duplicate")], soon())
    store.settle(leases, [], [event(1, "B", kind="late_order"), event(2, "B")], soon())
    found = store.alarms(soon())
    assert [(each.account, each.number, each.kind) for each in found] == [
        ("A", 2, "duplicate"), ("B", 1, "late_order"),
    ]  # fmt: skip
    assert store.alarms(soon(), since=found[-1].at + 1) == []
    assert len(store.alarms(soon(), most=1)) == 1


# ---- 问题


def test_a_question_is_taken_and_answered_once(world: World) -> None:
    strategy, agent = world.open(), world.open()
    lease = leased(agent)
    number, box = strategy.ask(question(verb="history", arguments='{"args":["600036"]}'), soon())
    assert box == ""
    assert strategy.replies([number], soon()) == {}
    (asked,) = agent.questions([lease], 10, soon())
    assert (asked.number, asked.account, asked.verb, asked.arguments, asked.host) == (
        number, "A", "history", '{"args":["600036"]}', "H",
    )  # fmt: skip
    assert asked.login
    assert "read" in asked.may
    assert 0 < asked.left_s <= 5
    assert agent.questions([lease], 10, soon()) == []
    agent.reply({number: '{"result":"答"}', 10**9: "没有人等"}, soon())
    assert strategy.replies([number, 10**9 + 1], soon()) == {number: '{"result":"答"}'}
    assert strategy.replies([number], soon()) == {}


def test_a_question_nobody_waits_for(world: World) -> None:
    store = world.open()
    lease = leased(store)
    old, _ = store.ask(question(left_s=2.0), soon())
    taken, _ = store.ask(question(left_s=2.5), soon())
    assert len(store.questions([lease], 1, soon())) == 1
    world.advance(3)
    store.renew([lease], soon())
    assert store.questions([lease], 10, soon()) == []
    store.reply({old: "{}", taken: "{}"}, soon())
    assert store.replies([old, taken], soon()) == {}


def test_questions_of_my_accounts_only(world: World) -> None:
    store, other = world.open(), world.open()
    lease = leased(store)
    leased(other, "B", owner="另一个")
    numbers = [store.ask(question(each), soon())[0] for each in ("A", "B", "A")]
    got = store.questions([lease], 1, soon()) + store.questions([lease], 9, soon())
    assert [each.number for each in got] == [numbers[0], numbers[2]]


# ---- 额度


def test_a_budget_is_drawn_in_slices(world: World) -> None:
    store = world.open()
    store.greet(soon())
    assert store.draw("fleet", "orders", 1, 10, "h", soon()) is None
    store.set_budget("fleet", "orders", 25, soon())
    assert store.draw("fleet", "orders", 1, 10, "h1", soon()) == 10
    assert store.draw("fleet", "orders", 1, 10, "h2", soon()) == 10
    assert store.draw("fleet", "orders", 6, 10, "h1", soon()) == 0
    assert store.draw("fleet", "orders", 5, 10, "h1", soon()) == 5
    assert store.draw("fleet", "orders", 1, 10, "h1", soon()) == 0
    assert store.draw("fleet", "yuan", 1, 10, "h1", soon()) is None
    assert [tuple(each) for each in store.budgets(soon())] == [("fleet", "orders", 25, 25)]
    store.set_budget("fleet", "orders", 20, soon())
    assert store.draw("fleet", "orders", 1, 1, "h1", soon()) == 0  # 调小了：已经领的还在
    store.set_budget("fleet", "orders", 30, soon())
    assert store.draw("fleet", "orders", 1, 99, "h1", soon()) == 5
    store.set_budget("fleet", "orders", None, soon())
    assert store.budgets(soon()) == []


def test_never_above_what_is_allowed(world: World) -> None:
    store = world.open()
    leased(store, groups=["g"])
    store.set_budget("group:g", "yuan", 1000, soon())
    got: list[int] = []

    def draw(who: int) -> None:
        mine = world.open()
        while amount := mine.draw("group:g", "yuan", 1, 37, f"h{who}", soon(20)):
            got.append(amount)

    threads = [threading.Thread(target=draw, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sum(got) == 1000
    assert store.budgets(soon())[0].taken == 1000


# ---- 开关


def test_switches_are_kept(world: World) -> None:
    store, other = world.open(), world.open()
    store.greet(soon())
    store.set_switch("fleet", True, soon(), why="收市", cancel_open=True)
    store.set_switch("account:A", True, soon())
    store.set_switch("account:A", True, soon(), why="再说一次")
    found = {each.scope: each for each in other.switches(soon())}
    assert set(found) == {"fleet", "account:A"}
    assert (found["fleet"].cancel_open, found["fleet"].why) == (True, "收市")
    assert (found["account:A"].cancel_open, found["account:A"].why) == (False, "再说一次")
    assert found["fleet"].by
    assert found["fleet"].at > 0
    other.set_switch("fleet", False, soon())
    other.set_switch("fleet", False, soon())
    assert [each.scope for each in store.switches(soon())] == ["account:A"]


def test_a_weaker_press_does_not_weaken_the_switch(world: World) -> None:
    """连同撤单的停了之后又按了一次不撤的：还没有看到的机器照撤，撤过的不再撤一遍。"""
    store = world.open()
    store.greet(soon())
    store.set_switch("fleet", True, soon(), why="着火了", cancel_open=True)
    (first,) = store.switches(soon())
    store.set_switch("fleet", True, soon(), why="先别动")
    (found,) = store.switches(soon())
    assert (found.cancel_open, found.why, found.at) == (True, "先别动", first.at)
    store.set_switch("fleet", True, soon(), cancel_open=True)
    (found,) = store.switches(soon())
    assert (found.cancel_open, found.at >= first.at) == (True, True)
    store.set_switch("fleet", False, soon())
    store.set_switch("fleet", True, soon())
    assert not store.switches(soon())[0].cancel_open


# ---- 提示


def test_a_hint_wakes_who_waits(world: World) -> None:
    store, other = world.open(), world.open()
    store.greet(soon())
    eventually(lambda: not store.wait("没有人叫的", 0.05))  # 刚连上的可以先醒一次
    woken = threading.Event()

    def wait() -> None:
        while not woken.is_set():
            if store.wait("题目", 5.0):
                woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    for _ in range(100):
        other.hint(["题目", "别的"])
        if woken.wait(0.05):
            break
    thread.join(10)
    assert woken.is_set()


def test_a_hint_before_the_wait_counts_once(world: World) -> None:
    store = world.open()
    store.greet(soon())
    store.wait("t", 0.01)
    store.hint(["t", "t"])
    store.hint(["t"])
    assert store.wait("t", 5.0)
    eventually(lambda: not store.wait("t", 0.05))  # 从别的路也许再来一次，但不会没完
    store.hint([])


def test_closing_wakes_who_waits(world: World) -> None:
    store = world.open()
    store.greet(soon())
    told: list[bool] = []
    thread = threading.Thread(target=lambda: told.append(store.wait("t", 60)))
    thread.start()
    store.close()
    thread.join(10)
    assert told == [False]
    store.close()
    with pytest.raises(StoreDownError):
        store.greet(soon())
    store.hint(["t"])
    world.opened.remove(store)


def test_posts_wake_who_said_they_wait(world: World) -> None:
    store = world.open()
    lease = leased(store)
    assert not store.idle([lease], soon())
    assert store.post(world.wish(), soon()).box == "box1"
    assert claimed(store, [lease])
    assert store.post(world.wish(), soon()).box == ""  # 忙着，会自己看到
    assert store.ask(question(), soon())[1] == ""
    assert store.idle([lease], soon())  # 有活，不要去等
    claimed(store, [lease])
    store.questions([lease], 9, soon())
    assert not store.idle([lease], soon())
    assert store.ask(question(), soon())[1] == "box1"
    assert store.post(world.wish("A", command_id="c1"), soon()).box == ""  # 没有记下什么


# ---- 期限、参数


def test_no_call_hangs_when_the_store_is_held(world: World) -> None:
    store = world.open()
    lease = leased(store)
    store.set_budget("fleet", "orders", 5, soon())
    free = world.hold()
    try:
        for ask in (
            lambda: store.post(world.wish(), soon(0.1)),
            lambda: store.claim([lease], 9, soon(0.1)),
            lambda: store.settle([lease], [], [event(1)], soon(0.1)),
            lambda: store.renew([lease], soon(0.1)),
        ):
            with pytest.raises((StoreDownError, StoreUnknownError)):
                ask()
        store.hint(["t"])
    finally:
        free()
    assert store.post(world.wish(), soon()).fresh
    assert store.settle([lease], [], [event(1)], soon()) == {"A": 1}


def test_bad_arguments_are_named(world: World) -> None:
    store = world.open()
    for argument, call in _BAD:
        with pytest.raises(UsageError) as caught:
            call(store, world)
        assert caught.value.argument == argument, caught.value


def _bad(name: str, value: Any) -> Outcome:
    return Outcome("A", "c", 1, "placed")._replace(**{name: value})


_L = Lease("A", 1, "o", 0, 0.0, "t")
_BAD: list[tuple[str, Callable[[Any, World], object]]] = [
    ("account", lambda s, w: s.post(w.wish(""), soon())),
    ("account", lambda s, w: s.post(w.wish("a\0b"), soon())),
    ("account", lambda s, w: s.post(w.wish(3), soon())),
    ("command_id", lambda s, w: s.post(w.wish(command_id="x" * 200), soon())),
    ("request", lambda s, w: s.post(w.wish(request="\ud800"), soon())),
    ("verb", lambda s, w: s.post(w.wish(verb="drop table"), soon())),
    ("verb", lambda s, w: s.post(w.wish(verb="balance"), soon())),
    ("effect", lambda s, w: s.post(w.wish(effect="cancel"), soon())),
    ("arguments", lambda s, w: s.post(w.wish(arguments="\0"), soon())),
    ("digest", lambda s, w: s.post(w.wish(digest=b"d"), soon())),
    ("valid_s", lambda s, w: s.post(w.wish(valid_s=0), soon())),
    ("valid_s", lambda s, w: s.post(w.wish(valid_s=float("nan")), soon())),
    ("valid_s", lambda s, w: s.post(w.wish(valid_s="5"), soon())),
    ("strategy", lambda s, w: s.post(w.wish(strategy="\n"), soon())),
    ("host", lambda s, w: s.post(w.wish(host=None), soon())),
    ("limits", lambda s, w: s.post(w.wish(limits=None), soon())),
    ("request", lambda s, _: s.withdraw("A", "", soon())),
    ("numbers", lambda s, _: s.outcomes(["1"], soon())),
    ("numbers", lambda s, _: s.replies([True], soon())),
    ("command_id", lambda s, _: s.find("A", "", soon())),
    ("verb", lambda s, _: s.ask(question(verb="没有"), soon())),
    ("left_s", lambda s, _: s.ask(question(left_s=-1), soon())),
    ("after", lambda s, _: s.read("A", -1, 5, soon())),
    ("most", lambda s, _: s.read("A", 0, 1.5, soon())),
    ("names", lambda s, _: s.accounts(soon(), "A")),
    ("owner", lambda s, _: asking(s, owner="")),
    ("box", lambda s, _: asking(s, box=None)),
    ("groups", lambda s, _: asking(s, groups="g")),
    ("groups", lambda s, _: asking(s, groups=[""])),
    ("previous", lambda s, _: asking(s, previous=None)),
    ("takeover", lambda s, _: asking(s, takeover="maybe")),
    ("most", lambda s, _: s.claim([], 0, soon())),
    ("busy", lambda s, _: s.claim([], 1, soon(), busy="A")),
    ("state", lambda s, _: s.settle([_L], [_bad("state", "queued")], [], soon())),
    ("attempt", lambda s, _: s.settle([_L], [_bad("attempt", 0)], [], soon())),
    ("seq", lambda s, _: s.settle([_L], [_bad("seq", "1")], [], soon())),
    ("n", lambda s, _: s.settle([_L], [], [event(0)], soon())),
    ("kind", lambda s, _: s.settle([_L], [], [event(1, kind="")], soon())),
    ("data", lambda s, _: s.settle([_L], [], [event(1, data="\0")], soon())),
    ("answer", lambda s, _: s.reply({1: None}, soon())),
    ("scope", lambda s, _: s.draw("all", "orders", 1, 1, "h", soon())),
    ("scope", lambda s, _: s.set_switch("group:", True, soon())),
    ("scope", lambda s, _: s.set_switch(None, True, soon())),
    ("kind", lambda s, _: s.set_budget("fleet", "dollars", 1, soon())),
    ("allowed", lambda s, _: s.set_budget("fleet", "orders", -1, soon())),
    ("allowed", lambda s, _: s.set_budget("fleet", "orders", 1.5, soon())),
    ("least", lambda s, _: s.draw("fleet", "orders", 0, 1, "h", soon())),
    ("most", lambda s, _: s.draw("fleet", "orders", 2, 1, "h", soon())),
    ("on", lambda s, _: s.set_switch("fleet", 1, soon())),
    ("force", lambda s, _: s.take_over("A", "b", soon(), force="yes")),
    ("name", lambda s, _: s.keep("", "x", soon())),
    ("name", lambda s, _: s.keep("中" * 30, "x", soon())),
    ("text", lambda s, _: s.keep("n", "x" * 300_000, soon())),
    ("since", lambda s, _: s.alarms(soon(), since="今天")),
    ("state", lambda s, _: s.commands(soon(), states=["odd"])),
]  # fmt: skip
