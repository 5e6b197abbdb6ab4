"""新股、可转债的网上申购，按文件夹里的 ``ipo.json`` 发生。

- `issues` 文件的样子与核对；`check` 收不收；`quota` 额度；`lottery` 摇号；
  `record` 一笔申购的一生；`line` 业务本身。
- 北交所的申购（全额缴款、比例配售）、网下申购、配股配债没有。
"""

from __future__ import annotations

from easytrader.sim.subscribe.line import SubscribeBusiness, subscribe_business

__all__ = ["SubscribeBusiness", "subscribe_business"]
