"""回调与列表合成一件事：怎样重复、乱序、穿插，状态只前进，每笔成交一次，什么都不丢。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from easytrader.backend.records import OrderChanged, Side, Trade, Traded
from easytrader.bigqmt.convert import Deal, Named, PlacedOrder
from easytrader.bigqmt.reducer import Reducer, is_ahead, state
from easytrader.codes import FINAL_STATUSES, STATUS_RANK

if TYPE_CHECKING:
    from easytrader.backend.records import PushEvent

DAY = "20261130"
NUMBER = 7


def order(
    status: int, traded: int = 0, sysid: str = "12", number: int = NUMBER, **more: Any
) -> PlacedOrder:
    return PlacedOrder(
        stock_code="600000.SH", order_id=number, side=Side.BUY, order_volume=300,
        order_status=status, order_time=100 + number, price=10.0, traded_volume=traded,
        order_sysid=sysid, **{"day": DAY, "exchange": "SH", **more},
    )  # fmt: skip


def deal(key: str, number: int = NUMBER, day: str = DAY) -> Deal:
    def make(named: Named) -> Trade:
        return Trade(
            stock_code="600000.SH", order_id=named.number, side=Side.BUY, traded_id=key,
            traded_time=200, traded_price=10.0, traded_volume=100,
        )  # fmt: skip

    return Deal(day, "SH", "12", "", f"{key} {number}", make)


def known(_: Deal, __: bool) -> Named:
    return Named(NUMBER, "")


def states(events: list[PushEvent]) -> list[tuple[int, int, str]]:
    found = [each.order for each in events if isinstance(each, OrderChanged)]
    return [(each.order_status, int(each.traded_volume), each.order_sysid) for each in found]


def ids_of(events: list[PushEvent]) -> list[str]:
    return [each.trade.traded_id for each in events if isinstance(each, Traded)]


class Step(NamedTuple):
    """终端说的一句：从哪里、说的是一生里的第几步。"""

    listed: bool
    at: int
    deal: bool


# 一笔委托的一生：客户端说得出的样子，先后
LIVES = (
    (order(48, sysid=""), order(50, sysid=""), order(50), order(55, 100), order(55, 200),
     order(56, 300)),
    (order(50, sysid=""), order(50), order(51), order(54, cancelled=300)),
    (order(50), order(55, 100), order(52, 100), order(53, 100, cancelled=200)),
    (order(50, sysid=""), order(57, sysid="", status_msg="[COUNTER][260200][可用资金不足]")),
    (order(50), order(51), order(55, 100), order(56, 300)),
)  # fmt: skip

STEPS = st.lists(
    st.builds(Step, listed=st.booleans(), at=st.integers(0, 5), deal=st.booleans()), max_size=30
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(LIVES), STEPS, st.booleans())
def test_any_interleaving_goes_forward_and_ends_right(
    life: tuple[PlacedOrder, ...], steps: list[Step], quiet: bool
) -> None:
    one = Reducer(known, lambda: DAY)
    events: list[PushEvent] = []
    listed = 0
    first = quiet
    for step in steps:
        at = min(step.at, len(life) - 1)
        if step.listed:
            listed = max(listed, at)  # 一个来源的列表不会倒着走
            events += one.list_orders([life[listed]], quiet=first)
            first = False
        elif step.deal:
            events += one.add_deals([deal(f"t{step.at}")], 0.0)
        else:
            events += one.push_order(life[at])
        shown = one.order(NUMBER)
        assert shown is None or STATUS_RANK[shown.order_status] >= 0
    events += one.list_orders([life[-1]])
    told = states(events)
    ranks = [STATUS_RANK[each[0]] for each in told]
    volumes = [each[1] for each in told]
    assert len(told) == len(set(told))  # 一个样子一次
    assert volumes == sorted(volumes)
    # 名次只在成交多了的时候才可能小（撤单没有成，接着成交）
    for (rank, volume), (next_rank, next_volume) in zip(
        zip(ranks, volumes, strict=True), list(zip(ranks, volumes, strict=True))[1:], strict=False
    ):
        assert next_rank >= rank or next_volume > volume
    final = one.order(NUMBER)
    assert final is not None
    assert (final.order_status, final.traded_volume) == (
        life[-1].order_status,
        life[-1].traded_volume,
    )
    assert len(ids_of(events)) == len(set(ids_of(events)))
    assert set(ids_of(events)) == {f"t{each.at}" for each in steps if each.deal and not each.listed}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.data())
def test_nothing_is_lost_when_trades_come_before_their_order(
    keys: list[int], data: st.DataObject
) -> None:
    seen: set[str] = set()

    def name(one: Deal, now: bool) -> Named | None:
        return Named(NUMBER, "") if seen or now else None

    reducer = Reducer(name, lambda: DAY)
    events: list[PushEvent] = []
    shown_at = data.draw(st.integers(0, len(keys)))
    for at, key in enumerate(keys):
        if at == shown_at:
            seen.add("12")
            events += reducer.push_order(order(50)) + reducer.adopt(1.0)
        events += reducer.add_deals([deal(f"t{key}")], 0.0)
    events += reducer.adopt(100.0)  # 一直没有见到委托的，也不丢
    assert sorted(ids_of(events)) == sorted({f"t{key}" for key in keys})
    assert [each.traded_id for each in reducer.trades()] == ids_of(events)


class TestView:
    """查询看到的。"""

    def test_the_callback_may_be_ahead_of_the_list(self) -> None:
        one = Reducer(known, lambda: DAY)
        one.list_orders([order(50)])
        one.push_order(order(56, 300))
        assert one.order(NUMBER) == order(56, 300)
        one.list_orders([order(55, 100)])  # 缓存还慢着
        assert one.order(NUMBER) == order(56, 300)

    def test_the_list_wins_once_it_caught_up(self) -> None:
        one = Reducer(known, lambda: DAY)
        one.push_order(order(51))
        one.list_orders([order(51)])
        one.list_orders([order(50, submit_status=53)])  # 撤单被拒绝，回来了
        found = one.order(NUMBER)
        assert found is not None
        assert found.order_status == 50

    def test_another_day_drops_the_old(self) -> None:
        one = Reducer(known, lambda: "20261201")
        one.list_orders([order(56, 300)])
        one.add_deals([deal("t1")], 0.0)
        one.list_orders([order(50, number=8, day="20261201")])
        one.keep_orders({8})
        assert [each.order_id for each in one.orders()] == [8]
        assert one.trades() == []

    def test_an_order_dated_tomorrow_hides_nothing(self) -> None:
        one = Reducer(known, lambda: DAY)
        one.list_orders([order(56, 300)])
        one.add_deals([deal("t1")], 0.0)
        one.list_orders([order(50, number=8, day="20261201")])
        one.keep_orders({8})
        assert [each.order_id for each in one.orders()] == [NUMBER, 8]
        assert len(one.trades()) == 1

    def test_the_first_look_is_quiet_and_the_next_is_not(self) -> None:
        one = Reducer(known, lambda: DAY)
        assert one.list_orders([order(50)], quiet=True) == []
        assert one.add_deals([deal("t1")], 0.0, quiet=True) == []
        assert states(one.list_orders([order(55, 100)])) == [(55, 100, "12")]
        assert one.add_deals([deal("t1")], 0.0) == []
        assert ids_of(one.add_deals([deal("t1"), deal("t2")], 0.0)) == ["t2"]


def test_a_late_fill_after_the_end_is_told() -> None:
    one = Reducer(known, lambda: DAY)
    one.list_orders([order(53, 100)])
    assert states(one.list_orders([order(53, 200)])) == [(53, 200, "12")]


def test_ahead_is_never_both_ways() -> None:
    shapes = [each for life in LIVES for each in life]
    for one in shapes:
        for other in shapes:
            assert not (is_ahead(one, other) and is_ahead(other, one)), (state(one), state(other))
            if one.order_status in FINAL_STATUSES and other.order_status not in FINAL_STATUSES:
                assert not is_ahead(other, one)


def test_more_traded_is_ahead_whatever_the_state_says() -> None:
    """撤单报出去了，又成交一笔：「部成」的名次低，而它新。"""
    pending, filled = order(51), order(55, 100)
    assert is_ahead(filled, pending)
    assert not is_ahead(pending, filled)
