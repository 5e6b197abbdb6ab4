"""委托之外要办的事（划拨、转账、约券）：找到管它的业务，办了，连同改动一起落盘。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.sim.intake import find_account
from easytrader.sim.lines.quiet import Clerk
from easytrader.sim.wire import QUERY_FAILED, Outcome

if TYPE_CHECKING:
    from easytrader.sim.counter import Counter
    from easytrader.sim.sweep import Budget
    from easytrader.sim.wire import BusinessArgs

__all__ = ["perform"]

_LAGGING: Final = "模拟柜台正在补撮合没有人看的时候的行情，还没有做完；没有受理，稍后再试"


def perform(counter: Counter, verb: str, args: BusinessArgs, now: float, budget: Budget) -> Outcome:
    """办一件事。应答是厂商的一行；办不了的是 ``(QUERY_FAILED, 原因)``，什么都不留下。"""
    events = counter.advance(now, budget)
    answer: Any = QUERY_FAILED, _LAGGING
    if not counter.lagging:
        answer = _answer(counter, verb, args, max(now, counter.state.progress.now))
        events += counter.advance(now, budget)  # 它引起的推送
    return Outcome(answer, events)


def _answer(counter: Counter, verb: str, args: BusinessArgs, now: float) -> Any:
    account = find_account(counter.state.accounts, args.account_type, args.account_id)
    if account is None:
        told = f"资金账号 {args.account_id} 不存在，或账号类型不是 {args.account_type}"
        return QUERY_FAILED, told
    for line in counter.lines:
        row = line.act(verb, account, args, now) if isinstance(line, Clerk) else None
        if row is not None:
            return row
    return QUERY_FAILED, f"模拟柜台没有 {verb} 这项业务"
