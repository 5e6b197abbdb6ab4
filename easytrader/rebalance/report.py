"""执行的报告：成交了多少、比到达价差多少、费用、剩下什么、为什么。"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from easytrader.basics.beijing import stamp
from easytrader.rebalance.model import SIDE_NAMES
from easytrader.rows import empties, plain
from easytrader.rows.titles import KINDS, Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from easytrader.rebalance.model import Side, SideName, Skipped
    from easytrader.rows.charts import Chart

Result = Literal["done", "partly", "nothing"]
"""全做完了；做了一部分，或有结果未知的；一股也没有成交。"""

BLOCKING: Final = frozenset(
    {"suspended", "limit_up", "limit_down", "no_quote", "untradable", "open_order", "buy_cap"}
)
"""不是不必做，是做不了：有这样的就不是都做完了。"""
RESULT_NAMES: Final[dict[Result, str]] = {
    "done": "做完了",
    "partly": "做了一部分",
    "nothing": "没有成交",
}


class ReportRow(TypedDict):
    """计划里的一笔做成了什么样。价格为元，数量为股/份/张。"""

    id: int
    stock_code: str
    side: Side
    side_name: SideName
    planned: int
    filled: int
    left: int
    avg_price: float | None
    """成交均价；没有成交为 None。"""
    arrival_price: float | None
    """开始执行时的最新价。"""
    slippage_bp: float | None
    """成交均价比到达价差万分之几；正的是吃亏（买贵了、卖便宜了）。"""
    slippage_value: float
    """同上，元。"""
    fee: float
    """估算的费用，元：柜台不说费用。"""
    attempts: int
    """报了几次。"""
    why: str
    """剩下的为什么没有做；没有剩下为空。"""


class Fill(TypedDict):
    """一笔成交。"""

    time: float
    """Unix 秒。"""
    stock_code: str
    side: Side
    volume: int
    price: float


class FirstOrder(TypedDict):
    """真的执行会先发的一笔。

    ``price`` 为 0 是市价，``ttype`` 是哪一种；``refused`` 是风控会拒绝它的原因，不会的为空。
    """

    id: int
    client_order_id: str
    stock_code: str
    side: Side
    side_name: SideName
    volume: int
    price: float
    ttype: str
    refused: str


@dataclass(frozen=True, repr=False)
class Report:
    """见模块说明；``str()`` 是一张文字的表。

    Attributes:
        plan_id: 计划。
        result: ``done`` ``partly`` ``nothing``，说的是计划里的单；没有进计划的见 `blocked`。
        rows: 计划里的每一笔一行，见 `ReportRow`。
        started: 开始执行的时刻，Unix 秒；被杀了接着做的，是第一次。
        ended: 结束的时刻。
        fills: 按时间先后的成交，见 `Fill`。
        notes: 要人知道的话。
        dry_run: 只是试算，什么都没有发出。
        orders: 试算时，真的执行会先发的，见 `FirstOrder`；不是试算为空。
        skipped: 计划里就跳过的，见 `model.Skipped`。
    """

    plan_id: str
    result: Result
    rows: list[ReportRow]
    started: float
    ended: float
    fills: list[Fill] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dry_run: bool = False
    orders: list[FirstOrder] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def __post_init__(self) -> None:
        empties.noted("report", self.rows)
        empties.noted("fills", self.fills)
        empties.noted("skipped", self.skipped)

    @property
    def blocked(self) -> list[Skipped]:
        """想调而做不了的（停牌、涨跌停、没有行情、还有没完的委托）；``result`` 只说计划里的单。"""
        return [each for each in self.skipped if each["rule"] in BLOCKING]

    @property
    def totals(self) -> dict[str, float]:
        """合计。

        键：``planned_orders filled_orders``（笔）、``bought sold fees slippage_value``（元）、
        ``slippage_bp``（万分之几）。
        """
        amount: dict[Side, float] = {"buy": 0.0, "sell": 0.0}
        for row in self.rows:
            amount[row["side"]] += (row["avg_price"] or 0.0) * row["filled"]
        slippage = sum(row["slippage_value"] for row in self.rows)
        base = sum((row["arrival_price"] or 0.0) * row["filled"] for row in self.rows)
        return {
            "planned_orders": len(self.rows),
            "filled_orders": sum(not row["left"] for row in self.rows),
            "bought": round(amount["buy"], 2),
            "sold": round(amount["sell"], 2),
            "fees": round(sum(row["fee"] for row in self.rows), 2),
            "slippage_value": round(slippage, 2) + 0.0,  # 不写 -0.0
            "slippage_bp": round(slippage / base * 10_000, 2) + 0.0 if base else 0.0,
        }

    def to_dict(self) -> dict[str, Any]:
        """普通的字典，能写成 JSON；另有 ``totals``。"""
        return {**asdict(self), "totals": self.totals}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Report:
        """`to_dict` 的反面。"""
        names = cls.__dataclass_fields__
        return cls(**{name: value for name, value in body.items() if name in names})

    def __str__(self) -> str:
        if self.dry_run:
            return self._first()
        lines = [f"计划 {self.plan_id}：{self._result()}，{self._times()}"]
        if self.rows:
            lines += [plain.table(KINDS["report"].brief_columns, self.rows), self._sums()]
        return "\n".join([*lines, *self._skips(), *self.notes])

    def __repr__(self) -> str:
        return f"<Report {self.plan_id} {self._result()}：{len(self.rows)} 笔>"

    def plot(self) -> Chart:
        """成交的时刻与价格，比到达价差多少；存成 PNG 用它的 ``save_png(path)``。

        Raises:
            MissingDependencyError: 没有装 matplotlib。
        """
        from easytrader.rows import charts  # 画图的不轻，用到才导入

        return charts.fills(self.fills, self.rows, title=f"调仓 {self.plan_id}：成交与到达价")

    def _repr_html_(self) -> str:
        from easytrader.rows import html

        return html.report(self.to_dict())

    def to_markdown(self) -> str:
        """一页 Markdown：邮件、群消息都能用。"""
        lines = [f"## 调仓 {self.plan_id}：{self._result()}", "", self._times(), ""]
        if self.rows:
            table = plain.piped(KINDS["report"].brief_columns, self.rows)
            lines += [*table, "", self._sums(), ""]
        lines += [f"- {line}" for line in (*self._skips(), *self.notes)]
        return "\n".join(lines).rstrip() + "\n"

    def _first(self) -> str:
        head = f"计划 {self.plan_id}（试算，什么都没有发出）：先发 {len(self.orders)} 笔"
        told = [{**each, "price": each["ttype"] or each["price"]} for each in self.orders]
        table = [plain.table(_FIRST, told)] if told else []
        waiting: dict[tuple[str, str, str], list[int]] = {}
        for row in self.rows:
            if row["why"]:
                key = (row["stock_code"], row["side_name"], row["why"])
                waiting.setdefault(key, []).append(row["left"])
        later = []
        for (code, side, why), left in waiting.items():
            pieces = f"（{len(left)} 笔）" if len(left) > 1 else ""
            later.append(f"先不发 {code} {side} {sum(left)}{pieces}：{why}")
        refused = [
            f"会被拒绝 {each['stock_code']} {each['side_name']} {each['volume']}：{each['refused']}"
            for each in self.orders
            if each["refused"]
        ]
        return "\n".join([head, *table, *refused, *later, *self._skips(), *self.notes])

    def _result(self) -> str:
        """没有要下的单，不说做完了。"""
        if not self.rows:
            return "一笔也做不了" if self.blocked else "没有要下的单"
        return RESULT_NAMES[self.result]

    def _skips(self) -> list[str]:
        """计划里跳过的，一只一行。"""
        return [
            f"跳过 {each['stock_code']} {SIDE_NAMES[each['side']]} {each['wanted']:,}："
            f"{each['reason']}"
            for each in self.skipped
        ]

    def _times(self) -> str:
        began, ended = stamp(self.started, "%Y-%m-%d %H:%M:%S"), stamp(self.ended, "%H:%M:%S")
        return f"{began} 到 {ended}"

    def _sums(self) -> str:
        found = self.totals
        return (
            f"完成 {found['filled_orders']:.0f}/{found['planned_orders']:.0f} 笔，"
            f"买入 {found['bought']:,.2f} 元，卖出 {found['sold']:,.2f} 元，"
            f"费用约 {found['fees']:,.2f} 元，"
            f"滑点 {found['slippage_value']:,.2f} 元（{found['slippage_bp']:g} bp）"
        )


_FIRST: Final = (
    Column("client_order_id", "委托 id"),
    Column("stock_code", "证券代码"),
    Column("side_name", "方向"),
    Column("volume", "数量", "count"),
    Column("price", "价格", "price"),
)
