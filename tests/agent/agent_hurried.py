"""几个时限都是五分之一：停住的要等租约过期。要在别的模块导入它们之前导入。"""

from easytrader.fleets import words

words.TTL_S, words.FENCE_S = 2.0, 1.2  # type: ignore[misc]
words.RENEW_S, words.SEND_BY_S = 0.4, 0.5  # type: ignore[misc]
