"""各项业务：信用、逆回购、新股申购、公司行为、划拨与转账、约券、盘后固定价格，一项一个插件。"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easytrader.sim.business.after_hours import AfterHoursBusiness
from easytrader.sim.business.corporate import corporate_business
from easytrader.sim.business.credit.plugin import credit_business
from easytrader.sim.business.repo import repo_business
from easytrader.sim.business.smt import smt_business
from easytrader.sim.business.subscribe import subscribe_business
from easytrader.sim.business.transfers import transfers_business

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.sim.ledger.ledger import Surroundings
    from easytrader.sim.ledger.plugin import Business

__all__ = ["businesses_for"]


def businesses_for(folder: Path) -> tuple[Callable[[Surroundings], Business], ...]:
    """这个模拟文件夹里的各项业务。"""
    return (
        AfterHoursBusiness,
        credit_business(folder),
        subscribe_business(folder),
        corporate_business(folder),
        repo_business(folder),
        transfers_business(folder),
        smt_business(folder),
    )
