"""几个账号、许多线程、fork、信号、解释器退出。"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, ROOT, Recorder, SimProcess, eventually, make_folder

import easytrader
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


_WARNINGS = (
    "-W",
    "error::ResourceWarning",
    # Python 3.12 起：厂商自己的包用了过时的函数；这里的脚本故意在有线程时 fork
    "-W",
    "ignore::DeprecationWarning:xtquant.xtbson.bson37.datetime_ms",
    "-W",
    "ignore:This process:DeprecationWarning",
)


def run(code: str, *arguments: str, dev: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            *(("-X", "dev") if dev else ()),
            *_WARNINGS,
            "-c",
            code,
            *arguments,
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)},
        check=False,
    )


def test_32_threads_on_one_trader(user: Any, recorder: Recorder) -> None:
    numbers: list[int] = []
    errors: list[BaseException] = []

    def trade(n: int) -> None:
        try:
            for _ in range(5):
                number = user.buy("600036", 33.0, 100)["entrust_no"]
                numbers.append(number)
                assert user.find_entrust(number)["order_id"] == number
                assert any(row["order_id"] == number for row in user.today_entrusts)
                assert user.balance[0]["total_asset"] > 0
                if n % 2:
                    assert user.cancel_entrust(number)["success"]
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=trade, args=(n,)) for n in range(32)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert errors == []
    assert len(set(numbers)) == 160
    assert sorted(row["order_id"] for row in user.today_entrusts) == sorted(numbers)

    def cancelled() -> int:
        return sum(row["order_status_name"] == "已撤" for row in user.today_entrusts)

    eventually(lambda: cancelled() == 80)  # 撤单有了应答，过一会儿才撤掉


def test_two_accounts_on_one_client_and_one_on_another(tmp_path: Path) -> None:
    one = make_folder(tmp_path / "甲" / "userdata_mini")
    create(one, (AccountConfig("2000000001"),))
    two = make_folder(tmp_path / "乙" / "userdata_mini")
    places = [(one, ACCOUNT), (one, "2000000001"), (two, ACCOUNT)]
    users, recorders = [], []
    for folder, account in places:
        recorder = Recorder()
        user = easytrader.use("sim")
        user.connect(str(folder), account, recorder)
        users.append(user)
        recorders.append(recorder)
    for count, user in enumerate(users, 1):
        for _ in range(count):
            user.buy("600036", 33.0, 100, client_order_id=f"{len(user.today_entrusts)}")
    for count, (user, recorder) in enumerate(zip(users, recorders, strict=True), 1):
        numbers = [row["order_id"] for row in user.today_entrusts]
        assert len(numbers) == count
        eventually(lambda told=recorder, wanted=numbers: told.numbers() == wanted)
    for user in users:
        user.close()


def test_two_traders_on_one_account_both_hear_everything(
    served: SimProcess, connect: Callable[..., Any]
) -> None:
    first, second = Recorder(), Recorder()
    users = [connect(first), connect(second)]
    numbers = [user.buy("600036", 33.0, 100)["entrust_no"] for user in users]
    for recorder in (first, second):
        eventually(lambda told=recorder: told.numbers() == numbers)


FORK = """
import os, sys
import easytrader
from loguru import logger
logger.remove()
path, account = sys.argv[1:]
user = easytrader.use("sim")
user.connect(path, account)
raw, held = user.trader, user.account
pid = os.fork()
if pid == 0:
    for use in (
        lambda: user.balance, lambda: user.buy("600036", 33.0, 100), lambda: user.cancel_all(),
        lambda: raw.query_stock_asset(held), lambda: user.connect(path, account),
    ):
        try:
            use()
        except easytrader.ClosedError as exc:
            print("子进程：", exc, flush=True)
    print(user.state, flush=True)
    user.close()
    sys.exit(0)
os.waitpid(pid, 0)
assert user.buy("600036", 33.0, 100)["entrust_no"] > 0
assert user.state == "已连接"
pid = os.fork()
if pid == 0:
    mine = easytrader.use("sim")
    mine.connect(path, account)
    print("子进程自己连：", len(mine.today_entrusts), flush=True)
    mine.close()
    sys.exit(0)
os.waitpid(pid, 0)
user.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="这个系统没有 fork")
def test_fork(sim_folder: Path) -> None:
    done = run(FORK, str(sim_folder), ACCOUNT)
    lines = done.stdout.splitlines()
    assert [line[:4] for line in lines[:5]] == ["子进程："] * 5, done.stdout + done.stderr
    assert all("请在子进程里重新" in line for line in lines[:5])
    assert lines[5:] == ["已关闭", "子进程自己连： 1"]
    assert done.returncode == 0
    assert done.stderr == ""


EXIT = """
import signal, sys, threading
import easytrader
from loguru import logger
logger.remove()
path, account, how = sys.argv[1:]
user = easytrader.use("sim", guard=True)
user.connect(path, account)
user.buy("600036", 33.0, 100, client_order_id="退出")
if how == "exception":
    raise RuntimeError("脚本自己的错")
if how == "events":
    threading.Thread(target=lambda: list(user.events(60)), daemon=True).start()
if how == "interrupt":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # 后台跑的测试里是忽略的
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    for event in user.events(60):
        pass
if how == "close":
    user.close()
"""


@pytest.mark.parametrize(
    ("how", "code"), [("fall off", 0), ("close", 0), ("events", 0), ("exception", 1)]
)
def test_the_interpreter_exits_without_noise(sim_folder: Path, how: str, code: int) -> None:
    done = run(EXIT, str(sim_folder), ACCOUNT, how)
    assert done.returncode == code
    noise = [line for line in done.stderr.splitlines() if "脚本自己的错" not in line]
    if how == "exception":
        noise = [line for line in noise if not line.startswith(("Traceback", "  "))]
    assert noise == []


def test_ctrl_c_ends_the_event_loop(sim_folder: Path) -> None:
    done = run(EXIT, str(sim_folder), ACCOUNT, "interrupt")
    assert done.stderr.splitlines()[-1:] == ["KeyboardInterrupt"]
    assert "Exception ignored" not in done.stderr


LOOP = """
import asyncio, sys
import easytrader
from loguru import logger
logger.remove()
path, account = sys.argv[1:]
async def main():
    loop = asyncio.get_running_loop()
    user = easytrader.use("sim")
    user.connect(path, account)
    number = user.buy("600036", 33.0, 100)["entrust_no"]
    events = (each for each in user.events(5) if each["event"] == "order")
    event = await asyncio.to_thread(next, events)
    assert event["data"]["order_id"] == number
    assert asyncio.get_running_loop() is loop
    user.close()
    print("好")
asyncio.run(main())
"""


def test_inside_a_running_loop(sim_folder: Path) -> None:
    done = run(LOOP, str(sim_folder), ACCOUNT, dev=False)  # 调试模式会报慢
    assert done.stdout.strip() == "好", done.stderr
    assert done.stderr == ""


LAST_WORDS = """
import atexit, os, sys
import easytrader
from easytrader.sim.host.faults import control
from loguru import logger
logger.remove()
path, account = sys.argv[1:]
def look():
    sessions = control(path, "status")["sessions"]
    print(sum(each["pid"] == os.getpid() for each in sessions), flush=True)
atexit.register(look)  # 最先登记，最后跑：这时进程还在，连接只会是我们自己断的
user = easytrader.use("miniqmt")
user.connect(path, account)
user.buy("600036", 33.0, 100, client_order_id="退出前")
look()
"""


def test_the_trader_is_closed_at_exit(served: SimProcess, connect: Callable[..., Any]) -> None:
    """没有 close() 的脚本，退出时也干净地断开（柜台看得到）：会话 id 归还，委托记录写完。"""
    done = run(LAST_WORDS, str(served.folder), ACCOUNT)
    assert done.stdout.split() == ["1", "0"], done.stderr
    assert done.stderr == ""
    user = connect()
    [record] = (served.folder / "easytrader_records" / ACCOUNT).glob("orders.sqlite")
    with closing(sqlite3.connect(record)) as db:
        assert db.execute("SELECT state FROM intents").fetchall() == [("placed",)]
    owners = list((served.folder / "easytrader_records" / ACCOUNT / "owners").iterdir())
    assert len(owners) <= 1
    assert user.find_entrust("退出前") is not None
