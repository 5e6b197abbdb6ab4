"""断了再连：客户端卡住、重启、账号退出；漏了的各补一次，编号不变。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from own_tables import CODE, OwnTables, account_row, deal, order
from support import Recorder, eventually

from easytrader.errors import ConnectFailedError, NotConnectedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnTables]:
    monkeypatch.setattr("easytrader.bigqmt.session.STALE_S", 0.6)
    monkeypatch.setattr("easytrader.bigqmt.session._ACCOUNT_S", 0.1)
    made = OwnTables(tmp_path)
    made.answer_with(
        lambda tag: made.tables.update(ORDER=[*made.tables["ORDER"], order(len(made.calls), tag)])
    )
    yield made
    made.close()


def test_a_client_that_hangs_is_disconnected_and_comes_back(client: OwnTables) -> None:
    recorder = Recorder()
    user = client.user(recorder)
    client.paused = True
    recorder.wait_for("disconnected")
    with pytest.raises(NotConnectedError):
        user.buy(CODE, 10, 100)
    client.paused = False
    recorder.wait_for("connected", 2)
    assert user.buy(CODE, 10, 100)["entrust_no"] > 0
    assert len(client.calls) == 1


def test_what_happened_meanwhile_arrives_once(client: OwnTables) -> None:
    recorder = Recorder()
    user = client.user(recorder)
    number = user.buy(CODE, 10, 100)["entrust_no"]
    tag = client.calls[0][9]
    client.paused = True
    recorder.wait_for("disconnected")
    done = order(1, tag, m_nOrderStatus=56, m_nVolumeTraded=100)
    client.says("order_callback", done)
    client.says("deal_callback", deal("t1", 1))
    client.refuses("~000000000~", "断线期间的")
    client.shows(done, order(77, "手工"))
    client.shows(deal("t1", 1), kind="DEAL")
    client.paused = False
    recorder.wait_for("connected", 2)
    recorder.wait_for("trade")
    recorder.wait_for("order_error")  # 表里没有的，从中转补来
    eventually(lambda: len(recorder.numbers()) == 2)
    user.buy(CODE, 10, 100)
    eventually(lambda: len(recorder.numbers()) == 3)
    assert len(recorder.of("trade")) == len(recorder.of("order_error")) == 1
    told = [each.order_status for each in recorder.of("order") if each.order_id == number]
    assert told == [50, 56]


def test_numbers_stay_after_the_client_restarted(client: OwnTables) -> None:
    recorder = Recorder()
    user = client.user(recorder)
    client.shows(order(55, "手工"))
    number = user.buy(CODE, 10, 100, remark="网格")["entrust_no"]
    before = {row["order_sysid"]: row["order_id"] for row in user.today_entrusts}
    client.restart()
    recorder.wait_for("disconnected")
    user.close()
    again = client.user()
    assert {row["order_sysid"]: row["order_id"] for row in again.today_entrusts} == before
    row = again.find_entrust(number)
    assert row is not None
    assert row["order_remark"] == "网格"


def test_an_account_that_logs_out(client: OwnTables) -> None:
    recorder = Recorder()
    user = client.user(recorder)
    client.shows(kind="ACCOUNT")
    recorder.wait_for("disconnected")
    assert "没有登录" in user.status["last_error"]
    client.shows(account_row(), kind="ACCOUNT")
    recorder.wait_for("connected", 2)


def test_a_counter_that_is_gone(client: OwnTables) -> None:
    recorder = Recorder()
    user = client.user(recorder)
    client.shows(account_row(m_strStatus="连接中"), kind="ACCOUNT")
    recorder.wait_for("disconnected")
    assert "连接中" in user.status["last_error"]
    with pytest.raises(ConnectFailedError, match="连接中"):
        client.reach(user)
    client.shows(account_row(), kind="ACCOUNT")
    client.reach(user)
    assert user.state == "已连接"


def test_another_day_empties_the_lists(client: OwnTables) -> None:
    yesterday = {"m_strInsertDate": "20200102"}
    client.shows(order(1, "", **yesterday))
    client.shows(deal("t1", 1, m_strTradeDate="20200102"), kind="DEAL")
    user = client.user()
    assert len(user.today_entrusts) == len(user.today_trades) == 1
    client.shows()
    client.shows(kind="DEAL")
    assert user.today_entrusts == user.today_trades == []


def test_the_agents_own_no_is_told_as_it_is(client: OwnTables) -> None:
    client.module["TOKEN"] = "x" * 64
    with pytest.raises(ConnectFailedError) as caught:
        client.user()
    assert str(caught.value).startswith("令牌不对")


def test_a_model_bound_to_another_account(client: OwnTables) -> None:
    client.module["account"] = "50000002"
    with pytest.raises(ConnectFailedError, match="0002"):
        client.user()
