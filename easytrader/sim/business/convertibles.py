"""可转债的转股、回售、赎回。

转股（80）、回售（81）的委托不经过撮合：收下就冻结，不能撤，当天一直是已报（50），日终成为已成（56），
没有成交回报、不收费用。转股的股份与零头下一个交易日早上到账，当天能卖；回售、赎回的钱在派发日到。
守恒律：交出去、还没有换到东西的，成本在 ``held_li`` 里；换到的与成本之差是已实现盈亏。
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from easytrader.codes import BOND_TYPES, OrderType
from easytrader.market.rules.fees import to_fen
from easytrader.market.rules.phases import Phase
from easytrader.sim.config.convertibles import FACE_LI
from easytrader.sim.ledger.checks import shares_short
from easytrader.sim.ledger.events import Reject
from easytrader.sim.ledger.plugin import QuietBusiness, from_json, to_json

if TYPE_CHECKING:
    from easytrader.sim.config.convertibles import Convertible
    from easytrader.sim.ledger.account import Account, Position
    from easytrader.sim.ledger.ledger import Surroundings
    from easytrader.sim.ledger.orders import SimOrder


_KIND: Final = "convertible"
_NO_CANCEL: Final = Reject(251020, "转股、回售的委托不能撤单")


@dataclass(slots=True)
class Exchanged:
    """交出去的一笔：哪天换到什么；``shares`` 股 ``stock`` 与 ``cash_li``，成本 ``cost_li``。"""

    due: int
    stock: str
    shares: int
    cash_li: int
    cost_li: int


class ConvertibleBusiness(QuietBusiness):
    """可转债；满足 `Holder`。"""

    def __init__(self, seen: Surroundings, terms: dict[str, Convertible]) -> None:
        self._ledger, self._hours, self._terms = seen.ledger, seen.hours, terms
        self._waiting: dict[tuple[str, str], Exchanged] = {
            (account_id, key): from_json(Exchanged, body)
            for (kind, account_id, key), body in sorted(seen.ledger.state.records.items())
            if kind == _KIND
        }

    def claims(self, order: SimOrder, account: Account) -> bool:
        """转股、回售。"""
        return order.order_type in BOND_TYPES

    def place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        """查一遍，收下；券照卖出冻结。"""
        reject = self._refused(order, account, now)
        if reject is None:
            self._ledger.accept(order)
        else:
            self._ledger.reject(order, reject)

    def withdraw(self, order: SimOrder, now: float) -> Reject | None:
        """都不能撤。"""
        return _NO_CANCEL

    def end_day(self, day: int) -> None:
        """当天的转股、回售成为已成，券交出去。"""
        for order in list(self._ledger.state.orders.values()) if self._terms else ():
            if order.order_type in BOND_TYPES and order.is_working:
                account = self._ledger.state.accounts[order.account_id]
                held = account.position(order.stock_code)
                held.frozen -= order.volume
                self._hand_over(account, held, order, day)
                self._ledger.complete(order)

    def start_day(self, day: int) -> None:
        """赎回登记日收市还持有的都赎回；到日子的换到股份或钱。"""
        for terms in self._terms.values():
            if terms.redeem is not None and terms.redeem.end < day:
                for account in self._ledger.state.accounts.values():
                    held = account.positions.get(terms.code)
                    if held is not None and held.volume:
                        cash_li = to_fen(terms.redeem.price_li * held.volume)
                        cost_li = held.take_out(held.volume)
                        held.yesterday = held.volume  # 早上就没有了，不算昨仓
                        self._ledger.touch(account, held)
                        made = Exchanged(terms.redeem.pay, "", 0, cash_li, cost_li)
                        self._keep(account.account_id, f"{terms.code}:{day}", made)
        for (account_id, key), made in list(self._waiting.items()):
            if made.due <= day:
                self._receive(self._ledger.state.accounts[account_id], made)
                del self._waiting[account_id, key]
                self._ledger.note(_KIND, account_id, key, None)

    def held_li(self, account_id: str) -> int:
        """交出去、还没有换到的成本。"""
        return sum(
            each.cost_li for (owner, _), each in self._waiting.items() if owner == account_id
        )

    def worth_li(self, account_id: str) -> int:
        """等着的钱；等着的股份按成本。"""
        return sum(
            each.cost_li if each.shares else each.cash_li
            for (owner, _), each in self._waiting.items()
            if owner == account_id
        )

    def _refused(self, order: SimOrder, account: Account, now: float) -> Reject | None:
        day, terms = self._ledger.state.progress.day, self._terms.get(order.stock_code)
        if self._hours.phase(now) is not Phase.CONTINUOUS:
            return Reject(12313, "当前时间不允许此类证券交易", self._hours.closed_reason(now))
        converts = order.order_type == OrderType.BOND_CONVERT
        put = terms.put if terms else None
        if terms is None or not (
            terms.converts_on(day) if converts else put and put.start <= day <= put.end
        ):
            detail = "不在转股期" if converts else "不在回售申报期"
            return Reject(12313, "当前时间不允许此类证券交易", detail)
        held = account.positions.get(order.stock_code)
        sellable = held.sellable if held else 0
        return shares_short(order.volume, sellable) if order.volume > sellable else None

    def _hand_over(self, account: Account, held: Position, order: SimOrder, day: int) -> None:
        terms, volume = self._terms[order.stock_code], order.volume
        cost_li = held.take_out(volume)
        self._ledger.touch(account, held)
        if order.order_type == OrderType.BOND_CONVERT:
            shares = volume * FACE_LI // terms.price_li
            rest_li = to_fen(volume * FACE_LI - shares * terms.price_li)
            made = Exchanged(day + 1, terms.stock, shares, rest_li, cost_li)
        else:
            assert terms.put is not None
            made = Exchanged(terms.put.pay, "", 0, to_fen(terms.put.price_li * volume), cost_li)
        self._keep(account.account_id, str(order.order_id), made)

    def _receive(self, account: Account, made: Exchanged) -> None:
        """钱先抵成本；转股余下的成本是正股的。"""
        account.cash_li += made.cash_li
        if made.shares:
            kept = max(made.cost_li - made.cash_li, 0)
            held = account.position(made.stock)
            held.bring_in(made.shares, kept, self._ledger.today)
            held.yesterday += made.shares
            self._ledger.touch(account, held)
        else:
            kept = 0
        account.realized_li += made.cash_li + kept - made.cost_li
        self._ledger.touch(account)

    def _keep(self, account_id: str, key: str, made: Exchanged) -> None:
        self._waiting[account_id, key] = made
        self._ledger.note(_KIND, account_id, key, to_json(made))
