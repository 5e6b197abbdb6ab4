"""体检：每一件要管的都说得出来，好好的时候什么也不说。"""

from __future__ import annotations

import json
from typing import Any

import pytest

from easytrader.fleets import inspection
from easytrader.fleets.words import (
    AccountRow,
    Command,
    Greeting,
    StoredEvent,
    Switch,
)

NOW = 1_800_000_000.0

FINE: dict[str, Any] = {
    "account": "A", "broker": "sim", "groups": ("g",), "box": "win-1", "epoch": 1, "alive": True,
    "lease_left_s": 8.0, "takeover": "manual", "takeover_to": "", "protocol": 1,
    "hello": json.dumps({"state": "已连接"}),
    "glance": json.dumps({"state": "已连接", "spooled": 0, "clock_offset_s": 0.1, "version": "1"}),
    "glance_age_s": 3.0, "first_no": 1, "last_no": 5, "open": 0, "address": "",
}  # fmt: skip


class Told:
    """一份说定了的存储。"""

    def __init__(self, **told: Any) -> None:
        self.rows = [AccountRow(**{**FINE, **told.pop("row", {})})]
        self.told: dict[str, Any] = {
            "commands": [], "alarms": [], "switches": [], "now": NOW, "protocol": 1, **told,
        }  # fmt: skip
        self.since = 0.0

    def greet(self, _: float) -> Greeting:
        return Greeting("i", "t", self.told["protocol"], "me", ("operator",), self.told["now"], "x")

    def accounts(self, _: float) -> list[AccountRow]:
        return self.rows

    def commands(self, _: float, *, states: Any) -> list[Command]:
        return [each for each in self.told["commands"] if each.state in states]

    def alarms(self, _: float, *, since: float) -> list[StoredEvent]:
        self.since = since
        return list(self.told["alarms"])

    def switches(self, _: float) -> list[Switch]:
        return list(self.told["switches"])


def problems(**told: Any) -> list[inspection.Problem]:
    return looked(Told(**told))


def looked(store: Told) -> list[inspection.Problem]:
    return inspection.look(store, lambda: 0.0, lambda: NOW)  # type: ignore[arg-type]


def glance(**more: Any) -> dict[str, Any]:
    return {"row": {"glance": json.dumps({**json.loads(FINE["glance"]), **more})}}


def command(state: str, age_s: float) -> Command:
    return Command("A", "k1", "r", "buy", "order", "{}", "", 1, state=state, created_at=NOW - age_s)


def test_nothing_to_say_when_all_is_well() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        ({"row": {"alive": False, "lease_left_s": -30.0}}, "lease", "win-1 的租约过期 30 秒"),
        ({"row": {"alive": False, "box": ""}}, "lease", "take-over A"),
        ({"row": {"glance_age_s": 61.0}}, "idle", "61 秒"),
        ({"row": {"protocol": 9}}, "version", "第 9 版"),
        (glance(state="断开"), "state", "断开"),
        (glance(spooled=500), "spool", "500 条"),
        (glance(clock_offset_s=-2.5), "clock", "慢 2.5 秒"),
        ({"now": NOW - 60}, "clock", "快"),
        ({"protocol": 3}, "version", "第 3 版"),
        ({"commands": [command("unknown", 5)]}, "unknown", "fleet settle A k1"),
        ({"commands": [command("sending", 31)]}, "unknown", "领走了"),
        (
            {"alarms": [StoredEvent("A", 7, "duplicate", '{"data": {"text": "两笔"}}', "", NOW)]},
            "alarm",
            "报警 duplicate 两笔",
        ),
    ],
)
def test_each_trouble_is_told(told: dict[str, Any], kind: str, words: str) -> None:
    [found] = problems(**told)
    assert (found.kind, found.bad) == (kind, True)
    assert words in str(found)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"switches": [Switch("fleet", False, "吃饭", "boss", NOW)]}, "switch"),
        ({"protocol": 2}, "version"),
    ],
)
def test_some_are_only_worth_knowing(told: dict[str, Any], kind: str) -> None:
    [found] = problems(**told)
    assert (found.kind, found.bad) == (kind, False)


@pytest.mark.parametrize(
    "told",
    [
        glance(spooled=499),
        glance(clock_offset_s=1.9),
        {"row": {"glance": "", "hello": ""}},
        {"row": {"glance": "不是 JSON"}},
        {"commands": [command("sending", 3)]},
    ],
)
def test_small_things_and_rubbish_are_no_trouble(told: dict[str, Any]) -> None:
    assert problems(**told) == []


def test_versions_that_differ_are_named() -> None:
    store = Told()
    other = {**json.loads(FINE["glance"]), "version": "2"}
    store.rows.append(AccountRow(**{**FINE, "account": "B", "box": "win-2",
                                    "glance": json.dumps(other)}))  # fmt: skip
    [found] = looked(store)
    assert (found.kind, found.bad) == ("version", False)
    assert "win-1 1、win-2 2" in found.told


def test_alarms_are_counted_from_beijing_midnight_of_the_stores_clock() -> None:
    store = Told()
    looked(store)
    assert store.since == 1_799_942_400.0  # 2027-01-15 00:00 北京


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5 << 20))
    [found] = problems()
    assert (found.kind, found.bad) == ("disk", True)
    assert "5 MB" in found.told
