"""待传的：先写盘再传，断了、重启、断电、换了主人、盘满了，一条不丢，重复的不再记。"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from station_world import wish as wished
from station_world import within
from support import eventually

from easytrader.agent.spool import LATE_OUTCOME, MOST, Spool, Uploader
from easytrader.errors import EasytraderError, JournalError, RiskRefusedError, UsageError
from easytrader.fleets.address import open_store
from easytrader.fleets.checks import LONGEST_TEXT
from easytrader.fleets.words import (
    ABSENT,
    DONE,
    PLACED,
    UNKNOWN,
    UNSENT,
    Command,
    FencedError,
    Lease,
    Outcome,
    StoreDownError,
    StoreUnknownError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.fleets.store import Store
    from easytrader.fleets.words import StoredEvent


class Faulty:
    """真的存储，`settle` 按 ``faults`` 出故障；别的原样。"""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.faults: list[str] = []
        self.down = False
        self.settles = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def settle(self, *given: Any) -> dict[str, int]:
        self.settles += 1
        fault = self.faults.pop(0) if self.faults else ""
        if self.down or fault == "down":
            raise StoreDownError("故障")
        found = self.store.settle(*given)
        if fault == "unknown":
            raise StoreUnknownError("写下了，回答丢了")
        return found


class Box:
    """一台机器：它的存储、租约、待传的、上传的。"""

    def __init__(self, folder: Path, dsn: str, name: str = "box1", limit: int = 1 << 20) -> None:
        self.dsn = dsn
        self.file = folder / "盘 上" / name / "spool.sqlite"
        self.name = name
        self.store = Faulty(open_store(dsn, 10))
        self.leases: dict[str, Lease] = {}
        self.fenced: list[str] = []
        self.late: list[Outcome] = []
        self.stopped: list[str] = []
        self.hints: list[str] = []
        self.limit = limit
        self.spool = Spool(self.file, limit)
        self.uploader: Uploader | None = None

    def acquire(self, *accounts: str) -> None:
        for account in accounts:
            found = self.store.acquire(
                account, owner=self.name, box=self.name, broker="sim", groups=(),
                takeover="auto", previous="", address="", deadline=within(5),
            )  # fmt: skip
            assert isinstance(found, Lease), found
            self.leases[account] = found

    def upload(self) -> None:
        self.uploader = Uploader(
            self.store, self.spool, lambda: self.leases,
            fenced=self.fenced.append, late=self.late.append,
            settled=lambda hosts, _: self.hints.extend(hosts),
            stop=lambda account, why: self.stopped.append(f"{account} {why}"),
        )  # fmt: skip
        self.uploader.start()

    def drained(self) -> None:
        eventually(lambda: self.spool.depth == 0)

    def restart(self) -> None:
        self.stop()
        self.spool = Spool(self.file, self.limit)

    def stop(self) -> None:
        if self.uploader is not None:
            self.uploader.close(5)
            self.uploader = None
        self.spool.close()

    def close(self) -> None:
        self.stop()
        self.store.close()

    # ---- 看

    def claimed(self, account: str = "a", **given: Any) -> Command:
        """策略记下一条，这台机器领走。"""
        posted = self.store.post(wished("buy", "600036", 10.0, 100, account=account, **given),
                                 within(5))  # fmt: skip
        found: Command
        (found,) = self.store.claim([self.leases[account]], 1, within(5))
        assert found.number == posted.command.number
        return found

    def row(self, command: Command) -> Command:
        found: Command | None = self.store.find(command.account, command.command_id, within(5))
        assert found is not None
        return found

    def events(self, account: str = "a") -> list[StoredEvent]:
        found: list[StoredEvent] = self.store.read(account, 0, 10_000, within(5))
        return found


@contextmanager
def made(folder: Path, dsn: str, *accounts: str, **options: Any) -> Iterator[Box]:
    box = Box(folder, dsn, **options)
    try:
        box.acquire(*accounts)
        yield box
    finally:
        box.close()


@pytest.fixture
def box(tmp_path: Path, dsn: str) -> Iterator[Box]:
    with made(tmp_path, dsn, "a", "b") as found:
        yield found


def pushed(number: int, **data: Any) -> dict[str, Any]:
    return {
        "event": "order",
        "event_name": "委托",
        "time": 1.5,
        "data": {"order_id": number, **data},
    }


def push(box: Box, first: int, last: int, account: str = "a") -> None:
    for number in range(first, last + 1):
        box.spool.event(account, pushed(number), f"c{number}")


def heard(box: Box, account: str = "a") -> list[int]:
    """存储里的推送，按编号；编号没有缺。"""
    found = box.events(account)
    assert [each.number for each in found] == list(range(1, len(found) + 1))
    return [json.loads(each.data)["data"]["order_id"] for each in found if each.kind == "order"]


def placed(command: Command, order_id: str = "77") -> Outcome:
    return Outcome(
        command.account, command.command_id, command.attempt, PLACED, "", order_id,
        json.dumps({"result": {"entrust_no": order_id}}),
    )  # fmt: skip


def refused(box: Box, account: str = "a") -> EasytraderError:
    with pytest.raises(EasytraderError, match="什么都没有发出") as caught:
        box.spool.check(account)
    return caught.value


# ---- 平常


def test_results_and_pushes_arrive_in_order(box: Box) -> None:
    box.upload()
    command = box.claimed()
    push(box, 1, 150)
    box.spool.outcome(placed(command), command.epoch, command.host)
    push(box, 151, 250)
    box.drained()
    assert heard(box) == list(range(1, 251))
    assert [each.command_id for each in box.events()][:2] == ["c1", "c2"]
    row = box.row(command)
    assert (row.state, row.order_id) == (PLACED, "77")
    assert "host1" in box.hints
    assert box.store.settles < 20  # 一批一批的


def test_what_the_vendor_puts_in_text_gets_through(box: Box) -> None:
    box.upload()
    box.spool.event("a", pushed(1, remark="零\x00字\\u0000\\", name="中 文"))
    box.drained()
    (found,) = box.events()
    assert "\\u0000" not in found.data.replace("\\\\u0000", "")
    assert json.loads(found.data)["data"]["remark"] == "零字\\u0000\\"


def test_one_account_without_a_lease_does_not_hold_up_another(box: Box) -> None:
    del box.leases["a"]
    push(box, 1, 2 * MOST)
    push(box, 1, 3, "b")
    box.upload()
    eventually(lambda: heard(box, "b") == [1, 2, 3])
    assert box.spool.depth_of("a") == 2 * MOST
    assert heard(box) == []


# ---- 断了


def test_a_lost_answer_is_not_a_second_event(box: Box) -> None:
    box.store.faults = ["unknown", "down", "unknown"]
    box.upload()
    push(box, 1, 30)
    box.drained()
    assert heard(box) == list(range(1, 31))


def test_what_was_left_is_uploaded_after_a_restart(box: Box) -> None:
    command = box.claimed()
    box.store.down = True
    box.upload()
    push(box, 1, 150)
    box.spool.outcome(placed(command), command.epoch, command.host)
    box.restart()
    assert box.spool.depth == 151
    box.store.down = False
    push(box, 151, 160)
    box.upload()
    box.drained()
    assert heard(box) == list(range(1, 161))
    assert box.row(command).state == PLACED


def test_closing_uploads_what_can_be_uploaded(box: Box) -> None:
    box.upload()
    push(box, 1, 500)
    box.stop()
    assert heard(box) == list(range(1, 501))


_CHILD = """
import os, sys
from easytrader.agent.spool import Spool
spool = Spool(sys.argv[1])
for number in range(1, 801):
    told = {"order_id": number}
    spool.event("a", {"event": "order", "event_name": "", "time": 1.0, "data": told})
assert spool.flush(20)
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="用信号杀自己")
def test_a_killed_agent_loses_nothing_it_wrote(box: Box) -> None:
    box.spool.close()
    done = subprocess.run([sys.executable, "-c", _CHILD, str(box.file)], timeout=60)
    assert done.returncode == -9
    box.spool = Spool(box.file)
    push(box, 801, 820)
    box.upload()
    box.drained()
    assert heard(box) == list(range(1, 821))


def test_after_a_power_cut_new_events_are_not_taken_for_old_ones(box: Box, tmp_path: Path) -> None:
    push(box, 1, 10)
    box.stop()
    before = tmp_path / "断电之前落盘的"
    shutil.copytree(box.file.parent, before)
    box.restart()
    push(box, 11, 20)
    box.upload()
    box.drained()
    assert heard(box) == list(range(1, 21))
    box.stop()
    shutil.rmtree(box.file.parent)
    shutil.copytree(before, box.file.parent)  # 后来写的没有了，号倒回去了
    box.spool = Spool(box.file, box.limit)
    push(box, 21, 40)
    box.upload()
    box.drained()
    assert heard(box) == list(range(1, 41))


# ---- 换了主人


def taken_over(folder: Path, box: Box, account: str = "a") -> Box:
    """另一台机器接走了一个账号。"""
    other = Box(folder, box.dsn, "box2")
    box.store.take_over(account, "box2", within(5), force=True)
    other.acquire(account)
    return other


def test_a_fenced_box_keeps_its_results_and_the_rest_goes_on(box: Box, tmp_path: Path) -> None:
    command = box.claimed()
    other = taken_over(tmp_path, box)
    box.upload()
    box.spool.outcome(placed(command), command.epoch, command.host)
    push(box, 1, 3, "b")
    eventually(lambda: heard(box, "b") == [1, 2, 3])
    eventually(lambda: box.fenced == ["a"])
    assert box.spool.depth_of("a") == 1
    assert box.row(command).state == "sending"
    # 又接回来：那一条还没有核对清楚，迟到的结果就是答案
    left = other.store.left_over(other.leases["a"], within(5))
    assert [each.state for each in left] == [UNKNOWN]
    other.store.take_over("a", "box1", within(5), force=True)
    box.acquire("a")
    box.store.left_over(box.leases["a"], within(5))
    assert box.uploader is not None
    box.uploader.poke()
    box.drained()
    assert box.row(command).state == PLACED
    assert [each.kind for each in box.events()] == [LATE_OUTCOME]
    assert [each.order_id for each in box.late] == ["77"]
    other.close()


def test_a_late_result_does_not_change_what_was_settled(box: Box, tmp_path: Path) -> None:
    command = box.claimed()
    other = taken_over(tmp_path, box)
    other.store.left_over(other.leases["a"], within(5))
    absent = placed(command)._replace(state=ABSENT, order_id="", answer="")
    other.store.settle([other.leases["a"]], [absent], [], within(5))
    other.store.release([other.leases["a"]], within(5))
    box.spool.outcome(placed(command), command.epoch, command.host)
    box.acquire("a")
    box.upload()
    box.drained()
    assert box.row(command).state == ABSENT
    assert [each.kind for each in box.events()] == [LATE_OUTCOME]
    assert len(box.late) == 1
    other.close()


def test_a_late_unknown_is_not_sent(box: Box) -> None:
    command = box.claimed()
    unknown = placed(command)._replace(state=UNKNOWN, order_id="")
    box.spool.outcome(unknown, command.epoch, command.host)
    box.acquire("a")
    box.upload()
    box.drained()
    assert box.events() == []
    assert box.late == []


# ---- 存不下了


def test_it_warns_closes_and_opens_again(tmp_path: Path, dsn: str) -> None:
    with made(tmp_path, dsn, "a", limit=20_000) as box:
        box.store.down = True
        push(box, 1, 70)
        assert box.spool.trouble == ""
        box.spool.check("a")
        push(box, 71, 120)
        assert isinstance(refused(box), JournalError)
        box.store.down = False
        box.upload()
        box.drained()
        box.spool.check("a")
        assert heard(box) == list(range(1, 121))
        alarms = [each for each in box.events() if each.kind == "spool_full"]
        assert len(alarms) == 1  # 八成满时说一次


def test_pushes_that_cannot_be_kept_are_told(tmp_path: Path, dsn: str) -> None:
    with made(tmp_path, dsn, "a", limit=20_000) as box:
        command = box.claimed()
        push(box, 1, 400)
        assert box.spool.depth < 300
        box.spool.outcome(placed(command), command.epoch, command.host)  # 结果总要留下
        box.upload()
        box.drained()
        push(box, 401, 401)
        box.drained()
        eventually(lambda: any(each.kind == "gap" for each in box.events()))
        kept = heard(box)
        (gap,) = [each for each in box.events() if each.kind == "gap"]
        assert json.loads(gap.data)["data"]["missed"] == 401 - len(kept)
        assert box.row(command).state == PLACED


def test_a_full_disk_closes_orders_and_heals_by_itself(box: Box) -> None:
    push(box, 1, 20)
    assert box.spool.flush(20)
    fill(box, 0)
    command = box.claimed()
    push(box, 21, 400)
    eventually(lambda: "full" in box.spool.trouble)
    error = refused(box)
    assert isinstance(error, JournalError)
    assert "full" in str(error)
    # 存储在：写不下去的直接传，结果不耽误
    box.spool.outcome(placed(command), command.epoch, command.host)
    box.upload()
    eventually(lambda: box.row(command).state == PLACED)
    box.drained()
    assert heard(box) == list(range(1, 401))
    fill(box, 1_000_000)
    push(box, 401, 410)
    eventually(lambda: box.spool.trouble == "")
    box.spool.check("a")
    box.drained()
    assert heard(box) == list(range(1, 411))
    box.restart()
    assert box.spool.depth == 0


def test_a_full_disk_and_no_store_keeps_everything_in_memory(box: Box) -> None:
    fill(box, 0)
    box.store.down = True
    box.upload()
    push(box, 1, 300)
    eventually(lambda: "full" in box.spool.trouble)
    fill(box, 1_000_000)
    eventually(lambda: box.spool.trouble == "")
    assert box.spool.flush(20)
    box.restart()
    box.store.down = False
    box.upload()
    box.drained()
    assert heard(box) == list(range(1, 301))


def test_a_file_that_opens_only_later_still_holds_what_was_left(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """重新启动的时候盘正坏着：好了以后，上次留下的、这次新来的，一条不少。"""
    push(box, 1, 20)
    assert box.spool.flush(20)
    box.stop()
    with monkeypatch.context() as ill:
        ill.setattr("easytrader.agent.spool.connect", _unable)
        box.spool = Spool(box.file, box.limit)
        command = box.claimed()
        push(box, 21, 40)
        box.spool.outcome(placed(command), command.epoch, command.host)
        box.upload()
        eventually(lambda: "坏着" in box.spool.trouble)
    eventually(lambda: box.row(command).state == PLACED)
    box.drained()
    assert sorted(heard(box)) == list(range(1, 41))
    assert box.spool.trouble == ""


def _unable(path: Path) -> Any:
    raise sqlite3.OperationalError(f"坏着：{path.name}")


def test_what_cannot_be_read_is_not_passed_over(box: Box) -> None:
    """盘上还有没有传的而读不出来：内存里的不越过它们。"""
    push(box, 1, 20)
    assert box.spool.flush(20)
    fill(box, 0)
    push(box, 21, 400)
    eventually(lambda: "full" in box.spool.trouble)
    real = box.spool._db
    box.spool._db = _Unreadable(real)  # type: ignore[assignment]
    assert box.spool.take(["a"]) == []
    box.spool._db = real
    assert [each.n for each in box.spool.take(["a"], 3)] == [1, 2, 3]


class _Unreadable:
    """读不出来的。"""

    def __init__(self, db: Any) -> None:
        self._db = db

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, sql: str, *given: Any) -> Any:
        if sql.startswith("SELECT"):
            raise sqlite3.OperationalError("disk I/O error")
        return self._db.execute(sql, *given)


def fill(box: Box, pages: int) -> None:
    """盘满了：一页都不许再加；`pages` 大就是好了。SQLite 自己报的错。"""

    def set_limit() -> None:
        with box.spool._disk:
            assert box.spool._db is not None
            box.spool._db.execute(f"PRAGMA max_page_count = {pages or 1}")

    set_limit()


# ---- 报警要停的账号


def test_an_alarm_closes_the_account_until_it_arrives(box: Box) -> None:
    box.store.down = True
    box.upload()
    told = {"event": "duplicate", "event_name": "", "time": 1.0, "data": {"text": "两笔"}}
    box.spool.event("a", told)
    assert isinstance(refused(box), RiskRefusedError)
    box.spool.check("b")
    box.restart()  # 重新启动也还停着
    assert isinstance(refused(box), RiskRefusedError)
    box.store.down = False
    box.upload()
    box.drained()
    box.spool.check("a")
    assert box.stopped[-1] == "a 报警（duplicate）：两笔"


# ---- 文件


def test_two_agents_do_not_share_a_file(box: Box) -> None:
    with pytest.raises(EasytraderError, match="已经有一个代理"):
        Spool(box.file)


def test_what_belongs_to_another_store_is_not_mixed(box: Box) -> None:
    box.spool.bind("store-1")
    push(box, 1, 2)
    assert box.spool.flush(20)
    with pytest.raises(UsageError, match="另一份存储"):
        box.spool.bind("store-2")
    box.upload()
    box.drained()
    box.spool.bind("store-2")


def test_a_broken_file_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "spool.sqlite"
    file.write_bytes(b"not a database at all" * 100)
    with pytest.raises(JournalError, match="读不懂"):
        Spool(file)


def test_a_store_that_refuses_is_told_and_nothing_is_dropped(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settle(leases: Any, *given: Any) -> dict[str, int]:
        if any(each.account == "a" for each in leases):
            raise UsageError("account", "a", "没有权限")
        return real(leases, *given)

    real: Callable[..., dict[str, int]] = box.store.store.settle
    monkeypatch.setattr(box.store, "settle", settle)
    push(box, 1, 3)
    push(box, 1, 3, "b")
    box.upload()
    eventually(lambda: heard(box, "b") == [1, 2, 3])
    assert box.spool.depth_of("a") == 3


@pytest.mark.parametrize(
    ("state", "told", "kept"),
    [
        (PLACED, {"result": {"entrust_no": "77"}}, ""),
        (DONE, {"result": {"ok": 1}}, "OutcomeUnknownError"),
        (UNSENT, {"error": {"type": "NotConnectedError", "text": "断"}}, "NotConnectedError"),
    ],
)
def test_what_the_store_cannot_hold_is_cut_and_the_rest_goes_on(
    box: Box, state: str, told: dict[str, Any], kept: str
) -> None:
    """一条长得存储不收的，不能挡住这个账号后面的。"""
    box.upload()
    command = box.claimed()
    for each in told.values():
        each["text"] = each.get("text", "") + "x" * LONGEST_TEXT
    outcome = placed(command)._replace(state=state, answer=json.dumps(told))
    box.spool.outcome(outcome, command.epoch, command.host)
    box.spool.event("a", pushed(1, remark="x" * LONGEST_TEXT, rows=[0] * 10_000))
    push(box, 2, 2)
    box.drained()
    row = box.row(command)
    assert (row.state, row.order_id) == (state, "77")
    assert (json.loads(row.answer)["error"]["type"] if row.answer else "") == kept
    assert heard(box) == [1, 2]
    data = next(json.loads(each.data)["data"] for each in box.events() if each.kind == "order")
    assert set(data["remark"]) == {"x"}
    assert ("rows" in data, data["cut"] > LONGEST_TEXT) == (False, True)


def test_events_alone_are_gathered(box: Box) -> None:
    box.upload()
    began = time.monotonic()
    push(box, 1, 2000)
    box.drained()
    spent = time.monotonic() - began
    assert heard(box) == list(range(1, 2001))
    assert box.store.settles <= 2000 / MOST + 5 + spent / 0.02


def test_fenced_while_i_took_it_again_does_not_drop_the_new_lease(box: Box) -> None:
    """传的这会儿自己换了一任：存储说的是旧的那一任。"""

    class Turning(Faulty):
        def settle(self, *given: Any) -> dict[str, int]:
            if box.leases["a"].epoch == 1:
                box.acquire("a")
                raise FencedError
            found: dict[str, int] = self.store.settle(*given)
            return found

    box.store = Turning(box.store.store)
    box.upload()
    push(box, 1, 5)
    box.drained()
    assert heard(box) == [1, 2, 3, 4, 5]
    assert box.fenced == []


def test_fenced_is_not_asked_again_for_the_same_lease(box: Box) -> None:
    calls = 0

    class Fencing(Faulty):
        def settle(self, *given: Any) -> dict[str, int]:
            nonlocal calls
            calls += 1
            raise FencedError

    box.store = Fencing(box.store.store)
    box.upload()
    push(box, 1, 5)
    eventually(lambda: box.fenced == ["a"])
    push(box, 6, 6)
    assert box.spool.flush(20)
    assert calls == 1
