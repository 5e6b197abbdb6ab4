"""一个文件夹里的两个账户经同一本账成交：价格优先、时间优先，成交在先挂着的价上（事实表 §9.2）。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from case_runner import QUIET
from support import eventually

import easytrader
from easytrader.sim import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODES = ("600036.SH", "000001.SZ", "920002.BJ", "688981.SH")


class Floor:
    """盘口 9.95 / 10.05，中间空着；三个账户。"""

    def __init__(self, folder: Path) -> None:
        book = (
            '"[10.05, 10.06, 10.07, 10.08, 10.09]","[9.95, 9.94, 9.93, 9.92, 9.91]",'
            '"[90000, 90000, 90000, 90000, 90000]","[90000, 90000, 90000, 90000, 90000]"'
        )
        lines = ["code,time,lastPrice,lastClose,volume,amount,askPrice,bidPrice,askVol,bidVol"]
        for stamp in ("20261120090000", "20261120091500", "20261120093000"):
            lines += [f"{code},{stamp},10.00,10.00,1000000,10000000,{book}" for code in CODES]
        (folder / "data.csv").write_text("\n".join(lines), encoding="utf-8")
        held = dict.fromkeys(CODES, (10_000, 10.0))
        accounts = [AccountConfig(f"44000{i}", cash=10**7, positions=held) for i in range(3)]
        create(
            folder / "qmt",
            accounts,
            clock="step",
            start="2026-11-20 10:00",
            replay=str(folder / "data.csv"),
            replay_period="tick",
            replay_volume="share",
            **QUIET,
        )
        self.user = easytrader.use("sim")
        self.user.connect(str(folder / "qmt"), "440000", timeout=10)
        from xtquant.xttype import StockAccount

        self.trader = self.user.trader
        self.accounts = [StockAccount(each.account_id) for each in accounts]
        for account in self.accounts:
            self.trader.subscribe(account)
        self.owner: dict[int, Any] = {}

    def order(self, who: int, code: str, side: str, volume: int, price: float) -> int:
        account = self.accounts[who]
        kind = 23 if side == "buy" else 24
        number = int(self.trader.order_stock(account, code, kind, volume, 11, price, "", ""))
        self.owner[number] = account
        return number

    def filled(self, number: int) -> tuple[int, float]:
        order = self.trader.query_stock_order(self.owner[number], number)
        return order.traded_volume, round(order.traded_price, 4)

    def expect(self, number: int, volume: int, price: float) -> None:
        try:
            eventually(lambda: self.filled(number) == (volume, price), 0.5)
        except AssertionError:
            raise AssertionError(f"成交 {self.filled(number)}，应当 {(volume, price)}") from None


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    made = Floor(tmp_path)
    yield made
    made.user.close()


@pytest.mark.parametrize("code", CODES)
def test_two_accounts_meet_inside_the_spread(floor: Floor, code: str) -> None:
    sell = floor.order(0, code, "sell", 500, 10.00)
    buy = floor.order(1, code, "buy", 300, 10.00)
    floor.expect(buy, 300, 10.00)
    floor.expect(sell, 300, 10.00)


@pytest.mark.parametrize("code", CODES)
def test_the_price_is_that_of_the_one_who_waited(floor: Floor, code: str) -> None:
    sell = floor.order(0, code, "sell", 500, 10.00)
    buy = floor.order(1, code, "buy", 500, 10.03)
    floor.expect(buy, 500, 10.00)
    floor.expect(sell, 500, 10.00)
    bid = floor.order(1, code, "buy", 500, 10.01)
    ask = floor.order(0, code, "sell", 500, 9.98)
    floor.expect(ask, 500, 10.01)
    floor.expect(bid, 500, 10.01)


def test_better_price_first_then_earlier(floor: Floor) -> None:
    code = "600036.SH"
    first = floor.order(0, code, "sell", 300, 10.00)
    later = floor.order(1, code, "sell", 300, 10.00)
    better = floor.order(1, code, "sell", 200, 9.99)
    buy = floor.order(2, code, "buy", 600, 10.02)
    floor.expect(buy, 600, round((200 * 9.99 + 400 * 10.00) / 600, 4))
    floor.expect(better, 200, 9.99)
    floor.expect(first, 300, 10.00)
    floor.expect(later, 100, 10.00)


def test_the_market_fills_the_rest(floor: Floor) -> None:
    """对方账户的在前，剩下的吃市场的盘口。"""
    code = "600036.SH"
    sell = floor.order(0, code, "sell", 300, 10.02)
    buy = floor.order(1, code, "buy", 500, 10.05)
    floor.expect(sell, 300, 10.02)
    floor.expect(buy, 500, round((300 * 10.02 + 200 * 10.05) / 500, 4))


def test_no_shares_or_money_appear(floor: Floor) -> None:
    code = "600036.SH"
    floor.order(0, code, "sell", 500, 10.00)
    buy = floor.order(1, code, "buy", 500, 10.00)
    floor.expect(buy, 500, 10.00)
    cash, shares = 0.0, 0
    for account in floor.accounts:
        asset = floor.trader.query_stock_asset(account)
        cash += asset.cash + asset.frozen_cash
        rows = floor.trader.query_stock_positions(account)
        shares += next(row.volume for row in rows if row.stock_code == code)
    assert shares == 30_000
    # 买：佣金 5、过户费 0.05；卖再加印花税 2.50
    assert round(cash, 2) == 3 * 10**7 - 5.05 - 7.55
