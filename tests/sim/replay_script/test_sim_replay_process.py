"""每天像一个新的进程；出错的日子记下来，明天照跑；真的柜台够不着。"""

from __future__ import annotations

import asyncio
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest
from sim.replay_script.replay_desk import BANK, DAYS, HOME, WHERE, dailies, play, trading_days

from easytrader.basics import replaying
from easytrader.errors import SimulatorError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    days = trading_days("2025-03-03", "2025-03-07")
    return dailies(tmp_path / "bars.csv", (BANK, HOME), days)


def test_every_day_is_a_new_process(tmp_path: Path, bars: Path) -> None:
    (tmp_path / "helper.py").write_text("count = 0\n", encoding="utf-8")
    script = """
        import atexit, logging, os, sys
        import helper
        helper.count += 1
        assert "seen" not in globals() and "SEEN" not in os.environ
        seen = os.environ["SEEN"] = "1"
        logging.basicConfig(level=logging.INFO)
        atexit.register(lambda: print("再见"))
        print(__name__, helper.count, sys.argv[1:], len(logging.getLogger().handlers))
    """
    before = list(sys.path), sys.modules["__main__"]
    shown = play(tmp_path, bars, textwrap.dedent(script), days=DAYS[:3], arguments=["--a", "1"])
    assert [each.result for each in shown.days] == ["好"] * 3, shown.output
    first = shown.lines[0]
    assert first.startswith("__main__ 1 ['--a', '1'] ")
    assert shown.lines == [first, "再见"] * 3
    assert (list(sys.path), sys.modules["__main__"]) == before
    assert "helper" not in sys.modules


def test_a_bad_day_is_recorded(tmp_path: Path, bars: Path) -> None:
    script = """
        import datetime, sys
        day = datetime.date.today().day
        if day == 4:
            raise RuntimeError("周二不行")
        if day == 5:
            sys.exit(3)
        if day == 6:
            sys.exit("周四说的话")
        if day == 7:
            sys.exit(0)
    """
    shown = play(tmp_path, bars, textwrap.dedent(script))
    assert [each.result for each in shown.days] == ["好", "出错", "出错", "出错", "好"]
    assert [each.why for each in shown.days[1:4]] == [
        "RuntimeError: 周二不行",
        "退出码 3",
        "周四说的话",
    ]
    assert 'raise RuntimeError("周二不行")' in shown.days[1].trace
    assert "process.py" not in shown.days[1].trace
    assert "周二不行" in shown.results.to_markdown()
    stopped = play(tmp_path, bars, textwrap.dedent(script), stop_on_error=True)
    assert len(stopped.days) == 2


def test_a_script_that_never_waits_is_stopped(tmp_path: Path, bars: Path) -> None:
    shown = play(tmp_path, bars, "while True:\n    pass\n", days=DAYS[:1], day_timeout=0.3)
    assert "跑得太久" in shown.days[0].why


def test_whatever_it_connects_to(tmp_path: Path, bars: Path) -> None:
    """真的客户端、远程、模拟，都是同一个账户；脚本看到的账号是它写的。"""
    script = f"""
        import easytrader
        def cash(user):
            row = user.balance[0]
            return row["cash"], row["account_id"]
        one = easytrader.use("miniqmt")
        one.connect({WHERE!r}, "8881234567")
        two = easytrader.use("remote")
        two.connect("https://win-box:7788", token="et_x", account="8880000000")
        three = easytrader.use("模拟")
        three.connect()
        print(cash(one), cash(two), cash(three))
        made = one.buy("600036", price=one.quote("600036")["600036"]["last"] + 0.1, amount=100)
        assert two.position[0]["volume"] == three.position[0]["volume"] == 100
        assert one.today_entrusts[0]["account_id"] == "8881234567"
    """
    shown = play(tmp_path, bars, textwrap.dedent(script), days=DAYS[:1], cash=50000)
    assert shown.days[0].result == "好", shown.output
    told = [(50000.0, each) for each in ("8881234567", "8880000000", "1000000001")]
    assert shown.lines == [" ".join(map(str, told))]


def test_the_vendor_itself(tmp_path: Path, bars: Path) -> None:
    script = f"""
        import time
        from xtquant import xtconstant, xtdata
        from xtquant.xttrader import XtQuantTrader, XtQuantTraderCallback
        from xtquant.xttype import StockAccount
        class Heard(XtQuantTraderCallback):
            def on_stock_trade(self, trade):
                print("成交", trade.account_id, trade.traded_volume, time.strftime("%H:%M:%S"))
        trader = XtQuantTrader({WHERE!r}, 123456)
        trader.register_callback(Heard())
        trader.start()
        assert trader.connect() == 0
        account = StockAccount("8881234567")
        assert trader.subscribe(account) == 0
        tick = xtdata.get_full_tick(["600036.SH"])["600036.SH"]
        price = tick["lastPrice"] + 0.1
        number = trader.order_stock(
            account, "600036.SH", xtconstant.STOCK_BUY, 200, xtconstant.FIX_PRICE, price, "s", "r"
        )
        assert number > 0
        time.sleep(3)
        [held] = trader.query_stock_positions(account)
        print(held.account_id, held.volume)
    """
    shown = play(tmp_path, bars, textwrap.dedent(script), days=DAYS[:2])
    assert [each.result for each in shown.days] == ["好", "好"], shown.output
    told = next(line for line in shown.lines if line.startswith("成交"))
    assert told.startswith("成交 8881234567 200 14:50:0")
    assert "8881234567 200" in shown.lines
    assert shown.lines[-1] == "8881234567 400"


def test_every_day_has_its_own_event_loop(tmp_path: Path, bars: Path) -> None:
    """``asyncio.run`` 之后主线程没有循环了，厂商的构造函数要它：明天是新的进程，又有了。"""
    script = f"""
        import asyncio
        from xtquant.xttrader import XtQuantTrader
        trader = XtQuantTrader({WHERE!r}, 123456)
        async def main():
            return asyncio.get_running_loop()
        print(asyncio.run(main()).is_closed())
    """
    asyncio.run(_nothing())
    shown = play(tmp_path, bars, textwrap.dedent(script), days=DAYS[:2])
    assert [each.result for each in shown.days] == ["好", "好"], shown.output
    assert shown.lines == ["True", "True"]


async def _nothing() -> None:
    """跑过它，本线程的循环就没有了。"""


def test_a_child_process_may_not_trade(tmp_path: Path, bars: Path) -> None:
    script = """
        import subprocess, sys
        done = subprocess.run(
            [sys.executable, "-c", "import easytrader; easytrader.use('miniqmt')"],
            capture_output=True, text=True, encoding="utf-8",
        )
        print(done.returncode, "不许交易" in done.stderr)
    """
    shown = play(tmp_path, bars, textwrap.dedent(script), days=DAYS[:1])
    assert shown.lines == ["1 True"], shown.output


def test_nothing_reaches_the_network(tmp_path: Path) -> None:
    from easytrader.qka.client import QMTClient

    with replaying.started(str(tmp_path), "1"), pytest.raises(SimulatorError, match="正在回放"):
        QMTClient("http://localhost:1", token="et_x").api("query_stock_asset")
    assert replaying.current() is None


def test_a_day_without_data_is_not_run(tmp_path: Path) -> None:
    days = trading_days("2025-03-03", "2025-03-07")
    data = dailies(tmp_path / "bars.csv", (BANK,), days, halted="2025-03-05")
    shown = play(tmp_path, data, "print('跑')")
    assert [each.result for each in shown.days] == ["好", "好", "没有行情", "好", "好"]
    assert shown.lines == ["跑"] * 4


def test_a_script_that_cannot_be_compiled(tmp_path: Path, bars: Path) -> None:
    with pytest.raises(UsageError, match="编译不了"):
        play(tmp_path, bars, "def :\n")


def test_no_thread_is_left(tmp_path: Path, bars: Path) -> None:
    script = "import easytrader\nuser = easytrader.use('sim')\nuser.connect()\n"
    before = threading.active_count()
    play(tmp_path, bars, script, days=DAYS[:2])
    assert threading.active_count() <= before + 1


def test_the_shell_and_the_profile(tmp_path: Path, bars: Path) -> None:
    """账号的设置、进程里的 `easytrader rebalance` 也都是回放的；一条通知也不送。"""
    targets = tmp_path / "targets.csv"
    targets.write_text("code,weight\n600036.SH,0.2\n", encoding="utf-8")
    mark = tmp_path / "told.txt"
    script = f"""
        import sys
        from easytrader import profiles
        from easytrader.cli import main
        home = profiles.folder()
        home.mkdir(parents=True, exist_ok=True)
        (home / "main.toml").write_text('''
        broker = "miniqmt"
        [connect]
        miniqmt_path = {WHERE!r}
        stock_account = "8881234567"
        [[notify]]
        kind = "command"
        command = [{sys.executable!r}, "-c", "open({str(mark)!r}, 'w')"]
        '''.replace("\\n        ", "\\n"), encoding="utf-8")
        with profiles.open("main") as user:
            print(user.balance[0]["account_id"])
        code = main(["rebalance", {str(targets)!r}, "--profile", "main", "--yes"])
        assert code == 0, code
        with profiles.open("main") as user:
            [held] = user.position
            print(held["stock_code"], held["volume"] > 0)
    """
    shown = play(tmp_path, bars, textwrap.dedent(script), days=DAYS[:1], cash=100000)
    assert shown.days[0].result == "好", shown.output
    assert shown.lines[0] == "1000000001"
    assert shown.lines[-1] == "600036.SH True"
    assert not mark.exists()
