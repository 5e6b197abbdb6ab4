"""行 → 一小段 HTML，给笔记本看：什么都转义，不引外面的东西，深色浅色都看得清。

样式写在标签上：笔记本的前端多半不认 ``<style>``。底色、字色不设，跟着前端走。
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.log import masked
from easytrader.rows import titles
from easytrader.rows.titles import Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from easytrader.rows.titles import Kind

LIMIT: Final = 50
"""一张表最多几行。"""
_LONGEST: Final = 200
_LINE: Final = "1px solid rgba(128,128,128,.35)"
_TABLE: Final = (
    "border-collapse:collapse;color:inherit;font-size:13px;font-variant-numeric:tabular-nums"
)
_SIGNED: Final = frozenset({"profit", "profit_ratio"})
RED: Final = "#d0453f"
GREEN: Final = "#2f9e55"
GREY: Final = "#8a8a8a"


def escaped(value: object) -> str:
    """转义，过长的截断。"""
    text = str(value)
    return html.escape(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def small(text: str) -> str:
    """一行小字。"""
    return f'<div style="font-size:12px;opacity:.75;margin:2px 0">{escaped(text)}</div>'


def coloured(text: str, value: object) -> str:
    """涨红跌绿；不是数的不上色。"""
    sign = value if isinstance(value, (int, float)) else 0
    if not sign:
        return escaped(text)
    return f'<span style="color:{RED if sign > 0 else GREEN}">{escaped(text)}</span>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """一排「名字 值」；值是 HTML，要先转义。"""
    cells = (
        f'<span style="margin-right:16px;white-space:nowrap"><span style="opacity:.65">'
        f"{escaped(name)}</span> {value}</span>"
        for name, value in pairs
    )
    return f'<div style="font-size:13px;line-height:1.7">{"".join(cells)}</div>'


def table(
    kind: Kind,
    found: Sequence[Mapping[str, Any]],
    keys: Iterable[str] | None = None,
    *,
    limit: int = LIMIT,
    caption: str = "",
) -> str:
    """一张表。

    Args:
        kind: 哪种表。
        found: 各行。
        keys: 只要这几列；不写是 `Kind.brief` 那几列。
        limit: 最多几行，多的说一声。
        caption: 表的名字；不写是 ``kind`` 的。
    """
    columns = kind.brief_columns if keys is None else kind.pick(keys)
    head = "".join(_cell("th", column, escaped(column.title)) for column in columns)
    body = "".join(f"<tr>{_cells(columns, row)}</tr>" for row in found[:limit])
    if not found:
        style = "opacity:.65;padding:3px 8px"
        body = f'<tr><td colspan="{len(columns)}" style="{style}">（没有）</td></tr>'
    title = f"{caption or kind.title}（{len(found)}）"
    more = small(f"只列出前 {limit} 行，一共 {len(found)} 行") if len(found) > limit else ""
    return (
        f'<div style="overflow-x:auto;margin:6px 0"><div style="font-weight:600;font-size:13px">'
        f'{escaped(title)}</div><table style="{_TABLE}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{more}</div>"
    )


def _cells(columns: Sequence[Column], row: Mapping[str, Any]) -> str:
    cells = []
    for column in columns:
        value = row.get(column.key)
        text = column.text(value)
        shown = coloured(text, value) if column.key in _SIGNED else escaped(text)
        cells.append(_cell("td", column, shown))
    return "".join(cells)


def _cell(tag: str, column: Column, shown: str) -> str:
    side = "right" if column.right else "left"
    style = f"text-align:{side};padding:2px 8px;border-bottom:{_LINE};white-space:nowrap"
    return f'<{tag} style="{style}">{shown}</{tag}>'


def headline(title: str, rest: str = "", colour: str = GREY) -> str:
    """开头一行：一个色点、名字、余下的。"""
    dot = f'<span style="color:{colour}">●</span>'
    more = f' <span style="opacity:.75;font-size:13px">{escaped(rest)}</span>' if rest else ""
    return f'<div style="font-size:14px">{dot} <b>{escaped(title)}</b>{more}</div>'


def box(*parts: str) -> str:
    """装在一个框里。"""
    style = f"border:{_LINE};border-radius:6px;padding:8px 12px;margin:4px 0;max-width:100%"
    return f'<div style="{style}">{"".join(parts)}</div>'


def pairs(columns: Iterable[Column], row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """一行里有的几项，写成「名字 值」，给 `facts`。"""
    return [
        (column.title, escaped(column.text(row[column.key])))
        for column in columns
        if row.get(column.key) is not None
    ]


_PLAN: Final = (
    Column("total_asset", "总资产", "money"),
    Column("cash_before", "现金", "money"),
    Column("cash_after", "调仓后现金", "money"),
    Column("fees", "估算费用", "money"),
    Column("turnover", "换手", "ratio"),
    Column("tracking_error", "跟踪误差", "ratio"),
)
_REPORT: Final = (
    Column("started", "开始", "moment"),
    Column("ended", "结束", "moment"),
    Column("bought", "买入", "money"),
    Column("sold", "卖出", "money"),
    Column("fees", "费用", "money"),
    Column("slippage_value", "滑点金额", "money"),
    Column("slippage_bp", "滑点（万分之）", "bp"),
)
_RESULTS: Final = {
    "done": ("做完了", GREEN),
    "partly": ("做了一部分", RED),
    "nothing": ("没有成交", GREY),
}


def plan(told: Mapping[str, Any]) -> str:
    """调仓计划（``Plan.to_dict()``）：几项总数、委托、没有调的、权重。"""
    rest = f"{told.get('day', '')} 账号 {masked(str(told.get('account_id', '')))}"
    parts = [headline(f"调仓计划 {told.get('plan_id', '')}", rest), facts(pairs(_PLAN, told))]
    parts.append(table(titles.KINDS["plan"], told.get("orders") or ()))
    parts += [
        table(titles.KINDS[each], told[each]) for each in ("skipped", "weights") if told.get(each)
    ]
    return box(*parts)


def report(told: Mapping[str, Any]) -> str:
    """调仓报告（``Report.to_dict()``）：结果、合计、逐笔。"""
    result = str(told.get("result", ""))
    said, colour = _RESULTS.get(result, (result, GREY))
    if told.get("dry_run"):
        said, colour = "试算，什么都没有发出", GREY
    head = headline(f"调仓报告 {told.get('plan_id', '')}", said, colour)
    sums = {**(told.get("totals") or {}), **told}
    parts = [facts(pairs(_REPORT, sums)), table(titles.KINDS["report"], told.get("rows") or ())]
    if told.get("skipped"):
        parts.append(table(titles.KINDS["skipped"], told["skipped"]))
    return box(head, *parts, *map(small, told.get("notes") or ()))
