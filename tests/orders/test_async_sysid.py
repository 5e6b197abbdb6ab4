"""按柜台合同编号撤单：市场的各种写法，不给就认出来；同形的模块。"""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from async_helpers import AsyncRecorder, rest
from support import eventually

import easytrader
from easytrader import arguments
from easytrader.errors import OutcomeUnknownError, QueryFailedError, RiskRefusedError, UsageError
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def recorder() -> AsyncRecorder:
    return AsyncRecorder()


def contract(user: Any, code: str = "600036", price: float = 32.5) -> tuple[int, str]:
    """挂一笔，等它有合同编号。"""
    number = user.buy(code, price, 100)["entrust_no"]
    eventually(lambda: user.find_entrust(number)["order_sysid"])
    return number, user.find_entrust(number)["order_sysid"]


@pytest.mark.parametrize(
    "market", ["SH", "sh", "上交所", "上海证券交易所", "沪市", 0, np.int64(0), None]
)
def test_cancel_by_contract_number(user: Any, market: Any) -> None:
    number, sysid = contract(user)
    assert user.client.cancel_sysid(sysid, market) == {"success": True, "message": "success"}
    assert user.wait(number, 30)["order_status_name"] == "已撤"


def test_cancel_by_contract_number_async(user: Any, recorder: AsyncRecorder) -> None:
    number, sysid = contract(user)
    receipt = user.client.cancel_sysid_async(sysid, market="SH")
    assert receipt.result() == {"success": True, "message": "success"}
    (response,) = recorder.wait_for("cancel_response")
    assert (response.seq, response.order_sysid) == (receipt.seq, sysid)
    assert user.wait(number, 30)["order_status_name"] == "已撤"
    assert f"合同编号 {sysid}" in repr(receipt)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("SH", "SH"), ("深圳", "SZ"), ("北交所", "BJ"), (1, "SZ"), (70, "BJ"), (70.0, "BJ"),
     ("SZ_MARKET", "SZ"), (" bj ", "BJ")],
)  # fmt: skip
def test_markets(given: Any, expected: str) -> None:
    assert arguments.market(given) == expected


@pytest.mark.parametrize("market", ["", "SF", "上期所", 2, True, 0.5, b"SH", ["SH"]])
def test_wrong_markets(user: Any, market: Any) -> None:
    with pytest.raises(UsageError, match="'SH'（上交所）") as caught:
        user.client.cancel_sysid("1", market)
    assert caught.value.argument == "market"


@pytest.mark.parametrize("sysid", ["", " ", 8129, None, "1" * 24, "a\nb", b"1"])
def test_wrong_contract_numbers(user: Any, sysid: Any) -> None:
    for cancel in (user.client.cancel_sysid, user.client.cancel_sysid_async):
        with pytest.raises(UsageError) as caught:
            cancel(sysid, "SH")
        assert caught.value.argument == "order_sysid"


def test_a_contract_number_nobody_has(user: Any) -> None:
    with pytest.raises(UsageError, match="当日委托里没有"):
        user.client.cancel_sysid("999999")
    assert user.client.cancel_sysid("999999", "SH") == user.cancel_entrust(999999)


def test_two_exchanges_with_the_same_number(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = [
        SimpleNamespace(stock_code=code, order_sysid="7") for code in ("600036.SH", "000001.SZ")
    ]
    monkeypatch.setattr(type(user._session), "orders", lambda self: orders)
    with pytest.raises(UsageError, match="market='SH'、market='SZ'"):
        user.client.cancel_sysid("7")


def test_a_lookup_that_fails_sends_nothing(user: Any, sim_folder: Path) -> None:
    _, sysid = contract(user)
    Faults(sim_folder).drop_answer("orders")
    with user._session.until(0.3), pytest.raises(QueryFailedError):
        user.client.cancel_sysid(sysid)


def test_a_lost_answer(served: Any, connect: Callable[..., Any]) -> None:
    user = connect(timeout=0.5)
    _, sysid = contract(user)
    Faults(served.folder).drop_answer("cancel", times=2)
    with pytest.raises(OutcomeUnknownError, match=f"合同编号 {sysid}"):
        user.client.cancel_sysid(sysid, "SH")
    with pytest.raises(OutcomeUnknownError, match=f"合同编号 {sysid}"):
        user.client.cancel_sysid_async(sysid, "SH").result()


def test_the_guard_counts_them(user: Any) -> None:
    user.guard = {"max_per_day": 5, "max_per_second": None}
    for _ in range(5):
        user.client.cancel_sysid("999999", "SH")
    with pytest.raises(RiskRefusedError, match="max_per_day"):
        user.client.cancel_sysid_async("999999", "SH")


# ---- 同形的模块：没有厂商内部的那一层


class Shim:
    """别人家的 XtQuantTrader：只有同步方法。"""

    def __init__(self, path: str, session: int) -> None:
        self.sent: list[tuple[Any, ...]] = []

    def register_callback(self, callback: Any) -> None: ...

    def start(self) -> None: ...

    def connect(self) -> int:
        return 0

    def subscribe(self, account: Any) -> int:
        return 0

    def stop(self) -> None: ...

    def query_stock_asset(self, account: Any) -> Any:
        return SimpleNamespace(account_id=account.account_id, account_type=2)

    def query_stock_orders(self, account: Any) -> list[Any]:
        return []

    query_stock_positions = query_stock_trades = query_stock_orders

    def order_stock(self, *request: Any) -> int:
        if request[3] == 300:
            raise OSError("坏了")
        self.sent.append(request)
        return -1 if request[3] == 200 else 77

    def cancel_order_stock_sysid(self, account: Any, market: int, sysid: str) -> int:
        self.sent.append((market, sysid))
        return 0


@pytest.fixture
def shim(tmp_path: Path, recorder: AsyncRecorder) -> Any:
    module = ModuleType("other_qmt")
    module.XtQuantTrader = Shim  # type: ignore[attr-defined]
    module.StockAccount = lambda name, kind: SimpleNamespace(account_id=name)  # type: ignore[attr-defined]
    with easytrader.use("miniqmt") as user:
        user.connect(str(tmp_path), "1", recorder, xtquant=module, timeout=2)
        yield user


def test_a_module_of_the_same_shape(shim: Any, recorder: AsyncRecorder) -> None:
    receipts = [rest(shim) for _ in range(20)]
    assert [each.result() for each in receipts] == [{"entrust_no": 77}] * 20
    assert len({each.seq for each in receipts}) == 20
    found = recorder.wait_for("order_response", 20)
    assert {each.seq for each in found} == {each.seq for each in receipts}
    assert found[0].account_id == "1"
    assert shim.buy_async("600036", 33.0, 200).result()["entrust_no"] == -1
    with pytest.raises(OutcomeUnknownError, match="坏了"):
        shim.buy_async("600036", 33.0, 300).result()
    assert shim.client.cancel_sysid_async("7", "BJ").result()["success"]
    assert shim.trader.sent[-1] == (70, "7")
    assert recorder.wait_for("cancel_response")[0].order_sysid == "7"
