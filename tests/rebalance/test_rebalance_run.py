"""执行：先卖后买、重报、到期、被拒、封板、市价、分片、试算；时间由模拟的钟走，每次都一样。"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from run_world import BANK, MAOTAI, PINGAN, Look, at, plan_of, world

from easytrader.errors import UsageError
from easytrader.rebalance.report import Report
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from pathlib import Path

FLAT = [Look("09:25", 10.0), Look("14:59", 10.0)]


def test_sells_first_and_the_proceeds_pay_for_the_buys(tmp_path: Path) -> None:
    looks = {BANK: FLAT, PINGAN: FLAT, MAOTAI: FLAT}
    with world(tmp_path, looks, cash=1200, held={BANK: 2000}) as w:
        plan = plan_of(
            (BANK, "sell", 1000, 10),
            (PINGAN, "buy", 100, 10),
            (MAOTAI, "buy", 900, 10),
            held={BANK: 2000},
        )
        report = w.run(plan)
        assert report.result == "done", str(report)
        assert w.sent() == [
            (BANK, 1000, 9.99, "已成"),
            (PINGAN, 100, 10.01, "已成"),  # 手上的钱只够它，差得最多的等卖出的钱
            (MAOTAI, 900, 10.01, "已成"),
        ]
        assert [w.held(code) for code in (BANK, PINGAN, MAOTAI)] == [1000, 100, 900]
        assert [row["slippage_bp"] for row in report.rows] == [10.0, 10.0, 10.0]
        assert report.totals["slippage_value"] == 20.0
        assert report.rows[0]["fee"] == 10.1  # 佣金 5、印花税 5.0、过户费 0.1
        assert [fill["volume"] for fill in report.fills] == [1000, 100, 900]


def test_the_largest_shortfall_goes_first_when_cash_is_there(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT, PINGAN: FLAT, MAOTAI: FLAT}) as w:
        plan = plan_of((BANK, "buy", 100, 10), (PINGAN, "buy", 900, 10), (MAOTAI, "buy", 500, 10))
        assert w.run(plan).result == "done"
        assert [row[1] for row in w.sent()] == [900, 500, 100]


def test_the_cash_floor_is_kept(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}, cash=10_000) as w:
        report = w.run(plan_of((BANK, "buy", 900, 10), cash_buffer=5000))
        assert report.result == "partly"
        assert report.rows[0]["filled"] == 400
        assert report.rows[0]["why"] == "资金不足"
        assert w.user.balance[0]["cash"] >= 5000


def test_two_buys_do_not_spend_the_same_money(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT, PINGAN: FLAT}, cash=8_000) as w:
        report = w.run(plan_of((BANK, "buy", 500, 10), (PINGAN, "buy", 500, 10)))
        assert [row["filled"] for row in report.rows] == [500, 200]
        assert {row[3] for row in w.sent()} == {"已成"}  # 没有一笔因为钱不够成了废单
        assert report.rows[1]["why"] == "资金不足"


def test_no_more_than_so_many_at_once(tmp_path: Path) -> None:
    far = [Look("09:25", 10.0, asks=[(10.5, 5000)]), Look("10:01", 10.4, asks=[(10.4, 5000)])]
    codes = (BANK, PINGAN, MAOTAI)
    with world(tmp_path, dict.fromkeys(codes, far)) as w:
        most = []

        def look() -> None:
            live = [row for row in w.user.today_entrusts if row["order_status_name"] == "已报"]
            most.append(len(live))

        w.pace.on_sleep = look
        report = w.run(plan_of(*((c, "buy", 100, 10) for c in codes)), price="最新价", parallel=2)
        assert report.result == "done"
        assert max(most) == 2, most


def test_a_partial_fill_is_cancelled_and_the_rest_repriced(tmp_path: Path) -> None:
    looks = [
        Look("09:25", 10.0, asks=[(10.01, 3)]),
        Look("10:00:05", 10.05, bids=[(10.04, 50)], asks=[(10.06, 50)]),
        Look("14:59", 10.05),
    ]
    with world(tmp_path, {BANK: looks}) as w:
        report = w.run(plan_of((BANK, "buy", 1000, 10)), patience=10)
        assert report.result == "done"
        assert w.sent() == [(BANK, 1000, 10.01, "部撤"), (BANK, 700, 10.06, "已成")]
        first, second = (row["order_remark"] for row in w.user.today_entrusts)
        assert {first, second} == {"rb-p1-0-1", "rb-p1-0-2"}
        assert report.rows[0]["attempts"] == 2
        assert report.rows[0]["avg_price"] == 10.045  # (300×10.01 + 700×10.06) / 1000
        assert w.events("cancel", "fill") == ["fill", "cancel", "fill"]


def test_a_resting_order_whose_price_still_holds_keeps_its_place(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        report = w.run(plan_of((BANK, "buy", 100, 10)), price="本方价", patience=5, deadline=60)
        assert len(w.sent()) == 1
        assert w.sent()[0][3] == "已撤"  # 到期才撤
        assert report.result == "nothing"
        assert report.rows[0]["why"].startswith("到期")


def test_what_fills_while_a_cancel_is_on_its_way_is_not_bought_twice(tmp_path: Path) -> None:
    looks = [
        Look("09:25", 10.0, asks=[(10.01, 3)]),
        Look("10:00:05", 10.05, bids=[(10.02, 50)], asks=[(10.06, 50)]),
        Look("10:00:12", 10.0, bids=[(9.99, 50)], asks=[(10.0, 500)], traded=9000),
        Look("10:00:30", 10.0, bids=[(9.99, 50)], asks=[(10.0, 500)], traded=19000),
    ]
    with world(tmp_path, {BANK: looks}, cancel_done_s=30.0) as w:
        report = w.run(plan_of((BANK, "buy", 1000, 10)), patience=5, deadline=100)
        assert "cancel" in w.events()
        assert report.result == "done"
        w.goto("10:00:50")  # 要是没有等撤单的下场，旧的这时才成交
        assert w.held(BANK) == 1000


def test_a_price_that_comes_nearer_does_not_cancel(tmp_path: Path) -> None:
    looks = [
        Look("09:25", 10.0, asks=[(10.01, 3)]),
        Look("10:00:05", 9.95, bids=[(9.94, 1)], asks=[(9.96, 4)]),
        Look("10:01", 9.95, bids=[(9.94, 1)], asks=[(9.96, 9)]),
    ]
    with world(tmp_path, {BANK: looks}) as w:
        w.run(plan_of((BANK, "buy", 1000, 10)), patience=5, deadline=120)
        assert len(w.sent()) == 1
        cancels = [each["time"] for each in w.steps if each["event"] == "cancel"]
        assert all(when >= at("10:02") for when in cancels)  # 到期才撤


def test_the_deadline_cancels_and_says_what_is_left(tmp_path: Path) -> None:
    looks = [Look("09:25", 10.0, asks=[(10.01, 4)]), Look("14:59", 10.0, asks=[(10.01, 4)])]
    with world(tmp_path, {BANK: looks}, start="14:50") as w:
        report = w.run(plan_of((BANK, "buy", 1000, 10)), deadline="14:56")
        assert report.result == "partly"
        assert report.rows[0]["left"] == 600
        assert report.rows[0]["why"].startswith("到期")
        assert w.sent() == [(BANK, 1000, 10.01, "部撤")]
        assert w.user.sim.now().strftime("%H:%M") == "14:56"


def test_the_closing_auction_is_waited_for_as_it_takes_no_cancels(tmp_path: Path) -> None:
    looks = [Look("09:25", 10.0, asks=[(10.5, 4)]), Look("14:59:30", 10.5)]
    with world(tmp_path, {BANK: looks}, start="14:56:50") as w:
        report = w.run(plan_of((BANK, "buy", 100, 10)), price="最新价", deadline="14:58")
        assert w.user.sim.now().strftime("%H:%M") == "15:00"
        assert report.rows[0]["left"] == 100
        assert "没有撤掉" in report.rows[0]["why"]


def test_lunch_burns_no_attempts(tmp_path: Path) -> None:
    looks = [Look("09:25", 10.0, asks=[(10.01, 3)]), Look("11:29:59", 10.1), Look("14:59", 10.1)]
    with world(tmp_path, {BANK: looks}, start="11:29:57") as w:
        report = w.run(plan_of((BANK, "buy", 1000, 10)), patience=10)
        assert report.result == "done"
        assert w.sent() == [(BANK, 1000, 10.01, "部撤"), (BANK, 700, 10.11, "已成")]
        (cancel,) = (each for each in w.steps if each["event"] == "cancel")
        assert at("13:00") <= cancel["time"] < at("13:00:15")


def test_nothing_is_sent_before_the_market_opens(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}, start="09:26") as w:
        assert w.run(plan_of((BANK, "buy", 100, 10))).result == "done"
        (row,) = w.user.today_entrusts
        assert row["order_time"] >= w.user.sim.at("2026-11-23 09:30").timestamp()


@pytest.mark.parametrize(
    ("price", "sent"),
    [
        ("对手价", 10.01),
        ("本方价", 9.99),
        ("最新价", 10.0),
        ("最新价+2", 10.02),
        ("最新价-3档", 9.97),
        ("对手价+2", 10.03),
    ],
)
def test_limit_price_policies(tmp_path: Path, price: str, sent: float) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        report = w.run(plan_of((BANK, "buy", 100, 10)), price=price, dry_run=True)
        assert [order["price"] for order in report.orders] == [sent]


def test_a_sell_gives_way_downwards(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}, held={BANK: 500}) as w:
        plan = plan_of((BANK, "sell", 100, 10), held={BANK: 500})
        assert w.run(plan, price="最新价+2", dry_run=True).orders[0]["price"] == 9.98


def test_market_orders_and_the_board_that_takes_none(tmp_path: Path) -> None:
    bond = "123107.SZ"
    with world(tmp_path, {BANK: FLAT, bond: [Look("09:25", 100.0), Look("14:59", 100.0)]}) as w:
        plan = plan_of((BANK, "buy", 200, 10), (bond, "buy", 10, 100))
        report = w.run(plan, price="最优五档即时成交剩余撤销")
        assert report.result == "done", str(report)
        types = {row["stock_code"]: row["price_type_name"] for row in w.user.today_entrusts}
        assert types == {BANK: "最优五档即时成交剩余撤销", bond: "限价"}


def test_a_market_order_too_dear_at_the_limit_up_becomes_a_limit_order(tmp_path: Path) -> None:
    # 市价按涨停价 11 元冻结：10,100 元不够买 1,000 股，限价 10.01 元够
    with world(tmp_path, {BANK: FLAT}, cash=10_100) as w:
        report = w.run(plan_of((BANK, "buy", 1000, 10)), price="市价")
        assert report.result == "done"
        assert w.sent() == [(BANK, 1000, 10.01, "已成")]


def test_limit_up_meanwhile_is_the_reason(tmp_path: Path) -> None:
    sealed = {"bids": [(11.0, 9000)], "asks": []}
    looks = [
        Look("09:25", 10.0, asks=[(10.01, 3)]),
        Look("10:00:03", 11.0, **sealed),
        Look("14:59", 11.0, **sealed),
    ]
    with world(tmp_path, {BANK: looks}) as w:
        report = w.run(plan_of((BANK, "buy", 1000, 10)), patience=5, deadline=120)
        assert report.rows[0]["filled"] == 300
        assert "涨停" in report.rows[0]["why"]
        assert len(w.sent()) == 1


def test_a_rejection_is_tried_a_few_times_and_then_told(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT, PINGAN: FLAT}) as w:
        Faults(w.user.status["path"]).account_status(3)
        plan = plan_of((BANK, "buy", 100, 10), (PINGAN, "buy", 100, 10))
        report = w.run(plan)
        assert report.result == "nothing"
        assert [row["attempts"] for row in report.rows] == [3, 3]
        assert all(row["why"].startswith("被退回") for row in report.rows)


def test_junk_orders_are_tried_a_few_times_and_then_told(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}, held={BANK: 1000}) as w:
        w.user.sell(BANK, 10.5, 900)  # 占着可卖的
        report = w.run(plan_of((BANK, "sell", 500, 10), held={BANK: 1000}))
        assert report.rows[0]["attempts"] == 3
        assert report.rows[0]["why"].startswith("废单")
        assert report.rows[0]["filled"] == 0


@pytest.mark.parametrize("price", ["对手价", "对手方最优价格委托"])
def test_dry_run_asks_the_guard_and_sends_nothing(tmp_path: Path, price: str) -> None:
    with world(tmp_path, {BANK: FLAT, PINGAN: FLAT}) as w:
        w.user.guard = {"max_order_value": 1500, "max_orders_per_minute": 50}
        plan = plan_of((BANK, "buy", 200, 10), (PINGAN, "buy", 100, 10))
        told = w.run(plan, dry_run=True, price=price)
        refused = {each["stock_code"]: each["refused"] for each in told.orders}
        assert "max_order_value" in refused[BANK]
        assert not refused[PINGAN]
        assert f"会被拒绝 {BANK} 买入 200" in str(told)
        assert not w.user.today_entrusts
        guard = w.user.status["guard"]
        assert guard is not None
        assert guard["orders_this_minute"] == 0


def test_the_guard_refuses_one_and_the_rest_goes_on(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT, PINGAN: FLAT}) as w:
        w.user.guard = {"block": [BANK]}
        report = w.run(plan_of((BANK, "buy", 100, 10), (PINGAN, "buy", 100, 10)))
        assert report.result == "partly"
        assert "风控拒绝（block）" in report.rows[0]["why"]
        assert report.rows[0]["attempts"] == 1
        assert report.rows[1]["filled"] == 100


def test_a_full_minute_is_waited_out(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT, PINGAN: FLAT}) as w:
        w.user.guard = {"max_orders_per_minute": 1}
        plan = plan_of((BANK, "buy", 100, 10), (PINGAN, "buy", 100, 10))
        report = w.run(plan, deadline=20)
        # 风控数的是真的一分钟：模拟的时间到期了，说为什么
        assert [row["filled"] for row in report.rows] == [100, 0]
        assert "max_orders_per_minute" in report.rows[1]["why"]
        assert 2 <= report.rows[1]["attempts"] <= 5


def test_an_order_cancelled_by_hand_is_not_fought_over(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        w.pace.on_sleep = w.user.cancel_all
        report = w.run(plan_of((BANK, "buy", 100, 10)), price="本方价")
        assert report.rows[0]["attempts"] == 3
        assert "在别处撤的" in report.rows[0]["why"]


def test_twap_spreads_over_the_window(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        report = w.run(plan_of((BANK, "buy", 1000, 10)), slices="twap 10:10-10:30 4")
        assert report.result == "done"
        rows = sorted(w.user.today_entrusts, key=lambda row: row["order_time"])
        assert [row["order_volume"] for row in rows] == [200, 300, 200, 300]
        base = w.user.sim.at("2026-11-23 10:10").timestamp()
        minutes = [(row["order_time"] - base) / 60 for row in rows]
        assert all(0 <= minute - 5 * k < 0.1 for k, minute in enumerate(minutes))


def test_a_share_of_the_volume(tmp_path: Path) -> None:
    looks = [
        Look("09:25", 10.0, traded=1000),
        Look("10:01", 10.0, traded=1040),
        Look("10:05", 10.0, traded=1100),
        Look("14:59", 10.0, traded=1100),
    ]
    with world(tmp_path, {BANK: looks}) as w:
        report = w.run(plan_of((BANK, "buy", 3000, 10)), slices="pov 0.1", deadline=1000)
        rows = sorted(w.user.today_entrusts, key=lambda row: row["order_time"])
        assert [row["order_volume"] for row in rows] == [400, 600]  # 4,000 股与 6,000 股的一成
        assert report.rows[0]["left"] == 2000
        assert report.rows[0]["why"] == "到期；等下一片"


def test_dry_run_sends_and_writes_nothing_and_says_what_a_real_run_sends(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT, PINGAN: FLAT}, cash=900, held={BANK: 2000}) as w:
        plan = plan_of((BANK, "sell", 1000, 10), (PINGAN, "buy", 900, 10), held={BANK: 2000})
        told = w.run(plan, dry_run=True)
        assert told.dry_run
        assert not w.user.today_entrusts
        assert not w.log_folder.exists()
        assert "等卖出的钱" in str(told)
        assert "什么都没有发出" in str(told)
        w.run(plan)
        first = w.user.today_entrusts[0]
        (order,) = told.orders
        same = ("stock_code", "order_volume", "price", "order_remark")
        names = ("stock_code", "volume", "price", "client_order_id")
        assert [first[name] for name in same] == [order[name] for name in names]


def test_a_full_lot_is_bought_and_the_fragment_explained(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        plan = plan_of((BANK, "buy", 150, 10))
        report = w.run(plan)
        assert report.rows[0]["filled"] == 100
        assert "零头" in report.rows[0]["why"]


def test_a_progress_listener_that_breaks_does_not_stop_the_run(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:

        def broken(step: dict[str, Any]) -> None:
            raise ZeroDivisionError(step)

        assert w.run(plan_of((BANK, "buy", 100, 10)), on_step=broken).result == "done"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", "随便"),
        ("price", 10.0),
        ("price", "最新价+"),
        ("patience", 0),
        ("deadline", "25:00"),
        ("deadline", -5),
        ("slices", "twap 10:30-09:30 4"),
        ("slices", "twap 30 0"),
        ("slices", "pov 1.5"),
        ("slices", "每隔一会儿"),
        ("parallel", 0),
        ("dry_run", 1),
        ("assume_open", "yes"),
    ],
)
def test_bad_options_are_refused_before_anything(tmp_path: Path, name: str, value: object) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        with pytest.raises(UsageError) as told:
            w.run(plan_of((BANK, "buy", 100, 10)), **{name: value})
        assert told.value.argument == name
        assert not w.user.today_entrusts


def test_what_the_plan_skipped_is_in_the_report(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        skip: Any = {
            "stock_code": PINGAN,
            "security": "000001",
            "side": "sell",
            "wanted": 300,
            "reason": "当天买的今天不能卖",
            "rule": "t1",
        }
        report = w.run(replace(plan_of(), skipped=[skip]))
        assert report.result == "done"
        told = "跳过 000001.SZ 卖出 300：当天买的今天不能卖"
        assert told in str(report)
        assert told in report.to_markdown()
        assert "当天买的今天不能卖" in report._repr_html_()
        assert "没有要下的单" in str(report)
        assert "做完了" not in str(report)


def test_no_minus_zero() -> None:
    row: Any = {
        "side": "sell", "filled": 10_000_000, "left": 0, "avg_price": 10.0, "arrival_price": 10.0,
        "slippage_value": -0.01, "fee": 0.0,
    }  # fmt: skip
    totals = Report("p1", "done", [row], 0.0, 1.0).totals
    assert str(totals["slippage_bp"]) == "0.0"


def test_fees_are_those_of_the_plan(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        usual = plan_of((BANK, "buy", 100, 10))
        dear = replace(usual, options={"commission": 0.001, "min_commission": 30.0})
        report = w.run(dear)
        assert 30 <= report.totals["fees"] < 30.1
