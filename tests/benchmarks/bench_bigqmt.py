"""完整版 QMT 的快慢：一条命令印出来，都以定时器的一跳为单位。手工运行，不是测试::

    python tests/benchmarks/bench_bigqmt.py             # 全部，约两分钟
    python tests/benchmarks/bench_bigqmt.py table       # 只跑五千笔那一项

内置 Python 是真的另一个进程（找得到 3.6 就是 3.6）。中转占住策略线程多久，由接在中转后面的几行
自己量了打印出来，从客户端的日志里读。
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

if TYPE_CHECKING:
    from collections.abc import Callable

_BUYS: Final = 150
_READS: Final = 100
_ORDERS: Final = 5000
_HOLD_MS: Final = 50.0

_METER: Final = """

_et_plain, _et_most, _et_cpu = _et_tick, [0.0], [0.0]


def _et_tick(context):
    began, cpu = time.perf_counter(), time.process_time()
    _et_plain(context)
    held, used = time.perf_counter() - began, time.process_time() - cpu
    if held > _et_most[0] or used > _et_cpu[0]:
        _et_most[0], _et_cpu[0] = max(held, _et_most[0]), max(used, _et_cpu[0])
        print('held {"wall": %.6f, "cpu": %.6f}' % (_et_most[0], _et_cpu[0]))
"""


class Stage:
    """一个模拟账户、一个真的客户端进程、一个交易口。"""

    def __init__(self, period_ms: int, orders: int = 0) -> None:
        from big_client import Served
        from support import ACCOUNT, in_li

        import easytrader
        from easytrader.bigqmt import agentfile
        from easytrader.sim.config.folder import create

        self.home = Path(tempfile.mkdtemp(prefix="easytrader-bench-"))
        self.folder = self.home / "大 QMT"
        create(self.folder, (in_li(ACCOUNT, 2, 10**15),))
        if orders:
            _fill(self.folder, orders)
        settings = agentfile.settings_for(ACCOUNT)
        settings = settings._replace(allow_orders=True, period_ms=period_ms)
        agent = self.home / "agent.py"
        agent.write_text(agentfile.render(settings) + _METER, "ascii")
        self.client = Served(self.folder, agent, None, manners="instant")
        self.client.start()
        self.user = easytrader.use("bigqmt")
        self.user.connect(str(self.folder), ACCOUNT, wait=60, timeout=20)

    def buy(self) -> None:
        assert self.user.buy("600036", 33.0, 100)["entrust_no"] > 0

    def held(self) -> dict[str, float]:
        """中转一跳里最多占了策略线程多久，秒：墙钟与处理器。"""
        most = {"wall": 0.0, "cpu": 0.0}
        for path in self.folder.glob("userdata/log/XtClient_FormulaOutput_*.log"):
            for told in re.findall(r"held (\{.*\})", path.read_text("gbk")):
                found = json.loads(told)
                most = {each: max(most[each], found[each]) for each in most}
        return most

    def close(self) -> None:
        self.user.close()
        self.client.kill()
        shutil.rmtree(self.home, ignore_errors=True)


def _fill(folder: Path, orders: int) -> None:
    """客户端起来之前，柜台上先有这么多笔。"""
    from support import ACCOUNT

    import easytrader

    trader = easytrader.use("sim")
    trader.connect(str(folder), ACCOUNT)
    for _ in range(orders):
        trader.buy("600036", 33.0, 100)
    trader.close()


def _timed(action: Callable[[], Any], times: int, period_s: float) -> list[float]:
    """各落在一跳的随便什么时候；每次多久，秒。"""
    dice, took = random.Random(1), []
    for _ in range(times):
        time.sleep(dice.uniform(0, period_s))
        began = time.perf_counter()
        action()
        took.append(time.perf_counter() - began)
    return took


def _show(name: str, took: list[float], period_s: float, target: str) -> None:
    ticks = sorted(each / period_s for each in took)
    value = (
        f"{statistics.median(ticks):.2f} / {ticks[int(0.95 * len(ticks))]:.2f} / {ticks[-1]:.2f} 跳"
        f"（{statistics.median(took) * 1000:.1f} ms）"
    )
    print(f"{name:<40} 中位/95%/最慢 {value:<40} 目标 {target}", flush=True)


def latency() -> None:
    """从 buy 到看见行：两跳加 passorder。"""
    for period_ms in (100, 10):
        stage = Stage(period_ms)
        try:
            _measure(stage, period_ms)
        finally:
            stage.close()


def _measure(stage: Stage, period_ms: int) -> None:
    period_s = period_ms / 1000
    told = f"定时器 {period_ms} ms"
    _timed(stage.buy, 5, period_s)
    took = _timed(stage.buy, _BUYS, period_s)
    _show(f"buy → 看见行，{told}", took, period_s, "<= 2 跳")
    took = _timed(lambda: stage.user.balance, _READS, period_s)
    _show(f"balance，{told}", took, period_s, "<= 2 跳")
    took = _timed(lambda: stage.user.today_entrusts, _READS, period_s)
    _show(f"today_entrusts，{told}", took, period_s, "")


def table() -> None:
    """五千笔委托：占策略线程多久。"""
    stage = Stage(100, orders=_ORDERS)
    try:
        took = _timed(lambda: stage.user.today_entrusts, 20, 0.1)
        assert len(stage.user.today_entrusts) == _ORDERS
        _show(f"today_entrusts，{_ORDERS} 笔", took, 0.1, "")
        took = _timed(stage.buy, 20, 0.1)
        _show(f"buy → 看见行，已有 {_ORDERS} 笔", took, 0.1, "<= 2 跳")
        held = stage.held()
        wall_ms, cpu_ms = held["wall"] * 1000, held["cpu"] * 1000
        print(
            f"{'策略线程一跳里最多被占':<40} 墙钟 {wall_ms:.1f} ms，处理器 {cpu_ms:.1f} ms"
            f"{'':<20} 目标 <= {_HOLD_MS:g} ms",
            flush=True,
        )
    finally:
        stage.close()


ALL: Final = {"latency": latency, "table": table}


def main() -> None:
    from loguru import logger

    logger.remove()
    os.environ.setdefault("EASYTRADER_SIM_PROFILE", "instant")
    os.environ.setdefault("EASYTRADER_HOME", tempfile.mkdtemp(prefix="easytrader-bench-home-"))
    wanted = sys.argv[1:] or list(ALL)
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        sys.exit(f"没有这一项：{'、'.join(unknown)}；有：{'、'.join(ALL)}")
    for name in wanted:
        ALL[name]()


if __name__ == "__main__":
    main()
