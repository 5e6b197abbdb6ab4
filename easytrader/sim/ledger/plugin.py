"""柜台与各项业务的约定：信用、回购、新股申购、公司行为……一项业务一个插件。

一个插件管自己的三件事：哪些委托归它、钱券怎样走（`Way`）、每天开始与结束时要做什么；
它记得的东西（合约、申购、到期日）写成 JSON 放进 ``CounterState.records``，同委托一起落盘。
没有 I/O、没有线程、不读时钟。
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.checks import Ticket
    from easytrader.sim.ledger.events import Done, Reject
    from easytrader.sim.ledger.orders import SimOrder


T = TypeVar("T")


class Way(Protocol):
    """一种委托的走法。"""

    def sellable(self, account: Account, order: SimOrder) -> int:
        """卖出时能用的数量，股、张；检查零股与可用数量时用。"""
        ...

    def shares(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """证券够不够。"""
        ...

    def cash(self, account: Account, order: SimOrder, ticket: Ticket) -> Reject | None:
        """钱（或保证金、额度）够不够。"""
        ...

    def freeze(self, account: Account, order: SimOrder) -> None:
        """按委托现在的限价与剩余，把该冻结的补足或退回；收下、改价、每笔成交之后各调一次。"""
        ...

    def settle(
        self, account: Account, order: SimOrder, amount_li: int, fee_li: int, volume: int
    ) -> int:
        """一笔成交：收付 ``amount_li`` 与费用，交收 ``volume``；返回实收的费用。

        调用时 ``order`` 的累计成交还没有加上这一笔；成交之后还会 `freeze` 一次。
        """
        ...

    def release(self, account: Account, order: SimOrder) -> None:
        """剩余不再成交：放开还冻结着的。"""
        ...


class Business(Protocol):
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


@runtime_checkable
class Clerk(Protocol):
    """委托之外还办别的事的业务（划拨、转账、约券）。"""

    def act(self, verb: str, account: Account, args: Any, now: float) -> Done | None:
        """办一件事；不认识这个动作为 None。"""
        ...


@runtime_checkable
class Enforcer(Protocol):
    """早上会替账户下单的业务（强制平仓）。"""

    def due(self) -> bool:
        """今天早上有没有要替账户下的。"""
        ...

    def orders(self, now: float, in_call: bool) -> Iterator[SimOrder]:
        """一笔一笔给出，给下一笔之前上一笔已经下了；``in_call``：在集合竞价里下。"""
        ...

    def forced(self, order: SimOrder) -> bool:
        """是它替账户下的：不能撤。"""
        ...


class QuietBusiness:
    """各项业务的底子：什么都不做，见 `Business`；哪项业务管什么，自己写。"""

    def way(self, order: SimOrder) -> Way | None:
        """钱券照普通买卖走。"""
        return None

    def claims(self, order: SimOrder, account: Account) -> bool:
        """照常进场撮合。"""
        return False

    def place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        """`claims` 为假，不会被叫到。"""

    def withdraw(self, order: SimOrder, now: float) -> Reject | None:
        """同上。"""
        return None

    def end_day(self, day: int) -> None:
        """没有要做的。"""

    def start_day(self, day: int) -> None:
        """没有要做的。"""

    def ask(self, verb: str, account: Account, args: Any) -> list[Any] | None:
        """没有查询。"""
        return None

    def held_li(self, account_id: str) -> int:
        """账户的钱有多少在它手里，厘：守恒律里的一项。"""
        return 0


def to_json(record: Any) -> str:
    """一条业务记录（dataclass）在 ``records`` 里的样子。"""
    return json.dumps(asdict(record), ensure_ascii=False)


def from_json(kind: type[T], body: str) -> T:
    """`to_json` 的反面。"""
    return kind(**json.loads(body))


def details(args: Any) -> dict[str, Any]:
    """`BusinessQuery` 里的各项。"""
    found: dict[str, Any] = json.loads(args.body or "{}")
    return found
