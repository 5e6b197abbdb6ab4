"""`Book`：一个接口推来的东西，只留自己名下的、最近的一份。

VeighNa 自己的缓存不能照用：合约按代码存，两个接口的同一个代码后来的顶掉先来的；
卖光的持仓、昨天的委托永远留着；推来的对象接口还会接着改。
"""

from __future__ import annotations

import copy
import threading
import time
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.numbers import exact
from easytrader.gateways import convert

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.market.symbols import Security

_SAME_S: Final = 2.0
"""持仓比成交先推来，差这么一点的，说的是成交之后的。"""


def trade_key(trade: Any) -> tuple[str, str, str]:
    """一笔成交的键：(代码, 多空, 成交编号)。"""
    return trade.vt_symbol, convert.name_of(trade.direction), trade.tradeid


class Book:
    """一次会话的账。

    Args:
        name: 接口的名字：别的接口推来的不要。

    Attributes:
        changed: 来了东西就通知；在 VeighNa 的事件线程上，那时 VeighNa 自己的缓存已经更新。
        orders: 委托编号（不带接口名）→ 委托。
        trades: (代码, 多空, 成交编号) → 成交。
        contracts: (代码, 交易所的名字) → 合约。
        accounts: 资金账号 → 资金；一种货币一项的接口有几项。
        seen_at: 委托编号、成交的键 → 第一次见到的时刻，Unix 秒：有的接口不给时间。
        is_open: 登录好了：此后来的是新的，不是登录时补的。
        live: 登录好了以后来过消息的委托与成交的键 → 最近一次是什么时候，Unix 秒。
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.changed = threading.Condition()
        self.orders: dict[str, Any] = {}
        self.trades: dict[tuple[str, str, str], Any] = {}
        self.contracts: dict[tuple[str, str], Any] = {}
        self.accounts: dict[str, Any] = {}
        self.ticks: dict[tuple[str, str], Any] = {}
        self.seen_at: dict[Any, float] = {}
        self.is_open = False
        self.live: dict[Any, float] = {}
        self.account_at = float("-inf")
        """最近一次推资金的时刻，``time.monotonic``。"""
        self.position_at = float("-inf")
        self.heard_at = time.monotonic()
        """最近一次推来什么。"""
        self._positions: dict[tuple[str, str, str], Any] = {}
        self._pushed_at: dict[tuple[str, str, str], float] = {}
        self._traded_at: dict[tuple[str, str], float] = {}
        self._filled: dict[str, tuple[Decimal, Decimal]] = {}
        self.parsed: dict[str, Security] = {}
        """用户写过的代码 → 证券；来了新的合约就不算数。"""
        self._spellings: dict[str, list[Any]] = defaultdict(list)
        self._keep = {
            "account": self._account, "contract": self._contract, "order": self._order,
            "position": self._position, "tick": self._tick, "trade": self._trade,
        }  # fmt: skip

    def take(self, kind: str, data: Any) -> bool:
        """记下推来的一样；不是自己名下的不记，返回 False。

        Args:
            kind: ``account contract order position tick trade``。
            data: VeighNa 的对象。
        """
        if data.gateway_name != self.name:
            return False
        now = time.monotonic()
        with self.changed:
            self.heard_at = now
            self._keep[kind](copy.copy(data), now)
            self.changed.notify_all()
        return True

    def positions(self, gone_before: float = float("-inf")) -> list[Any]:
        """持仓；卖光了的不算。

        Args:
            gone_before: 这之前（``time.monotonic``）成交过、此后再没有推来的，当作没有了：
                平掉最后一手，有的接口就再也不说它。
        """
        found = []
        for (symbol, exchange, way), each in list(self._positions.items()):
            traded_at = self._traded_at.get((symbol, exchange), float("-inf"))
            pushed_at = self._pushed_at[symbol, exchange, way]
            stale = pushed_at + _SAME_S < traded_at < gone_before
            if each.volume and not stale:
                found.append(each)
        return found

    def contract(self, symbol: str, exchange: str) -> Any | None:
        """一个合约；交易所写名字，如 ``SSE``。"""
        return self.contracts.get((symbol, exchange))

    def spelled(self, symbol: str) -> list[Any]:
        """叫这个代码的合约，大小写不论。"""
        return list(self._spellings.get(symbol.lower(), ()))

    def wait_for(self, check: Callable[[], object], deadline: float) -> bool:
        """等到来的东西让 ``check`` 成立，最晚到 ``deadline``（``time.monotonic``）。"""
        with self.changed:
            return bool(self.changed.wait_for(check, max(0.0, deadline - time.monotonic())))

    def wake(self) -> None:
        """叫醒等着的：没有推来什么，但是别等了。"""
        with self.changed:
            self.changed.notify_all()

    def average_of(self, orderid: str) -> float:
        """一笔委托的成交均价，VeighNa 的委托里没有；还没有成交为 0。"""
        volume, value = self._filled.get(orderid, (0, 0))
        return float(value / volume) if volume else 0.0

    def _order(self, order: Any, _: float) -> None:
        self.orders[order.orderid] = order
        self._saw(order.orderid)

    def _saw(self, key: Any) -> None:
        now = time.time()
        self.seen_at.setdefault(key, now)
        if self.is_open:
            self.live[key] = now

    def _trade(self, trade: Any, now: float) -> None:
        key = trade_key(trade)
        self._saw(key)
        if key not in self.trades:
            self._traded_at[trade.symbol, trade.exchange.name] = now
            volume, value = self._filled.get(trade.orderid, (Decimal(0), Decimal(0)))
            more = exact(convert.number(trade.volume))
            more_value = more * exact(convert.price(trade.price))
            self._filled[trade.orderid] = volume + more, value + more_value
        self.trades[key] = trade

    def _position(self, position: Any, now: float) -> None:
        key = position.symbol, position.exchange.name, convert.name_of(position.direction)
        self._pushed_at[key] = now
        self._positions[key] = position
        self.position_at = now

    def _account(self, account: Any, now: float) -> None:
        self.accounts[account.accountid] = account
        self.account_at = now

    def _contract(self, contract: Any, _: float) -> None:
        key = contract.symbol, contract.exchange.name
        if key not in self.contracts:
            self._spellings[contract.symbol.lower()].append(contract)
            self.parsed.clear()
        self.contracts[key] = contract

    def _tick(self, tick: Any, _: float) -> None:
        self.ticks[tick.symbol, tick.exchange.name] = tick
