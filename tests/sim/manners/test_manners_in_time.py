"""先应答，后推送；快慢、次序、多少照券商的脾气。跑的是厂商自己的代码。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from manners_desk import BUY, PEER, SELL, Desk

from easytrader.sim.host.pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable

    Sit = Callable[..., Desk]

TOO_MANY = 10**6


def test_no_push_runs_before_the_order_returns(sit: Sit) -> None:
    desk = sit(profile="push", answer_s=0)  # 时间是测试的：应答立刻，推送等着
    early = []
    for _ in range(200):
        before = len(desk.heard.told)
        assert desk.order(BUY, 100, 0, PEER) > 0
        early.append(len(desk.heard.told) - before)
        desk.wait(1)
    assert sum(early) == 0, "以前 200 笔里 200 笔的推送都跑在 order_stock 返回之前"
    assert len(desk.heard.told) > 200


def test_push_counter_tells_everything_in_its_order(sit: Sit) -> None:
    desk = sit(profile="push")
    desk.order_async(BUY, 200, 0, PEER)
    assert desk.settled() == []
    assert desk.wait(0.019) == []
    assert desk.wait(0.001) == [("R", True)]
    assert desk.wait(0.014) == [("R", True)]
    reported = [("R", True), ("O", 48), ("O", 49), ("O", 50)]
    assert desk.wait(0.001) == reported
    assert desk.wait(0.094) == reported
    assert desk.wait(0.001) == [*reported, ("O", 56), ("T", 200)]
    sysids = [row.order_sysid for row in desk.heard.rows[1:]]
    assert sysids[:2] == ["", ""]
    assert len({*sysids[2:]}) == 1
    assert sysids[2]


def test_rejection_comes_after_the_answer(sit: Sit) -> None:
    desk = sit(profile="push")
    desk.order_async(BUY, TOO_MANY, desk.ask)
    assert desk.wait(0.02) == [("R", True)]
    assert desk.wait(0.010) == [("R", True)]
    assert desk.wait(0.001) == [("R", True), ("E", -61), ("O", 57)]
    error = desk.heard.rows[1]
    assert error.error_msg.startswith("限价买入 [SH600036] [COUNTER] [260200][可用资金不足]")


def test_a_late_host_still_keeps_the_distance(sit: Sit) -> None:
    desk = sit(profile="push")
    desk.order_async(BUY, TOO_MANY, desk.ask)
    assert desk.wait(5) == [("R", True)], "主机晚了，废单也跟着晚，不与应答挤在一起"
    assert desk.wait(0.011)[1:] == [("E", -61), ("O", 57)]


def test_poll_counter_is_late_with_numbers_and_queries(sit: Sit) -> None:
    desk = sit(profile="poll", answer_s=0)
    number = desk.order(SELL, 100, desk.quote().limit_up_li / 1000)
    assert desk.one(number) is None, "查询是缓存"
    assert desk.wait(0.5) == [("O", 50)]
    assert desk.heard.rows[0].order_sysid == ""
    desk.go(1.5)
    assert desk.heard.told == [("O", 50), ("O", 50)]
    assert desk.heard.rows[1].order_sysid
    desk.go(1.5)
    assert desk.one(number).order_sysid == desk.heard.rows[1].order_sysid


def test_contract_number_is_late_in_queries_too(sit: Sit) -> None:
    desk = sit(profile="poll", answer_s=0, query_lag_s=0)
    number = desk.order(SELL, 100, desk.quote().limit_up_li / 1000)
    assert (desk.one(number).order_status, desk.one(number).order_sysid) == (50, "")
    desk.go(2)
    assert desk.one(number).order_sysid


def test_poll_counter_tells_the_junk_before_the_error(sit: Sit) -> None:
    desk = sit(profile="poll", answer_s=0)
    desk.order(BUY, TOO_MANY, desk.ask)
    assert desk.wait(1) == [("O", 50), ("O", 57), ("E", -61)]


def test_minimal_counter_refuses_a_wrong_price_on_the_spot(sit: Sit) -> None:
    desk = sit(profile="minimal", answer_s=0)
    beyond = desk.quote().limit_up_li / 1000 + 1
    assert desk.order(BUY, 100, beyond) == -1
    assert desk.wait(10) == [], "没有推送"
    assert desk.trader.query_stock_orders(desk.account) == [], "也没有记录"


def test_minimal_counter_words_its_refusals(sit: Sit) -> None:
    desk = sit(profile="minimal", answer_s=0, when="2026-11-20 20:00")
    desk.order(BUY, 100, 30.0)
    assert desk.wait(1) == [("E", -59), ("O", 57)]
    assert desk.heard.rows[0].error_msg == "当前时间不允许委托"
    rich = sit("rich", profile="minimal", answer_s=0)
    rich.order(BUY, TOO_MANY, rich.ask)
    rich.wait(1)
    text = rich.heard.rows[0].error_msg
    assert text.startswith("[COUNTER] [资金可用余额]不足，尚需[")
    assert "{" not in text


def test_partial_fills_may_be_told_twice(sit: Sit) -> None:
    desk = sit(profile="push", answer_s=0)
    desk.order(BUY, 100, desk.ask)
    assert ("O", 55) not in desk.wait(10)
    desk = sit("twice", profile="push", answer_s=0, thin_books=1.0)
    desk.order(BUY, 20_000, desk.ask)
    assert [each for each in desk.wait(10) if each == ("O", 55)] == [("O", 55)] * 2


@pytest.mark.parametrize(("first", "kinds"), [(True, "OTO"), (False, "OOT")])
def test_which_of_order_and_trade_comes_first(sit: Sit, first: bool, kinds: str) -> None:
    desk = sit(profile="instant", trade_first=first)
    desk.order(BUY, 100, 0, PEER)
    assert "".join(each[0] for each in desk.settled()) == kinds


def test_account_pushes_are_a_switch(sit: Sit) -> None:
    quiet = sit(profile="push", answer_s=0)
    quiet.order(BUY, 100, 0, PEER)
    assert not {each[0] for each in quiet.wait(1)} & {"A", "P"}, "厂商说目前不生效"
    desk = sit("loud", profile="push", answer_s=0, account_pushes=True, position_pushes=True)
    desk.order(BUY, 100, 0, PEER)
    told = desk.wait(1)
    assert ("P", 1100) in told
    assert told[-1] == ("P", 1100), "在引起它的委托、成交之后"
    cash = next(row.cash for row in desk.heard.rows if hasattr(row, "fetch_balance"))
    assert cash == desk.trader.query_stock_asset(desk.account).cash


def test_pushes_die_with_the_client_and_the_queries_tell_the_truth(sit: Sit) -> None:
    desk = sit(profile="push", answer_s=0)
    number = desk.order(BUY, 100, 0, PEER)
    desk.reopen()
    assert desk.wait(10) == [], "没送出的推送没有了"
    assert desk.one(number).order_status == 56


def test_a_stepped_market_answers_at_once(sit: Sit) -> None:
    desk = sit(profile="push", clock="step", start="2026-11-20 10:00")
    assert desk.order(BUY, 100, 0, PEER) > 0
    desk.settled()


def test_orders_do_not_wait_for_each_other() -> None:
    now = [0.0]
    sent: list[str] = []
    pacer = Pacer(lambda: now[0])

    def say(text: str) -> Any:
        return lambda: sent.append(text)

    pacer.answer(1, 1.0, say("R1"))
    pacer.push(1, 1.0, 10.0, say("O1"))
    pacer.push(1, 1.0, 0.0, say("T1"))
    pacer.push(2, 0.0, 0.0, say("O2"))
    assert sent == ["O2"]
    now[0] = 1.0
    pacer.release()
    assert sent == ["O2", "R1"]
    assert pacer.next_due_s() == 10.0
    now[0] = 11.0
    pacer.release()
    assert sent == ["O2", "R1", "O1", "T1"], "同一笔的次序不变"
    assert pacer.next_due_s() is None
    pacer.push(1, 0.0, 0.0, say("again"))
    assert sent[-1] == "again"


def test_no_push_overtakes_its_answer() -> None:
    now = [0.0]
    sent: list[str] = []
    pacer = Pacer(lambda: now[0])
    pacer.answer(1, 1.0, lambda: sent.append("CR"))
    pacer.push(1, 0.0, 0.0, lambda: sent.append("O54"))  # 市场上先撤掉了，应答还在路上
    assert sent == []
    now[0] = 1.0
    pacer.release()
    assert sent == ["CR", "O54"]
    pacer.answer(1, 1.0, lambda: sent.append("x"))
    pacer.clear()
    now[0] = 9.0
    pacer.release()
    assert sent == ["CR", "O54"]
