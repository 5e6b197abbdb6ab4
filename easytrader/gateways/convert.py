"""VeighNa 的对象 → 我们的记录。枚举只看 ``name``：``value`` 随系统的语言变（``多``、``Long``）。"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend import records
from easytrader.backend.records import Quote, Side
from easytrader.basics.beijing import BEIJING
from easytrader.basics.numbers import exact
from easytrader.codes import (
    OPEN_CLOSE_ACCOUNTS,
    AccountType,
    BrokerPriceType,
    Direction,
    OffsetFlag,
    OrderStatus,
    OtherAccountType,
)

if TYPE_CHECKING:
    from datetime import datetime

    from easytrader.basics.numbers import Number
    from easytrader.market.symbols import Security

STOCK_EXCHANGES: Final = {"SSE": "SH", "SZSE": "SZ", "BSE": "BJ"}
FUTURE_EXCHANGES: Final = frozenset(("CFFEX", "SHFE", "CZCE", "DCE", "INE", "GFEX"))
"""国内的期货交易所；上海黄金交易所等另算，没有夜盘归次日的说法可依。"""
_SUFFIXES: Final = {suffix: name for name, suffix in STOCK_EXCHANGES.items()}
_STATUSES: Final = {
    "SUBMITTING": OrderStatus.WAIT_REPORTING,
    "NOTTRADED": OrderStatus.REPORTED,
    "PARTTRADED": OrderStatus.PART_SUCC,
    "ALLTRADED": OrderStatus.SUCCEEDED,
    "CANCELLED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.JUNK,
}
_OFFSETS: Final = {
    "OPEN": OffsetFlag.OPEN, "CLOSE": OffsetFlag.CLOSE,
    "CLOSETODAY": OffsetFlag.CLOSETODAY, "CLOSEYESTERDAY": OffsetFlag.CLOSEYESTERDAY,
}  # fmt: skip
_PRODUCTS: Final = {
    "EQUITY": "股票", "FUTURES": "期货", "OPTION": "期权", "INDEX": "指数", "FOREX": "外汇",
    "SPOT": "现货", "ETF": "ETF", "BOND": "债券", "WARRANT": "权证", "SPREAD": "价差",
    "FUND": "基金", "CFD": "差价合约", "SWAP": "互换",
}  # fmt: skip
_ABSENT: Final = 1e300
"""CTP 用 DBL_MAX 表示没有。"""
_CURRENCY: Final = re.compile(r"^(?P<account>.+)\.(?P<currency>[A-Z]{3})$")
_DIGITS: Final = re.compile(r"^\d{6}$")


def name_of(member: Any) -> str:
    """枚举成员的名字；没有给的为空。"""
    return "" if member is None else str(member.name)


def stock_code(symbol: str, exchange: str) -> str:
    """代码、交易所的名字 → ``600036.SH``、``rb2510.SHFE``。"""
    suffix = STOCK_EXCHANGES.get(exchange, exchange) if _DIGITS.match(symbol) else exchange
    return f"{symbol}.{suffix}"


def vt_symbol(security: Security) -> tuple[str, str]:
    """证券 → VeighNa 的代码、交易所的名字。"""
    return security.code, exchange_of(security.exchange)


def exchange_of(market: str) -> str:
    """代码的后缀 → VeighNa 的交易所的名字。"""
    return _SUFFIXES.get(market, market)


def number(value: Any) -> Number:
    """数量：整数就是整数；没有、不是有限的为 0。``Decimal``（IB）原样。"""
    if value is None:
        return 0
    if isinstance(value, Decimal):
        return value if value.is_finite() else 0
    found = float(value)
    if not math.isfinite(found) or abs(found) > _ABSENT:
        return 0
    return int(found) if found.is_integer() else found


def price(value: Any) -> float:
    """价格、金额：没有、不是有限的为 0。"""
    found = 0.0 if value is None else float(value)
    return found if math.isfinite(found) and abs(found) < _ABSENT else 0.0


_AHEAD_S: Final = 60.0
"""柜台的钟最多快这么多。"""


def epoch(moment: datetime | None, seen_at: float = 0.0) -> int:
    """时间 → Unix 秒。

    Args:
        moment: 接口给的。没有时区的多半是北京时间，也有写这台机器的：取还没有过去的里面晚的。
        seen_at: 看到它的时刻，Unix 秒；没有给时间的用它，0 为不知道。
    """
    if moment is None:
        return int(seen_at)
    if moment.tzinfo is not None:
        return int(moment.timestamp())
    beijing = moment.replace(tzinfo=BEIJING).timestamp()
    if not seen_at:
        return int(beijing)
    told = [each for each in (beijing, moment.timestamp()) if each <= seen_at + _AHEAD_S]
    return int(max(told, default=seen_at))


def account_type(product: str, exchange: str) -> int:
    """这个品种的账号类型：决定行里有没有开仓、平仓。"""
    if exchange in STOCK_EXCHANGES:
        return int(AccountType.STOCK_OPTION if product == "OPTION" else AccountType.STOCK)
    if exchange in FUTURE_EXCHANGES or exchange == "SGE":
        return int(AccountType.FUTURE)
    if exchange == "GLOBAL" or product == "SWAP":
        return int(OtherAccountType.CRYPTO)
    if product in ("CFD", "FOREX") or exchange == "OTC":
        return int(OtherAccountType.CFD)
    if product in ("FUTURES", "OPTION"):
        return int(AccountType.OUTTER_FUTURE)
    return int(OtherAccountType.OVERSEAS)


def account_type_of(contract: Any | None, exchange: str) -> int:
    """合约还没有推来的，只看交易所。"""
    product = "" if contract is None else name_of(contract.product)
    return account_type(product, exchange)


def status(order: Any) -> OrderStatus:
    """委托的状态；撤掉时已经成交一部分的是「部撤」。"""
    found = _STATUSES.get(name_of(order.status), OrderStatus.UNKNOWN)
    if found is OrderStatus.CANCELED and price(order.traded):
        return OrderStatus.PART_CANCEL
    return found


def side(direction: str, offset: str, kind: int) -> Side:
    """多空、开平 → 方向；不讲开平的账号只有买卖。"""
    buys = direction == "LONG"
    closes = offset.startswith("CLOSE")
    if kind not in OPEN_CLOSE_ACCOUNTS or not offset or offset == "NONE":
        return Side.BUY if buys else Side.SELL
    if closes:
        return Side.COVER if buys else Side.SELL
    return Side.BUY if buys else Side.SHORT


_PRICE_TYPES: Final = {
    "FAK": BrokerPriceType.INSTBUSI_RESTCANCEL, "FOK": BrokerPriceType.FULL_OR_CANCEL,
    "STOP": BrokerPriceType.LIMIT,
}  # fmt: skip


def order(
    data: Any, contract: Any | None, account: str, *, seen_at: float = 0.0, average: float = 0.0
) -> records.Order:
    """一笔委托。

    Args:
        data: ``OrderData``。
        contract: 它的合约；没有为 None。
        account: 资金账号。
        seen_at: 第一次见到的时刻，Unix 秒：接口没有给时间时用它。
        average: 成交均价：VeighNa 的委托里没有。
    """
    exchange, offset = data.exchange.name, name_of(data.offset)
    kind = account_type_of(contract, exchange)
    return records.Order(
        stock_code=stock_code(data.symbol, exchange),
        order_id=data.orderid,
        order_sysid=data.orderid,
        side=side(name_of(data.direction), offset, kind),
        order_volume=number(data.volume),
        order_status=status(data),
        order_time=epoch(data.datetime, seen_at),
        price=None if name_of(data.type) == "MARKET" else price(data.price),
        traded_volume=number(data.traded),
        traded_price=average,
        order_remark=data.reference or "",
        account_type=kind,
        account_id=account,
        offset_flag=_offset(offset, kind),
        price_type=int(_PRICE_TYPES.get(name_of(data.type), -1)),
        status_msg=str((data.extra or {}).get("message", "")),
    )


def trade(data: Any, contract: Any | None, account: str, seen_at: float = 0.0) -> records.Trade:
    """一笔成交；金额乘过合约乘数。``seen_at`` 同 `order`。"""
    exchange, offset = data.exchange.name, name_of(data.offset)
    kind = account_type_of(contract, exchange)
    size = 1 if contract is None else contract.size
    amount = exact(price(data.price)) * exact(number(data.volume)) * exact(number(size) or 1)
    return records.Trade(
        stock_code=stock_code(data.symbol, exchange),
        order_id=data.orderid,
        order_sysid=data.orderid,
        side=side(name_of(data.direction), offset, kind),
        traded_id=data.tradeid,
        traded_time=epoch(data.datetime, seen_at or time.time()),
        traded_price=price(data.price),
        traded_volume=number(data.volume),
        traded_amount=float(amount),
        account_type=kind,
        account_id=account,
        offset_flag=_offset(offset, kind),
    )


def position(data: Any, contract: Any | None, account: str, last: float = 0.0) -> NamedPosition:
    """一项持仓；净持仓为负的是空头。

    Args:
        data: ``PositionData``。
        contract: 它的合约；没有为 None。
        account: 资金账号。
        last: 最新价，0 为不知道：市值按成本加浮动盈亏。
    """
    exchange = data.exchange.name
    held = number(data.volume)
    short = name_of(data.direction) == "SHORT" or held < 0
    volume = _size(held)
    frozen = _size(number(data.frozen))
    left = exact(volume) - exact(frozen)
    usable: Number = 0 if left < 0 else left if isinstance(volume, Decimal) else number(left)
    size = float(number(1 if contract is None else contract.size) or 1)
    cost, gain = price(data.price), price(data.pnl)
    value = (last or cost) * float(volume) * size
    if not last:
        value += -gain if short else gain
    return NamedPosition(
        instrument_name="" if contract is None else contract.name,
        float_profit=gain,
        stock_code=stock_code(data.symbol, exchange),
        volume=volume,
        can_use_volume=usable,
        frozen_volume=frozen,
        yesterday_volume=number(data.yd_volume),
        open_price=cost,
        avg_price=cost,
        market_value=round(value, 4),
        direction=int(Direction.SHORT if short else Direction.LONG),
        account_type=account_type_of(contract, exchange),
        account_id=account,
    )


@dataclass(slots=True, kw_only=True)
class NamedPosition(records.Position):
    """持仓，连同合约的名称与接口算的浮动盈亏。"""

    instrument_name: str = ""
    float_profit: float | None = None


def account_of(accountid: object) -> tuple[str, str]:
    """接口的账号 → (账号, 货币)：IB 的是 ``DU123.USD``；没有货币的为空。"""
    text = str(accountid)
    found = _CURRENCY.match(text)
    return (text, "") if found is None else (found["account"], found["currency"])


def asset(
    data: Any, kind: int, market_value: float, account: str, *, cash_is_balance: bool = False
) -> records.Asset:
    """一项资金。

    Args:
        data: ``AccountData``；IB 的账号是 ``DU123.USD``，加密货币的就是货币的名字。
        kind: 账号类型。
        market_value: 股票等的市值；期货为 0。
        account: 资金账号：加密货币的接口不说。
        cash_is_balance: 接口的 ``balance`` 就是可用，``available`` 又减了一遍冻结（华鑫）。
    """
    own, currency = account_of(data.accountid)
    if kind == OtherAccountType.CRYPTO:
        own, currency = account, own
    total, cash, frozen = price(data.balance), price(data.available), price(data.frozen)
    if cash_is_balance:
        total, cash = total + frozen + market_value, total
    return records.Asset(
        total_asset=total,
        cash=cash,
        frozen_cash=frozen,
        market_value=round(market_value, 4),
        account_type=kind,
        account_id=own,
        currency="" if currency == "CNY" else currency,
    )


def quote(tick: Any) -> Quote:
    """一笔行情；没有的档、没有的价格不要。"""

    def some(value: Any) -> float | None:
        return price(value) or None

    def levels(what: str) -> list[tuple[Number, Number]]:
        both = [
            (some(getattr(tick, f"{what}_price_{n}")), number(getattr(tick, f"{what}_volume_{n}")))
            for n in range(1, 6)
        ]
        return [(at, volume) for at, volume in both if at is not None]

    return Quote(
        stock_code(tick.symbol, tick.exchange.name),
        some(tick.last_price),
        some(tick.open_price),
        some(tick.high_price),
        some(tick.low_price),
        some(tick.pre_close),
        some(tick.limit_up),
        some(tick.limit_down),
        number(tick.volume),
        price(tick.turnover),
        epoch(tick.datetime, time.time()),
        levels("bid"),
        levels("ask"),
    )


def contract_row(contract: Any) -> dict[str, Any]:
    """一个合约 → 给用户的字典，键见 `GatewayTrader.contracts`。"""
    exchange = contract.exchange.name
    kind = {"CALL": "认购", "PUT": "认沽"}.get(name_of(contract.option_type), "")
    underlying = contract.option_underlying or ""
    expiry: datetime | None = contract.option_expiry
    return {
        "security": contract.symbol,
        "stock_code": stock_code(contract.symbol, exchange),
        "name": contract.name,
        "product_name": _PRODUCTS.get(name_of(contract.product), "未知"),
        "exchange": exchange,
        "size": number(contract.size),
        "pricetick": price(contract.pricetick),
        "min_volume": number(contract.min_volume),
        "max_volume": None if contract.max_volume is None else number(contract.max_volume),
        "stop_supported": bool(contract.stop_supported),
        "net_position": bool(contract.net_position),
        "option_type_name": kind,
        "option_strike": None if contract.option_strike is None else price(contract.option_strike),
        "option_underlying": underlying,
        "option_expiry": None if expiry is None else expiry.strftime("%Y-%m-%d"),
    }


def _size(value: Number) -> Number:
    return -value if value < 0 else value


def _offset(offset: str, kind: int) -> int:
    if kind not in OPEN_CLOSE_ACCOUNTS:
        return -1
    return int(_OFFSETS.get(offset, -1))
