"""盈透证券，经 ib_async 连 TWS 或 IB Gateway。

`trader` 是交易口；`session` 是一次会话，`book` 是听来的委托与成交，`securities` 是代码与合约，
`words` 是状态与错误编号。
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.overseas.common_door import load

if TYPE_CHECKING:
    from easytrader.overseas.ib.trader import IbTrader


def ib_trader(debug: bool = False) -> IbTrader:
    """``use("ib")``。

    Raises:
        MissingDependencyError: 没有装 ib_async。
    """
    load("ib_async", "ib_async", "ib")
    from easytrader.overseas.ib.trader import IbTrader

    return IbTrader(debug)
