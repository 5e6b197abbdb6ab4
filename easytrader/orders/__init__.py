"""下单与撤单：校验 → 认出重复的 → 风控 → 只发一次 → 一张回执；同步的等它有结果。"""

from easytrader.orders.receipt import Receipt
from easytrader.orders.router import Router
from easytrader.orders.ticket import Cancel, Extras

__all__ = ["Cancel", "Extras", "Receipt", "Router"]
