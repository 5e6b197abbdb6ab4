"""每笔委托自己的规则：开关、名单、金额、占比、价差。不占名额，查不清的一律拒绝。"""

from __future__ import annotations

import math
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol

from easytrader.basics.numbers import exact
from easytrader.codes import LIMIT_PRICES
from easytrader.errors import EasytraderError, RiskRefusedError, UsageError
from easytrader.market.symbols import Kind, parse_security

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.records import OrderRequest
    from easytrader.basics.log import Log
    from easytrader.basics.numbers import Number
    from easytrader.market.symbols import Security
    from easytrader.risk.limits import Guard

__all__ = ["NOTHING_SENT", "MarketView", "Rules", "order_value"]

NOTHING_SENT: Final = "什么都没有发出"
_REPO_FACE: Final = Decimal(100)
"""逆回购的「价」是年利率，一张的本金是 100 元。"""


class MarketView(Protocol):
    """规则要用到的行情与资金；用到才问。问不到就拒绝那笔委托。"""

    def last_price(self, stock_code: str) -> float | None:
        """最新价，元；没有为 None。"""

    def limit_up(self, stock_code: str) -> Number | None:
        """涨停价，元；没有行情、不设涨跌幅为 None。"""

    def multiplier(self, stock_code: str) -> Number:
        """合约乘数；股票是 1。"""

    def total_asset(self) -> Number:
        """总资产，元。"""


def order_value(
    request: OrderRequest, market: Callable[[], tuple[Decimal, str]], size: Number = 1
) -> tuple[Decimal, str]:
    """一笔委托多少元，和它的算法。

    Args:
        request: 委托。
        market: 市价委托按什么价算：(元, 它叫什么)；别的委托不问。
        size: 合约乘数，见 `MarketView.multiplier`；期货按整份合约算，不按保证金。
    """
    code, volume = request.security.stock_code, exact(request.volume)
    if request.money is not None:
        value = _exact(request.money)
        return value, f"直接还款 {value:,.2f} 元"
    if request.security.kind is Kind.REPO:
        value, how = _REPO_FACE * volume, f"{volume} 张 × 100 元"
    elif _is_limit(request):
        price = _exact(request.price)
        value, how = price * volume, f"{price:f} 元 × {volume}"
    else:
        price, name = market()
        value, how = price * volume, f"市价，{name} {price:f} 元 × {volume}"
    if size != 1:
        value, how = value * _exact(size), f"{how} × 乘数 {size}"
    return value, f"{code} {how} = {value:,.2f} 元"


class Rules:
    """见模块说明。没有状态，任意线程。

    Args:
        guard: 规则。
        security: 后端怎样认证券代码。
    """

    def __init__(
        self, guard: Guard, security: Callable[[object], Security] = parse_security
    ) -> None:
        self._guard = guard
        self._blocked = guard.blocked(security)
        self._asks_value = guard.max_order_value is not None or guard.max_order_share is not None

    def rename(self, security: Callable[[object], Security], log: Log) -> None:
        """同一份名单，按 ``security`` 再认一遍；它不认得的（这里没有的）照写的样子留着。"""
        blocked = set(self._blocked)
        for each in self._guard.block:
            try:
                blocked.add(security(each).stock_code)
            except UsageError as exc:  # noqa: PERF203
                log.warning("禁止名单里的 {} 这个柜台不认得：{}", each, exc.expected)
        self._blocked = frozenset(blocked)

    def check(self, request: OrderRequest, view: MarketView) -> None:
        """按先后逐条检查。

        Raises:
            RiskRefusedError: 有一条不许，或判断不了。
        """
        if self._guard.kill_switch is not None:
            self._check_switch()
        if self._blocked and request.money is None:  # 直接还款的代码是占位的
            self._check_block(request.security.stock_code)
        if self._asks_value:
            value, told = self._value(request, view)
            self._check_value(value, told)
            self._check_share(value, told, view)
        if self._guard.max_price_distance is not None and _is_limit(request):
            self._check_distance(self._guard.max_price_distance, request, view)

    def switch_says(self) -> str:
        """开关为什么算开着；没有开为空。看不到的当作开着。"""
        path = self._guard.kill_switch
        if path is None:
            return ""
        try:
            os.lstat(path)
        except FileNotFoundError:
            folder = os.path.dirname(path)  # noqa: PTH120  每笔委托都要走，快一点
            if os.path.isdir(folder):  # noqa: PTH112
                return ""
            return f"放开关文件的文件夹 {folder} 不在，当作停止交易"
        except (OSError, ValueError) as exc:
            return f"开关文件 {path} 看不了（{exc}），当作停止交易"
        return f"开关文件 {path} 存在，停止交易；删掉它就恢复"

    def _check_switch(self) -> None:
        if why := self.switch_says():
            raise RiskRefusedError(
                f"风控拒绝（kill_switch）：{why}；{NOTHING_SENT}", rule="kill_switch"
            )

    def _check_block(self, code: str) -> None:
        if code in self._blocked:
            raise RiskRefusedError(
                f"风控拒绝（block）：{code} 在禁止交易的名单里；{NOTHING_SENT}",
                rule="block",
                actual=code,
                limit=list(self._guard.block),
            )

    def _value(self, request: OrderRequest, view: MarketView) -> tuple[Decimal, str]:
        """一笔委托多少元，和它的算法；市价委托按最新价。"""

        def last() -> tuple[Decimal, str]:
            rule = "max_order_share" if self._guard.max_order_value is None else "max_order_value"
            return self._price(request.security.stock_code, view, rule), "最新价"

        return order_value(request, last, view.multiplier(request.security.stock_code))

    def _check_value(self, value: Decimal, told: str) -> None:
        limit = self._guard.max_order_value
        if limit is not None and value > _exact(limit):
            raise RiskRefusedError(
                f"风控拒绝（max_order_value）：{told}，上限 {limit:,.2f} 元；{NOTHING_SENT}",
                rule="max_order_value",
                actual=float(value),
                limit=limit,
            )

    def _check_share(self, value: Decimal, told: str, view: MarketView) -> None:
        limit = self._guard.max_order_share
        if limit is None:
            return
        asset = self._known(view.total_asset, "总资产", "max_order_share")
        if value > _exact(limit) * asset:
            share = float(value / asset)
            raise RiskRefusedError(
                f"风控拒绝（max_order_share）：{told}，是总资产 {asset:,.2f} 元的 {share:.4%}，"
                f"上限 {limit:.4%}；{NOTHING_SENT}",
                rule="max_order_share",
                actual=share,
                limit=limit,
            )

    def _check_distance(self, limit: float, request: OrderRequest, view: MarketView) -> None:
        code = request.security.stock_code
        last = self._price(code, view, "max_price_distance")
        price = _exact(request.price)
        away = abs(price - last)
        if away > _exact(limit) * last:
            distance = float(away / last)
            raise RiskRefusedError(
                f"风控拒绝（max_price_distance）：{code} 委托价 {price:f} 元离最新价 "
                f"{last:f} 元 {distance:.4%}，上限 {limit:.4%}；{NOTHING_SENT}",
                rule="max_price_distance",
                actual=distance,
                limit=limit,
            )

    def _price(self, code: str, view: MarketView, rule: str) -> Decimal:
        return self._known(lambda: view.last_price(code), f" {code} 的最新价", rule)

    def _known(self, ask: Callable[[], Number | None], name: str, rule: str) -> Decimal:
        """要用的数；问不到、不是正数就拒绝。"""
        why: EasytraderError | None = None
        number: Number | None = None
        try:
            number = ask()
        except EasytraderError as exc:
            why = exc
        if number is not None and math.isfinite(number) and number > 0:
            return _exact(number)
        told = f"（{why}）" if why is not None else ("" if number is None else f"（得到 {number}）")
        raise RiskRefusedError(
            f"风控拒绝（{rule}）：查不到{name}{told}，这条规则判断不了；{NOTHING_SENT}",
            rule=rule,
            limit=getattr(self._guard, rule),
        ) from why


def _is_limit(request: OrderRequest) -> bool:
    return request.price_type in LIMIT_PRICES and request.money is None


def _exact(number: Number) -> Decimal:
    """写出来的样子就是它的值：35.1 是 35.1，不是 35.10000000000000142。"""
    return number if isinstance(number, Decimal) else Decimal(repr(float(number)))
