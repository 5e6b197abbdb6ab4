"""听编号的那一位自己也要核对：漏了、重了、乱了、说跟不上了，它得叫出来。"""

from __future__ import annotations

from typing import Any

import pytest
from remote_world import NumberedEars
from support import eventually


class Script:
    """照本子念的一条连接。"""

    def __init__(self, boot: str, frames: list[dict[str, Any]]) -> None:
        self.hello = {"boot": boot}
        self.events: list[dict[str, Any]] = []
        self._frames = frames

    def call(self, verb: str, **kwargs: Any) -> None:
        self.asked = kwargs["boot"], kwargs["after"]

    def receive(self) -> dict[str, Any]:
        if not self._frames:
            raise ConnectionError("念完了")
        return self._frames.pop(0)

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


class Lines:
    """一条接一条的连接。"""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)

    def ws(self, token: str, timeout: float) -> Script:
        if not self.scripts:
            raise ConnectionError("没有了")
        return self.scripts.pop(0)


def said(boot: str, *numbers: int) -> dict[str, Any]:
    return {"boot": boot, "events": [{"seq": each} for each in numbers]}


def heard(*scripts: Script) -> tuple[list[str], int]:
    lines = Lines(*scripts)
    ears = NumberedEars(lines, "x")  # type: ignore[arg-type]  # 只用它的 ws()
    eventually(lambda: not lines.scripts and not scripts[-1]._frames)
    return ears.close(), ears.heard


def test_every_number_once_passes() -> None:
    again = Script("a", [said("a", 4)])
    found, count = heard(
        Script("a", [said("a", 1, 2), said("a", 3)]), again, Script("b", [said("b", 1)])
    )
    assert not found
    assert count == 5
    assert again.asked == ("a", 3)


@pytest.mark.parametrize(
    "frames",
    [
        [said("a", 1, 3)],
        [said("a", 1, 2), said("a", 2)],
        [said("a", 2, 1)],
        [said("b", 1)],
        [said("a", 2)],
        [{"boot": "a", "gap": {"after": 0, "next": 5}}],
    ],
)
def test_doctored_numbers_are_noticed(frames: list[dict[str, Any]]) -> None:
    assert heard(Script("a", frames))[0]
