"""导出、读回来、录入外面的成交。"""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from vendor_fakes import Counter

from easytrader.errors import OutcomeUnknownError, QueryFailedError, UsageError

DONE = json.dumps({"msg": "export success"})
DEAL = {"m_strExchangeID": "SF", "m_strInstrumentID": "ag2407", "m_dPrice": 7600, "m_nVolume": 1}


def bson(document: bytes) -> dict[str, Any]:
    from xtquant import xtbson

    return xtbson.BSON.decode(document)


def test_export(user: Any, tmp_path: Path) -> None:
    counter = Counter(user, "exportData", DONE)
    target = tmp_path / "deal.csv"
    done = user.client.export_data(target, "deal", date(2026, 11, 1), "2026-11-20", {"x": 1})
    assert done == {"success": True, "message": "export success"}
    fixed, extra = map(bson, counter.requests[0])
    assert (fixed["resultPath"], fixed["dataType"]) == (str(target), "deal")
    assert (fixed["startTime"], fixed["endTime"]) == ("20261101", "20261120")
    assert extra == {"x": 1}
    user.client.export_data(str(target), "deal", datetime(2026, 11, 1, 9, 30), "20261120150000")  # noqa: DTZ001
    fixed = bson(counter.requests[1][0])
    assert (fixed["startTime"], fixed["endTime"]) == ("20261101093000", "20261120150000")


@pytest.mark.parametrize("key", ["msg", "errorMsg", "ErrorMsg"])
def test_a_refusal(user: Any, tmp_path: Path, key: str) -> None:
    Counter(user, "exportData", json.dumps({"error": {key: "can not find account info"}}))
    answer = user.client.export_data(tmp_path / "a.csv", "deal")
    assert answer == {"success": False, "message": "can not find account info"}
    with pytest.raises(QueryFailedError, match="can not find account info"):
        user.client.query_data("deal")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_query_data_keeps_every_character(user: Any, encoding: str) -> None:
    written: list[Path] = []

    def write(request: bytes) -> str:
        path = Path(bson(request)["resultPath"])
        path.write_bytes("资金账号,备注\r\n000123,招商\r\n".encode(encoding))
        written.append(path)
        return DONE

    Counter(user, "exportData", write)
    user.trader.async_client.exportDataWithSeq.__name__ = "exportDataWithSeq"
    assert user.client.query_data("deal") == [{"资金账号": "000123", "备注": "招商"}]
    assert not written[0].exists()


def test_a_file_that_was_never_written(user: Any) -> None:
    Counter(user, "exportData", DONE)
    with pytest.raises(QueryFailedError, match="读不出来"):
        user.client.query_data("deal")


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        (("a.txt", "deal"), "result_path"),
        (("nowhere/a.csv", "deal"), "result_path"),
        ((5, "deal"), "result_path"),
        (("a.csv", ""), "data_type"),
        (("a.csv", "deal", "2026"), "start_time"),
        (("a.csv", "deal", "20261120256060"), "start_time"),
        (("a.csv", "deal", None, 5), "end_time"),
        (("a.csv", "deal", "20261120", "20261119"), "end_time"),
        (("a.csv", "deal", "20261120150000", "20261120093000"), "end_time"),
        (("a\0.csv", "deal"), "result_path"),
        (("\ud800.csv", "deal"), "result_path"),
        (("a.csv", "deal", None, None, {"x": "\ud800"}), "user_param"),
        (("a.csv", "deal", None, None, [1]), "user_param"),
        (("a.csv", "deal", None, None, {"x": object()}), "user_param"),
        (("a.csv", "deal", None, None, {"x": 2**70}), "user_param"),
    ],
)
def test_bad_arguments_are_never_sent(user: Any, given: tuple[Any, ...], argument: str) -> None:
    counter = Counter(user, "exportData", DONE)
    with pytest.raises(UsageError) as caught:
        user.client.export_data(*given)
    assert caught.value.argument == argument
    assert counter.requests == []


def test_deals_from_outside(user: Any) -> None:
    counter = Counter(user, "syncTransactionFromExternal", json.dumps({"msg": "sync success"}))
    assert user.client.sync_transaction_from_external("ADD", [DEAL]) == {
        "success": True,
        "message": "sync success",
    }
    fixed, deals = counter.requests[0]
    assert bson(fixed)["operation"] == "ADD"
    assert [bson(each) for each in deals] == [DEAL]
    Counter(user, "syncTransactionFromExternal", json.dumps({"error": {"msg": "[0-0: invalid], "}}))
    assert user.client.sync_transaction_from_external("DELETE", [DEAL])["success"] is False


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        (("ADDD", [DEAL]), "operation"),
        (("ADD", [DEAL], "ORDER"), "data_type"),
        (("ADD", []), "deals"),
        (("ADD", DEAL), "deals"),
        (("ADD", [{}]), "deals"),
        (("ADD", [{"a": b"x"}]), "deals"),
        (("ADD", [{"a": "\ud800"}]), "deals"),
        (("ADD", [{"\ud800": 1}]), "deals"),
    ],
)
def test_bad_deals_are_never_sent(user: Any, given: tuple[Any, ...], argument: str) -> None:
    counter = Counter(user, "syncTransactionFromExternal", None)
    with pytest.raises(UsageError) as caught:
        user.client.sync_transaction_from_external(*given)
    assert caught.value.argument == argument
    assert counter.requests == []


def test_unanswered(user: Any, tmp_path: Path) -> None:
    user._session._replies._timeout_s = 0.2
    Counter(user, "exportData", None)
    with pytest.raises(QueryFailedError):
        user.client.export_data(tmp_path / "a.csv", "deal")
    Counter(user, "syncTransactionFromExternal", None)
    with pytest.raises(OutcomeUnknownError):
        user.client.sync_transaction_from_external("ADD", [DEAL])
    Counter(user, "syncTransactionFromExternal", "不是 JSON")
    with pytest.raises(OutcomeUnknownError, match="结果未知"):
        user.client.sync_transaction_from_external("ADD", [DEAL])


def test_what_the_simulator_does_not_do_is_refused_clearly(user: Any, tmp_path: Path) -> None:
    assert "暂不支持" in user.client.export_data(tmp_path / "a.csv", "deal")["message"]
    assert "暂不支持" in user.client.sync_transaction_from_external("ADD", [DEAL])["message"]
