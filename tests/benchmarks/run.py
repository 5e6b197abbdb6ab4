"""性能对比：一条命令印出与参照的比值。手工运行，不是测试::

    python tests/benchmarks/run.py            # 全部，约两分钟
    python tests/benchmarks/run.py buy query  # 只跑几项

参照都在同一台机器、同一个进程里交替着跑；机器上别的程序会抖动结果，所以报中位数与比值。
"""

from __future__ import annotations

import gc
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

if TYPE_CHECKING:
    from collections.abc import Callable

ATTRIBUTES = (
    "stock_code", "order_id", "order_sysid", "order_time", "order_type", "order_volume",
    "price_type", "price", "traded_volume", "traded_price", "order_status", "status_msg",
    "offset_flag", "strategy_name", "order_remark", "direction", "account_type", "account_id",
)  # fmt: skip


def show(name: str, value: str, target: str) -> None:
    print(f"{name:<44} {value:<34} 目标 {target}", flush=True)


class Bench:
    """一个内嵌的模拟柜台，一个厂商自己的会话，一个交易口。"""

    def __init__(self, cash_yuan: int = 10**10) -> None:
        import easytrader
        from easytrader.sim.config.folder import AccountConfig, create

        self.home = Path(tempfile.mkdtemp(prefix="easytrader-bench-"))
        create(self.home / "userdata_mini", (AccountConfig("1", cash=cash_yuan),))
        self.path = str(self.home / "userdata_mini")
        self.user = easytrader.use("sim")
        self.user.connect(self.path, "1")
        from xtquant.xttrader import XtQuantTrader, XtQuantTraderCallback
        from xtquant.xttype import StockAccount

        self.vendor = XtQuantTrader(self.path, 7)
        self.vendor.register_callback(XtQuantTraderCallback())
        self.vendor.start()
        assert self.vendor.connect() == 0
        self.account = StockAccount("1")
        self.number = 0

    def close(self) -> None:
        self.vendor.stop()
        self.user.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def vendor_buy(self) -> None:
        assert self.vendor.order_stock(self.account, "600036.SH", 23, 100, 11, 33.0, "", "") > 0

    def facade_buy(self) -> None:
        self.user.buy("600036", 33.0, 100)

    def facade_buy_once(self) -> None:
        self.number += 1
        self.user.buy("600036", 33.0, 100, client_order_id=f"2026-11-21-600036-{self.number}")

    def vendor_read(self) -> None:
        for order in self.vendor.query_stock_orders(self.account):
            [getattr(order, name) for name in ATTRIBUTES]


def alternate(
    first: Callable[[], object], second: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """交替计时，返回两者的中位数（秒）。"""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        first()
        middle = time.perf_counter()
        second()
        theirs.append(middle - began)
        ours.append(time.perf_counter() - middle)
    return statistics.median(theirs), statistics.median(ours)


def buy() -> None:
    bench = Bench()
    alternate(bench.vendor_buy, bench.facade_buy, 300)
    theirs, ours = alternate(bench.vendor_buy, bench.facade_buy, 3000)
    bench.close()
    show(
        "buy / 厂商 order_stock",
        f"{ours * 1e6:.0f} / {theirs * 1e6:.0f} us = {ours / theirs:.2f}",
        "<= 1.15",
    )


def once() -> None:
    """带 client_order_id：意向先落盘，结果再落盘。"""
    bench = Bench()
    alternate(bench.vendor_buy, bench.facade_buy_once, 300)
    theirs, ours = alternate(bench.vendor_buy, bench.facade_buy_once, 3000)
    bench.close()
    show(
        "buy(client_order_id=…) / 厂商 order_stock",
        f"{ours * 1e6:.0f} / {theirs * 1e6:.0f} us = {ours / theirs:.2f}",
        "<= 1.3",
    )


def asynchronous() -> None:
    """一阵 200 笔：发完用的时间，和全部应答收齐用的时间；另量一次 1,000 笔。"""
    bench = Bench()
    from xtquant.xttrader import XtQuantTraderCallback

    answered = threading.Semaphore(0)

    class Callback(XtQuantTraderCallback):  # type: ignore[misc]
        def on_order_stock_async_response(self, response: Any) -> None:
            answered.release()

    bench.vendor.register_callback(Callback())

    def theirs(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            bench.vendor.order_stock_async(bench.account, "600036.SH", 23, 100, 11, 33.0, "", "")
        sent = time.perf_counter() - began
        for _ in range(count):
            answered.acquire()
        return sent

    def ours(count: int) -> float:
        began = time.perf_counter()
        receipts = [bench.user.buy_async("600036", 33.0, 100) for _ in range(count)]
        sent = time.perf_counter() - began
        for receipt in receipts:
            receipt.result()
        return sent

    for count in (200, 1000):
        sents: list[tuple[float, float]] = []
        both = alternate(
            lambda count=count, sents=sents: sents.append((theirs(count), 0.0)),  # type: ignore[misc]
            lambda count=count, sents=sents: sents.append((0.0, ours(count))),  # type: ignore[misc]
            10,
        )
        vendor_us, our_us = (
            statistics.median(pair[which] for pair in sents if pair[which]) / count * 1e6
            for which in (0, 1)
        )
        show(
            f"buy_async，{count} 笔发完，每笔 / 厂商 order_stock_async",
            f"{our_us:.0f} / {vendor_us:.0f} us = {our_us / vendor_us:.2f}",
            "仅供参考",
        )
        total_us = [each / count * 1e6 for each in both]
        show(
            f"buy_async，{count} 笔应答收齐，每笔 / 同上",
            f"{total_us[1]:.0f} / {total_us[0]:.0f} us = {total_us[1] / total_us[0]:.2f}",
            "<= 2",
        )
    bench.close()


def guarded() -> None:
    """只开程序化交易的笔数：每秒、每天各记一笔。"""
    bench = Bench()
    bench.user.guard = {"max_per_second": 10**6, "max_per_day": 10**8}
    alternate(bench.vendor_buy, bench.facade_buy, 300)
    theirs, ours = alternate(bench.vendor_buy, bench.facade_buy, 3000)
    bench.close()
    show(
        "buy，开着风控 / 厂商 order_stock",
        f"{ours * 1e6:.0f} / {theirs * 1e6:.0f} us = {ours / theirs:.2f}",
        "仅供参考",
    )


def query() -> None:
    bench = Bench()
    for _ in range(2500):
        bench.vendor_buy()
        bench.facade_buy()
    alternate(bench.vendor_read, lambda: bench.user.today_entrusts, 5)
    gc.collect()
    theirs, ours = alternate(bench.vendor_read, lambda: bench.user.today_entrusts, 40)
    count = len(bench.user.today_entrusts)
    bench.close()
    show(
        f"today_entrusts（{count} 笔）/ 厂商查询加读属性",
        f"{ours * 1e3:.1f} / {theirs * 1e3:.1f} ms = {ours / theirs:.2f}",
        "<= 1.5",
    )


def import_() -> None:
    def once(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - began

    theirs, ours = alternate(lambda: once("import loguru"), lambda: once("import easytrader"), 15)
    show(
        "import easytrader 比 import loguru 多",
        f"{(ours - theirs) * 1e3:.0f} ms（{ours * 1e3:.0f} / {theirs * 1e3:.0f}）",
        "<= 40 ms",
    )


def rate() -> None:
    bench = Bench()
    bench.user.close()
    for count in (3000,):
        began = time.perf_counter()
        for _ in range(count):
            bench.vendor_buy()
        took = time.perf_counter() - began
        show("经厂商层的同步委托，账本开着", f"{count / took:.0f} 笔/秒", ">= 2000")
    answered = threading.Semaphore(0)

    class Callback:
        def on_order_stock_async_response(self, response: Any) -> None:
            answered.release()

        def __getattr__(self, name: str) -> Any:
            return lambda *args: None

    bench.vendor.register_callback(Callback())
    began = time.perf_counter()
    for _ in range(5000):
        bench.vendor.order_stock_async(bench.account, "600036.SH", 23, 100, 11, 33.0, "", "")
    for _ in range(5000):
        assert answered.acquire(timeout=30)
    took = time.perf_counter() - began
    bench.close()
    show("经厂商层的异步委托，账本开着", f"{5000 / took:.0f} 笔/秒", ">= 2000")


def scale() -> None:
    bench = Bench(cash_yuan=10**12)
    bench.user.close()

    def cost(count: int) -> float:
        spent = []
        for _ in range(count):
            began = time.perf_counter()
            bench.vendor_buy()
            spent.append(time.perf_counter() - began)
        return statistics.median(spent)

    def fill_up_to(total: int) -> None:
        """异步地把当天的委托数推到 total。"""
        pending = threading.Semaphore(2000)

        class Callback:
            def on_order_stock_async_response(self, response: Any) -> None:
                pending.release()

            def __getattr__(self, name: str) -> Any:
                return lambda *args: None

        bench.vendor.register_callback(Callback())
        have = len(bench.vendor.query_stock_orders(bench.account))
        for _ in range(total - have):
            assert pending.acquire(timeout=30)
            bench.vendor.order_stock_async(bench.account, "600036.SH", 23, 100, 11, 33.0, "", "")
        for _ in range(2000):
            assert pending.acquire(timeout=30)

    fill_up_to(1000)
    few = cost(2000)
    fill_up_to(100_000)
    many = cost(2000)
    bench.close()
    show(
        "当天 10 万笔时每笔 / 1 千笔时每笔",
        f"{many * 1e6:.0f} / {few * 1e6:.0f} us = {many / few:.2f}",
        "<= 1.3",
    )


def reconnect() -> None:
    """杀掉、再起，到又能交易为止：从进程就绪算起。"""
    from support import ACCOUNT, SimProcess, make_folder

    import easytrader

    for interval in (0.5, 5.0):
        home = Path(tempfile.mkdtemp(prefix="easytrader-bench-"))
        process = SimProcess(make_folder(home / "userdata_mini", connect_wait_s=3.0))
        process.start()
        user = easytrader.use("miniqmt")
        user.connect(str(process.folder), ACCOUNT, reconnect_interval=interval)
        took = []
        for _ in range(3):
            process.kill()
            threading.Event().wait(interval * 0.7)
            process.start()
            began = time.perf_counter()
            while user.state != "已连接":
                threading.Event().wait(0.002)
            assert user.balance
            took.append(time.perf_counter() - began)
        user.close()
        process.kill()
        shutil.rmtree(home, ignore_errors=True)
        show(
            f"重启后恢复交易（间隔 {interval:g} 秒）",
            f"最慢 {max(took):.2f} 秒",
            f"<= {interval + 1:g} 秒",
        )


def year() -> None:
    from bench_year import year as replay_a_year

    replay_a_year(show)


def replay() -> None:
    from bench_replay import year as replay_a_script

    replay_a_script(show)


def bigqmt() -> None:
    """真的另一个进程里的内置 Python，见 `bench_bigqmt`。"""
    from bench_bigqmt import latency, table

    latency()
    table()


ALL = {
    "buy": buy, "once": once, "async": asynchronous, "guarded": guarded, "query": query,
    "import": import_, "rate": rate, "scale": scale, "reconnect": reconnect, "year": year,
    "replay": replay, "bigqmt": bigqmt,
}  # fmt: skip


def main() -> None:
    from loguru import logger

    logger.remove()
    os.environ.setdefault("EASYTRADER_SIM_PROFILE", "instant")  # 量要多少活，不量等多久
    os.environ.setdefault("EASYTRADER_HOME", tempfile.mkdtemp(prefix="easytrader-bench-home-"))
    os.environ.setdefault("EASYTRADER_SIM_PROFILE", "instant")  # 量的是程序，不是柜台的快慢
    wanted = sys.argv[1:] or list(ALL)
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        sys.exit(f"没有这一项：{'、'.join(unknown)}；有：{'、'.join(ALL)}")
    for name in wanted:
        ALL[name]()


if __name__ == "__main__":
    main()
