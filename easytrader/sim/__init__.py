"""模拟 MiniQMT：在厂商自己的 Python 代码之下，随处可跑。

```python
from easytrader import sim

sim.create("demo", [sim.AccountConfig("10001", cash=1_000_000)], exist_ok=True)
sim.reset("demo")  # 从头来过
```

房间，上面的用下面的，从不反过来：

- `install` 让 ``import xtquant`` 在任何机器上可用；`native` 厂商原生模块的替身
- `host` 占着文件夹的进程：会话、套接字、故障、单步
- `gateway` 厂商的口径：动作表、翻译、行
- `counter` 柜台：命令进、事件出；`quotes` 行情接口的快照与 K 线
- `business` 各项业务，一项一个插件；`storage` 落盘
- `ledger` 账；`config` 模拟文件夹与里面的 JSON
- `market` 行情从哪里来；`exchange` 开市时间、竞价与撮合；`rules` 带日期的规则
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from easytrader.sim.config.folder import AccountConfig as AccountConfig
    from easytrader.sim.config.folder import SimConfig as SimConfig
    from easytrader.sim.config.folder import create as create
    from easytrader.sim.exchange import auction as auction
    from easytrader.sim.gateway import history as history
    from easytrader.sim.host.faults import Faults as Faults
    from easytrader.sim.host.lease import reset as reset
    from easytrader.sim.host.stepping import Stepper as Stepper

__all__ = [
    "AccountConfig",
    "Faults",
    "SimConfig",
    "Stepper",
    "auction",
    "create",
    "history",
    "reset",
]


_MODULES: Final = {"auction": "exchange.auction", "history": "gateway.history"}
_ROOMS: Final = {"Faults": "host.faults", "Stepper": "host.stepping", "reset": "host.lease"}


def __getattr__(name: str) -> Any:
    # 用到才导入：`import easytrader` 会经过这里
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _MODULES:
        return import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(import_module(f"{__name__}.{_ROOMS.get(name, 'config.folder')}"), name)
