"""风控：下单之前的几条规则，和程序化交易的计数。默认不开；``use(..., guard=Guard(...))`` 打开。"""

from __future__ import annotations

from easytrader.guard.limits import Guard
from easytrader.guard.meter import Meter, Taken
from easytrader.guard.post import GuardPost
from easytrader.guard.rules import MarketView

__all__ = ["Guard", "GuardPost", "MarketView", "Meter", "Taken"]
