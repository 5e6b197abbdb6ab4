"""执行的测试用的世界：盘口一行一行写好的市场，由测试走的时钟，手写的计划。"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import easytrader
from easytrader.basics import pace
from easytrader.basics.beijing import moment
from easytrader.market.symbols import parse_security
from easytrader.rebalance.planfile import Plan
from easytrader.rebalance.run import run
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader
    from easytrader.rebalance.report import Report

ACCOUNT = "1000000365"
DAY = "2026-11-23"
BANK, PINGAN, MAOTAI = "600000.SH", "000001.SZ", "600519.SH"
HEADER = "time,lastPrice,open,high,low,lastClose,amount,volume,askPrice,bidPrice,askVol,bidVol"

Side = list[tuple[float, int]]


class Look:
    """从 ``clock`` 起看到的盘口；价格元，数量手。"""

    def __init__(
        self,
        clock: str,
        last: float,
        bids: Side | None = None,
        asks: Side | None = None,
        traded: int = 1000,
    ) -> None:
        self.clock, self.last, self.traded = clock, last, traded
        self.bids = [(round(last - 0.01, 2), 5000)] if bids is None else bids
        self.asks = [(round(last + 0.01, 2), 5000)] if asks is None else asks

    def line(self, pre_close: float) -> str:
        def column(side: Side, item: int) -> str:
            values = [level[item] for level in side] + [0] * (5 - len(side))
            return '"' + str(values) + '"'

        at = f"{DAY}{self.clock}".replace("-", "").replace(":", "").ljust(14, "0")
        cells = [at, self.last, self.last, self.last, self.last, pre_close, 0, self.traded]
        book = [column(self.asks, 0), column(self.bids, 0), column(self.asks, 1)]
        return ",".join(map(str, [*cells, *book, column(self.bids, 1)]))


class StepPace(pace.Pace):
    """时间由模拟的钟走：等多久就走多久。"""

    def __init__(self, user: SimTrader) -> None:
        self.user = user
        self.on_sleep: Callable[[], None] | None = None
        self.slept = 0

    def now(self) -> float:
        return self.user.sim.now().timestamp()

    def monotonic(self) -> float:
        return self.now()

    def sleep(self, seconds: float, *, stop: Callable[[], bool] | None = None) -> None:
        self.slept += 1
        if self.on_sleep is not None:
            self.on_sleep()
        if seconds > 0:
            to = self.now() + max(seconds, 0.1)
            self.user.sim.goto(easytrader_time(to))


def easytrader_time(epoch_s: float) -> Any:
    from datetime import datetime

    from easytrader.basics.beijing import BEIJING

    return datetime.fromtimestamp(epoch_s, BEIJING)


class World:
    """一个账号、它的市场、它的钟。"""

    def __init__(self, path: Path, user: SimTrader) -> None:
        self.path, self.user = path, user
        self.pace = StepPace(user)
        self.steps: list[dict[str, Any]] = []
        self.log_folder = path / "runs"

    def run(self, plan: Any, **options: Any) -> Report:
        """在模拟的时间里执行。"""
        options.setdefault("folder", self.log_folder)
        options.setdefault("on_step", self.steps.append)
        with pace.replaced(self.pace):
            return run(self.user, plan, **options)

    def goto(self, clock: str) -> None:
        self.user.sim.goto(f"{DAY} {clock}")

    def held(self, code: str) -> int:
        return sum(row["volume"] for row in self.user.position if row["stock_code"] == code)

    def sent(self) -> list[tuple[str, int, float, str]]:
        """柜台上的委托：(代码, 数量, 价格, 状态)。"""
        rows = sorted(self.user.today_entrusts, key=lambda row: row["order_id"])
        names = ("stock_code", "order_volume", "price", "order_status_name")
        return [tuple(row[name] for name in names) for row in rows]  # type: ignore[misc]

    def events(self, *names: str) -> list[str]:
        return [each["event"] for each in self.steps if not names or each["event"] in names]


@contextmanager
def world(
    path: Path,
    looks: dict[str, list[Look]],
    *,
    cash: float = 1_000_000,
    held: dict[str, int] | None = None,
    start: str = "10:00",
    **options: Any,
) -> Iterator[World]:
    """``looks``：代码 → 各个时刻的盘口；昨收是第一个的最新价。"""
    data = path / "ticks"
    data.mkdir(parents=True)
    for code, rows in looks.items():
        lines = [each.line(rows[0].last) for each in rows]
        text = "\n".join([HEADER, *lines]) + "\n"
        (data / f"{code}_tick.csv").write_text(text, "utf-8")
    folder = path / "模拟 客户端"
    account = AccountConfig(
        ACCOUNT, cash=cash, positions=tuple((c, v, 10) for c, v in (held or {}).items())
    )
    market = {"replay": str(data), "replay_period": "tick", "impact_s": 0.0, "connect_wait_s": 0.1}
    create(folder, (account,), clock="step", start=f"{DAY} {start}", **market, **options)
    user = easytrader.use("sim")
    user.connect(str(folder), ACCOUNT, timeout=5, reconnect_interval=0.2)
    try:
        yield World(path, user)
    finally:
        user.close()


def plan_of(
    *orders: tuple[str, str, int, float],
    held: dict[str, int] | None = None,
    plan_id: str = "p1",
    cash_buffer: float = 0.0,
) -> Plan:
    """``(代码, "buy"/"sell", 数量, 估的价)`` → 计划。"""
    rows: list[Any] = []
    for number, (code, side, volume, price) in enumerate(orders):
        before = (held or {}).get(code, 0)
        moved = sum(v if s == "buy" else -v for c, s, v, _ in orders if c == code)
        rows.append(
            {
                "id": number,
                "stock_code": code,
                "security": parse_security(code).code,
                "side": side,
                "side_name": "买入" if side == "buy" else "卖出",
                "volume": volume,
                "price": price,
                "value": price * volume,
                "fee": 5.0,
                "reason": "",
                "before": before,
                "target": float(before + moved),
                "after": before + moved,
            }
        )
    money = dict.fromkeys(_MONEY, 0.0)
    money["cash_buffer"] = cash_buffer
    made = {"created": at("10:00"), "day": DAY, "account_id": ACCOUNT, "options": {}}
    lists: dict[str, Any] = {"orders": rows, "skipped": [], "weights": []}
    return Plan(plan_id=plan_id, holdings=held or {}, **made, **lists, **money)  # type: ignore[arg-type]


_MONEY = (
    "total_asset", "cash_before", "cash_after", "cash_buffer", "fees", "turnover",
    "tracking_error", "bound",
)  # fmt: skip


def at(clock: str) -> float:
    return moment(f"{DAY} {clock}")
