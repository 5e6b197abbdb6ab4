"""对账要看的事实：一天里的委托、成交、意向，前后的持仓与资金；只是数据，不查、不算。"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from easytrader.basics.numbers import exact
from easytrader.codes import AccountType, OrderType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from easytrader.market.rules.fees import FeeSchedule
    from easytrader.records.storage import Intent

Row = dict[str, Any]

_BUYS = frozenset({OrderType.BUY.value, OrderType.FIN_BUY.value})
_SELLS = frozenset({OrderType.SELL.value, OrderType.SELL_SECU_REPAY.value})


class Placed(NamedTuple):
    """一笔委托，与备注里本库的标记（不是本库下的为空）。"""

    row: Mapping[str, Any]
    tag: str


class Deal(NamedTuple):
    """一笔成交。

    Attributes:
        day: 哪一天。
        row: `today_trades` 的行。
        at: 第一次看到它的时刻，Unix 秒。
        delivered: 交给过回调（或 `events()`）。
        fee: 柜台说的费用，元；没有说为 0。
    """

    day: str
    row: Mapping[str, Any]
    at: float
    delivered: bool
    fee: float

    @property
    def side(self) -> int:
        """买 1，卖 -1，不是单纯买卖的 0。"""
        kind = self.row["order_type"]
        return (kind in _BUYS) - (kind in _SELLS)

    @property
    def volume(self) -> int | Decimal:
        """数量。"""
        return exact(self.row["traded_volume"])

    def after(self, moment: float) -> bool:
        """成交在这一刻之后：柜台只说到秒，同一秒的看谁先被看到。"""
        told = int(self.row["traded_time"])
        return told > int(moment) or (told == int(moment) and self.at > moment)


class Snapshot(NamedTuple):
    """某一刻的持仓或资金（资金只有一行）。"""

    day: str
    at: float
    rows: Sequence[Mapping[str, Any]]


class Transfer(NamedTuple):
    """一次银证转账；``amount`` 转入为正，元。"""

    at: float
    amount: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """一个账号一天的事实。

    Attributes:
        day: 哪一天。
        account_id: 资金账号。
        made: 何时看的，Unix 秒。
        live: 当场查的；假的只从记录里来。
        orders: 这一天的委托。
        trades: 到这一天为止的成交，连同之前一阵子的（手续费按整笔委托算，逆回购要等到期）。
        intents: 这一天用 ``client_order_id`` 发的。
        spans: 有程序连着的几段，(从, 到)，Unix 秒。
        positions: 持仓；没有为 None，下同。
        positions_before: 上一次、前一天或更早的持仓。
        asset: 资金。
        asset_before: 上一次、前一天或更早的资金。
        transfers: 上一次资金以来的银证转账；柜台没有说为 None。
        fees: 收费标准；不知道为 None。
        notes: 没有拿到的，为什么。
    """

    day: str
    account_id: str
    made: float
    live: bool
    orders: Sequence[Placed] = ()
    trades: Sequence[Deal] = ()
    intents: Sequence[Intent] = ()
    spans: Sequence[tuple[float, float]] = ()
    positions: Snapshot | None = None
    positions_before: Snapshot | None = None
    asset: Snapshot | None = None
    asset_before: Snapshot | None = None
    transfers: Sequence[Transfer] | None = None
    fees: FeeSchedule | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def today(self) -> list[Deal]:
        """这一天的成交。"""
        return [each for each in self.trades if each.day == self.day]

    @property
    def credit(self) -> bool:
        """信用账号。"""
        asset = self.asset or self.asset_before
        return asset is not None and asset.rows[0]["account_type"] == AccountType.CREDIT

    def between(self, before: Snapshot, now: Snapshot) -> list[Deal]:
        """两个快照之间的成交。"""
        return [each for each in self.trades if each.after(before.at) and not each.after(now.at)]
