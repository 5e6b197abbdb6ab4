"""账号、股东账户、持仓统计、新股：厂商的记录 → 用户看到的字典。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.codes import (
    ACCOUNT_STATUS_NAMES,
    ACCOUNT_TYPE_NAMES,
    DIRECTION_NAMES,
    HEDGE_FLAG_NAMES,
    IPO_TYPE_NAMES,
)
from easytrader.picking import fields, named, pick

if TYPE_CHECKING:
    from easytrader import types

ACCOUNT_FIELDS: Final = fields(
    "account_id account_type login_status broker_type broker_id broker_name platform_id "
    "product_id product_name product_code"
)
SECU_FIELDS: Final = fields("market secu_account main")
STATISTICS_FIELDS: Final = fields(
    "account_id exchange_id exchange_name product_id instrument_id instrument_name direction "
    "hedge_flag position yesterday_position today_position can_close_vol position_cost avg_price "
    "position_profit float_profit open_price used_margin used_commission frozen_margin "
    "frozen_commission instrument_value open_times open_volume cancel_times last_price rise_ratio "
    "product_name royalty expire_date assest_weight increase_by_settlement margin_ratio "
    "float_profit_divide_by_used_margin float_profit_divide_by_balance today_profit_loss "
    "yesterday_init_position frozen_royalty today_close_profit_loss close_profit ft_product_name "
    "open_cost"
)
IPO_FIELDS: Final = fields(
    "name type min_purchase_num=minPurchaseNum max_purchase_num=maxPurchaseNum "
    "purchase_date=purchaseDate issue_price=issuePrice"
)


def account_info_row(info: Any) -> types.AccountInfo:
    """一个资金账号。"""
    row = pick(info, ACCOUNT_FIELDS)
    named(row, "account_type", ACCOUNT_TYPE_NAMES)
    named(row, "login_status", ACCOUNT_STATUS_NAMES)
    return cast("types.AccountInfo", row)


def secu_account_row(account: Any) -> types.SecuAccount:
    """一个股东账户。"""
    return cast("types.SecuAccount", pick(account, SECU_FIELDS))


def position_statistics_row(statistics: Any) -> types.PositionStatistics:
    """一个合约的持仓统计。"""
    row = pick(statistics, STATISTICS_FIELDS)
    named(row, "direction", DIRECTION_NAMES)
    named(row, "hedge_flag", HEDGE_FLAG_NAMES)
    return cast("types.PositionStatistics", row)


def ipo_row(stock_code: str, issue: dict[str, Any]) -> types.IpoIssue:
    """一只新股或新债；``stock_code`` 是申购代码。"""
    row = {"security": stock_code.partition(".")[0], "stock_code": stock_code}
    row.update(pick(issue, IPO_FIELDS))
    named(row, "type", IPO_TYPE_NAMES)
    return cast("types.IpoIssue", row)
