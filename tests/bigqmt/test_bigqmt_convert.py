"""终端的行 → 本库的记录：字段会骗人，缺的数量不是 0。"""

from __future__ import annotations

from typing import Any

import pytest

from easytrader.bigqmt import convert
from easytrader.bigqmt.convert import Named
from easytrader.errors import QueryFailedError

ME = ("1000000365", "STOCK")
NO_INT, NO_FLOAT = 2147483647, 1.7976931348623157e308

ORDER = {
    "m_strInstrumentID": "600036", "m_strExchangeID": "SH", "m_strOrderSysID": "12", "m_nRef": 3,
    "m_nOffsetFlag": 49, "m_nDirection": 48, "m_eEntrustType": 48, "m_nOrderPriceType": 50,
    "m_dLimitPrice": 10.040000000000001, "m_nVolumeTotalOriginal": 300, "m_nVolumeTraded": 100,
    "m_nVolumeTotal": 200, "m_dCancelAmount": 0, "m_dTradedPrice": 10.0433333333, "m_nErrorID":
    NO_INT, "m_nOrderStatus": 55, "m_nOrderSubmitStatus": 51, "m_strErrorMsg": "",
    "m_strCancelInfo": "", "m_strInsertDate": "20261130", "m_strInsertTime": "093000",
    "m_strRemark": "~k3j9x0a2b~", "m_strSource": "model",
}  # fmt: skip

POSITION = {
    "m_strInstrumentID": "000001", "m_strExchangeID": "SZ", "m_strInstrumentName": "平安银行",
    "m_nVolume": 500, "m_nCanUseVolume": 400, "m_nFrozenVolume": 100, "m_nOnRoadVolume": 0,
    "m_nYesterdayVolume": 500, "m_dOpenPrice": 11.123456789, "m_dMarketValue": 5600.0,
    "m_dPositionProfit": NO_FLOAT, "m_dFloatProfit": 40.0, "m_dProfitRate": 0.01,
}  # fmt: skip

DEAL = {
    "m_strInstrumentID": "600036", "m_strExchangeID": "SH", "m_strTradeID": "T1",
    "m_strOrderSysID": "12", "m_nOffsetFlag": 48, "m_dPrice": 10.04, "m_nVolume": 100,
    "m_dTradeAmount": 1004.0, "m_strTradeDate": "20261130", "m_strTradeTime": "9:30:05",
    "m_strRemark": "",
}  # fmt: skip


def read(**changes: Any) -> Any:
    row: dict[str, Any] = {**ORDER, **changes}
    who = convert.naming(row, "20261201")
    return convert.order(row, who, Named(7, "~k3j9x0a2b~网格", "趋势"), *ME)


def test_an_order_says_what_it_is() -> None:
    found = read()
    assert found.stock_code == "600036.SH"
    assert (found.order_id, found.order_remark, found.strategy_name) == (
        7,
        "~k3j9x0a2b~网格",
        "趋势",
    )
    assert found.order_type == 24  # m_nDirection 永远是多，看 m_nOffsetFlag
    assert (found.order_volume, found.traded_volume) == (300, 100)  # m_nVolumeTotal 是剩下的
    assert found.price == 10.04
    assert found.status_msg == ""
    assert found.order_time == 1796002200  # 北京时间 9:30，与本机的时区无关


def test_why_it_was_refused() -> None:
    told = "[COUNTER][260200][可用资金不足]"
    assert read(m_nOrderStatus=57, m_strCancelInfo=told).status_msg == told
    assert read(m_nOrderStatus=57, m_strErrorMsg="不行").status_msg == "不行"
    assert read(m_nOrderStatus=57).status_msg == ""  # INT_MAX 是没有填，不是原因
    assert "260200" in read(m_nOrderStatus=57, m_nErrorID=260200).status_msg


@pytest.mark.parametrize("name", ["m_nVolumeTotalOriginal", "m_nVolumeTraded", "m_nOrderStatus"])
@pytest.mark.parametrize("value", [None, NO_INT, -1, "", True, float("nan")], ids=repr)
def test_a_missing_count_is_not_zero(name: str, value: Any) -> None:
    with pytest.raises(QueryFailedError, match=name):
        read(**{name: value})


@pytest.mark.parametrize("name", ["m_nVolume", "m_nCanUseVolume"])
def test_a_missing_position_count_is_not_zero(name: str) -> None:
    with pytest.raises(QueryFailedError, match=name):
        convert.position({**POSITION, name: NO_INT}, *ME)


def test_placeholders_are_no_numbers() -> None:
    row = {**ORDER, "m_strOrderSysID": "xt1234"}
    assert convert.naming(row, "").sysid == ""
    assert convert.naming({**ORDER, "m_strInsertDate": None}, "20261201").day == "20261201"


def test_a_position() -> None:
    found = convert.position(dict(POSITION), *ME)
    assert found is not None
    assert (found.stock_code, found.volume, found.can_use_volume) == ("000001.SZ", 500, 400)
    assert (found.instrument_name, found.float_profit) == ("平安银行", 40.0)
    assert found.direction == 48


def test_sold_out_is_not_a_position() -> None:
    zeros = dict.fromkeys(["m_nVolume", "m_nCanUseVolume", "m_nFrozenVolume", "m_nOnRoadVolume"], 0)
    assert convert.position({**POSITION, **zeros, "m_nYesterdayVolume": 0}, *ME) is None


def test_one_row_of_zeros_is_a_wrong_type() -> None:
    blank = {name: "" if name.startswith("m_str") else 0 for name in POSITION}
    with pytest.raises(QueryFailedError, match="类型"):
        convert.position(blank, *ME)
    with pytest.raises(QueryFailedError, match="类型"):
        convert.asset({"m_strAccountID": "", "m_dBalance": 0.0, "m_dAvailable": 0.0}, *ME)


def test_an_asset() -> None:
    row = {"m_strAccountID": ME[0], "m_dBalance": 100.0, "m_dAvailable": 60.0}
    found = convert.asset({**row, "m_dInstrumentValue": 40.0, "m_dFrozenCash": NO_FLOAT}, *ME)
    assert (found.total_asset, found.cash, found.market_value) == (100.0, 60.0, 40.0)
    assert found.frozen_cash == 0.0
    with pytest.raises(QueryFailedError, match="m_dAvailable"):
        convert.asset({**row, "m_dAvailable": NO_FLOAT}, *ME)


def test_a_trade() -> None:
    deal = convert.deal(dict(DEAL), "", *ME)
    found = deal.make(Named(7, "~k3j9x0a2b~网格"))
    assert (found.traded_id, found.order_id, found.traded_volume) == ("T1", 7, 100)
    assert found.traded_time == 1796002205
    assert found.order_remark == "~k3j9x0a2b~网格"


def test_trades_without_an_id_differ_by_their_ordinal() -> None:
    row = {**DEAL, "m_strTradeID": ""}
    keys = {convert.deal(row, "", *ME, ordinal).key for ordinal in (0, 1)}
    ids = {convert.deal(row, "", *ME, ordinal).make(Named(7, "")).traded_id for ordinal in (0, 1)}
    assert len(keys) == len(ids) == 2


@pytest.mark.parametrize(
    ("day", "clock", "known"),
    [("20261130", "093000", True), ("2026-11-30", "09:30:00", True), ("20261130", "93000", True),
     ("", "093000", False), ("20261399", "093000", False), ("x", "y", False)],
)  # fmt: skip
def test_times(day: str, clock: str, known: bool) -> None:
    assert convert.epoch(day, clock) == (1796002200 if known else 0)


def test_credit_types() -> None:
    told = [(54, 48), (54, 49), (55, 48), (55, 49), (57, 48), (57, 49)]
    found = [read(m_eEntrustType=kind, m_nOffsetFlag=flag).order_type for kind, flag in told]
    assert found == [27, 31, 29, 28, 23, 24]
