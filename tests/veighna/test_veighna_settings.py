"""连接的字段：VeighNa 的对话框写得出来，写错的说是哪一个，令牌不写出来。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy.trader.gateway")

from support import ACCOUNT
from veighna_floor import EasytraderGateway, Status

from easytrader import profiles
from easytrader.errors import UsageError
from easytrader.profiles import profile
from easytrader.veighna import settings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.counters


def _dialog(**written: str) -> dict[str, Any]:
    """VeighNa 的对话框（4.5 的 ``ui/widget.py``）存下的：列表是选中的那一个，其余是写的字。"""
    fields = EasytraderGateway.default_setting
    chosen = {name: each[0] if isinstance(each, list) else each for name, each in fields.items()}
    found: dict[str, Any] = json.loads(json.dumps({**chosen, **written}, ensure_ascii=False))
    return found


def test_the_dialogs_file_is_read_as_it_is() -> None:
    found = settings.read(
        _dialog(路径=r"D:\国金证券\userdata_mini", 资金账号="8881", 合约="600036")
    )
    assert found.profile.broker == "miniqmt"
    assert dict(found.profile.connect) == {
        "miniqmt_path": r"D:\国金证券\userdata_mini",
        "stock_account": "8881",
        "account_type": "STOCK",
    }
    assert [each.stock_code for each in found.codes] == ["600036.SH"]
    assert found.market_type == "对手方最优价格委托"
    assert not found.every_code


def test_every_default_is_a_string_or_a_list_of_strings() -> None:
    for value in EasytraderGateway.default_setting.values():
        assert isinstance(value, str) or all(isinstance(each, str) for each in value)


def test_remote_fields() -> None:
    given = {"服务器地址": "https://10.0.0.5:7788", "令牌": "秘密", "指纹": "sha256:aa"}
    found = settings.read(_dialog(后端="remote", 资金账号="main", **given))
    assert dict(found.profile.connect) == {
        "address": "https://10.0.0.5:7788",
        "token": "秘密",
        "fingerprint": "sha256:aa",
        "account": "main",
    }
    assert "秘密" not in repr(found)


def test_a_profile_brings_everything() -> None:
    profile.create("main", f'broker = "sim"\n[connect]\nstock_account = "{ACCOUNT}"\n')
    found = settings.read(_dialog(账号设置="main"))
    assert found.profile.broker == "sim"
    assert found.every_code
    assert profiles.names() == ["main"]


@pytest.mark.parametrize(
    ("written", "argument", "told"),
    [
        ({"资金帐号": "1"}, "资金帐号", "资金账号"),
        ({"账号设置": "没有"}, "profile", "没有"),
        ({"账号设置": "main", "资金账号": "1"}, "账号设置", "资金账号"),
        ({"后端": "vnpy"}, "后端", "主引擎"),
        ({"后端": "remote"}, "服务器地址", "https"),
        ({"后端": "remote", "服务器地址": "https://a:1", "路径": "D:"}, "路径", "空着"),
        ({"令牌": "秘密"}, "令牌", "空着"),
        ({"合约": "招商银行"}, "security", "六位代码"),
        ({"市价类型": "最优"}, "市价类型", "对手方最优价格委托"),
        ({"行情间隔": "快"}, "行情间隔", "秒数"),
        ({"行情间隔": "0"}, "行情间隔", "秒数"),
        ({"令牌": ["秘密", 1, None], "资金账号": None}, "资金账号", "文字"),
    ],
)
def test_what_is_wrong_is_named(written: dict[str, Any], argument: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings.read({**_dialog(), **written})
    assert caught.value.argument == argument
    assert told in str(caught.value)
    assert "秘密" not in str(caught.value)


def test_wrong_fields_are_told_and_raised_and_nothing_starts(floor: Any) -> None:
    gateway = floor.main.add_gateway(EasytraderGateway)
    assert gateway.gateway_name == "EASYTRADER"
    with pytest.raises(UsageError):
        floor.main.connect({"资金帐号": "1"}, "EASYTRADER")
    assert "资金账号" in floor.hears("没有连接")
    assert gateway.user is None


def test_a_reference_to_a_secret_is_fetched(
    floor: Any, sim_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_ACCOUNT", ACCOUNT)
    floor.add(
        {"后端": "sim", "路径": str(sim_folder), "资金账号": "env:MY_ACCOUNT", "合约": "600036"}
    )
    assert floor.main.get_all_accounts()[0].accountid == ACCOUNT


def test_the_profiles_guard_holds(floor: Any, sim_folder: Path) -> None:
    text = (
        f"broker = 'sim'\nguard = {{ max_order_value = 1000 }}\n[connect]\npath = '{sim_folder}'\n"
    )
    profile.create("careful", text)
    gateway = floor.add({"账号设置": "careful", "合约": "600036"})
    number = floor.send("600036.SH", 1000, 35.0)
    order = floor.until(number, Status.REJECTED)
    assert "max_order_value" in order.extra["message"]
    assert gateway.user.today_entrusts == []
