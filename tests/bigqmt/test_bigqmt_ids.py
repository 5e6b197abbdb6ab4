"""委托的编号：稳定、正、同一天里不重复；几个程序、重启之后都是同一个。"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from easytrader.basics.log import Log
from easytrader.bigqmt import ids
from easytrader.bigqmt.convert import Deal, Named, Naming
from easytrader.bigqmt.ids import Numbering
from easytrader.errors import JournalError
from easytrader.records.memory import MemoryNumbers
from easytrader.records.numberfile import NumberFile
from easytrader.records.storage import MAX_NUMBER, Numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.records.storage import Numbers

ACCOUNT = "1000000365"
DAY, NEXT = "20261130", "20261201"
TAG, OTHER = "k3j9x0a2b", "zzzzzzzzz"


@pytest.fixture(params=["file", "memory"])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Numbers]]:
    """同一处记录，再打开一次：另一个程序，或重启之后。"""
    shared, opened = MemoryNumbers(), []

    def open_one() -> Numbers:
        if request.param == "memory":
            return shared
        opened.append(NumberFile(tmp_path / "账 户" / "numbers.sqlite"))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def soon() -> float:
    return time.monotonic() + 5


def numbering(store: Numbers) -> Numbering:
    return Numbering(store, ACCOUNT, Log())


def row(
    sysid: str = "", remark: str = "", day: str = DAY, *, final: bool = False, ref: str = "7"
) -> Naming:
    return Naming(day, "SH", sysid, remark, final, ref)


def deal(sysid: str, remark: str = "") -> Deal:
    return Deal(DAY, "SH", sysid, remark, f"key {sysid}", lambda named: named)  # type: ignore[arg-type,return-value]


def begin(one: Numbering, tag: str = TAG, day: str = DAY, boot: str = "b1") -> int:
    return one.begin(day, tag, "网格 3", "趋势", boot, soon())


class TestOurs:
    """我们发的。"""

    def test_the_row_gets_the_number_and_the_remark(self, again: Callable[[], Numbers]) -> None:
        one = numbering(again())
        number = begin(one)
        assert 0 < number <= MAX_NUMBER
        assert one.name(row("", f"~{TAG}~")) == Named(number, f"~{TAG}~网格 3", "趋势")

    def test_another_program_sees_the_same(self, again: Callable[[], Numbers]) -> None:
        one, other = numbering(again()), numbering(again())
        other.name(row("1"))  # 早就读过这一天
        number = begin(one)
        assert other.name(row("12", f"~{TAG}~")) == Named(number, f"~{TAG}~网格 3", "趋势")

    def test_after_a_restart_the_sysid_alone_tells(self, again: Callable[[], Numbers]) -> None:
        one = numbering(again())
        number = begin(one)
        one.name(row("12", f"~{TAG}~"))
        one.close()
        named = numbering(again()).name(row("12"))  # 备注没有了
        assert named == Named(number, f"~{TAG}~网格 3", "趋势")

    def test_sysid_changing_keeps_the_number(self, again: Callable[[], Numbers]) -> None:
        one = numbering(again())
        number = begin(one)
        seen = [one.name(row(sysid, f"~{TAG}~")) for sysid in ("", "MM582811", "12")]
        assert {each.number for each in seen if each} == {number}

    def test_the_terminal_may_date_it_otherwise(self, again: Callable[[], Numbers]) -> None:
        one = numbering(again())
        number = begin(one)
        named = numbering(again()).name(row("12", f"~{TAG}~", NEXT))
        assert named is not None
        assert (named.number, named.remark) == (number, f"~{TAG}~网格 3")

    def test_the_same_tag_on_another_day_is_another_order(
        self, again: Callable[[], Numbers]
    ) -> None:
        one = numbering(again())
        assert begin(one) != begin(one, day=NEXT)

    def test_lost_records_give_the_same_number(self) -> None:
        assert begin(numbering(MemoryNumbers())) == begin(numbering(MemoryNumbers()))

    def test_what_became_of_it_is_remembered(self, again: Callable[[], Numbers]) -> None:
        one = numbering(again())
        begin(one)
        found = numbering(again()).before(TAG, soon())
        assert found is not None
        assert (found.state, found.boot, found.day) == (ids.SENT, "b1", DAY)
        one.mark(TAG, ids.CLEAR)
        begin(one, boot="b2")
        found = numbering(again()).before(TAG, soon())
        assert found is not None
        assert (found.state, found.boot) == (ids.SENT, "b2")
        assert one.before(OTHER, soon()) is None


class TestForeign:
    """别人发的。"""

    def test_by_its_sysid(self, again: Callable[[], Numbers]) -> None:
        one, other = numbering(again()), numbering(again())
        first = one.name(row("12", "手工"))
        assert first is not None
        assert first.remark == "手工"
        assert other.name(row("12", "手工")) == first
        assert one.name(row("13")) != first

    def test_without_a_sysid_its_number_stays_when_it_comes(
        self, again: Callable[[], Numbers]
    ) -> None:
        one, other = numbering(again()), numbering(again())
        early = one.name(row(""))
        assert early is not None
        assert one.name(row("12")) == early
        assert one.name(row("", ref="8")) != early
        assert other.name(row("12")) == early

    def test_without_anything_to_know_it_by_it_is_not_told_yet(self) -> None:
        assert numbering(MemoryNumbers()).name(row("", ref="")) is None

    def test_refused_without_a_sysid_it_is(self) -> None:
        one = numbering(MemoryNumbers())
        found = [one.name(row("", final=True, ref=ref)) for ref in ("1", "2")]
        assert None not in found
        assert found[0] != found[1]

    def test_many_at_once(self, again: Callable[[], Numbers]) -> None:
        one = numbering(again())
        rows = [row(str(each)) for each in range(3000)]
        one.learn(rows)
        numbers = [found.number for each in rows if (found := one.name(each))]
        assert len(set(numbers)) == len(rows)


class TestTrades:
    """成交是谁的。"""

    def test_known_by_the_order(self) -> None:
        one = numbering(MemoryNumbers())
        number = begin(one)
        assert one.name_trade(deal("12"), now=False) is None
        one.name(row("12", f"~{TAG}~"))
        found = one.name_trade(deal("12"), now=False)
        assert found is not None
        assert (found.number, found.remark) == (number, f"~{TAG}~网格 3")

    def test_known_by_its_own_tag(self) -> None:
        one = numbering(MemoryNumbers())
        number = begin(one)
        found = one.name_trade(deal("12", f"~{TAG}~"), now=False)
        assert found is not None
        assert found.number == number

    def test_in_the_end_it_is_foreign(self) -> None:
        one = numbering(MemoryNumbers())
        found = one.name_trade(deal("12"), now=True)
        assert found is not None
        assert found == one.name(row("12"))


def test_two_that_collide_get_two_numbers(again: Callable[[], Numbers]) -> None:
    store = again()
    first, second = store.claim([Numbered(DAY, "a", 7), Numbered(DAY, "b", 7)], soon())
    assert (first.number, second.number) == (7, 8)
    assert store.claim([Numbered(DAY, "b", 9)], soon()) == [second]
    (other,) = store.claim([Numbered(NEXT, "c", 7)], soon())
    assert other.number == 7
    (wrapped,) = store.claim([Numbered(DAY, "d", MAX_NUMBER)], soon())
    (around,) = store.claim([Numbered(DAY, "e", MAX_NUMBER)], soon())
    assert (wrapped.number, around.number) == (MAX_NUMBER, 1)


def test_an_alias_has_the_number_of_its_order(again: Callable[[], Numbers]) -> None:
    store = again()
    store.claim([Numbered(DAY, "a", 7)], soon())
    (alias,) = store.claim([Numbered(DAY, "b", 7, alias=True)], soon())
    assert alias.number == 7
    assert {each.key for each in again().of_day(DAY, soon())} == {"a", "b"}


def test_writing_that_fails_says_so_and_rows_are_still_numbered(tmp_path: Path) -> None:
    path = tmp_path / "numbers.sqlite"
    path.write_bytes(b"not a database" * 200)
    one = numbering(NumberFile(path))
    with pytest.raises(JournalError):
        begin(one)
    named = one.name(row("12", f"~{TAG}~"))
    assert named is not None
    assert named.number > 0


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "numbers.sqlite"
    store = NumberFile(path)
    store.claim([Numbered(DAY, "a", 7)], soon())
    store.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(JournalError, match="升级"):
        NumberFile(path).latest("a", soon())
