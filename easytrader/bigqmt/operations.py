"""委托类型：我们的（与 MiniQMT 的数相同）↔ 内置 Python ``passorder`` 的 ``opType``。

两边有几个数一样而意思不同，照搬会下错单：信用账号的 23 是用自己的钱买（``opType`` 要 33），
专项融资的 40 到了 ``passorder`` 是期货开多。所以只有表里的发得出去。
"""

from __future__ import annotations

from typing import Any, Final

from easytrader.codes import AccountType, OrderType, order_type_name
from easytrader.errors import UnsupportedError

AFTER_HOURS: Final = 49
"""盘后定价的 ``prType``。"""

_PLAIN: Final[dict[int, int]] = {
    OrderType.BUY: 23,
    OrderType.SELL: 24,
    OrderType.AFTER_FIX_BUY: 23,
    OrderType.AFTER_FIX_SELL: 24,
    OrderType.ETF_PURCHASE: 60,
    OrderType.ETF_REDEMPTION: 61,
    OrderType.BOND_CONVERT: 80,
    OrderType.BOND_PUT: 81,
}
_CREDIT: Final[dict[int, int]] = {
    OrderType.BUY: 33,
    OrderType.SELL: 34,
    OrderType.AFTER_FIX_BUY: 33,
    OrderType.AFTER_FIX_SELL: 34,
    **{kind: kind for kind in range(OrderType.FIN_BUY, OrderType.DIRECT_CASH_REPAY + 1)},
    **{
        kind: kind - OrderType.FIN_BUY_SPECIAL + 70
        for kind in range(OrderType.FIN_BUY_SPECIAL, OrderType.DIRECT_CASH_REPAY_SPECIAL + 1)
    },
    OrderType.BOND_CONVERT: 82,
    OrderType.BOND_PUT: 83,
}
_AFTER: Final = (OrderType.AFTER_FIX_BUY, OrderType.AFTER_FIX_SELL)

_BUY_FLAG: Final = 48
_FINANCED: Final = 54
_SHORTED: Final = 55
_NAMED: Final = {
    OrderType.FIN_BUY: "融资买入",
    OrderType.SLO_SELL: "融券卖出",
    OrderType.BUY_SECU_REPAY: "买券还券",
    OrderType.DIRECT_SECU_REPAY: "直接还券",
    OrderType.SELL_SECU_REPAY: "卖券还款",
    OrderType.DIRECT_CASH_REPAY: "直接还款",
}
"""``m_strOptName`` 里的字 → 委托类型；带「专项」的是专项的。"""


def op_terms(order_type: int, price_type: int, account_type: str) -> tuple[int, int]:
    """一笔委托的 ``(opType, prType)``。

    Args:
        order_type: 我们的委托类型，`codes.OrderType`。
        price_type: 报价类型，`codes.PriceType`：数与 ``prType`` 相同。
        account_type: 账号类型的名字，``STOCK``、``CREDIT``。

    Raises:
        UnsupportedError: 内置 Python 下不了这一种；什么都没有发出。
    """
    table = _CREDIT if account_type == AccountType.CREDIT.name else _PLAIN
    op = table.get(order_type)
    if op is None:
        kind = AccountType.CREDIT if table is _CREDIT else AccountType.STOCK
        raise UnsupportedError(
            f"完整版 QMT 的 {account_type} 账号下不了「{order_type_name(order_type, kind)}」"
            f"（{order_type}）；什么都没有发出"
        )
    return op, AFTER_HOURS if order_type in _AFTER else int(price_type)


def order_type_of(row: Any) -> int:
    """客户端的一行委托或成交是哪一种委托类型。

    买卖只看 ``m_nOffsetFlag``（方向永远是 48，``m_nOpType`` 对两融不准）；两融看
    ``m_strOptName`` 里的字，没有就看 ``m_eEntrustType``，那样认不出专项的与直接还的。

    Args:
        row: 有 ``m_nOffsetFlag``、``m_eEntrustType``、``m_strOptName`` 的对象或字典。
    """
    told = str(_read(row, "m_strOptName") or "")
    for kind, words in _NAMED.items():
        if words in told:
            special = OrderType.FIN_BUY_SPECIAL - OrderType.FIN_BUY
            return int(kind) + (special if "专项" in told else 0)
    buys = _read(row, "m_nOffsetFlag") == _BUY_FLAG
    entrust = _read(row, "m_eEntrustType")
    if entrust == _FINANCED:
        return int(OrderType.FIN_BUY if buys else OrderType.SELL_SECU_REPAY)
    if entrust == _SHORTED:
        return int(OrderType.BUY_SECU_REPAY if buys else OrderType.SLO_SELL)
    return int(OrderType.BUY if buys else OrderType.SELL)


def _read(row: Any, name: str) -> Any:
    return row.get(name) if isinstance(row, dict) else getattr(row, name, None)
