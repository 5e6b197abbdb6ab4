"""撤单要时间，会输给成交；时间是市场的，走一步看一步，同样的命令总是同样的结果。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from manners_desk import BUY, SELL, Desk

if TYPE_CHECKING:
    from collections.abc import Callable

    Sit = Callable[..., Desk]


def rest(desk: Desk, volume: int = 1000) -> int:
    """挂一笔等着的卖单，卖一的价。"""
    number = desk.order(SELL, volume, desk.ask)
    assert number > 0
    desk.wait(5)
    desk.heard.told.clear()
    desk.heard.rows.clear()
    return number


def cancel(desk: Desk, number: int) -> None:
    assert desk.trader.cancel_order_stock(desk.account, number) == 0


def fast(sit: Sit, **settings: Any) -> Desk:
    return sit(
        **{"profile": "push", "answer_s": 0, "cancel_answer_s": 0, "query_lag_s": 0, **settings}
    )


def test_a_cancel_takes_its_time(sit: Sit) -> None:
    desk = fast(sit)
    number = desk.order(BUY, 100, desk.quote().limit_down_li / 1000 + 2)
    desk.wait(5)
    desk.heard.told.clear()
    cancel(desk, number)
    assert desk.settled() == [("O", 51)]
    assert desk.one(number).order_status == 51
    assert desk.trader.query_stock_asset(desk.account).frozen_cash > 0, "撤到之前还冻结着"
    assert desk.go(0.066) == [("O", 51)]
    assert desk.go(0.002) == [("O", 51), ("O", 54)]
    assert desk.trader.query_stock_asset(desk.account).frozen_cash == 0


def test_the_answer_comes_before_its_pushes_even_when_the_market_is_faster(sit: Sit) -> None:
    desk = sit(profile="push", answer_s=0, cancel_answer_s=1.0, cancel_done_s=0.1)
    number = desk.order(BUY, 100, desk.quote().limit_down_li / 1000 + 2)
    desk.wait(5)
    desk.heard.told.clear()
    desk.trader.cancel_order_stock_async(desk.account, number)
    desk.settled()
    assert desk.go(0.5) == []
    assert desk.go(0.5) == [("CR", 0), ("O", 51), ("O", 54)]


def test_some_counters_do_not_tell_that_a_cancel_is_under_way(sit: Sit) -> None:
    desk = sit(profile="minimal", answer_s=0, cancel_answer_s=0)
    number = desk.order(BUY, 100, desk.quote().limit_down_li / 1000 + 2)
    desk.wait(5)
    desk.heard.told.clear()
    cancel(desk, number)
    assert desk.go(0.1) == [("O", 54)]


def test_a_cancel_loses_the_race_to_a_fill(sit: Sit) -> None:
    desk = fast(sit, cancel_done_s=60)
    number = rest(desk, 100)
    cancel(desk, number)
    told = desk.go(61)
    assert ("O", 56) in told, "这个种子里卖一的单子一分钟内成交"
    assert told[-1] == ("CE", -54), "成交赢了：撤单失败的推送"
    assert "old_entrust_status=8" in desk.heard.rows[-1].error_msg
    assert desk.one(number).order_status == 56


def test_a_part_filled_order_is_part_cancelled(sit: Sit) -> None:
    desk = fast(sit, cancel_done_s=60, thin_books=1.0)
    number = desk.order(BUY, 20_000, desk.quote().bids[0].price_li / 1000)
    desk.wait(5)
    desk.heard.told.clear()
    cancel(desk, number)
    told = desk.go(61)
    order = desk.one(number)
    assert 0 < order.traded_volume < 20_000, "这个种子里一分钟只成交得了一部分"
    assert order.order_status == 53
    assert told[0] == ("O", 51)
    assert {each[1] for each in told if each[0] == "O"} == {51, 52, 53}
    assert told[-1] == ("O", 53)


def test_a_second_cancel_is_refused(sit: Sit) -> None:
    desk = fast(sit)
    number = desk.order(BUY, 100, desk.quote().limit_down_li / 1000 + 2)
    desk.wait(5)
    cancel(desk, number)
    cancel(desk, number)
    told = desk.go(1)
    assert told.count(("CE", -54)) == 1
    assert told.count(("O", 54)) == 1


def test_a_cancel_under_way_survives_the_client(sit: Sit) -> None:
    desk = fast(sit, cancel_done_s=60)
    number = desk.order(BUY, 100, desk.quote().limit_down_li / 1000 + 2)
    desk.wait(5)
    cancel(desk, number)
    desk.reopen()
    desk.go(59)
    assert desk.one(number).order_status == 51
    desk.go(1)
    assert desk.one(number).order_status == 54
    assert desk.trader.query_stock_asset(desk.account).frozen_cash == 0


def test_a_cancel_under_way_ends_with_its_day(sit: Sit) -> None:
    desk = fast(sit, cancel_done_s=60, when="2026-11-20 14:56:30")
    number = desk.order(BUY, 100, desk.quote().limit_down_li / 1000 + 2)
    cancel(desk, number)
    desk.goto("2026-11-23 10:00")
    assert desk.one(number) is None
    assert desk.heard.told.count(("O", 54)) == 1
    assert ("CE", -54) not in desk.heard.told


def test_the_same_commands_give_the_same_story(sit: Sit) -> None:
    stories = []
    for name in ("a", "b"):
        desk = fast(sit, name=name, cancel_done_s=30)
        for volume in (100, 200, 300):
            number = desk.order(SELL, volume, desk.ask)
            desk.go(4)
            cancel(desk, number)
            desk.go(20)
        desk.go(60)
        stories.append(list(desk.heard.told))
    assert stories[0] == stories[1]
