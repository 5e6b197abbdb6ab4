"""厂商的 xtdata.py 跑在模拟行情上：嵌在本进程的柜台，与另一个进程的柜台。"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import eventually, make_folder

if TYPE_CHECKING:
    from pathlib import Path

CODES = ["600036.SH", "000001.SZ", "688981.SH", "920002.BJ", "510300.SH", "113050.SH"]
MANY = [f"{head}{n:03d}.{tail}" for head, tail in (("600", "SH"), ("000", "SZ"), ("300", "SZ"))
        for n in range(1, 101)]  # fmt: skip
TICK_KEYS = [
    "time",
    "lastPrice",
    "open",
    "high",
    "low",
    "lastClose",
    "amount",
    "volume",
    "pvolume",
    "stockStatus",
    "openInt",
    "transactionNum",
    "lastSettlementPrice",
    "settlementPrice",
    "pe",
    "askPrice",
    "bidPrice",
    "askVol",
    "bidVol",
    "volRatio",
    "speed1Min",
    "speed5Min",
]
BAR_KEYS = [
    "time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "amount",
    "settelementPrice",
    "openInterest",
    "preClose",
    "suspendFlag",
]


class TestSnapshots:
    def test_full_tick(self, market: Any) -> None:
        ticks = market.get_full_tick([*CODES, "600036", "乱写", "999999.SH"])
        assert list(ticks) == CODES
        for code, tick in ticks.items():
            assert list(tick) == TICK_KEYS
            assert tick["low"] <= tick["lastPrice"] <= tick["high"]
            assert tick["low"] <= tick["open"] <= tick["high"]
            assert tick["volume"] == tick["pvolume"] // (10 if code == "113050.SH" else 100)
            assert tick["low"] <= tick["amount"] / tick["pvolume"] <= tick["high"]
            for side in ("ask", "bid"):
                assert len(tick[f"{side}Price"]) == len(tick[f"{side}Vol"]) == 5
            assert tick["bidPrice"][0] < tick["askPrice"][0]

    def test_three_hundred_codes(self, market: Any) -> None:
        assert list(market.get_full_tick(MANY)) == MANY

    def test_a_whole_market(self, market: Any) -> None:
        ticks = market.get_full_tick(["SH"])
        assert "600036.SH" in ticks
        assert all(code.endswith(".SH") for code in ticks)

    @pytest.mark.parametrize("code", ["900901.SH", "700001.SH", "000999.SH", "乱写"])
    def test_an_unknown_code_is_just_absent(self, embedded: Any, code: str) -> None:
        assert list(embedded.get_full_tick(["600036.SH", code])) == ["600036.SH"]

    def test_an_index_among_them(self, market: Any) -> None:
        ticks = market.get_full_tick(["000300.SH", "600036.SH", "399001.SZ", "899050.BJ"])
        assert list(ticks) == ["000300.SH", "600036.SH", "399001.SZ", "899050.BJ"]
        assert list(ticks["000300.SH"]) == TICK_KEYS
        assert 3000 < ticks["000300.SH"]["lastPrice"] < 6000

    @pytest.mark.parametrize("bad", ["600036.SH", None, 5])
    def test_codes_must_be_a_list(self, embedded: Any, bad: object) -> None:
        with pytest.raises(TypeError, match="列表"):
            embedded.get_full_tick(bad)


class TestInstruments:
    def test_detail(self, market: Any) -> None:
        detail = market.get_instrument_detail("600036.SH")
        tick = market.get_full_tick(["600036.SH"])["600036.SH"]
        assert detail["InstrumentName"] == "招商银行"
        assert (detail["ExchangeID"], detail["InstrumentID"]) == ("SH", "600036")
        assert detail["PreClose"] == tick["lastClose"]
        assert detail["UpStopPrice"] == pytest.approx(detail["PreClose"] * 1.1, abs=0.006)
        assert detail["DownStopPrice"] == pytest.approx(detail["PreClose"] * 0.9, abs=0.006)
        assert detail["PriceTick"] == 0.01
        assert isinstance(detail["TradingDay"], str)
        assert market.get_instrument_detail("600036.SH", True)["MaxLimitOrderVolume"] == 1_000_000
        assert list(market.get_instrument_detail_list(CODES)) == CODES

    def test_unknown_is_none_as_with_the_vendor(self, embedded: Any) -> None:
        assert embedded.get_instrument_detail("乱写") is None
        assert embedded.get_instrument_type("乱写") == {}

    def test_type(self, embedded: Any) -> None:
        assert embedded.get_instrument_type("600036.SH") == {"stock": True}
        assert embedded.get_instrument_type("510300.SH") == {"fund": True, "etf": True}
        assert embedded.get_instrument_type("000300.SH") == {"index": True}
        assert embedded.get_instrument_type("113050.SH", ["bond", "etf"]) == {
            "bond": True, "etf": False,
        }  # fmt: skip

    def test_sectors(self, market: Any) -> None:
        for name in market.get_sector_list():
            market.get_stock_list_in_sector(name)
        assert "600036.SH" in market.get_stock_list_in_sector("沪深A股")
        assert "510300.SH" in market.get_stock_list_in_sector("沪深ETF")
        assert market.download_sector_data() is None
        assert market.get_stock_list_in_sector("没有的板块") == []

    def test_trading_dates(self, market: Any) -> None:
        dates = market.get_trading_dates("SH", count=5)
        assert [b - a for a, b in itertools.pairwise(dates)] == [86_400_000] * 4
        day = market.timetag_to_datetime(dates[1] + 8 * 3_600_000, "%Y%m%d")
        assert len(market.get_trading_dates("SZ", start_time=day)) == 4
        assert market.get_trading_dates("IF") == []
        assert day in market.get_trading_calendar("SH")


class TestHistory:
    @pytest.mark.parametrize("period", ["1m", "5m", "15m", "30m", "60m", "1h", "1d", "1w", "1mon"])
    def test_bars(self, embedded: Any, period: str) -> None:
        frame = embedded.get_market_data_ex([], ["600036.SH"], period, count=4)["600036.SH"]
        assert list(frame.columns) == BAR_KEYS
        assert len(frame) == 4
        assert (frame["low"] <= frame[["open", "close"]].min(axis=1)).all()
        assert (frame["high"] >= frame[["open", "close"]].max(axis=1)).all()
        assert (frame["time"].diff().dropna() > 0).all()
        assert list(frame["preClose"][1:]) == pytest.approx(list(frame["close"][:-1]))

    def test_a_matrix(self, market: Any) -> None:
        found = market.get_market_data(["close", "volume"], CODES[:2], "1d", count=3)
        assert sorted(found) == ["close", "volume"]
        assert list(found["close"].index) == CODES[:2]
        assert found["close"].shape == (2, 3)
        assert (found["volume"] > 0).all().all()
        assert market.get_market_data(["乱写"], CODES[:2], "1d", count=3) == {}
        some = market.get_market_data(["乱写", "close"], CODES[:2], "1d", count=3)
        assert list(some) == ["close"]
        frames = market.get_market_data_ex(["乱写", "close"], CODES[:2], "1d", count=3)
        assert [list(frame.columns) for frame in frames.values()] == [["close"], ["close"]]

    def test_ticks(self, market: Any) -> None:
        frame = market.get_market_data_ex(
            ["lastPrice", "high", "low", "volume", "askPrice"], ["600036.SH"], "tick", count=5
        )["600036.SH"]
        assert len(frame) == 5
        assert (frame["volume"].diff().dropna() >= 0).all()
        assert (frame["high"] >= frame["lastPrice"]).all()
        assert len(frame["askPrice"].iloc[0]) == 5
        rows = market.get_market_data(["time", "lastPrice"], ["600036.SH"], "tick", count=3)
        assert rows["600036.SH"]["time"].tolist()[1] - rows["600036.SH"]["time"].tolist()[0] == 3000

    def test_a_range(self, market: Any) -> None:
        days = market.get_trading_dates("SH", count=4)
        texts = [market.timetag_to_datetime(day + 8 * 3_600_000, "%Y%m%d") for day in days]
        frame = market.get_local_data([], ["600036.SH"], "1d", texts[0], texts[2])["600036.SH"]
        assert list(frame.index) == texts[:3]
        minutes = market.get_market_data_ex(
            [], ["600036.SH"], "1m", f"{texts[1]}093000", f"{texts[1]}100000"
        )["600036.SH"]
        assert len(minutes) == 31
        assert minutes.index[-1] == f"{texts[1]}100000"
        assert market.get_market_data_ex([], ["600036.SH"], "1d", "昨天")["600036.SH"].empty
        assert market.get_market_data([], ["600036.SH"], "1d", "昨天")["close"].empty
        assert market.get_market_data_ex([], ["600036.SH"], "tick", "昨天")["600036.SH"].empty
        assert market.get_trading_dates("SH", "昨天") == []
        assert market.get_ipo_info("昨天") == []
        assert market.subscribe_quote("600036.SH", "1d", "昨天", count=1) == -1
        odd = market.get_market_data_ex([], ["600036.SH"], "1d", count=2, dividend_type="乱写")
        assert odd["600036.SH"].empty

    def test_the_day_is_its_minutes(self, market: Any) -> None:
        [day] = market.get_trading_dates("SH", count=2)[:1]
        text = market.timetag_to_datetime(day + 8 * 3_600_000, "%Y%m%d")
        daily = market.get_market_data_ex([], ["600036.SH"], "1d", text, text)["600036.SH"].iloc[0]
        frame = market.get_market_data_ex([], ["600036.SH"], "1m", text, text)["600036.SH"]
        assert len(frame) == 1440
        assert frame["open"].iloc[0] == daily["open"]
        assert frame["high"].max() == pytest.approx(daily["high"])
        assert frame["low"].min() == pytest.approx(daily["low"])
        assert frame["amount"].sum() == pytest.approx(daily["amount"], rel=0.01)

    def test_downloading_is_done_at_once(self, market: Any) -> None:
        assert market.download_history_data("600036.SH", "1m", "20260101") is None
        seen: list[Any] = []
        market.download_history_data2(CODES, "1d", callback=seen.append)
        assert [each["finished"] for each in seen] == [1, 2, 3, 4, 5, 6]
        assert market.download_history_data("乱写", "l2quote") is None

    def test_no_dividends_ever(self, embedded: Any) -> None:
        assert embedded.get_divid_factors("600036.SH").empty


class TestSubscriptions:
    def test_whole_quote_begins_with_everything(self, market: Any) -> None:
        got: list[Any] = []
        number = market.subscribe_whole_quote(CODES, got.append)
        assert number > 0
        eventually(lambda: got)
        assert list(got[0]) == CODES
        assert list(got[0]["600036.SH"]) == TICK_KEYS
        eventually(lambda: len(got) > 1)  # 三秒一跳
        market.unsubscribe_quote(number)

    def test_one_security(self, market: Any) -> None:
        ticks: list[Any] = []
        bars: list[Any] = []
        market.subscribe_quote("600036.SH", "tick", callback=ticks.append)
        market.subscribe_quote("600036.SH", "1m", count=3, callback=bars.append)
        assert market.subscribe_quote("600036.SH", "1d") > 0
        eventually(lambda: ticks and len(bars) > 1)
        assert ticks[0]["600036.SH"][0]["lastPrice"] > 0
        assert len(bars[0]["600036.SH"]) == 3
        assert list(bars[1]["600036.SH"][0]) == BAR_KEYS

    def test_a_bad_callback_does_not_stop_the_others(self, market: Any, capsys: Any) -> None:
        got: list[Any] = []

        def broken(datas: Any) -> None:
            raise ValueError("用户的错")

        market.subscribe_whole_quote(["600036.SH"], broken)
        market.subscribe_whole_quote(["600036.SH"], got.append)
        eventually(lambda: got)
        eventually(lambda: "subscribe callback error" in capsys.readouterr().out)

    def test_unsubscribe_in_the_callback(self, market: Any) -> None:
        got: list[Any] = []
        done = threading.Event()

        def once(datas: Any) -> None:
            got.append(datas)
            market.unsubscribe_quote(number)
            done.set()

        number = market.subscribe_whole_quote(["600036.SH"], once)
        assert done.wait(30)
        market.unsubscribe_quote(12345)

    def test_what_cannot_be_subscribed_is_minus_one(self, embedded: Any) -> None:
        assert embedded.subscribe_quote("乱写", "tick") == -1
        assert embedded.subscribe_quote("600036.SH", "l2quote") == -1
        assert embedded.subscribe_whole_quote(["乱写"]) > 0


class TestExchangeHours:
    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="不能换时区")
    def test_the_calendar(
        self, xtdata: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TZ", "Asia/Shanghai")  # 厂商的换算按本机时区
        time.tzset()
        folder = make_folder(tmp_path / "按交易所", clock="exchange")
        monkeypatch.setenv("EASYTRADER_SIM", str(folder))
        assert "20261001" in xtdata.get_holidays()
        days = xtdata.get_trading_calendar("SH", "20260928", "20261012")
        assert days == ["20260928", "20260929", "20260930", "20261008", "20261009", "20261012"]
        dates = xtdata.get_trading_dates("SZ", "20260928", "20261012")
        assert [xtdata.timetag_to_datetime(each, "%Y%m%d") for each in dates] == days
        frame = xtdata.get_market_data_ex([], ["600036.SH"], "1d", "20260928", "20261012")
        assert list(frame["600036.SH"].index) == days
        monkeypatch.undo()
        time.tzset()


class TestReplay:
    def test_bars_come_back_as_they_were_given(
        self, xtdata: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """回放的一分钟线，从行情接口取出来还是那几根；走到哪里看到哪里。"""
        data = tmp_path / "数据"
        data.mkdir()
        lines = ["time,open,high,low,close,volume,amount,preClose"]
        for minute in range(31, 60):
            price = 10 + minute / 100
            lines.append(
                f"2026112009{minute}00,{price:.2f},{price + 0.05:.2f},{price - 0.05:.2f},"
                f"{price + 0.01:.2f},{minute * 10},{minute * 1000 * price:.2f},10.00"
            )
        (data / "600036.SH.csv").write_text("\n".join(lines), encoding="utf-8")
        folder = make_folder(
            tmp_path / "回放", clock="step", start="2026-11-20 09:50", replay=str(data)
        )
        monkeypatch.setenv("EASYTRADER_SIM", str(folder))
        tick = xtdata.get_full_tick(["600036.SH"])["600036.SH"]
        assert tick["lastClose"] == 10.0
        frame = xtdata.get_market_data_ex([], ["600036.SH"], "1m")["600036.SH"]
        assert frame.index[0] == "20261120093100"
        assert frame.index[-1] == "20261120095000"
        assert list(frame["volume"]) == [minute * 10 for minute in range(31, 51)]
        assert tick["volume"] == frame["volume"].sum()
        assert list(frame["close"]) == pytest.approx([10.01 + m / 100 for m in range(31, 51)])
        assert list(frame["high"]) == pytest.approx([10.05 + m / 100 for m in range(31, 51)])
        assert xtdata.get_stock_list_in_sector("沪深A股") == ["600036.SH"]
        assert xtdata.get_full_tick(["000001.SZ", "000300.SH"]) == {}
        assert xtdata.get_instrument_detail("000001.SZ") is None


def test_without_numpy(embedded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """没有 numpy、pandas：用不着它们的照常，用得着的由厂商说缺什么。"""
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert embedded.get_full_tick(["600036.SH"])["600036.SH"]["volume"] > 0
    assert embedded.get_instrument_detail("600036.SH")
    assert embedded.get_trading_dates("SH", count=1)
    with pytest.raises(ImportError, match="pandas"):
        embedded.get_market_data([], ["600036.SH"], "1d", count=1)
    with pytest.raises(ImportError, match="numpy"):
        embedded.get_market_data_ex([], ["600036.SH"], "1d", count=1)
