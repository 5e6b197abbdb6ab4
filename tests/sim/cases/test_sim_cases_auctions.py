"""手写的集合竞价：一批委托进，一个价格与各自成交多少出；期望照事实表 §9.1 自己算的。"""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from case_reader import FOLDER

from easytrader.sim import auction

ROWS = [
    line
    for line in (FOLDER / "auctions.books").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def _li(price: str) -> int:
    return round(float(price) * 1000)


def _orders(text: str, buy: bool) -> list[Any]:
    pairs = [each.split("x") for each in text.split(",") if each.strip()]
    return [
        auction.Interest(buy, _li(price), int(volume), (rank,))
        for rank, (price, volume) in enumerate(pairs)
    ]


def _row(line: str) -> Any:
    text = line.removeprefix("open ")
    marks = [] if text == line else [pytest.mark.xfail(strict=True, reason=line)]
    return pytest.param(text, id=text, marks=marks)


@pytest.mark.parametrize("line", [_row(line) for line in ROWS])
def test_book(line: str) -> None:
    head, buys, sells = line.partition("=>")[0].split("|")
    expected = line.partition("=>")[2].strip()
    market, reference, tick = head.split()
    bids, asks = _orders(buys.strip(), True), _orders(sells.strip(), False)
    clearing = auction.clear([*bids, *asks], auction.TIE_RULES[market], _li(reference), _li(tick))
    if expected == "-":
        assert clearing is None
        return
    price, volume, fills = re.fullmatch(r"([\d.]+)x(\d+)(?: \[(.+)\])?", expected).groups()
    assert clearing is not None
    assert (clearing.price_li, clearing.volume) == (_li(price), int(volume))
    if fills:
        wanted = [int(each) for each in fills.replace("/", ",").split(",")]
        assert list(clearing.filled) == wanted
    assert sum(clearing.filled[: len(bids)]) == sum(clearing.filled[len(bids) :]) == int(volume)


def _by_the_text(
    market: str, reference: int, tick: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]]
) -> tuple[int, int] | None:
    """照 §9.1 的字面逐个候选价试：上交所只试申报过的价，深、北试每个价位。"""
    submitted = sorted({price for price, _ in bids + asks})
    if not submitted:
        return None
    every = range(submitted[0], submitted[-1] + tick, tick)
    found: list[tuple[int, int, int]] = []  # (成交量, 未成交量, 价)
    for price in submitted if market == "SH" else every:
        demand = sum(volume for at, volume in bids if at >= price)
        supply = sum(volume for at, volume in asks if at <= price)
        traded = min(demand, supply)
        above = sum(volume for at, volume in bids if at > price)
        below = sum(volume for at, volume in asks if at < price)
        if traded and above <= traded and below <= traded:
            found.append((traded, abs(demand - supply), price))
    if not found:
        return None
    most = max(traded for traded, _, _ in found)
    least = min(left for traded, left, _ in found if traded == most)
    prices = [price for traded, left, price in found if (traded, left) == (most, least)]
    if market == "SH":
        middle = prices[0] + prices[-1]
        return (middle + tick) // (2 * tick) * tick, most
    return min(prices, key=lambda price: (abs(price - reference), -price)), most


@pytest.mark.parametrize("market", ["SH", "SZ", "BJ"])
def test_random_books_by_the_text(market: str) -> None:
    chance = random.Random(market)
    crossed = 0
    for _ in range(1500):
        spread, most = chance.choice((2, 5, 12, 40)), chance.choice((3, 9, 200))
        bids, asks = (
            [
                (10_000 + 10 * chance.randint(-spread, spread), 100 * chance.randint(1, most))
                for _ in range(chance.randint(0, 8))
            ]
            for _ in range(2)
        )
        reference = 10_000 + 10 * chance.randint(-spread, spread)
        orders = [
            auction.Interest(buy, price, volume, (rank,))
            for buy, side in ((True, bids), (False, asks))
            for rank, (price, volume) in enumerate(side)
        ]
        clearing = auction.clear(orders, auction.TIE_RULES[market], reference, 10)
        got = None if clearing is None else (clearing.price_li, clearing.volume)
        assert got == _by_the_text(market, reference, 10, bids, asks), (reference, bids, asks)
        crossed += got is not None
    assert crossed > 500
