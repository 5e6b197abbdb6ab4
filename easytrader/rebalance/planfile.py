"""计划：要下的单、跳过的、调仓前后的权重，是一个读得懂的 JSON 文件。

一个程序做，人或另一个程序看过再执行：文件带着内容的摘要，手改过的不收；
执行之前 `Plan.check` 核对账号、日子、持仓，变了的不做。
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from easytrader.basics import pace
from easytrader.basics.beijing import stamp
from easytrader.basics.log import masked
from easytrader.basics.private import replace_file
from easytrader.errors import PlanStaleError, UsageError
from easytrader.market.rules.fees import FeeSchedule
from easytrader.rebalance.model import SIDE_NAMES, PlanOrder, Skipped, WeightRow
from easytrader.rows import charts, empties, html, plain
from easytrader.rows.titles import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Self

    from easytrader.rebalance.model import Facade

FORMAT: Final = 1
_MOST_BYTES: Final = 64_000_000
_SHOWN_CODES: Final = 10


def schedule_of(commission: float, min_commission: float) -> FeeSchedule:
    """佣金的比例（含规费）与每笔最低（元）→ 收费标准。"""
    return FeeSchedule(round(commission * 1e6), round(min_commission * 1000))


@dataclass(frozen=True)
class Plan:
    """一份计划；金额元，数量股/份/张，权重与比例 0–1。

    Attributes:
        plan_id: 短的编号，内容一样才一样；委托的 ``client_order_id`` 由它来。
        created: 什么时候做的，Unix 秒。
        day: 哪一天的，``YYYY-MM-DD``（北京时间）；只在这一天有效。
        account_id: 哪个账号的。
        options: 做计划时的选项，见 `planning.Options`。
        orders: 要下的单，见 `model.PlanOrder`；卖出在前。
        skipped: 没有做或没有做足的，见 `model.Skipped`。
        weights: 每只（与现金）调仓前、目标、调仓后的权重，见 `model.WeightRow`。
        holdings: 做计划时的持仓 ``{代码: 数量}``。
        total_asset: 总资产。
        cash_before: 做计划时的可用资金。
        cash_after: 照估算的价都做完以后的。
        cash_buffer: 要留的现金。
        fees: 估算的费用合计，一笔计划一笔委托地算。
        turnover: 换手：买卖金额之和除以总资产。
        tracking_error: 取整的误差：各只离目标的差除以总资产，平方和开方。
        bound: ``tracking_error`` 的下界；相等就是证明了没有更好的取法。
        scale: 要的比有的多时各只按多少配；够的是 1。
        notes: 另外要让人知道的。
    """

    plan_id: str
    created: float
    day: str
    account_id: str
    options: dict[str, Any]
    orders: list[PlanOrder]
    skipped: list[Skipped]
    weights: list[WeightRow]
    holdings: dict[str, int]
    total_asset: float
    cash_before: float
    cash_after: float
    cash_buffer: float
    fees: float
    turnover: float
    tracking_error: float
    bound: float
    scale: float = 1.0
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        empties.noted("plan", self.orders)
        empties.noted("skipped", self.skipped)

    @classmethod
    def made(cls, **content: Any) -> Self:
        """内容 → 计划，编号由内容来。"""
        return cls(plan_id=_digest(content)[:10], **content)

    # ---- 字典与文件

    def to_dict(self) -> dict[str, Any]:
        """普通的字典，键就是各属性。"""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """`to_dict` 的反面。

        Raises:
            UsageError: 少了、多了、不对的键。
        """
        _check(told)
        return cls(**told)

    def save(self, path: str | Path) -> Path:
        """存成 JSON 文件：整个换上去，已有的盖掉。

        Raises:
            UsageError: 写不了。
        """
        file = Path(path)
        told = self.to_dict()
        body = {"format": FORMAT, "digest": _digest(told), "plan": told}
        text = json.dumps(body, ensure_ascii=False, indent=1) + "\n"
        try:
            replace_file(file, text.encode())
        except OSError as exc:
            raise UsageError("plan", str(path), f"写不了：{exc.strerror or exc}") from None
        return file

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """读 `save` 存的文件。

        Raises:
            UsageError: 读不到、不是计划、别的版本的、存了以后被改过。
        """
        name = str(path)
        try:
            with Path(path).open("rb") as file:
                data = file.read(_MOST_BYTES)
        except OSError as exc:
            raise UsageError("plan", name, f"读不到：{exc.strerror or exc}") from None
        try:
            body = json.loads(data.decode("utf-8-sig"))
        except (ValueError, RecursionError) as exc:
            raise UsageError("plan", name, f"不是计划文件（不是 JSON）：{exc}") from None
        if not isinstance(body, dict) or not isinstance(body.get("plan"), dict):
            raise UsageError("plan", name, "不是计划文件")
        if body.get("format") != FORMAT:
            told = f"是另一个版本写的（{body.get('format')!r}，这里是 {FORMAT}），请重新做计划"
            raise UsageError("plan", name, told)
        if body.get("digest") != _digest(body["plan"]):
            told = "存了以后被改过，不能执行；要改就改目标，重新做计划"
            raise UsageError("plan", name, told)
        return cls.from_dict(body["plan"])

    @property
    def schedule(self) -> FeeSchedule:
        """做计划时的收费标准；选项里没有写的是常见的。"""
        told = self.options
        if not {"commission", "min_commission"} <= set(told):
            return FeeSchedule()
        return schedule_of(told["commission"], told["min_commission"])

    # ---- 核对

    def check(
        self, user: Facade, expected: Mapping[str, int] | None = None, *, any_day: bool = False
    ) -> None:
        """还能不能执行：账号、日子、持仓与做计划时一样。

        Args:
            user: 交易口。
            expected: 这几只现在应有的数量：这份计划自己已经成交了一些的；其余的照 ``holdings``。
            any_day: 不看日子。

        Raises:
            PlanStaleError: 不能；``rule`` 是 ``account day drift``，``codes`` 是变了的。
        """
        account = str(user.balance[0]["account_id"])
        if account != self.account_id:
            raise PlanStaleError(
                f"计划是账号 {masked(self.account_id)} 的，现在连的是 {masked(account)}",
                rule="account",
            )
        today = stamp(pace.current().now(), "%Y-%m-%d")
        if not any_day and today != self.day:
            raise PlanStaleError(
                f"计划是 {self.day} 的，今天是 {today}：价格和持仓都变了，请重新做计划", rule="day"
            )
        held: dict[str, int] = {}
        for row in user.position:
            held[row["stock_code"]] = held.get(row["stock_code"], 0) + int(row["volume"] or 0)
        should = {**self.holdings, **(expected or {})}
        drifted = sorted(
            code for code in {*should, *held} if should.get(code, 0) != held.get(code, 0)
        )
        if drifted:
            told = "、".join(
                f"{code} 应为 {should.get(code, 0)} 现在 {held.get(code, 0)}"
                for code in drifted[:_SHOWN_CODES]
            )
            more = f" 等 {len(drifted)} 只" if len(drifted) > _SHOWN_CODES else ""
            raise PlanStaleError(
                f"做计划以后持仓变了：{told}{more}。请重新做计划", rule="drift", codes=drifted
            )

    # ---- 给人看

    def __str__(self) -> str:
        bought, sold = (
            sum(each["value"] for each in self.orders if each["side"] == side)
            for side in ("buy", "sell")
        )
        lines = [
            f"调仓计划 {self.plan_id}  {self.day}  账号 {self.account_id}",
            f"总资产 {self.total_asset:,.2f}  卖出 {sold:,.2f}  买入 {bought:,.2f}  "
            f"费用约 {self.fees:,.2f}  换手 {self.turnover:.2%}",
            f"可用资金 {self.cash_before:,.2f} → {self.cash_after:,.2f}（要留 "
            f"{self.cash_buffer:,.2f}）  取整误差 {self.tracking_error:.4%}{self._proof()}",
            *(f"注意：{note}" for note in self.notes),
            "",
        ]
        kind = KINDS["plan"]
        lines.append(
            plain.table(kind.brief_columns, _one_each(self.orders))
            if self.orders
            else "没有要下的单"
        )
        if self.skipped:
            columns = KINDS["skipped"].brief_columns
            rows = [{**each, "side": SIDE_NAMES[each["side"]]} for each in self.skipped]
            lines += ["", f"没有做或没有做足的 {len(rows)} 只：", plain.table(columns, rows)]
        return "\n".join(lines)

    def plot(self) -> charts.Chart:
        """调仓前后的权重，一张图；存成 PNG 用它的 ``save_png(path)``。"""
        return charts.weights(self.weights, title=f"调仓计划 {self.plan_id}  {self.day}")

    def _repr_html_(self) -> str:
        return html.plan(self.to_dict())

    def _proof(self) -> str:
        if self.tracking_error <= self.bound:
            return "（最小）"
        return f"（不会小于 {self.bound:.4%}）"


def _one_each(orders: Sequence[PlanOrder]) -> list[PlanOrder]:
    """给人看的：一只一行；超过一笔的上限而拆开的合在一起，说分了几笔。"""
    found: list[PlanOrder] = []
    for _, group in groupby(orders, key=lambda each: (each["stock_code"], each["side"])):
        rows = list(group)
        whole = rows[0].copy()
        if len(rows) > 1:
            whole["volume"] = sum(each["volume"] for each in rows)
            whole["value"] = round(sum(each["value"] for each in rows), 2)
            whole["fee"] = round(sum(each["fee"] for each in rows), 2)
            whole["reason"] = f"{whole['reason']}，分 {len(rows)} 笔"
        found.append(whole)
    return found


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


_NUMBERS: Final = (
    "created", "total_asset", "cash_before", "cash_after", "cash_buffer", "fees", "turnover",
    "tracking_error", "bound", "scale",
)  # fmt: skip


def _check(told: Mapping[str, Any]) -> None:
    """有该有的键，装的是该装的。

    Raises:
        UsageError: 不对。
    """
    names = {each.name for each in fields(Plan)}
    if set(told) != names:
        differ = "、".join(sorted(set(told) ^ names))
        raise UsageError("plan", differ, "不是一份计划：键不对")
    for name in _NUMBERS:
        if not isinstance(told[name], int | float):
            raise UsageError("plan", told[name], f"{name} 应为数")
    for name in ("plan_id", "day", "account_id"):
        if not isinstance(told[name], str):
            raise UsageError("plan", told[name], f"{name} 应为文字")
    for name, shape in (("orders", PlanOrder), ("skipped", Skipped), ("weights", WeightRow)):
        keys = set(get_type_hints(shape))
        if not isinstance(told[name], list):
            raise UsageError("plan", told[name], f"{name} 应为列表")
        for row in told[name]:
            if not isinstance(row, dict) or set(row) != keys:
                raise UsageError("plan", row, f"{name} 里的一行应有 {'、'.join(sorted(keys))}")
