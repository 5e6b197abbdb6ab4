"""全队、一组、一个账号、一个策略一天的额度：从存储一份一份领来，在本机慢慢花。

每笔委托不必都去问存储：一份是全部的百分之一（这一笔要得多，就是它要的），花完再领。
领了就算用了：机器坏了，没有花完的那一份也算用掉，所以几台机器合起来从不超过；
结果未知的照算，确知没有发出的退回本机的这一份。存储不在的时候只花手上剩下的。

``orders`` 一笔算一个；``yuan`` 是委托金额，每笔进到整元。
只管委托：撤单不管，转账、约券没有委托金额，也不管。
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from decimal import ROUND_CEILING
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.basics import beijing, boot_clock
from easytrader.errors import RiskRefusedError
from easytrader.fleets.words import FLEET, RENEW_S, StoreDownError, StoreUnknownError
from easytrader.records.guarded import DeadlineLock
from easytrader.risk.rules import NOTHING_SENT
from easytrader.server import caps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from easytrader.backend.records import OrderRequest
    from easytrader.fleets.store import Store
    from easytrader.fleets.words import Budget
    from easytrader.risk.rules import MarketView

RULE: Final = "fleet_budget"
ORDERS, YUAN = "orders", "yuan"
SLICES: Final = 100
"""一份是全部的几分之一。"""
FRESH_S: Final = 3 * RENEW_S
"""设了哪些额度，最多这么久以前问的；更久的下单之前先问。"""
_DRAW_S: Final = 1.0
_NAMES: Final = {ORDERS: "笔", YUAN: "元"}

_Key = tuple[str, str]


def scopes(account: str, groups: Iterable[str], strategy: str) -> tuple[str, ...]:
    """管着一笔委托的几格。"""
    found = [FLEET, *(f"group:{each}" for each in groups), f"account:{account}"]
    return (*found, f"strategy:{strategy}") if strategy else tuple(found)


class _Take(NamedTuple):
    key: _Key
    amount: int
    day: int


@dataclass(slots=True)
class _Slice:
    """领来的一份里剩下的。"""

    left: int
    day: int


class Budgets:
    """见模块说明。线程安全。

    Args:
        store: 存储。
        host: 谁领的：这台机器的名字。
        clock: 开机以来的秒数。
        wall: Unix 秒；只在还没有听过存储的钟时用。
    """

    def __init__(
        self,
        store: Store,
        host: str,
        clock: Callable[[], float] = boot_clock.now,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._host = host
        self._clock = clock
        self._wall = wall
        self._ahead: float | None = None
        self._lock = threading.Lock()
        self._known: dict[_Key, Budget] = {}
        self._known_at: float | None = None
        self._slices: dict[_Key, _Slice] = {}
        self._turns: dict[_Key, DeadlineLock] = {}
        self._taken: dict[str, tuple[_Take, ...]] = {}
        self._day = 0

    def beat(self, now: float) -> None:
        """存储的钟（`Beat.now`）：哪一天照它算。"""
        self._ahead = now - self._clock()

    def refresh(self, deadline: float) -> None:
        """问一遍设了哪些额度；每次续租之后。

        Raises:
            StoreDownError, StoreUnknownError: 问不到；照旧用上次的。
        """
        found = self._store.budgets(deadline)
        with self._lock:
            self._known = {(each.scope, each.kind): each for each in found}
            self._known_at = self._clock()

    def admit(
        self,
        key: str,
        places: Sequence[str],
        request: OrderRequest,
        view: MarketView,
        deadline: float,
    ) -> None:
        """占住一笔委托的额度；同一个 ``key`` 只占一次。

        Args:
            key: 哪一次：账号、命令、第几次。
            places: 管着它的几格，`scopes`。
            request: 委托。
            view: 行情。
            deadline: 最晚到什么时候（``time.monotonic``）。

        Raises:
            RiskRefusedError: 不够，或领不到；什么都没有占，什么都没有发出。
        """
        self._check_known(deadline)
        today = self._today()
        with self._lock:
            if today != self._day:
                self._day, self._taken = today, {}
                self._slices.clear()
            if key in self._taken:
                return
            keys = [(scope, kind) for scope in places for kind in (ORDERS, YUAN)]
            known = [self._known[each] for each in keys if each in self._known]
        takes: list[_Take] = []
        try:
            for each in known:
                amount = self._amount(each, request, view)
                # 不写成一句：半途抛了异常，已经占了的要退
                takes.append(self._take(each, amount, today, deadline))
        except BaseException:
            self._put_back(takes)
            raise
        with self._lock:
            self._taken[key] = tuple(takes)

    def not_sent(self, key: str) -> None:
        """确知没有发出：退回本机的这一份。可以重复调用。"""
        with self._lock:
            takes = self._taken.pop(key, ())
        self._put_back(takes)

    def left(self, scope: str, kind: str) -> int:
        """手上这一份还剩多少。"""
        with self._lock:
            found = self._slices.get((scope, kind))
            return 0 if found is None or found.day != self._today() else found.left

    # ---- 内部

    def _today(self) -> int:
        """存储的钟是哪一天；还没有听过的照这台机器的。"""
        now = self._wall() if self._ahead is None else self._clock() + self._ahead
        return beijing.day_of(now)

    def _check_known(self, deadline: float) -> None:
        at = self._known_at
        if at is not None and self._clock() - at <= FRESH_S:
            return
        try:
            self.refresh(min(deadline, time.monotonic() + _DRAW_S))
        except (StoreDownError, StoreUnknownError) as exc:
            if at is None:  # 有没有额度都不知道
                raise _refused(f"额度问不到，存储连不上（{exc}）") from exc

    @staticmethod
    def _amount(budget: Budget, request: OrderRequest, view: MarketView) -> int:
        if budget.kind == ORDERS:
            return 1
        value, _ = caps.value_of(request, view, RULE)
        return int(value.to_integral_value(ROUND_CEILING))

    def _take(self, budget: Budget, amount: int, day: int, deadline: float) -> _Take:
        key = (budget.scope, budget.kind)
        with self._lock:
            turn = self._turns.setdefault(key, DeadlineLock())

        def take() -> None:
            with self._lock:
                held = self._slices.get(key)
                if held is None or held.day != day:
                    held = self._slices[key] = _Slice(0, day)
                if held.left >= amount:
                    held.left -= amount
                    return
                least = amount - held.left
            drawn = self._draw(budget, least, deadline)
            with self._lock:
                held.left += drawn - amount

        # 一格一个一个来：两笔一起来的不各领一份；别的格不等它
        try:
            turn.run(deadline, take)
        except TimeoutError:
            raise _refused(f"{_place(budget)}的额度还在领，到期没有轮到") from None
        return _Take(key, amount, day)

    def _draw(self, budget: Budget, least: int, deadline: float) -> int:
        most = max(least, budget.allowed // SLICES)
        limit = min(deadline, time.monotonic() + _DRAW_S)
        try:
            drawn = self._store.draw(budget.scope, budget.kind, least, most, self._host, limit)
        except (StoreDownError, StoreUnknownError) as exc:
            told = f"{_place(budget)}的额度，手上的用完了，再领不到：存储连不上（{exc}）"
            raise _refused(told) from exc
        if drawn is None:
            return least  # 刚取消了这一格
        if drawn < least:
            unit = _NAMES[budget.kind]
            told = (
                f"{_place(budget)}一天最多 {budget.allowed:,} {unit}，今天剩下的不够，"
                f"这一笔还要 {least:,} {unit}"
            )
            raise _refused(told, least, budget.allowed)
        return drawn

    def _put_back(self, takes: Iterable[_Take]) -> None:
        with self._lock:
            for each in takes:
                held = self._slices.get(each.key)
                if held is not None and held.day == each.day:
                    held.left += each.amount


def _place(budget: Budget) -> str:
    return "全队" if budget.scope == FLEET else budget.scope


def _refused(told: str, actual: object = None, limit: object = None) -> RiskRefusedError:
    text = f"风控拒绝（{RULE}）：{told}；{NOTHING_SENT}"
    return RiskRefusedError(text, rule=RULE, actual=actual, limit=limit)
