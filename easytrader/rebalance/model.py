"""调仓各处说的是同一种东西：要一个怎样的交易口，计划里的一行是什么样子。

这里只有形状，没有一句逻辑：算计划的（`planning`）、存计划的（`planfile`）、照着做的（`run`）
都从这里取。交易口由 `Facade` 说清要它会什么，从不导入 `trader`：本机的、远程的都行。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from easytrader import types
    from easytrader.backend.capabilities import Capabilities

Side = Literal["buy", "sell"]
SideName = Literal["买入", "卖出"]
Others = Literal["close", "keep"]
"""目标里没有写的持仓：清掉，还是留着。"""
By = Literal["weight", "shares", "value"]
"""目标的单位：占总资产的比例、股数、金额（元）。"""

Rule = Literal[
    "suspended",
    "limit_up",
    "limit_down",
    "t1",
    "below_lot",
    "threshold",
    "no_quote",
    "untradable",
    "cash",
    "open_order",
    "not_named",
    "dust",
    "buy_cap",
]
"""跳过的原因，程序照它分支：

停牌、涨停（买不到）、跌停（卖不出）、可卖数量不够（T+1、冻结）、不足一手、不到最小金额、没有行情、
不能这样买卖的品种、钱不够、这只还有没完的委托、目标里没有写而留着、清仓也不到最小金额的零星持仓、
风险警示股票的每日买入上限。
"""

SIDE_NAMES: dict[Side, SideName] = {"buy": "买入", "sell": "卖出"}
CASH: str = "现金"
"""``weights`` 里现金那一行的 ``stock_code``。"""


class PlanOrder(TypedDict):
    """计划里的一笔。

    ``volume`` 不超过一笔的上限（限价、市价的上限取小的一个），要得更多的拆成几笔，
    几笔的 ``before target after`` 相同。
    """

    id: int
    """从 0 起，卖出在前。"""
    stock_code: str
    security: str
    side: Side
    side_name: SideName
    volume: int
    """股/份/张。"""
    price: float
    """估算的成交价，元：买按卖一，卖按买一，没有盘口按最新价。"""
    value: float
    """价 × 量，元。"""
    fee: float
    """估算的费用，元。"""
    reason: str
    before: int
    """现在的数量。"""
    target: float
    """正好合乎目标的数量，没有取整。"""
    after: int
    """这只都做完之后的数量。"""


class Skipped(TypedDict):
    """想做而没有做的，或没有做足的。"""

    stock_code: str
    security: str
    side: Side
    wanted: int
    """没有做的数量，股/份/张。"""
    reason: str
    rule: Rule


class WeightRow(TypedDict):
    """一只证券（或现金）占总资产的比例，0–1；总资产是计划时的。"""

    stock_code: str
    before: float
    target: float | None
    """没有目标的（现金、留着的）为 None。"""
    after: float


class _Held(TypedDict):
    balance: Sequence[types.Asset]
    position: Sequence[types.Position]


class Account(_Held, total=False):
    """算计划要的账户：交易口的几个属性，原样放进来。"""

    entrusts: Sequence[types.Entrust]
    """当日委托：还没完的那几只不碰；不给当作没有。"""


class Facade(Protocol):
    """调仓要一个怎样的交易口；`easytrader.trader.Trader` 与远程的都合。"""

    @property
    def balance(self) -> list[types.Asset]:
        """资金。"""

    @property
    def position(self) -> list[types.Position]:
        """持仓。"""

    @property
    def today_entrusts(self) -> list[types.Entrust]:
        """当日委托。"""

    @property
    def today_trades(self) -> list[types.Trade]:
        """当日成交。"""

    @property
    def state(self) -> types.StateName:
        """连接状态。"""

    @property
    def status(self) -> types.Status:
        """健康状况。"""

    @property
    def capabilities(self) -> Capabilities:
        """后端的本事。"""

    def quote(self, codes: str | Iterable[str]) -> dict[str, types.Quote]:
        """行情。"""

    def find_entrust(self, key: int | str) -> types.Entrust | None:
        """找一笔当日委托。"""

    def buy(
        self,
        security: str,
        price: float | Decimal,
        amount: float | Decimal,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
    ) -> types.EntrustResult:
        """限价买入。"""

    def sell(
        self,
        security: str,
        price: float | Decimal,
        amount: float | Decimal,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
    ) -> types.EntrustResult:
        """限价卖出。"""

    def market_buy(
        self,
        security: str,
        amount: float | Decimal,
        ttype: Any = None,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
    ) -> types.EntrustResult:
        """市价买入。"""

    def market_sell(
        self,
        security: str,
        amount: float | Decimal,
        ttype: Any = None,
        *,
        strategy_name: str = "",
        remark: str = "",
        client_order_id: str | None = None,
    ) -> types.EntrustResult:
        """市价卖出。"""

    def cancel_entrust(self, entrust_no: int) -> types.CancelResult:
        """撤单。"""

    def wait(self, entrust_no: int, timeout: float = 30.0) -> types.Entrust:
        """等到委托到终态。"""
