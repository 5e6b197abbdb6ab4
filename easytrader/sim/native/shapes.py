"""原生结构的基类、文本截断，以及成批造的三个结构（XtOrder、XtTrade、XtPosition）的身子。

对象先以这里的类造出来（不做检查），再换成对外的类（同样的槽位，带只读与类型检查）：
逐个槽位过检查要慢四倍，而一次查询可能有几千行。
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

__all__ = ["SHAPES", "NativeStruct", "fit", "set_strict_text", "strict_text"]


class _TextMode:
    strict = False


def set_strict_text(on: bool) -> None:
    """截断出半个汉字时怎么办（进程级，只影响此后写入的文本）。

    默认丢掉那半个字；``True`` 时像厂商那样在读取时抛 UnicodeDecodeError。
    """
    _TextMode.strict = bool(on)


def strict_text() -> bool:
    """此刻是不是厂商那样的严格解码。"""
    return _TextMode.strict


def fit(text: str, size: int) -> str | bytes:
    """按字节截到 ``size - 1``；严格模式下截出半个字时返回字节。"""
    limit = size - 1
    if len(text) * 3 <= limit or (len(text) <= limit and text.isascii()):
        return text
    raw = text.encode("utf-8", "replace")[:limit]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw if _TextMode.strict else raw.decode("utf-8", "ignore")


class NativeStruct:
    """一切原生结构的基类。"""

    __slots__ = ("__weakref__", "_cut")

    _zeros: ClassVar[dict[str, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        """槽位没有值：没赋过的是零值，截坏的文本在这里解码（抛 UnicodeDecodeError）。"""
        if name != "_cut":
            try:
                return self._cut[name].decode("utf-8")
            except (AttributeError, KeyError):
                pass
            if name in self._zeros:
                return self._zeros[name]
        raise AttributeError(f"{type(self).__name__} 没有属性 {name}")


class _OrderShape(NativeStruct):
    __slots__ = (
        "account_id",
        "account_type",
        "direction",
        "instrument_name",
        "offset_flag",
        "order_id",
        "order_remark",
        "order_status",
        "order_sysid",
        "order_time",
        "order_type",
        "order_volume",
        "price",
        "price_type",
        "secu_account",
        "status_msg",
        "stock_code",
        "strategy_name",
        "traded_price",
        "traded_volume",
    )

    def __init__(
        self,
        account_type: int,
        account_id: str,
        stock_code: str,
        order_id: int,
        order_time: int,
        order_type: int,
        order_volume: int,
        price_type: int,
        price: float,
        traded_volume: int,
        traded_price: float,
        order_status: int,
        order_sysid: str,
        status_msg: str,
        strategy_name: str,
        order_remark: str,
        direction: int,
        offset_flag: int,
        secu_account: str,
        instrument_name: str,
    ) -> None:
        self.account_type = account_type
        self.account_id = account_id
        self.stock_code = stock_code
        self.order_id = order_id
        self.order_time = order_time
        self.order_type = order_type
        self.order_volume = order_volume
        self.price_type = price_type
        self.price = price
        self.traded_volume = traded_volume
        self.traded_price = traded_price
        self.order_status = order_status
        self.order_sysid = order_sysid
        # 其余文本在下单时已经截过，或由柜台自己生成
        self.status_msg = status_msg if len(status_msg) < 8 else fit(status_msg, 24)
        self.strategy_name = strategy_name
        self.order_remark = order_remark
        self.direction = direction
        self.offset_flag = offset_flag
        self.secu_account = secu_account
        self.instrument_name = instrument_name


class _TradeShape(NativeStruct):
    __slots__ = (
        "account_id",
        "account_type",
        "commission",
        "direction",
        "instrument_name",
        "offset_flag",
        "order_id",
        "order_remark",
        "order_sysid",
        "order_type",
        "secu_account",
        "stock_code",
        "strategy_name",
        "traded_amount",
        "traded_id",
        "traded_price",
        "traded_time",
        "traded_volume",
    )

    def __init__(
        self,
        account_type: int,
        account_id: str,
        stock_code: str,
        traded_id: str,
        traded_time: int,
        traded_price: float,
        traded_volume: int,
        traded_amount: float,
        order_id: int,
        order_type: int,
        order_sysid: str,
        strategy_name: str,
        order_remark: str,
        direction: int,
        offset_flag: int,
        commission: float,
        secu_account: str,
        instrument_name: str,
    ) -> None:
        self.account_type = account_type
        self.account_id = account_id
        self.stock_code = stock_code
        self.traded_id = traded_id
        self.traded_time = traded_time
        self.traded_price = traded_price
        self.traded_volume = traded_volume
        self.traded_amount = traded_amount
        self.order_id = order_id
        self.order_type = order_type
        self.order_sysid = order_sysid
        self.strategy_name = strategy_name
        self.order_remark = order_remark
        self.direction = direction
        self.offset_flag = offset_flag
        self.commission = commission
        self.secu_account = secu_account
        self.instrument_name = instrument_name


class _PositionShape(NativeStruct):
    __slots__ = (
        "account_id",
        "account_type",
        "avg_price",
        "can_use_volume",
        "direction",
        "float_profit",
        "frozen_volume",
        "instrument_name",
        "last_price",
        "market_value",
        "on_road_volume",
        "open_date",
        "open_price",
        "position_profit",
        "profit_rate",
        "secu_account",
        "stock_code",
        "volume",
        "yesterday_volume",
    )

    def __init__(
        self,
        account_type: int,
        account_id: str,
        stock_code: str,
        volume: int,
        can_use_volume: int,
        open_price: float,
        market_value: float,
        frozen_volume: int,
        on_road_volume: int,
        yesterday_volume: int,
        avg_price: float,
        direction: int,
        float_profit: float,
        last_price: float,
        profit_rate: float,
        secu_account: str,
        instrument_name: str,
        open_date: str,
        position_profit: float,
    ) -> None:
        self.account_type = account_type
        self.account_id = account_id
        self.stock_code = stock_code
        self.volume = volume
        self.can_use_volume = can_use_volume
        self.open_price = open_price
        self.market_value = market_value
        self.frozen_volume = frozen_volume
        self.on_road_volume = on_road_volume
        self.yesterday_volume = yesterday_volume
        self.avg_price = avg_price
        self.direction = direction
        self.float_profit = float_profit
        self.last_price = last_price
        self.profit_rate = profit_rate
        self.secu_account = secu_account
        self.instrument_name = instrument_name
        self.open_date = open_date
        self.position_profit = position_profit


SHAPES: Final[dict[str, type[Any]]] = {
    "XtOrder": _OrderShape,
    "XtTrade": _TradeShape,
    "XtPosition": _PositionShape,
}
