"""一次会话：撤单照状态断定、一行读不懂不连累别的、推送各一次、几个格子的延迟、三种线。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from bigqmt_broker import InsideBroker, hurried
from own_tables import CODE, OwnTables, deal, order
from support import ACCOUNT, Recorder, eventually

from easytrader.bigqmt import agentfile
from easytrader.errors import OutcomeUnknownError, QueryFailedError, UnsupportedError
from easytrader.sim.terminal.client.manners import MANNERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.trader import Trader


@pytest.fixture
def client(tmp_path: Path) -> Iterator[OwnTables]:
    made = OwnTables(tmp_path)
    yield made
    made.close()


def place(client: OwnTables, **row: Any) -> None:
    """每次下单都出现一行。"""

    def act(tag: str) -> None:
        client.tables["ORDER"] = [*client.tables["ORDER"], order(len(client.calls), tag, **row)]

    client.answer_with(act)


def bought(user: Trader) -> Any:
    return user.buy(CODE, 10, 100)["entrust_no"]


def change(client: OwnTables, **changes: Any) -> None:
    """最后一笔委托变成这样。"""
    *before, last = client.tables["ORDER"]
    client.shows(*before, type(last)(**{**vars(last), **changes}))


class TestCancel:
    """函数返回什么都不算，看委托的状态。"""

    @pytest.mark.parametrize("status", [51, 54])
    def test_taken(self, client: OwnTables, status: int) -> None:
        place(client)
        user = client.user()
        number = bought(user)
        receipt = user.cancel_entrust_async(number)
        eventually(lambda: client.cancels)
        assert client.cancels[0][:3] == ("1", ACCOUNT, "STOCK")
        change(client, m_nOrderStatus=status)
        assert receipt.result()["success"] is True

    def test_too_late(self, client: OwnTables) -> None:
        place(client)
        recorder = Recorder()
        user = client.user(recorder)
        number = bought(user)
        receipt = user.cancel_entrust_async(number)
        eventually(lambda: client.cancels)
        change(client, m_nOrderStatus=56, m_nVolumeTraded=100)
        assert receipt.result()["success"] is False
        (error,) = recorder.wait_for("cancel_error")
        assert "已成" in error.error_msg

    def test_refused_by_the_counter(self, client: OwnTables) -> None:
        place(client)
        recorder = Recorder()
        user = client.user(recorder)
        receipt = user.cancel_entrust_async(bought(user))
        eventually(lambda: client.cancels)
        change(client, m_nOrderSubmitStatus=53, m_strErrorMsg="不许撤")
        assert receipt.result()["success"] is False
        (error,) = recorder.wait_for("cancel_error")
        assert error.error_msg == "不许撤"

    def test_nothing_changes(self, client: OwnTables) -> None:
        place(client)
        user = client.user()
        number = bought(user)
        hurried(user, 0.5)
        with pytest.raises(OutcomeUnknownError) as caught:
            user.cancel_entrust(number)
        assert caught.value.entrust_no == number

    def test_waits_for_the_contract_number(self, client: OwnTables) -> None:
        place(client, m_strOrderSysID="")
        user = client.user()
        receipt = user.cancel_entrust_async(bought(user))
        assert client.cancels == []
        change(client, m_strOrderSysID="99")
        eventually(lambda: client.cancels)
        assert client.cancels[0][0] == "99"
        change(client, m_nOrderStatus=54)
        assert receipt.result()["success"] is True

    def test_that_never_comes_is_not_sent(self, client: OwnTables) -> None:
        place(client, m_strOrderSysID="")
        recorder = Recorder()
        user = client.user(recorder)
        number = bought(user)
        hurried(user, 0.5)
        assert user.cancel_entrust(number)["success"] is False
        assert client.cancels == []
        assert "没有发出" in recorder.wait_for("cancel_error")[0].error_msg

    def test_of_a_foreign_order_by_its_number(self, client: OwnTables) -> None:
        client.shows(order(5, "手工"))
        user = client.user()
        (row,) = user.today_entrusts
        receipt = user.cancel_entrust_async(row["order_id"])
        eventually(lambda: client.cancels)
        change(client, m_nOrderStatus=54)
        assert receipt.result()["success"] is True

    def test_all_are_sent_before_the_first_is_answered(self, client: OwnTables) -> None:
        place(client)
        user = client.user()
        numbers = [bought(user) for _ in range(3)]

        def cancel_all(_: Any) -> None:
            found.extend(user.cancel_all())

        found: list[Any] = []
        worker = threading.Thread(target=cancel_all, args=(None,), daemon=True)
        worker.start()
        eventually(lambda: len(client.cancels) == 3)
        assert found == []
        rows = client.tables["ORDER"]
        client.shows(*(type(row)(**{**vars(row), "m_nOrderStatus": 54}) for row in rows))
        worker.join(10)
        assert [(each["entrust_no"], each["success"]) for each in found] == [
            (number, True) for number in numbers
        ]

    def test_of_nothing(self, client: OwnTables) -> None:
        user = client.user()
        assert user.cancel_entrust(12345)["success"] is False
        assert user.client.cancel_sysid("888888", market="SH")["success"] is False  # type: ignore[attr-defined]
        assert client.cancels == []


class TestUnreadable:
    """缺了数量的一行。"""

    def test_of_a_stranger_spoils_nothing_else(self, client: OwnTables) -> None:
        place(client)
        client.shows(order(900, "", m_nVolumeTraded=None))
        user = client.user()
        number = bought(user)
        assert [row["order_id"] for row in user.today_entrusts] == [number]

    def test_of_ours_is_no_answer(self, client: OwnTables) -> None:
        place(client)
        user = client.user()
        number = bought(user)
        change(client, m_nVolumeTotalOriginal=2147483647)
        with pytest.raises(QueryFailedError, match="m_nVolumeTotalOriginal"):
            _ = user.today_entrusts
        with pytest.raises(QueryFailedError):
            user.find_entrust(number)
        change(client, m_nVolumeTotalOriginal=100)
        assert user.find_entrust(number) is not None


class TestEvents:
    """回调与列表，各一次。"""

    def test_repeated_and_reordered_are_told_once(self, client: OwnTables) -> None:
        place(client)
        recorder = Recorder()
        user = client.user(recorder)
        number = bought(user)
        tag = client.calls[0][9]
        done = order(1, tag, m_nOrderStatus=56, m_nVolumeTraded=100)
        for row in (done, order(1, tag), done):
            client.says("order_callback", row)
        client.says("deal_callback", deal("t1", 1))
        client.says("deal_callback", deal("t1", 1))
        client.shows(done)
        client.shows(deal("t1", 1), kind="DEAL")
        trades = recorder.wait_for("trade")
        eventually(lambda: recorder.of("order")[-1].order_status == 56)
        after = bought(user)  # 后来的都到了
        eventually(lambda: after in recorder.numbers())
        assert [each.order_id for each in trades] == [number]
        assert recorder.of("trade") == trades
        told = [each.order_status for each in recorder.of("order") if each.order_id == number]
        assert told == [50, 56]

    def test_another_process_of_the_account_has_the_same_numbers(self, client: OwnTables) -> None:
        place(client)
        first, second = client.user(), client.user()
        number = first.buy(CODE, 10, 100, remark="网格")["entrust_no"]
        eventually(lambda: second.find_entrust(number) is not None)
        row = second.find_entrust(number)
        assert row is not None
        assert row["order_remark"] == "网格"
        assert first.today_entrusts == second.today_entrusts

    def test_trades_without_numbers_are_told_apart(self, client: OwnTables) -> None:
        place(client)
        recorder = Recorder()
        user = client.user(recorder)
        number = bought(user)
        client.shows(deal("", 1), deal("", 1), kind="DEAL")
        assert len(recorder.wait_for("trade", 2)) == 2
        assert {each["order_id"] for each in user.today_trades} == {number}
        assert len({each["traded_id"] for each in user.today_trades}) == 2


def test_from_buy_to_its_row_takes_two_ticks(client: OwnTables) -> None:
    def act(tag: str) -> None:
        row = order(len(client.calls), tag)
        client.tables["ORDER"] = [*client.tables["ORDER"], row]
        client.call_back("order_callback", row)

    client.answer_with(act)
    user = client.user()
    ticks = []
    for _ in range(10):
        before = client.agent.tick_number
        bought(user)
        ticks.append(client.agent.tick_number - before)
    assert sorted(ticks)[5] <= 2, ticks


def test_what_the_terminal_lacks_is_unsupported(client: OwnTables) -> None:
    user = client.user()
    with pytest.raises(UnsupportedError, match="get_ipo_data"):
        user._session.call("get_ipo_data", "")  # type: ignore[attr-defined]


def test_over_the_spool_folder(tmp_path: Path) -> None:
    class Spooled(InsideBroker):
        def _write(self, path: Path, settings: agentfile.Settings) -> Path:
            found = agentfile.settings_for(ACCOUNT)
            return super()._write(path, settings._replace(ports=(0,) * 5, spool=found.spool))

    broker = Spooled(tmp_path, MANNERS["instant"])
    user = broker.trader()
    try:
        broker.connect(user)
        hurried(user, 5.0)
        number = user.buy(broker.security, broker.crossing_price, 100)["entrust_no"]
        assert user.wait(number, 10)["order_status_name"] == "已成"
    finally:
        user.close()
        broker.close()
    spool = agentfile.settings_for(ACCOUNT).spool
    assert not list(type(tmp_path)(spool).glob("c-*"))
