"""核对：策略听到的、表上记着的、柜台账上的。全是纯函数，喂进假的账就该叫出来。"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Alarm", "Entry", "Event", "Told", "Wish", "judge", "judge_events", "judge_told"]

_KNOWN: Final = frozenset({"placed", "refused", "unsent", "unknown", "lost"})
"""下单可以有的结果；``lost``：问的人自己被杀了。别的都不该有。"""
_EMPTY: Final = frozenset({"", "absent", "unsent", "refused"})
"""没有委托存在；空的是表上没有这一行。"""


class Told(NamedTuple):
    """一次下单听到的：``outcome`` 见上，``late_s`` 比期限晚了多少。"""

    outcome: str
    number: int = 0
    late_s: float = 0.0
    text: str = ""


@dataclass(slots=True)
class Wish:
    """想下的一笔；同一个 ``cid`` 可以说很多遍。"""

    account: str
    cid: str
    tag: str
    calls: list[Told] = field(default_factory=list)
    state: str = ""
    """表上最后的样子；没有这一行为空。"""
    order_id: str = ""


class Entry(NamedTuple):
    """账上的一笔委托。"""

    account: str
    order_id: int
    tag: str


class Event(NamedTuple):
    """记着的一条事件；说的不是一笔委托的 ``order_id`` 为 0，不是成交的 ``traded_id`` 为空。"""

    number: int
    kind: str
    order_id: int = 0
    traded_id: str = ""
    tag: str = ""


class Alarm(NamedTuple):
    """响过的警报，说的是哪个账号、哪笔委托（说不出为 0）。"""

    account: str
    kind: str
    order_id: int = 0


def judge(
    wishes: Iterable[Wish], ledger: Sequence[Entry], alarms: Iterable[Alarm] = ()
) -> list[str]:
    """每一笔都有交代，没有一笔下了两次；空是全对。

    响过 ``late_order``、``duplicate`` 的委托是堵不上的那个洞：多出来的那一笔不算错，没响才算。
    """
    rang = {(each.account, each.order_id) for each in alarms
            if each.kind in ("late_order", "duplicate")}  # fmt: skip
    booked: dict[tuple[str, str], list[int]] = defaultdict(list)
    excused: Counter[tuple[str, str]] = Counter()
    for entry in ledger:
        booked[entry.account, entry.tag].append(entry.order_id)
        excused[entry.account, entry.tag] += (entry.account, entry.order_id) in rang
    found = []
    expected = set()
    for wish in wishes:
        key = (wish.account, wish.tag)
        expected.add(key)
        found += _judge_one(wish, booked.get(key, []), excused[key])
    for account, tag in booked.keys() - expected:
        found.append(f"账上有一笔谁也没有下过的：{account} {tag} {booked[account, tag]}")
    return found


def _judge_one(wish: Wish, numbers: list[int], excused: int) -> list[str]:
    who = f"{wish.account} {wish.cid}"
    found = []
    if len(numbers) > 1 and excused < len(numbers) - 1:
        found.append(f"下了两次：{who} {numbers}")
    told = {each.number for each in wish.calls if each.outcome == "placed"}
    if told - set(numbers):
        found.append(f"听到的编号账上没有：{who} 听到 {told}，账上 {numbers}")
    if len(told) > 1 and not excused:
        found.append(f"同一笔听到两个编号：{who} {told}")
    if wish.state == "placed":
        if int(wish.order_id or 0) not in numbers:
            found.append(f"表上有而账上没有：{who} {wish.order_id}，账上 {numbers}")
    elif wish.state in _EMPTY:
        if numbers and excused < len(numbers):
            found.append(f"丢了：{who} 账上有 {numbers}，表上说 {wish.state or '没有这一行'}")
        if told and not excused:
            found.append(f"说成了又说没有：{who} 听到 {told}，表上说 {wish.state or '没有这一行'}")
    else:
        found.append(f"一直没有核对清楚：{who} 是 {wish.state}，账上 {numbers}")
    outcomes = [each.outcome for each in wish.calls]
    if numbers and outcomes and set(outcomes) <= {"unsent", "refused"} and not excused:
        found.append(f"每一次都说没有发出，账上却有：{who} {numbers} {wish.calls[-1].text}")
    found += [f"不该有的结果：{who} {each.outcome} {each.text}" for each in wish.calls
              if each.outcome not in _KNOWN]  # fmt: skip
    return found


def judge_events(
    account: str, events: Sequence[Event], last_no: int, ledger: Sequence[Entry]
) -> list[str]:
    """编号从 1 到最后一个不缺；账上的每一笔都有人说起过，一笔成交只说一次。"""
    found = []
    numbers = [each.number for each in events]
    if numbers != list(range(1, last_no + 1)):
        missing = sorted(set(range(1, last_no + 1)) - set(numbers))
        found.append(f"{account} 的事件不是 1 到 {last_no}：缺 {missing[:9]}，读到 {len(numbers)}")
    heard = {each.order_id for each in events if each.kind == "order"}
    mute = [each.order_id for each in ledger if each.account == account]
    silent = sorted(set(mute) - heard)
    if silent:
        found.append(f"{account} 有 {len(silent)} 笔委托没有事件：{silent[:10]}")
    trades = Counter(each.traded_id for each in events if each.kind == "trade")
    twice = {name: count for name, count in trades.items() if count > 1}
    if twice:
        found.append(f"{account} 有成交说了不止一次：{dict(list(twice.items())[:5])}")
    return found


def judge_told(wishes: Iterable[Wish]) -> Mapping[str, int]:
    """各种结果有多少：报告里用。"""
    return Counter(each.outcome for wish in wishes for each in wish.calls)
