"""同一个账户，两种接口：资金、持仓、委托、成交、行情的字典一字不差，只有委托编号各是各的。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from big_client_world import big_client
from support import ACCOUNT, Recorder, make_folder

import easytrader

if TYPE_CHECKING:
    from pathlib import Path

STEP = {"clock": "step", "start": "2026-11-19 10:00"}


def without_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "order_id"} for row in rows]


def test_every_dictionary_is_the_same(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "国金 QMT", **STEP)
    with (
        big_client(folder, ACCOUNT),
        easytrader.use("bigqmt") as big,
        easytrader.use("sim") as mini,
    ):
        big.connect(str(folder), ACCOUNT, timeout=5)
        mini.connect(str(folder), ACCOUNT, timeout=5)
        codes = ["600036", "000001", "510300.SH"]
        assert big.quote(codes) == mini.quote(codes)
        low = big.quote("600036")["600036"]["limit_down"]
        orders = [
            big.market_buy("600036", 100),
            big.sell("600000", big.quote("600000")["600000"]["bids"][0][0], 300),
            big.buy("600036", low, 200),
            big.buy("600036", 9999.0, 100),  # 柜台拒绝
            mini.buy("000001", mini.quote("000001")["000001"]["limit_down"], 100),  # 别处下的
        ]
        big.cancel_entrust(orders[2]["entrust_no"])
        big.wait(orders[2]["entrust_no"])
        ours, theirs = big.today_entrusts, mini.today_entrusts
        assert [row["order_status_name"] for row in ours] == [
            "已成",
            "已成",
            "已撤",
            "废单",
            "已报",
        ]
        for mine, other in zip(without_id(ours), without_id(theirs), strict=True):
            reason = mine.pop("status_msg"), other.pop("status_msg")
            assert all(reason) or not any(reason)  # MiniQMT 的前面多一段「限价买入 […]」
            assert mine == other
            assert list(mine) == list(other)
        assert without_id(big.today_trades) == without_id(mini.today_trades)
        assert big.position == mini.position
        assert big.balance == mini.balance
        assert {row["order_id"] for row in ours}.isdisjoint(row["order_id"] for row in theirs)
        foreign = ours[-1]["order_id"]
        assert big.cancel_entrust(foreign)["success"] is True
        assert mini.wait(orders[-1]["entrust_no"])["order_status_name"] == "已撤"


def test_callbacks_see_the_users_own_remark(tmp_path: Path, recorder: Recorder) -> None:
    folder = make_folder(tmp_path / "国金 QMT", **STEP)
    with big_client(folder, ACCOUNT), easytrader.use("bigqmt") as big:
        big.connect(str(folder), ACCOUNT, recorder, timeout=5)
        order = big.market_buy("600036", 100, remark="第一批")
        big.wait(order["entrust_no"])
        big.buy("600036", 9999.0, 100, remark="柜台拒绝的")
        recorder.wait_for("trade")
        recorder.wait_for("order_error")
        assert {each.order_remark for each in recorder.of("trade")} == {"第一批"}
        assert {each.order_remark for each in recorder.of("order")} == {"第一批", "柜台拒绝的"}
        assert {each.order_remark for each in recorder.of("order_error")} == {"柜台拒绝的"}


def test_after_hours_goes_out_as_such(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "国金 QMT", clock="step", start="2026-11-19 15:10")
    with (
        big_client(folder, ACCOUNT) as terminal,
        easytrader.use("bigqmt") as big,
        easytrader.use("sim") as mini,
    ):
        big.connect(str(folder), ACCOUNT, timeout=5)
        mini.connect(str(folder), ACCOUNT, timeout=5)
        price = big.quote("688981")["688981"]["last"]
        big.after_hours.buy("688981", price, 200)
        [(_, args)] = list(terminal.calls)
        assert (args[0], args[4]) == (23, 49)
        [row] = mini.today_entrusts
        assert row["order_type_name"] == "盘后定价买入"
