"""信用账号的下单动词：走厂商层，到模拟柜台，合约真的变。"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest
from credit_helpers import CODE, LATEST, Sent, connect, credit_folder, open_contracts
from types_check import check

import easytrader
from easytrader import types
from easytrader.errors import RiskRefusedError, UsageError
from easytrader.risk import Guard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support import Recorder

VERBS: dict[str, tuple[tuple[Any, ...], int, int]] = {
    "credit.buy": ((CODE, 35.0, 100), 23, 0),
    "credit.sell": ((CODE, 35.0, 100), 24, 0),
    "credit.fin_buy": ((CODE, 35.0, 100), 27, 40),
    "credit.slo_sell": ((CODE, 36.0, 100), 28, 41),
    "credit.buy_secu_repay": ((CODE, 35.0, 100), 29, 42),
    "credit.direct_secu_repay": ((CODE, 100), 30, 43),
    "credit.sell_secu_repay": ((CODE, 36.0, 100), 31, 44),
    "credit.direct_cash_repay": ((100,), 32, 45),
}
"""动词 → (参数, 普通的委托类型, 专项的委托类型)。"""


def unchecked(verb: str) -> dict[str, Any]:
    return {"check_debt": False} if verb.endswith("repay") else {}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("suffix", ["", "_async"])
def test_every_verb_sends_its_order_type(credit_user: Any, verb: str, suffix: str) -> None:
    given, plain, special = VERBS[verb]
    sent = Sent(credit_user)
    place = attrgetter(verb + suffix)(credit_user)
    rows = [place(*given, **unchecked(verb))]
    if special:
        rows.append(place(*given, special=True, **unchecked(verb)))
    for row in rows:
        check(row.result(30) if suffix else row, types.EntrustResult)
    assert sent.kinds == ([plain, special] if special else [plain])
    assert {each.m_nAccountType for each in sent.requests} == {3}
    names = [each["order_type_name"] for each in credit_user.today_entrusts]
    assert names == [types_name(each) for each in sent.kinds]


def types_name(kind: int) -> str:
    from easytrader.codes import order_type_name

    return order_type_name(kind, 3)


def test_plain_verbs_on_a_credit_account_are_collateral(credit_user: Any) -> None:
    credit_user.buy(CODE, 35.0, 100)
    credit_user.market_sell(CODE, 100)
    names = [each["order_type_name"] for each in credit_user.today_entrusts]
    assert names == ["担保品买入", "担保品卖出"]


def test_price_types(credit_user: Any) -> None:
    sent = Sent(credit_user)
    credit_user.credit.fin_buy(CODE, 35.0, 100)
    credit_user.credit.fin_buy(CODE, None, 100, ttype="对手方最优价格委托")
    credit_user.credit.fin_buy(CODE, None, 100, ttype=42)
    credit_user.credit.slo_sell(CODE, None, 100, ttype=LATEST)
    credit_user.credit.direct_secu_repay(CODE, 100, check_debt=False)
    told = [(each.m_nPriceType, each.m_dPrice) for each in sent.requests]
    assert told == [(11, 35.0), (44, 0.0), (42, 0.0), (5, 0.0), (5, 0.0)]


def test_all_the_repayments(credit_user: Any) -> None:
    user = credit_user
    open_contracts(user)
    debts = {each["compact_id"]: each for each in user.credit.compacts()}
    wait = lambda row: user.wait(row["entrust_no"], 30)["order_status_name"]  # noqa: E731
    assert wait(user.credit.direct_secu_repay(CODE, 300, special=True)) == "已成"
    assert wait(user.credit.buy_secu_repay(CODE, None, 500, ttype=42)) == "已成"
    assert wait(user.credit.sell_secu_repay(CODE, None, 100, ttype=42)) == "已成"
    assert wait(user.credit.direct_cash_repay(5000, special=True)) == "已成"
    left = {each["compact_id"]: each for each in user.credit.compacts()}
    assert set(left) == set(debts)
    shorts = [each for each in left.values() if each["compact_type_name"] == "融券"]
    assert [each["real_compact_vol"] for each in shorts] == [0, 0]
    for each in left.values():
        if each["compact_type_name"] == "融资":
            before = debts[each["compact_id"]]["real_compact_balance"]
            assert 0 < each["real_compact_balance"] < before
    owed = sum(
        each["real_compact_balance"] + each["real_compact_fare"]
        for each in left.values()
        if each["cashgroup_prop_name"] == "专项头寸"
    )
    assert wait(user.credit.direct_cash_repay(int(owed) + 1, special=True)) == "已成"
    [paid] = [
        each
        for each in user.credit.compacts()
        if (each["compact_type"], each["cashgroup_prop"]) == (48, 49)
    ]
    assert (paid["real_compact_balance"], paid["real_compact_fare"]) == (0, 0)


def test_cash_repay_in_the_volume_or_in_the_price(credit_user: Any) -> None:
    sent = Sent(credit_user)
    credit_user.credit.direct_cash_repay(12_345, check_debt=False)
    credit_user.credit.direct_cash_repay(12_345.67, amount_in="price", check_debt=False)
    credit_user.credit.direct_cash_repay(100, security="600000", check_debt=False)
    told = [
        (each.m_nOrderVolume, each.m_nPriceType, each.m_dPrice, each.stock_code)
        for each in sent.requests
    ]
    assert told == [
        (12_345, 5, 0.0, "000001.SZ"), (100, 11, 12_345.67, "000001.SZ"),
        (100, 5, 0.0, "600000.SH"),
    ]  # fmt: skip


def test_a_counter_that_reads_the_price(tmp_path: Path, recorder: Recorder) -> None:
    folder = credit_folder(tmp_path, repay_by="price")
    with easytrader.use("sim") as user:
        user.connect(str(folder), "2000000777", recorder, account_type="CREDIT", timeout=5)
        open_contracts(user)
        before = user.credit.detail()["fin_debt"]
        row = user.credit.direct_cash_repay(1234.56, amount_in="price")
        assert user.wait(row["entrust_no"], 30)["order_status_name"] == "已成"
        assert user.credit.detail()["fin_debt"] == pytest.approx(before - 1234.56, abs=0.005)


def test_what_the_counter_refuses(credit_user: Any, recorder: Any) -> None:
    row = credit_user.credit.slo_sell("000001", 11.0, 100)
    order = credit_user.wait(row["entrust_no"], 30)
    assert order["order_status_name"] == "废单"
    [error] = recorder.wait_for("order_error")
    assert "不是融券标的" in error.error_msg
    [event] = [each for each in credit_user.events(0.3) if each["event"] == "order_error"]
    assert event["data"]["order_id"] == row["entrust_no"]


def test_options_reach_the_order(credit_user: Any) -> None:
    row = credit_user.credit.fin_buy(CODE, 33.0, 100, strategy_name="网格", remark="一号")
    order = credit_user.find_entrust(row["entrust_no"])
    assert (order["strategy_name"], order["order_remark"]) == ("网格", "一号")
    with pytest.raises(UsageError, match="remrak"):
        credit_user.credit.fin_buy(CODE, 33.0, 100, remrak="一号")


def guard_cases() -> list[tuple[str, Callable[[Any], Any]]]:
    return [
        ("max_order_value", lambda user: user.credit.fin_buy(CODE, 35.0, 1000)),
        ("max_order_value", lambda user: user.credit.direct_cash_repay(20_000, check_debt=False)),
        (
            "max_order_value",
            lambda user: user.credit.direct_secu_repay(CODE, 900, check_debt=False),
        ),
        ("block", lambda user: user.credit.slo_sell("510300", 4.0, 100)),
        ("max_price_distance", lambda user: user.credit.fin_buy_async(CODE, 33.0, 100)),
    ]


@pytest.mark.parametrize(("rule", "place"), guard_cases())
def test_the_guard_applies(credit_user: Any, rule: str, place: Callable[[Any], Any]) -> None:
    sent = Sent(credit_user)
    credit_user.guard = Guard(
        max_order_value=10_000, max_price_distance=0.05, block=["510300", "000001"]
    )
    with pytest.raises(RiskRefusedError) as caught:
        place(credit_user)
    assert caught.value.rule == rule
    assert sent.requests == []


def test_the_guard_reads_a_cash_repayment_as_money(credit_user: Any) -> None:
    """占位的代码在禁止的名单里、占位的价格离最新价很远，都不相干。"""
    credit_user.guard = Guard(max_order_value=10_000, max_price_distance=0.05, block=["000001"])
    sent = Sent(credit_user)
    credit_user.credit.direct_cash_repay(9_999, check_debt=False)
    credit_user.credit.direct_cash_repay(9_999.99, amount_in="price", check_debt=False)
    assert sent.kinds == [32, 32]


def test_odd_lots_of_financing_are_doubted(credit_user: Any, logged: list[str]) -> None:
    credit_user.credit.fin_buy(CODE, 35.0, 150)
    credit_user.credit.direct_cash_repay(77.01, amount_in="price", check_debt=False)
    doubts = [each for each in logged if "柜台可能拒绝" in each]
    assert len(doubts) == 1
    assert "150" in doubts[0]


def test_the_same_over_a_served_process(credit_served: Any, recorder: Recorder) -> None:
    with connect(credit_served.folder, recorder) as user:
        row = user.credit.fin_buy(CODE, None, 300, ttype=LATEST)
        assert user.wait(row["entrust_no"], 30)["order_status_name"] == "已成"
        [compact] = user.credit.compacts()
        assert (compact["business_vol"], compact["compact_type_name"]) == (300, "融资")
