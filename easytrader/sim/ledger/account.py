"""资金与持仓：冻结、成交、解冻、T+1、换日。全部整数厘，没有 I/O。

守恒律（测试里逐步核对）::

    cash + frozen + fees + Σ持仓成本 − 已实现盈亏 = 初始现金 + Σ初始成本

持仓成本按移动平均，不含费用。
"""

from __future__ import annotations

from dataclasses import dataclass, field


def share_of(total_li: int, volume: int, whole: int) -> int:
    """``whole`` 里的 ``volume`` 摊到 ``total_li`` 的多少；全部就是全部。"""
    return total_li if volume == whole else total_li * volume // whole


@dataclass(slots=True, eq=False)
class Position:
    """一只证券的持仓。

    Attributes:
        volume: 总数量，含当日买入。
        yesterday: 今天开始时的数量。
        locked: 当日买入、今天不能卖的（T+1 品种；T+0 品种恒为 0）。
        frozen: 挂着的卖单占住的。
        cost_li: 成本总额。
        open_date: 建仓日 ``YYYYMMDD``。
        spent_li: 为它净付出的：买入的金额与费用，减去卖出的净所得与红利；摊薄成本由它算，
            可以是负数。
    """

    stock_code: str
    volume: int = 0
    yesterday: int = 0
    locked: int = 0
    frozen: int = 0
    cost_li: int = 0
    open_date: str = ""
    spent_li: int = 0

    @property
    def sellable(self) -> int:
        """此刻还能卖的。"""
        return self.volume - self.locked - self.frozen

    def take_out(self, volume: int) -> int:
        """拿出去 ``volume``；返回它摊到的成本。"""
        cost_li = share_of(self.cost_li, volume, self.volume)
        self.spent_li -= share_of(self.spent_li, volume, self.volume)
        self.volume -= volume
        self.cost_li -= cost_li
        return cost_li

    def bring_in(self, volume: int, cost_li: int, today: str) -> None:
        """不经过买入而来的（上市的新股、转来的……），成本 ``cost_li``。"""
        if self.volume == 0:
            self.open_date = today
        self.volume += volume
        self.cost_li += cost_li
        self.spent_li += cost_li

    def roll(self) -> None:
        """换日：当日买入解锁。卖单已全部到期，不应再有冻结。"""
        assert self.frozen == 0, f"{self.stock_code} 换日时还有冻结 {self.frozen}"
        self.locked = 0
        self.yesterday = self.volume


@dataclass(slots=True, eq=False)
class Account:
    """一个资金账号。

    Attributes:
        cash_li: 可用资金。
        frozen_li: 买单冻结。
        fees_li: 开户以来交的费用。
        realized_li: 开户以来的已实现盈亏，未扣费用。
        proceeds_li: 今天到账、还没有花掉的钱（卖出的净所得、到期的逆回购）：可以再买，不能取；
            付钱先从它里面出。
    """

    account_id: str
    account_type: int
    cash_li: int
    frozen_li: int = 0
    fees_li: int = 0
    realized_li: int = 0
    proceeds_li: int = 0
    positions: dict[str, Position] = field(default_factory=dict)

    @property
    def fetch_li(self) -> int:
        """可取资金：可用里去掉今天到账的；冻结也先算在今天到账的头上。"""
        return max(self.cash_li - max(self.proceeds_li - self.frozen_li, 0), 0)

    def position(self, stock_code: str) -> Position:
        """这只证券的持仓，没有就立一行空的。"""
        found = self.positions.get(stock_code)
        if found is None:
            found = self.positions[stock_code] = Position(stock_code)
        return found

    def freeze(self, amount_li: int) -> None:
        """冻结资金；负数是解冻。"""
        self.cash_li -= amount_li
        self.frozen_li += amount_li
        assert self.cash_li >= 0, f"资金变成负数：{self.cash_li}"
        assert self.frozen_li >= 0, f"冻结变成负数：{self.frozen_li}"

    def pay(self, amount_li: int, fee_li: int) -> None:
        """从冻结里付出去。"""
        paid = amount_li + fee_li
        self.frozen_li -= paid
        assert self.frozen_li >= 0, f"冻结变成负数：{self.frozen_li}"
        self.fees_li += fee_li
        self.proceeds_li = max(self.proceeds_li - paid, 0)

    def buy(self, held: Position, amount_li: int, fee_li: int, volume: int, today: str) -> None:
        """从冻结里付钱，收进持仓。"""
        self.pay(amount_li, fee_li)
        if held.volume == 0:
            held.open_date = today
        held.volume += volume
        held.cost_li += amount_li
        held.spent_li += amount_li + fee_li

    def sell(self, held: Position, amount_li: int, fee_li: int, volume: int) -> int:
        """交出持仓，收钱；返回实收的费用（不够付时少收，余下的由同一笔委托的下次成交补）。"""
        fee_li = min(fee_li, amount_li + self.cash_li)
        spent_li = held.spent_li - amount_li + fee_li
        removed = held.take_out(volume)
        held.spent_li = spent_li
        held.frozen -= volume
        assert held.frozen >= 0, f"{held.stock_code} 冻结变成负数"
        assert held.volume >= 0, f"{held.stock_code} 持仓变成负数"
        self.realized_li += amount_li - removed
        self.cash_li += amount_li - fee_li
        self.proceeds_li += amount_li - fee_li
        self.fees_li += fee_li
        return fee_li

    def roll(self) -> list[str]:
        """换日；返回因清仓而不再保留的证券。"""
        assert self.frozen_li == 0, f"换日时还有冻结资金 {self.frozen_li}"
        self.proceeds_li = 0
        gone = [code for code, held in self.positions.items() if held.volume == 0]
        for code in gone:
            del self.positions[code]
        for held in self.positions.values():
            held.roll()
        return gone
