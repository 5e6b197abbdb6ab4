"""柜台在普通买卖之外的业务：信用、回购、新股申购、公司行为……一项业务一条线。

一条线管自己的三件事：哪些委托归它、钱券怎样走（`ways`）、每天开始与结束时要做什么；
它记得的东西（合约、申购、到期日）写成 JSON 放进 ``CounterState.records``，同委托一起落盘。
没有 I/O、没有线程、不读时钟。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from easytrader.sim.after_hours import after_hours_line
from easytrader.sim.corporate import corporate_line
from easytrader.sim.credit.line import credit_line
from easytrader.sim.repo import repo_line
from easytrader.sim.smt import smt_line
from easytrader.sim.subscribe import subscribe_line
from easytrader.sim.transfers import transfers_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.sim.account import Account
    from easytrader.sim.events import Reject
    from easytrader.sim.ledger import Ledger
    from easytrader.sim.market.book import Quote
    from easytrader.sim.orders import SimOrder
    from easytrader.sim.sessions import MarketHours
    from easytrader.sim.ways import Way
    from easytrader.symbols import Security

__all__ = ["Cashier", "Debtor", "Holder", "Line", "Surroundings", "lines_for"]


class Surroundings(NamedTuple):
    """一条线看得见的柜台。

    Attributes:
        ledger: 账：改状态、记改动、推送。
        quote: 一只证券此刻的盘口。
        hours: 交易日与时段。
    """

    ledger: Ledger
    quote: Callable[[Security], Quote]
    hours: MarketHours


class Line(Protocol):
    """一项业务。"""

    def way(self, order: SimOrder) -> Way | None:
        """这笔委托的钱和券由这条线管时，怎样走；不归它管为 None。"""
        ...

    def claims(self, order: SimOrder, account: Account) -> bool:
        """这笔委托不经过撮合，由这条线自己办（`place`）。"""
        ...

    def place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        """办一笔不经过撮合的委托：经 `Ledger` 拒绝，或收下并记清后果。"""
        ...

    def withdraw(self, order: SimOrder, now: float) -> Reject | None:
        """撤一笔还没有了结的、不经过撮合的委托；不能撤的理由，None 为可以（由柜台了结）。"""
        ...

    def end_day(self, day: int) -> None:
        """一天结束，挂着的委托到期之前。"""
        ...

    def start_day(self, day: int) -> None:
        """新的一天开始：持仓已经解锁，昨天的委托已经归档。"""
        ...

    def ask(self, verb: str, account: Account, args: tuple[Any, ...]) -> list[Any] | None:
        """这项业务的查询；不认识这个动作为 None。"""
        ...


@runtime_checkable
class Holder(Protocol):
    """手里有账户的钱、要算进总资产的业务。"""

    def worth_li(self, account_id: str) -> int:
        """算进这个账号总资产的，厘。"""
        ...


@runtime_checkable
class Debtor(Protocol):
    """账户欠着钱的业务；总资产里不减，每天收盘另记。"""

    def owed_li(self, account_id: str) -> int:
        """这个账号欠的，厘。"""
        ...


@runtime_checkable
class Cashier(Protocol):
    """管着能取多少钱的业务。"""

    def fetch_li(self, account: Account) -> int | None:
        """这个账号可取的，厘；不归它管为 None。"""
        ...


def lines_for(folder: Path) -> tuple[Callable[[Surroundings], Line], ...]:
    """这个模拟文件夹里的各项业务。"""
    return (
        after_hours_line(),
        credit_line(folder),
        subscribe_line(folder),
        corporate_line(folder),
        repo_line(folder),
        transfers_line(folder),
        smt_line(folder),
    )
