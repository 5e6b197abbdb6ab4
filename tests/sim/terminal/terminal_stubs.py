"""客户端的测试用的：不连柜台的线、什么都不做的交易台、用手动的钟的客户端。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from easytrader.basics.beijing import moment
from easytrader.sim.terminal.client.link import LinkError
from easytrader.sim.terminal.client.manners import MANNERS
from easytrader.sim.terminal.client.terminal import Terminal
from easytrader.sim.terminal.client.timers import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.terminal.client.terminal import Strategy

NINE_THIRTY = moment("2026-03-02 09:30:00")
LAST_BAR = 239


class StubLink:
    """问什么照表答的线；`push` 是柜台主动说的。"""

    def __init__(self, now: float = NINE_THIRTY, **answers: Any) -> None:
        self.answers: dict[str, Any] = {"now": now, "about": None, **answers}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.push: Callable[[str, Any], None] = lambda kind, row: None
        self.lost: Callable[[str], None] = lambda why: None
        self.state = "open"

    def listen(self, on_event: Callable[[str, Any], None], on_lost: Callable[[str], None]) -> None:
        self.push, self.lost = on_event, on_lost

    def ask(self, verb: str, **args: Any) -> Any:
        self.asked.append((verb, args))
        if verb not in self.answers:
            raise LinkError(f"没有 {verb}")
        answer = self.answers[verb]
        return answer(**args) if callable(answer) else answer

    def kill(self) -> None:
        self.state = "killed"

    def close(self) -> None:
        self.state = "closed" if self.state == "open" else self.state


class StubDesk:
    """记下被叫了什么的交易台；一条推送变成策略的一个回调。"""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.told: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_args: self.told.append(name)

    def globals_for(self, strategy: Strategy) -> dict[str, Any]:
        def passorder(*args: Any) -> None:
            self.terminal.calls.append((args[-2], args))

        return {"passorder": passorder, "told": self.told}

    def event(self, kind: str, row: Any) -> None:
        for strategy in self.terminal.strategies:
            strategy.call_back(f"{kind}_callback", row)


def manual(
    profile: str = "instant", link: StubLink | None = None, folder: str = "", **fields: Any
) -> Terminal:
    """手动的钟的客户端，市场时间是 2026-03-02 09:30:00。"""
    manners = MANNERS[profile].changed(**fields)
    return Terminal(link or StubLink(), manners, StubDesk, folder, clock=ManualClock(NINE_THIRTY))


def printed(terminal: Terminal) -> list[str]:
    """策略打印的。"""
    return [text for kind, text in terminal.log.lines if kind == "output"]


def formula(terminal: Terminal) -> list[str]:
    """策略引擎的日志。"""
    return [text for kind, text in terminal.log.lines if kind == "formula"]
