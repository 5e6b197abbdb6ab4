"""``user.portfolio`` 与 ``adjust_weights``：真的厂商代码，模拟的柜台。"""

from __future__ import annotations

import inspect
import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, make_folder

import easytrader
from easytrader import rebalance
from easytrader.errors import PlanStaleError, QueryFailedError, UsageError
from easytrader.market.rules.fees import FeeSchedule
from easytrader.market.symbols import parse_security
from easytrader.rebalance.planning import OPTIONS
from easytrader.rebalance.portfolio import look
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader

BANK, PINGAN = "600000.SH", "000001.SZ"
"""账户里有 1000 股与 500 股，另有 100 万元。"""


@pytest.fixture
def user(tmp_path: Path) -> Iterator[SimTrader]:
    found: Any = easytrader.use("sim")
    found.connect(str(make_folder(tmp_path / "模拟 盘")), ACCOUNT)
    yield found
    found.close()


def last_entrust(user: SimTrader) -> dict[str, Any]:
    return dict(user.today_entrusts[-1])


def ask(user: SimTrader, code: str) -> float:
    return user.quote([code])[code]["asks"][0][0]


def bid(user: SimTrader, code: str) -> float:
    return user.quote([code])[code]["bids"][0][0]


def held(user: SimTrader, code: str) -> int:
    return next((each["volume"] for each in user.position if each["stock_code"] == code), 0)


def test_what_could_not_be_done_is_not_done(tmp_path: Path) -> None:
    """停牌的没有进计划：报告说得出，``blocked`` 不空。"""
    folder = make_folder(tmp_path / "停牌")
    told = {"600036": {"suspended": [["2020-01-01", "2099-12-31"]]}}
    (folder / "instruments.json").write_text(json.dumps(told), encoding="utf-8")
    user: Any = easytrader.use("sim")
    user.connect(str(folder), ACCOUNT)
    try:
        report = user.adjust_weights({"600036": 0.1}, others="keep")
        assert [row["rule"] for row in report.blocked] == ["suspended"]
        assert "一笔也做不了" in str(report)
        assert user.adjust_weights({"600036": 0}, others="keep").blocked == []
    finally:
        user.close()


def test_a_path_is_not_a_plan(user: SimTrader) -> None:
    with pytest.raises(UsageError, match=r"plan.*Plan\.load"):
        user.portfolio.execute("plan.json")  # type: ignore[arg-type]


# ---- 一句话下单：价格天天不同，数量都照那一笔的委托价核对


def is_most(row: dict[str, Any], value: float) -> bool:
    """连费用不超过 ``value`` 的最大整手。"""
    rates = FeeSchedule().rates(parse_security(row["stock_code"]), True, date(2026, 11, 30))

    def cost(volume: int) -> float:
        amount = round(row["price"] * 1000) * volume
        return (amount + rates.total(amount)) / 1000

    return cost(row["order_volume"]) <= value < cost(row["order_volume"] + 100)


def test_order_value_buys_no_more_than_the_money(user: SimTrader) -> None:
    assert user.portfolio.order_value("600036", 20_000)
    row = last_entrust(user)
    assert row["stock_code"] == "600036.SH"
    assert is_most(row, 20_000)
    assert user.portfolio.order_value("600036", 100) is None
    assert user.portfolio.order_value("600036", 0) is None


def test_the_money_includes_the_fees(user: SimTrader) -> None:
    """正好 100 股的钱，付不起费用，就不买。"""
    price = round(ask(user, "600036.SH") * 1.01, 2)
    assert user.portfolio.order_value("600036", 100 * price, price) is None
    assert user.portfolio.order_value("600036", 100 * price + 5.03, price) is None  # 还有过户费
    assert user.portfolio.order_value("600036", Decimal(repr(100 * price + 5.2)), price)
    assert (last_entrust(user)["price"], last_entrust(user)["order_volume"]) == (price, 100)


def test_order_value_never_spends_more_than_there_is(user: SimTrader) -> None:
    user.portfolio.order_value("600036", 5_000_000)
    row = last_entrust(user)
    assert is_most(row, 1_000_000)
    assert row["order_status_name"] in ("已成", "已报", "部成")


def test_negative_values_sell(user: SimTrader) -> None:
    price = round(bid(user, BANK) * 0.99, 2)
    user.portfolio.order_value(BANK, -350 * price, price)
    row = last_entrust(user)
    assert (row["order_type_name"], row["order_volume"]) == ("卖出", 300)
    assert user.portfolio.order_value(BANK, -99 * price, price) is None
    user.portfolio.order_value(BANK, -10_000_000)
    assert last_entrust(user)["order_volume"] == 700


def test_order_percent_is_of_the_whole(user: SimTrader) -> None:
    total = user.balance[0]["total_asset"]
    user.portfolio.order_percent("600036", 0.1)
    assert is_most(last_entrust(user), total * 0.1)
    price = round(bid(user, BANK) * 0.99, 2)
    user.portfolio.order_percent(BANK, -450 * price / user.balance[0]["total_asset"], price)
    assert last_entrust(user)["order_volume"] == 400


def test_order_target(user: SimTrader) -> None:
    user.portfolio.order_target(BANK, 1250)
    assert (last_entrust(user)["order_volume"], last_entrust(user)["order_type_name"]) == (
        200, "买入",
    )  # fmt: skip
    user.portfolio.order_target(PINGAN, 150)
    assert (last_entrust(user)["order_volume"], last_entrust(user)["order_type_name"]) == (
        300, "卖出",
    )  # fmt: skip
    before = len(user.today_entrusts)
    assert user.portfolio.order_target(PINGAN, held(user, PINGAN)) is None
    assert user.portfolio.order_target(PINGAN, held(user, PINGAN) + 50) is None
    assert len(user.today_entrusts) == before


def test_order_target_value_and_percent(user: SimTrader) -> None:
    user.portfolio.order_target_value("600036", 40_000)
    row = last_entrust(user)
    assert row["order_type_name"] == "买入"
    assert is_most(row, 40_000)
    assert user.portfolio.order_target_value("600036", 40_000) is None  # 不足一手
    last = user.quote([BANK])[BANK]["last"]
    assert last is not None
    user.portfolio.order_target_value(BANK, 560 * last, round(last * 0.99, 2))
    row = last_entrust(user)
    assert (row["order_volume"], row["order_type_name"]) == (400, "卖出")
    total = user.balance[0]["total_asset"]
    user.portfolio.order_target_percent("510300", 0.1)
    assert is_most(last_entrust(user), total * 0.1)


def test_clearing_sells_what_may_be_sold(user: SimTrader, logged: list[str]) -> None:
    user.wait(user.buy(BANK, ask(user, BANK), 300)["entrust_no"])
    user.portfolio.order_target_percent(BANK, 0)
    row = last_entrust(user)
    assert (row["order_volume"], row["order_type_name"]) == (1000, "卖出")
    user.wait(row["order_id"])
    assert user.portfolio.order_target(BANK, 0) is None
    assert any("可卖 1000" in line for line in logged)
    assert any("可卖 0" in line for line in logged)
    assert user.portfolio.order_target("600036", 0) is None  # 没有持有


def test_odd_lots_go_only_when_clearing(tmp_path: Path) -> None:
    from easytrader.sim.config.folder import AccountConfig, create

    folder = tmp_path / "零股"
    create(folder, (AccountConfig(ACCOUNT, positions={PINGAN: 550, "688981.SH": 150}),))
    user: Any = easytrader.use("sim")
    user.connect(str(folder), ACCOUNT)
    with user:
        user.portfolio.order_target(PINGAN, 120)
        assert last_entrust(user)["order_volume"] == 400
        assert user.portfolio.order_target("688981", 20) is None  # 不足 200 只能一次卖完
        user.portfolio.order_target(PINGAN, 0)
        assert last_entrust(user)["order_volume"] == 150
        user.portfolio.order_target_value("688981", 0)
        assert last_entrust(user)["order_volume"] == 150
        assert {each["order_status_name"] for each in user.today_entrusts} == {"已成"}


def test_a_client_order_id_of_something_else_is_refused(user: SimTrader) -> None:
    """id 是日期的脚本，第二只不许悄悄变成第一只。"""
    user.portfolio.order_value("600036", 20_000, client_order_id="月末")
    for call in (
        lambda: user.portfolio.order_target("000001", 1000, client_order_id="月末"),
        lambda: user.portfolio.order_percent("601318", 0.1, client_order_id="月末"),
        lambda: user.portfolio.order_value("600036", -5000, client_order_id="月末"),
        lambda: user.portfolio.order_percent("600036", -0.1, client_order_id="月末"),
    ):
        with pytest.raises(UsageError, match=r"这个 id 已经用于另一笔：买入 600036\.SH"):
            call()
    assert len(user.today_entrusts) == 1


def test_the_same_client_order_id_is_one_order(user: SimTrader) -> None:
    first = user.portfolio.order_percent("600036", 0.1, client_order_id="月末")
    again = user.portfolio.order_percent("600036", 0.1, client_order_id="月末")
    assert first == again
    assert len(user.today_entrusts) == 1


def test_texts_are_passed_on(user: SimTrader) -> None:
    user.portfolio.order_target("600036", 100, remark="调仓", strategy_name="月末")
    row = last_entrust(user)
    assert (row["order_remark"], row["strategy_name"]) == ("调仓", "月末")


@pytest.mark.parametrize(
    "call",
    [
        lambda p: p.order_value("600036", float("nan")),
        lambda p: p.order_value("600036", "100"),
        lambda p: p.order_value("000300.SH", 1000),
        lambda p: p.order_value("600036", 1000, price=-1),
        lambda p: p.order_percent("600036", 30),
        lambda p: p.order_percent("600036", -1.5),
        lambda p: p.order_target("600036", -100),
        lambda p: p.order_target("600036", 100.5),
        lambda p: p.order_target_value("600036", -1),
        lambda p: p.order_target_percent("600036", 1.01),
        lambda p: p.order_target_percent("600036", -0.1),
        lambda p: p.order_target("204001", 1000),
        lambda p: p.order_target("600036", 5_000_000),
        lambda p: p.order_value("600036"),
        lambda p: p.order_value("600036", 1000, limit=3),
        lambda p: p.order_target_portfolio({"600036": 1.5}),
        lambda p: p.order_target_portfolio({"600036": 0.5}, cashbuffer=1),
        lambda p: p.plan({"600036": 0.5}, price="对手价"),
    ],
)
def test_wrong_arguments_send_nothing(user: SimTrader, call: Any) -> None:
    with pytest.raises(UsageError):
        call(user.portfolio)
    assert user.today_entrusts == []


# ---- 计划、执行


def test_look_leaves_out_what_has_no_quote(user: SimTrader) -> None:
    account, quotes = look(user, ["600036", "sh510300"])
    assert set(quotes) == {"600036.SH", "510300.SH", BANK, PINGAN}
    assert account["balance"][0]["account_id"] == ACCOUNT


class Missing:
    """有几只没有行情的交易口：真实客户端的错误一次只列几只。"""

    def __init__(self, user: SimTrader, missing: list[str]) -> None:
        self._user, self._missing, self.asked = user, missing, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._user, name)

    def quote(self, codes: list[str]) -> Any:
        self.asked += 1
        gone = [code for code in codes if code in self._missing]
        if gone:
            raise QueryFailedError(f"没有行情：{'、'.join(gone[:2])} 等 {len(gone)} 只")
        return self._user.quote(codes)


def test_codes_without_quotes_are_left_out_one_after_another(user: SimTrader) -> None:
    gone = ["600001.SH", "600002.SH", "600003.SH"]
    facade: Any = Missing(user, gone)
    _, quotes = look(facade, ["600036", *gone])
    assert set(quotes) == {"600036.SH", BANK, PINGAN}
    assert facade.asked == 3
    plan = rebalance.Portfolio(facade).plan({"600036": 0.1, "600001": 0.1})
    assert {each["rule"] for each in plan.skipped} >= {"no_quote"}


def test_no_answer_at_all_is_an_error(user: SimTrader) -> None:
    facade: Any = Missing(user, [])
    facade.quote = lambda codes: (_ for _ in ()).throw(QueryFailedError("3 秒内没有回答"))
    with pytest.raises(QueryFailedError, match="没有回答"):
        look(facade, ["600036"])


def test_adjust_weights_reaches_the_weights(user: SimTrader) -> None:
    weights = {"600036": 0.5, "510300": 0.3, BANK: 0.2}
    report = user.adjust_weights(weights, patience=0.5, deadline=60)
    assert report.result == "done"
    total = user.balance[0]["total_asset"]
    for code, weight in weights.items():
        [row] = [each for each in user.position if each["stock_code"][:6] == code[:6]]
        assert row["market_value"] / total == pytest.approx(weight, abs=0.01)
    assert held(user, PINGAN) == 0
    assert user.balance[0]["cash"] >= 0
    again = user.portfolio.plan(weights, min_turnover=0.01)
    assert again.orders == []


def test_adjust_weight_touches_one_code(user: SimTrader) -> None:
    report = user.adjust_weight("600036", 0.1, patience=0.5, deadline=60)
    assert {each["stock_code"] for each in report.rows} == {"600036.SH"}
    assert held(user, BANK) == 1000
    assert held(user, PINGAN) == 500
    cleared = user.adjust_weight(PINGAN, 0, patience=0.5, deadline=60)
    assert cleared.result == "done"
    assert held(user, PINGAN) == 0


def test_a_plan_is_seen_first_and_executed_later(user: SimTrader, tmp_path: Path) -> None:
    path = user.portfolio.plan({"600036": 0.2}, others="keep").save(tmp_path / "plan.json")
    report = user.portfolio.execute(rebalance.Plan.load(path), patience=0.5, deadline=60)
    assert report.result == "done"
    stale = user.portfolio.plan({"600036": 0.1}, others="keep")
    user.wait(user.buy(BANK, ask(user, BANK), 100)["entrust_no"])
    before = len(user.today_entrusts)
    with pytest.raises(PlanStaleError) as caught:
        user.portfolio.execute(stale)
    assert caught.value.codes == [BANK]
    assert len(user.today_entrusts) == before


@pytest.mark.parametrize(
    "call",
    [
        lambda user: user.adjust_weights({"600036": 30}),
        lambda user: user.adjust_weights({"600036": 1}),
        lambda user: user.adjust_weight("600036", 1),
        lambda user: user.adjust_weights({"600036": 0.6, "000001": 0.6}),
        lambda user: user.adjust_weights({}),
        lambda user: user.adjust_weights({"600036": 0.1}, ignore_minor=-1),
        lambda user: user.adjust_weights({"600036": 0.1}, price="随便"),
        lambda user: user.adjust_weights({"600036": 0.1}, deadline="25:00"),
        lambda user: user.adjust_weights({"600036": 0.1}, others="sell"),
        lambda user: user.adjust_weights({"600036": 0.1}, cash_bufer=1),
        lambda user: user.adjust_weight("600036", -0.1),
        lambda user: user.adjust_weight("000300.SH", 0.1),
    ],
)
def test_wrong_weights_send_nothing(user: SimTrader, call: Any) -> None:
    with pytest.raises(UsageError):
        call(user)
    assert user.today_entrusts == []


def test_adjust_weights_has_the_defaults_of_what_it_is_made_of() -> None:
    made = inspect.signature(rebalance.run).parameters
    for verb in (Trader.adjust_weights, Trader.adjust_weight):
        for name, each in inspect.signature(verb).parameters.items():
            if name in made and name != "user":
                assert each.default == made[name].default, name
    assert "min_turnover" in OPTIONS
