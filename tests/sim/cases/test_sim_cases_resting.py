"""合成行情里挂着的委托：成交在自己的价上；那一分钟的市场要走到这个价；卖不多于那一分钟的量。"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from case_runner import QUIET

import easytrader
from easytrader.sim import AccountConfig, create

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2026-11-20"
CODES = ("600036.SH", "688981.SH", "000001.SZ", "300750.SZ", "920002.BJ", "510300.SH", "113050.SH")
TICK = {"510300.SH": 0.001, "113050.SH": 0.001}
LOT = {"113050.SH": 10}
MINUTES = [f"10:{minute:02d}" for minute in range(1, 60)]


class Fills:
    def __init__(self) -> None:
        self.trades: list[Any] = []

    def on_stock_trade(self, trade: Any) -> None:
        self.trades.append(trade)


@pytest.mark.parametrize("seed", range(2))
def test_resting_orders_trade_at_their_own_price_when_the_market_gets_there(
    tmp_path: Path, seed: int
) -> None:
    from xtquant import xtdata

    xtdata.enable_hello = False
    chance, fills = random.Random(seed), Fills()
    held = dict.fromkeys(CODES, (100_000, 10.0))
    account = AccountConfig("550001", cash=10**10, positions=held)
    create(tmp_path, [account], clock="step", start=f"{DAY} 10:00", seed=seed, **QUIET)
    user = easytrader.use("sim")
    user.connect(str(tmp_path), "550001", fills, timeout=10)
    xtdata.disconnect()
    try:
        limits = _rest(user, xtdata, chance)
        resting = len(fills.trades)
        seen: list[tuple[str, Any]] = []
        for clock in MINUTES:
            user.sim.goto(f"{DAY} {clock}")
            seen += [(clock, trade) for trade in fills.trades[resting + len(seen) :]]
        bars = _bars(xtdata)
    finally:
        xtdata.disconnect()
        user.close()
    assert resting == 0, "挂在盘口之外的当场成交了"
    assert len(seen) > 15
    volumes: dict[tuple[str, str, int], int] = {}
    for clock, trade in seen:
        price = limits[trade.order_id]
        assert trade.traded_price == pytest.approx(price, abs=1e-6)
        high, low, hands = bars[trade.stock_code][clock]
        if trade.order_type == 23:
            assert low <= price + 1e-6, (clock, price, low)
        else:
            assert high >= price - 1e-6, (clock, price, high)
        key = (clock, trade.stock_code, trade.order_type)
        volumes[key] = volumes.get(key, 0) + trade.traded_volume
        assert volumes[key] <= hands * LOT.get(trade.stock_code, 100)


def _rest(user: Any, xtdata: Any, chance: random.Random) -> dict[int, float]:
    """每只证券两边各挂几笔在盘口之外。"""
    limits = {}
    ticks = xtdata.get_full_tick(list(CODES))
    for code in CODES:
        tick, size = ticks[code], TICK.get(code, 0.01)
        for side, best, sign in ((23, tick["bidPrice"][0], -1), (24, tick["askPrice"][0], 1)):
            for _ in range(6):
                price = round(best + sign * size * chance.randint(0, 12), 3)
                volume = 200 * chance.randint(1, 4)
                number = user.trader.order_stock(
                    user.account, code, side, volume, 11, price, "", ""
                )
                limits[number] = price
    return limits


def _bars(xtdata: Any) -> dict[str, dict[str, tuple[float, float, int]]]:
    """``{证券: {"10:05": (高, 低, 量)}}``，10:05 是 10:04–10:05 那一根，从上一根的收盘走起。"""
    frames = xtdata.get_market_data_ex(
        ["high", "low", "close", "volume"],
        list(CODES),
        "1m",
        start_time="20261120100000",
        end_time="20261120110000",
    )
    bars: dict[str, dict[str, tuple[float, float, int]]] = {}
    for code, frame in frames.items():
        before = frame["close"].iloc[0]
        for stamp, row in zip(frame.index, frame.itertuples(), strict=True):
            clock = f"{stamp[8:10]}:{stamp[10:12]}"
            reached = max(row.high, before), min(row.low, before), row.volume
            bars.setdefault(code, {})[clock] = reached
            before = row.close
    return bars
