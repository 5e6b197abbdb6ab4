"""一个随机的场景：SIM 柜台上几个线程下单、撤单、查询、重连、重启，中间出各种毛病；做完对账。

对的是：柜台上没有重的；返回了编号的在柜台上；说没有发出的不在；没有超期的调用；不留线程。
每一笔的价格都不同，柜台收到的请求因此认得出是哪一笔。
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from functools import partial
from typing import Any

from sim_gateway import Direction, SimCounter, SimGateway, load

from easytrader import errors
from easytrader.gateways.trader import GatewayTrader

TIMEOUT_S = 0.4
SLACK_S = 4.0
"""两个核上跑着别的。"""
_NOT_SENT = (errors.UsageError, errors.NotConnectedError, errors.ClosedError)


class Scenario:
    """一个场景。

    Args:
        seed: 随机的种子；同一个种子是同一个场景（线程的先后除外）。
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.rng = seed, random.Random(seed)
        self.wrong: list[str] = []
        self.worst_s = 0.0
        self.tally: Counter[str] = Counter()
        self.results: dict[float, list[str]] = defaultdict(list)
        """价格 → 每一次的结果：``sent``、``refused``、``unsent``、``unknown``。"""
        self.prices = iter([round(20 + each * 0.01, 2) for each in range(1000)])
        self._prices = threading.Lock()
        self.users: list[GatewayTrader] = []

    def run(self) -> Scenario:
        """做完，对账；错的在 `wrong` 里。"""
        before = set(threading.enumerate())
        self.counter = SimCounter(**{"600036": 100_000})
        self.counter.hold("rb2510", 8, Direction.LONG, yesterday=3)
        self.counter.carries_reference = False
        try:
            self.user = self.opened()
            ids = {name: self.price() for name in "abc"}
            workers = [
                threading.Thread(target=self._work, args=(random.Random(self.seed * 7 + n), ids))
                for n in range(self.rng.choice((1, 2, 3)))
            ]
            for each in workers:
                each.start()
            while any(each.is_alive() for each in workers):
                self._fault()
                threading.Event().wait(self.rng.uniform(0.01, 0.1))
            for each in workers:
                each.join()
            self._calm()
            if self.rng.random() < 0.3:  # 另一个进程、第二天之前又起来：同一个 id 不能重
                self.user.close()
                self.user = self.opened()
                for name in ids:
                    self._buy(name, ids[name])
            self.counter.settle()
        finally:
            for user in self.users:
                self._timed("close", user.close, 10)
            self.counter.close()
        self._check()
        self._no_threads_left(before)
        return self

    def opened(self) -> GatewayTrader:
        """连着的交易口；连不上的再试几次。"""
        user = GatewayTrader(gateway=SimGateway)
        self.users.append(user)
        for last in (False, False, False, False, True):
            try:
                user.connect(
                    timeout=TIMEOUT_S, login_timeout=2, settle=0.05, reconnect_interval=0.02,
                    heartbeat_interval=0.5, 用户名=f"storm-{self.seed}", 柜台=self.counter.name,
                )  # fmt: skip
                break
            except errors.ConnectFailedError:
                if last:
                    raise
                self._calm()
        return user

    def price(self) -> float:
        """还没有用过的价格。"""
        with self._prices:
            return next(self.prices)

    # ---- 做什么

    def _work(self, rng: random.Random, ids: dict[str, float]) -> None:
        numbers: list[str] = []
        for _ in range(rng.randint(3, 6)):
            what = rng.choice(("buy", "buy", "id", "id", "split", "cancel", "query", "async"))
            self.tally[what] += 1
            if what == "buy":
                numbers += self._buy(None, self.price())
            elif what == "id":
                name = rng.choice(sorted(ids))
                numbers += self._buy(name, ids[name])
            elif what == "split":
                numbers += self._order(
                    lambda price: self.user.sell("rb2510.SHFE", price, 2), 3500 + self._tick()
                )
            elif what == "cancel" and numbers:
                number = rng.choice(numbers)
                self._quiet(partial(self.user.cancel_entrust, number), "cancel")
            elif what == "async":
                numbers += self._order(
                    self._later,
                    self.price(),
                )
            else:
                self._quiet(lambda: (self.user.balance, self.user.today_entrusts), "query")

    def _later(self, price: float) -> Any:
        receipt = self.user.buy_async("600036", price, 100)
        receipt.wait(TIMEOUT_S + SLACK_S)
        return receipt.value()

    def _tick(self) -> float:
        return round((self.price() - 20) * 100)

    def _buy(self, name: str | None, price: float) -> list[str]:
        return self._order(
            lambda price: self.user.buy("600036", price, 100, client_order_id=name), price
        )

    def _order(self, verb: Any, price: float) -> list[str]:
        found: list[str] = []

        def call() -> None:
            answer = verb(price)
            if answer["entrust_no"] == -1:
                self.results[price].append("refused")
                return
            self.results[price].append("sent")
            found.append(answer["entrust_no"])

        try:
            self._timed("order", call, TIMEOUT_S)
        except _NOT_SENT:
            self.results[price].append("unsent")
        except errors.EasytraderError:
            self.results[price].append("unknown")
        except Exception as exc:
            self.wrong.append(f"下单抛出 {exc!r}")
        return found

    def _quiet(self, call: Any, what: str) -> None:
        try:
            # 查询里有几步（委托、资金），各有各的期限
            self._timed(what, call, 3 * TIMEOUT_S)
        except errors.EasytraderError:
            pass
        except Exception as exc:
            self.wrong.append(f"{what} 抛出 {exc!r}")

    def _timed(self, what: str, call: Any, limit_s: float) -> None:
        began = time.monotonic()
        try:
            call()
        finally:
            over_s = time.monotonic() - began - limit_s
            self.worst_s = max(self.worst_s, over_s)
            if over_s > SLACK_S:
                self.wrong.append(f"{what} 超期 {over_s:.2f} 秒")

    # ---- 毛病

    def _fault(self) -> None:  # noqa: C901  一样一行
        faults, rng = self.counter.faults, self.rng
        kind = rng.choice((
            "lose_order_acks", "lose_cancel_acks", "break_after_order", "refuse_sends",
            "cancel_fails", "late", "raise", "flood", "junk", "drop", "death", "silent", "stuck",
            "none", "none", "none",
        ))  # fmt: skip
        self.tally[f"fault-{kind}"] += 1
        if kind in ("lose_order_acks", "lose_cancel_acks", "break_after_order", "refuse_sends",
                    "cancel_fails"):  # fmt: skip
            setattr(faults, kind, 1)
        elif kind == "late":
            faults.delay_s = rng.choice((0.0, 0.05, 0.6))
        elif kind == "raise":
            faults.raise_in_send = RuntimeError("接口里的异常")
        elif kind == "flood":
            faults.log_flood = rng.choice((0, 50))
        elif kind == "junk":
            faults.bad_pushes = 3
        elif kind == "drop":
            self.counter.drop()
            threading.Event().wait(rng.uniform(0, 0.05))
            self.counter.restore()
        elif kind == "silent":  # 日志里什么都不说就断了
            for each in self.counter.gateways.copy():
                each.td_api.login_status = False
        elif kind == "stuck":
            gate = faults.send_blocks = threading.Event()
            threading.Timer(0.6, gate.set).start()
        elif kind == "death":
            self._kill_dispatcher()

    def _kill_dispatcher(self) -> None:
        vt = load()
        for each in self.counter.gateways.copy():
            engine = each.event_engine

            def die(_: Any) -> None:
                raise SystemExit

            engine.register("eStormDeath", die)
            engine.put(vt.Event("eStormDeath"))

    def _calm(self) -> None:
        faults = self.counter.faults
        faults.delay_s, faults.log_flood, faults.bad_pushes = 0.0, 0, 0
        faults.lose_order_acks = faults.break_after_order = faults.refuse_sends = 0
        faults.raise_in_send = None
        if faults.send_blocks is not None:
            faults.send_blocks.set()
            faults.send_blocks = None
        if not self.counter.up:
            self.counter.restore()

    # ---- 对账

    def _check(self) -> None:
        arrived = Counter((each.price, each.offset.name) for each in self.counter.sends)
        at_counter = {price for price, _ in arrived}
        for (price, offset), count in arrived.items():
            if count > 1:
                told = self.results[price]
                self.wrong.append(f"重了：价格 {price} {offset} 到柜台 {count} 次，返回 {told}")
        for price, told in self.results.items():
            self.tally.update(told)
            if "sent" in told and price not in at_counter:
                self.wrong.append(f"返回了编号而柜台上没有：价格 {price}，返回 {told}")
            if set(told) <= {"refused", "unsent"} and price in at_counter:
                self.wrong.append(f"说没有发出而柜台上有：价格 {price}，返回 {told}")

    def _no_threads_left(self, before: set[threading.Thread]) -> None:
        deadline = time.monotonic() + 8
        left: list[str] = []
        while time.monotonic() < deadline:
            now = set(threading.enumerate()) - before
            left = [each.name for each in now if each.name.startswith("easytrader")]
            if not left:
                return
            threading.Event().wait(0.02)
        self.wrong.append(f"留下了线程：{sorted(left)}")
