"""同形模块（没有厂商内部的那一层）：动钱的调用同样有期限，同样说「结果未知」。"""

from __future__ import annotations

import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import easytrader
from easytrader.errors import MissingDependencyError, OutcomeUnknownError, QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator


class ShimTrader:
    """别人家的 XtQuantTrader。"""

    latest: Any = None

    def __init__(self, path: str, session: int) -> None:
        self.go = threading.Event()
        self.callback: Any = None
        ShimTrader.latest = self

    def register_callback(self, callback: Any) -> None:
        self.callback = callback

    def start(self) -> None: ...

    def connect(self) -> int:
        return 0

    def subscribe(self, account: Any) -> int:
        return 0

    def stop(self) -> None:
        self.go.set()

    def query_stock_asset(self, account: Any) -> Any:
        class Asset:
            total_asset = market_value = cash = frozen_cash = 1.0
            account_type, account_id = 2, "1"

        return Asset()

    def query_stock_orders(self, account: Any) -> list[Any]:
        return []

    query_stock_positions = query_stock_trades = query_stock_orders

    def bank_transfer_in(self, *given: Any) -> Any:
        self.go.wait(30)
        return True, ""

    def bank_transfer_out(self, *given: Any) -> Any:
        raise RuntimeError("别人家的错")

    def fund_transfer(self, *given: Any) -> Any:
        return None

    def query_bank_info(self, account: Any) -> Any:
        raise RuntimeError("别人家的错")

    def bank_transfer_in_async(self, *given: Any) -> int:
        class Answer:
            seq, success, msg = 5, True, "好"

        self.callback.on_bank_transfer_async_response(Answer())  # 比序号先到
        return 5

    def bank_transfer_out_async(self, *given: Any) -> int:
        return -1


class ShimAccount:
    def __init__(self, account_id: str, account_type: str) -> None:
        self.account_id, self.account_type = account_id, account_type


@pytest.fixture
def user(tmp_path: Any) -> Iterator[Any]:
    plug = ModuleType("shim_bank")
    plug.XtQuantTrader, plug.StockAccount = ShimTrader, ShimAccount
    folder = tmp_path / "userdata_mini"
    folder.mkdir()
    (folder / "up_queue_win_xtquant").touch()
    trader = easytrader.use("miniqmt")
    trader.connect(str(folder), "1", xtquant=plug, timeout=2, reconnect_enabled=False)
    yield trader
    ShimTrader.latest.go.set()
    trader.close()


def test_what_never_comes_back_is_unknown(user: Any) -> None:
    user._session._replies._timeout_s = 0.2
    with pytest.raises(OutcomeUnknownError, match="不要重发"):
        user.bank.transfer_in("1", "2", 3)


def test_what_it_raises_is_unknown(user: Any) -> None:
    with pytest.raises(OutcomeUnknownError, match="别人家的错"):
        user.bank.transfer_out("1", "2", 3)
    with pytest.raises(OutcomeUnknownError, match="None"):
        user.transfer.fund(510, 3)
    with pytest.raises(QueryFailedError, match="别人家的错"):
        user.bank.info()


def test_what_it_does_not_have(user: Any) -> None:
    with pytest.raises(MissingDependencyError, match="query_secu_account"):
        user.client.secu_accounts()


def test_async(user: Any) -> None:
    row = user.bank.transfer_in_async("1", "2", 3).result(2)
    assert row == {"seq": 5, "success": True, "message": "好"}
    with pytest.raises(OutcomeUnknownError, match="-1"):
        user.bank.transfer_out_async("1", "2", 3)
