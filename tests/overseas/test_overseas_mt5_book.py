"""MT5 的推送怎样攒成委托、成交、持仓：乱序、没有备注、又有消息了。"""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from easytrader.backend.records import OrderChanged, Side, Traded
from easytrader.codes import Direction, OrderStatus
from easytrader.overseas.mt5.book import Book

_TAG = "k3j9x0a2b"


def _request(price: float = 0) -> Any:
    security = SimpleNamespace(stock_code="EURUSD")
    return SimpleNamespace(security=security, side=Side.BUY, volume=2, price=price, tag=_TAG)


def _order(kind: int, ticket: int = 7, comment: str = "", **more: Any) -> dict[str, Any]:
    row = {"order": ticket, "symbol": "EURUSD", "order_type": 0, "order_price": 0,
           "order_volume_initial": 2, "order_volume_current": 2, "order_state": 1,
           "order_time_setup": 1_700_000_000, "order_comment": comment}  # fmt: skip
    told = {**row, "trans_state": 1, "trans_type": kind, **more}
    return {"type": "order", "data": told}


def _done(ticket: int = 7, code: int = 10009, deal: int = 70) -> dict[str, Any]:
    data = {"order": 0, "trans_type": 10, "request_comment": f"~{_TAG}~", "result_order": ticket,
            "result_retcode": code, "result_deal": deal, "result_price": Decimal("1.1"),
            "result_volume": 2}  # fmt: skip
    return {"type": "order", "data": data}


def test_market_order_told_without_comment_before_it_is_named() -> None:
    """新增、成交先来，没有备注；名字最后才来：是一笔委托、一笔成交。"""
    book = Book("USD", 0)
    book.sending(_request())
    deal = {"deal": 70, "trans_price": Decimal("1.1"), "trans_volume": 2}
    for packet in (_order(0), _order(6, **deal), _order(2, trans_state=4)):
        assert book.take(packet) == []
    events = book.take(_done())
    assert [each.trade.order_id for each in events if isinstance(each, Traded)] == [_TAG]
    assert {each.order.order_id for each in events if isinstance(each, OrderChanged)} == {_TAG}
    book.answered(_TAG, accepted=True)
    (row,) = book.orders.values()
    assert (row.order_status, row.traded_volume, row.order_sysid) == (
        OrderStatus.SUCCEEDED, 2, "7",
    )  # fmt: skip


def test_refusal_that_overtakes_the_answer_is_kept() -> None:
    book = Book("USD", 0)
    book.sending(_request(1.0))
    book.take(_done(ticket=0, code=10019, deal=0))
    book.answered(_TAG, accepted=True)
    assert book.orders[_TAG].order_status == OrderStatus.JUNK
    assert book.orders[_TAG].status_msg == "资金不足（10019）"


def test_vanished_order_that_is_heard_of_again() -> None:
    book = Book("USD", 0)
    book.take(_order(0, comment=f"~{_TAG}~"))
    (row,) = book.open_orders([], 0.0)
    assert row.order_status == OrderStatus.UNKNOWN
    book.take(_order(2, comment=f"~{_TAG}~", trans_state=6))
    assert (book.orders[_TAG].order_status, book.orders[_TAG].status_msg) == (
        OrderStatus.CANCELED, "",
    )  # fmt: skip


def test_same_deal_told_twice_is_one_trade() -> None:
    book = Book("USD", 0)
    book.take(_order(0, comment=f"~{_TAG}~"))
    deal = {"deal": 70, "trans_price": Decimal("1.1"), "trans_volume": 2}
    events = [*book.take(_order(6, **deal)), *book.take(_done()), *book.take(_order(6, **deal))]
    assert len([each for each in events if isinstance(each, Traded)]) == 1


def test_both_sides_of_a_hedged_account() -> None:
    book = Book("USD", 0)
    assert book.positions() is None
    rows = [("EURUSD", 0, 1, "1.10"), ("EURUSD", 0, 3, "1.20"), ("EURUSD", 1, 2, "1.15")]
    data = [{"symbol": s, "type": t, "volume": v, "price": Decimal(p)} for s, t, v, p in rows]
    book.take({"type": "position", "data": data})
    long, short = book.positions() or []
    assert (long.volume, long.avg_price, long.direction) == (4, Decimal("1.175"), Direction.LONG)
    assert (short.volume, short.direction) == (2, Direction.SHORT)
    book.take({"type": "position"})
    assert book.positions() == []
