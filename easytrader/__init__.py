r"""easytrader：同步的 A 股自动交易 SDK。

::

    import easytrader

    user = easytrader.use("miniqmt")  # 或 use("sim")：自带的模拟 MiniQMT，什么都不用准备
    user.connect(miniqmt_path=r"D:\国金证券QMT交易端\userdata_mini", stock_account="资金账号")
    user.buy("600036", price=35.5, amount=100)

导入本包不导入 xtquant、pandas，也不安装日志处理器。Windows 以外没有真的客户端，
导入之后 ``from xtquant import xttrader`` 就可用，连的是模拟的（`easytrader.sim.install`）。
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from easytrader import errors
from easytrader._version import __version__
from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    EasytraderError,
    JournalError,
    MissingDependencyError,
    NotConnectedError,
    OrdersNotAllowedError,
    OutcomeUnknownError,
    PlanStaleError,
    QueryFailedError,
    RebalanceBusyError,
    RiskRefusedError,
    SimulatorError,
    UnsupportedError,
    UsageError,
    WaitTimeoutError,
)

if TYPE_CHECKING:
    from easytrader import miniqmt as miniqmt
    from easytrader import notebook as notebook
    from easytrader import rebalance as rebalance
    from easytrader import sim as sim
    from easytrader.api import use as use
    from easytrader.checkup import doctor as doctor
    from easytrader.fleets.many import fleet as fleet
    from easytrader.notebook.frames import frame as frame
    from easytrader.orders import Receipt as Receipt
    from easytrader.risk import Guard as Guard

if sys.platform != "win32":
    from easytrader.sim.install import install as _install

    _install()

__all__ = [
    "ClosedError", "ConnectFailedError", "EasytraderError", "Guard", "JournalError",
    "MissingDependencyError", "NotConnectedError", "OrdersNotAllowedError", "OutcomeUnknownError",
    "PlanStaleError", "QueryFailedError", "RebalanceBusyError", "Receipt", "RiskRefusedError",
    "SimulatorError", "UnsupportedError", "UsageError", "WaitTimeoutError", "__version__",
    "doctor", "errors", "fleet", "frame", "miniqmt", "notebook", "rebalance", "sim", "use",
]  # fmt: skip

_LAZY_MODULES = ("miniqmt", "notebook", "rebalance", "sim")
_LAZY_NAMES = {
    "use": "easytrader.api",
    "doctor": "easytrader.checkup",
    "fleet": "easytrader.fleets.many",
    "frame": "easytrader.notebook.frames",
    "Guard": "easytrader.risk",
    "Receipt": "easytrader.orders",
}


def __getattr__(name: str) -> Any:
    """用到时才导入（PEP 562）：`use` 牵出 tenacity 等，`miniqmt`、`sim` 等各是一间屋子。"""
    import importlib

    home = _LAZY_NAMES.get(name)
    if home is not None:
        return getattr(importlib.import_module(home), name)
    if name in _LAZY_MODULES:
        return importlib.import_module(f"easytrader.{name}")
    from easytrader.basics.keywords import old_name_told

    raise AttributeError(old_name_told("module 'easytrader'", name))


def __dir__() -> list[str]:
    return sorted(__all__)
