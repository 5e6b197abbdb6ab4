"""读手写的用例：一行一例，写法见同一文件夹的 README.md。这里不知道任何一条交易规则。"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Step:
    """一步：何时、做什么、应当怎样。"""

    when: str  # "YYYY-MM-DD HH:MM:SS"
    words: tuple[str, ...]
    expected: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.when} {' '.join(self.words)} => {' '.join(self.expected)}"


@dataclass(frozen=True)
class Case:
    """一行用例。"""

    name: str
    code: str
    situation: dict[str, str]
    steps: tuple[Step, ...]
    open: str  # 现在还不对的：为什么；空是应当通过
    line: str = field(repr=False)

    @property
    def day(self) -> str:
        return self.steps[0].when[:10]

    @property
    def alone(self) -> bool:
        """自己摆了盘口、要看成交的，不与别的用例共用这只证券。"""
        return any(each in self.situation for each in ("alone", "ask", "bid", "then"))


def _moment(word: str, day: str) -> str:
    """``10:00``、``10:00:30``、``+1 10:00`` 由此；日子加的是日历日。"""
    return f"{day} {word}:00" if word.count(":") == 1 else f"{day} {word}"


def _step(text: str, day: str, time: str) -> tuple[Step, str, str]:
    action, _, expected = text.partition("=>")
    words = action.split()
    if words and re.fullmatch(r"\d{4}-\d\d-\d\d", words[0]):
        day = words.pop(0)
    elif words and re.fullmatch(r"\+\d+", words[0]):
        day = (date.fromisoformat(day) + timedelta(int(words.pop(0)))).isoformat()
    if words and re.fullmatch(r"\d\d:\d\d(:\d\d)?", words[0]):
        time = words.pop(0)
    if not words or not expected.split():
        raise ValueError(f"看不懂的一步：{text!r}")
    return Step(_moment(time, day), tuple(words), tuple(expected.split())), day, time


def _case(name: str, text: str, day: str, time: str) -> Case:
    body, _, note = text.partition("#")
    why = ""
    if body.startswith("open "):
        body, why = body[5:], note.strip() or "?"
    head, *parts = (each.strip() for each in body.split("|"))
    code, *facts = head.split()
    situation = dict(each.partition("=")[::2] for each in facts)
    steps = []
    for part in parts:
        step, day, time = _step(part, day, time)
        steps.append(step)
    if not steps or "pre" not in situation:
        raise ValueError(f"{name}：{text!r} 没有昨收或没有一步")
    return Case(name, code, situation, tuple(steps), why, text)


def _rows(name: str, line: str, day: str, time: str) -> list[Case]:
    """证券写成 ``600036.SH,000001.SZ`` 的，一只一例。"""
    opened = "open " if line.startswith("open ") else ""
    codes, _, rest = line.removeprefix("open ").partition(" ")
    if "," not in codes:
        return [_case(name, line, day, time)]
    return [
        _case(f"{name}:{code}", f"{opened}{code} {rest}", day, time) for code in codes.split(",")
    ]


def read(path: Path) -> list[Case]:
    """一个文件里的用例。"""
    cases = []
    day = time = ""
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            day, time, *_ = line[1:].split()
            continue
        cases.extend(_rows(f"{path.stem}:{number}", line, day, time))
    return cases


def everything() -> list[Case]:
    return [case for path in sorted(FOLDER.glob("*.txt")) for case in read(path)]


def worlds(cases: list[Case]) -> list[list[Case]]:
    """同一天的凑在一个模拟文件夹里；同一只证券的处境不同、或要独占的，分开。"""
    made: list[tuple[str, dict[str, dict[str, str]], set[str], list[Case]]] = []
    for case in cases:
        for day, facts, lonely, members in made:
            if day != case.day or case.code in lonely or len(members) > 150:
                continue
            known = facts.get(case.code)
            if known is not None and (case.alone or known != _public(case)):
                continue
            break
        else:
            facts, lonely, members = {}, set(), []
            made.append((case.day, facts, lonely, members))
        facts[case.code] = _public(case)
        members.append(case)
        if case.alone:
            lonely.add(case.code)
    return [members for *_, members in made]


def _public(case: Case) -> dict[str, str]:
    """处境里属于证券的；持仓与现金是账号自己的。"""
    return {
        key: value
        for key, value in case.situation.items()
        if key not in ("hold", "money", "credit")
    }


def money(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("_", ""))
