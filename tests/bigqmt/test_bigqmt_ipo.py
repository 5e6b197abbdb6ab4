"""新股新债：数据、额度与 MiniQMT 的一样；一天里申购几次都只有一笔。"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from big_client_world import big_client
from support import ACCOUNT, make_folder

import easytrader
from easytrader.basics.beijing import beijing_now

if TYPE_CHECKING:
    from pathlib import Path


def test_one_subscription_a_day(tmp_path: Path) -> None:
    today = beijing_now().date()
    terms = {"date": f"{today}", "listing": f"{today + timedelta(days=20)}", "wins": 1}
    stock = {"name": "新股甲", "listed_code": "688801.SH", "price": 25.6, "max": 9000, **terms}
    bond = {"name": "发债乙", "listed_code": "113999.SH", "price": 100.0, "max": 10000, **terms}
    folder = make_folder(tmp_path / "完整版 QMT")
    issues = {"issues": {"787801.SH": stock, "754810.SH": bond}, "quota": {"KCB": 5200, "SH": 0}}
    (folder / "ipo.json").write_text(json.dumps(issues), encoding="utf-8")
    with (
        big_client(folder, ACCOUNT) as terminal,
        easytrader.use("bigqmt") as big,
        easytrader.use("sim") as mini,
    ):
        big.connect(str(folder), ACCOUNT, timeout=5)
        mini.connect(str(folder), ACCOUNT, timeout=5)
        assert big.ipo.data() == mini.ipo.data()
        assert {row["type_name"] for row in big.ipo.data()} == {"股票", "债券"}
        assert big.ipo.limits() == mini.ipo.limits()

        first = {row["stock_code"]: row for row in big.ipo.subscribe_all()}
        assert [row["status"] for row in first.values()] == ["placed", "placed"]
        assert first["787801.SH"]["volume"] == 5000  # 额度 5200，500 股一个单位
        again = {row["stock_code"]: row for row in big.ipo.subscribe_all()}
        assert [row["status"] for row in again.values()] == ["already", "already"]
        assert {c: r["entrust_no"] for c, r in again.items()} == {
            c: r["entrust_no"] for c, r in first.items()
        }
        assert sorted(args[3] for _, args in terminal.calls) == ["754810.SH", "787801.SH"]
        assert {args[0] for _, args in terminal.calls} == {23}
