"""ccxt 的交易所，我们知道些什么：客户编号、翻页、别名、关了的。只有数据，不导入 ccxt。

来源是 ccxt 4.5.90 各家的源码；除了 okx、htx 的测试服务器，没有在真的交易所上看过。
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from easytrader.errors import UnsupportedError

ALIASES: Final = {
    "okex": "okx", "欧易": "okx", "huobi": "htx", "火币": "htx", "gateio": "gate",
    "币安": "binance",
}  # fmt: skip

CLOSED: Final = {
    "bitmex": "BitMEX 已于 2026-09-23 关闭，ccxt 从 4.5.84 起没有它：没有可以连的地方了",
}


class Exchange(NamedTuple):
    """一家交易所。

    Attributes:
        tagged: 下单带得了客户编号，查询也带回来。
        by_client: 能按客户编号查一笔。
        concurrent: 签名只看时间，不要递增的序号：下单和查询可以走两条连接。
        pages: 翻页的参数：``after`` 更早的编号，``until`` 到什么时候为止，
            ``seconds`` 同上而只认到秒（gate；没有核对过的都当作这样）。
        options: 造 ccxt 的对象时的 ``options``。
        only: 做这一种市场时的 ``options``：别的市场的交易对不必读。
        kinds: 做哪些市场；空是 ccxt 有的都行。
        refused: 错误里有它，就是柜台明说了不收，哪怕 ccxt 认不出是哪一种。
    """

    tagged: bool = False
    by_client: bool = False
    concurrent: bool = False
    pages: str = "seconds"
    options: dict[str, Any] = {}  # noqa: RUF012  只读
    only: dict[str, dict[str, Any]] = {}  # noqa: RUF012  只读
    kinds: frozenset[str] = frozenset()
    refused: str = ""


# okx 的 51xxx 是委托的错误，50061 是下单太密（okx.com/docs-v5 的错误码表）
_OKX: Final = Exchange(
    tagged=True, by_client=True, concurrent=True, pages="after",
    options={"brokerId": ""},
    only={each: {"fetchMarkets": {"types": [each]}} for each in ("spot", "swap", "future")},
    refused=r'"s?[cC]ode":\s*"(51\d{3}|50061)"',
)  # fmt: skip
# v1/order/history 不要求给币对，48 小时以内；合约的客户编号只能是整数，没有做
_HTX: Final = Exchange(
    tagged=True, by_client=True, concurrent=True, pages="until", kinds=frozenset({"spot"}),
    options={"broker": {"id": ""},
             "fetchOrdersByStatesMethod": "spot_private_get_v1_order_history"},
    only={"spot": {"fetchMarkets": {"types": {"spot": True, "linear": False, "inverse": False}}}},
    refused=r'"err-code":\s*"(order|account)-',
)  # fmt: skip
_QUIET: Final = {"warnOnFetchOpenOrdersWithoutSymbol": False}
_TAGGED: Final = Exchange(tagged=True, concurrent=True, pages="until", options=_QUIET)
_BINANCE: Final = _TAGGED._replace(by_client=True)

KNOWN: Final = {
    "okx": _OKX, "okxus": _OKX, "myokx": _OKX, "htx": _HTX,
    "binance": _BINANCE, "binanceusdm": _BINANCE, "bybit": _TAGGED,
    "bitget": _TAGGED, "kucoin": _TAGGED, "mexc": _TAGGED,
    "gate": _TAGGED._replace(pages="seconds"),
}  # fmt: skip
"""带得了客户编号的；别的交易所没有 ``client_order_id``。"""

_PREFIX: Final = "et"
_OURS: Final = re.compile(r"(?:t-)?et([0-9a-z]{9})")
"""gate 的客户编号前面要有 ``t-``，ccxt 加的。"""


def canonical(name: str) -> str:
    """交易所的名字 → ccxt 的；关了的说一句。

    Raises:
        UnsupportedError: 这家关了。
    """
    key = name.strip().lower()
    key = ALIASES.get(key, key)
    if key in CLOSED:
        raise UnsupportedError(CLOSED[key])
    return key


def of(name: str) -> Exchange:
    """这家交易所；表里没有的都照最少的来。"""
    return KNOWN.get(name, Exchange())


def client_id(tag: str) -> str:
    """标记 → 客户编号：11 个小写字母和数字，各家都收（okx 最多 32 个字母、数字）。"""
    return _PREFIX + tag


def tag_of(client_order_id: object) -> str:
    """客户编号 → 标记；不是我们的为空。"""
    match = _OURS.fullmatch(client_order_id) if isinstance(client_order_id, str) else None
    return match[1] if match else ""
