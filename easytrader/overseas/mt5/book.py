"""从 EA 听来的：账户、持仓、委托、成交、报价。桥只答得出挂单，别的都在推送里。"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend import records
from easytrader.basics import tags
from easytrader.basics.numbers import exact
from easytrader.codes import FINAL_STATUSES, STATUS_RANK, Direction, OrderStatus, OtherAccountType
from easytrader.overseas.mt5 import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.basics.numbers import Number

_STRAY_S: Final = 2.0
"""下单之后这么久，没有备注的推送先放着：可能就是那一笔。"""
_UNSEEN: Final = "已经不在挂单里，成交还是撤销没有收到推送，请在终端里看"


class Book:
    """一次会话听到的；查的线程、收推送的线程都用，改动在锁里。

    委托编号：我们发的是放在备注里的标记，别处发的是 MT5 的单号；单号总在 ``order_sysid``。

    Args:
        currency: 账户的货币，推送里没有时用。
        offset_s: 交易服务器的钟比 UTC 快多少秒：MT5 的时间都是服务器时间。
    """

    def __init__(self, currency: str, offset_s: float) -> None:
        self.changed = threading.Condition()
        self.account: dict[str, Any] | None = None
        self.held: list[dict[str, Any]] | None = None
        """没有收到过为 None。"""
        self.prices: dict[str, dict[str, Any]] = {}
        self.contracts: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, records.Order] = {}
        self.trades: dict[tuple[str, str], records.Trade] = {}
        self._numbers: dict[str, str] = {}
        # 标记 → 正在发的：EA 答应了、或推送里见到了，才算有这笔委托
        self._sending: dict[str, records.Order] = {}
        # 标记 → 何时发的：还不知道单号
        self._waiting: dict[str, float] = {}
        # 单号 → 推送：没有备注，可能是我们正等着的那笔
        self._strays: dict[str, list[dict[str, Any]]] = {}
        self._currency, self._offset_s = currency, offset_s

    # ---- 推送

    def take(self, packet: dict[str, Any]) -> list[records.PushEvent]:
        """一条推送；返回要往上报的。"""
        doing: dict[Any, Callable[[dict[str, Any]], list[records.PushEvent]]] = {
            "account": self._take_account,
            "position": self._take_positions,
            "price": self._take_prices,
            "order": self._take_order,
        }
        act = doing.get(packet.get("type"))
        if act is None:
            return []
        with self.changed:
            try:
                return [*act(packet), *self._let_strays()]
            finally:
                self.changed.notify_all()

    def _take_account(self, packet: dict[str, Any]) -> list[records.PushEvent]:
        self.account = dict(packet["data"])
        return []

    def _take_positions(self, packet: dict[str, Any]) -> list[records.PushEvent]:
        self.held = list(packet.get("data") or [])
        return []

    def _take_prices(self, packet: dict[str, Any]) -> list[records.PushEvent]:
        for each in packet.get("data") or []:
            self.prices[each["symbol"]] = {**each, "at": time.time()}
        return []

    def _take_order(self, packet: dict[str, Any]) -> list[records.PushEvent]:
        data = packet["data"]
        if data.get("trans_type") == words.REQUESTED:
            return self._take_request(data)
        ticket = str(data.get("order") or "")
        if not ticket:
            return []
        if ticket not in self._numbers and not data.get("order_comment") and self._expecting:
            self._strays.setdefault(ticket, []).append(data)
            return []
        return self._take_change(ticket, data)

    def _take_change(self, ticket: str, data: dict[str, Any]) -> list[records.PushEvent]:
        number, kind = self._number(ticket, data.get("order_comment")), data.get("trans_type")
        if kind == words.DEALT:
            return self._deal(number, data.get("deal"), data["trans_price"], data["trans_volume"])
        known = number in self.orders or number in self._sending or data.get("symbol")
        if kind not in (words.ADDED, words.UPDATED, words.DELETED) or not known:
            return []
        state = data.get("trans_state", data.get("order_state", 0))
        return self._put(self._made(number, ticket, data, state))

    def _take_request(self, data: dict[str, Any]) -> list[records.PushEvent]:
        """一个下单请求的结果：单号为 0 的是没有下成；市价的，单号与成交都从这里来。"""
        number = _tag_of(data.get("request_comment"))
        order = self.orders.get(number) or self._sending.get(number)
        if order is None:
            return []
        ticket, code = str(data.get("result_order") or ""), int(data.get("result_retcode") or 0)
        if code not in words.ACCEPTED:
            told = f"{words.REASONS.get(code, '没有下成')}（{code}）"
            if code in words.UNSURE:
                return self._doubt(order, f"结果未知：{told}，请在终端里看")
            self._waiting.pop(number, None)
            return self._put(replace(order, order_status=OrderStatus.JUNK.value, status_msg=told))
        if not ticket:
            return []
        self._numbers[ticket] = number
        self._waiting.pop(number, None)
        told_events = self._put(replace(order, order_sysid=ticket))
        for each in self._strays.pop(ticket, []):
            told_events += self._take_change(ticket, each)
        deal, volume = data.get("result_deal"), data.get("result_volume")
        return told_events + self._deal(number, deal, data.get("result_price"), volume)

    def _doubt(self, order: records.Order, told: str) -> list[records.PushEvent]:
        """交易服务器没有说收没收：以后推来了什么，以推来的为准。"""
        if order.order_sysid or order.order_status in FINAL_STATUSES:
            return []
        status = OrderStatus.UNKNOWN.value
        new = self.orders[str(order.order_id)] = replace(
            order, order_status=status, status_msg=told
        )
        return [records.OrderChanged(new)]

    @property
    def _expecting(self) -> bool:
        """刚发了一笔，还不知道它的单号。"""
        return any(time.monotonic() - at < _STRAY_S for at in self._waiting.values())

    def _let_strays(self, *, now: bool = False) -> list[records.PushEvent]:
        """没有人等着的，就是别处发的。"""
        if not self._strays or (self._expecting and not now):
            return []
        strays, self._strays = self._strays, {}
        return [
            event
            for ticket, changes in strays.items()
            for each in changes
            for event in self._take_change(ticket, each)
        ]

    def _deal(self, number: str, deal: Any, price: Any, volume: Any) -> list[records.PushEvent]:
        order = self.orders.get(number) or self._sending.get(number)
        if order is None or not deal or not volume or (number, str(deal)) in self.trades:
            return []
        trade = records.Trade(
            stock_code=order.stock_code,
            order_id=number,
            side=order.side,
            traded_id=str(deal),
            traded_time=int(time.time()),  # 推送里没有成交的时刻
            traded_price=_number(price),
            traded_volume=_number(volume),
            order_sysid=order.order_sysid,
            order_remark=order.order_remark,
            **self._whose(),
        )
        self.trades[number, str(deal)] = trade
        return [records.Traded(trade), *self._put(order)]

    def _put(self, order: records.Order) -> list[records.PushEvent]:
        """记下委托：成交数量从成交里算，状态只往前走。"""
        number = str(order.order_id)
        mine = [each for each in self.trades.values() if each.order_id == number]
        traded = sum(exact(each.traded_volume) for each in mine)
        spent = sum(exact(each.traded_price) * exact(each.traded_volume) for each in mine)
        total, status = exact(order.order_volume), OrderStatus(order.order_status)
        if traded >= total > 0 and status not in FINAL_STATUSES:
            status = OrderStatus.SUCCEEDED
        elif traded and status.value not in FINAL_STATUSES:
            status = OrderStatus.PART_SUCC
        elif traded and status is OrderStatus.CANCELED:
            status = OrderStatus.PART_CANCEL
        if status is OrderStatus.SUCCEEDED:
            traded = max(traded, total)
        traded = max(traded, exact(order.traded_volume))
        old = self.orders.get(number)
        if old is not None and STATUS_RANK[old.order_status] > STATUS_RANK[status]:
            status = OrderStatus(old.order_status)
        new = replace(
            order,
            order_status=status.value,
            traded_volume=traded,
            traded_price=spent / sum(exact(each.traded_volume) for each in mine) if mine else 0,
        )
        self.orders[number] = new
        return [] if new == old else [records.OrderChanged(new)]

    # ---- 我们自己发的、问来的

    def sending(self, request: records.OrderRequest) -> None:
        """就要发一笔。"""
        with self.changed:
            self._waiting[request.tag] = time.monotonic()
            self._sending[request.tag] = records.Order(
                stock_code=request.security.stock_code,
                order_id=request.tag,
                side=request.side,
                order_volume=request.volume,
                price=request.price or None,
                order_status=OrderStatus.WAIT_REPORTING.value,
                order_time=int(time.time()),
                order_remark=tags.tagged(request.tag, ""),
                **self._whose(),
            )

    def answered(self, tag: str, accepted: bool) -> None:
        """EA 答了；推送先到过的不动。"""
        with self.changed:
            order = self._sending.pop(tag)
            if not accepted:
                self._waiting.pop(tag, None)
            elif tag not in self.orders:
                self.orders[tag] = order

    def open_orders(self, rows: list[dict[str, Any]], settle_s: float) -> list[records.Order]:
        """问来的挂单，连同听到的今天别的委托；挂单里没有了而没有收到推送的，等一小会儿。"""
        with self.changed:
            for row in rows:
                ticket = str(row["order"])
                number = self._number(ticket, row.get("order_comment"))
                self._put(self._made(number, ticket, row, row.get("order_state", 1)))
            listed = {self._numbers[str(row["order"])] for row in rows}

            def adrift() -> list[records.Order]:
                return [
                    each
                    for each in self.orders.values()
                    if each.order_status not in FINAL_STATUSES
                    and each.order_id not in listed
                    and not each.status_msg
                ]

            self.changed.wait_for(lambda: not adrift(), settle_s)
            self._let_strays(now=True)
            for each in adrift():
                self.orders[str(each.order_id)] = replace(
                    each, order_status=OrderStatus.UNKNOWN.value, status_msg=_UNSEEN
                )
            return list(self.orders.values())

    def ticket_of(self, number: str) -> str:
        """委托编号 → 单号；还不知道为空。"""
        with self.changed:
            order = self.orders.get(number)
            return order.order_sysid if order is not None else ""

    # ---- 给查询的

    def asset(self) -> records.Asset | None:
        """资金；没有收到过为 None。"""
        account = self.account
        if account is None:
            return None
        margin = exact(_number(account.get("margin", 0)))
        total = exact(_number(account.get("equity") or account["balance"]))
        return records.Asset(
            total_asset=total,
            cash=_number(account.get("margin_free") or total - margin),
            frozen_cash=margin,
            **self._whose(),
        )

    def positions(self) -> list[records.Position] | None:
        """持仓：一个品种、一个方向一行；没有收到过为 None。"""
        held = self.held
        if held is None:
            return None
        sums: dict[tuple[str, bool], tuple[Any, Any]] = {}
        for each in held:
            key = (each["symbol"], each.get("type") == words.SHORT_POSITION)
            volume, spent = sums.get(key, (Decimal(0), Decimal(0)))
            size = exact(_number(each["volume"]))
            sums[key] = volume + size, spent + size * exact(_number(each["price"]))
        return [
            records.Position(
                stock_code=symbol,
                volume=volume,
                open_price=spent / volume,
                avg_price=spent / volume,
                direction=(Direction.SHORT if short else Direction.LONG).value,
                **self._whose(),
            )
            for (symbol, short), (volume, spent) in sums.items()
            if volume
        ]

    def quote(self, symbol: str) -> records.Quote | None:
        """报价；没有收到过为 None。外汇没有成交价，``last`` 是买卖的中间。"""
        price = self.prices.get(symbol)
        if price is None:
            return None
        bid, ask = _number(price.get("bid", 0)), _number(price.get("ask", 0))
        middle = "last" if price.get("last") else ""

        def of(name: str) -> Number | None:
            if middle:
                return _number(price.get(f"last_{name}") or 0) or None
            two = [exact(_number(price.get(f"{each}_{name}") or 0)) for each in ("bid", "ask")]
            return (two[0] + two[1]) / 2 if all(two) else None

        last = _number(price["last"]) if middle else (exact(bid) + exact(ask)) / 2
        return records.Quote(
            stock_code=symbol, last=last or None, open=None, high=of("high"), low=of("low"),
            pre_close=None, limit_up=None, limit_down=None,
            volume=_number(price.get("last_volume") or 0), amount=0, time=int(price["at"]),
            bids=[(bid, 0)] if bid else [], asks=[(ask, 0)] if ask else [],
        )  # fmt: skip

    # ---- 内部（拿着锁）

    def _number(self, ticket: str, comment: Any) -> str:
        """单号 → 委托编号。"""
        tag = _tag_of(comment)
        if tag:
            self._waiting.pop(tag, None)
            self._numbers[ticket] = tag
        return self._numbers.setdefault(ticket, ticket)

    def _made(self, number: str, ticket: str, row: dict[str, Any], state: Any) -> records.Order:
        """一行挂单、一条推送 → 委托；推送里缺的照旧。"""
        old = self.orders.get(number) or self._sending.get(number)
        setup, total = row.get("order_time_setup"), _number(row.get("order_volume_initial") or 0)
        moment = int(setup - self._offset_s) if setup else int(time.time())
        left = row.get("order_volume_current")
        # 结束的，剩多少不说明成交
        open_still = left is not None and row.get("trans_type") != words.DELETED
        traded = max(exact(total) - exact(_number(left)), 0) if open_still else 0
        if old is not None:
            return replace(
                old,
                order_sysid=ticket,
                order_status=words.status_of(state, old.traded_volume).value,
                order_time=moment if setup else old.order_time,
                traded_volume=max(exact(old.traded_volume), traded),
                status_msg="" if old.order_status == OrderStatus.UNKNOWN.value else old.status_msg,
            )
        return records.Order(
            stock_code=row["symbol"],
            order_id=number,
            side=words.side_of(row.get("order_type", 0)),
            order_volume=total,
            price=_number(row.get("order_price") or 0) or None,
            order_status=words.status_of(state, traded).value,
            order_time=moment,
            traded_volume=traded,
            order_sysid=ticket,
            order_remark=tags.tagged(number, "") if number != ticket else "",
            **self._whose(),
        )

    def _whose(self) -> Any:
        account = self.account or {}
        return {
            "account_id": str(account.get("name", "")),
            "account_type": OtherAccountType.CFD.value,
            "currency": str(account.get("currency") or self._currency),
        }


def _tag_of(comment: Any) -> str:
    """备注 → 我们的标记；不是我们的为空。"""
    return tags.split(comment)[0] if isinstance(comment, str) else ""


def _number(value: Any) -> Number:
    """JSON 里的数；是文字、真假的不对。"""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise ValueError(f"不是数：{value!r}")
    return value
