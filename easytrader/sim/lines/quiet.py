"""不碰委托的业务：只有查询、办事和换日。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from easytrader.sim.account import Account
    from easytrader.sim.events import Done, Reject
    from easytrader.sim.orders import SimOrder
    from easytrader.sim.ways import Way

__all__ = ["Clerk", "QuietLine", "details"]


@runtime_checkable
class Clerk(Protocol):
    """委托之外还办别的事的业务（划拨、转账、约券）。"""

    def act(self, verb: str, account: Account, args: Any, now: float) -> Done | None:
        """办一件事；不认识这个动作为 None。"""
        ...


class QuietLine:
    """不碰委托的业务的底子，见 `easytrader.sim.lines.Line`。"""

    def way(self, order: SimOrder) -> Way | None:
        """哪笔委托都不归它管。"""
        return None

    def claims(self, order: SimOrder, account: Account) -> bool:
        """同上。"""
        return False

    def place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        """不会被叫到。"""

    def withdraw(self, order: SimOrder, now: float) -> Reject | None:
        """不会被叫到。"""
        return None

    def end_day(self, day: int) -> None:
        """没有要做的。"""

    def start_day(self, day: int) -> None:
        """没有要做的。"""

    def ask(self, verb: str, account: Account, args: Any) -> list[Any] | None:
        """没有查询。"""
        return None


def details(args: Any) -> dict[str, Any]:
    """`BusinessQuery` 里的各项。"""
    found: dict[str, Any] = json.loads(args.body or "{}")
    return found
