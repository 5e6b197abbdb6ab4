"""回放：看到的是数据里的，成交不出一根线的最低、最高与成交量，先来的先成交。"""

from __future__ import annotations

import sqlite3
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_data import (
    BUY,
    CODE,
    HEADER,
    SECURITY,
    SELL,
    TICK_HEADER,
    Desk,
    at,
    bar_line,
    market,
    minute_stamps,
    stamp,
    write,
)

from easytrader.errors import SimulatorError, UsageError
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import SimConfig
from easytrader.sim.market.bar_model import BarModel, book_at, lots_at, price_at
from easytrader.sim.market.columns import Bar

MINUTES = 30
JUNK = 57
HELD = ((CODE, 50_000_000, 10**12),)


@st.composite
def bars(draw: st.DrawFn) -> list[tuple[tuple[float, float, float, float], int]]:
    """一段分钟线：有跳开的、一字的、没有量的、很少的。"""
    found = []
    price = 3500
    for _ in range(MINUTES):
        opened = price + draw(st.integers(-15, 15))
        close = opened + draw(st.integers(-8, 8))
        high = max(opened, close) + draw(st.integers(0, 5))
        low = min(opened, close) - draw(st.integers(0, 5))
        volume = draw(st.sampled_from([0, 1, 3, 20, 500, 5000]))
        found.append(((opened / 100, high / 100, low / 100, close / 100), volume))
        price = close
    return found


orders = st.lists(
    st.tuples(
        st.integers(1, MINUTES * 20 - 1),  # 第几跳下
        st.sampled_from([BUY, SELL]),
        st.integers(1, 40),  # 手
        st.integers(-20, 20),  # 离当时最新价几分
        st.sampled_from([11, 11, 11, 44, 42]),
    ),
    max_size=25,
).map(sorted)


def played(
    root: Path, chosen: list[Any], wanted: list[Any], **settings: Any
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """放一遍，返回账本里的委托与成交。"""
    times = minute_stamps(MINUTES)
    lines = [
        bar_line(time, bar, volume, 35.0) for time, (bar, volume) in zip(times, chosen, strict=True)
    ]
    write(root / f"{CODE}.csv", lines)
    desk = Desk(root / "盘", root, positions=HELD, **settings)
    start = at("09:30")
    for tick, side, lots, away, kind in wanted:
        desk.clock.set(start + tick * 3.0)
        desk.engine.advance()
        last = desk.engine._counter.quote(SECURITY).last_li
        desk.submit(side, lots * 100, (last + away * 10) / 1000, kind)
    desk.go("10:00")
    desk.engine.close()
    with sqlite3.connect(desk.folder.store_path) as db:
        found = (
            db.execute(
                "SELECT order_id, order_type, limit_li, status FROM orders ORDER BY order_id"
            ).fetchall(),
            db.execute(
                "SELECT order_id, price_li, volume, tick, passive FROM trades ORDER BY number"
            ).fetchall(),
        )
    db.close()
    return found


MODELS = st.fixed_dictionaries(
    {
        "bar_path": st.sampled_from(["adverse", "body", "low_first", "high_first"]),
        "bar_share": st.sampled_from([0.05, 0.25, 1.0]),
        "bar_queue": st.sampled_from(["through", "shown"]),
    }
)


@given(chosen=bars(), wanted=orders, model=MODELS)
def test_fills_stay_inside_the_bars(
    chosen: list[Any], wanted: list[Any], model: dict[str, Any]
) -> None:
    """挂单成交在自己的价，不会更好；线没有碰到（缺省是穿过）它就不成交；合起来不超过那一份。"""
    with tempfile.TemporaryDirectory() as folder:
        placed, trades = played(Path(folder), chosen, wanted, **model)
    sides = {row[0]: row[1] for row in placed}
    limits = {row[0]: row[2] for row in placed}
    first = int(at("09:30") // 3)
    filled: dict[tuple[int, int], int] = defaultdict(int)
    for order_id, price_li, volume, tick, passive in trades:
        number = (tick - first - 1) // 20
        (_, high, low, _), _ = chosen[number]
        low_li, high_li = round(low * 1000), round(high * 1000)
        if passive:
            assert price_li == limits[order_id]
            margin = 10 * (model["bar_queue"] == "through")
            if sides[order_id] == BUY:
                assert low_li <= price_li - margin
            else:
                assert high_li >= price_li + margin
        else:
            assert low_li <= price_li <= high_li
        filled[number, sides[order_id]] += volume
    for (number, _), volume in filled.items():
        assert volume <= int(chosen[number][1] * model["bar_share"]) * 100


def test_a_resting_order_trades_at_its_own_price(tmp_path: Path) -> None:
    """下一根线跳到限价之下：自己的买单按自己的价成交，不按线里更低的价。"""
    times = minute_stamps(2)
    bars = [(35.0, 35.05, 34.95, 35.0), (34.5, 34.6, 34.4, 34.5)]
    write(tmp_path / f"{CODE}.csv", map(bar_line, times, bars))
    desk = Desk(tmp_path / "盘", tmp_path)
    desk.go("09:30:30")
    desk.submit(BUY, 200, 34.9)
    desk.go("09:32")
    assert [(row.traded_price, row.traded_volume) for row in desk.trades()] == [(34.9, 200)]
    desk.engine.close()


@pytest.mark.parametrize(("queue", "fills"), [("through", False), ("shown", True)])
def test_a_touch_is_not_a_fill_unless_asked_for(tmp_path: Path, queue: str, fills: bool) -> None:
    write(
        tmp_path / f"{CODE}.csv",
        [bar_line(time, (35.0, 35.01, 34.9, 35.0)) for time in minute_stamps(10)],
    )
    desk = Desk(tmp_path / "盘", tmp_path, bar_queue=queue)
    desk.go("09:30:03")
    touched = desk.submit(BUY, 100, 34.9).answer.order_id
    crossed = desk.submit(BUY, 100, 34.91).answer.order_id
    desk.go("09:40")
    done = {row.order_id for row in desk.trades()}
    assert (touched in done) is fills
    assert crossed in done
    desk.engine.close()


@pytest.mark.parametrize(
    ("path", "same_day", "rising", "low_first"),
    [
        ("adverse", False, True, True),
        ("adverse", False, False, True),
        ("adverse", True, True, False),
        ("body", False, True, True),
        ("body", True, False, False),
        ("low_first", True, False, True),
        ("high_first", False, True, False),
    ],
)
def test_which_extreme_comes_first(
    path: str, same_day: bool, rising: bool, low_first: bool
) -> None:
    bar = Bar(0, 1000, 1100, 900, 1050 if rising else 950, 100, 0)
    assert BarModel(path).low_first(bar, same_day) is low_first


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"bar_path": "random"}, "adverse body low_first high_first"),
        ({"bar_share": 0}, "大于 0"),
        ({"bar_share": 1.5}, "不超过 1"),
        ({"bar_share": True}, "比例"),
        ({"bar_queue": "front"}, "through 或 shown"),
    ],
)
def test_a_wrong_bar_model_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        SimConfig(**settings)


@given(chosen=bars(), wanted=orders)
def test_better_and_earlier_orders_go_first(chosen: list[Any], wanted: list[Any]) -> None:
    """挂单轮到一笔时，同方向、先挂上的、价格更好或同价的，都已经成完了。"""
    limits_only = [each for each in wanted if each[4] == 11]
    with tempfile.TemporaryDirectory() as folder:
        placed, trades = played(Path(folder), chosen, limits_only)
    first = int(at("09:30") // 3)
    whole, since = {}, {}
    for (order_id, *_), (tick, _, lots, _, _) in zip(placed, limits_only, strict=True):
        whole[order_id], since[order_id] = lots * 100, first + tick
    alive = {row[0]: row for row in placed if row[3] != JUNK}
    done: dict[int, int] = defaultdict(int)
    for order_id, _, volume, tick, passive in trades:
        _, side, limit, _ = alive[order_id]
        for other, its_side, its_limit, _ in alive.values():
            better = its_limit > limit if side == BUY else its_limit < limit
            earlier = its_limit == limit and other < order_id
            if passive and its_side == side and (better or earlier) and since[other] < tick:
                assert done[other] == whole[other]
        done[order_id] += volume


def test_same_price_first_come_first_served(tmp_path: Path) -> None:
    times = minute_stamps(10)
    lines = [bar_line(time, (35.0, 35.01, 34.9, 35.0), 100) for time in times]
    write(tmp_path / f"{CODE}.csv", lines)
    desk = Desk(tmp_path / "盘", tmp_path, bar_share=1.0)
    desk.go("09:30:03")
    ids = [desk.submit(BUY, 4000, price).answer.order_id for price in (34.95, 34.96, 34.95, 34.96)]
    desk.go("09:40")
    finished = [row.order_id for row in desk.trades()]
    for order_id in ids:
        assert order_id in finished
    sequence = list(dict.fromkeys(finished))
    assert sequence == [ids[1], ids[3], ids[0], ids[2]]
    desk.engine.close()


@given(chosen=bars())
def test_path_and_span_and_volume_of_the_market(chosen: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        times = minute_stamps(MINUTES)
        write(
            Path(folder) / f"{CODE}.csv",
            [bar_line(t, b, v) for t, (b, v) in zip(times, chosen, strict=True)],
        )
        replay = market(Path(folder))
        first = replay.tick_at(at("09:30"))
        total = MINUTES * 20
        path = replay.path(SECURITY, first, first + total)
        for start in range(0, total, 37):
            low, high = replay.span(SECURITY, first + start + 1, first + total)
            assert low <= min(path[start + 1 :])
            assert max(path[start + 1 :]) <= high
        for number, (bar, volume) in enumerate(chosen):
            inside = path[number * 20 + 1 : number * 20 + 21]
            if not volume:
                assert len(set(inside)) == 1
                continue
            # 四个价都走到
            assert inside[0] == round(bar[0] * 1000)
            assert inside[-1] == round(bar[3] * 1000)
            assert max(inside) == round(bar[1] * 1000)
            assert min(inside) == round(bar[2] * 1000)
            shown = passed = 0
            for tick in range(first + number * 20 + 1, first + number * 20 + 21):
                quote = replay.quote(SECURITY, tick)
                asks, bids = (
                    [level.price_li for level in side] for side in (quote.asks, quote.bids)
                )
                assert asks == sorted(set(asks))
                assert bids == sorted(set(bids), reverse=True)
                assert not asks or not bids or bids[0] < asks[0]
                shown += max(sum(each.volume for each in side) for side in (quote.asks, quote.bids))
                passed += replay.prints(SECURITY, tick).volume
            assert shown + passed <= volume * 100


@given(
    st.integers(1, 10**6),
    st.integers(4, 60),
    st.lists(st.integers(1, 500), min_size=4, max_size=4),
)
def test_a_bar_is_spent_exactly(volume: int, count: int, prices: list[int]) -> None:
    low, *middle, high = sorted(prices)
    bar = Bar(0, middle[0] * 10, high * 10, low * 10, middle[1] * 10, volume, 0)
    shares = [sum(lots_at(bar.volume // 100, at, count)) for at in range(1, count + 1)]
    assert min(shares) >= 0
    assert sum(shares) == volume // 100
    for low_first in (True, False):
        path = [price_at(bar, at, count, 10, low_first) for at in range(1, count + 1)]
        assert (path[0], path[-1]) == (bar.open_li, bar.close_li)
        assert (min(path), max(path)) == (bar.low_li, bar.high_li)
    for price in path:
        for lifted in (True, False):
            asks, bids = book_at(bar, price, lifted, 10, (10, 100))
            assert asks
            assert bids
            assert asks[0].price_li - bids[0].price_li == 10
            if high == low:  # 一个价的线：最多差一个价位
                assert price in (asks[0].price_li, bids[0].price_li)


def test_nothing_of_the_future_shows(tmp_path: Path) -> None:
    """同一段历史，后面怎么走，前面看到的都一样。"""
    times = minute_stamps(5)
    calm = [bar_line(time, (35.0, 35.1, 34.9, 35.0)) for time in times]
    crash = [*calm[:3], *(bar_line(time, (33.0, 33.1, 32.0, 32.0)) for time in times[3:])]
    quotes = []
    for name, lines in (("甲", calm), ("乙", crash)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / f"{CODE}.csv", lines)
        replay = market(tmp_path / name)
        first = replay.tick_at(at("09:30"))
        quotes.append([replay.quote(SECURITY, tick) for tick in range(first, first + 61)])
    assert quotes[0] == quotes[1]


def test_a_missing_minute_has_no_book_and_a_missing_day_is_a_suspension(tmp_path: Path) -> None:
    times = minute_stamps(3)
    lines = [bar_line(time, (35.0, 35.1, 34.9, 35.05)) for time in (times[0], times[2])]
    lines.append(bar_line(stamp("09:31:00", "2026-03-04"), (36.0, 36.1, 35.9, 36.0), 10, ""))
    write(tmp_path / f"{CODE}.csv", lines)
    replay = market(tmp_path)
    hole = replay.quote(SECURITY, replay.tick_at(at("09:31:30")))
    assert hole.asks == hole.bids == ()
    assert hole.last_li == 35_050
    assert not hole.suspended
    absent = replay.quote(SECURITY, replay.tick_at(at("10:00", "2026-03-03")))
    assert absent.suspended
    assert absent.last_li == absent.pre_close_li == 35_050
    back = replay.quote(SECURITY, replay.tick_at(at("09:31", "2026-03-04")))
    assert back.pre_close_li == 35_050  # 没有 preClose，取数据里的上一个收盘
    with pytest.raises(SimulatorError, match=r"还没有开始：2026-02-27"):
        replay.quote(SECURITY, replay.tick_at(at("10:00", "2026-02-27")))
    with pytest.raises(SimulatorError, match=r"没有 000001\.SZ"):
        replay.quote(parse_security("000001.SZ"), replay.tick_at(at("10:00")))


def test_a_bar_at_the_limit_has_one_side(tmp_path: Path) -> None:
    times = minute_stamps(2)
    lines = [
        bar_line(times[0], (38.5, 38.5, 38.5, 38.5)),
        bar_line(times[1], (31.5, 31.5, 31.5, 31.5)),
    ]
    write(tmp_path / f"{CODE}.csv", lines)
    replay = market(tmp_path)
    up = replay.quote(SECURITY, replay.tick_at(at("09:31")))
    assert up.asks == ()
    assert up.bids[0].price_li == up.limit_up_li == 38_500
    down = replay.quote(SECURITY, replay.tick_at(at("09:32")))
    assert down.bids == ()
    assert down.asks[0].price_li == down.limit_down_li == 31_500
    assert replay.prints(SECURITY, replay.tick_at(at("09:31"))).volume == 0


def test_a_day_without_data_refuses_orders(tmp_path: Path) -> None:
    write(tmp_path / f"{CODE}.csv", [bar_line(minute_stamps(1)[0], (35.0, 35.1, 34.9, 35.0))])
    desk = Desk(tmp_path / "盘", tmp_path)
    desk.go("10:00", "2026-03-03")
    outcome = desk.submit(BUY, 100, 35.0)
    assert [event.kind for event in outcome.events] == ["order_error", "order"]
    assert "停牌" in outcome.events[0].row.error_msg
    assert outcome.events[1].row.order_status == JUNK
    desk.engine.close()


def tick_line(clock: str, last: float, volume: int, asks: str = "", bids: str = "") -> str:
    asks = asks or "35.01 35.02 35.03 35.04 35.05"
    bids = bids or "35.00 34.99 34.98 34.97 34.96"
    lists = [f'"[{", ".join(text.split())}]"' for text in (asks, bids, "7 8 9 10 11", "1 2 3 4 5")]
    return f"{stamp(clock)},{last},35,35.1,34.9,34.8,0,{volume},{','.join(lists)}"


def test_snapshots_are_replayed_as_they_were(tmp_path: Path) -> None:
    lines = [
        tick_line("09:29:57", 0, 0),
        tick_line("09:30:01", 35.0, 10),
        tick_line("09:30:02", 34.97, 15),
        tick_line("09:30:06", 35.01, 40, asks="0 0 0 0 0"),
    ]
    write(tmp_path / f"{CODE}_tick.csv", lines, TICK_HEADER)
    replay = market(tmp_path, "tick")
    first = replay.tick_at(at("09:30"))
    opened = replay.quote(SECURITY, first)
    assert opened.last_li == opened.pre_close_li == 34_800
    quote = replay.quote(SECURITY, first + 1)
    assert quote.last_li == 34_970
    assert [tuple(level) for level in quote.asks[:2]] == [(35_010, 700), (35_020, 800)]
    assert [tuple(level) for level in quote.bids[:2]] == [(35_000, 100), (34_990, 200)]
    assert tuple(replay.prints(SECURITY, first + 1)[:3]) == (34_800, 35_000, 1500)
    later = replay.prints(SECURITY, first + 2)
    assert (later.low_li, later.high_li, later.volume) == (34_970, 35_010, 2500)
    assert replay.quote(SECURITY, first + 2).asks == ()
    assert replay.prints(SECURITY, first + 3).volume == 0


def test_the_same_data_gives_the_same_day(tmp_path: Path) -> None:
    times = minute_stamps(MINUTES)
    chosen = [
        ((35 + n % 7 / 100, 35.12, 34.9, 35 + n % 5 / 100), 50 * (n % 4)) for n in range(MINUTES)
    ]
    wanted = [(t * 9, BUY if t % 3 else SELL, 3, t % 11 - 5, 11) for t in range(1, 60)]
    assert len(times) == MINUTES
    found = []
    for name in ("甲", "乙"):
        (tmp_path / name).mkdir()
        found.append(played(tmp_path / name, chosen, wanted))
    assert found[0] == found[1]
    assert len(found[0][1]) > 10


def test_tick_s_must_leave_room_for_four_prices(tmp_path: Path) -> None:
    write(tmp_path / f"{CODE}.csv", [bar_line(minute_stamps(1)[0], (35, 35, 35, 35))])
    assert market(tmp_path, tick_s=15.0)
    with pytest.raises(UsageError, match="不大于 15 秒"):
        market(tmp_path, tick_s=16.0)


def test_header_is_the_vendors() -> None:
    assert HEADER.split(",")[:6] == ["time", "open", "high", "low", "close", "volume"]
