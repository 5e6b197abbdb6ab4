"""配股：登记日收市登记，缴款期里用缴款代码买入，到股日到股；没有缴的作废，价格照样除权。

缴款委托不经过撮合：收下就付钱，不能撤，当天一直是已报（50），日终成为已成（56），没有成交回报、
不收费用。守恒律：付了钱、还没有到股的在 ``held_li`` 里，到股时成为持仓成本。
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from easytrader.codes import PriceType
from easytrader.market.rules.fees import to_fen
from easytrader.market.rules.phases import CALL_PHASES, Phase
from easytrader.sim.ledger.checks import money_short
from easytrader.sim.ledger.events import Reject
from easytrader.sim.ledger.ledger import StillWay
from easytrader.sim.ledger.plugin import QuietBusiness, from_json, to_json

if TYPE_CHECKING:
    from easytrader.sim.config.corporate_actions import Action
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.ledger import Surroundings
    from easytrader.sim.ledger.orders import SimOrder
    from easytrader.sim.ledger.plugin import Way


_KIND: Final = "rights"
_NO_CANCEL: Final = Reject(251020, "配股缴款不能撤单")
_SHARE: Final = 10_000_000
_EARLY: Final = frozenset({*CALL_PHASES, Phase.PRE_OPEN})


@dataclass(slots=True)
class Right:
    """一个账户在一次配股里的份；登记时就定下，文件以后改了也不变。日子都是序数。"""

    listed: str
    code: str
    price_li: int
    until: int
    listing: int
    quota: int
    paid: int = 0
    paid_li: int = 0


class RightsBusiness(QuietBusiness):
    """配股；满足 `Holder`。"""

    def __init__(self, seen: Surroundings, actions: tuple[Action, ...]) -> None:
        self._ledger, self._hours = seen.ledger, seen.hours
        self._actions = tuple(each for each in actions if each.rights)
        self._way = StillWay(seen.ledger)
        self._rights: dict[tuple[str, str], Right] = {
            (account_id, key): from_json(Right, body)
            for (kind, account_id, key), body in sorted(seen.ledger.state.records.items())
            if kind == _KIND
        }
        self._codes = {each.rights_code for each in self._actions}
        self._codes |= {each.code for each in self._rights.values()}

    def way(self, order: SimOrder) -> Way | None:
        """自己收的缴款。"""
        return self._way if order.off_book and order.stock_code in self._codes else None

    def claims(self, order: SimOrder, account: Account) -> bool:
        """缴款代码。"""
        return order.stock_code in self._codes

    def place(self, order: SimOrder, account: Account, whole: bool, now: float) -> None:
        """查一遍，收下，付钱。"""
        mine = self._mine(account, order.stock_code)
        reject = self._refused(order, account, mine, whole, now)
        if reject is not None or mine is None:
            self._ledger.reject(order, reject or _none_left(0))
            return
        key, right = mine
        amount_li = to_fen(right.price_li * order.volume)
        order.limit_li = right.price_li
        right.paid += order.volume
        right.paid_li += amount_li
        account.cash_li -= amount_li
        account.proceeds_li = max(account.proceeds_li - amount_li, 0)
        self._ledger.touch(account)
        self._keep(account.account_id, key, right)
        self._ledger.accept(order)

    def withdraw(self, order: SimOrder, now: float) -> Reject | None:
        """都不能撤。"""
        return _NO_CANCEL

    def end_day(self, day: int) -> None:
        """当天的缴款成为已成；登记日收市登记，休市日的登记也在这时。"""
        for order in list(self._ledger.state.orders.values()) if self._codes else ():
            if order.off_book and order.is_working and order.stock_code in self._codes:
                self._ledger.complete(order)
        for action in self._actions:
            if day <= action.record < self._hours.following(day):
                for account in self._ledger.state.accounts.values():
                    self._register(account, action)

    def start_day(self, day: int) -> None:
        """到股日：缴了款的到股，当天能卖。"""
        for (account_id, key), right in list(self._rights.items()):
            if right.listing > day:
                continue
            if right.paid:
                account = self._ledger.state.accounts[account_id]
                held = account.position(right.listed)
                held.bring_in(right.paid, right.paid_li, self._ledger.today)
                held.yesterday += right.paid
                self._ledger.touch(account, held)
            del self._rights[account_id, key]
            self._ledger.note(_KIND, account_id, key, None)

    def held_li(self, account_id: str) -> int:
        """缴了款、还没有到股的。"""
        return sum(
            right.paid_li for (owner, _), right in self._rights.items() if owner == account_id
        )

    worth_li = held_li

    def _register(self, account: Account, action: Action) -> None:
        held = account.positions.get(action.code)
        quota = held.volume * action.rights // _SHARE if held else 0
        if quota:
            right = Right(
                action.code, action.rights_code, action.rights_li, action.until, action.pay, quota
            )
            self._keep(account.account_id, action.key, right)

    def _mine(self, account: Account, code: str) -> tuple[str, Right] | None:
        """这个账户此刻能用这个代码缴的。"""
        today = self._ledger.state.progress.day
        for (owner, key), right in self._rights.items():
            if owner == account.account_id and right.code == code and today <= right.until:
                return key, right
        return None

    def _refused(
        self,
        order: SimOrder,
        account: Account,
        mine: tuple[str, Right] | None,
        whole: bool,
        now: float,
    ) -> Reject | None:
        phase = self._hours.phase(now)
        early = order.exchange == "SZ" and phase in _EARLY
        if phase is not Phase.CONTINUOUS and not early:
            return Reject(12313, "当前时间不允许此类证券交易", self._hours.closed_reason(now))
        if mine is None:
            today = date.fromordinal(self._ledger.state.progress.day)
            return Reject(12313, "当前时间不允许此类证券交易", f"{today} 没有可以缴款的配股")
        right = mine[1]
        if not order.is_buy:
            return Reject(251005, "证券可用数量不足", "配股缴款是买入")
        if order.price_type != PriceType.FIX or not whole or order.price_li != right.price_li:
            return Reject(1221, "价格不在合法区间内", f"rights_price={right.price_li / 1000:.2f}")
        if order.volume > right.quota - right.paid:
            return _none_left(right.quota - right.paid)
        need = to_fen(right.price_li * order.volume)
        return money_short(need, account.cash_li) if need > account.cash_li else None

    def _keep(self, account_id: str, key: str, right: Right) -> None:
        self._rights[account_id, key] = right
        self._ledger.note(_KIND, account_id, key, to_json(right))


def _none_left(left: int) -> Reject:
    return Reject(1218, "委托数量不在合法区间内", f"enable_amount={left}")
