"""图：没有显示器、在线程里、没有中文字体时都画得出来，不碰 pyplot 与全局设置。"""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.errors import MissingDependencyError, UsageError
from easytrader.rows import charts

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n"
WEIGHTS: list[dict[str, Any]] = [
    {"stock_code": f"6000{i:02}.SH", "before": i / 1000, "target": 0.02, "after": 0.019}
    for i in range(30)
] + [{"stock_code": "现金", "before": 0.3, "target": None, "after": 0.11}]
FILLS: list[dict[str, Any]] = [
    {"time": 1.7e9 + i, "stock_code": code, "side": side, "volume": 100, "price": price}
    for i, (code, side, price) in enumerate(
        [("600036.SH", "buy", 35.5), ("600036.SH", "buy", 35.4), ("000001.SZ", "sell", 11.1)]
    )
]
ROWS: list[dict[str, Any]] = [
    {"stock_code": "600036.SH", "side": "buy", "arrival_price": 35.4},
    {"stock_code": "000001.SZ", "side": "sell", "arrival_price": 11.2},
]
DAYS = ["2026-01-05", "2026-01-06", "2026-01-07"]


@pytest.fixture(params=[True, False], ids=["有中文字体", "没有中文字体"])
def chinese(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if not request.param:
        monkeypatch.setattr(charts, "_font", lambda: None)
    elif charts._font() is None:
        pytest.skip("这台机器上没有中文字体")
    return bool(request.param)


def all_text(chart: charts.Chart) -> str:
    from matplotlib.text import Text

    chart.figure.draw_without_rendering()  # 排一遍版：缺字形会警告，警告是错误
    return "\n".join(str(each.get_text()) for each in chart.figure.findobj(Text))  # type: ignore[attr-defined]


def offsets(chart: charts.Chart) -> list[float]:
    """散点的纵坐标。"""
    found = chart.figure.axes[0].collections
    return [float(y) for each in found for _, y in each.get_offsets()]  # type: ignore[union-attr, attr-defined]


def test_weights(chinese: bool, tmp_path: Path) -> None:
    chart = charts.weights(WEIGHTS)
    where = chart.save_png(tmp_path / "权 重.png")
    assert where.read_bytes().startswith(PNG)
    told = all_text(chart)
    assert ("调仓前后的权重" in told) is chinese
    assert ("其余 12 只" in told) is chinese
    assert (charts.NO_FONT in told) is not chinese
    assert told.isascii() is not chinese
    assert len(chart.figure.axes[0].get_yticks()) == 20
    widths = [bar.get_width() for bar in chart.figure.axes[0].containers[0]]  # type: ignore[attr-defined]
    assert widths[0] == 30  # 现金最大，画百分数
    assert len(chart.figure.axes[0].collections[0].get_offsets()) == 19  # type: ignore[arg-type]
    assert sum(widths) == pytest.approx(100 * sum(row["before"] for row in WEIGHTS))


def test_fills(chinese: bool) -> None:
    chart = charts.fills(FILLS, ROWS)
    told = all_text(chart)
    assert ("买入" in told) is chinese
    assert "600036.SH" in told
    assert offsets(chart) == pytest.approx([1e4 * (35.5 / 35.4 - 1), 0, -1e4 * (11.1 / 11.2 - 1)])
    all_text(charts.fills([], []))
    for span in (0, 20_000):
        apart = [{**each, "time": 1.7e9 + i * span / 2} for i, each in enumerate(FILLS)]
        all_text(charts.fills(apart, ROWS))
    all_text(charts.fills(FILLS, []))


def test_equity(chinese: bool) -> None:
    chart = charts.equity(
        DAYS, [1e6, 9e5, 1.1e6], benchmark=[4000, 4100, 4200], benchmark_name="沪深300"
    )
    told = all_text(chart)
    assert ("沪深300" in told) is chinese
    lines = chart.figure.axes[0].get_lines()
    assert list(lines[0].get_ydata()) == [1, 0.9, 1.1]  # type: ignore[arg-type]
    assert list(lines[1].get_ydata()) == [1, 1.025, 1.05]  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [[1, 2], [], [0, 1, 2], [float("nan"), 1, 2]])
def test_bad_equity(values: list[float]) -> None:
    with pytest.raises(UsageError, match="values"):
        charts.equity(DAYS, values)
    with pytest.raises(UsageError, match="benchmark"):
        charts.equity(DAYS, [1, 2, 3], benchmark=values)


def test_bad_paths(tmp_path: Path) -> None:
    chart = charts.weights(WEIGHTS[:2])
    with pytest.raises(UsageError, match=r"\.png 结尾"):
        chart.save_png(tmp_path / "a.pdf")
    with pytest.raises(UsageError, match="写不进去"):
        chart.save_png(tmp_path / "没有" / "a.png")


def test_in_threads() -> None:
    drawn: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: drawn.append(charts.weights(WEIGHTS[:3])._repr_png_()))
        for _ in range(2)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each[:6] for each in drawn] == [PNG] * 2


_ALONE = """
import sys
import matplotlib
before = matplotlib.rcParams.copy()
from easytrader.rows import charts
charts.weights([{"stock_code": "600036.SH", "before": 0.1, "after": 0.2}])._repr_png_()
print(matplotlib.rcParams.copy() == before, "matplotlib.pyplot" in sys.modules)
sys.modules["matplotlib"] = sys.modules["matplotlib.figure"] = None
try:
    charts.weights([])
except charts.MissingDependencyError as exc:
    print(exc)
"""


def test_leaves_nothing_behind() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", _ALONE],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "True False",
        '画图要 matplotlib：pip install "easytrader[notebook]"',
    ]
    assert issubclass(charts.MissingDependencyError, MissingDependencyError)
