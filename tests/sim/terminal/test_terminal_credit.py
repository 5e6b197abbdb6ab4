"""两融：操作类型怎样落到柜台，合约与标的，异步的查询；新股；智能算法的任务。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from credit_helpers import SETTINGS
from support import ACCOUNT
from terminal_desk import BUY, CODE, DeskClient, desk_client

from easytrader.sim.config.folder import AccountConfig
from easytrader.sim.terminal.client.manners import MANNERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INSTANT = MANNERS["instant"]
STEP = {"clock": "step", "start": "2026-11-19 10:00", "profile": "instant"}


def credit_client(path: Path, manners: Any = "instant") -> Any:
    account = AccountConfig(ACCOUNT, 3, 500_000, [(CODE, 1000, 35)])
    return desk_client(
        path,
        manners,
        accounts=[account],
        sim=STEP,
        files={"credit.json": SETTINGS},
        account_type="CREDIT",
    )


@pytest.fixture
def client(tmp_path: Path) -> Iterator[DeskClient]:
    with credit_client(tmp_path) as made:
        yield made


def told(client: DeskClient) -> list[tuple[int, int, int]]:
    """（买卖，委托类别，状态）。"""
    client.wait()
    return [(row.m_nOffsetFlag, row.m_eEntrustType, row.m_nOrderStatus) for row in client.rows()]


def test_every_operation_reaches_the_counter_as_itself(client: DeskClient) -> None:
    price = client.last
    for op in (33, 34, 27, 28, 23, 24):
        client.order(100, price, op=op)
    assert [each[:2] for each in told(client)] == [
        (48, 57),
        (49, 57),
        (48, 54),
        (49, 55),
        (48, 57),
        (49, 57),
    ]
    assert {each[2] for each in told(client)} <= {50, 56}
    assert {row.m_nOpType for row in client.rows()} == {23, 24}  # 信用委托上不可信


def test_special_positions_are_not_futures(client: DeskClient) -> None:
    """40 在这里是期货的；专项融资买入是 70。"""
    client.order(100, client.last, op=40)
    client.wait()
    assert [each[0] for each in client.seen] == ["error"]
    client.order(100, client.last, op=70)
    client.wait()
    [row] = client.rows()
    assert (row.m_nOffsetFlag, row.m_eEntrustType) == (48, 54)
    assert row.m_strOptName == "专项融资买入"


def test_short_sales_are_limit_orders(client: DeskClient) -> None:
    client.order(100, 0.0, op=28, pr=44)
    client.wait()
    [row] = client.rows()
    assert row.m_nOrderStatus == 57
    assert "只能用限价" in row.m_strCancelInfo


def test_repaying_in_yuan(client: DeskClient) -> None:
    client.order(100, client.last, op=27)
    client.wait()
    before = client.call("get_unclosed_compacts", ACCOUNT, "CREDIT")
    assert [each.m_eCompactType for each in before] == [48]
    client.order(1_000, 0.0, op=32, code="")
    client.wait()
    [after] = client.call("get_unclosed_compacts", ACCOUNT, "CREDIT")
    assert before[0].m_dRealCompactBalance - after.m_dRealCompactBalance == pytest.approx(1_000)


def test_plain_buys_may_be_refused(tmp_path: Path) -> None:
    with credit_client(tmp_path, INSTANT.changed(plain_on_credit="refused")) as client:
        client.order(100, client.last, op=BUY, tag="~plain~")
        client.order(100, client.last, op=33, tag="~credit~")
        client.wait()
        [error] = [each for each in client.seen if each[0] == "error"]
        assert error[1].strategyName.endswith("~plain~")
        assert "操作类型 [23] 无效" in error[2]
        assert [row.m_strRemark for row in client.rows()] == ["~credit~"]


def test_tables(client: DeskClient) -> None:
    [row] = [
        each
        for each in client.call("get_assure_contract", ACCOUNT)
        if each.m_strInstrumentID == "600036"
    ]
    assert (row.m_eFinStatus, row.m_dAssureRatio) == (48, 0.7)
    shorts = client.call("get_enable_short_contract", ACCOUNT)
    assert sorted(each.m_nEnableAmount for each in shorts) == [1000, 5000]
    assert client.call("get_closed_compacts", ACCOUNT, "CREDIT") == []
    assert client.call("get_debt_contract", ACCOUNT) == []
    assert client.call("get_assure_contract", "nobody") == []
    [account] = client.rows("ACCOUNT")
    assert account.m_dPerAssurescaleValue > 0
    assert account.m_nBrokerType == 3


def test_a_stock_account_has_no_credit_tables(tmp_path: Path) -> None:
    with desk_client(tmp_path) as client:
        assert client.call("get_assure_contract", ACCOUNT) == []
        assert client.call("get_unclosed_compacts", ACCOUNT, "CREDIT") == []


def test_the_asynchronous_query_needs_an_idle_main_thread(tmp_path: Path) -> None:
    with credit_client(tmp_path, INSTANT.changed(credit_query_s=1.0)) as client:
        ask = client.strategy.globals["query_credit_account"]
        context = client.strategy.context
        ask(ACCOUNT, 7, context)
        client.wait(0.5)
        assert client.seen == []
        client.clock.wait(0.5)  # 在处理函数里站着等：不会来
        assert client.seen == []
        client.terminal.step()  # 手上的做完就是空着，不用再等下一件
        [(_, seq, row)] = client.seen
        assert seq == 7
        assert row.m_dAssureAsset > 0
        ask(ACCOUNT, 8, context)  # 太近
        client.wait(100)
        assert len(client.seen) == 1
        client.wait(80)
        ask(ACCOUNT, 9, context)
        ask(ACCOUNT, 10, context)  # 一次一个
        client.wait(5)
        assert [each[1] for each in client.seen] == [7, 9]


def test_one_asynchronous_query_at_a_time(tmp_path: Path) -> None:
    manners = INSTANT.changed(credit_query_s=1.0, credit_query_gap_s=0.0)
    with credit_client(tmp_path, manners) as client:
        for seq in (1, 2):
            client.call("query_credit_account", ACCOUNT, seq, client.strategy.context)
        client.wait(5)
        client.call("query_credit_account", ACCOUNT, 3, client.strategy.context)
        client.wait(5)
        assert [each[1] for each in client.seen] == [1, 3]


def test_how_much_can_be_done(client: DeskClient) -> None:
    def ask(seq: int, codes: list[str], account: str = ACCOUNT) -> None:
        context = client.strategy.context
        client.call("query_credit_opvolume", account, codes, 27, 11, client.last, seq, context)

    ask(1, [CODE])
    ask(2, [CODE])  # 忙
    ask(3, [])
    ask(4, [CODE] * 201)
    ask(5, [CODE], "nobody")
    client.wait(1)
    found = {each[2]: each[3:] for each in client.seen}
    assert {seq: ret for seq, (ret, _) in found.items()} == {1: 1, 2: -1, 3: -3, 4: -3, 5: -2}
    assert found[1][1][CODE] > 0


def test_what_can_be_subscribed(tmp_path: Path) -> None:
    issue = {
        "name": "新股甲",
        "listed_code": "688801.SH",
        "price": 25.6,
        "date": "2026-11-19",
        "max": 9000,
        "wins": 1,
        "listing": "2026-11-30",
    }
    issues = {"issues": {"787801.SH": issue}, "quota": {"SH": 20_000, "SZ": 0, "KCB": 9_000}}
    with desk_client(tmp_path, sim=STEP, files={"ipo.json": issues}) as client:
        [(code, found)] = client.call("get_ipo_data", "STOCK").items()
        assert (code, found["name"], found["issuePrice"]) == ("787801.SH", "新股甲", 25.6)
        assert client.call("get_ipo_data") == client.call("get_ipo_data", "STOCK")
        assert client.call("get_ipo_data", "BOND") == {}
        limits = client.call("get_new_purchase_limit", ACCOUNT)
        assert limits["KCB"] == 9_000
        client.order(found["maxPurchaseNum"], found["issuePrice"], code=code)
        client.wait()
        assert [row.m_nOrderStatus for row in client.rows()] == [50]


def algo(client: DeskClient, *rest: Any, volume: int = 1_000, quick: int = 2) -> None:
    price, context = round(client.last * 0.95, 2), client.strategy.context
    ten = (BUY, 1101, ACCOUNT, CODE, 11, price, volume, "s", quick, "~algo~")
    client.call("smart_algo_passorder", *ten, *rest, context)


def test_a_task_slices_and_tells(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim={"profile": "instant"}) as client:
        algo(client, "TWAP", 20, 0)
        client.wait(0.1)
        [task] = client.rows("TASK")
        assert (task.m_eStatus, task.m_nNum, task.m_strRemark) == (3, 1_000, "~algo~")
        client.wait(30)
        [task] = client.rows("TASK")
        assert (task.m_eStatus, task.m_nBusinessNum) == (7, 0)
        assert [row.m_nVolumeTotalOriginal for row in client.rows()] == [200] * 5
        assert {row.m_strRemark for row in client.rows()} == {"~algo~"}
        assert [each.m_eStatus for each in client.told("task")][-1] == 7
        assert [tag for tag, _ in client.terminal.calls] == ["~algo~"]


def test_a_task_pauses_resumes_and_is_cancelled(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim={"profile": "instant"}) as client:
        algo(client, "VWAP", "10:00:00", "10:00:50", {"limitOverRate": 0.2})
        client.wait(11)
        assert len(client.rows()) == 2  # 50 秒里 5 笔

        def move(name: str) -> Any:
            number = str(client.rows("TASK")[0].m_nTaskId)
            return client.call(name, number, ACCOUNT, "STOCK", client.strategy.context)

        assert move("pause_task") is True
        assert move("pause_task") is False
        client.wait(60)
        assert len(client.rows()) == 2
        assert move("resume_task") is True
        client.wait(11)
        assert len(client.rows()) in (3, 4)
        assert move("cancel_task") is True
        client.wait(2)  # 已经在路上的那一笔
        done = len(client.rows())
        client.wait(60)
        assert len(client.rows()) == done
        assert client.rows("TASK")[0].m_eStatus == 8
        context = client.strategy.context
        assert client.call("cancel_task", "9", ACCOUNT, "STOCK", context) is False


def test_the_older_algorithm_call(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim={"profile": "instant"}) as client:
        price, context = round(client.last * 0.95, 2), client.strategy.context
        ten = (BUY, 1101, ACCOUNT, CODE, 11, price, 250, "s", 2, "~old~")
        client.call("algo_passorder", *ten, {"OrderType": 1}, context)
        client.wait(20)
        assert [row.m_nVolumeTotalOriginal for row in client.rows()] == [100, 150]
        assert client.rows("TASK")[0].m_eStatus == 7


def test_what_the_algorithm_refuses(tmp_path: Path) -> None:
    with desk_client(tmp_path) as client:
        algo(client, "SNIPER", 20, 0)
        algo(client, "TWAP", 20, 0, quick=0)
        client.wait(5)
        assert [each[0] for each in client.seen] == ["error"]
        assert client.rows("TASK") == client.rows() == []
        assert set(client.call("get_smart_algo_param", ["TWAP", "SNIPER"])) == {"TWAP"}


def test_a_build_without_algorithms(tmp_path: Path) -> None:
    with desk_client(tmp_path, INSTANT.changed(algo=False)) as client:
        assert "smart_algo_passorder" not in client.strategy.globals
        assert "passorder" in client.strategy.globals
