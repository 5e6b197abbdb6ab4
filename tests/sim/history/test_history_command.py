"""``easytrader sim history`` 与正在服务的、被杀掉的进程。"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from support import ACCOUNT, ROOT, SimProcess

import easytrader
from easytrader.sim.gateway import history

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "easytrader", "sim", "history", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
        cwd=ROOT,
    )


def today() -> str:
    """模拟柜台的今天（上海时间）。"""
    return f"{datetime.now(timezone(timedelta(hours=8))):%Y-%m-%d}"


def test_a_running_server_and_a_killed_one(served: SimProcess) -> None:
    path: Path = served.folder
    with easytrader.use("miniqmt") as user:
        user.connect(str(path), ACCOUNT, None, timeout=5)
        placed = user.market_sell("600000", amount=100)
        user.wait(placed["entrust_no"])
        [order], fills = user.today_entrusts, user.today_trades
        day = today()
        assert history.orders(path, day) == [order]
        assert history.trades(path, day) == fills

        shown = run(path, "--date", day)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert f"{order['order_id']}  600000.SH  卖出" in shown.stdout
        assert json.loads(run(path, "--date", day, "--json").stdout) == [order]
        assert json.loads(run(path, "--date", day, "--trades", "--json").stdout) == fills
        assert "600000.SH" in run(path, "--date", day, "--trades").stdout
        assert run(path).stdout.split() == [day]
        assert run(path, "--assets").stdout == "没有\n"
        served.kill()
    assert history.orders(path, day) == [order], "被杀之后，WAL 里的也读得到"
    served.start()
    with easytrader.use("miniqmt") as user:
        user.connect(str(path), ACCOUNT, None, timeout=5)
        assert user.today_entrusts == [order]


def test_words_for_what_is_wrong(sim_folder: Path, tmp_path: Path) -> None:
    missing = run(tmp_path / "没有", "--date", "2026-11-20")
    assert (missing.returncode, "不是模拟 MiniQMT 的文件夹" in missing.stderr) == (1, True)
    fresh = run(sim_folder, "--date", "2026-11-20")
    assert (fresh.returncode, "还没有账本" in fresh.stderr) == (1, True)
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT, None, timeout=5)
    bad = run(sim_folder, "--date", "昨天")
    assert (bad.returncode, "应为 2026-11-20 这样的日期" in bad.stderr) == (2, True)
    ahead = run(sim_folder, "--date", "2999-01-01")
    assert (ahead.returncode, "还没有到" in ahead.stderr) == (1, True)
    other = run(sim_folder, "--date", today(), "--account", "9")
    assert (other.returncode, f"里有：{ACCOUNT}" in other.stderr) == (2, True)
    which = run(sim_folder, "--trades")
    assert (which.returncode, "要说哪一天" in which.stderr) == (2, True)
    both = run(sim_folder, "--trades", "--assets")
    assert both.returncode == 2


def test_the_curve_of_a_stepped_account(tmp_path: Path) -> None:
    from easytrader.sim.config.folder import AccountConfig, create

    path = tmp_path / "净值"
    create(path, [AccountConfig(ACCOUNT)], clock="step", start="2026-11-18 10:00")
    with easytrader.use("sim") as user:
        user.connect(str(path), ACCOUNT, None, timeout=5)
        user.market_buy("600036", amount=1000)
        for _ in range(4):
            user.sim.next_day()
        curve = history.assets(path)
    days = ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-23"]
    assert [row["date"] for row in curve] == days
    lines = run(path, "--assets").stdout.splitlines()
    assert [line.split()[0] for line in lines] == days
    assert f"总资产 {curve[0]['total_asset']:.2f}" in lines[0]
    [one] = json.loads(run(path, "--assets", "--date", "2026-11-20", "--json").stdout)
    assert one == curve[2]
    held = run(path, "--date", "2026-11-23", "--positions").stdout
    assert f"{ACCOUNT}  600036.SH  1000" in held
