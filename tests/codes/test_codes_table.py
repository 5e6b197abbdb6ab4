"""代码表自己：不缺名字、不重复，文档页、`Literal` 与它一致，因账号而异的说得清楚。"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from easytrader import codes, rows
from easytrader.codes import Code, TextCode, page
from easytrader.codes.table import TABLE, Enumeration

ROOT = Path(__file__).resolve().parents[2]
SAME_NAME = {
    codes.PriceType: {"最优五档即时成交剩余撤销"},  # 沪市 42、深市 47
}
"""一种代码里可以重的名字。"""

TTYPES = {n for each in codes.MARKET_ORDER_TYPES.values() for n in each.values()} | {
    codes.PriceType.LATEST
}
"""``ttype`` 可以说的报价类型。"""


def by_title(item: Enumeration) -> str:
    return item.title


@pytest.mark.parametrize("item", TABLE, ids=by_title)
def test_names_are_complete_and_distinct(item: Enumeration) -> None:
    labels = [label for _, _, label, _ in item.rows]
    assert all(labels)
    assert {each for each in labels if labels.count(each) > 1} == SAME_NAME.get(item.kind, set())
    assert len(item.kind.__members__) == len(item.rows), "同一个代码写了两遍，成了别名"


def test_every_enumeration_is_in_the_table() -> None:
    defined = {
        each
        for each in vars(codes).values()
        if isinstance(each, type)
        and issubclass(each, (Code, TextCode))
        and each not in (Code, TextCode)
    }
    assert {item.kind for item in TABLE} == defined


def test_members_are_the_plain_value() -> None:
    assert codes.OrderStatus.SUCCEEDED == 56
    assert codes.BankTransferDirection.IN == "1"
    assert {56: 1}[codes.OrderStatus.SUCCEEDED] == 1
    assert f"{codes.OrderStatus.SUCCEEDED} {codes.BankTransferDirection.IN}" == "56 1"
    for item in TABLE:
        for member in item.kind:
            assert item.kind(member.value) is member
            assert pickle.loads(pickle.dumps(member)) is member


def test_page_is_the_table() -> None:
    written = (ROOT / "docs/zh/reference/codes.md").read_text(encoding="utf-8")
    assert written == page.render(), "python -m easytrader.codes.page > docs/zh/reference/codes.md"


@pytest.mark.parametrize(
    ("literal", "names"),
    [
        (codes.OrderStatusName, codes.ORDER_STATUS_NAMES.values()),
        (
            codes.OrderTypeName,
            [*codes.ORDER_TYPE_NAMES.values(), *codes.CREDIT_ORDER_TYPE_NAMES.values(), "未知"],
        ),
        (codes.PriceTypeName, [*codes.PRICE_TYPE_NAMES.values(), "未知"]),
        (
            codes.OffsetFlagName,
            [*codes.OFFSET_FLAG_NAMES.values(), *codes.OPEN_CLOSE_FLAG_NAMES.values(), "未知"],
        ),
        (codes.DirectionName, [*codes.DIRECTION_NAMES.values(), "未知"]),
        (codes.AccountStatusName, [*codes.ACCOUNT_STATUS_NAMES.values(), "未知"]),
        (codes.AccountTypeName, codes.AccountType.__members__),
        (
            codes.MarketTypeName,
            [name for each in codes.MARKET_ORDER_TYPES.values() for name in each]
            + [each.label for each in codes.PriceType if each in TTYPES],
        ),
        (codes.Exchange, codes.MARKET_CODES),
        (codes.SideName, [codes.OrderType.BUY.label, codes.OrderType.SELL.label]),
        (
            codes.FundsTransferName,
            [each.label for each in codes.TransferDirection if "资金" in each.label],
        ),
        (
            codes.SecuTransferName,
            [each.label for each in codes.TransferDirection if "股份" in each.label],
        ),
        (codes.TransferTypeName, codes.TRANSFER_TYPE_NAMES.values()),
    ],
)  # fmt: skip
def test_literals_list_every_name(literal: Any, names: Any) -> None:
    listed = get_args(literal)
    assert len(set(listed)) == len(listed)
    assert set(listed) == set(names)


def test_two_price_type_families_do_not_overlap() -> None:
    """合成一个字典的前提。"""
    sent = {each.value for each in codes.PriceType}
    returned = {each.value for each in codes.BrokerPriceType}
    assert not sent & returned
    assert set(codes.BROKER_PRICE_TYPES) <= sent
    assert set(codes.BROKER_PRICE_TYPES.values()) <= returned


def test_names_that_depend_on_the_account() -> None:
    assert codes.order_type_name(23) == "买入"
    assert codes.order_type_name(24, codes.AccountType.CREDIT) == "担保品卖出"
    assert codes.order_type_name(27, codes.AccountType.CREDIT) == "融资买入"
    assert codes.order_type_name(-7) == codes.UNKNOWN_NAME
    for account_type in codes.OPEN_CLOSE_ACCOUNTS:
        assert codes.offset_flag_name(48, account_type) == "开仓"
        assert codes.offset_flag_name(49, account_type) == "平仓"
        assert codes.offset_flag_name(50, account_type) == "强平"
    assert codes.offset_flag_name(49, codes.AccountType.CREDIT) == "卖出"
    assert codes.offset_flag_name(-7) == codes.UNKNOWN_NAME
    told = {item.kind for item in TABLE if item.others}
    assert told == {codes.OrderType, codes.OffsetFlag}


def _order(account_type: int, order_type: int = 23, offset_flag: int = 48) -> SimpleNamespace:
    return SimpleNamespace(
        stock_code="600036.SH", order_id=1, order_sysid="", order_time=0, order_type=order_type,
        order_volume=1, price_type=50, price=1.0, traded_volume=0, traded_price=0.0,
        order_status=50, status_msg="", offset_flag=offset_flag, strategy_name="",
        order_remark="", direction=48, account_type=account_type, account_id="1",
        traded_id="", traded_time=0, traded_amount=0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("account_type", "order_type", "offset_flag", "names"),
    [
        (2, 23, 48, ("买入", "买入")),
        (7, 24, 49, ("卖出", "卖出")),
        (3, 23, 48, ("担保品买入", "买入")),
        (3, 28, 49, ("融券卖出", "卖出")),
        (1, 0, 48, ("开多", "开仓")),
        (6, 49, 49, ("卖出平仓", "平仓")),
    ],
)
def test_rows_name_codes_by_account(
    account_type: int, order_type: int, offset_flag: int, names: tuple[str, str]
) -> None:
    record = _order(account_type, order_type, offset_flag)
    for row in (rows.order_row(record), rows.trade_row(record), *rows.OrderRows().rows([record])):
        assert (row["order_type_name"], row["offset_flag_name"]) == names


def test_codes_stay_light() -> None:
    """不导入厂商包，也不带上画文档页的。"""
    program = (
        "import sys, easytrader.codes; "
        "print(sorted({'xtquant', 'easytrader.codes.table', 'easytrader.codes.page', 'numpy'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr
