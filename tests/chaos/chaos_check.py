"""核对：客户端以为的，与柜台账上的。全是纯函数，喂进假的账就该叫出来。"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import FINAL_STATUSES, STATUS_RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "GRACE_S",
    "Call",
    "Delivery",
    "LedgerOrder",
    "LedgerTrade",
    "Wish",
    "check_calls",
    "check_events",
    "check_wishes",
]

GRACE_S: Final = float(os.environ.get("EASYTRADER_CHAOS_GRACE_S", "0.5"))
"""每个调用最多比自己的期限晚这么多。"""

_DUE: Final = frozenset({"ok", "refused", "unknown", "not_connected"})
"""下单可以有的结果：参数都是对的，没有开风控，trader 没有关。"""
_UNDUE_IN_CALM: Final = frozenset({"unknown", "not_connected", "failed", "connect_failed"})


@dataclass(slots=True)
class Call:
    """一次调用。``outcome``：``ok refused unknown usage not_connected failed …`` 或 ``alien``。"""

    verb: str
    took_s: float
    allowed_s: float
    outcome: str
    error: str = ""
    number: int = 0
    scenario: int = -1

    @property
    def overrun_s(self) -> float:
        """比期限晚了多少。"""
        return self.took_s - self.allowed_s


@dataclass(slots=True)
class Wish:
    """想下的一笔委托：备注 ``key`` 独一无二；给了 ``cid`` 的可以提交多次。

    ``settled``：结果未知的，事后核对出来的编号，0 为确认没有，None 为没有核对过。
    """

    key: str
    verb: str
    cid: str = ""
    tag: str = ""
    calls: list[Call] = field(default_factory=list)
    settled: int | None = None
    scenario: int = -1

    @property
    def numbers(self) -> set[int]:
        """各次得到的编号。"""
        found = {call.number for call in self.calls if call.number > 0}
        return found | {self.settled} if self.settled else found

    @property
    def in_doubt(self) -> bool:
        """有一次没有应答，也没有哪一次给出过编号。"""
        return not self.numbers and any(call.outcome == "unknown" for call in self.calls)


class LedgerOrder(NamedTuple):
    """账上的一笔委托。"""

    order_id: int
    tag: str
    key: str
    status: int
    traded_volume: int


class LedgerTrade(NamedTuple):
    """账上的一笔成交。"""

    traded_id: str
    stock_code: str
    order_id: int
    volume: int


class Delivery(NamedTuple):
    """交给用户的一条：``kind`` 是 ``order`` ``trade`` ``order_error``。"""

    kind: str
    order_id: int
    status: int = 0
    volume: int = 0
    traded_id: str = ""
    stock_code: str = ""
    sysid: str = ""
    """合同编号；晚到的柜台，同一个状态有编号了再推一遍。"""


def check_calls(calls: Iterable[Call], *, calm: bool = False) -> list[str]:
    """每个调用都在期限内返回，或抛出本库自己的异常；``calm`` 没有故障，就该都办成。"""
    found = []
    for call in calls:
        if calm and call.outcome in _UNDUE_IN_CALM:
            found.append(f"没有故障而没有办成：{call.verb} {call.error}")
        if call.overrun_s > GRACE_S:
            found.append(
                f"超时：{call.verb} 用了 {call.took_s:.2f} 秒，期限 {call.allowed_s:.2f} 秒"
                f"（{call.outcome} {call.error}）"
            )
        if call.outcome == "alien":
            found.append(f"异常不是 EasytraderError：{call.verb} {call.error}")
    return found


def check_wishes(
    wishes: Mapping[str, Wish], orders: Sequence[LedgerOrder], strangers: frozenset[str]
) -> list[str]:
    """每一笔都有交代，没有一笔下了两次。``strangers``：别的进程下的，只查不重复。"""
    found = []
    by_key: dict[str, list[int]] = {}
    for order in orders:
        by_key.setdefault(order.key, []).append(order.order_id)
        if order.key not in wishes and order.key not in strangers:
            found.append(f"账上有一笔谁也没有下过的委托：{order}")
    for tag, count in Counter(order.tag for order in orders).items():
        if count > 1:
            found.append(f"标记 {tag} 在账上有 {count} 笔")
    for key, numbers in by_key.items():
        if len(numbers) > 1:
            found.append(f"{key} 下了 {len(numbers)} 次：{numbers}")
    for wish in wishes.values():
        found += _check_wish(wish, by_key.get(wish.key, []))
    return found


def _check_wish(wish: Wish, numbers: Sequence[int]) -> list[str]:
    told = [f"{call.outcome}{f' {call.number}' if call.number else ''}" for call in wish.calls]
    about = f"{wish.key}（{wish.verb} {wish.cid}：{told}，核对 {wish.settled}）"
    odd = [each for each in wish.calls if each.outcome not in _DUE]
    if odd:
        return [f"下单抛了不该抛的 {odd[0].error}：{about}"]
    if len(wish.numbers) > 1:
        return [f"同一笔得到不同的编号：{about}"]
    if wish.numbers:
        return [] if wish.numbers == set(numbers) else [f"得到编号而账上是 {numbers}：{about}"]
    if wish.in_doubt and wish.settled is None:
        return [f"结果未知而没有核对出来，账上 {numbers}：{about}"]
    if numbers:
        return [f"以为没有而账上有 {numbers}：{about}"]
    return []


def check_events(
    orders: Sequence[LedgerOrder],
    trades: Sequence[LedgerTrade],
    delivered: Sequence[Delivery],
    who: str = "回调",
) -> list[str]:
    """每笔成交、每个终态恰好一次，次序不乱，没有凭空而来的。"""
    found = [f"{who}：{text}" for text in _check_trades(trades, delivered)]
    history: dict[int, list[Delivery]] = {}
    for each in delivered:
        if each.kind in ("order", "trade"):
            history.setdefault(each.order_id, []).append(each)
    known = {order.order_id for order in orders}
    found += [f"{who}：没有的委托 {number}" for number in history if number not in known]
    for order in orders:
        found += [f"{who}：{text}" for text in _check_order(order, history.get(order.order_id, []))]
    errors = Counter(each.order_id for each in delivered if each.kind == "order_error")
    found += [f"{who}：委托 {n} 的失败来了 {count} 次" for n, count in errors.items() if count > 1]
    return found


def _check_trades(trades: Sequence[LedgerTrade], delivered: Sequence[Delivery]) -> list[str]:
    truth = Counter((t.stock_code, t.traded_id, t.order_id) for t in trades)
    told = Counter((d.stock_code, d.traded_id, d.order_id) for d in delivered if d.kind == "trade")
    found = [f"成交丢了：{key}" for key in truth if key not in told]
    found += [f"没有的成交：{key}" for key in told if key not in truth]
    found += [f"成交来了 {count} 次：{key}" for key, count in told.items() if count > 1]
    return found


def _check_order(order: LedgerOrder, history: Sequence[Delivery]) -> list[str]:
    states = [(each.status, each.volume) for each in history if each.kind == "order"]
    number = order.order_id
    found = [
        f"委托 {number} 的状态 {state} 来了 {count} 次：{states}"
        for state, count in Counter(
            (each.status, each.volume, each.sysid) for each in history if each.kind == "order"
        ).items()
        if count > 1
    ]
    if order.status in FINAL_STATUSES:
        finals = [state for state in states if state[0] in FINAL_STATUSES]
        if finals != [(order.status, order.traded_volume)]:
            truth = (order.status, order.traded_volume)
            found.append(f"委托 {number} 的终态应为一次 {truth}，收到 {states}")
    for before, after in pairwise(states):
        if STATUS_RANK[after[0]] < STATUS_RANK[before[0]] or after[1] < before[1]:
            found.append(f"委托 {number} 的状态倒退：{states}")
    return found + _check_sequence(number, history)


def _check_sequence(number: int, history: Sequence[Delivery]) -> list[str]:
    """状态说成交了多少，那些成交应当已经交过；交过的成交也不许比之后的第一个状态多。

    断线期间下的、成交的，补交时第一个状态就是最后的样子，成交在它之前。
    """
    traded, found, known = 0, [], False
    for each in history:
        if each.kind == "trade":
            traded += each.volume
            continue
        if each.volume > traded:
            found.append(f"委托 {number} 的状态 {each} 先于它的成交（交过 {traded}）")
        if not known and each.volume < traded:
            found.append(f"委托 {number} 的成交（{traded}）先于它的第一个状态 {each}")
        known = True
    return found
