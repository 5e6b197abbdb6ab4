"""一个账号今天见过的：委托、成交、结果未知的标记、买卖过的交易对。重连之后还是它。

交易所的历史查询慢一点，没有成交就撤掉的更是过两小时就没有了（okx），所以见过的要记着。
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from datetime import timezone
from typing import TYPE_CHECKING, Final

from easytrader import rows
from easytrader.basics.days import DayBoundary
from easytrader.codes import FINAL_STATUSES, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from easytrader.backend.records import Order, Trade

UTC_DAY: Final = DayBoundary(timezone.utc)
"""交易所的一天从 UTC 零点算起。"""


_LAG_S: Final = 60.0
"""有了编号之后，过这么久还查不到，就是查不到了。"""
_DOUBT_S: Final = 600.0


class Ledger:
    """见模块说明。任何线程；写的只有那个账号的两条线路。

    Args:
        path: 买卖过的交易对记在这个文件里；None 不必记（交易所查委托不用给交易对）。
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._orders: dict[str, Order] = {}
        self._trades: dict[tuple[str, str], Trade] = {}
        self.symbols: dict[str, str] = {}
        """委托编号 → 交易对：撤单、查一笔都要它。"""
        self.traded: dict[str, None] = dict.fromkeys(_read(path))
        """买卖过的交易对，按先后。"""
        self._since: dict[str, float] = {}
        self._gone: set[str] = set()
        self._words: dict[str, tuple[str, str]] = {}
        self._doubts: dict[str, tuple[str, float]] = {}

    def scope(self) -> list[str]:
        """买卖过的交易对；文件再读一遍，别的程序也在记：它下的那一笔这里也要找得到。"""
        self.traded.update(dict.fromkeys(_read(self.path)))
        return list(self.traded)

    def begin(self, symbol: str) -> None:
        """就要买卖这个交易对：先记下来，重启之后才知道去哪里找那笔委托。

        Raises:
            OSError: 记不下来。
        """
        if symbol in self.traded:
            return
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{symbol}\n")
        self.traded[symbol] = None

    def wrote(self, tag: str, remark: str, strategy_name: str) -> None:
        """这笔的备注、策略名：交易所没有地方放，这个进程里下的由这里补上。"""
        self._words[tag] = remark, strategy_name

    def _worded(self, order: Order) -> Order:
        words = self._words.get(rows.tag_of(order))
        if words is None:
            return order
        return replace(order, order_remark=words[0], strategy_name=words[1])

    def placed(self, number: str, symbol: str) -> None:
        """交易所给了编号。"""
        self._since[number] = time.monotonic()
        self.symbols[number] = symbol

    def missing(self, number: str) -> None:
        """交易所说没有这一笔：刚下的是查询慢，早就下的是它查不到了（okx 只留两小时）。"""
        if time.monotonic() - self._since.setdefault(number, time.monotonic()) < _LAG_S:
            return
        self._gone.add(number)
        if number in self._orders:
            told = "交易所查不到它了"
            lost = replace(self._orders[number], order_status=OrderStatus.UNKNOWN, status_msg=told)
            self._orders[number] = lost

    def doubt(self, tag: str, symbol: str) -> None:
        """带这个标记的一笔，结果未知。"""
        self._doubts[tag] = symbol, time.monotonic()

    def doubts(self) -> dict[str, str]:
        """结果未知的标记 → 交易对；过了十分钟的不再一笔一笔地问，列表里有它自然看得见。"""
        now = time.monotonic()
        for tag, (_, since) in list(self._doubts.items()):
            if now - since > _DOUBT_S:
                self._doubts.pop(tag, None)
        return {tag: symbol for tag, (symbol, _) in self._doubts.copy().items()}

    def met(self, found: Iterable[Order]) -> None:
        """见到了这些委托。"""
        for each in map(self._worded, found):
            number, before = str(each.order_id), self._orders.get(str(each.order_id))
            self.symbols[number] = each.stock_code
            self._gone.discard(number)
            self._doubts.pop(rows.tag_of(each), None)
            # 完了的不会再变：慢一步的列表里它可能还挂着
            if before is None or before.order_status not in FINAL_STATUSES:
                self._orders[number] = each

    def traded_in(self, found: Iterable[Trade]) -> None:
        """见到了这些成交。"""
        for each in found:
            self._trades[each.stock_code, each.traded_id] = each

    def unfinished(self) -> dict[str, str]:
        """有了编号、还没有见到它完了的：编号 → 交易对。"""
        return {
            number: symbol
            for number, symbol in self.symbols.copy().items()
            if number not in self._gone
            and (
                number not in self._orders
                or self._orders[number].order_status not in FINAL_STATUSES
            )
        }

    def order(self, number: str) -> Order | None:
        """见过的一笔。"""
        return self._orders.get(number)

    def orders(self) -> list[Order]:
        """今天的委托，和以前下的、还挂着的。"""
        began = UTC_DAY.began(time.time())
        for number, each in list(self._orders.items()):
            if each.order_time < began and each.order_status in FINAL_STATUSES:
                del self._orders[number]
                self.symbols.pop(number, None)
                self._since.pop(number, None)
        return sorted(self._orders.values(), key=lambda each: (each.order_time, each.order_id))

    def trades(self) -> list[Trade]:
        """今天的成交。"""
        began = UTC_DAY.began(time.time())
        for key, each in list(self._trades.items()):
            if each.traded_time < began:
                del self._trades[key]
        return sorted(self._trades.values(), key=lambda each: (each.traded_time, each.traded_id))


def _read(path: Path | None) -> list[str]:
    if path is not None:
        with contextlib.suppress(OSError):
            return path.read_text(encoding="utf-8").split()
    return []
