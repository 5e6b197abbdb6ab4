"""放完了算什么、写什么。钱以厘计，写成元；同样的数据与脚本写出来的文件一字不差。

| 名字 | 怎样算 |
|---|---|
| 收益率 | 末日总资产 ÷ 开始时总资产 − 1 |
| 年化 | （1 + 收益率）^（252 ÷ 交易日数）− 1 |
| 最大回撤 | 各日总资产比此前最高（含开始时）少了几成，取最大的 |
| 年化波动 | 日收益率的样本标准差 × √252 |
| 夏普 | 日收益率的平均 ÷ 样本标准差 × √252，无风险利率算 0 |
| 换手 | 买卖成交额合计 ÷ 各日总资产的平均 |
| 超额 | 收益率 − 基准的收益率 |
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import statistics
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics.beijing import stamp
from easytrader.codes import OrderStatus
from easytrader.rows import charts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from easytrader.replay.year import Replayed

_YEAR: Final = 252
_SHOWN: Final = 5
_ASSET: Final = ("date", "result", "total_asset", "cash", "market_value", "fees")
_EQUITY: Final = (*_ASSET, "orders", "refused", "turnover", "benchmark")
_ORDERS: Final = (
    *("date", "time", "order_id", "stock_code", "side", "price_type", "price", "volume"),
    *("traded_volume", "traded_price", "status", "reason", "fees"),
)
_TRADES: Final = (
    *("date", "time", "order_id", "traded_id", "stock_code", "side", "price", "volume"),
    *("amount", "fees"),
)


class Curve(NamedTuple):
    """一条净值：收益率、年化、最大回撤（与它的起止），都是小数；日收益的年化波动、夏普。"""

    total: float
    yearly: float
    drawdown: float
    peak: str
    bottom: str
    volatility: float
    sharpe: float


class Results:
    """一次回放的结果。

    Attributes:
        equity: 各日一行，键见 ``equity.csv`` 的表头；``benchmark`` 是基准的净值（开始为 1）。
        orders: 各委托一行；``reason`` 是废单的原因。
        trades: 各成交一行。
        summary: 汇总，``report.json``。
    """

    def __init__(self, done: Replayed) -> None:
        self.done = done
        self.orders = [_order(row) for row in done.orders] + [
            _sent_back(*each) for each in done.refusals
        ]
        self.orders.sort(key=lambda row: (row["date"], row["time"]))
        self.trades = [_trade(row) for row in done.trades]
        self.equity = self._equity()
        self.summary = self._summary()

    @property
    def failures(self) -> list[dict[str, str]]:
        """出错的日子：``date why trace``。"""
        return [
            {"date": each.day.isoformat(), "why": each.why, "trace": each.trace}
            for each in self.done.days
            if each.result == "出错"
        ]

    def _equity(self) -> list[dict[str, Any]]:
        assets = {row["date"]: row for row in self.done.assets}
        refused, placed = _count(self.orders, True), _count(self.orders, False)
        traded: dict[str, int] = {}
        for row in self.trades:
            traded[row["date"]] = traded.get(row["date"], 0) + row["amount"]
        found = []
        for run in self.done.days:
            day = run.day.isoformat()
            asset = assets[day]
            level = self.done.benchmark.get(run.day)
            found.append(
                {
                    "date": day,
                    "result": run.result,
                    "total_asset": _li(asset["total_asset"]),
                    "cash": _li(asset["cash"]),
                    "market_value": _li(asset["market_value"]),
                    "fees": _li(asset["fees"]),
                    "orders": placed.get(day, 0),
                    "refused": refused.get(day, 0),
                    "turnover": traded.get(day, 0),
                    "benchmark": None if level is None else level / self.done.base,
                }
            )
        return found

    def _summary(self) -> dict[str, Any]:
        start = _li(self.done.cash)
        days = [row["date"] for row in self.equity]
        levels = [row["total_asset"] for row in self.equity]
        own = curve(days, [start, *levels])
        traded = sum(row["turnover"] for row in self.equity)
        found: dict[str, Any] = {
            "from": days[0],
            "to": days[-1],
            "days": len(days),
            "days_run": sum(row["result"] != "没有行情" for row in self.equity),
            "days_failed": len(self.failures),
            "days_without_data": sum(row["result"] == "没有行情" for row in self.equity),
            "start": start / 1000,
            "end": levels[-1] / 1000,
            **_shown(own),
            "turnover_value": traded / 1000,
            "turnover": _round(traded / (sum(levels) / len(levels))) if sum(levels) else 0.0,
            "fees": self.equity[-1]["fees"] / 1000,
            "orders": len(self.orders),
            "refused": sum(row["refused"] for row in self.equity),
            "trades": len(self.trades),
        }
        told = [(row["date"], row["benchmark"]) for row in self.equity if row["benchmark"]]
        if told:
            theirs = curve([day for day, _ in told], [1.0, *(level for _, level in told)])
            found["benchmark"] = _shown(theirs)
            found["excess"] = _round(own.total - theirs.total)
        return found

    def plot(self) -> charts.Chart:
        """净值与基准的图，下面是回撤。

        Raises:
            MissingDependencyError: 没有装 matplotlib。
        """
        levels = [self.summary["start"], *(row["total_asset"] / 1000 for row in self.equity)]
        others: list[float] | None = [1.0, *(row["benchmark"] or 0.0 for row in self.equity)]
        if not all(others or ()):
            others = None
        days = [self.done.opened.isoformat(), *(row["date"] for row in self.equity)]
        return charts.equity(days, levels, benchmark=others)

    # ---- 写

    def save(self, folder: Path, picture: str = "") -> list[Path]:
        """写进 ``folder``（没有就建），返回写了哪些。

        Args:
            folder: 文件夹。
            picture: 里面净值图的名字，报告里放上它；没有图为空。

        Raises:
            OSError: 写不进去。
        """
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.summary, ensure_ascii=False, indent=2) + "\n"
        files = {
            "equity.csv": _csv(_EQUITY, map(_written, self.equity)),
            "orders.csv": _csv(_ORDERS, map(_written, self.orders)),
            "trades.csv": _csv(_TRADES, map(_written, self.trades)),
            "report.md": self.to_markdown(picture),
            "report.json": text,
        }
        for name, body in files.items():
            # 表格软件认得出是 UTF-8
            coding = "utf-8-sig" if name.endswith(".csv") else "utf-8"
            (folder / name).write_text(body, encoding=coding, newline="\n")
        return [folder / name for name in files]

    def rows(self) -> list[tuple[str, str]]:
        """汇总，给人看的：（名字，值）。"""
        told = self.summary
        found = [
            ("日子", f"{told['from']} 到 {told['to']}，{told['days']} 个交易日"),
            ("跑了", f"{told['days_run']} 天，出错 {told['days_failed']} 天"),
            ("总资产", f"{told['start']:,.2f} → {told['end']:,.2f} 元"),
            ("收益率", _percent(told["return"])),
            ("年化", _percent(told["yearly"])),
            ("最大回撤", f"{_percent(told['drawdown'])}{_when(told)}"),
            ("年化波动", _percent(told["volatility"])),
            ("夏普", f"{told['sharpe']:.2f}"),
            ("换手", f"{told['turnover']:.2f} 倍（成交 {told['turnover_value']:,.2f} 元）"),
            ("费用", f"{told['fees']:,.2f} 元"),
            ("委托", f"{told['orders']} 笔，废单 {told['refused']} 笔，成交 {told['trades']} 笔"),
        ]
        if told["days_without_data"]:
            found.insert(2, ("没有行情", f"{told['days_without_data']} 天，没有跑"))
        if "benchmark" in told:
            other = told["benchmark"]
            found += [
                ("基准", f"{_percent(other['return'])}，最大回撤 {_percent(other['drawdown'])}"),
                ("超额", _percent(told["excess"])),
            ]
        return found

    def to_markdown(self, picture: str = "") -> str:
        """报告；``picture`` 同 `save`。"""
        lines = ["# 回放", "", "| | |", "|---|---|"]
        lines += [f"| {name} | {value} |" for name, value in self.rows()]
        if picture:
            lines += ["", f"![净值与回撤]({picture})"]
        refused = [row for row in self.orders if row["reason"]]
        if refused:
            lines += [
                "",
                "## 废单",
                "",
                "| 日子 | 代码 | 方向 | 数量 | 原因 |",
                "|---|---|---|---|---|",
            ]
            lines += [
                f"| {row['date']} | {row['stock_code']} | {row['side']} | {row['volume']} | "
                f"{row['reason']} |"
                for row in refused
            ]
        if self.failures:
            lines += ["", "## 出错的日子", ""]
            for each in self.failures:
                lines += [f"### {each['date']}", "", "```text", each["trace"] or each["why"], "```"]
        assert __doc__ is not None
        return "\n".join([*lines, "", "## 怎样算的", "", __doc__.partition("\n\n")[2]])


def curve(days: Sequence[str], levels: Sequence[float]) -> Curve:
    """净值（比 ``days`` 多一个，第一个是开始时的）→ 各个数。"""
    total = levels[-1] / levels[0] - 1 if levels[0] else 0.0
    changes = [now / before - 1 if before else 0.0 for before, now in itertools.pairwise(levels)]
    spread = statistics.stdev(changes) if len(changes) > 1 else 0.0
    root = math.sqrt(_YEAR)
    most, peak, bottom, top, top_day = 0.0, "", "", levels[0], "开始"
    for day, level in zip(days, levels[1:], strict=True):
        if level > top:
            top, top_day = level, day
        elif top and 1 - level / top > most:
            most, peak, bottom = 1 - level / top, top_day, day
    yearly = (1 + total) ** (_YEAR / len(changes)) - 1 if total > -1 else -1.0
    sharpe = statistics.fmean(changes) / spread * root if spread else 0.0
    return Curve(total, yearly, most, peak, bottom, spread * root, sharpe)


def _shown(told: Curve) -> dict[str, Any]:
    return {
        "return": _round(told.total),
        "yearly": _round(told.yearly),
        "drawdown": _round(told.drawdown),
        "drawdown_from": told.peak,
        "drawdown_to": told.bottom,
        "volatility": _round(told.volatility),
        "sharpe": _round(told.sharpe),
    }


def _when(told: dict[str, Any]) -> str:
    return f"（{told['drawdown_from']} 到 {told['drawdown_to']}）" if told["drawdown"] else ""


def _round(number: float) -> float:
    return round(number, 6) + 0.0  # 不写 -0.0


def _percent(number: float) -> str:
    return f"{round(number * 100, 2) + 0.0:.2f}%"


def _li(yuan: float) -> int:
    return round(yuan * 1000)


def _count(orders: Iterable[dict[str, Any]], refused: bool) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in orders:
        if row["reason"] or not refused:
            found[row["date"]] = found.get(row["date"], 0) + 1
    return found


def _order(row: dict[str, Any]) -> dict[str, Any]:
    junk = row["order_status"] == OrderStatus.JUNK
    return {
        "date": row["date"],
        "time": stamp(row["order_time"], "%H:%M:%S"),
        "order_id": row["order_id"],
        "stock_code": row["stock_code"],
        "side": row["offset_flag_name"],
        "price_type": row["price_type_name"],
        "price": _li(row["price"]),
        "volume": row["order_volume"],
        "traded_volume": row["traded_volume"],
        "traded_price": _li(row["traded_price"]),
        "status": row["order_status_name"],
        "reason": (row["status_msg"] or "废单") if junk else "",
        "fees": _li(row["fees"]),
    }


def _sent_back(at: float, args: Any, why: str) -> dict[str, Any]:
    """当场退回的：没有编号。"""
    return {
        "date": stamp(at, "%Y-%m-%d"),
        "time": stamp(at, "%H:%M:%S"),
        "order_id": -1,
        "stock_code": args.stock_code,
        "side": _SIDES.get(args.order_type, str(args.order_type)),
        "price_type": "",
        "price": _li(args.price),
        "volume": args.order_volume,
        "traded_volume": 0,
        "traded_price": 0,
        "status": "退回",
        "reason": why or "当场退回",
        "fees": 0,
    }


_SIDES: Final = {23: "买入", 24: "卖出"}


def _trade(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "date": row["date"],
        "time": stamp(row["traded_time"], "%H:%M:%S"),
        "order_id": row["order_id"],
        "traded_id": row["traded_id"],
        "stock_code": row["stock_code"],
        "side": row["offset_flag_name"],
        "price": _li(row["traded_price"]),
        "volume": row["traded_volume"],
        "amount": _li(row["traded_amount"]),
        "fees": _li(row["fees"]),
    }


_MONEY: Final = (
    *("total_asset", "cash", "market_value", "fees", "turnover"),
    *("price", "traded_price", "amount"),
)


def _written(row: dict[str, Any]) -> dict[str, Any]:
    """钱写成元，三位小数；净值写六位。"""
    found = dict(row)
    for name in _MONEY:
        if name in found:
            sign, size = ("-" if found[name] < 0 else ""), abs(found[name])
            found[name] = f"{sign}{size // 1000}.{size % 1000:03d}"
    if found.get("benchmark") is not None:
        found["benchmark"] = f"{found['benchmark']:.6f}"
    return found


def _csv(names: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def plotted(levels: Sequence[float], width: int = 60, height: int = 10) -> list[str]:
    """净值曲线，画成文字：哪个终端都看得见。"""
    if len(levels) < 2:
        return []
    low, high = min(levels), max(levels)
    columns = min(width, len(levels))
    picked = [levels[at * (len(levels) - 1) // (columns - 1)] for at in range(columns)]
    scale = (height - 1) / (high - low) if high > low else 0.0
    places = [round((level - low) * scale) for level in picked]
    lines = []
    for row in range(height - 1, -1, -1):
        label = f"{low + row / scale if scale else low:8.4f}" if row in (0, height - 1) else " " * 8
        lines.append(f"{label} |" + "".join("*" if at == row else " " for at in places).rstrip())
    return lines
