"""报什么价、发多少：纯函数，一个界限一个用例。"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from easytrader.market.rules import rules_for
from easytrader.market.rules.quantities import Lot
from easytrader.market.symbols import parse_security
from easytrader.rebalance import slices
from easytrader.rebalance.pricing import Book, Offer, offer, parse

DAY = date(2026, 11, 23)
MAIN, STAR, BSE, FUND, BOND = "600000.SH", "688981.SH", "920819.BJ", "510300.SH", "123107.SZ"
HUNDRED, STAR_LOT = Lot(100, 100), Lot(200, 1)


def asked(
    price: str, buy: bool, code: str = MAIN, *, call: bool = False, **book: Any
) -> Offer | str:
    security = parse_security(code)
    given = {
        "last": 10_000,
        "bids": ((9_990, 100),),
        "asks": ((10_010, 100),),
        "up": 11_000,
        "down": 9_000,
        "volume": 0,
    }
    rules = rules_for(security, DAY)
    return offer(parse(price), buy, Book(**{**given, **book}), security, rules, call=call)


def price(*args: Any, **book: Any) -> int:
    found = asked(*args, **book)
    assert isinstance(found, Offer), found
    return found.price_li


def test_never_beyond_the_limits_of_the_day() -> None:
    wide = {"bids": ((10_980, 1),), "asks": ((10_990, 1),), "last": 10_990}
    assert price("对手价+5", True, **wide) == 11_000
    low = {"bids": ((9_010, 1),), "asks": ((9_020, 1),), "last": 9_010}
    assert price("对手价+5", False, **low) == 9_000


def test_the_cage_of_the_main_board() -> None:
    # 买不高于卖一的 102% 与十个价位里宽的：10.01 × 1.02 = 10.21
    assert price("对手价+50", True) == 10_210
    assert price("对手价+50", False) == 9_790  # 9.99 × 0.98
    assert price("对手价+50", True, call=True) == 10_510  # 集合竞价没有笼子


def test_the_cage_of_a_cheap_share_is_ten_ticks() -> None:
    cheap = {"last": 2_000, "bids": ((1_990, 1),), "asks": ((2_010, 1),), "up": 2_200}
    assert price("对手价+20", True, down=1_800, **cheap) == 2_110


def test_the_cage_of_the_star_board_has_no_ticks() -> None:
    cheap = {"last": 2_000, "bids": ((1_990, 1),), "asks": ((2_000, 1),), "up": 2_400}
    assert price("对手价+20", True, STAR, down=1_600, **cheap) == 2_040


def test_a_fund_has_a_fine_tick_and_no_cage() -> None:
    book = {"last": 4_000, "bids": ((3_999, 1),), "asks": ((4_001, 1),), "up": 4_400}
    assert price("对手价+3", True, FUND, down=3_600, **book) == 4_004
    assert price("对手价+300", True, FUND, down=3_600, **book) == 4_301


@pytest.mark.parametrize(
    ("text", "buy", "found"), [("本方价", True, 10_000), ("对手价", True, 10_000)]
)
def test_an_empty_side_is_read_from_the_last_price(text: str, buy: bool, found: int) -> None:
    if text == "本方价":
        assert price(text, buy, bids=()) == found
    else:
        assert price(text, buy, asks=(), bids=((9_990, 1),)) == found


def test_sealed_limits_and_empty_books_send_nothing() -> None:
    assert asked("对手价", True, asks=(), bids=((11_000, 9),), last=11_000) == "涨停，没有卖盘"
    assert asked("对手价", False, bids=(), asks=((9_000, 9),), last=9_000) == "跌停，没有买盘"
    assert "没有盘口" in str(asked("对手价", True, asks=(), bids=()))
    assert price("最新价", True, asks=(), bids=(), call=True) == 10_000
    # 涨停也能卖
    assert price("对手价", False, asks=(), bids=((11_000, 9),), last=11_000) == 11_000


def test_market_orders_where_they_are_taken() -> None:
    found = asked("最优五档即时成交剩余撤销", True)
    assert found == Offer(0, "最优五档即时成交剩余撤销", 11_000)
    assert asked("市价", False) == Offer(0, "对手方最优价格委托", 9_000)


@pytest.mark.parametrize(
    ("text", "code", "book"),
    [
        ("即时成交剩余撤销委托", MAIN, {}),  # 沪市没有
        ("对手方最优价格委托", BOND, {"last": 100_000, "asks": ((100_010, 1),), "up": None}),
        ("对手方最优价格委托", MAIN, {"call": True}),  # 集合竞价只收限价
    ],
)
def test_market_orders_where_they_are_not_taken_become_limits(
    text: str, code: str, book: dict[str, Any]
) -> None:
    found = asked(text, True, code, **({"down": None} if code == BOND else {}), **book)
    assert isinstance(found, Offer)
    assert found.ttype == ""
    assert found.price_li == (100_010 if code == BOND else 10_010)


@pytest.mark.parametrize(
    ("buy", "wanted", "left", "lot", "held", "found"),
    [
        (True, 350, 350, HUNDRED, 0, 300),
        (True, 50, 50, HUNDRED, 0, 0),
        (True, 150, 300, STAR_LOT, 0, 0),
        (True, 250, 300, STAR_LOT, 0, 0),  # 剩 50 再也买不了，留 200 就只能先买 100：不行
        (True, 250, 500, STAR_LOT, 0, 250),
        (True, 450, 500, STAR_LOT, 0, 300),  # 剩下的还要够 200
        (True, 500, 500, STAR_LOT, 0, 500),
        (False, 350, 350, HUNDRED, 350, 350),  # 零股和整手一起卖完
        (False, 300, 300, HUNDRED, 350, 300),
        (False, 170, 170, HUNDRED, 420, 100),  # 零股是 20，不能拆
        (False, 50, 50, HUNDRED, 50, 50),
        (False, 50, 50, HUNDRED, 150, 50),
        (False, 30, 30, HUNDRED, 150, 0),
        (False, 275, 550, HUNDRED, 550, 200),
        (False, 150, 150, STAR_LOT, 150, 150),  # 不足 200 的一次卖完
        (False, 150, 150, STAR_LOT, 400, 0),
    ],
)
def test_how_much_may_be_sent(
    buy: bool, wanted: int, left: int, lot: Lot, held: int, found: int
) -> None:
    assert slices.orderable(buy, wanted, left, lot, held) == found


def clock(text: str) -> float:
    return slices.clock(text)


@pytest.mark.parametrize(
    ("now", "found"),
    [("10:09:59", 0), ("10:10", 250), ("10:15", 500), ("10:29:59", 1000), ("10:30", 1000)],
)
def test_twap_by_the_clock(now: str, found: int) -> None:
    slicing = slices.parse("twap 10:10-10:30 4")
    begun = clock("09:31")
    assert slices.due(slicing, 1000, begun, clock(now), 0, always=False) == found


def test_twap_does_not_count_lunch() -> None:
    slicing = slices.parse("twap 11:00-13:30 2")
    at = [clock(each) for each in ("11:29", "12:00", "12:59", "13:00", "13:31")]
    done = [slices.due(slicing, 1000, 0, each, 0, always=False) for each in at]
    assert done == [500, 1000, 1000, 1000, 1000]
    assert slices.due(slicing, 1000, 0, clock("12:00"), 0, always=True) == 500


def test_twap_in_minutes_runs_from_the_first_start() -> None:
    slicing = slices.parse("twap 30 3")
    begun = clock("10:00")
    done = [
        slices.due(slicing, 900, begun, begun + minute * 60, 0, always=False)
        for minute in (0, 9, 10, 20, 30)
    ]
    assert done == [300, 300, 600, 900, 900]


def test_a_share_of_the_volume_is_never_more() -> None:
    for text in ("pov 0.1", "pov 10%"):
        slicing = slices.parse(text)
        assert slices.due(slicing, 1000, 0, 0, 5_999, always=False) == 599
        assert slices.due(slicing, 1000, 0, 0, 10**6, always=False) == 1000
