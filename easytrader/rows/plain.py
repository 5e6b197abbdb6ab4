"""一张表写成纯文字：按显示的宽度对齐（汉字占两格），没有颜色、没有线，邮件和日志里也看得。"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from easytrader.rows.titles import Column


def width(text: str) -> int:
    """显示占几格。"""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )


def table(columns: Sequence[Column], rows: Iterable[Mapping[str, object]]) -> str:
    """列名一行，每行一行；数靠右，文字靠左，列之间空两格。"""
    lines = [[column.title for column in columns]]
    lines += [[column.text(row.get(column.key)) for column in columns] for row in rows]
    widths = [max(width(line[k]) for line in lines) for k in range(len(columns))]
    return "\n".join(
        "  ".join(
            _padded(cell, most, column.right)
            for cell, most, column in zip(line, widths, columns, strict=True)
        ).rstrip()
        for line in lines
    )


def piped(columns: Sequence[Column], rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Markdown 的一张表，一行一个字符串；数靠右，格子里的竖线、换行换掉。"""
    head = [[column.title for column in columns]]
    head.append(["---:" if column.right else "---" for column in columns])
    body = [[column.text(row.get(column.key)) for column in columns] for row in rows]
    return [f"| {' | '.join(map(_one_cell, line))} |" for line in (*head, *body)]


def _one_cell(text: str) -> str:
    return text.replace("|", "&#124;").replace("\n", " ")


def _padded(text: str, most: int, right: bool) -> str:
    space = " " * (most - width(text))
    return space + text if right else text + space
