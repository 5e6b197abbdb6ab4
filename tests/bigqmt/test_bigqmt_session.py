"""看着委托与成交：读不懂的不连累别的，日子不弄混，状态不回头，断线回来不丢不重，撤单看那一行。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from agent_world import ACCOUNT, Row
from own_tables import CODE, OwnTables, account_row, deal, order
from support import Recorder, eventually

from easytrader.basics import paths
from easytrader.basics.beijing import stamp
from easytrader.bigqmt.session import Table
from easytrader.errors import EasytraderError, OutcomeUnknownError, QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUY = (CODE, 10.0, 100)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[OwnTables]:
    made = OwnTables(tmp_path)
    yield made
    made.close()


def day(shift: int) -> str:
    """北京的今天往后几天，``20261130``。"""
    return stamp(time.time() + shift * 86400, "%Y%m%d")


def places(client: OwnTables, **row: Any) -> None:
    """每次下单都多出一行。"""

    def act(tag: str) -> None:
        client.shows(*client.tables["ORDER"], order(len(client.calls), tag, **row))

    client.answer_with(act)


def cancelled(client: OwnTables, ret: object = True, **row: Any) -> None:
    """撤单以后合同编号 1 的那一行成了这样（不给就没有变）；返回 ``ret``。"""

    def cancel(*args: Any) -> object:
        client.cancels.append(args)
        rest = [each for each in client.tables["ORDER"] if each.m_strOrderSysID != "1"]
        if row:
            client.shows(*rest, order(1, **row))
        return ret

    client.module["cancel"] = cancel


def statuses(ears: Recorder) -> list[tuple[int, int]]:
    return [(each.order_status, each.traded_volume) for each in ears.of("order")]


class TestUnreadable:
    """读不懂的。"""

    def test_one_row_stops_nothing_else(self, client: OwnTables) -> None:
        client.shows(order(99, m_nVolumeTraded=None))
        user = client.user()
        places(client)
        number = user.buy(*BUY)["entrust_no"]
        assert number > 0
        cancelled(client, m_nOrderStatus=54, m_strRemark=client.calls[-1][9])
        assert user.cancel_entrust(number)["success"]

    def test_the_one_waited_for_is_not_inferred_away(self, client: OwnTables) -> None:
        """出现的那一行读不懂：不是没有出现。"""
        user = client.user(timeout=1.2)
        places(client, m_nVolumeTraded=None)
        with pytest.raises(OutcomeUnknownError):
            user.buy(*BUY)

    def test_a_missing_count_is_no_answer(self, client: OwnTables) -> None:
        user = client.user()
        held = {"m_strInstrumentID": CODE, "m_strExchangeID": "SH", "m_nVolume": None}
        client.shows(Row(m_strAccountID=ACCOUNT, **held), kind="POSITION")
        with pytest.raises(QueryFailedError):
            user.position  # noqa: B018

    def test_garbage_pushed_hurts_nobody(self, client: OwnTables) -> None:
        ears = Recorder()
        user = client.user(ears)
        client.says("order_callback", order(2))
        for kind in ("order", "deal", "position", "account"):
            client.says(f"{kind}_callback", object())
            client.says(f"{kind}_callback", Row(m_strAccountID=ACCOUNT))
        client.says("orderError_callback", None, None)
        client.says("order_callback", order(3, m_nVolumeTraded=None))
        client.says("order_callback", order(1))
        eventually(lambda: len(ears.numbers()) == 2)
        assert user.balance[0]["cash"] == 1e6

    def test_a_table_given_out_does_not_change(self) -> None:
        """一个线程在看，读的线程换上新的：看到的是一份整的。"""
        table = Table()
        last = {"count": 1, "rev": 1, "at": 1.0}
        table.apply([{"cols": ["a"], "rows": [[0, 1]]}], {**last, "full": True})
        before = table.rows
        table.apply([{"cols": ["a"], "rows": [[0, 2], [1, 3]]}], {**last, "count": 2})
        assert before == [{"a": 1}]
        assert table.rows == [{"a": 2}, {"a": 3}]
        table.apply([], {**last, "count": 1})
        assert table.rows == [{"a": 2}]


@pytest.mark.parametrize("restarted", [False, True])
def test_without_the_record_of_numbers_it_is_still_not_handed_over_again(
    client: OwnTables, restarted: bool
) -> None:
    user = client.user()
    with pytest.raises(OutcomeUnknownError, match="推断"):
        user.buy(*BUY, client_order_id="a")
    for path in paths.home().rglob("numbers.sqlite*"):
        path.unlink()
    if restarted:
        client.restart()
        eventually(lambda: user.status["state"] != "已连接")
        eventually(lambda: user.status["state"] == "已连接")
    for _ in range(2):
        with pytest.raises(EasytraderError):
            user.buy(*BUY, client_order_id="a")
    assert len(client.calls) == 1


class TestDays:
    """哪一天的。"""

    def test_an_order_dated_tomorrow(self, client: OwnTables) -> None:
        """夜里的单记在下一个交易日：还是那一笔，今天的也还在。"""
        client.shows(order(50))
        user = client.user()
        places(client, m_strInsertDate=day(1), m_strOrderSysID="", m_nOrderStatus=49)
        mine = user.buy(*BUY, client_order_id="night", remark="夜")["entrust_no"]
        assert mine > 0
        assert len(user.today_entrusts) == 2
        named = {"m_strInsertDate": day(1)}
        client.shows(order(50), order(1, client.calls[-1][9], **named))
        eventually(lambda: any(each["order_sysid"] == "1" for each in user.today_entrusts))
        client.shows(order(50), order(1, **named))  # 别的客户端看到的：没有备注
        for one in (user, client.user()):
            (row,) = [each for each in one.today_entrusts if each["order_sysid"] == "1"]
            assert (row["order_id"], row["order_remark"]) == (mine, "夜")

    def test_yesterdays_go_with_the_list_todays_stay(self, client: OwnTables) -> None:
        client.shows(order(1, m_strInsertDate=day(-1)), order(2))
        client.shows(deal("1", 1, m_strTradeDate=day(-1)), deal("2", 2), kind="DEAL")
        user = client.user()
        assert user.today_entrusts
        client.shows()
        client.shows(kind="DEAL")
        assert [each["order_sysid"] for each in user.today_entrusts] == ["2"]
        assert [each["order_sysid"] for each in user.today_trades] == ["2"]

    def test_somebody_elses_without_a_number_is_shown(self, client: OwnTables) -> None:
        client.shows(order(7, m_strOrderSysID="", m_nOrderStatus=49))
        user = client.user()
        eventually(lambda: len(user.today_entrusts) == 1)
        (before,) = user.today_entrusts
        client.shows(order(7))
        (after,) = user.today_entrusts
        assert (after["order_id"], after["order_sysid"]) == (before["order_id"], "7")


class TestCancel:
    """撤单只看那一行，返回值什么都不证明。"""

    @pytest.mark.parametrize(
        ("ret", "became", "done"),
        [
            (False, {"m_nOrderStatus": 54, "m_dCancelAmount": 100.0}, True),
            (None, {"m_nOrderStatus": 51}, True),
            (True, {"m_nOrderSubmitStatus": 53, "m_strCancelInfo": "不许撤"}, False),
            (True, {"m_nOrderStatus": 56, "m_nVolumeTraded": 100}, False),
        ],
    )
    def test_what_the_row_became(
        self, client: OwnTables, ret: object, became: dict[str, Any], done: bool
    ) -> None:
        ears = Recorder()
        client.shows(order(1))
        user = client.user(ears)
        cancelled(client, ret, **became)
        assert user.cancel_entrust(user.today_entrusts[0]["order_id"])["success"] is done
        eventually(lambda: len(ears.of("cancel_error")) == (not done))
        assert len(client.cancels) == 1

    def test_nothing_changed_is_unknown(self, client: OwnTables) -> None:
        client.shows(order(1))
        user = client.user(timeout=0.6)
        cancelled(client)
        with pytest.raises(OutcomeUnknownError):
            user.cancel_entrust(user.today_entrusts[0]["order_id"])

    def test_without_a_contract_number_it_never_left(self, client: OwnTables) -> None:
        user = client.user(timeout=0.8)
        places(client, m_strOrderSysID="")
        assert user.cancel_entrust(user.buy(*BUY)["entrust_no"])["success"] is False
        assert client.cancels == []


class TestPushed:
    """推来的，与断线的时候漏掉的。"""

    def test_what_comes_late_never_turns_the_state_back(self, client: OwnTables) -> None:
        ears = Recorder()
        client.user(ears)
        for status, traded in ((50, 0), (55, 40), (50, 0), (56, 100), (55, 40), (50, 0), (56, 100)):
            row = order(1, m_nOrderStatus=status, m_nVolumeTraded=traded)
            client.says("order_callback", row)
        for trade, volume in (("1", 40), ("1", 40), ("2", 60), ("1", 40)):
            client.says("deal_callback", deal(trade, 1, m_nVolume=volume))
        eventually(lambda: (56, 100) in statuses(ears))
        assert statuses(ears) == [(50, 0), (55, 40), (56, 100)]
        assert [each.traded_volume for each in ears.of("trade")] == [40, 60]

    @pytest.mark.parametrize("how", ["cut", "restart", "load"])
    def test_what_happened_while_away_is_told_once(self, client: OwnTables, how: str) -> None:
        """线断了、客户端换了进程、在同一个进程里重跑。"""
        ears = Recorder()
        client.shows(order(1))
        user = client.user(ears)
        client.paused = True
        if how == "cut":
            with client._busy:
                for channel in list(client.agent._channels):
                    channel.close()
        else:
            getattr(client, how)()
        client.shows(order(1, m_nOrderStatus=56, m_nVolumeTraded=100), order(2))
        client.shows(deal("1", 1), kind="DEAL")
        if how == "cut":
            client.says("order_callback", client.tables["ORDER"][0])
            client.says("deal_callback", client.tables["DEAL"][0])
        client.paused = False
        eventually(lambda: len(ears.of("connected")) > 1)
        eventually(lambda: ears.of("trade") and len(ears.numbers()) > 1)
        assert len(user.today_entrusts) == 2
        assert len(ears.of("trade")) == 1
        assert sorted(statuses(ears)) == [(50, 0), (56, 100)]

    def test_an_account_that_logs_out_is_no_connection(self, client: OwnTables) -> None:
        user = client.user()
        client.shows(kind="ACCOUNT")
        eventually(lambda: user.status["state"] != "已连接")
        client.shows(account_row(), kind="ACCOUNT")
        eventually(lambda: user.status["state"] == "已连接")


def test_a_blanked_remark_stays_unknown_when_the_id_comes_again(client: OwnTables) -> None:
    """客户端抹掉了备注：第一次说不准，同一个 id 再来也说不准，不能变成没有下成。"""
    user = client.user(timeout=1.5)
    client.answer_with(lambda tag: client.shows(order(1)))
    for one in (user, user, client.user(timeout=1.5)):
        with pytest.raises(OutcomeUnknownError):
            one.buy(*BUY, client_order_id="a")
    assert len(client.calls) == 1


def test_an_unknown_one_is_not_handed_to_the_next_client(client: OwnTables) -> None:
    """不知道下没下成就换了进程，一直查不到：核对完了也不再交，说清楚。"""
    user = client.user(timeout=0.7, row_wait=1.5)
    with pytest.raises(OutcomeUnknownError):
        user.buy(*BUY, client_order_id="a")
    client.restart()

    def told() -> bool:
        try:
            row = user.buy(*BUY, client_order_id="a")
        except EasytraderError as exc:
            return "没有再交" in str(exc)
        raise AssertionError(f"还不知道，却说了 {row}")

    eventually(told)
    assert len(client.calls) == 1


def test_the_terminals_deadline_is_before_ours(client: OwnTables) -> None:
    """排队没有排到的，中转说没有下，那时等的人还没有到期：不是结果未知。"""
    user = client.user(timeout=10)
    places(client)
    heard: list[float] = []
    submit = client.agent._methods["submit"]

    def note(ask: Any) -> Any:
        heard.append(ask.by)
        return submit(ask)

    client.agent._methods["submit"] = note
    receipt = user.buy_async(*BUY)
    assert receipt.result()["entrust_no"] > 0
    assert heard[0] < receipt.deadline - 0.4
