"""状态机的主干：记命令、走时间、重开；各项业务的动作在各自的文件里（`laws_cash` 等）。"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from laws_books import Books
from laws_desk import Command, Desk, at, shown
from laws_world import KINDS, LONGEST_DAYS, World, worlds

CLOCKS = (
    *("09:14", "09:15", "09:18", "09:21", "09:24", "09:25", "09:28", "09:30", "09:31", "10:30"),
    *("11:29", "13:00", "13:30", "14:10", "14:50", "14:56", "14:57", "14:59", "15:00", "15:10"),
    *("11:45", "15:28", "15:40", "23:00"),
)


class Base(RuleBasedStateMachine):
    """一个文件夹、两个账户、交易所的时间。"""

    desk: Desk
    desk_class: ClassVar[type[Desk]] = Desk
    tally: ClassVar[Counter[str]] = Counter()
    """一共做到了些什么，`run.py` 最后印出来：没有做到的，定律管不着。"""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="定律 "))
        self.commands: list[Command] = []
        self.log: list[Any] = []

    @initialize(world=worlds())
    def begin(self, world: World) -> None:
        self.world = world
        self.desk = self.desk_class(self.root / "first", world)
        self.books = Books(self.desk, world)
        self.last = at(world.start, "15:00") + LONGEST_DAYS * 86400

    def teardown(self) -> None:
        """同样的世界与命令，另起一个文件夹、中途不重开：推送逐条相同，最后的样子也相同。"""
        try:
            if hasattr(self, "desk"):
                self._compare()
                self.tally.update(["次"])
                self.tally.update(self.books.seen(self.desk))
        finally:
            if hasattr(self, "desk"):
                self.desk.close()
            shutil.rmtree(self.root, ignore_errors=True)

    def _compare(self) -> None:
        twin = self.desk_class(self.root / "twin", self.world)
        try:
            for command, before in zip(self.commands, self.log, strict=True):
                assert twin.do(command) == before, f"再做一遍不一样：{command}"
            assert_same(twin.snapshot(), self.desk.snapshot())
            assert_same(twin.internals(), self.desk.internals())
        finally:
            twin.close()

    def run(self, *command: Any) -> None:
        """做一条命令，对账。"""
        note(f"{shown(self.desk.clock.now()):%m-%d %H:%M:%S} {command}")
        outcome = self.desk.do(command)
        self.tally["步"] += 1
        self.commands.append(command)
        self.log.append(outcome)
        self.books.follow(self.desk, outcome[1])

    def submit(self, *order: Any) -> None:
        """下一笔。"""
        self.wait_for_open()
        self.run("submit", *order)

    def wait_for_open(self) -> None:
        """休市下的单都被拒：多半先等到开市。"""
        opened = self.desk.next_open()
        if self.world.patient and opened is not None:
            self.go(opened)

    # ---- 时间

    def go(self, ts: float) -> None:
        # 存着的委托报出去之前先停一下：换日与报出去分开对账
        before = min(self.desk.state.queued.values(), default=ts) - 60
        if self.desk.clock.now() < before < ts <= self.last:
            self.run("go", before)
        if ts <= self.last:
            self.run("go", ts)

    @rule(clock=st.sampled_from(CLOCKS))
    def later(self, clock: str) -> None:
        """往后走到这个时刻；已经过了就到第二天的，不管第二天开不开市。"""
        now = self.desk.clock.now()
        target = at(shown(now).date(), clock)
        self.go(target if target > now else target + 86400)

    @rule(seconds=st.sampled_from([0.5, 3.0, 3.0, 40.0, 600.0]))
    def soon(self, seconds: float) -> None:
        self.go(self.desk.clock.now() + seconds)

    @rule(days=st.sampled_from([1, 1, 1, 2, 3, 9]), clock=st.sampled_from(["09:00", "10:00"]))
    def days_later(self, days: int, clock: str) -> None:
        now = self.desk.clock.now()
        self.go(at(shown(now).date(), clock) + days * 86400)

    # ---- 重开

    @rule(how=st.sampled_from(["reopen", "crash", "forget"]))
    def again(self, how: str) -> None:
        """关掉再开、突然没了再开、一步没有落成：都是原来的样子。"""
        self.desk.settle()
        before = self.desk.snapshot(), self.desk.internals()
        getattr(self.desk, how)()
        self.tally[f"重开 {how}"] += 1
        assert_same(self.desk.snapshot(), before[0])
        assert_same(self.desk.internals(), before[1])

    # ---- 撤单

    @precondition(lambda self: self.desk.state.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """撤当天的随便哪一笔，撤不了的也撤；偶尔撤别人的。"""
        orders = self.desk.state.orders
        order = orders[data.draw(st.sampled_from(sorted(orders)))]
        other = data.draw(st.integers(0, 19)) == 0
        name = next(each for each in KINDS if (each != order.account_id) == other)
        self.run("cancel", name, order.order_id)

    # ---- 报价

    def price(self, code: str, buy: bool, depth: int) -> float:
        """往对手盘里走几档的价格；没有行情随便报一个。"""
        quote = self.desk.quote(code)
        if quote is None:
            return 10.0
        if abs(depth) > 20:  # 涨跌停板上，或板外一点
            edge = quote.limit_up_li if depth > 0 else quote.limit_down_li
            return (edge or quote.last_li) / 1000
        gap = 10 if code[0] in "036849" else 1
        return max(quote.last_li + (depth if buy else -depth) * gap, gap) / 1000


def assert_same(one: dict[str, Any], two: dict[str, Any]) -> None:
    """两份样子逐项相同；不同就只说不同的那几项。"""
    differ = {
        key: (one.get(key), two.get(key)) for key in {*one, *two} if one.get(key) != two.get(key)
    }
    assert not differ, f"不一样：{differ}"
