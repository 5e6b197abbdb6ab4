"""信用动词的坏输入：账号类型、参数、还得比欠的多；什么都没有发出。"""

from __future__ import annotations

from decimal import Decimal
from operator import attrgetter
from typing import Any

import pytest
from credit_helpers import CODE, LATEST, Sent, open_contracts
from vendor_fakes import Counter

from easytrader.errors import NotConnectedError, UsageError

ORDERS: dict[str, tuple[Any, ...]] = {
    "credit.buy": (CODE, 35.0, 100),
    "credit.sell": (CODE, 35.0, 100),
    "credit.fin_buy": (CODE, 35.0, 100),
    "credit.slo_sell": (CODE, 36.0, 100),
    "credit.buy_secu_repay": (CODE, 35.0, 100),
    "credit.direct_secu_repay": (CODE, 100),
    "credit.sell_secu_repay": (CODE, 36.0, 100),
    "credit.direct_cash_repay": (100,),
}
QUERIES = (
    "credit.detail",
    "credit.compacts",
    "credit.subjects",
    "credit.slo_codes",
    "credit.assure",
)


@pytest.mark.parametrize("verb", [*ORDERS, *(f"{each}_async" for each in ORDERS), *QUERIES])
def test_only_credit_accounts(user: Any, verb: str) -> None:
    sent = Sent(user)
    with pytest.raises(UsageError, match="CREDIT") as caught:
        attrgetter(verb)(user)(*ORDERS.get(verb.removesuffix("_async"), ()))
    assert (caught.value.argument, caught.value.value) == ("account_type", "STOCK")
    assert verb.removesuffix("_async") in str(caught.value)
    assert sent.requests == []


def test_a_wrong_account_does_not_use_up_the_id(user: Any) -> None:
    with pytest.raises(UsageError):
        user.credit.fin_buy(CODE, 35.0, 100, client_order_id="一")
    assert user.buy(CODE, 32.5, 100, client_order_id="一")["entrust_no"] > 0


BAD = [
    ("credit.buy", ("x", 35.0, 100), {}, "security"),
    ("credit.buy", (CODE, 0, 100), {}, "price"),
    ("credit.buy", (CODE, None, 100), {}, "price"),
    ("credit.buy", (CODE, float("nan"), 100), {}, "price"),
    ("credit.buy", (CODE, "35", 100), {}, "price"),
    ("credit.sell", (CODE, 35.0, 0), {}, "amount"),
    ("credit.sell", (CODE, 35.0, 2**31), {}, "amount"),
    ("credit.sell", (CODE, 35.0, 0.5), {}, "amount"),
    ("credit.fin_buy", (CODE, 35.0, 100), {"ttype": LATEST}, "ttype"),
    ("credit.fin_buy", (CODE, None, 100), {"ttype": "限价"}, "ttype"),
    ("credit.fin_buy", (CODE, None, 100), {"ttype": 11}, "ttype"),
    ("credit.fin_buy", (CODE, None, 100), {"ttype": 47}, "ttype"),
    ("credit.fin_buy", (CODE, None, 100), {"ttype": Decimal("sNaN")}, "ttype"),
    ("credit.fin_buy", (CODE, 35.0, 100), {"strategy_name": 0}, "strategy_name"),
    ("credit.fin_buy", (CODE, 35.0, 100), {"remark": []}, "remark"),
    ("credit.fin_buy", (CODE, 35.0, 100), {"special": "是"}, "special"),
    ("credit.fin_buy", (CODE, 35.0, 100), {"client_order_id": ""}, "client_order_id"),
    ("credit.fin_buy", (CODE, 35.0, 100), {"strategy_name": "策" * 9}, "strategy_name"),
    ("credit.slo_sell", (CODE, None, 100), {"ttype": "对手方最优价格委托"}, "ttype"),
    ("credit.slo_sell", (CODE, None, 100), {}, "price"),
    ("credit.slo_sell", ("000001.SH", 35.0, 100), {}, "security"),
    ("credit.buy_secu_repay", (CODE, 35.0, 100), {"check_debt": 1}, "check_debt"),
    ("credit.sell_secu_repay", (CODE, -1, 100), {}, "price"),
    ("credit.direct_secu_repay", (CODE, -100), {}, "amount"),
    ("credit.direct_secu_repay", ("", 100), {}, "security"),
    ("credit.direct_cash_repay", (0,), {}, "amount"),
    ("credit.direct_cash_repay", (-1,), {}, "amount"),
    ("credit.direct_cash_repay", ("100",), {}, "amount"),
    ("credit.direct_cash_repay", (100.5,), {}, "amount"),
    ("credit.direct_cash_repay", (2**31,), {}, "amount"),
    ("credit.direct_cash_repay", (100.005,), {"amount_in": "price"}, "amount"),
    ("credit.direct_cash_repay", (10_000_001,), {"amount_in": "price"}, "amount"),
    ("credit.direct_cash_repay", (100,), {"amount_in": "金额"}, "amount_in"),
    ("credit.direct_cash_repay", (100,), {"security": "x"}, "security"),
    ("credit.direct_cash_repay", (100,), {"special": 1}, "special"),
]


@pytest.mark.parametrize(("verb", "given", "options", "argument"), BAD)
@pytest.mark.parametrize("suffix", ["", "_async"])
def test_bad_arguments(
    credit_user: Any,
    verb: str,
    suffix: str,
    given: tuple[Any, ...],
    options: dict[str, Any],
    argument: str,
) -> None:
    sent = Sent(credit_user)
    with pytest.raises(UsageError) as caught:
        attrgetter(verb + suffix)(credit_user)(*given, **options)
    assert caught.value.argument == argument
    assert "market_buy" not in str(caught.value)
    assert sent.requests == []


# ---- 还得比欠的多


def owed(user: Any, special: bool = False) -> float:
    return sum(
        each["real_compact_fare"]
        + (each["real_compact_balance"] if each["compact_type"] == 48 else 0)
        for each in user.credit.compacts()
        if (each["cashgroup_prop"] == 49) is special
    )


@pytest.mark.parametrize("suffix", ["", "_async"])
@pytest.mark.parametrize(
    ("verb", "given", "options", "argument", "why"),
    [
        (
            "credit.buy_secu_repay",
            (CODE, 35.0, 100),
            {},
            "security",
            r"没有欠 600036\.SH 的普通融券",
        ),
        ("credit.direct_secu_repay", (CODE, 100), {"special": True}, "security", "专项融券"),
        ("credit.sell_secu_repay", (CODE, 35.0, 100), {}, "special", "没有普通融资负债"),
        ("credit.direct_cash_repay", (1,), {}, "amount", "没有普通负债"),
    ],
)
def test_nothing_owed(
    credit_user: Any,
    verb: str,
    suffix: str,
    given: tuple[Any, ...],
    options: dict[str, Any],
    argument: str,
    why: str,
) -> None:
    sent = Sent(credit_user)
    with pytest.raises(UsageError, match=why) as caught:
        attrgetter(verb + suffix)(credit_user)(*given, client_order_id="一", **options)
    assert caught.value.argument == argument
    assert "什么都没有发出" in str(caught.value)
    assert "check_debt=False" in str(caught.value)
    assert sent.requests == []
    # 没有用掉这个 id；不核对就由柜台判断
    row = attrgetter(verb)(credit_user)(*given, client_order_id="一", check_debt=False, **options)
    assert credit_user.wait(row["entrust_no"], 30)["order_status_name"] == "废单"
    assert len(sent.requests) == 1


def test_more_than_owed(credit_user: Any) -> None:
    user = credit_user
    open_contracts(user)
    sent = Sent(user)
    money = owed(user)
    cases: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
        ("credit.direct_secu_repay", (CODE, 501), {}, "一共欠 600036.SH 500"),
        ("credit.direct_secu_repay", (CODE, 301), {"special": True}, "欠 600036.SH 300"),
        ("credit.direct_secu_repay", ("000001", 100), {}, "没有欠 000001.SZ"),
        ("credit.buy_secu_repay", (CODE, 35.0, 600), {}, "至多 500"),
        ("credit.direct_cash_repay", (int(money) + 2,), {}, f"欠 {money:.2f} 元"),
        ("credit.direct_cash_repay", (money + 1.5,), {"amount_in": "price"}, "至多"),
    ]
    for verb, given, options, why in cases:
        rounded = tuple(round(each, 2) if isinstance(each, float) else each for each in given)
        with pytest.raises(UsageError, match=why):
            attrgetter(verb)(user)(*rounded, **options)
    assert sent.requests == []


def test_the_other_group_is_mentioned(credit_user: Any) -> None:
    credit_user.credit.fin_buy(CODE, None, 100, ttype=LATEST, special=True)
    with pytest.raises(UsageError, match="special=True"):
        credit_user.credit.direct_cash_repay(100)
    with pytest.raises(UsageError, match="special=True"):
        credit_user.credit.sell_secu_repay(CODE, 35.0, 100)


def test_odd_shares_owed_may_be_bought_by_the_lot(credit_user: Any) -> None:
    """欠零头的，可以买一手来还。"""
    open_contracts(credit_user)
    credit_user.credit.direct_secu_repay(CODE, 450)
    sent = Sent(credit_user)
    with pytest.raises(UsageError, match="至多 100"):
        credit_user.credit.buy_secu_repay(CODE, 35.0, 200)
    row = credit_user.credit.buy_secu_repay(CODE, None, 100, ttype=42)
    assert credit_user.wait(row["entrust_no"], 30)["order_status_name"] == "已成"
    assert sent.kinds == [29]


def test_when_the_debt_cannot_be_seen_the_counter_decides(
    credit_user: Any, logged: list[str]
) -> None:
    credit_user.credit.fin_buy(CODE, None, 100, ttype=LATEST)
    Counter(credit_user, "queryStkCompacts", None)  # 不回答
    row = credit_user.credit.direct_cash_repay(100, client_order_id="还")
    assert credit_user.wait(row["entrust_no"], 30)["order_status_name"] == "已成"
    assert any("没能核对" in each for each in logged)
    again = credit_user.credit.direct_cash_repay(100, client_order_id="还")
    assert again == row


def test_no_session(credit_user: Any) -> None:
    credit_user._session.lose("测试")
    credit_user.stop_reconnect()
    with pytest.raises(NotConnectedError):
        credit_user.credit.direct_cash_repay(100)
