"""对账单 → 一页 Markdown：结论在最前，放得进邮件，不用颜色。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import stamp
from easytrader.rows.titles import KINDS, Column, cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from easytrader.history.cash import Cash
    from easytrader.history.statement import Finding, Statement

_ORDERS: Final = KINDS["entrusts"].pick(
    ("order_time", "order_id", "stock_code", "order_type_name", "price", "order_volume",
     "traded_volume", "order_status_name", "strategy_name", "order_remark")
)  # fmt: skip
_TRADES: Final = KINDS["trades"].pick(
    ("traded_time", "traded_id", "order_id", "stock_code", "order_type_name", "traded_price",
     "traded_volume", "traded_amount")
)  # fmt: skip
_INTENTS: Final = (
    Column("created", "发出时刻", "moment"),
    Column("client_order_id", "client_order_id"),
    Column("stock_code", "证券代码"),
    Column("price", "委托价", "price"),
    Column("order_volume", "委托数量", "count"),
    Column("order_id", "委托编号", "number"),
)
_COLUMNS: Final[dict[str, Sequence[Column]]] = {
    "lost_order": _INTENTS,
    "unknown_fate": _INTENTS,
    "unexpected_order": _INTENTS,
    "manual_order": _ORDERS,
    "open_order": _ORDERS,
    "fill_mismatch": (*_ORDERS[:7], Column("trades_volume", "各笔成交合计", "count")),
    "orphan_trade": _TRADES,
    "missed_trade": _TRADES,
    "unattended_trade": _TRADES,
    "position_change": (
        Column("stock_code", "证券代码"),
        Column("before", "上次", "count"),
        Column("traded", "其间成交", "count"),
        Column("expected", "应为", "count"),
        Column("volume", "现在", "count"),
        Column("difference", "差", "count"),
        Column("hint", "可能是"),
    ),
}
_MOST_ROWS: Final = 50
"""一张表最多列这么多行，其余说一声：`to_dict` 里是全的。"""


def render(statement: Statement) -> str:
    """一页 Markdown。"""
    counts = statement.counts
    how = "当场向柜台查的" if statement.live else "只按记录，没有问柜台"
    lines = [
        f"# 收盘对账 {statement.day}",
        "",
        f"**{statement.verdict}**",
        "",
        f"账号 {statement.account_id}；{stamp(statement.made, '%Y-%m-%d %H:%M:%S')}，{how}。"
        f"委托 {counts['orders']} 笔，其中本库下的 {counts['ours']} 笔"
        f"（有 client_order_id 的 {counts['intents']} 笔）；成交 {counts['trades']} 笔。",
    ]
    for finding in statement.findings:
        if finding.is_difference:
            lines += _finding(finding)
    if statement.cash is not None:
        lines += _cash(statement.cash)
    notes = [each for each in statement.findings if not each.is_difference]
    for finding in notes:
        lines += _finding(finding)
    return "\n".join(lines) + "\n"


def _finding(finding: Finding) -> list[str]:
    lines = ["", f"## {finding.title}", ""]
    if finding.kind == "unchecked":
        return lines + [f"- {_plain(each['text'])}" for each in finding.rows]
    lines.append(_plain(finding.text))
    columns = _COLUMNS.get(finding.kind)
    if columns is not None:
        lines += ["", *table(columns, finding.rows[:_MOST_ROWS])]
        more = len(finding.rows) - _MOST_ROWS
        if more > 0:
            lines += ["", f"还有 {more} 行没有列出。"]
    return lines


def _cash(cash: Cash) -> list[str]:
    def at(moment: float) -> str:
        return stamp(moment, "%m-%d %H:%M")

    steps: list[tuple[str, Decimal]] = [
        (f"上一次的现金（{at(cash.before_at)}，可用加冻结）", cash.before),
        ("买入", -cash.bought),
        ("卖出", cash.sold),
        (f"费用（{cash.fees_from}）", -cash.fees),
        ("银证转账", cash.transfers),
        ("逆回购到期本息", cash.matured),
        ("说不清的", cash.unexplained),
        (f"现在的现金（{at(cash.now_at)}）", cash.now),
    ]
    rows = [
        {"what": what, "amount": amount}
        for number, (what, amount) in enumerate(steps)
        if amount or number in (0, len(steps) - 1)
    ]
    columns = (Column("what", "资金"), Column("amount", "元", "money"))
    return ["", "## 资金", "", *table(columns, rows)]


def table(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """一张 Markdown 表，一行一个元素；数靠右。"""
    return [
        f"| {' | '.join(each.title for each in columns)} |",
        f"|{'|'.join('---:' if each.right else '---' for each in columns)}|",
        *(
            f"| {' | '.join(_plain(cell(each.measure, row.get(each.key))) for each in columns)} |"
            for row in rows
        ),
    ]


def _plain(text: str) -> str:
    """不让备注里的字弄坏表格。"""
    return " ".join(text.replace("|", "¦").split())
