"""还款还券之前看一眼欠多少：不欠、还多了，不发出去。

在风控之前、认出重复的 ``client_order_id`` 之后做。查不到的由柜台判断（见 `Ordering.admit`）。
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from easytrader.codes import CashgroupProp, CompactType
from easytrader.errors import UsageError
from easytrader.rows.business import compact_row

if TYPE_CHECKING:
    from easytrader.market.symbols import Security
    from easytrader.miniqmt.session import QmtSession
    from easytrader.types import Compact

_MAYBE: Final = "；客户端的查询可能慢几秒，确知欠着的写 check_debt=False。什么都没有发出"


def read_compacts(desk: QmtSession) -> list[Compact]:
    """负债合约。"""
    found = desk.query("负债合约", "query_stk_compacts", desk.account)
    return [compact_row(each) for each in found or ()]


def check_shares(
    target: Security, volume: int, special: bool, desk: QmtSession, *, round_up: bool
) -> None:
    """还的券不超过欠的；``round_up``：买来还的，可以进到一个数量单位。

    Raises:
        UsageError: 不欠，或还多了。
    """
    # 能融的券六位代码不会重：不看市场，各家的市场代码没有样本
    owing = [
        each
        for each in read_compacts(desk)
        if each["compact_type"] == CompactType.SLO and each["security"] == target.code
    ]
    owed = sum(each["real_compact_vol"] or 0 for each in _group(owing, special))
    if owed <= 0:
        what = f"没有欠 {target.stock_code} 的{_name(special)}融券合约"
        raise UsageError("security", target.stock_code, what + _other(owing, special) + _MAYBE)
    most = owed
    if round_up:
        lot, step = target.min_volume, target.volume_step
        most = max(lot, lot + math.ceil((owed - lot) / step) * step)
    if volume > most:
        form = f"{_name(special)}融券合约一共欠 {target.stock_code} {owed}，至多 {most}"
        raise UsageError("amount", volume, form + _MAYBE)


def check_fin(special: bool, desk: QmtSession) -> None:
    """有没有融资负债可还。

    Raises:
        UsageError: 没有。
    """
    owing = [each for each in read_compacts(desk) if each["compact_type"] == CompactType.FIN]
    if _money(_group(owing, special)) <= 0:
        what = f"没有{_name(special)}融资负债可还，要卖请用 user.credit.sell"
        raise UsageError("special", special, what + _other(owing, special) + _MAYBE)


def check_money(money: float, special: bool, desk: QmtSession) -> None:
    """还的钱不超过欠的（进到整数元）。

    Raises:
        UsageError: 不欠，或还多了。
    """
    found = read_compacts(desk)
    owed = _money(_group(found, special))
    if owed <= 0:
        what = f"没有{_name(special)}负债可还"
        raise UsageError("amount", money, what + _other(found, special) + _MAYBE)
    most = math.ceil(round(owed, 2))
    if money > most:
        form = f"{_name(special)}合约一共欠 {owed:.2f} 元（本金与息费），至多 {most}"
        raise UsageError("amount", money, form + _MAYBE)


def _group(found: list[Compact], special: bool) -> list[Compact]:
    wanted = CashgroupProp.SPECIAL
    return [each for each in found if (each["cashgroup_prop"] == wanted) is special]


def _money(found: list[Compact]) -> float:
    """融资的本金与息费，融券的息费；老版本没有的字段当作 0。"""
    fares = sum(each["real_compact_fare"] or 0.0 for each in found)
    return fares + sum(
        each["real_compact_balance"] or 0.0
        for each in found
        if each["compact_type"] == CompactType.FIN
    )


def _name(special: bool) -> str:
    return "专项" if special else "普通"


def _other(found: list[Any], special: bool) -> str:
    """另一种头寸欠着的，提一句。"""
    owing = [each for each in _group(found, not special) if each["real_compact_vol"]]
    return f"（{_name(not special)}的欠着：special={not special}）" if owing else ""
