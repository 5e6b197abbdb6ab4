"""划拨与银证转账：厂商的记录 → 用户看到的字典。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.codes import BANK_TRANSFER_DIRECTION_NAMES, MONEY_TYPE_NAMES
from easytrader.picking import fields, named, pick

if TYPE_CHECKING:
    from easytrader import types

COM_FUND_FIELDS: Final = fields(
    "current_balance=currentBalance enable_balance=enableBalance fetch_balance=fetchBalance "
    "interest asset_balance=assetBalance fetch_cash=fetchCash market_value=marketValue debt"
)
COM_POSITION_FIELDS: Final = fields(
    "stock_code=stockCode stock_name=stockName exchange_type=exchangeType "
    "secu_account=stockAccount total_amount=totalAmt enable_amount=enableAmount "
    "last_price=lastPrice cost_price=costPrice income income_rate=incomeRate "
    "market_value=marketValue cost_balance=costBalance on_the_way_volume=bsOnTheWayVol "
    "pr_enable_volume=prEnableVol"
)
BANK_FIELDS: Final = fields("bank_no bank_name bank_account money_type")
BANK_AMOUNT_FIELDS: Final = fields("account_id bank_account money_type balance enable_balance")
STREAM_FIELDS: Final = fields(
    "date time transfer_no transfer_direction bank_no bank_name bank_account money_type "
    "account_id balance remark transfer_status"
)
TRANSFER_RESPONSE_FIELDS: Final = fields("seq success message=msg")


def com_fund_row(fund: dict[str, Any]) -> types.ComFund:
    """普通柜台的资金，元。"""
    return cast("types.ComFund", pick(fund, COM_FUND_FIELDS))


def com_position_row(position: dict[str, Any]) -> types.ComPosition:
    """普通柜台的一只持仓。"""
    row = pick(position, COM_POSITION_FIELDS)
    code = str(position.get("stockCode1") or row["stock_code"] or "")
    return cast(
        "types.ComPosition", {"security": code.partition(".")[0], **row, "stock_code": code}
    )


def bank_row(bank: Any) -> types.Bank:
    """一个签约的银行。"""
    row = pick(bank, BANK_FIELDS)
    named(row, "money_type", MONEY_TYPE_NAMES)
    return cast("types.Bank", row)


def bank_amount_row(amount: Any) -> types.BankAmount:
    """银行卡的余额，元。"""
    row = pick(amount, BANK_AMOUNT_FIELDS)
    named(row, "money_type", MONEY_TYPE_NAMES)
    return cast("types.BankAmount", row)


def bank_stream_row(entry: Any) -> types.BankStream:
    """一条银行转账流水。"""
    row = pick(entry, STREAM_FIELDS)
    named(row, "transfer_direction", BANK_TRANSFER_DIRECTION_NAMES)
    named(row, "money_type", MONEY_TYPE_NAMES)
    return cast("types.BankStream", row)


def transfer_response_row(response: Any) -> types.TransferResponse:
    """银证转账、期权期货内转的异步应答 → ``seq success message``。"""
    return cast("types.TransferResponse", pick(response, TRANSFER_RESPONSE_FIELDS))
