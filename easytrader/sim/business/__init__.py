"""各项业务：信用、逆回购、债券付息、新股申购、配股、公司行为、转股与回售、划拨与转账、约券、盘后固定价格，一项一个插件。"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from easytrader.sim.business.after_hours import AfterHoursBusiness
from easytrader.sim.business.convertibles import ConvertibleBusiness
from easytrader.sim.business.corporate import CorporateBusiness
from easytrader.sim.business.coupons import CouponBusiness
from easytrader.sim.business.credit.plugin import CreditBusiness
from easytrader.sim.business.repo import RepoBusiness
from easytrader.sim.business.rights import RightsBusiness
from easytrader.sim.business.smt import SmtBusiness
from easytrader.sim.business.subscribe import SubscribeBusiness
from easytrader.sim.business.transfers import TransfersBusiness
from easytrader.sim.config import credit, transfers
from easytrader.sim.config.convertibles import load_convertibles
from easytrader.sim.config.corporate_actions import load_actions
from easytrader.sim.config.ipo import load_issues
from easytrader.sim.config.smt import load_pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.config.folder import SimFolder
    from easytrader.sim.ledger.ledger import Surroundings
    from easytrader.sim.ledger.plugin import Business

__all__ = ["businesses_for"]


def businesses_for(folder: SimFolder) -> tuple[Callable[[Surroundings], Business], ...]:
    """这个模拟文件夹里的各项业务。

    Raises:
        SimulatorError: 文件夹里哪个文件写得不对。
    """
    path, config = folder.path, folder.config
    actions = load_actions(path)
    return (
        AfterHoursBusiness,
        partial(CreditBusiness, credit.load_settings(path), actions),
        partial(SubscribeBusiness, prospectus=load_issues(path), seed=config.seed),
        partial(RightsBusiness, actions=actions),
        partial(CorporateBusiness, actions=actions),
        CouponBusiness,
        partial(ConvertibleBusiness, terms=load_convertibles(path)),
        partial(RepoBusiness, rate_cap=config.repo_rate_cap),
        partial(TransfersBusiness, settings=transfers.load_settings(path)),
        partial(SmtBusiness, pool=load_pool(path)),
    )
