"""厂商的方法各是从哪个版本起有的：装着的 xtquant 没有时，说得出要升级到哪一版。

逐个版本对照包索引上的安装包得来（240119.3 到 250807.1.2），见文档页「xtquant 的版本」。
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

OLDEST: Final = "240119"
"""包索引上最老的版本；这里没有写的方法从它起就有。"""

_NEW: Final = {
    "240613": "query_position_statistics export_data query_data",
    "240812": "sync_transaction_from_external",
    "250516": "bank_transfer_in bank_transfer_in_async bank_transfer_out bank_transfer_out_async "
    "query_bank_info query_bank_amount query_bank_transfer_stream query_secu_account "
    "ctp_transfer_option_to_future ctp_transfer_option_to_future_async "
    "ctp_transfer_future_to_option ctp_transfer_future_to_option_async "
    "on_bank_transfer_async_response on_ctp_internal_transfer_async_response",
    "250807": "get_smart_algo_param smart_algo_order_async query_smart_algo_task "
    "cancel_smart_algo_task_async on_smart_algo_order_async_response "
    "on_operate_smart_task_async_response",
}

SINCE: Final = {name: first for first, names in _NEW.items() for name in names.split()}
"""厂商的方法、回调 → 第一个有它的版本（安装包版本号的第一段，是日期）。"""


def installed() -> str:
    """装着的 xtquant 的版本；从客户端目录里拷来的没有安装记录，看它自己写的。"""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("xtquant")
    except PackageNotFoundError:
        return str(getattr(sys.modules.get("xtquant"), "__version__", "")).removeprefix("xtquant_")


def missing_text(method: str, plug: ModuleType | str | None) -> str:
    """没有 ``method`` 时怎么说。

    Args:
        method: 厂商的方法名。
        plug: 插的同形模块；装着的 ``xtquant`` 为 None。
    """
    if plug is not None:
        name = plug if isinstance(plug, str) else plug.__name__
        return f"{name} 没有 {method}，这项业务用不了；什么都没有发出"
    told = " ".join(filter(None, ("装着的 xtquant", installed())))
    since = SINCE.get(method)
    if since is None:
        return f"{told} 没有 {method}：换一个版本，pip install -U xtquant；什么都没有发出"
    return (
        f"{told} 没有 {method}：从 {since} 版起才有，请升级：pip install -U xtquant；什么都没有发出"
    )
