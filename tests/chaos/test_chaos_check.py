"""核对自己也要核对：喂假的账、假的回调，它得叫出来。"""

from __future__ import annotations

import pytest
from chaos_check import (
    Call,
    Delivery,
    LedgerOrder,
    LedgerTrade,
    Wish,
    check_calls,
    check_events,
    check_wishes,
)
from chaos_ledger import Ledger, read_ledger
from chaos_tally import Tally
from support import ACCOUNT, make_folder

import easytrader

DONE = LedgerOrder(7, "tag000007", "k7", 56, 300)
CANCELLED = LedgerOrder(8, "tag000008", "k8", 54, 0)
TRADES = [LedgerTrade("t1", "600036.SH", 7, 100), LedgerTrade("t2", "600036.SH", 7, 200)]
STORY = [
    Delivery("order", 7, 50, 0),
    Delivery("trade", 7, volume=100, traded_id="t1", stock_code="600036.SH"),
    Delivery("order", 7, 55, 100),
    Delivery("order", 8, 50, 0),
    Delivery("trade", 7, volume=200, traded_id="t2", stock_code="600036.SH"),
    Delivery("order", 7, 56, 300),
    Delivery("order", 8, 54, 0),
]


def events(story: list[Delivery]) -> list[str]:
    return check_events([DONE, CANCELLED], TRADES, story)


def test_a_true_story_passes() -> None:
    assert events(STORY) == []
    caught_up = [STORY[1], STORY[4], STORY[5], STORY[6]]  # 断线期间成交的，补交
    assert events(caught_up) == []


@pytest.mark.parametrize(
    ("story", "complaint"),
    [
        (STORY[:4] + STORY[5:], "成交丢了"),
        ([*STORY, STORY[1]], "成交来了 2 次"),
        ([*STORY[:3], STORY[0], *STORY[3:]], "来了 2 次"),
        ([*STORY, STORY[5]], "终态应为一次"),
        (STORY[:5] + STORY[6:], "终态应为一次"),
        (STORY[:6], "终态应为一次"),
        ([STORY[0], STORY[1], *STORY[3:6], STORY[2], STORY[6]], "倒退"),
        ([STORY[1], STORY[0], *STORY[2:]], "先于它的第一个状态"),
        ([STORY[0], STORY[2], STORY[1], *STORY[3:]], "先于它的成交"),
        ([*STORY, Delivery("trade", 7, volume=1, traded_id="x")], "没有的成交"),
        ([*STORY, Delivery("order", 9, 50)], "没有的委托"),
        ([*STORY, Delivery("order_error", 8), Delivery("order_error", 8)], "失败来了 2 次"),
    ],
)
def test_doctored_events_are_noticed(story: list[Delivery], complaint: str) -> None:
    assert any(complaint in text for text in events(story))


def wish(*outcomes: str, number: int = 0, settled: int | None = None) -> dict[str, Wish]:
    calls = [Call("buy", 0.1, 0.6, each, number=number if each == "ok" else 0) for each in outcomes]
    return {"k7": Wish("k7", "buy", "id", "tag000007", calls, settled)}


ONCE = [DONE]
NONE: list[LedgerOrder] = []


@pytest.mark.parametrize(
    ("wishes", "orders"),
    [
        (wish("ok", number=7), ONCE),
        (wish("unknown", settled=7), ONCE),
        (wish("unknown", "ok", number=7), ONCE),
        (wish("unknown", settled=0), NONE),
        (wish("refused"), NONE),
        (wish("not_connected"), NONE),
        (wish("unknown", "not_connected", settled=0), NONE),
    ],
)
def test_true_accounts_pass(wishes: dict[str, Wish], orders: list[LedgerOrder]) -> None:
    assert check_wishes(wishes, orders, frozenset()) == []


@pytest.mark.parametrize(
    ("wishes", "orders", "complaint"),
    [
        (wish("ok", number=7), NONE, "得到编号而账上是"),
        (wish("ok", number=9), ONCE, "得到编号而账上是"),
        (wish("ok", number=7), [DONE, DONE._replace(order_id=9)], "下了 2 次"),
        (wish("ok", number=7), [DONE, DONE._replace(order_id=9, key="k")], "在账上有 2 笔"),
        (wish("not_connected"), ONCE, "以为没有"),
        (wish("refused"), ONCE, "以为没有"),
        (wish("usage"), ONCE, "不该抛的"),
        (wish("unknown", settled=0), ONCE, "以为没有"),
        (wish("unknown"), ONCE, "没有核对出来"),
        (wish("unknown", settled=9), ONCE, "得到编号而账上是"),
        (wish("unknown", "ok", number=7, settled=9), ONCE, "不同的编号"),
        (wish("failed"), NONE, "不该抛的"),
        ({}, ONCE, "谁也没有下过"),
    ],
)
def test_doctored_accounts_are_noticed(
    wishes: dict[str, Wish], orders: list[LedgerOrder], complaint: str
) -> None:
    assert any(complaint in text for text in check_wishes(wishes, orders, frozenset()))


def test_late_and_alien_calls_are_noticed() -> None:
    fine = [Call("buy", 1.05, 0.6, "unknown"), Call("balance", 0.1, 0.6, "ok")]
    assert check_calls(fine) == []
    assert "没有办成" in check_calls(fine, calm=True)[0]
    assert "超时" in check_calls([Call("buy", 1.2, 0.6, "unknown")])[0]
    assert "不是 EasytraderError" in check_calls([Call("buy", 0.1, 0.6, "alien", "KeyError")])[0]


def test_the_ledger_is_read_without_the_client(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = make_folder(tmp_path_factory.mktemp("账本") / "userdata_mini")
    with easytrader.use("sim") as user:
        user.connect(str(folder), ACCOUNT)
        number = user.buy("600036", 32.5, 100, remark="备注", client_order_id="一号")["entrust_no"]
        traded = user.market_buy("600036", amount=100)["entrust_no"]
        ledger = read_ledger(folder, ACCOUNT)
        assert [(each.order_id, each.key) for each in ledger.orders] == [
            (number, "备注"), (traded, ""),
        ]  # fmt: skip
        assert ledger.open_orders == [number]
        assert [(each.order_id, each.volume) for each in ledger.trades] == [(traded, 100)]
        assert read_ledger(folder, "别人") == Ledger([], [])


def test_tallies_add_up() -> None:
    one, both = Tally(scenarios=2, calls=3, overrun_s=-0.1), Tally(overrun_s=-0.5)
    one.grid["kill", "buy"] = 2
    one.outcomes["kill + hang", "buy", "unknown→found"] = 1
    one.fail(3, ["丢了"])
    both.merge(one.as_json())
    both.merge(one.as_json())
    assert (both.scenarios, both.calls, both.overrun_s) == (4, 6, -0.1)
    text = both.show()
    assert "kill" in text
    assert "丢了" in text
    assert "没有过的 2 个" in text
