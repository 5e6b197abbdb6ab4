"""盘后固定价格交易：收单（`line`）、别人（`crowd`）、按时间撮合（`session`）。

委托类型是 1043、1044。收下之后不进竞价的盘口，15:05 起按收盘价、只看时间先后地成交；
钱和券的走法、费用、T+1 同普通买卖。规则见 ``rules.after_hours``。
"""

from easytrader.sim.after_hours.line import AfterHoursBusiness, after_hours_business

__all__ = ["AfterHoursBusiness", "after_hours_business"]
