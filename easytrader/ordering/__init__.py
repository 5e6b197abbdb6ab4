"""下单与撤单：校验 → 认出重复的 → 风控 → 只发一次 → 结果；同步的等结果，异步的给一张回执。"""

from easytrader.ordering.desk import Ordering
from easytrader.ordering.launch import Launcher
from easytrader.ordering.receipt import Receipt
from easytrader.ordering.wanted import Extras

__all__ = ["Extras", "Launcher", "Ordering", "Receipt"]
