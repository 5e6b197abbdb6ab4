"""废单：每条规则一行，文字与真实柜台的样子一致。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from counter_desk import Desk, kinds, yuan

from easytrader.sim.ledger.events import SubmitOrder

if TYPE_CHECKING:
    from collections.abc import Callable

HELD = (
    ("600036.SH", 232, 8_000_000),
    ("688981.SH", 232, 20_000_000),
    ("688111.SH", 150, 40_000_000),
    ("920002.BJ", 55, 1_500_000),
    ("113050.SH", 25, 2_800_000),
)


@pytest.fixture
def stocked(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk(positions=HELD, cash_li=50_000_000)


REJECTS = [
    pytest.param("buy", "600036.SH", 150, "last", 11, -150904070, "倍数", id="主板-零股买"),
    pytest.param("buy", "688981.SH", 100, "last", 11, -150904070, "不能少于200", id="科创-不足200"),
    pytest.param("buy", "920002.BJ", 99, "last", 11, -150904070, "不能少于100", id="北-不足100"),
    pytest.param("buy", "113050.SH", 15, "last", 11, -150904070, "倍数", id="转债-不足一手"),
    pytest.param("sell", "600036.SH", 50, "last", 11, -150904070, "不能少于", id="零股没卖完"),
    pytest.param("sell", "688981.SH", 32, "last", 11, -150904070, "不能少于", id="科创-零头太早"),
    pytest.param("sell", "688981.SH", 132, "last", 11, -150904070, "不能少于", id="科创-132"),
    pytest.param("sell", "688111.SH", 100, "last", 11, -150904070, "不能少于", id="科创-零头一次"),
    pytest.param("buy", "600036.SH", 1_000_100, "last", 11, 1218, "单笔上限1000000", id="主板上限"),
    pytest.param(
        "buy", "688981.SH", 100_001, "last", 11, 1218, "单笔上限100000", id="科创限价上限"
    ),
    pytest.param("buy", "688981.SH", 50_001, 0.0, 42, 1218, "单笔上限50000", id="科创市价上限"),
    pytest.param("buy", "300750.SZ", 150_100, 0.0, 44, 1218, "单笔上限150000", id="创业市价上限"),
    pytest.param("buy", "600036.SH", 100, 35.505, 11, 1222, "应为2位", id="股票三位小数"),
    pytest.param("buy", "162411.SZ", 100, 0.6185, 11, 1222, "应为3位", id="基金四位小数"),
    pytest.param("buy", "600036.SH", 100, 99.0, 11, -990265060, "超过涨停", id="超涨停"),
    pytest.param("buy", "600036.SH", 100, 9.0, 11, -990265060, "超过跌停", id="低于跌停"),
    pytest.param("sell", "600036.SH", 100, 99.0, 44, -990265060, "超过涨停", id="保护价反向越界"),
    pytest.param("buy", "600036.SH", 100_000, "last", 11, 260200, "可用资金不足", id="钱不够"),
    pytest.param("sell", "600036.SH", 300, "last", 11, 251005, "证券可用数量不足", id="股不够"),
    pytest.param("sell", "000001.SZ", 100, "last", 11, 251005, "证券可用数量不足", id="没有持仓"),
    pytest.param("buy", "600036.SH", 100, 0.0, 47, 1224, "不支持此市价", id="沪市没有47"),
    pytest.param("buy", "000001.SZ", 100, 0.0, 42, 1224, "不支持此市价", id="深市没有42"),
    pytest.param("buy", "113050.SH", 10, 0.0, 44, 1224, "不支持市价", id="转债没有市价"),
    pytest.param("buy", "204001.SH", 10, 1.5, 11, 12314, "不做正回购", id="正回购"),
    pytest.param("buy", "900901.SH", 100, 1.5, 11, 12314, "暂不支持B股", id="B股"),
    pytest.param("buy", "000300.SH", 100, 1.5, 11, -990221020, "无此证券代码", id="指数"),
    pytest.param("buy", "730001.SH", 100, 1.5, 11, -990221020, "无此证券代码", id="申购代码"),
    pytest.param("buy", "600036", 100, 35.0, 11, -990221020, "无此证券代码", id="没有后缀"),
    pytest.param("buy", "600036.SZ", 100, 35.0, 11, -990221020, "无此证券代码", id="后缀矛盾"),
    pytest.param("buy", "招商\ud800银行", 100, 35.0, 11, -990221020, "无此证券代码", id="乱写"),
]


@pytest.mark.parametrize(("side", "code", "volume", "price", "kind", "number", "text"), REJECTS)
def test_rejected(
    stocked: Desk, side: str, code: str, volume: int, price: Any, kind: int, number: int, text: str
) -> None:
    before = stocked.asset()
    if price == "last":
        price = yuan(stocked.quote(code).last_li)
    outcome = getattr(stocked, side)(code, volume, price, kind)
    assert outcome.answer.order_id > 0
    assert kinds(outcome) == ["order_error", 57]
    error, order = (event.row for event in outcome.events)
    assert error.error_id == -61
    assert f"[COUNTER] [{number}][" in error.error_msg
    assert text in error.error_msg
    assert error.error_msg.startswith(
        ("限价" if kind == 11 else "市价") + ("买入" if side == "buy" else "卖出")
    )
    assert len(error.error_msg.encode()) <= 127
    assert 0 < len(order.status_msg.encode()) <= 23
    assert order.order_sysid == ""
    assert stocked.asset() == before
    assert stocked.order(outcome.answer.order_id) == order


def test_reject_text_is_the_counters(stocked: Desk) -> None:
    error = stocked.buy("600036.SH", 100_000, 35.5).events[0].row
    assert error.error_msg.startswith("限价买入 [SH600036] [COUNTER] [260200][可用资金不足]")
    assert stocked.orders()[0].status_msg == "[COUNTER][260200][可"


ALLOWED = [
    pytest.param("sell", "600036.SH", 32, id="零头单独卖"),
    pytest.param("sell", "600036.SH", 132, id="零头与整手一起卖"),
    pytest.param("sell", "600036.SH", 232, id="清仓"),
    pytest.param("sell", "688981.SH", 200, id="科创-200"),
    pytest.param("sell", "688981.SH", 201, id="科创-201"),
    pytest.param("sell", "688111.SH", 150, id="科创-不足200一次卖完"),
    pytest.param("sell", "920002.BJ", 55, id="北-不足100一次卖完"),
    pytest.param("sell", "113050.SH", 25, id="转债清仓"),
    pytest.param("sell", "113050.SH", 5, id="转债零头"),
    pytest.param("buy", "688981.SH", 201, id="科创-201"),
    pytest.param("buy", "920002.BJ", 101, id="北-101"),
    pytest.param("buy", "162411.SZ", 100, id="基金"),
]


@pytest.mark.parametrize(("side", "code", "volume"), ALLOWED)
def test_allowed(stocked: Desk, side: str, code: str, volume: int) -> None:
    outcome = getattr(stocked, side)(code, volume, yuan(stocked.quote(code).last_li))
    assert kinds(outcome)[0] == 50


def test_protective_price_beyond_the_limit_freezes_at_the_limit(stocked: Desk) -> None:
    quote = stocked.quote("600036.SH")
    outcome = stocked.buy("600036.SH", 100, yuan(quote.limit_up_li + 1000), 45)
    assert kinds(outcome) == [50]
    assert stocked.asset().frozen_cash == yuan(quote.bids[0].price_li * 100) + 5.04


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"price_type": 0}, "报价类型"),
        ({"price_type": 99}, "报价类型"),
        ({"order_volume": 0}, "数量"),
        ({"order_volume": -100}, "数量"),
        ({"order_volume": 2**31}, "数量"),
        ({"account_id": "别人"}, "资金账号"),
        ({"account_type": 3}, "资金账号"),
        ({"order_type": 27}, "委托类型"),
        ({"price": 0.0}, "价格"),
        ({"price": -1.0}, "价格"),
        ({"price": float("nan")}, "价格"),
        ({"price": float("inf")}, "价格"),
        ({"price": 1e300}, "价格"),
    ],
    ids=str,
)
def test_refused_by_the_client(desk: Desk, change: dict[str, Any], text: str) -> None:
    args = SubmitOrder(2, "880000001", "600036.SH", 23, 100, 11, 35.5, "s", "r")._replace(**change)
    outcome = desk.engine.submit(args)
    assert outcome.events == ()
    assert outcome.answer.order_id == -1
    assert text in outcome.answer.error_msg
    assert desk.orders() == []
