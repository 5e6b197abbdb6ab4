"""我们发的每一笔记下来：重启、换进程之后认得出；说不清发没发出去的，不再发，也不说没有。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.backend.records import OrderRequest, Side
from easytrader.basics import tags
from easytrader.basics.log import Log
from easytrader.codes import PriceType
from easytrader.errors import JournalError
from easytrader.gateways.exactly import Notes
from easytrader.market.symbols import parse_security
from easytrader.records.memory import MemoryStorage
from easytrader.records.sqlite import SqliteStorage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.records.storage import Numbers

TAG = "k3j9x0a2b"
SECURITY = parse_security("600036")


def _request(tag: str = TAG, remark: str = "网格 3") -> OrderRequest:
    text = tags.tagged(tag, remark)
    return OrderRequest(SECURITY, Side.BUY, 100, PriceType.FIX, 39.5, "网格", text, tag)


def _soon() -> float:
    return time.monotonic() + 5


def _notes(numbers: Numbers, day: str = "2026-11-30", **options: Any) -> Notes:
    notes = Notes(numbers, "account", lambda: day, Log(False), **options)
    notes.boot()
    return notes


@pytest.fixture(params=["sqlite", "memory"])
def numbers(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Numbers]:
    if request.param == "memory":
        return MemoryStorage().numbers
    return SqliteStorage(tmp_path / "账号 1").numbers


def test_sent_order_is_known_after_restart(numbers: Callable[[], Numbers]) -> None:
    first = _notes(numbers())
    assert first.begin(_request(), _soon()) is None
    for number in ("1_2_3", "1_2_4"):
        first.sent(TAG, number)
    first.close()
    again = _notes(numbers())
    note = again.of("1_2_4")
    assert note is not None
    assert (note.name, note.strategy) == ("1_2_3+1_2_4", "网格")
    assert tags.split(note.text) == (TAG, "网格 3")
    assert again.is_open(TAG)
    again.close()


def test_killed_before_the_number_came_is_never_sent_again(
    numbers: Callable[[], Numbers],
) -> None:
    first = _notes(numbers())
    assert first.begin(_request(), _soon()) is None
    again = _notes(numbers())
    assert again.is_open(TAG)  # 列表里没有它，不说明没有到
    earlier = again.begin(_request(), _soon())
    assert earlier is not None
    assert earlier.ids == []
    first.close()
    again.close()


def test_refused_at_once_may_be_sent_again(numbers: Callable[[], Numbers]) -> None:
    first = _notes(numbers())
    assert first.begin(_request(), _soon()) is None
    first.refused(TAG)
    assert not first.is_open(TAG)
    again = _notes(numbers())
    assert not again.is_open(TAG)
    assert again.begin(_request(), _soon()) is None
    assert again.is_open(TAG)
    first.close()
    again.close()


def test_never_begun_is_not_open(numbers: Callable[[], Numbers]) -> None:
    notes = _notes(numbers())
    assert not notes.is_open(TAG)
    assert notes.of("1_2_3") is None
    notes.close()


def test_another_programs_order_is_known_as_soon_as_it_is_written(
    numbers: Callable[[], Numbers],
) -> None:
    mine, theirs = _notes(numbers()), _notes(numbers())
    mine.look(["9_9_9"])  # 推送先到，编号还没有写
    assert mine.of("9_9_9") is None
    theirs.begin(_request(), _soon())
    theirs.sent(TAG, "9_9_9")
    mine.look(["9_9_9"])
    note = mine.of("9_9_9")
    assert note is not None
    assert note.tag == TAG
    mine.close()
    theirs.close()


def test_numbers_that_do_not_last_are_not_matched(numbers: Callable[[], Numbers]) -> None:
    first = _notes(numbers(), ids_last=False)
    first.begin(_request(), _soon())
    first.sent(TAG, "1")
    first.boot()  # 重新登录：1 是另一笔的了
    assert first.of("1") is None
    assert first.is_open(TAG)
    other = "zzzzzzzzz"
    assert first.begin(_request(other), _soon()) is None
    first.sent(other, "1")
    note = first.of("1")
    assert note is not None
    assert note.tag == other
    first.close()


def test_yesterdays_number_is_not_todays(numbers: Callable[[], Numbers]) -> None:
    first = _notes(numbers())
    first.begin(_request(), _soon())
    first.sent(TAG, "1")
    tomorrow = _notes(numbers(), day="2026-12-01")
    tomorrow.look(["1"])
    assert tomorrow.of("1") is None
    first.close()
    tomorrow.close()


def test_what_cannot_be_written_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "place").write_text("不是文件夹")
    notes = _notes(SqliteStorage(tmp_path / "place").numbers())
    with pytest.raises(JournalError):
        notes.begin(_request(), time.monotonic() + 0.1)
    notes.refused(TAG)  # 没有记下，不出错
    assert not notes.is_open(TAG)
    notes.close()
