"""我们发的每一笔记下来：重启、换进程之后认得出；说不清发没发出去的，不再发，也不说没有。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from easytrader.backend.records import OrderRequest, Side
from easytrader.basics import tags
from easytrader.basics.log import Log
from easytrader.codes import PriceType
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


def _request(tag: str = TAG, *, once: bool = True) -> OrderRequest:
    text = tags.tagged(tag, "网格 3")
    terms = (SECURITY, Side.BUY, 100, PriceType.FIX, 39.5, "网格", text, tag)
    return OrderRequest(*terms, once=once)


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
    for number in ("1_2_3", "1_2_4"):
        first.sent(_request(), number)
    again = _notes(numbers())  # 第一个没有收尾：被杀死的
    note = again.of("1_2_4")
    assert note is not None
    assert (note.name, note.strategy) == ("1_2_3+1_2_4", "网格")
    assert tags.split(note.text) == (TAG, "网格 3")
    assert not again.is_lost(TAG, is_late=False)  # 可能还在推
    assert again.is_lost(TAG, is_late=True)
    first.close()
    again.close()


def test_plain_orders_are_written_together(numbers: Callable[[], Numbers]) -> None:
    first, other = _notes(numbers()), _notes(numbers())
    first.sent(_request(once=False), "1_2_3")
    assert first.of("1_2_3") is not None
    other.look(["1_2_3"])
    assert other.of("1_2_3") is None
    first.flush()
    other.look(["1_2_3"])
    assert other.of("1_2_3") is not None
    first.sent(_request("zzzzzzzzz", once=False), "1_2_4")
    first.close()
    other.look(["1_2_4"])
    assert other.of("1_2_4") is not None
    other.close()


def test_what_was_never_written_cannot_be_told(numbers: Callable[[], Numbers]) -> None:
    notes = _notes(numbers())
    assert notes.of("1_2_3") is None
    assert notes.mine(TAG) is None
    assert notes.is_lost(TAG, is_late=False)
    notes.close()


def test_numbers_that_do_not_last_are_not_matched(numbers: Callable[[], Numbers]) -> None:
    first = _notes(numbers(), ids_last=False)
    first.sent(_request(), "1")
    first.boot()  # 重新登录：1 是另一笔的了
    assert first.of("1") is None
    assert first.is_lost(TAG, is_late=False)
    other = "zzzzzzzzz"
    first.sent(_request(other), "1")
    note = first.of("1")
    assert note is not None
    assert note.tag == other
    first.close()


def test_yesterdays_number_is_not_todays(numbers: Callable[[], Numbers]) -> None:
    first = _notes(numbers())
    first.sent(_request(), "1")
    tomorrow = _notes(numbers(), day="2026-12-01")
    tomorrow.look(["1"])
    assert tomorrow.of("1") is None
    first.close()
    tomorrow.close()


def test_what_cannot_be_written_is_still_known_here(tmp_path: Path) -> None:
    (tmp_path / "place").write_text("不是文件夹")
    notes = _notes(SqliteStorage(tmp_path / "place").numbers())
    notes.sent(_request(), "1")
    assert notes.of("1") is not None
    notes.close()
