"""装着老版本的 xtquant：没有的方法说得出要哪一版，什么都不发；老的写法照样能导入。"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.errors import MissingDependencyError
from easytrader.miniqmt.vendor.versions import SINCE, missing_text
from easytrader.rows.business import com_position_row
from easytrader.sim.gateway.verbs import VERBS
from easytrader.sim.native.calls import reader_of

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "zh" / "reference" / "vendor_versions.md"

CALLS: dict[str, Callable[[Any], Any]] = {
    "query_position_statistics": lambda user: user.client.position_statistics(),
    "export_data": lambda user: user.client.export_data("x.csv", "deal"),
    "query_data": lambda user: user.client.query_data("deal"),
    "sync_transaction_from_external": lambda user: user.client.sync_transaction_from_external(
        "ADD", [{"m_strExchangeID": "SF", "m_strInstrumentID": "ag2407", "m_dPrice": 1}]
    ),
    "bank_transfer_in": lambda user: user.bank.transfer_in("1", "2", 3),
    "bank_transfer_in_async": lambda user: user.bank.transfer_in_async("1", "2", 3),
    "bank_transfer_out": lambda user: user.bank.transfer_out("1", "2", 3),
    "bank_transfer_out_async": lambda user: user.bank.transfer_out_async("1", "2", 3),
    "query_bank_info": lambda user: user.bank.info(),
    "query_bank_amount": lambda user: user.bank.amount("1", "2"),
    "query_bank_transfer_stream": lambda user: user.bank.transfer_stream("20261101", "20261120"),
    "query_secu_account": lambda user: user.client.secu_accounts(),
    "ctp_transfer_option_to_future": lambda user: user.transfer.option_to_future("1", "2", 3),
    "ctp_transfer_option_to_future_async": lambda user: user.transfer.option_to_future_async(
        "1", "2", 3
    ),
    "ctp_transfer_future_to_option": lambda user: user.transfer.future_to_option("1", "2", 3),
    "ctp_transfer_future_to_option_async": lambda user: user.transfer.future_to_option_async(
        "1", "2", 3
    ),
    "get_smart_algo_param": lambda user: user.algo.params("VWAP"),
    "smart_algo_order_async": lambda user: user.algo.order_async(*ORDER),
    "query_smart_algo_task": lambda user: user.algo.tasks(),
    "cancel_smart_algo_task_async": lambda user: user.algo.cancel_task_async(1),
}
ORDER = ("买入", "000001", 2000, 11.65, "VWAP", "10:25:00", "14:50:00", {})


WATCHING = {"asset", "positions", "orders", "trades"}
"""看护的线程随时会查的。"""


@pytest.fixture
def old(user: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """像 240119.3 那样的厂商对象：后来才有的方法都没有；发出去的请求都记下。"""
    base = next(each for each in type(user.trader).__mro__ if "query_stock_asset" in vars(each))
    for name in CALLS:
        if hasattr(base, name):  # 装着的就是老的，本来就没有
            monkeypatch.delattr(base, name)
    monkeypatch.setattr("easytrader.miniqmt.vendor.versions.installed", lambda: "240119.3")
    sent: list[str] = []
    client = user.trader.async_client
    send = client._send

    def spy(request: Any) -> Any:
        if request.verb not in WATCHING:
            sent.append(request.verb)
        return send(request)

    client._send = spy
    return SimpleNamespace(user=user, sent=sent)


def test_every_late_method_is_tried() -> None:
    assert set(CALLS) == {name for name in SINCE if not name.startswith("on_")}


@pytest.mark.parametrize("name", CALLS)
def test_a_missing_method_is_told_with_the_version_needed(old: Any, name: str) -> None:
    with pytest.raises(MissingDependencyError) as caught:
        CALLS[name](old.user)
    told = str(caught.value)
    asked = "export_data" if name == "query_data" else name  # 交易口的 query_data 用它
    assert f"xtquant 240119.3 没有 {asked}：从 {SINCE[name]} 版起才有" in told
    assert "pip install -U xtquant" in told
    assert "什么都没有发出" in told
    assert old.sent == []


def test_the_rest_works_without_them(old: Any) -> None:
    number = old.user.buy("600036", 33.0, 100)["entrust_no"]
    assert old.user.cancel_entrust(number)["success"]
    assert old.user.client.account_infos()
    assert old.user.balance
    assert old.sent


def test_what_is_said_of_others() -> None:
    assert "shim 没有 query_x" in missing_text("query_x", "shim")
    assert "pip" not in missing_text("query_x", "shim")
    assert "换一个版本" in missing_text("query_x", None)


def test_fields_an_old_vendor_does_not_give_are_none() -> None:
    """240119、240329 的 ``query_com_position`` 没有 ``stockCode1``。"""
    row = com_position_row({"stockCode": "600036", "totalAmt": 100.0})
    assert (row["security"], row["stock_code"]) == ("600036", "600036")
    assert row["last_price"] is None


def test_share_transfers_of_an_old_vendor_are_understood() -> None:
    """240119、240329 只填短代码 ``m_strStockCode``。"""
    read = reader_of(VERBS["transfer"])
    request = SimpleNamespace(
        m_nAccountType=2, m_strAccountID="1", m_nOrderType=520, m_dPrice=0.0, m_nOrderVolume=100,
        m_nCreditTransferType=0, m_strStockCode="SH600036", m_strStockCode1="",
    )  # fmt: skip
    assert '"stock_code": "SH600036"' in read(request)[-1]


OLD_INITS = {
    "240329": """
        import requests
        from pkg_resources import get_distribution
        def check_for_update(name):
            current = get_distribution(name).version
            if requests.get("https://pypi.org", timeout=10).status_code == 200:
                print("联网了", current)
        try:
            check_for_update("xtquant")
        except:
            pass
    """,
    "240119": """
        import os, sys
        try:
            os.symlink(__file__, __file__)
        except:
            import traceback
            traceback.print_exc()
            pass
    """,
}


@pytest.mark.parametrize("version", OLD_INITS)
def test_old_ways_of_importing_are_quiet(tmp_path: Path, version: str) -> None:
    """240329 在文件开头导入要联网的模块；240119 在 Linux 上打印一段出错的堆栈。"""
    folder = tmp_path / "xtquant"
    folder.mkdir()
    text = textwrap.dedent(OLD_INITS[version])
    (folder / "__init__.py").write_text(text, encoding="utf-8")
    code = (
        "from easytrader.basics.vendor_import import quiet_vendor_import as quiet; quiet();"
        "import sys, xtquant; assert 'requests' not in sys.modules; import traceback;"
        "assert traceback.print_exc.__module__ == 'traceback'; print(xtquant.__file__)"
    )
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"}, cwd=tmp_path,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.strip() == str(folder / "__init__.py")


def test_the_page_names_every_late_method() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, since in SINCE.items():
        assert f"`{name}`" in text, name
        assert since in text
