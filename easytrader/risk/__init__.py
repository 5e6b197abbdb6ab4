"""风控：下单之前的几条规则，和程序化交易的计数。默认不开；``use(..., guard=Guard(...))`` 打开。"""

from __future__ import annotations

from easytrader.risk.limits import Guard
from easytrader.risk.meter import Meter, Taken
from easytrader.risk.post import GuardPost
from easytrader.risk.rules import MarketView

__all__ = ["Guard", "GuardPost", "MarketView", "Meter", "Taken"]
