"""集合竞价里的别人，和连续竞价里排在前面的别人。纯函数，只看盘口：同样的盘口，同样的人。

别人的报价以行情的价格为中心摆开：单看别人，三家交易所的规则定出来的都正好是这个价格，
所以开盘价与之后的行情、收盘价与次日的前收盘接得上。自己的委托够大时仍会推动竞价的价格。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.sim.exchange.auction import Interest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from easytrader.sim.exchange.depth import Level, Quote


_AGGRESSIVE: Final = 3
"""愿意比成交价更差几档也要成交的人。"""
_WAVES: Final = ((2, 5, 0.0), (1, 2, 0.4), (1, 1, 0.9))
"""别人分三批到：剩余数量的几分之几、在时段走到几分之几时；时段开始时已经排着四成。"""

LIFE_PPM: Final = 250_000
"""排在前面的别人，过一天交易时间的百万分之几就撤光了（四分之一天，即一小时）。"""


def auction_price(quote: Quote) -> int | None:
    """行情认为的竞价价格：最近成交价，收进买一与卖一之间；停牌（两边都空）为 None。"""
    if not quote.asks and not quote.bids:
        return None
    price = quote.last_li
    if quote.asks:
        price = min(price, quote.asks[0].price_li)
    if quote.bids:
        price = max(price, quote.bids[0].price_li)
    return price


def auction_crowd(quote: Quote, price_li: int, start: int, end: int) -> list[Interest]:
    """参加 ``start``–``end``（秒）这次集合竞价的别人，价格定在 ``price_li``。"""
    keen_bids = [level for level in quote.asks if level.price_li > price_li][:_AGGRESSIVE]
    keen_asks = [level for level in quote.bids if level.price_li < price_li][:_AGGRESSIVE]
    if not quote.asks or not quote.bids:  # 封着涨跌停：一边全在，另一边只有零星几个
        keen_bids = keen_asks = []
        here_bid = _total(quote.bids or quote.asks[-1:])
        here_ask = _total(quote.asks or quote.bids[-1:])
    else:
        # 正好在这个价上的数量盖过两边的差，成交量就只在这个价上最大
        gap = abs(_total(keen_bids) - _total(keen_asks))
        here_bid = gap + _total(quote.bids[:2])
        here_ask = gap + _total(quote.asks[:2])
    found: list[Interest] = []
    for buy, levels, here, keen in (
        (True, quote.bids, here_bid, keen_bids),
        (False, quote.asks, here_ask, keen_asks),
    ):
        patient = [
            each
            for each in levels
            if (each.price_li < price_li if buy else each.price_li > price_li)
        ]
        for price, volume in (*keen, (price_li, here), *patient):
            found.extend(_waves(buy, price, volume, start, end))
    return found


def _total(levels: Sequence[Level]) -> int:
    return sum(level.volume for level in levels)


def _waves(buy: bool, price_li: int, volume: int, start: int, end: int) -> Iterator[Interest]:
    left = volume
    for part, whole, when in _WAVES:
        size = left * part // whole
        left -= size
        if size:
            yield Interest(buy, price_li, size, (start + int((end - start) * when), 0))


def queue_ahead(quote: Quote, buy: bool, limit_li: int) -> int:
    """刚挂上去的委托前面排着多少：这一档显示的数量；插在两档之间没有，比看得见的更深取最深一档。"""
    levels = quote.bids if buy else quote.asks
    if not levels:
        return 0
    deepest = levels[-1]
    if (limit_li < deepest.price_li) if buy else (limit_li > deepest.price_li):
        return deepest.volume
    return next((level.volume for level in levels if level.price_li == limit_li), 0)


def withdrawn(ahead: int, elapsed_ppm: int) -> int:
    """``ahead`` 里过了这么久已经撤走的：随时间均匀地撤。"""
    return ahead * min(max(elapsed_ppm, 0), LIFE_PPM) // LIFE_PPM
