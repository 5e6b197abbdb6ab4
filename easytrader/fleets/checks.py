"""给存储的东西先在这里看过：两种存法认的是同一套；错的什么都没有做。

文字里不许有控制字符与存不下的字（PostgreSQL 的 ``text`` 存不下 NUL，UTF-8 写不出半个代理字）。
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from easytrader.errors import UsageError
from easytrader.fleets.words import ABSENT, FLEET, PLACED, STATES, Wish
from easytrader.wire import verbs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from easytrader.fleets.words import NewEvent, Outcome, Question

LONGEST_NAME: Final = 128
"""账号、编号、机器、策略、题目的名字最多这么多字。"""
LONGEST_TEXT: Final = 1_000_000
"""参数、结果、事件最多这么多字。"""
LONGEST_REPLY: Final = 64 << 20
"""问题的回答（历史行情）最多这么多字。"""
LONGEST_NOTE_NAME: Final = 64
LONGEST_NOTE: Final = 256 << 10
LONGEST_VALID_S: Final = 86400.0
KINDS: Final = ("orders", "yuan")
_MOST: Final = 2**53
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_SCOPE: Final = re.compile(r"(group|account|strategy):(.+)")


def name(argument: str, value: object, *, empty: bool = False) -> str:
    """一个名字：1 至 `LONGEST_NAME` 个字，没有控制字符；``empty`` 的可以空着。"""
    if (
        not isinstance(value, str)
        or not (value or empty)
        or len(value) > LONGEST_NAME
        or _CONTROL.search(value)
    ):
        raise UsageError(argument, value, f"应为 1 至 {LONGEST_NAME} 个字，没有控制字符")
    return value


def text(argument: str, value: object, most: int = LONGEST_TEXT) -> str:
    """一段文字（JSON、为什么）；可以为空。"""
    if not isinstance(value, str) or len(value) > most or _UNSTORABLE.search(value):
        raise UsageError(argument, value, f"应为文字，最多 {most} 个字，没有 NUL")
    return value


def whole(argument: str, value: object, least: int = 0) -> int:
    """一个整数，至少 ``least``。"""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
        raise UsageError(argument, value, f"应为不小于 {least} 的整数")
    return value


def flag(argument: str, value: object) -> bool:
    """是或不是。"""
    if not isinstance(value, bool):
        raise UsageError(argument, value, "应为 True 或 False")
    return value


def seconds(argument: str, value: object) -> float:
    """一段时间，大于 0，最多一天。"""
    fine = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not fine or not math.isfinite(value) or not 0 < value <= LONGEST_VALID_S:  # type: ignore[arg-type, operator]
        raise UsageError(argument, value, "应为秒数，大于 0，最多 86400")
    return float(value)  # type: ignore[arg-type]


def scope(value: object) -> str:
    """开关、额度的一格：``fleet``、``group:组`` ``account:账号`` ``strategy:策略``。"""
    found = _SCOPE.fullmatch(value) if isinstance(value, str) else None
    if value != FLEET and (found is None or len(found[2]) > LONGEST_NAME):
        raise UsageError("scope", value, "应为 fleet、group:组、account:账号 或 strategy:策略")
    assert isinstance(value, str)
    if found is not None:
        name("scope", found[2])
    return value


def kind(value: object) -> str:
    """额度的种类。"""
    if not isinstance(value, str) or value not in KINDS:
        raise UsageError("kind", value, "应为 orders（笔）或 yuan（元）")
    return value


def names(argument: str, value: Iterable[str]) -> list[str]:
    """几个名字；不是一个字符串。"""
    if isinstance(value, (str, bytes)):
        raise UsageError(argument, value, "应为几个名字的列表，不是一个字符串")
    return [name(argument, each) for each in value]


def numbers(value: Sequence[int]) -> list[int]:
    """几个流水号。"""
    return [whole("numbers", each) for each in value]


def wish(given: Wish) -> Wish:
    """一个心愿，`words.Wish`。"""
    for argument in ("account", "command_id", "request", "digest"):
        name(argument, getattr(given, argument))
    for argument in ("strategy", "host"):
        name(argument, getattr(given, argument), empty=True)
    for argument in ("arguments", "limits"):
        text(argument, getattr(given, argument))
    verb = verbs.find(given.verb)
    if verb is None or not verb.effect.changes:
        raise UsageError("verb", given.verb, "应为会改变什么的动词（wire.verbs.TABLE）")
    if given.effect != verb.effect.value:
        raise UsageError("effect", given.effect, f"{verb.name} 是 {verb.effect.value}")
    seconds("valid_s", given.valid_s)
    return given


def question(given: Question) -> Question:
    """一个问题，`words.Question`。"""
    name("account", given.account)
    name("host", given.host, empty=True)
    text("arguments", given.arguments)
    if verbs.find(given.verb) is None:
        raise UsageError("verb", given.verb, "应为 wire.verbs.TABLE 里的动词")
    seconds("left_s", given.left_s)
    return given


def outcome(given: Outcome) -> Outcome:
    """一个结果，`words.Outcome`。"""
    name("account", given.account)
    name("command_id", given.command_id)
    whole("attempt", given.attempt, 1)
    if given.state not in STATES or given.state == "queued":
        raise UsageError("state", given.state, "应为 words 里的状态，queued 除外")
    name("reason", given.reason, empty=True)
    name("order_id", given.order_id, empty=True)
    text("answer", given.answer)
    if given.seq is not None and (isinstance(given.seq, bool) or not isinstance(given.seq, int)):
        raise UsageError("seq", given.seq, "应为整数，或 None")
    return given


def is_whole(text: str) -> bool:
    """写成文字的整数，变成数再写回来一样。"""
    return _WHOLE.fullmatch(text) is not None


def state(value: object) -> str:
    """命令的一种状态。"""
    if not isinstance(value, str) or value not in STATES:
        raise UsageError("state", value, f"应为 {'、'.join(sorted(STATES))} 之一")
    return value


def moment(argument: str, value: object) -> float:
    """Unix 秒。"""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UsageError(argument, value, "应为 Unix 秒")
    return float(value)


def decision(account: str, command_id: str, state: str, why: str, order_id: str) -> None:
    """人要定的一条。"""
    name("account", account)
    name("command_id", command_id)
    name("why", why)
    name("order_id", order_id, empty=True)
    if state not in (PLACED, ABSENT):
        raise UsageError("state", state, "应为 placed（柜台有这笔委托）或 absent（没有）")
    if (state == PLACED) != bool(order_id):
        raise UsageError("order_id", order_id, "placed 的要写委托编号，absent 的不写")


def note(label: str, content: str) -> None:
    """写了就不再改的一份话。"""
    if len(name("name", label).encode()) > LONGEST_NOTE_NAME:
        raise UsageError("name", label, f"最多 {LONGEST_NOTE_NAME} 字节")
    if len(text("text", content).encode()) > LONGEST_NOTE:
        raise UsageError("text", content[:40], f"最多 {LONGEST_NOTE} 字节")


def event(given: NewEvent) -> NewEvent:
    """一条事件，`words.NewEvent`。"""
    for argument in ("account", "kind", "spool"):
        name(argument, getattr(given, argument))
    name("command_id", given.command_id, empty=True)
    text("data", given.data)
    whole("n", given.n, 1)
    return given


def takeover(value: object) -> str:
    """``auto`` 或 ``manual``。"""
    if value not in ("auto", "manual"):
        raise UsageError("takeover", value, "应为 auto 或 manual")
    assert isinstance(value, str)
    return value
