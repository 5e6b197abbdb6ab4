"""脚本的时间：现在是回放的那一刻，睡与等只花模拟的时间，别的线程等主线程走。"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sim.replay_script.replay_desk import BANK, DAYS, dailies, play, trading_days

from easytrader.basics import pace
from easytrader.sim.host.delivery import Delivery

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from easytrader.sim.gateway.wire import Message
    from easytrader.sim.host.delivery import Session

LOOK = """
import datetime, time
print(datetime.datetime.now(), datetime.date.today(), time.strftime("%H:%M"), time.time())
"""


def _data(folder: Path) -> Path:
    days = trading_days("2025-03-03", "2025-03-07")
    return dailies(folder / "bars.csv", (BANK,), days)


def test_now_is_the_replayed_moment(tmp_path: Path) -> None:
    shown = play(tmp_path, _data(tmp_path), LOOK, at="09:05:30")
    expected = [
        f"{day} 09:05:30 {day} 09:05 {datetime.fromisoformat(f'{day}T09:05:30+08:00').timestamp()}"
        for day in DAYS
    ]
    assert shown.lines == expected
    assert datetime.now(timezone.utc).year > 2025
    assert type(pace.current()) is pace.Pace


def test_sleeping_costs_no_real_time(tmp_path: Path) -> None:
    script = """
import time, threading, queue, datetime
time.sleep(300)
print(datetime.datetime.now())
threading.Event().wait(60)
print(datetime.datetime.now())
try:
    queue.Queue().get(timeout=30)
except queue.Empty:
    print(datetime.datetime.now())
"""
    began = time.perf_counter()
    shown = play(tmp_path, _data(tmp_path), script, days=DAYS[:1])
    assert time.perf_counter() - began < 60
    assert shown.lines == ["2025-03-03 14:55:00", "2025-03-03 14:56:00", "2025-03-03 14:56:30"]


def test_sleeping_past_the_day_stops_the_script(tmp_path: Path) -> None:
    script = "import time\nwhile True:\n    time.sleep(600)\n"
    shown = play(tmp_path, _data(tmp_path), script, days=DAYS[:2])
    assert [each.result for each in shown.days] == ["出错", "出错"]
    assert "到这一天结束还在等" in shown.days[0].why


def test_other_threads_wait_for_the_script(tmp_path: Path) -> None:
    script = """
import threading, time
seen = []
def look():
    for _ in range(3):
        time.sleep(10)
        seen.append(time.strftime("%H:%M:%S"))
thread = threading.Thread(target=look)
thread.start()
time.sleep(25)
print(seen)
thread.join()
print(seen, time.strftime("%H:%M:%S"))
"""
    shown = play(tmp_path, _data(tmp_path), script, days=DAYS[:1])
    assert shown.lines == [
        "['14:50:10', '14:50:20']",
        "['14:50:10', '14:50:20', '14:50:30'] 14:50:30",
    ]


def test_threads_left_behind_end_with_the_day(tmp_path: Path) -> None:
    script = """
import threading, time
def forever():
    while True:
        time.sleep(1)
threading.Thread(target=forever, name="left-behind", daemon=True).start()
time.sleep(5)
print("完")
"""
    shown = play(tmp_path, _data(tmp_path), script)
    assert shown.lines == ["完"] * 5
    left = [each for each in threading.enumerate() if each.name == "left-behind"]
    for each in left:
        each.join(10)
    assert not any(each.is_alive() for each in left)


def test_pushes_arrive_before_time_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """柜台送得再慢，时间也等推送送到才走；送到之前不算数，等的人才不会少等一条。"""
    hand, counted = Delivery._hand, []

    def late(self: Delivery, session: Session, message: Message) -> None:
        if message.kind != "answer":
            counted.append(self.pushed)
            threading.Event().wait(0.03)
        hand(self, session, message)

    monkeypatch.setattr(Delivery, "_hand", late)
    script = """
import time, easytrader
class Watch:
    def on_stock_order(self, order):
        print(time.strftime("%H:%M:%S"), order.order_status)
user = easytrader.use("sim")
user.connect("x", "1", Watch())
low = user.buy("600036", price=user.quote("600036")["600036"]["limit_down"], amount=100)
time.sleep(10)
user.cancel_entrust(low["entrust_no"])
time.sleep(0)
print("撤了", user.wait(low["entrust_no"], timeout=30)["order_status_name"])
"""
    shown = play(tmp_path, _data(tmp_path), script, days=DAYS[:1])
    assert shown.lines == ["14:50:00 50", "14:50:10 51", "14:50:10 54", "撤了 已撤"]
    assert counted == list(range(len(counted)))


def test_waiting_for_an_order(tmp_path: Path) -> None:
    """挂在够不着的价位：`wait` 等满模拟的三分钟；推送、`events` 在等的时候交付。"""
    script = """
import time, easytrader
class Watch:
    def __init__(self):
        self.seen = []
    def on_stock_order(self, order):
        self.seen.append((time.strftime("%H:%M:%S"), order.order_status))
watch = Watch()
user = easytrader.use("sim")
user.connect("x", "1", watch)
quote = user.quote("600036")["600036"]
low = user.buy("600036", price=quote["limit_down"], amount=100)
try:
    user.wait(low["entrust_no"], timeout=180)
except easytrader.WaitTimeoutError:
    print("没有成交", time.strftime("%H:%M:%S"))
user.cancel_entrust(low["entrust_no"])
done = user.wait(low["entrust_no"], timeout=30)
print(done["order_status_name"])
events = [each["event"] for each in user.events(timeout=5)]
print(len(events) > 1, time.strftime("%H:%M:%S"))
print(watch.seen[0][0], watch.seen[-1][1])
"""
    shown = play(tmp_path, _data(tmp_path), script, days=DAYS[:1])
    assert shown.days[0].result == "好", shown.output
    assert shown.lines[0] == "没有成交 14:53:00"
    assert shown.lines[1] == "已撤"
    assert shown.lines[2] == "True 14:53:05"
    assert shown.lines[3] == "14:50:00 54"
