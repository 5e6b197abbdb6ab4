"""``xtquant.datacenter`` 的替身：厂商的 ``xtdatacenter.py`` 与 ``xtdata.py`` 跑在它上面。

行情客户端是 `IPythonApiClient`；自己起一个行情服务（``xtdatacenter.init``，要 token）不模拟。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.sim.native.quote_client import IPythonApiClient, refusing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "IPythonApiClient",
    "get_local_server_port",
    "register_create_nparray",
    "rpc_init",
    "shutdown",
]


def rpc_init(config_dir: str) -> int:
    """厂商在导入时调用；不小于 0 就是成功。"""
    return 0


def get_local_server_port() -> int:
    """本进程里没有行情服务。"""
    return 0


def register_create_nparray(make: Callable[..., Any]) -> None:
    """厂商交来造数组的函数；这里自己造。"""


def shutdown() -> None:
    """没有起过行情服务，也就不用关。"""


NOT_SIMULATED: Final = (
    "fetch_auth_markets",
    "fetch_init_result",
    "fetch_server_list_status",
    "get_status",
    "listen",
    "log_init",
    "set_allow_optmize_address",
    "set_config_dir",
    "set_data_home_dir",
    "set_future_realtime_mode",
    "set_index_mirror_enabled",
    "set_kline_cutting_mode",
    "set_kline_mirror_enabled",
    "set_quote_time_version",
    "set_thousand_source_mode",
    "set_token",
    "set_watch_market_list",
    "set_wholequote_market_list",
    "start_init_quote",
)
"""厂商的 ``xtdatacenter.py`` 会用到而这里不模拟的函数。"""

_TOLD: Final = "模拟行情没有 xtdatacenter 的行情服务（{}）；直接用 xtdata。"
globals().update({name: refusing(name, _TOLD.format(name)) for name in NOT_SIMULATED})
