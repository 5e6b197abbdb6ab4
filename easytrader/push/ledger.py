"""推送去重：每笔委托的每个状态、每笔成交，恰好交给用户一次。

推送会重复、会乱序（成交先于委托、断线重连后整天重推），断线期间的只能靠查询补。
这里记住交过什么；推送和补查都从这里过。只在分发线程上使用，所以不需要锁。
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from easytrader.basics.days import A_SHARES
from easytrader.basics.numbers import exact, is_number
from easytrader.codes import FINAL_STATUSES, STATUS_RANK

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from easytrader.backend.records import OrderLike, TradeLike
    from easytrader.basics.numbers import OrderId

_AHEAD_S = 3600
"""柜台的钟可以比本机快多少；再远的时间不可信。"""

_REMEMBERED = 10_000

_State = tuple[int, "int | Decimal", bool]
"""(状态, 累计成交量, 有没有柜台合同编号)"""


class DeliveryLedger:
    """一个账号交付过的事件；委托编号、成交编号只在当天唯一，所以按天分开记，只留最近两天。

    Args:
        day_of: Unix 秒 → 哪一天，一天比一天大；由后端的市场定，见 `basics.days`。
    """

    def __init__(self, day_of: Callable[[float], int] = A_SHARES.day_of) -> None:
        self._calendar_day = day_of
        # 日序号 → 委托编号 → 最后交付的状态
        self._orders: dict[int, dict[OrderId, _State]] = {}
        # 日序号 → (代码, 成交编号)
        self._trades: dict[int, set[tuple[Any, ...]]] = {}
        # 日序号 → 委托编号 → 交付过的成交量
        self._traded: dict[int, dict[OrderId, int | Decimal]] = {}
        # 委托编号 → 最后一个状态之后的成交笔数
        self._fresh: dict[OrderId, int] = {}
        # 下单失败交付过的委托编号
        self._rejected: dict[OrderId, None] = {}
        self._last_day = 0
        # 最近算过的 (时刻, 哪一天)：一笔委托的几条推送是同一个时刻
        self._reckoned = (0, 0)

    def knows(self, order_id: OrderId) -> bool:
        """今天交付过这笔委托的状态。"""
        return order_id in self._orders.get(self._last_day, ())

    def traded(self, order_id: OrderId) -> int | Decimal:
        """今天交付过这笔委托多少成交量。"""
        return self._traded.get(self._last_day, {}).get(order_id, 0)

    def last_status(self, order_id: OrderId) -> int | None:
        """今天最后交付的状态。"""
        state = self._orders.get(self._last_day, {}).get(order_id)
        return None if state is None else state[0]

    def fresh_trades(self, order_id: OrderId) -> int:
        """交付过最后一个状态之后，又交付了几笔成交。"""
        return self._fresh.get(order_id, 0)

    def lacks_state(self, order: OrderLike) -> bool:
        """这个状态还没交付过、也不是倒退。只看不记。"""
        last = self._orders.get(self._day_of(order.order_time), {}).get(order.order_id)
        return last is None or _goes_forward(last, _state(order))

    def has_trade(self, trade: TradeLike) -> bool:
        """这笔成交交付过。"""
        return trade_key(trade) in self._trades.get(self._day_of(trade.traded_time), ())

    def is_new_order_state(self, order: OrderLike) -> bool:
        """这个状态还没交付过、也不是倒退；是的话记下。"""
        if not self.lacks_state(order):
            return False
        states = self._orders.setdefault(self._day_of(order.order_time), {})
        states[order.order_id] = _state(order)
        self._fresh.pop(order.order_id, None)
        return True

    def is_new_trade(self, trade: TradeLike) -> bool:
        """这笔成交还没交付过；是的话记下。"""
        day = self._day_of(trade.traded_time)
        seen = self._trades.setdefault(day, set())
        key = trade_key(trade)
        if key in seen:
            return False
        seen.add(key)
        volumes = self._traded.setdefault(day, {})
        self._fresh[trade.order_id] = self._fresh.get(trade.order_id, 0) + 1
        volumes[trade.order_id] = volumes.get(trade.order_id, 0) + exact(trade.traded_volume)
        return True

    def is_new_rejection(self, order_id: OrderId) -> bool:
        """这笔委托的下单失败还没交付过；是的话记下。一笔委托只会失败一次。"""
        if not is_number(order_id):
            return True  # 没有编号的分不清是不是同一笔
        known = order_id in self._rejected
        self._rejected[order_id] = None
        if len(self._rejected) > _REMEMBERED:
            del self._rejected[next(iter(self._rejected))]
        return not known

    def _day_of(self, epoch_s: int) -> int:
        if epoch_s and epoch_s == self._reckoned[0]:
            return self._reckoned[1]
        # 有的柜台在报到交易所之前不给时间；也不能信一个远在将来的，否则「今天」停在那一天
        now = time.time()
        believed = 0 < epoch_s <= now + _AHEAD_S
        day = self._calendar_day(epoch_s if believed else now)
        if believed:
            self._reckoned = (epoch_s, day)
        else:
            day = max(day, self._last_day)  # 单步的时钟可以走在前面
        if day > self._last_day:
            self._last_day = day
            self._fresh.clear()
            self._rejected.clear()
            for old in [key for key in (*self._orders, *self._trades) if key < day - 1]:
                self._orders.pop(old, None)
                self._trades.pop(old, None)
                self._traded.pop(old, None)
        return day


def _state(order: OrderLike) -> _State:
    return (order.order_status, exact(order.traded_volume), bool(_text(order, "order_sysid")))


def _goes_forward(last: _State, state: _State) -> bool:
    """没交付过、也不是旧的。成交量多了一定是新的：撤单失败之后委托会从「待撤」回来接着成交。"""
    status, volume, has_sysid = state
    if state == last or last[0] in FINAL_STATUSES or volume < last[1]:
        return False
    if volume > last[1]:
        return True
    rank_before, rank_now = STATUS_RANK.get(last[0], -1), STATUS_RANK.get(status, -1)
    return rank_now > rank_before or (rank_now == rank_before and has_sysid and not last[2])


def trade_key(trade: TradeLike) -> tuple[Any, ...]:
    """一笔成交在一天里的身份。"""
    number = _text(trade, "traded_id")
    # 自己与自己成交时买卖两边同号；个别柜台不给成交编号，就用能用的一切来分辨
    details = () if number else (trade.traded_time, trade.traded_price, trade.traded_volume)
    return (trade.stock_code, number, trade.order_id, *details)


def _text(record: object, name: str) -> str:
    try:
        return str(getattr(record, name))
    except UnicodeDecodeError:
        return ""
