"""往日的委托、成交、资金：我们记下的、柜台此刻说的、柜台自己的历史，合成一份。"""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader import arguments, rows
from easytrader.errors import (
    EasytraderError,
    JournalError,
    NotConnectedError,
    UsageError,
)
from easytrader.history import daybook
from easytrader.rows import empties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from easytrader.backend.session import Session
    from easytrader.history.daybook import Daybook
    from easytrader.records.storage import Kept

OURS, COUNTERS = "记录", "柜台"
"""``source``：我们记下的；柜台说的。"""
_DAYS: Final = 30
_LEAST: Final = date(1990, 12, 19)
"""上交所开业。"""

Row = dict[str, Any]


class Counter(NamedTuple):
    """柜台自己的历史：每行是 `today_entrusts` 等的字典，另有 ``day``。

    Attributes:
        orders: 委托。
        trades: 成交。
        assets: 每天收盘的资金，另有 ``time``（Unix 秒）。
    """

    orders: list[Row]
    trades: list[Row]
    assets: list[Row]


class Span(NamedTuple):
    """要看的几天，含两头，``2026-11-30`` 这样。"""

    first: str
    last: str

    @classmethod
    def of(cls, start: object, end: object, today: str) -> Span:
        """用户写的 → 日子；不写的是到今天为止的 30 天。

        Raises:
            UsageError: 不是日期，或者末日早于首日。
        """
        now = date.fromisoformat(today)
        last = now if end is None else arguments.day("end", end)
        if start is None:
            first = max(last - timedelta(days=_DAYS), _LEAST) if last >= _LEAST else last
        else:
            first = arguments.day("start", start)
        if first > last:
            raise UsageError("end", end, f"不能早于 start（{first}）")
        return cls(first.isoformat(), last.isoformat())


def look(
    span: Span,
    today: str,
    *,
    book: Daybook | None,
    session: Callable[[], Session],
    order_rows: Callable[[Iterable[Any]], Iterable[Any]],
    counter: Callable[[date, date, float], Counter | None],
) -> dict[str, Any]:
    """合成的一份，最多用一个调用的期限。

    Args:
        span: 哪几天。
        today: 柜台的今天。
        book: 往日的账；没有为 None。
        session: 此刻可用的会话。
        order_rows: 委托 → 行。
        counter: (首日, 末日, 期限) → 柜台自己的历史；这个柜台没有的为 None。

    Raises:
        QueryFailedError: 连着，而今天的没有查到。
        ClosedError: 已经关闭。
    """
    deadline = time.monotonic() + _LIMIT_S
    found, notes = Counter([], [], []), []
    kept: list[Kept] = []
    try:
        kept = [] if book is None else book.read(*span, time.monotonic() + _LIMIT_S / 2)
    except JournalError as exc:
        notes.append(str(exc))
    if span.last >= today:
        try:
            now = session()
        except NotConnectedError as exc:
            notes.append(f"此刻没有连着（{exc}）：今天的只有记录")
        else:
            deadline = min(deadline, time.monotonic() + now.timeout_s)
            with now.until(deadline):
                found = _live(now, book, today, order_rows)
    yesterday = (date.fromisoformat(today) - timedelta(days=1)).isoformat()
    if span.first <= yesterday:
        last = date.fromisoformat(min(span.last, yesterday))
        notes += _older(found, counter, date.fromisoformat(span.first), last, deadline)
    return {
        "orders": empties.noted("history_orders", _orders(kept, found.orders)),
        "trades": empties.noted("history_trades", _trades(kept, found.trades)),
        "assets": empties.noted("history_assets", _assets(kept, found.assets)),
        "notes": notes,
    }


_LIMIT_S: Final = 10.0
"""没有连着的时候，最多用这么久。"""


def _live(
    session: Session,
    book: Daybook | None,
    today: str,
    order_rows: Callable[[Iterable[Any]], Iterable[Any]],
) -> Counter:
    asset, orders, trades = session.asset(), session.orders(), session.trades()
    at = time.time() if book is None else book.now()
    if book is not None:
        book.saw(daybook.ASSET, asset)
        book.saw(daybook.ORDER, orders)
        book.saw(daybook.TRADE, trades)
    return Counter(
        [{"day": today, **each} for each in order_rows(orders)],
        [{"day": today, **rows.trade_row(each)} for each in trades],
        [{"day": today, "time": at, **rows.asset_row(asset)}],
    )


def _older(
    found: Counter,
    counter: Callable[[date, date, float], Counter | None],
    first: date,
    last: date,
    deadline: float,
) -> list[str]:
    """柜台自己的历史添进 ``found``；没有、拿不到的说一声。"""
    try:
        theirs = counter(first, last, deadline)
    except EasytraderError as exc:
        return [f"柜台自己的历史没有拿到（{exc}）：往日的只有记录"]
    if theirs is None:
        return ["这个柜台的接口没有往日的委托与成交：往日的只有这台机器上记下的"]
    for mine, more in zip(found, theirs, strict=True):
        mine += more
    return []


def _orders(kept: Iterable[Kept], theirs: list[Row]) -> list[Row]:
    """同一天同一个编号，取新的那一份；一样新的取柜台的。"""
    best: dict[tuple[str, str], tuple[str, Row]] = {}
    for each in kept:
        if each.kind == daybook.ORDER:
            best[each.day, each.key] = each.rank, _told(each.day, each.data["row"], OURS)
    for row in theirs:
        key, rank = (row["day"], str(row["order_id"])), daybook.order_rank(row)
        if key not in best or rank >= best[key][0]:
            best[key] = rank, {**row, "source": COUNTERS}
    found = [row for _, row in best.values()]
    return sorted(found, key=lambda row: (row["day"], row["order_time"], str(row["order_id"])))


def _trades(kept: Iterable[Kept], theirs: list[Row]) -> list[Row]:
    best: dict[tuple[str, str], Row] = {
        (each.day, each.key): _told(each.day, each.data["row"], OURS)
        for each in kept
        if each.kind == daybook.TRADE
    }
    for row in theirs:
        best[row["day"], daybook.trade_text(row)] = {**row, "source": COUNTERS}
    return sorted(
        best.values(), key=lambda row: (row["day"], row["traded_time"], str(row["traded_id"]))
    )


def _assets(kept: Iterable[Kept], theirs: list[Row]) -> list[Row]:
    best: dict[float, Row] = {
        each.at: {"day": each.day, "time": each.at, **each.data["row"], "source": OURS}
        for each in kept
        if each.kind == daybook.ASSET
    }
    best.update((row["time"], {**row, "source": COUNTERS}) for row in theirs)
    return [row for _, row in sorted(best.items())]


def _told(day: str, row: Mapping[str, Any], source: str) -> Row:
    return {"day": day, **row, "source": source}
