"""买卖之外的业务：字典与 `TypedDict` 逐键、逐值核对，走的是厂商层。

模拟柜台不做的（新股、智能算法）在原生这一层替它回答，见 `vendor_fakes`。
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT
from types_check import check
from vendor_fakes import Counter

import easytrader
from easytrader import types
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Iterator

BANK = ("0001", "6222000000000000001")
TODAY = f"{datetime.now(timezone(timedelta(hours=8))):%Y%m%d}"
COM = {"cash": 50_000, "positions": {"600036.SH": {"volume": 300, "cost": 9000}}}
POOL = {"quoters": [{"code": "600036", "amount": 1000, "rate": 0.08, "days": 28}]}


def some(found: Any, kind: Any) -> None:
    """不空，而且每一项都对。"""
    assert found
    check(found, kind)


@pytest.fixture
def rich(sim_folder: Path) -> Iterator[Any]:
    """普通柜台里也有钱有股份。"""
    (sim_folder / "transfers.json").write_text(json.dumps({"com": COM}), encoding="utf-8")
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT, timeout=5)
        yield user


@pytest.fixture
def credit(tmp_path: Path) -> Iterator[Any]:
    """信用账户，有券源。"""
    folder = tmp_path / "userdata_mini"
    account = AccountConfig(ACCOUNT, account_type=3)
    create(folder, (account,), clock="step", start="2026-11-18 10:00")
    (folder / "smt.json").write_text(json.dumps(POOL), encoding="utf-8")
    with easytrader.use("sim") as user:
        user.connect(str(folder), ACCOUNT, account_type="CREDIT", timeout=5)
        yield user


def test_accounts(user: Any) -> None:
    some(user.client.account_infos(), list[types.AccountInfo])
    some(user.client.account_status(), list[types.AccountStatus])
    some(user.client.secu_accounts(), list[types.SecuAccount])
    some(user.client.position_statistics(), list[types.PositionStatistics])


def test_transfers(rich: Any) -> None:
    check(rich.transfer.com_fund(), types.ComFund)
    some(rich.transfer.com_position(), list[types.ComPosition])
    check(rich.transfer.fund(510, 100.0), types.Outcome)
    check(rich.transfer.fund(510, 10**9), types.Outcome)
    check(rich.transfer.secu(520, "600036", 100), types.Outcome)


def test_bank(user: Any) -> None:
    some(user.bank.info(), list[types.Bank])
    check(user.bank.transfer_in(*BANK, 100.0), types.Outcome)
    check(user.bank.transfer_out_async(*BANK, 10.0).result(30), types.TransferResponse)
    some(user.bank.amount(*BANK), list[types.BankAmount])
    some(user.bank.transfer_stream(TODAY, TODAY), list[types.BankStream])


def test_securities_lending(credit: Any) -> None:
    some(credit.lending.quoters(), list[types.SmtQuoter])
    receipt = credit.lending.negotiate_order_async("600036", 400, 28, 0.08)
    check(receipt.result(30), types.SmtResponse)
    some(credit.lending.orders(), list[types.SmtOrder])
    some(credit.lending.compacts(), list[types.SmtCompact])


def test_new_shares(user: Any) -> None:
    issue = ("600036.SH", "新股", "STOCK", 16500, 500, TODAY, 36.0)
    Counter(user, "queryIPOData", [issue])
    Counter(user, "queryNewPurchaseLimit", [("SH", 9000)])
    some(user.ipo.data(), list[types.IpoIssue])
    check(user.ipo.limits(), dict[str, int])
    first = user.ipo.subscribe_all()
    again = user.ipo.subscribe_all()
    some(first, list[types.IpoResult])
    some(again, list[types.IpoResult])


TASK = {
    "task_id": 7, "task_status": "3", "task_msg": "", "start_time": 1, "end_time": 2,
    "cancel_time": 0, "order_num": 2000, "business_num": "0", "group_id": "", "algo_id": "",
    "account_id": ACCOUNT, "account_type": 2, "strategy_name": "", "order_remark": "",
    "order_id_list": [],
}  # fmt: skip
"""手册「智能算法任务查询」里的字段与类型。"""

PARAM = {
    "key": "m_dLimitOverRate", "name": "量比", "dataType": "double", "valueRange": "0-100",
    "defaultValue": "20", "enumName": "", "enumValue": "", "unit": "%", "valueRangeByName": {},
    "defaultValueByName": {},
}  # fmt: skip
"""手册「获取智能算法参数配置信息」里的字段。"""


def test_smart_algorithms(user: Any) -> None:
    Counter(user, "querySmartAlgoTask", json.dumps({"datas": [TASK]}))
    some(user.algo.tasks(), list[types.SmartAlgoTask])
    Counter(user, "getSmartAlgoParam", json.dumps({"datas": {"VWAP": [PARAM]}}))
    some(user.algo.params("VWAP"), dict[str, list[types.SmartAlgoParam]])


def test_every_business_type_is_checked_here() -> None:
    """`types` 的「账号、新股、划拨……」一节里加了新的，这里也要有。"""
    source = Path(__file__).read_text(encoding="utf-8")
    names = list(vars(types))
    defined = names[names.index("AccountInfo") :]
    assert "SmartAlgoTask" in defined
    assert not [name for name in defined if f"types.{name}" not in source]
