"""经厂商对象 `user.trader` 用的：异步查询，与交易口的同步查询说的一样；还有几个系统方法。"""

from __future__ import annotations

import json
import queue
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, Recorder, eventually
from vendor_fakes import Counter

import easytrader
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def credit(tmp_path: Path) -> Iterator[Any]:
    folder = tmp_path / "credit" / "userdata_mini"
    account = AccountConfig(ACCOUNT, account_type=3)
    create(folder, (account,), clock="step", start="2026-11-18 10:00", connect_wait_s=0.3)
    pool = {"slo_volume": {"600036.SH": 5000}}
    (folder / "credit.json").write_text(json.dumps(pool), encoding="utf-8")
    with easytrader.use("sim") as user:
        user.connect(str(folder), ACCOUNT, account_type="CREDIT", timeout=5)
        yield user


def told(found: Any) -> Any:
    """厂商的回答 → 可以比的；每次查询都是新的对象。"""
    if isinstance(found, (list, tuple)):
        return [told(each) for each in found]
    if isinstance(found, (dict, str, int, float, type(None))):
        return found
    names = (each for each in dir(found) if not each.startswith("_") and each != "seq")
    fields = {name: getattr(found, name) for name in names}
    return {name: value for name, value in fields.items() if not callable(value)}


def both(user: Any, name: str, *given: Any) -> tuple[Any, Any]:
    """（同步的回答, 异步的回答）。"""
    answers: queue.Queue[Any] = queue.Queue()
    seq = getattr(user.trader, f"{name}_async")(*given, answers.put)
    assert seq is None or seq > 0
    heard = answers.get(timeout=30)
    return told(getattr(user.trader, name)(*given)), told(heard)


@pytest.mark.parametrize(
    "name",
    ["query_stock_asset", "query_stock_orders", "query_stock_trades", "query_stock_positions"],
)
def test_async_queries_of_a_stock_account(user: Any, name: str) -> None:
    user.wait(user.market_buy("600036", 100)["entrust_no"], 30)
    sync, heard = both(user, name, user.account)
    assert sync
    assert heard == sync


@pytest.mark.parametrize("name", ["query_account_infos", "query_account_status"])
def test_async_queries_of_all_accounts(user: Any, name: str) -> None:
    sync, heard = both(user, name)
    assert sync
    assert heard == sync


@pytest.mark.parametrize(
    "name",
    [
        "query_credit_detail", "query_stk_compacts", "query_credit_subjects",
        "query_credit_slo_code", "query_credit_assure",
    ],
)  # fmt: skip
def test_async_queries_of_a_credit_account(credit: Any, name: str) -> None:
    bought = credit.trader.order_stock(credit.account, "600036.SH", 27, 100, 42, 0)
    assert credit.find_entrust(bought)["order_status_name"] == "已成"
    sync, heard = both(credit, name, credit.account)
    assert sync
    assert heard == sync


def test_async_queries_of_new_shares(user: Any) -> None:
    Counter(user, "queryNewPurchaseLimit", [("SH", 9000), ("SZ", 500)])
    sync, heard = both(user, "query_new_purchase_limit", user.account)
    limits = {row["m_strNewPurchaseLimitKey"]: row["m_nNewPurchaseLimitValue"] for row in heard}
    assert limits == sync  # 厂商的异步写法给的是结构，同步的是字典
    assert user.ipo.limits() == {"SH": 9000, "SZ": 500}
    Counter(user, "queryIPOData", [("787001.SH", "新股", "STOCK", 500, 500, "20261118", 10.0)])
    sync, heard = both(user, "query_ipo_data")
    assert [(row["m_strIPOCode"], row["m_strIPOName"]) for row in heard] == [("787001.SH", "新股")]
    assert list(sync) == ["787001.SH"]
    assert [each["stock_code"] for each in user.ipo.data()] == ["787001.SH"]


def test_one_position_is_one_of_the_list(user: Any) -> None:
    one = user.trader.query_stock_position(user.account, "600000.SH")
    [row] = [each for each in user.position if each["stock_code"] == "600000.SH"]
    assert (one.volume, one.open_price) == (row["volume"], row["open_price"])
    assert user.trader.query_stock_position(user.account, "600519.SH") is None


def test_async_cancels(user: Any, recorder: Recorder) -> None:
    recorder.on_cancel_order_stock_async_response = lambda each: recorder._take("gone", each)
    raw, account = user.trader, user.account
    first, second = (user.buy("600036", 33.0, 100)["entrust_no"] for _ in range(2))
    sysid = user.find_entrust(second)["order_sysid"]
    sent = {
        raw.cancel_order_stock_async(account, first),
        raw.cancel_order_stock_sysid_async(account, 0, sysid),
    }
    answers = recorder.wait_for("gone", 2)
    assert {each.seq for each in answers} == sent
    assert {each.cancel_result for each in answers} == {0}
    for number in (first, second):
        assert user.wait(number, 30)["order_status_name"] == "已撤"


def test_relaxed_order_is_accepted(user: Any) -> None:
    user.trader.set_relaxed_response_order_enabled(True)
    assert user.balance
    user.trader.set_relaxed_response_order_enabled(False)
    assert user.balance


def test_unsubscribe(user: Any, recorder: Recorder) -> None:
    user.market_buy("600036", 100)
    recorder.wait_for("trade")
    assert user.trader.unsubscribe(user.account) == 0
    number = user.market_buy("600036", 100)["entrust_no"]
    eventually(lambda: user.find_entrust(number)["order_status_name"] == "已成")
    assert len(recorder.of("trade")) == 1
    assert user.trader.subscribe(user.account) == 0


def test_sleep_returns(user: Any) -> None:
    began = time.monotonic()
    assert user.trader.sleep(0.05) is None
    assert time.monotonic() - began > 0.04


def test_set_timeout_changes_nothing(user: Any) -> None:
    user.trader.set_timeout(1)
    assert user.trader.order_stock(user.account, "600036.SH", 23, 100, 11, 33.0) > 0
    assert user.balance
