"""屏幕：任何时刻看得见的盘口。柜台与行情都从这里看，所以说的是同一回事。

- 连续竞价是行情的样子；午休停在上午的最后一跳，收盘以后停在收盘那一跳。
- 集合竞价里没有成交，最近价不动；同 Level-1：买一卖一都是虚拟成交价与虚拟匹配量，
  买二或卖二是未匹配量、价格为 0；撮合不出价格时两边都空。
- 9:25 起到 9:30 是开盘的样子，最近价就是开盘价。9:15 以前没有盘口，最近价是前收盘。

没有集合竞价的时间安排（``clock=always``）里，屏幕就是行情。
"""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from easytrader.sim.exchange.auction import TIE_RULES, Interest, clear
from easytrader.sim.exchange.crowd import auction_crowd, auction_price
from easytrader.sim.exchange.depth import Level, Quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.market.rules import RuleBook, Rules
    from easytrader.market.symbols import Security
    from easytrader.sim.exchange.depth import Market
    from easytrader.sim.exchange.hours import Bells, MarketHours


class Ticks(NamedTuple):
    """`Bells` 各在哪一跳：不早于那个时刻的第一跳；``lunch`` 是上午的最后一跳。"""

    call_start: int
    open_call: int
    continuous: int
    lunch: int
    afternoon: int
    closing_start: int
    close_call: int
    late_close: int


def ticks_of(market: Market, bells: Bells) -> Ticks:
    """各在哪一跳。"""
    found = Ticks(*(market.first_tick(ts) for ts in bells))
    return found._replace(lunch=market.tick_at(bells.lunch))


class Virtual(NamedTuple):
    """集合竞价此刻会撮合成的样子；``surplus`` 是这个价上没有匹配的：买方的为正，卖方的为负。"""

    price_li: int
    matched: int
    surplus: int

    @property
    def sides(self) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """卖盘与买盘。"""
        head = (Level(self.price_li, self.matched),)
        rest = (Level(0, abs(self.surplus)),)
        if self.surplus > 0:
            return head, head + rest
        return (head + rest, head) if self.surplus else (head, head)


def virtual(
    orders: Sequence[Interest], exchange: str, reference_li: int, tick_li: int
) -> Virtual | None:
    """虚拟成交价与匹配量；撮合不出价格为 None。"""
    found = clear(orders, TIE_RULES[exchange], reference_li, tick_li)
    if found is None:
        return None
    demand = sum(each.volume for each in orders if each.buy and each.price_li >= found.price_li)
    supply = sum(each.volume for each in orders if not each.buy and each.price_li <= found.price_li)
    return Virtual(found.price_li, found.volume, demand - supply)


class Own(NamedTuple):
    """一只证券上文件夹里各账户挂着的买档、卖档，吃掉还没有补回来的，今天成交的。

    ``taken``：``(吃的是卖盘, 价格, 数量)``；``printed``：见 `Printed`，回放的为空。
    """

    bids: Sequence[Sequence[int]]
    asks: Sequence[Sequence[int]]
    taken: Sequence[Sequence[int]]
    printed: Sequence[int] = ()

    def interests(self) -> list[Interest]:
        """参加集合竞价的。"""
        sides = ((True, self.bids), (False, self.asks))
        return [
            Interest(buy, price, volume, (0, 0))
            for buy, levels in sides
            for price, volume in levels
        ]

    def drawn(self, quote: Quote) -> Quote:
        """画进连续竞价的盘口；碰得到对面的先抵掉对面，抵不完的排在最前面：盘口总不交叉。"""
        asks, bids = dict(quote.asks), dict(quote.bids)
        for lifting, price, volume in self.taken:
            side = asks if lifting else bids
            if price in side:
                side[price] -= volume
        asks, bids = ({p: v for p, v in side.items() if v > 0} for side in (asks, bids))
        asks, my_bids = netted(asks, self.bids, buy=True)
        bids, my_asks = netted(bids, self.asks, buy=False)
        for price, volume in my_asks:
            asks[price] = asks.get(price, 0) + volume
        low = min(asks, default=math.inf)
        for price, volume in my_bids:
            if price < low:  # 自己的买单、卖单互相跳过
                bids[price] = bids.get(price, 0) + volume
        return quote._replace(
            asks=tuple(Level(price, asks[price]) for price in sorted(asks)),
            bids=tuple(Level(price, bids[price]) for price in sorted(bids, reverse=True)),
        )


def netted(
    opposite: dict[int, int], rests: Sequence[Sequence[int]], *, buy: bool
) -> tuple[dict[int, int], list[tuple[int, int]]]:
    """对面（价格 → 数量）与碰得到它的挂单（由优到劣的档）互相抵掉之后各剩什么。"""
    left, rest = dict(opposite), []
    prices = sorted(left, reverse=not buy)
    for price, volume in rests:
        for each in prices:
            if volume == 0 or (each > price if buy else each < price):
                break
            took = min(volume, left.get(each, 0))
            volume -= took
            left[each] = left.get(each, 0) - took
        if volume:
            rest.append((price, volume))
    return {price: volume for price, volume in left.items() if volume > 0}, rest


class Screen:
    """见模块说明。缓存只为快。"""

    def __init__(self, market: Market, hours: MarketHours, book: RuleBook) -> None:
        self._market = market
        self._hours = hours
        self._book = book
        self._day = -1
        self._bells: Bells | None = None
        self._ticks: Ticks | None = None
        self._rules: dict[str, Rules | None] = {}
        self._virtuals: dict[str, tuple[tuple[int, int], Quote]] = {}

    def ticks(self, day: int) -> Ticks | None:
        """这一天的集合竞价与各段在哪几跳；没有集合竞价为 None。"""
        if day != self._day:
            self._day = day
            self._bells = bells = self._hours.bells(day)
            self._ticks = None if bells is None else ticks_of(self._market, bells)
            self._rules.clear()
            self._virtuals.clear()
        return self._ticks

    def rules(self, security: Security, day: int) -> Rules | None:
        """这只证券这一天的规则。"""
        self.ticks(day)
        code = security.stock_code
        if code not in self._rules:
            self._rules[code] = self._book.rules(security, date.fromordinal(day))
        return self._rules[code]

    def shown_tick(self, security: Security, day: int, tick: int) -> int:
        """此刻看得见的是哪一跳的行情；开盘以前是开盘那一跳的。"""
        ticks = self.ticks(day)
        if ticks is None or ticks.continuous <= tick <= ticks.lunch or self._market.shows_calls:
            return tick
        if ticks.afternoon <= tick < ticks.closing_start:
            return tick
        if tick < ticks.continuous:
            return ticks.continuous
        if tick < ticks.afternoon:
            return ticks.lunch
        rules = self.rules(security, day)
        if rules is not None and rules.late_close:
            return min(tick, ticks.late_close)
        if tick >= ticks.close_call or rules is None or not rules.closing_call:
            return min(tick, ticks.close_call)
        return ticks.closing_start - 1

    def in_call(self, security: Security, day: int, tick: int) -> bool:
        """这一跳在不在集合竞价里（还没有撮合）。"""
        ticks = self.ticks(day)
        if ticks is None or ticks.continuous <= tick < ticks.closing_start:
            return False
        if tick < ticks.open_call:
            return tick >= ticks.call_start
        rules = self.rules(security, day)
        closing = rules is not None and rules.closing_call
        return closing and ticks.closing_start <= tick < ticks.close_call

    def quote(
        self, security: Security, day: int, tick: int, mine: Sequence[Interest] = ()
    ) -> Quote:
        """看得见的盘口；``mine`` 是参加集合竞价的自己的委托。"""
        shown = self.shown_tick(security, day, tick)
        quote = self._market.quote(security, shown)
        ticks = self._ticks
        if shown == tick or ticks is None:
            return quote
        if self.in_call(security, day, tick):
            return self._call(security, quote, ticks, tick, mine)
        if tick < ticks.call_start:
            return quote._replace(tick=tick, last_li=quote.pre_close_li, asks=(), bids=())
        return quote

    def _call(
        self, security: Security, quote: Quote, ticks: Ticks, tick: int, mine: Sequence[Interest]
    ) -> Quote:
        """集合竞价里的样子；``quote`` 是开盘那一跳的，或收盘竞价开始之前的。"""
        bells = self._bells
        assert bells is not None
        opening = tick < ticks.open_call
        start, end = bells.call_start, bells.open_call
        target, last_li = quote, quote.pre_close_li
        if not opening:
            start, end = bells.closing_start, bells.close_call
            target, last_li = self._market.quote(security, ticks.close_call), quote.last_li
        price_li = auction_price(target)
        if quote.suspended or (price_li is None and not mine):
            return quote._replace(tick=tick, last_li=last_li, asks=(), bids=())
        now = self._market.tick_time(tick)
        crowd = [] if price_li is None else auction_crowd(target, price_li, int(start), int(end))
        here = [each for each in crowd if each.rank[0] <= now]
        key = (ticks.open_call if opening else ticks.close_call, len(here))
        known = self._virtuals.get(security.stock_code)
        if not mine and known is not None and known[0] == key:
            return known[1]._replace(tick=tick)
        rules = self.rules(security, self._day)
        assert rules is not None
        found = virtual([*mine, *here], security.exchange, last_li, rules.tick_li)
        asks, bids = ((), ()) if found is None else found.sides
        shown = quote._replace(tick=tick, last_li=last_li, asks=asks, bids=bids)
        if not mine:
            self._virtuals[security.stock_code] = key, shown
        return shown
