"""模拟 MiniQMT：在厂商自己的 Python 代码之下，随处可跑。

```python
from easytrader import sim

sim.create("demo", [sim.AccountConfig("10001", cash=1_000_000)], exist_ok=True)
sim.reset("demo")  # 从头来过
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from easytrader.sim.config.folder import AccountConfig as AccountConfig
    from easytrader.sim.config.folder import SimConfig as SimConfig
    from easytrader.sim.config.folder import create as create
    from easytrader.sim.host.lease import reset as reset

__all__ = ["AccountConfig", "SimConfig", "create", "reset"]


def __getattr__(name: str) -> Any:
    # 用到才导入：`import easytrader` 会经过这里
    if name == "reset":
        from easytrader.sim.host.lease import reset

        return reset
    if name in __all__:
        from easytrader.sim.config import folder

        return getattr(folder, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
