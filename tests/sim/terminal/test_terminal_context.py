"""``ContextInfo``：行情的方法（经过真的主机）、订阅的回调、属性。"""

from __future__ import annotations

import copy
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from terminal_desk import DeskClient, desk_client
from terminal_stubs import StubLink, formula, manual, printed

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE, OTHER = "600036.SH", "000001.SZ"
SOURCE = b"""#coding:gbk
in_init = []
def init(C):
    in_init.append(C.get_trading_dates('600036.SH', '', '', 5, '1d'))
seen = []
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskClient]:
    with desk_client(tmp_path_factory.mktemp("context"), source=SOURCE) as made:
        yield made


@pytest.fixture
def context(client: DeskClient) -> Any:
    return client.strategy.context


def test_full_tick(context: Any) -> None:
    ticks = context.get_full_tick([CODE, OTHER, "999999.SH"])
    assert set(ticks) == {CODE, OTHER}
    tick = ticks[CODE]
    wanted = "lastPrice open high low lastClose volume amount askPrice bidPrice askVol bidVol time"
    assert set(wanted.split()) <= set(tick)
    assert len(tick["askPrice"]) == len(tick["bidPrice"]) == 5
    assert 0 < tick["bidPrice"][0] < tick["askPrice"][0]


def test_full_tick_of_nothing_is_the_main_chart(context: Any) -> None:
    assert set(context.get_full_tick()) <= {"000300.SH"}


def test_reading_the_market_off_the_main_thread(context: Any) -> None:
    found: list[Any] = []
    worker = threading.Thread(target=lambda: found.append(context.get_full_tick([CODE])))
    worker.start()
    worker.join()
    assert set(found[0]) == {CODE}


def test_instrument_detail(context: Any) -> None:
    detail = context.get_instrument_detail(CODE)
    assert detail["InstrumentName"] == context.get_stock_name(CODE)
    assert 0 < detail["DownStopPrice"] < detail["PreClose"] < detail["UpStopPrice"]
    assert context.get_instrumentdetail(CODE) == detail
    assert context.get_instrument_detail("999999.SH") == {}
    assert context.get_stock_name("999999.SH") == ""


def test_trading_dates_want_a_code_and_not_init(client: DeskClient, context: Any) -> None:
    dates = context.get_trading_dates(CODE, "20260202", "20260306", 5, "1d")
    assert dates == ["20260302", "20260303", "20260304", "20260305", "20260306"]
    assert context.get_trading_dates("SH", "20260202", "20260306", 5, "1d") == []
    assert client.strategy.globals["in_init"] == [[]]


def test_sector_names_are_taken_literally(context: Any) -> None:
    assert CODE in context.get_stock_list_in_sector("沪深A股")
    assert context.get_stock_list_in_sector("沪市A股") == []


def test_market_data_is_a_frame(context: Any) -> None:
    pytest.importorskip("pandas")
    frames = context.get_market_data_ex(["close", "volume"], [CODE, OTHER], "1d", count=3)
    assert set(frames) == {CODE, OTHER}
    assert list(frames[CODE].columns) == ["close", "volume"]
    assert len(frames[CODE]) == 3
    assert all(len(str(each)) == 14 for each in frames[CODE].index)
    every = context.get_market_data_ex([], [CODE], "1d", count=1)[CODE]
    assert {"open", "high", "low", "close", "volume", "amount"} <= set(every.columns)
    assert "time" not in every.columns


def test_market_data_without_pandas_says_so(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"get_market_data_ex.*pandas"):
        context.get_market_data_ex(["close"], [CODE], "1d", count=1)


def test_subscriptions_call_back_on_the_main_thread(client: DeskClient, context: Any) -> None:
    seen: list[Any] = []

    def told(data: dict[str, Any]) -> None:
        seen.append((set(data), threading.get_ident()))

    one = context.subscribe_quote(CODE, "tick", callback=told)
    client.terminal.advance(6.5)
    assert seen == [({CODE}, threading.get_ident())] * 2
    assert context.unsubscribe_quote(one)
    assert not context.unsubscribe_quote(one)
    client.terminal.advance(6.5)
    assert len(seen) == 2


def test_whole_quote_is_incremental() -> None:
    ticks = {CODE: {"lastPrice": 1.0}, OTHER: {"lastPrice": 2.0}}
    terminal = manual(link=StubLink(full_tick=lambda codes: {each: ticks[each] for each in codes}))
    source = f"def init(C): C.subscribe_whole_quote(['{CODE}', '{OTHER}'], lambda d: print(d))"
    terminal.load(source.encode())
    terminal.advance(6.5)
    ticks[OTHER] = {"lastPrice": 3.0}
    terminal.advance(3)
    both = {CODE: {"lastPrice": 1.0}, OTHER: {"lastPrice": 2.0}}
    assert printed(terminal) == [repr(both), repr({OTHER: {"lastPrice": 3.0}})]
    terminal.strategies[0].stop()
    ticks[CODE] = {"lastPrice": 9.0}
    terminal.advance(30)
    assert len(printed(terminal)) == 2
    terminal.stop()


def test_quotes_freeze_while_the_line_is_down() -> None:
    prices = iter((1.0, 2.0, 3.0))
    link = StubLink(full_tick=lambda codes: {codes[0]: {"lastPrice": next(prices)}})
    terminal = manual(link=link)
    context = terminal.load(b"").context
    assert context.get_full_tick([CODE])[CODE]["lastPrice"] == 1.0
    link.push("control", {"do": "quotes", "up": False})
    terminal.step()
    assert context.get_full_tick([CODE])[CODE]["lastPrice"] == 1.0
    assert context.get_full_tick([OTHER]) == {}
    link.push("control", {"do": "quotes", "up": True})
    terminal.step()
    assert context.get_full_tick([CODE])[CODE]["lastPrice"] == 2.0
    terminal.stop()


def test_what_the_counter_does_not_answer_is_empty_and_logged() -> None:
    terminal = manual()
    context = terminal.load(b"").context
    assert context.get_full_tick([CODE]) == {}
    assert context.get_instrument_detail(CODE) == {}
    assert context.get_stock_list_in_sector("沪深A股") == []
    assert "[quote]full_tick: 没有 full_tick" in formula(terminal)
    terminal.stop()


def test_attributes(context: Any) -> None:
    assert (context.period, context.stockcode, context.market) == ("1m", "000300", "SH")
    assert context.barpos >= 3
    assert context.get_bar_timetag() == context.get_bar_timetag(context.barpos)
    assert context.get_bar_timetag() % 60_000 == 0
    assert context.get_bar_timetag(99) is None
    context.set_universe([CODE])
    assert context.get_universe() == [CODE]
    assert context.request_id
    assert not context.do_back_test


def test_a_copy_is_not_the_live_one(context: Any) -> None:
    context.mine = [1]
    copied = copy.deepcopy(context)
    copied.mine.append(2)
    assert context.mine == [1]
    assert copied is not context
    assert copied.barpos == context.barpos


def test_what_cannot_be_copied_stays_the_same_object() -> None:
    terminal = manual()
    source = b"""
import threading
def init(C): C.lock, C.seen = threading.Lock(), []
def handlebar(C):
    C.seen.append(1)
    print(C.lock is locks[0] if locks else locks.append(C.lock), len(C.seen))
locks = []
"""
    terminal.load(source, replay_bars=1)
    terminal.advance(6.5)
    terminal.stop()
    assert printed(terminal) == ["None 1", "True 2", "True 2"]
