"""交易口在一个自己写表的终端上：结果说得准，每笔至多交出去一次，读不懂的不连累别的。"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from agent_world import ACCOUNT, Row
from session_world import Site, account, day, deal, order
from support import Recorder, eventually

from easytrader.basics import paths
from easytrader.bigqmt.session import Table
from easytrader.errors import EasytraderError, OutcomeUnknownError, QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUY = ("600036", 10.0, 100)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


@pytest.fixture
def connect(site: Site) -> Iterator[Callable[..., Any]]:
    users: list[Any] = []

    def make(ears: Recorder | None = None, **options: Any) -> Any:
        users.append(site.connect(ears, **options))
        return users[-1]

    yield make
    for user in users:
        user.close()


def places(site: Site, **changes: Any) -> None:
    """下单以后终端出现一行；``changes`` 是那一行与平常不同的。"""

    def place() -> None:
        row = order(len(site.calls), **{"m_strRemark": site.tag, **changes})
        site.tables["ORDER"] = [*site.tables["ORDER"], row]

    site.on_passorder = place


def changes_to(site: Site, **changes: Any) -> None:
    """撤单以后那一行（合同编号 1）成了这样；返回值照 ``ret``。"""
    ret = changes.pop("ret", True)

    def cancel(*args: Any) -> Any:
        site.cancels.append(args)
        if changes:
            rest = [each for each in site.tables["ORDER"] if each.m_strOrderSysID != "1"]
            site.tables["ORDER"] = [*rest, order(1, **changes)]
        return ret

    site.module["cancel"] = cancel


def statuses(ears: Recorder) -> list[tuple[int, int]]:
    return [(each.order_status, each.traded_volume) for each in ears.of("order")]


def again(user: Any) -> None:
    """同一个 id 再来两次：说没有下，或还不知道，都不是成功。"""
    for _ in range(2):
        with suppress(EasytraderError):
            assert user.buy(*BUY, client_order_id="a")["entrust_no"] == -1


# ---- 下单


def test_only_a_row_with_the_tag_is_a_success(site: Site, connect: Callable[..., Any]) -> None:
    user = connect()
    places(site)
    found = user.buy(*BUY, remark="我的备注")
    (row,) = user.today_entrusts
    assert found["entrust_no"] == row["order_id"] > 0
    assert row["order_remark"] == "我的备注"


def test_a_row_that_cannot_be_read_stops_nothing_else(
    site: Site, connect: Callable[..., Any]
) -> None:
    site.tables["ORDER"] = [order(99, m_strOrderSysID="99", m_nVolumeTraded=None)]
    user = connect()
    places(site)
    number = user.buy(*BUY)["entrust_no"]
    assert number > 0
    changes_to(site, m_nOrderStatus=54, m_strRemark=site.tag)
    assert user.cancel_entrust(number)["success"]


def test_nothing_appears_is_inferred_and_corrected_later(
    site: Site, connect: Callable[..., Any]
) -> None:
    ears = Recorder()
    user = connect(ears)
    refused = user.buy(*BUY, client_order_id="a")
    assert refused["entrust_no"] == -1
    assert "推断" in refused["message"]
    eventually(lambda: ears.of("order_error"))
    (told,) = ears.of("order_error")
    assert "推断" in told.error_msg
    assert user.buy(*BUY, client_order_id="a")["entrust_no"] == -1
    site.tables["ORDER"] = [order(1, m_strRemark=site.tag)]
    eventually(lambda: ears.of("order"))
    assert user.buy(*BUY, client_order_id="a")["entrust_no"] == told.order_id
    assert len(site.calls) == 1


def test_the_terminal_refuses_the_arguments(site: Site, connect: Callable[..., Any]) -> None:
    ears = Recorder()
    user = connect(ears)
    site.on_passorder = lambda: site.refuse(site.tag, "指定价 无效, 无法下单!")
    for _ in range(2):
        found = user.buy(*BUY, client_order_id="a")
        assert found["entrust_no"] == -1
    eventually(lambda: ears.of("order_error"))
    (told,) = ears.of("order_error")
    assert told.error_msg == "指定价 无效, 无法下单!"
    assert len(site.calls) == 1


def test_passorder_raises(site: Site, connect: Callable[..., Any]) -> None:
    user = connect(timeout=1)

    def boom() -> None:
        raise RuntimeError("boom")

    site.on_passorder = boom
    with pytest.raises(OutcomeUnknownError):
        user.buy(*BUY, client_order_id="a")
    again(user)
    assert len(site.calls) == 1


def test_a_blanked_remark_is_not_inferred_away(site: Site, connect: Callable[..., Any]) -> None:
    """客户端抹掉了备注：说不准是不是它，不能说没有下成。"""
    user = connect(timeout=1.5)
    places(site, m_strRemark="")
    with pytest.raises(OutcomeUnknownError):
        user.buy(*BUY)
    assert len(site.calls) == 1


@pytest.mark.parametrize("lost", ["process", "numbers", "both"])
def test_never_handed_over_twice(site: Site, connect: Callable[..., Any], lost: str) -> None:
    """没有下成的同一个 id 再来：客户端换了进程、编号的记录没了，都不再交。"""
    user = connect()
    assert user.buy(*BUY, client_order_id="a")["entrust_no"] == -1
    with site.still():
        if lost != "numbers":
            site.restart()
        if lost != "process":
            for path in paths.home().rglob("numbers.sqlite*"):
                path.unlink()
    eventually(lambda: user.status["state"] == "已连接")
    again(user)
    assert len(site.calls) == 1


# ---- 编号与日子


def test_an_order_dated_tomorrow_is_the_same_order(site: Site, connect: Callable[..., Any]) -> None:
    site.tables["ORDER"] = [order(50)]
    user = connect()
    places(site, m_strInsertDate=day(1), m_strOrderSysID="", m_nOrderStatus=49)
    mine = user.buy(*BUY, client_order_id="night", remark="夜")["entrust_no"]
    assert mine > 0
    assert len(user.today_entrusts) == 2, "今天的还在"
    named = order(1, m_strInsertDate=day(1), m_strRemark="")
    site.tables["ORDER"] = [order(50), order(1, m_strInsertDate=day(1), m_strRemark=site.tag)]
    eventually(lambda: any(each["order_sysid"] == "1" for each in user.today_entrusts))
    site.tables["ORDER"] = [order(50), named]  # 别的客户端看到的：没有备注
    for one in (user, connect()):
        (row,) = [each for each in one.today_entrusts if each["order_sysid"] == "1"]
        assert (row["order_id"], row["order_remark"]) == (mine, "夜")


def test_yesterdays_go_with_the_terminals_list_todays_stay(
    site: Site, connect: Callable[..., Any]
) -> None:
    old = {"m_strInsertDate": day(-1)}
    site.tables["ORDER"] = [order(1, **old), order(2)]
    site.tables["DEAL"] = [deal("1", "1", m_strTradeDate=day(-1)), deal("2", "2")]
    user = connect()
    assert len(user.today_entrusts) >= 1
    site.tables["ORDER"], site.tables["DEAL"] = [], []
    assert [each["order_sysid"] for each in user.today_entrusts] == ["2"]
    assert [each["order_sysid"] for each in user.today_trades] == ["2"]


def test_somebody_elses_order_without_a_number_is_shown(
    site: Site, connect: Callable[..., Any]
) -> None:
    site.tables["ORDER"] = [order(7, m_strOrderSysID="", m_nOrderStatus=49)]
    user = connect()
    eventually(lambda: len(user.today_entrusts) == 1, 10)
    (before,) = user.today_entrusts
    site.tables["ORDER"] = [order(7)]
    (after,) = user.today_entrusts
    assert (after["order_id"], after["order_sysid"]) == (before["order_id"], "7")


# ---- 撤单


@pytest.mark.parametrize(
    ("became", "done"),
    [
        ({"m_nOrderStatus": 54, "m_dCancelAmount": 100.0, "ret": False}, True),
        ({"m_nOrderStatus": 51, "ret": True}, True),
        ({"m_nOrderSubmitStatus": 53, "m_strCancelInfo": "不许撤", "ret": True}, False),
        ({"m_nOrderStatus": 56, "m_nVolumeTraded": 100, "ret": True}, False),
    ],
)
def test_cancel_is_judged_by_the_row(
    site: Site, connect: Callable[..., Any], became: dict[str, Any], done: bool
) -> None:
    ears = Recorder()
    site.tables["ORDER"] = [order(1)]
    user = connect(ears)
    changes_to(site, **became)
    assert user.cancel_entrust(user.today_entrusts[0]["order_id"])["success"] is done
    eventually(lambda: len(ears.of("cancel_error")) == (not done))
    assert len(site.cancels) == 1


def test_cancel_that_changes_nothing_is_unknown(site: Site, connect: Callable[..., Any]) -> None:
    site.tables["ORDER"] = [order(1)]
    user = connect(timeout=0.5)
    changes_to(site, ret=True)
    with pytest.raises(OutcomeUnknownError):
        user.cancel_entrust(user.today_entrusts[0]["order_id"])


def test_cancel_without_a_contract_number_never_left(
    site: Site, connect: Callable[..., Any]
) -> None:
    user = connect(timeout=0.8)
    places(site, m_strOrderSysID="")
    number = user.buy(*BUY)["entrust_no"]
    assert user.cancel_entrust(number)["success"] is False
    assert site.cancels == []


# ---- 推送


def test_what_comes_late_never_turns_the_state_back(
    site: Site, connect: Callable[..., Any]
) -> None:
    ears = Recorder()
    user = connect(ears)
    for status, traded in ((50, 0), (55, 40), (50, 0), (56, 100), (55, 40), (50, 0), (56, 100)):
        site.push("order", order(1, m_nOrderStatus=status, m_nVolumeTraded=traded))
    for trade_id, volume in (("1", 40), ("1", 40), ("2", 60), ("1", 40)):
        site.push("deal", deal(trade_id, "1", m_nVolume=volume))
    eventually(lambda: (56, 100) in statuses(ears))
    assert statuses(ears) == [(50, 0), (55, 40), (56, 100)]
    assert [each.traded_volume for each in ears.of("trade")] == [40, 60]
    assert user.status["state"] == "已连接"


def test_garbage_pushed_hurts_nobody(site: Site, connect: Callable[..., Any]) -> None:
    ears = Recorder()
    user = connect(ears)
    site.push("order", order(2))
    for kind in ("order", "deal", "position", "account"):
        site.push(kind, object())
        site.push(kind, Row(m_strAccountID=ACCOUNT))
    site.call_back("orderError_callback", None, None)
    site.push("order", order(3, m_nVolumeTraded=None))
    site.push("order", order(1))
    eventually(lambda: len(ears.numbers()) == 2)
    assert user.balance[0]["cash"] == 1e6


@pytest.mark.parametrize("how", ["cut", "restart", "load"])
def test_what_happened_while_away_is_told_once(
    site: Site, connect: Callable[..., Any], how: str
) -> None:
    """线断了、进程换了、在同一个进程里重跑：回来以后补上，不重复。"""
    ears = Recorder()
    site.tables["ORDER"] = [order(1)]
    site.tables["DEAL"] = []
    user = connect(ears)
    with site.still():
        getattr(site, how)()
        site.tables["ORDER"] = [order(1, m_nOrderStatus=56, m_nVolumeTraded=100), order(2)]
        site.tables["DEAL"] = [deal("1", "1")]
        if how == "cut":
            site.push("order", site.tables["ORDER"][0])
            site.push("deal", site.tables["DEAL"][0])
    eventually(
        lambda: len(ears.of("connected")) > 1 and ears.of("trade") and len(ears.numbers()) > 1
    )
    assert len(user.today_entrusts) == 2
    assert len(ears.of("trade")) == 1
    assert sorted(statuses(ears)) == [(50, 0), (56, 100)]


# ---- 查询


def test_a_missing_count_is_no_answer(site: Site, connect: Callable[..., Any]) -> None:
    user = connect()
    site.tables["POSITION"] = [
        Row(
            m_strAccountID=ACCOUNT, m_strInstrumentID="600036", m_strExchangeID="SH", m_nVolume=None
        )
    ]
    with pytest.raises(QueryFailedError):
        user.position  # noqa: B018


def test_an_account_that_logs_out_is_no_connection(site: Site, connect: Callable[..., Any]) -> None:
    user = connect()
    site.tables["ACCOUNT"] = []
    eventually(lambda: user.status["state"] != "已连接")
    site.tables["ACCOUNT"] = [account()]
    eventually(lambda: user.status["state"] == "已连接")


def test_a_table_given_out_does_not_change() -> None:
    """一个线程在看，读的线程换上新的：看到的是一份整的。"""
    table = Table()
    last = {"count": 1, "rev": 1, "full": True, "at": 1.0}
    table.apply([{"cols": ["a"], "rows": [[0, 1]]}], last)
    before = table.rows
    table.apply([{"cols": ["a"], "rows": [[0, 2], [1, 3]]}], {**last, "count": 2, "rev": 2})
    assert before == [{"a": 1}]
    assert table.rows == [{"a": 2}, {"a": 3}]
