"""钱的律：现金只由推送与手打的费率算出来，与查到的一分不差（产品的费率、平衡项都不用）。"""

from __future__ import annotations

import json
import random
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from case_runner import QUIET
from pushed_money import REPO, Ledger
from support import eventually

import easytrader
from easytrader.sim import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELD = {"600036.SH": 3232, "000001.SZ": 5000, "510300.SH": 20_000, "113050.SH": 500}
CODES = (
    *HELD,
    "688981.SH",
    "300750.SZ",
    "920002.BJ",
    "159919.SZ",
    "518880.SH",
    "123107.SZ",
    "511880.SH",
    "019547.SH",
    *REPO,
)
# 休市安排是手打的：9 月 25 日中秋，10 月 1–7 日国庆
DAYS = (
    "2026-09-21",
    "2026-09-22",
    "2026-09-23",
    "2026-09-24",
    "2026-09-28",
    "2026-09-29",
    "2026-09-30",
    "2026-10-08",
    "2026-10-09",
    "2026-10-12",
    "2026-10-13",
)
# 哪天借出、几天期 → 哪天早上回来、占几天（事实表 §7，自己数的）
BACK = {
    ("2026-09-21", 1): ("2026-09-22", 1),
    ("2026-09-21", 2): ("2026-09-23", 2),
    ("2026-09-21", 3): ("2026-09-24", 6),
    ("2026-09-21", 7): ("2026-09-28", 7),
    ("2026-09-22", 1): ("2026-09-23", 1),
    ("2026-09-22", 2): ("2026-09-24", 5),
    ("2026-09-22", 3): ("2026-09-28", 6),
    ("2026-09-22", 7): ("2026-09-29", 7),
    ("2026-09-23", 1): ("2026-09-24", 4),
    ("2026-09-23", 2): ("2026-09-28", 5),
    ("2026-09-23", 3): ("2026-09-28", 5),
    ("2026-09-23", 7): ("2026-09-30", 14),
    ("2026-09-24", 1): ("2026-09-28", 1),
    ("2026-09-24", 2): ("2026-09-28", 1),
    ("2026-09-24", 3): ("2026-09-28", 1),
    ("2026-09-24", 7): ("2026-10-08", 11),
    ("2026-09-28", 1): ("2026-09-29", 1),
    ("2026-09-28", 2): ("2026-09-30", 9),
    ("2026-09-28", 3): ("2026-10-08", 10),
    ("2026-09-28", 7): ("2026-10-08", 10),
    ("2026-09-29", 1): ("2026-09-30", 8),
    ("2026-09-29", 2): ("2026-10-08", 9),
    ("2026-09-29", 3): ("2026-10-08", 9),
    ("2026-09-29", 7): ("2026-10-08", 9),
    ("2026-09-30", 1): ("2026-10-08", 1),
    ("2026-09-30", 2): ("2026-10-08", 1),
    ("2026-09-30", 3): ("2026-10-08", 1),
    ("2026-09-30", 7): ("2026-10-08", 1),
}
# 登记日收市持有的每股派这么多，除息日早上到账；一个月内卖出的下一个交易日早上补扣 20%，先进先出
DIVIDENDS = {"600036.SH": ("2026-09-22", "2026-09-23", "1.013")}
# 国债的票面利率 3.65%，一天每张 0.01 元；起息日之后第几天就是几分
BOND, STARTS = "019547.SH", date(2026, 1, 1)
TAX = Decimal("0.2")
CASH = Decimal(2_000_000)


class Diary:
    """推送都记进账里。"""

    def __init__(self) -> None:
        self.ledger = Ledger(CASH, HELD)
        self.errors = 0

    def on_stock_order(self, order: Any) -> None:
        self.ledger.order(order)

    def on_stock_trade(self, trade: Any) -> None:
        self.ledger.trade(trade)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Any, Diary]]:
    folder = tmp_path / "qmt"
    held = {code: (volume, 10.0) for code, volume in HELD.items()}
    account = AccountConfig("660001", cash=CASH, positions=held)
    create(folder, [account], clock="step", start=f"{DAYS[0]} 09:00", **QUIET)
    (folder / "corporate_actions.json").write_text(
        json.dumps(
            {
                code: [{"record": record, "ex": ex, "cash": float(cash)}]
                for code, (record, ex, cash) in DIVIDENDS.items()
            }
        ),
        encoding="utf-8",
    )
    coupon = {BOND: {"coupon": {"rate": 3.65, "starts": STARTS.isoformat()}}}
    (folder / "instruments.json").write_text(json.dumps(coupon), encoding="utf-8")
    diary = Diary()
    user = easytrader.use("sim")
    user.connect(str(folder), "660001", diary, timeout=10)
    yield user, diary
    user.close()


def _order(user: Any, chance: random.Random, ledger: Ledger) -> None:
    """一笔随机的委托：买一到五档内外的限价，或市价；被拒的也行。"""
    code = chance.choice(CODES)
    quote = user.quote(code)[code]
    ask = quote["asks"][0][0] if quote["asks"] else quote["last"]
    bid = quote["bids"][0][0] if quote["bids"] else quote["last"]
    if code in REPO:
        volume, side, price = 10 * chance.randint(1, 900), 24, chance.choice((bid, ask))
        user.trader.order_stock(user.account, code, side, volume, 11, price, "", "")
        return
    buy = chance.random() < 0.55
    lots = chance.randint(1, 9) if chance.random() < 0.7 else chance.randint(10, 60)
    least = {"68": 200, "11": 10, "12": 10, "01": 1000}.get(code[:2], 100)
    tick = 0.01 if code[0] in "6039" and code != BOND else 0.001
    price = round((ask if buy else bid) + tick * chance.randint(-3, 3), 3)
    price_type, market = 11, code[:2] not in ("11", "12", "01")
    if market and chance.random() < 0.2:
        price_type = 44
    number = user.trader.order_stock(
        user.account, code, 23 if buy else 24, least * lots, price_type, price, "", ""
    )
    if price_type != 11:
        ledger.market.add(number)


def _after_hours(user: Any, chance: random.Random) -> None:
    """收盘后按收盘价买卖几笔，撤掉几笔还挂着的。"""
    day = user.sim.now().date()
    user.sim.goto(f"{day} 15:02")
    for code in ("600036.SH", "300750.SZ", "510300.SH"):
        close = user.quote(code)[code]["last"]
        side = chance.choice((1043, 1044))
        user.trader.order_stock(
            user.account, code, side, 100 * chance.randint(1, 20), 11, close, "", ""
        )
    for order in user.trader.query_stock_orders(user.account, cancelable_only=True):
        if chance.random() < 0.3:
            user.trader.cancel_order_stock(user.account, order.order_id)


def _differs(user: Any, ledger: Ledger) -> str:
    """查到的与推送算的哪里不同；一样是空的。"""
    asset = user.trader.query_stock_asset(user.account)
    total, frozen = (
        Decimal(str(round(each, 2))) for each in (asset.cash + asset.frozen_cash, asset.frozen_cash)
    )
    if total != ledger.cash:
        return f"现金查到 {total}，推送算的 {ledger.cash}"
    least, most = ledger.frozen()
    if not least <= frozen or (most is not None and frozen > most):
        return f"冻结 {frozen}，推送算的 {least} 到 {most}"
    rows = user.trader.query_stock_positions(user.account)
    queried = {row.stock_code: row.volume for row in rows if row.volume}
    told = {code: volume for code, volume in ledger.held.items() if volume}
    return "" if queried == told else f"持仓 {queried}，推送算的 {told}"


def _money_agrees(user: Any, ledger: Ledger) -> None:
    """一分不差；推送在别的线程上，可能还在路上，等一等。"""
    try:
        eventually(lambda: not _differs(user, ledger), 2)
    except AssertionError:
        raise AssertionError(f"{user.sim.now()}：{_differs(user, ledger)}") from None


class Dividends:
    """分红与卖出时的补税：都没有推送，由持股与卖出的推送推算。"""

    def __init__(self) -> None:
        self.taxable: dict[str, int] = {}
        self.sold: dict[str, int] = {}

    def evening(self, ledger: Ledger, day: str) -> None:
        for code, (record, _, _) in DIVIDENDS.items():
            if day == record:
                self.taxable[code] = ledger.held[code]
            elif code in self.taxable:
                self.sold[code] = min(ledger.sold_today[code], self.taxable[code])
        ledger.sold_today.clear()

    def morning(self, ledger: Ledger, day: str) -> None:
        for code, (_, ex, cash) in DIVIDENDS.items():
            if ex == day:
                ledger.receive(self.taxable[code] * Decimal(cash))
            sold = self.sold.pop(code, 0)
            self.taxable[code] = self.taxable.get(code, 0) - sold
            ledger.receive(-sold * Decimal(cash) * TAX)


def _morning(ledger: Ledger, day: str, lent: list[tuple[str, int, Decimal, Decimal]]) -> None:
    """早上没有推送的进账：到期的逆回购。"""
    for since, term, amount, rate in lent:
        back, days = BACK[since, term]
        if back == day:
            ledger.receive(amount + amount * rate / 100 * days / 365)


@pytest.mark.parametrize("seed", range(3))
def test_cash_is_what_the_pushes_say(desk: tuple[Any, Diary], seed: int) -> None:
    user, diary = desk
    ledger, chance = diary.ledger, random.Random(seed)
    lent: list[tuple[str, int, Decimal, Decimal]] = []
    dividends = Dividends()
    for day in DAYS:
        user.sim.goto(f"{day} 09:10")
        _morning(ledger, day, lent)
        dividends.morning(ledger, day)
        ledger.accrued = (date.fromisoformat(day) - STARTS).days * Decimal("0.01")
        _money_agrees(user, ledger)
        for clock in ("09:16", "09:31", "10:30", "13:01", "14:30", "14:58"):
            user.sim.goto(f"{day} {clock}")
            for _ in range(8 if (day, 7) in BACK else 0):
                _order(user, chance, ledger)
            _money_agrees(user, ledger)
        _after_hours(user, chance)
        _money_agrees(user, ledger)
        user.sim.goto(f"{day} 15:31")
        _money_agrees(user, ledger)
        dividends.evening(ledger, day)
        lent += [(day, REPO[code][1], amount, rate) for code, amount, rate in ledger.lent]
        ledger.lent.clear()
    assert len(ledger.seen) > 60, "成交太少，说明不了什么"
    assert len(lent) > 8
