"""回放的账：手算得出的小例子，分毫不差；T+1、涨跌停之外的废单；一字不差地再来一遍。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sim.replay_script.replay_desk import (
    BANK,
    DAYS,
    HOME,
    WHERE,
    dailies,
    play,
    snapshots,
    trading_days,
)

if TYPE_CHECKING:
    from pathlib import Path

PRICES = {
    BANK: ("10.00", "10.20", "10.10", "10.40", "10.30"),
    HOME: ("20.00", "20.40", "20.20", "20.00", "20.60"),
}
HAND = f"""
import datetime, easytrader
user = easytrader.use("miniqmt")
user.connect({WHERE!r}, "8881234567")
day = datetime.date.today().day
if day == 3:
    user.buy("600036", price=10.00, amount=5000)
    user.buy("000001", price=20.00, amount=1000)
elif day == 5:
    user.sell("000001", price=20.19, amount=1000)
elif day == 7:
    user.sell("600036", price=10.29, amount=2000)
print(user.position)
"""


def test_by_hand(tmp_path: Path) -> None:
    shown = play(tmp_path, snapshots(tmp_path, PRICES), HAND, cash=200000)
    equity = shown.results.equity
    # 3 日：买 5000×10.00 = 50000，佣金万二点五 12.50、过户费十万分之一 0.50；
    #       买 1000×20.00 = 20000，佣金 5.00（5.00 = 最低）、过户费 0.20。共 18.20
    # 5 日：卖 1000×20.19 = 20190，佣金 5.05、印花税万分之五 10.10（10.095）、过户费 0.20
    # 7 日：卖 2000×10.29 = 20580，佣金 5.15（5.145）、印花税 10.29、过户费 0.21（0.2058）
    third = 18_200
    fifth = third + 5_050 + 10_100 + 200
    seventh = fifth + 5_150 + 10_290 + 210
    assert [row["fees"] for row in equity] == pytest.approx(
        [third, third, fifth, fifth, seventh], abs=10
    )
    fees = [row["fees"] for row in equity]
    cash = [200_000_000 - 70_000_000, 0, 20_190_000, 0, 20_580_000]
    left = 0
    for index, row in enumerate(equity):
        left += cash[index]
        assert row["cash"] == left - fees[index], row["date"]
    held = [(5000, 1000), (5000, 1000), (5000, 0), (5000, 0), (3000, 0)]
    for index, (bank, home) in enumerate(held):
        worth = bank * float(PRICES[BANK][index]) + home * float(PRICES[HOME][index])
        assert equity[index]["market_value"] == round(worth * 1000)
        assert equity[index]["total_asset"] == equity[index]["cash"] + round(worth * 1000)
    assert [row["turnover"] for row in equity] == [70_000_000, 0, 20_190_000, 0, 20_580_000]
    assert sum(row["fees"] for row in shown.results.trades) == seventh
    assert shown.results.summary["trades"] == 4


def test_same_day_sale_is_refused(tmp_path: Path) -> None:
    script = """
import easytrader
user = easytrader.use("sim")
user.connect("随便哪里", "12345")
user.buy("600036", price=10.1, amount=100)
try:
    user.sell("600036", price=9.9, amount=100)
except easytrader.EasytraderError as error:
    print("拒绝", error)
"""
    shown = play(tmp_path, snapshots(tmp_path, PRICES), script, days=DAYS[:1])
    [bought] = shown.results.trades
    assert bought["volume"] == 100
    refused = [row for row in shown.results.orders if row["reason"]]
    assert refused or "拒绝" in shown.output
    assert shown.results.summary["refused"] == len(refused)


def test_the_same_bytes_again(tmp_path: Path) -> None:
    days = trading_days("2025-03-03", "2025-03-14")
    data = dailies(tmp_path / "bars.csv", (BANK, HOME), days)
    script = """
import easytrader
user = easytrader.use("sim")
user.connect()
for row in user.position:
    if row["can_use_volume"]:
        user.market_sell(row["stock_code"], row["can_use_volume"])
found = user.buy("000001", price=user.quote("000001")["000001"]["last"], amount=300)
user.wait(found["entrust_no"], timeout=20) if False else None
"""
    both = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        shown = play(folder, data, script, days=["2025-03-03", "2025-03-14"], benchmark=BANK)
        assert shown.results.summary["days_failed"] == 0, shown.output
        shown.results.save(folder / "report")
        names = sorted(each.name for each in (folder / "report").iterdir())
        both.append([(each, (folder / "report" / each).read_bytes()) for each in names])
    assert both[0] == both[1]
    assert len(both[0]) == 5


def test_sent_back_at_once_is_counted_too(tmp_path: Path) -> None:
    """数据里没有的代码：柜台当场退回、没有记录，报告里也有。"""
    script = """
import easytrader
user = easytrader.use("sim")
user.connect()
print(user.buy("600999", price=10, amount=100)["entrust_no"])
"""
    shown = play(tmp_path, snapshots(tmp_path, PRICES), script, days=DAYS[:1])
    assert shown.lines == ["-1"]
    [row] = shown.results.orders
    assert (row["stock_code"], row["side"], row["status"]) == ("600999.SH", "买入", "退回")
    assert "600999.SH" in row["reason"]
    assert shown.results.summary["refused"] == shown.results.equity[0]["refused"] == 1
