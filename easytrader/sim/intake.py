"""客户端这一关：不合法的请求当场退回，不给编号、不留记录。"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from easytrader.codes import (
    AFTER_HOURS_TYPES,
    BROKER_PRICE_TYPES,
    ORDER_TYPE_NAMES,
    AccountType,
    OrderType,
    PriceType,
)
from easytrader.errors import UsageError
from easytrader.symbols import Security, parse_security

if TYPE_CHECKING:
    from easytrader.sim.account import Account
    from easytrader.sim.events import SubmitOrder

__all__ = ["clean", "find_account", "read_price", "refusal", "security_of"]

_INT32: Final = 2**31 - 1
_PLAIN: Final = frozenset({OrderType.BUY, OrderType.SELL})
_DIRECT: Final = frozenset(
    {
        OrderType.DIRECT_SECU_REPAY,
        OrderType.DIRECT_CASH_REPAY,
        OrderType.DIRECT_SECU_REPAY_SPECIAL,
        OrderType.DIRECT_CASH_REPAY_SPECIAL,
    }
)
"""直接还券、直接还款：价格是占位的，厂商的例子里有 0 也有 -1。"""


_CREDIT_TYPES: Final = frozenset({*range(27, 33), *range(40, 46)})
"""融资融券的委托：27 融资买入到 32 直接还款，40 到 45 是专项的。"""


def find_account(
    accounts: dict[str, Account], account_type: int, account_id: str
) -> Account | None:
    """账号与类型都对得上的账户。"""
    account = accounts.get(account_id)
    return account if account is not None and account.account_type == account_type else None


def refusal(args: SubmitOrder, account: Account | None) -> str:
    """客户端拒绝的理由；合法为空。"""
    if account is None:
        return f"资金账号 {args.account_id} 不存在，或账号类型不是 {args.account_type}"
    wrong = _wrong_type(args.order_type, account)
    if wrong:
        return wrong
    if args.price_type not in BROKER_PRICE_TYPES:
        return f"报价类型 {args.price_type} 不合法"
    if not 0 < args.order_volume <= _INT32:
        return f"委托数量 {args.order_volume} 不合法"
    if not math.isfinite(args.price) or abs(args.price) > 1e9:
        return f"委托价格 {args.price} 不合法"
    priced = args.price_type == PriceType.FIX and args.order_type not in _DIRECT
    if priced and args.price <= 0:
        return f"限价委托的价格 {args.price} 应大于 0"
    return ""


def _wrong_type(order_type: int, account: Account) -> str:
    """这种账号没有这种委托的理由；有为空。"""
    if order_type in _PLAIN:
        return ""
    if order_type not in _CREDIT_TYPES | AFTER_HOURS_TYPES:
        return f"模拟柜台不支持委托类型 {order_type}"
    name = ORDER_TYPE_NAMES[order_type]
    credit = account.account_type == AccountType.CREDIT
    if order_type in AFTER_HOURS_TYPES:
        told = f"委托类型 {order_type}（{name}）：模拟柜台的信用账号不做盘后固定价格"
        return told if credit else ""
    if credit:
        return ""
    return (
        f"委托类型 {order_type}（{name}）只有信用账号（CREDIT）能用；"
        "普通账号只有 23 买入、24 卖出、1043 盘后定价买入、1044 盘后定价卖出"
    )


def read_price(price: float) -> tuple[int, bool]:
    """元 → （厘，是不是整厘）。"""
    li = round(price * 1000)
    return li, abs(price * 1000 - li) < 1e-4


def security_of(stock_code: str) -> Security | None:
    """只认厂商写法 ``600036.SH``；认不出为 None。"""
    try:
        security = parse_security(stock_code)
    except UsageError:
        return None
    return security if security.stock_code == stock_code else None


def clean(text: str) -> str:
    """去掉编不成 UTF-8 的字符（孤立代理项），免得账本写不进去。"""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
