"""终端的行（属性名 → 值）→ 本库的记录。

终端的字段会骗人：代码没有后缀、``m_nDirection`` 永远是多、``m_nVolumeTotal`` 是剩下的、浮点有尾巴、
没有值的是一个极大的数。这里一次说清；数量缺了就是没有查到，绝不当作 0：当作 0 会让人再买一遍。
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.backend.records import Asset, Order, Position, Side, Trade
from easytrader.basics import tags
from easytrader.basics.beijing import BEIJING
from easytrader.bigqmt import operations
from easytrader.codes import FINAL_STATUSES, AccountType, OffsetFlag
from easytrader.errors import QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Row = dict[str, Any]
"""一行：终端的属性名 → 读到的值；读不到的为 None。"""

_NO_INT: Final = 2147483647
_BIG: Final = 1e300
"""没有值的浮点是 1.79e308。"""
_PLACEHOLDER: Final = "xt"
"""柜台没有收下的委托，合同编号是 ``xt<序号>``，不是真的编号。"""
_DAY_LENGTH: Final = 8
_TIME_LENGTH: Final = 6
_PRICE_DIGITS: Final = 4
_AVERAGE_DIGITS: Final = 6
_DOWN: Final = (
    *("断开", "失败", "连接中", "登录中", "初始化", "校正", "停用", "无效", "未登录"),
    *("离线", "掉线"),
)
_SECOND: Final = "副链接"
"""副链接断了不碍事。"""
CANCEL_REJECTED: Final = 53
"""``m_nOrderSubmitStatus``：撤单被拒绝。"""


@dataclass(slots=True, kw_only=True)
class HeldPosition(Position):
    """持仓，另有终端给的名称与盈亏。"""

    instrument_name: str = ""
    float_profit: float | None = None
    profit_rate: float | None = None


@dataclass(slots=True, kw_only=True)
class PlacedOrder(Order):
    """委托，另有终端给的几样。

    Attributes:
        day: 委托日期，``20261130``。
        exchange: 市场，如 ``SH``。
        cancelled: 撤了多少。
        submit_status: 终端的 ``m_nOrderSubmitStatus``。
    """

    day: str = ""
    exchange: str = ""
    cancelled: int = 0
    submit_status: int = -1


class Named(NamedTuple):
    """一笔委托是谁：我们给的编号、给人看的备注（带标记）、策略名（不是我们发的为 None）。"""

    number: int
    remark: str
    strategy: str | None = None


class Naming(NamedTuple):
    """认一笔委托要看的。

    Attributes:
        day: 日期，``20261130``。
        exchange: 市场。
        sysid: 合同编号；还没有、只是占位的为空。
        remark: 终端给的备注。
        final: 已到终态。
        ref: 还没有合同编号时认它的：终端的内部序号、时间、代码、数量；没有序号的为空。
    """

    day: str
    exchange: str
    sysid: str
    remark: str
    final: bool
    ref: str

    @property
    def tag(self) -> str:
        """备注里的标记；不是本库发的为空。"""
        return tags.split(self.remark)[0]


def text(row: Mapping[str, Any], name: str) -> str:
    """文字；没有为空。"""
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""


def number(row: Mapping[str, Any], name: str) -> float | None:
    """数；没有、没有值的为 None。"""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if value == _NO_INT or not math.isfinite(value) or abs(value) > _BIG:
        return None
    return value


def money(row: Mapping[str, Any], name: str) -> float:
    """钱、价格：没有的为 0。"""
    return float(number(row, name) or 0.0)


def count(row: Mapping[str, Any], name: str, what: str) -> int:
    """数量。

    Raises:
        QueryFailedError: 没有给，或是没有值的记号。
    """
    found = number(row, name)
    if found is None or found < 0:
        raise QueryFailedError(f"终端没有给出{what}（{name}）：不能当作 0，请稍后再查")
    return int(found)


def stock_code(row: Mapping[str, Any]) -> str:
    """带后缀的代码。"""
    code, exchange = text(row, "m_strInstrumentID"), text(row, "m_strExchangeID")
    if not code or not exchange:
        raise QueryFailedError("终端没有给出证券代码（m_strInstrumentID、m_strExchangeID）")
    return f"{code.partition('.')[0]}.{exchange}"


def epoch(day: str, clock: str) -> int:
    """终端的日期与时间（北京时间）→ Unix 秒；没有、写坏的为 0。"""
    digits = "".join(each for each in clock if each.isdigit()).zfill(_TIME_LENGTH)
    day = "".join(each for each in day if each.isdigit())
    if len(day) != _DAY_LENGTH:
        return 0
    try:
        found = datetime.strptime(day + digits[:_TIME_LENGTH], "%Y%m%d%H%M%S")  # noqa: DTZ007  下一行
    except ValueError:
        return 0
    return int(found.replace(tzinfo=BEIJING).timestamp())


# ---- 资金、持仓


def asset(row: Row, account_id: str, account_type: str) -> Asset:
    """资金。

    Raises:
        QueryFailedError: 账号类型不对时终端给一行全是零的，不报错。
    """
    if text(row, "m_strAccountID") != account_id:
        raise QueryFailedError(
            f"终端给的资金里没有这个账号：账号类型不是 {account_type}，或没有登录"
        )
    cash, total = number(row, "m_dAvailable"), number(row, "m_dBalance")
    if cash is None or total is None:
        raise QueryFailedError("终端没有给出可用资金或总资产（m_dAvailable、m_dBalance）")
    value = number(row, "m_dInstrumentValue")
    return Asset(
        total_asset=round(float(total), _PRICE_DIGITS),
        cash=round(float(cash), _PRICE_DIGITS),
        market_value=round(money(row, "m_dStockValue") if value is None else float(value), 4),
        frozen_cash=round(money(row, "m_dFrozenCash"), _PRICE_DIGITS),
        account_type=AccountType[account_type].value,
        account_id=account_id,
    )


def trouble(row: Row) -> str:
    """``m_strStatus``：客户端与柜台断着、还没有登录好，原样说出来；好的、不认得的为空。"""
    told = text(row, "m_strStatus")
    return told if any(each in told for each in _DOWN) and _SECOND not in told else ""


def position(row: Row, account_id: str, account_type: str) -> HeldPosition | None:
    """持仓；全是零的行（今天卖光的）为 None。

    Raises:
        QueryFailedError: 缺了数量、代码，或账号类型不对（一行全是零）。
    """
    if not text(row, "m_strInstrumentID") and not number(row, "m_nVolume"):
        raise QueryFailedError(f"终端给的持仓是空的一行：账号类型不是 {account_type}")
    volume = count(row, "m_nVolume", "持仓数量")
    frozen = int(number(row, "m_nFrozenVolume") or 0)
    on_road = int(number(row, "m_nOnRoadVolume") or 0)
    yesterday = int(number(row, "m_nYesterdayVolume") or 0)
    usable = count(row, "m_nCanUseVolume", "可用数量")
    if not (volume or frozen or on_road or yesterday):
        return None
    cost = round(money(row, "m_dOpenPrice"), _AVERAGE_DIGITS)
    value = number(row, "m_dMarketValue")
    profit, rate = number(row, "m_dPositionProfit"), number(row, "m_dProfitRate")
    return HeldPosition(
        stock_code=stock_code(row),
        volume=volume,
        can_use_volume=usable,
        open_price=cost,
        market_value=round(money(row, "m_dInstrumentValue") if value is None else value, 4),
        frozen_volume=frozen,
        on_road_volume=on_road,
        yesterday_volume=yesterday,
        avg_price=cost,
        account_type=AccountType[account_type].value,
        account_id=account_id,
        instrument_name=text(row, "m_strInstrumentName"),
        float_profit=number(row, "m_dFloatProfit") if profit is None else profit,
        profit_rate=None if rate is None else round(rate, _AVERAGE_DIGITS),
    )


# ---- 委托、成交


def naming(row: Row, today: str) -> Naming:
    """一行委托是谁。

    Args:
        row: 委托。
        today: 终端没有给日期的，算今天的，``20261130``。
    """
    sysid = text(row, "m_strOrderSysID")
    status = number(row, "m_nOrderStatus")
    own = number(row, "m_nRef")
    ref = (
        own,
        text(row, "m_strInsertTime"),
        text(row, "m_strInstrumentID"),
        number(row, "m_nVolumeTotalOriginal") or 0,
    )
    return Naming(
        text(row, "m_strInsertDate") or today,
        text(row, "m_strExchangeID"),
        "" if sysid.startswith(_PLACEHOLDER) else sysid,
        text(row, "m_strRemark"),
        status in FINAL_STATUSES,
        " ".join(str(each) for each in ref) if own or status in FINAL_STATUSES else "",
    )


def order(row: Row, who: Naming, named: Named, account_id: str, account_type: str) -> PlacedOrder:
    """委托。

    Raises:
        QueryFailedError: 缺了数量、方向、状态、代码。
    """
    status = count(row, "m_nOrderStatus", "委托状态")
    kind = number(row, "m_nOrderPriceType")
    error = number(row, "m_nErrorID")
    told = text(row, "m_strCancelInfo") or text(row, "m_strErrorMsg")
    if not told and status == _JUNK and error:
        told = f"错误代码 {int(error)}"
    offset = count(row, "m_nOffsetFlag", "买卖方向")
    return PlacedOrder(
        stock_code=stock_code(row),
        order_id=named.number,
        side=Side.BUY if offset == OffsetFlag.OPEN else Side.SELL,
        order_volume=count(row, "m_nVolumeTotalOriginal", "委托数量"),
        order_status=status,
        order_time=epoch(who.day, text(row, "m_strInsertTime")),
        price=round(money(row, "m_dLimitPrice"), _PRICE_DIGITS),
        traded_volume=count(row, "m_nVolumeTraded", "成交数量"),
        traded_price=round(money(row, "m_dTradedPrice"), _AVERAGE_DIGITS),
        order_sysid=who.sysid,
        order_remark=named.remark,
        strategy_name=text(row, "m_strSource") if named.strategy is None else named.strategy,
        status_msg=told,
        account_type=AccountType[account_type].value,
        account_id=account_id,
        price_type=-1 if kind is None else int(kind),
        order_type=operations.order_type_of(row),
        day=who.day,
        exchange=who.exchange,
        cancelled=int(number(row, "m_dCancelAmount") or 0),
        submit_status=int(number(row, "m_nOrderSubmitStatus") or -1),
    )


_JUNK: Final = 57


class Deal(NamedTuple):
    """一笔成交，还不知道是哪笔委托的。

    Attributes:
        day: 日期。
        exchange: 市场。
        sysid: 委托的合同编号。
        remark: 备注；有的终端不给。
        key: 当天分得清它的：成交编号，或能用的一切。
        make: 委托是谁 → 记录。
    """

    day: str
    exchange: str
    sysid: str
    remark: str
    key: str
    make: Callable[[Named], Trade]


def deal(row: Row, today: str, account_id: str, account_type: str, ordinal: int = 0) -> Deal:
    """成交。

    Args:
        row: 成交。
        today: 终端没有给日期的，算今天的。
        account_id: 账号。
        account_type: 账号类型。
        ordinal: 没有成交编号的：别的都一样的里面第几笔。

    Raises:
        QueryFailedError: 缺了数量、价格、方向、代码。
    """
    code = stock_code(row)
    day = text(row, "m_strTradeDate") or today
    clock, sysid = text(row, "m_strTradeTime"), text(row, "m_strOrderSysID")
    volume = count(row, "m_nVolume", "成交数量")
    price = number(row, "m_dPrice")
    if price is None:
        raise QueryFailedError("终端没有给出成交价（m_dPrice）")
    amount = number(row, "m_dTradeAmount")
    offset = count(row, "m_nOffsetFlag", "买卖方向")
    made_up = f"{sysid}-{clock}-{volume}-{price:g}-{ordinal}"
    traded_id = text(row, "m_strTradeID") or made_up

    def make(named: Named) -> Trade:
        return Trade(
            stock_code=code,
            order_id=named.number,
            side=Side.BUY if offset == OffsetFlag.OPEN else Side.SELL,
            traded_id=traded_id,
            traded_time=epoch(day, clock),
            traded_price=round(float(price), _PRICE_DIGITS),
            traded_volume=volume,
            traded_amount=round(price * volume if not amount else float(amount), _PRICE_DIGITS),
            order_sysid=sysid,
            order_remark=named.remark,
            strategy_name=named.strategy or "",
            account_type=AccountType[account_type].value,
            account_id=account_id,
            order_type=operations.order_type_of(row),
        )

    exchange = text(row, "m_strExchangeID")
    # 自己与自己成交时买卖两边同号
    key = f"{day} {exchange} {traded_id} {sysid} {offset}"
    return Deal(day, exchange, sysid, text(row, "m_strRemark"), key, make)
