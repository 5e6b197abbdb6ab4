"""把用例跑一遍：厂商的 xttrader 接着嵌入的模拟柜台，单步的时钟，盘口用快照回放摆出来。

每个用例一个资金账号，互不相干。只经过厂商的接口与 `easytrader.sim` 公开的名字。
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from case_reader import money
from support import eventually

import easytrader
from easytrader.sim import AccountConfig, create

if TYPE_CHECKING:
    from case_reader import Case, Step

PLENTY = "1000000000000"
REPORTED, PARTLY, FILLED, REFUSED = 50, 55, 56, 57
QUEUED = (48, 49)
STATES = {
    "ok": (REPORTED, 53, 54, PARTLY, FILLED),
    "rest": (REPORTED,),
    "part": (PARTLY,),
    "gone": (53, 54),
}
WORDS = {
    "tick": ("小数价格", "价格单位", "委托价格应为"),
    "lot": ("委托数量必须是", "委托数量不能少于", "数量单位"),
    "size": ("单笔上限", "委托数量不在合法区间"),
    "band": ("超过涨停价格", "超过跌停价格", "价格不在合法区间"),
    "cage": ("有效申报价格范围",),
    "time": ("当前时间不允许", "当前时段"),
    "type": ("市价",),
    "cash": ("资金不足",),
    "shares": ("证券可用数量不足",),
    "cap": ("限购",),
    "margin": ("保证金可用余额不足",),
    "unknown": ("无此证券代码", "不支持", "不能交易", "不做"),
    "halted": ("停牌",),
    "worse": ("不能按收盘价成交",),
    "noafter": ("没有盘后固定价格", "当前时间不允许", "只收"),
    "protect": ("保护限价", "超过涨停价格", "超过跌停价格"),
}
VERBS = {"buy": 23, "sell": 24, "finbuy": 27, "afterbuy": 1043, "aftersell": 1044}
CLOCKS = ("090000", "091500", "092500", "093000")
FACTS = ("risk_warning", "delisting_period", "suspended")
QUIET = {"connect_wait_s": 0.3}
PATIENCE_S = 5.0  # 对的立刻就到；明知还不对的不多等
IMPATIENCE_S = 0.3


def tick_of(code: str) -> Decimal:
    """只用来摆默认的盘口，不用来判断对错。"""
    if code.startswith("204"):
        return Decimal("0.005")
    return Decimal("0.001") if code[0] in "15" or code[:2] in ("01", "02") else Decimal("0.01")


class WrongError(AssertionError):
    """一步的结果与写的不同。"""


class World:
    """一个模拟文件夹里的一批用例。"""

    def __init__(self, cases: list[Case], folder: Path) -> None:
        self.cases = cases
        self.folder = folder
        self.results: dict[str, str] = {}
        self.errors: dict[int, str] = {}
        self.orders: dict[str, int] = {}
        self.cancel_errors: set[int] = set()
        self.start_cash: dict[str, Decimal] = {}

    # ---- 摆场面

    def _write(self) -> None:
        days = sorted({step.when[:10] for case in self.cases for step in case.steps})
        lines = ["code,time,lastPrice,lastClose,volume,amount,askPrice,bidPrice,askVol,bidVol"]
        facts: dict[str, Any] = {}
        seen = {case.code: case for case in self.cases}
        for code, case in seen.items():
            said = case.situation
            for day in days:
                if day in said.get("nodata", ""):
                    continue
                stamp = day.replace("-", "")
                lines.extend(f"{code},{stamp}{clock},{_snapshot(said, code)}" for clock in CLOCKS)
                if "then" in said and day == case.day:
                    lines.append(f"{code},{stamp}{_later(said, code)}")
            facts[code] = _facts(said, case.day)
        data = self.folder / "data"
        data.mkdir(parents=True)
        (data / "all.csv").write_text("\n".join(lines), encoding="utf-8")
        accounts = [
            AccountConfig(
                f"77{number:04d}",
                3 if "credit" in case.situation else 2,
                cash=Decimal(case.situation.get("money", PLENTY)),
                positions=_holding(case),
            )
            for number, case in enumerate(self.cases)
        ]
        create(
            self.folder / "qmt",
            accounts,
            clock="step",
            start=f"{days[0]} 09:00",
            replay=str(data / "all.csv"),
            replay_period="tick",
            replay_volume="share",
            **QUIET,
        )
        known = {code: said for code, said in facts.items() if said}
        text = json.dumps(known)
        (self.folder / "qmt" / "instruments.json").write_text(text, encoding="utf-8")

    def run(self) -> dict[str, str]:
        """每个用例的结果：空是对的，否则是哪一步怎样不对。"""
        self._write()
        user = easytrader.use("sim")
        kind = _kind(self.cases[0])
        user.connect(str(self.folder / "qmt"), "770000", self, account_type=kind, timeout=10)
        from xtquant.xttype import StockAccount

        self.user, self.trader = user, user.trader
        self.accounts = {
            case.name: StockAccount(f"77{number:04d}", _kind(case))
            for number, case in enumerate(self.cases)
        }
        try:
            for account in self.accounts.values():
                self.trader.subscribe(account)
            todo = [(step.when, i, one) for one in self.cases for i, step in enumerate(one.steps)]
            todo.sort(key=lambda row: row[0])
            now = ""
            for when, index, case in todo:
                if when != now:
                    user.sim.goto(when)
                    now = when
                if case.name not in self.results:
                    self._play(case, case.steps[index])
                if index == len(case.steps) - 1:
                    self._clean(case)
        finally:
            user.close()
        return {case.name: self.results.get(case.name, "") for case in self.cases}

    def on_order_error(self, error: Any) -> None:
        self.errors[error.order_id] = error.error_msg

    def on_cancel_error(self, error: Any) -> None:
        self.cancel_errors.add(error.order_id)

    # ---- 一步

    def _play(self, case: Case, step: Step) -> None:
        account = self.accounts[case.name]
        self.patience_s = IMPATIENCE_S if case.open else PATIENCE_S
        if case.name not in self.start_cash:
            self.start_cash[case.name] = self._cash(account)
        try:
            verb = step.words[0]
            if verb == "limits":
                self._limits(case, account, step)
            elif verb == "cancel":
                self._cancel(case, account, step)
            elif verb == "look":
                self._check(case, account, step, self.orders.get(case.name), self._cash(account))
            else:
                before = self._cash(account)
                number = self._order(case, account, step.words)
                self.orders[case.name] = number
                self._check(case, account, step, number, before)
        except AssertionError as wrong:
            self.results[case.name] = f"{step}\n    实际：{wrong}"

    def _clean(self, case: Case) -> None:
        """还挂着的撤掉，不留给同一只证券的下一个用例。"""
        account = self.accounts[case.name]
        for order in self.trader.query_stock_orders(account, cancelable_only=True):
            self.trader.cancel_order_stock(account, order.order_id)

    def _cash(self, account: Any) -> Decimal:
        asset = self.trader.query_stock_asset(account)
        return Decimal(str(round(asset.cash + asset.frozen_cash, 2)))

    def _order(self, case: Case, account: Any, words: tuple[str, ...]) -> int:
        """``buy 100 @10.00``、``sell 100 m42 @9.90``、``afterbuy 100 @10.00``。"""
        side = VERBS[words[0]]
        price_type = int(words[2][1:]) if words[2].startswith("m") else 11
        price = float(words[-1].removeprefix("@")) if words[-1].startswith("@") else 0.0
        volume = int(words[1].replace(",", ""))
        return int(
            self.trader.order_stock(
                account, case.code, side, volume, price_type, price, "cases", case.name
            )
        )

    def _limits(self, case: Case, account: Any, step: Step) -> None:
        """``limits 数量 价位``：最高价、最低价都收，再差一个价位都不收；写成 ``涨停 跌停``。"""
        volume, tick = step.words[1], Decimal(step.words[2])
        top, bottom = (Decimal(each) for each in step.expected)
        quote = self.user.quote(case.code)[case.code]
        _same("行情里的涨停", Decimal(str(quote["limit_up"])), top)
        _same("行情里的跌停", Decimal(str(quote["limit_down"])), bottom)
        side = "sell" if case.code.startswith(("204", "131")) else "buy"
        for price, expected in (
            (top, "ok"),
            (top + tick, "band"),
            (bottom, "ok"),
            (bottom - tick, "band"),
        ):
            if price <= 0:
                continue
            number = self._order(case, account, (side, volume, f"@{price}"))
            self._outcome(account, number, expected, f"报 {price} ")
            self.trader.cancel_order_stock(account, number)

    def _cancel(self, case: Case, account: Any, step: Step) -> None:
        number = self.orders[case.name]
        self.trader.cancel_order_stock(account, number)
        if step.expected[0] == "yes":
            self._until(account, number, lambda order: order.order_status in (53, 54))
        elif step.expected[0] == "no":
            order = self._until(account, number, lambda order: order.order_status not in (53, 54))
            if order.order_status in (51, 52):
                return  # 有的柜台收下等着，没有撤掉
            if number not in self.cancel_errors:
                eventually(lambda: number in self.cancel_errors, 5)
        else:
            raise ValueError(str(step))

    def _until(self, account: Any, number: int, good: Any) -> Any:
        deadline, pause = time.monotonic() + self.patience_s, threading.Event()
        while True:
            order = self.trader.query_stock_order(account, number)
            if order is not None and good(order):
                return order
            if time.monotonic() > deadline:
                raise WrongError(self._tell(number, order))
            pause.wait(0.005)

    def _tell(self, number: int, order: Any) -> str:
        if order is None:
            return f"没有这笔委托 {number}"
        return (
            f"状态 {order.order_status}，成交 {order.traded_volume}@{order.traded_price:g} "
            f"{self.errors.get(number, '')}"
        )

    def _outcome(self, account: Any, number: int, expected: str, what: str = "") -> Any:
        """等到写的那个结果；等不到就说实际怎样。"""
        if number <= 0 and expected == "no":
            return None  # 客户端当场退回也是没有收
        if number <= 0:
            raise WrongError(f"{what}返回 {number}")

        def good(order: Any) -> bool:
            return self._is(order, expected)

        try:
            return self._until(account, number, good)
        except WrongError as wrong:
            raise WrongError(f"{what}{wrong}") from None

    def _is(self, order: Any, expected: str) -> bool:
        status, number = order.order_status, order.order_id
        states = STATES.get(expected)
        if states is not None:
            return status in states and (expected != "rest" or order.traded_volume == 0)
        if expected == "closed":
            return status in QUEUED or (status == REFUSED and self._said(number, "time"))
        return status == REFUSED and self._said(number, expected)

    def _said(self, number: int, reason: str) -> bool:
        if reason == "no":
            return True
        if number not in self.errors:
            eventually(lambda: number in self.errors, 5)
        return any(word in self.errors[number] for word in WORDS[reason])

    def _check(
        self, case: Case, account: Any, step: Step, number: int | None, before: Decimal
    ) -> None:
        amount = fee = None
        for word in step.expected:
            key, _, value = word.partition("=")
            if not value:
                assert number is not None
                self._outcome(account, number, key)
            elif key == "fill":
                assert number is not None
                amount = self._filled(case, account, number, value)
            elif key == "fee" and ".." in value:
                low, _, high = value.partition("..")
                assert amount is not None
                paid = _paid(case, step, self._cash(account) - before, amount)
                if not money(low) <= paid <= money(high):
                    raise WrongError(f"费用 {paid}，应当在 {value} 之间")
            elif key == "fee":
                fee = money(value)
            elif key in ("cash", "change"):
                since = self.start_cash[case.name] if key == "cash" else before
                _same("现金变化", self._cash(account) - since, money(value))
            else:
                self._figure(case, account, key, money(value))
        if fee is not None:
            assert amount is not None, "写了 fee 就要写 fill"
            _same("费用", _paid(case, step, self._cash(account) - before, amount), fee)

    def _filled(self, case: Case, account: Any, number: int, value: str) -> Decimal:
        volume, _, price = value.partition("@")
        wanted, at = int(volume.replace(",", "")), Decimal(price or -1)
        self._until(
            account,
            number,
            lambda order: (
                order.traded_volume == wanted
                and (at < 0 or abs(Decimal(str(order.traded_price)) - at) < Decimal("0.00051"))
            ),
        )
        unit = 100 if case.code.startswith(("204", "131")) else 1
        return Decimal(wanted * (at if unit == 1 else 1) * unit).quantize(Decimal("0.01"))

    def _figure(self, case: Case, account: Any, key: str, value: Decimal) -> None:
        if key in ("can", "held"):
            rows = self.trader.query_stock_positions(account)
            row = next((each for each in rows if each.stock_code == case.code), None)
            name = "can_use_volume" if key == "can" else "volume"
            _same(key, Decimal(getattr(row, name) if row is not None else 0), value)
            return
        asset = self.trader.query_stock_asset(account)
        name = {"frozen": "frozen_cash", "draw": "fetch_balance", "usable": "cash"}[key]
        _same(key, Decimal(str(round(getattr(asset, name), 2))), value)


def _paid(case: Case, step: Step, change: Decimal, amount: Decimal) -> Decimal:
    """现金变化里费用是多少：买与逆回购付出本金，卖收进。"""
    pays = step.words[0].endswith("buy") or case.code.startswith(("204", "131"))
    return -change - amount if pays else amount - change


def _same(what: str, actual: Decimal, expected: Decimal) -> None:
    if actual != expected:
        raise WrongError(f"{what} {actual}，应当 {expected}")


def _side(said: dict[str, str], code: str, sign: int) -> tuple[str, str]:
    """五档：写了 ``ask=10.01x500,10.02x300`` 用写的，``ask=-`` 是空的，不写围着昨收摆五档。"""
    text = said.get("ask" if sign > 0 else "bid")
    if text == "-":
        return '"[0, 0, 0, 0, 0]"', '"[0, 0, 0, 0, 0]"'
    if text is None:
        tick, last = tick_of(code), Decimal(said.get("last", said["pre"]))
        levels = [(last + sign * tick * i, "100000000") for i in range(1, 6)]
        levels = [level for level in levels if level[0] > 0]
    else:
        levels = [
            (Decimal(price), size or "100000000")
            for price, _, size in (each.partition("x") for each in text.split(","))
        ]
    levels += [(Decimal(0), "0")] * (5 - len(levels))
    prices = ", ".join(str(price) for price, _ in levels)
    return f'"[{prices}]"', f'"[{", ".join(size for _, size in levels)}]"'


def _snapshot(said: dict[str, str], code: str) -> str:
    last, volume = said.get("last", said["pre"]), said.get("vol", "1000000")
    asks, bids = _side(said, code, 1), _side(said, code, -1)
    return f"{last},{said['pre']},{volume},{volume},{asks[0]},{bids[0]},{asks[1]},{bids[1]}"


def _later(said: dict[str, str], code: str) -> str:
    """``then=13:30/9.90``：那一刻起最新价变了，盘口跟着，其间成交了很多。"""
    clock, _, last = said["then"].partition("/")
    volume = str(int(said.get("vol", "1000000")) + 100_000_000)
    moved = {"pre": said["pre"], "last": last, "vol": volume}
    return f"{clock.replace(':', '')}00,{_snapshot(moved, code)}"


def _facts(said: dict[str, str], day: str) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for key in ("listed", "delisted", "wide_band", "same_day_sale"):
        if key in said:
            facts[key] = said[key] or day
    if "coupon" in said:
        rate, _, starts = said["coupon"].partition("/")
        facts["coupon"] = {"rate": float(rate), "starts": starts}
    for key in FACTS:
        if key in said:
            facts[key] = [[said[key] or day, None]]
    return facts


def _kind(case: Case) -> str:
    return "CREDIT" if "credit" in case.situation else "STOCK"


def _holding(case: Case) -> list[tuple[str, int, float]]:
    text = case.situation.get("hold")
    return [(case.code, int(text), float(case.situation["pre"]))] if text else []


def play(cases: list[Case]) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        return World(cases, Path(folder)).run()
