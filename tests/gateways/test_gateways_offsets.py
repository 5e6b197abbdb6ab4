"""开平：动词与 offset= 合起来是哪一种委托；不讲开平的合约下不了卖空、平今；价格类型照接口有的。"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from easytrader.backend.records import Side
from easytrader.errors import UsageError
from easytrader.gateways import offsets
from easytrader.gateways.offsets import OrderPolicy, Terms


def _contract(symbol: str, exchange: str, product: str, net: bool) -> Any:
    names = {"product": SimpleNamespace(name=product), "exchange": SimpleNamespace(name=exchange)}
    return SimpleNamespace(symbol=symbol, net_position=net, **names)


FUTURE = _contract("rb2510", "SHFE", "FUTURES", net=False)
NET_FUTURE = _contract("CL", "NYMEX", "FUTURES", net=True)
STOCK = _contract("600036", "SSE", "EQUITY", net=True)


@pytest.mark.parametrize(
    ("verb", "offset", "direction", "sent"),
    [
        ("buy", "auto", "LONG", "OPEN"),
        ("short", "auto", "SHORT", "OPEN"),
        ("sell", "auto", "SHORT", "CLOSE"),
        ("cover", "auto", "LONG", "CLOSE"),
        ("sell", "close_today", "SHORT", "CLOSETODAY"),
        ("sell", "平昨", "SHORT", "CLOSEYESTERDAY"),
        ("cover", "平今", "LONG", "CLOSETODAY"),
        ("buy", "平仓", "LONG", "CLOSE"),
        ("sell", "开仓", "SHORT", "OPEN"),
    ],
)
def test_verb_and_offset_make_the_order(verb: str, offset: str, direction: str, sent: str) -> None:
    code = offsets.order_type(verb, offset)
    assert offsets.terms(code) == Terms(direction, sent)
    assert offsets.sent_offset(offsets.terms(code), FUTURE, OrderPolicy()) == sent


def test_every_verb_alone_is_the_plain_side() -> None:
    plain = [offsets.order_type(verb) for verb in ("buy", "sell", "short", "cover")]
    assert plain == [Side.BUY, Side.SELL, Side.SHORT, Side.COVER]


@pytest.mark.parametrize(
    ("verb", "offset", "told"),
    [
        ("short", "平仓", "请用 sell"),
        ("cover", "open", "请用 buy"),
        ("buy", "平掉", "应为"),
        ("sell", None, "应为"),
        ("sell", 49, "应为"),
    ],
)
def test_contradictions_are_usage_errors(verb: str, offset: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        offsets.order_type(verb, offset)
    assert caught.value.argument == "offset"


@pytest.mark.parametrize("contract", [STOCK, NET_FUTURE])
@pytest.mark.parametrize(
    ("verb", "offset"),
    [("short", "auto"), ("cover", "auto"), ("sell", "平今"), ("buy", "平仓"), ("sell", "开仓")],
)
def test_no_short_where_there_is_no_offset(contract: Any, verb: str, offset: str) -> None:
    wanted = offsets.terms(offsets.order_type(verb, offset))
    with pytest.raises(UsageError, match=r"(600036.SH|CL.NYMEX) .*buy / sell"):
        offsets.sent_offset(wanted, contract, OrderPolicy())


def test_stock_offset_follows_the_gateway() -> None:
    buy, sell = Terms("LONG", "OPEN"), Terms("SHORT", "CLOSE")
    assert offsets.sent_offset(buy, STOCK, OrderPolicy("none")) == "NONE"
    assert offsets.sent_offset(sell, STOCK, OrderPolicy("credit")) == "NONE"
    assert offsets.sent_offset(buy, STOCK, OrderPolicy("required")) == "OPEN"
    assert offsets.sent_offset(sell, STOCK, OrderPolicy("required")) == "CLOSE"


def test_other_order_types_are_not_ours() -> None:
    with pytest.raises(UsageError):
        offsets.terms(27)  # 融资买入


def test_price_types_are_the_gateways() -> None:
    every, few = frozenset(("LIMIT", "MARKET", "FAK", "FOK")), frozenset(("LIMIT", "FAK"))
    market: Any = offsets.market_types(every)
    for given in ("FAK", "fak", "即成剩撤"):
        assert offsets.sent_type(offsets.limit_type(given, every)) == "FAK"
    assert offsets.sent_type(offsets.limit_type(None, few)) == "LIMIT"
    assert offsets.sent_type(market(None, None)) == "MARKET"
    with pytest.raises(UsageError, match=r"LIMIT、FAK$"):
        offsets.limit_type("FOK", few)
    with pytest.raises(UsageError, match="market_buy"):
        offsets.limit_type("MARKET", every)
    with pytest.raises(UsageError, match="要有价"):
        market("FOK", None)
    without: Any = offsets.market_types(few)
    with pytest.raises(UsageError, match=r"LIMIT、FAK$"):
        without(None, None)
    with pytest.raises(UsageError, match="有的价格类型"):
        offsets.limit_type("对手方最优价格委托", every)
