"""信用账号：动词、键与 MiniQMT 的是同一份；送到终端的 opType 一个都不能错。"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from big_client_world import big_client
from credit_helpers import CREDIT, credit_folder

import easytrader
from easytrader.bigqmt.desk import Desk
from easytrader.bigqmt.operations import op_terms, order_type_of
from easytrader.codes import OrderType
from easytrader.errors import QueryFailedError, UnsupportedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARKET = "对手方最优价格委托"
VERBS = ("detail", "compacts", "subjects", "slo_codes", "assure")


class Both:
    """同一个账户，一边是完整版，一边是 MiniQMT 的接口。"""

    def __init__(self, terminal: Any, big: Any, mini: Any) -> None:
        self.terminal, self.big, self.mini = terminal, big, mini

    @property
    def ops(self) -> list[int]:
        return [args[0] for _, args in self.terminal.calls]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    folder = credit_folder(tmp_path)
    with (
        big_client(folder, CREDIT, "CREDIT") as terminal,
        easytrader.use("bigqmt") as big,
        easytrader.use("sim") as mini,
    ):
        big.connect(str(folder), CREDIT, account_type="CREDIT", timeout=5)
        mini.connect(str(folder), CREDIT, account_type="CREDIT", timeout=5)
        yield Both(terminal, big, mini)


def test_every_query_is_the_same_as_minis(both: Both) -> None:
    order = both.big.credit.fin_buy("600036", None, 100, ttype=MARKET)
    assert both.big.wait(order["entrust_no"])["traded_volume"] == 100
    both.big.credit.slo_sell("600036", both.big.quote("600036")["600036"]["last"], 100)
    assert both.ops == [27, 28]
    for verb in VERBS:
        ours, theirs = getattr(both.big.credit, verb)(), getattr(both.mini.credit, verb)()
        if verb == "detail":  # 客户端的资金里没有这两项
            assert list(ours) == list(theirs)
            for key in ("update_time", "calc_config"):
                assert ours.pop(key) is None
                theirs.pop(key)
        assert ours, verb
        assert ours == theirs
    names = [row["order_type_name"] for row in both.big.today_entrusts]
    assert names == ["融资买入", "融券卖出"]


def test_plain_buying_on_a_credit_account_is_with_collateral(both: Both) -> None:
    both.big.market_buy("600036", 100)
    both.big.credit.sell("600036", None, 100, ttype=MARKET)
    assert both.ops == [33, 34]
    assert [row["order_type"] for row in both.mini.today_entrusts] == [23, 24]
    assert [row["order_type_name"] for row in both.big.today_entrusts] == [
        "担保品买入", "担保品卖出",
    ]  # fmt: skip


def test_special_never_reaches_the_futures_numbers(both: Both) -> None:
    price = both.big.quote("600036")["600036"]["last"]
    both.big.credit.fin_buy("600036", price, 100, special=True)
    both.big.credit.direct_cash_repay(500, special=True, check_debt=False)
    assert both.ops == [70, 75]
    assert both.mini.today_entrusts[0]["order_type"] == OrderType.FIN_BUY_SPECIAL
    assert both.big.today_entrusts[0]["order_type_name"] == "专项融资买入"


def test_what_is_not_owed_is_not_sent(both: Both) -> None:
    for verb in ("buy_secu_repay", "sell_secu_repay"):
        with pytest.raises(UsageError):
            getattr(both.big.credit, verb)("600036", 35.0, 100)
    with pytest.raises(UsageError):
        both.big.credit.direct_cash_repay(100)
    assert both.ops == []


class Told:
    """一个客户端说的，照 `desk.DeskLine`。"""

    account_id, account_type = CREDIT, "CREDIT"

    def __init__(self, rows: list[dict[str, Any]], found: Any = None) -> None:
        self.rows, self.found = rows, found

    def table(self, kind: str) -> list[dict[str, Any]]:
        return self.rows

    def call(self, fn: str, *args: Any) -> Any:
        return self.found

    def orders(self) -> list[Any]:
        return []


def desk_of(*rows: dict[str, Any], found: Any = None) -> Any:
    told: Any = Told(list(rows), found)
    return Desk(told, told)


def test_numbers_never_filled_in_are_none_and_older_names_are_read() -> None:
    row = {
        "m_dPerAssurescaleValue": 3.2, "m_strStatus": "登录成功",
        "m_dMarketValue": sys.float_info.max,
        "m_dInstrumentValue": 100.0, "m_dTotalDebit": 5.0, "m_dFinFee": 2**31 - 1,
    }  # fmt: skip
    [found] = desk_of(row).query("信用资产", "query_credit_detail", CREDIT)
    assert (found.m_dMarketValue, found.m_dTotalDebt, found.m_dFinFee) == (100.0, 5.0, None)
    assert (found.m_nStatus, found.account_id, found.account_type) == (0, CREDIT, 3)


@pytest.mark.parametrize("found", [None, 0, "x", [1], {"a": 1}])
def test_what_cannot_be_believed_is_not_an_empty_answer(found: Any) -> None:
    with pytest.raises(QueryFailedError):
        desk_of(found=found).query("负债合约", "query_stk_compacts", CREDIT)
    with pytest.raises(QueryFailedError):  # 资金里没有信用的几项
        desk_of({"m_dBalance": 1.0}).query("信用资产", "query_credit_detail", CREDIT)


@pytest.mark.parametrize("kind", ["STOCK", "CREDIT"])
def test_only_what_is_in_the_table_gets_an_op_type(kind: str) -> None:
    futures = set(range(16)) | set(range(40, 50))
    for order_type in range(-1, 1100):
        try:
            op, _ = op_terms(order_type, 11, kind)
        except UnsupportedError:
            continue
        assert op not in futures
        assert (op in (23, 24, 60, 61, 80, 81)) == (kind == "STOCK")
    assert op_terms(OrderType.AFTER_FIX_BUY, 11, "STOCK") == (23, 49)


@pytest.mark.parametrize(
    ("row", "order_type"),
    [
        ({"m_nOffsetFlag": 48, "m_eEntrustType": 48, "m_strOptName": "限价买入"}, 23),
        ({"m_nOffsetFlag": 49, "m_eEntrustType": 48, "m_nOpType": 23}, 24),
        ({"m_nOffsetFlag": 48, "m_eEntrustType": 54}, 27),
        ({"m_nOffsetFlag": 49, "m_eEntrustType": 54}, 31),
        ({"m_nOffsetFlag": 49, "m_eEntrustType": 55}, 28),
        ({"m_nOffsetFlag": 48, "m_eEntrustType": 55}, 29),
        ({"m_nOffsetFlag": 48, "m_eEntrustType": 57}, 23),
        ({"m_nOffsetFlag": 49, "m_eEntrustType": 54, "m_strOptName": "直接还款"}, 32),
        ({"m_nOffsetFlag": 48, "m_eEntrustType": 54, "m_strOptName": "专项融资买入"}, 40),
    ],
)
def test_reading_back_what_kind_an_order_is(row: dict[str, Any], order_type: int) -> None:
    assert order_type_of(row) == order_type
