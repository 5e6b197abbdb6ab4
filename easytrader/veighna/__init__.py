"""我们的交易口作 VeighNa 的接口：任何一个后端，放进 VeighNa 4 的主引擎里用。

::

    from vnpy.event import EventEngine
    from vnpy.trader.engine import MainEngine

    from easytrader.veighna import EasytraderGateway

    main_engine = MainEngine(EventEngine())
    main_engine.add_gateway(EasytraderGateway, "QMT")
    main_engine.connect({"后端": "miniqmt", "路径": "…", "资金账号": "…"}, "QMT")

没有装 VeighNa 时，导入这个包抛 `MissingDependencyError`，信息里有最小的装法；``import easytrader``
不受影响。导入它不建文件夹，不动 loguru 与 Ctrl-C：那些是 VeighNa 的主引擎（``vnpy.trader.engine``）
导入时做的。
"""

from __future__ import annotations

from easytrader.errors import MissingDependencyError
from easytrader.gateways.package import RECIPE

__all__ = ["EasytraderGateway"]

try:
    import vnpy.trader.gateway  # noqa: F401  只看有没有
except ImportError as exc:
    told = f"没有装 VeighNa（{exc}）。不要窗口的最小装法：{RECIPE}；要窗口的：pip install vnpy"
    raise MissingDependencyError(told, name=exc.name) from exc

from easytrader.veighna.gateway import EasytraderGateway
