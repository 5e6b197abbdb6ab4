"""``easytrader sim replay``：结果写在哪里、说什么；用得不对时说哪里不对，以 2 退出。"""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING

import pytest
from cli_helpers import easytrader
from sim.replay_script.replay_desk import BANK, HOME, dailies, trading_days

from easytrader.cli import main

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import sys, datetime, easytrader
user = easytrader.use("miniqmt")
user.connect(r"D:\\QMT\\userdata_mini", "8881234567")
if datetime.date.today().day == 5 and "fail" in sys.argv:
    raise RuntimeError("周三不行")
user.buy("600036", price=user.quote("600036")["600036"]["last"] + 0.1, amount=100)
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    days = trading_days("2025-03-03", "2025-03-07")
    dailies(tmp_path / "bars.csv", (BANK, HOME), days)
    (tmp_path / "daily.py").write_text(SCRIPT, encoding="utf-8")
    return tmp_path


def _arguments(desk: Path, **changes: str) -> list[str]:
    options = {"data": str(desk / "bars.csv"), "from": "2025-03-03", "to": "2025-03-07", **changes}
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    return ["sim", "replay", *given]


def test_a_whole_run(desk: Path) -> None:
    report = desk / "结果"
    more = _arguments(desk, report=str(report), benchmark=HOME, cash="100000", at="10:00")
    done = easytrader(*more, "--json", desk / "daily.py", "--", "fail")
    assert done.returncode == 4, done.stderr
    told = json.loads(done.stdout)
    assert (told["days"], told["days_failed"], told["orders"], told["start"]) == (5, 1, 4, 100000)
    assert told["benchmark"]["return"] != 0
    names = ["equity.csv", "orders.csv", "trades.csv", "report.md", "report.json", "equity.png"]
    assert [each.rpartition("/")[2] for each in told["files"]] == names
    with (report / "equity.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["result"] for row in rows] == ["好", "好", "出错", "好", "好"]
    assert "![净值与回撤](equity.png)" in (report / "report.md").read_text(encoding="utf-8")
    assert "周三不行" in (report / "script.log").read_text(encoding="utf-8")


def test_what_it_prints(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_arguments(desk, cash="100000"), "--stop-on-error", str(desk / "daily.py")]) == 0
    told = capsys.readouterr().out
    for word in ("收益率", "最大回撤", "费用", "委托\t5 笔，废单 0 笔", "5 天，出错 0 天"):
        assert word in told
    stopped = [*_arguments(desk), "--stop-on-error", str(desk / "daily.py"), "fail"]
    assert main(stopped) == 1
    assert "2025-03-05 RuntimeError: 周三不行" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"from": "2025-3-3"}, "YYYY-MM-DD"),
        ({"from": "2025-03-07", "to": "2025-03-03"}, "不晚于"),
        ({"from": "2025-03-08", "to": "2025-03-09"}, "没有交易日"),
        ({"to": "2025-03-10"}, "盖不住"),
        ({"from": "2025-02-28"}, "盖不住"),
        ({"at": "25:00"}, "HH:MM"),
        ({"data": "没有.parquet"}, "不在那里"),
        ({"benchmark": "510300.SH"}, "没有它"),
        ({"benchmark": "沪深"}, "应为数据里的证券代码"),
        ({"cash": "-1"}, "大于 0"),
        ({"day-timeout": "0"}, "大于 0"),
        ({"position": "510300.SH:100"}, "没有这只证券"),
        ({"actions": "没有.json"}, "读不了"),
    ],
)
def test_used_wrongly(
    desk: Path, changes: dict[str, str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*_arguments(desk, **changes), str(desk / "daily.py")]) == 2
    assert word in capsys.readouterr().err


def test_wrong_data(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = str(desk / "daily.py")
    bars = desk / "wrong.csv"
    bars.write_text("code,time,open,high,low,close\n", encoding="utf-8")
    assert main([*_arguments(desk, data=str(bars)), script]) == 2
    assert "volume" in capsys.readouterr().err
    line = f"{BANK},20250303,10,11,9,10,100\n"
    bars.write_text(f"code,time,open,high,low,close,volume\n{line}{line}", encoding="utf-8")
    assert main([*_arguments(desk, data=str(bars), period="1d"), script]) == 2
    assert "第 3 行" in capsys.readouterr().err
    bars.with_suffix(".parquet").write_bytes(b"PAR?")
    assert main([*_arguments(desk, data=str(bars.with_suffix(".parquet"))), script]) == 2
    assert "Parquet" in capsys.readouterr().err
    assert main([*_arguments(desk), str(desk / "没有.py")]) == 2
    assert "SCRIPT" in capsys.readouterr().err


@pytest.mark.parametrize(("module", "word"), [("time_machine", "time-machine")])
def test_something_is_not_installed(
    desk: Path,
    module: str,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert main([*_arguments(desk), str(desk / "daily.py")]) == 2
    told = capsys.readouterr().err
    assert word in told
    assert "easytrader[replay]" in told
