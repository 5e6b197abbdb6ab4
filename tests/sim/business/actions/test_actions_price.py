"""除权参考价（X1）：公式、前收盘、涨跌停、以后的价格，合成与回放，撮合与行情。"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import pytest
from actions_desk import ACCOUNT, CODE, FUND, Desk, at

from easytrader.market.rules.exrights import Change, reference_price
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.ledger.events import SubmitOrder
from easytrader.sim.quotes.board import Board

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Open = Callable[..., Desk]

DAYS = [f"2026-11-{day}" for day in (16, 17, 18, 19, 20)]


def formula(close: str, cash: str, gift: str, tick: str) -> Decimal:
    """交易规则 4.3 的公式，十进制另算。"""
    exact = (Decimal(close) - Decimal(cash)) / (1 + Decimal(gift))
    ticks = (exact / Decimal(tick)).quantize(Decimal(1), ROUND_HALF_UP)
    return max(ticks, Decimal(1)) * Decimal(tick)


@pytest.mark.parametrize(
    ("close", "cash", "gift", "tick"),
    [
        ("35.50", "0.35", "0", "0.01"),
        ("35.50", "0", "0.3", "0.01"),
        ("35.50", "1.738333", "0.45", "0.01"),
        ("10.00", "0.005", "0", "0.01"),  # 9.995 → 10.00
        ("10.01", "0.005", "0", "0.01"),
        ("2.903", "0.0125", "0", "0.001"),
        ("3.00", "4.00", "0", "0.01"),  # 不低于一个价位
        ("100.00", "0", "2", "0.01"),
    ],
)
def test_x1_formula(close: str, cash: str, gift: str, tick: str) -> None:
    after = int((1 + Decimal(gift)) * 10**7)
    change = Change(0, int(Decimal(cash) * 10**6), after, 10**7)
    got = reference_price(int(Decimal(close) * 1000), change, int(Decimal(tick) * 1000))
    assert Decimal(got) / 1000 == formula(close, cash, gift, tick)


def test_x1_limits_are_those_of_the_reference_price(open_desk: Open) -> None:
    entry = {CODE: [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 2, "transfer": 10}]}
    desk = open_desk(entry, {CODE: 100})
    desk.go("2026-11-17", "15:01")
    close = desk.quote().last_li
    desk.go("2026-11-18", "09:31")
    quote = desk.quote()
    expected = formula(str(Decimal(close) / 1000), "2", "1", "0.01")
    assert Decimal(quote.pre_close_li) / 1000 == expected
    up = (expected * Decimal("1.1")).quantize(Decimal("0.01"), ROUND_HALF_UP)
    down = (expected * Decimal("0.9")).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert (quote.limit_up_li, quote.limit_down_li) == (int(up * 1000), int(down * 1000))
    assert quote.limit_down_li < quote.last_li < quote.limit_up_li
    # 按旧的价格报是超过涨停，按新的收下
    assert _status(desk, close) == 57
    assert _status(desk, quote.bids[0].price_li) == 50


def _status(desk: Desk, price_li: int) -> int:
    args = SubmitOrder(2, ACCOUNT, CODE, 23, 100, 11, price_li / 1000, "", "")
    status: int = desk.engine.submit(args).events[-1].row.order_status
    return status


CASES: list[Any] = [
    (CODE, [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 3.5, "bonus": 3}]),
    (FUND, [{"ex": "2026-11-18", "split": [3, 1]}]),
    (FUND, [{"ex": "2026-11-18", "split": [1, 5]}]),
    (FUND, [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 0.3}]),
]


@pytest.mark.parametrize(("code", "entries"), CASES)
@pytest.mark.parametrize("hard", [{}, {"limit_days": 0.2, "halt_days": 0.2, "gap_days": 0.2}])
def test_prices_after_it_move_as_they_would_have(
    open_desk: Open, code: str, entries: Any, hard: dict[str, float]
) -> None:
    plain, changed = open_desk(**hard), open_desk({code: entries}, **hard)
    factor, previous = Decimal(1), 0
    for day in DAYS:
        for clock in ("09:31", "13:07", "15:01"):
            plain.go(day, clock)
            changed.go(day, clock)
            before, after = plain.quote(code), changed.quote(code)
            assert plain.quote("000001.SZ") == changed.quote("000001.SZ"), "与别的证券无关"
            if day < "2026-11-18":
                assert before == after, "除权之前一点没变"
                continue
            if day == "2026-11-18":
                factor = Decimal(after.pre_close_li) / before.pre_close_li
            drift = abs(after.last_li / (before.last_li * float(factor)) - 1)
            assert drift < 0.004, (day, clock, before.last_li, after.last_li)
            assert after.limit_down_li <= after.last_li <= after.limit_up_li
            assert before.suspended == after.suspended
        if day > "2026-11-18":
            assert after.pre_close_li == previous, "别的日子前收盘就是收盘价"
        previous = after.last_li
    assert factor != 1


def test_an_ex_date_on_a_closed_day_is_the_next_trading_day(open_desk: Open) -> None:
    entry = {CODE: [{"record": "2026-11-20", "ex": "2026-11-21", "transfer": 10}]}
    plain, changed = open_desk(), open_desk(entry, {CODE: 1000})
    for desk in (plain, changed):
        desk.go("2026-11-20", "15:01")
    close = plain.quote().last_li
    assert changed.quote().last_li == close
    for desk in (plain, changed):
        desk.go("2026-11-23")
    assert Decimal(changed.quote().pre_close_li) / 1000 == formula(
        str(Decimal(close) / 1000), "0", "1", "0.01"
    )
    assert changed.account.positions[CODE].volume == 2000


def test_a_suspended_ex_date_keeps_the_reference_price(open_desk: Open, tmp_path: Path) -> None:
    entry = {CODE: [{"record": "2026-11-17", "ex": "2026-11-18", "transfer": 10}]}
    desk = open_desk(entry)
    halt = '{"600036.SH": {"suspended": [["2026-11-18", "2026-11-19"]]}}'
    (desk.folder.path / "instruments.json").write_text(halt, encoding="utf-8")
    desk.reopen()
    desk.go("2026-11-17", "15:01")
    close = desk.quote().last_li
    expected = formula(str(Decimal(close) / 1000), "0", "1", "0.01")
    for day in ("2026-11-18", "2026-11-19"):
        desk.go(day)
        quote = desk.quote()
        assert quote.suspended
        assert Decimal(quote.pre_close_li) / 1000 == Decimal(quote.last_li) / 1000 == expected
    desk.go("2026-11-20")
    assert Decimal(desk.quote().pre_close_li) / 1000 == expected


@pytest.mark.parametrize("clock", ["exchange", "always"])
def test_quotes_say_the_same(tmp_path: Path, open_desk: Open, clock: str) -> None:
    """K 线的收盘是真的收盘，次日的昨收是参考价。"""
    entry = {CODE: [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 3.5, "bonus": 3}]}
    desk = open_desk(entry, clock=clock)
    board = Board(desk.folder)
    desk.go("2026-11-18", "10:00")
    now = at("2026-11-18", "10:00")
    bars = board.bars(CODE, "1d", ("20261116", "20261118", -1), now, 1e18)
    closes = [bar.close_li for bar in bars]
    befores = [bar.pre_close_li for bar in bars]
    assert befores[1] == closes[0]
    assert Decimal(befores[2]) / 1000 == formula(
        str(Decimal(closes[1]) / 1000), "3.5", "0.3", "0.01"
    )
    tick = board.snapshot([CODE], now)[CODE]
    assert tick["lastClose"] == befores[2] / 1000 == desk.quote().pre_close_li / 1000
    detail = board.detail(CODE, now)
    assert detail is not None
    assert detail["PreClose"] == befores[2] / 1000
    assert detail["UpStopPrice"] == desk.quote().limit_up_li / 1000
    minutes = board.bars(CODE, "1m", ("20261118", "20261118", -1), now, 1e18)
    assert minutes[0].pre_close_li == befores[2]


HEADER = "time,open,high,low,close,volume,amount"


def _replay(path: Path, before: bool) -> Path:
    data = path / "data"
    data.mkdir()
    lines = [HEADER + (",preClose" if before else "")]
    for day, price, pre in (("2026-11-17", "40.00", "39.00"), ("2026-11-18", "19.50", "20.02")):
        for minute in ("0931", "0932"):
            row = f"{day.replace('-', '')}{minute}00,{price},{price},{price},{price},1000,4000000"
            lines.append(row + (f",{pre}" if before else ""))
    (data / f"{CODE}_1m.csv").write_text("\n".join(lines), encoding="utf-8")
    return data


@pytest.mark.parametrize(("column", "expected"), [(True, 20_020), (False, 19_800)])
def test_replayed_data_says_its_own_previous_close(
    tmp_path: Path, open_desk: Open, column: bool, expected: int
) -> None:
    """数据里有昨收的以数据为准；没有的照公式（40 − 0.4）÷ 2。"""
    data = _replay(tmp_path, column)
    entry = {CODE: [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 0.4, "transfer": 10}]}
    desk = open_desk(
        entry, {CODE: 100}, start="2026-11-17", stepped="2026-11-17 09:30", replay=str(data)
    )
    desk.go("2026-11-18", "09:31")
    assert desk.quote().pre_close_li == expected
    assert desk.account.positions[CODE].volume == 200


def test_replayed_ex_day_inside_a_suspension(tmp_path: Path, open_desk: Open) -> None:
    """除权除息日停牌、数据里没有行：以后几天的前收盘都是除过权的，复牌那天也是。"""
    data = tmp_path / "data"
    data.mkdir()
    lines = [HEADER]
    for day, price in (("20261117", "40.00"), ("20261123", "19.50")):
        lines += [f"{day}{at}00,{price},{price},{price},{price},1000,0" for at in ("0931", "0932")]
    (data / f"{CODE}_1m.csv").write_text("\n".join(lines), encoding="utf-8")
    entry = {CODE: [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 0.4, "transfer": 10}]}
    desk = open_desk(
        entry, {CODE: 100}, start="2026-11-17", stepped="2026-11-17 09:30", replay=str(data)
    )
    for day in ("18", "19", "20", "23"):
        desk.go(f"2026-11-{day}", "09:31")
        quote = desk.quote()
        assert (quote.pre_close_li, quote.limit_up_li) == (19_800, 21_780), day


def test_the_market_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    entry = {CODE: [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 1}]}
    one, two = Desk(tmp_path / "一", entry), Desk(tmp_path / "二", entry)
    try:
        one.go("2026-11-20")
        for day in DAYS:
            two.go(day)
        assert one.quote() == two.quote()
    finally:
        one.engine.close()
        two.engine.close()


def test_a_folder_without_the_file_has_the_market_it_had(tmp_path: Path) -> None:
    from easytrader.sim.config.market import market_for
    from easytrader.sim.exchange.hours import ExchangeHours
    from easytrader.sim.market.synthetic import SyntheticMarket

    folder = create(tmp_path / "没有", [AccountConfig(ACCOUNT)], clock="exchange")
    hours = ExchangeHours()
    built = market_for(folder.config, folder.path, hours)
    bare = SyntheticMarket(folder.config.seed, hours)
    for code in (CODE, FUND, "113050.SH"):
        security = parse_security(code)
        for day in DAYS:
            tick = bare.tick_at(at(day))
            assert built.quote(security, tick) == bare.quote(security, tick)
            number = date.fromisoformat(day).toordinal()
            assert bare.closing(security, number) > 0
