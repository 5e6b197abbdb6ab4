"""一个心愿在各个账号上做成了什么样：一家一行，结果未知的单列出来。"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from easytrader.basics import numbers
from easytrader.rows import plain
from easytrader.rows.titles import Column, Kind, also

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.basics.numbers import Number, OrderId

State = Literal["placed", "refused", "unsent", "unknown", "nothing"]

STATE_NAMES: Final[dict[State, str]] = {
    "placed": "有委托",
    "refused": "柜台拒绝",
    "unsent": "没有发出",
    "unknown": "结果未知",
    "nothing": "不用做",
}

KIND: Final = Kind(
    "fleet_report",
    "各账号的委托",
    (
        Column("account", "账号"),
        Column("security", "证券代码"),
        Column("asked", "分到", "count"),
        Column("placed", "报出", "count"),
        Column("entrust_no", "委托编号", "number"),
        Column("state", "状态代码"),
        Column("state_name", "状态"),
        Column("message", "说明"),
        Column("error", "异常"),
        Column("client_order_id", "委托 id"),
    ),
    ("account", "security", "asked", "placed", "entrust_no", "state_name", "message"),
)
also(KIND)


class JointRow(TypedDict):
    """一家。"""

    account: str
    security: str
    asked: Number | None
    """分到多少；由账号自己算的（一句话下单）为 None。"""
    placed: Number | None
    """有了委托的数量；没有为 0，由账号自己算的为 None。"""
    entrust_no: OrderId | None
    """委托编号；没有为 None。"""
    state: State
    state_name: str
    message: str
    """为什么；有委托的为空。"""
    error: str
    """异常的类名；没有为空。"""
    client_order_id: str
    """这一家的委托 id；柜台带不了标记的为空。"""


class JointReport:
    """见模块说明；``str()`` 是一张表，笔记本里也是。

    Args:
        title: 做的是什么，如 ``buy 600036.SH 35.5``。
        client_order_id: 整个心愿的 id：同样的调用带着它再来一次，接着做，不会重复。
        rows: 见 `JointRow`。
        left: 没有分给谁的数量。
        notes: 要人知道的话。
        again: 再做这几行，给出新的。
    """

    def __init__(
        self,
        title: str,
        client_order_id: str,
        rows: Iterable[JointRow],
        left: Number = 0,
        notes: Iterable[str] = (),
        again: Callable[[list[JointRow]], list[JointRow]] | None = None,
    ) -> None:
        self.title = title
        self.client_order_id = client_order_id
        self.rows = list(rows)
        self.left = left
        self.notes = list(notes)
        self._again = again

    @property
    def ok(self) -> bool:
        """都做了：每一家都有委托（或不用做），一份也没有剩下。"""
        return not self.left and all(row["state"] in ("placed", "nothing") for row in self.rows)

    @property
    def unknown(self) -> list[JointRow]:
        """结果未知的：可能已经生效，先 `retry` 或核对，不要另外再下。"""
        return self._of("unknown")

    @property
    def failed(self) -> list[JointRow]:
        """肯定没有委托的：柜台拒绝、没有发出。"""
        return self._of("refused", "unsent")

    @property
    def totals(self) -> dict[str, Any]:
        """合计。

        键：``accounts placed refused unsent unknown nothing``（几家），
        ``asked_amount placed_amount unknown_amount left``（股/份/张）。
        """
        counts: dict[str, Any] = {state: len(self._of(state)) for state in STATE_NAMES}
        return {
            "accounts": len(self.rows),
            **counts,
            "asked_amount": _sum(row["asked"] for row in self.rows),
            "placed_amount": _sum(row["placed"] for row in self.rows),
            "unknown_amount": _sum(row["asked"] for row in self.unknown),
            "left": self.left,
        }

    def retry(self, *, refused: bool = False) -> JointReport:
        """没有发出的、结果未知的，带着同一个 id 再来一次；别的不动。

        结果未知而其实有了委托的，给出那一笔，不会再发；柜台带不了标记的认不出来，不再发。

        Args:
            refused: 柜台拒绝的也再发。

        Returns:
            新的一份，每一家都在。
        """
        states = {"unsent", "unknown", *(["refused"] if refused else [])}
        left = [row for row in self.rows if row["state"] in states]
        fresh = self._again(left) if self._again is not None and left else []
        found = {row["account"]: row for row in fresh}
        rows = [found.get(row["account"], row) for row in self.rows]
        return JointReport(
            self.title, self.client_order_id, rows, self.left, self.notes, self._again
        )

    def to_dict(self) -> dict[str, Any]:
        """普通的字典，能写成 JSON；另有 ``ok``、``totals``。"""
        return {
            "title": self.title,
            "client_order_id": self.client_order_id,
            "ok": self.ok,
            "rows": [{key: _plain(value) for key, value in row.items()} for row in self.rows],
            "totals": {key: _plain(value) for key, value in self.totals.items()},
            "notes": list(self.notes),
        }

    def to_csv(self) -> str:
        """一家一行的 CSV，第一行是列名（字典的键）。"""
        file = io.StringIO()
        writer = csv.DictWriter(file, KIND.keys, lineterminator="\n")
        writer.writeheader()
        writer.writerows(dict(row) for row in self.rows)
        return file.getvalue()

    def to_markdown(self) -> str:
        """一页 Markdown：邮件、群消息都能用。"""
        lines = [
            f"## {self.title}",
            "",
            self._sums(),
            "",
            *plain.piped(KIND.brief_columns, self.rows),
        ]
        lines += ["", *(f"- {each}" for each in self._tail())]
        return "\n".join(lines).rstrip() + "\n"

    def __str__(self) -> str:
        table = plain.table(KIND.brief_columns, self.rows)
        return "\n".join([f"{self.title}：{self._sums()}", table, *self._tail()])

    def __repr__(self) -> str:
        return f"<JointReport {self.title}：{self._sums()}>"

    def _repr_html_(self) -> str:
        from easytrader.rows import html

        colour = html.GREEN if self.ok else html.RED
        head = html.headline(self.title, self._sums(), colour)
        return html.box(head, html.table(KIND, self.rows), *map(html.small, self._tail()))

    def _of(self, *states: str) -> list[JointRow]:
        return [row for row in self.rows if row["state"] in states]

    def _sums(self) -> str:
        told = self.totals
        parts = [f"{told[state]} 家{name}" for state, name in STATE_NAMES.items() if told[state]]
        if told["asked_amount"]:
            parts.append(f"报出 {_shown(told['placed_amount'])}/{_shown(told['asked_amount'])}")
        return "，".join(parts) or "一家也没有"

    def _tail(self) -> list[str]:
        lines = list(self.notes)
        if self.unknown:
            names = "、".join(row["account"] for row in self.unknown)
            lines.append(
                f"结果未知：{names}；不要另外再下，report.retry()，"
                f"或同样的调用带着 client_order_id={self.client_order_id!r} 再来一次"
            )
        return lines


def row(
    account: str,
    security: str,
    asked: Number | None,
    state: State,
    *,
    entrust_no: OrderId | None = None,
    message: str = "",
    error: BaseException | None = None,
    client_order_id: str = "",
) -> JointRow:
    """一行。"""
    placed = asked if state == "placed" else None if asked is None else 0
    return {
        "account": account,
        "security": security,
        "asked": asked,
        "placed": placed,
        "entrust_no": entrust_no,
        "state": state,
        "state_name": STATE_NAMES[state],
        "message": message or ("" if error is None else str(error) or type(error).__name__),
        "error": "" if error is None else type(error).__name__,
        "client_order_id": client_order_id,
    }


def _sum(values: Iterable[Number | None]) -> Number:
    total = sum((numbers.exact(each) for each in values if each is not None), Decimal(0))
    return int(total) if total == int(total) else total


def _shown(value: Number) -> str:
    return f"{value:,f}".rstrip("0").rstrip(".") if isinstance(value, Decimal) else f"{value:,}"


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value
