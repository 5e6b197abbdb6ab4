"""我们的字典 → VeighNa 的对象。每次都造新的：收到的人会改它（模拟账户改合约、组合管理改委托）。

枚举只按成员比，不存、不比它们的值：值随系统的语言变。
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from vnpy.trader.constant import Direction, Exchange, Offset, OrderType, Product, Status
from vnpy.trader.object import (
    AccountData,
    ContractData,
    OrderData,
    PositionData,
    TickData,
    TradeData,
)

from easytrader.basics.beijing import BEIJING
from easytrader.codes import BUY_TYPES, BrokerPriceType, OrderStatus, PriceType
from easytrader.codes import OrderType as OrderKind
from easytrader.errors import UsageError
from easytrader.market.symbols import Board, Kind, Security, parse_security
from easytrader.market.units import units_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from easytrader import types

EXCHANGES: Final = {"SH": Exchange.SSE, "SZ": Exchange.SZSE, "BJ": Exchange.BSE}
_SUFFIXES: Final = {value: name for name, value in EXCHANGES.items()}

_STATUSES: Final[dict[int, Any]] = {
    OrderStatus.UNREPORTED: Status.SUBMITTING,
    OrderStatus.WAIT_REPORTING: Status.SUBMITTING,
    OrderStatus.REPORTED: Status.NOTTRADED,
    OrderStatus.REPORTED_CANCEL: Status.NOTTRADED,
    OrderStatus.PARTSUCC_CANCEL: Status.PARTTRADED,
    OrderStatus.PART_SUCC: Status.PARTTRADED,
    OrderStatus.PART_CANCEL: Status.CANCELLED,
    OrderStatus.CANCELED: Status.CANCELLED,
    OrderStatus.SUCCEEDED: Status.ALLTRADED,
    OrderStatus.JUNK: Status.REJECTED,
}
_BUYS: Final = BUY_TYPES | {OrderKind.ETF_PURCHASE}
_LIMITS: Final = (PriceType.FIX, PriceType.LATEST, BrokerPriceType.LIMIT)
_PRODUCTS: Final = {
    **dict.fromkeys((Kind.STOCK, Kind.CDR, Kind.B_SHARE), Product.EQUITY),
    **dict.fromkeys(
        (
            *(Kind.ETF, Kind.BOND_ETF, Kind.MONEY_ETF, Kind.GOLD_ETF),
            *(Kind.CROSS_BORDER_ETF, Kind.COMMODITY_ETF),
        ),
        Product.ETF,
    ),
    **dict.fromkeys((Kind.LOF, Kind.CLOSED_FUND, Kind.REIT), Product.FUND),
    **dict.fromkeys((Kind.CONVERTIBLE, Kind.BOND, Kind.REPO), Product.BOND),
    Kind.INDEX: Product.INDEX,
}
_OF_BOARD: Final = {Board.FUND: Product.FUND, Board.BOND: Product.BOND, Board.REPO: Product.BOND}
_NOISE_DIGITS: Final = 6
"""价格留几位小数：只去掉二进制小数的零头（最小变动价位是 0.001）。"""
_LEVELS: Final = 5


def security_of(request: Any) -> Security:
    """VeighNa 的请求说的是哪一只。

    Raises:
        UsageError: 不是沪深北的证券。
    """
    suffix = _SUFFIXES.get(request.exchange)
    if suffix is None:
        form = "应为 SSE、SZSE 或 BSE"
        raise UsageError("exchange", getattr(request.exchange, "name", request.exchange), form)
    return parse_security(f"{request.symbol}.{suffix}")


def price_of(price: float) -> float:
    """去掉二进制小数的零头：0.1 + 0.2 是 0.3。"""
    return round(float(price), _NOISE_DIGITS)


def volume_of(volume: float) -> int:
    """数量；不是整数股的不收。

    Raises:
        UsageError: 同上。
    """
    if not float(volume).is_integer():
        raise UsageError("volume", volume, "应为整数股（份、张）")
    return int(volume)


def contract(security: Security, name: str, gateway_name: str) -> Any:
    """合约：``size`` 恒为 1，数量就是股、份、张；``min_volume`` 是一笔最少买多少。"""
    units = units_of(security)
    product = _PRODUCTS.get(security.kind) or _OF_BOARD.get(security.board, Product.EQUITY)
    return ContractData(
        gateway_name=gateway_name,
        symbol=security.code,
        exchange=EXCHANGES[security.exchange],
        name=name or security.code,
        product=product,
        size=1,
        pricetick=units.tick_li / 1000,
        min_volume=units.minimum,
        net_position=True,
        history_data=False,
    )


def order(
    row: types.Entrust, orderid: str, gateway_name: str, sent: Any = None, tag: str = ""
) -> Any:
    """委托。

    Args:
        row: `today_entrusts` 的一行。
        orderid: VeighNa 那边的编号。
        gateway_name: 接口名。
        sent: 我们发出的那一笔（``OrderData``）：开平、参考照它的；别处下的为 None。
        tag: 放在 ``extra`` 里给人核对的标记。
    """
    security = parse_security(row["stock_code"])
    market = row["price_type"] not in _LIMITS
    found = OrderData(
        gateway_name=gateway_name,
        symbol=security.code,
        exchange=EXCHANGES[security.exchange],
        orderid=orderid,
        type=OrderType.MARKET if market else OrderType.LIMIT,
        direction=direction(row["order_type"]),
        offset=Offset.NONE,
        price=float(row["price"] or 0),
        volume=float(row["order_volume"]),
        traded=float(row["traded_volume"] or 0),
        status=_STATUSES.get(row["order_status"], Status.SUBMITTING),  # 未知的还不能下结论
        datetime=moment(row["order_time"]),
        reference=row["order_remark"] or "",
    )
    if sent is not None:
        found.type, found.offset, found.reference = sent.type, sent.offset, sent.reference
        if found.type is OrderType.MARKET:
            found.price = sent.price
    found.extra = {
        "entrust_no": row["order_id"],
        "order_sysid": row["order_sysid"],
        "status": row["order_status_name"],
        "message": row["status_msg"] or "",
        "average_price": float(row["traded_price"] or 0),
        "tag": tag,
    }
    return found


def trade(row: types.Trade, orderid: str, gateway_name: str, sent: Any = None) -> Any:
    """成交；编号前面带上证券：两个交易所的成交编号会相同。"""
    security = parse_security(row["stock_code"])
    return TradeData(
        gateway_name=gateway_name,
        symbol=security.code,
        exchange=EXCHANGES[security.exchange],
        orderid=orderid,
        tradeid=f"{security.code}-{row['traded_id']}".replace(".", "_"),
        direction=direction(row["order_type"]),
        offset=Offset.NONE if sent is None else sent.offset,
        price=float(row["traded_price"]),
        volume=float(row["traded_volume"]),
        datetime=moment(row["traded_time"]),
    )


def position(row: types.Position, gateway_name: str) -> Any:
    """持仓：净持仓，``frozen`` 是今天卖不了的（T+1 与挂着的卖单）。"""
    security = parse_security(row["stock_code"])
    volume, cost = float(row["volume"]), float(row["avg_price"] or row["open_price"] or 0)
    profit = row["profit"]
    if profit is None:
        profit = float(row["market_value"] or 0) - cost * volume if row["market_value"] else 0.0
    return PositionData(
        gateway_name=gateway_name,
        symbol=security.code,
        exchange=EXCHANGES[security.exchange],
        direction=Direction.NET,
        volume=volume,
        frozen=max(0.0, volume - float(row["can_use_volume"])),
        price=cost,
        pnl=round(float(profit), 2),
        yd_volume=float(row["yesterday_volume"] or 0),
    )


def no_position(stock_code: str, gateway_name: str) -> Any:
    """卖光了：VeighNa 从不丢掉持仓，要说一声是 0。"""
    security = parse_security(stock_code)
    return PositionData(
        gateway_name=gateway_name,
        symbol=security.code,
        exchange=EXCHANGES[security.exchange],
        direction=Direction.NET,
    )


def account(row: types.Asset, gateway_name: str) -> Any:
    """资金：``balance`` 是总资产，``available`` 是现金（不是总资产减冻结）。"""
    currency = row.get("currency", "")
    name = f"{row['account_id']}-{currency}" if currency else str(row["account_id"])
    found = AccountData(
        gateway_name=gateway_name,
        accountid=name,
        balance=float(row["total_asset"]),
        frozen=float(row["frozen_cash"] or 0),
    )
    found.available = float(row["cash"])
    return found


def tick(quote: types.Quote, name: str, gateway_name: str, now: datetime) -> Any:
    """行情：五档、涨跌停、昨收；没有的价格是 0。"""
    security = parse_security(quote["stock_code"])
    found = TickData(
        gateway_name=gateway_name,
        symbol=security.code,
        exchange=EXCHANGES[security.exchange],
        datetime=moment(quote["time"]) or now,
        name=name,
        volume=float(quote["volume"] or 0),
        turnover=float(quote["amount"] or 0),
        last_price=float(quote["last"] or 0),
        limit_up=float(quote["limit_up"] or 0),
        limit_down=float(quote["limit_down"] or 0),
        open_price=float(quote["open"] or 0),
        high_price=float(quote["high"] or 0),
        low_price=float(quote["low"] or 0),
        pre_close=float(quote["pre_close"] or 0),
        localtime=now.replace(tzinfo=None),
    )
    for side, levels in (("bid", quote["bids"]), ("ask", quote["asks"])):
        for number, (price, volume) in enumerate(levels[:_LEVELS], 1):
            setattr(found, f"{side}_price_{number}", float(price or 0))
            setattr(found, f"{side}_volume_{number}", float(volume or 0))
    return found


def direction(order_type: int) -> Any:
    """买是 LONG，卖是 SHORT。"""
    return Direction.LONG if order_type in _BUYS else Direction.SHORT


def moment(epoch_s: float | None) -> datetime | None:
    """Unix 秒 → 北京时间；没有为 None。"""
    return datetime.fromtimestamp(epoch_s, BEIJING) if epoch_s and epoch_s > 0 else None


def same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """两次行情有没有变。"""
    return all(first[each] == second[each] for each in ("time", "last", "volume", "bids", "asks"))
