"""手写的集合竞价：一批委托进，一个价格与各自成交多少出；期望照事实表 §9.1 自己算的。"""

from __future__ import annotations

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
