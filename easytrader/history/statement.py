"""收盘之后的对账：委托、成交、持仓、资金与记录对不对得上，对不上的一样一样列出来。

`reconcile` 是纯函数：给它事实（`facts.Facts`），还你一份 `Statement`，不查、不看钟。
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics.numbers import exact
from easytrader.codes import FINAL_STATUSES, OrderStatus
from easytrader.history.cash import CENT, Cash, cash_of, is_repo
from easytrader.records import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal

    from easytrader.history.facts import Deal, Facts
    from easytrader.records.storage import Intent

Row = dict[str, Any]

TITLES: Final = {
    "lost_order": "记录里成了、柜台却没有的委托",
    "unknown_fate": "结果还不知道的委托",
    "unexpected_order": "记录里没有成、柜台却有的委托",
    "manual_order": "不是本库下的委托",
    "orphan_trade": "找不到委托的成交",
    "missed_trade": "连着却没有交给程序的成交",
    "fill_mismatch": "委托与成交对不上",
    "position_change": "说不清的持仓变化",
    "cash_change": "说不清的资金",
    "open_order": "还没有了结的委托",
    "unattended_trade": "没有程序连着时的成交",
    "unchecked": "没有核对的",
}
"""种类 → 标题，也是页面上的次序。"""
NOTES: Final = frozenset({"unattended_trade", "unchecked"})
"""只是说明，不算差异。"""
_EDGE_S: Final = 3.0
"""刚连上、就要断开的这几秒里的，不算漏。"""


class Finding(NamedTuple):
    """一样发现。

    Attributes:
        kind: 种类，见 `TITLES`。
        text: 说明与可能的原因。
        rows: 哪几笔。
    """

    kind: str
    text: str
    rows: list[Row]

    @property
    def title(self) -> str:
        """标题。"""
        return TITLES[self.kind]

    @property
    def is_difference(self) -> bool:
        """要人去看的；假的只是说明。"""
        return self.kind not in NOTES

    def to_dict(self) -> Row:
        """``kind title difference text rows``。"""
        return {
            "kind": self.kind, "title": self.title, "difference": self.is_difference,
            "text": self.text, "rows": self.rows,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """一天的对账单；``str()`` 与 `to_markdown` 是一页 Markdown。

    Attributes:
        day: 哪一天，``2026-11-30``。
        account_id: 资金账号。
        made: 何时做的，Unix 秒。
        live: 当场向柜台查的；假的只从记录里来。
        counts: ``orders trades intents`` 各几笔，``ours`` 是本库下的。
        findings: 发现，次序同 `TITLES`。
        cash: 资金对账；没有核对为 None。
    """

    day: str
    account_id: str
    made: float
    live: bool
    counts: dict[str, int]
    findings: list[Finding]
    cash: Cash | None

    @property
    def clean(self) -> bool:
        """全都说得清。"""
        return not any(each.is_difference for each in self.findings)

    @property
    def verdict(self) -> str:
        """一句话。"""
        told = [f"{each.title} {len(each.rows)}" for each in self.findings if each.is_difference]
        return f"有 {len(told)} 样要看：{'；'.join(told)}" if told else "都对得上"

    def to_dict(self) -> Row:
        """普通的字典：上面各项，另有 ``clean verdict``；钱是 Decimal。"""
        return {
            "day": self.day, "account_id": self.account_id, "made": self.made,
            "live": self.live, "clean": self.clean, "verdict": self.verdict,
            "counts": dict(self.counts),
            "findings": [each.to_dict() for each in self.findings],
            "cash": None if self.cash is None else self.cash._asdict(),
        }  # fmt: skip

    def to_markdown(self) -> str:
        """一页 Markdown，放得进邮件。"""
        from easytrader.history.page import render

        return render(self)

    def __str__(self) -> str:
        return self.to_markdown()


def reconcile(facts: Facts) -> Statement:
    """事实 → 对账单。"""
    cash = cash_of(facts)
    checks: tuple[Callable[[Facts], Iterable[Finding]], ...] = (
        _intents, _manual, _trades, _fills, _positions, _open, _unchecked,
    )  # fmt: skip
    found = [each for check in checks for each in check(facts)]
    found += _cash(facts, cash)
    order = list(TITLES)
    found.sort(key=lambda each: order.index(each.kind))
    counts = {
        "orders": len(facts.orders),
        "ours": sum(bool(each.tag) for each in facts.orders),
        "trades": len(facts.today),
        "intents": len(facts.intents),
    }
    return Statement(facts.day, facts.account_id, facts.made, facts.live, counts, found, cash)


def _some(kind: str, text: str, rows: list[Row]) -> list[Finding]:
    return [Finding(kind, text, rows)] if rows else []


# ---- 委托与记录


def _intents(facts: Facts) -> list[Finding]:
    by_number = {str(each.row["order_id"]): each for each in facts.orders}
    by_tag = {each.tag: each for each in facts.orders if each.tag}
    lost, unknown, unexpected = [], [], []
    for intent in facts.intents:
        order = by_tag.get(intent.tag) or (
            by_number.get(str(intent.order_id)) if intent.order_id else None
        )
        if intent.state == storage.PLACED and order is None:
            lost.append(_intent_row(intent))
        elif intent.state in storage.OPEN and order is None:
            unknown.append(_intent_row(intent))
        elif intent.state in storage.FREE and order is not None and _lives(order.row):
            unexpected.append({**_intent_row(intent), "order_id": order.row["order_id"]})
    return [
        *_some(
            "lost_order",
            "记录里有委托编号，当日委托里没有：柜台日终清掉了，或换过柜台、文件夹。",
            lost,
        ),
        *_some(
            "unknown_fate",
            "发出之后没有应答，柜台也没有：多半没有到。用同一个 client_order_id 再下不会重复。",
            unknown,
        ),
        *_some(
            "unexpected_order",
            "当时以为没有发成，同一个标记的委托却在柜台：别再用这个 id，按柜台的为准。",
            unexpected,
        ),
    ]


def _intent_row(intent: Intent) -> Row:
    return {
        "client_order_id": intent.client_order_id, "stock_code": intent.stock_code,
        "order_type": intent.order_type, "price": intent.price, "order_volume": intent.volume,
        "state": intent.state, "order_id": intent.order_id, "created": intent.created,
    }  # fmt: skip


def _lives(row: Mapping[str, Any]) -> bool:
    return bool(row["order_status"] != OrderStatus.JUNK)


def _manual(facts: Facts) -> list[Finding]:
    found = [dict(each.row) for each in facts.orders if not each.tag]
    text = "备注里没有本库的标记：人在客户端里下的、别的程序下的，或智能算法、新股申购拆出来的。"
    return _some("manual_order", text, found)


def _open(facts: Facts) -> list[Finding]:
    found = [
        dict(each.row) for each in facts.orders if each.row["order_status"] not in FINAL_STATUSES
    ]
    text = "收盘之后当日的委托都作废，柜台可能要到清算之后才改状态；此刻还在交易时间的等一等。"
    return _some("open_order", text, found)


# ---- 成交


def _trades(facts: Facts) -> list[Finding]:
    known = {str(each.row["order_id"]) for each in facts.orders}
    orphans = [dict(each.row) for each in facts.today if str(each.row["order_id"]) not in known]
    missed: list[Row] = []
    alone: list[Row] = []
    for each in facts.today:
        if not each.delivered:
            (missed if _attended(each, facts) else alone).append(dict(each.row))
    return [
        *_some(
            "orphan_trade", "成交说的委托编号不在当日委托里：查询是缓存，稍后再对一次。", orphans
        ),
        *_some(
            "missed_trade",
            "那时有程序连着，回调与 events() 却没有收到：推送漏了，而程序在补查之前就退出了。",
            missed,
        ),
        *_some(
            "unattended_trade",
            "成交的时候没有程序连着（脚本早就退出了），所以没有回调。",
            alone,
        ),
    ]


def _attended(deal: Deal, facts: Facts) -> bool:
    at = float(deal.row["traded_time"])
    return any(since + _EDGE_S <= at <= until - _EDGE_S for since, until in facts.spans)


def _fills(facts: Facts) -> list[Finding]:
    filled: defaultdict[str, int | Decimal] = defaultdict(int)
    for each in facts.today:
        filled[str(each.row["order_id"])] += each.volume
    found = []
    for order in facts.orders:
        told = exact(order.row["traded_volume"])
        summed = filled[str(order.row["order_id"])]
        if told != summed:
            found.append({**order.row, "trades_volume": summed})
    text = "委托上的成交数量，与它各笔成交加起来的不一样：查询是缓存，稍后再对一次。"
    return _some("fill_mismatch", text, found)


# ---- 持仓


def _positions(facts: Facts) -> list[Finding]:
    before, now = facts.positions_before, facts.positions
    if before is None or now is None:
        return []
    had, has = _volumes(before.rows), _volumes(now.rows)
    traded: defaultdict[str, int | Decimal] = defaultdict(int)
    for each in facts.between(before, now):
        if not is_repo(each):
            traded[each.row["stock_code"]] += each.side * each.volume
    found = []
    for code in sorted({*had, *has, *traded}):
        expected = had.get(code, 0) + traded.get(code, 0)
        volume = has.get(code, 0)
        if volume != expected:
            found.append({
                "stock_code": code, "before": had.get(code, 0), "traded": traded.get(code, 0),
                "expected": expected, "volume": volume, "difference": volume - expected,
                "hint": _hint(expected, volume),
            })  # fmt: skip
    text = "上一次的持仓加减其间的成交，不等于现在的持仓。"
    return _some("position_change", text, found)


def _volumes(rows: Iterable[Mapping[str, Any]]) -> dict[str, int | Decimal]:
    found: defaultdict[str, int | Decimal] = defaultdict(int)
    for row in rows:
        found[row["stock_code"]] += exact(row["volume"])
    return found


def _hint(expected: int | Decimal, volume: int | Decimal) -> str:
    if expected <= 0:
        return "新股、新债中签，转入，或有成交没有记下"
    if volume > expected:
        return "送转股、配股、份额折算，或有成交没有记下"
    return "转债赎回或转股、份额折算、转出，或有成交没有记下"


# ---- 资金


def _cash(facts: Facts, cash: Cash | None) -> list[Finding]:
    before, now = facts.asset_before, facts.asset
    if cash is None or before is None or now is None:
        return []
    numbers = {(each.day, each.row["order_id"]) for each in facts.between(before, now)}
    if abs(cash.unexplained) <= CENT * (1 + len(numbers)):  # 每笔委托的费用差一分以内的不算
        return []
    way = "多出" if cash.unexplained > 0 else "少了"
    transfers = "" if facts.transfers is not None else "银证转账（柜台没有说）、"
    text = (
        f"{way} {abs(cash.unexplained)} 元：可能是{transfers}股息红利与红利税、利息、"
        "新股新债缴款、与算的不一样的费用。"
    )
    return [Finding("cash_change", text, [dict(cash._asdict())])]


def _unchecked(facts: Facts) -> list[Finding]:
    told = list(facts.notes)
    if facts.positions is None:
        told.append("没有这一天的持仓：持仓没有核对")
    elif facts.positions_before is None:
        told.append("没有前一天的持仓：持仓没有核对，明天起就有了")
    if facts.asset is None:
        told.append("没有这一天的资金：资金没有核对")
    elif facts.credit:
        told.append("信用账号有负债与利息：资金没有核对")
    elif facts.asset_before is None:
        told.append("没有前一天的资金：资金没有核对，明天起就有了")
    if any(not each.side for each in facts.today):
        told.append("有不是单纯买卖的成交（融券、还券等）：它们的持仓变化没有算")
    return _some("unchecked", "；".join(told), [{"text": each} for each in told])
