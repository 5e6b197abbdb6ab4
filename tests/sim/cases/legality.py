"""第二张小表：一笔委托合不合规则，手打的（事实表 §2–§6），2020 年以来的几个时期。

与产品的表各写各的，专给随机的委托当裁判。价格以厘计；数量以股、份、张计。
"""

from __future__ import annotations

from typing import NamedTuple

# 各时期的一天，都在规则变动的前后
DAYS = ("2026-11-20", "2026-07-03", "2023-04-10", "2023-04-07", "2022-05-13", "2020-08-21")


class Kind(NamedTuple):
    """一类证券。``band`` 百分之几，``cage`` 万分之几（0 没有）。"""

    market: str
    tick: int
    least: int
    step: int
    most: int
    most_market: int
    band: int
    cage: int
    ten_ticks: bool
    types: tuple[int, ...]
    closing_call: bool
    until: str
    same_day: bool
    protects: bool = True  # 市价委托的价是不是保护限价


SSE, SZSE, BSE = (42, 43, 44, 45), (44, 45, 46, 47, 48), (42, 43, 44, 45)
M = 1_000_000
SHARE = Kind("SH", 10, 100, 100, M, M, 10, 200, True, SSE, True, "15:00", False)
FUND = SHARE._replace(tick=1, cage=0)
KINDS = {
    "600036.SH": SHARE,
    "601318.SH": SHARE,
    "688981.SH": SHARE._replace(
        least=200, step=1, most=100_000, most_market=50_000, band=20, ten_ticks=False
    ),
    "000001.SZ": SHARE._replace(market="SZ", protects=False, types=SZSE),
    "002415.SZ": SHARE._replace(market="SZ", protects=False, types=SZSE),
    "300750.SZ": SHARE._replace(
        market="SZ", protects=False, types=SZSE, most=300_000, most_market=150_000, band=20
    ),
    "920002.BJ": SHARE._replace(market="BJ", types=BSE, step=1, band=30, cage=500),
    "510300.SH": FUND,
    "588000.SH": FUND._replace(band=20),
    "518880.SH": FUND._replace(same_day=True),
    "159919.SZ": FUND._replace(market="SZ", protects=False, types=SZSE),
    "113050.SH": Kind("SH", 1, 10, 10, M, M, 20, 0, False, (), False, "15:00", True),
    "123107.SZ": Kind("SZ", 1, 10, 10, M, M, 20, 0, False, (), True, "15:00", True),
    "204001.SH": Kind("SH", 5, 10, 10, 10**8, 10**8, 0, 0, False, (), False, "15:30", True),
    "131810.SZ": Kind("SZ", 1, 10, 10, 10**8, 10**8, 0, 0, False, (), False, "15:30", True),
}
REPO = ("204001.SH", "131810.SZ")


def rules(day: str) -> dict[str, Kind]:
    """那天的各类证券；那时还没有的不在里面。"""
    kinds = dict(KINDS)
    main = ("600036.SH", "601318.SH", "000001.SZ", "002415.SZ")
    sse = ("600036.SH", "601318.SH", "510300.SH", "588000.SH", "518880.SH")

    def change(codes: tuple[str, ...], **new: object) -> None:
        kinds.update({code: kinds[code]._replace(**new) for code in codes})

    if day < "2026-07-06":
        change(sse[2:], closing_call=False)
    if day < "2023-04-10":
        change(main, cage=0)
        change(sse, types=(42, 43), protects=False)
        change(("300750.SZ",), ten_ticks=False)
    if day < "2022-08-01":  # 可转债的涨跌幅从这天起；之前的事实表没有说
        del kinds["113050.SH"], kinds["123107.SZ"]
    if day < "2022-05-16":
        change(("204001.SH",), least=1000, step=1000)
    if day < "2021-11-15":
        del kinds["920002.BJ"], kinds["588000.SH"]
    if day < "2020-08-24":
        change(("300750.SZ",), band=10, cage=0, most=M, most_market=M)
    return kinds


class Order(NamedTuple):
    """一笔委托；``price`` 以厘计，不是整厘的为小数。"""

    code: str
    buy: bool
    volume: int
    price: float
    price_type: int  # 11 限价


class Sight(NamedTuple):
    """报的那一刻看得见的：时刻、前收盘、最新价、买一、卖一（没有为 0）。"""

    clock: str
    pre: int
    last: int
    bid: int
    ask: int


def limits(kind: Kind, pre: int) -> tuple[int, int]:
    """(涨停, 跌停)，厘；不到一个价位的差补成一个价位。"""
    tick = kind.tick
    up, down = pre * (100 + kind.band), pre * (100 - kind.band)
    unit = 100 * tick
    if kind.market == "BJ":
        top, bottom = up // unit * tick, -(-down // unit) * tick
    else:
        top, bottom = (2 * up + unit) // (2 * unit) * tick, (2 * down + unit) // (2 * unit) * tick
    return max(top, pre + tick), max(min(bottom, pre - tick), tick)


def cage(kind: Kind, order: Order, sight: Sight) -> int:
    """笼子那一边的界，厘。"""
    sides = (sight.ask, sight.bid) if order.buy else (sight.bid, sight.ask)
    base = sides[0] or sides[1] or sight.last or sight.pre
    unit = 10_000 * kind.tick
    share = base * (10_000 + kind.cage if order.buy else 10_000 - kind.cage)
    bound = (2 * share + unit) // (2 * unit) * kind.tick
    ticks = 10 if kind.ten_ticks else 1
    if order.buy:
        return max(bound, base + ticks * kind.tick)
    return min(bound, base - ticks * kind.tick)


def phase(kind: Kind, clock: str) -> str:
    """``call`` 集合竞价，``trade`` 连续，``early`` 深市 9:25–9:30，空串不收。"""
    if "09:15" <= clock < "09:25":
        return "call"
    if "09:25" <= clock < "09:30":
        return "early" if kind.market == "SZ" else ""
    if "11:30" <= clock < "13:00" or not "09:30" <= clock < kind.until:
        return ""
    return "call" if kind.closing_call and clock >= "14:57" else "trade"


def faults(kind: Kind, order: Order, sight: Sight, sellable: int) -> list[str]:
    """不合的地方；空的是合规则。钱够不够不在这里。"""
    found = []
    now = phase(kind, sight.clock)
    market = order.price_type != 11
    if not now:
        found.append("time")
    if market and (now != "trade" or order.price_type not in kind.types):
        found.append("type")
    if order.volume > (kind.most_market if market else kind.most):
        found.append("size")
    found += _volume(kind, order, sellable)
    found += _price(kind, order, sight, now, market)
    if order.code in REPO and order.buy:
        found.append("side")
    return found


def _volume(kind: Kind, order: Order, sellable: int) -> list[str]:
    volume = order.volume
    whole = volume >= kind.least and (volume - kind.least) % kind.step == 0
    if order.buy or order.code in REPO:
        return [] if whole else ["lot"]
    if volume > sellable:
        return ["shares"]
    # 余额里不足一手的部分一次卖完：按手的可以和整手一起，按股的只在总数不足时
    rest = sellable % kind.step if kind.step > 1 else (sellable if sellable < kind.least else 0)
    if whole or (rest and volume % kind.step == rest % kind.step and kind.step > 1):
        return []
    return [] if rest and volume == rest else ["lot"]


def _price(kind: Kind, order: Order, sight: Sight, now: str, market: bool) -> list[str]:
    if market and not kind.protects:
        return []
    if market and order.price == 0:
        return []
    found = []
    if order.price % kind.tick or order.price <= 0:
        found.append("tick")
    if kind.band:
        top, bottom = limits(kind, sight.pre)
        over, under = order.price > top, order.price < bottom
        # 保护限价：买的高于涨停、卖的低于跌停不碍事
        if (over and not (market and order.buy)) or (under and not (market and not order.buy)):
            found.append("band")
    if kind.cage and now == "trade" and not market:
        bound = cage(kind, order, sight)
        if (order.price > bound) if order.buy else (order.price < bound):
            found.append("cage")
    return found
