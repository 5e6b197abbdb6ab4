"""MiniQMT：券商的 MiniQMT 客户端，经厂商的 ``xtquant``。导入本包不导入 xtquant。"""

from easytrader.miniqmt.callback import DefaultXtQuantTraderCallback
from easytrader.miniqmt.trader import MiniqmtTrader

__all__ = ["DefaultXtQuantTraderCallback", "MiniqmtTrader"]
