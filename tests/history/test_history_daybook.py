"""往日的账：看到的都记下，旧的不盖新的，几个程序一起写，写不下去也不碍着交易。"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, ROOT, eventually, make_folder

import easytrader
from easytrader import rows
from easytrader.backend import records
from easytrader.backend.records import Side
from easytrader.basics.beijing import moment
from easytrader.basics.days import A_SHARES
from easytrader.basics.log import Log
from easytrader.errors import JournalError
from easytrader.history import daybook
from easytrader.history.daybook import Daybook
from easytrader.records.memory import MemoryStorage
from easytrader.records.sqlite import SqliteStorage
from easytrader.sim.config.folder import RECORDS
from easytrader.sim.host.lease import reset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader
    from easytrader.records.storage import Kept

NINE = moment("2026-11-30 09:31")
DAY = "2026-11-30"


class Clock:
    """柜台的钟，由测试来拨。"""

    now = NINE

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_book(clock: Clock) -> Iterator[Callable[..., Daybook]]:
    opened: list[Daybook] = []

    def open_(storage: Any = None) -> Daybook:
        made = Daybook(storage or MemoryStorage(), Log(), A_SHARES, rows.order_row, clock)
        opened.append(made)
        return made

    yield open_
    for each in opened:
        each.close()


@pytest.fixture
def book(open_book: Callable[..., Daybook]) -> Daybook:
    return open_book()


def order(number: int = 1, **changes: Any) -> records.Order:
    given: dict[str, Any] = {
        "stock_code": "600036.SH", "order_id": number, "side": Side.BUY, "order_volume": 100,
        "order_status": 50, "order_time": int(NINE), "price": 33.0, **changes,
    }  # fmt: skip
    return records.Order(**given)


def trade(number: int = 1, **changes: Any) -> records.Trade:
    given: dict[str, Any] = {
        "stock_code": "600036.SH", "order_id": number, "side": Side.BUY,
        "traded_id": f"T{number}", "traded_time": int(NINE), "traded_price": 33.0,
        "traded_volume": 100, **changes,
    }  # fmt: skip
    return records.Trade(**given)


def read(book: Daybook, kind: str, first: str = DAY, last: str = DAY) -> list[Kept]:
    return [each for each in book.read(first, last, time.monotonic() + 10) if each.kind == kind]


def statuses(book: Daybook) -> list[int]:
    return [each.data["row"]["order_status"] for each in read(book, daybook.ORDER)]


class TestWhatStays:
    def test_an_older_state_does_not_cover_a_final_one(self, book: Daybook) -> None:
        book.delivered(records.OrderChanged(order(order_status=56, traded_volume=100)))
        book.saw(daybook.ORDER, [order(order_status=55, traded_volume=60)])
        assert statuses(book) == [56]
        book.saw(daybook.ORDER, [order(order_status=50)])
        assert statuses(book) == [56]

    def test_nothing_comes_after_a_final_state(self, book: Daybook) -> None:
        book.saw(daybook.ORDER, [order(order_status=53, traded_volume=60)])
        assert statuses(book) == [53]
        book.saw(daybook.ORDER, [order(order_status=55, traded_volume=80)])
        assert statuses(book) == [53]

    def test_more_filled_wins_over_a_later_status(self, book: Daybook) -> None:
        book.saw(daybook.ORDER, [order(order_status=51)])  # 已报待撤
        assert statuses(book) == [51]
        book.saw(daybook.ORDER, [order(order_status=55, traded_volume=60)])  # 撤单失败，接着成交
        assert statuses(book) == [55]
        book.saw(daybook.ORDER, [order(order_status=51)])
        assert statuses(book) == [55]

    def test_why_it_was_refused_comes_late(self, book: Daybook) -> None:
        book.saw(daybook.ORDER, [order(order_status=57)])
        assert statuses(book) == [57]
        book.saw(daybook.ORDER, [order(order_status=57, status_msg="资金不足")])
        [found] = read(book, daybook.ORDER)
        assert found.data["row"]["status_msg"] == "资金不足"

    def test_the_tag_is_kept_and_the_remark_is_the_users(self, book: Daybook) -> None:
        book.saw(daybook.ORDER, [order(order_remark="~abcdefghi~我的"), order(2)])
        first, second = (each.data for each in read(book, daybook.ORDER))
        assert (first["tag"], first["row"]["order_remark"]) == ("abcdefghi", "我的")
        assert second["tag"] == ""

    def test_a_trade_that_was_delivered_stays_so(self, book: Daybook) -> None:
        book.saw(daybook.TRADE, [trade(1), trade(2)])
        ranks = {each.data["row"]["order_id"]: each.rank for each in read(book, daybook.TRADE)}
        assert ranks == {1: daybook.SEEN, 2: daybook.SEEN}
        book.delivered(records.Traded(trade(1)))
        book.saw(daybook.TRADE, [trade(1), trade(2)])
        ranks = {each.data["row"]["order_id"]: each.rank for each in read(book, daybook.TRADE)}
        assert ranks == {1: daybook.DELIVERED, 2: daybook.SEEN}

    def test_the_same_trade_number_on_another_day(self, book: Daybook, clock: Clock) -> None:
        book.saw(daybook.TRADE, [trade(1)])
        clock.now += 86400
        assert len(read(book, daybook.TRADE)) == 1
        book.saw(daybook.TRADE, [trade(1, traded_time=int(clock.now))])
        assert len(read(book, daybook.TRADE, DAY, "2026-12-01")) == 2

    def test_the_first_and_the_last_asset_of_each_minute(self, book: Daybook, clock: Clock) -> None:
        for seconds, cash in ((0, 1.0), (10, 2.0), (20, 3.0), (70, 4.0)):
            clock.now = NINE + seconds
            book.saw(daybook.ASSET, records.Asset(total_asset=cash, cash=cash))
        found = read(book, daybook.ASSET)
        assert {each.key == daybook.FIRST: each.data["row"]["cash"] for each in found} == {
            True: 1.0, False: 4.0,
        }  # fmt: skip
        assert [each.data["row"]["cash"] for each in found] == [1.0, 3.0, 4.0]

    def test_another_program_started_earlier_that_day(
        self, open_book: Callable[..., Daybook], clock: Clock
    ) -> None:
        shared = MemoryStorage()
        late, early = open_book(shared), open_book(shared)
        clock.now = NINE + 600
        late.saw(daybook.ASSET, records.Asset(total_asset=2.0, cash=2.0))
        assert len(read(late, daybook.ASSET)) == 2
        clock.now = NINE
        early.saw(daybook.ASSET, records.Asset(total_asset=1.0, cash=1.0))
        [first] = [each for each in read(early, daybook.ASSET) if each.key == daybook.FIRST]
        assert first.data["row"]["cash"] == 1.0

    def test_positions_are_written_when_a_volume_changes(self, book: Daybook, clock: Clock) -> None:
        def saw(volume: int, worth: float) -> tuple[int, float]:
            held = records.Position(stock_code="600036.SH", volume=volume, market_value=worth)
            book.saw(daybook.POSITIONS, [held])
            [found] = read(book, daybook.POSITIONS)
            [row] = found.data["rows"]
            return row["volume"], row["market_value"]

        assert saw(100, 1.0) == (100, 1.0)
        clock.now += 1
        assert saw(100, 2.0) == (100, 1.0)  # 只是价变了
        assert saw(200, 3.0) == (200, 3.0)
        clock.now += 61
        assert saw(200, 4.0) == (200, 4.0)

    def test_which_day(self, book: Daybook, clock: Clock) -> None:
        book.saw(daybook.ORDER, [
            order(1, order_time=int(NINE - 86400)),
            order(2, order_time=0),  # 报到交易所之前不给时间的柜台
            order(3, order_time=int(NINE + 86400)),  # 不可信
        ])  # fmt: skip
        found = {each.key: each.day for each in read(book, daybook.ORDER, "2026-11-01", DAY)}
        assert found == {"1": "2026-11-29", "2": DAY, "3": DAY}

    def test_decimals_come_back(self, open_book: Callable[..., Daybook], tmp_path: Path) -> None:
        book = open_book(SqliteStorage(tmp_path))
        book.saw(daybook.ORDER, [order(order_volume=Decimal("0.10"), order_id="007")])
        [found] = read(book, daybook.ORDER)
        assert found.data["row"]["order_volume"] == Decimal("0.10")
        assert found.data["row"]["order_id"] == "007"

    def test_what_cannot_be_read_costs_only_itself(self, book: Daybook, logged: list[str]) -> None:
        book.saw(daybook.ORDER, [object()])
        book.saw(daybook.TRADE, [trade()])
        assert len(read(book, daybook.TRADE)) == 1
        assert any("往日的账记不下来" in line for line in logged)


class TestSpans:
    def test_while_connected(self, book: Daybook, clock: Clock) -> None:
        book.delivered(records.Connected())
        clock.now += 60
        book.delivered(records.Disconnected())
        clock.now += 60
        book.delivered(records.Connected())
        clock.now += 60
        spans = [(each.data["from"] - NINE, each.data["to"] - NINE)
                 for each in read(book, daybook.SPAN)]  # fmt: skip
        assert [tuple(map(round, each)) for each in spans] == [(0, 60), (120, 180)]

    def test_over_midnight(self, book: Daybook, clock: Clock) -> None:
        book.delivered(records.Connected())
        clock.now += 86400
        read(book, daybook.SPAN)
        clock.now += 60
        [before, after] = read(book, daybook.SPAN, DAY, "2026-12-01")
        assert (before.day, after.day) == (DAY, "2026-12-01")
        assert before.data["to"] == pytest.approx(NINE, abs=1)  # 上一次说话的时候
        assert after.data["from"] == pytest.approx(NINE, abs=1)
        assert after.data["to"] - NINE == pytest.approx(86460, abs=1)

    def test_times_never_tie(self, book: Daybook) -> None:
        assert book.now() < book.now() < book.now() < NINE + 1


class TestNeverInTheWay:
    def test_a_stuck_disk_costs_records_not_time(
        self, open_book: Callable[..., Daybook], logged: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stuck, writing, storage = threading.Event(), threading.Event(), MemoryStorage()
        put = storage.days().put

        def slow(*given: Any) -> None:
            writing.set()
            stuck.wait(30)
            put(*given)

        monkeypatch.setattr(storage.days(), "put", slow)
        book = open_book(storage)
        try:
            book.delivered(records.Traded(trade(0)))
            assert writing.wait(30)  # 写的线程卡住了，此后没有人取
            for number in range(1, 2 * daybook.MOST):
                book.delivered(records.Traded(trade(number)))
            assert len(book._queue) == daybook.MOST
            assert sum("往日的账记不下来" in line for line in logged) == 1
        finally:
            stuck.set()
        eventually(lambda: not book._queue)
        kept_ = len(read(book, daybook.TRADE))
        assert daybook.MOST <= kept_ < 2 * daybook.MOST

    def test_a_broken_disk_is_told_once(
        self, open_book: Callable[..., Daybook], logged: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        storage = MemoryStorage()
        full = pytest.MonkeyPatch()

        def broken(*_: Any) -> None:
            raise JournalError("磁盘满")

        full.setattr(storage.days(), "put", broken)
        book = open_book(storage)
        for number in range(3):
            book.delivered(records.Traded(trade(number)))
            assert read(book, daybook.TRADE) == []
        assert sum("磁盘满" in line for line in logged) == 1
        full.undo()
        eventually(lambda: len(book._days._rows) == 3)  # type: ignore[attr-defined]  # 好了以后自己写下去
        assert [each.rank for each in read(book, daybook.TRADE)] == [daybook.DELIVERED] * 3

    def test_no_thread_is_a_warning(
        self, book: Daybook, logged: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_thread(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", no_thread)
        book.delivered(records.Traded(trade()))
        monkeypatch.undo()
        assert any("can't start new thread" in line for line in logged)
        assert len(read(book, daybook.TRADE)) == 1

    def test_a_broken_clock(self, open_book: Callable[..., Daybook]) -> None:
        def broken() -> float:
            raise OSError("柜台正在关")

        book = Daybook(MemoryStorage(), Log(), A_SHARES, rows.order_row, broken)
        assert book.now() == pytest.approx(time.time(), abs=60)

    def test_nothing_after_it_is_closed(self, book: Daybook) -> None:
        book.saw(daybook.TRADE, [trade(1)])
        book.close()
        book.saw(daybook.TRADE, [trade(2)])
        book.delivered(records.Traded(trade(3)))
        assert len(read(book, daybook.TRADE)) == 1
        assert book._thread is None

    def test_told_to_stop_just_after_looking(self, book: Daybook) -> None:
        """写的线程刚看过「不用停」就被叫停：那一声不能丢。"""

        class Late(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                told = super().wait(timeout)
                if not told:
                    self.set()
                    book._wake.set()
                return told

        book._resting = Late()
        book.saw(daybook.TRADE, [trade(1)])
        eventually(lambda: not book._thread.is_alive())  # type: ignore[union-attr]

    def test_resting_is_not_the_end(self, book: Daybook) -> None:
        book.saw(daybook.TRADE, [trade(1)])
        book.close(final=False)
        assert not [each for each in threading.enumerate() if each.name == "easytrader-daybook"]
        book.saw(daybook.TRADE, [trade(2)])
        eventually(lambda: len(book._days._rows) == 2)  # type: ignore[attr-defined]


_WRITER = """
import sys, time
from easytrader import rows
from easytrader.backend import records
from easytrader.backend.records import Side
from easytrader.basics.days import A_SHARES
from easytrader.basics.log import Log
from easytrader.history.daybook import Daybook
from easytrader.records.sqlite import SqliteStorage
from pathlib import Path

storage, who = SqliteStorage(Path(sys.argv[1])), int(sys.argv[2])
book = Daybook(storage, Log(), A_SHARES, rows.order_row, time.time)
print("开始", flush=True)
for number in range(200):
    book.delivered(records.Traded(records.Trade(
        stock_code="600036.SH", order_id=who * 1000 + number, side=Side.BUY, traded_id=f"{number}",
        traded_time=int(time.time()), traded_price=33.0, traded_volume=100)))
    if number % 20 == 0:
        time.sleep(0.02)
print("写了", flush=True)
if who == 0:
    sys.stdin.read()
book.close()
"""


def test_several_programs_write_one_file(tmp_path: Path, open_book: Callable[..., Daybook]) -> None:
    """三个写完正常走，一个写到一半就杀：别人的一条不少，文件是好的。"""
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), str(who)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", cwd=ROOT,
        )
        for who in range(4)
    ]  # fmt: skip
    victim, *others = programs
    try:
        assert victim.stdout is not None
        victim.stdout.readline()
        victim.kill()
        for each in others:
            each.communicate(timeout=60)
            assert each.returncode == 0
    finally:
        for each in programs:
            each.kill()
            each.communicate()
    found = open_book(SqliteStorage(tmp_path)).read(
        "2026-01-01", "2999-01-01", time.monotonic() + 9
    )
    mine = [each.data["row"]["order_id"] // 1000 for each in found if each.kind == daybook.TRADE]
    assert {who: mine.count(who) for who in (1, 2, 3)} == {1: 200, 2: 200, 3: 200}


# ---- 真的交易口


def of_user(user: SimTrader, kind: str) -> list[Kept]:
    book = user._engine.book
    assert book is not None
    found = book.read("2000-01-01", "2999-01-01", time.monotonic() + 10)
    return [each for each in found if each.kind == kind]


def test_what_a_trader_sees(user: SimTrader) -> None:
    number = user.buy("600036", 32.5, 100, client_order_id="甲")["entrust_no"]
    sold = user.market_sell("600000", 200)["entrust_no"]
    user.wait(sold)
    user.cancel_entrust(number)
    eventually(lambda: {each.data["row"]["order_status_name"] for each in of_user(
        user, daybook.ORDER)} == {"已撤", "已成"})  # fmt: skip
    eventually(lambda: [each.rank for each in of_user(user, daybook.TRADE)] == ["1"])
    [traded] = of_user(user, daybook.TRADE)
    [row] = user.today_trades
    assert traded.data["row"] == row
    assert traded.data["fee"] > 0
    rows_ = {each.data["row"]["order_id"]: each.data["row"] for each in of_user(
        user, daybook.ORDER)}  # fmt: skip
    assert rows_ == {each["order_id"]: each for each in user.today_entrusts}
    book = user._engine.book
    assert book is not None

    def told() -> list[tuple[str, Any]]:  # 委托的结果晚几十毫秒成批落盘
        found = book.intents(0, time.time() + 60, time.monotonic() + 5)
        return [(each.client_order_id, each.order_id) for each in found]

    eventually(lambda: told() == [("甲", number)])


def test_the_answers_of_the_queries_are_kept_too(user: SimTrader) -> None:
    before = len(of_user(user, daybook.ASSET))
    user._engine.book._written.clear()  # type: ignore[union-attr]
    assert user.balance[0]["cash"] == of_user(user, daybook.ASSET)[-1].data["row"]["cash"]
    assert before >= 1
    [held] = of_user(user, daybook.POSITIONS)
    assert [each["stock_code"] for each in held.data["rows"]] == ["000001.SZ", "600000.SH"]
    assert [each["volume"] for each in user.position] == [
        each["volume"] for each in held.data["rows"]
    ]


def test_the_records_follow_the_folder(sim_folder: Path) -> None:
    def days() -> list[str]:
        return [each.name for each in sim_folder.glob(f"{RECORDS}/*/days.sqlite")]

    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT)
        user.market_buy("600036", 100)
    assert days() == ["days.sqlite"]
    with easytrader.use("sim") as user:  # 换一个程序也看得到
        user.connect(str(sim_folder), ACCOUNT)
        assert len(of_user(user, daybook.ORDER)) == 1
        eventually(lambda: len(of_user(user, daybook.SPAN)) == 2)  # 「已连接」在分发线程上
    reset(sim_folder)
    assert days() == []


def test_another_account_has_its_own_book(tmp_path: Path) -> None:
    folders = [make_folder(tmp_path / name) for name in ("甲", "乙")]
    with easytrader.use("sim") as user:
        user.connect(str(folders[0]), ACCOUNT)
        first = user._engine.book
        user.market_buy("600036", 100)
        user.connect(str(folders[0]), ACCOUNT)
        assert user._engine.book is first
        user.connect(str(folders[1]), ACCOUNT)
        assert of_user(user, daybook.ORDER) == []


def test_a_failed_connect_leaves_no_thread(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "甲")
    with easytrader.use("sim") as user:
        user.connect(str(folder), ACCOUNT)
        book = user._engine.book
        assert book is not None
        eventually(lambda: len(of_user(user, daybook.SPAN)) == 1)
        user._engine._forget(user._engine.supervisor)
        assert not [each for each in threading.enumerate() if each.name == "easytrader-daybook"]
        user.connect(str(folder), ACCOUNT)
        assert user._engine.book is book
        eventually(lambda: len(of_user(user, daybook.SPAN)) == 2)
