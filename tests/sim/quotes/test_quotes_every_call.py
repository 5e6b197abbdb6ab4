"""厂商 ``xtdata.py`` 的每一个公开函数都叫一遍：像什么都没有下载过的客户端，答空，不抛。"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.errors import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings(  # 厂商打开字段表不关
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
CODE, CB, INDEX, ETF = "600036.SH", "113050.SH", "000300.SH", "510300.SH"
DAY = "20261120"


def _empty(found: Any) -> bool:
    return found.empty if hasattr(found, "empty") else len(found) == 0


def _none(found: Any) -> bool:
    return found is None


def _filled(found: Any) -> bool:
    return not _empty(found)


def _positive(found: Any) -> bool:
    return isinstance(found, int) and found > 0


def _frames(found: Any) -> bool:
    return len(found[CODE]) == 2


CALLS: dict[str, tuple[tuple[Any, ...], Callable[[Any], bool]]] = {
    # 连接
    "connect": ((), lambda c: c.is_connected()),
    "reconnect": ((), lambda c: c.is_connected()),
    "disconnect": ((), _none),
    "get_client": ((), lambda c: c.is_connected()),
    "hello": ((), _none),
    "get_data_dir": ((), _filled),
    "watch_xtquant_status": ((None,), _none),
    # 快照、K 线
    "get_full_tick": (([CODE, "乱写", INDEX],), lambda d: list(d) == [CODE, INDEX]),
    "get_market_data": ((["close"], [CODE], "1d", "", "", 2), lambda d: d["close"].shape == (1, 2)),
    "get_market_data_ori": ((["close"], [CODE], "1d", "", "", 2), lambda d: len(d) == 2),
    "get_market_data_ex": (([], [CODE, "乱写"], "1d", "", "", 2),
                           lambda d: len(d[CODE]) == 2 and d["乱写"].empty),
    "get_market_data_ex_ori": (([], [CODE], "tick", "", "", 2), _frames),
    "get_market_data3": (([], [CODE], "1d", "", "", 2), _frames),
    "get_local_data": (([], [CODE], "1d", "", "", 2), _frames),
    "get_tabular_data": (([], [CODE], "1d", "", "", 2), lambda d: list(d["symbol"]) == [CODE] * 2),
    "get_full_kline": ((["close"], [CODE, INDEX], "1m"), lambda d: d["close"].shape == (2, 1)),
    "get_l2_quote": (([], CODE), _none),
    "get_l2_order": (([], CODE), _none),
    "get_l2_transaction": (([], CODE), _none),
    "get_l2thousand_queue": ((CODE,), _empty),
    "get_transactioncount": (([CODE],), _empty),
    "get_fullspeed_orderbook": (([CODE],), _empty),
    "get_order_rank": ((CODE, DAY, "buy", 10.0, 100, 0), _empty),
    "get_broker_queue_data": ((["00700.HK"],), _empty),
    "get_divid_factors": ((CODE,), _empty),
    "getDividFactors": ((CODE, DAY), _empty),
    # 订阅
    "subscribe_quote": ((CODE, "1m"), _positive),
    "subscribe_quote2": ((CODE, "1m"), _positive),
    "subscribe_l2thousand": ((CODE,), lambda n: n == -1),
    "subscribe_l2thousand_queue": ((CODE,), lambda n: n == -1),
    "subscribe_whole_quote": ((["SH"],), _positive),
    "unsubscribe_quote": ((1,), lambda n: n == 0),
    "get_current_connect_sub_info": ((), _empty),
    "get_all_sub_info": ((), _empty),
    # 下载
    "download_history_data": ((CODE, "1d"), _none),
    "supply_history_data": (("乱写", "historymaincontract"), _none),
    "download_history_data2": (([CODE], "1d"), _empty),
    "download_financial_data": (([CODE],), _none),
    "download_financial_data2": (([CODE],), _none),
    "download_sector_data": ((), _none),
    "download_holiday_data": ((), _empty),
    "download_index_weight": ((), _none),
    "download_history_contracts": ((), _none),
    "download_cb_data": ((), _none),
    "download_etf_info": ((), _none),
    "download_his_st_data": ((), _empty),
    "download_metatable_data": ((), _empty),
    # 没有下载过的
    "get_financial_data": (([CODE],), _empty),
    "get_financial_data_ori": (([CODE],), _empty),
    "get_index_weight": ((INDEX,), lambda found: abs(sum(found.values()) - 100) < 0.1),
    "get_cb_info": ((CB,), _empty),
    "get_etf_info": ((), _empty),
    "get_ipo_info": ((), _empty),
    "get_his_st_data": ((CODE,), _empty),
    "get_main_contract": (("IF00.IF",), lambda text: text == ".IF"),
    "get_sec_main_contract": (("IF00.IF",), lambda text: text == ".IF"),
    "get_hk_broker_dict": ((), _empty),
    "get_option_detail_data": (("10000001.SHO",), _none),
    "get_option_undl_data": (("",), _empty),
    "get_option_list": ((ETF, "202612"), _empty),
    "get_his_option_list": ((ETF, DAY), _none),
    "get_his_option_list_batch": ((ETF, DAY, DAY), _empty),
    "get_trading_contract_list": (("IF00.IF", DAY), _empty),
    "bnd_get_conversion_price": ((CB,), _empty),
    "bnd_get_call_info": ((CB,), _empty),
    "bnd_get_put_info": ((CB,), _empty),
    "bnd_get_amount_change": ((CB,), _empty),
    "get_tabular_formula": (([CODE], ["某模型.值"], "1d", "", ""), lambda rows: len(rows) == 1),
    "get_formulas": ((), _empty),
    "get_metatable_list": ((), _empty),
    "get_period_list": ((), _filled),
    "get_field_list": ((3001,), _filled),
    # 合约、板块、日历
    "get_instrument_detail": ((CODE,), lambda d: d["OpenDate"] > "19901219"),
    "get_instrument_detail_list": (([CODE, "乱写"],), lambda d: d["乱写"] is None),
    "get_instrument_type": ((INDEX,), lambda d: d == {"index": True}),
    "get_stock_type": (("乱写",), _empty),
    "is_stock_type": ((ETF, "etf"), lambda found: found is True),
    "get_sector_list": ((), _filled),
    "get_stock_list_in_sector": (("没有的板块",), _empty),
    "create_sector_folder": (("", "目录"), lambda name: name == "目录"),
    "create_sector": (("", "甲"), lambda name: name == "甲"),
    "add_sector": (("甲", [CODE]), lambda name: name == "甲"),
    "remove_stock_from_sector": (("甲", [CODE]), lambda done: done is True),
    "reset_sector": (("甲", [CODE]), lambda done: done is True),
    "remove_sector": (("甲",), lambda done: done is True),
    "get_holidays": ((), _filled),
    "get_trading_dates": (("SH", "", "", 3), lambda days: len(days) == 3),
    "get_market_last_trade_date": (("SZ",), _positive),
    "get_trading_calendar": (("SH",), _filled),
    "compute_coming_trading_calendar": (("SH",), _filled),
    "get_trading_period": ((CODE,), lambda d: d["tradings"][0]["status"] == 3),
    "get_kline_trading_period": ((CODE,), lambda d: d["tradings"][0]["type"] == "continuous"),
    "get_all_trading_periods": ((), _filled),
    "get_all_kline_trading_periods": ((), _filled),
    "get_markets": ((), _filled),
    "get_wp_market_list": ((), lambda d: d == {"result": []}),
    "get_authorized_market_list": ((), lambda d: d == ["SH", "SZ", "BJ"]),
    "get_quote_server_config": ((), _empty),
    "get_quote_server_status": ((), _empty),
    "show_quote_server_status": ((), _empty),
    "watch_quote_server_status": ((None,), _none),
    "fetch_quote_server_from_config": (("没有的目录", []), _none),
    # 只在 Python 里算的
    "datetime_to_timetag": ((DAY,), lambda at: at > 0),
    "timetag_to_datetime": ((0, "%Y"), lambda text: text[:2] in ("19", "20")),
    "timetagToDateTime": ((0, "%Y"), lambda text: text[:2] in ("19", "20")),
    "subscribe_callback_wrapper": ((print,), callable),
    "subscribe_callback_wrapper_1820": ((print,), callable),
    "subscribe_callback_wrapper_convert": ((print, 3004), callable),
    "try_except": ((print,), callable),
}  # fmt: skip

ACTIONS: dict[str, tuple[Any, ...]] = {
    "subscribe_formula": ("模型", CODE, "1d"),
    "bind_formula": ("1",),
    "unsubscribe_formula": ("1",),
    "call_formula": ("模型", CODE, "1d"),
    "create_formula": ("模型", "x"),
    "import_formula": ("模型", "x"),
    "del_formula": ("模型",),
    "gen_factor_index": ("数据", "模型", [], []),
    "generate_index_data": ("模型",),
    "reset_market_trading_day_list": ("SH", []),
    "reset_market_stock_list": ("SH", []),
}
"""要服务器做事的：做不到，说清楚，不假装成了。"""

CANNOT = {
    "run": "一直等到断线",
    "create_array": "要一块原生的内存",
    "get_formula_result": "厂商自己抛「没有这个模型」，模拟的客户端没有模型",
    "push_custom_data": "厂商引用了不存在的变量",
    "get_sector_info": "厂商直接读客户端数据目录里的文件，不经客户端",
    "download_tabular_data": "厂商要 tqdm，测试环境没有；它问的两件事另有一例",
    "read_feather": "读本地文件，不经客户端",
    "write_feather": "写本地文件，不经客户端",
    "get_metatable_config": "厂商按表名取，没有表就抛 KeyError",
    "get_metatable_info": "同上",
    "get_metatable_fields": "同上",
}


def public() -> list[str]:
    """读源文件而不导入：收集用例时不碰厂商的代码。"""
    spec = importlib.util.find_spec("xtquant")
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "xtdata.py"
    tree = ast.parse(path.read_text(encoding="utf-8-sig"))
    found = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    aliases = [
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    return [name for name in [*found, *aliases] if not name.startswith("_")]


SHORT = {"gmd", "gmd2", "gmd3", "gld", "t2d", "gsl", "data_dir", "default_data_dir"}
"""上面那些的别名。"""


def test_every_public_function_is_in_a_table() -> None:
    assert set(public()) - SHORT <= {*CALLS, *ACTIONS, *CANNOT}


@pytest.mark.parametrize("name", CALLS)
def test_answers(embedded: Any, name: str) -> None:
    given, expected = CALLS[name]
    if name == "get_tabular_data":
        pytest.importorskip("pyarrow")
    assert expected(getattr(embedded, name)(*given))


@pytest.mark.parametrize("name", ACTIONS)
def test_what_cannot_be_done_is_said(embedded: Any, name: str) -> None:
    with pytest.raises(SimulatorError, match="模拟行情"):
        getattr(embedded, name)(*ACTIONS[name])


@pytest.mark.parametrize(
    "period",
    [
        "l2quote", "l2order", "l2transaction", "l2transactioncount", "l2orderqueue", "l2quoteaux",
        "transactioncount1m", "transactioncount1d", "warehousereceipt", "futureholderrank",
        "interactiveqa", "historymaincontract", "etfredemptionlist", "etfiopv1m", "stoppricedata",
        "northfinancechange1d", "announcement", "snapshotindex", "hkbrokerqueue", "brokerqueue",
        "dividendplaninfo", "没有的周期", (4015, 86400000),
    ],
)  # fmt: skip
def test_special_periods_are_empty(embedded: Any, period: Any) -> None:
    found = embedded.get_market_data_ex([], [CODE], period)
    assert all(frame.empty for frame in found.values())
    if not isinstance(period, tuple):
        assert not embedded.get_market_data([], [CODE], period)
        assert embedded.subscribe_quote(CODE, period) == -1
        embedded.download_history_data(CODE, period)
        embedded.download_history_data2([CODE], period)


def test_tabular_downloads_are_done(embedded: Any) -> None:
    client = embedded.get_client()
    ask = embedded._BSON_call_common
    seq = ask(client.commonControl, "downloadtabulardata", {})["seq"]
    assert ask(client.commonControl, "getdownloadworkprogress", {"seq": seq})["done"] is True


def test_own_sectors_are_kept(embedded: Any, sim_folder: Path) -> None:
    embedded.add_sector("我的自选", [CODE, ETF, CODE])
    embedded.disconnect()
    assert embedded.get_stock_list_in_sector("我的自选") == [CODE, ETF]
    assert "我的自选" in embedded.get_sector_list()
    assert embedded.create_sector("", "我的自选", False) == "我的自选1"
    embedded.remove_stock_from_sector("我的自选", [ETF])
    assert embedded.get_stock_list_in_sector("我的自选") == [CODE]
    embedded.remove_sector("我的自选")
    assert embedded.get_stock_list_in_sector("我的自选") == []


def test_subscriptions_are_listed(embedded: Any) -> None:
    number = embedded.subscribe_quote(CODE, "5m", callback=lambda _: None)
    assert embedded.get_current_connect_sub_info() == [
        {"subId": number, "stockCode": CODE, "period": "5m", "isSub": True}
    ]
