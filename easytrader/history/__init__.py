"""往日的账：委托、成交、资金按日存着，收盘之后对账。

::

    from easytrader import history

    statement = history.reconcile(user)  # 对今天的账
    if not statement.clean:
        print(statement)  # 一页 Markdown
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    from easytrader.history.statement import Statement
    from easytrader.market.rules.fees import FeeSchedule

__all__ = ["reconcile"]


def reconcile(
    user: Any, day: str | date | None = None, *, fees: FeeSchedule | None = None
) -> Statement:
    """收盘之后对一天的账：委托、成交、持仓、资金与记录对不对得上。

    Args:
        user: 连着的交易口；远程的不行，记录在交易的那台机器上。
        day: 哪一天，写法同 `user.history`；默认今天，当场问柜台；往日的只按记录。
        fees: 券商的收费标准（`market.rules.fees.FeeSchedule`）；不给的话，费用在税费与默认费率
            之间都说得通。

    Returns:
        对账单：``clean`` 全都说得清，``findings`` 一样一样，``to_markdown()`` 一页，``to_dict()``。

    Raises:
        UsageError: 日期不对、还没有到、那天没有记录；账号在别的机器上。
        NotConnectedError: 没有可用会话。
        QueryFailedError: 柜台没有应答。
        JournalError: 记录读不出来。
    """
    from easytrader.history.gather import gather
    from easytrader.history.statement import reconcile as check

    return check(gather(user, day, fees))
