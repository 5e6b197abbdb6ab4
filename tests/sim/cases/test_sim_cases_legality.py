"""收下的都合规则，合规则的都收下；成交的都在看得见的盘口之内。裁判是 `legality`，不是产品的表。"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import legality
import pytest
from case_runner import QUIET
from hypothesis import settings
from legality import DAYS, Kind, Order, Sight, faults, rules

import easytrader
from easytrader.sim import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MOMENTS = (
    "09:14:57",
    "09:15:03",
    "09:19:57",
    "09:21:00",
    "09:24:57",
    "09:25:03",
    "09:29:57",
    "09:30:03",
    "09:31:00",
    "10:17:30",
    "11:29:57",
    "11:30:03",
    "12:59:57",
    "13:00:03",
    "13:45:00",
    "14:20:00",
    "14:56:57",
    "14:57:03",
    "14:59:57",
    "15:00:03",
    "15:12:00",
    "15:29:57",
    "15:30:03",
)
VOLUMES = (1, 5, 10, 15, 20, 32, 50, 99, 100, 101, 132, 150, 199, 200, 201, 232, 250, 1000, 1010)
BIG = (49_900, 50_000, 50_001, 100_000, 100_001, 150_000, 150_100, 300_000, 300_100, M_ := 10**6)
HELD = 1232
ORDERS = max(
    12, settings().max_examples // 8
)  # 每个时刻报几笔：默认十二；手工：HYPOTHESIS_PROFILE=long
REFUSED, LIVE = 57, (48, 49, 50, 51, 52, 55)


class Desk:
    """一个嵌入的模拟柜台：报、看，都经厂商的接口。"""

    def __init__(self, folder: Path, day: str) -> None:
        self.day, self.kinds = day, rules(day)
        held = {code: (HELD, 10.0) for code in self.kinds if code not in legality.REPO}
        accounts = [AccountConfig(f"88{i:04d}", cash=10**12, positions=held) for i in range(40)]
        create(folder, accounts, clock="step", start=f"{day} 09:00", **QUIET)
        self.user = easytrader.use("sim")
        self.user.connect(str(folder), "880000", self, timeout=10)
        from xtquant import xtdata
        from xtquant.xttype import StockAccount

        xtdata.enable_hello = False
        xtdata.disconnect()  # 连着上一个文件夹的不会自己换
        self.quotes = xtdata
        self.trader = self.user.trader
        self.accounts = [StockAccount(each.account_id) for each in accounts]
        self.errors: dict[int, str] = {}
        self.left: list[Order] = []  # 撤不掉、还挂着的，会与别的账户成交
        for account in self.accounts:
            self.trader.subscribe(account)

    def on_order_error(self, error: Any) -> None:
        self.errors[error.order_id] = error.error_msg

    def goto(self, clock: str) -> dict[str, Any]:
        self.user.sim.goto(f"{self.day} {clock}")
        return dict(self.quotes.get_full_tick(list(self.kinds)))

    def sellable(self, account: Any, code: str) -> int:
        """照委托算的可卖：开盘前的，减去卖出与挂着要卖的，能当日回转的加上买到的；要与查到的相同。"""
        left = HELD
        for order in self.trader.query_stock_orders(account):
            if order.stock_code != code:
                continue
            if order.order_type == 24:
                waiting = order.order_volume if order.order_status in LIVE else order.traded_volume
                left -= waiting
            elif self.kinds[code].same_day:
                left += order.traded_volume
        rows = self.trader.query_stock_positions(account)
        told = next((row.can_use_volume for row in rows if row.stock_code == code), 0)
        assert told == left, f"{code} 可卖查到 {told}，照委托算是 {left}"
        return left

    def meets_its_own(self, order: Order, price: float) -> bool:
        """对手是自己别的账户留下的：不在行情的盘口里。"""
        edge = 0.6 if order.buy else -0.6
        return any(
            each.code == order.code
            and each.buy != order.buy
            and ((each.price <= price + edge) if order.buy else (each.price >= price + edge))
            for each in self.left
        )

    def withdraw(self, account: Any, order: Order, number: int) -> None:
        self.trader.cancel_order_stock(account, number)
        if self.trader.query_stock_order(account, number).order_status in LIVE:
            self.left.append(order)

    def order(self, account: Any, order: Order) -> Any:
        number = self.trader.order_stock(
            account,
            order.code,
            23 if order.buy else 24,
            order.volume,
            order.price_type,
            order.price / 1000,
            "law",
            "",
        )
        assert number > 0
        return self.trader.query_stock_order(account, number)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Callable[[str], Desk]]:
    made: list[Desk] = []

    def make(day: str) -> Desk:
        made.append(Desk(tmp_path / "qmt", day))
        return made[-1]

    yield make
    for each in made:
        each.quotes.disconnect()
        each.user.close()


def li(price: float) -> int:
    return round(price * 1000)


def sight(clock: str, tick: dict[str, Any]) -> Sight:
    return Sight(
        clock,
        li(tick["lastClose"]),
        li(tick["lastPrice"]) if tick["volume"] else 0,
        li(tick["bidPrice"][0]),
        li(tick["askPrice"][0]),
    )


def draw(chance: random.Random, kind: Kind, code: str, seen: Sight) -> Order:
    """一笔随机的委托，多数贴着某条界。"""
    buy = chance.random() < 0.5 and code not in legality.REPO
    volume = chance.choice(VOLUMES) if chance.random() < 0.8 else chance.choice(BIG)
    if chance.random() < 0.5:
        volume = kind.least * chance.randint(1, 5)
    price_type = chance.choice((42, 43, 44, 45, 46, 47, 48)) if chance.random() < 0.2 else 11
    base = Order(code, buy, volume, 0, price_type)
    anchors = [seen.pre, seen.last or seen.pre, seen.bid or seen.pre, seen.ask or seen.pre]
    if kind.band:
        anchors += legality.limits(kind, seen.pre)
    if kind.cage:
        anchors += [legality.cage(kind, base, seen)] * 2
    price: float = chance.choice(anchors) + kind.tick * chance.choice((-1, 0, 0, 0, 1))
    if chance.random() < 0.08:
        price += kind.tick / 2
    return base._replace(price=price)


def out_of_sight(kind: Kind, order: Order, tick: dict[str, Any], price: float, volume: int) -> str:
    """当场成交的价在看得见的五档里，数量不超过看得见的；比五档深的只看价。"""
    prices = [li(each) for each in tick["askPrice" if order.buy else "bidPrice"] if each]
    if not prices:
        return "没有对手却成交了"
    got = price * 1000
    best, worst = prices[0], prices[-1]
    if (got < best - 0.6) if order.buy else (got > best + 0.6):
        return f"比对手第一档 {best} 还好"
    bound = order.price_type == 11 or kind.protects
    if (
        bound
        and order.price
        and ((got > order.price + 0.6) if order.buy else (got < order.price - 0.6))
    ):
        return "比自己的限价还差"
    if order.price_type in (42, 43, 47) and (
        (got > worst + 0.6) if order.buy else (got < worst - 0.6)
    ):
        return f"比第五档 {worst} 还差"
    sizes = sum(tick["askVol" if order.buy else "bidVol"])
    lot = 10 if order.code[:2] in ("11", "12", "13", "20") else 100
    if order.price_type in (42, 43, 47) and volume > sizes * lot:
        return f"成交 {volume}，看得见的只有 {sizes * lot}"
    return ""


@pytest.mark.parametrize("seed", range(len(DAYS)))
def test_accepted_means_legal_and_filled_means_inside_the_quote(
    desk: Callable[[str], Desk], seed: int
) -> None:
    _a_day(desk(DAYS[seed % len(DAYS)]), random.Random(seed))


def _unsaid(desk: Desk, kind: Kind, order: Order, seen: Sight) -> bool:
    """规则没有说怎样的：深市 9:30 以前查不查笼子；创业板 2023-04-10 以前出了笼子的是暂存。"""
    if order.price_type != 11:
        return False
    if legality.phase(kind, seen.clock) == "early":
        return True
    waits = order.code.startswith("300") and desk.day < "2023-04-10"
    return waits and faults(kind, order, seen, HELD) == ["cage"]


def _a_day(desk: Desk, chance: random.Random) -> None:
    accepted = refused = filled = 0
    for clock in MOMENTS:
        ticks = desk.goto(clock)
        for _ in range(ORDERS):
            code = chance.choice(list(desk.kinds))
            kind = desk.kinds[code]
            account = chance.choice(desk.accounts)
            tick = ticks[code]
            seen = sight(clock, tick)
            order = draw(chance, kind, code, seen)
            free = 0 if order.buy or code in legality.REPO else desk.sellable(account, code)
            wrong = faults(kind, order, seen, free)
            if _unsaid(desk, kind, order, seen):
                continue
            row = desk.order(account, order)
            taken = row.order_status not in (REFUSED, 48, 49)
            told = (
                f"{clock} {order} 可卖 {free}：{row.order_status} {desk.errors.get(row.order_id)}"
            )
            assert taken == (not wrong), f"{told}；应当 {wrong or '收下'}，{seen}"
            accepted, refused = accepted + taken, refused + (not taken)
            if row.traded_volume and not desk.meets_its_own(order, row.traded_price * 1000):
                filled += 1
                bad = out_of_sight(kind, order, tick, row.traded_price, row.traded_volume)
                assert not bad, f"{told} 成交 {row.traded_volume}@{row.traded_price}：{bad} {tick}"
            desk.withdraw(account, order, row.order_id)
    assert accepted > 50
    assert refused > 50
    assert filled > 20
