"""一个后端会做什么、不会做什么：引擎照着它办。"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from easytrader import arguments
from easytrader.basics.days import A_SHARES, DayBoundary
from easytrader.errors import UsageError
from easytrader.market.board_rules import board_doubts
from easytrader.market.symbols import parse_security

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.basics.numbers import Number
    from easytrader.market.symbols import Security


@dataclass(frozen=True, slots=True)
class Instruments:
    """认得哪些证券，数量、价格怎样才对；不对的都抛 `UsageError`，说出是哪个参数。

    现成的有 `A_SHARE_INSTRUMENTS` 和 `ANY_INSTRUMENTS`；
    改一两条用 ``dataclasses.replace(ANY_INSTRUMENTS, amount=arguments.amount)``。

    Attributes:
        security: 用户写的代码 → 证券；行情也用它。
        amount: 数量。
        price: (限价, 证券) → 价格。
        market_type: (``ttype``, 证券) → 市价委托送出的报价类型。
        doubts: (委托类型, 证券, 价格, 数量) → 柜台可能会拒绝的理由：只提醒，照发。
    """

    security: Callable[[object], Security]
    amount: Callable[[object], Number]
    price: Callable[[object, Security], Number]
    market_type: Callable[[object, Security], int]
    doubts: Callable[[int, Security, Any, Any], list[str]]


A_SHARE_INSTRUMENTS: Final = Instruments(
    parse_security, arguments.amount, arguments.price, arguments.market_type, board_doubts
)
"""沪深北的证券，整数股。"""

ANY_INSTRUMENTS: Final = Instruments(
    arguments.symbol,
    arguments.quantity,
    lambda price, _: arguments.quantity(price, "price"),
    arguments.only_market_type,
    lambda *_: [],
)
"""随便什么代码（``BTC/USDT``、``rb2501.SHFE``），数量和价格是大于 0 的数，Decimal 原样保留。"""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """后端的本事；默认是 A 股柜台的样子。

    Attributes:
        name: 给人看的名字，如 ``MiniQMT``。
        pushes: 会推送委托、成交；不会的由引擎每 ``poll_s`` 秒查一次，查到的变化照样交给回调。
        poll_s: 见上，秒。
        push_spread_s: 委托与它的成交分两路来的，先后最多差几秒：回调等这么久，状态不走在成交前面。
        tag_in: 委托的唯一标记放在哪里：``remark`` 备注，``client_id`` 柜台自己的客户编号；
            ``none`` 没有地方放，认不出哪一笔是自己发的，所以 ``client_order_id`` 不能用。
        id_type: 委托编号是 ``int`` 还是 ``str``。
        kinds: 会做哪几种委托：``limit market``。
        markets: 能买卖哪些市场（代码的后缀，如 ``SH``）；空是不限。
        accounts: 哪几种账号（`Session.account_type`）能买卖；空是不限。
        instruments: 认得哪些证券，数量、价格怎样才对。
        day: 一天从何时算起：委托编号只在当天唯一，期货的夜盘算下一个交易日。
            默认是北京时间的日历日。
        journal: 委托记录在这里；假的在对面那台机器上（远程），「恰好一次」由对面保证。
        always_open: 全天开市，不看交易所的时间（模拟的默认如此）。
    """

    name: str
    pushes: bool = True
    poll_s: float = 3.0
    push_spread_s: float = 0.1
    tag_in: Literal["remark", "client_id", "none"] = "remark"
    id_type: type[int] | type[str] = int
    kinds: frozenset[str] = frozenset({"limit", "market"})
    markets: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset({"STOCK", "CREDIT"})
    instruments: Instruments = A_SHARE_INSTRUMENTS
    day: DayBoundary = A_SHARES
    journal: bool = True
    always_open: bool = False

    @property
    def tags(self) -> bool:
        """委托带得了标记。"""
        return self.tag_in != "none"

    def check_id(self, entrust_no: object, argument: str = "entrust_no") -> Any:
        """校验过的委托编号。

        Raises:
            UsageError: 不是这个柜台的编号。
        """
        if self.id_type is int:
            form = "：委托编号，或 client_order_id（字符串）" if argument == "key" else ""
            return arguments.whole(argument, entrust_no, form)
        if isinstance(entrust_no, str) and entrust_no.strip():
            return entrust_no
        raise UsageError(argument, entrust_no, f"{self.name} 的委托编号是字符串")

    def check_tag(self, client_order_id: object) -> None:
        """能不能用 ``client_order_id``。

        Raises:
            UsageError: 不能，什么都没有发出。
        """
        if not self.tags:
            form = f"{self.name} 的委托带不了标记，保证不了恰好一次；请不要给 client_order_id"
            raise UsageError("client_order_id", client_order_id, form)

    def check_order(self, kind: str, market: str) -> None:
        """会不会做这样的委托。

        Args:
            kind: ``limit`` 或 ``market``。
            market: 证券的市场，如 ``SH``。

        Raises:
            UsageError: 不会，什么都没有发出。
        """
        if kind not in self.kinds:
            told = "市价委托；请用 buy / sell" if kind == "market" else "限价委托"
            raise UsageError(
                "ttype" if kind == "market" else "price", kind, f"{self.name} 没有{told}"
            )
        if self.markets and market not in self.markets:
            have = "、".join(sorted(self.markets))
            raise UsageError("security", market, f"{self.name} 能买卖的市场：{have}")
