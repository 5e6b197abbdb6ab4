"""厂商的 Python 层变了要看得见：它调用的每个原生函数替身都有、参数对得上，公开函数的样子没变。"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

from easytrader.errors import SimulatorError
from easytrader.sim.native import datacenter, quote_client
from easytrader.sim.native.quote_client import IPythonApiClient

SIGNATURES = {
    "get_full_tick": "(code_list)",
    "get_instrument_detail": "(stock_code, iscomplete=False)",
    "get_instrument_type": "(stock_code, variety_list=None)",
    "get_trading_dates": "(market, start_time='', end_time='', count=-1)",
    "get_market_data": "(field_list=[], stock_list=[], period='1d', start_time='', end_time='', "
    "count=-1, dividend_type='none', fill_data=True)",
    "get_market_data_ex": "(field_list=[], stock_list=[], period='1d', start_time='', "
    "end_time='', count=-1, dividend_type='none', fill_data=True)",
    "get_local_data": "(field_list=[], stock_list=[], period='1d', start_time='', end_time='', "
    "count=-1, dividend_type='none', fill_data=True, data_dir=None)",
    "download_history_data": "(stock_code, period, start_time='', end_time='', incrementally=None)",
    "subscribe_quote": "(stock_code, period='1d', start_time='', end_time='', count=0, "
    "callback=None)",
    "subscribe_whole_quote": "(code_list, callback=None)",
    "unsubscribe_quote": "(seq)",
    "get_stock_list_in_sector": "(sector_name, real_timetag=-1)",
    "run": "()",
}
NATIVE = """
init shutdown load_config is_connected set_config_addr get_config_addr get_peer_addr get_industry
get_stock_list_in_sector get_weight_in_index get_financial_data get_divid_factors get_main_contract
get_full_tick subscribe_quote subscribe_whole_quote unsubscribe_quote get_all_subscribe_quote
get_sector_list supply_history_data supply_history_data2 stop_supply_history_data2
supply_finance_data supply_finance_data_with_region add_sector get_trading_dates_by_market
get_market_last_trade_date get_instrument_detail down_index_weight down_history_contracts
down_all_sector_data get_etf_info down_cb_data get_cb_info get_market_data3 get_stock_type
get_app_dir get_data_dir get_server_tag get_holidays is_stock_type register_external_resp_callback
get_ipo_info custom_data_control read_local_data createView subscribeFormula subscribeFormulaSync
unsubscribeFormula callFormula commonControl registerCommonControlCallback connect
"""
"""厂商原生模块里 ``IPythonApiClient`` 的名字（250807），两个不再用的视图函数除外。"""
CLIENTS = {"client", "cl", "__client"}


@pytest.mark.parametrize("name", SIGNATURES)
def test_public_signature(xtdata: Any, name: str) -> None:
    assert str(inspect.signature(getattr(xtdata, name))) == SIGNATURES[name]


def _tree(module: Any) -> ast.Module:
    return ast.parse(Path(module.__file__).read_text(encoding="utf-8-sig"))


def _attributes(tree: ast.Module) -> list[tuple[str, ast.Call | None]]:
    """``client.名字``，连同调用它的那个节点。"""
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = node.value
        named = isinstance(owner, ast.Name) and owner.id in CLIENTS
        got = isinstance(owner, ast.Call) and getattr(owner.func, "id", "") == "get_client"
        if named or got:
            found.append((node.attr, calls.get(id(node))))
    return found


def test_every_client_method_is_there_and_takes_what_the_vendor_gives(xtdata: Any) -> None:
    used = _attributes(_tree(xtdata))
    assert {"get_full_tick", "get_market_data3", "subscribe_quote"} <= {name for name, _ in used}
    for name, call in used:
        method = getattr(IPythonApiClient, name, None)
        assert method is not None, f"厂商用了 {name}，替身没有"
        if call is not None:
            inspect.signature(method).bind(None, *call.args)


def test_nothing_is_refused_needlessly(xtdata: Any) -> None:
    used = {
        node.attr
        for path in Path(xtdata.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8-sig")))
        if isinstance(node, ast.Attribute)
    }
    assert set(quote_client.NOT_SIMULATED) <= used


@pytest.mark.parametrize("name", NATIVE.split())
def test_every_name_of_the_native_client_is_there(name: str) -> None:
    assert callable(getattr(IPythonApiClient, name))


def test_every_datacenter_function_is_there(xtdata: Any) -> None:
    from xtquant import xtdatacenter

    used = {
        node.attr
        for node in ast.walk(_tree(xtdatacenter))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "__dc"
    }
    assert used
    assert not {name for name in used if not hasattr(datacenter, name)}
    assert set(datacenter.NOT_SIMULATED) <= used
    for name in datacenter.NOT_SIMULATED:
        with pytest.raises(SimulatorError, match=name):
            getattr(datacenter, name)()
