"""定律：每一步之后都要成立的。自己另记一本账，与柜台的对。"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from laws_desk import shown
from laws_world import CONVERTED, HELD, KINDS, LISTINGS, MONEY, REPOS, SCRIPTED, T_ZERO

from easytrader.codes import BUY_TYPES, FINAL_STATUSES, STATUS_RANK
from easytrader.sim.business.credit.contracts import SLO, SPECIAL
from easytrader.sim.business.credit.margin import SLO_SELLS
from easytrader.sim.business.credit.orders import SECU_REPAYS
from easytrader.sim.business.credit.plugin import CreditBusiness

if TYPE_CHECKING:
    from laws_desk import Desk
    from laws_world import World

_SHORTS = frozenset({28, 41})
_BUY_BACKS = frozenset({29, 42})
_NO_TRADES = frozenset({30, 32, 43, 45, 80, 81})
"""当场或日终了结、没有成交记录的委托。"""
_EXCHANGES = frozenset({80, 81})
"""转股、回售：冻结到日终。"""
_CHANGING = frozenset({*SCRIPTED, *LISTINGS, *CONVERTED})
"""隔夜数量会变的：公司行为、新股上市。"""

Key = tuple[str, str]


class Books:
    """另一本账：只看推送，不看柜台。"""

    def __init__(self, desk: Desk, world: World) -> None:
        self.pool = {
            code: volume
            for code, volume in (world.credit or {}).get("slo_volume", {}).items()
            if not (world.actions or {}).get(code)  # 送转之后欠的券会变多，不是借多了
        }
        self.opening = {
            name: MONEY[name] + sum(cost for _, _, cost in HELD[name]) for name in KINDS
        }
        self.final: dict[int, Any] = {}
        self.rank: dict[int, int] = defaultdict(int)
        self.traded: dict[int, int] = defaultdict(int)
        self.trade_ids: set[str] = set()
        self.kinds: dict[int, tuple[int, float, int]] = {}
        self.net: dict[Key, int] = defaultdict(int)
        for key, volume in nets(desk).items():
            self.net[key] = volume
        self.sold: dict[Key, int] = defaultdict(int)
        self.returned: dict[Key, int] = defaultdict(int)
        self.later: list[tuple[int, Key, int]] = []
        self.day = desk.state.progress.day
        self.start: dict[Key, int] = held_volumes(desk)
        self.days = 0
        self.stages: list[str] = []

    def seen(self, desk: Desk) -> list[str]:
        """这一次做到了些什么。"""
        found = [f"交易日 {'走过' if self.days else '没有走'}", *self.stages]
        found += [f"类型 {row.order_type} 终态 {row.order_status}" for row in self.final.values()]
        records = (
            json.loads(body) for key, body in desk.state.records.items() if key[0] == "subscription"
        )
        found += [f"申购 {each['stage']}" for each in records]
        found += [
            f"公司行为 {key[0]}"
            for key in desk.state.records
            if key[0]
            in ("dividend", "entitlement", "tax_lots", "dividend_tax", "rights", "convertible")
        ]
        return found

    # ---- 推送

    def follow(self, desk: Desk, events: list[Any]) -> None:
        """一步的推送，然后对账。"""
        for event in events:
            if event.kind == "order":
                self._order(event.row)
            elif event.kind == "trade":
                self._trade(event.row)
            elif event.kind == "order_error":
                self.stages.append(
                    "拒绝 " + event.row.error_msg.split("[COUNTER] [")[-1].split("]")[0]
                )
        self._t_plus_one(desk)
        if desk.state.progress.day != self.day:
            self._new_day(desk)
        self._volumes(desk)
        for name in KINDS:
            conserved(desk, name, self.opening[name])
            frozen(desk, name)
        orders_agree(desk, self.traded)
        lent_within_pool(desk, self.pool)

    def _order(self, row: Any) -> None:
        number, status = row.order_id, row.order_status
        assert number not in self.final, f"终态又变了：{row}"
        assert STATUS_RANK[status] >= self.rank[number], f"状态往回走：{row}"
        self.rank[number] = STATUS_RANK[status]
        self.kinds[number] = row.order_type, row.price, row.price_type
        assert 0 <= row.traded_volume <= row.order_volume
        done_at_once = row.order_type in _NO_TRADES or row.stock_code in _applications()
        if not done_at_once:
            assert row.traded_volume == self.traded[number], f"成交对不上：{row}"
        if status not in FINAL_STATUSES:
            return
        self.final[number] = row
        assert (status == 56) == (row.traded_volume == row.order_volume), row
        assert status != 57 or row.traded_volume == 0
        if row.order_type in SECU_REPAYS and status == 56:
            self.returned[row.account_id, row.stock_code] += row.traded_volume

    def _trade(self, row: Any) -> None:
        assert row.traded_id not in self.trade_ids, "成交编号重复"
        self.trade_ids.add(row.traded_id)
        assert row.traded_volume > 0
        assert row.traded_price > 0
        self.traded[row.order_id] += row.traded_volume
        kind, price, how = self.kinds[row.order_id]
        buy, key = kind in BUY_TYPES, (row.account_id, row.stock_code)
        if how == 50 and price > 0:  # 限价
            beyond = round((row.traded_price - price) * 1000)
            assert beyond <= 0 if buy else beyond >= 0, f"比限价差：{row}"
        if row.stock_code in REPOS:
            return
        self.net[key] += row.traded_volume if buy else -row.traded_volume
        day = shown(row.traded_time).date().toordinal()
        sold = 0 if buy or kind in _SHORTS else row.traded_volume
        if day == self.day:
            self.sold[key] += sold
        else:  # 一步跨了几天：强制平仓是后来某一天的
            self.later.append((day, key, sold))

    # ---- 对账

    def _t_plus_one(self, desk: Desk) -> None:
        """今天卖掉的、还掉的，不超过今天开始时有的（T+1 的品种）。"""
        if desk.state.progress.day != self.day:
            return  # 跨日的一步里卖的是昨天的，昨天还在对的时候已经对过挂单
        for key in {*self.sold, *self.returned}:
            if key[1] not in T_ZERO:
                gone = self.sold[key] + self.returned[key]
                assert gone <= self.start.get(key, 0), f"{key} 卖了 {gone}，今天开始时没有这么多"

    def _new_day(self, desk: Desk) -> None:
        for key in {*self.sold, *self.returned}:
            if key[1] not in T_ZERO:
                assert self.sold[key] + self.returned[key] <= self.start.get(key, 0), key
        assert desk.state.progress.day > self.day
        self.day = desk.state.progress.day
        self.days += 1
        self.stages += [
            f"隔夜 {key[0]}"
            for key in desk.state.records
            if key[0] in ("repo", "credit", "credit_pool")
        ]
        self.sold.clear()
        self.returned.clear()
        self.start = held_volumes(desk)
        forced = {key for day, key, _ in self.later if day == self.day}
        for key in forced:  # 早上就强制平仓了，换日时的样子看不见了
            self.sold[key] = sum(each[2] for each in self.later if each[:2] == (self.day, key))
            self.start[key] = self.start.get(key, 0) + self.sold[key]
        self.later.clear()
        for name, account in desk.state.accounts.items():
            for held in account.positions.values():
                if (name, held.stock_code) in forced or held.frozen:
                    continue
                assert held.yesterday == held.volume, f"换日之后昨仓不对：{name} {held}"
                queued = sum(
                    order.remaining
                    for order in desk.state.orders_of[name]
                    if order.is_queued
                    and not order.is_buy
                    and order.stock_code == held.stock_code
                    and order.order_type not in SLO_SELLS  # 卖的是借来的，不占自己的
                )
                assert (held.locked, held.frozen) == (0, queued), f"换日之后没有解锁：{name} {held}"
        now = nets(desk)
        for key in {*now, *self.net}:
            if key[1] in _CHANGING:
                self.net[key] = now.get(key, 0)

    def _volumes(self, desk: Desk) -> None:
        """券也守恒：持仓减去欠的券 = 开始时的 + 买的 − 卖的（含融券）。"""
        now = nets(desk)
        for key in {*now, *self.net}:
            assert now.get(key, 0) == self.net[key], f"{key} 的数量对不上"


def conserved(desk: Desk, name: str, opening: int) -> None:
    """钱守恒到分，哪里都不是负的。"""
    account = desk.state.accounts[name]
    # 银证转账、约券不在这台机器里，它们手里没有账户的钱
    elsewhere = sum(line.held_li(name) for line in desk.lines if hasattr(line, "held_li"))
    income = sum(line.income_li(name) for line in desk.lines if hasattr(line, "income_li"))
    cost = sum(held.cost_li for held in account.positions.values())
    total = account.cash_li + account.frozen_li + account.fees_li + cost + elsewhere
    gap = total - account.realized_li - income - opening
    assert gap == 0, f"{name} 的账不平：差 {gap} 厘"
    money = (account.cash_li, account.frozen_li, account.fees_li, account.proceeds_li)
    assert min(money) >= 0, f"负数：{account}"
    assert not any(amount % 10 for amount in money), f"不是整分：{account}"
    for held in account.positions.values():
        parts = (held.volume, held.sellable, held.locked, held.frozen, held.cost_li, held.yesterday)
        assert min(parts) >= 0, f"负数：{held}"
        assert held.volume or not held.cost_li, f"没有券却有成本：{held}"


def frozen(desk: Desk, name: str) -> None:
    """冻结的钱与券，正是活着的委托要的那些。"""
    state = desk.state
    account = state.accounts[name]
    alive = [o for o in state.orders_of[name] if o.is_working or o.waiting]
    assert account.frozen_li == sum(order.frozen_li for order in alive), f"{name} 冻结对不上"
    selling: dict[str, int] = defaultdict(int)
    for order in alive:
        off_book = order.off_book and order.order_type not in _EXCHANGES
        if not (order.is_buy or off_book or order.order_type in _SHORTS):
            selling[order.stock_code] += 0 if order.stock_code in REPOS else order.remaining
    for code, held in account.positions.items():
        assert held.frozen == selling[code], f"{name} {code} 冻结的券对不上"
    credit = next(line for line in desk.lines if isinstance(line, CreditBusiness))
    book = credit._debts
    assert 0 <= book.used_pool(name) <= account.frozen_li
    assert book.pool(name) >= 0
    for each in book.contracts(name):
        parts = (each.left_li, each.left_fare_li, each.left_volume, each.fare_li)
        assert min(parts) >= 0, f"合约出了负数：{each}"
        assert each.left_li % 10 == each.left_fare_li % 10 == 0, f"合约不是整分：{each}"


def orders_agree(desk: Desk, traded: dict[int, int]) -> None:
    """柜台的委托与推送过的成交一致；行没有过时。"""
    applications = _applications()
    for order in desk.state.orders.values():
        if order.order_type not in _NO_TRADES and order.stock_code not in applications:
            assert order.traded_volume == traded[order.order_id], order
        shown = order.snapshot
        order.touch()
        assert order.snapshot == shown, "样子过时了"


def lent_within_pool(desk: Desk, pool: dict[str, Any]) -> None:
    """借出去的券不超过券源，普通与专项分开算。"""
    lent: dict[tuple[str, str, int], int] = defaultdict(int)
    credit = next(line for line in desk.lines if isinstance(line, CreditBusiness))
    for name in KINDS:
        for contract in credit._debts.contracts(name, SLO):
            lent[name, contract.stock_code, contract.group] += contract.left_volume
    for (_, code, group), volume in lent.items():
        if code not in pool:
            continue
        said = pool[code]
        both = said if isinstance(said, list) else [said, 0]
        assert volume <= both[group == SPECIAL], f"{code} 借出 {volume}，超过券源"


def held_volumes(desk: Desk) -> dict[Key, int]:
    """各账户各证券的持仓。"""
    return {
        (name, code): held.volume
        for name, account in desk.state.accounts.items()
        for code, held in account.positions.items()
    }


def nets(desk: Desk) -> dict[Key, int]:
    """持仓减去欠的券。"""
    found = defaultdict(int, held_volumes(desk))
    credit = next(line for line in desk.lines if isinstance(line, CreditBusiness))
    for name in KINDS:
        for contract in credit._debts.contracts(name, SLO):
            found[name, contract.stock_code] -= contract.left_volume
    return found


def _applications() -> frozenset[str]:
    from laws_world import APPLICATIONS, RIGHTS_CODES

    return frozenset({*APPLICATIONS, *RIGHTS_CODES})
