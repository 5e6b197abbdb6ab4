"""导入 VeighNa 与它的接口：它在导入时改动进程的那几样都还原，缺什么说出怎样装。

核对过的是 vnpy 4.5.0：``vnpy.trader.logger`` 去掉进程里所有的 loguru 处理器；``vnpy.rpc`` 把
Ctrl-C 换成直接杀死进程，而且不在主线程上就导入不了；``MainEngine()`` 每次都换工作目录；
缺省的日志把委托写到屏幕与 ``~/.vntrader/log``。
"""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
import threading
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.errors import ConnectFailedError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator

RECIPE: Final = (
    "pip install --no-deps vnpy==4.5.0 && "
    "pip install --prefer-binary numpy ta-lib loguru requests tzlocal pyzmq"
)
"""不要窗口的最小装法：135 MB，全装是 974 MB。"""

_NAMES: Final = {
    "vnpy.event": ("EVENT_TIMER", "Event", "EventEngine"),
    "vnpy.trader.engine": ("MainEngine",),
    "vnpy.trader.gateway": ("BaseGateway",),
    "vnpy.trader.constant": ("Direction", "Exchange", "Offset", "OrderType", "Product", "Status"),
    "vnpy.trader.object": (
        *("AccountData", "CancelRequest", "ContractData", "LogData", "OrderData", "OrderRequest"),
        *("PositionData", "SubscribeRequest", "TickData", "TradeData"),
    ),
    "vnpy.trader.event": (
        *("EVENT_ACCOUNT", "EVENT_CONTRACT", "EVENT_LOG", "EVENT_ORDER", "EVENT_POSITION"),
        *("EVENT_TICK", "EVENT_TRADE"),
    ),
}
_importing: Final = threading.RLock()


@lru_cache(maxsize=1)
def load() -> Any:
    """VeighNa 里用得到的名字，都在一个名字空间里，如 ``load().MainEngine``。

    Raises:
        MissingDependencyError: 没有装，或装得不全；信息里有要执行的命令。
    """
    fresh = "vnpy.trader.setting" not in sys.modules
    with guarded_import():
        settings = _module("vnpy.trader.setting").SETTINGS
        if fresh:  # 已经在用 VeighNa 的程序，日志照它自己的
            for each in ("log.active", "log.console", "log.file"):
                settings[each] = False
        found: dict[str, Any] = {"settings": settings}
        for module, names in _NAMES.items():
            loaded = _module(module)
            found.update({name: getattr(loaded, name) for name in names})
        found["engine"] = importlib.import_module("vnpy.trader.engine")
    return SimpleNamespace(**found)


def check_flow_folder(title: str) -> None:
    """CTP 的流文件在 ``.vntrader`` 里，路径按 GBK 交给 C++：Linux 上有中文的打不开，进程被终止。

    Raises:
        ConnectFailedError: 是这样的路径，什么都没有做。
    """
    folder = str(getattr(sys.modules.get("vnpy.trader.utility"), "TEMP_DIR", ""))
    if sys.platform != "win32" and not folder.isascii():
        told = f"{title} 的流文件在 {folder}，路径里有英文以外的字，C++ 打不开，整个进程会被终止"
        raise ConnectFailedError(f"{told}：换一个英文的 HOME，或在有 .vntrader 的英文文件夹里跑")


def gateway_class(module: str, name: str, recipe: str) -> type[Any]:
    """一家的接口类。

    Args:
        module: 在哪个模块里，如 ``vnpy_ctp``。
        name: 类名。
        recipe: 没有装时怎样装。

    Raises:
        MissingDependencyError: 没有装，或装了而导入不了。
    """
    load()
    with guarded_import():
        try:
            found: type[Any] = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, OSError) as exc:
            told = f"导入不了 {module}：{exc}。{recipe}"
            raise MissingDependencyError(told) from exc
    return found


@contextlib.contextmanager
def guarded_import() -> Iterator[None]:
    """这一段里的导入不动 loguru 的处理器、Ctrl-C 与 ``sys.path``；哪个线程上都行。"""
    with _importing:
        here = threading.get_ident()
        mine = threading.current_thread() is threading.main_thread()
        path = sys.path.copy()
        real_signal, real_remove, real_configure = signal.signal, logger.remove, logger.configure
        interrupt = signal.getsignal(signal.SIGINT)

        def set_signal(number: Any, handler: Any) -> Any:
            if threading.get_ident() == here and not mine:
                return signal.getsignal(number)
            return real_signal(number, handler)

        def remove(handler_id: int | None = None) -> None:
            if threading.get_ident() != here:
                real_remove(handler_id)

        def configure(**options: Any) -> list[int]:
            if threading.get_ident() != here:
                return real_configure(**options)
            return []

        patched: Any = signal, logger
        patched[0].signal = set_signal
        patched[1].remove, patched[1].configure = remove, configure
        try:
            yield
        finally:
            patched[0].signal = real_signal
            del patched[1].remove, patched[1].configure
            if mine and signal.getsignal(signal.SIGINT) is not interrupt:
                signal.signal(signal.SIGINT, interrupt)
            utility = sys.modules.get("vnpy.trader.utility")
            added = str(getattr(utility, "TRADER_DIR", ""))
            if added not in path and added in sys.path:
                sys.path.remove(added)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        told = f"要有 VeighNa，没有装或装得不全（{exc}）。最小的装法：{RECIPE}"
        raise MissingDependencyError(told) from exc
    except OSError as exc:
        told = f"VeighNa 要在用户目录下建 .vntrader 文件夹，建不了：{exc}"
        raise MissingDependencyError(told) from exc
