"""银证转账：钱从哪里到哪里，流水，坏参数，没有应答。"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest
from support import Recorder, SimProcess, make_folder
from vendor_fakes import Counter

import easytrader
from easytrader.basics.beijing import BEIJING
from easytrader.errors import (
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    SimulatorError,
    UsageError,
)
from easytrader.sim.host.faults import Faults

BANK = ("0001", "6222000000000000001")


def cash(user: Any) -> float:
    return user.balance[0]["cash"]


def card(user: Any) -> float:
    return user.bank.amount(*BANK)[0]["balance"]


def test_a_failed_row_without_a_reason_is_still_a_failure(user: Any) -> None:
    """原因是空的，或是解不出的 GBK：说的仍是失败，不能当作一行数据。"""
    Counter(user, "queryBankInfo", [(False, "", "0", "", "", "")])
    with pytest.raises(QueryFailedError, match="没有说明原因"):
        user.bank.info()


def test_bank_info(user: Any) -> None:
    assert user.bank.info() == [
        {
            "bank_no": "0001",
            "bank_name": "模拟银行",
            "bank_account": "6222000000000000001",
            "money_type": "0",
            "money_type_name": "人民币",
        }
    ]


def test_money_moves_and_none_is_lost(user: Any) -> None:
    before = cash(user) + card(user)
    assert user.bank.transfer_in(*BANK, 1234.56) == {"success": True, "message": "转账成功"}
    assert cash(user) + card(user) == pytest.approx(before)
    assert card(user) == 1_000_000 - 1234.56
    assert user.bank.transfer_out(*BANK, 34.56)["success"] is True
    assert card(user) == 1_000_000 - 1200
    today = f"{datetime.now(BEIJING):%Y%m%d}"  # 模拟柜台用的也是北京的今天
    first, second = user.bank.transfer_stream(today, today)
    assert (first["transfer_direction_name"], first["balance"]) == ("银行转证券", 1234.56)
    assert (second["transfer_direction_name"], second["balance"]) == ("证券转银行", 34.56)
    assert first["transfer_no"] < second["transfer_no"]
    assert user.bank.transfer_stream("2020-01-01", date(2020, 2, 1)) == []
    assert user.bank.transfer_stream(today, today, "9999") == []


@pytest.mark.parametrize("given", [("0001", "1"), ("9", BANK[1])])
def test_an_unknown_card_is_refused(user: Any, given: tuple[str, str]) -> None:
    before = cash(user)
    assert user.bank.transfer_in(*given, 1) == {
        "success": False,
        "message": "没有签约这个银行账号",
    }
    with pytest.raises(QueryFailedError, match="没有签约"):
        user.bank.amount(*given)
    assert cash(user) == before


def test_no_more_than_there_is(user: Any) -> None:
    assert "银行余额不足" in user.bank.transfer_in(*BANK, 1_000_001)["message"]
    assert "可取资金不足" in user.bank.transfer_out(*BANK, 10**9)["message"]


def test_passwords(sim_folder: Any) -> None:
    bank = {
        "bank_no": "A",
        "bank_account": "1",
        "balance": 100.01,
        "bank_pwd": "b",
        "fund_pwd": "f",
    }
    (sim_folder / "transfers.json").write_text(json.dumps({"banks": [bank]}), encoding="utf-8")
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder))
        assert user.bank.transfer_in("A", "1", 1)["message"] == "银行密码错误"
        assert user.bank.transfer_in("A", "1", 1, bank_pwd="b")["success"]
        assert user.bank.transfer_out("A", "1", 1, bank_pwd="b")["message"] == "资金密码错误"
        assert user.bank.transfer_out("A", "1", 1, fund_pwd="f")["success"]
        with pytest.raises(QueryFailedError, match="密码错误"):
            user.bank.amount("A", "1")
        assert user.bank.amount("A", "1", "b")[0]["balance"] == 100.01


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        (("", "1", 1), "bank_no"),
        ((1, "1", 1), "bank_no"),
        (("1", "", 1), "bank_account"),
        (("1", "x" * 64, 1), "bank_account"),
        (("1", "1", 0), "amount"),
        (("1", "1", -5), "amount"),
        (("1", "1", float("nan")), "amount"),
        (("1", "1", 1.234), "amount"),
        (("1", "1", True), "amount"),
        (("1", "1", "100"), "amount"),
        (("1", "1", 1e13), "amount"),
    ],
)
def test_bad_arguments_are_never_sent(user: Any, given: tuple[Any, ...], argument: str) -> None:
    counter = Counter(user, "bankTransfer", None)
    for verb in (
        user.bank.transfer_in,
        user.bank.transfer_out,
        user.bank.transfer_in_async,
        user.bank.transfer_out_async,
    ):
        with pytest.raises(UsageError) as caught:
            verb(*given)
        assert caught.value.argument == argument
    assert counter.requests == []


def test_a_bad_password_is_not_in_the_error(user: Any) -> None:
    with pytest.raises(UsageError) as caught:
        user.bank.transfer_in(*BANK, 1, bank_pwd="secret\n")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("dates", "argument"),
    [
        (("2026", "20261120"), "start_date"),
        (("20261301", "20261120"), "start_date"),
        (("20260229", "20261120"), "start_date"),
        ((20261101, "20261120"), "start_date"),
        (("20261101", "2026/11/20"), "end_date"),
        (("20261121", "20261120"), "end_date"),
    ],
)
def test_malformed_dates(user: Any, dates: tuple[Any, Any], argument: str) -> None:
    counter = Counter(user, "queryBankTransferStream", None)
    with pytest.raises(UsageError) as caught:
        user.bank.transfer_stream(*dates)
    assert caught.value.argument == argument
    assert counter.requests == []


def test_the_wrong_account_type(user: Any) -> None:
    user._session._account_type = "HUGANGTONG"
    with pytest.raises(UsageError, match="HUGANGTONG") as caught:
        user.bank.transfer_in(*BANK, 1)
    assert caught.value.argument == "account_type"


def test_an_unanswered_transfer_is_unknown_and_sent_once(user: Any) -> None:
    counter = Counter(user, "bankTransfer", None)
    user._session._replies._timeout_s = 0.2
    with pytest.raises(OutcomeUnknownError, match="不要重发"):
        user.bank.transfer_in(*BANK, 1)
    assert len(counter.requests) == 1
    receipt = user.bank.transfer_in_async(*BANK, 1)
    with pytest.raises(OutcomeUnknownError, match="结果未知"):
        receipt.result()
    assert len(counter.requests) == 2


def test_async_answers_reach_the_receipt_the_callback_and_the_events(
    user: Any, recorder: Any
) -> None:
    recorder.on_bank_transfer_async_response = lambda each: recorder._take("bank", each)
    receipt = user.bank.transfer_in_async(*BANK, 5)
    row = receipt.result(30)
    assert row == {"seq": receipt.seq, "success": True, "message": "转账成功"}
    assert receipt.done()
    refused = user.bank.transfer_out_async("x", "y", 5)
    assert refused.result(30)["success"] is False
    assert [each.seq for each in recorder.wait_for("bank", 2)] == [receipt.seq, refused.seq]
    events = [each for each in user.events(0) if each["event"] == "bank_transfer_response"]
    assert [each["data"]["seq"] for each in events] == [receipt.seq, refused.seq]
    assert events[0]["event_name"] == "银证转账应答"


def test_a_callback_may_transfer(user: Any, recorder: Any) -> None:
    recorder.doing["trade"] = lambda _: recorder._take("in", user.bank.transfer_in(*BANK, 1))
    user.market_buy("600036", 100)
    assert recorder.wait_for("in")[0]["success"] is True


def test_a_client_killed_halfway(served: SimProcess, connect: Any, sim_folder: Any) -> None:
    user = connect(reconnect_enabled=False)
    Faults(sim_folder).add({"kind": "crash_on", "verb": "bank_transfer", "when": "after"})
    receipt = user.bank.transfer_in_async(*BANK, 7)
    with pytest.raises(OutcomeUnknownError):
        receipt.result(30)
    with pytest.raises(NotConnectedError):
        user.bank.transfer_in(*BANK, 7)
    served.kill()
    served.start()
    again = connect()
    assert card(again) == 1_000_000 - 7  # 受理了就不会丢
    assert [each["balance"] for each in again.bank.transfer_stream("20200101", "20991231")] == [7.0]


def test_dropped_answers_over_a_real_connection(
    served: SimProcess, connect: Any, sim_folder: Any
) -> None:
    user = connect(timeout=1)
    Faults(sim_folder).drop_answer("bank_transfer")
    with pytest.raises(OutcomeUnknownError):
        user.bank.transfer_in(*BANK, 3)
    assert card(user) == 1_000_000 - 3


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{",
        '{"bank": []}',
        '{"banks": {}}',
        '{"banks": [1]}',
        '{"banks": [{"bank_no": 1}]}',
        '{"banks": [{"balance": -1}]}',
        '{"banks": [{"balance": 0.001}]}',
        '{"banks": [{}, {}]}',
        '{"com": []}',
        '{"com": {"cash": "1"}}',
        '{"com": {"positions": {"x": {"volume": 1}}}}',
        '{"com": {"positions": {"600036": {"volume": 0}}}}',
        '{"com": {"positions": {"600036": 5}}}',
    ],
)
def test_a_wrong_settings_file_is_explained(tmp_path: Any, body: str) -> None:
    from easytrader.sim.config.transfers import load_settings

    folder = make_folder(tmp_path / "sim")
    (folder / "transfers.json").write_text(body, encoding="utf-8")
    with pytest.raises(SimulatorError, match=r"transfers\.json"):
        load_settings(folder)


def test_the_recorder_is_not_needed(sim_folder: Any) -> None:
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), trader_callback=Recorder())
        assert user.bank.transfer_in_async(*BANK, 1).result(30)["success"] is True


@pytest.mark.parametrize("amount", [0.01, 0.29, 1.1, 123456789012.34, 999999999.99, 10**12])
def test_every_whole_cent_is_accepted(user: Any, amount: float) -> None:
    counter = Counter(user, "bankTransfer", ("1", True, ""))
    assert user.bank.transfer_in(*BANK, amount)["success"] is True
    assert counter.requests[0].balance == amount


def test_a_blank_refusal_while_the_line_is_down_is_not_a_refusal(user: Any) -> None:
    def drop(request: Any) -> tuple[Any, ...]:
        user._session._lost_reason = "测试"
        return "", False, ""

    Counter(user, "bankTransfer", drop)
    with pytest.raises(OutcomeUnknownError, match="断线"):
        user.bank.transfer_in(*BANK, 1)
    user._session._lost_reason = ""
