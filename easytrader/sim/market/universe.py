"""模拟的市场里有哪些证券：代码、名称、上市日、股本。

除了 `anchors` 里放在真实价格附近的几十只，都是由代码散列出来的，与真实的同号证券无关：每一项只看
代码自己（股本还看种子，它要与盘口的厚薄相称），所以不必先列出全部，问一只只算一只。
板块与全推里是 `codes` 这些；别的代码直接问也有行情。
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from easytrader.market.calendar import is_trading_day
from easytrader.market.rules.repo import TERMS
from easytrader.market.symbols import Board, Kind, Security, parse_security
from easytrader.sim.market.anchors import ANCHORS_LI, NAMES, profile_of
from easytrader.sim.market.noise import hash01, mix, salt_of

_SALT: Final = salt_of(20261130, "universe")


class _Block(NamedTuple):
    """一个代码段：开头三位、交易所、一千个号里用了多少、第一只与最后一只什么时候上市。"""

    head: str
    exchange: str
    share: int
    first: date
    last: date


def _blocks(*rows: tuple[str, int, int, int]) -> tuple[_Block, ...]:
    return tuple(
        _Block(head, text.split()[0], share, date(first, 1, 1), date(last, 11, 20))
        for text, share, first, last in rows
        for head in text.split()[1:]
    )


_BLOCKS: Final = _blocks(
    ("SH 600", 760, 1991, 2004), ("SH 601", 190, 2006, 2021), ("SH 603", 860, 2014, 2021),
    ("SH 605", 200, 2020, 2024), ("SH 688", 590, 2020, 2025),
    ("SZ 000", 400, 1991, 2000), ("SZ 001", 120, 2020, 2025), ("SZ 002", 960, 2004, 2020),
    ("SZ 003", 40, 2020, 2021), ("SZ 300", 930, 2010, 2020), ("SZ 301", 480, 2021, 2025),
    ("BJ 920", 270, 2022, 2025),
    ("SH 510 512 515 516 560 561 562 563 588", 700, 2010, 2025), ("SH 513 511", 300, 2013, 2025),
    ("SZ 159", 500, 2010, 2025), ("SZ 161 162", 100, 2008, 2022), ("SH 501", 50, 2015, 2022),
    ("SH 508", 40, 2022, 2025), ("SZ 180", 30, 2022, 2025),
    ("SH 110 113", 90, 2019, 2025), ("SH 118", 60, 2021, 2025), ("SZ 123 127 128", 110, 2019, 2025),
)  # fmt: skip
_BY_HEAD: Final = {(block.head, block.exchange): block for block in _BLOCKS}
_SH_ETFS: Final = ("51", "56", "58")
_LONG_AGO: Final = date(2005, 4, 8)

_FIRST: Final = "华东南北中天海江金银龙新大长恒瑞凯科德泰康安宏盛远通达兴嘉汇永利景嵘云林星合众弘"
_SECOND: Final = "信诚源方创联力维晟正博朗元邦润和发昌辉杰丰航智迈驰沃鼎拓固图森普讯佳卓雅威格铭睿"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TRADES: Final = _words(
    "科技 股份 电子 药业 电气 材料 精密 化工 机械 能源 环保 智能 软件 通信 光电 生物 医疗 食品 "
    "纺织 家居 汽配 重工 建材 电力 港口 物流 传媒 文化 教育 地产 商业 农业 矿业 钢铁 特材 新材 "
    "数控 微电 芯片 制药"
)
_FUND_THEMES: Final = _words(
    "沪深 中证 消费 医药 芯片 军工 新能 券商 银行 红利 科技 数据 人工 机器 光伏 食品 养老 基建 "
    "环保 旅游 农业 稀土 有色 煤炭"
)
_FUND_MAKERS: Final = _words(
    "华夏 易方 南方 嘉实 广发 富国 汇添 博时 招商 鹏华 国泰 天弘 银华 工银"
)
_KIND_WORDS: Final = {Kind.CONVERTIBLE: "转债", Kind.REIT: "REIT", Kind.LOF: "LOF"}


@lru_cache(maxsize=1)
def codes() -> tuple[str, ...]:
    """板块与全推里的全部代码，五千多只股票，加上基金、可转债与逆回购；由小到大。"""
    found = {*ANCHORS_LI, *TERMS}
    for block in _BLOCKS:
        salt = salt_of(_SALT, block.head)
        step = 10 if block.exchange == "SH" and block.head.startswith(_SH_ETFS) else 1
        found.update(
            f"{block.head}{number:03d}.{block.exchange}"
            for number in range(0 if step > 1 else 1, 1000, step)
            if mix(salt, number) % 1000 < block.share
        )
    return tuple(sorted(found))


_MAIN_HEADS: Final = ("600", "601", "603", "605", "000", "001", "002")
_WARNED: Final = 30
_WARNED_LAYER: Final = 1482
"""主板里风险警示的有千分之几。"""
_WARNED_FROM: Final = date(2024, 5, 6)
_WARNED_DAYS: Final = 540


@lru_cache(maxsize=65536)
def warned_since(stock_code: str) -> date | None:
    """从哪天起是风险警示股票；不是为 None。只有沪深主板的，`anchors` 里的都不是。"""
    block = _BY_HEAD.get((stock_code[:3], stock_code[7:]))
    if block is None or block.head not in _MAIN_HEADS or stock_code in ANCHORS_LI:
        return None
    salt = salt_of(_SALT, stock_code)
    if mix(salt, _WARNED_LAYER) % 1000 >= _WARNED:
        return None
    day = _WARNED_FROM + timedelta(days=mix(salt, 12) % _WARNED_DAYS)
    return max(day, opened(stock_code) + timedelta(days=180))


def instrument_name(stock_code: str) -> str:
    """证券名称，风险警示的带 ST；不在任何一个代码段里的用代码代替。"""
    if warned_since(stock_code) is None:
        return _plain_name(stock_code)
    star = mix(salt_of(_SALT, stock_code), 13) % 5 < 2
    return ("*ST" if star else "ST") + _plain_name(stock_code)[:2]


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """`codes` 里的每一只 → 名称；大家共用，不要改它。"""
    return {code: instrument_name(code) for code in codes()}


def _plain_name(stock_code: str) -> str:
    known = NAMES.get(stock_code)
    if known is not None:
        return known
    block = _BY_HEAD.get((stock_code[:3], stock_code[7:]))
    if block is None:
        return stock_code
    security = parse_security(stock_code)
    place = _BLOCKS.index(block) * 1000 + int(stock_code[3:6])
    word = _KIND_WORDS.get(security.kind, "ETF")
    if security.board is Board.FUND:
        which = place * 97 % (len(_FUND_MAKERS) * len(_FUND_THEMES))
        maker, theme = divmod(which, len(_FUND_THEMES))
        return f"{_FUND_THEMES[theme]}{word}{_FUND_MAKERS[maker]}"
    # 互素的乘数：一个号一个名字，不会重
    first, rest = divmod(place * 7919 % (40 * 40 * 40), 1600)
    second, trade = divmod(rest, 40)
    if security.kind is Kind.CONVERTIBLE:
        return f"{_FIRST[first]}{_SECOND[second]}{word}"
    return f"{_FIRST[first]}{_SECOND[second]}{_TRADES[trade]}"


@lru_cache(maxsize=65536)
def opened(stock_code: str) -> date:
    """上市日：同一代码段里号越大越晚；指数与别的代码算早就有了。"""
    block = _BY_HEAD.get((stock_code[:3], stock_code[7:]))
    if block is None:
        return _LONG_AGO
    span = (block.last - block.first).days
    day = block.first + timedelta(days=span * int(stock_code[3:6]) // 999)
    while day.weekday() > 4 or is_trading_day(day) is False:
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=65536)
def shares(security: Security, seed: int) -> tuple[int, int]:
    """总股本与流通股本（股、份、张）：平常一天换手百分之零点几到百分之四。"""
    profile = profile_of(security, salt_of(seed, security.stock_code))
    salt = salt_of(_SALT, security.stock_code)
    unit = hash01(salt, 7)
    turnover = 0.005 + 0.035 * unit * unit
    floating = int(profile.depth_li * 1300 / turnover / profile.anchor_li) // 10_000 * 10_000
    total = int(floating / (0.5 + 0.5 * hash01(salt, 8))) // 10_000 * 10_000
    return max(total, 10_000), max(floating, 10_000)


def float_cap(security: Security, seed: int) -> int:
    """流通市值，厘。"""
    profile = profile_of(security, salt_of(seed, security.stock_code))
    return shares(security, seed)[1] * profile.anchor_li
