"""约券：券源、申请、撤销、展期、归还；厂商写错的三个方法也要能用。"""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT
from vendor_fakes import Counter

import easytrader
from easytrader.errors import (
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    SimulatorError,
    UsageError,
)
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Iterator

POOL = {
    "quoters": [
        {"code": "600036", "amount": 1000, "rate": 0.08, "days": 28, "src_group_id": "G1"},
        {"code": "600036.SH", "amount": 500, "rate": 0.05, "days": 14, "src_group_id": "G2"},
        {"code": "000001", "amount": 800, "rate": 0.1, "days": 91, "apply_mode": "2"},
    ]
}


@pytest.fixture
def credit(tmp_path: Any, recorder: Any) -> Iterator[Any]:
    """信用账户，有券源，单步的时钟。"""
    folder = tmp_path / "userdata_mini"
    create(
        folder,
        (AccountConfig(ACCOUNT, account_type=3),),
        clock="step",
        start="2026-11-18 10:00",
        connect_wait_s=0.3,
    )
    (folder / "smt.json").write_text(json.dumps(POOL), encoding="utf-8")
    recorder.on_smt_appointment_async_response = lambda each: recorder._take("smt", each)
    user = easytrader.use("sim")
    user.connect(str(folder), ACCOUNT, recorder, account_type="CREDIT", timeout=5)
    yield user
    user.close()


def left(user: Any) -> dict[str, float]:
    return {row["src_group_id"]: row["enable_slo_amount_t0"] for row in user.lending.quoters()[:2]}


def test_quoters(credit: Any) -> None:
    first, second, third = credit.lending.quoters()
    assert (first["code"], first["occupied_rate"], first["date"]) == ("600036", 0.08, 28)
    assert (first["apply_mode"], first["apply_mode_name"]) == ("1", "库存券")
    assert third["apply_mode_name"] == "专项券"
    assert (second["src_group_id"], second["enable_slo_amount_t0"]) == ("G2", 500)
    assert "success" not in first


def test_negotiate_makes_a_compact_and_takes_the_source(credit: Any, recorder: Any) -> None:
    receipt = credit.lending.negotiate_order_async("600036", 400, 7, 0.06)
    row = receipt.result(30)
    assert (row["seq"], row["success"]) == (receipt.seq, True)
    [order] = credit.lending.orders()
    assert (order["apply_id"], order["apply_status"]) == (row["apply_id"], "已成交")
    [compact] = credit.lending.compacts()
    assert compact["cash_compact_id"] == order["cash_compact_id"]
    assert (compact["src_group_id"], compact["compact_amount"]) == ("G2", 400)
    assert (compact["compact_status"], compact["compact_status_name"]) == ("0", "未归还")
    assert left(credit) == {"G1": 1000, "G2": 100}
    [pushed] = recorder.wait_for("smt")
    assert pushed.apply_id == row["apply_id"]
    [event] = [each for each in credit.events(0) if each["event"] == "smt_response"]
    assert event["data"] == row


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("600036", 2000, 7, 0.09), "没有合适的券源"),
        (("600036", 100, 7, 0.01), "没有合适的券源"),
        (("600036", 100, 60, 0.2), "没有合适的券源"),
        (("600519", 100, 7, 0.2), "没有 600519.SH 的券源"),
    ],
)
def test_what_no_source_can_give(credit: Any, given: tuple[Any, ...], why: str) -> None:
    row = credit.lending.negotiate_order_async(*given).result(30)
    assert (row["success"], row["apply_id"]) == (False, "-1")
    assert why in row["message"]
    assert credit.lending.orders() == credit.lending.compacts() == []


def test_the_group_asked_for_is_the_group_used(credit: Any) -> None:
    options = {"src_group_id": "G1", "fine_rate": 0.2, "sub_fare_rate": 0.01}
    assert credit.lending.negotiate_order_async("600036", 100, 7, 0.1, **options).result(30)[
        "success"
    ]
    [compact] = credit.lending.compacts()
    assert (compact["src_group_id"], compact["fine_rate"]) == ("G1", 0.2)
    assert compact["preend_rate"] == 0.01


def test_appointments_wait_can_be_cancelled_and_settle_overnight(credit: Any) -> None:
    kept = credit.lending.appointment_order_async("000001", 300, 30, 0.1).result(30)["apply_id"]
    gone = credit.lending.appointment_order_async("000001", 100, 30, 0.1).result(30)["apply_id"]
    greedy = credit.lending.appointment_order_async("000001", 700, 30, 0.1).result(30)["apply_id"]
    assert [row["apply_status"] for row in credit.lending.orders()] == ["待成交"] * 3
    cancelled = credit.lending.appointment_cancel_async(gone).result(30)
    assert (cancelled["success"], cancelled["apply_id"]) == (True, gone)
    again = credit.lending.appointment_cancel_async(gone).result(30)
    assert (again["success"], again["message"]) == (False, f"申请 {gone} 已撤销，不能撤销")
    assert credit.lending.compacts() == []
    credit.sim.next_day()
    statuses = {row["apply_id"]: row["apply_status"] for row in credit.lending.orders()}
    assert statuses == {kept: "已成交", gone: "已撤销", greedy: "已作废"}
    assert [row["compact_amount"] for row in credit.lending.compacts()] == [300]


def test_renewal_and_return(credit: Any) -> None:
    credit.lending.negotiate_order_async("600036", 400, 7, 0.08).result(30)
    number = credit.lending.compacts()[0]["cash_compact_id"]
    row = credit.lending.compact_renewal_async(number, "600036", 7, 400, 0.08).result(30)
    assert row["success"] is True
    [compact] = credit.lending.compacts()
    assert (compact["date"], compact["postpone_times"]) == (14, 1)
    assert compact["postpone_status_name"] == "审核通过"
    assert credit.lending.compact_return_async(number, "600036", 100).result(30)["success"] is True
    [compact] = credit.lending.compacts()
    assert (compact["compact_amount"], compact["compact_status_name"]) == (300, "部分归还")
    too_much = credit.lending.compact_return_async(number, "600036", 301).result(30)
    assert "未还的 300" in too_much["message"]
    credit.sim.next_day()
    assert credit.lending.compacts()[0]["compact_interest"] > 0
    assert credit.lending.compact_return_async(number, "600036", 300).result(30)["success"] is True
    [compact] = credit.lending.compacts()
    assert (compact["compact_amount"], compact["compact_status_name"]) == (0, "提前了结")
    assert left(credit) == {"G1": 1000, "G2": 500}


def test_unknown_ids_are_refused(credit: Any) -> None:
    assert (
        "没有合约" in credit.lending.compact_return_async("C1", "600036", 1).result(30)["message"]
    )
    renewal = credit.lending.compact_renewal_async("C1", "600036", 1, 1, 0.1).result(30)
    assert "没有合约" in renewal["message"]
    assert "没有申请" in credit.lending.appointment_cancel_async("9").result(30)["message"]


def test_the_vendor_methods_it_got_wrong_work_on_the_raw_object_too(
    credit: Any, recorder: Any
) -> None:
    seq = credit.trader.smt_appointment_cancel_async(credit.account, "9")
    credit.trader.smt_compact_renewal_async(credit.account, "C1", "600036.SH", 1, 1, 0.1)
    credit.trader.smt_compact_return_async(credit.account, "G1", "C1", "600036.SH", 1)
    answers = recorder.wait_for("smt", 3)
    assert answers[0].seq == seq
    assert not any(each.success for each in answers)


CALLS = {
    "lending.negotiate_order_async": ("600036", 100, 7, 0.1),
    "lending.appointment_order_async": ("600036", 100, 7, 0.1),
    "lending.appointment_cancel_async": ("1",),
    "lending.compact_renewal_async": ("C1", "600036", 7, 100, 0.1),
    "lending.compact_return_async": ("C1", "600036", 100),
    "lending.quoters": (),
    "lending.orders": (),
    "lending.compacts": (),
}


@pytest.mark.parametrize("verb", CALLS)
def test_only_credit_accounts(user: Any, verb: str) -> None:
    with pytest.raises(UsageError, match="CREDIT") as caught:
        attrgetter(verb)(user)(*CALLS[verb])
    assert caught.value.argument == "account_type"
    assert verb in str(caught.value)


@pytest.mark.parametrize(
    ("verb", "given", "argument"),
    [
        ("lending.negotiate_order_async", ("x", 100, 7, 0.1), "security"),
        ("lending.negotiate_order_async", ("600036", 0, 7, 0.1), "amount"),
        ("lending.negotiate_order_async", ("600036", 100, 0, 0.1), "days"),
        ("lending.negotiate_order_async", ("600036", 100, 7, 8), "apply_rate"),
        ("lending.negotiate_order_async", ("600036", 100, 7, "8%"), "apply_rate"),
        ("lending.appointment_order_async", ("600036", 2**31, 7, 0.1), "amount"),
        ("lending.appointment_cancel_async", ("",), "apply_id"),
        ("lending.appointment_cancel_async", (5,), "apply_id"),
        ("lending.compact_renewal_async", ("x" * 24, "600036", 7, 1, 0.1), "cash_compact_id"),
        ("lending.compact_renewal_async", ("C", "600036", -1, 1, 0.1), "defer_days"),
        ("lending.compact_renewal_async", ("C", "600036", 7, None, 0.1), "defer_amount"),
        ("lending.compact_return_async", ("C", "600036", 0.5), "amount"),
    ],
)
def test_bad_arguments(credit: Any, verb: str, given: tuple[Any, ...], argument: str) -> None:
    natives = [name for name in dir(credit.trader.async_client) if name.startswith("smt")]
    sent: list[str] = []
    for name in natives:
        setattr(credit.trader.async_client, name, lambda *_, name=name: sent.append(name))
    with pytest.raises(UsageError) as caught:
        attrgetter(verb)(credit)(*given)
    assert caught.value.argument == argument
    assert sent == []


def test_an_answer_that_never_comes(credit: Any) -> None:
    Counter(credit, "smtAppointmentOrder", None)
    receipt = credit.lending.appointment_order_async("600036", 100, 7, 0.1)
    credit._session.lose("测试")
    with pytest.raises(OutcomeUnknownError, match="测试"):
        receipt.result(30)
    with pytest.raises(NotConnectedError):
        credit._session.start("约券", dict, "lending.appointment_order_async")


def test_too_many_unanswered(credit: Any) -> None:
    Counter(credit, "smtAppointmentOrder", None)
    for _ in range(400):
        credit.lending.appointment_order_async("600036", 100, 7, 0.1)
    with pytest.raises(NotConnectedError, match="没有应答"):
        credit.lending.appointment_order_async("600036", 100, 7, 0.1)


def test_all_that_is_unanswered_shares_the_vendor_queue(credit: Any) -> None:
    """厂商的上行队列只有 512 格，写满就死等：两种异步请求、查询合起来也不许写满。"""
    Counter(credit, "smtAppointmentOrder", None)
    Counter(credit, "orderStock", None)
    for _ in range(390):
        credit.lending.appointment_order_async("600036", 100, 7, 0.1)
    for _ in range(90):
        credit.buy_async("600036", 35.0, 100)
    with pytest.raises(NotConnectedError, match="什么都没有发出"):
        credit.buy_async("600036", 35.0, 100)
    with pytest.raises(NotConnectedError, match="什么都没有发出"):
        credit.lending.appointment_order_async("600036", 100, 7, 0.1)
    assert credit._session._replies.unanswered <= 480


def test_a_failed_row_fails_the_query(credit: Any) -> None:
    blank = [False, "没有权限", *[""] * 2, 0, *[""] * 3, *[0.0] * 5, 0, 0, 0.0, 0.0, "", "", 0]
    Counter(credit, "smtQueryQuoter", [tuple(blank)])
    with pytest.raises(QueryFailedError, match="没有权限"):
        credit.lending.quoters()


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        '{"quoters": 1}',
        '{"quoters": [1]}',
        '{"quoters": [{"code": "600036"}]}',
        '{"quoters": [{"code": "x", "amount": 1, "rate": 0, "days": 1}]}',
        '{"quoters": [{"code": "600036", "amount": 0, "rate": 0, "days": 1}]}',
        '{"quoters": [{"code": "600036", "amount": 1, "rate": 5, "days": 1}]}',
        '{"quoters": [{"code": "600036", "amount": 1, "rate": 0, "days": 1, "low_days": 2}]}',
        '{"quoters": [{"code": "600036", "amount": 1, "rate": 0, "days": 1, "apply_mode": 1}]}',
        '{"quoters": [{"code": "600036", "amount": 1, "rate": 0, "days": 1, "x": 1}]}',
    ],
)
def test_a_wrong_pool_is_explained(tmp_path: Any, body: str) -> None:
    from easytrader.sim.config.smt import load_pool

    (tmp_path / "smt.json").write_text(body, encoding="utf-8")
    with pytest.raises(SimulatorError, match=r"smt\.json"):
        load_pool(tmp_path)
