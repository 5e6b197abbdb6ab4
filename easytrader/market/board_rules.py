"""实盘下单前的提醒：数量单位、最小变动价位。规则归柜台管，这里只说疑问，不拒绝。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.codes import OrderType
from easytrader.market.symbols import Kind

if TYPE_CHECKING:
    from easytrader.market.symbols import Security

_BUYS: Final = (OrderType.BUY, OrderType.FIN_BUY, OrderType.FIN_BUY_SPECIAL)
"""买券还券可以买零股，不在内。"""


def board_doubts(side: int, target: Security, price: float, volume: int) -> list[str]:
    """这笔委托可能被柜台拒绝的理由；没有为空。

    Args:
        side: 委托类型，23 买入、24 卖出等。
        target: 证券。
        price: 委托价，元；市价为 0。
        volume: 数量，股/份/张。
    """
    from easytrader.market.units import units_of  # 规则表不轻：只看行情、持仓的不必导入

    doubts = []
    lot, step, tick_li = units_of(target)
    whole = volume >= lot and (volume - lot) % step == 0
    if side in _BUYS and target.kind is not Kind.APPLICATION and not whole:
        doubts.append(
            f"{target.stock_code} 买入 {volume}："
            f"{target.board.value}一般为 {lot} 起、{step} 递增，柜台可能拒绝"
        )
    ticks = price * 1000 / tick_li
    if abs(ticks - round(ticks)) > 1e-6:
        tick = tick_li / 1000
        doubts.append(
            f"{target.stock_code} 价格 {price:g} 不是最小变动价位 {tick:g} 元的整数倍，柜台可能拒绝"
        )
    return doubts
