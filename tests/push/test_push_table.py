"""推送的对照表：厂商的方法名 ↔ 事件 ↔ `events()` 的种类，一一对应；不认得的原样交给用户。"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, get_args

import pytest

from easytrader.backend import records
from easytrader.backend.records import Answered, Note
from easytrader.basics.log import Log
from easytrader.push.courier import Courier
from easytrader.push.event_log import EventLog
from easytrader.push.table import TABLE, Kind, callback_name, contents, heard, of


class Everything:
    """什么回调都记下。"""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.seen.append((name, *args))


def deliver(*events: records.PushEvent, **hooks: Any) -> list[tuple[Any, ...]]:
    callback = Everything()
    courier = Courier(
        Log(), delivered=lambda event: None, met=lambda order: None, status=lambda: {"state": "好"}
    )
    courier.start(callback, hooks)
    for each in events:
        courier.deliver(each)
    assert courier.close(10)
    assert courier.handed == sum(not isinstance(each, records.CallbackReplaced) for each in events)
    return callback.seen


def test_every_event_is_in_the_table_or_passed_on_as_it_is() -> None:
    listed = {each.event for each in TABLE}
    assert set(get_args(records.PushEvent)) == listed | {records.Note, records.CallbackReplaced}
    assert len({each.callback for each in TABLE}) == len(TABLE)
    assert len({each.kind for each in TABLE}) == len(TABLE)


@pytest.mark.parametrize("kind", TABLE, ids=lambda each: each.callback)
def test_what_a_backend_says_by_name_comes_back_as_that_name_and_arguments(kind: Kind) -> None:
    args = (SimpleNamespace(),) if kind.event.__match_args__ else ()
    event = heard(kind.callback, args)
    assert type(event) is kind.event
    assert of(event) is kind
    assert (callback_name(event), contents(event)) == (kind.callback, args)


@pytest.mark.parametrize(("name", "args"), [("on_later", (1, 2)), ("on_stock_order", ())])
def test_an_unknown_callback_reaches_the_user_unchanged(name: str, args: tuple[Any, ...]) -> None:
    event = heard(name, args)
    assert event == Note(name, args)
    assert deliver(event) == [(name, *args)]


def test_an_answer_of_an_unknown_kind_reaches_nobody() -> None:
    log = EventLog()
    log.add(Answered("以后的", 1))
    assert log.take(0) is None


def test_the_health_callback_gets_the_status_of_that_moment_and_no_event() -> None:
    told: list[Any] = []
    assert deliver(records.HealthChanged(), on_health=told.append) == [
        ("on_health", {"state": "好"})
    ]
    assert told == [{"state": "好"}]
    log = EventLog()
    log.add(records.HealthChanged())
    assert log.take(0) is None


def test_giving_up_calls_hook_and_callback_with_the_error() -> None:
    told: list[Any] = []
    error = OSError("没连上")
    assert deliver(records.GaveUp(error), on_give_up=told.append) == [("on_give_up", error)]
    assert told == [error]
    log = EventLog()
    log.add(records.GaveUp(error))
    row = log.take(0)
    assert row is not None
    assert (row["event"], row["event_name"], row["data"]) == (
        "give_up", "放弃重连", {"error": "没连上"},
    )  # fmt: skip


def test_a_callback_registered_later_takes_over_and_is_no_event() -> None:
    later = Everything()
    assert deliver(
        records.Connected(), records.CallbackReplaced(later), records.Disconnected()
    ) in (
        [("on_connected",)],
        [],
    )
    assert later.seen[-1] == ("on_disconnected",)


def test_a_hook_that_fails_does_not_keep_the_callback_from_being_called() -> None:
    def broken(status: Any) -> None:
        raise ValueError(status)

    assert deliver(records.HealthChanged(), records.Connected(), on_health=broken) == [
        ("on_health", {"state": "好"}),
        ("on_connected",),
    ]
