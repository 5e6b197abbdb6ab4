"""银证转账，普通柜台与极速柜台之间的划拨，股东账户与持仓统计。"""

from easytrader.sim.transfers.line import transfers_business

__all__ = ["transfers_business"]
