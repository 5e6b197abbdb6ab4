"""盈透的代码怎么写、状态与错误编号是什么意思：不要 ib_async。"""

from __future__ import annotations

import math
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from easytrader.codes import OrderStatus
from easytrader.errors import UsageError
from easytrader.overseas.ib import securities, words
from easytrader.overseas.ib.book import Book, number


@pytest.mark.parametrize(
    ("text", "code", "asked"),
    [
        ("aapl", "AAPL.US", ("symbol", "AAPL", "SMART", "USD", "STK")),
        ("US.BRK.B", "BRK.B.US", ("symbol", "BRK B", "SMART", "USD", "STK")),
        ("700.hk", "00700.HK", ("symbol", "700", "SEHK", "HKD", "STK")),
        ("600519.SH", "600519.SH", ("symbol", "600519", "SEHKNTL", "CNH", "STK")),
        ("000001.SZ", "000001.SZ", ("symbol", "000001", "SEHKSZSE", "CNH", "STK")),
        ("EURUSD.FX", "EURUSD.FX", ("symbol", "EUR", "IDEALPRO", "USD", "CASH")),
        ("ESZ6.CME.USD.FUT", "ESZ6.CME.USD.FUT", ("localSymbol", "ESZ6", "CME", "USD", "FUT")),
    ],
)
def test_spelling(text: str, code: str, asked: tuple[str, ...]) -> None:
    found = securities.parse(text)
    assert found.stock_code == code
    name, symbol, exchange, currency, kind = asked
    wanted = {name: symbol, "exchange": exchange, "currency": currency, "secType": kind}
    assert securities.wanted(code) == wanted


def test_digits_alone_are_a_con_id() -> None:
    assert securities.wanted(securities.parse("00265598").stock_code) == {"conId": 265598}


@pytest.mark.parametrize(
    "text", ["", "??", "0", "EURUS.FX", "A.B.C.D", "ES.CME.USD.OPT", "AAPL.US ", None, 265598, "٣٤"]
)
def test_wrong_spelling(text: object) -> None:
    with pytest.raises(UsageError, match="conId"):
        securities.parse(text)


@pytest.mark.parametrize(
    ("contract", "code"),
    [
        ({"symbol": "BRK B", "primaryExchange": "NYSE"}, "BRK.B.US"),
        ({"symbol": "VUSD", "primaryExchange": "LSEETF"}, "VUSD.LSEETF.USD.STK"),
        ({"symbol": "5", "exchange": "SEHK", "currency": "HKD"}, "00005.HK"),
        ({"symbol": "000001", "exchange": "SEHKSZSE", "currency": "CNH"}, "000001.SZ"),
        ({"symbol": "EUR", "secType": "CASH", "exchange": "IDEALPRO"}, "EURUSD.FX"),
        ({"symbol": "AAPL", "secType": "OPT", "exchange": "SMART"}, "77"),
    ],
)
def test_code_of_a_contract(contract: dict[str, Any], code: str) -> None:
    plain = {"conId": 77, "secType": "STK", "exchange": "", "primaryExchange": "",
             "currency": "USD", "localSymbol": ""}  # fmt: skip
    assert securities.code_of(SimpleNamespace(**{**plain, **contract})) == code


@pytest.mark.parametrize(
    ("status", "filled", "refused", "found"),
    [
        ("PendingSubmit", 0, False, OrderStatus.WAIT_REPORTING),
        ("PreSubmitted", 0, False, OrderStatus.REPORTED),
        ("Submitted", 1, False, OrderStatus.PART_SUCC),
        ("PendingCancel", 1, False, OrderStatus.PARTSUCC_CANCEL),
        ("Cancelled", 1, False, OrderStatus.PART_CANCEL),
        ("ApiCancelled", 0, False, OrderStatus.CANCELED),
        ("Filled", 1, False, OrderStatus.SUCCEEDED),
        ("Inactive", 0, False, OrderStatus.WAIT_REPORTING),
        ("Inactive", 0, True, OrderStatus.JUNK),
        ("Whatever", 0, False, OrderStatus.UNKNOWN),
    ],
)
def test_status(status: str, filled: int, refused: bool, found: OrderStatus) -> None:
    assert words.status_of(status, filled, refused=refused) is found


def test_which_errors_refuse_a_new_order() -> None:
    assert all(words.refuses(each) for each in (103, 110, 200, 201, 203, 321, 434))
    assert not any(words.refuses(each) for each in (399, 404, 2109, 2148, 10167, 10349))


@pytest.mark.parametrize(
    ("given", "found"),
    [(1.7976931348623157e308, 0), (math.nan, 0), (math.inf, 0), ("", 0), (None, 0), (10.0, 10),
     (0.1, Decimal("0.1")), ("0.0001", Decimal("0.0001")), (-3.0, -3)],
)  # fmt: skip
def test_numbers_of_the_wire(given: Any, found: Any) -> None:
    assert number(given) == found


def test_corrected_execution_is_not_another_one() -> None:
    """成交的更正只换末尾的序号。"""
    pushed: list[Any] = []
    book = Book(pushed.append, {})
    contract = SimpleNamespace(conId=1, secType="STK", symbol="A", currency="USD", exchange="",
                               primaryExchange="", localSymbol="", multiplier="")  # fmt: skip
    moment = SimpleNamespace(timestamp=lambda: 1.0)
    for last in ("01", "02"):
        book.executed(
            contract,
            SimpleNamespace(execId=f"0000e0d5.01.01.{last}", permId=5, orderRef="", price=2.0,
                            shares=3.0, side="SLD", time=moment, acctNumber="U1",
                            cumQty=3.0, avgPrice=2.0, orderId=0, clientId=0),
        )  # fmt: skip
    assert len(pushed) == 1
    assert pushed[0].trade.traded_amount == 6
