"""调仓：目标 → 计划 → 执行 → 报告。

::

    from easytrader import rebalance

    account, quotes = rebalance.look(user, targets)
    plan = rebalance.plan(account, quotes, targets, now=time.time())
    print(plan)
    plan.save("plan.json")
    report = rebalance.run(user, plan)

- `targets` 目标怎样读；`planning` 怎样算；`lots` 怎样取整；`planfile` 计划与它的文件。
- `portfolio` 是 ``user.portfolio``：上面的几步，和研究平台上叫惯了的一句话下单。
"""

from __future__ import annotations

from easytrader.rebalance.planfile import Plan
from easytrader.rebalance.planning import plan
from easytrader.rebalance.portfolio import Portfolio, look
from easytrader.rebalance.report import Report
from easytrader.rebalance.run import run  # 在它的模块之后：`rebalance.run` 是这个函数
from easytrader.rebalance.targets import Target

__all__ = ["Plan", "Portfolio", "Report", "Target", "look", "plan", "run"]
