"""对账要看的事实从哪里来：今天的当场问柜台，往日的只从记录里来。"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol

from easytrader import arguments, rows
from easytrader.basics import pace
from easytrader.basics.beijing import moment
from easytrader.basics.numbers import exact
from easytrader.errors import EasytraderError, UsageError
from easytrader.history import daybook
from easytrader.history.facts import Deal, Facts, Placed, Snapshot, Transfer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from easytrader.backend.records import OrderLike, TradeLike
    from easytrader.backend.session import Session
    from easytrader.basics.paths import AccountKey
    from easytrader.history.daybook import Daybook
    from easytrader.market.rules.fees import FeeSchedule
    from easytrader.records.storage import Intent, Kept

_BACK_DAYS: Final = 31
"""往前看这么多天：找上一次的快照、还没有到期的逆回购。"""
_READ_S: Final = 20.0
_AGAIN: Final = 2
_DAY_S: Final = 86400.0
_LIVE_S: Final = 3600.0
"""柜台的钟与本机的差了这么多，就是模拟的钟。"""


class Desk(Protocol):
    """引擎上对账用到的。"""

    book: Daybook | None
    key: AccountKey
    order_rows: rows.OrderRows

    @property
    def session(self) -> Session:
        """此刻可用的会话。"""


def gather(user: Any, day: object = None, fees: FeeSchedule | None = None) -> Facts:
    """``user`` 一天的事实。

    Args:
        user: 连着的交易口。
        day: 哪一天，写法同 `user.history`；默认是今天。
        fees: 券商的收费标准；不知道为 None。

    Raises:
        UsageError: 日期不对，还没有到；账号在别的机器上。
        QueryFailedError: 柜台没有应答。
        JournalError: 记录读不出来。
    """
    desk: Desk = user._engine  # noqa: SLF001  引擎就是给本库用的
    session = desk.session  # 没有连接、已关闭的说清楚
    book = desk.book
    if book is None:
        told = "记录在账号那台机器上：到跑着 easytrader serve、easytrader fleet agent 的那台对账"
        raise UsageError("user", type(user).__name__, told)
    now = book.now()
    today = book.day.text(now)
    wanted = today if day is None else arguments.day("day", day).isoformat()
    if wanted > today:
        raise UsageError("day", day, f"这一天还没有到，今天是 {today}")
    live = wanted == today
    orders = _ask(session, desk, book) if live else None
    deadline = time.monotonic() + _READ_S
    first = (date.fromisoformat(wanted) - timedelta(days=_BACK_DAYS)).isoformat()
    kept = book.read(first, wanted, deadline)
    if not live and not any(each.day == wanted for each in kept):
        raise UsageError("day", day, f"{wanted} 没有记录：那天没有程序用过这个账号")
    spans = [each.data for each in kept if each.kind == daybook.SPAN and each.day == wanted]
    notes: list[str] = []
    before = _snapshots(kept, lambda each: each < wanted)
    mine = _snapshots(kept, lambda each: each == wanted)
    asset_before, asset = before.get(daybook.ASSET), mine.get(daybook.ASSET)
    return Facts(
        wanted,
        desk.key.account_id,
        now,
        live,
        orders if orders is not None else _placed(kept, wanted),
        _deals(kept),
        _intents(book, wanted, spans, deadline),
        [(each["from"], each["to"]) for each in spans],
        mine.get(daybook.POSITIONS),
        before.get(daybook.POSITIONS),
        asset,
        asset_before,
        _transfers(user, asset_before, asset, notes),
        fees,
        notes,
    )


def _ask(session: Session, desk: Desk, book: Daybook) -> list[Placed]:
    """问柜台，都记进账里。委托与成交是两次查询，对不上的隔一会儿再问：查询是缓存。"""
    orders, trades = list(session.orders()), list(session.trades())
    for _ in range(_AGAIN):
        if _filled(orders) == _filled(trades):
            break
        pace.current().sleep(max(session.cache_lag_s, 0.5))
        orders, trades = list(session.orders()), list(session.trades())
    book.saw(daybook.ORDER, orders)
    book.saw(daybook.TRADE, trades)
    book.saw(daybook.POSITIONS, session.positions())
    book.saw(daybook.ASSET, session.asset())
    shown = desk.order_rows.rows(orders)
    return [Placed(row, rows.tag_of(each)) for row, each in zip(shown, orders, strict=True)]


def _filled(found: Iterable[OrderLike | TradeLike]) -> int | Decimal:
    return sum((exact(each.traded_volume) for each in found), 0)


def _placed(kept: Iterable[Kept], day: str) -> list[Placed]:
    found = [each.data for each in kept if each.kind == daybook.ORDER and each.day == day]
    return [Placed(each["row"], each["tag"]) for each in found]


def _deals(kept: Iterable[Kept]) -> list[Deal]:
    return [
        Deal(
            each.day,
            each.data["row"],
            each.at,
            each.rank == daybook.DELIVERED,
            each.data["fee"],
        )
        for each in kept
        if each.kind == daybook.TRADE
    ]


def _snapshots(kept: Iterable[Kept], of_day: Any) -> dict[str, Snapshot]:
    """最晚的持仓与资金。"""
    found: dict[str, Snapshot] = {}
    for each in kept:
        if each.kind in (daybook.ASSET, daybook.POSITIONS) and of_day(each.day):
            last = found.get(each.kind)
            if last is None or each.at >= last.at:
                shown = each.data["rows"] if each.kind == daybook.POSITIONS else [each.data["row"]]
                found[each.kind] = Snapshot(each.day, each.at, shown)
    return found


def _intents(
    book: Daybook, day: str, spans: Sequence[Mapping[str, float]], deadline: float
) -> list[Intent]:
    """这一天发的。记录里是真的时间：模拟的钟走得不一样，看那天连着的几段。"""
    simulated = any(abs(each["to"] - each["wall_to"]) > _LIVE_S for each in spans)
    if simulated:
        found: dict[str, Intent] = {}
        for each in spans:
            told = book.intents(each["wall_from"], each["wall_to"] + 1.0, deadline)
            found.update((intent.client_order_id, intent) for intent in told)
        return list(found.values())
    start = book.day.began(moment(f"{day} 12:00"))
    return book.intents(start, start + _DAY_S, deadline)


def _transfers(
    user: Any, before: Snapshot | None, now: Snapshot | None, notes: list[str]
) -> list[Transfer] | None:
    """两次资金之间的银证转账；柜台没有、不答的为 None。"""
    if before is None or now is None or not hasattr(type(user), "bank"):
        return None
    try:
        told = user.bank.transfer_stream(before.day, now.day)
    except EasytraderError as exc:
        notes.append(f"银证转账的流水没有查到（{exc}）")
        return None
    found = []
    for each in told:
        with suppress(ValueError):
            at = moment(_written(each["date"], each["time"]))
            into = each["transfer_direction_name"] == "银行转证券"
            amount = Decimal(exact(each["balance"])) * (1 if into else -1)
            if before.at < at <= now.at + 1:
                found.append(Transfer(at, amount, each["transfer_direction_name"]))
    return found


def _written(day: str, clock: str) -> str:
    """``20261130``、``093100`` → ``2026-11-30 09:31:00``。"""
    digits = "".join(each for each in day + clock if each.isdigit()).ljust(14, "0")
    return (
        f"{digits[:4]}-{digits[4:6]}-{digits[6:8]} {digits[8:10]}:{digits[10:12]}:{digits[12:14]}"
    )
