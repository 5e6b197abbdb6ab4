"""委托：编号马上有，状态照柜台说的走，撤单赶不到委托前面，手工的看得到也撤得了。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy.trader.gateway")

from support import ACCOUNT, eventually
from veighna_floor import Offset, OrderType, Status, sim_setting

import easytrader
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.counters
LOW = 9.5


def test_a_limit_order_goes_through_its_states(qmt: Any, sim_folder: Path) -> None:
    price = _bid(qmt)
    number = qmt.send("600036.SH", 100, price, reference="均线 策略")
    assert qmt.main.get_gateway("QMT").gateway_name == number.split(".")[0]
    order = qmt.until(number, Status.NOTTRADED)
    qmt.cancel(number, "600036.SH")
    qmt.until(number, Status.CANCELLED)
    assert qmt.statuses(number) == [Status.SUBMITTING, Status.NOTTRADED, Status.CANCELLED]
    assert (order.type, order.price, order.volume) == (OrderType.LIMIT, price, 100)
    assert order.reference == "均线 策略"
    (row,) = _user(qmt).today_entrusts
    assert order.extra["entrust_no"] == row["order_id"]
    assert row["order_remark"] == "均线 策略"


def test_the_order_is_told_before_send_order_returns_and_counted_active(qmt: Any) -> None:
    """引擎的事件是另一个线程送的，但排在一切回报前面。"""
    number = qmt.send("600036.SH", 100, _bid(qmt))
    qmt.until(number, Status.NOTTRADED)
    assert qmt.statuses(number)[0] is Status.SUBMITTING
    assert [each.vt_orderid for each in qmt.main.get_all_active_orders()] == [number]


def test_a_cancel_before_the_number_is_known_cancels(qmt: Any) -> None:
    """vnpy_qmt 在第一个回报之前撤单什么都不做，vnpy_xt 要等柜台合同号。"""
    number = qmt.send("600036.SH", 100, _bid(qmt))
    qmt.cancel(number, "600036.SH")
    qmt.until(number, Status.CANCELLED)


def test_a_market_order_is_a_market_order(qmt: Any) -> None:
    """vnpy_qmt 的市价送的是最新价，也就是一笔限价。"""
    number = qmt.send("600036.SH", 200, None)
    order = qmt.until(number, Status.ALLTRADED)
    (row,) = _user(qmt).today_entrusts
    assert row["price_type_name"] == "对手方最优价格"
    assert (order.type, order.traded) == (OrderType.MARKET, 200)
    assert order.extra["average_price"] > 0


def test_the_beijing_exchange(qmt: Any) -> None:
    """vnpy_qmt 遇到北交所的一笔，整个轮询就断了。"""
    number = qmt.send("920799.BJ", 100, None)
    qmt.until(number, Status.ALLTRADED)
    eventually(lambda: qmt.position("920799.BJ"))
    assert qmt.position("920799.BJ").volume == 100
    assert qmt.main.get_contract("920799.BSE").min_volume == 100


def test_orders_placed_elsewhere_have_their_own_numbers_and_can_be_cancelled(
    qmt: Any, sim_folder: Path
) -> None:
    """vnpy_qmt 的手工单都叫空串，vnpy_xt 不报。"""
    hand = easytrader.use("sim")
    hand.connect(str(sim_folder), ACCOUNT)
    price = _bid(qmt)
    rows = [hand.buy("600036", price, amount) for amount in (100, 200)]
    numbers = [f"QMT.{row['entrust_no']}" for row in rows]
    for number in numbers:
        qmt.until(number, Status.NOTTRADED)
    assert [qmt.main.get_order(each).volume for each in numbers] == [100, 200]
    qmt.cancel(numbers[1], "600036.SH")
    qmt.until(numbers[1], Status.CANCELLED)
    assert qmt.main.get_order(numbers[0]).status is Status.NOTTRADED
    hand.close()


def test_the_day_so_far_is_told_when_connecting_and_each_trade_once(
    floor: Any, sim_folder: Path
) -> None:
    hand = easytrader.use("sim")
    hand.connect(str(sim_folder), ACCOUNT)
    done = hand.market_buy("600036", 100)["entrust_no"]
    hand.wait(done)
    gateway = floor.add(sim_setting(sim_folder))
    order = floor.until(f"QMT.{done}", Status.ALLTRADED)
    assert order.traded == 100
    Faults(sim_folder).duplicate_push("trade", times=3)
    number = floor.send("600036.SH", 100, None)
    floor.until(number, Status.ALLTRADED)
    hand.close()
    gateway.close()
    gateway.connect(sim_setting(sim_folder))  # 断开再连同一个账号：报过的不再报
    eventually(lambda: len(floor.told("连接成功")) == 2)  # 排在补报的后面
    assert [each.vt_orderid for each in floor.seen["trade"]] == [f"QMT.{done}", number]
    assert len({each.vt_tradeid for each in floor.main.get_all_trades()}) == 2
    assert len(floor.main.get_all_orders()) == 2


def test_what_a_strategy_says_about_offset_comes_back(qmt: Any) -> None:
    number = qmt.send("600036.SH", 100, None, offset=Offset.OPEN)
    order = qmt.until(number, Status.ALLTRADED)
    (trade,) = qmt.main.get_all_trades()
    assert (order.offset, trade.offset) == (Offset.OPEN, Offset.OPEN)
    sold = qmt.send("600000.SH", 100, None, sells=True, offset=Offset.CLOSEYESTERDAY)
    qmt.until(sold, Status.ALLTRADED)


CANNOT: Any = (
    ({"sells": True, "offset": Offset.OPEN}, "没有卖出开仓"),
    ({"offset": Offset.CLOSE}, "没有买入平仓"),
    ({"kind": OrderType.FAK}, "只有 LIMIT 与 MARKET"),
    ({"kind": OrderType.STOP}, "只有 LIMIT 与 MARKET"),
    ({"volume": 100.5}, "整数"),
    ({"volume": float("nan")}, "整数"),
    ({"volume": float("inf")}, "整数"),
    ({"price": float("nan")}, "price"),
    ({"price": -1.0}, "price"),
    ({"code": "600036.SZ"}, "没有这样的代码"),
)


def test_what_cannot_be_done_is_refused_and_never_sent(qmt: Any) -> None:
    for how, why in CANNOT:
        given = {"code": "600036.SH", "volume": 100, "price": LOW, **how}
        number = qmt.send(**given)
        order = qmt.until(number, Status.REJECTED)
        assert why in order.extra["message"]
        assert why in qmt.hears(number)
        qmt.cancel(number, "600036.SH")
        qmt.hears(f"撤单没有发出：委托 {number}")
    assert _user(qmt).today_entrusts == []


def test_the_counters_refusal_and_its_reason(qmt: Any) -> None:
    number = qmt.send("600036.SH", 900_000, _bid(qmt))
    order = qmt.until(number, Status.REJECTED)
    assert order.extra["message"] in qmt.hears(number)
    assert "资金" in qmt.hears(number)


def test_before_connecting_nothing_is_sent(floor: Any, sim_folder: Path) -> None:
    from veighna_floor import EasytraderGateway

    floor.main.add_gateway(EasytraderGateway, "QMT")
    number = floor.send("600036.SH", 100, LOW)
    floor.until(number, Status.REJECTED)
    floor.cancel(number, "600036.SH")
    assert "还没有连接" in floor.hears("撤单没有发出")


def test_a_cancel_of_nothing_says_so(qmt: Any) -> None:
    qmt.cancel("QMT.123", "600036.SH")
    assert "没有这笔委托" in qmt.hears("QMT.123")


def test_a_second_cancel_is_refused_with_a_sentence(qmt: Any) -> None:
    number = qmt.send("600036.SH", 100, None)
    qmt.until(number, Status.ALLTRADED)
    qmt.cancel(number, "600036.SH")
    assert number in qmt.hears("撤单被拒")


def test_strategies_convert_their_requests_for_net_positions(qmt: Any) -> None:
    from vnpy.trader.constant import Direction, Exchange
    from vnpy.trader.object import OrderRequest

    request = OrderRequest(
        "600000", Exchange.SSE, Direction.SHORT, OrderType.LIMIT, 100, LOW, Offset.CLOSE
    )
    assert qmt.main.convert_order_request(request, "QMT", False, False) == [request]


def _user(floor: Any) -> Any:
    return floor.main.get_gateway("QMT").user


def _bid(floor: Any) -> float:
    """挂得住的买价：买一往下半元。"""
    quote = _user(floor).quote("600036")["600036"]
    return round(quote["bids"][0][0] - 0.5, 2)
