"""两融合约：欠多少、还了多少、息费怎样长；各账号的合约与融券所得怎样记。整数厘。

记录（``CounterState.records``）：``credit`` 一份合约一条，``credit_pool`` 一个账号一条（没有动用的
融券所得，厘），``credit_part`` 一笔挂着的买券还券一条（它冻结的钱里有多少是融券所得，厘）。
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from easytrader.market.rules.fees import to_fen
from easytrader.sim.ledger.plugin import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from easytrader.sim.config.corporate_actions import Action
    from easytrader.sim.ledger.account import Account
    from easytrader.sim.ledger.ledger import Ledger


_CONTRACT: Final = "credit"
_POOL: Final = "credit_pool"
_PART: Final = "credit_part"


class Debts:
    """合约与融券所得。改了就记到 ``Ledger.note``。"""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._contracts: dict[str, dict[str, CreditContract]] = {}
        self._pools: dict[str, int] = {}
        self._parts: dict[str, dict[str, int]] = {}
        for (kind, account_id, key), body in ledger.state.records.items():
            if kind == _CONTRACT:
                self._contracts.setdefault(account_id, {})[key] = from_json(CreditContract, body)
            elif kind == _POOL:
                self._pools[account_id] = int(body)
            elif kind == _PART:
                self._parts.setdefault(account_id, {})[key] = int(body)

    def contracts(
        self, account_id: str, kind: int | None = None, group: int | None = None
    ) -> list[CreditContract]:
        """账号的合约，先开的在前；当天了结的也在里面。"""
        found = [
            each
            for each in self._contracts.get(account_id, {}).values()
            if kind in (None, each.kind) and group in (None, each.group)
        ]
        return sorted(found, key=lambda each: (each.opened, each.compact_id))

    def find(self, account_id: str, compact_id: str) -> CreditContract | None:
        """按编号找。"""
        return self._contracts.get(account_id, {}).get(compact_id)

    def save(self, account_id: str, contract: CreditContract) -> None:
        """新的或改过的合约。"""
        self._contracts.setdefault(account_id, {})[contract.compact_id] = contract
        self._ledger.note(_CONTRACT, account_id, contract.compact_id, to_json(contract))

    def drop(self, account_id: str, contract: CreditContract) -> None:
        """了结的合约，换日时不再留。"""
        assert contract.closed
        del self._contracts[account_id][contract.compact_id]
        self._ledger.note(_CONTRACT, account_id, contract.compact_id, None)

    def accounts(self) -> Iterable[str]:
        """有过合约的账号。"""
        return list(self._contracts)

    def pool(self, account_id: str) -> int:
        """没有动用的融券所得。"""
        return self._pools.get(account_id, 0)

    def used_pool(self, account_id: str) -> int:
        """挂着的买券还券冻结住的融券所得；这些钱在账户的冻结资金里。"""
        return sum(self._parts.get(account_id, {}).values())

    def part(self, account_id: str, order_id: int) -> int:
        """这笔买券还券冻结的钱里，融券所得有多少。"""
        return self._parts.get(account_id, {}).get(str(order_id), 0)

    def add_pool(self, account_id: str, amount_li: int) -> None:
        """融券所得增减。"""
        left = self.pool(account_id) + amount_li
        assert left >= 0, f"融券所得变成负数：{left}"
        self._pools[account_id] = left
        self._ledger.note(_POOL, account_id, "", str(left) if left else None)

    def set_part(self, account_id: str, order_id: int, amount_li: int) -> None:
        """记下一笔买券还券用到的融券所得；0 是不再用。"""
        parts = self._parts.setdefault(account_id, {})
        if amount_li == parts.get(str(order_id), 0):
            return
        if amount_li:
            parts[str(order_id)] = amount_li
        else:
            del parts[str(order_id)]
        note = str(amount_li) if amount_li else None
        self._ledger.note(_PART, account_id, str(order_id), note)

    def returnable(self, account_id: str, stock_code: str, group: int, today: int | None) -> int:
        """能还的券：``today`` 给出时，那天开的合约不算。"""
        return sum(
            each.left_volume
            for each in self.contracts(account_id, SLO, group)
            if each.stock_code == stock_code and each.opened != today
        )

    def repay(
        self, account: Account, money_li: int, contracts: list[CreditContract], interest_first: bool
    ) -> int:
        """用账户的钱依次还这些合约；返回用掉的钱。"""
        left = money_li
        for contract in contracts:
            if left <= 0:
                break
            paid = contract.pay(left, interest_first)
            if paid:
                left -= paid
                self.save(account.account_id, contract)
        self._spend(account, money_li - left)
        return money_li - left

    def _spend(self, account: Account, amount_li: int) -> None:
        """付出现金；先从今天到账的里面出。"""
        account.cash_li -= amount_li
        account.proceeds_li = max(account.proceeds_li - amount_li, 0)
        assert account.cash_li >= 0, f"资金变成负数：{account.cash_li}"
        self._ledger.touch(account)

    def give_back(
        self, account: Account, stock_code: str, group: int, volume: int, today: int | None
    ) -> int:
        """还券，先还先开的；还清的付掉息费，多出来的融券所得放回现金。返回当初卖出的金额。"""
        worth = 0
        for contract in self.contracts(account.account_id, SLO, group):
            usable = contract.stock_code == stock_code and contract.opened != today
            taken = min(volume, contract.left_volume) if usable else 0
            if not taken:
                continue
            worth += contract.give_back(taken)
            volume -= taken
            if contract.left_volume == 0:
                self._pay_fare(account, contract)
            self.save(account.account_id, contract)
        assert volume == 0, f"多还了 {volume}"
        self.free_pool(account)
        return worth

    def _pay_fare(self, account: Account, contract: CreditContract) -> None:
        """融券息费：先用融券所得，再用现金；不够的留在合约上。"""
        paid = contract.pay(self.pool(account.account_id), True)
        self.add_pool(account.account_id, -paid)
        self._spend(account, contract.pay(account.cash_li, True))

    def free_pool(self, account: Account) -> None:
        """融券所得只为还没有还清的合约留着，多的放回现金。"""
        kept = sum(
            each.proceeds_li for each in self.contracts(account.account_id, SLO) if each.left_volume
        )
        free = self.pool(account.account_id)
        extra = min(free, max(free + self.used_pool(account.account_id) - kept, 0))
        if extra:
            self.add_pool(account.account_id, -extra)
            account.cash_li += extra
            account.proceeds_li += extra
            self._ledger.touch(account)

    def held_li(self, account_id: str) -> int:
        """账号的钱有多少在这里，减去欠的：见 `plugin` 的守恒律。"""
        owed = sum(each.left_li + each.left_fare_li for each in self.contracts(account_id))
        return self.pool(account_id) - owed

    def fin_debt(self, account_id: str, group: int) -> int:
        """某一组头寸的融资负债，含息费。"""
        found = self.contracts(account_id, FIN, group)
        return sum(each.left_li + each.left_fare_li for each in found)


FIN: Final = 48
"""融资合约（厂商的合约类型）。"""
SLO: Final = 49
"""融券合约。"""
ORDINARY: Final = 48
"""普通头寸。"""
SPECIAL: Final = 49
"""专项头寸。"""

_PPM: Final = 1_000_000


@dataclass(slots=True, eq=False)
class CreditContract:
    """一笔融资买入或融券卖出委托的合约，各笔成交并在一起。

    ``kind``：`FIN` 或 `SLO`；``group``：`ORDINARY` 或 `SPECIAL`；日子都是序数。
    ``margin_ppm``：开仓时的保证金比例，以后比例变了也不变。
    ``amount_li``：融资是借到的钱，融券是卖出的金额（未扣费用）；``repaid_li``：已还的本金，融券是
    已还的股份（``returned``）对应的卖出金额；``proceeds_li``：融券卖出所得，扣了费用。
    ``accrual``：还没有记进息费的尾数，厘 × 百万分之几 × 天，取整时进上去的是负数；``accrued_to``：
    计息到哪一天。``interest_li``：到现在的利息（融券费用），取整到分；``fare_li``：到现在应付的息费，
    是利息加上融券的现金红利补偿；``repaid_fare_li``：已付的。
    """

    compact_id: str
    kind: int
    group: int
    stock_code: str
    opened: int
    due: int
    margin_ppm: int
    volume: int = 0
    amount_li: int = 0
    repaid_li: int = 0
    returned: int = 0
    proceeds_li: int = 0
    accrual: int = 0
    accrued_to: int = 0
    interest_li: int = 0
    fare_li: int = 0
    repaid_fare_li: int = 0

    @property
    def left_li(self) -> int:
        """未还的合约金额。"""
        return self.amount_li - self.repaid_li

    @property
    def left_fare_li(self) -> int:
        """未付的息费。"""
        return self.fare_li - self.repaid_fare_li

    @property
    def left_volume(self) -> int:
        """未还的数量；融资按未还的金额折算，不足一股的进上去。"""
        if self.kind == SLO:
            return self.volume - self.returned
        return -(-self.volume * self.left_li // self.amount_li) if self.amount_li else 0

    @property
    def closed(self) -> bool:
        """本金（股份）与息费都清了。"""
        return self.left_li == 0 and self.left_volume == 0 and self.left_fare_li == 0

    def accrue(self, day: int, base_li: int, rate_ppm: int, year_days: int) -> int:
        """计息到 ``day``，本金（市值）``base_li``；返回新增的息费。"""
        self.accrual += base_li * rate_ppm * (day - self.accrued_to)
        self.accrued_to = day
        year = _PPM * year_days
        grown = max(to_fen(self.accrual // year), 0)
        self.accrual -= grown * year  # 留下尾数：改了一年的天数，已经记的息费不重算
        self.interest_li += grown
        self.fare_li += grown
        return grown

    def adjust(self, change: Action) -> int:
        """除权除息：数量照变，融券欠着的现金红利记进息费；返回新增的息费。"""
        after, before = change.change.after, change.change.before
        if self.kind == FIN:
            self.volume = self.volume * after // before
            return 0
        owed = self.left_volume
        compensation = change.cash_li(owed)
        self.volume = self.returned + owed * after // before
        self.fare_li += compensation
        return compensation

    def pay(self, money_li: int, interest_first: bool) -> int:
        """还款；返回用掉的钱。融券合约只还息费。"""
        start = money_li
        if interest_first or self.kind == SLO:
            money_li -= self._pay_fare(money_li)
        if self.kind == FIN:
            principal = min(money_li, self.left_li)
            self.repaid_li += principal
            money_li -= principal
        money_li -= self._pay_fare(money_li)
        return start - money_li

    def _pay_fare(self, money_li: int) -> int:
        paid = min(money_li, self.left_fare_li)
        self.repaid_fare_li += paid
        return paid

    def give_back(self, volume: int) -> int:
        """还券；返回这些股份当初卖出的金额。"""
        assert 0 < volume <= self.left_volume, f"还券 {volume} 超过未还 {self.left_volume}"
        if volume == self.left_volume:
            worth = self.left_li
        else:
            worth = min(to_fen(self.left_li * volume // self.left_volume), self.left_li)
        self.returned += volume
        self.repaid_li += worth
        return worth
