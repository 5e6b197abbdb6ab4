"""厂商的快照与合约信息 → `Quote`：元、股/份/张、Unix 秒；没有的价格是 None，不是 0。"""

from __future__ import annotations

import math
from typing import Any, Final

from easytrader.backend.records import Quote
from easytrader.basics import numbers
from easytrader.errors import UsageError
from easytrader.market.symbols import Board, parse_security

_LEVELS: Final = 5
_NO_LIMIT: Final = 1e7
"""厂商用极大的数表示没有涨跌幅限制。"""


def read_quote(stock_code: str, tick: Any, detail: Any) -> Quote | None:
    """厂商的 ``get_full_tick`` 与 ``get_instrument_detail`` 里的一只；没有行情为 None。"""
    if not isinstance(tick, dict):
        return None
    facts = detail if isinstance(detail, dict) else {}
    pre_close = positive(tick.get("lastClose")) or positive(facts.get("PreClose"))
    last = positive(tick.get("lastPrice"))
    if last is None and pre_close is None:
        return None
    lot = _lot(stock_code, tick)
    return Quote(
        stock_code,
        last,
        positive(tick.get("open")),
        positive(tick.get("high")),
        positive(tick.get("low")),
        pre_close,
        _limit(facts.get("UpStopPrice")),
        _limit(facts.get("DownStopPrice")),
        _count(tick.get("pvolume")) or _count(tick.get("volume")) * lot,
        positive(tick.get("amount")) or 0.0,
        _count(tick.get("time")) // 1000,
        _side(tick.get("bidPrice"), tick.get("bidVol"), lot),
        _side(tick.get("askPrice"), tick.get("askVol"), lot),
    )


def positive(price: Any) -> float | None:
    """正的有限数；0、NaN、别的东西都不是价格。"""
    number = numbers.real(price)
    return number if number is not None and number > 0 else None


def _limit(price: Any) -> float | None:
    found = positive(price)
    return found if found is not None and found < _NO_LIMIT else None


def _count(number: Any) -> int:
    found = positive(number)
    return 0 if found is None else int(found)


def _side(prices: Any, volumes: Any, lot: int) -> list[tuple[float, int]]:
    """一边的五档；没有的档是 ``(0.0, 0)``。"""
    found: list[tuple[float, int]] = []
    for price, volume in zip(_list(prices), _list(volumes), strict=False):
        known = positive(price)
        # 厂商的浮点有 11.370000000000001 这样的尾巴
        found.append((0.0, 0) if known is None else (round(known, 4), _count(volume) * lot))
    return (found + [(0.0, 0)] * _LEVELS)[:_LEVELS]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _lot(stock_code: str, tick: dict[str, Any]) -> int:
    """一手是多少：厂商两种成交量之比说得最准，还没有成交时按品种。"""
    volume, shares = _count(tick.get("volume")), _count(tick.get("pvolume"))
    if volume and shares:
        ratio = shares / volume
        return min((1, 10, 100), key=lambda lot: abs(math.log(ratio / lot)))
    try:
        board = parse_security(stock_code).board
    except UsageError:
        return 100
    return 10 if board in (Board.BOND, Board.REPO) else 100
