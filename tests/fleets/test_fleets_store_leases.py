"""谁是主人：接管、续租、交接、每一处写的栅栏；两种存储一样。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from fleets.store_worlds import asking, claimed, event, held, leased, outcome, question, soon

from easytrader.errors import UsageError
from easytrader.fleets.words import (
    ABSENT,
    FENCE_S,
    PROTOCOL,
    QUEUED,
    SEND_BY_S,
    SENDING,
    TTL_S,
    UNKNOWN,
    FencedError,
    Held,
    Lease,
)

if TYPE_CHECKING:
    from fleets.store_worlds import World

QUIET_S = FENCE_S + SEND_BY_S


def test_the_first_owner(world: World) -> None:
    store = world.open()
    lease = leased(
        store, owner="me", box="机器 1", broker="sim", groups=["g1", "g2"], takeover="auto",
        address="http://127.0.0.1:7788",
    )  # fmt: skip
    assert (lease.account, lease.epoch, lease.owner, lease.last_no) == ("A", 1, "me", 0)
    assert lease.settle_after_s == 0
    assert lease.timeline == store.greet(soon()).timeline
    (row,) = store.accounts(soon())
    assert (row.account, row.broker, row.groups, row.box) == ("A", "sim", ("g1", "g2"), "机器 1")
    assert (row.epoch, row.alive, row.takeover, row.takeover_to) == (1, True, "auto", "")
    assert TTL_S - 5 < row.lease_left_s <= TTL_S
    assert (row.protocol, row.address) == (PROTOCOL, "http://127.0.0.1:7788")
    assert (row.hello, row.glance) == ("", "")
    assert (row.first_no, row.last_no, row.open) == (1, 0, 0)


def test_a_living_owner_is_not_disturbed(world: World) -> None:
    store, other = world.open(), world.open()
    lease = leased(store, owner="我", takeover="auto")
    for told in (
        {"box": "box2"},
        {"box": "box1"},
        {"box": "box2", "previous": "我"},
        {"box": "box1", "previous": "不是它"},
    ):
        got = held(other, owner="另一个", takeover="auto", **told)
        assert (got.account, got.box) == ("A", "box1")
        assert got.why
    assert store.renew([lease], soon()).kept == {"A"}
    assert store.accounts(soon())[0].epoch == 1


def test_my_own_restart_does_not_wait(world: World) -> None:
    store, again = world.open(), world.open()
    old = leased(store, owner="旧")
    new = leased(again, owner="新", previous="旧")
    assert (new.epoch, new.settle_after_s) == (2, 0)
    assert store.renew([old], soon()).kept == frozenset()


def test_the_same_owner_again_is_another_term(world: World) -> None:
    store = world.open()
    first, second = leased(store), leased(store)
    assert (first.epoch, second.epoch) == (1, 2)
    assert 0 <= second.settle_after_s <= QUIET_S
    assert store.renew([first], soon()).kept == frozenset()
    assert store.renew([second], soon()).kept == {"A"}


def test_an_expired_lease_and_whose_turn_it_is(world: World) -> None:
    store, other = world.open(), world.open()
    leased(store, takeover="manual")
    world.advance(TTL_S + 0.5)
    assert not store.accounts(soon())[0].alive
    got = held(other, owner="二", box="box2", takeover="auto")
    assert "take-over" in got.why or "点头" in got.why
    back = leased(other, owner="三", box="box1", takeover="auto")  # 同一台机器总能回来
    # 比静下来的时刻晚得多；钟也许是跳过来的，还是等到它领走的都过了「最晚几时发」
    assert (back.epoch, back.settle_after_s) == (2, SEND_BY_S)
    world.advance(TTL_S + 0.5)
    assert isinstance(asking(store, owner="四", box="box2", takeover="manual"), Held)
    new = leased(store, owner="五", box="box2", takeover="auto")
    assert new.epoch == 3
    assert store.accounts(soon())[0].box == "box2"


def test_released_at_once_but_not_out_of_turn(world: World) -> None:
    store, other = world.open(), world.open()
    lease = leased(store, takeover="auto")
    store.release([lease], soon())
    row = store.accounts(soon())[0]
    assert (row.box, row.alive) == ("", False)
    new = leased(other, owner="二", box="box2", takeover="auto")
    assert new.epoch == 2
    assert 0 <= new.settle_after_s <= SEND_BY_S
    store.release([lease], soon())  # 早就不是自己的：不碍着别人
    assert store.accounts(soon())[0].alive
    manual = leased(store, "M", takeover="manual")
    store.release([manual], soon())
    held(other, "M", owner="二", box="box2", takeover="auto")
    leased(other, "M", owner="二", box="box1", takeover="auto")


def test_renewing_keeps_it(world: World) -> None:
    store = world.open()
    lease = leased(store)
    for _ in range(3):
        world.advance(TTL_S - 1)
        beat = store.renew([lease], soon())
        assert beat.kept == {"A"}
        assert beat.timeline == lease.timeline
    world.advance(TTL_S + 1)
    assert not store.accounts(soon())[0].alive
    assert store.renew([lease], soon()).kept == {"A"}  # 过期了而没有人接：还是自己的
    assert store.accounts(soon())[0].alive
    assert store.renew([], soon()).kept == frozenset()


def test_a_beat_tells_work_and_switches(world: World) -> None:
    store = world.open()
    lease = leased(store)
    assert not store.renew([lease], soon()).has_work
    store.post(world.wish(), soon())
    store.set_switch("account:A", True, soon(), why="看看", cancel_open=True)
    beat = store.renew([lease], soon())
    assert beat.has_work
    assert [(each.scope, each.cancel_open, each.why) for each in beat.switches] == [
        ("account:A", True, "看看")
    ]
    assert abs(beat.now - store.greet(soon()).now) < 60
    claimed(store, [lease])
    assert not store.renew([lease], soon()).has_work
    store.ask(question(), soon())
    assert store.renew([lease], soon()).has_work
    store.questions([lease], 10, soon())
    assert not store.renew([lease], soon()).has_work


def test_the_quiet_time_of_an_owner_that_may_still_send(world: World) -> None:
    store, other = world.open(), world.open()
    lease = leased(store, takeover="auto")
    store.renew([lease], soon())
    world.advance(1.0)
    told = store.take_over("A", "box2", soon(), force=True)
    assert "box2" in told
    new = leased(other, owner="二", box="box2")
    assert QUIET_S - 3 < new.settle_after_s <= QUIET_S - 1


def test_taking_over_by_hand(world: World) -> None:
    store, other = world.open(), world.open()
    lease = leased(store, takeover="manual")
    with pytest.raises(UsageError, match="force"):
        store.take_over("A", "box2", soon())
    assert store.renew([lease], soon()).kept == {"A"}
    world.advance(TTL_S + 1)
    held(other, owner="二", box="box2")
    store.take_over("A", "box2", soon())
    assert store.accounts(soon())[0].takeover_to == "box2"
    assert store.renew([lease], soon()).kept == frozenset()  # 人说了算，原主人续不回来
    assert isinstance(asking(store, owner="三", box="box1"), Held)
    assert isinstance(asking(store, owner="三", box="box3", takeover="auto"), Held)
    new = leased(other, owner="二", box="box2")
    assert new.epoch == 2
    row = other.accounts(soon())[0]
    assert (row.box, row.takeover_to) == ("box2", "")


def test_forced_over_a_living_owner(world: World) -> None:
    store, other = world.open(), world.open()
    lease = leased(store, owner="旧")
    command = store.post(world.wish(), soon()).command
    store.take_over("A", "box2", soon(), force=True)
    assert claimed(store, [lease]) == []
    assert store.renew([lease], soon()).kept == frozenset()
    held(store, owner="回来", previous="旧")
    new = leased(other, owner="二", box="box2")
    assert [each.number for each in claimed(other, [new])] == [command.number]


def test_a_person_decides_only_after_what_it_took_is_surely_not_sent(world: World) -> None:
    """强接过来的那一刻，原主人手里领走的还会发出去：这时说没有，它随后就有了。"""
    store = world.open()
    lease = leased(store)
    made = store.post(world.wish(), soon()).command
    assert claimed(store, [lease])
    store.take_over("A", "box2", soon(), force=True)
    with pytest.raises(UsageError, match="秒"):
        store.decide("A", made.command_id, ABSENT, soon(), why="看过")
    world.advance(QUIET_S + 1)
    assert store.decide("A", made.command_id, ABSENT, soon(), why="看过").state == ABSENT


def test_permitting_the_box_that_has_it(world: World) -> None:
    store = world.open()
    lease = leased(store)
    store.take_over("A", "box1", soon())
    assert store.renew([lease], soon()).kept == {"A"}
    assert store.accounts(soon())[0].alive


def test_every_write_of_an_old_term_is_refused(world: World) -> None:
    store, other = world.open(), world.open()
    old = leased(store, takeover="auto")
    store.post(world.wish(), soon())
    (command,) = claimed(store, [old])
    store.publish(old, "旧的", "旧的", soon())
    world.advance(TTL_S + 1)
    new = leased(other, owner="二", box="box2", takeover="auto")
    store.post(world.wish(), soon())
    store.ask(question(), soon())
    for lease in (old, old._replace(epoch=new.epoch), new._replace(owner=old.owner)):
        assert store.renew([lease], soon()).kept == frozenset()
        assert claimed(store, [lease]) == []
        assert store.questions([lease], 10, soon()) == []
        assert not store.idle([lease], soon())
        with pytest.raises(FencedError):
            store.settle([lease], [outcome(command)], [event(1)], soon())
        with pytest.raises(FencedError):
            store.left_over(lease, soon())
        store.publish(lease, "假的", "假的", soon())
        store.release([lease], soon())
    row = other.accounts(soon())[0]
    assert (row.hello, row.glance, row.alive, row.last_no) == ("旧的", "旧的", True, 0)
    assert {each.state for each in store.commands(soon())} == {SENDING, QUEUED}
    assert [each.state for each in other.left_over(new, soon())] == [UNKNOWN]
    assert len(claimed(other, [new])) == 1
    assert len(other.questions([new], 10, soon())) == 1


def test_one_of_many_gets_it(world: World) -> None:
    first = world.open()
    leased(first, takeover="auto")
    world.advance(TTL_S + 1)
    stores = [world.open() for _ in range(4)]
    got: list[Lease | Held] = []
    start = threading.Barrier(len(stores))

    def take(store: Any, n: int) -> None:
        start.wait()
        got.append(asking(store, owner=f"o{n}", box=f"b{n}", takeover="auto"))

    threads = [threading.Thread(target=take, args=(s, n)) for n, s in enumerate(stores)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert sorted(type(each).__name__ for each in got) == ["Held", "Held", "Held", "Lease"]


def test_a_face_is_published(world: World) -> None:
    store = world.open()
    lease = leased(store)
    store.publish(lease, '{"state":"已连接"}', '{"cash":1}', soon())
    world.advance(3.0)
    row = store.accounts(soon())[0]
    assert (row.hello, row.glance) == ('{"state":"已连接"}', '{"cash":1}')
    assert 3.0 <= row.glance_age_s < 10
    store.post(world.wish(), soon())
    assert store.accounts(soon())[0].open == 1


def test_accounts_by_name(world: World) -> None:
    store = world.open()
    for name in ("B", "A", "账号 三"):
        leased(store, name)
    assert [each.account for each in store.accounts(soon())] == ["A", "B", "账号 三"]
    assert [each.account for each in store.accounts(soon(), ["B"])] == ["B"]
    assert store.accounts(soon(), []) == []


def test_settling_waits_for_nobody_who_is_surely_gone(world: World) -> None:
    store, other = world.open(), world.open()
    leased(store)
    if not world.kill(store):
        pytest.skip("几台机器的存储看不出谁死了，等租约到期")
    new = leased(other, owner="二")
    assert (new.epoch, new.settle_after_s) == (2, 0)
