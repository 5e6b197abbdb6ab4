"""债券逆回购：借出的钱、利息、到期自动回来。"""

from __future__ import annotations

from easytrader.sim.repo.line import RepoBusiness, repo_business

__all__ = ["RepoBusiness", "repo_business"]
