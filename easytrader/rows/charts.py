"""行 → 图：调仓前后的权重、成交与到达价、净值曲线。

只用 matplotlib 的 `Figure`，不碰 pyplot 与 ``rcParams``：没有显示器、在任何线程上都能画，
不影响用户自己的图。找得到中文字体就写中文，找不到写英文与代码，不画成方框。
"""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.beijing import BEIJING
from easytrader.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

FONTS: Final = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
    "Microsoft YaHei", "PingFang SC", "PingFang HK", "Hiragino Sans GB", "Heiti SC",
    "Heiti TC", "STHeiti", "SimHei",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP", "Noto Serif CJK SC",
    "Noto Serif CJK JP", "Songti SC", "SimSun", "DengXian", "Arial Unicode MS",
)  # fmt: skip
"""有中文的字体，先找到哪个用哪个。"""
NO_FONT: Final = "No Chinese font found: install Noto Sans CJK (fonts-noto-cjk)"

_MOST: Final = 20
"""一张图里最多几只证券，其余合成一项。"""
_LABELLED: Final = 12
_LEAST_SPAN: Final = timedelta(seconds=30)
_GREY, _BLUE, _RED, _GREEN = "#9aa0a6", "#3574c4", "#d0453f", "#2f9e55"


class Chart:
    """画好的一张图；在笔记本里直接显示。

    Attributes:
        figure: matplotlib 的 ``Figure``，可以接着改。
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def save_png(self, path: str | Path) -> Path:
        """存成 PNG，返回路径。

        Raises:
            UsageError: 路径不是 ``.png``，或写不进去。
        """
        where = Path(path).expanduser()
        if where.suffix.lower() != ".png":
            raise UsageError("path", str(path), "应为 .png 结尾的路径")
        try:
            where.write_bytes(self._repr_png_())
        except OSError as exc:
            raise UsageError("path", str(path), f"写不进去：{exc.strerror or exc}") from None
        return where

    def _repr_png_(self) -> bytes:
        into = io.BytesIO()
        self.figure.savefig(into, format="png")
        return into.getvalue()

    def __repr__(self) -> str:
        return "<图：笔记本里直接显示，save_png(path) 存成文件>"


class _Pen:
    """一张图的字：中文或英文。"""

    def __init__(self) -> None:
        name = _font()
        self.chinese = name is not None
        self.font = _properties(name)

    def say(self, chinese: str, english: str) -> str:
        return chinese if self.chinese else english

    def dress(self, figure: Figure, title: str) -> Chart:
        """标题与全部的字换上字体。"""
        if not self.chinese:
            figure.text(0.01, 0.005, NO_FONT, fontsize=7, color=_GREY)
        figure.suptitle(title if self.chinese or title.isascii() else "", fontsize=12)
        from matplotlib.text import Text

        for text in figure.findobj(Text):
            size = text.get_fontsize()
            text.set_fontproperties(self.font)
            text.set_fontsize(size)
        return Chart(figure)


@cache
def _font() -> str | None:
    """一个装着的中文字体；没有为 None。"""
    from matplotlib.font_manager import fontManager

    names = {each.name for each in fontManager.ttflist}
    return next((name for name in FONTS if name in names), None)


def _properties(name: str | None) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(family=["DejaVu Sans"] if name is None else [name, "DejaVu Sans"])


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as exc:
        told = '画图要 matplotlib：pip install "easytrader[notebook]"'
        raise MissingDependencyError(told) from exc
    return Figure(figsize=(width, height), dpi=100, layout="constrained", facecolor="white")


def weights(found: Sequence[Mapping[str, Any]], *, title: str = "") -> Chart:
    """调仓前后的权重，一只一组横条，大的在上。

    Args:
        found: ``plan.weights``：``stock_code before target after``，比例。
        title: 图的名字。

    Raises:
        MissingDependencyError: 没有装 matplotlib。
    """
    rows = _largest(found)
    figure = _figure(8, 1.6 + 0.42 * max(1, len(rows)))
    pen = _Pen()
    axes = figure.add_subplot()
    places = range(len(rows))
    for key, label, colour, offset in (
        ("before", pen.say("调仓前", "before"), _GREY, -0.2),
        ("after", pen.say("调仓后", "after"), _BLUE, 0.2),
    ):
        values = [100 * _number(row.get(key)) for row in rows]
        axes.barh([place + offset for place in places], values, 0.38, color=colour, label=label)
    aimed = [place for place in places if rows[place].get("target") is not None]  # 现金没有目标
    wished = [100 * _number(rows[place]["target"]) for place in aimed]
    mark = pen.say("目标", "target")
    axes.scatter(wished, aimed, marker="|", s=160, color="black", label=mark, zorder=3)
    axes.set_yticks(list(places), [_code(pen, row["stock_code"]) for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("%")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(prop=pen.font, loc="lower right")
    return pen.dress(figure, title or pen.say("调仓前后的权重", "Weights before and after"))


def _largest(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    rows = sorted(
        found, key=lambda row: -max(_number(row.get("before")), _number(row.get("after")))
    )
    if len(rows) <= _MOST:
        return list(rows)
    kept, rest = rows[: _MOST - 1], rows[_MOST - 1 :]
    total = {
        key: sum(_number(row.get(key)) for row in rest) for key in ("before", "target", "after")
    }
    return [*kept, {"stock_code": f"其余 {len(rest)} 只", **total}]


def _code(pen: _Pen, code: str) -> str:
    if pen.chinese or code.isascii():
        return code
    return "cash" if code == "现金" else "others"


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def fills(
    found: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], *, title: str = ""
) -> Chart:
    """成交的时刻与价格，比到达价差多少（万分之，正的是吃亏）；下面是累计成交金额。

    Args:
        found: ``report.fills``：``time stock_code side volume price``。
        rows: ``report.rows``：要其中的 ``stock_code side arrival_price``。
        title: 图的名字。

    Raises:
        MissingDependencyError: 没有装 matplotlib。
    """
    figure = _figure(8, 5)
    pen = _Pen()
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    done = sorted(found, key=lambda each: _number(each["time"]))
    for side, colour, label in (
        ("buy", _RED, pen.say("买入", "buy")),
        ("sell", _GREEN, pen.say("卖出", "sell")),
    ):
        _points(upper, [each for each in done if each["side"] == side], rows, colour, label)
    upper.axhline(0, color=_GREY, linewidth=1)
    upper.set_ylabel(pen.say("比到达价（万分之，正的吃亏）", "vs arrival, bp (+ is worse)"))
    upper.grid(alpha=0.3)
    if upper.collections:
        upper.legend(prop=pen.font)
    if done:
        sums, total = [], 0.0
        for each in done:
            total += _number(each["price"]) * _number(each["volume"])
            sums.append(total)
        moments = [_moment(each) for each in done]
        lower.step(moments, sums, where="post", color=_BLUE)
        _clock(lower, moments[0], moments[-1])
    else:
        upper.text(
            0.5, 0.5, pen.say("没有成交", "no fills"), ha="center", transform=upper.transAxes
        )
    lower.set_ylabel(pen.say("累计成交（元）", "filled (yuan)"))
    lower.grid(alpha=0.3)
    return pen.dress(figure, title or pen.say("成交与到达价", "Fills against arrival price"))


def _points(
    axes: Axes,
    done: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    colour: str,
    label: str,
) -> None:
    arrivals = {(row["stock_code"], row["side"]): _number(row.get("arrival_price")) for row in rows}
    shown = [each for each in done if arrivals.get((each["stock_code"], each["side"]))]
    if not shown:
        return
    costs = []
    for each in shown:
        arrival = arrivals[each["stock_code"], each["side"]]
        worse = _number(each["price"]) / arrival - 1
        costs.append(1e4 * (worse if each["side"] == "buy" else -worse))
    values = [_number(each["price"]) * _number(each["volume"]) for each in shown]
    sizes = [20 + 180 * value / max(*values, 1.0) for value in values]
    moments: Any = [_moment(each) for each in shown]
    axes.scatter(moments, costs, s=sizes, color=colour, alpha=0.65, label=label)
    if len({each["stock_code"] for each in done}) > _LABELLED:
        return
    said: set[str] = set()
    for each, moment, cost in zip(shown, moments, costs, strict=True):
        if each["stock_code"] not in said:  # 一只只写一次
            said.add(each["stock_code"])
            where = (moment, cost)
            axes.annotate(each["stock_code"], where, (4, 4), textcoords="offset points", fontsize=8)


def _moment(each: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(_number(each["time"]), BEIJING)


def _clock(axes: Axes, first: datetime, last: datetime) -> None:
    """横轴写钟点；都在一两秒里的也留出宽来。"""
    from matplotlib import dates

    untyped: Any = dates
    axes.xaxis.set_major_locator(untyped.AutoDateLocator(tz=BEIJING))
    axes.xaxis.set_major_formatter(untyped.DateFormatter("%H:%M:%S", tz=BEIJING))
    room: Any = max((_LEAST_SPAN - (last - first)) / 2, (last - first) / 20)
    axes.set_xlim(first - room, last + room)


def equity(
    days: Sequence[str],
    values: Sequence[float],
    *,
    benchmark: Sequence[float] | None = None,
    benchmark_name: str = "",
    title: str = "",
) -> Chart:
    """净值曲线（第一天为 1）与基准，下面是回撤。

    Args:
        days: 各天，``YYYY-MM-DD``。
        values: 各天的总资产，元。
        benchmark: 各天基准的点位或价格。
        benchmark_name: 基准叫什么。
        title: 图的名字。

    Raises:
        UsageError: 长短不一，或第一天不是正数。
        MissingDependencyError: 没有装 matplotlib。
    """
    mine = _net("values", days, values)
    other = None if benchmark is None else _net("benchmark", days, benchmark)
    figure = _figure(9, 5)
    pen = _Pen()
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    when: Any = [date.fromisoformat(day) for day in days]
    upper.plot(when, mine, color=_BLUE, label=pen.say("净值", "net value"))
    if other is not None:
        name = benchmark_name if pen.chinese or benchmark_name.isascii() else ""
        upper.plot(when, other, color=_GREY, label=name or pen.say("基准", "benchmark"))
    upper.axhline(1, color=_GREY, linewidth=0.8, linestyle=":")
    upper.legend(prop=pen.font, loc="upper left")
    upper.set_ylabel(pen.say("净值", "net value"))
    top, falls = 0.0, []
    for value in mine:
        top = max(top, value)
        falls.append(100 * (value / top - 1))
    lower.fill_between(when, falls, color=_RED, alpha=0.4)
    lower.set_ylabel(pen.say("回撤（%）", "drawdown, %"))
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    return pen.dress(figure, title or pen.say("净值曲线", "Equity curve"))


def _net(argument: str, days: Sequence[str], values: Sequence[float]) -> list[float]:
    if len(values) != len(days) or not days or not values[0] > 0:
        form = f"应为 {len(days)} 个数，一天一个，第一天的大于 0；至少一天"
        raise UsageError(argument, values, form)
    return [float(value) / float(values[0]) for value in values]
