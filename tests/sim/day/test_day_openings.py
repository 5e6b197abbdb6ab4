"""集合竞价的撮合与真实的开盘对照：价格、成交量、每一笔分到多少。

决定不了的：收盘（样本只到 9:31）、北交所（没有样本）；深市剩下的候选价连成一段，离前收盘一样近的
不会有两个，取高取低看不出来；沪市剩下的报价没有超过两个的，看不出是首尾的当中还是别的平均。
第三条由第一条推得出，不必看。
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from easytrader.sim.exchange.auction import TIE_RULES, Clearing, Interest, clear

FEN = 10  # 厘；样本都是股票，价位是一分
DATA = json.loads(Path(__file__).with_name("openings.json").read_text(encoding="utf-8"))


class Opening(NamedTuple):
    """一个真实的开盘，价格都是厘。"""

    sample: str
    exchange: str
    previous: int
    orders: list[Interest]
    actual: Clearing | None


def opening(raw: dict[str, object]) -> Opening:
    orders, filled = [], []
    for word in " ".join(raw["orders"]).split():
        price, sign, volume, done = re.fullmatch(r"(\d+)([+-])(\d+)(?:=(\d+))?", word).groups("0")
        orders.append(Interest(sign == "+", int(price) * FEN, int(volume), (len(orders),)))
        filled.append(int(done))
    price = raw["price"]
    actual = price and Clearing(price * FEN, raw["volume"], tuple(filled))
    return Opening(raw["sample"], raw["exchange"], raw["previous_close"] * FEN, orders, actual)


OPENINGS = [opening(each) for each in DATA["openings"]]


@pytest.mark.parametrize("real", OPENINGS, ids=lambda each: f"{each.exchange}-{each.sample}")
def test_the_real_opening(real: Opening) -> None:
    assert clear(real.orders, TIE_RULES[real.exchange], real.previous, FEN) == real.actual


@pytest.mark.parametrize("real", OPENINGS, ids=lambda each: f"{each.exchange}-{each.sample}")
def test_what_was_copied_adds_up(real: Opening) -> None:
    """买卖两边成交的和都是成交量，没有一笔超过它的数量或差过它的价。"""
    if real.actual is None:
        return
    price, volume, filled = real.actual
    for buy in (True, False):
        side = [
            (each, done) for each, done in zip(real.orders, filled, strict=True) if each.buy is buy
        ]
        assert sum(done for _, done in side) == volume
        for each, done in side:
            assert done <= each.volume
            assert not done or (each.price_li >= price if buy else each.price_li <= price)


def candidates(
    real: Opening, *, every_tick: bool, whole: bool = True, least: bool = True
) -> list[int]:
    """剩下的候选价；``whole``：高于它的买、低于它的卖全部成交，``least``：未成交量最小。"""
    highest = max(each.price_li for each in real.orders if each.buy)
    lowest = min(each.price_li for each in real.orders if not each.buy)
    submitted = {each.price_li for each in real.orders if lowest <= each.price_li <= highest}
    ticks = range(lowest, highest + FEN, FEN)
    found = []
    for price in ticks if every_tick else sorted(submitted):
        buys = sum(each.volume for each in real.orders if each.buy and each.price_li >= price)
        better = sum(each.volume for each in real.orders if each.buy and each.price_li > price)
        sells = sum(each.volume for each in real.orders if not each.buy and each.price_li <= price)
        lower = sum(each.volume for each in real.orders if not each.buy and each.price_li < price)
        matched = min(buys, sells)
        found.append((price, matched, max(better, lower) <= matched, abs(buys - sells)))
    most = max(matched for _, matched, _, _ in found)
    left = [each for each in found if each[1] == most and (each[2] or not whole)]
    fewest = min(each[3] for each in left)
    return [price for price, _, _, rest in left if rest == fewest or not least]


def middle(prices: list[int], *, up: bool = True) -> int:
    return (prices[0] + prices[-1] + (FEN if up else 0)) // (2 * FEN) * FEN


def nearest(prices: list[int], previous: int) -> int:
    return min(prices, key=lambda each: (abs(each - previous), -each))


def missed(exchange: str, reading: str) -> set[str]:
    """换一种读法就算不出实际开盘价的样本。"""
    wrong = set()
    for real in OPENINGS:
        if real.exchange != exchange or real.actual is None:
            continue
        ours = {"every_tick": exchange == "SZ"}
        if reading in ("every_tick", "whole", "least"):
            ours[reading] = not ours.get(reading, True)
        prices = candidates(real, **ours)
        guess = nearest(prices, real.previous) if exchange == "SZ" else middle(prices)
        if reading == "tie":
            guess = middle(prices) if exchange == "SZ" else nearest(prices, real.previous)
        elif reading == "down":
            guess = middle(prices, up=False)
        if guess != real.actual.price_li:
            wrong.add(real.sample)
    return wrong


def test_these_openings_tell_the_readings_apart() -> None:
    """每一条规则都有真实的开盘非它不可；少了哪个样本这里就红。"""
    real = {exchange: set() for exchange in ("SH", "SZ")}
    for each in OPENINGS:
        if each.actual is not None:
            real[each.exchange].add(each.sample)
    assert (len(real["SH"]), len(real["SZ"])) == (19, 14)
    assert missed("SH", "ours") == missed("SZ", "ours") == set()

    one_price = {"TST160", "TST232", "TST233"}  # 怎么读都只剩一个价位
    in_the_middle = {"TST203", "TST238", "TST239", "TST247", "TST279"}
    assert missed("SH", "every_tick") == real["SH"] - in_the_middle - one_price
    assert missed("SH", "least") == real["SH"] - in_the_middle - one_price
    assert missed("SH", "whole") == {"TST177", "TST232", "TST233"}
    assert missed("SH", "down") == in_the_middle
    assert missed("SH", "tie") == {"TST203", "TST238", "TST279"}

    inside = {each.sample for each in OPENINGS if each.actual and each.actual[0] == each.previous}
    assert missed("SZ", "every_tick") == real["SZ"] - {"TST021"}
    assert missed("SZ", "tie") == real["SZ"] - {"TST021"}
    assert missed("SZ", "least") == real["SZ"] - {"TST021"} - inside
    assert missed("SZ", "whole") == {"TST021"}


def test_only_these_openings_see_who_came_first() -> None:
    """同价的两笔分不完：开在 4.07，先到的 100 全成，后到的 24800 成 24700。深市的看不出。"""
    changed = set()
    for real in OPENINGS:
        backwards = [each._replace(rank=(-each.rank[0],)) for each in real.orders]
        if clear(backwards, TIE_RULES[real.exchange], real.previous, FEN) != real.actual:
            changed.add(real.sample)
    assert changed == {"TST160"}
