"""追保与强制平仓。

收盘时维持担保比例低于平仓线：追保，给 ``call_days`` 个交易日；其间收盘补到了 ``restore_ppm``
就撤销。到期没有补到：下一个交易日 9:15 柜台替账户下单，先还现金，再按跌停价卖券还款（市值大的
先卖），还不够的按涨停价买券还券，正好补到那条线为止。没有成交完的当天到期，收盘时还没有补到，
第二天再来。

记录：``credit_call`` 一个账号一条，还剩几个交易日；``credit_forced`` 一笔强制平仓的委托一条，
换日不留。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import AccountType, OrderType, PriceType
from easytrader.errors import SimulatorError
from easytrader.market.symbols import parse_security
from easytrader.sim.business.credit.contracts import ORDINARY, SLO, SPECIAL
from easytrader.sim.ledger.orders import SimOrder, security_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.market.symbols import Security
    from easytrader.sim.business.credit.orders import CreditContext
    from easytrader.sim.exchange.depth import Quote
    from easytrader.sim.ledger.account import Account


_CALL: Final = "credit_call"
_FORCED: Final = "credit_forced"
_REMARK: Final = "强制平仓"
_PPM: Final = 1_000_000
_INT32: Final = 2**31 - 1


class _Types(NamedTuple):
    """一组头寸的委托类型。"""

    repay: int
    sell: int
    buy: int


_TYPES: Final = {
    ORDINARY: _Types(
        OrderType.DIRECT_CASH_REPAY, OrderType.SELL_SECU_REPAY, OrderType.BUY_SECU_REPAY
    ),
    SPECIAL: _Types(
        OrderType.DIRECT_CASH_REPAY_SPECIAL,
        OrderType.SELL_SECU_REPAY_SPECIAL,
        OrderType.BUY_SECU_REPAY_SPECIAL,
    ),
}


class MarginCalls:
    """各信用账号的追保。"""

    def __init__(self, context: CreditContext, quote: Callable[[Security], Quote]) -> None:
        self._context = context
        self._ledger = context.ledger
        self._quote = quote
        settings = context.policy.settings
        self._on = settings.force_close
        records = context.ledger.state.records
        self._forced = {(name, key) for kind, name, key in records if kind == _FORCED}
        said = settings.restore_ppm
        self._restore = max(settings.warn_ppm, _PPM + 1) if said is None else said

    def left(self, account_id: str) -> int | None:
        """追保还剩几个交易日；没有追保为 None。"""
        body = self._ledger.state.records.get((_CALL, account_id, ""))
        return None if body is None else int(body)

    def end_day(self) -> None:
        """收盘时看一遍。"""
        for account_id, key in sorted(self._forced):
            self._ledger.note(_FORCED, account_id, key, None)
        self._forced.clear()
        for account_id in self._context.debts.accounts():
            account = self._ledger.state.accounts[account_id]
            if self._on and account.account_type == AccountType.CREDIT:
                self._look(account)

    def due(self) -> bool:
        """有到期没有补到的。"""
        return any(self.left(each) == 0 for each in self._context.debts.accounts())

    def forced(self, order: SimOrder) -> bool:
        """是柜台替账户下的。"""
        return (order.account_id, str(order.order_id)) in self._forced

    def orders(self, now: float, in_call: bool) -> Iterator[SimOrder]:
        """替各个账户下的委托。"""
        for account_id in sorted(self._context.debts.accounts()):
            if self.left(account_id) == 0:
                yield from self._close_out(self._ledger.state.accounts[account_id], now, in_call)

    def _look(self, account: Account) -> None:
        try:
            figures = self._context.scales.weigh(account)
        except SimulatorError:  # 行情里没有其中一只了：算不出比例，今天不看
            return
        left, settings = self.left(account.account_id), self._context.policy.settings
        if left is None:
            left = settings.call_days if figures.below(settings.close_ppm) else None
        elif figures.below(self._restore):
            left = max(left - 1, 0)
        else:
            left = None
        body = None if left is None else str(left)
        if body != self._ledger.state.records.get((_CALL, account.account_id, "")):
            self._ledger.note(_CALL, account.account_id, "", body)

    def _close_out(self, account: Account, now: float, in_call: bool) -> Iterator[SimOrder]:
        """还多少：（资产 − 还的）÷（负债 − 还的）= 补到的线；资不抵债的全还。"""
        figures = self._context.scales.weigh(account)
        short = figures.debts * self._restore - figures.assets * _PPM
        need = min(max(-(-short // (self._restore - _PPM)), 0), figures.debts)
        for group, types in _TYPES.items():
            owed = min(need, self._context.debts.fin_debt(account.account_id, group))
            cash = min(owed, account.cash_li) // 1000
            if cash > 0:
                yield self._order(account, types.repay, "", min(cash, _INT32), cash * 1000, now)
                owed, need = owed - cash * 1000, need - cash * 1000
            for code in self._largest_first(account):
                if owed <= 0:
                    break
                held, quote = account.positions[code], self._quote(parse_security(code))
                volume = self._lots(code, -(-owed // quote.last_li), held.sellable)
                price = self._price(quote, buy=False, in_call=in_call)
                yield self._order(account, types.sell, code, volume, price, now)
                owed, need = owed - volume * quote.last_li, need - volume * quote.last_li
        for contract in self._context.debts.contracts(account.account_id, SLO):
            if need > 0 and contract.left_volume:
                code = contract.stock_code
                quote = self._quote(parse_security(code))
                volume = self._lots(code, -(-need // quote.last_li), contract.left_volume)
                price = self._price(quote, buy=True, in_call=in_call)
                kind = _TYPES[contract.group].buy
                yield self._order(account, kind, code, volume, price, now)
                need -= volume * quote.last_li

    def _largest_first(self, account: Account) -> list[str]:
        """能卖的持仓，市值大的在前。"""
        worth = {
            code: held.sellable * self._quote(parse_security(code)).last_li
            for code, held in account.positions.items()
            if held.sellable
        }
        return sorted(worth, key=lambda code: (-worth[code], code))

    def _lots(self, code: str, wanted: int, most: int) -> int:
        """凑成整手，不超过有的与单笔上限；剩下的不足一手就一起。"""
        rules = self._ledger.rules(parse_security(code))
        minimum, step = rules.lot
        volume = max(minimum, -(-wanted // step) * step)
        volume = min(volume, rules.size.limit)
        return most if most - volume < minimum and most <= rules.size.limit else volume

    def _price(self, quote: Quote, *, buy: bool, in_call: bool) -> int:
        """集合竞价里报涨跌停价；不分时段的市场里报对手的第五档。"""
        edge = quote.limit_up_li if buy else quote.limit_down_li
        levels = quote.asks if buy else quote.bids
        if in_call and edge:
            return edge
        return levels[-1].price_li if levels else quote.last_li

    def _order(
        self, account: Account, kind: int, code: str, volume: int, price_li: int, now: float
    ) -> SimOrder:
        ledger = self._ledger
        order = SimOrder(
            ledger.next_order_id(),
            ledger.state.progress.day,
            account.account_id,
            account.account_type,
            code,
            security_of(code),
            int(kind),
            volume,
            int(PriceType.FIX),
            price_li,
            int(now),
            "",
            _REMARK,
        )
        self._forced.add((account.account_id, str(order.order_id)))
        ledger.note(_FORCED, account.account_id, str(order.order_id), "")
        return order
