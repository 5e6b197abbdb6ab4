"""一天里的行情状态、收盘价、除权参考价、证券的资料：期望照事实表（§3–§5、§2）打的字。"""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import pytest
from case_runner import QUIET

import easytrader
from easytrader.sim import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY, NEXT = "2026-11-20", "2026-11-23"
# 盘后固定价格：沪深 A 股与 ETF 有；北交所（未启用）、可转债、LOF 没有
AFTER = ("600036.SH", "688981.SH", "000001.SZ", "300750.SZ", "510300.SH", "159919.SZ")
NO_AFTER = ("920002.BJ", "113050.SH", "123107.SZ", "161725.SZ")
LONG = ("019547.SH", "204001.SH", "131810.SZ")
EVERY = (*AFTER, *NO_AFTER, *LONG)
CALLED = (*AFTER, "920002.BJ", "123107.SZ", "161725.SZ")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    from xtquant import xtdata

    xtdata.enable_hello = False
    opened = []

    def make(start: str = f"{DAY} 09:00", **files: Any) -> Any:
        create(tmp_path, [AccountConfig("10001")], clock="step", start=start, **QUIET)
        for name, body in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(body), encoding="utf-8")
        user = easytrader.use("sim")
        opened.append(user)
        user.connect(str(tmp_path), "10001", timeout=10)
        xtdata.disconnect()
        user.quotes = xtdata
        return user

    yield make
    xtdata.disconnect()
    for user in opened:
        user.close()


def _states(user: Any, clock: str) -> dict[str, int]:
    user.sim.goto(f"{DAY} {clock}")
    ticks = user.quotes.get_full_tick(list(EVERY))
    return {code: ticks[code]["openInt"] for code in EVERY}


@pytest.mark.parametrize(
    ("clock", "codes", "state"),
    [
        ("09:10:00", EVERY, 11),
        ("09:16:00", EVERY, 12),
        ("09:24:57", EVERY, 12),
        ("09:30:03", EVERY, 13),
        ("11:29:57", EVERY, 13),
        ("12:00:00", EVERY, 14),
        ("13:00:03", EVERY, 13),
        ("14:56:57", EVERY, 13),
        ("14:58:00", CALLED, 18),
        ("14:58:00", ("113050.SH", *LONG), 13),
        ("15:03:00", (*AFTER, *NO_AFTER), 15),
        ("15:03:00", LONG, 13),
        ("15:10:00", AFTER, 22),
        ("15:10:00", NO_AFTER, 15),
        ("15:10:00", LONG, 13),
        ("15:31:00", AFTER, 23),
        ("15:31:00", (*NO_AFTER, *LONG), 15),
    ],
)
def test_the_state_of_the_market(
    desk: Callable[..., Any], clock: str, codes: tuple[str, ...], state: int
) -> None:
    """11 开盘前 12 集合竞价 13 连续 14 休市 15 闭市 18 收盘竞价 22 盘后固定价格 23 盘后完毕。"""
    seen = _states(desk(), clock)
    assert {code: seen[code] for code in codes} == dict.fromkeys(codes, state)


def test_after_hours_trades_do_not_move_the_close(desk: Callable[..., Any]) -> None:
    user = desk()
    user.sim.goto(f"{DAY} 15:01")
    before = user.quotes.get_full_tick(list(AFTER))
    user.sim.goto(f"{DAY} 15:31")
    after = user.quotes.get_full_tick(list(AFTER))
    for code in AFTER:
        for name in ("lastPrice", "open", "high", "low", "volume"):
            assert after[code][name] == before[code][name], (code, name)


def test_the_close_is_tomorrows_previous_close(desk: Callable[..., Any]) -> None:
    user = desk()
    user.sim.goto(f"{DAY} 15:31")
    closes = {c: t["lastPrice"] for c, t in user.quotes.get_full_tick(list(EVERY)).items()}
    days = user.quotes.get_market_data_ex(
        ["close"], list(EVERY), "1d", start_time="20261120", end_time="20261120"
    )
    assert {code: days[code]["close"].iloc[-1] for code in EVERY} == closes
    user.sim.goto(f"{NEXT} 09:31")
    ticks = user.quotes.get_full_tick(list(EVERY))
    assert {code: ticks[code]["lastClose"] for code in EVERY} == closes


def _cent(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("code", "cash", "bonus", "transfer"),
    [
        ("600036.SH", "1.013", 0, 0),
        ("000001.SZ", "0.228", 1, 2),
        ("688981.SH", "0", 0, 4),
        ("300750.SZ", "5.028", 8, 0),
        ("920002.BJ", "0.35", 0, 3),
    ],
)
def test_the_reference_price_of_an_ex_day(
    desk: Callable[..., Any], code: str, cash: str, bonus: int, transfer: int
) -> None:
    """参考价 =（收盘 − 每股红利）÷（1 + 每股送转），四舍五入；涨跌停照它算。"""
    event = {
        "record": DAY,
        "ex": NEXT,
        "cash": float(cash),
        "bonus": bonus,
        "transfer": transfer,
    }
    user = desk(corporate_actions={code: [event]})
    user.sim.goto(f"{DAY} 15:31")
    close = Decimal(str(user.quotes.get_full_tick([code])[code]["lastPrice"]))
    wanted = _cent((close - Decimal(cash)) / (1 + Decimal(bonus + transfer) / 10))
    user.sim.goto(f"{NEXT} 09:16")
    quote = user.quote(code)[code]
    assert Decimal(str(quote["pre_close"])) == wanted
    band = {"6": 10, "0": 10, "3": 20, "9": 30}[code[0]] if code[:3] != "688" else 20
    top = wanted * (100 + band) / 100
    if code.endswith("BJ"):
        assert Decimal(str(quote["limit_up"])) == (top * 100 // 1) / 100
    else:
        assert Decimal(str(quote["limit_up"])) == _cent(top)


@pytest.mark.parametrize(
    ("code", "tick", "limit", "market", "least"),
    [
        ("600036.SH", 0.01, 1_000_000, 1_000_000, 100),
        ("000001.SZ", 0.01, 1_000_000, 1_000_000, 100),
        ("300750.SZ", 0.01, 300_000, 150_000, 100),
        ("688981.SH", 0.01, 100_000, 50_000, 200),
        ("920002.BJ", 0.01, 1_000_000, 1_000_000, 100),
        ("510300.SH", 0.001, 1_000_000, 1_000_000, 100),
        ("159919.SZ", 0.001, 1_000_000, 1_000_000, 100),
        ("113050.SH", 0.001, 1_000_000, 0, 10),
        ("123107.SZ", 0.001, 1_000_000, 0, 10),
        ("204001.SH", 0.005, 100_000_000, 0, 10),
        ("131810.SZ", 0.001, 100_000_000, 0, 10),
        ("019547.SH", 0.001, 100_000_000, 0, 1000),
    ],
)
def test_what_the_instrument_says_of_itself(
    desk: Callable[..., Any], code: str, tick: float, limit: int, market: int, least: int
) -> None:
    """价位、单笔的最多最少；没有市价的品种不看市价的上限。"""
    detail = desk().quotes.get_instrument_detail(code, True)
    assert detail["PriceTick"] == tick
    assert (detail["MaxLimitOrderVolume"], detail["MinLimitOrderVolume"]) == (limit, least)
    if market:
        assert detail["MaxMarketOrderVolume"] == market
