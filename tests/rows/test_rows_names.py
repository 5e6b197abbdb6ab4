"""走一遍厂商层：字典里的中文名按账号类型取。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import ACCOUNT

import easytrader
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.types import AccountTypeName, OrderTypeName


@pytest.mark.parametrize(
    ("kind", "code", "names"),
    [
        ("STOCK", 2, ("买入", "卖出")),
        ("CREDIT", 3, ("担保品买入", "担保品卖出")),
    ],
)
def test_orders_are_named_by_account(
    tmp_path: Path, kind: AccountTypeName, code: int, names: tuple[OrderTypeName, OrderTypeName]
) -> None:
    folder = tmp_path / "userdata_mini"
    held = (("600000.SH", 1000, 10),)
    create(folder, (AccountConfig(ACCOUNT, account_type=code, positions=held),))
    with easytrader.use("sim") as user:
        user.connect(str(folder), ACCOUNT, account_type=kind, timeout=5)
        bought = user.wait(user.market_buy("600036", 100)["entrust_no"], 30)
        sold = user.wait(user.market_sell("600000", 100)["entrust_no"], 30)
        assert (bought["order_type_name"], sold["order_type_name"]) == names
        assert (bought["offset_flag_name"], sold["offset_flag_name"]) == ("买入", "卖出")
        assert {each["order_type_name"] for each in user.today_trades} == set(names)
        pushed = [
            event["data"]["order_type_name"]
            for event in user.events(timeout=0.2)
            if event["event"] == "trade"
        ]
        assert set(pushed) == set(names)
