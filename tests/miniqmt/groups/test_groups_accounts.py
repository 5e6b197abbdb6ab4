"""账号信息、状态、股东账户、持仓统计。"""

from __future__ import annotations

from typing import Any

import pytest
from support import ACCOUNT
from vendor_fakes import Counter

from easytrader.errors import ClosedError, QueryFailedError, UsageError
from easytrader.rows.business import position_statistics_row
from easytrader.sim.gateway.fields import structs
from easytrader.sim.host.faults import Faults


def test_account_infos(user: Any) -> None:
    [row] = user.client.account_infos()
    assert row["account_id"] == ACCOUNT
    assert (row["account_type"], row["account_type_name"]) == (2, "股票")
    assert (row["login_status"], row["login_status_name"]) == (0, "正常")
    assert list(row)[:3] == ["account_id", "account_type", "account_type_name"]


def test_account_status(user: Any) -> None:
    assert user.client.account_status() == [
        {"status": 0, "status_name": "正常", "account_id": ACCOUNT, "account_type": 2}
    ]


def test_status_pushed_by_a_fault_reaches_everything(
    user: Any, recorder: Any, sim_folder: Any
) -> None:
    recorder.on_account_status = lambda status: recorder._take("status", status)
    faults = Faults(sim_folder)
    faults.account_status(3)
    [pushed] = recorder.wait_for("status")
    assert (pushed.account_id, pushed.account_type, pushed.status) == (ACCOUNT, 2, 3)
    assert user.client.account_status()[0]["status_name"] == "失败"
    assert faults.active() == [{"kind": "account_status", "status": 3}]
    refused = user.buy("600036", 35, 100)
    assert refused["entrust_no"] == -1
    assert "失败" in refused["message"]
    assert user.today_entrusts == []
    faults.clear()
    assert [each.status for each in recorder.wait_for("status", 2)] == [3, 0]
    assert user.buy("600036", 35, 100)["entrust_no"] > 0  # 有编号就是收下了，成不成另说
    events = [each for each in user.events(timeout=0) if each["event"] == "account_status"]
    assert [each["data"]["status_name"] for each in events] == ["失败", "正常"]


@pytest.mark.parametrize("status", [True, 99, "3", None])
def test_a_status_that_does_not_exist(user: Any, sim_folder: Any, status: Any) -> None:
    with pytest.raises(UsageError, match="status"):
        Faults(sim_folder).account_status(status)


def test_secu_accounts(user: Any) -> None:
    shanghai, shenzhen = user.client.secu_accounts()
    assert shanghai["main"] is True
    assert (shanghai["market"], shenzhen["market"]) == ("SH", "SZ")
    assert shanghai["secu_account"].startswith("A")


def test_position_statistics(user: Any) -> None:
    first, second = user.client.position_statistics()
    assert (first["instrument_id"], second["instrument_id"]) == ("000001", "600000")
    assert (second["position"], second["can_close_vol"]) == (1000, 1000)
    assert second["position_cost"] == 10_000.0
    assert (second["direction"], second["direction_name"]) == (48, "多")
    value = sum(each["instrument_value"] for each in (first, second))
    assert value == pytest.approx(user.balance[0]["market_value"])


def test_every_statistics_field_of_the_native_struct_has_a_key() -> None:
    native = {field.name for field in structs()["PositionStatistics"]}
    assert {source for _, source in position_statistics_row.fields} == native


def test_an_unanswered_query_is_a_failure_in_time(user: Any) -> None:
    Counter(user, "querySecuAccount", None)
    with user._session.until(0), pytest.raises(QueryFailedError, match="没有应答"):
        user.client.secu_accounts()


def test_nothing_is_asked_without_a_session(user: Any) -> None:
    user.close()
    for verb in (
        user.client.account_infos,
        user.client.secu_accounts,
        user.client.position_statistics,
    ):
        with pytest.raises(ClosedError, match="关闭"):
            verb()


def test_answers_over_a_real_connection(served: Any, connect: Any) -> None:
    user = connect()
    assert user.client.account_infos()[0]["account_id"] == ACCOUNT
    assert [each["market"] for each in user.client.secu_accounts()] == ["SH", "SZ"]
    assert len(user.client.position_statistics()) == 2
