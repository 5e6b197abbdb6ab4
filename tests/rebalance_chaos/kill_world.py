"""杀执行的世界：一个真的 ``easytrader sim serve``（远程的还有一个 ``easytrader serve``），
许多个样子相同的账号，一个点用一个；做完以后查的是柜台自己的账。
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from remote_serve import ServeProcess
from support import ROOT, SimProcess

import easytrader
from easytrader.errors import EasytraderError
from easytrader.rebalance.planfile import Plan
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Iterator

CHILD = Path(__file__).resolve().parent / "kill_child.py"
HELD = {"600000.SH": 3000, "000001.SZ": 2500, "600036.SH": 1200, "510300.SH": 4000}
WANTED = ("600519.SH", "000858.SZ", "601318.SH", "300750.SZ", "688981.SH", "159915.SZ")
CASH = 20_000
PRICES = ("对手价", "最新价", "对手价+2", "本方价+1", "最优五档即时成交剩余撤销")
MOST_STARTS = 12


class Point(NamedTuple):
    """一个点：在哪里杀。"""

    index: int
    how: str
    """``step`` 第几步，``time`` 过了多久，``counter`` 杀的是柜台。"""
    at: float
    again: int
    """头几次启动都杀。"""
    price: str
    slices: str | None
    parallel: int


class Outcome(NamedTuple):
    """一个点的结果；``wrong`` 为空是对的。"""

    point: Point
    wrong: list[str]
    starts: int
    kills: int
    orders: int


def point(seed: int, index: int) -> Point:
    """第 ``index`` 个点，只由种子定。"""
    dice = random.Random(f"{seed}-{index}")
    how = dice.choices(("step", "time", "counter"), (6, 3, 1))[0]
    at = dice.randint(1, 60) if how == "step" else dice.uniform(0.0, 2.0)
    slices = dice.choice((None, None, None, "twap 0.03 3"))
    again = dice.choice((1, 1, 2, 3))
    return Point(index, how, at, again, dice.choice(PRICES), slices, dice.choice((1, 3, 10)))


class KillWorld:
    """见模块说明。

    Args:
        path: 放在哪里。
        broker: ``sim`` 或 ``remote``。
        points: 这一批有几个点。
        profile: 柜台的脾气。
        thin: 盘口薄：一笔要成交好几次、重报好几次。
    """

    def __init__(
        self, path: Path, broker: str, points: int, profile: str, *, thin: bool = True
    ) -> None:
        self.path, self.broker = path, broker
        self.accounts = [f"77000{number:05d}" for number in range(points)]
        self.folder = path / "模拟 客户端"
        held = tuple((code, volume, 10) for code, volume in HELD.items())
        configs = [AccountConfig(each, cash=CASH, positions=held) for each in self.accounts]
        create(
            self.folder, configs, profile=profile, tick_s=0.5, impact_s=1.0,
            thin_books=float(thin),
            connect_wait_s=0.3,
        )  # fmt: skip
        self.counter = SimProcess(self.folder)
        self.serve: ServeProcess | None = None
        self.token = ""

    def __enter__(self) -> KillWorld:
        self.counter.start()
        if self.broker == "remote":
            first, *rest = self.accounts
            others = {name: (self.folder, name) for name in rest}
            self.serve = ServeProcess(
                self.folder, self.path / "home", account=first, broker="miniqmt", others=others
            )
            names = ",".join(self.accounts)
            given = ["token", "add", "杀", "--scope", "trade", "--accounts", names]
            self.token = self.serve.run(*given).strip().splitlines()[-1]
            self.serve.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.serve is not None:
            self.serve.kill()
        self.counter.kill()

    # ---- 一个点

    def play(self, point: Point, account: str) -> Outcome:
        """杀到够为止，再让它做完，查账。"""
        plan = self._plan(point, account)
        file = plan.save(self.path / f"{account}.json")
        dice = random.Random(f"{point}")
        report: dict[str, Any] = {}
        starts = kills = 0
        while starts < MOST_STARTS and report.get("result") != "done":
            killing = starts < point.again
            starts += 1
            at = point.at if starts == 1 else dice.uniform(0, 1) * point.at + 1
            report = self._start(point, account, file, at if killing else None)
            kills += not report
        wrong = self._check(plan, account, report)
        return Outcome(point, wrong, starts, kills, len(self._orders(account)))

    def _start(self, point: Point, account: str, file: Path, at: float | None) -> dict[str, Any]:
        """起一次；被杀了返回空的。"""
        told = self.path / f"{account}.report"
        told.unlink(missing_ok=True)
        job = {
            "broker": "remote" if self.broker == "remote" else "miniqmt",
            "connect": self._connect(account),
            "plan": str(file),
            "report": str(told),
            "folder": str(self.path / "runs" / account),
            "die": int(at) if at is not None and point.how == "step" else 0,
            "options": {
                "price": point.price,
                "slices": point.slices,
                "parallel": point.parallel,
                "patience": 0.4,
                "deadline": 60.0,
            },
        }
        with subprocess.Popen(
            [sys.executable, str(CHILD), json.dumps(job)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=ROOT,
        ) as child:  # fmt: skip
            assert child.stdout is not None
            assert child.stderr is not None
            if child.stdout.readline().strip() != "ready":
                raise AssertionError(f"没有起来：{child.stderr.read()[-2000:]}")
            if at is not None and point.how == "time":
                with suppress(subprocess.TimeoutExpired):
                    child.wait(at)
                child.kill()
            elif at is not None and point.how == "counter":
                with suppress(subprocess.TimeoutExpired):
                    child.wait(at)
                self.counter.kill()
                self.counter.start()
            _, err = child.communicate(timeout=120)
            if "Traceback" in err:
                raise AssertionError(err[-3000:])
        found: dict[str, Any] = json.loads(told.read_text("utf-8")) if told.exists() else {}
        return found

    def _connect(self, account: str) -> dict[str, Any]:
        if self.serve is None:
            return {"miniqmt_path": str(self.folder), "stock_account": account}
        address = f"http://127.0.0.1:{self.serve.port}"
        return {"address": address, "token": self.token, "account": account}

    # ---- 计划与账

    def _plan(self, point: Point, account: str) -> Plan:
        """卖掉一些，买一些；买的总额比卖得的加现金少得多，所以一定做得完。"""
        dice = random.Random(f"计划 {point}")
        sells = {code: held // 200 * 100 for code, held in HELD.items()}
        sells = {code: dice.randrange(100, volume + 1, 100) for code, volume in sells.items()}
        with self._looking(account) as user:
            quotes = user.quote([*sells, *WANTED])
            balance, position = user.balance[0], user.position
        money = CASH + sum(quotes[code]["last"] * volume for code, volume in sells.items())
        buys: dict[str, int] = {}
        share = money * 0.85 / len(WANTED)
        for code in WANTED:
            least, step = (200, 1) if code.startswith("688") else (100, 100)
            volume = int(share / quotes[code]["last"]) // step * step
            if volume >= least:
                buys[code] = volume
        orders = []
        for side, wanted in (("sell", sells), ("buy", buys)):
            for code, volume in wanted.items():
                before = HELD.get(code, 0)
                after = before + (volume if side == "buy" else -volume)
                orders.append(
                    {
                        "id": len(orders), "stock_code": code, "security": code[:6],
                        "side": side, "side_name": {"buy": "买入", "sell": "卖出"}[side],
                        "volume": volume, "price": quotes[code]["last"],
                        "value": quotes[code]["last"] * volume, "fee": 5.0, "reason": "",
                        "before": before, "target": float(after), "after": after,
                    }
                )  # fmt: skip
        return Plan.made(
            created=time.time(), day=time.strftime("%Y-%m-%d", time.gmtime(time.time() + 28800)),
            account_id=account, options={}, orders=orders, skipped=[], weights=[],
            holdings={row["stock_code"]: row["volume"] for row in position},
            total_asset=balance["total_asset"], cash_before=balance["cash"], cash_after=0.0,
            cash_buffer=0.0, fees=0.0, turnover=0.0, tracking_error=0.0, bound=0.0,
        )  # fmt: skip

    def _check(self, plan: Plan, account: str, report: dict[str, Any]) -> list[str]:
        """柜台的账上有什么不对。"""
        wrong = []
        if report.get("result") != "done":
            wrong.append(f"没有做完：{report}")
        rows = self._orders(account)
        remarks = [row["order_remark"] for row in rows]
        if len(set(remarks)) != len(remarks):
            wrong.append(f"一个 id 用了两次：{sorted(remarks)}")
        strange = [each for each in remarks if not each.startswith(f"rb-{plan.plan_id}-")]
        if strange:
            wrong.append(f"不是这个计划的委托：{strange}")
        filled: dict[tuple[str, str], int] = {}
        for row in rows:
            side = "buy" if row["order_type"] == 23 else "sell"
            key = row["stock_code"], side
            filled[key] = filled.get(key, 0) + row["traded_volume"]
            if row["order_status_name"] in ("已报", "部成", "未报", "待报"):
                wrong.append(f"还挂着：{row['order_remark']} {row['order_status_name']}")
        planned = {(each["stock_code"], each["side"]): each["volume"] for each in plan.orders}
        filled = {key: volume for key, volume in filled.items() if volume}
        if filled != planned:
            wrong.append(f"成交 {filled}，计划 {planned}")
        should = {**plan.holdings, **{each["stock_code"]: each["after"] for each in plan.orders}}
        should = {code: volume for code, volume in should.items() if volume}
        with self._looking(account) as user:
            held = {row["stock_code"]: row["volume"] for row in user.position if row["volume"]}
        if held != should:
            wrong.append(f"持仓 {held}，应为 {should}")
        return wrong

    def _orders(self, account: str) -> list[Any]:
        with self._looking(account) as user:
            found: list[Any] = user.today_entrusts
            return found

    def _looking(self, account: str) -> Any:
        """直接连柜台看账，不经服务器；不用 ``sim``：柜台不在的时候它会自己当柜台。"""
        user = easytrader.use("miniqmt")
        deadline = time.monotonic() + 60
        while True:
            try:
                # 会话 id 自己定：池子里的被许多账号占着的时候要等
                own = 900_000 + os.getpid() % 90_000
                user.connect(str(self.folder), account, timeout=20, wait=30, session_id=own)
            except EasytraderError:  # noqa: PERF203
                if time.monotonic() > deadline:
                    raise
                threading.Event().wait(0.2)
            else:
                return user


def play(
    path: Path, broker: str, points: list[Point], profile: str, *, thin: bool = True
) -> Iterator[Outcome]:
    """一批点，一个接一个。"""
    with KillWorld(path, broker, len(points), profile, thin=thin) as world:
        for each, account in zip(points, world.accounts, strict=True):
            yield world.play(each, account)
