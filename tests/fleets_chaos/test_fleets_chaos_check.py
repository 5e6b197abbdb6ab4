"""混沌的核对自己也要核对：账上多一笔、少一笔、说不清、缺一号，它得叫出来；骰子哪里掷都一样。"""

from __future__ import annotations

import pytest
from fleet_judge import Alarm, Entry, Event, Told, Wish, judge, judge_events
from fleet_plan import FAULTS, PLAYS, act
from fleet_world import counter
from slow_trader import CounterLine

from easytrader.link.line import NoAnswerError

ACCOUNTS = ("A", "B")


def placed(**changed: object) -> Wish:
    wish = Wish("A", "w1", "t1", [Told("placed", 7)], "placed", "7")
    for name, value in changed.items():
        setattr(wish, name, value)
    return wish


def test_a_good_ledger_passes() -> None:
    ledger = [Entry("A", 7, "t1")]
    assert not judge([placed()], ledger)
    assert not judge([placed(calls=[Told("unknown"), Told("placed", 7)])], ledger)
    assert not judge(
        [placed(calls=[Told("unsent"), Told("lost")], state="absent", order_id="")], []
    )
    assert not judge([placed(calls=[Told("unsent")], state="", order_id="")], [])


@pytest.mark.parametrize(
    ("wish", "ledger", "why"),
    [
        (placed(), [Entry("A", 7, "t1"), Entry("A", 8, "t1")], "下了两次"),
        (placed(), [], "表上有而账上没有"),
        (placed(state="absent", calls=[Told("unknown")]), [Entry("A", 7, "t1")], "丢了"),
        (placed(state="absent"), [], "说成了又说没有"),
        (placed(state="", calls=[Told("unsent")]), [Entry("A", 7, "t1")], "没有发出，账上却有"),
        (placed(state="unknown", calls=[Told("unknown")]), [Entry("A", 7, "t1")], "没有核对清楚"),
        (placed(calls=[Told("placed", 7), Told("placed", 9)]), [Entry("A", 7, "t1")], "两个编号"),
        (placed(calls=[Told("alien")]), [Entry("A", 7, "t1")], "不该有的结果"),
        (placed(), [Entry("A", 7, "t1"), Entry("B", 3, "t1")], "谁也没有下过"),
    ],
)
def test_doctored_ledgers_are_noticed(wish: Wish, ledger: list[Entry], why: str) -> None:
    assert why in "；".join(judge([wish], ledger))


def test_the_hole_is_excused_only_when_it_rang() -> None:
    twice = [Entry("A", 7, "t1"), Entry("A", 8, "t1")]
    assert judge([placed()], twice)
    assert not judge([placed()], twice, [Alarm("A", "late_order", 8)])
    assert judge([placed()], twice, [Alarm("A", "stranger", 8), Alarm("B", "late_order", 8)])


@pytest.mark.parametrize(
    ("events", "last_no", "why"),
    [
        ([Event(1, "order", 7), Event(3, "order", 7)], 3, "缺 [2]"),
        ([Event(1, "order", 7)], 2, "缺 [2]"),
        ([Event(1, "order", 7), Event(1, "order", 7)], 1, "不是 1 到"),
        ([Event(1, "order", 8)], 1, "没有事件"),
        (
            [Event(1, "order", 7), Event(2, "trade", 7, "T"), Event(3, "trade", 7, "T")],
            3,
            "不止一次",
        ),
    ],
)
def test_doctored_events_are_noticed(events: list[Event], last_no: int, why: str) -> None:
    assert why in "；".join(judge_events("A", events, last_no, [Entry("A", 7, "t1")]))
    good = [Event(1, "order", 7), Event(2, "trade", 7, "T")]
    assert not judge_events("A", good, 2, [Entry("A", 7, "t1")])


def test_the_fleet_dice_fall_the_same_way_and_everywhere() -> None:
    first = [act(1, index, play="all", accounts=ACCOUNTS, size=10) for index in range(400)]
    assert first == [act(1, index, play="all", accounts=ACCOUNTS, size=10) for index in range(400)]
    assert first[:9] != [
        act(2, index, play="all", accounts=ACCOUNTS, size=10) for index in range(9)
    ]
    assert {blow.name for one in first for blow in one.blows} == set(FAULTS)
    assert {name for names in PLAYS.values() for name in names} == set(FAULTS)
    ids = [job.cid for one in first for job in one.jobs]
    assert len(set(ids)) == len(ids)


def test_the_slow_counter_books_what_a_dead_client_sent() -> None:
    process, port = counter("1", 30, 30)
    line = CounterLine(port)
    try:
        order = {
            "code": "600036.SH",
            "side": 23,
            "tag": "t",
            "volume": 100,
            "price": 10.5,
            "remark": "",
        }
        gone = CounterLine(port)
        gone.ask(5, do="login", account="A")
        with pytest.raises(NoAnswerError):
            gone.ask(0.001, do="submit", order=order)
        gone.close()
        line.ask(5, do="login", account="A")
        assert line.ask(5, do="submit", order=order) == 2  # 一先一后：死了的那一笔在前
        assert [row["order_id"] for row in line.ask(5, do="everything")["A"]] == [1, 2]
        assert line.ask(5, do="cancel", number=1) is False
    finally:
        line.close()
        process.kill()
        process.wait(10)
        process.stdin.close()  # type: ignore[union-attr]
        process.stdout.close()  # type: ignore[union-attr]
