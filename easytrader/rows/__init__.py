"""后端的记录 → 用户看到的字典。字典的键只在这里写；买卖之外的见 `rows.business`。

键、顺序、类型与文档页「miniqmt」一致。5,000 笔委托要在厂商调用的一半时间内转完，
所以直接读属性写字面量，不经中间对象，没变的委托不重算；读坏的中文（厂商按字节截断）走慢路，读成空串。
"""

from __future__ import annotations

from functools import wraps
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from loguru import logger

from easytrader import codes
from easytrader.basics import tags
from easytrader.basics.numbers import is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader import types
    from easytrader.backend.records import OrderLike
    from easytrader.basics.numbers import OrderId

Row = dict[str, Any]
_Name = TypeVar("_Name", bound=str)
_Row = TypeVar("_Row")

_warned: Final[set[tuple[str, int]]] = set()


class _Names(dict[int, _Name]):
    """代码 → 中文名；没见过的代码是「未知」，每个只警告一次。"""

    def __init__(self, what: str, names: dict[int, str]) -> None:
        super().__init__(cast("dict[int, _Name]", names))
        self.what = what

    def __missing__(self, code: int) -> _Name:
        if (self.what, code) not in _warned:
            _warned.add((self.what, code))
            logger.warning("没见过的{}代码 {}，显示为「{}」", self.what, code, codes.UNKNOWN_NAME)
        return cast("_Name", codes.UNKNOWN_NAME)


_order_types: Final[_Names[codes.OrderTypeName]] = _Names("委托类型", codes.ORDER_TYPE_NAMES)
_price_types: Final[_Names[codes.PriceTypeName]] = _Names("报价类型", codes.PRICE_TYPE_NAMES)
_statuses: Final[_Names[codes.OrderStatusName]] = _Names("委托状态", codes.ORDER_STATUS_NAMES)
_offsets: Final[_Names[codes.OffsetFlagName]] = _Names("交易操作", codes.OFFSET_FLAG_NAMES)
_account_statuses: Final[_Names[codes.AccountStatusName]] = _Names(
    "账号状态", codes.ACCOUNT_STATUS_NAMES
)
_directions: Final[_Names[codes.DirectionName]] = _Names("多空", codes.DIRECTION_NAMES)

# 同一个代码名字不同的账号类型
_order_types_of: Final[dict[int, _Names[codes.OrderTypeName]]] = {
    codes.AccountType.CREDIT: _Names("委托类型", codes.CREDIT_ORDER_TYPE_NAMES)
}
_offsets_of: Final[dict[int, _Names[codes.OffsetFlagName]]] = {
    each: _Names("交易操作", codes.OPEN_CLOSE_FLAG_NAMES) for each in codes.OPEN_CLOSE_ACCOUNTS
}


class _Guarded:
    """读属性时把解不出的文字当作空串。"""

    __slots__ = ("_record",)

    def __init__(self, record: object) -> None:
        self._record = record

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(self._record, name)
        except UnicodeDecodeError:
            return ""


def _guarded(build: Callable[[Any], _Row]) -> Callable[[Any], _Row]:
    """记录里有解不出的文字时走慢路。"""

    @wraps(build)
    def row(record: object) -> _Row:
        try:
            return build(record)
        except UnicodeDecodeError:
            return build(_Guarded(record))

    return row


@_guarded
def asset_row(asset: Any) -> types.Asset:
    """资金 → ``total_asset market_value cash frozen_cash account_type account_id``（元）。"""
    row: types.Asset = {
        "total_asset": asset.total_asset,
        "market_value": asset.market_value,
        "cash": asset.cash,
        "frozen_cash": asset.frozen_cash,
        "account_type": asset.account_type,
        "account_id": asset.account_id,
    }
    currency = getattr(asset, "currency", "")
    return {"currency": currency, **row} if currency else row


@_guarded
def position_row(position: Any) -> types.Position:
    """持仓 → 文档页「获取持仓」的字典。"""
    stock_code = position.stock_code
    row: types.Position = {
        "security": stock_code[:-3] if stock_code[-3:-2] == "." else stock_code.partition(".")[0],
        "stock_code": stock_code,
        "volume": position.volume,
        "can_use_volume": position.can_use_volume,
        "open_price": position.open_price,
        "market_value": position.market_value,
        "frozen_volume": position.frozen_volume,
        "on_road_volume": position.on_road_volume,
        "yesterday_volume": position.yesterday_volume,
        "avg_price": position.avg_price,
        "direction": position.direction,
        "account_type": position.account_type,
        "account_id": position.account_id,
        # 老的 xtquant、别的后端没有这几项
        "security_name": getattr(position, "instrument_name", ""),
        "profit": getattr(position, "float_profit", None),
        "profit_ratio": getattr(position, "profit_rate", None),
    }
    currency = getattr(position, "currency", "")
    return {"currency": currency, **row} if currency else row


def _order(order: Any) -> types.Entrust:
    stock_code = order.stock_code
    order_type = order.order_type
    price_type = order.price_type
    order_status = order.order_status
    offset_flag = order.offset_flag
    direction = order.direction
    order_remark = order.order_remark
    account_type = order.account_type
    row: types.Entrust = {
        "security": stock_code[:-3] if stock_code[-3:-2] == "." else stock_code.partition(".")[0],
        "stock_code": stock_code,
        "order_id": order.order_id,
        "order_sysid": order.order_sysid,
        "order_time": order.order_time,
        "order_type": order_type,
        "order_type_name": _order_types_of.get(account_type, _order_types)[order_type],
        "order_volume": order.order_volume,
        "price_type": price_type,
        "price_type_name": _price_types[price_type],
        "price": order.price,
        "traded_volume": order.traded_volume,
        "traded_price": order.traded_price,
        "order_status": order_status,
        "order_status_name": _statuses[order_status],
        "status_msg": order.status_msg,
        "offset_flag": offset_flag,
        "offset_flag_name": _offsets_of.get(account_type, _offsets)[offset_flag],
        "strategy_name": order.strategy_name,
        "order_remark": tags.split(order_remark)[1] if order_remark[:1] == "~" else order_remark,
        "direction": direction,
        "direction_name": _directions[direction],
        "account_type": account_type,
        "account_id": order.account_id,
    }
    currency = getattr(order, "currency", "")
    return {"currency": currency, **row} if currency else row


@_guarded
def trade_row(trade: Any) -> types.Trade:
    """成交 → 文档页「查询当日成交」的字典。"""
    stock_code = trade.stock_code
    account_type = trade.account_type
    order_type = trade.order_type
    offset_flag = trade.offset_flag
    row: types.Trade = {
        "security": stock_code[:-3] if stock_code[-3:-2] == "." else stock_code.partition(".")[0],
        "stock_code": stock_code,
        "traded_id": trade.traded_id,
        "traded_time": trade.traded_time,
        "traded_price": trade.traded_price,
        "traded_volume": trade.traded_volume,
        "traded_amount": trade.traded_amount,
        "order_id": trade.order_id,
        "order_type": order_type,
        "order_type_name": _order_types_of.get(account_type, _order_types)[order_type],
        "offset_flag": offset_flag,
        "offset_flag_name": _offsets_of.get(account_type, _offsets)[offset_flag],
        "account_id": trade.account_id,
        "account_type": account_type,
        "order_sysid": trade.order_sysid,
        "strategy_name": trade.strategy_name,
        "order_remark": tags.split(trade.order_remark)[1],
    }
    currency = getattr(trade, "currency", "")
    return {"currency": currency, **row} if currency else row


@_guarded
def order_error_row(error: Any) -> types.OrderError:
    """下单失败 → ``order_id error_id error_msg strategy_name order_remark account_id …``。"""
    return {
        "order_id": error.order_id,
        "error_id": error.error_id,
        "error_msg": error.error_msg,
        "strategy_name": error.strategy_name,
        "order_remark": tags.split(error.order_remark)[1],
        "account_id": error.account_id,
        "account_type": error.account_type,
    }


@_guarded
def cancel_error_row(error: Any) -> types.CancelError:
    """撤单失败 → ``order_id order_sysid error_id error_msg account_id account_type``。"""
    return {
        "order_id": error.order_id,
        "order_sysid": error.order_sysid,
        "error_id": error.error_id,
        "error_msg": error.error_msg,
        "account_id": error.account_id,
        "account_type": error.account_type,
    }


@_guarded
def account_status_row(status: Any) -> types.AccountStatus:
    """账号状态 → ``status status_name account_id account_type``。"""
    return {
        "status": status.status,
        "status_name": _account_statuses[status.status],
        "account_id": status.account_id,
        "account_type": status.account_type,
    }


def tag_of(order: OrderLike) -> str:
    """委托备注里的标记；不是本库的委托、备注读不出来时为空。"""
    try:
        return tags.split(order.order_remark)[0]
    except UnicodeDecodeError:
        return ""


def order_row(order: OrderLike) -> types.Entrust:
    """委托 → 文档页「查询当日委托」的字典。"""
    try:
        return _order(order)
    except UnicodeDecodeError:
        return _order(_Guarded(order))


_changing: Final = attrgetter(
    "order_id",
    "order_time",
    "price_type",
    "price",
    "traded_volume",
    "traded_price",
    "order_status",
    "order_sysid",
    "status_msg",
    "order_remark",
)
"""一笔委托里会变的字段；其余（代码、方向、数量、策略名、账号）定了就不变。"""

_REMEMBERED: Final = 20_000
_REASONS: Final = 1000
"""记住最近这么多笔废单的原因。"""


class OrderRows:
    """一个账号的委托行：没变的委托直接复制上次的行。

    一天的委托绝大多数已到终态，每次都把 24 个键重算一遍，几千笔时比厂商的查询本身还慢。
    交出去的总是新的字典，用户改它不影响下一次。

    厂商的 ``status_msg`` 只有 23 字节，废单的原因多半说到一半；「下单失败」的推送里是全的，
    记下来写在废单的行里。
    """

    def __init__(self) -> None:
        # 委托编号 → (会变的字段, 行)
        self._known: dict[OrderId, tuple[tuple[Any, ...], types.Entrust]] = {}
        # 委托编号 → 为什么废了，旧的在前
        self._reasons: dict[OrderId, str] = {}

    def explain(self, error: Any) -> None:
        """来了一条「下单失败」的推送。任何线程。"""
        told = order_error_row(error)
        number: OrderId = told["order_id"]
        why = told["error_msg"]
        if not why or not is_number(number):
            return
        self._reasons[number] = why
        self._known.pop(number, None)
        if len(self._reasons) > _REASONS:
            self._reasons.pop(next(iter(self._reasons)), None)

    def reason(self, number: OrderId) -> str:
        """这笔委托为什么废了；不知道为空。"""
        return self._reasons.get(number, "")

    def row(self, order: OrderLike) -> types.Entrust:
        """一笔委托 → 行。"""
        return self._told(order_row(order))

    def _told(self, row: types.Entrust) -> types.Entrust:
        if row["order_status"] == codes.OrderStatus.JUNK:
            row["status_msg"] = self._reasons.get(row["order_id"], row["status_msg"])
        return row

    def rows(self, orders: Iterable[OrderLike]) -> list[types.Entrust]:
        """一批委托 → 行。"""
        held = list(orders)
        if len(self._known) > 2 * len(held) + 1000:
            self._known.clear()  # 大半是前些天的
        try:
            return self._rows(held)
        except UnicodeDecodeError:
            return [self.row(order) for order in held]

    def _rows(self, orders: list[OrderLike]) -> list[types.Entrust]:
        known = self._known
        find = known.get
        found: list[types.Entrust] = []
        add = found.append
        for order in orders:
            now = _changing(order)
            last = find(now[0])
            if last is not None and last[0] == now:
                add(last[1].copy())
            else:
                row = self._told(_order(order))
                if len(known) < _REMEMBERED:
                    known[now[0]] = (now, row.copy())
                    if now[0] in self._reasons:
                        del known[now[0]]  # 原因也许正好这时才来；废单不多，不记着它
                add(row)
        return found


def quote_row(quote: Any) -> types.Quote:
    """行情 → 文档页「行情」的字典。"""
    stock_code = quote.stock_code
    return {
        "security": stock_code[:-3] if stock_code[-3:-2] == "." else stock_code.partition(".")[0],
        "stock_code": stock_code,
        "last": quote.last,
        "open": quote.open,
        "high": quote.high,
        "low": quote.low,
        "pre_close": quote.pre_close,
        "limit_up": quote.limit_up,
        "limit_down": quote.limit_down,
        "volume": quote.volume,
        "amount": quote.amount,
        "time": quote.time,
        "bids": list(quote.bids),
        "asks": list(quote.asks),
    }
