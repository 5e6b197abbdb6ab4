"""``passorder``：写法、操作类型、下单方式、报价类型，一笔委托的五种死法。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, eventually
from terminal_desk import BUY, CODE, SELL, SOURCE, DeskClient, desk_client

from easytrader.sim.config.folder import AccountConfig
from easytrader.sim.terminal.client.manners import MANNERS
from easytrader.sim.terminal.client.passorder import Counterpart, Refusal, precheck, read, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOOK = {
    "lastPrice": 10.0,
    "askPrice": [10.01, 10.02, 10.03, 10.04, 0.0],
    "bidPrice": [9.99, 9.98, 9.97, 9.96, 9.95],
}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[DeskClient]:
    with desk_client(tmp_path) as made:
        yield made


def resolved(account_type: int = 2, *, plain: bool = True, **changes: Any) -> dict[str, Any]:
    """换算一笔；没有说的是 10 元买 100 股。"""
    names = ("op", "kind", "account", "code", "pr", "price", "volume", "name", "quick", "tag")
    values = {
        **dict(zip(names, (BUY, 1101, ACCOUNT, CODE, 11, 10.0, 100, "s", 2, "t"), strict=True)),
        **changes,
    }
    call, _ = read("passorder", (*values.values(), None))
    known = Counterpart(
        lambda _: BOOK,
        lambda _: {"UpStopPrice": 11.0, "DownStopPrice": 9.0},
        lambda: {"m_dBalance": 100_000.0, "m_dAvailable": 50_000.0},
        lambda _: {"m_nCanUseVolume": 900},
    )
    return resolve(call, account_type, known, plain)


@pytest.mark.parametrize(
    ("given", "strategy", "quick", "tag"),
    [
        ((), "", 0, ""),
        ((1,), "", 1, ""),
        (("名", 2), "名", 2, ""),
        (("名", 2, "~tag~"), "名", 2, "~tag~"),
    ],
)
def test_short_forms(given: tuple[Any, ...], strategy: str, quick: int, tag: str) -> None:
    context = object()
    call, last = read("passorder", (23, 1101, ACCOUNT, CODE, 11, 10.0, 100, *given, context))
    assert (call.strategyName, call.quickTrade, call.userOrderId) == (strategy, quick, tag)
    assert last is context


@pytest.mark.parametrize(
    "args",
    [
        (23, 1101, ACCOUNT, CODE, 11, 10.0, None),
        ("23", 1101, ACCOUNT, CODE, 11, 10.0, 100, "", 2, "t", None),
        (23, 1101, ACCOUNT, CODE, 11, "10", 100, "", 2, "t", None),
        (23, 1101, int(ACCOUNT), CODE, 11, 10.0, 100, "", 2, "t", None),
        (23, 1101, ACCOUNT, CODE, 11, 10.0, 100, "", 2, 5, None),
    ],
)
def test_wrong_shape_is_a_type_error_at_once(args: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="did not match C\\+\\+ signature"):
        read("passorder", args)


def test_operation_types_on_a_stock_account() -> None:
    assert resolved(op=23)["order_type"] == 23
    assert resolved(op=24)["order_type"] == 24
    assert resolved(op=80)["order_type"] == 80
    for wrong in (0, 3, 25, 27, 33, 34, 40, 70, 75, 82):
        with pytest.raises(Refusal, match="操作类型"):
            resolved(op=wrong)


def test_operation_types_on_a_credit_account() -> None:
    found = {op: resolved(3, op=op)["order_type"] for op in (23, 24, 33, 34, *range(27, 32))}
    assert found == {23: 23, 24: 24, 33: 23, 34: 24, 27: 27, 28: 28, 29: 29, 30: 30, 31: 31}
    assert [resolved(3, op=op)["order_type"] for op in range(70, 76)] == list(range(40, 46))
    cash = resolved(3, op=32, volume=1234, code="", price=0.0)
    assert (cash["order_type"], cash["volume"]) == (32, 1234)
    for wrong in (0, 40, 45, 80):
        with pytest.raises(Refusal, match="操作类型"):
            resolved(3, op=wrong)
    with pytest.raises(Refusal, match="操作类型"):
        resolved(3, op=23, plain=False)


@pytest.mark.parametrize(
    ("pr", "op", "price"),
    [
        (0, BUY, None),
        (1, BUY, 10.04),
        (4, BUY, 10.01),
        (5, BUY, 10.0),
        (6, BUY, 9.99),
        (10, SELL, 9.95),
        (12, BUY, 11.0),
        (12, SELL, 9.0),
        (13, BUY, 9.99),
        (13, SELL, 10.01),
        (14, BUY, 10.01),
        (14, SELL, 9.99),
        (-1, BUY, None),
        (20, BUY, None),
    ],
)
def test_price_types_resolved_from_the_book(pr: int, op: int, price: float | None) -> None:
    """给的价格只在限价与盘后里有用；那一档没有人，就是「指定价无效」。"""
    if price is None:
        with pytest.raises(Refusal, match="无效, 无法下单!"):
            resolved(pr=pr, op=op, price=77.0)
    else:
        found = resolved(pr=pr, op=op, price=77.0)
        assert (found["price_type"], found["price"]) == (11, price)


def test_market_kinds_and_after_hours() -> None:
    for pr in range(42, 49):
        found = resolved(pr=pr, price=-1)
        assert (found["price_type"], found["price"]) == (pr, 0.0)
    assert resolved(pr=43, price=10.5)["price"] == 10.5
    assert resolved(pr=49)["order_type"] == 1043
    assert resolved(pr=49, op=SELL) == resolved(op=SELL) | {"order_type": 1044}
    with pytest.raises(Refusal):
        resolved(3, pr=49, op=27)


@pytest.mark.parametrize(
    ("kind", "volume", "op", "shares"),
    [
        (1101, 300, BUY, 300),
        (1102, 5_999, BUY, 500),
        (1113, 0.25, BUY, 2_500),
        (1123, 0.5, BUY, 2_500),
        (1123, 0.5, SELL, 400),
        (1102, 999, BUY, None),
        (1113, 1.5, BUY, None),
        (1101, 0, BUY, None),
        (1101, 100.5, BUY, None),
        (1101, float("nan"), BUY, None),
        (1201, 100, BUY, None),
        (2101, 100, BUY, None),
    ],
)
def test_volume_units(kind: int, volume: float, op: int, shares: int | None) -> None:
    if shares is None:
        with pytest.raises(Refusal):
            resolved(kind=kind, volume=volume, op=op)
    else:
        assert resolved(kind=kind, volume=volume, op=op)["volume"] == shares


def test_the_client_checks_only_what_it_sees() -> None:
    known = Counterpart(
        lambda _: BOOK,
        lambda _: {"UpStopPrice": 11.0, "DownStopPrice": 9.0},
        lambda: {"m_dAvailable": 5_000.0},
        lambda _: {"m_nCanUseVolume": 200},
    )
    buy = {"stock_code": CODE, "order_type": 23, "price_type": 11, "price": 10.0, "volume": 500}
    assert precheck(buy, known) == ""
    assert precheck({**buy, "volume": 600}, known) == "可用资金不足"
    assert precheck({**buy, "volume": 150}, known).endswith("整数倍")
    assert precheck({**buy, "price": 11.01}, known) == "委托价格超过涨停价"
    sell = {**buy, "order_type": 24, "volume": 200}
    assert precheck(sell, known) == ""
    assert precheck({**sell, "volume": 201}, known) == "可用数量不足"
    assert precheck({**sell, "price": 8.99}, known) == "委托价格低于跌停价"


def test_an_order_lives(client: DeskClient) -> None:
    client.order(200, round(client.last * 1.01, 2), tag="~k3j9x0a2b~", name="策略")
    eventually(lambda: client.wait(0.1) or client.told("deal"))
    order, deal = client.rows("ORDER")[-1], client.rows("DEAL")[-1]
    assert (order.m_nOrderStatus, order.m_strRemark) == (56, "~k3j9x0a2b~")
    assert (order.m_strSource, order.m_nVolumeTraded, order.m_nVolumeTotal) == ("策略", 200, 0)
    assert (deal.m_strOrderSysID, deal.m_nVolume) == (order.m_strOrderSysID, 200)
    assert client.terminal.calls[0][0] == "~k3j9x0a2b~"
    assert len(client.lines("send order to tradeModule")) == 1


def test_death_by_arguments_is_told_with_the_remark(client: DeskClient) -> None:
    client.order(100, 0.0, tag="~bad~", code="000001.SZ", name="策略")
    client.wait()
    [(_, args, msg)] = [each for each in client.seen if each[0] == "error"]
    assert msg == "[函数交易] 函数: passorder, 证券 [SZ000001] 指定价 无效, 无法下单!"
    assert args.strategyName == "策略_&&&_~bad~"
    assert (args.opType, args.orderType, args.accountID) == (23, 1101, ACCOUNT)
    assert (args.orderCode, args.prType) == ("000001.SZ", 11)
    assert (args.modelPrice, args.modelVolume) == (0.0, 100)
    assert not hasattr(args, "quickTrade")
    client.order(100, 10.0, code="000001", tag="~code~")
    client.order(100, 10.0, op=33, tag="~op~")
    client.wait()
    assert [each[1].strategyName for each in client.seen[1:]] == ["s_&&&_~code~", "s_&&&_~op~"]
    assert client.rows() == []
    assert not client.lines("send order")


def test_death_at_the_counter(client: DeskClient) -> None:
    """50 → 57 → 57，理由在 m_strCancelInfo，编号是没有填过的。"""
    client.order(100_000, client.last, tag="~poor~")
    client.wait()
    assert [status for status, _ in client.statuses()] == [50, 57, 57]
    [row] = client.rows()
    assert row.m_strCancelInfo.startswith("[COUNTER][260200][可用资金不足]")
    assert (row.m_nErrorID, row.m_strErrorMsg) == (2147483647, "")
    assert client.told("order")[0].m_strCancelInfo == ""
    assert not client.desk.popups


def test_death_by_popup_leaves_no_trace(tmp_path: Path) -> None:
    manners = MANNERS["instant"].changed(popup=True)
    with desk_client(tmp_path, manners) as client:
        client.order(100_000, client.last, tag="~poor~")
        client.order(1_100, client.last, op=SELL, tag="~short~")
        client.wait(10)
        assert client.desk.popups == ["可用资金不足", "可用数量不足"]
        assert (client.rows(), client.seen) == ([], [])
        assert [tag for tag, _ in client.terminal.calls] == ["~poor~", "~short~"]


def test_death_in_a_mode_that_does_not_trade(tmp_path: Path) -> None:
    for mode in ("sim", "editor"):
        with desk_client(tmp_path / mode, mode=mode) as client:
            client.order(100, client.last, tag="~gone~")
            client.order(100, 0.0, tag="~bad~")
            client.wait(10)
            assert (client.rows(), client.seen, client.desk.popups) == ([], [], [])
            assert not client.lines("send order")
            assert [tag for tag, _ in client.terminal.calls] == ["~gone~", "~bad~"]


def test_backtests_send_nothing(tmp_path: Path) -> None:
    source = SOURCE.replace(
        b"todo = []", b"todo = [(23, 1101, 'a', 'b', 11, 1.0, 100, 's', 2, 't')]"
    )
    with desk_client(tmp_path, mode="backtest", source=source) as client:
        assert client.terminal.calls
        client.wait(5)
        assert (client.rows(), client.seen) == ([], [])
        assert not client.lines("send order")


def test_market_orders_stay_out_of_auctions(tmp_path: Path) -> None:
    sim = {"clock": "step", "start": "2026-11-19 09:20", "profile": "instant"}
    with desk_client(tmp_path, sim=sim) as client:
        client.order(100, 0.0, pr=42, tag="~market~")
        client.order(100, client.last, tag="~limit~")
        client.wait()
        found = {row.m_strRemark: row for row in client.rows()}
        assert found["~market~"].m_nOrderStatus == 57
        assert found["~market~"].m_nOrderPriceType == 88
        assert found["~limit~"].m_nOrderStatus == 50


def test_orders_from_another_thread(client: DeskClient) -> None:
    """查询离开主线程是空的，下单不是。"""
    done: list[Any] = []

    def trade(number: int) -> None:
        client.order(100, round(client.last * 0.95, 2), tag=f"~{number:09d}~")
        done.append(client.rows())

    threads = [threading.Thread(target=trade, args=(number,)) for number in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    client.wait()
    assert done == [[]] * 12
    assert sorted(row.m_strRemark for row in client.rows()) == [f"~{n:09d}~" for n in range(12)]
    assert len(client.terminal.calls) == 12


def test_only_the_live_context_will_do(client: DeskClient) -> None:
    args = (BUY, 1101, ACCOUNT, CODE, 11, client.last, 100, "s", 2, "t")
    with pytest.raises(AttributeError, match="request_id"):
        client.call("passorder", *args, object())
    client.wait()
    assert client.rows() == []


@pytest.mark.parametrize(
    ("manners", "sent", "dropped"), [("none", None, None), ("zero", 0, 0), ("positive", 1, 0)]
)
def test_return_values_prove_nothing(tmp_path: Path, manners: str, sent: Any, dropped: Any) -> None:
    changed = MANNERS["instant"].changed(passorder_returns=manners)
    with desk_client(tmp_path, changed) as client:
        assert client.order(100, client.last) == sent
        assert client.order(100, client.last, quick=0) == dropped


def test_the_cost_is_the_main_threads(tmp_path: Path) -> None:
    manners = MANNERS["instant"].changed(passorder_s=0.2)
    with desk_client(tmp_path, manners) as client:
        before = client.clock.monotonic()
        for _ in range(5):
            client.order(100, client.last)
        client.order(100, 0.0)
        assert client.clock.monotonic() - before == pytest.approx(1.2)


def test_probes_surround_the_call(client: DeskClient) -> None:
    walked: list[tuple[str, int, int]] = []

    def at(where: str) -> None:
        sent = len(client.lines("send order"))
        walked.append((where, len(client.terminal.calls), sent))

    client.terminal.set_probe(at)
    client.order(100, client.last)
    assert walked == [("before", 1, 0), ("inside", 1, 1), ("after", 1, 1)]


def test_stopped_strategies_do_not_trade(client: DeskClient) -> None:
    functions = dict(client.strategy.globals)
    client.strategy.stop()
    args = (BUY, 1101, ACCOUNT, CODE, 11, client.last, 100, "s", 2, "t", client.strategy.context)
    functions["passorder"](*args)
    assert functions["cancel"]("1", ACCOUNT, "STOCK", client.strategy.context) is False
    client.wait(1)
    assert client.rows() == []


def test_another_account_is_served_and_not_called_back(tmp_path: Path) -> None:
    other = "880000002"
    accounts = [AccountConfig(ACCOUNT, cash=1_000_000), AccountConfig(other, cash=1_000_000)]
    with desk_client(tmp_path, accounts=accounts) as client:
        client.order(100, client.last, account=other, tag="~second~")
        client.order(100, 0.0, account=other)
        client.order(100, 1.0, account="nobody")
        client.wait(1)
        assert client.seen == []
        [row] = client.call("get_trade_detail_data", other, "STOCK", "ORDER")
        assert row.m_strRemark == "~second~"
        assert client.rows() == []
        assert client.call("get_trade_detail_data", "nobody", "STOCK", "ACCOUNT") == []
