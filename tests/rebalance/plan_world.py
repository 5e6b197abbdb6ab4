"""做计划的测试用的：账户、行情写成交易口给的字典；笨办法一组一组试出来的最优。"""

from __future__ import annotations

import itertools
import math
from datetime import date
from typing import TYPE_CHECKING, Any

from easytrader.basics.beijing import moment
from easytrader.market.rules import rules_for
from easytrader.market.rules.fees import FeeSchedule
from easytrader.market.symbols import parse_security
from easytrader.rebalance.planning import plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.rebalance.planfile import Plan

ACCOUNT = "1000000365"
NOW = moment("2026-11-30 14:50")
DAY = date(2026, 11, 30)


def quote(code: str, last: float, **other: Any) -> dict[str, Any]:
    """一只的行情：买一卖一各差一分，涨跌停一成；``asks=()`` 是没有卖盘。"""
    stock_code = parse_security(code).stock_code
    found = {
        "security": stock_code[:6],
        "stock_code": stock_code,
        "last": last,
        "open": last,
        "high": last,
        "low": last,
        "pre_close": last,
        "limit_up": round(last * 1.1, 2),
        "limit_down": round(last * 0.9, 2),
        "volume": 10_000,
        "amount": 1e6,
        "time": int(NOW),
        "bids": [(round(last - 0.01, 3), 1000)],
        "asks": [(round(last + 0.01, 3), 1000)],
    }
    return {**found, **other}


def held(code: str, volume: int, usable: int | None = None, **other: Any) -> dict[str, Any]:
    """一只的持仓。"""
    stock_code = parse_security(code).stock_code
    found = {
        "security": stock_code[:6],
        "stock_code": stock_code,
        "volume": volume,
        "can_use_volume": volume if usable is None else usable,
        "market_value": 0.0,
        "security_name": "",
    }
    return {**found, **other}


def entrust(code: str, status: int = 50, side: int = 23, traded: int = 0) -> dict[str, Any]:
    """一笔当日委托。"""
    return {
        "stock_code": parse_security(code).stock_code,
        "order_status": status,
        "order_type": side,
        "traded_volume": traded,
    }


class World:
    """一个账户与一些行情。"""

    def __init__(
        self,
        cash: float,
        quotes: list[dict[str, Any]],
        position: list[dict[str, Any]] | None = None,
        entrusts: list[dict[str, Any]] | None = None,
        total: float | None = None,
    ) -> None:
        self.quotes = {each["stock_code"]: each for each in quotes}
        self.position = position or []
        value = sum(
            self.quotes[each["stock_code"]]["last"] * each["volume"]
            for each in self.position
            if each["stock_code"] in self.quotes
        )
        self.total = cash + value if total is None else total
        self.cash = cash
        balance = {
            "total_asset": self.total,
            "market_value": value,
            "cash": cash,
            "frozen_cash": 0.0,
            "account_type": 2,
            "account_id": ACCOUNT,
        }
        self.account: Any = {
            "balance": [balance],
            "position": self.position,
            "entrusts": entrusts or [],
        }

    def plan(self, targets: Any, **options: Any) -> Plan:
        """做计划。"""
        options.setdefault("now", NOW)
        return plan(self.account, self.quotes, targets, **options)


def rules(plan: Plan) -> dict[str, str]:
    """跳过的：代码 → 为什么。"""
    return {each["stock_code"]: each["rule"] for each in plan.skipped}


def moves(plan: Plan) -> dict[str, int]:
    """各只合计买（正）卖（负）多少。"""
    found: dict[str, int] = {}
    for each in plan.orders:
        sign = 1 if each["side"] == "buy" else -1
        found[each["stock_code"]] = found.get(each["stock_code"], 0) + sign * each["volume"]
    return found


# ---- 笨办法


def allowed(code: str, buys: bool, usable: int, volume: int) -> bool:
    """交易所收不收这个数量：照规则的字面写，与计划的算法无关。"""
    found = rules_for(parse_security(code), DAY)
    assert found is not None
    minimum, step = found.lot
    if volume == 0:
        return True
    if volume >= minimum and (volume - minimum) % step == 0:
        return True
    if buys or volume > usable:
        return False
    if step > 1:  # 零头一次卖完，可以和整手一起
        return usable % step > 0 and volume % step == usable % step
    return usable < minimum and volume == usable


def cash_of(code: str, buys: bool, price_li: int, volume: int) -> int:
    """现金多多少，厘。"""
    if not volume:
        return 0
    amount = price_li * volume
    fee = FeeSchedule().rates(parse_security(code), buys, DAY).total(amount)
    return -amount - fee if buys else amount - fee


_MOST_TRIED = 20_000


def least_error(world: World, targets: dict[str, float], buffer_li: int = 0) -> int | None:
    """一组一组试：钱够用的取法里，最小的差的平方和，厘²；一组也没有（或多得试不完）为 None。"""
    held_of = {each["stock_code"]: each for each in world.position}
    rows = []
    for code in {*targets, *held_of}:
        row = held_of.get(code, {"volume": 0, "can_use_volume": 0})
        last = round(world.quotes[code]["last"] * 1000)
        want = math.floor(targets.get(code, 0) * world.total * 1000 + 1e-6)
        rows.append(list(_options(world, code, row["volume"], row["can_use_volume"], last, want)))
    if math.prod(map(len, rows)) > _MOST_TRIED:
        return None
    cash = round(world.cash * 1000) - buffer_li
    found = [
        sum(error for error, _ in chosen)
        for chosen in itertools.product(*rows)
        if cash + sum(gain for _, gain in chosen) >= 0
    ]
    return min(found, default=None)


def _options(
    world: World, code: str, volume: int, usable: int, last: int, want: int
) -> Iterator[tuple[int, int]]:
    buys = want > last * volume
    book = world.quotes[code]["asks" if buys else "bids"][0][0]
    # 与计划同一个余地：千分之二，往坏处取整，不越过涨跌停
    price = (
        min(-(-round(book * 1000) * 1002 // 1000), round(world.quotes[code]["limit_up"] * 1000))
        if buys
        else max(round(book * 1000) * 998 // 1000, round(world.quotes[code]["limit_down"] * 1000))
    )
    for moved in range(10**9 if buys else usable + 1):
        after = volume + (moved if buys else -moved)
        if not allowed(code, buys, usable, moved):
            continue
        yield (last * after - want) ** 2, cash_of(code, buys, price, moved)
        passed = last * after >= want if buys else last * after <= want
        if passed:
            return
