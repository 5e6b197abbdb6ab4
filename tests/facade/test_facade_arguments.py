"""参数校验、备注标记、错误类型、推送去重：都是纯计算。"""

from __future__ import annotations

import os
import pickle
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from easytrader import arguments, errors
from easytrader.basics import tags
from easytrader.codes import FINAL_STATUSES, STATUS_RANK
from easytrader.errors import UsageError
from easytrader.market.symbols import parse_security
from easytrader.push.ledger import DeliveryLedger


@pytest.mark.parametrize(
    "value",
    [100, np.int64(100), np.int32(100), np.float64(100.0), 100.0, Decimal(100), Decimal("100.0")],
)
def test_numbers_from_notebooks_are_whole_amounts(value: object) -> None:
    amount = arguments.amount(value)
    assert (amount, type(amount)) == (100, int)


@pytest.mark.parametrize(
    "value",
    [0, -100, 100.5, Decimal("0.5"), "100", None, True, float("nan"), float("inf"), np.nan,
     Decimal("NaN"), Decimal("Infinity"), 2**31, [100], b"1", 1 + 0j],
)  # fmt: skip
def test_wrong_amounts(value: object) -> None:
    with pytest.raises(UsageError, match="amount"):
        arguments.amount(value)


@pytest.mark.parametrize(
    "value", [35.5, Decimal("35.5"), np.float64(35.5), np.float32(35.5), Fraction(71, 2)]
)
def test_prices(value: object) -> None:
    price = arguments.price(value, parse_security("600036"))
    assert (price, type(price)) == (35.5, float)


@pytest.mark.parametrize(
    "value",
    [0, -1, -0.01, 1e308, 1e8, float("nan"), float("inf"), -float("inf"), "35.5", None, True,
     Decimal("NaN"),
     Decimal("sNaN"), np.nan, [35.5], 10**400],
)  # fmt: skip
def test_wrong_prices(value: object) -> None:
    with pytest.raises(UsageError) as caught:
        arguments.price(value, parse_security("600036"))
    assert caught.value.argument == "price"


SZ_TYPES = {
    "对手方最优价格委托": 44, "本方最优价格委托": 45, "即时成交剩余撤销委托": 46,
    "最优五档即时成交剩余撤销": 47, "全额成交或撤销委托": 48,
}  # fmt: skip
SH_TYPES = {
    "对手方最优价格委托": 44, "最优五档即时成交剩余撤销": 42,
    "最优五档即时成交剩转限价": 43, "本方最优价格委托": 45,
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "ttype", "number"),
    [("000001", name, number) for name, number in SZ_TYPES.items()]
    + [("600036", name, number) for name, number in SH_TYPES.items()]
    + [("920002", name, number) for name, number in SH_TYPES.items()]
    + [("000001", None, 44), ("600036", None, 44), ("920002", None, 44)],
)
def test_market_types_by_exchange(code: str, ttype: str | None, number: int) -> None:
    assert arguments.market_type(ttype, parse_security(code)) == number


@pytest.mark.parametrize(
    ("code", "ttype"),
    [("600036", "全额成交或撤销委托"), ("600036", "即时成交剩余撤销委托"),
     ("000001", "最优五档即时成交剩转限价"), ("000001", "市价"), ("600036", 46), ("600036", "")],
)  # fmt: skip
def test_market_types_the_exchange_does_not_have(code: str, ttype: object) -> None:
    with pytest.raises(UsageError) as caught:
        arguments.market_type(ttype, parse_security(code))
    told = caught.value.expected
    listed = SZ_TYPES if code.startswith("0") else SH_TYPES
    absent = (SZ_TYPES.keys() | SH_TYPES.keys()) - listed.keys()
    assert all(name in told for name in listed)
    assert not any(name in told for name in absent)


def test_an_index_cannot_be_bought() -> None:
    with pytest.raises(UsageError, match="指数"):
        arguments.security("000300")


@pytest.mark.parametrize("value", [1234567890, None, "", "  ", "1" * 24, "12\n34"])
def test_wrong_accounts(value: object) -> None:
    with pytest.raises(UsageError, match="stock_account"):
        arguments.account(value)


# ---- 备注标记


@given(st.text(alphabet=st.characters(exclude_categories=("C", "Z"))).filter(
    lambda text: len(text.encode()) <= tags.MAX_REMARK_BYTES))  # fmt: skip
def test_remark_survives_and_the_short_copy_is_never_cut_inside_a_character(remark: str) -> None:
    tag = tags.new_tag()
    sent = tags.tagged(tag, remark)
    raw = sent.encode()
    assert len(raw) <= tags.LONG_BYTES
    raw[: tags.SHORT_BYTES].decode()  # 解不开就会抛异常
    assert tags.split(sent) == (tag, remark)
    assert tags.split(raw[: tags.SHORT_BYTES].decode())[0] == tag


@pytest.mark.parametrize("remark", ["", "hello", "~", "~abc~", "~k3j9x0a2~短一位", "策略甲"])
def test_remarks_of_other_programs_are_left_alone(remark: str) -> None:
    assert tags.split(remark) == ("", remark)


def test_tags_do_not_repeat() -> None:
    assert len({tags.new_tag() for _ in range(10_000)}) == 10_000


def test_tags_after_a_fork_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """一批做好的标记，fork 出来的进程不能接着用同一批。"""
    fresh = tags._Fresh()
    fresh.take()
    left = [*fresh._tags]
    pid = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    theirs = {fresh.take() for _ in range(len(left) + 300)}
    assert not theirs & set(left)


@pytest.mark.parametrize("name", ["一二三四五六七八", "x" * 24, 5, "a\nb"])
def test_strategy_name_must_fit_the_vendor_buffer(name: object) -> None:
    with pytest.raises(UsageError, match="strategy_name"):
        tags.check_strategy_name(name)


@pytest.mark.parametrize("remark", ["字" * 40, 7, "a\tb"])
def test_wrong_remarks(remark: object) -> None:
    with pytest.raises(UsageError, match="remark"):
        tags.check_remark(remark)


# ---- 错误


def test_every_error_is_exported_and_has_a_docstring() -> None:
    leaves = {
        name for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }  # fmt: skip
    assert leaves == set(errors.__all__)
    for name in leaves:
        assert getattr(errors, name).__doc__


def test_usage_error_survives_pickling_and_shortens_long_values() -> None:
    error = UsageError("price", "x" * 500, "应为数")
    again = pickle.loads(pickle.dumps(error))
    assert (again.argument, again.value) == ("price", "x" * 500)
    assert len(str(again)) < 200


# ---- 推送去重

NOON = 1_795_230_000  # 2026-11-21 12:20（北京时间）


def order(
    status: int, traded: int, *, number: int = 1, sysid: str = "9", at: int = NOON
) -> SimpleNamespace:
    return SimpleNamespace(
        order_id=number, order_status=status, traded_volume=traded, order_sysid=sysid, order_time=at
    )


def trade(number: str, at: int = NOON, order_id: int = 1) -> SimpleNamespace:
    return SimpleNamespace(
        stock_code="600036.SH", traded_id=number, traded_time=at, order_id=order_id,
        traded_price=35.5, traded_volume=100,
    )  # fmt: skip


def test_each_order_state_once_and_never_backwards() -> None:
    ledger = DeliveryLedger()
    seen = [
        (48, 0),
        (50, 0),
        (50, 0),
        (55, 100),
        (50, 0),
        (55, 100),
        (55, 200),
        (56, 300),
        (55, 200),
        (56, 300),
    ]
    delivered = [state for state in seen if ledger.is_new_order_state(order(*state))]
    assert delivered == [(48, 0), (50, 0), (55, 100), (55, 200), (56, 300)]


def test_the_contract_number_arriving_later_is_a_state_of_its_own() -> None:
    ledger = DeliveryLedger()
    assert ledger.is_new_order_state(order(50, 0, sysid=""))
    assert ledger.is_new_order_state(order(50, 0, sysid="123"))
    assert not ledger.is_new_order_state(order(50, 0, sysid=""))


def test_each_trade_once_per_day() -> None:
    ledger = DeliveryLedger()
    assert ledger.is_new_trade(trade("1"))
    assert not ledger.is_new_trade(trade("1"))
    assert ledger.is_new_trade(trade("2"))
    assert ledger.is_new_trade(trade("1", NOON + 86_400)), "成交编号只在当天唯一"


def test_trades_are_told_apart_by_more_than_their_number() -> None:
    ledger = DeliveryLedger()
    assert ledger.is_new_trade(trade("7", order_id=1))
    assert ledger.is_new_trade(trade("7", order_id=2)), "自己与自己成交，两边同号"
    assert ledger.is_new_trade(trade("", NOON))
    assert ledger.is_new_trade(trade("", NOON + 1)), "没有成交编号的，不能都当成同一笔"
    assert not ledger.is_new_trade(trade("", NOON))


def test_fills_after_a_failed_cancel_are_delivered() -> None:
    ledger = DeliveryLedger()
    seen = [(50, 0), (51, 0), (50, 0), (55, 100), (52, 100), (55, 200), (56, 300)]
    delivered = [state for state in seen if ledger.is_new_order_state(order(*state))]
    assert delivered == [(50, 0), (51, 0), (55, 100), (52, 100), (55, 200), (56, 300)]


def test_an_order_number_reused_on_another_day_is_another_order() -> None:
    ledger = DeliveryLedger()
    assert ledger.is_new_order_state(order(56, 100))
    assert ledger.is_new_order_state(order(50, 0, at=NOON + 86_400))


def test_old_days_are_forgotten() -> None:
    ledger = DeliveryLedger()
    for day in range(30):
        ledger.is_new_order_state(order(50, 0, at=NOON + 86_400 * day))
        ledger.is_new_trade(trade("1", NOON + 86_400 * day))
    assert len(ledger._orders) <= 2
    assert len(ledger._trades) <= 2


@given(st.lists(st.tuples(st.sampled_from(sorted(STATUS_RANK)), st.integers(0, 5))))
def test_after_a_final_state_nothing_more_is_delivered(states: list[tuple[int, int]]) -> None:
    ledger = DeliveryLedger()
    delivered = [state for state in states if ledger.is_new_order_state(order(*state))]
    finals = [index for index, state in enumerate(delivered) if state[0] in FINAL_STATUSES]
    assert finals in ([], [len(delivered) - 1])
    assert [state[1] for state in delivered] == sorted(state[1] for state in delivered)
