"""公司行为：派息、送转股、基金拆分与合并，按文件夹里的 ``corporate_actions.json`` 发生。

- `actions` 文件的样子与核对；`line` 登记、除权、派发。
- 配股、要约、吸收合并没有；债券付息没有。
"""

from __future__ import annotations

from easytrader.sim.corporate.line import CorporateBusiness, corporate_business

__all__ = ["CorporateBusiness", "corporate_business"]
