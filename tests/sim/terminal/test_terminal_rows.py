"""查到的对象：逐个读的属性、混在 ``dir()`` 里的枚举、一直不变的毛病、没有的是什么。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT
from terminal_desk import CODE, SELL, DeskClient, desk_client

from easytrader.sim.terminal.client import objects
from easytrader.sim.terminal.client.cache import ORDER, Cache
from easytrader.sim.terminal.client.link import LinkError
from easytrader.sim.terminal.client.manners import MANNERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INT_MAX = 2147483647
DBL_MAX = 1.7976931348623157e308


@pytest.fixture
def client(tmp_path: Path) -> Iterator[DeskClient]:
    with desk_client(tmp_path, sim={"profile": "instant"}) as made:
        made.order(200, round(made.last * 1.01, 2), tag="~buy~", name="甲")
        made.order(300, round(made.last * 0.99, 2), op=SELL, tag="~sell~", name="乙")
        made.order(100, round(made.last * 0.95, 2), tag="~rest~", name="甲")
        made.wait(1)
        yield made


def test_an_object_has_attributes_and_nothing_else(client: DeskClient) -> None:
    row = client.rows()[0]
    assert type(row).__name__ == "COrderDetail"
    with pytest.raises(TypeError):
        vars(row)
    with pytest.raises(TypeError):
        iter(row)
    names = dir(row)
    assert {"m_strOrderSysID", "48", "j", "w", "EEntrustBS"} <= set(names)
    assert not [name for name in names if name.startswith("_") and not name.endswith("_")]
    with pytest.raises(AttributeError):
        _ = row.m_strStrategyName
    for name in names:
        getattr(row, name)  # 每一个都读得出来


def test_a_build_without_some_attributes(tmp_path: Path) -> None:
    manners = MANNERS["instant"].changed(missing_attributes=["m_strCancelInfo", "m_dBalance"])
    with desk_client(tmp_path, manners) as client:
        client.order(100_000, client.last)
        client.wait()
        for row in (*client.rows(), *client.told("order"), *client.rows("ACCOUNT")):
            with pytest.raises(AttributeError):
                _ = row.m_strCancelInfo
        assert not hasattr(client.rows("ACCOUNT")[0], "m_dBalance")
        assert client.rows("ACCOUNT")[0].m_dAvailable > 0


def test_fields_that_lie(client: DeskClient) -> None:
    bought, sold, resting = client.rows()
    assert {row.m_nDirection for row in client.rows()} == {48}
    assert (bought.m_nOffsetFlag, sold.m_nOffsetFlag) == (48, 49)
    assert (bought.m_strInstrumentID, bought.m_strExchangeID) == ("600036", "SH")
    assert (bought.m_nVolumeTotalOriginal, bought.m_nVolumeTraded, bought.m_nVolumeTotal) == (
        200,
        200,
        0,
    )
    assert (resting.m_nVolumeTotal, resting.m_dCancelAmount) == (100, 0)
    assert resting.m_dTradedPrice == 0
    noise = resting.m_dLimitPrice - round(resting.m_dLimitPrice, 2)
    assert 0 < abs(noise) < 1e-9
    assert (resting.m_nErrorID, resting.m_dFrozenMargin) == (INT_MAX, DBL_MAX)
    assert bought.m_nOrderPriceType == 50
    [deal, _] = client.rows("DEAL")
    assert deal.m_dCommission > 0
    assert deal.m_dComssion == 0


def test_the_old_spelling_of_commission(tmp_path: Path) -> None:
    manners = MANNERS["instant"].changed(old_commission=True, deal_remark=False)
    with desk_client(tmp_path, manners) as client:
        client.order(100, round(client.last * 1.01, 2), tag="~t~")
        client.wait(1)
        [deal] = client.rows("DEAL")
        assert (deal.m_dCommission, deal.m_strRemark) == (0, "")
        assert deal.m_dComssion > 0
        assert client.rows()[0].m_strRemark == "~t~"


@pytest.mark.parametrize(
    ("limit", "shown"),
    [(0, "~k3j9x0a2b~买入备注很长很长很长"), (23, "~k3j9x0a2b~买入备注很长"), (11, "~k3j9x0a2b~")],
)
def test_the_remark_is_cut_in_gbk_bytes(tmp_path: Path, limit: int, shown: str) -> None:
    with desk_client(tmp_path, MANNERS["instant"].changed(remark_bytes=limit)) as client:
        client.order(100, client.last, tag="~k3j9x0a2b~买入备注很长很长很长")
        client.wait()
        assert client.rows()[0].m_strRemark == shown
        assert client.told("order")[0].m_strRemark == shown


def test_the_strategy_filter_is_exact(client: DeskClient) -> None:
    def tags(*more: Any) -> list[str]:
        return [row.m_strRemark for row in client.rows("ORDER", *more)]

    assert tags() == tags("") == ["~buy~", "~sell~", "~rest~"]
    assert tags("甲") == ["~buy~", "~rest~"]
    assert tags("乙") == ["~sell~"]
    assert tags("甲 ") == tags("丙") == []
    assert [row.m_strRemark for row in client.rows("DEAL", "乙")] == ["~sell~"]
    assert len(client.rows("POSITION", "丙")) == 1  # 持仓不认策略名


def test_wrong_account_type_is_one_row_of_zeros(client: DeskClient) -> None:
    for kind in ("ACCOUNT", "POSITION", "ORDER", "DEAL"):
        [row] = client.call("get_trade_detail_data", ACCOUNT, "CREDIT", kind)
        values = [getattr(row, name) for name in type(row).__slots__ if name != "m_strAccountID"]
        assert not any(values), kind
    assert client.call("get_trade_detail_data", ACCOUNT, "credit", "account")[0].m_dBalance == 0


def test_what_is_empty(client: DeskClient) -> None:
    ask = client.strategy.globals["get_trade_detail_data"]
    assert ask("nobody", "STOCK", "ACCOUNT") == []
    assert ask(ACCOUNT, "STOCKS", "ACCOUNT") == []
    assert ask(ACCOUNT, "STOCK", "ORDERS") == []
    assert len(ask(ACCOUNT, "stock", "order")) == 3
    with pytest.raises(TypeError):
        ask(ACCOUNT, "STOCK")


def test_off_the_main_thread_everything_is_empty(client: DeskClient) -> None:
    space, found = client.strategy.globals, {}

    def ask() -> None:
        for kind in ("ACCOUNT", "POSITION", "ORDER", "DEAL"):
            found[kind] = space["get_trade_detail_data"](ACCOUNT, "STOCK", kind)
        found["ipo"] = space["get_ipo_data"]()
        found["limit"] = space["get_new_purchase_limit"](ACCOUNT)
        found["last"] = space["get_last_order_id"](ACCOUNT, "STOCK", "order")

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found.pop("last") == "-1"
    assert not any(found.values())
    assert client.rows()


def test_orders_by_number(client: DeskClient) -> None:
    rows = client.rows()
    find = client.strategy.globals["get_value_by_order_id"]
    assert find(rows[1].m_strOrderSysID, ACCOUNT, "STOCK", "ORDER").m_strRemark == "~sell~"
    assert find(rows[0].m_strOrderSysID, ACCOUNT, "STOCK", "DEAL").m_nVolume == 200
    assert find("MM0", ACCOUNT, "STOCK", "ORDER") is None
    assert find("", ACCOUNT, "STOCK", "ORDER") is None


def test_the_last_order_id(client: DeskClient) -> None:
    last = client.strategy.globals["get_last_order_id"]
    rows = client.rows()
    assert last(ACCOUNT, "STOCK", "order") == rows[-1].m_strOrderSysID
    assert last(ACCOUNT, "STOCK", "order", "乙") == rows[1].m_strOrderSysID
    assert last(ACCOUNT, "STOCK", "deal") == rows[1].m_strOrderSysID
    assert last(ACCOUNT, "STOCK", "order", "丙") == "-1"
    client.terminal.manners = client.terminal.manners.changed(sysid_placeholder=True)
    client.order(100_000, client.last)  # 废单从来看不见
    client.wait(1)
    assert last(ACCOUNT, "STOCK", "order") == rows[-1].m_strOrderSysID


def test_a_stale_last_order_id(tmp_path: Path) -> None:
    """两笔连着下，两次问到的都是第一笔。"""
    with desk_client(tmp_path, MANNERS["instant"].changed(last_order_id_stale=True)) as client:
        last = client.strategy.globals["get_last_order_id"]
        client.order(100, client.last)
        client.wait()
        first = last(ACCOUNT, "STOCK", "order")
        client.order(100, client.last)
        client.wait()
        assert last(ACCOUNT, "STOCK", "order") == first
        client.wait(5)
        assert last(ACCOUNT, "STOCK", "order") == client.rows()[-1].m_strOrderSysID != first


def test_today_is_all_the_history_there_is(client: DeskClient) -> None:
    ask = client.strategy.globals["get_history_trade_detail_data"]
    [(at, rows)] = ask(ACCOUNT, "STOCK", "DEAL", "20200101", "20991231")
    assert at % 1000 == 0
    assert len(rows) == 2
    assert ask(ACCOUNT, "STOCK", "DEAL", "20200101", "20200102") == []


def test_statistics_and_positions(client: DeskClient) -> None:
    [row] = client.rows("POSITION_STATISTICS")
    assert row.m_nPosition == 900
    [held] = client.rows("POSITION")
    assert (held.m_strInstrumentID, held.m_nVolume) == ("600036", 900)
    assert held.m_nCanUseVolume == 700
    assert f"{held.m_strInstrumentID}.{held.m_strExchangeID}" == CODE


def test_thousands_of_orders_are_made_once() -> None:
    """对象早就造好了：一次查询只是抄一张表。"""
    cache = Cache(objects.make)
    account = ("1", 2)
    rows = [
        {
            "_order_id": number,
            "m_nOrderStatus": 50,
            "m_nVolumeTraded": 0,
            **{f"m_n{name}": name for name in range(45)},
        }
        for number in range(5_000)
    ]
    cache.load(account, ORDER, rows)
    first, again = cache.objects_of(account, ORDER), cache.objects_of(account, ORDER)
    assert len(first) == 5_000
    assert first is not again
    assert all(one is other for one, other in zip(first, again, strict=True))


def test_a_query_costs_the_main_thread(tmp_path: Path) -> None:
    with desk_client(tmp_path, MANNERS["instant"].changed(query_s=0.05)) as client:
        before = client.clock.monotonic()
        client.rows("ORDER")
        client.rows("ACCOUNT")
        assert client.clock.monotonic() - before == pytest.approx(0.1)


def test_no_answer_is_not_an_empty_account(tmp_path: Path) -> None:
    """柜台没有回答时，知道的还是知道的。"""
    with desk_client(tmp_path) as client:

        def silent(verb: str, **args: Any) -> Any:
            raise LinkError("没有回答")

        client.terminal.link.ask = silent
        client.desk.dropped()
        client.desk.reconnected()
        client.terminal.advance(5.0)
        assert len(client.rows("ACCOUNT")) == 1
        client.order(100, 10.0)
        assert client.rows() == []
        assert len(client.lines("没有回答")) >= 1
        del client.terminal.link.ask
        client.order(100, client.last)
        client.wait()
        assert len(client.rows()) == 1
