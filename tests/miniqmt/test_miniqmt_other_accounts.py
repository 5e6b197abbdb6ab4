"""期货、期权、沪港通、深港通等账号：连得上、查得到，A 股的动词拒绝；模拟的没有这些账户。

模拟柜台不许开这些户，这里替它放开，行由原生这一层给。
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, get_args

import pytest
from credit_helpers import Sent
from support import ACCOUNT
from types_check import check
from vendor_fakes import Counter

import easytrader
from easytrader import types
from easytrader.codes import AccountType
from easytrader.errors import ConnectFailedError, UsageError
from easytrader.sim.config import folder as folders
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.gateway.rows import OrderRow, PositionRow, TradeRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OTHERS = [name for name in AccountType.__members__ if name not in ("STOCK", "CREDIT")]
TRIED = ("FUTURE", "FUTURE_OPTION", "STOCK_OPTION", "HUGANGTONG", "SHENGANGTONG", "NEW3BOARD")


@pytest.fixture
def open_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    opened = []

    def make(kind: str) -> Any:
        monkeypatch.setitem(folders.ACCOUNT_TYPES, AccountType[kind].value, kind)
        folder = tmp_path / kind
        create(folder, (AccountConfig(ACCOUNT, AccountType[kind].value),), connect_wait_s=0.3)
        user = easytrader.use("sim")
        opened.append(user)
        user.connect(str(folder), ACCOUNT, account_type=kind, timeout=5)
        return user

    yield make
    for user in opened:
        user.close()


def rows_of(kind: str) -> tuple[PositionRow, OrderRow, TradeRow]:
    """厂商的结构里，这种账号会有的样子：开平、多空。"""
    code = "10008888.SHO" if kind == "STOCK_OPTION" else "IF2612.IF"
    number = AccountType[kind].value
    head = (number, ACCOUNT, code)
    prices = (3900.0, 1.0, 0, 0, 2, 3900.0)
    position = PositionRow(
        *head, 2, 2, *prices, 49, 10.0, 3910.0, 0.1, "", "合约", "20261119", 10.0
    )  # fmt: skip
    order = OrderRow(
        *head, 7, 1_795_000_000, 3, 2, 50, 3900.0, 1, 3900.0, 55, "88", "", "", "", 49, 48, "", ""
    )  # fmt: skip
    trade = TradeRow(
        *head, "9", 1_795_000_001, 3900.0, 1, 3900.0, 7, 3, "88", "", "", 49, 51, 0.0, "", ""
    )  # fmt: skip
    return position, order, trade


@pytest.mark.parametrize("kind", TRIED)
def test_queries_of_another_account(open_account: Callable[[str], Any], kind: str) -> None:
    user = open_account(kind)
    number = AccountType[kind].value
    position, order, trade = rows_of(kind)
    asked = [
        Counter(user, "queryStockPositions", [position]),
        Counter(user, "queryStockOrders", [order]),
        Counter(user, "queryStockTrades", [trade]),
    ]
    assert user.balance[0]["account_type"] == number
    for found, each in (
        (user.position, types.Position),
        (user.today_entrusts, types.Entrust),
        (user.today_trades, types.Trade),
    ):
        check(found, list[each])  # type: ignore[valid-type]
        [row] = found
        assert row["account_type"] == number
        assert row["security"] == position.stock_code.partition(".")[0]
    assert all(each.requests[0].m_nAccountType == number for each in asked)
    futures = kind in ("FUTURE", "FUTURE_OPTION", "STOCK_OPTION")
    [row] = user.today_entrusts
    assert row["order_type_name"] == "开空"
    assert row["offset_flag_name"] == ("开仓" if futures else "买入")
    assert row["direction_name"] == "空"
    assert user.today_trades[0]["offset_flag_name"] == "平今"
    assert user.position[0]["direction"] == 49
    [info] = user.client.account_infos()
    assert (info["account_type"], info["account_type_name"]) == (number, AccountType[kind].label)


VERBS: dict[str, tuple[Any, ...]] = {
    "buy": ("600036", 35.0, 100),
    "sell_async": ("600036", 35.0, 100),
    "market_buy": ("600036", 100),
    "market_sell_async": ("600036", 100),
    "credit.fin_buy": ("600036", 35.0, 100),
    "credit.direct_cash_repay_async": (100,),
    "credit.detail": (),
    "transfer.fund": (510, 100.0),
    "lending.quoters": (),
}


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_that_make_no_sense_are_refused(
    open_account: Callable[[str], Any], verb: str
) -> None:
    user = open_account("FUTURE")
    sent = Sent(user)
    options = {"client_order_id": "一"} if len(VERBS[verb]) > 1 and "fund" not in verb else {}
    with pytest.raises(UsageError) as caught:
        attrgetter(verb)(user)(*VERBS[verb], **options)
    assert (caught.value.argument, caught.value.value) == ("account_type", "FUTURE")
    assert sent.requests == []
    if verb in ("buy", "market_buy"):
        assert "user.trader.order_stock" in str(caught.value)


def test_cancelling_is_not_refused(open_account: Callable[[str], Any]) -> None:
    user = open_account("FUTURE")
    assert user.cancel_entrust(7)["success"] is False


@pytest.mark.parametrize("kind", OTHERS)
def test_every_type_is_accepted_by_name(kind: str) -> None:
    from xtquant.xttype import StockAccount

    assert StockAccount("1", kind).account_type == AccountType[kind].value
    assert kind in get_args(types.AccountTypeName)


@pytest.mark.parametrize("kind", [*OTHERS, "future"])
def test_the_simulator_has_no_such_account(sim_folder: Path, kind: str) -> None:
    user = easytrader.use("sim")
    with pytest.raises(UsageError, match=rf"模拟的 MiniQMT 只有 STOCK、CREDIT.*{kind.upper()}"):
        user.connect(str(sim_folder), ACCOUNT, account_type=kind)
    assert user.state == "未连接"


def test_nothing_is_created_for_such_an_account(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="FUTURE"):
        easytrader.use("sim").connect(str(tmp_path), "1", account_type="FUTURE")
    assert list(tmp_path.iterdir()) == []


def test_a_served_simulator_says_what_the_account_is(served: Any) -> None:
    user = easytrader.use("miniqmt")
    with pytest.raises(ConnectFailedError, match="普通账号，不是 FUTURE"):
        user.connect(str(served.folder), ACCOUNT, account_type="FUTURE", timeout=3)
    user.close()


def test_a_name_the_vendor_does_not_have(sim_folder: Path) -> None:
    for kind in ("CREDITS", "", None, 3):
        with pytest.raises(UsageError) as caught:
            easytrader.use("sim").connect(str(sim_folder), ACCOUNT, account_type=kind)
        assert caught.value.argument == "account_type"
