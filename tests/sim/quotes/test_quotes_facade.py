"""``user.quote``：模拟的（嵌入、另一个进程），真客户端的 xtdata。"""

from __future__ import annotations

import threading
import time
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, eventually

import easytrader
from easytrader.errors import NotConnectedError, QueryFailedError, UsageError
from easytrader.miniqmt.quotes import quotes
from easytrader.miniqmt.vendor import loader
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANY = [f"{head}{n:03d}" for head in ("600", "000", "300") for n in range(1, 101)]


@pytest.fixture(params=["embedded", "served"])
def user(request: pytest.FixtureRequest, sim_folder: Path) -> Iterator[Any]:
    if request.param == "served":
        request.getfixturevalue("served")
    with easytrader.use("sim") as made:
        made.connect(str(sim_folder), ACCOUNT, timeout=8)
        yield made


class TestSimulated:
    def test_one(self, user: Any) -> None:
        before = time.time()
        row = user.quote("600036")["600036"]
        assert row["stock_code"] == "600036.SH"
        assert row["security"] == "600036"
        assert row["low"] <= row["last"] <= row["high"]
        assert row["limit_down"] <= row["low"] <= row["high"] <= row["limit_up"]
        assert before - 10 <= row["time"] <= time.time() + 1
        assert len(row["bids"]) == len(row["asks"]) == 5
        assert row["bids"][0][0] < row["asks"][0][0]
        assert row["bids"][0][1] % 100 == 0
        assert user.buy("600036", row["asks"][0][0], 100)["entrust_no"] > 0

    def test_keys_are_what_was_written(self, user: Any) -> None:
        found = user.quote(["sh600036", "000001", "000001.SZ", "113050.SH"])
        assert list(found) == ["sh600036", "000001", "000001.SZ", "113050.SH"]
        assert found["000001"] == found["000001.SZ"]
        found["000001"]["last"] = 0
        assert user.quote(("000001",))["000001"]["last"] > 0

    def test_three_hundred(self, user: Any) -> None:
        assert list(user.quote(MANY)) == MANY
        assert list(user.quote(iter(MANY))) == MANY

    @pytest.mark.parametrize(
        "bad", ["", "乱写", [], None, 600036, [600036], ["600036", None], b"600036", {}, {"a": 1}]
    )
    def test_bad_codes(self, user: Any, bad: object) -> None:
        with pytest.raises(UsageError, match="codes"):
            user.quote(bad)

    def test_no_quote_names_the_codes(self, user: Any) -> None:
        with pytest.raises(QueryFailedError, match=r"999999\.SH") as caught:
            user.quote(["600036", "999999.SH"])
        assert "600036" not in str(caught.value)

    def test_an_index(self, user: Any) -> None:
        row = user.quote("000300")["000300"]
        assert row["stock_code"] == "000300.SH"
        assert row["low"] <= row["last"] <= row["high"]
        assert (row["limit_up"], row["limit_down"]) == (None, None)

    def test_in_a_callback(self, sim_folder: Path) -> None:
        found: list[Any] = []

        class Asking(easytrader.miniqmt.DefaultXtQuantTraderCallback):
            def on_stock_order(self, order: Any) -> None:
                found.append(user.quote("600036"))

        with easytrader.use("sim") as user:
            user.connect(str(sim_folder), ACCOUNT, Asking())
            user.market_buy("600036", 100)
            eventually(lambda: found)

    def test_a_dropped_answer(self, user: Any, sim_folder: Path) -> None:
        Faults(sim_folder).drop_answer("quote")
        with (
            pytest.raises(QueryFailedError, match="没有回答"),
            user._session.until(time.monotonic() + 0.3),
        ):
            user.quote("600036")
        assert user.quote("600036")

    def test_not_connected(self) -> None:
        with pytest.raises(NotConnectedError):
            easytrader.use("sim").quote("600036")


TICK = {
    "time": 1733118954000, "lastPrice": 11.39, "open": 11.39, "high": 11.4, "low": 11.31,
    "lastClose": 11.38, "amount": 862127800.0, "volume": 758613, "pvolume": 75861284,
    "askPrice": [11.4, 11.41, 11.42, 11.43, 11.44], "askVol": [10929, 12401, 6671, 4555, 6708],
    "bidPrice": [11.39, 11.38, 11.370000000000001, 11.36, 0], "bidVol": [2429, 7127, 7146, 9111, 0],
}  # fmt: skip
REAL = SimpleNamespace(async_client=object())


class _Xtdata:
    def __init__(self, ticks: Any, detail: Any = None) -> None:
        self.ticks, self.detail = ticks, detail
        self.asked: list[Any] = []
        self.details: list[str] = []

    def get_full_tick(self, codes: list[str]) -> Any:
        self.asked.append((threading.current_thread().name, codes))
        if isinstance(self.ticks, BaseException):
            raise self.ticks
        return self.ticks() if callable(self.ticks) else self.ticks

    def get_instrument_detail(self, code: str) -> Any:
        self.details.append(code)
        return self.detail


def vendor(xtdata: Any) -> loader.Vendor:
    plug = ModuleType("fake_qmt")
    plug.XtQuantTrader = type("XtQuantTrader", (), {})  # type: ignore[attr-defined]
    plug.StockAccount = object  # type: ignore[attr-defined]
    plug.xtdata = xtdata  # type: ignore[attr-defined]
    return loader.load(plug)


class TestRealClient:
    def test_one_call_for_all_on_its_own_thread(self) -> None:
        detail = {"UpStopPrice": 12.52, "DownStopPrice": 10.24, "TradingDay": "20000101"}
        xtdata = _Xtdata({"000001.SZ": TICK, "600036.SH": TICK}, detail)
        codes = ["600036.SH", "000001.SZ", "600036.SH"]
        found = quotes(REAL, codes, 5, vendor(xtdata))
        assert [each.stock_code for each in found] == codes
        assert xtdata.asked == [("easytrader-quote", codes[:2])]
        first = found[0]
        assert (first.last, first.pre_close) == (11.39, 11.38)
        assert (first.limit_up, first.limit_down) == (12.52, 10.24)
        assert (first.volume, first.time) == (75861284, 1733118954)
        assert first.bids == [
            (11.39, 242900), (11.38, 712700), (11.37, 714600), (11.36, 911100), (0.0, 0),
        ]  # fmt: skip

    def test_details_of_today_are_remembered(self) -> None:
        today = time.strftime("%Y%m%d")
        xtdata = _Xtdata({"601999.SH": TICK}, {"UpStopPrice": 1.8e308, "TradingDay": today})
        for _ in range(3):
            [found] = quotes(REAL, ["601999.SH"], 5, vendor(xtdata))
            assert found.limit_up is None
        assert xtdata.details == ["601999.SH"]

    def test_before_the_first_trade(self) -> None:
        tick = {**TICK, "lastPrice": 0, "open": 0, "high": 0, "low": 0, "volume": 0, "pvolume": 0}
        [found] = quotes(REAL, ["113050.SH"], 5, vendor(_Xtdata({"113050.SH": tick})))
        assert (found.last, found.open, found.volume) == (None, None, 0)
        assert found.asks[0] == (11.4, 109290)  # 债券一手十张

    @pytest.mark.parametrize("ticks", [{}, None, [], {"600036.SH": None}, {"600036.SH": {}}])
    def test_no_quote(self, ticks: Any) -> None:
        with pytest.raises(QueryFailedError, match=r"600036\.SH"):
            quotes(REAL, ["600036.SH"], 5, vendor(_Xtdata(ticks)))

    def test_vendor_trouble(self) -> None:
        with pytest.raises(QueryFailedError, match="无法连接xtquant服务"):
            quotes(REAL, ["600036.SH"], 5, vendor(_Xtdata(Exception("无法连接xtquant服务"))))
        gate = threading.Event()
        try:
            with pytest.raises(QueryFailedError, match=r"0\.05 秒内没有回答：600036\.SH"):
                quotes(REAL, ["600036.SH"], 0.05, vendor(_Xtdata(lambda: gate.wait(600))))
        finally:
            gate.set()

    def test_simulated_quotes_are_never_given_to_a_real_account(self) -> None:
        xtdata: Any = _Xtdata({"600036.SH": TICK})
        xtdata.get_client = lambda: SimpleNamespace(simulated=True)
        with pytest.raises(QueryFailedError, match="不能给实盘用"):
            quotes(REAL, ["600036.SH"], 5, vendor(xtdata))
