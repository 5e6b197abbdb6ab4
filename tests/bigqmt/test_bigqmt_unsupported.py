"""终端没有的：每个动词都说清楚是什么、怎样办，什么都不发。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from big_client_world import big_client
from credit_helpers import CREDIT, credit_folder
from support import ACCOUNT, make_folder

import easytrader
from easytrader.errors import UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

STOCK: dict[str, dict[str, tuple[Any, ...]]] = {
    "bank": {
        "info": (), "amount": ("001", "6222"), "transfer_stream": ("20261101", "20261102"),
        "transfer_in": ("001", "6222", 100.0), "transfer_out_async": ("001", "6222", 100.0),
    },
    "transfer": {"com_fund": (), "com_position": (), "fund": (510, 100.0)},
    "client": {
        "account_infos": (), "account_status": (), "secu_accounts": (),
        "position_statistics": (), "query_data": ("deal",),
    },
}  # fmt: skip
CREDIT_ONLY: dict[str, dict[str, tuple[Any, ...]]] = {
    "lending": {"quoters": (), "orders": (), "compacts": (), "appointment_cancel_async": ("1",)},
}


def refused(user: Any, calls: dict[str, dict[str, tuple[Any, ...]]]) -> None:
    for group, verbs in calls.items():
        for verb, args in verbs.items():
            with pytest.raises(UnsupportedError, match=r"完整版 QMT 的内置 Python 没有「.+」"):
                getattr(getattr(user, group), verb)(*args)


def test_every_verb_the_terminal_lacks_says_so(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "完整版 QMT")
    with big_client(folder, ACCOUNT) as terminal, easytrader.use("bigqmt") as user:
        user.connect(str(folder), ACCOUNT, timeout=5)
        refused(user, STOCK)
        refused(user, CREDIT_ONLY)  # 不叫人换成信用账号再来：那里也没有
        # 按合同编号撤单是有的
        low = user.quote("600036")["600036"]["limit_down"]
        order = user.buy("600036", low, 100)
        row = user.find_entrust(order["entrust_no"])
        assert row is not None
        assert user.client.cancel_sysid(row["order_sysid"])["success"] is True
        assert user.wait(order["entrust_no"])["order_status_name"] == "已撤"
        assert len(list(terminal.calls)) == 1


def test_credit_accounts_too(tmp_path: Path) -> None:
    folder = credit_folder(tmp_path)
    with big_client(folder, CREDIT, "CREDIT") as terminal, easytrader.use("bigqmt") as user:
        user.connect(str(folder), CREDIT, account_type="CREDIT", timeout=5)
        refused(user, CREDIT_ONLY)
        assert list(terminal.calls) == []
